// SPDX-License-Identifier: MIT OR Apache-2.0
//! Invitations on a real file system: for whom they hold and when, what is none, and that none is ever a record.

use super::*;
use crate::invitation::InvitationTerms;

const HOUR: u64 = 3600;

fn named(name: &str) -> Account {
    Account::for_test(name, 4242)
}

impl Site {
    fn word(&self) -> NotEnrolled {
        match self.open().unwrap().enrollment(alice().named()).unwrap() {
            Enrollment::NotEnrolled(word) => word,
            Enrollment::Enrolled(_) => panic!("enrolled"),
        }
    }

    fn invites(&self, seconds: u64) {
        let terms = InvitationTerms::new(UnixTime(NOON + seconds), UnixTime(NOON)).unwrap();
        self.open().unwrap().invite(&alice(), self.word(), terms).unwrap();
    }

    fn invited(&self, account: &Account, wall: u64) -> Result<Option<u64>, Fault> {
        let invited = self.open().unwrap().invited(account, self.word(), UnixTime(wall))?;
        Ok(invited.map(|invited| {
            assert_eq!(invited.account(), account);
            invited.until().0
        }))
    }

    fn invitation(&self) -> PathBuf {
        self.file().with_file_name("4242.invited")
    }

    /// What comes of the file with these bytes in its place.
    fn with_bytes(&self, bytes: &[u8]) -> Result<Option<u64>, Fault> {
        fs::write(self.invitation(), bytes).unwrap();
        self.invited(&alice(), NOON)
    }
}

fn is_damage(answer: &Result<Option<u64>, Fault>) -> bool {
    matches!(answer, Err(Fault::Damaged { part: Part::Invitation, .. }))
}

#[test]
fn an_invitation_holds_from_when_it_was_made_until_before_its_end_and_a_later_one_replaces_it() {
    let site = Site::empty();
    assert_eq!(site.invited(&alice(), NOON).unwrap(), None);
    site.invites(HOUR);
    let until = NOON + HOUR;
    for (wall, found) in [(NOON - 1, None), (NOON, Some(until)), (until - 1, Some(until)), (until, None)] {
        assert_eq!(site.invited(&alice(), wall).unwrap(), found, "{wall}");
    }
    let found = fs::metadata(site.invitation()).unwrap();
    assert_eq!((found.mode() & 0o7777, found.uid(), found.len()), (0o600, 0, 568));
    site.invites(9 * HOUR);
    assert_eq!(site.invited(&alice(), until).unwrap(), Some(NOON + 9 * HOUR));
    let store = site.open().unwrap();
    assert!(store.end_invitation(&alice()).unwrap() && !store.end_invitation(&alice()).unwrap());
    assert_eq!(site.invited(&alice(), NOON).unwrap(), None);
    assert_eq!(fs::read_dir(site.file().parent().unwrap()).unwrap().count(), 0, "nothing is left behind");
}

#[test]
fn an_invitation_is_for_one_name_with_one_uid() {
    let site = Site::empty();
    site.invites(HOUR);
    assert_eq!(site.invited(&named("mallory"), NOON).unwrap(), None);
    fs::copy(site.invitation(), site.file().with_file_name("4243.invited")).unwrap();
    assert_eq!(site.invited(&Account::for_test("alice", 4243), NOON).unwrap(), None);
    // Nor for somebody whose name is written over the one that was sealed.
    let mut bytes = fs::read(site.invitation()).unwrap();
    bytes[51..56].copy_from_slice(b"malic");
    fs::write(site.invitation(), &bytes).unwrap();
    assert!(is_damage(&site.invited(&named("malic"), NOON)));
}

