// SPDX-License-Identifier: MIT OR Apache-2.0
//! The completion of bash. Not clap_complete's: that knows no user names, offers options where a position is meant, and
//! takes an option before the command for the command.

use std::fmt::Write as _;

use clap::{Arg, Command, ValueHint};

use crate::manual::{commands, spoken};

const HEAD: &str = "\
# SPDX-License-Identifier: MIT OR Apache-2.0
# shellcheck shell=bash
# Written by packaging/manual from the command line.

# Whether an option of a command takes a value: $1 is the command, $2 the option.
_nightlatch_takes_a_value() {
    case $1:$2 in
";

const SETTING: &str = "            return 0
            ;;
    esac
    return 1
}

# What there is behind a command: its commands, its options, and what each position is.
_nightlatch_knows() {
    case $1 in
";

const VALUES: &str = "    esac
}

# What the value of an option is.
_nightlatch_value() {
    case $1:$2 in
";

const BODY: &str = "    esac
}

_nightlatch() {
    local current=${COMP_WORDS[COMP_CWORD]} command= option= word at=0 ended= i
    local commands= options= kinds=() values= kind=
    COMPREPLY=()
    # readline splits at =, so that --option=value comes as three words.
    [[ $current != = ]] || current=
    for ((i = 1; i < COMP_CWORD; i++)); do
        word=${COMP_WORDS[i]}
        if [[ $word == = ]]; then
            continue
        elif [[ -n $option ]]; then
            option=
        elif [[ -z $ended && $word == -- ]]; then
            ended=1
        elif [[ -z $ended && $word == -* ]]; then
            ! _nightlatch_takes_a_value \"$command\" \"$word\" || option=$word
        else
            _nightlatch_knows \"$command\"
            if [[ \" $commands \" == *\" $word \"* ]]; then
                command=${command:+$command }$word
            else
                ((at += 1))
            fi
        fi
    done
    _nightlatch_knows \"$command\"
    if [[ -n $option ]]; then
        _nightlatch_value \"$command\" \"$option\"
    elif [[ -z $ended && $current == -* ]]; then
        values=$options
    elif [[ -n $commands ]]; then
        values=$commands
    else
        kind=${kinds[at]-}
    fi
    case $kind in
        user) mapfile -t COMPREPLY < <(compgen -u -- \"$current\") ;;
        file) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -f -- \"$current\") ;;
        directory) compopt -o filenames; mapfile -t COMPREPLY < <(compgen -d -- \"$current\") ;;
        *) mapfile -t COMPREPLY < <(compgen -W \"$values\" -- \"$current\") ;;
    esac
}

complete -F _nightlatch nightlatch
";

pub(super) fn script(root: &Command) -> String {
    let all = commands(root);
    let mut text = HEAD.to_owned();
    let pairs: Vec<_> = all
        .iter()
        .flat_map(|command| valued(command).into_iter().map(|option| format!("'{}:{option}'", words(command))))
        .collect();
    let _: std::fmt::Result = writeln!(text, "        {})", pairs.join(" | \\\n            "));
    text.push_str(SETTING);
    for command in &all {
        let below: Vec<_> = command.get_subcommands().map(Command::get_name).collect();
        let kinds: Vec<_> = command.get_positionals().map(kind).collect();
        let _: std::fmt::Result = write!(
            text,
            "        '{}')\n            commands='{}'\n            options='{}'\n            kinds=({})\n            ;;\n",
            words(command),
            below.join(" "),
            options(command).join(" "),
            kinds.join(" ")
        );
    }
    text.push_str(VALUES);
    for command in &all {
        for arg in command.get_opts() {
            let possible: Vec<_> = arg.get_possible_values().iter().map(|value| value.get_name().to_owned()).collect();
            let setting = match (possible.as_slice(), kind(arg)) {
                ([], "word") => continue,
                ([], kind) => format!("kind={kind}"),
                (possible, _) => format!("values='{}'", possible.join(" ")),
            };
            for option in names(arg) {
                let _: std::fmt::Result = writeln!(text, "        '{}:{option}') {setting} ;;", words(command));
            }
        }
    }
    text.push_str(BODY);
    text
}

/// The words behind the program's name.
fn words(command: &Command) -> &str {
    spoken(command).split_once(' ').map_or("", |(_, words)| words)
}

fn kind(arg: &Arg) -> &'static str {
    let hint = arg.get_value_hint();
    let kinds = [
        (ValueHint::Username, "user"),
        (ValueHint::DirPath, "directory"),
        (ValueHint::FilePath, "file"),
        (ValueHint::AnyPath, "file"),
    ];
    kinds.into_iter().find_map(|(known, kind)| (known == hint).then_some(kind)).unwrap_or("word")
}

fn options(command: &Command) -> Vec<String> {
    command.get_arguments().filter(|arg| !arg.is_positional() && !arg.is_hide_set()).flat_map(names).collect()
}

/// The options that take a value.
pub(super) fn valued(command: &Command) -> Vec<String> {
    command.get_opts().flat_map(names).collect()
}

fn names(arg: &Arg) -> Vec<String> {
    let long = arg.get_long().map(|long| format!("--{long}"));
    long.into_iter().chain(arg.get_short().map(|short| format!("-{short}"))).collect()
}
