// SPDX-License-Identifier: MIT OR Apache-2.0
//! What sshd makes of its settings for each enrolled person, asked of sshd itself, and what that means for a code.

use std::collections::{BTreeMap, BTreeSet};

use nightlatch::store::Person;

use super::kind::Word;
use super::stacks::Service;
use super::{Finding, Machine, Report, Subject, some_of};

/// Each is a run of sshd, of some 20 ms; of more people so many are looked at.
const MOST_PEOPLE: usize = 100;
/// From RFC 5737: an address that no Match block spares by accident.
const FROM: &str = "host=elsewhere.invalid,addr=203.0.113.1";

/// sshd's effective settings for somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Settings(BTreeMap<String, String>);

impl Settings {
    pub(super) fn read(text: &str) -> Self {
        let pairs = text.lines().filter_map(|line| line.split_once(' '));
        Self(pairs.map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned())).collect())
    }

    pub(super) fn value(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    fn says_yes(&self, name: &str) -> bool {
        self.value(name) == "yes"
    }

    /// The lists of methods, any of which is enough. `None` where any single method is.
    fn ways(&self) -> Option<Vec<Vec<&str>>> {
        let methods = self.value("authenticationmethods");
        if methods.is_empty() || methods == "any" {
            return None;
        }
        Some(methods.split_whitespace().map(|way| way.split(',').collect()).collect())
    }
}

fn is_method(word: &str, method: &str) -> bool {
    word.split(':').next() == Some(method)
}

/// What a person's settings mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Odd {
    NoPam,
    NoPrompt,
    NoKeyFirst,
    KeyAlone,
    PasswordMethod,
}

/// What sshd's own service asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Asks {
    one_text: bool,
    key_first: bool,
}

fn odd(settings: &Settings, asks: Asks, is_root: bool) -> Vec<Odd> {
    if !settings.says_yes("usepam") {
        return vec![Odd::NoPam];
    }
    if is_root && settings.value("permitrootlogin") == "no" {
        return Vec::new();
    }
    let mut odd = Vec::new();
    let ways = settings.ways();
    let asked = |method: &str| {
        ways.as_ref().is_none_or(|ways| ways.iter().any(|way| way.iter().any(|word| is_method(word, method))))
    };
    let has_prompt = settings.says_yes("kbdinteractiveauthentication");
    let has_password = settings.says_yes("passwordauthentication");
    // By `password` too, where the code comes in the same text.
    let can_ask = has_prompt || (asks.one_text && has_password);
    if asked("keyboard-interactive") && !can_ask {
        odd.push(Odd::NoPrompt);
    }
    if ways.is_none() && settings.says_yes("pubkeyauthentication") {
        odd.push(Odd::KeyAlone);
    }
    if asked("password") && has_password && has_prompt && !asks.one_text {
        odd.push(Odd::PasswordMethod);
    }
    if asks.key_first
        && let Some(ways) = &ways
    {
        let prompts = |way: &&Vec<&str>| way.iter().any(|word| is_method(word, "keyboard-interactive"));
        let key_is_first = |way: &Vec<&str>| way.first().is_some_and(|word| is_method(word, "publickey"));
        if ways.iter().filter(prompts).any(|way| !key_is_first(way)) {
            odd.push(Odd::NoKeyFirst);
        }
    }
    odd
}

/// Whether the settings name a key as enough, so that it is surely meant so.
fn names_key_alone(settings: &Settings) -> bool {
    settings.ways().is_some_and(|ways| ways.iter().any(|way| matches!(way[..], [word] if is_method(word, "publickey"))))
}

/// Why sshd does not tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Silent {
    /// It is not there, or not ready to run.
    NotReady(String),
    /// It refuses its own settings.
    Refuses(String),
}

/// Those of one person.
pub(super) fn settings_of(machine: &Machine<'_>, user: &str) -> Result<Settings, Silent> {
    let person = format!("user={user},{FROM}");
    match machine.programs.run("sshd", &["-T", "-C", &person]) {
        Ok(said) if said.status == 0 => Ok(Settings::read(&said.stdout)),
        Ok(said) => Err(silent(said.stderr.lines().next().unwrap_or_default())),
        Err(_) => Err(Silent::NotReady("sshd is not installed".to_owned())),
    }
}

fn silent(reason: &str) -> Silent {
    let not_ready = ["privilege separation", "hostkeys", "host key"].iter().any(|word| reason.contains(word));
    if not_ready || reason.is_empty() {
        Silent::NotReady(format!("'sshd -T' fails: {reason}"))
    } else {
        Silent::Refuses(reason.to_owned())
    }
}

/// sshd's own files, as one text.
fn written(machine: &Machine<'_>) -> String {
    const SNIPPETS: &str = "/etc/ssh/sshd_config.d";
    let snippets = machine.names_in(SNIPPETS).into_iter().map(|name| format!("{SNIPPETS}/{name}"));
    let paths = std::iter::once("/etc/ssh/sshd_config".to_owned()).chain(snippets);
    paths.filter_map(|path| machine.text(&path)).collect::<Vec<_>>().join("\n")
}

