// SPDX-License-Identifier: MIT OR Apache-2.0
//! A store of the target's own with root enrolled in it, what its file says, and what befalls the file from outside.

use std::fs;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::PathBuf;

use nightlatch::backup::BackupCodes;
use nightlatch::clock::{Clock as _, Moment};
use nightlatch::config::Config;
use nightlatch::enrollment::{Basis, DeviceSettings, Draft};
use nightlatch::error::Fault;
use nightlatch::ledger::{Ledger, Progress};
use nightlatch::random::Random;
use nightlatch::record::{DeviceName, Digits, Kind as RecordKind, Period};
use nightlatch::secret::{Algorithm, SharedSecret, TypedCode};
use nightlatch::store::{Answer, CommitFailure, LockFailure, OpenRecord, Store, initialise};
use nightlatch::user::Account;
use nightlatch::verify::judge::Occasion;
use nightlatch::verify::otp;
use nightlatch::verify::throttle::{Admission, Limits};
use tempfile::TempDir;

use super::surroundings::Surroundings;

pub(super) const BLOCK: usize = 4096;
const SECTOR: usize = 512;
const SECRET: &[u8] = b"12345678901234567890";
const BACKUP_CODES: u8 = 3;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Totp,
    Hotp,
}

struct Enrolled {
    file: Vec<u8>,
    backup_codes: Vec<String>,
}

pub(super) struct Site {
    directory: TempDir,
    config: Config,
    account: Account,
    totp: Enrolled,
    hotp: Enrolled,
    foreign: Vec<String>,
}

/// What the file says.
pub(super) struct Look {
    ledger: Ledger,
    pub(super) lost_a_slot: bool,
}

impl Look {
    pub(super) fn refused_since_login(&self) -> u32 {
        self.ledger.failures_since.count
    }

    pub(super) fn standing(&self, now: Moment) -> Admission {
        self.ledger.throttle.standing(&Limits::default(), now)
    }

    fn progress(&self) -> Progress {
        self.ledger.devices.first().expect("one device").progress
    }

    pub(super) fn last_counter(&self) -> Option<u64> {
        match self.progress() {
            Progress::Totp(last) => last.step().map(|step| step.0),
            Progress::Hotp { next } => next.checked_sub(1),
        }
    }

    pub(super) fn is_above(&self, counter: u64) -> bool {
        self.last_counter().is_none_or(|last| last < counter)
    }

    pub(super) fn knows_used(&self, set: &[String], code: &str) -> bool {
        let index = set.iter().position(|known| known == code);
        index.is_none_or(|index| self.ledger.is_backup_code_used(index as u8))
    }
}

impl Site {
    pub(super) fn make() -> Self {
        let directory = TempDir::new().expect("a directory");
        let (store, keys) = (directory.path().join("store"), directory.path().join("keys"));
        let (text, path) = (format!("store = {store:?}\nkeys = {keys:?}\n"), directory.path().join("config.toml"));
        let config = Config::parse(text.as_bytes(), &path).expect("a config");
        let around = Surroundings::new(u64::MAX / 3);
        initialise(&config, &path, &around).unwrap_or_else(|fault| panic!("needs root: {fault:?}"));
        let account = Account::of_uid(0).expect("an answer").expect("root");
        let nobody = || Enrolled { file: Vec::new(), backup_codes: Vec::new() };
        let mut site = Self { directory, config, account, totp: nobody(), hotp: nobody(), foreign: Vec::new() };
        site.totp = site.first_enrollment(Kind::Totp, &around);
        site.hotp = site.first_enrollment(Kind::Hotp, &around);
        let (foreign, _) = BackupCodes::generate(20, around.moment().wall, &around).expect("a set");
        site.foreign = foreign.expose_codes().map(str::to_owned).collect();
        site
    }

    fn first_enrollment(&self, kind: Kind, around: &Surroundings) -> Enrolled {
        let Ok(backup_codes) = self.replace(kind, around) else { panic!("not enrolled") };
        let file = self.bytes();
        fs::remove_file(self.path()).expect("the file");
        Enrolled { file, backup_codes }
    }

    fn enrolled(&self, kind: Kind) -> &Enrolled {
        match kind {
            Kind::Totp => &self.totp,
            Kind::Hotp => &self.hotp,
        }
    }

    /// The file as it was after the enrollment, and its backup codes.
    pub(super) fn enroll_anew(&self, kind: Kind) -> Vec<String> {
        let enrolled = self.enrolled(kind);
        self.overwrite(&enrolled.file);
        enrolled.backup_codes.clone()
    }

    /// Well spelled, of a set that this record never had.
    pub(super) fn foreign_backup_code(&self, which: usize) -> String {
        self.foreign[which % self.foreign.len()].clone()
    }

    fn path(&self) -> PathBuf {
        self.directory.path().join("store/users/0")
    }

    pub(super) fn bytes(&self) -> Vec<u8> {
        fs::read(self.path()).expect("the file")
    }

    fn overwrite(&self, bytes: &[u8]) {
        use std::io::Write as _;
        let mut options = fs::OpenOptions::new();
        let file = options.write(true).create(true).truncate(true).mode(0o600).open(self.path());
        file.expect("the file").write_all(bytes).expect("room");
    }

