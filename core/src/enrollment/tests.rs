// SPDX-License-Identifier: MIT OR Apache-2.0
//! What confirms a draft and what does not. Committing is the store's, and tried there.

use super::*;
use crate::clock::{BootTime, Step};
use crate::config::Config;
use crate::random::SystemRandom;
use crate::record::Period;
use crate::store::{Store, initialise};
use crate::verify::otp;

const NOON: Moment = Moment { wall: UnixTime(1_800_000_000), since_boot: BootTime(1_000), boot: None };
const SECRET: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

/// Of a new store, which is gone again: a draft lives in memory.
fn draft(kind: Kind) -> Draft {
    let directory = tempfile::TempDir::new().unwrap();
    let path = directory.path().join("config.toml");
    let text = format!("store = {:?}\nkeys = {:?}\n", directory.path().join("store"), directory.path().join("keys"));
    std::fs::write(&path, &text).unwrap();
    let config = Config::parse(text.as_bytes(), &path).unwrap();
    initialise(&config, &path, &SystemRandom).unwrap();
    let account = Account::for_test("alice", 4242);
    let basis = Basis::from(Store::open(&config, &SystemRandom).unwrap().enrollment(account.named()).unwrap());
    let name = DeviceName::parse("phone").unwrap();
    let settings = DeviceSettings { name, kind, algorithm: Algorithm::Sha1, digits: Digits::SIX };
    let secret = SharedSecret::from_base32(SECRET).unwrap();
    Draft::new(account, basis, settings, secret, 1, NOON.wall, &SystemRandom).unwrap()
}

fn totp() -> Kind {
    Kind::Totp { period: Period::THIRTY, offset: 0 }
}

fn code(counter: u64) -> TypedCode {
    let secret = SharedSecret::from_base32(SECRET).unwrap();
    let digits = format!("{:06}", otp::code(&secret, Algorithm::Sha1, Digits::SIX, counter).unwrap());
    TypedCode::parse(digits.as_bytes(), None).unwrap()
}

#[allow(clippy::result_large_err, reason = "as the method that it calls")]
fn confirm(draft: Draft, code: &TypedCode) -> Result<Confirmed, (Draft, Refusal)> {
    let rules = Config::default().rules();
    draft.confirm(code, &rules, NOON)
}

#[test]
fn a_draft_shows_the_one_device_that_it_is_about() {
    let draft = draft(totp());
    let [device] = draft.devices() else { panic!("one device") };
    assert_eq!((device.name.as_str(), device.digits, device.added_at), ("phone", Digits::SIX, NOON.wall));
}

#[test]
fn a_code_of_the_device_confirms_and_is_used_from_then_on() {
    let Ok(confirmed) = confirm(draft(totp()), &code(60_000_000)) else { panic!("not confirmed") };
    let last = LastAccepted::NEVER.advance(Step(60_000_000)).unwrap();
    assert_eq!(confirmed.ledger.devices[0].progress, Progress::Totp(last));
    let Ok(confirmed) = confirm(draft(Kind::Hotp), &code(3)) else { panic!("not confirmed") };
    assert_eq!(confirmed.ledger.devices[0].progress, Progress::Hotp { next: 4 });
}

/// The sheet lies beside the phone's QR code: that it can be read says nothing of the phone.
#[test]
fn a_backup_code_of_the_draft_confirms_nothing() {
    let draft = draft(totp());
    let backup_code = TypedCode::parse(draft.sheet.expose_codes().next().unwrap().as_bytes(), None).unwrap();
    let Err((draft, refusal)) = confirm(draft, &backup_code) else { panic!("confirmed") };
    assert_eq!(refusal, Refusal::Wrong);
    assert!(confirm(draft, &code(60_000_000)).is_ok());
}
