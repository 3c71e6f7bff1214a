// SPDX-License-Identifier: MIT OR Apache-2.0
//! The store on a real file system, with time as a value: what is accepted, refused, kept and lost.
#![allow(clippy::arithmetic_side_effects, reason = "small numbers in tests")]

mod archived;
mod batch;
mod devices;
mod granted;
mod invited;
mod model;
mod rebound;
mod rotated;
mod surveyed;
mod world;
mod written;

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::*;
use crate::clock::{BootId, BootTime, Clock, Moment, UnixTime};
use crate::enrollment::{Basis, Confirmed, DeviceSettings, Draft};
use crate::error::Flaw;
use crate::ledger::Method;
use crate::random::SystemRandom;
use crate::record::{DeviceName, Digits, Kind, Period};
use crate::secret::{Algorithm, SharedSecret, TypedCode};
use crate::user::Account;
use crate::verify::judge::{Occasion, Refusal};
use crate::verify::otp;

const NOON: u64 = 1_800_000_000;
const SECRET: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

struct FixedClock(u64);

impl Clock for FixedClock {
    fn now(&self) -> Result<Moment, Fault> {
        Ok(Moment { wall: UnixTime(self.0), since_boot: BootTime(self.0 - 1_000_000), boot: None })
    }

    fn boot_id(&self) -> Option<BootId> {
        Some(BootId([1; 16]))
    }
}

/// A store of its own with alice (uid 4242) enrolled in it.
struct Site {
    directory: TempDir,
    config: Config,
    backup_codes: Vec<String>,
}

fn alice() -> Account {
    Account::for_test("alice", 4242)
}

impl Site {
    fn empty() -> Self {
        Self::under("")
    }

    fn under(more: &str) -> Self {
        let directory = TempDir::new().unwrap();
        let (store, keys) = (directory.path().join("store"), directory.path().join("keys"));
        let text = format!("store = {store:?}\nkeys = {keys:?}\n{more}");
        let path = directory.path().join("config.toml");
        fs::write(&path, &text).unwrap();
        let config = Config::parse(text.as_bytes(), &path).unwrap();
        initialise(&config, &path, &SystemRandom).unwrap();
        Self { directory, config, backup_codes: Vec::new() }
    }

    fn with_alice() -> Self {
        Self::with_alice_under("")
    }

    fn with_alice_under(more: &str) -> Self {
        let mut site = Self::under(more);
        let store = site.open().unwrap();
        let sheet =
            store.commit(site.confirmed(&alice(), SECRET), UnixTime(NOON)).unwrap_or_else(|_| panic!("not committed"));
        let codes = sheet.expose_codes().map(str::to_owned).collect();
        drop(store);
        site.backup_codes = codes;
        site
    }

    fn open(&self) -> Result<Store<'static>, Fault> {
        Store::open(&self.config, &SystemRandom)
    }

    fn confirmed(&self, account: &Account, secret: &str) -> Confirmed {
        let basis = Basis::from(self.open().unwrap().enrollment(account.named()).unwrap());
        draft(account, basis, secret).vouched_for()
    }

    fn file(&self) -> PathBuf {
        self.directory.path().join("store/users/4242")
    }

    fn attempt(&self, code: &str, wall: u64) -> Result<Answer, Fault> {
        let store = self.open()?;
        let locked = match store.lock(alice().named()) {
            Ok(locked) => locked,
            Err(LockFailure::Fault(fault)) => return Err(fault),
            Err(LockFailure::NotEnrolled(_)) => panic!("not enrolled"),
        };
        let code = TypedCode::parse(code.as_bytes(), None).unwrap();
        locked.open(alice().named())?.attempt(&code, &Occasion::new("sshd", None), &FixedClock(wall))?.commit()
    }

    fn admits(&self, code: &str, wall: u64) -> bool {
        matches!(self.attempt(code, wall), Ok(Answer::Accepted(_)))
    }

    fn ledger(&self) -> crate::ledger::Ledger {
        let store = self.open().unwrap();
        let Ok(locked) = store.lock(alice().named()) else { panic!("no lock") };
        locked.open(alice().named()).unwrap().ledger().clone()
    }
}

