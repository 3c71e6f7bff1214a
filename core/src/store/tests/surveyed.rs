// SPDX-License-Identifier: MIT OR Apache-2.0
//! What `doctor` finds, with the map of a file's blocks as a value, and what mending does. Real file systems: tests/disk.rs.

use std::os::fd::BorrowedFd;

use rustix::io::Errno;

use super::*;
use crate::store::blocks::{Blocks, Extent, FileMap};
use crate::store::survey::{Finding, mend, survey};

/// The same for every file: so many bytes, and what is behind them; or an error.
struct Map(Result<(u64, Blocks), Errno>);

const SOUND: Map = Map(Ok((12_288, Blocks::Own)));

impl FileMap for Map {
    fn extents(&self, _: BorrowedFd<'_>) -> std::io::Result<Vec<Extent>> {
        self.0.map(|(bytes, blocks)| vec![Extent { start: 0, bytes, blocks }]).map_err(Into::into)
    }
}

/// Kind, path, sentence and remedy of all findings.
fn found(site: &Site, map: &Map) -> Vec<[String; 4]> {
    let findings = survey(&site.config, &SystemRandom, map);
    let path = |finding: &Finding| finding.path().map(|path| path.display().to_string()).unwrap_or_default();
    findings.iter().map(|found| [found.kind().to_owned(), path(found), found.to_string(), found.remedy()]).collect()
}

#[test]
fn a_sound_store_gives_no_finding() {
    assert_eq!(found(&Site::empty(), &SOUND), Vec::<[String; 4]>::new());
    assert_eq!(found(&Site::with_alice(), &SOUND), Vec::<[String; 4]>::new());
}

#[test]
fn whatever_is_wrong_under_the_slots_is_found_with_the_file_and_what_to_do() {
    let site = Site::with_alice();
    let file = site.file().display().to_string();
    let mends = "'nightlatch doctor --mend' writes it anew";
    for (map, kind, cause, remedy) in [
        (Ok((12_288, Blocks::Shared)), "blocks-shared", "a snapshot or a copy shares its blocks", mends),
        (Ok((12_288, Blocks::Unwritten)), "blocks-not-there", "it has holes, or blocks that were never written", mends),
        (Ok((4096, Blocks::Own)), "blocks-not-there", "it has holes, or blocks that were never written", mends),
        (Ok((12_288, Blocks::Packed)), "blocks-packed", "it is compressed or kept in metadata", mends),
    ] {
        let [[found_kind, path, sentence, found_remedy]] = &found(&site, &Map(map))[..] else { panic!("one finding") };
        assert_eq!((found_kind.as_str(), path), (kind, &file));
        assert_eq!(*sentence, format!("{file}: {cause}; on a full disk this person's logins are refused"));
        assert!(found_remedy.starts_with(remedy), "{found_remedy}");
    }
    let [[kind, path, ..]] = &found(&site, &Map(Err(Errno::IO)))[..] else { panic!("one finding") };
    assert_eq!((kind.as_str(), path), ("io", &file));
}

#[test]
fn a_file_system_that_tells_nothing_is_named_once_and_tmpfs_is_asked_for_holes() {
    let site = Site::with_alice();
    let users = site.file().parent().unwrap().display().to_string();
    for errno in [Errno::OPNOTSUPP, Errno::NOTTY] {
        let [[kind, path, sentence, remedy]] = &found(&site, &Map(Err(errno)))[..] else { panic!("one finding") };
        assert_eq!((kind.as_str(), path), ("blocks-unknown", &users));
        assert!(sentence.starts_with(&format!("{users}: its file system does not tell")), "{sentence}");
        assert_eq!(remedy, "keep the store on ext4, xfs, btrfs or tmpfs");
    }
    let directory = TempDir::new_in("/dev/shm").unwrap();
    let file = |bytes: &[u8], length| {
        let path = directory.path().join("file");
        fs::write(&path, bytes).unwrap();
        let file = fs::File::options().write(true).open(&path).unwrap();
        file.set_len(length).unwrap();
        crate::store::blocks::footing(&file, &Map(Err(Errno::OPNOTSUPP))).unwrap()
    };
    use crate::store::blocks::{BlockFlaw, Footing};
    assert_eq!(file(&[1; 12_288], 12_288), Footing::Firm);
    assert_eq!(file(&[1; 4096], 12_288), Footing::Flawed(BlockFlaw::NotThere));
}

