// SPDX-License-Identifier: MIT OR Apache-2.0
//! Rules of the config through the real module: whom they let in unasked, ask or refuse, what the log says of it, and that
//! `nightlatch policy explain` says the same beforehand.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod scene;

use scene::*;
use serde_json::Value;

const KEY: &str = "SSH_AUTH_INFO_0=publickey ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI";

/// A line behind a password that was right, with a config of its own.
fn service(lines: &str) -> Service {
    Service::behind_a_success(&format!("config={}", config(lines)))
}

fn exempting(conditions: &str) -> Service {
    service(&format!("[[rule]]\nname = 'the-rule'\naction = 'exempt'\n{conditions}\n"))
}

/// Whether somebody gets in unasked; whoever does not is asked once, and refused with the one sentence.
fn is_exempt(service: &Service, person: &str, options: &[&str]) -> bool {
    let reply = ["--no-delay", "--reply", "no code"];
    let driven = drive(&[&reply[..], options, &["--", &service.name, person]].concat());
    match (driven.answer().as_str(), driven.prompts()) {
        ("PAM_SUCCESS", 0) => true,
        ("PAM_AUTH_ERR", 1) if driven.is_plain_refusal() => false,
        other => panic!("{other:?}: {}", driven.output),
    }
}

#[test]
fn a_rule_for_users_exempts_them_and_the_log_names_it() {
    let (ann, bob) = (Person::enrolled("ann"), Person::stranger("bob"));
    let service = exempting(&format!("user = ['{}', '{}']", ann.name, bob.name));
    let journal = Journal::mark();
    for person in [&ann, &bob] {
        assert!(is_exempt(&service, &person.name, &["--rhost", "192.0.2.7"]));
        let lines = journal.lines(&person.name);
        assert!(lines.contains(&format!("service={} source=192.0.2.7 by=rule:the-rule", service.name)), "{lines}");
    }
    let longer = Person::enrolled(&ann.name);
    assert!(!is_exempt(&service, &longer.name, &[]), "{} is not {}", longer.name, ann.name);
    assert!(!is_exempt(&service, &Person::stranger("carl").name, &[]));
}

#[test]
fn a_rule_for_a_group_goes_by_the_gid_of_the_primary_and_every_other_group() {
    let (ann, bob, carl) = (Person::enrolled("ann"), Person::enrolled("bob"), Person::enrolled("carl"));
    let group = unique("group");
    ok("groupadd", &[&group]);
    ok("usermod", &["-g", &group, &ann.name]);
    ok("usermod", &["-aG", &group, &bob.name]);
    let gid = ok("getent", &["group", &group]).split(':').nth(2).unwrap().to_owned();
    for named in [format!("'{group}'"), gid.clone(), format!("'no-such-group', '{group}'")] {
        let service = exempting(&format!("group = [{named}]"));
        let exempt = [&ann, &bob, &carl].map(|person| is_exempt(&service, &person.name, &[]));
        assert_eq!(exempt, [true, true, false], "{named}");
    }
    let (by_name, by_gid) = (exempting(&format!("group = ['{group}']")), exempting(&format!("group = [{gid}]")));
    ok("gpasswd", &["-d", &bob.name, &group]);
    assert!(!is_exempt(&by_name, &bob.name, &[]) && !is_exempt(&by_gid, &bob.name, &[]));
    let renamed = unique("renamed");
    ok("groupmod", &["-n", &renamed, &group]);
    assert!(!is_exempt(&by_name, &ann.name, &[]), "a name that leads nowhere holds nobody");
    assert!(is_exempt(&by_gid, &ann.name, &[]));
}

#[test]
fn a_rule_for_a_service_holds_for_that_service_alone() {
    let ann = Person::enrolled("ann");
    let named = unique("bedservice");
    let path = config(&format!("[[rule]]\nname = 'the-rule'\naction = 'exempt'\nservice = ['{named}x', 'sudo']\n"));
    let line = format!("auth required pam_permit.so\nauth required pam_nightlatch.so config={path}\n");
    let services = [named.clone(), format!("{named}x"), format!("{named}xy")];
    for name in &services {
        std::fs::write(format!("/etc/pam.d/{name}"), &line).unwrap();
    }
    let exempt = services.map(|name| is_exempt(&Service { name }, &ann.name, &[]));
    assert_eq!(exempt, [false, true, false]);
}

