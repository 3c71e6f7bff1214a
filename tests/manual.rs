// SPDX-License-Identifier: MIT OR Apache-2.0
//! The manual and the completions as they are installed: read by man, and tried by pressing Tab in each shell.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod scene;

use std::fs;
use std::path::PathBuf;

use rexpect::spawn;
use scene::*;

fn pages() -> Vec<PathBuf> {
    let sections = ["man1", "man5", "man8"].map(|section| format!("/usr/share/man/{section}"));
    let files = sections.iter().flat_map(|section| fs::read_dir(section).into_iter().flatten());
    let ours = |path: &PathBuf| path.file_name().unwrap().to_str().unwrap().contains("nightlatch");
    files.map(|entry| entry.unwrap().path()).filter(ours).collect()
}

#[test]
fn every_page_is_found_and_renders_without_a_warning() {
    in_the_bed();
    let pages = pages();
    assert!(pages.len() > 20, "{pages:?}");
    for page in pages {
        let path = page.to_str().unwrap();
        let output = run("man", &["--warnings", "-E", "UTF-8", "-l", path]);
        let complaint = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && complaint.is_empty(), "{path}: {complaint}");
        for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "FILES", "SEE ALSO"] {
            let text = String::from_utf8_lossy(&output.stdout);
            assert!(text.lines().any(|line| line == section), "{path}: {section}\n{text}");
        }
    }
    // As people ask for it.
    assert!(ok("man", &["nightlatch", "device"]).contains("nightlatch device add alice"));
    assert!(ok("man", &["nightlatch-device-add"]).contains("nightlatch device add alice"));
    assert!(ok("man", &["5", "nightlatch.toml"]).contains("known_sources"));
    assert!(ok("man", &["pam_nightlatch"]).contains("require_key"));
}

#[test]
fn bash_completes_commands_options_values_and_users() {
    in_the_bed();
    fs::write("/tmp/bashrc", ". /usr/share/bash-completion/bash_completion\nPS1='READY>'\n").unwrap();
    completes("bash --noprofile --rcfile /tmp/bashrc -i");
}

#[test]
fn zsh_completes_commands_options_values_and_users() {
    in_the_bed();
    fs::create_dir_all("/tmp/zsh").unwrap();
    // An unset option asks whether to list long lists: it is not to.
    let settings = "autoload -Uz compinit && compinit -u -D\nunsetopt list_ambiguous\nLISTMAX=9999\nPS1='READY>'\n";
    fs::write("/tmp/zsh/.zshrc", settings).unwrap();
    completes("env ZDOTDIR=/tmp/zsh TERM=dumb zsh -i");
}

/// Types a beginning, presses Tab, and has the shell print what became of the line.
fn completes(shell: &str) {
    for (typed, expected) in [
        ("nightlatch enr", "nightlatch enroll"),
        ("nightlatch enroll daem", "nightlatch enroll daemon"),
        ("nightlatch --json device ren", "nightlatch --json device rename"),
        ("nightlatch device rename daem", "nightlatch device rename daemon"),
        ("nightlatch enroll daemon --she", "nightlatch enroll daemon --sheet"),
        ("nightlatch enroll --algorithm sha51", "nightlatch enroll --algorithm sha512"),
        ("nightlatch enroll daemon --sheet /etc/pam.c", "nightlatch enroll daemon --sheet /etc/pam.conf"),
    ] {
        let mut session = spawn(shell, Some(20_000)).unwrap();
        session.exp_string("READY>").unwrap();
        session.send(&format!("{typed}\t\x01echo GOT ")).unwrap();
        session.send("\r").unwrap();
        session.flush().unwrap();
        let line = format!("\nGOT {expected}=? ?\r");
        session.exp_regex(&line).unwrap_or_else(|error| panic!("{shell}: {typed}: {error}"));
        // Else its end is waited for: an interactive shell ignores SIGTERM.
        session.send_line("exit").unwrap();
        session.exp_eof().unwrap();
    }
}

#[test]
fn fish_completes_commands_options_values_and_users() {
    in_the_bed();
    for (typed, expected) in [
        ("nightlatch enr", "enroll"),
        ("nightlatch enroll daem", "daemon"),
        ("nightlatch enroll --device phone daem", "daemon"),
        ("nightlatch device ren", "rename"),
        ("nightlatch device rename daem", "daemon"),
        ("nightlatch enroll daemon --she", "--sheet"),
        ("nightlatch enroll daemon --algorithm sha51", "sha512"),
        ("nightlatch enroll daemon --sheet /etc/pam.c", "/etc/pam.conf"),
    ] {
        let offered = ok("fish", &["-c", &format!("complete -C '{typed}'")]);
        let first = offered.lines().next().unwrap_or_default().split('\t').next().unwrap();
        assert_eq!(first, expected, "{typed}: {offered}");
    }
    // Nobody's name is asked for twice, and no file is one.
    for typed in
        ["nightlatch enroll daemon daem", "nightlatch status daemon /etc/pam", "nightlatch device rename daemon daem"]
    {
        assert_eq!(ok("fish", &["-c", &format!("complete -C '{typed}'")]), "", "{typed}");
    }
}
