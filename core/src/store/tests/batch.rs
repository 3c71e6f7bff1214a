// SPDX-License-Identifier: MIT OR Apache-2.0
//! Many first enrollments at once: nobody is enrolled without a hand-out, whatever comes between, and nobody's hand-out is
//! left who is not enrolled.

use std::cell::Cell;

use super::*;
use crate::random::Random;

impl Site {
    fn people(count: u32) -> Vec<Account> {
        (0..count).map(|n| Account::for_test(&format!("user{n}"), 5000 + n)).collect()
    }

    fn output(&self) -> PathBuf {
        self.directory.path().join("handouts")
    }

    /// What is in the directory of hand-outs, in order.
    fn handouts(&self) -> Vec<String> {
        names_in(&self.output())
    }

    fn users(&self) -> Vec<String> {
        names_in(self.file().parent().unwrap())
    }

    fn opens(&self, account: &Account) -> bool {
        let store = self.open().unwrap();
        let Ok(locked) = store.lock(account.named()) else { return false };
        locked.open(account.named()).is_ok()
    }

    /// What a batch notes of somebody.
    fn notes(&self, account: &Account, enrolled_at: u64) {
        use std::io::Write as _;
        let mut journal =
            fs::File::options().create(true).append(true).open(self.output().join(".unfinished")).unwrap();
        writeln!(journal, "{} {enrolled_at} {}.txt", account.uid(), account.name()).unwrap();
        fs::write(self.output().join(format!("{}.txt", account.name())), b"stray").unwrap();
    }
}

fn names_in(directory: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn add(batch: &mut Batch<'_>, site: &Site, account: &Account) -> Result<(), CommitFailure> {
    batch.add(site.confirmed(account, SECRET), HandoutName::of(account, "txt"), account.name().as_str().as_bytes())
}

#[test]
fn whoever_is_in_a_batch_is_enrolled_when_it_is_committed_and_not_before() {
    let site = Site::empty();
    let store = site.open().unwrap();
    let handouts = Handouts::open(&site.output(), &store).unwrap();
    let mut batch = store.batch(&handouts).unwrap();
    let people = Site::people(3);
    for account in &people {
        add(&mut batch, &site, account).unwrap();
    }
    assert_eq!((batch.len(), batch.is_empty(), people.iter().any(|account| site.opens(account))), (3, false, false));
    let committed = batch.commit().unwrap();
    assert!(committed.iter().all(|(_, placed)| placed.is_ok()));
    assert_eq!(committed.into_iter().map(|(account, _)| account).collect::<Vec<_>>(), people);
    assert!(people.iter().all(|account| site.opens(account)));
    assert_eq!(site.users(), ["5000", "5001", "5002"]);
    drop(handouts);
    assert_eq!(site.handouts(), ["user0.txt", "user1.txt", "user2.txt"]);
    for account in &people {
        let handout = site.output().join(format!("{}.txt", account.name()));
        assert_eq!(fs::read_to_string(&handout).unwrap(), account.name().as_str());
        assert_eq!(fs::metadata(handout).unwrap().permissions().mode() & 0o7777, 0o600);
    }
    assert_eq!(fs::metadata(site.output()).unwrap().permissions().mode() & 0o7777, 0o700);
}

#[test]
fn a_batch_that_is_given_up_leaves_neither_a_draft_nor_a_hand_out() {
    let site = Site::empty();
    let store = site.open().unwrap();
    let handouts = Handouts::open(&site.output(), &store).unwrap();
    let mut batch = store.batch(&handouts).unwrap();
    for account in Site::people(3) {
        add(&mut batch, &site, &account).unwrap();
    }
    assert_eq!((site.handouts().len(), site.users().len()), (4, 3), "a journal, hand-outs and drafts");
    drop(batch);
    drop(handouts);
    assert_eq!((site.handouts(), site.users()), (vec![], vec![]));
}

/// Runs dry after so many fills: a fault at any place of a batch.
struct Failing(Cell<u32>);

impl Random for Failing {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), Fault> {
        let left = self.0.get().checked_sub(1).ok_or(Fault::NoRandomness)?;
        self.0.set(left);
        SystemRandom.fill(buffer)
    }
}

