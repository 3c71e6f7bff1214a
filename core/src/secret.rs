// SPDX-License-Identifier: MIT OR Apache-2.0
//! Types that hold what nobody may read. They zero themselves and implement no Debug, Display, Clone, PartialEq or
//! Serialize: a secret cannot be printed, copied or compared by accident.

use data_encoding::{BASE32_NOPAD, BASE32_NOPAD_NOCASE};
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize, Zeroizing};

use crate::combined::Readings;
use crate::error::Fault;
use crate::random::Random;
use crate::record::Digits;

/// The hash under a one-time code (RFC 6238 §1.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Algorithm {
    /// HMAC-SHA-1: what every authenticator app gets right.
    Sha1,
    /// HMAC-SHA-256.
    Sha256,
    /// HMAC-SHA-512.
    Sha512,
}

impl Algorithm {
    /// The name in `otpauth:` URIs.
    #[must_use]
    pub fn uri_name(self) -> &'static str {
        match self {
            Self::Sha1 => "SHA1",
            Self::Sha256 => "SHA256",
            Self::Sha512 => "SHA512",
        }
    }

    /// The name in config, arguments and JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Sha1 => "sha1",
            Self::Sha256 => "sha256",
            Self::Sha512 => "sha512",
        }
    }

    /// Bytes of a new secret: the length of the HMAC's output (RFC 6238 §5.1).
    #[must_use]
    pub fn secret_bytes(self) -> usize {
        match self {
            Self::Sha1 => 20,
            Self::Sha256 => 32,
            Self::Sha512 => 64,
        }
    }
}

/// A secret that an authenticator app and a record share.
///
/// It cannot be printed:
/// ```compile_fail,E0277
/// let secret = nightlatch::secret::SharedSecret::from_base32("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP").unwrap();
/// println!("{secret:?}");
/// ```
/// nor copied:
/// ```compile_fail,E0599
/// let secret = nightlatch::secret::SharedSecret::from_base32("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP").unwrap();
/// let copy = secret.clone();
/// ```
pub struct SharedSecret(Zeroizing<Box<[u8]>>);

/// Why a text is no shared secret. Says nothing of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SecretError {
    /// Not base32 (RFC 4648 §6).
    #[error("not a base32 secret: letters a to z and digits 2 to 7; spaces and dashes do not matter")]
    NotBase32,
    /// Fewer bytes than any record may hold.
    #[error("a secret of less than {} bytes is no secret", SharedSecret::MIN_BYTES)]
    TooShort,
    /// More bytes than any record may hold.
    #[error("a secret of more than {} bytes is longer than any authenticator's", SharedSecret::MAX_BYTES)]
    TooLong,
}

impl SharedSecret {
    /// 80 bits: the least that old authenticators used; what is under 128 has to be allowed by name (RFC 4226 §4 R6).
    pub const MIN_BYTES: usize = 10;
    /// The block of SHA-512; a longer HMAC key would be hashed first.
    pub const MAX_BYTES: usize = 128;

    /// Draws a new one, as long as the algorithm's output.
    ///
    /// # Errors
    ///
    /// [`Fault::NoRandomness`].
    pub fn generate(algorithm: Algorithm, random: &dyn Random) -> Result<Self, Fault> {
        let mut bytes = Zeroizing::new(vec![0; algorithm.secret_bytes()].into_boxed_slice());
        random.fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    /// Takes the bytes of a record.
    ///
    /// # Errors
    ///
    /// [`SecretError::TooShort`], [`SecretError::TooLong`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, SecretError> {
        if bytes.len() < Self::MIN_BYTES {
            return Err(SecretError::TooShort);
        }
        if bytes.len() > Self::MAX_BYTES {
            return Err(SecretError::TooLong);
        }
        Ok(Self(Zeroizing::new(Box::from(bytes))))
    }

    /// Reads base32 as apps and people write it: either case, with spaces, dashes and padding or without.
    ///
    /// # Errors
    ///
    /// [`SecretError::NotBase32`], [`SecretError::TooShort`], [`SecretError::TooLong`].
    pub fn from_base32(text: &str) -> Result<Self, SecretError> {
        // Reserved in one piece: a buffer that grows leaves its beginning behind in freed memory.
        let mut symbols = Zeroizing::new(Vec::with_capacity(text.len()));
        symbols.extend(text.trim_end_matches(['=', ' ', '\n', '\r']).bytes().filter(|b| !matches!(b, b' ' | b'-')));
        let length = BASE32_NOPAD_NOCASE.decode_len(symbols.len()).map_err(|_| SecretError::NotBase32)?;
        let mut bytes = Zeroizing::new(vec![0; length]);
        BASE32_NOPAD_NOCASE.decode_mut(&symbols, &mut bytes).map_err(|_| SecretError::NotBase32)?;
        Self::from_bytes(&bytes)
    }

