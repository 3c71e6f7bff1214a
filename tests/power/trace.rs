// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a program did to a directory, read from strace: the layer at which writes and flushes are recorded.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

use std::fs;
use std::path::Path;
use std::process::Output;

use super::scene::{run, unique};

/// One thing that a crash may come before or after. Files go by their names at that moment.
#[derive(Debug, Clone)]
pub(crate) enum Call {
    Create(String),
    /// At a place, or behind what was written before.
    Write {
        name: String,
        at: Option<usize>,
        bytes: Vec<u8>,
        flushes: bool,
    },
    Flush(String),
    FlushDirectory,
    Rename {
        from: String,
        to: String,
    },
    Unlink(String),
    /// The driver or the program says on its standard output what became of it: from here on the answer is known.
    Answer,
}

const RECORDED: &str = "trace=openat,open,creat,mkdir,mkdirat,mknodat,write,writev,pwrite64,pwritev,pwritev2,sendfile,\
     copy_file_range,truncate,ftruncate,fallocate,fsync,fdatasync,syncfs,sync,sync_file_range,msync,rename,renameat,\
     renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat";

/// Runs a command; what it did in the directory, in order.
pub(crate) fn recorded(directory: &Path, command: &[&str]) -> (Vec<Call>, Output) {
    let file = format!("/tmp/{}", unique("power"));
    let strace = ["-qq", "-f", "-y", "-xx", "-s", "65536", "-o", &file, "-e", RECORDED];
    let output = run("strace", &[&strace, command].concat());
    let calls = fs::read_to_string(&file).unwrap().lines().filter_map(|line| call(line, directory)).collect();
    (calls, output)
}

fn call(line: &str, directory: &Path) -> Option<Call> {
    let line = line.split_once(' ').unwrap().1.trim_start();
    if line.starts_with("+++") || line.starts_with("---") {
        return None;
    }
    // Another thread's call in the midst of one of these would need another reader.
    assert!(!line.contains("<unfinished") && !line.contains("resumed>"), "two calls at once");
    let (call, rest) = line.split_once('(').unwrap();
    let (arguments, result) = rest.rsplit_once(") = ").unwrap();
    if result.starts_with('-') {
        return None;
    }
    let file = |text: &str| in_directory(&path_of(text)?, directory);
    let fd = || arguments.split_once(", ").map_or(arguments, |(fd, _)| fd);
    match call {
        "openat" if arguments.contains("O_CREAT") => file(result).map(Call::Create),
        "openat" => None,
        "write" if arguments.starts_with("1<") => {
            let said = strings(&without_paths(arguments)).remove(0);
            (said.starts_with(b"authenticate ") || said.starts_with(b"{")).then_some(Call::Answer)
        }
        "write" => {
            Some(Call::Write { name: file(fd())?, at: None, bytes: strings(arguments).remove(0), flushes: false })
        }
        "pwrite64" | "pwritev2" => {
            let name = file(fd())?;
            let mut last = arguments.rsplit(", ");
            let flags = if call == "pwritev2" { last.next().unwrap() } else { "" };
            let at = last.next().unwrap().parse().unwrap();
            let bytes = strings(&without_paths(arguments)).concat();
            assert_eq!(result.parse(), Ok(bytes.len()), "a short write");
            Some(Call::Write { name, at: Some(at), bytes, flushes: flags.contains("RWF_DSYNC") })
        }
        "fsync" | "fdatasync" => match file(fd())?.as_str() {
            "" => Some(Call::FlushDirectory),
            name => Some(Call::Flush(name.to_owned())),
        },
        "renameat2" => {
            file(fd())?;
            let names = strings(&without_paths(arguments));
            let [from, to] = names.as_slice() else { panic!("{call}") };
            Some(Call::Rename { from: text(from), to: text(to) })
        }
        "unlinkat" => {
            file(fd())?;
            Some(Call::Unlink(text(&strings(&without_paths(arguments))[0])))
        }
        _ => {
            let hexed: String = directory.to_str().unwrap().bytes().map(|byte| format!("\\x{byte:02x}")).collect();
            assert!(!line.contains(&hexed), "a call that is not replayed: {call}");
            None
        }
    }
}

/// The path that strace shows behind a descriptor.
fn path_of(text: &str) -> Option<String> {
    let (_, path) = text.split_once('<')?;
    Some(self::text(&decoded(path.split_once('>')?.0)))
}

/// The name within the directory, and "" for the directory itself.
fn in_directory(path: &str, directory: &Path) -> Option<String> {
    Some(Path::new(path).strip_prefix(directory).ok()?.to_str().unwrap().to_owned())
}

fn without_paths(arguments: &str) -> String {
    arguments.split('<').map(|part| part.split_once('>').map_or(part, |(_, behind)| behind)).collect()
}

/// Whatever stands between quotes.
fn strings(arguments: &str) -> Vec<Vec<u8>> {
    arguments.split('"').skip(1).step_by(2).map(decoded).collect()
}

fn decoded(hexed: &str) -> Vec<u8> {
    hexed.split("\\x").skip(1).map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}
