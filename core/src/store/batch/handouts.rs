// SPDX-License-Identifier: MIT OR Apache-2.0
//! A directory with one hand-out for each person, root's alone. What a kill left half done is known by a journal in it and
//! cleared by whoever comes next; a hand-out whose person is enrolled by it is never touched.

use std::ffi::OsString;
use std::fs::File;
use std::os::fd::AsFd;
use std::path::Path;

use rustix::fs::{AtFlags, Mode, OFlags};
use rustix::io::Errno;

use crate::clock::UnixTime;
use crate::error::{Fault, Flaw, OrFault, Part};
use crate::store::keys::write_all;
use crate::store::{LockFailure, Store, lock, place};
use crate::trusted::{CAREFULLY, Privacy, TrustedDirectory, read_start};
use crate::user::Account;

/// The directory, held by one process at a time.
pub struct Handouts {
    directory: TrustedDirectory,
    journal: File,
}

/// What a hand-out's file is called. No user's name leads out of the directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandoutName(OsString);

impl HandoutName {
    /// The user's name as it is, since it has no '/', and an ending. A name too long for a file gives way to its uid behind
    /// a colon, which no name has.
    #[must_use]
    pub fn of(account: &Account, ending: &str) -> Self {
        let name = format!("{}.{ending}", account.name());
        let fits = name.len() <= LONGEST_FILE_NAME;
        Self(if fits { name.into() } else { format!("uid:{}.{ending}", account.uid()).into() })
    }

    /// The name.
    #[must_use]
    pub fn as_path(&self) -> &Path {
        Path::new(&self.0)
    }
}

const LONGEST_FILE_NAME: usize = 255;
/// No hand-out is called so: those have an ending.
const JOURNAL: &str = ".unfinished";
/// Far more than a batch has.
const JOURNAL_BYTES: usize = 1 << 22;

/// One that was written. Dropped, it is gone again.
pub(super) struct Handout<'h> {
    handouts: &'h Handouts,
    name: HandoutName,
    is_kept: bool,
}

impl Handouts {
    /// Opens the directory, or makes it, and clears away what a kill left in it: hand-outs of people who were not enrolled
    /// with them, and their drafts.
    ///
    /// # Errors
    ///
    /// [`Fault::Untrusted`] where it is not root's alone, [`Fault::Missing`] where the directory above is not there,
    /// [`Fault::Busy`] where another process has it, any other [`Fault`].
    pub fn open(path: &Path, store: &Store<'_>) -> Result<Self, Fault> {
        let directory = make(path)?;
        if !lock::try_lock(&directory, path)? {
            return Err(Fault::Busy { path: path.to_owned() });
        }
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::APPEND | CAREFULLY;
        let journal = rustix::fs::openat(&directory, JOURNAL, flags, OWNER_ONLY);
        let journal = File::from(journal.or_fault(&path.join(JOURNAL), "open")?);
        let handouts = Self { directory, journal };
        handouts.clear_what_is_unfinished(store)?;
        Ok(handouts)
    }

