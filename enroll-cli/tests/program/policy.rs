// SPDX-License-Identifier: MIT OR Apache-2.0
//! `policy explain` and `policy check`: what becomes of a login before it takes place.

use std::fs;

use serde_json::{Value, json};

use crate::host::Host;

const RULES: &str = "
[[rule]]
name = 'robot'
action = 'exempt'
user = ['games', 'bin']
service = ['sshd']
ssh_key = true

[[rule]]
name = 'office'
action = 'exempt'
source = ['10.0.0.0/8', 'local']
service = ['sshd', 'sudo']

[[rule]]
name = 'printers'
action = 'exempt'
group = ['lp', 1]

[[rule]]
name = 'nobody-new'
action = 'refuse'
enrolled = false
";

fn explained(host: &Host, words: &[&str]) -> Value {
    host.run(&[&["policy", "explain", "--json"], words].concat()).expect(0).json()
}

/// The config begins with two lines of its own.
#[test]
fn a_login_is_explained_with_every_field() {
    let host = Host::with(RULES);
    assert_eq!(
        explained(&host, &["games", "--service", "sshd", "--from", "192.0.2.7"]),
        json!({
            "schema": 1, "user": "games", "uid": 5, "enrolled": false, "service": "sshd", "source": "192.0.2.7",
            "ssh_key": false, "nullok": false,
            "passed_over": [
                {"rule": "robot", "line": 4, "condition": "ssh_key", "reason": "sshd has seen no public key"},
                {"rule": "office", "line": 11, "condition": "source", "reason": "the source is in none of 10.0.0.0/8, local"},
                {"rule": "printers", "line": 17, "condition": "group", "reason": "the user is in none of the groups lp, 1"},
            ],
            "decided_by": "rule:nobody-new", "line": 22, "action": "refuse", "outcome": "refused", "invited_until": null,
            "refused_from": null, "waived_until": null, "lookup_failed": null, "warnings": [],
        })
    );
}

#[test]
fn a_waiver_is_foreseen_where_a_code_would_be_asked_and_nowhere_else() {
    let host = Host::with("[[rule]]\nname = 'gone'\naction = 'refuse'\nservice = ['su']\n");
    host.enrolled("daemon");
    let at = |service| explained(&host, &["daemon", "--service", service]);
    assert_eq!((&at("sshd")["outcome"], &at("sshd")["waived_until"]), (&json!("asked"), &Value::Null));
    host.run(&["waive", "daemon", "--until", "+1h", "--reason", "phone broken"]).expect(0);
    assert_eq!(
        (&at("sshd")["outcome"], &at("sshd")["waived_until"]),
        (&json!("let-in"), &host.status("daemon")["waived_until"])
    );
    assert_eq!((&at("su")["outcome"], &at("su")["waived_until"]), (&json!("refused"), &Value::Null));
    let text = host.run(&["policy", "explain", "daemon", "--service", "sshd"]).expect(0).stdout;
    assert!(text.contains("would be asked for a code, and is let in without one until 20"), "{text}");
    host.run(&["waive", "daemon", "--end"]).expect(0);
    assert_eq!(at("sshd")["outcome"], "asked");
}

#[test]
fn whoever_may_enroll_in_a_login_is_told_what_that_takes() {
    let host =
        Host::with("[default]\nnot_enrolled = 'enroll'\n[[rule]]\nname = 'new'\naction = 'enroll'\nservice = ['su']\n");
    let of = |user: &str, service| explained(&host, &[user, "--service", service]);
    assert_eq!((&of("bin", "su")["action"], &of("bin", "su")["decided_by"]), (&json!("enroll"), &json!("rule:new")));
    assert_eq!(
        (&of("bin", "sshd")["outcome"], &of("bin", "sshd")["decided_by"]),
        (&json!("enrolls"), &json!("default.not_enrolled"))
    );
    host.enrolled("daemon");
    assert_eq!((&of("daemon", "su")["action"], &of("daemon", "su")["outcome"]), (&json!("require"), &json!("asked")));
    let text = host.run(&["policy", "explain", "bin", "--service", "su"]).expect(0).stdout;
    assert!(text.contains("is enrolled in the login, if the auth line says 'enroll'"), "{text}");
}

