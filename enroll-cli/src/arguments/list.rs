// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whom `list` shows, and how.

use clap::{Args, ValueEnum};

#[derive(Args)]
pub(crate) struct ListArguments {
    /// Who is not enrolled, instead: root, and uids from UID_MIN on
    #[arg(long, conflicts_with_all = ["all", "locked", "few_backup_codes", "never_used", "short_secret", "orphaned"])]
    pub(crate) not_enrolled: bool,
    /// Those too, besides who is enrolled
    #[arg(long)]
    pub(crate) all: bool,
    /// Only who has to wait after failures, or is blocked
    #[arg(long)]
    pub(crate) locked: bool,
    /// Only who has at most so many backup codes left [default: 3]
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "3")]
    pub(crate) few_backup_codes: Option<u8>,
    /// Only whose codes were never used, by no device and in no login
    #[arg(long)]
    pub(crate) never_used: bool,
    /// Only who has a secret of less than 128 bits
    #[arg(long)]
    pub(crate) short_secret: bool,
    /// Only records whose uid has no account, or one of another name
    #[arg(long)]
    pub(crate) orphaned: bool,
    /// Only who is not enrolled and may enroll in a login
    #[arg(long, conflicts_with_all = ["locked", "few_backup_codes", "never_used", "short_secret", "orphaned"])]
    pub(crate) invited: bool,
    /// user, uid, last-login (never first), failures
    #[arg(long, value_enum, value_name = "BY", default_value = "uid", hide_possible_values = true)]
    pub(crate) sort: Sort,
    /// As table, csv or json (the same as --json) [default: table]
    #[arg(long, value_enum, hide_possible_values = true)]
    pub(crate) format: Option<ListFormat>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Sort {
    /// By name
    User,
    /// By number
    Uid,
    /// Who never logged in first, then who has not for the longest time
    LastLogin,
    /// Who has most first
    Failures,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ListFormat {
    /// For people
    Table,
    /// A line of headings, then a line for each person
    Csv,
    /// One array
    Json,
}
