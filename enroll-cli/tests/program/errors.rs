// SPDX-License-Identifier: MIT OR Apache-2.0
//! What every command says when something is wrong: one sentence that names what is meant and what to do, and never a secret.
//! All of them stand in errors.txt, to be read through at a glance.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::host::{BINARY, Host, Ran, run};
use crate::phone::Phone;
use crate::tree;
use crate::window::Window;

const SECRET: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
const PINNED: &str = include_str!("errors.txt");

/// Each command as it would do its work, in an order in which none takes away what the next one needs. daemon is enrolled with
/// phone and tablet, games is not. **A new command belongs in here.**
const COMMANDS: &[(&str, &str)] = &[
    ("status", "daemon"),
    ("list", ""),
    ("policy check", ""),
    ("policy explain", "daemon --service sshd"),
    ("doctor", ""),
    ("device list", "daemon"),
    ("verify", "daemon"),
    ("unlock", "daemon"),
    ("bypass", "daemon"),
    ("waive", "daemon --until +1d --reason moving"),
    ("backup-codes", "daemon --yes"),
    ("device add", "daemon --name token --no-confirm"),
    ("device remove", "daemon tablet --yes"),
    ("device resync", "daemon phone"),
    ("device rename", "daemon phone mobile"),
    ("remove", "daemon --yes"),
    ("invite", "games"),
    ("enroll", "games --no-confirm"),
    ("init", ""),
];

/// Those that ask, without the words that spare the question.
const ASKING: &[(&str, &str)] = &[
    ("verify", "daemon"),
    ("backup-codes", "daemon"),
    ("device add", "daemon --name token"),
    ("device remove", "daemon tablet"),
    ("device resync", "daemon phone"),
    ("enroll", "games"),
    ("remove", "daemon"),
];

/// What may be wrong, and how a command is run then.
struct Wrong {
    name: &'static str,
    commands: &'static [(&'static str, &'static str)],
    host: fn() -> Host,
    run: fn(&Host, &[&str], &str) -> Ran,
    /// Whose name stands for daemon and games.
    who: Option<&'static str>,
}

impl Wrong {
    const fn of(name: &'static str, host: fn() -> Host) -> Self {
        Self { name, commands: COMMANDS, host, run: |host, words, stdin| host.run_with(words, stdin), who: None }
    }

    const fn run_by(self, run: fn(&Host, &[&str], &str) -> Ran) -> Self {
        Self { run, ..self }
    }
}

const WRONGS: &[Wrong] = &[
    Wrong::of("run by somebody else than root", sound).run_by(|host, words, stdin| {
        let mut command = Command::new(BINARY);
        run(command.uid(65_534).gid(65_534).arg("--config").arg(host.config()).args(words), stdin)
    }),
    Wrong::of("not initialised", || Host::bare("")),
    Wrong::of("the config is not there", || {
        let host = sound();
        fs::remove_file(host.config()).unwrap();
        host
    }),
    Wrong::of("a word in the config is wrong", || {
        let host = sound();
        let config = fs::read_to_string(host.config()).unwrap();
        fs::write(host.config(), config + "[totp]\nwindow = 7\n").unwrap();
        host
    }),
    Wrong::of("others may write the config", || {
        let host = sound();
        fs::set_permissions(host.config(), fs::Permissions::from_mode(0o666)).unwrap();
        host
    }),
    Wrong::of("the master key is not there", || {
        let host = sound();
        fs::remove_file(key_of(&host)).unwrap();
        host
    }),
    Wrong::of("the master key is another", || {
        let host = sound();
        fs::write(key_of(&host), [7; 32]).unwrap();
        host
    }),
    Wrong::of("the store's marker is damaged", || {
        let host = sound();
        flip(&host.path("store/store"), 60);
        host
    }),
    Wrong::of("the record of daemon is damaged", || {
        let host = sound();
        flip(&host.record(1), 700);
        host
    }),
    Wrong { who: Some("nobody-here"), ..Wrong::of("there is no such account", sound) },
    Wrong { who: Some("-odd name-"), ..Wrong::of("that is no account's name", sound) },
    Wrong { who: Some("bin"), commands: COMMANDS, ..Wrong::of("bin is not enrolled", sound) },
    Wrong { commands: ASKING, ..Wrong::of("nothing on stdin, and no terminal", sound) }
        .run_by(|host, words, _| host.run(words)),
    Wrong::of("stdout is full", sound).run_by(|host, words, stdin| by_shell(host, "\"$@\" >/dev/full", words, stdin)),
    Wrong::of("the disk is full", sound).run_by(on_a_full_disk),
];

fn sound() -> Host {
    let host = Host::new();
    host.run_with(&["enroll", "daemon", "--secret-stdin", "--no-confirm", "--quiet"], SECRET).expect(0);
    host.run(&["device", "add", "daemon", "--name", "tablet", "--no-confirm"]).expect(0);
    host
}

