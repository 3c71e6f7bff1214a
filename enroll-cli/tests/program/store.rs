// SPDX-License-Identifier: MIT OR Apache-2.0
//! `store`. Needs age, which is not ours: what we encrypt it opens, and the other way round.

use std::fs;
use std::process::Command;

use serde_json::{Value, json};

use crate::host::{Host, Ran, mode};
use crate::phone::{Phone, Token};
use crate::window::Window;

const PASSPHRASE: &str = "correct horse battery staple";

fn path(host: &Host, name: &str) -> String {
    host.path(name).to_str().unwrap().to_owned()
}

/// A backup under the master key.
fn backed_up(host: &Host, name: &str) -> String {
    let file = path(host, name);
    host.run(&["store", "backup", &file, "--under-master-key"]).expect(0);
    file
}

fn encrypted(host: &Host, name: &str) -> String {
    let file = path(host, name);
    host.run_with(&["store", "backup", &file, "--passphrase"], PASSPHRASE).expect(0);
    file
}

fn restored(host: &Host, file: &str, more: &[&str]) -> Ran {
    host.run_with(&[&["store", "restore", file, "--json"], more].concat(), PASSPHRASE)
}

/// Standing and outcome of somebody.
fn of(ran: &Value, user: &str) -> (String, String) {
    let person = ran["people"].as_array().unwrap().iter().find(|person| person["user"] == user).unwrap();
    (person["standing"].as_str().unwrap_or("?").to_owned(), person["outcome"].as_str().unwrap().to_owned())
}

fn is(ran: &Value, user: &str, standing: &str, outcome: &str) {
    assert_eq!(of(ran, user), (standing.to_owned(), outcome.to_owned()), "{ran}");
}

#[test]
fn a_backup_is_one_file_of_roots_alone_with_all_that_is_needed_and_never_over_another() {
    let host = Host::new();
    for user in ["daemon", "bin"] {
        host.enrolled(user);
    }
    host.run(&["invite", "games"]).expect(0);
    let file = path(&host, "plain");
    let ran = host.run(&["store", "backup", &file, "--under-master-key", "--json"]).expect(0);
    assert_eq!(
        ran.json(),
        json!({ "schema": 1, "changed": true, "path": file, "encrypted": false, "records": 2, "invitations": 1,
                "keys": 0, "flaws": [] })
    );
    assert_eq!(mode(&host.path("plain")), 0o600);
    let tar = |arguments: &[&str]| {
        let output = Command::new("tar").args(arguments).current_dir(host.path("")).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let names = "nightlatch-backup\nstore/store\nstore/users/1\nstore/users/2\nstore/users/5.invited\nSHA256SUMS\n";
    assert_eq!(tar(&["--list", "--file", "plain"]), names);
    fs::create_dir(host.path("out")).unwrap();
    tar(&["--extract", "--file", "plain", "--directory", "out"]);
    assert_eq!(fs::read(host.path("out/store/users/1")).unwrap(), fs::read(host.record(1)).unwrap());
    let sums = Command::new("sha256sum").args(["-c", "--quiet", "SHA256SUMS"]).current_dir(host.path("out")).status();
    assert!(sums.unwrap().success());

    let again = host.run(&["store", "backup", &file, "--under-master-key", "--json"]).expect(1).json();
    assert_eq!((&again["error"]["kind"], &again["error"]["path"]), (&json!("exists"), &json!(file)));
    let one = path(&host, "one");
    let ran = host.run(&["store", "backup", &one, "--under-master-key", "--user", "bin", "--json"]).expect(0).json();
    assert_eq!((&ran["records"], &ran["invitations"]), (&json!(1), &json!(0)));
    host.run(&["store", "backup", &path(&host, "no"), "--under-master-key", "--user", "games"]).expect(4);
    host.run(&["store", "backup", &path(&host, "no")]).expect(2);
    host.run(&["store", "backup", &path(&host, "no"), "--under-master-key", "--passphrase"]).expect(2);
    host.run_with(&["store", "backup", &path(&host, "no"), "--passphrase"], "too short").expect(2);
    host.run(&["store", "backup", &path(&host, "no"), "--passphrase"]).expect(2);
    host.run(&["store", "backup", "/dev/full/no", "--under-master-key"]).expect(1);
    let left: Vec<_> = fs::read_dir(host.path("")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| name == "no" || name.to_string_lossy().ends_with(".part")), "{left:?}");
}

