// SPDX-License-Identifier: MIT OR Apache-2.0
//! The PAM services that name our module, and what is wrong with their lines. core/src/stack follows the ways; here each
//! flaw gets its sentence and its remedy.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use nightlatch::stack::lines::{NotRead, Phase, Stack};
use nightlatch::stack::paths::{Flaw, Problem, flaws};
use nightlatch::stack::{NoAccountLine, SERVICE_DIRECTORIES, account_line};

use super::kind::Word;
use super::{Finding, Kind, Machine, Report, Subject};

/// A service of this machine that asks for codes.
pub(crate) struct Service {
    pub(crate) name: String,
    pub(crate) auth: Stack,
}

impl Service {
    /// Whether one of its lines of ours has that argument.
    pub(crate) fn says(&self, argument: &str) -> bool {
        self.auth.ours().any(|line| line.says(argument))
    }

    pub(crate) fn offers_enrollment(&self) -> bool {
        self.says("enroll")
    }

    /// Whether all lines of ours take password and code in one text.
    pub(crate) fn takes_one_text(&self) -> bool {
        let in_one = ["forward_pass", "use_first_pass", "try_first_pass"];
        self.auth.ours().all(|line| in_one.iter().any(|word| line.says(word)))
    }

    /// Whether it goes by that config: by its argument, or by the default.
    pub(crate) fn goes_by(&self, config: &Path, default: &Path) -> bool {
        self.auth.ours().any(|line| {
            let named = line.arguments.iter().find_map(|argument| argument.strip_prefix("config="));
            named.map_or(default == config, |named| Path::new(named) == config)
        })
    }
}

/// Pieces that services include, and what editors and packages leave beside them: none is a service.
fn is_service(name: &str) -> bool {
    let pieces = [
        "common-",
        "system-",
        "password-auth",
        "fingerprint-auth",
        "smartcard-auth",
        "postlogin",
        "runuser",
        "nightlatch-password-auth",
        "nightlatch-system-auth",
    ];
    let left = [".dpkg-", ".rpm", ".bak", ".old", ".orig", ".before", "~"];
    !pieces.iter().any(|piece| name.starts_with(piece)) && !left.iter().any(|word| name.contains(word))
}

/// Where libpam looks for services.
pub(super) fn directories(machine: &Machine<'_>) -> Vec<PathBuf> {
    SERVICE_DIRECTORIES.iter().map(|directory| machine.path(directory)).collect()
}

fn as_paths(directories: &[PathBuf]) -> Vec<&Path> {
    directories.iter().map(PathBuf::as_path).collect()
}

/// The names of all services that there are.
pub(super) fn all_names(machine: &Machine<'_>) -> Vec<String> {
    let mut names: Vec<_> = SERVICE_DIRECTORIES.iter().flat_map(|directory| machine.names_in(directory)).collect();
    names.sort_unstable();
    names.dedup();
    names.retain(|name| is_service(name));
    names
}

/// A service's auth phase.
pub(super) fn auth_of(machine: &Machine<'_>, service: &str) -> Result<Stack, NotRead> {
    let directories = directories(machine);
    Stack::read(service, Phase::Auth, &as_paths(&directories))
}

/// A service's account phase.
pub(super) fn account_of(machine: &Machine<'_>, service: &str) -> Result<Stack, NotRead> {
    let directories = directories(machine);
    Stack::read(service, Phase::Account, &as_paths(&directories))
}

/// The services whose auth phase runs our module.
pub(super) fn services(machine: &Machine<'_>) -> Vec<Service> {
    let named = all_names(machine).into_iter().filter_map(|name| {
        let auth = auth_of(machine, &name).ok()?;
        auth.ours().next()?;
        Some(Service { name, auth })
    });
    named.collect()
}

pub(super) fn examine(machine: &Machine<'_>, services: &[Service], report: &mut Report) {
    let names: Vec<_> = services.iter().map(|service| service.name.clone()).collect();
    unread(machine, report);
    if services.is_empty() {
        if !machine.has("/etc/pam.d") {
            return report.skipped(Subject::Services, "there is no /etc/pam.d");
        }
        let message = "no service in /etc/pam.d names pam_nightlatch.so: nobody is asked for a code";
        let remedy = "enroll yourself, then put a ready file in place, as in the README under 'Protect ssh'";
        report.found(Finding::new(Word::NotInUse.into(), message, remedy));
        return report.looked(Subject::Services, "no service asks for codes");
    }
    let mut by_flaw: BTreeMap<(Problem, PathBuf, usize, String), Vec<String>> = BTreeMap::new();
    for service in services {
        match flaws(&service.auth) {
            Some(flaws) => {
                for Flaw { problem, path, line, module } in flaws {
                    by_flaw.entry((problem, path, line, module)).or_default().push(service.name.clone());
                }
            }
            None => {
                let message = format!("{}: it branches too often to be followed", service.name);
                report.found(Finding::new(Word::StackUnread.into(), message, "look it over by hand"));
            }
        }
        account_phase(machine, service, report);
    }
    for ((problem, path, line, module), services) in by_flaw {
        report.found(of_flaw(machine, problem, (&path, line, &module), &services));
    }
    report.looked(Subject::Services, format!("all ways through {}", names.join(", ")));
}

