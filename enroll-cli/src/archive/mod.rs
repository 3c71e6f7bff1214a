// SPDX-License-Identifier: MIT OR Apache-2.0
//! A backup file: a tar file with people's files as they lie in the store, plain or inside the age format. What is in it
//! and in which order; the cipher is in `age`, the meaning of the files is core's.

mod age;
mod reader;
mod writer;

pub(crate) use reader::{Archive, Contents};
pub(crate) use writer::ArchiveWriter;

/// The first entry: what this is, of what version, made when and where.
const MANIFEST: &str = "nightlatch-backup";
const MANIFEST_LINE: &str = "nightlatch backup 1";
/// The last entry: `sha256sum -c` reads it.
const SUMS: &str = "SHA256SUMS";

/// One entry between those two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Entry {
    Marker,
    /// By the name of its file, which is its id.
    Key(String),
    Person(u32),
    Invitation(u32),
}

impl Entry {
    fn path(&self) -> String {
        match self {
            Self::Marker => "store/store".to_owned(),
            Self::Key(id) => format!("keys/{id}"),
            Self::Person(uid) => format!("store/users/{uid}"),
            Self::Invitation(uid) => format!("store/users/{uid}.invited"),
        }
    }

    /// `None` where it is nothing that this version knows.
    fn of(path: &str) -> Option<Self> {
        if let Some(id) = path.strip_prefix("keys/") {
            return Some(Self::Key(id.to_owned()));
        }
        if path == "store/store" {
            return Some(Self::Marker);
        }
        let name = path.strip_prefix("store/users/")?;
        let entry = match name.strip_suffix(".invited") {
            Some(uid) => Self::Invitation(uid.parse().ok()?),
            None => Self::Person(name.parse().ok()?),
        };
        // One uid, one name: neither "007" nor "+7".
        (entry.path() == path).then_some(entry)
    }
}
