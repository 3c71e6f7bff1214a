// SPDX-License-Identifier: MIT OR Apache-2.0
//! `list`: everybody who is enrolled, or who is not, as far as the options leave them. Records are read one by one; what is
//! not printed is not kept.

mod printer;
mod selection;

use nightlatch::store::{Enrollment, LockFailure, NotEnrolled, Store};
use nightlatch::user::Account;

use crate::Outcome;
use crate::accounts::HostAccounts;
use crate::arguments::{Form, ListArguments, ListFormat};
use crate::commands::list::printer::Printer;
use crate::commands::list::selection::Selection;
use crate::commands::status::{of_nobody, of_record, warn_of_lost_slot, warn_of_unseen_waiver};
use crate::failure::{Failure, Status};
use crate::json::list::{ListedPerson, Orphan};
use crate::site::Site;
use crate::terminal::Terminal;

pub(crate) fn run(options: &ListArguments, site: &Site, terminal: &Terminal) -> Outcome {
    let format = format_of(options, terminal)?;
    let selection = Selection::of(options);
    let store = site.store()?;
    let accounts = if selection.needs_accounts() { Some(HostAccounts::list()?) } else { None };
    // Whatever can fail as a whole comes before the first byte on stdout.
    let uids = store.uids_with_a_file()?;
    let mut listing = Listing {
        site,
        terminal,
        store: &store,
        selection,
        accounts,
        printer: Printer::begin(format, options, terminal)?,
        is_whole: true,
    };
    if listing.selection.has_enrolled() {
        for uid in &uids {
            listing.enrolled(*uid)?;
        }
    }
    if listing.selection.has_not_enrolled() {
        match listing.not_enrolled(&uids) {
            Err(failure) if !matches!(failure, Failure::Output(_)) => listing.leave_out(&failure),
            done => done?,
        }
    }
    let Listing { printer, is_whole, .. } = listing;
    printer.end()?;
    // What is printed stays the only thing on stdout; the exit status says that it is not whole.
    Ok(if is_whole { Status::Done } else { Status::Fault })
}

fn format_of(options: &ListArguments, terminal: &Terminal) -> Result<ListFormat, Failure> {
    match (terminal.form(), options.format) {
        (Form::Text, format) => Ok(format.unwrap_or(ListFormat::Table)),
        (Form::Json, None | Some(ListFormat::Json)) => Ok(ListFormat::Json),
        (Form::Json, Some(ListFormat::Table | ListFormat::Csv)) => {
            Err(Failure::usage("--json and another --format", "say one of them"))
        }
    }
}

struct Listing<'l> {
    site: &'l Site,
    terminal: &'l Terminal,
    store: &'l Store<'l>,
    selection: Selection,
    /// Where the options ask for them.
    accounts: Option<HostAccounts>,
    printer: Printer<'l>,
    /// Nothing was left out that could not be read.
    is_whole: bool,
}

impl Listing<'_> {
    fn enrolled(&mut self, uid: u32) -> Result<(), Failure> {
        match self.read(uid) {
            Ok(Some(person)) => self.printer.person(person),
            Ok(None) => Ok(()),
            Err(failure) => {
                self.leave_out(&failure);
                Ok(())
            }
        }
    }

    fn leave_out(&mut self, failure: &Failure) {
        self.is_whole = false;
        self.terminal.warn(&format!("{failure}; {}", failure.remedy()));
    }

    /// A record, if it is one to be shown.
    fn read(&self, uid: u32) -> Result<Option<ListedPerson>, Failure> {
        let open = match self.store.lock_uid(uid) {
            Ok(locked) => locked.open_as_made()?,
            // Removed since the list was read.
            Err(LockFailure::NotEnrolled(_)) => return Ok(None),
            Err(LockFailure::Fault(fault)) => return Err(fault.into()),
        };
        warn_of_lost_slot(&open, self.terminal);
        warn_of_unseen_waiver(&open, uid, self.site, self.terminal)?;
        let user = open.made_for().map(ToString::to_string).unwrap_or_default();
        let has_short_secret = open.record().devices.iter().any(|device| device.secret.is_short());
        let status = of_record(&open, &user, uid, self.site)?;
        if !self.selection.is_fit(&status, has_short_secret) {
            return Ok(None);
        }
        if !self.selection.asks_for_orphans() {
            return Ok(Some(ListedPerson { status, orphan: None }));
        }
        // A database that does not answer makes no orphan.
        let no_answer = |cause| Failure::NoAccount { user: format!("uid {uid}"), cause };
        let now = match &self.accounts {
            Some(accounts) => accounts.of_uid(uid),
            None => Account::of_uid(uid),
        };
        let account_now = now.map_err(no_answer)?.map(|account| account.name().to_string());
        let is_orphan = account_now.as_ref() != Some(&user);
        Ok(is_orphan.then_some(ListedPerson { status, orphan: Some(Orphan { account_now }) }))
    }

    /// Accounts without a file; invitations are looked for only where there are files of them.
    fn not_enrolled(&mut self, uids: &[u32]) -> Result<(), Failure> {
        let mut invited = self.store.uids_with_an_invitation()?;
        invited.sort_unstable();
        let people = match &self.accounts {
            // Whoever was invited is shown, whether a system's account or one that its directory does not list.
            Some(accounts) if self.selection.asks_for_invited() => {
                invited.iter().filter_map(|uid| accounts.of_uid(*uid).ok().flatten()).collect()
            }
            Some(accounts) => accounts.people_without(uids),
            None => Vec::new(),
        };
        // One word for all of them: the store is verified once.
        let mut verified = None;
        for account in people {
            let word = match verified {
                Some(word) if !invited.contains(&account.uid()) => word,
                Some(_) | None => match self.store.enrollment(account.named())? {
                    Enrollment::NotEnrolled(word) => word,
                    // Enrolled since the list was read.
                    Enrollment::Enrolled(_) => continue,
                },
            };
            verified = Some(word);
            let until = if invited.contains(&account.uid()) { self.invited_until(&account, word)? } else { None };
            let status = of_nobody(&account, until);
            if self.selection.is_fit_without_a_record(&status) {
                self.printer.person(ListedPerson { status, orphan: None })?;
            }
        }
        Ok(())
    }

    fn invited_until(
        &self,
        account: &Account,
        word: NotEnrolled,
    ) -> Result<Option<nightlatch::clock::UnixTime>, Failure> {
        Ok(self.site.invited(self.store, account, word, self.terminal)?.map(|invited| invited.until()))
    }
}
