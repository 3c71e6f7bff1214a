// SPDX-License-Identifier: MIT OR Apache-2.0
//! `status` and `list`.

use std::fs;

use serde_json::json;

use crate::host::Host;
use crate::phone::Phone;

/// `2026-11-23T09:30:00Z`
fn is_rfc_3339(value: &serde_json::Value) -> bool {
    let text = value.as_str().unwrap_or_default();
    let shape: String = text.chars().map(|c| if c.is_ascii_digit() { '0' } else { c }).collect();
    shape == "0000-00-00T00:00:00Z"
}

#[test]
fn somebody_enrolled_is_shown_with_every_field_and_without_secrets() {
    let host = Host::new();
    let enrolled = host.enrolled("daemon");
    let status = host.status("daemon");
    assert!(is_rfc_3339(&status["enrolled_at"]), "{status}");
    assert_eq!(
        status,
        json!({
            "schema": 1, "user": "daemon", "uid": 1, "enrolled": true, "enrolled_at": status["enrolled_at"], "invited_until": null,
            "devices": [{
                "name": "phone", "kind": "totp", "algorithm": "sha1", "digits": 6, "period": 30, "offset": 0,
                "added_at": status["enrolled_at"], "last_used": null,
            }],
            "backup_codes_left": 10, "backup_codes_inherited": false, "bypass": null, "waived_until": null, "waiver_reason": null, "waiver_uses": null,
            "failures": 0, "lock": null, "locked_until": null, "last_login": null,
        })
    );
    for arguments in [&["status", "daemon"][..], &["status", "daemon", "--json"], &["list"], &["list", "--json"]] {
        let ran = host.run(arguments).expect(0);
        assert!(!ran.stdout.contains(enrolled["devices"][0]["secret"].as_str().unwrap()));
    }
}

#[test]
fn somebody_not_enrolled_is_shown_as_that_and_it_is_no_failure() {
    let host = Host::new();
    assert_eq!(
        host.status("bin"),
        json!({
            "schema": 1, "user": "bin", "uid": 2, "enrolled": false, "enrolled_at": null, "invited_until": null, "devices": [],
            "backup_codes_left": 0, "backup_codes_inherited": false, "bypass": null, "waived_until": null, "waiver_reason": null, "waiver_uses": null,
            "failures": 0, "lock": null, "locked_until": null, "last_login": null,
        })
    );
    assert!(host.run(&["status", "bin"]).expect(0).stdout.contains("enrolled      no"));
    assert_eq!(host.run(&["--json", "status", "no-such-account"]).expect(4).json()["error"]["kind"], "no-account");
}

#[test]
fn a_wait_is_shown_with_its_end() {
    let host = Host::with("[throttle]\nfree_failures = 0\nfirst_wait = 3000\nlong_wait = 3000");
    let phone = Phone::of(&host.enrolled("daemon"));
    host.run_with(&["verify", "daemon"], &phone.wrong_code()).expect(3);
    let status = host.status("daemon");
    assert_eq!((&status["failures"], &status["lock"]), (&json!(1), &json!("waiting")));
    assert!(is_rfc_3339(&status["locked_until"]), "{status}");
    assert!(host.run(&["status", "daemon"]).stdout.contains("waiting until"));
}

#[test]
fn a_block_is_shown_without_an_end() {
    let host = Host::with("[throttle]\nother_failures = 1\nfree_failures = 1");
    let phone = Phone::of(&host.enrolled("daemon"));
    host.run_with(&["verify", "daemon"], &phone.wrong_code()).expect(3);
    let status = host.status("daemon");
    assert_eq!((&status["lock"], &status["locked_until"]), (&json!("blocked"), &json!(null)));
    assert!(host.run(&["status", "daemon"]).stdout.contains("blocked ('nightlatch unlock daemon' ends it)"));
}

#[test]
fn the_last_login_is_shown_with_time_and_service() {
    let host = Host::new();
    let phone = Phone::of(&host.enrolled("daemon"));
    host.run_with(&["verify", "daemon"], &phone.code(0)).expect(0);
    let status = host.status("daemon");
    assert!(is_rfc_3339(&status["last_login"]["time"]) && is_rfc_3339(&status["devices"][0]["last_used"]), "{status}");
    assert!(host.run(&["list"]).stdout.contains(" by nightlatch"));
}

#[test]
fn everybody_is_listed_by_uid_and_each_is_what_status_says() {
    let host = Host::new();
    assert_eq!(host.run(&["list", "--json"]).expect(0).json(), json!([]));
    for user in ["games", "daemon"] {
        host.enrolled(user);
    }
    assert_eq!(host.run(&["list", "--json"]).expect(0).json(), json!([host.status("daemon"), host.status("games")]));
    let text = host.run(&["list"]).expect(0).stdout;
    let first: Vec<&str> = text.lines().filter_map(|line| line.split_whitespace().next()).collect();
    assert_eq!(first, ["USER", "daemon", "games"]);
}

#[test]
fn a_damaged_file_is_warned_of_and_the_others_are_listed() {
    let host = Host::new();
    for user in ["daemon", "bin", "games"] {
        host.enrolled(user);
    }
    let mut bytes = fs::read(host.record(2)).unwrap();
    bytes[700] ^= 1;
    fs::write(host.record(2), bytes).unwrap();
    fs::write(host.record(5), b"short").unwrap();
    let ran = host.run(&["list", "--json"]).expect(1);
    assert_eq!(ran.json(), json!([host.status("daemon")]));
    for uid in [2, 5] {
        let path = host.record(uid);
        assert!(ran.stderr.contains(path.to_str().unwrap()), "{ran:?}");
        assert!(ran.stderr.contains(&format!("remove --uid {uid}")), "{ran:?}");
    }
}

#[test]
fn a_record_of_somebody_else_is_a_fault_with_its_remedy() {
    let host = Host::new();
    host.enrolled("daemon");
    fs::rename(host.record(1), host.record(2)).unwrap();
    let error = host.run(&["--json", "status", "bin"]).expect(1).json()["error"].clone();
    assert!(error["remedy"].as_str().unwrap().contains("remove --uid") || error["kind"] == "damaged", "{error}");
}
