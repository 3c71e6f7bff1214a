// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a package does beside logins: the hook of userdel (lifecycle/userdel.rs), the doctor's timer (lifecycle/timer.rs),
//! systemd-tmpfiles, and the guide about all of it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod scene;
#[path = "lifecycle/timer.rs"]
mod timer;
#[path = "lifecycle/userdel.rs"]
mod userdel;

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use scene::guide::follow;
use scene::*;

/// There is one /etc, so these tests run one after the other.
static HOST: Mutex<()> = Mutex::new(());

const SETTINGS: &str = "/etc/default/nightlatch";
const HOOK: &str = "/etc/shadow-maint/userdel-post.d/nightlatch";
const UNIT: &str = "nightlatch-doctor.service";
const TIMER: &str = "nightlatch-doctor.timer";
const TMPFILES: &str = "/usr/lib/tmpfiles.d/nightlatch.conf";
const MAIL: &str = "nightlatch-doctor-mail.service";
const PACKAGING: &str = "/opt/nightlatch/packaging";

/// The host alone, with what a package brings, and with its settings.
fn alone() -> MutexGuard<'static, ()> {
    with_the_package();
    let turn = HOST.lock().unwrap_or_else(PoisonError::into_inner);
    fs::copy(format!("{PACKAGING}/default/nightlatch"), SETTINGS).unwrap();
    turn
}

/// Copied where no package is installed.
fn with_the_package() {
    static DONE: Once = Once::new();
    in_the_bed();
    DONE.call_once(|| {
        place("755", "shadow-maint/userdel-post.d/nightlatch", HOOK);
        place("644", "default/nightlatch", SETTINGS);
        place("644", "tmpfiles.d/nightlatch.conf", TMPFILES);
        place("755", "systemd/mail-findings", "/usr/libexec/nightlatch/mail-findings");
        for unit in [UNIT, MAIL, TIMER] {
            place("644", &format!("systemd/{unit}"), &format!("/usr/lib/systemd/system/{unit}"));
        }
        if !Path::new("/usr/sbin/nightlatch").exists() {
            symlink(program(), "/usr/sbin/nightlatch").unwrap();
        }
        ok("systemctl", &["daemon-reload"]);
    });
}

fn place(mode: &str, from: &str, to: &str) {
    if !Path::new(to).exists() {
        ok("install", &["-D", "-m", mode, &format!("{PACKAGING}/{from}"), to]);
    }
}

fn program() -> String {
    ok("sh", &["-ec", "readlink -f \"$(command -v nightlatch)\""]).trim().to_owned()
}

fn settings(line: &str) {
    fs::write(SETTINGS, format!("{line}\n")).unwrap();
}

fn uid_of(name: &str) -> u32 {
    ok("id", &["-u", name]).trim().parse().unwrap()
}

/// Somebody with an account, who logs in nowhere.
struct Somebody {
    name: String,
    uid: u32,
}

impl Somebody {
    fn new(stem: &str) -> Self {
        let name = unique(stem);
        ok("useradd", &[&name]);
        Self { uid: uid_of(&name), name }
    }

    fn enrolled(stem: &str) -> Self {
        let somebody = Self::new(stem);
        ok("nightlatch", &["enroll", &somebody.name, "--no-confirm", "--quiet", "--backup-codes", "0"]);
        somebody
    }

    fn invited(stem: &str) -> Self {
        let somebody = Self::new(stem);
        ok("nightlatch", &["invite", &somebody.name, "--quiet"]);
        somebody
    }
}

fn file_of(uid: u32) -> PathBuf {
    PathBuf::from(format!("/var/lib/nightlatch/users/{uid}"))
}

/// Ends as the test began: without files of accounts that are gone.
fn clear(uid: u32) {
    drop(run("nightlatch", &["remove", "--uid", &uid.to_string(), "--yes"]));
}

/// A script in a mount namespace, after which the host is as before.
#[track_caller]
fn apart(script: &str) -> String {
    ok("unshare", &["--mount", "sh", "-ec", script])
}

