// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whoever comes with nobody at the keyboard: sftp -b, Ansible and backups by ssh, cron, `systemd --user`. They go on working
//! where people are asked, and what they do clears nobody's failures.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod scene;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use scene::sshd::{self, CLIENT, Recipe, SHARE, SNIPPETS, key_of, ssh};
use scene::ways::{Changed, GOT_IN, SAY_SO};
use scene::*;

/// What Ansible tells ssh where it has no password.
const ANSIBLE: &str = "-o KbdInteractiveAuthentication=no -o PasswordAuthentication=no \
                       -o PreferredAuthentications=gssapi-with-mic,gssapi-keyex,hostbased,publickey";

/// A command by ssh, without a terminal.
fn by_ssh(person: &Person, options: &str) -> Output {
    run("sh", &["-c", &format!("ssh {options} {CLIENT} {}@127.0.0.1 '{SAY_SO}'", person.name)])
}

/// Leaves a file in the person's home by `sftp -b`.
fn by_sftp(person: &Person, options: &str) -> Output {
    let (batch, copy) = (format!("/root/batch-{}", person.name), copy_of(person));
    fs::write(&batch, format!("put /etc/hostname {}\n", copy.display())).unwrap();
    drop(fs::remove_file(&copy));
    run("sh", &["-c", &format!("sftp -b {batch} {options} {CLIENT} {}@127.0.0.1", person.name)])
}

fn copy_of(person: &Person) -> PathBuf {
    PathBuf::from(format!("/home/{}/copy", person.name))
}

fn got_in(output: &Output) -> bool {
    output.status.success() && String::from_utf8_lossy(&output.stdout).contains(GOT_IN)
}

/// The snippet for robots beside what is there, until it is dropped.
struct Robots;

impl Robots {
    fn installed() -> Self {
        drop(run("groupadd", &["--system", "robots"]));
        ok("cp", &[&format!("{SHARE}/sshd-robots.conf"), &format!("{SNIPPETS}/20-robots.conf")]);
        sshd::restart();
        Self
    }
}

impl Drop for Robots {
    fn drop(&mut self) {
        fs::remove_file(format!("{SNIPPETS}/20-robots.conf")).unwrap();
    }
}

#[test]
fn robots_are_in_by_their_key_unattended_and_people_are_asked() {
    let (backup, ann) = (Person::stranger("backup"), Person::enrolled("ann"));
    let (robots_key, anns_key) = (key_of(&backup), key_of(&ann));
    for recipe in ["sshd-key-code", "sshd-password-code", "sshd-key-code-or-password-code"] {
        let _sshd = Recipe::installed(recipe);
        let _robots = Robots::installed();
        ok("usermod", &["-aG", "robots", &backup.name]);
        for options in ["-o BatchMode=yes", ANSIBLE] {
            let output = by_ssh(&backup, &format!("{robots_key} {options}"));
            assert!(got_in(&output), "{recipe}: {output:?}");
            let output = by_ssh(&ann, &format!("{anns_key} {options}"));
            assert!(!got_in(&output), "{recipe}: {output:?}");
        }
        let output = by_sftp(&backup, &robots_key);
        assert!(output.status.success() && copy_of(&backup).exists(), "{recipe}: {output:?}");
        let output = by_sftp(&ann, &anns_key);
        assert!(!output.status.success() && !copy_of(&ann).exists(), "{recipe}: {output:?}");
        // Without its key there is nothing that a robot, or whoever plays one, is asked.
        let screen = ssh(&backup, "-o PubkeyAuthentication=no").rest();
        assert!(screen.contains("Permission denied (publickey)") && !screen.contains("Password: "), "{screen}");
    }
    let _sshd = Recipe::installed("sshd-key-code");
    let screen = ssh(&ann, &anns_key).sees(PROMPT).types(&ann.code(0)).rest();
    assert!(screen.contains(GOT_IN), "{screen}");
}

/// A rule spares the question and not the round in which it would be asked: BatchMode has no such round.
#[test]
fn a_robot_that_a_rule_exempts_is_asked_nothing_and_still_not_in_by_batch_mode() {
    let (backup, ann) = (Person::stranger("backup"), Person::enrolled("ann"));
    let _sshd = Recipe::installed("sshd-key-code");
    let rule = format!(
        "[[rule]]\nname = 'robot'\naction = 'exempt'\nuser = ['{}']\nservice = ['sshd']\nssh_key = true\n",
        backup.name
    );
    let _rule = Changed::arguments("sshd", &format!("config={}", config(&rule)));
    let (robots_key, anns_key) = (key_of(&backup), key_of(&ann));
    let journal = Journal::mark();
    let output = by_ssh(&backup, &robots_key);
    assert!(got_in(&output), "{output:?}");
    let lines = journal.lines(&backup.name);
    assert!(lines.contains("exempt user=") && lines.contains("by=rule:robot"), "{lines}");
    for output in [by_ssh(&backup, &format!("{robots_key} -o BatchMode=yes")), by_sftp(&backup, &robots_key)] {
        let refusal = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && refusal.contains("Permission denied (keyboard-interactive)"), "{output:?}");
    }
    let screen = ssh(&ann, &anns_key).sees(PROMPT).types(&ann.code(0)).rest();
    assert!(screen.contains(GOT_IN), "{screen}");
}

