// SPDX-License-Identifier: MIT OR Apache-2.0
//! Accounts that were renamed or have another uid: the record goes with them, and what was used stays used.

use super::*;
use crate::waiver::WaiverTerms;

impl Site {
    fn rebinds(&self, from: u32, to: &Account) -> Result<bool, RebindFailure> {
        let store = self.open().unwrap();
        let person = store.person(from).unwrap_or(Person { name: to.name().clone(), uid: from, made_for: from });
        store.rebind(&person, to, UnixTime(NOON + 90))
    }

    fn try_as(&self, account: &Account, code: &str, wall: u64) -> Result<Answer, Fault> {
        let store = self.open()?;
        let locked = match store.lock(account.named()) {
            Ok(locked) => locked,
            Err(LockFailure::Fault(fault)) => return Err(fault),
            Err(LockFailure::NotEnrolled(_)) => panic!("{} is not enrolled", account.name()),
        };
        let code = TypedCode::parse(code.as_bytes(), None).unwrap();
        locked.open(account.named())?.attempt(&code, &Occasion::new("sshd", None), &FixedClock(wall))?.commit()
    }

    fn is_absent(&self, account: &Account) -> bool {
        matches!(self.open().unwrap().enrollment(account.named()), Ok(Enrollment::NotEnrolled(_)))
    }

    /// A code, a backup code, a failure and a waiver.
    fn used() -> Self {
        let site = Self::with_alice();
        assert!(site.admits(&code_at(NOON), NOON));
        assert!(site.admits(&site.backup_codes[3], NOON + 1));
        assert!(!site.admits("000000", NOON + 2));
        let terms = WaiverTerms::new(UnixTime(NOON + 9000), "phone broken", UnixTime(NOON)).unwrap();
        let store = site.open().unwrap();
        let Ok(locked) = store.lock(alice().named()) else { panic!("no lock") };
        locked.open(alice().named()).unwrap().grant_waiver(terms, UnixTime(NOON)).unwrap();
        drop(store);
        site
    }

    fn used_stays_used(&self, account: &Account) {
        for used in [&code_at(NOON), &self.backup_codes[3]] {
            assert!(matches!(self.try_as(account, used, NOON + 3), Ok(Answer::Refused(_))));
        }
        assert!(matches!(self.try_as(account, &code_at(NOON + 60), NOON + 60), Ok(Answer::Accepted(_))));
        assert!(matches!(self.try_as(account, &self.backup_codes[4], NOON + 61), Ok(Answer::Accepted(_))));
    }

    fn has(&self, name: &str) -> bool {
        self.file().with_file_name(name).exists()
    }
}

fn alicia() -> Account {
    Account::for_test("alicia", 4242)
}

fn moved() -> Account {
    Account::for_test("alice", 9001)
}

#[test]
fn under_a_new_name_the_same_codes_work_and_used_ones_stay_used() {
    let site = Site::used();
    let before = site.ledger();
    assert!(site.rebinds(4242, &alicia()).unwrap());
    assert!(matches!(site.try_as(&alice(), &code_at(NOON + 60), NOON + 60), Err(Fault::Foreign { .. })));
    let store = site.open().unwrap();
    let Ok(locked) = store.lock(alicia().named()) else { panic!("no lock") };
    let open = locked.open(alicia().named()).unwrap();
    assert_eq!((open.ledger(), open.record().changed_at), (&before, UnixTime(NOON + 90)));
    assert_eq!(open.made_for().map(UserName::as_str), Some("alicia"));
    drop(open);
    drop(store);
    assert!(site.has("4242.waived"), "the waiver goes on");
    site.used_stays_used(&alicia());
    assert!(!site.rebinds(4242, &alicia()).unwrap(), "done already");
}

