// SPDX-License-Identifier: MIT OR Apache-2.0
//! Judges what a power cut left: a site of its own, another boot, a clock that stands where it is told to; and the real
//! module and program at every hundredth state, so that the two judges are seen to agree.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;

use nightlatch::clock::{BootId, BootTime, Clock, Moment, UnixTime};
use nightlatch::config::Config;
use nightlatch::error::Fault;
use nightlatch::random::SystemRandom;
use nightlatch::secret::TypedCode;
use nightlatch::store::{Answer, Enrollment, Store};
use nightlatch::user::{Account, UserName};
use nightlatch::verify::judge::Occasion;

use super::Files;
use super::recording::lay_out;
use crate::scene::*;

pub const HOST: &str = "192.0.2.7";
const DRIVER: &str = "/opt/nightlatch/driver";
/// So many states for one that the real programs judge too.
const SAMPLE: usize = 100;

/// A store, keys and config of their own, in memory, so that thousands of states cost seconds.
pub struct Site {
    pub config: PathBuf,
    /// Where the records lie.
    pub users: PathBuf,
    service: Service,
}

impl Site {
    pub fn new() -> Self {
        in_the_bed();
        let directory = PathBuf::from(format!("/run/{}", unique("power-site-")));
        fs::create_dir_all(directory.join("etc")).unwrap();
        fs::create_dir_all(directory.join("var")).unwrap();
        let (store, keys, config) =
            (directory.join("var/store"), directory.join("etc/keys"), directory.join("etc/config"));
        fs::write(&config, format!("store = {store:?}\nkeys = {keys:?}\n")).unwrap();
        ok("nightlatch", &["--config", config.to_str().unwrap(), "init", "--quiet"]);
        let service = Service::alone(&format!("config={}", config.display()));
        Self { users: store.join("users"), config, service }
    }

    /// Another place for the same records: same key, same marker.
    pub fn twin(&self) -> Self {
        let twin = Self::new();
        let (ours, theirs) = (self.config.parent().unwrap(), twin.config.parent().unwrap());
        ok("rm", &["-r", theirs.join("keys").to_str().unwrap()]);
        ok("cp", &["-a", ours.join("keys").to_str().unwrap(), theirs.to_str().unwrap()]);
        let marker = |site: &Self| site.users.with_file_name("store");
        ok("cp", &["-a", marker(self).to_str().unwrap(), marker(&twin).to_str().unwrap()]);
        twin
    }

    pub fn login(&self, person: &str, code: &str) -> Vec<String> {
        let words = [DRIVER, "--no-delay", "--rhost", HOST, "--reply", code, &self.service.name, person];
        words.map(str::to_owned).to_vec()
    }

    pub fn nightlatch(&self, arguments: &[&str]) -> Vec<String> {
        let config = self.config.to_str().unwrap();
        [&["nightlatch", "--config", config], arguments].concat().iter().map(|word| (*word).to_owned()).collect()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        drop(fs::remove_dir_all(self.config.ancestors().nth(2).unwrap()));
    }
}

/// A clock after the reboot.
struct Standing(u64);

impl Clock for Standing {
    fn now(&self) -> Result<Moment, Fault> {
        Ok(Moment { wall: UnixTime(self.0), since_boot: BootTime(20), boot: None })
    }

    fn boot_id(&self) -> Option<BootId> {
        Some(BootId([7; 16]))
    }
}

/// Whether a waiver stands in the record.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Waived {
    #[default]
    Never,
    /// It is being granted or ended.
    Maybe,
    /// And the file beside the record says that it is to be looked for.
    Surely,
}

/// What has been promised to somebody, by answers that were given.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Promised {
    /// Codes that were answered with success.
    pub used: BTreeSet<String>,
    /// Judged refusals that were answered, since anything began that may clear them.
    pub refused: u32,
    /// Secrets of which one has to be the person's; an empty one stands for "not enrolled".
    pub secrets: BTreeSet<String>,
    /// Secrets of devices that were added besides: each has to be the person's.
    pub added: BTreeSet<String>,
    pub waived: Waived,
}

pub struct Referee {
    site: Site,
    person: String,
    account: Account,
    moment: u64,
    judged: RefCell<BTreeSet<(Files, Promised)>>,
    codes: RefCell<BTreeMap<(String, u64), String>>,
    pub sampled: Cell<usize>,
}

impl Referee {
    pub fn new(site: &Site, person: &str, moment: u64) -> Self {
        let account = Account::resolve(&UserName::parse(person.as_bytes()).unwrap()).unwrap();
        let (judged, codes, sampled) = (RefCell::default(), RefCell::default(), Cell::default());
        Self { site: site.twin(), person: person.to_owned(), account, moment, judged, codes, sampled }
    }

    /// Different states that were judged.
    pub fn states(&self) -> usize {
        self.judged.borrow().len()
    }

    /// Whether a code is accepted at a moment, by what lies there.
    fn admits(&self, code: &str, moment: u64) -> bool {
        self.with_store(|store| {
            let locked = store.lock(self.account.named()).unwrap_or_else(|failure| panic!("{failure:?}"));
            let open = locked.open(self.account.named()).unwrap_or_else(|fault| panic!("does not open: {fault}"));
            let code = TypedCode::parse(code.as_bytes(), None).unwrap_or_else(|_| panic!("{code} is no code"));
            let pending = open.attempt(&code, &Occasion::new("power", Some(HOST)), &Standing(moment)).unwrap();
            matches!(pending.commit().unwrap(), Answer::Accepted(_))
        })
    }

