// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is enrolled: devices, backup codes, and what an administrator granted. It changes only when an administrator or
//! an enrollment changes it. Its bytes are versioned; secrets pass through borrowed buffers only.

mod devices;

use std::fmt;

use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::backup::{BackupCodes, BackupHash, HashCost, MAX_CODES, MAX_INHERITED, Spelling};
use crate::clock::UnixTime;
use crate::secret::{Algorithm, SharedSecret};

pub use devices::DeviceError;

/// The most devices that a person may have.
pub const MAX_DEVICES: usize = 8;

/// Tells a person's devices apart for good; never given twice within a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceId(pub u8);

/// What a person or an administrator calls a device: 1 to 32 characters, none of them a control character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceName(String);

/// The text is no device name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a device's name has 1 to 32 characters and no control characters")]
pub struct NotADeviceName;

impl DeviceName {
    /// # Errors
    ///
    /// [`NotADeviceName`].
    pub fn parse(text: &str) -> Result<Self, NotADeviceName> {
        let length = text.chars().count();
        let refused = length == 0 || length > 32 || text.chars().any(char::is_control) || text.trim() != text;
        if refused { Err(NotADeviceName) } else { Ok(Self(text.to_owned())) }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether people take both for one name: capitals do not matter.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        self.0.to_lowercase() == other.0.to_lowercase()
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Length of a code: 6, 7 or 8 digits (RFC 4226 §5.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Digits(u8);

impl Digits {
    /// What every app gets right.
    pub const SIX: Self = Self(6);
    /// What the scratch codes of google-authenticator have too.
    pub const EIGHT: Self = Self(8);

    /// `None` outside 6 to 8.
    #[must_use]
    pub fn new(digits: u8) -> Option<Self> {
        (6..=8).contains(&digits).then_some(Self(digits))
    }

    /// 6, 7 or 8.
    #[must_use]
    pub fn count(self) -> u8 {
        self.0
    }
}

/// Length of a time step: 15 to 120 seconds (RFC 6238 §5.2 recommends 30; NIST 800-63B-4 §3.1.4 allows 120).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period(u16);

impl Period {
    /// What every app gets right.
    pub const THIRTY: Self = Self(30);

    /// `None` outside 15 to 120 seconds.
    #[must_use]
    pub fn new(seconds: u16) -> Option<Self> {
        (15..=120).contains(&seconds).then_some(Self(seconds))
    }

    /// 15 to 120.
    #[must_use]
    pub fn seconds(self) -> u16 {
        self.0
    }
}

/// How a device's codes move on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// By time (RFC 6238).
    Totp {
        /// Length of a step.
        period: Period,
        /// Steps by which an administrator found the device's clock ahead (negative: behind).
        offset: i32,
    },
    /// By counter (RFC 4226).
    Hotp,
}

/// One authenticator.
pub struct Device {
    /// For the ledger.
    pub id: DeviceId,
    /// For people.
    pub name: DeviceName,
    /// TOTP or HOTP.
    pub kind: Kind,
    /// Hash under the code.
    pub algorithm: Algorithm,
    /// Length of the code.
    pub digits: Digits,
    /// Key of the hash.
    pub secret: SharedSecret,
    /// When it was enrolled.
    pub added_at: UnixTime,
}

/// A code that a help desk reads out: hashed as backup codes are, expiring, counted.
pub struct Bypass {
    /// Hash of the code.
    pub hash: BackupHash,
    /// What the hash costs.
    pub cost: HashCost,
    /// When it was given.
    pub made_at: UnixTime,
    /// When it ends.
    pub until: UnixTime,
    /// How often it may be used.
    pub uses: u16,
}

/// An administrator lets a person in without a code for a while.
pub struct Waiver {
    /// When it ends.
    pub until: UnixTime,
    /// Why, for the log.
    pub reason: String,
}

/// Everything that is enrolled for one person.
pub struct Record {
    /// When the person was first enrolled.
    pub enrolled_at: UnixTime,
    /// When the record was last changed.
    pub changed_at: UnixTime,
    /// At most [`MAX_DEVICES`].
    pub devices: Vec<Device>,
    /// The id that the next device gets.
    pub next_device: u8,
    /// The current set of backup codes.
    pub backup: BackupCodes,
    /// A bypass code, where one was given.
    pub bypass: Option<Bypass>,
    /// A waiver, where one was given.
    pub waiver: Option<Waiver>,
    /// Until when the person may enroll at a login.
    pub invited_until: Option<UnixTime>,
}

/// The bytes are no record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotARecord;

/// What a reader has to understand in order to read a record: the first byte of it, and a byte of its file's header. Where
/// nobody has taken anything over, records stay as they were, and older modules read them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    /// The backup codes are ours.
    First,
    /// The same fields; the backup codes are eight digits each, one at least and ten at most.
    InheritedCodes,
}

impl Version {
    pub(crate) fn byte(self) -> u8 {
        match self {
            Self::First => 1,
            Self::InheritedCodes => 2,
        }
    }