#[test]
fn under_a_new_uid_the_file_moves_with_its_waiver_and_nothing_is_left() {
    let site = Site::used();
    fs::write(site.file().with_file_name("4242.invited"), b"old").unwrap();
    fs::write(site.file().with_file_name("9001.invited"), b"void from now on").unwrap();
    assert!(site.rebinds(4242, &moved()).unwrap());
    for (name, is_there) in [
        ("4242", false),
        ("9001", true),
        ("4242.waived", false),
        ("9001.waived", true),
        ("4242.invited", false),
        ("9001.invited", false),
        (".9001.new", false),
        (".4242.new", false),
    ] {
        assert_eq!(site.has(name), is_there, "{name}");
    }
    assert!(hints_at_waiver(&site.config, 9001, &FixedClock(NOON)));
    assert!(site.is_absent(&alice()));
    site.used_stays_used(&moved());
}

/// The file has the new identity and the old name: it opens for nobody, and doing it again finishes.
#[test]
fn a_crash_in_between_leaves_one_copy_that_doing_it_again_moves_on() {
    let site = Site::used();
    assert!(site.rebinds(4242, &moved()).unwrap());
    fs::rename(site.file().with_file_name("9001"), site.file()).unwrap();
    let person = site.open().unwrap().person(4242).unwrap();
    assert_eq!((person.name.as_str(), person.uid, person.made_for), ("alice", 4242, 9001));
    assert!(matches!(site.try_as(&alice(), &code_at(NOON + 60), NOON + 60), Err(Fault::Foreign { .. })));
    assert!(site.is_absent(&moved()));
    assert!(matches!(site.rebinds(4242, &Account::for_test("bob", 9002)), Err(RebindFailure::Fault(_))));
    assert!(site.rebinds(4242, &moved()).unwrap());
    assert!(!site.has("4242"));
    site.used_stays_used(&moved());
}

#[test]
fn nobody_s_record_is_written_over() {
    let site = Site::used();
    let store = site.open().unwrap();
    store.commit(site.confirmed(&moved(), SECRET), UnixTime(NOON)).unwrap_or_else(|_| panic!("not committed"));
    let both = || (fs::read(site.file()).unwrap(), fs::read(site.file().with_file_name("9001")).unwrap());
    let before = both();
    assert!(matches!(site.rebinds(4242, &moved()), Err(RebindFailure::Enrolled)));
    assert!(both() == before);
    assert!(matches!(site.rebinds(4243, &moved()), Err(RebindFailure::NotEnrolled)));
}

/// A person is asked in between.
#[test]
fn a_record_that_is_another_s_by_now_is_not_given_away() {
    let site = Site::used();
    let store = site.open().unwrap();
    let person = store.person(4242).unwrap();
    fs::remove_file(site.file()).unwrap();
    let newcomer = Account::for_test("newcomer", 4242);
    store.commit(site.confirmed(&newcomer, SECRET), UnixTime(NOON)).unwrap_or_else(|_| panic!("not committed"));
    assert!(matches!(
        store.rebind(&person, &moved(), UnixTime(NOON)),
        Err(RebindFailure::Fault(Fault::Foreign { .. }))
    ));
    assert!(site.is_absent(&moved()) && site.try_as(&newcomer, "000000", NOON).is_ok());
}

#[test]
fn a_lost_slot_closes_the_window_as_whatever_else_rewrites_does() {
    let site = Site::with_alice();
    assert!(site.admits(&code_at(NOON), NOON));
    let mut bytes = fs::read(site.file()).unwrap();
    let sequence = |slot: usize| u64::from_le_bytes(bytes[slot..slot + 8].try_into().unwrap());
    let newer = if sequence(4096) > sequence(8192) { 4096 } else { 8192 };
    bytes[newer + 60] ^= 1;
    fs::write(site.file(), bytes).unwrap();
    let store = site.open().unwrap();
    assert!(store.rebind(&store.person(4242).unwrap(), &moved(), UnixTime(NOON)).unwrap());
    assert!(matches!(site.try_as(&moved(), &code_at(NOON), NOON), Ok(Answer::Refused(_))), "it was used");
}
