// SPDX-License-Identifier: MIT OR Apache-2.0
//! Why a command did not do what it was asked for: each cause with its exit status, its word for machines, its path and
//! its remedy. None of them ever holds a code or a secret.

use std::fmt;
use std::path::{Path, PathBuf};

use nightlatch::audit::escaped;
use nightlatch::config::ConfigError;
use nightlatch::enrollment::DraftError;
use nightlatch::error::Fault;
use nightlatch::qr::TooMuchForASymbol;
use nightlatch::record::DeviceError;
use nightlatch::secret::{NotACode, SecretError};
use nightlatch::user::{AccountError, NotAUserName};
use nightlatch::verify::resync::NotResynchronised;

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
    QrFileExists {
        path: PathBuf,
    },
    QrFile {
        path: PathBuf,
        source: std::io::Error,
    },
    TooMuchForAQrCode,
    Input(std::io::Error),
    Output(std::io::Error),
    /// The enrollment stands; what was to be shown once is lost.
    HandoutLost {
        user: String,
        remedy: String,
        source: Box<Failure>,
    },
    Interrupted,
    /// What was asked for is done; that it is could not be printed.
    ResultLost(std::io::Error),
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

    pub(crate) fn status(&self) -> Status {
        match self {
            Self::NotRoot
            | Self::Config(_)
            | Self::Store(_)
            | Self::TransientUid { .. }
            | Self::Overtaken { .. }
            | Self::TerminalTooSmall
            | Self::QrFileExists { .. }
            | Self::QrFile { .. }
            | Self::TooMuchForAQrCode
            | Self::Input(_)
            | Self::Output(_)
            | Self::HandoutLost { .. }
            | Self::NotAgreed
            | Self::ResultLost(_) => Status::Fault,
            Self::NoAccount { cause, .. } => match cause {
                AccountError::Unknown | AccountError::Alias { .. } => Status::NobodyThere,
                AccountError::LookupFailed { .. } => Status::Fault,
            },
            Self::NotAUserName { .. } | Self::NotEnrolled { .. } => Status::NobodyThere,
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
            Self::Interrupted => Status::Interrupted,
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
            Self::NotEnrolled { .. } => "not-enrolled",
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
            Self::QrFileExists { .. } => "exists",
            Self::QrFile { .. } | Self::Input(_) | Self::Output(_) | Self::ResultLost(_) => "io",
            Self::TooMuchForAQrCode => "size",
            Self::HandoutLost { .. } => "handout-lost",
            Self::Interrupted => "interrupted",
        }
    }

    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::Config(error) => error.path(),
            Self::Store(fault) => fault.path(),
            Self::QrFileExists { path } | Self::QrFile { path, .. } => Some(path),
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
            | Self::HandoutLost { .. }
            | Self::Interrupted
            | Self::ResultLost(_) => None,
        }
    }

    /// What whoever ran the program does about it.
    pub(crate) fn remedy(&self) -> String {
        match self {
            Self::NotRoot => "run it as root, or with sudo".to_owned(),
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
            Self::QrFileExists { path } => format!("name another file, or 'rm {}'", path.display()),
            Self::QrFile { path, .. } => format!("see that {} can be written, or name another file", path.display()),
            Self::TooMuchForAQrCode => "shorten --issuer and --account, or say --qr none".to_owned(),
            Self::Input(_) => "see what stdin of this program is".to_owned(),
            Self::Output(_) => "see what stdout of this program is".to_owned(),
            Self::HandoutLost { remedy, .. } => remedy.clone(),
            Self::Interrupted => "nothing was changed; run it again".to_owned(),
            Self::ResultLost(_) => {
                "what was asked for is done, and only that could not be said; see what stdout of this program is".to_owned()
            }
        }
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
            Self::QrFileExists { path } => write!(f, "{}: exists, and is not written over", path.display()),
            Self::QrFile { path, source } => write!(f, "{}: write the QR code: {source}", path.display()),
            Self::TooMuchForAQrCode => f.write_str("issuer, account and secret are too long for a QR code"),
            Self::Input(error) => write!(f, "stdin: {error}"),
            Self::Output(error) => write!(f, "stdout: {error}"),
            Self::HandoutLost { user, source, .. } => {
                write!(f, "{} was changed, but what is shown only once could not be printed: {source}", escaped(user))
            }
            Self::Interrupted => f.write_str("interrupted"),
            Self::ResultLost(error) => write!(f, "stdout: {error}"),
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
