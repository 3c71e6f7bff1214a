// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where which byte of a file lies (docs/FORMAT.md). Encodes and decodes; reads and writes nothing.

use crate::record::Version;
use crate::user::{Account, UserName};

/// Each part stands on a block of its own, so that writing one never touches another.
pub(crate) const BLOCK: usize = 4096;
/// A person's file: header and record, slot A, slot B.
pub(crate) const FILE_BYTES: usize = 3 * BLOCK;
/// In clear, and associated data of every sealed part of the file.
pub(crate) const HEADER_BYTES: usize = 512;
/// Sequence, its complement, length, six zero bytes.
const SLOT_HEADER_BYTES: usize = 24;
/// Nonce before, tag behind.
pub(crate) const SEAL_BYTES: usize = 24 + 16;
/// The most bytes that a record may have before it is sealed.
pub(crate) const RECORD_ROOM: usize = BLOCK - HEADER_BYTES - SEAL_BYTES;
/// The most bytes that a ledger may have before it is sealed.
pub(crate) const LEDGER_ROOM: usize = BLOCK - SLOT_HEADER_BYTES - SEAL_BYTES;

const MAGIC: &[u8; 10] = b"nightlatch";

/// Which file a header begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FileKind {
    Person,
    Marker,
    Invitation,
}

impl FileKind {
    fn byte(self) -> u8 {
        match self {
            Self::Person => 1,
            Self::Marker => 2,
            Self::Invitation => 3,
        }
    }
}

/// Commits to a master key: equal ids mean equal keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub(crate) [u8; 16]);

impl std::fmt::Display for KeyId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl KeyId {
    /// Reads the name of a key file: 32 lower-case hexadecimal digits.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        let id = Self(u128::from_str_radix(name, 16).ok()?.to_be_bytes());
        (id.to_string() == name).then_some(id)
    }
}

/// Drawn at each writing of a record, so that no part of an older file fits a newer one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordId(pub(crate) [u8; 16]);

/// Whom a file was made for, as its header says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subject {
    pub(crate) name: UserName,
    pub(crate) uid: u32,
}

impl Subject {
    pub(crate) fn of(account: &Account) -> Self {
        Self { name: account.name().clone(), uid: account.uid() }
    }
}

/// The header of a file, decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Header {
    pub(crate) kind: FileKind,
    /// Of the record behind it, so that whoever does not know that version says so and does not call it damaged.
    pub(crate) version: Version,
    pub(crate) key_id: KeyId,
    pub(crate) record_id: RecordId,
    /// `None` in the marker.
    pub(crate) subject: Option<Subject>,
    pub(crate) sealed_bytes: usize,
}

/// Why bytes are no header.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotAHeader {
    Damaged,
    Newer(u8),
}

impl Header {
    pub(crate) fn to_bytes(&self) -> Option<[u8; HEADER_BYTES]> {
        let mut bytes = [0; HEADER_BYTES];
        let name = self.subject.as_ref().map_or("", |subject| subject.name.as_str());
        let uid = self.subject.as_ref().map_or(0, |subject| subject.uid);
        let mut writer = Writer { rest: &mut bytes };
        writer.put(MAGIC)?;
        writer.put(&[self.kind.byte(), self.version.byte()])?;
        writer.put(&uid.to_le_bytes())?;
        writer.put(&self.key_id.0)?;
        writer.put(&self.record_id.0)?;
        writer.put(&u16::try_from(self.sealed_bytes).ok()?.to_le_bytes())?;
        writer.put(&[u8::try_from(name.len()).ok()?])?;
        writer.put(name.as_bytes())?;
        Some(bytes)
    }

    pub(crate) fn from_bytes(bytes: &[u8], kind: FileKind) -> Result<Self, NotAHeader> {
        let mut reader = Reader { rest: bytes.get(..HEADER_BYTES).ok_or(NotAHeader::Damaged)? };
        if reader.take::<10>()? != *MAGIC {
            return Err(NotAHeader::Damaged);
        }
        let [found_kind, version] = reader.take()?;
        if found_kind != kind.byte() {
            return Err(NotAHeader::Damaged);
        }
        let version = match (kind, Version::of_byte(version)) {
            (FileKind::Person, Some(known)) | (_, Some(known @ Version::First)) => known,
            (FileKind::Marker | FileKind::Invitation, Some(Version::InheritedCodes)) => {
                return Err(NotAHeader::Newer(version));
            }
            (_, None) if version == 0 => return Err(NotAHeader::Damaged),
            (_, None) => return Err(NotAHeader::Newer(version)),
        };
        let uid = u32::from_le_bytes(reader.take()?);
        let (key_id, record_id) = (KeyId(reader.take()?), RecordId(reader.take()?));
        let sealed_bytes = usize::from(u16::from_le_bytes(reader.take()?));
        let [name_length] = reader.take()?;
        let name = reader.rest.get(..usize::from(name_length)).ok_or(NotAHeader::Damaged)?;
        let subject = match kind {
            FileKind::Marker => None,
            FileKind::Person | FileKind::Invitation => {
                Some(Subject { name: UserName::parse(name).map_err(|_| NotAHeader::Damaged)?, uid })
            }
        };
        Ok(Self { kind, version, key_id, record_id, subject, sealed_bytes })
    }
}

struct Writer<'a> {
    rest: &'a mut [u8],
}

impl Writer<'_> {
    fn put(&mut self, bytes: &[u8]) -> Option<()> {
        let (place, rest) = std::mem::take(&mut self.rest).split_at_mut_checked(bytes.len())?;
        place.copy_from_slice(bytes);
        self.rest = rest;
        Some(())
    }
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Result<[u8; N], NotAHeader> {
        let (bytes, rest) = self.rest.split_first_chunk::<N>().ok_or(NotAHeader::Damaged)?;
        self.rest = rest;
        Ok(*bytes)
    }
}

