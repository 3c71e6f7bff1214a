// SPDX-License-Identifier: MIT OR Apache-2.0
//! The command line. No secret is ever an argument: `ps` and the shell's history would show it.

mod device;
mod doctor;
mod enroll_many;
pub(crate) mod help;
mod import;
mod key;
mod list;
mod rebind;
mod remove;
mod sheet;
mod store;

use std::ffi::{OsStr, OsString};
use std::path::PathBuf;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Args, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum};
use nightlatch::secret::Algorithm;

use crate::arguments::help::Helpfulness;
use crate::failure::Failure;
use crate::times::{Span, When};

pub(crate) use device::{
    DeviceAddArguments, DeviceCommand, DeviceRemoveArguments, DeviceRenameArguments, NewDeviceArguments,
};
pub(crate) use doctor::DoctorArguments;
pub(crate) use enroll_many::EnrollManyArguments;
pub(crate) use import::{GoogleArguments, ImportCommand, OathArguments, TakingOver};
pub(crate) use key::{KeyBackupArguments, KeyCommand, KeyRestoreArguments, KeyRotateArguments};
pub(crate) use list::{ListArguments, ListFormat, Sort};
pub(crate) use rebind::RebindArguments;
pub(crate) use remove::RemoveArguments;
pub(crate) use sheet::SheetFile;
pub(crate) use store::{StoreBackupArguments, StoreCommand, StoreRestoreArguments};

/// Enrolls accounts of this host for a second factor, and looks after them.
#[derive(Parser)]
#[command(name = "nightlatch", version, propagate_version = true, disable_help_subcommand = true)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Arguments {
    /// Use this config instead of /etc/nightlatch/config.toml
    #[arg(long, global = true, value_name = "FILE", help_heading = GLOBAL, hide_short_help = true)]
    pub(crate) config: Option<PathBuf>,
    /// Print one JSON object on stdout, and nothing else there
    #[arg(long, global = true, help_heading = GLOBAL, hide_short_help = true)]
    json: bool,
    /// Print results only: no notes, no warnings
    #[arg(long, global = true, help_heading = GLOBAL, hide_short_help = true)]
    quiet: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

const GLOBAL: &str = "Global options";
const EXAMPLES: &str = "\
Exit status: 0 done, or already so; 1 fault; 2 wrong usage; 3 code refused; 4 no such account or
device, or not enrolled; 5 already enrolled, or a device of that name or secret is; 10 doctor found
warnings; 11 doctor found errors; 130 interrupted.

