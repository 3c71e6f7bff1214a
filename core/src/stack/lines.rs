// SPDX-License-Identifier: MIT OR Apache-2.0
//! The lines that libpam goes through in one phase of a service, with those of included files in their places, and what
//! each line's control makes of a module's answer. For `nightlatch doctor`; a login does not read it.

use std::path::{Path, PathBuf};

use super::{DEEPEST, is_ours, logical_lines, read};

/// A phase of libpam's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Who it is.
    Auth,
    /// Whether that account may.
    Account,
}

impl Phase {
    /// The word in a service's file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::Account => "account",
        }
    }
}

/// What libpam does after a module's answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Nothing said.
    Ignore,
    /// A success, unless something failed before.
    Ok,
    /// The same, and the end of this stack.
    Done,
    /// A failure.
    Bad,
    /// The same, and the end of this stack.
    Die,
    /// All that was said so far is forgotten.
    Reset,
    /// So many lines are left out.
    Jump(usize),
}

/// What a line's control makes of each answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Control {
    success: Action,
    ignore: Action,
    /// Of the failures that are named.
    named: Vec<(String, Action)>,
    default: Action,
}

/// A line that runs a module.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModuleLine {
    /// The file it stands in.
    pub path: PathBuf,
    /// From 1.
    pub number: usize,
    /// What it makes of the module's answer.
    pub control: Control,
    /// As it is written: a file name or a path.
    pub module: String,
    /// The words behind it.
    pub arguments: Vec<String>,
}

impl ModuleLine {
    /// Whether it is our module.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        is_ours(&self.module)
    }

    /// Whether it is our module, and asks for a code: with `refused` it asks nobody.
    #[must_use]
    pub fn asks_for_a_code(&self) -> bool {
        self.is_ours() && !self.says("refused")
    }

    /// The module's file name.
    #[must_use]
    pub fn module_name(&self) -> &str {
        self.module.rsplit('/').next().unwrap_or_default()
    }

    /// Whether it has that argument.
    #[must_use]
    pub fn says(&self, argument: &str) -> bool {
        self.arguments.iter().any(|given| given == argument)
    }
}

/// A phase of a service.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Stack {
    pub(super) entries: Vec<Entry>,
}

/// A line and how deep in substacks it stands; a substack itself is a line that runs nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) level: usize,
    pub(super) line: Option<ModuleLine>,
}

/// Why a phase could not be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotRead {
    /// No file of that name, or none that is root's alone.
    #[error("no file '{service}' in /etc/pam.d that only root can change")]
    NoFile {
        /// PAM_SERVICE, or the name that an include gives.
        service: String,
    },
    /// Files within files without an end.
    #[error("{}: files include each other too deep", path.display())]
    TooDeep {
        /// The file at which this reader gave up.
        path: PathBuf,
    },
    /// A line that makes no sense.
    #[error("{}:{number}: libpam does not understand this line, and may refuse everybody", path.display())]
    Odd {
        /// The file.
        path: PathBuf,
        /// From 1.
        number: usize,
    },
}

impl Stack {
    /// Reads a phase of a service, and whatever it includes.
    ///
    /// # Errors
    ///
    /// [`NotRead`].
    pub fn read(service: &str, phase: Phase, directories: &[&Path]) -> Result<Self, NotRead> {
        let mut stack = Self::default();
        stack.add(service, phase, directories, Depth { files: 0, level: 0 })?;
        Ok(stack)
    }

    /// The lines that run a module.
    pub fn lines(&self) -> impl Iterator<Item = &ModuleLine> {
        self.entries.iter().filter_map(|entry| entry.line.as_ref())
    }

    /// Those of ours that ask for a code.
    pub fn ours(&self) -> impl Iterator<Item = &ModuleLine> {
        self.lines().filter(|line| line.asks_for_a_code())
    }

    fn add(&mut self, service: &str, phase: Phase, directories: &[&Path], depth: Depth) -> Result<(), NotRead> {
        let no_file = || NotRead::NoFile { service: service.to_owned() };
        let (path, text) = read(service, directories).ok_or_else(no_file)?;
        if depth.files >= DEEPEST {
            return Err(NotRead::TooDeep { path });
        }
        for (number, line) in logical_lines(&text) {
            let odd = || NotRead::Odd { path: path.clone(), number };
            match Written::read(&line, phase).ok_or_else(odd)? {
                Written::Nothing => {}
                Written::Include(file) => self.add(file, phase, directories, depth.deeper(depth.level))?,
                Written::Substack(file) => {
                    self.entries.push(Entry { level: depth.level, line: None });
                    self.add(file, phase, directories, depth.deeper(depth.level.saturating_add(1)))?;
                }
                Written::Module { control, module, arguments } => {
                    let line = ModuleLine { path: path.clone(), number, control, module, arguments };
                    self.entries.push(Entry { level: depth.level, line: Some(line) });
                }
            }
        }
        Ok(())
    }
}

