// SPDX-License-Identifier: MIT OR Apache-2.0
//! The file of a hand-out: made empty before anybody is asked anything, root's alone and never over another; filled, and
//! on the disk, before what it tells of holds; gone again if nothing comes of it.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use nightlatch::config::EnrollDefaults;
use nightlatch::user::{Account, host_name};

use crate::arguments::SheetFile;
use crate::failure::Failure;
use crate::interruption::Interruption;
use crate::new_file::failure_of;
use crate::paper::{Format, Page, render};

/// A file with nothing in it yet.
pub(crate) struct Blank {
    path: PathBuf,
    format: Format,
    file: File,
}

/// Whether everything that a hand-out names can be written on it; asked before anything is shown or changed.
pub(crate) fn has_letters_for(
    sheet: &SheetFile,
    account: &Account,
    site: &EnrollDefaults,
    names: &[(&'static str, &str)],
) -> Result<(), Failure> {
    let host = host_name();
    let of_all = [("the user's name", account.name().as_str()), ("the host's name", host.as_str())];
    let contact = site.contact.as_deref().map(|contact| ("contact in the config", contact));
    for (what, text) in of_all.iter().chain(names).copied().chain(contact) {
        sheet.format.can_show(text).map_err(|cause| Failure::NotOnPaper { path: sheet.path.clone(), what, cause })?;
    }
    Ok(())
}

const WRITE: &str = "write the hand-out";

impl Blank {
    /// A new file: where it cannot be made, nothing has been shown or changed yet.
    pub(crate) fn make(sheet: &SheetFile, interruption: &Interruption) -> Result<Self, Failure> {
        let SheetFile { path, format } = sheet;
        // The mode is there from the first moment; a umask takes away and never adds.
        let make = || OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        let file = interruption.make_file(path, make).map_err(failure_of(path, WRITE))?;
        Ok(Self { path: path.to_owned(), format: *format, file })
    }

    /// Puts the page into it, durably: whoever has its codes in the store has them on paper too.
    pub(crate) fn fill(mut self, page: &Page<'_>) -> Result<(), Failure> {
        let bytes = render(page, self.format).map_err(|cause| Failure::NotOnPaper {
            path: self.path.clone(),
            what: "the hand-out",
            cause,
        })?;
        let written = self.file.write_all(&bytes).and_then(|()| self.file.sync_all()).and_then(|()| self.sync_name());
        written.map_err(failure_of(&self.path, WRITE))
    }

    fn sync_name(&self) -> std::io::Result<()> {
        let directory = self.path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(directory)?.sync_all()
    }
}
