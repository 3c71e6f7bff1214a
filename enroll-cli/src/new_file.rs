// SPDX-License-Identifier: MIT OR Apache-2.0
//! A file with secrets in it that an administrator named: root's alone, never over another, and gone again if it is not
//! finished. Written beside under another name, flushed, and only then given its own.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags};
use rustix::io::Errno;

use crate::failure::Failure;
use crate::interruption::Interruption;

pub(crate) struct NewFile<'a> {
    path: &'a Path,
    part: PathBuf,
    interruption: &'a Interruption,
}

impl<'a> NewFile<'a> {
    /// Makes the file under its other name.
    pub(crate) fn begin(path: &'a Path, interruption: &'a Interruption) -> Result<(Self, File), Failure> {
        let failed = failure_of(path, "make");
        if path.symlink_metadata().is_ok() {
            return Err(failed(std::io::ErrorKind::AlreadyExists.into()));
        }
        let Some(name) = path.file_name() else { return Err(failed(std::io::ErrorKind::InvalidInput.into())) };
        let part = path.with_file_name(format!(".{}.{}.part", name.to_string_lossy(), std::process::id()));
        // The mode is there from the first moment; a umask takes away and never adds.
        let make = || OpenOptions::new().write(true).create_new(true).mode(0o600).open(&part);
        let file = interruption.make_file(&part, make).map_err(failed)?;
        Ok((Self { path, part, interruption }, file))
    }

    /// Flushes it and gives it its name, durably.
    pub(crate) fn finish(self, file: &File) -> Result<(), Failure> {
        let failed = failure_of(self.path, "flush");
        file.sync_all().map_err(&failed)?;
        self.interruption.settle();
        let moved = match rustix::fs::renameat_with(CWD, &self.part, CWD, self.path, RenameFlags::NOREPLACE) {
            // A file system that knows no such rename: a stick, a share.
            Err(Errno::INVAL | Errno::NOSYS) if self.path.symlink_metadata().is_err() => {
                rustix::fs::rename(&self.part, self.path)
            }
            moved => moved,
        };
        moved.map_err(|errno| failure_of(self.path, "rename")(errno.into()))?;
        self.interruption.keep_files();
        let parent = self.path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(parent).and_then(|parent| parent.sync_all()).map_err(failed)
    }
}

pub(crate) fn failure_of<'a>(path: &'a Path, action: &'static str) -> impl Fn(std::io::Error) -> Failure + 'a {
    move |source| Failure::File { path: path.to_owned(), action, source }
}
