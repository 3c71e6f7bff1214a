// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whether a person is asked for a code. Pure: config, account, circumstances and what was looked up in, a decision out.
//! The only place where an exemption is made. Login and `nightlatch policy explain` go through the same function.

mod invitation;
mod lookups;
mod overlap;
mod relaxation;
mod review;
mod rule;
mod source;

use std::fmt;

pub use invitation::{Invitation, InvitedBy, LetThrough};
pub use lookups::{HostLookups, LookupFailed, Lookups};
pub use review::{Directory, HostDirectory, Warning, WarningKind, review};
pub use rule::{Action, Condition, Conditions, Group, NotEnrolledRule, Policy, Rule, RuleName};
pub use source::{Block, Source};

pub(crate) use relaxation::tightening;

use crate::clock::UnixTime;
use crate::error::Fault;
use crate::origin::Origin;
use crate::policy::lookups::{Known, NoExemption};
use crate::store::{Enrollment, NotEnrolled, Waived};
use crate::user::{Account, AccountError, Named};

/// What the module's line says of people who are not enrolled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leniency {
    /// No `nullok`: they are asked and refused.
    Strict,
    /// `nullok`: they are exempt, unless the config says otherwise.
    Nullok,
}

/// Whether sshd has seen a public key before it asked PAM.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PublicKey {
    /// It has.
    Seen,
    /// It has not, or it is not sshd.
    NotSeen,
}

/// Under what circumstances somebody logs in.
#[derive(Debug, Clone, Copy)]
pub struct Circumstances<'c> {
    /// PAM's service.
    pub service: &'c str,
    /// From where.
    pub origin: Origin,
    /// What sshd has seen.
    pub key: PublicKey,
    /// What the module's line says.
    pub leniency: Leniency,
}

/// What is required of a login, and by what.
#[derive(Debug)]
pub struct Decision {
    /// What is required.
    pub requirement: Requirement,
    /// What decided.
    pub by: By,
    /// A look-up that did not answer. It makes nobody exempt; what refuses goes on refusing.
    pub failed: Option<LookupFailed>,
}

/// What is required of a login. Whoever is asked is asked alike.
#[derive(Debug, PartialEq, Eq)]
pub enum Requirement {
    /// A code; and where the store was asked on the way, its word, which has to hold when the code is judged.
    Code(Option<Enrollment>),
    /// Asked, and refused whatever is typed.
    Refusal,
    /// Asked and refused: the name leads to no account, or is a second one of its uid.
    NoAccount(AccountError),
    /// Enrolled in this login where the module's line offers that, and else asked and refused: there is no code yet.
    Enrollment(Invitation),
    /// Nobody is asked.
    Exempt(Exemption),
}

impl Requirement {
    /// Some words for the log.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Code(_) => "a code",
            Self::Refusal => "refusal",
            Self::NoAccount(_) => "another name",
            Self::Enrollment(_) => "to be enrolled",
            Self::Exempt(_) => "nothing",
        }
    }
}

/// What decided about a login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum By {
    /// A rule.
    Rule(RuleName),
    /// The default, the same for everybody.
    Default,
    /// The default for people who are enrolled.
    DefaultEnrolled,
    /// The default for people who are not.
    DefaultNotEnrolled,
    /// The same until a date.
    DefaultUntil,
    /// The argument of the module's line.
    Nullok,
}

/// As the log has it.
impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rule(name) => write!(f, "rule:{name}"),
            Self::Default => f.write_str("default"),
            Self::DefaultEnrolled => f.write_str("default.enrolled"),
            Self::DefaultNotEnrolled => f.write_str("default.not_enrolled"),
            Self::DefaultUntil => f.write_str("default.not_enrolled_exempt_until"),
            Self::Nullok => f.write_str("nullok"),
        }
    }
}

/// Nobody is asked. Made here from an account under its one name; and where it rests on what the store knows, from the
/// store's own word: that the account is enrolled or not, or that the use of a waiver is counted.
///
/// ```compile_fail,E0451
/// let forged = nightlatch::policy::Exemption { by: None, rests_on: None, until: None, waived: None };
/// ```
#[derive(Debug, PartialEq, Eq)]
pub struct Exemption {
    by: Option<By>,
    rests_on: Option<Enrollment>,
    until: Option<UnixTime>,
    waived: Option<Waived>,
}

impl Exemption {
    fn of(_account: &Account, by: By, leave: Leave) -> Self {
        let (rests_on, until) = match leave {
            Leave::ToWhomever => (None, None),
            Leave::ToThose(enrollment) => (Some(enrollment), None),
            Leave::Until(time, not_enrolled) => (Some(Enrollment::NotEnrolled(not_enrolled)), Some(time)),
        };
        Self { by: Some(by), rests_on, until, waived: None }
    }

