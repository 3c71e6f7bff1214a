// SPDX-License-Identifier: MIT OR Apache-2.0
//! The administrator's config.toml, read from a trusted file into values that are all in their range.
//! What is wrong in it is an error with line and column; it is never passed over.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde::de::Error as _;

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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NotEnrolledRule {
    /// Asked and refused.
    Refuse,
    /// Not asked.
    Exempt,
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
        let file: File = toml::from_str(text).map_err(|error| {
            // The message only: toml's Display repeats the line, and one line is what a log takes.
            let message = error.message().replace('\n', "; ");
            content(text, error.span().map_or(0, |span| span.start), message)
        })?;
        Ok(file.into_config())
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

fn line_and_column(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset.min(text.len())).unwrap_or(text);
    let line = before.matches('\n').count().saturating_add(1);
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count().saturating_add(1);
    (line, column)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    store: Option<AbsolutePath>,
    keys: Option<AbsolutePath>,
    prompt: Option<Prompt>,
    #[serde(default)]
    totp: Totp,
    #[serde(default)]
    throttle: CheckedLimits,
    #[serde(default)]
    default: DefaultSection,
    #[serde(default)]
    enroll: Enroll,
}

impl File {
    fn into_config(self) -> Config {
        let default = Config::default();
        Config {
            store: self.store.map_or(default.store, |path| path.0),
            keys: self.keys.map_or(default.keys, |path| path.0),
            prompt: self.prompt.map_or(default.prompt, |prompt| prompt.0),
            window: self.totp.window.map_or(default.window, |window| window.0),
            limits: self.throttle.0,
            not_enrolled: self.default.not_enrolled,
            enroll: EnrollDefaults {
                issuer: self.enroll.issuer.map(|label| label.0),
                account: self.enroll.account.map(|label| label.0),
                algorithm: self.enroll.algorithm.map_or(default.enroll.algorithm, AlgorithmName::algorithm),
                digits: self.enroll.digits.map_or(default.enroll.digits, |digits| digits.0),
                period: self.enroll.period.map_or(default.enroll.period, |period| period.0),
                backup_codes: self.enroll.backup_codes.map_or(default.enroll.backup_codes, |count| count.0),
            },
        }
    }
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Totp {
    window: Option<WindowSteps>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct DefaultSection {
    not_enrolled: Option<NotEnrolledRule>,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct Enroll {
    issuer: Option<Label>,
    account: Option<Label>,
    algorithm: Option<AlgorithmName>,
    digits: Option<DigitCount>,
    period: Option<PeriodSeconds>,
    backup_codes: Option<BackupCount>,
}

#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum AlgorithmName {
    Sha1,
    Sha256,
    Sha512,
}

impl AlgorithmName {
    fn algorithm(self) -> Algorithm {
        match self {
            Self::Sha1 => Algorithm::Sha1,
            Self::Sha256 => Algorithm::Sha256,
            Self::Sha512 => Algorithm::Sha512,
        }
    }
}

#[derive(Deserialize)]
#[serde(try_from = "String")]
struct AbsolutePath(PathBuf);

impl TryFrom<String> for AbsolutePath {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let path = PathBuf::from(text);
        let plain =
            path.components().all(|c| matches!(c, std::path::Component::RootDir | std::path::Component::Normal(_)));
        if path.is_absolute() && plain { Ok(Self(path)) } else { Err("an absolute path without '..' is expected here") }
    }
}

#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Prompt(String);

impl TryFrom<String> for Prompt {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        if text.is_empty() || text.len() > 128 || text.chars().any(char::is_control) {
            return Err("a prompt has 1 to 128 bytes and no control characters");
        }
        // sudo replaces a prompt that looks like the password's by its own (THREATS H-06).
        if text.trim_end().trim_end_matches(':').trim_end().eq_ignore_ascii_case("password") {
            return Err("a prompt like the password's would be replaced by sudo and mistaken by people");
        }
        Ok(Self(text))
    }
}

#[derive(Deserialize)]
#[serde(try_from = "String")]
struct Label(String);

