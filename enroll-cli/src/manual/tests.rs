// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is shipped is what the command line says, and the pages written by hand say what code and config know.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use nightlatch::config::{COMMENTED_DEFAULT, Config};

use super::*;

fn packaging() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../packaging")
}

#[test]
#[ignore = "writes the files anew: packaging/manual"]
fn the_files_are_written_anew() {
    for directory in ["man", "completions"] {
        std::fs::create_dir_all(packaging().join(directory)).unwrap();
    }
    for entry in std::fs::read_dir(packaging().join("man")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|ending| ending == "1") {
            std::fs::remove_file(path).unwrap();
        }
    }
    for Shipped { path, text } in everything() {
        std::fs::write(packaging().join(path), text).unwrap();
    }
}

#[test]
fn what_is_shipped_is_what_the_command_line_says() {
    let mut wrong = Vec::new();
    for Shipped { path, text } in everything() {
        if std::fs::read_to_string(packaging().join(&path)).ok().as_deref() != Some(&text) {
            wrong.push(path);
        }
    }
    assert!(wrong.is_empty(), "run packaging/manual and commit what it writes: {wrong:?}");
    let of_commands: BTreeSet<_> = everything().into_iter().map(|shipped| shipped.path).collect();
    for entry in std::fs::read_dir(packaging().join("man")).unwrap() {
        let name = format!("man/{}", entry.unwrap().file_name().to_str().unwrap());
        assert!(!name.ends_with(".1") || of_commands.contains(&name), "{name}: a page without a command");
    }
}

#[test]
fn every_command_has_a_page_with_every_section() {
    let root = command_line();
    for command in commands(&root) {
        let page = page::of(command, &root);
        for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "EXAMPLES", "EXIT STATUS", "FILES", "SEE ALSO"] {
            assert!(page.contains(&format!("\n.SH {section}\n")), "{}: {section}", spoken(command));
        }
        for option in command.get_opts().filter_map(Arg::get_long) {
            assert!(
                page.contains(&format!("\\fB\\-\\-{}\\fR", option.replace('-', "\\-"))),
                "{}: {option}",
                spoken(command)
            );
        }
    }
}

/// Ends are told in the manual and, in short, by `nightlatch --help`: both know the same.
#[test]
fn every_exit_status_is_in_the_manual_and_in_the_help() {
    let root = command_line();
    let page = page::of(&root, &root);
    let help = root.get_after_help().unwrap().to_string();
    let (statuses, _) = help.split_once("\n\n").unwrap();
    let statuses = statuses.replace('\n', " ");
    let in_help: BTreeSet<_> = statuses
        .trim_start_matches("Exit status:")
        .split(';')
        .map(|part| part.trim().split(' ').next().unwrap())
        .collect();
    let (_, section) = page.split_once(".SH EXIT STATUS\n").unwrap();
    let (section, _) = section.split_once("\n.SH ").unwrap();
    let in_manual: BTreeSet<_> = section
        .lines()
        .filter_map(|line| line.strip_prefix("\\fB"))
        .filter_map(|line| line.strip_suffix("\\fR"))
        .collect();
    assert_eq!(in_help, in_manual);
}

/// What stands under a heading of a page that is written by hand.
fn under<'p>(page: &'p str, heading: &str) -> &'p str {
    let (_, text) = page.split_once(&format!("\n{heading}\n")).unwrap_or_else(|| panic!("no {heading}"));
    &text[..text.find("\n.S").unwrap_or(text.len())]
}

/// Its words in bold behind .TP.
fn described(page: &str, heading: &str) -> BTreeSet<String> {
    let paragraphs = under(page, heading).split(".TP\n").skip(1);
    paragraphs.filter_map(|text| text.lines().next()?.strip_prefix(".B ")).map(str::to_owned).collect()
}

