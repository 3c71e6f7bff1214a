// SPDX-License-Identifier: MIT OR Apache-2.0
//! The module: where this libpam looks, root's alone, loadable, and of this version. It is never loaded to find out.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::PathBuf;

use super::kind::Word;
use super::stacks::Service;
use super::{Finding, Machine, Report, Subject};

/// Stands in the module's file; src/login.rs.
const MARK: &[u8] = b"pam_nightlatch-version-";
/// This program's, which is built from the same tree.
pub(super) const OWN_VERSION: &str = env!("CARGO_PKG_VERSION");

/// Where distributions keep them, for a machine whose loader does not tell.
const USUAL: [&str; 7] = [
    "/usr/lib/x86_64-linux-gnu/security",
    "/usr/lib/aarch64-linux-gnu/security",
    "/usr/lib64/security",
    "/lib64/security",
    "/usr/lib/security",
    "/lib/security",
    "/usr/lib/riscv64-linux-gnu/security",
];

pub(super) fn examine(machine: &Machine<'_>, services: &[Service], report: &mut Report) {
    let Some(directory) = directory(machine) else {
        return report.skipped(Subject::Module, "no directory of PAM modules found beside libpam.so.0");
    };
    let named: BTreeSet<_> = services.iter().flat_map(|service| service.auth.ours()).map(|line| &line.module).collect();
    let mut files: BTreeSet<String> = named
        .into_iter()
        .map(|module| if module.starts_with('/') { module.clone() } else { format!("{directory}/{module}") })
        .collect();
    if files.is_empty() {
        files.insert(format!("{directory}/pam_nightlatch.so"));
        // Nobody is refused by a module that nobody names.
        if !files.iter().any(|file| machine.has(file)) {
            return report.skipped(Subject::Module, format!("none in {directory}, and no service names it"));
        }
    }
    for file in &files {
        let found = look_at(machine, file);
        let is_sound = found.is_empty();
        found.into_iter().for_each(|finding| report.found(finding.at(file)));
        if is_sound {
            report.looked(Subject::Module, format!("{file}: where libpam looks, loads, version {OWN_VERSION}"));
        } else {
            report.looked(Subject::Module, file.clone());
        }
    }
}

fn look_at(machine: &Machine<'_>, file: &str) -> Vec<Finding> {
    let path = machine.path(file);
    let Ok(metadata) = fs::metadata(&path) else {
        let message =
            format!("{file}: it is not there, and that is where libpam looks: whoever comes by its line is refused");
        return vec![Finding::new(Word::ModuleMissing.into(), message, "run packaging/install, or take the lines out")];
    };
    let mut found = Vec::new();
    if metadata.uid() != 0 || metadata.mode() & 0o022 != 0 {
        let message = format!("{file}: somebody else than root can change it ({:o})", metadata.mode() & 0o7777);
        let remedy = format!("chown root:root {file}; chmod 0644 {file}; then compare it with what you built");
        found.push(Finding::new(Word::ModuleUntrusted.into(), message, remedy));
        // Not even a loader is run on it.
        return found;
    }
    found.extend(does_not_load(machine, file, &path));
    found.extend(other_version(file, &path));
    found
}

/// ldd resolves names and versions, and runs nothing of a library that is root's own.
fn does_not_load(machine: &Machine<'_>, file: &str, path: &std::path::Path) -> Option<Finding> {
    let said = machine.programs.run("ldd", &["-r", path.to_str()?]).ok()?;
    let all = format!("{}{}", said.stdout, said.stderr);
    // An application brings libpam's own names with it only where the module does not ask for them: ours does.
    let reason = all.lines().find(|line| line.contains("not found") || line.contains("undefined symbol"));
    let reason = match (reason, said.status) {
        (Some(line), _) => line.trim().replace('\t', " "),
        (None, 0) => return None,
        (None, _) => all.lines().next().unwrap_or("it is no library").trim().to_owned(),
    };
    let message = format!("{file}: it does not load here ({reason}): whoever comes by its line is refused");
    Some(Finding::new(Word::ModuleDoesNotLoad.into(), message, "build it on this system, and run packaging/install"))
}

fn other_version(file: &str, path: &std::path::Path) -> Option<Finding> {
    let version = fs::read(path).ok().and_then(|bytes| version_in(&bytes));
    let message = match version {
        Some(version) if version == OWN_VERSION => return None,
        Some(version) => format!("{file}: it is version {version}, and this program is {OWN_VERSION}"),
        None => format!("{file}: it does not say its version, and this program is {OWN_VERSION}"),
    };
    let remedy = "install both from one build: packaging/install";
    Some(Finding::new(Word::ModuleVersion.into(), message, remedy))
}

/// What stands behind the mark in a module's bytes.
pub(super) fn version_in(bytes: &[u8]) -> Option<String> {
    let at = bytes.windows(MARK.len()).position(|window| window == MARK)?;
    let rest = bytes.get(at.saturating_add(MARK.len())..)?;
    let is_plain = |byte: &&u8| byte.is_ascii_digit() || **byte == b'.';
    let version: Vec<u8> = rest.iter().take_while(is_plain).copied().collect();
    String::from_utf8(version).ok().filter(|version| !version.is_empty())
}

/// The directory beside the libpam that the loader knows: `security` below it.
pub(super) fn directory(machine: &Machine<'_>) -> Option<String> {
    let cache = machine.programs.run("ldconfig", &["-p"]).map(|said| said.stdout).unwrap_or_default();
    let beside_libpam = cache.lines().filter(|line| line.trim_start().starts_with("libpam.so.0 ")).filter_map(|line| {
        let library = PathBuf::from(line.split("=> ").nth(1)?.trim());
        Some(format!("{}/security", library.parent()?.display()))
    });
    let usual = USUAL.iter().map(|directory| (*directory).to_owned());
    beside_libpam.chain(usual).find(|directory| {
        ["pam_permit.so", "pam_unix.so"].iter().any(|name| machine.has(&format!("{directory}/{name}")))
    })
}
