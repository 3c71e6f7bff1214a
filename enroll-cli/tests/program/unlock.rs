// SPDX-License-Identifier: MIT OR Apache-2.0
//! `unlock`.

use serde_json::json;

use crate::host::Host;
use crate::phone::Phone;

#[test]
fn it_clears_failures_and_says_whether_there_were_any() {
    let host = Host::with("[throttle]\nother_failures = 1\nfree_failures = 1");
    let phone = Phone::of(&host.enrolled("daemon"));
    host.run_with(&["verify", "daemon"], &phone.wrong_code()).expect(3);
    let object = host.run(&["unlock", "daemon", "--json"]).expect(0).json();
    assert_eq!(object, json!({ "schema": 1, "changed": true, "user": "daemon", "uid": 1 }));
    let status = host.status("daemon");
    assert_eq!((&status["failures"], &status["lock"]), (&json!(0), &json!(null)));
    assert_eq!(host.run(&["unlock", "daemon", "--json"]).expect(0).json()["changed"], false);
    assert!(host.run(&["unlock", "daemon"]).expect(0).stdout.contains("nothing to do"));
}

#[test]
fn whoever_is_not_enrolled_cannot_be_unlocked() {
    let host = Host::new();
    assert_eq!(host.run(&["unlock", "daemon", "--json"]).expect(4).json()["error"]["kind"], "not-enrolled");
}
