// SPDX-License-Identifier: MIT OR Apache-2.0
//! The doctor's timer and its unit: off, locked in, and yet finding what a shell finds; and the mail.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, chown};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::Value;

use super::scene::*;
use super::{MAIL, Somebody, TIMER, UNIT, alone, clear, file_of, settings};

const SNIPPET: &str = "/etc/ssh/sshd_config.d/05-lifecycle.conf";

fn shown(unit: &str, property: &str) -> String {
    ok("systemctl", &["show", unit, "--value", "--property", property]).trim().to_owned()
}

/// What a run of the unit wrote, and how it ended; after what its failure starts.
fn unit_run() -> (String, String) {
    let journal = Journal::mark();
    drop(run("systemctl", &["start", UNIT]));
    while !ok("systemctl", &["list-jobs", "--no-legend"]).is_empty() || shown(MAIL, "ActiveState") == "activating" {
        std::thread::sleep(Duration::from_millis(50));
    }
    // Its process may be gone before the journal asks for the unit; these fields come with the line.
    let is_its_own = |entry: &Value| entry["SYSLOG_IDENTIFIER"] == "nightlatch" && entry["_TRANSPORT"] == "stdout";
    let entries = journal.entries().into_iter().filter(is_its_own);
    (entries.map(|entry| format!("{}\n", entry["MESSAGE"].as_str().unwrap())).collect(), shown(UNIT, "ExecMainStatus"))
}

#[track_caller]
fn unit_finds_what_a_shell_finds(expected: &[&str]) {
    let shell = run("nightlatch", &["doctor", "--quiet"]);
    let (in_shell, status) = (String::from_utf8(shell.stdout).unwrap(), shell.status.code().unwrap().to_string());
    for kind in expected {
        assert!(in_shell.contains(&format!("[{kind}]")), "no {kind}: {in_shell}");
    }
    assert_eq!(unit_run(), (in_shell, status));
}

/// A drop-in for the doctor's unit; gone when it is dropped.
struct DropIn(PathBuf);

impl DropIn {
    fn new(text: &str) -> Self {
        let directory = PathBuf::from(format!("/run/systemd/system/{UNIT}.d"));
        fs::create_dir_all(&directory).unwrap();
        fs::write(directory.join("test.conf"), text).unwrap();
        ok("systemctl", &["daemon-reload"]);
        Self(directory)
    }
}

impl Drop for DropIn {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.0));
        drop(run("systemctl", &["daemon-reload"]));
    }
}

