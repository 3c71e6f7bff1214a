// SPDX-License-Identifier: MIT OR Apache-2.0
//! A host without packages: what packaging/install puts in place, replaces beside logins, and takes away; and the way from
//! there to the packages, as docs/guides/upgrades.md has it.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod scene;

use std::fs;
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use scene::guide::{Step, steps};
use scene::*;

const UPGRADES: &str = include_str!("../docs/guides/upgrades.md");
const INSTALL: &str = "/opt/nightlatch/packaging/install";

/// One at a time: each changes what the others find. The store stays.
fn in_place_of_the_packages() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    ok("dpkg", &["--remove", "libpam-nightlatch", "nightlatch"]);
    ok(INSTALL, &["--from", "/opt/nightlatch"]);
    turn
}

/// THREATS V11. A module that is missing or half there would keep everybody out, or, in a careless stack, let them in.
#[test]
fn an_upgrade_beside_logins_keeps_nobody_out() {
    let _turn = in_place_of_the_packages();
    let service = Service::behind_a_success("");
    let people: Vec<_> = (0..4).map(|_| Person::enrolled_with("ann", &["--backup-codes", "20"])).collect();
    let going_on = format!("/tmp/{}", unique("upgrades"));
    fs::write(&going_on, "").unwrap();
    // Two modules that differ, in turn: one that is there already is not put in place again.
    let other = format!("/tmp/{}", unique("other"));
    let script = format!(
        "mkdir {other}; cp /opt/nightlatch/libpam_nightlatch.so /opt/nightlatch/nightlatch {other}
         echo >>{other}/libpam_nightlatch.so
         n=0
         while [ -e {going_on} ]; do
             for from in {other} /opt/nightlatch; do
                 {INSTALL} --from $from | grep 'installed .*pam_nightlatch.so' >/dev/null
                 n=$((n + 1))
             done
         done
         echo $n"
    );
    let upgrades = Command::new("sh").args(["-ec", &script]).stdout(Stdio::piped()).spawn().unwrap();
    let log_in =
        |ann: &Person| ann.backup_codes.iter().all(|code| attempt(&service, &ann.name, code).answer() == "PAM_SUCCESS");
    let let_in: Vec<_> = std::thread::scope(|scope| {
        let logins: Vec<_> = people.iter().map(|ann| scope.spawn(|| log_in(ann))).collect();
        logins.into_iter().map(|each| each.join().unwrap()).collect()
    });
    fs::remove_file(&going_on).unwrap();
    let done = String::from_utf8(upgrades.wait_with_output().unwrap().stdout).unwrap();
    assert_eq!(let_in, vec![true; people.len()]);
    assert!(done.trim().parse::<u32>().unwrap() > 0, "{done}");
}

#[test]
fn what_install_puts_in_place_its_removal_takes_away() {
    in_the_bed();
    let _turn = in_place_of_the_packages();
    let find = || ok("find", &["/usr/local", "/usr/share/fish", "-name", "*nightlatch*"]);
    let before = find();
    assert!(before.contains("man8/pam_nightlatch.8") && before.contains("site-functions/_nightlatch"), "{before}");
    ok(INSTALL, &["--remove"]);
    assert_eq!(find(), "");
    ok(INSTALL, &["--from", "/opt/nightlatch"]);
    let lines = |text: String| text.lines().map(str::to_owned).collect::<std::collections::BTreeSet<_>>();
    assert_eq!(lines(find()), lines(before));
}

/// Either would undo the other's upgrade, and dpkg would take our module away with its own.
#[test]
fn nothing_is_put_in_place_or_taken_away_beside_the_packages() {
    let _turn = in_place_of_the_packages();
    ok(INSTALL, &["--remove"]);
    ok("sh", &["-ec", "dpkg --install /opt/nightlatch/packages/*.deb"]);
    for words in [&["--from", "/opt/nightlatch"][..], &["--remove"]] {
        let output = run(INSTALL, words);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && said.contains("belongs to an installed package"), "{said}");
    }
    ok("dpkg", &["--verify", "nightlatch", "libpam-nightlatch"]);
}

fn steps_under(heading: &str) -> Vec<Step<'static>> {
    let found: Vec<_> = steps(UPGRADES).into_iter().filter(|step| step.heading == heading).collect();
    assert!(!found.is_empty(), "no commands under '{heading}'");
    found
}

/// The module's path is the package's too: a way that first took ours away would leave lines without a module.
#[test]
fn from_a_source_install_to_the_packages_no_login_fails() {
    let _turn = in_place_of_the_packages();
    let service = Service::behind_a_success("");
    let people: Vec<_> = (0..2).map(|_| Person::enrolled_with("ann", &["--backup-codes", "20"])).collect();
    let refused = run(INSTALL, &["--remove-local"]);
    assert!(!refused.status.success() && String::from_utf8_lossy(&refused.stderr).contains("belongs to no package"));
    steps_under("Before").iter().for_each(|step| drop(step.carry_out("/root")));

    let begun = std::sync::Barrier::new(people.len() + 1);
    let log_in = |ann: &Person| {
        begun.wait();
        // The last ones are kept for when all is done.
        ann.backup_codes[1..].iter().all(|code| attempt(&service, &ann.name, code).answer() == "PAM_SUCCESS")
    };
    let output = std::thread::scope(|scope| {
        let logins: Vec<_> = people.iter().map(|ann| scope.spawn(|| log_in(ann))).collect();
        begun.wait();
        let directories = ["/opt/nightlatch/packages", "/opt/nightlatch", "/root"];
        let steps = steps_under("From a source install to the packages");
        assert_eq!(steps.len(), directories.len());
        let output: String = steps.iter().zip(directories).map(|(step, at)| step.carry_out(at)).collect();
        assert!(logins.into_iter().all(|each| each.join().unwrap()), "a login failed meanwhile");
        output
    });
    assert!(output.contains("/usr/sbin/nightlatch") && output.contains(&people[0].name), "{output}");
    assert_eq!(ok("find", &["/usr/local", "-name", "*nightlatch*"]), "");
    assert_eq!(attempt(&service, &people[0].name, &people[0].backup_codes[0]).answer(), "PAM_SUCCESS");
    ok("dpkg", &["--verify", "nightlatch", "libpam-nightlatch"]);
}

/// Whoever has one copy's key could read the records of all.
#[test]
fn a_sealed_image_has_no_key_and_each_copy_makes_its_own_once() {
    let _turn = in_place_of_the_packages();
    ok(INSTALL, &["--remove"]);
    ok("sh", &["-ec", "dpkg --install /opt/nightlatch/packages/*.deb"]);
    let keys = || ok("ls", &["/etc/nightlatch/keys"]);
    let before = keys();
    let unit = "nightlatch-first-boot.service";
    steps_under("Golden images").iter().for_each(|step| drop(step.carry_out("/root")));
    assert!(!fs::exists("/etc/nightlatch/keys").unwrap() && !fs::exists("/var/lib/nightlatch/store").unwrap());
    assert_eq!(ok("systemctl", &["is-enabled", unit]).trim(), "enabled");
    ok("systemctl", &["start", unit]);
    assert!(keys() != before && keys().lines().count() == 1, "{}", keys());
    assert!(!run("systemctl", &["is-enabled", "--quiet", unit]).status.success());
    let ann = Person::enrolled("ann");
    assert_eq!(attempt(&Service::behind_a_success(""), &ann.name, &ann.backup_codes[0]).answer(), "PAM_SUCCESS");
    fs::remove_file(format!("/etc/systemd/system/{unit}")).unwrap();
}
