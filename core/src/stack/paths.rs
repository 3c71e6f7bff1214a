// SPDX-License-Identifier: MIT OR Apache-2.0
//! All ways through a service's auth phase, and what is wrong with those that let somebody in: pure, lines in, flaws out.
//! Follows libpam's own dispatch. For `nightlatch doctor`; a login does not look.

use std::collections::HashSet;
use std::path::PathBuf;

use super::lines::{Action, Entry, ModuleLine, Stack};

/// What is wrong with an auth phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Problem {
    /// Somebody gets in though our module refused.
    Undone,
    /// Somebody gets in by the password, and our line is never come by.
    PasswordAlone,
    /// Whoever is exempt gets in without password and without code.
    NobodyAsks,
    /// A code alone gets in, and a password stands in the stack.
    CodeWithoutPassword,
    /// Somebody gets in by another module, and our line is never come by.
    Bypassed,
    /// A code alone gets in, and nothing else is asked for.
    CodeAlone,
    /// A code is asked for before the password.
    BeforePassword,
    /// A code is asked for after a wrong password.
    WrongPasswordAsked,
    /// Two lines of ours on one way.
    Twice,
    /// Whoever is exempt is refused, since nothing else says yes.
    ExemptRefused,
}

/// Something that is wrong, and the line at which it is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Flaw {
    /// What.
    pub problem: Problem,
    /// The file.
    pub path: PathBuf,
    /// From 1.
    pub line: usize,
    /// The module that the line names.
    pub module: String,
}

/// No phase that a person can read has so many.
const MOST_STATES: usize = 400_000;

/// What is wrong with an auth phase that names us, each flaw once. `None` where there are too many ways to look at.
#[must_use]
pub fn flaws(stack: &Stack) -> Option<Vec<Flaw>> {
    let mut search =
        Search { stack, seen: HashSet::new(), flaws: Vec::new(), exempt_get_in: false, codes_get_in: false };
    let mut open: Vec<State> = stack.ours().next().map(|_| State::default()).into_iter().collect();
    while let Some(state) = open.pop() {
        if search.seen.len() > MOST_STATES {
            return None;
        }
        if search.seen.insert(state.clone()) {
            search.follow(state, &mut open);
        }
    }
    Some(search.into_flaws())
}

/// What libpam goes by, and what we want to know of the way so far.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
struct State {
    at: usize,
    impression: Impression,
    /// At the beginning of each substack that is open.
    before: Vec<Impression>,
    ours: Ours,
    /// The line of ours that ran first.
    our_line: Option<usize>,
    password: Password,
    /// A module that we do not know did not say no: it may be a factor.
    other_yes: bool,
    /// The last line that ended a stack with success, left lines out, or made forget.
    turn: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
enum Impression {
    #[default]
    Undefined,
    Positive,
    Negative,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
enum Ours {
    #[default]
    NotRun,
    Accepted,
    Exempt,
    Refused,
    /// By a line that asked nobody.
    RefusedBefore,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
enum Password {
    #[default]
    NotTried,
    Wrong,
    Right,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reply {
    Success,
    Ignore,
    Failure,
}

/// What a module can say of a person.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Class {
    Ours,
    /// Ours with `refused`: asks nobody, refuses, and whatever of ours stands behind it does the same.
    OursRefuses,
    Password,
    Permit,
    Deny,
    /// Says yes to root alone, who needs no code to become anybody.
    Root,
    /// Whatever it says, it has authenticated nobody.
    Neutral,
    Unknown,
}

const PASSWORDS: [&str; 13] = [
    "pam_unix.so",
    "pam_sss.so",
    "pam_ldap.so",
    "pam_krb5.so",
    "pam_winbind.so",
    "pam_userdb.so",
    "pam_pwdfile.so",
    "pam_mysql.so",
    "pam_pgsql.so",
    "pam_radius_auth.so",
    "pam_tacplus.so",
    "pam_systemd_home.so",
    "pam_lsass.so",
];
const NEUTRALS: [&str; 23] = [
    "pam_cap.so",
    "pam_echo.so",
    "pam_ecryptfs.so",
    "pam_env.so",
    "pam_faildelay.so",
    "pam_faillock.so",
    "pam_gnome_keyring.so",
    "pam_group.so",
    "pam_issue.so",
    "pam_keyinit.so",
    "pam_kwallet5.so",
    "pam_lastlog.so",
    "pam_listfile.so",
    "pam_localuser.so",
    "pam_mail.so",
    "pam_motd.so",
    "pam_mount.so",
    "pam_nologin.so",
    "pam_securetty.so",
    "pam_shells.so",
    "pam_succeed_if.so",
    "pam_warn.so",
    "pam_wheel.so",
];

fn class(line: &ModuleLine) -> Class {
    match line.module_name() {
        _ if line.asks_for_a_code() => Class::Ours,
        _ if line.is_ours() => Class::OursRefuses,
        "pam_permit.so" => Class::Permit,
        "pam_deny.so" => Class::Deny,
        "pam_rootok.so" => Class::Root,
        name if PASSWORDS.contains(&name) => Class::Password,
        name if NEUTRALS.contains(&name) => Class::Neutral,
        _ => Class::Unknown,
    }
}

impl Class {
    fn replies(self, state: &State) -> &'static [Reply] {
        match self {
            // A second line repeats what the first said.
            Self::Ours => match state.ours {
                Ours::NotRun => &[Reply::Success, Reply::Ignore, Reply::Failure],
                Ours::Accepted => &[Reply::Success],
                Ours::Exempt => &[Reply::Ignore],
                Ours::Refused | Ours::RefusedBefore => &[Reply::Failure],
            },
            Self::Permit => &[Reply::Success],
            Self::OursRefuses | Self::Deny | Self::Root => &[Reply::Failure],
            Self::Password => &[Reply::Success, Reply::Failure],
            Self::Neutral | Self::Unknown => &[Reply::Success, Reply::Ignore, Reply::Failure],
        }
    }
}

struct Search<'s> {
    stack: &'s Stack,
    seen: HashSet<State>,
    flaws: Vec<Flaw>,
    exempt_get_in: bool,
    codes_get_in: bool,
}

impl Search<'_> {
    fn entry(&self, at: usize) -> Option<&Entry> {
        self.stack.entries.get(at)
    }

