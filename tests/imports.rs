// SPDX-License-Identifier: MIT OR Apache-2.0
//! From the peers' own programs to ours: enrolled and logged in by google-authenticator's or pam_oath's, imported, and in by
//! our module with the same phone. What was used there is used here.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

mod scene;

use std::fs;
use std::os::unix::fs::symlink;
use std::sync::Mutex;

use scene::*;
use serde_json::Value;

/// Their module alone.
fn google_alone() -> Service {
    Service::new("auth required pam_google_authenticator.so\naccount required pam_permit.so\n")
}

fn home_file(person: &Person) -> String {
    format!("/home/{}/.google_authenticator", person.name)
}

/// Somebody whom google-authenticator itself has enrolled, with its options.
fn of_google(stem: &str, options: &str) -> Person {
    let mut person = Person::stranger(stem);
    let enroll = format!("google-authenticator -C -f -Q none -q {options}");
    ok("runuser", &["-l", &person.name, "-c", &enroll]);
    let text = fs::read_to_string(home_file(&person)).unwrap();
    person.secret = text.lines().next().unwrap().to_owned();
    person.backup_codes = text.lines().skip(1).filter(|line| !line.starts_with('"')).map(str::to_owned).collect();
    person
}

/// The phone's code of a step of its own length.
fn code_of(person: &Person, period: u64, steps: i64) -> String {
    let at = i64::try_from(now()).unwrap() + i64::try_from(period).unwrap() * steps;
    let (step, at) = (format!("--time-step-size={period}s"), format!("@{at}"));
    ok("oathtool", &["--totp", "-b", &person.secret, &step, "-N", &at]).trim().to_owned()
}

fn counted(person: &Person, counter: u64) -> String {
    ok("oathtool", &["--hotp", "-b", &person.secret, "-c", &counter.to_string()]).trim().to_owned()
}

fn import(person: &Person) -> Value {
    let printed = ok("nightlatch", &["--json", "import", "google-authenticator", &person.name]);
    let object: Value = serde_json::from_str(&printed).unwrap();
    object["people"][0].clone()
}

/// What is said of somebody who is not taken over.
fn not_imported(person: &Person) -> String {
    let output = run("nightlatch", &["--json", "import", "google-authenticator", &person.name]);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let object: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(object["people"][0]["result"], "not-imported", "{object}");
    assert_eq!(person.status()["enrolled"], false);
    object["people"][0]["reasons"][0].as_str().unwrap().to_owned()
}

#[track_caller]
fn gets_in(service: &Service, person: &Person, code: &str) {
    let driven = attempt(service, &person.name, code);
    assert_eq!(driven.answer(), "PAM_SUCCESS", "{}", driven.output);
}

#[track_caller]
fn is_refused(service: &Service, person: &Person, code: &str) {
    let driven = attempt(service, &person.name, code);
    assert_eq!(driven.answer(), "PAM_AUTH_ERR", "{}", driven.output);
}

#[test]
fn a_phone_of_google_authenticator_goes_on_whatever_its_options() {
    let (theirs, ours) = (google_alone(), Service::alone(""));
    for (options, period, not_kept) in [
        ("-t -d -w 17 -r 3 -R 30", 30, vec!["WINDOW_SIZE 17", "RATE_LIMIT"]),
        ("-t -d -W -u", 30, vec![]),
        ("-t -d -W -u -S 60", 60, vec![]),
        ("-t -d -w 3 -u -S 15 -e 0", 15, vec![]),
    ] {
        let ann = of_google("ann", options);
        steady(12);
        let used = code_of(&ann, period, 0);
        gets_in(&theirs, &ann, &used);
        let done = import(&ann);
        assert_eq!(done["result"], "imported", "{done}");
        let said: Vec<_> = done["not_kept"].as_array().unwrap().iter().map(|note| note.as_str().unwrap()).collect();
        assert!(said.len() == not_kept.len() && said.iter().zip(&not_kept).all(|(a, b)| a.starts_with(b)), "{said:?}");
        // The log says why, and nothing is charged that was right once.
        is_refused(&ours, &ann, &used);
        assert_eq!(ann.status()["failures"], 0, "{options}: the last code again");
        gets_in(&ours, &ann, &code_of(&ann, period, 1));
        assert_eq!(ann.status()["devices"][0]["period"], period);
        assert_eq!(import(&ann)["result"], "already");
    }
}

