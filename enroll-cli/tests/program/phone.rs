// SPDX-License-Identifier: MIT OR Apache-2.0
//! The authenticator app: oathtool, which is not ours, fed with what an app would read off the URI.

use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::Value;

pub(crate) struct Phone {
    secret: String,
    algorithm: String,
    digits: u64,
    period: u64,
    /// By which its clock is ahead, in seconds.
    ahead: i64,
}

/// A token with a button.
pub(crate) struct Token {
    secret: String,
    digits: u64,
    pub(crate) counter: u64,
}

fn parameter(uri: &str, name: &str) -> String {
    let query = uri.split_once('?').expect("a query").1;
    let value = query.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}=")));
    value.unwrap_or_else(|| panic!("{name} is missing")).to_owned()
}

fn oathtool(arguments: &[&str]) -> String {
    let output = Command::new("oathtool").args(arguments).output().expect("oathtool is installed");
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

impl Token {
    /// One that has been given what the URI says, the counter too.
    pub(crate) fn scanned(uri: &str) -> Self {
        assert!(uri.starts_with("otpauth://hotp/") && !uri.contains("period"), "not an HOTP URI");
        let number = |name| parameter(uri, name).parse().unwrap();
        Self { secret: parameter(uri, "secret"), digits: number("digits"), counter: number("counter") }
    }

    /// One with the settings that every token has.
    pub(crate) fn usual(secret: &str) -> Self {
        Self { secret: secret.to_owned(), digits: 6, counter: 0 }
    }

    /// The code at a counter, wherever the token stands.
    pub(crate) fn code(&self, counter: u64) -> String {
        let (counter, digits) = (counter.to_string(), self.digits.to_string());
        oathtool(&["--hotp", "--base32", "--digits", &digits, "--counter", &counter, &self.secret])
    }

    /// Presses the button.
    pub(crate) fn press(&mut self) -> String {
        let code = self.code(self.counter);
        self.counter += 1;
        code
    }
}

impl Phone {
    /// An app with the settings that every app has.
    pub(crate) fn usual(secret: &str) -> Self {
        let secret = secret.chars().filter(|c| !c.is_whitespace()).collect();
        Self { secret, algorithm: "SHA1".to_owned(), digits: 6, period: 30, ahead: 0 }
    }

    /// An app that has scanned the code, and takes every parameter at its word.
    pub(crate) fn scanned(uri: &str) -> Self {
        assert!(uri.starts_with("otpauth://totp/"), "not a TOTP URI");
        Self {
            secret: parameter(uri, "secret"),
            algorithm: parameter(uri, "algorithm"),
            digits: parameter(uri, "digits").parse().unwrap(),
            period: parameter(uri, "period").parse().unwrap(),
            ahead: 0,
        }
    }

    /// The same one with a clock that is so many seconds ahead, or behind.
    pub(crate) fn ahead(self, seconds: i64) -> Self {
        Self { ahead: seconds, ..self }
    }

    /// The phone of somebody whom `enroll --json` has enrolled.
    pub(crate) fn of(enrolled: &Value) -> Self {
        Self::scanned(enrolled["devices"][0]["uri"].as_str().unwrap())
    }

    /// The code of so many steps from now. Only 0 and more: a step that passes meanwhile leaves those in the window.
    pub(crate) fn code(&self, steps: u64) -> String {
        self.code_at(self.now() + steps * self.period)
    }

    /// The code of so many steps from now and the one right after it, whatever passes meanwhile.
    pub(crate) fn pair(&self, steps: u64) -> [String; 2] {
        let then = self.now() + steps * self.period;
        [self.code_at(then), self.code_at(then + self.period)]
    }

    pub(crate) fn now(&self) -> u64 {
        SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs().saturating_add_signed(self.ahead)
    }

    pub(crate) fn code_at(&self, time: u64) -> String {
        let (mode, when) = (format!("--totp={}", self.algorithm.to_lowercase()), format!("@{time}"));
        let (digits, period) = (self.digits.to_string(), format!("{}s", self.period));
        oathtool(&[&mode, "--base32", "--digits", &digits, "--time-step-size", &period, "--now", &when, &self.secret])
    }

    /// A code that is not right now nor in the steps around.
    pub(crate) fn wrong_code(&self) -> String {
        let near: Vec<String> = (0..4).map(|step| self.code(step)).collect();
        let width = usize::try_from(self.digits).unwrap();
        (0..).map(|n| format!("{n:0width$}")).find(|code| !near.contains(code)).unwrap()
    }
}
