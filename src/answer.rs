// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a verdict means to libpam, to the person and to the log. The sole home of PAM_SUCCESS and PAM_IGNORE: each match
//! names every case, and only a committed acceptance and an exemption come to them.

use nightlatch::audit::LogLine;
use nightlatch::clock::UnixTime;
use nightlatch::config::ConfigError;
use nightlatch::error::{Fault, Part};
use nightlatch::ledger::Method;
use nightlatch::policy::{Exemption, InvitedBy};
use nightlatch::store::{Accepted, Answer};
use nightlatch::user::AccountError;
use nightlatch::verify::judge::{Occasion, Refusal};
use nightlatch::verify::throttle::Channel;
use pam::constants::PamResultCode;

use crate::arguments::ArgumentError;
use crate::conversation::{Level, Message};
use crate::first_contact::{Enrolled, NotEnrolledNow};
use crate::guard::Panicked;
use crate::login::{Failure, Unjudged, Verdict, Who};
use crate::notice;

/// One sentence for every refusal: it helps the person who mistyped and tells a thief nothing.
pub(crate) const NOT_ACCEPTED: &str =
    "Not accepted. Each code works once: wait for the next. If this goes on, ask your administrator.";

/// What whoever was not enrolled in a login reads: what to do, whatever the cause.
const NOT_ENROLLED: &str =
    "Nothing was enrolled, and what was shown here counts for nothing. Log in again, or ask your administrator.";

const ENROLLED: &str = "Enrolled. From now on you are asked for a code from the app.";

/// A code is one person's, and never lets in whom the application names afterwards.
const ANOTHER_USER: &str = "the application changed the user in a conversation";

/// Either clock may be the one that is off; which, only a third clock tells.
const CLOCKS: &str = "compare this host's clock (timedatectl) and the phone's with the right time; a token whose clock \
                      cannot be set";

/// At so many backup codes left, the person is told to get new ones.
const FEW_BACKUP_CODES: u8 = 3;

/// What a hook brings back to libpam, and what it says on the way.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Reaction {
    pub(crate) code: PamResultCode,
    pub(crate) message: Option<Message>,
    /// None where a module before us has logged all that there is to say.
    pub(crate) log: Option<(Level, LogLine)>,
    pub(crate) delay: Delay,
}

/// Whether the application is asked to wait before it goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Delay {
    None,
    AsAfterAWrongPassword,
}

/// The answers of the hooks that judge nothing (THREATS H-18 to H-20).
pub(crate) mod without_judging {
    use pam::constants::PamResultCode;

    /// Credentials are none of ours. libpam navigates setcred by authenticate's value, and a module alone in a stack
    /// that ignored it would fail the login.
    pub(crate) const SETCRED: PamResultCode = PamResultCode::PAM_SUCCESS;
    /// Cron, keys and systemd come here without authenticate: nothing of theirs is ours to refuse or to clear.
    pub(crate) const ACCT_MGMT: PamResultCode = PamResultCode::PAM_IGNORE;
    /// No password is ours.
    pub(crate) const CHAUTHTOK: PamResultCode = PamResultCode::PAM_IGNORE;
    /// No session is ours.
    pub(crate) const OPEN_SESSION: PamResultCode = PamResultCode::PAM_IGNORE;
    /// No session is ours.
    pub(crate) const CLOSE_SESSION: PamResultCode = PamResultCode::PAM_IGNORE;
}

