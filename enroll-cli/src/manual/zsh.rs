// SPDX-License-Identifier: MIT OR Apache-2.0
//! The completion of zsh: clap_complete's, which knows user names and files by the hints.

use clap::Command;
use clap_complete::aot::{Shell, generate};

pub(super) fn script(root: &Command) -> String {
    let mut bytes = Vec::new();
    generate(Shell::Zsh, &mut root.clone(), "nightlatch", &mut bytes);
    let text = String::from_utf8(bytes).unwrap();
    // compinit reads the first line; the licence comes behind it.
    let (first, rest) = text.split_once('\n').unwrap();
    let head = "# SPDX-License-Identifier: MIT OR Apache-2.0\n# Written by packaging/manual from the command line.\n";
    format!("{first}\n{head}{}\n", rest.trim_end())
}
