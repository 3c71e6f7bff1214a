// SPDX-License-Identifier: MIT OR Apache-2.0
//! `status`: what is enrolled, without any secret. `list` shows the same of many.

use nightlatch::audit::escaped;
use nightlatch::backup::Spelling;
use nightlatch::clock::UnixTime;
use nightlatch::ledger::Ledger;
use nightlatch::record::{Device, Kind, Record, Waiver};
use nightlatch::store::{Enrollment, OpenRecord, hints_at_waiver};
use nightlatch::user::Account;
use nightlatch::verify::judge;
use nightlatch::verify::throttle::Admission;
use nightlatch::waiver;

use crate::Outcome;
use crate::arguments::Form;
use crate::failure::{Failure, Status};
use crate::json::{self, BypassStatus, DeviceStatus, LastLogin, PersonStatus, SCHEMA};
use crate::site::{Site, open_record};
use crate::terminal::Terminal;

pub(crate) fn one(user: &str, site: &Site, terminal: &Terminal) -> Outcome {
    let account = site.account(user)?;
    let store = site.store()?;
    let status = match store.enrollment(account.named())? {
        Enrollment::Enrolled(_) => {
            let open = open_record(&store, &account)?;
            warn_of_lost_slot(&open, terminal);
            warn_of_unseen_waiver(&open, account.uid(), site, terminal)?;
            of_record(&open, account.name().as_str(), account.uid(), site)?
        }
        Enrollment::NotEnrolled(word) => {
            let invited_until = site.invited(&store, &account, word, terminal)?.map(|invited| invited.until());
            of_nobody(&account, invited_until)
        }
    };
    match terminal.form() {
        Form::Json => terminal.result(&json::line(&status))?,
        Form::Text => terminal.result(sheet(&status).as_bytes())?,
    }
    Ok(Status::Done)
}

pub(crate) fn warn_of_lost_slot(open: &OpenRecord<'_>, terminal: &Terminal) {
    if open.has_lost_a_slot() {
        terminal.warn(&format!(
            "{}: one of two ledger slots is lost, so that what is shown may not be the newest; the next login repairs it",
            open.path().display()
        ));
    }
}

/// As a login does, which looks for the file beside the record first.
pub(crate) fn waiver_in_force<'r>(
    open: &'r OpenRecord<'_>,
    uid: u32,
    site: &Site,
) -> Result<(Option<&'r Waiver>, bool), Failure> {
    let in_force = waiver::in_force(open.record(), open.ledger(), site.now()?.wall);
    Ok((in_force, hints_at_waiver(&site.config, uid, &site.clock)))
}

pub(crate) fn warn_of_unseen_waiver(
    open: &OpenRecord<'_>,
    uid: u32,
    site: &Site,
    terminal: &Terminal,
) -> Result<(), Failure> {
    if let (Some(_), false) = waiver_in_force(open, uid, site)? {
        terminal.warn(&format!(
            "{}: holds a waiver, but no login looks for it, since the file '{uid}.waived' beside it is not there or has \
             another time; 'nightlatch waive' makes it again",
            open.path().display()
        ));
    }
    Ok(())
}

pub(crate) fn of_nobody(account: &Account, invited_until: Option<UnixTime>) -> PersonStatus {
    PersonStatus {
        schema: SCHEMA,
        user: account.name().as_str().to_owned(),
        uid: account.uid(),
        enrolled: false,
        enrolled_at: None,
        invited_until: invited_until.map(|time| time.to_string()),
        devices: Vec::new(),
        backup_codes_left: 0,
        backup_codes_inherited: false,
        bypass: None,
        waived_until: None,
        waiver_reason: None,
        waiver_uses: None,
        failures: 0,
        lock: None,
        locked_until: None,
        last_login: None,
    }
}

pub(crate) fn of_record(open: &OpenRecord<'_>, user: &str, uid: u32, site: &Site) -> Result<PersonStatus, Failure> {
    let (record, ledger, now) = (open.record(), open.ledger(), site.now()?);
    let (lock, locked_until) = match ledger.throttle.standing(&site.config.rules().limits, now) {
        Admission::Open => (None, None),
        Admission::Waiting { seconds } => (Some("waiting"), Some(now.wall.plus(u64::from(seconds)).to_string())),
        Admission::Blocked => (Some("blocked"), None),
    };
    let (in_force, is_looked_for) = waiver_in_force(open, uid, site)?;
    let waiver = in_force.filter(|_| is_looked_for);
    Ok(PersonStatus {
        schema: SCHEMA,
        user: user.to_owned(),
        uid,
        enrolled: true,
        enrolled_at: Some(record.enrolled_at.to_string()),
        invited_until: None,
        devices: devices_of(open),
        backup_codes_left: judge::backup_codes_left(record, ledger),
        backup_codes_inherited: record.backup.spelling == Spelling::EightDigits,
        bypass: bypass_of(record, ledger, now.wall),
        waived_until: waiver.map(|waiver| waiver.until.to_string()),
        waiver_reason: waiver.map(|waiver| waiver.reason.clone()),
        waiver_uses: waiver.map(|_| ledger.waiver_uses),
        failures: ledger.throttle.failures(),
        lock,
        locked_until,
        last_login: ledger.last_login.as_ref().map(|login| LastLogin {
            time: login.time.to_string(),
            service: login.service.as_str().to_owned(),
            source: Some(login.source.as_str()).filter(|source| !source.is_empty()).map(str::to_owned),
        }),
    })
}

