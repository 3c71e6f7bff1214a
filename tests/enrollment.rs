// SPDX-License-Identifier: MIT OR Apache-2.0
//! What an administrator does with `nightlatch`, and what the next login makes of it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod scene;

use std::fs;

use scene::*;

/// Enrolls on a terminal up to the question for the first code.
fn begin(person: &mut Person, more: &str) -> Terminal {
    let mut terminal = Terminal::open(&format!("nightlatch enroll {} {more}", person.name));
    terminal.sees("Code from the app: ");
    person.secret = secret_on(&terminal.screen);
    assert_eq!(person.secret.len(), 32, "{}", terminal.screen);
    terminal
}

#[test]
fn the_code_that_confirmed_the_enrollment_is_used() {
    let (service, mut ann) = (Service::alone(""), Person::stranger("ann"));
    let mut terminal = begin(&mut ann, "");
    steady(8);
    let code = ann.code(0);
    let screen = terminal.types(&code).rest();
    assert!(screen.contains("Backup codes of"), "{screen}");
    assert_eq!(attempt(&service, &ann.name, &code).answer(), "PAM_AUTH_ERR");
    assert_eq!(attempt(&service, &ann.name, &ann.code(1)).answer(), "PAM_SUCCESS");
}

#[test]
fn an_enrollment_that_nobody_confirmed_changes_nothing() {
    let (service, mut ann) = (Service::behind_a_success("nullok"), Person::stranger("ann"));
    let mut terminal = begin(&mut ann, "");
    assert_eq!(attempt(&service, &ann.name, "").prompts(), 0, "still exempt");
    terminal.types("\x03");
    terminal.rest();
    assert_eq!(attempt(&service, &ann.name, "").prompts(), 0, "still exempt");
    assert_eq!(ann.status()["enrolled"], false);
}

#[test]
fn the_old_phone_works_until_the_new_one_is_confirmed() {
    let (service, ann) = (Service::alone(""), Person::enrolled("ann"));
    let mut new = Person { name: ann.name.clone(), secret: String::new(), backup_codes: Vec::new() };
    let mut terminal = begin(&mut new, "--replace");
    steady(8);
    assert_eq!(attempt(&service, &ann.name, &ann.code(-1)).answer(), "PAM_SUCCESS");
    terminal.types(&new.code(0)).rest();
    for old in [&ann.code(0), &ann.backup_codes[0]] {
        assert_eq!(attempt(&service, &ann.name, old).answer(), "PAM_AUTH_ERR");
    }
    assert_eq!(attempt(&service, &ann.name, &new.code(1)).answer(), "PAM_SUCCESS");
}

#[test]
fn new_backup_codes_make_the_old_ones_void() {
    let (service, ann) = (Service::alone(""), Person::enrolled("ann"));
    let made = ok("nightlatch", &["backup-codes", &ann.name, "--yes", "--json"]);
    let made: serde_json::Value = serde_json::from_str(&made).unwrap();
    assert_eq!(attempt(&service, &ann.name, &ann.backup_codes[0]).answer(), "PAM_AUTH_ERR");
    let new = made["backup_codes"][0].as_str().unwrap();
    assert_eq!(attempt(&service, &ann.name, new).answer(), "PAM_SUCCESS");
    assert_eq!(attempt(&service, &ann.name, &ann.code(0)).answer(), "PAM_SUCCESS", "the phone goes on");
}

#[test]
fn a_code_that_verify_took_is_used() {
    let (service, ann) = (Service::alone(""), Person::enrolled("ann"));
    steady(6);
    let code = ann.code(0);
    ok("sh", &["-c", &format!("echo {code} | nightlatch verify {}", ann.name)]);
    assert_eq!(attempt(&service, &ann.name, &code).answer(), "PAM_AUTH_ERR");
    let again = run("sh", &["-c", &format!("echo {code} | nightlatch verify {}", ann.name)]);
    assert_eq!(again.status.code(), Some(3));
}

#[test]
fn whoever_was_removed_is_not_enrolled() {
    let (service, ann) = (Service::alone(""), Person::enrolled("ann"));
    ok("nightlatch", &["remove", &ann.name, "--yes"]);
    let journal = Journal::mark();
    assert_eq!(attempt(&service, &ann.name, &ann.code(0)).answer(), "PAM_AUTH_ERR");
    assert!(journal.lines(&ann.name).contains("cause=\"not enrolled\""));
}

#[test]
fn the_record_of_a_deleted_account_is_removed_by_its_uid() {
    let ann = Person::enrolled("ann");
    let uid = ok("id", &["-u", &ann.name]).trim().to_owned();
    ok("userdel", &[&ann.name]);
    assert!(ok("nightlatch", &["list", "--json"]).contains(&format!("\"uid\":{uid}")));
    ok("nightlatch", &["remove", "--uid", &uid, "--yes"]);
    assert!(!std::path::Path::new(&format!("/var/lib/nightlatch/users/{uid}")).exists());
}

#[test]
fn every_setting_that_can_be_enrolled_logs_in() {
    let service = Service::alone("");
    for (algorithm, digits, period) in [("sha1", 7, 60), ("sha256", 8, 30), ("sha512", 6, 15), ("sha512", 8, 120)] {
        let (d, p) = (digits.to_string(), period.to_string());
        let ann = Person::enrolled_with("ann", &["--algorithm", algorithm, "--digits", &d, "--period", &p]);
        let code = || {
            let (mode, step) = (format!("--totp={algorithm}"), format!("--time-step-size={p}s"));
            ok("oathtool", &[&mode, "-d", &d, &step, "-b", &ann.secret]).trim().to_owned()
        };
        assert_eq!(attempt(&service, &ann.name, &code()).answer(), "PAM_SUCCESS", "{algorithm} {digits} {period}");
    }
}

