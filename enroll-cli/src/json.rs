// SPDX-License-Identifier: MIT OR Apache-2.0
//! The objects that --json prints. Their fields are an interface: they are only ever added to.

pub(crate) mod enroll_many;
mod key;
pub(crate) mod list;
pub(crate) mod rebind;
mod store;
pub(crate) mod vanished;

use serde::Serialize;
use zeroize::Zeroizing;

use nightlatch::error::Fault;

use crate::failure::Failure;
use crate::failure::words::remedy_of;

pub(crate) use key::{KeyChanges, KeyPapers, KeyRotated, KeyState, Keys};
pub(crate) use store::{PersonRestored, StoreBackedUp, StoreRestored};

/// Of every object.
pub(crate) const SCHEMA: u32 = 1;
/// More than the longest object with secrets: a buffer that grows leaves its beginning behind in freed memory.
const ROOM: usize = 16 * 1024;

/// Whom something was done for.
#[derive(Serialize)]
pub(crate) struct Changed<'a> {
    pub(crate) schema: u32,
    pub(crate) changed: bool,
    /// `None` where a record is removed by uid and does not say whose it was.
    pub(crate) user: Option<&'a str>,
    pub(crate) uid: u32,
}

#[derive(Serialize)]
pub(crate) struct Initialised<'a> {
    pub(crate) schema: u32,
    pub(crate) changed: bool,
    pub(crate) made: Vec<MadePart<'a>>,
}

#[derive(Serialize)]
pub(crate) struct MadePart<'a> {
    pub(crate) part: String,
    pub(crate) path: std::borrow::Cow<'a, str>,
}

#[derive(Serialize)]
pub(crate) struct Enrolled<'a> {
    pub(crate) schema: u32,
    pub(crate) changed: bool,
    pub(crate) user: &'a str,
    pub(crate) uid: u32,
    pub(crate) devices: Vec<NewDevice<'a>>,
    pub(crate) backup_codes: Vec<&'a str>,
}

#[derive(Serialize)]
pub(crate) struct DeviceAdded<'a> {
    pub(crate) schema: u32,
    pub(crate) changed: bool,
    pub(crate) user: &'a str,
    pub(crate) uid: u32,
    pub(crate) device: NewDevice<'a>,
}

#[derive(Serialize)]
pub(crate) struct Devices<'a> {
    pub(crate) schema: u32,
    pub(crate) user: &'a str,
    pub(crate) uid: u32,
    pub(crate) devices: Vec<DeviceStatus>,
}

/// A device that was renamed, under its new name, or removed.
#[derive(Serialize)]
pub(crate) struct DeviceChanged<'a> {
    pub(crate) schema: u32,
    pub(crate) changed: bool,
    pub(crate) user: &'a str,
    pub(crate) uid: u32,
    pub(crate) device: &'a str,
}

#[derive(Serialize)]
pub(crate) struct DeviceSetRight<'a> {
    pub(crate) schema: u32,
    pub(crate) changed: bool,
    pub(crate) user: &'a str,
    pub(crate) uid: u32,
    pub(crate) device: &'a str,
    /// Seconds by which its clock is ahead; `None` for a device that has none.
    pub(crate) offset: Option<i64>,
}

#[derive(Serialize)]
pub(crate) struct NewDevice<'a> {
    pub(crate) name: &'a str,
    pub(crate) kind: &'static str,
    pub(crate) algorithm: &'static str,
    pub(crate) digits: u8,
    pub(crate) period: Option<u16>,
    /// Of the first code, where the device goes by counter.
    pub(crate) counter: Option<u64>,
    pub(crate) secret: &'a str,
    pub(crate) uri: &'a str,
}

#[derive(Serialize)]
pub(crate) struct NewBackupCodes<'a> {
    pub(crate) schema: u32,
    pub(crate) changed: bool,
    pub(crate) user: &'a str,
    pub(crate) uid: u32,
    pub(crate) backup_codes: Vec<&'a str>,
}

#[derive(Serialize)]
pub(crate) struct NewBypass<'a> {
    pub(crate) schema: u32,
    pub(crate) changed: bool,
    pub(crate) user: &'a str,
    pub(crate) uid: u32,
    pub(crate) bypass_code: &'a str,
    pub(crate) until: String,
    pub(crate) uses: u16,
}