impl TryFrom<String> for Label {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        let refused = text.trim().is_empty() || text.len() > 128 || text.chars().any(|c| c.is_control() || c == ':');
        if refused {
            Err("1 to 128 bytes without ':' and control characters are expected here")
        } else {
            Ok(Self(text))
        }
    }
}

macro_rules! number {
    ($name:ident, $inner:ty, $make:expr, $expected:literal) => {
        #[derive(Deserialize)]
        #[serde(try_from = "i64")]
        struct $name($inner);

        impl TryFrom<i64> for $name {
            type Error = &'static str;

            fn try_from(number: i64) -> Result<Self, Self::Error> {
                let make: fn(i64) -> Option<$inner> = $make;
                make(number).map(Self).ok_or($expected)
            }
        }
    };
}

number!(WindowSteps, Window, |n| Window::new(u8::try_from(n).ok()?), "0 or 1 is expected here");
number!(DigitCount, Digits, |n| Digits::new(u8::try_from(n).ok()?), "6, 7 or 8 is expected here");
number!(PeriodSeconds, Period, |n| Period::new(u16::try_from(n).ok()?), "15 to 120 seconds are expected here");
number!(BackupCount, u8, |n| u8::try_from(n).ok().filter(|n| *n <= 20), "0 to 20 is expected here");
number!(KnownSources, u8, |n| u8::try_from(n).ok().filter(|n| *n <= 8), "0 to 8 is expected here");
number!(Failures, u8, |n| u8::try_from(n).ok().filter(|n| (1..=100).contains(n)), "1 to 100 is expected here");
number!(FreeFailures, u8, |n| u8::try_from(n).ok().filter(|n| *n <= 10), "0 to 10 is expected here");
number!(
    WaitSeconds,
    u32,
    |n| u32::try_from(n).ok().filter(|n| (1..=86_400).contains(n)),
    "1 to 86400 seconds are expected here"
);
number!(LongWaitFrom, u8, |n| u8::try_from(n).ok().filter(|n| (1..=10).contains(n)), "1 to 10 is expected here");
number!(
    LongWaitSeconds,
    u32,
    |n| u32::try_from(n).ok().filter(|n| (60..=86_400).contains(n)),
    "60 to 86400 seconds are expected here"
);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Throttle {
    known_sources: Option<KnownSources>,
    known_failures: Option<Failures>,
    combined_failures: Option<Failures>,
    other_failures: Option<Failures>,
    free_failures: Option<FreeFailures>,
    first_wait: Option<WaitSeconds>,
    long_wait_from: Option<LongWaitFrom>,
    long_wait: Option<LongWaitSeconds>,
}

/// The numbers, with their sum held against NIST's.
struct CheckedLimits(Limits);

impl Default for CheckedLimits {
    fn default() -> Self {
        Self(Limits::default())
    }
}

impl<'de> Deserialize<'de> for CheckedLimits {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let file = Throttle::deserialize(deserializer)?;
        let default = Limits::default();
        let limits = Limits {
            known_sources: file.known_sources.map_or(default.known_sources, |n| n.0),
            known_failures: file.known_failures.map_or(default.known_failures, |n| n.0),
            combined_failures: file.combined_failures.map_or(default.combined_failures, |n| n.0),
            other_failures: file.other_failures.map_or(default.other_failures, |n| n.0),
            free_failures: file.free_failures.map_or(default.free_failures, |n| n.0),
            first_wait: file.first_wait.map_or(default.first_wait, |n| n.0),
            long_wait_from: file.long_wait_from.map_or(default.long_wait_from, |n| n.0),
            long_wait: file.long_wait.map_or(default.long_wait, |n| n.0),
        };
        if limits.sum() > MOST_FAILURES {
            return Err(D::Error::custom(format!(
                "known_sources x known_failures + combined_failures + other_failures is {}; at most {MOST_FAILURES} \
                 wrong codes may be judged before an administrator unlocks (NIST 800-63B-4 3.2.2)",
                limits.sum()
            )));
        }
        Ok(Self(limits))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, String> {
        Config::parse(text.as_bytes(), Path::new("/c.toml")).map_err(|error| error.to_string())
    }

