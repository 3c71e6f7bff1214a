// SPDX-License-Identifier: MIT OR Apache-2.0
//! The completion of fish: clap_complete's, and what it leaves out: user names at their position, and no files where none
//! is asked for.

use std::fmt::Write as _;

use clap::{Command, ValueHint};
use clap_complete::aot::{Shell, generate};

use crate::manual::{commands, spoken};

const HEAD: &str = "\
# SPDX-License-Identifier: MIT OR Apache-2.0
# Written by packaging/manual from the command line.

# Only where a value is a file is one offered.
complete -c nightlatch -f

";

/// `$argv[1]` words that are no options stand before the cursor; the others are the options that take a value.
const POSITION: &str = "
function __fish_nightlatch_at
    set -l words (commandline -opc)
    set -l position 0
    set -l is_value 0
    for word in $words[2..-1]
        if test $is_value = 1
            set is_value 0
            continue
        end
        switch $word
            case '--*=*'
            case '-*'
                if contains -- $word $argv[2..-1]
                    set is_value 1
                end
            case '*'
                set position (math $position + 1)
        end
    end
    test $position = $argv[1]
end

";

pub(super) fn script(root: &Command) -> String {
    let mut bytes = Vec::new();
    generate(Shell::Fish, &mut root.clone(), "nightlatch", &mut bytes);
    let mut text = format!("{HEAD}{}{POSITION}", String::from_utf8(bytes).unwrap());
    for command in commands(root) {
        let words: Vec<_> = spoken(command).split(' ').skip(1).collect();
        for (index, position) in command.get_positionals().enumerate() {
            if position.get_value_hint() != ValueHint::Username {
                continue;
            }
            let valued: Vec<_> = super::bash::valued(command);
            let seen: String = words.iter().map(|word| format!("__fish_seen_subcommand_from {word}; and ")).collect();
            let at = words.len().saturating_add(index);
            let _: std::fmt::Result = writeln!(
                text,
                "complete -c nightlatch -n \"{seen}__fish_nightlatch_at {at} {}\" -a \"(__fish_complete_users)\"",
                valued.join(" ")
            );
        }
    }
    text
}
