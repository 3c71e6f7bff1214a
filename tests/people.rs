// SPDX-License-Identifier: MIT OR Apache-2.0
//! Many people and renamed ones, as a login finds them: after usermod the same phone goes on and what was used stays used;
//! a disk that is full in the middle of a batch leaves nobody half enrolled.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

mod scene;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError, RwLock, RwLockReadGuard};

use scene::disks::{Disk, utf8};
use scene::*;
use serde_json::{Value, json};

/// Whoever changes the accounts waits for those who mount a list of their own over them: a file that is renamed over takes
/// such a mount away.
static ACCOUNTS: RwLock<()> = RwLock::new(());

fn gets_in(service: &Service, person: &Person, code: &str) -> bool {
    attempt(service, &person.name, code).answer() == "PAM_SUCCESS"
}

/// Uses a code and a backup code, has the account changed and the record rebound, and goes on with the same phone.
fn goes_on_after(change: impl FnOnce(&Person) -> Person, from: impl FnOnce(&str, &str) -> [String; 2]) {
    let _changed = ACCOUNTS.write().unwrap_or_else(PoisonError::into_inner);
    let (service, mut ann) = (Service::alone(""), Person::enrolled("ann"));
    let uid = ok("id", &["-u", &ann.name]);
    steady(15);
    let used = [ann.code(0), ann.backup_codes[0].clone()];
    assert!(used.iter().all(|code| gets_in(&service, &ann, code)));
    let from = from(&ann.name, uid.trim());
    let (secret, backup_codes) = (std::mem::take(&mut ann.secret), std::mem::take(&mut ann.backup_codes));
    let now = Person { secret, backup_codes, ..change(&ann) };
    let journal = Journal::mark();
    assert_ne!(attempt(&service, &now.name, &now.code(1)).answer(), "PAM_SUCCESS", "before it is rebound");
    let lines = journal.lines(&now.name);
    assert!(lines.contains("nightlatch rebind") || lines.contains("not enrolled"), "the log names the remedy: {lines}");
    ok("nightlatch", &["rebind", &now.name, &from[0], &from[1], "--yes"]);
    for code in &used {
        assert!(!gets_in(&service, &now, code), "it was used under the old name");
    }
    assert!(gets_in(&service, &now, &now.code(1)) && gets_in(&service, &now, &now.backup_codes[1]));
    assert_eq!(now.status()["backup_codes_left"], 8);
}

#[test]
fn after_usermod_l_the_same_phone_logs_in_under_the_new_name_and_the_used_code_stays_used() {
    let renamed = |ann: &Person| {
        let name = unique("anna");
        ok("usermod", &["--login", &name, &ann.name]);
        Person { name, ..Person::nobody() }
    };
    goes_on_after(renamed, |name, _| ["--from-name".to_owned(), name.to_owned()]);
}

#[test]
fn after_usermod_u_the_same_phone_logs_in_and_the_used_code_stays_used() {
    let moved = |ann: &Person| {
        ok("usermod", &["--uid", "54321", &ann.name]);
        Person { name: ann.name.clone(), ..Person::nobody() }
    };
    goes_on_after(moved, |_, uid| ["--from-uid".to_owned(), uid.to_owned()]);
}

/// Six hundred people, seen by the program alone; store and hand-outs wherever a test wants them.
struct Crowd {
    directory: PathBuf,
    handouts: PathBuf,
    store: PathBuf,
    _unchanged: RwLockReadGuard<'static, ()>,
}

const CROWD: usize = 600;
/// What becomes durable at once.
const BATCH: usize = 256;

impl Crowd {
    fn new(store: &Path, handouts: &Path) -> Self {
        let name = unique("crowd");
        let crowd = Self {
            _unchanged: ACCOUNTS.read().unwrap_or_else(PoisonError::into_inner),
            directory: Path::new("/srv").join(&name),
            handouts: handouts.join(format!("{name}.out")),
            store: store.join(format!("{name}.store")),
        };
        fs::create_dir(&crowd.directory).unwrap();
        let keys = crowd.directory.join("keys");
        fs::write(crowd.directory.join("config.toml"), format!("store = {:?}\nkeys = {keys:?}\n", crowd.store))
            .unwrap();
        let people = |line: fn(usize) -> String| (0..CROWD).map(line).collect::<String>();
        let passwd = people(|n| format!("q{n:04}:x:{}:100::/:/bin/sh\n", 20_000 + n));
        fs::write(crowd.directory.join("passwd"), format!("root:x:0:0::/root:/bin/sh\n{passwd}")).unwrap();
        let file = people(|n| format!("q{n:04}\n"));
        fs::write(crowd.directory.join("people.csv"), format!("user\n{file}")).unwrap();
        crowd.nightlatch(&["init", "--quiet"]);
        crowd
    }

