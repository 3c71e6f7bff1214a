// SPDX-License-Identifier: MIT OR Apache-2.0
//! `doctor`. What shared blocks do on a full disk, and that it finds them before, is in tests/disk.rs.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value, json};

use crate::host::{Host, mode};

/// Each finding's word and path.
fn found(host: &Host, status: i32) -> Vec<(String, PathBuf)> {
    let report = host.run(&["doctor", "--only", "store", "--json"]).expect(status).json();
    assert_eq!((&report["schema"], &report["changed"]), (&json!(1), &json!(false)));
    let text = |finding: &Value, field: &str| finding[field].as_str().unwrap().to_owned();
    let findings = report["findings"].as_array().unwrap().iter();
    let list = findings.inspect(|finding| assert!(!text(finding, "remedy").is_empty(), "{finding}"));
    list.map(|finding| (text(finding, "kind"), PathBuf::from(text(finding, "path")))).collect()
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Takes the blocks of slot A away; the disk would have to give one again.
fn punch_a_hole(path: &Path) {
    let punched =
        Command::new("fallocate").args(["--punch-hole", "--offset=4096", "--length=4096"]).arg(path).status().unwrap();
    assert!(punched.success());
}

#[test]
fn a_sound_store_is_said_to_be_sound() {
    let host = Host::new();
    for user in ["daemon", "games"] {
        host.enrolled(user);
    }
    let report = host.run(&["doctor", "--only", "store", "--json"]).expect(0).json();
    let examined = json!([{ "subject": "store", "outcome": "looked", "message": "keys, store and 2 records: sound" }]);
    assert_eq!(report, json!({ "schema": 1, "changed": false, "findings": [], "examined": examined }));
    let ran = host.run(&["doctor", "--only", "store"]).expect(0);
    assert!(ran.stdout.starts_with("nothing found") && ran.stderr.is_empty(), "{ran:?}");
    let ran = host.run(&["doctor", "--only", "store", "--quiet"]).expect(0);
    assert!(ran.stdout.is_empty() && ran.stderr.is_empty(), "{ran:?}");
}

#[test]
fn whatever_is_not_root_s_alone_is_found_at_its_place() {
    let host = Host::new();
    host.enrolled("daemon");
    let key = fs::read_dir(host.path("keys")).unwrap().next().unwrap().unwrap().path();
    for (path, mode, sound) in [
        (host.path("keys"), 0o750, 0o700),
        (key, 0o404, 0o400),
        (host.path("store"), 0o711, 0o700),
        (host.path("store/users"), 0o770, 0o700),
        (host.path("store/store"), 0o644, 0o600),
        (host.record(1), 0o640, 0o600),
    ] {
        set_mode(&path, mode);
        assert!(found(&host, 11).contains(&("untrusted".to_owned(), path.clone())), "{}", path.display());
        set_mode(&path, sound);
        assert_eq!(found(&host, 0), []);
    }
}

#[test]
fn what_is_gone_is_found_and_said_once() {
    let host = Host::new();
    for user in ["daemon", "games"] {
        host.enrolled(user);
    }
    let key = fs::read_dir(host.path("keys")).unwrap().next().unwrap().unwrap().path();
    for gone in [key, host.path("store/store"), host.path("store/users"), host.path("keys")] {
        let away = host.path("away");
        fs::rename(&gone, &away).unwrap();
        assert_eq!(found(&host, 11), [("missing".to_owned(), gone.clone())]);
        fs::rename(&away, &gone).unwrap();
    }
    assert_eq!(found(&host, 0), []);
}

#[test]
fn every_record_that_does_not_open_is_found_beside_the_sound_ones() {
    let host = Host::new();
    for user in ["daemon", "bin", "games"] {
        host.enrolled(user);
    }
    let mut bytes = fs::read(host.record(2)).unwrap();
    bytes[700] ^= 1;
    fs::write(host.record(2), &bytes).unwrap();
    fs::write(host.record(5), &bytes).unwrap();
    assert_eq!(found(&host, 11), [("damaged".to_owned(), host.record(2)), ("foreign".to_owned(), host.record(5))]);
    let ran = host.run(&["doctor", "--only", "store", "--quiet"]).expect(11);
    let lines: Vec<_> = ran.stdout.lines().collect();
    assert_eq!(lines[0], format!("error: {}: the record is damaged [damaged]", host.record(2).display()));
    assert!(lines[1].starts_with("    put ") && lines.len() == 4, "{ran:?}");
    assert_eq!(fs::read(host.record(2)).unwrap(), bytes);
}

#[test]
fn a_hole_is_found_and_filled_and_no_used_code_comes_back() {
    let host = Host::new();
    let codes = host.enrolled("daemon")["backup_codes"].clone();
    let code = |n: usize| codes[n].as_str().unwrap();
    host.run_with(&["verify", "daemon"], code(0)).expect(0);
    punch_a_hole(&host.record(1));
    let holed = fs::read(host.record(1)).unwrap();
    let here = |kind: &str| (kind.to_owned(), host.record(1));
    assert_eq!(found(&host, 10), [here("slot-lost"), here("blocks-not-there")]);
    assert_eq!(fs::read(host.record(1)).unwrap(), holed, "nothing is mended unasked");
    let mended = host.run(&["doctor", "--only", "store", "--mend", "--json"]).expect(0).json();
    assert_eq!((&mended["changed"], &mended["findings"]), (&json!(true), &json!([])));
    host.run_with(&["verify", "daemon"], code(0)).expect(3);
    host.run_with(&["verify", "daemon"], code(1)).expect(0);
}

#[test]
fn mending_leaves_what_is_sound_and_goes_on_behind_what_it_cannot_mend() {
    let host = Host::new();
    for user in ["daemon", "bin", "games"] {
        host.enrolled(user);
    }
    let mut bytes = fs::read(host.record(2)).unwrap();
    bytes[700] ^= 1;
    fs::write(host.record(2), &bytes).unwrap();
    for uid in [2, 5] {
        punch_a_hole(&host.record(uid));
    }
    let [sound, damaged, holed] = [1, 2, 5].map(|uid| fs::read(host.record(uid)).unwrap());
    let report = host.run(&["doctor", "--only", "store", "--mend", "--json"]).expect(11).json();
    let (changed, findings) = (&report["changed"], report["findings"].as_array().unwrap());
    assert_eq!((changed, findings.len(), &findings[0]["kind"]), (&json!(true), 1, &json!("damaged")));
    assert_eq!([1, 2].map(|uid| fs::read(host.record(uid)).unwrap()), [sound, damaged]);
    assert_ne!(fs::read(host.record(5)).unwrap(), holed);
}

#[test]
fn where_one_file_cannot_be_written_anew_the_others_are() {
    let host = Host::new();
    for user in ["daemon", "games"] {
        host.enrolled(user);
    }
    for uid in [1, 5] {
        punch_a_hole(&host.record(uid));
    }
    fs::create_dir(host.path("store/users/.1.new")).unwrap();
    let error = host.run(&["doctor", "--mend", "--json"]).expect(1).json()["error"].clone();
    assert_eq!(error["path"].as_str(), host.path("store/users/.1.new").to_str(), "{error}");
    let left: Vec<_> = found(&host, 10).into_iter().map(|(_, path)| path).collect();
    assert_eq!(left, [host.record(1), host.record(1)]);
}

#[test]
fn a_bundle_is_a_new_file_of_root_s_alone_or_says_why_not() {
    let host = Host::new();
    host.enrolled("daemon");
    let path = host.path("bundle.txt");
    let bundle = |path: &Path| host.run(&["doctor", "--json", "--bundle", path.to_str().unwrap()]);
    let written = bundle(&path).expect(0).json();
    assert_eq!(written, json!({ "schema": 1, "changed": true, "bundle": path }));
    assert_eq!(mode(&path), 0o600);
    let text = fs::read_to_string(&path).unwrap();
    assert!(text.contains("\nenrolled 1\n") && !text.contains("daemon"), "{text}");
    let error = bundle(&path).expect(1).json()["error"].clone();
    assert_eq!((&error["kind"], error["path"].as_str()), (&json!("exists"), path.to_str()), "{error}");
    assert_eq!(fs::read_to_string(&path).unwrap(), text);
    let nowhere = host.path("none/bundle.txt");
    let error = bundle(&nowhere).expect(1).json()["error"].clone();
    assert_eq!((&error["kind"], error["path"].as_str()), (&json!("io"), nowhere.to_str()), "{error}");
    host.run(&["doctor", "--mend", "--bundle", nowhere.to_str().unwrap()]).expect(2);
}
