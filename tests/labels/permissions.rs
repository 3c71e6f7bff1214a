// SPDX-License-Identifier: MIT OR Apache-2.0
//! What SELinux is asked for: by the lines of a trace, and in the rules of the policy module. Which call asks for what is the
//! kernel's choice (security/selinux/hooks.c); it is written down here once more, for the calls that a login makes.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Component, Path, PathBuf};

const MODULE: &str = "/opt/nightlatch/packaging/selinux/nightlatch.cil";

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Permission {
    target: String,
    class: &'static str,
    name: String,
}

impl Permission {
    pub(crate) fn is_for_our_files(&self) -> bool {
        self.target.starts_with("nightlatch_")
    }
}

/// The rules of attributes, read from the module's text: each stands on a line of its own.
pub(crate) fn allowed_to(attributes: &[&str]) -> BTreeSet<Permission> {
    let text = fs::read_to_string(MODULE).unwrap();
    let mut allowed = BTreeSet::new();
    for line in text.lines() {
        let words: Vec<&str> = line.split([' ', '(', ')']).filter(|word| !word.is_empty()).collect();
        let ["allow", attribute, target, class, names @ ..] = &words[..] else { continue };
        if attributes.contains(attribute) {
            let class = if *class == "dir" { "dir" } else { "file" };
            allowed.extend(names.iter().map(|name| Permission {
                target: (*target).to_owned(),
                class,
                name: (*name).to_owned(),
            }));
        }
    }
    assert!(!allowed.is_empty(), "{MODULE} has no rule for {attributes:?}");
    allowed
}

/// What our module's calls in a trace of `strace -y` ask for. Those of libc and libpam are left out.
pub(crate) fn asked_for_in(trace: &str) -> BTreeSet<Permission> {
    let mut asked = Asked(BTreeSet::new());
    for call in trace.lines().filter_map(Call::parse).filter(Call::is_ours) {
        asked.add(&call);
    }
    assert!(!asked.0.is_empty(), "{trace}");
    asked.0
}

/// The type that the module gives a path, or the one that every policy gives it.
fn type_of(path: &Path) -> Option<&'static str> {
    let ours = [
        ("/etc/nightlatch/keys", "nightlatch_key_t"),
        ("/etc/nightlatch", "nightlatch_etc_t"),
        ("/var/lib/nightlatch", "nightlatch_var_lib_t"),
        ("/etc", "etc_t"),
        ("/var/lib", "var_lib_t"),
        ("/var", "var_t"),
        ("/proc/sys/kernel", "sysctl_kernel_t"),
        ("/proc/sys", "sysctl_t"),
        ("/proc", "proc_t"),
    ];
    if path == Path::new("/") {
        return Some("root_t");
    }
    ours.iter().find(|(prefix, _)| path.starts_with(prefix)).map(|(_, label)| *label)
}

struct Call<'t> {
    name: &'t str,
    /// Of the descriptor that is the first argument, AT_FDCWD too.
    descriptor: Option<PathBuf>,
    paths: Vec<&'t str>,
    line: &'t str,
    succeeded: bool,
}

impl<'t> Call<'t> {
    fn parse(line: &'t str) -> Option<Self> {
        let (name, rest) = line.split_once('(')?;
        let (arguments, result) = rest.rsplit_once(" = ")?;
        let first = arguments.split(',').next()?;
        let descriptor = first.split_once('<').and_then(|(_, path)| path.split('>').next()).map(PathBuf::from);
        let paths = arguments.split('"').skip(1).step_by(2).collect();
        Some(Self { name, descriptor, paths, line, succeeded: !result.starts_with('-') })
    }

    /// libc and libpam have no openat2, no statx and no O_NOFOLLOW; what lies in our directories is ours whoever opens it.
    fn is_ours(&self) -> bool {
        let is_ours = |path: &Path| {
            type_of(path).is_some_and(|label| label.starts_with("nightlatch_")) || path.ends_with("random/boot_id")
        };
        ["openat2", "statx"].contains(&self.name)
            || self.line.contains("O_NOFOLLOW")
            || self.descriptor.as_deref().is_some_and(is_ours)
            || self.paths.iter().any(|path| is_ours(Path::new(path)))
    }

