// SPDX-License-Identifier: MIT OR Apache-2.0
//! Password and code typed as one, for programs that ask once: through libpam with pam_unix behind and before us, and by
//! vsftpd and dovecot with the recipes of pam.d/.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod scene;
#[path = "one_prompt/servers.rs"]
mod servers;

use std::fs;

use scene::*;
use servers::{DOVECOT, VSFTPD};

const ASKED: &str = "prompt off \"Password and verification code: \"";

/// Our line before a real password, which takes what we hand on and never asks.
fn before_pam_unix(arguments: &str) -> Service {
    Service::new(&format!(
        "auth requisite pam_nightlatch.so {arguments}\nauth required pam_unix.so use_first_pass\n\
         account required pam_permit.so\n"
    ))
}

/// As the recipes of pam.d/ have it.
fn as_shipped(arguments: &str) -> Service {
    Service::new(&format!(
        "auth requisite pam_nightlatch.so forward_pass {arguments}\n@include common-auth\naccount required pam_permit.so\n"
    ))
}

fn with_password(password: &str, more: &[&str]) -> Person {
    let ann = Person::enrolled_with("ann", more);
    set_password(&ann, password);
    ann
}

fn set_password(person: &Person, password: &str) {
    ok("sh", &["-ec", &format!("printf '%s:%s\\n' '{}' '{password}' | chpasswd", person.name)]);
}

fn once(service: &Service, person: &Person, text: &str) -> Driven {
    drive(&["--no-delay", "--rhost", "192.0.2.7", "--reply", text, &service.name, &person.name])
}

fn both(person: &Person, steps: i64) -> String {
    format!("{PASSWORD}{}", person.code(steps))
}

fn prompts(driven: &Driven) -> Vec<&str> {
    driven.output.lines().filter(|line| line.starts_with("prompt ")).collect()
}

fn failures(person: &Person) -> u64 {
    person.status()["failures"].as_u64().unwrap()
}

#[test]
fn whoever_types_both_in_one_is_asked_once_and_gets_in_once() {
    for service in [before_pam_unix("forward_pass"), as_shipped("")] {
        let ann = Person::enrolled("ann");
        let journal = Journal::mark();
        steady(8);
        let text = both(&ann, 0);
        let driven = once(&service, &ann, &text);
        assert_eq!((driven.answer().as_str(), prompts(&driven)), ("PAM_SUCCESS", vec![ASKED]), "{}", driven.output);
        let again = once(&service, &ann, &text);
        assert_eq!((again.answer().as_str(), prompts(&again)), ("PAM_AUTH_ERR", vec![ASKED]), "{}", again.output);
        assert!(again.is_plain_refusal());
        let lines = journal.lines(&ann.name);
        assert!(lines.contains("asked=password+code method=totp"), "{lines}");
        assert!(lines.contains("the last accepted code again") && !lines.contains(PASSWORD), "{lines}");
        assert_eq!(failures(&ann), 0);
    }
}

#[test]
fn pam_unix_gets_the_password_to_the_byte_whatever_it_ends_or_begins_with() {
    for password in
        ["correct-horse-9", "20262026", "123456", "pass 1234567", " spaced ", "schön 77", "ends-in-ABCD-1234"]
    {
        for (arguments, code_first) in [("forward_pass", false), ("forward_pass code_first", true)] {
            for digits in ["6", "8"] {
                let (service, ann) = (before_pam_unix(arguments), with_password(password, &["--digits", digits]));
                let code = ok("oathtool", &["--totp", "-d", digits, "-b", &ann.secret]).trim().to_owned();
                let text = if code_first { format!("{code}{password}") } else { format!("{password}{code}") };
                let driven = once(&service, &ann, &text);
                assert_eq!(driven.answer(), "PAM_SUCCESS", "{text:?} {arguments}: {}", driven.output);
            }
        }
    }
}

