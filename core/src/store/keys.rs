// SPDX-License-Identifier: MIT OR Apache-2.0
//! Master keys: one file each, named by the id that commits to it, in a directory apart from the store.

use std::ffi::OsString;
use std::path::Path;

use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use crate::error::{Fault, OrFault, Part};
use crate::secret::MasterKey;
use crate::store::layout::{KeyId, RecordId};
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

    /// Makes the key's file, durably.
    pub(crate) fn put(&self, id: KeyId, key: &MasterKey) -> Result<(), Fault> {
        let (name, draft) = (id.to_string(), format!(".{id}.new"));
        let path = self.directory.path().join(&name);
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

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }
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
