// SPDX-License-Identifier: MIT OR Apache-2.0
//! The verdict on one typed code: a pure function of record, ledger, code and circumstances. What it finds stays hidden
//! in a `Judgement` until the next ledger is durable (store/pending.rs).

use subtle::ConstantTimeEq as _;

use crate::backup::{BYPASS_INDEX, PRINTED_BYTES, Spelling, Symbols};
use crate::bypass;
use crate::clock::{Moment, Step, UnixTime};
use crate::error::Fault;
use crate::ledger::{
    BYPASS_OVER, DeviceState, FailuresSince, LastLogin, Ledger, Method, Progress, ShortText, WAIVER_OVER,
};
use crate::record::{Device, DeviceId, Digits, Kind, Period, Record};
use crate::secret::{Typed, TypedCode};
use crate::verify::drift::ClockDrift;
use crate::verify::otp;
use crate::verify::throttle::{Admission, Channel, Limits, Place, Source};

/// The most candidate codes that one attempt computes, over all devices, windows and look-aheads. Eight digits of somebody
/// with codes of google-authenticator are held against ten hashes at most besides (backup.rs).
const MAX_CANDIDATES: u64 = 30;
/// The most counters beyond the next one that an HOTP device may have been pressed (RFC 4226 §7.4).
pub(crate) const LOOK_AHEAD: u64 = 9;

/// How far a code's step may lie from the present one, on either side (RFC 6238 §5.2): 0 or 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window(u8);

impl Window {
    /// One step before and one after.
    pub const ONE: Self = Self(1);

    /// `None` above 1: each step more is a guess more for a thief.
    #[must_use]
    pub fn new(steps: u8) -> Option<Self> {
        (steps <= 1).then_some(Self(steps))
    }

    pub(crate) fn steps(self) -> u64 {
        u64::from(self.0)
    }
}

/// Under what circumstances a code was typed.
#[derive(Debug, Clone)]
pub struct Occasion {
    /// PAM service, for the record of the last login.
    pub service: String,
    /// PAM_RHOST as it was given; empty for a local login.
    pub source_text: String,
    /// What the throttle makes of it.
    pub source: Source,
    /// How the code was asked for.
    pub channel: Channel,
}

impl Occasion {
    /// An attempt at a prompt of its own.
    #[must_use]
    pub fn new(service: &str, remote_host: Option<&str>) -> Self {
        Self {
            service: service.to_owned(),
            source_text: remote_host.unwrap_or_default().to_owned(),
            source: Source::of(remote_host),
            channel: Channel::OwnPrompt,
        }
    }
}

/// The site's numbers.
#[derive(Debug, Clone, Copy)]
pub struct Rules {
    /// Of TOTP.
    pub window: Window,
    /// Of the throttle.
    pub limits: Limits,
}

/// Whether the ledger at hand is surely the newest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Provenance {
    /// Both slots are sound.
    Whole,
    /// One slot does not unseal; it may have been the newer one.
    OneSlotLost,
}

/// Why a code was refused. The person sees one sentence for all; the log sees this.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// No candidate equals it. Charged.
    #[error("wrong code")]
    Wrong,
    /// The same, and a code of a moment outside of the window equals it. Charged and refused alike; found after the refusal
    /// is durable.
    #[error("clock drift")]
    ClockDrift(ClockDrift),
    /// It was right for a step that lies at or before the last accepted one, but is not the last accepted code. Charged.
    #[error("code of a step that is past")]
    Past,
    /// The last accepted code once more (ssh, then sudo within the same step). Not charged.
    #[error("the last accepted code again")]
    Replay,
    /// A backup code that was used before the last login. Charged.
    #[error("used backup code")]
    UsedBackupCode,
    /// A bypass code that was used as often as it may be. Nobody guesses 70 random bits, so that it is not charged: whoever
    /// has it was given it, and a person who waits for a help desk is not made to wait for us.
    #[error("used-up bypass code")]
    UsedUpBypass,
    /// The bypass code after its end, or by a clock that stands before it was made. Not charged either.
    #[error("bypass code outside of its time")]
    BypassOutOfTime,
    /// No device has codes of this length, so it cannot be a guess. Not charged.
    #[error("no device has codes of this length")]
    NoSuchLength,
    /// Not judged: a wait is pending.
    #[error("waiting after failures")]
    Waiting {
        /// Seconds left.
        seconds: u32,
    },
    /// Not judged: the bucket is spent.
    #[error("blocked after failures")]
    Blocked,
}