    /// What an administrator granted to somebody who is enrolled: for an account, not for a second name of one.
    #[must_use]
    pub fn by_waiver(_account: &Account, waived: Waived) -> Self {
        Self { by: None, rests_on: None, until: None, waived: Some(waived) }
    }

    /// The waiver, where it was one.
    #[must_use]
    pub fn waived(&self) -> Option<&Waived> {
        self.waived.as_ref()
    }

    /// The rule or default that allowed it; `None` of a waiver.
    #[must_use]
    pub fn by(&self) -> Option<&By> {
        self.by.as_ref()
    }

    /// The store's word that it depended on, if it did.
    #[must_use]
    pub fn rests_on(&self) -> Option<Enrollment> {
        self.rests_on
    }

    /// From when on this person will be refused without a second factor.
    #[must_use]
    pub fn until(&self) -> Option<UnixTime> {
        self.until
    }
}

/// The permission to exempt somebody, with the word of the store that it depends on.
enum Leave {
    ToWhomever,
    ToThose(Enrollment),
    Until(UnixTime, NotEnrolled),
}

/// What the config says of a login, before it is known whether that person may be exempt at all.
enum Ruling {
    Exempt(By, Leave),
    Enroll(By, NotEnrolled),
    Require(By),
    Refuse(By),
}

/// Whoever wants to know which rules were passed over. A login does not.
pub trait Observer {
    /// That rule did not decide, because of that condition; those behind it were not looked at.
    fn passed_over(&mut self, rule: &Rule, condition: Condition);
}

/// Nobody wants to know.
pub struct Unobserved;

impl Observer for Unobserved {
    fn passed_over(&mut self, _rule: &Rule, _condition: Condition) {}
}

/// Decides about one login of an account. What has to be looked up for it is looked up once, and only then.
///
/// # Errors
///
/// [`Fault`] where a rule depends on the store, and the store has one.
pub fn decide(
    policy: &Policy,
    circumstances: &Circumstances<'_>,
    named: &Named,
    lookups: &dyn Lookups,
    observer: &mut impl Observer,
) -> Result<Decision, Fault> {
    let mut known = Known::nothing(named, lookups);
    let ruling = rule_on(policy, circumstances, named, &mut known, observer)?;
    let (requirement, by) = match ruling {
        Ruling::Require(by) => (None, by),
        Ruling::Refuse(by) => (Some(Requirement::Refusal), by),
        Ruling::Exempt(by, leave) => {
            let exempt = |account: &Account| Requirement::Exempt(Exemption::of(account, by.clone(), leave));
            (relaxed(&mut known, exempt), by)
        }
        Ruling::Enroll(by, word) => {
            let invite = |account: &Account| Requirement::Enrollment(Invitation::of(account, by.clone(), word));
            (relaxed(&mut known, invite), by)
        }
    };
    let (enrollment, failed) = known.into_ends();
    Ok(Decision { requirement: requirement.unwrap_or(Requirement::Code(enrollment)), by, failed })
}

/// What is less than a code is for an account under its one name, and only where nothing failed on the way to it.
fn relaxed(known: &mut Known<'_>, make: impl FnOnce(&Account) -> Requirement) -> Option<Requirement> {
    match known.account() {
        Ok(account) => Some(make(&account)),
        Err(NoExemption::NoAccount(none)) => Some(Requirement::NoAccount(none)),
        Err(NoExemption::LookupFailed) => None,
    }
}

fn rule_on<'p>(
    policy: &'p Policy,
    circumstances: &Circumstances<'_>,
    named: &Named,
    known: &mut Known<'p>,
    observer: &mut impl Observer,
) -> Result<Ruling, Fault> {
    for rule in &policy.rules {
        match first_unfulfilled(&rule.conditions, circumstances, named, known)? {
            Some(condition) => observer.passed_over(rule, condition),
            None => return of_rule(rule, known),
        }
    }
    of_default(policy, circumstances.leniency, known)
}

