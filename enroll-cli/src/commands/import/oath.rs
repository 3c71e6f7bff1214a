// SPDX-License-Identifier: MIT OR Apache-2.0
//! `import oath`: one file with the tokens of everybody.

use nightlatch::import::oath::{self, MAX_BYTES, Person};

use crate::Outcome;
use crate::arguments::OathArguments;
use crate::commands::import::{Plan, read, terms};
use crate::failure::Failure;
use crate::site::Site;
use crate::terminal::Terminal;

pub(crate) fn run(options: &OathArguments, site: &Site, terminal: &Terminal) -> Outcome {
    let path = std::path::absolute(&options.file).unwrap_or_else(|_| options.file.clone());
    let terms = terms(&options.taking, site)?;
    // A file in a home directory (usersfile=${HOME}/...) is its owner's, and speaks for nobody else.
    let owner = match options.users.as_slice() {
        [only] => Some(site.account(only)?),
        _ => None,
    };
    let bytes = read(&path, MAX_BYTES, owner.as_ref()).map_err(|reason| Failure::NothingToImport { path, reason })?;
    let mut people = oath::read(&bytes, &terms);
    let store = site.store()?;
    let mut plan = Plan::new(site, &store, terminal)?;
    if options.users.is_empty() {
        people.into_iter().for_each(|person| add(&mut plan, person));
    } else {
        for user in &options.users {
            match people.iter().position(|person| person.user == user.as_bytes()) {
                Some(place) => add(&mut plan, people.swap_remove(place)),
                None => plan.refuse(user, "no line of the file is about this user"),
            }
        }
    }
    plan.carry_out(&options.taking, terminal)
}

fn add(plan: &mut Plan<'_>, person: Person<'_>) {
    match std::str::from_utf8(person.user) {
        Ok(user) => plan.add(user, |_| person.tokens.map_err(|not_taken| not_taken.to_string())),
        Err(_) => plan.refuse(&String::from_utf8_lossy(person.user), "the name is not UTF-8"),
    }
}
