// SPDX-License-Identifier: MIT OR Apache-2.0
//! `backup-codes`: a new set; the old one is void.

use std::fmt::Write as _;

use nightlatch::backup::{BackupCodes, BackupSheet};
use nightlatch::user::host_name;
use nightlatch::verify::judge;
use zeroize::Zeroizing;

use crate::Outcome;
use crate::arguments::{BackupCodesArguments, Form};
use crate::failure::{Failure, Status};
use crate::json::{self, NewBackupCodes, SCHEMA};
use crate::paper::Page;
use crate::paper::blank::{self, Blank};
use crate::site::{Site, open_record};
use crate::terminal::Terminal;

pub(crate) fn run(options: &BackupCodesArguments, site: &Site, terminal: &Terminal) -> Outcome {
    let account = site.account(&options.user)?;
    let (user, uid) = (account.name().as_str(), account.uid());
    let count = match (options.count, site.config.enroll().backup_codes) {
        (Some(count), _) => count,
        (None, 0) => return Err(Failure::usage("the config sets backup_codes = 0", "say --count N")),
        (None, site_default) => site_default,
    };
    if let Some(sheet) = &options.sheet {
        blank::has_letters_for(sheet, &account, site.config.enroll(), &[])?;
    }
    let store = site.store()?;
    let left = {
        let open = open_record(&store, &account)?;
        judge::backup_codes_left(open.record(), open.ledger())
    };
    if left > 0 && !options.yes {
        terminal.ask_agreement(&format!("Void the {left} backup codes of {user} that are left?"))?;
    }
    let now = site.now()?.wall;
    let (sheet, codes) = BackupCodes::generate(count, now, &site.random)?;
    if let Some(file) = &options.sheet {
        let contact = site.config.enroll().contact.as_deref();
        let host = host_name();
        let page = Page { user, host: &host, at: now, contact, device: None, backup_codes: Some(&sheet) };
        Blank::make(file, terminal.interruption())?.fill(&page)?;
    }
    let open = open_record(&store, &account)?;
    terminal.interruption().settle();
    open.replace_backup_codes(codes, now)?;
    terminal.interruption().keep_files();
    let printed = match terminal.form() {
        Form::Json => terminal.result(&json::line(&NewBackupCodes {
            schema: SCHEMA,
            changed: true,
            user,
            uid,
            backup_codes: sheet.expose_codes().collect(),
        })),
        Form::Text => match &options.sheet {
            None => terminal.result(text(&sheet, user).as_bytes()),
            Some(file) => terminal.result(
                format!(
                    "{count} new backup codes of {user} are in {}: print it, hand it over, remove it\n",
                    file.path.display()
                )
                .as_bytes(),
            ),
        },
    };
    printed.map_err(|source| Failure::HandoutLost {
        user: user.to_owned(),
        remedy: format!("'nightlatch backup-codes {user}' makes new ones"),
        source: Box::new(source),
    })?;
    Ok(Status::Done)
}

/// The codes, numbered, with one line on what they are for.
pub(crate) fn text(sheet: &BackupSheet, user: &str) -> Zeroizing<String> {
    let mut text = Zeroizing::new(String::with_capacity(2048));
    if sheet.is_empty() {
        text.push_str("No backup codes were made.\n");
        return text;
    }
    // Writing to a string cannot fail.
    let _: std::fmt::Result = writeln!(
        text,
        "Backup codes of {user}. Each works once in place of a code, if the phone is lost.\n\
         Write them down now: they are never shown again.\n"
    );
    for (number, code) in (1..).zip(sheet.expose_codes()) {
        let _: std::fmt::Result = writeln!(text, "{number:>4}  {code}");
    }
    text
}
