// SPDX-License-Identifier: MIT OR Apache-2.0
//! `enroll`: a draft in memory, shown, confirmed with a first code, and only then committed. Nothing is locked while a
//! person types.

mod confirmation;
mod handout;
mod plan;

use nightlatch::enrollment::{Basis, Draft, DraftError};
use nightlatch::secret::SharedSecret;
use nightlatch::store::{CommitFailure, Enrollment, Store};
use nightlatch::user::Account;
use nightlatch::verify::throttle::Admission;
use zeroize::Zeroizing;

use crate::Outcome;
use crate::arguments::{EnrollArguments, Form};
use crate::commands::enroll::handout::Handout;
use crate::commands::enroll::plan::Plan;
use crate::failure::{Failure, Status};
use crate::image;
use crate::json::{self, Changed, SCHEMA};
use crate::site::{Site, open_record};
use crate::terminal::{Reply, Terminal};
use nightlatch::qr::Symbol;

pub(crate) fn run(options: &EnrollArguments, site: &Site, terminal: &Terminal) -> Outcome {
    let account = site.account(&options.user)?;
    let plan = Plan::new(options, site, &account)?;
    let store = site.store()?;
    let Some(basis) = basis(options, &store, &account)? else {
        return unchanged(&account, terminal);
    };
    let secret = secret(options, &plan, site, terminal)?;
    let warnings = plan.warnings(&secret);
    warnings.iter().for_each(|warning| terminal.warn(warning));

    let (device, now) = (plan.device.clone(), site.now()?.wall);
    let draft = Draft::new(account.clone(), basis, device, secret, plan.backup_codes, now, &site.random)
        .map_err(|error| no_draft(error, &account))?;
    let handout = Handout::of(&draft, &plan, &account)?;
    let symbol = Symbol::of(&handout.uri)?;
    write_images(&symbol, options, terminal)?;

    let confirmed = if options.no_confirm {
        draft.vouched_for()
    } else {
        let sheet = handout.sheet(&plan, &account, warnings);
        confirmation::ask(draft, &sheet, &symbol, options, site, terminal)?
    };
    terminal.interruption().settle();
    let backup_codes = match store.commit(confirmed, site.now()?.wall) {
        Ok(backup_codes) => backup_codes,
        Err(CommitFailure::Changed) => return overtaken(basis, options, &account, terminal),
        Err(CommitFailure::Fault(fault)) => return Err(fault.into()),
    };
    terminal.interruption().keep_files();
    handout.print(&backup_codes, &symbol, options, terminal)?;
    match basis {
        Basis::Record(_) => warn_of_lock(&store, &account, site, terminal),
        Basis::Absent(_) => {}
    }
    Ok(Status::Done)
}

/// What the draft is made for, or `None` where there is nothing to do. A record that is there has to open: one that is
/// damaged, or made for another name, is a fault, and not "enrolled already".
fn basis<'s>(options: &EnrollArguments, store: &'s Store<'s>, account: &Account) -> Result<Option<Basis>, Failure> {
    let enrollment = store.enrollment(account.named())?;
    match enrollment {
        Enrollment::NotEnrolled(_) => return Ok(Some(enrollment.into())),
        Enrollment::Enrolled(_) => drop(open_record(store, account)?),
    }
    match (options.replace, options.if_not_enrolled) {
        (true, _) => Ok(Some(enrollment.into())),
        (false, true) => Ok(None),
        (false, false) => Err(Failure::AlreadyEnrolled { user: account.name().as_str().to_owned() }),
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

/// Line 1 of stdin, or a new one.
fn secret(options: &EnrollArguments, plan: &Plan, site: &Site, terminal: &Terminal) -> Result<SharedSecret, Failure> {
    if !options.secret_stdin {
        return Ok(SharedSecret::generate(plan.device.algorithm, &site.random)?);
    }
    let line = match terminal.ask_hidden("Secret (base32): ")? {
        Reply::Line(line) => line,
        Reply::End => Zeroizing::default(),
    };
    // What is no text is no base32 either.
    let secret = SharedSecret::from_base32(std::str::from_utf8(&line).unwrap_or("?")).map_err(Failure::Secret)?;
    if secret.is_short() && !options.allow_short_secret { Err(Failure::ShortSecret) } else { Ok(secret) }
}

fn no_draft(error: DraftError, account: &Account) -> Failure {
    match error {
        DraftError::Fault(fault) => Failure::Store(fault),
        cause @ DraftError::TransientUid { .. } => {
            Failure::TransientUid { user: account.name().as_str().to_owned(), cause }
        }
    }
}

/// Before the confirmation, since a person may scan the file instead of the screen; gone again if nothing comes of it.
fn write_images(symbol: &Symbol, options: &EnrollArguments, terminal: &Terminal) -> Result<(), Failure> {
    if let Some(path) = &options.qr_png {
        image::write_png(symbol, path, terminal.interruption())?;
    }
    if let Some(path) = &options.qr_svg {
        image::write_svg(symbol, path, terminal.interruption())?;
    }
    Ok(())
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
