// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where a device that has lost its place stands: a pure search for two consecutive codes of it. For an administrator,
//! who can read the secret anyway, and never for a login: nothing of it is learned there (THREATS V28).

use subtle::ConstantTimeEq as _;

use crate::clock::{Step, UnixTime};
use crate::ledger::{DeviceState, LastAccepted, Ledger, Progress};
use crate::record::{Device, DeviceId, Kind, Period, Record};
use crate::secret::TypedCode;
use crate::verify::otp;

/// How far a device's clock may be off, on either side: a day. Of 30 second steps that is 5,761 pairs, and the odds that
/// one of them is two codes of six digits typed at random are one in 170 million; of 15 second steps, one in 87 million.
const MOST_SECONDS_OFF: u64 = 24 * 60 * 60;
/// How many counters from the next one on the first of the two codes is looked for (RFC 4226 §7.4 and E.4). The odds of
/// two codes at random are one in a thousand million.
const MOST_COUNTERS_AHEAD: u64 = 1000;

/// Where the device stands, as two consecutive codes of it have shown. Made by [`search`] alone.
///
/// ```compile_fail,E0451
/// let forged = nightlatch::verify::resync::Resynchronised { device: todo!(), kind: todo!(), progress: todo!() };
/// ```
#[derive(Debug, PartialEq, Eq)]
pub struct Resynchronised {
    device: DeviceId,
    kind: Kind,
    progress: Progress,
}

/// Why two codes set nothing right. Nothing changes then, and nothing is charged: whoever may ask this can read the
/// secret, so that it is no guess.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotResynchronised {
    /// They are no two consecutive codes of the device within the range.
    #[error("these are no two codes of it, one right after the other")]
    NoPair,
    /// One of them is not as long as the device's codes.
    #[error("its codes have another length")]
    AnotherLength,
    /// They are, of steps that are used already: a changed offset would not make them usable again.
    #[error("these codes are at or before the last one that was accepted")]
    Used,
    /// They are so at two places by chance. Which one it is cannot be known.
    #[error("these two codes come twice within the range, by chance")]
    Twice,
}

impl Resynchronised {
    /// Seconds by which a TOTP device's clock is ahead; below zero, behind. `None` for HOTP.
    #[must_use]
    pub fn seconds_ahead(&self) -> Option<i64> {
        self.kind.seconds_ahead()
    }

    /// Puts it down: the offset with the device, the second code as its last.
    pub(crate) fn put_down(&self, record: &mut Record, ledger: &mut Ledger) {
        record.devices.iter_mut().filter(|device| device.id == self.device).for_each(|device| device.kind = self.kind);
        if let Some(state) = ledger.device_mut(self.device) {
            state.progress = self.progress;
        }
    }
}

/// Searches for two consecutive codes of a device: of TOTP in a day around the present, of HOTP ahead of the next counter.
///
/// # Errors
///
/// [`NotResynchronised`].
pub(crate) fn search(
    device: &Device,
    state: &DeviceState,
    codes: [&TypedCode; 2],
    wall: UnixTime,
) -> Result<Resynchronised, NotResynchronised> {
    let [first, second] = codes.map(|code| code.0.of_length(device.digits).ok_or(NotResynchronised::AnotherLength));
    let values = (first?, second?);
    let (kind, progress) = match (device.kind, state.progress) {
        (Kind::Totp { period, .. }, Progress::Totp(last)) => find_step(device, period, last, values, wall)?,
        (Kind::Hotp, Progress::Hotp { next }) => find_counter(device, next, values)?,
        // The ledger speaks of another kind of device than the record: nothing matches, as at a login.
        (Kind::Totp { .. }, Progress::Hotp { .. }) | (Kind::Hotp, Progress::Totp(_)) => {
            return Err(NotResynchronised::NoPair);
        }
    };
    Ok(Resynchronised { device: device.id, kind, progress })
}

/// The second code is of the device's present step, as the first was until a moment ago.
fn find_step(
    device: &Device,
    period: Period,
    last: LastAccepted,
    values: (u32, u32),
    wall: UnixTime,
) -> Result<(Kind, Progress), NotResynchronised> {
    let present = otp::step_at(wall, period, 0).ok_or(NotResynchronised::NoPair)?.0;
    let range = MOST_SECONDS_OFF.checked_div(u64::from(period.seconds())).unwrap_or(0);
    let low = present.saturating_sub(range).saturating_sub(1);
    let (mut found, mut used) = (None, false);
    for second in pairs(device, low, present.saturating_add(range), values) {
        // Both steps are the device's own, as the last one is: no offset, old or new, is in any of them.
        let first = Step(second.saturating_sub(1));
        match last.advance(first).and_then(|last| last.advance(Step(second))) {
            Ok(last) if found.is_none() => found = Some((second, last)),
            Ok(_) => return Err(NotResynchronised::Twice),
            Err(crate::ledger::NotNewer) => used = true,
        }
    }
    let Some((second, last)) = found else {
        return Err(if used { NotResynchronised::Used } else { NotResynchronised::NoPair });
    };
    let ahead = i128::from(second).saturating_sub(i128::from(present));
    let offset = i32::try_from(ahead).map_err(|_| NotResynchronised::NoPair)?;
    Ok((Kind::Totp { period, offset }, Progress::Totp(last)))
}

/// Never behind the next counter: what lies there is used or skipped.
fn find_counter(device: &Device, next: u64, values: (u32, u32)) -> Result<(Kind, Progress), NotResynchronised> {
    let high = next.saturating_add(MOST_COUNTERS_AHEAD);
    match pairs(device, next, high, values).as_slice() {
        [] => Err(NotResynchronised::NoPair),
        [second] => {
            let next = second.checked_add(1).ok_or(NotResynchronised::NoPair)?;
            Ok((Kind::Hotp, Progress::Hotp { next }))
        }
        [_, _, ..] => Err(NotResynchronised::Twice),
    }
}

/// The counters whose code is the second value, where that of the counter before is the first.
fn pairs(device: &Device, low: u64, high: u64, (first, second): (u32, u32)) -> Vec<u64> {
    let (mut found, mut first_before) = (Vec::new(), false);
    otp::for_each(&device.secret, device.algorithm, device.digits, low..=high, &mut |counter, candidate| {
        if first_before & bool::from(candidate.ct_eq(&second)) {
            found.push(counter);
        }
        first_before = bool::from(candidate.ct_eq(&first));
    });
    found
}

#[cfg(test)]
mod tests;
