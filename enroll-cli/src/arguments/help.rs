// SPDX-License-Identifier: MIT OR Apache-2.0
//! Help in two lengths: `-h` fits a screen, `--help` has every option. Both with one line an option; clap's own long form
//! takes three.

use std::ffi::{OsStr, OsString};

use clap::{Arg, ArgAction, Command};

/// How much of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Helpfulness {
    /// `-h`: without what is marked `hide_short_help`.
    Screen,
    /// `--help`.
    Everything,
}

impl Helpfulness {
    pub(super) fn asked_for(words: &[OsString]) -> Self {
        let mut before_the_end = words.iter().take_while(|word| *word != "--");
        if before_the_end.any(|word| word == OsStr::new("--help")) { Self::Everything } else { Self::Screen }
    }
}

/// The whole tree with these two words of help.
pub(crate) fn with_help(command: Command, helpfulness: Helpfulness) -> Command {
    let words = match helpfulness {
        Helpfulness::Screen => "Print help: -h what is needed most, --help everything",
        Helpfulness::Everything => "Print help",
    };
    let help = Arg::new("help").short('h').long("help").action(ArgAction::HelpShort).help(words);
    let version = Arg::new("version").short('V').long("version").action(ArgAction::Version).help("Print version");
    let command =
        command.disable_help_flag(true).arg(help).disable_version_flag(true).arg(version.hide_short_help(true));
    let command = command.mut_args(|arg| match helpfulness {
        Helpfulness::Screen => arg,
        Helpfulness::Everything => arg.hide_short_help(false),
    });
    command.mut_subcommands(|below| with_help(below, helpfulness))
}
