// SPDX-License-Identifier: MIT OR Apache-2.0
//! Many logins at once, logins that are killed, and a lock that somebody holds: processes, never threads of one.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    reason = "tests; the clock of a test"
)]

mod scene;

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use scene::*;

const ROUNDS: usize = 20;

/// A login that has come as far as the door.
struct Waiting {
    process: Child,
    stdout: BufReader<ChildStdout>,
}

impl Waiting {
    fn new(service: &Service, person: &Person, reply: &str, barrier: &str) -> Self {
        let options = ["--no-delay", "--rhost", "192.0.2.7", "--barrier", barrier, "--reply", reply];
        let mut driver = Command::new("/opt/nightlatch/driver");
        let mut process =
            driver.args(options).args([&service.name, &person.name]).stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        assert_eq!(line, "ready\n");
        Self { process, stdout }
    }

    fn answer(mut self) -> String {
        let mut output = String::new();
        self.stdout.read_to_string(&mut output).unwrap();
        self.process.wait().unwrap();
        Driven { output }.answer()
    }
}

/// Lets all of them in at the same moment; their answers.
fn together<'a>(service: &Service, logins: impl Iterator<Item = (&'a Person, &'a str)>) -> Vec<String> {
    let barrier = format!("/tmp/{}", unique("barrier"));
    fs::write(&barrier, "").unwrap();
    let waiting: Vec<_> = logins.map(|(person, reply)| Waiting::new(service, person, reply, &barrier)).collect();
    fs::remove_file(&barrier).unwrap();
    waiting.into_iter().map(Waiting::answer).collect()
}

fn admits_one(service: &Service, person: &Person, reply: &str, processes: usize) {
    let answers = together(service, std::iter::repeat_n((person, reply), processes));
    let admitted = answers.iter().filter(|answer| *answer == "PAM_SUCCESS").count();
    let refused = answers.iter().filter(|answer| *answer == "PAM_AUTH_ERR").count();
    assert_eq!((admitted, refused), (1, processes - 1), "{answers:?}");
}

#[test]
fn two_logins_with_one_code_admit_one() {
    let service = Service::alone("");
    for _ in 0..ROUNDS {
        let ann = Person::enrolled_with("ann", &["--backup-codes", "0"]);
        admits_one(&service, &ann, &ann.code(0), 2);
        assert_eq!(ann.status()["failures"], 0, "replays of the last code");
    }
}

#[test]
fn fifty_logins_with_one_code_admit_one() {
    let service = Service::alone("");
    for _ in 0..ROUNDS {
        let ann = Person::enrolled_with("ann", &["--backup-codes", "0"]);
        admits_one(&service, &ann, &ann.code(0), 50);
    }
}

/// The used code is a failure for those who come later, and these would have to wait in the next round.
fn one_backup_code_admits_one(processes: usize) {
    let (service, ann) = (Service::alone(""), Person::enrolled_with("ann", &["--backup-codes", "20"]));
    for (round, code) in ann.backup_codes.iter().enumerate() {
        admits_one(&service, &ann, code, processes);
        assert_eq!(ann.status()["backup_codes_left"], 19 - round);
        ok("nightlatch", &["unlock", &ann.name]);
    }
}

#[test]
fn two_logins_with_one_backup_code_admit_one() {
    one_backup_code_admits_one(2);
}

#[test]
fn fifty_logins_with_one_backup_code_admit_one() {
    one_backup_code_admits_one(50);
}

/// Whoever comes later types the last accepted code once more, which costs nothing.
#[test]
fn fifty_logins_with_one_bypass_code_of_one_use_admit_one() {
    let (service, ann) = (Service::alone(""), Person::enrolled_with("ann", &["--backup-codes", "0"]));
    for _ in 0..ROUNDS {
        admits_one(&service, &ann, &ann.bypass(&[]), 50);
        assert_eq!((&ann.status()["bypass"]["uses_left"], &ann.status()["failures"]), (&0.into(), &0.into()));
    }
}

