// SPDX-License-Identifier: MIT OR Apache-2.0
//! What `enroll` is told for many people at once.

use std::path::PathBuf;

use clap::Args;

#[derive(Args)]
pub(crate) struct EnrollManyArguments {
    /// Enroll everybody in a CSV file; '-' is stdin
    #[arg(long, value_name = "FILE", requires_all = ["output", "no_confirm"])]
    #[arg(conflicts_with_all = ["user", "replace", "secret_stdin", "qr_png", "qr_svg"])]
    pub(crate) from: Option<PathBuf>,
    /// Write a hand-out for each person of the file into this directory, which is root's alone
    #[arg(long, value_name = "DIR", requires = "from")]
    pub(crate) output: Option<PathBuf>,
    /// Where lines of the file are wrong, enroll the others instead of nobody
    #[arg(long, requires = "from")]
    pub(crate) skip_wrong: bool,
}
