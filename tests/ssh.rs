// SPDX-License-Identifier: MIT OR Apache-2.0
//! ssh, by the recipes of pam.d/, as a person meets it: what is on the screen, and what the log says.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod scene;

use std::time::Duration;

use scene::sshd::{Recipe, key_of, ssh};
use scene::ways::{self, Changed, GOT_IN, Way};
use scene::*;

const SSH: Way = Way { open: |person| ssh(person, ""), password_prompt: "Password: ", service: "sshd", talks: true };

/// One login with password and a reply to the second prompt; what was on the screen.
fn login(person: &Person, options: &str, reply: &str) -> String {
    ssh(person, options).sees("Password: ").types(PASSWORD).sees(PROMPT).types(reply).rest()
}

#[test]
fn the_right_code_gets_in_once() {
    let _sshd = Recipe::installed("sshd-password-code");
    ways::the_right_code_gets_in_once(SSH);
}

/// The phone is gone: a code of the help desk, then a waiver, then neither.
#[test]
fn without_a_phone_a_bypass_code_or_a_waiver_gets_in() {
    let _sshd = Recipe::installed("sshd-password-code");
    let ann = Person::enrolled("ann");
    let screen = SSH.gets_in(&ann, &ann.bypass(&[]));
    assert!(screen.contains("Code of the help desk accepted. It cannot be used again."), "{screen}");
    ann.waive("+1h", "phone broken");
    let screen = ssh(&ann, "").sees("Password: ").types(PASSWORD).rest();
    assert!(screen.contains(GOT_IN) && !screen.contains(PROMPT), "{screen}");
    let screen = ssh(&ann, "").sees("Password: ").types("wrong").rest();
    assert!(!screen.contains(GOT_IN), "a waiver spares the code and nothing else: {screen}");
    ok("nightlatch", &["waive", &ann.name, "--end"]);
    SSH.is_refused(&ann, &ann.wrong_code());
    let screen = SSH.gets_in(&ann, &ann.code(0));
    assert!(screen.contains("1 wrong code was tried at ") && screen.contains("from 127.0.0.1."), "{screen}");
}

#[test]
fn whatever_is_no_right_code_is_refused_alike() {
    let _sshd = Recipe::installed("sshd-password-code");
    ways::whatever_is_no_right_code_is_refused_alike(SSH);
}

#[test]
fn a_backup_code_gets_in_once_however_it_is_typed() {
    let _sshd = Recipe::installed("sshd-password-code");
    ways::a_backup_code_gets_in_once_however_it_is_typed(SSH);
}

#[test]
fn whoever_is_not_enrolled_is_asked_and_refused() {
    let _sshd = Recipe::installed("sshd-password-code");
    ways::whoever_is_not_enrolled_is_asked_and_refused(SSH);
}

#[test]
fn with_nullok_the_password_is_enough_until_somebody_is_enrolled() {
    let _sshd = Recipe::installed("sshd-password-code");
    ways::with_nullok_the_password_is_enough_until_somebody_is_enrolled(SSH, "sshd");
}

#[test]
fn whoever_is_blocked_is_asked_and_refused_until_unlock() {
    let _sshd = Recipe::installed("sshd-password-code");
    ways::whoever_is_blocked_is_asked_and_refused_until_unlock(SSH, "sshd");
}

#[test]
fn whoever_mistypes_is_asked_again_on_the_same_connection() {
    let _sshd = Recipe::installed("sshd-password-code");
    let ann = Person::enrolled("ann");
    let mut terminal = ssh(&ann, "-o NumberOfPasswordPrompts=3");
    terminal.sees("Password: ").types(PASSWORD).sees(PROMPT).types(&ann.wrong_code());
    terminal.sees(REFUSAL).sees("Password: ").types(PASSWORD).sees(PROMPT).types(&ann.code(0));
    let screen = terminal.rest();
    assert!(screen.contains(GOT_IN), "{screen}");
}

#[test]
fn whoever_has_no_password_is_never_asked_for_a_code() {
    let _sshd = Recipe::installed("sshd-password-code");
    let (ann, nobody) = (Person::enrolled("ann"), Person::nobody());
    let journal = Journal::mark();
    for person in [&ann, &nobody] {
        let screen = ssh(person, "").sees("Password: ").types("wrong").rest();
        assert!(screen.contains("Permission denied") && !screen.contains(PROMPT), "{screen}");
    }
    assert_eq!(journal.lines(""), "");
    assert_eq!(ann.status()["failures"], 0);
}

