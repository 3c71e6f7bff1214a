// SPDX-License-Identifier: MIT OR Apache-2.0
//! Failures in a row from many places: who waits, for how long, and who is never locked out by whom.
#![allow(clippy::arithmetic_side_effects, reason = "small numbers in tests")]

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
fn with_no_source_to_be_known_none_is() {
    let limits = Limits { known_sources: 0, ..Limits::default() };
    let mut throttle = Throttle::default();
    throttle.clear(Place::Others, OFFICE, &limits);
    assert_eq!(throttle.place(OFFICE, Channel::OwnPrompt), Place::Others);
}

/// Both slots are written then: no single rotten block opens it again.
#[test]
fn a_bucket_is_spent_with_its_last_failure_and_not_before() {
    let limits = Limits::default();
    for (place, most) in [(Place::Combined, limits.combined_failures), (Place::Others, limits.other_failures)] {
        let mut throttle = Throttle::default();
        for failures in 1..=most {
            throttle.charge(place, &limits, at(1_800_000_000, 1000, BOOT));
            assert_eq!(throttle.is_spent(place, &limits), failures == most, "{place:?} {failures}");
        }
        let other = if place == Place::Others { Place::Combined } else { Place::Others };
        assert!(!throttle.is_spent(other, &limits));
    }
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
