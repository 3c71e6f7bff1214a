// SPDX-License-Identifier: MIT OR Apache-2.0
//! The fuzzer at `slot`; what is promised stands in src/slot.rs.
#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| nightlatch_fuzz::slot::try_input(input));
