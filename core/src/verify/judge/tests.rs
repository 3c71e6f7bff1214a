// SPDX-License-Identifier: MIT OR Apache-2.0
//! Codes on a device's time line, with time as a value: which are right, which are used, which are charged.
#![allow(clippy::arithmetic_side_effects, reason = "small numbers in tests")]

use super::*;
use crate::backup::BackupCodes;
use crate::clock::{BootId, BootTime};
use crate::ledger::LastAccepted;
use crate::random::SystemRandom;
use crate::record::Digits;
use crate::record::tests::{a_device, a_record};

const TOTP: Kind = Kind::Totp { period: Period::THIRTY, offset: 0 };
const NOON: u64 = 1_800_000_000;

fn rules() -> Rules {
    Rules { window: Window::ONE, limits: Limits::default() }
}

fn at(wall: u64) -> Moment {
    Moment { wall: UnixTime(wall), since_boot: BootTime(wall - 1_000_000), boot: Some(BootId([1; 16])) }
}

fn ledger_for(record: &Record) -> Ledger {
    let state = |device: &Device| DeviceState {
        device: device.id,
        progress: match device.kind {
            Kind::Totp { .. } => Progress::Totp(LastAccepted::NEVER),
            Kind::Hotp => Progress::Hotp { next: 0 },
        },
        used_at: None,
    };
    Ledger::new(record.devices.iter().map(state).collect())
}

fn typed(value: u32, digits: usize) -> TypedCode {
    TypedCode::parse(format!("{value:0digits$}").as_bytes(), None).unwrap()
}

fn code_at(record: &Record, device: usize, counter: u64) -> TypedCode {
    let device = &record.devices[device];
    let value = otp::code(&device.secret, device.algorithm, device.digits, counter).unwrap();
    typed(value, usize::from(device.digits.count()))
}

/// Judges, keeps the next ledger, and says what came out.
fn attempt(record: &Record, ledger: &mut Ledger, code: &TypedCode, wall: u64) -> Result<Grounds, Refusal> {
    let occasion = Occasion::new("sshd", Some("192.0.2.7"));
    let judgement = judge(record, ledger, Provenance::Whole, code, &occasion, &rules(), at(wall)).unwrap();
    match judgement.next {
        Next::Unchanged => {}
        Next::OneSlot(next) | Next::BothSlots(next) => *ledger = next,
    }
    match judgement.outcome {
        Outcome::Right(grounds) => Ok(grounds),
        Outcome::Refused(refusal) => Err(refusal),
    }
}

#[test]
fn a_code_is_accepted_one_step_early_or_late_and_no_further() {
    let record = a_record(vec![a_device(0, TOTP)]);
    let now = NOON / 30;
    for (step, accepted) in [(now - 2, false), (now - 1, true), (now, true), (now + 1, true), (now + 2, false)] {
        let outcome = attempt(&record, &mut ledger_for(&record), &code_at(&record, 0, step), NOON);
        assert_eq!(outcome.is_ok(), accepted, "{step}");
    }
}

/// Nobody who types the codes of another hour often enough teaches us that hour (THREATS V28).
#[test]
fn codes_in_a_row_of_a_clock_far_off_are_wrong_codes_and_teach_nothing() {
    let record = a_record(vec![a_device(0, TOTP)]);
    let mut ledger = ledger_for(&record);
    let before = ledger.devices.clone();
    let near: Vec<_> = (0..8).map(|step| code_value(&record, NOON / 30 - 1 + step)).collect();
    let far = (NOON / 30 + 1000..).find(|far| (0..4).all(|n| !near.contains(&code_value(&record, far + n)))).unwrap();
    for n in 0..4 {
        let code = code_at(&record, 0, far + n);
        assert_eq!(attempt(&record, &mut ledger, &code, NOON + 30 * n), Err(Refusal::Wrong));
    }
    assert_eq!((&ledger.devices, ledger.throttle.failures()), (&before, 4));
}

