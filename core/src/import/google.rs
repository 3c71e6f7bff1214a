// SPDX-License-Identifier: MIT OR Apache-2.0
//! `~/.google_authenticator`: base32 on the first line, options in lines that begin with `" `, then scratch codes. Read as
//! the module reads it, libpam-google-authenticator 1.09 and the fork with DIGITS and ALGORITHM.

use zeroize::Zeroizing;

use crate::backup::{EightDigits, MAX_INHERITED};
use crate::clock::Step;
use crate::import::{Cause, InheritedDevice, NotKept, NotTaken, TakenOver, Terms, name_of, secret};
use crate::ledger::{LastAccepted, Progress};
use crate::record::{Digits, Kind, Period};
use crate::secret::Algorithm;
use crate::verify::judge::{LOOK_AHEAD, Window};
use crate::verify::otp;

/// The most bytes that the module reads.
pub const MAX_BYTES: usize = 65_536;
/// Steps ahead of the present that a used code may lie: half the widest window, and the clock's drift since.
const STEPS_AHEAD: u64 = 200;
const DAY: i64 = 86_400;
/// The highest counter that goes on from: the last of all would have none after it.
const HIGHEST_COUNTER: u64 = crate::enrollment::FirstCounter::MAX;

/// Reads one person's file.
///
/// # Errors
///
/// [`NotTaken`]: then nothing of it is taken over.
pub fn read(bytes: &[u8], terms: &Terms) -> Result<TakenOver, NotTaken> {
    take_over(bytes, terms).map_err(NotTaken::of)
}

fn take_over(bytes: &[u8], terms: &Terms) -> Result<TakenOver, Cause> {
    let lines = Lines(bytes);
    let secret = secret(&decoded(lines.first()).ok_or(Cause::NotBase32)?, terms)?;
    let counter = lines.number("HOTP_COUNTER", 0..=HIGHEST_COUNTER, "a counter")?.unwrap_or(0);
    let (kind, progress) = match counter {
        0 if lines.option("TOTP_AUTH").is_none() => return Err(Cause::NoKind),
        0 => of_time(&lines, terms)?,
        next => (Kind::Hotp, Progress::Hotp { next }),
    };
    let digits = lines.number("DIGITS", 6..=8, "6, 7 or 8")?;
    let digits = digits.and_then(|digits| Digits::new(u8::try_from(digits).ok()?)).unwrap_or(Digits::SIX);
    let algorithm = algorithm(&lines)?;
    let (scratch_codes, beyond, unread) = lines.scratch_codes();
    let mut not_kept = lines.not_kept(kind, terms.window);
    not_kept.extend((beyond > 0).then_some(NotKept::ScratchCodesBeyond { count: beyond }));
    not_kept.extend((unread > 0).then_some(NotKept::UnreadLines { count: unread }));
    let device = InheritedDevice { name: name_of(kind, &[])?, kind, algorithm, digits, secret, progress };
    Ok(TakenOver { devices: vec![device], scratch_codes, not_kept })
}

/// Its steps are the codes' own, the skew included, as ours are.
fn of_time(lines: &Lines<'_>, terms: &Terms) -> Result<(Kind, Progress), Cause> {
    let seconds = lines.number("STEP_SIZE", 1..=60, "1 to 60 seconds")?.unwrap_or(30);
    let seconds = u16::try_from(seconds).unwrap_or(u16::MAX);
    let period = Period::new(seconds).ok_or(Cause::ShortStep { seconds })?;
    let offset = lines.skew()?;
    if i64::from(offset).saturating_mul(i64::from(seconds)).abs() > DAY {
        return Err(Cause::Skew);
    }
    let present = otp::step_at(terms.now, period, offset).ok_or(Cause::Skew)?.0;
    let used = lines.used_steps()?;
    if used.is_some_and(|step| step > present.saturating_add(STEPS_AHEAD)) {
        return Err(Cause::StepAhead);
    }
    let last = used.and_then(|step| LastAccepted::NEVER.advance(Step(step)).ok()).unwrap_or(LastAccepted::NEVER);
    Ok((Kind::Totp { period, offset }, Progress::Totp(last)))
}

fn algorithm(lines: &Lines<'_>) -> Result<Algorithm, Cause> {
    let Some(named) = lines.option("ALGORITHM") else { return Ok(Algorithm::Sha1) };
    let all = [Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512];
    let found = all.into_iter().find(|algorithm| named.eq_ignore_ascii_case(algorithm.name().as_bytes()));
    found.ok_or(Cause::Number { name: "ALGORITHM", range: "sha1, sha256 or sha512" })
}

/// Base32 as the module decodes it: either case, with spaces and dashes, and with 0, 1 and 8 for the letters that they look
/// like. Bits that fill no byte are dropped, and padding is an error.
fn decoded(line: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    // Reserved in one piece: a buffer that grows leaves its beginning behind in freed memory.
    let mut bytes = Zeroizing::new(Vec::with_capacity(line.len()));
    let (mut buffer, mut bits) = (0_u32, 0_u32);
    for character in line.iter().filter(|character| !matches!(character, b' ' | b'\t' | b'-' | b'\r')) {
        let value = match character.to_ascii_uppercase() {
            b'0' => 14,
            b'1' => 11,
            b'8' => 1,
            letter @ b'A'..=b'Z' => letter.saturating_sub(b'A'),
            digit @ b'2'..=b'7' => digit.saturating_sub(b'2').saturating_add(26),
            _ => return None,
        };
        buffer = (buffer << 5) | u32::from(value);
        bits = bits.saturating_add(5);
        if bits >= 8 {
            bits = bits.saturating_sub(8);
            bytes.push(u8::try_from((buffer >> bits) & 0xff).ok()?);
            buffer &= !(u32::MAX << bits);
        }
    }
    (!bytes.is_empty()).then_some(bytes)
}

