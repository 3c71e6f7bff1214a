// SPDX-License-Identifier: MIT OR Apache-2.0
//! Rotation of the master key: nothing that was used is fresh afterwards, nobody is locked out meanwhile, and wherever it
//! stops, the next one goes on.

use std::cell::Cell;

use super::*;
use crate::error::Part;
use crate::invitation::InvitationTerms;
use crate::random::Random;
use crate::store::keys::Keyring;

/// Stops a writer after so many draws: each sealed part draws once or twice, so that every step of it comes to be the last.
struct Failing {
    left: Cell<u32>,
}

impl Random for Failing {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), Fault> {
        let left = self.left.get().checked_sub(1).ok_or(Fault::NoRandomness)?;
        self.left.set(left);
        SystemRandom.fill(buffer)
    }
}

fn people() -> [Account; 3] {
    [alice(), Account::for_test("bob", 4243), Account::for_test("carol", 4244)]
}

/// alice, bob and carol are enrolled, dave is invited.
fn a_site() -> Site {
    let site = Site::with_alice();
    for account in &people()[1..] {
        let store = site.open().unwrap();
        store.commit(site.confirmed(account, SECRET), UnixTime(NOON)).unwrap_or_else(|_| panic!("not committed"));
    }
    let store = site.open().unwrap();
    let Enrollment::NotEnrolled(word) = store.enrollment(dave().named()).unwrap() else { panic!("enrolled") };
    let terms = InvitationTerms::new(UnixTime(NOON + 3600), UnixTime(NOON)).unwrap();
    store.invite(&dave(), word, terms).unwrap();
    site
}

fn dave() -> Account {
    Account::for_test("dave", 4245)
}

fn keys_of(site: &Site) -> Vec<KeyId> {
    Keyring::open(site.config.keys()).unwrap().ids().unwrap()
}

/// As `nightlatch key rotate` does it.
fn rotate(site: &Site, random: &dyn Random) -> Result<(Aims, Retired, Vec<Fault>), Fault> {
    let store = Store::open(&site.config, random)?;
    let directory = store.key_directory()?;
    let rotation = store.rotate_key(&directory)?;
    let mut failed = Vec::new();
    let (waiting, silent) = rotation.waiting()?;
    for file in waiting {
        match rotation.seal_anew(file, UnixTime(NOON)) {
            Ok(_) => {}
            Err(Fault::NoRandomness) => return Err(Fault::NoRandomness),
            Err(fault) => failed.push(fault),
        }
    }
    failed.extend(silent);
    let aims = rotation.aims();
    Ok((aims, rotation.retire()?, failed))
}

/// Everybody's record opens, and dave's invitation holds, whatever was done to the keys.
fn all_is_well(site: &Site) {
    let store = site.open().unwrap();
    for account in people() {
        let Ok(locked) = store.lock(account.named()) else { panic!("no lock") };
        assert_eq!(locked.open(account.named()).unwrap().record().devices.len(), 1);
    }
    let Enrollment::NotEnrolled(word) = store.enrollment(dave().named()).unwrap() else { panic!("enrolled") };
    assert!(store.invited(&dave(), word, UnixTime(NOON)).unwrap().is_some());
}

#[test]
fn a_rotation_leaves_one_new_key_and_whatever_was_used_stays_used() {
    let site = a_site();
    let before = keys_of(&site);
    assert!(site.admits(&code_at(NOON), NOON) && site.admits(&site.backup_codes[3], NOON));
    assert!(!site.admits("000000", NOON));
    let ledger = site.ledger();
    let (aims, retired, failed) = rotate(&site, &SystemRandom).unwrap();
    assert_eq!((aims, &retired.removed, failed.len()), (Aims::NewKey, &before, 0));
    let after = keys_of(&site);
    assert!(after.len() == 1 && after != before && retired.kept.is_empty());
    all_is_well(&site);
    assert_eq!(site.ledger(), ledger, "failures, last login and all");
    assert!(!site.admits(&code_at(NOON), NOON));
    assert!(site.admits(&code_at(NOON + 30), NOON + 30) && site.admits(&site.backup_codes[4], NOON + 30));
    assert_eq!(site.attempt(&site.backup_codes[3], NOON + 30).unwrap(), Answer::Refused(Refusal::UsedBackupCode));
    let (standings, silent) = standings(&site.config, &SystemRandom).unwrap();
    let [only] = &standings[..] else { panic!("{standings:?}") };
    assert_eq!((only.id, only.is_for_new_records, only.records, only.invitations), (after[0], true, 3, 1));
    assert!(only.made_at.is_some() && silent.is_empty());
}

