// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files and directories that are root's alone. What is read is read through a descriptor whose owner, mode, type and
//! links were checked, and every directory on the way was opened without following a link (THREATS V40 to V44).

use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

use rustix::fs::{FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use zeroize::Zeroizing;

use crate::error::{Fault, Flaw, OrFault, Part};

/// Every open: no link, no terminal, no waiting for a FIFO's other end, nothing left to a child.
pub(crate) const CAREFULLY: OFlags =
    OFlags::NOFOLLOW.union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::CLOEXEC);

/// Who else may have access.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Privacy {
    /// Others may read, nobody else may write.
    Public,
    /// Nobody else has any access.
    Private,
}

/// A directory that was reached from the root through directories that only root can change.
pub(crate) struct TrustedDirectory {
    fd: OwnedFd,
    path: PathBuf,
}

impl TrustedDirectory {
    /// Walks to an absolute path.
    ///
    /// # Errors
    ///
    /// [`Fault::Untrusted`] where a directory on the way is not root's alone, [`Fault::Missing`], [`Fault::Denied`],
    /// [`Fault::Io`].
    pub(crate) fn open(path: &Path, privacy: Privacy, part: Part) -> Result<Self, Fault> {
        let mut components = path.components();
        if components.next() != Some(Component::RootDir) {
            return Err(Fault::Untrusted { path: path.to_owned(), flaw: Flaw::NotAbsolute });
        }
        let mut walked = PathBuf::from("/");
        let mut fd = open_directory(rustix::fs::CWD, OsStr::new("/"), &walked, part)?;
        for component in components {
            let Component::Normal(name) = component else {
                return Err(Fault::Untrusted { path: path.to_owned(), flaw: Flaw::NotAbsolute });
            };
            check_on_the_way(&fd, &walked)?;
            walked.push(name);
            fd = open_directory(fd.as_fd(), name, &walked, part)?;
        }
        let directory = Self { fd, path: walked };
        directory.check(privacy)?;
        Ok(directory)
    }

    /// A directory in this one.
    pub(crate) fn subdirectory(&self, name: &str, privacy: Privacy, part: Part) -> Result<Self, Fault> {
        let path = self.path.join(name);
        let fd = open_directory(self.fd.as_fd(), OsStr::new(name), &path, part)?;
        let directory = Self { fd, path };
        directory.check(privacy)?;
        Ok(directory)
    }

    fn check(&self, privacy: Privacy) -> Result<(), Fault> {
        check_owner_and_mode(&stat(&self.fd, &self.path)?, &self.path, privacy)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens a file in it and checks the descriptor; `None` where there is none.
    pub(crate) fn open_file(&self, name: &OsStr, flags: OFlags, trust: Trust) -> Result<Option<File>, Fault> {
        let path = self.path.join(name);
        let fd = match rustix::fs::openat(&self.fd, name, flags | CAREFULLY, Mode::empty()) {
            Ok(fd) => fd,
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP) => return Err(Fault::Untrusted { path, flaw: Flaw::SymbolicLink }),
            Err(Errno::ISDIR | Errno::NXIO) => return Err(Fault::Untrusted { path, flaw: Flaw::NotAFile }),
            Err(errno) => return Err(Fault::io(&path, "open", errno)),
        };
        trust.check(&stat(&fd, &path)?, &path)?;
        Ok(Some(File::from(fd)))
    }
}

impl AsFd for TrustedDirectory {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        self.fd.as_fd()
    }
}

/// What a file's descriptor has to show.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Trust {
    pub(crate) privacy: Privacy,
    pub(crate) max_bytes: u64,
}

impl Trust {
    fn check(self, stat: &Stat, path: &Path) -> Result<(), Fault> {
        let untrusted = |flaw| Err(Fault::Untrusted { path: path.to_owned(), flaw });
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return untrusted(Flaw::NotAFile);
        }
        if stat.st_nlink > 1 {
            #[allow(clippy::useless_conversion, reason = "32 bits wide on some architectures")]
            return untrusted(Flaw::HardLinks { count: u64::from(stat.st_nlink) });
        }
        let bytes = u64::try_from(stat.st_size).unwrap_or(u64::MAX);
        if bytes > self.max_bytes {
            return untrusted(Flaw::TooLarge { bytes });
        }
        check_owner_and_mode(stat, path, self.privacy)
    }
}

/// A file that was read through a checked descriptor.
pub struct TrustedFile {
    path: PathBuf,
    contents: Zeroizing<Vec<u8>>,
}

