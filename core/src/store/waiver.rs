// SPDX-License-Identifier: MIT OR Apache-2.0
//! Waivers at a login: whether one is in force, and its use counted before anybody is let in by it. Beside a record with a
//! waiver lies an empty file, so that a login of everybody else costs one look. That file only says where to look: what
//! holds stands sealed in the record.

use std::ffi::OsString;
use std::fmt::Write as _;
use std::path::Path;

use rustix::fs::{AtFlags, Mode, OFlags, Timespec, Timestamps};
use rustix::io::Errno;

use crate::clock::{Clock, UnixTime};
use crate::config::Config;
use crate::error::{Fault, OrFault};
use crate::ledger::WAIVER_OVER;
use crate::store::{LockFailure, OpenRecord, Store, USERS};
use crate::trusted::{CAREFULLY, TrustedDirectory};
use crate::user::Named;

/// The store's word that a waiver was in force for an account, and that its use is counted on the disk. Built in
/// [`InForce::count_use`] and nowhere else.
///
/// ```compile_fail,E0451
/// let forged = nightlatch::store::Waived { until: todo!(), reason: String::new(), uses: 1 };
/// ```
#[derive(Debug, PartialEq, Eq)]
pub struct Waived {
    until: UnixTime,
    reason: String,
    uses: u32,
}

/// A waiver that is in force, under the person's lock. Lets nobody in before its use is counted.
#[must_use = "nobody is let in before the use is counted"]
pub struct InForce<'s> {
    open: OpenRecord<'s>,
    waived: Waived,
    now: UnixTime,
}

/// Whether a waiver of somebody may be in force, by one look at the file beside the record. `false` wherever that cannot
/// be seen: the person is asked then.
#[must_use]
pub fn hints_at_waiver(config: &Config, uid: u32, clock: &dyn Clock) -> bool {
    // In one piece, since every login comes by here: a buffer for each part would be wiped one after the other.
    let store = config.store().as_os_str();
    let mut path = OsString::with_capacity(store.len().saturating_add(LONGEST_HINT));
    path.push(store);
    if write!(path, "/{USERS}/{uid}{HINT_ENDING}").is_err() {
        return false;
    }
    // By its path and unchecked: nothing is believed because of it.
    let Ok(found) = rustix::fs::statat(rustix::fs::CWD, &path, AtFlags::SYMLINK_NOFOLLOW) else { return false };
    // It was given the waiver's end as its time, so that one that is left behind costs no look into the record.
    clock.now().is_ok_and(|now| u64::try_from(found.st_mtime).is_ok_and(|until| now.wall < UnixTime(until)))
}

impl<'r> Store<'r> {
    /// The waiver that is in force for somebody, or `None`: then the person is asked as ever.
    ///
    /// # Errors
    ///
    /// [`Fault`] where the record or the clock cannot be read. Neither is a waiver.
    pub fn waiver(&'r self, named: &Named, clock: &dyn Clock) -> Result<Option<InForce<'r>>, Fault> {
        let locked = match self.lock(named) {
            Ok(locked) => locked,
            Err(LockFailure::NotEnrolled(_)) => return Ok(None),
            Err(LockFailure::Fault(fault)) => return Err(fault),
        };
        let open = match locked.open(named) {
            // Another name's record: whoever asks is told so when a code was typed.
            Err(Fault::Foreign { .. }) => return Ok(None),
            opened => opened?,
        };
        let now = clock.now()?.wall;
        let Some(waiver) = crate::waiver::in_force(open.record(), open.ledger(), now) else { return Ok(None) };
        // One below the word for "over".
        let uses = open.ledger().waiver_uses.saturating_add(1).min(WAIVER_OVER.saturating_sub(1));
        let waived = Waived { until: waiver.until, reason: waiver.reason.clone(), uses };
        Ok(Some(InForce { open, waived, now }))
    }
}

impl InForce<'_> {
    /// The file that has lost a ledger slot, for an alert in the log.
    #[must_use]
    pub fn lost_slot(&self) -> Option<&Path> {
        self.open.has_lost_a_slot().then(|| self.open.path())
    }

    /// Writes down that it was used. Throttle, last login and notice stay: no code was judged.
    ///
    /// # Errors
    ///
    /// [`Fault`] where it could not be made durable: then nobody is let in.
    pub fn count_use(mut self) -> Result<Waived, Fault> {
        let mut next = self.open.ledger_to_carry(self.now);
        next.waiver_uses = self.waived.uses;
        if self.open.has_lost_a_slot() {
            self.open.write_both(&next)?;
        } else {
            self.open.write_one(&next)?;
        }
        Ok(self.waived)
    }
}

impl Waived {
    /// Until when.
    #[must_use]
    pub fn until(&self) -> UnixTime {
        self.until
    }

    /// Why, as the administrator wrote it.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    /// How often by now, this time included.
    #[must_use]
    pub fn uses(&self) -> u32 {
        self.uses
    }
}

const HINT_ENDING: &str = ".waived";
/// `/users/4294967295.waived`, and the zero that the kernel wants.
const LONGEST_HINT: usize = 25;

fn hint_name(uid: u32) -> String {
    format!("{uid}{HINT_ENDING}")
}

/// Makes the hint durably, under the person's lock and before the record that holds the waiver: left alone by a power cut, it
/// hints at nothing.
pub(super) fn make_hint(users: &TrustedDirectory, uid: u32, until: UnixTime) -> Result<(), Fault> {
    remove_hint(users, uid)?;
    let (name, path) = (hint_name(uid), users.path().join(hint_name(uid)));
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | CAREFULLY;
    let file = rustix::fs::openat(users, &name, flags, Mode::RUSR | Mode::WUSR).or_fault(&path, "make")?;
    let until = Timespec { tv_sec: i64::try_from(until.0).unwrap_or(i64::MAX), tv_nsec: 0 };
    let times = Timestamps { last_access: until, last_modification: until };
    rustix::fs::futimens(&file, &times).or_fault(&path, "set the time of")?;
    rustix::fs::fsync(&file).or_fault(&path, "flush")?;
    rustix::fs::fsync(users).or_fault(&path, "flush")
}

/// Removes it under the person's lock. One that comes back after a power cut hints at nothing.
pub(super) fn remove_hint(users: &TrustedDirectory, uid: u32) -> Result<(), Fault> {
    match rustix::fs::unlinkat(users, hint_name(uid), AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => Ok(()),
        Err(errno) => Err(Fault::io(&users.path().join(hint_name(uid)), "remove", errno)),
    }
}
