// SPDX-License-Identifier: MIT OR Apache-2.0
//! People out of a backup: what was used here stays used, whatever the backup says and wherever a login comes between.

use proptest::prelude::*;

use super::*;
use crate::ledger::Progress;
use crate::restoration::{Revival, Standing};

impl Site {
    fn copy(&self) -> Vec<u8> {
        let copy = self.open().unwrap().copy_person(4242).unwrap().unwrap();
        assert!(copy.flaw.is_none());
        copy.bytes
    }

    fn archived(&self, bytes: &[u8]) -> Result<ArchivedRecord, Fault> {
        open_archived(&self.config, Path::new("/backup"), 4242, bytes, &ArchiveKeys::default())
    }

    fn restore(&self, bytes: &[u8], consent: Consent, wall: u64) -> Restored {
        let store = self.open().unwrap();
        let archived = self.archived(bytes).unwrap();
        let before = archived.compare(&store, UnixTime(wall)).unwrap();
        let restored = archived.restore(&store, consent, UnixTime(wall)).unwrap();
        let (Restored::Written(standing) | Restored::Unchanged(standing) | Restored::Left(standing)) = &restored;
        assert_eq!(*standing, before, "what was said beforehand is what was done");
        restored
    }
}

#[test]
fn a_lost_record_comes_back_with_its_window_closed_and_without_bypass_and_waiver() {
    let site = Site::with_alice();
    assert!(site.admits(&site.backup_codes[0], NOON));
    let store = site.open().unwrap();
    let Ok(locked) = store.lock(alice().named()) else { panic!("no lock") };
    let terms = crate::bypass::BypassTerms::new(3600, 5).unwrap();
    let bypass = locked.open(alice().named()).unwrap().grant_bypass(terms, UnixTime(NOON)).unwrap();
    let copy = site.copy();
    assert!(site.admits(&code_at(NOON), NOON));
    fs::remove_file(site.file()).unwrap();
    assert_eq!(site.restore(&copy, Consent::KeepVoid, NOON), Restored::Written(Standing::New));
    for used in [&code_at(NOON - 30), &code_at(NOON), &code_at(NOON + 30), &site.backup_codes[0]] {
        assert!(!site.admits(used, NOON), "{used}");
    }
    assert!(!site.admits(bypass.expose_code(), NOON));
    assert!(site.admits(&code_at(NOON + 60), NOON + 60) && site.admits(&site.backup_codes[1], NOON + 60));
    // All of its blocks are its own.
    let found = fs::metadata(site.file()).unwrap();
    assert_eq!((found.len(), found.blocks(), found.mode() & 0o7777), (12_288, 24, 0o600));
}

#[test]
fn beside_a_record_both_are_joined_and_nothing_goes_back() {
    let site = Site::with_alice();
    let first = site.copy();
    assert!(site.admits(&code_at(NOON), NOON) && site.admits(&site.backup_codes[0], NOON));
    let second = site.copy();
    let known = site.ledger();
    assert_eq!(site.restore(&first, Consent::Revive, NOON), Restored::Unchanged(Standing::Older));
    assert_eq!(site.restore(&second, Consent::Revive, NOON), Restored::Unchanged(Standing::Same));
    assert_eq!(site.ledger(), known);
    fs::write(site.file(), &first).unwrap();
    // On the older file a login that the backup knows nothing of.
    assert!(site.admits(&site.backup_codes[5], NOON));
    assert_eq!(site.restore(&second, Consent::KeepVoid, NOON), Restored::Written(Standing::Newer));
    for used in [&code_at(NOON), &site.backup_codes[0], &site.backup_codes[5]] {
        assert!(!site.admits(used, NOON), "{used}");
    }
    assert!(site.admits(&site.backup_codes[1], NOON));
}

#[test]
fn failures_are_those_of_whoever_knows_of_the_later_event() {
    let site = Site::with_alice();
    let first = site.copy();
    for wall in [NOON, NOON + 1, NOON + 2] {
        assert!(!site.admits("000000", wall));
    }
    let failed = site.copy();
    assert_eq!(site.restore(&first, Consent::Revive, NOON), Restored::Unchanged(Standing::Older));
    assert_eq!(site.ledger().throttle.failures(), 3, "an older backup forgives nothing");
    fs::write(site.file(), &first).unwrap();
    assert_eq!(site.restore(&failed, Consent::KeepVoid, NOON), Restored::Written(Standing::Newer));
    assert_eq!(site.ledger().throttle.failures(), 3, "and a later one blames again");
}

