// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is promised of every input, target by target: each module's `try_input` panics where a promise is broken.
//! Shared by the fuzzer (fuzz_targets/) and by the replay on a plain toolchain (tests/replay.rs).
#![deny(unsafe_code)]
#[cfg(not(fuzzing))]
compile_error!("the targets need the doors behind cfg(fuzzing): use fuzz/run, or RUSTFLAGS='--cfg fuzzing'");

pub mod arguments;
pub mod base32;
pub mod config;
pub mod imports;
pub mod login;
pub mod record;
pub mod second_reader;
pub mod slot;
pub mod typed_code;
