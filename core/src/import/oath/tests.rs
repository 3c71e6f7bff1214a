// SPDX-License-Identifier: MIT OR Apache-2.0
//! Users files of pam_oath: lines of its own tests, and what people make of them.

use proptest::prelude::*;

use super::*;
use crate::import::ShortSecrets;
use crate::verify::judge::Window;

const NOW: u64 = 1_800_000_000;
/// Of RFC 4226: "12345678901234567890".
const KEY: &str = "3132333435363738393031323334353637383930";

fn terms() -> Terms {
    Terms { now: UnixTime(NOW), window: Window::ONE, short_secrets: ShortSecrets::Refused }
}

fn taken(text: &str) -> Result<TakenOver, NotTaken> {
    let mut people = read(text.as_bytes(), &terms());
    assert_eq!(people.len(), 1, "{text}");
    people.remove(0).tokens
}

fn cause(text: &str) -> Cause {
    let refused = taken(text).err().unwrap_or_else(|| panic!("{text}"));
    assert!(!refused.to_string().contains(KEY), "{refused}");
    refused.cause
}

fn device(text: &str) -> InheritedDevice {
    taken(text).unwrap_or_else(|refused| panic!("{refused}: {text}")).devices.remove(0)
}

fn code(step: u64, digits: Digits) -> String {
    let secret = crate::secret::SharedSecret::from_bytes(b"12345678901234567890").unwrap();
    let value = otp::code(&secret, Algorithm::Sha1, digits, step).unwrap();
    format!("{value:0width$}", width = usize::from(digits.count()))
}

fn last_step(device: &InheritedDevice) -> Option<u64> {
    match device.progress {
        Progress::Totp(last) => last.step().map(|step| step.0),
        Progress::Hotp { .. } => panic!("by time"),
    }
}

#[test]
fn every_type_says_what_moves_it_and_how_long_its_codes_are() {
    for (label, seconds, digits) in [
        ("HOTP", None, 6),
        ("HOTP/E", None, 6),
        ("HOTP/E/6", None, 6),
        ("HOTP/E/7", None, 7),
        ("HOTP/E/8", None, 8),
        ("HOTP/T30", Some(30), 6),
        ("HOTP/T30/7", Some(30), 7),
        ("HOTP/T60/8", Some(60), 8),
    ] {
        let device = device(&format!("{label} eve - {KEY}\n"));
        let kind = seconds.map_or(Kind::Hotp, |s| Kind::Totp { period: Period::new(s).unwrap(), offset: 0 });
        assert_eq!((device.kind, device.digits.count()), (kind, digits), "{label}");
    }
    for label in ["hotp", "HOTP/E/9", "HOTP/T30/", "HOTP/T3", "HOTP/T300", "HOTP/E6", "MOTP", "TOTP", "HOTPX"] {
        assert_eq!(cause(&format!("{label} eve - {KEY}\n")), Cause::NothingThere, "{label}");
    }
}

/// `0 755224`: that is the code of counter 0, so that 1 is the next; without a last code the counter itself is.
#[test]
fn the_counter_in_the_file_is_the_last_accepted_one_once_there_was_one() {
    for (rest, next) in [("", 0), ("0", 0), ("7", 7), ("0 755224", 1), ("2 359152 2006-12-07T00:00:00L", 3)] {
        let device = device(&format!("HOTP/E/6\tsilver - {KEY} {rest}\n"));
        assert_eq!(device.progress, Progress::Hotp { next }, "{rest}");
    }
}

#[test]
fn the_last_code_of_a_clock_is_found_whatever_the_zone_and_the_season() {
    let step = NOW / 30 - 2 * 120;
    for hours in [-12_i64, -5, 0, 1, 2, 14] {
        for off in [-20_i64, 0, 5] {
            let local = UnixTime((step * 30).checked_add_signed(hours * 3600).unwrap()).to_string().replace('Z', "L");
            let used = step.checked_add_signed(off).unwrap();
            let device = device(&format!("HOTP/T30 eve - {KEY} 0 {} {local}\n", code(used, Digits::SIX)));
            let found = last_step(&device).unwrap();
            // By chance the code may come again within a day; then the later one is taken.
            assert!(found == used || (found > used && code(found, Digits::SIX) == code(used, Digits::SIX)), "{hours}");
        }
    }
}

#[test]
fn a_last_code_that_fits_nowhere_leaves_no_code_usable_that_may_have_been_used() {
    let nowhere = (0..1_000_000).map(|n| format!("{n:06}"));
    let day: std::collections::HashSet<_> =
        (NOW / 30 - 4000..NOW / 30 + 100).map(|step| code(step, Digits::SIX)).collect();
    let nowhere = nowhere.into_iter().find(|code| !day.contains(code)).unwrap();
    let used_until = |time: &str| last_step(&device(&format!("HOTP/T30 eve - {KEY} 0 {nowhere} {time}\n"))).unwrap();
    // Just now, or at a time that lies ahead wherever it was written: half an hour is not much to wait, a replay is.
    let now = UnixTime(NOW).to_string().replace('Z', "L");
    assert_eq!((used_until(&now), used_until("2099-01-01T00:00:00L")), (NOW / 30 + 30, NOW / 30 + 30));
    assert_eq!(used_until(""), NOW / 30 + 30, "without a time");
    // A year ago nothing is lost by it.
    let year_ago = UnixTime(NOW - 31_536_000);
    let local = year_ago.to_string().replace('Z', "L");
    assert_eq!(used_until(&local), (year_ago.0 + BEHIND) / 30 + 30);
    let notes = taken(&format!("HOTP/T30 eve - {KEY} 0 {nowhere} {now}\n")).unwrap().not_kept;
    assert_eq!(notes, [NotKept::StepsUsed { line: 1, from: UnixTime((NOW / 30 + 31) * 30) }]);
}