Example:
  nightlatch init
  nightlatch enroll alice
  nightlatch status alice";

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Make store, key and config on a new host; run again, it changes nothing
    #[command(after_help = "Example:\n  nightlatch init")]
    Init,
    /// Show a QR code, ask for a first code, and only then enroll
    ///
    /// On a terminal, QR code and secret stand on its second screen and are gone with it. A code of the device confirms
    /// that it works, and is then used; after three wrong ones nothing is enrolled. Then the backup codes are shown,
    /// once.
    ///
    /// Without a terminal, codes are lines of standard input, behind the secret where --secret-stdin says that it is the
    /// first. With --no-confirm nobody types a code, and the secret is printed, for whoever hands it on.
    ///
    /// With --sheet the whole of it is on a page of A4: QR code and secret above a cut line, to be destroyed once the app
    /// shows codes, backup codes below it, to be kept. It is on the disk before the account is enrolled, goes away
    /// again if it is not, and what is on it is not printed; with --json it is in the object all the same. A PDF has the
    /// letters of Western Europe; an HTML file has all. Print the page, hand it over, and remove the file.
    ///
    /// With --from the first line of a CSV file names its columns: user, and if wanted issuer, account, device, digits,
    /// algorithm, period, backup_codes. What a line leaves empty is as the options say. The file is read whole first, and
    /// where a line is wrong nobody is enrolled, or with --skip-wrong the others are. Whoever is enrolled already is
    /// skipped. A signal leaves everybody enrolled, with a hand-out, or not at all.
    #[command(after_help = ENROLL_EXAMPLES)]
    Enroll(Box<EnrollArguments>),
    /// List, add, rename, remove and resynchronise somebody's devices: eight at most
    #[command(after_help = "Example:\n  nightlatch device list alice\n  nightlatch device add alice --name tablet")]
    #[command(disable_help_subcommand = true)]
    Device {
        #[command(subcommand)]
        command: DeviceCommand,
    },
    /// Make a new set of backup codes; the old one is void
    ///
    /// It asks before it voids codes that are left, unless --yes says not to. They are shown once, or with --sheet are on
    /// a page of A4 to hand out, which is on the disk before the old ones are void.
    #[command(
        after_help = "Example:\n  nightlatch backup-codes alice\n  nightlatch backup-codes alice --count 5 --sheet /root/alice.pdf"
    )]
    BackupCodes(BackupCodesArguments),
    /// Make a code for the help desk to read out; an earlier one is void
    #[command(after_help = "Example:\n  nightlatch bypass alice --for 1h\n  nightlatch bypass alice --revoke")]
    Bypass(BypassArguments),
    /// Let somebody who is enrolled in without a code for a while
    #[command(after_help = WAIVE_EXAMPLES)]
    Waive(WaiveArguments),
    /// Let somebody who is not enrolled enroll in a login, until a time
    #[command(after_help = INVITE_EXAMPLES)]
    Invite(InviteArguments),
    /// Judge a code exactly as a login does: it is then used, and failures count
    ///
    /// The code is typed, or is a line of standard input. Waits and blocks of the person hold here too.
    #[command(after_help = "Example:\n  nightlatch verify alice")]
    Verify {
        /// Whose code it is
        user: String,
    },
    /// Show what is enrolled for an account, its failures and its last login
    #[command(after_help = "Example:\n  nightlatch status alice\n  nightlatch --json status alice | jq .lock")]
    Status {
        /// Whose
        user: String,
    },
    /// Show everybody who is enrolled, or those whom the options leave
    #[command(after_help = LIST_EXAMPLES)]
    List(ListArguments),
    /// Clear failures and lock
    #[command(after_help = "Example:\n  nightlatch unlock alice")]
    Unlock {
        /// Whose
        user: String,
    },
    /// Remove what is enrolled
    ///
    /// With --vanished, what accounts have left that userdel deleted: records and invitations whose name and uid are
    /// nobody's any more. Where /etc/nsswitch.conf names more for 'passwd' than 'files' and 'systemd' it removes none of
    /// them and says why: a directory that does not answer looks like one that has nobody.
    #[command(after_help = remove::EXAMPLES)]
    Remove(RemoveArguments),
    /// Give a record to the name or uid that its account has now
    ///
    /// After usermod -l or usermod -u.
    #[command(after_help = REBIND_EXAMPLES)]
    Rebind(RebindArguments),
    /// Look this host over: store, module, PAM services, sshd, people, clock; worst first
    #[command(after_help = doctor::EXAMPLES)]
    Doctor(DoctorArguments),
    /// Take over what google-authenticator or pam_oath has enrolled
    #[command(after_help = IMPORT_EXAMPLES, disable_help_subcommand = true)]
    Import {
        #[command(subcommand)]
        command: ImportCommand,
    },
    /// Show what the rules in the config make of a login, and what is wrong with them
    #[command(after_help = POLICY_EXAMPLES, disable_help_subcommand = true)]
    Policy {
        #[command(subcommand)]
        command: PolicyCommand,
    },
    /// List, rotate, back up and restore the master keys that everything is sealed under
    #[command(after_help = "Example:\n  nightlatch key list\n  nightlatch key rotate")]
    #[command(disable_help_subcommand = true)]
    Key {
        #[command(subcommand)]
        command: KeyCommand,
    },
    /// Back up and restore what is enrolled
    #[command(after_help = STORE_EXAMPLES)]
    #[command(disable_help_subcommand = true)]
    Store {
        #[command(subcommand)]
        command: StoreCommand,
    },
}

const STORE_EXAMPLES: &str = "\
Example:
  nightlatch store backup /root/store.backup --under-master-key
  nightlatch store restore /root/store.backup --dry-run";

#[derive(Subcommand)]
pub(crate) enum PolicyCommand {
    /// Show which rule decides about a login, and why none before it does
    #[command(after_help = EXPLAIN_EXAMPLES)]
    Explain(ExplainArguments),
    /// Look for errors and likely mistakes in the config; exit status 1 if anything
    #[command(after_help = "Example:\n  nightlatch policy check")]
    Check(CheckArguments),
}

const IMPORT_EXAMPLES: &str = "\
Example:
  nightlatch import google-authenticator --all --dry-run
  nightlatch import oath /etc/users.oath";
const POLICY_EXAMPLES: &str = "\
Example:
  nightlatch policy check
  nightlatch policy explain alice --service sshd --from 192.0.2.7";
const EXPLAIN_EXAMPLES: &str = "\
Example:
  nightlatch policy explain alice --service sudo
  nightlatch policy explain backup --service sshd --from 192.0.2.7 --ssh-key";

const ENROLL_EXAMPLES: &str = "\
Example:
  nightlatch enroll alice
  nightlatch enroll alice --no-confirm --sheet /root/alice.pdf    # a page to print and hand out
  nightlatch enroll alice --hotp --counter 7 --secret-stdin       # a token with a button
  nightlatch --json enroll alice --no-confirm --if-not-enrolled   # from Ansible
  nightlatch enroll --from people.csv --output /root/handouts --no-confirm";

