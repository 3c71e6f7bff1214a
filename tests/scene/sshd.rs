// SPDX-License-Identifier: MIT OR Apache-2.0
//! sshd by the recipes of pam.d/, the client that meets it, and keys. There is one sshd: whoever has a recipe has it alone.
#![allow(dead_code, reason = "each crate uses a part of the scene")]

use std::fs;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::ways::SAY_SO;
use super::*;

/// sshd has one configuration, so these tests run one after the other.
static SSHD: Mutex<()> = Mutex::new(());
pub const SHARE: &str = "/usr/share/nightlatch/pam.d";
pub const SNIPPETS: &str = "/etc/ssh/sshd_config.d";

/// Puts a recipe in place as its README says, and restarts sshd.
pub struct Recipe {
    _turn: MutexGuard<'static, ()>,
}

impl Recipe {
    pub fn installed(name: &str) -> Self {
        Self::changed(name, |service| service, |snippet| snippet)
    }

    /// A service file with the snippet of another name.
    pub fn with_snippet(name: &str, snippet: &str) -> Self {
        Self::changed(name, |service| service, |_| fs::read_to_string(format!("{SHARE}/{snippet}.conf")).unwrap())
    }

    pub fn changed(name: &str, service: impl Fn(String) -> String, snippet: impl Fn(String) -> String) -> Self {
        in_the_bed();
        let turn = SSHD.lock().unwrap_or_else(PoisonError::into_inner);
        fs::write("/etc/pam.d/sshd", service(fs::read_to_string(format!("{SHARE}/{name}")).unwrap())).unwrap();
        let text = snippet(fs::read_to_string(format!("{SHARE}/{name}.conf")).unwrap());
        fs::write(format!("{SNIPPETS}/10-nightlatch.conf"), text).unwrap();
        restart();
        Self { _turn: turn }
    }
}

/// sshd with what its files say now.
pub fn restart() {
    ok("/usr/sbin/sshd", &["-t"]);
    // systemd takes the sixth start within ten seconds for a fault.
    ok("systemctl", &["reset-failed", "ssh"]);
    ok("systemctl", &["restart", "ssh"]);
    let up = || run("sh", &["-c", "ssh-keyscan -T 1 127.0.0.1 2>/dev/null | grep -q ssh"]).status.success();
    assert!((0..50).any(|_| up()), "sshd does not answer");
}

/// What every client here is told: no host is known to it, it is asked once, and a reload of sshd may take its moment.
pub const CLIENT: &str = "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null -o NumberOfPasswordPrompts=1 \
     -o ConnectionAttempts=9";

/// A client that is asked once, unless `options`, of which ssh takes the first, say otherwise.
pub fn ssh(person: &Person, options: &str) -> Terminal {
    Terminal::open(&format!("ssh {options} {CLIENT} {}@127.0.0.1 '{SAY_SO}'", person.name))
}

/// A key for a person; gives the options that use it and no other.
pub fn key_of(person: &Person) -> String {
    let (home, key) = (format!("/home/{}/.ssh", person.name), format!("/root/key-of-{}", person.name));
    ok("ssh-keygen", &["-q", "-t", "ed25519", "-N", "", "-f", &key]);
    let install = format!(
        "install -d -m 700 -o {0} -g {0} {home} && install -m 600 -o {0} -g {0} {key}.pub {home}/authorized_keys",
        person.name
    );
    ok("sh", &["-ec", &install]);
    format!("-o IdentitiesOnly=yes -i {key}")
}
