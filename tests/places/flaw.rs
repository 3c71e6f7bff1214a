// SPDX-License-Identifier: MIT OR Apache-2.0
//! What can be wrong with a file or directory, how that is brought about and taken back, and what has to be said of it.
#![allow(clippy::unwrap_used, reason = "tests")]

use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use crate::scene::*;
use crate::site::{Site, utf8};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    File,
    Directory,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flaw {
    Owner,
    GroupWrites,
    OthersWrite,
    GroupReads,
    OthersRead,
    Symlink,
    HardLink,
    Fifo,
    Socket,
    /// The container may not make one; /dev/null is mounted there.
    Device,
    /// A directory where a file should be, or the other way round.
    WrongShape,
    Missing,
}

/// What others may know of a place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Secrecy {
    Public,
    Secret,
}

/// Somewhere on the way to an answer.
pub(crate) struct Place<'s> {
    pub(crate) path: PathBuf,
    pub(crate) shape: Shape,
    pub(crate) secrecy: Secrecy,
    pub(crate) answer: &'static str,
    /// Whose login comes by there.
    pub(crate) of: Vec<&'s Person>,
    /// Cause and remedy where there is nothing; `None` where that is no fault.
    pub(crate) missing: Option<[String; 2]>,
}

impl Place<'_> {
    pub(crate) fn flaws(&self) -> Vec<Flaw> {
        let mut flaws = vec![Flaw::Owner, Flaw::GroupWrites, Flaw::OthersWrite];
        if self.secrecy == Secrecy::Secret {
            flaws.extend([Flaw::GroupReads, Flaw::OthersRead]);
        }
        if self.shape == Shape::File {
            flaws.push(Flaw::HardLink);
        }
        flaws.extend([Flaw::Symlink, Flaw::Fifo, Flaw::Socket, Flaw::Device, Flaw::WrongShape]);
        flaws.extend(self.missing.as_ref().map(|_| Flaw::Missing));
        flaws
    }

    /// With what the cause begins, with what it ends, and the remedy.
    pub(crate) fn says(&self, flaw: Flaw) -> [String; 3] {
        let path = self.path.display();
        let (cause, remedy) = match flaw {
            Flaw::Owner => ("owned by uid 1, not by root", format!("chown root:root {path}'")),
            Flaw::GroupWrites | Flaw::OthersWrite => ("lets group or others write", format!("chmod go-w {path}'")),
            Flaw::GroupReads | Flaw::OthersRead => ("gives group or others access", format!("chmod go= {path}'")),
            Flaw::Symlink => ("a symbolic link", format!("put the real file or directory at {path}, or name its")),
            Flaw::HardLink => ("has 2 hard links", format!("remove the other names of {path}")),
            Flaw::Fifo | Flaw::Socket | Flaw::Device | Flaw::WrongShape => (
                if self.shape == Shape::File { "not a regular file" } else { "not a directory" },
                format!("remove {path} and put the real one back"),
            ),
            Flaw::Missing => {
                let [cause, remedy] = self.missing.clone().unwrap();
                return [cause.clone(), cause, remedy];
            }
        };
        [format!("{path}: "), cause.to_owned(), remedy]
    }
}

/// A place with a flaw, until it is dropped.
pub(crate) struct Spoilt {
    path: PathBuf,
    away: PathBuf,
    flaw: Flaw,
    mode: u32,
}

impl Spoilt {
    pub(crate) fn new(site: &Site, path: &Path, shape: Shape, flaw: Flaw) -> Self {
        let mode = fs::metadata(path).unwrap().mode() & 0o7777;
        let spoilt = Self { path: path.to_owned(), away: site.path("away"), flaw, mode };
        match flaw {
            Flaw::Owner => chown(path, Some(1), None).unwrap(),
            Flaw::GroupWrites => spoilt.set_mode(mode | 0o020),
            Flaw::OthersWrite => spoilt.set_mode(mode | 0o002),
            Flaw::GroupReads => spoilt.set_mode(mode | 0o040),
            Flaw::OthersRead => spoilt.set_mode(mode | 0o004),
            Flaw::HardLink => fs::hard_link(path, &spoilt.away).unwrap(),
            Flaw::Symlink | Flaw::Fifo | Flaw::Socket | Flaw::Device | Flaw::WrongShape | Flaw::Missing => {
                fs::rename(path, &spoilt.away).unwrap();
                spoilt.put_another(shape);
            }
        }
        spoilt
    }

    fn set_mode(&self, mode: u32) {
        fs::set_permissions(&self.path, Permissions::from_mode(mode)).unwrap();
    }

    fn put_another(&self, shape: Shape) {
        match (self.flaw, shape) {
            (Flaw::Symlink, _) => symlink(&self.away, &self.path).unwrap(),
            (Flaw::Fifo, _) => drop(ok("mkfifo", &["--mode=600", utf8(&self.path)])),
            (Flaw::Socket, _) => drop(UnixListener::bind(&self.path).unwrap()),
            (Flaw::Device, _) => {
                fs::write(&self.path, "").unwrap();
                ok("mount", &["--bind", "/dev/null", utf8(&self.path)]);
            }
            (Flaw::WrongShape, Shape::File) => fs::create_dir(&self.path).unwrap(),
            (Flaw::WrongShape, Shape::Directory) => fs::write(&self.path, "").unwrap(),
            _ => {}
        }
    }
}

impl Drop for Spoilt {
    fn drop(&mut self) {
        match self.flaw {
            Flaw::Owner => chown(&self.path, Some(0), None).unwrap(),
            Flaw::GroupWrites | Flaw::OthersWrite | Flaw::GroupReads | Flaw::OthersRead => self.set_mode(self.mode),
            Flaw::HardLink => fs::remove_file(&self.away).unwrap(),
            Flaw::Symlink | Flaw::Fifo | Flaw::Socket | Flaw::Device | Flaw::WrongShape | Flaw::Missing => {
                if self.flaw == Flaw::Device {
                    ok("umount", &[utf8(&self.path)]);
                }
                if self.flaw != Flaw::Missing {
                    ok("rm", &["--recursive", utf8(&self.path)]);
                }
                fs::rename(&self.away, &self.path).unwrap();
            }
        }
    }
}
