// SPDX-License-Identifier: MIT OR Apache-2.0
//! Enrollment in a login without libpam: what has to be said and done before a record is there, and what undoes it all.

use nightlatch::audit::LogLine;
use nightlatch::invitation::InvitationTerms;
use nightlatch::store::Enrollment;
use zeroize::Zeroizing;

use super::*;
use crate::answer_account;
use crate::conversation::{Conversation, NoReply, NoUser, NotHandedOn, NotMarked, Remembered};
use crate::first_contact::Mark;

/// A person at the prompts of the account phase, who reads the secret off the screen.
pub(super) struct Phone<'s> {
    site: &'s Site,
    pub(super) pam: Scripted,
}

impl<'s> Phone<'s> {
    pub(super) fn of(site: &'s Site) -> Self {
        let mut pam = Scripted::new("bin", &[]);
        pam.mark = Some(Mark { named: b"bin".to_vec(), config: Some(site.path("config.toml")) });
        Self { site, pam }
    }

    /// The account phase, with replies that may need the code that the screen gives.
    pub(super) fn answers(&mut self, replies: &[&str]) -> PamResultCode {
        let config = CString::new(format!("config={}", self.site.path("config.toml").display())).unwrap();
        self.pam.replies = replies.iter().map(|reply| reply.as_bytes().to_vec()).collect();
        let mut screen = Screen { pam: &mut self.pam, now: self.site.clock.0.get() };
        answer_account(&mut screen, &[&config], &self.site.clock, &SystemRandom)
    }

    pub(super) fn is_enrolled(&self) -> bool {
        let config = Config::read(Some(&self.site.path("config.toml"))).unwrap();
        let account = Account::resolve(&UserName::parse(b"bin").unwrap()).unwrap();
        let store = Store::open(&config, &SystemRandom).unwrap();
        matches!(store.enrollment(account.named()).unwrap(), Enrollment::Enrolled(_))
    }
}

/// Answers CODE by the code of the secret that was shown.
pub(super) struct Screen<'p> {
    pub(super) pam: &'p mut Scripted,
    pub(super) now: u64,
}

impl Screen<'_> {
    fn code(&self) -> Vec<u8> {
        let shown = self.pam.shown.concat();
        let secret = shown.rsplit("into the app:\n\n").next().unwrap().lines().next().unwrap();
        let secret = SharedSecret::from_base32(secret.trim()).unwrap();
        format!("{:06}", otp::code(&secret, Algorithm::Sha1, Digits::SIX, self.now / 30).unwrap()).into_bytes()
    }
}

impl Conversation for Screen<'_> {
    fn user(&mut self) -> Result<Vec<u8>, NoUser> {
        self.pam.user()
    }
    fn present_user(&self) -> Option<Vec<u8>> {
        self.pam.present_user()
    }
    fn service(&self) -> String {
        self.pam.service()
    }
    fn remote_host(&self) -> Option<String> {
        self.pam.remote_host()
    }
    fn password(&self) -> Option<Zeroizing<Vec<u8>>> {
        self.pam.password()
    }
    fn ssh_auth_info(&self) -> Option<String> {
        self.pam.ssh_auth_info()
    }
    fn ask(&mut self, prompt: &str) -> Result<Zeroizing<Vec<u8>>, NoReply> {
        let reply = self.pam.ask(prompt)?;
        Ok(if *reply == *b"CODE" { Zeroizing::new(self.code()) } else { reply })
    }
    fn ask_openly(&mut self, prompt: &str) -> Result<Zeroizing<Vec<u8>>, NoReply> {
        self.pam.ask_openly(prompt)
    }
    fn show(&mut self, text: &str) -> Result<(), NoReply> {
        self.pam.show(text)
    }
    fn tell(&mut self, message: &Message) {
        self.pam.tell(message);
    }
    fn log(&self, level: Level, line: &LogLine) {
        self.pam.log(level, line);
    }
    fn remembered(&self) -> Option<&Remembered> {
        self.pam.remembered()
    }
    fn remember(&mut self, remembered: Remembered) {
        self.pam.remember(remembered);
    }
    fn mark(&mut self, mark: Option<Mark>) -> Result<(), NotMarked> {
        Conversation::mark(self.pam, mark)
    }
    fn marked(&self) -> Option<Mark> {
        self.pam.marked()
    }
    fn hand_on(&mut self, password: &[u8]) -> Result<(), NotHandedOn> {
        self.pam.hand_on(password)
    }
    fn suggest_delay(&mut self) {
        self.pam.suggest_delay();
    }
}