/// THREATS V64: a name is whatever the other side's name server says.
#[test]
fn a_rule_for_networks_holds_for_addresses_in_them_and_for_nothing_that_resembles_one() {
    let ann = Person::enrolled("ann");
    let office = exempting("source = ['10.0.0.0/8', '2001:db8::/32', 'fe80::/10']");
    for (from, exempt) in [
        ("10.0.0.1", true),
        ("10.255.255.255", true),
        ("::ffff:10.0.0.1", true),
        ("::FFFF:0a00:1", true),
        ("2001:db8:9::1", true),
        ("fe80::1", true),
        ("11.0.0.1", false),
        ("2001:db9::1", false),
        ("10.0.0.1.evil.example", false),
        ("10.0.0.1\n.evil.example", false),
        ("evil.example 10.0.0.1", false),
        ("fe80::1%eth0", false),
        ("10.0.0.1:22", false),
        ("[2001:db8::1]:22", false),
        ("10.0.0.1 ", false),
        ("010.0.0.1", false),
        ("10.1", false),
        ("0x0a000001", false),
        ("167772161", false),
        ("10.0.0.0/8", false),
        ("::10.0.0.1", false),
        ("localhost", false),
        ("local", false),
        ("", false),
    ] {
        assert_eq!(is_exempt(&office, &ann.name, &["--rhost", from]), exempt, "{from:?}");
    }
    let long = format!("10.0.0.1{}", "0".repeat(5000));
    assert!(!is_exempt(&office, &ann.name, &["--rhost", &long]));
    assert!(!is_exempt(&office, &ann.name, &[]), "no address is in no network");
    let console = exempting("source = ['local']");
    assert!(is_exempt(&console, &ann.name, &[]));
    for from in ["127.0.0.1", "::1", "localhost", "local", "-"] {
        assert!(!is_exempt(&console, &ann.name, &["--rhost", from]), "{from}");
    }
}

#[test]
fn a_rule_for_ssh_keys_goes_by_sshd_s_own_word() {
    let ann = Person::enrolled("ann");
    let (with_key, without) = (exempting("ssh_key = true"), exempting("ssh_key = false"));
    for (word, seen) in [
        (KEY, true),
        ("SSH_AUTH_INFO_0=password\npublickey ssh-rsa AAAA", true),
        ("SSH_AUTH_INFO_0=password", false),
        ("SSH_AUTH_INFO_0=xpublickey ssh-rsa AAAA", false),
        ("SSH_AUTH_INFO_0=", false),
        ("SSH_AUTH_INFO_1=publickey ssh-rsa AAAA", false),
    ] {
        assert_eq!(is_exempt(&with_key, &ann.name, &["--env", word]), seen, "{word}");
        assert_eq!(is_exempt(&without, &ann.name, &["--env", word]), !seen, "{word}");
    }
}

#[test]
fn a_rule_for_the_enrolled_or_the_others_goes_by_the_store() {
    let (ann, mut bob) = (Person::enrolled("ann"), Person::stranger("bob"));
    let (enrolled, others) = (exempting("enrolled = true"), exempting("enrolled = false"));
    assert!(is_exempt(&enrolled, &ann.name, &[]) && !is_exempt(&enrolled, &bob.name, &[]));
    assert!(!is_exempt(&others, &ann.name, &[]) && is_exempt(&others, &bob.name, &[]));
    bob.enroll(&[]);
    assert!(!is_exempt(&others, &bob.name, &[]));
}

#[test]
fn whoever_a_rule_refuses_is_asked_like_everybody_and_never_gets_in() {
    let ann = Person::enrolled("ann");
    let service = service(&format!("[[rule]]\nname = 'gone'\naction = 'refuse'\nuser = ['{}']\n", ann.name));
    let journal = Journal::mark();
    for reply in [&ann.code(0), &ann.wrong_code(), &ann.backup_codes[0], "no code"] {
        let driven = attempt(&service, &ann.name, reply);
        assert_eq!((driven.answer().as_str(), driven.prompts()), ("PAM_AUTH_ERR", 1), "{}", driven.output);
        assert!(driven.is_plain_refusal(), "{}", driven.output);
    }
    let lines = journal.lines(&ann.name);
    assert_eq!(lines.matches("cause=\"refused by policy\" by=rule:gone").count(), 4, "{lines}");
    let status = ann.status();
    assert_eq!((&status["failures"], &status["backup_codes_left"]), (&0.into(), &10.into()), "{status}");
    assert_eq!(attempt(&Service::alone(""), &ann.name, &ann.backup_codes[0]).answer(), "PAM_SUCCESS", "nor used");
}

#[test]
fn no_rule_exempts_a_name_without_an_account_or_a_second_name() {
    let (everybody, ann) = (exempting(""), Person::stranger("ann"));
    assert!(is_exempt(&everybody, &ann.name, &[]));
    let alias = unique("alias");
    ok("useradd", &["-o", "-u", ok("id", &["-u", &ann.name]).trim(), &alias]);
    for (name, answer) in [("no-such-account", "PAM_USER_UNKNOWN"), (&alias, "PAM_AUTH_ERR")] {
        let driven = attempt(&everybody, name, "123456");
        assert_eq!((driven.answer().as_str(), driven.prompts()), (answer, 1), "{name}: {}", driven.output);
    }
}