/// The lines on which it depends who comes.
fn conditions(written: &str) -> Vec<&str> {
    let begins = |line: &&str| line.get(..5).is_some_and(|word| word.eq_ignore_ascii_case("match"));
    written.lines().map(str::trim_start).filter(begins).collect()
}

/// Those whom a Match block names come first: where not everybody can be looked at, they matter.
fn named_first(mut people: Vec<String>, conditions: &[&str]) -> Vec<String> {
    let words: BTreeSet<&str> = conditions.iter().flat_map(|line| line.split([' ', '\t', ',', '=', '"'])).collect();
    people.sort_by_key(|name| !words.contains(name.as_str()));
    people
}

pub(super) fn examine(machine: &Machine<'_>, services: &[Service], report: &mut Report) {
    let Some(sshd) = services.iter().find(|service| service.name == "sshd") else {
        return report.skipped(Subject::Sshd, "/etc/pam.d/sshd does not name pam_nightlatch.so");
    };
    let asks =
        Asks { one_text: sshd.takes_one_text(), key_first: sshd.auth.ours().all(|line| line.says("require_key")) };
    let written = written(machine);
    let conditions = conditions(&written);
    let (people, depends) = (named_first(enrolled(machine), &conditions), !conditions.is_empty());
    let most = if depends { MOST_PEOPLE } else { 1 };
    let (mut by_odd, mut key_alone) = (BTreeMap::<Odd, Vec<String>>::new(), Vec::new());
    let asked: Vec<_> = people.iter().take(most).cloned().collect();
    // Nobody is enrolled yet: what anybody would meet.
    let asked = if asked.is_empty() { vec!["root".to_owned()] } else { asked };
    for user in &asked {
        let settings = match settings_of(machine, user) {
            Ok(settings) => settings,
            Err(Silent::NotReady(because)) => return report.skipped(Subject::Sshd, because),
            Err(Silent::Refuses(because)) => {
                let message = format!("sshd refuses its own settings and will not start again: {because}");
                let remedy = "correct them until 'sshd -t' is silent, before sshd is restarted or the host reboots";
                report.found(Finding::new(Word::SshdSettings.into(), message, remedy).at("/etc/ssh/sshd_config"));
                return report.skipped(Subject::Sshd, "its settings cannot be read");
            }
        };
        for odd in odd(&settings, asks, user == "root") {
            by_odd.entry(odd).or_default().push(user.clone());
        }
        if names_key_alone(&settings) {
            key_alone.push(user.clone());
        }
    }
    let whom = |users: &[String]| if depends { some_of(users) } else { "everybody".to_owned() };
    for (odd, users) in &by_odd {
        report.found(of_odd(*odd, &whom(users)));
    }
    let mut message = match (depends, people.len() > most) {
        (true, true) => format!("settings of {most} of {} people who are enrolled", people.len()),
        (true, false) => format!("settings of {} people who are enrolled", people.len()),
        (false, _) => "settings, which are the same for everybody".to_owned(),
    };
    if !key_alone.is_empty() {
        message.push_str(&format!("; by AuthenticationMethods a key alone is enough for {}", whom(&key_alone)));
    }
    report.looked(Subject::Sshd, message);
}

fn enrolled(machine: &Machine<'_>) -> Vec<String> {
    let people = machine.site.and_then(|site| site.store().ok()?.people().ok()).unwrap_or_default();
    let name = |person: Person| person.name.as_str().to_owned();
    people.into_iter().filter_map(|(_, person)| person.ok().map(name)).filter(|name| is_plain(name)).collect()
}

/// What -C takes: a comma would begin another of its words.
fn is_plain(name: &str) -> bool {
    !name.contains([',', '=', ' '])
}

fn of_odd(odd: Odd, whom: &str) -> Finding {
    const SNIPPET: &str = "copy a snippet of ours (pam.d/*.conf) to /etc/ssh/sshd_config.d/10-nightlatch.conf, 'sshd -t', \
                           and reload sshd";
    let (word, message, remedy) = match odd {
        Odd::NoPam => (
            Word::SshdNoPam,
            format!("sshd: UsePAM is no for {whom}: its service file is never read, and no code is asked for"),
            SNIPPET.to_owned(),
        ),
        Odd::NoPrompt => (
            Word::SshdNoPrompt,
            format!(
                "sshd: KbdInteractiveAuthentication is no for {whom}: there is no prompt for a code, and they are refused"
            ),
            SNIPPET.to_owned(),
        ),
        Odd::NoKeyFirst => (
            Word::SshdNoKeyFirst,
            format!(
                "sshd: the line says require_key, and AuthenticationMethods lets {whom} come without a key: refused"
            ),
            "put sshd-key-code.conf into /etc/ssh/sshd_config.d/10-nightlatch.conf, 'sshd -t', and reload sshd"
                .to_owned(),
        ),
        Odd::KeyAlone => (
            Word::SshdKeyAlone,
            format!("sshd: a key alone lets {whom} in, without a code: AuthenticationMethods asks for nothing more"),
            format!("{SNIPPET}; where a key is meant to be enough, sshd-key-or-password-code.conf says so"),
        ),
        Odd::PasswordMethod => (
            Word::SshdPasswordMethod,
            format!(
                "sshd: PasswordAuthentication is yes for {whom}: that method puts the password into our prompt, which refuses it"
            ),
            format!("say 'PasswordAuthentication no': {SNIPPET}"),
        ),
    };
    Finding::new(word.into(), message, remedy).at("/etc/ssh/sshd_config")
}