    /// Where they are.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Writes one, over one that is there: whoever gets a new one has no record, so that the old one is good for nothing.
    pub(super) fn write(
        &self,
        name: HandoutName,
        uid: u32,
        enrolled_at: UnixTime,
        bytes: &[u8],
    ) -> Result<Handout<'_>, Fault> {
        let path = self.path().join(name.as_path());
        let mut line = format!("{uid} {enrolled_at} ", enrolled_at = enrolled_at.0).into_bytes();
        line.extend_from_slice(name.0.as_encoded_bytes());
        line.push(b'\n');
        append(&self.journal, &line).or_fault(&self.path().join(JOURNAL), "write")?;
        self.remove(&name)?;
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | CAREFULLY;
        let file = rustix::fs::openat(&self.directory, name.as_path(), flags, OWNER_ONLY).or_fault(&path, "make")?;
        let handout = Handout { handouts: self, name, is_kept: false };
        write_all(&file, bytes).or_fault(&path, "write")?;
        Ok(handout)
    }

    /// All that were written, and the directory.
    pub(super) fn flush(&self) -> Result<(), Fault> {
        rustix::fs::syncfs(&self.directory).or_fault(self.path(), "flush")
    }

    /// Nothing that was written is undecided any more.
    pub(super) fn settled(&self) -> Result<(), Fault> {
        rustix::fs::ftruncate(&self.journal, 0).or_fault(&self.path().join(JOURNAL), "clear")
    }

    pub(super) fn device(&self) -> Result<u64, Fault> {
        Ok(rustix::fs::fstat(self.directory.as_fd()).or_fault(self.path(), "stat")?.st_dev)
    }

    fn remove(&self, name: &HandoutName) -> Result<(), Fault> {
        match rustix::fs::unlinkat(&self.directory, name.as_path(), AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => Ok(()),
            Err(errno) => Err(Fault::io(&self.path().join(name.as_path()), "remove", errno)),
        }
    }

    fn clear_what_is_unfinished(&self, store: &Store<'_>) -> Result<(), Fault> {
        let journal = read_start(&self.journal, &self.path().join(JOURNAL), JOURNAL_BYTES)?;
        for (uid, enrolled_at, name) in journal.split(|byte| *byte == b'\n').filter_map(entry_of) {
            place::clear_left_draft(store, uid)?;
            if !is_enrolled_since(store, uid, enrolled_at)? {
                self.remove(&name)?;
            }
        }
        self.settled()
    }
}

impl Handout<'_> {
    pub(super) fn keep(mut self) {
        self.is_kept = true;
    }
}

impl Drop for Handout<'_> {
    fn drop(&mut self) {
        if !self.is_kept {
            // The journal still names one that cannot be removed.
            let _: Result<(), Fault> = self.handouts.remove(&self.name);
        }
    }
}

impl Drop for Handouts {
    fn drop(&mut self) {
        if rustix::fs::fstat(&self.journal).is_ok_and(|found| found.st_size == 0) {
            let _: Result<(), Errno> = rustix::fs::unlinkat(&self.directory, JOURNAL, AtFlags::empty());
        }
    }
}

const OWNER_ONLY: Mode = Mode::RUSR.union(Mode::WUSR);

fn make(path: &Path) -> Result<TrustedDirectory, Fault> {
    let not_absolute = || Fault::Untrusted { path: path.to_owned(), flaw: Flaw::NotAbsolute };
    match TrustedDirectory::open(path, Privacy::Private, Part::Handouts) {
        Err(Fault::Missing { path: missing, .. }) if missing == path => {}
        opened => return opened,
    }
    let (Some(above), Some(name)) = (path.parent(), path.file_name()) else { return Err(not_absolute()) };
    let above = TrustedDirectory::open(above, Privacy::Public, Part::Handouts)?;
    match rustix::fs::mkdirat(&above, name, Mode::RWXU) {
        Ok(()) | Err(Errno::EXIST) => TrustedDirectory::open(path, Privacy::Private, Part::Handouts),
        Err(errno) => Err(Fault::io(path, "make", errno)),
    }
}

/// Whether it is this enrollment that made the record: of one person there is one a second at most.
fn is_enrolled_since(store: &Store<'_>, uid: u32, enrolled_at: UnixTime) -> Result<bool, Fault> {
    match store.lock_uid(uid) {
        Ok(locked) => Ok(locked.open_as_made()?.record().enrolled_at == enrolled_at),
        Err(LockFailure::NotEnrolled(_)) => Ok(false),
        Err(LockFailure::Fault(fault)) => Err(fault),
    }
}

/// The last line may be torn; its hand-out was not begun then.
fn entry_of(line: &[u8]) -> Option<(u32, UnixTime, HandoutName)> {
    let mut words = std::str::from_utf8(line).ok()?.splitn(3, ' ');
    let (uid, time, name) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?, words.next()?);
    let is_a_handout = !name.contains('/') && name.contains('.') && name != JOURNAL && name != "." && name != "..";
    is_a_handout.then(|| (uid, UnixTime(time), HandoutName(name.into())))
}

fn append(mut file: &File, bytes: &[u8]) -> Result<(), Errno> {
    use std::io::Write as _;
    file.write_all(bytes).map_err(|error| Errno::from_io_error(&error).unwrap_or(Errno::IO))
}
