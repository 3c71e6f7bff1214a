// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whole files put in place: written beside, flushed, renamed, the directory flushed. For enrollments and for changes of
//! a record; a login never comes here.

use std::fs::File;
use std::path::Path;

use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use crate::backup::BackupSheet;
use crate::clock::UnixTime;
use crate::enrollment::{Basis, Confirmed, Purpose};
use crate::error::{Fault, Flaw, OrFault, Part};
use crate::ledger::{Ledger, Progress};
use crate::record::{Device, Kind, Record};
use crate::secret::MasterKey;
use crate::store::invited::remove_invitation;
use crate::store::keys::{Keyring, write_all};
use crate::store::layout::{BLOCK, FILE_BYTES, FileKind, HEADER_BYTES, Header, SEAL_BYTES, Slot, SlotName, Subject};
use crate::store::lock::LockedDirectory;
use crate::store::open_record::{DeviceFailure, OpenRecord};
use crate::store::seal::{SealedPart, SealingKey};
use crate::store::{KeyId, LockFailure, RecordId, Store, lock};
use crate::trusted::CAREFULLY;
use crate::user::Account;

/// Why an enrollment was not committed.
#[derive(Debug)]
pub enum CommitFailure {
    /// The record is no longer the one, or the absence, that the draft was made for.
    Changed,
    /// Everything else.
    Fault(Fault),
}

impl From<Fault> for CommitFailure {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl<'r> Store<'r> {
    /// Puts a confirmed enrollment in place and hands out its backup codes.
    ///
    /// # Errors
    ///
    /// [`CommitFailure::Changed`] where somebody else was quicker; [`CommitFailure::Fault`]. The old state then stands.
    pub fn commit(&'r self, confirmed: Confirmed, now: UnixTime) -> Result<BackupSheet, CommitFailure> {
        let Confirmed { account, purpose, record, ledger, sheet } = confirmed;
        match purpose {
            Purpose::Record(Basis::Absent(_)) => {
                let (key_id, master) = self.marker_key()?;
                let file = NewFile { key_id, master: &master, subject: Subject::of(&account), record: &record };
                self.put(&file, &ledger, Placing::Beside)?;
                // Void from here on, so that one that cannot be removed does no harm; `remove` tries again.
                let _: Result<bool, Fault> = remove_invitation(&self.users, account.uid());
            }
            Purpose::Record(Basis::Record(made_for)) => {
                let open = self.open_as_drafted(&account, made_for)?;
                let ledger = carried_over(&open, &record, ledger, now);
                let (key_id, subject) = (open.key_id(), Subject::of(&account));
                let master = Keyring::open(self.config.keys())?.load(key_id)?;
                // The lock is held until the new file is durable in its place.
                let file = NewFile { key_id, master: &master, subject, record: &record };
                self.put(&file, &ledger, Placing::Over)?;
                drop(open);
            }
            Purpose::AnotherDevice(made_for) => {
                let open = self.open_as_drafted(&account, made_for)?;
                open.add_devices(record.devices, &ledger, now).map_err(|failure| match failure {
                    DeviceFailure::Fault(fault) => CommitFailure::Fault(fault),
                    // There was room in the record that the draft was made for.
                    DeviceFailure::Refused(_) | DeviceFailure::NotResynchronised(_) => CommitFailure::Changed,
                })?;
            }
        }
        Ok(sheet)
    }

