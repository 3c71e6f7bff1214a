// SPDX-License-Identifier: MIT OR Apache-2.0
//! What comes of a person's record out of a backup beside the one that is here: nothing that was used is fresh again
//! wherever this host can know of it, and what would come back all the same is named. Pure: no file, no clock.

use crate::clock::UnixTime;
use crate::ledger::{DeviceState, Ledger, Progress};
use crate::record::{Device, Record};
use crate::verify::judge::{self, Window};

/// How a person in a backup stands to the one here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Nobody is enrolled here: what was used since the backup cannot be known.
    New,
    /// The record here does not open: the same.
    UnreadableHere,
    /// Both know the same.
    Same,
    /// The same devices and backup codes, and this host knows of later logins: nothing to do.
    Older,
    /// The same devices and backup codes, and the backup knows of later logins: they are taken over.
    Newer,
    /// Other devices or backup codes.
    Differs {
        /// Whether the record here was changed after the one in the backup.
        is_changed_here: bool,
        /// What is void here and would be accepted again.
        revivals: Vec<Revival>,
    },
}

/// Something that is void here, and that a restored record would accept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revival {
    /// Backup codes of a set that was made void here: this many of them were not used before the backup.
    BackupCodes(u32),
    /// A device that was removed here.
    Device(String),
}

/// The ledger to be written, if any, with how both stand to each other.
pub(crate) struct Plan {
    pub(crate) standing: Standing,
    pub(crate) ledger: Ledger,
}

/// For a person of whom nothing can be read here. Whatever could be accepted now is taken for used.
pub(crate) fn alone(record: &Record, copy: &Ledger, window: Window, now: UnixTime) -> Ledger {
    let mut ledger = Ledger { bypass_uses: 0, waiver_uses: 0, ..copy.clone() };
    judge::close_the_window(record, &mut ledger, window, now);
    ledger
}

/// For a person who is enrolled here.
pub(crate) fn beside(here: (&Record, &Ledger), copy: (&Record, &Ledger), window: Window, now: UnixTime) -> Plan {
    let ((record_here, ledger_here), (record, ledger)) = (here, copy);
    if !is_same_enrollment(record_here, record) {
        return replaced(here, copy, window, now);
    }
    let merged = merged(ledger_here, ledger);
    let standing = match (merged == *ledger_here, is_as_far(ledger, ledger_here)) {
        (false, _) => Standing::Newer,
        (true, true) => Standing::Same,
        (true, false) => Standing::Older,
    };
    Plan { standing, ledger: merged }
}

/// Devices and backup codes. What lets somebody in without them is never restored, and does not count.
fn is_same_enrollment(a: &Record, b: &Record) -> bool {
    let codes = |record: &Record| record.backup.codes.iter().map(|code| (code.salt, code.hash)).collect::<Vec<_>>();
    a.enrolled_at == b.enrolled_at
        && a.next_device == b.next_device
        && a.devices.len() == b.devices.len()
        && a.devices.iter().zip(&b.devices).all(|(a, b)| is_same_device(a, b))
        && (a.backup.made_at, a.backup.cost, codes(a)) == (b.backup.made_at, b.backup.cost, codes(b))
}

fn is_same_device(a: &Device, b: &Device) -> bool {
    (a.id, &a.name, a.kind, a.algorithm, a.digits, a.added_at)
        == (b.id, &b.name, b.kind, b.algorithm, b.digits, b.added_at)
        && a.secret.is_same_as(&b.secret)
}

/// Every used code of both is used; failures, waits and last login are those of whoever knows of the later event.
fn merged(here: &Ledger, copy: &Ledger) -> Ledger {
    let later = if last_event(copy) > last_event(here) { copy } else { here };
    let devices = here.devices.iter().map(|state| match copy.device(state.device) {
        Some(other) => further(*state, *other),
        None => *state,
    });
    Ledger {
        devices: devices.collect(),
        used_backup_codes: here.used_backup_codes | copy.used_backup_codes,
        // Bypass code and waiver are those of the record here.
        bypass_uses: here.bypass_uses,
        waiver_uses: here.waiver_uses,
        ..later.clone()
    }
}

fn is_as_far(copy: &Ledger, here: &Ledger) -> bool {
    copy.used_backup_codes == here.used_backup_codes
        && copy.devices == here.devices
        && last_event(copy) == last_event(here)
}

fn last_event(ledger: &Ledger) -> Option<UnixTime> {
    ledger.last_login.as_ref().map(|login| login.time).max(ledger.failures_since.last)
}

fn further(a: DeviceState, b: DeviceState) -> DeviceState {
    let progress = match (a.progress, b.progress) {
        (Progress::Totp(a), Progress::Totp(b)) => Progress::Totp(a.later(b)),
        (Progress::Hotp { next: a }, Progress::Hotp { next: b }) => Progress::Hotp { next: a.max(b) },
        (unchanged @ (Progress::Totp(_) | Progress::Hotp { .. }), _) => unchanged,
    };
    DeviceState { progress, used_at: a.used_at.max(b.used_at), ..a }
}

/// The record of the backup comes in place of the one here. What that one knows of a secret or a code that goes on is kept.
fn replaced(here: (&Record, &Ledger), copy: (&Record, &Ledger), window: Window, now: UnixTime) -> Plan {
    let ((record_here, ledger_here), (record, ledger)) = (here, copy);
    let closed = alone(record, ledger, window, now);
    let mut revivals = Vec::new();
    let mut devices = Vec::new();
    for state in &closed.devices {
        let device = record.devices.iter().find(|device| device.id == state.device);
        let goes_on = device.and_then(|device| {
            let same = |other: &&Device| other.secret.is_same_as(&device.secret) && other.kind.counts_as(device.kind);
            ledger_here.device(record_here.devices.iter().find(same)?.id)
        });
        match (goes_on, ledger.device(state.device)) {
            (Some(known), Some(before)) => devices.push(further(*before, *known)),
            (Some(_) | None, _) => {
                revivals.extend(device.map(|device| Revival::Device(device.name.as_str().to_owned())));
                devices.push(*state);
            }
        }
    }
    let (used, void_here) = used_backup_codes(here, copy);
    revivals.extend((void_here > 0).then_some(Revival::BackupCodes(void_here)));
    let later = if last_event(ledger) > last_event(ledger_here) { ledger } else { ledger_here };
    let ledger = Ledger { devices, used_backup_codes: used, bypass_uses: 0, waiver_uses: 0, ..later.clone() };
    // Within one second: this host is the later one, as a rule.
    let is_changed_here = record_here.changed_at >= record.changed_at;
    Plan { standing: Standing::Differs { is_changed_here, revivals }, ledger }
}

/// The bits of the backup's set, and how many of its unused codes are in no set here.
fn used_backup_codes(here: (&Record, &Ledger), copy: (&Record, &Ledger)) -> (u32, u32) {
    let ((record_here, ledger_here), (record, ledger)) = (here, copy);
    let (mut used, mut void_here) = (ledger.used_backup_codes, 0_u32);
    for (index, code) in (0_u8..).zip(&record.backup.codes) {
        let bit = 1_u32.checked_shl(u32::from(index)).unwrap_or(0);
        let is_here = record_here
            .backup
            .codes
            .get(usize::from(index))
            .is_some_and(|other| (other.salt, other.hash) == (code.salt, code.hash));
        if is_here {
            used |= ledger_here.used_backup_codes & bit;
        } else if used & bit == 0 {
            void_here = void_here.saturating_add(1);
        }
    }
    (used, void_here)
}
