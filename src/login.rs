// SPDX-License-Identifier: MIT OR Apache-2.0
//! The data path of a login, from arguments to verdict. Holds no rule and no PAM code; a lock is never held while a
//! person types.

use std::path::Path;

use nightlatch::audit::LogLine;
use nightlatch::clock::Clock;
use nightlatch::config::{Config, ConfigError};
use nightlatch::error::Fault;
use nightlatch::policy::{self, Exemption, LetThrough, Requirement};
use nightlatch::random::Random;
use nightlatch::secret::{NotACode, TypedCode};
use nightlatch::stack::{self, AccountLine, SERVICE_DIRECTORIES};
use nightlatch::store::{Answer, Enrollment, LockFailure, NotEnrolled, Store};
use nightlatch::user::{AccountError, Named, NotAUserName, UserName};
use nightlatch::verify::judge::Occasion;

use crate::arguments::{Arguments, Detail, FirstContact, KeyFirst};
use crate::conversation::{Conversation, Level, NoReply, NoUser, NotMarked};
use crate::first_contact::Mark;

/// What came out of a login.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// A code was judged, and the ledger that says so is on the disk.
    Judged(Answer),
    /// Nobody was asked.
    Exempt(Exemption),
    /// Nobody was asked; the account phase enrolls, or lets nobody in.
    LetThrough(LetThrough),
    /// Refused without judging anything.
    Refused(Unjudged),
}

/// Why nothing was judged.
#[derive(Debug)]
pub(crate) enum Unjudged {
    /// What was typed cannot have been a code.
    NotACode(NotACode),
    /// The account has no record, and policy wants one.
    NotEnrolled(NotEnrolled),
    /// There is no such account, or its name is a second one of its uid.
    NoAccount(AccountError),
    /// `require_key`, and sshd has seen no public key.
    NoKeyFirst,
    /// PAM_USER is no longer the one who was asked for a code (THREATS V60).
    AnotherUser,
}

