// SPDX-License-Identifier: MIT OR Apache-2.0
//! The profiles of pam-auth-update: where their lines land, and what people meet at ssh, sudo and su.

use std::fs;

use crate::host::{self, Host, SSH, SU, SUDO};
use crate::scene::ways::{self, GOT_IN};
use crate::scene::*;

const PASSWORD_FIRST: [&str; 3] =
    ["auth [success=1 default=ignore] pam_unix.so nullok", "auth requisite pam_deny.so", "auth required pam_permit.so"];

#[test]
fn the_profile_asks_for_a_code_behind_the_password_wherever_one_logs_in() {
    let _host = Host::with_profile("nightlatch");
    let lines = host::lines_of("auth");
    assert_eq!(lines, [&PASSWORD_FIRST[..], &["auth required pam_nightlatch.so nullok"]].concat());
    let others = ["account", "password", "session", "session-noninteractive"].map(host::lines_of).concat();
    assert!(!others.iter().any(|line| line.contains("nightlatch")), "{others:?}");
    for way in [SSH, SUDO, SU] {
        let ann = Person::enrolled("ann");
        way.gets_in(&ann, &ann.backup_codes[0]);
        way.is_refused(&ann, &ann.wrong_code());
        ways::without_the_password_nobody_is_asked_for_a_code(way);
        let bob = Person::stranger("bob");
        let screen = (way.open)(&bob).sees(way.password_prompt).types(PASSWORD).rest();
        assert!(screen.contains(GOT_IN) && !screen.contains(PROMPT), "not enrolled, and let in by nullok: {screen}");
    }
    ways::the_right_code_gets_in_once(SSH);
    let report: serde_json::Value = serde_json::from_slice(&run("nightlatch", &["doctor", "--json"]).stdout).unwrap();
    let findings = report["findings"].as_array().unwrap();
    assert!(!findings.iter().any(|finding| finding["severity"] == "error"), "{findings:#?}");
}

#[test]
fn the_profile_for_enrollment_enrolls_in_the_login_itself_an_expired_password_or_not() {
    let _host = Host::with_profile("nightlatch-enroll");
    fs::write("/etc/nightlatch/config.toml", "[default]\nnot_enrolled = \"enroll\"\n").unwrap();
    let (auth, account) = (host::lines_of("auth"), host::lines_of("account"));
    assert_eq!(auth, [&PASSWORD_FIRST[..], &["auth required pam_nightlatch.so nullok enroll"]].concat());
    assert_eq!(account[0], "account required pam_nightlatch.so");
    assert!(
        account[1].starts_with("account [success=1 new_authtok_reqd=done default=ignore] pam_unix.so"),
        "{account:?}"
    );
    for expired in [false, true] {
        let mut ann = Person::stranger("ann");
        if expired {
            ok("chage", &["--lastday", "0", &ann.name]);
        }
        let mut terminal = (SSH.open)(&ann);
        terminal.sees(SSH.password_prompt).types(PASSWORD).sees("Code from the app: ");
        ann.secret = secret_on(&terminal.screen);
        steady(8);
        terminal.types(&ann.code(-1)).sees("Type yes: ").types("yes");
        if expired {
            // Debian's stack wants it changed, in this same login and after us.
            terminal.sees("Current password: ").types(PASSWORD);
            for prompt in ["New password: ", "Retype new password: "] {
                terminal.sees(prompt).types("another-horse-7");
            }
        }
        let screen = terminal.rest();
        assert!(screen.contains(GOT_IN), "{screen}");
        assert_eq!(ann.status()["enrolled"], true);
        ok("sh", &["-ec", &format!("echo '{}:{PASSWORD}' | chpasswd", ann.name)]);
        SSH.is_refused(&ann, &ann.wrong_code());
        SSH.gets_in(&ann, &ann.code(0));
    }
}

/// Eight groups of four symbols, on a line of their own.
fn secret_on(screen: &str) -> String {
    let is_secret = |line: &&str| {
        let groups: Vec<_> = line.split(' ').collect();
        groups.len() == 8
            && groups.iter().all(|group| group.len() == 4 && group.bytes().all(|b| b.is_ascii_alphanumeric()))
    };
    screen.lines().map(str::trim).find(is_secret).unwrap_or_else(|| panic!("{screen}")).replace(' ', "")
}

#[test]
fn one_command_goes_from_either_profile_to_the_other() {
    let _host = Host::with_profile("nightlatch");
    let plain = host::pam_configuration();
    host::switch("nightlatch", "nightlatch-enroll");
    let enrolling = host::pam_configuration();
    assert_eq!((host::lines_of("auth").len(), host::lines_of("account").len()), (4, 4));
    host::switch("nightlatch-enroll", "nightlatch");
    assert_eq!(host::pam_configuration(), plain);
    // Without taking the first one out: the one that does more wins, and no line stands twice.
    host::enable("nightlatch-enroll");
    assert_eq!(host::pam_configuration(), enrolling);
    host::enable("nightlatch");
    assert_eq!(host::pam_configuration(), enrolling);
}
