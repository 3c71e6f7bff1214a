// SPDX-License-Identifier: MIT OR Apache-2.0
//! Causes that keep a code from being judged, each with its path and its remedy. None of them ever lets anybody in.

use std::fmt;
use std::path::{Path, PathBuf};

/// What is wrong with a file or directory that has to be root's alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flaw {
    /// Somebody else than root owns it.
    Owner {
        /// Who does.
        uid: u32,
    },
    /// Group or others may write it.
    WritableByOthers {
        /// Its permission bits.
        mode: u32,
    },
    /// Group or others may read it, and it holds what they may not know.
    OpenToOthers {
        /// Its permission bits.
        mode: u32,
    },
    /// It is a directory, FIFO, socket or device.
    NotAFile,
    /// It is no directory.
    NotADirectory,
    /// It is a symbolic link.
    SymbolicLink,
    /// It has further names (hard links), over which somebody may keep hold of it.
    HardLinks {
        /// How many names it has.
        count: u64,
    },
    /// It is larger than anything that nightlatch writes or reads.
    TooLarge {
        /// Its size in bytes.
        bytes: u64,
    },
    /// Its name is not an absolute path without `.` and `..`.
    NotAbsolute,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Owner { uid } => write!(f, "owned by uid {uid}, not by root"),
            Self::WritableByOthers { mode } => write!(f, "mode {mode:04o} lets group or others write"),
            Self::OpenToOthers { mode } => write!(f, "mode {mode:04o} gives group or others access"),
            Self::NotAFile => f.write_str("not a regular file"),
            Self::NotADirectory => f.write_str("not a directory"),
            Self::SymbolicLink => f.write_str("a symbolic link"),
            Self::HardLinks { count } => write!(f, "has {count} hard links"),
            Self::TooLarge { bytes } => write!(f, "too large ({bytes} bytes)"),
            Self::NotAbsolute => f.write_str("not an absolute path without '.' and '..'"),
        }
    }
}

/// What was expected at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The administrator's config.toml.
    Config,
    /// The directory of master keys.
    Keys,
    /// A master key.
    Key,
    /// The store's directory.
    Store,
    /// The store's marker.
    Marker,
    /// The directory of people's files.
    Users,
    /// A person's file: header or record.
    Record,
    /// A person's file: both ledger slots.
    Ledger,
    /// The file of an invitation.
    Invitation,
    /// A directory of hand-outs.
    Handouts,
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Config => "config",
            Self::Keys => "key directory",
            Self::Key => "master key",
            Self::Store => "store",
            Self::Marker => "store marker",
            Self::Users => "directory of people's files",
            Self::Record => "record",
            Self::Ledger => "ledger",
            Self::Invitation => "invitation",
            Self::Handouts => "directory of hand-outs",
        })
    }
}

