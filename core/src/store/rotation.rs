// SPDX-License-Identifier: MIT OR Apache-2.0
//! A new master key, and every file sealed anew under it, while logins go on: each opens the key that its file's header
//! names. Which files are left to do is read off their headers alone, so that whoever is interrupted goes on from there.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use rustix::fs::{OFlags, RenameFlags};

use crate::clock::UnixTime;
use crate::config::Config;
use crate::error::{Fault, Part};
use crate::random::Random;
use crate::secret::MasterKey;
use crate::store::init::write_marker;
use crate::store::invited::invited_uids;
use crate::store::keys::Keyring;
use crate::store::layout::HEADER_BYTES;
use crate::store::lock::LockedDirectory;
use crate::store::{KeyId, LockFailure, Store, lock, person_header, place};
use crate::trusted::{OpenFile, read_start};

/// A master key, and what is sealed under it.
#[derive(Debug)]
pub struct KeyStanding {
    /// Its id.
    pub id: KeyId,
    /// When its file was made; `None` where files name it and it is not there.
    pub made_at: Option<UnixTime>,
    /// Whether new records get it.
    pub is_for_new_records: bool,
    /// How many people's files name it.
    pub records: u64,
    /// How many invitations do.
    pub invitations: u64,
}

/// All master keys that are there or are named, and what does not say which one it needs.
///
/// # Errors
///
/// [`Fault`] where the store, its marker or the key directory cannot be read.
pub fn standings(config: &Config, random: &dyn Random) -> Result<(Vec<KeyStanding>, Vec<Fault>), Fault> {
    let store = Store::open(config, random)?;
    let keyring = Keyring::open(config.keys())?;
    let (marker, _) = store.marker_key()?;
    let named = store.named_keys()?;
    let mut ids: BTreeSet<KeyId> = keyring.ids()?.into_iter().collect();
    ids.extend(named.by.keys().copied().chain([marker]));
    let mut standings = Vec::new();
    for id in ids {
        let (records, invitations) = named.by.get(&id).copied().unwrap_or_default();
        let made_at = keyring.made_at(id)?;
        standings.push(KeyStanding { id, made_at, is_for_new_records: id == marker, records, invitations });
    }
    Ok((standings, named.silent))
}

/// The files of keys that nothing names: no marker, no record and no invitation. An older copy of the store may need one.
///
/// # Errors
///
/// [`Fault`] where something does not say which key it needs: then nobody can say that one is not needed.
pub fn unused_keys(config: &Config, random: &dyn Random) -> Result<Vec<PathBuf>, Fault> {
    let (standings, silent) = standings(config, random)?;
    if let Some(fault) = silent.into_iter().next() {
        return Err(fault);
    }
    let is_unused = |key: &&KeyStanding| {
        key.made_at.is_some() && !key.is_for_new_records && key.records == 0 && key.invitations == 0
    };
    Ok(standings.iter().filter(is_unused).map(|key| config.keys().join(key.id.to_string())).collect())
}

/// What a rotation is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aims {
    /// Make a new key.
    NewKey,
    /// Finish one that was interrupted.
    GoOn,
}

/// A rotation that is going on. Nobody else rotates meanwhile.
pub struct Rotation<'r> {
    store: &'r Store<'r>,
    keyring: &'r KeyDirectory,
    _nobody_else: LockedDirectory<'r>,
    to: KeyId,
    master: MasterKey,
    aims: Aims,
}

/// The directory of master keys, open for a rotation.
pub struct KeyDirectory(Keyring);

/// A file that is not sealed under the new key yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Waiting {
    /// A person's file, by uid.
    Record(u32),
    /// An invitation, by uid.
    Invitation(u32),
}

/// What became of a file that was waiting.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SealedAnew {
    /// It is sealed under the new key.
    Done,
    /// It was removed meanwhile, or sealed anew by somebody else.
    NothingToDo,
}

/// What became of the keys that are not the new one.
#[derive(Debug)]
pub struct Retired {
    /// Nothing named them: their files are gone.
    pub removed: Vec<KeyId>,
    /// Something may need them.
    pub kept: Vec<KeyId>,
}

