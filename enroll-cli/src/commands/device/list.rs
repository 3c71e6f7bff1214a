// SPDX-License-Identifier: MIT OR Apache-2.0
//! `device list`: what `status` shows of somebody's devices, as a table.

use nightlatch::audit::escaped;

use crate::Outcome;
use crate::arguments::Form;
use crate::columns;
use crate::commands::status::devices_of;
use crate::failure::Status;
use crate::json::{self, DeviceStatus, Devices, SCHEMA};
use crate::site::{Site, open_record};
use crate::terminal::Terminal;

const HEADINGS: [&str; 8] = ["NAME", "KIND", "ALGORITHM", "DIGITS", "PERIOD", "OFFSET", "ADDED", "LAST USED"];

pub(crate) fn run(user: &str, site: &Site, terminal: &Terminal) -> Outcome {
    let account = site.account(user)?;
    let store = site.store()?;
    let devices = devices_of(&open_record(&store, &account)?);
    let (user, uid) = (account.name().as_str(), account.uid());
    match terminal.form() {
        Form::Json => terminal.result(&json::line(&Devices { schema: SCHEMA, user, uid, devices }))?,
        Form::Text => {
            let rows: Vec<_> = devices.iter().map(row).collect();
            terminal.result(columns::table(HEADINGS, &rows).as_bytes())?;
        }
    }
    Ok(Status::Done)
}

fn row(device: &DeviceStatus) -> [String; 8] {
    let nothing = || "-".to_owned();
    [
        escaped(&device.name),
        device.kind.to_owned(),
        device.algorithm.to_owned(),
        device.digits.to_string(),
        device.period.map_or_else(nothing, |period| format!("{period} s")),
        device.offset.filter(|offset| *offset != 0).map_or_else(nothing, |offset| format!("{offset:+} s")),
        device.added_at.clone(),
        device.last_used.clone().unwrap_or_else(|| "never".to_owned()),
    ]
}