    pub(crate) fn of_byte(byte: u8) -> Option<Self> {
        [Self::First, Self::InheritedCodes].into_iter().find(|version| version.byte() == byte)
    }

    fn spelling(self) -> Spelling {
        match self {
            Self::First => Spelling::Symbols,
            Self::InheritedCodes => Spelling::EightDigits,
        }
    }

    fn allows(self, backup_codes: usize) -> bool {
        match self {
            Self::First => backup_codes <= usize::from(MAX_CODES),
            Self::InheritedCodes => (1..=usize::from(MAX_INHERITED)).contains(&backup_codes),
        }
    }
}

impl Record {
    /// The lowest version that says all that stands in it.
    pub(crate) fn version(&self) -> Version {
        match self.backup.spelling {
            Spelling::Symbols => Version::First,
            Spelling::EightDigits => Version::InheritedCodes,
        }
    }

    /// The record's bytes: version, then postcard (docs/FORMAT.md).
    ///
    /// # Errors
    ///
    /// [`NotARecord`] where something is out of its range.
    pub(crate) fn to_bytes(&self) -> Result<Zeroizing<Vec<u8>>, NotARecord> {
        let wire = Wire::of(self);
        let mut bytes = Zeroizing::new(vec![0; crate::store::RECORD_ROOM]);
        let (version, body) = bytes.split_first_mut().ok_or(NotARecord)?;
        *version = self.version().byte();
        let length = postcard::to_slice(&wire, body).map_err(|_| NotARecord)?.len().saturating_add(1);
        bytes.truncate(length);
        Ok(bytes)
    }

    /// Reads what [`Record::to_bytes`] wrote, and holds every number against its range.
    ///
    /// # Errors
    ///
    /// [`NotARecord`].
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, NotARecord> {
        let (version, body) = bytes.split_first().ok_or(NotARecord)?;
        let version = Version::of_byte(*version).ok_or(NotARecord)?;
        match postcard::take_from_bytes::<Wire<'_>>(body) {
            Ok((wire, [])) => wire.into_record(version),
            Ok(_) | Err(_) => Err(NotARecord),
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Wire<'a> {
    enrolled_at: u64,
    changed_at: u64,
    #[serde(borrow)]
    devices: Vec<WireDevice<'a>>,
    next_device: u8,
    backup_made_at: u64,
    backup_memory_kib: u32,
    backup_passes: u32,
    backup_codes: Vec<WireHash>,
    bypass: Option<WireBypass>,
    #[serde(borrow)]
    waiver: Option<WireWaiver<'a>>,
    invited_until: Option<u64>,
}

#[derive(Serialize, Deserialize)]
struct WireDevice<'a> {
    id: u8,
    name: &'a str,
    /// Seconds; 0 means HOTP.
    period: u16,
    offset: i32,
    algorithm: Algorithm,
    digits: u8,
    secret: &'a [u8],
    added_at: u64,
}

#[derive(Serialize, Deserialize)]
struct WireHash {
    salt: [u8; 16],
    hash: [u8; 32],
}

#[derive(Serialize, Deserialize)]
struct WireBypass {
    hash: WireHash,
    memory_kib: u32,
    passes: u32,
    made_at: u64,
    until: u64,
    uses: u16,
}

#[derive(Serialize, Deserialize)]
struct WireWaiver<'a> {
    until: u64,
    reason: &'a str,
}

