// SPDX-License-Identifier: MIT OR Apache-2.0
//! `import`: takes over what another program has enrolled. First everything is read and nothing changed; then one record
//! after the other is put in place, each whole.

mod google;
mod oath;
mod owner;
mod report;

use std::collections::HashMap;
use std::hash::{BuildHasher as _, RandomState};
use std::path::Path;

use nightlatch::audit::escaped;
use nightlatch::enrollment::Confirmed;
use nightlatch::error::{Fault, Flaw};
use nightlatch::import::{ShortSecrets, TakenOver, Terms};
use nightlatch::secret::SharedSecret;
use nightlatch::store::{CommitFailure, Enrollment, LockFailure, NotEnrolled, Store};
use nightlatch::trusted::TrustedFile;
use nightlatch::user::Account;
use zeroize::Zeroizing;

use crate::Outcome;
use crate::arguments::{Form, ImportCommand, TakingOver};
use crate::commands::import::owner::Unread;
use crate::commands::import::report::{Came, Entry, Report};
use crate::failure::words::sentence_of;
use crate::failure::{Failure, Status};
use crate::json;
use crate::site::{Site, open_record};
use crate::terminal::Terminal;

pub(crate) fn run(
    command: &ImportCommand,
    site: impl FnOnce() -> Result<Site, Failure>,
    terminal: &Terminal,
) -> Outcome {
    match command {
        ImportCommand::GoogleAuthenticator(options) => google::run(options, &site()?, terminal),
        ImportCommand::Oath(options) => oath::run(options, &site()?, terminal),
        ImportCommand::ReadOwnFile { path } => owner::write_out(path),
    }
}

fn terms(options: &TakingOver, site: &Site) -> Result<Terms, Failure> {
    let short_secrets = if options.allow_short_secret { ShortSecrets::Allowed } else { ShortSecrets::Refused };
    Ok(Terms { now: site.now()?.wall, window: site.config.rules().window, short_secrets })
}

/// A file that lies anywhere: read by root where only root can change the way there, else as the user whose it is.
fn read(path: &Path, most: usize, account: Option<&Account>) -> Result<Zeroizing<Vec<u8>>, String> {
    let words = |unread: Unread| format!("{} {}", path.display(), unread.words());
    match (TrustedFile::read_of_another_program(path, most), account) {
        (Ok(Some(contents)), _) => Ok(contents),
        (Ok(None), _) => Err(words(Unread::NotThere)),
        (Err(Fault::Untrusted { .. }), Some(account)) => owner::read_as(account, path).map_err(|unread| {
            if unread == Unread::Denied {
                format!("{}, and root reads it only where nobody else can change the way there", words(unread))
            } else {
                words(unread)
            }
        }),
        // Named by mistake: nothing that is to be removed.
        (Err(Fault::Untrusted { flaw: Flaw::NotAFile | Flaw::NotADirectory, .. }), _) => Err(words(Unread::NotAFile)),
        (Err(fault), _) => Err(sentence_of(&fault)),
    }
}

/// Somebody who is to be taken over.
struct Candidate {
    account: Account,
    word: NotEnrolled,
    taken: TakenOver,
}

/// Everybody who is wanted, as far as it is known.
struct Plan<'s> {
    site: &'s Site,
    store: &'s Store<'s>,
    secrets: Secrets,
    people: Vec<(Entry, Option<Candidate>)>,
}

impl<'s> Plan<'s> {
    fn new(site: &'s Site, store: &'s Store<'s>, terminal: &Terminal) -> Result<Self, Failure> {
        Ok(Self { site, store, secrets: Secrets::of_store(store, terminal)?, people: Vec::new() })
    }

    /// Whoever is enrolled is left as they are, whatever the file says by now.
    fn add(&mut self, user: &str, read: impl FnOnce(&Account) -> Result<TakenOver, String>) {
        let found = match self.site.account(user) {
            Ok(account) => self.consider(&account, read),
            Err(failure) => {
                let mut entry = Entry::new(user, None);
                entry.refused(format!("{failure}; {}", failure.remedy()));
                (entry, None)
            }
        };
        self.people.push(found);
    }

    fn refuse(&mut self, user: &str, reason: impl Into<String>) {
        let mut entry = Entry::new(user, None);
        entry.refused(reason);
        self.people.push((entry, None));
    }