const LIST_EXAMPLES: &str = "\
Options that choose combine: who is shown fits all of them.

Example:
  nightlatch list
  nightlatch list --locked --sort failures
  nightlatch list --few-backup-codes 2 --format csv
  nightlatch list --not-enrolled";
const REBIND_EXAMPLES: &str = "\
Devices, backup codes, failures and what was used go with the record.

Example:
  usermod -l alicia alice; nightlatch rebind alicia --from-name alice
  usermod -u 2001 bob; nightlatch rebind bob --from-uid 1001 --yes";

#[derive(Args)]
pub(crate) struct EnrollArguments {
    /// Whom to enroll
    #[arg(required_unless_present = "from")]
    pub(crate) user: Option<String>,
    #[command(flatten)]
    pub(crate) many: EnrollManyArguments,
    /// What the device is called [default: phone, or token with --hotp]
    #[arg(long, value_name = "NAME", hide_short_help = true)]
    pub(crate) device: Option<String>,
    #[command(flatten)]
    pub(crate) new: NewDeviceArguments,
    /// How many backup codes, 0 to 20 [default: config, else 10]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(0..=20))]
    pub(crate) backup_codes: Option<u8>,
    /// Change nothing and succeed where the account is enrolled already
    #[arg(long, conflicts_with = "replace")]
    pub(crate) if_not_enrolled: bool,
    /// Replace all that is enrolled; it holds until the new code is confirmed
    #[arg(long)]
    pub(crate) replace: bool,
    /// With --replace: change nothing where a device has this secret already
    #[arg(long, hide_short_help = true, requires_all = ["replace", "secret_stdin"])]
    pub(crate) if_other_secret: bool,
}

#[derive(Args)]
pub(crate) struct BackupCodesArguments {
    /// Whose
    pub(crate) user: String,
    /// How many, 1 to 20 [default: config, else 10]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(1..=20))]
    pub(crate) count: Option<u8>,
    /// Write the codes on a page to hand out, a new .pdf or .html (mode 0600)
    #[arg(long, value_name = "FILE", value_parser = SheetFile::parser())]
    pub(crate) sheet: Option<SheetFile>,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
}

const WAIVE_EXAMPLES: &str = "\
TIME is +4h or +2d from now, 2026-11-24 or '2026-11-24 14:02' in UTC, or RFC 3339: 30 days at most.

Example:
  nightlatch waive alice --until +2d --reason 'phone broken, new one on Thursday (ticket 4711)'
  nightlatch waive alice --end";

const INVITE_EXAMPLES: &str = "\
TIME is +4h or +2d from now, 2026-11-24 or '2026-11-24 14:02' in UTC, or RFC 3339: 30 days at most.
It works over an auth line with the argument 'enroll', where its account line is there too.

Example:
  nightlatch invite alice --until +2d
  nightlatch invite alice --end";

#[derive(Args)]
pub(crate) struct BypassArguments {
    /// Whose
    pub(crate) user: String,
    /// How long it holds, 1m to 7d
    #[arg(long = "for", value_name = "SPAN", default_value = "1h", value_parser = Span::parse)]
    pub(crate) lasting: Span,
    /// How often it works, 1 to 20
    #[arg(long, value_name = "N", default_value = "1", value_parser = clap::value_parser!(u16).range(1..=20))]
    pub(crate) uses: u16,
    /// End the one that there is
    #[arg(long, conflicts_with_all = ["lasting", "uses"])]
    pub(crate) revoke: bool,
}

#[derive(Args)]
pub(crate) struct WaiveArguments {
    /// Whom
    pub(crate) user: String,
    /// When it ends
    #[arg(long, value_name = "TIME", value_parser = When::parse)]
    #[arg(required_unless_present = "end", conflicts_with = "end")]
    pub(crate) until: Option<When>,
    /// Why; every login by it logs this
    #[arg(long, value_name = "TEXT", required_unless_present = "end", conflicts_with = "end")]
    pub(crate) reason: Option<String>,
    /// End the one that there is
    #[arg(long)]
    pub(crate) end: bool,
}

#[derive(Args)]
pub(crate) struct InviteArguments {
    /// Whom
    pub(crate) user: String,
    /// When it ends [default: 7 days from now]
    #[arg(long, value_name = "TIME", value_parser = When::parse, conflicts_with = "end")]
    pub(crate) until: Option<When>,
    /// Change nothing and succeed where the account is enrolled, or invited already
    #[arg(long, conflicts_with = "end")]
    pub(crate) if_needed: bool,
    /// End the one that there is
    #[arg(long)]
    pub(crate) end: bool,
}

#[derive(Args)]
pub(crate) struct CheckArguments {
    /// Exit status 0 where there is nothing worse than warnings
    #[arg(long)]
    pub(crate) allow_warnings: bool,
}

