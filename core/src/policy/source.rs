// SPDX-License-Identifier: MIT OR Apache-2.0
//! Networks as a rule names them: blocks of IPv4 or IPv6 addresses, or no address at all. Names of hosts are none.

use std::fmt;
use std::net::IpAddr;

use crate::origin::Origin;

/// One entry of a rule's `source`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// `local`: a login without PAM_RHOST.
    Local,
    /// A block of addresses.
    Block(Block),
}

/// Addresses that begin alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Block {
    address: IpAddr,
    prefix: u8,
}

impl Source {
    /// Reads an entry.
    ///
    /// # Errors
    ///
    /// The sentence on what is expected.
    pub(crate) fn parse(text: &str) -> Result<Self, &'static str> {
        if text == "local" { Ok(Self::Local) } else { Block::parse(text).map(Self::Block) }
    }

    pub(crate) fn holds(&self, origin: Origin) -> bool {
        match (self, origin) {
            (Self::Local, Origin::Local) => true,
            (Self::Block(block), Origin::Address(address)) => block.holds(address, width(address)),
            (Self::Local, Origin::Address(_) | Origin::Elsewhere)
            | (Self::Block(_), Origin::Local | Origin::Elsewhere) => false,
        }
    }

    /// Whether all that the other holds is in this one.
    pub(crate) fn includes(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Local, Self::Local) => true,
            (Self::Block(own), Self::Block(other)) => own.holds(other.address, other.prefix),
            (Self::Local, Self::Block(_)) | (Self::Block(_), Self::Local) => false,
        }
    }
}

impl Block {
    fn parse(text: &str) -> Result<Self, &'static str> {
        const EXPECTED: &str = "an address, a block of them like 10.0.0.0/8 or 2001:db8::/32, or \"local\" is expected here; \
                                names of hosts are never trusted";
        let (address, prefix) = text.split_once('/').map_or((text, None), |(address, prefix)| (address, Some(prefix)));
        let address: IpAddr = address.parse().map_err(|_| EXPECTED)?;
        if address.to_canonical() != address {
            return Err("an IPv4 address that is mapped into IPv6 counts as IPv4: write it so, like 10.0.0.0/8");
        }
        let prefix = match prefix {
            None => width(address),
            // The round trip refuses "+8" and "08".
            Some(text) => text.parse().ok().filter(|prefix: &u8| prefix.to_string() == text).ok_or(EXPECTED)?,
        };
        if prefix > width(address) { Err(EXPECTED) } else { Ok(Self { address, prefix }) }
    }

    /// Whether what begins with so many bits of the address does.
    fn holds(&self, address: IpAddr, prefix: u8) -> bool {
        address.is_ipv4() == self.address.is_ipv4()
            && prefix >= self.prefix
            && leading(address, self.prefix) == leading(self.address, self.prefix)
    }

    /// Whether bits are set that do not count: somebody meant this host, or another block.
    pub(crate) fn has_host_bits(&self) -> bool {
        leading(self.address, self.prefix).and_then(|bits| bits.checked_shl(self.host_bits())).unwrap_or(0)
            != bits(self.address)
    }

    fn host_bits(&self) -> u32 {
        u32::from(width(self.address).saturating_sub(self.prefix))
    }
}

fn width(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => u128::from(address.to_bits()),
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// The first bits of an address; `None` where none of 128 is left, which is equal for all.
fn leading(address: IpAddr, prefix: u8) -> Option<u128> {
    bits(address).checked_shr(u32::from(width(address).saturating_sub(prefix)))
}

/// With the length of the block, written or not.
impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Local => f.write_str("local"),
            Self::Block(Block { address, prefix }) => write!(f, "{address}/{prefix}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(text: &str) -> Source {
        Source::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    #[test]
    fn a_block_holds_what_begins_as_it_does_and_nothing_else() {
        for (block, held, not_held) in [
            ("10.0.0.0/8", "10.255.255.255", "11.0.0.0"),
            ("10.1.2.3", "10.1.2.3", "10.1.2.2"),
            ("10.1.2.3/8", "10.9.9.9", "9.1.2.3"),
            ("192.0.2.128/25", "192.0.2.128", "192.0.2.127"),
            ("0.0.0.0/0", "203.0.113.9", "2001:db8::1"),
            ("::/0", "2001:db8::1", "203.0.113.9"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"),
            ("2001:db8::1", "2001:db8::1", "2001:db8::2"),
            ("10.0.0.0/8", "::ffff:10.0.0.1", "::10.0.0.1"),
            ("::/0", "::1", "::ffff:10.0.0.1"),
        ] {
            assert!(source(block).holds(Origin::of(Some(held))), "{held} in {block}");
            assert!(!source(block).holds(Origin::of(Some(not_held))), "{not_held} in {block}");
        }
    }

    #[test]
    fn neither_no_address_nor_a_name_is_in_any_block() {
        for block in ["0.0.0.0/0", "::/0", "10.0.0.0/8"] {
            for origin in [None, Some(""), Some("10.0.0.1.evil.example"), Some("fe80::1%eth0"), Some("10.0.0.1:22")] {
                assert!(!source(block).holds(Origin::of(origin)), "{origin:?} in {block}");
            }
        }
        assert!(source("local").holds(Origin::Local));
        for elsewhere in ["127.0.0.1", "::1", "localhost", "local"] {
            assert!(!source("local").holds(Origin::of(Some(elsewhere))), "{elsewhere}");
        }
    }

    #[test]
    fn what_is_no_block_is_refused() {
        for text in [
            "",
            "office.example",
            "10.0.0.0/33",
            "10.0.0.0/+8",
            "10.0.0.0/08",
            "10.0.0.0/",
            "10.0.0.0/8/8",
            "10.0.0.0/255.0.0.0",
            "10.",
            "10.0.0.0 /8",
            "::/129",
            "fe80::1%eth0",
            "::ffff:10.0.0.0/104",
            "Local",
            "!10.0.0.0/8",
        ] {
            assert!(Source::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn one_block_is_known_to_lie_within_another() {
        for (outer, inner) in
            [("10.0.0.0/8", "10.1.0.0/16"), ("10.0.0.0/8", "10.1.1.1"), ("::/0", "::1"), ("local", "local")]
        {
            assert!(source(outer).includes(&source(inner)), "{inner} in {outer}");
            assert_eq!(source(inner).includes(&source(outer)), outer == inner, "{outer} in {inner}");
        }
        assert!(!source("0.0.0.0/0").includes(&source("::/0")) && !source("0.0.0.0/0").includes(&source("local")));
    }

    #[test]
    fn bits_beyond_the_block_are_noticed() {
        for (text, set) in [
            ("10.0.0.0/8", false),
            ("10.0.0.1/8", true),
            ("10.0.0.1", false),
            ("0.0.0.0/0", false),
            ("1.0.0.0/0", true),
            ("::/0", false),
            ("::1/0", true),
            ("2001:db8::/32", false),
            ("2001:db8::1/64", true),
        ] {
            let Source::Block(block) = source(text) else { panic!("{text}") };
            assert_eq!(block.has_host_bits(), set, "{text}");
        }
    }
}
