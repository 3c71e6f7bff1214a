// SPDX-License-Identifier: MIT OR Apache-2.0
//! What `enroll --from` prints: what became of everybody, in numbers, and who was left out for which reason. No secret:
//! those are in the hand-outs.

use serde::Serialize;

use crate::json::Cause;

#[derive(Serialize)]
pub(crate) struct ManyEnrolled<'a> {
    pub(crate) schema: u32,
    pub(crate) changed: bool,
    /// How many were enrolled by this run.
    pub(crate) enrolled: u64,
    /// How many were enrolled before it.
    pub(crate) already_enrolled: u64,
    /// Everybody else whom the run has come to.
    pub(crate) not_enrolled: &'a [LeftOut],
    /// Where the hand-outs are.
    pub(crate) output: std::borrow::Cow<'a, str>,
    /// Stopped by a signal before the end.
    pub(crate) interrupted: bool,
    /// What ended the run early, else `None`.
    pub(crate) error: Option<Cause<'a>>,
}

/// Somebody who was not enrolled.
#[derive(Serialize)]
pub(crate) struct LeftOut {
    pub(crate) line: u64,
    /// As the file has it; `None` where there was none to read.
    pub(crate) user: Option<String>,
    pub(crate) reason: String,
}