impl TrustedFile {
    /// Reads a file that others may read but nobody else may write, of 64 KiB at most; `None` where there is none.
    ///
    /// # Errors
    ///
    /// [`Fault::Untrusted`], [`Fault::Denied`], [`Fault::Io`].
    pub fn read_public(path: &Path) -> Result<Option<Self>, Fault> {
        let absolute = || Fault::Untrusted { path: path.to_owned(), flaw: Flaw::NotAbsolute };
        let name = path.file_name().ok_or_else(absolute)?;
        let directory = match TrustedDirectory::open(path.parent().ok_or_else(absolute)?, Privacy::Public, Part::Config)
        {
            Ok(directory) => directory,
            Err(Fault::Missing { .. }) => return Ok(None),
            Err(fault) => return Err(fault),
        };
        Self::read(&directory, name, Trust { privacy: Privacy::Public, max_bytes: 65_536 })
    }

    pub(crate) fn read(directory: &TrustedDirectory, name: &OsStr, trust: Trust) -> Result<Option<Self>, Fault> {
        let path = directory.path().join(name);
        let Some(file) = directory.open_file(name, OFlags::RDONLY, trust)? else {
            return Ok(None);
        };
        let contents = read_at_most(&file, &path, trust.max_bytes)?;
        Ok(Some(Self { path, contents }))
    }

    /// Where it was read.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What it holds.
    #[must_use]
    pub fn contents(&self) -> &[u8] {
        &self.contents
    }
}

/// Reads from the start into one buffer of its final size, so that no copy is left behind by growing.
pub(crate) fn read_at_most(file: &File, path: &Path, max_bytes: u64) -> Result<Zeroizing<Vec<u8>>, Fault> {
    let size = file.metadata().map_err(|error| io_fault(path, "stat", error))?.len().min(max_bytes);
    let mut contents = Zeroizing::new(vec![0; usize::try_from(size).unwrap_or(0)]);
    let mut read = 0_usize;
    while let Some(rest) = contents.get_mut(read..).filter(|rest| !rest.is_empty()) {
        let offset = u64::try_from(read).unwrap_or(u64::MAX);
        match rustix::io::pread(file, rest, offset) {
            Ok(0) => break,
            Ok(count) => read = read.saturating_add(count),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(Fault::io(path, "read", errno)),
        }
    }
    contents.truncate(read);
    Ok(contents)
}

pub(crate) fn io_fault(path: &Path, action: &'static str, error: std::io::Error) -> Fault {
    match error.raw_os_error() {
        Some(errno) => Fault::io(path, action, Errno::from_raw_os_error(errno)),
        None => Fault::Io { path: path.to_owned(), action, source: error },
    }
}

fn open_directory(at: impl AsFd, name: &OsStr, path: &Path, part: Part) -> Result<OwnedFd, Fault> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | CAREFULLY;
    // A directory on the way may be searchable only (0711): O_PATH asks for no more.
    let opened = match rustix::fs::openat(&at, name, flags, Mode::empty()) {
        Err(Errno::ACCESS) => rustix::fs::openat(&at, name, flags | OFlags::PATH, Mode::empty()),
        other => other,
    };
    opened.map_err(|errno| match errno {
        Errno::NOENT => Fault::Missing { path: path.to_owned(), part },
        Errno::LOOP => Fault::Untrusted { path: path.to_owned(), flaw: Flaw::SymbolicLink },
        Errno::NOTDIR => Fault::Untrusted { path: path.to_owned(), flaw: not_a_directory(&at, name) },
        errno => Fault::io(path, "open", errno),
    })
}

/// With O_DIRECTORY and O_NOFOLLOW the kernel says ENOTDIR of a link too; the remedy is another one.
fn not_a_directory(at: impl AsFd, name: &OsStr) -> Flaw {
    match rustix::fs::statat(at, name, rustix::fs::AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::Symlink => Flaw::SymbolicLink,
        Ok(_) | Err(_) => Flaw::NotADirectory,
    }
}

fn stat(fd: impl AsFd, path: &Path) -> Result<Stat, Fault> {
    rustix::fs::fstat(fd).or_fault(path, "stat")
}

fn check_owner_and_mode(stat: &Stat, path: &Path, privacy: Privacy) -> Result<(), Fault> {
    let untrusted = |flaw| Err(Fault::Untrusted { path: path.to_owned(), flaw });
    let mode = stat.st_mode & 0o7777;
    if stat.st_uid != 0 {
        return untrusted(Flaw::Owner { uid: stat.st_uid });
    }
    if mode & 0o022 != 0 {
        return untrusted(Flaw::WritableByOthers { mode });
    }
    if privacy == Privacy::Private && mode & 0o077 != 0 {
        return untrusted(Flaw::OpenToOthers { mode });
    }
    Ok(())
}

/// On the way, a sticky directory will do: nobody can rename or remove in it what is root's.
fn check_on_the_way(fd: impl AsFd, path: &Path) -> Result<(), Fault> {
    let stat = stat(fd, path)?;
    if stat.st_uid == 0 && stat.st_mode & 0o1000 != 0 {
        return Ok(());
    }
    check_owner_and_mode(&stat, path, Privacy::Public)
}
