// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a maintainer needs in order to help, as one text: built from known words and numbers alone. No secret, no code, no
//! name of a person, group or host, no address, and no sentence of anybody's.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use nightlatch::policy::{NotEnrolledRule, Policy};

use super::module::{OWN_VERSION, directory, version_in};
use super::people::{accounts, records};
use super::sshd::settings_of;
use super::stacks::{Service, account_of, services};
use super::words::{Pseudonyms, sshd_value, version};
use super::{Machine, Report};
use crate::failure::Failure;
use crate::new_file::failure_of;

const HEAD: &str = "nightlatch support bundle, form 1
Made from known words and numbers alone: u1, g1, a1, s1 stand for people, groups, addresses and services of the site's own,
an asterisk for anything else. Read it before you send it.
";

/// Of sshd's settings, those on which a code depends.
const SETTINGS: [&str; 10] = [
    "usepam",
    "kbdinteractiveauthentication",
    "passwordauthentication",
    "pubkeyauthentication",
    "authenticationmethods",
    "permitrootlogin",
    "permitemptypasswords",
    "maxauthtries",
    "logingracetime",
    "gssapiauthentication",
];

/// A bundle, not yet written.
pub(crate) struct Bundle(String);

impl Bundle {
    pub(crate) fn of(machine: &Machine<'_>, report: &Report) -> Self {
        let services = services(machine);
        let mut names = Pseudonyms::default();
        let mut text = HEAD.to_owned();
        for (title, lines) in [
            ("versions", versions(machine)),
            ("findings", findings(report, &mut names)),
            ("looked at", examined(report)),
            ("counts", counts(machine)),
            ("config", config(machine, &mut names)),
            ("files", files(machine, &services, &mut names)),
            ("sshd", sshd(machine)),
        ] {
            section(&mut text, title, &lines);
        }
        for path in pam_files(machine, &services) {
            let lines: Vec<_> =
                machine.text(&path).unwrap_or_default().lines().filter_map(|line| names.pam_line(line)).collect();
            section(&mut text, &names.path(&path), &lines);
        }
        Self(text)
    }

    /// Writes a new file that nobody else can read.
    pub(crate) fn write(&self, path: &Path) -> Result<(), Failure> {
        let failed = failure_of(path, "write the bundle");
        let mut file = fs::File::options().write(true).create_new(true).mode(0o600).open(path).map_err(&failed)?;
        file.write_all(self.0.as_bytes()).and_then(|()| file.sync_all()).map_err(|source| {
            // Half of one helps nobody.
            let _: std::io::Result<()> = fs::remove_file(path);
            failed(source)
        })
    }
}

fn section(text: &mut String, title: &str, lines: &[String]) {
    let _: std::fmt::Result = writeln!(text, "\n== {title}");
    for line in lines {
        let _: std::fmt::Result = writeln!(text, "{line}");
    }
}

fn versions(machine: &Machine<'_>) -> Vec<String> {
    let module = directory(machine)
        .and_then(|directory| fs::read(machine.path(&format!("{directory}/pam_nightlatch.so"))).ok())
        .map(|bytes| version_in(&bytes).unwrap_or_else(|| "*".to_owned()));
    let release = machine.text("/etc/os-release").unwrap_or_default();
    let of_release = |key: &str| {
        let value = release.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        value.map(|value| value.trim_matches('"').to_owned()).unwrap_or_default()
    };
    let distribution =
        ["debian", "ubuntu", "fedora", "rhel", "rocky", "almalinux", "centos", "arch", "opensuse-leap", "alpine"];
    let id = of_release("ID");
    let id = distribution.iter().find(|known| **known == id).copied().unwrap_or("*");
    let kernel = machine.text("/proc/sys/kernel/osrelease").unwrap_or_default();
    let kernel: String = kernel.chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
    let mut lines = vec![
        format!("nightlatch {OWN_VERSION}"),
        format!("module {}", module.unwrap_or_else(|| "none".to_owned())),
        format!("distribution {id} {}", version(&of_release("VERSION_ID"))),
        format!("kernel {kernel}"),
    ];
    for package in ["libpam0g", "openssh-server", "sudo", "libc6"] {
        let said = machine.programs.run("dpkg-query", &["--show", "--showformat=${Version}", package]);
        lines.extend(
            said.ok().filter(|said| said.status == 0).map(|said| format!("{package} {}", version(said.stdout.trim()))),
        );
    }
    lines
}

/// Their words and places; what their sentences name stays here.
fn findings(report: &Report, names: &mut Pseudonyms) -> Vec<String> {
    let mut counted = BTreeMap::<(usize, String), usize>::new();
    for (rank, finding) in report.findings.iter().enumerate() {
        let place = finding.path.as_ref().map_or_else(|| "-".to_owned(), |path| names.path(&path.to_string_lossy()));
        let line = format!("{} {} {place}", finding.kind.severity().name(), finding.kind.name());
        let first = counted.keys().find(|(_, known)| *known == line).map_or(rank, |(first, _)| *first);
        let count = counted.entry((first, line)).or_default();
        *count = count.saturating_add(1);
    }
    counted.into_iter().map(|((_, line), count)| if count == 1 { line } else { format!("{line} x{count}") }).collect()
}

fn examined(report: &Report) -> Vec<String> {
    report.examined.iter().map(|examined| format!("{} {}", examined.subject.name(), examined.outcome.name())).collect()
}