#[test]
fn what_does_not_unseal_is_damage_and_no_invitation() {
    let site = Site::empty();
    site.invites(HOUR);
    let bytes = fs::read(site.invitation()).unwrap();
    for place in (0..bytes.len()).filter(|place| !(56..512).contains(place) || place % 50 == 0) {
        let mut changed = bytes.clone();
        changed[place] ^= 1;
        match (place, site.with_bytes(&changed)) {
            // Uid and name: of somebody else.
            (12..16 | 50..56, Ok(None)) => {}
            // Of a key that is not there.
            (16..32, Err(Fault::Missing { part: Part::Key, .. })) => {}
            (_, answer) => assert!(is_damage(&answer), "{place}: {answer:?}"),
        }
    }
    for length in 0..bytes.len() {
        assert!(is_damage(&site.with_bytes(&bytes[..length])), "{length}");
    }
    let answer = site.with_bytes(&[bytes.as_slice(), &[0]].concat());
    assert!(matches!(answer, Err(Fault::Untrusted { flaw: Flaw::TooLarge { .. }, .. })), "{answer:?}");
    let mut newer = bytes.clone();
    newer[11] = 2;
    assert!(matches!(site.with_bytes(&newer), Err(Fault::Newer { version: 2, .. })));
    assert_eq!(site.with_bytes(&bytes).unwrap(), Some(NOON + HOUR), "as it was");
    fs::set_permissions(site.invitation(), fs::Permissions::from_mode(0o640)).unwrap();
    let answer = site.invited(&alice(), NOON);
    assert!(matches!(answer, Err(Fault::Untrusted { flaw: Flaw::OpenToOthers { .. }, .. })), "{answer:?}");
}

#[test]
fn no_other_file_and_none_of_another_store_or_key_is_an_invitation() {
    let (site, other) = (Site::empty(), Site::with_alice());
    site.invites(HOUR);
    let record = fs::read(other.file()).unwrap();
    assert!(is_damage(&site.with_bytes(&record[..568])));
    let marker = fs::read(site.directory.path().join("store/store")).unwrap();
    assert!(is_damage(&site.with_bytes(&marker)));
    let elsewhere = Site::empty();
    elsewhere.invites(HOUR);
    let answer = site.with_bytes(&fs::read(elsewhere.invitation()).unwrap());
    assert!(matches!(answer, Err(Fault::Missing { part: Part::Key, .. })), "{answer:?}");
    // Under another name, its key is no key of this invitation.
    let (id, _) = elsewhere.open().unwrap().marker_key().unwrap();
    let (ours, _) = site.open().unwrap().marker_key().unwrap();
    let keys = site.config.keys();
    fs::copy(keys.join(ours.to_string()), keys.join(id.to_string())).unwrap();
    let answer = site.invited(&alice(), NOON);
    assert!(matches!(answer, Err(Fault::Damaged { part: Part::Key, .. })), "{answer:?}");
}

#[test]
fn an_invitation_is_never_taken_for_a_record_and_a_record_leaves_none() {
    let site = Site::empty();
    site.invites(HOUR);
    let store = site.open().unwrap();
    assert!(matches!(store.enrollment(alice().named()).unwrap(), Enrollment::NotEnrolled(_)));
    assert!(matches!(store.lock(alice().named()), Err(LockFailure::NotEnrolled(_))));
    assert!(store.people().unwrap().is_empty());
    // A renamed one neither: it is damage, and nobody is "not enrolled" by it.
    fs::copy(site.invitation(), site.file()).unwrap();
    assert!(matches!(store.enrollment(alice().named()), Err(Fault::Damaged { part: Part::Record, .. })));
    fs::remove_file(site.file()).unwrap();

    store.commit(site.confirmed(&alice(), SECRET), UnixTime(NOON)).unwrap_or_else(|_| panic!("not committed"));
    assert!(!site.invitation().exists());
    // One that comes back beside a record goes with it.
    fs::write(site.invitation(), "").unwrap();
    let Ok(locked) = store.lock(alice().named()) else { panic!("no lock") };
    locked.remove().unwrap();
    assert!(!site.invitation().exists() && !site.file().exists());
}
