// SPDX-License-Identifier: MIT OR Apache-2.0
//! `import`: what is taken over, what is said of the rest, and what is never followed. The accounts are the system's; the
//! files lie in directories of the test's own, some of them owned by those accounts.

use std::fs;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _, chown, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::host::{BINARY, Host, run};
use crate::phone::Phone;

const SECRET: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
const OTHER: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

fn google(secret: &str) -> String {
    format!("{secret}\n\" RATE_LIMIT 3 30\n\" WINDOW_SIZE 17\n\" DISALLOW_REUSE\n\" TOTP_AUTH\n12345678\n87654321\n")
}

/// A file of root's, mode 0600.
fn file(host: &Host, name: &str, contents: &str) -> String {
    let path = host.path(name);
    fs::write(&path, contents).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    path.to_str().unwrap().to_owned()
}

/// A directory that a user owns, reachable for that user; gone with it.
struct Home(PathBuf);

impl Home {
    fn of(uid: u32) -> Self {
        static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
        let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
        let path = PathBuf::from(format!("/tmp/nightlatch-home-{}-{number}", std::process::id()));
        fs::DirBuilder::new().mode(0o700).create(&path).unwrap();
        chown(&path, Some(uid), Some(uid)).unwrap();
        Self(path)
    }

    fn put(&self, name: &str, contents: &str, uid: u32) -> String {
        let path = self.0.join(name);
        fs::write(&path, contents).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
        chown(&path, Some(uid), Some(uid)).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _: std::io::Result<()> = fs::remove_dir_all(&self.0);
    }
}

/// What is said of the one person.
fn person(object: &Value) -> Value {
    assert_eq!((&object["schema"], object["people"].as_array().map(Vec::len)), (&json!(1), Some(1)), "{object}");
    object["people"][0].clone()
}

fn import(host: &Host, user: &str, file: &str, status: i32) -> Value {
    person(&host.run(&["--json", "import", "google-authenticator", user, "--file", file]).expect(status).json())
}

fn reason(of: &Value) -> String {
    assert_eq!(of["result"], "not-imported", "{of}");
    of["reasons"][0].as_str().unwrap().to_owned()
}

#[test]
fn a_file_of_google_authenticator_is_taken_over_with_its_scratch_codes_and_what_is_not_kept_is_said() {
    let host = Host::new();
    let file = file(&host, "ga", &google(SECRET));
    let would = host.run(&["import", "google-authenticator", "daemon", "--file", &file, "--dry-run"]).expect(0);
    assert!(would.stdout.contains("daemon  would be imported  phone (totp)  2\n"), "{}", would.stdout);
    assert_eq!(host.status("daemon")["enrolled"], false);
    let done = import(&host, "daemon", &file, 0);
    assert_eq!((&done["result"], &done["backup_codes"], &done["uid"]), (&json!("imported"), &json!(2), &json!(1)));
    assert_eq!(
        done["devices"],
        json!([{"name": "phone", "kind": "totp", "algorithm": "sha1", "digits": 6, "period": 30, "offset": 0, "counter": null}])
    );
    let notes: Vec<_> = done["not_kept"].as_array().unwrap().iter().map(|note| note.as_str().unwrap()).collect();
    assert!(notes.len() == 2 && notes[0].starts_with("WINDOW_SIZE 17: 3 codes") && notes[1].starts_with("RATE_LIMIT"));
    let status = host.status("daemon");
    assert_eq!((&status["backup_codes_left"], &status["backup_codes_inherited"]), (&json!(2), &json!(true)));
    let shown = host.run(&["status", "daemon"]).expect(0).stdout;
    assert!(shown.contains("2 left, of google-authenticator; 'nightlatch backup-codes daemon' makes stronger ones"));

    let phone = Phone::usual(SECRET);
    assert_eq!(host.run_with(&["verify", "daemon"], &format!("{}\n", phone.code(0))).status, 0);
    assert_eq!(host.run_with(&["verify", "daemon"], "12345678\n").status, 0);
    assert_eq!(host.run_with(&["verify", "daemon"], "12345678\n").status, 3);
    assert_eq!(host.run_with(&["verify", "daemon"], "87654321\n").status, 0);
    host.run(&["backup-codes", "daemon", "--yes"]).expect(0);
    let status = host.status("daemon");
    assert_eq!((&status["backup_codes_left"], &status["backup_codes_inherited"]), (&json!(10), &json!(false)));
}

#[test]
fn run_again_it_changes_nothing_and_says_that_they_are_there_already() {
    let host = Host::new();
    let first = file(&host, "ga", &google(SECRET));
    import(&host, "daemon", &first, 0);
    let before = fs::read(host.record(1)).unwrap();
    let again = host.run(&["--json", "import", "google-authenticator", "daemon", "--file", &first]).expect(0).json();
    assert_eq!((&again["changed"], &person(&again)["result"]), (&json!(false), &json!("already")));
    // Whatever the old file says by now, or if it is gone.
    assert_eq!(import(&host, "daemon", &file(&host, "other", &google(OTHER)), 0)["result"], "already");
    assert_eq!(import(&host, "daemon", "/root/nowhere/there-is-none", 0)["result"], "already");
    assert_eq!(fs::read(host.record(1)).unwrap(), before);
}

