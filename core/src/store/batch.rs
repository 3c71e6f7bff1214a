// SPDX-License-Identifier: MIT OR Apache-2.0
//! Many first enrollments, durable at the end of a batch and not one by one: drafts and hand-outs are written, flushed
//! together, and only then do the drafts get their names. Whoever is enrolled has a hand-out, whenever the power goes.

mod handouts;

use std::fs::File;
use std::os::fd::AsFd;

use crate::enrollment::{Basis, Confirmed, Purpose};
use crate::error::{Fault, OrFault};
use crate::store::batch::handouts::Handout;
use crate::store::invited::remove_invitation;
use crate::store::layout::Subject;
use crate::store::place::{DraftFile, NewFile, Placing, Under};
use crate::store::{CommitFailure, Store};
use crate::user::Account;

pub use handouts::{HandoutName, Handouts};

/// First enrollments that become durable together. Dropped, it leaves neither a draft nor a hand-out behind.
#[must_use = "nobody is enrolled before it is committed"]
pub struct Batch<'s> {
    store: &'s Store<'s>,
    handouts: &'s Handouts,
    people: Vec<Drafted<'s>>,
}

/// Written, not flushed: enrolled is nobody by it.
struct Drafted<'s> {
    account: Account,
    draft: DraftFile<'s>,
    handout: Handout<'s>,
}

/// What became of each person of a batch.
pub type Committed = Vec<(Account, Result<(), CommitFailure>)>;

impl<'r> Store<'r> {
    /// Begins a batch.
    ///
    /// # Errors
    ///
    /// [`Fault`] where the store cannot be verified.
    pub fn batch(&'r self, handouts: &'r Handouts) -> Result<Batch<'r>, Fault> {
        // Said before anything is written. Which key it is may change until a draft is.
        drop(self.marker_key()?);
        Ok(Batch { store: self, handouts, people: Vec::new() })
    }
}

impl Batch<'_> {
    /// Writes somebody's draft and hand-out.
    ///
    /// # Errors
    ///
    /// [`CommitFailure::Changed`] where the account is enrolled by now, or where the draft was not made for the absence of
    /// a record; [`CommitFailure::Fault`]. Nothing of this person is left then, and the others of the batch stay in it.
    pub fn add(&mut self, confirmed: Confirmed, name: HandoutName, bytes: &[u8]) -> Result<(), CommitFailure> {
        let Confirmed { account, purpose, record, ledger, .. } = confirmed;
        match purpose {
            Purpose::Record(Basis::Absent(_)) => {}
            Purpose::Record(Basis::Record(_)) | Purpose::AnotherDevice(_) => return Err(CommitFailure::Changed),
        }
        let file = NewFile { under: Under::Marker, subject: Subject::of(&account), record: &record };
        // The draft first: it knows whether there is a record, whose hand-out must stay.
        let draft = self.store.write_draft(&file, &ledger, Placing::Beside)?;
        let handout = self.handouts.write(name, account.uid(), record.enrolled_at, bytes)?;
        self.people.push(Drafted { account, draft, handout });
        Ok(())
    }

    /// How many people are in it.
    #[must_use]
    pub fn len(&self) -> usize {
        self.people.len()
    }

    /// Whether nobody is in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.people.is_empty()
    }

    /// Makes all of it durable, and only then enrolls: one flush for each file system and one for the directory.
    ///
    /// # Errors
    ///
    /// [`Fault`] where the hand-outs or drafts could not be flushed: nobody of the batch is enrolled then. Or where the
    /// directory could not: they are enrolled, and their hand-outs stay, unless the power goes before the disk has it.
    pub fn commit(mut self) -> Result<Committed, Fault> {
        self.flush()?;
        let mut committed = Vec::new();
        // A login of theirs waits until it is sure that they are enrolled.
        let mut locked_until_durable: Vec<Option<File>> = Vec::new();
        for Drafted { account, draft, handout } in std::mem::take(&mut self.people) {
            let placed = draft.place(Placing::Beside).map(|locked| {
                locked_until_durable.push(locked);
                handout.keep();
            });
            committed.push((account, placed));
        }
        let users = &self.store.users;
        rustix::fs::fsync(users).or_fault(users.path(), "flush")?;
        drop(locked_until_durable);
        for (account, _) in committed.iter().filter(|(_, placed)| placed.is_ok()) {
            // Void from here on, so that one that cannot be removed does no harm; `remove` tries again.
            let _: Result<bool, Fault> = remove_invitation(users, account.uid());
        }
        self.handouts.settled()?;
        Ok(committed)
    }

    /// syncfs(2) tells of every write that failed since the descriptor was opened, which is before any of ours.
    fn flush(&self) -> Result<(), Fault> {
        let (users, handouts) = (&self.store.users, self.handouts);
        handouts.flush()?;
        if !self.is_beside_the_handouts()? {
            rustix::fs::syncfs(users).or_fault(users.path(), "flush")?;
        }
        Ok(())
    }

    fn is_beside_the_handouts(&self) -> Result<bool, Fault> {
        let users = &self.store.users;
        let device = rustix::fs::fstat(users.as_fd()).or_fault(users.path(), "stat")?.st_dev;
        Ok(device == self.handouts.device()?)
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        if !self.people.is_empty() {
            self.people.clear();
            // What cannot be noted is looked at again by whoever comes next.
            let _: Result<(), Fault> = self.handouts.settled();
        }
    }
}
