// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files and directories that are root's alone. What is read is read through a descriptor whose owner, mode, type and
//! links were checked, and every directory on the way was opened without following a link (THREATS V40 to V44).

use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

use rustix::buffer::spare_capacity;
use rustix::fs::{FileType, Mode, OFlags, Stat};
use rustix::io::Errno;
use zeroize::Zeroizing;

use crate::error::{Fault, Flaw, Part};

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
        let not_absolute = || Fault::Untrusted { path: path.to_owned(), flaw: Flaw::NotAbsolute };
        let mut components = path.components();
        if components.next() != Some(Component::RootDir) {
            return Err(not_absolute());
        }
        // Each directory by its own path, for whoever has to be told what is wrong with it.
        let at = |depth: usize| move || path.components().take(depth.saturating_add(1)).collect();
        let mut fd = open_directory(rustix::fs::CWD, OsStr::new("/"), part, at(0))?;
        for (above, component) in components.enumerate() {
            let Component::Normal(name) = component else { return Err(not_absolute()) };
            check_on_the_way(&fd, at(above))?;
            fd = open_directory(fd.as_fd(), name, part, at(above.saturating_add(1)))?;
        }
        let directory = Self { fd, path: path.to_owned() };
        directory.check(privacy)?;
        Ok(directory)
    }

    /// A directory in this one.
    pub(crate) fn subdirectory(&self, name: &str, privacy: Privacy, part: Part) -> Result<Self, Fault> {
        let path = self.path.join(name);
        let fd = open_directory(self.fd.as_fd(), OsStr::new(name), part, || path.clone())?;
        let directory = Self { fd, path };
        directory.check(privacy)?;
        Ok(directory)
    }

    fn check(&self, privacy: Privacy) -> Result<(), Fault> {
        let path = || self.path.clone();
        check_owner_and_mode(&stat(&self.fd, path)?, privacy, path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens a file in it and checks the descriptor; `None` where there is none.
    pub(crate) fn open_file(&self, name: &OsStr, flags: OFlags, trust: Trust) -> Result<Option<File>, Fault> {
        Ok(self.open_sized(name, flags, trust)?.map(|(file, _)| file))
    }

    /// The same, and how many bytes it has: no more than are trusted.
    fn open_sized(&self, name: &OsStr, flags: OFlags, trust: Trust) -> Result<Option<(File, usize)>, Fault> {
        let path = || self.path.join(name);
        let fd = match rustix::fs::openat(&self.fd, name, flags | CAREFULLY, Mode::empty()) {
            Ok(fd) => fd,
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP) => return Err(Fault::Untrusted { path: path(), flaw: Flaw::SymbolicLink }),
            Err(Errno::ISDIR | Errno::NXIO) => return Err(Fault::Untrusted { path: path(), flaw: Flaw::NotAFile }),
            Err(errno) => return Err(Fault::io(&path(), "open", errno)),
        };
        let bytes = trust.check(&stat(&fd, path)?, path)?;
        Ok(Some((File::from(fd), bytes)))
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
    pub(crate) max_bytes: usize,
}

impl Trust {
    fn check(self, stat: &Stat, path: impl Fn() -> PathBuf) -> Result<usize, Fault> {
        let untrusted = |flaw| Err(Fault::Untrusted { path: path(), flaw });
        if FileType::from_raw_mode(stat.st_mode) != FileType::RegularFile {
            return untrusted(Flaw::NotAFile);
        }
        if stat.st_nlink > 1 {
            #[allow(clippy::useless_conversion, reason = "32 bits wide on some architectures")]
            return untrusted(Flaw::HardLinks { count: u64::from(stat.st_nlink) });
        }
        let bytes = match usize::try_from(stat.st_size) {
            Ok(bytes) if bytes <= self.max_bytes => bytes,
            Ok(_) | Err(_) => {
                return untrusted(Flaw::TooLarge { bytes: u64::try_from(stat.st_size).unwrap_or(u64::MAX) });
            }
        };
        check_owner_and_mode(stat, self.privacy, path)?;
        Ok(bytes)
    }
}

/// A file that was read through a checked descriptor.
pub struct TrustedFile {
    path: PathBuf,
    contents: Vec<u8>,
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
        let Some((file, bytes)) = directory.open_sized(name, OFlags::RDONLY, trust)? else {
            return Ok(None);
        };
        let path = directory.path().join(name);
        let contents = read_start(&file, &path, bytes)?;
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

    /// What it holds, to be wiped by whoever knows that it is a secret.
    pub(crate) fn into_secret(self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.contents)
    }
}

