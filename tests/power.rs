// SPDX-License-Identifier: MIT OR Apache-2.0
//! Power cuts: what the real programs write and flush is recorded, and the power goes at every point of it, with
//! everything that the flushes allow left on the disk. Programs are killed and disks fail on the way, and the next one
//! goes on with what that left. What was answered stays true, whatever is found when the power is back.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::print_stdout,
    reason = "tests; how many states were tried is worth a line"
)]

#[path = "power/disk/mod.rs"]
mod disk;
mod scene;

use std::cell::{Cell, RefCell};
use std::collections::BTreeSet;

use disk::recording::{files_in, lay_out, record};
use disk::referee::{Promised, Referee, Site, Waived, code_at};
use disk::{Disk, Files, Op};
use scene::*;

/// What somebody does next.
#[derive(Clone)]
enum Step {
    Right(String),
    Wrong(String),
    Enroll,
    Replace,
    NewBackupCodes,
    AnotherDevice,
    Unlock,
    Waive,
    EndWaiver,
}

/// Steps one after the other, with all that can befall them between.
struct Tale {
    site: Site,
    person: Person,
    moment: u64,
    referee: Referee,
    steps: Vec<Step>,
    told: RefCell<BTreeSet<(usize, Disk, Promised)>>,
    runs: Cell<usize>,
    cuts: Cell<usize>,
}

impl Tale {
    /// A person in a site of their own, in the middle of a time step.
    fn of(enrolled: bool) -> Self {
        let (site, mut person) = (Site::new(), Person::stranger("ann"));
        if enrolled {
            person.enroll(&["--config", site.config.to_str().unwrap()]);
        }
        let moment = now() / 30 * 30 + 10;
        let referee = Referee::new(&site, &person.name, moment);
        let (told, runs, cuts) = (RefCell::default(), Cell::default(), Cell::default());
        Self { site, person, moment, referee, steps: Vec::new(), told, runs, cuts }
    }

    fn code(&self, steps: u64) -> String {
        code_at(&self.person.secret, self.moment + 30 * steps - 30)
    }

    /// Made when the tale begins, which is a little before now.
    fn bypass_code(&self) -> String {
        let at = format!("@{}", self.moment - 60);
        let command = self.site.nightlatch(&["bypass", &self.person.name, "--json"]);
        let words: Vec<&str> = std::iter::once(at.as_str()).chain(command.iter().map(String::as_str)).collect();
        let granted: serde_json::Value = serde_json::from_str(&ok("faketime", &words)).unwrap();
        granted["bypass_code"].as_str().unwrap().to_owned()
    }

    /// Tells it in every way; gives the number of different states that were judged.
    fn tell(&mut self, what: &str, steps: Vec<Step>) -> usize {
        self.steps = steps;
        let promised = Promised { secrets: [self.person.secret.clone()].into(), ..Promised::default() };
        self.go_on(0, &Disk::holding(&files_in(&self.site.users)), &promised);
        let (runs, cuts, states) = (self.runs.get(), self.cuts.get(), self.referee.states());
        let sampled = self.referee.sampled.get();
        println!(
            "{what}: {runs} runs, {cuts} power cuts, {states} different states, {sampled} by the real programs too"
        );
        states
    }

    fn go_on(&self, number: usize, disk: &Disk, promised: &Promised) {
        let is_new = || self.told.borrow_mut().insert((number, disk.clone(), promised.clone()));
        let Some(step) = self.steps.get(number).filter(|_| is_new()) else { return };
        let run = |fault: Option<&str>| {
            lay_out(&self.site.users, &disk.seen());
            self.runs.set(self.runs.get() + 1);
            record(&self.site.users, self.moment, &self.command(step), fault)
        };
        let ops = run(None);
        self.follow(number, step, disk.clone(), promised.clone(), &ops);
        if let Step::Right(_) | Step::Wrong(_) = step {
            for nth in 1..=ops.iter().filter(|op| matches!(op, Op::Write { .. } | Op::Flush { .. })).count() {
                let ops = run(Some(&format!("pwritev2,pwrite64,fdatasync,fsync:error=EIO:when={nth}")));
                self.follow(number, step, disk.clone(), promised.clone(), &ops);
            }
        }
    }

    fn command(&self, step: &Step) -> Vec<String> {
        let enroll = ["enroll", &self.person.name, "--no-confirm", "--json", "--backup-codes", "1"];
        match step {
            Step::Right(code) | Step::Wrong(code) => self.site.login(&self.person.name, code),
            Step::Enroll => self.site.nightlatch(&enroll),
            Step::Replace => self.site.nightlatch(&[&enroll[..], &["--replace"]].concat()),
            Step::NewBackupCodes => self.site.nightlatch(&["backup-codes", &self.person.name, "--yes", "--json"]),
            Step::AnotherDevice => {
                self.site.nightlatch(&["device", "add", &self.person.name, "--no-confirm", "--json"])
            }
            Step::Unlock => self.site.nightlatch(&["unlock", &self.person.name, "--json"]),
            Step::Waive => self.site.nightlatch(&[
                "waive",
                &self.person.name,
                "--until",
                "+4h",
                "--reason",
                "phone broken",
                "--json",
            ]),
            Step::EndWaiver => self.site.nightlatch(&["waive", &self.person.name, "--end", "--json"]),
        }
    }

