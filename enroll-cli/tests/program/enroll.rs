// SPDX-License-Identifier: MIT OR Apache-2.0
//! `enroll`: whom it takes, and what becomes of a record that is there.

use std::fs;

use serde_json::json;

use crate::host::Host;
use crate::phone::Phone;

#[test]
fn a_second_enroll_is_refused_with_status_five() {
    let host = Host::new();
    host.enrolled("daemon");
    let before = fs::read(host.record(1)).unwrap();
    let ran = host.run(&["--json", "enroll", "daemon", "--no-confirm"]).expect(5);
    assert_eq!(ran.json()["error"]["kind"], "already-enrolled");
    assert!(ran.stderr.contains("--replace") && ran.stderr.contains("backup-codes daemon"), "{ran:?}");
    assert_eq!(fs::read(host.record(1)).unwrap(), before);
}

#[test]
fn if_not_enrolled_makes_a_second_enroll_a_success_without_a_secret() {
    let host = Host::new();
    host.run(&["enroll", "daemon", "--no-confirm", "--if-not-enrolled"]).expect(0);
    let before = fs::read(host.record(1)).unwrap();
    let object = host.run(&["enroll", "daemon", "--no-confirm", "--if-not-enrolled", "--json"]).expect(0).json();
    assert_eq!(object, json!({ "schema": 1, "changed": false, "user": "daemon", "uid": 1 }));
    assert_eq!(fs::read(host.record(1)).unwrap(), before);
}

#[test]
fn a_damaged_record_is_a_fault_and_not_enrolled_already() {
    let host = Host::new();
    host.enrolled("daemon");
    let mut bytes = fs::read(host.record(1)).unwrap();
    bytes[700] ^= 1;
    fs::write(host.record(1), bytes).unwrap();
    for option in ["--if-not-enrolled", "--replace"] {
        let error = host.run(&["--json", "enroll", "daemon", "--no-confirm", option]).expect(1).json()["error"].clone();
        assert_eq!((error["kind"].as_str(), error["path"].as_str()), (Some("damaged"), host.record(1).to_str()));
    }
}

#[test]
fn a_replacement_that_is_not_confirmed_leaves_the_old_record_as_it_is() {
    let host = Host::new();
    let old = Phone::of(&host.enrolled("daemon"));
    let before = fs::read(host.record(1)).unwrap();
    host.run_with(&["enroll", "daemon", "--replace"], "000000\n111111\n222222\n").expect(3);
    assert_eq!(fs::read(host.record(1)).unwrap(), before);
    host.run_with(&["verify", "daemon"], &old.code(0)).expect(0);
}

#[test]
fn a_replacement_voids_the_old_device_and_the_old_backup_codes() {
    let host = Host::new();
    let old = host.enrolled("daemon");
    let new = host.run(&["--json", "enroll", "daemon", "--no-confirm", "--replace"]).expect(0).json();
    assert_ne!(old["devices"][0]["secret"], new["devices"][0]["secret"]);
    host.run_with(&["verify", "daemon"], &Phone::of(&old).code(0)).expect(3);
    host.run_with(&["verify", "daemon"], old["backup_codes"][0].as_str().unwrap()).expect(3);
    host.run_with(&["verify", "daemon"], &Phone::of(&new).code(0)).expect(0);
}

#[test]
fn a_replacement_of_several_devices_says_that_all_of_them_go() {
    let host = Host::new();
    host.enrolled("daemon");
    let replace = ["enroll", "daemon", "--no-confirm", "--replace"];
    assert!(host.run(&replace).expect(0).stderr.is_empty());
    host.run(&["device", "add", "daemon", "--no-confirm"]).expect(0);
    let ran = host.run(&replace).expect(0);
    assert!(ran.stderr.contains("all 2 devices") && ran.stderr.contains("device add daemon"), "{ran:?}");
    assert_eq!(host.status("daemon")["devices"].as_array().unwrap().len(), 1);
}

#[test]
fn a_replacement_for_somebody_who_is_blocked_says_what_ends_that() {
    let host = Host::with("[throttle]\nother_failures = 1\nfree_failures = 1");
    let phone = Phone::of(&host.enrolled("daemon"));
    host.run_with(&["verify", "daemon"], &phone.wrong_code()).expect(3);
    let ran = host.run(&["enroll", "daemon", "--no-confirm", "--replace"]).expect(0);
    assert!(ran.stderr.contains("still blocked") && ran.stderr.contains("nightlatch unlock daemon"), "{ran:?}");
}

#[test]
fn replace_and_if_not_enrolled_exclude_each_other() {
    Host::new().run(&["enroll", "daemon", "--replace", "--if-not-enrolled"]).expect(2);
}

#[test]
fn whoever_has_no_account_is_not_enrolled() {
    let host = Host::new();
    for name in ["no-such-account-here", "../root", "1000", "a:b"] {
        let ran = host.run(&["--json", "enroll", name, "--no-confirm"]).expect(4);
        assert_eq!(ran.json()["error"]["kind"], "no-account", "{name}");
    }
    assert_eq!(fs::read_dir(host.path("store/users")).unwrap().count(), 0);
}

#[test]
fn a_uid_that_is_handed_out_for_a_while_is_refused() {
    let ran = Host::new().run(&["--json", "enroll", "nobody", "--no-confirm"]).expect(1);
    assert_eq!(ran.json()["error"]["kind"], "transient-uid");
}

#[test]
fn a_colon_in_issuer_or_account_is_wrong_usage() {
    let host = Host::new();
    for option in ["--issuer", "--account"] {
        host.run(&["enroll", "daemon", "--no-confirm", option, "a:b"]).expect(2);
    }
    host.run(&["enroll", "daemon", "--no-confirm", "--device", "tab\there"]).expect(2);
    assert_eq!(host.status("daemon")["enrolled"], false);
}

#[test]
fn without_a_store_that_init_made_nobody_is_enrolled() {
    let host = Host::bare("");
    let ran = host.run(&["--json", "enroll", "daemon", "--no-confirm"]).expect(1);
    assert_eq!(ran.json()["error"]["kind"], "missing");
    assert!(ran.stderr.contains("nightlatch init"), "{ran:?}");
    fs::create_dir_all(host.path("store/users")).unwrap();
    for directory in ["store", "store/users"] {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(host.path(directory), fs::Permissions::from_mode(0o700)).unwrap();
    }
    host.run(&["enroll", "daemon", "--no-confirm"]).expect(1);
}

#[test]
fn of_two_first_enrollments_at_once_one_wins() {
    let host = Host::new();
    let ran: Vec<i32> = std::thread::scope(|scope| {
        let runs: Vec<_> =
            (0..8).map(|_| scope.spawn(|| host.run(&["enroll", "daemon", "--no-confirm", "--json"]))).collect();
        runs.into_iter().map(|run| run.join().unwrap().status).collect()
    });
    assert_eq!(ran.iter().filter(|status| **status == 0).count(), 1, "{ran:?}");
    assert!(ran.iter().all(|status| [0, 1, 5].contains(status)), "{ran:?}");
}
