// SPDX-License-Identifier: MIT OR Apache-2.0
//! What changes at a login: last steps, failures and waits, used backup codes, the last login. Holds no secret.
//! Its bytes are versioned and hold every field of the first format, those of later capabilities too.

use serde::{Deserialize, Serialize};

use crate::clock::{Step, UnixTime};
use crate::record::DeviceId;
use crate::verify::throttle::Throttle;

/// The last step of a TOTP device at which a code was accepted. Only ever grows (RFC 6238 §5.2, THREATS V25).
///
/// ```compile_fail,E0451
/// let set_back = nightlatch::ledger::LastAccepted { step: None };
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct LastAccepted {
    step: Option<Step>,
}

/// The step is not above the last accepted one: its code is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotNewer;

impl LastAccepted {
    /// Nothing was accepted yet.
    pub const NEVER: Self = Self { step: None };

    /// Accepts a step strictly above the last one.
    ///
    /// # Errors
    ///
    /// [`NotNewer`], and nothing changes.
    pub fn advance(self, step: Step) -> Result<Self, NotNewer> {
        match self.step {
            Some(last) if step <= last => Err(NotNewer),
            Some(_) | None => Ok(Self { step: Some(step) }),
        }
    }

    /// The later of two, for a secret that goes on under a new record.
    #[must_use]
    pub fn later(self, other: Self) -> Self {
        Self { step: self.step.max(other.step) }
    }

    /// The step itself.
    #[must_use]
    pub fn step(self) -> Option<Step> {
        self.step
    }
}

/// How far a device has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Progress {
    /// A TOTP device's last accepted step.
    Totp(LastAccepted),
    /// The next counter of an HOTP device that is acceptable.
    Hotp {
        /// Every counter below it is used or skipped.
        next: u64,
    },
}

/// One device's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeviceState {
    /// Which device of the record.
    pub device: DeviceId,
    /// How far it has come.
    pub progress: Progress,
    /// When a code of it was last accepted.
    pub used_at: Option<UnixTime>,
}

/// With what a code was accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Method {
    /// A TOTP code of that device.
    Totp(DeviceId),
    /// An HOTP code of that device.
    Hotp(DeviceId),
    /// The backup code with that index.
    BackupCode(u8),
    /// A bypass code.
    Bypass,
}

impl Method {
    /// One word for logs and machines.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Totp(_) => "totp",
            Self::Hotp(_) => "hotp",
            Self::BackupCode(_) => "backup-code",
            Self::Bypass => "bypass",
        }
    }
}

/// At most 64 bytes of text from outside (a service, an address), cut at a character.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(transparent)]
pub struct ShortText(String);

impl ShortText {
    const MAX_BYTES: usize = 64;

    /// Keeps the first 64 bytes.
    #[must_use]
    pub fn cut(text: &str) -> Self {
        let mut kept = String::with_capacity(Self::MAX_BYTES);
        for character in text.chars() {
            if kept.len().saturating_add(character.len_utf8()) > Self::MAX_BYTES {
                break;
            }
            kept.push(character);
        }
        Self(kept)
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    fn is_in_range(&self) -> bool {
        self.0.len() <= Self::MAX_BYTES
    }
}

/// When, where and from where a person last got in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastLogin {
    /// By the wall clock.
    pub time: UnixTime,
    /// PAM service.
    pub service: ShortText,
    /// PAM_RHOST as it was given; empty for a local login.
    pub source: ShortText,
    /// With what.
    pub method: Method,
}

/// What the next login's notice needs: the judged refusals since the last accepted code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct FailuresSince {
    /// How many.
    pub count: u32,
    /// When the first was.
    pub first: Option<UnixTime>,
    /// When the last was.
    pub last: Option<UnixTime>,
    /// From where the last was.
    pub last_source: ShortText,
}

/// Everything that a login may change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    /// One per device of the record.
    pub devices: Vec<DeviceState>,
    /// Failures and waits.
    pub throttle: Throttle,
    /// Bit i is set where the backup code with index i of the record's set is used.
    pub used_backup_codes: u32,
    /// How often the record's bypass code was used; [`BYPASS_OVER`] where its time is over for good.
    pub bypass_uses: u16,
    /// How often the record's waiver let somebody in; [`WAIVER_OVER`] where its time is over for good.
    pub waiver_uses: u32,
    /// The last accepted code.
    pub last_login: Option<LastLogin>,
    /// Since then.
    pub failures_since: FailuresSince,
}

/// In place of a number of uses: a code was judged after the end of the bypass code, which no clock set back brings back.
pub const BYPASS_OVER: u16 = u16::MAX;
/// The same of the waiver.
pub const WAIVER_OVER: u32 = u32::MAX;

/// The bytes are no ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotALedger;

const VERSION: u8 = 1;

impl Ledger {
    /// The ledger of a new record.
    #[must_use]
    pub fn new(devices: Vec<DeviceState>) -> Self {
        Self {
            devices,
            throttle: Throttle::default(),
            used_backup_codes: 0,
            bypass_uses: 0,
            waiver_uses: 0,
            last_login: None,
            failures_since: FailuresSince::default(),
        }
    }

    /// The state of one device.
    #[must_use]
    pub fn device(&self, device: DeviceId) -> Option<&DeviceState> {
        self.devices.iter().find(|state| state.device == device)
    }

    pub(crate) fn device_mut(&mut self, device: DeviceId) -> Option<&mut DeviceState> {
        self.devices.iter_mut().find(|state| state.device == device)
    }

    /// Whether the backup code with that index is used.
    #[must_use]
    pub fn is_backup_code_used(&self, index: u8) -> bool {
        // An index that has no bit can never have been unused.
        1_u32.checked_shl(u32::from(index)).is_none_or(|bit| self.used_backup_codes & bit != 0)
    }

