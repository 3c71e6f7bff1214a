// SPDX-License-Identifier: MIT OR Apache-2.0
//! `device add`: one device more, shown and confirmed as a first one is.

use nightlatch::audit::escaped;
use nightlatch::enrollment::Draft;
use nightlatch::record::DeviceName;
use nightlatch::user::Account;

use crate::Outcome;
use crate::arguments::{DeviceAddArguments, Form};
use crate::commands::enroll::handout::Deed;
use crate::commands::enroll::introduction::Introduction;
use crate::commands::enroll::plan::{Plan, device_name, free_name};
use crate::failure::{Failure, Status};
use crate::json::{self, Changed, SCHEMA};
use crate::site::{Site, open_record};
use crate::terminal::Terminal;

pub(crate) fn run(options: &DeviceAddArguments, site: &Site, terminal: &Terminal) -> Outcome {
    let account = site.account(&options.user)?;
    let user = account.name().as_str();
    let store = site.store()?;
    // Before anybody types or scans anything; and closed again, since a login waits for the lock.
    let name = {
        let open = open_record(&store, &account)?;
        let name = match &options.name {
            Some(name) => device_name(name, "say --name with another name")?,
            None => free_name(&options.new, Some(open.record()))?,
        };
        if options.if_missing && open.record().device_named(&name).is_ok() {
            terminal.take_what_is_not_needed(&options.new)?;
            return unchanged(&account, &name, terminal);
        }
        let room = open.record().room_for(&name);
        room.map_err(|cause| Failure::Device { user: user.to_owned(), cause })?;
        name
    };
    let plan = Plan::new(name, &options.new, site, &account)?;
    let introduction = Introduction { account: &account, plan: &plan, options: &options.new, site, terminal };
    let secret = introduction.secret()?;
    let warnings = introduction.warnings(&secret);

    let (device, now) = (plan.device.clone(), site.now()?.wall);
    let draft = {
        let open = open_record(&store, &account)?;
        Draft::another_device(account.clone(), &open, device, secret, now, &site.random)
            .map_err(|error| introduction.no_draft(error))?
    };
    let heading = format!("'{}' for {} (uid {})", escaped(plan.device.name.as_str()), escaped(user), account.uid());
    let Some(introduced) = introduction.carry_through(draft, heading, warnings, &store)? else {
        return Err(Failure::Overtaken { user: user.to_owned() });
    };
    introduced.print(Deed::Added, &introduction)?;
    Ok(Status::Done)
}

fn unchanged(account: &Account, name: &DeviceName, terminal: &Terminal) -> Outcome {
    let (user, uid) = (account.name().as_str(), account.uid());
    match terminal.form() {
        Form::Json => {
            terminal.result(&json::line(&Changed { schema: SCHEMA, changed: false, user: Some(user), uid }))?;
        }
        Form::Text => {
            let text = format!("{user} has a device '{}' already: nothing to do\n", escaped(name.as_str()));
            terminal.result(text.as_bytes())?;
        }
    }
    Ok(Status::Done)
}
