// SPDX-License-Identifier: MIT OR Apache-2.0
//! Time as a value: read here, once a login, and handed on. The only caller of `SystemTime::now`.

use std::fmt;
use std::time::{SystemTime, UNIX_EPOCH};

use nix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

use crate::error::Fault;

/// Seconds since 1970-01-01T00:00:00Z by the wall clock, which may be wrong and may jump.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct UnixTime(pub u64);

impl UnixTime {
    /// The time that lies so many seconds later.
    #[must_use]
    pub fn plus(self, seconds: u64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// For people: `2026-11-23 09:30 UTC`.
    #[must_use]
    pub fn to_the_minute(self) -> String {
        let text = self.to_string();
        format!("{} UTC", text.get(..16).unwrap_or(&text).replace('T', " "))
    }
}

/// RFC 3339 in UTC: `2026-11-23T09:30:00Z`.
impl fmt::Display for UnixTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Beyond the year 9999 RFC 3339 has no words; such a time is damage or an attack, and is shown as the last one.
        let seconds = self.0.min(253_402_300_799);
        let of_day = seconds.rem_euclid(86_400);
        let (year, month, day) = civil_from_days(seconds.div_euclid(86_400));
        let (hour, minute, second) =
            (of_day.div_euclid(3600), of_day.rem_euclid(3600).div_euclid(60), of_day.rem_euclid(60));
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
    }
}

/// Gregorian date of a day counted from 1970-01-01; years begin in March, so that the leap day comes last.
#[allow(clippy::arithmetic_side_effects, reason = "days is at most 2,932,896 (9999-12-31): nothing here can overflow")]
fn civil_from_days(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let era = shifted / 146_097;
    let day_of_era = shifted % 146_097;
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    (year, month, day)
}

/// Seconds since boot, suspended time included (CLOCK_BOOTTIME): nobody sets it, it never jumps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct BootTime(pub u64);

/// Which boot this is (`/proc/sys/kernel/random/boot_id`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct BootId(pub [u8; 16]);

/// A time step of RFC 6238 §4.2: `floor(unix time / period)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Step(pub u64);

/// What the clocks say at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// The wall clock.
    pub wall: UnixTime,
    /// The clock that nobody sets.
    pub since_boot: BootTime,
    /// Which boot `since_boot` counts from; read only where a wait depends on it.
    pub boot: Option<BootId>,
}

/// The clocks of a host.
pub trait Clock {
    /// Reads both clocks, and leaves out which boot this is.
    ///
    /// # Errors
    ///
    /// [`Fault::ClockBefore1970`] or [`Fault::ClockUnreadable`]: no code can be judged without the time.
    fn now(&self) -> Result<Moment, Fault>;

    /// Which boot this is, or `None` where the system does not tell: waits then go by the wall clock.
    fn boot_id(&self) -> Option<BootId>;
}

/// The clocks of this host.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Result<Moment, Fault> {
        #[allow(clippy::disallowed_methods, reason = "the one place that reads the wall clock")]
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).map_err(|_| Fault::ClockBefore1970)?;
        let since_boot = clock_gettime(ClockId::CLOCK_BOOTTIME).map_err(|_| Fault::ClockUnreadable)?;
        Ok(Moment {
            wall: UnixTime(since_epoch.as_secs()),
            since_boot: BootTime(u64::try_from(since_boot.tv_sec()).map_err(|_| Fault::ClockUnreadable)?),
            boot: None,
        })
    }

    fn boot_id(&self) -> Option<BootId> {
        let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
        let id = u128::from_str_radix(&text.trim().replace('-', ""), 16).ok()?;
        Some(BootId(id.to_be_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_shown_as_rfc_3339_in_utc() {
        // Referee: date -u -d @N +%FT%TZ
        for (seconds, shown) in [
            (0, "1970-01-01T00:00:00Z"),
            (951_782_399, "2000-02-28T23:59:59Z"),
            (951_782_400, "2000-02-29T00:00:00Z"),
            (951_868_800, "2000-03-01T00:00:00Z"),
            (1_709_164_800, "2024-02-29T00:00:00Z"),
            (4_107_542_400, "2100-03-01T00:00:00Z"),
            (20_000_000_000, "2603-10-11T11:33:20Z"),
            (u64::MAX, "9999-12-31T23:59:59Z"),
        ] {
            assert_eq!(UnixTime(seconds).to_string(), shown);
        }
    }

    #[test]
    fn people_are_shown_times_to_the_minute() {
        assert_eq!(UnixTime(951_782_399).to_the_minute(), "2000-02-28 23:59 UTC");
        assert_eq!(UnixTime(u64::MAX).to_the_minute(), "9999-12-31 23:59 UTC");
    }

    #[test]
    fn the_system_tells_which_boot_this_is() {
        assert!(SystemClock.boot_id().is_some());
        assert_eq!(SystemClock.boot_id(), SystemClock.boot_id());
    }
}
