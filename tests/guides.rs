// SPDX-License-Identifier: MIT OR Apache-2.0
//! The guides, followed as they are written: a host as the guide finds it, its commands one after the other, and people who
//! log in with the phone that they had.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

#[path = "guides/enrollment.rs"]
mod enrollment;
mod scene;

use std::fs;
use std::sync::{Mutex, MutexGuard, PoisonError};

use scene::guide::follow;
use scene::sshd::{self, CLIENT, SNIPPETS};
use scene::ways::{GOT_IN, SAY_SO};
use scene::*;

/// A guide changes sshd and installs and removes packages: one after the other.
static TURN: Mutex<()> = Mutex::new(());

/// What sshd has to say for a module that asks twice, whichever it is; back as it was when it is dropped.
struct OldHost {
    _turn: MutexGuard<'static, ()>,
    debians: String,
}

impl OldHost {
    /// Debian's own service file with the old module's line behind the password.
    fn with(line: &str) -> Self {
        in_the_bed();
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let debians = fs::read_to_string("/etc/pam.d/sshd").unwrap();
        let service = debians.replacen("@include common-auth\n", &format!("@include common-auth\n{line}\n"), 1);
        assert_ne!(service, debians);
        fs::write("/etc/pam.d/sshd", service).unwrap();
        let snippet = "UsePAM yes\nKbdInteractiveAuthentication yes\nPasswordAuthentication no\n";
        fs::write(format!("{SNIPPETS}/10-old.conf"), snippet).unwrap();
        sshd::restart();
        // The fleet of the guide: this host, which root enters by a key.
        ok("sh", &["-ec", "[ -e /root/.ssh/id_ed25519 ] || ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id_ed25519"]);
        let key = "cp /root/.ssh/id_ed25519.pub /root/.ssh/authorized_keys; ssh-keyscan 127.0.0.1 >/root/.ssh/known_hosts 2>&1";
        ok("sh", &["-ec", key]);
        fs::create_dir_all("/root/guide").unwrap();
        fs::write("/root/guide/hosts", "127.0.0.1\n").unwrap();
        Self { _turn: turn, debians }
    }
}

impl Drop for OldHost {
    fn drop(&mut self) {
        fs::write("/etc/pam.d/sshd", &self.debians).unwrap();
        drop(fs::remove_file(format!("{SNIPPETS}/10-old.conf")));
        drop(run("systemctl", &["stop", "way-back.timer"]));
    }
}

/// A login by ssh where the second question is that one; whether it got in.
#[track_caller]
fn login(person: &Person, question: &str, code: &str) -> bool {
    let mut terminal =
        Terminal::open(&format!("ssh {CLIENT} -o PubkeyAuthentication=no {}@127.0.0.1 '{SAY_SO}'", person.name));
    let screen = terminal.sees("Password: ").types(PASSWORD).sees(question).types(code).rest();
    screen.contains(GOT_IN)
}

/// Who has nothing enrolled, and is let in all the same.
#[track_caller]
fn login_without(person: &Person) -> bool {
    let mut terminal =
        Terminal::open(&format!("ssh {CLIENT} -o PubkeyAuthentication=no {}@127.0.0.1 '{SAY_SO}'", person.name));
    terminal.sees("Password: ").types(PASSWORD).rest().contains(GOT_IN)
}