    pub(crate) fn use_backup_code(&mut self, index: u8) {
        self.used_backup_codes |= 1_u32.checked_shl(u32::from(index)).unwrap_or(0);
    }

    /// The ledger's bytes: version, then postcard (docs/FORMAT.md).
    ///
    /// # Errors
    ///
    /// [`NotALedger`] where it would not fit a slot.
    pub(crate) fn to_bytes(&self) -> Result<Vec<u8>, NotALedger> {
        // Most have less than this; a full slot of it would have to be wiped at each login.
        let mut bytes = Vec::with_capacity(512);
        bytes.push(VERSION);
        let bytes = postcard::to_extend(self, bytes).map_err(|_| NotALedger)?;
        if bytes.len() <= crate::store::LEDGER_ROOM { Ok(bytes) } else { Err(NotALedger) }
    }

    /// Reads what [`Ledger::to_bytes`] wrote.
    ///
    /// # Errors
    ///
    /// [`NotALedger`].
    pub(crate) fn from_bytes(bytes: &[u8]) -> Result<Self, NotALedger> {
        match bytes {
            [VERSION, body @ ..] => match postcard::take_from_bytes::<Self>(body) {
                Ok((ledger, [])) if ledger.is_in_range() => Ok(ledger),
                Ok(_) | Err(_) => Err(NotALedger),
            },
            _ => Err(NotALedger),
        }
    }

    fn is_in_range(&self) -> bool {
        let login = self.last_login.iter().flat_map(|login| [&login.service, &login.source]);
        self.devices.len() <= crate::record::MAX_DEVICES
            && self.throttle.is_in_range()
            && login.chain([&self.failures_since.last_source]).all(ShortText::is_in_range)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_text_from_outside_is_cut_at_a_character() {
        assert_eq!(ShortText::cut(&"ü".repeat(40)).as_str(), "ü".repeat(32));
        assert_eq!(ShortText::cut("sshd").as_str(), "sshd");
    }

    #[test]
    fn a_ledger_that_fits_no_slot_is_not_written() {
        let device =
            |id| DeviceState { device: DeviceId(id), progress: Progress::Hotp { next: u64::MAX }, used_at: None };
        let of = |devices: usize| Ledger::new((0..devices).map(|_| device(0)).collect()).to_bytes().map(|b| b.len());
        let (fits, fits_not) = (of(300).unwrap(), of(400));
        assert!(fits <= crate::store::LEDGER_ROOM && fits_not.is_err(), "{fits}");
    }

    /// They stand in logs and in `status --json`.
    #[test]
    fn each_method_goes_by_one_word() {
        let methods = [Method::Totp(DeviceId(0)), Method::Hotp(DeviceId(0)), Method::BackupCode(0), Method::Bypass];
        assert_eq!(methods.map(Method::name), ["totp", "hotp", "backup-code", "bypass"]);
    }

    #[test]
    fn a_backup_code_without_a_bit_counts_as_used() {
        let mut ledger = Ledger::new(Vec::new());
        assert!(!ledger.is_backup_code_used(31));
        assert!(ledger.is_backup_code_used(32));
        ledger.use_backup_code(3);
        assert!(ledger.is_backup_code_used(3));
        assert!(!ledger.is_backup_code_used(4));
    }

    #[test]
    fn a_ledger_of_more_devices_or_sources_than_there_can_be_is_none() {
        let state = |n| DeviceState { device: DeviceId(n), progress: Progress::Hotp { next: 0 }, used_at: None };
        let of_devices = |count: u8| Ledger::new((0..count).map(state).collect());
        let most = u8::try_from(crate::record::MAX_DEVICES).unwrap();
        assert!(Ledger::from_bytes(&of_devices(most).to_bytes().unwrap()).is_ok());
        assert!(Ledger::from_bytes(&of_devices(most.saturating_add(1)).to_bytes().unwrap()).is_err());
        let of_sources = |count| {
            Ledger { throttle: Throttle::with_known_sources(count), ..Ledger::new(Vec::new()) }.to_bytes().unwrap()
        };
        assert!(Ledger::from_bytes(&of_sources(8)).is_ok());
        assert!(Ledger::from_bytes(&of_sources(9)).is_err());
    }

    #[test]
    fn a_ledger_of_a_text_longer_than_its_place_is_none() {
        let of_source = |bytes| {
            let last_source = ShortText("x".repeat(bytes));
            let failures_since = FailuresSince { last_source, ..FailuresSince::default() };
            Ledger { failures_since, ..Ledger::new(Vec::new()) }.to_bytes().unwrap()
        };
        assert!(Ledger::from_bytes(&of_source(64)).is_ok());
        assert!(Ledger::from_bytes(&of_source(65)).is_err());
    }

    proptest! {
        #[test]
        fn the_last_accepted_step_only_ever_grows(steps in proptest::collection::vec(0_u64..50, 1..40)) {
            let mut last = LastAccepted::NEVER;
            for step in steps {
                let before = last.step();
                match last.advance(Step(step)) {
                    Ok(next) => { prop_assert!(before.is_none_or(|b| b < Step(step))); last = next; }
                    Err(NotNewer) => prop_assert!(before.is_some_and(|b| Step(step) <= b)),
                }
            }
        }

        #[test]
        fn bytes_that_are_no_ledger_are_refused_without_a_panic(bytes: Vec<u8>) {
            if let Ok(ledger) = Ledger::from_bytes(&bytes) {
                prop_assert!(ledger.to_bytes().is_ok());
            }
        }
    }
}
