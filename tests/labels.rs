// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a login does to config, keys and store, as strace sees it, is what packaging/selinux/nightlatch.cil allows: nothing
//! is missing, so that nobody is refused by SELinux, and nothing is there that no login needs. No kernel here enforces a
//! policy: tests/selinux has a policy's own tools read the rules back.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

#[path = "labels/permissions.rs"]
mod permissions;
mod scene;

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use permissions::{Permission, allowed_to, asked_for_in};
use scene::*;

const STRACE: [&str; 5] = ["-qq", "-y", "-s", "4096", "-o"];
const TRACED: [&str; 2] = ["-e", "trace=%file,%desc"];

/// Runs one login under strace: what it asks SELinux for, and what came out of it.
fn traced(service: &Service, person: &Person, reply: &str) -> (BTreeSet<Permission>, Driven) {
    let trace = format!("/tmp/{}", unique("trace"));
    let login = ["--no-delay", "--rhost", "192.0.2.7", "--reply", reply, &service.name, &person.name];
    let output = run("strace", &[&STRACE[..], &[&trace], &TRACED, &["/opt/nightlatch/driver"], &login].concat());
    let driven = Driven { output: String::from_utf8_lossy(&output.stdout).into_owned() };
    (asked_for_in(&fs::read_to_string(trace).unwrap()), driven)
}

/// Every way through a login that reads or writes something else than the others.
fn all_logins() -> BTreeSet<Permission> {
    let mut asked = BTreeSet::new();
    let mut goes = |service: &Service, person: &Person, reply: &str, answer: &str| {
        let (permissions, driven) = traced(service, person, reply);
        assert_eq!(driven.answer(), answer, "{}", driven.output);
        asked.extend(permissions);
    };
    let (asks, lenient) = (Service::behind_a_success(""), Service::behind_a_success("nullok"));
    let ann = Person::enrolled("ann");
    steady(5);
    goes(&asks, &ann, &ann.code(0), "PAM_SUCCESS");
    goes(&asks, &ann, &ann.backup_codes[0], "PAM_SUCCESS");
    // Five of a known source, five of everybody else; then there is a wait, and the boot's id is read.
    for _ in 0..12 {
        goes(&asks, &ann, &ann.wrong_code(), "PAM_AUTH_ERR");
    }
    let bob = Person::stranger("bob");
    goes(&asks, &bob, "123456", "PAM_AUTH_ERR");
    goes(&lenient, &bob, "123456", "PAM_SUCCESS");
    let cid = Person::enrolled("cid");
    cid.waive("+1d", "a test");
    goes(&asks, &cid, "123456", "PAM_SUCCESS");
    asked
}

/// Somebody who was invited enrolls in a login, and the invitation is gone.
fn first_contact() -> BTreeSet<Permission> {
    let line = "required pam_nightlatch.so enroll";
    let service = Service::new(&format!(
        "auth required pam_permit.so\nauth {line}\naccount {line}\naccount required pam_permit.so\n"
    ));
    let mut ann = Person::stranger("ann");
    ok("nightlatch", &["invite", &ann.name]);
    let (trace, shown_to) = (format!("/tmp/{}", unique("trace")), format!("/tmp/{}", unique("shown")));
    let login = ["--no-delay", "--info-to", &shown_to, "--reply-stdin", "--reply-stdin", &service.name, &ann.name];
    let mut driver = Command::new("strace")
        .args(
            [&STRACE[..], &[&trace], &TRACED, &["/opt/nightlatch/driver"], &login, &["authenticate", "account"]]
                .concat(),
        )
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = driver.stdin.take().unwrap();
    let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines().map(Result::unwrap);
    assert!(lines.any(|line| line.contains("prompt")));
    let shown = fs::read_to_string(&shown_to).unwrap();
    ann.secret = shown.split("into the app:\n\n").nth(1).unwrap().lines().next().unwrap().replace(' ', "");
    steady(5);
    writeln!(stdin, "{}", ann.code(0)).unwrap();
    assert!(lines.any(|line| line.contains("prompt")));
    writeln!(stdin, "yes").unwrap();
    let rest: Vec<String> = lines.collect();
    assert!(driver.wait().unwrap().success(), "{rest:?}");
    assert_eq!(ann.status()["enrolled"], true);
    asked_for_in(&fs::read_to_string(trace).unwrap())
}

/// What userdel's hook runs, once somebody's account is gone and an invitation and a waiver are left too.
fn records_looked_over_and_removed() -> BTreeSet<Permission> {
    let ann = Person::enrolled("ann");
    ann.waive("+1d", "a test");
    ok("userdel", &[&ann.name]);
    let mut asked = BTreeSet::new();
    for arguments in [&["list", "--orphaned"][..], &["remove", "--vanished", &ann.name, "--yes"]] {
        let trace = format!("/tmp/{}", unique("trace"));
        ok("strace", &[&STRACE[..], &[&trace], &TRACED, &["nightlatch"], arguments].concat());
        // The program reads more than a login does, and every policy lets an administrator's programs read /etc.
        asked
            .extend(asked_for_in(&fs::read_to_string(trace).unwrap()).into_iter().filter(Permission::is_for_our_files));
    }
    asked
}

fn assert_same(asked: &BTreeSet<Permission>, allowed: &BTreeSet<Permission>, who: &str) {
    let missing: Vec<_> = asked.difference(allowed).collect();
    assert!(missing.is_empty(), "SELinux would refuse {who}: {missing:#?}");
    let unused: Vec<_> = allowed.difference(asked).collect();
    assert!(unused.is_empty(), "nothing that {who} does needs {unused:#?}");
}

#[test]
fn a_login_asks_selinux_for_what_the_policy_module_allows_and_nothing_else() {
    assert_same(&all_logins(), &allowed_to(&["nightlatch_login"]), "a login");
}

#[test]
fn an_enrollment_in_a_login_asks_selinux_for_what_the_policy_module_allows_and_nothing_else() {
    let asked: BTreeSet<_> = all_logins().union(&first_contact()).cloned().collect();
    assert_same(&asked, &allowed_to(&["nightlatch_login", "nightlatch_first_contact"]), "an enrollment in a login");
}

#[test]
fn userdel_s_hook_is_allowed_to_find_and_remove_what_an_account_has_left() {
    let asked: BTreeSet<_> = all_logins().union(&records_looked_over_and_removed()).cloned().collect();
    assert_same(&asked, &allowed_to(&["nightlatch_login", "useradd_t"]), "userdel's hook");
}