/// What kept a login from a verdict. Every one is a refusal.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("{0}")]
    Config(#[from] ConfigError),
    #[error("{0}")]
    NoUser(#[from] NoUser),
    #[error("{0}")]
    AccountLookup(AccountError),
    #[error("{0}")]
    Store(#[from] Fault),
    #[error("{0}")]
    Conversation(#[from] NoReply),
    #[error("{0}")]
    NotMarked(#[from] NotMarked),
}

/// Who logs in, as far as it is known; for the log, whatever comes out.
#[derive(Debug, Default, Clone)]
pub(crate) struct Who {
    /// PAM_USER, read once: all that is judged is judged of it.
    pub(crate) named: Option<Vec<u8>>,
    /// Only of an account that exists: people type passwords where a name is asked for (THREATS V51).
    pub(crate) account: Option<Named>,
}

impl Who {
    /// The account's name, or a word that names nobody.
    pub(crate) fn shown(&self) -> &str {
        self.account.as_ref().map_or("unknown", |account| account.name().as_str())
    }
}

pub(crate) fn authenticate(
    pam: &mut impl Conversation,
    arguments: &Arguments,
    occasion: &Occasion,
    who: &mut Who,
    clock: &dyn Clock,
    random: &dyn Random,
) -> Result<Verdict, Failure> {
    let config = Config::read(arguments.config())?;
    let password = pam.password();
    let mut account = look_up(who.named.as_ref().ok_or(NoUser)?)?;
    who.account = account.as_ref().ok().cloned();
    if arguments.key_first == KeyFirst::Required && !saw_public_key(pam) {
        return Ok(Verdict::Refused(Unjudged::NoKeyFirst));
    }
    let requirement = policy::requirement(&config, arguments.leniency);
    detail(pam, arguments, || LogLine::new("policy").with("user", who.shown()).with("requires", requirement.name()));
    if let (Requirement::CodeIfEnrolled(_) | Requirement::CodeOrEnrollment(_), Ok(named)) = (requirement, &account)
        && let Enrollment::NotEnrolled(word) = Store::open(&config, random)?.enrollment(named)?
    {
        match (known(named.account())?, requirement) {
            (Ok(sole), Requirement::CodeIfEnrolled(leave)) => return Ok(Verdict::Exempt(leave.exempt(&sole, word))),
            (Ok(sole), Requirement::CodeOrEnrollment(invitation)) => {
                if let Some(line) = account_line(pam, arguments, who, occasion) {
                    pam.mark(Some(mark(who, arguments)?))?;
                    return Ok(Verdict::LetThrough(invitation.let_through(&sole, word, line)));
                }
            }
            (Ok(_), Requirement::Code) => {}
            (Err(second_name), _) => account = Err(second_name),
        }
    }
    let reply = pam.ask(config.prompt())?;
    if pam.present_user() != who.named {
        return Ok(Verdict::Refused(Unjudged::AnotherUser));
    }
    let code = match TypedCode::parse(&reply, password.as_ref().map(|password| password.as_slice())) {
        Ok(code) => code,
        Err(not_a_code) => return Ok(Verdict::Refused(Unjudged::NotACode(not_a_code))),
    };
    let named = match account {
        Ok(named) => named,
        Err(no_account) => return Ok(Verdict::Refused(Unjudged::NoAccount(no_account))),
    };
    let store = Store::open(&config, random)?;
    let opened = store.lock(&named).and_then(|locked| Ok(locked.open(&named)?));
    let pending = match opened {
        Ok(open) => open.attempt(&code, occasion, clock)?,
        // Nobody gets in here; whether it is a second name matters to the administrator who reads why.
        Err(LockFailure::NotEnrolled(word)) => {
            let second_name = known(named.account())?.err().map(Unjudged::NoAccount);
            return Ok(Verdict::Refused(second_name.unwrap_or(Unjudged::NotEnrolled(word))));
        }
        Err(LockFailure::Fault(fault @ Fault::Foreign { .. })) => {
            let second_name = known(named.account())?.err().map(Unjudged::NoAccount);
            return second_name.map(Verdict::Refused).ok_or(fault.into());
        }
        Err(LockFailure::Fault(fault)) => return Err(fault.into()),
    };
    if let Some(path) = pending.lost_slot() {
        pam.log(Level::Alert, &lost_slot_line(path));
    }
    let answer = pending.commit()?;
    detail(pam, arguments, || LogLine::new("judged").with("user", who.shown()).with("store", config.store().display()));
    Ok(Verdict::Judged(answer))
}

/// Whether somebody who is not enrolled may go on to the account phase. Where not, they are asked and refused like everybody.
fn account_line(pam: &impl Conversation, arguments: &Arguments, who: &Who, occasion: &Occasion) -> Option<AccountLine> {
    match arguments.first_contact {
        FirstContact::Refused => return None,
        FirstContact::Offered => {}
    }
    stack::account_line(&occasion.service, &SERVICE_DIRECTORIES.map(Path::new))
        .inspect_err(|gap| {
            let line = LogLine::new("no-account-line").with("user", who.shown()).with("service", &occasion.service);
            pam.log(Level::Error, &line.with("cause", gap).with("remedy", gap.remedy()));
        })
        .ok()
}

fn mark(who: &Who, arguments: &Arguments) -> Result<Mark, NoUser> {
    let named = who.named.clone().ok_or(NoUser)?;
    Ok(Mark { named, config: arguments.config().map(Path::to_owned) })
}

/// A line for `debug`: what was decided on the way, never what was typed.
fn detail(pam: &impl Conversation, arguments: &Arguments, line: impl FnOnce() -> LogLine) {
    match arguments.detail {
        Detail::EachStep => pam.log(Level::Debug, &line()),
        Detail::Outcome => {}
    }
}

fn look_up(user: &[u8]) -> Result<Result<Named, AccountError>, Failure> {
    match UserName::parse(user) {
        Ok(name) => known(Named::look_up(&name)),
        Err(NotAUserName) => Ok(Err(AccountError::Unknown)),
    }
}

/// The inner result tells an account from none, which is not known to the person before the code is typed; the outer one
/// is a database that does not answer.
fn known<T>(answer: Result<T, AccountError>) -> Result<Result<T, AccountError>, Failure> {
    match answer {
        Err(failed @ AccountError::LookupFailed { .. }) => Err(Failure::AccountLookup(failed)),
        answered => Ok(answered),
    }
}

/// sshd lists each method that succeeded on a line of its own, `publickey` with the key behind it.
fn saw_public_key(pam: &impl Conversation) -> bool {
    pam.ssh_auth_info().is_some_and(|info| info.lines().any(|line| line.starts_with("publickey ")))
}

fn lost_slot_line(path: &Path) -> LogLine {
    LogLine::new("ledger-slot-lost")
        .with("path", path.display())
        .with("cause", "one of two ledger slots does not unseal: a power cut while it was written, or a failing disk")
        .with("remedy", "codes of the present window are refused once; if it comes again, replace the disk")
}
