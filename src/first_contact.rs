// SPDX-License-Identifier: MIT OR Apache-2.0
//! Enrollment in a login: in its account phase a person is shown a QR code, types a first code, keeps the backup codes, and only
//! then is enrolled. Nothing is locked while anybody types. Comes to no verdict of authenticate and knows no PAM code.

use std::fmt::Write as _;
use std::path::PathBuf;

use nightlatch::audit::escaped;
use nightlatch::clock::Clock;
use nightlatch::config::{Config, ConfigError, EnrollDefaults};
use nightlatch::enrollment::{Basis, Confirmed, DeviceSettings, Draft, DraftError};
use nightlatch::error::Fault;
use nightlatch::qr::{Drawing, QUIET, Symbol};
use nightlatch::random::Random;
use nightlatch::record::{DeviceName, Kind};
use nightlatch::secret::{SharedSecret, TypedCode};
use nightlatch::store::{CommitFailure, Enrollment, Store};
use nightlatch::uri::{Label, expose_uri};
use nightlatch::user::{Account, AccountError, UserName, host_name};
use zeroize::Zeroizing;

use crate::arguments::Arguments;
use crate::conversation::{Conversation, NoReply};
use crate::login::Who;

/// Left on the handle by authenticate for the account phase: who was let through to be enrolled now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mark {
    /// PAM_USER, as authenticate read it.
    pub(crate) named: Vec<u8>,
    /// The config that let the person through.
    pub(crate) config: Option<PathBuf>,
}

/// A person is enrolled, and the record is on the disk. Made in [`enroll`] alone.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Enrolled(());

