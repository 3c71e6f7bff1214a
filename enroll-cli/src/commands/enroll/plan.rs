// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is to be enrolled: the command line's word, else the site's default; and which apps get that wrong.

use nightlatch::config::EnrollDefaults;
use nightlatch::enrollment::{DeviceSettings, FirstCounter};
use nightlatch::record::{DeviceName, Digits, Kind, Period, Record};
use nightlatch::secret::{Algorithm, SharedSecret};
use nightlatch::uri::{Label, NotALabel};
use nightlatch::user::{Account, host_name};

use crate::arguments::NewDeviceArguments;
use crate::failure::Failure;
use crate::paper::blank;
use crate::site::Site;

pub(crate) struct Plan {
    pub(crate) label: Label,
    pub(crate) device: DeviceSettings,
    pub(crate) first_counter: FirstCounter,
}

impl Plan {
    pub(crate) fn new(
        name: DeviceName,
        options: &NewDeviceArguments,
        site: &Site,
        account: &Account,
    ) -> Result<Self, Failure> {
        let defaults = site.config.enroll();
        let label = label(options, defaults, account)?;
        if let Some(sheet) = &options.sheet {
            let names = [("the issuer", label.issuer()), ("the account", label.account())];
            blank::has_letters_for(sheet, account, defaults, &names)?;
        }
        // clap has held these against their range; out of it, the site's default is in it.
        let digits = options.digits.and_then(Digits::new).unwrap_or(defaults.digits);
        let period = options.period.and_then(Period::new).unwrap_or(defaults.period);
        let first_counter = options.counter.and_then(FirstCounter::new).unwrap_or(FirstCounter::ZERO);
        let device = DeviceSettings {
            name,
            kind: if options.hotp { Kind::Hotp } else { Kind::Totp { period, offset: 0 } },
            algorithm: options.algorithm.map_or(defaults.algorithm, Algorithm::from),
            digits,
        };
        Ok(Self { label, device, first_counter })
    }

    /// What moves its codes on, for a person who sets the device up by hand.
    pub(crate) fn movement(&self) -> [(&'static str, String); 2] {
        match self.device.kind {
            Kind::Totp { period, .. } => {
                [("Type", "time-based (TOTP)".to_owned()), ("Period", format!("{} seconds", period.seconds()))]
            }
            Kind::Hotp => {
                [("Type", "counter-based (HOTP)".to_owned()), ("Counter", self.first_counter.number().to_string())]
            }
        }
    }

    /// Settings that common apps get wrong, with what then happens in which.
    pub(crate) fn warnings(&self, secret: &SharedSecret) -> Vec<String> {
        let mut warnings = Vec::new();
        let algorithm = self.device.algorithm;
        if algorithm != Algorithm::Sha1 {
            warnings.push(format!(
                "{}: Authy, Duo Mobile and Microsoft Authenticator take it for sha1 and show wrong codes without saying so; \
                 Google Authenticator, Bitwarden, LastPass, Aegis and FreeOTP get sha256 right",
                algorithm.name()
            ));
        }
        if self.device.digits != Digits::SIX {
            warnings.push(format!(
                "{} digits: some versions of Google Authenticator show six all the same; few apps know seven at all",
                self.device.digits.count()
            ));
        }
        match self.device.kind {
            Kind::Totp { period, .. } if period != Period::THIRTY => warnings.push(format!(
                "{} seconds: Google Authenticator goes by 30 s whatever the QR code says, and so do apps that follow it",
                period.seconds()
            )),
            Kind::Totp { .. } => {}
            Kind::Hotp => warnings.push(
                "counter-based: not every app knows that; it is made for tokens with a button, and an app that is put \
                 back from a backup has an old counter, whose codes are refused"
                    .to_owned(),
            ),
        }
        if algorithm == Algorithm::Sha1 && secret.expose_bytes().len() > algorithm.secret_bytes() {
            warnings
                .push("a secret of more than 160 bits: Google Authenticator on iOS refuses it with sha1".to_owned());
        }
        warnings
    }
}

/// The name that was given.
pub(crate) fn device_name(text: &str, remedy: &str) -> Result<DeviceName, Failure> {
    DeviceName::parse(text).map_err(|error| Failure::usage(error.to_string(), remedy))
}

/// What a device is called where nobody says: the first of these names that is free.
pub(crate) fn free_name(options: &NewDeviceArguments, taken: Option<&Record>) -> Result<DeviceName, Failure> {
    let word = if options.hotp { "token" } else { "phone" };
    let names = std::iter::once(word.to_owned()).chain((2..).map(|number: u32| format!("{word} {number}")));
    let is_free = |name: &DeviceName| taken.is_none_or(|record| record.device_named(name).is_err());
    let mut free = names.filter_map(|name| DeviceName::parse(&name).ok()).filter(is_free);
    free.next().ok_or_else(|| Failure::usage("the device has no name", "give it one"))
}

fn label(options: &NewDeviceArguments, defaults: &EnrollDefaults, account: &Account) -> Result<Label, Failure> {
    let wrong = |error: NotALabel| Failure::usage(error.to_string(), "say --issuer and --account with other names");
    let of_site = Label::of_site(defaults, account.name(), &host_name());
    match (&options.issuer, &options.account) {
        (Some(issuer), Some(account)) => Label::new(issuer, account),
        (issuer, account) => of_site.and_then(|site| {
            Label::new(issuer.as_deref().unwrap_or(site.issuer()), account.as_deref().unwrap_or(site.account()))
        }),
    }
    .map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(algorithm: Algorithm, digits: u8, period: u16) -> Plan {
        let kind = Kind::Totp { period: Period::new(period).unwrap(), offset: 0 };
        let (name, digits) = (DeviceName::parse("phone").unwrap(), Digits::new(digits).unwrap());
        let device = DeviceSettings { name, kind, algorithm, digits };
        Plan { label: Label::new("host", "alice").unwrap(), device, first_counter: FirstCounter::ZERO }
    }

    #[test]
    fn what_every_app_gets_right_draws_no_warning_and_the_rest_names_the_apps() {
        let secret = SharedSecret::from_base32(&"A".repeat(32)).unwrap();
        assert!(plan(Algorithm::Sha1, 6, 30).warnings(&secret).is_empty());
        for (plan, expected) in [
            (plan(Algorithm::Sha256, 6, 30), "Microsoft Authenticator"),
            (plan(Algorithm::Sha512, 6, 30), "Duo Mobile"),
            (plan(Algorithm::Sha1, 8, 30), "8 digits"),
            (plan(Algorithm::Sha1, 6, 60), "60 seconds"),
        ] {
            let warnings = plan.warnings(&secret);
            assert!(warnings.len() == 1 && warnings[0].contains(expected), "{warnings:?}");
        }
        let mut counting = plan(Algorithm::Sha1, 6, 60);
        counting.device.kind = Kind::Hotp;
        let warnings = counting.warnings(&secret);
        assert!(warnings.len() == 1 && warnings[0].contains("counter-based"), "{warnings:?}");
        let long = SharedSecret::from_base32(&"A".repeat(56)).unwrap();
        assert!(plan(Algorithm::Sha1, 6, 30).warnings(&long)[0].contains("iOS"));
    }
}
