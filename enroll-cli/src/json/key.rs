// SPDX-License-Identifier: MIT OR Apache-2.0
//! What `key` prints with --json. None of it is secret: an id commits to a key and tells nothing of it.

use std::borrow::Cow;

use serde::Serialize;

use crate::json::Found;

#[derive(Serialize)]
pub(crate) struct Keys<'a> {
    pub(crate) schema: u32,
    pub(crate) keys: Vec<KeyState>,
    /// Files that do not say which key they need.
    pub(crate) unreadable: Vec<Found<'a>>,
}

#[derive(Serialize)]
pub(crate) struct KeyState {
    pub(crate) id: String,
    /// `None` where files name it and it is not there.
    pub(crate) made_at: Option<String>,
    pub(crate) for_new_records: bool,
    pub(crate) records: u64,
    pub(crate) invitations: u64,
}

#[derive(Serialize)]
pub(crate) struct KeyRotated<'a> {
    pub(crate) schema: u32,
    pub(crate) changed: bool,
    /// `false` where an interrupted rotation was gone on with.
    pub(crate) new_key: bool,
    pub(crate) key: String,
    pub(crate) records: u64,
    pub(crate) invitations: u64,
    pub(crate) removed: Vec<String>,
    pub(crate) kept: Vec<String>,
    /// Files that were left as they are.
    pub(crate) left: Vec<Found<'a>>,
}

#[derive(Serialize)]
pub(crate) struct KeyPapers<'a> {
    pub(crate) schema: u32,
    pub(crate) changed: bool,
    pub(crate) path: Cow<'a, str>,
    pub(crate) keys: Vec<String>,
    /// Keys that are not in it, since they do not read.
    pub(crate) flaws: Vec<Found<'a>>,
}

#[derive(Serialize)]
pub(crate) struct KeyChanges {
    pub(crate) schema: u32,
    pub(crate) changed: bool,
    pub(crate) keys: Vec<String>,
}
