// SPDX-License-Identifier: MIT OR Apache-2.0
//! `verify`: a code judged exactly as a login does. It is then used, and failures count. An administrator may know why
//! a code was refused; a person at a login may not.

use nightlatch::ledger::Method;
use nightlatch::secret::{NotACode, TypedCode};
use nightlatch::store::{Answer, Enrollment};
use nightlatch::verify::judge::{self, Occasion, Refusal};

use crate::Outcome;
use crate::arguments::Form;
use crate::failure::{Failure, Status};
use crate::json::{self, SCHEMA, Verified};
use crate::site::{Site, open_record};
use crate::terminal::{Reply, Terminal};

/// The service that `status` shows for it.
const SERVICE: &str = "nightlatch";

/// What came out, with its sentence.
struct Finding {
    outcome: Result<&'static str, ()>,
    sentence: String,
    /// Whether a code is used now, or a failure counted.
    changed: bool,
    backup_codes_left: u8,
}

pub(crate) fn run(user: &str, site: &Site, terminal: &Terminal) -> Outcome {
    let account = site.account(user)?;
    let user = account.name().as_str();
    let store = site.store()?;
    match store.enrollment(account.named())? {
        Enrollment::Enrolled(_) => {}
        Enrollment::NotEnrolled(_) => return Err(Failure::NotEnrolled { who: user.to_owned() }),
    }
    let typed = match terminal.ask_hidden(site.config.prompt())? {
        Reply::Line(line) => TypedCode::parse(&line, None),
        Reply::End => return Err(Failure::usage("no code on stdin", "type one on a terminal, or put one on stdin")),
    };
    let open = open_record(&store, &account)?;
    terminal.interruption().settle();
    let left_before = judge::backup_codes_left(open.record(), open.ledger());
    let finding = match typed {
        Err(not_a_code) => refused(not_a_code_sentence(not_a_code), left_before),
        Ok(code) => {
            let pending = open.attempt(&code, &Occasion::new(SERVICE, None), &site.clock)?;
            if let Some(path) = pending.lost_slot() {
                terminal.warn(&format!(
                    "{}: one of two ledger slots is lost, so codes of the present window are refused once; \
                     if it comes again, replace the disk",
                    path.display()
                ));
            }
            of_answer(&pending.commit()?, left_before, user)
        }
    };
    print(&finding, terminal)?;
    Ok(match finding.outcome {
        Ok(_) => Status::Done,
        Err(()) => Status::Refused,
    })
}

fn of_answer(answer: &Answer, left_before: u8, user: &str) -> Finding {
    match answer {
        Answer::Accepted(accepted) => {
            let (method, left) = (accepted.method().name(), accepted.backup_codes_left());
            let with = match accepted.device() {
                Some(device) => format!("{method} code of '{}'", nightlatch::audit::escaped(device)),
                None => method.to_owned(),
            };
            let sentence = match accepted.method() {
                Method::Bypass => format!("accepted: bypass code; uses left: {}", accepted.bypass_uses_left()),
                Method::Totp(_) | Method::Hotp(_) | Method::BackupCode(_) => {
                    format!("accepted: {with}; it is used now; backup codes left: {left}")
                }
            };
            Finding { outcome: Ok(method), sentence, changed: true, backup_codes_left: left }
        }
        Answer::Refused(refusal) => {
            Finding { changed: is_counted(*refusal), ..refused(refusal_sentence(*refusal, user), left_before) }
        }
    }
}

fn refused(sentence: String, backup_codes_left: u8) -> Finding {
    Finding { outcome: Err(()), sentence: format!("refused: {sentence}"), changed: false, backup_codes_left }
}

fn is_counted(refusal: Refusal) -> bool {
    match refusal {
        Refusal::Wrong | Refusal::ClockDrift(_) | Refusal::Past | Refusal::UsedBackupCode => true,
        Refusal::UsedUpBypass
        | Refusal::BypassOutOfTime
        | Refusal::Replay
        | Refusal::NoSuchLength
        | Refusal::Waiting { .. }
        | Refusal::Blocked => false,
    }
}

fn not_a_code_sentence(cause: NotACode) -> String {
    format!("{cause}; not judged, not counted")
}

fn refusal_sentence(refusal: Refusal, user: &str) -> String {
    match refusal {
        Refusal::Wrong => "wrong code; counted as a failure; check the clocks of phone and host".to_owned(),
        Refusal::ClockDrift(drift) => format!(
            "wrong code; counted as a failure; it is right {drift} s from this host's time: one of the two clocks is off \
             (timedatectl); a token whose clock cannot be set: 'nightlatch device resync {user}'"
        ),
        Refusal::Past => "code of a step that is past; counted as a failure; wait for the next".to_owned(),
        Refusal::UsedBackupCode => "backup code that was used before; counted as a failure".to_owned(),
        Refusal::UsedUpBypass => format!("{refusal}; not counted; 'nightlatch bypass {user}' makes a new one"),
        Refusal::BypassOutOfTime => {
            format!(
                "{refusal}: expired, or the clock was set back; not counted; 'nightlatch bypass {user}' makes a new one"
            )
        }
        Refusal::Replay => "used: it is the last accepted code again; not counted; wait for the next".to_owned(),
        Refusal::NoSuchLength => format!("{refusal}; not judged, not counted"),
        Refusal::Waiting { seconds } => {
            format!("not judged: waiting {seconds} s more after failures; 'nightlatch unlock {user}' ends the wait")
        }
        Refusal::Blocked => format!("not judged: blocked after failures; 'nightlatch unlock {user}' ends it"),
    }
}

fn print(finding: &Finding, terminal: &Terminal) -> Result<(), Failure> {
    match terminal.form() {
        Form::Text => terminal.result(format!("{}\n", finding.sentence).as_bytes()),
        Form::Json => terminal.result(&json::line(&Verified {
            schema: SCHEMA,
            changed: finding.changed,
            outcome: if finding.outcome.is_ok() { "accepted" } else { "refused" },
            method: finding.outcome.ok(),
            backup_codes_left: finding.backup_codes_left,
        })),
    }
}
