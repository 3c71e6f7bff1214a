// SPDX-License-Identifier: MIT OR Apache-2.0
//! A line of `list`: what `status` prints of a person, and with --orphaned whose uid it is now.

use serde::Serialize;

use crate::json::PersonStatus;

#[derive(Serialize)]
pub(crate) struct ListedPerson {
    #[serde(flatten)]
    pub(crate) status: PersonStatus,
    /// With --orphaned only.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub(crate) orphan: Option<Orphan>,
}

#[derive(Serialize)]
pub(crate) struct Orphan {
    /// Which account has that uid now; `None` where none has.
    pub(crate) account_now: Option<String>,
}
