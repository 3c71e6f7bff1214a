// SPDX-License-Identifier: MIT OR Apache-2.0
//! Invitations on the disk: a sealed file beside the records says that somebody who is not enrolled may enroll in a login.
//! Only one that unseals for this very account counts, in its time. It is no record, and whoever has one is not enrolled.

use rustix::fs::{AtFlags, Mode, RenameFlags};
use rustix::io::Errno;

use crate::clock::UnixTime;
use crate::error::{Fault, OrFault, Part};
use crate::invitation::{InvitationTerms, TERMS_BYTES};
use crate::record::Version;
use crate::secret::MasterKey;
use crate::store::init::make_file;
use crate::store::keys::Keyring;
use crate::store::layout::{FileKind, HEADER_BYTES, Header, NotAHeader, SEAL_BYTES, Subject};
use crate::store::lock::LockedDirectory;
use crate::store::seal::{SealedPart, SealingKey};
use crate::store::{KeyId, Listed, NotEnrolled, Person, RecordId, Store, uids_with};
use crate::trusted::{Privacy, Trust, TrustedDirectory, TrustedFile};
use crate::user::Account;

/// The store's word that an account is not enrolled, and that an administrator's invitation for it holds now. Built in
/// [`Store::invited`] and nowhere else.
///
/// ```compile_fail,E0451
/// let forged = nightlatch::store::Invited { account: todo!(), until: todo!(), not_enrolled: todo!() };
/// ```
#[derive(Debug, PartialEq, Eq)]
pub struct Invited {
    account: Account,
    until: UnixTime,
    not_enrolled: NotEnrolled,
}

impl Invited {
    #[cfg(test)]
    pub(crate) fn for_test(account: Account, until: UnixTime) -> Self {
        Self { account, until, not_enrolled: NotEnrolled::for_test() }
    }

    /// Who may enroll.
    #[must_use]
    pub fn account(&self) -> &Account {
        &self.account
    }

    /// Until when.
    #[must_use]
    pub fn until(&self) -> UnixTime {
        self.until
    }

    /// What it rests on.
    #[must_use]
    pub fn not_enrolled(&self) -> NotEnrolled {
        self.not_enrolled
    }
}

const SEALED_BYTES: usize = TERMS_BYTES + SEAL_BYTES;
const FILE_BYTES: usize = HEADER_BYTES + SEALED_BYTES;

