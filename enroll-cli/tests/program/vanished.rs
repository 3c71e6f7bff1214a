// SPDX-License-Identifier: MIT OR Apache-2.0
//! `remove --vanished`: what deleted accounts have left goes, and nothing else does. The hosts have accounts and sources of
//! their own; an outage of a real name service is tried in tests/lifecycle.rs.

use std::fs;

use serde_json::{Value, json};

use crate::crowd::{Crowd, enroll_under_an_old_name};
use crate::host::{Host, Ran};
use crate::window::Window;

/// ann and bob are enrolled, cid is invited; then bob and cid are deleted.
fn deserted() -> Crowd {
    let crowd = Crowd::of(&[("ann", 5001), ("bob", 5002), ("cid", 5003)]);
    for user in ["ann", "bob"] {
        crowd.enrolled(user);
    }
    crowd.run(&["invite", "cid"]).expect(0);
    crowd.becomes(&[("ann", 5001)]);
    crowd
}

fn remnant(user: &str, uid: u32, what: &str, outcome: &str) -> Value {
    json!({ "user": user, "uid": uid, "what": what, "outcome": outcome, "reason": null })
}

fn outcomes(ran: &Ran) -> Vec<(Value, Value)> {
    let object = ran.json();
    object["people"].as_array().unwrap().iter().map(|one| (one["user"].clone(), one["outcome"].clone())).collect()
}

fn has(crowd: &Crowd, file: &str) -> bool {
    crowd.host.path(&format!("store/users/{file}")).exists()
}

#[test]
fn what_deleted_accounts_have_left_goes_and_who_is_there_stays_enrolled() {
    let crowd = deserted();
    let left = |outcome| json!([remnant("bob", 5002, "record", outcome), remnant("cid", 5003, "invitation", outcome)]);
    let shown = crowd.run(&["remove", "--vanished", "--dry-run", "--json"]).expect(0).json();
    assert_eq!(shown, json!({ "schema": 1, "changed": false, "dry_run": true, "people": left("would-remove") }));
    let text = crowd.run(&["remove", "--vanished", "--dry-run"]).expect(0).stdout;
    assert_eq!(
        text,
        "the record of bob (uid 5002) is left, and the account is gone; 'nightlatch remove --uid 5002' removes it\n\
         the invitation of cid (uid 5003) is left, and the account is gone; 'nightlatch remove --uid 5003' removes it\n"
    );
    assert!(has(&crowd, "5002") && has(&crowd, "5003.invited"));
    let removed = crowd.run(&["remove", "--vanished", "--yes", "--json"]).expect(0).json();
    assert_eq!(removed, json!({ "schema": 1, "changed": true, "dry_run": false, "people": left("removed") }));
    assert!(has(&crowd, "5001") && !has(&crowd, "5002") && !has(&crowd, "5003.invited"));
    let again = crowd.run(&["remove", "--vanished", "--yes"]).expect(0);
    assert_eq!((again.stdout.as_str(), again.stderr.as_str()), ("", "no deleted account has left anything\n"));
}

#[test]
fn with_a_name_only_what_was_made_for_that_name_goes() {
    let crowd = deserted();
    assert_eq!(outcomes(&crowd.run(&["remove", "--vanished", "--yes", "--json", "--", "zoe"]).expect(0)), []);
    let ran = crowd.run(&["remove", "--vanished", "--yes", "--json", "--", "bob"]).expect(0);
    assert_eq!(outcomes(&ran), [(json!("bob"), json!("removed"))]);
    assert!(!has(&crowd, "5002") && has(&crowd, "5003.invited"));
    assert_eq!(outcomes(&crowd.run(&["remove", "--vanished", "ann", "--dry-run", "--json"]).expect(0)), []);
}

/// usermod -l, usermod -u, and a uid that went to somebody else: an administrator decides.
#[test]
fn whose_name_or_uid_is_somebody_s_has_not_vanished() {
    let crowd = deserted();
    for accounts in [&[("ann", 5001), ("robert", 5002), ("zoe", 5003)][..], &[("bob", 6002), ("cid", 6003)]] {
        crowd.becomes(accounts);
        let found = outcomes(&crowd.run(&["remove", "--vanished", "--dry-run", "--json"]).expect(0));
        assert!(!found.iter().any(|(user, _)| user == "bob" || user == "cid"), "{accounts:?}: {found:?}");
    }
}

#[test]
fn where_a_directory_may_have_the_account_nothing_goes_and_the_reason_is_said() {
    let crowd = deserted();
    for sources in ["passwd: files sss\n", "passwd: ldap files\n", "group: files\n"] {
        fs::write(crowd.host.path("nsswitch"), sources).unwrap();
        for deed in ["--yes", "--dry-run"] {
            let ran = crowd.run(&["remove", "--vanished", deed, "--json"]).expect(1);
            assert_eq!(outcomes(&ran), [(json!("bob"), json!("left")), (json!("cid"), json!("left"))], "{sources}");
            assert_eq!(ran.json()["changed"], false);
            let reason = ran.json()["people"][0]["reason"].as_str().unwrap().to_owned();
            assert!(reason.starts_with("/etc/nsswitch.conf: "), "{reason}");
        }
    }
    assert!(has(&crowd, "5002") && has(&crowd, "5003.invited"));
}

#[test]
fn a_list_without_root_is_no_answer() {
    let crowd = deserted();
    fs::write(crowd.host.path("passwd"), "").unwrap();
    let ran = crowd.run(&["remove", "--vanished", "--yes", "--json"]).expect(1);
    assert_eq!(outcomes(&ran).iter().filter(|(_, outcome)| outcome == "left").count(), 3);
    assert!(ran.json()["people"][0]["reason"].as_str().unwrap().contains("does not have root"), "{ran:?}");
    assert!(has(&crowd, "5001") && has(&crowd, "5002"));
}

#[test]
fn a_damaged_file_that_does_not_say_whose_it_is_stays_and_the_others_go() {
    let crowd = deserted();
    fs::write(crowd.host.path("store/users/5003.invited"), b"damaged").unwrap();
    fs::write(crowd.host.record(5001), b"damaged").unwrap();
    let ran = crowd.run(&["remove", "--vanished", "--yes", "--json"]).expect(1);
    assert_eq!(outcomes(&ran), [(json!("bob"), json!("removed")), (Value::Null, json!("left"))]);
    assert!(has(&crowd, "5003.invited") && has(&crowd, "5001") && !has(&crowd, "5002"));
}

#[test]
fn on_a_terminal_it_names_them_and_asks() {
    let host = Host::new();
    enroll_under_an_old_name(&host, "gamers", 5005);
    for (answer, status, there) in [("n", 1, true), ("y", 0, false)] {
        let mut window = Window::open(&host, 24, 80, &["remove", "--vanished"]);
        window.wait_for("have left: gamers (uid 5005)? [y/N]");
        window.type_line(answer);
        assert_eq!((window.end(), host.record(5005).exists()), (status, there));
    }
    for wrong in [&["--dry-run"][..], &["--vanished", "--uid", "5005"], &["--vanished", "--dry-run", "--yes"]] {
        host.run(&[&["remove"], wrong].concat()).expect(2);
    }
}
