// SPDX-License-Identifier: MIT OR Apache-2.0
//! The lock on a person's file: waited for within a bound, and held by whoever may read or write the record.
//! A lock on a file that was replaced meanwhile is no lock; `Locked` is only ever about the file that the name leads to.

use std::ffi::OsString;
use std::fs::File;
use std::os::fd::AsFd;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::{FlockOperation, OFlags};
use rustix::io::Errno;

use crate::error::Fault;
use crate::store::layout::FILE_BYTES;
use crate::store::{NotEnrolled, Store};
use crate::trusted::{OpenFile, Privacy, Trust, TrustedDirectory};

/// The longest that anybody waits for a lock. A login holds it for some milliseconds.
const PATIENCE: Duration = Duration::from_secs(5);
const FIRST_PAUSE: Duration = Duration::from_millis(1);
const LONGEST_PAUSE: Duration = Duration::from_millis(20);
/// How often a file may be replaced while one waits for it.
pub(crate) const REOPENINGS: u8 = 3;

/// A person's file, locked, and still the one that its name leads to.
pub struct Locked<'s> {
    pub(crate) store: &'s Store<'s>,
    pub(crate) file: File,
    pub(crate) path: PathBuf,
    pub(crate) uid: u32,
}

/// Why there is no lock.
#[derive(Debug)]
pub enum LockFailure {
    /// There is no such file in a verified store.
    NotEnrolled(NotEnrolled),
    /// Everything else.
    Fault(Fault),
}

impl From<Fault> for LockFailure {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

pub(crate) fn file_name(uid: u32) -> OsString {
    OsString::from(uid.to_string())
}

pub(crate) fn open_person(users: &TrustedDirectory, uid: u32, flags: OFlags) -> Result<Option<OpenFile>, Fault> {
    let trust = Trust { privacy: Privacy::Private, max_bytes: FILE_BYTES };
    // A login writes its slot and nothing else: without this the time of reading is noted too, once for each write.
    users.open_file(&file_name(uid), flags | OFlags::NOATIME, trust)
}

pub(crate) fn lock<'s>(store: &'s Store<'s>, uid: u32) -> Result<Locked<'s>, LockFailure> {
    let path = store.users.path().join(file_name(uid));
    for _ in 0..REOPENINGS {
        let Some(OpenFile { file, inode, .. }) = open_person(&store.users, uid, OFlags::RDWR)? else {
            return Err(LockFailure::NotEnrolled(store.verified_absence()?));
        };
        wait_for(&file, &path)?;
        if store.users.inode_at(&file_name(uid))? == Some(inode) {
            return Ok(Locked { store, file, path, uid });
        }
    }
    Err(LockFailure::Fault(Fault::Restless { path }))
}

/// Waits by trying again: flock(2) has no deadline, and a signal to break it off is not ours to handle in sshd.
pub(crate) fn wait_for(fd: impl AsFd, path: &Path) -> Result<(), Fault> {
    let (mut waited, mut pause) = (Duration::ZERO, FIRST_PAUSE);
    // The time slept is added up, not read off a clock: a clock that stands still must not wait for ever.
    while !try_lock(&fd, path)? {
        if waited >= PATIENCE {
            return Err(Fault::Busy { path: path.to_owned() });
        }
        std::thread::sleep(pause);
        waited = waited.saturating_add(pause);
        pause = pause.saturating_mul(2).min(LONGEST_PAUSE);
    }
    Ok(())
}

/// Whether the lock was free, and is ours now.
pub(crate) fn try_lock(fd: impl AsFd, path: &Path) -> Result<bool, Fault> {
    loop {
        match rustix::fs::flock(&fd, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(true),
            Err(Errno::WOULDBLOCK) => return Ok(false),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(Fault::io(path, "lock", errno)),
        }
    }
}

/// The directory, locked: by whoever makes a draft in it, until that draft is locked itself.
pub(crate) struct LockedDirectory<'d>(&'d TrustedDirectory);

impl<'d> LockedDirectory<'d> {
    pub(crate) fn wait_for(directory: &'d TrustedDirectory) -> Result<Self, Fault> {
        wait_for(directory, directory.path())?;
        Ok(Self(directory))
    }
}

impl Drop for LockedDirectory<'_> {
    fn drop(&mut self) {
        // The kernel drops what this does not, at the latest when the process ends.
        let _: Result<(), Errno> = rustix::fs::flock(self.0, FlockOperation::Unlock);
    }
}