    /// The record, locked and open, if it still is the writing that a draft was made for.
    fn open_as_drafted(&'r self, account: &Account, made_for: RecordId) -> Result<OpenRecord<'r>, CommitFailure> {
        let locked = self.lock(account.named()).map_err(|failure| match failure {
            LockFailure::NotEnrolled(_) => CommitFailure::Changed,
            LockFailure::Fault(fault) => CommitFailure::Fault(fault),
        })?;
        let open = locked.open(account.named())?;
        if open.record_id() == made_for { Ok(open) } else { Err(CommitFailure::Changed) }
    }

    fn put(&self, file: &NewFile<'_>, ledger: &Ledger, placing: Placing) -> Result<(), CommitFailure> {
        let uid = file.subject.uid;
        let path = self.users.path().join(lock::file_name(uid));
        let bytes = file.to_bytes(ledger, self, &path)?;
        let draft = DraftFile::make(self, uid, placing)?;
        write_all(&draft.file, &bytes).or_fault(&path, "write")?;
        rustix::fs::fsync(&draft.file).or_fault(&path, "flush")?;
        let flags = match placing {
            // Two first enrollments at once cannot both win.
            Placing::Beside => RenameFlags::NOREPLACE,
            Placing::Over => RenameFlags::empty(),
        };
        let (from, to) = (draft_name(uid), lock::file_name(uid));
        match rustix::fs::renameat_with(&self.users, &from, &self.users, &to, flags) {
            Ok(()) => {}
            Err(Errno::EXIST) => return Err(CommitFailure::Changed),
            Err(errno) => return Err(Fault::io(&path, "rename", errno).into()),
        }
        let locked_until_durable = draft.placed();
        rustix::fs::fsync(&self.users).or_fault(&path, "flush")?;
        drop(locked_until_durable);
        Ok(())
    }
}

/// Writes an open record anew under a new id, with the ledger that goes on. The lock is held until the end.
pub(crate) fn rewrite(open: OpenRecord<'_>, ledger: &Ledger) -> Result<(), Fault> {
    let key_id = open.key_id();
    let subject = open.subject().cloned();
    let (locked, record) = open.into_parts();
    let damaged = || Fault::Damaged { path: locked.path.clone(), part: Part::Record };
    let master = Keyring::open(locked.store.config.keys())?.load(key_id)?;
    let file = NewFile { key_id, master: &master, subject: subject.ok_or_else(damaged)?, record: &record };
    locked.store.put(&file, ledger, Placing::Over).map_err(|failure| match failure {
        CommitFailure::Fault(fault) => fault,
        CommitFailure::Changed => Fault::Restless { path: locked.path.clone() },
    })
}

/// A replacement keeps the throttle, the last login and the notice; and the last step of a secret that goes on. Backup
/// codes, bypass code and waiver were the old record's.
fn carried_over(open: &OpenRecord<'_>, record: &Record, mut fresh: Ledger, now: UnixTime) -> Ledger {
    let old = open.ledger_to_carry(now);
    for device in &record.devices {
        let goes_on = |old: &&Device| old.secret.is_same_as(&device.secret) && old.kind.counts_as(device.kind);
        let same = open.record().devices.iter().find(goes_on);
        let before = same.and_then(|same| old.device(same.id)).map(|state| state.progress);
        if let (Some(before), Some(state)) = (before, fresh.device_mut(device.id)) {
            state.progress = match (before, state.progress, device.kind) {
                (Progress::Totp(a), Progress::Totp(b), Kind::Totp { .. }) => Progress::Totp(a.later(b)),
                (Progress::Hotp { next: a }, Progress::Hotp { next: b }, Kind::Hotp) => {
                    Progress::Hotp { next: a.max(b) }
                }
                (_, unchanged, _) => unchanged,
            };
        }
    }
    Ledger { devices: fresh.devices, used_backup_codes: 0, bypass_uses: 0, waiver_uses: 0, ..old }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Placing {
    Beside,
    Over,
}

struct NewFile<'a> {
    key_id: KeyId,
    master: &'a MasterKey,
    subject: Subject,
    record: &'a Record,
}

impl NewFile<'_> {
    /// All blocks are filled, so that the file has all its blocks on the disk before the first login needs them.
    fn to_bytes(&self, ledger: &Ledger, store: &Store<'_>, path: &Path) -> Result<Vec<u8>, Fault> {
        let does_not_fit = |part| Fault::DoesNotFit { path: path.to_owned(), part };
        let mut id = [0; 16];
        store.random.fill(&mut id)?;
        let record_id = RecordId(id);
        let plain = self.record.to_bytes().map_err(|_| does_not_fit(Part::Record))?;
        let header = Header {
            kind: FileKind::Person,
            key_id: self.key_id,
            record_id,
            subject: Some(self.subject.clone()),
            sealed_bytes: plain.len().saturating_add(SEAL_BYTES),
        };
        let header = header.to_bytes().ok_or_else(|| does_not_fit(Part::Record))?;
        let key = SealingKey::derive(self.master, record_id).ok_or_else(|| does_not_fit(Part::Record))?;
        let sealed = key.seal(SealedPart::Record, &header, &plain, store.random)?;
        let ledger = ledger.to_bytes().map_err(|_| does_not_fit(Part::Ledger))?;
        let mut file = Vec::with_capacity(FILE_BYTES);
        file.extend_from_slice(&header);
        file.extend_from_slice(&sealed);
        if file.len() > BLOCK {
            return Err(does_not_fit(Part::Record));
        }
        for (name, sequence) in [(SlotName::A, 1), (SlotName::B, 2)] {
            let sealed = key.seal(SealedPart::Slot(name, sequence), &header, &ledger, store.random)?;
            file.resize(name.offset(), 0);
            file.extend_from_slice(&Slot::to_bytes(sequence, &sealed).ok_or_else(|| does_not_fit(Part::Ledger))?);
        }
        file.resize(FILE_BYTES, 0);
        debug_assert!(file.get(HEADER_BYTES..).is_some());
        Ok(file)
    }
}

/// The file that is written beside. Its name is no uid, so nothing ever takes it for a record; it is locked while
/// somebody writes it, so that one left behind by a kill is told from one that is being written.
struct DraftFile<'a> {
    store: &'a Store<'a>,
    uid: u32,
    file: File,
    in_place: bool,
}

