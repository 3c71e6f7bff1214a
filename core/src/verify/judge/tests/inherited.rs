// SPDX-License-Identifier: MIT OR Apache-2.0
//! Codes of google-authenticator: eight digits that go on working, once each, beside devices of any length.

use super::*;
use crate::backup::EightDigits;

const THEIRS: [u32; 3] = [12_345_678, 23_456_789, 34_567_890];

/// A person who was taken over, with these devices.
fn taken_over(devices: Vec<Device>) -> Record {
    let codes: Vec<_> = THEIRS.iter().map(|number| EightDigits::new(*number).unwrap()).collect();
    let mut record = a_record(devices);
    record.backup = BackupCodes::inherited(&codes, UnixTime(NOON), &SystemRandom).unwrap();
    record
}

#[test]
fn each_inherited_code_gets_in_once_and_is_known_when_it_comes_again() {
    let record = taken_over(vec![a_device(0, TOTP)]);
    let mut ledger = ledger_for(&record);
    for (index, number) in (0..).zip(THEIRS) {
        let grounds = attempt(&record, &mut ledger, &typed(number, 8), NOON).unwrap();
        assert_eq!((grounds.method, grounds.device, grounds.code_bytes), (Method::BackupCode(index), None, 8));
        assert_eq!(grounds.backup_codes_left, 2 - index);
    }
    let before = ledger.clone();
    assert_eq!(attempt(&record, &mut ledger, &typed(THEIRS[2], 8), NOON), Err(Refusal::Replay));
    assert_eq!(ledger, before, "the last one again is not charged");
    assert_eq!(attempt(&record, &mut ledger, &typed(THEIRS[0], 8), NOON), Err(Refusal::UsedBackupCode));
    assert_eq!(ledger.throttle.failures(), 1);
}

#[test]
fn an_inherited_code_that_was_used_is_written_to_both_slots() {
    let record = taken_over(vec![a_device(0, TOTP)]);
    let occasion = Occasion::new("sshd", None);
    let ledger = ledger_for(&record);
    let code = typed(THEIRS[1], 8);
    let judgement = judge(&record, &ledger, Provenance::Whole, &code, &occasion, &rules(), at(NOON)).unwrap();
    assert!(matches!(judgement.next, Next::BothSlots(next) if next.is_backup_code_used(1)));
}

/// Whoever has inherited codes may be guessed at by eight digits, so that this costs as every guess does.
#[test]
fn eight_digits_that_are_no_inherited_code_are_a_guess_and_seven_are_none() {
    let record = taken_over(vec![a_device(0, TOTP)]);
    let mut ledger = ledger_for(&record);
    for wrong in [12_345_679, 2_345_678, 0] {
        assert_eq!(attempt(&record, &mut ledger, &typed(wrong, 8), NOON), Err(Refusal::Wrong));
    }
    assert_eq!((ledger.throttle.failures(), ledger.used_backup_codes), (3, 0));
    assert_eq!(attempt(&record, &mut ledger, &typed(2_345_678, 7), NOON), Err(Refusal::NoSuchLength));
    assert_eq!(ledger.throttle.failures(), 3);
}

#[test]
fn eight_digits_are_a_devices_code_before_they_are_an_inherited_one() {
    let record = taken_over(vec![of_length(0, 8)]);
    let mut ledger = ledger_for(&record);
    let code = code_at(&record, 0, NOON / 30);
    assert_eq!(attempt(&record, &mut ledger, &code, NOON).unwrap().method, Method::Totp(DeviceId(0)));
    assert_eq!(attempt(&record, &mut ledger, &code, NOON), Err(Refusal::Replay), "of the device");
    let grounds = attempt(&record, &mut ledger, &typed(THEIRS[0], 8), NOON).unwrap();
    assert_eq!((grounds.method, ledger.used_backup_codes), (Method::BackupCode(0), 1));
    assert_eq!(attempt(&record, &mut ledger, &code_at(&record, 0, NOON / 30 - 1), NOON), Err(Refusal::Past));
}

#[test]
fn who_has_no_inherited_codes_is_not_guessed_at_by_eight_digits() {
    let mut record = taken_over(vec![a_device(0, TOTP)]);
    record.backup = BackupCodes::generate(3, UnixTime(NOON), &SystemRandom).unwrap().1;
    let mut ledger = ledger_for(&record);
    assert_eq!(attempt(&record, &mut ledger, &typed(THEIRS[0], 8), NOON), Err(Refusal::NoSuchLength));
    assert_eq!(ledger, ledger_for(&record));
}

#[test]
fn a_wait_keeps_an_inherited_code_from_being_judged_and_used() {
    let record = taken_over(vec![a_device(0, TOTP)]);
    let mut ledger = ledger_for(&record);
    for _ in 0..6 {
        let _: Result<Grounds, Refusal> = attempt(&record, &mut ledger, &typed(0, 8), NOON);
    }
    assert!(matches!(attempt(&record, &mut ledger, &typed(THEIRS[0], 8), NOON), Err(Refusal::Waiting { .. })));
    assert_eq!(ledger.used_backup_codes, 0);
}

#[test]
fn in_one_with_a_password_an_inherited_code_is_taken_off_it_whole() {
    let record = taken_over(vec![a_device(0, TOTP)]);
    let mut ledger = ledger_for(&record);
    let text = with_password(&format!("secret{}", THEIRS[0]));
    let grounds = attempt(&record, &mut ledger, text.code(), NOON).unwrap();
    assert_eq!((grounds.method, grounds.code_bytes), (Method::BackupCode(0), 8));
    // Six digits with a password before them are a device's as ever.
    let text = with_password(&format!("secret{}", digits_of(&record, 0)));
    assert_eq!(attempt(&record, &mut ledger, text.code(), NOON).unwrap().code_bytes, 6);
}

/// Digits that are both: the device has moved on by them, and the inherited code is kept for another day.
#[test]
fn digits_that_are_a_device_s_code_too_use_no_inherited_code_up() {
    let mut record = a_record(vec![of_length(0, 8)]);
    let device = &record.devices[0];
    let code = |step| otp::code(&device.secret, device.algorithm, device.digits, step).unwrap();
    let step = (NOON / 30..).find(|step| code(*step) >= 10_000_000).unwrap();
    let value = code(step);
    let theirs = [EightDigits::new(value).unwrap()];
    record.backup = BackupCodes::inherited(&theirs, UnixTime(NOON), &SystemRandom).unwrap();
    let mut ledger = ledger_for(&record);
    let method = attempt(&record, &mut ledger, &typed(value, 8), step * 30).unwrap().method;
    assert_eq!((method, ledger.used_backup_codes), (Method::Totp(DeviceId(0)), 0));
}
