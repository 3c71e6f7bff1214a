// SPDX-License-Identifier: MIT OR Apache-2.0
//! The `otpauth:` URI that an authenticator app reads: every parameter always present, percent-encoded, no padding.
//! Built in buffers that wipe themselves, since it holds the secret.

use zeroize::Zeroizing;

use crate::config::EnrollDefaults;
use crate::record::{Device, Kind};
use crate::user::UserName;

/// What the app shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    issuer: String,
    account: String,
}

/// The text may not stand in a label.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("issuer and account have 1 to 128 bytes without ':' and control characters")]
pub struct NotALabel;

impl Label {
    /// # Errors
    ///
    /// [`NotALabel`]: a colon would move the border between issuer and account.
    pub fn new(issuer: &str, account: &str) -> Result<Self, NotALabel> {
        let refused =
            |text: &str| text.trim().is_empty() || text.len() > 128 || text.chars().any(|c| c.is_control() || c == ':');
        if refused(issuer) || refused(account) {
            return Err(NotALabel);
        }
        Ok(Self { issuer: issuer.trim().to_owned(), account: account.trim().to_owned() })
    }

    /// As the site's templates say, with the host's and the person's names where it has none.
    ///
    /// # Errors
    ///
    /// [`NotALabel`], where a name has a colon or too many bytes.
    pub fn of_site(site: &EnrollDefaults, user: &UserName, host: &str) -> Result<Self, NotALabel> {
        let named = |template: &Option<String>, otherwise: &str| match template {
            Some(template) => filled(template, user.as_str(), host),
            None => otherwise.to_owned(),
        };
        Self::new(&named(&site.issuer, host), &named(&site.account, user.as_str()))
    }

    /// Who asks for codes.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Whose codes they are.
    #[must_use]
    pub fn account(&self) -> &str {
        &self.account
    }
}

/// The URI of a device. For HOTP, `next_counter` is the counter that the app begins with.
#[must_use]
pub fn expose_uri(device: &Device, label: &Label, next_counter: u64) -> Zeroizing<String> {
    let (kind, progress) = match device.kind {
        Kind::Totp { period, .. } => ("totp", format!("&period={}", period.seconds())),
        Kind::Hotp => ("hotp", format!("&counter={next_counter}")),
    };
    let (issuer, account) = (percent_encoded(&label.issuer), percent_encoded(&label.account));
    let secret = device.secret.expose_base32();
    // Room for all of it at once: a string that grows leaves the secret behind in freed memory.
    let mut uri = Zeroizing::new(String::with_capacity(
        issuer.len().saturating_mul(2).saturating_add(account.len()).saturating_add(secret.len()).saturating_add(128),
    ));
    let digits = device.digits.count().to_string();
    for part in [
        "otpauth://",
        kind,
        "/",
        &issuer,
        ":",
        &account,
        "?secret=",
        &secret,
        "&issuer=",
        &issuer,
        "&algorithm=",
        device.algorithm.uri_name(),
        "&digits=",
        &digits,
        &progress,
    ] {
        uri.push_str(part);
    }
    uri
}

/// One pass, so that a name with braces in it is not filled in again.
fn filled(template: &str, user: &str, host: &str) -> String {
    let (mut text, mut rest) = (String::new(), template);
    while let Some(next) = rest.chars().next() {
        if let Some(behind) = rest.strip_prefix("{user}") {
            text.push_str(user);
            rest = behind;
        } else if let Some(behind) = rest.strip_prefix("{host}") {
            text.push_str(host);
            rest = behind;
        } else {
            text.push(next);
            rest = rest.get(next.len_utf8()..).unwrap_or_default();
        }
    }
    text
}

/// RFC 3986 §2.3: everything but unreserved characters, bytewise. A space is %20; apps do not read `+`.
fn percent_encoded(text: &str) -> String {
    let mut encoded = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            encoded.push(char::from(byte));
        } else {
            encoded.push('%');
            encoded.push_str(&data_encoding::HEXUPPER.encode(&[byte]));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::tests::a_device;
    use crate::record::{Digits, Period};
    use crate::secret::{Algorithm, SharedSecret};

    #[test]
    fn a_label_keeps_its_two_texts_apart_and_without_blanks_around_them() {
        let label = Label::new(" ACME ", "ann").unwrap();
        assert_eq!((label.issuer(), label.account()), ("ACME", "ann"));
    }

    #[test]
    fn every_parameter_is_present_and_encoded() {
        let device = Device {
            secret: SharedSecret::from_base32("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP").unwrap(),
            algorithm: Algorithm::Sha256,
            digits: Digits::new(8).unwrap(),
            ..a_device(0, Kind::Totp { period: Period::new(60).unwrap(), offset: 0 })
        };
        let label = Label::new("ACME & Söhne", "alice@host").unwrap();
        assert_eq!(
            expose_uri(&device, &label, 0).as_str(),
            "otpauth://totp/ACME%20%26%20S%C3%B6hne:alice%40host?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP\
             &issuer=ACME%20%26%20S%C3%B6hne&algorithm=SHA256&digits=8&period=60"
        );
        let counting = Device { kind: Kind::Hotp, ..device };
        assert!(expose_uri(&counting, &label, 7).ends_with("&digits=8&counter=7"));
    }

    #[test]
    fn a_colon_cannot_move_the_border_between_issuer_and_account() {
        assert_eq!(Label::new("a:b", "c"), Err(NotALabel));
        assert_eq!(Label::new("a", "b:c"), Err(NotALabel));
        assert_eq!(Label::new("", "c"), Err(NotALabel));
        assert_eq!(Label::new("a\n", "c"), Err(NotALabel));
    }

    #[test]
    fn the_sites_template_is_filled_in_once() {
        assert_eq!(filled("{user}@{host} {x}", "a{host}", "ü"), "a{host}@ü {x}");
    }
}
