// SPDX-License-Identifier: MIT OR Apache-2.0
//! Services beside those that are protected: a second one of the same program, and screen lockers without root.

use super::kind::Word;
use super::stacks::{Service, auth_of};
use super::{Finding, Machine, Report};

/// Programs that go by one service or the other.
const SIBLINGS: [(&str, &str, &str); 3] = [
    ("sudo", "sudo-i", "'sudo -i' goes by it"),
    ("su", "su-l", "'su -' goes by it"),
    ("login", "remote", "'login -h', for remote logins, goes by it"),
];

/// They run as the person who locked the screen, and cannot read the store.
const WITHOUT_ROOT: [&str; 13] = [
    "cinnamon-screensaver",
    "gtklock",
    "hyprlock",
    "i3lock",
    "i3lock-color",
    "kde",
    "kscreensaver",
    "mate-screensaver",
    "swaylock",
    "vlock",
    "waylock",
    "xfce4-screensaver",
    "xscreensaver",
];

pub(super) fn examine(machine: &Machine<'_>, services: &[Service], report: &mut Report) {
    let is_protected = |name: &str| services.iter().any(|service| service.name == name);
    for (one, other, why) in SIBLINGS {
        for (asks, open) in [(one, other), (other, one)] {
            if is_protected(asks) && !is_protected(open) && auth_of(machine, open).is_ok() {
                let why = if open == other { why } else { "it is the same program" };
                let message = format!("/etc/pam.d/{open}: it asks for no code, and {asks} does; {why}");
                let remedy = format!("put our line into {open} too, as in {asks}");
                let path = format!("/etc/pam.d/{open}");
                report.found(Finding::new(Word::SiblingOpen.into(), message, remedy).at(path));
            }
        }
    }
    for service in services.iter().filter(|service| WITHOUT_ROOT.contains(&service.name.as_str())) {
        let path = format!("/etc/pam.d/{}", service.name);
        let message =
            format!("{path}: it asks for a code, and runs without root's rights: nobody can unlock the screen");
        let remedy = "take our line out of it; where it is in an included file, write the password's lines instead";
        report.found(Finding::new(Word::ServiceWithoutRoot.into(), message, remedy).at(path));
    }
}