#[test]
fn fifty_logins_by_one_waiver_are_all_counted() {
    let (service, ann) = (Service::behind_a_success(""), Person::enrolled_with("ann", &["--backup-codes", "0"]));
    ann.waive("+1h", "phone broken");
    assert_eq!(together(&service, std::iter::repeat_n((&ann, ""), 50)), vec!["PAM_SUCCESS"; 50]);
    assert_eq!(ann.status()["waiver_uses"], 50);
}

#[test]
fn fifty_people_at_once_do_not_stand_in_each_others_way() {
    let service = Service::alone("");
    let people: Vec<_> = (0..50).map(|_| Person::enrolled_with("many", &["--backup-codes", "0"])).collect();
    let codes: Vec<_> = people.iter().map(|person| person.code(0)).collect();
    let answers = together(&service, people.iter().zip(codes.iter().map(String::as_str)));
    assert_eq!(answers, vec!["PAM_SUCCESS"; 50]);
}

#[test]
fn fifty_failures_at_once_are_all_counted_or_refused_unjudged() {
    let (service, ann) = (Service::alone(""), Person::enrolled_with("ann", &["--backup-codes", "0"]));
    let (wrong, journal) = (ann.wrong_code(), Journal::mark());
    let answers = together(&service, std::iter::repeat_n((&ann, wrong.as_str()), 50));
    assert_eq!(answers, vec!["PAM_AUTH_ERR"; 50]);
    // Five are free, the sixth begins the wait.
    assert_eq!((&ann.status()["failures"], &ann.status()["lock"]), (&6.into(), &"waiting".into()));
    let lines = journal.lines(&ann.name);
    assert_eq!(lines.matches("cause=\"wrong code\"").count(), 6, "{lines}");
    assert_eq!(lines.matches("cause=\"waiting after failures\"").count(), 44, "{lines}");
}

