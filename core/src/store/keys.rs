// SPDX-License-Identifier: MIT OR Apache-2.0
//! Master keys: one file each, named by the id that commits to it, in a directory apart from the store.

use std::ffi::OsString;
use std::path::Path;

use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use crate::clock::UnixTime;
use crate::config::Config;
use crate::error::{Fault, OrFault, Part};
use crate::secret::MasterKey;
use crate::store::init::make_key_directory;
use crate::store::layout::{KeyId, RecordId};
use crate::store::lock::LockedDirectory;
use crate::store::seal::SealingKey;
use crate::trusted::{CAREFULLY, Privacy, Trust, TrustedDirectory, TrustedFile};

pub(crate) struct Keyring {
    directory: TrustedDirectory,
}

impl Keyring {
    pub(crate) fn open(path: &Path) -> Result<Self, Fault> {
        Ok(Self { directory: TrustedDirectory::open(path, Privacy::Private, Part::Keys)? })
    }

    /// The key with that id.
    pub(crate) fn load(&self, id: KeyId) -> Result<MasterKey, Fault> {
        let UntriedKey(key) = self.find(id)?;
        // A file with another key in it would unseal nothing; said here, it is a damaged key and not damaged records.
        if key.id() == Some(id) { Ok(key) } else { Err(self.damaged(id)) }
    }

    /// What the file of that name holds. Half of the work of [`Keyring::load`]: a login finds out by unsealing.
    pub(crate) fn find(&self, id: KeyId) -> Result<UntriedKey, Fault> {
        let name = OsString::from(id.to_string());
        let trust = Trust { privacy: Privacy::Private, max_bytes: 4096 };
        let file = TrustedFile::read(&self.directory, &name, trust)?
            .ok_or_else(|| Fault::Missing { path: self.directory.path().join(&name), part: Part::Key })?;
        MasterKey::from_bytes(&file.into_secret()).map(UntriedKey).ok_or_else(|| self.damaged(id))
    }

    fn damaged(&self, id: KeyId) -> Fault {
        Fault::Damaged { path: self.directory.path().join(id.to_string()), part: Part::Key }
    }

    /// The ids of all files that are named like keys.
    pub(crate) fn ids(&self) -> Result<Vec<KeyId>, Fault> {
        let path = self.directory.path();
        let entries = rustix::fs::Dir::read_from(&self.directory).or_fault(path, "list")?;
        let mut ids = Vec::new();
        for entry in entries {
            let entry = entry.or_fault(path, "list")?;
            ids.extend(entry.file_name().to_str().ok().and_then(KeyId::from_name));
        }
        Ok(ids)
    }

