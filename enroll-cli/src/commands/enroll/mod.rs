// SPDX-License-Identifier: MIT OR Apache-2.0
//! `enroll`: a draft in memory, shown, confirmed with a first code, and only then committed. What it does for a device it
//! does for `device add` too.

pub(crate) mod confirmation;
pub(crate) mod handout;
pub(crate) mod introduction;
pub(crate) mod plan;

use nightlatch::audit::escaped;
use nightlatch::enrollment::{Basis, Draft};
use nightlatch::secret::SharedSecret;
use nightlatch::store::{Enrollment, Store};
use nightlatch::user::Account;
use nightlatch::verify::throttle::Admission;

use crate::Outcome;
use crate::arguments::{EnrollArguments, Form};
use crate::commands::enroll::handout::Deed;
use crate::commands::enroll::introduction::Introduction;
use crate::commands::enroll::plan::{Plan, device_name, free_name};
use crate::commands::enroll_many;
use crate::failure::{Failure, Status};
use crate::json::{self, Changed, SCHEMA};
use crate::site::{Site, open_record};
use crate::terminal::Terminal;

pub(crate) fn run(options: &EnrollArguments, site: &Site, terminal: &Terminal) -> Outcome {
    if let (Some(file), Some(directory)) = (&options.many.from, &options.many.output) {
        return enroll_many::run(file, directory, options, site, terminal);
    }
    let Some(user) = &options.user else {
        return Err(Failure::usage("nobody is named", "name a user, or say --from FILE --output DIR"));
    };
    let account = site.account(user)?;
    let name = match &options.device {
        Some(name) => device_name(name, "say --device with another name")?,
        None => free_name(&options.new, None)?,
    };
    let plan = Plan::new(name, &options.new, site, &account)?;
    let store = site.store()?;
    let Some(basis) = basis(options, &store, &account, terminal)? else {
        terminal.take_what_is_not_needed(&options.new)?;
        return unchanged(&account, terminal);
    };
    let introduction = Introduction { account: &account, plan: &plan, options: &options.new, site, terminal };
    let secret = introduction.secret()?;
    if options.if_other_secret && has_secret(&store, &account, &secret)? {
        return unchanged(&account, terminal);
    }
    let warnings = introduction.warnings(&secret);

    let (device, now) = (plan.device.clone(), site.now()?.wall);
    let backup_codes = options.backup_codes.unwrap_or(site.config.enroll().backup_codes);
    let draft = Draft::new(account.clone(), basis, device, secret, backup_codes, now, &site.random)
        .map_err(|error| introduction.no_draft(error))?;
    let heading = format!("Enrolling {} (uid {})", escaped(account.name().as_str()), account.uid());
    let Some(introduced) = introduction.carry_through(draft, heading, warnings, &store)? else {
        return overtaken(basis, options, &account, terminal);
    };
    introduced.print(Deed::Enrolled(&introduced.sheet), &introduction)?;
    match basis {
        Basis::Record(_) => warn_of_lock(&store, &account, site, terminal),
        Basis::Absent(_) => {}
    }
    Ok(Status::Done)
}

/// What the draft is made for, or `None` where there is nothing to do. A record that is there has to open: one that is
/// damaged, or made for another name, is a fault, and not "enrolled already".
fn basis<'s>(
    options: &EnrollArguments,
    store: &'s Store<'s>,
    account: &Account,
    terminal: &Terminal,
) -> Result<Option<Basis>, Failure> {
    let enrollment = store.enrollment(account.named())?;
    let devices = match enrollment {
        Enrollment::NotEnrolled(_) => return Ok(Some(enrollment.into())),
        Enrollment::Enrolled(_) => open_record(store, account)?.record().devices.len(),
    };
    if options.replace && devices > 1 && !options.if_other_secret {
        let user = account.name().as_str();
        terminal.warn(&format!(
            "this takes the place of all {devices} devices of {user}; 'nightlatch device add {user}' leaves them"
        ));
    }
    match (options.replace, options.if_not_enrolled) {
        (true, _) => Ok(Some(enrollment.into())),
        (false, true) => Ok(None),
        (false, false) => Err(Failure::AlreadyEnrolled { user: account.name().as_str().to_owned() }),
    }
}

/// Whether a device of this person has that secret; nobody who is not enrolled has one.
fn has_secret<'s>(store: &'s Store<'s>, account: &Account, secret: &SharedSecret) -> Result<bool, Failure> {
    match open_record(store, account) {
        Ok(open) => Ok(open.record().devices.iter().any(|device| device.secret.is_same_as(secret))),
        Err(Failure::NotEnrolled { .. }) => Ok(false),
        Err(failure) => Err(failure),
    }
}

fn unchanged(account: &Account, terminal: &Terminal) -> Outcome {
    let user = account.name().as_str();
    match terminal.form() {
        Form::Json => {
            let object = Changed { schema: SCHEMA, changed: false, user: Some(user), uid: account.uid() };
            terminal.result(&json::line(&object))?;
        }
        Form::Text => terminal.result(format!("{user} is enrolled already: nothing to do\n").as_bytes())?,
    }
    Ok(Status::Done)
}

/// Somebody else was quicker. Where that is what was asked for, it is done; the files of this draft go all the same.
fn overtaken(basis: Basis, options: &EnrollArguments, account: &Account, terminal: &Terminal) -> Outcome {
    let user = account.name().as_str().to_owned();
    match basis {
        Basis::Absent(_) if options.if_not_enrolled => {
            terminal.interruption().put_back();
            terminal.warn(&format!("somebody else enrolled {user} meanwhile; what was shown here does not count"));
            unchanged(account, terminal)
        }
        Basis::Absent(_) => Err(Failure::AlreadyEnrolled { user }),
        Basis::Record(_) => Err(Failure::Overtaken { user }),
    }
}

/// A new phone does not end a wait: whoever asks for one may be the thief.
fn warn_of_lock<'s>(store: &'s Store<'s>, account: &Account, site: &Site, terminal: &Terminal) {
    let (Ok(open), Ok(now)) = (open_record(store, account), site.now()) else { return };
    let user = account.name().as_str();
    match open.ledger().throttle.standing(&site.config.rules().limits, now) {
        Admission::Open => {}
        Admission::Waiting { seconds } => terminal.warn(&format!(
            "{user} still has to wait {seconds} s after failures; 'nightlatch unlock {user}' ends the wait"
        )),
        Admission::Blocked => {
            terminal.warn(&format!("{user} is still blocked after failures; 'nightlatch unlock {user}' ends it"));
        }
    }
}
