// SPDX-License-Identifier: MIT OR Apache-2.0
//! Debian's vsftpd and dovecot with the service files of pam.d/, by their own protocols over the loopback.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use super::scene::*;
use super::{both, failures};

/// A server that asks once.
pub(crate) struct Server {
    name: &'static str,
    port: u16,
    /// Whether a text lets a person in.
    log_in: fn(&mut Line, &str, &str) -> bool,
}

pub(crate) const VSFTPD: Server = Server { name: "vsftpd", port: 21, log_in: ftp };
pub(crate) const DOVECOT: Server = Server { name: "dovecot", port: 143, log_in: imap };

/// A connection that is read and written by lines.
pub(crate) struct Line {
    reader: BufReader<TcpStream>,
}

impl Line {
    fn says(&mut self, line: &str) {
        self.reader.get_mut().write_all(format!("{line}\r\n").as_bytes()).unwrap();
    }

    /// The next line that begins with one of these.
    fn answers(&mut self, beginnings: &[&str]) -> String {
        let mut all = String::new();
        loop {
            let mut line = String::new();
            let read = self.reader.read_line(&mut line).unwrap_or_else(|error| panic!("{error} after {all:?}"));
            assert_ne!(read, 0, "the server hung up: {all:?}");
            all.push_str(&line);
            if beginnings.iter().any(|beginning| line.starts_with(beginning)) {
                return line;
            }
        }
    }
}

fn ftp(line: &mut Line, user: &str, text: &str) -> bool {
    line.answers(&["220 "]);
    line.says(&format!("USER {user}"));
    line.answers(&["331 "]);
    line.says(&format!("PASS {text}"));
    line.answers(&["230 ", "530 "]).starts_with("230 ")
}

fn imap(line: &mut Line, user: &str, text: &str) -> bool {
    line.answers(&["* OK"]);
    line.says(&format!("a LOGIN \"{user}\" \"{text}\""));
    line.answers(&["a OK", "a NO"]).starts_with("a OK")
}

impl Server {
    /// With the recipe as it is shipped.
    fn start(&self) {
        in_the_bed();
        let recipe = format!("/usr/share/nightlatch/pam.d/{}", self.name);
        fs::copy(recipe, format!("/etc/pam.d/{}", self.name)).unwrap();
        if self.name == "dovecot" {
            // Else each refusal makes the next answer to this address later.
            let penalty = "service anvil {\n unix_listener anvil-auth-penalty {\n  mode = 0\n }\n}\n";
            fs::write("/etc/dovecot/conf.d/99-bed.conf", penalty).unwrap();
        }
        ok("systemctl", &["start", self.name]);
        let up = || {
            std::thread::sleep(Duration::from_millis(100));
            TcpStream::connect(("127.0.0.1", self.port)).is_ok()
        };
        assert!((0..100).any(|_| up()), "{} does not answer", self.name);
    }

    fn lets_in(&self, user: &str, text: &str) -> bool {
        let connection = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        connection.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        (self.log_in)(&mut Line { reader: BufReader::new(connection) }, user, text)
    }
}

pub(crate) fn takes_both_in_one(server: &Server) {
    server.start();
    let ann = Person::enrolled("ann");
    let journal = Journal::mark();
    steady(20);
    let text = both(&ann, -1);
    assert!(server.lets_in(&ann.name, &text), "{}", journal.all());
    let lines = journal.lines(&ann.name);
    let accepted = format!("service={} source=", server.name);
    assert!(lines.contains(&accepted) && lines.contains("127.0.0.1 asked=password+code method=totp"), "{lines}");
    assert!(!server.lets_in(&ann.name, &text), "the same once more");
    assert!(!server.lets_in(&ann.name, PASSWORD), "the password alone");
    assert!(!server.lets_in(&ann.name, &ann.code(0)), "the code alone");
    assert_eq!(failures(&ann), 0);
    assert!(!server.lets_in(&ann.name, &format!("{PASSWORD}{}", ann.wrong_code())), "a wrong code");
    assert_eq!(failures(&ann), 1);
    assert!(!server.lets_in(&ann.name, &format!("wrong{}", ann.code(0))), "a wrong password");
    assert!(!server.lets_in(&Person::nobody().name, &both(&ann, 1)), "nobody");
    assert!(server.lets_in(&ann.name, &both(&ann, 1)), "{}", journal.all());
    assert!(server.lets_in(&ann.name, &format!("{PASSWORD}{}", ann.backup_codes[0])), "{}", journal.all());
    let lines = journal.lines("");
    assert!(!lines.contains(PASSWORD) && !lines.contains(&ann.backup_codes[0]), "{lines}");
}
