// SPDX-License-Identifier: MIT OR Apache-2.0
//! The administrator's config.toml, read from a trusted file into values that are all in their range.
//! What is wrong in it is an error with line and column; it is never passed over.

use std::ops::RangeInclusive;
use std::path::{Component, Path, PathBuf};

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::error::Fault;
use crate::record::{Digits, Period};
use crate::secret::Algorithm;
use crate::trusted::TrustedFile;
use crate::verify::judge::{Rules, Window};
use crate::verify::throttle::Limits;

/// Where the config lies unless an argument says otherwise.
pub const DEFAULT_PATH: &str = "/etc/nightlatch/config.toml";
/// NIST 800-63B-4 §3.2.2: no more wrong codes than this before the authenticator is disabled.
const MOST_FAILURES: u32 = 100;

/// What holds for this host.
#[derive(Debug, Clone)]
pub struct Config {
    store: PathBuf,
    keys: PathBuf,
    prompt: String,
    window: Window,
    limits: Limits,
    not_enrolled: Option<NotEnrolledRule>,
    enroll: EnrollDefaults,
}

/// What becomes of a person who is not enrolled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotEnrolledRule {
    /// Asked and refused.
    Refuse,
    /// Not asked.
    Exempt,
    /// Enrolled in the login, where the module's line says `enroll`; asked and refused elsewhere.
    Enroll,
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
            window: Window::ONE,
            limits: Limits::default(),
            not_enrolled: None,
            enroll: EnrollDefaults {
                issuer: None,
                account: None,
                algorithm: Algorithm::Sha1,
                digits: Digits::SIX,
                period: Period::THIRTY,
                backup_codes: 10,
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
        let path = named.unwrap_or(Path::new(DEFAULT_PATH));
        match (TrustedFile::read_public(path)?, named) {
            (Some(file), _) => Self::parse(file.contents(), file.path()),
            (None, None) => Ok(Self::default()),
            (None, Some(path)) => Err(ConfigError::NamedAndMissing { path: path.to_owned() }),
        }
    }

    /// Reads the text of a config.
    ///
    /// # Errors
    ///
    /// [`ConfigError::Content`] with line and column.
    pub fn parse(contents: &[u8], path: &Path) -> Result<Self, ConfigError> {
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
        Section::new(document.get_ref(), 0, SETTINGS)
            .and_then(|file| read_file(&file))
            .map_err(|wrong| content(text, wrong.at, wrong.message))
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

    /// The numbers that a verdict depends on.
    #[must_use]
    pub fn rules(&self) -> Rules {
        Rules { window: self.window, limits: self.limits }
    }

    /// What the file says of people who are not enrolled; where it says nothing, the module's argument decides.
    #[must_use]
    pub fn not_enrolled(&self) -> Option<NotEnrolledRule> {
        self.not_enrolled
    }

    /// The site's defaults for enrollments.
    #[must_use]
    pub fn enroll(&self) -> &EnrollDefaults {
        &self.enroll
    }
}

