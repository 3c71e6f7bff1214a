// SPDX-License-Identifier: MIT OR Apache-2.0
//! A second reader of record and ledger, written from docs/FORMAT.md alone: the tables there, as data. It says whether
//! bytes are one, and how they are spelled canonically.

/// A type of the format.
pub enum Shape {
    /// One byte.
    Byte,
    /// One byte in a range.
    ByteIn(u8, u8),
    /// A device's id; the id of the next device lies above all that came before.
    Id,
    NextId,
    /// 0 or 1.
    Flag,
    /// LEB128 of so many bits.
    Varint(u32),
    VarintIn(u64, u64),
    /// The period and, but for HOTP (period 0), the offset; an HOTP device has the offset 0.
    Movement,
    Raw(usize),
    Text {
        most_bytes: usize,
    },
    DeviceName,
    Bytes(usize, usize),
    Option(&'static Shape),
    List(usize, &'static Shape),
    ListOf(u64, u64, &'static Shape),
    All(&'static [Shape]),
    Choice(&'static [Shape]),
    /// What the first byte says.
    Versions(&'static [(u8, &'static Shape)]),
}

use Shape::{
    All, Byte, ByteIn, Bytes, Choice, DeviceName, Flag, Id, List, ListOf, Movement, NextId, Option as Maybe, Raw, Text,
    Varint, VarintIn, Versions,
};

const TIME: Shape = Varint(64);
const NOTHING: Shape = All(&[]);

const DEVICE: Shape =
    All(&[Id, DeviceName, Movement, Choice(&[NOTHING, NOTHING, NOTHING]), ByteIn(6, 8), Bytes(10, 128), TIME]);
const HASH: Shape = All(&[Raw(16), Raw(32)]);
const MEMORY: Shape = VarintIn(8, 65_536);
const PASSES: Shape = VarintIn(1, 16);

pub const RECORD: Shape = Versions(&[
    (1, &All(&[BEFORE_BACKUP_CODES, List(20, &HASH), BEHIND_BACKUP_CODES])),
    (2, &All(&[BEFORE_BACKUP_CODES, ListOf(1, 10, &HASH), BEHIND_BACKUP_CODES])),
]);

const BEFORE_BACKUP_CODES: Shape = All(&[TIME, TIME, List(8, &DEVICE), NextId, TIME, MEMORY, PASSES]);
const BEHIND_BACKUP_CODES: Shape = All(&[
    Maybe(&All(&[Raw(16), Raw(32), MEMORY, PASSES, TIME, TIME, Varint(16)])),
    Maybe(&All(&[TIME, Text { most_bytes: usize::MAX }])),
    Maybe(&TIME),
]);

const PROGRESS: Shape = Choice(&[Maybe(&Varint(64)), Varint(64)]);
const SOURCE: Shape = Choice(&[NOTHING, Raw(4), Raw(8), NOTHING]);
const WAIT: Shape = All(&[Maybe(&Raw(16)), Varint(64), TIME, Varint(32), Flag]);
const BUCKET: Shape = All(&[Byte, Maybe(&WAIT)]);
const METHOD: Shape = Choice(&[Byte, Byte, Byte, NOTHING]);
const SHORT: Shape = Text { most_bytes: 64 };

pub const LEDGER: Shape = All(&[
    ByteIn(1, 1),
    List(8, &All(&[Byte, PROGRESS, Maybe(&TIME)])),
    List(8, &All(&[SOURCE, Byte])),
    BUCKET,
    BUCKET,
    Varint(32),
    Varint(16),
    Varint(32),
    Maybe(&All(&[TIME, SHORT, SHORT, METHOD])),
    Varint(32),
    Maybe(&TIME),
    Maybe(&TIME),
    SHORT,
]);

/// The canonical spelling, where the bytes are one of these and nothing follows.
#[must_use]
pub fn canonical(shape: &Shape, bytes: &[u8]) -> Option<Vec<u8>> {
    let mut reader = Reader { rest: bytes, canonical: Vec::new(), highest_id: None };
    reader.read(shape)?;
    reader.rest.is_empty().then_some(reader.canonical)
}

struct Reader<'b> {
    rest: &'b [u8],
    canonical: Vec<u8>,
    highest_id: Option<u8>,
}

impl<'b> Reader<'b> {
    fn read(&mut self, shape: &Shape) -> Option<()> {
        match shape {
            Byte => self.byte(0, u8::MAX).map(drop),
            ByteIn(least, most) => self.byte(*least, *most).map(drop),
            Flag => self.byte(0, 1).map(drop),
            Id => {
                let id = self.byte(0, u8::MAX)?;
                self.highest_id = self.highest_id.max(Some(id));
                Some(())
            }
            NextId => {
                let next = self.byte(0, u8::MAX)?;
                self.highest_id.is_none_or(|id| id < next).then_some(())
            }
            Varint(bits) => self.varint(*bits).map(|number| self.put(number)),
            VarintIn(least, most) => {
                let number = self.varint(32).filter(|number| (least..=most).contains(&number))?;
                self.put(number);
                Some(())
            }
            Movement => {
                let period = self.varint(16).filter(|period| *period == 0 || (15..=120).contains(period))?;
                let offset = self.varint(32)?;
                self.put(period);
                self.put(if period == 0 { 0 } else { offset });
                Some(())
            }
            Raw(length) => {
                let bytes = self.take(*length)?;
                self.canonical.extend_from_slice(bytes);
                Some(())
            }
            Text { most_bytes } => self.text(|text| text.len() <= *most_bytes),
            DeviceName => self.text(|text| {
                let characters = text.chars().count();
                (1..=32).contains(&characters)
                    && !text.contains(|c: char| c.is_control())
                    && !text.starts_with(char::is_whitespace)
                    && !text.ends_with(char::is_whitespace)
            }),
            Bytes(least, most) => {
                let bytes = self.counted()?;
                ((*least..=*most).contains(&bytes.len())).then_some(())
            }
            Maybe(inner) => match self.byte(0, 1)? {
                0 => Some(()),
                _ => self.read(inner),
            },
            List(most, item) => self.read(&ListOf(0, *most as u64, item)),
            ListOf(least, most, item) => {
                let count = self.varint(64).filter(|count| (least..=most).contains(&count))?;
                self.put(count);
                (0..count).try_for_each(|_| self.read(item))
            }
            Versions(versions) => {
                let version = self.byte(0, u8::MAX)?;
                let (_, shape) = versions.iter().find(|(known, _)| *known == version)?;
                self.read(shape)
            }
            All(shapes) => shapes.iter().try_for_each(|shape| self.read(shape)),
            Choice(choices) => {
                let number = self.varint(32)?;
                let choice = choices.get(usize::try_from(number).ok()?)?;
                self.put(number);
                self.read(choice)
            }
        }
    }

    fn take(&mut self, length: usize) -> Option<&'b [u8]> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(taken)
    }

    fn byte(&mut self, least: u8, most: u8) -> Option<u8> {
        let byte = *self.take(1)?.first()?;
        self.canonical.push(byte);
        (least..=most).contains(&byte).then_some(byte)
    }

    /// Seven bits a byte, lowest first; as many bytes as the type may need, and no bit above its own.
    fn varint(&mut self, bits: u32) -> Option<u64> {
        let (mut number, mut place) = (0_u128, 0);
        loop {
            let byte = *self.take(1)?.first()?;
            number |= u128::from(byte & 0x7f) << place;
            place += 7;
            if byte < 0x80 {
                return u64::try_from(number).ok().filter(|number| u128::from(*number) >> bits == 0);
            }
            if place >= bits {
                return None;
            }
        }
    }

    fn put(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.canonical.push((number & 0x7f) as u8 | 0x80);
            number >>= 7;
        }
        self.canonical.push(number as u8);
    }

    fn counted(&mut self) -> Option<&'b [u8]> {
        let length = self.varint(64)?;
        let bytes = self.take(usize::try_from(length).ok()?)?;
        self.put(length);
        self.canonical.extend_from_slice(bytes);
        Some(bytes)
    }

    fn text(&mut self, is_right: impl FnOnce(&str) -> bool) -> Option<()> {
        let text = std::str::from_utf8(self.counted()?).ok()?;
        is_right(text).then_some(())
    }
}
