// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is to be enrolled: the command line's word, else the site's default; and which apps get that wrong.

use nightlatch::config::EnrollDefaults;
use nightlatch::enrollment::DeviceSettings;
use nightlatch::record::{DeviceName, Digits, Kind, Period};
use nightlatch::secret::{Algorithm, SharedSecret};
use nightlatch::uri::{Label, NotALabel};
use nightlatch::user::{Account, host_name};

use crate::arguments::EnrollArguments;
use crate::failure::Failure;
use crate::site::Site;

pub(crate) struct Plan {
    pub(crate) label: Label,
    pub(crate) device: DeviceSettings,
    pub(crate) backup_codes: u8,
}

impl Plan {
    pub(crate) fn new(options: &EnrollArguments, site: &Site, account: &Account) -> Result<Self, Failure> {
        let defaults = site.config.enroll();
        let label = label(options, defaults, account)?;
        let name = DeviceName::parse(&options.device)
            .map_err(|error| Failure::usage(error.to_string(), "say --device with another name"))?;
        // clap has held both against their range; out of it, the site's default is in it.
        let digits = options.digits.and_then(Digits::new).unwrap_or(defaults.digits);
        let period = options.period.and_then(Period::new).unwrap_or(defaults.period);
        let device = DeviceSettings {
            name,
            kind: Kind::Totp { period, offset: 0 },
            algorithm: options.algorithm.map_or(defaults.algorithm, Algorithm::from),
            digits,
        };
        Ok(Self { label, device, backup_codes: options.backup_codes.unwrap_or(defaults.backup_codes) })
    }

    pub(crate) fn period(&self) -> u16 {
        match self.device.kind {
            Kind::Totp { period, .. } => period.seconds(),
            Kind::Hotp => 0,
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
        if self.period() != Period::THIRTY.seconds() {
            warnings.push(format!(
                "{} seconds: Google Authenticator goes by 30 s whatever the QR code says, and so do apps that follow it",
                self.period()
            ));
        }
        if algorithm == Algorithm::Sha1 && secret.expose_bytes().len() > algorithm.secret_bytes() {
            warnings
                .push("a secret of more than 160 bits: Google Authenticator on iOS refuses it with sha1".to_owned());
        }
        warnings
    }
}

fn label(options: &EnrollArguments, defaults: &EnrollDefaults, account: &Account) -> Result<Label, Failure> {
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
        Plan { label: Label::new("host", "alice").unwrap(), device, backup_codes: 10 }
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
        let long = SharedSecret::from_base32(&"A".repeat(56)).unwrap();
        assert!(plan(Algorithm::Sha1, 6, 30).warnings(&long)[0].contains("iOS"));
    }
}
