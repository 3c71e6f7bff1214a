// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a PAM service file says of its account phase: whether a line of ours is surely reached there. Reads files and judges
//! no login; whatever it does not understand is a line that may end the phase before ours.

pub mod lines;
pub mod paths;

use std::path::{Path, PathBuf};

use crate::trusted::TrustedFile;

/// Where libpam looks for a service, the first that has it.
pub const SERVICE_DIRECTORIES: [&str; 2] = ["/etc/pam.d", "/usr/lib/pam.d"];
/// Files within files; libpam itself stops at 32.
const DEEPEST: usize = 8;
const MODULE: &str = "pam_nightlatch.so";

/// The word that whoever passes the account phase of a service passes our line there.
///
/// ```compile_fail,E0603
/// let forged = nightlatch::stack::AccountLine(());
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountLine(());

/// Why nobody can be sure of that.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoAccountLine {
    /// No file of that name, or none that is root's alone.
    #[error("no service file '{service}' in /etc/pam.d that only root can change")]
    NoFile {
        /// PAM_SERVICE, or the name that an include gives.
        service: String,
    },
    /// The account phase does not name us.
    #[error("{}: no account line of pam_nightlatch.so", path.display())]
    Missing {
        /// The service's file.
        path: PathBuf,
    },
    /// A line before ours may end the phase, or ours may be without effect.
    #[error("{}:{line}: this account line may let somebody in past that of pam_nightlatch.so", path.display())]
    Passed {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
    },
}

impl NoAccountLine {
    /// What an administrator does about it.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        "put 'account required pam_nightlatch.so' before the other account lines of the service; enrollment happens there"
    }
}

/// Looks a service's account phase over.
///
/// # Errors
///
/// [`NoAccountLine`] where our line is not there, not `required` or `requisite`, or where a line before it may end the phase.
pub fn account_line(service: &str, directories: &[&Path]) -> Result<AccountLine, NoAccountLine> {
    match walk(service, directories, 0)? {
        Walk::Found => Ok(AccountLine(())),
        Walk::NotThere { path } => Err(NoAccountLine::Missing { path }),
    }
}

enum Walk {
    Found,
    NotThere { path: PathBuf },
}

fn walk(service: &str, directories: &[&Path], depth: usize) -> Result<Walk, NoAccountLine> {
    let no_file = || NoAccountLine::NoFile { service: service.to_owned() };
    let (path, text) = read(service, directories).filter(|_| depth < DEEPEST).ok_or_else(no_file)?;
    for (number, line) in logical_lines(&text) {
        let passed = || NoAccountLine::Passed { path: path.clone(), line: number };
        let included = match Line::read(&line).ok_or_else(passed)? {
            Line::OfAnotherPhase => continue,
            Line::Include(included) => included,
            // Whatever it ends, it ends within itself; if we stand in there, what stands behind us may undo it.
            Line::Substack => continue,
            Line::Account { control, module } => match (is_ours(module), control) {
                (true, Control::Binding) => return Ok(Walk::Found),
                (true, Control::NeverPasses | Control::MayPass) | (false, Control::MayPass) => return Err(passed()),
                (false, Control::Binding | Control::NeverPasses) => continue,
            },
        };
        match walk(included, directories, depth.saturating_add(1))? {
            Walk::Found => return Ok(Walk::Found),
            Walk::NotThere { .. } => {}
        }
    }
    Ok(Walk::NotThere { path })
}

fn read(service: &str, directories: &[&Path]) -> Option<(PathBuf, String)> {
    // libpam takes what stands behind the last slash, in lower case; a name beyond that is none of Debian's.
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_.+@".contains(c);
    if service.is_empty() || service.starts_with('.') || !service.chars().all(plain) {
        return None;
    }
    let name = service.to_ascii_lowercase();
    for directory in directories {
        match TrustedFile::read_public(&directory.join(&name)) {
            Ok(Some(file)) => {
                let text = std::str::from_utf8(file.contents()).ok()?.to_owned();
                return Some((file.path().to_owned(), text));
            }
            Ok(None) => {}
            Err(_) => return None,
        }
    }
    None
}

/// Lines as libpam puts them together: a backslash at the end goes on, a hash begins a comment. With the number of the first.
fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let (mut lines, mut open) = (Vec::new(), None::<(usize, String)>);
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.split('#').next().unwrap_or_default();
        let (first, mut whole) = open.take().unwrap_or((number, String::new()));
        match line.trim_end().strip_suffix('\\') {
            Some(begun) => {
                whole.push_str(begun);
                whole.push(' ');
                open = Some((first, whole));
            }
            None => {
                whole.push_str(line);
                lines.push((first, whole));
            }
        }
    }
    lines.extend(open);
    lines
}

enum Line<'l> {
    OfAnotherPhase,
    Include(&'l str),
    Substack,
    Account { control: Control, module: &'l str },
}

/// What a line's control does to those that follow.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Control {
    /// `required`, `requisite`: a failure stays one, and success goes on.
    Binding,
    /// Goes on in any case, and does not decide.
    NeverPasses,
    /// `sufficient`, a jump, or a word that is not known: may end the phase with success.
    MayPass,
}

impl<'l> Line<'l> {
    fn read(line: &'l str) -> Option<Self> {
        let line = line.trim();
        if line.is_empty() {
            return Some(Self::OfAnotherPhase);
        }
        if let Some(file) = line.strip_prefix("@include") {
            return file.starts_with([' ', '\t']).then_some(Self::Include(file.trim()));
        }
        let (phase, rest) = line.split_once([' ', '\t'])?;
        let phase = phase.strip_prefix('-').unwrap_or(phase);
        match phase.to_ascii_lowercase().as_str() {
            "account" => Self::read_account(rest.trim_start()),
            "auth" | "password" | "session" => Some(Self::OfAnotherPhase),
            _ => None,
        }
    }