/// Comments, blank lines and each heading once at most, as `init` writes them: on most hosts that is all there is, and to read
/// it as TOML took a fifth of what a login computes. Whatever else there is, is TOML's to judge.
fn says_nothing(text: &str) -> bool {
    const HEADINGS: [&str; 4] = ["[totp]", "[throttle]", "[default]", "[enroll]"];
    let mut found = [false; HEADINGS.len()];
    let is_new_heading = |line: &str, found: &mut [bool]| {
        let place = HEADINGS.iter().position(|heading| *heading == line).and_then(|nth| found.get_mut(nth));
        place.is_some_and(|found| !std::mem::replace(found, true))
    };
    // TOML allows no other control characters, in comments neither.
    text.bytes().all(|byte| matches!(byte, b'\t' | b'\n' | b' '..=b'~' | 0x80..))
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

/// What is wrong, and at which byte of the text.
struct Wrong {
    at: usize,
    message: String,
}

/// A table of the file in which only the settings that are known may stand.
struct Section<'t, 'i> {
    table: Option<&'t DeTable<'i>>,
    at: usize,
}

impl<'t, 'i> Section<'t, 'i> {
    fn new(table: &'t DeTable<'i>, at: usize, known: &[&str]) -> Result<Self, Wrong> {
        let unknown = table.keys().filter(|key| !known.contains(&key.get_ref().as_ref()));
        match unknown.min_by_key(|key| key.span().start) {
            Some(key) => Err(Wrong {
                at: key.span().start,
                message: format!("unknown setting `{}`; known here are {}", key.get_ref(), known.join(", ")),
            }),
            None => Ok(Self { table: Some(table), at }),
        }
    }

    fn value(&self, key: &str) -> Option<&'t Spanned<DeValue<'i>>> {
        self.table?.get(key)
    }

    fn section(&self, key: &str, known: &[&str]) -> Result<Self, Wrong> {
        match self.value(key) {
            None => Ok(Self { table: None, at: self.at }),
            Some(value) => match value.get_ref().as_table() {
                Some(table) => Self::new(table, value.span().start, known),
                None => Err(wrong_type(value, "a table")),
            },
        }
    }

    /// A text that `make` takes, or else the sentence on what is expected.
    fn text<T>(&self, key: &str, make: impl FnOnce(&str) -> Result<T, &'static str>) -> Result<Option<T>, Wrong> {
        let Some(value) = self.value(key) else { return Ok(None) };
        let text = value.get_ref().as_str().ok_or_else(|| wrong_type(value, "a string"))?;
        make(text).map(Some).map_err(|expected| Wrong { at: value.span().start, message: expected.to_owned() })
    }

    /// A whole number in its range, in the type that it has in the config.
    fn number<T: TryFrom<u64>>(&self, key: &str, range: RangeInclusive<u64>) -> Result<Option<T>, Wrong> {
        let Some(value) = self.value(key) else { return Ok(None) };
        let digits = value.get_ref().as_integer().ok_or_else(|| wrong_type(value, "a whole number"))?;
        let number = u64::from_str_radix(digits.as_str(), digits.radix()).ok();
        let number = number.filter(|number| range.contains(number)).and_then(|number| T::try_from(number).ok());
        number.map(Some).ok_or_else(|| Wrong {
            at: value.span().start,
            message: format!("{} to {} is expected here", range.start(), range.end()),
        })
    }
}

fn wrong_type(value: &Spanned<DeValue<'_>>, expected: &str) -> Wrong {
    let found = value.get_ref().type_str();
    Wrong { at: value.span().start, message: format!("{expected} is expected here, not: {found}") }
}

const SETTINGS: &[&str] = &["store", "keys", "prompt", "totp", "throttle", "default", "enroll"];
const ENROLL_SETTINGS: &[&str] = &["issuer", "account", "algorithm", "digits", "period", "backup_codes"];
const THROTTLE_SETTINGS: &[&str] = &[
    "known_sources",
    "known_failures",
    "combined_failures",
    "other_failures",
    "free_failures",
    "first_wait",
    "long_wait_from",
    "long_wait",
];

fn read_file(file: &Section<'_, '_>) -> Result<Config, Wrong> {
    let default = Config::default();
    let totp = file.section("totp", &["window"])?;
    let people = file.section("default", &["not_enrolled"])?;
    Ok(Config {
        store: file.text("store", absolute_path)?.unwrap_or(default.store),
        keys: file.text("keys", absolute_path)?.unwrap_or(default.keys),
        prompt: file.text("prompt", prompt)?.unwrap_or(default.prompt),
        window: totp.number("window", 0..=1)?.and_then(Window::new).unwrap_or(default.window),
        limits: read_limits(&file.section("throttle", THROTTLE_SETTINGS)?)?,
        not_enrolled: people.text("not_enrolled", not_enrolled)?,
        enroll: read_enroll(&file.section("enroll", ENROLL_SETTINGS)?, default.enroll)?,
    })
}

fn read_enroll(section: &Section<'_, '_>, default: EnrollDefaults) -> Result<EnrollDefaults, Wrong> {
    Ok(EnrollDefaults {
        issuer: section.text("issuer", label)?,
        account: section.text("account", label)?,
        algorithm: section.text("algorithm", algorithm)?.unwrap_or(default.algorithm),
        digits: section.number("digits", 6..=8)?.and_then(Digits::new).unwrap_or(default.digits),
        period: section.number("period", 15..=120)?.and_then(Period::new).unwrap_or(default.period),
        backup_codes: section.number("backup_codes", 0..=20)?.unwrap_or(default.backup_codes),
    })
}

/// The numbers, with their sum held against NIST's: none can mean "never".
fn read_limits(section: &Section<'_, '_>) -> Result<Limits, Wrong> {
    let default = Limits::default();
    let limits = Limits {
        known_sources: section.number("known_sources", 0..=8)?.unwrap_or(default.known_sources),
        known_failures: section.number("known_failures", 1..=100)?.unwrap_or(default.known_failures),
        combined_failures: section.number("combined_failures", 1..=100)?.unwrap_or(default.combined_failures),
        other_failures: section.number("other_failures", 1..=100)?.unwrap_or(default.other_failures),
        free_failures: section.number("free_failures", 0..=10)?.unwrap_or(default.free_failures),
        first_wait: section.number("first_wait", 1..=86_400)?.unwrap_or(default.first_wait),
        long_wait_from: section.number("long_wait_from", 1..=10)?.unwrap_or(default.long_wait_from),
        long_wait: section.number("long_wait", 60..=86_400)?.unwrap_or(default.long_wait),
    };
    if limits.sum() > MOST_FAILURES {
        return Err(Wrong {
            at: section.at,
            message: format!(
                "known_sources x known_failures + combined_failures + other_failures is {}; at most {MOST_FAILURES} \
                 wrong codes may be judged before an administrator unlocks (NIST 800-63B-4 3.2.2)",
                limits.sum()
            ),
        });
    }
    Ok(limits)
}

fn absolute_path(text: &str) -> Result<PathBuf, &'static str> {
    let path = PathBuf::from(text);
    let plain = path.components().all(|c| matches!(c, Component::RootDir | Component::Normal(_)));
    if path.is_absolute() && plain { Ok(path) } else { Err("an absolute path without '..' is expected here") }
}