fn draft(account: &Account, basis: Basis, secret: &str) -> Draft {
    let settings = DeviceSettings {
        name: DeviceName::parse("phone").unwrap(),
        kind: Kind::Totp { period: Period::THIRTY, offset: 0 },
        algorithm: Algorithm::Sha1,
        digits: Digits::SIX,
    };
    let secret = SharedSecret::from_base32(secret).unwrap();
    Draft::new(account.clone(), basis, settings, secret, 10, UnixTime(NOON), &SystemRandom).unwrap()
}

fn code_at(wall: u64) -> String {
    let secret = SharedSecret::from_base32(SECRET).unwrap();
    format!("{:06}", otp::code(&secret, Algorithm::Sha1, Digits::SIX, wall / 30).unwrap())
}

#[test]
fn a_code_logs_in_once_and_the_next_one_after_it() {
    let site = Site::with_alice();
    assert!(site.admits(&code_at(NOON), NOON));
    assert_eq!(site.attempt(&code_at(NOON), NOON).unwrap(), Answer::Refused(Refusal::Replay));
    assert!(site.admits(&code_at(NOON + 30), NOON + 30));
    let ledger = site.ledger();
    assert_eq!(ledger.last_login.unwrap().time, UnixTime(NOON + 30));
}

#[test]
fn a_backup_code_logs_in_once() {
    let site = Site::with_alice();
    let Ok(Answer::Accepted(accepted)) = site.attempt(&site.backup_codes[2], NOON) else { panic!("refused") };
    assert_eq!((accepted.method(), accepted.backup_codes_left()), (Method::BackupCode(2), 9));
    assert!(site.admits(&code_at(NOON), NOON));
    assert_eq!(site.attempt(&site.backup_codes[2], NOON).unwrap(), Answer::Refused(Refusal::UsedBackupCode));
}

#[test]
fn a_login_allocates_nothing_and_leaves_the_record_as_it_is() {
    let site = Site::with_alice();
    let before = (fs::metadata(site.file()).unwrap(), fs::read(site.file()).unwrap());
    assert!(site.admits(&code_at(NOON), NOON));
    let after = (fs::metadata(site.file()).unwrap(), fs::read(site.file()).unwrap());
    assert_eq!(before.0.ino(), after.0.ino());
    assert_eq!((before.0.len(), before.0.blocks()), (12_288, 24));
    assert_eq!((after.0.len(), after.0.blocks()), (12_288, 24));
    assert_eq!(before.1[..8192].len(), 8192);
    assert_eq!(before.1[..4096], after.1[..4096], "the record");
    assert_ne!(before.1[4096..8192], after.1[4096..8192], "the older slot");
    assert_eq!(before.1[8192..], after.1[8192..], "the newer slot");
}

#[test]
fn a_person_without_a_file_is_not_enrolled_only_in_a_verified_store() {
    let site = Site::empty();
    assert!(matches!(site.open().unwrap().enrollment(alice().named()), Ok(Enrollment::NotEnrolled(_))));
    assert!(matches!(site.open().unwrap().lock(alice().named()), Err(LockFailure::NotEnrolled(_))));
    let marker = site.directory.path().join("store/store");
    let bytes = fs::read(&marker).unwrap();

    let mut rotten = bytes.clone();
    rotten[540] ^= 1;
    fs::write(&marker, rotten).unwrap();
    assert!(matches!(site.open().unwrap().enrollment(alice().named()), Err(Fault::Damaged { part: Part::Marker, .. })));

    fs::remove_file(&marker).unwrap();
    assert!(matches!(site.open().unwrap().enrollment(alice().named()), Err(Fault::Missing { part: Part::Marker, .. })));

    let other = Site::empty();
    fs::copy(other.directory.path().join("store/store"), &marker).unwrap();
    assert!(matches!(site.open().unwrap().enrollment(alice().named()), Err(Fault::Missing { part: Part::Key, .. })));

    fs::write(&marker, bytes).unwrap();
    for key in fs::read_dir(site.directory.path().join("keys")).unwrap() {
        fs::remove_file(key.unwrap().path()).unwrap();
    }
    assert!(matches!(site.open().unwrap().enrollment(alice().named()), Err(Fault::Missing { part: Part::Key, .. })));
}

