// SPDX-License-Identifier: MIT OR Apache-2.0
//! Keys that are rotated and killed under logins, people who move to another host, and the guide, run as it is written.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

mod scene;

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use scene::guide::{Kind, Step, steps};
use scene::*;
use serde_json::Value;

/// One rotation of the host's own store at a time: the second would rightly wait and give up.
fn alone() -> MutexGuard<'static, ()> {
    static ALONE: Mutex<()> = Mutex::new(());
    ALONE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn rotation() -> Command {
    let mut command = Command::new("nightlatch");
    command.args(["key", "rotate", "--json", "--quiet"]).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn keys() -> usize {
    fs::read_dir("/etc/nightlatch/keys").unwrap().count()
}

/// The program with a line on stdin.
fn nightlatch(words: &[&str], line: &str) -> Output {
    let mut command = Command::new("nightlatch");
    let mut child =
        command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdin.take().unwrap().write_all(line.as_bytes()));
    child.wait_with_output().unwrap()
}

fn object(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}"))
}

/// A login so many seconds from now.
fn attempt_in(seconds: u64, service: &Service, person: &str, reply: &str) -> String {
    let driver = ["/opt/nightlatch/driver", "--no-delay", "--rhost", "192.0.2.7", "--reply", reply];
    let offset = format!("+{seconds}s");
    let words = [&["-f", &offset], &driver[..], &[&service.name, person]].concat();
    let output = run("faketime", &words);
    Driven { output: String::from_utf8_lossy(&output.stdout).into_owned() }.answer()
}

#[test]
fn while_the_key_is_rotated_everybody_logs_in_and_no_code_twice() {
    let _alone = alone();
    let (service, open_to_strangers) = (Service::alone(""), Service::behind_a_success("nullok"));
    let people: Vec<_> = (0..12).map(|_| Person::enrolled_with("ann", &["--backup-codes", "20"])).collect();
    let stranger = Person::stranger("stranger");
    let (mut rotations, mut logins) = (0, 0);
    let mut rotating = rotation().spawn().unwrap();
    for round in 0..20 {
        for person in &people {
            let code = &person.backup_codes[round];
            assert_eq!(attempt(&service, &person.name, code).answer(), "PAM_SUCCESS", "round {round}");
            assert_eq!(attempt(&service, &person.name, code).answer(), "PAM_AUTH_ERR", "used a moment ago");
            logins += 1;
            if rotating.try_wait().unwrap().is_some() {
                let output = rotating.wait_with_output().unwrap();
                assert!(output.status.success() && object(&output)["left"] == Value::Array(Vec::new()), "{output:?}");
                rotations += 1;
                rotating = rotation().spawn().unwrap();
            }
        }
        assert_eq!(attempt(&open_to_strangers, &stranger.name, "").answer(), "PAM_SUCCESS");
    }
    assert!(rotating.wait().unwrap().success());
    assert!(rotations >= 3, "{rotations} rotations under {logins} logins");
    assert_eq!(keys(), 1);
    for person in &people {
        assert_eq!((person.status()["backup_codes_left"].as_u64(), &person.status()["lock"]), (Some(0), &Value::Null));
    }
}

#[test]
fn people_enroll_and_are_invited_while_the_key_is_rotated_and_none_of_it_is_lost() {
    let _alone = alone();
    let mut rotating = rotation().spawn().unwrap();
    let mut people = Vec::new();
    let mut invited = Vec::new();
    for _ in 0..25 {
        people.push(Person::enrolled_with("new", &["--backup-codes", "1"]));
        let stranger = Person::stranger("guest");
        ok("nightlatch", &["invite", &stranger.name]);
        invited.push(stranger);
        if rotating.try_wait().unwrap().is_some() {
            assert!(rotating.wait().unwrap().success());
            rotating = rotation().spawn().unwrap();
        }
    }
    assert!(rotating.wait().unwrap().success());
    assert!(rotation().status().unwrap().success());
    assert_eq!(keys(), 1);
    let service = Service::alone("");
    for person in &people {
        assert_eq!(attempt(&service, &person.name, &person.backup_codes[0]).answer(), "PAM_SUCCESS");
    }
    assert!(invited.iter().all(|stranger| stranger.status()["invited_until"].is_string()));
}

#[test]
fn a_rotation_that_is_killed_again_and_again_locks_nobody_out_and_is_ended_by_the_next() {
    let _alone = alone();
    let service = Service::alone("");
    let people: Vec<_> = (0..8).map(|_| Person::enrolled_with("kim", &["--backup-codes", "20"])).collect();
    let begun = Instant::now();
    assert!(rotation().output().unwrap().status.success());
    // From its beginning to its end, however fast the machine is.
    let part = begun.elapsed() / 16;
    let mut killed = 0;
    for round in 0..16_u32 {
        let mut rotating = rotation().spawn().unwrap();
        std::thread::sleep(part * round);
        rotating.kill().unwrap();
        killed += u32::from(!rotating.wait().unwrap().success());
        let person = &people[usize::try_from(round).unwrap() % people.len()];
        let code = &person.backup_codes[usize::try_from(round).unwrap()];
        assert_eq!(attempt(&service, &person.name, code).answer(), "PAM_SUCCESS", "round {round}");
        assert_eq!(attempt(&service, &person.name, code).answer(), "PAM_AUTH_ERR", "round {round}");
        // A key that no marker came to name is nobody's, and goes with the next that ends.
    }
    assert!(killed > 4, "only {killed} of them were killed in time");
    let output = rotation().output().unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(keys(), 1);
    for person in &people {
        assert_eq!(attempt(&service, &person.name, &person.backup_codes[19]).answer(), "PAM_SUCCESS");
    }
}