/// The file that is written beside a record before it gets its name.
#[test]
fn whatever_lies_where_an_enrollment_writes_is_neither_followed_nor_waited_for() {
    let (service, ann) = (Service::alone(""), Person::enrolled("ann"));
    let uid_of = |person: &Person| ok("id", &["-u", &person.name]).trim().to_owned();
    let ann_s_file = format!("/var/lib/nightlatch/users/{}", uid_of(&ann));
    let target = format!("/srv/{}", unique("target"));
    fs::write(&target, "untouched").unwrap();
    for (make, in_the_way) in [
        (format!("ln {ann_s_file}"), false),
        ("mkfifo".to_owned(), false),
        ("touch".to_owned(), false),
        (format!("ln -s {target}"), true),
        ("ln -s /srv/there-is-none".to_owned(), true),
        ("mkdir".to_owned(), true),
        ("touch $1; mount --bind /dev/null".to_owned(), true),
    ] {
        let mut bob = Person::stranger("bob");
        let draft = format!("/var/lib/nightlatch/users/.{}.new", uid_of(&bob));
        ok("sh", &["-ec", &format!("{make} $1"), "-", &draft]);
        let before = fs::read(&ann_s_file).unwrap();
        if in_the_way {
            let refused = run("timeout", &["10", "nightlatch", "enroll", "--no-confirm", &bob.name]);
            let said = String::from_utf8_lossy(&refused.stderr);
            assert!(refused.status.code() == Some(1) && said.contains(&draft), "{make}: {said}");
            let remedy = format!("not a regular file; remove {draft}");
            assert_eq!(said.contains(&remedy), !make.contains("mount"), "{make}: {said}");
            assert_eq!(attempt(&service, &bob.name, "123456").answer(), "PAM_AUTH_ERR", "{make}");
            ok("sh", &["-ec", "umount $1 || true; rm -r $1", "-", &draft]);
        }
        bob.enroll(&[]);
        assert_eq!(attempt(&service, &bob.name, &bob.code(0)).answer(), "PAM_SUCCESS", "{make}");
        assert!(!fs::exists(&draft).unwrap() && !fs::exists("/srv/there-is-none").unwrap(), "{make}");
        assert_eq!((fs::read(&target).unwrap(), fs::read(&ann_s_file).unwrap()), (b"untouched".to_vec(), before));
    }
    assert_eq!(attempt(&service, &ann.name, &ann.code(0)).answer(), "PAM_SUCCESS");
}

/// Others can write in none of these directories; if they ever could, no link of theirs would be followed and no file of
/// theirs be taken for ours.
#[test]
fn whatever_the_program_makes_or_opens_it_makes_or_opens_with_care() {
    let person = Person::stranger("care");
    let directory = format!("/srv/{}", unique("care"));
    let (config, trace) = (format!("{directory}/etc/config.toml"), format!("/tmp/{}", unique("trace")));
    fs::create_dir(&directory).unwrap();
    // `init` writes no config over one that is there; this one says where the rest goes.
    fs::create_dir(format!("{directory}/etc")).unwrap();
    fs::write(&config, format!("store = '{directory}/var/store'\nkeys = '{directory}/etc/keys'\n")).unwrap();
    let mut calls = String::new();
    for words in [
        &["init"][..],
        &["enroll", "--no-confirm", &person.name],
        &["enroll", "--no-confirm", "--replace", &person.name],
        &["backup-codes", "--yes", &person.name],
        &["device", "add", "--no-confirm", "--name", "tablet", &person.name],
        &["device", "rename", &person.name, "tablet", "token"],
        &["device", "remove", &person.name, "token", "--yes"],
        &["bypass", &person.name],
        &["waive", "--until", "+1h", "--reason", "phone broken", &person.name],
        &["unlock", &person.name],
        &["status", &person.name],
        &["doctor", "--only", "store"],
    ] {
        let strace = ["--follow-forks", "--trace=/open", "--decode-fds=path", "--output", &trace];
        let output = run("strace", &[&strace[..], &["nightlatch", "--config", &config], words].concat());
        assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        calls.push_str(&fs::read_to_string(&trace).unwrap());
    }
    let ours: Vec<_> = calls.lines().filter(|call| call.contains(&directory)).collect();
    let made: Vec<_> = ours.iter().filter(|call| call.contains("O_CREAT")).collect();
    assert!(made.len() >= 5, "marker, key, record, replacement, new codes: {made:#?}");
    for call in &made {
        for word in ["O_EXCL", "O_NOFOLLOW", "O_CLOEXEC", "O_NOCTTY", "O_NONBLOCK", ", 0"] {
            assert!(call.contains(word), "{word}: {call}");
        }
        assert!([", 0400", ", 0600"].iter().any(|mode| call.contains(mode)), "{call}");
    }
    for call in ours.iter().filter(|call| call.contains("nightlatch") || call.contains(&format!("<{directory}"))) {
        assert!(call.contains("O_CLOEXEC"), "{call}");
    }
}
