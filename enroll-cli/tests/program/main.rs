// SPDX-License-Identifier: MIT OR Apache-2.0
//! The program as it is used: the real binary, as root, against a store of the test's own. Needs oathtool (the phone),
//! zbarimg (its camera), rsvg-convert, pdftoppm and pdftotext (its printer), age, strace.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "a test ends where something is not as expected; clippy knows only #[test] functions for tests"
)]
#![allow(clippy::disallowed_methods, reason = "a test's phone reads the clock itself")]

mod camera;
mod crowd;
mod host;
mod phone;
mod tree;
mod window;

mod automation;
mod backup_codes;
mod bypass;
mod device;
mod device_add;
mod device_resync;
mod doctor;
mod enroll;
mod enroll_many;
mod enroll_on_a_terminal;
mod enroll_unattended;
mod errors;
mod hand_out;
mod import;
mod init;
mod invite;
mod key;
mod list;
mod policy;
mod qr_code;
mod rebind;
mod remove;
mod status;
mod store;
mod unlock;
mod usage;
mod vanished;
mod verify;
mod waive;
