// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which two codes set a device right, and which do not. The vectors are RFC 4226's and RFC 6238's.
#![allow(clippy::arithmetic_side_effects, reason = "small numbers in tests")]

use super::*;
use crate::record::tests::{a_device, a_record};
use crate::record::{Digits, Kind, Period};
use crate::secret::{Algorithm, SharedSecret};

const NOON: u64 = 1_800_000_000;
const PRESENT: u64 = NOON / 30;
const TOTP: Kind = Kind::Totp { period: Period::THIRTY, offset: 0 };

/// "12345678901234567890", as in RFC 4226 appendix D and RFC 6238 appendix B.
fn rfc_device(kind: Kind, digits: u8) -> Device {
    let secret = SharedSecret::from_bytes(b"12345678901234567890").unwrap();
    Device { secret, algorithm: Algorithm::Sha1, digits: Digits::new(digits).unwrap(), ..a_device(0, kind) }
}

fn never(progress: Progress) -> DeviceState {
    DeviceState { device: DeviceId(0), progress, used_at: None }
}

fn after(step: u64) -> DeviceState {
    never(Progress::Totp(LastAccepted::NEVER.advance(Step(step)).unwrap()))
}

fn unused() -> DeviceState {
    never(Progress::Totp(LastAccepted::NEVER))
}

fn typed(text: &str) -> TypedCode {
    TypedCode::parse(text.as_bytes(), None).unwrap()
}

fn code_of(device: &Device, counter: u64) -> TypedCode {
    let width = usize::from(device.digits.count());
    let value = otp::code(&device.secret, device.algorithm, device.digits, counter).unwrap();
    typed(&format!("{value:0width$}"))
}

fn found(device: &Device, state: &DeviceState, first: u64, second: u64) -> Result<Resynchronised, NotResynchronised> {
    search(device, state, [&code_of(device, first), &code_of(device, second)], UnixTime(NOON))
}

#[test]
fn two_codes_of_rfc_6238_tell_how_far_the_clock_is_off() {
    // Appendix B: the codes at 1111111109 and 1111111111 are those of two steps in a row. The host is an hour ahead.
    let device = rfc_device(TOTP, 8);
    let codes = [&typed("07081804"), &typed("14050471")];
    let found = search(&device, &unused(), codes, UnixTime(1_111_111_111 + 3600)).unwrap();
    assert_eq!(found.seconds_ahead(), Some(-3600));
    assert_eq!(found.progress, after(1_111_111_111 / 30).progress);
    let found = search(&device, &unused(), codes, UnixTime(1_111_111_111 - 90)).unwrap();
    assert_eq!(found.kind, Kind::Totp { period: Period::THIRTY, offset: 3 });
}

#[test]
fn a_pair_is_found_a_day_off_and_no_further() {
    let device = rfc_device(TOTP, 8);
    for (off, is_found) in [(-2881, false), (-2880, true), (-1, true), (0, true), (2880, true), (2881, false)] {
        let second = PRESENT.saturating_add_signed(off);
        let found = found(&device, &unused(), second - 1, second);
        assert_eq!(found.map(|found| found.seconds_ahead()).ok(), is_found.then_some(Some(off * 30)), "{off}");
    }
}

#[test]
fn the_range_is_a_day_whatever_the_period() {
    for (period, steps) in [(15, 5760), (60, 1440), (120, 720)] {
        let period = Period::new(period).unwrap();
        let device = rfc_device(Kind::Totp { period, offset: 0 }, 8);
        let present = NOON / u64::from(period.seconds());
        assert!(found(&device, &unused(), present + steps - 1, present + steps).is_ok());
        assert_eq!(found(&device, &unused(), present + steps, present + steps + 1), Err(NotResynchronised::NoPair));
    }
}

#[test]
fn one_right_code_is_not_enough_nor_are_two_that_are_not_in_a_row() {
    let device = rfc_device(TOTP, 8);
    for (first, second) in [
        (PRESENT, PRESENT),
        (PRESENT + 1, PRESENT),
        (PRESENT, PRESENT + 2),
        (PRESENT - 4000, PRESENT),
        (PRESENT, PRESENT + 9000),
    ] {
        assert_eq!(found(&device, &unused(), first, second), Err(NotResynchronised::NoPair), "{first} {second}");
    }
}

