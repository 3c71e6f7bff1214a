// SPDX-License-Identifier: MIT OR Apache-2.0
//! Why a command did not do what it was asked for: each cause with its exit status, its word for machines and its path.
//! What a person is told stands in `words`. None of them ever holds a code or a secret.

pub(crate) mod words;

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use nightlatch::config::ConfigError;
use nightlatch::enrollment::DraftError;
use nightlatch::error::Fault;
use nightlatch::keypaper::NotAKey;
use nightlatch::qr::TooMuchForASymbol;
use nightlatch::record::DeviceError;
use nightlatch::secret::{NotACode, SecretError};
use nightlatch::user::{AccountError, NotAUserName};
use nightlatch::verify::resync::NotResynchronised;

use crate::paper::NoSuchLetter;

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// Done, or already so.
    Done,
    /// A fault of the host, the store or the config.
    Fault,
    /// Wrong usage.
    Usage,
    /// A code was refused: wrong, used, waiting, blocked.
    Refused,
    /// No such account or device, or not enrolled.
    NobodyThere,
    /// Already enrolled, or the name or the secret of a device is.
    AlreadyEnrolled,
    /// By Ctrl-C or a signal.
    Interrupted,
    /// `doctor` found warnings and no error.
    FoundWarnings,
    /// `doctor` found an error.
    FoundErrors,
}

impl Status {
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Fault => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::NobodyThere => 4,
            Self::AlreadyEnrolled => 5,
            Self::Interrupted => 130,
            Self::FoundWarnings => 10,
            Self::FoundErrors => 11,
        }
    }
}

/// A cause.
#[derive(Debug)]
pub(crate) enum Failure {
    NotRoot,
    Config(ConfigError),
    Store(Fault),
    NoAccount {
        user: String,
        cause: AccountError,
    },
    NotAUserName {
        user: String,
        cause: NotAUserName,
    },
    TransientUid {
        user: String,
        cause: DraftError,
    },
    NotEnrolled {
        who: String,
    },
    AlreadyEnrolled {
        user: String,
    },
    /// Somebody else changed the record between draft and commit.
    Overtaken {
        user: String,
    },
    /// A person's devices do not allow what was asked for.
    Device {
        user: String,
        cause: DeviceError,
    },
    /// Two codes did not say where a device stands.
    NotSetRight {
        user: String,
        device: String,
        cause: NotSetRight,
    },
    Usage {
        message: String,
        remedy: String,
    },
    Secret(SecretError),
    ShortSecret,
    /// Neither a code nor a word that none is wanted.
    NoCode {
        user: String,
    },
    NoCodeWasRight {
        user: String,
    },
    /// A question that nobody answered with yes.
    NotAgreed,
    NobodyToAsk,
    TerminalTooSmall,
    TooMuchForAQrCode,
    Input(std::io::Error),
    Output(std::io::Error),
    /// It is done, but its result could not be printed.
    DoneUnprinted(std::io::Error),
    /// The enrollment stands; what was to be shown once is lost.
    HandoutLost {
        user: String,
        remedy: String,
        source: Box<Failure>,
    },
    Interrupted,
    /// The hand-out's format has no letter for somebody's name.
    NotOnPaper {
        path: PathBuf,
        what: &'static str,
        cause: NoSuchLetter,
    },
    /// There is no record of that uid, whoever has it.
    NoRecord {
        uid: u32,
    },
    /// The host's accounts could not be listed.
    AccountsNotListed {
        cause: String,
    },
    /// A file of many people that is wrong; the lines were told one by one.
    WrongLines {
        file: String,
        count: usize,
        first: String,
    },
    /// A record is still its owner's, and not of the account that it was asked for.
    OwnerStays {
        owner: String,
        uid: u32,
        user: String,
        /// The record is where the owner's account looks for it.
        is_in_place: bool,
    },
    /// Several records were made for one name.
    SeveralRecords {
        name: String,
        uids: Vec<u32>,
    },
    /// The file of another program, as a whole.
    NothingToImport {
        path: PathBuf,
        reason: String,
    },
    /// The same between two of many steps: what was done stands.
    Halted,
    /// What was read is no master key.
    Paper(NotAKey),
    /// A file that is read or written as it was named.
    File {
        path: PathBuf,
        action: &'static str,
        source: std::io::Error,
    },
    /// A file is no backup, or not a whole one.
    NotABackup {
        path: PathBuf,
        cause: NotABackup,
    },
    /// A passphrase that nothing is encrypted to.
    Passphrase(&'static str),
    NotInTheBackup {
        path: PathBuf,
        user: String,
    },
    /// There is no record that was made for that name.
    NoRecordOf {
        name: String,
    },
    /// No line with a passphrase came.
    NoPassphrase,
    /// A record is not given to somebody who has one.
    OwnRecord {
        user: String,
    },
    /// A key is not put in the place of what does not hold it.
    KeyInTheWay {
        path: PathBuf,
    },
    /// A rotation ended after the new key was there: every file is whole, some under the old key still.
    HalfRotated(Fault),
}

/// Why a file is not restored from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotABackup {
    /// Its beginning is that of nothing that `store backup` writes.
    SomethingElse,
    /// It ends early, or a byte of it is another.
    Damaged,
    /// A newer program wrote it.
    Newer,
    /// The passphrase does not fit, or the header was changed.
    Passphrase,
    /// Its header asks for more memory than any of ours.
    TooCostly,
}

