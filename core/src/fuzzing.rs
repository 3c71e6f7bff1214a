// SPDX-License-Identifier: MIT OR Apache-2.0
//! Doors for the fuzzers into rooms that are closed in every product: compiled under `cfg(fuzzing)` only, which nothing
//! but fuzz/ sets. They hand bytes through; they hold no rule.

use zeroize::Zeroizing;

use crate::ledger::Ledger;
use crate::record::Record;
use crate::secret::{Typed, TypedCode};
use crate::store::{BLOCK, Slot, SlotName};

/// `Record::from_bytes`.
#[must_use]
pub fn read_record(bytes: &[u8]) -> Option<Record> {
    Record::from_bytes(bytes).ok()
}

/// `Record::to_bytes`.
#[must_use]
pub fn write_record(record: &Record) -> Option<Zeroizing<Vec<u8>>> {
    record.to_bytes().ok()
}

/// `Ledger::from_bytes`.
#[must_use]
pub fn read_ledger(bytes: &[u8]) -> Option<Ledger> {
    Ledger::from_bytes(bytes).ok()
}

/// `Ledger::to_bytes`.
#[must_use]
pub fn write_ledger(ledger: &Ledger) -> Option<Vec<u8>> {
    ledger.to_bytes().ok()
}

/// Sequence and sealed bytes of the slot that begins with the second or the third block of a file.
#[must_use]
pub fn find_slot(file: &[u8], block: usize) -> Option<(u64, &[u8])> {
    let name = [SlotName::A, SlotName::B].into_iter().find(|name| name.offset() == block.saturating_mul(BLOCK))?;
    Slot::find(file, name).map(|slot| (slot.sequence, slot.sealed))
}

/// `Slot::to_bytes`.
#[must_use]
pub fn write_slot(sequence: u64, sealed: &[u8]) -> Option<Vec<u8>> {
    Slot::to_bytes(sequence, sealed)
}

/// What a reply was read as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// A one-time code.
    OneTime {
        /// How many digits.
        digits: u8,
        /// Their value.
        value: u32,
    },
    /// In one with the password: the code of each length that it may be.
    Embedded {
        /// Of six digits.
        six: Option<u32>,
        /// Of seven.
        seven: Option<u32>,
        /// Of eight.
        eight: Option<u32>,
    },
    /// A backup code: its canonical spelling.
    Backup([u8; crate::backup::SYMBOLS]),
}

/// What a typed code was read as.
#[must_use]
pub fn reading(code: &TypedCode) -> Reading {
    match &*code.0 {
        Typed::OneTime { digits, value } => Reading::OneTime { digits: *digits, value: *value },
        Typed::Embedded(readings) => {
            let [six, seven, eight] = [6, 7, 8].map(|digits| readings.of_length(digits));
            Reading::Embedded { six, seven, eight }
        }
        Typed::Backup(symbols) => Reading::Backup(*symbols.spelling()),
    }
}