/// The settings of a table, as the parser names them when it meets another.
fn known(table: &str) -> BTreeSet<String> {
    let text = if table.is_empty() { "nonsense = 1".to_owned() } else { format!("{table}\nnonsense = 1") };
    let errors = Config::parse_whole(text.as_bytes(), Path::new("/c")).unwrap_err();
    let all: Vec<_> = std::iter::once(&errors.first).chain(&errors.further).map(ToString::to_string).collect();
    let error = all.iter().find(|error| error.contains("`nonsense`")).unwrap_or_else(|| panic!("{all:?}"));
    let (_, names) = error.split_once("known here are ").unwrap_or_else(|| panic!("{error}"));
    names.split(", ").map(|name| name.split(['`', ';', ' ']).next().unwrap().to_owned()).collect()
}

#[test]
fn every_setting_is_in_the_manual_and_in_the_default_config_with_its_default() {
    let page = std::fs::read_to_string(packaging().join("man/nightlatch.toml.5")).unwrap();
    let tables = ["[totp]", "[throttle]", "[default]", "[enroll]", "[service.name]", "[[rule]]"];
    let of_tables = ["totp", "throttle", "default", "enroll", "service", "rule"];
    assert_eq!(described(&page, ".SS At the top"), &known("") - &of_tables.map(str::to_owned).into());
    for table in tables {
        assert_eq!(described(&page, &format!(".SS {table}")), known(table), "{table}");
    }
    let mut heading = "At the top";
    for line in COMMENTED_DEFAULT.lines() {
        if line.starts_with('[') {
            heading = line;
        }
        // With "#= " stands a default.
        let Some((name, value)) = line.strip_prefix("#= ").and_then(|setting| setting.split_once(" = ")) else {
            continue;
        };
        let text = under(&page, &format!(".SS {heading}"));
        let (_, paragraph) = text.split_once(&format!(".B {name}\n")).unwrap_or_else(|| panic!("{heading}: {name}"));
        let paragraph = paragraph.split("\n.TP").next().unwrap();
        let (_, default) = paragraph.split_once("Default: ").unwrap_or_else(|| panic!("{heading}: {name}"));
        let default = default.replace("\\(dq", "").trim_end_matches(['.', '\n', ' ']).to_owned();
        assert_eq!(default, value.trim_matches('"').trim_end(), "{heading}: {name}");
    }
}

#[test]
fn every_setting_is_in_the_config_that_init_writes() {
    for table in ["", "[totp]", "[throttle]", "[default]", "[enroll]"] {
        for name in known(table) {
            let shown = COMMENTED_DEFAULT.lines().any(|line| {
                let line = line.trim_start_matches("#= ").trim_start_matches("# ");
                line.starts_with(&format!("{name} = "))
                    || line.starts_with(&format!("[{name}"))
                    || line.starts_with(&format!("[[{name}"))
            });
            assert!(shown, "{table} {name}");
        }
    }
}

#[test]
fn completions_know_user_names_files_and_what_values_there_are() {
    let root = command_line();
    let users = commands(&root)
        .into_iter()
        .filter(|command| command.get_positionals().any(|position| position.get_value_hint() == ValueHint::Username));
    let (bash, zsh, fish) = (bash::script(&root), zsh::script(&root), fish::script(&root));
    let mut count = 0;
    for command in users {
        let words = spoken(command).trim_start_matches("nightlatch ");
        let (_, entry) = bash.split_once(&format!("'{words}')\n")).unwrap_or_else(|| panic!("{words}"));
        assert!(entry.split(";;").next().unwrap().contains("kinds=(user"), "{words}");
        count += 1;
    }
    assert!(count > 10, "{count}");
    assert_eq!(zsh.matches(":_users' \\").count(), count);
    assert_eq!(fish.matches("(__fish_complete_users)").count(), count);
    for script in [bash, zsh, fish] {
        assert!(script.contains("sha256") && script.contains("--qr-png") || script.contains("qr-png"), "{script}");
    }
}
