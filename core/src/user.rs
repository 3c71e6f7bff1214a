// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whom a login is for: a name that was checked, and the account that the system's database has for it.
//! No name ever becomes part of a path; files are named by uid.

mod snapshot;

use std::fmt;

use nix::unistd::{Uid, User};

pub use snapshot::Snapshot;

/// What this host calls itself: what an app shows as issuer where the config names none.
#[must_use]
pub fn host_name() -> String {
    rustix::system::uname().nodename().to_string_lossy().into_owned()
}

/// A login name: 1 to 255 bytes of UTF-8 that the relaxed rules of systemd's USER_NAMES let pass.
///
/// No NUL, control character, `:` or `/`; not `.` or `..`; no space at either end, no leading `-`; not digits alone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserName(String);

/// The bytes are no login name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a user name: 1 to 255 bytes of UTF-8 without control characters, ':' or '/', not digits alone")]
pub struct NotAUserName;

impl UserName {
    /// The longest name that shadow's tools accept (`LOGIN_NAME_MAX` less the NUL).
    pub const MAX_BYTES: usize = 255;

    /// # Errors
    ///
    /// [`NotAUserName`] where a rule of the type is broken.
    pub fn parse(bytes: &[u8]) -> Result<Self, NotAUserName> {
        let name = std::str::from_utf8(bytes).map_err(|_| NotAUserName)?;
        let refused = name.is_empty()
            || name.len() > Self::MAX_BYTES
            || name == "."
            || name == ".."
            || name.starts_with('-')
            || name.starts_with(' ')
            || name.ends_with(' ')
            || name.bytes().all(|byte| byte.is_ascii_digit())
            || name.chars().any(|c| c.is_control() || c == ':' || c == '/');
        if refused { Err(NotAUserName) } else { Ok(Self(name.to_owned())) }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for UserName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What the system's database has under a name: enough to be judged by a record, which was made for one name and one uid.
///
/// It may be one of several names of its uid; [`Named::account`] asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named {
    name: UserName,
    uid: u32,
    gid: u32,
}

/// An account as the system's database spells it: its name is the one that its uid leads back to. What may be enrolled, and
/// what may be exempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account(Named);

/// Why a name is no account that nightlatch may judge.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    /// The database answered that there is no such account.
    #[error("no such account")]
    Unknown,
    /// One person, one name: the uid leads back to another name (toor beside root).
    #[error("'{name}' is a second name of uid {uid}; log in and enroll as '{canonical}'")]
    Alias {
        /// The name that was given.
        name: UserName,
        /// The uid that both share.
        uid: u32,
        /// What the database calls that uid.
        canonical: String,
    },
    /// The database did not answer; this is never taken for "no such account".
    #[error("the account database does not answer ({errno}); check the name service (nsswitch.conf, sssd)")]
    LookupFailed {
        /// The reason as the system gives it.
        errno: nix::errno::Errno,
    },
}

impl Named {
    /// Looks a name up. Where the database answers with another spelling, its uid has to lead back to that.
    ///
    /// # Errors
    ///
    /// - [`AccountError::Unknown`] where the database says so.
    /// - [`AccountError::Alias`] where it answers with another name that is not the one of its uid.
    /// - [`AccountError::LookupFailed`] where the database fails.
    pub fn look_up(name: &UserName) -> Result<Self, AccountError> {
        let found = User::from_name(name.as_str()).map_err(lookup_failed)?.ok_or(AccountError::Unknown)?;
        // A case-insensitive database answers ALICE with alice: what counts from here on is its spelling.
        let spelt = UserName::parse(found.name.as_bytes()).map_err(|NotAUserName| AccountError::Unknown)?;
        let is_as_asked = spelt == *name;
        let named = Self { name: spelt, uid: found.uid.as_raw(), gid: found.gid.as_raw() };
        if is_as_asked { Ok(named) } else { named.account().map(|Account(named)| named) }
    }

    /// Looks the uid up again: one person, one name.
    ///
    /// # Errors
    ///
    /// - [`AccountError::Alias`] where it leads to another name.
    /// - [`AccountError::Unknown`], [`AccountError::LookupFailed`] as [`Named::look_up`].
    pub fn account(&self) -> Result<Account, AccountError> {
        let back = User::from_uid(Uid::from_raw(self.uid)).map_err(lookup_failed)?.ok_or(AccountError::Unknown)?;
        if back.name == self.name.as_str() {
            Ok(Account(self.clone()))
        } else {
            Err(AccountError::Alias { name: self.name.clone(), uid: self.uid, canonical: back.name })
        }
    }

    /// The name as the database spells it.
    #[must_use]
    pub fn name(&self) -> &UserName {
        &self.name
    }

    /// The uid.
    #[must_use]
    pub fn uid(&self) -> u32 {
        self.uid
    }

    /// The gid of its primary group.
    #[must_use]
    pub fn gid(&self) -> u32 {
        self.gid
    }
}

fn lookup_failed(errno: nix::errno::Errno) -> AccountError {
    AccountError::LookupFailed { errno }
}

impl Account {
    /// Looks a name up, and its uid back again.
    ///
    /// # Errors
    ///
    /// As [`Named::look_up`] and [`Named::account`].
    pub fn resolve(name: &UserName) -> Result<Self, AccountError> {
        Named::look_up(name)?.account()
    }