/// What libpam has for the modules behind us, as pam_exec gets it.
#[test]
fn what_is_handed_on_is_the_password_alone_after_an_acceptance_and_else_nothing_of_ours() {
    let ann = Person::enrolled("ann");
    let (script, kept) = (format!("/srv/{}", unique("keep")), format!("/srv/{}", unique("kept")));
    fs::write(&script, format!("#!/bin/sh\ntr -d '\\000' > {kept}\n")).unwrap();
    ok("chmod", &["0755", &script]);
    let service = Service::new(&format!(
        "auth required pam_nightlatch.so forward_pass\nauth optional pam_exec.so quiet expose_authtok {script}\n"
    ));
    steady(8);
    assert_eq!(once(&service, &ann, &both(&ann, 0)).answer(), "PAM_SUCCESS");
    assert_eq!(fs::read_to_string(&kept).unwrap(), PASSWORD);
    let backup = format!("{PASSWORD}{}", ann.backup_codes[0].to_lowercase());
    let driven = once(&service, &ann, &backup);
    assert_eq!((driven.answer().as_str(), driven.says("9 backup codes are left")), ("PAM_SUCCESS", true));
    assert_eq!(fs::read_to_string(&kept).unwrap(), PASSWORD);
    fs::remove_file(&kept).unwrap();
    // pam_exec asks for itself where there is nothing.
    let text = format!("{PASSWORD}{}", ann.wrong_code());
    let refused = drive(&["--no-delay", "--reply", &text, "--reply", "asked anew", &service.name, &ann.name]);
    assert_eq!(refused.answer(), "PAM_AUTH_ERR");
    assert_eq!(fs::read_to_string(&kept).unwrap(), "asked anew");
}

#[test]
fn a_right_code_is_used_up_by_a_wrong_password() {
    let (service, ann) = (as_shipped(""), Person::enrolled("ann"));
    let journal = Journal::mark();
    steady(8);
    let code = ann.code(0);
    let wrong = once(&service, &ann, &format!("wrong-password-1{code}"));
    assert_eq!((wrong.answer().as_str(), prompts(&wrong)), ("PAM_AUTH_ERR", vec![ASKED]), "{}", wrong.output);
    assert!(journal.lines(&ann.name).contains("accepted user="), "{}", journal.lines(""));
    assert_eq!(once(&service, &ann, &format!("{PASSWORD}{code}")).answer(), "PAM_AUTH_ERR");
    assert!(journal.lines(&ann.name).contains("the last accepted code again"));
    assert_eq!(once(&service, &ann, &both(&ann, 1)).answer(), "PAM_SUCCESS");
    assert_eq!(failures(&ann), 0, "pam_unix has counted the password; no code was wrong");
}

#[test]
fn after_a_wrong_code_no_password_is_tried() {
    let (service, ann) = (as_shipped(""), Person::enrolled("ann"));
    let journal = Journal::mark();
    for password in [PASSWORD, "wrong-password"] {
        let driven = once(&service, &ann, &format!("{password}{}", ann.wrong_code()));
        assert_eq!((driven.answer().as_str(), prompts(&driven)), ("PAM_AUTH_ERR", vec![ASKED]), "{}", driven.output);
        assert!(driven.is_plain_refusal());
    }
    assert!(!journal.all().contains(&format!("pam_unix({}:auth)", service.name)), "{}", journal.all());
    assert_eq!(failures(&ann), 2);
}

#[test]
fn what_holds_no_code_is_refused_without_trying_the_password_and_costs_nothing() {
    let (service, ann, nobody) = (as_shipped(""), Person::enrolled("ann"), Person::nobody());
    let journal = Journal::mark();
    let code = ann.code(0);
    for (text, cause) in [
        (PASSWORD, "no password with a code beside it"),
        (&code, "no password with a code beside it"),
        ("", "not a code: empty"),
        ("\u{8}\n\r\u{7f}INCORRECT", "sshd's placeholder"),
    ] {
        for _ in 0..7 {
            let driven = once(&service, &ann, text);
            assert_eq!((driven.answer().as_str(), prompts(&driven)), ("PAM_AUTH_ERR", vec![ASKED]), "{text:?}");
            assert!(driven.is_plain_refusal());
        }
        let causes = journal.lines(&ann.name).matches(cause).count();
        assert!(causes > 0 && causes % 7 == 0, "{text:?}: {}", journal.lines(&ann.name));
    }
    assert!(!journal.all().contains(&format!("pam_unix({}:auth)", service.name)), "{}", journal.all());
    assert_eq!(failures(&ann), 0);
    let unknown = once(&service, &nobody, "horse123456");
    assert_eq!((unknown.answer().as_str(), prompts(&unknown)), ("PAM_USER_UNKNOWN", vec![ASKED]));
    assert_eq!(once(&service, &ann, &both(&ann, 1)).answer(), "PAM_SUCCESS");
}

