// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a restore makes of each person, in words and in JSON.

use nightlatch::audit::escaped;
use nightlatch::restoration::{Revival, Standing};
use nightlatch::store::ArchivedRecord;

use crate::json::PersonRestored;

/// What became of somebody, or would.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    WouldRestore,
    Restored,
    Unchanged,
    Left,
}

pub(super) struct Person {
    pub(super) user: Option<String>,
    pub(super) uid: u32,
    pub(super) standing: Option<Standing>,
    pub(super) outcome: Outcome,
    pub(super) notes: Vec<String>,
    pub(super) reason: Option<String>,
}

impl Person {
    pub(super) fn revivals(&self) -> Vec<String> {
        match &self.standing {
            Some(Standing::Differs { revivals, .. }) => revivals.iter().map(revival).collect(),
            Some(_) | None => Vec::new(),
        }
    }

    pub(super) fn has_work(&self) -> bool {
        self.outcome == Outcome::WouldRestore
    }

    pub(super) fn text(&self) -> String {
        let who = match &self.user {
            Some(user) => format!("{} (uid {})", escaped(user), self.uid),
            None => format!("uid {}", self.uid),
        };
        let mut parts: Vec<String> = self.standing.iter().map(|standing| words(standing).to_owned()).collect();
        parts.push(
            match self.outcome {
                Outcome::WouldRestore => "to be restored",
                Outcome::Restored => "restored",
                Outcome::Unchanged => "nothing to do",
                Outcome::Left => "left out",
            }
            .to_owned(),
        );
        let mut text = format!("{who}: {}\n", parts.join("; "));
        let comes_back = if self.outcome == Outcome::Restored { "accepted again" } else { "would be accepted again" };
        for revival in self.revivals() {
            text.push_str(&format!("  void here, {comes_back}: {revival}\n"));
        }
        for note in self.notes.iter().chain(&self.reason) {
            text.push_str(&format!("  {}\n", escaped(note)));
        }
        text
    }

    pub(super) fn object(&self) -> PersonRestored {
        PersonRestored {
            user: self.user.clone(),
            uid: self.uid,
            standing: self.standing.as_ref().map(kind),
            outcome: match self.outcome {
                Outcome::WouldRestore => "would-restore",
                Outcome::Restored => "restored",
                Outcome::Unchanged => "unchanged",
                Outcome::Left => "left",
            },
            void_here: self.revivals(),
            notes: self.notes.clone(),
            reason: self.reason.clone(),
        }
    }
}

fn revival(revival: &Revival) -> String {
    match revival {
        Revival::BackupCodes(1) => "1 backup code of an older set".to_owned(),
        Revival::BackupCodes(number) => format!("{number} backup codes of an older set"),
        Revival::Device(name) => format!("the device '{}'", escaped(name)),
    }
}

fn words(standing: &Standing) -> &'static str {
    match standing {
        Standing::New => "new here",
        Standing::UnreadableHere => "the record here is damaged",
        Standing::Same => "same as here",
        Standing::Older => "older than here",
        Standing::Newer => "newer than here",
        Standing::Differs { is_changed_here: true, .. } => "older than here, with other devices or backup codes",
        Standing::Differs { is_changed_here: false, .. } => "newer than here, with other devices or backup codes",
    }
}

fn kind(standing: &Standing) -> &'static str {
    match standing {
        Standing::New => "new",
        Standing::UnreadableHere => "unreadable-here",
        Standing::Same => "same",
        Standing::Older => "older",
        Standing::Newer => "newer",
        Standing::Differs { is_changed_here: true, .. } => "older-record",
        Standing::Differs { is_changed_here: false, .. } => "newer-record",
    }
}

/// What an administrator has to know or to do about somebody who is restored.
pub(super) fn notes(archived: &ArchivedRecord, standing: &Standing, made_at: &str) -> Vec<String> {
    let mut notes = Vec::new();
    let user = archived.name().as_str();
    let is_alone = matches!(standing, Standing::New | Standing::UnreadableHere);
    if is_alone {
        notes.push("codes that are right at this moment are taken for used: wait for the next".to_owned());
        if !archived.record().backup.codes.is_empty() {
            notes.push(format!(
                "backup codes used since {made_at} would be accepted once more: if there were any, \
                 'nightlatch backup-codes {user}'"
            ));
        }
    }
    let is_written = !matches!(standing, Standing::Same | Standing::Older | Standing::Newer);
    for (had, what, verb) in [
        (archived.had_bypass, "bypass code", format!("nightlatch bypass {user}")),
        (archived.had_waiver, "waiver", format!("nightlatch waive {user}")),
    ] {
        if had && is_written {
            notes.push(format!("its {what} is not put back; '{verb}' makes another"));
        }
    }
    notes
}
