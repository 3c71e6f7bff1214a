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
}

impl Phone {
    /// An app with the settings that every app has.
    pub(crate) fn usual(secret: &str) -> Self {
        let secret = secret.chars().filter(|c| !c.is_whitespace()).collect();
        Self { secret, algorithm: "SHA1".to_owned(), digits: 6, period: 30 }
    }

    /// An app that has scanned the code, and takes every parameter at its word.
    pub(crate) fn scanned(uri: &str) -> Self {
        let parameter = |name: &str| {
            let query = uri.split_once('?').expect("a query").1;
            let value = query.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}=")));
            value.unwrap_or_else(|| panic!("{name} is missing")).to_owned()
        };
        assert!(uri.starts_with("otpauth://totp/"), "not a TOTP URI");
        Self {
            secret: parameter("secret"),
            algorithm: parameter("algorithm"),
            digits: parameter("digits").parse().unwrap(),
            period: parameter("period").parse().unwrap(),
        }
    }

    /// The phone of somebody whom `enroll --json` has enrolled.
    pub(crate) fn of(enrolled: &Value) -> Self {
        Self::scanned(enrolled["devices"][0]["uri"].as_str().unwrap())
    }

    /// The code of so many steps from now. Only 0 and more: a step that passes meanwhile leaves those in the window.
    pub(crate) fn code(&self, steps: u64) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() + steps * self.period;
        let output = Command::new("oathtool")
            .arg(format!("--totp={}", self.algorithm.to_lowercase()))
            .args(["--base32", "--digits", &self.digits.to_string()])
            .args(["--time-step-size", &format!("{}s", self.period), "--now", &format!("@{now}"), &self.secret])
            .output()
            .expect("oathtool is installed");
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }

    /// A code that is not right now nor in the steps around.
    pub(crate) fn wrong_code(&self) -> String {
        let near: Vec<String> = (0..4).map(|step| self.code(step)).collect();
        let width = usize::try_from(self.digits).unwrap();
        (0..).map(|n| format!("{n:0width$}")).find(|code| !near.contains(code)).unwrap()
    }
}
