// SPDX-License-Identifier: MIT OR Apache-2.0
//! The users file of pam_oath: a line for each token, `type user password key [counter [last code [its time]]]`. Read as
//! liboath's usersfile.c reads it.

use zeroize::Zeroizing;

use crate::calendar;
use crate::clock::{Step, UnixTime};
use crate::enrollment::FirstCounter;
use crate::import::{Cause, InheritedDevice, NotKept, NotTaken, TakenOver, Terms, name_of, secret};
use crate::ledger::{LastAccepted, Progress};
use crate::record::{Digits, Kind, MAX_DEVICES, Period};
use crate::secret::Algorithm;
use crate::verify::otp;

/// A line for each of a hundred thousand people, and then some.
pub const MAX_BYTES: usize = 16 << 20;
/// Of a key (liboath's buffer).
const MAX_KEY: usize = 32;
/// Steps by which a code may have been off: pam_oath's `window=` is not in its file.
const MARGIN: u64 = 30;
/// The time of a last code has no zone: it is at most so many hours ahead of UTC, and so many behind, daylight saving
/// included.
const AHEAD: u64 = 14 * 3600;
const BEHIND: u64 = 12 * 3600;

/// What the file says of one user, by the name that stands there.
pub struct Person<'f> {
    /// As it stands there.
    pub user: &'f [u8],
    /// All tokens of the user together, or why none of them.
    pub tokens: Result<TakenOver, NotTaken>,
}

/// Everybody in a users file, in the order of their first lines.
#[must_use]
pub fn read<'f>(bytes: &'f [u8], terms: &Terms) -> Vec<Person<'f>> {
    let mut people: Vec<(&[u8], Vec<Line<'_>>)> = Vec::new();
    let mut place = std::collections::HashMap::new();
    for line in lines(bytes) {
        let at = *place.entry(line.user).or_insert(people.len());
        match people.get_mut(at) {
            Some((_, lines)) => lines.push(line),
            None => people.push((line.user, vec![line])),
        }
    }
    let person = |(user, lines): (&'f [u8], Vec<Line<'f>>)| Person { user, tokens: take_over(&lines, terms) };
    people.into_iter().map(person).collect()
}

/// A line that names somebody.
struct Line<'f> {
    number: usize,
    label: Option<Label>,
    user: &'f [u8],
    /// Password, key, and what is optional behind it.
    fields: Vec<&'f [u8]>,
}

/// What a type of token says.
#[derive(Clone, Copy)]
struct Label {
    period: Option<Period>,
    digits: Digits,
}

fn lines(bytes: &[u8]) -> impl Iterator<Item = Line<'_>> {
    let numbered = (1..).zip(bytes.split(|byte| *byte == b'\n'));
    numbered.filter_map(|(number, line)| {
        let mut fields = line.split(|byte| matches!(byte, b' ' | b'\t' | b'\r')).filter(|field| !field.is_empty());
        let (kind, user) = (fields.next()?, fields.next()?);
        // A comment is a line of an unknown type to pam_oath; nobody means a person by it.
        (!kind.starts_with(b"#")).then(|| Line { number, label: Label::of(kind), user, fields: fields.collect() })
    })
}

impl Label {
    fn of(kind: &[u8]) -> Option<Self> {
        let rest = kind.strip_prefix(b"HOTP")?;
        let by_time = |seconds, rest| Period::new(seconds).map(|period| (Some(period), rest));
        let (period, digits) = match rest {
            b"" => (None, &b""[..]),
            [b'/', b'E', rest @ ..] => (None, rest),
            [b'/', b'T', b'3', b'0', rest @ ..] => by_time(30, rest)?,
            [b'/', b'T', b'6', b'0', rest @ ..] => by_time(60, rest)?,
            _ => return None,
        };
        let digits = match digits {
            b"" | b"/6" => Digits::SIX,
            b"/7" => Digits::new(7)?,
            b"/8" => Digits::EIGHT,
            _ => return None,
        };
        Some(Self { period, digits })
    }
}

