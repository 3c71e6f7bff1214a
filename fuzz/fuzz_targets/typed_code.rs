// SPDX-License-Identifier: MIT OR Apache-2.0
//! The fuzzer at `typed_code`; what is promised stands in src/typed_code.rs.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| nightlatch_fuzz::typed_code::try_input(input));
