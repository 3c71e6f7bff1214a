// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is wrong with this machine, as far as logins with codes go: a file for each subject, each of which looks and changes
//! nothing. What could not be looked at is said, and is never taken for fine.

mod bundle;
mod clock;
mod config;
mod escape;
mod etckeeper;
mod kind;
mod labels;
mod machine;
mod module;
mod people;
mod services;
mod sshd;
mod stacks;
mod store;
mod words;

use std::path::{Path, PathBuf};

use clap::ValueEnum;

pub(crate) use bundle::Bundle;
pub(crate) use kind::{Kind, Severity};
pub(crate) use machine::{Machine, ThisHost};
pub(crate) use store::mend;

/// A config that cannot be read; whoever reads it says so.
pub(crate) const CONFIG: Kind = Kind::Of(kind::Word::Config);

/// What can be looked at, in the order in which it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Subject {
    /// Owner, mode, damage and blocks of keys and records, and the disk under them
    Store,
    /// What is surely not meant so in the config
    Config,
    /// Whether the module is where libpam looks, loads, and is of this version
    Module,
    /// The lines of each PAM service that names the module
    Services,
    /// What sshd makes of its settings for each enrolled person
    Sshd,
    /// Who is locked out, let through or blocked, and whose account is another or gone
    People,
    /// Root's way in if all else fails
    Escape,
    /// Whether etckeeper holds the master key
    Etckeeper,
    /// Whether the clock is synchronised
    Clock,
    /// SELinux labels and AppArmor profiles
    Labels,
}

impl Subject {
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }
}

/// Something to do something about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) kind: Kind,
    pub(crate) message: String,
    pub(crate) path: Option<PathBuf>,
    pub(crate) remedy: String,
}

impl Finding {
    pub(crate) fn new(kind: Kind, message: impl Into<String>, remedy: impl Into<String>) -> Self {
        Self { kind, message: message.into(), path: None, remedy: remedy.into() }
    }

    pub(crate) fn at(mut self, path: impl AsRef<Path>) -> Self {
        self.path = Some(path.as_ref().to_owned());
        self
    }
}

/// What was looked at, or why not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Examined {
    pub(crate) subject: Subject,
    pub(crate) outcome: Outcome,
    pub(crate) message: String,
}

/// Whether something could be looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    Looked,
    Skipped,
}

impl Outcome {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Looked => "looked",
            Self::Skipped => "skipped",
        }
    }
}

/// All that came out.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) findings: Vec<Finding>,
    pub(crate) examined: Vec<Examined>,
}

impl Report {
    pub(crate) fn found(&mut self, finding: Finding) {
        if !self.findings.contains(&finding) {
            self.findings.push(finding);
        }
    }

    pub(crate) fn looked(&mut self, subject: Subject, message: impl Into<String>) {
        self.examined.push(Examined { subject, outcome: Outcome::Looked, message: message.into() });
    }

    pub(crate) fn skipped(&mut self, subject: Subject, because: impl Into<String>) {
        self.examined.push(Examined { subject, outcome: Outcome::Skipped, message: because.into() });
    }
}

/// Looks at some subjects, or all; worst first.
pub(crate) fn examine(machine: &Machine<'_>, subjects: &[Subject]) -> Report {
    let mut report = Report::default();
    let services = stacks::services(machine);
    for subject in Subject::value_variants() {
        if !subjects.is_empty() && !subjects.contains(subject) {
            continue;
        }
        match subject {
            Subject::Store => store::examine(machine, &mut report),
            Subject::Config => config::examine(machine, &services, &mut report),
            Subject::Module => module::examine(machine, &services, &mut report),
            Subject::Services => {
                stacks::examine(machine, &services, &mut report);
                services::examine(machine, &services, &mut report);
            }
            Subject::Sshd => sshd::examine(machine, &services, &mut report),
            Subject::People => people::examine(machine, &services, &mut report),
            Subject::Escape => escape::examine(machine, &services, &mut report),
            Subject::Etckeeper => etckeeper::examine(machine, &mut report),
            Subject::Clock => clock::examine(machine, &mut report),
            Subject::Labels => labels::examine(machine, &services, &mut report),
        }
    }
    report.findings.sort_by_key(|finding| finding.kind.rank());
    report
}

/// Some names, and how many more there are.
pub(crate) fn some_of(names: &[String]) -> String {
    const SHOWN: usize = 5;
    let shown: Vec<_> = names.iter().take(SHOWN).map(String::as_str).collect();
    match names.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests;