#[derive(Serialize)]
pub(crate) struct NewWaiver<'a> {
    pub(crate) schema: u32,
    pub(crate) changed: bool,
    pub(crate) user: &'a str,
    pub(crate) uid: u32,
    pub(crate) waived_until: String,
    pub(crate) reason: &'a str,
}

#[derive(Serialize)]
pub(crate) struct NewInvitation<'a> {
    pub(crate) schema: u32,
    pub(crate) changed: bool,
    pub(crate) user: &'a str,
    pub(crate) uid: u32,
    pub(crate) invited_until: String,
}

#[derive(Serialize)]
pub(crate) struct Verified {
    pub(crate) schema: u32,
    /// Whether a code is used now, or a failure counted.
    pub(crate) changed: bool,
    pub(crate) outcome: &'static str,
    pub(crate) method: Option<&'static str>,
    pub(crate) backup_codes_left: u8,
}

/// The fields of a failure's cause.
#[derive(Serialize)]
pub(crate) struct Found<'a> {
    pub(crate) kind: &'static str,
    pub(crate) message: String,
    pub(crate) path: Option<std::borrow::Cow<'a, str>>,
    pub(crate) remedy: String,
}

impl<'a> Found<'a> {
    pub(crate) fn of(fault: &'a Fault) -> Self {
        Self {
            kind: fault.kind(),
            message: fault.to_string(),
            path: fault.path().map(|path| path.to_string_lossy()),
            remedy: remedy_of(fault),
        }
    }
}

/// One person, enrolled or not.
#[derive(Serialize)]
pub(crate) struct PersonStatus {
    pub(crate) schema: u32,
    pub(crate) user: String,
    pub(crate) uid: u32,
    pub(crate) enrolled: bool,
    pub(crate) enrolled_at: Option<String>,
    /// `None` where no invitation holds, and of everybody who is enrolled.
    pub(crate) invited_until: Option<String>,
    pub(crate) devices: Vec<DeviceStatus>,
    pub(crate) backup_codes_left: u8,
    /// Whether they are eight digits of google-authenticator, not ours.
    pub(crate) backup_codes_inherited: bool,
    /// `None` where none holds at present.
    pub(crate) bypass: Option<BypassStatus>,
    /// `None` where none is in force, as the next two.
    pub(crate) waived_until: Option<String>,
    pub(crate) waiver_reason: Option<String>,
    pub(crate) waiver_uses: Option<u32>,
    pub(crate) failures: u32,
    pub(crate) lock: Option<&'static str>,
    pub(crate) locked_until: Option<String>,
    pub(crate) last_login: Option<LastLogin>,
}

#[derive(Serialize)]
pub(crate) struct BypassStatus {
    pub(crate) until: String,
    pub(crate) uses_left: u16,
}

#[derive(Serialize)]
pub(crate) struct DeviceStatus {
    pub(crate) name: String,
    pub(crate) kind: &'static str,
    pub(crate) algorithm: &'static str,
    pub(crate) digits: u8,
    pub(crate) period: Option<u16>,
    /// Seconds by which its clock was found ahead; `None` for a device that has none.
    pub(crate) offset: Option<i64>,
    pub(crate) added_at: String,
    pub(crate) last_used: Option<String>,
}

#[derive(Serialize)]
pub(crate) struct LastLogin {
    pub(crate) time: String,
    pub(crate) service: String,
    /// `None` for a local login.
    pub(crate) source: Option<String>,
}

/// What the policy makes of a login.
#[derive(Serialize)]
pub(crate) struct Explained<'a> {
    pub(crate) schema: u32,
    pub(crate) user: &'a str,
    pub(crate) uid: u32,
    /// `None` where the store does not tell.
    pub(crate) enrolled: Option<bool>,
    pub(crate) service: &'a str,
    /// `None` for a local login.
    pub(crate) source: Option<&'a str>,
    pub(crate) ssh_key: bool,
    pub(crate) nullok: bool,
    pub(crate) passed_over: Vec<PassedOver>,
    /// As the log has it.
    pub(crate) decided_by: String,
    /// Line of the rule; `None` where none decides.
    pub(crate) line: Option<usize>,
    pub(crate) action: &'static str,
    pub(crate) outcome: &'static str,
    /// Where an invitation decides, over an auth line that says `enroll`.
    pub(crate) invited_until: Option<String>,
    /// From when on this login will be refused.
    pub(crate) refused_from: Option<String>,
    /// Until when a waiver lets this person in, where a code would be asked.
    pub(crate) waived_until: Option<String>,
    /// A look-up that a rule depends on, and that did not answer.
    pub(crate) lookup_failed: Option<String>,
    pub(crate) warnings: Vec<PolicyWarning>,
}

