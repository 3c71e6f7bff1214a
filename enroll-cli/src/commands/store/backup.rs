// SPDX-License-Identifier: MIT OR Apache-2.0
//! `store backup`: everybody's file, each as it was at one moment, in one new file. Logins and rotations go on meanwhile.

use std::collections::BTreeSet;
use std::path::Path;

use nightlatch::audit::escaped;
use nightlatch::error::Fault;
use nightlatch::store::{self, KeyId, Store};
use nightlatch::user;

use crate::Outcome;
use crate::archive::{ArchiveWriter, Entry};
use crate::arguments::{Form, StoreBackupArguments};
use crate::commands::store::passphrase;
use crate::failure::words::sentence_of;
use crate::failure::{Failure, Status};
use crate::json::{self, Found, SCHEMA, StoreBackedUp};
use crate::new_file::{NewFile, failure_of};
use crate::progress::Progress;
use crate::site::Site;
use crate::terminal::Terminal;

/// What went into it.
#[derive(Default)]
struct Packed {
    records: u64,
    invitations: u64,
    keys: BTreeSet<KeyId>,
    flaws: Vec<Fault>,
}

pub(crate) fn run(options: &StoreBackupArguments, site: &Site, terminal: &Terminal) -> Outcome {
    let store = site.store()?;
    let marker = store.copy_marker()?;
    let uids = uids(options, site, &store)?;
    let (new, file) = NewFile::begin(&options.file, terminal.interruption())?;
    let passphrase = if options.passphrase { Some(passphrase::new(terminal)?) } else { None };
    let failed = failure_of(&options.file, "write");
    let again = file.try_clone().map_err(&failed)?;
    let passphrase = passphrase.as_ref().map(|passphrase| passphrase.as_slice());
    let (host, now) = (user::host_name(), site.now()?.wall);
    let mut writer = ArchiveWriter::begin(file, passphrase, &host, now, &site.random).map_err(&failed)?;
    writer.add(&Entry::Marker, &marker).map_err(&failed)?;
    let packed = pack(&mut writer, &uids, options, site, &store, terminal)?;
    writer.finish().map_err(&failed)?;
    new.finish(&again)?;
    match terminal.form() {
        Form::Json => terminal.result(&json::line(&object(&packed, options)))?,
        Form::Text => terminal.result(text(&packed, options).as_bytes())?,
    }
    for fault in &packed.flaws {
        terminal.warn(&escaped(&sentence_of(fault)));
    }
    Ok(if packed.flaws.is_empty() { Status::Done } else { Status::Fault })
}

fn uids(options: &StoreBackupArguments, site: &Site, store: &Store<'_>) -> Result<Vec<u32>, Failure> {
    let everybody = store.enrolled_uids()?;
    if options.users.is_empty() {
        return Ok(everybody);
    }
    let mut uids = Vec::new();
    for user in &options.users {
        let account = site.account(user)?;
        if !everybody.contains(&account.uid()) {
            return Err(Failure::NotEnrolled { who: account.name().as_str().to_owned() });
        }
        uids.push(account.uid());
    }
    uids.sort_unstable();
    uids.dedup();
    Ok(uids)
}

fn pack<'s>(
    writer: &mut ArchiveWriter,
    uids: &[u32],
    options: &StoreBackupArguments,
    site: &Site,
    store: &'s Store<'s>,
    terminal: &Terminal,
) -> Result<Packed, Failure> {
    let mut packed = Packed::default();
    // Before the people: a rotation that ends meanwhile takes the old key away. And behind them, for the new one that it
    // may have made.
    add_keys(writer, &mut packed, options, site)?;
    let failed = failure_of(&options.file, "write");
    let mut progress = Progress::begin(terminal, u64::try_from(uids.len()).unwrap_or(u64::MAX));
    for (done, uid) in (1..).zip(uids) {
        match store.copy_person(*uid) {
            Ok(None) => {}
            Ok(Some(copy)) => {
                writer.add(&Entry::Person(*uid), &copy.bytes).map_err(&failed)?;
                packed.records = packed.records.saturating_add(1);
                packed.flaws.extend(copy.flaw);
            }
            Err(fault) => packed.flaws.push(fault),
        }
        progress.at(done);
    }
    if options.users.is_empty() {
        for uid in store.invited_uids()? {
            match store.copy_invitation(uid) {
                Ok(None) => {}
                Ok(Some(bytes)) => {
                    writer.add(&Entry::Invitation(uid), &bytes).map_err(&failed)?;
                    packed.invitations = packed.invitations.saturating_add(1);
                }
                Err(fault) => packed.flaws.push(fault),
            }
        }
    }
    add_keys(writer, &mut packed, options, site)?;
    Ok(packed)
}

fn add_keys(
    writer: &mut ArchiveWriter,
    packed: &mut Packed,
    options: &StoreBackupArguments,
    site: &Site,
) -> Result<(), Failure> {
    if !options.passphrase {
        return Ok(());
    }
    let (keys, faults) = store::all_keys(&site.config)?;
    if packed.keys.is_empty() {
        packed.flaws.extend(faults);
    }
    for (id, key) in &keys {
        if packed.keys.insert(*id) {
            let entry = Entry::Key(id.to_string());
            writer.add(&entry, key.expose_bytes()).map_err(failure_of(&options.file, "write"))?;
        }
    }
    Ok(())
}

fn object<'a>(packed: &'a Packed, options: &'a StoreBackupArguments) -> StoreBackedUp<'a> {
    StoreBackedUp {
        schema: SCHEMA,
        changed: true,
        path: options.file.to_string_lossy(),
        encrypted: options.passphrase,
        records: packed.records,
        invitations: packed.invitations,
        keys: u64::try_from(packed.keys.len()).unwrap_or(u64::MAX),
        flaws: packed.flaws.iter().map(Found::of).collect(),
    }
}

fn text(packed: &Packed, options: &StoreBackupArguments) -> String {
    let path: &Path = &options.file;
    let people = match packed.records {
        1 => "1 person".to_owned(),
        number => format!("{number} people"),
    };
    let how = if options.passphrase {
        "with the master keys, encrypted to the passphrase: without that, nobody reads it"
    } else {
        "without the master keys: it is of no use without the paper of 'nightlatch key backup'"
    };
    format!("wrote {}: {people}, {how}\n", path.display())
}
