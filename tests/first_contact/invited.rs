// SPDX-License-Identifier: MIT OR Apache-2.0
//! Enrollment in a login by an administrator's invitation: who is let through by one, and what is none.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::scene::ways::{GOT_IN, SAY_SO};
use crate::scene::*;
use crate::{CONFIG, INVITED, KEPT, install, invited, is_enrolled, ssh, su, uid};

/// A service where an administrator's invitation is all that can let somebody enroll: the host's config asks and refuses.
fn strict(auth: &str, lines: &str) -> Service {
    let config = config(lines);
    Service::new(&format!(
        "auth requisite pam_unix.so\nauth required pam_nightlatch.so {auth} config={config}\n\
         account required pam_nightlatch.so config={config}\naccount required pam_permit.so\n"
    ))
}

fn pamtester(service: &Service, person: &Person) -> Terminal {
    Terminal::open(&format!("sh -c 'pamtester {} {} authenticate acct_mgmt && {SAY_SO}'", service.name, person.name))
}

fn invite(person: &Person, more: &[&str]) {
    ok("nightlatch", &[&["invite", person.name.as_str()], more].concat());
}

fn invitation_file(person: &Person) -> String {
    format!("/var/lib/nightlatch/users/{}.invited", uid(person))
}

/// Asked like everybody and refused, with nothing shown.
fn is_asked_and_refused(mut terminal: Terminal) {
    let screen = terminal.sees("Password: ").types(PASSWORD).sees(PROMPT).types("123456").rest();
    assert!(!screen.contains(GOT_IN) && !screen.contains(INVITED), "{screen}");
}

fn by_invitation(open: impl Fn(&Person) -> Terminal) {
    let mut ann = Person::stranger("ann");
    is_asked_and_refused(open(&ann));
    invite(&ann, &["--until", "+1h"]);
    let (mut terminal, journal) = (open(&ann), Journal::mark());
    invited(&mut terminal, &mut ann);
    steady(8);
    let screen = terminal.types(&ann.code(0)).sees(KEPT).types("yes").rest();
    assert!(screen.contains(GOT_IN), "{screen}");
    assert!(is_enrolled(&ann) && !Path::new(&invitation_file(&ann)).exists());
    let lines = journal.lines(&ann.name);
    let until =
        lines.lines().find(|line| line.contains("let-through user=") && line.contains("by=invitation until=20"));
    assert!(until.is_some() && lines.contains("enrolled user="), "{lines}");
    // Enrolled, and so asked; no invitation comes near them.
    let screen = open(&ann).sees("Password: ").types(PASSWORD).sees(PROMPT).types("000000").rest();
    assert!(!screen.contains(GOT_IN) && !screen.contains(INVITED), "{screen}");
    assert_eq!(run("nightlatch", &["invite", &ann.name]).status.code(), Some(5));
}

#[test]
fn whoever_is_invited_enrolls_by_su_where_others_are_asked_and_refused() {
    let _turn = install();
    let service = strict("enroll", "[enroll]\nissuer = \"ACME {host}\"\n");
    let before = fs::read_to_string("/etc/pam.d/su").unwrap();
    fs::copy(format!("/etc/pam.d/{}", service.name), "/etc/pam.d/su").unwrap();
    by_invitation(su);
    fs::write("/etc/pam.d/su", before).unwrap();
}

#[test]
fn whoever_is_invited_enrolls_by_ssh_where_others_are_asked_and_refused() {
    let _turn = install();
    let before = fs::read_to_string("/etc/pam.d/sshd").unwrap();
    let config = config("[enroll]\nissuer = \"ACME {host}\"\n");
    fs::write("/etc/pam.d/sshd", before.replace(CONFIG, &config)).unwrap();
    by_invitation(|person| ssh(person, ""));
    fs::write("/etc/pam.d/sshd", before).unwrap();
}

#[test]
fn an_invitation_that_is_over_or_damaged_or_on_a_line_without_the_word_invites_nobody() {
    let _turn = install();
    let (ann, offered, plain) = (Person::stranger("ann"), strict("enroll", ""), strict("", ""));
    invite(&ann, &["--until", "+1h"]);
    is_asked_and_refused(pamtester(&plain, &ann));
    // Its end has come: as soon as one can be made that is still to come.
    let end = now() + 2;
    ok(
        "nightlatch",
        &["invite", &ann.name, "--until", ok("date", &["-u", "-d", &format!("@{end}"), "+%FT%TZ"]).trim()],
    );
    while now() < end {
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
    is_asked_and_refused(pamtester(&offered, &ann));
    assert_eq!(ann.status()["invited_until"], Value::Null);
    let journal = Journal::mark();
    ok("nightlatch", &["invite", &ann.name, "--until", "+1h"]);
    let file = invitation_file(&ann);
    let sound = fs::read(&file).unwrap();
    let mut damaged = sound.clone();
    damaged[540] ^= 1;
    fs::write(&file, &damaged).unwrap();
    is_asked_and_refused(pamtester(&offered, &ann));
    let lines = journal.lines(&ann.name);
    assert_eq!(lines.matches("no-invitation user=").count(), 1, "{lines}");
    assert!(lines.contains(&file) && lines.contains("nightlatch invite USER"), "{lines}");
    // Somebody else's file in its place.
    let bob = Person::stranger("bob");
    fs::write(&file, &sound).unwrap();
    fs::copy(&file, invitation_file(&bob)).unwrap();
    is_asked_and_refused(pamtester(&offered, &bob));
    // Ended.
    ok("nightlatch", &["invite", &ann.name, "--end"]);
    is_asked_and_refused(pamtester(&offered, &ann));
    assert!(!is_enrolled(&ann) && !is_enrolled(&bob));
}

#[test]
fn a_rule_that_refuses_wins_over_an_invitation_and_a_wrong_password_shows_nothing() {
    let _turn = install();
    let ann = Person::stranger("ann");
    invite(&ann, &[]);
    let refusing = strict("enroll", &format!("[[rule]]\nname = 'out'\naction = 'refuse'\nuser = ['{}']\n", ann.name));
    let journal = Journal::mark();
    is_asked_and_refused(pamtester(&refusing, &ann));
    assert!(journal.lines(&ann.name).contains("out"), "{}", journal.lines(&ann.name));
    let screen = pamtester(&strict("enroll", ""), &ann).sees("Password: ").types("wrong").rest();
    assert!(!screen.contains(INVITED) && !screen.contains(PROMPT) && !screen.contains(GOT_IN), "{screen}");
    assert!(Path::new(&invitation_file(&ann)).exists() && !is_enrolled(&ann));
}
