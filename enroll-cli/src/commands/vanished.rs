// SPDX-License-Identifier: MIT OR Apache-2.0
//! `remove --vanished`: what deleted accounts have left goes. Looked at again under the lock, since somebody may get name
//! and uid anew; what cannot be told stays, and is named.

use nightlatch::audit::escaped;
use nightlatch::store::{Listed, LockFailure, Store};

use crate::arguments::{Form, RemoveArguments};
use crate::failure::words::sentence_of;
use crate::failure::{Failure, Status};
use crate::json::vanished::{Outcome, Remnant, Vanished, What};
use crate::json::{self, SCHEMA};
use crate::site::Site;
use crate::terminal::Terminal;
use crate::vanished::{Fate, Sources};

/// So many are named where a person is asked.
const MOST_NAMED: usize = 10;

pub(crate) fn run(options: &RemoveArguments, site: &Site, terminal: &Terminal) -> crate::Outcome {
    let (store, sources) = (site.store()?, Sources::of_this_host());
    let mut remnants = found(options.user.as_deref(), &store, &sources)?;
    if !options.dry_run && remnants.iter().any(is_to_go) {
        agree(&remnants, options, terminal)?;
        terminal.interruption().settle();
        remnants = remnants.into_iter().filter_map(|remnant| taken_away(remnant, &store, &sources)).collect();
    }
    print(&remnants, options, terminal)?;
    let is_whole = remnants.iter().all(|remnant| remnant.outcome != Outcome::Left);
    Ok(if is_whole { Status::Done } else { Status::Fault })
}

/// Of everybody, or of that name alone; where a file does not say whose it is, it may be his.
fn found(user: Option<&str>, store: &Store<'_>, sources: &Sources) -> Result<Vec<Remnant>, Failure> {
    let records = store.people()?.into_iter().map(|listed| (What::Record, listed));
    let invitations = store.people_with_an_invitation()?.into_iter().map(|listed| (What::Invitation, listed));
    let is_meant = |listed: &Listed| match (user, &listed.1) {
        (Some(user), Ok(person)) => person.name.as_str() == user,
        (Some(_), Err(_)) | (None, _) => true,
    };
    let meant = records.chain(invitations).filter(|(_, listed)| is_meant(listed));
    Ok(meant.filter_map(|(what, listed)| left_behind(what, listed, sources)).collect())
}

/// What somebody has left who is gone, or may be.
fn left_behind(what: What, (uid, person): Listed, sources: &Sources) -> Option<Remnant> {
    let (user, fate, fault) = match person {
        Ok(person) => (Some(person.name.as_str().to_owned()), sources.fate(&person), None),
        Err(fault) => (None, sources.fate_of_uid(uid), Some(sentence_of(&fault))),
    };
    let (outcome, reason) = match (fate, fault) {
        (Fate::There, _) => return None,
        (Fate::Gone, None) => (Outcome::WouldRemove, None),
        (Fate::Gone, Some(fault)) => (Outcome::Left, Some(fault)),
        (Fate::Unknown(why), _) => (Outcome::Left, Some(why.to_string())),
    };
    Some(Remnant { user, uid, what, outcome, reason })
}

fn is_to_go(remnant: &Remnant) -> bool {
    remnant.outcome == Outcome::WouldRemove
}

fn agree(remnants: &[Remnant], options: &RemoveArguments, terminal: &Terminal) -> Result<(), Failure> {
    if options.yes {
        return Ok(());
    }
    let mut names: Vec<String> = remnants.iter().filter(|remnant| is_to_go(remnant)).map(words).collect();
    let further = names.len().saturating_sub(MOST_NAMED);
    names.truncate(MOST_NAMED);
    let further = if further > 0 { format!(" and {further} more") } else { String::new() };
    terminal.ask_agreement(&format!("Remove what deleted accounts have left: {}{further}?", names.join(", ")))
}

/// `None` where it is nobody's remnant any more.
fn taken_away(remnant: Remnant, store: &Store<'_>, sources: &Sources) -> Option<Remnant> {
    if !is_to_go(&remnant) {
        return Some(remnant);
    }
    let uid = remnant.uid;
    let removed = match remnant.what {
        What::Record => removed_record(uid, store, sources),
        What::Invitation => removed_invitation(uid, store, sources),
    };
    match removed {
        Ok(true) => Some(Remnant { outcome: Outcome::Removed, ..remnant }),
        Ok(false) => None,
        Err(failure) => {
            let reason = Some(format!("{failure}; {}", failure.remedy()));
            Some(Remnant { outcome: Outcome::Left, reason, ..remnant })
        }
    }
}

fn removed_record(uid: u32, store: &Store<'_>, sources: &Sources) -> Result<bool, Failure> {
    let locked = match store.lock_uid(uid) {
        Ok(locked) => locked,
        Err(LockFailure::NotEnrolled(_)) => return Ok(false),
        Err(LockFailure::Fault(fault)) => return Err(fault.into()),
    };
    match sources.fate(&store.person(uid)?) {
        Fate::Gone => locked.remove().map(|()| true).map_err(Failure::from),
        Fate::There | Fate::Unknown(_) => Ok(false),
    }
}

fn removed_invitation(uid: u32, store: &Store<'_>, sources: &Sources) -> Result<bool, Failure> {
    match sources.fate_of_uid(uid) {
        Fate::Gone => Ok(store.end_invitation_of(uid)?),
        Fate::There | Fate::Unknown(_) => Ok(false),
    }
}

fn words(remnant: &Remnant) -> String {
    match &remnant.user {
        Some(user) => format!("{} (uid {})", escaped(user), remnant.uid),
        None => format!("uid {}", remnant.uid),
    }
}

/// One sentence.
fn line(remnant: &Remnant) -> String {
    let (who, uid) = (words(remnant), remnant.uid);
    let what = match remnant.what {
        What::Record => "the record",
        What::Invitation => "the invitation",
    };
    match remnant.outcome {
        Outcome::Removed => format!("removed {what} of {who}, whose account is gone\n"),
        Outcome::WouldRemove => {
            format!("{what} of {who} is left, and the account is gone; 'nightlatch remove --uid {uid}' removes it\n")
        }
        Outcome::Left => {
            let reason = remnant.reason.as_deref().unwrap_or_default();
            format!("left as it is: {what} of {who}: {}\n", escaped(reason))
        }
    }
}

fn print(remnants: &[Remnant], options: &RemoveArguments, terminal: &Terminal) -> Result<(), Failure> {
    match terminal.form() {
        Form::Json => {
            let changed = remnants.iter().any(|remnant| remnant.outcome == Outcome::Removed);
            let (dry_run, people) = (options.dry_run, remnants);
            terminal.result(&json::line(&Vanished { schema: SCHEMA, changed, dry_run, people }))
        }
        Form::Text if remnants.is_empty() => {
            terminal.note("no deleted account has left anything");
            Ok(())
        }
        Form::Text => terminal.result(remnants.iter().map(line).collect::<String>().as_bytes()),
    }
}
