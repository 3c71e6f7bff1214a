// SPDX-License-Identifier: MIT OR Apache-2.0
//! What an administrator grants and takes back while the phone is gone: bypass codes and waivers. Each writes the whole file
//! anew; devices, backup codes and throttle stay.

use crate::bypass::{BypassCode, BypassTerms};
use crate::clock::UnixTime;
use crate::error::Fault;
use crate::ledger::Ledger;
use crate::record::Bypass;
use crate::store::{OpenRecord, place, waiver};
use crate::waiver::WaiverTerms;

impl OpenRecord<'_> {
    /// Makes a bypass code; an earlier one is void.
    ///
    /// # Errors
    ///
    /// [`Fault`]; an earlier one then stands.
    pub fn grant_bypass(mut self, terms: BypassTerms, now: UnixTime) -> Result<BypassCode, Fault> {
        let (code, bypass) = Bypass::generate(terms, now, self.locked.store.random)?;
        self.record.bypass = Some(bypass);
        self.record.changed_at = now;
        let ledger = Ledger { bypass_uses: 0, ..self.ledger_to_carry(now) };
        place::rewrite(self, &ledger)?;
        Ok(code)
    }

    /// Ends the bypass code. `false` where there was none.
    ///
    /// # Errors
    ///
    /// [`Fault`]; it then stands.
    pub fn revoke_bypass(mut self, now: UnixTime) -> Result<bool, Fault> {
        if self.record.bypass.take().is_none() {
            return Ok(false);
        }
        self.record.changed_at = now;
        let ledger = Ledger { bypass_uses: 0, ..self.ledger_to_carry(now) };
        place::rewrite(self, &ledger)?;
        Ok(true)
    }

    /// Lets the person in without a code until that time; an earlier waiver is void.
    ///
    /// # Errors
    ///
    /// [`Fault`]; the person is then asked, unless an earlier one stands and was not touched.
    pub fn grant_waiver(mut self, terms: WaiverTerms, now: UnixTime) -> Result<(), Fault> {
        let (users, uid, until) = (&self.locked.store.users, self.locked.uid, terms.until());
        waiver::make_hint(users, uid, until)?;
        self.record.waiver = Some(terms.waiver());
        self.record.changed_at = now;
        let ledger = Ledger { waiver_uses: 0, ..self.ledger_to_carry(now) };
        place::rewrite(self, &ledger)
    }

    /// Ends the waiver. `false` where there was none.
    ///
    /// # Errors
    ///
    /// [`Fault`]; it may then stand in the record, and hold again once somebody grants another.
    pub fn end_waiver(mut self, now: UnixTime) -> Result<bool, Fault> {
        waiver::remove_hint(&self.locked.store.users, self.locked.uid)?;
        if self.record.waiver.take().is_none() {
            return Ok(false);
        }
        self.record.changed_at = now;
        let ledger = Ledger { waiver_uses: 0, ..self.ledger_to_carry(now) };
        place::rewrite(self, &ledger)?;
        Ok(true)
    }
}
