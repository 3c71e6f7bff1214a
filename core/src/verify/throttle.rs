// SPDX-License-Identifier: MIT OR Apache-2.0
//! How many wrong codes, from where, and what they cost: buckets per known source, one for services that take password
//! and code in one, one for everybody else (DESIGN, Throttle; NIST 800-63B-4 §3.2.2; PCI DSS 8.3.4).

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::clock::{BootId, BootTime, Moment, UnixTime};
use crate::origin::Origin;

/// Where an attempt comes from, as far as it can be trusted: IP literals only, since a name is whatever the other side's
/// name server says (THREATS V64).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Source {
    /// No PAM_RHOST: console, su, sudo.
    Local,
    /// An IPv4 address, mapped ones included.
    V4([u8; 4]),
    /// An IPv6 address by its /64: one subscriber has as many addresses as he likes below it.
    V6([u8; 8]),
    /// A host name, or an address with a zone: never known.
    Elsewhere,
}

impl Source {
    /// Reads PAM_RHOST.
    #[must_use]
    pub fn of(remote_host: Option<&str>) -> Self {
        match Origin::of(remote_host) {
            Origin::Local => Self::Local,
            Origin::Address(IpAddr::V4(address)) => Self::V4(address.octets()),
            Origin::Address(IpAddr::V6(address)) => {
                let [a, b, c, d, e, f, g, h, ..] = address.octets();
                Self::V6([a, b, c, d, e, f, g, h])
            }
            Origin::Elsewhere => Self::Elsewhere,
        }
    }
}

/// How the code was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Channel {
    /// By a prompt of its own, after the password.
    OwnPrompt,
    /// In one with the password, so that the code is judged before the password.
    WithPassword,
}

/// The numbers of the throttle. Built by the config only, which keeps their sum at one hundred or below.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// How many sources are remembered as known, 0 to 8.
    pub known_sources: u8,
    /// Failures in a row of a known source, after which it is known no longer.
    pub known_failures: u8,
    /// Failures in a row over services that take password and code in one.
    pub combined_failures: u8,
    /// Failures in a row of everybody else.
    pub other_failures: u8,
    /// Failures in a row that cost no wait.
    pub free_failures: u8,
    /// Seconds of the first wait; each further failure doubles it.
    pub first_wait: u32,
    /// From this failure in a row on, each costs the long wait.
    pub long_wait_from: u8,
    /// Seconds of the long wait.
    pub long_wait: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            known_sources: 8,
            known_failures: 5,
            combined_failures: 10,
            other_failures: 50,
            free_failures: 5,
            first_wait: 30,
            long_wait_from: 10,
            long_wait: 1800,
        }
    }
}

impl Limits {
    /// The most wrong codes that are judged before an administrator unlocks (NIST 800-63B-4 §3.2.2: one hundred).
    #[must_use]
    pub fn sum(&self) -> u32 {
        u32::from(self.known_sources)
            .saturating_mul(u32::from(self.known_failures))
            .saturating_add(u32::from(self.combined_failures))
            .saturating_add(u32::from(self.other_failures))
    }

    /// Seconds that the n-th failure in a row costs.
    fn wait_after(&self, failures: u8) -> Option<u32> {
        let costly = failures.checked_sub(self.free_failures).filter(|n| *n > 0)?;
        if failures >= self.long_wait_from {
            return Some(self.long_wait);
        }
        let doublings = u32::from(costly.saturating_sub(1)).min(31);
        Some(self.first_wait.saturating_mul(1_u32 << doublings).min(self.long_wait))
    }
}

/// A wait that was imposed, in terms of both clocks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    boot: Option<BootId>,
    since_boot: BootTime,
    wall: UnixTime,
    seconds: u32,
    renewed: bool,
}

/// What a wait says at a moment.
enum WaitState {
    Over,
    Pending(u32),
    /// After a reboot the wall clock lies before the wait's start: it tells nothing of how long that was.
    Renew,
}

impl Wait {
    fn begin(seconds: u32, now: Moment) -> Self {
        Self { boot: now.boot, since_boot: now.since_boot, wall: now.wall, seconds, renewed: false }
    }

    fn state(&self, now: Moment) -> WaitState {
        let same_boot = self.boot.is_some() && self.boot == now.boot;
        let elapsed = if same_boot {
            now.since_boot.0.saturating_sub(self.since_boot.0)
        } else {
            match now.wall.0.checked_sub(self.wall.0) {
                Some(elapsed) => elapsed,
                None if self.renewed => return WaitState::Over,
                None => return WaitState::Renew,
            }
        };
        match u64::from(self.seconds).checked_sub(elapsed).and_then(|left| u32::try_from(left).ok()) {
            None | Some(0) => WaitState::Over,
            Some(left) => WaitState::Pending(left),
        }
    }
}

/// Failures in a row, and the wait that the last one cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
struct Bucket {
    failures: u8,
    wait: Option<Wait>,
}

/// An address from which this person has logged in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct KnownSource {
    source: Source,
    failures: u8,
}

/// Whether an attempt is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// It is.
    Open,
    /// Not before so many seconds have passed.
    Waiting {
        /// Seconds left, at least 1.
        seconds: u32,
    },
    /// Not before an administrator says `unlock`.
    Blocked,
}

/// The bucket that an attempt counts in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Known(usize),
    Combined,
    Others,
}

/// One person's failures, over all services and processes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Throttle {
    /// The one used longest ago first.
    known: Vec<KnownSource>,
    combined: Bucket,
    others: Bucket,
}

impl Throttle {
    /// More known sources than any config allows are damage.
    pub(crate) fn is_in_range(&self) -> bool {
        self.known.len() <= 8
    }

