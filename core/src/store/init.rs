// SPDX-License-Identifier: MIT OR Apache-2.0
//! Making of a store, a key and a config. Run again, it changes nothing; it never makes a key for records that are there.

use std::fs::File;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use crate::config::{COMMENTED_DEFAULT, Config};
use crate::error::{Fault, OrFault, Part};
use crate::random::Random;
use crate::record::Version;
use crate::secret::MasterKey;
use crate::store::archive::ArchiveKeys;
use crate::store::blocks;
use crate::store::keys::{Keyring, write_all};
use crate::store::layout::{FileKind, Header, KeyId};
use crate::store::seal::{SealedPart, SealingKey};
use crate::store::{MARKER, RecordId, Store, USERS, uids_in};
use crate::trusted::{CAREFULLY, Privacy, TrustedDirectory};

/// One thing that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Made {
    /// What it is.
    pub part: Part,
    /// Where it is.
    pub path: PathBuf,
}

const OWNER_ONLY: Mode = Mode::RWXU;
const LIKE_ETC: Mode = Mode::RWXU.union(Mode::RGRP).union(Mode::XGRP).union(Mode::ROTH).union(Mode::XOTH);

/// Makes what is not there yet: config, directories, key, marker. Says what it made; an empty list means that all stood.
///
/// # Errors
///
/// [`Fault::KeyLost`] where records are there but not their key or not the marker, [`Fault::StoreLost`] where a key is
/// there but no store; any other [`Fault`].
pub fn initialise(config: &Config, config_path: &Path, random: &dyn Random) -> Result<Vec<Made>, Fault> {
    let beginning = Beginning::of(config)?;
    let mut made = Vec::new();
    make_config(config_path, &mut made)?;
    make_directory(config.keys(), OWNER_ONLY, Part::Keys, &mut made)?;
    make_directory(config.store(), OWNER_ONLY, Part::Store, &mut made)?;
    make_users(config, &mut made)?;
    let store = Store::open(config, random)?;
    match beginning {
        Beginning::Made => match store.marker_key() {
            Ok(_) => return Ok(made),
            Err(Fault::Missing { part: Part::Key, .. }) => {
                return Err(Fault::KeyLost { path: config.store().to_owned() });
            }
            Err(fault) => return Err(fault),
        },
        Beginning::Interrupted => remove_marker(&store)?,
        Beginning::Nothing => {}
    }
    let keyring = Keyring::open(config.keys())?;
    let key = MasterKey::generate(random)?;
    let id = key.id().ok_or(Fault::NoRandomness)?;
    // The marker first: whoever is interrupted here leaves a marker without a key, which is told from a key whose store
    // is not mounted.
    write_marker(&store, id, &key, RenameFlags::NOREPLACE)?;
    keyring.put(id, &key)?;
    made.push(Made { part: Part::Key, path: keyring.path().join(id.to_string()) });
    made.push(Made { part: Part::Marker, path: store.root.path().join(MARKER) });
    Ok(made)
}

/// Makes what a backup is restored into, where it is not there: as [`initialise`] does on a bare host; where the key of the
/// backup's marker is there and the store is not, with that marker. Puts a key of the backup in place that is lost here.
///
/// # Errors
///
/// As [`initialise`].
pub(super) fn make_for(
    config: &Config,
    config_path: &Path,
    marker: &[u8],
    keys: &ArchiveKeys,
    random: &dyn Random,
) -> Result<Vec<Made>, Fault> {
    let named = Header::from_bytes(marker, FileKind::Marker).ok().map(|header| header.key_id);
    match Beginning::of(config) {
        Ok(Beginning::Nothing | Beginning::Interrupted) => initialise(config, config_path, random),
        Ok(Beginning::Made) => {
            let store = Store::open(config, random)?;
            match store.marker_key() {
                Err(Fault::Missing { part: Part::Key, path }) => {
                    let lost = path.file_name().and_then(|name| KeyId::from_name(name.to_str()?));
                    let Some((id, key)) = lost.and_then(|id| Some((id, keys.find(id)?))) else {
                        return Err(Fault::Missing { part: Part::Key, path });
                    };
                    let keyring = Keyring::open(config.keys())?;
                    keyring.put(id, key)?;
                    Ok(vec![Made { part: Part::Key, path: keyring.path().join(id.to_string()) }])
                }
                found => found.map(|_| Vec::new()),
            }
        }
        Err(Fault::StoreLost { path, keys: directory }) => {
            let keyring = Keyring::open(config.keys())?;
            // Lost or only not mounted: nobody can tell from here, and whoever restores is told before.
            let Some(id) = named.filter(|id| keyring.load(*id).is_ok()) else {
                return Err(Fault::StoreLost { path, keys: directory });
            };
            let mut made = Vec::new();
            make_directory(config.store(), OWNER_ONLY, Part::Store, &mut made)?;
            make_users(config, &mut made)?;
            let store = Store::open(config, random)?;
            write_marker(&store, id, &keyring.load(id)?, RenameFlags::NOREPLACE)?;
            made.push(Made { part: Part::Marker, path: store.root.path().join(MARKER) });
            Ok(made)
        }
        Err(fault) => Err(fault),
    }
}

