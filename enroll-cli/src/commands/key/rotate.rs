// SPDX-License-Identifier: MIT OR Apache-2.0
//! `key rotate`: a new master key, every file sealed anew, the old key gone once nothing names it. Logins go on meanwhile,
//! and whoever is interrupted goes on from there.

use std::collections::HashSet;

use nightlatch::audit::escaped;
use nightlatch::error::Fault;
use nightlatch::store::{Aims, KeyId, Retired, Rotation, SealedAnew, Waiting};

use crate::Outcome;
use crate::arguments::{Form, KeyRotateArguments};
use crate::commands::key::counted;
use crate::failure::words::sentence_of;
use crate::failure::{Failure, Status};
use crate::json::{self, Found, KeyRotated, SCHEMA};
use crate::progress::Progress;
use crate::site::Site;
use crate::terminal::Terminal;

/// What was done to the files.
#[derive(Default)]
struct Deeds {
    records: u64,
    invitations: u64,
    left: Vec<Fault>,
}

pub(crate) fn run(options: &KeyRotateArguments, site: &Site, terminal: &Terminal) -> Outcome {
    let store = site.store()?;
    let directory = store.key_directory()?;
    let rotation = terminal.interruption().step(|| store.rotate_key(&directory))??;
    let (key, aims) = (rotation.key(), rotation.aims());
    let deeds = seal_all(&rotation, site, terminal).map_err(half_rotated)?;
    let retired = if options.keep_old {
        Retired { removed: Vec::new(), kept: rotation.others().map_err(Failure::HalfRotated)? }
    } else {
        terminal.interruption().step(|| rotation.retire())?.map_err(Failure::HalfRotated)?
    };
    terminal.interruption().settle();
    match terminal.form() {
        Form::Json => terminal.result(&json::line(&object(key, aims, &deeds, &retired)))?,
        Form::Text => terminal.result(text(key, aims, &deeds, &retired, options).as_bytes())?,
    }
    for fault in &deeds.left {
        terminal.warn(&format!("left as it is: {}", escaped(&sentence_of(fault))));
    }
    terminal.note("write the new key down for the safe: 'nightlatch key backup'.");
    if !retired.removed.is_empty() {
        terminal.note("Backups that were made before need the old key: keep its paper as long as you keep them.");
    }
    Ok(if deeds.left.is_empty() { Status::Done } else { Status::Fault })
}

/// From the new key on, what was done stands.
fn half_rotated(failure: Failure) -> Failure {
    if let Failure::Store(fault) = failure { Failure::HalfRotated(fault) } else { failure }
}

/// Looks again after each round: somebody may have been enrolled under the old key a moment before the new one was there.
fn seal_all(rotation: &Rotation<'_>, site: &Site, terminal: &Terminal) -> Result<Deeds, Failure> {
    let mut deeds = Deeds::default();
    let mut tried: HashSet<(u8, u32)> = HashSet::new();
    loop {
        let (mut waiting, silent) = terminal.interruption().step(|| rotation.waiting())??;
        waiting.retain(|file| tried.insert(place_of(*file)));
        if waiting.is_empty() {
            deeds.left.extend(silent);
            return Ok(deeds);
        }
        let mut progress = Progress::begin(terminal, u64::try_from(waiting.len()).unwrap_or(u64::MAX));
        for (done, file) in (1..).zip(&waiting) {
            let now = site.now()?.wall;
            match terminal.interruption().step(|| rotation.seal_anew(*file, now))? {
                Ok(SealedAnew::Done) => match file {
                    Waiting::Record(_) => deeds.records = deeds.records.saturating_add(1),
                    Waiting::Invitation(_) => deeds.invitations = deeds.invitations.saturating_add(1),
                },
                Ok(SealedAnew::NothingToDo) => {}
                Err(fault) if ends_all(&fault) => return Err(fault.into()),
                Err(fault) => deeds.left.push(fault),
            }
            progress.at(done);
        }
    }
}

fn place_of(file: Waiting) -> (u8, u32) {
    match file {
        Waiting::Record(uid) => (0, uid),
        Waiting::Invitation(uid) => (1, uid),
    }
}

/// What is wrong with one file leaves the others to do; a full disk does not.
fn ends_all(fault: &Fault) -> bool {
    matches!(fault, Fault::Io { .. } | Fault::NoBlock { .. } | Fault::NoRandomness | Fault::NoMemory)
}

fn ids(keys: &[KeyId]) -> Vec<String> {
    keys.iter().map(ToString::to_string).collect()
}

fn object<'a>(key: KeyId, aims: Aims, deeds: &'a Deeds, retired: &Retired) -> KeyRotated<'a> {
    let Deeds { records, invitations, left } = deeds;
    KeyRotated {
        schema: SCHEMA,
        changed: aims == Aims::NewKey || *records > 0 || *invitations > 0 || !retired.removed.is_empty(),
        new_key: aims == Aims::NewKey,
        key: key.to_string(),
        records: *records,
        invitations: *invitations,
        removed: ids(&retired.removed),
        kept: ids(&retired.kept),
        left: left.iter().map(Found::of).collect(),
    }
}

fn text(key: KeyId, aims: Aims, deeds: &Deeds, retired: &Retired, options: &KeyRotateArguments) -> String {
    let mut text = match aims {
        Aims::NewKey => format!("made a new master key: {key}\n"),
        Aims::GoOn => format!("went on with a rotation that was interrupted, to the master key {key}\n"),
    };
    let (records, invitations) = (counted(deeds.records, "record"), counted(deeds.invitations, "invitation"));
    text.push_str(&format!("sealed anew under it: {records}, {invitations}\n"));
    for id in &retired.removed {
        text.push_str(&format!("removed the key that nothing names any more: {id}\n"));
    }
    for id in &retired.kept {
        let why = if options.keep_old { "as asked" } else { "a file that was left may need it" };
        text.push_str(&format!("kept an old key, {why}: {id}\n"));
    }
    text
}
