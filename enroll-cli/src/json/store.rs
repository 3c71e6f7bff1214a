// SPDX-License-Identifier: MIT OR Apache-2.0
//! What `store` prints with --json.

use std::borrow::Cow;

use serde::Serialize;

use crate::json::Found;

#[derive(Serialize)]
pub(crate) struct StoreBackedUp<'a> {
    pub(crate) schema: u32,
    pub(crate) changed: bool,
    pub(crate) path: Cow<'a, str>,
    pub(crate) encrypted: bool,
    pub(crate) records: u64,
    pub(crate) invitations: u64,
    /// Master keys that are in it.
    pub(crate) keys: u64,
    /// What does not open here, or could not be read.
    pub(crate) flaws: Vec<Found<'a>>,
}

#[derive(Serialize)]
pub(crate) struct StoreRestored {
    pub(crate) schema: u32,
    pub(crate) changed: bool,
    pub(crate) dry_run: bool,
    pub(crate) made_at: String,
    pub(crate) host: String,
    pub(crate) people: Vec<PersonRestored>,
    /// Who was invited when the backup was made; an invitation is not put back.
    pub(crate) invited_uids: Vec<u32>,
}

#[derive(Serialize)]
pub(crate) struct PersonRestored {
    /// `None` where the file does not open.
    pub(crate) user: Option<String>,
    pub(crate) uid: u32,
    /// `None` where it cannot be told.
    pub(crate) standing: Option<&'static str>,
    pub(crate) outcome: &'static str,
    /// What is void here and comes back, or would.
    pub(crate) void_here: Vec<String>,
    pub(crate) notes: Vec<String>,
    /// Why somebody was left out.
    pub(crate) reason: Option<String>,
}
