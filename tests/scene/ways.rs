// SPDX-License-Identifier: MIT OR Apache-2.0
//! What holds for every way to log in, whichever program asks: each test file hands its ways to these scenes.
#![allow(dead_code, reason = "each crate uses a part of the scene")]

use std::fs;
use std::path::PathBuf;
use std::sync::{Once, PoisonError, RwLock};

use super::*;

/// A program that asks for password and code.
#[derive(Clone, Copy)]
pub struct Way {
    /// Starts the program for a person; whoever gets in prints [`GOT_IN`].
    pub open: fn(&Person) -> Terminal,
    pub password_prompt: &'static str,
    pub service: &'static str,
    /// Whether the program shows what modules have to say: sudo does not.
    pub talks: bool,
}

pub const GOT_IN: &str = "GOT-42-IN";
/// A shell prints [`GOT_IN`] for it, and the command line itself does not hold it.
pub const SAY_SO: &str = "echo GOT-$((40+2))-IN";

impl Way {
    /// One login with password and a reply to the second prompt; what was on the screen.
    pub fn login(&self, person: &Person, reply: &str) -> String {
        let mut terminal = (self.open)(person);
        terminal.sees(self.password_prompt).types(PASSWORD).sees(PROMPT).types(reply).rest()
    }

    pub fn gets_in(&self, person: &Person, reply: &str) -> String {
        let screen = self.login(person, reply);
        assert!(screen.contains(GOT_IN) && !screen.contains(REFUSAL), "{screen}");
        assert!(!screen.contains(reply) && !screen.contains(PASSWORD), "what was typed is on the screen: {screen}");
        screen
    }

    pub fn is_refused(&self, person: &Person, reply: &str) -> String {
        let screen = self.login(person, reply);
        assert!(!screen.contains(GOT_IN) && screen.contains(REFUSAL) == self.talks, "{screen}");
        assert!(!screen.contains("Backup code"), "{screen}");
        screen
    }
}

/// The service files of one test crate: put in place once, then shared by whoever needs them as they are, and lent
/// alone to whoever changes them.
pub struct Recipes {
    turn: RwLock<()>,
    installed: Once,
    install: fn(),
}

impl Recipes {
    pub const fn new(install: fn()) -> Self {
        Self { turn: RwLock::new(()), installed: Once::new(), install }
    }

    pub fn shared(&self, scene: impl Fn()) {
        let _unchanged = self.turn.read().unwrap_or_else(PoisonError::into_inner);
        self.installed.call_once(self.install);
        scene();
    }

    pub fn alone(&self, scene: impl Fn()) {
        let _change = self.turn.write().unwrap_or_else(PoisonError::into_inner);
        self.installed.call_once(self.install);
        scene();
    }
}

/// Adds arguments to our line in a service's file, until it is dropped. Tests that do so run alone.
pub struct Changed {
    path: PathBuf,
    before: String,
}

impl Changed {
    pub fn arguments(service: &str, arguments: &str) -> Self {
        let path = PathBuf::from(format!("/etc/pam.d/{service}"));
        let before = fs::read_to_string(&path).unwrap();
        let after = before.replace("pam_nightlatch.so", &format!("pam_nightlatch.so {arguments}"));
        assert_ne!(before, after);
        fs::write(&path, after).unwrap();
        Self { path, before }
    }
}

impl Drop for Changed {
    fn drop(&mut self) {
        fs::write(&self.path, &self.before).unwrap();
    }
}

pub fn the_right_code_gets_in_once(way: Way) {
    let ann = Person::enrolled("ann");
    let journal = Journal::mark();
    steady(8);
    let code = ann.code(0);
    way.gets_in(&ann, &code);
    way.is_refused(&ann, &code);
    let lines = journal.lines(&ann.name);
    assert!(lines.contains(&format!("service={} source=", way.service)) && lines.contains("method=totp"), "{lines}");
    assert!(lines.contains("cause=\"the last accepted code again\""), "{lines}");
    assert!(!lines.contains(&code) && !lines.contains(PASSWORD), "{lines}");
    assert_eq!((&ann.status()["failures"], &ann.status()["lock"]), (&0.into(), &serde_json::Value::Null));
}

pub fn without_the_password_nobody_is_asked_for_a_code(way: Way) {
    let ann = Person::enrolled("ann");
    let journal = Journal::mark();
    let screen = (way.open)(&ann).sees(way.password_prompt).types("wrong").rest();
    assert!(!screen.contains(PROMPT) && !screen.contains(GOT_IN), "{screen}");
    assert_eq!(journal.lines(&ann.name), "");
    assert_eq!(ann.status()["failures"], 0);
}

