// SPDX-License-Identifier: MIT OR Apache-2.0
//! The recording layer: strace of the real programs, read into what they did to the directory of records. A call that
//! it does not know is a failure, not a gap; and what it understood has to give the directory that is really there.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::{Disk, Files, Op};
use crate::scene::{run, unique};

/// Everything that changes a file or a directory.
const TRACED: &str = "openat,open,creat,write,writev,pwrite64,pwritev,pwritev2,fsync,fdatasync,syncfs,sync,sync_file_range,\
rename,renameat,renameat2,link,linkat,symlink,symlinkat,unlink,unlinkat,mkdir,mkdirat,rmdir,truncate,ftruncate,fallocate,\
copy_file_range,sendfile,splice,fadvise64";

/// The files of a directory.
pub fn files_in(directory: &Path) -> Files {
    let entries = fs::read_dir(directory).unwrap().map(Result::unwrap);
    entries.map(|entry| (entry.file_name().into_string().unwrap(), fs::read(entry.path()).unwrap())).collect()
}

/// Makes the directory hold these files and no others.
pub fn lay_out(directory: &Path, files: &Files) {
    use std::os::unix::fs::PermissionsExt;
    for entry in fs::read_dir(directory).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    for (name, bytes) in files {
        let path = directory.join(name);
        fs::write(&path, bytes).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }
}

/// Runs a program at a moment on the directory of records. `fault` is strace's word for what befalls it.
pub fn record(directory: &Path, moment: u64, command: &[String], fault: Option<&str>) -> Vec<Op> {
    let before = files_in(directory);
    let trace = format!("/run/{}", unique("power-trace"));
    let injected = fault.map(|fault| format!("inject={fault}"));
    let mut words = vec!["-f", "-qq", "-y", "-xx", "-s", "65536", "-o", &trace, "-e"];
    let traced = format!("trace={TRACED}");
    words.push(&traced);
    words.extend(injected.iter().flat_map(|injected| ["-e", injected.as_str()]));
    let at = format!("@{moment}");
    words.extend(["faketime", at.as_str()]);
    words.extend(command.iter().map(String::as_str));
    let output = run("strace", &words);
    let text = fs::read_to_string(&trace).unwrap_or_else(|_| panic!("{output:?}"));
    fs::remove_file(&trace).unwrap();
    let ops: Vec<Op> = whole_calls(&text).iter().filter_map(|line| op_of(line, directory.to_str().unwrap())).collect();
    assert!(fault.is_some() || ops.iter().any(|op| matches!(op, Op::Answer { .. })), "no answer: {output:?}");
    let mut disk = Disk::holding(&before);
    for op in &ops {
        drop(disk.finish(op));
    }
    // strace does not let the kernel begin a call that it fails, while a disk may fail in the middle of it.
    assert!(fault.is_some() || disk.seen() == files_in(directory), "not all of it was understood: {ops:?}");
    ops
}

/// A call that another thread interrupted stands on two lines.
fn whole_calls(text: &str) -> Vec<String> {
    let (mut waiting, mut calls) = (BTreeMap::new(), Vec::new());
    for line in text.lines() {
        let (thread, call) = line.split_once(' ').unwrap();
        let call = call.trim_start();
        if let Some(begun) = call.strip_suffix("<unfinished ...>") {
            waiting.insert(thread, begun.to_owned());
        } else if let Some(rest) = call.strip_prefix("<... ") {
            let begun = waiting.remove(thread).unwrap();
            calls.push(format!("{begun}{}", rest.split_once(" resumed>").unwrap().1));
        } else {
            calls.push(call.to_owned());
        }
    }
    calls
}

fn unhex(text: &str) -> Vec<u8> {
    text.split("\\x").skip(1).map(|pair| u8::from_str_radix(&pair[..2], 16).unwrap()).collect()
}

fn path(text: &str) -> String {
    String::from_utf8_lossy(&unhex(text)).into_owned()
}

/// The path behind the first descriptor.
fn descriptor_s_path(call: &str) -> Option<String> {
    let (descriptor, rest) = call.split_once('<')?;
    descriptor.split_once('(')?.1.parse::<u32>().ok()?;
    let (shown, rest) = rest.split_once('>')?;
    assert!(!rest.starts_with("(deleted)"), "{call}");
    Some(path(shown))
}

/// All strings in quotes.
fn quoted(call: &str) -> Vec<&str> {
    call.split('"').skip(1).step_by(2).collect()
}

fn op_of(call: &str, directory: &str) -> Option<Op> {
    let (name, arguments) = call.split_once('(')?;
    let (arguments, returned) = arguments.rsplit_once(" = ")?;
    let failed = returned.starts_with('-');
    let is_ours = call.contains(&directory.bytes().map(|byte| format!("\\x{byte:02x}")).collect::<String>());
    if name == "write" && arguments.starts_with("1<") {
        let text = String::from_utf8_lossy(&unhex(quoted(call)[0])).into_owned();
        let is_answer = text.starts_with("authenticate ") || text.starts_with("{\"schema\"");
        return is_answer.then_some(Op::Answer { text });
    }
    if !is_ours {
        return None;
    }
    let target = descriptor_s_path(call).unwrap_or_else(|| panic!("not understood: {call}"));
    let within = |path: &str| path.strip_prefix(directory).and_then(|path| path.strip_prefix('/')).map(str::to_owned);
    let number = |text: &str| text.trim_matches([' ', ')']).parse::<usize>().unwrap();
    match name {
        "openat" if !arguments.contains("O_CREAT") && !arguments.contains("O_TRUNC") => None,
        "openat" if failed => None,
        "openat" if target == directory && arguments.contains("O_EXCL") => {
            Some(Op::Make { name: path(quoted(call)[0]) })
        }
        "openat" if target != directory => None,
        "pwrite64" | "pwritev2" => {
            let bytes = unhex(quoted(call)[0]);
            let words: Vec<&str> = arguments.split(", ").collect();
            let flushed = words.last().is_some_and(|word| word.contains("DSYNC") || word.contains("RWF_SYNC"));
            let offset = if name == "pwritev2" { words[words.len() - 2] } else { words[words.len() - 1] };
            let (name, offset) = (within(&target)?, number(offset));
            if !failed {
                assert_eq!(number(returned), bytes.len(), "{call}");
                return Some(Op::Write { name, offset, bytes, flushed });
            }
            // strace did not let the kernel write; a disk that fails may have taken any part of it.
            flushed.then_some(Op::FailedWrite { name, offset, bytes })
        }
        "fsync" | "fdatasync" if target == directory => (!failed).then_some(Op::FlushDirectory),
        "fsync" | "fdatasync" => {
            let name = within(&target)?;
            Some(if failed { Op::FailedFlush { name } } else { Op::Flush { name } })
        }
        "renameat2" | "renameat" | "unlinkat" if failed => None,
        "renameat2" | "renameat" => {
            let names = quoted(call);
            Some(Op::Rename { from: path(names[0]), to: path(names[1]) })
        }
        "unlinkat" => Some(Op::Remove { name: path(quoted(call)[0]) }),
        "fadvise64" => Some(Op::Forget { name: within(&target)? }),
        _ => panic!("not understood: {call}"),
    }
}