/// One of the two places of the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SlotName {
    A,
    B,
}

impl SlotName {
    pub(crate) fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }

    pub(crate) fn offset(self) -> usize {
        match self {
            Self::A => BLOCK,
            Self::B => 2 * BLOCK,
        }
    }
}

/// A slot whose head is sound; whether it unseals is another question.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Slot<'a> {
    pub(crate) name: SlotName,
    pub(crate) sequence: u64,
    pub(crate) sealed: &'a [u8],
}

impl<'a> Slot<'a> {
    /// The sequence stands there twice, once complemented: no rotten bit makes a newer slot look like an older one.
    pub(crate) fn find(file: &'a [u8], name: SlotName) -> Option<Self> {
        let block = file.get(name.offset()..)?.get(..BLOCK)?;
        let (sequence, rest) = block.split_first_chunk::<8>()?;
        let (complement, rest) = rest.split_first_chunk::<8>()?;
        let (length, rest) = rest.split_first_chunk::<2>()?;
        let sequence = u64::from_le_bytes(*sequence);
        if u64::from_le_bytes(*complement) != !sequence {
            return None;
        }
        let sealed = rest.get(6..)?.get(..usize::from(u16::from_le_bytes(*length)))?;
        Some(Self { name, sequence, sealed })
    }

    /// The bytes of a slot's head and what is sealed behind it.
    pub(crate) fn to_bytes(sequence: u64, sealed: &[u8]) -> Option<Vec<u8>> {
        let length = u16::try_from(sealed.len()).ok()?;
        let mut bytes = Vec::with_capacity(SLOT_HEADER_BYTES.checked_add(sealed.len())?);
        bytes.extend_from_slice(&sequence.to_le_bytes());
        bytes.extend_from_slice(&(!sequence).to_le_bytes());
        bytes.extend_from_slice(&length.to_le_bytes());
        bytes.extend_from_slice(&[0; 6]);
        bytes.extend_from_slice(sealed);
        (bytes.len() <= BLOCK).then_some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn a_header() -> Header {
        Header {
            kind: FileKind::Person,
            version: Version::First,
            key_id: KeyId([1; 16]),
            record_id: RecordId([2; 16]),
            subject: Some(Subject { name: UserName::parse(b"alice").unwrap(), uid: 1001 }),
            sealed_bytes: 700,
        }
    }

    #[test]
    fn a_header_reads_back_and_its_bytes_lie_where_the_format_says() {
        let bytes = a_header().to_bytes().unwrap();
        assert_eq!(&bytes[..10], b"nightlatch");
        assert_eq!(&bytes[10..16], &[1, 1, 0xe9, 3, 0, 0]);
        assert_eq!(&bytes[16..32], &[1; 16]);
        assert_eq!(&bytes[32..48], &[2; 16]);
        assert_eq!(&bytes[48..56], &[0xbc, 2, 5, b'a', b'l', b'i', b'c', b'e']);
        assert_eq!(Header::from_bytes(&bytes, FileKind::Person), Ok(a_header()));
        assert_eq!(Header::from_bytes(&bytes, FileKind::Marker), Err(NotAHeader::Damaged));
    }

    #[test]
    fn a_newer_version_is_told_from_damage() {
        let mut bytes = a_header().to_bytes().unwrap();
        bytes[11] = 3;
        assert_eq!(Header::from_bytes(&bytes, FileKind::Person), Err(NotAHeader::Newer(3)));
        bytes[11] = 0;
        assert_eq!(Header::from_bytes(&bytes, FileKind::Person), Err(NotAHeader::Damaged));
        bytes[0] = b'x';
        assert_eq!(Header::from_bytes(&bytes, FileKind::Person), Err(NotAHeader::Damaged));
    }

    /// Nobody but a person has a record with inherited codes.
    #[test]
    fn the_second_version_is_a_persons_alone() {
        let header = Header { version: Version::InheritedCodes, ..a_header() };
        let mut bytes = header.to_bytes().unwrap();
        assert_eq!((bytes[11], Header::from_bytes(&bytes, FileKind::Person)), (2, Ok(header)));
        for (byte, kind) in [(2, FileKind::Marker), (3, FileKind::Invitation)] {
            bytes[10] = byte;
            assert_eq!(Header::from_bytes(&bytes, kind), Err(NotAHeader::Newer(2)));
        }
    }

    #[test]
    fn the_longest_name_fits() {
        let subject = Subject { name: UserName::parse(&[b'a'; 255]).unwrap(), uid: u32::MAX };
        let header = Header { subject: Some(subject), ..a_header() };
        assert_eq!(Header::from_bytes(&header.to_bytes().unwrap(), FileKind::Person), Ok(header));
    }

    #[test]
    fn no_single_rotten_bit_of_a_sequence_goes_unnoticed() {
        let mut file = vec![0; FILE_BYTES];
        let slot = Slot::to_bytes(10, &[7; 100]).unwrap();
        file[BLOCK..BLOCK + slot.len()].copy_from_slice(&slot);
        assert!(Slot::find(&file, SlotName::A).is_some_and(|slot| slot.sequence == 10 && slot.sealed == [7; 100]));
        for bit in 0..128 {
            let mut rotten = file.clone();
            rotten[BLOCK + bit / 8] ^= 1 << (bit % 8);
            assert!(Slot::find(&rotten, SlotName::A).is_none(), "{bit}");
        }
    }
}
