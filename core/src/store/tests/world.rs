// SPDX-License-Identifier: MIT OR Apache-2.0
//! The store on a disk beside its model: random codes, sources, clocks, restarts, unlocks, new backup codes, bypass codes
//! and rotten blocks. The store answers as the model does, and what was let in once is never let in again.
#![allow(clippy::indexing_slicing, reason = "tests")]

use std::collections::HashSet;

use proptest::prelude::*;

use super::model::{A_HOST_NAME, Clocks, Grant, Model, Numbers, Rot, Typed, code_of};
use super::*;
use crate::backup::BackupCodes;
use crate::bypass::BypassTerms;
use crate::verify::judge::{backup_codes_left, bypass_uses_left};
use crate::verify::throttle::{Admission, Channel, Limits};

const SHIPPED: Numbers =
    Numbers { sources: 8, known: 5, combined: 10, others: 50, free: 5, first_wait: 30, long_from: 10, long_wait: 1800 };

/// So tight that random events reach every corner.
const TIGHT: Numbers =
    Numbers { sources: 3, known: 2, combined: 3, others: 7, free: 1, first_wait: 20, long_from: 5, long_wait: 100 };

fn config_of(numbers: Numbers) -> String {
    let Numbers { sources, known, combined, others, free, first_wait, long_from, long_wait } = numbers;
    format!(
        "[throttle]\nknown_sources = {sources}\nknown_failures = {known}\ncombined_failures = {combined}\n\
         other_failures = {others}\nfree_failures = {free}\nfirst_wait = {first_wait}\nlong_wait_from = {long_from}\n\
         long_wait = {long_wait}\n"
    )
}

#[derive(Debug, Clone)]
enum Event {
    /// The phone's code, so many steps from the present one.
    Code {
        steps: i64,
        from: u8,
        with_password: bool,
    },
    /// The text that was last let in, once more.
    Again {
        from: u8,
    },
    /// Six digits that are right for no step near.
    Wrong {
        from: u8,
        with_password: bool,
    },
    /// Codes of a length that no device has.
    NoSuchLength,
    Backup {
        index: usize,
        from: u8,
    },
    /// Well formed, of another person's sheet.
    AnothersBackup {
        index: usize,
        from: u8,
    },
    /// The bypass code that was made last, or the one before it.
    Bypass {
        last: bool,
        from: u8,
    },
    GrantBypass {
        seconds: u64,
        uses: u16,
    },
    RevokeBypass,
    /// Both clocks go on.
    Pause(u64),
    /// The wall clock alone.
    ClockSet(i64),
    /// With so many seconds on the wall clock meanwhile.
    Restart(i64),
    Unlock,
    NewBackupCodes,
    Rot(Rot),
}

fn events() -> impl Strategy<Value = Event> {
    let from = 0_u8..12;
    prop_oneof![
        8 => (-3_i64..=3, from.clone(), any::<bool>())
            .prop_map(|(steps, from, with_password)| Event::Code { steps, from, with_password }),
        4 => from.clone().prop_map(|from| Event::Again { from }),
        12 => (from.clone(), prop::bool::weighted(0.3)).prop_map(|(from, with_password)| Event::Wrong { from, with_password }),
        1 => Just(Event::NoSuchLength),
        4 => (0_usize..10, from.clone()).prop_map(|(index, from)| Event::Backup { index, from }),
        1 => (0_usize..10, from.clone()).prop_map(|(index, from)| Event::AnothersBackup { index, from }),
        6 => (prop::bool::weighted(0.9), from).prop_map(|(last, from)| Event::Bypass { last, from }),
        2 => (60_u64..4000, 1_u16..4).prop_map(|(seconds, uses)| Event::GrantBypass { seconds, uses }),
        1 => Just(Event::RevokeBypass),
        8 => (1_u64..90).prop_map(Event::Pause),
        3 => (500_u64..4000).prop_map(Event::Pause),
        2 => (-4000_i64..4000).prop_map(Event::ClockSet),
        1 => (-4000_i64..4000).prop_map(Event::Restart),
        1 => Just(Event::Unlock),
        1 => Just(Event::NewBackupCodes),
        3 => prop_oneof![
            Just(Rot::NewerHead), Just(Rot::NewerSeal), Just(Rot::OlderHead), Just(Rot::OlderSeal)
        ].prop_map(Event::Rot),
    ]
}

fn host(from: u8) -> Option<String> {
    match from {
        0 => None,
        A_HOST_NAME => Some("gate.example".to_owned()),
        n => Some(format!("10.0.0.{n}")),
    }
}

/// The store and its model, and what an onlooker has seen.
struct World {
    site: Site,
    model: Model,
    clocks: Clocks,
    others_sheet: Vec<String>,
    /// What was let in last.
    last: Option<Typed>,
    /// The highest step that was let in, as far as any file can still know it.
    highest: Option<u64>,
    backups_let_in: HashSet<String>,
    /// Every bypass code that was made, with what it was granted, and how often it let somebody in.
    bypass_codes: Vec<(Grant, u16)>,
    judged_wrong: u32,
}