#[test]
fn while_strangers_wait_the_owner_goes_on_from_a_known_address() {
    let _sshd = Recipe::installed("sshd-password-code");
    let ann = Person::enrolled("ann");
    let at_home = "-b 127.0.0.2";
    steady(8);
    assert!(login(&ann, at_home, &ann.code(-1)).contains(GOT_IN));
    let wrong = ann.wrong_code();
    for _ in 0..2 {
        let mut terminal = ssh(&ann, "-o NumberOfPasswordPrompts=3");
        for _ in 0..3 {
            terminal.sees("Password: ").types(PASSWORD).sees(PROMPT).types(&wrong);
        }
        terminal.sees("Permission denied").rest();
    }
    assert_eq!((ann.status()["lock"].as_str(), ann.status()["failures"].as_u64()), (Some("waiting"), Some(6)));
    let journal = Journal::mark();
    let screen = login(&ann, "", &ann.code(0));
    assert!(screen.contains(REFUSAL) && !screen.contains(GOT_IN), "{screen}");
    let lines = journal.lines(&ann.name);
    assert!(lines.contains("cause=\"waiting after failures\"") && lines.contains("seconds_left="), "{lines}");
    assert!(login(&ann, at_home, &ann.code(0)).contains(GOT_IN));
    assert_eq!(ann.status()["failures"], 6, "the owner's login gives strangers no new guesses");
    ok("nightlatch", &["unlock", &ann.name]);
    assert!(login(&ann, "", &ann.code(1)).contains(GOT_IN));
}

#[test]
fn whoever_hangs_up_at_the_prompt_is_not_charged() {
    let _sshd = Recipe::installed("sshd-password-code");
    let ann = Person::enrolled("ann");
    let journal = Journal::mark();
    let mut terminal = ssh(&ann, "");
    terminal.sees("Password: ").types(PASSWORD).sees(PROMPT);
    drop(terminal);
    // sshd ends the process that asks; what counts is that nothing was judged.
    let gone = format!("authenticating user {} 127.0.0.1", ann.name);
    let ended = || {
        std::thread::sleep(Duration::from_millis(100));
        journal.all().contains(&gone)
    };
    assert!((0..50).any(|_| ended()), "{}", journal.all());
    assert_eq!(ann.status()["failures"], 0);
}

/// sshd's `password` method answers every prompt with the password.
#[test]
fn sshds_password_method_is_refused_and_not_charged() {
    let _sshd = Recipe::changed(
        "sshd-password-code",
        |service| service,
        |_| "UsePAM yes\nPasswordAuthentication yes\nKbdInteractiveAuthentication no\n".to_owned(),
    );
    let ann = Person::enrolled("ann");
    let journal = Journal::mark();
    let screen = ssh(&ann, "").sees("password: ").types(PASSWORD).rest();
    assert!(screen.contains("Permission denied") && !screen.contains(GOT_IN), "{screen}");
    let lines = journal.lines(&ann.name);
    assert!(lines.contains("the password"), "{lines}");
    assert_eq!(ann.status()["failures"], 0);
}

#[test]
fn a_key_alone_is_not_enough_where_passwords_and_codes_are_asked() {
    let _sshd = Recipe::installed("sshd-password-code");
    let ann = Person::enrolled("ann");
    let key = key_of(&ann);
    let screen = ssh(&ann, &format!("{key} -o PreferredAuthentications=publickey")).rest();
    assert!(screen.contains("Permission denied") && !screen.contains(GOT_IN), "{screen}");
    assert!(login(&ann, &key, &ann.code(0)).contains(GOT_IN));
}

#[test]
fn key_and_code_get_in_without_a_password_and_neither_does_alone() {
    let _sshd = Recipe::installed("sshd-key-code");
    let ann = Person::enrolled("ann");
    let key = key_of(&ann);
    let screen = ssh(&ann, &format!("{key} -o PreferredAuthentications=publickey")).rest();
    assert!(screen.contains("Permission denied") && !screen.contains(GOT_IN), "{screen}");
    let screen = ssh(&ann, "-o PubkeyAuthentication=no").rest();
    assert!(screen.contains("Permission denied") && !screen.contains(PROMPT), "{screen}");
    let screen = ssh(&ann, &key).sees(PROMPT).types(&ann.wrong_code()).rest();
    assert!(screen.contains(REFUSAL) && !screen.contains(GOT_IN), "{screen}");
    let screen = ssh(&ann, &key).sees(PROMPT).types(&ann.code(0)).rest();
    assert!(screen.contains(GOT_IN) && !screen.to_lowercase().contains("password:"), "{screen}");
}

#[test]
fn a_lost_line_of_sshds_config_is_no_login_by_a_code_alone() {
    let _sshd = Recipe::changed("sshd-key-code", |service| service, without_methods);
    let ann = Person::enrolled("ann");
    let journal = Journal::mark();
    let screen = ssh(&ann, "-o PubkeyAuthentication=no").rest();
    assert!(screen.contains(REFUSAL) && !screen.contains(PROMPT) && !screen.contains(GOT_IN), "{screen}");
    let lines = journal.lines(&ann.name);
    assert!(lines.contains("sshd has seen no public key") && lines.contains("AuthenticationMethods"), "{lines}");
}

