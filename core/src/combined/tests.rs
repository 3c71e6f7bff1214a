// SPDX-License-Identifier: MIT OR Apache-2.0
//! Texts with a password and a code in them, and texts that only look so.

use proptest::prelude::*;

use super::*;
use crate::backup::BackupCodes;
use crate::clock::UnixTime;
use crate::random::SystemRandom;
use crate::record::Digits;
use CodePlace::{End, Start};

fn read(text: &[u8], place: CodePlace) -> Result<Combined, NotACode> {
    Combined::read(text, place)
}

/// The codes of six, seven and eight digits that a text may hold.
fn readings(text: &str, place: CodePlace) -> Result<[Option<u32>; 3], NotACode> {
    let combined = read(text.as_bytes(), place)?;
    assert!(matches!(&*combined.code.0, Typed::Embedded(_)), "{text}");
    Ok([6, 7, 8].map(|digits| combined.code.0.of_length(Digits::new(digits).unwrap())))
}

#[test]
fn a_text_holds_at_most_one_code_of_each_length() {
    for (text, place, expected) in [
        ("secret012345", End, [Some(12_345), None, None]),
        ("secret9012345", End, [Some(12_345), Some(9_012_345), None]),
        ("secret98012345", End, [Some(12_345), Some(8_012_345), Some(98_012_345)]),
        ("secret798012345", End, [Some(12_345), Some(8_012_345), Some(98_012_345)]),
        ("012345secret", Start, [Some(12_345), None, None]),
        ("01234567secret", Start, [Some(12_345), Some(123_456), Some(1_234_567)]),
        ("012345678901", Start, [Some(12_345), Some(123_456), Some(1_234_567)]),
        // Something of a password has to be left.
        ("1234567", End, [Some(234_567), None, None]),
        ("12345678", End, [Some(345_678), Some(2_345_678), None]),
        (" 123456", End, [Some(123_456), None, None]),
    ] {
        assert_eq!(readings(text, place), Ok(expected), "{text:?}");
    }
}

#[test]
fn what_holds_no_code_beside_a_password_is_named_and_not_judged() {
    let long = format!("{}012345", "x".repeat(507));
    for (text, place, cause) in [
        ("", End, NotACode::Empty),
        ("secret", End, NotACode::NoneWithPassword),
        ("secret12345", End, NotACode::NoneWithPassword),
        ("secret012345", Start, NotACode::NoneWithPassword),
        ("012345secret", End, NotACode::NoneWithPassword),
        ("012345", End, NotACode::NoneWithPassword),
        ("012345", Start, NotACode::NoneWithPassword),
        ("secret012345 ", End, NotACode::NoneWithPassword),
        ("secret012 345", End, NotACode::NoneWithPassword),
        ("secret\u{ff10}\u{ff11}\u{ff12}\u{ff13}\u{ff14}\u{ff15}", End, NotACode::NoneWithPassword),
        (&long, End, NotACode::TooLong),
        ("\u{8}\n\r\u{7f}INCORRECT", End, NotACode::JunkPassword),
        ("\u{8}\n\r\u{7f}INCORRECT012345", End, NotACode::JunkPassword),
    ] {
        assert_eq!(read(text.as_bytes(), place).err(), Some(cause), "{text:?}");
    }
    assert!(read(&long.as_bytes()[1..], End).is_ok(), "512 bytes");
}

#[test]
fn a_backup_code_is_known_by_its_dashes_and_its_check_symbol() {
    let (sheet, _) = BackupCodes::generate(3, UnixTime(1), &SystemRandom).unwrap();
    for code in sheet.expose_codes() {
        for (text, place) in [(format!("pass-word 9{code}"), End), (format!("{code}9-pass word"), Start)] {
            for text in [text.clone(), text.to_lowercase()] {
                let combined = read(text.as_bytes(), place).unwrap();
                assert!(matches!(&*combined.code.0, Typed::Backup(_)), "{text}");
                assert_eq!(combined.beside(PRINTED_BYTES).len(), 11);
            }
        }
        let mut typo = code.to_owned();
        let last = typo.pop();
        typo.push(if last == Some('2') { '3' } else { '2' });
        assert_eq!(read(format!("password{typo}").as_bytes(), End).err(), Some(NotACode::BackupCodeTypo));
        assert_eq!(read(code.as_bytes(), End).err(), Some(NotACode::NoneWithPassword), "and no password");
        // In longer text nothing tells these from a password.
        let plain = read(format!("password{}", code.replace('-', "")).as_bytes(), End);
        assert!(!plain.is_ok_and(|combined| matches!(&*combined.code.0, Typed::Backup(_))), "{code}");
    }
}

#[test]
fn wiped_readings_are_zeros() {
    let mut readings = Readings::of(b"secret98012345", End).unwrap();
    readings.zeroize();
    assert_eq!(readings.0, [(0, None); 3]);
}

proptest! {
    /// Whatever the password is, in UTF-8 or not: the code is found, and the rest is the password to the byte.
    #[test]
    fn whatever_the_password_is_it_is_left_to_the_byte(
        password in proptest::collection::vec(1_u8..=255, 1..200),
        digits in 6_u8..=8,
        number in 0_u32..1_000_000,
        at_start in any::<bool>(),
    ) {
        let code = format!("{number:0width$}", width = usize::from(digits)).into_bytes();
        let (place, text) = if at_start { (Start, [&code[..], &password].concat()) } else { (End, [&password[..], &code].concat()) };
        let Ok(combined) = read(&text, place) else { return Err(TestCaseError::reject("a backup code by chance")) };
        prop_assert_eq!(combined.code.0.of_length(Digits::new(digits).unwrap()), Some(number));
        prop_assert_eq!(combined.beside(usize::from(digits)), password.as_slice());
    }
}
