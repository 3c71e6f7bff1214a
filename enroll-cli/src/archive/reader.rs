// SPDX-License-Identifier: MIT OR Apache-2.0
//! Reads a backup: first as a whole, against its sums, and only then entry by entry for whoever restores from it.

use std::fs::File;
use std::io::{BufReader, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use nightlatch::store::ArchiveKeys;
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::archive::age::{self, Decryptor, PayloadKey};
use crate::archive::{Entry, MANIFEST, MANIFEST_LINE, SUMS};
use crate::failure::{Failure, NotABackup};
use crate::new_file::failure_of;

/// More than any entry but the sums.
const LARGEST: u64 = 64 * 1024;
/// A line of some eighty bytes for each file: more people than there are uids on any host of ours.
const LARGEST_SUMS: u64 = 256 * 1024 * 1024;

/// A backup that was found whole.
pub(crate) struct Archive {
    path: PathBuf,
    file: File,
    /// With where the payload begins.
    key: Option<(PayloadKey, u64)>,
}

/// What a backup holds besides people.
pub(crate) struct Contents {
    pub(crate) made_at: String,
    pub(crate) host: String,
    pub(crate) marker: Vec<u8>,
    pub(crate) keys: ArchiveKeys,
    pub(crate) people: u64,
}

impl Archive {
    /// Opens it; a passphrase is asked for only where there is one.
    pub(crate) fn open(
        path: &Path,
        passphrase: impl FnOnce() -> Result<Zeroizing<Vec<u8>>, Failure>,
    ) -> Result<Self, Failure> {
        let failed = failure_of(path, "read");
        let file = File::open(path).map_err(&failed)?;
        let mut reader = BufReader::new(&file);
        let key = if age::is_age(&mut reader).map_err(&failed)? {
            let header = age::Header::read(&mut reader).map_err(|cause| not_a_backup(path, cause))?;
            let passphrase = passphrase()?;
            Some(header.open(&passphrase).map_err(|cause| not_a_backup(path, cause))?)
        } else {
            None
        };
        Ok(Self { path: path.to_owned(), file, key })
    }

    /// Reads all of it and holds it against its sums.
    pub(crate) fn examine(&self) -> Result<Contents, Failure> {
        let (mut sums, mut claimed, mut first) = (String::new(), None, None);
        let mut contents = Contents {
            made_at: String::new(),
            host: String::new(),
            marker: Vec::new(),
            keys: ArchiveKeys::default(),
            people: 0,
        };
        self.each(|path, bytes| {
            // Nothing stands behind the sums, and the manifest before everything.
            if claimed.is_some() || (first.is_none() && path != MANIFEST) {
                return Err(self.wrong(NotABackup::Damaged));
            }
            if path == SUMS {
                claimed = Some(bytes.to_vec());
                return Ok(());
            }
            sums.push_str(&format!("{}  {path}\n", data_encoding::HEXLOWER.encode(&Sha256::digest(bytes))));
            if path == MANIFEST {
                first = Some(());
                (contents.made_at, contents.host) = manifest(bytes).map_err(|cause| self.wrong(cause))?;
                return Ok(());
            }
            match Entry::of(path) {
                Some(Entry::Marker) => contents.marker = bytes.to_vec(),
                Some(Entry::Key(id)) if !contents.keys.add(&id, bytes) => return Err(self.wrong(NotABackup::Damaged)),
                Some(Entry::Person(_)) => contents.people = contents.people.saturating_add(1),
                Some(Entry::Key(_) | Entry::Invitation(_)) | None => {}
            }
            Ok(())
        })?;
        match (first, claimed) {
            (None, None) => Err(self.wrong(NotABackup::SomethingElse)),
            (Some(()), Some(claimed)) if claimed == sums.as_bytes() => Ok(contents),
            _ => Err(self.wrong(NotABackup::Damaged)),
        }
    }

    /// Each person and each invitation, in the order of the backup.
    pub(crate) fn each_entry(&self, mut visit: impl FnMut(Entry, &[u8]) -> Result<(), Failure>) -> Result<(), Failure> {
        self.each(|path, bytes| match Entry::of(path) {
            Some(entry) => visit(entry, bytes),
            None => Ok(()),
        })
    }

    fn each(&self, mut visit: impl FnMut(&str, &[u8]) -> Result<(), Failure>) -> Result<(), Failure> {
        let begin = self.key.as_ref().map_or(0, |(_, begin)| *begin);
        let mut file = &self.file;
        file.seek(SeekFrom::Start(begin)).map_err(failure_of(&self.path, "read"))?;
        let file = BufReader::new(file);
        match &self.key {
            Some((key, _)) => self.walk(Decryptor::begin(file, key).map_err(|error| self.failed(error))?, &mut visit),
            None => self.walk(file, &mut visit),
        }
    }

    fn walk(
        &self,
        reader: impl Read,
        visit: &mut impl FnMut(&str, &[u8]) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        let mut tar = tar::Archive::new(reader);
        let mut is_first = true;
        for entry in tar.entries().map_err(|error| self.failed(error))? {
            let mut entry = match entry {
                Ok(entry) => entry,
                // What does not even begin as a tar file is something else; what goes wrong later is damage.
                Err(error) if is_first && self.key.is_none() && error.raw_os_error().is_none() => {
                    return Err(self.wrong(NotABackup::SomethingElse));
                }
                Err(error) => return Err(self.failed(error)),
            };
            let path = entry.path().map_err(|error| self.failed(error))?.to_string_lossy().into_owned();
            if is_first && path != MANIFEST {
                return Err(self.wrong(NotABackup::SomethingElse));
            }
            is_first = false;
            let limit = if path == SUMS { LARGEST_SUMS } else { LARGEST };
            if entry.size() > limit {
                return Err(self.wrong(NotABackup::Damaged));
            }
            let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(entry.size()).unwrap_or(0)));
            entry.read_to_end(&mut bytes).map_err(|error| self.failed(error))?;
            visit(&path, &bytes)?;
        }
        Ok(())
    }

    /// An error of the system is one; all others are what a reader says of bytes that are not as they were written.
    fn failed(&self, error: std::io::Error) -> Failure {
        match error.raw_os_error() {
            Some(_) => failure_of(&self.path, "read")(error),
            None => self.wrong(NotABackup::Damaged),
        }
    }

    fn wrong(&self, cause: NotABackup) -> Failure {
        not_a_backup(&self.path, cause)
    }
}

fn not_a_backup(path: &Path, cause: NotABackup) -> Failure {
    Failure::NotABackup { path: path.to_owned(), cause }
}

/// When and where it was made.
fn manifest(bytes: &[u8]) -> Result<(String, String), NotABackup> {
    let text = std::str::from_utf8(bytes).map_err(|_| NotABackup::Damaged)?;
    let mut lines = text.lines();
    match lines.next() {
        Some(MANIFEST_LINE) => {}
        Some(other) if other.starts_with("nightlatch backup ") => return Err(NotABackup::Newer),
        Some(_) | None => return Err(NotABackup::SomethingElse),
    }
    let mut value = |name: &str| lines.next().and_then(|line| line.strip_prefix(name)).map(str::to_owned);
    match (value("made-at "), value("host ")) {
        (Some(made_at), Some(host)) => Ok((made_at, host)),
        _ => Err(NotABackup::Damaged),
    }
}
