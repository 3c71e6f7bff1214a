// SPDX-License-Identifier: MIT OR Apache-2.0
//! An open record: unsealed under the lock that it owns, with the newest ledger that unseals. Writes the ledger in
//! place, one flush a slot.

mod devices;

use std::io::IoSlice;
use std::mem::MaybeUninit;
use std::path::Path;

use rustix::fs::Advice;
use rustix::io::{Errno, ReadWriteFlags};

use crate::backup::{BackupCodes, BackupSheet};
use crate::clock::{Clock, UnixTime};
use crate::error::{Fault, OrFault, Part};
use crate::ledger::Ledger;
use crate::record::Record;
use crate::secret::TypedCode;
use crate::store::invited::remove_invitation;
use crate::store::keys::Keyring;
use crate::store::layout::{BLOCK, FILE_BYTES, HEADER_BYTES, Header, Slot, SlotName, Subject};
use crate::store::lock::Locked;
use crate::store::pending::{Attempt, Pending};
use crate::store::seal::{SealedPart, SealingKey};
use crate::store::{KeyId, Person, RecordId, person_header, place, waiver};
use crate::trusted::read_start;
use crate::user::{Account, Named, UserName};
use crate::verify::judge::{self, Occasion, Provenance};

pub use devices::DeviceFailure;

/// A person's record and ledger, under the person's lock.
pub struct OpenRecord<'s> {
    pub(super) locked: Locked<'s>,
    header: Header,
    header_bytes: [u8; HEADER_BYTES],
    key: SealingKey,
    pub(super) record: Record,
    ledger: Ledger,
    newest: SlotName,
    sequence: u64,
    provenance: Provenance,
}

impl<'s> Locked<'s> {
    /// Unseals the record of whom the lock is for.
    ///
    /// # Errors
    ///
    /// [`Fault::Foreign`] where the file was made for another name, [`Fault::Missing`] where its key is not there,
    /// [`Fault::Damaged`] where something does not unseal or parse, [`Fault::Newer`], [`Fault::Io`].
    #[inline(never)] // called for a waiver and for a code; large
    pub fn open(self, named: &Named) -> Result<OpenRecord<'s>, Fault> {
        self.open_if(|found| found.uid == named.uid() && found.name == *named.name())
    }

    /// Unseals the record of whomever it was made for: for administrators, who may look at an account that is gone.
    ///
    /// # Errors
    ///
    /// As [`Locked::open`].
    pub fn open_as_made(self) -> Result<OpenRecord<'s>, Fault> {
        let uid = self.uid;
        self.open_if(|found| found.uid == uid)
    }

    /// The same where it still is that person's, or was made for that account already and its file has not got that
    /// account's uid yet.
    pub(crate) fn open_to_rebind(self, from: &Person, to: &Account) -> Result<OpenRecord<'s>, Fault> {
        let uid = self.uid;
        self.open_if(|found| {
            let is_the_same = found.uid == from.made_for && found.name == from.name;
            is_the_same && (found.uid == uid || *found == Subject::of(to))
        })
    }

    fn open_if(self, is_right: impl FnOnce(&Subject) -> bool) -> Result<OpenRecord<'s>, Fault> {
        let damaged = |part| Fault::Damaged { path: self.path.clone(), part };
        // Ciphertext, so on the stack: in the heap all of it would be wiped when it is freed. In one go, or else with patience.
        let mut at_once = [const { MaybeUninit::uninit() }; FILE_BYTES];
        let again;
        let bytes = match rustix::io::pread(&self.file, &mut at_once, 0) {
            Ok((bytes, [])) => bytes,
            Ok(_) | Err(_) => {
                again = read_start(&self.file, &self.path, FILE_BYTES)?;
                again.as_slice()
            }
        };
        if bytes.len() != FILE_BYTES {
            return Err(damaged(Part::Record));
        }
        let (header_bytes, rest) = bytes.split_first_chunk::<HEADER_BYTES>().ok_or_else(|| damaged(Part::Record))?;
        let header = person_header(header_bytes, &self.path)?;
        let subject = header.subject.as_ref().ok_or_else(|| damaged(Part::Record))?;
        if !is_right(subject) {
            let made_for = format!("{} (uid {})", crate::audit::escaped(subject.name.as_str()), subject.uid);
            return Err(Fault::Foreign { path: self.path, made_for });
        }
        let keys = Keyring::open(self.store.config.keys())?;
        let key = keys.find(header.key_id)?.of_record(header.record_id).ok_or_else(|| damaged(Part::Record))?;
        let sealed =
            rest.get(..header.sealed_bytes).filter(|sealed| sealed.len() <= BLOCK.saturating_sub(HEADER_BYTES));
        let Some(plain) = sealed.and_then(|sealed| key.unseal(SealedPart::Record, header_bytes, sealed)) else {
            // The key's own fault, where it is one.
            drop(keys.load(header.key_id)?);
            return Err(damaged(Part::Record));
        };
        let record = Record::from_bytes(&plain).map_err(|_| damaged(Part::Record))?;
        let newest = newest_ledger(bytes, &key, header_bytes).ok_or_else(|| damaged(Part::Ledger))?;
        Ok(OpenRecord {
            header_bytes: *header_bytes,
            header,
            key,
            record,
            ledger: newest.ledger,
            newest: newest.name,
            sequence: newest.sequence,
            provenance: newest.provenance,
            locked: self,
        })
    }
}

