// SPDX-License-Identifier: MIT OR Apache-2.0
//! Enrollment in a login, by ssh, su and login: what the person sees, what is enrolled, and that nothing is where somebody
//! hangs up, cannot be shown anything, or does not know the password.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

#[path = "first_contact/invited.rs"]
mod invited;
mod scene;

use std::fs;
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use scene::ways::{GOT_IN, SAY_SO};
use scene::*;

const CONFIG: &str = "/etc/nightlatch/first-contact.toml";
const SHARE: &str = "/usr/share/nightlatch/pam.d";
const INVITED: &str = "This account needs a second factor before you can go on.";
const FIRST_CODE: &str = "Code from the app: ";
const KEPT: &str = "Have you kept them? Type yes: ";
const NOTHING: &str = "Nothing was enrolled, and what was shown here counts for nothing.";

/// sshd has one configuration, and one test takes its account line away.
static SSHD: Mutex<()> = Mutex::new(());
static INSTALLED: Once = Once::new();

/// The recipes, with `enroll` and a config that says so on their lines.
fn install() -> MutexGuard<'static, ()> {
    let turn = SSHD.lock().unwrap_or_else(PoisonError::into_inner);
    INSTALLED.call_once(|| {
        in_the_bed();
        fs::write(CONFIG, "[default]\nnot_enrolled = \"enroll\"\n[enroll]\nissuer = \"ACME {host}\"\n").unwrap();
        for (recipe, service) in [("sshd-password-code", "sshd"), ("su", "su"), ("login", "login")] {
            put(recipe, service, |text| text);
        }
        fs::copy(format!("{SHARE}/sshd-password-code.conf"), "/etc/ssh/sshd_config.d/10-nightlatch.conf").unwrap();
        restart_sshd();
    });
    turn
}

fn put(recipe: &str, service: &str, change: impl Fn(String) -> String) {
    let text = fs::read_to_string(format!("{SHARE}/{recipe}")).unwrap();
    let offered = text.replace("pam_nightlatch.so", &format!("pam_nightlatch.so enroll config={CONFIG}"));
    assert_eq!(offered.matches(CONFIG).count(), 2, "{offered}");
    fs::write(format!("/etc/pam.d/{service}"), change(offered)).unwrap();
}

fn restart_sshd() {
    ok("/usr/sbin/sshd", &["-t"]);
    ok("systemctl", &["reset-failed", "ssh"]);
    ok("systemctl", &["restart", "ssh"]);
    let up = || run("sh", &["-c", "ssh-keyscan -T 1 127.0.0.1 2>/dev/null | grep -q ssh"]).status.success();
    assert!((0..50).any(|_| up()), "sshd does not answer");
}

fn ssh(person: &Person, options: &str) -> Terminal {
    Terminal::open(&format!(
        "ssh {options} -o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o NumberOfPasswordPrompts=1 \
         {}@127.0.0.1 '{SAY_SO}'",
        person.name
    ))
}

fn su(person: &Person) -> Terminal {
    Terminal::open(&format!("runuser -u nobody -- su {} -s /bin/sh -c '{SAY_SO}'", person.name))
}

fn login(person: &Person) -> Terminal {
    if run("login", &["--version"]).status.success() {
        // Debian 13's login hangs its terminal up; pamtester goes by its service file.
        return Terminal::open(&format!("sh -c 'pamtester login {} authenticate acct_mgmt && {SAY_SO}'", person.name));
    }
    fs::write(format!("/home/{}/.bash_profile", person.name), format!("{SAY_SO}; exit\n")).unwrap();
    Terminal::open(&format!("timeout 15 login {}", person.name))
}

/// Up to the first prompt, with the secret off the screen.
fn invited(terminal: &mut Terminal, person: &mut Person) {
    terminal.sees("Password: ").types(PASSWORD).sees(INVITED).sees(FIRST_CODE);
    // rexpect takes each byte for a character.
    let bytes: Vec<u8> = terminal.screen.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let shown = String::from_utf8(bytes).unwrap().replace('\r', "");
    let secret = shown.split("into the app:\n\n").nth(1).unwrap_or_else(|| panic!("{shown}")).lines().next().unwrap();
    person.secret = secret.replace(' ', "");
    assert_eq!(person.secret.len(), 32, "{shown}");
    // Nothing of the symbol is lost on the way: its rows are of one width, and it has its quiet zone.
    let is_of_blocks = |line: &&str| line.chars().count() > 30 && line.chars().all(|c| "█▀▄ ".contains(c));
    let rows: Vec<_> = shown.lines().filter(is_of_blocks).map(|line| line.chars().count()).collect();
    assert!(
        rows.first().is_some_and(|width| rows.len() * 2 >= *width) && rows.iter().all(|width| *width == rows[0]),
        "{shown}"
    );
    assert!(shown.contains("(ACME ") && shown.contains(&format!(", {}; time-based", person.name)), "{shown}");
}

