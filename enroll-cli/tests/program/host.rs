// SPDX-License-Identifier: MIT OR Apache-2.0
//! A host of a test's own: config, store and keys in a fresh directory. Its accounts are the system's; each test has
//! another store, so that tests do not meet.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

pub(crate) const BINARY: &str = env!("CARGO_BIN_EXE_nightlatch");

pub(crate) struct Host {
    directory: PathBuf,
}

/// What a run left behind.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ran {
    /// The one object or array on stdout.
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.stdout.lines().count(), 1, "{self:?}");
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }

    pub(crate) fn expect(self, status: i32) -> Self {
        assert_eq!(self.status, status, "{self:?}");
        self
    }
}

impl Host {
    /// A directory with a config and nothing else.
    pub(crate) fn bare(settings: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let directory = PathBuf::from(format!("/tmp/nightlatch-cli-{}-{number}", std::process::id()));
        fs::DirBuilder::new().mode(0o700).create(&directory).expect("the tests need root and a /tmp of their own");
        let host = Self { directory };
        let (store, keys) = (host.path("store"), host.path("keys"));
        let config = format!("store = {store:?}\nkeys = {keys:?}\n{settings}\n");
        fs::write(host.config(), config).unwrap();
        fs::set_permissions(host.config(), fs::Permissions::from_mode(0o644)).unwrap();
        host
    }

    /// One on which `init` was run.
    pub(crate) fn new() -> Self {
        Self::with("")
    }

    pub(crate) fn with(settings: &str) -> Self {
        let host = Self::bare(settings);
        host.run(&["init"]).expect(0);
        host
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.path("config.toml")
    }

    /// The file of somebody's record.
    pub(crate) fn record(&self, uid: u32) -> PathBuf {
        self.path("store/users").join(uid.to_string())
    }

    /// Runs the program as a job without a terminal does: stdin is /dev/null.
    pub(crate) fn run(&self, arguments: &[&str]) -> Ran {
        ran(self.command(arguments).stdin(Stdio::null()).output().expect("the binary runs"))
    }

    /// Runs the program with that on stdin, and then its end.
    pub(crate) fn run_with(&self, arguments: &[&str], stdin: &str) -> Ran {
        run(&mut self.command(arguments), stdin)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command.arg("--config").arg(self.config()).args(arguments);
        command
    }

    /// Enrolls without a code; what `enroll --json` printed.
    pub(crate) fn enrolled(&self, user: &str) -> Value {
        self.run(&["enroll", user, "--no-confirm", "--json"]).expect(0).json()
    }

    pub(crate) fn status(&self, user: &str) -> Value {
        self.run(&["status", user, "--json"]).expect(0).json()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _: std::io::Result<()> = fs::remove_dir_all(&self.directory);
    }
}

pub(crate) fn run(command: &mut Command, stdin: &str) -> Ran {
    let mut child =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("the binary runs");
    // A program that ends before it has read everything is right to do so.
    let _: std::io::Result<()> = child.stdin.take().unwrap().write_all(stdin.as_bytes());
    ran(child.wait_with_output().unwrap())
}

pub(crate) fn ran(output: Output) -> Ran {
    Ran {
        status: output.status.code().expect("ended by itself"),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

pub(crate) fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}
