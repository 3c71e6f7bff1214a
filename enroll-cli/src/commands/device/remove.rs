// SPDX-License-Identifier: MIT OR Apache-2.0
//! `device remove`: one device fewer. The last one is not removed here: a person with none could not log in.

use nightlatch::audit::escaped;
use nightlatch::record::{DeviceError, DeviceName};
use nightlatch::store::Store;
use nightlatch::user::Account;

use crate::Outcome;
use crate::arguments::{DeviceRemoveArguments, Form};
use crate::commands::device::not_changed;
use crate::commands::enroll::plan::device_name;
use crate::failure::{Failure, Status};
use crate::json::{self, DeviceChanged, SCHEMA};
use crate::site::{Site, open_record};
use crate::terminal::Terminal;

pub(crate) fn run(options: &DeviceRemoveArguments, site: &Site, terminal: &Terminal) -> Outcome {
    let account = site.account(&options.user)?;
    let (user, uid) = (account.name().as_str(), account.uid());
    let asked_for = device_name(&options.device, "see 'nightlatch device list'")?;
    let store = site.store()?;
    // Looked at before anybody is asked, and closed again: a login waits for the lock.
    let name = match chosen(&store, &account, &asked_for) {
        Err(Failure::NotEnrolled { .. } | Failure::Device { cause: DeviceError::Unknown { .. }, .. })
            if options.if_there =>
        {
            return unchanged(&account, &asked_for, terminal);
        }
        chosen => chosen?,
    };
    let device = name.as_str();
    if !options.yes {
        terminal.ask_agreement(&format!("Remove the device '{}' of {user}?", escaped(device)))?;
    }
    let (open, now) = (open_record(&store, &account)?, site.now()?.wall);
    terminal.interruption().settle();
    open.remove_device(&name, now).map_err(|failure| not_changed(failure, user, device))?;
    match terminal.form() {
        Form::Json => {
            terminal.result(&json::line(&DeviceChanged { schema: SCHEMA, changed: true, user, uid, device }))?;
        }
        Form::Text => terminal.result(format!("'{}' of {user} is removed\n", escaped(device)).as_bytes())?,
    }
    Ok(Status::Done)
}

fn chosen<'s>(store: &'s Store<'s>, account: &Account, asked_for: &DeviceName) -> Result<DeviceName, Failure> {
    let open = open_record(store, account)?;
    let refused = |cause| Failure::Device { user: account.name().as_str().to_owned(), cause };
    let name = open.record().device_named(asked_for).map_err(refused)?.name.clone();
    if open.record().devices.len() == 1 { Err(refused(DeviceError::Last { name })) } else { Ok(name) }
}

fn unchanged(account: &Account, asked_for: &DeviceName, terminal: &Terminal) -> Outcome {
    let (user, uid, device) = (account.name().as_str(), account.uid(), asked_for.as_str());
    match terminal.form() {
        Form::Json => {
            terminal.result(&json::line(&DeviceChanged { schema: SCHEMA, changed: false, user, uid, device }))?;
        }
        Form::Text => {
            terminal.result(format!("{user} has no device '{}': nothing to do\n", escaped(device)).as_bytes())?;
        }
    }
    Ok(Status::Done)
}
