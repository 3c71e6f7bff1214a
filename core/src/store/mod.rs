// SPDX-License-Identifier: MIT OR Apache-2.0
//! The store: one sealed file per person. The only room that touches its files; no path or descriptor leaves it.

mod archive;
mod batch;
mod blocks;
mod grants;
mod init;
mod invited;
mod keys;
mod layout;
mod lock;
mod open_record;
mod pending;
mod place;
mod rebind;
mod rotation;
mod seal;
mod survey;
mod waiver;

use rustix::fs::OFlags;

pub use archive::{ArchiveKeys, ArchivedRecord, Consent, PersonCopy, Restored, open_archived, receive};
pub use batch::{Batch, Committed, HandoutName, Handouts};
pub use blocks::{BlockFlaw, Blocks, Extent, FileMap};
pub use init::{Made, initialise};
pub use invited::Invited;
pub use keys::{NamedKey, all_keys, restore_key};
pub use layout::{KeyId, RecordId};
pub use lock::{LockFailure, Locked};
pub use open_record::{DeviceFailure, OpenRecord};
pub use pending::{Accepted, Answer, Pending};
pub use place::CommitFailure;
pub use rebind::RebindFailure;
pub use rotation::{Aims, KeyDirectory, KeyStanding, Retired, Rotation, SealedAnew, Waiting, standings, unused_keys};
pub use survey::{Finding, mend, survey};
pub use waiver::{InForce, Waived, hints_at_waiver};

#[cfg(fuzzing)]
pub(crate) use layout::{BLOCK, Slot, SlotName};
pub(crate) use layout::{LEDGER_ROOM, RECORD_ROOM};

use crate::config::Config;
use crate::error::{Fault, OrFault, Part};
use crate::random::Random;
use crate::store::keys::Keyring;
use crate::store::layout::{FILE_BYTES, FileKind, HEADER_BYTES, Header, NotAHeader};
use crate::store::seal::{SealedPart, SealingKey};
use crate::trusted::{OpenFile, Privacy, Trust, TrustedDirectory, TrustedFile, read_start};
use crate::user::{Named, UserName};

/// The store of this host, its directories checked.
pub struct Store<'r> {
    root: TrustedDirectory,
    users: TrustedDirectory,
    config: Config,
    random: &'r dyn Random,
}

/// The store's word that an account has no record: its file is not there, and the store is surely the one that `init`
/// made. Nothing else counts as "not enrolled".
///
/// ```compile_fail,E0603
/// let forged = nightlatch::store::NotEnrolled(());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotEnrolled(());

impl NotEnrolled {
    #[cfg(test)]
    pub(crate) fn for_test() -> Self {
        Self(())
    }
}

/// What the store knows of an account without locking it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Enrollment {
    /// It has a record: this writing of it.
    Enrolled(RecordId),
    /// It has none.
    NotEnrolled(NotEnrolled),
}

/// Somebody who has a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// Whom the file was made for.
    pub name: UserName,
    /// The file's name.
    pub uid: u32,
    /// The uid that it was made for: another than the file's where a rebinding was interrupted.
    pub made_for: u32,
}

/// A file by its uid, and whom it was made for; or what is wrong with it.
pub type Listed = (u32, Result<Person, Fault>);

const MARKER: &str = "store";
const USERS: &str = "users";

impl<'r> Store<'r> {
    /// Opens the store that the config names.
    ///
    /// # Errors
    ///
    /// [`Fault`] where a directory is missing or not root's alone.
    pub fn open(config: &Config, random: &'r dyn Random) -> Result<Self, Fault> {
        let root = TrustedDirectory::open(config.store(), Privacy::Private, Part::Store)?;
        let users = root.subdirectory(USERS, Privacy::Private, Part::Users)?;
        Ok(Self { root, users, config: config.clone(), random })
    }

    /// Whether somebody is enrolled, without a lock: good for deciding whether to ask, not for judging.
    ///
    /// # Errors
    ///
    /// [`Fault`]; a store that cannot be verified is never "not enrolled".
    pub fn enrollment(&self, named: &Named) -> Result<Enrollment, Fault> {
        let Some(OpenFile { file, .. }) = lock::open_person(&self.users, named.uid(), OFlags::RDONLY)? else {
            return Ok(Enrollment::NotEnrolled(self.verified_absence()?));
        };
        let path = self.users.path().join(lock::file_name(named.uid()));
        let bytes = read_start(&file, &path, HEADER_BYTES)?;
        Ok(Enrollment::Enrolled(person_header(&bytes, &path)?.record_id))
    }