#[test]
fn an_unmounted_store_is_a_fault_and_not_a_store_without_users() {
    let site = Site::with_alice();
    let users = site.directory.path().join("store/users");
    fs::rename(&users, site.directory.path().join("away")).unwrap();
    assert!(matches!(site.open(), Err(Fault::Missing { part: Part::Users, .. })));
    fs::write(&users, "").unwrap();
    assert!(matches!(site.open(), Err(Fault::Untrusted { flaw: Flaw::NotADirectory, .. })));
    fs::remove_dir_all(site.directory.path().join("store")).unwrap();
    assert!(matches!(site.open(), Err(Fault::Missing { part: Part::Store, .. })));
}

#[test]
fn two_first_enrollments_at_once_cannot_both_win() {
    let site = Site::empty();
    let (first, second) = (site.confirmed(&alice(), SECRET), site.confirmed(&alice(), SECRET));
    let store = site.open().unwrap();
    assert!(store.commit(first, UnixTime(NOON)).is_ok());
    assert!(matches!(store.commit(second, UnixTime(NOON)), Err(CommitFailure::Changed)));
    assert_eq!(store.people().unwrap().len(), 1);
}

#[test]
fn whoever_has_enrolled_somebody_keeps_nobody_else_from_it() {
    let site = Site::empty();
    let (bob, open) = (Account::for_test("bob", 4243), site.open().unwrap());
    assert!(open.commit(site.confirmed(&alice(), SECRET), UnixTime(NOON)).is_ok());
    // The first store is still open.
    assert!(site.open().unwrap().commit(site.confirmed(&bob, SECRET), UnixTime(NOON)).is_ok());
}

#[test]
fn a_replacement_is_refused_where_the_record_is_another_by_now() {
    let site = Site::with_alice();
    let (first, second) = (site.confirmed(&alice(), SECRET), site.confirmed(&alice(), SECRET));
    let store = site.open().unwrap();
    assert!(store.commit(first, UnixTime(NOON)).is_ok());
    assert!(matches!(store.commit(second, UnixTime(NOON)), Err(CommitFailure::Changed)));
}

#[test]
fn a_replacement_with_an_equal_secret_keeps_its_last_step_and_the_failures() {
    let site = Site::with_alice();
    assert!(site.admits(&code_at(NOON), NOON));
    for _ in 0..3 {
        assert!(!site.admits(&code_at(NOON - 3000), NOON));
    }
    let failures = site.ledger().throttle.failures();
    assert_eq!(failures, 3);
    let replacement = site.confirmed(&alice(), SECRET);
    assert!(site.open().unwrap().commit(replacement, UnixTime(NOON)).is_ok());
    assert!(!site.admits(&code_at(NOON), NOON), "a used code came back");
    assert_eq!(site.ledger().throttle.failures(), failures);
    assert!(site.admits(&code_at(NOON + 30), NOON + 30));
}

#[test]
fn the_confirming_code_counts_as_used() {
    let site = Site::empty();
    let basis = Basis::from(site.open().unwrap().enrollment(alice().named()).unwrap());
    let rules = site.config.rules();
    let now = FixedClock(NOON).now().unwrap();
    let wrong = TypedCode::parse(code_at(NOON - 3000).as_bytes(), None).unwrap();
    let right = TypedCode::parse(code_at(NOON).as_bytes(), None).unwrap();
    let (draft, refusal) = draft(&alice(), basis, SECRET).confirm(&wrong, &rules, now).err().unwrap();
    assert_eq!(refusal, Refusal::Wrong);
    let Ok(confirmed) = draft.confirm(&right, &rules, now) else { panic!("not confirmed") };
    assert!(site.open().unwrap().commit(confirmed, UnixTime(NOON)).is_ok());
    assert!(!site.admits(&code_at(NOON), NOON));
    assert!(site.admits(&code_at(NOON + 30), NOON));
    assert_eq!(site.ledger().throttle.failures(), 0);
}

