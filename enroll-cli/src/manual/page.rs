// SPDX-License-Identifier: MIT OR Apache-2.0
//! A command's page, in man(7): what the command line knows of it, and what all have in common.

use std::fmt::Write as _;

use clap::Command;

use crate::failure::Status;
use crate::manual::{commands, spoken};

/// When the pages last changed in what they say.
const DATE: &str = "2026-11-25";

const OVERVIEW: &str = "\
A night latch is the second lock on a front door: behind the password, pam_nightlatch(8) asks for a code from an \
authenticator app, or for a backup code. This is the program with which root enrolls accounts for that, and looks after \
them.

It begins with 'nightlatch init', which makes the store, a key and a commented config, and with 'nightlatch enroll USER' \
for everybody who logs in. Only then is a service told to ask.

No code and no secret is ever an argument: they are typed, or come on standard input, a line each. They are shown once. \
Nothing that is damaged is repaired silently.";

const JSON: &str = "\
With --json a command prints one object, or one array, on standard output, and nothing else there. Every object has \
'schema', a number that grows when a field changes its meaning; fields are only ever added. What may change something \
says by 'changed' whether it did. Of what went wrong there is 'error', with 'kind', one word for programs, 'message', \
'remedy' and, where a file is concerned, 'path'; the same is on standard error in words.";

const ENVIRONMENT: &str = "\
LC_ALL, LC_CTYPE and LANG say whether a QR code can be drawn with half blocks, TERM whether the terminal has a second \
screen, from which a secret is gone afterwards. Nothing else is read from the environment.";

/// Every end that there is.
const ENDS: [Status; 9] = [
    Status::Done,
    Status::Fault,
    Status::Usage,
    Status::Refused,
    Status::NobodyThere,
    Status::AlreadyEnrolled,
    Status::FoundWarnings,
    Status::FoundErrors,
    Status::Interrupted,
];

fn meaning(status: Status) -> &'static str {
    match status {
        Status::Done => "Done, or already so.",
        Status::Fault => {
            "A fault of the host, the store or the config; something was found, for a command that looks for it."
        }
        Status::Usage => "Wrong usage.",
        Status::Refused => "A code was refused: wrong, used, or while waiting or blocked after failures.",
        Status::NobodyThere => "No such account or device, or not enrolled.",
        Status::AlreadyEnrolled => "Enrolled already, or a device of that name or secret is.",
        Status::FoundWarnings => "The doctor found warnings and no errors.",
        Status::FoundErrors => "The doctor found errors.",
        Status::Interrupted => "Interrupted, by Ctrl-C or a signal; nothing was changed, or every account is whole.",
    }
}

/// The page's name: `nightlatch-device-add`.
pub(super) fn name(command: &Command) -> String {
    spoken(command).replace(' ', "-")
}

pub(super) fn of(command: &Command, root: &Command) -> String {
    let is_root = spoken(command) == spoken(root);
    let mut page = String::new();
    let title = name(command);
    line(&mut page, ".\\\" SPDX-License-Identifier: MIT OR Apache-2.0");
    line(&mut page, ".\\\" Written by packaging/manual from the command line: change enroll-cli/src/arguments.");
    line(&mut page, &format!(".TH {} 1 {DATE} nightlatch nightlatch", title.to_uppercase()));
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    section(&mut page, "NAME");
    line(&mut page, &format!("{} \\- {}", escaped(&title), escaped(&about)));
    section(&mut page, "SYNOPSIS");
    line(&mut page, &synopsis(command));
    section(&mut page, "DESCRIPTION");
    let (notes, examples) = notes_and_examples(command);
    if is_root {
        paragraphs(&mut page, OVERVIEW);
    } else {
        let long = command.get_long_about().map(ToString::to_string).unwrap_or_default();
        let more = long.strip_prefix(&about).unwrap_or_default();
        paragraphs(&mut page, &format!("{about}.\n\n{more}\n\n{notes}"));
    }
    if command.has_subcommands() {
        section(&mut page, "COMMANDS");
        for below in command.get_subcommands() {
            line(&mut page, ".TP");
            line(&mut page, &format!("\\fB{}\\fR(1)", escaped(&name(below))));
            line(&mut page, &escaped(&below.get_about().map(ToString::to_string).unwrap_or_default()));
        }
    }
    page.push_str(&options(command));
    section(&mut page, "EXAMPLES");
    line(&mut page, ".nf");
    for example in examples.lines() {
        line(&mut page, &escaped(example.trim_start()));
    }
    line(&mut page, ".fi");
    if is_root {
        section(&mut page, "JSON");
        paragraphs(&mut page, JSON);
    }
    section(&mut page, "EXIT STATUS");
    if is_root {
        for status in ENDS {
            line(&mut page, ".TP");
            line(&mut page, &format!("\\fB{}\\fR", status.code()));
            line(&mut page, &escaped(meaning(status)));
        }
    } else {
        let codes: Vec<_> = ENDS.iter().filter(|end| **end != Status::Done).map(|end| end.code().to_string()).collect();
        let sentence = format!(
            "0 where it is done, or was so already; else one of {}, as \\fBnightlatch\\fR(1) has them.",
            codes.join(", ")
        );
        line(&mut page, &sentence);
    }
    if is_root {
        section(&mut page, "ENVIRONMENT");
        paragraphs(&mut page, ENVIRONMENT);
    }
    files(&mut page);
    section(&mut page, "SEE ALSO");
    line(&mut page, &see_also(command, root));
    page
}

