// SPDX-License-Identifier: MIT OR Apache-2.0
//! Enrollment in a login: by a rule that says so, or by an administrator's invitation where policy asks for a code in vain.
//! The only place where anybody is let through for it.

use std::fmt;

use super::{By, Decision, Requirement};
use crate::clock::UnixTime;
use crate::stack::AccountLine;
use crate::store::{Enrollment, Invited, NotEnrolled};
use crate::user::Account;

/// The permission to let somebody through who is surely not enrolled, to be enrolled before they are in.
#[derive(Debug, PartialEq, Eq)]
pub struct Invitation {
    by: InvitedBy,
    not_enrolled: NotEnrolled,
}

/// What invites somebody who is not enrolled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum InvitedBy {
    /// A rule or default that says `enroll`.
    Policy(By),
    /// An administrator's invitation, with its end.
    Administrator(UnixTime),
}

/// As the log has it.
impl fmt::Display for InvitedBy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Policy(by) => by.fmt(f),
            Self::Administrator(_) => f.write_str("invitation"),
        }
    }
}

/// Nobody is asked now: the account phase of this very login enrolls the person, or ends the login.
///
/// ```compile_fail,E0451
/// let forged = nightlatch::policy::LetThrough { by: todo!() };
/// ```
#[derive(Debug, PartialEq, Eq)]
pub struct LetThrough {
    by: InvitedBy,
}

impl Invitation {
    pub(super) fn of(_account: &Account, by: By, not_enrolled: NotEnrolled) -> Self {
        Self { by: InvitedBy::Policy(by), not_enrolled }
    }

    /// The store's word that it depends on.
    #[must_use]
    pub fn rests_on(&self) -> Enrollment {
        Enrollment::NotEnrolled(self.not_enrolled)
    }

    /// Uses it, in a service whose account phase surely passes our line.
    #[must_use]
    pub fn let_through(self, _line: AccountLine) -> LetThrough {
        LetThrough { by: self.by }
    }
}

impl LetThrough {
    /// What allowed it, for the log.
    #[must_use]
    pub fn by(&self) -> &InvitedBy {
        &self.by
    }
}

impl Decision {
    /// Whether an invitation could make a difference: only where a code is asked for that the person may not have. No refusal
    /// becomes anything else by it, and where a look-up failed, nobody is let through.
    #[must_use]
    pub fn leaves_room_for_invitation(&self) -> bool {
        let room = matches!(self.requirement, Requirement::Code(None | Some(Enrollment::NotEnrolled(_))));
        room && self.failed.is_none()
    }

    /// The same decision, or enrollment in this login where somebody is invited whose code would be asked for in vain.
    #[must_use]
    pub fn with_invitation(self, invited: &Invited) -> Self {
        if !self.leaves_room_for_invitation() {
            return self;
        }
        let (by, not_enrolled) = (InvitedBy::Administrator(invited.until()), invited.not_enrolled());
        Self { requirement: Requirement::Enrollment(Invitation { by, not_enrolled }), ..self }
    }
}
