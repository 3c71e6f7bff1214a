// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a person is handed out, as the bytes of a file. Another form of it is another `Paper`.

use nightlatch::audit::escaped;
use nightlatch::backup::BackupSheet;
use nightlatch::clock::UnixTime;
use nightlatch::qr::{Drawing, Symbol};
use nightlatch::user::host_name;
use zeroize::Zeroizing;

use crate::commands::backup_codes;
use crate::commands::enroll::handout::{Handout, drawn};
use crate::commands::enroll::plan::Plan;
use crate::failure::Failure;
use crate::paper::{Format, Page, render};

/// Whom it is for, and what is on it.
pub(crate) struct Recipient<'a> {
    pub(crate) user: &'a str,
    pub(crate) handout: &'a Handout,
    pub(crate) plan: &'a Plan,
    pub(crate) backup_codes: &'a BackupSheet,
    pub(crate) made_at: UnixTime,
}

/// A form of hand-out. Made on several threads at once.
pub(crate) trait Paper: Sync {
    /// The ending of its file's name.
    fn ending(&self) -> &'static str;
    /// All of it.
    fn bytes(&self, of: &Recipient<'_>) -> Result<Zeroizing<Vec<u8>>, Failure>;
}

/// A page of A4 to print.
pub(crate) struct Printed {
    pub(crate) format: Format,
    pub(crate) host: String,
    /// Whom to turn to.
    pub(crate) contact: Option<String>,
}

impl Printed {
    /// Whether there are letters for what stands on every page.
    pub(crate) fn has_letters(&self) -> Result<(), Failure> {
        for (what, text) in [("the host's name", Some(&self.host)), ("contact in the config", self.contact.as_ref())] {
            let can_show = text.map_or(Ok(()), |text| self.format.can_show(text));
            can_show.map_err(|lacks| Failure::usage(format!("{what}: {lacks}"), "say --format html"))?;
        }
        Ok(())
    }
}

impl Paper for Printed {
    fn ending(&self) -> &'static str {
        match self.format {
            Format::Pdf => "pdf",
            Format::Html => "html",
        }
    }

    fn bytes(&self, of: &Recipient<'_>) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let symbol = Symbol::for_paper(&of.handout.uri)?;
        let page = Page {
            user: of.user,
            host: &self.host,
            at: of.made_at,
            contact: self.contact.as_deref(),
            device: Some(of.handout.to_set_up(of.plan, &symbol)),
            backup_codes: Some(of.backup_codes),
        };
        // Asked before anybody was enrolled.
        render(&page, self.format).map_err(|lacks| Failure::usage(lacks.to_string(), "say --format html"))
    }
}

/// For a terminal: QR code, secret, settings, backup codes.
pub(crate) struct PlainText {
    pub(crate) drawing: Option<Drawing>,
}

const WIDTH: usize = 72;
/// More than any: a buffer that grows leaves its beginning behind.
const ROOM: usize = 64 * 1024;

impl Paper for PlainText {
    fn ending(&self) -> &'static str {
        "txt"
    }

    fn bytes(&self, of: &Recipient<'_>) -> Result<Zeroizing<Vec<u8>>, Failure> {
        let mut text = Zeroizing::new(Vec::with_capacity(ROOM));
        let mut line = |bytes: &[u8]| {
            text.extend_from_slice(bytes);
            text.push(b'\n');
        };
        let heading =
            format!("Second factor of {} on {}, {}", escaped(of.user), host_name(), of.made_at.to_the_minute());
        let (introduction, picture) = match self.drawing {
            Some(drawing) => {
                let symbol = Symbol::of(&of.handout.uri)?;
                (
                    "Scan the QR code below with an authenticator app, or type this secret into it:",
                    Some((symbol, drawing)),
                )
            }
            None => ("Type this secret into an authenticator app:", None),
        };
        for part in of.handout.sheet(heading, of.plan, Vec::new()).text(introduction, None, WIDTH) {
            line(part.as_bytes());
        }
        line(b"");
        if let Some((symbol, drawing)) = picture {
            line(drawn(&symbol, drawing).as_bytes());
        }
        line(&Zeroizing::new([b"URI: ", of.handout.uri.as_bytes()].concat()));
        line(b"");
        text.extend_from_slice(backup_codes::text(of.backup_codes, of.user).as_bytes());
        Ok(text)
    }
}
