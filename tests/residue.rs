// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a login leaves in its process, and an enrollment in its own: no key, no secret, no code; nor in a log, an answer,
//! a core file, a command line. Each search has a control: where what is looked for has to be, it is found.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[path = "residue/cores.rs"]
mod cores;
#[path = "residue/enrollment.rs"]
mod enrollment;
#[path = "residue/first_contact.rs"]
mod first_contact;
#[path = "residue/memory.rs"]
mod memory;
#[path = "residue/needles.rs"]
mod needles;
mod scene;

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdout, Command, Stdio};

use memory::{Memory, READ_STDIN, Stopped, WRITE_LEDGER, memory_of, stopping_at};
use needles::Needles;
use scene::*;

const DRIVER: &str = "/opt/nightlatch/driver";
const OPTIONS: [&str; 5] = ["--no-delay", "--hold", "--reply-stdin", "--rhost", "192.0.2.7"];

fn master_key() -> Vec<u8> {
    let mut keys = fs::read_dir("/etc/nightlatch/keys").unwrap();
    let key = fs::read(keys.next().unwrap().unwrap().path()).unwrap();
    assert!(key.len() == 32 && keys.next().is_none());
    key
}

/// Eight digits: six are found by chance, in a time or an address.
fn enrolled() -> Person {
    Person::enrolled_with("ann", &["--digits", "8"])
}

fn code(person: &Person) -> String {
    steady(8);
    ok("oathtool", &["--totp", "-d", "8", "-b", &person.secret]).trim().to_owned()
}

/// A password that nothing else in a process says.
const SECRET_WORDS: &str = "quince-marmalade-4";
/// Right at no time near now, but for the odds of one in thirty million. Never among arguments: those are searched too.
const WRONG: &str = "81726354";

/// The keys of the marker, and of a person's file as it is at this moment: each login seals anew, with other keys.
fn add_keys(needles: &mut Needles, person: &Person) {
    needles.add_keys_of(&master_key(), &fs::read("/var/lib/nightlatch/store").unwrap());
    let uid = ok("id", &["-u", &person.name]);
    if let Ok(file) = fs::read(format!("/var/lib/nightlatch/users/{}", uid.trim())) {
        needles.add_keys_of(&master_key(), &file);
    }
}

/// All that is secret about somebody at this moment.
fn secrets_of(person: &Person) -> Needles {
    let mut needles = Needles::default();
    if !person.secret.is_empty() {
        needles.add_shared_secret(&person.secret);
    }
    for (index, code) in person.backup_codes.iter().enumerate() {
        needles.add_backup_code(index, code);
    }
    add_keys(&mut needles, person);
    needles
}

fn assert_none(needles: &Needles, when: &str, memory: &Memory) {
    let found = needles.found_in(memory);
    assert!(found.is_empty(), "{when}: {found:#?}");
}

fn assert_found(needles: &Needles, memory: &Memory, names: &[&str]) {
    let found = needles.found_in(memory);
    for name in names {
        assert!(found.iter().any(|line| line.starts_with(name)), "no {name} in {found:#?}");
    }
}

/// A login that stands still once it is over, and again after pam_end.
struct Login {
    driver: Child,
    lines: BufReader<ChildStdout>,
    output: String,
}

impl Login {
    fn begin(wrapper: &[&str], more: &[&str], service: &Service, person: &str) -> Self {
        Self::begin_with(wrapper, more, service, person, &[])
    }

    fn begin_with(wrapper: &[&str], more: &[&str], service: &Service, person: &str, operations: &[&str]) -> Self {
        in_the_bed();
        let words = [wrapper, &[DRIVER], &OPTIONS, more, &[&service.name, person], operations].concat();
        let mut driver = Command::new(words[0]);
        let mut driver = driver.args(&words[1..]).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(driver.stdout.take().unwrap());
        Self { driver, lines, output: String::new() }
    }

    fn sees(&mut self, text: &str) {
        loop {
            let before = self.output.len();
            self.lines.read_line(&mut self.output).unwrap();
            assert_ne!(self.output.len(), before, "waited for {text:?}: {}", self.output);
            if self.output[before..].contains(text) {
                return;
            }
        }
    }

    fn types(&mut self, line: &str) {
        writeln!(self.driver.stdin.as_mut().unwrap(), "{line}").unwrap();
    }

    /// Before and after pam_end.
    fn memories(&mut self, answer: &str) -> [Memory; 2] {
        let memories = [(); 2].map(|()| {
            self.sees("held\n");
            let memory = memory_of(self.driver.id());
            self.types("");
            memory
        });
        assert!(self.output.contains(&format!(" {answer}\n")), "{}", self.output);
        self.driver.wait().unwrap();
        memories
    }
}

/// Memory, what the person was told, and the log at its most talkative.
fn leaves_nothing(arguments: &str, person: &Person, typed: &str, answer: &str) {
    let service = Service::behind_a_success(&format!("debug {arguments}"));
    let mut needles = secrets_of(person);
    let journal = Journal::mark();
    let mut login = Login::begin(&[], &[], &service, &person.name);
    // Whoever is let through is not asked.
    if !typed.is_empty() {
        needles.add_typed(typed);
        if let Some(code) = typed.strip_prefix(SECRET_WORDS) {
            needles.add_typed(code);
            needles.add_typed(SECRET_WORDS);
        }
        // Behind spaces: free() itself writes over the first bytes of what is freed.
        login.types(&format!("{typed:>64}"));
    }
    let [before, after] = login.memories(answer);
    add_keys(&mut needles, person);
    let log = journal.lines(&person.name);
    assert!(log.contains("policy user="), "{log}");
    let told = vec![("log".to_owned(), log.into_bytes()), ("output".to_owned(), login.output.into_bytes())];
    for (when, memory) in [("before pam_end", &before), ("after pam_end", &after), ("in words", &told)] {
        assert_none(&needles, &format!("{answer} {arguments}, {when}"), memory);
    }
}

