// SPDX-License-Identifier: MIT OR Apache-2.0
//! docs/guides/ssh.md and docs/guides/sudo.md, followed as written, with the profile in common-auth and without it: after each
//! recipe people log in by what it says, and by nothing less.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

mod scene;

use std::cell::RefCell;
use std::fs;
use std::sync::{Mutex, MutexGuard, PoisonError};

use scene::guide::{follow, steps};
use scene::sshd::{SHARE, key_of, restart, ssh};
use scene::ways::{GOT_IN, SAY_SO};
use scene::*;

/// There is one sshd, one common-auth and one config.
static TURN: Mutex<()> = Mutex::new(());
const CONFIG: &str = "/etc/nightlatch/config.toml";
const NO_KEY: &str = "-o PubkeyAuthentication=no";

/// How the line comes into the stacks.
#[derive(Clone, Copy, PartialEq)]
enum Wiring {
    Profile,
    ServiceFile,
}

/// A host before a recipe; its config and its profile are as they were when it is dropped.
struct Host {
    _turn: MutexGuard<'static, ()>,
    config: String,
}

impl Host {
    fn with(wiring: Wiring) -> Self {
        in_the_bed();
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let config = fs::read_to_string(CONFIG).unwrap();
        if wiring == Wiring::Profile {
            ok("pam-auth-update", &["--enable", "nightlatch"]);
        }
        Self { _turn: turn, config }
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        fs::write(CONFIG, &self.config).unwrap();
        ok("pam-auth-update", &["--disable", "nightlatch"]);
    }
}

/// Somebody with a code for each login of a test.
struct Codes {
    left: RefCell<Vec<String>>,
}

impl Codes {
    fn of(person: &Person) -> Self {
        Self { left: RefCell::new(person.backup_codes.clone()) }
    }

    fn next(&self) -> String {
        self.left.borrow_mut().pop().unwrap()
    }
}

fn many_codes(stem: &str) -> Person {
    Person::enrolled_with(stem, &["--backup-codes", "20"])
}

#[track_caller]
fn needs_the_code(open: impl Fn() -> Terminal, password: Option<&str>, codes: &Codes, wrong: &str) {
    for (reply, gets_in) in [(wrong, false), (&codes.next(), true)] {
        let mut terminal = open();
        if let Some(question) = password {
            terminal.sees(question).types(PASSWORD);
        }
        let screen = terminal.sees(PROMPT).types(reply).rest();
        assert_eq!(screen.contains(GOT_IN), gets_in, "{screen}");
        assert_eq!(screen.matches(PROMPT).count(), 1, "asked twice: {screen}");
        assert_eq!(screen.contains("assword"), password.is_some() || screen.contains("password attempt"), "{screen}");
    }
}

#[track_caller]
fn needs_no_code(mut terminal: Terminal, password: Option<&str>) {
    if let Some(question) = password {
        terminal.sees(question).types(PASSWORD);
    }
    let screen = terminal.rest();
    assert!(screen.contains(GOT_IN) && !screen.contains(PROMPT), "{screen}");
}

#[track_caller]
fn is_refused_unasked(mut terminal: Terminal) {
    let screen = terminal.rest();
    assert!(!screen.contains(GOT_IN) && !screen.contains(PROMPT) && !screen.contains("assword: "), "{screen}");
}

#[track_caller]
fn is_asked_and_refused(mut terminal: Terminal, question: &str) {
    let screen = terminal.sees(question).types(PASSWORD).sees(PROMPT).types("123456").rest();
    assert!(!screen.contains(GOT_IN), "{screen}");
}

