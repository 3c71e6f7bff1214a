// SPDX-License-Identifier: MIT OR Apache-2.0
//! What only some commands can meet, on a host on which nothing is wrong: what was asked for cannot be.

use super::commands::{CASES, Start};
use super::stage::{Stage, contents};
use super::{Outcome, reads_well, says_once};

/// What is called, with `_` for a space in a word, and what it finds on stdin.
const REQUESTS: &[(&str, &str)] = &[
    ("enroll bin --secret-stdin", ""),
    ("enroll bin --secret-stdin", "no base32!\n"),
    ("enroll bin --secret-stdin", "GEZDGNBVGY3TQOJQ\n"),
    ("enroll bin --secret-stdin", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\n"),
    ("enroll bin --secret-stdin", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\nno code\nno code\nno code\n"),
    ("enroll bin --no-confirm --qr-png /dev/null", ""),
    ("enroll bin --no-confirm --qr-png /nowhere/bin.png", ""),
    ("enroll bin --no-confirm --qr-svg /dev/full/bin.svg", ""),
    ("enroll bin --no-confirm --device _", ""),
    ("device add daemon --no-confirm --name token", ""),
    ("device remove daemon tablet --yes", ""),
    ("device rename daemon phone token", ""),
    ("device rename daemon tablet token", ""),
    ("device resync daemon", ""),
    ("device resync daemon token", "000000\n"),
    ("device resync daemon token", "no code\nno code\n"),
    ("device resync daemon token", "000000\n000000\n"),
    ("device resync daemon token", "12345678\n87654321\n"),
    ("bypass daemon --for 30d", ""),
    ("waive daemon --until 2020-01-01 --reason ticket", ""),
    ("waive daemon --until +60d --reason ticket", ""),
    ("waive daemon --until +2d --reason _", ""),
    ("invite bin --until 2020-01-01", ""),
    ("invite bin --until +60d", ""),
    ("enroll --from - --output {host}/handouts --no-confirm", "name\nbin\n"),
    ("enroll --from - --output {host}/handouts --no-confirm", "user,digits\nbin,9\nno-such-user,6\n"),
    ("enroll --from /nowhere/people.csv --output {host}/handouts --no-confirm", ""),
    ("enroll --from {host}/given/people.csv --output /nowhere/handouts --no-confirm", ""),
    ("rebind bin --from-uid 1 --yes", ""),
    ("rebind bin --from-uid 4242 --yes", ""),
    ("rebind bin --from-name nobody-here --yes", ""),
    ("rebind daemon --from-name demons --yes", ""),
    ("import google-authenticator bin games --file {host}/given/google", ""),
    ("import google-authenticator bin --path google", ""),
    ("import oath /nowhere/users.oath", ""),
    ("import oath {host}/given", ""),
    ("key backup --output {host}/given/key.txt", ""),
    ("key backup --output /nowhere/key.txt", ""),
    ("key restore --from /nowhere/key.txt", ""),
    ("key restore --from {host}/given", ""),
    ("key restore --from -", "1234 5678 9abc\n"),
    ("store backup {host}/given/store.backup --under-master-key", ""),
    ("store backup /nowhere/store.backup --under-master-key", ""),
    ("store backup {host}/store.backup --under-master-key --user bin", ""),
    ("store backup {host}/store.backup --passphrase", ""),
    ("store backup {host}/store.backup --passphrase", "correct-horse\n"),
    ("store restore /nowhere/store.backup --yes", ""),
    ("store restore {host}/given/key.txt --yes", ""),
    ("store restore {host}/given/store.backup --user bin --yes", ""),
    ("store restore {host}/given/store.age --yes", ""),
    ("store restore {host}/given/store.age --yes", "correct-horse-battery-stable\n"),
];

/// Their part of errors.txt; nothing is changed by any of them.
pub(super) fn page(stage: &Stage) -> String {
    let sound = CASES.iter().find(|case| case.start == Start::Enrolled).expect("one of them");
    let mut text = "\n== what only some commands can meet; behind | is what they find on stdin\n".to_owned();
    for (words, stdin) in REQUESTS {
        let host = stage.copy(sound);
        let before = contents(&host.path(""));
        let home = host.path("").display().to_string();
        let words: Vec<_> = words.split(' ').map(|word| word.replace('_', " ").replace("{host}/", &home)).collect();
        let words: Vec<_> = words.iter().map(String::as_str).collect();
        let what = format!("{} | {}", words.join(" "), stdin.trim_end().replace('\n', ", "));
        let ran = host.run_with(&[&["--json"], words.as_slice()].concat(), stdin);
        let Outcome::Fails { status, kind, sentence: [message, remedy] } = super::of_error(&ran, &ran.json(), &what)
        else {
            panic!("{what}: {ran:?}")
        };
        assert_eq!(host.run_with(&words, stdin).expect(status).stdout, "", "{what}");
        says_once(&ran, &format!("nightlatch: {message}; {remedy}"), &super::warnings(&ran), &what);
        reads_well(&message, &remedy, &what);
        // A list of people is no secret.
        let secrets = stdin.lines().filter(|line| !line.contains(' ') && !words.starts_with(&["enroll", "--from"]));
        for line in secrets {
            assert!(!ran.stderr.contains(line) && !ran.stdout.contains(line), "{what}: {ran:?}");
        }
        assert!(contents(&host.path("")) == before, "{what} changed something, and failed");
        let what = what.trim_end_matches([' ', '|']);
        let told = format!("{what}: {status} {kind}\n    {message};\n    {remedy}\n");
        text.push_str(&told.replace(home.trim_end_matches('/'), "/host"));
    }
    text
}
