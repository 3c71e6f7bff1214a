// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a process holds, at a moment of our choice: all that it can write to, and all command lines and environments
//! that the system shows meanwhile.
#![allow(
    clippy::indexing_slicing,
    clippy::panic,
    clippy::unwrap_used,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

use std::fs::{self, File};
use std::os::unix::fs::FileExt as _;
use std::time::{Duration, Instant};

use crate::scene::ok;

/// Names of places and what stands there.
pub(crate) type Memory = Vec<(String, Vec<u8>)>;

/// A system call by its name, and as /proc shows it on x86-64: its number, and where need be its descriptor.
pub(crate) type Call = (&'static str, &'static str);
pub(crate) const READ_STDIN: Call = ("read", "0 0x0 ");
/// Of a draft of a record, whose key is at hand until it is written.
pub(crate) const PWRITE: Call = ("pwrite64", "18 ");
pub(crate) const EXIT: Call = ("exit_group", "231 ");
pub(crate) const WRITE_LEDGER: Call = ("pwritev2", "328 ");

/// The stack below its end too, where calls that have returned left what they left.
pub(crate) fn memory_of(process: u32) -> Memory {
    let contents = File::open(format!("/proc/{process}/mem")).unwrap();
    let mut memory = Memory::new();
    for line in fs::read_to_string(format!("/proc/{process}/maps")).unwrap().lines() {
        let fields: Vec<_> = line.split_whitespace().collect();
        if !fields[1].starts_with("rw") {
            continue;
        }
        let (start, end) = fields[0].split_once('-').unwrap();
        let [start, end] = [start, end].map(|address| u64::from_str_radix(address, 16).unwrap());
        let mut bytes = vec![0; usize::try_from(end - start).unwrap()];
        contents.read_exact_at(&mut bytes, start).unwrap();
        memory.push((format!("{} at {start:x}", fields.get(5).unwrap_or(&"unnamed memory")), bytes));
    }
    assert!(memory.iter().any(|(name, _)| name.starts_with("[stack]")) && memory.len() > 8, "{process}");
    for other in processes() {
        for file in ["cmdline", "environ"] {
            // Processes end.
            memory.extend(fs::read(format!("/proc/{other}/{file}")).map(|bytes| (format!("{file} of {other}"), bytes)));
        }
    }
    memory
}

fn processes() -> impl Iterator<Item = u32> {
    fs::read_dir("/proc").unwrap().flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

/// Words that go before a program's own: it stops where it enters a system call, for a minute or until it is let go.
pub(crate) fn stopping_at(call: Call) -> Vec<String> {
    let inject = format!("--inject={}:delay_enter=60000000", call.0);
    ["strace", "-D", "--follow-forks", "-qqq", "--output=/dev/null", &inject].map(str::to_owned).to_vec()
}

/// A process in a system call: at rest there by itself, or held by strace.
pub(crate) struct Stopped(u32);

impl Stopped {
    /// The one that was started with just these words.
    pub(crate) fn find(words: &[&str], call: Call) -> Self {
        let commandline: String = words.iter().map(|word| format!("{word}\0")).collect();
        let deadline = Instant::now() + Duration::from_secs(50);
        loop {
            for process in processes() {
                let proc = format!("/proc/{process}");
                if fs::read_to_string(format!("{proc}/cmdline")).ok().as_ref() != Some(&commandline) {
                    continue;
                }
                let threads = fs::read_dir(format!("{proc}/task")).into_iter().flatten().flatten();
                let calls = threads.filter_map(|thread| fs::read_to_string(thread.path().join("syscall")).ok());
                if { calls }.any(|line| line.starts_with(call.1)) {
                    return Self(process);
                }
            }
            assert!(Instant::now() < deadline, "{words:?} never came to {}", call.0);
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub(crate) fn memory(&self) -> Memory {
        memory_of(self.0)
    }

    /// Without its tracer it goes on at once.
    pub(crate) fn go_on(self) {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0)).unwrap();
        let tracer = status.lines().find_map(|line| line.strip_prefix("TracerPid:")).unwrap().trim();
        ok("kill", &["-KILL", tracer]);
    }
}