#[test]
fn scratch_codes_work_once_each_in_both_together() {
    let (theirs, ours) = (google_alone(), Service::alone(""));
    let ann = of_google("ann", "-t -d -W -u -e 5");
    let codes = ann.backup_codes.clone();
    assert_eq!(codes.len(), 5);
    gets_in(&theirs, &ann, &codes[0]);
    assert_eq!(import(&ann)["backup_codes"], 4);
    is_refused(&ours, &ann, &codes[0]);
    let first = attempt(&ours, &ann.name, &codes[1]);
    assert_eq!(first.answer(), "PAM_SUCCESS");
    assert!(first.says("Backup code accepted. 3 backup codes are left."), "{}", first.output);
    is_refused(&ours, &ann, &codes[1]);
    gets_in(&ours, &ann, &format!("{} {}", &codes[3][..4], &codes[3][4..]));
    is_refused(&ours, &ann, &codes[1]);
    gets_in(&ours, &ann, &codes[2]);
    gets_in(&ours, &ann, &codes[4]);
    let status = ann.status();
    assert_eq!((&status["backup_codes_left"], &status["backup_codes_inherited"]), (&0.into(), &true.into()));
    ok("nightlatch", &["backup-codes", &ann.name, "--yes"]);
    is_refused(&ours, &ann, &codes[4]);
    assert_eq!(ann.status()["backup_codes_inherited"], false);
}

/// The hash, and no digit of a code, is in the file; and a second reader finds what the page says.
#[test]
fn an_inherited_set_is_hashed_and_its_file_is_of_the_second_version() {
    let ann = of_google("ann", "-t -d -W -u -e 2");
    import(&ann);
    let uid = ann.status()["uid"].as_u64().unwrap();
    let file = fs::read(format!("/var/lib/nightlatch/users/{uid}")).unwrap();
    assert_eq!(&file[..12], b"nightlatch\x01\x02");
    let sealed = String::from_utf8_lossy(&file);
    assert!(ann.backup_codes.iter().all(|code| !sealed.contains(code.as_str())));
    ok("nightlatch", &["backup-codes", &ann.name, "--yes"]);
    assert_eq!(fs::read(format!("/var/lib/nightlatch/users/{uid}")).unwrap()[11], 1);
}

#[test]
fn counters_of_google_authenticator_go_on_without_a_gap_or_a_replay() {
    let (theirs, ours) = (google_alone(), Service::alone(""));
    let ann = of_google("ann", "-c -w 10 -u");
    gets_in(&theirs, &ann, &counted(&ann, 1));
    // Two that were pressed and not typed.
    gets_in(&theirs, &ann, &counted(&ann, 4));
    assert_eq!(import(&ann)["devices"][0]["counter"], 5);
    for used in [1, 3, 4] {
        is_refused(&ours, &ann, &counted(&ann, used));
    }
    gets_in(&ours, &ann, &counted(&ann, 5));
    gets_in(&ours, &ann, &counted(&ann, 6));
}

/// Its own module says which way the skew counts.
#[test]
fn a_clock_that_their_module_knows_to_be_off_is_known_here() {
    let (theirs, ours) = (google_alone(), Service::alone(""));
    for skew in [-9_i64, 12] {
        let ann = of_google("ann", "-t -d -w 3 -u");
        let file = home_file(&ann);
        let text = fs::read_to_string(&file).unwrap().replacen('\n', &format!("\n\" TIME_SKEW {skew}\n"), 1);
        let edit = format!("chmod u+w {file} && cat > {file} <<'END'\n{text}END\nchmod 400 {file}\n");
        ok("runuser", &["-u", &ann.name, "--", "sh", "-ec", &edit]);
        steady(12);
        gets_in(&theirs, &ann, &ann.code(skew));
        import(&ann);
        assert_eq!(ann.status()["devices"][0]["offset"], skew * 30);
        is_refused(&ours, &ann, &ann.code(skew));
        is_refused(&ours, &ann, &ann.code(0));
        gets_in(&ours, &ann, &ann.code(skew + 1));
    }
}

/// There is one users file, and these tests write it.
static OATH: Mutex<()> = Mutex::new(());

/// A key of their own, none of whose next codes comes twice: of two steps with the last code the later one counts as used
/// (tried: a collision eight steps ahead kept somebody out for four minutes), and here the very next code has to get in.
fn keys(person: &Person) -> String {
    let drawn = |nth: u32| {
        let key =
            ok("sh", &["-c", &format!("printf %s {}{nth} | sha1sum | cut -c1-40", person.name)]).trim().to_owned();
        let codes = ok("oathtool", &["--totp", "-w", "40", &key]);
        let distinct: std::collections::HashSet<_> = codes.lines().collect();
        (distinct.len() == codes.lines().count()).then_some(key)
    };
    (0..).find_map(drawn).unwrap()
}

fn oath_alone(window: u32) -> Service {
    Service::new(&format!(
        "auth required pam_oath.so usersfile=/etc/users.oath window={window}\naccount required pam_permit.so\n"
    ))
}

