// SPDX-License-Identifier: MIT OR Apache-2.0
//! The fuzzers' door to the module's arguments: compiled under `cfg(fuzzing)` only, which nothing but fuzz/ sets.

use std::ffi::CStr;
use std::path::PathBuf;

use nightlatch::combined::CodePlace;
use nightlatch::policy::Leniency;

use crate::arguments::{Arguments, Detail, FirstContact, KeyFirst, SoFar};
use crate::asking::{Asking, TextFrom};

/// What the words were read as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// `config=`.
    pub config: Option<PathBuf>,
    /// `nullok`.
    pub nullok: bool,
    /// `require_key`.
    pub require_key: bool,
    /// `use_first_pass`, `try_first_pass` or `forward_pass`.
    pub with_password: Option<&'static str>,
    /// `code_first`.
    pub code_first: bool,
    /// `enroll`.
    pub enroll: bool,
    /// `refused`.
    pub refused: bool,
    /// `debug`.
    pub debug: bool,
}

/// `Arguments::parse`; the error as it is logged.
///
/// # Errors
///
/// The text on all that is wrong.
pub fn read_arguments(words: &[&CStr]) -> Result<Reading, String> {
    let arguments = Arguments::parse(words).map_err(|error| error.to_string())?;
    let (with_password, code_first) = match arguments.asking {
        Asking::Code => (None, false),
        Asking::WithPassword(text, place) => (Some(word_for(text)), place == CodePlace::Start),
    };
    Ok(Reading {
        config: arguments.config().map(PathBuf::from),
        nullok: arguments.leniency == Leniency::Nullok,
        require_key: arguments.key_first == KeyFirst::Required,
        with_password,
        code_first,
        enroll: arguments.first_contact == FirstContact::Offered,
        refused: arguments.so_far == SoFar::Refused,
        debug: arguments.detail == Detail::EachStep,
    })
}

fn word_for(text: TextFrom) -> &'static str {
    match text {
        TextFrom::EarlierModule => "use_first_pass",
        TextFrom::EarlierModuleOrPrompt => "try_first_pass",
        TextFrom::Prompt => "forward_pass",
    }
}
