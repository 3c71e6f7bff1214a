// SPDX-License-Identifier: MIT OR Apache-2.0
//! `key list`: which master keys there are, and what each is for.

use nightlatch::audit::escaped;
use nightlatch::error::Fault;
use nightlatch::store::{self, KeyStanding};

use crate::Outcome;
use crate::arguments::Form;
use crate::columns;
use crate::failure::Status;
use crate::failure::words::sentence_of;
use crate::json::{self, Found, KeyState, Keys, SCHEMA};
use crate::site::Site;
use crate::terminal::Terminal;

pub(crate) fn run(site: &Site, terminal: &Terminal) -> Outcome {
    let (keys, silent) = store::standings(&site.config, &site.random)?;
    match terminal.form() {
        Form::Json => terminal.result(&json::line(&object(&keys, &silent)))?,
        Form::Text => terminal.result(text(&keys).as_bytes())?,
    }
    for fault in &silent {
        terminal.warn(&escaped(&sentence_of(fault)));
    }
    let all_there = keys.iter().all(|key| key.made_at.is_some());
    Ok(if all_there && silent.is_empty() { Status::Done } else { Status::Fault })
}

fn object<'a>(keys: &[KeyStanding], silent: &'a [Fault]) -> Keys<'a> {
    let states = keys.iter().map(|key| KeyState {
        id: key.id.to_string(),
        made_at: key.made_at.map(|time| time.to_string()),
        for_new_records: key.is_for_new_records,
        records: key.records,
        invitations: key.invitations,
    });
    Keys { schema: SCHEMA, keys: states.collect(), unreadable: silent.iter().map(Found::of).collect() }
}

fn text(keys: &[KeyStanding]) -> String {
    let rows: Vec<_> = keys.iter().map(row).collect();
    columns::table(["KEY", "MADE", "RECORDS", "INVITATIONS", "NOTE"], &rows)
}

fn row(key: &KeyStanding) -> [String; 5] {
    let note = match (key.made_at, key.is_for_new_records, key.records, key.invitations) {
        (None, ..) => "not there: 'nightlatch key restore' puts it back from its paper",
        (Some(_), true, ..) => "for new records",
        (Some(_), false, 0, 0) => "nothing needs it but backups",
        (Some(_), false, ..) => "'nightlatch key rotate' goes on with what is left",
    };
    let made_at = key.made_at.map_or_else(|| "-".to_owned(), |time| time.to_the_minute());
    [key.id.to_string(), made_at, key.records.to_string(), key.invitations.to_string(), note.to_owned()]
}