    #[test]
    fn the_text_that_init_writes_says_what_holds_without_it() {
        let uncommented: String = COMMENTED_DEFAULT
            .lines()
            .map(|line| line.strip_prefix("#= ").unwrap_or(line))
            .map(|l| format!("{l}\n"))
            .collect();
        for text in [COMMENTED_DEFAULT, &uncommented] {
            let config = parse(text).unwrap();
            let default = Config::default();
            assert_eq!(config.store(), default.store());
            assert_eq!(config.keys(), default.keys());
            assert_eq!(config.prompt(), default.prompt());
            assert_eq!(config.rules().limits, default.rules().limits);
            assert_eq!(config.rules().window, default.rules().window);
            assert_eq!(config.enroll().algorithm, default.enroll().algorithm);
            assert_eq!(config.enroll().backup_codes, default.enroll().backup_codes);
            assert_ne!(config.not_enrolled(), Some(NotEnrolledRule::Exempt));
        }
    }

    #[test]
    fn what_is_wrong_is_said_with_its_place() {
        for (text, expected) in [
            ("stroe = 1", "/c.toml:1:1: unknown field `stroe`"),
            ("store = 1", "/c.toml:1:9: invalid type: integer `1`, expected a string"),
            ("store = 'var'", "/c.toml:1:9: an absolute path without '..' is expected here"),
            ("store = '/a/../b'", "/c.toml:1:9: an absolute path"),
            ("\n\n[totp]\nwindow = 2", "/c.toml:4:10: 0 or 1 is expected here"),
            ("[totp]\nwindow = -1", "/c.toml:2:10: 0 or 1"),
            ("[throttle]\nfree_failures = 'never'", "/c.toml:2:17: invalid type"),
            ("[throttle]\nfirst_wait = 0", "/c.toml:2:14: 1 to 86400 seconds"),
            ("[throttle]\nother_failures = 51", "/c.toml:1:1: known_sources x known_failures"),
            ("[default]\nnot_enrolled = 'maybe'", "/c.toml:2:16: unknown variant `maybe`"),
            ("[enroll]\ndigits = 5", "/c.toml:2:10: 6, 7 or 8"),
            ("[enroll]\nissuer = 'a:b'", "/c.toml:2:10: 1 to 128 bytes without ':'"),
            ("prompt = 'Password: '", "/c.toml:1:10: a prompt like the password's"),
            ("prompt = ''", "/c.toml:1:10: a prompt has"),
            ("store = '/a'\nstore = '/b'", "/c.toml:2:1: duplicate key"),
            ("x", "/c.toml:1:2: "),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.starts_with(expected), "{text:?}: {error}");
            assert!(!error.contains('\n'), "{error}");
        }
        let not_utf8 = Config::parse(b"a\n \xff", Path::new("/c.toml")).unwrap_err();
        assert_eq!(not_utf8.to_string(), "/c.toml:2:2: not UTF-8");
    }

    #[test]
    fn what_is_set_holds() {
        let config = parse(
            "store = '/srv/n'\nkeys = '/srv/k'\nprompt = 'Code? '\n[totp]\nwindow = 0\n\
             [throttle]\nknown_sources = 0\nother_failures = 20\n[default]\nnot_enrolled = 'exempt'\n\
             [enroll]\nissuer = 'ACME'\naccount = '{user}@{host}'\nalgorithm = 'sha256'\ndigits = 8\nperiod = 60\nbackup_codes = 0",
        )
        .unwrap();
        assert_eq!((config.store(), config.keys()), (Path::new("/srv/n"), Path::new("/srv/k")));
        assert_eq!(config.prompt(), "Code? ");
        assert_eq!(config.rules().window, Window::new(0).unwrap());
        assert_eq!((config.rules().limits.known_sources, config.rules().limits.sum()), (0, 30));
        assert_eq!(config.not_enrolled(), Some(NotEnrolledRule::Exempt));
        assert_eq!(config.enroll().algorithm, Algorithm::Sha256);
        assert_eq!((config.enroll().digits.count(), config.enroll().period.seconds()), (8, 60));
    }
}
