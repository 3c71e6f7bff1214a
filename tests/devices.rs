// SPDX-License-Identifier: MIT OR Apache-2.0
//! Several devices of one person, by time and by counter: what a login makes of each, and of them together.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

mod scene;

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use scene::*;
use serde_json::Value;

/// The program with lines on stdin.
fn nightlatch(words: &[&str], lines: &[&str]) -> Output {
    in_the_bed();
    let mut child = Command::new("nightlatch");
    let child = child.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = child.spawn().unwrap();
    // A program that ends before it has read everything is right to do so.
    drop(child.stdin.take().unwrap().write_all(format!("{}\n", lines.join("\n")).as_bytes()));
    child.wait_with_output().unwrap()
}

/// A device more; its secret.
fn added(person: &Person, more: &[&str]) -> String {
    let words = [&["--json", "--quiet", "device", "add", &person.name, "--no-confirm"], more].concat();
    let object: Value = serde_json::from_str(&ok("nightlatch", &words)).unwrap();
    object["device"]["secret"].as_str().unwrap().to_owned()
}

/// The same person, with another device in hand.
fn with(person: &Person, secret: String) -> Person {
    Person { name: person.name.clone(), secret, backup_codes: Vec::new() }
}

fn hotp(secret: &str, counter: u64) -> String {
    ok("oathtool", &["--hotp", "-b", secret, "-c", &counter.to_string()]).trim().to_owned()
}

fn gets_in(service: &Service, person: &Person, code: &str) -> bool {
    attempt(service, &person.name, code).answer() == "PAM_SUCCESS"
}

fn resync(person: &Person, device: &str, codes: [&str; 2]) -> Option<i32> {
    nightlatch(&["device", "resync", &person.name, device], &codes).status.code()
}

#[test]
fn each_of_two_phones_gets_in_once_in_the_same_step_and_the_log_says_which() {
    let (service, ann) = (Service::alone(""), Person::enrolled("ann"));
    let tablet = with(&ann, added(&ann, &["--name", "tablet"]));
    steady(12);
    let journal = Journal::mark();
    let (first, second) = (ann.code(0), tablet.code(0));
    assert!(gets_in(&service, &ann, &first) && gets_in(&service, &ann, &second));
    for replay in [&first, &second] {
        assert_eq!(attempt(&service, &ann.name, replay).answer(), "PAM_AUTH_ERR");
    }
    let lines = journal.lines(&ann.name);
    assert!(lines.contains("method=totp device=phone") && lines.contains("method=totp device=tablet"), "{lines}");
    assert_eq!(lines.matches("cause=\"the last accepted code again\"").count(), 2, "{lines}");
    assert_eq!(ann.status()["failures"], 0);
    assert!(gets_in(&service, &ann, &tablet.code(1)) && gets_in(&service, &ann, &ann.code(1)));
}

#[test]
fn eight_devices_by_time_and_by_counter_each_get_in_once() {
    let (service, ann) = (Service::alone(""), Person::enrolled("ann"));
    let mut phones = vec![with(&ann, ann.secret.clone())];
    let mut tokens = Vec::new();
    for _ in 0..4 {
        tokens.push(added(&ann, &["--hotp"]));
    }
    for _ in 0..3 {
        phones.push(with(&ann, added(&ann, &[])));
    }
    let ninth = nightlatch(&["device", "add", &ann.name, "--no-confirm"], &[]);
    assert_eq!(ninth.status.code(), Some(1), "{ninth:?}");
    steady(20);
    let codes: Vec<String> =
        phones.iter().map(|phone| phone.code(0)).chain(tokens.iter().map(|token| hotp(token, 0))).collect();
    for code in &codes {
        assert!(gets_in(&service, &ann, code), "{}", ann.status());
    }
    for code in &codes {
        assert!(!gets_in(&service, &ann, code), "{}", ann.status());
    }
    assert_eq!(ann.status()["failures"], 0, "each was the last code of its device");
    for token in &tokens {
        assert!(gets_in(&service, &ann, &hotp(token, 1)));
    }
}

#[test]
fn failures_are_the_person_s_whichever_device_was_meant_and_a_code_of_any_clears_them() {
    let (service, ann) = (Service::alone(""), Person::enrolled("ann"));
    let token = added(&ann, &["--hotp"]);
    for wrong in [hotp(&token, 1000), ann.code(-50), hotp(&token, 1001), ann.code(-51)] {
        assert!(!gets_in(&service, &ann, &wrong));
    }
    assert_eq!(ann.status()["failures"], 4);
    assert!(gets_in(&service, &ann, &hotp(&token, 0)));
    assert_eq!(ann.status()["failures"], 0);
}

/// Two tokens that show the same six digits at some counters: four such pairs are to be expected among these.
#[test]
fn digits_that_fit_two_devices_at_once_are_used_on_both() {
    let (one, other) = ("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U");
    let codes = |secret: &str| -> Vec<String> {
        ok("oathtool", &["--hotp", "-b", secret, "-w", "3999"]).lines().map(str::to_owned).collect()
    };
    let (ours, theirs) = (codes(one), codes(other));
    let pair = ours.iter().enumerate().find_map(|(a, code)| Some((a, theirs.iter().position(|other| other == code)?)));
    let (a, b) = pair.unwrap();
    let (service, ann) = (Service::alone(""), Person::stranger("ann"));
    let (at_a, at_b) = (a.to_string(), b.to_string());
    let options = ["--hotp", "--no-confirm", "--secret-stdin"];
    let enroll = [&["enroll", &ann.name, "--device", "one", "--counter", &at_a], &options[..]].concat();
    assert!(nightlatch(&enroll, &[one]).status.success());
    let add = [&["device", "add", &ann.name, "--name", "other", "--counter", &at_b], &options[..]].concat();
    assert!(nightlatch(&add, &[other]).status.success());
    let code = &ours[a];
    assert!(gets_in(&service, &ann, code));
    assert!(!gets_in(&service, &ann, code));
    for device in ann.status()["devices"].as_array().unwrap() {
        assert!(device["last_used"].is_string(), "{device}");
    }
    ok("nightlatch", &["device", "remove", &ann.name, "one", "--yes"]);
    assert!(!gets_in(&service, &ann, code), "by the other device");
    assert!(gets_in(&service, &ann, &theirs[b + 1]));
}

