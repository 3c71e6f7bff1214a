// SPDX-License-Identifier: MIT OR Apache-2.0
//! Points of time as people write them. What it does not know for sure it does not guess: no names of zones, no two-digit
//! years, no month before day.

use crate::clock::UnixTime;

/// Reads `2026-11-24`, `2026-11-24 14:02` (both in UTC) or RFC 3339 (`2026-11-24T14:02:00+01:00`). A day means its beginning.
#[must_use]
pub fn parse(text: &str) -> Option<UnixTime> {
    let (date, rest) = text.split_at_checked(10)?;
    let midnight = days_from_civil(date)?.checked_mul(86_400)?;
    let Some((separator, time)) = rest.split_at_checked(1) else { return whole(midnight) };
    let (minutes, rest) = time.split_at_checked(5)?;
    let (hour, minute) = hour_and_minute(minutes)?;
    let begun = midnight.checked_add(hour.checked_mul(3600)?)?.checked_add(minute.checked_mul(60)?)?;
    match (separator, rest) {
        (" ", "") => whole(begun),
        ("T" | "t" | " ", rest) => {
            let (second, rest) = seconds(rest)?;
            whole(begun.checked_add(second)?.checked_sub(offset(rest)?)?)
        }
        _ => None,
    }
}

fn whole(seconds: i64) -> Option<UnixTime> {
    u64::try_from(seconds).ok().map(UnixTime)
}

/// `14:02`.
fn hour_and_minute(text: &str) -> Option<(i64, i64)> {
    let (hour, minute) = text.split_once(':')?;
    Some((digits(hour, 2).filter(|hour| *hour < 24)?, digits(minute, 2).filter(|minute| *minute < 60)?))
}

/// `:59.25` and what follows; a fraction is dropped, a leap second is the second before it.
fn seconds(text: &str) -> Option<(i64, &str)> {
    let (second, rest) = text.strip_prefix(':')?.split_at_checked(2)?;
    let second = digits(second, 2).filter(|second| *second <= 60)?.min(59);
    let Some(fraction) = rest.strip_prefix('.') else { return Some((second, rest)) };
    let rest = fraction.trim_start_matches(|c: char| c.is_ascii_digit());
    (rest.len() < fraction.len()).then_some((second, rest))
}

/// `Z` or `+01:00`, in seconds.
fn offset(text: &str) -> Option<i64> {
    if text == "Z" || text == "z" {
        return Some(0);
    }
    let (sign, time) = text.split_at_checked(1)?;
    let (hour, minute) = hour_and_minute(time)?;
    let seconds = hour.checked_mul(3600)?.checked_add(minute.checked_mul(60)?)?;
    match sign {
        "+" => Some(seconds),
        "-" => seconds.checked_neg(),
        _ => None,
    }
}

/// Days from 1970-01-01 to `2026-11-24`, as `UnixTime`'s Display counts them back: years begin in March.
#[allow(clippy::arithmetic_side_effects, reason = "four digits of a year, two of month and day: nothing can overflow")]
fn days_from_civil(date: &str) -> Option<i64> {
    let mut parts = date.split('-');
    let (year, month, day) = (digits(parts.next()?, 4)?, digits(parts.next()?, 2)?, digits(parts.next()?, 2)?);
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days_of_month = match month {
        2 => 28 + i64::from(is_leap),
        4 | 6 | 9 | 11 => 30,
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        _ => return None,
    };
    if parts.next().is_some() || !(1..=days_of_month).contains(&day) {
        return None;
    }
    let year = year - i64::from(month <= 2);
    let (era, of_era) = (year.div_euclid(400), year.rem_euclid(400));
    let month_from_march = (month + 9) % 12;
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + day_of_year - 719_468)
}

fn digits(text: &str, count: usize) -> Option<i64> {
    let right = text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
    right.then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times_are_read_as_people_and_rfc_3339_write_them() {
        // Referee: date -u -d '...' +%s
        for (text, seconds) in [
            ("1970-01-01", 0),
            ("2000-02-29", 951_782_400),
            ("2026-11-24", 1_795_478_400),
            ("2026-11-24 14:02", 1_795_528_920),
            ("2026-11-24T14:02:31Z", 1_795_528_951),
            ("2026-11-24t14:02:31.75z", 1_795_528_951),
            ("2026-11-24 14:02:31Z", 1_795_528_951),
            ("2026-11-24T14:02:31+01:30", 1_795_523_551),
            ("2026-11-24T14:02:31-08:00", 1_795_557_751),
            ("2016-12-31T23:59:60Z", 1_483_228_799),
        ] {
            assert_eq!(parse(text), Some(UnixTime(seconds)), "{text}");
        }
    }

    #[test]
    fn what_is_no_time_for_sure_is_none() {
        for text in [
            "",
            "2026",
            "2026-11",
            "2026-1-24",
            "26-11-24",
            "2026-13-01",
            "2026-00-01",
            "2026-11-31",
            "2026-02-29",
            "2100-02-29",
            "2026-11-00",
            "2026/11/24",
            "24.11.2026",
            "2026-11-24 ",
            "2026-11-24 14",
            "2026-11-24 24:00",
            "2026-11-24 14:60",
            "2026-11-24T14:02",
            "2026-11-24T14:02:31",
            "2026-11-24T14:02Z",
            "2026-11-24T14:02:61Z",
            "2026-11-24T14:02:31.Z",
            "2026-11-24T14:02:31+1:00",
            "2026-11-24T14:02:31 CET",
            "2026-11-24T14:02:31+25:00",
            "2026-11-24T14:02:31Zx",
            "1969-12-31",
            "1970-01-01T00:00:00+00:01",
            "+026-11-24",
            "2026-11-24x14:02",
            "2026-11-2\u{fc}",
            "２０２６-11-24",
            "tomorrow",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }

    proptest! {
        #[test]
        fn what_a_time_is_shown_as_reads_back(seconds in 0_u64..253_402_300_800) {
            prop_assert_eq!(parse(&UnixTime(seconds).to_string()), Some(UnixTime(seconds)));
        }

        #[test]
        fn no_text_makes_it_panic(text: String) {
            let _: Option<UnixTime> = parse(&text);
        }
    }
}