pub(super) struct Newest {
    name: SlotName,
    sequence: u64,
    pub(super) ledger: Ledger,
    pub(super) provenance: Provenance,
}

/// The newest slot that unseals. Where that is not surely the newest that there was, it says so.
pub(super) fn newest_ledger(file: &[u8], key: &SealingKey, header: &[u8; HEADER_BYTES]) -> Option<Newest> {
    let unseal = |slot: &Slot<'_>| {
        let plain = key.unseal(SealedPart::Slot(slot.name, slot.sequence), header, slot.sealed)?;
        Ledger::from_bytes(&plain).ok()
    };
    let found = |slot: &Slot<'_>, ledger, provenance| {
        Some(Newest { name: slot.name, sequence: slot.sequence, ledger, provenance })
    };
    let (newer, older) = match (Slot::find(file, SlotName::A), Slot::find(file, SlotName::B)) {
        (Some(a), Some(b)) if a.sequence >= b.sequence => (a, b),
        (Some(a), Some(b)) => (b, a),
        (Some(only), None) | (None, Some(only)) => return found(&only, unseal(&only)?, Provenance::OneSlotLost),
        (None, None) => return None,
    };
    match unseal(&newer) {
        // Writing keeps the two sequences next to each other; a gap means that a slot between them is gone.
        Some(ledger) if newer.sequence.checked_sub(older.sequence) == Some(1) => {
            found(&newer, ledger, Provenance::Whole)
        }
        Some(ledger) => found(&newer, ledger, Provenance::OneSlotLost),
        None => found(&older, unseal(&older)?, Provenance::OneSlotLost),
    }
}

