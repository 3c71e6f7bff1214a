// SPDX-License-Identifier: MIT OR Apache-2.0
//! SELinux labels of store and keys, and AppArmor profiles that confine a program which asks for codes.

use super::kind::Word;
use super::stacks::Service;
use super::{Finding, Machine, Report, Subject};

pub(super) fn examine(machine: &Machine<'_>, services: &[Service], report: &mut Report) {
    let selinux = selinux(machine, report);
    let apparmor = apparmor(machine, services, report);
    report.looked(Subject::Labels, format!("SELinux: {selinux}; AppArmor: {apparmor}"));
}

fn selinux(machine: &Machine<'_>, report: &mut Report) -> &'static str {
    if machine.text("/sys/fs/selinux/enforce").as_deref().map(str::trim) != Some("1") {
        return "not enforcing";
    }
    let Some(site) = machine.site else { return "enforcing, and the config cannot be read" };
    let paths = [site.config.store(), site.config.keys()].map(|path| path.to_string_lossy().into_owned());
    let arguments: Vec<&str> = ["-n", "-v", "-R"].into_iter().chain(paths.iter().map(String::as_str)).collect();
    match machine.programs.run("restorecon", &arguments) {
        Ok(said) => {
            for line in said.stdout.lines().filter(|line| line.contains("elabel")) {
                let message = format!("a label is not the one of the policy: {}", line.trim());
                let remedy = format!("restorecon -R {}", paths.join(" "));
                report.found(Finding::new(Word::Label.into(), message, remedy));
            }
            "enforcing"
        }
        Err(_) => "enforcing, and restorecon is not there to compare labels",
    }
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
