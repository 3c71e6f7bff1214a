// SPDX-License-Identifier: MIT OR Apache-2.0
//! What became of everybody who was to be taken over, for people and for programs. No secret and no code is in it.

use nightlatch::audit::escaped;
use nightlatch::import::{InheritedDevice, TakenOver};
use nightlatch::ledger::Progress;
use serde::Serialize;

use crate::columns;
use crate::commands::status::{kind_name, period_of};
use crate::json::SCHEMA;

/// How it went for one person.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Came {
    /// Enrolled now.
    Imported,
    /// Would be, without --dry-run.
    WouldImport,
    /// Enrolled before; left as it is.
    Already,
    /// For the reasons that are said.
    NotImported,
}

impl Came {
    fn words(self) -> &'static str {
        match self {
            Self::Imported => "imported",
            Self::WouldImport => "would be imported",
            Self::Already => "there already",
            Self::NotImported => "NOT IMPORTED",
        }
    }
}

/// One person.
#[derive(Serialize)]
pub(crate) struct Entry {
    pub(crate) user: String,
    /// `None` where there is no such account.
    pub(crate) uid: Option<u32>,
    pub(crate) result: Came,
    pub(crate) devices: Vec<Taken>,
    pub(crate) backup_codes: usize,
    pub(crate) reasons: Vec<String>,
    pub(crate) not_kept: Vec<String>,
}

/// A device that is taken over.
#[derive(Serialize)]
pub(crate) struct Taken {
    name: String,
    kind: &'static str,
    algorithm: &'static str,
    digits: u8,
    period: Option<u16>,
    /// Seconds by which its clock is ahead.
    offset: Option<i64>,
    /// The next one, where it goes by counter.
    counter: Option<u64>,
}

/// The object of --json.
#[derive(Serialize)]
pub(crate) struct Report<'a> {
    schema: u32,
    changed: bool,
    people: &'a [Entry],
}

impl Entry {
    pub(crate) fn new(user: &str, uid: Option<u32>) -> Self {
        Self {
            user: user.to_owned(),
            uid,
            result: Came::NotImported,
            devices: Vec::new(),
            backup_codes: 0,
            reasons: Vec::new(),
            not_kept: Vec::new(),
        }
    }

    pub(crate) fn refused(&mut self, reason: impl Into<String>) {
        self.result = Came::NotImported;
        self.reasons.push(reason.into());
    }

    /// What would come of it.
    pub(crate) fn plan(&mut self, taken: &TakenOver) {
        self.result = Came::WouldImport;
        self.devices = taken.devices.iter().map(Taken::of).collect();
        self.backup_codes = taken.scratch_codes.len();
        self.not_kept = taken.not_kept.iter().map(ToString::to_string).collect();
    }
}

impl Taken {
    fn of(device: &InheritedDevice) -> Self {
        Self {
            name: device.name.as_str().to_owned(),
            kind: kind_name(device.kind),
            algorithm: device.algorithm.name(),
            digits: device.digits.count(),
            period: period_of(device.kind),
            offset: device.kind.seconds_ahead(),
            counter: match device.progress {
                Progress::Hotp { next } => Some(next),
                Progress::Totp(_) => None,
            },
        }
    }

    fn words(&self) -> String {
        let offset = self.offset.filter(|offset| *offset != 0).map(|offset| format!(" {offset:+} s"));
        let digits = Some(self.digits).filter(|digits| *digits != 6).map(|digits| format!(" {digits} digits"));
        format!("{} ({}{}{})", self.name, self.kind, digits.unwrap_or_default(), offset.unwrap_or_default())
    }
}

impl<'a> Report<'a> {
    pub(crate) fn of(people: &'a [Entry]) -> Self {
        Self { schema: SCHEMA, changed: people.iter().any(|entry| entry.result == Came::Imported), people }
    }

    pub(crate) fn is_whole(&self) -> bool {
        self.people.iter().all(|entry| entry.result != Came::NotImported)
    }

    /// A table; below it a line for each reason and for each thing that is not kept, since these are sentences.
    pub(crate) fn text(&self) -> String {
        let rows: Vec<[String; 4]> = self.people.iter().map(row).collect();
        let mut text = columns::table(["USER", "RESULT", "DEVICES", "BACKUP CODES"], &rows);
        for (heading, said) in [
            ("Not imported:", (|entry| &entry.reasons) as fn(&Entry) -> &Vec<String>),
            ("Not kept:", |entry| &entry.not_kept),
        ] {
            let lines: Vec<String> = self
                .people
                .iter()
                .flat_map(|entry| {
                    said(entry).iter().map(|line| format!("  {}: {}\n", escaped(&entry.user), escaped(line)))
                })
                .collect();
            if !lines.is_empty() {
                text.push_str(&format!("\n{heading}\n{}", lines.concat()));
            }
        }
        text
    }
}

fn row(entry: &Entry) -> [String; 4] {
    let (devices, codes) = match entry.result {
        Came::Imported | Came::WouldImport => {
            let devices: Vec<String> = entry.devices.iter().map(Taken::words).collect();
            (devices.join(", "), entry.backup_codes.to_string())
        }
        Came::Already | Came::NotImported => ("-".to_owned(), "-".to_owned()),
    };
    [escaped(&entry.user), entry.result.words().to_owned(), devices, codes]
}
