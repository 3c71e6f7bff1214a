// SPDX-License-Identifier: MIT OR Apache-2.0
//! `rebind`: after usermod.

use serde_json::{Value, json};

use crate::crowd::Crowd;
use crate::phone::Phone;

#[test]
fn after_a_new_name_the_same_phone_goes_on_and_a_used_code_stays_used() {
    let crowd = Crowd::of(&[("alice", 5001)]);
    let enrolled = crowd.enrolled("alice");
    let phone = Phone::of(&enrolled);
    let (used, backup) = (phone.code(0), enrolled["backup_codes"][0].as_str().unwrap().to_owned());
    crowd.run_with(&["verify", "alice"], &used).expect(0);
    crowd.run_with(&["verify", "alice"], &backup).expect(0);
    crowd.becomes(&[("alicia", 5001)]);
    let ran = crowd.run_with(&["verify", "alicia"], &phone.code(1)).expect(1);
    assert!(ran.stderr.contains("rebind"), "the remedy is named: {ran:?}");
    let object = crowd.run(&["rebind", "alicia", "--from-name", "alice", "--yes", "--json"]).expect(0).json();
    assert_eq!(
        object,
        json!({
            "schema": 1, "changed": true, "user": "alicia", "uid": 5001, "from_user": "alice", "from_uid": 5001,
        })
    );
    crowd.run_with(&["verify", "alicia"], &used).expect(3);
    crowd.run_with(&["verify", "alicia"], &backup).expect(3);
    crowd.run_with(&["verify", "alicia"], &phone.code(1)).expect(0);
    let again = crowd.run(&["rebind", "alicia", "--from-name", "alice", "--yes", "--json"]).expect(0).json();
    assert_eq!((&again["changed"], &again["from_user"]), (&json!(false), &Value::Null));
}

#[test]
fn after_a_new_uid_the_file_has_it_too() {
    let crowd = Crowd::of(&[("bob", 5002)]);
    let phone = Phone::of(&crowd.enrolled("bob"));
    crowd.becomes(&[("bob", 6002)]);
    crowd.run(&["rebind", "bob", "--from-uid", "5002", "--yes"]).expect(0);
    assert!(!crowd.host.record(5002).exists() && crowd.host.record(6002).exists());
    crowd.run_with(&["verify", "bob"], &phone.code(0)).expect(0);
    let ran = crowd.run(&["rebind", "bob", "--from-uid", "5002", "--yes"]).expect(0);
    assert!(ran.stdout.contains("nothing to do"), "{ran:?}");
}

#[test]
fn a_run_that_was_interrupted_is_finished_by_name_and_by_uid() {
    for from in [["--from-name", "bob"], ["--from-name", "old-name"], ["--from-uid", "5002"]] {
        let crowd = Crowd::of(&[("bob", 5002)]);
        let phone = Phone::of(&crowd.enrolled("bob"));
        crowd.becomes(&[("bob", 6002)]);
        crowd.run(&["rebind", "bob", "--from-uid", "5002", "--yes"]).expect(0);
        std::fs::rename(crowd.host.record(6002), crowd.host.record(5002)).unwrap();
        crowd.run_with(&["verify", "bob"], &phone.code(0)).expect(4);
        crowd.run(&[&["rebind", "bob", "--yes"], &from[..]].concat()).expect(0);
        crowd.run_with(&["verify", "bob"], &phone.code(0)).expect(0);
    }
}

#[test]
fn nobody_s_record_goes_to_another_while_its_owner_is_there() {
    let crowd = Crowd::of(&[("alice", 5001), ("mallory", 5005)]);
    crowd.enrolled("alice");
    let rebind = |status: i32| {
        let ran = crowd.run(&["rebind", "mallory", "--from-name", "alice", "--yes", "--json"]).expect(status);
        assert_eq!(ran.json()["error"]["kind"], "owner-stays", "{ran:?}");
    };
    rebind(1);
    // With another uid she is the same person still.
    crowd.becomes(&[("alice", 6001), ("mallory", 5005)]);
    rebind(1);
    // As a second name of the same uid too.
    crowd.becomes(&[("mallory", 5001), ("alice", 5001)]);
    rebind(1);
    // Renamed, and the old name is somebody else's now: hers is the uid.
    crowd.becomes(&[("alicia", 5001), ("alice", 7001)]);
    crowd.run(&["rebind", "alicia", "--from-name", "alice", "--yes"]).expect(0);
}

#[test]
fn nobody_s_record_is_written_over_and_nobody_is_invented() {
    let crowd = Crowd::of(&[("alice", 5001), ("bob", 5002)]);
    crowd.enrolled("alice");
    crowd.enrolled("bob");
    crowd.becomes(&[("bob", 5002)]);
    let ran = crowd.run(&["rebind", "bob", "--from-name", "alice", "--yes", "--json"]).expect(5);
    assert_eq!(ran.json()["error"]["kind"], "already-enrolled");
    assert!(crowd.host.record(5001).exists() && crowd.host.record(5002).exists());
    crowd.run(&["rebind", "nobody-here", "--from-name", "alice", "--yes"]).expect(4);
    crowd.becomes(&[("cid", 5003)]);
    for from in [["--from-name", "eve"], ["--from-uid", "777"]] {
        crowd.run(&[&["rebind", "cid", "--yes"], &from[..]].concat()).expect(4);
    }
    crowd.run(&["rebind", "cid", "--yes"]).expect(2);
    crowd.run(&["rebind", "cid", "--from-name", "alice", "--from-uid", "5001"]).expect(2);
    crowd.run_with(&["rebind", "cid", "--from-name", "alice"], "y\n").expect(2);
}

#[test]
fn of_several_records_that_were_made_for_a_name_one_has_to_be_named() {
    let crowd = Crowd::of(&[("alice", 5001)]);
    crowd.enrolled("alice");
    crowd.becomes(&[("alice", 5002)]);
    crowd.enrolled("alice");
    crowd.becomes(&[("alice", 5003)]);
    let ran = crowd.run(&["rebind", "alice", "--from-name", "alice", "--yes", "--json"]).expect(2);
    assert_eq!(ran.json()["error"]["remedy"], "say which: --from-uid 5001 or --from-uid 5002");
    crowd.run(&["rebind", "alice", "--from-uid", "5002", "--yes"]).expect(0);
    assert!(crowd.host.record(5001).exists() && crowd.host.record(5003).exists());
}
