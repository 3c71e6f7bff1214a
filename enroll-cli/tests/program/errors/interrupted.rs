// SPDX-License-Identifier: MIT OR Apache-2.0
//! Ctrl-C, and the signals of a machine that goes down, while a person is asked.

use super::commands::{CASES, Case};
use super::situations::Situation;
use super::stage::{Stage, contents, named};
use crate::window::Window;

#[test]
fn interrupted_while_it_asks_every_command_changes_nothing_and_puts_the_terminal_back() {
    let stage = Stage::new();
    let asking: Vec<_> = CASES.iter().filter_map(|case| case.asks.map(|asks| (case, asks))).collect();
    assert!(asking.len() >= 7);
    std::thread::scope(|scope| {
        for (case, asks) in &asking {
            let stage = &stage;
            scope.spawn(move || {
                for signal in [None, Some("-INT"), Some("-TERM"), Some("-HUP")] {
                    is_interrupted(stage, case, *asks, signal);
                }
            });
        }
    });
}

fn is_interrupted(stage: &Stage, case: &Case, (words, question): (&str, &str), signal: Option<&str>) {
    let what = format!("{} by {}", case.name(), signal.unwrap_or("Ctrl-C"));
    let host = stage.copy(case);
    let before = contents(&host.path(""));
    let words = named(case.command, words, Situation::Nothing.user(case), &host);
    let mut window = Window::open(&host, 60, 100, &words.iter().map(String::as_str).collect::<Vec<_>>());
    window.wait_for(question);
    match signal {
        Some(name) => window.signal(name),
        None => window.press(3),
    }
    assert_eq!(window.end(), 130, "{what}");
    let left = window.all_that_is_left();
    assert!(left.contains("nightlatch: interrupted; nothing was changed; run it again"), "{what}: {left}");
    let [fresh, now] = window.settings();
    assert_eq!(fresh, now, "{what}: the terminal is not as it was");
    assert!(!window.look(vt100::Screen::alternate_screen), "{what}: the alternate screen is left on");
    assert!(contents(&host.path("")) == before, "{what}: something was changed");
    stage.keeps_secrets(&left);
}
