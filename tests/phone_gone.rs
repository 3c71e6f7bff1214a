// SPDX-License-Identifier: MIT OR Apache-2.0
//! When the phone is gone: bypass codes and waivers from the help desk to the log, and what whoever gets in is told of what
//! was tried meanwhile. Races, faults, power cuts and full disks have files of their own.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod scene;

use scene::*;
use serde_json::Value;

const NEXT: &str = "Ask your administrator to enroll a new phone.";

/// One attempt with the host's clock set off.
fn attempt_at(offset: &str, service: &Service, person: &Person, reply: &str) -> Driven {
    let arguments = ["--no-delay", "--rhost", "192.0.2.7", "--reply", reply, &service.name, &person.name];
    let output = run("faketime", &[&["-f", offset, "/opt/nightlatch/driver"], &arguments[..]].concat());
    Driven { output: String::from_utf8_lossy(&output.stdout).into_owned() }
}

/// The line without what stands before the outcome.
fn outcome(lines: &str) -> Vec<&str> {
    lines.lines().map(|line| line.split_once("): ").unwrap().1).collect()
}

fn uid(person: &Person) -> String {
    ok("id", &["-u", &person.name]).trim().to_owned()
}

#[test]
fn a_bypass_code_gets_in_as_often_as_it_was_granted() {
    let (service, ann) = (Service::alone(""), Person::enrolled("ann"));
    let (journal, code) = (Journal::mark(), ann.bypass(&["--uses", "2"]));
    for (typed, left, told) in [
        (code.to_lowercase().replace('-', " "), 1, "It can be used once more."),
        (code.clone(), 0, "It cannot be used again."),
    ] {
        let driven = attempt(&service, &ann.name, &typed);
        assert_eq!((driven.answer().as_str(), driven.prompts()), ("PAM_SUCCESS", 1), "{}", driven.output);
        let text = format!("info \"Code of the help desk accepted. {told} {NEXT}\"\n");
        assert!(driven.output.contains(&text), "{}", driven.output);
        assert_eq!(ann.status()["bypass"]["uses_left"], left);
    }
    assert_eq!(attempt(&service, &ann.name, &ann.backup_codes[0]).answer(), "PAM_SUCCESS");
    let third = attempt(&service, &ann.name, &code);
    assert_eq!(third.answer(), "PAM_AUTH_ERR");
    assert!(third.is_plain_refusal(), "{}", third.output);
    let lines = journal.lines(&ann.name);
    let whose = format!("user={0} uid={1} service={2} source=192.0.2.7", ann.name, uid(&ann), service.name);
    assert_eq!(
        outcome(&lines),
        [
            format!("accepted {whose} method=bypass uses_left=1"),
            format!("accepted {whose} method=bypass uses_left=0"),
            format!("accepted {whose} method=backup-code backup_codes_left=9"),
            format!(
                "refused {whose} cause=\"used-up bypass code\" remedy=\"nightlatch bypass {} makes a new one\"",
                ann.name
            ),
        ]
    );
    assert_eq!(ann.status()["failures"], 0);
}

#[test]
fn a_typing_error_in_a_bypass_code_costs_nothing_and_another_s_code_does() {
    let (service, ann, bob) = (Service::alone(""), Person::enrolled("ann"), Person::enrolled("bob"));
    let code = ann.bypass(&[]);
    let mut typo = code.clone();
    let last = typo.pop().unwrap();
    typo.push(if last == '0' { '1' } else { '0' });
    for _ in 0..7 {
        assert_eq!(attempt(&service, &ann.name, &typo).answer(), "PAM_AUTH_ERR");
    }
    assert_eq!(ann.status()["failures"], 0);
    assert_eq!(attempt(&service, &bob.name, &code).answer(), "PAM_AUTH_ERR");
    assert_eq!(bob.status()["failures"], 1);
    assert_eq!(attempt(&service, &ann.name, &code).answer(), "PAM_SUCCESS");
}

#[test]
fn a_bypass_code_ends_with_its_time_and_no_clock_set_back_revives_it() {
    let (service, ann) = (Service::alone(""), Person::enrolled("ann"));
    let (journal, code) = (Journal::mark(), ann.bypass(&["--for", "1h", "--uses", "20"]));
    assert_eq!(attempt_at("-60s", &service, &ann, &code).answer(), "PAM_AUTH_ERR", "before it was made");
    assert_eq!(attempt_at("+3500s", &service, &ann, &code).answer(), "PAM_SUCCESS");
    assert_eq!(attempt_at("+3660s", &service, &ann, &code).answer(), "PAM_AUTH_ERR");
    assert_eq!(attempt(&service, &ann.name, &code).answer(), "PAM_AUTH_ERR", "it was seen to be over");
    let lines = journal.lines(&ann.name);
    assert_eq!(lines.matches("cause=\"bypass code outside of its time\"").count(), 3, "{lines}");
    assert_eq!((&ann.status()["failures"], &ann.status()["bypass"]), (&0.into(), &Value::Null));
}

#[test]
fn a_revoked_bypass_code_and_one_before_a_new_phone_are_wrong_codes() {
    let (service, mut ann) = (Service::alone(""), Person::enrolled("ann"));
    let code = ann.bypass(&[]);
    ok("nightlatch", &["bypass", &ann.name, "--revoke"]);
    assert_eq!(attempt(&service, &ann.name, &code).answer(), "PAM_AUTH_ERR");
    let code = ann.bypass(&[]);
    ann.enroll(&["--replace"]);
    assert_eq!(attempt(&service, &ann.name, &code).answer(), "PAM_AUTH_ERR");
    assert_eq!(ann.status()["failures"], 2);
}