#[test]
fn the_standard_program_opens_what_is_encrypted_and_what_it_encrypts_is_restored() {
    let host = Host::new();
    host.enrolled("daemon");
    let file = encrypted(&host, "backup.age");
    let line = format!("age --decrypt --output {0}.tar {0}", file);
    let mut window = Window::shell(&host, 24, 80, &line);
    window.wait_for("passphrase");
    window.type_line(PASSPHRASE);
    assert_eq!(window.end(), 0, "{}", window.all_that_is_left());
    let listed = Command::new("tar").args(["--list", "--file", &format!("{file}.tar")]).output().unwrap();
    let names = String::from_utf8(listed.stdout).unwrap();
    let key = fs::read_dir(host.path("keys")).unwrap().next().unwrap().unwrap().file_name().into_string().unwrap();
    assert_eq!(names, format!("nightlatch-backup\nstore/store\nkeys/{key}\nstore/users/1\nSHA256SUMS\n"));

    let line = format!("age --encrypt --passphrase --output {0}.2 {0}.tar", file);
    let mut window = Window::shell(&host, 24, 80, &line);
    window.wait_for("passphrase");
    window.type_line(PASSPHRASE);
    window.wait_for("onfirm");
    window.type_line(PASSPHRASE);
    assert_eq!(window.end(), 0, "{}", window.all_that_is_left());
    let ran = restored(&host, &format!("{file}.2"), &["--dry-run"]).expect(0).json();
    is(&ran, "daemon", "same", "unchanged");
}

#[test]
fn a_new_host_takes_everybody_over_and_what_was_used_there_stays_used() {
    let old = Host::new();
    let enrolled = old.enrolled("daemon");
    let (phone, codes) = (Phone::of(&enrolled), enrolled["backup_codes"].as_array().unwrap());
    let code = |index: usize| codes[index].as_str().unwrap();
    old.run_with(&["verify", "daemon"], code(0)).expect(0);
    let used = phone.code(0);
    old.run_with(&["verify", "daemon"], &used).expect(0);
    old.run(&["bypass", "daemon"]).expect(0);
    old.run(&["waive", "daemon", "--until", "+1h", "--reason", "moving"]).expect(0);
    old.run(&["invite", "games"]).expect(0);
    let file = encrypted(&old, "backup.age");

    for begun in [false, true] {
        let new = if begun { Host::new() } else { Host::bare("") };
        let dry = restored(&new, &file, &["--dry-run"]).expect(0);
        is(&dry.json(), "daemon", "new", "would-restore");
        assert_eq!(dry.stderr.contains("where it is only not mounted, mount it first"), !begun, "{}", dry.stderr);
        assert_eq!(new.path("store").exists(), begun, "nothing is made");
        restored(&new, &file, &[]).expect(2);
        let ran = restored(&new, &file, &["--yes"]).expect(0).json();
        is(&ran, "daemon", "new", "restored");
        assert_eq!(ran["invited_uids"], json!([5]));
        let notes = ran["people"][0]["notes"].to_string();
        for said in
            ["wait for the next", "backup-codes daemon", "bypass code is not put back", "waiver is not put back"]
        {
            assert!(notes.contains(said), "{said}: {notes}");
        }
        let status = new.status("daemon");
        assert_eq!((&status["bypass"], &status["waived_until"]), (&json!(null), &json!(null)));
        assert_eq!((&status["backup_codes_left"], &new.status("games")["invited_until"]), (&json!(9), &json!(null)));
        assert!(fs::read_dir(new.path("keys")).unwrap().count() == 1);
        assert_ne!(new.run(&["key", "list"]).expect(0).stdout, old.run(&["key", "list"]).expect(0).stdout);
        assert_eq!(mode(&new.record(1)), 0o600);
        for refused in [&used, &phone.code(0), code(0)] {
            new.run_with(&["verify", "daemon"], refused).expect(3);
        }
        // The window is closed for what is right now; a clock that is a step ahead stands for the next one.
        new.run_with(&["verify", "daemon"], code(1)).expect(0);
        new.run_with(&["verify", "daemon"], code(1)).expect(3);
        assert_eq!(new.run(&["doctor", "--only", "store"]).status, 0);
        is(&restored(&new, &file, &["--yes"]).expect(0).json(), "daemon", "older", "unchanged");
    }
}