impl<'a> Wire<'a> {
    fn of(record: &'a Record) -> Self {
        Self {
            enrolled_at: record.enrolled_at.0,
            changed_at: record.changed_at.0,
            devices: record.devices.iter().map(WireDevice::of).collect(),
            next_device: record.next_device,
            backup_made_at: record.backup.made_at.0,
            backup_memory_kib: record.backup.cost.memory_kib,
            backup_passes: record.backup.cost.passes,
            backup_codes: record.backup.codes.iter().map(WireHash::of).collect(),
            bypass: record.bypass.as_ref().map(|bypass| WireBypass {
                hash: WireHash::of(&bypass.hash),
                memory_kib: bypass.cost.memory_kib,
                passes: bypass.cost.passes,
                made_at: bypass.made_at.0,
                until: bypass.until.0,
                uses: bypass.uses,
            }),
            waiver: record.waiver.as_ref().map(|waiver| WireWaiver { until: waiver.until.0, reason: &waiver.reason }),
            invited_until: record.invited_until.map(|time| time.0),
        }
    }

    fn into_record(self, version: Version) -> Result<Record, NotARecord> {
        if self.devices.len() > MAX_DEVICES || !version.allows(self.backup_codes.len()) {
            return Err(NotARecord);
        }
        let devices = self.devices.into_iter().map(WireDevice::into_device).collect::<Result<Vec<_>, _>>()?;
        if devices.iter().any(|device| device.id.0 >= self.next_device) {
            return Err(NotARecord);
        }
        Ok(Record {
            enrolled_at: UnixTime(self.enrolled_at),
            changed_at: UnixTime(self.changed_at),
            devices,
            next_device: self.next_device,
            backup: BackupCodes {
                made_at: UnixTime(self.backup_made_at),
                spelling: version.spelling(),
                cost: cost(self.backup_memory_kib, self.backup_passes)?,
                codes: self.backup_codes.into_iter().map(WireHash::into_hash).collect(),
            },
            bypass: self.bypass.map(WireBypass::into_bypass).transpose()?,
            waiver: self
                .waiver
                .map(|waiver| Waiver { until: UnixTime(waiver.until), reason: waiver.reason.to_owned() }),
            invited_until: self.invited_until.map(UnixTime),
        })
    }
}

fn cost(memory_kib: u32, passes: u32) -> Result<HashCost, NotARecord> {
    let cost = HashCost { memory_kib, passes };
    if cost.is_in_range() { Ok(cost) } else { Err(NotARecord) }
}

impl<'a> WireDevice<'a> {
    fn of(device: &'a Device) -> Self {
        let (period, offset) = match device.kind {
            Kind::Totp { period, offset } => (period.seconds(), offset),
            Kind::Hotp => (0, 0),
        };
        Self {
            id: device.id.0,
            name: device.name.as_str(),
            period,
            offset,
            algorithm: device.algorithm,
            digits: device.digits.count(),
            secret: device.secret.expose_bytes(),
            added_at: device.added_at.0,
        }
    }

    fn into_device(self) -> Result<Device, NotARecord> {
        let kind = match self.period {
            0 => Kind::Hotp,
            seconds => Kind::Totp { period: Period::new(seconds).ok_or(NotARecord)?, offset: self.offset },
        };
        Ok(Device {
            id: DeviceId(self.id),
            name: DeviceName::parse(self.name).map_err(|NotADeviceName| NotARecord)?,
            kind,
            algorithm: self.algorithm,
            digits: Digits::new(self.digits).ok_or(NotARecord)?,
            secret: SharedSecret::from_bytes(self.secret).map_err(|_| NotARecord)?,
            added_at: UnixTime(self.added_at),
        })
    }
}

impl WireHash {
    fn of(hash: &BackupHash) -> Self {
        Self { salt: hash.salt, hash: hash.hash }
    }

    fn into_hash(self) -> BackupHash {
        BackupHash { salt: self.salt, hash: self.hash }
    }
}

impl WireBypass {
    fn into_bypass(self) -> Result<Bypass, NotARecord> {
        Ok(Bypass {
            hash: self.hash.into_hash(),
            cost: cost(self.memory_kib, self.passes)?,
            made_at: UnixTime(self.made_at),
            until: UnixTime(self.until),
            uses: self.uses,
        })
    }
}

#[cfg(test)]
pub(crate) mod tests;
