// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the module is before anybody calls it: its size, what it exports, what it needs of others.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]

use std::fs;

use crate::installed_module;
use crate::scene::*;

#[test]
fn the_module_stays_small() {
    let bytes = fs::metadata(installed_module()).unwrap().len();
    assert!(bytes < 1_110_000, "{bytes}");
}

#[test]
fn the_module_brings_no_library_into_the_process_but_those_of_pam_and_c() {
    let dynamic = ok("readelf", &["--dynamic", "--wide", &installed_module()]);
    let needed = dynamic.lines().filter(|line| line.contains("(NEEDED)"));
    let mut needed: Vec<_> = needed.map(|line| line.split(['[', ']']).nth(1).unwrap()).collect();
    needed.sort_unstable();
    assert!(needed[0].starts_with("ld-linux-"), "{needed:?}");
    assert_eq!(needed[1..], ["libc.so.6", "libpam.so.0"]);
    assert!(!dynamic.contains("(RPATH)") && !dynamic.contains("(RUNPATH)") && !dynamic.contains("(TEXTREL)"));
}

#[test]
fn the_module_exports_the_six_hooks_and_nothing_else() {
    let exported = ok("nm", &["--dynamic", "--defined-only", "--format=just-symbols", &installed_module()]);
    let mut exported: Vec<_> = exported.lines().collect();
    exported.sort_unstable();
    assert_eq!(
        exported,
        [
            "pam_sm_acct_mgmt",
            "pam_sm_authenticate",
            "pam_sm_chauthtok",
            "pam_sm_close_session",
            "pam_sm_open_session",
            "pam_sm_setcred"
        ]
    );
}

/// Whatever a crate below us may one day want to do.
#[test]
fn the_module_asks_libc_for_no_socket_no_thread_and_no_process() {
    let wanted = ok("nm", &["--dynamic", "--undefined-only", "--format=just-symbols", &installed_module()]);
    let wanted: Vec<_> = wanted.lines().map(|name| name.split('@').next().unwrap()).collect();
    assert!(wanted.contains(&"pam_get_user"), "{wanted:?}");
    for name in [
        "socket",
        "connect",
        "bind",
        "sendto",
        "getaddrinfo",
        "pthread_create",
        "fork",
        "vfork",
        "clone",
        "posix_spawn",
        "execve",
        "execvp",
        "system",
        "popen",
        "dlopen",
        "setuid",
        "seteuid",
        "umask",
        "chdir",
        "setenv",
        "putenv",
        // Their answers lie where the application keeps its own (THREATS H-15).
        "getpwnam",
        "getpwuid",
        "signal",
        "sigaction",
        "prctl",
        "printf",
        "puts",
        "atexit",
    ] {
        assert!(!wanted.contains(&name), "{name}");
    }
}
