// SPDX-License-Identifier: MIT OR Apache-2.0
//! What other programs have enrolled, read from the bytes of their files: what goes on working, what is not kept, and why
//! somebody is not taken over. Pure: finds and reads no file, and asks nobody the time.

pub mod google;
pub mod oath;

use std::fmt;

use crate::backup::EightDigits;
use crate::clock::UnixTime;
use crate::ledger::Progress;
use crate::record::{DeviceError, DeviceName, Digits, Kind, MAX_DEVICES};
use crate::secret::{Algorithm, SecretError, SharedSecret};
use crate::verify::judge::Window;

/// What a file is read against.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// The present, for codes that are used up already.
    pub now: UnixTime,
    /// This host's window, to say where theirs was wider.
    pub window: Window,
    /// What becomes of secrets under 128 bits.
    pub short_secrets: ShortSecrets,
}

/// What becomes of secrets under the 128 bits that RFC 4226 §4 R6 demands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ShortSecrets {
    /// They are taken over.
    Allowed,
    /// Whoever has one is not taken over.
    Refused,
}

/// A device as another program left it.
pub struct InheritedDevice {
    /// What it is called here; the others' files have no names.
    pub name: DeviceName,
    /// TOTP or HOTP.
    pub kind: Kind,
    /// Hash under the code.
    pub algorithm: Algorithm,
    /// Length of the code.
    pub digits: Digits,
    /// Key of the hash.
    pub secret: SharedSecret,
    /// How far it has come.
    pub progress: Progress,
}

/// What one person has that goes on working.
pub struct TakenOver {
    /// One at least, eight at most.
    pub devices: Vec<InheritedDevice>,
    /// Unused scratch codes of google-authenticator.
    pub scratch_codes: Vec<EightDigits>,
    /// What does not go on.
    pub not_kept: Vec<NotKept>,
}

/// What somebody had and has no more, with what holds instead. Never holds anything of the file but numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotKept {
    /// More steps were accepted.
    Window {
        /// How many.
        theirs: u64,
        /// How many are here.
        ours: u64,
    },
    /// More counters were looked ahead for.
    LookAhead {
        /// How many codes were acceptable.
        theirs: u64,
        /// How many are here.
        ours: u64,
    },
    /// A limit of attempts.
    RateLimit,
    /// Codes in a row from which the module would have learned a skew.
    LearnedSkew,
    /// Places and times of logins, after which nobody was asked for a while.
    Grace,
    /// Options that no known version has.
    UnknownOptions {
        /// How many.
        count: usize,
    },
    /// Lines behind the scratch codes, which no version reads.
    UnreadLines {
        /// How many.
        count: usize,
    },
    /// More scratch codes than google-authenticator makes.
    ScratchCodesBeyond {
        /// How many.
        count: usize,
    },
    /// A password beside the key, in clear.
    Password {
        /// Of the file.
        line: usize,
    },
    /// A token that pam_oath never read.
    UnknownType {
        /// Of the file.
        line: usize,
    },
    /// Nothing but the label says how long the codes are, and that was never enforced.
    DigitsUnsure {
        /// Of the file.
        line: usize,
        /// As the label says.
        digits: Digits,
    },
    /// The last code had another length than the label says, and is believed.
    DigitsOverruled {
        /// Of the file.
        line: usize,
        /// As the last code had.
        digits: Digits,
    },
    /// The last code fits no step near its time, so that all steps that may have been its own are used.
    StepsUsed {
        /// Of the file.
        line: usize,
        /// From when on codes are accepted.
        from: UnixTime,
    },
}

impl fmt::Display for NotKept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Window { theirs, ours } => write!(
                f,
                "WINDOW_SIZE {theirs}: {ours} codes are acceptable here; a clock that is further off shows in the log as \
                 clock drift, and 'nightlatch device resync' sets it right"
            ),
            Self::LookAhead { theirs, ours } => write!(
                f,
                "WINDOW_SIZE {theirs}: {ours} counters are acceptable here; 'nightlatch device resync' goes further"
            ),
            Self::RateLimit => f.write_str("RATE_LIMIT: failures count as [throttle] in the config says"),
            Self::LearnedSkew => f.write_str("RESETTING_TIME_SKEW: nothing about clocks is learned at logins here"),
            Self::Grace => f.write_str("LAST0 and so on: nobody is spared for a login of a while ago"),
            Self::UnknownOptions { count } => write!(f, "options that are not known: {count}"),
            Self::UnreadLines { count } => {
                write!(f, "lines behind the scratch codes, which google-authenticator does not read either: {count}")
            }
            Self::ScratchCodesBeyond { count } => write!(f, "scratch codes beyond the first ten: {count}"),
            Self::Password { line } => {
                write!(f, "line {line}: the password beside the key; let pam_unix ask for a password before the code")
            }
            Self::UnknownType { line } => write!(f, "line {line}: a type of token that pam_oath does not read either"),
            Self::DigitsUnsure { line, digits } => write!(
                f,
                "line {line}: pam_oath never enforced the {} digits of the label; if the device shows another number, it \
                 has to be enrolled anew",
                digits.count()
            ),
            Self::DigitsOverruled { line, digits } => write!(
                f,
                "line {line}: the label, since the last code had {} digits, and so have the codes here",
                digits.count()
            ),
            Self::StepsUsed { line, from } => write!(
                f,
                "line {line}: when the last code was used cannot be told; codes from before {} count as used",
                from.to_the_minute()
            ),
        }
    }
}

