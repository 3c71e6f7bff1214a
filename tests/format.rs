// SPDX-License-Identifier: MIT OR Apache-2.0
//! docs/FORMAT.md is true: a reader written from that page alone, in another language, finds in a file what was put there.
#![allow(clippy::unwrap_used, clippy::panic, clippy::arithmetic_side_effects, reason = "a test")]

use std::fs;
use std::path::Path;
use std::process::Command;

use nightlatch::clock::{BootId, BootTime, Clock, Moment, UnixTime};
use nightlatch::config::Config;
use nightlatch::enrollment::{Basis, Confirmed, DeviceSettings, Draft};
use nightlatch::error::Fault;
use nightlatch::import::{ShortSecrets, Terms, google};
use nightlatch::invitation::InvitationTerms;
use nightlatch::random::SystemRandom;
use nightlatch::record::{DeviceName, Digits, Kind, Period};
use nightlatch::secret::{Algorithm, SharedSecret, TypedCode};
use nightlatch::store::{Answer, Enrollment, Store, initialise};
use nightlatch::user::{Account, UserName};
use nightlatch::verify::judge::{Occasion, Window};
use nightlatch::verify::otp;
use serde_json::{Value, json};

const NOON: u64 = 1_800_000_000;
const SECRET: &[u8] = b"12345678901234567890123456789012";

struct FixedClock;

impl Clock for FixedClock {
    fn now(&self) -> Result<Moment, Fault> {
        Ok(Moment { wall: UnixTime(NOON), since_boot: BootTime(777), boot: None })
    }

    fn boot_id(&self) -> Option<BootId> {
        Some(BootId([0xab; 16]))
    }
}

#[test]
fn a_second_reader_written_from_the_page_finds_what_was_put_there() {
    let directory = tempfile::TempDir::new().unwrap();
    let (store_path, keys) = (directory.path().join("store"), directory.path().join("keys"));
    let config_path = directory.path().join("config.toml");
    fs::write(&config_path, format!("store = {store_path:?}\nkeys = {keys:?}\n")).unwrap();
    let config = Config::read(Some(&config_path)).unwrap();
    initialise(&config, &config_path, &SystemRandom).unwrap();
    let account = Account::resolve(&UserName::parse(b"daemon").unwrap()).unwrap();
    let store = Store::open(&config, &SystemRandom).unwrap();
    let settings = DeviceSettings {
        name: DeviceName::parse("Ännes phone").unwrap(),
        kind: Kind::Totp { period: Period::new(60).unwrap(), offset: -3 },
        algorithm: Algorithm::Sha256,
        digits: Digits::new(8).unwrap(),
    };
    let basis = Basis::from(store.enrollment(account.named()).unwrap());
    let secret = SharedSecret::from_bytes(SECRET).unwrap();
    let draft = Draft::new(account.clone(), basis, settings, secret, 3, UnixTime(NOON), &SystemRandom).unwrap();
    let Ok(sheet) = store.commit(draft.vouched_for(), UnixTime(NOON)) else { panic!("not committed") };

    let attempt = |code: &str, source: Option<&str>| {
        let Ok(locked) = store.lock(account.named()) else { panic!("no lock") };
        let code = TypedCode::parse(code.as_bytes(), None).unwrap();
        locked
            .open(account.named())
            .unwrap()
            .attempt(&code, &Occasion::new("sshd", source), &FixedClock)
            .unwrap()
            .commit()
    };
    let secret = SharedSecret::from_bytes(SECRET).unwrap();
    let step = NOON / 60 - 3;
    let code = format!("{:08}", otp::code(&secret, Algorithm::Sha256, Digits::new(8).unwrap(), step).unwrap());
    assert!(matches!(attempt(&code, Some("2001:db8:1:2::9")), Ok(Answer::Accepted(_))));
    let backup = sheet.expose_codes().nth(2).unwrap().to_owned();
    assert!(matches!(attempt(&backup, None), Ok(Answer::Accepted(_))));
    for _ in 0..6 {
        assert!(matches!(attempt("00000000", Some("192.0.2.1")), Ok(Answer::Refused(_))));
    }

    let read = second_reader(&keys, &store_path.join("users/1"));
    assert_eq!((&read["name"], &read["uid"]), (&json!("daemon"), &json!(1)));
    assert_eq!(
        read["record"]["devices"],
        json!([{"id": 0, "name": "Ännes phone", "period": 60, "offset": -3, "algorithm": "sha256", "digits": 8,
                "secret": hexadecimal(SECRET), "added_at": NOON}])
    );
    assert_eq!(read["record"]["backup_codes"].as_array().unwrap().len(), 3);
    assert_eq!(
        (&read["record"]["backup_memory_kib"], &read["record"]["bypass"], &read["record"]["waiver"]),
        (&json!(512), &Value::Null, &Value::Null)
    );
    let (a, b) = (&read["slots"][0], &read["slots"][1]);
    let newest = if a["sequence"].as_u64() > b["sequence"].as_u64() { a } else { b };
    // Two at the enrollment, one login, two for the backup code, six refusals.
    assert_eq!(newest["sequence"], json!(11));
    assert_eq!(
        newest["ledger"],
        json!({
            "devices": [{"device": 0, "last_step": step, "used_at": NOON}],
            "known": [{"source": "20010db800010002", "failures": 0}, {"source": "local", "failures": 0}],
            "combined": {"failures": 0, "wait": null},
            "others": {"failures": 6, "wait": {"boot": "ab".repeat(16), "since_boot": 777, "wall": NOON, "seconds": 30,
                       "renewed": false}},
            "used_backup_codes": 4, "bypass_uses": 0, "waiver_uses": 0,
            "last_login": {"time": NOON, "service": "sshd", "source": "", "method": ["backup-code", 2]},
            "failures_since": {"count": 6, "first": NOON, "last": NOON, "last_source": "192.0.2.1"},
        })
    );
}

