// SPDX-License-Identifier: MIT OR Apache-2.0
//! A record for an account that was renamed or has another uid: resealed for the new identity, with the ledger that goes
//! on. There is one copy of it at every moment, so that no older ledger is left behind under which a used code is fresh.

use rustix::fs::{OFlags, RenameFlags};
use rustix::io::Errno;

use crate::clock::UnixTime;
use crate::error::{Fault, OrFault};
use crate::store::invited::remove_invitation;
use crate::store::layout::Subject;
use crate::store::lock::LockedDirectory;
use crate::store::place::{NewFile, Placing, Under};
use crate::store::{CommitFailure, LockFailure, OpenRecord, Person, Store, lock, waiver};
use crate::user::Account;

/// Why a record was not given to its account's new identity.
#[derive(Debug)]
pub enum RebindFailure {
    /// There is no such record.
    NotEnrolled,
    /// The account has a record of its own.
    Enrolled,
    /// Everything else.
    Fault(Fault),
}

impl From<Fault> for RebindFailure {
    fn from(fault: Fault) -> Self {
        Self::Fault(fault)
    }
}

impl From<CommitFailure> for RebindFailure {
    fn from(failure: CommitFailure) -> Self {
        match failure {
            CommitFailure::Changed => Self::Enrolled,
            CommitFailure::Fault(fault) => Self::Fault(fault),
        }
    }
}

impl<'r> Store<'r> {
    /// Gives a person's record to an account: devices, backup codes, failures and used codes go with it. Whether something
    /// was changed. Whoever was interrupted does it again.
    ///
    /// # Errors
    ///
    /// [`RebindFailure`]; the record is then where it was, or where doing it again finds it.
    pub fn rebind(&'r self, person: &Person, to: &Account, now: UnixTime) -> Result<bool, RebindFailure> {
        let from = person.uid;
        let locked = self.lock_uid(from).map_err(|failure| match failure {
            LockFailure::NotEnrolled(_) => RebindFailure::NotEnrolled,
            LockFailure::Fault(fault) => RebindFailure::Fault(fault),
        })?;
        let open = locked.open_to_rebind(person, to)?;
        let is_made_for_it = open.subject() == Some(&Subject::of(to));
        match (is_made_for_it, from == to.uid()) {
            (true, true) => return Ok(false),
            (false, true) => self.reseal(open, to, now, Target::SameFile)?,
            (false, false) => self.reseal(open, to, now, Target::AnotherFile { from })?,
            (true, false) => self.move_file(&open, from, to)?,
        }
        Ok(true)
    }

    fn reseal(
        &'r self,
        mut open: OpenRecord<'r>,
        to: &Account,
        now: UnixTime,
        target: Target,
    ) -> Result<(), RebindFailure> {
        let ledger = open.ledger_to_carry(now);
        open.record.changed_at = now;
        // Not the key that it had: while that is being replaced, nothing new is sealed under it.
        let file = NewFile { under: Under::Marker, subject: Subject::of(to), record: open.record() };
        match target {
            Target::SameFile => Ok(self.put(&file, &ledger, Placing::Over)?),
            Target::AnotherFile { from } => {
                let path = self.users.path().join(lock::file_name(from));
                // Under the new uid's draft name, so that whoever enrolls that uid waits for us.
                let draft = self.write_draft(&file, &ledger, Placing::Beside)?;
                rustix::fs::fsync(&draft.file).or_fault(&path, "flush")?;
                let directory = LockedDirectory::wait_for(&self.users)?;
                self.is_free(to)?;
                // In the place of the old writing first: a crash after this leaves a file that opens for nobody, and that
                // doing it again moves on.
                let locked = draft.place_as(from, Placing::Over)?;
                rustix::fs::fsync(&self.users).or_fault(&path, "flush")?;
                self.move_to(&open, from, to)?;
                drop((directory, locked));
                Ok(())
            }
        }
    }

    /// What was resealed for the account lies under the old uid still.
    fn move_file(&self, open: &OpenRecord<'_>, from: u32, to: &Account) -> Result<(), RebindFailure> {
        let directory = LockedDirectory::wait_for(&self.users)?;
        self.is_free(to)?;
        self.move_to(open, from, to)?;
        drop(directory);
        Ok(())
    }

    fn is_free(&self, to: &Account) -> Result<(), RebindFailure> {
        match lock::open_person(&self.users, to.uid(), OFlags::RDONLY)? {
            Some(_) => Err(RebindFailure::Enrolled),
            None => Ok(()),
        }
    }

    fn move_to(&self, open: &OpenRecord<'_>, from: u32, to: &Account) -> Result<(), RebindFailure> {
        let (users, uid) = (&self.users, to.uid());
        let path = users.path().join(lock::file_name(uid));
        if let Some(waiver) = &open.record().waiver {
            waiver::make_hint(users, uid, waiver.until)?;
        }
        let (old, new) = (lock::file_name(from), lock::file_name(uid));
        match rustix::fs::renameat_with(users, &old, users, &new, RenameFlags::NOREPLACE) {
            Ok(()) => {}
            Err(Errno::EXIST) => return Err(RebindFailure::Enrolled),
            Err(errno) => return Err(Fault::io(&path, "rename", errno).into()),
        }
        // Beside a record both are void; what comes back after a power cut hints at nothing.
        waiver::remove_hint(users, from)?;
        remove_invitation(users, from)?;
        remove_invitation(users, uid)?;
        Ok(rustix::fs::fsync(users).or_fault(&path, "flush")?)
    }
}

/// Where the record goes.
#[derive(Clone, Copy)]
enum Target {
    /// The name changed, the uid did not.
    SameFile,
    AnotherFile {
        from: u32,
    },
}
