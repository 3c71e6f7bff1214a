// SPDX-License-Identifier: MIT OR Apache-2.0
//! A file in somebody's own directory, read as that somebody: this program runs itself once more without root's rights, so
//! that no link leads root anywhere (THREATS V40), and a home on NFS opens to its owner. The bytes are parsed here, not
//! there.

use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nightlatch::import::google::MAX_BYTES;
use nightlatch::user::Account;
use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use zeroize::Zeroizing;

use crate::Outcome;
use crate::failure::{Failure, Status};

/// Longer than a home on a slow server takes. A server that hangs, or an owner who stops the reading, holds up nobody else.
const PATIENCE: Duration = Duration::from_secs(20);

/// Why a file was not read. Its number is the first byte that the reading process writes; 0 is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unread {
    NotThere,
    SymbolicLink,
    NotAFile,
    HardLinks,
    NotTheirs,
    TooLarge,
    Denied,
    /// Anything else that the system refuses.
    Failed,
    /// The reading process would have had more rights than its owner.
    TooManyRights,
    /// No answer in time, or none that is one.
    NoAnswer,
}

impl Unread {
    const ALL: [Self; 9] = [
        Self::NotThere,
        Self::SymbolicLink,
        Self::NotAFile,
        Self::HardLinks,
        Self::NotTheirs,
        Self::TooLarge,
        Self::Denied,
        Self::Failed,
        Self::TooManyRights,
    ];

    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::NotThere => "is not there",
            Self::SymbolicLink => "is a symbolic link, and is not followed; name the file itself with --file",
            Self::NotAFile => "is no regular file",
            Self::HardLinks => "has further names (hard links), so that it may be somebody else's; remove them first",
            Self::NotTheirs => "is not owned by the user",
            Self::TooLarge => "is larger than 64 KiB, which google-authenticator does not read either",
            Self::Denied => "cannot be read by the user",
            Self::Failed => "cannot be read; see the kernel's log about its file system",
            Self::TooManyRights => "was not read: the rights of its owner could not be taken on",
            Self::NoAnswer => "was not read in time; is its file system mounted and answering?",
        }
    }

    fn byte(self) -> u8 {
        let place = Self::ALL.iter().position(|unread| *unread == self);
        place.and_then(|place| u8::try_from(place).ok()).map_or(u8::MAX, |place| place.saturating_add(1))
    }

    fn of_byte(byte: u8) -> Self {
        Self::ALL.into_iter().find(|unread| unread.byte() == byte).unwrap_or(Self::NoAnswer)
    }
}

/// Has the file read by its owner.
pub(crate) fn read_as(account: &Account, path: &Path) -> Result<Zeroizing<Vec<u8>>, Unread> {
    // With a uid and without groups of its own, the standard library drops all supplementary groups first; the process that
    // reads sees for itself that it is so.
    let child = Command::new("/proc/self/exe")
        .arg0("nightlatch")
        .args(["import", "read-own-file", "--"])
        .arg(path)
        .env_clear()
        .current_dir("/")
        .gid(account.named().gid())
        .uid(account.uid())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn();
    let mut child = child.map_err(|_| Unread::TooManyRights)?;
    let answer = answer_of(&mut child);
    // Stopped or slow, it has nothing more to say; as root this reaches it in any case.
    let _: std::io::Result<()> = child.kill();
    let _: std::io::Result<std::process::ExitStatus> = child.wait();
    let mut answer = answer?;
    match answer.first().copied() {
        Some(0) if answer.len() <= MAX_BYTES.saturating_add(1) => {
            answer.remove(0);
            Ok(answer)
        }
        Some(0) => Err(Unread::TooLarge),
        Some(byte) => Err(Unread::of_byte(byte)),
        None => Err(Unread::NoAnswer),
    }
}