#[test]
fn a_code_that_the_old_module_has_accepted_is_used_here_too() {
    let host = Host::new();
    let phone = Phone::usual(SECRET);
    let step = phone.now() / 30;
    let file = file(&host, "ga", &format!("{SECRET}\n\" DISALLOW_REUSE {step}\n\" TOTP_AUTH\n"));
    import(&host, "daemon", &file, 0);
    let at = |step: u64| phone.code_at(step * 30);
    assert_eq!(host.run_with(&["verify", "daemon"], &format!("{}\n", at(step))).status, 3);
    assert_eq!(host.run_with(&["verify", "daemon"], &format!("{}\n", at(step + 1))).status, 0);
}

#[test]
fn a_users_file_of_pam_oath_is_taken_over_line_by_line() {
    let host = Host::new();
    let key = "3132333435363738393031323334353637383930";
    let text = format!(
        "# a comment\nHOTP/E/6\tdaemon\t-\t{key}\t2\t359152\t2006-12-07T00:00:00L\nHOTP/T30\tbin\ts3cret\t{}\n\
         MOTP bin 1234 00\nHOTP/T60 daemon + {}\nHOTP sys - 3132\nHOTP no-such-account - {key}\nHOTP games - {key}\n",
        "41".repeat(20),
        "42".repeat(20)
    );
    let path = file(&host, "users.oath", &text);
    let ran = host.run(&["--json", "import", "oath", &path]).expect(1);
    assert!(!ran.stdout.contains("s3cret") && !ran.stdout.contains(key), "{}", ran.stdout);
    let object = ran.json();
    let results: Vec<_> = object["people"].as_array().unwrap().iter().map(|p| (&p["user"], &p["result"])).collect();
    let (yes, no) = (json!("imported"), json!("not-imported"));
    let names = ["daemon", "bin", "sys", "no-such-account", "games"].map(|name| json!(name));
    let expected: Vec<_> = names.iter().zip([&yes, &yes, &no, &no, &no]).collect();
    assert_eq!(results, expected);
    assert_eq!(
        object["people"][4]["reasons"][0],
        "the secret is daemon's too: each would log in as the other; enroll anew"
    );
    assert_eq!(object["people"][0]["devices"][0]["counter"], 3);
    assert_eq!(object["people"][1]["not_kept"].as_array().unwrap().len(), 2);
    // 359152 is the code of counter 2, and 969429 that of 3.
    assert_eq!(host.run_with(&["verify", "daemon"], "359152\n").status, 3);
    assert_eq!(host.run_with(&["verify", "daemon"], "969429\n").status, 0);
    // The second run knows by the record whose secret it is.
    let again = host.run(&["--json", "import", "oath", &path, "--user", "games"]).expect(1).json();
    assert!(reason(&person(&again)).contains("daemon's too"));
    let none = host.run(&["--json", "import", "oath", &path, "--user", "mail"]).expect(1).json();
    assert!(reason(&person(&none)).contains("no line"));
}

#[test]
fn a_short_secret_has_to_be_allowed_by_name() {
    let host = Host::new();
    let file = file(&host, "ga", "GEZDGNBVGY3TQOJQ\n\" TOTP_AUTH\n");
    assert!(reason(&import(&host, "daemon", &file, 1)).contains("80 bits"));
    let allowed = ["import", "google-authenticator", "daemon", "--file", &file, "--allow-short-secret"];
    host.run(&allowed).expect(0);
    assert_eq!(host.status("daemon")["enrolled"], true);
}

/// THREATS V40: whoever owns the directory can make nobody read anything but a file of their own.
#[test]
fn no_link_no_fifo_and_no_file_of_another_is_read_in_a_directory_of_the_user_s() {
    let host = Host::new();
    let home = Home::of(2);
    let secret = file(&host, "roots", &google(OTHER));
    let elsewhere = Home::of(1);
    let of_daemon = elsewhere.put("ga", &google(OTHER), 1);
    let path = |name: &str| home.0.join(name).to_str().unwrap().to_owned();
    symlink(&secret, path("to-root")).unwrap();
    symlink(&of_daemon, path("to-daemon")).unwrap();
    symlink("/etc/shadow", path("to-shadow")).unwrap();
    fs::hard_link(&of_daemon, path("hard")).unwrap();
    home.put("twice", &google(OTHER), 2);
    fs::hard_link(path("twice"), path("twice-again")).unwrap();
    home.put("roots-own", &google(OTHER), 0);
    home.put("large", &"A".repeat(65_537), 2);
    fs::create_dir(path("directory")).unwrap();
    Command::new("mkfifo").arg(path("fifo")).status().unwrap();
    for (name, words) in [
        ("to-root", "symbolic link"),
        ("to-daemon", "symbolic link"),
        ("to-shadow", "symbolic link"),
        ("hard", "cannot be read by the user"),
        ("twice", "hard links"),
        ("roots-own", "cannot be read by the user"),
        ("large", "larger than 64 KiB"),
        ("directory", "no regular file"),
        ("fifo", "no regular file"),
        ("missing", "is not there"),
    ] {
        let begun = std::time::Instant::now();
        let refused = reason(&import(&host, "bin", &path(name), 1));
        assert!(refused.contains(words), "{name}: {refused}");
        assert!(begun.elapsed().as_secs() < 10, "{name}");
    }
    fs::set_permissions(&of_daemon, fs::Permissions::from_mode(0o444)).unwrap();
    assert!(reason(&import(&host, "bin", &path("hard"), 1)).contains("hard links"));
    fs::set_permissions(path("roots-own"), fs::Permissions::from_mode(0o444)).unwrap();
    assert!(reason(&import(&host, "bin", &path("roots-own"), 1)).contains("not owned by the user"));
    assert_eq!(host.status("bin")["enrolled"], false);
    // Its own file is read, though nobody but the user may enter the directory.
    let own = home.put("own", &google(SECRET), 2);
    assert_eq!(import(&host, "bin", &own, 0)["result"], "imported");
    let template = format!("{}/own", home.0.display()).replace("/own", "/{user}");
    home.put("bin", &google(SECRET), 2);
    let again = host.run(&["--json", "import", "google-authenticator", "bin", "--path", &template]).expect(0).json();
    assert_eq!(person(&again)["result"], "already");
}

