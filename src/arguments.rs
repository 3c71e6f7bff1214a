// SPDX-License-Identifier: MIT OR Apache-2.0
//! The words behind `pam_nightlatch.so` in a service file. An unknown one is an error, not a warning: a typing error in
//! an option that protects would protect nobody (THREATS V10, H-17).

use std::ffi::CStr;
use std::path::{Path, PathBuf};

use nightlatch::combined::CodePlace;
use nightlatch::policy::Leniency;

use crate::asking::{Asking, TextFrom};

/// What the line says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Arguments {
    config: Option<PathBuf>,
    pub(crate) leniency: Leniency,
    pub(crate) key_first: KeyFirst,
    pub(crate) asking: Asking,
    pub(crate) first_contact: FirstContact,
    pub(crate) so_far: SoFar,
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

/// What has become of the login before it comes to this line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SoFar {
    Open,
    /// `refused`: only who gave a wrong password comes by this line. Behind a substack libpam goes on after one, and a line of
    /// ours there would ask: this one refuses without asking, and those behind it repeat that.
    Refused,
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
            asking: Asking::Code,
            first_contact: FirstContact::Refused,
            so_far: SoFar::Open,
            detail: Detail::Outcome,
        };
        let (mut wrong, mut texts, mut place) = (Vec::new(), Vec::new(), None);
        for word in words {
            match word.to_str() {
                Ok("nullok") => arguments.leniency = Leniency::Nullok,
                Ok("require_key") => arguments.key_first = KeyFirst::Required,
                Ok("use_first_pass") => texts.push(TextFrom::EarlierModule),
                Ok("try_first_pass") => texts.push(TextFrom::EarlierModuleOrPrompt),
                Ok("forward_pass") => texts.push(TextFrom::Prompt),
                Ok("code_first") => place = Some(CodePlace::Start),
                Ok("enroll") => arguments.first_contact = FirstContact::Offered,
                Ok("refused") => arguments.so_far = SoFar::Refused,
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
        match asking(&texts, place) {
            Ok(asking) => arguments.asking = asking,
            Err(contradiction) => wrong.push(contradiction.to_owned()),
        }
        if arguments.so_far == SoFar::Refused && arguments.says_whom_to_ask() {
            wrong.push("refused asks nobody, and stands without words that say whom to ask or how".to_owned());
        }
        if wrong.is_empty() { Ok(arguments) } else { Err(ArgumentError { wrong }) }
    }

    fn says_whom_to_ask(&self) -> bool {
        self.leniency != Leniency::Strict
            || self.key_first != KeyFirst::NotRequired
            || self.asking != Asking::Code
            || self.first_contact != FirstContact::Refused
    }

    /// Whether an earlier line of ours in the same stack has asked for all that this one asks for. One that refuses without
    /// asking covers every other, and is covered by none.
    pub(crate) fn are_covered_by(&self, earlier: &Self) -> bool {
        match (self.so_far, earlier.so_far) {
            (SoFar::Refused, SoFar::Open | SoFar::Refused) => return false,
            (SoFar::Open, SoFar::Refused) => return true,
            (SoFar::Open, SoFar::Open) => {}
        }
        let key_was_seen = match (self.key_first, earlier.key_first) {
            (KeyFirst::NotRequired, KeyFirst::NotRequired | KeyFirst::Required) => true,
            (KeyFirst::Required, KeyFirst::Required) => true,
            (KeyFirst::Required, KeyFirst::NotRequired) => false,
        };
        key_was_seen && self.config == earlier.config && self.asking.is_covered_by(earlier.asking)
    }

    pub(crate) fn config(&self) -> Option<&Path> {
        self.config.as_deref()
    }
}

/// Each of the three takes the text from another place, so that two of them say nothing together.
fn asking(texts: &[TextFrom], place: Option<CodePlace>) -> Result<Asking, &'static str> {
    match (texts, place) {
        ([], None) => Ok(Asking::Code),
        ([], Some(_)) => Err("code_first stands with use_first_pass, try_first_pass or forward_pass alone"),
        ([first, others @ ..], place) if others.iter().all(|other| other == first) => {
            Ok(Asking::WithPassword(*first, place.unwrap_or(CodePlace::End)))
        }
        ([_, ..], _) => {
            Err("use_first_pass, try_first_pass and forward_pass exclude each other: each hands the password on")
        }
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
        assert_eq!(arguments.asking, Asking::Code);
        assert_eq!(arguments.so_far, SoFar::Open);
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
    fn one_word_says_where_password_and_code_come_from_and_one_where_the_code_stands() {
        use CodePlace::{End, Start};
        use TextFrom::{EarlierModule, EarlierModuleOrPrompt, Prompt};
        for (words, text, place) in [
            (&[c"use_first_pass"][..], EarlierModule, End),
            (&[c"try_first_pass"], EarlierModuleOrPrompt, End),
            (&[c"forward_pass"], Prompt, End),
            (&[c"forward_pass", c"forward_pass"], Prompt, End),
            (&[c"code_first", c"use_first_pass"], EarlierModule, Start),
            (&[c"forward_pass", c"nullok", c"code_first"], Prompt, Start),
        ] {
            assert_eq!(Arguments::parse(words).unwrap().asking, Asking::WithPassword(text, place), "{words:?}");
        }
        for words in [
            &[c"use_first_pass", c"try_first_pass"][..],
            &[c"use_first_pass", c"forward_pass"],
            &[c"forward_pass", c"debug", c"try_first_pass"],
            &[c"code_first"],
            &[c"code_first", c"nullok"],
        ] {
            let text = Arguments::parse(words).unwrap_err().to_string();
            assert!(text.contains("_first_pass") && text.contains("forward_pass"), "{words:?}: {text}");
        }
    }

    #[test]
    fn a_line_that_refuses_without_asking_says_nothing_of_whom_to_ask() {
        let arguments = Arguments::parse(&[c"refused", c"config=/a", c"debug"]).unwrap();
        assert_eq!(arguments.so_far, SoFar::Refused);
        for word in [c"nullok", c"require_key", c"enroll", c"forward_pass", c"use_first_pass", c"try_first_pass"] {
            let text = Arguments::parse(&[c"refused", word]).unwrap_err().to_string();
            assert!(text.contains("refused asks nobody"), "{word:?}: {text}");
        }
    }

    #[test]
    fn a_line_is_covered_by_one_that_asked_for_as_much() {
        let parse = |words: &[&CStr]| Arguments::parse(words).unwrap();
        let (code, key) = (parse(&[]), parse(&[c"require_key"]));
        let refused = parse(&[c"refused"]);
        let (combined, other) = (parse(&[c"forward_pass"]), parse(&[c"use_first_pass", c"code_first"]));
        for (line, earlier, covered) in [
            (&code, &code, true),
            (&code, &key, true),
            (&key, &code, false),
            (&code, &combined, true),
            (&combined, &code, false),
            (&combined, &other, true),
            (&other, &combined, true),
            (&key, &combined, false),
            (&parse(&[c"config=/a"]), &code, false),
            (&parse(&[c"config=/a", c"require_key"]), &refused, true),
            (&combined, &refused, true),
            (&refused, &code, false),
            (&refused, &refused, false),
        ] {
            assert_eq!(line.are_covered_by(earlier), covered, "{line:?} {earlier:?}");
        }
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