/// A record's devices, in the order in which they were added.
pub(crate) fn devices_of(open: &OpenRecord<'_>) -> Vec<DeviceStatus> {
    let last_used = |device: &Device| open.ledger().device(device.id).and_then(|state| state.used_at);
    open.record().devices.iter().map(|device| of_device(device, last_used(device))).collect()
}

/// One that is used up is shown until its end, so that whoever is asked about it sees why it is refused.
fn bypass_of(record: &Record, ledger: &Ledger, now: UnixTime) -> Option<BypassStatus> {
    let bypass = record.bypass.as_ref().filter(|bypass| bypass.is_in_time(ledger.bypass_uses, now))?;
    Some(BypassStatus { until: bypass.until.to_string(), uses_left: bypass.uses_left(ledger.bypass_uses, now) })
}

fn of_device(device: &Device, last_used: Option<UnixTime>) -> DeviceStatus {
    DeviceStatus {
        name: device.name.as_str().to_owned(),
        kind: kind_name(device.kind),
        algorithm: device.algorithm.name(),
        digits: device.digits.count(),
        period: period_of(device.kind),
        offset: device.kind.seconds_ahead(),
        added_at: device.added_at.to_string(),
        last_used: last_used.map(|time| time.to_string()),
    }
}

/// The machine word of a kind.
pub(crate) fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Totp { .. } => "totp",
        Kind::Hotp => "hotp",
    }
}

/// Seconds of a step, where there are steps.
pub(crate) fn period_of(kind: Kind) -> Option<u16> {
    match kind {
        Kind::Totp { period, .. } => Some(period.seconds()),
        Kind::Hotp => None,
    }
}

fn sheet(status: &PersonStatus) -> String {
    let mut text = format!("{} (uid {})\n", escaped(&status.user), status.uid);
    let mut line = |name: &str, value: &str| text.push_str(&format!("  {name:<14}{value}\n"));
    let Some(enrolled_at) = &status.enrolled_at else {
        line("enrolled", "no");
        if let Some(until) = &status.invited_until {
            line("invited", &format!("until {until}, to enroll in a login"));
        }
        return text;
    };
    line("enrolled", enrolled_at);
    for device in &status.devices {
        line("device", &device_words(device));
    }
    line("backup codes", &backup_words(status));
    if let Some(bypass) = &status.bypass {
        line("bypass code", &format!("until {}, {} left", bypass.until, uses_words(bypass.uses_left.into())));
    }
    if let (Some(until), Some(reason), Some(uses)) = (&status.waived_until, &status.waiver_reason, status.waiver_uses) {
        line("waived", &format!("until {until}, {} so far: {}", uses_words(uses), escaped(reason)));
    }
    line("failures", &status.failures.to_string());
    line("lock", &lock_words(status));
    line("last login", &status.last_login.as_ref().map_or_else(|| "never".to_owned(), login_words));
    text
}

fn backup_words(status: &PersonStatus) -> String {
    let left = status.backup_codes_left;
    if status.backup_codes_inherited {
        let user = escaped(&status.user);
        format!("{left} left, of google-authenticator; 'nightlatch backup-codes {user}' makes stronger ones")
    } else {
        format!("{left} left")
    }
}

fn uses_words(count: u32) -> String {
    match count {
        1 => "1 use".to_owned(),
        other => format!("{other} uses"),
    }
}

fn device_words(device: &DeviceStatus) -> String {
    let period = device.period.map(|period| format!(", {period} s")).unwrap_or_default();
    let offset = device.offset.filter(|offset| *offset != 0).map(|offset| format!(", offset {offset:+} s"));
    let used = device.last_used.as_ref().map_or_else(|| "never used".to_owned(), |time| format!("last used {time}"));
    format!(
        "{}: {} {}, {} digits{period}{}, added {}, {used}",
        escaped(&device.name),
        device.kind,
        device.algorithm,
        device.digits,
        offset.unwrap_or_default(),
        device.added_at
    )
}

fn lock_words(status: &PersonStatus) -> String {
    match (status.lock, &status.locked_until) {
        (Some(lock), Some(until)) => format!("{lock} until {until} ('nightlatch unlock {}' ends it)", status.user),
        (Some(lock), None) => format!("{lock} ('nightlatch unlock {}' ends it)", status.user),
        (None, _) => "none".to_owned(),
    }
}

pub(crate) fn login_words(login: &LastLogin) -> String {
    let source = login.source.as_ref().map(|source| format!(" from {}", escaped(source))).unwrap_or_default();
    format!("{} by {}{source}", login.time, escaped(&login.service))
}
