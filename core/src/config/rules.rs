// SPDX-License-Identifier: MIT OR Apache-2.0
//! The rules of the config and what holds behind them. What could only be meant otherwise than it would work is refused
//! here, with its reason: negations, services that libpam never names, groups that tighten.

use toml::Spanned;
use toml::de::DeValue;

use crate::clock::UnixTime;
use crate::config::line_and_column;
use crate::config::section::{Section, Wrong, number, text, wrong_type};
use crate::policy::{Action, Conditions, Group, NotEnrolledRule, Policy, Rule, RuleName, Source, tightening};
use crate::user::{NotAUserName, UserName};

pub(super) const DEFAULT_SETTINGS: &[&str] = &["enrolled", "not_enrolled", "not_enrolled_exempt_until"];
const RULE_SETTINGS: &[&str] = &["name", "action", "user", "group", "service", "source", "ssh_key", "enrolled"];
const NO_NEGATED_GROUP: &str = "no rule can be for those who are not in a group: a name service that fails can make groups look fewer without an \
     error, and they would all be in it; name the users, or write a rule that relaxes for the group, before this one";
const NO_NEGATION: &str =
    "there is no 'not' in a rule; write a rule for these before this one: the first that holds decides";

/// Rules and defaults; `text` is what they were read from.
pub(super) fn read_policy(file: &Section<'_, '_>, text: &str) -> Policy {
    let wrong_before = file.wrongs.count();
    let sections = file.sections("rule", RULE_SETTINGS, &unknown);
    let (mut rules, mut places) = (Vec::<Rule>::new(), Vec::new());
    for section in &sections {
        let Some(rule) = read_rule(section, text) else { continue };
        if let Some(first) = rules.iter().find(|earlier| earlier.name == rule.name) {
            let at = section.value("name").map_or(section.at, |name| name.span().start);
            file.wrongs.note(Wrong {
                at,
                message: format!("rule '{}' stands in line {} already; each has its own name", rule.name, first.line),
            });
        }
        rules.push(rule);
        places.push(section.at);
    }
    let people = file.section("default", DEFAULT_SETTINGS);
    let enrolled = people.text("enrolled", of_enrolled).unwrap_or(Action::Require);
    let policy = Policy { rules, enrolled, not_enrolled: read_not_enrolled(&people) };
    // What follows a rule is known only where all of them could be read.
    let readable = file.wrongs.count() == wrong_before;
    for (index, at) in places.into_iter().enumerate().filter(|_| readable) {
        if let Some(sentence) = tightening(&policy, index) {
            file.wrongs.note(Wrong { at, message: sentence });
        }
    }
    policy
}

fn unknown(key: &str) -> String {
    match key.strip_prefix("not_") {
        Some("group") => NO_NEGATED_GROUP.to_owned(),
        Some(_) => NO_NEGATION.to_owned(),
        None => format!("unknown setting `{key}`; known here are {}", RULE_SETTINGS.join(", ")),
    }
}

fn read_rule(section: &Section<'_, '_>, file: &str) -> Option<Rule> {
    for (key, expected) in
        [("name", "name = \"...\""), ("action", "action = \"require\", \"exempt\", \"enroll\" or \"refuse\"")]
    {
        if section.value(key).is_none() {
            section.wrongs.note(Wrong { at: section.at, message: format!("a rule has {expected}") });
        }
    }
    let conditions = Conditions {
        user: section.list("user", &|entry| text(entry, user)),
        service: section.list("service", &|entry| text(entry, service)),
        source: section.list("source", &|entry| text(entry, source)),
        ssh_key: section.boolean("ssh_key"),
        group: section.list("group", &group),
        enrolled: section.boolean("enrolled"),
    };
    let (name, action) = (section.text("name", RuleName::parse), section.text("action", action));
    let (line, _) = line_and_column(file, section.at);
    Some(Rule { name: name?, action: action?, conditions, line })
}

