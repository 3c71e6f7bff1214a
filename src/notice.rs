// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a person who got in is told: what to do next after a help desk's code, and what was tried since the last time.
//! Texts only; whether anybody gets in is decided elsewhere.

use nightlatch::audit::escaped;
use nightlatch::ledger::FailuresSince;

/// Who logs in by a bypass code has no phone at hand, and soon no code either.
pub(crate) fn of_bypass(left: u16) -> String {
    let count = match left {
        0 => "It cannot be used again.".to_owned(),
        1 => "It can be used once more.".to_owned(),
        more => format!("It can be used {more} times more."),
    };
    format!("Code of the help desk accepted. {count} Ask your administrator to enroll a new phone.")
}

/// Whoever did not type these learns by it that somebody else knows the password. One's own typing error of a moment ago
/// is told too: nobody can tell it from a stranger's guess.
pub(crate) fn of_failures(since: &FailuresSince) -> Option<String> {
    let first = since.first.filter(|_| since.count > 0)?.to_the_minute();
    let place = match since.last_source.as_str() {
        "" => "on this machine".to_owned(),
        source => format!("from {}", escaped(source)),
    };
    let tried = match since.count {
        1 => format!("1 wrong code was tried at {first}, {place}."),
        more => format!("{more} wrong codes were tried since {first}, the last {place}."),
    };
    Some(format!("{tried} If that was not you, tell your administrator."))
}

/// One message: applications show one at a time.
pub(crate) fn joined(first: Option<String>, second: Option<String>) -> Option<String> {
    match (first, second) {
        (Some(first), Some(second)) => Some(format!("{first} {second}")),
        (one, other) => one.or(other),
    }
}

#[cfg(test)]
mod tests {
    use nightlatch::clock::UnixTime;
    use nightlatch::ledger::ShortText;

    use super::*;

    fn since(count: u32, last_source: &str) -> FailuresSince {
        let first = Some(UnixTime(1_795_528_951));
        FailuresSince { count, first, last: first, last_source: ShortText::cut(last_source) }
    }

    #[test]
    fn what_was_tried_is_told_with_how_often_since_when_and_from_where() {
        assert_eq!(of_failures(&FailuresSince::default()), None);
        for (count, source, expected) in [
            (1, "192.0.2.7", "1 wrong code was tried at 2026-11-24 14:02 UTC, from 192.0.2.7."),
            (1, "", "1 wrong code was tried at 2026-11-24 14:02 UTC, on this machine."),
            (3, "192.0.2.7", "3 wrong codes were tried since 2026-11-24 14:02 UTC, the last from 192.0.2.7."),
            (3, "", "3 wrong codes were tried since 2026-11-24 14:02 UTC, the last on this machine."),
            (2, "\u{1b}[2J", "2 wrong codes were tried since 2026-11-24 14:02 UTC, the last from \\u{1b}[2J."),
        ] {
            let whole = format!("{expected} If that was not you, tell your administrator.");
            assert_eq!(of_failures(&since(count, source)), Some(whole));
        }
    }

    #[test]
    fn who_used_a_code_of_the_help_desk_is_told_what_to_do_next() {
        for (left, count) in
            [(0, "It cannot be used again."), (1, "It can be used once more."), (4, "It can be used 4 times more.")]
        {
            let whole =
                format!("Code of the help desk accepted. {count} Ask your administrator to enroll a new phone.");
            assert_eq!(of_bypass(left), whole);
        }
    }

    #[test]
    fn two_notices_are_one_message() {
        let text = |text: &str| Some(text.to_owned());
        assert_eq!(joined(text("a."), text("b.")), text("a. b."));
        assert_eq!(
            (joined(text("a."), None), joined(None, text("b.")), joined(None, None)),
            (text("a."), text("b."), None)
        );
    }
}
