// SPDX-License-Identifier: MIT OR Apache-2.0
//! The only file that reads stdin and writes stdout and stderr. Everything goes straight to the descriptors: the
//! standard library's buffers are never wiped, and a secret would stay in them.

use std::io::IsTerminal as _;

use rustix::event::{PollFd, PollFlags, Timespec};
use rustix::fd::BorrowedFd;
use rustix::io::Errno;
use zeroize::Zeroizing;

use crate::arguments::{Form, NewDeviceArguments, Notes, Output};
use crate::environment;
use crate::failure::{Failure, Status};
use crate::interruption::Interruption;
use crate::{STACK_TO_WIPE, json};

/// Longer than any secret or code; what goes beyond is dropped, and what is left is then none.
const LONGEST_LINE: usize = 1024;
/// What a terminal that does not tell its size is taken for.
const USUAL_SIZE: Size = Size { rows: 24, columns: 80 };

/// The terminal, or what stands in for it.
pub(crate) struct Terminal {
    output: Output,
    interruption: Interruption,
}

/// Rows and columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Size {
    pub(crate) rows: u16,
    pub(crate) columns: u16,
}

/// What came from stdin.
pub(crate) enum Reply {
    /// A line, without its end.
    Line(Zeroizing<Vec<u8>>),
    /// Nothing more will come.
    End,
}

/// The descriptor whose terminal a person looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Screen {
    Stderr,
    Stdout,
}

impl Terminal {
    pub(crate) fn open(output: Output) -> Self {
        Self { output, interruption: Interruption::watch(output) }
    }

    pub(crate) fn form(&self) -> Form {
        self.output.form
    }

    pub(crate) fn notes(&self) -> Notes {
        self.output.notes
    }

    pub(crate) fn interruption(&self) -> &Interruption {
        &self.interruption
    }

    /// A result, on stdout.
    pub(crate) fn result(&self, bytes: &[u8]) -> Result<(), Failure> {
        write_all(rustix::stdio::stdout(), bytes).map_err(|errno| Failure::Output(errno.into()))
    }

    /// What is good to know, on stderr.
    pub(crate) fn note(&self, text: &str) {
        match self.output.notes {
            Notes::Shown => self.show(format!("{}\n", printable(text)).as_bytes()),
            Notes::Silent => {}
        }
    }

    /// Where a bar may be drawn that moves: stderr, if it is a terminal that somebody looks at.
    pub(crate) fn moving_screen(&self) -> Option<Screen> {
        let is_one = Screen::Stderr.is_terminal() && environment::has_screen();
        (is_one && self.output.notes == Notes::Shown).then_some(Screen::Stderr)
    }

    /// What may go wrong, on stderr.
    pub(crate) fn warn(&self, text: &str) {
        self.note(&format!("nightlatch: warning: {text}"));
    }

    /// What a person has to see in order to answer, on stderr or on the screen that there is.
    pub(crate) fn show(&self, bytes: &[u8]) {
        self.screen().unwrap_or(Screen::Stderr).write(bytes);
    }

    /// Puts everything back and says why the command failed.
    pub(crate) fn fail(&self, failure: Failure) -> Status {
        self.interruption.put_back();
        let failure = if self.interruption.is_settled() { failure.after_the_deed() } else { failure };
        report(&failure, self.output);
        failure.status()
    }

    /// The same where stderr has had its explanation.
    pub(crate) fn fail_explained(&self, failure: &Failure) -> Status {
        report_json(failure, self.output);
        failure.status()
    }

    /// Whether somebody sits before stdin.
    pub(crate) fn has_person(&self) -> bool {
        std::io::stdin().is_terminal()
    }

    /// Where that person looks. With --json stdout is not for people, terminal or not.
    pub(crate) fn screen(&self) -> Option<Screen> {
        match self.output.form {
            _ if Screen::Stderr.is_terminal() => Some(Screen::Stderr),
            Form::Text if Screen::Stdout.is_terminal() => Some(Screen::Stdout),
            Form::Text | Form::Json => None,
        }
    }

    /// Asks for a secret or a code: without echo where there is a person, else the next line of stdin.
    pub(crate) fn ask_hidden(&self, prompt: &str) -> Result<Reply, Failure> {
        if !self.has_person() {
            return read_line();
        }
        self.interruption.hide_typing();
        self.show(prompt.as_bytes());
        let reply = read_line();
        self.interruption.show_typing();
        self.show(b"\n");
        reply
    }

    /// Takes the secret that nobody needs after all: a program that writes it to a pipe which is closed already takes that for
    /// a failure, as Ansible does.
    pub(crate) fn take_what_is_not_needed(&self, options: &NewDeviceArguments) -> Result<(), Failure> {
        if options.secret_stdin && !self.has_person() {
            read_line()?;
        }
        Ok(())
    }

    /// Whether a person agrees. Only what begins with y does.
    pub(crate) fn ask_agreement(&self, question: &str) -> Result<(), Failure> {
        if !self.has_person() {
            return Err(Failure::NobodyToAsk);
        }
        self.show(format!("{} [y/N] ", printable(question)).as_bytes());
        match read_line()? {
            Reply::Line(line) if line.first().is_some_and(|first| first.eq_ignore_ascii_case(&b'y')) => Ok(()),
            Reply::Line(_) | Reply::End => Err(Failure::NotAgreed),
        }
    }

    /// Whether stdin has ended already (`</dev/null`), so that no secret need be shown in vain.
    pub(crate) fn has_nothing_to_read(&self) -> bool {
        let stdin = std::io::stdin();
        let empty_file = std::fs::metadata("/dev/stdin").is_ok_and(|file| is_dev_null(&file));
        let mut polled = [PollFd::new(&stdin, PollFlags::IN)];
        let _: rustix::io::Result<usize> = rustix::event::poll(&mut polled, Some(&Timespec::default()));
        let [polled] = polled;
        let hung_up = polled.revents().contains(PollFlags::HUP) && !polled.revents().contains(PollFlags::IN);
        empty_file || hung_up
    }
}