    fn failures(&self) -> u32 {
        self.with_store(|store| {
            let locked = store.lock(self.account.named()).unwrap_or_else(|failure| panic!("{failure:?}"));
            let open = locked.open(self.account.named()).unwrap_or_else(|fault| panic!("does not open: {fault}"));
            open.ledger().throttle.failures()
        })
    }

    fn with_store<T>(&self, look: impl FnOnce(&Store<'_>) -> T) -> T {
        let config = Config::read(Some(&self.site.config)).unwrap();
        look(&Store::open(&config, &SystemRandom).unwrap())
    }

    /// Whether the phone with this secret gets in ten minutes later, when no used code and no wait is near. After a slot
    /// was lost the first code may be refused, and the next one is not.
    fn serves(&self, files: &Files, secret: &str) -> bool {
        lay_out(&self.site.users, files);
        [600, 720].iter().any(|seconds| {
            let moment = self.moment + seconds;
            self.admits(&self.phone_s_code(secret, moment), moment)
        })
    }

    fn phone_s_code(&self, secret: &str, moment: u64) -> String {
        let mut codes = self.codes.borrow_mut();
        codes.entry((secret.to_owned(), moment)).or_insert_with(|| code_at(secret, moment)).clone()
    }

    /// Every promise, at one state.
    pub fn judge(&self, files: &Files, promised: &Promised) {
        if !self.judged.borrow_mut().insert((files.clone(), promised.clone())) {
            return;
        }
        self.judge_who_is_listed(files);
        if !files.contains_key(&self.account.uid().to_string()) {
            self.judge_absence(files, promised);
            return;
        }
        lay_out(&self.site.users, files);
        let counted = self.failures();
        assert!(counted >= promised.refused, "{counted} failures counted, {promised:?}");
        let clock = Standing(self.moment);
        let in_force = self.with_store(|store| store.waiver(self.account.named(), &clock).unwrap().is_some());
        let is_looked_for = files.contains_key(&format!("{}.waived", self.account.uid()));
        match promised.waived {
            Waived::Never => assert!(!in_force, "{promised:?}"),
            Waived::Maybe => {}
            Waived::Surely => assert!(in_force && is_looked_for, "{promised:?}"),
        }
        for code in &promised.used {
            for moment in [self.moment, self.moment + 30] {
                lay_out(&self.site.users, files);
                assert!(!self.admits(code, moment), "{code} again, {promised:?}");
            }
        }
        let secrets = promised.secrets.iter().filter(|secret| !secret.is_empty());
        let served: Vec<_> = secrets.filter(|secret| self.serves(files, secret)).collect();
        assert_eq!(served.len(), 1, "one phone works, {promised:?}");
        for secret in &promised.added {
            assert!(self.serves(files, secret), "a device that was added works, {promised:?}");
        }
        if self.states() % SAMPLE == 1 {
            self.judge_by_the_real_programs(files, promised);
        }
    }

    /// Nothing but what is named by a uid is a record.
    fn judge_who_is_listed(&self, files: &Files) {
        lay_out(&self.site.users, files);
        let listed = self.with_store(|store| store.people().unwrap());
        let records = files.keys().filter(|name| name.bytes().all(|byte| byte.is_ascii_digit())).count();
        assert_eq!(listed.len(), records, "{listed:?}");
    }

    fn judge_absence(&self, files: &Files, promised: &Promised) {
        assert!(promised.secrets.contains(""), "lost, {promised:?}");
        lay_out(&self.site.users, files);
        let enrollment = self.with_store(|store| store.enrollment(self.account.named()).unwrap());
        assert!(matches!(enrollment, Enrollment::NotEnrolled(_)));
        if self.states() % 10 == 1 {
            let enroll =
                self.site.nightlatch(&["enroll", &self.person, "--no-confirm", "--json", "--backup-codes", "1"]);
            let words: Vec<&str> = enroll.iter().map(String::as_str).collect();
            ok(words[0], &words[1..]);
            self.sampled.set(self.sampled.get() + 1);
        }
    }

    fn judge_by_the_real_programs(&self, files: &Files, promised: &Promised) {
        let at = format!("@{}", self.moment);
        let real = |command: Vec<String>| {
            let words: Vec<&str> = command.iter().map(String::as_str).collect();
            run("faketime", &[&[at.as_str()], &words[..]].concat())
        };
        lay_out(&self.site.users, files);
        let status = real(self.site.nightlatch(&["status", &self.person, "--json"]));
        let status: serde_json::Value = serde_json::from_slice(&status.stdout).unwrap();
        assert_eq!(status["enrolled"], true, "{status}");
        assert_eq!(status["failures"], self.failures(), "{status}");
        for code in &promised.used {
            lay_out(&self.site.users, files);
            let output = real(self.site.login(&self.person, code));
            // A waiver alone in a stack is no verdict.
            let answers = if promised.waived == Waived::Never {
                ["PAM_AUTH_ERR"; 2]
            } else {
                ["PAM_AUTH_ERR", "PAM_PERM_DENIED"]
            };
            let said = String::from_utf8_lossy(&output.stdout);
            assert!(answers.iter().any(|answer| said.contains(answer)), "{output:?}");
        }
        self.sampled.set(self.sampled.get() + 1);
    }
}

/// The phone's code at a moment.
pub fn code_at(secret: &str, moment: u64) -> String {
    ok("oathtool", &["--totp", "-b", secret, "-N", &format!("@{moment}")]).trim().to_owned()
}
