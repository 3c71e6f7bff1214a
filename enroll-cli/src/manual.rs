// SPDX-License-Identifier: MIT OR Apache-2.0
//! The manual's pages of the program and its completions, made from the command line as it is. Compiled into the tests
//! alone: they write what packaging/man and packaging/completions ship, and hold it to the command line. Names no command.

mod bash;
mod fish;
mod page;
mod zsh;

use clap::{Arg, Command, CommandFactory as _, ValueHint};

use crate::arguments::Arguments;
use crate::arguments::help::{Helpfulness, with_help};

/// A file that is shipped: where it lies in packaging/, and what is in it.
struct Shipped {
    path: String,
    text: String,
}

fn everything() -> Vec<Shipped> {
    let root = command_line();
    let mut all: Vec<_> = commands(&root)
        .into_iter()
        .map(|command| Shipped { path: format!("man/{}.1", page::name(command)), text: page::of(command, &root) })
        .collect();
    for (path, text) in [
        ("nightlatch.bash", bash::script(&root)),
        ("_nightlatch", zsh::script(&root)),
        ("nightlatch.fish", fish::script(&root)),
    ] {
        all.push(Shipped { path: format!("completions/{path}"), text });
    }
    all
}

/// The tree, with every option, and with what each value is.
fn command_line() -> Command {
    let mut root = with_help(hinted(Arguments::command()), Helpfulness::Everything);
    root.build();
    root
}

/// A position called `user` is a user's name; FILE and DIR are what they are called.
fn hinted(command: Command) -> Command {
    let hint = |arg: Arg| {
        let named = |name: &str| arg.get_value_names().is_some_and(|names| names.iter().any(|value| value == name));
        let hint = match arg.get_id().as_str() {
            "user" if arg.is_positional() => ValueHint::Username,
            _ if named("FILE") => ValueHint::FilePath,
            _ if named("DIR") || named("DIRECTORY") => ValueHint::DirPath,
            _ => return arg,
        };
        arg.value_hint(hint)
    };
    command.mut_args(hint).mut_subcommands(hinted)
}

/// A command and all below it, the parents first.
fn commands(command: &Command) -> Vec<&Command> {
    std::iter::once(command).chain(command.get_subcommands().flat_map(commands)).collect()
}

/// `nightlatch device add`.
fn spoken(command: &Command) -> &str {
    command.get_bin_name().unwrap_or("nightlatch")
}

#[cfg(test)]
mod tests;
