// SPDX-License-Identifier: MIT OR Apache-2.0
//! Randomness as an argument: the kernel's, or a test's.

use crate::error::Fault;

/// Where nonces, ids, secrets and backup codes come from.
pub trait Random {
    /// Fills the whole buffer.
    ///
    /// # Errors
    ///
    /// [`Fault::NoRandomness`] where the source fails; the buffer is then of no use.
    fn fill(&self, buffer: &mut [u8]) -> Result<(), Fault>;
}

/// getrandom(2).
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemRandom;

impl Random for SystemRandom {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), Fault> {
        getrandom::fill(buffer).map_err(|_| Fault::NoRandomness)
    }
}
