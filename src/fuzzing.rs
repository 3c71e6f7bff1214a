// SPDX-License-Identifier: MIT OR Apache-2.0
//! The fuzzers' door to the module's arguments: compiled under `cfg(fuzzing)` only, which nothing but fuzz/ sets.

use std::ffi::CStr;
use std::path::PathBuf;

use nightlatch::policy::Leniency;

use crate::arguments::{Arguments, Detail, KeyFirst};

/// What the words were read as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// `config=`.
    pub config: Option<PathBuf>,
    /// `nullok`.
    pub nullok: bool,
    /// `require_key`.
    pub require_key: bool,
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
    Ok(Reading {
        config: arguments.config().map(PathBuf::from),
        nullok: arguments.leniency == Leniency::Nullok,
        require_key: arguments.key_first == KeyFirst::Required,
        debug: arguments.detail == Detail::EachStep,
    })
}