    fn read_account(rest: &'l str) -> Option<Self> {
        let (control, rest) = match rest.strip_prefix('[') {
            Some(rest) => {
                let (actions, rest) = rest.split_once(']')?;
                (of_actions(actions), rest)
            }
            None => {
                let (word, rest) = rest.split_once([' ', '\t'])?;
                match word.to_ascii_lowercase().as_str() {
                    "include" => return Some(Self::Include(rest.trim())),
                    "substack" => return Some(Self::Substack),
                    "required" | "requisite" => (Control::Binding, rest),
                    "optional" => (Control::NeverPasses, rest),
                    _ => (Control::MayPass, rest),
                }
            }
        };
        let module = rest.split_whitespace().next()?;
        Some(Self::Account { control, module })
    }
}

/// `[value=action ...]`: only actions that go on, or that end the phase in failure, cannot let somebody past.
fn of_actions(actions: &str) -> Control {
    let goes_on = |pair: &str| {
        pair.split_once('=').is_some_and(|(_, action)| ["ignore", "ok", "bad", "die"].contains(&action.trim()))
    };
    if actions.split_whitespace().all(goes_on) { Control::NeverPasses } else { Control::MayPass }
}

fn is_ours(module: &str) -> bool {
    Path::new(module).file_name().is_some_and(|name| name == MODULE)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tempfile::TempDir;

    use super::*;

    fn looked_over(files: &[(&str, &str)]) -> Result<AccountLine, NoAccountLine> {
        let directory = TempDir::new().unwrap();
        for (name, text) in files {
            fs::write(directory.path().join(name), text).unwrap();
        }
        account_line("sshd", &[&directory.path().join("none"), directory.path()])
    }

    #[test]
    fn a_line_of_ours_that_everybody_passes_is_found() {
        for sshd in [
            "account required pam_nightlatch.so",
            "auth sufficient pam_x.so\n\n# account\n-account  requisite\t/lib/security/pam_nightlatch.so config=/c",
            "account required pam_nologin.so # first\naccount [success=ok new_authtok_reqd=ok ignore=ignore default=bad] pam_access.so\n\
             account required pam_nightlatch.so",
            "account optional pam_x.so\nACCOUNT Required \\\n pam_nightlatch.so",
            "account substack bad\naccount required pam_nightlatch.so",
            "@include good\naccount sufficient pam_permit.so",
            "account include good",
            "account include empty\naccount required pam_nightlatch.so",
        ] {
            let files = [
                ("sshd", sshd),
                ("bad", "account sufficient pam_permit.so\n"),
                ("good", "account required pam_nightlatch.so\n"),
                ("empty", ""),
            ];
            assert!(looked_over(&files).is_ok(), "{sshd}: {:?}", looked_over(&files));
        }
    }

    #[test]
    fn a_line_that_somebody_may_pass_by_is_none() {
        for sshd in [
            "",
            "auth required pam_nightlatch.so",
            "account required pam_unix.so",
            "account sufficient pam_permit.so\naccount required pam_nightlatch.so",
            "account [success=1 default=bad] pam_unix.so\naccount required pam_nightlatch.so",
            "account [success=1 new_authtok_reqd=done default=ignore] pam_unix.so\naccount required pam_nightlatch.so",
            "account [success=reset] pam_unix.so\naccount required pam_nightlatch.so",
            "account sufficient pam_nightlatch.so",
            "account optional pam_nightlatch.so",
            "account [default=ignore] pam_nightlatch.so",
            "@include bad\naccount required pam_nightlatch.so",
            "account include bad\naccount required pam_nightlatch.so",
            "account include none\naccount required pam_nightlatch.so",
            "account substack good",
            "account include sshd\naccount required pam_nightlatch.so",
            "accuont required pam_nightlatch.so",
            "whatever\naccount required pam_nightlatch.so",
            "account required\naccount required pam_nightlatch.so",
            "account odd pam_x.so\naccount required pam_nightlatch.so",
            "#account required pam_nightlatch.so",
            "account required pam_x.so \\\naccount required pam_nightlatch.so",
            "account required pam_nightlatch.so.bak",
        ] {
            let files = [
                ("sshd", sshd),
                ("bad", "account sufficient pam_permit.so\n"),
                ("good", "account required pam_nightlatch.so\n"),
            ];
            assert!(looked_over(&files).is_err(), "{sshd}");
        }
        assert!(looked_over(&[]).is_err());
    }

    #[test]
    fn what_stands_in_the_way_is_named_with_its_line() {
        let error = looked_over(&[("sshd", "\naccount sufficient pam_permit.so\naccount required pam_nightlatch.so")]);
        assert!(error.unwrap_err().to_string().contains("/sshd:2: "));
    }

    #[test]
    fn a_service_is_never_a_path() {
        for service in ["../sshd", "a/b", "", ".", "..", "x y"] {
            assert!(matches!(account_line(service, &[Path::new("/etc/pam.d")]), Err(NoAccountLine::NoFile { .. })));
        }
    }

    #[test]
    fn a_file_that_somebody_else_can_change_is_none() {
        use std::os::unix::fs::PermissionsExt as _;
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("sshd");
        fs::write(&path, "account required pam_nightlatch.so").unwrap();
        assert!(account_line("sshd", &[directory.path()]).is_ok());
        fs::set_permissions(&path, fs::Permissions::from_mode(0o666)).unwrap();
        assert!(account_line("sshd", &[directory.path()]).is_err());
    }
}