fn backup_codes_on(screen: &str) -> Vec<String> {
    let is_code = |line: &&str| line.split('-').map(str::len).eq([4; 4]);
    screen.lines().map(str::trim).filter(is_code).map(str::to_owned).collect()
}

fn is_enrolled(person: &Person) -> bool {
    person.status()["enrolled"] == true
}

/// A login in which a new person is enrolled, and another by what was handed out.
fn is_enrolled_and_comes_back(open: fn(&Person) -> Terminal, service: &str) {
    let _turn = install();
    let mut ann = Person::stranger("ann");
    let journal = Journal::mark();
    let mut terminal = open(&ann);
    invited(&mut terminal, &mut ann);
    steady(8);
    let code = ann.code(0);
    let screen = terminal.types(&code).sees(KEPT).types("yes").rest();
    assert!(screen.contains(GOT_IN) && screen.contains("Enrolled. From now on"), "{screen}");
    ann.backup_codes = backup_codes_on(&screen);
    assert_eq!(ann.backup_codes.len(), 10, "{screen}");
    assert!(!screen.contains(&code), "{screen}");
    let lines = journal.lines(&ann.name);
    for wanted in ["let-through user=", "enrolled user=", &format!("service={service} "), "by=default.not_enrolled"] {
        assert!(lines.contains(wanted), "{wanted}: {lines}");
    }
    assert!(!lines.contains(&ann.secret) && !lines.contains(&code), "{lines}");
    let status = ann.status();
    assert_eq!((&status["backup_codes_left"], &status["failures"]), (&10.into(), &0.into()), "{status}");

    // The code that enrolled is used; a backup code gets in, and nobody is invited again.
    let screen = open(&ann).sees("Password: ").types(PASSWORD).sees(PROMPT).types(&code).rest();
    assert!(!screen.contains(GOT_IN) && !screen.contains(INVITED), "{screen}");
    let screen = open(&ann).sees("Password: ").types(PASSWORD).sees(PROMPT).types(&ann.backup_codes[3]).rest();
    assert!(screen.contains(GOT_IN), "{screen}");
}

#[test]
fn by_ssh_a_new_person_is_enrolled_in_a_login_and_comes_back() {
    is_enrolled_and_comes_back(|person| ssh(person, ""), "sshd");
}

#[test]
fn by_su_a_new_person_is_enrolled_in_a_login_and_comes_back() {
    is_enrolled_and_comes_back(su, "su");
}

#[test]
fn by_login_a_new_person_is_enrolled_in_a_login_and_comes_back() {
    is_enrolled_and_comes_back(login, "login");
}

#[test]
fn whoever_does_not_know_the_password_is_shown_nothing_and_enrolls_nobody() {
    let _turn = install();
    let ann = Person::stranger("ann");
    for mut terminal in [ssh(&ann, ""), su(&ann)] {
        let screen = terminal.sees("Password: ").types("wrong").rest();
        assert!(!screen.contains(INVITED) && !screen.contains(PROMPT) && !screen.contains(GOT_IN), "{screen}");
    }
    // A stack that goes on after a wrong password: authenticate fails as a whole, and no account phase comes.
    let text = "auth required pam_unix.so\nauth required pam_nightlatch.so enroll config=/etc/nightlatch/first-contact.toml\n\
                account required pam_nightlatch.so config=/etc/nightlatch/first-contact.toml\naccount required pam_permit.so\n";
    let service = Service::new(text);
    let tester = format!("pamtester {} {} authenticate acct_mgmt", service.name, ann.name);
    let screen = Terminal::open(&tester).sees("Password: ").types("wrong").rest();
    assert!(!screen.contains(INVITED) && screen.contains("Authentication failure"), "{screen}");
    assert!(!is_enrolled(&ann));
}

