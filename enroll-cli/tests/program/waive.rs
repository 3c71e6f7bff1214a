// SPDX-License-Identifier: MIT OR Apache-2.0
//! `waive`.

use std::fs;

use serde_json::{Value, json};

use crate::host::{Host, mode};

fn waived(status: &Value) -> [&Value; 3] {
    ["waived_until", "waiver_reason", "waiver_uses"].map(|field| &status[field])
}

const NONE: [&Value; 3] = [&Value::Null; 3];

#[test]
fn somebody_is_waived_until_a_time_for_a_reason_and_status_shows_it() {
    let host = Host::new();
    host.enrolled("daemon");
    assert_eq!(waived(&host.status("daemon")), NONE);
    let reason = "phone broken (ticket \"4711\")";
    let object = host.run(&["waive", "daemon", "--until", "+4h", "--reason", reason, "--json"]).expect(0).json();
    let until = object["waived_until"].clone();
    assert_eq!(
        object,
        json!({ "schema": 1, "changed": true, "user": "daemon", "uid": 1, "waived_until": until, "reason": reason })
    );
    assert_eq!(waived(&host.status("daemon")), [&until, &json!(reason), &json!(0)]);
    let text = host.run(&["status", "daemon"]).expect(0).stdout;
    let line = format!(
        "  waived        until {}, 0 uses so far: phone broken (ticket \\\"4711\\\")\n",
        until.as_str().unwrap()
    );
    assert!(text.contains(&line), "{text}");
    assert_eq!(mode(&host.path("store/users/1.waived")), 0o600);
    assert_eq!(host.run(&["list", "--json"]).expect(0).json()[0]["waived_until"], until);
    host.run(&["doctor", "--only", "store"]).expect(0);
}

#[test]
fn it_is_ended_replaced_and_gone_with_the_record_or_a_new_phone() {
    let host = Host::new();
    host.enrolled("daemon");
    let hint = host.path("store/users/1.waived");
    let waive = |until: &str| host.run(&["waive", "daemon", "--until", until, "--reason", "phone broken"]).expect(0);
    let text = waive("+2d").stdout;
    assert!(text.starts_with("daemon gets in without a code until 20") && text.contains("(phone broken); "), "{text}");
    waive("+1d");
    let ended = host.run(&["waive", "daemon", "--end"]).expect(0).stdout;
    assert_eq!((ended.as_str(), hint.exists()), ("daemon is asked for a code again\n", false));
    assert_eq!(waived(&host.status("daemon")), NONE);
    let again = host.run(&["waive", "daemon", "--end", "--json"]).expect(0).json();
    assert_eq!(again, json!({ "schema": 1, "changed": false, "user": "daemon", "uid": 1 }));
    waive("+1d");
    host.run(&["enroll", "daemon", "--replace", "--no-confirm"]).expect(0);
    assert_eq!(waived(&host.status("daemon")), NONE);
    waive("+1d");
    host.run(&["backup-codes", "daemon", "--yes"]).expect(0);
    assert_eq!(host.status("daemon")["waiver_reason"], "phone broken");
    host.run(&["remove", "daemon", "--yes"]).expect(0);
    assert!(!hint.exists());
}

#[test]
fn a_waiver_that_no_login_looks_for_is_warned_of_and_not_shown_as_in_force() {
    let host = Host::new();
    host.enrolled("daemon");
    host.run(&["waive", "daemon", "--until", "+1h", "--reason", "phone broken"]).expect(0);
    fs::remove_file(host.path("store/users/1.waived")).unwrap();
    let ran = host.run(&["status", "daemon", "--json"]).expect(0);
    assert_eq!(waived(&ran.json()), NONE);
    assert!(ran.stderr.contains("'1.waived'") && ran.stderr.contains("'nightlatch waive'"), "{ran:?}");
}

#[test]
fn an_end_and_a_reason_are_wanted_and_both_within_bounds() {
    let host = Host::new();
    host.enrolled("daemon");
    let long = "x".repeat(201);
    for more in [
        &[][..],
        &["--until", "+1h"],
        &["--reason", "phone broken"],
        &["--until", "+1h", "--reason", ""],
        &["--until", "+1h", "--reason", "  "],
        &["--until", "+1h", "--reason", "a\nb"],
        &["--until", "+1h", "--reason", &long],
        &["--until", "+31d", "--reason", "phone broken"],
        &["--until", "2020-01-01", "--reason", "phone broken"],
        &["--until", "+0h", "--reason", "phone broken"],
        &["--until", "tomorrow", "--reason", "phone broken"],
        &["--until", "-1h", "--reason", "phone broken"],
        &["--until", "2026-11-24T14:02:00", "--reason", "phone broken"],
        &["--end", "--until", "+1h"],
        &["--end", "--reason", "phone broken"],
    ] {
        host.run(&[&["waive", "daemon"], more].concat()).expect(2);
    }
    assert_eq!(waived(&host.status("daemon")), NONE);
    assert!(!host.path("store/users/1.waived").exists());
    host.run(&["waive", "bin", "--until", "+1h", "--reason", "phone broken"]).expect(4);
    host.run(&["waive", "bin", "--end"]).expect(4);
    assert!(!host.path("store/users/2.waived").exists());
}