#[test]
fn whoever_types_the_first_code_and_keeps_the_backup_codes_is_enrolled() {
    let site = Site::new();
    let mut phone = Phone::of(&site);
    assert_eq!(phone.answers(&["CODE", " Yes "]), PAM_IGNORE);
    assert!(phone.is_enrolled());
    assert_eq!(phone.pam.prompts, ["Code from the app: ", "Have you kept them? Type yes: "]);
    let shown = phone.pam.shown.concat();
    assert!(shown.contains("needs a second factor") && shown.matches('\u{2588}').count() > 200, "{shown}");
    assert_eq!(shown.lines().filter(|line| line.trim().split('-').map(str::len).eq([4; 4])).count(), 10, "{shown}");
    assert!(phone.pam.logged().ends_with("Notice enrolled user=bin uid=2 service=sshd source=192.0.2.7 by=login\n"));
}

#[test]
fn the_code_that_enrolled_is_used_and_a_backup_code_that_was_shown_gets_in() {
    let site = Site::new();
    let mut phone = Phone::of(&site);
    assert_eq!(phone.answers(&["CODE", "yes"]), PAM_IGNORE);
    let code = String::from_utf8(Screen { pam: &mut phone.pam, now: NOON }.code()).unwrap();
    assert!(!site.gets_in("bin", &code));
    let shown = phone.pam.shown.concat();
    let backup_code = shown.lines().map(str::trim).find(|line| line.split('-').map(str::len).eq([4; 4])).unwrap();
    assert!(site.gets_in("bin", backup_code));
}

#[test]
fn whoever_stops_anywhere_on_the_way_is_not_enrolled_and_does_not_come_in() {
    for (replies, code, cause) in [
        (&[][..], PAM_CONV_ERR, "brought no reply"),
        (&["CODE"], PAM_CONV_ERR, "brought no reply"),
        (&["000000", "correct horse", "x"], PAM_AUTH_ERR, "no code of the new device was right"),
        (&[""; 20], PAM_AUTH_ERR, "no code of the new device was right"),
        (&["CODE", "no", "", "ye"], PAM_AUTH_ERR, "did not say that the backup codes are kept"),
    ] {
        let site = Site::new();
        let mut phone = Phone::of(&site);
        assert_eq!(phone.answers(replies), code, "{replies:?}");
        assert!(!phone.is_enrolled(), "{replies:?}");
        assert!(phone.pam.logged().contains(cause), "{}", phone.pam.logged());
        assert!(matches!(&phone.pam.messages[..], [Message::Error(text)] if text.starts_with("Nothing was enrolled")));
    }
}

#[test]
fn a_backup_code_of_the_sheet_is_no_first_code() {
    let site = Site::new();
    let mut phone = Phone::of(&site);
    let of_somebody = site.backup_codes[0].clone();
    assert_eq!(phone.answers(&[&of_somebody, "CODE", "yes"]), PAM_IGNORE);
    assert!(phone.pam.shown[1].starts_with("That code was not right"));
}

#[test]
fn without_a_mark_the_account_phase_is_none_of_ours() {
    let site = Site::new();
    let mut phone = Phone::of(&site);
    phone.pam.mark = None;
    assert_eq!(phone.answers(&["CODE", "yes"]), PAM_IGNORE);
    assert!(!phone.is_enrolled() && phone.pam.prompts.is_empty() && phone.pam.logged().is_empty());
}

#[test]
fn a_mark_is_for_one_person_one_config_and_one_authenticate() {
    let site = Site::new();
    for (changed, cause) in [(0, "changed the user"), (1, "another config"), (2, "enrolled meanwhile")] {
        let mut phone = Phone::of(&site);
        let mark = phone.pam.mark.as_mut().unwrap();
        match changed {
            0 => mark.named = b"daemon".to_vec(),
            1 => mark.config = None,
            _ => {
                mark.named = b"daemon".to_vec();
                phone.pam.user = b"daemon".to_vec();
            }
        }
        assert_ne!(phone.answers(&["CODE", "yes"]), PAM_IGNORE, "{cause}");
        assert!(phone.pam.prompts.is_empty() && phone.pam.logged().contains(cause), "{}", phone.pam.logged());
    }
    for (user, words, answer, is_left) in [
        ("bin", &["nullok"][..], PAM_IGNORE, true),
        ("bin", &[], PAM_AUTH_ERR, true),
        ("games", &["nullok"], PAM_IGNORE, false),
        ("daemon", &[], PAM_SUCCESS, false),
    ] {
        let mut phone = Phone::of(&site);
        phone.pam.user = user.as_bytes().to_vec();
        phone.pam.replies = [code_at(NOON).into_bytes()].into();
        assert_eq!(site.login(&mut phone.pam, words), answer, "{user}");
        assert_eq!(phone.pam.mark.is_some(), is_left, "{user}");
    }
}

