// SPDX-License-Identifier: MIT OR Apache-2.0
//! `backup-codes`.

use serde_json::json;

use crate::host::Host;
use crate::phone::Phone;
use crate::window::Window;

#[test]
fn a_new_set_voids_the_old_one_and_keeps_the_device() {
    let host = Host::new();
    let enrolled = host.enrolled("daemon");
    let object = host.run(&["backup-codes", "daemon", "--yes", "--count", "5", "--json"]).expect(0).json();
    let codes = object["backup_codes"].clone();
    assert_eq!(codes.as_array().unwrap().len(), 5);
    assert_eq!(object, json!({ "schema": 1, "changed": true, "user": "daemon", "uid": 1, "backup_codes": codes }));
    host.run_with(&["verify", "daemon"], enrolled["backup_codes"][0].as_str().unwrap()).expect(3);
    host.run_with(&["verify", "daemon"], codes[4].as_str().unwrap()).expect(0);
    host.run_with(&["verify", "daemon"], &Phone::of(&enrolled).code(0)).expect(0);
    assert_eq!(host.status("daemon")["backup_codes_left"], 4);
}

#[test]
fn a_new_set_has_as_many_codes_as_the_config_says() {
    let host = Host::with("[enroll]\nbackup_codes = 7");
    host.enrolled("daemon");
    let text = host.run(&["backup-codes", "daemon", "--yes"]).expect(0).stdout;
    assert!(text.contains("   7  ") && !text.contains("   8  ") && text.contains("never shown again"), "{text}");
}

#[test]
fn it_asks_before_it_voids_and_only_on_a_terminal() {
    let host = Host::new();
    host.enrolled("daemon");
    host.run_with(&["backup-codes", "daemon"], "y\n").expect(2);
    let mut window = Window::open(&host, 24, 80, &["backup-codes", "daemon"]);
    window.wait_for("Void the 10 backup codes of daemon that are left? [y/N]");
    window.type_line("n");
    assert_eq!(window.end(), 1);
    let mut window = Window::open(&host, 24, 80, &["backup-codes", "daemon"]);
    window.wait_for("[y/N]");
    window.type_line("yes");
    assert_eq!(window.end(), 0);
    assert!(window.look(vt100::Screen::contents).contains("  10  "));
}

#[test]
fn where_none_is_left_there_is_nothing_to_ask() {
    let host = Host::with("[enroll]\nbackup_codes = 0");
    host.enrolled("daemon");
    host.run(&["backup-codes", "daemon"]).expect(2);
    host.run(&["backup-codes", "daemon", "--count", "2"]).expect(0);
    assert_eq!(host.status("daemon")["backup_codes_left"], 2);
}

#[test]
fn whoever_is_not_enrolled_gets_none() {
    Host::new().run(&["backup-codes", "daemon", "--yes"]).expect(4);
}
