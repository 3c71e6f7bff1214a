// SPDX-License-Identifier: MIT OR Apache-2.0
//! `doctor`: looks the machine over before somebody is locked out or gets in. It changes nothing unless it is told to mend.

use std::path::{Path, PathBuf};

use nightlatch::audit::escaped;
use nightlatch::clock::SystemClock;
use nightlatch::config::{Config, ConfigError, ConfigErrors, DEFAULT_PATH};
use nightlatch::random::SystemRandom;
use serde::Serialize;

use crate::arguments::{DoctorArguments, Form, Notes};
use crate::doctor::{self, Bundle, Finding, Machine, Report, Severity, ThisHost};
use crate::failure::{Failure, Status};
use crate::json::{self, SCHEMA};
use crate::site::{Site, require_root};
use crate::terminal::Terminal;

#[derive(Serialize)]
struct Examination<'r> {
    schema: u32,
    changed: bool,
    findings: Vec<Found<'r>>,
    examined: Vec<LookedAt<'r>>,
}

#[derive(Serialize)]
struct Found<'r> {
    kind: &'static str,
    severity: &'static str,
    message: &'r str,
    path: Option<std::borrow::Cow<'r, str>>,
    remedy: &'r str,
}

#[derive(Serialize)]
struct LookedAt<'r> {
    subject: String,
    /// "looked" or "skipped".
    outcome: &'static str,
    message: &'r str,
}

#[derive(Serialize)]
struct Bundled<'b> {
    schema: u32,
    changed: bool,
    bundle: std::borrow::Cow<'b, str>,
}

pub(crate) fn run(options: &DoctorArguments, named: Option<&Path>, terminal: &Terminal) -> crate::Outcome {
    require_root()?;
    let (site, config_errors) = match Config::read_whole(named) {
        Ok(config) => (Some(Site { config, random: SystemRandom, clock: SystemClock }), Vec::new()),
        Err(errors) => (None, of_config(&errors)),
    };
    let machine = Machine {
        root: PathBuf::from("/"),
        programs: &ThisHost,
        site: site.as_ref(),
        config: named.unwrap_or(Path::new(DEFAULT_PATH)).to_owned(),
        config_errors,
    };
    let mut changed = false;
    if options.mend {
        terminal.interruption().settle();
        changed = doctor::mend(&Site::read(named)?)?;
    }
    let report = doctor::examine(&machine, &options.only);
    if let Some(path) = &options.bundle {
        return bundle(&machine, &report, path, terminal);
    }
    match (terminal.form(), terminal.notes()) {
        (Form::Json, _) => terminal.result(&json::line(&object(changed, &report)))?,
        (Form::Text, Notes::Silent) => terminal.result(findings(&report).as_bytes())?,
        (Form::Text, Notes::Shown) => terminal.result(text(changed, &report).as_bytes())?,
    }
    Ok(match report.findings.first().map(|worst| worst.kind.severity()) {
        None => Status::Done,
        Some(Severity::Warning) => Status::FoundWarnings,
        Some(Severity::Error) => Status::FoundErrors,
    })
}

/// Nobody logs in by a config that cannot be read; what else there is to see is looked at all the same.
fn of_config(ConfigErrors { first, further }: &ConfigErrors) -> Vec<Finding> {
    let finding = |error: &ConfigError| {
        let made = Finding::new(doctor::CONFIG, error.to_string(), error.remedy());
        match error.path() {
            Some(path) => made.at(path),
            None => made,
        }
    };
    std::iter::once(first).chain(further).map(finding).collect()
}

fn bundle(machine: &Machine<'_>, report: &Report, path: &Path, terminal: &Terminal) -> Result<Status, Failure> {
    Bundle::of(machine, report).write(path)?;
    let shown = path.to_string_lossy();
    match terminal.form() {
        Form::Json => terminal.result(&json::line(&Bundled { schema: SCHEMA, changed: true, bundle: shown }))?,
        Form::Text => {
            let line = format!("wrote {}; it is plain text: read it before you send it\n", escaped(&shown));
            terminal.result(line.as_bytes())?;
        }
    }
    Ok(Status::Done)
}

fn object(changed: bool, report: &Report) -> Examination<'_> {
    let findings = report.findings.iter().map(|finding| Found {
        kind: finding.kind.name(),
        severity: finding.kind.severity().name(),
        message: &finding.message,
        path: finding.path.as_ref().map(|path| path.to_string_lossy()),
        remedy: &finding.remedy,
    });
    let examined = report.examined.iter().map(|examined| LookedAt {
        subject: examined.subject.name(),
        outcome: examined.outcome.name(),
        message: &examined.message,
    });
    Examination { schema: SCHEMA, changed, findings: findings.collect(), examined: examined.collect() }
}

/// Two lines for each: what, and what to do.
fn findings(report: &Report) -> String {
    let lines = report.findings.iter().map(|finding| {
        let (severity, kind) = (finding.kind.severity().name(), finding.kind.name());
        format!("{severity}: {} [{kind}]\n    {}\n", escaped(&finding.message), escaped(&finding.remedy))
    });
    lines.collect()
}

fn text(changed: bool, report: &Report) -> String {
    let mut text = String::new();
    if changed {
        text.push_str("mended: files were written anew, with blocks of their own\n");
    }
    text.push_str(&findings(report));
    let is_error = |finding: &&Finding| finding.kind.severity() == Severity::Error;
    let errors = report.findings.iter().filter(is_error).count();
    let warnings = report.findings.len().saturating_sub(errors);
    text.push_str(&match (errors, warnings) {
        (0, 0) => "nothing found\n".to_owned(),
        _ => format!("{}, {}\n", counted(errors, "error"), counted(warnings, "warning")),
    });
    for examined in &report.examined {
        let because = match examined.outcome {
            doctor::Outcome::Looked => "",
            doctor::Outcome::Skipped => "skipped: ",
        };
        text.push_str(&format!("  {:<10} {because}{}\n", examined.subject.name(), escaped(&examined.message)));
    }
    text
}

fn counted(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}