#[derive(Serialize)]
pub(crate) struct PassedOver {
    pub(crate) rule: String,
    pub(crate) line: usize,
    pub(crate) condition: &'static str,
    pub(crate) reason: String,
}

/// What is wrong with a config, or surely not meant so.
#[derive(Serialize)]
pub(crate) struct Checked<'a> {
    pub(crate) schema: u32,
    pub(crate) path: std::borrow::Cow<'a, str>,
    pub(crate) errors: Vec<PolicyError<'a>>,
    pub(crate) warnings: Vec<PolicyWarning>,
}

#[derive(Serialize)]
pub(crate) struct PolicyError<'a> {
    pub(crate) line: usize,
    pub(crate) column: usize,
    pub(crate) message: &'a str,
}

#[derive(Serialize)]
pub(crate) struct PolicyWarning {
    pub(crate) line: usize,
    pub(crate) kind: &'static str,
    pub(crate) message: String,
}

#[derive(Serialize)]
struct Failed<'a> {
    schema: u32,
    error: Cause<'a>,
}

#[derive(Serialize)]
pub(crate) struct Cause<'a> {
    kind: &'static str,
    message: String,
    path: Option<std::borrow::Cow<'a, str>>,
    remedy: String,
}

/// The object of a failure.
pub(crate) fn of_failure(failure: &Failure) -> Zeroizing<Vec<u8>> {
    line(&Failed { schema: SCHEMA, error: Cause::of(failure) })
}

impl<'a> Cause<'a> {
    pub(crate) fn of(failure: &'a Failure) -> Self {
        Self {
            kind: failure.kind(),
            message: failure.to_string(),
            path: failure.path().map(|path| path.to_string_lossy()),
            remedy: failure.remedy(),
        }
    }
}

/// One line with one object.
pub(crate) fn line(object: &impl Serialize) -> Zeroizing<Vec<u8>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(ROOM));
    // Neither a vector nor these types can fail; if one ever did, half an object is what a reader cannot take for one.
    let _: serde_json::Result<()> = serde_json::to_writer(&mut *bytes, object);
    bytes.push(b'\n');
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_says_what_where_and_what_to_do() {
        let bytes = of_failure(&Failure::File {
            path: "/root/a.png".into(),
            action: "make",
            source: std::io::ErrorKind::AlreadyExists.into(),
        });
        assert_eq!(
            String::from_utf8(bytes.to_vec()).unwrap(),
            "{\"schema\":1,\"error\":{\"kind\":\"exists\",\"message\":\"/root/a.png: exists, and is not written over\",\
             \"path\":\"/root/a.png\",\"remedy\":\"name another file, or remove that one first\"}}\n"
        );
        let bytes = of_failure(&Failure::NotRoot);
        assert!(String::from_utf8(bytes.to_vec()).unwrap().contains("\"path\":null"));
    }

    #[test]
    fn the_longest_object_with_secrets_fits_the_buffer_without_growing() {
        let (secret, uri, code) = ("A".repeat(205), "%".repeat(1300), "ABCD-EFGH-JKMN-PQRS");
        let device = NewDevice {
            name: &"\u{10ffff}".repeat(32),
            kind: "totp",
            algorithm: "sha512",
            digits: 8,
            period: Some(120),
            counter: Some(u64::MAX),
            secret: &secret,
            uri: &uri,
        };
        let object = Enrolled {
            schema: SCHEMA,
            changed: true,
            user: &"\"".repeat(255),
            uid: u32::MAX,
            devices: vec![device],
            backup_codes: vec![code; 20],
        };
        assert!(line(&object).len() < ROOM);
    }
}
