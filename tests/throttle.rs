// SPDX-License-Identifier: MIT OR Apache-2.0
//! Wrong codes in a row, from outside: what they cost, whom they keep out, and who goes on working.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod scene;

use std::fs;
use std::time::Duration;

use scene::*;
use serde_json::Value;

const THIEF: &str = "198.51.100.9";
const HOME: &str = "192.0.2.7";

fn from(source: &str, service: &Service, person: &Person, reply: &str) -> Driven {
    drive(&["--no-delay", "--rhost", source, "--reply", reply, &service.name, &person.name])
}

fn failures(person: &Person) -> u64 {
    person.status()["failures"].as_u64().unwrap()
}

fn lock(person: &Person) -> Value {
    person.status()["lock"].clone()
}

fn verify(person: &Person, code: &str) -> Option<i32> {
    run("sh", &["-c", &format!("echo {code} | nightlatch verify {}", person.name)]).status.code()
}

/// Six wrong codes: five are free, the sixth costs a wait.
fn fail_until_waiting(source: &str, service: &Service, person: &Person) {
    let wrong = person.wrong_code();
    for nth in 1..=6 {
        assert_eq!(lock(person), Value::Null, "before failure {nth}");
        assert_eq!(from(source, service, person, &wrong).answer(), "PAM_AUTH_ERR");
    }
    assert_eq!((failures(person), lock(person)), (6, "waiting".into()));
}

#[test]
fn after_five_wrong_codes_in_a_row_each_costs_a_wait() {
    let (service, ann) = (Service::alone(""), Person::enrolled("ann"));
    fail_until_waiting(THIEF, &service, &ann);
    let journal = Journal::mark();
    let code = ann.code(0);
    for reply in [&code, &ann.wrong_code(), &ann.backup_codes[0]] {
        let driven = from(THIEF, &service, &ann, reply);
        assert_eq!((driven.answer().as_str(), driven.prompts()), ("PAM_AUTH_ERR", 1));
        assert!(driven.is_plain_refusal(), "{}", driven.output);
    }
    let lines = journal.lines(&ann.name);
    let remedy = format!("remedy=\"wait, or nightlatch unlock {}\"", ann.name);
    assert_eq!(lines.matches("cause=\"waiting after failures\" seconds_left=").count(), 3, "{lines}");
    assert!(lines.contains(&remedy) && !lines.contains(&code), "{lines}");
    assert_eq!((failures(&ann), &ann.status()["backup_codes_left"]), (6, &10.into()), "unjudged and not charged");

    ok("nightlatch", &["unlock", &ann.name]);
    assert_eq!((failures(&ann), lock(&ann)), (0, Value::Null));
    assert_eq!(from(THIEF, &service, &ann, &ann.code(0)).answer(), "PAM_SUCCESS");
}

#[test]
fn the_owner_goes_on_where_the_owner_has_logged_in_before() {
    let (service, ann) = (Service::alone(""), Person::enrolled("ann"));
    steady(8);
    assert_eq!(from(HOME, &service, &ann, &ann.code(-1)).answer(), "PAM_SUCCESS");
    fail_until_waiting(THIEF, &service, &ann);
    assert_eq!(from(THIEF, &service, &ann, &ann.code(0)).answer(), "PAM_AUTH_ERR");
    assert_eq!(from(HOME, &service, &ann, &ann.code(0)).answer(), "PAM_SUCCESS");
    assert_eq!((failures(&ann), lock(&ann)), (6, "waiting".into()), "which gives the thief no new guesses");
    // The same subscriber under another IPv6 address is the same source; a name is none.
    assert_eq!(from("home.example", &service, &ann, &ann.code(1)).answer(), "PAM_AUTH_ERR");
    assert_eq!(from(HOME, &service, &ann, &ann.code(1)).answer(), "PAM_SUCCESS");
}

#[test]
fn a_known_source_with_five_failures_is_known_no_longer() {
    let (service, ann) = (Service::alone(""), Person::enrolled("ann"));
    steady(8);
    assert_eq!(from(HOME, &service, &ann, &ann.code(-1)).answer(), "PAM_SUCCESS");
    fail_until_waiting(THIEF, &service, &ann);
    for _ in 0..5 {
        assert_eq!(from(HOME, &service, &ann, &ann.wrong_code()).answer(), "PAM_AUTH_ERR");
    }
    let journal = Journal::mark();
    assert_eq!(from(HOME, &service, &ann, &ann.code(0)).answer(), "PAM_AUTH_ERR");
    assert!(journal.lines(&ann.name).contains("waiting after failures"), "{}", journal.lines(""));
}

