// SPDX-License-Identifier: MIT OR Apache-2.0
//! The guides for bad nights, lost-phone.md and locked-out.md, followed as they are written: each thing that they name is
//! broken, what they say is done, and people log in.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

mod scene;

use std::fs;
use std::os::unix::fs::FileExt as _;

use scene::guide::{Step, at_a_terminal, settings, steps};
use scene::sshd::{self, Recipe, SNIPPETS, ssh};
use scene::ways::{GOT_IN, SAY_SO};
use scene::*;

const LOST_PHONE: &str = include_str!("../docs/guides/lost-phone.md");
const LOCKED_OUT: &str = include_str!("../docs/guides/locked-out.md");
const STORE: &str = "/var/lib/nightlatch";

/// Whom the guides name. There is one alice: whoever has the recipe, which one test at a time has, has her.
struct Alice {
    person: Person,
    _recipe: Recipe,
}

impl Alice {
    fn enrolled() -> Self {
        let recipe = Recipe::installed("sshd-password-code");
        ok("useradd", &["--create-home", "--shell", "/bin/bash", "alice"]);
        ok("sh", &["-ec", &format!("printf 'alice:%s\\n' '{PASSWORD}' | chpasswd")]);
        let mut person = Person { name: "alice".to_owned(), secret: String::new(), backup_codes: Vec::new() };
        person.enroll(&["--backup-codes", "20"]);
        Self { person, _recipe: recipe }
    }

    /// One login by ssh, with what is typed as the code; what was on the screen.
    fn types(&self, code: &str) -> String {
        ssh(&self.person, "").sees("Password: ").types(PASSWORD).sees(PROMPT).types(code).rest()
    }

    /// Where no code is asked.
    fn logs_in_by_the_password_alone(&self) -> bool {
        let screen = ssh(&self.person, "").sees("Password: ").types(PASSWORD).rest();
        screen.contains(GOT_IN) && !screen.contains(PROMPT)
    }
}

impl Drop for Alice {
    fn drop(&mut self) {
        drop(run("nightlatch", &["remove", "alice", "--yes"]));
        drop(run("userdel", &["--force", "--remove", "alice"]));
    }
}

/// A sentence that the guide has, and the person sees.
#[track_caller]
fn as_the_guide_says(guide: &str, said: &str, seen: &str) {
    assert!(guide.contains(said), "the guide does not say: {said}");
    assert!(seen.contains(said), "{said}: {seen}");
}

/// The code that was to be read out or written down, in what a command printed.
fn code_in(output: &str) -> String {
    let is_code = |word: &&str| word.len() == 19 && word.matches('-').count() == 3;
    output.split_whitespace().find(is_code).unwrap_or_else(|| panic!("{output}")).to_owned()
}

/// Without what moves the cursor.
fn plain(screen: &str) -> String {
    let text = |part: &str| part.split_once(|c: char| c.is_ascii_alphabetic()).map_or("", |(_, rest)| rest).to_owned();
    let mut parts = screen.split('\u{1b}');
    let first = parts.next().unwrap().to_owned();
    parts.map(text).fold(first, |all, part| format!("{all} {part}"))
}

/// Enrolls a phone at a terminal, by the guide's command; its secret.
fn scans_and_types(step: &Step<'_>) -> String {
    let mut terminal = Terminal::open(&format!("bash -c \"{}\"", step.commands.trim()));
    terminal.sees("Code from the app: ");
    let screen = plain(&terminal.screen);
    let (_, after) =
        screen.split_once("type this secret into it:").or(screen.split_once("Type this secret into it:")).unwrap();
    let secret: String = after.split("Issuer").next().unwrap().split_whitespace().collect();
    let phone = Person { name: "alice".to_owned(), secret, backup_codes: Vec::new() };
    terminal.types(&phone.code(0)).rest();
    phone.secret
}

/// Types a command that asks back, and says yes; what was printed.
fn agrees(step: &Step<'_>) -> String {
    Terminal::open(&format!("bash -c \"{}\"", step.commands.trim())).sees("[y/N] ").types("y").rest()
}

