// SPDX-License-Identifier: MIT OR Apache-2.0
//! What `store` takes.

use std::path::PathBuf;

use clap::{Args, Subcommand};

#[derive(Subcommand)]
pub(crate) enum StoreCommand {
    /// Write a backup of what is enrolled to a new file (mode 0600)
    #[command(after_help = BACKUP_EXAMPLES)]
    Backup(StoreBackupArguments),
    /// Put people's records back from a backup; used codes stay used
    #[command(after_help = RESTORE_EXAMPLES)]
    Restore(StoreRestoreArguments),
}

const BACKUP_EXAMPLES: &str = "\
Under a passphrase the master keys are in it, and it can be restored anywhere; 'age -d' opens it too.
Under the master key it is of no use without 'nightlatch key backup'.

Example:
  nightlatch store backup /root/store.backup --under-master-key
  nightlatch store backup /root/store.age --passphrase
  nightlatch store backup /root/alice.backup --under-master-key --user alice";
const RESTORE_EXAMPLES: &str = "\
A used code stays used wherever this host can know of it. Bypass codes, waivers and invitations are
not put back. Exit status 1 if somebody was left out.

Example:
  nightlatch store restore /root/store.backup --dry-run
  nightlatch store restore /root/store.backup --user alice
  nightlatch store restore /root/store.age --yes </root/passphrase";

#[derive(Args)]
pub(crate) struct StoreBackupArguments {
    /// The backup; a file that is there is not written over
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Only this person; may be said several times [default: everybody]
    #[arg(long = "user", value_name = "USER")]
    pub(crate) users: Vec<String>,
    /// Encrypt it, master keys included, to a passphrase: asked for, or line 1 of stdin
    #[arg(long, required_unless_present = "under_master_key", conflicts_with = "under_master_key")]
    pub(crate) passphrase: bool,
    /// Leave records sealed as they are, and the master keys out of it
    #[arg(long)]
    pub(crate) under_master_key: bool,
}

#[derive(Args)]
pub(crate) struct StoreRestoreArguments {
    /// The backup; one under a passphrase asks for it, or takes line 1 of stdin
    #[arg(value_name = "FILE")]
    pub(crate) file: PathBuf,
    /// Only this person; may be said several times [default: everybody]
    #[arg(long = "user", value_name = "USER")]
    pub(crate) users: Vec<String>,
    /// Show what would be done, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
    /// With --yes: restore whom codes or devices come back for that are void here
    #[arg(long, requires = "yes")]
    pub(crate) allow_used_codes: bool,
}
