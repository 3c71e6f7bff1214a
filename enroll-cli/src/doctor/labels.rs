// SPDX-License-Identifier: MIT OR Apache-2.0
//! SELinux labels of store and keys, and AppArmor profiles that confine a program which asks for codes.

use std::path::Path;

use nightlatch::config::DEFAULT_PATH;

use super::kind::Word;
use super::stacks::Service;
use super::{Finding, Machine, Report, Subject};
use crate::site::Site;

pub(super) fn examine(machine: &Machine<'_>, services: &[Service], report: &mut Report) {
    let selinux = selinux(machine, report);
    let apparmor = apparmor(machine, services, report);
    report.looked(Subject::Labels, format!("SELinux: {selinux}; AppArmor: {apparmor}"));
}

/// Part of the name of each type of ours (packaging/selinux/nightlatch.cil).
const OUR_TYPES: &str = ":nightlatch_";
const LOAD: &str = "semodule -i /usr/share/nightlatch/selinux/nightlatch.cil";

fn selinux(machine: &Machine<'_>, report: &mut Report) -> &'static str {
    if machine.text("/sys/fs/selinux/enforce").as_deref().map(str::trim) != Some("1") {
        return "not enforcing";
    }
    let Some(site) = machine.site else { return "enforcing, and the config cannot be read" };
    let places = places(machine, site);
    let restorecon = format!("restorecon -R {}", places.join(" "));
    let store = site.config.store().to_string_lossy();
    if let Ok(said) = machine.programs.run("matchpathcon", &["-n", &store])
        && !said.stdout.contains(OUR_TYPES)
    {
        let message = format!("SELinux enforces a policy that has no label of nightlatch for {store}");
        let remedy = format!("{LOAD}; {restorecon}; docs/guides/selinux.md has more, also for a store elsewhere");
        report.found(Finding::new(Word::PolicyModule.into(), message, remedy));
    }
    let arguments: Vec<&str> = ["-n", "-v", "-R"].into_iter().chain(places.iter().map(String::as_str)).collect();
    match machine.programs.run("restorecon", &arguments) {
        Ok(said) => {
            for line in said.stdout.lines().filter(|line| line.contains("elabel")) {
                let message = format!("a label is not the one of the policy: {}", line.trim());
                report.found(Finding::new(Word::Label.into(), message, restorecon.clone()));
            }
            "enforcing"
        }
        Err(_) => "enforcing, and restorecon is not there to compare labels",
    }
}

/// What has labels of ours: all of /etc/nightlatch, or of a config elsewhere the file alone, since what lies beside it is not ours.
fn places(machine: &Machine<'_>, site: &Site) -> Vec<String> {
    let config = match machine.config.parent() {
        Some(directory) if machine.config == Path::new(DEFAULT_PATH) => directory,
        Some(_) | None => &machine.config,
    };
    let others = [site.config.store(), site.config.keys()].into_iter().filter(|path| !path.starts_with(config));
    [config].into_iter().chain(others).map(|path| path.to_string_lossy().into_owned()).collect()
}

fn apparmor(machine: &Machine<'_>, services: &[Service], report: &mut Report) -> &'static str {
    let Some(profiles) = machine.text("/sys/kernel/security/apparmor/profiles") else { return "none, or not readable" };
    let enforced = profiles.lines().filter_map(|line| line.strip_suffix(" (enforce)"));
    for profile in enforced {
        let program = profile.rsplit('/').next().unwrap_or(profile);
        let asks = |service: &&Service| program == service.name || profile.contains(&format!("/{}/", service.name));
        if let Some(service) = services.iter().find(asks)
            && !allows_us(machine)
        {
            let message =
                format!("the AppArmor profile '{profile}' confines {}, and names no path of nightlatch", service.name);
            let remedy = "allow it: '/etc/nightlatch/** r,' and '/var/lib/nightlatch/** rwk,' in /etc/apparmor.d/local";
            report.found(Finding::new(Word::Profile.into(), message, remedy));
        }
    }
    "profiles read"
}

fn allows_us(machine: &Machine<'_>) -> bool {
    ["/etc/apparmor.d", "/etc/apparmor.d/local", "/etc/apparmor.d/abstractions"].iter().any(|directory| {
        let names = machine.names_in(directory);
        names
            .iter()
            .any(|name| machine.text(&format!("{directory}/{name}")).is_some_and(|text| text.contains("nightlatch")))
    })
}
