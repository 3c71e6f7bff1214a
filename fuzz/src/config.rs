// SPDX-License-Identifier: MIT OR Apache-2.0
//! The administrator's file: whatever it says, what is read lies in its bounds, can be written down and read again, and
//! nothing in it is passed over.

use std::fmt::Write as _;
use std::path::Path;

use nightlatch::config::{Config, ConfigError};
use nightlatch::policy::{Group, NotEnrolledRule, Policy, Rule};
use nightlatch::verify::judge::Window;

const PATH: &str = "/etc/nightlatch/config.toml";

fn parse(text: &[u8]) -> Result<Config, ConfigError> {
    Config::parse(text, Path::new(PATH))
}

/// # Panics
///
/// Where a promise is broken.
pub fn try_input(input: &[u8]) {
    match parse(input) {
        Ok(config) => {
            lies_in_its_bounds(&config);
            let written = written_down(&config);
            let again = parse(written.as_bytes()).unwrap_or_else(|error| panic!("{error}\n{written}"));
            assert_eq!(without_lines(&again), without_lines(&config), "{written}");
            // A setting that is not known is an error, whatever stands before it.
            let mut more = b"nulok = true\n".to_vec();
            more.extend_from_slice(input);
            assert!(parse(&more).is_err(), "passed over");
        }
        Err(ConfigError::Content { path, line, column, message }) => {
            let lines = input.iter().filter(|byte| **byte == b'\n').count() + 1;
            assert_eq!(path, Path::new(PATH));
            assert!((1..=lines).contains(&line), "line {line} of {lines}");
            assert!((1..=input.len() + 1).contains(&column), "column {column}");
            assert!(!message.is_empty());
        }
        Err(other) => panic!("a text has no such fault: {other}"),
    }
}

/// All that a config holds, but for the lines that its rules stand in: another writer puts them elsewhere.
fn without_lines(config: &Config) -> String {
    let shown = format!("{config:?}");
    let mut parts = shown.split(", line: ");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |text, part| text + part.trim_start_matches(|c: char| c.is_ascii_digit()))
}

fn lies_in_its_bounds(config: &Config) {
    for path in [config.store(), config.keys()] {
        assert!(path.is_absolute() && !path.components().any(|part| part.as_os_str() == ".."), "{path:?}");
    }
    assert!((1..=128).contains(&config.prompt().len()) && !config.prompt().contains(char::is_control));
    assert!(!config.prompt().to_ascii_lowercase().trim().eq("password:"), "sudo would replace it");
    for (name, [prompt, combined, refusal]) in config.services() {
        assert!(
            (1..=64).contains(&name.len()) && !name.contains(|c: char| c == '/' || !c.is_ascii_graphic()),
            "{name:?}"
        );
        for prompt in [prompt, combined].into_iter().flatten() {
            assert!((1..=128).contains(&prompt.len()) && !prompt.contains(char::is_control));
        }
        assert!(
            refusal.is_none_or(|sentence| (1..=200).contains(&sentence.len()) && !sentence.contains(char::is_control))
        );
    }
    let limits = config.rules().limits;
    let most = u32::from(limits.known_sources) * u32::from(limits.known_failures)
        + u32::from(limits.combined_failures)
        + u32::from(limits.other_failures);
    assert!(most <= 100, "{most} wrong codes before an administrator unlocks");
    assert!(limits.known_failures > 0 && limits.combined_failures > 0 && limits.other_failures > 0);
    assert!(limits.known_sources <= 8 && limits.free_failures <= 10 && (1..=10).contains(&limits.long_wait_from));
    assert!((1..=86_400).contains(&limits.first_wait) && (60..=86_400).contains(&limits.long_wait));
    let enroll = config.enroll();
    assert!((6..=8).contains(&enroll.digits.count()) && (15..=120).contains(&enroll.period.seconds()));
    assert!(enroll.backup_codes <= 20);
    for label in [&enroll.issuer, &enroll.account].into_iter().flatten() {
        assert!((1..=128).contains(&label.len()) && !label.contains(|c: char| c == ':' || c.is_control()));
    }
    if let Some(contact) = &enroll.contact {
        assert!((1..=200).contains(&contact.len()) && !contact.contains(char::is_control));
    }
    let rules = &config.policy().rules;
    for (index, rule) in rules.iter().enumerate() {
        let name = rule.name.as_str();
        let is_plain = name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
        assert!((1..=32).contains(&name.len()) && is_plain, "{name:?} in a line of the log");
        assert!(rules[..index].iter().all(|earlier| earlier.name != rule.name && earlier.line <= rule.line));
        for service in rule.conditions.service.iter().flatten() {
            assert!(!service.is_empty() && !service.contains(|c: char| c.is_ascii_uppercase() || c == '/'));
        }
        let negated = |text: &str| text.starts_with(['!', '-', '^', '~']);
        assert!(!rule.conditions.user.iter().flatten().any(|user| negated(user.as_str())));
        assert!(!rule.conditions.group.iter().flatten().any(|group| negated(&group.to_string())));
    }
}

