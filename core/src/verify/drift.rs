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

/// Steps beyond the window on either side: five minutes of a usual device. Besides, codes of an hour before and after, which is
/// a forgotten summer time or a wrong zone. Twenty-six of a device, so that a refusal costs what an acceptance does; a wrong
/// code that is right by chance within them (one in forty thousand) costs a misleading line in the log.
const NEARBY: u64 = 10;
const HOUR: u64 = 3600;

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
    let of_device = |device: &Device| match device.kind {
        Kind::Totp { period, offset } => {
            let value = code.0.of_length(device.digits)?;
            let present = otp::step_at(wall, period, offset)?.0;
            let step = nearest(device, value, present, window.steps(), steps_in_an_hour(period))?;
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

fn steps_in_an_hour(period: Period) -> u64 {
    HOUR.checked_div(u64::from(period.seconds())).unwrap_or(0)
}

/// All of them are computed whatever matches, so that time tells nothing of how far off a clock is.
fn nearest(device: &Device, value: u32, present: u64, window: u64, hour: u64) -> Option<u64> {
    let mut found: Option<u64> = None;
    let mut compare = |step: u64, candidate: u32| {
        let is_nearer = found.is_none_or(|found| step.abs_diff(present) < found.abs_diff(present));
        if bool::from(candidate.ct_eq(&value)) && is_nearer {
            found = Some(step);
        }
    };
    let (below, above) = (present.saturating_sub(window), present.saturating_add(window));
    for steps in [
        below.saturating_sub(hour)..=above.saturating_sub(hour),
        below.saturating_sub(NEARBY)..=below.saturating_sub(1),
        above.saturating_add(1)..=above.saturating_add(NEARBY),
        below.saturating_add(hour)..=above.saturating_add(hour),
    ] {
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