/// What stands before anything is made. Looked at first: a directory made in place of a mount that is missing would be
/// taken for the store until the mount hides it.
enum Beginning {
    Nothing,
    /// An init was interrupted between marker and key; nobody was enrolled.
    Interrupted,
    Made,
}

impl Beginning {
    fn of(config: &Config) -> Result<Self, Fault> {
        let keys = match Keyring::open(config.keys()) {
            Ok(keyring) => !keyring.ids()?.is_empty(),
            Err(Fault::Missing { .. }) => false,
            Err(fault) => return Err(fault),
        };
        let (path, open) = (config.store(), |path: &Path, part| TrustedDirectory::open(path, Privacy::Private, part));
        let marker = match open(path, Part::Store) {
            Ok(root) => match rustix::fs::statat(&root, MARKER, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(_) => true,
                Err(Errno::NOENT) => false,
                Err(errno) => return Err(Fault::io(&path.join(MARKER), "stat", errno)),
            },
            Err(Fault::Missing { .. }) => false,
            Err(fault) => return Err(fault),
        };
        let records = match open(&path.join(USERS), Part::Users) {
            Ok(users) => !uids_in(&users)?.is_empty(),
            Err(Fault::Missing { .. }) => false,
            Err(fault) => return Err(fault),
        };
        match (keys, marker, records) {
            (true, true, _) => Ok(Self::Made),
            (false, true, false) => Ok(Self::Interrupted),
            (false, false, false) => Ok(Self::Nothing),
            (true, false, false) => Err(Fault::StoreLost { path: path.to_owned(), keys: config.keys().to_owned() }),
            (_, false, true) | (false, true, true) => Err(Fault::KeyLost { path: path.to_owned() }),
        }
    }
}

fn remove_marker(store: &Store<'_>) -> Result<(), Fault> {
    let path = store.root.path().join(MARKER);
    rustix::fs::unlinkat(&store.root, MARKER, AtFlags::empty()).or_fault(&path, "remove")
}

fn make_config(path: &Path, made: &mut Vec<Made>) -> Result<(), Fault> {
    let (Some(parent), Some(name)) = (path.parent(), path.file_name()) else {
        return Err(Fault::Untrusted { path: path.to_owned(), flaw: crate::error::Flaw::NotAbsolute });
    };
    make_directory(parent, LIKE_ETC, Part::Config, &mut Vec::new())?;
    let directory = TrustedDirectory::open(parent, Privacy::Public, Part::Config)?;
    if rustix::fs::statat(&directory, name, AtFlags::SYMLINK_NOFOLLOW).is_ok() {
        return Ok(());
    }
    let readable = Mode::RUSR | Mode::WUSR | Mode::RGRP | Mode::ROTH;
    let draft = format!(".{}.new", name.to_string_lossy());
    let bytes = COMMENTED_DEFAULT.as_bytes();
    make_file(&directory, &draft, name.as_ref(), readable, bytes, RenameFlags::NOREPLACE)?;
    made.push(Made { part: Part::Config, path: path.to_owned() });
    Ok(())
}

