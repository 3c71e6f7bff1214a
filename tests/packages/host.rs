// SPDX-License-Identifier: MIT OR Apache-2.0
//! The host that packages are installed on: from nothing of ours up to an enabled profile. There is one, so the tests take
//! turns.

use std::fs;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::{Mutex, MutexGuard, Once, PoisonError};

use crate::scene::sshd::{self, SHARE, SNIPPETS};
use crate::scene::ways::{SAY_SO, Way};
use crate::scene::*;

pub const PACKAGES: &str = "/opt/nightlatch/packages";
const MODULE: &str = "libpam-nightlatch";
pub const PROGRAM: &str = "nightlatch";

/// Debian's own service files, and what asks twice in sshd.
pub const SSH: Way =
    Way { open: |person| sshd::ssh(person, ""), password_prompt: "Password: ", service: "sshd", talks: true };
pub const SUDO: Way = Way {
    open: |person| Terminal::open(&format!("runuser -u {} -- sudo -k sh -c '{SAY_SO}'", person.name)),
    password_prompt: "[sudo] password for ",
    service: "sudo",
    talks: false,
};
pub const SU: Way = Way {
    open: |person| Terminal::open(&format!("runuser -u nobody -- su {} -s /bin/sh -c '{SAY_SO}'", person.name)),
    password_prompt: "Password: ",
    service: "su",
    talks: true,
};

pub struct Host {
    _turn: MutexGuard<'static, ()>,
}

impl Host {
    /// Without the packages, and without anything that they leave.
    pub fn bare() -> Self {
        in_the_bed();
        static TURN: Mutex<()> = Mutex::new(());
        static LOGINS: Once = Once::new();
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        LOGINS.call_once(|| {
            ok("sh", &["-ec", "mkdir -p /root/before/etc /root/before/var/lib"]);
            ok("cp", &["-a", "/etc/pam.d", "/root/before/etc/"]);
            ok("cp", &["-a", "/var/lib/pam", "/root/before/var/lib/"]);
            let snippet = fs::read_to_string(format!("{SHARE}/sshd-password-code.conf")).unwrap();
            fs::write(format!("{SNIPPETS}/10-nightlatch.conf"), snippet).unwrap();
            sshd::restart();
            let lines = "Defaults lecture=never, passwd_tries=1\nALL ALL=(ALL) ALL\n";
            fs::write("/etc/sudoers.d/bed", lines).unwrap();
            ok("chmod", &["0440", "/etc/sudoers.d/bed"]);
        });
        // A test that failed may have left lines over which no removal goes on.
        ok(
            "sh",
            &["-ec", "for place in /etc/pam.d /var/lib/pam; do rm -r $place; cp -a /root/before$place $place; done"],
        );
        ok("dpkg", &["--force-remove-reinstreq", "--purge", MODULE, PROGRAM]);
        ok("rm", &["-rf", "/etc/nightlatch", "/var/lib/nightlatch"]);
        Self { _turn: turn }
    }

    pub fn installed() -> Self {
        let host = Self::bare();
        install(PACKAGES);
        host
    }

    pub fn with_profile(name: &str) -> Self {
        let host = Self::installed();
        enable(name);
        host
    }
}

/// As a script would: nobody is there to be asked, and nobody says so.
pub fn unattended(program: &str, arguments: &[&str]) -> Output {
    Command::new(program).args(arguments).env_remove("DEBIAN_FRONTEND").stdin(Stdio::null()).output().unwrap()
}

/// What a program said that had to succeed.
pub fn said(output: &Output) -> String {
    let text = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{text}");
    text
}

pub fn install(directory: &str) -> String {
    said(&unattended("sh", &["-c", &format!("exec dpkg --install {directory}/*.deb")]))
}

pub fn remove() -> Output {
    unattended("dpkg", &["--remove", MODULE, PROGRAM])
}

pub fn purge() -> String {
    said(&unattended("dpkg", &["--purge", MODULE, PROGRAM]))
}

pub fn enable(profile: &str) {
    said(&unattended("pam-auth-update", &["--enable", profile]));
}

pub fn switch(from: &str, to: &str) {
    said(&unattended("pam-auth-update", &["--disable", from, "--enable", to]));
}

/// Every file of /etc/pam.d, with its mode, owner and bytes.
pub fn pam_configuration() -> String {
    ok("sh", &["-c", "cd /etc/pam.d && find . -printf '%p %m %u:%g\\n' | sort && sha256sum *"])
}

/// The lines of a common-* file that count.
pub fn lines_of(common: &str) -> Vec<String> {
    let text = fs::read_to_string(format!("/etc/pam.d/common-{common}")).unwrap();
    let words = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    text.lines().filter(|line| !line.starts_with('#') && !line.trim().is_empty()).map(words).collect()
}

pub fn is_there(path: &str) -> bool {
    Path::new(path).exists()
}

/// A program of dpkg on a terminal, where somebody could be asked.
pub fn on_a_terminal(command: &str) -> Terminal {
    Terminal::open(&format!("env --unset=DEBIAN_FRONTEND TERM=dumb {command}"))
}

pub fn both(action: &str) -> String {
    format!("dpkg --{action} {MODULE} {PROGRAM}")
}

/// Where the module lies, as dpkg spells it.
pub fn module_path() -> String {
    let files = ok("dpkg", &["--listfiles", MODULE]);
    files.lines().find(|line| line.ends_with("/pam_nightlatch.so")).unwrap().to_owned()
}

pub fn maintainer_script(name: &str) -> String {
    let directory = "/var/lib/dpkg/info";
    ok("sh", &["-c", &format!("ls {directory}/{MODULE}*.{name}")]).trim().to_owned()
}

/// The packages with something changed in each unpacked tree, under another version.
pub fn changed_packages(version: &str, change: &str) -> String {
    let directory = format!("/tmp/{}", unique("packages"));
    let script = format!(
        "mkdir {directory}
         for package in {PACKAGES}/*.deb; do
             tree={directory}/tree
             dpkg-deb --raw-extract $package $tree
             sed -i 's/^Version: .*/Version: {version}/; s/nightlatch (= [^)]*)/nightlatch (= {version})/' $tree/DEBIAN/control
             cd $tree
             {change}
             dpkg-deb --build -Znone $tree {directory} >/dev/null
             rm -r $tree
         done"
    );
    ok("sh", &["-ec", &script]);
    directory
}
