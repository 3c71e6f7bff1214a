// SPDX-License-Identifier: MIT OR Apache-2.0
//! Root's way in if all else fails: the store damaged, the disk read-only, the clock wrong. One that asks for no code.

use super::kind::Word;
use super::people::is_usable;
use super::stacks::{Service, auth_of};
use super::{Finding, Machine, Report, Subject};

pub(super) fn examine(machine: &Machine<'_>, services: &[Service], report: &mut Report) {
    if services.is_empty() {
        return report.looked(Subject::Escape, "nothing asks for codes, so nothing keeps root out");
    }
    let Some(shadow) = machine.text("/etc/shadow") else {
        return report.skipped(Subject::Escape, "/etc/shadow cannot be read");
    };
    let root_has_password = shadow.lines().any(|line| {
        line.strip_prefix("root:").is_some_and(|rest| is_usable(rest.split(':').next().unwrap_or_default()))
    });
    let is_open = |name: &str| !services.iter().any(|service| service.name == name) && auth_of(machine, name).is_ok();
    let message = if root_has_password {
        // sulogin asks for it without PAM.
        if is_open("login") {
            "root's password, at the console and in rescue mode"
        } else {
            "root's password, in rescue mode"
        }
    } else if is_open("login") && (is_open("sudo") || is_open("sudo-i")) {
        "the console, and sudo without a code"
    } else {
        let message = "every way to root asks for a code, and root has no password for rescue mode: if codes are refused \
                       (a damaged store, a disk that is read-only), only another medium boots";
        let remedy =
            "'passwd root', and keep 'login' without our line; or try booting a live system before you need it";
        report.found(Finding::new(Word::NoWayIn.into(), message, remedy));
        "none without a code"
    };
    report.looked(Subject::Escape, message);
}
