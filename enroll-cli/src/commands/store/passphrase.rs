// SPDX-License-Identifier: MIT OR Apache-2.0
//! The passphrase of a backup: typed without echo, or the first line of stdin.

use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::terminal::{Reply, Terminal};

/// NIST 800-63B-4 asks for 15 where a password stands alone; what is guessed at offline is guessed at for years. Four
/// words have 20 and more.
const SHORTEST: usize = 15;
/// What is longer was cut by whoever read it.
const LONGEST: usize = 1000;

/// A new one, twice where a person types it.
pub(super) fn new(terminal: &Terminal) -> Result<Zeroizing<Vec<u8>>, Failure> {
    let first = known(terminal)?;
    if std::str::from_utf8(&first).map_or(first.len(), |text| text.chars().count()) < SHORTEST {
        return Err(Failure::Passphrase("the passphrase has fewer than 15 characters"));
    }
    if terminal.has_person() && *ask("Once more: ", terminal)? != *first {
        return Err(Failure::Passphrase("the two passphrases differ; nothing was written"));
    }
    Ok(first)
}

/// That of a backup that is there.
pub(super) fn known(terminal: &Terminal) -> Result<Zeroizing<Vec<u8>>, Failure> {
    ask("Passphrase of the backup: ", terminal)
}

fn ask(prompt: &str, terminal: &Terminal) -> Result<Zeroizing<Vec<u8>>, Failure> {
    match terminal.ask_hidden(prompt)? {
        Reply::Line(line) if line.is_empty() => Err(Failure::NoPassphrase),
        Reply::Line(line) if line.len() > LONGEST => {
            Err(Failure::Passphrase("the passphrase has more than 1000 bytes"))
        }
        Reply::Line(line) => Ok(line),
        Reply::End => Err(Failure::NoPassphrase),
    }
}