#[test]
fn with_a_window_of_none_only_the_present_step_is_accepted() {
    let record = a_record(vec![a_device(0, TOTP)]);
    let rules = Rules { window: Window::new(0).unwrap(), ..rules() };
    for (step, accepted) in [(NOON / 30 - 1, false), (NOON / 30, true), (NOON / 30 + 1, false)] {
        let code = code_at(&record, 0, step);
        let occasion = Occasion::new("sshd", None);
        let ledger = ledger_for(&record);
        let judgement = judge(&record, &ledger, Provenance::Whole, &code, &occasion, &rules, at(NOON)).unwrap();
        assert_eq!(matches!(judgement.outcome, Outcome::Right(_)), accepted);
    }
}

#[test]
fn a_used_code_is_never_accepted_again_with_the_clock_set_back_either() {
    let record = a_record(vec![a_device(0, TOTP)]);
    let mut ledger = ledger_for(&record);
    let code = code_at(&record, 0, NOON / 30);
    assert!(attempt(&record, &mut ledger, &code, NOON).is_ok());
    for wall in [NOON, NOON + 29, NOON + 30, NOON - 30, NOON - 600, NOON + 3600, NOON] {
        assert!(attempt(&record, &mut ledger, &code, wall).is_err(), "{wall}");
    }
    let before = code_at(&record, 0, NOON / 30 - 1);
    assert_eq!(attempt(&record, &mut ledger, &before, NOON), Err(Refusal::Past));
}

#[test]
fn the_last_accepted_code_again_is_refused_and_not_charged() {
    let record = a_record(vec![a_device(0, TOTP)]);
    let mut ledger = ledger_for(&record);
    let code = code_at(&record, 0, NOON / 30);
    assert!(attempt(&record, &mut ledger, &code, NOON).is_ok());
    let before = ledger.clone();
    for _ in 0..100 {
        assert_eq!(attempt(&record, &mut ledger, &code, NOON + 20), Err(Refusal::Replay));
    }
    assert_eq!(ledger, before);
}

#[test]
fn digits_that_fit_two_steps_of_a_window_log_in_once() {
    let record = a_record(vec![a_device(0, TOTP)]);
    let device = &record.devices[0];
    let value = |step| otp::code(&device.secret, device.algorithm, device.digits, step).unwrap();
    let first = (NOON / 30..).find(|step| value(*step) == value(step + 1) || value(*step) == value(step + 2)).unwrap();
    let mut ledger = ledger_for(&record);
    let code = typed(value(first), 6);
    assert!(attempt(&record, &mut ledger, &code, (first + 1) * 30).is_ok());
    for wall in [(first + 1) * 30, (first + 2) * 30, (first + 3) * 30] {
        assert!(attempt(&record, &mut ledger, &code, wall).is_err());
    }
}

#[test]
fn a_wrong_code_is_charged_and_changes_no_device() {
    let record = a_record(vec![a_device(0, TOTP), a_device(1, Kind::Hotp)]);
    let mut ledger = ledger_for(&record);
    let before = ledger.devices.clone();
    let right: Vec<_> = (NOON / 30 - 1..=NOON / 30 + 1).chain(0..20).map(|n| code_value(&record, n)).collect();
    let wrong = (0..).find(|value| !right.contains(value)).unwrap();
    assert_eq!(attempt(&record, &mut ledger, &typed(wrong, 6), NOON), Err(Refusal::Wrong));
    assert_eq!(ledger.devices, before);
    assert_eq!(ledger.throttle.failures(), 1);
    assert_eq!(ledger.failures_since.count, 1);
}

fn code_value(record: &Record, counter: u64) -> u32 {
    let device = &record.devices[usize::from(counter < 1000)];
    otp::code(&device.secret, device.algorithm, device.digits, counter).unwrap()
}

#[test]
fn a_length_that_no_device_has_is_refused_and_not_charged() {
    let record = a_record(vec![a_device(0, TOTP)]);
    let mut ledger = ledger_for(&record);
    assert_eq!(attempt(&record, &mut ledger, &typed(1_234_567, 7), NOON), Err(Refusal::NoSuchLength));
    assert_eq!(ledger, ledger_for(&record));
}

#[test]
fn an_accepted_code_of_one_device_leaves_the_others_usable() {
    let mut long = a_device(1, TOTP);
    long.digits = Digits::new(8).unwrap();
    let record = a_record(vec![a_device(0, TOTP), long, a_device(2, Kind::Hotp)]);
    let mut ledger = ledger_for(&record);
    for (device, counter, method) in [
        (0, NOON / 30, Method::Totp(DeviceId(0))),
        (1, NOON / 30, Method::Totp(DeviceId(1))),
        (2, 0, Method::Hotp(DeviceId(2))),
    ] {
        let grounds = attempt(&record, &mut ledger, &code_at(&record, device, counter), NOON).unwrap();
        assert_eq!(grounds.method, method);
    }
}