#[test]
fn strangers_spend_the_bucket_of_this_way_in_and_no_other() {
    let config = "/etc/nightlatch/combined.toml";
    fs::write(config, "[throttle]\ncombined_failures = 3\n").unwrap();
    let (service, ann) = (as_shipped(&format!("config={config}")), Person::enrolled("ann"));
    let ordinary = Service::behind_a_password(&format!("config={config}"));
    let log_in = |code: &str| {
        drive(&["--no-delay", "--rhost", "192.0.2.7", "--reply", PASSWORD, "--reply", code, &ordinary.name, &ann.name])
            .answer()
    };
    // Whoever knows a name is enough: no password stands before it.
    for _ in 0..3 {
        assert_eq!(once(&service, &ann, &format!("guess{}", ann.wrong_code())).answer(), "PAM_AUTH_ERR");
    }
    // `status` goes by the host's own config unless it is told of another.
    let lock = || {
        let status = ok("nightlatch", &["--config", config, "status", &ann.name, "--json"]);
        serde_json::from_str::<serde_json::Value>(&status).unwrap()["lock"].clone()
    };
    assert_eq!((failures(&ann), lock()), (3, "blocked".into()));
    let journal = Journal::mark();
    steady(8);
    let right = once(&service, &ann, &both(&ann, -1));
    assert_eq!((right.answer().as_str(), prompts(&right)), ("PAM_AUTH_ERR", vec![ASKED]));
    let lines = journal.lines(&ann.name);
    assert!(
        lines.contains("asked=password+code cause=\"blocked after failures\" remedy=\"nightlatch unlock"),
        "{lines}"
    );

    assert_eq!(log_in(&ann.code(-1)), "PAM_SUCCESS", "from a place that was never known");
    assert_eq!(log_in(&ann.wrong_code()), "PAM_AUTH_ERR");
    assert_eq!(log_in(&ann.code(0)), "PAM_SUCCESS");
    assert_eq!(lock(), "blocked", "which gives strangers no new guesses");
    ok("nightlatch", &["unlock", &ann.name]);
    assert_eq!(once(&service, &ann, &both(&ann, 1)).answer(), "PAM_SUCCESS");
}

/// pam_unix asks, and fails by what it got; then we take it apart, and the second pam_unix gets the password.
#[test]
fn use_first_pass_takes_apart_what_an_earlier_module_asked_for() {
    let ann = Person::enrolled("ann");
    let service = Service::new(
        "auth optional pam_unix.so\nauth requisite pam_nightlatch.so use_first_pass\n\
         auth required pam_unix.so use_first_pass\naccount required pam_permit.so\n",
    );
    let asked = vec!["prompt off \"Password: \""];
    steady(8);
    for (text, answer) in [
        (both(&ann, -1), "PAM_SUCCESS"),
        (PASSWORD.to_owned(), "PAM_AUTH_ERR"),
        (format!("{PASSWORD}{}", ann.wrong_code()), "PAM_AUTH_ERR"),
        (format!("wrong{}", ann.code(0)), "PAM_AUTH_ERR"),
        (both(&ann, 1), "PAM_SUCCESS"),
    ] {
        let driven = once(&service, &ann, &text);
        assert_eq!((driven.answer().as_str(), prompts(&driven)), (answer, asked.clone()), "{text}: {}", driven.output);
    }
    let journal = Journal::mark();
    let alone = once(&before_pam_unix("use_first_pass"), &ann, "never asked for");
    assert_eq!((alone.answer().as_str(), prompts(&alone).len()), ("PAM_AUTH_ERR", 0), "{}", alone.output);
    assert!(journal.lines(&ann.name).contains("remedy=\"say forward_pass"), "{}", journal.lines(""));
}