/// Why nothing could be judged. Every variant is a refusal.
#[derive(Debug)]
pub enum Fault {
    /// A file or directory is not root's alone.
    Untrusted {
        /// Which one.
        path: PathBuf,
        /// What is wrong with it.
        flaw: Flaw,
    },
    /// Something that `init` made is not there.
    Missing {
        /// Where it should be.
        path: PathBuf,
        /// What should be there.
        part: Part,
    },
    /// Bytes do not unseal or do not parse.
    Damaged {
        /// The file.
        path: PathBuf,
        /// Which part of it.
        part: Part,
    },
    /// A newer nightlatch wrote it.
    Newer {
        /// The file.
        path: PathBuf,
        /// The version that it names.
        version: u8,
    },
    /// The record was made for another name or uid than the account has now.
    Foreign {
        /// The file.
        path: PathBuf,
        /// Whom it was made for.
        made_for: String,
    },
    /// Another process held the lock for longer than a login may wait.
    Busy {
        /// The locked file.
        path: PathBuf,
    },
    /// The file was replaced under us more often than a login may follow.
    Restless {
        /// The file.
        path: PathBuf,
    },
    /// The caller may not read or write it (a screen locker that runs without root).
    Denied {
        /// What it may not open.
        path: PathBuf,
    },
    /// The system refused an operation.
    Io {
        /// On which file.
        path: PathBuf,
        /// What was tried.
        action: &'static str,
        /// The system's reason.
        source: std::io::Error,
    },
    /// No block was left for a slot that is overwritten in place: it had none of its own.
    NoBlock {
        /// The person's file.
        path: PathBuf,
        /// The system's reason: the disk is full, or a quota is.
        source: std::io::Error,
    },
    /// The wall clock stands before 1970.
    ClockBefore1970,
    /// A clock could not be read.
    ClockUnreadable,
    /// The kernel gave no random bytes.
    NoRandomness,
    /// Memory for the password hash could not be had.
    NoMemory,
    /// What should be written does not fit its place in the file: a bug or a damaged record.
    DoesNotFit {
        /// The file.
        path: PathBuf,
        /// Which part of it.
        part: Part,
    },
    /// Records are there, but not their key or not their marker: a new key would make them unreadable for good.
    KeyLost {
        /// The store with the records.
        path: PathBuf,
    },
    /// A key is there, but no store: one made now, in place of one that is not mounted, would have nobody enrolled.
    StoreLost {
        /// Where the store should be.
        path: PathBuf,
        /// The directory with the key.
        keys: PathBuf,
    },
}

impl Fault {
    pub(crate) fn io(path: &Path, action: &'static str, errno: rustix::io::Errno) -> Self {
        use rustix::io::Errno;
        match errno {
            Errno::ACCESS | Errno::PERM => Self::Denied { path: path.to_owned() },
            _ => Self::Io { path: path.to_owned(), action, source: errno.into() },
        }
    }

