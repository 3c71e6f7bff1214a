// SPDX-License-Identifier: MIT OR Apache-2.0
//! Whether somebody sets the clock right. By a wrong one every code of a phone is refused.

use super::kind::Word;
use super::{Finding, Machine, Report, Subject};

pub(super) fn examine(machine: &Machine<'_>, report: &mut Report) {
    let by_systemd = machine.programs.run("timedatectl", &["show", "--property=NTPSynchronized", "--value"]);
    let by_chrony = || machine.programs.run("chronyc", &["-n", "tracking"]);
    let is_synchronised = match by_systemd {
        Ok(said) if said.status == 0 && ["yes", "no"].contains(&said.stdout.trim()) => {
            Some(said.stdout.trim() == "yes")
        }
        Ok(_) | Err(_) => match by_chrony() {
            Ok(said) if said.status == 0 => Some(said.stdout.lines().any(is_normal)),
            Ok(_) | Err(_) => None,
        },
    };
    match is_synchronised {
        Some(true) => report.looked(Subject::Clock, "the clock is synchronised"),
        Some(false) => {
            let message = "the clock is not synchronised; once it is some 30 seconds off, codes of phones are refused";
            let remedy = "apt install systemd-timesyncd (or chrony), then see 'timedatectl'; in a container it is the host's to do";
            report.found(Finding::new(Word::ClockUnsynchronised.into(), message, remedy));
            report.looked(Subject::Clock, "the clock is not synchronised");
        }
        None => report.skipped(Subject::Clock, "neither timedatectl nor chronyc tells whether it is synchronised"),
    }
}

fn is_normal(line: &str) -> bool {
    line.split_once(':').is_some_and(|(name, value)| name.trim() == "Leap status" && value.trim() == "Normal")
}
