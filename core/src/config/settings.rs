// SPDX-License-Identifier: MIT OR Apache-2.0
//! The settings one by one: which there are, what each may say, and what holds where it says nothing.

use std::path::{Component, PathBuf};

use crate::config::rules::read_policy;
use crate::config::section::{Section, Wrong};
use crate::config::service::read_services;
use crate::config::{Config, EnrollDefaults};
use crate::record::{Digits, Period};
use crate::secret::Algorithm;
use crate::verify::judge::Window;
use crate::verify::throttle::Limits;

/// NIST 800-63B-4 §3.2.2: no more wrong codes than this before the authenticator is disabled.
const MOST_FAILURES: u32 = 100;

pub(super) const SETTINGS: &[&str] = &[
    "store",
    "keys",
    "prompt",
    "combined_prompt",
    "refusal",
    "service",
    "totp",
    "throttle",
    "default",
    "enroll",
    "rule",
];
const ENROLL_SETTINGS: &[&str] = &["issuer", "account", "algorithm", "digits", "period", "backup_codes", "contact"];
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

/// What was wrong is noted with the section; the text is there for the lines that rules stand in.
pub(super) fn read_file(file: &Section<'_, '_>, text: &str) -> Config {
    let default = Config::default();
    let totp = file.section("totp", &["window"]);
    Config {
        store: file.text("store", absolute_path).unwrap_or(default.store),
        keys: file.text("keys", absolute_path).unwrap_or(default.keys),
        prompt: file.text("prompt", prompt).unwrap_or(default.prompt),
        combined_prompt: file.text("combined_prompt", prompt),
        refusal: file.text("refusal", sentence),
        services: read_services(file),
        window: totp.number("window", 0..=1).and_then(Window::new).unwrap_or(default.window),
        limits: read_limits(&file.section("throttle", THROTTLE_SETTINGS)),
        policy: read_policy(file, text),
        enroll: read_enroll(&file.section("enroll", ENROLL_SETTINGS), default.enroll),
    }
}

fn read_enroll(section: &Section<'_, '_>, default: EnrollDefaults) -> EnrollDefaults {
    EnrollDefaults {
        issuer: section.text("issuer", label),
        account: section.text("account", label),
        algorithm: section.text("algorithm", algorithm).unwrap_or(default.algorithm),
        digits: section.number("digits", 6..=8).and_then(Digits::new).unwrap_or(default.digits),
        period: section.number("period", 15..=120).and_then(Period::new).unwrap_or(default.period),
        backup_codes: section.number("backup_codes", 0..=20).unwrap_or(default.backup_codes),
        contact: section.text("contact", sentence),
    }
}

/// The numbers, with their sum held against NIST's: none can mean "never".
fn read_limits(section: &Section<'_, '_>) -> Limits {
    let default = Limits::default();
    let limits = Limits {
        known_sources: section.number("known_sources", 0..=8).unwrap_or(default.known_sources),
        known_failures: section.number("known_failures", 1..=100).unwrap_or(default.known_failures),
        combined_failures: section.number("combined_failures", 1..=100).unwrap_or(default.combined_failures),
        other_failures: section.number("other_failures", 1..=100).unwrap_or(default.other_failures),
        free_failures: section.number("free_failures", 0..=10).unwrap_or(default.free_failures),
        first_wait: section.number("first_wait", 1..=86_400).unwrap_or(default.first_wait),
        long_wait_from: section.number("long_wait_from", 1..=10).unwrap_or(default.long_wait_from),
        long_wait: section.number("long_wait", 60..=86_400).unwrap_or(default.long_wait),
    };
    if limits.sum() > MOST_FAILURES {
        section.wrongs.note(Wrong {
            at: section.at,
            message: format!(
                "known_sources x known_failures + combined_failures + other_failures is {}; at most {MOST_FAILURES} \
                 wrong codes may be judged before an administrator unlocks (NIST 800-63B-4 3.2.2)",
                limits.sum()
            ),
        });
    }
    limits
}

fn absolute_path(text: &str) -> Result<PathBuf, &'static str> {
    let path = PathBuf::from(text);
    let plain = path.components().all(|c| matches!(c, Component::RootDir | Component::Normal(_)));
    if path.is_absolute() && plain { Ok(path) } else { Err("an absolute path without '..' is expected here") }
}

pub(super) fn prompt(text: &str) -> Result<String, &'static str> {
    if text.is_empty() || text.len() > 128 || text.chars().any(char::is_control) {
        return Err("a prompt has 1 to 128 bytes and no control characters");
    }
    // sudo replaces a prompt that looks like the password's by its own (THREATS H-06).
    if text.trim().trim_end_matches(':').trim_end().eq_ignore_ascii_case("password") {
        return Err("a prompt like the password's would be replaced by sudo and mistaken by people");
    }
    Ok(text.to_owned())
}

/// What people read: the one for all refusals of a service, from which whoever guesses learns nothing; whom to turn to.
pub(super) fn sentence(text: &str) -> Result<String, &'static str> {
    if text.trim().is_empty() || text.len() > 200 || text.chars().any(char::is_control) {
        return Err("a sentence has 1 to 200 bytes and no control characters");
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

fn algorithm(text: &str) -> Result<Algorithm, &'static str> {
    match text {
        "sha1" => Ok(Algorithm::Sha1),
        "sha256" => Ok(Algorithm::Sha256),
        "sha512" => Ok(Algorithm::Sha512),
        _ => Err("\"sha1\", \"sha256\" or \"sha512\" is expected here"),
    }
}
