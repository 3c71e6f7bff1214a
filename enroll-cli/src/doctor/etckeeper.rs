// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whether /etc is under version control, and the master key with it: a clone of it would open every record.

use super::kind::Word;
use super::{Finding, Machine, Report, Subject};

pub(super) fn examine(machine: &Machine<'_>, report: &mut Report) {
    let keys = machine.site.map_or_else(|| "/etc/nightlatch/keys".into(), |site| site.config.keys().to_owned());
    let Some(below) = keys.strip_prefix("/etc").ok().and_then(|below| below.to_str()) else {
        return report.looked(Subject::Etckeeper, format!("{} is not below /etc", keys.display()));
    };
    if !["/etc/.git", "/etc/.hg", "/etc/.bzr"].iter().any(|directory| machine.has(directory)) {
        return report.looked(Subject::Etckeeper, "/etc is under no version control");
    }
    if !machine.has("/etc/.git") {
        return report.skipped(
            Subject::Etckeeper,
            format!("/etc is under another version control than git; see that it leaves {} out", keys.display()),
        );
    }
    let etc = machine.path("/etc");
    let git = |arguments: &[&str]| {
        let etc = etc.to_string_lossy();
        machine.programs.run("git", &[&["-C", &etc][..], arguments].concat())
    };
    // Nothing of the key's bytes is asked for: names alone.
    let tracked = git(&["ls-files", "--", below]);
    let ignored = git(&["check-ignore", "--quiet", &format!("{below}/0")]);
    match (tracked, ignored) {
        (Ok(tracked), _) if tracked.status == 0 && !tracked.stdout.trim().is_empty() => {
            let message =
                format!("{}: a master key is in the version control of /etc, with every copy of that", keys.display());
            let remedy = format!(
                "echo '/{below}/' >> /etc/.gitignore; git -C /etc rm -r --cached --quiet {below}; its history has the key \
                 still, so make a new master key"
            );
            report.found(Finding::new(Word::KeyInVersionControl.into(), message, remedy).at(&keys));
            report.looked(Subject::Etckeeper, "the key is in it");
        }
        (Ok(tracked), Ok(ignored)) if tracked.status == 0 && ignored.status == 1 => {
            let message =
                format!("{}: the next commit of /etc's version control takes the master key in", keys.display());
            let remedy = format!("echo '/{below}/' >> /etc/.gitignore");
            report.found(Finding::new(Word::KeyNotIgnored.into(), message, remedy).at(&keys));
            report.looked(Subject::Etckeeper, "the key is not in it yet");
        }
        (Ok(tracked), Ok(ignored)) if tracked.status == 0 && ignored.status == 0 => {
            report.looked(Subject::Etckeeper, "the version control of /etc leaves the key out");
        }
        (Ok(_) | Err(_), Ok(_) | Err(_)) => {
            report.skipped(Subject::Etckeeper, "git does not answer for /etc; see that it leaves the key out");
        }
    }
}