#[test]
fn a_token_with_a_button_gets_in_a_little_ahead_and_never_behind() {
    let (service, mut ann) = (Service::alone(""), Person::stranger("ann"));
    ann.enroll(&["--hotp", "--counter", "20", "--quiet"]);
    for (counter, expected) in [(19, false), (20, true), (20, false), (30, true), (25, false), (41, false), (31, true)]
    {
        assert_eq!(gets_in(&service, &ann, &hotp(&ann.secret, counter)), expected, "{counter}");
    }
}

#[test]
fn a_token_that_was_pressed_too_often_gets_in_again_after_two_codes() {
    let (service, mut ann) = (Service::alone(""), Person::stranger("ann"));
    ann.enroll(&["--hotp", "--quiet"]);
    let code = |counter| hotp(&ann.secret, counter);
    assert!(!gets_in(&service, &ann, &code(200)));
    assert_eq!(resync(&ann, "token", [&code(200), &code(202)]), Some(3));
    assert_eq!(resync(&ann, "token", [&code(200), &code(201)]), Some(0));
    for used in [199, 200, 201] {
        assert!(!gets_in(&service, &ann, &code(used)), "{used}");
    }
    ok("nightlatch", &["unlock", &ann.name]);
    assert!(gets_in(&service, &ann, &code(202)));
}

#[test]
fn a_token_with_a_wrong_clock_gets_in_by_it_once_it_was_set_right() {
    let (service, ann) = (Service::alone(""), Person::enrolled("ann"));
    // Twenty minutes behind.
    let token = |steps: i64| ann.code(steps - 40);
    steady(20);
    assert!(!gets_in(&service, &ann, &token(0)));
    assert_eq!(resync(&ann, "phone", [&token(0), &token(0)]), Some(3));
    assert_eq!(ann.status()["failures"], 1, "no resync is charged");
    assert_eq!(resync(&ann, "phone", [&token(-1), &token(0)]), Some(0));
    assert_eq!(ann.status()["devices"][0]["offset"], -1200);
    for used in [token(-1), token(0)] {
        assert!(!gets_in(&service, &ann, &used));
    }
    assert!(!gets_in(&service, &ann, &ann.code(0)), "the host's clock is not the token's");
    assert!(gets_in(&service, &ann, &token(1)));
}

/// The device's own steps are remembered: neither a new offset nor a replacement by the same secret opens one again.
#[test]
fn no_offset_makes_a_used_code_usable_again() {
    let (service, ann) = (Service::alone(""), Person::enrolled("ann"));
    steady(20);
    assert!(gets_in(&service, &ann, &ann.code(0)));
    assert_eq!(resync(&ann, "phone", [&ann.code(100), &ann.code(101)]), Some(0));
    assert_eq!(resync(&ann, "phone", [&ann.code(0), &ann.code(1)]), Some(3));
    let replace = ["enroll", &ann.name, "--replace", "--secret-stdin", "--no-confirm"];
    assert!(nightlatch(&replace, &[&ann.secret]).status.success());
    for used in [-1, 0, 1] {
        assert!(!gets_in(&service, &ann, &ann.code(used)), "{used}");
    }
}

#[test]
fn a_renamed_device_is_logged_by_its_new_name_and_a_removed_one_gets_nobody_in() {
    let (service, ann) = (Service::alone(""), Person::enrolled("ann"));
    let tablet = with(&ann, added(&ann, &["--name", "tablet"]));
    ok("nightlatch", &["device", "rename", &ann.name, "phone", "old phone"]);
    let journal = Journal::mark();
    steady(10);
    assert!(gets_in(&service, &ann, &ann.code(0)));
    let lines = journal.lines(&ann.name);
    assert!(lines.contains("device=\"old phone\""), "{lines}");
    ok("nightlatch", &["device", "remove", &ann.name, "old phone", "--yes"]);
    assert!(!gets_in(&service, &ann, &ann.code(1)));
    assert!(gets_in(&service, &ann, &tablet.code(0)));
    let last = nightlatch(&["device", "remove", &ann.name, "tablet", "--yes"], &[]);
    assert_eq!(last.status.code(), Some(2), "{last:?}");
    assert!(gets_in(&service, &ann, &tablet.code(1)));
}

#[test]
fn a_device_that_was_given_up_while_it_was_shown_is_none_and_the_old_one_works_meanwhile() {
    let (service, ann) = (Service::alone(""), Person::enrolled("ann"));
    let mut terminal = Terminal::open(&format!("nightlatch device add {} --name tablet", ann.name));
    terminal.sees("Code from the app: ");
    assert!(gets_in(&service, &ann, &ann.code(0)), "nothing is locked while somebody types");
    terminal.presses_control('c').rest();
    assert_eq!(ann.status()["devices"].as_array().unwrap().len(), 1);
    assert!(gets_in(&service, &ann, &ann.code(1)));
}