#[test]
fn a_lost_slot_a_damaged_record_and_a_wrong_key_are_found_each_with_its_file() {
    let site = Site::with_alice();
    let whole = fs::read(site.file()).unwrap();
    let spoil = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        fs::write(site.file(), &bytes).unwrap();
        found(&site, &SOUND)
    };
    let file = site.file().display().to_string();
    let [[kind, path, sentence, remedy]] = &spoil(8192 + 60)[..] else { panic!("one finding") };
    assert_eq!((kind.as_str(), path), ("slot-lost", &file));
    assert_eq!(*sentence, format!("{file}: one of two ledger slots is lost"));
    assert!(remedy.starts_with("the next login repairs it") && remedy.ends_with(&file), "{remedy}");
    let [[kind, path, ..]] = &spoil(600)[..] else { panic!("one finding") };
    assert_eq!((kind.as_str(), path), ("damaged", &file));
    fs::write(site.file(), &whole).unwrap();
    let key = fs::read_dir(site.directory.path().join("keys")).unwrap().next().unwrap().unwrap().path();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(&key, [7; 32]).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o400)).unwrap();
    // Said of the key alone, by whoever meets it: not of the marker and the records that it does not open.
    let findings = found(&site, &SOUND);
    let [[kind, path, sentence, _]] = &findings[..] else { panic!("one finding: {findings:?}") };
    assert_eq!((kind.as_str(), path.as_str()), ("damaged", key.to_str().unwrap()));
    assert_eq!(*sentence, format!("{}: the master key is damaged, or it is another", key.display()));
    assert!(matches!(site.attempt("000000", NOON), Err(Fault::Damaged { part: Part::Key, .. })));
    let retired = key.with_file_name("00112233445566778899aabbccddeeff");
    fs::rename(&key, &retired).unwrap();
    let kinds: Vec<_> = found(&site, &SOUND).into_iter().map(|[kind, path, ..]| (kind, path)).collect();
    assert!(kinds.contains(&("damaged".to_owned(), retired.display().to_string())), "{kinds:?}");
}

#[test]
fn mending_writes_a_file_anew_and_nothing_where_there_is_nothing_to_mend() {
    let site = Site::with_alice();
    assert!(site.admits(&code_at(NOON), NOON));
    let before = fs::metadata(site.file()).unwrap().ino();
    let mended = |map: &Map| {
        let findings = survey(&site.config, &SystemRandom, map);
        mend(&site.config, &SystemRandom, &findings, UnixTime(NOON)).unwrap()
    };
    assert!(!mended(&SOUND));
    assert_eq!(fs::metadata(site.file()).unwrap().ino(), before);
    assert!(mended(&Map(Ok((12_288, Blocks::Shared)))));
    assert_ne!(fs::metadata(site.file()).unwrap().ino(), before);
    assert!(!site.admits(&code_at(NOON), NOON), "a used code stays used");
    assert!(site.admits(&code_at(NOON + 30), NOON + 30));
    // Removed since it was found: nothing is done, and that is no fault.
    let findings = survey(&site.config, &SystemRandom, &Map(Ok((12_288, Blocks::Shared))));
    fs::remove_file(site.file()).unwrap();
    assert!(!mend(&site.config, &SystemRandom, &findings, UnixTime(NOON)).unwrap());
}

#[test]
fn of_several_files_all_that_can_be_mended_are_before_the_first_fault_is_said() {
    let site = Site::with_alice();
    let store = site.open().unwrap();
    let bob = Account::for_test("bob", 4241);
    assert!(store.commit(site.confirmed(&bob, SECRET), UnixTime(NOON)).is_ok());
    let (alices, bobs) = (site.file(), site.file().with_file_name("4241"));
    let findings = survey(&site.config, &SystemRandom, &Map(Ok((12_288, Blocks::Shared))));
    assert_eq!(findings.len(), 2);
    let before = fs::metadata(&alices).unwrap().ino();
    let mut bytes = fs::read(&bobs).unwrap();
    bytes[600] ^= 1;
    fs::write(&bobs, bytes).unwrap();
    assert!(matches!(mend(&site.config, &SystemRandom, &findings, UnixTime(NOON)), Err(Fault::Damaged { .. })));
    assert_ne!(fs::metadata(&alices).unwrap().ino(), before);
}
