// SPDX-License-Identifier: MIT OR Apache-2.0
//! All accounts of the host as its database listed them at one moment: for commands over many people, where a look-up
//! for each would read a file of a hundred thousand lines as often.

use std::collections::HashMap;

use crate::user::{Account, AccountError, Named, UserName};

/// The host's accounts at one moment. An [`Account`] out of it has what [`Account::resolve`] would have given then: the
/// first line with a uid is the one that the database gives for that uid, since it asks its sources in the order in which
/// it lists them.
pub struct Snapshot {
    lines: Vec<Named>,
    by_name: HashMap<UserName, usize>,
    by_uid: HashMap<u32, usize>,
}

impl Snapshot {
    /// Reads passwd(5) lines, as `getent passwd` prints them. What is no line of an account, or has no name that may be
    /// judged, is left out; who is not in it may exist all the same, in a database that lists nobody.
    #[must_use]
    pub fn of_passwd(text: &[u8]) -> Self {
        let mut snapshot = Self { lines: Vec::new(), by_name: HashMap::new(), by_uid: HashMap::new() };
        for named in text.split(|byte| *byte == b'\n').filter_map(named_of) {
            let place = snapshot.lines.len();
            // Of two lines with one name, getpwnam gives the first.
            if snapshot.by_name.contains_key(&named.name) {
                continue;
            }
            snapshot.by_name.insert(named.name.clone(), place);
            snapshot.by_uid.entry(named.uid).or_insert(place);
            snapshot.lines.push(named);
        }
        snapshot
    }

    /// The account of a name, or `None` where the list does not have it.
    ///
    /// # Errors
    ///
    /// [`AccountError::Alias`] where its uid leads to another name.
    pub fn account(&self, name: &UserName) -> Result<Option<Account>, AccountError> {
        let Some(named) = self.by_name.get(name).and_then(|place| self.lines.get(*place)) else { return Ok(None) };
        match self.of_uid(named.uid) {
            Some(Account(first)) if first.name != named.name => {
                let canonical = first.name.as_str().to_owned();
                Err(AccountError::Alias { name: named.name.clone(), uid: named.uid, canonical })
            }
            found => Ok(found),
        }
    }

    /// The account of a uid, or `None` where the list does not have it.
    #[must_use]
    pub fn of_uid(&self, uid: u32) -> Option<Account> {
        self.by_uid.get(&uid).and_then(|place| self.lines.get(*place)).cloned().map(Account)
    }

    /// Every account once, in the order of the list.
    pub fn accounts(&self) -> impl Iterator<Item = Account> {
        let is_first = |(place, named): &(usize, &Named)| self.by_uid.get(&named.uid) == Some(place);
        self.lines.iter().enumerate().filter(is_first).map(|(_, named)| Account(named.clone()))
    }
}

fn named_of(line: &[u8]) -> Option<Named> {
    let mut fields = line.split(|byte| *byte == b':');
    let (name, _password) = (fields.next()?, fields.next()?);
    let mut number = || std::str::from_utf8(fields.next()?).ok()?.parse().ok();
    let (uid, gid) = (number()?, number()?);
    Some(Named { name: UserName::parse(name).ok()?, uid, gid })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIST: &str = "root:x:0:0:root:/root:/bin/bash\ntoor:x:0:0::/root:/bin/sh\nalice:x:1000:1000:Alice,,,:/home/alice:/bin/bash\n\
        +::::::\nbroken:x\nnumber:x:many:1::/:\nalice:x:1001:1001::/:\n007:x:7:7::/:\n";

    fn name(text: &str) -> UserName {
        UserName::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn names_lead_to_accounts_and_uids_back_to_the_first_name() {
        let snapshot = Snapshot::of_passwd(LIST.as_bytes());
        assert_eq!(snapshot.account(&name("alice")), Ok(Some(Account::for_test("alice", 1000))));
        assert_eq!(snapshot.of_uid(0), Some(Account::for_test("root", 0)));
        let alias = snapshot.account(&name("toor"));
        assert!(matches!(alias, Err(AccountError::Alias { uid: 0, canonical, .. }) if canonical == "root"));
        assert_eq!((snapshot.account(&name("bob")), snapshot.of_uid(1001)), (Ok(None), None));
    }

    #[test]
    fn what_is_no_account_is_left_out_and_each_uid_comes_once() {
        let snapshot = Snapshot::of_passwd(LIST.as_bytes());
        let names: Vec<String> = snapshot.accounts().map(|account| account.name().to_string()).collect();
        assert_eq!(names, ["root", "alice"]);
    }

    #[test]
    fn of_this_host_it_gives_what_a_look_up_gives() {
        let list = std::fs::read("/etc/passwd").unwrap();
        let snapshot = Snapshot::of_passwd(&list);
        for account in snapshot.accounts() {
            assert_eq!(Account::resolve(account.name()).as_ref(), Ok(&account));
            assert_eq!(Account::of_uid(account.uid()), Ok(Some(account)));
        }
    }
}
