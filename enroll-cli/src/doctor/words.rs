// SPDX-License-Identifier: MIT OR Apache-2.0
//! The words that may stand in a support bundle, and what stands there for all others: a number for a name that comes again,
//! an asterisk for the rest.

/// Modules that distributions ship.
const MODULES: [&str; 62] = [
    "pam_access.so",
    "pam_cap.so",
    "pam_deny.so",
    "pam_echo.so",
    "pam_ecryptfs.so",
    "pam_env.so",
    "pam_exec.so",
    "pam_faildelay.so",
    "pam_faillock.so",
    "pam_filter.so",
    "pam_fprintd.so",
    "pam_ftp.so",
    "pam_gdm.so",
    "pam_gnome_keyring.so",
    "pam_google_authenticator.so",
    "pam_group.so",
    "pam_issue.so",
    "pam_keyinit.so",
    "pam_krb5.so",
    "pam_kwallet5.so",
    "pam_lastlog.so",
    "pam_ldap.so",
    "pam_limits.so",
    "pam_listfile.so",
    "pam_localuser.so",
    "pam_loginuid.so",
    "pam_mail.so",
    "pam_mkhomedir.so",
    "pam_motd.so",
    "pam_mount.so",
    "pam_namespace.so",
    "pam_nightlatch.so",
    "pam_nologin.so",
    "pam_oath.so",
    "pam_permit.so",
    "pam_pkcs11.so",
    "pam_pwhistory.so",
    "pam_pwquality.so",
    "pam_radius_auth.so",
    "pam_rhosts.so",
    "pam_rootok.so",
    "pam_securetty.so",
    "pam_selinux.so",
    "pam_sepermit.so",
    "pam_shells.so",
    "pam_sss.so",
    "pam_stress.so",
    "pam_succeed_if.so",
    "pam_systemd.so",
    "pam_systemd_home.so",
    "pam_tacplus.so",
    "pam_tally2.so",
    "pam_time.so",
    "pam_timestamp.so",
    "pam_tty_audit.so",
    "pam_u2f.so",
    "pam_umask.so",
    "pam_unix.so",
    "pam_userdb.so",
    "pam_warn.so",
    "pam_wheel.so",
    "pam_winbind.so",
];

/// Arguments without a value of the site's.
const ARGUMENTS: [&str; 35] = [
    "allow_readonly",
    "code_first",
    "debug",
    "deny_root",
    "enroll",
    "even_deny_root",
    "expose_authtok",
    "force",
    "forward_pass",
    "ingroup",
    "noenv",
    "nopen",
    "noupdate",
    "null_ok",
    "nullok",
    "nullok_secure",
    "obscure",
    "open",
    "close",
    "preauth",
    "authfail",
    "authsucc",
    "quiet",
    "quiet_success",
    "refused",
    "require_key",
    "revoke",
    "shadow",
    "silent",
    "standard",
    "try_first_pass",
    "use_authtok",
    "use_first_pass",
    "user",
    "yescrypt",
];

/// Services and pieces of services that distributions ship.
const SERVICES: [&str; 44] = [
    "chfn",
    "chpasswd",
    "chsh",
    "common-account",
    "common-auth",
    "common-password",
    "common-session",
    "common-session-noninteractive",
    "cron",
    "crond",
    "dovecot",
    "fingerprint-auth",
    "gdm-autologin",
    "gdm-fingerprint",
    "gdm-password",
    "i3lock",
    "kde",
    "lightdm",
    "lightdm-autologin",
    "login",
    "nightlatch-password-auth",
    "nightlatch-system-auth",
    "other",
    "passwd",
    "password-auth",
    "polkit-1",
    "postlogin",
    "remote",
    "runuser",
    "runuser-l",
    "sddm",
    "smartcard-auth",
    "smtp",
    "sshd",
    "su",
    "su-l",
    "sudo",
    "sudo-i",
    "swaylock",
    "system-auth",
    "system-login",
    "systemd-user",
    "vsftpd",
    "xscreensaver",
];

