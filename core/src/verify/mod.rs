// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whether a code is right: pure functions of record, ledger, typed code, limits and time. No file, no clock, no PAM.

pub mod drift;
pub mod judge;
pub mod otp;
pub mod resync;
pub mod throttle;
