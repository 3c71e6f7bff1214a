// SPDX-License-Identifier: MIT OR Apache-2.0
//! Why a command did not do what it was asked for: each cause with its exit status, its word for machines, its path and
//! its remedy. None of them ever holds a code or a secret.

use std::fmt;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use nightlatch::audit::escaped;
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

impl fmt::Display for NotSetRight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotACode(cause) => write!(f, "one of the lines is {cause}"),
            Self::NotResynchronised(cause) => write!(f, "{cause}"),
        }
    }
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
        }
    }

    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::Config(error) => error.path(),
            Self::Store(fault) => fault.path(),
            Self::NotOnPaper { path, .. }
            | Self::File { path, .. }
            | Self::NotABackup { path, .. }
            | Self::NotInTheBackup { path, .. }
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
            | Self::SeveralRecords { .. } => None,
        }
    }

    /// What whoever ran the program does about it.
    pub(crate) fn remedy(&self) -> String {
        match self {
            Self::NotRoot => "run it as root, or with sudo".to_owned(),
            // Only root comes here: what keeps it out is not the mode.
            Self::Config(ConfigError::File(Fault::Denied { path })) | Self::Store(Fault::Denied { path }) => format!(
                "something keeps even root from it: see 'lsattr {}', and the kernel's log for SELinux or AppArmor",
                path.display()
            ),
            Self::Config(ConfigError::Content { path, .. }) => format!(
                "correct {} ('nightlatch policy check' shows all that is wrong in it); until then nobody logs in",
                path.display()
            ),
            Self::Config(error) => error.remedy(),
            Self::Store(fault) => fault.remedy(),
            Self::NoAccount { cause, .. } => match cause {
                AccountError::Unknown => {
                    "see 'getent passwd'; what is left of an account that is gone goes with 'nightlatch remove --uid N'"
                        .to_owned()
                }
                AccountError::Alias { canonical, .. } => format!("name '{}' instead", escaped(canonical)),
                AccountError::LookupFailed { .. } => "see 'getent passwd' and the name service's log".to_owned(),
            },
            Self::NotAUserName { .. } => "see 'getent passwd' for the accounts of this host".to_owned(),
            Self::TransientUid { .. } => "enroll an account with a uid of its own".to_owned(),
            Self::NotEnrolled { who } => format!("'nightlatch enroll {who}' enrolls; 'nightlatch list' shows who is"),
            Self::AlreadyEnrolled { user } => format!(
                "'nightlatch device add {user}' for a device more; 'nightlatch enroll {user} --replace' for a new one in the \
                 place of all; 'nightlatch backup-codes {user}' for new backup codes"
            ),
            Self::Overtaken { user } => format!("see 'nightlatch status {user}', then run it again"),
            Self::Usage { remedy, .. } => remedy.clone(),
            Self::Secret(_) => "line 1 of stdin is the secret as the app or the token's sheet has it".to_owned(),
            Self::ShortSecret => {
                "take a longer one, or add --allow-short-secret where a hardware token has no other".to_owned()
            }
            Self::NoCode { user } => format!(
                "run it on a terminal, put codes on stdin, or say --no-confirm (nothing was changed for {user})"
            ),
            Self::NoCodeWasRight { user } => format!(
                "nothing was changed for {user}; check the clocks of phone and host (timedatectl), or a token's --counter, \
                 then run it again"
            ),
            Self::Device { user, cause } => match cause {
                DeviceError::Full => format!("'nightlatch device remove {user} NAME' makes room"),
                DeviceError::NoIdLeft => format!("'nightlatch enroll {user} --replace' begins anew"),
                DeviceError::NameTaken { .. } => "take another name".to_owned(),
                DeviceError::SecretTaken { .. } => "each device needs a secret of its own".to_owned(),
                DeviceError::Unknown { .. } => format!("'nightlatch device list {user}' shows what there is"),
                DeviceError::Last { .. } => format!(
                    "'nightlatch remove {user}' takes all that is enrolled; 'nightlatch device add {user}' adds another first"
                ),
            },
            Self::NotSetRight { user, device, cause } => match cause {
                NotSetRight::NotResynchronised(NotResynchronised::Used) => format!(
                    "nothing was changed; type two later codes; if the clock of '{0}' was set back, 'nightlatch device remove \
                     {user}' and 'device add' begin anew",
                    escaped(device)
                ),
                NotSetRight::NotACode(_)
                | NotSetRight::NotResynchronised(
                    NotResynchronised::NoPair | NotResynchronised::AnotherLength | NotResynchronised::Twice,
                ) => "nothing was changed and nothing counted; type a code, wait for the next, type that, and do it at once"
                    .to_owned(),
            },
            Self::NotAgreed => "nothing was changed".to_owned(),
            Self::NobodyToAsk => "say --yes (nothing was changed)".to_owned(),
            Self::TerminalTooSmall => {
                "make the window at least 80x24, or use --qr-png FILE and --secret-stdin".to_owned()
            }
            Self::TooMuchForAQrCode => "shorten --issuer and --account, or say --qr none".to_owned(),
            Self::Input(_) => "see what stdin of this program is".to_owned(),
            Self::Output(error) if error.kind() == ErrorKind::StorageFull => {
                "free space where stdout goes, or send it elsewhere".to_owned()
            }
            Self::Output(error) if error.kind() == ErrorKind::BrokenPipe => {
                "let whoever reads it read to the end".to_owned()
            }
            Self::Output(_) => "see what stdout of this program is".to_owned(),
            Self::DoneUnprinted(_) => {
                "before you run it again, see how things stand ('nightlatch status USER', 'nightlatch list')".to_owned()
            }
            Self::HandoutLost { remedy, .. } => remedy.clone(),
            Self::Interrupted => "nothing was changed; run it again".to_owned(),
            Self::NothingToImport { .. } => {
                "nothing was changed; name the file that usersfile= names in /etc/pam.d, and one in a home directory with --user"
                    .to_owned()
            }
            Self::Halted => "what was done stands, and every file is whole; run it again, and it goes on".to_owned(),
            Self::Paper(NotAKey::Line { .. }) => "compare that line with the paper; nothing was changed".to_owned(),
            Self::Paper(NotAKey::Missing(_) | NotAKey::Mixed | NotAKey::Nothing) => {
                "give all five lines of each key, as 'nightlatch key backup' wrote them; nothing was changed".to_owned()
            }
            Self::File { path, source, .. } => remedy_for(path, source.kind()),
            Self::NotABackup { cause, .. } => match cause {
                NotABackup::SomethingElse | NotABackup::Damaged | NotABackup::TooCostly => {
                    "take another backup; nothing was changed".to_owned()
                }
                NotABackup::Newer => "update nightlatch on this host".to_owned(),
                NotABackup::Passphrase => "type it as it was typed for the backup; nothing was changed".to_owned(),
            },
            Self::NotInTheBackup { path, .. } => {
                format!("'nightlatch store restore {} --dry-run' shows who is", path.display())
            }
            Self::Passphrase(_) => "take 15 characters or more that nobody guesses: four words at random (nothing was written)".to_owned(),
            Self::AccountsNotListed { .. } => "see 'getent passwd' and the name service's log".to_owned(),
            Self::WrongLines { .. } => {
                "nothing was changed; correct them, or say --skip-wrong to enroll the others".to_owned()
            }
            Self::OwnerStays { owner, .. } => {
                format!("'nightlatch rebind {0}' gives it to {0}; if that account is another person's, change the name first", escaped(owner))
            }
            Self::SeveralRecords { uids, .. } => {
                let options: Vec<String> = uids.iter().map(|uid| format!("--from-uid {uid}")).collect();
                format!("say which: {}", options.join(" or "))
            }
            Self::NoRecord { .. } => "'nightlatch list' shows who has one".to_owned(),
            Self::NotOnPaper { path, .. } => {
                format!("name the file {} instead", path.with_extension("html").display())
            }
        }
    }
}

