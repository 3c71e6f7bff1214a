// SPDX-License-Identifier: MIT OR Apache-2.0
//! Changes to the devices of an open record. Each writes the whole file anew, with the ledger that goes on; backup codes,
//! failures and the other devices stay as they are.

use crate::clock::UnixTime;
use crate::error::Fault;
use crate::ledger::{DeviceState, Ledger};
use crate::record::{Device, DeviceError, DeviceName};
use crate::secret::TypedCode;
use crate::store::open_record::OpenRecord;
use crate::store::place;
use crate::verify::resync::{self, NotResynchronised, Resynchronised};

/// Why the devices stayed as they were.
#[derive(Debug, thiserror::Error)]
pub enum DeviceFailure {
    /// The record's devices do not allow it.
    #[error("{0}")]
    Refused(#[from] DeviceError),
    /// The two codes did not say where the device stands.
    #[error("{0}")]
    NotResynchronised(#[from] NotResynchronised),
    /// The store.
    #[error("{0}")]
    Fault(#[from] Fault),
}

impl OpenRecord<'_> {
    /// Adds a confirmed draft's devices, with where each of them stands.
    ///
    /// # Errors
    ///
    /// [`DeviceFailure`]; the old devices then stand.
    pub(crate) fn add_devices(
        mut self,
        devices: Vec<Device>,
        draft: &Ledger,
        now: UnixTime,
    ) -> Result<(), DeviceFailure> {
        let mut ledger = self.ledger_to_carry(now);
        for device in devices {
            let drafted = draft.device(device.id).copied();
            let device = self.record.add_device(device)?;
            ledger.devices.extend(drafted.map(|state| DeviceState { device, ..state }));
        }
        Ok(self.write_devices(&ledger, now)?)
    }

    /// Calls a device by another name.
    ///
    /// # Errors
    ///
    /// [`DeviceFailure::Refused`] where there is none of the old name or another of the new one; [`DeviceFailure::Fault`].
    pub fn rename_device(mut self, old: &DeviceName, new: DeviceName, now: UnixTime) -> Result<(), DeviceFailure> {
        self.record.rename_device(old, new)?;
        let ledger = self.ledger_to_carry(now);
        Ok(self.write_devices(&ledger, now)?)
    }

    /// Takes a device away, and what was remembered of it.
    ///
    /// # Errors
    ///
    /// [`DeviceFailure::Refused`] where there is none of that name or no other; [`DeviceFailure::Fault`].
    pub fn remove_device(mut self, name: &DeviceName, now: UnixTime) -> Result<(), DeviceFailure> {
        // Before the device goes: a lost slot closes the windows of those that the record has.
        let mut ledger = self.ledger_to_carry(now);
        let removed = self.record.remove_device(name)?;
        ledger.devices.retain(|state| state.device != removed);
        Ok(self.write_devices(&ledger, now)?)
    }

    /// Sets a device right by two consecutive codes of it. Both are used then. No wait and no block stands in the way,
    /// and none ends by it.
    ///
    /// # Errors
    ///
    /// [`DeviceFailure::NotResynchronised`], and nothing changes nor is charged; [`DeviceFailure::Refused`] where there is
    /// no such device; [`DeviceFailure::Fault`].
    pub fn resynchronise(
        mut self,
        name: &DeviceName,
        codes: [&TypedCode; 2],
        now: UnixTime,
    ) -> Result<Resynchronised, DeviceFailure> {
        let mut ledger = self.ledger_to_carry(now);
        let device = self.record.device_named(name)?;
        let state = ledger.device(device.id).ok_or(NotResynchronised::NoPair)?;
        let found = resync::search(device, state, codes, now)?;
        found.put_down(&mut self.record, &mut ledger);
        self.write_devices(&ledger, now)?;
        Ok(found)
    }

    fn write_devices(mut self, ledger: &Ledger, now: UnixTime) -> Result<(), Fault> {
        self.record.changed_at = now;
        place::rewrite(self, ledger)
    }
}