#[test]
fn of_two_first_enrollments_at_once_one_wins() {
    for _ in 0..ROUNDS {
        let ann = Person::stranger("ann");
        let enroll = || {
            let mut command = Command::new("nightlatch");
            command.args(["enroll", &ann.name, "--no-confirm", "--json", "--backup-codes", "0"]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        };
        let both = [enroll(), enroll()].map(|process| process.wait_with_output().unwrap());
        let mut statuses = both.each_ref().map(|output| output.status.code());
        statuses.sort_unstable();
        assert_eq!(statuses, [Some(0), Some(5)], "{both:?}");
        assert_eq!(ann.status()["enrolled"], true);
    }
}

/// When a login begins beside a command of the administrator. It begins a little later where it came first in the round
/// before, and earlier where it came second: on a machine of any speed the rounds gather about the moment that counts.
struct Meeting {
    /// Microseconds from the beginning of the command to that of the login; below zero, the login begins first.
    lead: i64,
    step: i64,
    rounds: u32,
    login_first: u32,
}

impl Meeting {
    const FINEST_STEP: i64 = 50;

    fn new() -> Self {
        Self { lead: 0, step: 1600, rounds: 0, login_first: 0 }
    }

    /// The answer of the login, and what the command printed.
    fn beside(&self, service: &Service, person: &Person, reply: &str, command: &[&str]) -> (String, String) {
        let barrier = format!("/tmp/{}", unique("barrier"));
        fs::write(&barrier, "").unwrap();
        let login = Waiting::new(service, person, reply, &barrier);
        let mut administrator = Command::new("nightlatch");
        administrator.args(command).stdout(Stdio::piped());
        let pause = Duration::from_micros(self.lead.unsigned_abs());
        let administrator = if self.lead < 0 {
            fs::remove_file(&barrier).unwrap();
            sleep(pause);
            administrator.spawn().unwrap()
        } else {
            let spawned = administrator.spawn().unwrap();
            sleep(pause);
            fs::remove_file(&barrier).unwrap();
            spawned
        };
        let answer = login.answer();
        let output = administrator.wait_with_output().unwrap();
        assert!(output.status.success(), "{command:?}: {output:?}");
        (answer, String::from_utf8(output.stdout).unwrap())
    }

    fn login_came_first(&mut self, first: bool) {
        self.rounds += 1;
        self.login_first += u32::from(first);
        self.lead += if first { self.step } else { -self.step };
        // Both orders seen: from here on the steps close in.
        if 0 < self.login_first && self.login_first < self.rounds {
            self.step = (self.step / 2).max(Self::FINEST_STEP);
        }
    }

    /// No race was tried where one of the two always came first.
    fn assert_both_orders(&self) {
        let Self { login_first, rounds, lead, .. } = *self;
        assert!(
            0 < login_first && login_first < rounds,
            "the login came first {login_first} times of {rounds}; {lead} us"
        );
    }
}

fn is_accepted(service: &Service, person: &Person, reply: &str) -> bool {
    attempt(service, &person.name, reply).answer() == "PAM_SUCCESS"
}

#[test]
fn a_new_set_of_backup_codes_beside_a_login_leaves_no_old_code_usable() {
    let (service, mut ann) = (Service::alone(""), Person::enrolled("ann"));
    let name = ann.name.clone();
    let mut meeting = Meeting::new();
    for round in 0..40 {
        let command = ["backup-codes", &name, "--yes", "--json"];
        let (answer, made) = meeting.beside(&service, &ann, &ann.backup_codes[0], &command);
        assert!(["PAM_SUCCESS", "PAM_AUTH_ERR"].contains(&answer.as_str()), "{answer}");
        meeting.login_came_first(answer == "PAM_SUCCESS");
        for old in &ann.backup_codes[..2] {
            assert!(!is_accepted(&service, &ann, old), "round {round}");
        }
        let made: serde_json::Value = serde_json::from_str(&made).unwrap();
        ann.backup_codes =
            made["backup_codes"].as_array().unwrap().iter().map(|c| c.as_str().unwrap().into()).collect();
        assert_eq!(ann.status()["backup_codes_left"], 10, "round {round}");
        ok("nightlatch", &["unlock", &name]);
    }
    meeting.assert_both_orders();
}

#[test]
fn an_unlock_beside_a_failure_forgets_it_or_comes_before_it() {
    let (service, ann) = (Service::alone(""), Person::enrolled("ann"));
    let mut meeting = Meeting::new();
    for round in 0..40 {
        for _ in 0..3 {
            assert_eq!(attempt(&service, &ann.name, &ann.wrong_code()).answer(), "PAM_AUTH_ERR");
        }
        let (answer, _) = meeting.beside(&service, &ann, &ann.wrong_code(), &["unlock", &ann.name]);
        assert_eq!(answer, "PAM_AUTH_ERR");
        let failures = ann.status()["failures"].as_u64().unwrap();
        assert!(failures <= 1, "round {round}: {failures} of the failures before are back");
        meeting.login_came_first(failures == 0);
        ok("nightlatch", &["unlock", &ann.name]);
    }
    meeting.assert_both_orders();
}

#[test]
fn a_replacement_beside_a_login_forgets_no_failure_and_no_used_code() {
    let (service, mut meeting) = (Service::alone(""), Meeting::new());
    for round in 0..40 {
        let ann = Person::enrolled_with("ann", &["--backup-codes", "1"]);
        assert_eq!(attempt(&service, &ann.name, &ann.wrong_code()).answer(), "PAM_AUTH_ERR");
        let command = ["enroll", &ann.name, "--replace", "--no-confirm", "--json", "--backup-codes", "1"];
        let (answer, made) = meeting.beside(&service, &ann, &ann.code(0), &command);
        assert!(["PAM_SUCCESS", "PAM_AUTH_ERR"].contains(&answer.as_str()), "{answer}");
        meeting.login_came_first(answer == "PAM_SUCCESS");
        for old in [&ann.code(0), &ann.code(1), &ann.backup_codes[0]] {
            assert!(!is_accepted(&service, &ann, old), "round {round}");
        }
        let made: serde_json::Value = serde_json::from_str(&made).unwrap();
        let secret = made["devices"][0]["secret"].as_str().unwrap().to_owned();
        let new = Person { secret, name: ann.name.clone(), backup_codes: Vec::new() };
        // The failure before stands unless the login cleared it; the three old codes count anew.
        let before = u64::from(answer == "PAM_AUTH_ERR") * 2;
        assert_eq!(new.status()["failures"], before + 3, "round {round}: {answer}");
        assert!(is_accepted(&service, &new, &new.code(0)), "round {round}");
    }
    meeting.assert_both_orders();
}

/// docs/FORMAT.md: a file that is written anew begins with 1 and 2, and each accepted code adds one.
fn is_written_after(person: &Person) -> bool {
    let bytes = fs::read(file_of(person)).unwrap();
    let sequence = |slot: usize| u64::from_le_bytes(bytes[slot..slot + 8].try_into().unwrap());
    sequence(4096).max(sequence(8192)) > 2
}

#[test]
fn a_device_more_beside_a_login_loses_neither_the_device_nor_the_used_code() {
    let (service, mut meeting) = (Service::alone(""), Meeting::new());
    for round in 0..40 {
        let ann = Person::enrolled_with("ann", &["--backup-codes", "0"]);
        let code = ann.code(0);
        let command = ["device", "add", &ann.name, "--no-confirm", "--json"];
        let (answer, made) = meeting.beside(&service, &ann, &code, &command);
        assert_eq!(answer, "PAM_SUCCESS", "round {round}: whichever came first");
        meeting.login_came_first(!is_written_after(&ann));
        assert!(!is_accepted(&service, &ann, &code), "round {round}");
        let made: serde_json::Value = serde_json::from_str(&made).unwrap();
        let secret = made["device"]["secret"].as_str().unwrap().to_owned();
        let new = Person { secret, name: ann.name.clone(), backup_codes: Vec::new() };
        assert!(is_accepted(&service, &new, &new.code(0)), "round {round}");
        assert!(ann.status()["devices"][0]["last_used"].is_string(), "round {round}");
    }
    meeting.assert_both_orders();
}

#[test]
fn of_two_devices_added_at_once_each_is_there_or_was_refused() {
    for _ in 0..ROUNDS {
        let ann = Person::enrolled_with("ann", &["--backup-codes", "0"]);
        let add = |name: &str| {
            let mut command = Command::new("nightlatch");
            command.args(["device", "add", &ann.name, "--no-confirm", "--json", "--name", name]);
            command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
        };
        let both = [add("tablet"), add("token")].map(|process| process.wait_with_output().unwrap());
        let added = both.iter().filter(|output| output.status.success()).count();
        assert!(both.iter().all(|output| [Some(0), Some(1)].contains(&output.status.code())), "{both:?}");
        assert!(added >= 1, "{both:?}");
        assert_eq!(ann.status()["devices"].as_array().unwrap().len(), 1 + added, "{both:?}");
    }
}

#[test]
fn a_removal_beside_a_login_leaves_nobody_enrolled() {
    let (service, mut meeting) = (Service::behind_a_success("nullok"), Meeting::new());
    for round in 0..40 {
        let ann = Person::enrolled_with("ann", &["--backup-codes", "0"]);
        let (answer, _) = meeting.beside(&service, &ann, &ann.wrong_code(), &["remove", &ann.name, "--yes"]);
        // Exempt where the removal came before the question; never let in by a wrong code.
        assert!(["PAM_SUCCESS", "PAM_AUTH_ERR"].contains(&answer.as_str()), "{answer}");
        meeting.login_came_first(answer == "PAM_AUTH_ERR");
        assert_eq!(ann.status()["enrolled"], false, "round {round}");
        ok("nightlatch", &["enroll", &ann.name, "--no-confirm", "--quiet", "--backup-codes", "0"]);
    }
    meeting.assert_both_orders();
}

fn file_of(person: &Person) -> String {
    format!("/var/lib/nightlatch/users/{}", ok("id", &["-u", &person.name]).trim())
}

fn until_locked(path: &str) {
    let locked = || !run("flock", &["--nonblock", path, "true"]).status.success();
    assert!((0..500).any(|_| locked() || {
        sleep(Duration::from_millis(10));
        false
    }));
}

#[test]
fn a_login_that_is_stopped_while_it_holds_the_lock_keeps_nobody_waiting_for_ever() {
    let (service, ann) = (Service::alone(""), Person::enrolled("ann"));
    let code = ann.code(0);
    let stop = ["-qq", "-o", "/dev/null", "-e", "trace=pwritev2", "-e", "inject=pwritev2:delay_enter=7000000"];
    let login = ["/opt/nightlatch/driver", "--no-delay", "--rhost", "192.0.2.7", "--reply", &code, &service.name];
    let mut stopped = Command::new("strace");
    let stopped = stopped.args(stop).args(login).arg(&ann.name).stdout(Stdio::piped()).spawn().unwrap();
    until_locked(&file_of(&ann));
    let begun = Instant::now();
    assert_eq!(attempt(&service, &ann.name, &code).answer(), "PAM_SYSTEM_ERR");
    assert!(begun.elapsed() < Duration::from_secs(7), "{:?}", begun.elapsed());
    let output = stopped.wait_with_output().unwrap();
    assert!(String::from_utf8_lossy(&output.stdout).contains("PAM_SUCCESS"), "{output:?}");
    assert_eq!(attempt(&service, &ann.name, &code).answer(), "PAM_AUTH_ERR", "it was used when it went on");
}

/// A backup code writes both slots, so a kill finds every state that a login can leave.
#[test]
fn after_a_kill_the_file_opens_and_no_accepted_code_is_accepted_again() {
    let service = Service::alone("");
    let (mut before_the_answer, mut after_it) = (0, 0);
    for _ in 0..3 {
        let ann = Person::enrolled_with("ann", &["--backup-codes", "20"]);
        let begin = |code: &str| {
            let barrier = format!("/tmp/{}", unique("barrier"));
            fs::write(&barrier, "").unwrap();
            let login = Waiting::new(&service, &ann, code, &barrier);
            fs::remove_file(&barrier).unwrap();
            (login, Instant::now())
        };
        let (undisturbed, begun) = begin(&ann.backup_codes[0]);
        assert_eq!(undisturbed.answer(), "PAM_SUCCESS");
        let whole = begun.elapsed();
        for (round, code) in (0_u32..).zip(&ann.backup_codes[1..]) {
            let (mut login, _) = begin(code);
            // From the first instruction to well after the answer, on a machine of any speed.
            sleep(whole * round / 12);
            login.process.kill().unwrap();
            let mut output = String::new();
            login.stdout.read_to_string(&mut output).unwrap();
            login.process.wait().unwrap();
            let answered = output.contains("PAM_SUCCESS");
            *(if answered { &mut after_it } else { &mut before_the_answer }) += 1;

            assert_eq!(ann.status()["enrolled"], true);
            let later = (0..2).filter(|_| attempt(&service, &ann.name, code).answer() == "PAM_SUCCESS").count();
            assert!(usize::from(answered) + later <= 1, "round {round}: answered {answered}, later {later}");
            ok("nightlatch", &["unlock", &ann.name]);
        }
        // Nineteen kills have cost nobody the phone.
        assert_eq!(attempt(&service, &ann.name, &ann.code(0)).answer(), "PAM_SUCCESS");
    }
    assert!(before_the_answer > 0 && after_it > 0, "kills before the answer: {before_the_answer}, after: {after_it}");
}

#[test]
fn a_lock_that_somebody_holds_ends_the_login_within_bounds() {
    let (service, ann) = (Service::alone(""), Person::enrolled("ann"));
    let path = file_of(&ann);
    let mut holder = Command::new("flock");
    let mut holder = holder.args(["--close", &path, "cat"]).stdin(Stdio::piped()).spawn().unwrap();
    until_locked(&path);

    let (journal, begun) = (Journal::mark(), Instant::now());
    let code = ann.code(0);
    let driven = attempt(&service, &ann.name, &code);
    assert_eq!(driven.answer(), "PAM_SYSTEM_ERR");
    assert!(driven.is_plain_refusal() && begun.elapsed() < Duration::from_secs(8), "{:?}", begun.elapsed());
    let lines = journal.lines(&ann.name);
    assert!(lines.contains(&format!("{path}: locked by another process")) && lines.contains("remedy="), "{lines}");

    drop(holder.stdin.take());
    holder.wait().unwrap();
    assert_eq!(ann.status()["failures"], 0);
    assert_eq!(attempt(&service, &ann.name, &code).answer(), "PAM_SUCCESS", "the code was not used up");
}
