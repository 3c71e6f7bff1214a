// SPDX-License-Identifier: MIT OR Apache-2.0
//! `verify`: judged as at a login.

use serde_json::json;

use crate::host::Host;
use crate::phone::Phone;

#[test]
fn a_right_code_is_accepted_once() {
    let host = Host::new();
    let phone = Phone::of(&host.enrolled("daemon"));
    let code = phone.code(1);
    let first = host.run_with(&["--json", "verify", "daemon"], &code).expect(0).json();
    assert_eq!(
        first,
        json!({ "schema": 1, "changed": true, "outcome": "accepted", "method": "totp", "backup_codes_left": 10 })
    );
    let second = host.run_with(&["--json", "verify", "daemon"], &code).expect(3).json();
    assert_eq!(
        second,
        json!({ "schema": 1, "changed": false, "outcome": "refused", "method": null, "backup_codes_left": 10 })
    );
    assert_eq!(host.status("daemon")["failures"], 0, "a replay of the last accepted code is not charged");
}

#[test]
fn a_login_by_it_is_remembered() {
    let host = Host::new();
    let phone = Phone::of(&host.enrolled("daemon"));
    host.run_with(&["verify", "daemon"], &phone.code(0)).expect(0);
    let status = host.status("daemon");
    assert_eq!(
        (&status["last_login"]["service"], &status["last_login"]["source"]),
        (&json!("nightlatch"), &json!(null))
    );
    assert_eq!(status["last_login"]["time"], status["devices"][0]["last_used"]);
}

#[test]
fn a_backup_code_is_accepted_once_however_it_is_written() {
    let host = Host::new();
    let enrolled = host.enrolled("daemon");
    let code = enrolled["backup_codes"][3].as_str().unwrap();
    let spelled = code.replace('-', " ").to_lowercase();
    let first = host.run_with(&["--json", "verify", "daemon"], &spelled).expect(0).json();
    assert_eq!(
        first,
        json!({ "schema": 1, "changed": true, "outcome": "accepted", "method": "backup-code", "backup_codes_left": 9 })
    );
    let second = host.run_with(&["--json", "verify", "daemon"], code).expect(3).json();
    assert_eq!(second["backup_codes_left"], 9);
}

#[test]
fn a_wrong_code_counts_and_what_cannot_be_one_does_not() {
    let host = Host::new();
    let phone = Phone::of(&host.enrolled("daemon"));
    for shapeless in ["12345", "abcdef", "1234567", "", " - \n"] {
        let ran = host.run_with(&["--json", "verify", "daemon"], &format!("{shapeless}\n")).expect(3);
        assert_eq!(ran.json()["outcome"], "refused", "{shapeless:?}");
    }
    assert_eq!(host.status("daemon")["failures"], 0);
    let wrong = phone.wrong_code();
    let ran = host.run_with(&["verify", "daemon"], &wrong).expect(3);
    assert!(ran.stdout.starts_with("refused: wrong code") && !ran.stdout.contains(&wrong), "{ran:?}");
    assert_eq!(host.status("daemon")["failures"], 1);
}

#[test]
fn a_code_of_another_moment_is_wrong_and_tells_that_a_clock_is_off() {
    let host = Host::new();
    let phone = Phone::of(&host.enrolled("daemon"));
    let ran = host.run_with(&["verify", "daemon"], &phone.code(10)).expect(3);
    let (beginning, rest) = ran.stdout.split_once(" s from this host's time").unwrap();
    // A step may have passed meanwhile.
    let ends_well = beginning.ends_with("; it is right +300") || beginning.ends_with("; it is right +270");
    assert!(beginning.starts_with("refused: wrong code; counted as a failure") && ends_well, "{ran:?}");
    assert!(rest.contains("timedatectl"), "{ran:?}");
    assert_eq!(host.status("daemon")["failures"], 1);
}

#[test]
fn whoever_waits_or_is_blocked_is_refused_unjudged_and_told_what_ends_it() {
    for (settings, word) in [
        ("[throttle]\nfree_failures = 0\nfirst_wait = 3000\nlong_wait = 3000", "waiting"),
        ("[throttle]\nother_failures = 1\nfree_failures = 1", "blocked"),
    ] {
        let host = Host::with(settings);
        let phone = Phone::of(&host.enrolled("daemon"));
        host.run_with(&["verify", "daemon"], &phone.wrong_code()).expect(3);
        let ran = host.run_with(&["verify", "daemon"], &phone.code(0)).expect(3);
        assert!(ran.stdout.contains(word) && ran.stdout.contains("nightlatch unlock daemon"), "{ran:?}");
        assert_eq!(host.status("daemon")["failures"], 1, "what is not judged is not charged");
        host.run(&["unlock", "daemon"]).expect(0);
        host.run_with(&["verify", "daemon"], &phone.code(0)).expect(0);
    }
}

#[test]
fn nobody_to_verify_is_status_four_before_a_code_is_asked_for() {
    let host = Host::new();
    assert_eq!(host.run(&["--json", "verify", "daemon"]).expect(4).json()["error"]["kind"], "not-enrolled");
    assert_eq!(host.run(&["--json", "verify", "no-such-account"]).expect(4).json()["error"]["kind"], "no-account");
}

#[test]
fn no_code_at_all_is_wrong_usage() {
    let host = Host::new();
    host.enrolled("daemon");
    host.run(&["verify", "daemon"]).expect(2);
}

#[test]
fn only_the_first_line_of_stdin_is_taken() {
    let host = Host::new();
    let phone = Phone::of(&host.enrolled("daemon"));
    let stdin = format!("{}\n{}\n", phone.wrong_code(), phone.code(0));
    host.run_with(&["verify", "daemon"], &stdin).expect(3);
    assert_eq!(host.status("daemon")["failures"], 1);
}

#[test]
fn a_lost_ledger_slot_is_told() {
    let host = Host::new();
    let phone = Phone::of(&host.enrolled("daemon"));
    let mut bytes = std::fs::read(host.record(1)).unwrap();
    bytes[8192 + 40] ^= 1;
    std::fs::write(host.record(1), bytes).unwrap();
    let ran = host.run_with(&["verify", "daemon"], &phone.code(0)).expect(3);
    assert!(ran.stderr.contains("ledger slots is lost") && ran.stderr.contains("/users/1"), "{ran:?}");
}
