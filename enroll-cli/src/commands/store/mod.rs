// SPDX-License-Identifier: MIT OR Apache-2.0
//! `store`: what is enrolled, as one file, and back again. One file per verb.

mod backup;
mod passphrase;
mod people;
mod restore;

use std::path::Path;

use crate::Outcome;
use crate::arguments::StoreCommand;
use crate::site::Site;
use crate::terminal::Terminal;

pub(crate) fn run(command: &StoreCommand, named: Option<&Path>, terminal: &Terminal) -> Outcome {
    match command {
        StoreCommand::Backup(options) => backup::run(options, &Site::read(named)?, terminal),
        StoreCommand::Restore(options) => restore::run(options, named, terminal),
    }
}
