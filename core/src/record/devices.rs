// SPDX-License-Identifier: MIT OR Apache-2.0
//! What may become of the devices of a record: one more, another name, one fewer. Whoever writes a record anew for it
//! comes by here, so that names, secrets and ids stay apart.

use crate::record::{Device, DeviceId, DeviceName, Kind, MAX_DEVICES, Record};
use crate::secret::SharedSecret;

/// Why a device is not added, renamed or removed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// There are as many as there can be.
    #[error("there are {MAX_DEVICES} devices already, and nobody has more")]
    Full,
    /// An id is never given twice within a record, so that no state of a removed device passes to another.
    #[error("{} devices were added to this record since it was made, and there cannot be more", u8::MAX)]
    NoIdLeft,
    /// Another device goes by that name.
    #[error("a device is called '{name}' already")]
    NameTaken {
        /// As the other device spells it.
        name: DeviceName,
    },
    /// Its codes would be another device's codes, and each of them would log in twice.
    #[error("the secret is that of the device '{name}'")]
    SecretTaken {
        /// Of the other device.
        name: DeviceName,
    },
    /// No device goes by that name.
    #[error("no device is called '{name}'")]
    Unknown {
        /// As it was asked for.
        name: DeviceName,
    },
    /// Without it the person would be enrolled and have nothing to log in with.
    #[error("'{name}' is the last device")]
    Last {
        /// Of the device.
        name: DeviceName,
    },
}

impl Kind {
    /// Seconds by which a TOTP device's clock is ahead; below zero, behind. `None` for HOTP.
    #[must_use]
    pub fn seconds_ahead(self) -> Option<i64> {
        match self {
            Self::Totp { period, offset } => Some(i64::from(offset).saturating_mul(i64::from(period.seconds()))),
            Self::Hotp => None,
        }
    }

    /// Whether codes of both have the same counters, so that one used under the one is used under the other. An offset
    /// says which counter it is now, and not what a counter's code is.
    #[must_use]
    pub fn counts_as(self, other: Self) -> bool {
        match (self, other) {
            (Self::Totp { period: ours, .. }, Self::Totp { period: theirs, .. }) => ours == theirs,
            (Self::Hotp, Self::Hotp) => true,
            (Self::Totp { .. }, Self::Hotp) | (Self::Hotp, Self::Totp { .. }) => false,
        }
    }
}

impl Record {
    /// The device that goes by a name; people do not mind capitals.
    ///
    /// # Errors
    ///
    /// [`DeviceError::Unknown`].
    pub fn device_named(&self, name: &DeviceName) -> Result<&Device, DeviceError> {
        let found = self.devices.iter().find(|device| device.name.is_same_as(name));
        found.ok_or_else(|| DeviceError::Unknown { name: name.clone() })
    }

    /// The id of one device more, if there may be one of that name.
    ///
    /// # Errors
    ///
    /// [`DeviceError::Full`], [`DeviceError::NoIdLeft`], [`DeviceError::NameTaken`].
    pub fn room_for(&self, name: &DeviceName) -> Result<DeviceId, DeviceError> {
        if self.devices.len() >= MAX_DEVICES {
            return Err(DeviceError::Full);
        }
        if let Ok(taken) = self.device_named(name) {
            return Err(DeviceError::NameTaken { name: taken.name.clone() });
        }
        // The id that comes after it has to be one too.
        if self.next_device == u8::MAX { Err(DeviceError::NoIdLeft) } else { Ok(DeviceId(self.next_device)) }
    }

    /// The same for a device with that secret.
    ///
    /// # Errors
    ///
    /// As [`Record::room_for`]; [`DeviceError::SecretTaken`].
    pub fn room_for_secret(&self, name: &DeviceName, secret: &SharedSecret) -> Result<DeviceId, DeviceError> {
        let id = self.room_for(name)?;
        match self.devices.iter().find(|device| device.secret.is_same_as(secret)) {
            Some(taken) => Err(DeviceError::SecretTaken { name: taken.name.clone() }),
            None => Ok(id),
        }
    }

    /// Adds a device under the next id.
    ///
    /// # Errors
    ///
    /// As [`Record::room_for_secret`]; nothing changes then.
    pub(crate) fn add_device(&mut self, device: Device) -> Result<DeviceId, DeviceError> {
        let id = self.room_for_secret(&device.name, &device.secret)?;
        self.next_device = self.next_device.saturating_add(1);
        self.devices.push(Device { id, ..device });
        Ok(id)
    }