/// One code for a connection, and the connection for as many commands as come by it.
#[test]
fn a_person_opens_a_shared_connection_with_a_code_and_batches_go_through_it() {
    let _sshd = Recipe::installed("sshd-key-code");
    let ann = Person::enrolled("ann");
    let shared = format!("{} -o ControlPath=/run/shared-{}", key_of(&ann), ann.name);
    let opens = format!("{shared} -o ControlMaster=auto -o ControlPersist=60");
    let screen = ssh(&ann, &opens).sees(PROMPT).types(&ann.code(0)).rest();
    assert!(screen.contains(GOT_IN), "{screen}");
    let output = by_sftp(&ann, &shared);
    assert!(output.status.success() && copy_of(&ann).exists(), "{output:?}");
    let output = by_ssh(&ann, &format!("{shared} -o BatchMode=yes"));
    assert!(got_in(&output), "{output:?}");
    ok("sh", &["-c", &format!("ssh {shared} -O exit {}@127.0.0.1", ann.name)]);
    assert!(!got_in(&by_ssh(&ann, &format!("{shared} -o BatchMode=yes"))));
}

/// A file as it was, once this is dropped.
struct Prepended {
    path: &'static str,
    before: String,
}

impl Prepended {
    fn to(path: &'static str, line: &str) -> Self {
        let before = fs::read_to_string(path).unwrap();
        fs::write(path, format!("{line}\n{before}")).unwrap();
        Self { path, before }
    }
}

impl Drop for Prepended {
    fn drop(&mut self) {
        fs::write(self.path, &self.before).unwrap();
    }
}

/// Runs a job of each person's crontab now, as it would be after a boot, and waits until all have run.
fn cron_runs_jobs_of(people: &[&Person]) {
    let marks: Vec<_> = people.iter().map(|person| format!("/home/{}/cron-ran", person.name)).collect();
    for (person, mark) in people.iter().zip(&marks) {
        let table = format!("/var/spool/cron/crontabs/{}", person.name);
        fs::write(&table, format!("@reboot touch {mark}\n")).unwrap();
        ok("chown", &[&format!("{}:crontab", person.name), &table]);
        ok("chmod", &["600", &table]);
    }
    drop(fs::remove_file("/run/crond.reboot"));
    ok("systemctl", &["restart", "cron"]);
    let ran = |mark: &String| {
        (0..100).any(|_| {
            std::thread::sleep(Duration::from_millis(100));
            Path::new(mark).exists()
        })
    };
    assert!(marks.iter().all(ran), "a job did not run: {}", ok("journalctl", &["--unit=cron", "--lines=30"]));
}

/// Our lines in sshd, su and login, and even in what all services share, with enrollment offered: neither asks, and the
/// failures of somebody who waits stay.
#[test]
fn cron_and_systemd_user_go_on_for_everybody_and_clear_no_failures() {
    let _sshd = Recipe::installed("sshd-password-code");
    for service in ["i3lock", "swaylock", "su", "login"] {
        ok("cp", &[&format!("{SHARE}/{service}"), "/etc/pam.d/"]);
    }
    let (ann, stranger) = (Person::enrolled("ann"), Person::stranger("stranger"));
    let elsewhere = Service::alone("");
    for _ in 0..6 {
        attempt(&elsewhere, &ann.name, &ann.wrong_code());
    }
    // The end of a wait is reckoned by two clocks, each in whole seconds: two looks at it may differ by one.
    let status = || {
        let mut status = ann.status();
        status.as_object_mut().unwrap().remove("locked_until").unwrap();
        status
    };
    let before = status();
    assert_eq!((before["failures"].as_u64(), before["lock"].as_str()), (Some(6), Some("waiting")), "{before}");
    let journal = Journal::mark();
    // What pam_systemd sets on a host, and the bed has not.
    let unit = "/run/systemd/system/user@.service.d";
    fs::create_dir_all(unit).unwrap();
    fs::write(format!("{unit}/bed.conf"), "[Service]\nEnvironment=XDG_RUNTIME_DIR=/run/user/%i\n").unwrap();
    ok("systemctl", &["daemon-reload"]);
    {
        let ours =
            format!("required pam_nightlatch.so enroll config={}", config("[default]\nnot_enrolled = 'enroll'\n"));
        let _auth = Prepended::to("/etc/pam.d/common-auth", &format!("auth {ours}"));
        let _account = Prepended::to("/etc/pam.d/common-account", &format!("account {ours}"));
        cron_runs_jobs_of(&[&ann, &stranger]);
        for person in [&ann, &stranger] {
            let unit = format!("user@{}.service", ok("id", &["-u", &person.name]).trim());
            let started = run("systemctl", &["start", &unit]).status.success();
            assert!(started, "{}", ok("journalctl", &["--unit", &unit, "--lines=30"]));
            assert_eq!(ok("systemctl", &["is-active", &unit]).trim(), "active");
            ok("systemctl", &["stop", &unit]);
        }
    }
    let all = journal.all();
    for person in [&ann, &stranger] {
        for service in ["cron", "systemd-user"] {
            let opened = format!("pam_unix({service}:session): session opened for user {}", person.name);
            assert!(all.contains(&opened), "{opened}: {all}");
        }
        assert_eq!(journal.lines(&person.name), "", "nothing was asked, decided or logged");
    }
    assert_eq!(status(), before);
    assert_eq!(stranger.status()["enrolled"], false);
}
