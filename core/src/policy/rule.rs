// SPDX-License-Identifier: MIT OR Apache-2.0
//! What an administrator may say of logins: rules with their conditions, and what holds where none of them does. Built by
//! the config alone, which refuses what may not stand in them.

use std::fmt;

use crate::clock::UnixTime;
use crate::policy::source::Source;
use crate::user::UserName;

/// All that the config says of who is asked. The first rule whose conditions all hold decides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Policy {
    /// In the order of the file.
    pub rules: Vec<Rule>,
    /// What becomes of people who are enrolled, where no rule decides.
    pub enrolled: Action,
    /// What becomes of the others; where the config says nothing, the module's argument does.
    pub not_enrolled: Option<NotEnrolledRule>,
}

impl Default for Policy {
    fn default() -> Self {
        Self { rules: Vec::new(), enrolled: Action::Require, not_enrolled: None }
    }
}

/// What a rule does to a login, from the laxest to the strictest: the order says what may follow what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Action {
    /// Nobody is asked.
    Exempt,
    /// Those who are not enrolled are enrolled in the login, where the module's line offers that; the others are asked.
    Enroll,
    /// A code is asked for.
    Require,
    /// A code is asked for, and whatever is typed is refused.
    Refuse,
}

impl Action {
    /// All of them, by the words that stand in the config.
    pub const ALL: [Self; 4] = [Self::Exempt, Self::Enroll, Self::Require, Self::Refuse];

    /// The word that stands in the config.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Exempt => "exempt",
            Self::Enroll => "enroll",
            Self::Require => "require",
            Self::Refuse => "refuse",
        }
    }

    /// What it does, as part of a sentence.
    #[must_use]
    pub fn verb(self) -> &'static str {
        match self {
            Self::Exempt => "exempts",
            Self::Enroll => "lets people enroll",
            Self::Require => "requires a code",
            Self::Refuse => "refuses",
        }
    }
}

/// What becomes of people who are not enrolled, where no rule decides.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotEnrolledRule {
    /// Asked and refused.
    Refuse,
    /// Not asked.
    Exempt,
    /// Enrolled in the login, where the module's line says `enroll`; asked and refused elsewhere.
    Enroll,
    /// Not asked and told so, until that time; refused from then on.
    ExemptUntil(UnixTime),
}

/// One `[[rule]]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// What the log calls it.
    pub name: RuleName,
    /// What it does.
    pub action: Action,
    /// When it does.
    pub conditions: Conditions,
    /// Where it begins in the file, from 1.
    pub line: usize,
}

/// All that are there have to hold. Of a list one entry has to; of an empty one none can.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Conditions {
    /// The account is one of these.
    pub user: Option<Vec<UserName>>,
    /// PAM's service is one of these.
    pub service: Option<Vec<String>>,
    /// PAM_RHOST is an address in one of these, or there is none.
    pub source: Option<Vec<Source>>,
    /// sshd has seen a public key, or has not.
    pub ssh_key: Option<bool>,
    /// The account is in one of these, by its primary group or another.
    pub group: Option<Vec<Group>>,
    /// The account is enrolled, or is not.
    pub enrolled: Option<bool>,
}

impl Conditions {
    /// Whether there are none, so that every login fulfils them.
    #[must_use]
    pub fn hold_always(&self) -> bool {
        *self == Self::default()
    }
}

/// The kinds of conditions, in the order in which they are looked at: what costs a look-up comes last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// `user`.
    User,
    /// `service`.
    Service,
    /// `source`.
    Source,
    /// `ssh_key`.
    SshKey,
    /// `group`.
    Group,
    /// `enrolled`.
    Enrolled,
}

impl Condition {
    /// The word that stands in the config.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Service => "service",
            Self::Source => "source",
            Self::SshKey => "ssh_key",
            Self::Group => "group",
            Self::Enrolled => "enrolled",
        }
    }
}

/// A group as a rule names it; membership goes by the gid.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Group {
    /// By its number.
    Gid(u32),
    /// By a name, which is looked up.
    Name(String),
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gid(gid) => write!(f, "{gid}"),
            Self::Name(name) => f.write_str(name),
        }
    }
}

/// A rule's name: it stands in the log, so it is short and plain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleName(String);

impl RuleName {
    const MOST_BYTES: usize = 32;

    /// # Errors
    ///
    /// The sentence on what is expected.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
        if (1..=Self::MOST_BYTES).contains(&text.len()) && text.chars().all(plain) {
            Ok(Self(text.to_owned()))
        } else {
            Err("a rule's name stands in the log: 1 to 32 letters, digits, '-', '_' and '.'")
        }
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RuleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