#[test]
fn on_another_host_the_same_phone_logs_in_and_what_was_used_is_refused() {
    let _alone = alone();
    let old = Service::alone("");
    let ann = Person::enrolled("ann");
    steady(15);
    let used = ann.code(0);
    assert_eq!(attempt(&old, &ann.name, &used).answer(), "PAM_SUCCESS");
    assert_eq!(attempt(&old, &ann.name, &ann.backup_codes[0]).answer(), "PAM_SUCCESS");
    let (file, passphrase) = (format!("/root/{}.age", unique("backup")), "correct horse battery staple\n");
    let output = nightlatch(&["store", "backup", &file, "--passphrase", "--user", &ann.name], passphrase);
    assert!(output.status.success(), "{output:?}");

    let place = format!("/root/{}", unique("host"));
    fs::create_dir(&place).unwrap();
    ok("chmod", &["700", &place]);
    let config = config(&format!("store = \"{place}/store\"\nkeys = \"{place}/keys\"\n"));
    let new = Service::alone(&format!("config={config}"));
    let restore = ["--config", &config, "--json", "store", "restore", &file, "--yes"];
    let restored = object(&nightlatch(&restore, passphrase));
    assert_eq!(restored["people"][0]["outcome"], "restored", "{restored}");
    for refused in [&used, &ann.code(0), &ann.backup_codes[0]] {
        assert_eq!(attempt(&new, &ann.name, refused).answer(), "PAM_AUTH_ERR");
    }
    assert_eq!(attempt(&new, &ann.name, &ann.backup_codes[1]).answer(), "PAM_SUCCESS");
    assert_eq!(attempt_in(90, &new, &ann.name, &ann.code(3)), "PAM_SUCCESS", "the same phone, a little later");
    // The old host's keys and records are its own.
    assert_eq!(attempt(&old, &ann.name, &ann.backup_codes[2]).answer(), "PAM_SUCCESS");
    let later = format!("{file}.later");
    let output = nightlatch(&["store", "backup", &later, "--passphrase", "--user", &ann.name], passphrase);
    assert!(output.status.success(), "{output:?}");
    let again = object(&nightlatch(&restore, passphrase));
    assert_eq!(again["people"][0]["standing"], "older", "{again}");
    let again = object(&nightlatch(&["--config", &config, "--json", "store", "restore", &later, "--yes"], passphrase));
    assert_eq!(again["people"][0]["standing"], "newer", "a code was used on the old host meanwhile: {again}");
    assert_eq!(attempt(&new, &ann.name, &ann.backup_codes[2]).answer(), "PAM_AUTH_ERR");
}

const GUIDE: &str = include_str!("../docs/guides/backup-and-restore.md");

/// All commands of one of the guide's sections.
fn section(heading: &str) -> Step<'_> {
    let of_it = steps(GUIDE).into_iter().filter(|step| step.heading == heading);
    let commands: String = of_it.map(|step| step.commands).collect();
    assert!(!commands.is_empty(), "no commands under '{heading}'");
    Step { heading, kind: Kind::Shell, commands }
}

fn follow(heading: &str) {
    section(heading).carry_out("/root");
}

/// What one host has, so that it is another.
fn bare_host() {
    ok("sh", &["-ec", "rm -rf /etc/nightlatch/keys /var/lib/nightlatch/*"]);
}

#[test]
fn the_guide_works_as_it_is_written() {
    let _alone = alone();
    let service = Service::alone("");
    let ann = Person::enrolled("ann");
    for heading in ["Write the key down, once", "A backup every night", "See what a restore would do"] {
        follow(heading);
    }
    ok("nightlatch", &["remove", &ann.name, "--yes"]);
    follow("Restore one person, or everybody");
    assert_eq!(attempt(&service, &ann.name, &ann.backup_codes[0]).answer(), "PAM_SUCCESS");

    ok("sh", &["-ec", "rm /etc/nightlatch/keys/*"]);
    assert_eq!(attempt(&service, &ann.name, &ann.backup_codes[1]).answer(), "PAM_AUTHINFO_UNAVAIL");
    follow("A key is lost");
    assert_eq!(attempt(&service, &ann.name, &ann.backup_codes[1]).answer(), "PAM_SUCCESS");

    let moving = section("Move to another host").commands;
    let (on_the_old, on_the_new) = moving.split_once("nightlatch init\n").unwrap();
    ok("sh", &["-exc", on_the_old]);
    bare_host();
    ok("sh", &["-exc", &format!("nightlatch init\n{on_the_new}")]);
    assert_eq!(attempt(&service, &ann.name, &ann.backup_codes[1]).answer(), "PAM_AUTH_ERR");
    assert_eq!(attempt(&service, &ann.name, &ann.backup_codes[2]).answer(), "PAM_SUCCESS");
    assert_eq!(attempt_in(90, &service, &ann.name, &ann.code(3)), "PAM_SUCCESS");

    follow("A key is thought to be known");
    assert_eq!(keys(), 1);
    assert_eq!(attempt(&service, &ann.name, &ann.backup_codes[3]).answer(), "PAM_SUCCESS");
    let all: BTreeSet<_> = steps(GUIDE).iter().map(|step| step.heading).collect();
    assert_eq!(all.len(), 7, "a section with commands that nobody follows here");
}