impl Store<'_> {
    /// The invitation that holds now for an account that is not enrolled, or `None`: then the person is asked as ever.
    ///
    /// # Errors
    ///
    /// [`Fault`] where a file is there and is not root's alone, or does not unseal. That is no invitation either.
    pub fn invited(
        &self,
        account: &Account,
        not_enrolled: NotEnrolled,
        now: UnixTime,
    ) -> Result<Option<Invited>, Fault> {
        let terms = match self.invitation_of(account) {
            // Between file and key a rotation may have ended, which takes the old key away.
            Err(Fault::Missing { part: Part::Key, .. }) => self.invitation_of(account)?,
            found => found?,
        };
        let Some(terms) = terms else { return Ok(None) };
        let invited = Invited { account: account.clone(), until: terms.until(), not_enrolled };
        Ok(terms.holds_at(now).then_some(invited))
    }

    fn invitation_of(&self, account: &Account) -> Result<Option<InvitationTerms>, Fault> {
        let Some(sealed) = self.sealed_invitation(account.uid())? else { return Ok(None) };
        // Whoever had that uid before was invited, or the account had another name.
        if sealed.header.subject != Some(Subject::of(account)) {
            return Ok(None);
        }
        sealed.unseal(&Keyring::open(self.config.keys())?).map(Some)
    }

    pub(super) fn sealed_invitation(&self, uid: u32) -> Result<Option<SealedInvitation>, Fault> {
        let name = file_name(uid);
        let trust = Trust { privacy: Privacy::Private, max_bytes: FILE_BYTES };
        let Some(file) = TrustedFile::read(&self.users, name.as_ref(), trust)? else { return Ok(None) };
        let header = Header::from_bytes(file.contents(), FileKind::Invitation).map_err(|cause| match cause {
            NotAHeader::Damaged => Fault::Damaged { path: file.path().to_owned(), part: Part::Invitation },
            NotAHeader::Newer(version) => Fault::Newer { path: file.path().to_owned(), version },
        })?;
        Ok(Some(SealedInvitation { file, header }))
    }

    /// Invites somebody who is not enrolled, durably. An earlier invitation is void.
    ///
    /// # Errors
    ///
    /// [`Fault`]; the earlier one then stands.
    pub fn invite(&self, account: &Account, _word: NotEnrolled, terms: InvitationTerms) -> Result<(), Fault> {
        // Of two who invite at once, neither clears away what the other one writes. And whoever rotates the key writes the
        // marker first and then has this lock once: nobody puts an invitation in place under a key that is gone by then.
        let directory = LockedDirectory::wait_for(&self.users)?;
        let (key_id, master) = self.marker_key()?;
        self.put_invitation(&Subject::of(account), terms, key_id, &master, &directory)
    }

    pub(super) fn put_invitation(
        &self,
        subject: &Subject,
        terms: InvitationTerms,
        key_id: KeyId,
        master: &MasterKey,
        _locked: &LockedDirectory<'_>,
    ) -> Result<(), Fault> {
        let name = file_name(subject.uid);
        let path = self.users.path().join(&name);
        let does_not_fit = || Fault::DoesNotFit { path: path.clone(), part: Part::Invitation };
        let mut id = [0; 16];
        self.random.fill(&mut id)?;
        let record_id = RecordId(id);
        let subject = Some(subject.clone());
        let header = Header {
            kind: FileKind::Invitation,
            version: Version::First,
            key_id,
            record_id,
            subject,
            sealed_bytes: SEALED_BYTES,
        };
        let header = header.to_bytes().ok_or_else(does_not_fit)?;
        let key = SealingKey::derive(master, record_id).ok_or_else(does_not_fit)?;
        let mut bytes = header.to_vec();
        bytes.extend_from_slice(&key.seal(SealedPart::Invitation, &header, &terms.to_bytes(), self.random)?);
        let (draft, mode) = (format!(".{name}.new"), Mode::RUSR | Mode::WUSR);
        make_file(&self.users, &draft, name.as_ref(), mode, &bytes, RenameFlags::empty())
    }

    /// The uids that have the file of an invitation, whether it holds or not.
    ///
    /// # Errors
    ///
    /// [`Fault::Io`].
    pub fn uids_with_an_invitation(&self) -> Result<Vec<u32>, Fault> {
        uids_with(&self.users, ENDING)
    }

    /// Everybody who has the file of an invitation, by uid, whether it holds or not.
    ///
    /// # Errors
    ///
    /// [`Fault::Io`]. A file whose header is damaged is an error in its place of the list.
    pub fn people_with_an_invitation(&self) -> Result<Vec<Listed>, Fault> {
        let mut uids = self.uids_with_an_invitation()?;
        uids.sort_unstable();
        let listed = uids.into_iter().filter_map(|uid| Some((uid, self.invited_person(uid).transpose()?)));
        Ok(listed.collect())
    }

    /// `None` where it was ended since the list was read.
    fn invited_person(&self, uid: u32) -> Result<Option<Person>, Fault> {
        let Some(sealed) = self.sealed_invitation(uid)? else { return Ok(None) };
        let path = sealed.file.path().to_owned();
        let subject = sealed.header.subject.ok_or(Fault::Damaged { path, part: Part::Invitation })?;
        Ok(Some(Person { name: subject.name, uid, made_for: subject.uid }))
    }

    /// Ends somebody's invitation, durably; one that does not unseal too. Whether there was one.
    ///
    /// # Errors
    ///
    /// [`Fault::Io`].
    pub fn end_invitation(&self, account: &Account) -> Result<bool, Fault> {
        self.end_invitation_of(account.uid())
    }

    /// The same of a uid that may have no account any more.
    ///
    /// # Errors
    ///
    /// [`Fault::Io`].
    pub fn end_invitation_of(&self, uid: u32) -> Result<bool, Fault> {
        // Or a rotation that has just read it would put it back.
        let _directory = LockedDirectory::wait_for(&self.users)?;
        let was_there = remove_invitation(&self.users, uid)?;
        rustix::fs::fsync(&self.users).or_fault(self.users.path(), "flush")?;
        Ok(was_there)
    }
}

/// An invitation as it lies on the disk, its header read.
pub(super) struct SealedInvitation {
    file: TrustedFile,
    pub(super) header: Header,
}

impl SealedInvitation {
    pub(super) fn bytes(&self) -> &[u8] {
        self.file.contents()
    }

    /// With the key that its header names, as a record is: while a key is rotated, marker and invitations name two.
    pub(super) fn unseal(&self, keys: &Keyring) -> Result<InvitationTerms, Fault> {
        let damaged = || Fault::Damaged { path: self.file.path().to_owned(), part: Part::Invitation };
        let master = keys.load(self.header.key_id)?;
        let (bytes, sealed) = self.file.contents().split_first_chunk::<HEADER_BYTES>().ok_or_else(damaged)?;
        let key = SealingKey::derive(&master, self.header.record_id).ok_or_else(damaged)?;
        let plain = key.unseal(SealedPart::Invitation, bytes, sealed).ok_or_else(damaged)?;
        InvitationTerms::from_bytes(&plain).ok_or_else(damaged)
    }
}

const ENDING: &str = ".invited";

fn file_name(uid: u32) -> String {
    format!("{uid}{ENDING}")
}

/// The uids of all files that are named like invitations.
pub(super) fn invited_uids(users: &TrustedDirectory) -> Result<Vec<u32>, Fault> {
    uids_with(users, ENDING)
}

/// Removes the file; durable once the directory is flushed.
pub(super) fn remove_invitation(users: &TrustedDirectory, uid: u32) -> Result<bool, Fault> {
    match rustix::fs::unlinkat(users, file_name(uid), AtFlags::empty()) {
        Ok(()) => Ok(true),
        Err(Errno::NOENT) => Ok(false),
        Err(errno) => Err(Fault::io(&users.path().join(file_name(uid)), "remove", errno)),
    }
}