#[test]
fn a_lost_slot_is_carried_over_with_the_window_closed() {
    let site = Site::with_alice();
    assert!(site.admits(&code_at(NOON), NOON));
    let mut bytes = fs::read(site.file()).unwrap();
    // The slot that knows of it: sequence 3 went to A.
    bytes[4096 + 60] ^= 1;
    fs::write(site.file(), bytes).unwrap();
    rotate(&site, &SystemRandom).unwrap();
    assert!(!site.admits(&code_at(NOON), NOON), "it was used, and only the lost slot knew");
    assert!(site.admits(&code_at(NOON + 60), NOON + 60));
}

#[test]
fn wherever_a_rotation_stops_everybody_can_log_in_and_the_next_one_ends_it() {
    let mut stopped = 0;
    for draws in 0.. {
        let site = a_site();
        assert!(site.admits(&code_at(NOON), NOON) && site.admits(&site.backup_codes[0], NOON));
        let answer = rotate(&site, &Failing { left: Cell::new(draws) });
        all_is_well(&site);
        assert!(!site.admits(&code_at(NOON), NOON), "{draws}");
        if answer.is_ok() {
            break;
        }
        stopped += 1;
        assert!(!keys_of(&site).is_empty());
        let (marker, _) = site.open().unwrap().marker_key().unwrap();
        let half_done = standings(&site.config, &SystemRandom)
            .unwrap()
            .0
            .iter()
            .any(|key| !key.is_for_new_records && key.records + key.invitations > 0);
        let (aims, retired, failed) = rotate(&site, &SystemRandom).unwrap();
        assert_eq!(aims, if half_done { Aims::GoOn } else { Aims::NewKey }, "{draws}");
        assert!(failed.is_empty() && retired.kept.is_empty());
        if aims == Aims::GoOn {
            assert_eq!(keys_of(&site), [marker], "no third key");
        }
        assert_eq!(keys_of(&site).len(), 1);
        all_is_well(&site);
        assert!(!site.admits(&code_at(NOON), NOON), "{draws}");
        assert!(!site.admits(&site.backup_codes[0], NOON), "{draws}");
    }
    // Key 1, marker 2, each of three records 4, the invitation 2.
    assert_eq!(stopped, 17);
}

#[test]
fn whoever_is_enrolled_during_a_rotation_gets_the_new_key() {
    let site = a_site();
    let store = site.open().unwrap();
    let directory = store.key_directory().unwrap();
    let rotation = store.rotate_key(&directory).unwrap();
    let erin = Account::for_test("erin", 4246);
    store.commit(site.confirmed(&erin, SECRET), UnixTime(NOON)).unwrap_or_else(|_| panic!("not committed"));
    all_is_well(&site);
    let (waiting, _) = rotation.waiting().unwrap();
    assert_eq!(waiting.len(), 4, "three records and an invitation");
    assert!(!waiting.contains(&Waiting::Record(4246)));
}

#[test]
fn a_record_that_does_not_open_is_left_and_keeps_its_key() {
    let site = a_site();
    let before = keys_of(&site);
    let file = site.file().with_file_name("4243");
    let sound = fs::read(&file).unwrap();
    let mut bytes = sound.clone();
    bytes[600] ^= 1;
    fs::write(&file, &bytes).unwrap();
    let (_, retired, failed) = rotate(&site, &SystemRandom).unwrap();
    assert!(matches!(&failed[..], [Fault::Damaged { path, .. }] if *path == file), "{failed:?}");
    assert_eq!((&retired.kept, retired.removed.len()), (&before, 0));
    assert_eq!(fs::read(&file).unwrap(), bytes, "not a byte of it was touched");

    // Where the header does not say which key it needs, every key may be it.
    bytes[0] ^= 1;
    fs::write(&file, &bytes).unwrap();
    let (_, retired, failed) = rotate(&site, &SystemRandom).unwrap();
    assert!(failed.len() == 1 && retired.removed.is_empty() && retired.kept.len() == 2, "{retired:?}");

    fs::write(&file, &sound).unwrap();
    let (aims, retired, failed) = rotate(&site, &SystemRandom).unwrap();
    assert_eq!((aims, failed.len(), retired.removed.len()), (Aims::GoOn, 0, 2));
    all_is_well(&site);
}

