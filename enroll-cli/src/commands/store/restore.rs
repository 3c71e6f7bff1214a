// SPDX-License-Identifier: MIT OR Apache-2.0
//! `store restore`: people out of a backup. First all of it is read and compared, then somebody agrees, then each person is
//! put in place under their lock, compared once more.

use std::path::{Path, PathBuf};

use nightlatch::audit::escaped;
use nightlatch::config::DEFAULT_PATH;
use nightlatch::error::Fault;
use nightlatch::restoration::Standing;
use nightlatch::store::{self, ArchivedRecord, Consent, Restored, Store};
use nightlatch::user::{Account, AccountError};

use crate::Outcome as Ended;
use crate::archive::{Archive, Contents, Entry};
use crate::arguments::{Form, StoreRestoreArguments};
use crate::commands::store::passphrase;
use crate::commands::store::people::{Outcome, Person, notes};
use crate::failure::words::sentence_of;
use crate::failure::{Failure, Status};
use crate::json::{self, SCHEMA, StoreRestored};
use crate::progress::Progress;
use crate::site::Site;
use crate::terminal::Terminal;

/// What all of a restore is about.
struct Restoration<'a> {
    options: &'a StoreRestoreArguments,
    site: Site,
    config_path: PathBuf,
    archive: Archive,
    contents: Contents,
    terminal: &'a Terminal,
}

pub(crate) fn run(options: &StoreRestoreArguments, named: Option<&Path>, terminal: &Terminal) -> Ended {
    // A store is made where the config says: not at the usual place because of a typing error in --config.
    let (site, config_path) = (Site::read(named)?, named.unwrap_or(Path::new(DEFAULT_PATH)).to_owned());
    let archive = Archive::open(&options.file, || passphrase::known(terminal))?;
    let contents = archive.examine()?;
    Restoration { options, site, config_path, archive, contents, terminal }.run()
}

