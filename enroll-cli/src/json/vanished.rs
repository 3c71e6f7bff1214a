// SPDX-License-Identifier: MIT OR Apache-2.0
//! What `remove --vanished` prints with --json.

use serde::Serialize;

#[derive(Serialize)]
pub(crate) struct Vanished<'a> {
    pub(crate) schema: u32,
    pub(crate) changed: bool,
    pub(crate) dry_run: bool,
    pub(crate) people: &'a [Remnant],
}

/// Something that a deleted account has left.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Remnant {
    /// `None` where the file does not say.
    pub(crate) user: Option<String>,
    pub(crate) uid: u32,
    pub(crate) what: What,
    pub(crate) outcome: Outcome,
    /// Why it was left.
    pub(crate) reason: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum What {
    Record,
    Invitation,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Outcome {
    Removed,
    WouldRemove,
    Left,
}