#[test]
fn another_set_of_backup_codes_comes_back_with_consent_alone() {
    let mut site = Site::with_alice();
    assert!(site.admits(&site.backup_codes[1], NOON));
    let (copy, old) = (site.copy(), site.backup_codes.clone());
    let store = site.open().unwrap();
    let Ok(locked) = store.lock(alice().named()) else { panic!("no lock") };
    let sheet = locked.open(alice().named()).unwrap().renew_backup_codes(10, UnixTime(NOON + 5)).unwrap();
    site.backup_codes = sheet.expose_codes().map(str::to_owned).collect();
    assert!(site.admits(&code_at(NOON + 30), NOON + 30));
    let differs = Standing::Differs { is_changed_here: true, revivals: vec![Revival::BackupCodes(9)] };
    assert_eq!(site.restore(&copy, Consent::KeepVoid, NOON + 30), Restored::Left(differs.clone()));
    assert!(!site.admits(&old[0], NOON + 30) && site.admits(&site.backup_codes[0], NOON + 30));
    let failures = site.ledger().throttle.failures();
    assert_eq!(site.restore(&copy, Consent::Revive, NOON + 30), Restored::Written(differs));
    assert_eq!(site.ledger().throttle.failures(), failures);
    assert!(site.admits(&old[0], NOON + 30) && !site.admits(&site.backup_codes[2], NOON + 30));
    assert!(!site.admits(&code_at(NOON + 30), NOON + 30), "the device goes on, and so does its last step");
    assert!(!site.admits(&old[1], NOON + 30), "used before the backup");
    assert_eq!(site.restore(&copy, Consent::KeepVoid, NOON + 30), Restored::Unchanged(Standing::Older));
}

#[test]
fn a_record_that_differs_keeps_what_is_known_of_the_codes_and_devices_in_both() {
    let site = Site::with_alice();
    let copy = site.copy();
    let store = site.open().unwrap();
    let Ok(locked) = store.lock(alice().named()) else { panic!("no lock") };
    let (phone, other) = (DeviceName::parse("phone").unwrap(), DeviceName::parse("old phone").unwrap());
    let renamed = locked.open(alice().named()).unwrap().rename_device(&phone, other, UnixTime(NOON + 5));
    assert!(renamed.is_ok());
    assert!(site.admits(&code_at(NOON + 30), NOON + 30) && site.admits(&site.backup_codes[0], NOON + 30));
    // Nothing void comes back, so that nobody has to agree.
    let differs = Standing::Differs { is_changed_here: true, revivals: Vec::new() };
    assert_eq!(site.restore(&copy, Consent::KeepVoid, NOON + 30), Restored::Written(differs));
    for used in [&code_at(NOON), &code_at(NOON + 30), &site.backup_codes[0]] {
        assert!(!site.admits(used, NOON + 30), "{used}");
    }
    assert!(site.admits(&code_at(NOON + 60), NOON + 30), "no window is closed where all is known");
    assert!(site.admits(&site.backup_codes[1], NOON + 30));
}

#[test]
fn a_backup_of_another_key_or_uid_or_with_a_changed_byte_is_none() {
    let (site, other) = (Site::with_alice(), Site::with_alice());
    let copy = site.copy();
    assert!(matches!(other.archived(&copy), Err(Fault::Missing { part: Part::Key, .. })));
    let (id, key) = site.open().unwrap().marker_key().unwrap();
    let mut keys = ArchiveKeys::default();
    assert!(keys.add(&id.to_string(), key.expose_bytes()) && !keys.add(&id.to_string(), &[7; 32]));
    let with_keys = open_archived(&other.config, Path::new("/backup"), 4242, &copy, &keys);
    assert!(with_keys.is_ok());
    let elsewhere = open_archived(&site.config, Path::new("/backup"), 4243, &copy, &keys);
    assert!(matches!(elsewhere, Err(Fault::Foreign { .. })));
    for place in [0, 20, 52, 600, 700] {
        let mut changed = copy.clone();
        changed[place] ^= 1;
        assert!(site.archived(&changed).is_err(), "{place}");
    }
    assert!(site.archived(&copy[..4096]).is_err());
}