fn write_users(text: &str) {
    fs::write("/etc/users.oath", text).unwrap();
    ok("chmod", &["600", "/etc/users.oath"]);
}

#[test]
fn tokens_of_pam_oath_go_on_where_its_own_module_has_left_them() {
    let _turn = OATH.lock();
    let (theirs, ours) = (oath_alone(20), Service::alone(""));
    let (ann, bob, eve) = (Person::stranger("ann"), Person::stranger("bob"), Person::stranger("eve"));
    let [of_ann, of_bob, of_eve] = [&ann, &bob, &eve].map(keys);
    write_users(&format!(
        "# our users\nHOTP/E/6 {} - {of_ann}\nHOTP/T30 {} - {of_bob}\nHOTP/T30/8 {} + {of_eve}\nHOTP {} - {}\n",
        ann.name,
        bob.name,
        eve.name,
        eve.name,
        "00".repeat(16)
    ));
    let pressed =
        |key: &str, counter: u64| ok("oathtool", &["--hotp", "-c", &counter.to_string(), key]).trim().to_owned();
    let shown = |key: &str, digits: &str, steps: i64| {
        let at = format!("@{}", i64::try_from(now()).unwrap() + 30 * steps);
        ok("oathtool", &["--totp", "-d", digits, "-N", &at, key]).trim().to_owned()
    };
    gets_in(&theirs, &ann, &pressed(&of_ann, 7));
    steady(12);
    let (bobs, eves) = (shown(&of_bob, "6", 0), shown(&of_eve, "8", 1));
    gets_in(&theirs, &bob, &bobs);
    gets_in(&theirs, &eve, &eves);
    let before = fs::read_to_string("/etc/users.oath").unwrap();
    assert!(before.contains(&format!("\t7\t{}\t", pressed(&of_ann, 7))), "{before}");

    let object: Value =
        serde_json::from_str(&ok("nightlatch", &["--json", "import", "oath", "/etc/users.oath"])).unwrap();
    assert_eq!((object["people"].as_array().unwrap().len(), &object["changed"]), (3, &true.into()), "{object}");
    assert_eq!(fs::read_to_string("/etc/users.oath").unwrap(), before, "not touched");
    for used in [6, 7] {
        is_refused(&ours, &ann, &pressed(&of_ann, used));
    }
    gets_in(&ours, &ann, &pressed(&of_ann, 8));
    is_refused(&ours, &bob, &bobs);
    gets_in(&ours, &bob, &shown(&of_bob, "6", 1));
    is_refused(&ours, &eve, &eves);
    let names: Vec<_> = eve.status()["devices"].as_array().unwrap().iter().map(|d| d["name"].clone()).collect();
    assert_eq!(names, ["phone", "token"]);
    gets_in(&ours, &eve, &pressed(&"00".repeat(16), 0));
}

/// The time in the file is local, and no zone stands there: whatever it was, the code is known to be used.
#[test]
fn a_code_that_pam_oath_has_accepted_in_another_zone_is_used_here() {
    let _turn = OATH.lock();
    let (theirs, ours) = (oath_alone(5), Service::alone(""));
    for zone in ["UTC0", "XXX-13", "YYY+11", "CET-1CEST"] {
        let ann = Person::stranger("ann");
        let key = keys(&ann);
        write_users(&format!("HOTP/T30 {} - {key}\n", ann.name));
        steady(10);
        let code = ok("oathtool", &["--totp", &key]).trim().to_owned();
        let login = format!("echo {code} | TZ={zone} pamtester {} {} authenticate", theirs.name, ann.name);
        ok("sh", &["-ec", &login]);
        ok("nightlatch", &["import", "oath", "/etc/users.oath", "--user", &ann.name]);
        is_refused(&ours, &ann, &code);
        let next = ok("oathtool", &["--totp", "-N", &format!("@{}", now() + 30), &key]).trim().to_owned();
        gets_in(&ours, &ann, &next);
    }
}