#[test]
fn a_fault_in_the_middle_of_a_batch_leaves_nobody_half_enrolled() {
    for fills in 0..8 {
        let site = Site::empty();
        let random = Failing(Cell::new(fills));
        let store = Store::open(&site.config, &random).unwrap();
        let handouts = Handouts::open(&site.output(), &store).unwrap();
        let mut batch = store.batch(&handouts).unwrap();
        let added = Site::people(2).iter().map(|account| add(&mut batch, &site, account)).find(Result::is_err);
        let Some(Err(CommitFailure::Fault(Fault::NoRandomness))) = added else {
            panic!("{fills}: {:?}", added.map(|added| added.is_ok()))
        };
        drop(batch);
        drop(handouts);
        assert_eq!((site.handouts(), site.users()), (vec![], vec![]), "{fills}");
    }
}

/// A link in the place of the third hand-out: it is replaced, and what it leads to is not touched. A directory there is a
/// fault, and the two before it are taken back.
#[test]
fn a_hand_out_that_cannot_be_written_takes_the_batch_back_and_no_link_is_followed() {
    let site = Site::empty();
    let store = site.open().unwrap();
    let handouts = Handouts::open(&site.output(), &store).unwrap();
    let elsewhere = site.directory.path().join("elsewhere");
    fs::write(&elsewhere, b"mine").unwrap();
    symlink(&elsewhere, site.output().join("user0.txt")).unwrap();
    fs::create_dir(site.output().join("user2.txt")).unwrap();
    let mut batch = store.batch(&handouts).unwrap();
    let people = Site::people(3);
    add(&mut batch, &site, &people[0]).unwrap();
    assert!(fs::symlink_metadata(site.output().join("user0.txt")).unwrap().is_file());
    add(&mut batch, &site, &people[1]).unwrap();
    assert!(matches!(add(&mut batch, &site, &people[2]), Err(CommitFailure::Fault(Fault::Io { .. }))));
    drop(batch);
    drop(handouts);
    assert_eq!((site.handouts(), site.users()), (vec!["user2.txt".to_owned()], vec![]));
    assert_eq!(fs::read(elsewhere).unwrap(), b"mine");
}

#[test]
fn whoever_is_enrolled_meanwhile_keeps_that_and_gets_no_hand_out_that_does_not_fit() {
    let site = Site::empty();
    let store = site.open().unwrap();
    let handouts = Handouts::open(&site.output(), &store).unwrap();
    let people = Site::people(2);
    let earlier = site.confirmed(&people[0], SECRET);
    let mut batch = store.batch(&handouts).unwrap();
    for account in &people {
        add(&mut batch, &site, account).unwrap();
    }
    // Another process would wait for the draft; here the record comes from elsewhere.
    let other = Site::empty();
    let other_store = other.open().unwrap();
    other_store.commit(earlier, UnixTime(NOON)).unwrap_or_else(|_| panic!("not committed"));
    let quicker = site.file().with_file_name("5000");
    fs::copy(other.file().with_file_name("5000"), &quicker).unwrap();
    let before = fs::read(&quicker).unwrap();
    let committed = batch.commit().unwrap();
    assert!(matches!(committed[0].1, Err(CommitFailure::Changed)) && committed[1].1.is_ok());
    assert!(fs::read(quicker).unwrap() == before, "the record that was there is not written over");
    drop(handouts);
    assert_eq!((site.handouts(), site.users()), (vec!["user1.txt".to_owned()], vec!["5000".into(), "5001".into()]));
}

#[test]
fn whoever_is_enrolled_already_keeps_record_and_hand_out() {
    let site = Site::with_alice();
    let store = site.open().unwrap();
    let handouts = Handouts::open(&site.output(), &store).unwrap();
    fs::write(site.output().join("alice.txt"), b"the right one").unwrap();
    let absent = store.enrollment(Site::people(1)[0].named()).unwrap();
    let mut batch = store.batch(&handouts).unwrap();
    let name = HandoutName::of(&alice(), "txt");
    for basis in [Basis::from(absent), Basis::from(store.enrollment(alice().named()).unwrap())] {
        let confirmed = draft(&alice(), basis, SECRET).vouched_for();
        assert!(matches!(batch.add(confirmed, name.clone(), b"another"), Err(CommitFailure::Changed)));
    }
    drop(batch);
    drop(handouts);
    assert_eq!(fs::read(site.output().join("alice.txt")).unwrap(), b"the right one");
    assert!(site.admits(&site.backup_codes[0], NOON));
}