    /// What lies beside the file: a draft that nobody cleared away.
    pub(super) fn strays(&self) -> Vec<std::ffi::OsString> {
        let names = fs::read_dir(self.directory.path().join("store/users")).expect("users");
        names.map(|entry| entry.expect("an entry").file_name()).filter(|name| name != "0").collect()
    }

    pub(super) fn open<'r>(&self, random: &'r dyn Random) -> Store<'r> {
        Store::open(&self.config, random).unwrap_or_else(|fault| panic!("{fault:?}"))
    }

    pub(super) fn open_record<'s>(&self, store: &'s Store<'s>) -> Result<OpenRecord<'s>, Fault> {
        match store.lock(self.account.named()) {
            Ok(locked) => locked.open(self.account.named()),
            Err(LockFailure::Fault(fault)) => Err(fault),
            Err(LockFailure::NotEnrolled(_)) => panic!("not enrolled"),
        }
    }

    pub(super) fn look(&self, around: &Surroundings) -> Look {
        let store = self.open(around);
        let open = self.open_record(&store).unwrap_or_else(|fault| panic!("the file does not open: {fault:?}"));
        Look { ledger: open.ledger().clone(), lost_a_slot: open.has_lost_a_slot() }
    }

    pub(super) fn next_counter(&self, around: &Surroundings) -> u64 {
        self.look(around).last_counter().map_or(0, |last| last + 1)
    }

    pub(super) fn device_code(&self, counter: u64) -> String {
        let secret = SharedSecret::from_bytes(SECRET).expect("a secret");
        format!("{:06}", otp::code(&secret, Algorithm::Sha1, Digits::SIX, counter).expect("a code"))
    }

    pub(super) fn attempt(&self, code: &str, occasion: &Occasion, around: &Surroundings) -> Result<Answer, Fault> {
        let code = TypedCode::parse(code.as_bytes(), None).expect("shaped like a code");
        let store = self.open(around);
        self.open_record(&store)?.attempt(&code, occasion, around)?.commit()
    }

    pub(super) fn unlock(&self, around: &Surroundings) -> Result<bool, Fault> {
        let store = self.open(around);
        self.open_record(&store)?.unlock(around.now()?.wall)
    }

    pub(super) fn renew_backup_codes(&self, around: &Surroundings) -> Result<Vec<String>, Fault> {
        let store = self.open(around);
        let sheet = self.open_record(&store)?.renew_backup_codes(BACKUP_CODES, around.now()?.wall)?;
        Ok(sheet.expose_codes().map(str::to_owned).collect())
    }

    /// The same secret on a new record, or on a first one.
    pub(super) fn replace(&self, kind: Kind, around: &Surroundings) -> Result<Vec<String>, CommitFailure> {
        let store = self.open(around);
        let basis = Basis::from(store.enrollment(self.account.named())?);
        let settings = DeviceSettings {
            name: DeviceName::parse("phone").expect("a name"),
            kind: match kind {
                Kind::Totp => RecordKind::Totp { period: Period::THIRTY, offset: 0 },
                Kind::Hotp => RecordKind::Hotp,
            },
            algorithm: Algorithm::Sha1,
            digits: Digits::SIX,
        };
        let secret = SharedSecret::from_bytes(SECRET).expect("a secret");
        let (account, now) = (self.account.clone(), around.now()?.wall);
        let draft = Draft::new(account, basis, settings, secret, BACKUP_CODES, now, around)
            .map_err(|_| CommitFailure::Fault(Fault::NoRandomness))?;
        let sheet = store.commit(draft.vouched_for(), now)?;
        Ok(sheet.expose_codes().map(str::to_owned).collect())
    }

    /// Turns a bit in what a slot holds; says whether it was the newest slot.
    pub(super) fn rot(&self, block: usize, place: usize, bit: u8) -> bool {
        let mut bytes = self.bytes();
        let is_newest = sequence(&bytes, block) > sequence(&bytes, 3 - block);
        bytes[block * BLOCK + place] ^= bit;
        self.overwrite(&bytes);
        is_newest
    }

    /// The process was killed in the middle of what it wrote: of the slot that it was at, these sectors are new.
    pub(super) fn tear(&self, before: &[u8], sectors: u8) {
        let mut after = self.bytes();
        let mut changed: Vec<usize> =
            (1..3).filter(|block| block_of(before, *block) != block_of(&after, *block)).collect();
        changed.sort_by_key(|block| sequence(&after, *block));
        // Of two slots the first is flushed before the second is begun.
        let (torn, undone) = match (changed.as_slice(), sectors & 0x80) {
            ([first, second], 0) => (*first, Some(*second)),
            ([_, second], _) => (*second, None),
            ([only], _) => (*only, None),
            _ => return,
        };
        if let Some(block) = undone {
            after[block * BLOCK..][..BLOCK].copy_from_slice(block_of(before, block));
        }
        for sector in (0..8).filter(|sector| sectors >> (sector % 7) & 1 == 0) {
            let range = torn * BLOCK + sector * SECTOR..torn * BLOCK + (sector + 1) * SECTOR;
            after[range.clone()].copy_from_slice(&before[range]);
        }
        self.overwrite(&after);
    }
}

fn block_of(file: &[u8], block: usize) -> &[u8] {
    &file[block * BLOCK..][..BLOCK]
}

fn sequence(file: &[u8], block: usize) -> u64 {
    u64::from_le_bytes(file[block * BLOCK..][..8].try_into().expect("eight bytes"))
}