#[test]
fn under_the_master_key_a_backup_waits_for_the_paper() {
    let old = Host::new();
    let enrolled = old.enrolled("daemon");
    let file = backed_up(&old, "backup");
    old.run(&["key", "backup", "--output", &path(&old, "paper")]).expect(0);
    let new = Host::bare("");
    let ran = restored(&new, &file, &["--yes"]).expect(1).json();
    assert!(ran["people"][0]["reason"].as_str().unwrap().contains("nightlatch key restore"), "{ran}");
    assert!(!new.path("store").exists(), "nothing is made for a backup that does not open");
    new.run(&["key", "restore", "--from", &path(&old, "paper")]).expect(0);
    is(&restored(&new, &file, &["--yes"]).expect(0).json(), "daemon", "new", "restored");
    let code = enrolled["backup_codes"][0].as_str().unwrap();
    new.run_with(&["verify", "daemon"], code).expect(0);
    // A host that has its own key takes the record under that one.
    let third = Host::new();
    third.run(&["key", "restore", "--from", &path(&old, "paper")]).expect(0);
    is(&restored(&third, &file, &["--yes"]).expect(0).json(), "daemon", "new", "restored");
    let keys = third.run(&["key", "list", "--json"]).expect(0).json();
    let with_records: Vec<_> = keys["keys"].as_array().unwrap().iter().filter(|key| key["records"] == 1).collect();
    assert!(with_records.len() == 1 && with_records[0]["for_new_records"] == true, "{keys}");
}

#[test]
fn an_older_backup_never_makes_a_used_code_fresh() {
    let host = Host::new();
    let enrolled = host.enrolled("daemon");
    let (phone, code) = (Phone::of(&enrolled), enrolled["backup_codes"][0].as_str().unwrap());
    let file = backed_up(&host, "backup");
    let used = phone.code(0);
    host.run_with(&["verify", "daemon"], &used).expect(0);
    host.run_with(&["verify", "daemon"], code).expect(0);
    host.run(&["key", "rotate", "--keep-old"]).expect(0);
    is(&restored(&host, &file, &["--yes"]).expect(0).json(), "daemon", "older", "unchanged");
    for again in [used.as_str(), code] {
        host.run_with(&["verify", "daemon"], again).expect(3);
    }
    assert_eq!(host.status("daemon")["backup_codes_left"], 9);
}

#[test]
fn a_backup_that_knows_of_more_is_taken_over_without_asking_for_what_is_void() {
    let host = Host::new();
    let enrolled = host.enrolled("daemon");
    let before = fs::read(host.record(1)).unwrap();
    let code = enrolled["backup_codes"][0].as_str().unwrap();
    host.run_with(&["verify", "daemon"], code).expect(0);
    let file = backed_up(&host, "backup");
    // As root may do, and nothing notices.
    fs::write(host.record(1), before).unwrap();
    assert_eq!(host.status("daemon")["backup_codes_left"], 10);
    is(&restored(&host, &file, &["--yes"]).expect(0).json(), "daemon", "newer", "restored");
    host.run_with(&["verify", "daemon"], code).expect(3);
    assert_eq!(host.status("daemon")["backup_codes_left"], 9);
}