#[cfg(test)]
mod tests {
    use super::*;

    const READY: [(&str, &str, bool); 4] = [
        ("sshd-password-code", "keyboard-interactive:pam publickey,keyboard-interactive:pam", false),
        ("sshd-key-code", "publickey,keyboard-interactive:pam", true),
        ("sshd-key-or-password-code", "publickey keyboard-interactive:pam", false),
        ("sshd-key-code-or-password-code", "publickey,keyboard-interactive:pam keyboard-interactive:pam", false),
    ];

    fn settings(changes: &[(&str, &str)]) -> Settings {
        let mut settings = Settings::read(
            "usepam yes\nkbdinteractiveauthentication yes\npasswordauthentication no\npubkeyauthentication yes\n\
             permitrootlogin without-password\nauthenticationmethods keyboard-interactive:pam",
        );
        settings.0.extend(changes.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        settings
    }

    const ASKED_TWICE: Asks = Asks { one_text: false, key_first: false };

    #[test]
    fn nothing_is_odd_with_a_ready_snippet() {
        for (name, methods, key_first) in READY {
            let settings = settings(&[("authenticationmethods", methods)]);
            assert_eq!(odd(&settings, Asks { one_text: false, key_first }, false), [], "{name}");
            assert_eq!(names_key_alone(&settings), name == "sshd-key-or-password-code", "{name}");
        }
    }

    #[test]
    fn each_setting_that_keeps_the_code_away_is_odd() {
        for (changes, expected) in [
            (&[("usepam", "no")][..], &[Odd::NoPam][..]),
            (&[("kbdinteractiveauthentication", "no")], &[Odd::NoPrompt]),
            (&[("authenticationmethods", "any")], &[Odd::KeyAlone]),
            (&[("authenticationmethods", "any"), ("pubkeyauthentication", "no")], &[]),
            (
                &[("authenticationmethods", "any"), ("passwordauthentication", "yes")],
                &[Odd::KeyAlone, Odd::PasswordMethod],
            ),
            (&[("passwordauthentication", "yes")], &[]),
            (&[("authenticationmethods", "publickey"), ("kbdinteractiveauthentication", "no")], &[]),
        ] {
            assert_eq!(odd(&settings(changes), ASKED_TWICE, false), expected, "{changes:?}");
        }
    }

    #[test]
    fn a_code_in_the_password_s_text_needs_no_second_prompt() {
        let by_password = [("kbdinteractiveauthentication", "no"), ("passwordauthentication", "yes")];
        let asks = Asks { one_text: true, key_first: false };
        assert_eq!(odd(&settings(&by_password), asks, false), []);
        assert_eq!(odd(&settings(&by_password), ASKED_TWICE, false), [Odd::NoPrompt]);
    }

    #[test]
    fn whoever_must_bring_a_key_is_asked_for_it_by_sshd_first() {
        let asks = Asks { one_text: false, key_first: true };
        assert_eq!(odd(&settings(&[]), asks, false), [Odd::NoKeyFirst]);
        let key = [("authenticationmethods", "publickey,keyboard-interactive:pam")];
        assert_eq!(odd(&settings(&key), asks, false), []);
    }

    #[test]
    fn whoever_a_match_block_names_is_looked_at_first() {
        let people = ["ann", "bob", "carl"].map(str::to_owned).to_vec();
        let text = "Port 22\n  match user carl,dora\nMatch Group ann2\n#Match User bob\n";
        assert_eq!(named_first(people.clone(), &conditions(text)), ["carl", "ann", "bob"]);
        assert_eq!(conditions("Port 22\n#Match User bob\n"), [""; 0]);
        assert_eq!(named_first(people.clone(), &[]), people);
    }

    #[test]
    fn root_who_may_not_log_in_is_not_told_of() {
        let any = [("authenticationmethods", "any"), ("permitrootlogin", "no")];
        assert_eq!(odd(&settings(&any), ASKED_TWICE, true), []);
        assert_eq!(odd(&settings(&any), ASKED_TWICE, false), [Odd::KeyAlone]);
    }
}
