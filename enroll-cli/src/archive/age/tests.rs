// SPDX-License-Identifier: MIT OR Apache-2.0
//! The age format beside its own program, and with bytes missing, changed and added.

use std::io::{BufReader, Cursor, Write as _};

use nightlatch::random::SystemRandom;

use super::*;

/// With a cheaper header than ours: the cost is not what is tried here.
const PASSPHRASE: &[u8] = b"correct horse battery staple";

fn encrypted(plain: &[u8]) -> Vec<u8> {
    let mut encryptor = Encryptor::begin(Vec::new(), PASSPHRASE, &SystemRandom).unwrap();
    // In odd pieces, so that chunks do not end where writes do.
    for piece in plain.chunks(40_001) {
        encryptor.write_all(piece).unwrap();
    }
    encryptor.finish().unwrap()
}

fn opened(bytes: &[u8], key: &PayloadKey, begin: u64) -> io::Result<Vec<u8>> {
    let payload = bytes.get(usize::try_from(begin).unwrap()..).unwrap();
    let mut plain = Vec::new();
    Decryptor::begin(BufReader::with_capacity(1000, Cursor::new(payload)), key)?.read_to_end(&mut plain)?;
    Ok(plain)
}

fn key_of(bytes: &[u8], passphrase: &[u8]) -> Result<(PayloadKey, u64), NotABackup> {
    let mut reader = BufReader::new(Cursor::new(bytes));
    assert!(is_age(&mut reader).unwrap());
    Header::read(&mut reader)?.open(passphrase)
}

#[test]
fn what_was_encrypted_opens_whatever_its_length_and_under_no_other_passphrase() {
    let plain: Vec<u8> = (0..3 * CHUNK + 5).map(|n| u8::try_from(n % 251).unwrap()).collect();
    for length in [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 5] {
        let bytes = encrypted(&plain[..length]);
        let (key, begin) = key_of(&bytes, PASSPHRASE).unwrap_or_else(|cause| panic!("{cause:?}"));
        assert_eq!(opened(&bytes, &key, begin).unwrap(), &plain[..length], "{length}");
    }
    let bytes = encrypted(b"x");
    assert_eq!(key_of(&bytes, b"correct horse battery stable").err(), Some(NotABackup::Passphrase));
}

#[test]
fn nothing_is_missing_added_or_changed_unnoticed() {
    let plain = vec![7; 2 * CHUNK + 100];
    let bytes = encrypted(&plain);
    let (key, begin) = key_of(&bytes, PASSPHRASE).unwrap_or_else(|cause| panic!("{cause:?}"));
    let start = usize::try_from(begin).unwrap();
    let chunk = CHUNK + TAG;
    // Cut in a chunk, at the end of one, and within a tag; one chunk left out; two swapped; something behind the end.
    for length in [start, start + 5, start + chunk, start + 2 * chunk, bytes.len() - 1] {
        assert!(opened(&bytes[..length], &key, begin).is_err(), "{length}");
    }
    let without_the_second = [&bytes[..start + chunk], &bytes[start + 2 * chunk..]].concat();
    let swapped = [
        &bytes[..start],
        &bytes[start + chunk..start + 2 * chunk],
        &bytes[start..start + chunk],
        &bytes[start + 2 * chunk..],
    ]
    .concat();
    let longer = [&bytes[..], &[0]].concat();
    for wrong in [without_the_second, swapped, longer] {
        assert!(opened(&wrong, &key, begin).is_err());
    }
    for place in [start, start + chunk - 1, start + chunk, bytes.len() - 1] {
        let mut changed = bytes.clone();
        changed[place] ^= 1;
        assert!(opened(&changed, &key, begin).is_err(), "{place}");
    }
}

#[test]
fn no_header_takes_all_memory_and_none_is_believed_that_was_changed() {
    let bytes = encrypted(b"x");
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let of = |text: &str| Header::read(&mut Cursor::new(text.as_bytes())).map(|_| ());
    assert_eq!(of(&text.replace(" 18\n", " 23\n")), Err(NotABackup::TooCostly));
    assert_eq!(of(&text.replace("-> scrypt", "-> X25519")), Err(NotABackup::SomethingElse));
    assert_eq!(of(&text.replace("/v1\n", "/v2\n")), Err(NotABackup::Newer));
    assert_eq!(of(&"age-encryption.org/v1\n".repeat(100)), Err(NotABackup::SomethingElse));
    assert_eq!(of("age-encryption.org/v1\n-> scrypt"), Err(NotABackup::Damaged));
}