fn make_directory(path: &Path, mode: Mode, part: Part, made: &mut Vec<Made>) -> Result<(), Fault> {
    match rustix::fs::mkdir(path, mode) {
        Ok(()) => {}
        Err(Errno::EXIST) => return Ok(()),
        Err(Errno::NOENT) => match path.parent() {
            Some(parent) => {
                make_directory(parent, LIKE_ETC, part, &mut Vec::new())?;
                return make_directory(path, mode, part, made);
            }
            None => return Err(Fault::io(path, "make", Errno::NOENT)),
        },
        Err(errno) => return Err(Fault::io(path, "make", errno)),
    }
    // The umask may have taken bits away; it never adds any.
    rustix::fs::chmod(path, mode).or_fault(path, "chmod")?;
    made.push(Made { part, path: path.to_owned() });
    if let Some(parent) = path.parent() {
        let parent = File::open(parent).map_err(|error| crate::trusted::io_fault(path, "open", error))?;
        rustix::fs::fsync(parent).or_fault(path, "flush")?;
    }
    Ok(())
}

pub(super) fn make_key_directory(config: &Config) -> Result<(), Fault> {
    make_directory(config.keys(), OWNER_ONLY, Part::Keys, &mut Vec::new())
}

fn make_users(config: &Config, made: &mut Vec<Made>) -> Result<(), Fault> {
    let path = config.store().join(USERS);
    let before = made.len();
    make_directory(&path, OWNER_ONLY, Part::Users, made)?;
    if made.len() == before {
        return Ok(());
    }
    let directory = File::open(&path).map_err(|error| crate::trusted::io_fault(&path, "open", error))?;
    blocks::forbid_copy_on_write(directory).or_fault(&path, "set NOCOW")
}

/// Seals the marker under a key.
pub(super) fn write_marker(
    store: &Store<'_>,
    key_id: KeyId,
    master: &MasterKey,
    renaming: RenameFlags,
) -> Result<(), Fault> {
    let path = store.root.path().join(MARKER);
    let damaged = || Fault::Damaged { path: path.clone(), part: Part::Marker };
    let mut id = [0; 16];
    store.random.fill(&mut id)?;
    let record_id = RecordId(id);
    let header =
        Header { kind: FileKind::Marker, version: Version::First, key_id, record_id, subject: None, sealed_bytes: 40 };
    let header = header.to_bytes().ok_or_else(damaged)?;
    let key = SealingKey::derive(master, record_id).ok_or_else(damaged)?;
    let mut bytes = header.to_vec();
    bytes.extend_from_slice(&key.seal(SealedPart::Marker, &header, b"", store.random)?);
    make_file(&store.root, ".store.new", MARKER.as_ref(), Mode::RUSR | Mode::WUSR, &bytes, renaming)
}

/// A whole small file: written beside, flushed, renamed, the directory flushed. With `NOREPLACE`, one that is there stays.
pub(super) fn make_file(
    directory: &TrustedDirectory,
    draft: &str,
    name: &Path,
    mode: Mode,
    bytes: &[u8],
    renaming: RenameFlags,
) -> Result<(), Fault> {
    let path = directory.path().join(name);
    // One left behind by whoever was interrupted; nobody reads it.
    match rustix::fs::unlinkat(directory, draft, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => {}
        Err(errno) => return Err(Fault::io(&path, "clear", errno)),
    }
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | CAREFULLY;
    let fd = rustix::fs::openat(directory, draft, flags, mode).or_fault(&path, "make")?;
    rustix::fs::fchmod(&fd, mode).or_fault(&path, "chmod")?;
    // What fails here, the next writer clears away.
    let clear = || {
        let _: Result<(), Errno> = rustix::fs::unlinkat(directory, draft, AtFlags::empty());
    };
    let written = write_all(&fd, bytes).or_fault(&path, "write");
    written.and_then(|()| rustix::fs::fsync(&fd).or_fault(&path, "flush")).inspect_err(|_| clear())?;
    match rustix::fs::renameat_with(directory, draft, directory, name, renaming) {
        Ok(()) => {}
        Err(Errno::EXIST) => clear(),
        Err(errno) => return Err(Fault::io(&path, "rename", errno)),
    }
    rustix::fs::fsync(directory).or_fault(&path, "flush")
}
