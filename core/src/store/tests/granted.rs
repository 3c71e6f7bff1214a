// SPDX-License-Identifier: MIT OR Apache-2.0
//! Bypass codes and waivers on a real file system: granted, used, ended, carried over, and what a fault makes of them.

use super::*;
use crate::bypass::BypassTerms;
use crate::ledger::WAIVER_OVER;
use crate::verify::judge::bypass_uses_left;
use crate::waiver::WaiverTerms;

impl Site {
    fn with_open<T>(&self, act: impl FnOnce(OpenRecord<'_>) -> T) -> T {
        let store = self.open().unwrap();
        let Ok(locked) = store.lock(alice().named()) else { panic!("no lock") };
        act(locked.open(alice().named()).unwrap())
    }

    fn grants_bypass(&self, uses: u16) -> String {
        let terms = BypassTerms::new(3600, uses).unwrap();
        self.with_open(|open| open.grant_bypass(terms, UnixTime(NOON)).unwrap()).expose_code().to_owned()
    }

    fn bypass_uses_left(&self) -> u16 {
        self.with_open(|open| bypass_uses_left(open.record(), open.ledger(), UnixTime(NOON)))
    }

    fn waives(&self, seconds: u64) {
        let terms = WaiverTerms::new(UnixTime(NOON + seconds), "phone broken", UnixTime(NOON)).unwrap();
        self.with_open(|open| open.grant_waiver(terms, UnixTime(NOON)).unwrap());
    }

    /// As a login does it.
    fn is_waived(&self, wall: u64) -> Result<Option<Waived>, Fault> {
        if !hints_at_waiver(&self.config, 4242, &FixedClock(wall)) {
            return Ok(None);
        }
        self.open()?.waiver(alice().named(), &FixedClock(wall))?.map(InForce::count_use).transpose()
    }

    fn hint(&self) -> PathBuf {
        self.file().with_file_name("4242.waived")
    }
}

fn uses(waived: Result<Option<Waived>, Fault>) -> Option<u32> {
    waived.unwrap().map(|waived| waived.uses())
}

#[test]
fn a_bypass_code_logs_in_as_often_as_granted_and_a_later_one_voids_it() {
    let site = Site::with_alice();
    let first = site.grants_bypass(2);
    let Ok(Answer::Accepted(accepted)) = site.attempt(&first, NOON) else { panic!("refused") };
    assert_eq!((accepted.method(), accepted.bypass_uses_left(), accepted.backup_codes_left()), (Method::Bypass, 1, 10));
    let second = site.grants_bypass(1);
    assert_eq!(site.attempt(&first, NOON).unwrap(), Answer::Refused(Refusal::Wrong));
    assert!(site.admits(&second, NOON), "the uses of the one before do not count");
    assert!(!site.admits(&second, NOON));
    assert!(site.with_open(|open| open.revoke_bypass(UnixTime(NOON)).unwrap()));
    assert_eq!(site.attempt(&second, NOON).unwrap(), Answer::Refused(Refusal::Wrong));
    assert!(!site.with_open(|open| open.revoke_bypass(UnixTime(NOON)).unwrap()), "there is none any more");
    assert!(site.admits(&code_at(NOON), NOON));
}

#[test]
fn a_rotten_block_gives_no_use_of_a_bypass_code_back() {
    for slot in [4096_usize, 8192] {
        let site = Site::with_alice();
        let code = site.grants_bypass(1);
        assert!(site.admits(&code, NOON));
        let mut bytes = fs::read(site.file()).unwrap();
        bytes[slot..slot + 4096].fill(0);
        fs::write(site.file(), bytes).unwrap();
        assert!(!site.admits(&code, NOON));
    }
}

#[test]
fn uses_of_bypass_code_and_waiver_survive_what_rewrites_the_record() {
    let site = Site::with_alice();
    let code = site.grants_bypass(3);
    site.waives(3600);
    assert!(site.admits(&code, NOON));
    assert_eq!(uses(site.is_waived(NOON)), Some(1));
    site.with_open(|open| open.renew_backup_codes(3, UnixTime(NOON)).unwrap());
    assert_eq!((site.bypass_uses_left(), site.ledger().waiver_uses), (2, 1));
    assert!(site.admits(&code, NOON));
    assert_eq!(uses(site.is_waived(NOON)), Some(2));
    site.grants_bypass(1);
    assert_eq!(site.ledger().waiver_uses, 2);
    site.waives(7200);
    assert_eq!((site.ledger().waiver_uses, site.ledger().bypass_uses), (0, 0));
}

#[test]
fn a_replacement_voids_bypass_code_and_waiver_and_forgets_their_uses() {
    let site = Site::with_alice();
    let code = site.grants_bypass(3);
    site.waives(3600);
    assert!(site.admits(&code, NOON));
    assert_eq!(uses(site.is_waived(NOON)), Some(1));
    let replacement = site.confirmed(&alice(), SECRET);
    assert!(site.open().unwrap().commit(replacement, UnixTime(NOON)).is_ok());
    assert_eq!(site.attempt(&code, NOON).unwrap(), Answer::Refused(Refusal::Wrong));
    assert_eq!(uses(site.is_waived(NOON)), None);
    assert_eq!((site.ledger().bypass_uses, site.ledger().waiver_uses), (0, 0));
}

#[test]
fn a_waiver_lets_in_until_its_end_and_counts_each_use() {
    let site = Site::with_alice();
    assert_eq!(uses(site.is_waived(NOON)), None);
    site.waives(3600);
    for (wall, count) in [(NOON - 1, None), (NOON, Some(1)), (NOON + 3599, Some(2)), (NOON + 3600, None)] {
        assert_eq!(uses(site.is_waived(wall)), count, "{wall}");
    }
    let waived = site.is_waived(NOON).unwrap().unwrap();
    assert_eq!((waived.until(), waived.reason(), waived.uses()), (UnixTime(NOON + 3600), "phone broken", 3));
    let ledger = site.ledger();
    assert_eq!((ledger.waiver_uses, ledger.last_login), (3, None), "no code was judged");
    assert!(site.with_open(|open| open.end_waiver(UnixTime(NOON)).unwrap()));
    assert!(!site.hint().exists());
    assert_eq!(uses(site.is_waived(NOON)), None);
    assert!(!site.with_open(|open| open.end_waiver(UnixTime(NOON)).unwrap()));
    assert!(site.admits(&code_at(NOON), NOON));
}

/// The file beside the record only says where to look.
#[test]
fn a_hint_without_a_waiver_lets_nobody_in_nor_does_a_waiver_without_its_hint() {
    let site = Site::with_alice();
    site.waives(3600);
    let hint = site.hint();
    assert_eq!(fs::metadata(&hint).unwrap().mode() & 0o7777, 0o600);
    fs::rename(&hint, site.directory.path().join("away")).unwrap();
    assert_eq!(uses(site.is_waived(NOON)), None, "no hint");
    site.with_open(|open| open.end_waiver(UnixTime(NOON)).unwrap());
    fs::rename(site.directory.path().join("away"), &hint).unwrap();
    assert!(hints_at_waiver(&site.config, 4242, &FixedClock(NOON)));
    assert_eq!(uses(site.is_waived(NOON)), None, "no waiver");
    assert!(site.with_open(|open| open.ledger().waiver_uses) == 0);

    // Whatever lies there, and whoever it is for.
    site.waives(3600);
    fs::remove_file(&hint).unwrap();
    symlink(site.file(), &hint).unwrap();
    drop(site.is_waived(NOON).unwrap());
    let bobs = Account::for_test("bob", 4242);
    assert!(site.open().unwrap().waiver(bobs.named(), &FixedClock(NOON)).unwrap().is_none(), "another's record");
    let carol = Account::for_test("carol", 4243);
    assert!(site.open().unwrap().waiver(carol.named(), &FixedClock(NOON)).unwrap().is_none(), "not enrolled");
}

#[test]
fn an_ended_waiver_costs_no_look_into_the_record_and_a_hint_left_behind_no_harm() {
    let site = Site::with_alice();
    site.waives(3600);
    assert!(hints_at_waiver(&site.config, 4242, &FixedClock(NOON + 3599)));
    assert!(!hints_at_waiver(&site.config, 4242, &FixedClock(NOON + 3600)));
    assert_eq!(site.open().unwrap().people().unwrap().len(), 1, "it is nobody's record");
    let store = site.open().unwrap();
    let Ok(locked) = store.lock_uid(4242) else { panic!("no lock") };
    locked.remove().unwrap();
    assert!(!site.hint().exists());
}

#[test]
fn a_waiver_that_was_seen_to_be_over_is_over_for_good() {
    let site = Site::with_alice();
    site.waives(3600);
    assert_eq!(uses(site.is_waived(NOON)), Some(1));
    assert!(!site.admits(&code_at(NOON), NOON + 3600));
    assert_eq!(site.ledger().waiver_uses, WAIVER_OVER);
    assert_eq!(uses(site.is_waived(NOON + 60)), None);
    site.waives(7200);
    assert_eq!(uses(site.is_waived(NOON + 60)), Some(1), "until another is granted");
}

#[test]
fn a_use_of_a_waiver_mends_a_lost_slot_and_brings_no_used_code_back() {
    let site = Site::with_alice();
    site.waives(3600);
    assert!(site.admits(&code_at(NOON), NOON));
    assert!(site.admits(&code_at(NOON + 30), NOON + 30));
    let mut bytes = fs::read(site.file()).unwrap();
    bytes[8192 + 90] ^= 0x10;
    fs::write(site.file(), bytes).unwrap();
    let store = site.open().unwrap();
    let waiver = store.waiver(alice().named(), &FixedClock(NOON + 30)).unwrap().unwrap();
    assert_eq!(waiver.lost_slot(), Some(site.file().as_path()));
    assert_eq!(waiver.count_use().unwrap().uses(), 1);
    assert!(!site.with_open(|open| open.has_lost_a_slot()));
    assert!(!site.admits(&code_at(NOON + 30), NOON + 30), "a used code came back");
}

#[test]
fn a_waiver_whose_record_cannot_be_read_is_a_fault_and_no_waiver() {
    let site = Site::with_alice();
    site.waives(3600);
    let sound = fs::read(site.file()).unwrap();
    for places in [vec![700], vec![4096 + 60, 8192 + 60]] {
        let mut bytes = sound.clone();
        places.iter().for_each(|place| bytes[*place] ^= 1);
        fs::write(site.file(), bytes).unwrap();
        assert!(matches!(site.is_waived(NOON), Err(Fault::Damaged { .. })), "{places:?}");
    }
    fs::write(site.file(), sound).unwrap();
    assert_eq!(uses(site.is_waived(NOON)), Some(1));
}

#[test]
fn a_waiver_that_cannot_be_written_leaves_no_waiver_behind() {
    let site = Site::with_alice();
    fs::create_dir(site.hint()).unwrap();
    let terms = WaiverTerms::new(UnixTime(NOON + 60), "phone broken", UnixTime(NOON)).unwrap();
    assert!(site.with_open(|open| open.grant_waiver(terms, UnixTime(NOON))).is_err());
    assert!(site.with_open(|open| open.record().waiver.is_none()));
    fs::remove_dir(site.hint()).unwrap();
    let victim = site.directory.path().join("victim");
    fs::write(&victim, "untouched").unwrap();
    symlink(&victim, site.hint()).unwrap();
    site.waives(60);
    assert!(site.hint().symlink_metadata().unwrap().is_file(), "what lay there is replaced");
    assert_eq!((fs::read_to_string(&victim).unwrap().as_str(), uses(site.is_waived(NOON))), ("untouched", Some(1)));
}