    /// The power goes at every point of these operations; or the program is killed there, and the next step is made.
    fn follow(&self, number: usize, step: &Step, mut disk: Disk, mut promised: Promised, ops: &[Op]) {
        let before = promised.clone();
        for op in ops {
            // A disk that fails, a kill within the microseconds behind it, a login and a power cut are one too many: the
            // file is then damaged and refuses (docs/PROOF.md).
            if !matches!(op, Op::Forget { .. }) {
                self.go_on(number + 1, &disk, &promised);
            }
            self.begin(step, op, ops, &mut promised);
            let mut in_flight = disk.clone();
            in_flight.begin(op);
            self.cut(number, &in_flight, &promised);
            for other in disk.finish(op) {
                self.go_on(number + 1, &other, &promised);
                self.cut(number, &other, &promised);
            }
            if let Op::Answer { text } = op {
                self.answered(step, text, &before, &mut promised);
            }
            self.cut(number, &disk, &promised);
        }
        self.go_on(number + 1, &disk, &promised);
    }

    /// What may be true from here on.
    fn begin(&self, step: &Step, op: &Op, ops: &[Op], promised: &mut Promised) {
        match step {
            Step::Right(_) | Step::Unlock if !matches!(op, Op::Answer { .. }) => promised.refused = 0,
            Step::Right(_) | Step::Wrong(_) | Step::NewBackupCodes | Step::AnotherDevice | Step::Unlock => {}
            Step::Waive | Step::EndWaiver => promised.waived = Waived::Maybe,
            Step::Enroll | Step::Replace => {
                let answer = ops.iter().find_map(|op| if let Op::Answer { text } = op { Some(text) } else { None });
                promised.secrets.insert(secret_in(answer.unwrap()));
            }
        }
    }

    /// What is promised from this answer on.
    fn answered(&self, step: &Step, text: &str, before: &Promised, promised: &mut Promised) {
        match step {
            Step::Right(code) if text.contains("PAM_SUCCESS") => {
                assert!(!before.used.contains(code), "{code} once more");
                promised.used.insert(code.clone());
            }
            Step::Right(_) => {}
            Step::Wrong(code) => {
                assert!(!text.contains("PAM_SUCCESS"), "{code}");
                promised.refused += u32::from(text.contains("PAM_AUTH_ERR"));
            }
            Step::Enroll | Step::Replace => promised.secrets = [secret_in(text)].into(),
            // The old set is void.
            Step::NewBackupCodes => promised.used.extend(self.person.backup_codes.iter().take(1).cloned()),
            Step::AnotherDevice => drop(promised.added.insert(secret_of(&parsed(text)["device"]))),
            Step::Unlock => {}
            Step::Waive => promised.waived = Waived::Surely,
            Step::EndWaiver => promised.waived = Waived::Never,
        }
    }

    fn cut(&self, number: usize, disk: &Disk, promised: &Promised) {
        for files in disk.after_a_power_cut() {
            self.cuts.set(self.cuts.get() + 1);
            self.referee.judge(&files, promised);
            self.go_on(number + 1, &Disk::holding(&without_drafts_contents(files)), promised);
        }
    }
}

/// Every content of a draft is judged; of those that nobody reads, one of each length is gone on with.
fn without_drafts_contents(mut files: Files) -> Files {
    files.iter_mut().filter(|(name, _)| name.starts_with('.')).for_each(|(_, bytes)| bytes.fill(0));
    files
}

fn parsed(answer: &str) -> serde_json::Value {
    serde_json::from_str(answer).unwrap()
}

fn secret_of(device: &serde_json::Value) -> String {
    device["secret"].as_str().unwrap().to_owned()
}

fn secret_in(answer: &str) -> String {
    secret_of(&parsed(answer)["devices"][0])
}

fn wrong(tale: &Tale, number: usize) -> Step {
    let near: Vec<String> = (0..5).map(|steps| code_at(&tale.person.secret, tale.moment + 30 * steps - 60)).collect();
    Step::Wrong((0..).map(|n| format!("{n:06}")).filter(|code| !near.contains(code)).nth(number).unwrap())
}