    /// Locks somebody's file.
    ///
    /// # Errors
    ///
    /// [`LockFailure::NotEnrolled`] where there is none; [`LockFailure::Fault`], [`Fault::Busy`] among them.
    pub fn lock(&'r self, named: &Named) -> Result<Locked<'r>, LockFailure> {
        lock::lock(self, named.uid())
    }

    /// Locks the file of a uid that may have no account any more.
    ///
    /// # Errors
    ///
    /// As [`Store::lock`].
    pub fn lock_uid(&'r self, uid: u32) -> Result<Locked<'r>, LockFailure> {
        lock::lock(self, uid)
    }

    /// Everybody who has a file, by uid. What is not named by a uid is no record, whatever it holds.
    ///
    /// # Errors
    ///
    /// [`Fault::Io`]. A file whose header is damaged is an error in its place of the list.
    pub fn people(&self) -> Result<Vec<Listed>, Fault> {
        let mut people: Vec<_> = self.uids()?.into_iter().map(|uid| (uid, self.person(uid))).collect();
        people.sort_by_key(|(uid, _)| *uid);
        Ok(people)
    }

    /// The uids of everybody who has a file, in their order: four bytes for each, where [`Store::people`] reads every file.
    ///
    /// # Errors
    ///
    /// [`Fault::Io`].
    pub fn uids_with_a_file(&self) -> Result<Vec<u32>, Fault> {
        let mut uids = self.uids()?;
        uids.sort_unstable();
        Ok(uids)
    }

    /// Whom a uid's file was made for.
    ///
    /// # Errors
    ///
    /// [`Fault::Missing`] where there is none; [`Fault`].
    pub fn person(&self, uid: u32) -> Result<Person, Fault> {
        let path = self.users.path().join(lock::file_name(uid));
        let OpenFile { file, .. } = lock::open_person(&self.users, uid, OFlags::RDONLY)?
            .ok_or_else(|| Fault::Missing { path: path.clone(), part: Part::Record })?;
        let bytes = read_start(&file, &path, HEADER_BYTES)?;
        let subject = person_header(&bytes, &path)?.subject.ok_or(Fault::Damaged { path, part: Part::Record })?;
        Ok(Person { name: subject.name, uid, made_for: subject.uid })
    }

    fn uids(&self) -> Result<Vec<u32>, Fault> {
        uids_in(&self.users)
    }

    /// ENOENT counts only in the store that `init` made; an unmounted or a fresh directory has no marker.
    fn verified_absence(&self) -> Result<NotEnrolled, Fault> {
        self.marker_key().map(|_| NotEnrolled(()))
    }

    /// The key that the marker names and is sealed under: the one for new records.
    fn marker_key(&self) -> Result<(KeyId, crate::secret::MasterKey), Fault> {
        match self.marker_key_now() {
            // Between marker and key a rotation may have ended, which takes the old key away.
            Err(Fault::Missing { part: Part::Key, .. }) => self.marker_key_now(),
            found => found,
        }
    }

    fn marker_key_now(&self) -> Result<(KeyId, crate::secret::MasterKey), Fault> {
        let path = self.root.path().join(MARKER);
        let trust = Trust { privacy: Privacy::Private, max_bytes: 4096 };
        let file = TrustedFile::read(&self.root, MARKER.as_ref(), trust)?
            .ok_or_else(|| Fault::Missing { path: path.clone(), part: Part::Marker })?;
        let damaged = || Fault::Damaged { path: path.clone(), part: Part::Marker };
        let header = Header::from_bytes(file.contents(), FileKind::Marker).map_err(|cause| match cause {
            NotAHeader::Damaged => damaged(),
            NotAHeader::Newer(version) => Fault::Newer { path: path.clone(), version },
        })?;
        let master = Keyring::open(self.config.keys())?.load(header.key_id)?;
        let (bytes, sealed) = file.contents().split_first_chunk::<HEADER_BYTES>().ok_or_else(damaged)?;
        let key = SealingKey::derive(&master, header.record_id).ok_or_else(damaged)?;
        key.unseal(SealedPart::Marker, bytes, sealed).filter(|plain| plain.is_empty()).ok_or_else(damaged)?;
        Ok((header.key_id, master))
    }
}

fn uids_in(users: &TrustedDirectory) -> Result<Vec<u32>, Fault> {
    uids_with(users, "")
}

/// The uids of all files that are named by one, with that ending.
fn uids_with(users: &TrustedDirectory, ending: &str) -> Result<Vec<u32>, Fault> {
    let path = users.path();
    let entries = rustix::fs::Dir::read_from(users).or_fault(path, "list")?;
    let mut uids = Vec::new();
    for entry in entries {
        let entry = entry.or_fault(path, "list")?;
        let name = entry.file_name().to_str().unwrap_or_default();
        let Some(name) = name.strip_suffix(ending) else { continue };
        // The round trip refuses "007" and "+7": one uid, one name.
        if let Some(uid) = name.parse::<u32>().ok().filter(|uid| uid.to_string() == name) {
            uids.push(uid);
        }
    }
    Ok(uids)
}

pub(crate) fn person_header(bytes: &[u8], path: &std::path::Path) -> Result<Header, Fault> {
    Header::from_bytes(bytes, FileKind::Person).map_err(|cause| match cause {
        NotAHeader::Damaged => Fault::Damaged { path: path.to_owned(), part: Part::Record },
        NotAHeader::Newer(version) => Fault::Newer { path: path.to_owned(), version },
    })
}

const _: () = assert!(FILE_BYTES == 12_288);

#[cfg(test)]
mod tests;