/// The reaction to whatever came out of the data path.
pub(crate) fn reaction(result: &Result<Verdict, Failure>, who: &Who, occasion: &Occasion) -> Reaction {
    match result {
        Ok(Verdict::Judged(Answer::Accepted(accepted))) => accepted_reaction(accepted, who, occasion),
        Ok(Verdict::Judged(Answer::Refused(refusal))) => {
            let log = (Level::Notice, line("refused", who, occasion).with("cause", refusal));
            refused(PamResultCode::PAM_AUTH_ERR, with_wait(log, *refusal, who))
        }
        Ok(Verdict::Exempt(exemption)) => Reaction {
            code: PamResultCode::PAM_IGNORE,
            message: exemption.until().map(|time| Message::Info(roll_out_notice(time))),
            log: Some((Level::Info, exempt_line(exemption, who, occasion))),
            delay: Delay::None,
        },
        Ok(Verdict::LetThrough(let_through)) => Reaction {
            code: PamResultCode::PAM_IGNORE,
            message: None,
            log: Some((Level::Info, let_through_line(let_through.by(), who, occasion))),
            delay: Delay::None,
        },
        // Whoever gave a wrong password learns nothing of a second factor, and has had the password's delay.
        Ok(Verdict::Refused(unjudged @ Unjudged::RefusedBefore)) => in_silence(unjudged),
        Ok(Verdict::Refused(unjudged)) => {
            refused(unjudged_code(unjudged), (Level::Notice, unjudged_line(unjudged, who, occasion)))
        }
        Err(failure) => failure_reaction(failure, who, occasion),
    }
}

/// The same verdict for a second line of ours in one stack (a profile's and one's own), without asking again; `None`
/// where that line has to look for itself: an exemption is each line's own, since each has its own arguments.
pub(crate) fn repeated(earlier: &Result<Verdict, Failure>, who: &Who, occasion: &Occasion) -> Option<Reaction> {
    let code = match earlier {
        Ok(Verdict::Judged(Answer::Accepted(_))) => PamResultCode::PAM_SUCCESS,
        Ok(Verdict::Judged(Answer::Refused(_))) => PamResultCode::PAM_AUTH_ERR,
        Ok(Verdict::Refused(unjudged @ Unjudged::RefusedBefore)) => return Some(in_silence(unjudged)),
        Ok(Verdict::Refused(unjudged)) => unjudged_code(unjudged),
        Ok(Verdict::Exempt(_) | Verdict::LetThrough(_)) | Err(_) => return None,
    };
    let log = (Level::Info, line("repeated", who, occasion).with("cause", "a line before this one has asked already"));
    Some(Reaction { code, message: None, log: Some(log), delay: Delay::None })
}

fn in_silence(unjudged: &Unjudged) -> Reaction {
    Reaction { code: unjudged_code(unjudged), message: None, log: None, delay: Delay::None }
}

/// The reaction to an enrollment in the account phase. Who was enrolled passes as everybody passes there.
pub(crate) fn first_contact(result: &Result<Enrolled, NotEnrolledNow>, who: &Who, occasion: &Occasion) -> Reaction {
    let cause = match result {
        Ok(Enrolled { .. }) => {
            return Reaction {
                code: without_judging::ACCT_MGMT,
                message: Some(Message::Info(ENROLLED.to_owned())),
                log: Some((Level::Notice, line("enrolled", who, occasion).with("by", "login"))),
                delay: Delay::None,
            };
        }
        Err(cause) => cause,
    };
    let line = line("not-enrolled", who, occasion).with("cause", cause);
    let (code, level, line) = match cause {
        NotEnrolledNow::Config(error) => (config_code(error), Level::Error, line.with("remedy", error.remedy())),
        NotEnrolledNow::Store(fault) => (store_code(fault), store_level(fault), line.with("remedy", fault.remedy())),
        NotEnrolledNow::Account(_) => (PamResultCode::PAM_SYSTEM_ERR, Level::Critical, line),
        NotEnrolledNow::Conversation(_) => {
            let remedy = "a client that shows texts and asks (ssh: keyboard-interactive), or nightlatch enroll";
            (PamResultCode::PAM_CONV_ERR, Level::Notice, line.with("remedy", remedy))
        }
        NotEnrolledNow::AnotherConfig => {
            let remedy = "give the auth and the account line of the service the same config=";
            (PamResultCode::PAM_SERVICE_ERR, Level::Error, line.with("remedy", remedy))
        }
        NotEnrolledNow::NoLabel => {
            let remedy = "shorten enroll.issuer and enroll.account in the config";
            (PamResultCode::PAM_SERVICE_ERR, Level::Error, line.with("remedy", remedy))
        }
        NotEnrolledNow::AnotherUser
        | NotEnrolledNow::Meanwhile
        | NotEnrolledNow::NoCodeWasRight
        | NotEnrolledNow::NotKept
        | NotEnrolledNow::NoDraft(_) => (PamResultCode::PAM_AUTH_ERR, Level::Notice, line),
    };
    let message = Some(Message::Error(NOT_ENROLLED.to_owned()));
    Reaction { code, message, log: Some((level, line)), delay: Delay::None }
}