#[test]
fn a_counter_moves_on_past_what_was_skipped_and_never_back() {
    let record = a_record(vec![a_device(0, Kind::Hotp)]);
    let mut ledger = ledger_for(&record);
    assert!(attempt(&record, &mut ledger, &code_at(&record, 0, LOOK_AHEAD), NOON).is_ok());
    assert_eq!(attempt(&record, &mut ledger, &code_at(&record, 0, LOOK_AHEAD), NOON), Err(Refusal::Replay));
    assert_eq!(attempt(&record, &mut ledger, &code_at(&record, 0, 3), NOON), Err(Refusal::Wrong));
    assert!(attempt(&record, &mut ledger, &code_at(&record, 0, LOOK_AHEAD + 1), NOON).is_ok());
    assert_eq!(
        attempt(&record, &mut ledger, &code_at(&record, 0, 3 * LOOK_AHEAD), NOON),
        Err(Refusal::Wrong),
        "beyond the look-ahead"
    );
}

#[test]
fn at_most_thirty_candidates_are_computed_whatever_is_enrolled() {
    for totp in 0..=8_u8 {
        for hotp in 0..=(8 - totp) {
            let kinds = (0..totp).map(|_| TOTP).chain((0..hotp).map(|_| Kind::Hotp));
            let record = a_record((0..).zip(kinds).map(|(id, kind)| a_device(id, kind)).collect());
            let per_hotp = look_ahead(&record, Window::ONE) + 2;
            assert!(u64::from(totp) * 3 + u64::from(hotp) * per_hotp <= MAX_CANDIDATES, "{totp} {hotp}");
        }
    }
}

#[test]
fn a_backup_code_is_accepted_once_and_the_rest_are_counted() {
    let (sheet, codes) = BackupCodes::generate(10, UnixTime(1), &SystemRandom).unwrap();
    let record = Record { backup: codes, ..a_record(vec![a_device(0, TOTP)]) };
    let mut ledger = ledger_for(&record);
    let codes: Vec<_> = sheet.expose_codes().map(|c| TypedCode::parse(c.as_bytes(), None).unwrap()).collect();
    let grounds = attempt(&record, &mut ledger, &codes[4], NOON).unwrap();
    assert_eq!((grounds.method, grounds.backup_codes_left), (Method::BackupCode(4), 9));
    assert_eq!(attempt(&record, &mut ledger, &codes[4], NOON), Err(Refusal::Replay));
    assert_eq!(attempt(&record, &mut ledger, &codes[9], NOON).unwrap().backup_codes_left, 8);
    assert_eq!(attempt(&record, &mut ledger, &codes[4], NOON), Err(Refusal::UsedBackupCode));
    assert_eq!(ledger.throttle.failures(), 1);
}

#[test]
fn every_code_of_the_largest_set_is_a_backup_code_and_a_bypass_code_is_none_of_them() {
    let (sheet, codes) = BackupCodes::generate(crate::backup::MAX_CODES, UnixTime(1), &SystemRandom).unwrap();
    let (record, bypass) = granted(Record { backup: codes, ..a_record(vec![a_device(0, TOTP)]) }, 1);
    let mut ledger = ledger_for(&record);
    for (index, code) in (0..).zip(sheet.expose_codes()) {
        let typed = TypedCode::parse(code.as_bytes(), None).unwrap();
        assert_eq!(attempt(&record, &mut ledger, &typed, NOON).unwrap().method, Method::BackupCode(index));
    }
    let grounds = attempt(&record, &mut ledger, &bypass, NOON).unwrap();
    assert_eq!((grounds.method, grounds.backup_codes_left), (Method::Bypass, 0));
}

