// SPDX-License-Identifier: MIT OR Apache-2.0
//! Spans and points of time as an administrator types them.

use nightlatch::calendar;
use nightlatch::clock::UnixTime;

/// So many seconds: `30m`, `4h`, `2d`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span(pub(crate) u64);

/// A point of time, or one that lies so far ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum When {
    At(UnixTime),
    In(Span),
}

impl Span {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let seconds = text.char_indices().last().and_then(|(end, unit)| {
            let each = match unit {
                'm' => 60,
                'h' => 3600,
                'd' => 86_400,
                _ => return None,
            };
            let number = text.get(..end).filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()))?;
            number.parse::<u64>().ok()?.checked_mul(each)
        });
        seconds.map(Self).ok_or_else(|| "a number and m, h or d: 30m, 4h, 2d".to_owned())
    }
}

impl When {
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        match text.strip_prefix('+') {
            Some(span) => Span::parse(span).map(Self::In),
            None => calendar::parse(text).map(Self::At).ok_or_else(|| {
                "2026-11-24, '2026-11-24 14:02' (UTC), 2026-11-24T14:02:00+01:00, +4h or +2d".to_owned()
            }),
        }
    }

    pub(crate) fn from(self, now: UnixTime) -> UnixTime {
        match self {
            Self::At(time) => time,
            Self::In(Span(seconds)) => now.plus(seconds),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_a_number_of_minutes_hours_or_days() {
        for (text, seconds) in [("1m", 60), ("90m", 5400), ("1h", 3600), ("7d", 604_800), ("007d", 604_800)] {
            assert_eq!(Span::parse(text), Ok(Span(seconds)), "{text}");
        }
        for text in [
            "",
            "m",
            "1",
            "1s",
            "1w",
            "-1h",
            "+1h",
            "1 h",
            "1.5h",
            "1h30m",
            "1ü",
            "99999999999999999999d",
            "18446744073709551615d",
        ] {
            assert!(Span::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_time_lies_on_the_calendar_or_ahead_of_now() {
        let now = UnixTime(1_795_478_400);
        for (text, time) in [("+4h", 1_795_492_800), ("+2d", 1_795_651_200), ("2026-11-24 14:02", 1_795_528_920)] {
            assert_eq!(When::parse(text).map(|when| when.from(now)), Ok(UnixTime(time)), "{text}");
        }
        for text in ["4h", "+", "+4", "++4h", "+2026-11-24", "tomorrow", ""] {
            assert!(When::parse(text).is_err(), "{text:?}");
        }
        assert_eq!(When::In(Span(u64::MAX)).from(now), UnixTime(u64::MAX));
    }
}
