// SPDX-License-Identifier: MIT OR Apache-2.0
//! The power fails: what logins and enrollments of the real programs wrote and flushed is replayed up to every point, with
//! every part of it lost that a disk may lose. Whoever was told something can rely on it in whatever is found then.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::print_stdout,
    reason = "tests; the number of states that were tried is worth a line"
)]

#[path = "power/disk.rs"]
mod disk;
mod scene;
#[path = "power/trace.rs"]
mod trace;

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};

use disk::{Disk, Found};
use nightlatch::clock::{BootId, BootTime, Clock, Moment, UnixTime};
use nightlatch::config::Config;
use nightlatch::error::Fault;
use nightlatch::random::SystemRandom;
use nightlatch::secret::TypedCode;
use nightlatch::store::{Answer, Enrollment, LockFailure, OpenRecord, Store};
use nightlatch::user::{Account, UserName};
use nightlatch::verify::judge::Occasion;
use scene::*;
use serde_json::Value;
use trace::{Call, recorded};

struct FixedClock(u64);

impl Clock for FixedClock {
    fn now(&self) -> Result<Moment, Fault> {
        Ok(Moment { wall: UnixTime(self.0), since_boot: BootTime(5_000), boot: None })
    }

    fn boot_id(&self) -> Option<BootId> {
        Some(BootId([7; 16]))
    }
}

/// How a call that writes the ledger ends.
#[derive(Debug, Clone, Copy)]
enum Fate {
    /// It returns, and the program goes on to its answer.
    Returns,
    /// The process is killed when the bytes are in the cache and maybe not on the disk.
    Killed,
    /// It fails with EIO; the cache has the bytes, or has dropped them.
    Fails { dropped: bool },
}

/// What somebody was told.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Told {
    Accepted(String),
    Refused,
    Unlocked,
    /// That this phone is enrolled, the one before it no longer.
    Enrolled(usize),
    /// That these backup codes hold, those before no longer.
    BackupCodes(usize),
}

/// One step of a story: what it did, and what was told at its end.
struct Step {
    calls: Vec<Call>,
    fate: Fate,
    told: Option<Told>,
}

/// What one person and one file live through.
struct Story {
    site: PathBuf,
    config: String,
    service: Service,
    person: Person,
    wall: u64,
    begins: Found,
    steps: Vec<Step>,
    /// Base32, in the order of enrollment.
    secrets: Vec<String>,
    sheets: Vec<Vec<String>>,
}

impl Story {
    fn of_a_stranger() -> Self {
        in_the_bed();
        let site = PathBuf::from(format!("/srv/{}", unique("power-")));
        fs::create_dir(&site).unwrap();
        let config = site.join("config.toml");
        fs::write(&config, format!("store = {:?}\nkeys = {:?}\n", site.join("store"), site.join("keys"))).unwrap();
        let config = config.to_str().unwrap().to_owned();
        ok("nightlatch", &["init", "--quiet", "--config", &config]);
        let service = Service::alone(&format!("config={config}"));
        let person = Person::stranger("ann");
        steady(12);
        let (begins, steps) = (Found::new(), Vec::new());
        let (secrets, sheets) = (Vec::new(), Vec::new());
        Self { site, config, service, person, wall: now(), begins, steps, secrets, sheets }
    }

    fn of_somebody_enrolled() -> Self {
        let mut story = Self::of_a_stranger();
        story.enrolls(&[]);
        story.steps.clear();
        story.begins = story.on_the_disk();
        story.wall = now();
        story
    }

    fn users(&self) -> PathBuf {
        self.site.join("store/users")
    }

