// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a person is told of each failure: the sentence with what and where, and the remedy that it ends with.

use std::fmt;
use std::io::ErrorKind;
use std::path::Path;

use nightlatch::audit::escaped;
use nightlatch::config::ConfigError;
use nightlatch::error::Fault;
use nightlatch::keypaper::NotAKey;
use nightlatch::record::DeviceError;
use nightlatch::user::AccountError;
use nightlatch::verify::resync::NotResynchronised;

use crate::failure::{Failure, NotABackup, NotSetRight};

/// What is done about a fault by whoever runs this program: only root comes so far, and what keeps root out is not the mode.
pub(crate) fn remedy_of(fault: &Fault) -> String {
    match fault {
        Fault::Denied { path } => format!(
            "something keeps even root from it: see 'lsattr {}', and the kernel's log for SELinux or AppArmor",
            path.display()
        ),
        Fault::Untrusted { .. }
        | Fault::Missing { .. }
        | Fault::Damaged { .. }
        | Fault::Newer { .. }
        | Fault::Foreign { .. }
        | Fault::Busy { .. }
        | Fault::Restless { .. }
        | Fault::Io { .. }
        | Fault::NoBlock { .. }
        | Fault::ClockBefore1970
        | Fault::ClockUnreadable
        | Fault::NoRandomness
        | Fault::NoMemory
        | Fault::DoesNotFit { .. }
        | Fault::KeyLost { .. }
        | Fault::StoreLost { .. } => fault.remedy(),
    }
}

/// A fault that is told beside a result: of one person or file among many.
pub(crate) fn sentence_of(fault: &Fault) -> String {
    format!("{fault}; {}", remedy_of(fault))
}

impl Failure {
    /// What whoever ran the program does about it.
    pub(crate) fn remedy(&self) -> String {
        match self {
            Self::NotRoot => "run it as root, or with sudo".to_owned(),
            Self::Config(ConfigError::File(fault)) | Self::Store(fault) => remedy_of(fault),
            Self::Config(ConfigError::Content { path, .. }) => format!(
                "correct {} ('nightlatch policy check' shows all that is wrong in it); until then nobody logs in",
                path.display()
            ),
            Self::Config(error) => error.remedy(),
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
            Self::File { path, action, source } => file_remedy(path, action, source.kind()),
            Self::NotABackup { cause, .. } => match cause {
                NotABackup::SomethingElse => {
                    "name a file that 'nightlatch store backup' wrote; nothing was changed".to_owned()
                }
                NotABackup::Damaged | NotABackup::TooCostly => {
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
            Self::OwnerStays { is_in_place: true, .. } => {
                "it is in its place; 'nightlatch list --orphaned' shows the records that are not".to_owned()
            }
            Self::OwnerStays { owner, uid, is_in_place: false, .. } => format!(
                "'nightlatch rebind {0} --from-uid {uid}' gives it to {0}; if that account is another person's, change the name first",
                escaped(owner)
            ),
            Self::SeveralRecords { uids, .. } => {
                let options: Vec<String> = uids.iter().map(|uid| format!("--from-uid {uid}")).collect();
                format!("say which: {}", options.join(" or "))
            }
            Self::NoRecord { .. } => "'nightlatch list' shows who has one".to_owned(),
            Self::NoRecordOf { .. } => {
                "'nightlatch list --orphaned' shows whose account has another name or uid by now".to_owned()
            }
            Self::NoPassphrase => "type it, or put it on line 1 of stdin (nothing was changed)".to_owned(),
            Self::OwnRecord { user } => format!(
                "see 'nightlatch status {user}'; if that record is to go, 'nightlatch remove {user}' first"
            ),
            Self::KeyInTheWay { path } => {
                format!("move {} away, then run it again; nothing was changed", path.display())
            }
            Self::HalfRotated(fault) => {
                format!("{}; then 'nightlatch key rotate' goes on with what is left", remedy_of(fault))
            }
            Self::NotOnPaper { path, .. } => {
                format!("name the file {} instead", path.with_extension("html").display())
            }
        }
    }
}

/// Of a file that is read or written as it was named.
fn file_remedy(path: &Path, action: &str, kind: ErrorKind) -> String {
    let is_read = action == "read";
    if kind == ErrorKind::AlreadyExists {
        // Not with rm before it: it may be a device, or whatever else was named by mistake.
        "name another file, or remove that one first".to_owned()
    } else if kind == ErrorKind::NotFound && is_read {
        "name a file that is there".to_owned()
    } else if kind == ErrorKind::NotFound {
        format!("make the directory {}, or name another file", path.parent().unwrap_or(path).display())
    } else if kind == ErrorKind::StorageFull {
        format!("free space on the file system of {}", path.display())
    } else {
        let done = if is_read { "read" } else { "written" };
        format!("see that {} can be {done}, or name another file", path.display())
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
            Self::OwnerStays { owner, uid, user, .. } => write!(
                f,
                "the record of uid {uid} was made for '{}', which is an account still, and is not given to '{}'",
                escaped(owner),
                escaped(user)
            ),
            Self::SeveralRecords { name, .. } => write!(f, "several records were made for '{}'", escaped(name)),
            Self::NoRecord { uid } => write!(f, "uid {uid} has no record"),
            Self::NoRecordOf { name } => write!(f, "no record was made for '{}'", escaped(name)),
            Self::NoPassphrase => f.write_str("no passphrase was given"),
            Self::OwnRecord { user } => write!(f, "{} has a record of its own", escaped(user)),
            Self::KeyInTheWay { path } => {
                write!(f, "{}: something else than the master key of that name, and not written over", path.display())
            }
            Self::HalfRotated(fault) => write!(f, "{fault}"),
            Self::NotOnPaper { path, what, cause } => write!(f, "{}: {what}: {cause}", path.display()),
        }
    }
}

impl fmt::Display for NotSetRight {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotACode(cause) => write!(f, "one of the lines is {cause}"),
            Self::NotResynchronised(cause) => write!(f, "{cause}"),
        }
    }
}
