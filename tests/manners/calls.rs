// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a login asks the kernel for, as strace sees it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::collections::HashSet;
use std::fs;

use crate::scene::*;
use crate::{End, every_end, path_of, text};

/// The system calls between the application's call of pam_authenticate and libpam's answer; descriptors with their path.
fn calls_of(end: &End) -> Vec<String> {
    let file = format!("/tmp/{}", unique("trace"));
    let strace = ["strace", "--follow-forks", "--decode-fds=path", "--string-limit=200", "--output", &file];
    let stdout = text(&end.driven(&strace, &["--barrier", "/none", "--reply", &end.reply], &[]).stdout);
    assert!(stdout.ends_with(&format!(" {}\n", end.answer)), "{stdout}");
    let calls = fs::read_to_string(file).unwrap();
    let begun = calls.lines().skip_while(|line| !line.contains("\"ready\\n\"")).skip(1);
    let calls: Vec<_> = begun.take_while(|line| !line.contains("\"authenticate ")).map(str::to_owned).collect();
    assert!(calls.len() > 10, "{calls:?}");
    calls
}

/// A login with a code that is right, at a service where our module alone asks.
fn calls_of_an_accepted(code: &str, ann: &Person) -> Vec<String> {
    let service = Service::alone("");
    calls_of(&End { answer: "PAM_SUCCESS", service, person: ann.name.clone(), reply: code.to_owned() })
}

fn name_of(call: &str) -> &str {
    // The first word is the process.
    call.split_whitespace().nth(1).unwrap().split('(').next().unwrap()
}

#[test]
fn an_accepted_code_costs_one_flushed_write_of_the_person_s_file() {
    let ann = Person::enrolled("ann");
    steady(8);
    let calls = calls_of_an_accepted(&ann.code(0), &ann);
    let file = format!("<{}>", path_of(&ann));
    let changes = |call: &&String| {
        let words =
            ["write", "truncate", "fallocate", "sync", "copy_file_range", "sendfile", "splice", "mmap", "ioctl"];
        call.contains(&file) && words.iter().any(|word| name_of(call).contains(word))
    };
    let changes: Vec<_> = calls.iter().filter(changes).collect();
    assert_eq!(changes.len(), 1, "{changes:#?}");
    assert!(name_of(changes[0]) == "pwritev2" && changes[0].contains(", RWF_DSYNC) = "), "{changes:?}");
    let written = calls.iter().position(|call| call == changes[0]).unwrap();
    let locked = calls.iter().position(|call| name_of(call) == "flock" && call.contains(&file)).unwrap();
    let logged = calls.iter().position(|call| name_of(call) == "sendto" && call.contains("pam_nightlatch("));
    assert!(locked < written && written < logged.unwrap(), "locked, written, and only then told");
}

#[test]
fn every_login_asks_the_kernel_for_nothing_that_is_the_application_s() {
    let (ann, bob) = (Person::enrolled("ann"), Person::stranger("bob"));
    // libpam and libc do some of it by themselves (getrandom of glibc 2.41 blocks signals for a moment).
    let warn = Service::new("auth required pam_warn.so\nauth required pam_permit.so\n");
    let without_us = End { answer: "PAM_SUCCESS", service: warn, person: ann.name.clone(), reply: String::new() };
    let without_us: HashSet<_> = calls_of(&without_us).iter().map(|call| name_of(call).to_owned()).collect();
    for end in every_end(&ann, &bob) {
        for call in calls_of(&end) {
            let name = name_of(&call);
            let ids_and_signals = name.starts_with("set") || name.starts_with("rt_sig");
            let applications_own = ids_and_signals || APPLICATIONS_OWN.split(' ').any(|own| own == name);
            assert!(!applications_own || without_us.contains(name), "{call}");
            assert!(!call.contains("O_CREAT") && !call.contains("O_TRUNC"), "{call}");
            // /etc/passwd is read; a home directory is its owner's to prepare.
            assert!(name == "read" || !call.contains("/home/"), "{call}");
        }
    }
}

const APPLICATIONS_OWN: &str = "fork vfork clone clone3 execve execveat wait4 kill tgkill umask chdir fchdir chroot \
    unshare mount prctl prlimit64 sigaltstack capset rename renameat renameat2 unlink unlinkat link linkat symlinkat \
    mkdir mkdirat mknodat fchmod fchmodat fchownat";

#[test]
fn whatever_is_opened_is_opened_with_care() {
    let ann = Person::enrolled("ann");
    let calls = calls_of_an_accepted(&ann.backup_codes[0], &ann);
    let opened: Vec<_> = calls.iter().filter(|call| ["open", "openat", "openat2"].contains(&name_of(call))).collect();
    let ours = |call: &&&String| call.contains("O_NOFOLLOW");
    for path in ["/etc/nightlatch/config.toml", "/etc/nightlatch/keys", "/var/lib/nightlatch", &path_of(&ann)] {
        let of_it: Vec<_> = opened.iter().filter(|call| call.ends_with(&format!("<{path}>"))).collect();
        assert!(!of_it.is_empty(), "{path}: {opened:#?}");
        assert!(of_it.iter().all(|call| call.contains("O_NOFOLLOW")), "{of_it:?}");
    }
    for call in opened.iter().filter(ours) {
        for flag in ["O_CLOEXEC", "O_NONBLOCK", "O_NOCTTY"] {
            assert!(call.contains(flag), "{call}");
        }
    }
    assert!(opened.iter().filter(|call| call.contains("nightlatch")).all(|call| ours(&call)), "{opened:#?}");
    assert!(opened.iter().all(|call| call.contains("O_CLOEXEC")), "{opened:#?}");
}
