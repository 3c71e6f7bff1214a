// SPDX-License-Identifier: MIT OR Apache-2.0
//! `remove`: whose record, or those of everybody who is gone.

use clap::Args;

pub(super) const EXAMPLES: &str = "\
Example:
  nightlatch remove alice
  nightlatch remove --uid 1042 --yes
  nightlatch remove --vanished --dry-run";

#[derive(Args)]
pub(crate) struct RemoveArguments {
    /// Whose; with --vanished, of that name only
    #[arg(required_unless_present_any = ["uid", "vanished"])]
    pub(crate) user: Option<String>,
    /// By uid: for an account that no longer exists, and for a damaged record
    #[arg(long, value_name = "N", conflicts_with_all = ["user", "vanished"])]
    pub(crate) uid: Option<u32>,
    /// What deleted accounts have left: records and invitations
    #[arg(long)]
    pub(crate) vanished: bool,
    /// With --vanished: show what would be removed, and change nothing
    #[arg(long, requires = "vanished", conflicts_with = "yes")]
    pub(crate) dry_run: bool,
    /// Change nothing and succeed where nothing is enrolled
    #[arg(long, conflicts_with = "vanished")]
    pub(crate) if_enrolled: bool,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
}
