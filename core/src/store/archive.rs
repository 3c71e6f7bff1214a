// SPDX-License-Identifier: MIT OR Apache-2.0
//! People's files copied for a backup, each under its lock, and put back from one. What is put back is sealed anew under
//! the key of this host's marker, in blocks of its own; what was used here stays used.

use std::path::Path;

use crate::clock::UnixTime;
use crate::config::Config;
use crate::error::{Fault, Part};
use crate::ledger::Ledger;
use crate::random::Random;
use crate::record::Record;
use crate::restoration::{self, Plan, Standing};
use crate::secret::MasterKey;
use crate::store::init::{Made, make_for};
use crate::store::invited::{invited_uids, remove_invitation};
use crate::store::keys::Keyring;
use crate::store::layout::{BLOCK, FILE_BYTES, FileKind, HEADER_BYTES, Header, Subject};
use crate::store::open_record::newest_ledger;
use crate::store::place::{NewFile, Placing, Under};
use crate::store::seal::{SealedPart, SealingKey};
use crate::store::{CommitFailure, KeyId, LockFailure, Locked, MARKER, Store, lock, person_header, waiver};
use crate::trusted::{Privacy, Trust, TrustedFile, read_start};
use crate::user::UserName;
use crate::verify::judge::{Provenance, Window};

/// Somebody's file as it was at one moment.
#[derive(Debug)]
pub struct PersonCopy {
    /// All of its bytes, sealed as they are.
    pub bytes: Vec<u8>,
    /// The key that it is sealed under; `None` where its header is damaged.
    pub key: Option<KeyId>,
    /// Why it does not open here, if it does not.
    pub flaw: Option<Fault>,
}

impl<'r> Store<'r> {
    /// The uids of everybody who has a file, in order.
    ///
    /// # Errors
    ///
    /// [`Fault::Io`].
    pub fn enrolled_uids(&self) -> Result<Vec<u32>, Fault> {
        let mut uids = self.uids()?;
        uids.sort_unstable();
        Ok(uids)
    }

    /// The uids of everybody who has an invitation, in order.
    ///
    /// # Errors
    ///
    /// [`Fault::Io`].
    pub fn invited_uids(&self) -> Result<Vec<u32>, Fault> {
        let mut uids = invited_uids(&self.users)?;
        uids.sort_unstable();
        Ok(uids)
    }

    /// A copy of somebody's file, made under its lock: no login writes a slot meanwhile. `None` where there is none.
    ///
    /// # Errors
    ///
    /// [`Fault`] where the file cannot be locked or read.
    pub fn copy_person(&'r self, uid: u32) -> Result<Option<PersonCopy>, Fault> {
        let locked = match self.lock_uid(uid) {
            Ok(locked) => locked,
            Err(LockFailure::NotEnrolled(_)) => return Ok(None),
            Err(LockFailure::Fault(fault)) => return Err(fault),
        };
        let bytes = read_start(&locked.file, &locked.path, FILE_BYTES)?;
        let key = person_header(&bytes, &locked.path).ok().map(|header| header.key_id);
        let flaw = locked.open_as_made().err();
        Ok(Some(PersonCopy { bytes, key, flaw }))
    }

    /// A copy of somebody's invitation. `None` where there is none.
    ///
    /// # Errors
    ///
    /// [`Fault`] where it cannot be read.
    pub fn copy_invitation(&self, uid: u32) -> Result<Option<Vec<u8>>, Fault> {
        Ok(self.sealed_invitation(uid)?.map(|sealed| sealed.bytes().to_vec()))
    }

    /// A copy of the marker, verified.
    ///
    /// # Errors
    ///
    /// [`Fault`] where it does not unseal.
    pub fn copy_marker(&self) -> Result<Vec<u8>, Fault> {
        self.marker_key()?;
        let trust = Trust { privacy: Privacy::Private, max_bytes: 4096 };
        let file = TrustedFile::read(&self.root, MARKER.as_ref(), trust)?;
        let missing = || Fault::Missing { path: self.root.path().join(MARKER), part: Part::Marker };
        Ok(file.ok_or_else(missing)?.contents().to_vec())
    }
}

/// The master keys that came with a backup.
#[derive(Default)]
pub struct ArchiveKeys(Vec<(KeyId, MasterKey)>);

impl ArchiveKeys {
    /// Takes a key by the name of its file. `false` where that is not its id.
    pub fn add(&mut self, name: &str, bytes: &[u8]) -> bool {
        let named = KeyId::from_name(name);
        match MasterKey::from_bytes(bytes).and_then(|key| Some((key.id()?, key))) {
            Some((id, key)) if named == Some(id) => {
                self.0.push((id, key));
                true
            }
            Some(_) | None => false,
        }
    }