impl World {
    fn new(numbers: Numbers) -> Self {
        let (sheet, _) = BackupCodes::generate(10, UnixTime(NOON), &SystemRandom).unwrap();
        Self {
            site: Site::with_alice_under(&config_of(numbers)),
            model: Model::new(numbers),
            clocks: Clocks { wall: NOON, since_boot: 1000, boot: 1 },
            others_sheet: sheet.expose_codes().map(str::to_owned).collect(),
            last: None,
            highest: None,
            backups_let_in: HashSet::new(),
            bypass_codes: Vec::new(),
            judged_wrong: 0,
        }
    }

    fn happens(&mut self, event: &Event) {
        match event {
            Event::Code { steps, from, with_password } => {
                let text = code_of(self.clocks.step().saturating_add_signed(*steps));
                self.types(&Typed::Digits(text), *from, *with_password);
            }
            Event::Again { from } => {
                if let Some(last) = self.last.clone() {
                    self.types(&last, *from, false);
                }
            }
            Event::Wrong { from, with_password } => {
                let near = self.clocks.step() - 1..=self.clocks.step() + 1;
                let right: Vec<String> = near.map(code_of).collect();
                let wrong = (0..).map(|n| format!("{n:06}")).find(|text| !right.contains(text)).unwrap();
                self.types(&Typed::Digits(wrong), *from, *with_password);
            }
            Event::NoSuchLength => self.types(&Typed::Digits("1234567".to_owned()), 7, false),
            Event::Backup { index, from } => {
                if let Some(text) = self.site.backup_codes.get(*index).cloned() {
                    self.types(&Typed::Backup { text, index: Some(*index) }, *from, false);
                }
            }
            Event::AnothersBackup { index, from } => {
                let text = self.others_sheet[*index].clone();
                self.types(&Typed::Backup { text, index: None }, *from, false);
            }
            Event::Bypass { last, from } => {
                let from_the_end = if *last { 1 } else { 2 };
                let made = self.bypass_codes.len().checked_sub(from_the_end).map(|index| &self.bypass_codes[index].0);
                if let Some(text) = made.map(|grant| grant.text.clone()) {
                    self.types(&Typed::Bypass { text }, *from, false);
                }
            }
            Event::GrantBypass { seconds, uses } => self.grant_bypass(*seconds, *uses),
            Event::RevokeBypass => {
                self.forgets_what_no_slot_holds();
                let there_is_one = self.model.grant.is_some();
                if there_is_one {
                    self.model.grants(None, self.clocks);
                }
                let now = UnixTime(self.clocks.wall);
                assert_eq!(self.opened(|open| open.revoke_bypass(now).unwrap()), there_is_one);
            }
            Event::Pause(seconds) => {
                self.clocks.wall += seconds;
                self.clocks.since_boot += seconds;
            }
            Event::ClockSet(by) => self.clocks.set(*by),
            Event::Restart(by) => {
                self.clocks.set(*by);
                (self.clocks.since_boot, self.clocks.boot) = (10, self.clocks.boot.wrapping_add(1));
            }
            Event::Unlock => self.unlock(),
            Event::NewBackupCodes => self.new_backup_codes(),
            Event::Rot(rot) => self.rots(*rot),
        }
        self.compare();
    }

    fn types(&mut self, typed: &Typed, from: u8, with_password: bool) {
        self.forgets_what_no_slot_holds();
        let expected = self.model.attempt(typed, from, with_password, self.clocks);
        let mut occasion = Occasion::new("sshd", host(from).as_deref());
        occasion.channel = if with_password { Channel::WithPassword } else { Channel::OwnPrompt };
        let code = TypedCode::parse(typed.text().as_bytes(), None).unwrap();
        let pending = self.opened(|open| open.attempt(&code, &occasion, &self.clocks).unwrap().commit().unwrap());
        let answered = match pending {
            Answer::Accepted(_) => Ok(()),
            // A clock that is off is told of and changes nothing.
            Answer::Refused(Refusal::ClockDrift(_)) => Err(Refusal::Wrong),
            Answer::Refused(refusal) => Err(refusal),
        };
        assert_eq!(answered, expected, "{typed:?} from {from}");
        match answered {
            Ok(()) => self.sees_let_in(typed),
            Err(Refusal::Wrong | Refusal::Past | Refusal::UsedBackupCode) => self.judged_wrong += 1,
            Err(_) => {}
        }
        assert!(self.judged_wrong <= Limits::default().sum());
    }