#[test]
fn a_backup_that_has_lost_a_slot_says_nothing_of_what_that_one_knew() {
    let site = Site::with_alice();
    assert!(site.admits(&code_at(NOON), NOON));
    let mut copy = site.copy();
    copy[4096 + 60] ^= 1;
    fs::remove_file(site.file()).unwrap();
    site.restore(&copy, Consent::KeepVoid, NOON);
    assert!(!site.admits(&code_at(NOON), NOON));
}

#[test]
fn a_file_of_another_name_is_never_written_over() {
    let site = Site::with_alice();
    let copy = site.copy();
    fs::remove_file(site.file()).unwrap();
    let mallory = Account::for_test("mallory", 4242);
    let store = site.open().unwrap();
    store.commit(site.confirmed(&mallory, SECRET), UnixTime(NOON)).unwrap_or_else(|_| panic!("not committed"));
    let before = fs::read(site.file()).unwrap();
    let archived = site.archived(&copy).unwrap();
    let answer = archived.restore(&store, Consent::Revive, UnixTime(NOON));
    assert!(matches!(answer, Err(Fault::Foreign { .. })), "{answer:?}");
    assert_eq!(fs::read(site.file()).unwrap(), before);
}

#[derive(Debug, Clone)]
enum Event {
    /// A code so many steps on, or one of the sheet.
    Code(u64),
    Backup(usize),
    Copy,
    Restore(usize),
    Rotate,
    Lose,
}

fn events() -> impl Strategy<Value = Event> {
    prop_oneof![
        4 => (0_u64..6).prop_map(Event::Code),
        4 => (0_usize..10).prop_map(Event::Backup),
        2 => Just(Event::Copy),
        3 => (0_usize..4).prop_map(Event::Restore),
        1 => Just(Event::Rotate),
        1 => Just(Event::Lose),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    /// As long as the record is not lost, no order of logins, backups, restores and rotations lets a code in twice.
    #[test]
    fn no_code_is_let_in_twice_however_often_backups_are_restored(
        events in proptest::collection::vec(events(), 1..40),
    ) {
        let site = Site::with_alice();
        let (mut wall, mut let_in, mut copies) = (NOON, std::collections::HashSet::new(), vec![site.copy()]);
        for event in events {
            match event {
                Event::Code(steps) => {
                    let code = code_at(wall + 30 * steps - 30);
                    if site.admits(&code, wall) {
                        prop_assert!(let_in.insert(code.clone()), "{code} was let in twice");
                    }
                    wall += 30 * steps;
                }
                Event::Backup(index) => {
                    let code = site.backup_codes[index].clone();
                    if site.admits(&code, wall) {
                        prop_assert!(let_in.insert(code.clone()), "{code} was let in twice");
                    }
                }
                Event::Copy => copies.push(site.copy()),
                Event::Restore(which) => {
                    let copy = &copies[which % copies.len()];
                    // The keys of before a rotation are gone.
                    if site.archived(copy).is_ok() {
                        site.restore(copy, Consent::KeepVoid, wall);
                    }
                }
                Event::Rotate => {
                    let store = site.open().unwrap();
                    let directory = store.key_directory().unwrap();
                    let rotation = store.rotate_key(&directory).unwrap();
                    for file in rotation.waiting().unwrap().0 {
                        rotation.seal_anew(file, UnixTime(wall)).unwrap();
                    }
                }
                Event::Lose => {
                    // What was used since the last backup of all: nobody can know. The backup is made right before.
                    let copy = site.copy();
                    fs::remove_file(site.file()).unwrap();
                    site.restore(&copy, Consent::KeepVoid, wall);
                }
            }
        }
        let ledger = site.ledger();
        prop_assert!(matches!(ledger.devices[0].progress, Progress::Totp(_)));
    }
}