/// A directory on the way that leads elsewhere leads the owner there, and not root.
#[test]
fn a_directory_of_the_user_s_leads_root_nowhere() {
    let host = Host::new();
    let home = Home::of(2);
    let keep = Home::of(0);
    keep.put("bin", &google(OTHER), 0);
    symlink(&keep.0, home.0.join("way")).unwrap();
    let template = format!("{}/way/{{user}}", home.0.display());
    let ran = host.run(&["--json", "import", "google-authenticator", "bin", "--path", &template]).expect(1);
    assert!(reason(&person(&ran.json())).contains("cannot be read by the user"), "{ran:?}");
}

#[test]
fn a_users_file_that_others_can_change_is_read_for_nobody_but_its_owner() {
    let host = Host::new();
    let home = Home::of(2);
    let line = |user: &str, key: &str| format!("HOTP/T30 {user} - {}\n", key.repeat(20));
    let path = home.put("users.oath", &format!("{}{}", line("bin", "41"), line("daemon", "42")), 2);
    let refused = host.run(&["--json", "import", "oath", &path]).expect(1).json();
    assert_eq!((&refused["error"]["kind"], &refused["error"]["path"]), (&json!("import"), &json!(path)));
    let of_daemon = host.run(&["--json", "import", "oath", &path, "--user", "daemon"]).expect(1).json();
    assert_eq!(of_daemon["error"]["kind"], "import");
    let own = host.run(&["--json", "import", "oath", &path, "--user", "bin"]).expect(0).json();
    assert_eq!(person(&own)["result"], "imported");
    assert_eq!(host.status("daemon")["enrolled"], false);
}

#[test]
fn what_runs_as_the_owner_has_no_rights_of_root_s_left_and_reads_nothing_with_further_groups() {
    let home = Home::of(2);
    let path = home.put("own", "what is mine", 2);
    let as_whom = |groups: &str| {
        let mut command = Command::new("setpriv");
        let words = ["--reuid=2", "--regid=2", groups, BINARY, "import", "read-own-file", &path];
        command.args(words);
        run(&mut command, "").expect(0).stdout
    };
    assert_eq!(as_whom("--clear-groups"), "\0what is mine");
    let refused = as_whom("--groups=4");
    assert!(refused.len() == 1 && refused != "\0", "{refused:?}");
}

#[test]
fn a_damaged_record_is_no_there_already() {
    let host = Host::new();
    let file = file(&host, "ga", &google(SECRET));
    import(&host, "daemon", &file, 0);
    let mut bytes = fs::read(host.record(1)).unwrap();
    bytes[600] ^= 1;
    fs::write(host.record(1), bytes).unwrap();
    assert!(reason(&import(&host, "daemon", &file, 1)).contains("damaged"));
}

#[test]
fn wrong_usage_and_missing_rights_are_said() {
    let host = Host::new();
    for words in [
        &["import"][..],
        &["import", "google-authenticator"],
        &["import", "google-authenticator", "--all", "daemon"],
        &["import", "google-authenticator", "daemon", "bin", "--file", "/x"],
        &["import", "google-authenticator", "daemon", "--path", "/var/ga"],
        &["import", "google-authenticator", "daemon", "--path", "ga/{user}"],
        &["import", "oath"],
    ] {
        assert_eq!(host.run(words).status, 2, "{words:?}");
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=2", "--regid=2", "--clear-groups", BINARY, "import", "google-authenticator", "--all"]);
    assert!(run(&mut command, "").expect(1).stderr.contains("only root"));
    let bare = Host::bare("");
    assert_eq!(
        bare.run(&["--json", "import", "google-authenticator", "daemon"]).expect(1).json()["error"]["kind"],
        "missing"
    );
    assert!(!Path::new("/var/lib/nightlatch-import-test").exists());
}