    /// None of the model's reckoning: no step at or below one that was let in, no backup code twice.
    fn sees_let_in(&mut self, typed: &Typed) {
        match typed {
            Typed::Digits(text) => {
                let near = self.clocks.step() - 1..=self.clocks.step() + 1;
                let step = near.filter(|step| code_of(*step) == *text).max().unwrap();
                assert!(
                    self.highest.is_none_or(|highest| step > highest),
                    "{text} was let in after step {:?}",
                    self.highest
                );
                self.highest = Some(step);
            }
            Typed::Bypass { text } => {
                let wall = self.clocks.wall;
                let (grant, let_in) = self.bypass_codes.last_mut().unwrap();
                *let_in += 1;
                assert!(grant.text == *text && *let_in <= grant.uses, "{text} was let in {let_in} times");
                assert!((grant.made_at..grant.until).contains(&wall), "{text} was let in at {wall}");
            }
            Typed::Backup { text, .. } => assert!(self.backups_let_in.insert(text.clone()), "{text} was let in twice"),
        }
        self.judged_wrong = 0;
        self.last = Some(typed.clone());
    }

    /// A lost slot takes the last step with it. The window that is closed for it is that of the clock as it is now: where
    /// that was set back since, nobody can know better.
    fn forgets_what_no_slot_holds(&mut self) {
        if self.model.has_lost_a_slot() {
            let known = self.model.read().last_step.max(Some(self.clocks.step() + 1));
            self.highest = self.highest.min(known);
        }
    }

    fn unlock(&mut self) {
        self.forgets_what_no_slot_holds();
        let changes = self.model.unlock(self.clocks);
        let now = UnixTime(self.clocks.wall);
        assert_eq!(self.opened(|open| open.unlock(now).unwrap()), changes);
        self.judged_wrong = 0;
    }

    fn grant_bypass(&mut self, seconds: u64, uses: u16) {
        self.forgets_what_no_slot_holds();
        let now = UnixTime(self.clocks.wall);
        let terms = BypassTerms::new(seconds, uses).unwrap();
        let code = self.opened(|open| open.grant_bypass(terms, now).unwrap());
        let text = code.expose_code().to_owned();
        let grant = Grant { text, made_at: now.0, until: now.0 + seconds, uses };
        self.model.grants(Some(grant.clone()), self.clocks);
        self.bypass_codes.push((grant, 0));
    }

    fn new_backup_codes(&mut self) {
        self.forgets_what_no_slot_holds();
        self.model.renew_backup_codes(self.clocks);
        let now = UnixTime(self.clocks.wall);
        let sheet = self.opened(|open| open.renew_backup_codes(10, now).unwrap());
        self.site.backup_codes = sheet.expose_codes().map(str::to_owned).collect();
        if let Some(Typed::Backup { index, .. }) = &mut self.last {
            *index = None;
        }
    }

    fn rots(&mut self, rot: Rot) {
        if self.model.rot.is_some() {
            return;
        }
        let mut bytes = fs::read(self.site.file()).unwrap();
        // docs/FORMAT.md: the sequence stands at the head of each slot.
        let sequence = |slot: usize| u64::from_le_bytes(bytes[slot..slot + 8].try_into().unwrap());
        let (newer, older) = if sequence(4096) > sequence(8192) { (4096, 8192) } else { (8192, 4096) };
        let place = match rot {
            Rot::NewerHead => newer + 3,
            Rot::NewerSeal => newer + 60,
            Rot::OlderHead => older + 3,
            Rot::OlderSeal => older + 60,
        };
        bytes[place] ^= 0x20;
        fs::write(self.site.file(), bytes).unwrap();
        self.model.rot = Some(rot);
    }

    fn compare(&self) {
        let memory = self.model.read();
        self.opened(|open| {
            assert_eq!(open.has_lost_a_slot(), self.model.has_lost_a_slot());
            let ledger = open.ledger();
            assert_eq!(ledger.throttle.failures(), memory.failures());
            assert_eq!(ledger.failures_since.count, memory.failures_since);
            assert_eq!(usize::from(backup_codes_left(open.record(), ledger)), 10 - memory.used.len());
            let wall = UnixTime(self.clocks.wall);
            assert_eq!(bypass_uses_left(open.record(), ledger, wall), self.model.bypass_uses_left(wall.0));
            let now = Moment { boot: self.clocks.boot_id(), ..self.clocks.now().unwrap() };
            assert_eq!(
                ledger.throttle.standing(&self.site.config.rules().limits, now) == Admission::Blocked,
                self.model.is_blocked()
            );
        });
    }

    fn opened<T>(&self, act: impl FnOnce(OpenRecord<'_>) -> T) -> T {
        let store = self.site.open().unwrap();
        let Ok(locked) = store.lock(alice().named()) else { panic!("no lock") };
        act(locked.open(alice().named()).unwrap())
    }
}

/// PROPTEST_CASES asks for more.
fn cases() -> ProptestConfig {
    let asked_for = option_env!("PROPTEST_CASES").and_then(|number| number.parse().ok());
    ProptestConfig { cases: asked_for.unwrap_or(64), ..ProptestConfig::default() }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn whatever_happens_the_store_answers_as_its_plain_model(
        tight: bool,
        events in proptest::collection::vec(events(), 1..100),
    ) {
        let mut world = World::new(if tight { TIGHT } else { SHIPPED });
        events.iter().for_each(|event| world.happens(event));
    }
}
