// SPDX-License-Identifier: MIT OR Apache-2.0
//! `bypass`.

use serde_json::{Value, json};

use crate::host::Host;
use crate::phone::Phone;

fn granted(host: &Host, more: &[&str]) -> Value {
    host.run(&[&["bypass", "daemon", "--json"], more].concat()).expect(0).json()
}

#[test]
fn a_code_is_made_with_its_end_and_its_uses_and_works_that_often() {
    let host = Host::new();
    let phone = Phone::of(&host.enrolled("daemon"));
    let object = granted(&host, &["--for", "30m", "--uses", "2"]);
    let (code, until) = (object["bypass_code"].as_str().unwrap(), object["until"].clone());
    assert_eq!(
        object,
        json!({ "schema": 1, "changed": true, "user": "daemon", "uid": 1, "bypass_code": code, "until": until, "uses": 2 })
    );
    assert_eq!(host.status("daemon")["bypass"], json!({ "until": until, "uses_left": 2 }));
    let spelled = code.replace('-', " ").to_lowercase();
    let first = host.run_with(&["--json", "verify", "daemon"], &spelled).expect(0).json();
    assert_eq!(
        first,
        json!({ "schema": 1, "changed": true, "outcome": "accepted", "method": "bypass", "backup_codes_left": 10 })
    );
    let text = host.run(&["status", "daemon"]).expect(0).stdout;
    assert!(text.contains(&format!("  bypass code   until {}, 1 use left\n", until.as_str().unwrap())), "{text}");
    let second = host.run_with(&["verify", "daemon"], code).expect(0).stdout;
    assert_eq!(second, "accepted: bypass code; uses left: 0\n");
    host.run_with(&["verify", "daemon"], &phone.code(0)).expect(0);
    let third = host.run_with(&["verify", "daemon"], code).expect(3).stdout;
    assert!(third.starts_with("refused: used-up bypass code; not counted; 'nightlatch bypass daemon'"), "{third}");
    assert_eq!(host.status("daemon")["bypass"], json!({ "until": until, "uses_left": 0 }));
    assert_eq!(host.status("daemon")["failures"], 0);
}

#[test]
fn it_is_printed_once_in_groups_and_in_words_to_be_read_out() {
    let host = Host::new();
    host.enrolled("daemon");
    let ran = host.run(&["bypass", "daemon"]).expect(0);
    let code = ran.stdout.lines().find_map(|line| line.strip_prefix("  X").map(|rest| format!("X{rest}"))).unwrap();
    assert_eq!(code.split('-').map(str::len).collect::<Vec<_>>(), [4; 4], "{ran:?}");
    assert!(ran.stdout.starts_with("Bypass code of daemon. It works once in place of a code, until 20"), "{ran:?}");
    let words: Vec<&str> = ran.stdout.lines().rev().take(4).collect();
    for (group, line) in code.split('-').rev().zip(words) {
        assert!(line.starts_with(&format!("  {group}  ")) && line.split_whitespace().count() == 5, "{line}");
    }
    assert!(ran.stdout.contains(" X-ray "), "{ran:?}");
    assert!(ran.stderr.is_empty(), "{ran:?}");
    for arguments in [&["status", "daemon"][..], &["status", "daemon", "--json"], &["list", "--json"]] {
        assert!(!host.run(arguments).expect(0).stdout.contains(&code));
    }
    host.run_with(&["verify", "daemon"], &code).expect(0);
}

#[test]
fn a_later_code_voids_the_earlier_one_and_revoke_ends_it() {
    let host = Host::new();
    host.enrolled("daemon");
    let first = granted(&host, &[]);
    let ran = host.run(&["bypass", "daemon", "--json"]).expect(0);
    assert_eq!(ran.stderr, "An earlier bypass code of daemon is void.\n");
    let second = ran.json();
    let verify = |code: &Value| host.run_with(&["verify", "daemon"], code["bypass_code"].as_str().unwrap()).status;
    assert_eq!(verify(&first), 3);
    assert_eq!(host.run(&["bypass", "daemon", "--revoke"]).expect(0).stdout, "the bypass code of daemon is void\n");
    assert_eq!((verify(&second), &host.status("daemon")["bypass"]), (3, &json!(null)));
    let again = host.run(&["bypass", "daemon", "--revoke", "--json"]).expect(0).json();
    assert_eq!(again, json!({ "schema": 1, "changed": false, "user": "daemon", "uid": 1 }));
}

#[test]
fn a_replacement_voids_it() {
    let host = Host::new();
    host.enrolled("daemon");
    let code = granted(&host, &["--uses", "20", "--for", "7d"]);
    host.run(&["enroll", "daemon", "--replace", "--no-confirm"]).expect(0);
    host.run_with(&["verify", "daemon"], code["bypass_code"].as_str().unwrap()).expect(3);
    assert_eq!(host.status("daemon")["bypass"], json!(null));
}

#[test]
fn what_is_out_of_bounds_is_wrong_usage_and_whoever_is_not_enrolled_gets_none() {
    let host = Host::new();
    host.enrolled("daemon");
    for more in [
        &["--for", "59s"][..],
        &["--for", "0m"],
        &["--for", "8d"],
        &["--for", "1"],
        &["--uses", "0"],
        &["--uses", "21"],
        &["--revoke", "--uses", "2"],
        &["--revoke", "--for", "1h"],
    ] {
        host.run(&[&["bypass", "daemon"], more].concat()).expect(2);
    }
    assert_eq!(host.status("daemon")["bypass"], json!(null));
    host.run(&["bypass", "bin"]).expect(4);
    host.run(&["bypass", "bin", "--revoke"]).expect(4);
}
