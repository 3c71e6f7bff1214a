// SPDX-License-Identifier: MIT OR Apache-2.0
//! What `rebind` prints.

use serde::Serialize;

#[derive(Serialize)]
pub(crate) struct Rebound<'a> {
    pub(crate) schema: u32,
    pub(crate) changed: bool,
    pub(crate) user: &'a str,
    pub(crate) uid: u32,
    /// Whom the record was made for before; `None` where nothing had to be changed.
    pub(crate) from_user: Option<&'a str>,
    pub(crate) from_uid: Option<u32>,
}
