// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is warned of: rules that no login reaches, and names that lead to nobody.

use super::*;

/// Alice, bob and root have accounts; toor is a second name of root, and BOB another spelling.
struct Here;

impl Directory for Here {
    fn account(&self, name: &UserName) -> Result<Account, AccountError> {
        match name.as_str() {
            "alice" | "bob" | "root" => Ok(Account::for_test(name.as_str(), 1000)),
            "BOB" => Ok(Account::for_test("bob", 1000)),
            "toor" => Err(AccountError::Alias { name: name.clone(), uid: 0, canonical: "root".to_owned() }),
            "away" => Err(AccountError::LookupFailed { errno: Errno::EIO }),
            _ => Err(AccountError::Unknown),
        }
    }

    fn has_group(&self, group: &Group) -> Result<bool, Errno> {
        match group {
            Group::Name(name) if name == "away" => Err(Errno::EIO),
            Group::Name(name) => Ok(name == "wheel"),
            Group::Gid(gid) => Ok(*gid == 20),
        }
    }
}

use crate::user::UserName;

fn rule(name: &str, more: &str) -> String {
    format!("[[rule]]\nname = '{name}'\naction = 'exempt'\n{more}\n")
}

/// Each warning as line, kind and whether it speaks of that.
fn warnings(text: &str) -> Vec<(usize, &'static str, String)> {
    let found = review(&policy(text), &Here);
    found.into_iter().map(|warning| (warning.line, warning.kind.name(), warning.message)).collect()
}

#[test]
fn a_policy_that_is_meant_so_is_not_warned_of() {
    let text = [
        rule("a", "user = ['alice']"),
        rule("b", "user = ['alice', 'bob']"),
        rule("c", "source = ['10.1.0.0/16']"),
        rule("d", "source = ['10.0.0.0/8', 'local', '2001:db8::1']"),
        rule("e", "group = ['wheel', 20]\nssh_key = true"),
        rule("f", "group = ['wheel']"),
        rule("g", "enrolled = true"),
        rule("h", ""),
    ];
    assert_eq!(warnings(&text.concat()), []);
    assert_eq!(warnings(""), []);
}

#[test]
fn a_rule_that_no_login_reaches_is_warned_of() {
    for (first, second) in [
        ("user = ['alice', 'bob']", "user = ['bob']"),
        ("user = ['bob']", "user = ['bob']\nservice = ['sudo']"),
        ("source = ['10.0.0.0/8']", "source = ['10.1.0.0/16', '10.9.9.9']\nssh_key = true"),
        ("group = ['wheel', 20]", "group = [20]"),
        ("ssh_key = true", "ssh_key = true\nenrolled = false"),
    ] {
        let found = warnings(&(rule("a", first) + &rule("b", second)));
        let [(line, kind, message)] = &found[..] else { panic!("{first} {second}: {found:?}") };
        assert_eq!((*line, *kind), (rule("a", first).lines().count() + 1, "shadowed"));
        assert!(message.contains("rule 'b' is never reached") && message.contains("rule 'a' (line 1)"), "{message}");
        assert_eq!(warnings(&(rule("a", second) + &rule("b", first))), [], "the narrower one first");
    }
}

#[test]
fn a_rule_that_decides_about_everybody_before_others_is_warned_of_once() {
    let found = warnings(&[rule("a", ""), rule("b", "ssh_key = true"), rule("c", "")].concat());
    let [(1, "matches-all", message)] = &found[..] else { panic!("{found:?}") };
    assert!(message.contains("the rules from line 5 on are never reached"), "{message}");
}

#[test]
fn a_list_without_entries_is_warned_of() {
    for list in ["user", "service", "source", "group"] {
        let found = warnings(&(rule("a", &format!("{list} = []")) + &rule("b", "ssh_key = true")));
        let [(1, "empty", message)] = &found[..] else { panic!("{found:?}") };
        assert!(message.contains(list), "{message}");
    }
}

#[test]
fn names_that_lead_to_nobody_are_warned_of() {
    for (condition, kind, word) in [
        ("user = ['carol']", "unknown-user", "'carol' in rule 'a' has no account"),
        ("user = ['toor']", "unknown-user", "'toor' is a second name of uid 0"),
        ("user = ['BOB']", "unknown-user", "is spelt 'bob'"),
        ("user = ['away']", "lookup", "does not answer"),
        ("group = ['wheel', 'wheels']", "unknown-group", "'wheels' in rule 'a' does not exist"),
        ("group = [21]", "unknown-group", "'21'"),
        ("group = ['away']", "lookup", "does not answer"),
        ("source = ['10.0.0.1/8']", "host-bits", "10.0.0.1/8"),
        ("source = ['2001:db8::1/64', '10.0.0.0/8']", "host-bits", "2001:db8::1/64"),
    ] {
        let found = warnings(&rule("a", condition));
        let [(1, found_kind, message)] = &found[..] else { panic!("{condition}: {found:?}") };
        assert!(*found_kind == kind && message.contains(word), "{found:?}");
    }
}
