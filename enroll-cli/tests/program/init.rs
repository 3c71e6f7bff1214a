// SPDX-License-Identifier: MIT OR Apache-2.0
//! `init`.

use std::fs;

use crate::host::{Host, mode};

#[test]
fn it_makes_store_and_key_and_says_where() {
    let host = Host::bare("");
    let ran = host.run(&["init"]).expect(0);
    for part in ["store: ", "master key: ", "key directory: ", "directory of people's files: ", "store marker: "] {
        assert!(ran.stdout.contains(part), "{part}: {ran:?}");
    }
    assert!(ran.stderr.contains("nightlatch enroll USER") && ran.stderr.contains("guides/ten-minutes.md"), "{ran:?}");
    assert!(ran.stderr.contains("back up") && ran.stderr.contains("apart"), "{ran:?}");
    assert_eq!((mode(&host.path("store")), mode(&host.path("keys"))), (0o700, 0o700));
    let key = fs::read_dir(host.path("keys")).unwrap().next().unwrap().unwrap();
    assert_eq!(mode(&key.path()), 0o400);
}

#[test]
fn everything_is_roots_alone_whatever_the_umask() {
    for umask in ["000", "022", "077", "777"] {
        let host = Host::bare("");
        let script = "umask $1; \"$2\" --config \"$3\" init && \"$2\" --config \"$3\" enroll daemon --no-confirm";
        let mut command = std::process::Command::new("sh");
        command.args(["-ec", script, "sh", umask, crate::host::BINARY]).arg(host.config());
        crate::host::run(&mut command, "").expect(0);
        for (path, expected) in [
            ("store", 0o700),
            ("store/users", 0o700),
            ("store/store", 0o600),
            ("store/users/1", 0o600),
            ("keys", 0o700),
        ] {
            assert_eq!(mode(&host.path(path)), expected, "{path} under {umask}");
        }
        let key = fs::read_dir(host.path("keys")).unwrap().next().unwrap().unwrap();
        assert_eq!(mode(&key.path()), 0o400, "{umask}");
    }
}

#[test]
fn run_again_it_changes_nothing() {
    let host = Host::new();
    let marker = fs::read(host.path("store/store")).unwrap();
    let again = host.run(&["init"]).expect(0);
    assert!(again.stdout.contains("nothing to do") && again.stderr.is_empty(), "{again:?}");
    let json = host.run(&["init", "--json"]).expect(0).json();
    assert_eq!(json, serde_json::json!({ "schema": 1, "changed": false, "made": [] }));
    assert_eq!(fs::read(host.path("store/store")).unwrap(), marker);
}

#[test]
fn in_json_it_lists_each_part_with_its_path() {
    let host = Host::bare("");
    let json = host.run(&["--json", "init"]).expect(0).json();
    assert_eq!((json["schema"].as_u64(), json["changed"].as_bool()), (Some(1), Some(true)));
    let made = json["made"].as_array().unwrap();
    let of = |part: &str| made.iter().find(|made| made["part"] == part).map(|made| made["path"].as_str().unwrap());
    assert_eq!(of("store"), host.path("store").to_str());
    assert_eq!(of("store marker"), host.path("store/store").to_str());
    assert!(of("master key").unwrap().starts_with(host.path("keys").to_str().unwrap()));
}

#[test]
fn where_records_are_there_and_their_key_is_not_it_never_makes_another() {
    let host = Host::new();
    host.enrolled("daemon");
    let key = fs::read_dir(host.path("keys")).unwrap().next().unwrap().unwrap().path();
    fs::rename(&key, host.path("elsewhere")).unwrap();
    let ran = host.run(&["init", "--json"]).expect(1);
    let error = &ran.json()["error"];
    assert_eq!((error["kind"].as_str(), error["path"].as_str()), (Some("key-lost"), host.path("store").to_str()));
    assert!(error["remedy"].as_str().unwrap().contains("backup"));
    assert_eq!(fs::read_dir(host.path("keys")).unwrap().count(), 0);
}

#[test]
fn a_relative_config_is_meant_from_here() {
    let host = Host::bare("");
    let mut command = std::process::Command::new(crate::host::BINARY);
    command.args(["--config", "config.toml", "init"]).current_dir(host.path(""));
    crate::host::run(&mut command, "").expect(0);
    assert!(host.path("store/store").exists());
}