    fn level(&self, at: usize) -> usize {
        self.entry(at).map_or(0, |entry| entry.level)
    }

    fn line(&self, at: usize) -> Option<&ModuleLine> {
        self.entry(at).and_then(|entry| entry.line.as_ref())
    }

    fn follow(&mut self, mut state: State, open: &mut Vec<State>) {
        let Some(entry) = self.stack.entries.get(state.at) else { return self.end(&state) };
        state.before.truncate(entry.level);
        let Some(line) = &entry.line else {
            state.before.push(state.impression);
            state.at = state.at.saturating_add(1);
            return open.push(state);
        };
        let class = class(line);
        if class == Class::Ours {
            self.comes_by_us(&state, line);
        }
        if class == Class::Password
            && state.password == Password::NotTried
            && let Some(ours) = state.our_line.and_then(|at| self.line(at)).cloned()
            && !["forward_pass", "try_first_pass", "require_key"].iter().any(|word| ours.says(word))
        {
            self.found(Problem::BeforePassword, &ours);
        }
        for reply in class.replies(&state) {
            let actions = match reply {
                Reply::Success => vec![line.control.on_success()],
                Reply::Ignore => vec![line.control.on_ignore()],
                Reply::Failure => line.control.on_failures(),
            };
            for action in actions {
                let mut next = state.clone();
                next.remember(class, *reply);
                self.act(&mut next, action);
                open.push(next);
            }
        }
    }

    /// As _pam_dispatch_aux does.
    fn act(&self, state: &mut State, action: Action) {
        let (here, level) = (state.at, self.level(state.at));
        state.at = here.saturating_add(1);
        match action {
            Action::Ignore => {}
            Action::Ok | Action::Done => {
                if state.impression == Impression::Undefined {
                    state.impression = Impression::Positive;
                }
                if action == Action::Done && state.impression != Impression::Negative {
                    state.turn = Some(here);
                    state.at = self.behind_the_level(here, level);
                }
            }
            Action::Bad => state.impression = Impression::Negative,
            Action::Die => {
                state.impression = Impression::Negative;
                state.at = self.behind_the_level(here, level);
            }
            Action::Reset => {
                state.turn = Some(here);
                state.impression =
                    level.checked_sub(1).and_then(|at| state.before.get(at).copied()).unwrap_or_default();
            }
            Action::Jump(lines) => {
                state.turn = Some(here);
                match self.behind(here, level, lines) {
                    Some(at) => state.at = at,
                    // libpam calls it a bad jump, and fails.
                    None => {
                        state.impression = Impression::Negative;
                        state.at = self.behind_the_level(here, level);
                    }
                }
            }
        }
    }

    fn behind_the_level(&self, here: usize, level: usize) -> usize {
        let mut at = here.saturating_add(1);
        while self.entry(at).is_some_and(|entry| entry.level >= level) {
            at = at.saturating_add(1);
        }
        at
    }

    /// So many lines further; a substack is one.
    fn behind(&self, here: usize, level: usize, lines: usize) -> Option<usize> {
        let mut at = here.saturating_add(1);
        for _ in 0..lines {
            self.entry(at).filter(|entry| entry.level >= level)?;
            at = at.saturating_add(1);
            while self.entry(at).is_some_and(|entry| entry.level > level) {
                at = at.saturating_add(1);
            }
        }
        Some(at)
    }

