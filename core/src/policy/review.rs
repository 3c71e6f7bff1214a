// SPDX-License-Identifier: MIT OR Apache-2.0
//! What in a policy is surely not meant so, though it can be followed: rules that no login reaches, and names that lead to
//! nobody. For `nightlatch policy`; a login does not look.

use nix::errno::Errno;
use nix::unistd::Gid;

use crate::policy::overlap::include;
use crate::policy::rule::{Conditions, Group, Policy, Rule};
use crate::policy::source::Source;
use crate::user::{Account, AccountError, UserName};

/// Something that is surely not meant so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// Where the rule begins, from 1.
    pub line: usize,
    /// What kind it is of.
    pub kind: WarningKind,
    /// What is odd, and why.
    pub message: String,
}

/// The kinds of warnings, for machines.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WarningKind {
    /// It decides about every login, and rules stand behind it.
    MatchesAll,
    /// An earlier rule decides about all that it would.
    Shadowed,
    /// A list has no entries, so that nothing is one of them.
    Empty,
    /// There is no such account, or it goes by another name.
    UnknownUser,
    /// There is no such group.
    UnknownGroup,
    /// Bits are set that do not count.
    HostBits,
    /// The database does not answer whether a name is there.
    Lookup,
}

impl WarningKind {
    /// One word for machines.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::MatchesAll => "matches-all",
            Self::Shadowed => "shadowed",
            Self::Empty => "empty",
            Self::UnknownUser => "unknown-user",
            Self::UnknownGroup => "unknown-group",
            Self::HostBits => "host-bits",
            Self::Lookup => "lookup",
        }
    }
}

/// Who is there.
pub trait Directory {
    /// The account of that name.
    ///
    /// # Errors
    ///
    /// [`AccountError`].
    fn account(&self, name: &UserName) -> Result<Account, AccountError>;

    /// Whether there is such a group.
    ///
    /// # Errors
    ///
    /// The system's reason.
    fn has_group(&self, group: &Group) -> Result<bool, Errno>;
}

/// This host's.
pub struct HostDirectory;

impl Directory for HostDirectory {
    fn account(&self, name: &UserName) -> Result<Account, AccountError> {
        Account::resolve(name)
    }

    fn has_group(&self, group: &Group) -> Result<bool, Errno> {
        let found = match group {
            Group::Gid(gid) => nix::unistd::Group::from_gid(Gid::from_raw(*gid))?,
            Group::Name(name) => nix::unistd::Group::from_name(name)?,
        };
        Ok(found.is_some())
    }
}

/// All that is surely not meant so, in the order of the file.
#[must_use]
pub fn review(policy: &Policy, directory: &dyn Directory) -> Vec<Warning> {
    let mut warnings = Vec::new();
    for (index, rule) in policy.rules.iter().enumerate() {
        let (before, later) = (policy.rules.get(..index), policy.rules.get(index.saturating_add(1)..));
        let mut warn = |kind, message: String| warnings.push(Warning { line: rule.line, kind, message });
        match later {
            Some([next, ..]) if rule.conditions.hold_always() => warn(
                WarningKind::MatchesAll,
                format!(
                    "rule '{}' has no condition and decides about every login: the rules from line {} on are never reached",
                    rule.name, next.line
                ),
            ),
            _ => {}
        }
        let outer = before.unwrap_or_default().iter().find(|earlier| hides(earlier, rule));
        if let Some(outer) = outer {
            warn(
                WarningKind::Shadowed,
                format!(
                    "rule '{}' is never reached: whatever fulfils it fulfils rule '{}' (line {}) before it",
                    rule.name, outer.name, outer.line
                ),
            );
        }
        for list in empty_lists(&rule.conditions) {
            warn(WarningKind::Empty, format!("rule '{}' can never hold: {list} is an empty list", rule.name));
        }
        review_names(rule, directory, &mut warn);
        for source in rule.conditions.source.iter().flatten() {
            match source {
                Source::Block(block) if block.has_host_bits() => {
                    warn(
                        WarningKind::HostBits,
                        format!("{source} in rule '{}' names one address and means a whole block", rule.name),
                    );
                }
                Source::Block(_) | Source::Local => {}
            }
        }
    }
    warnings
}

/// A rule that can never hold hides nothing, and what stands behind one that always holds is told of once, there.
fn hides(earlier: &Rule, rule: &Rule) -> bool {
    !earlier.conditions.hold_always()
        && empty_lists(&earlier.conditions).is_empty()
        && empty_lists(&rule.conditions).is_empty()
        && include(&earlier.conditions, &rule.conditions)
}

fn empty_lists(conditions: &Conditions) -> Vec<&'static str> {
    fn is_empty<T>(list: Option<&Vec<T>>) -> bool {
        list.is_some_and(Vec::is_empty)
    }
    let Conditions { user, service, source, group, ssh_key: _, enrolled: _ } = conditions;
    [
        ("user", is_empty(user.as_ref())),
        ("service", is_empty(service.as_ref())),
        ("source", is_empty(source.as_ref())),
        ("group", is_empty(group.as_ref())),
    ]
    .into_iter()
    .filter_map(|(name, empty)| empty.then_some(name))
    .collect()
}

fn review_names(rule: &Rule, directory: &dyn Directory, warn: &mut impl FnMut(WarningKind, String)) {
    let place = format!("in rule '{}'", rule.name);
    for user in rule.conditions.user.iter().flatten() {
        match directory.account(user) {
            Ok(account) if account.name() == user => {}
            Ok(account) => warn(
                WarningKind::UnknownUser,
                format!(
                    "user '{user}' {place} is spelt '{}' by the account database, and rules go by that",
                    account.name()
                ),
            ),
            Err(AccountError::Unknown) => {
                warn(WarningKind::UnknownUser, format!("user '{user}' {place} has no account on this host"));
            }
            Err(alias @ AccountError::Alias { .. }) => {
                warn(WarningKind::UnknownUser, format!("user {alias} ({place})"));
            }
            Err(failed @ AccountError::LookupFailed { .. }) => {
                warn(WarningKind::Lookup, format!("user '{user}' {place}: {failed}"));
            }
        }
    }
    for group in rule.conditions.group.iter().flatten() {
        match directory.has_group(group) {
            Ok(true) => {}
            Ok(false) => {
                warn(WarningKind::UnknownGroup, format!("group '{group}' {place} does not exist on this host"));
            }
            Err(errno) => warn(
                WarningKind::Lookup,
                format!(
                    "group '{group}' {place}: the group database does not answer ({errno}); check the name service"
                ),
            ),
        }
    }
}
