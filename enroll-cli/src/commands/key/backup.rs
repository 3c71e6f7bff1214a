// SPDX-License-Identifier: MIT OR Apache-2.0
//! `key backup`: the master keys as text for the safe. Into a file of root's alone, or onto a terminal where somebody asked
//! for it; never into a pipe.

use std::io::Write as _;
use std::path::Path;

use nightlatch::clock::UnixTime;
use nightlatch::error::{Fault, Part};
use nightlatch::qr::{QUIET, Symbol};
use nightlatch::store::{self, NamedKey};
use nightlatch::user;
use zeroize::Zeroizing;

use crate::Outcome;
use crate::arguments::{Form, KeyBackupArguments, QrStyle};
use crate::commands::enroll::confirmation::drawing;
use crate::commands::enroll::handout::drawn;
use crate::failure::words::sentence_of;
use crate::failure::{Failure, Status};
use crate::image;
use crate::json::{self, Found, KeyPapers, SCHEMA};
use crate::new_file::{NewFile, failure_of};
use crate::site::Site;
use crate::terminal::{Screen, Terminal};

/// More than the paper of eight keys with its QR code: a buffer that grows leaves its beginning behind in freed memory.
const ROOM: usize = 64 * 1024;

pub(crate) fn run(options: &KeyBackupArguments, site: &Site, terminal: &Terminal) -> Outcome {
    let (keys, faults) = store::all_keys(&site.config)?;
    if keys.is_empty() {
        // A directory without a key is a key that is lost: init makes both.
        let nothing = Fault::Missing { path: site.config.keys().to_owned(), part: Part::Key };
        return Err(Failure::Store(faults.into_iter().next().unwrap_or(nothing)));
    }
    for fault in &faults {
        terminal.warn(&format!("not in it: {}", sentence_of(fault)));
    }
    let symbol = Symbol::of(&qr_text(&keys))?;
    let paper = paper(&keys, site.now()?.wall);
    match &options.output {
        Some(path) => {
            write(&Papers { text: &paper, symbol: &symbol, keys: &keys, faults: &faults }, path, options, terminal)?
        }
        None => show(&paper, &symbol, options, terminal)?,
    }
    Ok(if faults.is_empty() { Status::Done } else { Status::Fault })
}

/// What is written, and of which keys; what is wrong with the others.
struct Papers<'p> {
    text: &'p str,
    symbol: &'p Symbol,
    keys: &'p [NamedKey],
    faults: &'p [Fault],
}

fn write(papers: &Papers<'_>, path: &Path, options: &KeyBackupArguments, terminal: &Terminal) -> Result<(), Failure> {
    let Papers { text, symbol, keys, faults } = papers;
    let failed = failure_of(path, "write");
    let (file, mut open) = NewFile::begin(path, terminal.interruption())?;
    write_images(symbol, options, terminal)?;
    open.write_all(text.as_bytes()).map_err(&failed)?;
    if matches!(options.qr, QrStyle::Auto | QrStyle::Utf8) {
        open.write_all(on_paper(symbol).as_bytes()).map_err(failed)?;
    }
    file.finish(&open)?;
    let ids = keys.iter().map(|(id, _)| id.to_string());
    match terminal.form() {
        Form::Json => terminal.result(&json::line(&KeyPapers {
            schema: SCHEMA,
            changed: true,
            path: path.to_string_lossy(),
            keys: ids.collect(),
            flaws: faults.iter().map(Found::of).collect(),
        }))?,
        Form::Text => {
            terminal.result(format!("wrote {}: print it, lock it away, remove it\n", path.display()).as_bytes())?
        }
    }
    terminal.note("Keep it apart from backups of the store: whoever has both has everybody's secrets.");
    Ok(())
}

/// On the alternate screen, which is wiped: nothing of it stays in the scrollback.
fn show(paper: &str, symbol: &Symbol, options: &KeyBackupArguments, terminal: &Terminal) -> Result<(), Failure> {
    let screen = match (terminal.form(), terminal.has_person(), terminal.screen()) {
        (Form::Text, true, Some(screen)) => screen,
        _ => {
            let message = "keys are shown on a terminal, or written to a file";
            return Err(Failure::usage(message, "say --output FILE (nothing was written)"));
        }
    };
    if !options.yes {
        terminal.ask_agreement("Show the master keys here? Whoever reads them can open every backup of the store.")?;
    }
    write_images(symbol, options, terminal)?;
    leaf(paper, "Press Enter when it is written down or printed. ", screen, terminal)?;
    if let Some(way) = drawing(options.qr, true) {
        leaf(&drawn(symbol, way), "Press Enter to end. ", screen, terminal)?;
    }
    terminal.interruption().keep_files();
    Ok(())
}

fn leaf(text: &str, prompt: &str, screen: Screen, terminal: &Terminal) -> Result<(), Failure> {
    if screen.can_alternate() {
        terminal.interruption().enter_alternate(screen);
    }
    screen.write(text.as_bytes());
    let answered = terminal.ask_hidden(prompt);
    terminal.interruption().leave_alternate();
    answered.map(|_| ())
}

fn write_images(symbol: &Symbol, options: &KeyBackupArguments, terminal: &Terminal) -> Result<(), Failure> {
    if let Some(path) = &options.qr_png {
        image::write_png(symbol, path, terminal.interruption())?;
    }
    if let Some(path) = &options.qr_svg {
        image::write_svg(symbol, path, terminal.interruption())?;
    }
    Ok(())
}

/// One line a key; a reader of QR codes gives them back as they are.
fn qr_text(keys: &[NamedKey]) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(ROOM));
    for line in keys.iter().filter_map(|(_, key)| key.expose_qr_text()) {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&line);
    }
    text
}

fn paper(keys: &[NamedKey], now: UnixTime) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(ROOM));
    let (s, host) = (if keys.len() == 1 { "" } else { "s" }, user::host_name());
    text.push_str(&format!("nightlatch: master key{s} of {host}, {}\n\n", now.to_the_minute()));
    text.push_str(
        "For the safe, apart from backups of the store. Whoever has both has the secrets\n\
         of everybody who is enrolled; without the key, such a backup is of no use.\n",
    );
    for (id, key) in keys {
        text.push_str(&format!("\nKey id {id}\n\n"));
        for (number, line) in (1..).zip(key.expose_lines().unwrap_or_default()) {
            text.push_str(&format!("  Line {number}:  "));
            text.push_str(&line);
            text.push('\n');
        }
    }
    text.push_str(
        "\nTo put it back, as root: nightlatch key restore\n\
         It asks line by line and tells a typing error at once. O is 0, I and L are 1.\n\
         From a picture of the QR code:\n  \
         zbarimg --quiet --raw PICTURE | nightlatch key restore --from -\n\n",
    );
    text
}

/// Dark on light, as a printer does it: half blocks, and no colours.
fn on_paper(symbol: &Symbol) -> Zeroizing<String> {
    let side = symbol.side(QUIET);
    let mut text = Zeroizing::new(String::with_capacity(ROOM));
    for row in (0..side).step_by(2) {
        for column in 0..side {
            let dark = |row: usize| symbol.is_dark(row, column, QUIET);
            text.push(match (dark(row), dark(row.saturating_add(1))) {
                (true, true) => '\u{2588}',
                (true, false) => '\u{2580}',
                (false, true) => '\u{2584}',
                (false, false) => ' ',
            });
        }
        text.push('\n');
    }
    text
}
