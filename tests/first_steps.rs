// SPDX-License-Identifier: MIT OR Apache-2.0
//! docs/guides/ten-minutes.md, followed as written on a host without nightlatch: after each step people log in, those who are
//! enrolled and those who are not, by password and by key; and at the end /etc is as it was.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

mod scene;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use scene::guide::{Kind, Step, follow, steps};
use scene::sshd::{CLIENT, SNIPPETS, key_of};
use scene::ways::{GOT_IN, SAY_SO};
use scene::*;

const GUIDE: &str = include_str!("../docs/guides/ten-minutes.md");
const NO_KEY: &str = "-o PubkeyAuthentication=no";

/// A host that never had the packages, and a directory with the files of both.
fn without_the_packages() -> &'static str {
    in_the_bed();
    ok("dpkg", &["--purge", "libpam-nightlatch", "nightlatch"]);
    let fresh = "rm -rf /etc/nightlatch /var/lib/nightlatch/* /root/download
        mkdir /root/download; cp /opt/nightlatch/packages/*.deb /root/download/";
    ok("sh", &["-ec", fresh]);
    "/root/download"
}

/// Every file below a directory, with all its bytes.
fn files(directory: &str) -> BTreeMap<PathBuf, Vec<u8>> {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| (path.clone(), fs::read(path).unwrap())).collect()
}

fn account(name: &str) -> Person {
    ok("useradd", &["--create-home", "--shell", "/bin/bash", name]);
    ok("sh", &["-ec", &format!("printf '{name}:{PASSWORD}\\n' | chpasswd")]);
    Person { name: name.to_owned(), secret: String::new(), backup_codes: Vec::new() }
}

/// The people of the page: alice, who may use sudo; bob, whom nobody has enrolled; a robot that has a key and no password; root
/// with a key.
struct People {
    alice: Person,
    bob: Person,
    robot: String,
    root: String,
    alices: String,
}

impl People {
    fn of_the_host() -> Self {
        let (alice, bob, backup) = (account("alice"), account("bob"), account("backup-robot"));
        ok("usermod", &["-aG", "sudo", &alice.name]);
        let sudoers =
            "printf 'Defaults lecture=never, passwd_tries=1\\n' >/etc/sudoers.d/bed; chmod 440 /etc/sudoers.d/bed";
        ok("sh", &["-ec", sudoers]);
        let (alices, robot) = (key_of(&alice), key_of(&backup));
        ok("passwd", &["--delete", "--lock", &backup.name]);
        let roots = "ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id; cp /root/.ssh/id.pub /root/.ssh/authorized_keys";
        ok("sh", &["-ec", &format!("install -d -m 700 /root/.ssh; {roots}")]);
        Self { alice, bob, robot, root: "-o IdentitiesOnly=yes -i /root/.ssh/id".to_owned(), alices }
    }

    /// Whom a code would lock out: those who are not enrolled, and those who have nothing but a key.
    #[track_caller]
    fn those_without_a_code_get_in(&self) {
        assert!(asks(&self.bob.name, NO_KEY).sees("assword: ").types(PASSWORD).rest().contains(GOT_IN));
        self.keys_get_in();
    }

    #[track_caller]
    fn keys_get_in(&self) {
        for (name, key) in [("root", &self.root), ("backup-robot", &self.robot)] {
            let screen = asks(name, key).rest();
            assert!(screen.contains(GOT_IN) && !screen.contains("assword: "), "{name}: {screen}");
        }
    }

    #[track_caller]
    fn alice_needs_no_code(&self) {
        let screen = asks("alice", NO_KEY).sees("assword: ").types(PASSWORD).rest();
        assert!(screen.contains(GOT_IN) && !screen.contains(PROMPT), "{screen}");
        let screen = sudo().sees("password for alice: ").types(PASSWORD).rest();
        assert!(screen.contains(GOT_IN) && !screen.contains(PROMPT), "{screen}");
    }

    /// By ssh without a key and with one, sudo and su; a wrong code and a used one by none of them.
    #[track_caller]
    fn alice_needs_a_code(&mut self) {
        let ways: [(&str, &dyn Fn() -> Terminal); 4] = [
            ("assword: ", &|| asks("alice", NO_KEY)),
            ("assword: ", &|| asks("alice", &self.alices)),
            ("password for alice: ", &sudo),
            ("assword: ", &|| Terminal::open(&format!("runuser -u bob -- su alice -c '{SAY_SO}'"))),
        ];
        let mut used = self.alice.wrong_code();
        for (question, way) in ways {
            let code = self.alice.backup_codes.pop().unwrap();
            for (reply, gets_in) in [(&used, false), (&code, true)] {
                let screen = way().sees(question).types(PASSWORD).sees(PROMPT).types(reply).rest();
                assert_eq!(screen.contains(GOT_IN), gets_in, "{screen}");
            }
            used = code;
        }
    }
}

fn asks(name: &str, options: &str) -> Terminal {
    Terminal::open(&format!("ssh {options} {CLIENT} {name}@127.0.0.1 '{SAY_SO}'"))
}

fn sudo() -> Terminal {
    Terminal::open(&format!("runuser -u alice -- sudo -k sh -c '{SAY_SO}'"))
}

/// What is asked of alice at the console, where login reads its service file; Debian 13's login leaves no terminal to a test.
fn console() -> Terminal {
    Terminal::open(&format!("sh -c 'pamtester login alice authenticate && {SAY_SO}'"))
}

/// What stands under these headings, once more.
fn again(headings: &[&str], directory: &str, change: impl Fn(&str) -> String) {
    let all = steps(GUIDE);
    for step in all.iter().filter(|step| headings.contains(&step.heading) && step.kind == Kind::Shell) {
        Step { heading: step.heading, kind: step.kind, commands: change(&step.commands) }.carry_out(directory);
    }
}

/// The timed way back, armed with a second in place of ten minutes: it goes off by itself.
fn the_way_back_undoes_both_steps(before: &BTreeMap<PathBuf, Vec<u8>>, people: &People, directory: &str) {
    let snippet = format!("{SNIPPETS}/10-nightlatch.conf");
    ok("systemctl", &["stop", "way-back.timer"]);
    again(&["A way back that needs nobody"], directory, |commands| {
        let soon = commands.replace("--on-active=10min", "--on-active=1s");
        assert_ne!(soon, commands);
        soon
    });
    let done = || {
        let over = !run("systemctl", &["is-active", "--quiet", "way-back.timer", "way-back.service"]).status.success();
        over && !Path::new(&snippet).exists() && files("/etc/pam.d") == *before
    };
    let tries = (0..100).take_while(|_| {
        std::thread::sleep(Duration::from_millis(200));
        !done()
    });
    assert!(tries.count() < 100, "{}", ok("journalctl", &["-u", "way-back", "--no-pager"]));
    people.alice_needs_no_code();
    people.those_without_a_code_get_in();
    // The rule for the console stays, and is not written twice.
    again(&["A way back that needs nobody", "Tell sshd to ask"], directory, str::to_owned);
    ok("pam-auth-update", &["--enable", "nightlatch"]);
}

#[test]
fn ten_minutes_from_a_bare_host_to_codes_for_ssh_and_sudo_and_back_lock_nobody_out() {
    let directory = without_the_packages();
    let (pam, sshd) = (files("/etc/pam.d"), files(SNIPPETS));
    let mut people = People::of_the_host();
    people.alice_needs_no_code();
    people.those_without_a_code_get_in();

    let headings = [
        "Install",
        "Who comes in by a key",
        "Enroll yourself",
        "A way back that needs nobody",
        "Tell sshd to ask",
        "Enable it",
        "Log in anew",
        "End the roll-out",
        "Undo everything",
    ];
    follow(GUIDE, directory, &headings, |heading, output| match heading {
        "Install" => {
            assert!(output.contains("made the store marker: /var/lib/nightlatch"), "{output}");
            assert_eq!(files("/etc/pam.d"), pam);
        }
        "Who comes in by a key" => {
            // As the page says, of the other that it showed.
            ok("usermod", &["-aG", "robots", "backup-robot"]);
            people.alice_needs_no_code();
            people.those_without_a_code_get_in();
        }
        "Enroll yourself" if output.starts_with("nightlatch enroll") => {
            let mut terminal = Terminal::open(output);
            terminal.sees("Code from the app: ");
            people.alice.secret = secret_on(&terminal.screen);
            assert_eq!(people.alice.secret.len(), 32, "{}", terminal.screen);
            steady(8);
            let screen = terminal.types(&people.alice.code(-1)).rest();
            let is_code = |word: &&str| word.len() == 19 && word.matches('-').count() == 3;
            people.alice.backup_codes = screen.split_whitespace().filter(is_code).map(str::to_owned).collect();
            assert_eq!(people.alice.backup_codes.len(), 10, "{screen}");
        }
        "Enroll yourself" => {
            let screen = Terminal::open(output).sees(": ").types(&people.alice.code(0)).rest();
            assert!(screen.contains("accepted"), "{screen}");
            people.alice_needs_no_code();
        }
        "A way back that needs nobody" => ok("systemctl", &["is-active", "way-back.timer"]).clear(),
        "Tell sshd to ask" => {
            people.alice_needs_no_code();
            people.those_without_a_code_get_in();
            let alices = asks("alice", &people.alices).sees("Password: ").types(PASSWORD).rest();
            assert!(alices.contains(GOT_IN), "{alices}");
        }
        "Enable it" => {
            the_way_back_undoes_both_steps(&pam, &people, directory);
            people.alice_needs_a_code();
            people.those_without_a_code_get_in();
            let screen = console().sees("Password: ").types(PASSWORD).rest();
            assert!(screen.contains(GOT_IN) && !screen.contains(PROMPT), "{screen}");
        }
        "Log in anew" => {
            assert!(!run("systemctl", &["is-active", "--quiet", "way-back.timer"]).status.success());
            assert!(output.contains("bob [let-through]") && !output.contains("error:"), "{output}");
        }
        "End the roll-out" => {
            let screen = asks("bob", NO_KEY).sees("Password: ").types(PASSWORD).sees(PROMPT).types("123456").rest();
            assert!(screen.contains(REFUSAL) && !screen.contains(GOT_IN), "{screen}");
            let roots = asks("root", &people.root).sees("Password: ").types(PASSWORD).rest();
            assert!(!roots.contains(GOT_IN), "{roots}");
            let code = people.alice.backup_codes.pop().unwrap();
            let screen = sudo().sees("password for alice: ").types(PASSWORD).sees(PROMPT).types(&code).rest();
            assert!(screen.contains(GOT_IN), "{screen}");
        }
        _undo => {
            assert_eq!((files("/etc/pam.d"), files(SNIPPETS)), (pam.clone(), sshd.clone()));
            people.alice_needs_no_code();
            people.those_without_a_code_get_in();
            // From the state that is harder to leave.
            ok("pam-auth-update", &["--enable", "nightlatch"]);
            assert_ne!(files("/etc/pam.d"), pam);
            // The question about records is the packages' own test's.
            Terminal::open(&format!("env DEBIAN_FRONTEND=noninteractive {output}")).sees("[Y/n]").types("y").rest();
            assert!(!run("dpkg-query", &["--show", "nightlatch", "libpam-nightlatch"]).status.success());
            assert_eq!((files("/etc/pam.d"), files(SNIPPETS)), (pam.clone(), sshd.clone()));
            people.alice_needs_no_code();
            people.those_without_a_code_get_in();
        }
    });
}