#[test]
fn from_google_authenticator_nobody_notices_anything_but_a_better_prompt() {
    let _host = OldHost::with("auth required pam_google_authenticator.so nullok");
    let enroll = |stem: &str, options: &str| {
        let mut person = Person::stranger(stem);
        ok("runuser", &["-l", &person.name, "-c", &format!("google-authenticator -C -f -Q none -q {options}")]);
        let text = fs::read_to_string(format!("/home/{}/.google_authenticator", person.name)).unwrap();
        person.secret = text.lines().next().unwrap().to_owned();
        person.backup_codes = text.lines().filter(|line| line.len() == 8).map(str::to_owned).collect();
        person
    };
    let (gina, hank) = (enroll("gina", "-t -d -w 17 -r 3 -R 30"), enroll("hank", "-c -w 10 -u"));
    let carol = Person::stranger("carol");
    let counted = |n: u64| ok("oathtool", &["--hotp", "-b", &hank.secret, "-c", &n.to_string()]).trim().to_owned();
    steady(20);
    let used = gina.code(-1);
    assert!(login(&gina, PROMPT, &used) && login(&hank, PROMPT, &counted(2)) && login_without(&carol));

    let guide = include_str!("../docs/guides/from-google-authenticator.md");
    let (mut next, files) = (3, [&gina, &hank].map(|person| format!("/home/{}/.google_authenticator", person.name)));
    let headings = [
        "Install, and see who there is",
        "Import",
        "Change the line",
        "Try it",
        "Roll back",
        "The other hosts",
        "Clean up",
    ];
    follow(guide, "/root/guide", &headings, |heading, output| match heading {
        "Install, and see who there is" => {
            let row = |name: &str| output.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
            assert!(row(&gina.name).contains("would be imported  phone (totp)"), "{output}");
            assert!(row(&hank.name).contains("would be imported  token (hotp)"), "{output}");
            assert_eq!(gina.status()["enrolled"], false);
        }
        "Import" => {
            assert_eq!((&gina.status()["enrolled"], &carol.status()["enrolled"]), (&true.into(), &false.into()));
            assert!(files.iter().all(|file| fs::exists(file).unwrap()));
        }
        "Change the line" => {
            assert!(output.contains("auth required pam_nightlatch.so nullok"), "{output}");
            steady(14);
            assert!(!login(&gina, PROMPT, &used), "used at the old module");
            assert!(login(&gina, PROMPT, &gina.code(0)));
            assert!(login(&hank, PROMPT, &counted(next)) && login_without(&carol));
            assert!(!login(&hank, PROMPT, &counted(next)));
            assert!(login(&gina, PROMPT, &gina.backup_codes[0]) && !login(&gina, PROMPT, &gina.backup_codes[0]));
            next += 1;
        }
        "Try it" => {
            assert!(!run("systemctl", &["is-active", "--quiet", "way-back.timer"]).status.success());
            assert!(output.is_empty() || output.contains("pam_nightlatch"), "{output}");
        }
        // Back and forth, as the page says; which of them asks, the next login tells.
        "Roll back" => {
            fs::copy("/root/sshd.pam.before", "/etc/pam.d/sshd").unwrap();
            assert!(login(&gina, PROMPT, &gina.backup_codes[1]), "the old module, with its old file");
            fs::copy("/root/sshd.pam.nightlatch", "/etc/pam.d/sshd").unwrap();
            assert!(login(&hank, PROMPT, &counted(next)));
            next += 1;
        }
        "The other hosts" => {
            assert!(output.contains("there already") && !output.contains("stays as it was"), "{output}")
        }
        _clean_up => {
            assert!(files.iter().all(|file| !fs::exists(file).unwrap()), "no secret in clear is left");
            assert!(login(&hank, PROMPT, &counted(next)) && login(&gina, PROMPT, &gina.backup_codes[2]));
        }
    });
}

#[test]
fn from_pam_oath_tokens_and_phones_go_on_where_they_stand() {
    let _host = OldHost::with("auth required pam_oath.so usersfile=/etc/users.oath window=20");
    // The page has bob for an example.
    ok("useradd", &["--create-home", "--shell", "/bin/bash", "bob"]);
    ok("sh", &["-ec", &format!("printf 'bob:%s\\n' '{PASSWORD}' | chpasswd")]);
    let bob = Person { name: "bob".to_owned(), secret: "11".repeat(20), backup_codes: Vec::new() };
    let ann = Person { secret: "22".repeat(20), ..Person::stranger("ann") };
    let users = format!("HOTP/E/6 bob - {}\nHOTP/T30 {} - {}\n", bob.secret, ann.name, ann.secret);
    fs::write("/etc/users.oath", users).unwrap();
    ok("chmod", &["600", "/etc/users.oath"]);
    let pressed = |counter: u64| ok("oathtool", &["--hotp", "-c", &counter.to_string(), &bob.secret]).trim().to_owned();
    let shown = |steps: i64| {
        let at = format!("@{}", i64::try_from(now()).unwrap() + 30 * steps);
        ok("oathtool", &["--totp", "-N", &at, &ann.secret]).trim().to_owned()
    };
    let old = "One-time password (OATH)";
    steady(20);
    let used = shown(-1);
    assert!(login(&bob, old, &pressed(5)) && login(&ann, old, &used));

    let guide = include_str!("../docs/guides/from-pam-oath.md");
    let headings =
        ["Install, and see who there is", "Import", "Change the line", "Roll back", "The other hosts", "Clean up"];
    follow(guide, "/root/guide", &headings, |heading, output| match heading {
        "Install, and see who there is" => {
            assert!(output.contains("bob      would be imported  token (hotp)  0"), "{output}");
            assert_eq!(bob.status()["enrolled"], false);
        }
        "Import" => assert_eq!(bob.status()["backup_codes_left"], 10),
        "Change the line" => {
            assert!(
                output.contains("@include common-auth") && output.contains("auth required pam_nightlatch.so"),
                "{output}"
            );
            steady(10);
            assert!(!login(&ann, PROMPT, &used) && login(&ann, PROMPT, &shown(0)));
            assert!(!login(&bob, PROMPT, &pressed(5)) && login(&bob, PROMPT, &pressed(6)));
        }
        "Roll back" => {
            fs::copy("/root/sshd.pam.before", "/etc/pam.d/sshd").unwrap();
            assert!(login(&bob, old, &pressed(7)), "the old module, with its old file");
            fs::copy("/root/sshd.pam.nightlatch", "/etc/pam.d/sshd").unwrap();
        }
        "The other hosts" => {
            assert!(output.contains("there already") && !output.contains("stays as it was"), "{output}")
        }
        _clean_up => {
            assert!(!fs::exists("/etc/users.oath").unwrap());
            assert!(login(&bob, PROMPT, &pressed(8)));
        }
    });
}