const PHASES: [&str; 4] = ["auth", "account", "password", "session"];
const CONTROLS: [&str; 6] = ["required", "requisite", "sufficient", "optional", "include", "substack"];
const ACTIONS: [&str; 6] = ["ignore", "ok", "done", "bad", "die", "reset"];
const VALUES: [&str; 16] = [
    "success",
    "ignore",
    "default",
    "new_authtok_reqd",
    "auth_err",
    "user_unknown",
    "perm_denied",
    "authinfo_unavail",
    "maxtries",
    "acct_expired",
    "module_unknown",
    "open_err",
    "service_err",
    "system_err",
    "conv_err",
    "cred_insufficient",
];
/// Of paths.
const PLACES: [&str; 18] = [
    "etc",
    "pam.d",
    "nightlatch",
    "config.toml",
    "keys",
    "store",
    "users",
    "var",
    "lib",
    "usr",
    "lib64",
    "security",
    "ssh",
    "sshd_config",
    "x86_64-linux-gnu",
    "aarch64-linux-gnu",
    "local",
    "srv",
];

/// Names that come again, each with its number.
#[derive(Debug, Default)]
pub(super) struct Pseudonyms {
    users: Vec<String>,
    groups: Vec<String>,
    addresses: Vec<String>,
    services: Vec<String>,
}

fn numbered(names: &mut Vec<String>, letter: char, name: &str) -> String {
    let at = names.iter().position(|known| known == name).unwrap_or_else(|| {
        names.push(name.to_owned());
        names.len().saturating_sub(1)
    });
    format!("{letter}{}", at.saturating_add(1))
}

impl Pseudonyms {
    pub(super) fn user(&mut self, name: &str) -> String {
        numbered(&mut self.users, 'u', name)
    }

    pub(super) fn group(&mut self, name: &str) -> String {
        numbered(&mut self.groups, 'g', name)
    }

    /// The width of a block stays: it says much and names nobody.
    pub(super) fn source(&mut self, source: &str) -> String {
        match source.split_once('/') {
            None if source == "local" => source.to_owned(),
            None => numbered(&mut self.addresses, 'a', source),
            Some((address, width)) => format!("{}/{}", numbered(&mut self.addresses, 'a', address), digits(width)),
        }
    }

    pub(super) fn service(&mut self, name: &str) -> String {
        if SERVICES.contains(&name) { name.to_owned() } else { numbered(&mut self.services, 's', name) }
    }

    /// A path, piece by piece.
    pub(super) fn path(&mut self, path: &str) -> String {
        let mut pieces = Vec::new();
        let is_service = path.starts_with("/etc/pam.d/") || path.starts_with("/usr/lib/pam.d/");
        for (depth, piece) in path.split('/').enumerate() {
            let is_last = depth.saturating_add(1) == path.split('/').count();
            pieces.push(match piece {
                "" => String::new(),
                piece if is_service && is_last => self.service(piece),
                piece if PLACES.contains(&piece) || MODULES.contains(&piece) => piece.to_owned(),
                _ => "*".to_owned(),
            });
        }
        pieces.join("/")
    }

    /// A line of a service's file; `None` where there is nothing in it but a comment.
    pub(super) fn pam_line(&mut self, line: &str) -> Option<String> {
        let line = line.split('#').next().unwrap_or_default().trim();
        if line.is_empty() {
            return None;
        }
        if let Some(file) = line.strip_prefix("@include") {
            return Some(format!("@include {}", self.service(file.trim())));
        }
        let (phase, rest) = line.split_once([' ', '\t'])?;
        let is_phase = PHASES.contains(&phase.trim_start_matches('-').to_ascii_lowercase().as_str());
        let (control, rest) = match rest.trim_start().strip_prefix('[') {
            Some(rest) => {
                let (actions, rest) = rest.split_once(']').unwrap_or((rest, ""));
                let pairs: Vec<_> = actions.split_whitespace().map(action).collect();
                (format!("[{}]", pairs.join(" ")), rest)
            }
            None => {
                let rest = rest.trim_start();
                let (word, rest) = rest.split_once([' ', '\t']).unwrap_or((rest, ""));
                (among(&CONTROLS, word), rest)
            }
        };
        let mut words = vec![if is_phase { phase.to_owned() } else { "*".to_owned() }, control.clone()];
        if ["include", "substack"].contains(&control.as_str()) {
            words.push(self.service(rest.trim()));
            return Some(words.join(" "));
        }
        let mut given = rest.split_whitespace();
        words.push(module(given.next().unwrap_or_default()));
        words.extend(given.map(argument));
        Some(words.join(" "))
    }
}

fn among(known: &[&str], word: &str) -> String {
    if known.contains(&word.to_ascii_lowercase().as_str()) { word.to_owned() } else { "*".to_owned() }
}

