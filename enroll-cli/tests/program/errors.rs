// SPDX-License-Identifier: MIT OR Apache-2.0
//! What every command says when something is wrong, in every situation: one sentence with what, where and what to do, no
//! secret, nothing changed. All sentences stand in errors.txt; `NIGHTLATCH_ERRORS=write cargo test --package
//! nightlatch-cli --test program errors` writes it anew, and `git diff` shows what that changes.

mod commands;
mod interrupted;
mod particular;
mod situations;
mod stage;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use crate::host::{Host, Ran};
use commands::{CASES, Case, Faults};
use situations::{SITUATIONS, Situation};
use stage::{Scene, Stage};

const PINNED: &str = include_str!("errors.txt");
/// Most of them wait for a disk at any moment.
const AT_ONCE: usize = 8;

/// What came of a command in a situation, as it stands in errors.txt.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Outcome {
    Fails {
        status: i32,
        kind: String,
        sentence: [String; 2],
    },
    Works {
        reason: &'static str,
    },
    /// What is wrong with one of many, in the result: for people the same lines stand there or are warned of.
    TellsOfSome {
        status: i32,
        said: Vec<String>,
    },
    TellsInItsResult,
}

/// With what it warns of on the way.
type Told = (Outcome, Vec<String>);
/// A command in a situation.
type Cell<'c> = (Situation, &'c Case);

#[test]
fn every_command_of_the_program_stands_in_the_table() {
    let host = Host::bare("");
    let commands = |of: &[&str]| -> Vec<String> {
        let help = host.run(&[of, &["--help"]].concat()).expect(0).stdout;
        let list = help.split_once("\nCommands:\n").map_or("", |(_, rest)| rest);
        let lines = list.lines().take_while(|line| line.starts_with("  "));
        lines.filter_map(|line| line.split_whitespace().next()).map(|word| [of, &[word]].concat().join(" ")).collect()
    };
    let mut found = Vec::new();
    for command in commands(&[]) {
        let verbs = commands(&[&command]);
        found.extend(if verbs.is_empty() { vec![command] } else { verbs });
    }
    let mut known: Vec<_> = CASES.iter().map(|case| case.command).collect();
    known.dedup();
    found.sort();
    known.sort_unstable();
    assert!(found.len() >= 19, "{found:?}");
    assert_eq!(found, known, "left: the program's commands; right: those of errors/commands.rs");
}

#[test]
fn an_option_that_it_does_not_have_leads_to_each_command_s_help() {
    let host = Host::bare("");
    for case in CASES {
        let words: Vec<_> = case.command.split(' ').chain(["--bogus", "--json"]).collect();
        let ran = host.run(&words).expect(2);
        let error = ran.json()["error"].clone();
        assert_eq!(error["kind"], "usage", "{ran:?}");
        assert_eq!(error["remedy"], format!("see 'nightlatch {} --help'", case.command));
        assert!(ran.stderr.contains("--bogus") && ran.stderr.contains("Usage: nightlatch "), "{ran:?}");
    }
}

