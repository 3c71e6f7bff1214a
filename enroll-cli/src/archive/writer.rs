// SPDX-License-Identifier: MIT OR Apache-2.0
//! Writes a backup, entry by entry: what is held in memory does not grow with the files but for a line of each.

use std::fs::File;
use std::io::{self, BufWriter, Write};

use nightlatch::clock::UnixTime;
use nightlatch::random::Random;
use sha2::{Digest as _, Sha256};

use crate::archive::age::Encryptor;
use crate::archive::{Entry, MANIFEST, MANIFEST_LINE, SUMS};

/// Where the tar file goes.
enum Sink {
    Plain(BufWriter<File>),
    Encrypted(Box<Encryptor<BufWriter<File>>>),
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Plain(file) => file.write(bytes),
            Self::Encrypted(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Plain(file) => file.flush(),
            Self::Encrypted(file) => file.flush(),
        }
    }
}

pub(crate) struct ArchiveWriter {
    tar: tar::Builder<Sink>,
    sums: String,
    made_at: UnixTime,
}

impl ArchiveWriter {
    /// Begins with what the backup is. With a passphrase, all of it is encrypted.
    pub(crate) fn begin(
        file: File,
        passphrase: Option<&[u8]>,
        host: &str,
        made_at: UnixTime,
        random: &dyn Random,
    ) -> io::Result<Self> {
        let file = BufWriter::new(file);
        let sink = match passphrase {
            None => Sink::Plain(file),
            Some(passphrase) => Sink::Encrypted(Box::new(Encryptor::begin(file, passphrase, random)?)),
        };
        let mut writer = Self { tar: tar::Builder::new(sink), sums: String::new(), made_at };
        let manifest = format!("{MANIFEST_LINE}\nmade-at {made_at}\nhost {host}\n");
        writer.put(MANIFEST, manifest.as_bytes())?;
        Ok(writer)
    }

    pub(crate) fn add(&mut self, entry: &Entry, bytes: &[u8]) -> io::Result<()> {
        self.put(&entry.path(), bytes)
    }

    fn put(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        let sum = data_encoding::HEXLOWER.encode(&Sha256::digest(bytes));
        self.sums.push_str(&format!("{sum}  {path}\n"));
        self.append(path, bytes)
    }

    fn append(&mut self, path: &str, bytes: &[u8]) -> io::Result<()> {
        let mut header = tar::Header::new_ustar();
        header.set_path(path)?;
        header.set_size(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        header.set_mode(0o600);
        header.set_mtime(self.made_at.0);
        header.set_uid(0);
        header.set_gid(0);
        header.set_entry_type(tar::EntryType::Regular);
        header.set_cksum();
        self.tar.append(&header, bytes)
    }

    /// Ends with the sums; the file is to be flushed to the disk by whoever made it.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        let sums = std::mem::take(&mut self.sums);
        self.append(SUMS, sums.as_bytes())?;
        match self.tar.into_inner()? {
            Sink::Plain(mut file) => file.flush(),
            Sink::Encrypted(file) => file.finish()?.flush(),
        }
    }
}
