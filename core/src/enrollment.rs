// SPDX-License-Identifier: MIT OR Apache-2.0
//! From a draft in memory to a confirmed enrollment. Nothing is locked or written here; only what is `Confirmed` can be
//! committed, by `Store::commit`. A first device, a replacement and one device more go the same way.

mod inherited;

use crate::backup::{BackupCodes, BackupSheet};
use crate::clock::{Moment, UnixTime};
use crate::error::Fault;
use crate::ledger::{DeviceState, LastAccepted, Ledger, Progress};
use crate::random::Random;
use crate::record::{Device, DeviceError, DeviceId, DeviceName, Digits, Kind, Record};
use crate::secret::{Algorithm, SharedSecret, TypedCode};
use crate::store::{Enrollment, NotEnrolled, OpenRecord, RecordId};
use crate::user::Account;
use crate::verify::judge::{self, Next, Occasion, Outcome, Provenance, Refusal, Rules};

/// What the draft of a whole record was made for: the record that it replaces, or the absence of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// A first enrollment.
    Absent(NotEnrolled),
    /// A replacement of exactly this writing of the record.
    Record(RecordId),
}

impl From<Enrollment> for Basis {
    fn from(enrollment: Enrollment) -> Self {
        match enrollment {
            Enrollment::Enrolled(record) => Self::Record(record),
            Enrollment::NotEnrolled(word) => Self::Absent(word),
        }
    }
}

/// What comes of the record, or of its absence, when the draft is committed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// A whole record, with the draft's device and backup codes.
    Record(Basis),
    /// One device more in exactly this writing of the record; everything else in it stays.
    AnotherDevice(RecordId),
}

/// The counter of a counter-based device's first code. Apps hold it in 63 bits; and the last of all counters would have
/// none after it, so that its code could be used for ever.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FirstCounter(u64);

impl FirstCounter {
    /// Of a device that nobody has pressed yet.
    pub const ZERO: Self = Self(0);
    /// The highest.
    pub const MAX: u64 = (1 << 63) - 1;

    /// `None` above [`FirstCounter::MAX`].
    #[must_use]
    pub fn new(counter: u64) -> Option<Self> {
        (counter <= Self::MAX).then_some(Self(counter))
    }

    /// The counter.
    #[must_use]
    pub fn number(self) -> u64 {
        self.0
    }
}

/// What the new device is like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeviceSettings {
    /// What it is called.
    pub name: DeviceName,
    /// Moved by time or by counter.
    pub kind: Kind,
    /// Hash under its codes.
    pub algorithm: Algorithm,
    /// Length of its codes.
    pub digits: Digits,
}