    /// The secret as an app takes it: base32, upper case, no padding.
    #[must_use]
    pub fn expose_base32(&self) -> Zeroizing<String> {
        let mut symbols = Zeroizing::new(vec![0; BASE32_NOPAD.encode_len(self.0.len())]);
        BASE32_NOPAD.encode_mut(&self.0, &mut symbols);
        let mut text = Zeroizing::new(String::with_capacity(symbols.len()));
        text.extend(symbols.iter().map(|&symbol| char::from(symbol)));
        text
    }

    /// The key of the HMAC.
    #[must_use]
    pub fn expose_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Under the 128 bits that RFC 4226 §4 R6 demands.
    #[must_use]
    pub fn is_short(&self) -> bool {
        self.0.len() < 16
    }

    /// Whether both are the same secret; in constant time.
    #[must_use]
    pub fn is_same_as(&self, other: &Self) -> bool {
        use subtle::ConstantTimeEq as _;
        bool::from(self.0.ct_eq(&other.0))
    }
}

/// The key that seals the store. Lies in a file of its own, apart from the store.
///
/// ```compile_fail,E0277
/// fn show(key: &nightlatch::secret::MasterKey) { println!("{key:?}"); }
/// ```
pub struct MasterKey(Box<Zeroizing<[u8; 32]>>);

impl MasterKey {
    /// Bytes of a key file.
    pub const BYTES: usize = 32;

    /// Draws a new one.
    ///
    /// # Errors
    ///
    /// [`Fault::NoRandomness`].
    pub fn generate(random: &dyn Random) -> Result<Self, Fault> {
        let mut bytes = Box::new(Zeroizing::new([0; Self::BYTES]));
        random.fill(bytes.as_mut_slice())?;
        Ok(Self(bytes))
    }

    /// Takes the bytes of a key file, or `None` where they are not 32.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut key = Box::new(Zeroizing::new([0; Self::BYTES]));
        if bytes.len() != Self::BYTES {
            return None;
        }
        key.copy_from_slice(bytes);
        Some(Self(key))
    }

    /// The bytes of its file: for a backup that is encrypted to a passphrase, and for sealing.
    #[must_use]
    pub fn expose_bytes(&self) -> &[u8; Self::BYTES] {
        &self.0
    }
}

/// What a person typed at the prompt, and what it is shaped like.
///
/// ```compile_fail,E0277
/// fn show(code: &nightlatch::secret::TypedCode) { println!("{code:?}"); }
/// ```
pub struct TypedCode(pub(crate) Zeroizing<Typed>);

/// What can be judged.
pub(crate) enum Typed {
    /// Six to eight digits: a TOTP or HOTP code.
    OneTime { digits: u8, value: u32 },
    /// Typed in one with the password: a TOTP or HOTP code, its length is the device's.
    Embedded(Readings),
    /// Sixteen symbols whose check symbol is right: a backup code.
    Backup(crate::backup::Symbols),
}

impl Typed {
    /// What is to be compared with the codes of a device, if it has codes of such a length.
    pub(crate) fn of_length(&self, digits: Digits) -> Option<u32> {
        match self {
            Self::OneTime { digits: typed, value } => (*typed == digits.count()).then_some(*value),
            Self::Embedded(readings) => readings.of_length(digits.count()),
            Self::Backup(_) => None,
        }
    }
}

impl Zeroize for Typed {
    fn zeroize(&mut self) {
        match self {
            Self::OneTime { digits, value } => {
                digits.zeroize();
                value.zeroize();
            }
            Self::Embedded(readings) => readings.zeroize(),
            Self::Backup(symbols) => symbols.zeroize(),
        }
    }
}