fn counts(machine: &Machine<'_>) -> Vec<String> {
    let Some(site) = machine.site else { return vec!["the config cannot be read".to_owned()] };
    let accounts = accounts(machine).unwrap_or_default();
    match records(site, &accounts, &mut Report::default()) {
        Ok(records) => vec![
            format!("accounts {}", accounts.len()),
            format!("enrolled {}", records.enrolled),
            format!("blocked {}", records.blocked.len()),
            format!("few-backup-codes {}", records.few_codes),
            format!("bypass {}", records.bypass),
            format!("waived {}", records.waived),
            format!("short-secrets {}", records.short_secrets),
        ],
        Err(failure) => vec![format!("the store cannot be read: {}", failure.kind())],
    }
}

fn config(machine: &Machine<'_>, names: &mut Pseudonyms) -> Vec<String> {
    let Some(site) = machine.site else {
        return vec![format!("cannot be read: {} errors", machine.config_errors.len())];
    };
    let changed = |is: bool| if is { "changed" } else { "default" };
    let (config, default) = (&site.config, nightlatch::config::Config::default());
    let enroll = config.enroll();
    let mut lines = vec![
        format!("path {}", names.path(&machine.config.to_string_lossy())),
        format!("store {}", names.path(&config.store().to_string_lossy())),
        format!("keys {}", names.path(&config.keys().to_string_lossy())),
        format!("prompt {}", changed(config.prompt() != default.prompt())),
        format!("rules {:?}", config.rules()),
        format!(
            "enroll {} {} digits {} s, {} backup codes, issuer {}, account {}",
            enroll.algorithm.name(),
            enroll.digits.count(),
            enroll.period.seconds(),
            enroll.backup_codes,
            changed(enroll.issuer.is_some()),
            changed(enroll.account.is_some())
        ),
    ];
    lines.extend(policy(config.policy(), names));
    lines
}

fn policy(policy: &Policy, names: &mut Pseudonyms) -> Vec<String> {
    let not_enrolled = match policy.not_enrolled {
        None => "not said",
        Some(NotEnrolledRule::Refuse) => "refuse",
        Some(NotEnrolledRule::Exempt) => "exempt",
        Some(NotEnrolledRule::Enroll) => "enroll",
        Some(NotEnrolledRule::ExemptUntil(_)) => "exempt until a date",
    };
    let mut lines = vec![format!("default enrolled={} not_enrolled={not_enrolled}", policy.enrolled.name())];
    for (rule, number) in policy.rules.iter().zip(1..) {
        let mut line = format!("rule {number} {}", rule.action.name());
        let conditions = &rule.conditions;
        let mut list = |name: &str, entries: Option<Vec<String>>| {
            if let Some(entries) = entries {
                line.push_str(&format!(" {name}=[{}]", entries.join(" ")));
            }
        };
        list("user", conditions.user.as_ref().map(|all| all.iter().map(|user| names.user(user.as_str())).collect()));
        list(
            "group",
            conditions.group.as_ref().map(|all| all.iter().map(|group| names.group(&group.to_string())).collect()),
        );
        list(
            "service",
            conditions.service.as_ref().map(|all| all.iter().map(|service| names.service(service)).collect()),
        );
        list(
            "source",
            conditions.source.as_ref().map(|all| all.iter().map(|source| names.source(&source.to_string())).collect()),
        );
        list("ssh_key", conditions.ssh_key.map(|wanted| vec![wanted.to_string()]));
        list("enrolled", conditions.enrolled.map(|wanted| vec![wanted.to_string()]));
        lines.push(line);
    }
    lines
}

fn files(machine: &Machine<'_>, services: &[Service], names: &mut Pseudonyms) -> Vec<String> {
    let mut paths: Vec<PathBuf> = vec![machine.config.clone()];
    if let Some(site) = machine.site {
        paths.extend([
            site.config.store().to_owned(),
            site.config.store().join("users"),
            site.config.keys().to_owned(),
        ]);
    }
    paths.extend(directory(machine).map(|directory| machine.path(&format!("{directory}/pam_nightlatch.so"))));
    paths.extend(pam_files(machine, services).iter().map(|path| machine.path(path)));
    let line = |path: PathBuf| {
        let shown = names.path(&machine.shown(&path));
        match fs::symlink_metadata(&path) {
            Ok(found) => {
                let owner = if found.uid() == 0 { "root" } else { "another" };
                let kind = if found.is_dir() {
                    "directory"
                } else if found.is_file() {
                    "file"
                } else {
                    "neither"
                };
                format!("{:04o} {owner} {kind} {shown}", found.mode() & 0o7777)
            }
            Err(error) => format!("---- {} {shown}", error.kind()),
        }
    };
    paths.into_iter().map(line).collect()
}

/// The files of the services that name us, and those that they include.
fn pam_files(machine: &Machine<'_>, services: &[Service]) -> Vec<String> {
    let mut paths = BTreeSet::new();
    for service in services {
        let own = ["/etc/pam.d", "/usr/lib/pam.d"].map(|directory| format!("{directory}/{}", service.name));
        paths.extend(own.into_iter().find(|path| machine.has(path)));
        paths.extend(service.auth.lines().map(|line| machine.shown(&line.path)));
        let account = account_of(machine, &service.name).unwrap_or_default();
        paths.extend(account.lines().map(|line| machine.shown(&line.path)));
    }
    paths.into_iter().collect()
}

fn sshd(machine: &Machine<'_>) -> Vec<String> {
    // Somebody without a name of the site's: what Match blocks make of people is in the findings.
    match settings_of(machine, "nobody") {
        Ok(settings) => SETTINGS.iter().map(|name| format!("{name} {}", sshd_value(settings.value(name)))).collect(),
        Err(_) => vec!["not asked".to_owned()],
    }
}
