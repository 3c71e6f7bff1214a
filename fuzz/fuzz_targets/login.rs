// SPDX-License-Identifier: MIT OR Apache-2.0
//! The fuzzer at `login`; what is promised stands in src/login.rs.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| nightlatch_fuzz::login::try_input(input));