/// How many records and invitations name each key, and the files that do not say.
struct NamedKeys {
    by: BTreeMap<KeyId, (u64, u64)>,
    silent: Vec<Fault>,
}

impl<'r> Store<'r> {
    /// The directory of master keys.
    ///
    /// # Errors
    ///
    /// [`Fault`] where it is missing or not root's alone.
    pub fn key_directory(&self) -> Result<KeyDirectory, Fault> {
        Keyring::open(self.config.keys()).map(KeyDirectory)
    }

    /// Makes a new key and the marker that names it; or takes up a rotation that was interrupted, which shows by files
    /// that name another key than the marker does.
    ///
    /// The marker comes first, so that from here on nobody is enrolled or invited under the old key any more: the files
    /// that are left to do only ever get fewer. The key before the marker, so that no marker names a key that is not there.
    ///
    /// # Errors
    ///
    /// [`Fault::Busy`] where another rotation is going on; any other [`Fault`]. The old key is then still there.
    pub fn rotate_key(&'r self, directory: &'r KeyDirectory) -> Result<Rotation<'r>, Fault> {
        let KeyDirectory(keyring) = directory;
        let nobody_else = keyring.lock()?;
        keyring.clear_drafts()?;
        let (present, present_key) = self.marker_key()?;
        let another_is_named = self.named_keys()?.by.keys().any(|id| *id != present);
        let (to, master, aims) = if another_is_named {
            (present, present_key, Aims::GoOn)
        } else {
            let master = MasterKey::generate(self.random)?;
            let id = master.id().ok_or(Fault::NoRandomness)?;
            keyring.put(id, &master)?;
            write_marker(self, id, &master, RenameFlags::empty())?;
            (id, master, Aims::NewKey)
        };
        Ok(Rotation { store: self, keyring: directory, _nobody_else: nobody_else, to, master, aims })
    }

    /// Reads the headers of all files, without a lock: whoever may write a file under an old key was waited for.
    fn named_keys(&self) -> Result<NamedKeys, Fault> {
        let mut named = NamedKeys { by: BTreeMap::new(), silent: Vec::new() };
        self.each_key(|found| match found {
            Ok((id, waiting)) => {
                let (records, invitations) = named.by.entry(id).or_default();
                match waiting {
                    Waiting::Record(_) => *records = records.saturating_add(1),
                    Waiting::Invitation(_) => *invitations = invitations.saturating_add(1),
                }
            }
            Err(fault) => named.silent.push(fault),
        })?;
        Ok(named)
    }

    fn each_key(&self, mut tell: impl FnMut(Result<(KeyId, Waiting), Fault>)) -> Result<(), Fault> {
        let mut uids = self.uids()?;
        uids.sort_unstable();
        for uid in uids {
            if let Some(found) = self.key_of_record(uid).transpose() {
                tell(found.map(|id| (id, Waiting::Record(uid))));
            }
        }
        for uid in invited_uids(&self.users)? {
            if let Some(found) = self.sealed_invitation(uid).transpose() {
                tell(found.map(|sealed| (sealed.header.key_id, Waiting::Invitation(uid))));
            }
        }
        Ok(())
    }

    fn key_of_record(&self, uid: u32) -> Result<Option<KeyId>, Fault> {
        let Some(OpenFile { file, .. }) = lock::open_person(&self.users, uid, OFlags::RDONLY)? else { return Ok(None) };
        let path = self.users.path().join(lock::file_name(uid));
        let bytes = read_start(&file, &path, HEADER_BYTES)?;
        person_header(&bytes, &path).map(|header| Some(header.key_id))
    }

    /// Whoever was about to put a file in place under the key that the marker named before has done so, or has not and
    /// will read the marker anew.
    fn let_writers_pass(&self) -> Result<(), Fault> {
        drop(LockedDirectory::wait_for(&self.users)?);
        place::let_drafts_pass(&self.users)
    }
}

