// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is said of another program's files on the command line.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Subcommand)]
pub(crate) enum ImportCommand {
    /// Take over phones and unused scratch codes of google-authenticator
    #[command(after_help = GOOGLE_EXAMPLES)]
    GoogleAuthenticator(GoogleArguments),
    /// Take over the tokens in the users file of pam_oath
    #[command(after_help = OATH_EXAMPLES)]
    Oath(OathArguments),
    /// Write out a file of one's own: what import runs as its owner, so that root follows nobody's links
    #[command(hide = true, after_help = "Example:\n  nightlatch import read-own-file ~/.google_authenticator")]
    ReadOwnFile {
        /// Which file
        path: PathBuf,
    },
}

const GOOGLE_EXAMPLES: &str = "\
Whoever is enrolled here already is left as they are. The old files are not touched.

Example:
  nightlatch import google-authenticator --all --dry-run
  nightlatch import google-authenticator alice bob
  nightlatch import google-authenticator alice --file /root/alice.google_authenticator
  nightlatch import google-authenticator --all --path '/var/lib/ga/{user}'    # secret= in pam.d";
const OATH_EXAMPLES: &str = "\
Whoever is enrolled here already is left as they are. The old file is not touched.

Example:
  nightlatch import oath /etc/users.oath --dry-run
  nightlatch --json import oath /etc/users.oath --user alice --user bob";

/// What both programs' files have in common.
#[derive(Args)]
pub(crate) struct TakingOver {
    /// Say what would be taken over, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Take secrets of less than 128 bits too
    #[arg(long)]
    pub(crate) allow_short_secret: bool,
}

#[derive(Args)]
pub(crate) struct GoogleArguments {
    /// Whom
    #[arg(value_name = "USER", required_unless_present = "all")]
    pub(crate) users: Vec<String>,
    /// Every account of this host that has a file
    #[arg(long, conflicts_with_all = ["users", "file"])]
    pub(crate) all: bool,
    /// Read this file, of the one USER, instead of ~/.google_authenticator
    #[arg(long, value_name = "FILE", conflicts_with = "path")]
    pub(crate) file: Option<PathBuf>,
    /// Where the files are instead, with {user} for the name
    #[arg(long, value_name = "PATH")]
    pub(crate) path: Option<String>,
    #[command(flatten)]
    pub(crate) taking: TakingOver,
}

#[derive(Args)]
pub(crate) struct OathArguments {
    /// The file that usersfile= names in pam.d
    pub(crate) file: PathBuf,
    /// Only this user; may be said more than once
    #[arg(long = "user", value_name = "USER")]
    pub(crate) users: Vec<String>,
    #[command(flatten)]
    pub(crate) taking: TakingOver,
}