/// Why somebody is not taken over: half of what a person has would be a device that does not work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotTaken {
    /// Of a file with a line for each token.
    pub line: Option<usize>,
    /// Why.
    pub cause: Cause,
}

/// What stands in the way.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Cause {
    /// The first line of a file of google-authenticator is no secret.
    #[error("the first line is no base32 secret, so this is no file of google-authenticator")]
    NotBase32,
    /// A secret that no record may hold.
    #[error("{0}")]
    Secret(SecretError),
    /// A secret that has to be allowed by name.
    #[error("the secret has {bits} bits, less than the 128 of RFC 4226; --allow-short-secret takes it")]
    ShortSecret {
        /// How many.
        bits: usize,
    },
    /// Neither by time nor by counter: the old module accepted no code of it.
    #[error("neither TOTP_AUTH nor HOTP_COUNTER is there, so that no code was ever right")]
    NoKind,
    /// A number out of its range, or none.
    #[error("{name} is not {range}")]
    Number {
        /// Of the option or the field.
        name: &'static str,
        /// In words.
        range: &'static str,
    },
    /// Steps that are shorter than ours.
    #[error("STEP_SIZE {seconds}: steps of less than 15 seconds do not exist here; enroll anew")]
    ShortStep {
        /// How long they are.
        seconds: u16,
    },
    /// A clock that is off by more than anything learns or resynchronises.
    #[error("TIME_SKEW is more than a day; set the clocks right, log in once, and import then")]
    Skew,
    /// A used step that lies ahead: nobody could log in until then.
    #[error("DISALLOW_REUSE names a step that is still to come; the clock ran ahead, or the file is not whole")]
    StepAhead,
    /// No field after the last one that was read.
    #[error("the line ends before the key")]
    CutShort,
    /// The key of a token.
    #[error("the key is not 1 to 32 bytes in hexadecimal digits")]
    NotHexadecimal,
    /// mod_authn_otp's file has further fields, and other meanings.
    #[error("more fields than pam_oath has: a file of mod_authn_otp is not read, since its fields mean something else")]
    AnotherProgram,
    /// The last code is none.
    #[error("the last code is not six to eight digits")]
    LastCode,
    /// Its time is none.
    #[error("the time of the last code is not like 2026-11-24T14:02:31L")]
    LastTime,
    /// Two tokens of one person that would log in by one code.
    #[error("the secret is that of line {other} too, and each code would log in twice")]
    SecretTwice {
        /// Of the file.
        other: usize,
    },
    /// More tokens than a person may have.
    #[error("{count} tokens, and nobody has more than {MAX_DEVICES} devices")]
    TooMany {
        /// How many.
        count: usize,
    },
    /// Every line is of an unknown type.
    #[error("no token of a type that pam_oath reads")]
    NothingThere,
    /// What keeps a record from having such a device.
    #[error("{0}")]
    Device(DeviceError),
}

impl NotTaken {
    fn of(cause: Cause) -> Self {
        Self { line: None, cause }
    }
}

impl fmt::Display for NotTaken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.cause),
            None => write!(f, "{}", self.cause),
        }
    }
}

/// A secret that may be taken over.
fn secret(bytes: &[u8], terms: &Terms) -> Result<SharedSecret, Cause> {
    let secret = SharedSecret::from_bytes(bytes).map_err(Cause::Secret)?;
    match terms.short_secrets {
        ShortSecrets::Refused if secret.is_short() => Err(Cause::ShortSecret { bits: bytes.len().saturating_mul(8) }),
        ShortSecrets::Refused | ShortSecrets::Allowed => Ok(secret),
    }
}

/// `phone`, or `token` where codes go by a counter; with a number from the second one on.
fn name_of(kind: Kind, before: &[InheritedDevice]) -> Result<DeviceName, Cause> {
    let word = match kind {
        Kind::Totp { .. } => "phone",
        Kind::Hotp => "token",
    };
    let earlier = before.iter().filter(|device| {
        matches!((device.kind, kind), (Kind::Totp { .. }, Kind::Totp { .. }) | (Kind::Hotp, Kind::Hotp))
    });
    let name = match earlier.count() {
        0 => word.to_owned(),
        more => format!("{word} {}", more.saturating_add(1)),
    };
    DeviceName::parse(&name).map_err(|_| Cause::TooMany { count: before.len() })
}
