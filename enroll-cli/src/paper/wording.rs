// SPDX-License-Identifier: MIT OR Apache-2.0
//! The words of a hand-out, for whoever has never seen one: the same in every format.

use nightlatch::backup::BackupSheet;
use nightlatch::qr::Symbol;
use nightlatch::record::Kind;
use nightlatch::secret::Algorithm;
use zeroize::Zeroizing;

use crate::paper::{DeviceToSetUp, Page};

/// Everything that is read on a page, in its order.
pub(super) struct Wording<'a> {
    pub(super) title: &'static str,
    /// For whom, where, when.
    pub(super) facts: Vec<(&'static str, String)>,
    pub(super) setup: Option<Setup<'a>>,
    /// Where there is something on either side of it.
    pub(super) cut: Option<&'static str>,
    pub(super) codes: Option<Codes<'a>>,
    pub(super) lost: &'static str,
    pub(super) contact: Option<&'a str>,
}

/// The part to be destroyed.
pub(super) struct Setup<'a> {
    pub(super) symbol: &'a Symbol,
    pub(super) steps: [String; 3],
    pub(super) typing: &'static str,
    pub(super) secret: Vec<Zeroizing<String>>,
    pub(super) settings: Vec<(&'static str, String)>,
    pub(super) destroy: &'static str,
}

/// The part to be kept.
pub(super) struct Codes<'a> {
    pub(super) heading: String,
    pub(super) instructions: &'static str,
    pub(super) codes: &'a BackupSheet,
}

/// As on the screen: more of them make people lose their place.
const GROUPS_ON_A_LINE: usize = 4;
const GROUP: usize = 4;

impl<'a> Wording<'a> {
    pub(super) fn of(page: &Page<'a>) -> Self {
        let codes = page.backup_codes.filter(|sheet| !sheet.is_empty());
        let day = page.at.to_string();
        let mut facts = vec![("For", page.user.to_owned()), ("Host", page.host.to_owned())];
        if let Some(device) = &page.device {
            facts.push(("In the app", format!("{}: {}", device.issuer, device.account)));
        }
        facts.push(("Date", day.get(..10).unwrap_or(&day).to_owned()));
        Self {
            title: match (&page.device, codes) {
                (Some(_), _) => "Your codes for logging in",
                (None, _) => "Your new backup codes",
            },
            facts,
            setup: page.device.as_ref().map(|device| Setup::of(device, codes.is_some())),
            cut: page
                .device
                .as_ref()
                .and(codes)
                .map(|_| "cut here: the part above is destroyed, the part below is kept"),
            codes: codes.map(|codes| Codes::of(page, codes)),
            lost: match codes {
                Some(_) => {
                    "Phone lost or stolen? Get in with a backup code, and say so at once: the lost phone's codes are then \
                     made void, and you get a new sheet. You are never asked for a code on the telephone or by mail."
                }
                None => {
                    "Phone lost or stolen? Say so at once: its codes are then made void, and you get a new sheet. You are \
                     never asked for a code on the telephone or by mail."
                }
            },
            contact: page.contact,
        }
    }
}

impl<'a> Setup<'a> {
    fn of(device: &DeviceToSetUp<'a>, codes_follow: bool) -> Self {
        let digits = device.digits.count();
        let usual = device.algorithm == Algorithm::Sha1 && digits == 6;
        let (what_it_shows, movement) = match device.kind {
            Kind::Totp { period, .. } => (
                format!("It then shows a code of {digits} digits, a new one every {} seconds.", period.seconds()),
                [("Type", "time-based (TOTP)".to_owned()), ("Period", format!("{} seconds", period.seconds()))],
            ),
            Kind::Hotp => (
                format!("It then shows a code of {digits} digits, a new one at each press."),
                [
                    ("Type", "counter-based (HOTP)".to_owned()),
                    ("Counter", device.counter.unwrap_or_default().to_string()),
                ],
            ),
        };
        let app = match device.kind {
            Kind::Totp { period, .. } if usual && period.seconds() == 30 => {
                "Install an authenticator app on the phone, unless there is one. Any that scans QR codes does."
            }
            Kind::Totp { .. } | Kind::Hotp => {
                "Install an authenticator app on the phone, unless there is one. Not every app knows the settings below; \
                 ask which one does."
            }
        };
        let [kind, moved_by] = movement;
        Self {
            symbol: device.symbol,
            steps: [
                app.to_owned(),
                format!("In the app, add an account and scan the QR code, or type the secret. {what_it_shows}"),
                "When you log in, give your password as ever. Asked for a verification code, type the one that the app \
                 shows at that moment."
                    .to_owned(),
            ],
            typing: "To type instead of scanning",
            secret: grouped(device.secret),
            settings: vec![
                ("Account", device.account.to_owned()),
                ("Issuer", device.issuer.to_owned()),
                kind,
                ("Algorithm", device.algorithm.uri_name().to_owned()),
                ("Digits", digits.to_string()),
                moved_by,
            ],
            destroy: if codes_follow {
                "Keep this part like a key: whoever has it has your codes. Once the app shows codes, cut it off and \
                 destroy it."
            } else {
                "Keep this sheet like a key: whoever has it has your codes. Once the app shows codes, destroy it."
            },
        }
    }
}

impl<'a> Codes<'a> {
    fn of(page: &Page<'a>, codes: &'a BackupSheet) -> Self {
        Self {
            heading: format!("Backup codes of {} for {}", page.user, page.host),
            instructions: match page.device {
                Some(_) => {
                    "For a day without the phone: each gets in once, typed where the code of the app is asked for. Tick it \
                     off when it is used. Keep them in the wallet or a drawer that locks, away from the phone."
                }
                None => {
                    "All earlier ones are void: destroy that list. Each of these gets in once, typed where the code of the \
                     app is asked for. Tick it off when it is used. Keep them in the wallet or a drawer that locks, away \
                     from the phone."
                }
            },
            codes,
        }
    }
}

/// The secret for typing, in lines of groups.
fn grouped(secret: &str) -> Vec<Zeroizing<String>> {
    let symbols: Zeroizing<Vec<char>> = Zeroizing::new(secret.chars().collect());
    symbols
        .chunks(GROUPS_ON_A_LINE.saturating_mul(GROUP))
        .map(|chunk| {
            let mut line = Zeroizing::new(String::with_capacity(64));
            for (index, group) in chunk.chunks(GROUP).enumerate() {
                if index > 0 {
                    line.push(' ');
                }
                line.extend(group);
            }
            line
        })
        .collect()
}
