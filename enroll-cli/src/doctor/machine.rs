// SPDX-License-Identifier: MIT OR Apache-2.0
//! The machine that is looked at, as values: where its root is, its config, and whoever runs its programs. Tests put a
//! directory and prepared answers in its place; the shipped program knows this host alone.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::site::Site;

/// What a program said.
#[derive(Debug, Clone, Default)]
pub(crate) struct Said {
    /// Its exit status; a signal is none of the usual ones.
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

/// Whoever runs programs.
pub(crate) trait Programs {
    /// Runs one to its end, with nothing on stdin.
    fn run(&self, program: &str, arguments: &[&str]) -> io::Result<Said>;
}

/// Those of this host.
pub(crate) struct ThisHost;

impl Programs for ThisHost {
    fn run(&self, program: &str, arguments: &[&str]) -> io::Result<Said> {
        // A name service or a bus that hangs must not hang us: coreutils' timeout ends it.
        let output = Command::new("timeout")
            .args(["20", program])
            .args(arguments)
            .env_clear()
            .env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
            .env("LC_ALL", "C")
            .stdin(Stdio::null())
            .output()?;
        let status = output.status.code().unwrap_or(-1);
        // What timeout says of a program that is not there, or cannot be run.
        if [126, 127].contains(&status) {
            return Err(io::Error::new(io::ErrorKind::NotFound, format!("{program} is not there")));
        }
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Ok(Said { status, stdout: text(&output.stdout), stderr: text(&output.stderr) })
    }
}

/// A machine.
pub(crate) struct Machine<'m> {
    /// `/`, or a test's directory.
    pub(crate) root: PathBuf,
    pub(crate) programs: &'m dyn Programs,
    /// `None` where the config cannot be read.
    pub(crate) site: Option<&'m Site>,
    /// Where the config was looked for.
    pub(crate) config: PathBuf,
    /// What is wrong with it.
    pub(crate) config_errors: Vec<super::Finding>,
}

impl Machine<'_> {
    /// A path from the machine's own root.
    pub(crate) fn path(&self, absolute: &str) -> PathBuf {
        self.root.join(absolute.trim_start_matches('/'))
    }

    pub(crate) fn has(&self, absolute: &str) -> bool {
        self.path(absolute).exists()
    }

    /// The text of a file, as far as it is one; `None` where it cannot be read.
    pub(crate) fn text(&self, absolute: &str) -> Option<String> {
        fs::read(self.path(absolute)).ok().map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
    }

    /// The names in a directory, sorted; none where it is not there.
    pub(crate) fn names_in(&self, absolute: &str) -> Vec<String> {
        let entries = fs::read_dir(self.path(absolute)).into_iter().flatten().flatten();
        let mut names: Vec<_> = entries.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort_unstable();
        names
    }

    /// How the path is called on the machine itself.
    pub(crate) fn shown(&self, path: &Path) -> String {
        let below = path.strip_prefix(&self.root).ok();
        below.map_or_else(|| path.display().to_string(), |below| format!("/{}", below.display()))
    }
}
