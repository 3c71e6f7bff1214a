// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whose record `rebind` gives to an account's new name or uid.

use clap::Args;

#[derive(Args)]
pub(crate) struct RebindArguments {
    /// What the account is called now
    pub(crate) user: String,
    /// What it was called when it was enrolled
    #[arg(long, value_name = "OLD", required_unless_present = "from_uid", conflicts_with = "from_uid")]
    pub(crate) from_name: Option<String>,
    /// The uid that it had when it was enrolled
    #[arg(long, value_name = "N")]
    pub(crate) from_uid: Option<u32>,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
}
