// SPDX-License-Identifier: MIT OR Apache-2.0
//! Codes on a device's time line, with time as a value: which are right, which are used, which are charged.
#![allow(clippy::arithmetic_side_effects, reason = "small numbers in tests")]

use super::*;
use crate::backup::BackupCodes;
use crate::clock::{BootId, BootTime};
use crate::combined::{CodePlace, Combined};
use crate::ledger::LastAccepted;
use crate::random::SystemRandom;
use crate::record::Digits;
use crate::record::tests::{a_device, a_record};
use crate::secret::SharedSecret;

mod inherited;

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

#[test]
fn each_of_eight_devices_gets_in_once_and_a_replay_of_any_is_refused() {
    let kinds = [TOTP, Kind::Hotp, TOTP, Kind::Hotp, TOTP, TOTP, Kind::Hotp, Kind::Hotp];
    let eight = Digits::new(8).unwrap();
    let device = |(id, kind)| Device { digits: eight, ..a_device(id, kind) };
    let record = a_record((0..).zip(kinds).map(device).collect());
    let mut ledger = ledger_for(&record);
    let codes: Vec<_> =
        (0..8).map(|n| code_at(&record, n, if record.devices[n].kind == Kind::Hotp { 0 } else { NOON / 30 })).collect();
    for (n, code) in codes.iter().enumerate() {
        let grounds = attempt(&record, &mut ledger, code, NOON).unwrap();
        let id = DeviceId(u8::try_from(n).unwrap());
        let expected = if kinds[n] == TOTP { Method::Totp(id) } else { Method::Hotp(id) };
        assert_eq!(grounds.method, expected);
        assert_eq!(ledger.device(id).unwrap().used_at, Some(UnixTime(NOON)));
    }
    let before = ledger.clone();
    for code in &codes {
        assert_eq!(attempt(&record, &mut ledger, code, NOON), Err(Refusal::Replay));
    }
    assert_eq!(ledger, before, "a replay is not charged, whichever device it is of");
}

/// Or else the same digits would get in once more, by the other device.
#[test]
fn digits_that_fit_two_devices_at_once_are_used_on_both() {
    let record = a_record(vec![a_device(0, TOTP), a_device(1, Kind::Hotp)]);
    let value = |device: usize, counter| {
        let device = &record.devices[device];
        otp::code(&device.secret, device.algorithm, device.digits, counter).unwrap()
    };
    let steps: std::collections::HashMap<_, _> =
        (NOON / 30..NOON / 30 + 4000).map(|step| (value(0, step), step)).collect();
    let (step, counter) =
        (0..4000).find_map(|counter| steps.get(&value(1, counter)).map(|step| (*step, counter))).unwrap();
    let mut ledger = ledger_for(&record);
    ledger.devices[1].progress = Progress::Hotp { next: counter };
    let (code, wall) = (code_at(&record, 1, counter), step * 30);
    assert!(attempt(&record, &mut ledger, &code, wall).is_ok());
    let last = LastAccepted::NEVER.advance(Step(step)).unwrap();
    assert_eq!(ledger.devices[0].progress, Progress::Totp(last));
    assert_eq!(ledger.devices[1].progress, Progress::Hotp { next: counter + 1 });
    assert_eq!(attempt(&record, &mut ledger, &code, wall), Err(Refusal::Replay));
}

/// RFC 6238 §6: the device's own steps, on its own clock.
#[test]
fn a_device_whose_clock_is_off_is_judged_by_its_offset_with_the_same_window() {
    let offset = -240;
    let kind = Kind::Totp { period: Period::THIRTY, offset };
    let record = a_record(vec![a_device(0, kind)]);
    let its_own = (NOON / 30).checked_add_signed(i64::from(offset)).unwrap();
    let accepted = |step| attempt(&record, &mut ledger_for(&record), &code_at(&record, 0, step), NOON).is_ok();
    for (step, expected) in [(-2, false), (-1, true), (0, true), (1, true), (2, false)] {
        assert_eq!(accepted(its_own.saturating_add_signed(step)), expected, "{step}");
    }
    assert!(!accepted(NOON / 30), "the host's present step");
    // A lost slot closes the window of the device's clock, not of the host's.
    let mut ledger = ledger_for(&record);
    close_the_window(&record, &mut ledger, Window::ONE, UnixTime(NOON));
    assert_eq!(ledger.devices[0].progress, Progress::Totp(LastAccepted::NEVER.advance(Step(its_own + 1)).unwrap()));
}

