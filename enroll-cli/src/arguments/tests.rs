// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the command line promises: consistent, with an example for each command, and help that fits.

use super::*;

#[test]
fn the_command_line_is_consistent() {
    Arguments::command().debug_assert();
}

#[test]
fn wrong_usage_leads_to_the_help_of_the_command_that_was_meant() {
    for (line, command) in [
        ("--json device add alice --digits 9", "nightlatch device add"),
        ("--config list enroll", "nightlatch enroll"),
        ("device list", "nightlatch device list"),
        ("verify alice 314159", "nightlatch verify"),
        ("bogus", "nightlatch"),
    ] {
        assert_eq!(command_named(line.split(' ').map(OsString::from)), command);
    }
}

#[test]
fn every_command_has_an_example() {
    let has = |command: &clap::Command, name: &str| {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        help.contains("Example:") && help.contains(&format!("nightlatch {name}"))
    };
    for command in Arguments::command().get_subcommands() {
        assert!(has(command, command.get_name()), "{}", command.get_name());
        for verb in command.get_subcommands() {
            assert!(has(verb, &format!("{} {}", command.get_name(), verb.get_name())), "{}", verb.get_name());
        }
    }
}

#[test]
fn what_is_needed_most_fits_a_screen_and_no_line_of_help_is_wider_than_a_hundred_columns() {
    let (mut all, mut wrong) = (Vec::new(), Vec::new());
    for helpfulness in [Helpfulness::Screen, Helpfulness::Everything] {
        let mut root = help::with_help(Arguments::command(), helpfulness);
        root.build();
        let mut waiting = vec![root];
        while let Some(mut command) = waiting.pop() {
            let (name, text) =
                (command.get_bin_name().unwrap_or_default().to_owned(), command.render_help().to_string());
            waiting.extend(command.get_subcommands().cloned());
            wrong.extend(text.lines().filter(|line| line.chars().count() > 100).map(|line| format!("{name}: {line}")));
            // A list of commands is as long as it is.
            let most = 24_usize + command.get_subcommands().count();
            let rows = text.lines().count();
            if helpfulness == Helpfulness::Screen && rows > most {
                wrong.push(format!("{name} -h has {rows} rows: mark what is needed rarely with hide_short_help"));
            }
            all.push((name, text));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(all.iter().all(|(name, text)| text.contains("Example:") && text.contains(name.as_str())));
}

#[test]
fn help_has_every_option_and_its_short_form_those_that_are_needed_most() {
    let shown = |word: &str| {
        let words = ["nightlatch", "enroll", word].map(Into::into);
        let command = help::with_help(Arguments::command(), Helpfulness::asked_for(&words));
        command.try_get_matches_from(words).unwrap_err().to_string()
    };
    let (short, long) = (shown("-h"), shown("--help"));
    for option in ["--sheet", "--replace", "-h, --help"] {
        assert!(short.contains(option) && long.contains(option), "{option}");
    }
    for option in ["--algorithm", "--config", "--version"] {
        assert!(!short.contains(option) && long.contains(option), "{option}");
    }
}

#[test]
fn global_options_stand_before_or_after_the_command() {
    for words in [["nightlatch", "--json", "list"], ["nightlatch", "list", "--json"]] {
        assert_eq!(Arguments::try_parse_from(words).ok().map(|a| a.output().form), Some(Form::Json));
    }
}

#[test]
fn subcommands_and_options_are_not_abbreviated() {
    for words in [["nightlatch", "enrol", "alice"], ["nightlatch", "list", "--js"], ["nightlatch", "stat", "alice"]] {
        assert!(Arguments::try_parse_from(words).is_err(), "{words:?}");
    }
}

#[test]
fn numbers_outside_their_range_are_usage_errors() {
    let counter = (1_u64 << 63).to_string();
    for (option, value) in [
        ("--digits", "9"),
        ("--period", "14"),
        ("--backup-codes", "21"),
        ("--algorithm", "md5"),
        ("--counter", &counter),
    ] {
        let words = ["nightlatch", "enroll", "alice", option, value];
        assert!(Arguments::try_parse_from(words).is_err(), "{option}");
        assert!(Arguments::try_parse_from(words.iter().chain(&["--hotp"])).is_err(), "{option}");
    }
}
