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

#[path = "places/flaw.rs"]
mod flaw;
mod scene;
#[path = "places/site.rs"]
mod site;

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use flaw::{Flaw, Place, Secrecy, Shape, Spoilt};
use scene::*;
use site::{Site, fails, is_exempt, is_refused, login, login_by, utf8};

const READ_ONLY_REMEDY: &str = "is read-only: see the kernel's log, then mount it read-write";

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

const MOUNT_IT: &str = "mount what is not mounted, or put ";

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
    let remedy = format!("put {} back ('nightlatch key restore'", site.key().display());
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
