// SPDX-License-Identifier: MIT OR Apache-2.0
//! The fuzzer at `imports`; what is promised stands in src/imports.rs.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| nightlatch_fuzz::imports::try_input(input));
