// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a decision may have to look up, and how this host is asked. Each question is put once a login at the most, and
//! only where a rule depends on its answer.

use std::ffi::CString;

use nix::errno::Errno;
use nix::unistd::{Gid, getgrouplist};

use crate::clock::{Clock, UnixTime};
use crate::config::Config;
use crate::error::Fault;
use crate::policy::rule::Group;
use crate::random::Random;
use crate::store::{Enrollment, Store};
use crate::user::{Account, AccountError, Named};

/// Whoever answers: this host, or a test.
pub trait Lookups {
    /// The gids of an account: its primary group and all others.
    ///
    /// # Errors
    ///
    /// The system's reason.
    fn groups(&self, named: &Named) -> Result<Vec<u32>, Errno>;

    /// The gid of a group, or `None` where there is no such group.
    ///
    /// # Errors
    ///
    /// The system's reason.
    fn gid(&self, group: &str) -> Result<Option<u32>, Errno>;

    /// The account behind a name, if that is the one name of its uid.
    ///
    /// # Errors
    ///
    /// [`AccountError`].
    fn account(&self, named: &Named) -> Result<Account, AccountError>;

    /// What the store knows, without a lock.
    ///
    /// # Errors
    ///
    /// [`Fault`]: no code could be judged either.
    fn enrollment(&self, named: &Named) -> Result<Enrollment, Fault>;

    /// The wall clock.
    ///
    /// # Errors
    ///
    /// [`Fault`].
    fn now(&self) -> Result<UnixTime, Fault>;
}

/// A look-up that did not answer: whatever the rules say, nobody is exempt in that login.
#[derive(Debug, thiserror::Error)]
pub enum LookupFailed {
    /// Of a group, by name.
    #[error("the group database does not answer for '{group}' ({errno})")]
    Group {
        /// Which one.
        group: String,
        /// The system's reason.
        errno: Errno,
    },
    /// Of somebody's groups.
    #[error("the group database does not answer ({errno})")]
    Groups {
        /// The system's reason.
        errno: Errno,
    },
    /// Of an account, by its uid.
    #[error("{0}")]
    Account(AccountError),
    /// Of the time.
    #[error("{0}")]
    Clock(Fault),
}

impl LookupFailed {
    /// What an administrator does about it.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::Group { .. } | Self::Groups { .. } | Self::Account(_) => {
                "check the name service (nsswitch.conf, sssd)".to_owned()
            }
            Self::Clock(fault) => fault.remedy(),
        }
    }
}

/// This host.
pub struct HostLookups<'h> {
    config: &'h Config,
    random: &'h dyn Random,
    clock: &'h dyn Clock,
}

impl<'h> HostLookups<'h> {
    /// Asks nothing yet.
    #[must_use]
    pub fn new(config: &'h Config, random: &'h dyn Random, clock: &'h dyn Clock) -> Self {
        Self { config, random, clock }
    }
}

impl Lookups for HostLookups<'_> {
    fn groups(&self, named: &Named) -> Result<Vec<u32>, Errno> {
        let name = CString::new(named.name().as_str()).map_err(|_| Errno::EINVAL)?;
        let groups = getgrouplist(&name, Gid::from_raw(named.gid()))?;
        Ok(groups.into_iter().map(Gid::as_raw).collect())
    }

    fn gid(&self, group: &str) -> Result<Option<u32>, Errno> {
        Ok(nix::unistd::Group::from_name(group)?.map(|group| group.gid.as_raw()))
    }

    fn account(&self, named: &Named) -> Result<Account, AccountError> {
        named.account()
    }

    fn enrollment(&self, named: &Named) -> Result<Enrollment, Fault> {
        Store::open(self.config, self.random)?.enrollment(named)
    }

    fn now(&self) -> Result<UnixTime, Fault> {
        Ok(self.clock.now()?.wall)
    }
}

/// What is known of a login so far; asks what is not.
pub(super) struct Known<'k> {
    named: &'k Named,
    lookups: &'k dyn Lookups,
    groups: Option<Vec<u32>>,
    gids: Vec<(&'k str, Option<u32>)>,
    enrollment: Option<Enrollment>,
    failed: Option<LookupFailed>,
}

impl<'k> Known<'k> {
    pub(super) fn nothing(named: &'k Named, lookups: &'k dyn Lookups) -> Self {
        Self { named, lookups, groups: None, gids: Vec::new(), enrollment: None, failed: None }
    }

    /// Whether the account is in one of them. A group that does not exist holds nobody, and one that is not told neither.
    pub(super) fn is_in_one_of(&mut self, groups: &'k [Group]) -> bool {
        groups.iter().any(|group| {
            let gid = match group {
                Group::Gid(gid) => Some(*gid),
                Group::Name(name) => self.gid(name),
            };
            gid.is_some_and(|gid| self.groups().contains(&gid))
        })
    }

    fn gid(&mut self, name: &'k str) -> Option<u32> {
        if let Some((_, gid)) = self.gids.iter().find(|(known, _)| *known == name) {
            return *gid;
        }
        let gid = self.lookups.gid(name).unwrap_or_else(|errno| {
            self.fail(LookupFailed::Group { group: name.to_owned(), errno });
            None
        });
        self.gids.push((name, gid));
        gid
    }

    fn groups(&mut self) -> &[u32] {
        if self.groups.is_none() {
            self.groups = Some(self.lookups.groups(self.named).unwrap_or_else(|errno| {
                self.fail(LookupFailed::Groups { errno });
                Vec::new()
            }));
        }
        self.groups.as_deref().unwrap_or_default()
    }

    pub(super) fn enrollment(&mut self) -> Result<Enrollment, Fault> {
        if let Some(known) = self.enrollment {
            return Ok(known);
        }
        let enrollment = self.lookups.enrollment(self.named)?;
        self.enrollment = Some(enrollment);
        Ok(enrollment)
    }

    /// Whether that time has not come yet; where the clock tells nothing, it has.
    pub(super) fn is_before(&mut self, time: UnixTime) -> bool {
        match self.lookups.now() {
            Ok(now) => now < time,
            Err(fault) => {
                self.fail(LookupFailed::Clock(fault));
                false
            }
        }
    }

    /// The account, if nothing failed so far and its name is the one of its uid.
    pub(super) fn account(&mut self) -> Result<Account, NoExemption> {
        if self.failed.is_some() {
            return Err(NoExemption::LookupFailed);
        }
        match self.lookups.account(self.named) {
            Ok(account) => Ok(account),
            Err(failed @ AccountError::LookupFailed { .. }) => {
                self.fail(LookupFailed::Account(failed));
                Err(NoExemption::LookupFailed)
            }
            Err(none @ (AccountError::Unknown | AccountError::Alias { .. })) => Err(NoExemption::NoAccount(none)),
        }
    }

    /// The first failure is the one that is told.
    fn fail(&mut self, failed: LookupFailed) {
        self.failed.get_or_insert(failed);
    }

    /// What the store has said, if it was asked, and what failed.
    pub(super) fn into_ends(self) -> (Option<Enrollment>, Option<LookupFailed>) {
        (self.enrollment, self.failed)
    }
}

/// Why nobody is exempt, whatever the rules say.
pub(super) enum NoExemption {
    LookupFailed,
    NoAccount(AccountError),
}
