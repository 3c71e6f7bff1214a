// SPDX-License-Identifier: MIT OR Apache-2.0
//! What every command begins with: root's rights, this host's config, the account that is meant.

use std::path::{Path, PathBuf};

use nightlatch::clock::{Clock, Moment, SystemClock};
use nightlatch::config::{Config, ConfigError, DEFAULT_PATH};
use nightlatch::error::Fault;
use nightlatch::random::SystemRandom;
use nightlatch::store::{Invited, LockFailure, NotEnrolled, OpenRecord, Store};
use nightlatch::user::{Account, AccountError, UserName};

use crate::failure::Failure;
use crate::failure::words::sentence_of;
use crate::terminal::Terminal;

/// This host, as its config describes it.
pub(crate) struct Site {
    pub(crate) config: Config,
    pub(crate) random: SystemRandom,
    pub(crate) clock: SystemClock,
}

/// Only root can do anything here; said at once, since half of a command would fail oddly.
pub(crate) fn require_root() -> Result<(), Failure> {
    if rustix::process::geteuid().is_root() { Ok(()) } else { Err(Failure::NotRoot) }
}

impl Site {
    pub(crate) fn read(named: Option<&Path>) -> Result<Self, Failure> {
        require_root()?;
        Ok(Self { config: Config::read(named)?, random: SystemRandom, clock: SystemClock })
    }

    /// For `init`, which makes the config where it is missing; its path with it.
    pub(crate) fn read_or_begin(named: Option<&Path>) -> Result<(Self, PathBuf), Failure> {
        require_root()?;
        let path = named.unwrap_or(Path::new(DEFAULT_PATH)).to_owned();
        let config = match Config::read(named) {
            Err(ConfigError::NamedAndMissing { .. }) => Config::default(),
            read => read?,
        };
        Ok((Self { config, random: SystemRandom, clock: SystemClock }, path))
    }

    pub(crate) fn account(&self, user: &str) -> Result<Account, Failure> {
        let name =
            UserName::parse(user.as_bytes()).map_err(|cause| Failure::NotAUserName { user: user.to_owned(), cause })?;
        Account::resolve(&name).map_err(|cause: AccountError| Failure::NoAccount { user: user.to_owned(), cause })
    }

    pub(crate) fn store(&self) -> Result<Store<'_>, Failure> {
        Ok(Store::open(&self.config, &self.random)?)
    }

    /// The invitation that a login would go by; one that cannot be read is warned of, and none.
    pub(crate) fn invited(
        &self,
        store: &Store<'_>,
        account: &Account,
        word: NotEnrolled,
        terminal: &Terminal,
    ) -> Result<Option<Invited>, Failure> {
        let found = store.invited(account, word, self.now()?.wall);
        Ok(found.unwrap_or_else(|fault| {
            terminal.warn(&sentence_of(&fault));
            None
        }))
    }

    /// The clocks, and which boot this is: waits are told by both.
    pub(crate) fn now(&self) -> Result<Moment, Fault> {
        let mut now = self.clock.now()?;
        now.boot = self.clock.boot_id();
        Ok(now)
    }
}

/// The account's record, locked and open. Never while a person is asked: a login waits for this lock.
pub(crate) fn open_record<'s>(store: &'s Store<'s>, account: &Account) -> Result<OpenRecord<'s>, Failure> {
    let locked = store.lock(account.named()).map_err(|failure| no_lock(failure, account.name().as_str()))?;
    Ok(locked.open(account.named())?)
}

fn no_lock(failure: LockFailure, who: &str) -> Failure {
    match failure {
        LockFailure::NotEnrolled(_) => Failure::NotEnrolled { who: who.to_owned() },
        LockFailure::Fault(fault) => Failure::Store(fault),
    }
}
