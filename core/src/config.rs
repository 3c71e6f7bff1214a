// SPDX-License-Identifier: MIT OR Apache-2.0
//! The administrator's config.toml, read from a trusted file into values that are all in their range.
//! What is wrong in it is an error with line and column; it is never passed over.

mod rules;
mod section;
mod service;
mod settings;

use std::path::{Path, PathBuf};

use toml::de::DeTable;

use crate::combined::CodePlace;
use crate::config::section::{Section, Wrongs};
use crate::config::service::Service;
use crate::config::settings::{SETTINGS, read_file};
use crate::error::Fault;
use crate::policy::Policy;
use crate::record::{Digits, Period};
use crate::secret::Algorithm;
use crate::trusted::TrustedFile;
use crate::verify::judge::{Rules, Window};
use crate::verify::throttle::Limits;

/// Where the config lies unless an argument says otherwise.
pub const DEFAULT_PATH: &str = "/etc/nightlatch/config.toml";

/// What holds for this host.
#[derive(Debug, Clone)]
pub struct Config {
    store: PathBuf,
    keys: PathBuf,
    prompt: String,
    combined_prompt: Option<String>,
    refusal: Option<String>,
    services: Vec<Service>,
    window: Window,
    limits: Limits,
    policy: Policy,
    enroll: EnrollDefaults,
}

/// The site's defaults for `nightlatch enroll`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnrollDefaults {
    /// What the app shows as issuer; `{user}` and `{host}` stand for themselves.
    pub issuer: Option<String>,
    /// What the app shows as account; the same.
    pub account: Option<String>,
    /// Hash under the codes.
    pub algorithm: Algorithm,
    /// Length of a code.
    pub digits: Digits,
    /// Length of a step.
    pub period: Period,
    /// How many backup codes a person gets, 0 to 20.
    pub backup_codes: u8,
    /// Whom a person turns to, as the hand-out says it.
    pub contact: Option<String>,
}

/// What is wrong with the config. No login is possible with it.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file itself.
    #[error("{0}")]
    File(#[from] Fault),
    /// It was named, and is not there.
    #[error("{}: no config there", path.display())]
    NamedAndMissing {
        /// What was named.
        path: PathBuf,
    },
    /// What it says.
    #[error("{}:{line}:{column}: {message}", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// From 1.
        line: usize,
        /// From 1, in characters.
        column: usize,
        /// What is wrong there.
        message: String,
    },
}

/// Everything that is wrong with the config, in the order of the file; at least one thing.
#[derive(Debug)]
pub struct ConfigErrors {
    /// What a login tells of.
    pub first: ConfigError,
    /// The others.
    pub further: Vec<ConfigError>,
}

impl From<ConfigError> for ConfigErrors {
    fn from(first: ConfigError) -> Self {
        Self { first, further: Vec::new() }
    }
}

impl ConfigError {
    /// What an administrator does about it.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::File(fault) => fault.remedy(),
            Self::NamedAndMissing { path } => format!("write {}, or name the file that there is", path.display()),
            Self::Content { path, .. } => format!("correct {}; until then nobody logs in", path.display()),
        }
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::File(fault) => fault.path(),
            Self::NamedAndMissing { path } | Self::Content { path, .. } => Some(path),
        }
    }
}

impl Default for Config {
    /// The strict defaults, which hold where there is no file at its default place.
    fn default() -> Self {
        Self {
            store: PathBuf::from("/var/lib/nightlatch"),
            keys: PathBuf::from("/etc/nightlatch/keys"),
            prompt: "Verification code: ".to_owned(),
            combined_prompt: None,
            refusal: None,
            services: Vec::new(),
            window: Window::ONE,
            limits: Limits::default(),
            policy: Policy::default(),
            enroll: EnrollDefaults {
                issuer: None,
                account: None,
                algorithm: Algorithm::Sha1,
                digits: Digits::SIX,
                period: Period::THIRTY,
                backup_codes: 10,
                contact: None,
            },
        }
    }
}

/// The text that `init` writes: every setting with its default, commented out.
pub const COMMENTED_DEFAULT: &str = include_str!("config.default.toml");

impl Config {
    /// Reads the named config, or the one at the default place, which may be missing.
    ///
    /// # Errors
    ///
    /// [`ConfigError`]: a file that is not root's alone, that was named and is missing, or whose content is wrong.
    pub fn read(named: Option<&Path>) -> Result<Self, ConfigError> {
        Self::read_whole(named).map_err(|errors| errors.first)
    }

    /// The same for whoever wants to know of everything that is wrong.
    ///
    /// # Errors
    ///
    /// As [`Config::read`], each of them.
    pub fn read_whole(named: Option<&Path>) -> Result<Self, ConfigErrors> {
        let path = named.unwrap_or(Path::new(DEFAULT_PATH));
        match (TrustedFile::read_public(path).map_err(ConfigError::from)?, named) {
            (Some(file), _) => Self::parse_whole(file.contents(), file.path()),
            (None, None) => Ok(Self::default()),
            (None, Some(path)) => Err(ConfigError::NamedAndMissing { path: path.to_owned() }.into()),
        }
    }

