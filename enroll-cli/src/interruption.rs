// SPDX-License-Identifier: MIT OR Apache-2.0
//! What has to be put back when the program ends early: the terminal's settings, its screen, files with a secret in
//! them. Done on a failure and on a signal alike, so that nothing is left half done.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
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
    /// Something is done in many steps, each of them whole: a signal ends the program between two.
    in_steps: bool,
    /// A signal is noted, and whoever works looks for it.
    heeded: Heeded,
}

/// Who answers a signal.
#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum Heeded {
    /// The thread that waits for it: it puts everything back and ends the program.
    #[default]
    AtOnce,
    /// Whoever works, between two people.
    ByTheWorker,
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
pub(crate) struct Interruption {
    undo: Arc<Mutex<Undo>>,
    /// A signal came, and whoever waits for it may not get the lock between two steps.
    asked: Arc<AtomicBool>,
}

impl Interruption {
    /// Notes the terminal's settings, and watches for SIGINT, SIGTERM and SIGHUP from here on.
    pub(crate) fn watch(output: Output) -> Self {
        let settings = rustix::termios::tcgetattr(rustix::stdio::stdin()).ok();
        let undo = Arc::new(Mutex::new(Undo { settings, ..Undo::default() }));
        let interruption = Self { undo, asked: Arc::default() };
        let watched = interruption.clone();
        let handler = move || {
            watched.asked.store(true, Ordering::SeqCst);
            let mut undo = watched.lock();
            if undo.settled {
                return;
            }
            match undo.heeded {
                Heeded::AtOnce => {}
                Heeded::ByTheWorker => return,
            }
            undo.put_back();
            let failure = if undo.in_steps { Failure::Halted } else { Failure::Interrupted };
            terminal::leave_the_bar();
            terminal::report(&failure, output);
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

    /// Does one of many steps. A signal waits until it is over, and no further one is begun.
    pub(crate) fn step<T>(&self, step: impl FnOnce() -> T) -> Result<T, Failure> {
        let mut undo = self.lock();
        if self.asked.load(Ordering::SeqCst) {
            // Said by whoever called.
            undo.settled = true;
            return Err(Failure::Halted);
        }
        undo.in_steps = true;
        Ok(step())
    }

    /// From here on whoever works asks, between two people, whether to stop; what is half done for one is then taken back.
    pub(crate) fn heed(&self) {
        self.lock().heeded = Heeded::ByTheWorker;
    }

    /// Whether a signal has come since.
    pub(crate) fn is_to_stop(&self) -> bool {
        self.asked.load(Ordering::SeqCst)
    }

    /// Whether something was changed for good, or was as it should be.
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
        self.undo.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
