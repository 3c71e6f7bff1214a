// SPDX-License-Identifier: MIT OR Apache-2.0
//! What has to be put back when the program ends early: the terminal's settings, its screen, files with a secret in
//! them. Done on a failure and on a signal alike, so that nothing is left half done.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::termios::{LocalModes, OptionalActions, SpecialCodeIndex, Termios};

use crate::arguments::Output;
use crate::failure::{Failure, Status};
use crate::terminal::{self, Screen};

/// `_POSIX_VDISABLE`: no key has that function.
const DISABLED: u8 = 0;

/// What is to be put back at present.
#[derive(Default)]
struct Undo {
    settings: Option<Termios>,
    screen: Option<Screen>,
    files: Vec<PathBuf>,
    /// Something is being changed for good: a signal comes too late, and the result is told.
    settled: bool,
}

impl Undo {
    fn put_back(&mut self) {
        if let Some(screen) = self.screen.take() {
            screen.leave_alternate();
        }
        self.put_settings_back();
        for file in self.files.drain(..) {
            // It was made by this program a moment ago; if somebody has removed it since, that is as good.
            let _: std::io::Result<()> = std::fs::remove_file(file);
        }
    }

    fn put_settings_back(&self) {
        if let Some(settings) = &self.settings {
            set(settings);
        }
    }
}

/// The terminal may be gone (SIGHUP); then there is nothing to set.
fn set(settings: &Termios) {
    let _: rustix::io::Result<()> = rustix::termios::tcsetattr(rustix::stdio::stdin(), OptionalActions::Now, settings);
}

/// Shared with the thread that waits for signals.
#[derive(Clone, Default)]
pub(crate) struct Interruption(Arc<Mutex<Undo>>);

impl Interruption {
    /// Notes the terminal's settings, and watches for SIGINT, SIGTERM and SIGHUP from here on.
    pub(crate) fn watch(output: Output) -> Self {
        let settings = rustix::termios::tcgetattr(rustix::stdio::stdin()).ok();
        let interruption = Self(Arc::new(Mutex::new(Undo { settings, ..Undo::default() })));
        let watched = interruption.clone();
        let handler = move || {
            let mut undo = watched.lock();
            if undo.settled {
                return;
            }
            undo.put_back();
            terminal::report(&Failure::Interrupted, output);
            // The lock is still held: the main thread cannot begin to change anything any more.
            std::process::exit(i32::from(Status::Interrupted.code()));
        };
        // Fails only where the system refuses sigaction; signals then end the program as they always do.
        let _: Result<(), ctrlc::Error> = ctrlc::set_handler(handler);
        interruption
    }

    /// From here on a signal comes too late.
    pub(crate) fn settle(&self) {
        self.lock().settled = true;
    }

    /// Whether something is, or was, being changed for good.
    pub(crate) fn is_settled(&self) -> bool {
        self.lock().settled
    }

    /// Puts everything back.
    pub(crate) fn put_back(&self) {
        self.lock().put_back();
    }

    /// Nothing that is typed from here on is shown, and no key stops the program with a secret on the screen (Ctrl-Z,
    /// Ctrl-\). Said before the prompt is shown: whoever types at once, or pastes, has no echo either. Under the lock,
    /// so that a signal never puts settings back that are then changed once more.
    pub(crate) fn hide_typing(&self) {
        let undo = self.lock();
        if let Some(mut hidden) = undo.settings.clone() {
            hidden.local_modes.remove(LocalModes::ECHO | LocalModes::ECHONL);
            hidden.local_modes.insert(LocalModes::ICANON | LocalModes::ISIG);
            for key in [SpecialCodeIndex::VSUSP, SpecialCodeIndex::VQUIT] {
                hidden.special_codes[key] = DISABLED;
            }
            set(&hidden);
        }
    }

    /// What is typed is shown again.
    pub(crate) fn show_typing(&self) {
        self.lock().put_settings_back();
    }

    pub(crate) fn enter_alternate(&self, screen: Screen) {
        let mut undo = self.lock();
        screen.enter_alternate();
        undo.screen = Some(screen);
    }

    pub(crate) fn leave_alternate(&self) {
        if let Some(screen) = self.lock().screen.take() {
            screen.leave_alternate();
        }
    }

    /// Makes a file that goes away again unless [`Interruption::keep_files`] is said. A signal cannot come between.
    pub(crate) fn make_file<T>(
        &self,
        path: &std::path::Path,
        make: impl FnOnce() -> std::io::Result<T>,
    ) -> std::io::Result<T> {
        let mut undo = self.lock();
        let made = make()?;
        undo.files.push(path.to_owned());
        Ok(made)
    }

    pub(crate) fn keep_files(&self) {
        self.lock().files.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Undo> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