#[test]
fn a_key_gets_in_alone_or_else_password_and_code_do() {
    let _sshd = Recipe::with_snippet("sshd-password-code", "sshd-key-or-password-code");
    let ann = Person::enrolled("ann");
    let (key, no_key) = (key_of(&ann), "-o PubkeyAuthentication=no");
    let screen = ssh(&ann, &key).rest();
    assert!(screen.contains(GOT_IN) && !screen.contains(PROMPT) && !screen.contains("Password: "), "{screen}");
    neither_password_nor_code_gets_in_alone(&ann);
    assert!(login(&ann, no_key, &ann.code(0)).contains(GOT_IN));
    // Another's key is no key.
    let bob = Person::enrolled("bob");
    assert!(login(&bob, &key, &bob.code(0)).contains(GOT_IN));
}

/// Somebody who has no key, or shows none.
fn neither_password_nor_code_gets_in_alone(person: &Person) {
    let no_key = "-o PubkeyAuthentication=no";
    for in_place_of_the_password in ["wrong", "", &person.code(0)] {
        let screen = ssh(person, no_key).sees("Password: ").types(in_place_of_the_password).rest();
        assert!(screen.contains("Permission denied") && !screen.contains(PROMPT), "{screen}");
    }
    assert_eq!(person.status()["failures"], 0, "without the password nobody uses up tries");
    for in_place_of_the_code in [person.wrong_code().as_str(), PASSWORD, ""] {
        let screen = login(person, no_key, in_place_of_the_code);
        assert!(screen.contains(REFUSAL) && !screen.contains(GOT_IN), "{screen}");
    }
    assert_eq!(person.status()["failures"], 1);
}

const EITHER: &str = "sshd-key-code-or-password-code";

#[test]
fn whoever_has_shown_a_key_is_asked_for_the_code_alone_and_others_for_the_password_too() {
    let _sshd = Recipe::installed(EITHER);
    let ann = Person::enrolled("ann");
    let key = key_of(&ann);
    let screen = ssh(&ann, &format!("{key} -o PreferredAuthentications=publickey")).rest();
    assert!(screen.contains("Permission denied") && !screen.contains(GOT_IN), "a key alone: {screen}");
    neither_password_nor_code_gets_in_alone(&ann);
    for reply in [ann.wrong_code().as_str(), PASSWORD, ""] {
        let screen = ssh(&ann, &key).sees(PROMPT).types(reply).rest();
        assert!(screen.contains(REFUSAL) && !screen.contains(GOT_IN), "{screen}");
        assert!(!screen.contains("Password: "), "a refused code is not followed by the password: {screen}");
    }
    steady(8);
    let screen = ssh(&ann, &key).sees(PROMPT).types(&ann.code(0)).rest();
    assert!(screen.contains(GOT_IN) && !screen.contains("Password: "), "{screen}");
    assert!(login(&ann, "-o PubkeyAuthentication=no", &ann.code(1)).contains(GOT_IN));
}

#[test]
fn whoever_mistypes_behind_a_key_is_asked_for_the_code_again() {
    let _sshd = Recipe::installed(EITHER);
    let ann = Person::enrolled("ann");
    let mut terminal = ssh(&ann, &format!("{} -o NumberOfPasswordPrompts=3", key_of(&ann)));
    terminal.sees(PROMPT).types(&ann.wrong_code()).sees(REFUSAL).sees(PROMPT).types(&ann.code(0));
    let screen = terminal.rest();
    assert!(screen.contains(GOT_IN) && !screen.contains("Password: "), "{screen}");
}

/// Where the line that looks for a key cannot do so, it has seen none.
#[test]
fn where_the_look_for_a_key_fails_the_password_is_asked() {
    for broken in ["quiet /bin/no-such-shell", "quiet /etc/hostname", "quiet /bin/false"] {
        let _sshd = Recipe::changed(
            EITHER,
            |service| {
                let changed = service.replace("quiet /bin/sh", broken);
                assert_ne!(changed, service);
                changed
            },
            |snippet| snippet,
        );
        let ann = Person::enrolled("ann");
        assert!(login(&ann, &key_of(&ann), &ann.code(0)).contains(GOT_IN), "{broken}");
    }
}

