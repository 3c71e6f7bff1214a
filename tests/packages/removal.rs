// SPDX-License-Identifier: MIT OR Apache-2.0
//! Removals: the profile goes before the module, never while another line names it, and what people have enrolled stays.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::host::{self, Host, PACKAGES, SSH};
use crate::scene::ways::GOT_IN;
use crate::scene::*;

#[test]
fn while_removals_run_nobody_is_kept_out() {
    let _host = Host::with_profile("nightlatch");
    let service = Service::new("@include common-auth\naccount required pam_permit.so\n");
    let ann = Person::enrolled_with("ann", &["--backup-codes", "20"]);
    let (journal, going_on) = (Journal::mark(), AtomicBool::new(true));
    let (asked, not_asked) = std::thread::scope(|scope| {
        let logins = scope.spawn(|| {
            let (mut codes, mut not_asked) = (ann.backup_codes.iter().rev().peekable(), 0);
            while going_on.load(Ordering::Relaxed) {
                let Some(code) = codes.peek() else { break };
                let login = drive(&["--no-delay", "--reply", PASSWORD, "--reply", code, &service.name, &ann.name]);
                assert_eq!(login.answer(), "PAM_SUCCESS", "{}", login.output);
                if login.prompts() == 0 {
                    not_asked += 1
                } else {
                    codes.next();
                }
            }
            (ann.backup_codes.len() - codes.count(), not_asked)
        });
        let removals = std::panic::catch_unwind(|| {
            for _ in 0..3 {
                host::said(&host::remove());
                host::install(PACKAGES);
                host::enable("nightlatch");
            }
        });
        going_on.store(false, Ordering::Relaxed);
        let counts = logins.join().unwrap();
        removals.unwrap();
        counts
    });
    println!("logins beside three removals: asked for a code {asked}, not asked {not_asked}");
    assert!(asked > 0 && not_asked > 0, "asked {asked}, not asked {not_asked}");
    let lines = journal.all();
    assert!(!lines.contains("unable to dlopen") && !lines.contains("faulty module"), "{lines}");
}

/// What debconf has kept of pam-auth-update's questions; it prints them in no order.
fn answers() -> String {
    ok("sh", &["-ec", "debconf-show libpam-runtime | sed 's/^[* ]*//' | sort"])
}

/// A line without its module keeps everybody out.
#[test]
fn a_removal_is_refused_and_changes_nothing_while_a_line_of_somebody_else_names_the_module() {
    let _host = Host::with_profile("nightlatch");
    let ours = fs::read_to_string("/etc/pam.d/common-auth").unwrap();
    let in_the_block =
        ours.replace("# end of pam-auth-update", "auth required pam_nightlatch.so debug\n# end of pam-auth-update");
    let below_it = format!("{ours}auth required pam_nightlatch.so debug\n");
    let line = "auth required pam_nightlatch.so\n".to_owned();
    for (file, text) in [("common-auth", in_the_block), ("common-auth", below_it), ("of-somebody", line)] {
        let path = format!("/etc/pam.d/{file}");
        fs::write(&path, text).unwrap();
        let before = (host::pam_configuration(), answers());
        let refused = host::remove();
        let said = String::from_utf8_lossy(&refused.stderr);
        assert!(!refused.status.success() && said.contains(&format!("still named in: {path}")), "{said}");
        assert!(
            said.contains("take it out (or put your copy of the file back), then remove the package again"),
            "{said}"
        );
        assert_eq!((host::pam_configuration(), answers()), before);
        assert!(host::is_there(&host::module_path()));
        fs::write("/etc/pam.d/common-auth", &ours).unwrap();
    }
    // What dpkg and pam-auth-update leave beside is no service.
    fs::rename("/etc/pam.d/of-somebody", "/etc/pam.d/of-somebody.dpkg-old").unwrap();
    fs::write("/etc/pam.d/common-auth.pam-old", &ours).unwrap();
    host::said(&host::remove());
    for left in ["of-somebody.dpkg-old", "common-auth.pam-old"] {
        fs::remove_file(format!("/etc/pam.d/{left}")).unwrap();
    }
}

