// SPDX-License-Identifier: MIT OR Apache-2.0
//! The rules of nightlatch: who is asked for a code, which code is right, what is remembered, and where.
//! Knows neither PAM nor a terminal; the module and the administrator's program both stand on it.
#![forbid(unsafe_code)]

pub mod audit;
pub mod backup;
pub mod bypass;
pub mod calendar;
pub mod clock;
pub mod combined;
pub mod config;
pub mod enrollment;
pub mod error;
#[cfg(fuzzing)]
pub mod fuzzing;
pub mod import;
pub mod invitation;
pub mod keypaper;
pub mod ledger;
pub mod origin;
pub mod policy;
pub mod qr;
pub mod random;
pub mod record;
pub mod restoration;
pub mod secret;
pub mod stack;
pub mod store;
pub mod trusted;
pub mod uri;
pub mod user;
pub mod verify;
pub mod waiver;
