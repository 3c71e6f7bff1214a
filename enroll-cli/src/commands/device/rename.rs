// SPDX-License-Identifier: MIT OR Apache-2.0
//! `device rename`: another name for a device; nothing else of it changes.

use nightlatch::audit::escaped;

use crate::Outcome;
use crate::arguments::{DeviceRenameArguments, Form};
use crate::commands::device::not_changed;
use crate::commands::enroll::plan::device_name;
use crate::failure::{Failure, Status};
use crate::json::{self, DeviceChanged, SCHEMA};
use crate::site::{Site, open_record};
use crate::terminal::Terminal;

pub(crate) fn run(options: &DeviceRenameArguments, site: &Site, terminal: &Terminal) -> Outcome {
    let account = site.account(&options.user)?;
    let (user, uid) = (account.name().as_str(), account.uid());
    let old = device_name(&options.old, "see 'nightlatch device list'")?;
    let new = device_name(&options.new, "choose another for the new name")?;
    let store = site.store()?;
    let open = open_record(&store, &account)?;
    let present = match (open.record().device_named(&old), open.record().device_named(&new)) {
        // As it is after this command has run once.
        (Err(_), Ok(renamed)) if options.if_there && renamed.name == new => Ok(new.clone()),
        (present, _) => present.map(|device| device.name.clone()),
    };
    let present = present.map_err(|cause| Failure::Device { user: user.to_owned(), cause })?;
    let changed = present != new;
    if changed {
        let now = site.now()?.wall;
        terminal.interruption().settle();
        open.rename_device(&old, new.clone(), now).map_err(|failure| not_changed(failure, user, old.as_str()))?;
    }
    let device = new.as_str();
    match terminal.form() {
        Form::Json => terminal.result(&json::line(&DeviceChanged { schema: SCHEMA, changed, user, uid, device }))?,
        Form::Text if changed => terminal.result(
            format!("'{}' of {user} is called '{}' now\n", escaped(present.as_str()), escaped(device)).as_bytes(),
        )?,
        Form::Text => {
            terminal.result(format!("it is called '{}' already: nothing to do\n", escaped(device)).as_bytes())?
        }
    }
    Ok(Status::Done)
}
