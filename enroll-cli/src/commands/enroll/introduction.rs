// SPDX-License-Identifier: MIT OR Apache-2.0
//! A new device from its draft to the store, for `enroll` and `device add` alike: shown, confirmed with a first code, and
//! only then committed. Nothing is locked while a person types.

use nightlatch::backup::BackupSheet;
use nightlatch::enrollment::{Draft, DraftError};
use nightlatch::secret::SharedSecret;
use nightlatch::store::{CommitFailure, Store};
use nightlatch::user::{Account, host_name};
use zeroize::Zeroizing;

use crate::arguments::NewDeviceArguments;
use crate::commands::enroll::confirmation;
use crate::commands::enroll::handout::{Deed, Handout};
use crate::commands::enroll::plan::Plan;
use crate::failure::Failure;
use crate::image;
use crate::paper::Page;
use crate::paper::blank::Blank;
use crate::site::Site;
use crate::terminal::{Reply, Terminal};
use nightlatch::qr::Symbol;

/// Whose device it is, what it is like, and who is asked.
pub(crate) struct Introduction<'a> {
    pub(crate) account: &'a Account,
    pub(crate) plan: &'a Plan,
    pub(crate) options: &'a NewDeviceArguments,
    pub(crate) site: &'a Site,
    pub(crate) terminal: &'a Terminal,
}

/// What stands in the store, and what the person is still to get.
pub(crate) struct Introduced {
    handout: Handout,
    symbol: Symbol,
    pub(crate) sheet: BackupSheet,
}

impl Introduced {
    pub(crate) fn print(&self, deed: Deed<'_>, by: &Introduction<'_>) -> Result<(), Failure> {
        self.handout.print(deed, &self.symbol, by.options, by.terminal)
    }
}

impl Introduction<'_> {
    /// Line 1 of stdin, or a new one.
    pub(crate) fn secret(&self) -> Result<SharedSecret, Failure> {
        if !self.options.secret_stdin {
            return Ok(SharedSecret::generate(self.plan.device.algorithm, &self.site.random)?);
        }
        let line = match self.terminal.ask_hidden("Secret (base32): ")? {
            Reply::Line(line) => line,
            Reply::End => Zeroizing::default(),
        };
        // What is no text is no base32 either.
        let secret = SharedSecret::from_base32(std::str::from_utf8(&line).unwrap_or("?")).map_err(Failure::Secret)?;
        if secret.is_short() && !self.options.allow_short_secret { Err(Failure::ShortSecret) } else { Ok(secret) }
    }

    /// What common apps get wrong about it, said once.
    pub(crate) fn warnings(&self, secret: &SharedSecret) -> Vec<String> {
        let warnings = self.plan.warnings(secret);
        warnings.iter().for_each(|warning| self.terminal.warn(warning));
        warnings
    }

    /// Shows, asks and commits. `None` where somebody else has changed the record meanwhile.
    pub(crate) fn carry_through(
        &self,
        draft: Draft,
        heading: String,
        warnings: Vec<String>,
        store: &Store<'_>,
    ) -> Result<Option<Introduced>, Failure> {
        let draft = draft.beginning_at(self.plan.first_counter);
        let handout = Handout::of(&draft, self.plan, self.account)?;
        let symbol = Symbol::of(&handout.uri)?;
        let interruption = self.terminal.interruption();
        let blank = self.options.sheet.as_ref().map(|sheet| Blank::make(sheet, interruption)).transpose()?;
        self.write_images(&symbol)?;
        let confirmed = if self.options.no_confirm {
            draft.vouched_for()
        } else {
            confirmation::ask(draft, &handout.sheet(heading, self.plan, warnings), &symbol, self)?
        };
        if let Some(blank) = blank {
            self.write_sheet(blank, &handout, confirmed.backup_sheet())?;
        }
        interruption.settle();
        let sheet = match store.commit(confirmed, self.site.now()?.wall) {
            Ok(sheet) => sheet,
            Err(CommitFailure::Changed) => return Ok(None),
            Err(CommitFailure::Fault(fault)) => return Err(fault.into()),
        };
        interruption.keep_files();
        Ok(Some(Introduced { handout, symbol, sheet }))
    }

    /// Before the confirmation, since a person may scan the file instead of the screen; gone again if nothing comes of it.
    fn write_images(&self, symbol: &Symbol) -> Result<(), Failure> {
        if let Some(path) = &self.options.qr_png {
            image::write_png(symbol, path, self.terminal.interruption())?;
        }
        if let Some(path) = &self.options.qr_svg {
            image::write_svg(symbol, path, self.terminal.interruption())?;
        }
        Ok(())
    }

    /// After the confirmation, since a hand-out that exists is handed out; before the commit, since what is in the store
    /// has to be on paper. Gone again if the commit fails.
    fn write_sheet(&self, blank: Blank, handout: &Handout, codes: &BackupSheet) -> Result<(), Failure> {
        let symbol = Symbol::for_paper(&handout.uri)?;
        blank.fill(&Page {
            user: self.account.name().as_str(),
            host: &host_name(),
            at: self.site.now()?.wall,
            contact: self.site.config.enroll().contact.as_deref(),
            device: Some(handout.to_set_up(self.plan, &symbol)),
            backup_codes: Some(codes),
        })
    }

    pub(crate) fn no_draft(&self, error: DraftError) -> Failure {
        Failure::of_draft(self.account.name().as_str(), error)
    }
}
