// SPDX-License-Identifier: MIT OR Apache-2.0
//! Files of google-authenticator, as that program writes them and as people leave them.

use proptest::prelude::*;

use super::*;
use crate::clock::UnixTime;
use crate::import::ShortSecrets;
use crate::secret::SecretError;

/// Step 60,000,000 of thirty seconds.
const NOW: u64 = 1_800_000_000;
const SECRET: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

fn terms(short_secrets: ShortSecrets) -> Terms {
    Terms { now: UnixTime(NOW), window: Window::ONE, short_secrets }
}

fn taken(text: &str) -> Result<TakenOver, Cause> {
    read(text.as_bytes(), &terms(ShortSecrets::Refused)).map_err(|refused| {
        assert_eq!(refused.line, None);
        refused.cause
    })
}

fn device(text: &str) -> InheritedDevice {
    let mut taken = taken(text).unwrap_or_else(|cause| panic!("{cause}: {text}"));
    assert_eq!(taken.devices.len(), 1);
    taken.devices.remove(0)
}

fn last_step(device: &InheritedDevice) -> Option<u64> {
    match device.progress {
        Progress::Totp(last) => last.step().map(|step| step.0),
        Progress::Hotp { .. } => panic!("by time"),
    }
}

#[test]
fn a_whole_file_is_read_as_its_module_reads_it() {
    let text = format!(
        "{SECRET}\n\" RATE_LIMIT 3 30 1799999990 1799999999\n\" WINDOW_SIZE 17\n\" DISALLOW_REUSE 59999996 59999998 59999997\n\
         \" TOTP_AUTH\n\" TIME_SKEW -2\n\" LAST0 203.0.113.7 1799999999\n12345678\n87654321\n"
    );
    let read = taken(&text).unwrap();
    assert_eq!(read.scratch_codes.len(), 2);
    assert_eq!(
        read.not_kept,
        [NotKept::Window { theirs: 17, ours: 3 }, NotKept::RateLimit, NotKept::Grace],
        "{:?}",
        read.not_kept
    );
    let device = device(&text);
    assert_eq!((device.name.as_str(), device.algorithm, device.digits), ("phone", Algorithm::Sha1, Digits::SIX));
    assert_eq!(device.kind, Kind::Totp { period: Period::THIRTY, offset: -2 });
    assert_eq!(last_step(&device), Some(59_999_998), "the highest, wherever it stands");
    assert_eq!(device.secret.expose_base32().as_str(), SECRET);
}

#[test]
fn a_secret_is_decoded_as_the_module_does_it() {
    // 26 symbols, as Debian's program makes: 128 bits and two that fill no byte.
    for (first, bytes) in [
        ("JBSWY3DPEHPK3PXPJBSWY3DPEA", 16),
        ("JBSWY3DPEHPK3PXPJBSWY3DPEB", 16),
        ("jbsw y3dp-ehpk\t3pxp jbsw y3dp ehpk 3pxp\r", 20),
        ("O0L1B8AAAAAAAAAAAAAAAAAAAAAAAAAA", 20),
    ] {
        assert_eq!(device(&format!("{first}\n\" TOTP_AUTH\n")).secret.expose_bytes().len(), bytes, "{first}");
    }
    let alike = [b"01818001", b"OLBLBOOL"].map(|text| decoded(text).unwrap().to_vec());
    assert_eq!(alike[0], alike[1]);
    for first in ["", "JBSWY3DPEHPK3PXPJBSWY3DPEA======", "JBSWY3DPEHPK3PX9JBSWY3DPEHPK3PXP", "root:x:0:0::/:"] {
        assert_eq!(taken(&format!("{first}\n\" TOTP_AUTH\n")).err(), Some(Cause::NotBase32), "{first}");
    }
}

#[test]
fn a_short_secret_has_to_be_allowed_and_one_of_less_than_80_bits_is_none() {
    let text = "JBSWY3DPEHPK3PXP\n\" TOTP_AUTH\n";
    assert_eq!(taken(text).err(), Some(Cause::ShortSecret { bits: 80 }));
    assert!(read(text.as_bytes(), &terms(ShortSecrets::Allowed)).is_ok());
    let refused = read(b"JBSWY3DP\n\" TOTP_AUTH\n", &terms(ShortSecrets::Allowed)).err();
    assert_eq!(refused, Some(NotTaken::of(Cause::Secret(SecretError::TooShort))));
}

#[test]
fn the_next_counter_goes_on_without_a_gap_or_a_replay() {
    let device = device(&format!("{SECRET}\n\" HOTP_COUNTER 42\n\" WINDOW_SIZE 17\n"));
    assert_eq!(
        (device.kind, device.progress, device.name.as_str()),
        (Kind::Hotp, Progress::Hotp { next: 42 }, "token")
    );
    let kept = |size: u64| taken(&format!("{SECRET}\n\" HOTP_COUNTER 1\n\" WINDOW_SIZE {size}\n")).unwrap().not_kept;
    assert_eq!((kept(10), kept(11)), (vec![], vec![NotKept::LookAhead { theirs: 11, ours: 10 }]));
    // A counter of 0 is none to the module; then the time counts, if it is said.
    assert_eq!(taken(&format!("{SECRET}\n\" HOTP_COUNTER 0\n")).err(), Some(Cause::NoKind));
    assert!(matches!(
        super::tests::device(&format!("{SECRET}\n\" HOTP_COUNTER 0\n\" TOTP_AUTH\n")).kind,
        Kind::Totp { .. }
    ));
    assert_eq!(taken(&format!("{SECRET}\n")).err(), Some(Cause::NoKind));
}

