// SPDX-License-Identifier: MIT OR Apache-2.0
//! /etc/pam.d as RHEL 9 has it: services as their packages ship them, and what authselect writes for its profiles minimal
//! (local from RHEL 10 on) and sssd. Facts of their sources, in words of one line each; comments are left out.

#![allow(unreachable_pub, reason = "a part of one test")]

/// A profile of authselect's, and whether with-faillock is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    Minimal,
    MinimalFaillock,
    Sssd,
    SssdFaillock,
}

pub const PROFILES: [Profile; 4] = [Profile::Minimal, Profile::MinimalFaillock, Profile::Sssd, Profile::SssdFaillock];

impl Profile {
    fn has_faillock(self) -> bool {
        match self {
            Self::MinimalFaillock | Self::SssdFaillock => true,
            Self::Minimal | Self::Sssd => false,
        }
    }

    fn has_sssd(self) -> bool {
        match self {
            Self::Sssd | Self::SssdFaillock => true,
            Self::Minimal | Self::MinimalFaillock => false,
        }
    }

    /// password-auth, and system-auth, which differs from it by fingerprints and smartcards alone.
    pub fn lines(self) -> String {
        let lines = LINES.lines().filter(|line| match line.split_once('|') {
            Some(("faillock", _)) => self.has_faillock(),
            Some(("sssd", _)) => self.has_sssd(),
            _ => true,
        });
        lines.map(|line| format!("{}\n", line.split_once('|').map_or(line, |(_, line)| line))).collect()
    }
}

const LINES: &str = "\
auth required pam_env.so
auth required pam_faildelay.so delay=2000000
faillock|auth required pam_faillock.so preauth silent
sssd|auth [default=1 ignore=ignore success=ok] pam_usertype.so isregular
sssd|auth [default=1 ignore=ignore success=ok] pam_localuser.so
auth sufficient pam_unix.so nullok
sssd|auth [default=1 ignore=ignore success=ok] pam_usertype.so isregular
sssd|auth sufficient pam_sss.so forward_pass
faillock|auth required pam_faillock.so authfail
auth required pam_deny.so
faillock|account required pam_faillock.so
account required pam_unix.so
sssd|account sufficient pam_localuser.so
sssd|account sufficient pam_usertype.so issystem
sssd|account [default=bad success=ok user_unknown=ignore] pam_sss.so
account required pam_permit.so
password requisite pam_pwquality.so
password sufficient pam_unix.so yescrypt shadow nullok use_authtok
sssd|password sufficient pam_sss.so use_authtok
password required pam_deny.so
session optional pam_keyinit.so revoke
session required pam_limits.so
-session optional pam_systemd.so
session [success=1 default=ignore] pam_succeed_if.so service in crond quiet use_uid
session required pam_unix.so
sssd|session optional pam_sss.so
";

/// The services' own files, by name.
pub const SERVICES: [(&str, &str); 6] = [
    (
        "postlogin",
        "session optional pam_umask.so silent
session [success=1 default=ignore] pam_succeed_if.so service !~ gdm* service !~ su* quiet
session [default=1] pam_lastlog.so nowtmp showfailed
session optional pam_lastlog.so silent noupdate showfailed
",
    ),
    (
        "sshd",
        "#%PAM-1.0
auth       substack     password-auth
auth       include      postlogin
account    required     pam_sepermit.so
account    required     pam_nologin.so
account    include      password-auth
password   include      password-auth
session    required     pam_selinux.so close
session    required     pam_loginuid.so
session    required     pam_selinux.so open env_params
session    required     pam_namespace.so
session    optional     pam_keyinit.so force revoke
session    optional     pam_motd.so
session    include      password-auth
session    include      postlogin
",
    ),
    (
        "sudo",
        "#%PAM-1.0
auth       include      system-auth
account    include      system-auth
password   include      system-auth
session    include      system-auth
",
    ),
    (
        "sudo-i",
        "#%PAM-1.0
auth       include      sudo
account    include      sudo
password   include      sudo
session    optional     pam_keyinit.so force revoke
session    include      sudo
",
    ),
    (
        "su",
        "#%PAM-1.0
auth\t\trequired\tpam_env.so
auth\t\tsufficient\tpam_rootok.so
auth\t\tsubstack\tsystem-auth
auth\t\tinclude\t\tpostlogin
account\t\tsufficient\tpam_succeed_if.so uid = 0 use_uid quiet
account\t\tinclude\t\tsystem-auth
password\tinclude\t\tsystem-auth
session\t\tinclude\t\tsystem-auth
session\t\tinclude\t\tpostlogin
session\t\toptional\tpam_xauth.so
",
    ),
    (
        "su-l",
        "#%PAM-1.0
auth\t\tinclude\t\tsu
account\t\tinclude\t\tsu
password\tinclude\t\tsu
session\t\toptional\tpam_keyinit.so force revoke
session\t\tinclude\t\tsu
",
    ),
];