    /// Makes the key's file, durably. One that is there stays.
    pub(crate) fn put(&self, id: KeyId, key: &MasterKey) -> Result<(), Fault> {
        let (name, draft) = (id.to_string(), format!(".{id}.new"));
        let path = self.directory.path().join(&name);
        // One left behind by whoever was interrupted; nobody reads it.
        match rustix::fs::unlinkat(&self.directory, &draft, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(errno) => return Err(Fault::io(&path, "clear", errno)),
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | CAREFULLY;
        let fd = rustix::fs::openat(&self.directory, &draft, flags, Mode::RUSR).or_fault(&path, "make")?;
        rustix::fs::fchmod(&fd, Mode::RUSR).or_fault(&path, "chmod")?;
        let written = write_all(&fd, key.expose_bytes()).or_fault(&path, "write");
        written.and_then(|()| rustix::fs::fsync(&fd).or_fault(&path, "flush")).inspect_err(|_| {
            // Nobody looks for half a key under this name again.
            let _: Result<(), Errno> = rustix::fs::unlinkat(&self.directory, &draft, AtFlags::empty());
        })?;
        rustix::fs::renameat_with(&self.directory, &draft, &self.directory, &name, RenameFlags::NOREPLACE)
            .or_fault(&path, "rename")?;
        rustix::fs::fsync(&self.directory).or_fault(&path, "flush")
    }

    /// Removes the key's file, durably. What is sealed under it is lost from here on.
    pub(crate) fn remove(&self, id: KeyId) -> Result<(), Fault> {
        let name = id.to_string();
        let path = self.directory.path().join(&name);
        rustix::fs::unlinkat(&self.directory, &name, AtFlags::empty()).or_fault(&path, "remove")?;
        rustix::fs::fsync(&self.directory).or_fault(&path, "flush")
    }

    /// Removes what whoever was killed while a key was put in place has left of it. For the holder of the lock: nobody else
    /// puts one in place meanwhile.
    pub(crate) fn clear_drafts(&self) -> Result<(), Fault> {
        let path = self.directory.path();
        let entries = rustix::fs::Dir::read_from(&self.directory).or_fault(path, "list")?;
        for entry in entries {
            let entry = entry.or_fault(path, "list")?;
            let name = entry.file_name().to_string_lossy();
            let id = name.strip_prefix('.').and_then(|name| name.strip_suffix(".new")).and_then(KeyId::from_name);
            if id.is_some() {
                let draft = path.join(&*name);
                rustix::fs::unlinkat(&self.directory, entry.file_name(), AtFlags::empty())
                    .or_fault(&draft, "remove")?;
            }
        }
        Ok(())
    }

    /// When the key's file was made, or `None` where it is not there.
    pub(crate) fn made_at(&self, id: KeyId) -> Result<Option<UnixTime>, Fault> {
        let name = id.to_string();
        match rustix::fs::statat(&self.directory, &name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(found) => Ok(Some(UnixTime(u64::try_from(found.st_mtime).unwrap_or(0)))),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(Fault::io(&self.directory.path().join(name), "stat", errno)),
        }
    }

    /// The directory, locked for whoever makes keys and takes them away. A login never waits for it.
    pub(crate) fn lock(&self) -> Result<LockedDirectory<'_>, Fault> {
        LockedDirectory::wait_for(&self.directory)
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }
}

/// Puts a key in place that was kept elsewhere; makes the directory of keys where there is none. `false` where it is there.
///
/// # Errors
///
/// [`Fault`]; a file of that name that holds anything else is damaged, and is not written over.
pub fn restore_key(config: &Config, key: &MasterKey) -> Result<bool, Fault> {
    make_key_directory(config)?;
    let keyring = Keyring::open(config.keys())?;
    let _nobody_else = keyring.lock()?;
    let id = key.id().ok_or(Fault::NoRandomness)?;
    match keyring.load(id) {
        Ok(_) => Ok(false),
        Err(Fault::Missing { .. }) => keyring.put(id, key).map(|()| true),
        Err(fault) => Err(fault),
    }
}

/// A key and its id.
pub type NamedKey = (KeyId, MasterKey);

/// All keys that are there, each with its id, for a backup of them; and what is wrong with those that cannot be read.
///
/// # Errors
///
/// [`Fault`] where the directory cannot be read.
pub fn all_keys(config: &Config) -> Result<(Vec<NamedKey>, Vec<Fault>), Fault> {
    let keyring = Keyring::open(config.keys())?;
    let mut ids = keyring.ids()?;
    ids.sort_unstable();
    let (mut keys, mut faults) = (Vec::new(), Vec::new());
    for id in ids {
        match keyring.load(id) {
            Ok(key) => keys.push((id, key)),
            // Taken away since the directory was listed.
            Err(Fault::Missing { .. }) => {}
            Err(fault) => faults.push(fault),
        }
    }
    Ok((keys, faults))
}

/// A key that may be another than its file's name says: good for trying whether it unseals something, and for nothing else.
pub(crate) struct UntriedKey(MasterKey);

impl UntriedKey {
    pub(crate) fn of_record(&self, record: RecordId) -> Option<SealingKey> {
        SealingKey::derive(&self.0, record)
    }
}

/// Writes everything at the start of a file that nobody else has open.
pub(crate) fn write_all(fd: impl std::os::fd::AsFd, bytes: &[u8]) -> Result<(), Errno> {
    let mut written = 0_usize;
    while let Some(rest) = bytes.get(written..).filter(|rest| !rest.is_empty()) {
        match rustix::io::pwrite(&fd, rest, u64::try_from(written).unwrap_or(u64::MAX)) {
            Ok(0) => return Err(Errno::IO),
            Ok(count) => written = written.saturating_add(count),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}
