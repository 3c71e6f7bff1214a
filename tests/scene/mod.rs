// SPDX-License-Identifier: MIT OR Apache-2.0
//! The scene of a behaviour test, inside the test bed: people with passwords and phones, services, a terminal, the
//! journal. Codes come from oathtool, which is not ours. Outside of the bed every test fails here, and says so.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::disallowed_methods,
    reason = "tests; each crate uses a part of the scene, on a real clock"
)]

use std::fs;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

pub mod disks;
pub mod guide;
pub mod sshd;
pub mod ways;

use rexpect::session::PtySession;
use serde_json::Value;

pub const REFUSAL: &str =
    "Not accepted. Each code works once: wait for the next. If this goes on, ask your administrator.";
pub const PROMPT: &str = "Verification code: ";
pub const PASSWORD: &str = "correct-horse-9";
const DRIVER: &str = "/opt/nightlatch/driver";

/// Every test begins with it.
pub fn in_the_bed() {
    assert!(
        Path::new("/run/nightlatch-bed").exists(),
        "this test logs in for real and changes /etc: it runs inside the test bed only, by ./test"
    );
}

pub fn run(program: &str, arguments: &[&str]) -> Output {
    Command::new(program).args(arguments).output().unwrap_or_else(|error| panic!("{program}: {error}"))
}

/// Runs a program that has to succeed, and gives its stdout.
pub fn ok(program: &str, arguments: &[&str]) -> String {
    let output = run(program, arguments);
    assert!(output.status.success(), "{program} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// Sees that the present step lasts long enough for what a test does in it; waits some seconds at most.
pub fn steady(seconds: u64) {
    let left = 30 - now() % 30;
    if left <= seconds {
        std::thread::sleep(Duration::from_secs(left) + Duration::from_millis(50));
    }
}

static COUNTER: AtomicU32 = AtomicU32::new(0);

/// A name that no other test of this container has, and no other begins with: the journal is searched for it.
pub fn unique(stem: &str) -> String {
    format!("{stem}{:04}", COUNTER.fetch_add(1, Ordering::Relaxed))
}

/// Somebody with an account, a password and maybe a phone.
pub struct Person {
    pub name: String,
    pub secret: String,
    pub backup_codes: Vec<String>,
}

impl Person {
    /// A name without an account.
    pub fn nobody() -> Self {
        Self { name: unique("nobody"), secret: String::new(), backup_codes: Vec::new() }
    }

    /// An account with a password, not enrolled.
    pub fn stranger(stem: &str) -> Self {
        in_the_bed();
        let name = unique(stem);
        ok("useradd", &["--create-home", "--shell", "/bin/bash", &name]);
        let script = format!("printf '%s:%s\\n' '{name}' '{PASSWORD}' | chpasswd");
        ok("sh", &["-ec", &script]);
        Self { name, secret: String::new(), backup_codes: Vec::new() }
    }

    /// An account that is enrolled in the host's own store.
    pub fn enrolled(stem: &str) -> Self {
        Self::enrolled_with(stem, &[])
    }

    pub fn enrolled_with(stem: &str, more: &[&str]) -> Self {
        let mut person = Self::stranger(stem);
        person.enroll(more);
        person
    }

    pub fn enroll(&mut self, more: &[&str]) {
        let mut arguments = vec!["enroll", self.name.as_str(), "--no-confirm", "--json"];
        arguments.extend_from_slice(more);
        let enrolled: Value = serde_json::from_str(&ok("nightlatch", &arguments)).unwrap();
        self.secret = enrolled["devices"][0]["secret"].as_str().unwrap().to_owned();
        self.backup_codes =
            enrolled["backup_codes"].as_array().unwrap().iter().map(|c| c.as_str().unwrap().to_owned()).collect();
    }

    /// The phone's code so many steps from now. -1, 0 and 1 are accepted, in this order once each.
    pub fn code(&self, steps: i64) -> String {
        let at = i64::try_from(now()).unwrap() + 30 * steps;
        ok("oathtool", &["--totp", "-b", &self.secret, "-N", &format!("@{at}")]).trim().to_owned()
    }

    /// A code that is none of those that are right near now.
    pub fn wrong_code(&self) -> String {
        let right: Vec<String> = (-3..=3).map(|steps| self.code(steps)).collect();
        (0..).map(|n| format!("{n:06}")).find(|code| !right.contains(code)).unwrap()
    }

    pub fn status(&self) -> Value {
        serde_json::from_str(&ok("nightlatch", &["status", &self.name, "--json"])).unwrap()
    }

    /// A bypass code, as the help desk reads it out.
    pub fn bypass(&self, more: &[&str]) -> String {
        let granted: Value =
            serde_json::from_str(&ok("nightlatch", &[&["bypass", &self.name, "--json"], more].concat())).unwrap();
        granted["bypass_code"].as_str().unwrap().to_owned()
    }

    pub fn waive(&self, until: &str, reason: &str) {
        ok("nightlatch", &["waive", &self.name, "--until", until, "--reason", reason]);
    }
}

/// A config of its own; the store is the host's.
pub fn config(lines: &str) -> String {
    in_the_bed();
    let path = format!("/etc/nightlatch/{}.toml", unique("config"));
    fs::write(&path, lines).unwrap();
    path
}

/// A service file of its own under /etc/pam.d; gone when the test ends.
pub struct Service {
    pub name: String,
}

impl Service {
    pub fn new(lines: &str) -> Self {
        in_the_bed();
        let name = unique("bedservice");
        fs::write(format!("/etc/pam.d/{name}"), lines).unwrap();
        Self { name }
    }

    /// Our module alone, with arguments.
    pub fn alone(arguments: &str) -> Self {
        Self::new(&format!("auth required pam_nightlatch.so {arguments}\naccount required pam_permit.so\n"))
    }

    /// Our module behind a real password.
    pub fn behind_a_password(arguments: &str) -> Self {
        Self::new(&format!(
            "@include common-auth\nauth required pam_nightlatch.so {arguments}\naccount required pam_permit.so\n"
        ))
    }

    /// Our module behind a password that was right, as far as libpam is concerned.
    pub fn behind_a_success(arguments: &str) -> Self {
        Self::new(&format!(
            "auth required pam_permit.so\nauth required pam_nightlatch.so {arguments}\naccount required pam_permit.so\n"
        ))
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        drop(fs::remove_file(format!("/etc/pam.d/{}", self.name)));
    }
}

/// What the driver's conversation saw and what libpam answered.
#[derive(Debug)]
pub struct Driven {
    pub output: String,
}

impl Driven {
    /// The answer of the n-th operation by its symbol.
    pub fn answers(&self) -> Vec<String> {
        let is_operation = |line: &&str| {
            ["authenticate ", "setcred ", "account ", "open ", "close ", "chauthtok "]
                .iter()
                .any(|op| line.starts_with(op))
        };
        self.output.lines().filter(is_operation).map(|line| line.split(' ').nth(2).unwrap().to_owned()).collect()
    }

    pub fn answer(&self) -> String {
        let answers = self.answers();
        assert_eq!(answers.len(), 1, "{}", self.output);
        answers[0].clone()
    }

    pub fn prompts(&self) -> usize {
        self.output.lines().filter(|line| line.starts_with("prompt off \"Verification code: \"")).count()
    }

    pub fn says(&self, text: &str) -> bool {
        self.output.lines().any(|line| (line.starts_with("info ") || line.starts_with("error ")) && line.contains(text))
    }

    pub fn is_plain_refusal(&self) -> bool {
        self.output.contains(&format!("error \"{REFUSAL}\""))
    }
}

/// Runs the driver; its own status (0 or 1) is in the answers.
pub fn drive(arguments: &[&str]) -> Driven {
    drive_by(DRIVER, arguments)
}

pub fn drive_by(program: &str, arguments: &[&str]) -> Driven {
    in_the_bed();
    let output = if program == DRIVER {
        run(DRIVER, arguments)
    } else {
        let mut all = vec![DRIVER];
        all.extend_from_slice(arguments);
        run(program, &all)
    };
    Driven { output: format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)) }
}

