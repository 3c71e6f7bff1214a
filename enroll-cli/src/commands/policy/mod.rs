// SPDX-License-Identifier: MIT OR Apache-2.0
//! `policy`: what the config makes of a login, beforehand.

pub(super) mod check;
pub(super) mod explain;

use nightlatch::policy::{self, HostDirectory, Policy};

use crate::json::PolicyWarning;

fn warnings(policy: &Policy) -> Vec<PolicyWarning> {
    let found = policy::review(policy, &HostDirectory);
    let warnings = found.into_iter().map(|warning| PolicyWarning {
        line: warning.line,
        kind: warning.kind.name(),
        message: warning.message,
    });
    warnings.collect()
}
