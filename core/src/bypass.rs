// SPDX-License-Identifier: MIT OR Apache-2.0
//! Bypass codes: what a help desk may grant, how the code is drawn, and when it holds. Who used it is the ledger's to know.

use zeroize::Zeroizing;

use crate::backup::{BYPASS_INDEX, BackupHash, HashCost, Symbols, grouped};
use crate::clock::UnixTime;
use crate::error::Fault;
use crate::ledger::BYPASS_OVER;
use crate::random::Random;
use crate::record::{Bypass, Record};

/// For how long and how often a code may be used: a minute to a week, once to twenty times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BypassTerms {
    seconds: u64,
    uses: u16,
}

impl BypassTerms {
    /// Long enough to read a code out and have it typed.
    pub const SHORTEST: u64 = 60;
    /// As long as it takes to send somebody a new phone.
    pub const LONGEST: u64 = 7 * 86_400;
    /// As many as a set of backup codes has.
    pub const MOST_USES: u16 = 20;

    /// `None` outside of these bounds.
    #[must_use]
    pub fn new(seconds: u64, uses: u16) -> Option<Self> {
        let holds = (Self::SHORTEST..=Self::LONGEST).contains(&seconds) && (1..=Self::MOST_USES).contains(&uses);
        holds.then_some(Self { seconds, uses })
    }
}

/// The code as the help desk gets it, once.
///
/// ```compile_fail,E0277
/// fn show(code: &nightlatch::bypass::BypassCode) { println!("{code:?}"); }
/// ```
pub struct BypassCode(Zeroizing<String>);

impl BypassCode {
    /// `X234-5678-9ABC-DEFG`.
    #[must_use]
    pub fn expose_code(&self) -> &str {
        &self.0
    }
}

impl Bypass {
    /// Draws a code: the text for the help desk, the hash for the record.
    ///
    /// # Errors
    ///
    /// [`Fault::NoRandomness`], [`Fault::NoMemory`].
    pub fn generate(terms: BypassTerms, now: UnixTime, random: &dyn Random) -> Result<(BypassCode, Self), Fault> {
        let cost = HashCost::DEFAULT;
        let symbols = Symbols::draw(BYPASS_INDEX, random)?;
        let hash = BackupHash::of(&symbols, cost, random)?;
        let bypass = Self { hash, cost, made_at: now, until: now.plus(terms.seconds), uses: terms.uses };
        Ok((BypassCode(grouped(&symbols)), bypass))
    }

    /// Uses that are left, before its end and not before it was made: a clock set back further than that brings nothing
    /// back. None is left where its time was once found to be over.
    #[must_use]
    pub fn uses_left(&self, used: u16, now: UnixTime) -> u16 {
        if self.is_in_time(used, now) { self.uses.saturating_sub(used) } else { 0 }
    }

    /// Whether its time has begun and is not over, used up or not.
    #[must_use]
    pub fn is_in_time(&self, used: u16, now: UnixTime) -> bool {
        used != BYPASS_OVER && self.made_at <= now && now < self.until
    }
}

/// Whether this is the record's bypass code. One evaluation, whether it has one or not.
pub(crate) fn holds(record: &Record, symbols: &Symbols) -> Result<bool, Fault> {
    let bypass = record.bypass.as_ref();
    let cost = bypass.map_or(record.backup.cost, |bypass| bypass.cost);
    BackupHash::fits(bypass.map(|bypass| &bypass.hash), cost, symbols)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::SystemRandom;
    use crate::record::tests::a_record;
    use crate::secret::{Typed, TypedCode};

    const NOON: UnixTime = UnixTime(1_800_000_000);

    fn symbols(code: &str) -> Symbols {
        let plain: Vec<u8> = code.bytes().filter(|b| *b != b'-').collect();
        Symbols::parse(&plain).unwrap()
    }

    #[test]
    fn terms_are_a_minute_to_a_week_and_one_to_twenty_uses() {
        for (seconds, uses, granted) in [
            (59, 1, false),
            (60, 1, true),
            (604_800, 20, true),
            (604_801, 1, false),
            (3600, 0, false),
            (3600, 21, false),
            (u64::MAX, u16::MAX, false),
        ] {
            assert_eq!(BypassTerms::new(seconds, uses).is_some(), granted, "{seconds} {uses}");
        }
    }

    #[test]
    fn a_bypass_code_is_told_by_its_first_symbol_and_held_by_its_own_record_alone() {
        let (mut own, mut other) = (a_record(Vec::new()), a_record(Vec::new()));
        let draw = || Bypass::generate(BypassTerms::new(3600, 2).unwrap(), NOON, &SystemRandom).unwrap();
        let (code, bypass) = draw();
        assert!(code.expose_code().starts_with('X') && code.expose_code().len() == 19, "{}", code.expose_code());
        assert!(
            matches!(&*TypedCode::parse(code.expose_code().as_bytes(), None).unwrap().0, Typed::Backup(s) if s.index() == 29)
        );
        let typed = symbols(code.expose_code());
        assert!(!holds(&own, &typed).unwrap(), "no bypass code was made");
        own.bypass = Some(bypass);
        other.bypass = Some(draw().1);
        assert!(holds(&own, &typed).unwrap() && !holds(&other, &typed).unwrap());
    }

    #[test]
    fn it_holds_from_when_it_was_made_until_its_end_for_as_many_uses() {
        let (_, bypass) = Bypass::generate(BypassTerms::new(3600, 2).unwrap(), NOON, &SystemRandom).unwrap();
        for (used, seconds, left) in [(0, 0, 2), (1, 3599, 1), (2, 1, 0), (9, 1, 0), (0, 3600, 0), (BYPASS_OVER, 1, 0)]
        {
            assert_eq!(bypass.uses_left(used, NOON.plus(seconds)), left, "{used} {seconds}");
        }
        assert_eq!(bypass.uses_left(0, UnixTime(NOON.0.saturating_sub(1))), 0);
    }
}
