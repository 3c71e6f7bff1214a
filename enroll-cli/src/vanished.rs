// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whether an account is gone for good, as far as this host can tell. A directory that does not answer makes nobody vanish:
//! libc may give the same answer for it as for somebody who was deleted.

use std::fmt;

use nightlatch::store::Person;
use nightlatch::user::{Account, UserName};

const NSSWITCH: &str = "/etc/nsswitch.conf";
const PASSWD: &str = "/etc/passwd";
/// These hold their accounts on this host, and cannot be out of reach.
const OF_THIS_HOST: [&str; 2] = ["files", "systemd"];
/// Of systemd-homed (systemd.io/UIDS-GIDS); its accounts are known only while it runs.
const HOMED: std::ops::RangeInclusive<u32> = 60_001..=60_513;

/// What became of an account.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Somebody has the name or the uid: the account is there, or was renamed, or another one is.
    There,
    /// Neither is anybody's.
    Gone,
    Unknown(NotTold),
}

/// Why it cannot be told whether an account is gone.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum NotTold {
    /// Accounts may come from there too.
    Elsewhere {
        source: String,
        uid: u32,
    },
    /// nsswitch.conf does not say where accounts come from.
    NoSources,
    Homed {
        uid: u32,
    },
    /// /etc/passwd does not even have root.
    NoRoot,
    /// The database did not answer.
    NoAnswer(String),
}

/// Where the accounts of this host come from.
pub(crate) struct Sources(Result<(), Elsewhere>);

/// From somewhere else: from there, or nobody knows from where.
struct Elsewhere(Option<String>);

impl Sources {
    pub(crate) fn of_this_host() -> Self {
        Self::named_in(&std::fs::read_to_string(NSSWITCH).unwrap_or_default())
    }

    fn named_in(nsswitch: &str) -> Self {
        let lines = nsswitch.lines().map(|line| line.split('#').next().unwrap_or_default().trim());
        // Of several lines libc goes by one; whichever that is.
        let named = lines.filter_map(|line| line.strip_prefix("passwd:")).map(without_actions).collect::<Vec<_>>();
        let mut sources = named.iter().flat_map(|line| line.split_whitespace()).peekable();
        if sources.peek().is_none() {
            return Self(Err(Elsewhere(None)));
        }
        match sources.find(|source| !OF_THIS_HOST.contains(source)) {
            Some(source) => Self(Err(Elsewhere(Some(source.to_owned())))),
            None => Self(Ok(())),
        }
    }

    /// What became of the account that a file was made for.
    pub(crate) fn fate(&self, person: &Person) -> Fate {
        self.fate_of(Some(&person.name), &[person.uid, person.made_for])
    }

    /// The same where nobody knows for whom it was made.
    pub(crate) fn fate_of_uid(&self, uid: u32) -> Fate {
        self.fate_of(None, &[uid])
    }

    fn fate_of(&self, name: Option<&UserName>, uids: &[u32]) -> Fate {
        match Account::is_nobodys(name, uids) {
            Ok(false) => return Fate::There,
            Ok(true) => {}
            Err(error) => return Fate::Unknown(NotTold::NoAnswer(error.to_string())),
        }
        let uid = uids.first().copied().unwrap_or_default();
        match &self.0 {
            Err(Elsewhere(Some(source))) => Fate::Unknown(NotTold::Elsewhere { source: source.clone(), uid }),
            Err(Elsewhere(None)) => Fate::Unknown(NotTold::NoSources),
            Ok(()) if !has_root(&std::fs::read_to_string(PASSWD).unwrap_or_default()) => Fate::Unknown(NotTold::NoRoot),
            Ok(()) => match uids.iter().find(|uid| HOMED.contains(uid)) {
                Some(uid) => Fate::Unknown(NotTold::Homed { uid: *uid }),
                None => Fate::Gone,
            },
        }
    }
}

/// A file that is empty or cannot be read has nobody. libc would not tell: nss-systemd answers for root in its place.
fn has_root(passwd: &str) -> bool {
    passwd.lines().any(|line| line.split(':').nth(2) == Some("0"))
}

/// `[NOTFOUND=return]` and the like say what follows, and are no sources.
fn without_actions(line: &str) -> String {
    let mut depth = 0_u32;
    line.chars()
        .filter(|character| {
            match character {
                '[' => depth = depth.saturating_add(1),
                ']' => depth = depth.saturating_sub(1),
                _ => return depth == 0,
            }
            false
        })
        .collect()
}

impl fmt::Display for NotTold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Elsewhere { source, uid } => write!(
                f,
                "{NSSWITCH}: accounts come from '{source}' too, and a directory that does not answer looks like one that \
                 has nobody; once the account is surely gone: 'nightlatch remove --uid {uid}'"
            ),
            Self::NoSources => write!(f, "{NSSWITCH}: it does not say where accounts come from; add 'passwd: files'"),
            Self::Homed { uid } => write!(
                f,
                "uid {uid} is one of systemd-homed's, whose accounts are known only while it runs; once it is surely gone: \
                 'nightlatch remove --uid {uid}'"
            ),
            Self::NoRoot => write!(f, "{PASSWD}: it does not have root; put it back ({PASSWD}-), then run it again"),
            Self::NoAnswer(error) => f.write_str(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(name: &str, uid: u32, made_for: u32) -> Person {
        Person { name: UserName::parse(name.as_bytes()).unwrap(), uid, made_for }
    }

    const FREE: u32 = 3_999_999_999;

    #[test]
    fn only_what_lies_on_this_host_can_tell_that_an_account_is_gone() {
        let gone = person("no-such-account-here", FREE, FREE);
        for local in
            ["passwd: files\n", "# x\npasswd:\tfiles systemd # sss\n", "passwd: files [NOTFOUND=return] systemd"]
        {
            assert_eq!(Sources::named_in(local).fate(&gone), Fate::Gone, "{local}");
        }
        for (foreign, source) in [
            ("passwd: files sss", "sss"),
            ("passwd: sss files", "sss"),
            ("passwd: compat", "compat"),
            ("passwd: files [SUCCESS=continue] ldap", "ldap"),
            ("passwd: files\npasswd: files winbind\n", "winbind"),
        ] {
            let told = NotTold::Elsewhere { source: source.to_owned(), uid: FREE };
            assert_eq!(Sources::named_in(foreign).fate(&gone), Fate::Unknown(told), "{foreign}");
        }
        for nothing in ["", "group: files\n", "passwd:", "#passwd: files"] {
            assert_eq!(Sources::named_in(nothing).fate(&gone), Fate::Unknown(NotTold::NoSources), "{nothing}");
        }
    }

    #[test]
    fn a_list_of_accounts_without_root_is_none() {
        assert!(has_root("ann:x:1000:0::/:/bin/sh\nroot:x:0:0::/:/bin/sh\n"));
        assert!(!has_root("") && !has_root("ann:x:1000:0::/:/bin/sh\n+::::::\n"));
    }

    #[test]
    fn whose_name_or_uid_is_somebody_s_is_not_gone_and_homed_s_cannot_be_told() {
        let local = Sources::named_in("passwd: files");
        for there in [person("root", FREE, FREE), person("gone", 0, FREE), person("gone", FREE, 0)] {
            assert_eq!(local.fate(&there), Fate::There, "{there:?}");
        }
        assert_eq!((local.fate_of_uid(0), local.fate_of_uid(FREE)), (Fate::There, Fate::Gone));
        assert_eq!(local.fate_of_uid(60_001), Fate::Unknown(NotTold::Homed { uid: 60_001 }));
    }
}