#[test]
fn a_used_backup_code_and_a_block_are_written_to_both_slots() {
    let (sheet, codes) = BackupCodes::generate(1, UnixTime(1), &SystemRandom).unwrap();
    let record = Record { backup: codes, ..a_record(vec![a_device(0, TOTP)]) };
    let ledger = ledger_for(&record);
    let occasion = Occasion::new("sshd", Some("192.0.2.7"));
    let code = TypedCode::parse(sheet.expose_codes().next().unwrap().as_bytes(), None).unwrap();
    let judgement = judge(&record, &ledger, Provenance::Whole, &code, &occasion, &rules(), at(NOON)).unwrap();
    assert!(matches!(judgement.next, Next::BothSlots(_)));

    let rules = Rules { limits: Limits { other_failures: 1, ..Limits::default() }, ..rules() };
    let wrong = TypedCode::parse(b"0ZZZ-ZZZZ-ZZZZ-ZZZ0", None).err();
    assert!(wrong.is_some());
    let others = a_record(vec![a_device(0, TOTP)]);
    let right: Vec<_> = (NOON / 30 - 1..=NOON / 30 + 1)
        .map(|s| otp::code(&others.devices[0].secret, others.devices[0].algorithm, Digits::SIX, s).unwrap())
        .collect();
    let wrong = typed((0..).find(|v| !right.contains(v)).unwrap(), 6);
    let ledger = ledger_for(&others);
    let judgement = judge(&others, &ledger, Provenance::Whole, &wrong, &occasion, &rules, at(NOON)).unwrap();
    assert!(matches!(judgement.next, Next::BothSlots(_)));
}

fn granted(record: Record, uses: u16) -> (Record, TypedCode) {
    let terms = crate::bypass::BypassTerms::new(3600, uses).unwrap();
    let (code, bypass) = crate::record::Bypass::generate(terms, UnixTime(NOON), &SystemRandom).unwrap();
    let typed = TypedCode::parse(code.expose_code().to_lowercase().as_bytes(), None).unwrap();
    (Record { bypass: Some(bypass), ..record }, typed)
}

#[test]
fn a_bypass_code_is_accepted_as_often_as_it_was_granted_and_no_more() {
    let (record, code) = granted(a_record(vec![a_device(0, TOTP)]), 2);
    let mut ledger = ledger_for(&record);
    for left in [1, 0] {
        let grounds = attempt(&record, &mut ledger, &code, NOON + 10).unwrap();
        assert_eq!((grounds.method, grounds.device, grounds.bypass_uses_left), (Method::Bypass, None, left));
    }
    let before = ledger.clone();
    assert_eq!(attempt(&record, &mut ledger, &code, NOON + 20), Err(Refusal::Replay), "the last accepted code again");
    assert_eq!(ledger, before);
    assert!(attempt(&record, &mut ledger, &code_at(&record, 0, NOON / 30), NOON).is_ok());
    let before = ledger.clone();
    assert_eq!(attempt(&record, &mut ledger, &code, NOON + 20), Err(Refusal::UsedUpBypass));
    assert_eq!(ledger, before, "no guess, so no charge");
}

#[test]
fn a_bypass_code_of_somebody_else_or_without_a_grant_is_a_wrong_code() {
    let (record, _) = granted(a_record(vec![a_device(0, TOTP)]), 1);
    let (_, code) = granted(a_record(Vec::new()), 1);
    for record in [record, a_record(vec![a_device(0, TOTP)])] {
        let mut ledger = ledger_for(&record);
        assert_eq!(attempt(&record, &mut ledger, &code, NOON), Err(Refusal::Wrong));
        assert_eq!((ledger.throttle.failures(), ledger.bypass_uses), (1, 0));
    }
}

#[test]
fn a_bypass_code_holds_before_its_end_and_not_before_it_was_made() {
    let (record, code) = granted(a_record(vec![a_device(0, TOTP)]), 1);
    for (wall, expected) in [
        (NOON - 1, Some(Refusal::BypassOutOfTime)),
        (NOON, None),
        (NOON + 3599, None),
        (NOON + 3600, Some(Refusal::BypassOutOfTime)),
    ] {
        let mut ledger = ledger_for(&record);
        assert_eq!(attempt(&record, &mut ledger, &code, wall).err(), expected, "{wall}");
        assert_eq!(ledger.throttle.failures(), 0);
    }
}