/// Arguments that are wrong: nobody logs in over such a line.
pub(crate) fn wrong_arguments(error: &ArgumentError, occasion: &Occasion) -> Reaction {
    let line = line("fault", &Who::default(), occasion)
        .with("cause", error)
        .with("remedy", "correct the pam_nightlatch.so line of this service in /etc/pam.d");
    refused(PamResultCode::PAM_SERVICE_ERR, (Level::Error, line))
}

/// The application changed the user while it showed a text: the verdict is another's.
pub(crate) fn another_user(who: &Who, occasion: &Occasion) -> (PamResultCode, Level, LogLine) {
    (PamResultCode::PAM_AUTH_ERR, Level::Notice, line("refused", who, occasion).with("cause", ANOTHER_USER))
}

/// A panic: the code, and where it happened.
pub(crate) fn panicked(panicked: &Panicked) -> (PamResultCode, Level, LogLine) {
    let line = LogLine::new("panic").with("at", &panicked.place).with("remedy", "report this line as a bug");
    (PamResultCode::PAM_ABORT, Level::Critical, line)
}

fn accepted_reaction(accepted: &Accepted, who: &Who, occasion: &Occasion) -> Reaction {
    let log =
        line("accepted", who, occasion).with("method", accepted.method().name()).with_some("device", accepted.device());
    let (of_the_code, log) = match accepted.method() {
        Method::BackupCode(_) => {
            let left = accepted.backup_codes_left();
            (Some(backup_notice(left)), log.with("backup_codes_left", left))
        }
        Method::Bypass => {
            let left = accepted.bypass_uses_left();
            (Some(notice::of_bypass(left)), log.with("uses_left", left))
        }
        Method::Totp(_) | Method::Hotp(_) => (None, log),
    };
    let since = accepted.failures_since();
    let log = log.with_some("failures_since", Some(since.count).filter(|count| *count > 0));
    let message = notice::joined(of_the_code, notice::of_failures(since)).map(Message::Info);
    Reaction { code: PamResultCode::PAM_SUCCESS, message, log: Some((Level::Info, log)), delay: Delay::None }
}

fn exempt_line(exemption: &Exemption, who: &Who, occasion: &Occasion) -> LogLine {
    let line = line("exempt", who, occasion);
    match exemption.waived() {
        Some(waived) => {
            let line = line.with("by", "waiver").with("until", waived.until());
            line.with("uses", waived.uses()).with("reason", waived.reason())
        }
        None => line.with_some("by", exemption.by()),
    }
}

fn let_through_line(by: &InvitedBy, who: &Who, occasion: &Occasion) -> LogLine {
    let line = line("let-through", who, occasion).with("by", by);
    match by {
        InvitedBy::Administrator(until) => line.with("until", until),
        InvitedBy::Policy(_) => line,
    }
}

fn backup_notice(left: u8) -> String {
    let count = match left {
        0 => "That was your last backup code.".to_owned(),
        1 => "1 backup code is left.".to_owned(),
        more => format!("{more} backup codes are left."),
    };
    if left <= FEW_BACKUP_CODES {
        format!("Backup code accepted. {count} Ask your administrator for new ones.")
    } else {
        format!("Backup code accepted. {count}")
    }
}

fn roll_out_notice(from: UnixTime) -> String {
    let shown = from.to_string();
    let (date, time) = shown.split_once('T').unwrap_or((&shown, ""));
    let minute = time.get(..5).unwrap_or(time);
    format!(
        "From {date} ({minute} UTC) on, you need a second factor to log in here. Ask your administrator to enroll you."
    )
}

