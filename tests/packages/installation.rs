// SPDX-License-Identifier: MIT OR Apache-2.0
//! An installation: it makes what is needed, asks nobody, and changes no login.

use std::fs;

use crate::host::{self, Host, PACKAGES, SSH};
use crate::scene::ways::GOT_IN;
use crate::scene::*;

fn modes_of(places: &[&str]) -> String {
    ok("stat", &[&["--format=%a %U:%G %F"], places].concat())
}

#[test]
fn an_installation_asks_nobody_anything_and_no_login_for_a_code() {
    let _host = Host::bare();
    let (before, units) = (host::pam_configuration(), enabled_units());
    let told = host::install(PACKAGES);
    assert!(
        told.contains("made the master key: /etc/nightlatch/keys/") && !told.contains("PAM configuration"),
        "{told}"
    );
    let key = ok("sh", &["-c", "ls /etc/nightlatch/keys/*"]);
    assert_eq!(
        modes_of(&["/etc/nightlatch/config.toml", "/etc/nightlatch/keys", key.trim(), "/var/lib/nightlatch"]),
        "644 root:root regular file\n700 root:root directory\n400 root:root regular file\n700 root:root directory\n"
    );
    assert_eq!((host::pam_configuration(), enabled_units()), (before, units));
    let ann = Person::enrolled("ann");
    let screen = (SSH.open)(&ann).sees(SSH.password_prompt).types(PASSWORD).rest();
    assert!(screen.contains(GOT_IN) && !screen.contains(PROMPT), "{screen}");
}

fn enabled_units() -> String {
    ok("systemctl", &["list-unit-files", "--state=enabled", "--no-legend", "--no-pager"])
}

/// On a terminal, with somebody who asked for every question there is. A question would be waited for in vain.
#[test]
fn an_installation_has_no_question_where_somebody_could_be_asked() {
    let _host = Host::bare();
    let install = format!("DEBIAN_PRIORITY=low sh -c 'exec dpkg --install {PACKAGES}/*.deb'");
    let screen = host::on_a_terminal(&install).rest();
    assert!(screen.contains("made the store") && !screen.contains('?'), "{screen}");
    host::enable("nightlatch");
    // Not where somebody changed common-* by hand either, of which pam-auth-update asks.
    ok("sed", &["-i", "s/^# end of pam-auth-update/auth optional pam_permit.so\\n&/", "/etc/pam.d/common-auth"]);
    let screen = host::on_a_terminal(&install).rest();
    assert!(
        screen.contains("Local modifications to /etc/pam.d/common-*, not updating.") && !screen.contains('?'),
        "{screen}"
    );
    ok("sed", &["-i", "/optional.*pam_permit/d", "/etc/pam.d/common-auth"]);
}

#[test]
fn an_installation_leaves_what_is_there() {
    let _host = Host::installed();
    Person::enrolled("ann");
    fs::write("/etc/nightlatch/config.toml", "# mine\n").unwrap();
    let everything =
        || ok("sh", &["-c", "find /etc/nightlatch /var/lib/nightlatch -type f -exec sha256sum {} + | sort"]);
    let before = everything();
    for _ in 0..2 {
        host::install(PACKAGES);
        assert_eq!(everything(), before);
        ok("dpkg", &["--force-depends", "--remove", "nightlatch"]);
    }
    host::install(PACKAGES);
}

#[test]
fn an_installation_where_no_store_can_be_made_says_so_and_succeeds() {
    let _host = Host::bare();
    fs::write("/etc/nightlatch", "").unwrap();
    let told = host::install(PACKAGES);
    fs::remove_file("/etc/nightlatch").unwrap();
    assert!(told.contains("no store was made") && told.contains("run 'nightlatch init'"), "{told}");
    assert_eq!(ok("dpkg-query", &["--show", "--showformat=${db:Status-Status}", "nightlatch"]), "installed");
    ok("nightlatch", &["init"]);
}