#[derive(Clone, Copy)]
struct Depth {
    files: usize,
    level: usize,
}

impl Depth {
    fn deeper(self, level: usize) -> Self {
        Self { files: self.files.saturating_add(1), level }
    }
}

enum Written<'l> {
    Nothing,
    Include(&'l str),
    Substack(&'l str),
    Module { control: Control, module: String, arguments: Vec<String> },
}

impl<'l> Written<'l> {
    fn read(line: &'l str, phase: Phase) -> Option<Self> {
        let line = line.trim();
        if line.is_empty() {
            return Some(Self::Nothing);
        }
        if let Some(file) = line.strip_prefix("@include") {
            return file.starts_with([' ', '\t']).then_some(Self::Include(file.trim()));
        }
        let (word, rest) = line.split_once([' ', '\t'])?;
        let word = word.strip_prefix('-').unwrap_or(word).to_ascii_lowercase();
        if word != phase.name() {
            return ["auth", "account", "password", "session"].contains(&word.as_str()).then_some(Self::Nothing);
        }
        let (control, rest) = match rest.trim_start().strip_prefix('[') {
            Some(rest) => {
                let (actions, rest) = rest.split_once(']')?;
                (Control::of_actions(actions)?, rest)
            }
            None => {
                let (word, rest) = rest.trim_start().split_once([' ', '\t'])?;
                match word.to_ascii_lowercase().as_str() {
                    "include" => return Some(Self::Include(rest.trim())),
                    "substack" => return Some(Self::Substack(rest.trim())),
                    word => (Control::of_word(word)?, rest),
                }
            }
        };
        let mut words = rest.split_whitespace().map(str::to_owned);
        Some(Self::Module { control, module: words.next()?, arguments: words.collect() })
    }
}

impl Control {
    fn of_word(word: &str) -> Option<Self> {
        let (success, default) = match word {
            "required" => (Action::Ok, Action::Bad),
            "requisite" => (Action::Ok, Action::Die),
            "sufficient" => (Action::Done, Action::Ignore),
            "optional" => (Action::Ok, Action::Ignore),
            _ => return None,
        };
        Some(Self { success, ignore: Action::Ignore, named: Vec::new(), default })
    }

    fn of_actions(actions: &str) -> Option<Self> {
        // What is not named and has no default changes nothing in libpam.
        let (mut success, mut ignore, mut default) = (None, None, Action::Ignore);
        let mut named = Vec::new();
        for pair in actions.split_whitespace() {
            let (value, action) = pair.split_once('=')?;
            let action = Action::of_word(action)?;
            match value.to_ascii_lowercase().as_str() {
                "success" => success = Some(action),
                "ignore" => ignore = Some(action),
                "default" => default = action,
                failure => named.push((failure.to_owned(), action)),
            }
        }
        Some(Self { success: success.unwrap_or(default), ignore: ignore.unwrap_or(default), named, default })
    }

    /// What becomes of success.
    #[must_use]
    pub fn on_success(&self) -> Action {
        self.success
    }

    /// What becomes of PAM_IGNORE.
    #[must_use]
    pub fn on_ignore(&self) -> Action {
        self.ignore
    }

    /// What may become of a failure, whichever it is.
    #[must_use]
    pub fn on_failures(&self) -> Vec<Action> {
        // Of authenticate this one comes from nowhere.
        let named = self.named.iter().filter(|(value, _)| value != "new_authtok_reqd").map(|(_, action)| *action);
        let mut actions = vec![self.default];
        for action in named {
            if !actions.contains(&action) {
                actions.push(action);
            }
        }
        actions
    }
}

impl Action {
    fn of_word(word: &str) -> Option<Self> {
        Some(match word.to_ascii_lowercase().as_str() {
            "ignore" => Self::Ignore,
            "ok" => Self::Ok,
            "done" => Self::Done,
            "bad" => Self::Bad,
            "die" => Self::Die,
            "reset" => Self::Reset,
            number => Self::Jump(number.parse().ok().filter(|lines| *lines > 0)?),
        })
    }
}
