// SPDX-License-Identifier: MIT OR Apache-2.0
//! `list`: whom the options leave, in which order and form.

use std::fs;

use serde_json::{Value, json};

use crate::crowd::Crowd;
use crate::host::{Host, Ran};
use crate::phone::Phone;

fn users(ran: &Ran) -> Vec<String> {
    ran.json().as_array().unwrap().iter().map(|person| person["user"].as_str().unwrap().to_owned()).collect()
}

/// ann has logged in, bob is blocked and has used most of his backup codes, cid has a short secret, dan is not enrolled.
fn crowd() -> Crowd {
    let crowd = Crowd::of(&[("ann", 5001), ("bob", 5002), ("cid", 5003), ("dan", 5004)]);
    let config = fs::read_to_string(crowd.host.config()).unwrap();
    let throttle = "[throttle]\nother_failures = 3\nfree_failures = 3\nknown_failures = 3\n";
    fs::write(crowd.host.config(), format!("{config}{throttle}")).unwrap();
    let ann = Phone::of(&crowd.enrolled("ann"));
    crowd.run_with(&["verify", "ann"], &ann.code(0)).expect(0);
    let bob = crowd.run(&["enroll", "bob", "--no-confirm", "--backup-codes", "4", "--json"]).expect(0).json();
    for code in [0, 1] {
        crowd.run_with(&["verify", "bob"], bob["backup_codes"][code].as_str().unwrap()).expect(0);
    }
    let bobs = Phone::of(&bob);
    for _ in 0..9 {
        crowd.run_with(&["verify", "bob"], &bobs.wrong_code());
    }
    let short = ["enroll", "cid", "--no-confirm", "--secret-stdin", "--allow-short-secret"];
    crowd.run_with(&short, "JBSWY3DPEHPK3PXP\n").expect(0);
    crowd
}

#[test]
fn each_option_leaves_those_whom_it_names_and_together_they_leave_whom_all_name() {
    let crowd = crowd();
    let list = |more: &[&str]| users(&crowd.run(&[&["list", "--json"], more].concat()).expect(0));
    assert_eq!(list(&[]), ["ann", "bob", "cid"]);
    assert_eq!(list(&["--locked"]), ["bob"]);
    assert_eq!(list(&["--few-backup-codes"]), ["bob"]);
    assert_eq!(list(&["--few-backup-codes", "1"]), Vec::<String>::new());
    assert_eq!(list(&["--few-backup-codes", "10"]), ["ann", "bob", "cid"]);
    assert_eq!(list(&["--never-used"]), ["cid"]);
    assert_eq!(list(&["--short-secret"]), ["cid"]);
    assert_eq!(list(&["--short-secret", "--never-used"]), ["cid"]);
    assert_eq!(list(&["--short-secret", "--locked"]), Vec::<String>::new());
    assert_eq!(list(&["--orphaned"]), Vec::<String>::new());
    assert_eq!(list(&["--not-enrolled"]), ["root", "dan"], "daemon is one of the system's");
    assert_eq!(list(&["--all"]), ["ann", "bob", "cid", "root", "dan"]);
    assert_eq!(list(&["--all", "--locked"]), ["bob"]);
    assert_eq!(list(&["--invited"]), Vec::<String>::new());
    crowd.run(&["invite", "dan"]).expect(0);
    let invited = crowd.run(&["list", "--invited", "--json"]).expect(0).json();
    assert_eq!((&invited[0]["user"], invited[0]["invited_until"].is_string()), (&json!("dan"), true));
    crowd.run(&["invite", "daemon"]).expect(0);
    assert_eq!(list(&["--invited"]), ["daemon", "dan"], "one of the system's too, once it is invited");
    for wrong in [&["--not-enrolled", "--locked"], &["--invited", "--orphaned"], &["--all", "--not-enrolled"]] {
        crowd.run(&[&["list"], &wrong[..]].concat()).expect(2);
    }
}

#[test]
fn lists_are_sorted_as_asked() {
    let crowd = crowd();
    let list = |by: &str| users(&crowd.run(&["list", "--json", "--sort", by]).expect(0));
    crowd.run(&["rebind", "cid", "--from-name", "cid", "--yes"]).expect(0);
    assert_eq!(list("uid"), ["ann", "bob", "cid"]);
    assert_eq!(list("failures")[0], "bob");
    assert_eq!(list("last-login")[0], "cid", "who never logged in comes first");
    crowd.becomes(&[("ann", 5001), ("bob", 5002), ("aaron", 5009)]);
    crowd.enrolled("aaron");
    assert_eq!(list("user"), ["aaron", "ann", "bob", "cid"]);
}

