// SPDX-License-Identifier: MIT OR Apache-2.0
//! Core files. The program leaves none. An application that is a root's own may, whenever it likes: the module does not
//! touch what is its host's, so that after a login there is nothing in one, registers included.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::fs;
use std::io::Write as _;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, Stdio};

use crate::memory::{Memory, READ_STDIN, Stopped};
use crate::scene::*;
use crate::{Login, WRONG, assert_found, assert_none, code, enrolled, secrets_of};

/// Words that go before a program's own: it runs in a directory of its own, and may leave a core file there.
fn with_cores(directory: &str) -> [String; 4] {
    let script = format!("mkdir {directory}; cd {directory}; ulimit -c unlimited; exec \"$@\"");
    ["sh", "-ec", &script, "sh"].map(str::to_owned)
}

/// Ends a process as a crash would. Whether the kernel made a core of it, and what it wrote: where it hands cores to
/// another program, the flag is all that is to be had.
fn crash(process: &mut Child, directory: &str) -> (bool, Memory) {
    ok("kill", &["-QUIT", &process.id().to_string()]);
    let status = process.wait().unwrap();
    assert_eq!(status.signal(), Some(3), "{status}");
    let files = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    (status.core_dumped(), files.map(|path| (path.display().to_string(), fs::read(path).unwrap())).collect())
}

#[test]
fn the_program_leaves_no_core_file_and_another_one_does() {
    let ann = Person::stranger("ann");
    for (words, leaves_one) in [(&["nightlatch", "enroll", &ann.name, "--secret-stdin"][..], false), (&["cat"], true)] {
        let directory = format!("/tmp/{}", unique("cores"));
        let mut child = Command::new("sh");
        let child = child.args(&with_cores(&directory)[1..]).args(words).stdin(Stdio::piped());
        let mut child = child.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
        child.stdin.as_mut().unwrap().write_all(b"MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U\n").unwrap();
        Stopped::find(words, READ_STDIN);
        let (is_dumped, core) = crash(&mut child, &directory);
        assert_eq!(is_dumped, leaves_one, "{words:?}");
        assert!(leaves_one || core.is_empty(), "{words:?}");
    }
}

#[test]
fn a_core_file_of_the_application_after_a_login_holds_nothing_but_what_the_application_keeps() {
    let (service, ann) = (Service::alone(""), enrolled());
    for (typed, answer, keeps) in [
        (code(&ann), "PAM_SUCCESS", false),
        (WRONG.to_owned(), "PAM_AUTH_ERR", false),
        (WRONG.to_owned(), "PAM_AUTH_ERR", true),
    ] {
        let mut needles = secrets_of(&ann);
        needles.add_typed(&typed);
        let directory = format!("/tmp/{}", unique("cores"));
        let wrapper = with_cores(&directory);
        let wrapper: Vec<_> = wrapper.iter().map(String::as_str).collect();
        let mut login = Login::begin(&wrapper, if keeps { &["--keep"] } else { &[] }, &service, &ann.name);
        login.types(&typed);
        login.sees(answer);
        login.sees("held");
        let (is_dumped, core) = crash(&mut login.driver, &directory);
        assert!(is_dumped, "no core file of anything can be had here: ulimit -c, /proc/sys/kernel/core_pattern");
        if keeps && !core.is_empty() {
            assert_found(&needles, &core, &["the typed code"]);
        } else {
            assert_none(&needles, answer, &core);
        }
    }
}