#[test]
fn whoever_logs_in_is_let_in_asked_or_refused_and_it_is_said_by_what() {
    let host = Host::with(RULES);
    host.enrolled("daemon");
    host.enrolled("games");
    for (words, action, by, outcome) in [
        (&["games", "--service", "sshd", "--ssh-key"][..], "exempt", "rule:robot", "let-in"),
        (&["games", "--service", "sshd", "--from", "10.1.1.1"], "exempt", "rule:office", "let-in"),
        (&["games", "--service", "SSHD"], "exempt", "rule:office", "let-in"),
        (&["games", "--service", "su"], "require", "default", "asked"),
        (&["games", "--service", "sshd", "--from", "10.1.1.1.evil.example"], "require", "default", "asked"),
        (&["daemon", "--service", "login"], "exempt", "rule:printers", "let-in"),
        (&["sys", "--service", "login"], "refuse", "rule:nobody-new", "refused"),
        (&["sys", "--service", "login", "--nullok"], "refuse", "rule:nobody-new", "refused"),
    ] {
        let said = explained(&host, words);
        assert_eq!(
            (&said["action"], &said["decided_by"], &said["outcome"]),
            (&json!(action), &json!(by), &json!(outcome))
        );
    }
}

#[test]
fn where_no_rule_decides_the_default_is_named() {
    let host = Host::new();
    host.enrolled("daemon");
    for (words, by, outcome) in [
        (&["daemon", "--service", "sshd"][..], "default", "asked"),
        (&["bin", "--service", "sshd"], "default", "refused"),
        (&["bin", "--service", "sshd", "--nullok"], "nullok", "let-in"),
        (&["daemon", "--service", "sshd", "--nullok"], "default.enrolled", "asked"),
    ] {
        let said = explained(&host, words);
        assert_eq!((&said["decided_by"], &said["outcome"], &said["line"]), (&json!(by), &json!(outcome), &json!(null)));
    }
    let host = Host::with("[default]\nnot_enrolled_exempt_until = 2099-01-31\n");
    let said = explained(&host, &["bin", "--service", "sshd"]);
    assert_eq!((&said["outcome"], &said["refused_from"]), (&json!("let-in"), &json!("2099-01-31T00:00:00Z")));
    let text = host.run(&["policy", "explain", "bin", "--service", "sshd"]).expect(0).stdout;
    assert!(text.contains("until 2099-01-31T00:00:00Z, with a notice, and refused from then on"), "{text}");
}

#[test]
fn people_read_the_same() {
    let host = Host::with(RULES);
    host.enrolled("games");
    let explain = |words: &[&str]| host.run(&[&["policy", "explain"], words].concat()).expect(0).stdout;
    assert_eq!(
        explain(&["games", "--service", "su", "--from", "office.example"]),
        "games (uid 5), enrolled: su from office.example, which is no address and in no network,\n\
         \x20 rule 'robot' (line 4) is passed over: the service is none of sshd\n\
         \x20 rule 'office' (line 11) is passed over: the service is none of sshd, sudo\n\
         \x20 rule 'printers' (line 17) is passed over: the user is in none of the groups lp, 1\n\
         \x20 rule 'nobody-new' (line 22) is passed over: the user is enrolled\n\
         \x20 no rule decides: default does\n\
         games is asked for a code\n"
    );
    assert_eq!(
        explain(&["games", "--service", "sshd", "--ssh-key", "--nullok"]),
        "games (uid 5), enrolled: sshd locally with an ssh key, by a line with nullok\n\
         \x20 rule 'robot' (line 4) decides: all its conditions hold\n\
         games is let in without a code\n"
    );
    let refused = explain(&["sys", "--service", "sshd", "--from", "192.0.2.7"]);
    assert!(refused.ends_with("sys is asked for a code, and refused whatever is typed\n"), "{refused}");
}

#[test]
fn a_store_that_is_not_there_is_a_fault_only_where_the_login_would_meet_it() {
    let host = Host::with(RULES);
    fs::remove_dir_all(host.path("store")).unwrap();
    let ran = host.run(&["policy", "explain", "games", "--service", "sudo", "--json"]).expect(0);
    assert_eq!((&ran.json()["outcome"], &ran.json()["enrolled"]), (&json!("let-in"), &json!(null)));
    assert!(ran.stderr.contains(host.path("store").to_str().unwrap()), "{ran:?}");
    let ran = host.run(&["policy", "explain", "games", "--service", "su", "--json"]).expect(1);
    assert_eq!(ran.json()["error"]["kind"], "missing");
}