    pub(super) fn find(&self, id: KeyId) -> Option<&MasterKey> {
        self.0.iter().find(|(of, _)| *of == id).map(|(_, key)| key)
    }
}

/// A person out of a backup, unsealed. What lets somebody in without a device or a backup code is not in it any more: a
/// bypass code that was used up or a waiver that was ended since would be back.
pub struct ArchivedRecord {
    subject: Subject,
    record: Record,
    ledger: Ledger,
    provenance: Provenance,
    /// Whether it had a bypass code.
    pub had_bypass: bool,
    /// Whether it had a waiver.
    pub had_waiver: bool,
}

/// Unseals a person's file out of a backup, with its key or one that is here. The path is for what is wrong with it.
///
/// # Errors
///
/// [`Fault::Missing`] where the key is neither in the backup nor here; [`Fault::Damaged`], [`Fault::Foreign`] where it is
/// for another uid than its name says, [`Fault::Newer`].
pub fn open_archived(
    config: &Config,
    path: &Path,
    uid: u32,
    bytes: &[u8],
    keys: &ArchiveKeys,
) -> Result<ArchivedRecord, Fault> {
    let damaged = |part| Fault::Damaged { path: path.to_owned(), part };
    if bytes.len() != FILE_BYTES {
        return Err(damaged(Part::Record));
    }
    let (header_bytes, rest) = bytes.split_first_chunk::<HEADER_BYTES>().ok_or_else(|| damaged(Part::Record))?;
    let header = person_header(header_bytes, path)?;
    let subject = header.subject.clone().ok_or_else(|| damaged(Part::Record))?;
    if subject.uid != uid {
        let made_for = format!("{} (uid {})", crate::audit::escaped(subject.name.as_str()), subject.uid);
        return Err(Fault::Foreign { path: path.to_owned(), made_for });
    }
    let key = sealing_key(config, &header, keys)?.ok_or_else(|| damaged(Part::Record))?;
    let sealed = rest.get(..header.sealed_bytes).filter(|sealed| sealed.len() <= BLOCK.saturating_sub(HEADER_BYTES));
    let plain = sealed.and_then(|sealed| key.unseal(SealedPart::Record, header_bytes, sealed));
    let mut record = plain.and_then(|plain| Record::from_bytes(&plain).ok()).ok_or_else(|| damaged(Part::Record))?;
    let newest = newest_ledger(bytes, &key, header_bytes).ok_or_else(|| damaged(Part::Ledger))?;
    let (had_bypass, had_waiver) = (record.bypass.take().is_some(), record.waiver.take().is_some());
    let (ledger, provenance) = (newest.ledger, newest.provenance);
    Ok(ArchivedRecord { subject, record, ledger, provenance, had_bypass, had_waiver })
}

fn sealing_key(config: &Config, header: &Header, keys: &ArchiveKeys) -> Result<Option<SealingKey>, Fault> {
    if let Some(master) = keys.find(header.key_id) {
        return Ok(SealingKey::derive(master, header.record_id));
    }
    let keyring = match Keyring::open(config.keys()) {
        Err(Fault::Missing { .. }) => {
            let path = config.keys().join(header.key_id.to_string());
            return Err(Fault::Missing { path, part: Part::Key });
        }
        opened => opened?,
    };
    Ok(SealingKey::derive(&keyring.load(header.key_id)?, header.record_id))
}

/// Makes a store to restore into where there is none. The key that the backup's marker names has to be in the backup or here:
/// else nothing of it could be read, and nothing is made.
///
/// # Errors
///
/// [`Fault`]; [`Fault::Missing`] where that key is not there.
pub fn receive(
    config: &Config,
    config_path: &Path,
    marker: &[u8],
    keys: &ArchiveKeys,
    random: &dyn Random,
) -> Result<Vec<Made>, Fault> {
    let damaged = || Fault::Damaged { path: config.store().join(MARKER), part: Part::Marker };
    let header = Header::from_bytes(marker, FileKind::Marker).map_err(|_| damaged())?;
    drop(sealing_key(config, &header, keys)?);
    make_for(config, config_path, marker, keys, random)
}

/// Whether what is void here may come back with a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    /// Whoever has anything void is left as they are.
    KeepVoid,
    /// It was agreed to.
    Revive,
}

/// What became of a person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Restored {
    /// Written.
    Written(Standing),
    /// There was nothing to do.
    Unchanged(Standing),
    /// Something void would have come back, and nobody had agreed to it.
    Left(Standing),
}

impl ArchivedRecord {
    /// Whom it was made for.
    #[must_use]
    pub fn name(&self) -> &UserName {
        &self.subject.name
    }

    /// The uid.
    #[must_use]
    pub fn uid(&self) -> u32 {
        self.subject.uid
    }

    /// What is enrolled.
    #[must_use]
    pub fn record(&self) -> &Record {
        &self.record
    }