fn read_not_enrolled(people: &Section<'_, '_>) -> Option<NotEnrolledRule> {
    let said = people.text("not_enrolled", not_enrolled);
    let until = people.read("not_enrolled_exempt_until", time);
    match (said, until) {
        (Some(NotEnrolledRule::Exempt), Some(_)) => {
            let at = people.value("not_enrolled").map_or(people.at, |value| value.span().start);
            let message =
                "not_enrolled = \"exempt\" has no end, and not_enrolled_exempt_until is one: take out one of them";
            people.wrongs.note(Wrong { at, message: message.to_owned() });
            said
        }
        (_, Some(until)) => Some(NotEnrolledRule::ExemptUntil(until)),
        (said, None) => said,
    }
}

fn action(text: &str) -> Result<Action, &'static str> {
    let action = Action::ALL.into_iter().find(|action| action.name() == text);
    action.ok_or("\"require\", \"exempt\", \"enroll\" or \"refuse\" is expected here")
}

/// Nobody who is enrolled is enrolled once more.
fn of_enrolled(text: &str) -> Result<Action, &'static str> {
    let said = action(text).ok().filter(|action| *action != Action::Enroll);
    said.ok_or("\"require\", \"exempt\" or \"refuse\" is expected here")
}

fn not_enrolled(text: &str) -> Result<NotEnrolledRule, &'static str> {
    match text {
        "refuse" => Ok(NotEnrolledRule::Refuse),
        "exempt" => Ok(NotEnrolledRule::Exempt),
        "enroll" => Ok(NotEnrolledRule::Enroll),
        _ => Err("\"refuse\", \"exempt\" or \"enroll\" is expected here"),
    }
}

fn user(text: &str) -> Result<UserName, &'static str> {
    const EXPECTED: &str = "the name of an account is expected here";
    let name = positive(text, NO_NEGATION)?;
    UserName::parse(name.as_bytes()).map_err(|NotAUserName| EXPECTED)
}

fn service(text: &str) -> Result<String, &'static str> {
    let name = positive(text, NO_NEGATION)?;
    if name.is_empty() || name.chars().any(|c| c.is_control() || c.is_ascii_uppercase() || c == '/') {
        return Err("the name of a file in /etc/pam.d is expected here, in lower case as libpam has it");
    }
    Ok(name.to_owned())
}

fn source(text: &str) -> Result<Source, &'static str> {
    Source::parse(positive(text, NO_NEGATION)?)
}

fn group(entry: &Spanned<DeValue<'_>>) -> Result<Group, Wrong> {
    if entry.get_ref().is_integer() {
        return number(entry, 0..=u64::from(u32::MAX)).map(Group::Gid);
    }
    if !entry.get_ref().is_str() {
        return Err(wrong_type(entry, "the name of a group or its gid"));
    }
    text(entry, |name| {
        let name = positive(name, NO_NEGATED_GROUP)?;
        // Groups are named by the same rules as accounts.
        let named = UserName::parse(name.as_bytes());
        named.map_err(|NotAUserName| "the name of a group, or its gid without quotes, is expected here")?;
        Ok(Group::Name(name.to_owned()))
    })
}

/// Where others write "everybody but".
fn positive<'n>(text: &'n str, why: &'static str) -> Result<&'n str, &'static str> {
    if text.starts_with(['!', '-', '^', '~']) { Err(why) } else { Ok(text) }
}

/// A moment, with or without quotes.
fn time(value: &Spanned<DeValue<'_>>) -> Result<UnixTime, Wrong> {
    let text = match (value.get_ref().as_datetime(), value.get_ref().as_str()) {
        (Some(moment), _) => moment.to_string(),
        (None, Some(text)) => text.to_owned(),
        (None, None) => return Err(wrong_type(value, "a date or a time")),
    };
    UnixTime::from_rfc_3339(&text).ok_or_else(|| Wrong {
        at: value.span().start,
        message: "a date like 2027-01-31, which begins at midnight in UTC, or a time with its zone like \
                  2027-01-31T09:00:00+01:00 is expected here"
            .to_owned(),
    })
}
