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

/// The last second of the year 9999, beyond which RFC 3339 has no words.
const LAST: UnixTime = UnixTime(253_402_300_799);

impl UnixTime {
    /// Reads a time of RFC 3339 with its zone, or a date, which begins at midnight in UTC: no file of time zones is read.
    #[must_use]
    pub fn from_rfc_3339(text: &str) -> Option<Self> {
        let (date, rest) = text.split_at_checked(10)?;
        let days = days_of_date(date)?;
        let of_day = if rest.is_empty() { 0 } else { seconds_of_day(rest)? };
        days.checked_mul(86_400)?.checked_add_signed(of_day).map(Self).filter(|time| *time <= LAST)
    }

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
        // Such a time is damage or an attack, and is shown as the last one.
        let seconds = self.0.min(LAST.0);
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

/// `2026-11-23`, as days from 1970-01-01 on.
fn days_of_date(text: &str) -> Option<u64> {
    let mut parts = text.split('-');
    let (year, month, day) = (digits(parts.next()?, 4)?, digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    let days = days_from_civil(year, month, day)?;
    // February 30th would come back as March 2nd.
    (parts.next().is_none() && civil_from_days(days) == (year, month, day)).then_some(days)
}

/// The way back from [`civil_from_days`], for dates that there are.
#[allow(
    clippy::arithmetic_side_effects,
    reason = "a year of four digits, a month and a day that are: nothing can overflow"
)]
fn days_from_civil(year: u64, month: u64, day: u64) -> Option<u64> {
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let year = year - u64::from(month <= 2);
    let (era, year_of_era) = (year / 400, year % 400);
    let shifted_month = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * shifted_month + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    (era * 146_097 + day_of_era).checked_sub(719_468)
}

/// `T09:30:00Z`, `T09:30+01:00`: seconds from midnight UTC on, before or behind which an offset may lead.
fn seconds_of_day(text: &str) -> Option<i64> {
    let text = text.strip_prefix(['T', 't', ' '])?;
    let (time, offset) = match text.strip_suffix(['Z', 'z']) {
        Some(time) => (time, 0),
        None => {
            let (time, zone) = text.split_at_checked(text.len().checked_sub(6)?)?;
            let seconds = clock_time(zone.get(1..)?)?;
            match zone.get(..1)? {
                "+" => (time, seconds),
                "-" => (time, seconds.checked_neg()?),
                _ => return None,
            }
        }
    };
    clock_time(time)?.checked_sub(offset)
}

/// `09:30`, `09:30:00`, `09:30:00.5`; what is less than a second is dropped.
fn clock_time(text: &str) -> Option<i64> {
    let (text, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let mut parts = text.split(':');
    let (hour, minute) = (digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    let second = parts.next().map_or(Some(0), |second| digits(second, 2))?;
    let plain_fraction = !fraction.is_empty() && fraction.bytes().all(|byte| byte.is_ascii_digit());
    let is_a_time = hour <= 23 && minute <= 59 && second <= 60 && parts.next().is_none() && plain_fraction;
    let seconds = hour.checked_mul(3600)?.checked_add(minute.checked_mul(60)?)?.checked_add(second)?;
    if is_a_time { i64::try_from(seconds).ok() } else { None }
}

fn digits(text: &str, count: usize) -> Option<u64> {
    let plain = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    if plain { text.parse().ok() } else { None }
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
    fn a_day_that_is_read_is_the_day_that_is_shown() {
        for days in (0..60_000).chain([2_932_896]) {
            let day = UnixTime(days * 86_400);
            let shown = day.to_string();
            assert_eq!(
                (UnixTime::from_rfc_3339(&shown), UnixTime::from_rfc_3339(&shown[..10])),
                (Some(day), Some(day))
            );
        }
    }

    #[test]
    fn a_time_is_read_with_its_zone_and_nothing_that_is_none() {
        // Referee: date -u -d TEXT +%s
        for (text, seconds) in [
            ("2026-11-23T09:30:00Z", 1_795_426_200),
            ("2026-11-23 09:30Z", 1_795_426_200),
            ("2026-11-23t10:30:00.999+01:00", 1_795_426_200),
            ("2026-11-23T02:00:00-07:30", 1_795_426_200),
            ("2028-02-29", 1_835_395_200),
            ("1970-01-01T01:00:00+01:00", 0),
        ] {
            assert_eq!(UnixTime::from_rfc_3339(text), Some(UnixTime(seconds)), "{text}");
        }
        for text in [
            "",
            "2026-11-23T09:30:00",
            "2026-11-23T09:30",
            "2026-11-23T",
            "2026-11-23Z",
            "2026-02-29",
            "2026-02-30",
            "2026-13-01",
            "2026-00-01",
            "2026-01-00",
            "2026-1-1",
            "+026-01-01",
            "1969-12-31",
            "1970-01-01T00:00:00+00:01",
            "9999-12-31T23:59:59-00:01",
            "2026-11-23T24:00:00Z",
            "2026-11-23T09:60:00Z",
            "2026-11-23T09:30:00+24:00",
            "2026-11-23T09:30:00*01:00",
            "2026-11-23T09:30:00+0100",
            "2026-11-23T09:30:00.Z",
            "2026-11-23T09:30:00:00Z",
            "2026-11-2\u{ff13}",
            "tomorrow",
        ] {
            assert_eq!(UnixTime::from_rfc_3339(text), None, "{text}");
        }
    }

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
