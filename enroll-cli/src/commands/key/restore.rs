// SPDX-License-Identifier: MIT OR Apache-2.0
//! `key restore`: a master key from its paper, typed line by line, or from a text or a QR code. The key's id is part of
//! it, so that nothing but the very key comes into its place.

use std::path::Path;

use nightlatch::error::{Fault, Part};
use nightlatch::keypaper::{self, KeyLines, LINES, NotAKey};
use nightlatch::secret::MasterKey;
use nightlatch::store;
use zeroize::Zeroizing;

use crate::Outcome;
use crate::arguments::{Form, KeyRestoreArguments};
use crate::failure::{Failure, Status};
use crate::json::{self, KeyChanges, SCHEMA};
use crate::new_file::failure_of;
use crate::site::Site;
use crate::terminal::{Reply, Terminal, read_line};

/// More than any paper: a buffer that grows leaves its beginning behind in freed memory.
const ROOM: usize = 256 * 1024;

pub(crate) fn run(options: &KeyRestoreArguments, site: &Site, terminal: &Terminal) -> Outcome {
    let keys = match options.from.as_deref() {
        None if terminal.has_person() => vec![typed(terminal)?],
        None => keypaper::read_text(&from_stdin()?).map_err(Failure::Paper)?,
        Some(path) if path == Path::new("-") => keypaper::read_text(&from_stdin()?).map_err(Failure::Paper)?,
        Some(path) => keypaper::read_text(&from_file(path)?).map_err(Failure::Paper)?,
    };
    terminal.interruption().settle();
    let (mut changed, mut text, mut ids) = (false, String::new(), Vec::new());
    for key in &keys {
        let id = key.id().map(|id| id.to_string()).unwrap_or_default();
        let path = site.config.keys().join(&id);
        if put(key, site)? {
            changed = true;
            text.push_str(&format!("put the master key in place: {}\n", path.display()));
        } else {
            text.push_str(&format!("nothing to do: {} is there\n", path.display()));
        }
        ids.push(id);
    }
    match terminal.form() {
        Form::Json => terminal.result(&json::line(&KeyChanges { schema: SCHEMA, changed, keys: ids }))?,
        Form::Text => terminal.result(text.as_bytes())?,
    }
    Ok(Status::Done)
}

fn put(key: &MasterKey, site: &Site) -> Result<bool, Failure> {
    store::restore_key(&site.config, key).map_err(|fault| {
        // "Put it back" is what is being done.
        if let Fault::Damaged { path, part: Part::Key } = fault {
            Failure::KeyInTheWay { path }
        } else {
            Failure::Store(fault)
        }
    })
}

/// Line by line, each again until it is right.
fn typed(terminal: &Terminal) -> Result<MasterKey, Failure> {
    terminal.note("Type the lines of the key as they stand on the paper. What you type is not shown.");
    let mut lines = KeyLines::default();
    while let Some(number) = lines.missing() {
        let Reply::Line(line) = terminal.ask_hidden(&format!("Line {number} of {LINES}: "))? else {
            return Err(Failure::Paper(NotAKey::Missing(number)));
        };
        if let Err(cause) = lines.take_line(number, std::str::from_utf8(&line).unwrap_or("?")) {
            terminal.show(format!("Line {number}: {cause}. Once more.\n").as_bytes());
        }
    }
    lines.into_key().map_err(Failure::Paper)
}

fn from_stdin() -> Result<Zeroizing<String>, Failure> {
    let mut text = Zeroizing::new(String::with_capacity(ROOM));
    while let Reply::Line(line) = read_line()? {
        if text.len().saturating_add(line.len()) >= ROOM {
            break;
        }
        text.push_str(std::str::from_utf8(&line).unwrap_or("?"));
        text.push('\n');
    }
    Ok(text)
}

fn from_file(path: &Path) -> Result<Zeroizing<String>, Failure> {
    let failed = failure_of(path, "read");
    let bytes = Zeroizing::new(std::fs::read(path).map_err(failed)?);
    Ok(Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned()))
}