impl Restoration<'_> {
    fn run(&self) -> Ended {
        let (mut people, invited) = self.compare()?;
        if let Some(user) = self.options.users.iter().find(|user| !people.iter().any(|person| is_named(person, user))) {
            return Err(Failure::NotInTheBackup { path: self.options.file.clone(), user: user.clone() });
        }
        if !self.options.dry_run && people.iter().any(Person::has_work) {
            let consent = self.agree(&people)?;
            people = self.restore(consent)?;
            self.terminal.interruption().settle();
        }
        self.print(&people, invited)?;
        let left_out = people.iter().any(|person| person.outcome == Outcome::Left);
        Ok(if left_out { Status::Fault } else { Status::Done })
    }

    /// How everybody stands, and whose invitation is in the backup.
    fn compare(&self) -> Result<(Vec<Person>, Vec<u32>), Failure> {
        let store = match self.site.store() {
            Ok(store) => Some(store),
            // A bare host: all are new. Or else what is restored would be taken for what was used there since.
            Err(Failure::Store(Fault::Missing { path, .. })) => {
                self.terminal.warn(&format!(
                    "{}: nothing there, so that everybody is new; where it is only not mounted, mount it first",
                    path.display()
                ));
                None
            }
            Err(failure) => return Err(failure),
        };
        let (mut people, mut invited) = (Vec::new(), Vec::new());
        self.archive.each_entry(|entry, bytes| {
            match entry {
                Entry::Person(uid) => {
                    let standing = |archived: &ArchivedRecord| match &store {
                        Some(store) => archived.compare(store, self.site.now()?.wall),
                        None => Ok(Standing::New),
                    };
                    people.extend(self.person(uid, bytes, |archived| {
                        let standing = match standing(archived) {
                            // Its key, or its marker: restoring makes good what it can.
                            Err(Fault::Missing { .. }) => Standing::New,
                            compared => compared?,
                        };
                        let outcome = match &standing {
                            Standing::Same | Standing::Older => Outcome::Unchanged,
                            Standing::New | Standing::UnreadableHere | Standing::Newer | Standing::Differs { .. } => {
                                Outcome::WouldRestore
                            }
                        };
                        Ok((standing, outcome))
                    }));
                }
                Entry::Invitation(uid) if self.options.users.is_empty() => invited.push(uid),
                Entry::Marker | Entry::Key(_) | Entry::Invitation(_) => {}
            }
            Ok(())
        })?;
        Ok((people, invited))
    }

    /// Asks what has to be asked.
    fn agree(&self, people: &[Person]) -> Result<Consent, Failure> {
        let consent = if self.options.allow_used_codes { Consent::Revive } else { Consent::KeepVoid };
        if self.options.yes {
            return Ok(consent);
        }
        let shown: String = people.iter().map(Person::text).collect();
        self.terminal.show(shown.as_bytes());
        let with_work = people.iter().filter(|person| person.has_work());
        let revived = with_work.clone().filter(|person| !person.revivals().is_empty()).count();
        self.terminal.ask_agreement(&format!("Restore {} of {} people?", with_work.count(), people.len()))?;
        if revived == 0 {
            return Ok(Consent::KeepVoid);
        }
        let question = format!("For {revived} of them something void would be accepted again, as shown. Those too?");
        match self.terminal.ask_agreement(&question) {
            Ok(()) => Ok(Consent::Revive),
            Err(Failure::NotAgreed) => Ok(Consent::KeepVoid),
            Err(failure) => Err(failure),
        }
    }

    fn restore(&self, consent: Consent) -> Result<Vec<Person>, Failure> {
        let (site, interruption) = (&self.site, self.terminal.interruption());
        let Contents { marker, keys, .. } = &self.contents;
        let made =
            interruption.step(|| store::receive(&site.config, &self.config_path, marker, keys, &site.random))??;
        for made in made {
            self.terminal.note(&format!("made the {}: {}", made.part, made.path.display()));
        }
        let store = site.store()?;
        let mut people = Vec::new();
        let mut progress = Progress::begin(self.terminal, self.contents.people);
        self.archive.each_entry(|entry, bytes| {
            let Entry::Person(uid) = entry else { return Ok(()) };
            let person =
                interruption.step(|| self.person(uid, bytes, |archived| self.put(archived, &store, consent)))?;
            people.extend(person);
            progress.at(u64::try_from(people.len()).unwrap_or(u64::MAX));
            Ok(())
        })?;
        Ok(people)
    }

    fn put<'s>(
        &self,
        archived: &ArchivedRecord,
        store: &'s Store<'s>,
        consent: Consent,
    ) -> Result<(Standing, Outcome), Fault> {
        Ok(match archived.restore(store, consent, self.site.now()?.wall)? {
            Restored::Written(standing) => (standing, Outcome::Restored),
            Restored::Unchanged(standing) => (standing, Outcome::Unchanged),
            Restored::Left(standing) => (standing, Outcome::Left),
        })
    }

    /// One person of the backup, if that one is asked for. What is wrong with one leaves the others to do.
    fn person(
        &self,
        uid: u32,
        bytes: &[u8],
        act: impl FnOnce(&ArchivedRecord) -> Result<(Standing, Outcome), Fault>,
    ) -> Option<Person> {
        let path = self.options.file.join(format!("store/users/{uid}"));
        let left = |user, reason| Person {
            user,
            uid,
            standing: None,
            outcome: Outcome::Left,
            notes: Vec::new(),
            reason: Some(reason),
        };
        let archived = match store::open_archived(&self.site.config, &path, uid, bytes, &self.contents.keys) {
            Ok(archived) => archived,
            Err(fault) if self.options.users.is_empty() => return Some(left(None, sentence_of(&fault))),
            Err(_) => return None,
        };
        let user = archived.name().as_str().to_owned();
        if !self.options.users.is_empty() && !self.options.users.contains(&user) {
            return None;
        }
        let belongs = match whose(&archived) {
            Ok(note) => note,
            Err(reason) => return Some(left(Some(user), reason)),
        };
        Some(match act(&archived) {
            Ok((standing, outcome)) => {
                let mut notes = notes(&archived, &standing, &self.contents.made_at);
                notes.extend(belongs);
                let reason = (outcome == Outcome::Left).then(|| {
                    "not agreed to: say --allow-used-codes with --yes, or run it on a terminal and agree".to_owned()
                });
                let notes = if outcome == Outcome::Left { Vec::new() } else { notes };
                Person { user: Some(user), uid, standing: Some(standing), outcome, notes, reason }
            }
            Err(fault) => left(Some(user), sentence_of(&fault)),
        })
    }

    fn print(&self, people: &[Person], invited: Vec<u32>) -> Result<(), Failure> {
        let changed = people.iter().any(|person| person.outcome == Outcome::Restored);
        match self.terminal.form() {
            Form::Json => self.terminal.result(&json::line(&StoreRestored {
                schema: SCHEMA,
                changed,
                dry_run: self.options.dry_run,
                made_at: self.contents.made_at.clone(),
                host: self.contents.host.clone(),
                people: people.iter().map(Person::object).collect(),
                invited_uids: invited,
            })),
            Form::Text => {
                let Contents { made_at, host, .. } = &self.contents;
                let mut text = format!("backup of {}, {}\n", escaped(host), escaped(made_at));
                people.iter().for_each(|person| text.push_str(&person.text()));
                for uid in invited {
                    text.push_str(&format!(
                        "uid {uid} was invited: not put back, since it may have been used; 'nightlatch invite USER'\n"
                    ));
                }
                self.terminal.result(text.as_bytes())
            }
        }
    }
}

fn is_named(person: &Person, user: &str) -> bool {
    person.user.as_deref() == Some(user)
}

/// Whether the uid is this person's here: a file for another would lock that one out. What is to be done where the account
/// has another uid, or is not there yet.
fn whose(archived: &ArchivedRecord) -> Result<Option<String>, String> {
    let (name, uid) = (archived.name(), archived.uid());
    let failed = |cause: AccountError| format!("{cause}");
    match Account::of_uid(uid).map_err(failed)? {
        Some(account) if account.name() == name => Ok(None),
        Some(account) => Err(format!(
            "uid {uid} is {}'s on this host: give {name} that uid here, or enroll {name} anew",
            account.name()
        )),
        None => match Account::resolve(name) {
            Ok(account) => Ok(Some(format!(
                "{name} has uid {} on this host: 'nightlatch rebind {name} --from-uid {uid}', or nobody logs in by it",
                account.uid()
            ))),
            Err(AccountError::Unknown | AccountError::Alias { .. }) => {
                Ok(Some(format!("there is no account {name} with uid {uid} on this host yet")))
            }
            Err(cause @ AccountError::LookupFailed { .. }) => Err(failed(cause)),
        },
    }
}
