// SPDX-License-Identifier: MIT OR Apache-2.0
//! `policy check`: all that is wrong with the config and keeps everybody out, or else all that is surely not meant so.

use std::path::Path;

use nightlatch::audit::escaped;
use nightlatch::config::{Config, ConfigError, ConfigErrors, DEFAULT_PATH};

use super::warnings;
use crate::Outcome;
use crate::arguments::{CheckArguments, Form};
use crate::failure::{Failure, Status};
use crate::json::{self, Checked, PolicyError, SCHEMA};
use crate::site::require_root;
use crate::terminal::Terminal;

pub(crate) fn run(options: &CheckArguments, named: Option<&Path>, terminal: &Terminal) -> Outcome {
    require_root()?;
    let path = named.unwrap_or(Path::new(DEFAULT_PATH)).to_string_lossy();
    let (wrong, warnings) = match Config::read_whole(named) {
        Ok(config) => (Vec::new(), warnings(config.policy())),
        Err(ConfigErrors { first: first @ ConfigError::Content { .. }, mut further }) => {
            further.insert(0, first);
            (further, Vec::new())
        }
        Err(ConfigErrors { first: fault @ (ConfigError::File(_) | ConfigError::NamedAndMissing { .. }), .. }) => {
            return Err(Failure::Config(fault));
        }
    };
    let errors = wrong.iter().filter_map(place).collect();
    let checked = Checked { schema: SCHEMA, path, errors, warnings };
    match terminal.form() {
        Form::Json => terminal.result(&json::line(&checked))?,
        Form::Text => terminal.result(text(&checked).as_bytes())?,
    }
    let is_well = checked.errors.is_empty() && (options.allow_warnings || checked.warnings.is_empty());
    Ok(if is_well { Status::Done } else { Status::Fault })
}

fn place(error: &ConfigError) -> Option<PolicyError<'_>> {
    match error {
        ConfigError::Content { line, column, message, .. } => {
            Some(PolicyError { line: *line, column: *column, message })
        }
        ConfigError::File(_) | ConfigError::NamedAndMissing { .. } => None,
    }
}

/// A line for each, in the form that editors jump to.
fn text(checked: &Checked<'_>) -> String {
    let path = escaped(&checked.path);
    let mut text = String::new();
    for PolicyError { line, column, message } in &checked.errors {
        text.push_str(&format!("{path}:{line}:{column}: error: {}\n", escaped(message)));
    }
    for warning in &checked.warnings {
        text.push_str(&format!("{path}:{}: warning: {}\n", warning.line, escaped(&warning.message)));
    }
    if text.is_empty() {
        text.push_str("nothing found: the config can be read, and every rule can be reached\n");
    }
    text
}
