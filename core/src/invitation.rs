// SPDX-License-Identifier: MIT OR Apache-2.0
//! Invitations to enroll in a login: what an administrator may grant, and when it holds. Knows of no file; that one is there
//! and genuine is the store's to say.

use crate::clock::UnixTime;

/// Until when somebody may enroll in a login: at most thirty days ahead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct InvitationTerms {
    until: UnixTime,
    made_at: UnixTime,
}

/// Why there is no such invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvitationTermsError {
    /// It would be over already.
    #[error("that time is past")]
    Past,
    /// Until somebody has enrolled, the password alone is enough to do it.
    #[error("that time is more than 30 days ahead")]
    TooFar,
}

/// The two times, eight bytes each.
pub(crate) const TERMS_BYTES: usize = 16;

impl InvitationTerms {
    /// The longest that one invitation holds.
    pub const LONGEST: u64 = 30 * 86_400;
    /// How long one holds that names no end.
    pub const USUAL: u64 = 7 * 86_400;

    /// # Errors
    ///
    /// [`InvitationTermsError`].
    pub fn new(until: UnixTime, now: UnixTime) -> Result<Self, InvitationTermsError> {
        if until <= now {
            Err(InvitationTermsError::Past)
        } else if until > now.plus(Self::LONGEST) {
            Err(InvitationTermsError::TooFar)
        } else {
            Ok(Self { until, made_at: now })
        }
    }

    /// When it ends.
    #[must_use]
    pub fn until(&self) -> UnixTime {
        self.until
    }

    /// Before its end, and not before it was made: a clock set back further than that brings nothing back.
    pub(crate) fn holds_at(&self, now: UnixTime) -> bool {
        self.made_at <= now && now < self.until
    }

    pub(crate) fn to_bytes(self) -> [u8; TERMS_BYTES] {
        let mut bytes = [0; TERMS_BYTES];
        let (until, made_at) = bytes.split_at_mut(8);
        until.copy_from_slice(&self.until.0.to_le_bytes());
        made_at.copy_from_slice(&self.made_at.0.to_le_bytes());
        bytes
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (until, made_at) = bytes.split_first_chunk()?;
        let time = |bytes: [u8; 8]| UnixTime(u64::from_le_bytes(bytes));
        Some(Self { until: time(*until), made_at: time(made_at.try_into().ok()?) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: UnixTime = UnixTime(1_800_000_000);

    #[test]
    fn an_invitation_has_an_end_within_thirty_days() {
        for (seconds, expected) in [
            (1, Ok(())),
            (InvitationTerms::USUAL, Ok(())),
            (30 * 86_400, Ok(())),
            (0, Err(InvitationTermsError::Past)),
            (30 * 86_400 + 1, Err(InvitationTermsError::TooFar)),
        ] {
            assert_eq!(InvitationTerms::new(NOON.plus(seconds), NOON).map(|_| ()), expected, "{seconds}");
        }
        assert_eq!(InvitationTerms::new(UnixTime(0), NOON), Err(InvitationTermsError::Past));
        assert_eq!(InvitationTerms::new(UnixTime(u64::MAX), NOON), Err(InvitationTermsError::TooFar));
    }

    #[test]
    fn it_holds_from_when_it_was_made_until_before_its_end_and_reads_back() {
        let terms = InvitationTerms::new(NOON.plus(3600), NOON).unwrap();
        for (now, holds) in [(NOON.0 - 1, false), (NOON.0, true), (NOON.0 + 3599, true), (NOON.0 + 3600, false)] {
            assert_eq!(terms.holds_at(UnixTime(now)), holds, "{now}");
        }
        let bytes = terms.to_bytes();
        assert_eq!(InvitationTerms::from_bytes(&bytes), Some(terms));
        for length in 0..TERMS_BYTES {
            assert_eq!(InvitationTerms::from_bytes(&bytes[..length]), None, "{length}");
        }
        assert_eq!(InvitationTerms::from_bytes(&[bytes.as_slice(), &[0]].concat()), None);
    }
}
