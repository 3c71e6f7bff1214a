// SPDX-License-Identifier: MIT OR Apache-2.0
//! A plain model of what the store and the throttle promise (DESIGN, Store and Throttle), and of nothing else. Shares
//! types with them, and no reckoning.

use super::*;

/// The throttle's numbers.
#[derive(Debug, Clone, Copy)]
pub(super) struct Numbers {
    pub(super) sources: usize,
    pub(super) known: u32,
    pub(super) combined: u32,
    pub(super) others: u32,
    pub(super) free: u32,
    pub(super) first_wait: u64,
    pub(super) long_from: u32,
    pub(super) long_wait: u64,
}

/// DESIGN, Throttle: failures in a row, and until when each clock says to wait.
#[derive(Debug, Clone, Default, PartialEq)]
struct Bucket {
    failures: u32,
    wait: Option<(Clocks, u64, bool)>,
}

impl Bucket {
    fn admits(&mut self, limit: u32, now: Clocks) -> Result<(), Refusal> {
        if self.failures >= limit {
            return Err(Refusal::Blocked);
        }
        let Some((begun, seconds, begun_anew)) = self.wait else { return Ok(()) };
        let waited = if begun.boot == now.boot {
            Some(now.since_boot - begun.since_boot)
        } else {
            now.wall.checked_sub(begun.wall)
        };
        let left = match waited {
            Some(waited) => seconds.saturating_sub(waited),
            None if begun_anew => 0,
            None => {
                self.wait = Some((now, seconds, true));
                seconds
            }
        };
        match u32::try_from(left).unwrap() {
            0 => Ok(()),
            seconds => Err(Refusal::Waiting { seconds }),
        }
    }

    fn fail(&mut self, numbers: Numbers, now: Clocks) {
        self.failures += 1;
        self.wait = match self.failures {
            n if n <= numbers.free => None,
            n if n >= numbers.long_from => Some((now, numbers.long_wait, false)),
            n => Some((now, numbers.long_wait.min(numbers.first_wait << (n - numbers.free - 1)), false)),
        };
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Bin {
    Known(u8),
    Combined,
    Others,
}

/// What a slot remembers.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Memory {
    pub(super) last_step: Option<u64>,
    pub(super) used: Vec<usize>,
    last_backup: Option<usize>,
    /// `None` where its time was seen to be over.
    bypass_uses: Option<u16>,
    last_was_bypass: bool,
    /// The one used longest ago first, each with its failures.
    known: Vec<(u8, u32)>,
    combined: Bucket,
    others: Bucket,
    pub(super) failures_since: u32,
}

impl Default for Memory {
    fn default() -> Self {
        let (known, combined, others) = Default::default();
        Self {
            last_step: None,
            used: Vec::new(),
            last_backup: None,
            bypass_uses: Some(0),
            last_was_bypass: false,
            known,
            combined,
            others,
            failures_since: 0,
        }
    }
}

impl Memory {
    fn bin(&self, from: u8, with_password: bool) -> Bin {
        match with_password {
            true => Bin::Combined,
            false if self.known.iter().any(|(known, _)| *known == from) => Bin::Known(from),
            false => Bin::Others,
        }
    }

    fn fail(&mut self, bin: Bin, numbers: Numbers, now: Clocks) {
        self.failures_since += 1;
        match bin {
            Bin::Combined => self.combined.fail(numbers, now),
            Bin::Others => self.others.fail(numbers, now),
            Bin::Known(from) => {
                self.known.iter_mut().filter(|(known, _)| *known == from).for_each(|(_, failures)| *failures += 1);
                self.known.retain(|(_, failures)| *failures < numbers.known);
            }
        }
    }

    fn succeed(&mut self, bin: Bin, numbers: Numbers, from: u8) {
        self.failures_since = 0;
        let mut failures = self.known.iter().find(|(known, _)| *known == from).map_or(0, |(_, failures)| *failures);
        match bin {
            Bin::Combined => self.combined = Bucket::default(),
            Bin::Others => self.others = Bucket::default(),
            Bin::Known(_) => failures = 0,
        }
        self.known.retain(|(known, _)| *known != from);
        if from != A_HOST_NAME && numbers.sources > 0 {
            self.known.push((from, failures));
        }
        if self.known.len() > numbers.sources {
            self.known.remove(0);
        }
    }

    fn unlock(&mut self) {
        self.known.iter_mut().for_each(|(_, failures)| *failures = 0);
        (self.combined, self.others) = Default::default();
    }

