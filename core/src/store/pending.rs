// SPDX-License-Identifier: MIT OR Apache-2.0
//! Between verdict and answer: what was judged is told only once the next ledger is durable. A refusal waits as an
//! acceptance does, so that a kill cannot make a wrong code free of charge.

use std::path::Path;

use crate::clock::UnixTime;
use crate::error::Fault;
use crate::ledger::{FailuresSince, Method};
use crate::secret::TypedCode;
use crate::store::open_record::OpenRecord;
use crate::verify::drift::{self, ClockDrift};
use crate::verify::judge::{Judgement, Next, Outcome, Refusal, Window};

/// A verdict that nobody knows yet.
///
/// ```compile_fail,E0616
/// fn peek(pending: nightlatch::store::Pending<'_>) { let _ = pending.judgement; }
/// ```
#[must_use = "nothing is judged before it is committed"]
pub struct Pending<'s> {
    open: OpenRecord<'s>,
    judgement: Judgement,
    attempt: Attempt<'s>,
}

/// What was judged, for a reason that is looked for afterwards.
pub(crate) struct Attempt<'c> {
    pub(crate) code: &'c TypedCode,
    pub(crate) window: Window,
    pub(crate) wall: UnixTime,
}

/// A code was right, and the ledger that says so is on the disk. Built in [`Pending::commit`] and nowhere else.
///
/// ```compile_fail,E0451
/// let forged = nightlatch::store::Accepted {
///     method: todo!(), device: None, code_bytes: 6, backup_codes_left: 0, bypass_uses_left: 0, failures_since: todo!()
/// };
/// ```
#[derive(Debug, PartialEq, Eq)]
pub struct Accepted {
    method: Method,
    device: Option<String>,
    code_bytes: usize,
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
    pub(crate) fn new(open: OpenRecord<'s>, judgement: Judgement, attempt: Attempt<'s>) -> Self {
        Self { open, judgement, attempt }
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
                code_bytes: grounds.code_bytes,
                backup_codes_left: grounds.backup_codes_left,
                bypass_uses_left: grounds.bypass_uses_left,
                failures_since: grounds.failures_since,
            }),
            // A right code changes the ledger. If it ever did not, it could be used again: then it is not right.
            Outcome::Right(_) => Answer::Refused(Refusal::Wrong),
            // Only now: whoever is killed meanwhile has been charged, and an acceptance does not wait for it.
            Outcome::Refused(Refusal::Wrong) => {
                Answer::Refused(self.drift().map_or(Refusal::Wrong, Refusal::ClockDrift))
            }
            Outcome::Refused(refusal) => Answer::Refused(refusal),
        })
    }

    fn drift(&self) -> Option<ClockDrift> {
        let Attempt { code, window, wall } = self.attempt;
        drift::of_wrong_code(self.open.record(), self.open.ledger(), code, window, wall)
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

    /// How much of a text that holds the password too was the code.
    pub(crate) fn code_bytes(&self) -> usize {
        self.code_bytes
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
