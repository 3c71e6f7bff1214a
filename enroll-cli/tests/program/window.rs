// SPDX-License-Identifier: MIT OR Apache-2.0
//! A terminal window of a size: a real pty with the program on it, and an emulator that shows what a person would see.

use std::io::{Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::process::Child;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use crate::host::{BINARY, Host};

/// Nothing on a screen takes longer, on a slow machine either.
const PATIENCE: Duration = Duration::from_secs(20);
const SCROLLBACK: usize = 500;

pub(crate) struct Window {
    pty: pty_process::blocking::Pty,
    fresh: [u64; 4],
    child: Child,
    seen: Arc<(Mutex<Seen>, Condvar)>,
}

struct Seen {
    parser: vt100::Parser,
    bytes: Vec<u8>,
    closed: bool,
}

impl Window {
    /// Opens a window and runs the program in it.
    pub(crate) fn open(host: &Host, rows: u16, columns: u16, arguments: &[&str]) -> Self {
        Self::open_in(host, rows, columns, arguments, "C.UTF-8")
    }

    pub(crate) fn open_in(host: &Host, rows: u16, columns: u16, arguments: &[&str], locale: &str) -> Self {
        let command = pty_process::blocking::Command::new(BINARY).arg("--config").arg(host.config()).args(arguments);
        Self::start(command, rows, columns, locale)
    }

    /// Opens a window and runs a shell's line in it, `$1` being the program and `$2` its config.
    pub(crate) fn shell(host: &Host, rows: u16, columns: u16, line: &str) -> Self {
        let command = pty_process::blocking::Command::new("sh").args(["-c", line, "sh", BINARY]).arg(host.config());
        Self::start(command, rows, columns, "C.UTF-8")
    }

    fn start(command: pty_process::blocking::Command, rows: u16, columns: u16, locale: &str) -> Self {
        let (pty, pts) = pty_process::blocking::open().unwrap();
        pty.resize(pty_process::Size::new(rows, columns)).unwrap();
        lose_nothing_at_control_c(&pty);
        let fresh = settings(&pty);
        let child = command.env("TERM", "xterm-256color").env("LC_ALL", locale).spawn(pts).expect("the binary runs");
        let parser = vt100::Parser::new(rows, columns, SCROLLBACK);
        let seen = Arc::new((Mutex::new(Seen { parser, bytes: Vec::new(), closed: false }), Condvar::new()));
        let mut reader = std::fs::File::from(pty.as_fd().try_clone_to_owned().unwrap());
        let shared = Arc::clone(&seen);
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            loop {
                let count = reader.read(&mut buffer).unwrap_or(0);
                let mut seen = shared.0.lock().unwrap();
                seen.parser.process(&buffer[..count]);
                seen.bytes.extend_from_slice(&buffer[..count]);
                seen.closed = count == 0;
                shared.1.notify_all();
                if count == 0 {
                    return;
                }
            }
        });
        Self { pty, fresh, child, seen }
    }

    /// Waits until the screen shows a text; what it shows then.
    pub(crate) fn wait_for(&self, text: &str) -> String {
        self.wait(text, |screen| screen.contents().contains(text))
    }

    /// Waits until the screen is as it should be.
    pub(crate) fn wait(&self, what: &str, is_so: impl Fn(&vt100::Screen) -> bool) -> String {
        let seen = self.seen.0.lock().unwrap();
        let (seen, timeout) = self
            .seen
            .1
            .wait_timeout_while(seen, PATIENCE, |seen| !seen.closed && !is_so(seen.parser.screen()))
            .unwrap();
        let contents = seen.parser.screen().contents();
        assert!(is_so(seen.parser.screen()) && !timeout.timed_out(), "no {what:?} on the screen:\n{contents}");
        contents
    }

    pub(crate) fn look<T>(&self, at: impl FnOnce(&vt100::Screen) -> T) -> T {
        at(self.seen.0.lock().unwrap().parser.screen())
    }

    /// Everything that was ever written to the terminal.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.seen.0.lock().unwrap().bytes.clone()
    }

    /// What is on the screen and in the scrollback.
    pub(crate) fn all_that_is_left(&self) -> String {
        let mut seen = self.seen.0.lock().unwrap();
        let mut all = String::new();
        for back in (0..=SCROLLBACK).rev() {
            seen.parser.screen_mut().set_scrollback(back);
            all.push_str(&seen.parser.screen().contents());
            all.push('\n');
        }
        all
    }

    pub(crate) fn type_line(&self, line: &str) {
        (&self.pty).write_all(format!("{line}\r").as_bytes()).unwrap();
    }

    pub(crate) fn press(&self, key: u8) {
        (&self.pty).write_all(&[key]).unwrap();
    }

    /// The terminal's settings (echo, lines, signals) before the program began, and now.
    pub(crate) fn settings(&self) -> [[u64; 4]; 2] {
        [self.fresh, settings(&self.pty)]
    }

    pub(crate) fn signal(&self, name: &str) {
        let status = std::process::Command::new("kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Waits for the end; the exit status.
    pub(crate) fn end(&mut self) -> i32 {
        for _ in 0..PATIENCE.as_millis() / 20 {
            if let Some(status) = self.child.try_wait().unwrap() {
                // What was written last is still on its way to the emulator; its end comes behind it.
                let seen = self.seen.0.lock().unwrap();
                drop(self.seen.1.wait_timeout_while(seen, PATIENCE, |seen| !seen.closed).unwrap());
                return status.code().expect("ended by itself");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        panic!("still running:\n{}", self.look(vt100::Screen::contents));
    }

    /// The secret as it stands on the screen in groups of four.
    pub(crate) fn secret(&self) -> String {
        let contents = self.look(vt100::Screen::contents);
        let is_group =
            |word: &&str| word.len() == 4 && word.chars().all(|c| c.is_ascii_uppercase() || ('2'..='7').contains(&c));
        let secret: String = contents.split_whitespace().filter(is_group).filter(|word| *word != "SHA1").collect();
        assert!(secret.len() >= 32, "no secret on the screen:\n{contents}");
        secret
    }
}

/// After the signal that control-C makes, the kernel throws away what is on its way to the screen, and with it, once in a
/// hundred times on a busy machine, what the program says at its end.
fn lose_nothing_at_control_c(pty: &pty_process::blocking::Pty) {
    let mut modes = rustix::termios::tcgetattr(pty).unwrap();
    modes.local_modes |= rustix::termios::LocalModes::NOFLSH;
    rustix::termios::tcsetattr(pty, rustix::termios::OptionalActions::Now, &modes).unwrap();
}

/// A pty's two ends have the same ones.
fn settings(pty: &pty_process::blocking::Pty) -> [u64; 4] {
    let modes = rustix::termios::tcgetattr(pty).unwrap();
    [
        modes.input_modes.bits().into(),
        modes.output_modes.bits().into(),
        modes.control_modes.bits().into(),
        modes.local_modes.bits().into(),
    ]
}

impl Drop for Window {
    fn drop(&mut self) {
        let _: std::io::Result<()> = self.child.kill();
        let _: std::io::Result<std::process::ExitStatus> = self.child.wait();
    }
}