/// THREATS V40: what somebody lays into their own home is not followed, and nobody else's secret becomes theirs.
#[test]
fn nothing_but_a_file_of_one_s_own_is_read_in_a_home() {
    let victim = of_google("victim", "-t -d -W -u");
    let roots = "/root/of-root";
    fs::copy(home_file(&victim), roots).unwrap();
    let lay = |stem: &str, what: &dyn Fn(&Person, &str)| {
        let person = Person::stranger(stem);
        what(&person, &home_file(&person));
        not_imported(&person)
    };
    for (words, what) in [
        ("symbolic link", (&|_: &Person, file: &str| symlink(roots, file).unwrap()) as &dyn Fn(&Person, &str)),
        ("symbolic link", &|_, file| symlink(home_file(&victim), file).unwrap()),
        ("symbolic link", &|_, file| symlink("/dev/zero", file).unwrap()),
        ("cannot be read by the user", &|_, file| fs::hard_link(home_file(&victim), file).unwrap()),
        ("no regular file", &|person, file| drop(ok("runuser", &["-u", &person.name, "--", "mkfifo", file]))),
        ("no regular file", &|person, file| drop(ok("runuser", &["-u", &person.name, "--", "mkdir", file]))),
        ("larger than 64 KiB", &|person, file| {
            drop(ok("runuser", &["-u", &person.name, "--", "truncate", "-s", "1G", file]));
        }),
        ("is not there", &|_, _| {}),
    ] {
        let begun = std::time::Instant::now();
        let said = lay("mallory", what);
        assert!(said.contains(words) && !said.contains(&victim.secret), "{said}");
        assert!(begun.elapsed().as_secs() < 10, "{words}: it waits for nobody");
    }
    // A home that leads elsewhere leads its owner there, who may not read what is root's.
    let mallory = Person::stranger("mallory");
    fs::create_dir("/root/decoy").unwrap();
    fs::copy(home_file(&victim), "/root/decoy/.google_authenticator").unwrap();
    ok("usermod", &["-d", &format!("/home/{}/way", mallory.name), &mallory.name]);
    symlink("/root/decoy", format!("/home/{}/way", mallory.name)).unwrap();
    assert!(not_imported(&mallory).contains("cannot be read by the user"));
}

#[test]
fn a_copy_of_somebody_else_s_secret_is_not_imported() {
    let (ann, bob) = (of_google("ann", "-t -d -W -u"), Person::stranger("bob"));
    import(&ann);
    let copy = home_file(&bob);
    fs::copy(home_file(&ann), &copy).unwrap();
    ok("chown", &[&bob.name, &copy]);
    assert!(not_imported(&bob).contains(&format!("the secret is {}'s too", ann.name)));
}

/// Whoever can be taken over is, and whoever cannot is said; the next run finds the ones already there.
#[test]
fn one_person_who_cannot_be_taken_over_keeps_nobody_else_from_it() {
    let (ann, bob) = (of_google("ann", "-t -d -W -u"), of_google("bob", "-t -d -W -u -S 5"));
    let words = ["--json", "import", "google-authenticator", &ann.name, &bob.name];
    for (result, changed) in [("imported", true), ("already", false)] {
        let output = run("nightlatch", &words);
        assert_eq!(output.status.code(), Some(1), "{output:?}");
        let object: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&object["people"][0]["result"], &object["changed"]), (&result.into(), &changed.into()));
        assert!(object["people"][1]["reasons"][0].as_str().unwrap().starts_with("STEP_SIZE 5"), "{object}");
    }
}

#[test]
fn of_all_accounts_those_with_a_file_are_taken_over_and_the_others_passed_over() {
    let (ann, carol, closed) = (of_google("ann", "-t -d -W -u"), Person::stranger("carol"), Person::stranger("closed"));
    ok("usermod", &["-d", "/root/nobody-knows", &closed.name]);
    let second = unique("second");
    let uid = ok("id", &["-u", &ann.name]);
    ok("useradd", &["--non-unique", "--uid", uid.trim(), "--home-dir", &format!("/home/{}", ann.name), &second]);
    let output = run("nightlatch", &["--json", "import", "google-authenticator", "--all", "--dry-run"]);
    ok("userdel", &["--force", &second]);
    let object: Value = serde_json::from_slice(&output.stdout).unwrap();
    let result = |name: &str| {
        let people = object["people"].as_array().unwrap();
        people.iter().find(|person| person["user"] == name).map(|person| person["result"].clone())
    };
    assert_eq!((result(&ann.name), &object["changed"]), (Some("would-import".into()), &false.into()));
    assert_eq!((result(&carol.name), result(&closed.name), result(&second)), (None, None, None));
    let warned = String::from_utf8_lossy(&output.stderr);
    assert!(warned.contains(&format!("{}: /root/nobody-knows", closed.name)), "{warned}");
    assert!(warned.contains(&format!("'{second}' is a second name")), "{warned}");
    assert_eq!(ann.status()["enrolled"], false);
}

/// In a mail or ftp program, password and code come in one.
#[test]
fn a_scratch_code_right_behind_the_password_gets_in_too() {
    let ann = of_google("ann", "-t -d -W -u");
    import(&ann);
    let service = Service::new(
        "auth requisite pam_nightlatch.so forward_pass\n@include common-auth\naccount required pam_permit.so\n",
    );
    let text = format!("{PASSWORD}{}", ann.backup_codes[0]);
    gets_in(&service, &ann, &text);
    is_refused(&service, &ann, &text);
}
