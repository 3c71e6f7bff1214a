// SPDX-License-Identifier: MIT OR Apache-2.0
//! A full disk. Where a person's blocks are that person's alone, logins go on as if nothing were; where they are shared
//! or copied on write, they are refused, the log says why, and `doctor` has found it before.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

mod scene;

use std::fs::{self, DirBuilder};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::Mutex;

use scene::disks::{Disk, utf8};
use scene::*;
use serde_json::{Value, json};

/// A store on such a disk, config and keys elsewhere: ann is enrolled, bob is not.
struct Site {
    directory: PathBuf,
    store: PathBuf,
    ann: Person,
    bob: Person,
    strict: Service,
    /// With pam_permit beside: an exemption is PAM_SUCCESS there, and nothing else is.
    nullok: Service,
}

const THREE_ARE_FREE: &str = "[throttle]\nother_failures = 3\nfree_failures = 3\n";

impl Site {
    fn on(disk: &Disk) -> Self {
        Self::prepared(disk, |_| {})
    }

    fn prepared(disk: &Disk, prepare: impl FnOnce(&Path)) -> Self {
        let name = unique("nightlatch-");
        let (directory, store) = (Path::new("/srv").join(&name), disk.path.join(&name));
        fs::create_dir(&directory).unwrap();
        prepare(&store);
        let (config, keys) = (directory.join("config.toml"), directory.join("keys"));
        fs::write(&config, format!("store = {store:?}\nkeys = {keys:?}\n{THREE_ARE_FREE}")).unwrap();
        let config = utf8(&config);
        ok("nightlatch", &["--config", config, "init", "--quiet"]);
        let line = |arguments: &str| format!("auth required pam_nightlatch.so config={config} {arguments}\n");
        Self {
            ann: Person::enrolled_with("ann", &["--config", config]),
            bob: Person::stranger("bob"),
            strict: Service::new(&line("")),
            nullok: Service::new(&format!("{}auth required pam_permit.so\n", line("nullok"))),
            directory,
            store,
        }
    }

    fn file_of(&self, person: &Person) -> PathBuf {
        self.store.join("users").join(ok("id", &["-u", &person.name]).trim())
    }

    fn nightlatch(&self, arguments: &[&str]) -> Output {
        self.nightlatch_reads("", arguments)
    }

    fn nightlatch_reads(&self, stdin: &str, arguments: &[&str]) -> Output {
        let mut child = Command::new("nightlatch")
            .arg("--config")
            .arg(self.directory.join("config.toml"))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdin.take().unwrap().write_all(stdin.as_bytes()));
        child.wait_with_output().unwrap()
    }

    fn status(&self) -> Value {
        serde_json::from_slice(&self.nightlatch(&["status", &self.ann.name, "--json"]).stdout).unwrap()
    }

    fn unlock(&self) {
        done(&self.nightlatch(&["unlock", &self.ann.name]));
        assert_eq!((&self.status()["failures"], &self.status()["lock"]), (&json!(0), &Value::Null));
    }

    /// Each finding's word and path, and what `doctor` ended with; that the disk is full is known here.
    fn doctor(&self) -> Vec<(String, PathBuf)> {
        let examined = self.nightlatch(&["doctor", "--only", "store", "--json"]);
        let report: Value = serde_json::from_slice(&examined.stdout).unwrap();
        let text = |finding: &Value, field: &str| finding[field].as_str().unwrap().to_owned();
        let findings = report["findings"].as_array().unwrap();
        let expected = if findings.is_empty() { 0 } else { 10 };
        assert_eq!(examined.status.code(), Some(expected), "{report}");
        let is_news = |found: &&Value| found["kind"] != "disk-full";
        let found = |found: &Value| (text(found, "kind"), PathBuf::from(text(found, "path")));
        findings.iter().filter(is_news).map(found).collect()
    }

    /// Whether `doctor` says that the disk is full.
    fn is_said_to_be_full(&self) -> bool {
        let examined = self.nightlatch(&["doctor", "--only", "store", "--json"]);
        String::from_utf8_lossy(&examined.stdout).contains("\"disk-full\"")
    }

    fn gets_in(&self, code: &str) {
        let driven = login(&self.strict, &self.ann, code);
        assert_eq!(driven.answer(), "PAM_SUCCESS", "{}", driven.output);
    }

    fn is_refused(&self, code: &str, answer: &str) {
        for service in [&self.strict, &self.nullok] {
            let driven = login(service, &self.ann, code);
            assert_eq!(driven.answer(), answer, "{}", driven.output);
            assert!(driven.is_plain_refusal(), "{}", driven.output);
        }
    }

    /// Names, inodes, blocks and sizes of what is in the store.
    fn listed(&self) -> String {
        ok("ls", &["-lAis", "--time-style=+", utf8(&self.store.join("users"))])
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(&self.store));
    }
}

