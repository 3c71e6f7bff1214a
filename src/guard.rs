// SPDX-License-Identifier: MIT OR Apache-2.0
//! A panic ends our call and nothing else: not the host, not a line on its stderr, not a hook that outlives us.

use std::panic::{self, AssertUnwindSafe, PanicHookInfo};
use std::ptr;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Where a panic happened: file and line, never its text, which may repeat what was being worked on.
#[derive(Debug)]
pub(crate) struct Panicked {
    pub(crate) place: String,
}

/// Runs a hook's body. The default panic hook would write to the host's stderr, and with RUST_BACKTRACE at length; ours
/// notes the place only, and is gone again when the last of the host's threads leaves.
pub(crate) fn guarded<T>(body: impl FnOnce() -> T) -> Result<T, Panicked> {
    enter();
    let result = panic::catch_unwind(AssertUnwindSafe(body));
    let place = leave();
    result.map_err(|payload| {
        // Dropping a payload may panic in its turn, outside of any guard.
        std::mem::forget(payload);
        Panicked { place }
    })
}

/// One call under guard.
struct Call {
    thread: usize,
    place: String,
}

/// The panic hook is one for all threads: whoever comes last out takes it along, not whoever comes out first.
static CALLS: Mutex<Vec<Call>> = Mutex::new(Vec::new());

fn calls() -> MutexGuard<'static, Vec<Call>> {
    CALLS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Not `std::thread::current`, which would leave a destructor in a thread of the host's, and so our image in memory.
fn this_thread() -> usize {
    thread_local! { static PLACE_OF_ITS_OWN: u8 = const { 0 } }
    PLACE_OF_ITS_OWN.with(|place| ptr::from_ref(place).addr())
}

fn enter() {
    let mut calls = calls();
    if calls.is_empty() {
        panic::set_hook(Box::new(note));
    }
    calls.push(Call { thread: this_thread(), place: String::new() });
}

fn note(panic: &PanicHookInfo<'_>) {
    let thread = this_thread();
    if let (Some(location), Some(call)) = (panic.location(), calls().iter_mut().rfind(|call| call.thread == thread)) {
        call.place = format!("{}:{}", location.file(), location.line());
    }
}

fn leave() -> String {
    let (mut calls, thread) = (calls(), this_thread());
    let call = calls.iter().rposition(|call| call.thread == thread).map(|last| calls.remove(last));
    if calls.is_empty() {
        drop(panic::take_hook());
        // Nothing of ours stays on the host's heap.
        *calls = Vec::new();
    }
    call.map(|call| call.place).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    struct Bomb;

    impl Drop for Bomb {
        #[allow(clippy::panic, reason = "the payload whose drop panics is what is tested")]
        fn drop(&mut self) {
            panic!("while dropping");
        }
    }

    #[test]
    fn a_panic_is_caught_with_its_place_and_without_its_text() {
        let panicked = guarded(|| panic!("the code was 123456")).err().unwrap();
        assert!(panicked.place.contains("guard.rs:"), "{}", panicked.place);
        assert!(!panicked.place.contains("123456"));
    }

    #[test]
    fn a_payload_that_panics_when_dropped_does_no_harm() {
        assert!(guarded(|| -> () { std::panic::panic_any(Bomb) }).is_err());
        assert_eq!(guarded(|| 7).unwrap(), 7);
    }

    #[test]
    fn a_panic_stays_noted_where_another_thread_has_left_meanwhile() {
        let (inside, outside) = (Barrier::new(2), Barrier::new(2));
        std::thread::scope(|threads| {
            threads.spawn(|| {
                inside.wait();
                assert_eq!(guarded(|| 7).unwrap(), 7);
                outside.wait();
            });
            let panicked = guarded(|| {
                inside.wait();
                outside.wait();
                panic!("too late for a hook that is gone");
            });
            assert!(panicked.err().unwrap().place.contains("guard.rs:"));
        });
    }

    /// Unwinding stops here until the other thread has panicked too.
    struct WaitsWhenDropped<'b>(&'b Barrier, &'b Barrier);

    impl Drop for WaitsWhenDropped<'_> {
        fn drop(&mut self) {
            self.0.wait();
            self.1.wait();
        }
    }

    #[test]
    fn of_two_threads_that_panic_at_once_each_has_its_own_place() {
        let (inside, noted, over) = (Barrier::new(2), Barrier::new(2), Barrier::new(2));
        let (ours, theirs) = std::thread::scope(|threads| {
            let theirs = threads.spawn(|| {
                let panicked = guarded(|| -> () {
                    inside.wait();
                    noted.wait();
                    panic!("second")
                });
                over.wait();
                panicked.err().unwrap().place
            });
            let panicked = guarded(|| -> () {
                inside.wait();
                let _unwinding = WaitsWhenDropped(&noted, &over);
                panic!("first")
            });
            (panicked.err().unwrap().place, theirs.join().unwrap())
        });
        assert!(ours.contains("guard.rs:") && theirs.contains("guard.rs:"), "{ours} {theirs}");
        assert_ne!(ours, theirs);
    }

    #[test]
    fn a_guard_within_a_guard_notes_its_own_panic() {
        let outer = guarded(|| {
            assert!(guarded(|| panic!("inner")).is_err());
            panic!("outer");
        });
        assert!(outer.err().unwrap().place.contains("guard.rs:"));
    }
}