fn is_dev_null(file: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
    file.file_type().is_char_device() && std::fs::metadata("/dev/null").is_ok_and(|null| null.rdev() == file.rdev())
}

impl Screen {
    fn descriptor(self) -> BorrowedFd<'static> {
        match self {
            Self::Stderr => rustix::stdio::stderr(),
            Self::Stdout => rustix::stdio::stdout(),
        }
    }

    pub(crate) fn is_terminal(self) -> bool {
        match self {
            Self::Stderr => std::io::stderr().is_terminal(),
            Self::Stdout => std::io::stdout().is_terminal(),
        }
    }

    /// A screen that cannot be written to is gone, and so is whoever looked at it.
    pub(crate) fn write(self, bytes: &[u8]) {
        let _: Result<(), Errno> = write_all(self.descriptor(), bytes);
    }

    pub(crate) fn size(self) -> Size {
        match rustix::termios::tcgetwinsize(self.descriptor()) {
            Ok(size) if size.ws_row > 0 && size.ws_col > 0 => Size { rows: size.ws_row, columns: size.ws_col },
            Ok(_) | Err(_) => USUAL_SIZE,
        }
    }

    /// Whether it has an alternate screen, as far as can be known.
    pub(crate) fn can_alternate(self) -> bool {
        environment::has_screen()
    }

    pub(crate) fn enter_alternate(self) {
        self.write(b"\x1b[?1049h");
        self.wipe();
    }

    /// Takes the secret off the alternate screen before it is left: some terminals keep what stood on it.
    pub(crate) fn leave_alternate(self) {
        self.wipe();
        self.write(b"\x1b[?1049l");
    }

    /// Row by row: some terminals move a screen that is cleared at once into the scrollback.
    pub(crate) fn wipe(self) {
        let rows: String = (1..=self.size().rows).map(|row| format!("\x1b[{row};1H\x1b[2K")).collect();
        self.write(format!("\x1b[0m{rows}\x1b[1;1H").as_bytes());
    }
}

/// Help or version, on stdout.
pub(crate) fn print_text(text: &str) -> Result<(), Errno> {
    write_all(rustix::stdio::stdout(), text.as_bytes())
}

/// clap's own words, on stderr.
pub(crate) fn explain(text: &str) {
    let text: Vec<String> = text.lines().map(printable).collect();
    Screen::Stderr.write(format!("{}\n", text.join("\n")).as_bytes());
}

/// What is said next begins where a bar may stand that nobody draws any more.
pub(crate) fn leave_the_bar() {
    if Screen::Stderr.is_terminal() {
        Screen::Stderr.write(b"\r\x1b[K");
    }
}

/// One line on stderr, and with --json one object on stdout.
pub(crate) fn report(failure: &Failure, output: Output) {
    let line = format!("nightlatch: {}; {}", failure, failure.remedy());
    Screen::Stderr.write(format!("{}\n", printable(&line)).as_bytes());
    report_json(failure, output);
}

fn report_json(failure: &Failure, output: Output) {
    match output.form {
        // If stdout is closed, the exit status still tells.
        Form::Json => Screen::Stdout.write(&json::of_failure(failure)),
        Form::Text => {}
    }
}

/// Byte by byte, so that nothing is taken that a later reader of stdin should have, and no buffer keeps a secret. A person
/// may take minutes, or press Ctrl-C: what was computed before leaves no key on the stack meanwhile.
pub(crate) fn read_line() -> Result<Reply, Failure> {
    zeroize::zeroize_stack::<STACK_TO_WIPE>();
    let mut line = Zeroizing::new(Vec::with_capacity(LONGEST_LINE));
    let mut byte = Zeroizing::new([0_u8]);
    let mut began = false;
    loop {
        match rustix::io::read(rustix::stdio::stdin(), byte.as_mut_slice()) {
            Ok(0) if began => break,
            Ok(0) => return Ok(Reply::End),
            Ok(_) => {}
            Err(Errno::INTR) => continue,
            // The terminal is gone.
            Err(Errno::IO) => return Ok(Reply::End),
            Err(errno) => return Err(Failure::Input(errno.into())),
        }
        began = true;
        match *byte {
            [b'\n'] => break,
            [other] if line.len() < LONGEST_LINE => line.push(other),
            [_] => {}
        }
    }
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    Ok(Reply::Line(line))
}

/// All of stdin, for what holds no secret.
pub(crate) fn read_to_end() -> Result<Vec<u8>, Failure> {
    use std::io::Read as _;
    let mut bytes = Vec::new();
    std::io::stdin().lock().read_to_end(&mut bytes).map_err(Failure::Input)?;
    Ok(bytes)
}

fn write_all(descriptor: BorrowedFd<'_>, mut bytes: &[u8]) -> Result<(), Errno> {
    while !bytes.is_empty() {
        match rustix::io::write(descriptor, bytes) {
            Ok(0) => return Err(Errno::IO),
            Ok(count) => bytes = bytes.get(count..).unwrap_or_default(),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
    Ok(())
}

/// Paths and names may hold anything; a terminal obeys control characters.
fn printable(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut line, character| {
        if character.is_control() {
            line.extend(character.escape_unicode());
        } else {
            line.push(character);
        }
        line
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_message_moves_the_cursor() {
        assert_eq!(printable("/tmp/\u{1b}[2Jx\n"), "/tmp/\\u{1b}[2Jx\\u{a}");
        assert_eq!(printable("jürgen"), "jürgen");
    }
}