fn login(service: &Service, person: &Person, reply: &str) -> Driven {
    drive(&["--no-delay", "--reply", reply, &service.name, &person.name])
}

fn done(output: &Output) {
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
}

fn fails(output: &Output, texts: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!((output.status.code(), said.lines().count()), (Some(1), 1), "{said}");
    assert!(texts.iter().all(|text| said.contains(text)), "{texts:?}: {said}");
}

fn logins_go_on_failures_count_and_unlock_works(disk: &Disk) {
    let site = Site::on(disk);
    let (ann, file) = (&site.ann, site.file_of(&site.ann));
    let before = fs::metadata(&file).unwrap();
    let full = disk.fill(100_000);
    for failures in 1..=3 {
        assert_eq!(login(&site.strict, ann, &ann.wrong_code()).answer(), "PAM_AUTH_ERR");
        assert_eq!(site.status()["failures"], failures);
    }
    assert_eq!(site.status()["lock"], "blocked");
    site.is_refused(&ann.backup_codes[0], "PAM_AUTH_ERR");
    site.unlock();
    site.gets_in(&ann.backup_codes[0]);
    site.is_refused(&ann.backup_codes[0], "PAM_AUTH_ERR");
    site.unlock();
    steady(8);
    let code = ann.code(0);
    site.gets_in(&code);
    site.is_refused(&code, "PAM_AUTH_ERR");
    let verified = |code: &str| site.nightlatch_reads(code, &["verify", &ann.name]).status.code();
    assert_eq!(verified(&ann.wrong_code()), Some(3));
    assert_eq!(verified(&ann.backup_codes[1]), Some(0));
    for _ in 0..20 {
        assert_eq!(login(&site.strict, ann, &ann.wrong_code()).answer(), "PAM_AUTH_ERR");
        site.unlock();
    }
    assert_eq!((&site.status()["backup_codes_left"], &site.status()["failures"]), (&json!(8), &json!(0)));
    assert!(site.doctor().is_empty() && site.is_said_to_be_full());
    let after = fs::metadata(&file).unwrap();
    let what = |file: &fs::Metadata| (file.ino(), file.len(), file.blocks());
    assert_eq!(what(&after), what(&before));
    drop(full);
    assert!(!site.is_said_to_be_full());
    site.gets_in(&ann.backup_codes[2]);
}

fn waived_logins_go_on_and_waivers_fail_cleanly(disk: &Disk) {
    let site = Site::on(disk);
    let waive = |until: &str| site.nightlatch(&["waive", &site.ann.name, "--until", until, "--reason", "phone broken"]);
    done(&waive("+2d"));
    let full = disk.fill(100);
    for uses in 1..=3 {
        let driven = login(&site.nullok, &site.ann, "");
        assert_eq!((driven.answer().as_str(), driven.prompts()), ("PAM_SUCCESS", 0), "{}", driven.output);
        assert_eq!(site.status()["waiver_uses"], uses);
    }
    // What is there already stands, or nothing; never more than was granted.
    let before = site.status()["waived_until"].clone();
    fails(&waive("+20d"), &["No space left on device", "free space on the file system of"]);
    let after = site.status()["waived_until"].clone();
    assert!(after == before || after == Value::Null, "{after}");
    assert_eq!(site.nightlatch(&["bypass", &site.ann.name]).stdout, b"", "a code that does not hold");
    drop(full);
    done(&waive("+3d"));
    assert_eq!(login(&site.nullok, &site.ann, "").answer(), "PAM_SUCCESS");
}

fn enrollments_fail_cleanly(site: &Site, remedy: &str) {
    let before = site.listed();
    let (ann, bob, users) = (&site.ann, &site.bob, site.store.join("users"));
    for arguments in [
        &["enroll", "--no-confirm", &bob.name][..],
        &["enroll", "--no-confirm", "--replace", &ann.name],
        &["backup-codes", "--yes", &ann.name],
    ] {
        let output = site.nightlatch(arguments);
        fails(&output, &[utf8(&users), "No space left on device", remedy]);
        assert_eq!(output.stdout, b"", "a secret or a code of what is not enrolled");
        assert_eq!(site.listed(), before, "{arguments:?}");
    }
    assert_eq!(login(&site.strict, bob, "123456").answer(), "PAM_AUTH_ERR");
    site.gets_in(&ann.backup_codes[0]);
}

