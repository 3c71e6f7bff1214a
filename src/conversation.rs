// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a login needs of its host: who, from where, a prompt, a log. A trait, so that the data path runs under a test's
//! script as it does under libpam; libpam's own is in `entry`.

use nightlatch::audit::LogLine;
use zeroize::Zeroizing;

use crate::arguments::Arguments;
use crate::first_contact::Mark;
use crate::login::{Failure, Verdict, Who};

/// How urgent a log line is (syslog's words).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    /// Our own data are damaged.
    Alert,
    /// A resource is missing.
    Critical,
    /// Configuration or arguments are wrong.
    Error,
    /// A refusal.
    Notice,
    /// An acceptance or an exemption.
    Info,
    /// With `debug`.
    Debug,
}

/// A text for the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Message {
    Info(String),
    Error(String),
}

/// The application did not bring an answer: it cannot ask, or the person hung up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the application brought no reply to the prompt")]
pub(crate) struct NoReply;

/// The application names nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the application names no user")]
pub(crate) struct NoUser;

/// libpam did not take the password for the modules behind us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the code is right and used, and libpam did not take the password without it for the modules behind")]
pub(crate) struct NotHandedOn;

/// The handle takes no data: nobody can be let through to the account phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("libpam keeps no data on its handle")]
pub(crate) struct NotMarked;

/// What an earlier line of ours found in the same pam_authenticate.
pub(crate) struct Remembered {
    pub(crate) arguments: Arguments,
    pub(crate) who: Who,
    pub(crate) result: Result<Verdict, Failure>,
}

/// The host of one login.
pub(crate) trait Conversation {
    /// PAM_USER, as bytes: it need not be UTF-8.
    fn user(&mut self) -> Result<Vec<u8>, NoUser>;
    /// PAM_USER as it stands by now, without asking for it: the application may change it in every conversation.
    fn present_user(&self) -> Option<Vec<u8>>;
    /// PAM_SERVICE.
    fn service(&self) -> String;
    /// PAM_RHOST; `None` for a local login.
    fn remote_host(&self) -> Option<String>;
    /// PAM_AUTHTOK: the password that a module before us asked for.
    fn password(&self) -> Option<Zeroizing<Vec<u8>>>;
    /// Sets PAM_AUTHTOK: what the modules behind us take for the password.
    fn hand_on(&mut self, password: &[u8]) -> Result<(), NotHandedOn>;
    /// SSH_AUTH_INFO_0: what sshd has already seen.
    fn ssh_auth_info(&self) -> Option<String>;
    /// Asks with echo off, one prompt at a time (THREATS H-05, H-06).
    fn ask(&mut self, prompt: &str) -> Result<Zeroizing<Vec<u8>>, NoReply>;
    /// Asks with echo on, where the answer is no secret.
    fn ask_openly(&mut self, prompt: &str) -> Result<Zeroizing<Vec<u8>>, NoReply>;
    /// Shows what the person has to see; that it fails, or that PAM_SILENT forbids it, is a failure here.
    fn show(&mut self, text: &str) -> Result<(), NoReply>;
    /// Tells, unless PAM_SILENT; that it fails changes nothing.
    fn tell(&mut self, message: &Message);
    /// One line for the log.
    fn log(&self, level: Level, line: &LogLine);
    /// What was remembered in this very pam_authenticate; never what a call before it left on the handle, since sudo
    /// and login authenticate again and again on one handle.
    fn remembered(&self) -> Option<&Remembered>;
    /// Remembers until pam_authenticate ends.
    fn remember(&mut self, remembered: Remembered);
    /// Leaves a mark on the handle for the account phase, or takes an earlier one away.
    fn mark(&mut self, mark: Option<Mark>) -> Result<(), NotMarked>;
    /// The mark of the last authenticate on this handle.
    fn marked(&self) -> Option<Mark>;
    /// Suggests that the application waits before it tells of a refusal. Cosmetic: the throttle is on disk.
    fn suggest_delay(&mut self);
}

#[cfg(test)]
pub(crate) mod scripted {
    use std::cell::RefCell;
    use std::collections::VecDeque;

    use super::*;

