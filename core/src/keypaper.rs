// SPDX-License-Identifier: MIT OR Apache-2.0
//! A master key on paper: five lines that a person can type, each with a check of its own, so that a typing error is told
//! in its line; the last one checks them all. Prints nothing.
//!
//! Sixteen symbols of Crockford's base32 a line: its number, thirteen for eight bytes, two check symbols.

use std::fmt;

use zeroize::Zeroizing;

use crate::backup::{ALPHABET, check_symbol, times_x, value_of};
use crate::secret::MasterKey;

/// Lines of a key: four with the key's bytes, one with the beginning of its id.
pub const LINES: usize = 5;
const SYMBOLS: usize = 16;
const BYTES_A_LINE: usize = 8;
const BYTES: usize = LINES * BYTES_A_LINE;
/// Before the lines in a QR code.
const QR_WORDS: &str = "NIGHTLATCH KEY 1";

/// Why a text is not the line that was asked for. Says nothing of the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotALine {
    /// Too few or too many symbols.
    #[error("not the length of a line: four groups of four")]
    WrongLength,
    /// A symbol that no line has, or check symbols that do not fit.
    #[error("a typing error: its check symbols do not fit")]
    Typo,
    /// A sound line of another number.
    #[error("that is line {0}")]
    Another(u8),
}

/// Why lines are no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAKey {
    /// One of the lines is none.
    #[error("line {number}: {cause}")]
    Line {
        /// Of the text that was read, from 1; on a terminal, of the key.
        number: usize,
        /// What is wrong with it.
        cause: NotALine,
    },
    /// A line is missing.
    #[error("line {0} of a key is missing")]
    Missing(u8),
    /// Each line is sound, but they are not of one key.
    #[error("the lines are of more than one key: the last one does not fit the others")]
    Mixed,
    /// No line of the text belongs to a key.
    #[error("no key is in it")]
    Nothing,
}

/// Lines of one key, as they are read.
pub struct KeyLines {
    bytes: Box<Zeroizing<[u8; BYTES]>>,
    read: [bool; LINES],
}

impl Default for KeyLines {
    fn default() -> Self {
        Self { bytes: Box::new(Zeroizing::new([0; BYTES])), read: [false; LINES] }
    }
}

impl fmt::Debug for KeyLines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyLines({:?})", self.read)
    }
}

impl MasterKey {
    /// The lines for the paper, each four groups of four. `None` never: a key has an id.
    #[must_use]
    pub fn expose_lines(&self) -> Option<Vec<Zeroizing<String>>> {
        let mut bytes = Zeroizing::new([0; BYTES]);
        let (key, check) = bytes.split_at_mut(Self::BYTES);
        key.copy_from_slice(self.expose_bytes());
        check.copy_from_slice(self.id()?.0.get(..BYTES_A_LINE)?);
        let lines = (1_u8..).zip(bytes.chunks_exact(BYTES_A_LINE));
        Some(lines.map(|(number, chunk)| line_of(number, chunk)).collect())
    }

    /// The text of a QR code: nothing but what its denser alphanumeric mode holds.
    #[must_use]
    pub fn expose_qr_text(&self) -> Option<Zeroizing<String>> {
        let mut text = Zeroizing::new(String::with_capacity(QR_WORDS.len().saturating_add(LINES * (SYMBOLS + 1))));
        text.push_str(QR_WORDS);
        for line in self.expose_lines()? {
            text.push(' ');
            text.extend(line.chars().filter(|symbol| *symbol != '-'));
        }
        Some(text)
    }
}

/// What somebody may type of a key: five lines, or the text of a paper or of a QR code with one key or several.
///
/// # Errors
///
/// [`NotAKey`], with the line of the text.
pub fn read_text(text: &str) -> Result<Vec<MasterKey>, NotAKey> {
    let (mut keys, mut lines) = (Vec::new(), KeyLines::default());
    for (number, line) in (1_usize..).zip(text.lines()) {
        for candidate in candidates(line) {
            let wrong = |cause| NotAKey::Line { number, cause };
            lines.take(candidate).map_err(wrong)?;
            if lines.missing().is_none() {
                keys.push(std::mem::take(&mut lines).into_key()?);
            }
        }
    }
    match (lines.is_untouched(), lines.missing()) {
        (false, Some(missing)) => Err(NotAKey::Missing(missing)),
        _ if keys.is_empty() => Err(NotAKey::Nothing),
        _ => Ok(keys),
    }
}

/// What of a line of text is meant to be lines of a key: behind `Line 3:`, behind the words of a QR code, or by itself.
/// All else is what the paper says for people.
fn candidates(line: &str) -> Vec<&str> {
    let line = line.trim();
    let line = line.strip_prefix("QR-Code:").unwrap_or(line);
    if let Some(in_qr) = line.strip_prefix(QR_WORDS) {
        return in_qr.split_whitespace().collect();
    }
    if let Some((label, symbols)) = line.split_once(':') {
        let is_label = label.strip_prefix("Line ").is_some_and(|number| number.trim().parse::<u8>().is_ok());
        return if is_label { vec![symbols] } else { Vec::new() };
    }
    let alone = line.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b' ');
    let symbols = line.bytes().filter(u8::is_ascii_alphanumeric).count();
    let in_groups = line.split(['-', ' ']).all(|group| group.len() == 4) || !line.contains(['-', ' ']);
    if alone && in_groups && symbols == SYMBOLS { vec![line] } else { Vec::new() }
}

