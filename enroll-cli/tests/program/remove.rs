// SPDX-License-Identifier: MIT OR Apache-2.0
//! `remove`.

use std::fs;

use serde_json::json;

use crate::host::Host;
use crate::window::Window;

#[test]
fn with_yes_the_record_goes() {
    let host = Host::new();
    host.enrolled("daemon");
    let object = host.run(&["remove", "daemon", "--yes", "--json"]).expect(0).json();
    assert_eq!(object, json!({ "schema": 1, "changed": true, "user": "daemon", "uid": 1 }));
    assert!(!host.record(1).exists());
    assert_eq!(host.run(&["remove", "daemon", "--yes", "--json"]).expect(4).json()["error"]["kind"], "not-enrolled");
}

#[test]
fn nobody_to_ask_and_no_yes_is_wrong_usage() {
    let host = Host::new();
    host.enrolled("daemon");
    host.run_with(&["remove", "daemon"], "y\n").expect(2);
    assert!(host.record(1).exists());
}

#[test]
fn on_a_terminal_it_asks_and_takes_nothing_but_y_for_yes() {
    let host = Host::new();
    host.enrolled("daemon");
    for answer in ["", "n", "no"] {
        let mut window = Window::open(&host, 24, 80, &["remove", "daemon"]);
        window.wait_for("daemon (uid 1), backup codes included? [y/N]");
        window.type_line(answer);
        assert_eq!(window.end(), 1, "{answer:?}");
        assert!(host.record(1).exists());
    }
    let mut window = Window::open(&host, 24, 80, &["remove", "daemon"]);
    window.wait_for("[y/N]");
    window.type_line("y");
    assert_eq!(window.end(), 0);
    assert!(!host.record(1).exists());
}

#[test]
fn by_uid_what_is_damaged_goes_too() {
    let host = Host::new();
    host.enrolled("daemon");
    fs::write(host.record(1), b"damaged").unwrap();
    host.run(&["remove", "daemon", "--yes"]).expect(1);
    let object = host.run(&["remove", "--uid", "1", "--yes", "--json"]).expect(0).json();
    assert_eq!(object, json!({ "schema": 1, "changed": true, "user": null, "uid": 1 }));
    assert!(!host.record(1).exists());
}

#[test]
fn by_uid_the_record_says_whose_it_was() {
    let host = Host::new();
    host.enrolled("daemon");
    assert_eq!(host.run(&["remove", "--uid", "1", "--yes", "--json"]).expect(0).json()["user"], "daemon");
    host.run(&["remove", "--uid", "1", "--yes"]).expect(4);
}

#[test]
fn user_and_uid_exclude_each_other_and_one_is_needed() {
    let host = Host::new();
    host.run(&["remove", "daemon", "--uid", "1"]).expect(2);
    host.run(&["remove", "--yes"]).expect(2);
}
