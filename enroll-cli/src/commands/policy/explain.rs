// SPDX-License-Identifier: MIT OR Apache-2.0
//! `policy explain`: has the login's own code decide about a login that does not take place, and tells what it went by.

use nightlatch::audit::escaped;
use nightlatch::origin::Origin;
use nightlatch::policy::{
    self, By, Circumstances, Condition, Decision, HostLookups, Leniency, Observer, PublicKey, Requirement, Rule,
};
use nightlatch::store::Enrollment;
use nightlatch::user::Account;

use super::warnings;
use crate::Outcome;
use crate::arguments::{ExplainArguments, Form};
use crate::commands::status::waiver_in_force;
use crate::failure::{Failure, Status};
use crate::json::{self, Explained, PassedOver, SCHEMA};
use crate::site::{Site, open_record};
use crate::terminal::Terminal;

pub(crate) fn run(options: &ExplainArguments, site: &Site, terminal: &Terminal) -> Outcome {
    let warnings = warnings(site.config.policy());
    for warning in &warnings {
        terminal.warn(&format!("line {}: {}", warning.line, warning.message));
    }
    let account = site.account(&options.user)?;
    // As libpam writes the names of services.
    let service = options.service.to_ascii_lowercase();
    let circumstances = Circumstances {
        service: &service,
        origin: Origin::of(options.from.as_deref()),
        key: if options.ssh_key { PublicKey::Seen } else { PublicKey::NotSeen },
        leniency: if options.nullok { Leniency::Nullok } else { Leniency::Strict },
    };
    let lookups = HostLookups::new(&site.config, &site.random, &site.clock);
    let mut trace = Trace(Vec::new());
    let policy = site.config.policy();
    let decision = policy::decide(policy, &circumstances, account.named(), &lookups, &mut trace)?;
    let enrollment = enrollment(&account, site, terminal);
    let enrolled = enrollment.map(|word| matches!(word, Enrollment::Enrolled(_)));
    let (decision, invited_until) = invited(decision, enrollment, &account, site, terminal)?;
    let waived_until = match (&decision.requirement, enrolled) {
        (Requirement::Code(_), Some(true)) => waived_until(&account, site, terminal),
        (Requirement::Code(_), Some(false) | None) => None,
        (Requirement::Exempt(_) | Requirement::Enrollment(_) | Requirement::Refusal | Requirement::NoAccount(_), _) => {
            None
        }
    };
    let explained = Explained {
        schema: SCHEMA,
        user: account.name().as_str(),
        uid: account.uid(),
        enrolled,
        service: &service,
        source: options.from.as_deref().filter(|from| !from.is_empty()),
        ssh_key: options.ssh_key,
        nullok: options.nullok,
        passed_over: trace.0,
        decided_by: decision.by.to_string(),
        line: policy.rules.iter().find(|rule| decision.by == By::Rule(rule.name.clone())).map(|rule| rule.line),
        action: action(&decision),
        outcome: if waived_until.is_some() { "let-in" } else { outcome(&decision, enrolled) },
        invited_until,
        refused_from: refused_from(&decision),
        waived_until,
        lookup_failed: decision.failed.as_ref().map(|failed| format!("{failed}; {}", failed.remedy())),
        warnings,
    };
    match terminal.form() {
        Form::Json => terminal.result(&json::line(&explained))?,
        Form::Text => terminal.result(text(&explained, &decision, circumstances.origin).as_bytes())?,
    }
    Ok(Status::Done)
}

/// Which rules were passed over, and why.
struct Trace(Vec<PassedOver>);

impl Observer for Trace {
    fn passed_over(&mut self, rule: &Rule, condition: Condition) {
        let reason = reason(rule, condition);
        self.0.push(PassedOver { rule: rule.name.to_string(), line: rule.line, condition: condition.name(), reason });
    }
}

fn reason(rule: &Rule, condition: Condition) -> String {
    fn none_of<T: ToString>(list: Option<&Vec<T>>) -> String {
        let entries: Vec<String> = list.into_iter().flatten().map(ToString::to_string).collect();
        if entries.is_empty() { "an empty list".to_owned() } else { entries.join(", ") }
    }
    let conditions = &rule.conditions;
    match condition {
        Condition::User => format!("the user is none of {}", none_of(conditions.user.as_ref())),
        Condition::Service => format!("the service is none of {}", none_of(conditions.service.as_ref())),
        Condition::Source => format!("the source is in none of {}", none_of(conditions.source.as_ref())),
        Condition::SshKey if conditions.ssh_key == Some(true) => "sshd has seen no public key".to_owned(),
        Condition::SshKey => "sshd has seen a public key".to_owned(),
        Condition::Group => format!("the user is in none of the groups {}", none_of(conditions.group.as_ref())),
        Condition::Enrolled if conditions.enrolled == Some(true) => "the user is not enrolled".to_owned(),
        Condition::Enrolled => "the user is enrolled".to_owned(),
    }
}

/// For the eye: where the decision depends on it, the login's own code has asked.
fn enrollment(account: &Account, site: &Site, terminal: &Terminal) -> Option<Enrollment> {
    match site.store().and_then(|store| store.enrollment(account.named()).map_err(Failure::from)) {
        Ok(enrollment) => Some(enrollment),
        Err(failure) => {
            terminal.warn(&format!("{failure}; {}", failure.remedy()));
            None
        }
    }
}

/// For the eye too: the rules can be explained although the record cannot be opened.
fn waived_until(account: &Account, site: &Site, terminal: &Terminal) -> Option<String> {
    let in_force = || {
        let store = site.store()?;
        let open = open_record(&store, account)?;
        let (in_force, is_looked_for) = waiver_in_force(&open, account.uid(), site)?;
        Ok(in_force.filter(|_| is_looked_for).map(|waiver| waiver.until.to_string()))
    };
    in_force().unwrap_or_else(|failure: Failure| {
        terminal.warn(&format!("{failure}; {}", failure.remedy()));
        None
    })
}

