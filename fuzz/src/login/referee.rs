// SPDX-License-Identifier: MIT OR Apache-2.0
//! What was answered so far, and what therefore may never be answered again. Knows nothing of files or slots.

use std::collections::BTreeSet;

use nightlatch::verify::judge::Refusal;

use super::site::Look;

/// NIST 800-63B-4 §3.2.2.
const MOST_GUESSES: u32 = 100;

#[derive(Debug, Clone)]
pub(super) enum Typed {
    Device { code: String },
    Backup(String),
    NeverRight(String),
}

impl Typed {
    pub(super) fn text(&self) -> &String {
        match self {
            Self::Device { code: text } | Self::Backup(text) | Self::NeverRight(text) => text,
        }
    }
}

#[derive(Debug, Default)]
pub(super) struct Referee {
    used_counters: BTreeSet<u64>,
    used_backup_codes: BTreeSet<String>,
    last_typed: Option<Typed>,
    refused_since_login: u32,
    guesses: u32,
    newest_rotted: bool,
}

impl Referee {
    pub(super) fn last_typed(&self) -> Option<Typed> {
        self.last_typed.clone()
    }

    pub(super) fn is_used(&self, backup_code: &str) -> bool {
        self.used_backup_codes.contains(backup_code)
    }

    pub(super) fn accepted(&mut self, typed: Typed, counter: Option<u64>) {
        if let Some(counter) = counter {
            assert!(self.used_counters.insert(counter), "step or counter {counter} was accepted twice");
        }
        if let Typed::Backup(code) = &typed {
            assert!(self.used_backup_codes.insert(code.clone()), "a backup code was accepted twice, or after its set");
        }
        self.last_typed = Some(typed);
        self.forget_failures();
    }

    pub(super) fn refused(&mut self, refusal: Refusal) {
        match refusal {
            Refusal::Wrong | Refusal::ClockDrift(_) | Refusal::Past | Refusal::UsedBackupCode => {
                self.refused_since_login += 1;
                self.guesses += 1;
                assert!(self.guesses <= MOST_GUESSES, "more guesses than any administrator was told of");
            }
            Refusal::Replay
            | Refusal::UsedUpBypass
            | Refusal::BypassOutOfTime
            | Refusal::NoSuchLength
            | Refusal::Waiting { .. }
            | Refusal::Blocked => {}
        }
    }

    /// Killed, or a fault: an acceptance may be on the disk, and nobody was let in.
    pub(super) fn answer_is_lost(&mut self, may_have_been_right: bool) {
        if may_have_been_right {
            self.forget_failures();
        }
    }

    fn forget_failures(&mut self) {
        (self.refused_since_login, self.guesses) = (0, 0);
    }

    pub(super) fn unlocked(&mut self) {
        self.guesses = 0;
    }

    pub(super) fn voided(&mut self, backup_codes: Vec<String>) {
        self.used_backup_codes.extend(backup_codes);
    }

    /// What only the newest slot knew is lost with it: one refusal, or one step.
    pub(super) fn newest_slot_rotted(&mut self) {
        self.newest_rotted = true;
        self.refused_since_login = self.refused_since_login.saturating_sub(1);
        self.guesses = self.guesses.saturating_sub(1);
    }

    /// The login after that accepts nothing that is acceptable at its time. What a clock that was set back between makes
    /// of steps above is what the documents do not promise.
    pub(super) fn window_is_closed_at(&mut self, top: u64) {
        if self.newest_rotted {
            self.used_counters.retain(|counter| *counter <= top);
        }
    }

    pub(super) fn file_is_whole(&mut self) {
        self.newest_rotted = false;
    }

    pub(super) fn holds(&self, now: &Look) {
        assert!(
            now.refused_since_login() >= self.refused_since_login,
            "failures below the refusals that were answered"
        );
    }
}