#[test]
fn failures_count_over_services_processes_and_verify_alike() {
    let (one, other, ann) = (Service::alone(""), Service::alone("debug"), Person::enrolled("ann"));
    let wrong = ann.wrong_code();
    for service in [&one, &other, &one] {
        assert_eq!(from(THIEF, service, &ann, &wrong).answer(), "PAM_AUTH_ERR");
    }
    assert_eq!((verify(&ann, &wrong), verify(&ann, &wrong), failures(&ann)), (Some(3), Some(3), 5));
    assert_eq!(from(THIEF, &other, &ann, &wrong).answer(), "PAM_AUTH_ERR");
    assert_eq!(lock(&ann), "waiting");
    assert_eq!(verify(&ann, &ann.code(0)), Some(3), "for verify too");
    let said = run("sh", &["-c", &format!("echo {} | nightlatch verify {}", ann.code(0), ann.name)]);
    assert!(String::from_utf8_lossy(&said.stdout).contains("waiting"), "{said:?}");
}

#[test]
fn whoever_is_blocked_stays_so_until_an_administrator_unlocks() {
    let config = "/etc/nightlatch/three-failures.toml";
    fs::write(config, "[throttle]\nknown_sources = 0\nother_failures = 3\n").unwrap();
    let (service, ann) = (Service::alone(&format!("config={config}")), Person::enrolled("ann"));
    for _ in 0..3 {
        assert_eq!(from(THIEF, &service, &ann, &ann.wrong_code()).answer(), "PAM_AUTH_ERR");
    }
    for source in [THIEF, HOME] {
        let journal = Journal::mark();
        let driven = from(source, &service, &ann, &ann.code(0));
        assert_eq!((driven.answer().as_str(), driven.prompts()), ("PAM_AUTH_ERR", 1));
        assert!(driven.is_plain_refusal());
        let lines = journal.lines(&ann.name);
        assert!(lines.contains("cause=\"blocked after failures\" remedy=\"nightlatch unlock"), "{lines}");
    }
    assert_eq!(failures(&ann), 3, "unjudged and not charged");
    ok("nightlatch", &["unlock", &ann.name]);
    assert_eq!(from(THIEF, &service, &ann, &ann.code(0)).answer(), "PAM_SUCCESS");
}

#[test]
fn a_wait_ends_by_itself() {
    let config = "/etc/nightlatch/four-seconds.toml";
    fs::write(config, "[throttle]\nfirst_wait = 4\n").unwrap();
    let (service, ann) = (Service::alone(&format!("config={config}")), Person::enrolled("ann"));
    fail_until_waiting(THIEF, &service, &ann);
    std::thread::sleep(Duration::from_millis(4100));
    assert_eq!(from(THIEF, &service, &ann, &ann.code(0)).answer(), "PAM_SUCCESS");
}

/// Within one boot CLOCK_BOOTTIME decides, which nobody sets: libfaketime, which would, is told to leave it.
#[test]
fn no_jump_of_the_wall_clock_ends_or_prolongs_a_wait() {
    let config = "/etc/nightlatch/some-seconds.toml";
    fs::write(config, "[throttle]\nfirst_wait = 4\n").unwrap();
    let (service, ann) = (Service::alone(&format!("config={config}")), Person::enrolled("ann"));
    let code_at = |offset: i64| {
        let login = |code: &str, shift: &str| {
            let driver = [
                "--exclude-monotonic",
                "-f",
                shift,
                "/opt/nightlatch/driver",
                "--no-delay",
                "--rhost",
                THIEF,
                "--reply",
                code,
            ];
            let seen = run("faketime", &[&driver[..], &[&service.name, &ann.name]].concat());
            String::from_utf8_lossy(&seen.stdout).into_owned()
        };
        login(&ann.code(offset / 30), &format!("{offset:+}s"))
    };
    fail_until_waiting(THIEF, &service, &ann);
    let journal = Journal::mark();
    for offset in [86_400, 3600, -3600] {
        let seen = code_at(offset);
        assert!(seen.contains("PAM_AUTH_ERR"), "{offset}: {seen}");
    }
    assert_eq!(journal.lines(&ann.name).matches("waiting after failures").count(), 3, "{}", journal.lines(""));
    std::thread::sleep(Duration::from_millis(4100));
    assert!(code_at(-86_400).contains("PAM_SUCCESS"), "a clock set back does not prolong the wait");
}

#[test]
fn what_is_no_guess_costs_nothing_however_often() {
    let (service, ann) = (Service::behind_a_password(""), Person::enrolled("ann"));
    let log_in = |reply: &str| {
        drive(&["--no-delay", "--rhost", THIEF, "--reply", PASSWORD, "--reply", reply, &service.name, &ann.name])
            .answer()
    };
    let last = ann.code(0);
    assert_eq!(log_in(&last), "PAM_SUCCESS");
    let mut typo = ann.backup_codes[0].clone();
    let end = typo.pop().unwrap();
    typo.push(if end == '0' { '1' } else { '0' });
    for reply in [last.as_str(), "", "12345", "no code at all", &typo, PASSWORD] {
        for _ in 0..7 {
            assert_eq!(log_in(reply), "PAM_AUTH_ERR", "{reply:?}");
        }
    }
    assert_eq!((failures(&ann), lock(&ann)), (0, Value::Null));
}