/// Reads so many bytes from the start, or all that there are, into one buffer: no copy is left behind by growing.
pub(crate) fn read_start(file: &File, path: &Path, bytes: usize) -> Result<Vec<u8>, Fault> {
    let mut contents = Vec::with_capacity(bytes);
    while contents.len() < bytes {
        let offset = u64::try_from(contents.len()).unwrap_or(u64::MAX);
        match rustix::io::pread(file, spare_capacity(&mut contents), offset) {
            Ok(0) => break,
            Ok(_) | Err(Errno::INTR) => {}
            Err(errno) => return Err(Fault::io(path, "read", errno)),
        }
    }
    contents.truncate(bytes);
    Ok(contents)
}

pub(crate) fn io_fault(path: &Path, action: &'static str, error: std::io::Error) -> Fault {
    match error.raw_os_error() {
        Some(errno) => Fault::io(path, action, Errno::from_raw_os_error(errno)),
        None => Fault::Io { path: path.to_owned(), action, source: error },
    }
}

fn open_directory(at: impl AsFd, name: &OsStr, part: Part, path: impl FnOnce() -> PathBuf) -> Result<OwnedFd, Fault> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | CAREFULLY;
    // A directory on the way may be searchable only (0711): O_PATH asks for no more.
    let opened = match rustix::fs::openat(&at, name, flags, Mode::empty()) {
        Err(Errno::ACCESS) => rustix::fs::openat(&at, name, flags | OFlags::PATH, Mode::empty()),
        other => other,
    };
    opened.map_err(|errno| match errno {
        Errno::NOENT => Fault::Missing { path: path(), part },
        Errno::LOOP => Fault::Untrusted { path: path(), flaw: Flaw::SymbolicLink },
        Errno::NOTDIR => Fault::Untrusted { path: path(), flaw: not_a_directory(&at, name) },
        errno => Fault::io(&path(), "open", errno),
    })
}

/// With O_DIRECTORY and O_NOFOLLOW the kernel says ENOTDIR of a link too; the remedy is another one.
fn not_a_directory(at: impl AsFd, name: &OsStr) -> Flaw {
    match rustix::fs::statat(at, name, rustix::fs::AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::Symlink => Flaw::SymbolicLink,
        Ok(_) | Err(_) => Flaw::NotADirectory,
    }
}

fn stat(fd: impl AsFd, path: impl FnOnce() -> PathBuf) -> Result<Stat, Fault> {
    rustix::fs::fstat(fd).map_err(|errno| Fault::io(&path(), "stat", errno))
}

fn check_owner_and_mode(stat: &Stat, privacy: Privacy, path: impl FnOnce() -> PathBuf) -> Result<(), Fault> {
    let mode = stat.st_mode & 0o7777;
    let flaw = if stat.st_uid != 0 {
        Flaw::Owner { uid: stat.st_uid }
    } else if mode & 0o022 != 0 {
        Flaw::WritableByOthers { mode }
    } else if privacy == Privacy::Private && mode & 0o077 != 0 {
        Flaw::OpenToOthers { mode }
    } else {
        return Ok(());
    };
    Err(Fault::Untrusted { path: path(), flaw })
}

/// On the way, a sticky directory will do: nobody can rename or remove in it what is root's.
fn check_on_the_way(fd: impl AsFd, path: impl Fn() -> PathBuf) -> Result<(), Fault> {
    let stat = stat(fd, &path)?;
    if stat.st_uid == 0 && stat.st_mode & 0o1000 != 0 {
        return Ok(());
    }
    check_owner_and_mode(&stat, Privacy::Public, path)
}