    /// Reads the text of a config.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Content`] with line and column.
    pub fn parse(contents: &[u8], path: &Path) -> Result<Self, ConfigError> {
        Self::parse_whole(contents, path).map_err(|errors| errors.first)
    }

    /// The same for whoever wants to know of everything that is wrong.
    ///
    /// # Errors
    ///
    /// As [`Config::parse`], each of them; of what is no TOML the first.
    pub fn parse_whole(contents: &[u8], path: &Path) -> Result<Self, ConfigErrors> {
        let content = |text: &str, offset: usize, message: String| {
            let (line, column) = line_and_column(text, offset);
            ConfigError::Content { path: path.to_owned(), line, column, message }
        };
        let text = std::str::from_utf8(contents).map_err(|error| {
            let sound = String::from_utf8_lossy(contents.get(..error.valid_up_to()).unwrap_or_default()).into_owned();
            content(&sound, sound.len(), "not UTF-8".to_owned())
        })?;
        if says_nothing(text) {
            return Ok(Self::default());
        }
        let document = DeTable::parse(text).map_err(|error| {
            // The message only: toml's Display repeats the line, and one line is what a log takes.
            let message = error.message().replace('\n', "; ");
            content(text, error.span().map_or(0, |span| span.start), message)
        })?;
        let wrongs = Wrongs::default();
        let config = read_file(&Section::new(document.get_ref(), 0, SETTINGS, &wrongs), text);
        let mut errors = wrongs.into_list().into_iter().map(|wrong| content(text, wrong.at, wrong.message));
        match errors.next() {
            None => Ok(config),
            Some(first) => Err(ConfigErrors { first, further: errors.collect() }),
        }
    }

    /// The store's directory.
    #[must_use]
    pub fn store(&self) -> &Path {
        &self.store
    }

    /// The directory of master keys.
    #[must_use]
    pub fn keys(&self) -> &Path {
        &self.keys
    }

    /// What the person is asked.
    #[must_use]
    pub fn prompt(&self) -> &str {
        &self.prompt
    }

    /// What the person is asked at a PAM service.
    #[must_use]
    pub fn prompt_at(&self, service: &str) -> &str {
        self.service(service).and_then(|service| service.prompt.as_deref()).unwrap_or(&self.prompt)
    }

    /// What the person is asked at a PAM service that takes password and code in one.
    #[must_use]
    pub fn combined_prompt_at(&self, service: &str, place: CodePlace) -> &str {
        let of_the_service = self.service(service).and_then(|service| service.combined_prompt.as_deref());
        of_the_service.or(self.combined_prompt.as_deref()).unwrap_or(match place {
            CodePlace::End => "Password and verification code: ",
            CodePlace::Start => "Verification code and password: ",
        })
    }

    /// What the person reads at a PAM service when refused, whatever the cause; `None` for the module's own sentence.
    #[must_use]
    pub fn refusal_at(&self, service: &str) -> Option<&str> {
        let of_the_service = self.service(service).and_then(|service| service.refusal.as_deref());
        of_the_service.or(self.refusal.as_deref())
    }

    fn service(&self, name: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.name == name)
    }

    /// The numbers that a verdict depends on.
    #[must_use]
    pub fn rules(&self) -> Rules {
        Rules { window: self.window, limits: self.limits }
    }

    /// Who is asked.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// The site's defaults for enrollments.
    #[must_use]
    pub fn enroll(&self) -> &EnrollDefaults {
        &self.enroll
    }
}

/// Comments, blank lines and each heading once at most, as `init` writes them: on most hosts that is all there is, and to read
/// it as TOML took a quarter of what a login computes. Whatever else there is, is TOML's to judge.
fn says_nothing(text: &str) -> bool {
    const HEADINGS: [&str; 4] = ["[totp]", "[throttle]", "[default]", "[enroll]"];
    let mut found = [false; HEADINGS.len()];
    let is_new_heading = |line: &str, found: &mut [bool]| {
        let place = HEADINGS.iter().position(|heading| *heading == line).and_then(|nth| found.get_mut(nth));
        place.is_some_and(|found| !std::mem::replace(found, true))
    };
    // TOML allows no other control characters, in comments neither. To the end, so that many bytes are compared at once.
    let is_plain = |byte| matches!(byte, b'\t' | b'\n' | b' '..=b'~' | 0x80..);
    text.bytes().fold(true, |plain, byte| plain & is_plain(byte))
        && text.split('\n').all(|line| {
            let line = line.trim_matches([' ', '\t']);
            line.is_empty() || line.starts_with('#') || is_new_heading(line, &mut found)
        })
}

fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset.min(text.len())).unwrap_or(text);
    let line = before.matches('\n').count().saturating_add(1);
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count().saturating_add(1);
    (line, column)
}

#[cfg(test)]
mod tests;
