// SPDX-License-Identifier: MIT OR Apache-2.0
//! The data path of a login, from arguments to verdict. Holds no rule and no PAM code; a lock is never held while a
//! person types.

use std::path::Path;

use nightlatch::audit::LogLine;
use nightlatch::clock::Clock;
use nightlatch::config::{Config, ConfigError};
use nightlatch::error::Fault;
use nightlatch::origin::Origin;
use nightlatch::policy::{
    self, By, Circumstances, Decision, Exemption, HostLookups, LetThrough, LookupFailed, PublicKey, Requirement,
    Unobserved,
};
use nightlatch::random::Random;
use nightlatch::secret::NotACode;
use nightlatch::stack::{self, AccountLine, SERVICE_DIRECTORIES};
use nightlatch::store::{self, Answer, Enrollment, Invited, LockFailure, NotEnrolled, Store};
use nightlatch::user::{AccountError, Named, NotAUserName, UserName};
use nightlatch::verify::judge::Occasion;

use crate::arguments::{Arguments, Detail, FirstContact, KeyFirst};
use crate::conversation::{Conversation, Level, NoReply, NoUser, NotHandedOn, NotMarked};
use crate::first_contact::Mark;

/// Which build this is; `nightlatch doctor` compares it with its own.
const VERSION: &str = concat!("pam_nightlatch-version-", env!("CARGO_PKG_VERSION"));

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
    /// `use_first_pass`, and no module before us has asked for a password.
    NobodyAsked,
    /// The account has no record, and policy wants one.
    NotEnrolled(NotEnrolled),
    /// It had none when policy decided, and has one now: what was decided is of another person.
    EnrolledMeanwhile,
    /// Policy says that this login is refused.
    ByPolicy(By),
    /// There is no such account, or its name is a second one of its uid.
    NoAccount(AccountError),
    /// `require_key`, and sshd has seen no public key.
    NoKeyFirst,
    /// PAM_USER is no longer the one who was asked for a code (THREATS V60).
    AnotherUser,
    /// `refused`: the password was wrong, and nobody was asked.
    RefusedBefore,
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
    NotHandedOn(#[from] NotHandedOn),
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
    /// What this person is told at a refusal, where the config has words of its own: one sentence, whatever the cause.
    pub(crate) refusal: Option<String>,
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
    who.refusal = config.refusal_at(&occasion.service).map(str::to_owned);
    let password = pam.password();
    let account = look_up(who.named.as_ref().ok_or(NoUser)?)?;
    who.account = account.as_ref().ok().cloned();
    let key = public_key(pam);
    if arguments.key_first == KeyFirst::Required && key == PublicKey::NotSeen {
        return Ok(Verdict::Refused(Unjudged::NoKeyFirst));
    }
    let prospect = match account {
        Err(no_account) => Prospect::Refused(Unjudged::NoAccount(no_account)),
        Ok(named) => {
            let origin = Origin::of(Some(&occasion.source_text));
            let leniency = arguments.leniency;
            let circumstances = Circumstances { service: &occasion.service, origin, key, leniency };
            let lookups = HostLookups::new(&config, random, clock);
            let decision = policy::decide(config.policy(), &circumstances, &named, &lookups, &mut Unobserved)?;
            log_decision(pam, arguments, who, &decision);
            let decision = match arguments.first_contact {
                FirstContact::Offered if decision.leaves_room_for_invitation() => {
                    match invited(pam, who, &config, &named, clock, random) {
                        Some(invited) => decision.with_invitation(&invited),
                        None => decision,
                    }
                }
                FirstContact::Offered | FirstContact::Refused => decision,
            };
            match decision.requirement {
                Requirement::Exempt(exemption) => return Ok(Verdict::Exempt(exemption)),
                Requirement::Code(word) => Prospect::Judged(named, word),
                Requirement::Enrollment(invitation) => match account_line(pam, arguments, who, occasion) {
                    Some(line) => {
                        pam.mark(Some(mark(who, arguments)?))?;
                        return Ok(Verdict::LetThrough(invitation.let_through(line)));
                    }
                    None => Prospect::Judged(named, Some(invitation.rests_on())),
                },
                Requirement::Refusal => Prospect::Refused(Unjudged::ByPolicy(decision.by)),
                Requirement::NoAccount(second_name) => Prospect::Refused(Unjudged::NoAccount(second_name)),
            }
        }
    };
    if let Prospect::Judged(named, _) = &prospect
        && store::hints_at_waiver(&config, named.uid(), clock)
        && let Some(exemption) = waived(pam, &config, named, clock, random)?
    {
        return Ok(Verdict::Exempt(exemption));
    }
    let typed = match arguments.asking.typed(pam, &config, occasion, who, password)? {
        Ok(typed) => typed,
        Err(unjudged) => return Ok(Verdict::Refused(prospect.without_a_code(unjudged))),
    };
    let (named, word) = match prospect {
        Prospect::Judged(named, word) => (named, word),
        Prospect::Refused(unjudged) => return Ok(Verdict::Refused(unjudged)),
    };
    let store = Store::open(&config, random)?;
    let opened = store.lock(&named).and_then(|locked| Ok(locked.open(&named)?));
    let pending = match opened {
        Ok(open) => match word {
            Some(Enrollment::NotEnrolled(_)) => return Ok(Verdict::Refused(Unjudged::EnrolledMeanwhile)),
            Some(Enrollment::Enrolled(_)) | None => open.attempt(typed.code(), occasion, clock)?,
        },
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
    typed.hand_on(pam, &answer)?;
    detail(pam, arguments, || LogLine::new("judged").with("user", who.shown()).with("store", config.store().display()));
    Ok(Verdict::Judged(answer))
}

/// What can come of a reply, settled before anybody is asked: whoever is asked is asked alike.
enum Prospect {
    /// A code is judged; where policy went by what the store knew, that has to hold still.
    Judged(Named, Option<Enrollment>),
    /// Nothing is.
    Refused(Unjudged),
}

impl Prospect {
    /// The rule that refuses is named in the log, whatever was typed.
    fn without_a_code(self, unjudged: Unjudged) -> Unjudged {
        match (self, unjudged) {
            (Self::Refused(by_policy @ Unjudged::ByPolicy(_)), Unjudged::NotACode(_)) => by_policy,
            (Self::Refused(_) | Self::Judged(..), unjudged) => unjudged,
        }
    }
}

fn log_decision(pam: &impl Conversation, arguments: &Arguments, who: &Who, decision: &Decision) {
    if let Some(failed) = &decision.failed {
        pam.log(Level::Critical, &failed_lookup_line(who, failed));
    }
    detail(pam, arguments, || {
        let (requires, by) = (decision.requirement.name(), &decision.by);
        // Not folded into instructions: `nightlatch doctor` looks for it in the file that libpam loads.
        let version = std::hint::black_box(VERSION);
        LogLine::new("policy")
            .with("user", who.shown())
            .with("requires", requires)
            .with("by", by)
            .with("module", version)
    });
}

/// The invitation of somebody who is not enrolled. Whatever is wrong with one, it invites nobody and keeps nobody out; what is
/// wrong with the store is met, and logged, where the code is judged.
fn invited(
    pam: &impl Conversation,
    who: &Who,
    config: &Config,
    named: &Named,
    clock: &dyn Clock,
    random: &dyn Random,
) -> Option<Invited> {
    let store = Store::open(config, random).ok()?;
    let word = match store.enrollment(named).ok()? {
        Enrollment::NotEnrolled(word) => word,
        Enrollment::Enrolled(_) => return None,
    };
    // Not for a second name of an account.
    let account = named.account().ok()?;
    let found = clock.now().and_then(|now| store.invited(&account, word, now.wall));
    found
        .inspect_err(|fault| {
            let line = LogLine::new("no-invitation").with("user", who.shown());
            pam.log(Level::Error, &line.with("cause", fault).with("remedy", fault.remedy()));
        })
        .ok()?
}

/// Lets in by a waiver that is in force, once its use is counted. A second name of an account is asked and refused as ever.
fn waived(
    pam: &impl Conversation,
    config: &Config,
    named: &Named,
    clock: &dyn Clock,
    random: &dyn Random,
) -> Result<Option<Exemption>, Failure> {
    let Ok(sole) = known(named.account())? else { return Ok(None) };
    let store = Store::open(config, random)?;
    let Some(waiver) = store.waiver(sole.named(), clock)? else { return Ok(None) };
    if let Some(path) = waiver.lost_slot() {
        pam.log(Level::Alert, &lost_slot_line(path));
    }
    Ok(Some(Exemption::by_waiver(&sole, waiver.count_use()?)))
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
fn public_key(pam: &impl Conversation) -> PublicKey {
    let seen = pam.ssh_auth_info().is_some_and(|info| info.lines().any(|line| line.starts_with("publickey ")));
    if seen { PublicKey::Seen } else { PublicKey::NotSeen }
}

fn failed_lookup_line(who: &Who, failed: &LookupFailed) -> LogLine {
    LogLine::new("lookup-failed")
        .with("user", who.shown())
        .with("cause", format_args!("{failed}; a rule depends on it, so nobody is exempt"))
        .with("remedy", failed.remedy())
}

fn lost_slot_line(path: &Path) -> LogLine {
    LogLine::new("ledger-slot-lost")
        .with("path", path.display())
        .with("cause", "one of two ledger slots does not unseal: a power cut while it was written, or a failing disk")
        .with("remedy", "codes of the present window are refused once; if it comes again, replace the disk")
}