/// One attempt of a person at a service where our module alone asks.
pub fn attempt(service: &Service, person: &str, reply: &str) -> Driven {
    drive(&["--no-delay", "--rhost", "192.0.2.7", "--reply", reply, &service.name, person])
}

/// The journal from a moment on.
pub struct Journal {
    cursor: String,
}

impl Journal {
    pub fn mark() -> Self {
        in_the_bed();
        ok("journalctl", &["--sync"]);
        let shown = ok("journalctl", &["--lines=1", "--show-cursor", "--output=cat"]);
        let cursor = shown.lines().find_map(|line| line.strip_prefix("-- cursor: ")).unwrap().to_owned();
        Self { cursor }
    }

    /// Everybody's lines since.
    pub fn all(&self) -> String {
        ok("journalctl", &["--sync"]);
        ok("journalctl", &[&format!("--after-cursor={}", self.cursor), "--output=cat", "--no-pager"])
    }

    /// Everybody's entries since, each with all its fields.
    pub fn entries(&self) -> Vec<Value> {
        ok("journalctl", &["--sync"]);
        let json = ok("journalctl", &[&format!("--after-cursor={}", self.cursor), "--output=json", "--no-pager"]);
        json.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Our module's lines since, of one person or service.
    pub fn lines(&self, about: &str) -> String {
        self.all()
            .lines()
            .filter(|line| line.contains("pam_nightlatch(") && line.contains(about))
            .map(|l| format!("{l}\n"))
            .collect()
    }
}

/// A real terminal with a program in it; remembers all that was on the screen.
pub struct Terminal {
    session: PtySession,
    pub screen: String,
}

impl Terminal {
    pub fn open(command: &str) -> Self {
        in_the_bed();
        let session = rexpect::spawn(command, Some(20_000)).unwrap_or_else(|error| panic!("{command}: {error}"));
        Self { session, screen: String::new() }
    }

    /// Waits for a text.
    pub fn sees(&mut self, text: &str) -> &mut Self {
        match self.session.exp_string(text) {
            Ok(before) => self.screen.push_str(&format!("{before}{text}")),
            Err(error) => panic!("waited for {text:?}; the screen before:\n{}\n{error}", self.screen),
        }
        self
    }

    pub fn types(&mut self, line: &str) -> &mut Self {
        self.session.send_line(line).unwrap();
        self
    }

    /// Presses Ctrl with a key, and nothing else.
    pub fn presses_control(&mut self, key: char) -> &mut Self {
        self.session.send_control(key).unwrap();
        self
    }

    /// All that comes until the program ends.
    pub fn rest(&mut self) -> String {
        match self.session.exp_eof() {
            Ok(rest) => self.screen.push_str(&rest),
            Err(error) => panic!("the program goes on; the screen before:\n{}\n{error}", self.screen),
        }
        self.screen.clone()
    }
}

/// The secret for typing by hand: groups of four base32 symbols, placed on the screen by escape sequences.
pub fn secret_on(screen: &str) -> String {
    let is_group = |word: &str| word.len() == 4 && word.bytes().all(|b| matches!(b, b'A'..=b'Z' | b'2'..=b'7'));
    screen
        .split('\x1b')
        .filter_map(|placed| placed.split_once('H').map(|(_, text)| text))
        .filter(|text| text.split(' ').count() == 4 && text.split(' ').all(is_group))
        .map(|text| text.replace(' ', ""))
        .collect()
}
