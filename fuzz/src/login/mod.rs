// SPDX-License-Identifier: MIT OR Apache-2.0
//! Sequences of logins with faults, on the real store in a directory of its own. Every three bytes of an input are one
//! operation: an attempt, a jump of a clock, a reboot, an unlock, a fault, a kill, a rotten bit, a change of the record.

mod referee;
mod site;
mod surroundings;

use nightlatch::error::Fault;
use nightlatch::store::Answer;
use nightlatch::verify::judge::Occasion;
use nightlatch::verify::throttle::{Admission, Channel};

use referee::{Referee, Typed};
use site::{BLOCK, Kind, Site};
use surroundings::{FileLimit, Surroundings};

thread_local! {
    static SITE: Site = Site::make();
}

const MOST_OPERATIONS: usize = 80;

/// The first byte says which device is enrolled; needs root and a TMPDIR that only root can change.
///
/// # Panics
///
/// Where a promise is broken.
pub fn try_input(input: &[u8]) {
    let Some((&first, rest)) = input.split_first() else { return };
    let kind = if first & 1 == 0 { Kind::Totp } else { Kind::Hotp };
    SITE.with(|site| {
        let backup_codes = site.enroll_anew(kind);
        let mut session =
            Session { site, kind, backup_codes, around: Surroundings::new(1), referee: Referee::default() };
        for operation in rest.chunks_exact(3).take(MOST_OPERATIONS) {
            let [what, a, b] = *operation else { return };
            if session.step(what, a, b).is_none() {
                return;
            }
            session.still_holds();
        }
    });
}

struct Session<'s> {
    site: &'s Site,
    kind: Kind,
    backup_codes: Vec<String>,
    around: Surroundings,
    referee: Referee,
}