#[test]
fn after_a_removal_and_an_installation_people_log_in_with_their_phones() {
    let host = Host::installed();
    let before = host::pam_configuration();
    host::enable("nightlatch");
    let ann = Person::enrolled("ann");
    host::said(&host::remove());
    assert_eq!(host::pam_configuration(), before);
    assert!(!host::is_there("/usr/sbin/nightlatch") && host::is_there("/etc/nightlatch/config.toml"));
    let screen = (SSH.open)(&ann).sees(SSH.password_prompt).types(PASSWORD).rest();
    assert!(screen.contains(GOT_IN) && !screen.contains(PROMPT), "{screen}");
    host::install(PACKAGES);
    assert_eq!(host::pam_configuration(), before, "which asks for codes again only where it is told to");
    host::enable("nightlatch");
    SSH.is_refused(&ann, &ann.wrong_code());
    SSH.gets_in(&ann, &ann.code(0));
    drop(host);
}

/// The doctor's, which is off until somebody says otherwise.
#[test]
fn a_timer_that_was_switched_on_stays_on_over_an_upgrade_and_goes_with_the_program() {
    let _host = Host::installed();
    let timer = "nightlatch-doctor.timer";
    let state = |what: &str| String::from_utf8(run("systemctl", &[what, timer]).stdout).unwrap().trim().to_owned();
    assert_eq!((state("is-enabled"), state("is-active")), ("disabled".to_owned(), "inactive".to_owned()));
    ok("systemctl", &["enable", "--now", timer]);
    host::install(&host::changed_packages("99", "true"));
    assert_eq!((state("is-enabled"), state("is-active")), ("enabled".to_owned(), "active".to_owned()));
    host::said(&host::remove());
    assert_eq!(state("is-active"), "inactive");
    assert!(!host::is_there("/etc/systemd/system/timers.target.wants/nightlatch-doctor.timer"));
    assert_ne!(state("is-enabled"), "enabled");
}

/// dpkg calls a removal off where the package that was to come in our place does not.
#[test]
fn a_removal_that_is_called_off_leaves_the_profile_on() {
    let _host = Host::with_profile("nightlatch-enroll");
    let before = host::pam_configuration();
    let call = |script: &str, action: &str| {
        let words = format!(
            "DPKG_MAINTSCRIPT_PACKAGE=libpam-nightlatch {} {action} in-favour other 1",
            host::maintainer_script(script)
        );
        host::said(&host::unattended("sh", &["-c", &words]));
    };
    call("prerm", "remove");
    assert_eq!(host::lines_of("auth").len(), 3);
    call("postinst", "abort-remove");
    assert_eq!(host::pam_configuration(), before);
}

/// 32-bit programs load a module of their own. The same package for another architecture is made from this one.
#[test]
fn a_module_for_foreign_programs_goes_without_the_native_one() {
    let _host = Host::with_profile("nightlatch");
    let before = host::pam_configuration();
    let native = ok("dpkg", &["--print-architecture"]);
    let foreign = if native.trim() == "i386" { "amd64" } else { "i386" };
    let version = ok("dpkg-query", &["--show", "--showformat=${Version}", "nightlatch"]);
    let change = format!(
        "sed -i 's/^Architecture: .*/Architecture: {foreign}/' DEBIAN/control
         for own in usr/lib/*-linux-gnu; do [ ! -d $own ] || mv $own usr/lib/foreign; done"
    );
    let directory = host::changed_packages(&version, &change);
    ok("dpkg", &["--add-architecture", foreign]);
    ok("sh", &["-ec", &format!("dpkg --force-depends --install {directory}/libpam-nightlatch_*.deb")]);
    ok("dpkg", &["--force-depends", "--remove", &format!("libpam-nightlatch:{foreign}")]);
    assert_eq!(host::pam_configuration(), before, "the foreign one takes nothing out");
    ok("sh", &["-ec", &format!("dpkg --force-depends --install {directory}/libpam-nightlatch_*.deb")]);
    ok("dpkg", &["--remove", &format!("libpam-nightlatch:{}", native.trim())]);
    assert_eq!(host::lines_of("auth").len(), 3, "the native one does, since logins would look for it");
    ok("dpkg", &["--force-depends", "--purge", &format!("libpam-nightlatch:{foreign}")]);
    ok("dpkg", &["--remove-architecture", foreign]);
}