    pub(super) fn failures(&self) -> u32 {
        self.known.iter().map(|(_, failures)| failures).sum::<u32>() + self.combined.failures + self.others.failures
    }
}

/// From where an attempt with this number comes; 0 is local.
pub(super) const A_HOST_NAME: u8 = 1;

#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Clocks {
    pub(super) wall: u64,
    pub(super) since_boot: u64,
    pub(super) boot: u8,
}

impl Clock for Clocks {
    fn now(&self) -> Result<Moment, Fault> {
        Ok(Moment { wall: UnixTime(self.wall), since_boot: BootTime(self.since_boot), boot: None })
    }

    fn boot_id(&self) -> Option<BootId> {
        Some(BootId([self.boot; 16]))
    }
}

impl Clocks {
    pub(super) fn set(&mut self, by: i64) {
        self.wall = self.wall.saturating_add_signed(by);
    }

    pub(super) fn step(self) -> u64 {
        self.wall / 30
    }
}

/// What of a file is rotten, at most one at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Rot {
    NewerHead,
    NewerSeal,
    OlderHead,
    /// Unnoticed until the newer slot is rotten too: only the newest is unsealed.
    OlderSeal,
}

/// One text at the prompt.
#[derive(Debug, Clone)]
pub(super) enum Typed {
    Digits(String),
    Backup { text: String, index: Option<usize> },
    Bypass { text: String },
}

/// What a record says of its bypass code.
#[derive(Debug, Clone)]
pub(super) struct Grant {
    pub(super) text: String,
    pub(super) made_at: u64,
    pub(super) until: u64,
    pub(super) uses: u16,
}

impl Grant {
    /// DESIGN: until its end, and never again once a code was judged behind that.
    fn left(&self, used: Option<u16>, wall: u64) -> Option<u16> {
        used.filter(|_| (self.made_at..self.until).contains(&wall)).map(|used| self.uses.saturating_sub(used))
    }
}

impl Typed {
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Digits(text) | Self::Backup { text, .. } | Self::Bypass { text } => text,
        }
    }
}

pub(super) struct Model {
    numbers: Numbers,
    pub(super) grant: Option<Grant>,
    newer: Memory,
    older: Memory,
    pub(super) rot: Option<Rot>,
}

impl Model {
    pub(super) fn new(numbers: Numbers) -> Self {
        Self { numbers, grant: None, newer: Memory::default(), older: Memory::default(), rot: None }
    }

    pub(super) fn is_blocked(&self) -> bool {
        let memory = self.read();
        memory.combined.failures >= self.numbers.combined || memory.others.failures >= self.numbers.others
    }

    /// What an administrator forgives. Whether that changes anything.
    pub(super) fn unlock(&mut self, now: Clocks) -> bool {
        let mut memory = self.carried(now);
        memory.unlock();
        let changes = self.has_lost_a_slot() || memory != self.read();
        if changes {
            self.write_both(memory);
        }
        changes
    }

    pub(super) fn renew_backup_codes(&mut self, now: Clocks) {
        let mut memory = self.carried(now);
        memory.used.clear();
        self.write_both(memory);
    }

    pub(super) fn grants(&mut self, grant: Option<Grant>, now: Clocks) {
        let mut memory = self.carried(now);
        memory.bypass_uses = Some(0);
        self.grant = grant;
        self.write_both(memory);
    }

    pub(super) fn bypass_uses_left(&self, wall: u64) -> u16 {
        self.grant.as_ref().and_then(|grant| grant.left(self.read().bypass_uses, wall)).unwrap_or(0)
    }

    fn carried(&self, now: Clocks) -> Memory {
        let mut memory = self.read();
        if self.has_lost_a_slot() {
            Self::close_the_window(&mut memory, now);
        }
        memory
    }

    pub(super) fn has_lost_a_slot(&self) -> bool {
        !matches!(self.rot, None | Some(Rot::OlderSeal))
    }

    pub(super) fn read(&self) -> Memory {
        match self.rot {
            Some(Rot::NewerHead | Rot::NewerSeal) => self.older.clone(),
            Some(Rot::OlderHead | Rot::OlderSeal) | None => self.newer.clone(),
        }
    }

    fn write_one(&mut self, next: Memory) {
        self.older = std::mem::replace(&mut self.newer, next);
        self.rot = None;
    }

    fn write_both(&mut self, next: Memory) {
        (self.newer, self.older, self.rot) = (next.clone(), next, None);
    }