#[test]
fn steps_of_15_to_60_seconds_go_on_and_shorter_ones_are_said() {
    for seconds in [15, 30, 60] {
        let kind = device(&format!("{SECRET}\n\" TOTP_AUTH\n\" STEP_SIZE {seconds}\n")).kind;
        assert_eq!(kind, Kind::Totp { period: Period::new(seconds).unwrap(), offset: 0 });
    }
    for seconds in [1, 14] {
        let cause = taken(&format!("{SECRET}\n\" TOTP_AUTH\n\" STEP_SIZE {seconds}\n")).err();
        assert_eq!(cause, Some(Cause::ShortStep { seconds }));
    }
}

#[test]
fn the_fork_s_digits_and_algorithm_are_kept() {
    let device = device(&format!("{SECRET}\n\" TOTP_AUTH\n\" DIGITS 8\n\" ALGORITHM SHA256\n"));
    assert_eq!((device.digits, device.algorithm), (Digits::EIGHT, Algorithm::Sha256));
}

#[test]
fn what_is_out_of_its_range_is_said_with_its_option_and_nothing_of_its_value() {
    for (option, name) in [
        ("STEP_SIZE 0", "STEP_SIZE"),
        ("STEP_SIZE 61", "STEP_SIZE"),
        ("STEP_SIZE 3x7", "STEP_SIZE"),
        ("TIME_SKEW abc", "TIME_SKEW"),
        ("HOTP_COUNTER -1", "HOTP_COUNTER"),
        ("HOTP_COUNTER 9223372036854775808", "HOTP_COUNTER"),
        ("DISALLOW_REUSE 1 two", "DISALLOW_REUSE"),
        ("DIGITS 9", "DIGITS"),
        ("ALGORITHM md5", "ALGORITHM"),
    ] {
        let cause = taken(&format!("{SECRET}\n\" {option}\n\" TOTP_AUTH\n")).err().unwrap();
        assert!(matches!(cause, Cause::Number { name: found, .. } if found == name), "{option}: {cause}");
    }
    assert_eq!(taken(&format!("{SECRET}\n\" TOTP_AUTH\n\" TIME_SKEW 2881\n")).err(), Some(Cause::Skew));
    assert!(taken(&format!("{SECRET}\n\" TOTP_AUTH\n\" TIME_SKEW -2880\n")).is_ok());
    let ahead = |step: u64| taken(&format!("{SECRET}\n\" TOTP_AUTH\n\" DISALLOW_REUSE {step}\n")).err();
    assert_eq!((ahead(60_000_200), ahead(60_000_201)), (None, Some(Cause::StepAhead)));
}

#[test]
fn the_first_of_two_options_counts_and_a_longer_name_is_another() {
    let device = device(&format!("{SECRET}\n\" TOTP_AUTH\r\n\" STEP_SIZE\t60\n\" STEP_SIZE 30\n\" STEP_SIZES 5\n"));
    assert_eq!(device.kind, Kind::Totp { period: Period::new(60).unwrap(), offset: 0 });
    // Without its blank it is no option.
    assert_eq!(taken(&format!("{SECRET}\n\"TOTP_AUTH\n")).err(), Some(Cause::NoKind));
}

#[test]
fn scratch_codes_end_at_the_first_line_that_is_none() {
    let codes = |lines: &str| {
        let read = taken(&format!("{SECRET}\n\" TOTP_AUTH\n{lines}")).unwrap();
        (read.scratch_codes.len(), read.not_kept)
    };
    assert_eq!(codes("12345678\n\n87654321\n\" DISALLOW_REUSE\n11111111"), (3, vec![]));
    assert_eq!(codes("  12345678\n12345678\n"), (1, vec![]));
    for other in ["1234567", "123456789", "02345678", "12345678 ", "+1234567", "abc", " "] {
        let expected = (1, vec![NotKept::UnreadLines { count: 2 }]);
        assert_eq!(codes(&format!("12345678\n{other}\n87654321\n")), expected, "{other:?}");
    }
    let twelve: String = (10_000_000..10_000_012).map(|code| format!("{code}\n")).collect();
    assert_eq!(codes(&twelve), (10, vec![NotKept::ScratchCodesBeyond { count: 2 }]));
}

#[test]
fn what_is_not_kept_is_said_and_what_nobody_knows_is_counted_and_not_shown() {
    let text =
        format!("{SECRET}\n\" TOTP_AUTH\n\" RESETTING_TIME_SKEW 1+2\n\" JBSWY3DP 4\n\" LAST10 x\n\" LAST9 y 1\n");
    let read = taken(&text).unwrap();
    assert_eq!(read.not_kept, [NotKept::LearnedSkew, NotKept::Grace, NotKept::UnknownOptions { count: 2 }]);
    assert!(read.not_kept.iter().all(|note| !note.to_string().contains("JBSWY3DP")));
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes: Vec<u8>, text in "[A-Z2-7]{26}\n(\" [A-Z_]{1,12} [0-9 -]{0,12}\n){0,4}([0-9]{7,9}\n){0,3}") {
        for bytes in [bytes.as_slice(), text.as_bytes()] {
            if let Ok(read) = read(bytes, &terms(ShortSecrets::Allowed)) {
                prop_assert!(read.devices.len() == 1 && read.scratch_codes.len() <= 10);
            }
        }
    }
}
