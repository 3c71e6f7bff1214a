// SPDX-License-Identifier: MIT OR Apache-2.0
//! While the phone is gone: bypass codes and waivers, and what a person is told after failures.

use nightlatch::bypass::BypassTerms;
use nightlatch::random::Random;
use nightlatch::store::OpenRecord;
use nightlatch::waiver::WaiverTerms;

use super::*;

const ONCE: &str =
    "Code of the help desk accepted. It cannot be used again. Ask your administrator to enroll a new phone.";

impl Site {
    fn with_open<T>(&self, act: impl FnOnce(OpenRecord<'_>) -> T) -> T {
        let config = Config::read(Some(&self.path("config.toml"))).unwrap();
        let account = Account::resolve(&UserName::parse(b"daemon").unwrap()).unwrap();
        let store = Store::open(&config, &SystemRandom).unwrap();
        let Ok(locked) = store.lock(account.named()) else { panic!("no lock") };
        act(locked.open(account.named()).unwrap())
    }

    fn bypass(&self, uses: u16) -> String {
        let terms = BypassTerms::new(3600, uses).unwrap();
        self.with_open(|open| open.grant_bypass(terms, UnixTime(NOON)).unwrap()).expose_code().to_owned()
    }

    pub(super) fn waive(&self, reason: &str) {
        let terms = WaiverTerms::new(UnixTime(NOON + 3600), reason, UnixTime(NOON)).unwrap();
        self.with_open(|open| open.grant_waiver(terms, UnixTime(NOON)).unwrap());
    }

    fn waiver_uses(&self) -> u32 {
        self.with_open(|open| open.ledger().waiver_uses)
    }
}

fn info(text: &str) -> Vec<Message> {
    vec![Message::Info(text.to_owned())]
}

#[test]
fn whoever_logs_in_by_a_bypass_code_is_told_what_to_do_next_and_the_log_says_how() {
    let site = Site::new();
    let code = site.bypass(2);
    for (told, left) in [(&*ONCE.replace("cannot be used again", "can be used once more"), 1), (ONCE, 0)] {
        let mut pam = Scripted::new("daemon", &[&code]);
        assert_eq!(site.login(&mut pam, &[]), PAM_SUCCESS);
        assert_eq!(pam.messages, info(told));
        let logged = pam.logged();
        let expected =
            format!("Info accepted user=daemon uid=1 service=sshd source=192.0.2.7 method=bypass uses_left={left}\n");
        assert_eq!(logged, expected);
    }
    site.clock.0.set(NOON + 30);
    assert!(site.gets_in("daemon", &code_at(NOON + 30)));
    for (wall, cause) in [(NOON + 31, "used-up bypass code"), (NOON + 3600, "bypass code outside of its time")] {
        site.clock.0.set(wall);
        let mut pam = Scripted::new("daemon", &[&code]);
        assert_eq!(site.login(&mut pam, &[]), PAM_AUTH_ERR);
        assert_eq!(pam.messages, sentence());
        let logged = pam.logged();
        let expected = format!("cause=\"{cause}\" remedy=\"nightlatch bypass daemon makes a new one\"");
        assert!(logged.contains(&expected) && !logged.contains(&code), "{logged}");
    }
    assert_eq!(site.with_open(|open| open.ledger().throttle.failures()), 0);
}

#[test]
fn whoever_gets_in_is_told_what_was_tried_since_the_last_time() {
    let site = Site::new();
    for source in ["198.51.100.9", "192.0.2.7"] {
        let mut pam = Scripted::new("daemon", &[&code_at(NOON - 3000)]);
        pam.remote_host = Some(source.to_owned());
        assert_eq!(site.login(&mut pam, &[]), PAM_AUTH_ERR);
        site.clock.0.set(site.clock.0.get() + 60);
    }
    let mut pam = Scripted::new("daemon", &[&code_at(NOON + 120)]);
    assert_eq!(site.login(&mut pam, &[]), PAM_SUCCESS);
    let told = "2 wrong codes were tried since 2027-01-15 08:00 UTC, the last from 192.0.2.7. If that was not you, tell \
                your administrator.";
    assert_eq!(pam.messages, info(told));
    assert!(pam.logged().contains("method=totp device=phone failures_since=2"), "{}", pam.logged());

    // One message with what a backup code has to say; a local login says so; and told once it is told.
    let mut pam = Scripted::new("daemon", &[&code_at(NOON - 3000)]);
    pam.remote_host = None;
    assert_eq!(site.login(&mut pam, &[]), PAM_AUTH_ERR);
    let mut pam = Scripted::new("daemon", &[&site.backup_codes[0]]);
    assert_eq!(site.login(&mut pam, &[]), PAM_SUCCESS);
    let told = format!(
        "{BACKUP_9} 1 wrong code was tried at 2027-01-15 08:02 UTC, on this machine. If that was not you, tell your \
         administrator."
    );
    assert_eq!(pam.messages, info(&told));
    let mut pam = Scripted::new("daemon", &[&code_at(NOON + 150)]);
    assert_eq!(site.login(&mut pam, &[]), PAM_SUCCESS);
    assert_eq!(pam.messages, []);
}

#[test]
fn a_waiver_lets_in_without_asking_and_logs_every_use_with_its_reason() {
    let site = Site::new();
    site.waive("phone \"broken\" \u{202e}");
    for uses in 1..=2 {
        for words in [vec![], vec!["nullok"]] {
            let mut pam = Scripted::new("daemon", &[]);
            assert_eq!(site.login(&mut pam, &words), PAM_IGNORE);
            assert!(pam.prompts.is_empty() && pam.messages.is_empty());
            let uses = 2 * uses - usize::from(words.is_empty());
            let line = format!(
                "Info exempt user=daemon uid=1 service=sshd source=192.0.2.7 by=waiver until=2027-01-15T09:00:00Z \
                 uses={uses} reason=\"phone \\\"broken\\\" \\u{{202e}}\"\n"
            );
            assert_eq!(pam.logged(), line);
        }
    }
    assert_eq!(site.login(&mut Scripted::new("daemon", &["123456"]), &["require_key"]), PAM_AUTH_ERR, "nor a key");
    assert_eq!(site.login(&mut Scripted::new("bin", &["123456"]), &[]), PAM_AUTH_ERR, "nor anybody else");
    assert_eq!(site.waiver_uses(), 4);
    site.clock.0.set(NOON + 3600);
    let mut pam = Scripted::new("daemon", &[&code_at(NOON + 3600)]);
    assert_eq!(site.login(&mut pam, &[]), PAM_SUCCESS);
    assert_eq!(pam.prompts.len(), 1, "asked as ever");
}

#[test]
fn an_ended_waiver_and_a_hint_alone_are_asked_as_ever() {
    let site = Site::new();
    site.waive("phone broken");
    let hint = site.path("store/users/1.waived");
    fs::rename(&hint, site.path("away")).unwrap();
    site.with_open(|open| open.end_waiver(UnixTime(NOON)).unwrap());
    fs::rename(site.path("away"), &hint).unwrap();
    fs::copy(&hint, site.path("store/users/2.waived")).unwrap();
    for (user, words) in [("daemon", vec![]), ("daemon", vec!["nullok"]), ("bin", vec![])] {
        let mut pam = Scripted::new(user, &["123456"]);
        assert_eq!(site.login(&mut pam, &words), PAM_AUTH_ERR);
        assert_eq!((pam.prompts.len(), pam.messages), (1, sentence()));
    }
    assert_eq!(site.waiver_uses(), 0);
}

struct NoRandom;

impl Random for NoRandom {
    fn fill(&self, _: &mut [u8]) -> Result<(), Fault> {
        Err(Fault::NoRandomness)
    }
}

#[test]
fn a_waiver_whose_use_cannot_be_counted_lets_nobody_in_and_nobody_is_asked() {
    let site = Site::new();
    site.waive("phone broken");
    let config = CString::new(format!("config={}", site.path("config.toml").display())).unwrap();
    for words in [vec![config.as_c_str()], vec![config.as_c_str(), c"nullok"]] {
        let mut pam = Scripted::new("daemon", &[&code_at(NOON)]);
        assert_eq!(answer_login(&mut pam, &words, &site.clock, &NoRandom), PAM_SYSTEM_ERR);
        assert_eq!((pam.prompts.len(), &pam.messages), (0, &sentence()));
        assert!(pam.logged().starts_with("Critical fault user=daemon"), "{}", pam.logged());
    }
    assert_eq!(site.waiver_uses(), 0);
    let record = fs::read(site.path("store/users/1")).unwrap();
    fs::write(site.path("store/users/1"), [0; 12_288]).unwrap();
    assert_eq!(site.login(&mut Scripted::new("daemon", &[]), &["nullok"]), PAM_AUTHINFO_UNAVAIL);
    fs::write(site.path("store/users/1"), record).unwrap();
    assert_eq!(site.login(&mut Scripted::new("daemon", &[]), &[]), PAM_IGNORE);
}