    /// Its exit status and what it printed.
    fn nightlatch(&self, arguments: &[&str]) -> (i32, String, String) {
        let mut command = Command::new("unshare");
        let script = "mount --bind \"$1\" /etc/passwd && shift && exec nightlatch --config \"$@\"";
        command.args(["--mount", "--", "sh", "-ec", script, "sh"]);
        command.arg(self.directory.join("passwd")).arg(self.directory.join("config.toml"));
        let output = command.args(arguments).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
    }

    fn enroll(&self) -> (i32, Value, String) {
        let (file, handouts) = (self.directory.join("people.csv"), utf8(&self.handouts));
        let words =
            ["enroll", "--from", utf8(&file), "--output", handouts, "--no-confirm", "--format", "txt", "--json"];
        let (status, stdout, stderr) = self.nightlatch(&words);
        (status, serde_json::from_str(&stdout).unwrap_or_default(), stderr)
    }

    /// As many hand-outs as records, every record opens, and there is nothing else.
    fn is_whole_with(&self, people: usize) {
        let (status, list, stderr) = self.nightlatch(&["list", "--json"]);
        let list: Value = serde_json::from_str(&list).unwrap();
        assert_eq!((status, list.as_array().unwrap().len()), (0, people), "{stderr}");
        let names = |path: &Path| fs::read_dir(path).unwrap().count();
        assert_eq!((names(&self.handouts), names(&self.store.join("users"))), (people, people));
    }

    fn fails_on_the_full_disk_and_goes_on_with_room(&self, disk: &Disk) {
        let (status, object, stderr) = self.enroll();
        assert_eq!((status, &object["enrolled"]), (1, &json!(BATCH)), "{stderr}");
        assert!(object["error"]["remedy"].as_str().unwrap().starts_with("free space on "), "{object}");
        assert!(stderr.contains("run it again"), "{stderr}");
        self.is_whole_with(BATCH);
        ok("mount", &["-o", "remount,size=64m", utf8(&disk.path)]);
        let (status, object, stderr) = self.enroll();
        assert_eq!(
            (status, &object["enrolled"], &object["already_enrolled"]),
            (0, &json!(CROWD - BATCH), &json!(BATCH))
        );
        assert!(stderr.contains("skipped"), "{stderr}");
        self.is_whole_with(CROWD);
    }
}

/// The order that a power cut cannot turn round: hand-outs and drafts, their flush, the names, the directory's flush.
#[test]
fn nobody_has_a_name_in_the_store_before_hand_outs_and_drafts_are_flushed() {
    let crowd = Crowd::new(Path::new("/srv"), Path::new("/srv"));
    let (trace, file, handouts) =
        (crowd.directory.join("trace"), crowd.directory.join("people.csv"), utf8(&crowd.handouts).to_owned());
    let script = format!(
        "mount --bind {0}/passwd /etc/passwd && exec strace -f -y -o {1} -e trace=openat,syncfs,renameat2,fsync \
         nightlatch --config {0}/config.toml enroll --from {2} --output {handouts} --no-confirm",
        utf8(&crowd.directory),
        utf8(&trace),
        utf8(&file)
    );
    ok("unshare", &["--mount", "--", "sh", "-ec", &script]);
    let trace = fs::read_to_string(trace).unwrap();
    let (mut unflushed, mut undurable, mut placed) = (0, 0, 0);
    for call in trace.lines() {
        if call.contains("openat(") && call.contains("O_CREAT") && (call.contains(".pdf\"") || call.contains(".new\""))
        {
            unflushed += 1;
        } else if call.contains("syncfs(") && call.ends_with("= 0") {
            unflushed = 0;
        } else if call.contains("renameat2(") && call.contains("RENAME_NOREPLACE") {
            assert_eq!(unflushed, 0, "a name before the flush: {call}");
            (undurable, placed) = (undurable + 1, placed + 1);
        } else if call.contains("fsync(") && call.contains("/users>") && call.ends_with("= 0") {
            undurable = 0;
        }
    }
    assert_eq!((placed, undurable), (CROWD, 0));
    crowd.is_whole_with(CROWD);
}

#[test]
fn a_store_that_is_full_in_the_middle_of_a_batch_leaves_nobody_half_enrolled() {
    static TURN: Mutex<()> = Mutex::new(());
    let disk = Disk::in_memory("tmpfs", "size=5m", &TURN);
    Crowd::new(&disk.path, Path::new("/srv")).fails_on_the_full_disk_and_goes_on_with_room(&disk);
}

#[test]
fn hand_outs_that_find_no_room_leave_nobody_half_enrolled() {
    static TURN: Mutex<()> = Mutex::new(());
    let disk = Disk::in_memory("tmpfs", "size=1536k", &TURN);
    Crowd::new(Path::new("/srv"), &disk.path).fails_on_the_full_disk_and_goes_on_with_room(&disk);
}
