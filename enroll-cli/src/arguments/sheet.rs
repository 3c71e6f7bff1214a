// SPDX-License-Identifier: MIT OR Apache-2.0
//! The file of a hand-out as it is named on the command line: how the name ends says what is written.

use std::path::PathBuf;

use clap::builder::{PathBufValueParser, TypedValueParser};

use crate::paper::Format;

/// Where a hand-out goes, and in what format.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SheetFile {
    pub(crate) path: PathBuf,
    pub(crate) format: Format,
}

impl SheetFile {
    pub(super) fn parser() -> impl TypedValueParser<Value = Self> {
        PathBufValueParser::new().try_map(|path| match Format::of(&path) {
            Some(format) => Ok(Self { path, format }),
            None => Err("a name that ends in .pdf or .html is expected here"),
        })
    }
}