#[test]
fn in_every_situation_every_command_says_what_is_wrong_where_and_what_to_do() {
    let stage = Stage::new();
    let cells: Vec<_> = SITUATIONS
        .iter()
        .flat_map(|(situation, _)| CASES.iter().map(|case| (*situation, case)))
        .filter(|(situation, case)| situation.concerns(case))
        .collect();
    // Whoever waits for a lock waits some seconds, all of them meanwhile.
    let (waiting, others): (Vec<Cell<'_>>, Vec<_>) = cells.into_iter().partition(|cell| cell.0 == Situation::Locked);
    let (told, next, broken) = (Mutex::new(BTreeMap::new()), AtomicUsize::new(0), AtomicUsize::new(0));
    let tell = |(situation, case): Cell<'_>| {
        // All that is wrong is told at once: what panics has its message on stderr.
        match catch_unwind(AssertUnwindSafe(|| outcome(&stage, situation, case))) {
            Ok(of_cell) => drop(told.lock().unwrap().insert((place(situation), case.name()), of_cell)),
            Err(_) => drop(broken.fetch_add(1, Ordering::Relaxed)),
        }
    };
    std::thread::scope(|scope| {
        for cell in &waiting {
            scope.spawn(|| tell(*cell));
        }
        for _ in 0..AT_ONCE {
            scope.spawn(|| {
                while let Some(cell) = others.get(next.fetch_add(1, Ordering::Relaxed)) {
                    tell(*cell);
                }
            });
        }
    });
    assert_eq!(broken.into_inner(), 0, "so many cells break a rule; each is told above");
    let text = page(&told.into_inner().unwrap()) + &particular::page(&stage);
    if std::env::var_os("NIGHTLATCH_ERRORS").is_some() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/program/errors.txt");
        std::fs::write(path, text).unwrap();
        return;
    }
    for (found, pinned) in text.lines().zip(PINNED.lines()) {
        assert_eq!(found, pinned, "errors.txt says otherwise; the head of errors.rs says how to write it anew");
    }
    assert_eq!(text.lines().count(), PINNED.lines().count(), "errors.txt has other lines at its end");
}

fn place(situation: Situation) -> usize {
    SITUATIONS.iter().position(|(known, _)| *known == situation).unwrap()
}

/// Runs it for machines and, where it fails, for people too, and holds what both are told to the rules.
fn outcome(stage: &Stage, situation: Situation, case: &Case) -> Told {
    let what = format!("{} in {situation:?}", case.name());
    let for_machines = stage.play(case, situation, &["--json"]);
    let told = told(&for_machines.ran, situation, case, &what);
    if !changes(&for_machines.ran, situation) {
        left_alone(&for_machines, situation, case, &what);
    }
    let (Outcome::Fails { sentence: [message, remedy], .. }, warnings) = &told else {
        if let (Outcome::TellsOfSome { status, said }, _) = &told {
            let for_people = stage.play(case, situation, &[]).ran;
            assert_eq!(for_people.status, *status, "{what}: {for_people:?}");
            for sentence in said {
                let told = for_people.stdout.contains(sentence) || for_people.stderr.contains(sentence);
                assert!(told, "{what}: {sentence:?}, but: {for_people:?}");
            }
        }
        return told;
    };
    let for_people = stage.play(case, situation, &[]);
    assert_eq!(for_people.ran.status, for_machines.ran.status, "{what}: {:?}", for_people.ran);
    assert!(for_people.ran.stdout.is_empty(), "{what}: {:?}", for_people.ran);
    for scene in [&for_people, &for_machines] {
        says_once(&scene.ran, &format!("nightlatch: {message}; {remedy}"), warnings, &what);
        left_alone(scene, situation, case, &what);
    }
    reads_well(message, remedy, &what);
    told
}