/// Only files that name us matter: what is odd elsewhere is not our business.
fn unread(machine: &Machine<'_>, report: &mut Report) {
    for name in all_names(machine) {
        let path = ["/etc/pam.d", "/usr/lib/pam.d"].map(|directory| format!("{directory}/{name}"));
        let Some(path) = path.iter().find(|path| machine.has(path)) else { continue };
        let names_us = machine.text(path).is_some_and(|text| text.contains("pam_nightlatch"));
        if let Err(error) = auth_of(machine, &name)
            && names_us
        {
            let message = format!("{path}: {}", own_words(machine, &error));
            let remedy = "correct it; a service's file is root's alone, and so is whatever it includes";
            report.found(Finding::new(Word::StackUnread.into(), message, remedy).at(path));
        }
    }
}

fn own_words(machine: &Machine<'_>, error: &NotRead) -> String {
    error.to_string().replace(&format!("{}/", machine.root.display()), "/")
}

/// The worst: people are meant to be enrolled there, and nobody is.
fn account_phase(machine: &Machine<'_>, service: &Service, report: &mut Report) {
    if !service.offers_enrollment() {
        return;
    }
    let directories = directories(machine);
    if let Err(error) = account_line(&service.name, &as_paths(&directories)) {
        let text = match &error {
            NoAccountLine::NoFile { .. } => error.to_string(),
            NoAccountLine::Missing { path } => format!("{}: no account line of pam_nightlatch.so", machine.shown(path)),
            NoAccountLine::Passed { path, line } => format!(
                "{}:{line}: this account line may let somebody in past that of pam_nightlatch.so",
                machine.shown(path)
            ),
        };
        let message = format!("{text}; {} offers to enroll people, and refuses them", service.name);
        let path = format!("/etc/pam.d/{}", service.name);
        report.found(Finding::new(Word::AccountLineMissing.into(), message, error.remedy()).at(path));
    }
}

fn of_flaw(
    machine: &Machine<'_>,
    problem: Problem,
    (path, line, module): (&Path, usize, &str),
    services: &[String],
) -> Finding {
    let (word, what, remedy) = words(problem);
    let place = machine.shown(path);
    let what = what.replace("{module}", module);
    let message = format!("{place}:{line}: {what} ({})", super::some_of(services));
    Finding::new(Kind::Of(word), message, remedy).at(place)
}

fn words(problem: Problem) -> (Word, &'static str, &'static str) {
    match problem {
        Problem::Undone => (
            Word::Undone,
            "who is refused here may get in all the same: the control of {module} lets a refusal be undone",
            "write 'auth required pam_nightlatch.so' and nothing behind it that resets",
        ),
        Problem::PasswordAlone => (
            Word::PasswordAlone,
            "{module} ends the phase or jumps, so that a password alone gets in past pam_nightlatch.so",
            "put 'auth required pam_nightlatch.so' where the right password comes by it, as in the ready files; on the RHEL \
             family behind 'auth substack nightlatch-system-auth'",
        ),
        Problem::NobodyAsks => (
            Word::NobodyAsks,
            "who is exempt here gets in without a password and without a code: nothing else in this phase asks",
            "put '@include common-auth' before it, or 'require_key' behind it where sshd asks for a key first",
        ),
        Problem::CodeWithoutPassword => (
            Word::CodeWithoutPassword,
            "a code alone gets in here, past the password",
            "write 'auth required pam_nightlatch.so' behind the password's lines",
        ),
        Problem::Bypassed => (
            Word::Bypassed,
            "{module} may let somebody in who never comes by pam_nightlatch.so",
            "if that is not meant so, put 'auth required pam_nightlatch.so' before it",
        ),
        Problem::CodeAlone => (
            Word::CodeAlone,
            "a code is all that is asked for: no password, and no key by require_key",
            "put '@include common-auth' before it, or 'require_key' behind it where sshd asks for a key first",
        ),
        Problem::BeforePassword => (
            Word::BeforePassword,
            "the code is asked for before the password, so that a stranger can use up anybody's tries",
            "put the line behind '@include common-auth'",
        ),
        Problem::WrongPasswordAsked => (
            Word::WrongPasswordAsked,
            "a wrong password comes to our prompt too, so that a stranger can use up anybody's tries",
            "make the line of the password 'requisite'; on the RHEL family take nightlatch-password-auth for the substack",
        ),
        Problem::Twice => (
            Word::Twice,
            "a second line of pam_nightlatch.so on the same way; it repeats what the first said",
            "keep one of the two",
        ),
        Problem::ExemptRefused => (
            Word::ExemptRefused,
            "who is exempt is refused here: nothing else in this phase says yes",
            "put 'auth required pam_permit.so' behind it, and see that a password or a key is asked for",
        ),
    }
}
