// SPDX-License-Identifier: MIT OR Apache-2.0
//! The tree of commands, as `--help` shows it: tests that are about every command find one here that is new.

use std::process::{Command, Stdio};

use crate::host::BINARY;

/// Every command that does something, as it is typed: "enroll", "device add".
pub(crate) fn leaves() -> Vec<String> {
    let found = leaves_below(&[]);
    assert!(found.len() >= 18, "{found:?}");
    found
}

/// What a command's own options are called; those of the program are left out.
pub(crate) fn options(command: &str) -> Vec<String> {
    let help = help(&command.split(' ').map(str::to_owned).collect::<Vec<_>>());
    let own = help.split_once("\nOptions:\n").map(|(_, rest)| rest).unwrap_or_default();
    let own = own.split_once("\nGlobal options:\n").map_or(own, |(own, _)| own);
    let words = own.lines().filter_map(|line| line.trim_start().split([' ', ',']).find(|word| word.starts_with("--")));
    words.map(str::to_owned).collect()
}

fn leaves_below(path: &[String]) -> Vec<String> {
    let verbs = verbs(&help(path));
    if verbs.is_empty() {
        return vec![path.join(" ")];
    }
    verbs.iter().flat_map(|verb| leaves_below(&[path, std::slice::from_ref(verb)].concat())).collect()
}

fn verbs(help: &str) -> Vec<String> {
    let Some((_, commands)) = help.split_once("\nCommands:\n") else { return Vec::new() };
    let lines = commands.lines().take_while(|line| !line.is_empty());
    // What stands further in is the rest of a description.
    let verbs = lines.filter(|line| line.starts_with("  ") && !line.starts_with("   "));
    verbs.filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect()
}

fn help(path: &[String]) -> String {
    let output = Command::new(BINARY).args(path).arg("--help").stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{path:?}");
    String::from_utf8(output.stdout).unwrap()
}