    /// The ledger as it can be believed: where a slot is lost, whatever could be accepted now is used.
    fn ledger(&self, window: Window, now: UnixTime) -> Ledger {
        match self.provenance {
            Provenance::Whole => self.ledger.clone(),
            Provenance::OneSlotLost => restoration::alone(&self.record, &self.ledger, window, now),
        }
    }

    /// How it stands to what is here; nothing is changed.
    ///
    /// # Errors
    ///
    /// [`Fault`] where what is here cannot be locked, or is somebody else's.
    pub fn compare<'r>(&self, store: &'r Store<'r>, now: UnixTime) -> Result<Standing, Fault> {
        let window = store.config.rules().window;
        let Some(locked) = self.lock(store)? else { return Ok(Standing::New) };
        match locked.open_as_made() {
            Ok(open) => {
                self.is_for(open.subject(), open.path())?;
                let here = open.ledger_to_carry(now);
                let copy = self.ledger(window, now);
                let plan = restoration::beside((open.record(), &here), (&self.record, &copy), window, now);
                Ok(plan.standing)
            }
            Err(Fault::Damaged { part: Part::Record | Part::Ledger, .. }) => Ok(Standing::UnreadableHere),
            Err(fault) => Err(fault),
        }
    }

    /// Puts it in place, under the lock of what is here: looked at anew, since a login may have come between.
    ///
    /// # Errors
    ///
    /// [`Fault`]; what was here then stands.
    pub fn restore<'r>(&self, store: &'r Store<'r>, consent: Consent, now: UnixTime) -> Result<Restored, Fault> {
        let window = store.config.rules().window;
        let alone = || restoration::alone(&self.record, &self.ledger, window, now);
        let Some(locked) = self.lock(store)? else {
            self.put(store, &alone(), Placing::Beside)?;
            // Void from here on, as after an enrollment.
            let _: Result<bool, Fault> = remove_invitation(&store.users, self.subject.uid);
            return Ok(Restored::Written(Standing::New));
        };
        let again = locked.file.try_clone().map_err(|error| crate::trusted::io_fault(&locked.path, "hold", error))?;
        let mut open = match locked.open_as_made() {
            Ok(open) => open,
            Err(Fault::Damaged { part: Part::Record | Part::Ledger, .. }) => {
                self.put(store, &alone(), Placing::Over)?;
                drop(again);
                return Ok(Restored::Written(Standing::UnreadableHere));
            }
            Err(fault) => return Err(fault),
        };
        self.is_for(open.subject(), open.path())?;
        let here = open.ledger_to_carry(now);
        let copy = self.ledger(window, now);
        let Plan { standing, ledger } = restoration::beside((open.record(), &here), (&self.record, &copy), window, now);
        match &standing {
            Standing::Same | Standing::Older | Standing::New | Standing::UnreadableHere => {
                Ok(Restored::Unchanged(standing))
            }
            Standing::Newer => {
                open.write_both(&ledger)?;
                Ok(Restored::Written(standing))
            }
            Standing::Differs { revivals, .. } if !revivals.is_empty() && consent == Consent::KeepVoid => {
                Ok(Restored::Left(standing))
            }
            Standing::Differs { .. } => {
                // The waiver of the record that goes; one that is believed in nothing, as ever.
                waiver::remove_hint(&store.users, self.subject.uid)?;
                self.put(store, &ledger, Placing::Over)?;
                drop(open);
                Ok(Restored::Written(standing))
            }
        }
    }

    fn lock<'r>(&self, store: &'r Store<'r>) -> Result<Option<Locked<'r>>, Fault> {
        match store.lock_uid(self.subject.uid) {
            Ok(locked) => Ok(Some(locked)),
            Err(LockFailure::NotEnrolled(_)) => Ok(None),
            Err(LockFailure::Fault(fault)) => Err(fault),
        }
    }

    /// One uid, one person: what is here of another name is never written over.
    fn is_for(&self, here: Option<&Subject>, path: &Path) -> Result<(), Fault> {
        match here {
            Some(subject) if *subject == self.subject => Ok(()),
            other => {
                let made_for = other.map(|subject| crate::audit::escaped(subject.name.as_str())).unwrap_or_default();
                Err(Fault::Foreign { path: path.to_owned(), made_for })
            }
        }
    }

    fn put(&self, store: &Store<'_>, ledger: &Ledger, placing: Placing) -> Result<(), Fault> {
        let file = NewFile { under: Under::Marker, subject: self.subject.clone(), record: &self.record };
        store.put(&file, ledger, placing).map_err(|failure| match failure {
            CommitFailure::Fault(fault) => fault,
            CommitFailure::Changed => {
                Fault::Restless { path: store.users.path().join(lock::file_name(self.subject.uid)) }
            }
        })
    }
}