/// A refusal in the site's words; nothing else that authenticate tells is an error message.
pub(crate) fn in_the_site_s_words(message: &Message, who: &Who) -> Message {
    match (message, &who.refusal) {
        (Message::Error(_), Some(sentence)) => Message::Error(sentence.clone()),
        (Message::Error(_) | Message::Info(_), _) => message.clone(),
    }
}

fn refused(code: PamResultCode, log: (Level, LogLine)) -> Reaction {
    let message = Some(Message::Error(NOT_ACCEPTED.to_owned()));
    Reaction { code, message, log: Some(log), delay: Delay::AsAfterAWrongPassword }
}

fn with_wait((level, line): (Level, LogLine), refusal: Refusal, who: &Who) -> (Level, LogLine) {
    let unlock = format!("nightlatch unlock {}", who.shown());
    match refusal {
        Refusal::Waiting { seconds } => {
            (level, line.with("seconds_left", seconds).with("remedy", format_args!("wait, or {unlock}")))
        }
        Refusal::Blocked => (level, line.with("remedy", unlock)),
        Refusal::ClockDrift(drift) => {
            let remedy = format!("{CLOCKS}: nightlatch device resync {}", who.shown());
            (level, line.with("drift_seconds", drift).with("remedy", remedy))
        }
        Refusal::UsedUpBypass | Refusal::BypassOutOfTime => {
            (level, line.with("remedy", format_args!("nightlatch bypass {} makes a new one", who.shown())))
        }
        Refusal::Wrong | Refusal::Past | Refusal::Replay | Refusal::UsedBackupCode | Refusal::NoSuchLength => {
            (level, line)
        }
    }
}

fn unjudged_code(unjudged: &Unjudged) -> PamResultCode {
    match unjudged {
        Unjudged::NotACode(_)
        | Unjudged::NobodyAsked
        | Unjudged::NotEnrolled(_)
        | Unjudged::EnrolledMeanwhile
        | Unjudged::ByPolicy(_)
        | Unjudged::NoKeyFirst
        | Unjudged::AnotherUser
        | Unjudged::RefusedBefore => PamResultCode::PAM_AUTH_ERR,
        Unjudged::NoAccount(AccountError::Unknown) => PamResultCode::PAM_USER_UNKNOWN,
        Unjudged::NoAccount(AccountError::Alias { .. }) => PamResultCode::PAM_AUTH_ERR,
        Unjudged::NoAccount(AccountError::LookupFailed { .. }) => PamResultCode::PAM_SYSTEM_ERR,
    }
}

fn unjudged_line(unjudged: &Unjudged, who: &Who, occasion: &Occasion) -> LogLine {
    let line = line("refused", who, occasion);
    match unjudged {
        Unjudged::NotACode(cause) => line.with("cause", format_args!("not a code: {cause}")),
        Unjudged::NobodyAsked => line
            .with("cause", "use_first_pass, and no module before has asked for a password")
            .with("remedy", "say forward_pass, or put the line that asks before this one (/etc/pam.d)"),
        Unjudged::NotEnrolled(_) => {
            line.with("cause", "not enrolled").with("remedy", format_args!("nightlatch enroll {}", who.shown()))
        }
        Unjudged::EnrolledMeanwhile => {
            line.with("cause", "enrolled since this login began").with("remedy", "log in once more")
        }
        Unjudged::ByPolicy(by) => line
            .with("cause", "refused by policy")
            .with("by", by)
            .with("remedy", format_args!("see 'nightlatch policy explain {}'", who.shown())),
        Unjudged::NoAccount(cause) => line.with("cause", cause),
        Unjudged::AnotherUser => line.with("cause", ANOTHER_USER),
        Unjudged::RefusedBefore => line.with("cause", "refused before a code was asked for"),
        Unjudged::NoKeyFirst => line.with("cause", "require_key, and sshd has seen no public key").with(
            "remedy",
            "'AuthenticationMethods publickey,keyboard-interactive:pam' belongs to this service file (sshd_config)",
        ),
    }
}