#[test]
fn new_backup_codes_void_the_old_and_keep_devices_and_steps() {
    let site = Site::with_alice();
    assert!(site.admits(&code_at(NOON), NOON));
    assert!(site.admits(&site.backup_codes[0], NOON));
    let store = site.open().unwrap();
    let Ok(locked) = store.lock(alice().named()) else { panic!("no lock") };
    let sheet = locked.open(alice().named()).unwrap().renew_backup_codes(5, UnixTime(NOON)).unwrap();
    assert_eq!(sheet.len(), 5);
    assert!(!site.admits(&site.backup_codes[1], NOON));
    let first = sheet.expose_codes().next().unwrap().to_owned();
    assert!(site.admits(&first, NOON), "the index of a used code of the old set is free again");
    assert!(!site.admits(&code_at(NOON), NOON));
    assert!(site.admits(&code_at(NOON + 30), NOON + 30));
}

#[test]
fn unlock_forgets_failures_and_says_whether_there_were_any() {
    let site = Site::with_alice();
    assert!(!site.admits(&code_at(NOON - 3000), NOON));
    for expected in [true, false] {
        let store = site.open().unwrap();
        let Ok(locked) = store.lock(alice().named()) else { panic!("no lock") };
        assert_eq!(locked.open(alice().named()).unwrap().unlock(UnixTime(NOON)).unwrap(), expected);
    }
    assert_eq!(site.ledger().throttle.failures(), 0);
}

#[test]
fn a_file_of_one_person_does_not_serve_another() {
    let site = Site::with_alice();
    let bob = Account::for_test("bob", 4243);
    let bobs_file = site.directory.path().join("store/users/4243");
    fs::copy(site.file(), &bobs_file).unwrap();
    let store = site.open().unwrap();
    let Ok(locked) = store.lock(bob.named()) else { panic!("no lock") };
    assert!(matches!(locked.open(bob.named()), Err(Fault::Foreign { .. })));

    // The header rewritten to suit, the seal does not.
    let mut bytes = fs::read(&bobs_file).unwrap();
    bytes[12..16].copy_from_slice(&4243_u32.to_le_bytes());
    bytes[50..54].copy_from_slice(b"\x03bob");
    bytes[54..56].copy_from_slice(b"\0\0");
    fs::write(&bobs_file, bytes).unwrap();
    let Ok(locked) = store.lock(bob.named()) else { panic!("no lock") };
    assert!(matches!(locked.open(bob.named()), Err(Fault::Damaged { part: Part::Record, .. })));
}

#[test]
fn a_renamed_account_is_told_from_damage_and_never_not_enrolled() {
    let site = Site::with_alice();
    let renamed = Account::for_test("alicia", 4242);
    let store = site.open().unwrap();
    let Ok(locked) = store.lock(renamed.named()) else { panic!("no lock") };
    let fault = locked.open(renamed.named()).err().unwrap();
    assert!(matches!(&fault, Fault::Foreign { made_for, .. } if made_for == "alice (uid 4242)"), "{fault}");
}

#[test]
fn an_old_slot_beside_a_new_record_does_not_unseal() {
    let site = Site::with_alice();
    let old = fs::read(site.file()).unwrap();
    let replacement = site.confirmed(&alice(), SECRET);
    assert!(site.open().unwrap().commit(replacement, UnixTime(NOON)).is_ok());
    let mut mixed = fs::read(site.file()).unwrap();
    mixed[4096..].copy_from_slice(&old[4096..]);
    fs::write(site.file(), mixed).unwrap();
    assert!(matches!(site.attempt(&code_at(NOON), NOON), Err(Fault::Damaged { part: Part::Ledger, .. })));
}

#[test]
fn swapped_slots_do_not_unseal() {
    let site = Site::with_alice();
    let mut bytes = fs::read(site.file()).unwrap();
    let (a, b) = bytes.split_at_mut(8192);
    a[4096..].swap_with_slice(b);
    fs::write(site.file(), bytes).unwrap();
    assert!(matches!(site.attempt(&code_at(NOON), NOON), Err(Fault::Damaged { part: Part::Ledger, .. })));
}