fn enrollments_are_possible_again(site: &Site) {
    done(&site.nightlatch(&["enroll", "--no-confirm", &site.bob.name]));
    done(&site.nightlatch(&["backup-codes", "--yes", &site.ann.name]));
    done(&site.nightlatch(&["enroll", "--no-confirm", "--replace", &site.ann.name]));
}

fn an_enrollment_fails_cleanly_and_the_old_record_holds(disk: &Disk) {
    let site = Site::on(disk);
    let full = disk.fill(100);
    enrollments_fail_cleanly(&site, &format!("free space on the file system of {}", site.store.display()));
    drop(full);
    enrollments_are_possible_again(&site);
}

fn without_an_inode_an_enrollment_says_that_inodes_are_wanted(disk: &Disk) {
    let site = Site::on(disk);
    let full = disk.use_up_inodes();
    enrollments_fail_cleanly(&site, "or inodes if 'df -i' shows none");
    drop(full);
    enrollments_are_possible_again(&site);
}

fn init_fails_cleanly_and_begins_again(disk: &Disk) {
    let name = unique("nightlatch-");
    let (directory, store) = (Path::new("/srv").join(&name), disk.path.join(&name));
    fs::create_dir(&directory).unwrap();
    let (config, keys) = (directory.join("config.toml"), directory.join("keys"));
    fs::write(&config, format!("store = {store:?}\nkeys = {keys:?}\n")).unwrap();
    let init = || run("nightlatch", &["--config", utf8(&config), "init"]);
    let full = disk.fill(100);
    fails(&init(), &[utf8(&store), "No space left on device", "free space on the file system of"]);
    drop(full);
    done(&init());
    done(&run("nightlatch", &["--config", utf8(&config), "doctor", "--only", "store"]));
    fs::remove_dir_all(store).unwrap();
}

/// By the file's own account and not by ours: a hole would have no block.
fn an_enrollment_writes_every_block(disk: &Disk) {
    let site = Site::on(disk);
    for arguments in [&["backup-codes", "--yes"][..], &["enroll", "--no-confirm", "--replace"]] {
        let file = fs::metadata(site.file_of(&site.ann)).unwrap();
        assert_eq!((file.len(), file.blocks() * 512), (12_288, 12_288));
        assert_eq!(site.doctor(), []);
        done(&site.nightlatch(&[arguments, &[&site.ann.name]].concat()));
    }
}

/// What a login has to ask a block for is found on a disk with room, refused on a full one, and mended afterwards.
fn refused_on_a_full_disk_found_before_and_mended(disk: &Disk, site: &Site, findings: &[(String, PathBuf)]) {
    let (ann, file) = (&site.ann, site.file_of(&site.ann));
    assert_eq!(site.doctor(), findings);
    let full = disk.fill(100);
    let (before, journal) = (site.listed(), Journal::mark());
    for reply in [&ann.backup_codes[0], &ann.wrong_code(), &ann.code(0)] {
        site.is_refused(reply, "PAM_SYSTEM_ERR");
    }
    let lines = journal.lines(&format!("user={} ", ann.name));
    let cause =
        format!("cause=\"{}: no block to write the ledger to, since a snapshot or a copy shares", file.display());
    let remedy = "remedy=\"free space on the file system of";
    for text in [cause.as_str(), remedy, "then 'nightlatch doctor --mend'\"", ": fault "] {
        assert_eq!(lines.matches(text).count(), 6, "{text}: {lines}");
    }
    fails(&site.nightlatch_reads(&ann.backup_codes[0], &["verify", &ann.name]), &["no block to write the ledger to"]);
    fails(&site.nightlatch(&["doctor", "--mend"]), &["No space left on device", "free space"]);
    assert_eq!((site.listed(), site.doctor().last()), (before, findings.last()));
    drop(full);
    assert_eq!((&site.status()["failures"], &site.status()["backup_codes_left"]), (&json!(0), &json!(10)));
    done(&site.nightlatch(&["doctor", "--only", "store", "--mend"]));
    assert_eq!(site.doctor(), []);
    let full = disk.fill(100);
    site.gets_in(&ann.backup_codes[0]);
    site.is_refused(&ann.backup_codes[0], "PAM_AUTH_ERR");
    drop(full);
}

fn found(kind: &str, path: PathBuf) -> (String, PathBuf) {
    (kind.to_owned(), path)
}

