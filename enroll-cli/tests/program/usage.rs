// SPDX-License-Identifier: MIT OR Apache-2.0
//! The command line, config, rights: what every command has in common.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

use crate::host::{BINARY, Host, run};

#[test]
fn version_and_help_stand_before_or_after_the_command() {
    let host = Host::bare("");
    let version = concat!("nightlatch ", env!("CARGO_PKG_VERSION"), "\n");
    for arguments in [&["--version"][..], &["enroll", "--version"], &["-V"]] {
        assert_eq!(host.run(arguments).expect(0).stdout, version);
    }
    for command in [
        "init",
        "enroll",
        "device",
        "backup-codes",
        "bypass",
        "waive",
        "verify",
        "status",
        "list",
        "unlock",
        "remove",
        "doctor",
        "import",
        "policy",
        "key",
        "store",
    ] {
        let before = host.run(&[command, "--help"]).expect(0);
        assert!(before.stdout.contains("Example:") && before.stderr.is_empty(), "{command}");
    }
    for verb in ["list", "add", "rename", "remove", "resync"] {
        let help = host.run(&["device", verb, "--help"]).expect(0).stdout;
        assert!(help.contains(&format!("nightlatch device {verb} alice")), "{verb}: {help}");
    }
    assert!(host.run(&["--help"]).expect(0).stdout.contains("Exit status: 0 done"));
}

#[test]
fn wrong_usage_is_status_two_and_in_json_an_object() {
    let host = Host::new();
    for arguments in [&["--json"][..], &["--json", "bogus"], &["enroll", "--json"], &["enrol", "daemon", "--json"]] {
        let ran = host.run(arguments).expect(2);
        assert_eq!(ran.json()["error"]["kind"], "usage", "{arguments:?}");
        assert!(!ran.stderr.is_empty());
    }
    let ran = host.run(&["verify"]).expect(2);
    assert!(ran.stdout.is_empty() && ran.stderr.contains("Usage:"), "{ran:?}");
}

#[test]
fn a_code_as_an_argument_is_refused_and_not_repeated() {
    let ran = Host::new().run(&["--json", "verify", "daemon", "314159"]).expect(2);
    assert!(!ran.stdout.contains("314159") && !ran.stderr.contains("314159"), "{ran:?}");
    assert!(ran.stderr.contains("stdin"));
}

#[test]
fn whoever_is_not_root_is_told_so_at_once() {
    for arguments in [
        &["init"][..],
        &["enroll", "daemon", "--no-confirm"],
        &["list"],
        &["status", "daemon"],
        &["doctor"],
        &["key", "list"],
        &["key", "restore"],
        &["store", "backup", "/tmp/nowhere", "--under-master-key"],
        &["store", "restore", "/tmp/nowhere"],
    ] {
        let mut command = Command::new(BINARY);
        let ran = run(command.uid(65_534).arg("--json").args(arguments), "").expect(1);
        let error = ran.json()["error"].clone();
        assert_eq!((error["kind"].as_str(), error["path"].as_str()), (Some("denied"), None), "{ran:?}");
        assert!(ran.stderr.contains("only root"), "{ran:?}");
    }
}

#[test]
fn what_is_wrong_with_the_config_is_said_with_its_place() {
    let host = Host::new();
    for (contents, kind, expected) in
        [("stroe = 1\n", "config", ":1:1: unknown"), ("store = '/a'\n[totp]\nwindow = 7\n", "config", ":3:10: 0")]
    {
        fs::write(host.config(), contents).unwrap();
        let ran = host.run(&["--json", "list"]).expect(1);
        let error = ran.json()["error"].clone();
        assert_eq!((error["kind"].as_str(), error["path"].as_str()), (Some(kind), host.config().to_str()));
        assert!(error["message"].as_str().unwrap().contains(expected), "{ran:?}");
    }
    fs::set_permissions(host.config(), fs::Permissions::from_mode(0o666)).unwrap();
    assert_eq!(host.run(&["--json", "list"]).expect(1).json()["error"]["kind"], "untrusted");
    fs::remove_file(host.config()).unwrap();
    assert_eq!(host.run(&["--json", "list"]).expect(1).json()["error"]["kind"], "config");
}

#[test]
fn a_fault_names_its_path_and_its_remedy_on_one_line() {
    let host = Host::new();
    fs::set_permissions(host.path("store"), fs::Permissions::from_mode(0o755)).unwrap();
    let ran = host.run(&["--json", "list"]).expect(1);
    let error = ran.json()["error"].clone();
    assert_eq!((error["kind"].as_str(), error["path"].as_str()), (Some("untrusted"), host.path("store").to_str()));
    assert_eq!(ran.stderr.lines().count(), 1);
    assert!(ran.stderr.starts_with("nightlatch: ") && ran.stderr.contains("chmod go="), "{ran:?}");
}

#[test]
fn a_result_that_cannot_be_printed_is_a_failure_that_says_how_to_get_another() {
    let host = Host::new();
    let mut command = Command::new("sh");
    command
        .args(["-c", "\"$1\" --config \"$2\" enroll daemon --no-confirm >/dev/full", "sh", BINARY])
        .arg(host.config());
    let ran = run(&mut command, "").expect(1);
    assert!(ran.stderr.contains("enroll daemon --replace"), "{ran:?}");
    assert_eq!(host.status("daemon")["enrolled"], true);
    let mut command = Command::new("sh");
    command
        .args(["-c", "\"$1\" --config \"$2\" backup-codes daemon --yes >/dev/full", "sh", BINARY])
        .arg(host.config());
    assert!(run(&mut command, "").expect(1).stderr.contains("backup-codes daemon"));
}

#[test]
fn no_core_dump_and_no_other_process_can_show_its_memory() {
    use std::process::Stdio;
    let host = Host::new();
    host.enrolled("daemon");
    let mut child = Command::new(BINARY)
        .arg("--config")
        .arg(host.config())
        .args(["verify", "daemon"])
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let limits = loop {
        let limits = fs::read_to_string(format!("/proc/{}/limits", child.id())).unwrap();
        let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap().to_owned();
        if core.split_whitespace().nth(4) == Some("0") && core.split_whitespace().nth(5) == Some("0") {
            break limits;
        }
        assert!(child.try_wait().unwrap().is_none(), "{limits}");
        std::thread::sleep(std::time::Duration::from_millis(5));
    };
    assert!(limits.contains("Max core file size"));
    drop(child.stdin.take());
    child.wait().unwrap();
}
