// SPDX-License-Identifier: MIT OR Apache-2.0
//! What `key` takes.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use crate::arguments::QrStyle;

#[derive(Subcommand)]
pub(crate) enum KeyCommand {
    /// Show the master keys, and how many files are sealed under each
    #[command(after_help = "Example:\n  nightlatch key list\n  nightlatch --json key list | jq .keys")]
    List,
    /// Make a new master key and seal every file anew under it; logins go on meanwhile
    #[command(after_help = ROTATE_EXAMPLES)]
    Rotate(KeyRotateArguments),
    /// Write the master keys as text for the safe
    #[command(after_help = BACKUP_EXAMPLES)]
    Backup(KeyBackupArguments),
    /// Put a master key back from that text; run again, it changes nothing
    #[command(after_help = RESTORE_EXAMPLES)]
    Restore(KeyRestoreArguments),
}

const ROTATE_EXAMPLES: &str = "\
Interrupted, it goes on when it is run again. The old key is removed once nothing names it; backups
that were made before need it still. Exit status 1 if a file was left under its old key.

Example:
  nightlatch key rotate
  nightlatch key rotate --keep-old";
const BACKUP_EXAMPLES: &str = "\
Example:
  nightlatch key backup                                  # on the terminal, after asking
  nightlatch key backup --output /root/key.txt --qr-png /root/key.png";
const RESTORE_EXAMPLES: &str = "\
Example:
  nightlatch key restore                                 # asks line by line
  nightlatch key restore --from /root/key.txt
  zbarimg --quiet --raw key.png | nightlatch key restore --from -";

#[derive(Args)]
pub(crate) struct KeyRotateArguments {
    /// Leave the old key where it is
    #[arg(long)]
    pub(crate) keep_old: bool,
}

#[derive(Args)]
pub(crate) struct KeyBackupArguments {
    /// Write to a new file (mode 0600) and not to the terminal
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// How to draw the QR code: auto, utf8, ansi or none
    #[arg(long, value_name = "STYLE", value_enum, default_value = "auto", hide_possible_values = true)]
    pub(crate) qr: QrStyle,
    /// Write the QR code to a new PNG file (mode 0600)
    #[arg(long, value_name = "FILE")]
    pub(crate) qr_png: Option<PathBuf>,
    /// Write the QR code to a new SVG file (mode 0600)
    #[arg(long, value_name = "FILE")]
    pub(crate) qr_svg: Option<PathBuf>,
    /// Do not ask before the keys are shown on a terminal
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Args)]
pub(crate) struct KeyRestoreArguments {
    /// Read the text from a file, or from stdin with '-' [default: ask line by line]
    #[arg(long, value_name = "FILE")]
    pub(crate) from: Option<PathBuf>,
}
