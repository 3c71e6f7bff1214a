// SPDX-License-Identifier: MIT OR Apache-2.0
//! Keys on paper: what is printed reads back, and what was mistyped is told in its line.

#![allow(clippy::arithmetic_side_effects, reason = "small numbers in tests")]

use super::*;
use crate::random::SystemRandom;

fn key() -> MasterKey {
    MasterKey::from_bytes(&core::array::from_fn::<u8, 32, _>(|n| u8::try_from(n * 7 + 1).unwrap())).unwrap()
}

fn lines() -> Vec<String> {
    key().expose_lines().unwrap().iter().map(|line| line.to_string()).collect()
}

fn read(text: &str) -> Result<Vec<Vec<u8>>, NotAKey> {
    read_text(text).map(|keys| keys.iter().map(|key| key.expose_bytes().to_vec()).collect())
}

/// Referee: the same in a dozen lines of Python, with its integers and its hmac.
#[test]
fn a_key_is_five_lines_that_begin_with_their_number() {
    let by_python = [
        "1044-0Y5G-X4GN-K41A",
        "2750-4EKJ-NBHH-PMXQ",
        "3E5W-7Z1M-DJJD-T4D7",
        "4N6R-BFFP-5SK9-XM8J",
        "5HFD-7E0B-PB55-AMAA",
    ];
    assert_eq!(lines(), by_python);
}

#[test]
fn what_was_printed_reads_back_however_it_is_typed() {
    for _ in 0..50 {
        let key = MasterKey::generate(&SystemRandom).unwrap();
        let lines = key.expose_lines().unwrap().iter().map(|line| line.to_string()).collect::<Vec<_>>();
        let numbered: String = (1..).zip(&lines).map(|(n, line)| format!("  Line {n}:  {line}\r\n")).collect();
        let plain = lines.join("\n").to_lowercase().replace('-', " ");
        let qr = key.expose_qr_text().unwrap();
        let words = "Master key of gate, 2026\nTo put it back: 'nightlatch key restore'\n\nKey id 0f0f: not a line\n";
        for text in [&numbered, &plain, &format!("QR-Code:{}\n", *qr), &*qr, &format!("{words}{numbered}{words}")] {
            assert_eq!(read(text), Ok(vec![key.expose_bytes().to_vec()]), "{text}");
        }
        let (o, l) = (lines.join("\n").replace('0', "O"), lines.join("\n").replace('1', "l"));
        assert!(read(&o).is_ok() && read(&l).is_ok());
    }
}

#[test]
fn several_keys_stand_in_one_text_and_lines_may_come_in_any_order() {
    let (one, other) = (key(), MasterKey::generate(&SystemRandom).unwrap());
    let text = |key: &MasterKey| {
        key.expose_lines().unwrap().iter().rev().map(|line| format!("{}\n", **line)).collect::<String>()
    };
    let both = [one.expose_bytes().to_vec(), other.expose_bytes().to_vec()];
    assert_eq!(read(&format!("{}\n{}", text(&one), text(&other))), Ok(both.to_vec()));
}

#[test]
fn any_one_or_two_wrong_symbols_of_a_line_are_noticed_in_it() {
    let line = lines()[2].replace('-', "");
    let mistyped = |changes: &[(usize, u8)]| {
        let mut typed = line.clone().into_bytes();
        for (place, symbol) in changes {
            typed[*place] = *symbol;
        }
        let typed = String::from_utf8(typed).unwrap();
        assert_eq!(KeyLines::default().take(&typed).is_ok(), typed == line, "{typed}");
    };
    for (place, symbol) in (0..SYMBOLS).flat_map(|place| ALPHABET.iter().map(move |symbol| (place, *symbol))) {
        mistyped(&[(place, symbol)]);
        for (second, other) in (0..place).flat_map(|place| ALPHABET.iter().map(move |symbol| (place, *symbol))) {
            mistyped(&[(place, symbol), (second, other)]);
        }
    }
}

#[test]
fn what_is_wrong_is_told_with_its_line() {
    let lines = lines();
    let mut typo = lines.clone();
    typo[3] = typo[3].replace(|c: char| c != '-' && c != '4', "7");
    let numbered =
        |lines: &[String]| (1..).zip(lines).map(|(n, line)| format!("Line {n}: {line}\n")).collect::<String>();
    assert_eq!(read(&numbered(&typo)), Err(NotAKey::Line { number: 4, cause: NotALine::Typo }));
    let mut short = lines.clone();
    short[1].pop();
    assert_eq!(read(&numbered(&short)), Err(NotAKey::Line { number: 2, cause: NotALine::WrongLength }));
    assert_eq!(read(&lines[..4].join("\n")), Err(NotAKey::Missing(5)));
    let other = MasterKey::generate(&SystemRandom).unwrap().expose_lines().unwrap();
    let mixed = [&lines[..4].join("\n"), "\n", other[4].as_str()].concat();
    assert_eq!(read(&mixed), Err(NotAKey::Mixed));
    assert_eq!(read("nothing of that kind\n"), Err(NotAKey::Nothing));
    let mut taken = KeyLines::default();
    assert_eq!(taken.take_line(2, &lines[0]), Err(NotALine::Another(1)));
    assert_eq!((taken.take_line(1, &lines[0]), taken.missing()), (Ok(()), Some(2)));
    assert!(matches!(taken.into_key(), Err(NotAKey::Missing(2))));
}