#[test]
fn whoever_hangs_up_at_any_prompt_or_gives_up_is_not_enrolled() {
    let _turn = install();
    let mut ann = Person::stranger("ann");
    for stop in 0..4 {
        let mut terminal = ssh(&ann, "");
        invited(&mut terminal, &mut ann);
        steady(8);
        match stop {
            0 => drop(terminal.presses_control('c')),
            1 => drop(terminal.types(&ann.code(0)).sees(KEPT).presses_control('c')),
            2 => {
                let screen = three_wrong_codes(&mut terminal);
                assert!(screen.contains("Permission denied"), "{screen}");
            }
            _ => {
                terminal.types(&ann.code(0));
                for _ in 0..3 {
                    terminal.sees(KEPT).types("no");
                }
                assert!(!terminal.rest().contains(GOT_IN));
            }
        }
        drop(terminal);
        assert!(!is_enrolled(&ann), "{stop}");
    }
    // What was shown before is good for nothing now.
    let mut terminal = su(&ann);
    invited(&mut terminal, &mut ann);
    let screen = three_wrong_codes(&mut terminal);
    assert!(screen.contains(NOTHING), "{screen}");
    assert!(ok("ls", &["-A", "/var/lib/nightlatch/users"]).lines().all(|name| !name.contains(&uid(&ann))));
}

fn three_wrong_codes(terminal: &mut Terminal) -> String {
    for _ in 0..2 {
        terminal.types("000000").sees("That code was not right.").sees(FIRST_CODE);
    }
    terminal.types("000000").rest()
}

fn uid(person: &Person) -> String {
    ok("id", &["-u", &person.name]).trim().to_owned()
}

#[test]
fn a_client_that_cannot_be_shown_anything_is_refused() {
    let _turn = install();
    let ann = Person::stranger("ann");
    let service = Service::new(&format!(
        "auth required pam_permit.so\nauth required pam_nightlatch.so enroll config={CONFIG}\n\
         account required pam_nightlatch.so config={CONFIG}\naccount required pam_permit.so\n"
    ));
    for how in ["--info-error", "--silent", "--conv-null"] {
        let journal = Journal::mark();
        let driven =
            drive(&["--no-delay", how, "--reply", "000000", &service.name, &ann.name, "authenticate", "account"]);
        assert_eq!(driven.answers(), ["PAM_SUCCESS", "PAM_CONV_ERR"], "{how}: {}", driven.output);
        assert!(!is_enrolled(&ann));
        assert!(journal.lines(&ann.name).contains("remedy="), "{}", journal.lines(&ann.name));
    }
    // sshd's own password method answers every prompt with the password.
    let journal = Journal::mark();
    fs::write(
        "/etc/ssh/sshd_config.d/05-password.conf",
        "PasswordAuthentication yes\nAuthenticationMethods password\n",
    )
    .unwrap();
    restart_sshd();
    let screen = ssh(&ann, "").sees("password: ").types(PASSWORD).rest();
    fs::remove_file("/etc/ssh/sshd_config.d/05-password.conf").unwrap();
    restart_sshd();
    assert!(!screen.contains(GOT_IN), "{screen}");
    assert!(!is_enrolled(&ann), "{}", journal.lines(&ann.name));
}

#[test]
fn without_an_account_line_that_is_surely_passed_nobody_is_let_through() {
    let _turn = install();
    let ann = Person::stranger("ann");
    let auth = format!("auth required pam_permit.so\nauth required pam_nightlatch.so enroll config={CONFIG}\n");
    for account in [
        "account required pam_permit.so\n".to_owned(),
        format!("account sufficient pam_permit.so\naccount required pam_nightlatch.so config={CONFIG}\n"),
        format!("@include common-account\naccount required pam_nightlatch.so config={CONFIG}\n"),
    ] {
        let (service, journal) = (Service::new(&format!("{auth}{account}")), Journal::mark());
        let driven = attempt(&service, &ann.name, "123456");
        assert_eq!((driven.answer().as_str(), driven.prompts()), ("PAM_AUTH_ERR", 1), "{account}: {}", driven.output);
        assert!(driven.is_plain_refusal());
        let lines = journal.lines(&ann.name);
        assert!(lines.contains("no-account-line") && lines.contains("remedy=\"put 'account required"), "{lines}");
    }
}

#[test]
fn whoever_comes_by_a_key_or_is_enrolled_or_is_root_meets_nothing_of_it() {
    let _turn = install();
    // The account phase alone, as for a key, cron and systemd.
    let ann = Person::stranger("ann");
    let driven = drive(&["--no-delay", "sshd", &ann.name, "account"]);
    assert_eq!(driven.answer(), "PAM_SUCCESS", "{}", driven.output);
    assert!(!driven.output.contains("prompt"), "{}", driven.output);
    let bob = Person::enrolled("bob");
    steady(8);
    let screen = su(&bob).sees("Password: ").types(PASSWORD).sees(PROMPT).types(&bob.code(0)).rest();
    assert!(screen.contains(GOT_IN) && !screen.contains(INVITED), "{screen}");
    assert_eq!(ok("su", &[&ann.name, "-c", "echo in"]).trim(), "in");
    assert!(!is_enrolled(&ann));
}

