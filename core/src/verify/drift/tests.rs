// SPDX-License-Identifier: MIT OR Apache-2.0
//! Clocks that are off by minutes and by an hour, and what only looks like one.
#![allow(clippy::arithmetic_side_effects, reason = "small numbers in tests")]

use super::*;
use crate::clock::Step;
use crate::ledger::{DeviceState, LastAccepted};
use crate::record::tests::{a_device, a_record};
use crate::secret::SharedSecret;

const NOON: u64 = 1_800_000_000;
const TOTP: Kind = Kind::Totp { period: Period::THIRTY, offset: 0 };

/// With a secret of its own, always the same: no two steps of interest have the same digits by chance.
fn a_phone(id: u8, kind: Kind) -> Device {
    Device { secret: SharedSecret::from_bytes(&[id; 20]).unwrap(), ..a_device(id, kind) }
}

fn ledger_for(record: &Record, last: LastAccepted) -> Ledger {
    let state = |device: &Device| DeviceState {
        device: device.id,
        progress: match device.kind {
            Kind::Totp { .. } => Progress::Totp(last),
            Kind::Hotp => Progress::Hotp { next: 0 },
        },
        used_at: None,
    };
    Ledger::new(record.devices.iter().map(state).collect())
}

fn code_of(device: &Device, step: u64) -> TypedCode {
    let value = otp::code(&device.secret, device.algorithm, device.digits, step).unwrap();
    TypedCode::parse(format!("{value:06}").as_bytes(), None).unwrap()
}

fn shown(record: &Record, last: LastAccepted, code: &TypedCode) -> Option<String> {
    let ledger = ledger_for(record, last);
    of_wrong_code(record, &ledger, code, Window::ONE, UnixTime(NOON)).map(|drift| drift.to_string())
}

#[test]
fn a_code_of_some_minutes_or_an_hour_away_tells_how_far_off_a_clock_is() {
    let (record, now) = (a_record(vec![a_phone(0, TOTP)]), NOON / 30);
    for (step, expected) in [
        (now + 2, Some("+60")),
        (now - 2, Some("-60")),
        (now + 10, Some("+300")),
        (now + 11, Some("+330")),
        (now - 11, Some("-330")),
        (now + 12, None),
        (now - 12, None),
        (now - 119, Some("-3570")),
        (now + 120, Some("+3600")),
        (now + 118, None),
        (now - 121, Some("-3630")),
        (now + 121, Some("+3630")),
        (now + 122, None),
        (now - 122, None),
    ] {
        let code = code_of(&record.devices[0], step);
        assert_eq!(shown(&record, LastAccepted::NEVER, &code).as_deref(), expected, "{step}");
    }
}

#[test]
fn a_code_from_before_the_last_login_is_no_sign_of_a_clock() {
    let (record, now) = (a_record(vec![a_phone(0, TOTP)]), NOON / 30);
    let last = LastAccepted::NEVER.advance(Step(now - 5)).unwrap();
    for (step, is_a_sign) in [(now - 6, false), (now - 5, false), (now - 4, true)] {
        let code = code_of(&record.devices[0], step);
        assert_eq!(shown(&record, last, &code).is_some(), is_a_sign, "{step}");
    }
}

#[test]
fn tokens_that_count_and_devices_with_other_lengths_have_no_clock_to_be_off() {
    let record = a_record(vec![a_phone(0, Kind::Hotp)]);
    assert_eq!(shown(&record, LastAccepted::NEVER, &code_of(&record.devices[0], NOON / 30 + 5)), None);
    let record = a_record(vec![a_phone(0, TOTP)]);
    let longer = TypedCode::parse(b"12345678", None).unwrap();
    assert_eq!(shown(&record, LastAccepted::NEVER, &longer), None);
}

#[test]
fn of_several_devices_each_is_looked_at() {
    let record = a_record((0..8).map(|id| a_phone(id, TOTP)).collect());
    for device in &record.devices {
        assert_eq!(shown(&record, LastAccepted::NEVER, &code_of(device, NOON / 30 + 11)).unwrap(), "+330");
    }
}