#[test]
fn what_was_once_seen_to_be_over_does_not_come_back_with_the_clock() {
    let (record, code) = granted(a_record(vec![a_device(0, TOTP)]), 5);
    let waiver = crate::record::Waiver { until: UnixTime(NOON + 3600), reason: "phone broken".to_owned() };
    let record = Record { waiver: Some(waiver), ..record };
    let right = code_at(&record, 0, NOON / 30 + 120);
    for typed in [&code, &typed(1_234_567, 7), &right] {
        let mut ledger = ledger_for(&record);
        assert!(crate::waiver::in_force(&record, &ledger, UnixTime(NOON + 60)).is_some());
        drop(attempt(&record, &mut ledger, typed, NOON + 3600));
        assert_eq!(attempt(&record, &mut ledger, &code, NOON + 60), Err(Refusal::BypassOutOfTime));
        assert!(crate::waiver::in_force(&record, &ledger, UnixTime(NOON + 60)).is_none());
    }
}

/// Waiting, as blocked, is not judged, however good the code.
#[test]
fn a_bypass_code_stands_under_the_same_throttle() {
    let (record, code) = granted(a_record(vec![a_device(0, TOTP)]), 1);
    let mut ledger = ledger_for(&record);
    let stale = code_at(&record, 0, NOON / 30 - 50);
    for _ in 0..6 {
        assert_eq!(attempt(&record, &mut ledger, &stale, NOON), Err(Refusal::Wrong));
    }
    assert_eq!(attempt(&record, &mut ledger, &code, NOON), Err(Refusal::Waiting { seconds: 30 }));
    assert_eq!(ledger.bypass_uses, 0);
    assert_eq!(attempt(&record, &mut ledger, &code, NOON + 30).unwrap().failures_since.count, 6);
    assert_eq!(ledger.throttle.failures(), 0);
}

#[test]
fn a_used_bypass_code_is_written_to_both_slots() {
    let (record, code) = granted(a_record(vec![a_device(0, TOTP)]), 3);
    let (ledger, occasion) = (ledger_for(&record), Occasion::new("sshd", Some("192.0.2.7")));
    let judgement = judge(&record, &ledger, Provenance::Whole, &code, &occasion, &rules(), at(NOON)).unwrap();
    assert!(matches!(judgement.next, Next::BothSlots(next) if next.bypass_uses == 1));
}

#[test]
fn waiting_and_blocked_are_refused_unjudged_and_unchanged_even_with_the_right_code() {
    let record = a_record(vec![a_device(0, TOTP)]);
    let mut ledger = ledger_for(&record);
    let stale = code_at(&record, 0, NOON / 30 - 50);
    for _ in 0..6 {
        assert_eq!(attempt(&record, &mut ledger, &stale, NOON), Err(Refusal::Wrong));
    }
    let before = ledger.clone();
    let right = code_at(&record, 0, NOON / 30);
    assert_eq!(attempt(&record, &mut ledger, &right, NOON), Err(Refusal::Waiting { seconds: 30 }));
    assert_eq!(ledger, before);
    let right = code_at(&record, 0, NOON / 30 + 1);
    assert!(attempt(&record, &mut ledger, &right, NOON + 30).is_ok());
    assert_eq!(ledger.throttle.failures(), 0);
}

#[test]
fn with_one_slot_lost_no_code_of_this_window_is_accepted_and_one_failure_is_charged() {
    let record = a_record(vec![a_device(0, TOTP), a_device(1, Kind::Hotp)]);
    let ledger = ledger_for(&record);
    let occasion = Occasion::new("sshd", Some("192.0.2.7"));
    for (device, counter) in [(0, NOON / 30 + 1), (0, NOON / 30), (0, NOON / 30 - 1), (1, 0), (1, 5)] {
        let code = code_at(&record, device, counter);
        let judgement = judge(&record, &ledger, Provenance::OneSlotLost, &code, &occasion, &rules(), at(NOON)).unwrap();
        assert!(matches!(judgement.outcome, Outcome::Refused(_)), "{device} {counter}");
        let Next::BothSlots(mut repaired) = judgement.next else { panic!("both slots are to be written") };
        assert!(repaired.throttle.failures() >= 1);
        let later = code_at(&record, 0, NOON / 30 + 2);
        assert!(attempt(&record, &mut repaired, &later, NOON + 60).is_ok());
    }
}