/// Why no draft was made.
#[derive(Debug, thiserror::Error)]
pub enum DraftError {
    /// The uid will belong to somebody else one day (systemd's DynamicUser, nobody).
    #[error(
        "uid {uid} is handed out for a while only (DynamicUser, nobody); a record for it would pass to whoever gets it next"
    )]
    TransientUid {
        /// The uid.
        uid: u32,
    },
    /// There is no room for one device more, or not for this one.
    #[error("{0}")]
    NoRoom(#[from] DeviceError),
    /// Randomness or memory.
    #[error("{0}")]
    Fault(#[from] Fault),
}

/// An enrollment that nobody has confirmed yet. It lives in memory only.
pub struct Draft {
    account: Account,
    purpose: Purpose,
    record: Record,
    ledger: Ledger,
    sheet: BackupSheet,
}

/// An enrollment that may be committed: a code of its device was right, or an administrator vouched for it.
///
/// ```compile_fail,E0451
/// fn forge(account: nightlatch::user::Account) -> nightlatch::enrollment::Confirmed {
///     nightlatch::enrollment::Confirmed { account, purpose: todo!(), record: todo!(), ledger: todo!(), sheet: todo!() }
/// }
/// ```
pub struct Confirmed {
    pub(crate) account: Account,
    pub(crate) purpose: Purpose,
    pub(crate) record: Record,
    pub(crate) ledger: Ledger,
    pub(crate) sheet: BackupSheet,
}

impl Draft {
    /// A draft with one device and a set of backup codes.
    ///
    /// # Errors
    ///
    /// [`DraftError`].
    pub fn new(
        account: Account,
        basis: Basis,
        settings: DeviceSettings,
        secret: SharedSecret,
        backup_codes: u8,
        now: UnixTime,
        random: &dyn Random,
    ) -> Result<Self, DraftError> {
        if account.has_transient_uid() {
            return Err(DraftError::TransientUid { uid: account.uid() });
        }
        let (sheet, backup) = BackupCodes::generate(backup_codes, now, random)?;
        Ok(Self::of_device(account, Purpose::Record(basis), DeviceId(0), settings, secret, (sheet, backup), now))
    }

    /// A draft of one device more, for a person whose record is open: it is made for exactly this writing of it. The
    /// device is judged by itself, so that no code of another device confirms it.
    ///
    /// # Errors
    ///
    /// [`DraftError::NoRoom`] where there are eight, or where name or secret are another device's.
    pub fn another_device(
        account: Account,
        open: &OpenRecord<'_>,
        settings: DeviceSettings,
        secret: SharedSecret,
        now: UnixTime,
        random: &dyn Random,
    ) -> Result<Self, DraftError> {
        let id = open.record().room_for_secret(&settings.name, &secret)?;
        let no_codes = BackupCodes::generate(0, now, random)?;
        Ok(Self::of_device(account, Purpose::AnotherDevice(open.record_id()), id, settings, secret, no_codes, now))
    }

    fn of_device(
        account: Account,
        purpose: Purpose,
        id: DeviceId,
        settings: DeviceSettings,
        secret: SharedSecret,
        (sheet, backup): (BackupSheet, BackupCodes),
        now: UnixTime,
    ) -> Self {
        let progress = match settings.kind {
            Kind::Totp { .. } => Progress::Totp(LastAccepted::NEVER),
            Kind::Hotp => Progress::Hotp { next: FirstCounter::ZERO.number() },
        };
        let device = Device {
            id,
            name: settings.name,
            kind: settings.kind,
            algorithm: settings.algorithm,
            digits: settings.digits,
            secret,
            added_at: now,
        };
        let record = Record {
            enrolled_at: now,
            changed_at: now,
            devices: vec![device],
            next_device: id.0.saturating_add(1),
            backup,
            bypass: None,
            waiver: None,
            invited_until: None,
        };
        let ledger = Ledger::new(vec![DeviceState { device: id, progress, used_at: None }]);
        Self { account, purpose, record, ledger, sheet }
    }

    /// The same draft with a counter-based device that was pressed before, or that its maker began elsewhere than at 0.
    /// A device that goes by time has no counter of its own.
    #[must_use]
    pub fn beginning_at(mut self, first: FirstCounter) -> Self {
        for state in &mut self.ledger.devices {
            match &mut state.progress {
                Progress::Hotp { next } => *next = first.number(),
                Progress::Totp(_) => {}
            }
        }
        self
    }

    /// The counter of the first code, where the device goes by counter.
    #[must_use]
    pub fn first_counter(&self) -> Option<u64> {
        self.ledger.devices.iter().find_map(|state| match state.progress {
            Progress::Hotp { next } => Some(next),
            Progress::Totp(_) => None,
        })
    }

    /// The device to show to the person.
    #[must_use]
    pub fn devices(&self) -> &[Device] {
        &self.record.devices
    }

    /// Confirms with a first code, judged as at a login; it counts as used from then on.
    ///
    /// # Errors
    ///
    /// The draft again with the reason, so that the person can try once more.
    #[allow(clippy::result_large_err, reason = "once an enrollment; what was shown is handed back as it is")]
    pub fn confirm(self, code: &TypedCode, rules: &Rules, now: Moment) -> Result<Confirmed, (Self, Refusal)> {
        let occasion = Occasion::new("", None);
        let judged = judge::judge(&self.record, &self.ledger, Provenance::Whole, code, &occasion, rules, now);
        // A backup code of this very draft proves nothing about the device: only a device's code confirms.
        let refusal = match judged.map(|judgement| (judgement.outcome, judgement.next)) {
            Ok((Outcome::Right(grounds), Next::OneSlot(next) | Next::BothSlots(next))) if grounds.device.is_some() => {
                let ledger = Ledger::new(next.devices);
                return Ok(Confirmed { ledger, ..self.vouched_for() });
            }
            Ok((Outcome::Refused(refusal), _)) => refusal,
            Ok((Outcome::Right(_), _)) | Err(_) => Refusal::Wrong,
        };
        Err((self, refusal))
    }

    /// Confirms without a code: the administrator vouches that the secret reaches its device (automation).
    #[must_use]
    pub fn vouched_for(self) -> Confirmed {
        let Self { account, purpose, record, ledger, sheet } = self;
        Confirmed { account, purpose, record, ledger, sheet }
    }
}

impl Confirmed {
    /// The backup codes, for a person who has to say that they are kept before anything is enrolled. They are good for
    /// nothing until then.
    #[must_use]
    pub fn backup_sheet(&self) -> &BackupSheet {
        &self.sheet
    }
}

#[cfg(test)]
mod tests;
