// SPDX-License-Identifier: MIT OR Apache-2.0
//! A rule for a group may only relax: a name service that fails can make somebody's groups look fewer, without an error,
//! and nobody may get in by that who would not otherwise.

use crate::policy::overlap::{include, may_both_hold};
use crate::policy::rule::{Action, Conditions, NotEnrolledRule, Policy};

/// Why the rule with that index would be stricter than what decides where its group is not seen; `None` if it is not.
pub(crate) fn tightening(policy: &Policy, index: usize) -> Option<String> {
    let (before, later) = policy.rules.split_at_checked(index.saturating_add(1))?;
    let rule = before.last()?;
    rule.conditions.group.as_ref()?;
    // All else that the rule asks for holds; its group is the one thing that an outage changes.
    let elsewise = Conditions { group: None, ..rule.conditions.clone() };
    let sentence = |laxer: String| {
        format!(
            "rule '{}' {} those of a group, while {laxer} where the group is not seen: a name service that fails can make \
             groups look fewer without an error, so a rule for a group may only relax; name the users instead, or relax \
             for a group of the others",
            rule.name,
            match rule.action {
                Action::Exempt => "exempts",
                Action::Enroll => "wants to enroll",
                Action::Require => "requires a code of",
                Action::Refuse => "refuses",
            }
        )
    };
    for next in later.iter().filter(|next| may_both_hold(&next.conditions, &elsewise)) {
        if next.action < rule.action {
            return Some(sentence(format!("rule '{}' (line {}) {}", next.name, next.line, next.action.verb())));
        }
        if include(&next.conditions, &elsewise) {
            return None;
        }
    }
    laxer_default(policy, rule.action, elsewise.enrolled).map(|laxer| sentence(laxer.to_owned()))
}

fn laxer_default(policy: &Policy, action: Action, enrolled: Option<bool>) -> Option<&'static str> {
    if enrolled != Some(false) && policy.enrolled < action {
        return Some(match policy.enrolled {
            Action::Exempt => "default.enrolled exempts",
            Action::Enroll | Action::Require | Action::Refuse => "default.enrolled only requires a code",
        });
    }
    if enrolled == Some(true) {
        return None;
    }
    let (default, laxer) = match policy.not_enrolled {
        Some(NotEnrolledRule::Refuse) => (Action::Require, "default.not_enrolled only asks for a code"),
        Some(NotEnrolledRule::Enroll) => (Action::Enroll, "default.not_enrolled lets people enroll"),
        Some(NotEnrolledRule::Exempt) => (Action::Exempt, "default.not_enrolled exempts"),
        Some(NotEnrolledRule::ExemptUntil(_)) => {
            (Action::Exempt, "default.not_enrolled_exempt_until exempts for some time")
        }
        None => (Action::Exempt, "nullok on a module's line exempts, unless default.not_enrolled = \"refuse\" is set,"),
    };
    (default < action).then_some(laxer)
}