    fn comes_by_us(&mut self, state: &State, line: &ModuleLine) {
        match state.ours {
            Ours::NotRun => {}
            Ours::RefusedBefore => return,
            Ours::Accepted | Ours::Exempt | Ours::Refused => return self.found(Problem::Twice, line),
        }
        let in_one_text = ["forward_pass", "use_first_pass", "try_first_pass"].iter().any(|word| line.says(word));
        if state.password == Password::Wrong && !state.other_yes && !in_one_text {
            self.found(Problem::WrongPasswordAsked, line);
        }
    }

    fn end(&mut self, state: &State) {
        if state.impression != Impression::Positive {
            return;
        }
        self.exempt_get_in |= state.ours == Ours::Exempt;
        self.codes_get_in |= state.ours == Ours::Accepted;
        let ours = state.our_line.and_then(|at| self.line(at)).cloned();
        let turn = state.turn.and_then(|at| self.line(at)).cloned();
        let authenticated = state.password == Password::Right || state.other_yes;
        match (state.ours, ours) {
            (Ours::NotRun, _) => {
                let culprit = turn.or_else(|| self.stack.ours().next().cloned());
                let problem = match culprit.as_ref().map(class) {
                    Some(Class::Password | Class::Permit) => Problem::PasswordAlone,
                    Some(
                        Class::Ours | Class::OursRefuses | Class::Deny | Class::Root | Class::Neutral | Class::Unknown,
                    )
                    | None => Problem::Bypassed,
                };
                culprit.iter().for_each(|line| self.found(problem, line));
            }
            (Ours::Refused | Ours::RefusedBefore, Some(ours)) => {
                let binds = ours.control.on_failures().iter().all(|action| matches!(action, Action::Bad | Action::Die));
                let culprit = turn.filter(|_| binds).unwrap_or(ours);
                self.found(Problem::Undone, &culprit);
            }
            (Ours::Exempt, Some(ours)) if !authenticated && !ours.says("require_key") => {
                self.found(Problem::NobodyAsks, &ours);
            }
            (Ours::Accepted, Some(ours)) if !authenticated && !ours.says("require_key") => {
                let has_password = self.stack.lines().any(|line| class(line) == Class::Password);
                let problem = if has_password { Problem::CodeWithoutPassword } else { Problem::CodeAlone };
                self.found(problem, &ours);
            }
            (Ours::Refused | Ours::RefusedBefore | Ours::Exempt | Ours::Accepted, _) => {}
        }
    }

    fn found(&mut self, problem: Problem, line: &ModuleLine) {
        let flaw = Flaw { problem, path: line.path.clone(), line: line.number, module: line.module_name().to_owned() };
        if !self.flaws.contains(&flaw) {
            self.flaws.push(flaw);
        }
    }

    fn into_flaws(mut self) -> Vec<Flaw> {
        if self.codes_get_in
            && !self.exempt_get_in
            && let Some(ours) = self.stack.ours().next().cloned()
        {
            self.found(Problem::ExemptRefused, &ours);
        }
        self.flaws.sort_by(|a, b| (a.problem, &a.path, a.line).cmp(&(b.problem, &b.path, b.line)));
        self.flaws
    }
}

impl State {
    fn remember(&mut self, class: Class, reply: Reply) {
        match (class, reply) {
            (Class::Ours, reply) => {
                self.our_line.get_or_insert(self.at);
                self.ours = match (reply, self.ours) {
                    (Reply::Success, _) => Ours::Accepted,
                    (Reply::Ignore, _) => Ours::Exempt,
                    (Reply::Failure, Ours::RefusedBefore) => Ours::RefusedBefore,
                    (Reply::Failure, Ours::NotRun | Ours::Accepted | Ours::Exempt | Ours::Refused) => Ours::Refused,
                };
            }
            (Class::OursRefuses, Reply::Success | Reply::Ignore | Reply::Failure) => {
                self.our_line.get_or_insert(self.at);
                self.ours = Ours::RefusedBefore;
            }
            (Class::Password, Reply::Success) => self.password = Password::Right,
            (Class::Password, Reply::Failure | Reply::Ignore) if self.password == Password::NotTried => {
                self.password = Password::Wrong;
            }
            // One that has nothing to say may still be a factor for others: it gets the benefit of the doubt.
            (Class::Unknown, Reply::Success | Reply::Ignore) => self.other_yes = true,
            (
                Class::Password | Class::Permit | Class::Deny | Class::Root | Class::Neutral | Class::Unknown,
                Reply::Success | Reply::Ignore | Reply::Failure,
            ) => {}
        }
    }
}

#[cfg(test)]
mod tests;