#[test]
fn with_the_newer_slot_rotten_no_used_code_comes_back_and_the_next_login_mends_it() {
    for rot in [8192_usize, 8192 + 8, 8192 + 16, 8192 + 30, 8192 + 90] {
        let site = Site::with_alice();
        // Slots were written as A, B at enrollment: one login writes A, a second one B, the newer.
        assert!(site.admits(&code_at(NOON), NOON));
        assert!(site.admits(&code_at(NOON + 30), NOON + 30));
        let mut bytes = fs::read(site.file()).unwrap();
        bytes[rot] ^= 0x10;
        fs::write(site.file(), bytes).unwrap();
        assert!(!site.admits(&code_at(NOON + 30), NOON + 30), "a used code came back ({rot})");
        assert_eq!(site.ledger().throttle.failures(), 1);
        assert!(!site.admits(&code_at(NOON + 60), NOON + 60));
        assert!(site.admits(&code_at(NOON + 90), NOON + 90));
    }
}

/// Each writes the ledger anew, after which both slots are whole: what the lost one knew to be used is used for good.
#[test]
fn neither_unlock_nor_new_backup_codes_nor_a_replacement_hide_that_a_slot_was_lost() {
    let carry: [fn(&Site); 3] = [
        |site| {
            let store = site.open().unwrap();
            let Ok(locked) = store.lock(alice().named()) else { panic!("no lock") };
            assert!(locked.open(alice().named()).unwrap().unlock(UnixTime(NOON + 30)).unwrap());
        },
        |site| {
            let store = site.open().unwrap();
            let Ok(locked) = store.lock(alice().named()) else { panic!("no lock") };
            locked.open(alice().named()).unwrap().renew_backup_codes(0, UnixTime(NOON + 30)).unwrap();
        },
        |site| {
            let same_secret = site.confirmed(&alice(), SECRET);
            assert!(site.open().unwrap().commit(same_secret, UnixTime(NOON + 30)).is_ok());
        },
    ];
    for carry in carry {
        let site = Site::with_alice();
        assert!(site.admits(&code_at(NOON), NOON));
        assert!(site.admits(&code_at(NOON + 30), NOON + 30));
        let mut bytes = fs::read(site.file()).unwrap();
        bytes[8192 + 90] ^= 0x10;
        fs::write(site.file(), bytes).unwrap();
        carry(&site);
        assert!(!site.admits(&code_at(NOON + 30), NOON + 30), "a used code came back");
        assert!(site.admits(&code_at(NOON + 90), NOON + 90));
    }
}

#[test]
fn a_gap_between_the_slots_sequences_brings_no_used_code_back() {
    let site = Site::with_alice();
    let old = fs::read(site.file()).unwrap();
    for login in 0..3 {
        assert!(site.admits(&code_at(NOON + 30 * login), NOON + 30 * login));
    }
    let mut mixed = fs::read(site.file()).unwrap();
    mixed[4096..8192].copy_from_slice(&old[4096..8192]);
    fs::write(site.file(), &mixed).unwrap();
    assert!(!site.admits(&code_at(NOON + 60), NOON + 60), "the slot between them is lost, and with it the last login");
}

#[test]
fn a_rotten_block_revives_no_backup_code() {
    for slot in [4096_usize, 8192] {
        let site = Site::with_alice();
        assert!(site.admits(&site.backup_codes[0], NOON));
        let mut bytes = fs::read(site.file()).unwrap();
        bytes[slot..slot + 4096].fill(0);
        fs::write(site.file(), bytes).unwrap();
        assert!(!site.admits(&site.backup_codes[0], NOON));
        assert!(site.admits(&site.backup_codes[1], NOON));
    }
}

