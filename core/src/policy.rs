// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whether a person is asked for a code. Pure: config, argument and what the store knows in, a requirement out.
//! The only place where an exemption is made.

use crate::config::{Config, NotEnrolledRule};
use crate::stack::AccountLine;
use crate::store::NotEnrolled;
use crate::user::Account;

/// What the module's line says of people who are not enrolled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leniency {
    /// No `nullok`: they are asked and refused.
    Strict,
    /// `nullok`: they are exempt, unless the config says otherwise.
    Nullok,
}

/// What is required of a login, before the store is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requirement {
    /// A code, whoever it is.
    Code,
    /// A code of those who are enrolled: the store has to be asked.
    CodeIfEnrolled(Leave),
    /// The same; who is not enrolled may be let through to be enrolled in this login, where the line offers that.
    CodeOrEnrollment(Invitation),
}

impl Requirement {
    /// Some words for the log.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Code => "a code",
            Self::CodeIfEnrolled(_) => "a code of those who are enrolled",
            Self::CodeOrEnrollment(_) => "a code, or to be enrolled",
        }
    }
}

/// The permission to exempt those who are not enrolled; turns into an exemption only with the store's word for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Leave {
    source: &'static str,
}

/// The permission to let those through who are not enrolled, so that they are enrolled before they are in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invitation {
    source: &'static str,
}

/// Nobody is asked now: the account phase of this very login enrolls the person, or ends the login.
///
/// ```compile_fail,E0451
/// let forged = nightlatch::policy::LetThrough { source: "mine" };
/// ```
#[derive(Debug, PartialEq, Eq)]
pub struct LetThrough {
    source: &'static str,
}

/// Nobody is asked. Made from the store's own word that the account is not enrolled, and from nothing else.
///
/// ```compile_fail,E0451
/// let forged = nightlatch::policy::Exemption { source: "mine" };
/// ```
#[derive(Debug, PartialEq, Eq)]
pub struct Exemption {
    source: &'static str,
}

impl Leave {
    /// Uses the permission: for an account, not for a second name of one.
    #[must_use]
    pub fn exempt(self, _account: &Account, _authoritative: NotEnrolled) -> Exemption {
        Exemption { source: self.source }
    }
}

impl Invitation {
    /// Uses the permission: for an account that is surely not enrolled, in a service whose account phase surely passes our line.
    #[must_use]
    pub fn let_through(self, _account: &Account, _authoritative: NotEnrolled, _line: AccountLine) -> LetThrough {
        LetThrough { source: self.source }
    }
}

impl LetThrough {
    /// What allowed it, for the log.
    #[must_use]
    pub fn source(&self) -> &'static str {
        self.source
    }
}

impl Exemption {
    /// What allowed it, for the log.
    #[must_use]
    pub fn source(&self) -> &'static str {
        self.source
    }
}

/// What config and argument require. The config, where it speaks, wins over the argument.
#[must_use]
pub fn requirement(config: &Config, leniency: Leniency) -> Requirement {
    match (config.not_enrolled(), leniency) {
        (Some(NotEnrolledRule::Refuse), Leniency::Strict | Leniency::Nullok) | (None, Leniency::Strict) => {
            Requirement::Code
        }
        (Some(NotEnrolledRule::Exempt), Leniency::Strict | Leniency::Nullok) => {
            Requirement::CodeIfEnrolled(Leave { source: "default.not_enrolled" })
        }
        (Some(NotEnrolledRule::Enroll), Leniency::Strict | Leniency::Nullok) => {
            Requirement::CodeOrEnrollment(Invitation { source: "default.not_enrolled" })
        }
        (None, Leniency::Nullok) => Requirement::CodeIfEnrolled(Leave { source: "nullok" }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    fn config(text: &str) -> Config {
        Config::parse(text.as_bytes(), Path::new("/c.toml")).unwrap()
    }

    #[test]
    fn the_config_wins_over_the_argument() {
        let refuse = config("[default]\nnot_enrolled = 'refuse'");
        let exempt = config("[default]\nnot_enrolled = 'exempt'");
        for leniency in [Leniency::Strict, Leniency::Nullok] {
            assert_eq!(requirement(&refuse, leniency), Requirement::Code);
            assert!(matches!(requirement(&exempt, leniency), Requirement::CodeIfEnrolled(_)));
        }
    }

    #[test]
    fn a_requirement_says_in_the_log_whom_it_asks() {
        assert_eq!(requirement(&config(""), Leniency::Strict).name(), "a code");
        assert_eq!(requirement(&config(""), Leniency::Nullok).name(), "a code of those who are enrolled");
    }

    #[test]
    fn without_a_word_of_the_config_the_argument_decides_and_its_absence_is_strict() {
        let silent = config("");
        assert_eq!(requirement(&silent, Leniency::Strict), Requirement::Code);
        assert!(matches!(requirement(&silent, Leniency::Nullok), Requirement::CodeIfEnrolled(_)));
        assert_eq!(requirement(&Config::default(), Leniency::Strict), Requirement::Code);
    }
}