#[test]
fn a_last_code_overrules_the_label_and_a_label_alone_is_doubted() {
    let read = taken(&format!("HOTP/E/8 silver - {KEY} 2 359152\n")).unwrap();
    assert_eq!(read.devices[0].digits, Digits::SIX);
    assert_eq!(read.not_kept, [NotKept::DigitsOverruled { line: 1, digits: Digits::SIX }]);
    let read = taken(&format!("HOTP/E/8 silver - {KEY}\n")).unwrap();
    assert_eq!(read.not_kept, [NotKept::DigitsUnsure { line: 1, digits: Digits::EIGHT }]);
}

#[test]
fn several_lines_are_several_devices_of_one_person() {
    let key = |n: u8| format!("{n:02x}").repeat(20);
    let text: String = [("HOTP", 1), ("HOTP/T30", 2), ("HOTP/E", 3), ("HOTP/T60", 4)]
        .map(|(label, n)| format!("{label} eve - {}\n", key(n)))
        .concat();
    let names: Vec<_> = taken(&text).unwrap().devices.iter().map(|device| device.name.to_string()).collect();
    assert_eq!(names, ["token", "phone", "token 2", "phone 2"]);
    let many: String = (1..=9).map(|n| format!("HOTP eve - {}\n", key(n))).collect();
    assert_eq!(cause(&many), Cause::TooMany { count: 9 });
    let twice = format!("HOTP eve - {KEY}\n\nHOTP/T30 eve - {KEY}\n");
    let refused = taken(&twice).err().unwrap();
    assert_eq!(refused, NotTaken { line: Some(3), cause: Cause::SecretTwice { other: 1 } });
}

#[test]
fn passwords_comments_and_unknown_types_are_told_apart() {
    let text = format!(
        "# HOTP carol - {KEY}\nMOTP eve 1234 abcdef\nHOTP eve s3cret {KEY}\n\n  HOTP/T30\tbob\t+\t{}\r\n#\nHOTP\n",
        KEY.replace("31", "41")
    );
    let people = read(text.as_bytes(), &terms());
    let names: Vec<_> = people.iter().map(|person| person.user).collect();
    assert_eq!(names, [b"eve".as_slice(), b"bob"]);
    let notes = people[0].tokens.as_ref().ok().map(|taken| taken.not_kept.clone()).unwrap();
    assert_eq!(notes, [NotKept::UnknownType { line: 2 }, NotKept::Password { line: 3 }]);
    assert!(notes.iter().all(|note| !note.to_string().contains("s3cret")));
    assert_eq!(people[1].tokens.as_ref().ok().map(|taken| taken.not_kept.len()), Some(0));
}

#[test]
fn a_line_that_pam_oath_would_not_accept_is_said_with_its_field() {
    for (rest, expected) in [
        ("-", Cause::CutShort),
        ("- 00", Cause::Secret(crate::secret::SecretError::TooShort)),
        ("- 313", Cause::NotHexadecimal),
        ("- xx", Cause::NotHexadecimal),
        (&format!("- {}", "31".repeat(33)), Cause::NotHexadecimal),
        (&format!("- {}", "31".repeat(15)), Cause::ShortSecret { bits: 120 }),
        (&format!("- {KEY} 1 12345"), Cause::LastCode),
        (&format!("- {KEY} 1 12345a"), Cause::LastCode),
        (&format!("- {KEY} 1 755224 yesterday"), Cause::LastTime),
        (&format!("- {KEY} 1 755224 2006-12-07T00:00:00"), Cause::LastTime),
        (&format!("- {KEY} 1 0 755224 2006-12-07T00:00:00L 192.0.2.1"), Cause::AnotherProgram),
        // mod_authn_otp's count of failures.
        (&format!("- {KEY} 1 0 755224"), Cause::LastCode),
    ] {
        assert_eq!(cause(&format!("HOTP/E eve {rest}\n")), expected, "{rest}");
    }
    for counter in ["-1", "x", "9223372036854775807", "99999999999999999999"] {
        assert!(matches!(cause(&format!("HOTP eve - {KEY} {counter}\n")), Cause::Number { .. }), "{counter}");
    }
    assert!(taken(&format!("HOTP eve - {KEY} 9223372036854775806 123456\n")).is_ok());
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(
        bytes: Vec<u8>,
        text in "(HOTP(/[ET](30|60)?)?(/[6-9])? [a-c] [-+x] [0-9a-f]{30,42}( [0-9]{1,5}( [0-9]{6}( [0-9TL:-]{1,21})?)?)?\n){1,12}",
    ) {
        for bytes in [bytes.as_slice(), text.as_bytes()] {
            for person in read(bytes, &terms()) {
                if let Ok(taken) = person.tokens {
                    prop_assert!((1..=8).contains(&taken.devices.len()) && taken.scratch_codes.is_empty());
                }
            }
        }
    }
}