/// Why a reply is not judged and not charged: it cannot have been a guess (DESIGN, Codes).
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotACode {
    /// Nothing but spaces and dashes.
    #[error("empty")]
    Empty,
    /// More than 512 bytes (THREATS V48).
    #[error("longer than 512 bytes")]
    TooLong,
    /// Neither the length of a one-time code nor that of a backup code.
    #[error("not the length of a code")]
    WrongLength,
    /// The length of a code, but other symbols.
    #[error("not the symbols of a code")]
    WrongSymbols,
    /// A backup code with a typing error: its check symbol does not fit.
    #[error("a backup code with a typing error")]
    BackupCodeTypo,
    /// The password again: sshd's `password` method answers every prompt with it.
    #[error(
        "the password instead of a code (sshd's 'password' method answers every prompt with it: set 'PasswordAuthentication no' and 'KbdInteractiveAuthentication yes')"
    )]
    Password,
    /// In one with the password, and there is no code beside one.
    #[error("no password with a code beside it: six to eight digits, or a backup code with its dashes")]
    NoneWithPassword,
    /// What sshd sends for a user whom it refuses anyway.
    #[error("sshd's placeholder for a user whom it refuses anyway")]
    JunkPassword,
}

impl TypedCode {
    /// The most bytes that a reply may have (Linux-PAM's `PAM_MAX_RESP_SIZE`).
    pub const MAX_REPLY_BYTES: usize = 512;
    /// What sshd hands to PAM in place of a password for users that do not exist or may not log in.
    pub(crate) const SSHD_JUNK: &'static [u8] = b"\x08\n\r\x7fINCORRECT";

    /// Reads a reply. `password` is PAM_AUTHTOK, if the stack has one.
    ///
    /// Spaces and dashes do not matter, nor does case, nor whether digits and letters are full-width.
    ///
    /// # Errors
    ///
    /// [`NotACode`]: what kept it from being judged.
    pub fn parse(reply: &[u8], password: Option<&[u8]>) -> Result<Self, NotACode> {
        if reply.starts_with(Self::SSHD_JUNK) {
            return Err(NotACode::JunkPassword);
        }
        if password.is_some_and(|password| !password.is_empty() && password == reply) {
            return Err(NotACode::Password);
        }
        if reply.len() > Self::MAX_REPLY_BYTES {
            return Err(NotACode::TooLong);
        }
        let text = std::str::from_utf8(reply).map_err(|_| NotACode::WrongSymbols)?;
        let mut symbols = Zeroizing::new(Vec::with_capacity(Self::MAX_REPLY_BYTES));
        for character in text.chars().filter(|c| !is_separator(*c)) {
            symbols.push(plain_ascii(character).ok_or(NotACode::WrongSymbols)?);
        }
        match symbols.len() {
            0 => Err(NotACode::Empty),
            6..=8 => one_time(&symbols),
            crate::backup::SYMBOLS => {
                crate::backup::Symbols::parse(&symbols).map(|symbols| Self(Zeroizing::new(Typed::Backup(symbols))))
            }
            _ => Err(NotACode::WrongLength),
        }
    }
}

fn one_time(symbols: &[u8]) -> Result<TypedCode, NotACode> {
    if !symbols.iter().all(u8::is_ascii_digit) {
        return Err(NotACode::WrongSymbols);
    }
    let value = symbols
        .iter()
        .fold(0_u32, |value, digit| value.saturating_mul(10).saturating_add(u32::from(digit.saturating_sub(b'0'))));
    let digits = u8::try_from(symbols.len()).map_err(|_| NotACode::WrongLength)?;
    Ok(TypedCode(Zeroizing::new(Typed::OneTime { digits, value })))
}

/// What people and phones put between groups: spaces of every kind, hyphens and dashes.
fn is_separator(character: char) -> bool {
    character.is_whitespace() || matches!(character, '-' | '\u{2010}'..='\u{2015}' | '\u{2212}' | '\u{ff0d}')
}

