// SPDX-License-Identifier: MIT OR Apache-2.0
//! The fuzzer at `config`; what is promised stands in src/config.rs.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| nightlatch_fuzz::config::try_input(input));
