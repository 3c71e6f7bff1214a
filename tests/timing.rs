// SPDX-License-Identifier: MIT OR Apache-2.0
//! How long an answer takes tells nobody who is enrolled, waiting, blocked or there at all. Minutes long: `./test timing`.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "tests; the table is the result, and the clock is what is measured"
)]

mod scene;

use std::fs;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use scene::*;

const SAMPLES: usize = 1000;
/// libpam sleeps after a refusal, and a sleeper costs nothing.
const AT_ONCE: usize = 40;
const KINDS: [&str; 5] = ["enrolled", "not enrolled", "waiting", "blocked", "unknown"];

/// How likely a refusal of the one kind takes longer than one of the other; 0.5 tells nothing.
fn area_under_the_curve(one: &[f64], other: &[f64]) -> f64 {
    let longer: f64 = one
        .iter()
        .map(|a| {
            other
                .iter()
                .map(|b| {
                    if a > b {
                        1.0
                    } else if a < b {
                        0.0
                    } else {
                        0.5
                    }
                })
                .sum::<f64>()
        })
        .sum();
    #[allow(clippy::cast_precision_loss, reason = "a thousand")]
    let pairs = (one.len() * other.len()) as f64;
    longer / pairs
}

fn median(samples: &[f64]) -> f64 {
    let mut sorted = samples.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

/// As sshd does it after a key, with libpam's delay.
fn by_key(service: &Service, name: &str, code: &str) -> Driven {
    let key = "SSH_AUTH_INFO_0=publickey ssh-ed25519 AAAA";
    drive(&["--env", key, "--rhost", "192.0.2.7", "--reply", code, &service.name, name])
}

#[test]
fn the_time_to_a_refusal_tells_nothing_of_the_person() {
    let config = "/etc/nightlatch/timing.toml";
    fs::write(config, "[throttle]\nknown_sources = 0\nother_failures = 7\nfirst_wait = 86400\n").unwrap();
    // The shipped stack in which every name comes as far as our prompt: in the others a password stands before it.
    let shipped = fs::read_to_string("/usr/share/nightlatch/pam.d/sshd-key-code").unwrap();
    let stack = |config: &str| Service::new(&shipped.replace("require_key", &format!("require_key config={config}")));
    let service = stack(config);
    // Five wrong codes are free, so each of the enrolled is asked five times.
    let enrolled: Vec<_> = (0..SAMPLES / 5).map(|_| Person::enrolled_with("ann", &["--backup-codes", "0"])).collect();
    let not_enrolled = Person::stranger("bob");
    let (waiting, blocked) = (Person::enrolled("carl"), Person::enrolled("dora"));
    let small = "/etc/nightlatch/timing-blocked.toml";
    fs::write(small, "[throttle]\nknown_sources = 0\nother_failures = 7\nfree_failures = 10\n").unwrap();
    let fails = |person: &Person, service: &Service, times: usize| {
        for _ in 0..times {
            assert_eq!(by_key(service, &person.name, &person.wrong_code()).answer(), "PAM_AUTH_ERR");
        }
    };
    fails(&waiting, &service, 6);
    fails(&blocked, &stack(small), 7);
    let wrong: Vec<String> = enrolled.iter().map(Person::wrong_code).collect();

    let (next, taken) = (AtomicUsize::new(0), Mutex::new(vec![Vec::new(); KINDS.len()]));
    let sample = |nth: usize| {
        let (kind, round) = (nth % KINDS.len(), nth / KINDS.len());
        let someone = &enrolled[round % enrolled.len()];
        let (name, code) = match KINDS[kind] {
            "enrolled" => (someone.name.as_str(), wrong[round % enrolled.len()].as_str()),
            "not enrolled" => (not_enrolled.name.as_str(), "314159"),
            "waiting" => (waiting.name.as_str(), "314159"),
            "blocked" => (blocked.name.as_str(), "314159"),
            _ => ("nobody-of-that-name", "314159"),
        };
        let begun = Instant::now();
        let driven = by_key(&service, name, code);
        let seconds = begun.elapsed().as_secs_f64();
        assert!(driven.is_plain_refusal() && driven.prompts() == 1, "{}", driven.output);
        taken.lock().unwrap()[kind].push(seconds);
    };
    std::thread::scope(|scope| {
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let nth = next.fetch_add(1, Ordering::Relaxed)
                    && nth < SAMPLES * KINDS.len()
                {
                    sample(nth);
                }
            });
        }
    });
    assert_eq!(enrolled[0].status()["failures"], 5, "they were judged");

    let taken = taken.into_inner().unwrap();
    println!("{SAMPLES} refusals of each kind, libpam's delay included");
    for (kind, samples) in KINDS.iter().zip(&taken) {
        println!("  {kind:13} median {:.3} s", median(samples));
    }
    for (one, other) in (0..KINDS.len()).flat_map(|a| (0..a).map(move |b| (a, b))) {
        let area = area_under_the_curve(&taken[one], &taken[other]);
        println!("  {:13} against {:13} area under the ROC curve {area:.3}", KINDS[one], KINDS[other]);
        assert!((0.45..=0.55).contains(&area), "{} and {} can be told apart: {area}", KINDS[one], KINDS[other]);
    }
}
