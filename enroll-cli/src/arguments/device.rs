// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is said of devices on the command line: of a new one, by `enroll` and `device add` alike, and of those there are.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use nightlatch::enrollment::FirstCounter;

use crate::arguments::{AlgorithmName, QrStyle, SheetFile};

/// A new device, and how its secret gets there.
#[derive(Args)]
pub(crate) struct NewDeviceArguments {
    /// What the app shows as issuer [default: config, else the host's name]
    #[arg(long, value_name = "TEXT", hide_short_help = true)]
    pub(crate) issuer: Option<String>,
    /// What the app shows as account [default: config, else the user's name]
    #[arg(long, value_name = "TEXT", hide_short_help = true)]
    pub(crate) account: Option<String>,
    /// Codes that go by a counter and not by time: tokens with a button
    #[arg(long, conflicts_with = "period")]
    pub(crate) hotp: bool,
    /// Counter of the first code, of a token that was pressed [default: 0]
    #[arg(long, value_name = "N", requires = "hotp", hide_short_help = true)]
    #[arg(value_parser = clap::value_parser!(u64).range(0..=FirstCounter::MAX))]
    pub(crate) counter: Option<u64>,
    /// Hash: sha1, sha256 or sha512 [default: config, else sha1]
    #[arg(long, value_enum, value_name = "NAME", hide_possible_values = true, hide_short_help = true)]
    pub(crate) algorithm: Option<AlgorithmName>,
    /// Length of a code, 6 to 8 [default: config, else 6]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(6..=8), hide_short_help = true)]
    pub(crate) digits: Option<u8>,
    /// How long a code holds, 15 to 120 [default: config, else 30]
    #[arg(long, value_name = "SECONDS", hide_short_help = true)]
    #[arg(value_parser = clap::value_parser!(u16).range(15..=120))]
    pub(crate) period: Option<u16>,
    /// How to draw the QR code: auto, utf8, ansi or none
    #[arg(long, value_enum, value_name = "STYLE", default_value = "auto")]
    #[arg(hide_possible_values = true, hide_short_help = true)]
    pub(crate) qr: QrStyle,
    /// Write the QR code to a new PNG file (mode 0600)
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub(crate) qr_png: Option<PathBuf>,
    /// Write the QR code to a new SVG file (mode 0600)
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub(crate) qr_svg: Option<PathBuf>,
    /// Write all of it on a page to hand out: a new .pdf or .html (mode 0600)
    #[arg(long, value_name = "FILE", value_parser = SheetFile::parser())]
    pub(crate) sheet: Option<SheetFile>,
    /// Line 1 of stdin is an existing base32 secret; later lines are codes
    #[arg(long, hide_short_help = true)]
    pub(crate) secret_stdin: bool,
    /// Take a secret of less than 128 bits
    #[arg(long, requires = "secret_stdin", hide_short_help = true)]
    pub(crate) allow_short_secret: bool,
    /// Ask for no first code, and print the secret (automation)
    #[arg(long)]
    pub(crate) no_confirm: bool,
}

#[derive(Subcommand)]
pub(crate) enum DeviceCommand {
    /// Show somebody's devices
    #[command(
        after_help = "Example:\n  nightlatch device list alice\n  nightlatch --json device list alice | jq .devices"
    )]
    List {
        /// Whose
        user: String,
    },
    /// Show a QR code, ask for a first code, and only then add the device
    #[command(after_help = ADD_EXAMPLES)]
    Add(Box<DeviceAddArguments>),
    /// Call a device by another name
    #[command(after_help = "Example:\n  nightlatch device rename alice phone 'old phone'")]
    Rename(DeviceRenameArguments),
    /// Take a device away; the last one goes with 'nightlatch remove' only
    #[command(after_help = "Example:\n  nightlatch device remove alice 'old phone'")]
    Remove(DeviceRemoveArguments),
    /// Set a device right that is out of step, by two codes of it, one right after the other
    #[command(after_help = RESYNC_EXAMPLES)]
    Resync {
        /// Whose
        user: String,
        /// Which device; may be left out where there is one
        device: Option<String>,
    },
}

const ADD_EXAMPLES: &str = "\
Example:
  nightlatch device add alice --name tablet
  nightlatch device add alice --name token --hotp --secret-stdin
  printf '%s\\n' \"$secret\" | nightlatch device add alice --hotp --secret-stdin --no-confirm";
const RESYNC_EXAMPLES: &str = "\
The clock of a time-based device may be a day off, either way; the counter of a counter-based one a
thousand ahead. Both codes are used then.

Example:
  nightlatch device resync alice token
  printf '%s\\n' \"$code\" \"$next\" | nightlatch --json device resync alice";

#[derive(Args)]
pub(crate) struct DeviceAddArguments {
    /// Whose device it is
    pub(crate) user: String,
    /// What it is called [default: phone or token, and a number]
    #[arg(long)]
    pub(crate) name: Option<String>,
    /// Change nothing and succeed where a device has this name already
    #[arg(long, requires = "name")]
    pub(crate) if_missing: bool,
    #[command(flatten)]
    pub(crate) new: NewDeviceArguments,
}

#[derive(Args)]
pub(crate) struct DeviceRenameArguments {
    /// Whose
    pub(crate) user: String,
    /// What it is called now; capitals do not matter
    pub(crate) old: String,
    /// What it shall be called
    pub(crate) new: String,
    /// Change nothing and succeed where only the new name is there
    #[arg(long)]
    pub(crate) if_there: bool,
}

#[derive(Args)]
pub(crate) struct DeviceRemoveArguments {
    /// Whose
    pub(crate) user: String,
    /// Which device; capitals do not matter
    pub(crate) device: String,
    /// Change nothing and succeed where there is no such device
    #[arg(long)]
    pub(crate) if_there: bool,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
}