fn prompt(text: &str) -> Result<String, &'static str> {
    if text.is_empty() || text.len() > 128 || text.chars().any(char::is_control) {
        return Err("a prompt has 1 to 128 bytes and no control characters");
    }
    // sudo replaces a prompt that looks like the password's by its own (THREATS H-06).
    if text.trim().trim_end_matches(':').trim_end().eq_ignore_ascii_case("password") {
        return Err("a prompt like the password's would be replaced by sudo and mistaken by people");
    }
    Ok(text.to_owned())
}

fn label(text: &str) -> Result<String, &'static str> {
    let refused = text.trim().is_empty() || text.len() > 128 || text.chars().any(|c| c.is_control() || c == ':');
    if refused {
        Err("1 to 128 bytes without ':' and control characters are expected here")
    } else {
        Ok(text.to_owned())
    }
}

fn not_enrolled(text: &str) -> Result<NotEnrolledRule, &'static str> {
    match text {
        "refuse" => Ok(NotEnrolledRule::Refuse),
        "exempt" => Ok(NotEnrolledRule::Exempt),
        "enroll" => Ok(NotEnrolledRule::Enroll),
        _ => Err("\"refuse\", \"exempt\" or \"enroll\" is expected here"),
    }
}

fn algorithm(text: &str) -> Result<Algorithm, &'static str> {
    match text {
        "sha1" => Ok(Algorithm::Sha1),
        "sha256" => Ok(Algorithm::Sha256),
        "sha512" => Ok(Algorithm::Sha512),
        _ => Err("\"sha1\", \"sha256\" or \"sha512\" is expected here"),
    }
}

#[cfg(test)]
mod tests;
