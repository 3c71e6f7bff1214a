// SPDX-License-Identifier: MIT OR Apache-2.0
//! Purges: /etc/pam.d as it was, and what people have enrolled kept unless somebody says otherwise.

use std::fs;

use crate::host::{self, Host, PACKAGES, SSH};
use crate::scene::*;

const QUESTION: &str = "Remove what people have enrolled, and the keys? [yes/no] ";
const PLACES: [&str; 2] = ["/etc/nightlatch/keys", "/var/lib/nightlatch"];

fn are_there() -> [bool; 2] {
    PLACES.map(host::is_there)
}

#[test]
fn a_purge_leaves_pam_as_it_was_and_keeps_what_people_enrolled_where_nobody_is_asked() {
    let _host = Host::bare();
    let before = host::pam_configuration();
    let mut ann = None;
    for profile in ["nightlatch", "nightlatch-enroll"] {
        host::install(PACKAGES);
        host::enable(profile);
        // The second installation finds what the first one's purge kept.
        let ann = ann.get_or_insert_with(|| Person::enrolled("ann"));
        let code = ann.backup_codes.pop().unwrap();
        SSH.gets_in(ann, &code);
        let told = host::purge();
        assert_eq!(host::pam_configuration(), before);
        let kept = "kept: /var/lib/nightlatch (what people have enrolled) and /etc/nightlatch/keys (the keys";
        assert!(told.contains(kept), "{told}");
        assert_eq!(are_there(), [true; 2]);
        assert!(!host::is_there("/etc/nightlatch/config.toml"));
        let packaged = ok("sh", &["-c", "find /usr /var/lib/dpkg/info -name '*nightlatch*' -not -path '/usr/local/*'"]);
        assert_eq!(packaged, "");
    }
}

#[test]
fn a_purge_without_a_frontend_that_asks_keeps_what_people_enrolled() {
    let _host = Host::installed();
    ok("sh", &["-c", "echo nightlatch nightlatch/remove-records boolean true | debconf-set-selections"]);
    let screen = Terminal::open(&format!("env DEBIAN_FRONTEND=noninteractive {}", host::both("purge"))).rest();
    assert!(screen.contains("kept: /var/lib/nightlatch") && are_there() == [true; 2], "{screen}");
}

#[test]
fn a_purge_on_a_terminal_asks_and_does_as_it_is_told() {
    let _host = Host::installed();
    for (answer, is_kept) in [("no", true), ("yes", false)] {
        host::install(PACKAGES);
        let screen = host::on_a_terminal(&host::both("purge")).sees(QUESTION).types(answer).rest();
        assert_eq!(screen.contains("kept: /var/lib/nightlatch"), is_kept, "{screen}");
        assert_eq!(are_there(), [is_kept; 2], "{answer}");
    }
    assert!(!host::is_there("/etc/nightlatch"));
}

/// It alone knows them.
#[test]
fn a_purge_keeps_a_config_that_names_other_places() {
    let _host = Host::installed();
    fs::write("/etc/nightlatch/config.toml", "store = \"/srv/nightlatch\"\n").unwrap();
    let told = host::purge();
    assert!(told.contains("kept: /etc/nightlatch/config.toml, and the places that it names"), "{told}");
    assert!(host::is_there("/etc/nightlatch/config.toml") && are_there() == [true; 2]);
}
