// SPDX-License-Identifier: MIT OR Apache-2.0
//! `device`: the devices of somebody who is enrolled. One file per verb.

mod add;
mod list;
mod remove;
mod rename;
mod resync;

use nightlatch::store::DeviceFailure;

use crate::Outcome;
use crate::arguments::DeviceCommand;
use crate::failure::{Failure, NotSetRight};
use crate::site::Site;
use crate::terminal::Terminal;

pub(crate) fn run(command: &DeviceCommand, site: &Site, terminal: &Terminal) -> Outcome {
    match command {
        DeviceCommand::List { user } => list::run(user, site, terminal),
        DeviceCommand::Add(options) => add::run(options, site, terminal),
        DeviceCommand::Rename(options) => rename::run(options, site, terminal),
        DeviceCommand::Remove(options) => remove::run(options, site, terminal),
        DeviceCommand::Resync { user, device } => resync::run(user, device.as_deref(), site, terminal),
    }
}

/// Why somebody's device stayed as it was.
fn not_changed(failure: DeviceFailure, user: &str, device: &str) -> Failure {
    let (user, device) = (user.to_owned(), device.to_owned());
    match failure {
        DeviceFailure::Refused(cause) => Failure::Device { user, cause },
        DeviceFailure::NotResynchronised(cause) => {
            Failure::NotSetRight { user, device, cause: NotSetRight::NotResynchronised(cause) }
        }
        DeviceFailure::Fault(fault) => Failure::Store(fault),
    }
}
