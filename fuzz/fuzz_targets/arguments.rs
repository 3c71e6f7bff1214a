// SPDX-License-Identifier: MIT OR Apache-2.0
//! The fuzzer at `arguments`; what is promised stands in src/arguments.rs.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| nightlatch_fuzz::arguments::try_input(input));