/// On what grounds a code was found right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Grounds {
    pub(crate) method: Method,
    pub(crate) device: Option<String>,
    /// How much of a text that holds the password too was the code; of several that are right, the longest.
    pub(crate) code_bytes: usize,
    pub(crate) backup_codes_left: u8,
    pub(crate) bypass_uses_left: u16,
    pub(crate) failures_since: FailuresSince,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    Right(Grounds),
    Refused(Refusal),
}

/// What has to be on disk before the outcome may be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Next {
    /// Nothing changed.
    Unchanged,
    /// The older slot is overwritten.
    OneSlot(Ledger),
    /// Both are: no single rotten block may undo it.
    BothSlots(Ledger),
}

pub(crate) struct Judgement {
    pub(crate) outcome: Outcome,
    pub(crate) next: Next,
}

/// Backup codes of the record that are not used.
#[must_use]
pub fn backup_codes_left(record: &Record, ledger: &Ledger) -> u8 {
    let unused = (0..).zip(&record.backup.codes).filter(|(index, _)| !ledger.is_backup_code_used(*index));
    u8::try_from(unused.count()).unwrap_or(u8::MAX)
}

/// Uses that the record's bypass code has left at that time.
#[must_use]
pub fn bypass_uses_left(record: &Record, ledger: &Ledger, now: UnixTime) -> u16 {
    record.bypass.as_ref().map_or(0, |bypass| bypass.uses_left(ledger.bypass_uses, now))
}

/// Judges one typed code.
///
/// # Errors
///
/// [`Fault::NoMemory`] where a backup code cannot be hashed; then nothing is judged and nothing changes.
pub(crate) fn judge(
    record: &Record,
    ledger: &Ledger,
    provenance: Provenance,
    code: &TypedCode,
    occasion: &Occasion,
    rules: &Rules,
    now: Moment,
) -> Result<Judgement, Fault> {
    let mut next = ledger.clone();
    end_what_is_over(record, &mut next, now.wall);
    let mut place = next.throttle.place(occasion.source, occasion.channel);
    let admission = next.throttle.admit(place, &rules.limits, now);
    if provenance == Provenance::OneSlotLost {
        close_the_window(record, &mut next, rules.window, now.wall);
        charge(&mut next, place, occasion, rules, now);
        place = next.throttle.place(occasion.source, occasion.channel);
    }
    let finding = match admission {
        Admission::Open => find(record, &next, code, rules.window, now)?,
        Admission::Waiting { seconds } => Finding::NotJudged(Refusal::Waiting { seconds }),
        Admission::Blocked => Finding::NotJudged(Refusal::Blocked),
    };
    let outcome = match finding {
        Finding::Right(advances) => Outcome::Right(accept(record, &mut next, &advances, place, occasion, rules, now)),
        Finding::NotJudged(refusal) => Outcome::Refused(refusal),
        Finding::Wrong(refusal) => {
            // The lost slot has been charged for already: one attempt, one failure.
            if provenance == Provenance::Whole {
                charge(&mut next, place, occasion, rules, now);
            }
            Outcome::Refused(refusal)
        }
    };
    let spent_now = next.throttle.is_spent(place, &rules.limits) && !ledger.throttle.is_spent(place, &rules.limits);
    let rare = provenance == Provenance::OneSlotLost || uses_up(&outcome) || spent_now;
    let next = match (next == *ledger, rare) {
        (true, false) => Next::Unchanged,
        (false, false) => Next::OneSlot(next),
        (true | false, true) => Next::BothSlots(next),
    };
    Ok(Judgement { outcome, next })
}

/// Whether something was used up that no step or counter outdates.
fn uses_up(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Right(grounds) => match grounds.method {
            Method::BackupCode(_) | Method::Bypass => true,
            Method::Totp(_) | Method::Hotp(_) => false,
        },
        Outcome::Refused(_) => false,
    }
}