#[test]
fn an_accepted_code_leaves_nothing() {
    let ann = enrolled();
    leaves_nothing("", &ann, &code(&ann), "PAM_SUCCESS");
}

#[test]
fn an_accepted_backup_code_leaves_nothing_nor_does_a_used_one() {
    let ann = enrolled();
    leaves_nothing("", &ann, &ann.backup_codes[0], "PAM_SUCCESS");
    leaves_nothing("", &ann, &ann.backup_codes[0], "PAM_AUTH_ERR");
    leaves_nothing("", &ann, &ann.backup_codes[1].to_lowercase().replace('-', ""), "PAM_SUCCESS");
}

/// What libpam was handed for the modules behind us is libpam's, and gone with the login.
#[test]
fn password_and_code_in_one_leave_nothing() {
    let ann = enrolled();
    for (code, answer) in [(code(&ann), "PAM_SUCCESS"), (WRONG.to_owned(), "PAM_AUTH_ERR")] {
        leaves_nothing("forward_pass", &ann, &format!("{SECRET_WORDS}{code}"), answer);
    }
    let backup = format!("{SECRET_WORDS}{}", ann.backup_codes[0]);
    leaves_nothing("forward_pass", &ann, &backup, "PAM_SUCCESS");
}

#[test]
fn a_refused_code_leaves_nothing_judged_or_not() {
    let ann = enrolled();
    leaves_nothing("", &ann, WRONG, "PAM_AUTH_ERR");
    leaves_nothing("", &ann, "no-code-at-all-but-a-password", "PAM_AUTH_ERR");
    let mut typo = ann.backup_codes[0].clone();
    let last = typo.pop();
    typo.push(if last == Some('0') { '1' } else { '0' });
    leaves_nothing("", &ann, &typo, "PAM_AUTH_ERR");
    leaves_nothing("", &ann, &ann.backup_codes[0], "PAM_SUCCESS");
}

#[test]
fn whoever_waits_or_is_blocked_leaves_nothing() {
    let (service, ann, bob) = (Service::alone(""), enrolled(), enrolled());
    for _ in 0..6 {
        attempt(&service, &ann.name, "27182818");
    }
    assert_eq!(ann.status()["lock"], "waiting");
    leaves_nothing("", &ann, &code(&ann), "PAM_AUTH_ERR");
    leaves_nothing("", &ann, &ann.backup_codes[3], "PAM_AUTH_ERR");
    let config = "/etc/nightlatch/residue.toml";
    fs::write(config, "[throttle]\nknown_sources = 0\nother_failures = 2\n").unwrap();
    let small = format!("config={config}");
    for _ in 0..3 {
        leaves_nothing(&small, &bob, WRONG, "PAM_AUTH_ERR");
    }
    leaves_nothing(&small, &bob, &bob.backup_codes[3], "PAM_AUTH_ERR");
    let blocked = ok("nightlatch", &["--config", config, "status", &bob.name, "--json"]);
    assert!(blocked.contains("\"blocked\""), "{blocked}");
}

#[test]
fn who_is_not_enrolled_leaves_nothing_refused_or_let_through() {
    let bob = Person::stranger("bob");
    leaves_nothing("", &bob, WRONG, "PAM_AUTH_ERR");
    leaves_nothing("nullok", &bob, "", "PAM_SUCCESS");
}

#[test]
fn in_the_middle_of_a_login_the_search_finds_what_it_looks_for() {
    let (service, ann) = (Service::alone(""), enrolled());
    let code = code(&ann);
    let mut needles = secrets_of(&ann);
    needles.add_typed(&code);
    let wrapper = stopping_at(WRITE_LEDGER);
    let mut login = Login::begin(&wrapper.iter().map(String::as_str).collect::<Vec<_>>(), &[], &service, &ann.name);
    login.types(&code);
    let words = [&[DRIVER], &OPTIONS[..], &[&service.name, &ann.name]].concat();
    let stopped = Stopped::find(&words, WRITE_LEDGER);
    let memory = stopped.memory();
    stopped.go_on();
    login.memories("PAM_SUCCESS");
    assert_found(&needles, &memory, &["the secret, bytes", "the sealing key", "the cipher's key of slot"]);
}

#[test]
fn while_a_person_is_asked_at_a_login_there_is_no_key_and_no_secret() {
    let (service, ann) = (Service::alone("nullok"), enrolled());
    let mut login = Login::begin(&[], &[], &service, &ann.name);
    login.sees("prompt off");
    let words = [&[DRIVER], &OPTIONS[..], &[&service.name, &ann.name]].concat();
    assert_none(&secrets_of(&ann), "at the prompt", &Stopped::find(&words, READ_STDIN).memory());
    login.types(WRONG);
    login.memories("PAM_AUTH_ERR");
}

/// An application that does keep what was typed.
#[test]
fn what_an_application_keeps_is_found() {
    let (service, ann) = (Service::alone("debug"), enrolled());
    let mut needles = Needles::default();
    needles.add_typed(WRONG);
    let mut login = Login::begin(&[], &["--keep"], &service, &ann.name);
    login.types(WRONG);
    for memory in login.memories("PAM_AUTH_ERR") {
        assert_found(&needles, &memory, &["the typed code: [heap]"]);
    }
    let journal = Journal::mark();
    let line = format!("pam_nightlatch(control): {} typed 27182818", ann.name);
    ok("logger", &[&line]);
    let log = vec![("log".to_owned(), journal.lines(&ann.name).into_bytes())];
    needles.add_typed("27182818");
    assert_found(&needles, &log, &["the typed code: log"]);
}
