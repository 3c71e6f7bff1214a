// SPDX-License-Identifier: MIT OR Apache-2.0
//! The module without libpam: a scripted conversation, a store of its own, time as a value.
#![allow(clippy::arithmetic_side_effects, reason = "small numbers in tests")]

use std::cell::Cell;
use std::ffi::{CStr, CString};
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use nightlatch::clock::{BootId, BootTime, Clock, Moment, UnixTime};
use nightlatch::config::Config;
use nightlatch::enrollment::{Basis, DeviceSettings, Draft};
use nightlatch::error::Fault;
use nightlatch::random::SystemRandom;
use nightlatch::record::{DeviceName, Digits, Kind, Period};
use nightlatch::secret::{Algorithm, SharedSecret};
use nightlatch::store::{Store, initialise};
use nightlatch::user::{Account, UserName};
use nightlatch::verify::judge::Occasion;
use nightlatch::verify::otp;
use pam::constants::PamResultCode::{self, *};
use tempfile::TempDir;

use crate::answer::{self, NOT_ACCEPTED};
use crate::answer_login;
use crate::conversation::scripted::Scripted;
use crate::conversation::{Level, Message};
use crate::guard::Panicked;
use crate::login::{Failure, Who};

const NOON: u64 = 1_800_000_000;
const BACKUP_9: &str = "Backup code accepted. 9 backup codes are left.";
const SECRET: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

struct FixedClock(Cell<u64>);

impl Clock for FixedClock {
    fn now(&self) -> Result<Moment, Fault> {
        let now = self.0.get();
        Ok(Moment { wall: UnixTime(now), since_boot: BootTime(now - 1_000_000), boot: None })
    }

    fn boot_id(&self) -> Option<BootId> {
        Some(BootId([1; 16]))
    }
}

/// A site with `daemon` enrolled and `bin` not.
struct Site {
    directory: TempDir,
    clock: FixedClock,
    backup_codes: Vec<String>,
}

impl Site {
    fn new() -> Self {
        Self::with_config("")
    }