fn told(ran: &Ran, situation: Situation, case: &Case, what: &str) -> Told {
    // Where stdout takes nothing, stderr is all that there is.
    let object = if situation.comes_too_late() { Value::Null } else { ran.json() };
    let error = object.get("error");
    let expected = case.works_in(situation);
    let outcome = match (ran.status, error, case.faults) {
        (130.. | ..0, ..) => panic!("{what}: {ran:?}"),
        (_, None, Faults::AreResults) if !object.is_null() => Outcome::TellsInItsResult,
        (1, _, Faults::OfSome) if !of_some(&object).is_empty() => {
            let said = of_some(&object);
            for sentence in &said {
                reads_well(sentence, "", what);
            }
            Outcome::TellsOfSome { status: 1, said }
        }
        (0, Some(Value::Null), _) if situation == Situation::Nothing => Outcome::Works { reason: "" },
        (0, Some(Value::Null), _) => {
            Outcome::Works { reason: expected.unwrap_or_else(|| panic!("{what} works; why? {ran:?}")) }
        }
        (0, None, _) if situation == Situation::Nothing => Outcome::Works { reason: "" },
        (0, None, _) => Outcome::Works { reason: expected.unwrap_or_else(|| panic!("{what} works; why? {ran:?}")) },
        (_, Some(_), _) => of_error(ran, &object, what),
        (status, None, _) => {
            let line = ran.stderr.lines().last().and_then(|line| line.strip_prefix("nightlatch: "));
            let (message, remedy) = line.and_then(|line| line.split_once("; ")).expect("a sentence");
            let kind = if situation.comes_too_late() { "-".to_owned() } else { panic!("{what}: {ran:?}") };
            Outcome::Fails { status, kind, sentence: [message.to_owned(), remedy.to_owned()] }
        }
    };
    if let (Some(reason), Outcome::Fails { .. }) = (case.works_itself_in(situation), &outcome) {
        panic!("{what} fails, though it is said to work since {reason:?}: {outcome:?}");
    }
    (outcome, warnings(ran))
}

/// Every reason and every fault that a result names, as sentences.
fn of_some(object: &Value) -> Vec<String> {
    let sentence = |of: &Value| match (of["message"].as_str(), of["remedy"].as_str()) {
        (Some(message), Some(remedy)) => Some(format!("{message}; {remedy}")),
        _ => of["reason"].as_str().map(str::to_owned),
    };
    let lists = ["people", "not_enrolled", "left", "flaws", "unreadable"].into_iter();
    let all = lists.filter_map(|list| object[list].as_array()).flatten();
    let mut said = Vec::new();
    for one in all {
        said.extend(sentence(one));
        let reasons = one["reasons"].as_array().into_iter().flatten();
        said.extend(reasons.filter_map(Value::as_str).map(str::to_owned));
    }
    // For machines it is a null; for people a note.
    let keys = object["keys"].as_array().into_iter().flatten();
    let lost = keys.filter(|key| key.get("made_at").is_some_and(Value::is_null));
    said.extend(lost.map(|_| "not there: 'nightlatch key restore' puts it back from its paper".to_owned()));
    // What ended a run over many early stands beside what was done.
    said.extend(Some(&object["error"]).filter(|_| object["changed"].is_boolean()).and_then(sentence));
    said
}

/// Whether it says that something was changed, or has no word about it where nothing is changed anyway.
fn changes(ran: &Ran, situation: Situation) -> bool {
    situation.comes_too_late() || ran.json()["changed"] == true
}

fn warnings(ran: &Ran) -> Vec<String> {
    ran.stderr.lines().filter_map(|line| line.strip_prefix("nightlatch: warning: ")).map(str::to_owned).collect()
}

/// What the one object on stdout says of a failure, and nothing else.
fn of_error(ran: &Ran, object: &Value, what: &str) -> Outcome {
    let error = &object["error"];
    let text = |name: &str| error[name].as_str().unwrap_or_else(|| panic!("{what}: {name}: {ran:?}")).to_owned();
    assert_eq!(object["schema"], 1, "{what}");
    assert_eq!(object.as_object().unwrap().len(), 2, "{what}: {object}");
    assert_eq!(error.as_object().unwrap().len(), 4, "{what}: {object}");
    let (message, path) = (text("message"), error["path"].as_str());
    // What the sentence begins with is what the object names.
    assert_eq!(message.starts_with('/'), path.is_some(), "{what}: {object}");
    assert!(message.starts_with(path.unwrap_or_default()), "{what}: {object}");
    Outcome::Fails { status: ran.status, kind: text("kind"), sentence: [message, text("remedy")] }
}