#[test]
fn a_mark_of_a_failed_authenticate_is_gone_with_the_next() {
    let _turn = install();
    let (ann, bob) = (Person::stranger("ann"), Person::enrolled("bob"));
    let service = Service::new(&format!(
        "auth required pam_permit.so\nauth required pam_nightlatch.so enroll config={CONFIG}\n\
         account required pam_nightlatch.so config={CONFIG}\naccount required pam_permit.so\n"
    ));
    steady(8);
    // sudo and login authenticate again on one handle, login with another name.
    let set = format!("user={}", bob.name);
    let driven = drive(&[
        "--no-delay",
        "--reply",
        "000000",
        "--reply-set",
        &set,
        "--reply",
        "1",
        "--reply",
        &bob.code(0),
        &service.name,
        &ann.name,
        "authenticate",
        "account",
        "authenticate",
        "account",
    ]);
    let answers = driven.answers();
    assert_eq!(answers[0], "PAM_SUCCESS", "{}", driven.output);
    assert_ne!(answers[1], "PAM_SUCCESS", "the user was changed while the code was asked: {}", driven.output);
    assert!(!is_enrolled(&ann));
}

#[test]
fn two_who_are_shown_a_code_at_once_enroll_one() {
    let _turn = install();
    let mut ann = Person::stranger("ann");
    let (mut first, mut second) = (su(&ann), su(&ann));
    invited(&mut first, &mut ann);
    let secret_of_the_first = ann.secret.clone();
    invited(&mut second, &mut ann);
    steady(8);
    let screen = second.types(&ann.code(0)).sees(KEPT).types("yes").rest();
    assert!(screen.contains(GOT_IN), "{screen}");
    ann.secret = secret_of_the_first;
    let screen = first.types(&ann.code(0)).sees(KEPT).types("yes").rest();
    assert!(!screen.contains(GOT_IN) && screen.contains(NOTHING), "{screen}");
}

#[test]
fn a_rule_enrolls_whom_it_names_and_nobody_else() {
    let _turn = install();
    let (ann, bob) = (Person::stranger("ann"), Person::stranger("bob"));
    let config = "/etc/nightlatch/first-contact-rule.toml";
    let rule = format!("[[rule]]\nname = \"new\"\naction = \"enroll\"\nuser = [\"{}\"]\n", ann.name);
    fs::write(config, rule).unwrap();
    let service = Service::new(&format!(
        "auth required pam_permit.so\nauth required pam_nightlatch.so enroll config={config}\n\
         account required pam_nightlatch.so config={config}\naccount required pam_permit.so\n"
    ));
    let journal = Journal::mark();
    let driven = attempt(&service, &ann.name, "123456");
    assert_eq!((driven.answer().as_str(), driven.prompts()), ("PAM_SUCCESS", 0), "{}", driven.output);
    assert!(journal.lines(&ann.name).contains("let-through user=") && journal.lines(&ann.name).contains("by=rule:new"));
    let driven = attempt(&service, &bob.name, "123456");
    assert_eq!((driven.answer().as_str(), driven.prompts()), ("PAM_AUTH_ERR", 1), "{}", driven.output);
}

/// A profile's line with `nullok` behind one's own: it may let by whom it asks, and takes away nothing that the first demanded.
#[test]
fn a_laxer_line_behind_it_does_not_spare_anybody_the_enrollment() {
    let _turn = install();
    let ann = Person::stranger("ann");
    let lax = "/etc/nightlatch/first-contact-lax.toml";
    fs::write(lax, "").unwrap();
    let service = Service::new(&format!(
        "auth required pam_permit.so\nauth required pam_nightlatch.so enroll config={CONFIG}\n\
         auth required pam_nightlatch.so nullok config={lax}\n\
         account required pam_nightlatch.so config={CONFIG}\naccount required pam_permit.so\n"
    ));
    let driven = drive(&["--no-delay", &service.name, &ann.name, "authenticate", "account"]);
    assert_eq!(driven.answers(), ["PAM_SUCCESS", "PAM_CONV_ERR"], "{}", driven.output);
    assert!(driven.says(INVITED) && !is_enrolled(&ann), "{}", driven.output);
}