    fn consider(
        &mut self,
        account: &Account,
        read: impl FnOnce(&Account) -> Result<TakenOver, String>,
    ) -> (Entry, Option<Candidate>) {
        let mut entry = Entry::new(account.name().as_str(), Some(account.uid()));
        let word = match self.store.enrollment(account.named()) {
            Ok(Enrollment::NotEnrolled(word)) => word,
            // A record that is there has to open: one that is damaged, or another's, is no "there already".
            Ok(Enrollment::Enrolled(_)) => {
                match open_record(self.store, account) {
                    Ok(_) => entry.result = Came::Already,
                    Err(failure) => entry.refused(format!("{failure}; {}", failure.remedy())),
                }
                return (entry, None);
            }
            Err(fault) => {
                entry.refused(sentence_of(&fault));
                return (entry, None);
            }
        };
        if account.has_transient_uid() {
            entry.refused(format!("uid {} is handed out for a while only (DynamicUser, nobody)", account.uid()));
            return (entry, None);
        }
        let taken = match read(account) {
            Ok(taken) => taken,
            Err(reason) => {
                entry.refused(reason);
                return (entry, None);
            }
        };
        if let Some(other) = taken.devices.iter().find_map(|device| self.secrets.owner_of(&device.secret)) {
            let other = escaped(other);
            entry.refused(format!("the secret is {other}'s too: each would log in as the other; enroll anew"));
            return (entry, None);
        }
        taken.devices.iter().for_each(|device| self.secrets.note(&device.secret, entry.user.as_str()));
        entry.plan(&taken);
        (entry, Some(Candidate { account: account.clone(), word, taken }))
    }

    /// Does it, unless it is only asked for, and says what came of it.
    fn carry_out(self, options: &TakingOver, terminal: &Terminal) -> Outcome {
        let Self { site, store, people, .. } = self;
        if !options.dry_run && people.iter().any(|(_, candidate)| candidate.is_some()) {
            // From here on one record after the other; a signal would leave some done and some not, and nothing said.
            terminal.interruption().settle();
        }
        let mut entries = Vec::with_capacity(people.len());
        for (mut entry, candidate) in people {
            if let (false, Some(candidate)) = (options.dry_run, candidate) {
                commit(candidate, &mut entry, site, store)?;
            }
            entries.push(entry);
        }
        let report = Report::of(&entries);
        match terminal.form() {
            Form::Json => terminal.result(&json::line(&report))?,
            Form::Text if entries.is_empty() => terminal.note("nobody was found who could be taken over"),
            Form::Text => terminal.result(report.text().as_bytes())?,
        }
        Ok(if report.is_whole() { Status::Done } else { Status::Fault })
    }
}

fn commit(candidate: Candidate, entry: &mut Entry, site: &Site, store: &Store<'_>) -> Result<(), Failure> {
    let Candidate { account, word, taken } = candidate;
    let now = site.now()?.wall;
    let confirmed = match Confirmed::taken_over(account, word, taken, now, &site.random) {
        Ok(confirmed) => confirmed,
        Err(error) => {
            entry.refused(error.to_string());
            return Ok(());
        }
    };
    match store.commit(confirmed, now) {
        Ok(_no_codes_of_ours) => entry.result = Came::Imported,
        // Somebody else was quicker.
        Err(CommitFailure::Changed) => entry.result = Came::Already,
        Err(CommitFailure::Fault(fault)) => entry.refused(sentence_of(&fault)),
    }
    Ok(())
}

/// Whose each secret is (RFC 6238 §3 R7: a secret of one's own), by a hash that is another one in each run.
struct Secrets {
    hasher: RandomState,
    owners: HashMap<u64, Vec<(SharedSecret, String)>>,
}

impl Secrets {
    /// Of everybody who is enrolled. A record that does not open is found by `list`, and hinders nobody else.
    fn of_store(store: &Store<'_>, terminal: &Terminal) -> Result<Self, Failure> {
        let mut secrets = Self { hasher: RandomState::new(), owners: HashMap::new() };
        for (uid, person) in store.people()? {
            let opened = person.and_then(|person| match store.lock_uid(uid) {
                Ok(locked) => Ok(Some((person, locked.open_as_made()?))),
                Err(LockFailure::NotEnrolled(_)) => Ok(None),
                Err(LockFailure::Fault(fault)) => Err(fault),
            });
            match opened {
                Ok(Some((person, open))) => {
                    let devices = &open.record().devices;
                    devices.iter().for_each(|device| secrets.note(&device.secret, person.name.as_str()));
                }
                Ok(None) => {}
                Err(fault) => terminal.warn(&sentence_of(&fault)),
            }
        }
        Ok(secrets)
    }

    fn owner_of(&self, secret: &SharedSecret) -> Option<&str> {
        let same = self.owners.get(&self.hasher.hash_one(secret.expose_bytes()))?;
        same.iter().find(|(other, _)| other.is_same_as(secret)).map(|(_, owner)| owner.as_str())
    }

    fn note(&mut self, secret: &SharedSecret, owner: &str) {
        // It was one a moment ago, so that it is one now.
        if let Ok(copy) = SharedSecret::from_bytes(secret.expose_bytes()) {
            let hash = self.hasher.hash_one(secret.expose_bytes());
            self.owners.entry(hash).or_default().push((copy, owner.to_owned()));
        }
    }
}
