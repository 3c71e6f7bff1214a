// SPDX-License-Identifier: MIT OR Apache-2.0
//! Which logins two sets of conditions have in common, as far as the config alone can tell. Where it cannot, they may have
//! some, and neither holds all of the other's.

use crate::policy::rule::Conditions;
use crate::policy::source::Source;

/// Whether there can be a login that fulfils both.
pub(super) fn may_both_hold(one: &Conditions, other: &Conditions) -> bool {
    let sources_meet = |a: &Source, b: &Source| a.includes(b) || b.includes(a);
    lists_meet(&one.user, &other.user, PartialEq::eq)
        && lists_meet(&one.service, &other.service, PartialEq::eq)
        && lists_meet(&one.source, &other.source, sources_meet)
        // Somebody may be in any number of groups, but nobody is in one of none.
        && lists_meet(&one.group, &other.group, |_, _| true)
        && words_meet(one.ssh_key, other.ssh_key)
        && words_meet(one.enrolled, other.enrolled)
}

/// Whether every login that fulfils the inner ones fulfils the outer ones too.
pub(super) fn include(outer: &Conditions, inner: &Conditions) -> bool {
    list_includes(&outer.user, &inner.user, PartialEq::eq)
        && list_includes(&outer.service, &inner.service, PartialEq::eq)
        && list_includes(&outer.source, &inner.source, Source::includes)
        && list_includes(&outer.group, &inner.group, PartialEq::eq)
        && (outer.ssh_key.is_none() || outer.ssh_key == inner.ssh_key)
        && (outer.enrolled.is_none() || outer.enrolled == inner.enrolled)
}

fn lists_meet<T>(one: &Option<Vec<T>>, other: &Option<Vec<T>>, meet: impl Fn(&T, &T) -> bool) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one.iter().any(|one| other.iter().any(|other| meet(one, other))),
        (Some(list), None) | (None, Some(list)) => !list.is_empty(),
        (None, None) => true,
    }
}

fn words_meet(one: Option<bool>, other: Option<bool>) -> bool {
    one.is_none() || other.is_none() || one == other
}

fn list_includes<T>(outer: &Option<Vec<T>>, inner: &Option<Vec<T>>, includes: impl Fn(&T, &T) -> bool) -> bool {
    match (outer, inner) {
        (None, _) => true,
        (Some(_), None) => false,
        (Some(outer), Some(inner)) => inner.iter().all(|inner| outer.iter().any(|outer| includes(outer, inner))),
    }
}