fn take_over(lines: &[Line<'_>], terms: &Terms) -> Result<TakenOver, NotTaken> {
    let (mut devices, mut from, mut not_kept) = (Vec::<InheritedDevice>::new(), Vec::new(), Vec::new());
    for line in lines {
        let of_line = |cause| NotTaken { line: Some(line.number), cause };
        let Some(label) = line.label else {
            not_kept.push(NotKept::UnknownType { line: line.number });
            continue;
        };
        let device = token(line, label, terms, &devices, &mut not_kept).map_err(of_line)?;
        let twin = devices.iter().zip(&from).find(|(other, _)| other.secret.is_same_as(&device.secret));
        if let Some((_, other)) = twin {
            return Err(of_line(Cause::SecretTwice { other: *other }));
        }
        devices.push(device);
        from.push(line.number);
    }
    match devices.len() {
        0 => Err(NotTaken::of(Cause::NothingThere)),
        count if count > MAX_DEVICES => Err(NotTaken::of(Cause::TooMany { count })),
        _ => Ok(TakenOver { devices, scratch_codes: Vec::new(), not_kept }),
    }
}

fn token(
    line: &Line<'_>,
    label: Label,
    terms: &Terms,
    before: &[InheritedDevice],
    not_kept: &mut Vec<NotKept>,
) -> Result<InheritedDevice, Cause> {
    let (password, key, rest) = match line.fields.as_slice() {
        [password, key, rest @ ..] => (*password, *key, rest),
        _ => return Err(Cause::CutShort),
    };
    if rest.len() > 3 {
        return Err(Cause::AnotherProgram);
    }
    let secret = secret(&key_bytes(key).ok_or(Cause::NotHexadecimal)?, terms)?;
    let counter = rest.first().map_or(Ok(0), |field| counter(field))?;
    let last_code = rest.get(1).map(|field| LastCode::of(field).ok_or(Cause::LastCode)).transpose()?;
    let written = rest.get(2).map(|field| local_time(field).ok_or(Cause::LastTime)).transpose()?;

    let digits = last_code.as_ref().map_or(label.digits, |last| last.digits);
    if !matches!(password, b"-" | b"+") {
        not_kept.push(NotKept::Password { line: line.number });
    }
    if last_code.is_none() && label.digits != Digits::SIX {
        not_kept.push(NotKept::DigitsUnsure { line: line.number, digits });
    }
    if digits != label.digits {
        not_kept.push(NotKept::DigitsOverruled { line: line.number, digits });
    }
    let kind = label.period.map_or(Kind::Hotp, |period| Kind::Totp { period, offset: 0 });
    let name = name_of(kind, before)?;
    let mut device = InheritedDevice {
        name,
        kind,
        algorithm: Algorithm::Sha1,
        digits,
        secret,
        progress: Progress::Hotp { next: 0 },
    };
    device.progress = match (label.period, &last_code) {
        // What stands there is the last accepted one, once there was one.
        (None, Some(_)) => Progress::Hotp { next: counter.saturating_add(1) },
        (None, None) => Progress::Hotp { next: counter },
        (Some(_), None) => Progress::Totp(LastAccepted::NEVER),
        (Some(period), Some(last)) => {
            let span = Span::of(written, terms.now, period);
            let found = span.search(&device, last.value);
            if found.is_none() {
                not_kept.push(NotKept::StepsUsed { line: line.number, from: span.end(period) });
            }
            let last = LastAccepted::NEVER.advance(Step(found.unwrap_or(span.high)));
            Progress::Totp(last.unwrap_or(LastAccepted::NEVER))
        }
    };
    Ok(device)
}

/// The steps in which a last code may have been used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Span {
    low: u64,
    high: u64,
}

impl Span {
    /// From a time in an unknown zone; never beyond the present, since it was used. Without a time, or with one that lies
    /// ahead wherever it was written, a day back from now.
    fn of(written: Option<UnixTime>, now: UnixTime, period: Period) -> Self {
        let earliest = |time: UnixTime| time.0.saturating_sub(AHEAD);
        let (low, high) = match written.filter(|time| earliest(*time) <= now.0) {
            Some(time) => (earliest(time), time.plus(BEHIND).0.min(now.0)),
            None => (earliest(now), now.0),
        };
        let step = |seconds| otp::step_at(UnixTime(seconds), period, 0).map_or(0, |step| step.0);
        Self { low: step(low).saturating_sub(MARGIN), high: step(high).saturating_add(MARGIN) }
    }

    /// The highest one whose code this is: of two, neither is usable again.
    fn search(self, device: &InheritedDevice, value: u32) -> Option<u64> {
        let mut found = None;
        let mut compare = |step, candidate| {
            if candidate == value {
                found = Some(step);
            }
        };
        otp::for_each(&device.secret, device.algorithm, device.digits, self.low..=self.high, &mut compare);
        found
    }

    /// When the step after the highest begins.
    fn end(self, period: Period) -> UnixTime {
        UnixTime(self.high.saturating_add(1).saturating_mul(period.seconds().into()))
    }
}

struct LastCode {
    digits: Digits,
    value: u32,
}

impl LastCode {
    fn of(field: &[u8]) -> Option<Self> {
        let digits = Digits::new(u8::try_from(field.len()).ok()?)?;
        Some(Self { digits, value: u32::try_from(number(field)?).ok()? })
    }
}

fn counter(field: &[u8]) -> Result<u64, Cause> {
    // One less than the highest: the next one has to be a counter too.
    let found = number(field).filter(|counter| *counter < FirstCounter::MAX);
    found.ok_or(Cause::Number { name: "the counter", range: "a number below 2^63 - 1" })
}

fn number(digits: &[u8]) -> Option<u64> {
    let plain = !digits.is_empty() && digits.iter().all(u8::is_ascii_digit);
    std::str::from_utf8(digits).ok().filter(|_| plain)?.parse().ok()
}

/// `2026-11-24T14:02:31L`, read as if it were UTC.
fn local_time(field: &[u8]) -> Option<UnixTime> {
    let text = std::str::from_utf8(field.strip_suffix(b"L")?).ok()?;
    calendar::parse(&format!("{text}Z"))
}

fn key_bytes(digits: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let length = digits.len().div_euclid(2);
    if !digits.len().is_multiple_of(2) || !(1..=MAX_KEY).contains(&length) {
        return None;
    }
    let mut bytes = Zeroizing::new(vec![0; length]);
    data_encoding::HEXLOWER_PERMISSIVE.decode_mut(digits, &mut bytes).ok()?;
    Some(bytes)
}

#[cfg(test)]
mod tests;