#[test]
fn whoever_has_no_account_is_explained_by_no_rule() {
    let host = Host::with(RULES);
    let error = host.run(&["policy", "explain", "no-such-account", "--service", "sshd", "--json"]).expect(4).json();
    assert_eq!(error["error"]["kind"], "no-account");
    host.run(&["policy", "explain", "games"]).expect(2);
}

#[test]
fn a_config_that_is_meant_so_is_found_clean() {
    for settings in ["", RULES] {
        let ran = Host::with(settings).run(&["policy", "check"]).expect(0);
        assert!(ran.stdout.starts_with("nothing found") && ran.stderr.is_empty(), "{ran:?}");
    }
    let host = Host::with(RULES);
    let path = host.config();
    let clean = json!({"schema": 1, "path": path.to_str().unwrap(), "errors": [], "warnings": []});
    assert_eq!(host.run(&["policy", "check", "--json"]).expect(0).json(), clean);
}

#[test]
fn all_that_is_wrong_is_shown_with_its_place() {
    let host = Host::bare("prompt = ''\n[[rule]]\nname = 'a'\naction = 'refuse'\ngroup = ['lp', '!games']\n");
    let path = host.config();
    let said = host.run(&["policy", "check", "--json"]).expect(1).json();
    let places: Vec<_> =
        said["errors"].as_array().unwrap().iter().map(|e| (e["line"].clone(), e["column"].clone())).collect();
    assert_eq!(places, [(json!(3), json!(10)), (json!(7), json!(16))], "{said}");
    let text = host.run(&["policy", "check"]).expect(1).stdout;
    assert_eq!(text.lines().count(), 2, "{text}");
    assert!(text.starts_with(&format!("{}:3:10: error: a prompt has", path.display())), "{text}");
    let text = fs::read_to_string(&path).unwrap().replace(", '!games'", "").replace("prompt = ''", "");
    fs::write(&path, text).unwrap();
    let text = host.run(&["policy", "check"]).expect(1).stdout;
    assert!(text.contains(":4:1: error: rule 'a' refuses those of a group, while default.enrolled"), "{text}");
}

#[test]
fn what_is_surely_not_meant_so_is_warned_of_here_and_before_an_explanation() {
    let host = Host::with(
        "[[rule]]\nname = 'a'\naction = 'exempt'\nuser = ['no-such-account']\ngroup = ['no-such-group', 4294967294]\n\
         [[rule]]\nname = 'b'\naction = 'exempt'\nsource = ['10.0.0.1/8']\n\
         [[rule]]\nname = 'c'\naction = 'exempt'\nsource = ['10.9.0.0/16']\nservice = []\n\
         [[rule]]\nname = 'd'\naction = 'require'\nsource = ['10.8.0.0/16']\n\
         [[rule]]\nname = 'e'\naction = 'require'\n[[rule]]\nname = 'f'\naction = 'exempt'\nssh_key = true\n",
    );
    let said = host.run(&["policy", "check", "--json"]).expect(1).json();
    let found = said["warnings"].as_array().unwrap().iter();
    let found: Vec<_> = found.map(|w| (w["line"].as_u64().unwrap(), w["kind"].as_str().unwrap())).collect();
    let expected = [
        (3, "unknown-user"),
        (3, "unknown-group"),
        (3, "unknown-group"),
        (8, "host-bits"),
        (12, "empty"),
        (17, "shadowed"),
        (21, "matches-all"),
    ];
    assert_eq!(found, expected, "{said}");
    let text = host.run(&["policy", "check"]).expect(1).stdout;
    assert!(text.contains(&format!("{}:17: warning: rule 'd' is never reached", host.config().display())), "{text}");
    let ran = host.run(&["policy", "explain", "games", "--service", "sshd", "--json"]).expect(0);
    assert_eq!(ran.json()["warnings"], said["warnings"]);
    assert_eq!(ran.stderr.matches("warning: line ").count(), 7, "{ran:?}");
    assert!(host.run(&["policy", "explain", "games", "--service", "sshd", "--quiet"]).expect(0).stderr.is_empty());
}

#[test]
fn a_config_that_is_named_and_missing_is_a_fault() {
    let host = Host::bare("");
    fs::remove_file(host.config()).unwrap();
    assert_eq!(host.run(&["policy", "check", "--json"]).expect(1).json()["error"]["kind"], "config");
}
