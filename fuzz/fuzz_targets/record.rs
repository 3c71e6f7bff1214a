// SPDX-License-Identifier: MIT OR Apache-2.0
//! The fuzzer at `record`; what is promised stands in src/record.rs.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| nightlatch_fuzz::record::try_input(input));