#[test]
fn a_table_a_csv_file_and_json_say_the_same() {
    let crowd = crowd();
    let table = crowd.run(&["list"]).expect(0).stdout;
    let headings: Vec<&str> =
        table.lines().next().unwrap().split("  ").map(str::trim).filter(|h| !h.is_empty()).collect();
    assert_eq!(headings, ["USER", "UID", "DEVICES", "BACKUP CODES", "FAILURES", "LOCK", "LAST LOGIN"]);
    let line = |user: &str| table.lines().find(|line| line.starts_with(user)).unwrap().to_owned();
    assert!(line("bob").contains("blocked") && line("ann").contains("by nightlatch"), "{table}");
    let csv = crowd.run(&["list", "--format", "csv"]).expect(0).stdout;
    let mut lines = csv.lines();
    assert_eq!(
        lines.next().unwrap(),
        "user,uid,enrolled,enrolled_at,invited_until,devices,backup_codes_left,failures,lock,locked_until,waived_until,\
         last_login,last_service,last_source,account_now"
    );
    assert!(lines.next().unwrap().starts_with("ann,5001,true,20"));
    assert!(lines.next().unwrap().contains(",phone,2,3,blocked,"), "{csv}");
    let json = crowd.run(&["list", "--format", "json"]).expect(0);
    assert_eq!(json.json(), crowd.run(&["list", "--json"]).expect(0).json());
    assert_eq!(json.json()[1], crowd.run(&["status", "bob", "--json"]).expect(0).json(), "as status has it");
    crowd.run(&["list", "--json", "--format", "csv"]).expect(2);
    let all = crowd.run(&["list", "--all"]).expect(0).stdout;
    assert!(all.lines().any(|line| line.starts_with("dan") && line.contains("not enrolled")), "{all}");
}

#[test]
fn records_without_their_account_are_found_until_they_are_removed_or_rebound() {
    let crowd = crowd();
    crowd.becomes(&[("ann", 5001), ("robert", 5002), ("dan", 5004)]);
    let orphaned = || crowd.run(&["list", "--orphaned", "--json"]).expect(0).json();
    let found = orphaned();
    let told: Vec<(&Value, &Value, &Value)> =
        found.as_array().unwrap().iter().map(|one| (&one["user"], &one["uid"], &one["account_now"])).collect();
    assert_eq!(told, [(&json!("bob"), &json!(5002), &json!("robert")), (&json!("cid"), &json!(5003), &Value::Null)]);
    let table = crowd.run(&["list", "--orphaned"]).expect(0).stdout;
    assert!(table.lines().next().unwrap().ends_with("ACCOUNT NOW"), "{table}");
    assert!(table.lines().nth(1).unwrap().ends_with("robert") && table.lines().nth(2).unwrap().ends_with("gone"));
    crowd.run(&["remove", "--uid", "5003", "--yes"]).expect(0);
    crowd.run(&["rebind", "robert", "--from-name", "bob", "--yes"]).expect(0);
    assert_eq!(orphaned(), json!([]));
}

#[test]
fn a_damaged_record_is_told_and_the_others_are_listed() {
    let crowd = crowd();
    fs::write(crowd.host.record(5002), b"damaged").unwrap();
    let ran = crowd.run(&["list", "--json", "--sort", "user"]).expect(1);
    assert_eq!(users(&ran), ["ann", "cid"]);
    assert!(ran.stderr.contains("/5002") && ran.stderr.contains("remove --uid 5002"), "{ran:?}");
}

/// Somebody who gets that name and uid anew would be invited by it.
#[test]
fn what_a_vanished_account_was_invited_with_goes_by_uid() {
    let crowd = crowd();
    crowd.run(&["invite", "dan"]).expect(0);
    crowd.becomes(&[("ann", 5001)]);
    let invitation = crowd.host.path("store/users/5004.invited");
    assert!(invitation.exists());
    let object = crowd.run(&["remove", "--uid", "5004", "--yes", "--json"]).expect(0).json();
    assert_eq!(object, json!({ "schema": 1, "changed": true, "user": null, "uid": 5004 }));
    assert!(!invitation.exists());
    crowd.run(&["remove", "--uid", "5004", "--yes"]).expect(4);
}

#[test]
fn an_empty_store_lists_nobody_in_every_form() {
    let host = Host::new();
    assert_eq!(host.run(&["list", "--json"]).expect(0).stdout, "[]\n");
    assert_eq!(host.run(&["list", "--format", "csv"]).expect(0).stdout.lines().count(), 1);
    assert_eq!(host.run(&["list"]).expect(0).stdout.lines().count(), 1);
}