/// A device with codes of another length, whose number is its own.
fn of_length(id: u8, digits: u8) -> Device {
    Device { digits: Digits::new(digits).unwrap(), ..a_device(id, TOTP) }
}

fn with_password(text: &str) -> Combined {
    Combined::read(text.as_bytes(), CodePlace::End).unwrap()
}

fn digits_of(record: &Record, device: usize) -> String {
    let device = &record.devices[device];
    let value = otp::code(&device.secret, device.algorithm, device.digits, NOON / 30).unwrap();
    format!("{value:0width$}", width = usize::from(device.digits.count()))
}

#[test]
fn in_one_with_a_password_each_device_is_compared_with_the_code_of_its_own_length() {
    let record = a_record(vec![of_length(0, 6), of_length(1, 7), of_length(2, 8)]);
    for (device, digits) in [(0, 6), (1, 7), (2, 8)] {
        for password in ["secret", "secret99999999"] {
            let text = format!("{password}{}", digits_of(&record, device));
            let grounds = attempt(&record, &mut ledger_for(&record), with_password(&text).code(), NOON).unwrap();
            assert_eq!(grounds.code_bytes, digits, "{text}");
        }
    }
    let short = a_record(vec![of_length(0, 8)]);
    let mut ledger = ledger_for(&short);
    assert_eq!(attempt(&short, &mut ledger, with_password("secret123456").code(), NOON), Err(Refusal::NoSuchLength));
    assert_eq!(ledger, ledger_for(&short), "not charged");
}

#[test]
fn of_two_codes_in_one_text_that_are_right_the_longer_is_not_the_password_s_and_both_are_used() {
    let long = of_length(1, 8);
    // The same secret and algorithm: the shorter code is the end of the longer one.
    let short = Device { secret: SharedSecret::from_bytes(long.secret.expose_bytes()).unwrap(), ..of_length(0, 6) };
    let record = a_record(vec![short, long]);
    let mut ledger = ledger_for(&record);
    let text = with_password(&format!("secret{}", digits_of(&record, 1)));
    assert_eq!(attempt(&record, &mut ledger, text.code(), NOON).unwrap().code_bytes, 8);
    assert!(attempt(&record, &mut ledger, &code_at(&record, 0, NOON / 30), NOON).is_err());
}

#[test]
fn what_fails_in_one_with_a_password_is_counted_apart_and_never_in_the_other_buckets() {
    let record = a_record(vec![a_device(0, TOTP)]);
    let mut ledger = ledger_for(&record);
    let combined = Occasion { channel: Channel::WithPassword, ..Occasion::new("imap", Some("192.0.2.7")) };
    let wrong = with_password(&format!("secret{:06}", (code_value(&record, NOON / 30) + 7) % 1_000_000));
    let mut judged = 0;
    for nth in 0..40 {
        let judgement =
            judge(&record, &ledger, Provenance::Whole, wrong.code(), &combined, &rules(), at(NOON + 4000 * nth))
                .unwrap();
        judged += u8::from(judgement.outcome == Outcome::Refused(Refusal::Wrong));
        if let Next::OneSlot(next) | Next::BothSlots(next) = judgement.next {
            ledger = next;
        }
    }
    assert_eq!(judged, Limits::default().combined_failures);
    let later = NOON + 4000 * 40;
    let right = code_at(&record, 0, later / 30);
    assert!(attempt(&record, &mut ledger.clone(), &right, later).is_ok(), "a prompt of its own");
    ledger.throttle.unlock();
    let right = with_password(&format!("secret{:06}", code_value(&record, later / 30)));
    let judgement = judge(&record, &ledger, Provenance::Whole, right.code(), &combined, &rules(), at(later)).unwrap();
    assert!(matches!(judgement.outcome, Outcome::Right(_)));
}
