// SPDX-License-Identifier: MIT OR Apache-2.0
//! Password and code typed as one text, for programs that ask once: which codes it may hold, and what is left of it once
//! one of them was accepted. Judges nothing; which length counts is for the person's devices to say.

use zeroize::{Zeroize, Zeroizing};

use crate::backup::{PRINTED_BYTES, SYMBOLS, Symbols};
use crate::secret::{NotACode, Typed, TypedCode};
use crate::store::Accepted;

/// Where in the text the code stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CodePlace {
    /// Behind the password.
    End,
    /// Before the password.
    Start,
}

/// A text that is shaped like password and code.
///
/// What of it is the password is known only once a code was accepted:
/// ```compile_fail,E0616
/// fn peek(combined: nightlatch::combined::Combined) { let _ = combined.text; }
/// ```
pub struct Combined {
    text: Zeroizing<Vec<u8>>,
    place: CodePlace,
    code: TypedCode,
}

impl Combined {
    /// Reads a text. Every byte counts: a password may hold anything, so neither spaces nor dashes are passed over, and of a
    /// backup code only the spelling with its dashes is known.
    ///
    /// # Errors
    ///
    /// [`NotACode`]: what kept it from being judged.
    pub fn read(text: &[u8], place: CodePlace) -> Result<Self, NotACode> {
        if text.starts_with(TypedCode::SSHD_JUNK) {
            return Err(NotACode::JunkPassword);
        }
        if text.len() > TypedCode::MAX_REPLY_BYTES {
            return Err(NotACode::TooLong);
        }
        let printed = piece(text, place, PRINTED_BYTES).and_then(as_printed);
        let code = match (printed, Readings::of(text, place)) {
            (Some(symbols), _) => Typed::Backup(Symbols::parse(symbols.as_slice())?),
            (None, Some(readings)) => Typed::Embedded(readings),
            (None, None) if text.is_empty() => return Err(NotACode::Empty),
            (None, None) => return Err(NotACode::NoneWithPassword),
        };
        Ok(Self { text: Zeroizing::new(text.to_vec()), place, code: TypedCode(Zeroizing::new(code)) })
    }

    /// What is to be judged.
    #[must_use]
    pub fn code(&self) -> &TypedCode {
        &self.code
    }

    /// The text without the code that was accepted.
    #[must_use]
    pub fn password(&self, accepted: &Accepted) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(self.beside(accepted.code_bytes()).to_vec())
    }

    fn beside(&self, code_bytes: usize) -> &[u8] {
        match self.place {
            CodePlace::End => self.text.get(..self.text.len().saturating_sub(code_bytes)),
            CodePlace::Start => self.text.get(code_bytes..),
        }
        .unwrap_or_default()
    }
}

/// The one-time codes that a text may hold: at most one for each length.
///
/// A person's device has one length, so that it is compared with one of them, and a text is no more guesses than a code at
/// a prompt of its own.
pub(crate) struct Readings([(u8, Option<u32>); 3]);

impl Readings {
    /// `None` where there is none with a password beside it.
    fn of(text: &[u8], place: CodePlace) -> Option<Self> {
        let of_length = |digits: u8| (digits, piece(text, place, usize::from(digits)).and_then(number));
        let readings = Self([6, 7, 8].map(of_length));
        readings.0.iter().any(|(_, value)| value.is_some()).then_some(readings)
    }

    pub(crate) fn of_length(&self, digits: u8) -> Option<u32> {
        self.0.iter().find(|(length, _)| *length == digits).and_then(|(_, value)| *value)
    }
}

impl Zeroize for Readings {
    fn zeroize(&mut self) {
        for (digits, value) in &mut self.0 {
            digits.zeroize();
            value.zeroize();
        }
    }
}

/// So many bytes at the code's place, if a password is left beside them: a code alone is a person who forgot the password,
/// and neither used up nor charged.
fn piece(text: &[u8], place: CodePlace, bytes: usize) -> Option<&[u8]> {
    let rest = text.len().checked_sub(bytes).filter(|rest| *rest > 0)?;
    match place {
        CodePlace::End => text.get(rest..),
        CodePlace::Start => text.get(..bytes),
    }
}

fn number(digits: &[u8]) -> Option<u32> {
    let add = |value: u32, digit: &u8| {
        let digit = digit.is_ascii_digit().then(|| u32::from(digit.saturating_sub(b'0')))?;
        value.checked_mul(10)?.checked_add(digit)
    };
    digits.iter().try_fold(0, add)
}

/// The symbols of four groups of four with dashes between them, or `None` where it is none.
fn as_printed(piece: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let mut symbols = Zeroizing::new(Vec::with_capacity(SYMBOLS));
    for (place, byte) in (1_usize..).zip(piece) {
        match (place.is_multiple_of(5), byte) {
            (true, b'-') => {}
            (false, symbol) if symbol.is_ascii_alphanumeric() => symbols.push(*symbol),
            (true | false, _) => return None,
        }
    }
    Some(symbols)
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "small numbers in tests")]
mod tests;