fn says_once(ran: &Ran, sentence: &str, warnings: &[String], what: &str) {
    let lines: Vec<_> = ran.stderr.lines().filter(|line| !line.starts_with("nightlatch: warning: ")).collect();
    let notes = ran.stderr.lines().count() - lines.len();
    assert!(lines.last() == Some(&sentence) && notes == warnings.len(), "{what}: {sentence:?} once, but: {ran:?}");
    assert_eq!(lines.iter().filter(|line| line.starts_with("nightlatch: ")).count(), 1, "{what}: {ran:?}");
}

fn left_alone(scene: &Scene, situation: Situation, case: &Case, what: &str) {
    let names = |of: &stage::Contents| of.keys().cloned().collect::<Vec<_>>();
    let mut after = scene.after.clone();
    after.retain(|path, _| scene.before.contains_key(path) || !case.leaves.iter().any(|leaves| path.ends_with(leaves)));
    if !situation.comes_too_late() {
        assert_eq!(names(&scene.before), names(&after), "{what} left something behind, or took something");
        assert!(scene.before == after, "{what} changed something, and failed");
    }
}

/// No name of a type, no quoted debug text, no full stop; begins in lower case, with a path or a quoted name.
fn reads_well(message: &str, remedy: &str, what: &str) {
    for text in [message, remedy] {
        let begins = text.chars().next().unwrap_or('?');
        assert!(text.is_empty() || begins.is_lowercase() || ['/', '\''].contains(&begins), "{what}: {text}");
        assert!(!text.ends_with('.') && text.is_ascii(), "{what}: {text}");
        for word in ["::", "Some(", "None", "Err(", "Error", "{", "panicked", "unwrap", "src/", "  "] {
            // What is typed so.
            assert!(!text.replace("{user}", "user").contains(word), "{what}: {text}");
        }
    }
}

/// One heading for each situation, one paragraph for each sentence, and who says it.
fn page(told: &BTreeMap<(usize, String), Told>) -> String {
    let mut text =
        "What every command says when something is wrong, and who works all the same. Written by errors.rs.\n\
                    /host is the directory with config.toml, keys/ and store/; daemon has uid 1 and is enrolled.\n"
            .to_owned();
    for (nth, (_, title)) in SITUATIONS.iter().enumerate() {
        writeln!(text, "\n== {title}").unwrap();
        let mut groups: Vec<(&Told, Vec<&str>)> = Vec::new();
        for case in CASES {
            let Some((key, of_case)) = told.get_key_value(&(nth, case.name())) else { continue };
            match groups.iter_mut().find(|(known, _)| *known == of_case) {
                Some((_, names)) => names.push(&key.1),
                None => groups.push((of_case, vec![&key.1])),
            }
        }
        // A command more that does as most do changes no line.
        groups.sort_by_key(|(_, names)| std::cmp::Reverse(names.len()));
        let most = groups.first().map_or(0, |(_, names)| names.len());
        let total: usize = groups.iter().map(|(_, names)| names.len()).sum();
        for (place, ((outcome, warnings), names)) in groups.iter().enumerate() {
            let who = match (place, groups.len()) {
                (0, 1) if most > 1 => "every command".to_owned(),
                (0, _) if most * 2 > total => "all others".to_owned(),
                _ => names.join(", "),
            };
            match outcome {
                Outcome::Fails { status, kind, sentence: [message, remedy] } => {
                    writeln!(text, "{who}: {status} {kind}\n    {message};\n    {remedy}").unwrap();
                }
                Outcome::Works { reason: "" } => writeln!(text, "{who}: works").unwrap(),
                Outcome::Works { reason } => writeln!(text, "{who}: works, since {reason}").unwrap(),
                Outcome::TellsOfSome { status, said } => {
                    writeln!(text, "{who}: {status}, and in its result").unwrap();
                    for sentence in said {
                        writeln!(text, "    {sentence}").unwrap();
                    }
                }
                Outcome::TellsInItsResult => writeln!(text, "{who}: tells it in its result").unwrap(),
            }
            for warning in warnings {
                writeln!(text, "    warning: {warning}").unwrap();
            }
        }
    }
    text
}
