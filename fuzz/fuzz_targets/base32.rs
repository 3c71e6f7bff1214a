// SPDX-License-Identifier: MIT OR Apache-2.0
//! The fuzzer at `base32`; what is promised stands in src/base32.rs.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| nightlatch_fuzz::base32::try_input(input));
