// SPDX-License-Identifier: MIT OR Apache-2.0
//! The Debian packages on a real host: what an installation does and does not do, profiles, upgrades and removals beside
//! logins, purges, and the files of earlier versions.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    unreachable_pub,
    reason = "tests"
)]

#[path = "packages/earlier.rs"]
mod earlier;
#[path = "packages/host.rs"]
mod host;
#[path = "packages/installation.rs"]
mod installation;
#[path = "packages/profile.rs"]
mod profile;
#[path = "packages/purge.rs"]
mod purge;
#[path = "packages/removal.rs"]
mod removal;
mod scene;
#[path = "packages/upgrade.rs"]
mod upgrade;