/// The condition that does not hold; those that cost a look-up are looked at where all others hold.
fn first_unfulfilled<'p>(
    conditions: &'p Conditions,
    circumstances: &Circumstances<'_>,
    named: &Named,
    known: &mut Known<'p>,
) -> Result<Option<Condition>, Fault> {
    let Conditions { user, service, source, ssh_key, group, enrolled } = conditions;
    if user.as_ref().is_some_and(|users| !users.contains(named.name())) {
        return Ok(Some(Condition::User));
    }
    if service.as_ref().is_some_and(|services| !services.iter().any(|service| service == circumstances.service)) {
        return Ok(Some(Condition::Service));
    }
    if source.as_ref().is_some_and(|sources| !sources.iter().any(|source| source.holds(circumstances.origin))) {
        return Ok(Some(Condition::Source));
    }
    if ssh_key.is_some_and(|wanted| wanted != (circumstances.key == PublicKey::Seen)) {
        return Ok(Some(Condition::SshKey));
    }
    if group.as_ref().is_some_and(|groups| !known.is_in_one_of(groups)) {
        return Ok(Some(Condition::Group));
    }
    match enrolled {
        None => Ok(None),
        Some(wanted) => match known.enrollment()? {
            Enrollment::Enrolled(_) => Ok((!*wanted).then_some(Condition::Enrolled)),
            Enrollment::NotEnrolled(_) => Ok(wanted.then_some(Condition::Enrolled)),
        },
    }
}

fn of_rule(rule: &Rule, known: &mut Known<'_>) -> Result<Ruling, Fault> {
    let by = By::Rule(rule.name.clone());
    Ok(match (rule.action, rule.conditions.enrolled) {
        (Action::Require, _) => Ruling::Require(by),
        (Action::Refuse, _) => Ruling::Refuse(by),
        (Action::Enroll, _) => match known.enrollment()? {
            Enrollment::Enrolled(_) => Ruling::Require(by),
            Enrollment::NotEnrolled(word) => Ruling::Enroll(by, word),
        },
        (Action::Exempt, None) => Ruling::Exempt(by, Leave::ToWhomever),
        (Action::Exempt, Some(_)) => Ruling::Exempt(by, Leave::ToThose(known.enrollment()?)),
    })
}

/// Asks the store only where it makes a difference.
fn of_default(policy: &Policy, leniency: Leniency, known: &mut Known<'_>) -> Result<Ruling, Fault> {
    let (rule, by) = match (policy.not_enrolled, leniency) {
        (Some(rule @ NotEnrolledRule::ExemptUntil(_)), _) => (rule, By::DefaultUntil),
        (Some(rule), _) => (rule, By::DefaultNotEnrolled),
        (None, Leniency::Nullok) => (NotEnrolledRule::Exempt, By::Nullok),
        (None, Leniency::Strict) => (NotEnrolledRule::Refuse, By::DefaultNotEnrolled),
    };
    match (policy.enrolled, rule) {
        (Action::Enroll | Action::Require, NotEnrolledRule::Refuse) => return Ok(Ruling::Require(By::Default)),
        (Action::Refuse, NotEnrolledRule::Refuse) => return Ok(Ruling::Refuse(By::Default)),
        (Action::Exempt, NotEnrolledRule::Exempt) => return Ok(Ruling::Exempt(By::Default, Leave::ToWhomever)),
        (_, NotEnrolledRule::Enroll)
        | (
            Action::Enroll | Action::Require | Action::Refuse,
            NotEnrolledRule::Exempt | NotEnrolledRule::ExemptUntil(_),
        )
        | (Action::Exempt, NotEnrolledRule::Refuse | NotEnrolledRule::ExemptUntil(_)) => {}
    }
    let word = known.enrollment()?;
    Ok(match (word, policy.enrolled, rule) {
        (Enrollment::Enrolled(_), Action::Enroll | Action::Require, _) => Ruling::Require(By::DefaultEnrolled),
        (Enrollment::Enrolled(_), Action::Refuse, _) => Ruling::Refuse(By::DefaultEnrolled),
        (Enrollment::Enrolled(_), Action::Exempt, _) => Ruling::Exempt(By::DefaultEnrolled, Leave::ToThose(word)),
        (Enrollment::NotEnrolled(_), _, NotEnrolledRule::Refuse) => Ruling::Require(by),
        (Enrollment::NotEnrolled(not_enrolled), _, NotEnrolledRule::Enroll) => Ruling::Enroll(by, not_enrolled),
        (Enrollment::NotEnrolled(_), _, NotEnrolledRule::Exempt) => Ruling::Exempt(by, Leave::ToThose(word)),
        (Enrollment::NotEnrolled(not_enrolled), _, NotEnrolledRule::ExemptUntil(time)) => {
            if known.is_before(time) {
                Ruling::Exempt(by, Leave::Until(time, not_enrolled))
            } else {
                Ruling::Require(by)
            }
        }
    })
}

#[cfg(test)]
mod tests;
