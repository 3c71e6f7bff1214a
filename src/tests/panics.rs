// SPDX-License-Identifier: MIT OR Apache-2.0
//! A login that panics at its N-th call of the host, the clock or the random source, for every N, until one has no N-th
//! call. The real module's six hooks and its host's stderr are in tests/panics.rs.

use std::cell::Cell;

use nightlatch::audit::LogLine;
use nightlatch::clock::{BootId, Clock, Moment};
use nightlatch::error::Fault;
use nightlatch::random::{Random, SystemRandom};
use zeroize::Zeroizing;

use super::first_contact::{Phone, Screen};
use super::*;
use crate::answer;
use crate::answer_account;
use crate::conversation::{Conversation, NoReply, NoUser, NotHandedOn, NotMarked, Remembered};
use crate::first_contact::Mark;
use crate::guard::guarded;

/// Burns through at the N-th call, once.
struct Fuse {
    calls_left: Cell<usize>,
    burnt: Cell<bool>,
}

impl Fuse {
    fn after(calls: usize) -> Self {
        Self { calls_left: Cell::new(calls), burnt: Cell::new(false) }
    }

    fn call(&self) {
        if self.calls_left.get() > 0 {
            self.calls_left.set(self.calls_left.get() - 1);
        } else if !self.burnt.replace(true) {
            panic!("the code was 123456");
        }
    }
}

/// A host, a clock or a random source that panics when the fuse burns through.
struct Fragile<'f, T>(T, &'f Fuse);

impl<T> Fragile<'_, T> {
    fn called(&self) -> &T {
        self.1.call();
        &self.0
    }

    fn called_mut(&mut self) -> &mut T {
        self.1.call();
        &mut self.0
    }
}

impl<C: Conversation> Conversation for Fragile<'_, &mut C> {
    fn user(&mut self) -> Result<Vec<u8>, NoUser> {
        self.called_mut().user()
    }
    fn present_user(&self) -> Option<Vec<u8>> {
        self.called().present_user()
    }
    fn service(&self) -> String {
        self.called().service()
    }
    fn remote_host(&self) -> Option<String> {
        self.called().remote_host()
    }
    fn password(&self) -> Option<Zeroizing<Vec<u8>>> {
        self.called().password()
    }
    fn hand_on(&mut self, password: &[u8]) -> Result<(), NotHandedOn> {
        self.called_mut().hand_on(password)
    }
    fn ssh_auth_info(&self) -> Option<String> {
        self.called().ssh_auth_info()
    }
    fn ask(&mut self, prompt: &str) -> Result<Zeroizing<Vec<u8>>, NoReply> {
        self.called_mut().ask(prompt)
    }
    fn ask_openly(&mut self, prompt: &str) -> Result<Zeroizing<Vec<u8>>, NoReply> {
        self.called_mut().ask_openly(prompt)
    }
    fn show(&mut self, text: &str) -> Result<(), NoReply> {
        self.called_mut().show(text)
    }
    fn mark(&mut self, mark: Option<Mark>) -> Result<(), NotMarked> {
        Conversation::mark(*self.called_mut(), mark)
    }
    fn marked(&self) -> Option<Mark> {
        self.called().marked()
    }
    fn tell(&mut self, message: &Message) {
        self.called_mut().tell(message);
    }
    fn log(&self, level: Level, line: &LogLine) {
        self.called().log(level, line);
    }
    fn remembered(&self) -> Option<&Remembered> {
        self.called().remembered()
    }
    fn remember(&mut self, remembered: Remembered) {
        self.called_mut().remember(remembered);
    }
    fn suggest_delay(&mut self) {
        self.called_mut().suggest_delay();
    }
}

impl Clock for Fragile<'_, &FixedClock> {
    fn now(&self) -> Result<Moment, Fault> {
        self.called().now()
    }
    fn boot_id(&self) -> Option<BootId> {
        self.called().boot_id()
    }
}

impl Random for Fragile<'_, SystemRandom> {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), Fault> {
        self.called().fill(buffer)
    }
}

