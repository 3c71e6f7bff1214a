// SPDX-License-Identifier: MIT OR Apache-2.0
//! The config: what keeps everybody out, and what is surely not meant so, as `policy check` finds it.

use nightlatch::policy::{Action, HostDirectory, NotEnrolledRule, review};

use super::kind::Word;
use super::stacks::Service;
use super::{Finding, Machine, Report, Subject};

pub(super) fn examine(machine: &Machine<'_>, services: &[Service], report: &mut Report) {
    machine.config_errors.iter().cloned().for_each(|finding| report.found(finding));
    let Some(site) = machine.site else { return };
    let (policy, path) = (site.config.policy(), machine.config.display());
    for warning in review(policy, &HostDirectory) {
        let message = format!("{path}:{}: {}", warning.line, warning.message);
        let remedy = format!("correct the rule in {path}; 'nightlatch policy check' tries it");
        report.found(Finding::new(Word::Rule.into(), message, remedy).at(&machine.config));
    }
    if let (Some(NotEnrolledRule::ExemptUntil(until)), Ok(now)) = (policy.not_enrolled, site.now())
        && until <= now.wall
    {
        let message = format!("{path}: not_enrolled_exempt_until has passed ({until}): who is not enrolled is refused");
        let remedy = "enroll them ('nightlatch list' shows who is), or take the line out, which changes nothing today";
        report.found(Finding::new(Word::ExemptUntilPassed.into(), message, remedy).at(&machine.config));
    }
    let enrolls = policy.not_enrolled == Some(NotEnrolledRule::Enroll)
        || policy.rules.iter().any(|rule| rule.action == Action::Enroll);
    if enrolls && !services.is_empty() && !services.iter().any(Service::offers_enrollment) {
        let message = format!("{path}: people may enroll in a login, and no auth line says 'enroll': they are refused");
        let remedy = "write 'auth required pam_nightlatch.so enroll' and 'account required pam_nightlatch.so' into the \
                      service's file, as in the README";
        report.found(Finding::new(Word::EnrollNotOffered.into(), message, remedy).at(&machine.config));
    }
    report.looked(Subject::Config, format!("{path}: rules: {}", policy.rules.len()));
}