/// Why nobody was enrolled, and nobody comes in.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotEnrolledNow {
    #[error("{0}")]
    Config(#[from] ConfigError),
    #[error("{0}")]
    Store(#[from] Fault),
    #[error("{0}")]
    Account(#[from] AccountError),
    #[error("{0}")]
    Conversation(#[from] NoReply),
    #[error("the application changed the user since authenticate")]
    AnotherUser,
    #[error("the account line names another config than the auth line")]
    AnotherConfig,
    #[error("enrolled meanwhile")]
    Meanwhile,
    #[error("no code of the new device was right")]
    NoCodeWasRight,
    #[error("the person did not say that the backup codes are kept")]
    NotKept,
    #[error("{0}")]
    NoDraft(DraftError),
    #[error("issuer or account is no label, or too long for a QR code")]
    NoLabel,
}

const TRIES: usize = 3;
/// An Enter too many is no try; bounded all the same.
const REPLIES: usize = 10;
/// More than heading, symbol and secret take: a text that grows leaves its beginning behind.
const ROOM: usize = 16 * 1024;
const DEVICE: &str = "phone";

/// Enrolls whom the mark names.
pub(crate) fn enroll(
    pam: &mut impl Conversation,
    arguments: &Arguments,
    mark: &Mark,
    who: &mut Who,
    clock: &dyn Clock,
    random: &dyn Random,
) -> Result<Enrolled, NotEnrolledNow> {
    who.named = Some(mark.named.clone());
    still_named(pam, mark)?;
    if arguments.config() != mark.config.as_deref() {
        return Err(NotEnrolledNow::AnotherConfig);
    }
    let config = Config::read(arguments.config())?;
    let account = Account::resolve(&UserName::parse(&mark.named).map_err(|_| AccountError::Unknown)?)?;
    who.account = Some(account.named().clone());
    let basis = match Store::open(&config, random)?.enrollment(account.named())? {
        Enrollment::NotEnrolled(word) => Basis::Absent(word),
        Enrollment::Enrolled(_) => return Err(NotEnrolledNow::Meanwhile),
    };
    let draft = draft(account.clone(), basis, config.enroll(), clock, random)?;
    pam.show(&invitation(&draft, config.enroll(), &account)?)?;
    let confirmed = confirmed(pam, draft, &config, clock)?;
    keep_backup_codes(pam, &confirmed)?;
    still_named(pam, mark)?;
    match Store::open(&config, random)?.commit(confirmed, clock.now()?.wall) {
        Ok(_) => Ok(Enrolled(())),
        Err(CommitFailure::Changed) => Err(NotEnrolledNow::Meanwhile),
        Err(CommitFailure::Fault(fault)) => Err(fault.into()),
    }
}

/// The application may change the user in every conversation, and between the phases (THREATS V60).
fn still_named(pam: &impl Conversation, mark: &Mark) -> Result<(), NotEnrolledNow> {
    if pam.present_user().as_ref() == Some(&mark.named) { Ok(()) } else { Err(NotEnrolledNow::AnotherUser) }
}

fn draft(
    account: Account,
    basis: Basis,
    site: &EnrollDefaults,
    clock: &dyn Clock,
    random: &dyn Random,
) -> Result<Draft, NotEnrolledNow> {
    let settings = DeviceSettings {
        name: DeviceName::parse(DEVICE).map_err(|_| NotEnrolledNow::NoLabel)?,
        kind: Kind::Totp { period: site.period, offset: 0 },
        algorithm: site.algorithm,
        digits: site.digits,
    };
    let secret = SharedSecret::generate(site.algorithm, random)?;
    Draft::new(account, basis, settings, secret, site.backup_codes, clock.now()?.wall, random).map_err(|error| {
        match error {
            DraftError::Fault(fault) => NotEnrolledNow::Store(fault),
            cause @ (DraftError::TransientUid { .. } | DraftError::NoRoom(_)) => NotEnrolledNow::NoDraft(cause),
        }
    })
}

/// Without colours, since ssh shows their escapes as text.
fn invitation(draft: &Draft, site: &EnrollDefaults, account: &Account) -> Result<Zeroizing<String>, NotEnrolledNow> {
    let label = Label::of_site(site, account.name(), &host_name()).map_err(|_| NotEnrolledNow::NoLabel)?;
    let device = draft.devices().first().ok_or(NotEnrolledNow::NoLabel)?;
    let symbol = Symbol::of(&expose_uri(device, &label, 0)).map_err(|_| NotEnrolledNow::NoLabel)?;
    let mut text = Zeroizing::new(String::with_capacity(ROOM));
    text.push_str(
        "\nThis account needs a second factor before you can go on.\n\
         Scan this with an authenticator app on your phone:\n\n",
    );
    for row in symbol.draw(Drawing::Plain, QUIET) {
        text.push_str(&row);
        text.push('\n');
    }
    text.push_str("\nOr type this secret into the app:\n\n   ");
    let secret = device.secret.expose_base32();
    for (nth, symbol) in secret.chars().enumerate() {
        if nth.checked_rem(4) == Some(0) {
            text.push(' ');
        }
        text.push(symbol);
    }
    let (issuer, shown_account) = (escaped(label.issuer()), escaped(label.account()));
    // Writing to a string cannot fail.
    let _: std::fmt::Result = write!(
        text,
        "\n\n({issuer}, {shown_account}; time-based, {}, {} digits, {} seconds)\n",
        device.algorithm.uri_name(),
        device.digits.count(),
        site.period.seconds()
    );
    Ok(text)
}

fn confirmed(
    pam: &mut impl Conversation,
    mut draft: Draft,
    config: &Config,
    clock: &dyn Clock,
) -> Result<Confirmed, NotEnrolledNow> {
    let mut tried = 0_usize;
    for _ in 0..REPLIES {
        let reply = pam.ask("Code from the app: ")?;
        if reply.is_empty() {
            continue;
        }
        // The password is no code here either, whatever sends it.
        let password = pam.password();
        if let Ok(code) = TypedCode::parse(&reply, password.as_ref().map(|password| password.as_slice())) {
            match draft.confirm(&code, &config.rules(), clock.now()?) {
                Ok(confirmed) => return Ok(confirmed),
                Err((same, _)) => draft = same,
            }
        }
        tried = tried.saturating_add(1);
        if tried == TRIES {
            break;
        }
        pam.show("That code was not right. Wait for the next one; is the phone's clock right?")?;
    }
    Err(NotEnrolledNow::NoCodeWasRight)
}

fn keep_backup_codes(pam: &mut impl Conversation, confirmed: &Confirmed) -> Result<(), NotEnrolledNow> {
    let sheet = confirmed.backup_sheet();
    if sheet.is_empty() {
        return Ok(());
    }
    let mut text = Zeroizing::new(String::with_capacity(ROOM));
    text.push_str(
        "\nThat code was right. Without the phone, each of these lets you in once.\n\
         Write them down now; nobody can show them again:\n\n",
    );
    for code in sheet.expose_codes() {
        text.push_str("    ");
        text.push_str(code);
        text.push('\n');
    }
    pam.show(&text)?;
    for _ in 0..TRIES {
        let reply = pam.ask_openly("Have you kept them? Type yes: ")?;
        if reply.trim_ascii().eq_ignore_ascii_case(b"yes") {
            return Ok(());
        }
    }
    Err(NotEnrolledNow::NotKept)
}