/// A replacement whose record is gone meanwhile is no first enrollment.
#[test]
fn a_draft_that_was_made_for_a_record_is_none_for_a_batch() {
    let site = Site::with_alice();
    let store = site.open().unwrap();
    let replacement = site.confirmed(&alice(), SECRET);
    fs::remove_file(site.file()).unwrap();
    let handouts = Handouts::open(&site.output(), &store).unwrap();
    let mut batch = store.batch(&handouts).unwrap();
    let added = batch.add(replacement, HandoutName::of(&alice(), "txt"), b"a hand-out");
    assert!(matches!(added, Err(CommitFailure::Changed)));
    drop(batch);
    drop(handouts);
    assert_eq!((site.handouts(), site.users()), (vec![], vec![]));
}

#[test]
fn what_a_kill_has_left_is_cleared_and_what_somebody_is_enrolled_by_stays() {
    let site = Site::with_alice();
    let store = site.open().unwrap();
    drop(Handouts::open(&site.output(), &store).unwrap());
    let [killed, enrolled_anew] = [Account::for_test("killed", 7001), Account::for_test("anew", 7002)];
    store.commit(site.confirmed(&enrolled_anew, SECRET), UnixTime(NOON)).unwrap_or_else(|_| panic!("not committed"));
    site.notes(&alice(), NOON);
    site.notes(&killed, NOON);
    site.notes(&enrolled_anew, NOON - 5);
    fs::write(site.file().with_file_name(".7001.new"), b"half a draft").unwrap();
    // The last line was torn, and one leads elsewhere.
    let precious = site.directory.path().join("precious.txt");
    fs::write(&precious, b"mine").unwrap();
    let mut journal = fs::read(site.output().join(".unfinished")).unwrap();
    journal.extend_from_slice(b"7003 1800000000 ../precious.txt\n7004 18000");
    fs::write(site.output().join(".unfinished"), journal).unwrap();

    drop(Handouts::open(&site.output(), &store).unwrap());
    assert_eq!(site.handouts(), ["alice.txt"]);
    assert_eq!(site.users(), ["4242", "7002"]);
    assert_eq!(fs::read(precious).unwrap(), b"mine");
}

#[test]
fn a_directory_of_hand_outs_is_one_process_s_and_root_s_alone() {
    let site = Site::empty();
    let store = site.open().unwrap();
    let fault = |path: &Path| Handouts::open(path, &store).err();
    let first = Handouts::open(&site.output(), &store).unwrap();
    assert!(matches!(fault(&site.output()), Some(Fault::Busy { .. })));
    drop(first);
    assert!(fault(&site.output()).is_none());
    let link = site.directory.path().join("link");
    symlink(site.output(), &link).unwrap();
    assert!(matches!(fault(&link), Some(Fault::Untrusted { flaw: Flaw::SymbolicLink, .. })));
    assert!(matches!(fault(Path::new("handouts")), Some(Fault::Untrusted { flaw: Flaw::NotAbsolute, .. })));
    let nowhere = site.directory.path().join("no/where");
    let Some(missing) = fault(&nowhere) else { panic!("made") };
    assert!(missing.remedy().contains("make") && !nowhere.exists(), "{missing}");
    fs::set_permissions(site.output(), fs::Permissions::from_mode(0o755)).unwrap();
    assert!(matches!(fault(&site.output()), Some(Fault::Untrusted { flaw: Flaw::OpenToOthers { .. }, .. })));
}

#[test]
fn a_hand_out_is_called_as_its_person_wherever_a_file_can_be() {
    let name = |user: &str| HandoutName::of(&Account::for_test(user, 7), "txt").as_path().to_str().unwrap().to_owned();
    for user in ["alice", "DOM\\user", "jürgen", "first last", ".hidden", "..x", "a;rm -rf $HOME"] {
        assert_eq!(name(user), format!("{user}.txt"));
    }
    assert_eq!(name(&"a".repeat(251)).len(), 255);
    assert_eq!(name(&"a".repeat(252)), "uid:7.txt");
}
