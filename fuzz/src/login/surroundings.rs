// SPDX-License-Identifier: MIT OR Apache-2.0
//! The clocks, the randomness and the kernel's file-size limit of a sequence: all of them turned by its operations.

use std::cell::Cell;
use std::sync::Once;

use nightlatch::clock::{BootId, BootTime, Clock, Moment, UnixTime};
use nightlatch::error::Fault;
use nightlatch::random::Random;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{SigHandler, Signal, signal};

const NOON: u64 = 1_800_000_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Armed {
    Nothing,
    /// The file may not grow beyond, nor be written there: writes are torn at that byte.
    FileLimit(u64),
    /// After so many fillings.
    NoRandomness(u8),
    NoClock,
    /// The process ends in the middle of the write; these sectors of it reach the disk.
    Kill(u8),
}

pub(super) struct Surroundings {
    wall: u64,
    since_boot: u64,
    boot: u8,
    armed: Armed,
    fillings: Cell<u8>,
    seed: Cell<u64>,
}

impl Surroundings {
    pub(super) fn new(seed: u64) -> Self {
        let (armed, fillings, seed) = (Armed::Nothing, Cell::new(0), Cell::new(seed));
        Self { wall: NOON, since_boot: 1000, boot: 1, armed, fillings, seed }
    }

    pub(super) fn wall(&self) -> u64 {
        self.wall
    }

    pub(super) fn moment(&self) -> Moment {
        let boot = Some(BootId([self.boot; 16]));
        Moment { wall: UnixTime(self.wall), since_boot: BootTime(self.since_boot), boot }
    }

    /// Time that passes is on both clocks; a jump is on the wall's alone.
    pub(super) fn jump(&mut self, seconds: i64, passes: bool) {
        self.wall = self.wall.saturating_add_signed(seconds).clamp(3600, 1 << 40);
        if passes {
            self.since_boot += seconds.unsigned_abs();
        }
    }

    pub(super) fn reboot(&mut self, jump: i64) {
        self.jump(jump, false);
        (self.boot, self.since_boot) = (self.boot.wrapping_add(1), 20);
    }

    pub(super) fn arm(&mut self, a: u8, b: u8) {
        self.fillings.set(0);
        self.armed = match b % 4 {
            0 => Armed::FileLimit(4096 + u64::from(a) * 32 + u64::from(b >> 3)),
            1 => Armed::NoRandomness(a % 8),
            2 => Armed::NoClock,
            _ => Armed::Kill(a),
        };
    }

    pub(super) fn is_fault_armed(&self) -> bool {
        self.armed != Armed::Nothing
    }

    pub(super) fn disarm(&mut self) {
        self.armed = Armed::Nothing;
    }

    pub(super) fn take_kill(&mut self) -> Option<u8> {
        match self.armed {
            Armed::Kill(sectors) => {
                self.armed = Armed::Nothing;
                Some(sectors)
            }
            Armed::Nothing | Armed::FileLimit(_) | Armed::NoRandomness(_) | Armed::NoClock => None,
        }
    }
}

impl Clock for Surroundings {
    fn now(&self) -> Result<Moment, Fault> {
        match self.armed {
            Armed::NoClock => Err(Fault::ClockUnreadable),
            _ => Ok(Moment { boot: None, ..self.moment() }),
        }
    }

    fn boot_id(&self) -> Option<BootId> {
        self.moment().boot
    }
}

/// The same input meets the same bytes: a sequence of numbers in place of the kernel's.
impl Random for Surroundings {
    fn fill(&self, buffer: &mut [u8]) -> Result<(), Fault> {
        if let Armed::NoRandomness(after) = self.armed {
            if self.fillings.get() >= after {
                return Err(Fault::NoRandomness);
            }
            self.fillings.set(self.fillings.get() + 1);
        }
        for byte in buffer {
            // Knuth's constants for a linear congruence modulo 2^64.
            let next = self.seed.get().wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            self.seed.set(next);
            *byte = (next >> 56) as u8;
        }
        Ok(())
    }
}

/// While it is held, the kernel cuts every write of this process at the armed byte.
pub(super) struct FileLimit {
    before: Option<(u64, u64)>,
}

impl FileLimit {
    pub(super) fn of(around: &Surroundings) -> Self {
        let Armed::FileLimit(bytes) = around.armed else { return Self { before: None } };
        ignore_the_signal();
        let (soft, hard) = getrlimit(Resource::RLIMIT_FSIZE).expect("a limit can be read");
        setrlimit(Resource::RLIMIT_FSIZE, bytes, hard).expect("a limit can be lowered");
        Self { before: Some((soft, hard)) }
    }
}

impl Drop for FileLimit {
    fn drop(&mut self) {
        if let Some((soft, hard)) = self.before {
            setrlimit(Resource::RLIMIT_FSIZE, soft, hard).expect("a limit can be raised again");
        }
    }
}

fn ignore_the_signal() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        #[allow(unsafe_code, reason = "no safe way to ignore a signal")]
        // SAFETY: SIG_IGN runs no code of ours.
        unsafe { signal(Signal::SIGXFSZ, SigHandler::SigIgn) }.expect("SIGXFSZ can be ignored");
    });
}