#[test]
fn what_is_void_here_comes_back_only_where_somebody_says_so() {
    let host = Host::new();
    let enrolled = host.enrolled("daemon");
    let (old_code, second) =
        (enrolled["backup_codes"][0].as_str().unwrap(), enrolled["backup_codes"][1].as_str().unwrap());
    host.run_with(&["verify", "daemon"], second).expect(0);
    let file = backed_up(&host, "backup");
    let new: Value = host.run(&["backup-codes", "daemon", "--yes", "--json"]).expect(0).json();
    let new_code = new["backup_codes"][0].as_str().unwrap();
    let ran = restored(&host, &file, &["--yes"]).expect(1).json();
    is(&ran, "daemon", "older-record", "left");
    assert_eq!(ran["people"][0]["void_here"], json!(["9 backup codes of an older set"]));
    host.run_with(&["verify", "daemon"], old_code).expect(3);
    host.run(&["unlock", "daemon"]).expect(0);

    // On a terminal the second question is about that alone.
    let mut window = Window::open(&host, 30, 100, &["store", "restore", &file]);
    window.wait_for("Restore 1 of 1 people? [y/N]");
    window.type_line("y");
    window.wait_for("something void would be accepted again, as shown. Those too? [y/N]");
    window.type_line("n");
    assert_eq!(window.end(), 1);
    assert!(window.all_that_is_left().contains("left out"));
    host.run_with(&["verify", "daemon"], new_code).expect(0);

    let ran = restored(&host, &file, &["--yes", "--allow-used-codes"]).expect(0).json();
    is(&ran, "daemon", "older-record", "restored");
    host.run_with(&["verify", "daemon"], old_code).expect(0);
    host.run_with(&["verify", "daemon"], second).expect(3);
    host.run_with(&["verify", "daemon"], new["backup_codes"][1].as_str().unwrap()).expect(3);
    host.run(&["store", "restore", &file, "--allow-used-codes"]).expect(2);
}

#[test]
fn a_device_that_was_added_goes_and_one_that_was_removed_is_named() {
    let host = Host::new();
    let phone = Phone::of(&host.enrolled("daemon"));
    let file = backed_up(&host, "backup");
    let added = host.run(&["device", "add", "daemon", "--name", "tablet", "--no-confirm", "--json"]).expect(0).json();
    let tablet = Phone::scanned(added["device"]["uri"].as_str().unwrap());
    let used = phone.code(0);
    host.run_with(&["verify", "daemon"], &used).expect(0);
    let second = backed_up(&host, "with-tablet");
    is(&restored(&host, &file, &["--yes"]).expect(0).json(), "daemon", "older-record", "restored");
    host.run_with(&["verify", "daemon"], &used).expect(3);
    host.run_with(&["verify", "daemon"], &tablet.code(0)).expect(3);
    let ran = restored(&host, &second, &["--yes"]).expect(1).json();
    assert_eq!(ran["people"][0]["outcome"], "left");
    assert_eq!(ran["people"][0]["void_here"], json!(["the device 'tablet'"]));
}

#[test]
fn counters_of_a_token_never_go_back() {
    let host = Host::new();
    let enrolled = host.run(&["enroll", "daemon", "--hotp", "--no-confirm", "--json"]).expect(0).json();
    let mut token = Token::scanned(enrolled["devices"][0]["uri"].as_str().unwrap());
    let file = backed_up(&host, "backup");
    let used = [token.press(), token.press()];
    for code in &used {
        host.run_with(&["verify", "daemon"], code).expect(0);
    }
    host.run(&["backup-codes", "daemon", "--yes", "--quiet"]).expect(0);
    restored(&host, &file, &["--yes", "--allow-used-codes"]).expect(0);
    for code in &used {
        host.run_with(&["verify", "daemon"], code).expect(3);
    }
    host.run_with(&["verify", "daemon"], &token.press()).expect(0);
}

#[test]
fn a_damaged_record_is_replaced_and_nobody_else_s_file_is() {
    let host = Host::new();
    let code = host.enrolled("daemon")["backup_codes"][0].as_str().unwrap().to_owned();
    let file = backed_up(&host, "backup");
    let sound = fs::read(host.record(1)).unwrap();
    let mut bytes = sound.clone();
    bytes[700] ^= 1;
    fs::write(host.record(1), bytes).unwrap();
    is(&restored(&host, &file, &["--yes"]).expect(0).json(), "daemon", "unreadable-here", "restored");
    host.run_with(&["verify", "daemon"], &code).expect(0);

    // bin's uid in the place of daemon's: a tar file that somebody made by hand.
    let swapped = path(&host, "swapped");
    fs::create_dir(host.path("hand")).unwrap();
    let script = format!(
        "cd {}; tar xf ../backup; mv store/users/1 store/users/2; sha256sum nightlatch-backup store/store store/users/2 \
         >SHA256SUMS; tar cf ../swapped --format=ustar nightlatch-backup store/store store/users/2 SHA256SUMS",
        host.path("hand").display()
    );
    assert!(Command::new("sh").args(["-ec", &script]).status().unwrap().success());
    let ran = restored(&host, &swapped, &["--yes"]).expect(1).json();
    assert_eq!((&ran["people"][0]["outcome"], &ran["people"][0]["user"]), (&json!("left"), &json!(null)));
    assert!(!host.record(2).exists());
}

