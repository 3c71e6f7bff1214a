// SPDX-License-Identifier: MIT OR Apache-2.0
//! `init`: store, key and config on a new host. Run again, it changes nothing.

use std::path::Path;

use nightlatch::store::{self, Made};

use crate::Outcome;
use crate::arguments::Form;
use crate::failure::Status;
use crate::json::{self, Initialised, MadePart, SCHEMA};
use crate::site::Site;
use crate::terminal::Terminal;

pub(crate) fn run(named: Option<&Path>, terminal: &Terminal) -> Outcome {
    let (site, config_path) = Site::read_or_begin(named)?;
    terminal.interruption().settle();
    let made = store::initialise(&site.config, &config_path, &site.random)?;
    match terminal.form() {
        Form::Json => terminal.result(&json::line(&object(&made)))?,
        Form::Text => terminal.result(text(&made).as_bytes())?,
    }
    if !made.is_empty() {
        next_steps(&site, terminal);
    }
    Ok(Status::Done)
}

fn object(made: &[Made]) -> Initialised<'_> {
    let parts = made.iter().map(|made| MadePart { part: made.part.to_string(), path: made.path.to_string_lossy() });
    Initialised { schema: SCHEMA, changed: !made.is_empty(), made: parts.collect() }
}

fn text(made: &[Made]) -> String {
    if made.is_empty() {
        return "nothing to do: store, key and config are there\n".to_owned();
    }
    made.iter().map(|made| format!("made the {}: {}\n", made.part, made.path.display())).collect()
}

fn next_steps(site: &Site, terminal: &Terminal) {
    let (keys, store) = (site.config.keys().display(), site.config.store().display());
    terminal.note("next: enroll somebody ('nightlatch enroll USER') before a service asks for codes,");
    terminal.note("then protect ssh and sudo: docs/guides/ten-minutes.md, in /usr/share/doc/nightlatch, says how.");
    terminal.warn(&format!(
        "back up {keys} and {store}, and keep the two apart: records without their key are lost, \
         and whoever has both has everybody's secrets"
    ));
}