#[test]
fn a_waiver_lets_in_without_asking_and_every_use_is_logged() {
    let (service, ann) = (Service::behind_a_success(""), Person::enrolled("ann"));
    let journal = Journal::mark();
    ann.waive("+4h", "phone broken (ticket 4711)");
    let until = ann.status()["waived_until"].as_str().unwrap().to_owned();
    for _ in 0..2 {
        let driven = attempt(&service, &ann.name, "");
        assert_eq!((driven.answer().as_str(), driven.prompts()), ("PAM_SUCCESS", 0), "{}", driven.output);
        assert!(!driven.says(""), "{}", driven.output);
    }
    let lines = journal.lines(&ann.name);
    let whose = format!("user={0} uid={1} service={2} source=192.0.2.7", ann.name, uid(&ann), service.name);
    let expected =
        |uses: u8| format!("exempt {whose} by=waiver until={until} uses={uses} reason=\"phone broken (ticket 4711)\"");
    assert_eq!(outcome(&lines), [expected(1), expected(2)]);
    assert_eq!((&ann.status()["waiver_uses"], &ann.status()["last_login"]), (&2.into(), &Value::Null));
    assert_eq!(attempt(&service, &Person::enrolled("bob").name, "").answer(), "PAM_AUTH_ERR", "nobody else");

    ok("nightlatch", &["waive", &ann.name, "--end"]);
    let driven = attempt(&service, &ann.name, "");
    assert_eq!((driven.answer().as_str(), driven.prompts()), ("PAM_AUTH_ERR", 1), "{}", driven.output);
    assert_eq!(ann.status()["waived_until"], Value::Null);
}

#[test]
fn a_waiver_ends_with_its_time_and_no_clock_set_back_revives_it() {
    let (service, ann) = (Service::behind_a_success(""), Person::enrolled("ann"));
    ann.waive("+1h", "phone broken");
    assert_eq!(attempt_at("-60s", &service, &ann, "").answer(), "PAM_AUTH_ERR", "before it was granted");
    assert_eq!(attempt_at("+3500s", &service, &ann, "").answer(), "PAM_SUCCESS");
    assert_eq!(attempt_at("+3660s", &service, &ann, "").answer(), "PAM_AUTH_ERR");
    assert_eq!(attempt(&service, &ann.name, "").answer(), "PAM_SUCCESS", "no code was judged behind its end");
    assert_eq!(attempt_at("+3660s", &service, &ann, &ann.backup_codes[0]).answer(), "PAM_SUCCESS");
    let driven = attempt(&service, &ann.name, "");
    assert_eq!((driven.answer().as_str(), driven.prompts()), ("PAM_AUTH_ERR", 1), "now one was");
}

/// A waiver spares the code, and nothing else that the stack asks for.
#[test]
fn a_waiver_opens_no_stack_by_itself() {
    let ann = Person::enrolled("ann");
    ann.waive("+1h", "phone broken");
    assert_ne!(attempt(&Service::alone(""), &ann.name, "").answer(), "PAM_SUCCESS", "alone, ignore is no verdict");
    let key = Service::behind_a_success("require_key");
    assert_eq!(attempt(&key, &ann.name, "").answer(), "PAM_AUTH_ERR");
    let password = Service::behind_a_password("");
    let with = |typed: &str| drive(&["--no-delay", "--reply", typed, &password.name, &ann.name]).answer();
    assert_ne!(with("wrong"), "PAM_SUCCESS");
    assert_eq!(with(PASSWORD), "PAM_SUCCESS");
}

#[test]
fn whoever_gets_in_is_told_once_what_was_tried_since_the_last_time() {
    let (service, ann) = (Service::alone(""), Person::enrolled("ann"));
    let from = |source: &[&str], reply: &str| {
        drive(&[&["--no-delay"], source, &["--reply", reply, &service.name, &ann.name]].concat())
    };
    for source in ["198.51.100.9", "2001:db8::9", "a\u{1b}[2Jb"] {
        assert_eq!(from(&["--rhost", source], &ann.wrong_code()).answer(), "PAM_AUTH_ERR");
    }
    let (journal, since) = (Journal::mark(), ok("date", &["-u", "+%F"]));
    let driven = from(&[], &ann.backup_codes[0]);
    assert_eq!(driven.answer(), "PAM_SUCCESS");
    let begin = "info \"Backup code accepted. 9 backup codes are left. 3 wrong codes were tried since ";
    let said =
        driven.output.lines().find(|line| line.starts_with(begin)).unwrap_or_else(|| panic!("{}", driven.output));
    assert!(said.contains(since.trim()) && !said.contains('\u{1b}'), "{said}");
    assert!(said.ends_with("If that was not you, tell your administrator.\""), "{said}");
    let lines = journal.lines(&ann.name);
    assert!(lines.ends_with("method=backup-code backup_codes_left=9 failures_since=3\n"), "{lines}");

    assert_eq!(from(&[], &ann.wrong_code()).answer(), "PAM_AUTH_ERR");
    let silent = drive(&["--no-delay", "--silent", "--reply", &ann.backup_codes[1], &service.name, &ann.name]);
    assert_eq!((silent.answer().as_str(), silent.says("")), ("PAM_SUCCESS", false), "{}", silent.output);
    let driven = from(&[], &ann.backup_codes[2]);
    assert!(driven.says("8 backup") || driven.says("7 backup"), "{}", driven.output);
    assert!(!driven.says("wrong code"), "told once: {}", driven.output);

    assert_eq!(from(&[], &ann.wrong_code()).answer(), "PAM_AUTH_ERR");
    let driven = from(&[], &ann.code(0));
    assert!(
        driven.says("1 wrong code was tried at ") && driven.says(", on this machine. If that"),
        "{}",
        driven.output
    );
}