fn the_recipes_for_ssh(wiring: Wiring) {
    let _host = Host::with(wiring);
    let debians = fs::read_to_string("/etc/pam.d/sshd").unwrap();
    let (ann, bob, robot) = (many_codes("ann"), Person::stranger("bob"), Person::stranger("robot"));
    let (key, bobs, robots) = (key_of(&ann), key_of(&bob), key_of(&robot));
    let (codes, wrong) = (Codes::of(&ann), ann.wrong_code());
    let password = Some("Password: ");
    // The page has Debian's own account for a robot, which has no home.
    let guide =
        include_str!("../docs/guides/ssh.md").replace("-aG robots backup", &format!("-aG robots {}", robot.name));

    let headings = [
        "Password and code",
        "Key and code",
        "Key and code, or password and code",
        "A key alone, or password and code",
        "Root",
        "Programs: sftp -b, Ansible, backups",
        "Spare a network",
        "See what counts",
        "Undo",
    ];
    follow(&guide, "/root", &headings, |heading, output| match heading {
        "Password and code" => {
            // A reload goes on behind the command's back; this waits for its end, here and below.
            restart();
            for options in [NO_KEY, &key] {
                needs_the_code(|| ssh(&ann, options), password, &codes, &wrong);
            }
            // Ours does not say nullok, whatever the profile says.
            is_asked_and_refused(ssh(&bob, NO_KEY), "Password: ");
            if wiring == Wiring::Profile {
                fs::write("/etc/pam.d/sshd", &debians).unwrap();
                needs_the_code(|| ssh(&ann, NO_KEY), password, &codes, &wrong);
                needs_no_code(ssh(&bob, NO_KEY), password);
            }
        }
        "Key and code" => {
            restart();
            needs_the_code(|| ssh(&ann, &key), None, &codes, &wrong);
            is_refused_unasked(ssh(&ann, NO_KEY));
            // The roll-out's nullok.
            needs_no_code(ssh(&bob, &bobs), None);
            is_refused_unasked(ssh(&bob, NO_KEY));
        }
        "Key and code, or password and code" => {
            restart();
            needs_the_code(|| ssh(&ann, &key), None, &codes, &wrong);
            needs_the_code(|| ssh(&ann, NO_KEY), password, &codes, &wrong);
            let nullok = guide.split('`').find(|text| text.starts_with("sed -i '/^auth")).unwrap();
            assert!(nullok.contains("/etc/pam.d/sshd"), "{nullok}");
            ok("sh", &["-ec", nullok]);
            needs_no_code(ssh(&bob, &bobs), None);
            needs_no_code(ssh(&bob, NO_KEY), password);
            if wiring == Wiring::Profile {
                fs::write("/etc/pam.d/sshd", &debians).unwrap();
                needs_the_code(|| ssh(&ann, &key), password, &codes, &wrong);
            }
        }
        "A key alone, or password and code" => {
            restart();
            if wiring == Wiring::ServiceFile {
                fs::copy(format!("{SHARE}/sshd-password-code"), "/etc/pam.d/sshd").unwrap();
            }
            needs_no_code(ssh(&ann, &key), None);
            needs_the_code(|| ssh(&ann, NO_KEY), password, &codes, &wrong);
        }
        "Root" => {
            restart();
            let mut root = Person { name: "root".to_owned(), secret: String::new(), backup_codes: Vec::new() };
            root.enroll(&[]);
            ok("sh", &["-ec", &format!("printf 'root:{PASSWORD}\\n' | chpasswd")]);
            let key =
                "install -d -m 700 /root/.ssh; [ -e /root/.ssh/id ] || ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id
                cp /root/.ssh/id.pub /root/.ssh/authorized_keys";
            ok("sh", &["-ec", key]);
            let key = "-o IdentitiesOnly=yes -i /root/.ssh/id";
            needs_the_code(|| ssh(&root, key), password, &Codes::of(&root), &root.wrong_code());
            is_refused_unasked(ssh(&root, NO_KEY));
            ok("nightlatch", &["remove", "root", "--yes"]);
            ok("passwd", &["--lock", "root"]);
        }
        "Programs: sftp -b, Ansible, backups" => {
            restart();
            needs_no_code(ssh(&robot, &format!("-o BatchMode=yes {robots}")), None);
            is_refused_unasked(ssh(&robot, NO_KEY));
            let batch =
                format!("echo 'ls /' | sftp -b - -o StrictHostKeyChecking=no {robots} {}@127.0.0.1", robot.name);
            assert!(ok("sh", &["-c", &batch]).contains("/etc"));
        }
        "Spare a network" => {
            assert!(output.contains("rule 'office'") && output.contains("let in without a code"), "{output}");
            // A network that this container is in.
            let config = fs::read_to_string(CONFIG).unwrap();
            fs::write(CONFIG, config.replace("192.0.2.0/24", "127.0.0.0/8")).unwrap();
            needs_no_code(ssh(&ann, NO_KEY), password);
            fs::write(CONFIG, config).unwrap();
            needs_the_code(|| ssh(&ann, NO_KEY), password, &codes, &wrong);
        }
        "See what counts" => {
            assert!(output.contains("authenticationmethods publickey,keyboard-interactive:pam"), "{output}");
        }
        _undo => {
            assert_eq!(fs::read_to_string("/etc/pam.d/sshd").unwrap(), debians);
            restart();
            needs_no_code(ssh(&bob, NO_KEY), Some("assword: "));
        }
    });
}

#[test]
fn each_recipe_for_ssh_asks_for_what_it_says_by_a_service_file() {
    the_recipes_for_ssh(Wiring::ServiceFile);
}

#[test]
fn each_recipe_for_ssh_asks_for_what_it_says_beside_the_profile() {
    the_recipes_for_ssh(Wiring::Profile);
}

fn sudo(person: &Person, options: &str) -> Terminal {
    Terminal::open(&format!("runuser -u {} -- sudo -k {options} sh -c '{SAY_SO}'", person.name))
}

