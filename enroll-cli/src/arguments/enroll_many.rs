// SPDX-License-Identifier: MIT OR Apache-2.0
//! What `enroll` is told for many people at once.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::paper::Format;

#[derive(Args)]
pub(crate) struct EnrollManyArguments {
    /// Enroll everybody in a CSV file; '-' is stdin
    #[arg(long, value_name = "FILE", requires_all = ["output", "no_confirm"])]
    #[arg(conflicts_with_all = ["user", "replace", "secret_stdin", "qr_png", "qr_svg", "sheet"])]
    pub(crate) from: Option<PathBuf>,
    /// Where each person of the file gets a hand-out: root's alone, or made
    #[arg(long, value_name = "DIR", requires = "from")]
    pub(crate) output: Option<PathBuf>,
    /// What hand-outs are: pages to print (pdf, html), or txt
    #[arg(long, value_name = "FORMAT", requires = "from", default_value = "pdf", hide_short_help = true)]
    #[arg(hide_possible_values = true)]
    pub(crate) format: HandoutFormat,
    /// Where lines of the file are wrong, enroll the others instead of nobody
    #[arg(long, requires = "from", hide_short_help = true)]
    pub(crate) skip_wrong: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum HandoutFormat {
    /// A page with the letters of Western Europe
    Pdf,
    /// A page with all letters, for a browser to print
    Html,
    /// Text with a QR code for a terminal
    Txt,
}

impl HandoutFormat {
    /// That of a page, if it is one.
    pub(crate) fn of_paper(self) -> Option<Format> {
        match self {
            Self::Pdf => Some(Format::Pdf),
            Self::Html => Some(Format::Html),
            Self::Txt => None,
        }
    }
}
