// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the administrator's program holds when it ends: nothing of what it has shown, drawn, read or computed. After
//! Ctrl-C less is promised: the program then stops where it stands.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::io::Write as _;
use std::process::{Command, Stdio};

use crate::memory::{Call, EXIT, Memory, PWRITE, READ_STDIN, Stopped, stopping_at};
use crate::needles::Needles;
use crate::scene::*;
use crate::{WRONG, add_keys, assert_found, assert_none, code, enrolled, secrets_of};

/// The administrator's program with lines on stdin: its memory where it enters a call, and its stdout.
fn program(words: &[&str], input: &str, call: Call) -> (Memory, String) {
    in_the_bed();
    let (wrapper, words) = (stopping_at(call), [&["nightlatch"], words].concat());
    let mut child = Command::new(&wrapper[0]);
    let child = child.args(&wrapper[1..]).args(&words).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut child = child.stderr(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let stopped = Stopped::find(&words, call);
    let memory = stopped.memory();
    stopped.go_on();
    (memory, String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap())
}

fn backup_codes_on(screen: &str) -> Vec<String> {
    let is_code = |word: &&str| word.len() == 19 && word.matches('-').count() == 3;
    let found: Vec<_> = screen.split_whitespace().filter(is_code).map(str::to_owned).collect();
    assert_eq!(found.len(), 10, "{screen}");
    found
}

/// The secret for typing by hand: groups of four base32 symbols, placed on the screen by escape sequences.
fn secret_on(screen: &str) -> String {
    let is_group = |word: &str| word.len() == 4 && word.bytes().all(|b| matches!(b, b'A'..=b'Z' | b'2'..=b'7'));
    let placed = screen.split('\x1b').filter_map(|placed| placed.split_once('H').map(|(_, text)| text));
    let is_row = |text: &&str| text.split(' ').count() == 4 && text.split(' ').all(is_group);
    let secret: String = placed.filter(is_row).map(|text| text.replace(' ', "")).collect();
    assert_eq!(secret.len(), 32, "{screen}");
    secret
}

/// rexpect takes each byte for a character.
fn as_sent(screen: &str) -> String {
    String::from_utf8(screen.chars().map(|byte| u8::try_from(byte).unwrap()).collect()).unwrap()
}

fn unattended(call: Call, more: &[&str]) -> (Needles, Memory) {
    let mut ann = Person::stranger("ann");
    let words = [&["enroll", &ann.name, "--no-confirm"], more].concat();
    let (memory, shown) = program(&words, "", call);
    if more.contains(&"--json") {
        let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
        ann.secret = shown["devices"][0]["secret"].as_str().unwrap().to_owned();
        let codes = shown["backup_codes"].as_array().unwrap();
        ann.backup_codes = codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect();
    } else {
        ann.secret = shown.lines().find_map(|line| line.strip_prefix("secret: ")).unwrap().to_owned();
        ann.backup_codes = backup_codes_on(&shown);
    }
    let mut needles = secrets_of(&ann);
    if more.contains(&"utf8") {
        needles.add_drawing(&shown);
    }
    (needles, memory)
}

#[test]
fn in_the_middle_of_an_enrollment_the_search_finds_what_it_looks_for() {
    let (needles, memory) = unattended(PWRITE, &["--json"]);
    let heap =
        ["the secret, bytes from", "the secret in base32", "the master key, bytes", "backup code 0", "backup code 9"];
    assert_found(&needles, &memory, &heap);
}

#[test]
fn an_unattended_enrollment_leaves_nothing() {
    let (png, svg) = (format!("/tmp/{}", unique("png")), format!("/tmp/{}", unique("svg")));
    let (pdf, html) = (format!("/tmp/{}.pdf", unique("sheet")), format!("/tmp/{}.html", unique("sheet")));
    for more in [
        &["--json"][..],
        &["--qr", "utf8"],
        &["--json", "--qr-png", &png, "--qr-svg", &svg],
        &["--json", "--sheet", &pdf],
        &["--json", "--sheet", &html],
    ] {
        let (needles, memory) = unattended(EXIT, more);
        assert_none(&needles, &format!("{more:?}"), &memory);
    }
}

#[test]
fn an_enrollment_with_a_secret_of_one_s_own_leaves_nothing_confirmed_or_refused() {
    let mut ann = Person::stranger("ann");
    let secret = "mfrg gzdf mztw q2lk nnwg 23tp obyx e43u";
    ann.secret = secret.replace(' ', "").to_uppercase();
    for (more, replies, confirmed) in [
        (&[][..], [WRONG, "no code", WRONG].join("\n"), false),
        (&[], code(&ann), true),
        (&["--replace"], [WRONG, WRONG, WRONG].join("\n"), false),
        (&["--replace"], code(&ann), true),
    ] {
        let words = [&["enroll", &ann.name, "--secret-stdin", "--digits", "8"], more].concat();
        let mut needles = secrets_of(&ann);
        let (memory, shown) = program(&words, &format!("{secret}\n{replies}\n"), EXIT);
        assert_eq!(shown.contains("is enrolled"), confirmed, "{shown}");
        if confirmed {
            ann.backup_codes = backup_codes_on(&shown);
            needles.merge(secrets_of(&ann));
        }
        replies.lines().filter(|line| line.len() == 8).for_each(|line| needles.add_typed(line));
        assert_none(&needles, &format!("{words:?} {confirmed}"), &memory);
    }
}

#[test]
fn an_enrollment_on_a_terminal_leaves_nothing_confirmed_refused_or_given_up() {
    for end in ["confirmed", "refused", "given up"] {
        let mut ann = Person::stranger("ann");
        let words = ["nightlatch", "enroll", &ann.name, "--digits", "8"];
        let mut terminal = Terminal::open(&format!("{} {}", stopping_at(EXIT).join(" "), words.join(" ")));
        terminal.sees("Code from the app: ");
        ann.secret = secret_on(&terminal.screen);
        let mut needles = secrets_of(&ann);
        needles.add_drawing(&as_sent(&terminal.screen));
        let meanwhile = Stopped::find(&words, READ_STDIN).memory();
        assert_found(&needles, &meanwhile, &["the secret, bytes from", "row 9 of the QR code", "row 12 of"]);
        needles.add_typed(WRONG);
        match end {
            "confirmed" => {
                let code = code(&ann);
                needles.add_typed(&code);
                terminal.types(&code).sees("Backup codes of");
            }
            "refused" => {
                terminal.types(WRONG).sees("That code was not right").types(WRONG).sees("That code was not right");
                terminal.types(WRONG);
            }
            _ => drop(terminal.presses_control('d')),
        }
        let stopped = Stopped::find(&words, EXIT);
        let memory = stopped.memory();
        stopped.go_on();
        let screen = terminal.rest();
        if end == "confirmed" {
            ann.backup_codes = backup_codes_on(&screen);
            needles.merge(secrets_of(&ann));
        }
        assert_none(&needles, end, &memory);
    }
}

/// What is secret about a person who was there before, and about the device.
fn secrets_with(person: &Person, secret: &str) -> Needles {
    let mut needles = secrets_of(person);
    needles.add_shared_secret(secret);
    needles
}

#[test]
fn a_device_more_leaves_nothing_unattended_confirmed_or_refused() {
    let ann = enrolled();
    let words = ["device", "add", &ann.name, "--no-confirm", "--json"];
    let mut needles = secrets_of(&ann);
    let (memory, shown) = program(&words, "", EXIT);
    let shown: serde_json::Value = serde_json::from_str(&shown).unwrap();
    needles.merge(secrets_with(&ann, shown["device"]["secret"].as_str().unwrap()));
    assert_none(&needles, "unattended", &memory);
    let secret = "mfrg gzdf mztw q2lk nnwg 23tp obyx e43u";
    let typed = secret.replace(' ', "").to_uppercase();
    let token = ok("oathtool", &["--hotp", "-d", "8", "-c", "3", "-b", &typed]).trim().to_owned();
    for (replies, added) in [([WRONG; 3].join("\n"), false), (token, true)] {
        let words = ["device", "add", &ann.name, "--hotp", "--secret-stdin", "--digits", "8"];
        let mut needles = secrets_with(&ann, &typed);
        let (memory, shown) = program(&words, &format!("{secret}\n{replies}\n"), EXIT);
        assert_eq!(shown.contains("is added"), added, "{shown}");
        replies.lines().for_each(|line| needles.add_typed(line));
        add_keys(&mut needles, &ann);
        assert_none(&needles, &format!("{added}"), &memory);
    }
}

#[test]
fn setting_a_device_right_leaves_nothing() {
    let ann = enrolled();
    let at = |steps: u64| {
        let then = format!("@{}", now() + 3600 + 30 * steps);
        ok("oathtool", &["--totp", "-d", "8", "-b", &ann.secret, "-N", &then]).trim().to_owned()
    };
    steady(8);
    for (second, outcome) in [(WRONG.to_owned(), ""), (at(1), "'phone' of")] {
        let first = at(0);
        let mut needles = secrets_of(&ann);
        needles.add_typed(&first);
        needles.add_typed(&second);
        let (memory, shown) = program(&["device", "resync", &ann.name], &format!("{first}\n{second}\n"), EXIT);
        assert!(shown.starts_with(outcome) && shown.is_empty() == outcome.is_empty(), "{shown}");
        add_keys(&mut needles, &ann);
        assert_none(&needles, &format!("resync {outcome}"), &memory);
    }
}

#[test]
fn verify_and_new_backup_codes_leave_nothing() {
    let mut ann = enrolled();
    let (code, backup_code) = (code(&ann), ann.backup_codes[0].clone());
    for (typed, outcome) in
        [(&*code, "accepted"), (WRONG, "refused"), (&backup_code, "accepted"), (&backup_code, "refused")]
    {
        let mut needles = secrets_of(&ann);
        needles.add_typed(typed);
        let (memory, shown) = program(&["verify", &ann.name], &format!("{typed}\n"), EXIT);
        assert!(shown.starts_with(outcome), "{shown}");
        add_keys(&mut needles, &ann);
        assert_none(&needles, &shown, &memory);
    }
    let sheet = format!("/tmp/{}.pdf", unique("sheet"));
    for form in [&[][..], &["--json"], &["--json", "--sheet", &sheet]] {
        let mut needles = secrets_of(&ann);
        let (memory, shown) = program(&[&["backup-codes", &ann.name, "--yes"], form].concat(), "", EXIT);
        ann.backup_codes = backup_codes_on(&shown.replace(['"', ',', '[', ']'], " "));
        needles.merge(secrets_of(&ann));
        assert_none(&needles, &format!("{form:?}"), &memory);
    }
}

/// Nor when Ctrl-C ends it there: but a signal puts the registers onto the stack, where half of a cipher's key may still
/// be, and what the person was being shown is not wiped (docs/THREATS.md).
#[test]
fn while_a_person_is_asked_there_is_no_key_and_nothing_of_what_is_enrolled() {
    let ann = enrolled();
    let needles = secrets_of(&ann);
    for (words, prompt) in [
        (&["nightlatch", "enroll", &ann.name, "--replace"][..], "Code from the app: "),
        (&["nightlatch", "verify", &ann.name], PROMPT),
        (&["nightlatch", "backup-codes", &ann.name], "[y/N] "),
        (&["nightlatch", "device", "add", &ann.name], "Code from the app: "),
        (&["nightlatch", "device", "resync", &ann.name], "A code of 'phone': "),
    ] {
        let mut terminal = Terminal::open(&format!("{} {}", stopping_at(EXIT).join(" "), words.join(" ")));
        terminal.sees(prompt);
        assert_none(&needles, prompt, &Stopped::find(words, READ_STDIN).memory());
        terminal.presses_control('c');
        let stopped = Stopped::find(words, EXIT);
        let memory = stopped.memory();
        stopped.go_on();
        terminal.rest();
        assert_none(&secrets_of(&ann).without("the cipher's key"), words[1], &memory);
    }
}
