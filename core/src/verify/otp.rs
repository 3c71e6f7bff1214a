// SPDX-License-Identifier: MIT OR Apache-2.0
//! One-time codes: HOTP (RFC 4226) and, with a step as the counter, TOTP (RFC 6238). Computes; compares nothing.

use std::ops::RangeInclusive;

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Sha256, Sha512};
use zeroize::Zeroizing;

use crate::clock::{Step, UnixTime};
use crate::record::{Digits, Period};
use crate::secret::{Algorithm, SharedSecret};

/// The step of a time (RFC 6238 §4.2, T0 = 0), moved by a device's offset; `None` before the first step.
#[must_use]
pub fn step_at(time: UnixTime, period: Period, offset: i32) -> Option<Step> {
    let step = time.0.checked_div(u64::from(period.seconds()))?;
    step.checked_add_signed(i64::from(offset)).map(Step)
}

/// The code for a counter (RFC 4226 §5.3), as a number below 10^digits.
#[must_use]
pub fn code(secret: &SharedSecret, algorithm: Algorithm, digits: Digits, counter: u64) -> Option<u32> {
    let mut found = None;
    for_each(secret, algorithm, digits, counter..=counter, &mut |_, code| found = Some(code));
    found
}

/// The code for each of these counters. The secret is worked into the hash once (RFC 2104 §4). `dyn`, or each of its callers
/// would bring all three hashes once more into the module.
pub(crate) fn for_each(
    secret: &SharedSecret,
    algorithm: Algorithm,
    digits: Digits,
    counters: RangeInclusive<u64>,
    each: &mut dyn FnMut(u64, u32),
) {
    match algorithm {
        Algorithm::Sha1 => of_hash::<Hmac<Sha1>, 20>(secret, digits, counters, each),
        Algorithm::Sha256 => of_hash::<Hmac<Sha256>, 32>(secret, digits, counters, each),
        Algorithm::Sha512 => of_hash::<Hmac<Sha512>, 64>(secret, digits, counters, each),
    }
}

fn of_hash<M: Mac + KeyInit + Clone, const N: usize>(
    secret: &SharedSecret,
    digits: Digits,
    counters: RangeInclusive<u64>,
    each: &mut dyn FnMut(u64, u32),
) {
    // HMAC takes a key of any length.
    let Ok(keyed) = <M as KeyInit>::new_from_slice(secret.expose_bytes()) else { return };
    let mut output = Zeroizing::new([0; N]);
    for counter in counters {
        let result = keyed.clone().chain_update(counter.to_be_bytes()).finalize().into_bytes();
        let Some(place) = output.as_mut_slice().get_mut(..result.len()) else { return };
        place.copy_from_slice(&result);
        if let Some(code) = truncate(output.as_slice(), digits) {
            each(counter, code);
        }
    }
}

/// Dynamic truncation (RFC 4226 §5.4): four bytes at the place that the last nibble names, without their top bit.
fn truncate(mac: &[u8], digits: Digits) -> Option<u32> {
    let place = usize::from(mac.last()? & 0x0f);
    let four = mac.get(place..place.checked_add(4)?)?;
    let number = u32::from_be_bytes(four.try_into().ok()?) & 0x7fff_ffff;
    number.checked_rem(10_u32.checked_pow(u32::from(digits.count()))?)
}

#[cfg(test)]
#[allow(clippy::arithmetic_side_effects, reason = "small numbers in tests")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// RFC 6238 appendix B repeats "1234567890" to the length of each hash.
    fn rfc_secret(algorithm: Algorithm) -> SharedSecret {
        let bytes: Vec<u8> = b"1234567890".iter().copied().cycle().take(algorithm.secret_bytes()).collect();
        SharedSecret::from_bytes(&bytes).unwrap()
    }

    #[test]
    fn the_vectors_of_rfc_4226_appendix_d_hold() {
        let secret = rfc_secret(Algorithm::Sha1);
        let expected = [755_224, 287_082, 359_152, 969_429, 338_314, 254_676, 287_922, 162_583, 399_871, 520_489];
        for (counter, expected) in (0..).zip(expected) {
            assert_eq!(code(&secret, Algorithm::Sha1, Digits::SIX, counter), Some(expected));
        }
    }

    #[test]
    fn the_vectors_of_rfc_6238_appendix_b_hold() {
        let eight = Digits::new(8).unwrap();
        for (time, sha1, sha256, sha512) in [
            (59, 94_287_082, 46_119_246, 90_693_936),
            (1_111_111_109, 7_081_804, 68_084_774, 25_091_201),
            (1_111_111_111, 14_050_471, 67_062_674, 99_943_326),
            (1_234_567_890, 89_005_924, 91_819_424, 93_441_116),
            (2_000_000_000, 69_279_037, 90_698_825, 38_618_901),
            (20_000_000_000, 65_353_130, 77_737_706, 47_863_826),
        ] {
            let step = step_at(UnixTime(time), Period::THIRTY, 0).unwrap().0;
            for (algorithm, expected) in
                [(Algorithm::Sha1, sha1), (Algorithm::Sha256, sha256), (Algorithm::Sha512, sha512)]
            {
                assert_eq!(
                    code(&rfc_secret(algorithm), algorithm, eight, step),
                    Some(expected),
                    "{time} {algorithm:?}"
                );
            }
        }
    }

    #[test]
    fn a_device_whose_clock_is_off_is_read_by_its_offset() {
        let at = |offset| step_at(UnixTime(59), Period::THIRTY, offset).map(|step| step.0);
        assert_eq!((at(0), at(2), at(-1), at(-2)), (Some(1), Some(3), Some(0), None));
    }

    proptest! {
        #[test]
        fn codes_agree_with_another_implementation(
            secret in proptest::collection::vec(any::<u8>(), 16..64),
            digits in 6_u8..=8,
            period in 15_u16..=120,
            time in 0_u64..40_000_000_000,
            which in 0..3,
        ) {
            let (algorithm, theirs) = match which {
                0 => (Algorithm::Sha1, totp_rs::Algorithm::SHA1),
                1 => (Algorithm::Sha256, totp_rs::Algorithm::SHA256),
                _ => (Algorithm::Sha512, totp_rs::Algorithm::SHA512),
            };
            let (digits, period) = (Digits::new(digits).unwrap(), Period::new(period).unwrap());
            let ours = SharedSecret::from_bytes(&secret).unwrap();
            let step = step_at(UnixTime(time), period, 0).unwrap();
            let code = code(&ours, algorithm, digits, step.0).unwrap();
            let referee = referee(theirs, &secret, digits.count(), u64::from(period.seconds()), time);
            prop_assert_eq!(format!("{code:0width$}", width = usize::from(digits.count())), referee);
        }
    }

    fn referee(algorithm: totp_rs::Algorithm, secret: &[u8], digits: u8, period: u64, time: u64) -> String {
        totp_rs::Builder::new()
            .with_algorithm(algorithm)
            .with_digits(digits)
            .with_secret(secret.to_vec())
            .with_step_duration(period)
            .with_skew(0)
            .build_noncompliant()
            .generate(time)
            .to_string()
    }
}