    fn on_the_disk(&self) -> Found {
        let entries = fs::read_dir(self.users()).unwrap().map(Result::unwrap);
        entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())).collect()
    }

    fn code(&self, phone: usize, seconds: u64) -> String {
        let at = format!("@{}", self.wall + seconds);
        ok("oathtool", &["--totp", "-b", &self.secrets[phone], "-N", &at]).trim().to_owned()
    }

    /// The phone's code one step back, now, and one step on.
    fn near(&self, steps: i64) -> String {
        let at = format!("@{}", self.wall.saturating_add_signed(30 * steps));
        ok("oathtool", &["--totp", "-b", self.secrets.last().unwrap(), "-N", &at]).trim().to_owned()
    }

    fn wrong(&self) -> String {
        let right: Vec<String> = (-3..=12).map(|steps| self.near(steps)).collect();
        (0..).map(|n| format!("{n:06}")).find(|code| !right.contains(code)).unwrap()
    }

    fn logs_in(&mut self, reply: &str, fate: Fate) -> &mut Self {
        let before = self.on_the_disk();
        let words = ["/opt/nightlatch/driver", "--no-delay", "--rhost", "192.0.2.7", "--reply", reply];
        let (calls, output) = recorded(&self.users(), &[&words[..], &[&self.service.name, &self.person.name]].concat());
        let told = match (fate, output.status.code()) {
            (Fate::Returns, Some(0)) => Some(Told::Accepted(reply.to_owned())),
            (Fate::Returns, _) => Some(Told::Refused),
            (Fate::Killed | Fate::Fails { .. }, _) => None,
        };
        if let Fate::Fails { dropped: true } = fate {
            for (name, bytes) in before {
                fs::write(self.users().join(name), bytes).unwrap();
            }
        }
        self.steps.push(Step { calls, fate, told });
        self
    }

    fn enrolls(&mut self, more: &[&str]) -> &mut Self {
        let words = ["nightlatch", "enroll", &self.person.name, "--config", &self.config, "--no-confirm", "--json"];
        let (calls, output) = recorded(&self.users(), &[&words[..], more].concat());
        let enrolled: Value = serde_json::from_slice(&output.stdout).unwrap();
        self.secrets.push(enrolled["devices"][0]["secret"].as_str().unwrap().to_owned());
        self.keeps(&enrolled);
        let told = Some(Told::Enrolled(self.secrets.len() - 1));
        self.steps.push(Step { calls, fate: Fate::Returns, told });
        self
    }

    fn renews_backup_codes(&mut self) -> &mut Self {
        let words = ["nightlatch", "backup-codes", &self.person.name, "--config", &self.config, "--yes", "--json"];
        let (calls, output) = recorded(&self.users(), &words);
        self.keeps(&serde_json::from_slice(&output.stdout).unwrap());
        let told = Some(Told::BackupCodes(self.sheets.len() - 1));
        self.steps.push(Step { calls, fate: Fate::Returns, told });
        self
    }

    fn keeps(&mut self, object: &Value) {
        let codes = object["backup_codes"].as_array().unwrap();
        self.sheets.push(codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect());
    }

    fn is_unlocked(&mut self) -> &mut Self {
        let words = ["nightlatch", "unlock", &self.person.name, "--config", &self.config, "--json"];
        let (calls, _) = recorded(&self.users(), &words);
        self.steps.push(Step { calls, fate: Fate::Returns, told: Some(Told::Unlocked) });
        self
    }

    /// Lets the power fail before, within and after each call. Gives the number of different states that were found.
    fn holds_at_every_power_loss(&self) -> usize {
        let (replay, mut seen) = (Replay::of(self), HashSet::new());
        let (mut disk, mut told) = (Disk::holding(&self.begins), Vec::new());
        let mut looks = |disk: &Disk, told: &[Told], under_way: &Option<Told>| {
            for found in disk.after_power_loss() {
                if seen.insert((found.clone(), told.to_vec(), under_way.clone())) {
                    replay.holds(&found, told, under_way);
                }
            }
        };
        for step in &self.steps {
            assert!(step.calls.iter().any(|call| !matches!(call, Call::Answer)), "a step that wrote nothing");
            looks(&disk, &told, &step.told);
            for call in &step.calls {
                let mut within = disk.clone();
                within.begins(call);
                looks(&within, &told, &step.told);
                match (step.fate, call) {
                    (Fate::Killed | Fate::Fails { .. }, Call::Write { .. }) => {
                        disk.begins(call);
                        // Nothing of this process comes after it.
                        break;
                    }
                    (_, Call::Answer) => told.extend(step.told.clone()),
                    _ => disk.does(call),
                }
                looks(&disk, &told, &step.told);
            }
        }
        seen.len()
    }
}

/// Where what was found is looked at, by the store as the programs open it.
struct Replay<'a> {
    story: &'a Story,
    config: Config,
    account: Account,
    file: PathBuf,
    users: PathBuf,
    used: Vec<String>,
    later: Vec<[(String, u64); 2]>,
}

