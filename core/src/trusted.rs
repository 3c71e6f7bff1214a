// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files and directories that are root's alone. What is read is read through a descriptor whose owner, mode, type and
//! links were checked, and every directory on the way was reached without following a link (THREATS V40 to V44).

use std::ffi::OsStr;
use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::path::{Component, Path, PathBuf};

use rustix::buffer::spare_capacity;
use rustix::fs::{AtFlags, FileType, Mode, OFlags, ResolveFlags, StatxFlags};
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
    /// The directory at an absolute path.
    ///
    /// # Errors
    ///
    /// [`Fault::Untrusted`] where a directory on the way is not root's alone, [`Fault::Missing`], [`Fault::Denied`],
    /// [`Fault::Io`].
    pub(crate) fn open(path: &Path, privacy: Privacy, part: Part) -> Result<Self, Fault> {
        match Self::at_once(path, privacy) {
            Some(directory) => Ok(directory),
            // Whatever the matter is, this decides, and names the directory.
            None => Self::by_steps(path, privacy, part),
        }
    }

    /// Opens it in one step without following a link, then looks at the directories above what was opened: whoever can
    /// change one of them, and so what the path leads to, can lead it only to what lies below that very directory.
    ///
    /// A third of the calls of [`Self::by_steps`]. `None` where anything is not as it should be, openat2(2) among it: it
    /// came with Linux 5.6, and a container's filter may know nothing of it.
    fn at_once(path: &Path, privacy: Privacy) -> Option<Self> {
        let (Some(Component::RootDir), above) = (path.components().next(), path.components().skip(1)) else {
            return None;
        };
        let flags = OFlags::RDONLY | OFlags::DIRECTORY | CAREFULLY;
        let no_links = ResolveFlags::NO_SYMLINKS;
        let fd = rustix::fs::openat2(rustix::fs::CWD, path, flags, Mode::empty(), no_links).ok()?;
        owner_or_mode_flaw(&Attributes::of(&fd).ok()?, privacy).is_none().then_some(())?;
        let mut up = PathBuf::new();
        for component in above {
            let Component::Normal(_) = component else { return None };
            up.push("..");
            flaw_on_the_way(&Attributes::at(&fd, &up, AtFlags::empty()).ok()?).is_none().then_some(())?;
        }
        Some(Self { fd, path: path.to_owned() })
    }

    /// Opens every directory on the way, from the root on.
    fn by_steps(path: &Path, privacy: Privacy, part: Part) -> Result<Self, Fault> {
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
            trusted(flaw_on_the_way(&attributes(&fd, at(above))?), at(above))?;
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
        trusted(owner_or_mode_flaw(&attributes(&self.fd, path)?, privacy), path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Opens a file in it and checks the descriptor; `None` where there is none.
    pub(crate) fn open_file(&self, name: &OsStr, flags: OFlags, trust: Trust) -> Result<Option<OpenFile>, Fault> {
        let path = || self.path.join(name);
        let fd = match rustix::fs::openat(&self.fd, name, flags | CAREFULLY, Mode::empty()) {
            Ok(fd) => fd,
            Err(Errno::NOENT) => return Ok(None),
            Err(Errno::LOOP) => return Err(Fault::Untrusted { path: path(), flaw: Flaw::SymbolicLink }),
            Err(Errno::ISDIR | Errno::NXIO) => return Err(Fault::Untrusted { path: path(), flaw: Flaw::NotAFile }),
            Err(errno) => return Err(Fault::io(&path(), "open", errno)),
        };
        let attributes = attributes(&fd, path)?;
        let bytes = trust.check(&attributes, path)?;
        Ok(Some(OpenFile { file: File::from(fd), bytes, inode: attributes.inode }))
    }

    /// Which file a name leads to now, or `None` where to none. A link is a file of its own here.
    pub(crate) fn inode_at(&self, name: &OsStr) -> Result<Option<Inode>, Fault> {
        match Attributes::at(&self.fd, name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(attributes) => Ok(Some(attributes.inode)),
            Err(Errno::NOENT) => Ok(None),
            Err(errno) => Err(Fault::io(&self.path.join(name), "stat", errno)),
        }
    }
}

/// A file whose descriptor was checked.
pub(crate) struct OpenFile {
    pub(crate) file: File,
    /// As many as it had when it was checked, and no more than are trusted.
    pub(crate) bytes: usize,
    pub(crate) inode: Inode,
}

/// Which file it is, whatever its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Inode {
    device: (u32, u32),
    number: u64,
}

/// What is asked of a file before it is trusted, and nothing else. Whoever asks for the times of a file makes the kernel
/// take down a time of its own for the next write (Linux 6.13), and flushing that took 65 us of each login.
struct Attributes {
    mode: u32,
    uid: u32,
    links: u32,
    bytes: u64,
    inode: Inode,
}