#[test]
fn a_person_is_chosen_by_name_and_one_who_is_not_in_it_is_said() {
    let host = Host::new();
    for user in ["daemon", "bin"] {
        host.enrolled(user);
    }
    let file = backed_up(&host, "backup");
    for uid in ["1", "2"] {
        host.run(&["remove", "--uid", uid, "--yes"]).expect(0);
    }
    let ran = restored(&host, &file, &["--yes", "--user", "bin"]).expect(0).json();
    assert_eq!(ran["people"].as_array().unwrap().len(), 1);
    assert!(host.record(2).exists() && !host.record(1).exists());
    let ran = restored(&host, &file, &["--yes", "--user", "games"]).expect(4).json();
    assert_eq!(ran["error"]["kind"], "not-enrolled");
}

#[test]
fn what_is_no_backup_or_not_a_whole_one_changes_nothing() {
    let host = Host::new();
    host.enrolled("daemon");
    let (plain, age) = (backed_up(&host, "plain"), encrypted(&host, "age"));
    host.run(&["remove", "daemon", "--yes"]).expect(0);
    let kind = |file: &str, passphrase: &str| {
        let ran = host.run_with(&["store", "restore", file, "--yes", "--json"], passphrase).expect(1);
        assert!(!host.record(1).exists(), "{ran:?}");
        ran.json()["error"]["kind"].as_str().unwrap().to_owned()
    };
    assert_eq!(kind(&age, "another passphrase entirely"), "passphrase");
    for file in [&plain, &age] {
        let bytes = fs::read(file).unwrap();
        let mangled = format!("{file}.mangled");
        for length in [bytes.len() / 2, bytes.len() - 4000, bytes.len() * 9 / 10] {
            fs::write(&mangled, &bytes[..length.min(bytes.len() - 1)]).unwrap();
            assert_eq!(kind(&mangled, PASSPHRASE), "not-a-backup", "{length}");
        }
        for place in [3000, bytes.len() / 2] {
            let mut changed = bytes.clone();
            changed[place] ^= 1;
            fs::write(&mangled, &changed).unwrap();
            assert_eq!(kind(&mangled, PASSPHRASE), "not-a-backup", "{place}");
        }
    }
    for (name, text) in [("empty", ""), ("prose", "Dear colleague,\n"), ("key", "12345678901234567890123456789012")] {
        fs::write(host.path(name), text).unwrap();
        assert_eq!(kind(&path(&host, name), PASSPHRASE), "not-a-backup", "{name}");
    }
    assert_eq!(kind("/nowhere", PASSPHRASE), "io");
}

#[test]
fn a_backup_that_is_interrupted_leaves_nothing() {
    let host = Host::new();
    host.enrolled("daemon");
    let file = path(&host, "backup.age");
    let mut window = Window::open(&host, 24, 80, &["store", "backup", &file, "--passphrase"]);
    window.wait_for("Passphrase of the backup: ");
    window.type_line(PASSPHRASE);
    window.wait_for("Once more: ");
    window.signal("-INT");
    assert_eq!(window.end(), 130);
    let mut window = Window::open(&host, 24, 80, &["store", "backup", &file, "--passphrase"]);
    window.wait_for("Passphrase of the backup: ");
    window.type_line(PASSPHRASE);
    window.wait_for("Once more: ");
    window.type_line("correct horse battery stable");
    assert_eq!(window.end(), 2);
    let left = window.all_that_is_left();
    assert!(left.contains("differ") && !left.contains("horse"), "{left}");
    let names: Vec<_> = fs::read_dir(host.path("")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!names.iter().any(|name| name.to_string_lossy().contains("backup")), "{names:?}");
}