impl<'a> Replay<'a> {
    fn of(story: &'a Story) -> Self {
        let place = story.site.join("replay");
        fs::create_dir(&place).unwrap();
        ok("mount", &["-t", "tmpfs", "-o", "mode=755,size=8m", "tmpfs", place.to_str().unwrap()]);
        let (store, users) = (place.join("store"), place.join("store/users"));
        for directory in [&store, &users] {
            fs::create_dir(directory).unwrap();
            ok("chmod", &["0700", directory.to_str().unwrap()]);
        }
        ok("cp", &["-p", story.site.join("store/store").to_str().unwrap(), store.to_str().unwrap()]);
        let path = place.join("config.toml");
        fs::write(&path, format!("store = {store:?}\nkeys = {:?}\n", story.site.join("keys"))).unwrap();
        let account = Account::resolve(&UserName::parse(story.person.name.as_bytes()).unwrap()).unwrap();
        let later = |phone: usize| [90, 240].map(|seconds| (story.code(phone, seconds), story.wall + seconds));
        let accepted = |told: &Option<Told>| match told {
            Some(Told::Accepted(code)) => Some(code.clone()),
            Some(Told::Refused | Told::Unlocked | Told::Enrolled(_) | Told::BackupCodes(_)) | None => None,
        };
        Self {
            config: Config::read(Some(&path)).unwrap(),
            file: users.join(account.uid().to_string()),
            users,
            account,
            used: story.steps.iter().filter_map(|step| accepted(&step.told)).collect(),
            later: (0..story.secrets.len()).map(later).collect(),
            story,
        }
    }

