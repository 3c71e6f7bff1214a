// SPDX-License-Identifier: MIT OR Apache-2.0
//! `import google-authenticator`: a file for each user, in the home directory or where `secret=` says.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use nightlatch::import::google::{self, MAX_BYTES};
use nightlatch::import::{TakenOver, Terms};
use nightlatch::user::Account;
use zeroize::Zeroizing;

use crate::Outcome;
use crate::accounts;
use crate::arguments::GoogleArguments;
use crate::commands::import::owner::Unread;
use crate::commands::import::{Plan, owner, read, terms};
use crate::failure::Failure;
use crate::site::Site;
use crate::terminal::Terminal;

const FILE: &str = ".google_authenticator";

/// Where somebody's file is.
enum Place<'a> {
    Home,
    Named(PathBuf),
    Template(&'a str),
}

pub(crate) fn run(options: &GoogleArguments, site: &Site, terminal: &Terminal) -> Outcome {
    let place = place(options)?;
    let terms = terms(&options.taking, site)?;
    let store = site.store()?;
    let mut plan = Plan::new(site, &store, terminal)?;
    if options.all {
        for user in everybody()? {
            match site.account(&user) {
                Ok(account) => match contents(&account, &place) {
                    // Whoever has no file was never asked by google-authenticator, and nobody misses them here.
                    Err(NotRead { likely: Likely::NoFile, .. }) => {}
                    // Homes that are root's are given to accounts of services too; nobody knows whether a file is there.
                    Err(NotRead { likely: Likely::NoneOfTheirs, reason }) => {
                        terminal.warn(&format!("{user}: {reason}"))
                    }
                    contents => plan.add(&user, |_| parsed(contents, &terms)),
                },
                // A second name of an account; the account itself is in the list too.
                Err(failure) => terminal.warn(&format!("{failure}; {}", failure.remedy())),
            }
        }
    } else {
        for user in &options.users {
            plan.add(user, |account| parsed(contents(account, &place), &terms));
        }
    }
    plan.carry_out(&options.taking, terminal)
}

fn place(options: &GoogleArguments) -> Result<Place<'_>, Failure> {
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    match (&options.file, &options.path) {
        (Some(_), _) if options.users.len() != 1 => Err(Failure::usage(
            "the file of --file is one user's, and several are named",
            "name one user, or say --path with {user} in it",
        )),
        (Some(file), _) => Ok(Place::Named(absolute(file))),
        (None, Some(path)) if !path.starts_with('/') || !path.contains("{user}") => Err(Failure::usage(
            "what --path says begins with '/' and has {user} in it",
            "write it like /var/lib/ga/{user}",
        )),
        (None, Some(path)) => Ok(Place::Template(path)),
        (None, None) => Ok(Place::Home),
    }
}

/// A file that was not read.
struct NotRead {
    reason: String,
    likely: Likely,
}

/// What it most likely means.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Likely {
    /// There is none.
    NoFile,
    /// Its owner cannot read it, and so the old module never has.
    NoneOfTheirs,
    /// There is one, and something is wrong with it.
    Trouble,
}

impl Likely {
    fn of(unread: Unread) -> Self {
        match unread {
            Unread::NotThere => Self::NoFile,
            Unread::Denied => Self::NoneOfTheirs,
            Unread::SymbolicLink
            | Unread::NotAFile
            | Unread::HardLinks
            | Unread::NotTheirs
            | Unread::TooLarge
            | Unread::Failed
            | Unread::TooManyRights
            | Unread::NoAnswer => Self::Trouble,
        }
    }
}

fn contents(account: &Account, place: &Place<'_>) -> Result<Zeroizing<Vec<u8>>, NotRead> {
    let other = |reason: String| NotRead { reason, likely: Likely::Trouble };
    match place {
        Place::Home => {
            let home = account.home().map_err(|error| other(error.to_string()))?;
            let path = home.join(FILE);
            if !home.is_absolute() {
                return Err(NotRead { reason: "has no home directory".to_owned(), likely: Likely::NoFile });
            }
            owner::read_as(account, &path).map_err(|unread| NotRead {
                reason: format!("{} {}", path.display(), unread.words()),
                likely: Likely::of(unread),
            })
        }
        Place::Named(path) => read(path, MAX_BYTES, Some(account)).map_err(other),
        Place::Template(template) => {
            let path = PathBuf::from(template.replace("{user}", account.name().as_str()));
            read(&path, MAX_BYTES, Some(account)).map_err(|reason| {
                let is_absence = reason.ends_with(Unread::NotThere.words());
                NotRead { reason, likely: if is_absence { Likely::NoFile } else { Likely::Trouble } }
            })
        }
    }
}

fn parsed(contents: Result<Zeroizing<Vec<u8>>, NotRead>, terms: &Terms) -> Result<TakenOver, String> {
    let contents = contents.map_err(|not_read| not_read.reason)?;
    google::read(&contents, terms).map_err(|not_taken| not_taken.to_string())
}

/// The names of all accounts that the name service lists, in its order, each once.
fn everybody() -> Result<Vec<String>, Failure> {
    let listed = accounts::passwd()?;
    let text = String::from_utf8_lossy(&listed);
    let (mut names, mut known) = (Vec::new(), HashSet::new());
    for name in text.lines().filter_map(|line| line.split(':').next()).filter(|name| !name.is_empty()) {
        if known.insert(name) {
            names.push(name.to_owned());
        }
    }
    Ok(names)
}