    fn with_config(more: &str) -> Self {
        let directory = TempDir::new().unwrap();
        let path = directory.path().join("config.toml");
        let text =
            format!("store = {:?}\nkeys = {:?}\n{more}", directory.path().join("store"), directory.path().join("keys"));
        fs::write(&path, text).unwrap();
        let config = Config::read(Some(&path)).unwrap();
        initialise(&config, &path, &SystemRandom).unwrap();
        let backup_codes = enroll(&config, "daemon");
        Self { directory, clock: FixedClock(Cell::new(NOON)), backup_codes }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn login(&self, pam: &mut Scripted, words: &[&str]) -> PamResultCode {
        let config = format!("config={}", self.path("config.toml").display());
        let words: Vec<CString> =
            std::iter::once(config.as_str()).chain(words.iter().copied()).map(|w| CString::new(w).unwrap()).collect();
        let words: Vec<&CStr> = words.iter().map(CString::as_c_str).collect();
        answer_login(pam, &words, &self.clock, &SystemRandom)
    }

    fn gets_in(&self, user: &str, reply: &str) -> bool {
        self.login(&mut Scripted::new(user, &[reply]), &[]) == PAM_SUCCESS
    }
}

/// Enrolls with the one secret; gives the backup codes.
fn enroll(config: &Config, user: &str) -> Vec<String> {
    let account = Account::resolve(&UserName::parse(user.as_bytes()).unwrap()).unwrap();
    let store = Store::open(config, &SystemRandom).unwrap();
    let basis = Basis::from(store.enrollment(account.named()).unwrap());
    let settings = DeviceSettings {
        name: DeviceName::parse("phone").unwrap(),
        kind: Kind::Totp { period: Period::THIRTY, offset: 0 },
        algorithm: Algorithm::Sha1,
        digits: Digits::SIX,
    };
    let secret = SharedSecret::from_base32(SECRET).unwrap();
    let draft = Draft::new(account, basis, settings, secret, 10, UnixTime(NOON), &SystemRandom).unwrap();
    let Ok(sheet) = store.commit(draft.vouched_for(), UnixTime(NOON)) else { panic!("not committed") };
    sheet.expose_codes().map(str::to_owned).collect()
}

mod first_contact;
mod granted;
mod one_prompt;
mod panics;
mod policy;

fn code_at(wall: u64) -> String {
    let secret = SharedSecret::from_base32(SECRET).unwrap();
    format!("{:06}", otp::code(&secret, Algorithm::Sha1, Digits::SIX, wall / 30).unwrap())
}

fn sentence() -> Vec<Message> {
    vec![Message::Error(NOT_ACCEPTED.to_owned())]
}

#[test]
fn the_right_code_is_success_and_says_nothing_to_the_person() {
    let site = Site::new();
    let mut pam = Scripted::new("daemon", &[&code_at(NOON)]);
    assert_eq!(site.login(&mut pam, &[]), PAM_SUCCESS);
    assert_eq!(pam.prompts, ["Verification code: "]);
    assert_eq!((pam.messages, pam.delays), (vec![], 0));
    let log = pam.log.borrow();
    assert_eq!(
        *log,
        [(Level::Info, "accepted user=daemon uid=1 service=sshd source=192.0.2.7 method=totp device=phone".to_owned())]
    );
}

#[test]
fn every_refusal_shows_the_same_sentence_and_logs_its_own_cause() {
    let site = Site::new();
    let used = code_at(NOON);
    assert_eq!(site.login(&mut Scripted::new("daemon", &[&used]), &[]), PAM_SUCCESS);
    let typo = site.backup_codes[0].replace('-', "") + "";
    let last = if typo.ends_with('0') { "1" } else { "0" };
    let typo = format!("{}{last}", &typo[..15]);
    for (user, reply, code, cause) in [
        ("daemon", "", PAM_AUTH_ERR, "cause=\"not a code: empty\""),
        ("daemon", "12345", PAM_AUTH_ERR, "not the length of a code"),
        ("daemon", "123456789", PAM_AUTH_ERR, "not the length of a code"),
        ("daemon", "abcdef", PAM_AUTH_ERR, "not the symbols of a code"),
        ("daemon", "correct horse", PAM_AUTH_ERR, "the password instead of a code"),
        ("daemon", "\u{8}\n\r\u{7f}INCORRECT", PAM_AUTH_ERR, "sshd's placeholder"),
        ("daemon", &typo, PAM_AUTH_ERR, "a backup code with a typing error"),
        ("daemon", &used, PAM_AUTH_ERR, "cause=\"the last accepted code again\""),
        ("daemon", &code_at(NOON - 30_000), PAM_AUTH_ERR, "cause=\"wrong code\""),
        (
            "daemon",
            &code_at(NOON + 300),
            PAM_AUTH_ERR,
            "cause=\"clock drift\" drift_seconds=+300 remedy=\"compare this host's",
        ),
        ("daemon", "1234567", PAM_AUTH_ERR, "no device has codes of this length"),
        ("bin", "123456", PAM_AUTH_ERR, "cause=\"not enrolled\""),
        ("nobody-of-that-name", "123456", PAM_USER_UNKNOWN, "cause=\"no such account\""),
        ("../root", "123456", PAM_USER_UNKNOWN, "cause=\"no such account\""),
    ] {
        let mut pam = Scripted::new(user, &[reply]);
        assert_eq!(site.login(&mut pam, &[]), code, "{user} {reply:?}");
        assert_eq!(pam.prompts, ["Verification code: "], "everybody is asked alike");
        assert_eq!(pam.messages, sentence());
        assert_eq!(pam.delays, 1);
        let logged = pam.logged();
        assert!(logged.contains(cause), "{logged}");
        assert!(logged.starts_with("Notice refused user="), "{logged}");
        assert!(reply.len() < 5 || !logged.contains(reply), "a reply in the log: {logged}");
    }
}

#[test]
fn the_site_s_own_sentence_is_one_for_every_refusal_too() {
    let site = Site::with_config("refusal = 'Ask 1234.'\n[service.sudo]\nrefusal = 'No.'");
    for (user, reply) in
        [("daemon", "000000"), ("daemon", ""), ("bin", "123456"), ("nobody-of-that-name", "123456"), ("../x", "1")]
    {
        let mut pam = Scripted::new(user, &[reply]);
        assert_ne!(site.login(&mut pam, &[]), PAM_SUCCESS);
        assert_eq!(pam.messages, [Message::Error("Ask 1234.".to_owned())], "{user} {reply:?}");
    }
    let mut pam = Scripted::new("daemon", &[&code_at(NOON)]);
    assert_eq!(site.login(&mut pam, &[]), PAM_SUCCESS);
    assert!(pam.messages.iter().all(|message| matches!(message, Message::Info(_))), "{:?}", pam.messages);
}

#[test]
fn a_name_that_is_no_account_is_not_repeated_in_the_log() {
    let site = Site::new();
    let mut pam = Scripted::new("hunter2secret", &["123456"]);
    assert_eq!(site.login(&mut pam, &[]), PAM_USER_UNKNOWN);
    assert!(pam.logged().contains("user=unknown") && !pam.logged().contains("hunter2"), "{}", pam.logged());
}

#[test]
fn nobody_gets_in_without_a_user_a_reply_or_with_an_unknown_argument() {
    let site = Site::new();
    let mut pam = Scripted::new("", &["123456"]);
    assert_eq!(site.login(&mut pam, &[]), PAM_AUTH_ERR);
    let mut pam = Scripted::new("daemon", &[]);
    assert_eq!(site.login(&mut pam, &[]), PAM_CONV_ERR);
    assert_eq!((pam.messages, pam.delays), (vec![], 0));
    for words in [["nulok"], ["alwaysok"], ["config=relative"], ["config=/second"]] {
        let mut pam = Scripted::new("daemon", &[&code_at(NOON)]);
        assert_eq!(site.login(&mut pam, &words), PAM_SERVICE_ERR);
        assert!(pam.prompts.is_empty());
        assert!(pam.logged().starts_with("Error fault"), "{}", pam.logged());
    }
    // Not charged, and the code is still good.
    assert_eq!(site.login(&mut Scripted::new("daemon", &[&code_at(NOON)]), &[]), PAM_SUCCESS);
}

#[test]
fn nullok_exempts_those_who_are_not_enrolled_and_nobody_else() {
    let site = Site::new();
    let mut pam = Scripted::new("bin", &["123456"]);
    assert_eq!(site.login(&mut pam, &["nullok"]), PAM_IGNORE);
    assert!(pam.prompts.is_empty() && pam.messages.is_empty());
    assert!(pam.logged().contains("exempt user=bin uid=2 service=sshd source=192.0.2.7 by=nullok"), "{}", pam.logged());
    assert_eq!(site.login(&mut Scripted::new("daemon", &["123456"]), &["nullok"]), PAM_AUTH_ERR);
    assert_eq!(site.login(&mut Scripted::new("no-such-account", &["123456"]), &["nullok"]), PAM_USER_UNKNOWN);
    assert_eq!(site.login(&mut Scripted::new("daemon", &[&code_at(NOON)]), &["nullok"]), PAM_SUCCESS);
}

#[test]
fn the_config_wins_over_nullok() {
    let strict = Site::with_config("[default]\nnot_enrolled = 'refuse'\n");
    assert_eq!(strict.login(&mut Scripted::new("bin", &["123456"]), &["nullok"]), PAM_AUTH_ERR);
    let lenient = Site::with_config("[default]\nnot_enrolled = 'exempt'\n");
    assert_eq!(lenient.login(&mut Scripted::new("bin", &[]), &[]), PAM_IGNORE);
}

#[test]
fn no_fault_of_config_or_store_is_ever_success_or_ignore() {
    type Damage = fn(&Site);
    let remove_key = |site: &Site| {
        for key in fs::read_dir(site.path("keys")).unwrap() {
            fs::remove_file(key.unwrap().path()).unwrap();
        }
    };
    let cases: [(&str, Damage, PamResultCode); 11] = [
        ("no config", |site| fs::remove_file(site.path("config.toml")).unwrap(), PAM_SERVICE_ERR),
        ("a config that is none", |site| fs::write(site.path("config.toml"), "x").unwrap(), PAM_SERVICE_ERR),
        (
            "an empty key",
            |site| fs::write(fs::read_dir(site.path("keys")).unwrap().next().unwrap().unwrap().path(), "").unwrap(),
            PAM_AUTHINFO_UNAVAIL,
        ),
        ("no key", remove_key, PAM_AUTHINFO_UNAVAIL),
        ("no keys", |site| fs::remove_dir_all(site.path("keys")).unwrap(), PAM_AUTHINFO_UNAVAIL),
        ("no store", |site| fs::remove_dir_all(site.path("store")).unwrap(), PAM_AUTHINFO_UNAVAIL),
        ("no users", |site| fs::remove_dir_all(site.path("store/users")).unwrap(), PAM_AUTHINFO_UNAVAIL),
        (
            "a fresh store",
            |site| {
                fs::remove_dir_all(site.path("store")).unwrap();
                for directory in ["store", "store/users"] {
                    fs::create_dir(site.path(directory)).unwrap();
                    fs::set_permissions(site.path(directory), fs::Permissions::from_mode(0o700)).unwrap();
                }
            },
            PAM_AUTHINFO_UNAVAIL,
        ),
        ("a damaged record", |site| fs::write(site.path("store/users/1"), [0; 12_288]).unwrap(), PAM_AUTHINFO_UNAVAIL),
        ("a short record", |site| fs::write(site.path("store/users/1"), "x").unwrap(), PAM_AUTHINFO_UNAVAIL),
        (
            "a link for a record",
            |site| {
                fs::rename(site.path("store/users/1"), site.path("away")).unwrap();
                std::os::unix::fs::symlink(site.path("away"), site.path("store/users/1")).unwrap();
            },
            PAM_AUTHINFO_UNAVAIL,
        ),
    ];
    for (what, damage, expected) in cases {
        for words in [vec![], vec!["nullok"]] {
            let site = Site::new();
            damage(&site);
            let mut pam = Scripted::new("daemon", &[&code_at(NOON)]);
            assert_eq!(site.login(&mut pam, &words), expected, "{what}");
            assert_eq!(pam.messages, sentence(), "{what}");
            let logged = pam.logged();
            let directory = site.directory.path().to_str().unwrap();
            // What only an administrator can mend wakes one up; a line that somebody wrote wrong does not.
            let level = if expected == PAM_SERVICE_ERR { "Error fault " } else { "Alert fault " };
            assert!(logged.starts_with(level) && logged.contains(directory) && logged.contains("remedy="), "{logged}");
        }
    }
}

#[test]
fn what_the_host_has_not_got_is_a_fault_of_its_own_code() {
    for (fault, code) in [
        (Fault::NoMemory, PAM_BUF_ERR),
        (Fault::NoRandomness, PAM_SYSTEM_ERR),
        (Fault::ClockBefore1970, PAM_SYSTEM_ERR),
        (Fault::ClockUnreadable, PAM_SYSTEM_ERR),
    ] {
        let result = Err(Failure::Store(fault));
        let reaction = answer::reaction(&result, &Who::default(), &Occasion::new("sshd", None));
        assert_eq!((reaction.code, reaction.log.map(|(level, _)| level)), (code, Some(Level::Critical)));
    }
    let panicked = answer::panicked(&Panicked { place: "a.rs:1".to_owned() });
    assert_eq!((panicked.0, panicked.1), (PAM_ABORT, Level::Critical));
}

#[test]
fn require_key_wants_a_public_key_of_sshds_own_word() {
    let site = Site::new();
    for info in
        [None, Some(""), Some("password"), Some("hostbased ssh-ed25519 AAAA"), Some("xpublickey ssh-ed25519 AAAA")]
    {
        let mut pam = Scripted::new("daemon", &[&code_at(NOON)]);
        pam.ssh_auth_info = info.map(str::to_owned);
        assert_eq!(site.login(&mut pam, &["require_key"]), PAM_AUTH_ERR, "{info:?}");
        assert!(pam.prompts.is_empty());
        assert_eq!(pam.messages, sentence());
    }
    let mut pam = Scripted::new("daemon", &[&code_at(NOON)]);
    pam.ssh_auth_info = Some("publickey ssh-ed25519 AAAA\n".to_owned());
    assert_eq!(site.login(&mut pam, &["require_key"]), PAM_SUCCESS);
}

#[test]
fn a_backup_code_says_how_many_are_left_and_warns_at_three() {
    for (used, expected) in [
        (0, BACKUP_9),
        (6, "Backup code accepted. 3 backup codes are left. Ask your administrator for new ones."),
        (8, "Backup code accepted. 1 backup code is left. Ask your administrator for new ones."),
        (9, "Backup code accepted. That was your last backup code. Ask your administrator for new ones."),
    ] {
        let (site, mut shown) = (Site::new(), Vec::new());
        for code in &site.backup_codes[..=used] {
            let mut pam = Scripted::new("daemon", &[code]);
            site.login(&mut pam, &[]);
            assert!(!pam.logged().contains(code.as_str()));
            shown = pam.messages;
        }
        assert_eq!(shown, [Message::Info(expected.to_owned())]);
    }
}

#[test]
fn a_second_line_in_the_same_stack_repeats_the_verdict_without_asking() {
    let site = Site::new();
    let right = code_at(NOON);
    for (reply, code) in [(right.as_str(), PAM_SUCCESS), ("999", PAM_AUTH_ERR)] {
        let mut pam = Scripted::new("daemon", &[reply, "000000"]);
        assert_eq!(site.login(&mut pam, &["nullok"]), code);
        let told = pam.messages.len();
        assert_eq!(site.login(&mut pam, &[]), code);
        assert_eq!((pam.prompts.len(), pam.messages.len()), (1, told));
    }
}

#[test]
fn a_second_line_asks_for_itself_where_it_wants_more_or_another_person() {
    let site = Site::new();
    let mut pam = Scripted::new("daemon", &[&code_at(NOON)]);
    assert_eq!(site.login(&mut pam, &[]), PAM_SUCCESS);
    assert_eq!(site.login(&mut pam, &["require_key"]), PAM_AUTH_ERR, "no key was seen");

    let mut pam = Scripted::new("daemon", &[&code_at(NOON + 30), "123456"]);
    assert_eq!(site.login(&mut pam, &[]), PAM_SUCCESS);
    pam.user = b"bin".to_vec();
    assert_eq!(site.login(&mut pam, &[]), PAM_AUTH_ERR, "the verdict was another person's");

    let mut pam = Scripted::new("bin", &["123456"]);
    assert_eq!(site.login(&mut pam, &["nullok"]), PAM_IGNORE);
    assert_eq!(site.login(&mut pam, &[]), PAM_AUTH_ERR, "an exemption is each line's own");
}

#[test]
fn behind_a_line_that_refuses_nobody_is_asked_told_or_let_in() {
    let site = Site::new();
    for words in [&[][..], &["nullok"], &["require_key"], &["forward_pass"], &["enroll"]] {
        for user in ["daemon", "bin", "no-such-account"] {
            let mut pam = Scripted::new(user, &[&code_at(NOON)]);
            assert_eq!(site.login(&mut pam, &["refused"]), PAM_AUTH_ERR);
            assert_eq!(site.login(&mut pam, words), PAM_AUTH_ERR, "{words:?}");
            let (prompts, messages) = (pam.prompts.len(), pam.messages.len());
            assert_eq!((prompts, messages, pam.delays, pam.logged()), (0, 0, 0, String::new()), "{words:?} {user}");
        }
    }
    assert!(site.gets_in("daemon", &code_at(NOON)), "neither used nor charged");
}

#[test]
fn a_line_that_refuses_does_so_whatever_a_line_before_it_said() {
    let site = Site::new();
    let mut pam = Scripted::new("daemon", &[&code_at(NOON)]);
    assert_eq!(site.login(&mut pam, &[]), PAM_SUCCESS);
    assert_eq!((site.login(&mut pam, &["refused"]), site.login(&mut pam, &[])), (PAM_AUTH_ERR, PAM_AUTH_ERR));
}

#[test]
fn a_code_lets_in_nobody_whom_the_application_names_later() {
    let site = Site::new();
    for (reply, next_users, told) in [
        (code_at(NOON), &["bin"][..], sentence()),
        (code_at(NOON), &[""], sentence()),
        (site.backup_codes[0].clone(), &["daemon", "bin"], vec![Message::Info(BACKUP_9.to_owned())]),
    ] {
        let mut pam = Scripted::new("daemon", &[&reply]);
        pam.next_users.extend(next_users);
        assert_eq!(site.login(&mut pam, &["nullok"]), PAM_AUTH_ERR, "{next_users:?}");
        assert_eq!(pam.messages, told);
        let logged = pam.logged();
        let line = logged.lines().last().unwrap();
        assert!(line.starts_with("Notice refused user=daemon uid=1 ") && line.contains("changed the user"), "{line}");
    }
    assert!(site.gets_in("daemon", &code_at(NOON)), "neither used nor charged");
}

#[test]
fn waiting_is_asked_and_refused_like_everything_else() {
    let site = Site::new();
    for _ in 0..6 {
        let mut pam = Scripted::new("daemon", &[&code_at(NOON - 30_000)]);
        assert_eq!(site.login(&mut pam, &[]), PAM_AUTH_ERR);
    }
    let mut pam = Scripted::new("daemon", &[&code_at(NOON)]);
    assert_eq!(site.login(&mut pam, &[]), PAM_AUTH_ERR);
    assert_eq!((pam.prompts.len(), &pam.messages), (1, &sentence()));
    assert!(pam.logged().contains("cause=\"waiting after failures\" seconds_left=30"), "{}", pam.logged());
    site.clock.0.set(NOON + 30);
    assert_eq!(site.login(&mut Scripted::new("daemon", &[&code_at(NOON + 30)]), &[]), PAM_SUCCESS);
}

#[test]
fn only_answer_rs_names_success_and_ignore() {
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("src")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if name == "answer.rs" || name == "tests.rs" || path.is_dir() {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        let code: String = text.lines().filter(|line| !line.trim_start().starts_with("//")).collect();
        assert!(!code.contains("PAM_SUCCESS") && !code.contains("PAM_IGNORE"), "{name}");
    }
}