/// What the doctor says may be removed.
#[test]
fn a_key_that_only_an_invitation_names_is_no_unused_key() {
    let site = a_site();
    let unused = || unused_keys(&site.config, &SystemRandom).unwrap();
    let [old] = keys_of(&site)[..] else { panic!("one key") };
    let store = site.open().unwrap();
    let directory = store.key_directory().unwrap();
    let rotation = store.rotate_key(&directory).unwrap();
    for file in rotation.waiting().unwrap().0 {
        match file {
            Waiting::Record(_) => assert_eq!(rotation.seal_anew(file, UnixTime(NOON)).unwrap(), SealedAnew::Done),
            Waiting::Invitation(_) => {}
        }
    }
    assert!(unused().is_empty(), "killed here, dave's invitation needs it");
    rotation.seal_anew(Waiting::Invitation(dave().uid()), UnixTime(NOON)).unwrap();
    assert_eq!(unused(), [site.config.keys().join(old.to_string())]);
    rotation.retire().unwrap();
    assert!(unused().is_empty());
    all_is_well(&site);
}

#[test]
fn of_two_rotations_one_waits_and_gives_up() {
    let site = a_site();
    let store = site.open().unwrap();
    let directory = store.key_directory().unwrap();
    let first = store.rotate_key(&directory).unwrap();
    let answer = std::thread::scope(|scope| {
        let second = scope.spawn(|| rotate(&site, &SystemRandom).map(|_| ()));
        second.join().unwrap()
    });
    assert!(matches!(answer, Err(Fault::Busy { ref path }) if path == site.config.keys()), "{answer:?}");
    drop(first);
    assert!(rotate(&site, &SystemRandom).is_ok());
}

#[test]
fn a_draft_that_somebody_writes_is_waited_for_before_a_key_goes() {
    let site = a_site();
    let draft = site.file().with_file_name(".5000.new");
    let file = fs::File::create(&draft).unwrap();
    crate::store::lock::wait_for(&file, &draft).unwrap();
    let answer = rotate(&site, &SystemRandom);
    assert!(matches!(answer, Err(Fault::Busy { ref path }) if *path == draft), "{:?}", answer.map(|_| ()));
    assert_eq!(keys_of(&site).len(), 2, "no key went");
    // Left by a kill: nobody writes it any more.
    drop(file);
    // And what was left of a key by another one.
    let half = site.config.keys().join(".0f0f3d20eaf43174d458ad7091877c54.new");
    fs::write(&half, "half of a key").unwrap();
    assert!(rotate(&site, &SystemRandom).is_ok());
    assert_eq!(fs::read_dir(site.config.keys()).unwrap().count(), 1);
}

#[test]
fn a_key_s_file_is_made_durably_once_and_a_draft_left_by_a_kill_is_no_hindrance() {
    let site = Site::empty();
    let keyring = Keyring::open(site.config.keys()).unwrap();
    let key = crate::secret::MasterKey::generate(&SystemRandom).unwrap();
    let id = key.id().unwrap();
    fs::write(keyring.path().join(format!(".{id}.new")), "half").unwrap();
    keyring.put(id, &key).unwrap();
    assert!(keyring.load(id).is_ok());
    assert!(matches!(keyring.put(id, &key), Err(Fault::Io { action: "rename", .. })));
    keyring.remove(id).unwrap();
    assert!(matches!(keyring.load(id), Err(Fault::Missing { part: Part::Key, .. })));
}
