// SPDX-License-Identifier: MIT OR Apache-2.0
//! Why a wrong code was wrong: whether it would be right at another moment, so that a clock is off. Looked for once the
//! refusal is on the disk; what is found can be shown to an administrator, and lets nobody in.

use std::fmt;

use subtle::ConstantTimeEq as _;

use crate::clock::UnixTime;
use crate::ledger::{Ledger, Progress};
use crate::record::{Device, Kind, Period, Record};
use crate::secret::TypedCode;
use crate::verify::judge::Window;
use crate::verify::otp;

/// How far from now a code is looked for, in seconds on either side: a forgotten summer time is found.
const FURTHEST: u64 = 3600;
/// The most codes that are computed for it, over all devices, whatever was typed: three quarters of a million instructions,
/// a fraction of a millisecond. A wrong code that is right by chance within them (one in four thousand) costs a misleading
/// line in the log.
const MAX_CODES: u64 = 240;

/// How far the moment of a wrong code lies from this host's present one. It can be shown, and that is all:
/// ```compile_fail,E0603
/// let made_up = nightlatch::verify::drift::ClockDrift(0);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClockDrift(i64);

/// Seconds with their sign: `+300` is a code of five minutes ahead of this host's clock.
impl fmt::Display for ClockDrift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:+}", self.0)
    }
}

/// The nearest moment outside of the window at which a TOTP device shows this code. Codes of steps that lie before the last
/// accepted one are old codes, and no sign of a clock.
pub(crate) fn of_wrong_code(
    record: &Record,
    ledger: &Ledger,
    code: &TypedCode,
    window: Window,
    wall: UnixTime,
) -> Option<ClockDrift> {
    let devices = u64::try_from(record.devices.len()).unwrap_or(u64::MAX);
    let each_side = MAX_CODES.checked_div(devices.saturating_mul(2))?;
    let of_device = |device: &Device| match device.kind {
        Kind::Totp { period, offset } => {
            let value = code.0.of_length(device.digits)?;
            let present = otp::step_at(wall, period, offset)?.0;
            let step = nearest(device, value, present, window.steps(), each_side.min(steps_to_the_furthest(period)))?;
            let last = ledger.device(device.id).map(|state| state.progress);
            match last {
                Some(Progress::Totp(last)) if last.step().is_none_or(|last| step > last.0) => {
                    seconds_between(present, step, period)
                }
                Some(Progress::Totp(_) | Progress::Hotp { .. }) | None => None,
            }
        }
        Kind::Hotp => None,
    };
    record.devices.iter().filter_map(of_device).min_by_key(|seconds| seconds.unsigned_abs()).map(ClockDrift)
}

fn steps_to_the_furthest(period: Period) -> u64 {
    FURTHEST.checked_div(u64::from(period.seconds())).unwrap_or(0)
}

/// All codes on both sides are computed whatever matches, so that time tells nothing of how far off a clock is.
fn nearest(device: &Device, value: u32, present: u64, window: u64, each_side: u64) -> Option<u64> {
    let mut found: Option<u64> = None;
    let mut compare = |step: u64, candidate: u32| {
        let is_nearer = found.is_none_or(|found| step.abs_diff(present) < found.abs_diff(present));
        if bool::from(candidate.ct_eq(&value)) && is_nearer {
            found = Some(step);
        }
    };
    let (below, above) = (present.saturating_sub(window), present.saturating_add(window));
    let (low, high) = (below.saturating_sub(each_side), above.saturating_add(each_side));
    for steps in [low..=below.saturating_sub(1), above.saturating_add(1)..=high] {
        otp::for_each(&device.secret, device.algorithm, device.digits, steps, &mut compare);
    }
    found
}

fn seconds_between(present: u64, step: u64, period: Period) -> Option<i64> {
    let steps = i64::try_from(step.abs_diff(present)).ok()?;
    let seconds = steps.checked_mul(i64::from(period.seconds()))?;
    if step < present { seconds.checked_neg() } else { Some(seconds) }
}

#[cfg(test)]
mod tests;
