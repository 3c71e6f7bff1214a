// SPDX-License-Identifier: MIT OR Apache-2.0
//! Making of a store, a key and a config. Run again, it changes nothing; it never makes a key for records that are there.

use std::fs::File;
use std::path::{Path, PathBuf};

use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use crate::config::{COMMENTED_DEFAULT, Config};
use crate::error::{Fault, OrFault, Part};
use crate::random::Random;
use crate::secret::MasterKey;
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
    make_marker(&store, id, &key)?;
    keyring.put(id, &key)?;
    made.push(Made { part: Part::Key, path: keyring.path().join(id.to_string()) });
    made.push(Made { part: Part::Marker, path: store.root.path().join(MARKER) });
    Ok(made)
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

fn make_marker(store: &Store<'_>, key_id: KeyId, master: &MasterKey) -> Result<(), Fault> {
    let path = store.root.path().join(MARKER);
    let damaged = || Fault::Damaged { path: path.clone(), part: Part::Marker };
    let mut id = [0; 16];
    store.random.fill(&mut id)?;
    let record_id = RecordId(id);
    let header = Header { kind: FileKind::Marker, key_id, record_id, subject: None, sealed_bytes: 40 };
    let header = header.to_bytes().ok_or_else(damaged)?;
    let key = SealingKey::derive(master, record_id).ok_or_else(damaged)?;
    let mut bytes = header.to_vec();
    bytes.extend_from_slice(&key.seal(SealedPart::Marker, &header, b"", store.random)?);
    make_file(&store.root, ".store.new", MARKER.as_ref(), Mode::RUSR | Mode::WUSR, &bytes, RenameFlags::NOREPLACE)
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