pub fn whatever_is_no_right_code_is_refused_alike(way: Way) {
    let ann = Person::enrolled("ann");
    let mut typo = ann.backup_codes[9].clone();
    let last = typo.pop().unwrap();
    typo.push(if last == '0' { '1' } else { '0' });
    let (wrong, long) = (ann.wrong_code(), "7".repeat(300));
    let mut screens = Vec::new();
    for (reply, cause) in [
        (wrong.as_str(), "cause=\"wrong code\""),
        ("", "not a code: empty"),
        ("12345", "not the length of a code"),
        ("123456789", "not the length of a code"),
        ("abcdef", "not the symbols of a code"),
        (&long, "not a code: not the length of a code"),
        (&typo, "a backup code with a typing error"),
        (PASSWORD, "the password"),
    ] {
        let journal = Journal::mark();
        screens.push(way.is_refused(&ann, reply));
        let lines = journal.lines(&ann.name);
        assert!(lines.contains("refused user=") && lines.contains(cause), "{cause}: {lines}");
        assert!(reply.is_empty() || !lines.contains(reply), "what was typed stands in the log: {lines}");
    }
    for screen in &screens[1..] {
        assert_eq!(*screen, screens[0]);
    }
    // Some programs cut it, some give up by themselves; the module is given 1 MiB in tests/codes.rs.
    let screen = way.login(&ann, &"7".repeat(4000));
    assert!(!screen.contains(GOT_IN), "{screen}");
    assert_eq!(ann.status()["failures"], 1, "the wrong code alone is charged");
}

pub fn a_backup_code_gets_in_once_however_it_is_typed(way: Way) {
    let ann = Person::enrolled("ann");
    let codes = &ann.backup_codes;
    let screen = way.gets_in(&ann, &codes[0]);
    assert_eq!(screen.contains("Backup code accepted. 9 backup codes are left."), way.talks, "{screen}");
    way.is_refused(&ann, &codes[0]);
    way.gets_in(&ann, &codes[1].to_lowercase());
    way.gets_in(&ann, &codes[2].replace('-', ""));
    assert_eq!(ann.status()["backup_codes_left"], 7);
}

pub fn whoever_is_not_enrolled_is_asked_and_refused(way: Way) {
    let stranger = Person::stranger("stranger");
    let journal = Journal::mark();
    way.is_refused(&stranger, "123456");
    let lines = journal.lines(&stranger.name);
    let remedy = format!("cause=\"not enrolled\" remedy=\"nightlatch enroll {}\"", stranger.name);
    assert!(lines.contains(&remedy), "{lines}");
}

/// Changes the service's file.
pub fn with_nullok_the_password_is_enough_until_somebody_is_enrolled(way: Way, file: &str) {
    let _nullok = Changed::arguments(file, "nullok");
    let mut ann = Person::stranger("ann");
    let journal = Journal::mark();
    let screen = (way.open)(&ann).sees(way.password_prompt).types(PASSWORD).rest();
    assert!(screen.contains(GOT_IN) && !screen.contains(PROMPT), "{screen}");
    assert!(journal.lines(&ann.name).contains("exempt user="), "{}", journal.lines(""));
    let screen = (way.open)(&ann).sees(way.password_prompt).types("wrong").rest();
    assert!(!screen.contains(GOT_IN) && !screen.contains(PROMPT), "{screen}");
    ann.enroll(&[]);
    way.is_refused(&ann, "");
    way.gets_in(&ann, &ann.code(0));
}

pub fn whoever_waits_is_refused_with_the_right_code_until_unlock(way: Way) {
    let (ann, elsewhere) = (Person::enrolled("ann"), Service::alone(""));
    steady(8);
    assert_eq!(attempt(&elsewhere, &ann.name, &ann.code(-1)).answer(), "PAM_SUCCESS");
    for _ in 0..6 {
        drive(&["--no-delay", "--reply", &ann.wrong_code(), &elsewhere.name, &ann.name]);
    }
    // Not over the network, and never there before: this is the bucket of everybody else.
    assert_eq!(ann.status()["lock"], "waiting");
    let journal = Journal::mark();
    way.is_refused(&ann, &ann.code(0));
    let lines = journal.lines(&ann.name);
    assert!(lines.contains("cause=\"waiting after failures\" seconds_left="), "{lines}");
    assert_eq!(attempt(&elsewhere, &ann.name, &ann.code(0)).answer(), "PAM_SUCCESS", "from a known source");
    assert_eq!(ann.status()["lock"], "waiting", "which frees nobody else");
    ok("nightlatch", &["unlock", &ann.name]);
    way.gets_in(&ann, &ann.code(1));
}

/// Changes the service's file.
pub fn whoever_is_blocked_is_asked_and_refused_until_unlock(way: Way, file: &str) {
    let config = "/etc/nightlatch/two-failures.toml";
    fs::write(config, "[throttle]\nknown_sources = 0\nother_failures = 2\n").unwrap();
    let _small = Changed::arguments(file, &format!("config={config}"));
    let ann = Person::enrolled("ann");
    let wrong = way.is_refused(&ann, &ann.wrong_code());
    way.is_refused(&ann, &ann.wrong_code());
    let journal = Journal::mark();
    assert_eq!(way.is_refused(&ann, &ann.code(0)), wrong);
    let lines = journal.lines(&ann.name);
    assert!(
        lines.contains(&format!("cause=\"blocked after failures\" remedy=\"nightlatch unlock {}\"", ann.name)),
        "{lines}"
    );
    ok("nightlatch", &["unlock", &ann.name]);
    way.gets_in(&ann, &ann.code(0));
}