fn draft_name(uid: u32) -> String {
    format!(".{uid}.new")
}

impl<'a> DraftFile<'a> {
    fn make(store: &'a Store<'a>, uid: u32, placing: Placing) -> Result<Self, CommitFailure> {
        let path = store.users.path().join(draft_name(uid));
        for _ in 0..lock::REOPENINGS {
            if placing == Placing::Beside && lock::open_person(&store.users, uid, OFlags::RDONLY)?.is_some() {
                return Err(CommitFailure::Changed);
            }
            let directory = LockedDirectory::wait_for(&store.users)?;
            let Some(left_or_written) = existing(store, uid, &path)? else {
                let file = create(store, uid)?;
                return Ok(Self { store, uid, file, in_place: false });
            };
            // Nobody is between making and locking: the directory is ours. So one that is free was left by a kill.
            if lock::try_lock(&left_or_written, &path)? {
                rustix::fs::unlinkat(&store.users, draft_name(uid), AtFlags::empty()).or_fault(&path, "remove")?;
                let file = create(store, uid)?;
                return Ok(Self { store, uid, file, in_place: false });
            }
            drop(directory);
            lock::wait_for(&left_or_written, &path)?;
        }
        Err(Fault::Restless { path }.into())
    }

    /// It has its real name now; the lock lasts as long as the file is held.
    fn placed(mut self) -> Option<File> {
        self.in_place = true;
        self.file.try_clone().ok()
    }
}

fn existing(store: &Store<'_>, uid: u32, path: &Path) -> Result<Option<File>, Fault> {
    match rustix::fs::openat(&store.users, draft_name(uid), OFlags::RDWR | CAREFULLY, Mode::empty()) {
        Ok(fd) => Ok(Some(File::from(fd))),
        Err(Errno::NOENT) => Ok(None),
        Err(Errno::LOOP | Errno::ISDIR | Errno::NXIO) => {
            Err(Fault::Untrusted { path: path.to_owned(), flaw: Flaw::NotAFile })
        }
        Err(errno) => Err(Fault::io(path, "open", errno)),
    }
}

/// Named by what it is to become: whoever reads of a failure finds no draft any more.
fn create(store: &Store<'_>, uid: u32) -> Result<File, Fault> {
    let path = &store.users.path().join(lock::file_name(uid));
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | CAREFULLY;
    let mode = Mode::RUSR | Mode::WUSR;
    let file = File::from(rustix::fs::openat(&store.users, draft_name(uid), flags, mode).or_fault(path, "make")?);
    rustix::fs::fchmod(&file, mode).or_fault(path, "chmod")?;
    lock::wait_for(&file, path)?;
    Ok(file)
}

impl Drop for DraftFile<'_> {
    fn drop(&mut self) {
        if !self.in_place {
            // What fails here leaves a file behind that the next writer clears away.
            let _: Result<(), Errno> = rustix::fs::unlinkat(&self.store.users, draft_name(self.uid), AtFlags::empty());
        }
    }
}