#[test]
fn no_changed_byte_of_a_file_lets_a_used_code_in_again() {
    let site = Site::with_alice();
    assert!(site.admits(&code_at(NOON), NOON));
    let sound = fs::read(site.file()).unwrap();
    // Every byte of the headers and slot heads, and a sample of the rest.
    let places = (0..600).chain((600..12_288).step_by(97)).chain(4096..4160).chain(8192..8256);
    for place in places {
        let mut bytes = sound.clone();
        bytes[place] ^= 0x01;
        fs::write(site.file(), &bytes).unwrap();
        assert!(!site.admits(&code_at(NOON), NOON), "byte {place}");
    }
}

#[test]
fn a_file_of_another_length_is_damaged() {
    let site = Site::with_alice();
    let sound = fs::read(site.file()).unwrap();
    for length in [0, 1, 511, 512, 4096, 12_287] {
        fs::write(site.file(), &sound[..length]).unwrap();
        assert!(matches!(site.attempt(&code_at(NOON), NOON), Err(Fault::Damaged { .. })), "{length}");
    }
    fs::write(site.file(), [sound.as_slice(), &[0]].concat()).unwrap();
    assert!(matches!(site.attempt(&code_at(NOON), NOON), Err(Fault::Untrusted { flaw: Flaw::TooLarge { .. }, .. })));
}

#[test]
fn whatever_is_not_roots_alone_is_refused_with_its_path() {
    let set_mode = |path: &Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let owned_by = |path: &Path, uid| std::os::unix::fs::chown(path, Some(uid), None).unwrap();
    let key_of =
        |site: &Site| fs::read_dir(site.directory.path().join("keys")).unwrap().next().unwrap().unwrap().path();
    type Place = fn(&Site) -> PathBuf;
    let places: [(Place, u32, u32); 4] = [
        (|site| site.directory.path().join("store"), 0o700, 0o750),
        (|site| site.directory.path().join("store/users"), 0o700, 0o701),
        (|site| site.file(), 0o600, 0o640),
        (|site| site.directory.path().join("keys"), 0o700, 0o755),
    ];
    for (place, right, wrong) in places {
        let site = Site::with_alice();
        let path = place(&site);
        set_mode(&path, wrong);
        let refused = site.attempt(&code_at(NOON), NOON);
        assert!(
            matches!(&refused, Err(Fault::Untrusted { path: p, flaw: Flaw::OpenToOthers { .. } }) if *p == path),
            "{path:?}"
        );
        set_mode(&path, right | 0o020);
        assert!(matches!(
            site.attempt(&code_at(NOON), NOON),
            Err(Fault::Untrusted { flaw: Flaw::WritableByOthers { .. }, .. })
        ));
        set_mode(&path, right);
        owned_by(&path, 1);
        assert!(matches!(
            site.attempt(&code_at(NOON), NOON),
            Err(Fault::Untrusted { flaw: Flaw::Owner { uid: 1 }, .. })
        ));
        owned_by(&path, 0);
        assert!(site.admits(&code_at(NOON), NOON), "{path:?}");
    }
    let site = Site::with_alice();
    set_mode(&key_of(&site), 0o440);
    assert!(matches!(
        site.attempt(&code_at(NOON), NOON),
        Err(Fault::Untrusted { flaw: Flaw::OpenToOthers { .. }, .. })
    ));
    set_mode(&key_of(&site), 0o400);
    owned_by(&key_of(&site), 1);
    assert!(matches!(site.attempt(&code_at(NOON), NOON), Err(Fault::Untrusted { flaw: Flaw::Owner { .. }, .. })));
    set_mode(site.directory.path(), 0o777);
    assert!(matches!(
        site.attempt(&code_at(NOON), NOON),
        Err(Fault::Untrusted { flaw: Flaw::WritableByOthers { .. }, .. })
    ));
}