impl Rotation<'_> {
    /// The key that everything gets.
    #[must_use]
    pub fn key(&self) -> KeyId {
        self.to
    }

    /// Whether it is new, or that of a rotation that was interrupted.
    #[must_use]
    pub fn aims(&self) -> Aims {
        self.aims
    }

    /// The files that name another key, and what is wrong with those that do not say which.
    ///
    /// # Errors
    ///
    /// [`Fault`] where the store cannot be listed, or somebody holds a draft for too long.
    pub fn waiting(&self) -> Result<(Vec<Waiting>, Vec<Fault>), Fault> {
        self.store.let_writers_pass()?;
        let (mut waiting, mut silent) = (Vec::new(), Vec::new());
        self.store.each_key(|found| match found {
            Ok((id, _)) if id == self.to => {}
            Ok((_, file)) => waiting.push(file),
            Err(fault) => silent.push(fault),
        })?;
        Ok((waiting, silent))
    }

    /// Seals one file anew. A record keeps its ledger as any rewriting does: no used code becomes usable, no failure is
    /// forgotten.
    ///
    /// # Errors
    ///
    /// [`Fault`] where it does not open or cannot be written; it then stands as it was, under its old key.
    pub fn seal_anew(&self, file: Waiting, now: UnixTime) -> Result<SealedAnew, Fault> {
        match file {
            Waiting::Record(uid) => self.seal_record(uid, now),
            Waiting::Invitation(uid) => self.seal_invitation(uid),
        }
    }

    fn seal_record(&self, uid: u32, now: UnixTime) -> Result<SealedAnew, Fault> {
        let locked = match self.store.lock_uid(uid) {
            Ok(locked) => locked,
            Err(LockFailure::NotEnrolled(_)) => return Ok(SealedAnew::NothingToDo),
            Err(LockFailure::Fault(fault)) => return Err(fault),
        };
        let open = locked.open_as_made()?;
        if open.key_id() == self.to {
            return Ok(SealedAnew::NothingToDo);
        }
        let ledger = open.ledger_to_carry(now);
        place::rewrite_under(open, &ledger, self.to, &self.master)?;
        Ok(SealedAnew::Done)
    }

    fn seal_invitation(&self, uid: u32) -> Result<SealedAnew, Fault> {
        let locked = LockedDirectory::wait_for(&self.store.users)?;
        let Some(sealed) = self.store.sealed_invitation(uid)? else { return Ok(SealedAnew::NothingToDo) };
        if sealed.header.key_id == self.to {
            return Ok(SealedAnew::NothingToDo);
        }
        let path = || self.store.users.path().join(format!("{uid}.invited"));
        let terms = sealed.unseal(&self.keyring.0)?;
        let subject = sealed.header.subject.as_ref().filter(|subject| subject.uid == uid);
        let subject = subject.ok_or_else(|| Fault::Damaged { path: path(), part: Part::Invitation })?;
        self.store.put_invitation(subject, terms, self.to, &self.master, &locked)?;
        Ok(SealedAnew::Done)
    }

    /// Removes every key that nothing names. Looks again itself: a file that does not say which key it needs keeps all.
    ///
    /// # Errors
    ///
    /// [`Fault`]; keys that were not removed are still there.
    pub fn retire(self) -> Result<Retired, Fault> {
        self.store.let_writers_pass()?;
        let named = self.store.named_keys()?;
        let mut retired = Retired { removed: Vec::new(), kept: Vec::new() };
        for id in self.others()? {
            if named.silent.is_empty() && !named.by.contains_key(&id) {
                self.keyring.0.remove(id)?;
                retired.removed.push(id);
            } else {
                retired.kept.push(id);
            }
        }
        Ok(retired)
    }

    /// The keys that are not the new one.
    ///
    /// # Errors
    ///
    /// [`Fault::Io`].
    pub fn others(&self) -> Result<Vec<KeyId>, Fault> {
        let mut ids = self.keyring.0.ids()?;
        ids.retain(|id| *id != self.to);
        ids.sort_unstable();
        Ok(ids)
    }
}
