// SPDX-License-Identifier: MIT OR Apache-2.0
//! `device resync`: a device that is out of step, set right by two codes of it. Nothing is locked while a person waits for
//! the second; a wrong pair is not charged, since whoever runs this can read the secret.

use nightlatch::audit::escaped;
use nightlatch::record::{DeviceName, Record};
use nightlatch::secret::TypedCode;

use crate::Outcome;
use crate::arguments::Form;
use crate::commands::device::not_changed;
use crate::commands::enroll::plan::device_name;
use crate::failure::{Failure, NotSetRight, Status};
use crate::json::{self, DeviceSetRight, SCHEMA};
use crate::site::{Site, open_record};
use crate::terminal::{Reply, Terminal};

pub(crate) fn run(user: &str, device: Option<&str>, site: &Site, terminal: &Terminal) -> Outcome {
    let account = site.account(user)?;
    let (user, uid) = (account.name().as_str(), account.uid());
    let asked_for = device.map(|text| device_name(text, "see 'nightlatch device list'")).transpose()?;
    let store = site.store()?;
    let name = chosen(open_record(&store, &account)?.record(), asked_for.as_ref(), user)?;
    let device = name.as_str();

    let first = ask(&format!("A code of '{}': ", escaped(device)), user, device, terminal)?;
    let second = ask("The code right after it: ", user, device, terminal)?;
    // Before the lock is waited for: the second code is the device's present one at this moment.
    let now = site.now()?.wall;
    let open = open_record(&store, &account)?;
    terminal.interruption().settle();
    let found =
        open.resynchronise(&name, [&first, &second], now).map_err(|failure| not_changed(failure, user, device))?;
    let offset = found.seconds_ahead();
    match terminal.form() {
        Form::Json => {
            let object = DeviceSetRight { schema: SCHEMA, changed: true, user, uid, device, offset };
            terminal.result(&json::line(&object))?;
        }
        Form::Text => {
            let text = format!("'{}' of {user} is set right: {}\n", escaped(device), found_words(offset));
            terminal.result(text.as_bytes())?;
        }
    }
    Ok(Status::Done)
}

/// The device that was named, or the only one.
fn chosen(record: &Record, asked_for: Option<&DeviceName>, user: &str) -> Result<DeviceName, Failure> {
    match (asked_for, record.devices.as_slice()) {
        (Some(name), _) => match record.device_named(name) {
            Ok(device) => Ok(device.name.clone()),
            Err(cause) => Err(Failure::Device { user: user.to_owned(), cause }),
        },
        (None, [only]) => Ok(only.name.clone()),
        (None, several) => {
            let names: Vec<_> = several.iter().map(|device| format!("'{}'", escaped(device.name.as_str()))).collect();
            Err(Failure::usage(format!("{user} has several devices"), format!("name one of {}", names.join(", "))))
        }
    }
}

fn ask(question: &str, user: &str, device: &str, terminal: &Terminal) -> Result<TypedCode, Failure> {
    match terminal.ask_hidden(question)? {
        Reply::Line(line) => TypedCode::parse(&line, None).map_err(|cause| Failure::NotSetRight {
            user: user.to_owned(),
            device: device.to_owned(),
            cause: NotSetRight::NotACode(cause),
        }),
        Reply::End => Err(Failure::usage("two codes are needed", "type them on a terminal, or put two lines on stdin")),
    }
}

fn found_words(offset: Option<i64>) -> String {
    match offset {
        Some(0) => "its clock is right; both codes are used now".to_owned(),
        Some(ahead) if ahead > 0 => format!("its clock is {ahead} s ahead; both codes are used now"),
        Some(behind) => format!("its clock is {} s behind; both codes are used now", behind.unsigned_abs()),
        None => "both codes are used now, and whatever came before them".to_owned(),
    }
}
