// SPDX-License-Identifier: MIT OR Apache-2.0
//! The hand-out: one A4 page for one person, above a cut line what sets the phone up and is then destroyed, below it the
//! backup codes to keep. Pure but for `blank`: a page in, the bytes of a file out, in buffers that wipe themselves.

pub(crate) mod blank;
mod helvetica;
mod html;
mod pdf;
mod wording;

use std::fmt;
use std::path::Path;

use nightlatch::backup::BackupSheet;
use nightlatch::clock::UnixTime;
use nightlatch::qr::Symbol;
use nightlatch::record::{Digits, Kind};
use nightlatch::secret::Algorithm;
use zeroize::Zeroizing;

use crate::paper::wording::Wording;

/// What a person is to get.
pub(crate) struct Page<'a> {
    pub(crate) user: &'a str,
    pub(crate) host: &'a str,
    /// When it was made.
    pub(crate) at: UnixTime,
    /// Whom to turn to.
    pub(crate) contact: Option<&'a str>,
    /// The part to be destroyed.
    pub(crate) device: Option<DeviceToSetUp<'a>>,
    /// The part to be kept.
    pub(crate) backup_codes: Option<&'a BackupSheet>,
}

/// A device that its owner still has to set up.
pub(crate) struct DeviceToSetUp<'a> {
    pub(crate) issuer: &'a str,
    pub(crate) account: &'a str,
    pub(crate) kind: Kind,
    pub(crate) algorithm: Algorithm,
    pub(crate) digits: Digits,
    /// The counter of the first code, where it goes by counter.
    pub(crate) counter: Option<u64>,
    /// Base32.
    pub(crate) secret: &'a str,
    pub(crate) symbol: &'a Symbol,
}

/// What kind of file it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Format {
    /// With the fonts that every reader has: letters of Western Europe only.
    Pdf,
    /// One file, without script and without anything from elsewhere.
    Html,
}

/// The fonts of a PDF lack a character.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct NoSuchLetter {
    character: char,
}

impl fmt::Display for NoSuchLetter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { character } = self;
        write!(f, "the fonts of a PDF have no '{}' (U+{:04X})", character.escape_debug(), u32::from(*character))
    }
}

impl Format {
    /// By how the file's name ends.
    pub(crate) fn of(path: &Path) -> Option<Self> {
        let ending = path.extension()?.to_str()?;
        [("pdf", Self::Pdf), ("html", Self::Html)]
            .into_iter()
            .find_map(|(name, format)| name.eq_ignore_ascii_case(ending).then_some(format))
    }

    /// Whether it has the letters of a text: known before anything is shown or enrolled.
    pub(crate) fn can_show(self, text: &str) -> Result<(), NoSuchLetter> {
        match self {
            Self::Pdf => helvetica::encoded(text).map(drop),
            Self::Html => Ok(()),
        }
    }
}

/// The bytes of the file.
///
/// # Errors
///
/// [`NoSuchLetter`], where [`Format::can_show`] was not asked.
pub(crate) fn render(page: &Page<'_>, format: Format) -> Result<Zeroizing<Vec<u8>>, NoSuchLetter> {
    let wording = Wording::of(page);
    match format {
        Format::Pdf => pdf::render(&wording),
        Format::Html => Ok(html::render(&wording)),
    }
}

#[cfg(test)]
mod tests;