#[test]
fn the_help_desk_gets_whoever_lost_a_phone_in_again() {
    let mut alice = Alice::enrolled();
    let mut typed = at_a_terminal(LOST_PHONE).into_iter();
    let old_secret = alice.person.secret.clone();
    assert_ne!(attempt_as("alice", &alice.person.wrong_code()), "PAM_SUCCESS");
    let mut seen = Vec::new();
    for step in steps(LOST_PHONE) {
        if step.heading == "A new phone" {
            let [replace, add, remove] = [(); 3].map(|()| typed.next().unwrap());
            assert_eq!(replace.commands.trim(), "nightlatch enroll alice --replace");
            alice.person.secret = scans_and_types(&replace);
            assert!(alice.types(&alice.person.code(1)).contains(GOT_IN));
            alice.person.secret = scans_and_types(&add);
            agrees(&remove);
        }
        if step.heading == "Waiting or blocked" {
            (0..6).for_each(|_| drop(attempt_as("alice", &alice.person.wrong_code())));
            as_the_guide_says(LOST_PHONE, "waiting", &alice.person.status()["lock"].to_string());
        }
        let journal = Journal::mark();
        let output = step.carry_out("/root");
        seen.push(step.heading);
        let nth = seen.iter().filter(|heading| **heading == step.heading).count();
        match (step.heading, nth) {
            ("First: who is calling", 1) => {
                assert!(output.contains("alice (uid") && output.contains("cause=\"wrong code\""), "{output}");
            }
            ("A code to read out", 1) => {
                let screen = alice.types(&code_in(&output));
                as_the_guide_says(
                    LOST_PHONE,
                    "Code of the help desk accepted. It cannot be used again. Ask your administrator to enroll a new phone.",
                    &screen,
                );
                as_the_guide_says(LOST_PHONE, "1 wrong code was tried at ", &screen);
                as_the_guide_says(LOST_PHONE, "method=bypass uses_left=0", &journal.lines("alice"));
                assert!(screen.contains(GOT_IN));
            }
            ("Days without a code", 1) => {
                assert!(alice.logs_in_by_the_password_alone());
                as_the_guide_says(LOST_PHONE, "by=waiver", &journal.lines("alice"));
            }
            ("Lost or stolen", 1) => {
                let stolen = Person { secret: old_secret.clone(), ..Person::nobody() };
                assert_ne!(attempt_as("alice", &stolen.code(0)), "PAM_SUCCESS", "the phone that was stolen");
                assert_ne!(attempt_as("alice", &alice.person.backup_codes[0]), "PAM_SUCCESS", "the paper with it");
                assert!(alice.types(&code_in(&output)).contains(GOT_IN), "the code that was read out");
                assert!(fs::exists("/root/alice.pdf").unwrap());
            }
            ("A new phone", 1) => {
                assert!(alice.types(&alice.person.code(1)).contains(GOT_IN), "the phone that was added");
                assert_eq!(alice.person.status()["devices"][0]["name"], "phone");
            }
            ("One of several devices", 1) => {
                ok("nightlatch", &["device", "add", "alice", "--name", "tablet", "--no-confirm"]);
                agrees(&typed.next().unwrap());
                assert_eq!(alice.person.status()["devices"].as_array().unwrap().len(), 1);
                let printed = agrees(&typed.next().unwrap());
                assert!(alice.types(&code_in(&printed)).contains(GOT_IN), "a new backup code");
            }
            ("Waiting or blocked", 1) => assert_eq!(alice.person.status()["lock"], serde_json::Value::Null),
            ("A code to read out", 2) => assert_eq!(alice.person.status()["bypass"], serde_json::Value::Null),
            ("Days without a code", 2) => assert_eq!(alice.person.status()["waived_until"], serde_json::Value::Null),
            (heading, _) => panic!("nothing looks at '{heading}'"),
        }
    }
    assert_eq!((typed.count(), seen.len()), (0, 9));
}

/// One login over the same file as sshd's, without its delay.
fn attempt_as(name: &str, code: &str) -> String {
    let driven = drive(&["--no-delay", "--reply", PASSWORD, "--reply", code, "sshd", name]);
    driven.answers().first().cloned().unwrap_or(driven.output)
}

fn shell(script: &str) -> String {
    ok("bash", &["-euc", script])
}

/// The store on a disk of its own, which /etc/fstab mounts; the host's again when it is dropped.
struct OwnDisk;

impl OwnDisk {
    fn mounted() -> Self {
        shell(&format!(
            "mkdir /srv/disk; mount -t tmpfs -o mode=700 disk /srv/disk; cp -a {STORE}/. /srv/disk/
             mount -t tmpfs -o mode=700 bare {STORE}
             echo '/srv/disk {STORE} none bind' >>/etc/fstab; mount {STORE}"
        ));
        Self
    }
}

impl Drop for OwnDisk {
    fn drop(&mut self) {
        shell(&format!(
            "sed -i '/srv.disk/d' /etc/fstab; umount {STORE}; umount {STORE}; umount /srv/disk; rmdir /srv/disk"
        ));
    }
}