macro_rules! holds_on {
    ($disk:expr) => {
        #[test]
        fn logins_go_on_failures_count_and_unlock_works() {
            super::logins_go_on_failures_count_and_unlock_works(&$disk);
        }

        #[test]
        fn waived_logins_go_on_and_waivers_fail_cleanly() {
            super::waived_logins_go_on_and_waivers_fail_cleanly(&$disk);
        }

        #[test]
        fn an_enrollment_fails_cleanly_and_the_old_record_holds() {
            super::an_enrollment_fails_cleanly_and_the_old_record_holds(&$disk);
        }

        #[test]
        fn init_fails_cleanly_and_begins_again() {
            super::init_fails_cleanly_and_begins_again(&$disk);
        }

        #[test]
        fn an_enrollment_writes_every_block() {
            super::an_enrollment_writes_every_block(&$disk);
        }
    };
}

mod a_full_ext4 {
    use super::*;

    static TURN: Mutex<()> = Mutex::new(());
    holds_on!(Disk::of_the_host("ext4", &TURN));

    #[test]
    fn without_an_inode_an_enrollment_says_that_inodes_are_wanted() {
        super::without_an_inode_an_enrollment_says_that_inodes_are_wanted(&Disk::of_the_host("ext4", &TURN));
    }
}

mod a_full_tmpfs {
    use super::*;

    static TURN: Mutex<()> = Mutex::new(());
    holds_on!(tmpfs());

    fn tmpfs() -> Disk {
        Disk::in_memory("tmpfs", "size=1m,nr_inodes=200", &TURN)
    }

    #[test]
    fn without_an_inode_an_enrollment_says_that_inodes_are_wanted() {
        super::without_an_inode_an_enrollment_says_that_inodes_are_wanted(&tmpfs());
    }
}

/// A file system without FIEMAP, as zfs and nfs are.
#[test]
fn where_nothing_is_known_of_blocks_doctor_says_so_once() {
    static TURN: Mutex<()> = Mutex::new(());
    let disk = Disk::in_memory("ramfs", "", &TURN);
    let site = Site::on(&disk);
    done(&site.nightlatch(&["enroll", "--no-confirm", &site.bob.name]));
    assert_eq!(site.doctor(), [found("blocks-unknown", site.store.join("users"))]);
}

mod a_full_xfs {
    use super::*;

    static TURN: Mutex<()> = Mutex::new(());
    holds_on!(Disk::of_the_host("xfs", &TURN));

    #[test]
    fn blocks_that_a_plain_copy_shares_refuse_and_doctor_finds_them_before() {
        let disk = Disk::of_the_host("xfs", &TURN);
        let site = Site::on(&disk);
        let copy = format!("{}.copy", site.store.display());
        ok("cp", &["--recursive", utf8(&site.store), &copy]);
        let findings = [found("blocks-shared", site.file_of(&site.ann))];
        refused_on_a_full_disk_found_before_and_mended(&disk, &site, &findings);
        fs::remove_dir_all(copy).unwrap();
    }
}

mod a_full_btrfs {
    use super::*;

    static TURN: Mutex<()> = Mutex::new(());
    holds_on!(Disk::of_the_host("btrfs", &TURN));

    #[test]
    fn blocks_that_a_snapshot_shares_refuse_and_doctor_finds_them_before() {
        let disk = Disk::of_the_host("btrfs", &TURN);
        let site = Site::on(&disk);
        let snapshot = disk.path.join("snapshot");
        ok("btrfs", &["subvolume", "snapshot", utf8(&disk.path), utf8(&snapshot)]);
        let findings = [found("blocks-shared", site.file_of(&site.ann))];
        refused_on_a_full_disk_found_before_and_mended(&disk, &site, &findings);
        ok("btrfs", &["subvolume", "delete", utf8(&snapshot)]);
    }

    #[test]
    fn a_store_that_is_copied_on_write_refuses_and_doctor_finds_it_before() {
        let disk = Disk::of_the_host("btrfs", &TURN);
        // Made before init, which makes them NOCOW where it makes them.
        let by_hand = |store: &Path| {
            for directory in [store, &store.join("users")] {
                DirBuilder::new().mode(0o700).create(directory).unwrap();
            }
        };
        let site = Site::prepared(&disk, by_hand);
        let findings = ["users".into(), site.file_of(&site.ann)].map(|at| found("copy-on-write", site.store.join(at)));
        refused_on_a_full_disk_found_before_and_mended(&disk, &site, &findings);
    }
}
