// SPDX-License-Identifier: MIT OR Apache-2.0
//! Upgrades beside logins. There is no earlier release yet: the previous version is this one under a lower number, with a
//! module of other bytes (a section that nobody reads is added), or with another text in its profile.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::host::{self, Host, PACKAGES, SSH, SUDO};
use crate::scene::*;

const OTHER_BYTES: &str = "echo previous >/tmp/previous
    for module in usr/lib/*/security/pam_nightlatch.so; do
        [ ! -e $module ] || objcopy --add-section .nightlatch.previous=/tmp/previous $module
    done";
const ROUNDS: usize = 3;

/// Password and code by the profile's own stack, as often as there is time for.
fn by_the_driver(service: &Service, going_on: &AtomicBool) -> usize {
    let mut logins = 0;
    while going_on.load(Ordering::Relaxed) {
        let ann = Person::enrolled_with("ann", &["--backup-codes", "20"]);
        for code in ann.backup_codes.iter().take_while(|_| going_on.load(Ordering::Relaxed)) {
            let login = drive(&["--no-delay", "--reply", PASSWORD, "--reply", code, &service.name, &ann.name]);
            assert_eq!((login.answer().as_str(), login.prompts()), ("PAM_SUCCESS", 1), "{}", login.output);
            logins += 1;
        }
    }
    logins
}

/// Whoever knows the password and no code: asked each time, and let in never.
fn without_a_code(service: &Service, going_on: &AtomicBool) -> usize {
    let (ann, mut refusals) = (Person::enrolled("ann"), 0);
    while going_on.load(Ordering::Relaxed) {
        for reply in ["", PASSWORD, "000000"] {
            let login = drive(&["--no-delay", "--reply", PASSWORD, "--reply", reply, &service.name, &ann.name]);
            assert_eq!((login.answer().as_str(), login.prompts()), ("PAM_AUTH_ERR", 1), "{}", login.output);
            refusals += 1;
        }
    }
    refusals
}

fn by_ssh_and_sudo(going_on: &AtomicBool) -> usize {
    let (ann, mut logins) = (Person::enrolled_with("ann", &["--backup-codes", "20"]), 0);
    for codes in ann.backup_codes.chunks(2).take_while(|_| going_on.load(Ordering::Relaxed)) {
        SSH.gets_in(&ann, &codes[0]);
        SUDO.gets_in(&ann, &codes[1]);
        logins += 2;
    }
    logins
}

/// THREATS V11. A module that is missing or half there would keep everybody out, or, in a careless stack, let them in.
#[test]
fn while_upgrades_run_no_login_fails_and_none_gets_in_without_a_code() {
    let _host = Host::with_profile("nightlatch");
    let previous = host::changed_packages("0.0.9-1", OTHER_BYTES);
    let service = Service::new("@include common-auth\naccount required pam_permit.so\n");
    let (journal, before, going_on) = (Journal::mark(), host::pam_configuration(), AtomicBool::new(true));
    let module = || ok("sha256sum", &[&host::module_path()]);
    let this = module();
    let logins = std::thread::scope(|scope| {
        let threads = [
            scope.spawn(|| by_the_driver(&service, &going_on)),
            scope.spawn(|| without_a_code(&service, &going_on)),
            scope.spawn(|| by_ssh_and_sudo(&going_on)),
        ];
        let upgrades = std::panic::catch_unwind(|| {
            for _ in 0..ROUNDS {
                host::install(&previous);
                assert_ne!(module(), this);
                host::install(PACKAGES);
                assert_eq!(module(), this);
            }
        });
        going_on.store(false, Ordering::Relaxed);
        let logins = threads.map(|each| each.join().unwrap());
        upgrades.unwrap();
        logins
    });
    println!("logins beside {} upgrades: by the driver, without a code, by ssh and sudo: {logins:?}", 2 * ROUNDS);
    assert!(logins.iter().all(|each| *each >= ROUNDS), "{logins:?}");
    assert_eq!(host::pam_configuration(), before, "the profile stayed as it was");
    let lines = journal.all();
    assert!(!lines.contains("unable to dlopen") && !lines.contains("faulty module"), "{lines}");
}

#[test]
fn an_upgrade_renames_the_new_module_over_the_old_one() {
    let _host = Host::with_profile("nightlatch");
    let previous = host::changed_packages("0.0.9-1", OTHER_BYTES);
    let calls = "trace=rename,renameat,renameat2,unlink,unlinkat,open,openat,creat,truncate,link,linkat";
    let strace =
        format!("strace -f -o /tmp/upgrade.trace -s 300 -e {calls} dpkg --install {previous}/*.deb >/dev/null 2>&1");
    ok("sh", &["-ec", &strace]);
    let trace = std::fs::read_to_string("/tmp/upgrade.trace").unwrap();
    let name = format!("\"{}\"", host::module_path());
    let about: Vec<_> = trace.lines().filter(|line| line.contains(&name)).collect();
    let renames_over = |line: &&&str| line.contains("rename") && line.contains(&format!(".dpkg-new\", {name}"));
    assert_eq!(about.iter().filter(renames_over).count(), 1, "{about:#?}");
    let spoils = |line: &&str| {
        line.contains("unlink") || line.contains("O_WRONLY") || line.contains("O_RDWR") || line.contains("truncate")
    };
    assert!(
        !about.iter().any(spoils) && !about.iter().any(|line| line.contains(&format!("rename({name}"))),
        "{about:#?}"
    );
}

#[test]
fn an_upgrade_writes_an_enabled_profile_anew_and_enables_none() {
    let other_text = "for profile in usr/share/pam-configs/*; do
            [ ! -e $profile ] || sed -i 's/\\(pam_nightlatch.so nullok\\)/\\1 debug/' $profile
        done";
    let _host = Host::installed();
    let previous = host::changed_packages("0.0.9-1", other_text);
    let off = host::pam_configuration();
    host::install(&previous);
    assert_eq!(host::pam_configuration(), off);
    host::enable("nightlatch");
    assert_eq!(host::lines_of("auth")[3], "auth required pam_nightlatch.so nullok debug");
    host::install(PACKAGES);
    assert_eq!(host::lines_of("auth")[3], "auth required pam_nightlatch.so nullok");
    // An argument that somebody took away by hand stays away: whoever is not enrolled is refused.
    ok("sed", &["-i", "s/pam_nightlatch.so nullok/pam_nightlatch.so/", "/etc/pam.d/common-auth"]);
    host::install(&previous);
    host::install(PACKAGES);
    assert_eq!(host::lines_of("auth")[3], "auth required pam_nightlatch.so");
}
