// SPDX-License-Identifier: MIT OR Apache-2.0
//! `device list`, `rename` and `remove`.

use std::fs;

use serde_json::{Value, json};

use crate::host::Host;
use crate::phone::{Phone, Token};
use crate::window::Window;

/// A phone as the first device, and a token.
fn of_two() -> (Host, Phone, Token) {
    let host = Host::new();
    let phone = Phone::of(&host.enrolled("daemon"));
    let added = host.run(&["--json", "device", "add", "daemon", "--hotp", "--no-confirm"]).expect(0).json();
    let token = Token::scanned(added["device"]["uri"].as_str().unwrap());
    (host, phone, token)
}

fn names(host: &Host) -> Vec<String> {
    let listed = host.run(&["--json", "device", "list", "daemon"]).expect(0).json();
    listed["devices"].as_array().unwrap().iter().map(|device| device["name"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_list_is_what_status_shows_of_devices() {
    let (host, phone, _) = of_two();
    host.run_with(&["verify", "daemon"], &phone.code(0)).expect(0);
    let listed = host.run(&["device", "list", "daemon", "--json"]).expect(0).json();
    let devices = host.status("daemon")["devices"].clone();
    assert_eq!(listed, json!({ "schema": 1, "user": "daemon", "uid": 1, "devices": devices }));
    assert_eq!((&devices[0]["name"], &devices[1]["name"]), (&json!("phone"), &json!("token")));
    assert!(devices[0]["last_used"].is_string() && devices[1]["last_used"].is_null());
    let text = host.run(&["device", "list", "daemon"]).expect(0).stdout;
    let lines: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
    assert_eq!(lines[0], ["NAME", "KIND", "ALGORITHM", "DIGITS", "PERIOD", "OFFSET", "ADDED", "LAST", "USED"]);
    assert_eq!(&lines[1][..7], ["phone", "totp", "sha1", "6", "30", "s", "-"]);
    assert_eq!(&lines[2][..6], ["token", "hotp", "sha1", "6", "-", "-"]);
    assert_eq!(lines[2][7], "never");
}

#[test]
fn whoever_is_not_enrolled_or_not_there_has_no_devices() {
    let host = Host::new();
    for arguments in [
        &["device", "list", "bin"][..],
        &["device", "add", "bin", "--no-confirm"],
        &["device", "rename", "bin", "phone", "x"],
        &["device", "remove", "bin", "phone", "--yes"],
        &["device", "resync", "bin"],
    ] {
        let ran = host.run(&[&["--json"], arguments].concat()).expect(4);
        assert_eq!(ran.json()["error"]["kind"], "not-enrolled", "{arguments:?}");
    }
    host.run(&["device", "list", "no-such-account-here"]).expect(4);
}

#[test]
fn a_device_goes_by_its_new_name_and_works_on() {
    let (host, phone, _) = of_two();
    let object = host.run(&["--json", "device", "rename", "daemon", "PHONE", "old phone"]).expect(0).json();
    assert_eq!(object, json!({ "schema": 1, "changed": true, "user": "daemon", "uid": 1, "device": "old phone" }));
    assert_eq!(names(&host), ["old phone", "token"]);
    let ran = host.run_with(&["verify", "daemon"], &phone.code(0)).expect(0);
    assert!(ran.stdout.contains("totp code of 'old phone'"), "{ran:?}");
}

#[test]
fn the_name_that_it_has_already_changes_nothing_and_other_capitals_do() {
    let (host, ..) = of_two();
    let before = fs::read(host.record(1)).unwrap();
    let object = host.run(&["--json", "device", "rename", "daemon", "phone", "phone"]).expect(0).json();
    assert_eq!(object["changed"], false);
    assert_eq!(fs::read(host.record(1)).unwrap(), before);
    host.run(&["device", "rename", "daemon", "phone", "Phone"]).expect(0);
    assert_eq!(names(&host), ["Phone", "token"]);
}

#[test]
fn a_name_that_is_taken_or_is_none_is_refused_and_nothing_changes() {
    let (host, ..) = of_two();
    let before = fs::read(host.record(1)).unwrap();
    for (old, new, status, kind) in [
        ("phone", "Token", 5, "name-taken"),
        ("tablet", "x", 4, "no-device"),
        ("phone", "", 2, "usage"),
        ("phone", " x", 2, "usage"),
        ("phone", "tab\there", 2, "usage"),
    ] {
        let ran = host.run(&["--json", "device", "rename", "daemon", old, new]).expect(status);
        assert_eq!(ran.json()["error"]["kind"], kind, "{old} {new}");
        assert!(!ran.stderr.is_empty());
    }
    assert_eq!(fs::read(host.record(1)).unwrap(), before);
}

#[test]
fn a_removed_device_gets_nobody_in_and_the_other_does() {
    let (host, phone, mut token) = of_two();
    let object = host.run(&["--json", "device", "remove", "daemon", "Phone", "--yes"]).expect(0).json();
    assert_eq!(object, json!({ "schema": 1, "changed": true, "user": "daemon", "uid": 1, "device": "phone" }));
    host.run_with(&["verify", "daemon"], &phone.code(0)).expect(3);
    host.run_with(&["verify", "daemon"], &token.press()).expect(0);
}

#[test]
fn the_last_device_is_not_removed_and_the_message_says_how_to_remove_all() {
    let host = Host::new();
    host.enrolled("daemon");
    let ran = host.run(&["--json", "device", "remove", "daemon", "phone", "--yes"]).expect(2);
    assert_eq!(ran.json()["error"]["kind"], "last-device");
    assert!(ran.stderr.contains("'nightlatch remove daemon'"), "{ran:?}");
    assert_eq!(names(&host), ["phone"]);
}

#[test]
fn a_removal_is_agreed_to_on_a_terminal_and_nowhere_else() {
    let (host, ..) = of_two();
    host.run_with(&["device", "remove", "daemon", "token"], "y\n").expect(2);
    let mut window = Window::open(&host, 24, 80, &["device", "remove", "daemon", "token"]);
    window.wait_for("Remove the device 'token' of daemon? [y/N]");
    window.type_line("n");
    assert_eq!(window.end(), 1);
    assert_eq!(names(&host), ["phone", "token"]);
    let mut window = Window::open(&host, 24, 80, &["device", "remove", "daemon", "token"]);
    window.wait_for("[y/N]");
    window.type_line("y");
    assert_eq!(window.end(), 0);
    assert_eq!(names(&host), ["phone"]);
}

#[test]
fn quiet_and_no_verb_are_as_everywhere() {
    let (host, ..) = of_two();
    assert!(host.run(&["--quiet", "device", "rename", "daemon", "phone", "x"]).expect(0).stderr.is_empty());
    for arguments in [&["--json", "device"][..], &["--json", "device", "help"], &["--json", "device", "lis", "daemon"]]
    {
        let error: Value = host.run(arguments).expect(2).json()["error"].clone();
        assert_eq!(error["kind"], "usage", "{arguments:?}");
    }
}

#[test]
fn no_name_of_a_device_moves_the_cursor() {
    let host = Host::new();
    host.run(&["enroll", "daemon", "--no-confirm", "--device", "a\u{202e}b"]).expect(0);
    for arguments in [&["device", "list", "daemon"][..], &["device", "remove", "daemon", "a\u{202e}b", "--yes"]] {
        let ran = host.run(arguments);
        assert!(!ran.stdout.contains('\u{202e}') && !ran.stderr.contains('\u{202e}'), "{ran:?}");
    }
}
