// SPDX-License-Identifier: MIT OR Apache-2.0
//! The words behind `pam_nightlatch.so` in a service file. An unknown one is an error, not a warning: a typing error in
//! an option that protects would protect nobody (THREATS V10, H-17).

use std::ffi::CStr;
use std::path::{Path, PathBuf};

use nightlatch::policy::Leniency;

/// What the line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Arguments {
    config: Option<PathBuf>,
    pub(crate) leniency: Leniency,
    pub(crate) key_first: KeyFirst,
    pub(crate) first_contact: FirstContact,
    pub(crate) detail: Detail,
}

/// Whether sshd has to have seen a public key before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum KeyFirst {
    NotRequired,
    /// `require_key`: a lost AuthenticationMethods line must not mean a login by code alone.
    Required,
}

/// Whether somebody may enroll in a login over this line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum FirstContact {
    /// Whoever has to be enrolled first is asked and refused.
    Refused,
    /// `enroll`: where policy says so, they are let through to the account phase, which enrolls them.
    Offered,
}

/// How much is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    Outcome,
    /// `debug`: what was read and found on the way, never a code.
    EachStep,
}

/// What is wrong with the line; all of it at once.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}", wrong.join("; "))]
pub(crate) struct ArgumentError {
    wrong: Vec<String>,
}

impl Arguments {
    pub(crate) fn parse(words: &[&CStr]) -> Result<Self, ArgumentError> {
        let mut arguments = Self {
            config: None,
            leniency: Leniency::Strict,
            key_first: KeyFirst::NotRequired,
            first_contact: FirstContact::Refused,
            detail: Detail::Outcome,
        };
        let mut wrong = Vec::new();
        for word in words {
            match word.to_str() {
                Ok("nullok") => arguments.leniency = Leniency::Nullok,
                Ok("require_key") => arguments.key_first = KeyFirst::Required,
                Ok("enroll") => arguments.first_contact = FirstContact::Offered,
                Ok("debug") => arguments.detail = Detail::EachStep,
                Ok(word) => match word.strip_prefix("config=").map(PathBuf::from) {
                    Some(_) if arguments.config.is_some() => wrong.push("config= is given twice".to_owned()),
                    Some(path) if path.is_absolute() => arguments.config = Some(path),
                    Some(path) => wrong.push(format!("config={} is no absolute path", path.display())),
                    None => wrong.push(format!("'{word}' is no argument of pam_nightlatch.so")),
                },
                Err(_) => wrong.push("an argument is not UTF-8".to_owned()),
            }
        }
        if wrong.is_empty() { Ok(arguments) } else { Err(ArgumentError { wrong }) }
    }

    /// Whether an earlier line of ours in the same stack has asked for all that this one asks for.
    pub(crate) fn are_covered_by(&self, earlier: &Self) -> bool {
        let key_was_seen = match (self.key_first, earlier.key_first) {
            (KeyFirst::NotRequired, KeyFirst::NotRequired | KeyFirst::Required) => true,
            (KeyFirst::Required, KeyFirst::Required) => true,
            (KeyFirst::Required, KeyFirst::NotRequired) => false,
        };
        key_was_seen && self.config == earlier.config
    }

    pub(crate) fn config(&self) -> Option<&Path> {
        self.config.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_words_mean_the_strict_defaults() {
        let arguments = Arguments::parse(&[]).unwrap();
        assert_eq!(arguments.config(), None);
        assert_eq!(arguments.leniency, Leniency::Strict);
        assert_eq!(arguments.key_first, KeyFirst::NotRequired);
        assert_eq!(arguments.detail, Detail::Outcome);
    }

    #[test]
    fn every_word_turns_what_it_names() {
        let arguments = Arguments::parse(&[c"config=/etc/n.toml", c"nullok", c"require_key", c"debug"]).unwrap();
        assert_eq!(arguments.config(), Some(Path::new("/etc/n.toml")));
        assert_eq!(arguments.leniency, Leniency::Nullok);
        assert_eq!(arguments.key_first, KeyFirst::Required);
        assert_eq!(arguments.detail, Detail::EachStep);
    }

    #[test]
    fn whatever_is_not_known_is_an_error_and_all_of_it_is_named() {
        let error =
            Arguments::parse(&[c"nulok", c"config=etc", c"alwaysok", c"Debug", c"nullok=1", c"\xff"]).unwrap_err();
        let text = error.to_string();
        for named in ["'nulok'", "config=etc is no absolute path", "'alwaysok'", "'Debug'", "'nullok=1'", "not UTF-8"] {
            assert!(text.contains(named), "{text}");
        }
        assert!(Arguments::parse(&[c"config=/a", c"config=/b"]).is_err());
    }
}