impl Session<'_> {
    /// `None` where the file is damaged beyond what a login can mend, which is the end of it.
    fn step(&mut self, what: u8, a: u8, b: u8) -> Option<()> {
        match what % 16 {
            0..=3 => {
                let typed = self.device_code(i64::from(a % 13) - if self.kind == Kind::Totp { 6 } else { 2 });
                self.attempt(typed, b);
            }
            4 => match self.referee.last_typed() {
                Some(typed) => self.attempt(typed, b),
                None => {}
            },
            5 => {
                let typed = self.wrong_code(u32::from(a) * 3907 + u32::from(b));
                self.attempt(typed, b);
            }
            6 if !self.backup_codes.is_empty() => {
                let code = self.backup_codes[usize::from(a) % self.backup_codes.len()].clone();
                self.attempt(Typed::Backup(code), b);
            }
            7 => {
                // Of another person or an older set: well spelled, never right.
                let code = self.site.foreign_backup_code(usize::from(a));
                self.attempt(Typed::NeverRight(code), b);
            }
            8 => self.around.jump(i64::from(a) * SCALES[usize::from(b % 4)], true),
            9 => self.around.jump(-i64::from(a) * SCALES[usize::from(b % 4)], b & 0x80 != 0),
            10 => self.around.reboot(i64::from(a as i8) * SCALES[usize::from(b % 4)]),
            11 => self.unlock(),
            12 => self.around.arm(a, b),
            13 => return self.rot(a, b),
            14 => self.renew_backup_codes(),
            15 => self.replace(),
            _ => {}
        }
        Some(())
    }

    fn device_code(&self, distance: i64) -> Typed {
        let around = match self.kind {
            Kind::Totp => self.around.wall() / 30,
            Kind::Hotp => self.site.next_counter(&self.around),
        };
        let counter = around.saturating_add_signed(distance);
        Typed::Device { code: self.site.device_code(counter) }
    }

    fn wrong_code(&self, wish: u32) -> Typed {
        let right: Vec<String> = self.acceptable().map(|counter| self.site.device_code(counter)).collect();
        let mut number = wish % 1_000_000;
        while right.contains(&format!("{number:06}")) {
            number = (number + 1) % 1_000_000;
        }
        Typed::NeverRight(format!("{number:06}"))
    }

    /// What the documents allow at present: a step on each side, or the next counter and nine beyond.
    fn acceptable(&self) -> std::ops::RangeInclusive<u64> {
        match self.kind {
            Kind::Totp => {
                let present = self.around.wall() / 30;
                present.saturating_sub(1)..=present + 1
            }
            Kind::Hotp => {
                let look = self.site.look(&self.around);
                let next = look.last_counter().map_or(0, |last| last + 1);
                // Where a slot is lost, all that it may have used up is skipped.
                let next = if look.lost_a_slot { next + 10 } else { next };
                next..=next + 9
            }
        }
    }

    fn attempt(&mut self, typed: Typed, b: u8) {
        let before = self.site.look(&self.around);
        let acceptable = self.acceptable();
        let matching: Vec<u64> = acceptable.filter(|n| self.site.device_code(*n) == *typed.text()).collect();
        let is_fresh = match &typed {
            Typed::Device { .. } => matching.last().is_some_and(|highest| before.is_above(*highest)),
            Typed::Backup(code) => !self.referee.is_used(code) && !before.knows_used(&self.backup_codes, code),
            Typed::NeverRight(_) => false,
        };
        if before.lost_a_slot && self.kind == Kind::Totp {
            self.referee.window_is_closed_at(self.around.wall() / 30 + 1);
        }
        let must_be_accepted = is_fresh
            && !before.lost_a_slot
            && !self.around.is_fault_armed()
            && before.standing(self.around.moment()) == Admission::Open;

        let bytes = self.site.bytes();
        let killed = self.around.take_kill();
        let answer = self.judged(&typed, b);
        self.around.disarm();
        if let Some(sectors) = killed {
            self.site.tear(&bytes, sectors);
            return self.referee.answer_is_lost(is_fresh);
        }
        match answer {
            Ok(Answer::Accepted(_)) => {
                assert!(!matches!(typed, Typed::NeverRight(_)), "a wrong code was accepted");
                let after = self.site.look(&self.around);
                let counter = match typed {
                    Typed::Device { .. } => Some(after.last_counter().expect("recorded")),
                    Typed::Backup(_) | Typed::NeverRight(_) => None,
                };
                if let Some(counter) = counter {
                    assert_eq!(matching.last(), Some(&counter), "the highest match of the window is what is recorded");
                }
                self.referee.accepted(typed, counter);
            }
            Ok(Answer::Refused(refusal)) => {
                assert!(!must_be_accepted, "a fresh code was refused: {refusal:?}");
                self.referee.refused(refusal);
            }
            Err(fault) => {
                assert!(!must_be_accepted, "a fresh code met {fault:?}");
                assert!(!matches!(fault, Fault::Damaged { .. } | Fault::Busy { .. }), "{fault:?}");
                self.referee.answer_is_lost(is_fresh);
            }
        }
        if !self.site.look(&self.around).lost_a_slot {
            self.referee.file_is_whole();
        }
    }

    fn judged(&self, typed: &Typed, b: u8) -> Result<Answer, Fault> {
        let host = match b % 5 {
            0 => None,
            1 => Some("192.0.2.1".to_owned()),
            2 => Some(format!("198.51.100.{b}")),
            3 => Some("2001:db8::1".to_owned()),
            _ => Some("host.example".to_owned()),
        };
        let mut occasion = Occasion::new("sshd", host.as_deref());
        if b & 0x80 != 0 {
            occasion.channel = Channel::WithPassword;
        }
        let _limit = FileLimit::of(&self.around);
        self.site.attempt(typed.text(), &occasion, &self.around)
    }

    fn unlock(&mut self) {
        let done = {
            let _limit = FileLimit::of(&self.around);
            self.site.unlock(&self.around)
        };
        // A fault may have come between the two slots.
        let had_fault = self.around.is_fault_armed();
        assert!(done.is_ok() || had_fault, "{done:?}");
        self.around.disarm();
        self.referee.unlocked();
    }

    fn renew_backup_codes(&mut self) {
        let renewed = {
            let _limit = FileLimit::of(&self.around);
            self.site.renew_backup_codes(&self.around)
        };
        if let Ok(codes) = renewed {
            self.referee.voided(std::mem::replace(&mut self.backup_codes, codes));
        } else {
            assert!(self.around.is_fault_armed(), "renewal");
        }
        self.around.disarm();
    }

    fn replace(&mut self) {
        let replaced = {
            let _limit = FileLimit::of(&self.around);
            self.site.replace(self.kind, &self.around)
        };
        if let Ok(codes) = replaced {
            self.referee.voided(std::mem::replace(&mut self.backup_codes, codes));
        } else {
            assert!(self.around.is_fault_armed(), "replacement");
        }
        self.around.disarm();
    }

    /// One bit of one slot; of both, at times, and then nobody gets in.
    fn rot(&mut self, a: u8, b: u8) -> Option<()> {
        let before = self.site.look(&self.around);
        let is_newest = self.site.rot(usize::from(a & 1) + 1, usize::from(b), 1 << (a >> 5));
        let store = self.site.open(&self.around);
        match self.site.open_record(&store) {
            Ok(open) if open.has_lost_a_slot() => {
                if is_newest && !before.lost_a_slot {
                    self.referee.newest_slot_rotted();
                }
                Some(())
            }
            // A bit that rotted twice is as it was; one behind the sealed bytes means nothing.
            Ok(_) => Some(()),
            Err(Fault::Damaged { .. }) => {
                drop(store);
                let refused = self.judged(&Typed::NeverRight("123456".to_owned()), 0);
                assert!(matches!(refused, Err(Fault::Damaged { .. })), "{refused:?}");
                None
            }
            Err(fault) => panic!("{fault:?}"),
        }
    }

    /// After every step: the file opens, and has counted at least what was answered.
    fn still_holds(&self) {
        let now = self.site.look(&self.around);
        self.referee.holds(&now);
        assert_eq!(self.site.bytes().len(), 3 * BLOCK);
        assert!(self.site.strays().is_empty(), "{:?}", self.site.strays());
    }
}

const SCALES: [i64; 4] = [1, 30, 3600, 86_400];