/// As a login does over a line that says `enroll`.
fn invited(
    decision: Decision,
    enrollment: Option<Enrollment>,
    account: &Account,
    site: &Site,
    terminal: &Terminal,
) -> Result<(Decision, Option<String>), Failure> {
    let word = match enrollment {
        Some(Enrollment::NotEnrolled(word)) if decision.leaves_room_for_invitation() => word,
        Some(Enrollment::NotEnrolled(_) | Enrollment::Enrolled(_)) | None => return Ok((decision, None)),
    };
    Ok(match site.invited(&site.store()?, account, word, terminal)? {
        Some(invited) => (decision.with_invitation(&invited), Some(invited.until().to_string())),
        None => (decision, None),
    })
}

fn action(decision: &Decision) -> &'static str {
    match decision.requirement {
        Requirement::Exempt(_) => "exempt",
        Requirement::Enrollment(_) => "enroll",
        Requirement::Code(_) => "require",
        Requirement::Refusal | Requirement::NoAccount(_) => "refuse",
    }
}

fn outcome(decision: &Decision, enrolled: Option<bool>) -> &'static str {
    match (&decision.requirement, enrolled) {
        (Requirement::Exempt(_), _) => "let-in",
        (Requirement::Enrollment(_), _) => "enrolls",
        (Requirement::Refusal | Requirement::NoAccount(_), _) | (Requirement::Code(_), Some(false)) => "refused",
        (Requirement::Code(_), Some(true) | None) => "asked",
    }
}

fn refused_from(decision: &Decision) -> Option<String> {
    match &decision.requirement {
        Requirement::Exempt(exemption) => exemption.until().map(|time| time.to_string()),
        Requirement::Code(_) | Requirement::Enrollment(_) | Requirement::Refusal | Requirement::NoAccount(_) => None,
    }
}

fn text(explained: &Explained<'_>, decision: &Decision, origin: Origin) -> String {
    let user = escaped(explained.user);
    let mut text =
        format!("{user} (uid {}), {}: {}\n", explained.uid, enrolled_words(explained), whence(explained, origin));
    for rule in &explained.passed_over {
        text.push_str(&format!(
            "  rule '{}' (line {}) is passed over: {}\n",
            rule.rule,
            rule.line,
            escaped(&rule.reason)
        ));
    }
    text.push_str(&format!("  {}\n", by_words(explained, decision)));
    if let Some(until) = &explained.invited_until {
        text.push_str(&format!("  it asks for a code, but {user} is invited until {until}\n"));
    }
    if let Some(failed) = &explained.lookup_failed {
        text.push_str(&format!(
            "  nobody is exempt, since a rule depends on a look-up that failed: {}\n",
            escaped(failed)
        ));
    }
    text.push_str(&format!("{user} {}\n", outcome_words(explained, decision)));
    text
}

fn enrolled_words(explained: &Explained<'_>) -> &'static str {
    match explained.enrolled {
        Some(true) => "enrolled",
        Some(false) => "not enrolled",
        None => "enrolled or not, which the store does not tell",
    }
}

fn whence(explained: &Explained<'_>, origin: Origin) -> String {
    let source = escaped(explained.source.unwrap_or_default());
    let source = match origin {
        Origin::Local => "locally".to_owned(),
        Origin::Address(_) => format!("from {source}"),
        Origin::Elsewhere => format!("from {source}, which is no address and in no network,"),
    };
    let key = if explained.ssh_key { " with an ssh key" } else { "" };
    let nullok = if explained.nullok { ", by a line with nullok" } else { "" };
    format!("{} {source}{key}{nullok}", escaped(explained.service))
}

fn by_words(explained: &Explained<'_>, decision: &Decision) -> String {
    match (&decision.by, explained.line) {
        (By::Rule(name), Some(line)) => format!("rule '{name}' (line {line}) decides: all its conditions hold"),
        (By::Rule(name), None) => format!("rule '{name}' decides"),
        (By::Nullok, _) => "no rule decides, nor does default.not_enrolled: nullok does".to_owned(),
        (by @ (By::Default | By::DefaultEnrolled | By::DefaultNotEnrolled | By::DefaultUntil), _) => {
            format!("no rule decides: {by} does")
        }
    }
}

fn outcome_words(explained: &Explained<'_>, decision: &Decision) -> String {
    if let Some(time) = &explained.waived_until {
        return format!(
            "would be asked for a code, and is let in without one until {time}: a waiver (nightlatch waive)"
        );
    }
    match (&decision.requirement, explained.enrolled, &explained.refused_from) {
        (Requirement::Exempt(_), _, Some(time)) => {
            format!("is let in without a code until {time}, with a notice, and refused from then on")
        }
        (Requirement::Exempt(_), _, None) => "is let in without a code".to_owned(),
        (Requirement::Enrollment(_), ..) => {
            "is enrolled in the login, if the auth line says 'enroll' and the service's account \
             line is there; else asked for a code, and refused: there is none yet"
                .to_owned()
        }
        (Requirement::Refusal, ..) => "is asked for a code, and refused whatever is typed".to_owned(),
        (Requirement::NoAccount(cause), ..) => format!("is asked for a code and refused: {cause}"),
        (Requirement::Code(_), Some(false), _) => "is asked for a code, and refused: there is none yet".to_owned(),
        (Requirement::Code(_), Some(true) | None, _) => "is asked for a code".to_owned(),
    }
}