fn key_of(host: &Host) -> std::path::PathBuf {
    fs::read_dir(host.path("keys")).unwrap().next().unwrap().unwrap().path()
}

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 1;
    fs::write(path, bytes).unwrap();
}

/// A shell's line, `$@` being the program and its words.
fn by_shell(host: &Host, line: &str, words: &[&str], stdin: &str) -> Ran {
    let mut command = Command::new("sh");
    run(command.args(["-c", line, "sh", BINARY, "--config"]).arg(host.config()).args(words), stdin)
}

/// The host's directory as a file system of its own without a free block, in a namespace that is gone with the command.
fn on_a_full_disk(host: &Host, words: &[&str], stdin: &str) -> Ran {
    let (here, copy) = (host.path("").display().to_string(), host.path("").display().to_string());
    let (here, copy) = (here.trim_end_matches('/'), format!("{}.copy", copy.trim_end_matches('/')));
    let line = format!(
        "cp -a {here} {copy} && mount -t tmpfs -o size=256k,mode=700 none {here} && cp -a {copy}/. {here} && rm -r {copy} && \
         {{ cat /dev/zero >{here}/all 2>/dev/null; exec \"$@\"; }}"
    );
    let mut command = Command::new("unshare");
    let program = ["--mount", "sh", "-c", &line, "sh", BINARY, "--config"];
    run(command.args(program).arg(host.config()).args(words), stdin)
}

fn stdin_of(command: &str) -> String {
    match command {
        "verify" => Phone::usual(SECRET).code(0),
        "device resync" => Phone::usual(SECRET).pair(2).join("\n"),
        _ => String::new(),
    }
}

/// What differs from run to run is put in other words.
fn plain(line: &str, host: &Host) -> String {
    let here = host.path("").display().to_string();
    let line = line.replace(here.trim_end_matches('/'), "/HOST");
    let words = line.split_inclusive(|c: char| !c.is_ascii_hexdigit());
    let is_key = |word: &str| word.chars().take_while(char::is_ascii_hexdigit).count() == 32;
    words.map(|word| if is_key(word) { format!("KEY{}", &word[32..]) } else { word.to_owned() }).collect()
}

/// Status and sentence; and all that is promised of any sentence.
fn said(ran: &Ran, host: &Host, place: &str) -> String {
    for text in [&ran.stdout, &ran.stderr] {
        let brought = ran.status != 0 && text.contains(SECRET);
        assert!(!brought && !text.contains("panicked"), "{place}: {ran:?}");
    }
    let is_sentence = |line: &&str| line.starts_with("nightlatch: ") && !line.starts_with("nightlatch: warning: ");
    let sentences: Vec<_> = ran.stderr.lines().filter(is_sentence).collect();
    match (ran.status, sentences.as_slice()) {
        (0, []) => "0  is done all the same".to_owned(),
        (status, []) if !ran.stdout.is_empty() || ran.stderr.contains("warning: ") => {
            let first = ran.stdout.lines().next().filter(|line| !line.starts_with("USER ")).map(str::to_owned);
            let warned = ran.stderr.lines().find(|line| line.contains("warning: ")).map(str::to_owned);
            format!("{status}  {}", plain(&first.or(warned).unwrap_or_default(), host))
        }
        (status, [sentence]) => {
            assert!(status != 0 && sentence.contains("; "), "{place}: no remedy: {ran:?}");
            format!("{status}  {}", plain(sentence, host))
        }
        (_, several) => panic!("{place}: {} sentences: {ran:?}", several.len()),
    }
}

/// All that is wrong, each sentence with the commands that say it.
fn table() -> String {
    let mut table = String::new();
    for wrong in WRONGS {
        let host = (wrong.host)();
        let mut sentences: Vec<(String, Vec<&str>)> = Vec::new();
        for (command, words) in wrong.commands {
            let words: Vec<&str> = command.split(' ').chain(words.split(' ')).filter(|word| !word.is_empty()).collect();
            let is_person = |word: &str| word == "daemon" || word == "games";
            if wrong.who.is_some() && !words.iter().any(|word| is_person(word)) {
                continue;
            }
            let words: Vec<&str> =
                words.into_iter().map(|word| wrong.who.filter(|_| is_person(word)).unwrap_or(word)).collect();
            let words = if wrong.who.is_some_and(|who| who.starts_with('-')) { dashed(&words) } else { words };
            let ran = (wrong.run)(&host, &words, &stdin_of(command));
            let sentence = said(&ran, &host, &format!("{}: {command}", wrong.name));
            match sentences.iter_mut().find(|(of, _)| *of == sentence) {
                Some((_, commands)) => commands.push(command),
                None => sentences.push((sentence, vec![command])),
            }
        }
        let _: std::fmt::Result = writeln!(table, "== {}", wrong.name);
        for (sentence, commands) in sentences {
            let _: std::fmt::Result = writeln!(table, "{sentence}\n     {}", commands.join(", "));
        }
        table.push('\n');
    }
    table
}