impl Attributes {
    fn of(fd: impl AsFd) -> Result<Self, Errno> {
        Self::at(fd, "", AtFlags::EMPTY_PATH)
    }

    fn at(fd: impl AsFd, name: impl rustix::path::Arg, flags: AtFlags) -> Result<Self, Errno> {
        let wanted = StatxFlags::TYPE
            | StatxFlags::MODE
            | StatxFlags::UID
            | StatxFlags::NLINK
            | StatxFlags::SIZE
            | StatxFlags::INO;
        let found = rustix::fs::statx(fd, name, flags, wanted)?;
        // What a file system does not tell is not taken for zero.
        if !StatxFlags::from_bits_retain(found.stx_mask).contains(wanted) {
            return Err(Errno::NOTSUP);
        }
        Ok(Self {
            mode: found.stx_mode.into(),
            uid: found.stx_uid,
            links: found.stx_nlink,
            bytes: found.stx_size,
            inode: Inode { device: (found.stx_dev_major, found.stx_dev_minor), number: found.stx_ino },
        })
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
    fn check(self, found: &Attributes, path: impl Fn() -> PathBuf) -> Result<usize, Fault> {
        let untrusted = |flaw| Err(Fault::Untrusted { path: path(), flaw });
        if FileType::from_raw_mode(found.mode) != FileType::RegularFile {
            return untrusted(Flaw::NotAFile);
        }
        if found.links > 1 {
            return untrusted(Flaw::HardLinks { count: found.links.into() });
        }
        let bytes = match usize::try_from(found.bytes) {
            Ok(bytes) if bytes <= self.max_bytes => bytes,
            Ok(_) | Err(_) => return untrusted(Flaw::TooLarge { bytes: found.bytes }),
        };
        trusted(owner_or_mode_flaw(found, self.privacy), path)?;
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

    /// Reads a file that another program keeps for itself, where only root can change it or the way there; `None` where there
    /// is none. What it holds is wiped.
    ///
    /// # Errors
    ///
    /// [`Fault::Untrusted`], [`Fault::Denied`], [`Fault::Io`].
    pub fn read_of_another_program(path: &Path, max_bytes: usize) -> Result<Option<Zeroizing<Vec<u8>>>, Fault> {
        let absolute = || Fault::Untrusted { path: path.to_owned(), flaw: Flaw::NotAbsolute };
        let (directory, name) = path.parent().zip(path.file_name()).ok_or_else(absolute)?;
        let directory = match TrustedDirectory::open(directory, Privacy::Public, Part::Config) {
            Ok(directory) => directory,
            Err(Fault::Missing { .. }) => return Ok(None),
            Err(fault) => return Err(fault),
        };
        let file = Self::read(&directory, name, Trust { privacy: Privacy::Public, max_bytes })?;
        Ok(file.map(Self::into_secret))
    }

    pub(crate) fn read(directory: &TrustedDirectory, name: &OsStr, trust: Trust) -> Result<Option<Self>, Fault> {
        let Some(OpenFile { file, bytes, .. }) = directory.open_file(name, OFlags::RDONLY, trust)? else {
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
    match Attributes::at(at, name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(found) if FileType::from_raw_mode(found.mode) == FileType::Symlink => Flaw::SymbolicLink,
        Ok(_) | Err(_) => Flaw::NotADirectory,
    }
}

fn attributes(fd: impl AsFd, path: impl FnOnce() -> PathBuf) -> Result<Attributes, Fault> {
    Attributes::of(fd).map_err(|errno| Fault::io(&path(), "stat", errno))
}

fn owner_or_mode_flaw(found: &Attributes, privacy: Privacy) -> Option<Flaw> {
    let mode = found.mode & 0o7777;
    if found.uid != 0 {
        Some(Flaw::Owner { uid: found.uid })
    } else if mode & 0o022 != 0 {
        Some(Flaw::WritableByOthers { mode })
    } else if privacy == Privacy::Private && mode & 0o077 != 0 {
        Some(Flaw::OpenToOthers { mode })
    } else {
        None
    }
}

/// On the way, a sticky directory will do: nobody can rename or remove in it what is root's.
fn flaw_on_the_way(found: &Attributes) -> Option<Flaw> {
    if found.uid == 0 && found.mode & 0o1000 != 0 {
        return None;
    }
    owner_or_mode_flaw(found, Privacy::Public)
}

fn trusted(flaw: Option<Flaw>, path: impl FnOnce() -> PathBuf) -> Result<(), Fault> {
    match flaw {
        None => Ok(()),
        Some(flaw) => Err(Fault::Untrusted { path: path(), flaw }),
    }
}

#[cfg(test)]
mod tests;
