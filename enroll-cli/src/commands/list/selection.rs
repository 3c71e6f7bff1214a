// SPDX-License-Identifier: MIT OR Apache-2.0
//! Who is shown: what the options ask for, all of it together. Pure.

use crate::arguments::ListArguments;
use crate::json::PersonStatus;

pub(crate) struct Selection {
    whom: Whom,
    locked: bool,
    few_backup_codes: Option<u8>,
    never_used: bool,
    short_secret: bool,
    orphaned: bool,
    invited: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Whom {
    Enrolled,
    NotEnrolled,
    Everybody,
}

impl Selection {
    pub(crate) fn of(options: &ListArguments) -> Self {
        let whom = match (options.not_enrolled || options.invited, options.all) {
            (true, _) => Whom::NotEnrolled,
            (false, true) => Whom::Everybody,
            (false, false) => Whom::Enrolled,
        };
        Self {
            whom,
            locked: options.locked,
            few_backup_codes: options.few_backup_codes,
            never_used: options.never_used,
            short_secret: options.short_secret,
            orphaned: options.orphaned,
            invited: options.invited,
        }
    }

    pub(crate) fn has_enrolled(&self) -> bool {
        self.whom != Whom::NotEnrolled
    }

    /// What is asked of a record, nobody without one has.
    pub(crate) fn has_not_enrolled(&self) -> bool {
        self.whom != Whom::Enrolled && !self.asks_of_records()
    }

    pub(crate) fn needs_accounts(&self) -> bool {
        self.orphaned || self.has_not_enrolled()
    }

    pub(crate) fn asks_for_orphans(&self) -> bool {
        self.orphaned
    }

    pub(crate) fn asks_for_invited(&self) -> bool {
        self.invited
    }

    fn asks_of_records(&self) -> bool {
        self.locked || self.few_backup_codes.is_some() || self.never_used || self.short_secret || self.orphaned
    }

    /// Whether a record is to be shown, but for whose it is.
    pub(crate) fn is_fit(&self, status: &PersonStatus, has_short_secret: bool) -> bool {
        let was_used = status.last_login.is_some() || status.devices.iter().any(|device| device.last_used.is_some());
        (!self.locked || status.lock.is_some())
            && self.few_backup_codes.is_none_or(|most| status.backup_codes_left <= most)
            && (!self.never_used || !was_used)
            && (!self.short_secret || has_short_secret)
    }

    pub(crate) fn is_fit_without_a_record(&self, status: &PersonStatus) -> bool {
        !self.invited || status.invited_until.is_some()
    }
}
