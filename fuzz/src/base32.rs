// SPDX-License-Identifier: MIT OR Apache-2.0
//! Shared secrets as people and apps write them, against a decoder of bits (RFC 4648 §6).

use nightlatch::secret::{SecretError, SharedSecret};

/// # Panics
///
/// Where a promise is broken.
pub fn try_input(input: &[u8]) {
    if let Ok(secret) = SharedSecret::from_bytes(input) {
        assert_eq!(secret.expose_bytes(), input);
        goes_round(&secret);
    } else {
        assert!(!(SharedSecret::MIN_BYTES..=SharedSecret::MAX_BYTES).contains(&input.len()));
    }
    let Ok(text) = std::str::from_utf8(input) else { return };
    let read = SharedSecret::from_base32(text);
    let expected = match decode(text) {
        None => Err(SecretError::NotBase32),
        Some(bytes) if bytes.len() < 10 => Err(SecretError::TooShort),
        Some(bytes) if bytes.len() > 128 => Err(SecretError::TooLong),
        Some(bytes) => Ok(bytes),
    };
    assert_eq!(read.as_ref().map(|secret| secret.expose_bytes().to_vec()).map_err(|cause| *cause), expected);
    if let Ok(secret) = read {
        goes_round(&secret);
    }
}

fn goes_round(secret: &SharedSecret) {
    let text = secret.expose_base32();
    assert!(text.bytes().all(|b| matches!(b, b'A'..=b'Z' | b'2'..=b'7')));
    assert_eq!(text.len(), (secret.expose_bytes().len() * 8).div_ceil(5));
    for spelled in [text.to_string(), text.to_lowercase(), format!("{}======\r\n", *text), text.replace('A', " a-")] {
        let again = SharedSecret::from_base32(&spelled).expect("its own spelling");
        assert!(again.is_same_as(secret));
        assert_eq!(again.expose_bytes(), secret.expose_bytes());
    }
}

/// Padding, spaces and line ends behind, spaces and dashes within; the bits that fill no byte are zeros and fewer than
/// five, so that each secret has one spelling.
fn decode(text: &str) -> Option<Vec<u8>> {
    let mut bits = Vec::new();
    for symbol in text.trim_end_matches(['=', ' ', '\n', '\r']).chars().filter(|c| *c != ' ' && *c != '-') {
        let value = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".find(symbol.to_ascii_uppercase())?;
        bits.extend((0..5).rev().map(|bit| value >> bit & 1 == 1));
    }
    let (bytes, rest) = bits.split_at(bits.len() / 8 * 8);
    if rest.len() >= 5 || rest.contains(&true) {
        return None;
    }
    Some(bytes.chunks(8).map(|byte| byte.iter().fold(0, |byte, bit| byte << 1 | u8::from(*bit))).collect())
}