fn su(person: &Person, from: &Person) -> Terminal {
    Terminal::open(&format!("runuser -u {} -- su {} -c '{SAY_SO}'", from.name, person.name))
}

/// What may use sudo, and is told why not at the first wrong code.
fn sudoers() {
    let lines = "Defaults lecture=never, passwd_tries=1\\nALL ALL=(ALL) ALL\\n";
    ok("sh", &["-ec", &format!("printf '{lines}' >/etc/sudoers.d/bed; chmod 440 /etc/sudoers.d/bed; visudo -cq")]);
}

fn only_root_is_worth_a_code(ann: &Person, codes: &Codes, wrong: &str) {
    let question = Some("[sudo] password for ");
    needs_no_code(sudo(ann, "-u www-data"), question);
    for options in ["", "-i", "-u root"] {
        needs_the_code(|| sudo(ann, options), question, codes, wrong);
    }
    // One terminal: what was given for www-data is not good for root.
    let both = format!("sudo -k; sudo -u www-data id -un; sudo sh -c \"{SAY_SO}\"");
    let mut terminal = Terminal::open(&format!("runuser -u {} -- sh -c '{both}'", ann.name));
    terminal.sees("[sudo] password for ").types(PASSWORD).sees("www-data");
    let screen = terminal.sees("[sudo] password for ").types(PASSWORD).sees(PROMPT).types(wrong).rest();
    assert!(!screen.contains(GOT_IN), "{screen}");
}

fn the_page_on_sudo(wiring: Wiring) {
    let _host = Host::with(wiring);
    sudoers();
    let before = ["sudo", "sudo-i", "su"].map(|service| fs::read_to_string(format!("/etc/pam.d/{service}")).unwrap());
    let (ann, bob) = (many_codes("ann"), Person::stranger("bob"));
    let (codes, wrong, question) = (Codes::of(&ann), ann.wrong_code(), "[sudo] password for ");
    let everyone_who_is_enrolled_is_asked = || {
        for options in ["", "-i"] {
            needs_the_code(|| sudo(&ann, options), Some(question), &codes, &wrong);
        }
        needs_the_code(|| su(&ann, &bob), Some("Password: "), &codes, &wrong);
        let quiet = run("runuser", &["-u", &ann.name, "--", "sudo", "-k", "-n", "id"]);
        assert!(!quiet.status.success());
    };
    let guide = include_str!("../docs/guides/sudo.md");
    if wiring == Wiring::Profile {
        everyone_who_is_enrolled_is_asked();
        needs_no_code(sudo(&bob, ""), Some(question));
        let targets = "/etc/sudoers.d/targets";
        fs::write(targets, "Defaults targetpw\n").unwrap();
        needs_no_code(sudo(&ann, &format!("-u {}", bob.name)), Some(&format!("[sudo] password for {}", bob.name)));
        fs::remove_file(targets).unwrap();
        let root_only = steps(guide).into_iter().find(|step| step.heading == "A code for root only").unwrap();
        root_only.carry_out("/root");
        only_root_is_worth_a_code(&ann, &codes, &wrong);
        ok("rm", &["/etc/sudoers.d/code-for-root", "/etc/pam.d/sudo-others"]);
        return;
    }
    // The first block alone, before the word for a roll-out.
    steps(guide).first().unwrap().carry_out("/root");
    for options in ["", "-i"] {
        is_asked_and_refused(sudo(&bob, options), question);
    }
    is_asked_and_refused(su(&bob, &ann), "Password: ");
    for (service, text) in ["sudo", "sudo-i", "su"].iter().zip(&before) {
        fs::write(format!("/etc/pam.d/{service}"), text).unwrap();
    }

    let headings = ["By the profile, or by service files", "A code for root only", "Undo"];
    follow(guide, "/root", &headings, |heading, _| match heading {
        "By the profile, or by service files" => {
            everyone_who_is_enrolled_is_asked();
            needs_no_code(sudo(&bob, ""), Some(question));
            needs_no_code(sudo(&bob, "-i"), Some(question));
            needs_no_code(su(&bob, &ann), Some("Password: "));
        }
        "A code for root only" => only_root_is_worth_a_code(&ann, &codes, &wrong),
        _undo => {
            let after = ["sudo", "sudo-i", "su"].map(|name| fs::read_to_string(format!("/etc/pam.d/{name}")).unwrap());
            assert_eq!(after, before);
            needs_no_code(sudo(&ann, ""), Some(question));
        }
    });
}

#[test]
fn sudo_and_su_ask_by_their_service_files() {
    the_page_on_sudo(Wiring::ServiceFile);
}

#[test]
fn sudo_and_su_ask_by_the_profile() {
    the_page_on_sudo(Wiring::Profile);
}
