// SPDX-License-Identifier: MIT OR Apache-2.0
//! A panic ends our call and nothing else: not the host, not a line on its stderr, not a hook that outlives us.

use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Mutex};

/// Where a panic happened: file and line, never its text, which may repeat what was being worked on.
#[derive(Debug)]
pub(crate) struct Panicked {
    pub(crate) place: String,
}

/// Runs a hook's body. The default panic hook would write to the host's stderr, and with RUST_BACKTRACE at length; ours
/// remembers the place only, and is gone again before libpam goes on.
pub(crate) fn guarded<T>(body: impl FnOnce() -> T) -> Result<T, Panicked> {
    let place = Arc::new(Mutex::new(String::new()));
    let noted = Arc::clone(&place);
    panic::set_hook(Box::new(move |panic| {
        if let (Some(location), Ok(mut noted)) = (panic.location(), noted.lock()) {
            *noted = format!("{}:{}", location.file(), location.line());
        }
    }));
    let result = panic::catch_unwind(AssertUnwindSafe(body));
    drop(panic::take_hook());
    result.map_err(|payload| {
        // Dropping a payload may panic in its turn, outside of any guard.
        std::mem::forget(payload);
        Panicked { place: place.lock().map(|place| place.clone()).unwrap_or_default() }
    })
}

#[cfg(test)]
mod tests {
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
}
