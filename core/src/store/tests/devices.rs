// SPDX-License-Identifier: MIT OR Apache-2.0
//! Several devices of one person on a disk: added, renamed, removed, set right. What is not meant stays as it was, and no
//! code is fresh again by any of it.
#![allow(clippy::indexing_slicing, reason = "tests")]

use super::*;
use crate::enrollment::{DraftError, FirstCounter};
use crate::ledger::Ledger;
use crate::record::{DeviceError, DeviceId};
use crate::verify::resync::{NotResynchronised, Resynchronised};

/// Of the second device.
const ANOTHER: &str = "MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U";
const TOTP: Kind = Kind::Totp { period: Period::THIRTY, offset: 0 };

fn name(text: &str) -> DeviceName {
    DeviceName::parse(text).unwrap()
}

fn settings(device: &str, kind: Kind) -> DeviceSettings {
    DeviceSettings { name: name(device), kind, algorithm: Algorithm::Sha1, digits: Digits::SIX }
}

fn code_of(secret: &str, counter: u64) -> String {
    let secret = SharedSecret::from_base32(secret).unwrap();
    format!("{:06}", otp::code(&secret, Algorithm::Sha1, Digits::SIX, counter).unwrap())
}

fn typed(text: &str) -> TypedCode {
    TypedCode::parse(text.as_bytes(), None).unwrap()
}