/// Kill, login, power cut; an error of the disk, login, power cut; power cut, login, power cut.
#[test]
fn no_power_cut_gives_an_accepted_code_back() {
    let mut tale = Tale::of(true);
    let steps = [0, 1, 2].map(|steps| Step::Right(tale.code(steps))).to_vec();
    assert!(tale.tell("three accepted codes", steps) > 100);
}

#[test]
fn no_power_cut_makes_a_judged_refusal_free_of_charge() {
    let mut tale = Tale::of(true);
    let steps = vec![wrong(&tale, 0), wrong(&tale, 1), Step::Right(tale.code(1))];
    assert!(tale.tell("refused, refused, accepted", steps) > 100);
}

#[test]
fn no_power_cut_gives_a_backup_code_back() {
    let mut tale = Tale::of(true);
    let codes = [0, 0].map(|n| Step::Right(tale.person.backup_codes[n].clone()));
    assert!(tale.tell("one backup code, twice", codes.to_vec()) > 100);
}

#[test]
fn no_power_cut_gives_a_use_of_a_bypass_code_back() {
    let mut tale = Tale::of(true);
    let code = tale.bypass_code();
    assert!(tale.tell("one bypass code, twice", vec![Step::Right(code.clone()), Step::Right(code)]) > 100);
}

#[test]
fn no_power_cut_makes_a_waiver_that_nobody_granted_or_brings_one_back_that_was_ended() {
    let mut tale = Tale::of(true);
    assert!(tale.tell("waived, then ended", vec![Step::Waive, Step::EndWaiver]) > 100);
}

#[test]
fn after_a_power_cut_an_enrollment_stands_whole_or_not_at_all() {
    let mut tale = Tale::of(false);
    assert!(tale.tell("a first enrollment", vec![Step::Enroll]) > 20);
}

#[test]
fn after_a_power_cut_the_old_phone_works_or_the_new_one() {
    let mut tale = Tale::of(true);
    assert!(tale.tell("two replacements", vec![Step::Replace, Step::Replace]) > 300);
    let mut tale = Tale::of(true);
    let steps = vec![wrong(&tale, 0), Step::Replace];
    assert!(tale.tell("refused, then a replacement", steps) > 200);
}

#[test]
fn after_a_power_cut_the_old_device_works_and_one_that_was_added_does_too() {
    let mut tale = Tale::of(true);
    let steps = vec![Step::Right(tale.code(1)), Step::AnotherDevice];
    assert!(tale.tell("accepted, then a device more", steps) > 100);
}

#[test]
fn after_a_power_cut_unlock_and_new_backup_codes_have_brought_no_code_back() {
    let mut tale = Tale::of(true);
    let steps = vec![Step::Right(tale.code(1)), wrong(&tale, 0), Step::Unlock];
    assert!(tale.tell("accepted, refused, unlocked", steps) > 100);
    let mut tale = Tale::of(true);
    let steps = vec![Step::Right(tale.code(1)), Step::NewBackupCodes];
    assert!(tale.tell("accepted, then new backup codes", steps) > 100);
}

/// The model itself: what it has to allow, and what it must not.
#[test]
fn the_disk_loses_what_was_not_flushed_and_nothing_else() {
    let old = Files::from([("a".to_owned(), vec![1; 1024])]);
    let (name, both) = (|| "a".to_owned(), vec![2; 1024]);
    let found = |disk: &Disk| -> BTreeSet<(u8, u8)> {
        disk.after_a_power_cut().iter().map(|files| (files["a"][0], files["a"][1023])).collect()
    };
    let write = |flushed| Op::Write { name: name(), offset: 0, bytes: both.clone(), flushed };
    let (mut kept, mut lost) = (Disk::holding(&old), Disk::holding(&old));
    drop(kept.finish(&write(true)));
    assert_eq!(found(&kept), [(2, 2)].into());
    drop(lost.finish(&write(false)));
    assert_eq!(found(&lost), [(1, 1), (1, 2), (2, 1), (2, 2)].into());
    drop(lost.finish(&Op::FailedFlush { name: name() }));
    drop(lost.finish(&Op::Flush { name: name() }));
    assert_eq!(found(&lost).len(), 4, "a flush after one that failed flushes nothing");
    let mut renamed = Disk::default();
    for op in [Op::Make { name: name() }, write(false), Op::Rename { from: name(), to: "b".to_owned() }] {
        drop(renamed.finish(&op));
    }
    let names = |disk: &Disk| disk.after_a_power_cut().iter().map(|files| files.keys().cloned().collect()).collect();
    let some: BTreeSet<Vec<String>> = names(&renamed);
    assert_eq!(some, [vec![], vec![name()], vec!["b".to_owned()]].into());
    assert!(renamed.after_a_power_cut().iter().any(|files| files.get("b").is_some_and(Vec::is_empty)));
    drop(renamed.finish(&Op::FlushDirectory));
    assert_eq!(names(&renamed), [vec!["b".to_owned()]].into());
}