/// What is broken under a heading, and what the log says then; an empty text where nothing is refused by it.
const BROKEN: [(&str, &str, &str); 8] = [
    ("Too many wrong codes", "waiting after failures", ""),
    ("The store is not mounted", "no directory of people's files there", "umount /var/lib/nightlatch"),
    (
        "The disk is read-only",
        "Read-only file system",
        "sed -i '/srv.disk/d' /etc/fstab; mount -o remount,ro /srv/disk",
    ),
    ("The disk is full", "", ""),
    ("The key is missing", "no master key there", "rm /etc/nightlatch/keys/*"),
    ("ssh does not ask", "", "rm /etc/ssh/sshd_config.d/10-nightlatch.conf"),
    ("The account was renamed", "made for '", "usermod --login alicia alice"),
    ("A record is damaged", "damaged", ""),
];

#[test]
fn what_locks_people_out_is_told_by_the_log_and_mended_as_the_guide_says() {
    let alice = Alice::enrolled();
    shell("nightlatch key backup --output /root/nightlatch-key.txt");
    shell("nightlatch store backup /root/nightlatch.backup --under-master-key");
    let mut codes = alice.person.backup_codes.iter();
    let uid = ok("id", &["-u", "alice"]).trim().to_owned();
    let disk = OwnDisk::mounted();
    let all = steps(LOCKED_OUT);
    for (heading, phrase, break_it) in BROKEN {
        let journal = Journal::mark();
        shell(break_it);
        let name = if heading == "The account was renamed" { "alicia" } else { "alice" };
        match heading {
            "Too many wrong codes" => (0..6).for_each(|_| drop(attempt_as(name, &alice.person.wrong_code()))),
            "A record is damaged" => {
                let file = fs::OpenOptions::new().write(true).open(format!("{STORE}/users/{uid}")).unwrap();
                file.write_all_at(&[0xa5; 64], 200).unwrap();
            }
            "ssh does not ask" => {
                sshd::restart();
                let screen = ssh(&alice.person, "").sees("password: ").types(PASSWORD).rest();
                assert!(!screen.contains(PROMPT) && !screen.contains(GOT_IN), "{screen}");
                as_the_guide_says(&LOCKED_OUT.replace("@host", "@127.0.0.1"), "alice@127.0.0.1's password:", &screen);
                as_the_guide_says(LOCKED_OUT, "the password instead of a code", &journal.lines("alice"));
            }
            _ => {}
        }
        let code = codes.next().unwrap();
        if !phrase.is_empty() {
            assert_ne!(attempt_as(name, code), "PAM_SUCCESS", "{heading}");
            as_the_guide_says(LOCKED_OUT, phrase, &journal.lines(""));
        }
        let of_heading: Vec<_> = all.iter().filter(|step| step.heading == heading).collect();
        assert!(!of_heading.is_empty(), "no commands under '{heading}'");
        for step in of_heading {
            step.carry_out("/root");
        }
        assert_eq!(attempt_as(name, code), "PAM_SUCCESS", "{heading}: {}", journal.lines(""));
        match heading {
            "ssh does not ask" => {
                sshd::restart();
                assert!(alice.types(codes.next().unwrap()).contains(GOT_IN));
            }
            "The account was renamed" => {
                drop(shell("usermod --login alice alicia; nightlatch rebind alice --from-name alicia --yes"))
            }
            _ => {}
        }
    }
    drop(disk);

    // Whose mending no command of the guide does: an editor, or the rescue boot below.
    let code = codes.next().unwrap();
    for (phrase, break_it, mend) in [
        (
            "config.toml",
            "cp -a /etc/nightlatch/config.toml /root/config; echo promt=1 >>/etc/nightlatch/config.toml",
            "mv /root/config /etc/nightlatch/config.toml",
        ),
        (
            "unable to dlopen(pam_nightlatch.so)",
            "mv /usr/lib/*/security/pam_nightlatch.so /root/",
            "mv /root/pam_nightlatch.so /usr/lib/*/security/",
        ),
    ] {
        let journal = Journal::mark();
        shell(break_it);
        assert_ne!(attempt_as("alice", code), "PAM_SUCCESS");
        as_the_guide_says(LOCKED_OUT, phrase, &journal.all());
        assert_ne!(phrase == "config.toml", run("nightlatch", &["policy", "check"]).status.success());
        shell(mend);
    }
    let journal = Journal::mark();
    let elsewhere = alice.person.code(4);
    attempt_as("alice", &elsewhere);
    as_the_guide_says(LOCKED_OUT, "cause=\"clock drift\"", &journal.lines("alice"));
    assert_eq!(attempt_as("alice", code), "PAM_SUCCESS");
    let told = steps(LOCKED_OUT).iter().find(|step| step.heading == "Look").unwrap().carry_out("/root");
    assert!(told.contains("pam_nightlatch(") && told.contains("warning: "), "{told}");
}