    fn has(&self, word: &str) -> bool {
        self.line.contains(word)
    }
}

struct Asked(BTreeSet<Permission>);

impl Asked {
    fn ask(&mut self, path: &Path, class: &'static str, names: &[&str]) {
        if let Some(target) = type_of(path) {
            let target = target.to_owned();
            self.0.extend(names.iter().map(|name| Permission {
                target: target.clone(),
                class,
                name: (*name).to_owned(),
            }));
        }
    }

    /// On a file or a directory, whichever it is.
    fn ask_of(&mut self, path: &Path, names: &[&str]) {
        let class = if path.is_dir() { "dir" } else { "file" };
        self.ask(path, class, names);
    }

    /// Follows a path and gives where it leads to; each directory on the way is searched.
    fn follow(&mut self, from: Option<&Path>, path: &str) -> PathBuf {
        let mut at = if path.starts_with('/') { PathBuf::from("/") } else { from.unwrap().to_owned() };
        for component in Path::new(path).components() {
            match component {
                Component::RootDir | Component::CurDir | Component::Prefix(_) => {}
                Component::ParentDir => {
                    self.ask(&at, "dir", &["search"]);
                    at.pop();
                }
                Component::Normal(name) => {
                    self.ask(&at, "dir", &["search"]);
                    at.push(name);
                }
            }
        }
        at
    }

    fn add(&mut self, call: &Call<'_>) {
        let from = call.descriptor.as_deref();
        let target = call.paths.first().filter(|path| !path.is_empty()).map(|path| self.follow(from, path));
        if !call.succeeded {
            return;
        }
        let target = target.or_else(|| from.map(Path::to_owned)).unwrap();
        let directory = target.parent().unwrap_or(&target).to_owned();
        match call.name {
            "openat" | "openat2" | "open" => {
                self.open(call, &target, &directory);
            }
            "statx" | "newfstatat" | "fstat" | "stat" | "lstat" => self.ask_of(&target, &["getattr"]),
            "read" | "pread64" | "readv" | "preadv" | "preadv2" | "getdents64" => self.ask_of(&target, &["read"]),
            "write" | "pwrite64" | "writev" | "pwritev" | "pwritev2" | "fallocate" | "ftruncate" => {
                self.ask_of(&target, &["write"]);
            }
            "flock" => self.ask_of(&target, &["lock"]),
            "fchmod" | "fchmodat" | "chmod" | "utimensat" => self.ask_of(&target, &["setattr"]),
            "unlinkat" | "unlink" => {
                self.ask(&directory, "dir", &["write", "remove_name"]);
                self.ask(&target, "file", &["unlink"]);
            }
            "renameat2" => {
                let new = self.follow(from, call.paths[1]);
                self.ask(&directory, "dir", &["write", "remove_name"]);
                self.ask(new.parent().unwrap(), "dir", &["write", "add_name"]);
                self.ask(&target, "file", &["rename"]);
                if !call.has("RENAME_NOREPLACE") {
                    self.ask(&new, "file", &["unlink"]);
                }
            }
            "close" | "fcntl" | "fsync" | "fdatasync" | "lseek" | "fadvise64" => {}
            other => panic!("nobody has said what {other} asks SELinux for: {}", call.line),
        }
    }

    fn open(&mut self, call: &Call<'_>, target: &Path, directory: &Path) {
        if call.has("O_PATH") {
            return;
        }
        if call.has("O_CREAT") {
            assert!(call.has("O_EXCL"), "{}", call.line);
            self.ask(directory, "dir", &["write", "add_name"]);
            self.ask(target, "file", &["create"]);
        }
        self.ask_of(target, &["open"]);
        if call.has("O_RDONLY") || call.has("O_RDWR") {
            self.ask_of(target, &["read"]);
        }
        if call.has("O_WRONLY") || call.has("O_RDWR") {
            self.ask_of(target, &["write"]);
        }
    }
}