    /// The file or directory that this is about.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::Untrusted { path, .. }
            | Self::Missing { path, .. }
            | Self::Damaged { path, .. }
            | Self::Newer { path, .. }
            | Self::Foreign { path, .. }
            | Self::Busy { path }
            | Self::Restless { path }
            | Self::Denied { path }
            | Self::Io { path, .. }
            | Self::NoBlock { path, .. }
            | Self::DoesNotFit { path, .. }
            | Self::KeyLost { path }
            | Self::StoreLost { path, .. } => Some(path),
            Self::ClockBefore1970 | Self::ClockUnreadable | Self::NoRandomness | Self::NoMemory => None,
        }
    }

    /// One word for machines; part of the CLI's interface.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Untrusted { .. } => "untrusted",
            Self::Missing { .. } => "missing",
            Self::Damaged { .. } => "damaged",
            Self::Newer { .. } => "newer",
            Self::Foreign { .. } => "foreign",
            Self::Busy { .. } | Self::Restless { .. } => "busy",
            Self::Denied { .. } => "denied",
            Self::Io { .. } => "io",
            Self::NoBlock { .. } => "no-block",
            Self::ClockBefore1970 | Self::ClockUnreadable => "clock",
            Self::NoRandomness => "randomness",
            Self::NoMemory => "memory",
            Self::DoesNotFit { .. } => "size",
            Self::KeyLost { .. } => "key-lost",
            Self::StoreLost { .. } => "store-lost",
        }
    }

    /// What an administrator does about it.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::Untrusted { path, flaw } => untrusted_remedy(path, *flaw),
            Self::Missing { part: Part::Config, path } => {
                format!("write {}, or run 'nightlatch init'", path.display())
            }
            Self::Missing { part: Part::Handouts, path } => format!("make {} first, or name another", path.display()),
            Self::Missing { part: Part::Key, path } | Self::Damaged { part: Part::Key, path } => {
                format!(
                    "put {} back ('nightlatch key restore', or a backup of the keys); without it its records cannot be read",
                    path.display()
                )
            }
            // On a host that has records, init is not what helps, and refuses.
            Self::Missing { part: Part::Keys, .. } => {
                "mount what is not mounted, or put the keys back ('nightlatch key restore'); on a new host, run 'nightlatch init'"
                    .to_owned()
            }
            Self::Missing { part: Part::Store | Part::Users, path } => format!(
                "mount what is not mounted, or put {} back from a backup ('nightlatch store restore FILE'); on a new host, run 'nightlatch init'",
                path.display()
            ),
            Self::Missing { part: Part::Marker | Part::Record | Part::Ledger | Part::Invitation, path } => format!(
                "mount what is not mounted, or put {} back from a backup; on a new host, run 'nightlatch init'",
                path.display()
            ),
            Self::Damaged { path, part: Part::Record | Part::Ledger } => format!(
                "put {0} back from a backup ('nightlatch store restore FILE'), or 'nightlatch remove --uid {1}' and enroll again",
                path.display(),
                uid_in(path)
            ),
            Self::Damaged {
                path,
                part: Part::Config | Part::Keys | Part::Store | Part::Marker | Part::Users | Part::Handouts,
            } => {
                format!("put {} back from a backup", path.display())
            }
            Self::Damaged { part: Part::Invitation, .. } => {
                "'nightlatch invite USER' makes it anew, and with --end removes it; until then it invites nobody"
                    .to_owned()
            }
            Self::Newer { .. } => "update libpam-nightlatch and nightlatch on this host".to_owned(),
            Self::Foreign { path, made_for } => format!(
                "'nightlatch rebind USER --from-uid {0}' if the account was renamed; else 'nightlatch remove --uid {0}' and enroll again, \
                 or rename the account back to '{made_for}'",
                uid_in(path)
            ),
            Self::Busy { path } => {
                format!("see who holds {} ('fuser -v {}')", path.display(), path.display())
            }
            Self::Restless { .. } => "try again".to_owned(),
            Self::Denied { .. } => {
                "run as root; programs without root (screen lockers) cannot ask for a code".to_owned()
            }
            Self::Io { path, source, .. } => io_remedy(path, source),
            Self::NoBlock { path, .. } => {
                format!("free space on the file system of {}, then 'nightlatch doctor --mend'", path.display())
            }
            Self::ClockBefore1970 | Self::ClockUnreadable => "set the host's clock (timedatectl)".to_owned(),
            Self::NoRandomness => "see why getrandom(2) fails on this host".to_owned(),
            Self::NoMemory => "free memory, or raise the limit of the service that asked".to_owned(),
            Self::DoesNotFit { .. } => "remove devices or backup codes of this account".to_owned(),
            Self::KeyLost { path } => format!(
                "put the key ('nightlatch key restore') and the marker that {} was made with back from a backup; to begin anew without these records, move the store away first",
                path.display()
            ),
            Self::StoreLost { keys, .. } => {
                format!("mount what is not mounted; for a new store, move the key out of {} first", keys.display())
            }
        }
    }
}

/// Puts the path and what was tried to a refusal of the system.
pub(crate) trait OrFault<T> {
    fn or_fault(self, path: &Path, action: &'static str) -> Result<T, Fault>;
}

impl<T> OrFault<T> for Result<T, rustix::io::Errno> {
    fn or_fault(self, path: &Path, action: &'static str) -> Result<T, Fault> {
        self.map_err(|errno| Fault::io(path, action, errno))
    }
}

/// A person's file is named by the uid.
fn uid_in(path: &Path) -> std::borrow::Cow<'_, str> {
    path.file_name().map(std::ffi::OsStr::to_string_lossy).unwrap_or_default()
}

fn untrusted_remedy(path: &Path, flaw: Flaw) -> String {
    let path = path.display();
    match flaw {
        Flaw::Owner { .. } => format!("see who changed it, then 'chown root:root {path}'"),
        Flaw::WritableByOthers { .. } => format!("see who wrote it, then 'chmod go-w {path}'"),
        Flaw::OpenToOthers { .. } => format!("see who read it, then 'chmod go= {path}'"),
        Flaw::NotAFile | Flaw::NotADirectory => format!("remove {path} and put the real one back"),
        Flaw::SymbolicLink => {
            format!("put the real file or directory at {path}, or name its real path in config.toml if that names it")
        }
        Flaw::HardLinks { .. } => format!("remove the other names of {path}"),
        Flaw::TooLarge { .. } => format!("put a sound {path} back"),
        Flaw::NotAbsolute => "write the path in full, beginning with '/'".to_owned(),
    }
}