/// What a test spoils; as it was when this is dropped.
struct Spoilt(&'static str, Option<Vec<u8>>);

impl Spoilt {
    fn with(path: &'static str, text: &str) -> Self {
        let before = fs::read(path).ok();
        fs::write(path, text).unwrap();
        Self(path, before)
    }
}

impl Drop for Spoilt {
    fn drop(&mut self) {
        match &self.1 {
            Some(bytes) => fs::write(self.0, bytes).unwrap(),
            None => fs::remove_file(self.0).unwrap(),
        }
    }
}

#[test]
fn the_timer_s_doctor_finds_what_a_shell_s_finds_whatever_is_wrong() {
    let _turn = alone();
    let (ann, bob, cid, dan) =
        (Somebody::enrolled("ann"), Somebody::enrolled("bob"), Somebody::enrolled("cid"), Somebody::enrolled("dan"));
    let [a, b, c, d] = [&ann, &bob, &cid, &dan].map(|person| person.uid);
    unit_finds_what_a_shell_finds(&["clock-unsynchronised", "not-in-use"]);
    // Open, somebody else's, damaged, deserted, and an sshd that asks nobody.
    fs::set_permissions(file_of(a), fs::Permissions::from_mode(0o644)).unwrap();
    chown(file_of(b), Some(1), Some(1)).unwrap();
    let mut bytes = fs::read(file_of(c)).unwrap();
    bytes[600] ^= 1;
    fs::write(file_of(c), bytes).unwrap();
    ok("userdel", &[&dan.name]);
    let debians = fs::read_to_string("/etc/pam.d/sshd").unwrap();
    let line = "auth sufficient pam_nightlatch.so\nauth required pam_no_such_module.so\n";
    let _service = Spoilt::with("/etc/pam.d/sshd", &format!("{line}{debians}"));
    let asks_nobody = Spoilt::with(SNIPPET, "UsePAM yes\nKbdInteractiveAuthentication no\n");
    unit_finds_what_a_shell_finds(&["untrusted", "damaged", "orphaned", "sshd-no-prompt", "stack-undone"]);
    drop(asks_nobody);
    let no_config = Spoilt::with("/etc/nightlatch/config.toml", "stroe = 1\n");
    let _no_sshd = Spoilt::with(SNIPPET, "NoSuchWord yes\n");
    unit_finds_what_a_shell_finds(&["config", "sshd-settings"]);
    drop(no_config);
    chown(file_of(b), Some(0), Some(0)).unwrap();
    fs::set_permissions(file_of(a), fs::Permissions::from_mode(0o600)).unwrap();
    [a, b, c, d].into_iter().for_each(clear);
}

#[test]
fn the_timer_is_off_and_daily_and_its_unit_is_locked_in() {
    let _turn = alone();
    assert_eq!(String::from_utf8_lossy(&run("systemctl", &["is-enabled", TIMER]).stdout), "disabled\n");
    let units = [UNIT, TIMER, MAIL];
    let verified = run("systemd-analyze", &[&["verify", "--man=no"][..], &units].concat());
    assert!(verified.status.success() && verified.stderr.is_empty(), "{verified:?}");
    // Tenths: systemd's own bound for what is locked in well.
    ok("systemd-analyze", &["security", "--no-pager", "--threshold=30", UNIT]);
    let next = ok("systemd-analyze", &["calendar", "daily"]);
    assert!(next.contains("*-*-* 00:00:00"), "{next}");
    // And it is so in earnest: the same unit, with a program that tries.
    let targets = ["/etc/nightlatch/touched", "/usr/lib/touched", "/root/touched"];
    let tries = format!("ExecStart=/bin/sh -c 'for file in {}; do echo x >$$file; done; true'", targets.join(" "));
    let _tries = DropIn::new(&format!("[Service]\nExecStart=\n{tries}\n"));
    assert_eq!(unit_run().1, "0");
    for target in targets {
        assert!(!Path::new(target).exists(), "{target}");
    }
}

#[test]
fn what_is_found_is_mailed_to_whom_the_settings_name_and_to_nobody_else() {
    let _turn = alone();
    let (outbox, sendmail) = (format!("/tmp/{}", unique("outbox")), "/usr/sbin/sendmail");
    // The unit fails at once, as by warnings; what is mailed is asked for by whoever mails.
    let fails = "[Service]\nExecStart=\nExecStart=/bin/sh -c 'exit 10'\n";
    let unit = DropIn::new(fails);
    let mailed = |setting: &str| {
        settings(setting);
        unit_run();
        let result = shown(MAIL, "Result");
        drop(run("systemctl", &["reset-failed", UNIT, MAIL]));
        (fs::read_to_string(&outbox).ok(), result)
    };
    assert!(!Path::new(sendmail).exists());
    assert_eq!(mailed("MAIL_FINDINGS_TO=root"), (None, "exit-code".to_owned()), "no mail system, and that is said");
    let stand_in = format!("#!/bin/sh\n[ \"$*\" = '-i -t' ] && exec cat >{outbox}\n");
    fs::write(sendmail, stand_in).unwrap();
    fs::set_permissions(sendmail, fs::Permissions::from_mode(0o755)).unwrap();
    for nobody in ["#MAIL_FINDINGS_TO=root", "MAIL_FINDINGS_TO="] {
        assert_eq!(mailed(nobody), (None, "exec-condition".to_owned()), "{nobody}");
    }
    let (mail, result) = mailed("DELETED_ACCOUNTS=remove\nMAIL_FINDINGS_TO=root, ops@example.org");
    let mail = mail.unwrap();
    let (head, body) = mail.split_once("\n\n").unwrap();
    let subject = format!("Subject: nightlatch doctor on {}: warnings", ok("uname", &["-n"]).trim());
    assert!(head.starts_with(&format!("To: root, ops@example.org\n{subject}\n")), "{mail}");
    let found = String::from_utf8(run("nightlatch", &["doctor", "--quiet"]).stdout).unwrap();
    assert!(!found.is_empty() && body == found && result == "success", "{mail}");
    fs::remove_file(&outbox).unwrap();
    drop(unit);
    let _lives_with_warnings = DropIn::new(&format!("{fails}SuccessExitStatus=10\n"));
    assert_eq!(mailed("MAIL_FINDINGS_TO=root").0, None, "nothing failed");
    fs::remove_file(sendmail).unwrap();
}
