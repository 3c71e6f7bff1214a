// SPDX-License-Identifier: MIT OR Apache-2.0
//! `invite`: somebody who is not enrolled may enroll in a login until a time, whatever the default asks of others.

use nightlatch::clock::UnixTime;
use nightlatch::enrollment::DraftError;
use nightlatch::invitation::{InvitationTerms, InvitationTermsError};
use nightlatch::store::Enrollment;
use nightlatch::user::Account;

use crate::Outcome;
use crate::arguments::{Form, InviteArguments};
use crate::failure::{Failure, Status};
use crate::json::{self, Changed, NewInvitation, SCHEMA};
use crate::site::Site;
use crate::terminal::Terminal;

pub(crate) fn run(options: &InviteArguments, site: &Site, terminal: &Terminal) -> Outcome {
    if options.end {
        return end(&options.user, site, terminal);
    }
    let account = site.account(&options.user)?;
    let (user, uid, now) = (account.name().as_str(), account.uid(), site.now()?.wall);
    let until = options.until.map_or(now.plus(InvitationTerms::USUAL), |when| when.from(now));
    let terms = InvitationTerms::new(until, now).map_err(wrong_terms)?;
    if account.has_transient_uid() {
        return Err(Failure::TransientUid { user: user.to_owned(), cause: DraftError::TransientUid { uid } });
    }
    let store = site.store()?;
    let word = match store.enrollment(account.named())? {
        Enrollment::NotEnrolled(word) => word,
        Enrollment::Enrolled(_) if options.if_needed => return enrolled_already(&account, terminal),
        Enrollment::Enrolled(_) => return Err(Failure::AlreadyEnrolled { user: user.to_owned() }),
    };
    let standing = site.invited(&store, &account, word, terminal)?.map(|invited| invited.until());
    if let Some(standing) = standing.filter(|standing| *standing == until || options.if_needed) {
        return invited_already(&account, standing, terminal);
    }
    terminal.interruption().settle();
    store.invite(&account, word, terms)?;
    match terminal.form() {
        Form::Json => terminal.result(&json::line(&NewInvitation {
            schema: SCHEMA,
            changed: true,
            user,
            uid,
            invited_until: until.to_string(),
        }))?,
        Form::Text => terminal.result(
            format!(
                "{user} may enroll in a login until {}, where the auth line says 'enroll'; until then the password alone \
                 is enough to do it\n",
                until.to_the_minute()
            )
            .as_bytes(),
        )?,
    }
    Ok(Status::Done)
}

fn enrolled_already(account: &Account, terminal: &Terminal) -> Outcome {
    let (user, uid) = (account.name().as_str(), account.uid());
    match terminal.form() {
        Form::Json => {
            terminal.result(&json::line(&Changed { schema: SCHEMA, changed: false, user: Some(user), uid }))?;
        }
        Form::Text => terminal.result(format!("{user} is enrolled already: nothing to do\n").as_bytes())?,
    }
    Ok(Status::Done)
}

fn invited_already(account: &Account, until: UnixTime, terminal: &Terminal) -> Outcome {
    let (user, uid) = (account.name().as_str(), account.uid());
    match terminal.form() {
        Form::Json => terminal.result(&json::line(&NewInvitation {
            schema: SCHEMA,
            changed: false,
            user,
            uid,
            invited_until: until.to_string(),
        }))?,
        Form::Text => terminal
            .result(format!("{user} is invited until {} already: nothing to do\n", until.to_the_minute()).as_bytes())?,
    }
    Ok(Status::Done)
}

fn end(user: &str, site: &Site, terminal: &Terminal) -> Outcome {
    let account = site.account(user)?;
    let store = site.store()?;
    terminal.interruption().settle();
    let changed = store.end_invitation(&account)?;
    let (user, uid) = (account.name().as_str(), account.uid());
    match terminal.form() {
        Form::Json => terminal.result(&json::line(&Changed { schema: SCHEMA, changed, user: Some(user), uid }))?,
        Form::Text if changed => terminal.result(format!("{user} is no longer invited\n").as_bytes())?,
        Form::Text => terminal.result(format!("{user} had no invitation: nothing to do\n").as_bytes())?,
    }
    Ok(Status::Done)
}

fn wrong_terms(error: InvitationTermsError) -> Failure {
    let remedy = match error {
        InvitationTermsError::Past => "say --until with a time to come: +4h, +2d, or a date (UTC)",
        InvitationTermsError::TooFar => "say --until with a nearer time, and invite again if it is still wanted then",
    };
    Failure::usage(error.to_string(), remedy)
}