impl Site {
    fn opened<T>(&self, act: impl FnOnce(OpenRecord<'_>) -> T) -> T {
        let store = self.open().unwrap();
        let Ok(locked) = store.lock(alice().named()) else { panic!("no lock") };
        act(locked.open(alice().named()).unwrap())
    }

    fn drafted(&self, device: &str, kind: Kind, secret: &str) -> Result<Draft, DraftError> {
        let secret = SharedSecret::from_base32(secret).unwrap();
        self.opened(|open| {
            Draft::another_device(alice(), &open, settings(device, kind), secret, UnixTime(NOON), &SystemRandom)
        })
    }

    fn commit(&self, draft: Draft) -> Result<(), CommitFailure> {
        let sheet = self.open().unwrap().commit(draft.vouched_for(), UnixTime(NOON))?;
        assert!(sheet.is_empty(), "a device brings no backup codes");
        Ok(())
    }

    fn add(&self, device: &str, kind: Kind, secret: &str) {
        let Ok(draft) = self.drafted(device, kind, secret) else { panic!("no draft") };
        assert!(self.commit(draft).is_ok());
    }

    fn device_names(&self) -> Vec<String> {
        self.opened(|open| open.record().devices.iter().map(|device| device.name.to_string()).collect())
    }

    fn resync(&self, device: &str, codes: [&str; 2], wall: u64) -> Result<Resynchronised, DeviceFailure> {
        let [first, second] = codes.map(typed);
        self.opened(|open| open.resynchronise(&name(device), [&first, &second], UnixTime(wall)))
    }
}

/// Two wrong codes and a used backup code, so that there is something to keep.
fn site_with_a_past() -> Site {
    let site = Site::with_alice();
    assert!(site.admits(&site.backup_codes[3], NOON));
    assert!(site.admits(&code_at(NOON), NOON));
    for _ in 0..2 {
        assert!(!site.admits(&code_of(SECRET, 7), NOON));
    }
    site
}

#[test]
fn a_device_more_gets_in_and_everything_else_stays() {
    let site = site_with_a_past();
    let before = site.ledger();
    site.add("tablet", TOTP, ANOTHER);
    assert_eq!(site.device_names(), ["phone", "tablet"]);
    let after = site.ledger();
    assert_eq!(Ledger { devices: before.devices.clone(), ..after.clone() }, before);
    assert_eq!((&after.devices[..1], after.devices[1].device), (&before.devices[..], DeviceId(1)));
    assert!(!site.admits(&code_at(NOON), NOON), "the phone's code is used");
    assert!(!site.admits(&site.backup_codes[3], NOON), "and so is the backup code");
    assert!(site.admits(&code_of(ANOTHER, NOON / 30), NOON));
    assert!(!site.admits(&code_of(ANOTHER, NOON / 30), NOON));
    assert!(site.admits(&code_at(NOON + 30), NOON), "and the phone goes on");
}

#[test]
fn the_code_that_confirmed_a_device_is_used_and_only_a_code_of_that_device_confirms() {
    let site = Site::with_alice();
    let rules = site.config.rules();
    let now = FixedClock(NOON).now().unwrap();
    let draft = site.drafted("tablet", TOTP, ANOTHER).unwrap_or_else(|_| panic!("no draft"));
    let of_the_phone = typed(&code_at(NOON));
    let Err((draft, _)) = draft.confirm(&of_the_phone, &rules, now) else { panic!("the phone's code confirms") };
    let of_the_sheet = typed(&site.backup_codes[0]);
    let Err((draft, _)) = draft.confirm(&of_the_sheet, &rules, now) else { panic!("a backup code confirms") };
    let Ok(confirmed) = draft.confirm(&typed(&code_of(ANOTHER, NOON / 30)), &rules, now) else {
        panic!("not confirmed")
    };
    assert!(site.open().unwrap().commit(confirmed, UnixTime(NOON)).is_ok());
    assert_eq!(site.attempt(&code_of(ANOTHER, NOON / 30), NOON).unwrap(), Answer::Refused(Refusal::Replay));
    assert!(site.admits(&code_at(NOON), NOON), "what did not confirm is not used");
    assert!(site.admits(&site.backup_codes[0], NOON));
}

#[test]
fn a_counter_begins_where_it_was_said_to_and_moves_past_the_confirming_code() {
    let site = Site::with_alice();
    let draft = site.drafted("token", Kind::Hotp, ANOTHER).unwrap_or_else(|_| panic!("no draft"));
    let draft = draft.beginning_at(FirstCounter::new(1000).unwrap());
    assert_eq!(draft.first_counter(), Some(1000));
    let (rules, now) = (site.config.rules(), FixedClock(NOON).now().unwrap());
    let Err((draft, _)) = draft.confirm(&typed(&code_of(ANOTHER, 999)), &rules, now) else { panic!("confirmed") };
    let Ok(confirmed) = draft.confirm(&typed(&code_of(ANOTHER, 1003)), &rules, now) else { panic!("not confirmed") };
    assert!(site.open().unwrap().commit(confirmed, UnixTime(NOON)).is_ok());
    for used in 999..=1003 {
        assert!(!site.admits(&code_of(ANOTHER, used), NOON), "{used}");
    }
    assert!(site.admits(&code_of(ANOTHER, 1004), NOON));
}

#[test]
fn a_device_that_goes_by_time_has_no_counter_and_none_begins_above_63_bits() {
    let site = Site::with_alice();
    let draft = site.drafted("tablet", TOTP, ANOTHER).unwrap_or_else(|_| panic!("no draft"));
    assert_eq!(draft.beginning_at(FirstCounter::new(5).unwrap()).first_counter(), None);
    assert_eq!(FirstCounter::new(FirstCounter::MAX).map(FirstCounter::number), Some(i64::MAX.unsigned_abs()));
    assert_eq!(FirstCounter::new(FirstCounter::MAX + 1), None);
}

#[test]
fn a_draft_is_not_committed_to_a_record_that_was_changed_meanwhile() {
    for change in ["backup codes", "another device", "removed"] {
        let site = Site::with_alice();
        let draft = site.drafted("tablet", TOTP, ANOTHER).unwrap_or_else(|_| panic!("no draft"));
        match change {
            "backup codes" => drop(site.opened(|open| open.renew_backup_codes(3, UnixTime(NOON)).unwrap())),
            "another device" => site.add("Tablet", Kind::Hotp, "NBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"),
            _ => site.opened(|open| open.remove().unwrap()),
        }
        assert!(matches!(site.commit(draft), Err(CommitFailure::Changed)), "{change}");
        assert!(!site.file().exists() || !site.device_names().contains(&"tablet".to_owned()), "{change}");
    }
}

#[test]
fn a_login_between_draft_and_commit_is_kept() {
    let site = Site::with_alice();
    let draft = site.drafted("tablet", TOTP, ANOTHER).unwrap_or_else(|_| panic!("no draft"));
    assert!(site.admits(&code_at(NOON), NOON));
    assert!(site.commit(draft).is_ok());
    assert!(!site.admits(&code_at(NOON), NOON));
}

#[test]
fn what_there_is_no_room_for_is_not_drafted() {
    let site = Site::with_alice();
    let refused = |name: &str, secret: &str| match site.drafted(name, TOTP, secret) {
        Err(DraftError::NoRoom(cause)) => cause,
        Ok(_) | Err(DraftError::TransientUid { .. } | DraftError::Fault(_)) => panic!("drafted"),
    };
    assert_eq!(refused("PHONE", ANOTHER), DeviceError::NameTaken { name: name("phone") });
    assert_eq!(refused("tablet", SECRET), DeviceError::SecretTaken { name: name("phone") });
    for n in 0..7_u8 {
        site.add(
            &format!("number {n}"),
            Kind::Hotp,
            &format!("MFRGGZDFMZTWQ2LKNNWG23TPOBYXE4{}A", char::from(b'A' + n)),
        );
    }
    assert_eq!(refused("tablet", ANOTHER), DeviceError::Full);
}

#[test]
fn a_device_of_another_name_is_the_same_device() {
    let site = site_with_a_past();
    let before = site.ledger();
    site.opened(|open| open.rename_device(&name("Phone"), name("old phone"), UnixTime(NOON)).unwrap());
    assert_eq!((site.device_names(), site.ledger()), (vec!["old phone".to_owned()], before));
    let none = site.opened(|open| open.rename_device(&name("phone"), name("x"), UnixTime(NOON)));
    assert!(matches!(none, Err(DeviceFailure::Refused(DeviceError::Unknown { .. }))));
}

#[test]
fn a_removed_device_gets_nobody_in_and_its_state_goes_to_no_other() {
    let site = site_with_a_past();
    site.add("tablet", TOTP, ANOTHER);
    assert!(site.admits(&code_of(ANOTHER, NOON / 30), NOON));
    let before = site.ledger();
    site.opened(|open| open.remove_device(&name("tablet"), UnixTime(NOON)).unwrap());
    let after = site.ledger();
    assert_eq!(Ledger { devices: before.devices[..1].to_vec(), ..before }, after);
    assert!(!site.admits(&code_of(ANOTHER, NOON / 30 + 1), NOON));
    site.add("tablet", TOTP, "NBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP");
    assert_eq!(site.ledger().devices[1].device, DeviceId(2));
    assert_eq!(site.ledger().devices[1].used_at, None);
    site.opened(|open| open.remove_device(&name("phone"), UnixTime(NOON)).unwrap());
    let last = site.opened(|open| open.remove_device(&name("tablet"), UnixTime(NOON)));
    assert!(matches!(last, Err(DeviceFailure::Refused(DeviceError::Last { .. }))));
    assert!(site.admits(&code_of("NBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", NOON / 30), NOON));
}

#[test]
fn a_device_whose_clock_was_set_right_gets_in_by_its_own_clock_and_not_by_the_hosts() {
    let site = Site::with_alice();
    let ahead = |steps: u64| code_of(SECRET, NOON / 30 + 120 + steps);
    assert!(!site.admits(&ahead(0), NOON));
    let failures = site.ledger().throttle.failures();
    let found = site.resync("phone", [&ahead(0), &ahead(1)], NOON + 30).unwrap();
    assert_eq!(found.seconds_ahead(), Some(3600));
    assert_eq!(site.ledger().throttle.failures(), failures, "no failure is forgiven or charged");
    for used in [ahead(0), ahead(1)] {
        assert!(!site.admits(&used, NOON + 30));
    }
    assert!(!site.admits(&code_at(NOON + 60), NOON + 60), "the host's own clock");
    assert!(site.admits(&ahead(2), NOON + 60));
}

/// An offset that is taken back leads to steps that were used under it.
#[test]
fn no_offset_makes_a_used_code_usable_again() {
    let site = Site::with_alice();
    let step = |n: i64| code_of(SECRET, (NOON / 30).saturating_add_signed(n));
    assert!(site.admits(&step(0), NOON));
    site.resync("phone", [&step(100), &step(101)], NOON).unwrap();
    assert!(site.admits(&step(102), NOON));
    let back = site.resync("phone", [&step(1), &step(2)], NOON);
    assert!(matches!(back, Err(DeviceFailure::NotResynchronised(NotResynchronised::Used))));
    // A replacement by the same secret has no offset: still nothing at or below the last step.
    let replaced = site.confirmed(&alice(), SECRET);
    assert!(site.open().unwrap().commit(replaced, UnixTime(NOON)).is_ok());
    for used in [-1, 0, 1] {
        assert!(!site.admits(&step(used), NOON), "{used}");
    }
    assert!(!site.admits(&step(102), NOON + 102 * 30), "when the host's clock comes there");
    assert!(site.admits(&step(103), NOON + 102 * 30));
}

#[test]
fn a_wrong_pair_changes_nothing_and_costs_nothing() {
    let site = site_with_a_past();
    let before = fs::read(site.file()).unwrap();
    for codes in [["123456", "654321"], [&*code_at(NOON + 60), &*code_at(NOON + 60)], [&code_at(NOON + 60), "1234567"]]
    {
        assert!(matches!(site.resync("phone", codes, NOON), Err(DeviceFailure::NotResynchronised(_))), "{codes:?}");
    }
    let right = [&*code_at(NOON + 60), &*code_at(NOON + 90)];
    assert!(matches!(site.resync("tablet", right, NOON), Err(DeviceFailure::Refused(DeviceError::Unknown { .. }))));
    assert_eq!(fs::read(site.file()).unwrap(), before);
}

#[test]
fn a_counter_that_ran_ahead_is_caught_up_with_past_both_codes() {
    let site = Site::with_alice();
    site.add("token", Kind::Hotp, ANOTHER);
    assert!(!site.admits(&code_of(ANOTHER, 500), NOON));
    site.resync("token", [&code_of(ANOTHER, 501), &code_of(ANOTHER, 502)], NOON).unwrap();
    for used in [0, 500, 501, 502] {
        assert!(!site.admits(&code_of(ANOTHER, used), NOON), "{used}");
    }
    assert!(site.admits(&code_of(ANOTHER, 503), NOON));
    let behind = site.resync("token", [&code_of(ANOTHER, 10), &code_of(ANOTHER, 11)], NOON);
    assert!(matches!(behind, Err(DeviceFailure::NotResynchronised(NotResynchronised::NoPair))));
}

/// A rewrite makes both slots whole again; what the lost one may have known has to be closed first.
#[test]
fn with_a_slot_lost_no_change_of_a_device_opens_a_used_code_again() {
    for change in ["add", "rename", "remove", "resync"] {
        let site = Site::with_alice();
        site.add("tablet", TOTP, ANOTHER);
        // The add has written slots A and B with sequences 1 and 2; this login goes to A, and then A rots.
        assert!(site.admits(&code_at(NOON), NOON));
        let mut bytes = fs::read(site.file()).unwrap();
        bytes[4096 + 60] ^= 1;
        fs::write(site.file(), bytes).unwrap();
        match change {
            "add" => site.add("token", Kind::Hotp, "NBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"),
            "rename" => site.opened(|open| open.rename_device(&name("phone"), name("x"), UnixTime(NOON)).unwrap()),
            "remove" => site.opened(|open| open.remove_device(&name("tablet"), UnixTime(NOON)).unwrap()),
            _ => {
                let codes = [code_of(ANOTHER, NOON / 30 + 2), code_of(ANOTHER, NOON / 30 + 3)];
                site.resync("tablet", [&codes[0], &codes[1]], NOON).unwrap();
            }
        }
        assert!(!site.opened(|open| open.has_lost_a_slot()), "{change}");
        for used in [code_at(NOON), code_at(NOON + 30)] {
            assert!(!site.admits(&used, NOON), "{change}");
        }
        assert!(site.admits(&code_at(NOON + 60), NOON + 60), "{change}");
    }
}