    #[cfg(test)]
    pub(crate) fn with_known_sources(count: u8) -> Self {
        let known = (0..count).map(|n| KnownSource { source: Source::V4([192, 0, 2, n]), failures: 0 });
        Self { known: known.collect(), ..Self::default() }
    }

    pub(crate) fn place(&self, source: Source, channel: Channel) -> Place {
        match channel {
            Channel::WithPassword => Place::Combined,
            Channel::OwnPrompt => match self.known.iter().position(|known| known.source == source) {
                Some(index) => Place::Known(index),
                None => Place::Others,
            },
        }
    }

    /// Whether judging there can read or begin a wait, so that it matters which boot this is.
    pub(crate) fn minds_the_boot(&self, place: Place, limits: &Limits) -> bool {
        match place {
            Place::Known(_) => false,
            Place::Combined => self.combined.minds_the_boot(limits),
            Place::Others => self.others.minds_the_boot(limits),
        }
    }

    /// Whether nothing but `unlock` opens that bucket again.
    pub(crate) fn is_spent(&self, place: Place, limits: &Limits) -> bool {
        match place {
            Place::Known(_) => false,
            Place::Combined => self.combined.failures >= limits.combined_failures,
            Place::Others => self.others.failures >= limits.other_failures,
        }
    }

    /// Whether an attempt there is judged now. Renews a wait that a reboot with a wrong clock left without a measure.
    pub(crate) fn admit(&mut self, place: Place, limits: &Limits, now: Moment) -> Admission {
        match place {
            // A source with too many failures is known no longer, so whoever is known may try.
            Place::Known(_) => Admission::Open,
            Place::Combined => self.combined.admit(limits.combined_failures, now),
            Place::Others => self.others.admit(limits.other_failures, now),
        }
    }

    /// Counts one failure.
    pub(crate) fn charge(&mut self, place: Place, limits: &Limits, now: Moment) {
        match place {
            Place::Known(index) => {
                let spent = self.known.get_mut(index).is_some_and(|known| {
                    known.failures = known.failures.saturating_add(1);
                    known.failures >= limits.known_failures
                });
                if spent {
                    self.known.remove(index);
                }
            }
            Place::Combined => self.combined.charge(limits, now),
            Place::Others => self.others.charge(limits, now),
        }
    }

    /// Forgets the failures of one bucket, and remembers from where the person came.
    pub(crate) fn clear(&mut self, place: Place, source: Source, limits: &Limits) {
        match place {
            Place::Known(index) => {
                if let Some(known) = self.known.get_mut(index) {
                    known.failures = 0;
                }
            }
            Place::Combined => self.combined = Bucket::default(),
            Place::Others => self.others = Bucket::default(),
        }
        self.remember(source, limits);
    }

    fn remember(&mut self, source: Source, limits: &Limits) {
        let failures = match self.known.iter().position(|known| known.source == source) {
            Some(index) => self.known.remove(index).failures,
            None => 0,
        };
        if source != Source::Elsewhere {
            self.known.push(KnownSource { source, failures });
        }
        let surplus = self.known.len().saturating_sub(usize::from(limits.known_sources));
        self.known.drain(..surplus);
    }

    /// An administrator forgives all.
    pub(crate) fn unlock(&mut self) {
        for known in &mut self.known {
            known.failures = 0;
        }
        self.combined = Bucket::default();
        self.others = Bucket::default();
    }

    /// Failures counted at present, over all buckets.
    #[must_use]
    pub fn failures(&self) -> u32 {
        let known: u32 = self.known.iter().map(|known| u32::from(known.failures)).sum();
        known.saturating_add(u32::from(self.combined.failures)).saturating_add(u32::from(self.others.failures))
    }

    /// The worst that anybody meets at present: blocked before waiting, the longer wait before the shorter.
    #[must_use]
    pub fn standing(&self, limits: &Limits, now: Moment) -> Admission {
        let mut copy = self.clone();
        let combined = copy.admit(Place::Combined, limits, now);
        let others = copy.admit(Place::Others, limits, now);
        match (combined, others) {
            (Admission::Blocked, _) | (_, Admission::Blocked) => Admission::Blocked,
            (Admission::Waiting { seconds: a }, Admission::Waiting { seconds: b }) => {
                Admission::Waiting { seconds: a.max(b) }
            }
            (Admission::Waiting { seconds }, Admission::Open) | (Admission::Open, Admission::Waiting { seconds }) => {
                Admission::Waiting { seconds }
            }
            (Admission::Open, Admission::Open) => Admission::Open,
        }
    }
}

impl Bucket {
    fn minds_the_boot(&self, limits: &Limits) -> bool {
        self.wait.is_some() || self.failures >= limits.free_failures
    }

    fn admit(&mut self, limit: u8, now: Moment) -> Admission {
        if self.failures >= limit {
            return Admission::Blocked;
        }
        let Some(wait) = self.wait else {
            return Admission::Open;
        };
        match wait.state(now) {
            WaitState::Over => Admission::Open,
            WaitState::Pending(seconds) => Admission::Waiting { seconds },
            WaitState::Renew => {
                self.wait = Some(Wait { renewed: true, ..Wait::begin(wait.seconds, now) });
                Admission::Waiting { seconds: wait.seconds }
            }
        }
    }

    fn charge(&mut self, limits: &Limits, now: Moment) {
        self.failures = self.failures.saturating_add(1);
        self.wait = limits.wait_after(self.failures).map(|seconds| Wait::begin(seconds, now));
    }
}

#[cfg(test)]
mod tests;
