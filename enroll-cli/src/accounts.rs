// SPDX-License-Identifier: MIT OR Apache-2.0
//! The accounts of the host, listed once by getent(1), and looked up one by one where the list does not have them: a
//! directory may know people whom it does not list.

use std::collections::HashSet;
use std::process::{Command, Stdio};

use nightlatch::user::{Account, AccountError, Snapshot, UserName};

use crate::failure::Failure;

pub(crate) struct HostAccounts {
    listed: Snapshot,
    /// Of login.defs: below it are the accounts of the system.
    first_uid: u32,
}

/// By its path, since PATH is the caller's: where Debian and most others have it, and where NixOS does.
const GETENT: [&str; 3] = ["/usr/bin/getent", "/bin/getent", "/run/current-system/sw/bin/getent"];
const LOGIN_DEFS: &str = "/etc/login.defs";
/// Of useradd(8), where login.defs says nothing.
const USUAL_FIRST_UID: u32 = 1000;

impl HostAccounts {
    pub(crate) fn list() -> Result<Self, Failure> {
        let login_defs = std::fs::read_to_string(LOGIN_DEFS).unwrap_or_default();
        Ok(Self { listed: Snapshot::of_passwd(&passwd()?), first_uid: first_uid(&login_defs) })
    }

    pub(crate) fn named(&self, user: &str) -> Result<Account, Failure> {
        let name =
            UserName::parse(user.as_bytes()).map_err(|cause| Failure::NotAUserName { user: user.to_owned(), cause })?;
        let found = match self.listed.account(&name) {
            Ok(Some(account)) => Ok(account),
            Ok(None) => Account::resolve(&name),
            Err(cause) => Err(cause),
        };
        found.map_err(|cause| Failure::NoAccount { user: user.to_owned(), cause })
    }

    /// The account that a uid belongs to now, or `None` where there is none.
    pub(crate) fn of_uid(&self, uid: u32) -> Result<Option<Account>, AccountError> {
        match self.listed.of_uid(uid) {
            Some(account) => Ok(Some(account)),
            None => Account::of_uid(uid),
        }
    }

    /// Root, and everybody from `UID_MIN` on. `UID_MAX` bounds useradd, and not a directory, whose people lie above it.
    pub(crate) fn people(&self) -> impl Iterator<Item = Account> {
        let is_a_person = |account: &Account| account.uid() == 0 || account.uid() >= self.first_uid;
        self.listed.accounts().filter(move |account| is_a_person(account) && !account.has_transient_uid())
    }

    /// The same without those whose uid is one of these, by uid.
    pub(crate) fn people_without(&self, uids: &[u32]) -> Vec<Account> {
        let uids: HashSet<u32> = uids.iter().copied().collect();
        let mut people: Vec<Account> = self.people().filter(|account| !uids.contains(&account.uid())).collect();
        people.sort_by_key(Account::uid);
        people
    }
}

/// A line for each account that the name service lists, as in passwd(5).
pub(crate) fn passwd() -> Result<Vec<u8>, Failure> {
    let not_listed = |cause: String| Failure::AccountsNotListed { cause };
    let there = GETENT.iter().find(|path| std::path::Path::new(path).exists());
    let getent = there.ok_or_else(|| not_listed("there is no getent".to_owned()))?;
    let ran = Command::new(getent).arg("passwd").env_clear().current_dir("/").stdin(Stdio::null()).output();
    let output = ran.map_err(|error| not_listed(format!("{getent}: {error}")))?;
    if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(not_listed(format!("{getent} passwd: {}", output.status)))
    }
}

fn first_uid(login_defs: &str) -> u32 {
    let value = |line: &str| line.strip_prefix("UID_MIN")?.trim().parse().ok();
    login_defs.lines().find_map(|line| value(line.trim())).unwrap_or(USUAL_FIRST_UID)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn people_begin_where_login_defs_says() {
        assert_eq!(first_uid("# UID_MIN 5\nSYS_UID_MIN\t100\nUID_MIN\t\t\t 500\nUID_MAX 60000\n"), 500);
        assert_eq!((first_uid(""), first_uid("UID_MIN many")), (1000, 1000));
    }

    #[test]
    fn the_list_of_this_host_has_root_and_no_nobody() {
        let accounts = HostAccounts::list().unwrap();
        let people: Vec<String> = accounts.people().map(|account| account.name().to_string()).collect();
        assert!(people.contains(&"root".to_owned()) && !people.contains(&"nobody".to_owned()), "{people:?}");
        assert!(!people.contains(&"daemon".to_owned()), "{people:?}");
        assert!(accounts.people_without(&[0]).iter().all(|account| account.uid() != 0));
        assert_eq!(accounts.named("daemon").map(|account| account.uid()).ok(), Some(1));
        assert!(matches!(accounts.named("nobody-at-all"), Err(Failure::NoAccount { .. })));
    }
}