fn written_down(config: &Config) -> String {
    let (limits, enroll) = (config.rules().limits, config.enroll());
    let mut text = format!(
        "store = {}\nkeys = {}\nprompt = {}\n",
        quoted(config.store().to_str().expect("TOML is UTF-8")),
        quoted(config.keys().to_str().expect("TOML is UTF-8")),
        quoted(config.prompt())
    );
    if let Some(prompt) = config.combined_prompt() {
        let _ = writeln!(text, "combined_prompt = {}", quoted(prompt));
    }
    if let Some(sentence) = config.refusal() {
        let _ = writeln!(text, "refusal = {}", quoted(sentence));
    }
    text.push_str(&defaults(config.policy()));
    let _ = write!(
        text,
        "totp.window = {}\n[throttle]\nknown_sources = {}\nknown_failures = {}\ncombined_failures = {}\n\
         other_failures = {}\nfree_failures = {}\nfirst_wait = {}\nlong_wait_from = {}\nlong_wait = {}\n[enroll]\n",
        u8::from(config.rules().window == Window::ONE),
        limits.known_sources,
        limits.known_failures,
        limits.combined_failures,
        limits.other_failures,
        limits.free_failures,
        limits.first_wait,
        limits.long_wait_from,
        limits.long_wait
    );
    for (key, label) in [("issuer", &enroll.issuer), ("account", &enroll.account)] {
        if let Some(label) = label {
            let _ = writeln!(text, "{key} = {}", quoted(label));
        }
    }
    let _ = write!(
        text,
        "algorithm = '{}'\ndigits = {}\nperiod = {}\nbackup_codes = {}\n",
        enroll.algorithm.name(),
        enroll.digits.count(),
        enroll.period.seconds(),
        enroll.backup_codes
    );
    if let Some(contact) = &enroll.contact {
        let _ = writeln!(text, "contact = {}", quoted(contact));
    }
    for rule in &config.policy().rules {
        text.push_str(&rule_written_down(rule));
    }
    for (name, [prompt, combined, refusal]) in config.services() {
        let _ = writeln!(text, "[service.{}]", quoted(name));
        for (key, prompt) in [("prompt", prompt), ("combined_prompt", combined), ("refusal", refusal)] {
            if let Some(prompt) = prompt {
                let _ = writeln!(text, "{key} = {}", quoted(prompt));
            }
        }
    }
    text
}

fn defaults(policy: &Policy) -> String {
    let others = match policy.not_enrolled {
        None => String::new(),
        Some(NotEnrolledRule::Refuse) => "default.not_enrolled = 'refuse'\n".to_owned(),
        Some(NotEnrolledRule::Exempt) => "default.not_enrolled = 'exempt'\n".to_owned(),
        Some(NotEnrolledRule::Enroll) => "default.not_enrolled = 'enroll'\n".to_owned(),
        Some(NotEnrolledRule::ExemptUntil(time)) => format!("default.not_enrolled_exempt_until = {time}\n"),
    };
    format!("default.enrolled = '{}'\n{others}", policy.enrolled.name())
}

fn rule_written_down(rule: &Rule) -> String {
    let list = |name: &str, entries: Option<Vec<String>>| match entries {
        Some(entries) => format!("{name} = [{}]\n", entries.join(", ")),
        None => String::new(),
    };
    let word = |name: &str, word: Option<bool>| word.map_or(String::new(), |word| format!("{name} = {word}\n"));
    let conditions = &rule.conditions;
    let users = conditions.user.as_ref().map(|users| users.iter().map(|user| quoted(user.as_str())).collect());
    let services = conditions.service.as_ref().map(|services| services.iter().map(|name| quoted(name)).collect());
    let sources = conditions.source.as_ref().map(|list| list.iter().map(|each| quoted(&each.to_string())).collect());
    let group = |group: &Group| match group {
        Group::Gid(gid) => gid.to_string(),
        Group::Name(name) => quoted(name),
    };
    let groups = conditions.group.as_ref().map(|groups| groups.iter().map(group).collect());
    format!("[[rule]]\nname = {}\naction = '{}'\n", quoted(rule.name.as_str()), rule.action.name())
        + &list("user", users)
        + &list("service", services)
        + &list("source", sources)
        + &list("group", groups)
        + &word("ssh_key", conditions.ssh_key)
        + &word("enrolled", conditions.enrolled)
}

/// A basic string of TOML with every character that is not plain ASCII as its number.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            ' '..='~' if character != '"' && character != '\\' => quoted.push(character),
            other => {
                let _ = write!(quoted, "\\U{:08X}", u32::from(other));
            }
        }
    }
    quoted + "\""
}