    fn close_the_window(memory: &mut Memory, now: Clocks) {
        memory.last_step = memory.last_step.max(Some(now.step() + 1));
    }

    pub(super) fn attempt(&mut self, typed: &Typed, from: u8, with_password: bool, now: Clocks) -> Result<(), Refusal> {
        let (before, lost) = (self.read(), self.has_lost_a_slot());
        let mut memory = before.clone();
        if self.grant.as_ref().is_some_and(|grant| now.wall >= grant.until) {
            memory.bypass_uses = None;
        }
        let mut bin = memory.bin(from, with_password);
        let admitted = match bin {
            Bin::Known(_) => Ok(()),
            Bin::Combined => memory.combined.admits(self.numbers.combined, now),
            Bin::Others => memory.others.admits(self.numbers.others, now),
        };
        if lost {
            Self::close_the_window(&mut memory, now);
            memory.fail(bin, self.numbers, now);
            bin = memory.bin(from, with_password);
        }
        let judged = admitted.and_then(|()| Self::judge(&mut memory, self.grant.as_ref(), typed, now));
        match judged {
            Ok(()) => memory.succeed(bin, self.numbers, from),
            Err(Refusal::Wrong | Refusal::Past | Refusal::UsedBackupCode) if !lost => {
                memory.fail(bin, self.numbers, now)
            }
            Err(_) => {}
        }
        let is_counted = matches!(typed, Typed::Backup { .. } | Typed::Bypass { .. });
        let spent = |memory: &Memory| match bin {
            Bin::Known(_) => false,
            Bin::Combined => memory.combined.failures >= self.numbers.combined,
            Bin::Others => memory.others.failures >= self.numbers.others,
        };
        if lost || (judged.is_ok() && is_counted) || (spent(&memory) && !spent(&before)) {
            self.write_both(memory);
        } else if memory != before || judged.is_ok() {
            self.write_one(memory);
        }
        judged
    }

    fn judge(memory: &mut Memory, grant: Option<&Grant>, typed: &Typed, now: Clocks) -> Result<(), Refusal> {
        match typed {
            Typed::Bypass { text } => {
                let grant = grant.filter(|grant| grant.text == *text).ok_or(Refusal::Wrong)?;
                match grant.left(memory.bypass_uses, now.wall) {
                    None => Err(Refusal::BypassOutOfTime),
                    Some(0) if memory.last_was_bypass => Err(Refusal::Replay),
                    Some(0) => Err(Refusal::UsedUpBypass),
                    Some(_) => {
                        memory.bypass_uses = memory.bypass_uses.map(|used| used + 1);
                        (memory.last_backup, memory.last_was_bypass) = (None, true);
                        Ok(())
                    }
                }
            }
            Typed::Digits(text) if text.len() != 6 => Err(Refusal::NoSuchLength),
            Typed::Digits(text) => {
                let near = now.step() - 1..=now.step() + 1;
                let right: Vec<u64> = near.filter(|step| code_of(*step) == *text).collect();
                match right.last() {
                    None => Err(Refusal::Wrong),
                    Some(step) if memory.last_step.is_none_or(|last| *step > last) => {
                        (memory.last_step, memory.last_backup) = (Some(*step), None);
                        memory.last_was_bypass = false;
                        Ok(())
                    }
                    Some(_) if memory.last_step.is_some_and(|last| right.contains(&last)) => Err(Refusal::Replay),
                    Some(_) => Err(Refusal::Past),
                }
            }
            Typed::Backup { index: Some(index), .. } if !memory.used.contains(index) => {
                memory.used.push(*index);
                (memory.last_backup, memory.last_was_bypass) = (Some(*index), false);
                Ok(())
            }
            Typed::Backup { index: Some(index), .. } if memory.last_backup == Some(*index) => Err(Refusal::Replay),
            Typed::Backup { index: Some(_), .. } => Err(Refusal::UsedBackupCode),
            Typed::Backup { index: None, .. } => Err(Refusal::Wrong),
        }
    }
}

/// By another implementation of RFC 6238.
pub(super) fn code_of(step: u64) -> String {
    let secret = SharedSecret::from_base32(SECRET).unwrap();
    let totp = totp_rs::Builder::new()
        .with_algorithm(totp_rs::Algorithm::SHA1)
        .with_digits(6)
        .with_secret(secret.expose_bytes().to_vec())
        .with_step_duration(30)
        .with_skew(0)
        .build_noncompliant();
    totp.generate(step * 30).to_string()
}