#[test]
fn links_and_things_that_are_no_files_are_refused_at_every_place() {
    for place in ["store", "store/users", "store/users/4242", "keys"] {
        let site = Site::with_alice();
        let (path, away) = (site.directory.path().join(place), site.directory.path().join("away"));
        fs::rename(&path, &away).unwrap();
        symlink(&away, &path).unwrap();
        let refused = site.attempt(&code_at(NOON), NOON);
        assert!(
            matches!(&refused, Err(Fault::Untrusted { flaw: Flaw::SymbolicLink, path: p }) if *p == path),
            "{refused:?}"
        );
    }
    let site = Site::with_alice();
    fs::hard_link(site.file(), site.directory.path().join("second")).unwrap();
    assert!(matches!(
        site.attempt(&code_at(NOON), NOON),
        Err(Fault::Untrusted { flaw: Flaw::HardLinks { count: 2 }, .. })
    ));

    let site = Site::with_alice();
    fs::remove_file(site.file()).unwrap();
    fs::create_dir(site.file()).unwrap();
    assert!(matches!(site.attempt(&code_at(NOON), NOON), Err(Fault::Untrusted { flaw: Flaw::NotAFile, .. })));
    fs::remove_dir(site.file()).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        site.file(),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
        0,
    )
    .unwrap();
    assert!(fs::symlink_metadata(site.file()).unwrap().file_type().is_fifo());
    assert!(matches!(site.attempt(&code_at(NOON), NOON), Err(Fault::Untrusted { flaw: Flaw::NotAFile, .. })));
}

#[test]
fn init_run_again_changes_nothing() {
    let site = Site::with_alice();
    let before = fs::read(site.directory.path().join("store/store")).unwrap();
    let made = initialise(&site.config, &site.directory.path().join("config.toml"), &SystemRandom).unwrap();
    assert_eq!(made, []);
    assert_eq!(fs::read(site.directory.path().join("store/store")).unwrap(), before);
    assert_eq!(fs::read_dir(site.directory.path().join("keys")).unwrap().count(), 1);
}

#[test]
fn init_never_makes_a_key_for_records_whose_key_is_lost() {
    let site = Site::with_alice();
    let keys = site.directory.path().join("keys");
    fs::rename(&keys, site.directory.path().join("away")).unwrap();
    let config_path = site.directory.path().join("config.toml");
    assert!(matches!(initialise(&site.config, &config_path, &SystemRandom), Err(Fault::KeyLost { .. })));
    assert!(!keys.exists());
    fs::remove_file(site.directory.path().join("store/store")).unwrap();
    assert!(matches!(initialise(&site.config, &config_path, &SystemRandom), Err(Fault::KeyLost { .. })));
    assert!(!keys.exists());
}

#[test]
fn an_init_that_was_interrupted_before_its_key_stood_begins_anew() {
    let site = Site::empty();
    let keys = site.directory.path().join("keys");
    fs::remove_dir_all(&keys).unwrap();
    let made = initialise(&site.config, &site.directory.path().join("config.toml"), &SystemRandom).unwrap();
    assert_eq!(made.iter().map(|made| made.part).collect::<Vec<_>>(), [Part::Keys, Part::Key, Part::Marker]);
    assert!(matches!(site.open().unwrap().enrollment(alice().named()), Ok(Enrollment::NotEnrolled(_))));
}

#[test]
fn init_makes_no_second_store_where_the_first_is_not_mounted() {
    let site = Site::with_alice();
    let (store, away) = (site.directory.path().join("store"), site.directory.path().join("away"));
    fs::rename(&store, &away).unwrap();
    let config_path = site.directory.path().join("config.toml");
    assert!(matches!(initialise(&site.config, &config_path, &SystemRandom), Err(Fault::StoreLost { .. })));
    assert!(!store.exists());
    fs::create_dir(&store).unwrap();
    fs::set_permissions(&store, fs::Permissions::from_mode(0o700)).unwrap();
    assert!(matches!(initialise(&site.config, &config_path, &SystemRandom), Err(Fault::StoreLost { .. })));
    assert_eq!(fs::read_dir(&store).unwrap().count(), 0);
}

#[test]
fn everything_that_init_makes_is_roots_alone_whatever_the_umask() {
    let site = Site::with_alice();
    for (path, mode) in
        [("store", 0o700), ("store/users", 0o700), ("store/store", 0o600), ("keys", 0o700), ("store/users/4242", 0o600)]
    {
        assert_eq!(fs::metadata(site.directory.path().join(path)).unwrap().mode() & 0o7777, mode, "{path}");
    }
    let key = fs::read_dir(site.directory.path().join("keys")).unwrap().next().unwrap().unwrap();
    assert_eq!((key.metadata().unwrap().mode() & 0o7777, key.metadata().unwrap().len()), (0o400, 32));
}