/// The lines of a file. Nothing that an option holds leaves it but as a number in its range.
struct Lines<'f>(&'f [u8]);

const KNOWN: [&str; 10] = [
    "RATE_LIMIT",
    "WINDOW_SIZE",
    "DISALLOW_REUSE",
    "TOTP_AUTH",
    "HOTP_COUNTER",
    "STEP_SIZE",
    "TIME_SKEW",
    "RESETTING_TIME_SKEW",
    "DIGITS",
    "ALGORITHM",
];

impl<'f> Lines<'f> {
    fn first(&self) -> &'f [u8] {
        self.0.split(|byte| *byte == b'\n').next().unwrap_or_default()
    }

    /// Name and value of each option.
    fn options(&self) -> impl Iterator<Item = (&'f [u8], &'f [u8])> {
        let lines = self.0.split(|byte| matches!(byte, b'\n' | b'\r')).skip(1);
        lines.filter_map(|line| line.strip_prefix(b"\" ")).map(|option| {
            let end = option.iter().position(|byte| is_blank(*byte)).unwrap_or(option.len());
            let (name, value) = option.split_at_checked(end).unwrap_or((option, &[]));
            (name, value.trim_ascii())
        })
    }

    /// The first of that name counts.
    fn option(&self, name: &str) -> Option<&'f [u8]> {
        self.options().find(|(found, _)| *found == name.as_bytes()).map(|(_, value)| value)
    }

    fn number(
        &self,
        name: &'static str,
        range: std::ops::RangeInclusive<u64>,
        words: &'static str,
    ) -> Result<Option<u64>, Cause> {
        let Some(value) = self.option(name) else { return Ok(None) };
        let number = number(value).filter(|number| range.contains(number));
        number.map(Some).ok_or(Cause::Number { name, range: words })
    }

    fn skew(&self) -> Result<i32, Cause> {
        let Some(value) = self.option("TIME_SKEW") else { return Ok(0) };
        let text = std::str::from_utf8(value).ok();
        text.and_then(|text| text.parse().ok()).ok_or(Cause::Number { name: "TIME_SKEW", range: "a number of steps" })
    }

    /// The highest step that was used.
    fn used_steps(&self) -> Result<Option<u64>, Cause> {
        let value = self.option("DISALLOW_REUSE").unwrap_or_default();
        let mut highest = None;
        for step in value.split(|byte| is_blank(*byte)).filter(|step| !step.is_empty()) {
            let step = number(step).ok_or(Cause::Number { name: "DISALLOW_REUSE", range: "a list of steps" })?;
            highest = highest.max(Some(step));
        }
        Ok(highest)
    }

    /// The unused codes; how many there are beyond the most that are kept; and how many lines follow that nobody reads.
    fn scratch_codes(&self) -> (Vec<EightDigits>, usize, usize) {
        let mut lines = self.0.split(|byte| matches!(byte, b'\n' | b'\r')).skip(1);
        let is_left = |line: &&[u8]| !line.is_empty() && !line.starts_with(b"\"");
        let (mut codes, mut beyond) = (Vec::with_capacity(usize::from(MAX_INHERITED)), 0_usize);
        for line in lines.by_ref().filter(is_left) {
            let digits = line.trim_ascii_start();
            match number(digits).and_then(|number| EightDigits::new(u32::try_from(number).ok()?)) {
                None => return (codes, beyond, lines.filter(is_left).count().saturating_add(1)),
                // Twice in the file it would have got in twice.
                Some(code) if codes.iter().any(|before: &EightDigits| before.is_same_as(&code)) => {}
                Some(code) if codes.len() < usize::from(MAX_INHERITED) => codes.push(code),
                Some(_) => beyond = beyond.saturating_add(1),
            }
        }
        (codes, beyond, 0)
    }

    fn not_kept(&self, kind: Kind, window: Window) -> Vec<NotKept> {
        let mut not_kept = Vec::new();
        // What the module would not have read it takes for its default.
        let theirs = self.option("WINDOW_SIZE").and_then(number).filter(|size| (1..=100).contains(size)).unwrap_or(3);
        let ours = window.steps().saturating_mul(2).saturating_add(1);
        match kind {
            Kind::Totp { .. } if theirs > ours => not_kept.push(NotKept::Window { theirs, ours }),
            Kind::Hotp if theirs > LOOK_AHEAD.saturating_add(1) => {
                not_kept.push(NotKept::LookAhead { theirs, ours: LOOK_AHEAD.saturating_add(1) });
            }
            Kind::Totp { .. } | Kind::Hotp => {}
        }
        not_kept.extend(self.option("RATE_LIMIT").map(|_| NotKept::RateLimit));
        not_kept.extend(self.option("RESETTING_TIME_SKEW").map(|_| NotKept::LearnedSkew));
        not_kept.extend(self.options().any(|(name, _)| is_last_login(name)).then_some(NotKept::Grace));
        let is_unknown =
            |(name, _): &(&[u8], &[u8])| !is_last_login(name) && !KNOWN.iter().any(|known| known.as_bytes() == *name);
        let count = self.options().filter(is_unknown).count();
        not_kept.extend((count > 0).then_some(NotKept::UnknownOptions { count }));
        not_kept
    }
}

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// `LAST0` to `LAST9`.
fn is_last_login(name: &[u8]) -> bool {
    matches!(name, [b'L', b'A', b'S', b'T', b'0'..=b'9'])
}

fn number(digits: &[u8]) -> Option<u64> {
    let plain = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(digits).ok().filter(|_| plain)?.parse().ok()
}

#[cfg(test)]
mod tests;
