// SPDX-License-Identifier: MIT OR Apache-2.0
//! `waive`: somebody who is enrolled is let in without a code until a time, for a reason.

use nightlatch::audit::escaped;
use nightlatch::waiver::{WaiverTerms, WaiverTermsError};

use crate::Outcome;
use crate::arguments::{Form, WaiveArguments};
use crate::commands::status::waiver_in_force;
use crate::failure::{Failure, Status};
use crate::json::{self, Changed, NewWaiver, SCHEMA};
use crate::site::{Site, open_record};
use crate::terminal::Terminal;

pub(crate) fn run(options: &WaiveArguments, site: &Site, terminal: &Terminal) -> Outcome {
    let (Some(when), Some(reason)) = (options.until, &options.reason) else {
        return end(&options.user, site, terminal);
    };
    let account = site.account(&options.user)?;
    let (user, uid, now) = (account.name().as_str(), account.uid(), site.now()?.wall);
    let terms = WaiverTerms::new(when.from(now), reason, now).map_err(wrong_terms)?;
    let (until, reason) = (terms.until(), terms.reason().to_owned());
    let store = site.store()?;
    let open = open_record(&store, &account)?;
    let stands = matches!(
        waiver_in_force(&open, uid, site)?,
        (Some(waiver), true) if waiver.until == until && waiver.reason == reason
    );
    if !stands {
        terminal.interruption().settle();
        open.grant_waiver(terms, now)?;
    }
    match terminal.form() {
        Form::Json => terminal.result(&json::line(&NewWaiver {
            schema: SCHEMA,
            changed: !stands,
            user,
            uid,
            waived_until: until.to_string(),
            reason: &reason,
        }))?,
        Form::Text if stands => terminal.result(
            format!("{user} is waived until {} already, for this reason: nothing to do\n", until.to_the_minute())
                .as_bytes(),
        )?,
        Form::Text => terminal.result(
            format!(
                "{user} gets in without a code until {} ({}); 'nightlatch waive {user} --end' ends it\n",
                until.to_the_minute(),
                escaped(&reason)
            )
            .as_bytes(),
        )?,
    }
    Ok(Status::Done)
}

fn end(user: &str, site: &Site, terminal: &Terminal) -> Outcome {
    let account = site.account(user)?;
    let store = site.store()?;
    let (open, now) = (open_record(&store, &account)?, site.now()?.wall);
    terminal.interruption().settle();
    let changed = open.end_waiver(now)?;
    let (user, uid) = (account.name().as_str(), account.uid());
    match terminal.form() {
        Form::Json => terminal.result(&json::line(&Changed { schema: SCHEMA, changed, user: Some(user), uid }))?,
        Form::Text if changed => terminal.result(format!("{user} is asked for a code again\n").as_bytes())?,
        Form::Text => terminal.result(format!("{user} had no waiver: nothing to do\n").as_bytes())?,
    }
    Ok(Status::Done)
}

fn wrong_terms(error: WaiverTermsError) -> Failure {
    let remedy = match error {
        WaiverTermsError::Past => "say --until with a time to come: +4h, +2d, or a date (UTC)",
        WaiverTermsError::TooFar => "say --until with a nearer time, and waive again if it is still wanted then",
        WaiverTermsError::Reason => "say --reason with a few words for whoever reads the log",
    };
    Failure::usage(error.to_string(), remedy)
}