/// A name that begins with a dash stands behind the options.
fn dashed<'a>(words: &[&'a str]) -> Vec<&'a str> {
    let odd = |word: &&&str| word.starts_with("-odd");
    let mut all: Vec<&str> = words.iter().filter(|word| !odd(word)).copied().collect();
    let after: Vec<&str> = words.iter().filter(odd).copied().collect();
    // What else is no option goes behind it, in its order.
    let verbs = if ["device", "policy"].contains(&all[0]) { 2 } else { 1 };
    let rest: Vec<&str> = all.split_off(verbs);
    let at = rest.iter().position(|word| word.starts_with("--")).unwrap_or(rest.len());
    let (positional, options) = rest.split_at(at);
    [&all[..], options, &["--"], &after, positional].concat()
}

#[test]
fn what_every_command_says_when_something_is_wrong_is_as_it_was_read_through() {
    let table = table();
    if table != PINNED {
        let written = std::env::temp_dir().join("nightlatch-errors.txt");
        fs::write(&written, &table).unwrap();
        let new: Vec<_> = table.lines().filter(|line| !PINNED.contains(line)).collect();
        panic!(
            "read {} through, and put it in the place of enroll-cli/tests/program/errors.txt; new lines:\n{}",
            written.display(),
            new.join("\n")
        );
    }
}

#[test]
fn no_command_is_missing_in_the_table_of_errors() {
    for command in tree::leaves() {
        assert!(COMMANDS.iter().any(|(name, _)| *name == command), "'{command}' is tried under no error");
    }
}

/// The object that a machine gets has the same words.
#[test]
fn in_json_a_failure_has_the_sentence_and_the_remedy_that_stderr_has() {
    let mut kinds = BTreeMap::new();
    for wrong in WRONGS.iter().filter(|wrong| wrong.name != "stdout is full" && wrong.who.is_none()) {
        let host = (wrong.host)();
        for (command, words) in wrong.commands {
            let mut words: Vec<&str> =
                command.split(' ').chain(words.split(' ')).filter(|word| !word.is_empty()).collect();
            words.push("--json");
            let ran = (wrong.run)(&host, &words, &stdin_of(command));
            let value = ran.json();
            if let Some(error) = value.get("error") {
                let text = |field: &str| error[field].as_str().unwrap();
                let sentence = format!("nightlatch: {}; {}\n", text("message"), text("remedy"));
                assert!(ran.stderr.ends_with(&sentence), "{}: {command}: {ran:?}", wrong.name);
                kinds.entry(text("kind").to_owned()).or_insert(ran.status);
            }
        }
    }
    assert!(kinds.len() >= 8, "{kinds:?}");
}

/// Waits until the program reads stdin.
fn until_it_waits(child: &std::process::Child) {
    for _ in 0..1000 {
        let call = fs::read_to_string(format!("/proc/{}/syscall", child.id())).unwrap_or_default();
        if call.starts_with("0 0x0 ") {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    panic!("it does not read stdin");
}

#[test]
fn whoever_interrupts_a_command_that_waits_has_changed_nothing_and_is_told_so() {
    const SENTENCE: &str = "nightlatch: interrupted; nothing was changed; run it again";
    let host = sound();
    let before = fs::read(host.record(1)).unwrap();
    for (command, words) in ASKING {
        let words: Vec<&str> = command.split(' ').chain(words.split(' ')).collect();
        let asks = matches!(*command, "backup-codes" | "device remove" | "remove");
        if asks {
            let mut window = Window::open(&host, 24, 100, &words);
            window.wait_for("[y/N]");
            window.press(3);
            assert_eq!(window.end(), 130, "{command}");
            let shown = String::from_utf8_lossy(&window.bytes()).into_owned();
            assert!(shown.contains(SENTENCE), "{command}: {shown}");
        } else {
            let mut child = Command::new(BINARY)
                .arg("--config")
                .arg(host.config())
                .args(&words)
                .stdin(Stdio::piped())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap();
            // Kept open: wait() closes what it finds, and the end of stdin is another story.
            let _stdin = child.stdin.take();
            until_it_waits(&child);
            assert!(Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap().success());
            assert_eq!(child.wait().unwrap().code(), Some(130), "{command}");
            let (mut stdout, mut stderr) = (String::new(), String::new());
            child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
            child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
            assert!(stdout.is_empty() && stderr.trim_end().ends_with(SENTENCE), "{command}: {stdout}{stderr}");
        }
        assert_eq!(fs::read(host.record(1)).unwrap(), before, "{command}");
        assert!(!host.record(5).exists(), "{command}");
    }
}

/// A stdout that is closed is /dev/null by the time that any program in Rust begins, and cannot be told from one.
#[test]
fn a_closed_stdout_is_taken_for_no_output_wanted() {
    let host = sound();
    by_shell(&host, "\"$@\" >&-", &["status", "daemon"], "").expect(0);
}