/// What the command line says of options and positions, by clap_mangen.
fn options(command: &Command) -> String {
    let mut bytes = Vec::new();
    clap_mangen::Man::new(command.clone()).render_options_section(&mut bytes).unwrap();
    String::from_utf8(bytes).unwrap()
}

fn synopsis(command: &Command) -> String {
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage:").trim();
    let arguments = usage.strip_prefix(spoken(command)).unwrap_or_default();
    let mut text = format!("\\fB{}\\fR", escaped(spoken(command)));
    for word in arguments.split_whitespace() {
        let bare: String = word.chars().filter(|c| !"<>[]".contains(*c)).collect();
        let bare = format!("\\fI{}\\fR", escaped(&bare));
        text.push(' ');
        text.push_str(&if word.starts_with('[') { format!("[{bare}]") } else { bare });
    }
    text
}

/// What stands behind the options in the help: notes, then "Example:" and its lines. The root's notes are its exit
/// statuses, which the page has as a list.
fn notes_and_examples(command: &Command) -> (String, String) {
    let text = command.get_after_help().map(ToString::to_string).unwrap_or_default();
    let (notes, examples) = text.split_once("Example:").unwrap_or((&text, ""));
    (notes.trim().to_owned(), examples.trim_start_matches('\n').to_owned())
}

fn files(page: &mut String) {
    section(page, "FILES");
    for (path, what) in [
        ("/etc/nightlatch/config.toml", "What holds on this host: \\fBnightlatch.toml\\fR(5)."),
        ("/etc/nightlatch/keys/", "The keys that seal the records. Back them up, apart from the records."),
        ("/var/lib/nightlatch/", "The records, a file for each person."),
    ] {
        line(page, ".TP");
        line(page, &format!("\\fI{}\\fR", escaped(path)));
        line(page, what);
    }
}

/// The commands above and below, and what else the manual has.
fn see_also(command: &Command, root: &Command) -> String {
    let own = name(command);
    let near = |other: &&Command| {
        let other = name(other);
        let parent = |name: &str| name.rsplit_once('-').map(|(parent, _)| parent.to_owned());
        other != own && (own.starts_with(&format!("{other}-")) || parent(&other).as_deref() == Some(own.as_str()))
    };
    let mut pages: Vec<_> =
        commands(root).into_iter().filter(near).map(|other| format!("{}(1)", name(other))).collect();
    pages.sort();
    pages.extend(["nightlatch.toml(5)", "pam_nightlatch(8)"].map(str::to_owned));
    let bold = |page: &String| {
        let (name, number) = page.split_once('(').unwrap_or((page, ""));
        format!("\\fB{}\\fR({number}", escaped(name))
    };
    pages.iter().map(bold).collect::<Vec<_>>().join(",\n")
}

fn section(page: &mut String, title: &str) {
    line(page, &format!(".SH {title}"));
}

fn paragraphs(page: &mut String, text: &str) {
    let all = text.split("\n\n").map(|paragraph| paragraph.trim().trim_start_matches(".\n"));
    for (index, paragraph) in all.filter(|paragraph| !paragraph.is_empty() && *paragraph != ".").enumerate() {
        if index > 0 {
            line(page, ".PP");
        }
        line(page, &escaped(&paragraph.replace('\n', " ")));
    }
}

fn line(page: &mut String, text: &str) {
    let _: std::fmt::Result = writeln!(page, "{text}");
}

/// Text and nothing else to troff: no escapes, no requests, dashes that can be pasted.
fn escaped(text: &str) -> String {
    let mut safe = String::new();
    if text.starts_with(['.', '\'']) {
        safe.push_str("\\&");
    }
    for character in text.chars() {
        match character {
            '\\' => safe.push_str("\\e"),
            '-' => safe.push_str("\\-"),
            '\'' => safe.push_str("\\(aq"),
            '^' => safe.push_str("\\(ha"),
            '~' => safe.push_str("\\(ti"),
            '`' => safe.push_str("\\(ga"),
            other => safe.push(other),
        }
    }
    safe
}
