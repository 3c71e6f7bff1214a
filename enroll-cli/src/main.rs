// SPDX-License-Identifier: MIT OR Apache-2.0
//! `nightlatch`: enrolls accounts for a second factor and looks after them. From arguments to exit status.
#![forbid(unsafe_code)]

mod accounts;
mod archive;
mod arguments;
mod columns;
mod commands;
mod doctor;
mod environment;
mod extents;
mod failure;
mod image;
mod interruption;
mod json;
#[cfg(test)]
mod manual;
mod new_file;
mod paper;
mod progress;
mod sheet;
mod site;
mod terminal;
mod times;
mod vanished;

use std::process::ExitCode;

use rustix::process::{DumpableBehavior, Resource, Rlimit};
use zeroizing_alloc::ZeroAlloc;

use crate::arguments::Invocation;
use crate::failure::{Failure, Status};
use crate::terminal::Terminal;

/// Whatever is freed is wiped first: our secrets wipe themselves, the buffers of a QR encoder do not.
#[global_allocator]
static WIPING: ZeroAlloc<std::alloc::System> = ZeroAlloc(std::alloc::System);

/// Deeper than any command's stack reaches while it has a secret in hand.
const STACK_TO_WIPE: usize = 64 * 1024;

fn main() -> ExitCode {
    leave_no_core_dump();
    let status = match Invocation::parse() {
        Invocation::Command(arguments) => {
            let terminal = Terminal::open(arguments.output());
            let outcome = commands::run(&arguments, &terminal);
            zeroize::zeroize_stack::<STACK_TO_WIPE>();
            match outcome {
                Ok(status) => status,
                Err(failure) => terminal.fail(failure),
            }
        }
        Invocation::Text(text) => match terminal::print_text(&text) {
            Ok(()) => Status::Done,
            Err(_) => Status::Fault,
        },
        Invocation::Wrong { output, explanation, failure } => {
            terminal::explain(&explanation);
            Terminal::open(output).fail_explained(&failure)
        }
    };
    ExitCode::from(status.code())
}

/// Neither a core file nor another process of root's shell may see what is in memory. What fails here is no reason to
/// stay away from a person who waits for a code.
fn leave_no_core_dump() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let _: rustix::io::Result<()> = rustix::process::setrlimit(Resource::Core, none);
    let _: rustix::io::Result<()> = rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

/// A command's outcome: how it went, or why it did not.
type Outcome = Result<Status, Failure>;