#[derive(Args)]
pub(crate) struct ExplainArguments {
    /// Whose login
    pub(crate) user: String,
    /// By which service: the name of its file in /etc/pam.d
    #[arg(long, value_name = "NAME")]
    pub(crate) service: String,
    /// From where: what the service gives as PAM_RHOST [default: a local login]
    #[arg(long, value_name = "ADDRESS")]
    pub(crate) from: Option<String>,
    /// sshd has seen a public key before
    #[arg(long)]
    pub(crate) ssh_key: bool,
    /// The module's line has the argument nullok
    #[arg(long)]
    pub(crate) nullok: bool,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum AlgorithmName {
    Sha1,
    Sha256,
    Sha512,
}

impl AlgorithmName {
    /// As it is spelled on the command line; capitals do not matter.
    pub(crate) fn named(text: &str) -> Option<Self> {
        Self::from_str(text, true).ok()
    }
}

impl From<AlgorithmName> for Algorithm {
    fn from(name: AlgorithmName) -> Self {
        match name {
            AlgorithmName::Sha1 => Self::Sha1,
            AlgorithmName::Sha256 => Self::Sha256,
            AlgorithmName::Sha512 => Self::Sha512,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum QrStyle {
    Auto,
    Utf8,
    Ansi,
    None,
}

/// Where results and explanations go.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Output {
    pub(crate) form: Form,
    pub(crate) notes: Notes,
}

/// In what form results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// For people.
    Text,
    /// For machines.
    Json,
}

/// Whether notes and warnings are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notes {
    /// On stderr.
    Shown,
    /// Results only.
    Silent,
}

impl Arguments {
    pub(crate) fn output(&self) -> Output {
        Output {
            form: if self.json { Form::Json } else { Form::Text },
            notes: if self.quiet { Notes::Silent } else { Notes::Shown },
        }
    }
}

/// What the command line asks for.
pub(crate) enum Invocation {
    /// A command.
    Command(Arguments),
    /// Help or version, on stdout.
    Text(String),
    /// Nothing that can be done.
    Wrong { output: Output, explanation: String, failure: Failure },
}

impl Invocation {
    pub(crate) fn parse() -> Self {
        let words: Vec<_> = std::env::args_os().collect();
        let command = help::with_help(Arguments::command(), Helpfulness::asked_for(&words));
        let parsed = command.try_get_matches_from(words).and_then(|matches| Arguments::from_arg_matches(&matches));
        let error = match parsed {
            Ok(arguments) => return Self::Command(arguments),
            Err(error) => error,
        };
        let (message, explanation) = explained(&error);
        if error.kind() == ErrorKind::DisplayHelp {
            return Self::Text(explanation);
        }
        if error.kind() == ErrorKind::DisplayVersion {
            // clap would name the subcommand; there is one program and one version.
            return Self::Text(concat!("nightlatch ", env!("CARGO_PKG_VERSION"), "\n").to_owned());
        }
        // clap knows no form before it has parsed; a machine that asked for JSON gets it all the same.
        let json = std::env::args_os().take_while(|word| word != "--").any(|word| word == OsStr::new("--json"));
        let output = Output { form: if json { Form::Json } else { Form::Text }, notes: Notes::Shown };
        let remedy = format!("see '{} --help'", command_named(std::env::args_os().skip(1)));
        Self::Wrong { output, explanation, failure: Failure::usage(message, remedy) }
    }
}

/// The program and what of its commands the words name: whose help it is that helps. Any other word may be a secret.
fn command_named(mut words: impl Iterator<Item = OsString>) -> String {
    let (mut named, mut command) = ("nightlatch".to_owned(), Arguments::command());
    while let Some(word) = words.next() {
        // A file may be called like a command.
        if word == "--config" {
            words.next();
        } else if let Some(next) = command.find_subcommand(&word).cloned() {
            named = format!("{named} {}", next.get_name());
            command = next;
        }
    }
    named
}

/// clap's message and its whole explanation. What stands where no argument belongs may be a code or a secret, and is
/// not repeated.
fn explained(error: &clap::Error) -> (String, String) {
    let explanation = error.render().to_string();
    let stray = match (error.kind(), error.get(ContextKind::InvalidArg)) {
        (ErrorKind::UnknownArgument, Some(ContextValue::String(word))) => !word.starts_with('-'),
        _ => false,
    };
    if stray {
        let message = "one argument too many; a code or a secret is typed, or comes on stdin, and is never an argument";
        return (message.to_owned(), format!("error: {message}\n\nFor more information, try '--help'.\n"));
    }
    if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
        return ("no command was named".to_owned(), explanation);
    }
    let first = explanation.lines().next().unwrap_or_default();
    (first.strip_prefix("error: ").unwrap_or(first).to_owned(), explanation)
}

#[cfg(test)]
mod tests;
