// SPDX-License-Identifier: MIT OR Apache-2.0
//! From where a login comes, as far as PAM_RHOST can be trusted: an IP literal, nothing at all, or something that tells
//! nothing. The one place that reads it; throttle and rules both go by it.

use std::net::IpAddr;

/// What PAM_RHOST says. A name is whatever the other side's name server says (THREATS V64).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// No PAM_RHOST: console, su, sudo.
    Local,
    /// An IP literal; an IPv4 address that is mapped into IPv6 is that IPv4 address.
    Address(IpAddr),
    /// A host name, an address with a zone, a port or anything else behind it: never known, never in any network.
    Elsewhere,
}

impl Origin {
    /// Reads PAM_RHOST.
    #[must_use]
    pub fn of(remote_host: Option<&str>) -> Self {
        let Some(text) = remote_host.filter(|text| !text.is_empty()) else {
            return Self::Local;
        };
        text.parse::<IpAddr>().map_or(Self::Elsewhere, |address| Self::Address(address.to_canonical()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_begins_like_an_address_or_leads_elsewhere_is_none() {
        for text in [
            "10.0.0.1.evil.example",
            "10.0.0.1 ",
            " 10.0.0.1",
            "10.0.0.1:22",
            "[::1]",
            "[::1]:22",
            "fe80::1%eth0",
            "10.0.0.1%eth0",
            "10.0.0.1/32",
            "010.0.0.1",
            "10.1",
            "167772161",
            "0x0a000001",
            "10.0.0.1\n",
            "::ffff:10.0.0.1.evil.example",
            "localhost",
            "local",
            "\u{ff11}0.0.0.1",
        ] {
            assert_eq!(Origin::of(Some(text)), Origin::Elsewhere, "{text:?}");
        }
    }

    #[test]
    fn an_address_is_one_address_however_it_is_written() {
        let v4 = Origin::Address([10, 0, 0, 1].into());
        for text in ["10.0.0.1", "::ffff:10.0.0.1", "::ffff:a00:1", "0:0:0:0:0:FFFF:0A00:0001"] {
            assert_eq!(Origin::of(Some(text)), v4, "{text}");
        }
        assert_eq!(Origin::of(Some("2001:DB8::1")), Origin::of(Some("2001:db8:0:0::1")));
        assert_ne!(Origin::of(Some("::10.0.0.1")), v4, "the old compatible form is no IPv4 address");
        for none in [None, Some("")] {
            assert_eq!(Origin::of(none), Origin::Local);
        }
    }
}
