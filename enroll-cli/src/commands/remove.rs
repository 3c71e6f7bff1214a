// SPDX-License-Identifier: MIT OR Apache-2.0
//! `remove`: takes what is enrolled away. By uid it takes what is damaged too, and what an account left that is gone.

use nightlatch::audit::escaped;
use nightlatch::store::{LockFailure, Store};
use nightlatch::user::Account;

use crate::Outcome;
use crate::arguments::{Form, RemoveArguments};
use crate::commands::vanished;
use crate::failure::{Failure, Status};
use crate::json::{self, Changed, SCHEMA};
use crate::site::{Site, open_record};
use crate::terminal::Terminal;

/// Whose record it is, as far as it says so.
struct Subject {
    name: Option<String>,
    uid: u32,
}

pub(crate) fn run(options: &RemoveArguments, site: &Site, terminal: &Terminal) -> Outcome {
    if options.vanished {
        return vanished::run(options, site, terminal);
    }
    let store = site.store()?;
    let removed = match (&options.user, options.uid) {
        (_, Some(uid)) => remove_by_uid(uid, options, &store, terminal),
        (Some(user), None) => remove_by_name(user, options, site, &store, terminal),
        (None, None) => return Err(Failure::usage("nobody is named", "name a user, or say --uid N")),
    };
    let subject = match removed {
        Err(Failure::NotEnrolled { .. } | Failure::NoRecord { .. }) if options.if_enrolled => {
            return unchanged(options, site, terminal);
        }
        removed => removed?,
    };
    match terminal.form() {
        Form::Json => {
            let (user, uid) = (subject.name.as_deref(), subject.uid);
            terminal.result(&json::line(&Changed { schema: SCHEMA, changed: true, user, uid }))?;
        }
        Form::Text => terminal.result(format!("{} is no longer enrolled\n", subject.words()).as_bytes())?,
    }
    Ok(Status::Done)
}

fn unchanged(options: &RemoveArguments, site: &Site, terminal: &Terminal) -> Outcome {
    let account = options.user.as_ref().map(|user| site.account(user)).transpose()?;
    let name = account.as_ref().map(|account| account.name().as_str().to_owned());
    let uid = account.as_ref().map(Account::uid).or(options.uid);
    let subject = Subject { name, uid: uid.unwrap_or_default() };
    match terminal.form() {
        Form::Json => {
            let (user, uid) = (subject.name.as_deref(), subject.uid);
            terminal.result(&json::line(&Changed { schema: SCHEMA, changed: false, user, uid }))?;
        }
        Form::Text => {
            terminal.result(format!("{} was not enrolled: nothing to do\n", subject.words()).as_bytes())?;
        }
    }
    Ok(Status::Done)
}

fn remove_by_name<'s>(
    user: &str,
    options: &RemoveArguments,
    site: &Site,
    store: &'s Store<'s>,
    terminal: &Terminal,
) -> Result<Subject, Failure> {
    let account = site.account(user)?;
    let subject = Subject { name: Some(account.name().as_str().to_owned()), uid: account.uid() };
    // Opened, so that nobody's record goes because his uid is another's now; closed again, since a person is asked.
    drop(open_record(store, &account)?);
    agree(&subject, options, terminal)?;
    let open = open_record(store, &account)?;
    terminal.interruption().settle();
    open.remove()?;
    Ok(subject)
}

fn remove_by_uid<'s>(
    uid: u32,
    options: &RemoveArguments,
    store: &'s Store<'s>,
    terminal: &Terminal,
) -> Result<Subject, Failure> {
    let found = store.people()?.into_iter().find(|(of, _)| *of == uid).and_then(|(_, person)| person.ok());
    let subject = Subject { name: found.map(|person| person.name.as_str().to_owned()), uid };
    match store.lock_uid(uid) {
        Ok(locked) => drop(locked),
        // Of an account that is gone an invitation may be left, which holds for whoever is made with that name and uid.
        Err(LockFailure::NotEnrolled(_)) if store.uids_with_an_invitation()?.contains(&uid) => {
            terminal.interruption().settle();
            store.end_invitation_of(uid)?;
            return Ok(Subject { name: None, uid });
        }
        Err(failure) => return Err(no_lock(failure, uid)),
    }
    agree(&subject, options, terminal)?;
    let locked = store.lock_uid(uid).map_err(|failure| no_lock(failure, uid))?;
    terminal.interruption().settle();
    locked.remove()?;
    Ok(subject)
}

fn no_lock(failure: LockFailure, uid: u32) -> Failure {
    match failure {
        LockFailure::NotEnrolled(_) => Failure::NoRecord { uid },
        LockFailure::Fault(fault) => Failure::Store(fault),
    }
}

fn agree(subject: &Subject, options: &RemoveArguments, terminal: &Terminal) -> Result<(), Failure> {
    if options.yes {
        return Ok(());
    }
    terminal.ask_agreement(&format!("Remove what is enrolled for {}, backup codes included?", subject.words()))
}

impl Subject {
    fn words(&self) -> String {
        match &self.name {
            Some(name) => format!("{} (uid {})", escaped(name), self.uid),
            None => format!("uid {}", self.uid),
        }
    }
}
