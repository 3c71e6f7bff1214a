// SPDX-License-Identifier: MIT OR Apache-2.0
//! Waivers: what an administrator may grant, and when it holds. Knows of no file; that one was used is the store's to say.

use crate::clock::UnixTime;
use crate::ledger::{Ledger, WAIVER_OVER};
use crate::record::{Record, Waiver};

/// Until when and why: at most thirty days ahead, with a reason of 1 to 200 bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WaiverTerms {
    until: UnixTime,
    reason: String,
}

/// Why there is no such waiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WaiverTermsError {
    /// It would be over already.
    #[error("that time is past")]
    Past,
    /// Whoever needs longer has to think again.
    #[error("that time is more than 30 days ahead")]
    TooFar,
    /// Nobody who reads the log would know why.
    #[error("the reason has 1 to 200 bytes of plain text, without control characters")]
    Reason,
}

impl WaiverTerms {
    /// The longest that one waiver holds.
    pub const LONGEST: u64 = 30 * 86_400;
    /// As much as a line of the log bears.
    pub const REASON_BYTES: usize = 200;

    /// # Errors
    ///
    /// [`WaiverTermsError`].
    pub fn new(until: UnixTime, reason: &str, now: UnixTime) -> Result<Self, WaiverTermsError> {
        let reason = reason.trim();
        if until <= now {
            Err(WaiverTermsError::Past)
        } else if until > now.plus(Self::LONGEST) {
            Err(WaiverTermsError::TooFar)
        } else if reason.is_empty() || reason.len() > Self::REASON_BYTES || reason.chars().any(char::is_control) {
            Err(WaiverTermsError::Reason)
        } else {
            Ok(Self { until, reason: reason.to_owned() })
        }
    }

    /// When it ends.
    #[must_use]
    pub fn until(&self) -> UnixTime {
        self.until
    }

    /// Why.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.reason
    }

    pub(crate) fn waiver(self) -> Waiver {
        Waiver { until: self.until, reason: self.reason }
    }
}

/// The waiver that holds now: before its end, and not before the record was last changed, so that a clock set back further
/// than that brings nothing back; nor one whose time was once found to be over.
#[must_use]
pub fn in_force<'r>(record: &'r Record, ledger: &Ledger, now: UnixTime) -> Option<&'r Waiver> {
    let begun = record.changed_at <= now && ledger.waiver_uses != WAIVER_OVER;
    record.waiver.as_ref().filter(|waiver| begun && now < waiver.until)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tests::a_record;

    const NOON: UnixTime = UnixTime(1_800_000_000);

    #[test]
    fn a_waiver_has_an_end_within_thirty_days_and_a_reason() {
        let long = "x".repeat(200);
        for (seconds, reason, expected) in [
            (1, "phone broken", Ok(())),
            (30 * 86_400, long.as_str(), Ok(())),
            (1, " ü ", Ok(())),
            (0, "phone broken", Err(WaiverTermsError::Past)),
            (30 * 86_400 + 1, "phone broken", Err(WaiverTermsError::TooFar)),
            (1, "", Err(WaiverTermsError::Reason)),
            (1, " \u{a0} ", Err(WaiverTermsError::Reason)),
            (1, "a\nb", Err(WaiverTermsError::Reason)),
            (1, "\u{1b}[2J", Err(WaiverTermsError::Reason)),
            (1, &format!("{long}x"), Err(WaiverTermsError::Reason)),
        ] {
            assert_eq!(
                WaiverTerms::new(NOON.plus(seconds), reason, NOON).map(|_| ()),
                expected,
                "{seconds} {reason:?}"
            );
        }
        assert_eq!(WaiverTerms::new(UnixTime(u64::MAX), "x", NOON), Err(WaiverTermsError::TooFar));
        assert_eq!(WaiverTerms::new(NOON.plus(9), " ü ", NOON).unwrap().reason(), "ü");
    }

    #[test]
    fn a_waiver_holds_from_the_last_change_of_the_record_until_its_end() {
        let terms = WaiverTerms::new(NOON.plus(3600), "phone broken", NOON).unwrap();
        let record = Record { changed_at: NOON, waiver: Some(terms.waiver()), ..a_record(Vec::new()) };
        let mut ledger = Ledger::new(Vec::new());
        for (now, holds) in [(NOON.0 - 1, false), (NOON.0, true), (NOON.0 + 3599, true), (NOON.0 + 3600, false)] {
            assert_eq!(in_force(&record, &ledger, UnixTime(now)).is_some(), holds, "{now}");
        }
        ledger.waiver_uses = WAIVER_OVER;
        assert!(in_force(&record, &ledger, NOON).is_none());
        assert!(in_force(&a_record(Vec::new()), &Ledger::new(Vec::new()), NOON).is_none());
    }
}