#[test]
fn try_first_pass_asks_whoever_typed_no_code_and_nobody_else() {
    let ann = Person::enrolled("ann");
    let service = Service::new(
        "auth optional pam_unix.so\nauth requisite pam_nightlatch.so try_first_pass\n\
         auth required pam_unix.so use_first_pass\naccount required pam_permit.so\n",
    );
    let log_in = |password: &str, code: &str| {
        let replies = ["--no-delay", "--reply", password, "--reply", code];
        drive(&[&replies[..], &[&service.name, &ann.name]].concat())
    };
    steady(8);
    let in_one = log_in(&both(&ann, -1), "");
    assert_eq!((in_one.answer().as_str(), prompts(&in_one).len()), ("PAM_SUCCESS", 1), "{}", in_one.output);
    let apart = log_in(PASSWORD, &ann.code(0));
    assert_eq!((apart.answer().as_str(), apart.prompts(), prompts(&apart).len()), ("PAM_SUCCESS", 1, 2));
    assert_eq!(log_in(PASSWORD, &ann.wrong_code()).answer(), "PAM_AUTH_ERR");
    // An application that knows one text answers with it again.
    let again = log_in(PASSWORD, PASSWORD);
    assert_eq!((again.answer().as_str(), again.prompts(), failures(&ann)), ("PAM_AUTH_ERR", 1, 1));
    let first = once(&before_pam_unix("try_first_pass"), &ann, &both(&ann, 1));
    assert_eq!((first.answer().as_str(), prompts(&first)), ("PAM_SUCCESS", vec![ASKED]), "{}", first.output);
}

#[test]
fn a_line_of_ours_behind_it_asks_no_second_time() {
    let ann = Person::enrolled("ann");
    let service = Service::new(
        "auth requisite pam_nightlatch.so forward_pass\n@include common-auth\nauth required pam_nightlatch.so\n",
    );
    let driven = once(&service, &ann, &both(&ann, 0));
    assert_eq!((driven.answer().as_str(), prompts(&driven)), ("PAM_SUCCESS", vec![ASKED]), "{}", driven.output);
}

#[test]
fn with_nullok_whoever_is_not_enrolled_types_the_password_alone() {
    let (service, stranger) = (as_shipped("nullok"), Person::stranger("stranger"));
    let asked = vec!["prompt off \"Password: \""];
    for (text, answer) in [(PASSWORD, "PAM_SUCCESS"), ("wrong", "PAM_AUTH_ERR")] {
        let driven = once(&service, &stranger, text);
        assert_eq!((driven.answer().as_str(), prompts(&driven)), (answer, asked.clone()), "{}", driven.output);
    }
    let strict = once(&as_shipped(""), &stranger, &format!("{PASSWORD}123456"));
    assert_eq!((strict.answer().as_str(), prompts(&strict)), ("PAM_AUTH_ERR", vec![ASKED]));
}

#[test]
fn words_that_contradict_each_other_keep_everybody_out() {
    let ann = Person::enrolled("ann");
    for arguments in ["use_first_pass forward_pass", "try_first_pass use_first_pass", "code_first"] {
        let journal = Journal::mark();
        let service = before_pam_unix(arguments);
        let driven = once(&service, &ann, &both(&ann, 0));
        assert_eq!((driven.answer().as_str(), prompts(&driven).len()), ("PAM_SERVICE_ERR", 0), "{}", driven.output);
        assert!(journal.lines(&service.name).contains("remedy=\"correct the pam_nightlatch.so line"));
    }
}

#[test]
fn vsftpd_takes_both_in_one() {
    servers::takes_both_in_one(&VSFTPD);
}

#[test]
fn dovecot_takes_both_in_one() {
    servers::takes_both_in_one(&DOVECOT);
}
