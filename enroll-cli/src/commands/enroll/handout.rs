// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the person gets: secret and URI while enrolling, backup codes afterwards. Where a code confirms, the secret is
//! never on stdout in text; where nobody types one, it has to be.

use std::fmt::Write as _;

use nightlatch::audit::escaped;
use nightlatch::backup::BackupSheet;
use nightlatch::enrollment::Draft;
use nightlatch::uri::expose_uri;
use nightlatch::user::Account;
use zeroize::Zeroizing;

use crate::arguments::{EnrollArguments, Form};
use crate::commands::backup_codes;
use crate::commands::enroll::confirmation::drawing;
use crate::commands::enroll::plan::Plan;
use crate::commands::status::{kind_name, period_of};
use crate::failure::Failure;
use crate::json::{self, Enrolled, NewDevice, SCHEMA};
use crate::sheet::Sheet;
use crate::terminal::{Screen, Terminal};
use nightlatch::qr::{Drawing, QUIET, Symbol};

pub(crate) struct Handout {
    user: String,
    uid: u32,
    device: String,
    kind: &'static str,
    algorithm: &'static str,
    digits: u8,
    period: Option<u16>,
    secret: Zeroizing<String>,
    pub(crate) uri: Zeroizing<String>,
}

/// More than secret, URI and twenty backup codes: a buffer that grows leaves its beginning behind.
const ROOM: usize = 8 * 1024;

impl Handout {
    pub(crate) fn of(draft: &Draft, plan: &Plan, account: &Account) -> Result<Self, Failure> {
        let [device] = draft.devices() else {
            return Err(Failure::usage("a new enrollment has one device", "report this as a bug"));
        };
        Ok(Self {
            user: account.name().as_str().to_owned(),
            uid: account.uid(),
            device: device.name.as_str().to_owned(),
            kind: kind_name(device.kind),
            algorithm: device.algorithm.name(),
            digits: device.digits.count(),
            period: period_of(device.kind),
            secret: device.secret.expose_base32(),
            uri: expose_uri(device, &plan.label, 0),
        })
    }

    /// For the screen, while the person sets the app up.
    pub(crate) fn sheet(&self, plan: &Plan, account: &Account, warnings: Vec<String>) -> Sheet {
        Sheet {
            heading: format!("Enrolling {} (uid {})", escaped(account.name().as_str()), account.uid()),
            secret: self.secret.clone(),
            settings: vec![
                ("Issuer", escaped(plan.label.issuer())),
                ("Account", escaped(plan.label.account())),
                ("Type", "time-based (TOTP)".to_owned()),
                ("Algorithm", plan.device.algorithm.uri_name().to_owned()),
                ("Digits", self.digits.to_string()),
                ("Period", format!("{} seconds", plan.period())),
            ],
            warnings: warnings.into_iter().map(|warning| format!("Warning: {warning}.")).collect(),
        }
    }

    /// The result. The enrollment stands by now, so that a failure here says how to get at new codes.
    pub(crate) fn print(
        &self,
        backup_codes: &BackupSheet,
        symbol: &Symbol,
        options: &EnrollArguments,
        terminal: &Terminal,
    ) -> Result<(), Failure> {
        let printed = match terminal.form() {
            Form::Json => {
                if options.no_confirm
                    && let Some(drawing) = drawing(options.qr, false)
                {
                    terminal.show(drawn(symbol, drawing).as_bytes());
                }
                terminal.result(&json::line(&self.object(backup_codes)))
            }
            Form::Text => {
                let shown = options.no_confirm && Screen::Stdout.is_terminal();
                let drawing = drawing(options.qr, shown).filter(|_| options.no_confirm);
                terminal.result(self.text(backup_codes, options).as_bytes()).and_then(|()| match drawing {
                    Some(drawing) => terminal.result(drawn(symbol, drawing).as_bytes()),
                    None => Ok(()),
                })
            }
        };
        printed.map_err(|source| Failure::HandoutLost {
            user: self.user.clone(),
            remedy: self.how_to_get_another(options),
            source: Box::new(source),
        })
    }

    fn how_to_get_another(&self, options: &EnrollArguments) -> String {
        if options.no_confirm {
            format!("'nightlatch enroll {} --replace' begins anew", self.user)
        } else {
            format!("'nightlatch backup-codes {}' makes new ones", self.user)
        }
    }

    fn object<'a>(&'a self, backup_codes: &'a BackupSheet) -> Enrolled<'a> {
        let device = NewDevice {
            name: &self.device,
            kind: self.kind,
            algorithm: self.algorithm,
            digits: self.digits,
            period: self.period,
            secret: &self.secret,
            uri: &self.uri,
        };
        Enrolled {
            schema: SCHEMA,
            changed: true,
            user: &self.user,
            uid: self.uid,
            devices: vec![device],
            backup_codes: backup_codes.expose_codes().collect(),
        }
    }

    fn text(&self, backup_codes: &BackupSheet, options: &EnrollArguments) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(ROOM));
        // Writing to a string cannot fail.
        let mut line = |line: std::fmt::Arguments<'_>| {
            let _: std::fmt::Result = writeln!(text, "{line}");
        };
        if options.no_confirm {
            line(format_args!("{} is enrolled; no code has shown yet that the device works", self.user));
            line(format_args!("secret: {}", *self.secret));
            line(format_args!("uri:    {}", *self.uri));
        } else {
            line(format_args!("{} is enrolled: '{}' gives the codes from now on", self.user, escaped(&self.device)));
        }
        text.push('\n');
        text.push_str(&backup_codes::text(backup_codes, &self.user));
        text
    }
}

/// The QR code as lines.
pub(crate) fn drawn(symbol: &Symbol, drawing: Drawing) -> Zeroizing<String> {
    let lines = symbol.draw(drawing, QUIET);
    let length: usize = lines.iter().map(|line| line.len().saturating_add(1)).sum();
    let mut text = Zeroizing::new(String::with_capacity(length));
    for line in lines {
        text.push_str(&line);
        text.push('\n');
    }
    text
}