#[test]
fn wherever_a_login_panics_nobody_gets_in_and_the_next_one_goes_on() {
    let mut points = 0;
    for (user, reply, words) in [
        ("daemon", "the right code", vec!["debug"]),
        ("daemon", "a backup code", vec!["nullok"]),
        ("daemon", "000000", vec![]),
        ("daemon", "both in one", vec!["forward_pass"]),
        ("bin", "123456", vec!["nullok", "debug"]),
        ("no-such-account", "123456", vec!["nullok"]),
    ] {
        for calls in 0.. {
            let (site, fuse) = (Site::new(), Fuse::after(calls));
            let reply = match reply {
                "the right code" => &code_at(NOON),
                "a backup code" => &site.backup_codes[0],
                "both in one" => &format!("horse{}", code_at(NOON)),
                other => other,
            };
            let mut host = Scripted::new(user, &[reply]);
            let config = format!("config={}", site.path("config.toml").display());
            let words = std::iter::once(config.as_str()).chain(words.iter().copied());
            let words: Vec<CString> = words.map(|word| CString::new(word).unwrap()).collect();
            let words: Vec<&CStr> = words.iter().map(CString::as_c_str).collect();
            let (clock, random) = (Fragile(&site.clock, &fuse), Fragile(SystemRandom, &fuse));
            let answered = guarded(|| answer_login(&mut Fragile(&mut host, &fuse), &words, &clock, &random));
            if !fuse.burnt.get() {
                assert!(answered.is_ok() && calls > 5, "{user} {reply}: {calls}");
                break;
            }
            points += 1;
            let (code, level, line) = answer::panicked(&answered.err().unwrap());
            assert_eq!((code, level), (PAM_ABORT, Level::Critical), "{user} {reply}: call {calls}");
            assert!(!line.as_str().contains("123456"), "{}", line.as_str());
            // The lock is free, no code gets in twice, and whoever has another code gets in.
            let admitted = (0..2).filter(|_| site.gets_in(user, reply)).count();
            assert!(admitted <= 1, "{user} {reply}: call {calls}");
            assert!(site.gets_in("daemon", &site.backup_codes[9]), "{user} {reply}: call {calls}");
        }
    }
    assert!(points > 50, "{points}");
}

#[test]
fn wherever_a_login_by_a_waiver_panics_nobody_gets_in_and_the_next_one_goes_on() {
    for calls in 0.. {
        let (site, fuse) = (Site::new(), Fuse::after(calls));
        site.waive("phone broken");
        let mut host = Scripted::new("daemon", &[]);
        let config = CString::new(format!("config={}", site.path("config.toml").display())).unwrap();
        let (clock, random) = (Fragile(&site.clock, &fuse), Fragile(SystemRandom, &fuse));
        let answered = guarded(|| answer_login(&mut Fragile(&mut host, &fuse), &[config.as_c_str()], &clock, &random));
        if !fuse.burnt.get() {
            assert!(answered.is_ok_and(|code| code == PAM_IGNORE) && calls > 5, "{calls}");
            break;
        }
        assert_eq!(answer::panicked(&answered.err().unwrap()).0, PAM_ABORT, "call {calls}");
        assert_eq!(site.login(&mut Scripted::new("daemon", &[]), &[]), PAM_IGNORE, "call {calls}: the lock is free");
    }
}

#[test]
fn wherever_an_enrollment_in_a_login_panics_nobody_passes_and_a_record_is_whole_or_absent() {
    let mut points = 0;
    for calls in 0.. {
        let (site, fuse) = (Site::new(), Fuse::after(calls));
        let mut phone = Phone::of(&site);
        phone.pam.replies = [b"CODE".to_vec(), b"yes".to_vec()].into();
        let config = CString::new(format!("config={}", site.path("config.toml").display())).unwrap();
        let (clock, random) = (Fragile(&site.clock, &fuse), Fragile(SystemRandom, &fuse));
        let mut screen = Screen { pam: &mut phone.pam, now: NOON };
        let answered = guarded(|| answer_account(&mut Fragile(&mut screen, &fuse), &[&config], &clock, &random));
        if !fuse.burnt.get() {
            assert!(answered.is_ok_and(|code| code == PAM_IGNORE) && calls > 20, "{calls}");
            break;
        }
        points += 1;
        assert_eq!(answer::panicked(&answered.err().unwrap()).0, PAM_ABORT, "call {calls}");
        // Only what comes after the commit, the log and a last word, finds somebody enrolled.
        let enrolled = phone.is_enrolled();
        assert_eq!(phone.answers(&["CODE", "yes"]) == PAM_IGNORE, !enrolled, "call {calls}");
        assert!(site.gets_in("daemon", &site.backup_codes[9]), "call {calls}");
    }
    assert!(points > 20, "{points}");
}
