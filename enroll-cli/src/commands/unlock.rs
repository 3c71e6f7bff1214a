// SPDX-License-Identifier: MIT OR Apache-2.0
//! `unlock`: an administrator forgives failures and ends waits.

use crate::Outcome;
use crate::arguments::Form;
use crate::failure::Status;
use crate::json::{self, Changed, SCHEMA};
use crate::site::{Site, open_record};
use crate::terminal::Terminal;

pub(crate) fn run(user: &str, site: &Site, terminal: &Terminal) -> Outcome {
    let account = site.account(user)?;
    let store = site.store()?;
    let (open, now) = (open_record(&store, &account)?, site.now()?.wall);
    terminal.interruption().settle();
    let changed = open.unlock(now)?;
    let (user, uid) = (account.name().as_str(), account.uid());
    match terminal.form() {
        Form::Json => {
            terminal.result(&json::line(&Changed { schema: SCHEMA, changed, user: Some(user), uid }))?;
        }
        Form::Text if changed => {
            terminal.result(format!("{user} is unlocked: failures and waits are cleared\n").as_bytes())?
        }
        Form::Text => terminal.result(format!("{user} had no failures: nothing to do\n").as_bytes())?,
    }
    Ok(Status::Done)
}
