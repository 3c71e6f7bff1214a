// SPDX-License-Identifier: MIT OR Apache-2.0
//! A host with accounts of its own: the program sees another /etc/passwd, and another nsswitch.conf where the host has one,
//! in a mount namespace that ends with it.

use std::fs;
use std::process::{Command, Stdio};

use crate::host::{BINARY, Host, Ran, ran};

pub(crate) struct Crowd {
    pub(crate) host: Host,
}

impl Crowd {
    /// Root and these: name and uid of each.
    pub(crate) fn of(people: &[(&str, u32)]) -> Self {
        let crowd = Self { host: Host::new() };
        crowd.becomes(people);
        crowd
    }

    /// Those from now on, as usermod and userdel would leave them.
    pub(crate) fn becomes(&self, people: &[(&str, u32)]) {
        write_accounts(&self.host, people);
    }

    /// So many people from `p0000` on, with uids from 10,000 on.
    pub(crate) fn many(count: u32) -> Self {
        let names: Vec<(String, u32)> = (0..count).map(|n| (format!("p{n:04}"), 10_000 + n)).collect();
        let people: Vec<(&str, u32)> = names.iter().map(|(name, uid)| (name.as_str(), *uid)).collect();
        Self::of(&people)
    }

    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        among_them(&self.host, arguments)
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        ran(self.command(arguments).stdin(Stdio::null()).output().expect("unshare runs"))
    }

    pub(crate) fn run_with(&self, arguments: &[&str], stdin: &str) -> Ran {
        crate::host::run(&mut self.command(arguments), stdin)
    }

    pub(crate) fn enrolled(&self, user: &str) -> serde_json::Value {
        self.run(&["enroll", user, "--no-confirm", "--json"]).expect(0).json()
    }
}

/// Enrolls somebody who has an account only meanwhile: as if it had been renamed since.
pub(crate) fn enroll_under_an_old_name(host: &Host, name: &str, uid: u32) {
    write_accounts(host, &[(name, uid)]);
    let mut command = among_them(host, &["enroll", name, "--no-confirm", "--quiet"]);
    ran(command.stdin(Stdio::null()).output().expect("unshare runs")).expect(0);
    fs::remove_file(host.path("passwd")).unwrap();
}

fn write_accounts(host: &Host, people: &[(&str, u32)]) {
    let mut passwd = "root:x:0:0:root:/root:/bin/sh\ndaemon:x:1:1::/:/usr/sbin/nologin\n".to_owned();
    for (name, uid) in people {
        passwd.push_str(&format!("{name}:x:{uid}:100:::/bin/sh\n"));
    }
    fs::write(host.path("passwd"), passwd).unwrap();
}

fn among_them(host: &Host, arguments: &[&str]) -> Command {
    let mut command = Command::new("unshare");
    let script = "mount --bind \"$1\" /etc/passwd\n[ ! -e \"$2\" ] || mount --bind \"$2\" /etc/nsswitch.conf\nshift 2; exec \"$@\"";
    command.args(["--mount", "--", "sh", "-ec", script, "sh"]).arg(host.path("passwd")).arg(host.path("nsswitch"));
    command.arg(BINARY).arg("--config").arg(host.config()).args(arguments);
    command
}