/// What was once seen to be over stays over, wherever the clock is set back to.
fn end_what_is_over(record: &Record, next: &mut Ledger, wall: UnixTime) {
    if record.bypass.as_ref().is_some_and(|bypass| bypass.until <= wall) {
        next.bypass_uses = BYPASS_OVER;
    }
    if record.waiver.as_ref().is_some_and(|waiver| waiver.until <= wall) {
        next.waiver_uses = WAIVER_OVER;
    }
}

/// A step or counter that a device moves on to, or a code that is used up.
enum Advance {
    Device(DeviceId, Progress),
    BackupCode(u8),
    Bypass,
}

enum Finding {
    Right(Vec<Advance>),
    /// Judged, and charged.
    Wrong(Refusal),
    /// Cannot have been a guess, or may not be judged now; not charged.
    NotJudged(Refusal),
}

fn find(record: &Record, ledger: &Ledger, code: &TypedCode, window: Window, now: Moment) -> Result<Finding, Fault> {
    match &*code.0 {
        typed @ (Typed::OneTime { .. } | Typed::Embedded(_)) => {
            match (find_one_time(record, ledger, typed, window, now), inherited_reading(record, typed)) {
                (of_devices @ (Finding::Wrong(_) | Finding::NotJudged(_)), Some(value)) => {
                    find_inherited(record, ledger, value, of_devices)
                }
                (of_devices, _) => Ok(of_devices),
            }
        }
        Typed::Backup(symbols) if symbols.index() == BYPASS_INDEX => find_bypass(record, ledger, symbols, now.wall),
        Typed::Backup(symbols) => find_backup(record, ledger, symbols),
    }
}

fn find_bypass(record: &Record, ledger: &Ledger, symbols: &Symbols, wall: UnixTime) -> Result<Finding, Fault> {
    let held = bypass::holds(record, symbols)?;
    let was_last = ledger.last_login.as_ref().is_some_and(|login| login.method == Method::Bypass);
    let used = ledger.bypass_uses;
    Ok(match record.bypass.as_ref().filter(|_| held) {
        None => Finding::Wrong(Refusal::Wrong),
        Some(bypass) if !bypass.is_in_time(used, wall) => Finding::NotJudged(Refusal::BypassOutOfTime),
        Some(bypass) if bypass.uses_left(used, wall) > 0 => Finding::Right(vec![Advance::Bypass]),
        Some(_) if was_last => Finding::NotJudged(Refusal::Replay),
        Some(_) => Finding::NotJudged(Refusal::UsedUpBypass),
    })
}

fn find_backup(record: &Record, ledger: &Ledger, symbols: &Symbols) -> Result<Finding, Fault> {
    let held = record.backup.holds(symbols)?;
    Ok(if held { of_held(ledger, symbols.index()) } else { Finding::Wrong(Refusal::Wrong) })
}

/// A code of the set: fresh, used just now, or used before.
fn of_held(ledger: &Ledger, index: u8) -> Finding {
    let last = ledger.last_login.as_ref().map(|login| login.method);
    match ledger.is_backup_code_used(index) {
        false => Finding::Right(vec![Advance::BackupCode(index)]),
        true if last == Some(Method::BackupCode(index)) => Finding::NotJudged(Refusal::Replay),
        true => Finding::Wrong(Refusal::UsedBackupCode),
    }
}

/// Eight digits, where the person's backup codes are such.
fn inherited_reading(record: &Record, typed: &Typed) -> Option<u32> {
    match record.backup.spelling {
        Spelling::EightDigits => typed.of_length(Digits::EIGHT),
        Spelling::Symbols => None,
    }
}

/// What no device accepts may be an inherited code. Where it is none, devices that have codes of eight digits decide; and
/// where there is no such device it was a guess at the inherited codes.
fn find_inherited(record: &Record, ledger: &Ledger, value: u32, of_devices: Finding) -> Result<Finding, Fault> {
    Ok(match (record.backup.index_of(value)?, of_devices) {
        (Some(index), _) => of_held(ledger, index),
        (None, Finding::NotJudged(Refusal::NoSuchLength)) => Finding::Wrong(Refusal::Wrong),
        (None, of_devices) => of_devices,
    })
}