#[test]
fn until_the_day_of_the_roll_out_the_others_pass_with_a_notice() {
    let (mut bob, ann) = (Person::stranger("bob"), Person::enrolled("ann"));
    let rolling = service("[default]\nnot_enrolled_exempt_until = 2099-12-31\n");
    let journal = Journal::mark();
    let driven = attempt(&rolling, &bob.name, "no code");
    assert_eq!((driven.answer().as_str(), driven.prompts()), ("PAM_SUCCESS", 0), "{}", driven.output);
    assert!(
        driven.says("From 2099-12-31 (00:00 UTC) on, you need a second factor to log in here."),
        "{}",
        driven.output
    );
    assert!(journal.lines(&bob.name).contains("by=default.not_enrolled_exempt_until"), "{}", journal.all());
    assert!(!is_exempt(&rolling, &ann.name, &[]), "whoever is enrolled is asked");
    let rolled_out = service("[default]\nnot_enrolled_exempt_until = 2020-01-01\n");
    assert!(!is_exempt(&rolled_out, &bob.name, &[]));
    bob.enroll(&[]);
    assert!(!is_exempt(&rolling, &bob.name, &[]));
}

#[test]
fn a_rule_for_a_group_that_would_tighten_keeps_everybody_out_and_is_explained_in_the_log() {
    let ann = Person::enrolled("ann");
    let service = service(
        "[[rule]]\nname = 'admins'\naction = 'require'\ngroup = ['sudo']\n[default]\nnot_enrolled = 'exempt'\n",
    );
    let journal = Journal::mark();
    let driven = attempt(&service, &ann.name, &ann.code(0));
    assert_eq!((driven.answer().as_str(), driven.prompts()), ("PAM_SERVICE_ERR", 0));
    let lines = journal.lines(&service.name);
    assert!(lines.contains(".toml:1:1: rule 'admins'") && lines.contains("may only relax"), "{lines}");
}

/// The examples of docs/guides/rules.md, and what is said of them beforehand.
#[test]
fn what_is_explained_is_what_happens() {
    let (robot, ann, mut new) = (Person::stranger("robot"), Person::enrolled("ann"), Person::stranger("new"));
    let group = unique("deploy");
    ok("groupadd", &[&group]);
    ok("usermod", &["-aG", &group, &ann.name]);
    let path = config(&format!(
        "[[rule]]\nname = 'robot'\naction = 'exempt'\nuser = ['{}']\nssh_key = true\n\
         [[rule]]\nname = 'root'\naction = 'require'\nuser = ['root']\n\
         [[rule]]\nname = 'office'\naction = 'exempt'\nsource = ['10.0.0.0/8']\n\
         [[rule]]\nname = 'deploy'\naction = 'exempt'\ngroup = ['{group}']\nssh_key = true\n\
         [[rule]]\nname = 'elsewhere'\naction = 'refuse'\nsource = ['203.0.113.0/24']\n\
         [default]\nnot_enrolled_exempt_until = 2099-01-01\n",
        robot.name
    ));
    let service = Service::behind_a_success(&format!("config={path}"));
    new.enroll(&[]);
    ok("nightlatch", &["remove", "--yes", "--quiet", &new.name]);
    let mut outcomes = Vec::new();
    for person in [robot.name.as_str(), &ann.name, &new.name, "root"] {
        for from in ["", "10.1.1.1", "192.0.2.1", "203.0.113.1", "10.1.1.1.evil.example"] {
            for key in [false, true] {
                let (mut login, mut explain) =
                    (vec!["--no-delay", "--reply", "000000"], vec!["policy", "explain", person]);
                explain.extend(["--service", &service.name, "--config", &path, "--json"]);
                if !from.is_empty() {
                    login.extend(["--rhost", from]);
                    explain.extend(["--from", from]);
                }
                if key {
                    login.extend(["--env", KEY]);
                    explain.push("--ssh-key");
                }
                login.extend([&service.name, person]);
                let journal = Journal::mark();
                let driven = drive(&login);
                let said: Value = serde_json::from_str(&ok("nightlatch", &explain)).unwrap();
                let (line, by) = (journal.lines(&service.name), said["decided_by"].as_str().unwrap());
                let met = match (driven.answer().as_str(), driven.prompts()) {
                    ("PAM_SUCCESS", 0) => "let-in",
                    ("PAM_AUTH_ERR", 1) if line.contains("refused by policy") || line.contains("not enrolled") => {
                        "refused"
                    }
                    ("PAM_AUTH_ERR", 1) => "asked",
                    other => panic!("{other:?} {login:?}"),
                };
                assert_eq!(said["outcome"], met, "{login:?}: {said} {line}");
                let names_it = met == "asked" || line.contains(&format!(" by={by}")) || by == "rule:root";
                assert!(names_it, "{by}: {line}");
                outcomes.push(met);
            }
        }
    }
    for outcome in ["let-in", "asked", "refused"] {
        assert!(outcomes.contains(&outcome), "{outcomes:?}");
    }
}
