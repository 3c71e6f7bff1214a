// SPDX-License-Identifier: MIT OR Apache-2.0
//! An enrollment that another program made: all of a person's devices and codes in one record, vouched for by what that
//! program has accepted so far.

use crate::backup::{BackupCodes, BackupSheet};
use crate::clock::UnixTime;
use crate::enrollment::{Basis, Confirmed, DraftError, Purpose};
use crate::import::{InheritedDevice, TakenOver};
use crate::ledger::{DeviceState, Ledger};
use crate::random::Random;
use crate::record::{Device, DeviceId, Record};
use crate::store::NotEnrolled;
use crate::user::Account;

impl Confirmed {
    /// Only for somebody who is not enrolled: nothing of ours is ever replaced by what an old file says.
    ///
    /// # Errors
    ///
    /// [`DraftError`].
    pub fn taken_over(
        account: Account,
        word: NotEnrolled,
        taken: TakenOver,
        now: UnixTime,
        random: &dyn Random,
    ) -> Result<Self, DraftError> {
        if account.has_transient_uid() {
            return Err(DraftError::TransientUid { uid: account.uid() });
        }
        let mut record = Record {
            enrolled_at: now,
            changed_at: now,
            devices: Vec::new(),
            next_device: 0,
            backup: BackupCodes::inherited(&taken.scratch_codes, now, random)?,
            bypass: None,
            waiver: None,
            invited_until: None,
        };
        let mut states = Vec::new();
        for inherited in taken.devices {
            let progress = inherited.progress;
            let device = record.add_device(of_this_record(inherited, now))?;
            states.push(DeviceState { device, progress, used_at: None });
        }
        let (purpose, ledger) = (Purpose::Record(Basis::Absent(word)), Ledger::new(states));
        Ok(Self { account, purpose, record, ledger, sheet: BackupSheet::empty() })
    }
}

fn of_this_record(inherited: InheritedDevice, now: UnixTime) -> Device {
    let InheritedDevice { name, kind, algorithm, digits, secret, progress: _ } = inherited;
    // The record gives the id.
    Device { id: DeviceId(0), name, kind, algorithm, digits, secret, added_at: now }
}