impl KeyLines {
    /// Reads a line; which one it is. Either case, with dashes and spaces or without.
    ///
    /// # Errors
    ///
    /// [`NotALine`]; nothing changes then.
    pub fn take(&mut self, text: &str) -> Result<u8, NotALine> {
        let mut symbols = Zeroizing::new([0_u8; SYMBOLS]);
        let mut count = 0_usize;
        for character in text.bytes().filter(|b| !b.is_ascii_whitespace() && *b != b'-') {
            *symbols.get_mut(count).ok_or(NotALine::WrongLength)? = value_of(character).ok_or(NotALine::Typo)?;
            count = count.saturating_add(1);
        }
        if count != SYMBOLS {
            return Err(NotALine::WrongLength);
        }
        let [body @ .., first, second] = &*symbols;
        if (check_symbol(body), second_check(body)) != (*first, *second) {
            return Err(NotALine::Typo);
        }
        let [number, data @ ..] = body;
        let index = usize::from(*number).checked_sub(1).ok_or(NotALine::Typo)?;
        let packed = data.iter().fold(0_u128, |sum, symbol| (sum << 5) | u128::from(*symbol));
        // Sixty-five bits for sixty-four: the last one is none.
        let value = u64::try_from(packed >> 1).ok().filter(|_| packed & 1 == 0).ok_or(NotALine::Typo)?;
        let place = self.bytes.chunks_exact_mut(BYTES_A_LINE).nth(index).ok_or(NotALine::Typo)?;
        place.copy_from_slice(&value.to_be_bytes());
        *self.read.get_mut(index).ok_or(NotALine::Typo)? = true;
        Ok(*number)
    }

    /// The same for the line of that number and no other.
    ///
    /// # Errors
    ///
    /// [`NotALine`].
    pub fn take_line(&mut self, number: u8, text: &str) -> Result<(), NotALine> {
        let mut alone = Self::default();
        match alone.take(text)? {
            found if found == number => self.take(text).map(|_| ()),
            another => Err(NotALine::Another(another)),
        }
    }

    /// The first line that was not read yet.
    #[must_use]
    pub fn missing(&self) -> Option<u8> {
        (1_u8..).zip(self.read).find(|(_, read)| !read).map(|(number, _)| number)
    }

    fn is_untouched(&self) -> bool {
        self.read == [false; LINES]
    }

    /// The key, if all lines are there and of one key.
    ///
    /// # Errors
    ///
    /// [`NotAKey::Missing`], [`NotAKey::Mixed`].
    pub fn into_key(self) -> Result<MasterKey, NotAKey> {
        if let Some(missing) = self.missing() {
            return Err(NotAKey::Missing(missing));
        }
        let (key, check) = self.bytes.split_at_checked(MasterKey::BYTES).ok_or(NotAKey::Mixed)?;
        let key = MasterKey::from_bytes(key).ok_or(NotAKey::Mixed)?;
        let id = key.id().ok_or(NotAKey::Mixed)?;
        if id.0.starts_with(check) { Ok(key) } else { Err(NotAKey::Mixed) }
    }
}

fn line_of(number: u8, bytes: &[u8]) -> Zeroizing<String> {
    let packed = bytes.iter().fold(0_u128, |sum, byte| (sum << 8) | u128::from(*byte)) << 1;
    let mut symbols = Zeroizing::new([0_u8; SYMBOLS]);
    let [first, data @ .., one, two] = &mut *symbols;
    *first = number;
    for (shift, symbol) in (0_u32..).step_by(5).zip(data.iter_mut().rev()) {
        *symbol = u8::try_from((packed >> shift) & 31).unwrap_or(0);
    }
    let mut body = Zeroizing::new([0_u8; SYMBOLS - 2]);
    let [body_first, body_data @ ..] = &mut *body;
    *body_first = number;
    body_data.copy_from_slice(data);
    (*one, *two) = (check_symbol(&*body), second_check(&*body));
    let mut line = Zeroizing::new(String::with_capacity(SYMBOLS + 3));
    for (place, symbol) in symbols.iter().enumerate() {
        if place > 0 && place.is_multiple_of(4) {
            line.push('-');
        }
        line.push(ALPHABET.get(usize::from(*symbol)).copied().map_or('0', char::from));
    }
    line
}

/// As [`check_symbol`] with the square of its generator: with both, any two wrong symbols of a line are noticed.
fn second_check(body: &[u8]) -> u8 {
    body.iter().fold(0, |sum, symbol| times_x(times_x(sum ^ symbol)))
}

#[cfg(test)]
mod tests;
