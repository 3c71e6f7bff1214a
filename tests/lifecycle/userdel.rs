// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the real userdel, and deluser by way of it, say and do about what a deleted account has left; and that they end well
//! whatever is wrong.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Output;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::scene::*;
use super::{Somebody, alone, clear, file_of, program, settings, with_the_package};

/// What userdel or deluser said on stderr; it has to end well, and the account has to be gone.
#[track_caller]
fn deletes(output: &Output, name: &str) -> String {
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{said}");
    assert!(!run("getent", &["-s", "files", "passwd", name]).status.success(), "{name} is there still");
    said.lines().filter(|line| line.starts_with("nightlatch: ")).map(|line| format!("{line}\n")).collect()
}

/// userdel where a mount, made for it alone, makes something wrong.
fn userdel_where(script: &str, name: &str) -> Output {
    run("unshare", &["--mount", "sh", "-ec", &format!("{script}\nexec userdel {name}")])
}

#[test]
fn userdel_and_deluser_say_what_is_left_and_the_log_has_it() {
    let _turn = alone();
    for command in ["userdel", "deluser"] {
        let (ann, bob, cid) = (Somebody::enrolled("ann"), Somebody::invited("bob"), Somebody::new("cid"));
        for (person, what) in [(&ann, Some("record")), (&bob, Some("invitation")), (&cid, None)] {
            let (Somebody { name, uid }, journal) = (person, Journal::mark());
            let said = deletes(&run(command, &[name]), name);
            let sentence = what.map(|what| {
                format!(
                    "the {what} of {name} (uid {uid}) is left, and the account is gone; 'nightlatch remove --uid {uid}' \
                     removes it"
                )
            });
            assert_eq!(said, sentence.as_ref().map(|line| format!("nightlatch: {line}\n")).unwrap_or_default());
            let logged: Vec<Value> =
                journal.entries().into_iter().filter(|entry| entry["SYSLOG_IDENTIFIER"] == "nightlatch").collect();
            let found: Vec<_> =
                logged.iter().map(|entry| (&entry["MESSAGE"], &entry["SYSLOG_FACILITY"], &entry["PRIORITY"])).collect();
            let expected = sentence.map(|line| (json!(line), json!("10"), json!("5")));
            assert_eq!(
                found,
                expected.iter().map(|(line, facility, level)| (line, facility, level)).collect::<Vec<_>>()
            );
            // The remedy, as it was named.
            if what.is_some() {
                ok("nightlatch", &["remove", "--uid", &uid.to_string(), "--yes"]);
            }
        }
    }
}

#[test]
fn on_request_what_a_deleted_account_leaves_goes_with_it_and_nobody_else_s_does() {
    let _turn = alone();
    settings("DELETED_ACCOUNTS=\"remove\"");
    let stays = Somebody::enrolled("stays");
    for command in ["userdel", "deluser"] {
        for Somebody { name, uid } in [Somebody::enrolled("ann"), Somebody::invited("bob")] {
            let said = deletes(&run(command, &[&name]), &name);
            assert!(said.starts_with("nightlatch: removed the ") && said.lines().count() == 1, "{said}");
            assert!(!file_of(uid).exists() && !file_of(uid).with_extension("invited").exists());
        }
    }
    assert!(file_of(stays.uid).exists());
    // A job without an environment, in which nobody's wish counts but the file's.
    let ann = Somebody::enrolled("ann");
    let uid = ann.uid;
    settings("");
    let said = deletes(&run("env", &["-i", "DELETED_ACCOUNTS=remove", "/usr/sbin/userdel", &ann.name]), &ann.name);
    assert!(said.contains("is left") && file_of(uid).exists(), "{said}");
    clear(uid);
}

#[test]
fn whatever_is_wrong_userdel_ends_well_and_nothing_is_removed() {
    let _turn = alone();
    let hide = format!("mount --bind /dev/null {}", program());
    let cases = [
        ("DELETED_ACCOUNTS=(", "", "DELETED_ACCOUNTS is 'report' or 'remove'; until it is, nothing is removed"),
        ("DELETED_ACCOUNTS=yes", "", "DELETED_ACCOUNTS is 'report' or 'remove'; until it is, nothing is removed"),
        ("exit 3", "", "DELETED_ACCOUNTS is 'report' or 'remove'; until it is, nothing is removed"),
        ("DELETED_ACCOUNTS=remove", hide.as_str(), ""),
        ("DELETED_ACCOUNTS=remove", "mv /etc/nightlatch /etc/nightlatch.away", ""),
        ("DELETED_ACCOUNTS=remove", "mount -t tmpfs none /var/lib/nightlatch", "was not seen: /var/lib/nightlatch"),
        ("DELETED_ACCOUNTS=remove", "mount --bind /dev/null /etc/nightlatch/config.toml", "was not seen: "),
        ("DELETED_ACCOUNTS=remove", "mount --bind /dev/null /dev/log", "removed the record"),
    ];
    for (setting, wrong, expected) in cases {
        settings(setting);
        let ann = Somebody::enrolled("ann");
        let uid = ann.uid;
        let said = deletes(&userdel_where(wrong, &ann.name), &ann.name);
        // Back, where nobody was enrolled for a moment.
        if Path::new("/etc/nightlatch.away").exists() {
            fs::rename("/etc/nightlatch.away", "/etc/nightlatch").unwrap();
        }
        assert_eq!(said.is_empty(), expected.is_empty(), "{setting}; {wrong}: {said}");
        assert!(said.contains(expected), "{setting}; {wrong}: {said}");
        let goes_all_the_same = wrong.ends_with("/dev/log");
        assert_eq!(file_of(uid).exists(), !goes_all_the_same, "{setting}; {wrong}: {said}");
        clear(uid);
    }
}