fn io_remedy(path: &Path, source: &std::io::Error) -> String {
    let path = path.display();
    match source.raw_os_error().map(rustix::io::Errno::from_raw_os_error) {
        Some(rustix::io::Errno::NOSPC | rustix::io::Errno::DQUOT) => {
            format!("free space on the file system of {path}, or inodes if 'df -i' shows none")
        }
        Some(rustix::io::Errno::ROFS) => {
            format!("the file system of {path} is read-only: see the kernel's log, then mount it read-write")
        }
        Some(rustix::io::Errno::IO) => format!("the disk under {path} reports errors: see the kernel's log"),
        Some(rustix::io::Errno::MFILE | rustix::io::Errno::NFILE) => {
            "raise the limit of open files of the service that asked".to_owned()
        }
        Some(rustix::io::Errno::OPNOTSUPP) => {
            format!("keep {path} on a file system with RWF_DSYNC and renameat2 (ext4, xfs, btrfs, tmpfs)")
        }
        _ => format!("see the kernel's log about the file system of {path}"),
    }
}

/// The cause with its path, in lower case; the remedy stands apart, so that a line can end with it.
impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Untrusted { path, flaw } => write!(f, "{}: {flaw}", path.display()),
            Self::Missing { path, part } => write!(f, "{}: no {part} there", path.display()),
            Self::Damaged { path, part: Part::Key } => {
                write!(f, "{}: the master key is damaged, or it is another", path.display())
            }
            Self::Damaged { path, part } => write!(f, "{}: the {part} is damaged", path.display()),
            Self::Newer { path, version } => {
                write!(f, "{}: written by a newer nightlatch (format {version})", path.display())
            }
            Self::Foreign { path, made_for } => {
                write!(f, "{}: made for '{made_for}', not for the account that asks", path.display())
            }
            Self::Busy { path } => write!(f, "{}: locked by another process for too long", path.display()),
            Self::Restless { path } => write!(f, "{}: replaced again and again while waiting for it", path.display()),
            Self::Denied { path } => write!(f, "{}: permission denied", path.display()),
            Self::Io { path, action, source } => write!(f, "{}: {action}: {source}", path.display()),
            Self::NoBlock { path, source } => write!(
                f,
                "{}: no block to write the ledger to, since a snapshot or a copy shares its own: {source}",
                path.display()
            ),
            Self::ClockBefore1970 => f.write_str("the wall clock stands before 1970"),
            Self::ClockUnreadable => f.write_str("the clock cannot be read"),
            Self::NoRandomness => f.write_str("no random bytes from the kernel"),
            Self::NoMemory => f.write_str("not enough memory to check a backup code"),
            Self::DoesNotFit { path, part } => write!(f, "{}: the {part} does not fit its place", path.display()),
            Self::KeyLost { path } => {
                write!(f, "{}: records are there, but not their key or not their marker", path.display())
            }
            Self::StoreLost { path, keys } => {
                write!(f, "{}: no store there, though {} holds a key", path.display(), keys.display())
            }
        }
    }
}

impl std::error::Error for Fault {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Io { source, .. } | Self::NoBlock { source, .. } => Some(source),
            Self::Untrusted { .. }
            | Self::Missing { .. }
            | Self::Damaged { .. }
            | Self::Newer { .. }
            | Self::Foreign { .. }
            | Self::Busy { .. }
            | Self::Restless { .. }
            | Self::Denied { .. }
            | Self::ClockBefore1970
            | Self::ClockUnreadable
            | Self::NoRandomness
            | Self::NoMemory
            | Self::DoesNotFit { .. }
            | Self::KeyLost { .. }
            | Self::StoreLost { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests;
