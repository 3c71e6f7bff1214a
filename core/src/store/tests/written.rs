// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is written when, and what its reader is told of it: replacements, answers, sizes, what `init` makes.

use std::cell::Cell;

use super::*;
use crate::config::COMMENTED_DEFAULT;
use crate::ledger::Progress;
use crate::store::layout::{BLOCK, HEADER_BYTES, SEAL_BYTES, Slot};

#[test]
fn a_replacement_begins_with_its_own_steps_and_a_full_set_of_backup_codes() {
    const ANOTHER: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";
    let mut site = Site::with_alice();
    assert!(site.admits(&site.backup_codes[0], NOON));
    assert!(site.admits(&code_at(NOON + 3000), NOON + 3000));
    let basis = Basis::from(site.open().unwrap().enrollment(alice().named()).unwrap());
    let code = otp::code(&SharedSecret::from_base32(ANOTHER).unwrap(), Algorithm::Sha1, Digits::SIX, NOON / 30);
    let code = format!("{:06}", code.unwrap());
    let typed = TypedCode::parse(code.as_bytes(), None).unwrap();
    let now = FixedClock(NOON).now().unwrap();
    let Ok(confirmed) = draft(&alice(), basis, ANOTHER).confirm(&typed, &site.config.rules(), now) else {
        panic!("not confirmed")
    };
    let sheet = site.open().unwrap().commit(confirmed, now.wall).unwrap_or_else(|_| panic!("not committed"));
    let ledger = site.ledger();
    assert_eq!((ledger.used_backup_codes, ledger.bypass_uses), (0, 0));
    let [state] = &ledger.devices[..] else { panic!("one device") };
    assert!(matches!(state.progress, Progress::Totp(last) if last.step().is_some_and(|step| step.0 == NOON / 30)));
    assert!(!site.admits(&code, NOON), "the confirming code is used");
    site.backup_codes = sheet.expose_codes().map(str::to_owned).collect();
    assert!(site.admits(&site.backup_codes[0], NOON));
}

#[test]
fn an_acceptance_says_with_what_and_what_was_refused_before() {
    let site = Site::with_alice();
    for wall in [NOON, NOON + 1] {
        assert!(!site.admits("000000", wall));
    }
    let Ok(Answer::Accepted(accepted)) = site.attempt(&code_at(NOON + 60), NOON + 60) else { panic!("refused") };
    assert!(matches!(accepted.method(), Method::Totp(_)));
    assert_eq!((accepted.device(), accepted.backup_codes_left()), (Some("phone"), 10));
    assert_eq!((accepted.failures_since().count, accepted.failures_since().last), (2, Some(UnixTime(NOON + 1))));
    let Ok(Answer::Accepted(accepted)) = site.attempt(&site.backup_codes[0], NOON + 61) else { panic!("refused") };
    assert!(matches!(accepted.method(), Method::BackupCode(0)));
    assert_eq!((accepted.device(), accepted.backup_codes_left()), (None, 9));
    assert_eq!(accepted.failures_since().count, 0);
}

/// Counts how often it is asked which boot this is: one file more to read.
struct CountingClock(Cell<u32>);

impl Clock for CountingClock {
    fn now(&self) -> Result<Moment, Fault> {
        FixedClock(NOON).now()
    }

    fn boot_id(&self) -> Option<BootId> {
        self.0.set(self.0.get() + 1);
        Some(BootId([1; 16]))
    }
}

#[test]
fn which_boot_it_is_is_asked_only_where_a_wait_may_depend_on_it() {
    let site = Site::with_alice();
    let clock = CountingClock(Cell::new(0));
    let attempt = |code: &str| {
        let store = site.open().unwrap();
        let Ok(locked) = store.lock(alice().named()) else { panic!("no lock") };
        let open = locked.open(alice().named()).unwrap();
        let code = TypedCode::parse(code.as_bytes(), None).unwrap();
        let pending = open.attempt(&code, &Occasion::new("sshd", None), &clock).unwrap();
        let lost = pending.lost_slot().map(Path::to_owned);
        assert!(pending.commit().is_ok());
        lost
    };
    assert_eq!((attempt(&code_at(NOON - 30)), clock.0.get()), (None, 0));
    let mut bytes = fs::read(site.file()).unwrap();
    bytes[BLOCK + 100] ^= 1;
    fs::write(site.file(), &bytes).unwrap();
    assert_eq!(attempt("000000"), Some(site.file()));
    assert_eq!(clock.0.get(), 1);
    for _ in 0..5 {
        assert_eq!(attempt("000000"), None);
    }
    assert!(clock.0.get() > 1, "a wait is pending");
}

#[test]
fn an_open_record_is_removed_and_one_of_an_account_that_is_gone_opens_for_its_uid_alone() {
    let site = Site::with_alice();
    let store = site.open().unwrap();
    let Ok(locked) = store.lock_uid(4242) else { panic!("no lock") };
    let open = locked.open_as_made().unwrap();
    assert_eq!(open.record().devices.len(), 1);
    drop(open);
    fs::copy(site.file(), site.file().with_file_name("4243")).unwrap();
    fs::set_permissions(site.file().with_file_name("4243"), fs::Permissions::from_mode(0o600)).unwrap();
    let Ok(copied) = store.lock_uid(4243) else { panic!("no lock") };
    assert!(matches!(copied.open_as_made(), Err(Fault::Foreign { .. })));
    let Ok(locked) = store.lock(alice().named()) else { panic!("no lock") };
    locked.open(alice().named()).unwrap().remove().unwrap();
    assert!(!site.file().exists());
    assert!(matches!(store.enrollment(alice().named()), Ok(Enrollment::NotEnrolled(_))));
}

/// Each part stands on a block of its own; what is sealed is longer by nonce and tag.
#[test]
fn record_and_ledger_fill_their_blocks_and_no_byte_more() {
    assert_eq!(HEADER_BYTES + SEAL_BYTES + RECORD_ROOM, BLOCK);
    let sealed = vec![0; LEDGER_ROOM + SEAL_BYTES];
    assert_eq!(Slot::to_bytes(1, &sealed).map(|slot| slot.len()), Some(BLOCK));
    assert!(Slot::to_bytes(1, &[&sealed[..], &[0]].concat()).is_none());
}

#[test]
fn init_writes_the_config_with_every_default_for_all_to_read() {
    let directory = TempDir::new().unwrap();
    let (etc, path) = (directory.path().join("etc"), directory.path().join("etc/config.toml"));
    let text =
        format!("store = {:?}\nkeys = {:?}\n", directory.path().join("store"), directory.path().join("etc/keys"));
    let config = Config::parse(text.as_bytes(), &path).unwrap();
    let made = initialise(&config, &path, &SystemRandom).unwrap();
    assert!(made.iter().any(|made| made.part == Part::Config && made.path == path));
    assert_eq!(fs::read_to_string(&path).unwrap(), COMMENTED_DEFAULT);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!((mode(&path), mode(&etc)), (0o644, 0o755));
    fs::write(&path, "prompt = 'Code? '\n").unwrap();
    assert!(initialise(&config, &path, &SystemRandom).unwrap().is_empty());
    assert_eq!(fs::read_to_string(&path).unwrap(), "prompt = 'Code? '\n", "an administrator's words stay");
}
