// SPDX-License-Identifier: MIT OR Apache-2.0
//! Both ways to a directory, in one step and by steps: neither takes what is not root's alone.

use std::fs;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _, chown, symlink};

use tempfile::TempDir;

use super::*;

/// `above/middle/last`, all of them root's alone.
struct Way(TempDir);

impl Way {
    fn new() -> Self {
        let root = TempDir::new().unwrap();
        fs::DirBuilder::new().recursive(true).mode(0o700).create(root.path().join("above/middle/last")).unwrap();
        Self(root)
    }

    fn at(&self, below: &str) -> PathBuf {
        self.0.path().join(below)
    }

    fn last(&self) -> PathBuf {
        self.at("above/middle/last")
    }
}

fn both_ways(path: &Path, privacy: Privacy) -> (Option<TrustedDirectory>, Result<TrustedDirectory, Fault>) {
    (TrustedDirectory::at_once(path, privacy), TrustedDirectory::by_steps(path, privacy, Part::Store))
}

fn is_refused_both_ways(path: &Path, privacy: Privacy) -> bool {
    let (at_once, by_steps) = both_ways(path, privacy);
    at_once.is_none() && by_steps.is_err()
}

fn lead_both_ways_to(path: &Path, privacy: Privacy, there: &Path) {
    let (at_once, by_steps) = both_ways(path, privacy);
    let wanted = fs::metadata(there).unwrap();
    for directory in [at_once.unwrap(), by_steps.unwrap()] {
        let found = rustix::fs::fstat(&directory).unwrap();
        assert_eq!((found.st_dev, found.st_ino), (wanted.dev(), wanted.ino()));
    }
}

#[test]
fn both_ways_lead_to_the_same_directory() {
    let way = Way::new();
    lead_both_ways_to(&way.last(), Privacy::Private, &way.last());
    lead_both_ways_to(Path::new("/"), Privacy::Public, Path::new("/"));
    // Nobody can rename or remove in it what is root's.
    fs::set_permissions(way.at("above"), fs::Permissions::from_mode(0o1777)).unwrap();
    lead_both_ways_to(&way.last(), Privacy::Private, &way.last());
    // Another spelling of the same path.
    lead_both_ways_to(&way.at("above/./middle//last/"), Privacy::Private, &way.last());
}

#[test]
fn a_directory_that_others_can_change_is_refused_both_ways() {
    for (changed, mode) in [("above/middle/last", 0o720), ("above/middle", 0o702), ("above", 0o770)] {
        let way = Way::new();
        fs::set_permissions(way.at(changed), fs::Permissions::from_mode(mode)).unwrap();
        assert!(is_refused_both_ways(&way.last(), Privacy::Public), "{changed} {mode:o}");
    }
    for changed in ["above/middle/last", "above/middle", "above"] {
        let way = Way::new();
        chown(way.at(changed), Some(65_534), None).unwrap();
        assert!(is_refused_both_ways(&way.last(), Privacy::Public), "{changed}");
    }
}

#[test]
fn what_others_may_read_is_refused_both_ways_where_it_is_private() {
    let way = Way::new();
    fs::set_permissions(way.last(), fs::Permissions::from_mode(0o755)).unwrap();
    lead_both_ways_to(&way.last(), Privacy::Public, &way.last());
    assert!(is_refused_both_ways(&way.last(), Privacy::Private));
}

#[test]
fn a_link_is_followed_neither_way() {
    for linked in ["above/middle/last", "above/middle", "above"] {
        let way = Way::new();
        fs::rename(way.at(linked), way.at("elsewhere")).unwrap();
        symlink(way.at("elsewhere"), way.at(linked)).unwrap();
        assert!(is_refused_both_ways(&way.last(), Privacy::Private), "{linked}");
    }
}

#[test]
fn what_is_no_directory_or_no_plain_way_is_refused_both_ways() {
    let way = Way::new();
    fs::write(way.at("above/file"), "").unwrap();
    for path in ["above/file", "above/middle/nothing", "above/../above/middle/last"] {
        assert!(is_refused_both_ways(&way.at(path), Privacy::Private), "{path}");
    }
    for path in ["", ".", "above/middle/last"] {
        assert!(is_refused_both_ways(Path::new(path), Privacy::Public), "{path}");
    }
}