impl<'s> OpenRecord<'s> {
    /// Judges a typed code. The outcome stays hidden until [`Pending::commit`].
    ///
    /// # Errors
    ///
    /// [`Fault`] where the time or memory cannot be had; nothing is judged then.
    pub fn attempt<'c>(self, code: &'c TypedCode, occasion: &Occasion, clock: &dyn Clock) -> Result<Pending<'c>, Fault>
    where
        's: 'c,
    {
        let rules = self.locked.store.config.rules();
        let mut now = clock.now()?;
        let place = self.ledger.throttle.place(occasion.source, occasion.channel);
        if self.provenance == Provenance::OneSlotLost || self.ledger.throttle.minds_the_boot(place, &rules.limits) {
            now.boot = clock.boot_id();
        }
        let judgement = judge::judge(&self.record, &self.ledger, self.provenance, code, occasion, &rules, now)?;
        let attempt = Attempt { code, window: rules.window, wall: now.wall };
        Ok(Pending::new(self, judgement, attempt))
    }

    /// What is enrolled.
    #[must_use]
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// What changed since.
    #[must_use]
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// Whether a ledger slot is lost, so that this ledger may not be the newest. The next attempt repairs it.
    #[must_use]
    pub fn has_lost_a_slot(&self) -> bool {
        self.provenance == Provenance::OneSlotLost
    }

    /// The ledger as whatever is no login may write it anew. Written as it is, a ledger that has lost a slot would count
    /// as whole again, and a code that the lost slot knew to be used would be fresh.
    pub(crate) fn ledger_to_carry(&self, now: UnixTime) -> Ledger {
        let mut ledger = self.ledger.clone();
        match self.provenance {
            Provenance::Whole => {}
            Provenance::OneSlotLost => {
                let window = self.locked.store.config.rules().window;
                judge::close_the_window(&self.record, &mut ledger, window, now);
            }
        }
        ledger
    }

    /// Whom it was made for: the name that the account had then.
    #[must_use]
    pub fn made_for(&self) -> Option<&UserName> {
        self.subject().map(|subject| &subject.name)
    }

    /// The file, for the log.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.locked.path
    }

    pub(crate) fn record_id(&self) -> RecordId {
        self.header.record_id
    }

    pub(crate) fn key_id(&self) -> KeyId {
        self.header.key_id
    }

    pub(crate) fn subject(&self) -> Option<&Subject> {
        self.header.subject.as_ref()
    }

    /// Forgets failures and waits, durably in both slots. `false` where there was nothing to forget.
    ///
    /// # Errors
    ///
    /// [`Fault::Io`]; the failures then stand.
    pub fn unlock(mut self, now: UnixTime) -> Result<bool, Fault> {
        let mut next = self.ledger_to_carry(now);
        next.throttle.unlock();
        if next == self.ledger && self.provenance == Provenance::Whole {
            return Ok(false);
        }
        self.write_both(&next)?;
        Ok(true)
    }

    /// Voids the set of backup codes and makes another. The whole file is written anew; devices and throttle stay.
    ///
    /// # Errors
    ///
    /// [`Fault`]; the old set then stands.
    pub fn renew_backup_codes(self, count: u8, now: UnixTime) -> Result<BackupSheet, Fault> {
        let (sheet, codes) = BackupCodes::generate(count, now, self.locked.store.random)?;
        self.replace_backup_codes(codes, now)?;
        Ok(sheet)
    }

    /// The same with a set that was drawn before, so that its sheet can be on paper's way before the old set is void.
    ///
    /// # Errors
    ///
    /// [`Fault`]; the old set then stands.
    pub fn replace_backup_codes(mut self, codes: BackupCodes, now: UnixTime) -> Result<(), Fault> {
        self.record.backup = codes;
        self.record.changed_at = now;
        let ledger = Ledger { used_backup_codes: 0, ..self.ledger_to_carry(now) };
        place::rewrite(self, &ledger)
    }

    /// Removes the file, durably.
    ///
    /// # Errors
    ///
    /// [`Fault::Io`].
    pub fn remove(self) -> Result<(), Fault> {
        self.locked.remove()
    }

    /// One slot: the older one, in one call that writes and flushes, so that a kill cannot come between.
    pub(crate) fn write_one(&mut self, next: &Ledger) -> Result<(), Fault> {
        let path = &self.locked.path;
        let fits = || Fault::DoesNotFit { path: path.clone(), part: Part::Ledger };
        let (name, sequence) = (self.newest.other(), self.sequence.checked_add(1).ok_or_else(fits)?);
        let plain = next.to_bytes().map_err(|_| fits())?;
        let part = SealedPart::Slot(name, sequence);
        let sealed = self.key.seal(part, &self.header_bytes, &plain, self.locked.store.random)?;
        let bytes = Slot::to_bytes(sequence, &sealed).ok_or_else(fits)?;
        self.overwrite(name, &bytes)?;
        (self.newest, self.sequence) = (name, sequence);
        Ok(())
    }

    /// Both slots, one flush each.
    pub(crate) fn write_both(&mut self, next: &Ledger) -> Result<(), Fault> {
        self.write_one(next)?;
        self.write_one(next)
    }

    fn overwrite(&self, name: SlotName, bytes: &[u8]) -> Result<(), Fault> {
        let offset = u64::try_from(name.offset()).unwrap_or(u64::MAX);
        let written = loop {
            match rustix::io::pwritev2(&self.locked.file, &[IoSlice::new(bytes)], offset, ReadWriteFlags::DSYNC) {
                Err(Errno::INTR) => {}
                other => break other,
            }
        };
        match written {
            Ok(count) if count == bytes.len() => Ok(()),
            failed => {
                // After a failed flush the page may show bytes that are not on the disk: drop it, so that the next
                // reader sees the disk. That this fails too changes nothing about the answer.
                let length = std::num::NonZeroU64::new(u64::try_from(BLOCK).unwrap_or(u64::MAX));
                let _: Result<(), Errno> = rustix::fs::fadvise(&self.locked.file, offset, length, Advice::DontNeed);
                let path = &self.locked.path;
                Err(match failed.err().unwrap_or(Errno::IO) {
                    errno @ (Errno::NOSPC | Errno::DQUOT) => {
                        Fault::NoBlock { path: path.clone(), source: errno.into() }
                    }
                    errno => Fault::io(path, "write the ledger", errno),
                })
            }
        }
    }

    pub(crate) fn into_parts(self) -> (Locked<'s>, Record) {
        (self.locked, self.record)
    }
}

impl Locked<'_> {
    /// Removes the file without opening the record: what is damaged can be removed too.
    ///
    /// # Errors
    ///
    /// [`Fault::Io`].
    pub fn remove(self) -> Result<(), Fault> {
        let users = &self.store.users;
        waiver::remove_hint(users, self.uid)?;
        // Beside a record it is void; without one it would invite again.
        remove_invitation(users, self.uid)?;
        rustix::fs::unlinkat(users, crate::store::lock::file_name(self.uid), rustix::fs::AtFlags::empty())
            .or_fault(&self.path, "remove")?;
        rustix::fs::fsync(users).or_fault(&self.path, "flush")
    }
}