fn find_one_time(record: &Record, ledger: &Ledger, typed: &Typed, window: Window, now: Moment) -> Finding {
    let look_ahead = look_ahead(record, window);
    let (mut advances, mut replay, mut past, mut comparable) = (Vec::new(), false, false, false);
    for device in &record.devices {
        let Some(value) = typed.of_length(device.digits) else { continue };
        comparable = true;
        let Some(state) = ledger.device(device.id) else { continue };
        // All candidates of all devices are computed whatever matches, so that time tells nothing.
        match matches(device, state, value, window, look_ahead, now) {
            Match::Fresh(progress) => advances.push(Advance::Device(device.id, progress)),
            Match::Replay => replay = true,
            Match::Past => past = true,
            Match::None => {}
        }
    }
    match (advances.is_empty(), comparable) {
        (false, _) => Finding::Right(advances),
        (true, false) => Finding::NotJudged(Refusal::NoSuchLength),
        (true, true) if replay => Finding::NotJudged(Refusal::Replay),
        (true, true) if past => Finding::Wrong(Refusal::Past),
        (true, true) => Finding::Wrong(Refusal::Wrong),
    }
}

/// Counters beyond the next one that each HOTP device is searched for, so that all devices stay within the budget.
fn look_ahead(record: &Record, window: Window) -> u64 {
    let is_totp = |device: &&Device| matches!(device.kind, Kind::Totp { .. });
    let totp = record.devices.iter().filter(is_totp).count();
    let hotp = record.devices.len().saturating_sub(totp);
    let for_totp = u64::try_from(totp).unwrap_or(u64::MAX).saturating_mul(steps_in(window));
    let budget = MAX_CANDIDATES.saturating_sub(for_totp);
    let each = budget.checked_div(u64::try_from(hotp).unwrap_or(u64::MAX)).unwrap_or(0);
    // Of each device's share, one candidate is the next counter and one the last accepted, to know a replay.
    each.saturating_sub(2).min(LOOK_AHEAD)
}

fn steps_in(window: Window) -> u64 {
    window.steps().saturating_mul(2).saturating_add(1)
}

enum Match {
    Fresh(Progress),
    Replay,
    Past,
    None,
}

fn matches(device: &Device, state: &DeviceState, value: u32, window: Window, look_ahead: u64, now: Moment) -> Match {
    match (device.kind, state.progress) {
        (Kind::Totp { period, offset }, Progress::Totp(last)) => {
            let Some((low, high)) = steps_around(now.wall, period, offset, window) else { return Match::None };
            let Hits { highest, exact } = search(device, low, high, value, last.step().map(|step| step.0));
            match highest {
                None => Match::None,
                // The highest, so that digits that fit two steps do not log in twice (THREATS V27).
                Some(step) => match last.advance(Step(step)) {
                    Ok(last) => Match::Fresh(Progress::Totp(last)),
                    Err(crate::ledger::NotNewer) if exact => Match::Replay,
                    Err(crate::ledger::NotNewer) => Match::Past,
                },
            }
        }
        (Kind::Hotp, Progress::Hotp { next }) => {
            let last = next.checked_sub(1);
            let high = next.saturating_add(look_ahead);
            let Hits { highest, .. } = search(device, last.unwrap_or(next), high, value, last);
            match highest {
                Some(counter) if counter >= next => Match::Fresh(Progress::Hotp { next: counter.saturating_add(1) }),
                // Below the next one, only the last accepted one is looked for.
                Some(_) => Match::Replay,
                None => Match::None,
            }
        }
        // The ledger speaks of another kind of device than the record: nothing matches.
        (Kind::Totp { .. }, Progress::Hotp { .. }) | (Kind::Hotp, Progress::Totp(_)) => Match::None,
    }
}

fn steps_around(wall: UnixTime, period: Period, offset: i32, window: Window) -> Option<(u64, u64)> {
    let present = otp::step_at(wall, period, offset)?.0;
    Some((present.saturating_sub(window.steps()), present.saturating_add(window.steps())))
}

