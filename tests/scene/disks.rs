// SPDX-License-Identifier: MIT OR Apache-2.0
//! File systems to fill: those that tests/bed/disks mounted on the host, and tmpfs.
#![allow(dead_code, clippy::print_stdout, reason = "one crate uses it; how much was filled belongs in its report")]

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::*;

/// A file system that one test at a time may fill.
pub struct Disk {
    pub path: PathBuf,
    turn: MutexGuard<'static, ()>,
}

impl Disk {
    /// One that tests/bed/disks mounted.
    pub fn of_the_host(kind: &str, turn: &'static Mutex<()>) -> Self {
        in_the_bed();
        let turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
        let path = Path::new("/srv/disks").join(kind);
        let found = ok("findmnt", &["--noheadings", "--output=FSTYPE", "--target", utf8(&path)]);
        assert_eq!(found.trim(), kind, "{} is not what ./test mounts there", path.display());
        Self { path, turn }
    }

    /// One in memory: tmpfs or ramfs.
    pub fn in_memory(kind: &str, options: &str, turn: &'static Mutex<()>) -> Self {
        in_the_bed();
        let turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
        let path = Path::new("/srv").join(unique(kind));
        fs::create_dir(&path).unwrap();
        ok("mount", &["-t", kind, "-o", &format!("mode=755,{options}"), kind, utf8(&path)]);
        Self { path, turn }
    }

    /// To the last block: what cannot be had at once is asked for in halves, then by the byte, then by overwriting
    /// blocks that are shared; at last names, so many at most: they take what btrfs keeps for metadata, some 22,000.
    pub fn fill(&self, most_names: usize) -> Full {
        let full = Full { path: self.path.join("filler") };
        fs::create_dir(&full.path).unwrap();
        let file = |name: &str| full.path.join(name);
        let (seed, twin) = (file("seed"), file("twin"));
        fs::write(&seed, vec![7; 256 * 1024]).unwrap();
        let shares = run("cp", &["--reflink=always", utf8(&seed), utf8(&twin)]).status.success();
        let mut crumbs = File::create(file("crumbs")).unwrap();
        let mut size = 64 << 20;
        while size >= 1024 {
            let piece = file(&unique("piece"));
            if !run("fallocate", &["--length", &size.to_string(), utf8(&piece)]).status.success() {
                drop(fs::remove_file(piece));
                size /= 2;
            }
        }
        while crumbs.write_all(&[7; 512]).and_then(|()| crumbs.sync_data()).is_ok() {}
        if shares {
            let twin = File::options().write(true).open(twin).unwrap();
            let overwrite = |block: u64| twin.write_all_at(&[8; 4096], block * 4096).and_then(|()| twin.sync_data());
            assert!((0..64).any(|block| overwrite(block).is_err()), "64 shared blocks could be overwritten");
        }
        let mut names = 0;
        while names < most_names && File::create(file(&format!("{names:0200}"))).is_ok() {
            names += 1;
        }
        println!("{}: {names} names; {}", self.path.display(), self.left());
        assert!(fs::write(file("one more"), [7; 8192]).is_err());
        full
    }

    /// All names, and no block.
    pub fn use_up_inodes(&self) -> Full {
        let full = Full { path: self.path.join("filler") };
        fs::create_dir(&full.path).unwrap();
        let names = (0..100_000).take_while(|name| File::create(full.path.join(format!("{name}"))).is_ok()).count();
        println!("{}: {names} names; {}", self.path.display(), self.left());
        full
    }

    fn left(&self) -> String {
        ok("stat", &["--file-system", "--format=blocks free %f, available %a, inodes free %d", utf8(&self.path)])
    }
}

/// Full until it is dropped.
pub struct Full {
    path: PathBuf,
}

impl Drop for Full {
    fn drop(&mut self) {
        // The large ones first: removing a name may itself ask for a block.
        ok("sh", &["-c", "rm -f \"$1\"/piece* && sync -f \"$1\" && rm -rf \"$1\"", "sh", utf8(&self.path)]);
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        if self.path.starts_with("/srv/disks") {
            return;
        }
        ok("umount", &[utf8(&self.path)]);
        let _turn = &self.turn;
    }
}

pub fn utf8(path: &Path) -> &str {
    path.to_str().unwrap()
}