/// All that it writes before it closes its end, within time and size.
fn answer_of(child: &mut Child) -> Result<Zeroizing<Vec<u8>>, Unread> {
    let pipe = child.stdout.take().ok_or(Unread::NoAnswer)?;
    let most = MAX_BYTES.saturating_add(2);
    let mut answer = Zeroizing::new(vec![0; most]);
    let (mut length, begun) = (0_usize, Instant::now());
    loop {
        let left = PATIENCE.checked_sub(begun.elapsed()).ok_or(Unread::NoAnswer)?;
        let patience = Timespec::try_from(left).map_err(|_| Unread::NoAnswer)?;
        match rustix::event::poll(&mut [PollFd::new(&pipe, PollFlags::IN)], Some(&patience)) {
            Ok(0) => return Err(Unread::NoAnswer),
            Ok(_) | Err(Errno::INTR) => {}
            Err(_) => return Err(Unread::NoAnswer),
        }
        let room = answer.get_mut(length..).filter(|room| !room.is_empty()).ok_or(Unread::TooLarge)?;
        match rustix::io::read(&pipe, room) {
            Ok(0) => break,
            Ok(count) => length = length.saturating_add(count),
            Err(Errno::INTR) => {}
            Err(_) => return Err(Unread::NoAnswer),
        }
    }
    answer.truncate(length);
    Ok(answer)
}

/// What runs as the owner: `nightlatch import read-own-file PATH`.
pub(crate) fn write_out(path: &Path) -> Outcome {
    let (first, contents) = match read_own(path) {
        Ok(contents) => (0, contents),
        Err(unread) => (unread.byte(), Zeroizing::new(Vec::new())),
    };
    let mut stdout = std::fs::File::from(rustix::io::dup(rustix::stdio::stdout()).map_err(no_output)?);
    let written = stdout.write_all(&[first]).and_then(|()| stdout.write_all(&contents));
    written.map(|()| Status::Done).map_err(Failure::Output)
}

fn no_output(errno: Errno) -> Failure {
    Failure::Output(errno.into())
}

/// Whoever runs this reads what is theirs, and nothing else.
fn read_own(path: &Path) -> Result<Zeroizing<Vec<u8>>, Unread> {
    let (uid, groups) = (rustix::process::geteuid(), rustix::process::getgroups());
    if rustix::process::getuid() != uid || !groups.is_ok_and(|groups| groups.is_empty()) {
        return Err(Unread::TooManyRights);
    }
    let carefully = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let opened = rustix::fs::open(path, carefully, Mode::empty()).map_err(|errno| match errno {
        Errno::NOENT | Errno::NOTDIR => Unread::NotThere,
        Errno::LOOP => Unread::SymbolicLink,
        Errno::ISDIR | Errno::NXIO => Unread::NotAFile,
        Errno::ACCESS | Errno::PERM => Unread::Denied,
        _ => Unread::Failed,
    })?;
    let file = std::fs::File::from(opened);
    let found = file.metadata().map_err(|_| Unread::Failed)?;
    if !found.is_file() {
        return Err(Unread::NotAFile);
    }
    if found.nlink() != 1 {
        return Err(Unread::HardLinks);
    }
    if found.uid() != uid.as_raw() {
        return Err(Unread::NotTheirs);
    }
    let most = usize::try_from(found.size()).ok().filter(|size| *size <= MAX_BYTES).ok_or(Unread::TooLarge)?;
    // One buffer of the right size: a buffer that grows leaves its beginning behind.
    let mut contents = Zeroizing::new(vec![0; most]);
    let mut length = 0_usize;
    while let Some(room) = contents.get_mut(length..).filter(|room| !room.is_empty()) {
        match rustix::io::read(&file, room) {
            Ok(0) => break,
            Ok(count) => length = length.saturating_add(count),
            Err(Errno::INTR) => {}
            Err(_) => return Err(Unread::Failed),
        }
    }
    contents.truncate(length);
    Ok(contents)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_comes_back_as_the_byte_that_it_goes_out_as() {
        for unread in Unread::ALL {
            assert_eq!(Unread::of_byte(unread.byte()), unread);
            assert!(unread.byte() != 0);
        }
        assert_eq!(Unread::of_byte(200), Unread::NoAnswer);
    }

    /// The tests run with root's groups, which the reading process has to have dropped.
    #[test]
    fn whoever_has_further_groups_reads_nothing() {
        if rustix::process::getgroups().is_ok_and(|groups| !groups.is_empty()) {
            assert_eq!(read_own(Path::new("/etc/passwd")).err(), Some(Unread::TooManyRights));
        }
    }
}