struct Hits {
    highest: Option<u64>,
    /// Whether the code of the counter that was asked for is among the hits.
    exact: bool,
}

fn search(device: &Device, low: u64, high: u64, value: u32, asked_for: Option<u64>) -> Hits {
    let mut hits = Hits { highest: None, exact: false };
    otp::for_each(&device.secret, device.algorithm, device.digits, low..=high, &mut |counter, candidate| {
        if bool::from(candidate.ct_eq(&value)) {
            hits.highest = Some(counter);
            hits.exact |= asked_for == Some(counter);
        }
    });
    hits
}

fn accept(
    record: &Record,
    next: &mut Ledger,
    advances: &[Advance],
    place: Place,
    occasion: &Occasion,
    rules: &Rules,
    now: Moment,
) -> Grounds {
    let (mut grounds, mut digits) = ((Method::Bypass, None), None);
    for advance in advances {
        match advance {
            Advance::Device(id, progress) => {
                if let Some(state) = next.device_mut(*id) {
                    state.progress = *progress;
                    state.used_at = Some(now.wall);
                }
                let method = match progress {
                    Progress::Totp(_) => Method::Totp(*id),
                    Progress::Hotp { .. } => Method::Hotp(*id),
                };
                let device = record.devices.iter().find(|device| device.id == *id);
                digits = digits.max(device.map(|device| usize::from(device.digits.count())));
                grounds = (method, device.map(|device| device.name.to_string()));
            }
            Advance::BackupCode(index) => {
                next.use_backup_code(*index);
                digits = match record.backup.spelling {
                    Spelling::EightDigits => Some(usize::from(Digits::EIGHT.count())),
                    Spelling::Symbols => None,
                };
                grounds = (Method::BackupCode(*index), None);
            }
            Advance::Bypass => {
                next.bypass_uses = next.bypass_uses.saturating_add(1);
                grounds = (Method::Bypass, None);
            }
        }
    }
    let (method, device) = grounds;
    next.throttle.clear(place, occasion.source, &rules.limits);
    next.last_login = Some(LastLogin {
        time: now.wall,
        service: ShortText::cut(&occasion.service),
        source: ShortText::cut(&occasion.source_text),
        method,
    });
    let failures_since = std::mem::take(&mut next.failures_since);
    // What has no digits is spelled as our backup codes are.
    let code_bytes = digits.unwrap_or(PRINTED_BYTES);
    Grounds {
        method,
        device,
        code_bytes,
        backup_codes_left: backup_codes_left(record, next),
        bypass_uses_left: bypass_uses_left(record, next, now.wall),
        failures_since,
    }
}

fn charge(next: &mut Ledger, place: Place, occasion: &Occasion, rules: &Rules, now: Moment) {
    next.throttle.charge(place, &rules.limits, now);
    let since = &mut next.failures_since;
    since.count = since.count.saturating_add(1);
    since.first = since.first.or(Some(now.wall));
    since.last = Some(now.wall);
    since.last_source = ShortText::cut(&occasion.source_text);
}

/// The lost slot may have held an acceptance: from here on only what lies above everything acceptable now is accepted.
pub(crate) fn close_the_window(record: &Record, next: &mut Ledger, window: Window, wall: UnixTime) {
    let look_ahead = look_ahead(record, window);
    for state in &mut next.devices {
        let Some(device) = record.devices.iter().find(|device| device.id == state.device) else { continue };
        state.progress = match (state.progress, device.kind) {
            (Progress::Totp(last), Kind::Totp { period, offset }) => {
                let top = steps_around(wall, period, offset, window).map(|(_, high)| Step(high));
                Progress::Totp(top.and_then(|top| last.advance(top).ok()).unwrap_or(last))
            }
            (Progress::Hotp { next }, _) => Progress::Hotp { next: next.saturating_add(look_ahead).saturating_add(1) },
            (unfitting @ Progress::Totp(_), Kind::Hotp) => unfitting,
        };
    }
}

#[cfg(test)]
mod tests;