fn digits(word: &str) -> String {
    if !word.is_empty() && word.len() <= 9 && word.bytes().all(|byte| byte.is_ascii_digit()) {
        word.to_owned()
    } else {
        "*".to_owned()
    }
}

fn action(pair: &str) -> String {
    let (value, action) = pair.split_once('=').unwrap_or((pair, ""));
    let action = if ACTIONS.contains(&action) { action.to_owned() } else { jump(action) };
    format!("{}={action}", among(&VALUES, value))
}

/// Nobody leaves out more lines than that; a longer number is something else.
fn jump(word: &str) -> String {
    if word.len() <= 2 { digits(word) } else { "*".to_owned() }
}

fn module(word: &str) -> String {
    match word.rsplit_once('/') {
        None => among(&MODULES, word),
        Some((_, name)) => format!("*/{}", among(&MODULES, name)),
    }
}

fn argument(word: &str) -> String {
    match word.split_once('=') {
        None => among(&ARGUMENTS, word),
        Some(("config", _)) => "config=*".to_owned(),
        Some(_) => "*".to_owned(),
    }
}

/// A version as programs and packages write it.
pub(super) fn version(text: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || ".+~:_-".contains(c);
    let starts = text.contains(|c: char| c.is_ascii_digit());
    if starts && text.len() <= 48 && text.chars().all(is_plain) { text.to_owned() } else { "*".to_owned() }
}

/// The methods of a list, as sshd names them.
pub(super) fn sshd_value(text: &str) -> String {
    const METHODS: [&str; 6] =
        ["publickey", "password", "keyboard-interactive", "hostbased", "gssapi-with-mic", "none"];
    const WORDS: [&str; 7] =
        ["yes", "no", "any", "prohibit-password", "without-password", "forced-commands-only", "pam"];
    let word =
        |word: &str| if METHODS.contains(&word) || WORDS.contains(&word) { word.to_owned() } else { digits(word) };
    let method = |text: &str| text.split(':').map(word).collect::<Vec<_>>().join(":");
    let way = |text: &str| text.split(',').map(method).collect::<Vec<_>>().join(",");
    text.split_whitespace().map(way).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_one_number_wherever_it_stands() {
        let mut names = Pseudonyms::default();
        assert_eq!([names.user("ann"), names.user("bob"), names.user("ann")], ["u1", "u2", "u1"]);
        assert_eq!(
            ["192.0.2.0/24", "local", "2001:db8::1", "192.0.2.0"].map(|s| names.source(s)),
            ["a1/24", "local", "a2", "a1"]
        );
        assert_eq!([names.service("sshd"), names.service("acme-vpn")], ["sshd", "s1"]);
    }

    #[test]
    fn of_a_line_the_known_words_alone_are_left() {
        let mut names = Pseudonyms::default();
        for (line, left) in [
            (
                "auth required pam_nightlatch.so nullok config=/etc/acme.toml # for ann",
                Some("auth required pam_nightlatch.so nullok config=*"),
            ),
            (
                "auth [success=1 default=ignore] pam_succeed_if.so user = ann",
                Some("auth [success=1 default=ignore] pam_succeed_if.so user * *"),
            ),
            ("auth [success=ann acme=31337] /opt/acme/pam_acme.so ann", Some("auth [success=* *=*] */* *")),
            (
                "-session optional pam_exec.so /usr/bin/mail root@acme.example",
                Some("-session optional pam_exec.so * *"),
            ),
            ("@include acme-auth", Some("@include s1")),
            ("auth substack acme-auth", Some("auth substack s1")),
            ("ann acme pam_unix.so", Some("* * pam_unix.so")),
            ("# ann is here", None),
            ("  ", None),
        ] {
            assert_eq!(names.pam_line(line).as_deref(), left, "{line}");
        }
        assert_eq!(names.path("/etc/pam.d/acme"), "/etc/pam.d/s2");
        assert_eq!(names.path("/var/lib/nightlatch/users/1042"), "/var/lib/nightlatch/users/*");
        assert_eq!(
            sshd_value("publickey,keyboard-interactive:pam acme 120"),
            "publickey,keyboard-interactive:pam * 120"
        );
        assert_eq!([version("OpenSSH_9.2p1"), version("1.5 by ann"), version("ann")], ["OpenSSH_9.2p1", "*", "*"]);
    }
}
