// SPDX-License-Identifier: MIT OR Apache-2.0
//! A host's worth of files, for one test: a store, keys and config of their own, two people, and how a login to it ends.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::arithmetic_side_effects, reason = "tests")]

use std::cell::Cell;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use serde_json::Value;

use crate::scene::*;

const DRIVER: &str = "/opt/nightlatch/driver";

/// A store, keys and config of their own, so that tests do not meet: ann is enrolled there, bob is not.
pub(crate) struct Site {
    pub(crate) directory: PathBuf,
    pub(crate) ann: Person,
    pub(crate) bob: Person,
    pub(crate) strict: Service,
    /// With pam_permit beside: an exemption is PAM_SUCCESS there without a prompt, and nothing else is.
    pub(crate) nullok: Service,
    codes_used: Cell<usize>,
}

impl Site {
    pub(crate) fn new() -> Self {
        Self::on(|_| {})
    }

    /// The store on a file system of its own.
    pub(crate) fn on_tmpfs(options: &str) -> Self {
        Self::on(|var| drop(ok("mount", &["-t", "tmpfs", "-o", &format!("mode=755,{options}"), "tmpfs", utf8(var)])))
    }

    fn on(mount: impl FnOnce(&Path)) -> Self {
        in_the_bed();
        let directory = PathBuf::from(format!("/srv/{}", unique("nightlatch-")));
        for name in ["etc", "var"] {
            fs::create_dir_all(directory.join(name)).unwrap();
        }
        mount(&directory.join("var"));
        let config = directory.join("etc/config.toml");
        let (store, keys) = (directory.join("var/store"), directory.join("etc/keys"));
        fs::write(&config, format!("store = {store:?}\nkeys = {keys:?}\n[enroll]\nbackup_codes = 20\n")).unwrap();
        let config = utf8(&config);
        ok("nightlatch", &["--config", config, "init", "--quiet"]);
        let line = |arguments: &str| format!("auth required pam_nightlatch.so config={config} {arguments}\n");
        Self {
            ann: Person::enrolled_with("ann", &["--config", config]),
            bob: Person::stranger("bob"),
            strict: Service::new(&line("")),
            nullok: Service::new(&format!("{}auth required pam_permit.so\n", line("nullok"))),
            codes_used: Cell::new(0),
            directory,
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    pub(crate) fn key(&self) -> PathBuf {
        fs::read_dir(self.path("etc/keys")).unwrap().next().unwrap().unwrap().path()
    }

    pub(crate) fn file_of(&self, person: &Person) -> PathBuf {
        self.path(&format!("var/store/users/{}", ok("id", &["-u", &person.name]).trim()))
    }

    /// One of ann's backup codes, which depend on no clock.
    pub(crate) fn code(&self) -> &str {
        let next = self.codes_used.get();
        self.codes_used.set(next + 1);
        &self.ann.backup_codes[next]
    }

    pub(crate) fn nightlatch(&self, arguments: &[&str]) -> Output {
        let config = self.path("etc/config.toml");
        run("nightlatch", &[&["--config", utf8(&config)], arguments].concat())
    }

    fn failures(&self) -> Value {
        let status = self.nightlatch(&["status", &self.ann.name, "--json"]);
        serde_json::from_slice::<Value>(&status.stdout).unwrap()["failures"].clone()
    }

    fn gets_in(&self, code: &str) {
        let driven = login(&self.strict, &self.ann, code);
        assert_eq!(driven.answer(), "PAM_SUCCESS", "{}", driven.output);
    }

    /// Strict and with nullok.
    pub(crate) fn refuses(&self, person: &Person, code: &str, answer: &str) {
        for service in [&self.strict, &self.nullok] {
            is_refused(&login(service, person, code), answer);
        }
    }

    /// The code is neither used nor charged, and whoever is not enrolled is so again.
    pub(crate) fn is_well(&self, code: &str) {
        assert_eq!(self.failures(), 0);
        self.gets_in(code);
        assert_eq!(login(&self.strict, &self.bob, code).answer(), "PAM_AUTH_ERR");
        is_exempt(&login(&self.nullok, &self.bob, code));
    }
}

pub(crate) fn utf8(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Killed where it hangs: then there is no answer.
pub(crate) fn login(service: &Service, person: &Person, reply: &str) -> Driven {
    login_by(&["timeout", "5"], service, person, reply)
}

pub(crate) fn login_by(wrapper: &[&str], service: &Service, person: &Person, reply: &str) -> Driven {
    let driver = [DRIVER, "--no-delay", "--reply", reply, &service.name, &person.name];
    let output = run(wrapper[0], &[&wrapper[1..], &driver].concat());
    Driven { output: format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)) }
}

/// The person sees the one sentence, and nothing of the cause.
pub(crate) fn is_refused(driven: &Driven, answer: &str) {
    assert_eq!(driven.answer(), answer, "{}", driven.output);
    let texts: Vec<_> = driven.output.lines().filter(|l| l.starts_with("info ") || l.starts_with("error ")).collect();
    assert_eq!(texts, [format!("error \"{REFUSAL}\"")], "{}", driven.output);
}

pub(crate) fn is_exempt(driven: &Driven) {
    assert_eq!((driven.answer().as_str(), driven.prompts()), ("PAM_SUCCESS", 0), "{}", driven.output);
}

pub(crate) fn fails(output: &Output, texts: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(texts.iter().all(|text| said.contains(text)), "{texts:?}: {said}");
}