#[test]
fn a_second_reader_written_from_the_page_finds_an_invitation() {
    let directory = tempfile::TempDir::new().unwrap();
    let (store_path, keys) = (directory.path().join("store"), directory.path().join("keys"));
    let config_path = directory.path().join("config.toml");
    fs::write(&config_path, format!("store = {store_path:?}\nkeys = {keys:?}\n")).unwrap();
    let config = Config::read(Some(&config_path)).unwrap();
    initialise(&config, &config_path, &SystemRandom).unwrap();
    let account = Account::resolve(&UserName::parse(b"daemon").unwrap()).unwrap();
    let store = Store::open(&config, &SystemRandom).unwrap();
    let Enrollment::NotEnrolled(word) = store.enrollment(account.named()).unwrap() else { panic!("enrolled") };
    let terms = InvitationTerms::new(UnixTime(NOON + 3600), UnixTime(NOON)).unwrap();
    store.invite(&account, word, terms).unwrap();
    assert_eq!(
        second_reader(&keys, &store_path.join("users/1.invited")),
        json!({ "name": "daemon", "uid": 1, "invited_until": NOON + 3600, "made_at": NOON })
    );
}

/// Who was taken over with scratch codes has a record of the second version; with a set of ours it is of the first again.
#[test]
fn a_second_reader_written_from_the_page_finds_codes_of_another_program() {
    let directory = tempfile::TempDir::new().unwrap();
    let (store_path, keys) = (directory.path().join("store"), directory.path().join("keys"));
    let config_path = directory.path().join("config.toml");
    fs::write(&config_path, format!("store = {store_path:?}\nkeys = {keys:?}\n")).unwrap();
    let config = Config::read(Some(&config_path)).unwrap();
    initialise(&config, &config_path, &SystemRandom).unwrap();
    let account = Account::resolve(&UserName::parse(b"daemon").unwrap()).unwrap();
    let store = Store::open(&config, &SystemRandom).unwrap();
    let Enrollment::NotEnrolled(word) = store.enrollment(account.named()).unwrap() else { panic!("enrolled") };
    let terms = Terms { now: UnixTime(NOON), window: Window::ONE, short_secrets: ShortSecrets::Refused };
    let text = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\n\" TOTP_AUTH\n\" TIME_SKEW 4\n\" DISALLOW_REUSE 60000003\n12345678\n87654321\n";
    let Ok(taken) = google::read(text.as_bytes(), &terms) else { panic!("not taken over") };
    let confirmed = Confirmed::taken_over(account.clone(), word, taken, UnixTime(NOON), &SystemRandom).unwrap();
    let Ok(_) = store.commit(confirmed, UnixTime(NOON)) else { panic!("not committed") };
    let attempt = |code: &str| {
        let Ok(locked) = store.lock(account.named()) else { panic!("no lock") };
        let code = TypedCode::parse(code.as_bytes(), None).unwrap();
        let open = locked.open(account.named()).unwrap();
        open.attempt(&code, &Occasion::new("sshd", None), &FixedClock).unwrap().commit()
    };
    assert!(matches!(attempt("87654321"), Ok(Answer::Accepted(_))));

    let read = || second_reader(&keys, &store_path.join("users/1"));
    let (before, newest) = (read(), |read: &Value| read["slots"][1]["ledger"].clone());
    assert_eq!(before["record"]["backup_codes_are"], "eight digits");
    assert_eq!(before["record"]["backup_codes"].as_array().unwrap().len(), 2);
    assert_eq!(
        (&before["record"]["devices"][0]["offset"], &newest(&before)["used_backup_codes"]),
        (&json!(4), &json!(2))
    );
    assert_eq!(newest(&before)["devices"][0]["last_step"], json!(60_000_003));
    assert_eq!(newest(&before)["last_login"]["method"], json!(["backup-code", 1]));

    let Ok(locked) = store.lock(account.named()) else { panic!("no lock") };
    locked.open(account.named()).unwrap().renew_backup_codes(3, UnixTime(NOON)).unwrap();
    assert_eq!(read()["record"]["backup_codes_are"], "sixteen symbols");
}

fn second_reader(keys: &Path, file: &Path) -> Value {
    let reader = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/second_reader.py");
    let output = Command::new("python3").arg(reader).arg(keys).arg(file).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