    /// The account that a uid belongs to, or `None` where there is none.
    ///
    /// # Errors
    ///
    /// [`AccountError::LookupFailed`] where the database fails.
    pub fn of_uid(uid: u32) -> Result<Option<Self>, AccountError> {
        match User::from_uid(Uid::from_raw(uid)) {
            Ok(Some(user)) => match UserName::parse(user.name.as_bytes()) {
                Ok(name) => Ok(Some(Self(Named { name, uid, gid: user.gid.as_raw() }))),
                Err(NotAUserName) => Ok(None),
            },
            Ok(None) => Ok(None),
            Err(errno) => Err(lookup_failed(errno)),
        }
    }

    /// Whether the database has nobody under that name and nobody under these uids. What it says so of need not be gone for
    /// good: a directory that does not answer may look the same.
    ///
    /// # Errors
    ///
    /// [`AccountError::LookupFailed`] where the database fails.
    pub fn is_nobodys(name: Option<&UserName>, uids: &[u32]) -> Result<bool, AccountError> {
        let is_free = |found: nix::Result<Option<User>>| found.map(|user| user.is_none()).map_err(lookup_failed);
        let by_name = name.map(|name| User::from_name(name.as_str()));
        let by_uid = uids.iter().map(|uid| User::from_uid(Uid::from_raw(*uid)));
        by_name.into_iter().chain(by_uid).try_fold(true, |so_far, found| Ok(is_free(found)? && so_far))
    }

    /// What a record of it is found and judged by.
    #[must_use]
    pub fn named(&self) -> &Named {
        &self.0
    }

    /// The name as the database spells it.
    #[must_use]
    pub fn name(&self) -> &UserName {
        &self.0.name
    }

    /// The uid.
    #[must_use]
    pub fn uid(&self) -> u32 {
        self.0.uid
    }

    /// Its home directory, as the database has it now.
    ///
    /// # Errors
    ///
    /// [`AccountError::Unknown`], [`AccountError::LookupFailed`].
    pub fn home(&self) -> Result<std::path::PathBuf, AccountError> {
        let found = User::from_uid(Uid::from_raw(self.uid())).map_err(lookup_failed)?.ok_or(AccountError::Unknown)?;
        Ok(found.dir)
    }

    /// Whether the uid is one that systems hand out for a while and give to another later, or that means nobody:
    /// systemd's DynamicUser range, the overflow uids, and -1 in 16 and 32 bits (THREATS V62).
    #[must_use]
    pub fn has_transient_uid(&self) -> bool {
        matches!(self.0.uid, 61_184..=65_519 | 65_534 | 65_535 | u32::MAX)
    }

    #[cfg(test)]
    pub(crate) fn for_test(name: &str, uid: u32) -> Self {
        Self(Named { name: UserName::parse(name.as_bytes()).unwrap(), uid, gid: uid })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_could_lead_elsewhere_are_no_names() {
        for refused in [
            "",
            ".",
            "..",
            "../root",
            "a/b",
            "x\n",
            "-x",
            " x",
            "x ",
            "a:b",
            "0",
            "1000",
            "\u{1b}[2J",
            "x\0",
            "a\u{85}b",
        ] {
            assert_eq!(UserName::parse(refused.as_bytes()), Err(NotAUserName), "{refused:?}");
        }
        assert_eq!(UserName::parse(&[0xff, 0xfe]), Err(NotAUserName));
        assert_eq!(UserName::parse(&[b'a'; 256]), Err(NotAUserName));
    }

    #[test]
    fn names_that_directories_really_hold_are_names() {
        for name in ["alice", "a", "host$", "first.last", "user@example.org", "DOM\\user", "jürgen", "first last", "0a"]
        {
            assert_eq!(UserName::parse(name.as_bytes()).unwrap().as_str(), name);
        }
        assert!(UserName::parse(&[b'a'; 255]).is_ok());
    }

    #[test]
    fn uids_that_pass_from_one_to_another_or_mean_nobody_are_known() {
        for (uid, transient) in [
            (0, false),
            (1000, false),
            (61_183, false),
            (61_184, true),
            (65_519, true),
            (65_520, false),
            (65_533, false),
            (65_534, true),
            (65_535, true),
            (65_536, false),
            (u32::MAX, true),
        ] {
            assert_eq!(Account::for_test("x", uid).has_transient_uid(), transient, "{uid}");
        }
    }

    #[test]
    fn root_is_found_and_nobody_else_is_invented() {
        let root = Account::resolve(&UserName::parse(b"root").unwrap()).unwrap();
        assert_eq!((root.name().as_str(), root.uid()), ("root", 0));
        assert_eq!((root.name().to_string(), Account::of_uid(0)), ("root".to_owned(), Ok(Some(root.clone()))));
        assert_eq!(Named::look_up(root.name()).as_ref(), Ok(root.named()));
        assert_eq!(root.named().account(), Ok(root.clone()));
        let nobody = UserName::parse(b"no-such-account-here").unwrap();
        assert_eq!(Account::resolve(&nobody), Err(AccountError::Unknown));
        let free = 3_999_999_999;
        for (name, uids, nobodys) in [
            (Some(&nobody), &[free][..], true),
            (None, &[free], true),
            (Some(root.name()), &[free], false),
            (Some(&nobody), &[free, 0], false),
            (None, &[0], false),
        ] {
            assert_eq!(Account::is_nobodys(name, uids), Ok(nobodys), "{name:?} {uids:?}");
        }
    }
}
