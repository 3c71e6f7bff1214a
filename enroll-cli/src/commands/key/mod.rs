// SPDX-License-Identifier: MIT OR Apache-2.0
//! `key`: the master keys that everything is sealed under. One file per verb.

mod backup;
mod list;
mod restore;
mod rotate;

use crate::Outcome;
use crate::arguments::KeyCommand;
use crate::site::Site;
use crate::terminal::Terminal;

pub(crate) fn run(command: &KeyCommand, site: &Site, terminal: &Terminal) -> Outcome {
    match command {
        KeyCommand::List => list::run(site, terminal),
        KeyCommand::Rotate(options) => rotate::run(options, site, terminal),
        KeyCommand::Backup(options) => backup::run(options, site, terminal),
        KeyCommand::Restore(options) => restore::run(options, site, terminal),
    }
}

/// `1 record`, `2 records`.
fn counted(number: u64, one: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{number} {one}s") }
}
