// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files of google-authenticator and pam_oath: whoever is taken over has what the file says, and nothing that it says comes
//! out in words. The first byte says which of the two it is.

use nightlatch::backup::MAX_INHERITED;
use nightlatch::clock::UnixTime;
use nightlatch::import::{self, NotTaken, ShortSecrets, TakenOver, Terms};
use nightlatch::ledger::Progress;
use nightlatch::record::{Kind, MAX_DEVICES};
use nightlatch::verify::judge::Window;

const NOW: u64 = 1_800_000_000;

/// # Panics
///
/// Where a promise is broken.
pub fn try_input(input: &[u8]) {
    let Some((which, file)) = input.split_first() else { return };
    let short_secrets = if which & 2 == 0 { ShortSecrets::Allowed } else { ShortSecrets::Refused };
    let terms = Terms { now: UnixTime(NOW), window: Window::ONE, short_secrets };
    if which & 1 == 0 {
        let read = import::google::read(file, &terms);
        if let Ok(taken) = &read {
            assert_eq!(taken.devices.len(), 1);
            let secret = taken.devices[0].secret.expose_bytes();
            assert_eq!(secret, decode(file.split(|byte| *byte == b'\n').next().unwrap()).expect("a secret"));
            let eights = file.split(|byte| matches!(byte, b'\n' | b'\r')).skip(1).filter(|line| line.len() >= 8);
            assert!(taken.scratch_codes.len() <= eights.count().min(usize::from(MAX_INHERITED)));
        }
        holds(file, &read, short_secrets);
    } else {
        let people = import::oath::read(file, &terms);
        for (at, person) in people.iter().enumerate() {
            assert!(!person.user.is_empty() && !person.user.contains(&b'\n') && !person.user.contains(&b' '));
            assert!(people[..at].iter().all(|before| before.user != person.user), "one entry for each person");
            holds(file, &person.tokens, short_secrets);
        }
        let named = file.split(|byte| *byte == b'\n').count();
        assert!(people.len() <= named);
    }
}

fn holds(file: &[u8], read: &Result<TakenOver, NotTaken>, short_secrets: ShortSecrets) {
    match read {
        Err(refused) => says_nothing_of(file, &refused.to_string()),
        Ok(taken) => {
            assert!((1..=MAX_DEVICES).contains(&taken.devices.len()));
            for (at, device) in taken.devices.iter().enumerate() {
                assert!(short_secrets == ShortSecrets::Allowed || !device.secret.is_short());
                let before = &taken.devices[..at];
                assert!(before.iter().all(|other| !other.secret.is_same_as(&device.secret)));
                assert!(before.iter().all(|other| !other.name.is_same_as(&device.name)));
                match (device.kind, device.progress) {
                    (Kind::Totp { period, offset }, Progress::Totp(last)) => {
                        let present = NOW / u64::from(period.seconds());
                        let present = present.checked_add_signed(i64::from(offset)).expect("a day at most");
                        // Nobody is kept out for longer than some hours.
                        assert!(last.step().is_none_or(|step| step.0 <= present + 200));
                    }
                    (Kind::Hotp, Progress::Hotp { next }) => assert!(next < 1 << 63),
                    (Kind::Totp { .. }, Progress::Hotp { .. }) | (Kind::Hotp, Progress::Totp(_)) => panic!("a mixture"),
                }
            }
            taken.not_kept.iter().for_each(|note| says_nothing_of(file, &note.to_string()));
        }
    }
}

/// Numbers may be told, since they are in a range; words of the file may not (THREATS V41): what is told is the same if all
/// its letters are others.
fn says_nothing_of(file: &[u8], words: &str) {
    let ours = |word: &str| word.bytes().all(|byte| byte.is_ascii_digit()) || KNOWN.contains(word);
    for word in file.split(|byte| !byte.is_ascii_alphanumeric()).filter(|word| word.len() >= 12) {
        let word = std::str::from_utf8(word).expect("ASCII");
        assert!(ours(word) || !words.contains(word), "{words}");
    }
}

/// Words of our own that may stand in a file too.
const KNOWN: &str = "RESETTING_TIME_SKEW HOTP_COUNTER DISALLOW_REUSE hexadecimal authenticator mod_authn_otp enforced";

/// Bit by bit, where the reader shifts.
fn decode(line: &[u8]) -> Option<Vec<u8>> {
    let mut bits = Vec::new();
    for symbol in line.iter().map(|byte| byte.to_ascii_uppercase()) {
        let symbol = match symbol {
            b' ' | b'\t' | b'-' | b'\r' => continue,
            b'0' => b'O',
            b'1' => b'L',
            b'8' => b'B',
            other => other,
        };
        let value = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".iter().position(|known| *known == symbol)?;
        bits.extend((0..5).rev().map(|bit| value >> bit & 1 == 1));
    }
    Some(bits.chunks_exact(8).map(|byte| byte.iter().fold(0, |byte, bit| byte << 1 | u8::from(*bit))).collect())
}