#[test]
fn codes_of_another_length_and_backup_codes_set_nothing_right() {
    let (device, right) = (rfc_device(TOTP, 8), rfc_device(TOTP, 8));
    let six = rfc_device(TOTP, 6);
    let (first, second) = (code_of(&right, PRESENT - 1), code_of(&right, PRESENT));
    for codes in [[&code_of(&six, PRESENT - 1), &second], [&first, &code_of(&six, PRESENT)]] {
        assert_eq!(search(&device, &unused(), codes, UnixTime(NOON)), Err(NotResynchronised::AnotherLength));
    }
    let (sheet, _) = crate::backup::BackupCodes::generate(1, UnixTime(NOON), &crate::random::SystemRandom).unwrap();
    let backup = typed(sheet.expose_codes().next().unwrap());
    assert_eq!(search(&device, &unused(), [&first, &backup], UnixTime(NOON)), Err(NotResynchronised::AnotherLength));
}

/// The last step is the device's own counter. If an offset were reckoned in, a code used under the old one would be
/// fresh under the new one.
#[test]
fn a_used_code_sets_nothing_right_whatever_the_offset_was() {
    for offset in [0, 100, -100] {
        let device = rfc_device(Kind::Totp { period: Period::THIRTY, offset }, 8);
        for (second, expected) in [(50, Some(NotResynchronised::Used)), (51, Some(NotResynchronised::Used)), (52, None)]
        {
            let result = found(&device, &after(PRESENT + 50), PRESENT + second - 1, PRESENT + second);
            assert_eq!(result.as_ref().err(), expected.as_ref(), "{offset} {second}");
        }
    }
}

#[test]
fn both_codes_are_used_from_then_on() {
    let device = rfc_device(TOTP, 8);
    let found = found(&device, &unused(), PRESENT + 199, PRESENT + 200).unwrap();
    let mut record = a_record(vec![device, Device { id: DeviceId(1), ..rfc_device(TOTP, 6) }]);
    let mut ledger = Ledger::new(vec![unused(), DeviceState { device: DeviceId(1), ..unused() }]);
    found.put_down(&mut record, &mut ledger);
    assert_eq!(ledger.devices[0].progress, after(PRESENT + 200).progress);
    assert_eq!(record.devices[0].kind, Kind::Totp { period: Period::THIRTY, offset: 200 });
    assert_eq!((record.devices[1].kind, ledger.devices[1].progress), (TOTP, unused().progress), "the other device");
}

/// Among a hundred thousand secrets this one has, within the day, one pair of six digits twice.
#[test]
fn two_codes_that_come_twice_set_nothing_right_unless_one_place_is_used() {
    let secret = SharedSecret::from_bytes(b"12345678901200089813").unwrap();
    let device = Device { secret, ..rfc_device(TOTP, 6) };
    let (earlier, later) = (PRESENT - 334, PRESENT - 327);
    for second in [earlier, later] {
        assert_eq!(found(&device, &unused(), second - 1, second), Err(NotResynchronised::Twice));
    }
    let found = found(&device, &after(earlier), later - 1, later).unwrap();
    assert_eq!(found.progress, after(later).progress);
}

#[test]
fn two_codes_of_rfc_4226_move_the_counter_past_both() {
    let device = rfc_device(Kind::Hotp, 6);
    // Appendix D: counters 7 and 8.
    let codes = [&typed("162583"), &typed("399871")];
    let found = search(&device, &never(Progress::Hotp { next: 2 }), codes, UnixTime(NOON)).unwrap();
    assert_eq!((found.seconds_ahead(), found.progress), (None, Progress::Hotp { next: 9 }));
}

#[test]
fn counters_are_searched_a_thousand_ahead_and_never_behind() {
    let device = rfc_device(Kind::Hotp, 8);
    let state = never(Progress::Hotp { next: 5000 });
    for (first, is_found) in [(4998, false), (4999, false), (5000, true), (5999, true), (6000, false)] {
        let found = found(&device, &state, first, first + 1);
        let expected = is_found.then_some(Progress::Hotp { next: first + 2 });
        assert_eq!(found.map(|found| found.progress).ok(), expected, "{first}");
    }
}

#[test]
fn the_last_of_all_counters_is_no_place_to_stand() {
    let device = rfc_device(Kind::Hotp, 8);
    let state = never(Progress::Hotp { next: u64::MAX - 3 });
    assert_eq!(found(&device, &state, u64::MAX - 1, u64::MAX), Err(NotResynchronised::NoPair));
    assert!(found(&device, &state, u64::MAX - 2, u64::MAX - 1).is_ok());
}

#[test]
fn a_ledger_of_another_kind_of_device_sets_nothing_right() {
    let device = rfc_device(TOTP, 8);
    assert_eq!(
        found(&device, &never(Progress::Hotp { next: 0 }), PRESENT - 1, PRESENT),
        Err(NotResynchronised::NoPair)
    );
}