#[test]
fn systemd_tmpfiles_makes_nothing_mends_nothing_and_lets_nothing_age() {
    let _turn = alone();
    let tmpfiles = "systemd-tmpfiles --create --remove --clean";
    let ours = TMPFILES;
    // Where the store's disk is not mounted, and where nobody ran init.
    let left = apart(&format!("mount -t tmpfs none /var/lib; {tmpfiles} {ours} 2>&1; ls -A /var/lib"));
    assert_eq!(left, "");
    let left = apart(&format!("mount -t tmpfs none /etc/nightlatch; {tmpfiles} {ours} 2>&1; ls -A /etc/nightlatch"));
    assert_eq!(left, "");
    // Aged by somebody's line about all that is above it; what is no record of ours is the control.
    let aged = apart(&format!(
        "mount -t tmpfs none /var/lib; mkdir -m 700 -p /var/lib/nightlatch/users /var/lib/other
         touch -d 2020-01-01 /var/lib/nightlatch/store /var/lib/nightlatch/users/1000 /var/lib/other/file
         echo 'e /var/lib - - - 0' >/run/lifecycle.conf
         systemd-tmpfiles --clean /run/lifecycle.conf {ours}; cd /var/lib; find . -type f | sort"
    ));
    assert_eq!(aged, "./nightlatch/store\n./nightlatch/users/1000\n");
    // A link is not followed, and what it leads to stays as it is.
    let link = apart(&format!(
        "mount -t tmpfs none /var/lib; mkdir -m 751 /run/lifecycle; ln -s /run/lifecycle /var/lib/nightlatch
         {tmpfiles} {ours} || :; stat -c %a /run/lifecycle; rmdir /run/lifecycle"
    ));
    assert_eq!(link, "751\n");
    // A place that was open stays open until somebody looks: refused at login, and found.
    let store = Path::new("/var/lib/nightlatch");
    fs::set_permissions(store, fs::Permissions::from_mode(0o755)).unwrap();
    ok("sh", &["-ec", &format!("{tmpfiles} {ours}")]);
    assert_eq!(fs::metadata(store).unwrap().mode() & 0o7777, 0o755);
    let found = run("nightlatch", &["doctor", "--only", "store", "--quiet"]);
    assert_eq!(found.status.code(), Some(11));
    assert!(String::from_utf8_lossy(&found.stdout).contains("chmod go= /var/lib/nightlatch"), "{found:?}");
    fs::set_permissions(store, fs::Permissions::from_mode(0o700)).unwrap();
}

#[test]
fn the_guide_is_followed_as_it_is_written() {
    let _turn = alone();
    let person = |name: &str| {
        ok("useradd", &["--create-home", name]);
        ok("nightlatch", &["enroll", name, "--no-confirm", "--quiet"]);
        uid_of(name)
    };
    let [bob, carl, alice, dora] = ["bob", "carl", "alice", "dora"].map(person);
    fs::create_dir_all("/root/guide").unwrap();
    let guide = include_str!("../docs/guides/accounts-come-and-go.md");
    let headings = ["Deleted", "Renamed, or with another uid", "Every day"];
    follow(guide, "/root/guide", &headings, |heading, output| match heading {
        "Deleted" => {
            assert_eq!(output, format!("nightlatch: removed the record of carl (uid {carl}), whose account is gone\n"));
            assert!(!file_of(bob).exists() && !file_of(carl).exists());
        }
        "Renamed, or with another uid" => {
            for (name, uid) in [("alicia", alice), ("dora", 2001)] {
                assert!(file_of(uid).exists() && run("nightlatch", &["status", name]).status.success(), "{name}");
            }
            assert!(!file_of(dora).exists());
        }
        _every_day => {
            let enabled = ok("systemctl", &["is-active", TIMER]);
            assert_eq!(enabled, "active\n");
            assert!(fs::read_to_string(SETTINGS).unwrap().contains("\nMAIL_FINDINGS_TO=root\n"));
            ok("systemctl", &["disable", "--now", "--quiet", TIMER]);
        }
    });
    fs::remove_dir_all(format!("/etc/systemd/system/{UNIT}.d")).unwrap();
    ok("systemctl", &["daemon-reload"]);
    [alice, 2001].into_iter().for_each(clear);
}
