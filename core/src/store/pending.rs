// SPDX-License-Identifier: MIT OR Apache-2.0
//! Between verdict and answer: what was judged is told only once the next ledger is durable. A refusal waits as an
//! acceptance does, so that a kill cannot make a wrong code free of charge.

use std::path::Path;

use crate::error::Fault;
use crate::ledger::{FailuresSince, Method};
use crate::store::open_record::OpenRecord;
use crate::verify::judge::{Judgement, Next, Outcome, Refusal};

/// A verdict that nobody knows yet.
///
/// ```compile_fail,E0616
/// fn peek(pending: nightlatch::store::Pending<'_>) { let _ = pending.judgement; }
/// ```
#[must_use = "nothing is judged before it is committed"]
pub struct Pending<'s> {
    open: OpenRecord<'s>,
    judgement: Judgement,
}

/// A code was right, and the ledger that says so is on the disk. Built in [`Pending::commit`] and nowhere else.
///
/// ```compile_fail,E0451
/// let forged = nightlatch::store::Accepted { method: todo!(), device: None, backup_codes_left: 0, bypass_uses_left: 0, failures_since: todo!() };
/// ```
#[derive(Debug, PartialEq, Eq)]
pub struct Accepted {
    method: Method,
    device: Option<String>,
    backup_codes_left: u8,
    bypass_uses_left: u16,
    failures_since: FailuresSince,
}

/// What was judged, durably.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// Let in.
    Accepted(Accepted),
    /// Not let in.
    Refused(Refusal),
}

impl<'s> Pending<'s> {
    pub(crate) fn new(open: OpenRecord<'s>, judgement: Judgement) -> Self {
        Self { open, judgement }
    }

    /// The file that has lost a ledger slot, for an alert in the log.
    #[must_use]
    pub fn lost_slot(&self) -> Option<&Path> {
        self.open.has_lost_a_slot().then(|| self.open.path())
    }

    /// Writes the next ledger and gives the answer.
    ///
    /// # Errors
    ///
    /// [`Fault`] where it could not be made durable: then there is no answer, and nobody is let in.
    pub fn commit(mut self) -> Result<Answer, Fault> {
        let durable = match &self.judgement.next {
            Next::Unchanged => false,
            Next::OneSlot(next) => {
                self.open.write_one(next)?;
                true
            }
            Next::BothSlots(next) => {
                self.open.write_both(next)?;
                true
            }
        };
        Ok(match self.judgement.outcome {
            Outcome::Right(grounds) if durable => Answer::Accepted(Accepted {
                method: grounds.method,
                device: grounds.device,
                backup_codes_left: grounds.backup_codes_left,
                bypass_uses_left: grounds.bypass_uses_left,
                failures_since: grounds.failures_since,
            }),
            // A right code changes the ledger. If it ever did not, it could be used again: then it is not right.
            Outcome::Right(_) => Answer::Refused(Refusal::Wrong),
            Outcome::Refused(refusal) => Answer::Refused(refusal),
        })
    }
}

impl Accepted {
    /// With what.
    #[must_use]
    pub fn method(&self) -> Method {
        self.method
    }

    /// The device's name, where it was a device.
    #[must_use]
    pub fn device(&self) -> Option<&str> {
        self.device.as_deref()
    }

    /// Backup codes that are left after this login.
    #[must_use]
    pub fn backup_codes_left(&self) -> u8 {
        self.backup_codes_left
    }

    /// Uses of the bypass code that are left after this login.
    #[must_use]
    pub fn bypass_uses_left(&self) -> u16 {
        self.bypass_uses_left
    }

    /// What was refused since the login before.
    #[must_use]
    pub fn failures_since(&self) -> &FailuresSince {
        &self.failures_since
    }
}