/// Neither a look that says yes to everybody nor a lost AuthenticationMethods line lets a code alone in.
#[test]
fn where_the_look_for_a_key_lies_nobody_gets_in_by_a_code_alone() {
    let _sshd = Recipe::changed(EITHER, |service| service.replace("quiet /bin/sh", "quiet /bin/true"), without_methods);
    let ann = Person::enrolled("ann");
    let journal = Journal::mark();
    let screen = ssh(&ann, "-o PubkeyAuthentication=no").rest();
    assert!(screen.contains(REFUSAL) && !screen.contains(PROMPT) && !screen.contains(GOT_IN), "{screen}");
    assert!(journal.lines(&ann.name).contains("sshd has seen no public key"), "{}", journal.lines(&ann.name));
}

fn without_methods(snippet: String) -> String {
    snippet.lines().filter(|line| !line.starts_with("Auth")).map(|line| format!("{line}\n")).collect()
}

#[test]
fn where_the_methods_are_lost_the_branch_still_asks_for_password_and_code() {
    let _sshd = Recipe::changed(EITHER, |service| service, without_methods);
    let ann = Person::enrolled("ann");
    neither_password_nor_code_gets_in_alone(&ann);
    assert!(login(&ann, "-o PubkeyAuthentication=no", &ann.code(0)).contains(GOT_IN));
}

#[test]
fn behind_a_key_an_exempt_person_is_in_and_without_one_the_password_is_asked() {
    let _sshd = Recipe::installed(EITHER);
    let _nullok = Changed::arguments("sshd", "nullok");
    let stranger = Person::stranger("stranger");
    let screen = ssh(&stranger, &key_of(&stranger)).rest();
    assert!(screen.contains(GOT_IN) && !screen.contains(PROMPT) && !screen.contains("Password: "), "{screen}");
    let no_key = "-o PubkeyAuthentication=no";
    let screen = ssh(&stranger, no_key).sees("Password: ").types("wrong").rest();
    assert!(screen.contains("Permission denied") && !screen.contains(GOT_IN), "{screen}");
    let screen = ssh(&stranger, no_key).sees("Password: ").types(PASSWORD).rest();
    assert!(screen.contains(GOT_IN), "{screen}");
}

#[test]
fn behind_a_key_a_new_person_is_enrolled_before_being_in_and_is_not_asked_for_the_password() {
    let _sshd = Recipe::installed(EITHER);
    let _enroll =
        Changed::arguments("sshd", &format!("enroll config={}", config("[default]\nnot_enrolled = 'enroll'\n")));
    let stranger = Person::stranger("stranger");
    let mut terminal = ssh(&stranger, &key_of(&stranger));
    terminal.sees("This account needs a second factor").sees("Code from the app: ");
    assert!(!terminal.screen.contains("Password: "), "{}", terminal.screen);
    let wrong = "000000";
    let screen =
        terminal.types(wrong).sees("Code from the app: ").types(wrong).sees("Code from the app: ").types(wrong).rest();
    assert!(!screen.contains(GOT_IN), "{screen}");
    assert_eq!(stranger.status()["enrolled"], false);
}

#[test]
fn an_exempt_person_gets_in_by_the_key_alone_and_is_not_locked_out() {
    let _sshd = Recipe::installed("sshd-key-code");
    let _nullok = Changed::arguments("sshd", "nullok");
    let stranger = Person::stranger("stranger");
    let screen = ssh(&stranger, &key_of(&stranger)).rest();
    assert!(screen.contains(GOT_IN) && !screen.contains(PROMPT), "{screen}");
    let screen = ssh(&stranger, "-o PubkeyAuthentication=no").rest();
    assert!(screen.contains("Permission denied") && !screen.contains(GOT_IN), "{screen}");
}

/// The rule of docs/guides/rules.md for the deploy group.
#[test]
fn for_a_group_that_a_rule_exempts_the_key_is_enough_and_for_others_it_is_not() {
    let _sshd = Recipe::installed("sshd-key-code");
    let (ann, bob) = (Person::enrolled("ann"), Person::enrolled("bob"));
    let group = unique("deploy");
    ok("groupadd", &[&group]);
    ok("usermod", &["-aG", &group, &ann.name]);
    let rule = format!(
        "[[rule]]\nname = 'deploy'\naction = 'exempt'\ngroup = ['{group}']\nservice = ['sshd']\nssh_key = true\n"
    );
    let _rule = Changed::arguments("sshd", &format!("config={}", config(&rule)));
    let journal = Journal::mark();
    let screen = ssh(&ann, &key_of(&ann)).rest();
    assert!(screen.contains(GOT_IN) && !screen.contains(PROMPT), "{screen}");
    let lines = journal.lines(&ann.name);
    assert!(lines.contains("service=sshd source=127.0.0.1 by=rule:deploy"), "{lines}");
    let screen = ssh(&bob, &key_of(&bob)).sees(PROMPT).types(&bob.code(0)).rest();
    assert!(screen.contains(GOT_IN), "{screen}");
}
