// SPDX-License-Identifier: MIT OR Apache-2.0
//! One file per command. Each reads as what happens: who is meant, what is asked, what is changed, what is told.

mod backup_codes;
mod bypass;
mod device;
mod doctor;
mod enroll;
mod enroll_many;
mod import;
mod init;
mod invite;
mod key;
mod list;
mod policy;
mod rebind;
mod remove;
mod status;
mod store;
mod unlock;
mod vanished;
mod verify;
mod waive;

use crate::Outcome;
use crate::arguments::{Arguments, Command, PolicyCommand};
use crate::site::Site;
use crate::terminal::Terminal;

/// Does what the command line asks for.
#[inline(never)] // its stack is wiped by its caller
pub(crate) fn run(arguments: &Arguments, terminal: &Terminal) -> Outcome {
    // What a shell completes is often relative; core takes nothing but a path from the root.
    let named = arguments.config.as_deref().map(|path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned()));
    let named = named.as_deref();
    let site = || Site::read(named);
    match &arguments.command {
        Command::Init => init::run(named, terminal),
        Command::Enroll(options) => enroll::run(options, &site()?, terminal),
        Command::Device { command } => device::run(command, &site()?, terminal),
        Command::BackupCodes(options) => backup_codes::run(options, &site()?, terminal),
        Command::Bypass(options) => bypass::run(options, &site()?, terminal),
        Command::Waive(options) => waive::run(options, &site()?, terminal),
        Command::Invite(options) => invite::run(options, &site()?, terminal),
        Command::Verify { user } => verify::run(user, &site()?, terminal),
        Command::Status { user } => status::one(user, &site()?, terminal),
        Command::List(options) => list::run(options, &site()?, terminal),
        Command::Unlock { user } => unlock::run(user, &site()?, terminal),
        Command::Remove(options) => remove::run(options, &site()?, terminal),
        Command::Rebind(options) => rebind::run(options, &site()?, terminal),
        Command::Doctor(options) => doctor::run(options, named, terminal),
        Command::Policy { command: PolicyCommand::Explain(options) } => {
            policy::explain::run(options, &site()?, terminal)
        }
        Command::Import { command } => import::run(command, site, terminal),
        Command::Key { command } => key::run(command, &site()?, terminal),
        Command::Store { command } => store::run(command, named, terminal),
        Command::Policy { command: PolicyCommand::Check(options) } => policy::check::run(options, named, terminal),
    }
}