#[test]
fn a_file_left_behind_by_a_kill_is_no_record_and_is_cleared_away() {
    let site = Site::with_alice();
    let stray = site.directory.path().join("store/users/.4242.new");
    fs::write(&stray, fs::read(site.file()).unwrap()).unwrap();
    let store = site.open().unwrap();
    assert_eq!(store.people().unwrap().len(), 1);
    let replacement = site.confirmed(&alice(), SECRET);
    assert!(store.commit(replacement, UnixTime(NOON)).is_ok());
    assert!(!stray.exists());
}

#[test]
fn a_link_under_the_name_of_a_draft_is_not_followed() {
    let site = Site::with_alice();
    let victim = site.directory.path().join("victim");
    fs::write(&victim, "untouched").unwrap();
    symlink(&victim, site.file().with_file_name(".4242.new")).unwrap();
    let replacement = site.confirmed(&alice(), SECRET);
    let refused = site.open().unwrap().commit(replacement, UnixTime(NOON));
    assert!(matches!(refused, Err(CommitFailure::Fault(Fault::Untrusted { flaw: Flaw::NotAFile, .. }))));
    assert_eq!(fs::read_to_string(&victim).unwrap(), "untouched");
    assert!(site.admits(&code_at(NOON), NOON));
}

#[test]
fn names_that_are_no_uid_are_no_records() {
    let site = Site::with_alice();
    for name in ["007", "+7", "1e3", "4294967296", "alice", "4242~"] {
        fs::write(site.directory.path().join("store/users").join(name), "x").unwrap();
    }
    let people = site.open().unwrap().people().unwrap();
    assert_eq!(people.len(), 1);
    assert!(matches!(&people[0], (4242, Ok(person)) if person.name.as_str() == "alice"));
}

#[test]
fn a_removed_person_is_not_enrolled_and_a_damaged_file_can_be_removed() {
    let site = Site::with_alice();
    fs::write(site.file(), "damaged").unwrap();
    let store = site.open().unwrap();
    let Ok(locked) = store.lock_uid(4242) else { panic!("no lock") };
    locked.remove().unwrap();
    assert!(matches!(store.enrollment(alice().named()), Ok(Enrollment::NotEnrolled(_))));
}

#[test]
fn a_lock_that_is_held_for_too_long_is_a_fault_within_its_bound() {
    let site = Site::with_alice();
    let holder = fs::File::open(site.file()).unwrap();
    holder.lock().unwrap();
    let begun = std::time::Instant::now();
    assert!(matches!(site.attempt(&code_at(NOON), NOON), Err(Fault::Busy { .. })));
    assert!(begun.elapsed() < std::time::Duration::from_secs(20));
    drop(holder);
    assert!(site.admits(&code_at(NOON), NOON));
}

#[test]
fn whoever_waited_for_a_replaced_file_judges_by_the_new_one() {
    let site = Site::with_alice();
    let holder = fs::File::open(site.file()).unwrap();
    holder.lock().unwrap();
    std::thread::scope(|scope| {
        let waiter = scope.spawn(|| site.admits(&code_at(NOON), NOON));
        std::thread::sleep(std::time::Duration::from_millis(200));
        // Replaced under the waiter, as a holder does: another secret, so the code is wrong by now.
        let other = Site::empty();
        let secret = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
        let replaced = other.confirmed(&alice(), secret);
        other.open().unwrap().commit(replaced, UnixTime(NOON)).unwrap_or_else(|_| panic!("not committed"));
        for key in fs::read_dir(other.directory.path().join("keys")).unwrap() {
            let key = key.unwrap();
            fs::copy(key.path(), site.directory.path().join("keys").join(key.file_name())).unwrap();
        }
        fs::rename(other.file(), site.file()).unwrap();
        drop(holder);
        assert!(!waiter.join().unwrap());
    });
    assert_eq!(site.ledger().throttle.failures(), 1);
}
