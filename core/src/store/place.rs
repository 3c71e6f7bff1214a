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
use crate::trusted::{CAREFULLY, TrustedDirectory};
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
                let file = NewFile { under: Under::Marker, subject: Subject::of(&account), record: &record };
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
                let file = NewFile { under: Under::Key(key_id, &master), subject, record: &record };
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

    pub(super) fn put(&self, file: &NewFile<'_>, ledger: &Ledger, placing: Placing) -> Result<(), CommitFailure> {
        let path = self.users.path().join(lock::file_name(file.subject.uid));
        let draft = self.write_draft(file, ledger, placing)?;
        rustix::fs::fsync(&draft.file).or_fault(&path, "flush")?;
        let locked_until_durable = draft.place(placing)?;
        rustix::fs::fsync(&self.users).or_fault(&path, "flush")?;
        drop(locked_until_durable);
        Ok(())
    }

    /// Written, not flushed, and in nobody's place.
    pub(super) fn write_draft(
        &self,
        file: &NewFile<'_>,
        ledger: &Ledger,
        placing: Placing,
    ) -> Result<DraftFile<'_>, CommitFailure> {
        let uid = file.subject.uid;
        let path = self.users.path().join(lock::file_name(uid));
        let draft = DraftFile::make(self, uid, placing)?;
        let from_marker;
        let (key_id, master) = match file.under {
            Under::Key(key_id, master) => (key_id, master),
            // Only now: whoever rotates the key writes the marker first and then waits for every draft that there is, so
            // that no file comes into its place under a key that is gone by then.
            Under::Marker => {
                from_marker = self.marker_key()?;
                (from_marker.0, &from_marker.1)
            }
        };
        let bytes = file.to_bytes(ledger, key_id, master, self, &path)?;
        write_all(&draft.file, &bytes).or_fault(&path, "write")?;
        Ok(draft)
    }
}

/// Writes an open record anew under a new id, with the ledger that goes on. The lock is held until the end.
pub(crate) fn rewrite(open: OpenRecord<'_>, ledger: &Ledger) -> Result<(), Fault> {
    let key_id = open.key_id();
    let master = Keyring::open(open.locked.store.config.keys())?.load(key_id)?;
    rewrite_under(open, ledger, key_id, &master)
}

/// The same under another master key.
pub(super) fn rewrite_under(
    open: OpenRecord<'_>,
    ledger: &Ledger,
    key_id: KeyId,
    master: &MasterKey,
) -> Result<(), Fault> {
    let subject = open.subject().cloned();
    let (locked, record) = open.into_parts();
    let damaged = || Fault::Damaged { path: locked.path.clone(), part: Part::Record };
    let under = Under::Key(key_id, master);
    let file = NewFile { under, subject: subject.ok_or_else(damaged)?, record: &record };
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
pub(super) enum Placing {
    Beside,
    Over,
}

/// Under which master key a file is sealed.
pub(super) enum Under<'a> {
    /// The one that the marker names, whichever that is when the file is written.
    Marker,
    Key(KeyId, &'a MasterKey),
}

pub(super) struct NewFile<'a> {
    pub(super) under: Under<'a>,
    pub(super) subject: Subject,
    pub(super) record: &'a Record,
}

impl NewFile<'_> {
    /// All blocks are filled, so that the file has all its blocks on the disk before the first login needs them.
    fn to_bytes(
        &self,
        ledger: &Ledger,
        key_id: KeyId,
        master: &MasterKey,
        store: &Store<'_>,
        path: &Path,
    ) -> Result<Vec<u8>, Fault> {
        let does_not_fit = |part| Fault::DoesNotFit { path: path.to_owned(), part };
        let mut id = [0; 16];
        store.random.fill(&mut id)?;
        let record_id = RecordId(id);
        let plain = self.record.to_bytes().map_err(|_| does_not_fit(Part::Record))?;
        let header = Header {
            kind: FileKind::Person,
            version: self.record.version(),
            key_id,
            record_id,
            subject: Some(self.subject.clone()),
            sealed_bytes: plain.len().saturating_add(SEAL_BYTES),
        };
        let header = header.to_bytes().ok_or_else(|| does_not_fit(Part::Record))?;
        let key = SealingKey::derive(master, record_id).ok_or_else(|| does_not_fit(Part::Record))?;
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
pub(super) struct DraftFile<'a> {
    store: &'a Store<'a>,
    uid: u32,
    pub(super) file: File,
    in_place: bool,
}