#[test]
fn an_application_that_changes_the_user_meanwhile_enrolls_nobody() {
    for conversations in 0..5 {
        let site = Site::new();
        let mut phone = Phone::of(&site);
        phone.pam.next_users = std::iter::repeat_n("bin", conversations).chain(["daemon"]).collect();
        // Texts and prompts: the QR code, its prompt, the backup codes, their prompt; then the last word.
        let expected = if conversations < 4 { PAM_AUTH_ERR } else { PAM_IGNORE };
        assert_eq!(phone.answers(&["CODE", "yes"]), expected, "{conversations}");
        assert_eq!(phone.is_enrolled(), conversations >= 4);
    }
}

#[test]
fn where_the_service_has_no_account_line_of_ours_whoever_is_not_enrolled_is_asked_and_refused() {
    let site = Site::with_config("[default]\nnot_enrolled = 'enroll'");
    for words in [&[][..], &["enroll"], &["nullok"], &["enroll", "nullok"]] {
        let mut pam = Scripted::new("bin", &["123456"]);
        assert_eq!(site.login(&mut pam, words), PAM_AUTH_ERR, "{words:?}");
        assert_eq!((pam.prompts.len(), pam.mark.clone()), (1, None));
        assert!(pam.logged().contains("cause=\"not enrolled\""), "{}", pam.logged());
        assert_eq!(pam.logged().contains("no-account-line"), words.contains(&"enroll"), "{}", pam.logged());
    }
    assert!(site.gets_in("daemon", &code_at(NOON)));
}

fn invite(site: &Site, seconds: u64) -> PathBuf {
    let config = Config::read(Some(&site.path("config.toml"))).unwrap();
    let account = Account::resolve(&UserName::parse(b"bin").unwrap()).unwrap();
    let store = Store::open(&config, &SystemRandom).unwrap();
    let Enrollment::NotEnrolled(word) = store.enrollment(account.named()).unwrap() else { panic!("enrolled") };
    let terms = InvitationTerms::new(UnixTime(NOON + seconds), UnixTime(NOON)).unwrap();
    store.invite(&account, word, terms).unwrap();
    site.path("store/users/2.invited")
}

/// What one login of somebody who is not enrolled leaves in the log.
fn refused_and_logged(site: &Site) -> String {
    let mut pam = Scripted::new("bin", &["123456"]);
    assert_eq!(site.login(&mut pam, &["enroll"]), PAM_AUTH_ERR);
    assert_eq!((pam.prompts.len(), pam.mark.as_ref()), (1, None));
    assert_eq!(pam.messages, sentence());
    pam.logged()
}

#[test]
fn whoever_is_invited_is_not_let_through_without_an_account_line() {
    let site = Site::new();
    assert!(!refused_and_logged(&site).contains("no-account-line"), "nobody is invited yet");
    invite(&site, 60);
    let log = refused_and_logged(&site);
    assert!(log.contains("no-account-line user=bin"), "{log}");
    // Over, and before it was made.
    for now in [NOON + 60, NOON - 1] {
        site.clock.0.set(now);
        let log = refused_and_logged(&site);
        assert!(!log.contains("no-account-line") && !log.contains("no-invitation"), "{log}");
    }
}

#[test]
fn a_damaged_invitation_is_logged_once_with_path_and_remedy_and_hinders_nobody() {
    let site = Site::new();
    let file = invite(&site, 60);
    fs::write(&file, "").unwrap();
    let log = refused_and_logged(&site);
    assert!(log.contains("no-invitation user=bin") && log.contains("2.invited"), "{log}");
    assert_eq!(log.matches("nightlatch invite USER").count(), 1, "{log}");
    assert!(log.contains("cause=\"not enrolled\""), "{log}");
    let mut daemon = Scripted::new("daemon", &[&code_at(NOON)]);
    assert_eq!(site.login(&mut daemon, &["enroll"]), PAM_SUCCESS);
    assert!(!daemon.logged().contains("no-invitation"));
    // A line without the word does not look for one.
    let mut pam = Scripted::new("bin", &["123456"]);
    assert_eq!(site.login(&mut pam, &[]), PAM_AUTH_ERR);
    assert!(!pam.logged().contains("no-invitation"));
}