#[test]
fn a_record_that_is_locked_or_damaged_is_left_and_said() {
    let _turn = alone();
    settings("DELETED_ACCOUNTS=remove");
    let ann = Somebody::enrolled("ann");
    let uid = ann.uid;
    let file = file_of(uid).display().to_string();
    let lock = format!("flock {file} userdel {}", ann.name);
    let begun = Instant::now();
    let said = deletes(&run("sh", &["-ec", &lock]), &ann.name);
    assert!(said.contains("left as it is: the record of ") && said.contains("locked by another process"), "{said}");
    assert!(begun.elapsed() < Duration::from_secs(12) && file_of(uid).exists(), "{:?}", begun.elapsed());
    clear(uid);
    let bob = Somebody::enrolled("bob");
    let uid = bob.uid;
    fs::write(file_of(uid), "damaged").unwrap();
    let said = deletes(&run("userdel", &[&bob.name]), &bob.name);
    assert!(said.contains(&format!("left as it is: the record of uid {uid}: ")) && file_of(uid).exists(), "{said}");
    clear(uid);
}

/// In a mount namespace of its own, beside the others: it waits most of the time. Nothing that they look at is left of it.
#[test]
fn a_program_that_hangs_keeps_userdel_for_no_longer_than_it_says() {
    with_the_package();
    let hangs = format!("/tmp/{}", unique("hangs"));
    fs::write(&hangs, "#!/bin/sh\ntrap '' TERM\nexec sleep infinity\n").unwrap();
    fs::set_permissions(&hangs, fs::Permissions::from_mode(0o755)).unwrap();
    let Somebody { name, .. } = Somebody::new("ann");
    let begun = Instant::now();
    let said = deletes(&userdel_where(&format!("mount --bind {hangs} {}", program()), &name), &name);
    assert!(said.contains("no answer within 15 seconds; see 'nightlatch list --orphaned'"), "{said}");
    assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
}

/// An outage may look like an answer, and an account may have moved into the directory.
#[test]
fn what_a_directory_may_still_have_is_never_removed() {
    let _turn = alone();
    settings("DELETED_ACCOUNTS=remove");
    let with = |sources: &str, says: &str| {
        let file = format!("/tmp/{}", unique("nsswitch"));
        format!(
            "echo 'passwd: {sources}' >{file}; mount --bind {file} /etc/nsswitch.conf
             export LD_LIBRARY_PATH=/opt/nightlatch BED_NSS='{says}'"
        )
    };
    for (sources, says, expected) in [
        ("bed files", "unavail:5", "accounts come from 'bed' too"),
        ("files bed", "notfound", "accounts come from 'bed' too"),
        ("files bed", "unavail:5", "the account database does not answer"),
        ("files bed", "NAME:UID", ""),
        ("sss files", "", "accounts come from 'sss' too"),
    ] {
        let ann = Somebody::enrolled("ann");
        let uid = ann.uid;
        let says = says.replace("NAME", &ann.name).replace("UID", &uid.to_string());
        let said = deletes(&userdel_where(&with(sources, &says), &ann.name), &ann.name);
        assert!(said.contains(expected) && said.is_empty() == expected.is_empty(), "{sources}, {says}: {said}");
        assert!(file_of(uid).exists(), "{sources}, {says}: {said}");
        clear(uid);
    }
    // Nor of an account that userdel never knew.
    let (far, uid) = ("faraway", 50_123);
    let words =
        format!("{}\nexec nightlatch enroll {far} --no-confirm --quiet", with("files bed", &format!("{far}:{uid}")));
    ok("unshare", &["--mount", "sh", "-ec", &words]);
    let outage = format!("{}\nexec nightlatch remove --vanished --yes", with("bed files", "unavail:111"));
    let output = run("unshare", &["--mount", "sh", "-ec", &outage]);
    assert_eq!((output.status.code(), file_of(uid).exists()), (Some(1), true), "{output:?}");
    clear(uid);
}
