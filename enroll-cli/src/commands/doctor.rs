// SPDX-License-Identifier: MIT OR Apache-2.0
//! `doctor`: looks the store over before somebody is locked out. It changes nothing unless it is told to mend.

use nightlatch::audit::escaped;
use nightlatch::store::{self, Finding};

use crate::Outcome;
use crate::arguments::{DoctorArguments, Form};
use crate::extents::Fiemap;
use crate::failure::Status;
use crate::json::{self, Examined, Found, SCHEMA};
use crate::site::Site;
use crate::terminal::Terminal;

pub(crate) fn run(options: &DoctorArguments, site: &Site, terminal: &Terminal) -> Outcome {
    let examine = || store::survey(&site.config, &site.random, &Fiemap);
    let mut findings = examine();
    let mut changed = false;
    if options.mend {
        terminal.interruption().settle();
        changed = store::mend(&site.config, &site.random, &findings, site.now()?.wall)?;
        findings = examine();
    }
    match terminal.form() {
        Form::Json => terminal.result(&json::line(&object(changed, &findings)))?,
        Form::Text => terminal.result(text(changed, &findings).as_bytes())?,
    }
    Ok(if findings.is_empty() { Status::Done } else { Status::Fault })
}

fn object(changed: bool, findings: &[Finding]) -> Examined<'_> {
    let findings = findings.iter().map(|finding| Found {
        kind: finding.kind(),
        message: finding.to_string(),
        path: finding.path().map(|path| path.to_string_lossy()),
        remedy: finding.remedy(),
    });
    Examined { schema: SCHEMA, changed, findings: findings.collect() }
}

/// A line for each finding.
fn text(changed: bool, findings: &[Finding]) -> String {
    let mut text = String::new();
    if changed {
        text.push_str("mended: files were written anew, with blocks of their own\n");
    }
    if findings.is_empty() {
        text.push_str("nothing found: keys, store and records are sound, and logins need no free block\n");
    }
    for finding in findings {
        text.push_str(&format!("{}; {}\n", escaped(&finding.to_string()), escaped(&finding.remedy())));
    }
    text
}
