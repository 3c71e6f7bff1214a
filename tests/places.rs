// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files and directories that are not as `init` made them: whatever is wrong with whichever of them, nobody gets in over
//! it, nobody is exempt, the log says where and what to do, and all is well again once it is mended.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::print_stdout,
    reason = "tests; the last flaw that is printed is the one that failed"
)]

mod scene;

use std::cell::Cell;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Output;

use scene::*;
use serde_json::Value;

const DRIVER: &str = "/opt/nightlatch/driver";
const READ_ONLY_REMEDY: &str = "is read-only: see the kernel's log, then mount it read-write";

/// A store, keys and config of their own, so that tests do not meet: ann is enrolled there, bob is not.
struct Site {
    directory: PathBuf,
    ann: Person,
    bob: Person,
    strict: Service,
    /// With pam_permit beside: an exemption is PAM_SUCCESS there without a prompt, and nothing else is.
    nullok: Service,
    codes_used: Cell<usize>,
}

impl Site {
    fn new() -> Self {
        Self::on(|_| {})
    }

    /// The store on a file system of its own.
    fn on_tmpfs(options: &str) -> Self {
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

    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    fn key(&self) -> PathBuf {
        fs::read_dir(self.path("etc/keys")).unwrap().next().unwrap().unwrap().path()
    }

    fn file_of(&self, person: &Person) -> PathBuf {
        self.path(&format!("var/store/users/{}", ok("id", &["-u", &person.name]).trim()))
    }

    /// One of ann's backup codes, which depend on no clock.
    fn code(&self) -> &str {
        let next = self.codes_used.get();
        self.codes_used.set(next + 1);
        &self.ann.backup_codes[next]
    }

    fn nightlatch(&self, arguments: &[&str]) -> Output {
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
    fn refuses(&self, person: &Person, code: &str, answer: &str) {
        for service in [&self.strict, &self.nullok] {
            is_refused(&login(service, person, code), answer);
        }
    }

    /// The code is neither used nor charged, and whoever is not enrolled is so again.
    fn is_well(&self, code: &str) {
        assert_eq!(self.failures(), 0);
        self.gets_in(code);
        assert_eq!(login(&self.strict, &self.bob, code).answer(), "PAM_AUTH_ERR");
        is_exempt(&login(&self.nullok, &self.bob, code));
    }
}

fn utf8(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// Killed where it hangs: then there is no answer.
fn login(service: &Service, person: &Person, reply: &str) -> Driven {
    login_by(&["timeout", "5"], service, person, reply)
}

fn login_by(wrapper: &[&str], service: &Service, person: &Person, reply: &str) -> Driven {
    let driver = [DRIVER, "--no-delay", "--reply", reply, &service.name, &person.name];
    let output = run(wrapper[0], &[&wrapper[1..], &driver].concat());
    Driven { output: format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)) }
}

/// The person sees the one sentence, and nothing of the cause.
fn is_refused(driven: &Driven, answer: &str) {
    assert_eq!(driven.answer(), answer, "{}", driven.output);
    let texts: Vec<_> = driven.output.lines().filter(|l| l.starts_with("info ") || l.starts_with("error ")).collect();
    assert_eq!(texts, [format!("error \"{REFUSAL}\"")], "{}", driven.output);
}

fn is_exempt(driven: &Driven) {
    assert_eq!((driven.answer().as_str(), driven.prompts()), ("PAM_SUCCESS", 0), "{}", driven.output);
}

fn fails(output: &Output, texts: &[&str]) {
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(texts.iter().all(|text| said.contains(text)), "{texts:?}: {said}");
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    File,
    Directory,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Flaw {
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
enum Secrecy {
    Public,
    Secret,
}

/// Somewhere on the way to an answer.
struct Place<'s> {
    path: PathBuf,
    shape: Shape,
    secrecy: Secrecy,
    answer: &'static str,
    /// Whose login comes by there.
    of: Vec<&'s Person>,
    /// Cause and remedy where there is nothing; `None` where that is no fault.
    missing: Option<[String; 2]>,
}

impl Place<'_> {
    fn flaws(&self) -> Vec<Flaw> {
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
    fn says(&self, flaw: Flaw) -> [String; 3] {
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
struct Spoilt {
    path: PathBuf,
    away: PathBuf,
    flaw: Flaw,
    mode: u32,
}

impl Spoilt {
    fn new(site: &Site, path: &Path, shape: Shape, flaw: Flaw) -> Self {
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

/// Every flaw that a place can have: strict and with nullok, in the log, and from the administrator's program.
fn no_flaw_lets_anybody_in(site: &Site, place: &Place<'_>) {
    for flaw in place.flaws() {
        let code = site.code();
        println!("{flaw:?} of {}", place.path.display());
        let journal = Journal::mark();
        let spoilt = Spoilt::new(site, &place.path, place.shape, flaw);
        for person in &place.of {
            site.refuses(person, code, place.answer);
        }
        let [begin, end, remedy] = place.says(flaw);
        for service in [&site.strict, &site.nullok] {
            let lines = journal.lines(&format!("service={} ", service.name));
            assert_eq!(lines.lines().count(), place.of.len(), "{lines}");
            for line in lines.lines() {
                assert!(line.contains(": fault ") && line.contains(&format!("cause=\"{begin}")), "{line}");
                assert!(line.contains(&format!("{end}\" remedy=\"")) && line.contains(&remedy), "{line}");
            }
        }
        for person in &place.of {
            fails(&site.nightlatch(&["status", &person.name]), &[&begin, &format!("{end}; "), &remedy]);
        }
        drop(spoilt);
        site.is_well(code);
    }
}

const MOUNT_IT: &str = "mount what is not mounted, or run 'nightlatch init' on a new host";

fn no_config(site: &Site) -> Option<[String; 2]> {
    let path = site.path("etc/config.toml");
    Some([format!("{}: no config there", path.display()), format!("write {}, or name", path.display())])
}

#[test]
fn no_flaw_of_the_config_lets_anybody_in() {
    let site = Site::new();
    let place = Place {
        path: site.path("etc/config.toml"),
        shape: Shape::File,
        secrecy: Secrecy::Public,
        answer: "PAM_SERVICE_ERR",
        of: vec![&site.ann, &site.bob],
        missing: no_config(&site),
    };
    no_flaw_lets_anybody_in(&site, &place);
}

#[test]
fn no_flaw_of_a_directory_on_the_way_to_the_config_lets_anybody_in() {
    let site = Site::new();
    let place = Place {
        path: site.path("etc"),
        shape: Shape::Directory,
        secrecy: Secrecy::Public,
        answer: "PAM_SERVICE_ERR",
        of: vec![&site.ann, &site.bob],
        missing: no_config(&site),
    };
    no_flaw_lets_anybody_in(&site, &place);
}

/// A place that the config names.
fn place<'s>(site: &'s Site, path: PathBuf, shape: Shape, missing: &str, remedy: &str) -> Place<'s> {
    let missing = Some([format!("{}: no {missing} there", path.display()), remedy.to_owned()]);
    let of = vec![&site.ann, &site.bob];
    Place { path, shape, secrecy: Secrecy::Secret, answer: "PAM_AUTHINFO_UNAVAIL", of, missing }
}

#[test]
fn no_flaw_of_the_key_directory_lets_anybody_in() {
    let site = Site::new();
    no_flaw_lets_anybody_in(&site, &place(&site, site.path("etc/keys"), Shape::Directory, "key directory", MOUNT_IT));
}

#[test]
fn no_flaw_of_the_key_lets_anybody_in() {
    let site = Site::new();
    let remedy = format!("put {} back from a backup", site.key().display());
    no_flaw_lets_anybody_in(&site, &place(&site, site.key(), Shape::File, "master key", &remedy));
}

#[test]
fn no_flaw_of_a_directory_on_the_way_to_the_store_lets_anybody_in() {
    let site = Site::new();
    let var = place(&site, site.path("var"), Shape::Directory, "store", MOUNT_IT);
    no_flaw_lets_anybody_in(&site, &Place { secrecy: Secrecy::Public, ..var });
}

#[test]
fn no_flaw_of_the_store_lets_anybody_in() {
    let site = Site::new();
    no_flaw_lets_anybody_in(&site, &place(&site, site.path("var/store"), Shape::Directory, "store", MOUNT_IT));
}

#[test]
fn no_flaw_of_the_users_directory_lets_anybody_in() {
    let site = Site::new();
    let users = place(&site, site.path("var/store/users"), Shape::Directory, "directory of people's files", MOUNT_IT);
    no_flaw_lets_anybody_in(&site, &users);
}

/// Whoever is enrolled does not come by there.
#[test]
fn no_flaw_of_the_marker_exempts_anybody() {
    let site = Site::new();
    let marker = place(&site, site.path("var/store/store"), Shape::File, "store marker", MOUNT_IT);
    no_flaw_lets_anybody_in(&site, &Place { of: vec![&site.bob], ..marker });
}

#[test]
fn no_flaw_of_a_person_s_file_lets_that_person_in() {
    let site = Site::new();
    let file = place(&site, site.file_of(&site.ann), Shape::File, "", "");
    no_flaw_lets_anybody_in(&site, &Place { of: vec![&site.ann], missing: None, ..file });
}

#[test]
fn whoever_has_no_file_in_a_sound_store_is_not_enrolled_and_exempt_with_nullok_alone() {
    let (site, journal) = (Site::new(), Journal::mark());
    let away = Spoilt::new(&site, &site.file_of(&site.ann), Shape::File, Flaw::Missing);
    is_refused(&login(&site.strict, &site.ann, site.code()), "PAM_AUTH_ERR");
    is_exempt(&login(&site.nullok, &site.ann, site.code()));
    let lines = journal.lines(&format!("user={} ", site.ann.name));
    assert!(lines.contains("cause=\"not enrolled\"") && lines.contains("by=nullok"), "{lines}");
    drop(away);
    site.is_well(site.code());
}

#[test]
fn an_unmounted_store_exempts_nobody() {
    let (site, other) = (Site::new(), Site::new());
    let (store, users) = (site.path("var/store"), site.path("var/store/users"));
    let code = site.code();
    fs::rename(&store, site.path("away")).unwrap();
    let private = |path: &Path| {
        fs::create_dir(path).unwrap();
        fs::set_permissions(path, Permissions::from_mode(0o700)).unwrap();
    };
    private(&store);
    let exempts_nobody = || [&site.ann, &site.bob].map(|person| site.refuses(person, code, "PAM_AUTHINFO_UNAVAIL"));
    exempts_nobody();
    private(&users);
    exempts_nobody();
    // Nor does the marker of another host's store.
    ok("cp", &["--archive", utf8(&other.path("var/store/store")), utf8(&store)]);
    exempts_nobody();
    fs::remove_dir_all(&store).unwrap();
    fs::rename(site.path("away"), &store).unwrap();
    site.is_well(code);
}

#[test]
fn a_caller_who_is_not_root_lets_nobody_in() {
    let (site, journal) = (Site::new(), Journal::mark());
    let (code, config) = (site.code(), site.path("etc/config.toml"));
    let as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"];
    let refused = || {
        for (service, person) in
            [(&site.strict, &site.ann), (&site.strict, &site.bob), (&site.nullok, &site.ann), (&site.nullok, &site.bob)]
        {
            is_refused(&login_by(&as_nobody, service, person, code), "PAM_CRED_INSUFFICIENT");
        }
    };
    refused();
    let lines = journal.lines(&site.strict.name);
    let cause = format!("cause=\"{}: permission denied\" remedy=\"run as root", site.path("var/store/users").display());
    assert!(lines.contains(&cause), "{lines}");
    fs::set_permissions(&config, Permissions::from_mode(0o600)).unwrap();
    refused();
    site.is_well(code);
}

#[test]
fn on_a_read_only_file_system_nothing_is_judged_until_it_can_be_written() {
    let (site, journal) = (Site::on_tmpfs("size=1m"), Journal::mark());
    let (code, var) = (site.code(), site.path("var"));
    ok("mount", &["-o", "remount,ro", utf8(&var)]);
    for reply in [code, &site.ann.wrong_code()] {
        site.refuses(&site.ann, reply, "PAM_SYSTEM_ERR");
    }
    let (path, lines) = (site.file_of(&site.ann), journal.lines(&format!("user={} ", site.ann.name)));
    assert_eq!(lines.matches(&format!("cause=\"{}: ", path.display())).count(), 4, "{lines}");
    assert_eq!(lines.matches(READ_ONLY_REMEDY).count(), 4, "{lines}");
    for arguments in [["unlock", &site.ann.name], ["backup-codes", &site.ann.name]] {
        fails(&site.nightlatch(&arguments), &[utf8(&var), READ_ONLY_REMEDY]);
    }
    fails(&site.nightlatch(&["enroll", "--no-confirm", &site.bob.name]), &[utf8(&var), READ_ONLY_REMEDY]);
    ok("mount", &["-o", "remount,rw", utf8(&var)]);
    site.is_well(code);
}

#[test]
fn init_makes_no_key_for_records_whose_key_or_marker_is_gone() {
    let site = Site::new();
    let store = site.path("var/store");
    for gone in [site.key(), site.path("var/store/store"), site.path("etc/keys")] {
        let away = Spoilt::new(&site, &gone, Shape::File, Flaw::Missing);
        fails(&site.nightlatch(&["init"]), &[utf8(&store), "put the key", "back from a backup"]);
        let made = fs::read_dir(site.path("etc/keys")).map_or(0, Iterator::count);
        assert_eq!(made, usize::from(gone.ends_with("store")), "{}", gone.display());
        drop(away);
        site.is_well(site.code());
    }
}

#[test]
fn init_makes_no_second_store_where_the_first_is_not_mounted() {
    let site = Site::new();
    let store = site.path("var/store");
    let away = Spoilt::new(&site, &store, Shape::Directory, Flaw::Missing);
    fails(&site.nightlatch(&["init"]), &[utf8(&store), "mount what is not mounted", "move the key out of"]);
    assert!(!store.exists());
    drop(away);
    site.is_well(site.code());
}

#[test]
fn init_says_what_is_wrong_with_what_is_there_and_makes_nothing() {
    let site = Site::new();
    for (path, shape, flaw, what) in [
        (site.path("etc/config.toml"), Shape::File, Flaw::GroupWrites, "lets group or others write"),
        (site.path("etc/keys"), Shape::Directory, Flaw::Symlink, "a symbolic link"),
        (site.key(), Shape::File, Flaw::OthersRead, "gives group or others access"),
        (site.path("var/store"), Shape::Directory, Flaw::Owner, "owned by uid 1"),
        (site.path("var/store/users"), Shape::Directory, Flaw::WrongShape, "not a directory"),
        (site.path("var/store/store"), Shape::File, Flaw::Fifo, "not a regular file"),
    ] {
        let spoilt = Spoilt::new(&site, &path, shape, flaw);
        let before = ok("find", &[utf8(&site.directory)]);
        fails(&site.nightlatch(&["init"]), &[&format!("{}: ", path.display()), what]);
        assert_eq!(ok("find", &[utf8(&site.directory)]), before);
        drop(spoilt);
        site.is_well(site.code());
    }
}
