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

use crate::arguments::{Form, NewDeviceArguments};
use crate::commands::backup_codes;
use crate::commands::enroll::confirmation::drawing;
use crate::commands::enroll::plan::Plan;
use crate::commands::status::{kind_name, period_of};
use crate::failure::Failure;
use crate::json::{self, DeviceAdded, Enrolled, NewDevice, SCHEMA};
use crate::paper::DeviceToSetUp;
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
    counter: Option<u64>,
    secret: Zeroizing<String>,
    pub(crate) uri: Zeroizing<String>,
}

/// What became of the draft.
#[derive(Clone, Copy)]
pub(crate) enum Deed<'a> {
    /// The person is enrolled with it, and has these backup codes.
    Enrolled(&'a BackupSheet),
    /// The person has it besides the others; backup codes are as they were.
    Added,
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
            counter: draft.first_counter(),
            secret: device.secret.expose_base32(),
            uri: expose_uri(device, &plan.label, draft.first_counter().unwrap_or(0)),
        })
    }

    /// For the screen, while the person sets the device up.
    pub(crate) fn sheet(&self, heading: String, plan: &Plan, warnings: Vec<String>) -> Sheet {
        let [kind, movement] = plan.movement();
        Sheet {
            heading,
            secret: self.secret.clone(),
            settings: vec![
                ("Issuer", escaped(plan.label.issuer())),
                ("Account", escaped(plan.label.account())),
                kind,
                ("Algorithm", plan.device.algorithm.uri_name().to_owned()),
                ("Digits", self.digits.to_string()),
                movement,
            ],
            warnings: warnings.into_iter().map(|warning| format!("Warning: {warning}.")).collect(),
        }
    }

    /// For a page of paper.
    pub(crate) fn to_set_up<'a>(&'a self, plan: &'a Plan, symbol: &'a Symbol) -> DeviceToSetUp<'a> {
        DeviceToSetUp {
            issuer: plan.label.issuer(),
            account: plan.label.account(),
            kind: plan.device.kind,
            algorithm: plan.device.algorithm,
            digits: plan.device.digits,
            counter: self.counter,
            secret: &self.secret,
            symbol,
        }
    }

    /// The result. It stands in the store by now, so that a failure here says how to get at new codes.
    pub(crate) fn print(
        &self,
        deed: Deed<'_>,
        symbol: &Symbol,
        options: &NewDeviceArguments,
        terminal: &Terminal,
    ) -> Result<(), Failure> {
        let printed = match terminal.form() {
            Form::Json => {
                if options.no_confirm
                    && let Some(drawing) = drawing(options.qr, false)
                {
                    terminal.show(drawn(symbol, drawing).as_bytes());
                }
                terminal.result(&self.object(deed))
            }
            Form::Text => {
                let shown = options.no_confirm && options.sheet.is_none() && Screen::Stdout.is_terminal();
                let drawing = drawing(options.qr, shown).filter(|_| options.no_confirm);
                terminal.result(self.text(deed, options).as_bytes()).and_then(|()| match drawing {
                    Some(drawing) => terminal.result(drawn(symbol, drawing).as_bytes()),
                    None => Ok(()),
                })
            }
        };
        printed.map_err(|source| Failure::HandoutLost {
            user: self.user.clone(),
            remedy: self.how_to_get_another(deed, options),
            source: Box::new(source),
        })
    }

    fn how_to_get_another(&self, deed: Deed<'_>, options: &NewDeviceArguments) -> String {
        let user = &self.user;
        match deed {
            Deed::Enrolled(_) if options.no_confirm => format!("'nightlatch enroll {user} --replace' begins anew"),
            Deed::Enrolled(_) => format!("'nightlatch backup-codes {user}' makes new ones"),
            Deed::Added if options.no_confirm => {
                format!("take it away (nightlatch device remove {user} '{}'), then add it anew", escaped(&self.device))
            }
            Deed::Added => format!("the device stands: see 'nightlatch device list {user}'"),
        }
    }

    fn object(&self, deed: Deed<'_>) -> Zeroizing<Vec<u8>> {
        let device = NewDevice {
            name: &self.device,
            kind: self.kind,
            algorithm: self.algorithm,
            digits: self.digits,
            period: self.period,
            counter: self.counter,
            secret: &self.secret,
            uri: &self.uri,
        };
        let (user, uid) = (self.user.as_str(), self.uid);
        match deed {
            Deed::Enrolled(sheet) => json::line(&Enrolled {
                schema: SCHEMA,
                changed: true,
                user,
                uid,
                devices: vec![device],
                backup_codes: sheet.expose_codes().collect(),
            }),
            Deed::Added => json::line(&DeviceAdded { schema: SCHEMA, changed: true, user, uid, device }),
        }
    }

    fn text(&self, deed: Deed<'_>, options: &NewDeviceArguments) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(ROOM));
        let device = escaped(&self.device);
        let done = match deed {
            Deed::Enrolled(_) => format!("{} is enrolled", self.user),
            Deed::Added => format!("'{device}' of {} is added", self.user),
        };
        // Writing to a string cannot fail.
        let mut line = |line: std::fmt::Arguments<'_>| {
            let _: std::fmt::Result = writeln!(text, "{line}");
        };
        if let Some(sheet) = &options.sheet {
            // What is on paper is not on the screen, nor in its scrollback.
            if options.no_confirm {
                line(format_args!("{done}; no code has shown yet that the device works"));
            } else {
                line(format_args!("{done}: '{device}' gives codes from now on"));
            }
            let (user, path) = (&self.user, sheet.path.display());
            line(format_args!("what {user} gets is in {path}: print it, hand it over, remove it"));
            return text;
        }
        if options.no_confirm {
            line(format_args!("{done}; no code has shown yet that the device works"));
            line(format_args!("secret: {}", *self.secret));
            line(format_args!("uri:    {}", *self.uri));
        } else {
            line(format_args!("{done}: '{device}' gives codes from now on"));
        }
        match deed {
            Deed::Enrolled(sheet) => {
                text.push('\n');
                text.push_str(&backup_codes::text(sheet, &self.user));
            }
            Deed::Added => {}
        }
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