fn failure_reaction(failure: &Failure, who: &Who, occasion: &Occasion) -> Reaction {
    let line = line("fault", who, occasion).with("cause", failure);
    match failure {
        Failure::Config(error) => refused(config_code(error), (Level::Error, line.with("remedy", error.remedy()))),
        Failure::NotMarked(_) => refused(PamResultCode::PAM_BUF_ERR, (Level::Critical, line)),
        Failure::NoUser(_) => refused(PamResultCode::PAM_AUTH_ERR, (Level::Error, line)),
        Failure::AccountLookup(_) => refused(PamResultCode::PAM_SYSTEM_ERR, (Level::Critical, line)),
        Failure::NotHandedOn(_) => refused(PamResultCode::PAM_BUF_ERR, (Level::Critical, line)),
        Failure::Store(fault) => refused(store_code(fault), (store_level(fault), line.with("remedy", fault.remedy()))),
        // Whoever hung up is told nothing, and has not used up a try.
        Failure::Conversation(_) => Reaction {
            code: PamResultCode::PAM_CONV_ERR,
            message: None,
            log: Some((Level::Notice, line)),
            delay: Delay::None,
        },
    }
}

fn config_code(error: &ConfigError) -> PamResultCode {
    match error {
        ConfigError::File(Fault::Denied { .. }) => PamResultCode::PAM_CRED_INSUFFICIENT,
        ConfigError::File(_) | ConfigError::NamedAndMissing { .. } | ConfigError::Content { .. } => {
            PamResultCode::PAM_SERVICE_ERR
        }
    }
}

fn store_code(fault: &Fault) -> PamResultCode {
    match fault {
        Fault::Untrusted { .. }
        | Fault::Missing { .. }
        | Fault::Damaged { .. }
        | Fault::Newer { .. }
        | Fault::Foreign { .. }
        | Fault::DoesNotFit { .. }
        | Fault::KeyLost { .. }
        | Fault::StoreLost { .. } => PamResultCode::PAM_AUTHINFO_UNAVAIL,
        Fault::Busy { .. }
        | Fault::Restless { .. }
        | Fault::Io { .. }
        | Fault::NoBlock { .. }
        | Fault::ClockBefore1970
        | Fault::ClockUnreadable
        | Fault::NoRandomness => PamResultCode::PAM_SYSTEM_ERR,
        Fault::NoMemory => PamResultCode::PAM_BUF_ERR,
        Fault::Denied { .. } => PamResultCode::PAM_CRED_INSUFFICIENT,
    }
}

fn store_level(fault: &Fault) -> Level {
    match fault {
        Fault::Damaged { part: Part::Config, .. } => Level::Error,
        Fault::Untrusted { .. }
        | Fault::Missing { .. }
        | Fault::Damaged { .. }
        | Fault::Newer { .. }
        | Fault::Foreign { .. }
        | Fault::DoesNotFit { .. }
        | Fault::KeyLost { .. }
        | Fault::StoreLost { .. } => Level::Alert,
        Fault::Busy { .. }
        | Fault::Restless { .. }
        | Fault::Io { .. }
        | Fault::NoBlock { .. }
        | Fault::ClockBefore1970
        | Fault::ClockUnreadable
        | Fault::NoRandomness
        | Fault::NoMemory => Level::Critical,
        Fault::Denied { .. } => Level::Error,
    }
}

fn line(outcome: &'static str, who: &Who, occasion: &Occasion) -> LogLine {
    let line = LogLine::new(outcome);
    let uid = who.account.as_ref().map(nightlatch::user::Named::uid);
    let line = line.with("user", who.shown()).with_some("uid", uid);
    let source = if occasion.source_text.is_empty() { "local" } else { &occasion.source_text };
    let line = line.with("service", &occasion.service).with("source", source);
    match occasion.channel {
        Channel::OwnPrompt => line,
        // Whose failures count apart.
        Channel::WithPassword => line.with("asked", "password+code"),
    }
}
