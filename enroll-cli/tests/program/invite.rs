// SPDX-License-Identifier: MIT OR Apache-2.0
//! `invite`.

use std::fs;

use serde_json::{Value, json};

use crate::host::{Host, mode};

fn invited_until(host: &Host) -> Value {
    host.status("bin")["invited_until"].clone()
}

#[test]
fn somebody_who_is_not_enrolled_is_invited_until_a_time_and_status_shows_it() {
    let host = Host::new();
    let object = host.run(&["invite", "bin", "--until", "+4h", "--json"]).expect(0).json();
    let until = object["invited_until"].clone();
    assert_eq!(object, json!({ "schema": 1, "changed": true, "user": "bin", "uid": 2, "invited_until": until }));
    assert_eq!(invited_until(&host), until);
    assert_eq!(host.status("bin")["enrolled"], false);
    let text = host.run(&["status", "bin"]).expect(0).stdout;
    assert!(text.contains(&format!("  invited       until {}", until.as_str().unwrap())), "{text}");
    assert_eq!(mode(&host.path("store/users/2.invited")), 0o600);
    assert_eq!(host.run(&["list", "--json"]).expect(0).json(), json!([]));
    host.run(&["doctor", "--only", "store"]).expect(0);
    let said = host.run(&["policy", "explain", "bin", "--service", "sshd"]).expect(0).stdout;
    assert!(said.contains("bin is invited until ") && said.contains("enrolled in the login, if"), "{said}");
    let object = host.run(&["policy", "explain", "bin", "--service", "sshd", "--json"]).expect(0).json();
    assert_eq!((&object["outcome"], &object["invited_until"]), (&json!("enrolls"), &until));
}

#[test]
fn without_an_end_it_is_a_week_and_it_is_replaced_ended_and_gone_with_the_enrollment() {
    let host = Host::new();
    let file = host.path("store/users/2.invited");
    let days = |until: &Value| {
        let text = until.as_str().unwrap().to_owned();
        nightlatch::calendar::parse(&text).unwrap().0.saturating_sub(now()) / 86_400
    };
    let said = host.run(&["invite", "bin"]).expect(0).stdout;
    assert!(said.starts_with("bin may enroll in a login until 20"), "{said}");
    assert!((6..=7).contains(&days(&invited_until(&host))));
    host.run(&["invite", "bin", "--until", "+29d"]).expect(0);
    assert!((28..=29).contains(&days(&invited_until(&host))));
    let ended = host.run(&["invite", "bin", "--end"]).expect(0).stdout;
    assert_eq!((ended.as_str(), file.exists()), ("bin is no longer invited\n", false));
    assert_eq!(invited_until(&host), Value::Null);
    let again = host.run(&["invite", "bin", "--end", "--json"]).expect(0).json();
    assert_eq!(again, json!({ "schema": 1, "changed": false, "user": "bin", "uid": 2 }));
    host.run(&["invite", "bin"]).expect(0);
    host.enrolled("bin");
    assert!(!file.exists());
    assert_eq!(invited_until(&host), Value::Null);
    // One that was put back beside the record goes with it.
    fs::write(&file, "").unwrap();
    host.run(&["remove", "bin", "--yes"]).expect(0);
    assert!(!file.exists());
}

fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs()
}

#[test]
fn whoever_is_enrolled_or_no_account_is_not_invited_and_the_end_is_within_bounds() {
    let host = Host::new();
    host.enrolled("daemon");
    let before = fs::read(host.record(1)).unwrap();
    let refused = host.run(&["invite", "daemon", "--json"]).expect(5).json();
    assert_eq!(refused["error"]["kind"], "already-enrolled");
    assert_eq!(fs::read(host.record(1)).unwrap(), before);
    host.run(&["invite", "no-such-account"]).expect(4);
    host.run(&["invite", "nobody"]).expect(1);
    for until in ["+31d", "2020-01-01", "+0h", "tomorrow", "-1h", "2026-11-24T14:02:00"] {
        host.run(&["invite", "bin", "--until", until]).expect(2);
    }
    host.run(&["invite", "bin", "--end", "--until", "+1h"]).expect(2);
    let names: Vec<_> = fs::read_dir(host.path("store/users")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["1"]);
}

#[test]
fn a_damaged_invitation_is_warned_of_invites_nobody_and_can_be_ended_or_made_anew() {
    let host = Host::new();
    let file = host.path("store/users/2.invited");
    host.run(&["invite", "bin"]).expect(0);
    let mut bytes = fs::read(&file).unwrap();
    bytes[530] ^= 1;
    fs::write(&file, &bytes).unwrap();
    let ran = host.run(&["status", "bin", "--json"]).expect(0);
    assert_eq!(ran.json()["invited_until"], Value::Null);
    assert!(ran.stderr.contains("2.invited") && ran.stderr.contains("'nightlatch invite USER'"), "{ran:?}");
    host.run(&["invite", "bin"]).expect(0);
    assert_ne!(invited_until(&host), Value::Null);
    fs::write(&file, &bytes).unwrap();
    host.run(&["invite", "bin", "--end"]).expect(0);
    assert!(!file.exists());
}