    fn puts(&self, found: &Found) {
        empties(&self.users);
        for (name, bytes) in found {
            let path = self.users.join(name);
            fs::write(&path, bytes).unwrap();
            fs::set_permissions(&path, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
        }
    }

    fn holds(&self, found: &Found, told: &[Told], under_way: &Option<Told>) {
        let enrolled = told.iter().rev().find_map(|word| match word {
            Told::Enrolled(phone) => Some(*phone),
            Told::Accepted(_) | Told::Refused | Told::Unlocked | Told::BackupCodes(_) => None,
        });
        let from_the_start = !self.story.begins.is_empty();
        let promised = enrolled.or(from_the_start.then_some(0));
        self.puts(found);
        let store = Store::open(&self.config, &SystemRandom).unwrap();
        let names: Vec<u32> = store.people().unwrap().into_iter().map(|(uid, _)| uid).collect();
        if names.is_empty() && promised.is_none() {
            assert!(matches!(store.enrollment(&self.account), Ok(Enrollment::NotEnrolled(_))), "{told:?}");
            return;
        }
        assert_eq!(names, [self.account.uid()], "a stray file is no record: {told:?}");

        for code in self.used.iter().filter(|code| told.contains(&Told::Accepted((*code).clone()))) {
            self.puts(found);
            assert!(!self.admits(code, self.story.wall), "{code} was used: {told:?}");
        }
        let forgives = |word: &Told| matches!(word, Told::Accepted(_) | Told::Unlocked);
        let counted = told.iter().rev().take_while(|word| !forgives(word)).filter(|word| **word == Told::Refused);
        self.puts(found);
        let failures = usize::try_from(self.opened(|open| open.ledger().throttle.failures())).unwrap();
        // What is under way may have forgiven them already.
        assert!(failures >= counted.count() || under_way.as_ref().is_some_and(forgives), "{failures}: {told:?}");

        // Nobody is locked out: the phone that was promised, or the one of the replacement that was under way.
        let phones = promised.unwrap_or(0)..(promised.unwrap_or(0) + 2).min(self.later.len());
        let lets_in = phones.clone().filter(|phone| self.lets_in(found, *phone)).count();
        assert_eq!(lets_in, 1, "one phone lets in: {told:?}");
        self.backup_codes_hold(found, told);
    }

    /// With a lost slot the first code only closes its window.
    fn lets_in(&self, found: &Found, phone: usize) -> bool {
        self.puts(found);
        self.later[phone].iter().any(|(code, wall)| self.admits(code, *wall))
    }

    fn backup_codes_hold(&self, found: &Found, told: &[Told]) {
        let promised = told.iter().rev().find_map(|word| match word {
            Told::BackupCodes(sheet) | Told::Enrolled(sheet) => Some(*sheet),
            Told::Accepted(_) | Told::Refused | Told::Unlocked => None,
        });
        let promised = promised.unwrap_or(0);
        let sheets = promised..(promised + 2).min(self.story.sheets.len());
        let admits = |sheet: usize| {
            self.puts(found);
            self.admits(&self.story.sheets[sheet][9], self.story.wall)
        };
        assert_eq!(sheets.filter(|sheet| admits(*sheet)).count(), 1, "one sheet holds: {told:?}");
        for void in 0..promised {
            assert!(!admits(void), "a void backup code lets in: {told:?}");
        }
    }

    fn admits(&self, code: &str, wall: u64) -> bool {
        let code = TypedCode::parse(code.as_bytes(), None).unwrap();
        let occasion = Occasion::new("sshd", Some("192.0.2.7"));
        let answer = self.opened(|open| open.attempt(&code, &occasion, &FixedClock(wall)).unwrap().commit().unwrap());
        matches!(answer, Answer::Accepted(_))
    }

    fn opened<T>(&self, act: impl FnOnce(OpenRecord<'_>) -> T) -> T {
        let store = Store::open(&self.config, &SystemRandom).unwrap();
        let locked = match store.lock(&self.account) {
            Ok(locked) => locked,
            Err(LockFailure::Fault(fault)) => panic!("{}: {fault}", self.file.display()),
            Err(LockFailure::NotEnrolled(_)) => panic!("{} is gone", self.file.display()),
        };
        act(locked.open(&self.account).unwrap_or_else(|fault| panic!("{fault}")))
    }
}

impl Drop for Replay<'_> {
    fn drop(&mut self) {
        run("umount", &[self.story.site.join("replay").to_str().unwrap()]);
    }
}

fn empties(directory: &Path) {
    for entry in fs::read_dir(directory).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
}

fn tried(what: &str, states: usize) {
    println!("{what}: {states} states");
    assert!(states > 2, "{what}");
}

#[test]
fn an_accepted_code_stays_used_and_a_refusal_stays_counted() {
    let mut story = Story::of_somebody_enrolled();
    let (first, second, wrong) = (story.near(0), story.near(1), story.wrong());
    story.logs_in(&wrong, Fate::Returns).logs_in(&first, Fate::Returns);
    story.logs_in(&wrong, Fate::Returns).logs_in(&wrong, Fate::Returns).logs_in(&second, Fate::Returns);
    tried("refused, accepted, refused twice, accepted", story.holds_at_every_power_loss());
}

#[test]
fn a_backup_code_stays_used() {
    let mut story = Story::of_somebody_enrolled();
    let (backup, another, code) = (story.sheets[0][2].clone(), story.sheets[0][5].clone(), story.near(0));
    story.logs_in(&backup, Fate::Returns).logs_in(&code, Fate::Returns).logs_in(&another, Fate::Returns);
    tried("a backup code, a code, a backup code", story.holds_at_every_power_loss());
}

/// With a write and a flush in two calls the second login would overwrite the only durable slot.
#[test]
fn a_kill_a_login_and_a_power_cut_lose_nothing() {
    for killed in [Story::near as fn(&Story, i64) -> String, |story: &Story, _| story.wrong()] {
        let mut story = Story::of_somebody_enrolled();
        let (first, between, last) = (story.near(-1), killed(&story, 0), story.near(1));
        story.logs_in(&first, Fate::Returns).logs_in(&between, Fate::Killed).logs_in(&last, Fate::Returns);
        tried("accepted, killed, accepted", story.holds_at_every_power_loss());
    }
}

#[test]
fn a_failed_write_a_login_and_a_power_cut_lose_nothing() {
    for dropped in [true, false] {
        let mut story = Story::of_somebody_enrolled();
        let (first, between, last) = (story.near(-1), story.near(0), story.near(1));
        story.logs_in(&first, Fate::Returns).logs_in(&between, Fate::Fails { dropped }).logs_in(&last, Fate::Returns);
        tried("accepted, EIO, accepted", story.holds_at_every_power_loss());
    }
}

#[test]
fn an_enrollment_is_there_whole_or_not_at_all() {
    let mut story = Story::of_a_stranger();
    story.enrolls(&[]);
    let code = story.near(0);
    story.logs_in(&code, Fate::Returns);
    tried("an enrollment, accepted", story.holds_at_every_power_loss());
}

#[test]
fn a_replacement_leaves_the_old_phone_or_the_new_one() {
    let mut story = Story::of_somebody_enrolled();
    let code = story.near(0);
    story.logs_in(&code, Fate::Returns).enrolls(&["--replace"]);
    let code = story.near(1);
    story.logs_in(&code, Fate::Returns);
    tried("accepted, a replacement, accepted", story.holds_at_every_power_loss());
}

#[test]
fn new_backup_codes_leave_the_old_sheet_or_the_new_one_and_no_used_code() {
    let mut story = Story::of_somebody_enrolled();
    let code = story.near(0);
    story.logs_in(&code, Fate::Returns).renews_backup_codes();
    let backup = story.sheets[1][0].clone();
    story.logs_in(&backup, Fate::Returns);
    tried("accepted, new backup codes, one of them", story.holds_at_every_power_loss());
}

#[test]
fn unlock_brings_no_used_code_back() {
    let mut story = Story::of_somebody_enrolled();
    let (code, wrong) = (story.near(0), story.wrong());
    story.logs_in(&code, Fate::Returns).logs_in(&wrong, Fate::Returns).is_unlocked();
    tried("accepted, refused, unlocked", story.holds_at_every_power_loss());
}