    /// A host that answers from a script and remembers what it was told.
    pub(crate) struct Scripted {
        pub(crate) user: Vec<u8>,
        /// Whom the application names from its next conversations on, one each.
        pub(crate) next_users: VecDeque<&'static str>,
        pub(crate) remote_host: Option<String>,
        pub(crate) password: Option<Vec<u8>>,
        pub(crate) takes_passwords: bool,
        pub(crate) ssh_auth_info: Option<String>,
        pub(crate) replies: VecDeque<Vec<u8>>,
        pub(crate) prompts: Vec<String>,
        pub(crate) messages: Vec<Message>,
        pub(crate) log: RefCell<Vec<(Level, String)>>,
        pub(crate) delays: usize,
        pub(crate) remembered: Option<Remembered>,
        /// What somebody else does while the person types.
        pub(crate) meanwhile: Option<Box<dyn FnOnce()>>,
        /// What was shown and what was asked openly, in their order with the prompts.
        pub(crate) shown: Vec<String>,
        pub(crate) mark: Option<Mark>,
    }

    impl Scripted {
        pub(crate) fn new(user: &str, replies: &[&str]) -> Self {
            Self {
                user: user.as_bytes().to_vec(),
                next_users: VecDeque::new(),
                remote_host: Some("192.0.2.7".to_owned()),
                password: Some(b"correct horse".to_vec()),
                takes_passwords: true,
                ssh_auth_info: None,
                replies: replies.iter().map(|reply| reply.as_bytes().to_vec()).collect(),
                prompts: Vec::new(),
                messages: Vec::new(),
                log: RefCell::new(Vec::new()),
                delays: 0,
                remembered: None,
                meanwhile: None,
                shown: Vec::new(),
                mark: None,
            }
        }

        fn converse(&mut self) {
            if let Some(next) = self.next_users.pop_front() {
                self.user = next.as_bytes().to_vec();
            }
        }

        pub(crate) fn logged(&self) -> String {
            self.log.borrow().iter().map(|(level, line)| format!("{level:?} {line}\n")).collect()
        }
    }

    impl Conversation for Scripted {
        fn user(&mut self) -> Result<Vec<u8>, NoUser> {
            self.present_user().ok_or(NoUser)
        }

        fn present_user(&self) -> Option<Vec<u8>> {
            (!self.user.is_empty()).then(|| self.user.clone())
        }

        fn service(&self) -> String {
            "sshd".to_owned()
        }

        fn remote_host(&self) -> Option<String> {
            self.remote_host.clone()
        }

        fn password(&self) -> Option<Zeroizing<Vec<u8>>> {
            self.password.clone().map(Zeroizing::new)
        }

        fn hand_on(&mut self, password: &[u8]) -> Result<(), NotHandedOn> {
            self.password = Some(password.to_vec());
            if self.takes_passwords { Ok(()) } else { Err(NotHandedOn) }
        }

        fn ssh_auth_info(&self) -> Option<String> {
            self.ssh_auth_info.clone()
        }

        fn ask(&mut self, prompt: &str) -> Result<Zeroizing<Vec<u8>>, NoReply> {
            self.converse();
            if let Some(meanwhile) = self.meanwhile.take() {
                meanwhile();
            }
            self.prompts.push(prompt.to_owned());
            self.replies.pop_front().map(Zeroizing::new).ok_or(NoReply)
        }

        fn ask_openly(&mut self, prompt: &str) -> Result<Zeroizing<Vec<u8>>, NoReply> {
            self.ask(prompt)
        }

        fn show(&mut self, text: &str) -> Result<(), NoReply> {
            self.converse();
            self.shown.push(text.to_owned());
            Ok(())
        }

        fn mark(&mut self, mark: Option<Mark>) -> Result<(), NotMarked> {
            self.mark = mark;
            Ok(())
        }

        fn marked(&self) -> Option<Mark> {
            self.mark.clone()
        }

        fn tell(&mut self, message: &Message) {
            self.converse();
            self.messages.push(message.clone());
        }

        fn log(&self, level: Level, line: &LogLine) {
            self.log.borrow_mut().push((level, line.as_str().to_owned()));
        }

        fn remembered(&self) -> Option<&Remembered> {
            self.remembered.as_ref()
        }

        fn remember(&mut self, remembered: Remembered) {
            self.remembered = Some(remembered);
        }

        fn suggest_delay(&mut self) {
            self.delays = self.delays.saturating_add(1);
        }
    }
}
