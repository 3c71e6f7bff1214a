// SPDX-License-Identifier: MIT OR Apache-2.0
//! What `doctor` takes.

use std::path::PathBuf;

use clap::Args;

use crate::doctor::Subject;

#[derive(Args)]
pub(crate) struct DoctorArguments {
    /// Write files anew whose blocks are shared, missing or copied on write
    #[arg(long)]
    pub(crate) mend: bool,
    /// Look at these alone, with commas between them [default: at everything]
    ///
    /// store, config, module, services, sshd, people, escape, etckeeper, clock, labels.
    #[arg(long, value_name = "SUBJECT", value_enum, value_delimiter = ',', hide_possible_values = true)]
    pub(crate) only: Vec<Subject>,
    /// Write what a maintainer needs into a new file: no secret, name or address
    #[arg(long, value_name = "FILE", conflicts_with_all = ["mend", "only"])]
    pub(crate) bundle: Option<PathBuf>,
}

pub(super) const EXAMPLES: &str = "\
SUBJECT: store, config, module, services, sshd, people, escape, etckeeper, clock, labels.
Exit status: 0 nothing found; 10 warnings only; 11 errors. With --quiet it prints nothing where
nothing is found. docs/guides/doctor.md says what each kind of finding means.

Example:
  nightlatch doctor
  nightlatch doctor --only services,sshd
  nightlatch doctor --bundle /root/nightlatch.txt";