fn draft_name(uid: u32) -> String {
    format!(".{uid}.new")
}

/// Waits until every draft that is there now is in its place or gone. One that was left by a kill is nobody's.
pub(super) fn let_drafts_pass(users: &TrustedDirectory) -> Result<(), Fault> {
    let entries = rustix::fs::Dir::read_from(users).or_fault(users.path(), "list")?;
    for entry in entries {
        let entry = entry.or_fault(users.path(), "list")?;
        let name = entry.file_name().to_string_lossy();
        let Some(uid) = name.strip_prefix('.').and_then(|name| name.strip_suffix(".new")?.parse::<u32>().ok()) else {
            continue;
        };
        let path = users.path().join(draft_name(uid));
        if let Some(draft) = existing(users, uid, &path)? {
            lock::wait_for(&draft, &path)?;
        }
    }
    Ok(())
}

impl<'a> DraftFile<'a> {
    fn make(store: &'a Store<'a>, uid: u32, placing: Placing) -> Result<Self, CommitFailure> {
        let path = store.users.path().join(draft_name(uid));
        for _ in 0..lock::REOPENINGS {
            if placing == Placing::Beside && lock::open_person(&store.users, uid, OFlags::RDONLY)?.is_some() {
                return Err(CommitFailure::Changed);
            }
            let directory = LockedDirectory::wait_for(&store.users)?;
            let Some(left_or_written) = existing(&store.users, uid, &path)? else {
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

    /// Gives it its real name; the lock lasts as long as the file is held.
    pub(super) fn place(self, placing: Placing) -> Result<Option<File>, CommitFailure> {
        let uid = self.uid;
        self.place_as(uid, placing)
    }

    /// The same under the name of another uid.
    pub(super) fn place_as(mut self, uid: u32, placing: Placing) -> Result<Option<File>, CommitFailure> {
        let flags = match placing {
            // Two first enrollments at once cannot both win.
            Placing::Beside => RenameFlags::NOREPLACE,
            Placing::Over => RenameFlags::empty(),
        };
        let (users, from, to) = (&self.store.users, draft_name(self.uid), lock::file_name(uid));
        match rustix::fs::renameat_with(users, &from, users, &to, flags) {
            Ok(()) => self.in_place = true,
            Err(Errno::EXIST) => return Err(CommitFailure::Changed),
            Err(errno) => return Err(Fault::io(&users.path().join(to), "rename", errno).into()),
        }
        Ok(self.file.try_clone().ok())
    }
}

/// Clears the draft away that a kill has left; one that is being written stays.
pub(super) fn clear_left_draft(store: &Store<'_>, uid: u32) -> Result<(), Fault> {
    let path = store.users.path().join(draft_name(uid));
    let directory = LockedDirectory::wait_for(&store.users)?;
    if let Some(left_or_written) = existing(&store.users, uid, &path)?
        && lock::try_lock(&left_or_written, &path)?
    {
        rustix::fs::unlinkat(&store.users, draft_name(uid), AtFlags::empty()).or_fault(&path, "remove")?;
    }
    drop(directory);
    Ok(())
}

fn existing(users: &TrustedDirectory, uid: u32, path: &Path) -> Result<Option<File>, Fault> {
    match rustix::fs::openat(users, draft_name(uid), OFlags::RDWR | CAREFULLY, Mode::empty()) {
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
