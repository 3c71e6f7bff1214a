// SPDX-License-Identifier: MIT OR Apache-2.0
//! `rebind`: a record goes to the name or uid that its account has now. Never away from somebody who is there still, and
//! never over a record.

use nightlatch::audit::escaped;
use nightlatch::enrollment::DraftError;
use nightlatch::store::{Person, RebindFailure, Store};
use nightlatch::user::{Account, AccountError, Named};

use crate::Outcome;
use crate::arguments::{Form, RebindArguments};
use crate::failure::{Failure, Status};
use crate::json::rebind::Rebound;
use crate::json::{self, SCHEMA};
use crate::site::Site;
use crate::terminal::Terminal;

pub(crate) fn run(options: &RebindArguments, site: &Site, terminal: &Terminal) -> Outcome {
    let account = site.account(&options.user)?;
    let (user, uid) = (account.name().as_str(), account.uid());
    if account.has_transient_uid() {
        return Err(Failure::TransientUid { user: user.to_owned(), cause: DraftError::TransientUid { uid } });
    }
    let store = site.store()?;
    let Some(person) = record_of(options, &account, &store)? else { return told(&account, None, terminal) };
    owner_is_gone(&person, &account)?;
    if !options.yes {
        terminal.ask_agreement(&format!(
            "Give the record that was made for {} (uid {}) to {} (uid {uid})?",
            escaped(person.name.as_str()),
            person.made_for,
            escaped(user)
        ))?;
    }
    let now = site.now()?.wall;
    terminal.interruption().settle();
    match store.rebind(&person, &account, now) {
        Ok(true) => told(&account, Some(&person), terminal),
        Ok(false) => told(&account, None, terminal),
        Err(RebindFailure::NotEnrolled) => Err(Failure::NoRecord { uid: person.uid }),
        Err(RebindFailure::Enrolled) => Err(Failure::OwnRecord { user: user.to_owned() }),
        Err(RebindFailure::Fault(fault)) => Err(fault.into()),
    }
}

/// The record that is meant, or `None` where the account has it already.
fn record_of(options: &RebindArguments, account: &Account, store: &Store<'_>) -> Result<Option<Person>, Failure> {
    let is_its_own = |person: &Person| {
        person.uid == account.uid() && person.made_for == account.uid() && person.name == *account.name()
    };
    // One that was resealed for the account, and whose file was not moved: a run before this one was interrupted.
    let is_half_done = |person: &Person| {
        person.uid != account.uid() && person.made_for == account.uid() && person.name == *account.name()
    };
    let people = || Ok::<_, Failure>(store.people()?.into_iter().filter_map(|(_, person)| person.ok()));
    match (&options.from_name, options.from_uid) {
        (_, Some(uid)) if store.uids_with_a_file()?.contains(&uid) => {
            Ok(Some(store.person(uid)?).filter(|person| !is_its_own(person)))
        }
        (_, Some(uid)) => {
            if people()?.any(|person| is_its_own(&person)) {
                Ok(None)
            } else {
                Err(Failure::NoRecord { uid })
            }
        }
        (Some(name), None) => {
            let (mut found, mut has_its_own) = (Vec::new(), false);
            for person in people()? {
                if is_its_own(&person) {
                    has_its_own = true;
                } else if person.name.as_str() == name || is_half_done(&person) {
                    found.push(person);
                }
            }
            match (found.pop(), found.is_empty()) {
                (None, _) if has_its_own => Ok(None),
                (None, _) => Err(Failure::NoRecordOf { name: name.clone() }),
                (Some(one), true) => Ok(Some(one)),
                (Some(last), false) => {
                    let mut uids: Vec<u32> = found.iter().map(|person| person.uid).chain([last.uid]).collect();
                    uids.sort_unstable();
                    Err(Failure::SeveralRecords { name: name.clone(), uids })
                }
            }
        }
        (None, None) => Err(Failure::usage("no record is named", "say --from-name OLD or --from-uid N")),
    }
}

/// Whoever has the record's name still, with its uid or with another, is its owner; unless the account in question has kept
/// the uid, and somebody new was given the old name.
fn owner_is_gone(person: &Person, account: &Account) -> Result<(), Failure> {
    if person.name == *account.name() {
        return Ok(());
    }
    let is_in_place = match Named::look_up(&person.name) {
        Ok(named) if named.uid() == person.made_for => named.uid() == person.uid,
        Ok(_) if person.made_for != account.uid() => false,
        Ok(_) | Err(AccountError::Unknown) => return Ok(()),
        // A second name of a uid is an account still.
        Err(AccountError::Alias { .. }) => false,
        Err(cause @ AccountError::LookupFailed { .. }) => {
            return Err(Failure::NoAccount { user: person.name.as_str().to_owned(), cause });
        }
    };
    let (owner, user) = (person.name.as_str().to_owned(), account.name().as_str().to_owned());
    Err(Failure::OwnerStays { owner, uid: person.uid, user, is_in_place })
}

fn told(account: &Account, from: Option<&Person>, terminal: &Terminal) -> Outcome {
    let (user, uid) = (account.name().as_str(), account.uid());
    match terminal.form() {
        Form::Json => terminal.result(&json::line(&Rebound {
            schema: SCHEMA,
            changed: from.is_some(),
            user,
            uid,
            from_user: from.map(|person| person.name.as_str()),
            from_uid: from.map(|person| person.uid),
        }))?,
        Form::Text => {
            let text = match from {
                Some(person) => format!(
                    "{user} (uid {uid}) has the record of {} (uid {}) now, with all that was used\n",
                    escaped(person.name.as_str()),
                    person.uid
                ),
                None => format!("{user} (uid {uid}) has the record already: nothing to do\n"),
            };
            terminal.result(text.as_bytes())?;
        }
    }
    Ok(Status::Done)
}