/// What was wrong with the codes that should have set a device right.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotSetRight {
    NotACode(NotACode),
    NotResynchronised(NotResynchronised),
}

impl Failure {
    pub(crate) fn usage(message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), remedy: remedy.into() }
    }

    pub(crate) fn of_draft(user: &str, error: DraftError) -> Self {
        let user = user.to_owned();
        match error {
            DraftError::Fault(fault) => Self::Store(fault),
            DraftError::NoRoom(cause) => Self::Device { user, cause },
            cause @ DraftError::TransientUid { .. } => Self::TransientUid { user, cause },
        }
    }

    /// What it is where the deed was done before: nobody shall take that for undone.
    pub(crate) fn after_the_deed(self) -> Self {
        if let Self::Output(error) = self { Self::DoneUnprinted(error) } else { self }
    }

    pub(crate) fn status(&self) -> Status {
        match self {
            Self::NotRoot
            | Self::Config(_)
            | Self::Store(_)
            | Self::TransientUid { .. }
            | Self::Overtaken { .. }
            | Self::TerminalTooSmall
            | Self::TooMuchForAQrCode
            | Self::Input(_)
            | Self::Output(_)
            | Self::DoneUnprinted(_)
            | Self::HandoutLost { .. }
            | Self::Paper(_)
            | Self::File { .. }
            | Self::NotABackup { .. }
            | Self::NotAgreed => Status::Fault,
            Self::NoAccount { cause, .. } => match cause {
                AccountError::Unknown | AccountError::Alias { .. } => Status::NobodyThere,
                AccountError::LookupFailed { .. } => Status::Fault,
            },
            Self::NotAUserName { .. } | Self::NotEnrolled { .. } | Self::NoRecord { .. } => Status::NobodyThere,
            Self::AlreadyEnrolled { .. } => Status::AlreadyEnrolled,
            Self::Usage { .. } | Self::Secret(_) | Self::ShortSecret | Self::NoCode { .. } | Self::NobodyToAsk => {
                Status::Usage
            }
            Self::NoCodeWasRight { .. } | Self::NotSetRight { .. } => Status::Refused,
            Self::Device { cause, .. } => match cause {
                DeviceError::Full | DeviceError::NoIdLeft => Status::Fault,
                DeviceError::NameTaken { .. } | DeviceError::SecretTaken { .. } => Status::AlreadyEnrolled,
                DeviceError::Unknown { .. } => Status::NobodyThere,
                DeviceError::Last { .. } => Status::Usage,
            },
            Self::NothingToImport { .. } => Status::Fault,
            Self::Passphrase(_) => Status::Usage,
            Self::NotInTheBackup { .. } => Status::NobodyThere,
            Self::Interrupted | Self::Halted => Status::Interrupted,
            Self::AccountsNotListed { .. } | Self::OwnerStays { .. } => Status::Fault,
            Self::WrongLines { .. } | Self::SeveralRecords { .. } => Status::Usage,
            Self::NotOnPaper { .. } => Status::Usage,
            Self::OwnRecord { .. } => Status::AlreadyEnrolled,
            Self::NoRecordOf { .. } => Status::NobodyThere,
            Self::NoPassphrase => Status::Usage,
            Self::KeyInTheWay { .. } | Self::HalfRotated(_) => Status::Fault,
        }
    }

    /// One word for machines.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::NotRoot => "denied",
            Self::Config(ConfigError::File(fault)) | Self::Store(fault) => fault.kind(),
            Self::Config(ConfigError::NamedAndMissing { .. } | ConfigError::Content { .. }) => "config",
            Self::NoAccount { cause: AccountError::Unknown, .. } | Self::NotAUserName { .. } => "no-account",
            Self::NoAccount { cause: AccountError::Alias { .. }, .. } => "alias",
            Self::NoAccount { cause: AccountError::LookupFailed { .. }, .. } => "account-lookup",
            Self::TransientUid { .. } => "transient-uid",
            Self::NotEnrolled { .. } | Self::NoRecord { .. } => "not-enrolled",
            Self::AlreadyEnrolled { .. } => "already-enrolled",
            Self::Overtaken { .. } => "changed-meanwhile",
            Self::Usage { .. } | Self::NobodyToAsk => "usage",
            Self::Secret(_) | Self::ShortSecret => "secret",
            Self::NoCode { .. } => "no-code",
            Self::NoCodeWasRight { .. } | Self::NotSetRight { .. } => "refused",
            Self::Device { cause, .. } => match cause {
                DeviceError::Full | DeviceError::NoIdLeft => "too-many-devices",
                DeviceError::NameTaken { .. } => "name-taken",
                DeviceError::SecretTaken { .. } => "secret-taken",
                DeviceError::Unknown { .. } => "no-device",
                DeviceError::Last { .. } => "last-device",
            },
            Self::NotAgreed => "not-agreed",
            Self::TerminalTooSmall => "terminal",
            Self::Input(_) | Self::Output(_) | Self::DoneUnprinted(_) => "io",
            Self::TooMuchForAQrCode => "size",
            Self::HandoutLost { .. } => "handout-lost",
            Self::NothingToImport { .. } => "import",
            Self::Interrupted | Self::Halted => "interrupted",
            Self::Paper(_) => "not-a-key",
            Self::File { source, .. } if source.kind() == ErrorKind::AlreadyExists => "exists",
            Self::File { .. } => "io",
            Self::NotABackup { cause: NotABackup::Newer, .. } => "newer",
            Self::NotABackup { cause: NotABackup::Passphrase, .. } | Self::Passphrase(_) => "passphrase",
            Self::NotABackup { .. } => "not-a-backup",
            Self::NotInTheBackup { .. } => "not-enrolled",
            Self::AccountsNotListed { .. } => "account-lookup",
            Self::WrongLines { .. } => "wrong-lines",
            Self::OwnerStays { .. } => "owner-stays",
            Self::SeveralRecords { .. } => "several-records",
            Self::NotOnPaper { .. } => "usage",
            Self::OwnRecord { .. } => "already-enrolled",
            Self::NoRecordOf { .. } => "not-enrolled",
            Self::NoPassphrase => "passphrase",
            Self::KeyInTheWay { .. } => "damaged",
            Self::HalfRotated(fault) => fault.kind(),
        }
    }

    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::Config(error) => error.path(),
            Self::Store(fault) | Self::HalfRotated(fault) => fault.path(),
            Self::NotOnPaper { path, .. }
            | Self::File { path, .. }
            | Self::NotABackup { path, .. }
            | Self::NotInTheBackup { path, .. }
            | Self::KeyInTheWay { path }
            | Self::NothingToImport { path, .. } => Some(path),
            Self::NotRoot
            | Self::NoAccount { .. }
            | Self::NotAUserName { .. }
            | Self::TransientUid { .. }
            | Self::NotEnrolled { .. }
            | Self::AlreadyEnrolled { .. }
            | Self::Overtaken { .. }
            | Self::Usage { .. }
            | Self::Secret(_)
            | Self::ShortSecret
            | Self::NoCode { .. }
            | Self::NoCodeWasRight { .. }
            | Self::Device { .. }
            | Self::NotSetRight { .. }
            | Self::NotAgreed
            | Self::NobodyToAsk
            | Self::TerminalTooSmall
            | Self::TooMuchForAQrCode
            | Self::Input(_)
            | Self::Output(_)
            | Self::DoneUnprinted(_)
            | Self::HandoutLost { .. }
            | Self::Interrupted
            | Self::NoRecord { .. }
            | Self::Halted
            | Self::Paper(_)
            | Self::Passphrase(_) => None,
            Self::AccountsNotListed { .. }
            | Self::WrongLines { .. }
            | Self::OwnerStays { .. }
            | Self::SeveralRecords { .. }
            | Self::NoRecordOf { .. }
            | Self::NoPassphrase
            | Self::OwnRecord { .. } => None,
        }
    }
}

impl From<TooMuchForASymbol> for Failure {
    fn from(TooMuchForASymbol: TooMuchForASymbol) -> Self {
        Self::TooMuchForAQrCode
    }
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Self::Store(fault)
    }
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}