fn remedy_for(path: &Path, cause: ErrorKind) -> String {
    if cause == ErrorKind::AlreadyExists {
        // Not with rm before it: it may be a device, or whatever else was named by mistake.
        "name another file, or remove that one first".to_owned()
    } else if cause == ErrorKind::NotFound {
        let directory = path.parent().unwrap_or(path);
        format!("see that {} is there, and the file where it is to be read, or name another", directory.display())
    } else if cause == ErrorKind::StorageFull {
        format!("free space on the file system of {}", path.display())
    } else {
        format!("see that {} can be read or written, or name another file", path.display())
    }
}

/// In lower case, with the object; names are escaped, since they come from anywhere.
impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRoot => f.write_str("only root can read and change what is enrolled"),
            Self::Config(error) => write!(f, "{error}"),
            Self::Store(fault) => write!(f, "{fault}"),
            Self::NoAccount { user, cause: cause @ AccountError::Unknown } => write!(f, "'{}': {cause}", escaped(user)),
            Self::NoAccount { user, cause: AccountError::Alias { uid, .. } } => {
                write!(f, "'{}' is a second name of uid {uid}", escaped(user))
            }
            Self::NoAccount { user, cause: AccountError::LookupFailed { errno } } => {
                write!(f, "'{}': the account database does not answer ({errno})", escaped(user))
            }
            Self::NotAUserName { user, cause } => write!(f, "'{}': {cause}", escaped(user)),
            Self::TransientUid { user, cause } => write!(f, "'{}': {cause}", escaped(user)),
            Self::NotEnrolled { who } => write!(f, "{} is not enrolled", escaped(who)),
            Self::AlreadyEnrolled { user } => write!(f, "{} is already enrolled", escaped(user)),
            Self::Overtaken { user } => {
                write!(f, "the record of {} was changed by somebody else meanwhile; this was not done", escaped(user))
            }
            Self::Usage { message, .. } => f.write_str(message),
            Self::Secret(error) => write!(f, "{error}"),
            Self::ShortSecret => f.write_str("the secret has less than the 128 bits that RFC 4226 asks for"),
            Self::NoCode { .. } => f.write_str("no first code was given, and nobody vouched for the device"),
            Self::NoCodeWasRight { .. } => f.write_str("no code was right"),
            Self::Device { user, cause } => write!(f, "{}: {}", escaped(user), escaped(&cause.to_string())),
            Self::NotSetRight { user, device, cause } => {
                write!(f, "'{}' of {} was not set right: {cause}", escaped(device), escaped(user))
            }
            Self::NotAgreed => f.write_str("not agreed to"),
            Self::NobodyToAsk => f.write_str("this has to be agreed to, and stdin is no terminal"),
            Self::TerminalTooSmall => f.write_str("the terminal is too small to show a secret"),
            Self::TooMuchForAQrCode => f.write_str("issuer, account and secret are too long for a QR code"),
            Self::Input(error) => write!(f, "stdin: {error}"),
            Self::Output(error) => write!(f, "stdout: {error}"),
            Self::DoneUnprinted(error) => write!(f, "it is done, but its result could not be printed: stdout: {error}"),
            Self::HandoutLost { user, source, .. } => {
                write!(f, "{} was changed, but what is shown only once could not be printed: {source}", escaped(user))
            }
            Self::Interrupted => f.write_str("interrupted"),
            Self::NothingToImport { reason, .. } => f.write_str(reason),
            Self::Halted => f.write_str("interrupted between two files"),
            Self::Paper(cause) => write!(f, "no master key: {cause}"),
            Self::File { path, source, .. } if source.kind() == ErrorKind::AlreadyExists => {
                write!(f, "{}: exists, and is not written over", path.display())
            }
            Self::File { path, action, source } => write!(f, "{}: {action}: {source}", path.display()),
            Self::NotABackup { path, cause } => write!(
                f,
                "{}: {}",
                path.display(),
                match cause {
                    NotABackup::SomethingElse => "no backup of nightlatch",
                    NotABackup::Damaged => "the backup is damaged or not whole",
                    NotABackup::Newer => "written by a newer nightlatch",
                    NotABackup::Passphrase => "the passphrase is not the one of this backup",
                    NotABackup::TooCostly => "its passphrase costs more memory than a backup of ours",
                }
            ),
            Self::Passphrase(cause) => f.write_str(cause),
            Self::NotInTheBackup { path, user } => {
                write!(f, "{}: {} is not in it, or does not open", path.display(), escaped(user))
            }
            Self::AccountsNotListed { cause } => write!(f, "the accounts of this host cannot be listed: {cause}"),
            Self::WrongLines { file, count: 1, first } => write!(f, "{}: {first}", escaped(file)),
            Self::WrongLines { file, count, first } => {
                write!(f, "{}: {count} lines are wrong; the first: {first}", escaped(file))
            }
            Self::OwnerStays { owner, uid, user } => write!(
                f,
                "the record of uid {uid} was made for '{}', which is an account still, and is not given to '{}'",
                escaped(owner),
                escaped(user)
            ),
            Self::SeveralRecords { name, .. } => write!(f, "several records were made for '{}'", escaped(name)),
            Self::NoRecord { uid } => write!(f, "uid {uid} has no record"),
            Self::NotOnPaper { path, what, cause } => write!(f, "{}: {what}: {cause}", path.display()),
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