/// Full-width forms (an input method left on) are the ASCII characters 0xFEE0 below them.
fn plain_ascii(character: char) -> Option<u8> {
    let code_point = match u32::from(character) {
        wide @ 0xff01..=0xff5e => wide.saturating_sub(0xfee0),
        other => other,
    };
    u8::try_from(code_point).ok().filter(u8::is_ascii_graphic)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digits(reply: &str) -> Result<(u8, u32), NotACode> {
        match &*TypedCode::parse(reply.as_bytes(), None)?.0 {
            Typed::OneTime { digits, value } => Ok((*digits, *value)),
            Typed::Embedded(_) | Typed::Backup(_) => panic!("another kind of code"),
        }
    }

    #[test]
    fn a_code_is_read_however_it_is_spaced() {
        for reply in ["012345", "012 345", "012-345", " 0 1 2 3 4 5\n", "\u{ff10}１２３４５", "012\u{a0}345", "012–345"]
        {
            assert_eq!(digits(reply), Ok((6, 12_345)), "{reply}");
        }
        assert_eq!(digits("00000000"), Ok((8, 0)));
        assert_eq!(digits("0012345"), Ok((7, 12_345)));
    }

    #[test]
    fn what_cannot_be_a_code_is_named_and_not_judged() {
        let long = "1".repeat(513);
        for (reply, cause) in [
            ("", NotACode::Empty),
            (" - ", NotACode::Empty),
            ("12345", NotACode::WrongLength),
            ("123456789", NotACode::WrongLength),
            ("abcdef", NotACode::WrongSymbols),
            ("12345é", NotACode::WrongSymbols),
            ("１２３４５\u{0664}", NotACode::WrongSymbols),
            (&long, NotACode::TooLong),
            ("\u{8}\n\r\u{7f}INCORRECT", NotACode::JunkPassword),
            ("\u{8}\n\r\u{7f}INCORRECT\u{8}\n\r\u{7f}INC", NotACode::JunkPassword),
        ] {
            assert_eq!(digits(reply), Err(cause), "{reply:?}");
        }
        assert!(matches!(TypedCode::parse(&[0xff; 6], None), Err(NotACode::WrongSymbols)));
    }

    #[test]
    fn the_password_is_never_judged_even_where_it_looks_like_a_code() {
        assert!(matches!(TypedCode::parse(b"123456", Some(b"123456")), Err(NotACode::Password)));
        assert!(TypedCode::parse(b"123456", Some(b"")).is_ok());
        assert!(TypedCode::parse(b"123456", Some(b"other")).is_ok());
    }

    #[test]
    fn a_secret_is_read_as_apps_and_people_write_it() {
        let secret = SharedSecret::from_base32("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP").unwrap();
        for text in ["jbswy3dpehpk3pxpjbswy3dpehpk3pxp", "JBSW Y3DP EHPK 3PXP JBSW-Y3DP-EHPK-3PXP\n"] {
            assert!(SharedSecret::from_base32(text).unwrap().is_same_as(&secret));
        }
        assert_eq!(secret.expose_base32().as_str(), "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP");
        assert!(!secret.is_short());
        assert!(SharedSecret::from_base32("JBSWY3DPEHPK3PXP").unwrap().is_short());
        assert!(SharedSecret::from_base32("JBSWY3DPEHPK3PXPJBSWY3DPEE======").is_ok());
    }

    #[test]
    fn a_secret_is_the_same_as_itself_alone_and_short_below_16_bytes() {
        let of = |bytes: &[u8]| SharedSecret::from_bytes(bytes).unwrap();
        assert!(of(&[1; 20]).is_same_as(&of(&[1; 20])));
        for other in [&[1; 19][..], &[2; 20], &[1; 21]] {
            assert!(!of(&[1; 20]).is_same_as(&of(other)));
        }
        assert_eq!([15, 16, 17].map(|length| of(&vec![1; length]).is_short()), [true, false, false]);
    }

    #[test]
    fn algorithms_go_by_the_names_that_the_config_takes() {
        let algorithms = [Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512];
        assert_eq!(algorithms.map(Algorithm::name), ["sha1", "sha256", "sha512"]);
    }

    #[test]
    fn a_wiped_code_is_zero() {
        let Ok(TypedCode(mut typed)) = TypedCode::parse(b"12345678", None) else { panic!("a code") };
        typed.zeroize();
        assert!(matches!(&*typed, Typed::OneTime { digits: 0, value: 0 }));
    }

    #[test]
    fn a_reply_has_512_bytes_at_most() {
        let reply = |bytes: usize| format!("{}012345", " ".repeat(bytes - 6));
        assert_eq!(digits(&reply(512)), Ok((6, 12_345)));
        assert_eq!(digits(&reply(513)), Err(NotACode::TooLong));
    }

    #[test]
    fn what_is_no_secret_is_refused_without_being_repeated() {
        for (text, cause) in [
            ("", SecretError::TooShort),
            ("AAAA", SecretError::TooShort),
            ("JBSWY3DPEHPK3PX1", SecretError::NotBase32),
            ("JBSWY3DPEHPK3PXPA", SecretError::NotBase32),
            (&"A".repeat(208), SecretError::TooLong),
        ] {
            let refused = SharedSecret::from_base32(text).err().unwrap();
            assert_eq!(refused, cause, "{text}");
            assert!(text.len() < 5 || !refused.to_string().contains(text));
        }
    }
}