/// From outside, as a live system has it: the root file system alone, without what else the host mounts.
fn with_the_disk_under_mnt(heading: &str) -> String {
    shell("mount --bind / /mnt");
    assert!(!fs::exists("/mnt/proc/self").unwrap() && !fs::exists("/mnt/run/nightlatch-bed").unwrap());
    let all = steps(LOCKED_OUT);
    let output = all.iter().filter(|step| step.heading == heading).map(|step| step.carry_out("/root")).collect();
    shell("umount /mnt");
    output
}

#[test]
fn from_a_rescue_boot_one_way_in_is_opened_and_closed_again() {
    let alice = Alice::enrolled();
    let bob = Person::enrolled("bob");
    let mut codes = alice.person.backup_codes.iter();
    fs::copy("/usr/share/nightlatch/pam.d/sshd-key-code", "/etc/pam.d/bedkey").unwrap();
    let pam_d = || shell("cd /etc/pam.d; sha256sum *");
    let before = (pam_d(), fs::read("/etc/nightlatch/config.toml").unwrap());
    let afterwards = |before: &(String, Vec<u8>)| {
        steps(LOCKED_OUT)
            .iter()
            .filter(|step| step.heading == "Afterwards")
            .for_each(|step| drop(step.carry_out("/root")));
        assert!((pam_d(), fs::read("/etc/nightlatch/config.toml").unwrap()) == *before, "as it was");
    };

    shell("mkdir /root/keys; mv /etc/nightlatch/keys/* /root/keys/");
    assert!(!alice.types(&alice.person.backup_codes[19]).contains(GOT_IN));
    let journal = Journal::mark();
    let explained = with_the_disk_under_mnt("Only you, by a rule");
    as_the_guide_says(LOCKED_OUT, "alice is let in without a code", &explained);
    assert!(alice.logs_in_by_the_password_alone());
    as_the_guide_says(LOCKED_OUT, "by=rule:emergency", &journal.lines("alice"));
    assert_ne!(attempt_as(&bob.name, &bob.backup_codes[0]), "PAM_SUCCESS");
    // What it advises for the next time helps this time too.
    let console: String = settings(LOCKED_OUT).iter().map(|step| format!("\n{}", step.commands)).collect();
    fs::write("/root/console.toml", console).unwrap();
    let explained =
        ok("nightlatch", &["policy", "explain", "root", "--service", "login", "--config", "/root/console.toml"]);
    assert!(explained.contains("rule 'console'") && explained.contains("root is let in without a code"), "{explained}");
    shell("mv /root/keys/* /etc/nightlatch/keys/");
    afterwards(&before);
    assert!(alice.types(codes.next().unwrap()).contains(GOT_IN));

    // As pam-auth-update writes it, beside the service's own line.
    shell(
        "cp -a /etc/pam.d/common-auth /root/common-auth; echo 'auth required pam_nightlatch.so nullok' >>/etc/pam.d/common-auth",
    );
    let before = (pam_d(), before.1);
    shell("mv /usr/lib/*/security/pam_nightlatch.so /root/");
    assert_ne!(attempt_as("alice", codes.next().unwrap()), "PAM_SUCCESS");
    let left = with_the_disk_under_mnt("Everybody, by taking the lines out");
    let left: Vec<_> = left.lines().filter(|line| line.contains(":auth")).collect();
    assert!(left.iter().all(|line| line.contains("require_key")) && left.len() == 1, "{left:?}");
    assert!(alice.logs_in_by_the_password_alone());
    assert_ne!(drive(&["--no-delay", "--reply", "wrong", "sshd", "alice"]).answer(), "PAM_SUCCESS");
    shell("mv /root/pam_nightlatch.so /usr/lib/*/security/");
    afterwards(&before);
    assert!(alice.types(codes.next().unwrap()).contains(GOT_IN));

    shell("mv /root/common-auth /etc/pam.d/common-auth; rm /etc/pam.d/bedkey");
    assert!(fs::exists(format!("{SNIPPETS}/10-nightlatch.conf")).unwrap());
}

/// systemd's rescue.target and emergency.target start it.
#[test]
fn the_shell_of_a_rescue_boot_wants_root_s_password_and_no_code() {
    in_the_bed();
    assert!(ok("ldd", &["/bin/login"]).contains("libpam.so"), "else this looks for nothing");
    assert!(!ok("ldd", &["/sbin/sulogin"]).contains("libpam"));
    assert!(ok("strings", &["/lib/systemd/systemd-sulogin-shell"]).contains("SYSTEMD_SULOGIN_FORCE"));
    shell(&format!("printf 'root:%s\\n' '{PASSWORD}' | chpasswd"));
    let mut console = Terminal::open("sulogin");
    let screen =
        console.sees("Give root password for maintenance").types(PASSWORD).sees("# ").types(SAY_SO).sees(GOT_IN);
    assert!(!screen.screen.contains(PROMPT));
    console.types("exit").rest();
    shell("usermod --password '*' root");
}