    /// Calls a device by another name. Its own name in other capitals is another name too.
    ///
    /// # Errors
    ///
    /// [`DeviceError::Unknown`], [`DeviceError::NameTaken`].
    pub(crate) fn rename_device(&mut self, old: &DeviceName, new: DeviceName) -> Result<(), DeviceError> {
        let id = self.device_named(old)?.id;
        if let Some(taken) = self.devices.iter().find(|device| device.id != id && device.name.is_same_as(&new)) {
            return Err(DeviceError::NameTaken { name: taken.name.clone() });
        }
        self.devices.iter_mut().filter(|device| device.id == id).for_each(|device| device.name = new.clone());
        Ok(())
    }

    /// Takes a device away; its id is not given again.
    ///
    /// # Errors
    ///
    /// [`DeviceError::Unknown`], [`DeviceError::Last`].
    pub(crate) fn remove_device(&mut self, name: &DeviceName) -> Result<DeviceId, DeviceError> {
        let (id, name) = {
            let device = self.device_named(name)?;
            (device.id, device.name.clone())
        };
        if self.devices.len() <= 1 {
            return Err(DeviceError::Last { name });
        }
        self.devices.retain(|device| device.id != id);
        Ok(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tests::{a_device, a_record};

    fn name(text: &str) -> DeviceName {
        DeviceName::parse(text).unwrap()
    }

    fn called(id: u8, text: &str) -> Device {
        Device { name: name(text), ..a_device(id, Kind::Hotp) }
    }

    fn of(names: &[&str]) -> Record {
        let mut record = a_record(Vec::new());
        record.next_device = 0;
        for text in names {
            record.add_device(called(77, text)).unwrap();
        }
        record
    }

    fn ids(record: &Record) -> Vec<u8> {
        record.devices.iter().map(|device| device.id.0).collect()
    }

    #[test]
    fn a_device_gets_the_next_id_whatever_it_came_with_and_no_id_comes_twice() {
        let mut record = of(&["a", "b", "c"]);
        assert_eq!(ids(&record), [0, 1, 2]);
        assert_eq!(record.remove_device(&name("c")), Ok(DeviceId(2)));
        assert_eq!(record.add_device(called(2, "c")), Ok(DeviceId(3)));
        assert_eq!((ids(&record), record.next_device), (vec![0, 1, 3], 4));
        record.next_device = 254;
        assert_eq!(record.add_device(called(0, "d")), Ok(DeviceId(254)));
        assert_eq!(record.add_device(called(0, "e")), Err(DeviceError::NoIdLeft));
        assert!(Record::from_bytes(&record.to_bytes().unwrap()).is_ok());
    }

    #[test]
    fn nobody_has_more_than_eight_devices() {
        let mut record = of(&["1", "2", "3", "4", "5", "6", "7", "8"]);
        assert_eq!(record.room_for(&name("9")), Err(DeviceError::Full));
        assert_eq!(record.add_device(called(0, "9")), Err(DeviceError::Full));
        record.remove_device(&name("3")).unwrap();
        assert_eq!(record.room_for(&name("9")), Ok(DeviceId(8)));
    }

    #[test]
    fn two_devices_never_have_one_name_in_whatever_capitals() {
        let mut record = of(&["Phone", "Grün"]);
        let taken = |name: &str| Err(DeviceError::NameTaken { name: DeviceName::parse(name).unwrap() });
        assert_eq!(record.add_device(called(0, "pHONE")), taken("Phone").map(|()| DeviceId(0)));
        assert_eq!(record.rename_device(&name("phone"), name("GRÜN")), taken("Grün"));
        assert_eq!(record.rename_device(&name("phone"), name("PHONE")), Ok(()));
        assert_eq!(record.devices[0].name.as_str(), "PHONE");
        assert_eq!(record.devices[1].name.as_str(), "Grün");
    }

    #[test]
    fn two_devices_never_have_one_secret() {
        let mut record = of(&["phone"]);
        let secret = SharedSecret::from_bytes(record.devices[0].secret.expose_bytes()).unwrap();
        let twin = Device { secret, ..called(0, "twin") };
        assert_eq!(record.add_device(twin), Err(DeviceError::SecretTaken { name: name("phone") }));
        assert_eq!((record.devices.len(), record.next_device), (1, 1));
    }

    #[test]
    fn the_last_device_is_not_removed_and_one_that_is_not_there_neither() {
        let mut record = of(&["phone", "token"]);
        assert_eq!(record.remove_device(&name("tablet")), Err(DeviceError::Unknown { name: name("tablet") }));
        assert_eq!(record.remove_device(&name("PHONE")), Ok(DeviceId(0)));
        assert_eq!(record.remove_device(&name("Token")), Err(DeviceError::Last { name: name("token") }));
        assert_eq!(ids(&record), [1]);
    }
}
