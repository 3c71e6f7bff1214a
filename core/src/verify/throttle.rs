// SPDX-License-Identifier: MIT OR Apache-2.0
//! How many wrong codes, from where, and what they cost: buckets per known source, one for services that take password
//! and code in one, one for everybody else (DESIGN, Throttle; NIST 800-63B-4 §3.2.2; PCI DSS 8.3.4).

use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::clock::{BootId, BootTime, Moment, UnixTime};

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
        let Some(text) = remote_host.filter(|text| !text.is_empty()) else {
            return Self::Local;
        };
        match text.parse::<IpAddr>().map(|address| address.to_canonical()) {
            Ok(IpAddr::V4(address)) => Self::V4(address.octets()),
            Ok(IpAddr::V6(address)) => {
                let [a, b, c, d, e, f, g, h, ..] = address.octets();
                Self::V6([a, b, c, d, e, f, g, h])
            }
            Err(_) => Self::Elsewhere,
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
        if source != Source::Elsewhere && limits.known_sources > 0 {
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
#[allow(clippy::arithmetic_side_effects, reason = "small numbers in tests")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const OFFICE: Source = Source::V4([192, 0, 2, 7]);
    const HOME: Source = Source::V4([198, 51, 100, 9]);
    const BOOT: Option<BootId> = Some(BootId([1; 16]));
    const NEXT_BOOT: Option<BootId> = Some(BootId([2; 16]));

    fn at(wall: u64, since_boot: u64, boot: Option<BootId>) -> Moment {
        Moment { wall: UnixTime(wall), since_boot: BootTime(since_boot), boot }
    }

    fn fail(throttle: &mut Throttle, source: Source, now: Moment) -> Admission {
        let limits = Limits::default();
        let place = throttle.place(source, Channel::OwnPrompt);
        let admission = throttle.admit(place, &limits, now);
        if admission == Admission::Open {
            throttle.charge(place, &limits, now);
        }
        admission
    }

    fn succeed(throttle: &mut Throttle, source: Source, now: Moment) -> Admission {
        let limits = Limits::default();
        let place = throttle.place(source, Channel::OwnPrompt);
        let admission = throttle.admit(place, &limits, now);
        if admission == Admission::Open {
            throttle.clear(place, source, &limits);
        }
        admission
    }

    #[test]
    fn only_ip_literals_are_sources_that_can_be_known() {
        for (text, source) in [
            (None, Source::Local),
            (Some(""), Source::Local),
            (Some("192.0.2.7"), OFFICE),
            (Some("::ffff:192.0.2.7"), OFFICE),
            (Some("2001:db8:1:2:3:4:5:6"), Source::V6([0x20, 1, 0x0d, 0xb8, 0, 1, 0, 2])),
            (Some("2001:db8:1:2::1"), Source::V6([0x20, 1, 0x0d, 0xb8, 0, 1, 0, 2])),
            (Some("fe80::1%eth0"), Source::Elsewhere),
            (Some("10.0.0.1.evil.example"), Source::Elsewhere),
            (Some("010.0.0.1"), Source::Elsewhere),
            (Some("localhost"), Source::Elsewhere),
        ] {
            assert_eq!(Source::of(text), source, "{text:?}");
        }
    }

    #[test]
    fn five_failures_are_free_then_waits_double_and_from_the_tenth_each_costs_half_an_hour() {
        let mut throttle = Throttle::default();
        let mut clock = 0;
        let mut waits = Vec::new();
        for _ in 0..12 {
            assert_eq!(fail(&mut throttle, HOME, at(clock, clock, BOOT)), Admission::Open);
            let wait = match throttle.standing(&Limits::default(), at(clock, clock, BOOT)) {
                Admission::Waiting { seconds } => seconds,
                Admission::Open => 0,
                Admission::Blocked => panic!("blocked"),
            };
            waits.push(wait);
            clock += u64::from(wait);
        }
        assert_eq!(waits, [0, 0, 0, 0, 0, 30, 60, 120, 240, 1800, 1800, 1800]);
    }

    #[test]
    fn with_no_free_failure_the_first_one_costs_a_wait() {
        let limits = Limits { free_failures: 0, ..Limits::default() };
        let mut throttle = Throttle::default();
        throttle.charge(Place::Others, &limits, at(0, 0, BOOT));
        assert_eq!(throttle.admit(Place::Others, &limits, at(0, 0, BOOT)), Admission::Waiting { seconds: 30 });
    }

    #[test]
    fn fifty_failures_of_strangers_block_strangers_and_no_known_source() {
        let mut throttle = Throttle::default();
        let mut clock = 0;
        assert_eq!(succeed(&mut throttle, OFFICE, at(0, 0, BOOT)), Admission::Open);
        for _ in 0..50 {
            assert_eq!(fail(&mut throttle, HOME, at(clock, clock, BOOT)), Admission::Open);
            clock += 1800;
        }
        assert_eq!(fail(&mut throttle, HOME, at(clock, clock, BOOT)), Admission::Blocked);
        assert_eq!(fail(&mut throttle, Source::Elsewhere, at(clock + 1_000_000, clock, BOOT)), Admission::Blocked);
        assert_eq!(succeed(&mut throttle, OFFICE, at(clock, clock, BOOT)), Admission::Open);
        assert_eq!(fail(&mut throttle, HOME, at(clock, clock, BOOT)), Admission::Blocked);
        throttle.unlock();
        assert_eq!(fail(&mut throttle, HOME, at(clock, clock, BOOT)), Admission::Open);
        assert_eq!(throttle.failures(), 1);
    }

    #[test]
    fn a_login_from_a_known_source_gives_a_stranger_no_new_guesses() {
        let mut throttle = Throttle::default();
        succeed(&mut throttle, OFFICE, at(0, 0, BOOT));
        for _ in 0..6 {
            fail(&mut throttle, HOME, at(0, 0, BOOT));
        }
        succeed(&mut throttle, OFFICE, at(0, 0, BOOT));
        assert_eq!(throttle.failures(), 6);
        assert_eq!(fail(&mut throttle, HOME, at(0, 0, BOOT)), Admission::Waiting { seconds: 30 });
    }

    #[test]
    fn a_known_source_with_five_failures_counts_with_everybody_else() {
        let mut throttle = Throttle::default();
        succeed(&mut throttle, OFFICE, at(0, 0, BOOT));
        for _ in 0..5 {
            assert_eq!(throttle.place(OFFICE, Channel::OwnPrompt), Place::Known(0));
            assert_eq!(fail(&mut throttle, OFFICE, at(0, 0, BOOT)), Admission::Open);
        }
        assert_eq!(throttle.place(OFFICE, Channel::OwnPrompt), Place::Others);
    }

    #[test]
    fn the_source_used_longest_ago_is_forgotten_for_the_ninth() {
        let mut throttle = Throttle::default();
        for n in 0..8 {
            succeed(&mut throttle, Source::V4([10, 0, 0, n]), at(0, 0, BOOT));
        }
        succeed(&mut throttle, Source::V4([10, 0, 0, 0]), at(0, 0, BOOT));
        succeed(&mut throttle, Source::Local, at(0, 0, BOOT));
        assert_eq!(throttle.known.len(), 8);
        assert_eq!(throttle.place(Source::V4([10, 0, 0, 1]), Channel::OwnPrompt), Place::Others);
        assert!(matches!(throttle.place(Source::V4([10, 0, 0, 0]), Channel::OwnPrompt), Place::Known(_)));
        assert!(matches!(throttle.place(Source::Local, Channel::OwnPrompt), Place::Known(7)));
    }

    #[test]
    fn a_host_name_is_never_known() {
        let mut throttle = Throttle::default();
        succeed(&mut throttle, Source::Elsewhere, at(0, 0, BOOT));
        assert_eq!(throttle.place(Source::Elsewhere, Channel::OwnPrompt), Place::Others);
    }

    #[test]
    fn services_that_take_password_and_code_in_one_are_blocked_after_ten() {
        let (mut throttle, limits) = (Throttle::default(), Limits::default());
        succeed(&mut throttle, OFFICE, at(0, 0, BOOT));
        for n in 0..10 {
            let now = at(n * 1800, n * 1800, BOOT);
            let place = throttle.place(OFFICE, Channel::WithPassword);
            assert_eq!(throttle.admit(place, &limits, now), Admission::Open);
            throttle.charge(place, &limits, now);
        }
        let late = at(1_000_000, 1_000_000, BOOT);
        assert_eq!(throttle.admit(Place::Combined, &limits, late), Admission::Blocked);
        assert_eq!(fail(&mut throttle, OFFICE, late), Admission::Open);
        assert_eq!(fail(&mut throttle, HOME, late), Admission::Open);
    }

    fn a_wait_of_thirty() -> Throttle {
        let mut throttle = Throttle::default();
        for _ in 0..6 {
            fail(&mut throttle, HOME, at(1_000_000, 500, BOOT));
        }
        throttle
    }

    #[test]
    fn no_jump_of_the_wall_clock_ends_or_prolongs_a_wait() {
        for wall in [0, 999_999, 1_000_000, 2_000_000, u64::MAX] {
            let mut throttle = a_wait_of_thirty();
            assert_eq!(fail(&mut throttle, HOME, at(wall, 529, BOOT)), Admission::Waiting { seconds: 1 });
            assert_eq!(fail(&mut throttle, HOME, at(wall, 530, BOOT)), Admission::Open);
        }
    }

    #[test]
    fn after_a_reboot_the_wall_clock_decides() {
        assert_eq!(fail(&mut a_wait_of_thirty(), HOME, at(1_000_029, 3, NEXT_BOOT)), Admission::Waiting { seconds: 1 });
        assert_eq!(fail(&mut a_wait_of_thirty(), HOME, at(1_000_030, 3, NEXT_BOOT)), Admission::Open);
        assert_eq!(fail(&mut a_wait_of_thirty(), HOME, at(1_000_030, 3, None)), Admission::Open);
    }

    #[test]
    fn after_a_reboot_with_the_clock_set_back_a_wait_begins_anew_once() {
        let mut throttle = a_wait_of_thirty();
        assert_eq!(fail(&mut throttle, HOME, at(100, 3, NEXT_BOOT)), Admission::Waiting { seconds: 30 });
        assert_eq!(fail(&mut throttle, HOME, at(100, 32, NEXT_BOOT)), Admission::Waiting { seconds: 1 });
        let mut over = throttle.clone();
        assert_eq!(fail(&mut over, HOME, at(100, 33, NEXT_BOOT)), Admission::Open);
        let mut rebooted_again = throttle;
        assert_eq!(fail(&mut rebooted_again, HOME, at(50, 1, BOOT)), Admission::Open);
    }

    proptest! {
        #[test]
        fn no_more_than_a_hundred_wrong_codes_are_judged_without_a_right_one(
            known in proptest::collection::vec(0_u8..12, 0..12),
            attempts in proptest::collection::vec((0_u8..16, 0_u64..4000, any::<bool>()), 0..400),
        ) {
            let (mut throttle, limits) = (Throttle::default(), Limits::default());
            for n in known {
                succeed(&mut throttle, Source::V4([10, 0, 0, n]), at(0, 0, BOOT));
            }
            let (mut clock, mut judged) = (0, 0);
            for (from, pause, with_password) in attempts {
                clock += pause;
                let channel = if with_password { Channel::WithPassword } else { Channel::OwnPrompt };
                let place = throttle.place(Source::V4([10, 0, 0, from]), channel);
                if throttle.admit(place, &limits, at(clock, clock, BOOT)) == Admission::Open {
                    judged += 1;
                    throttle.charge(place, &limits, at(clock, clock, BOOT));
                }
            }
            prop_assert!(judged <= 100, "{judged}");
        }
    }
}
