// SPDX-License-Identifier: MIT OR Apache-2.0
//! Records written, read back, cut short and changed.

use super::*;
use crate::random::SystemRandom;

pub(crate) fn a_device(id: u8, kind: Kind) -> Device {
    Device {
        id: DeviceId(id),
        name: DeviceName::parse("phone").unwrap(),
        kind,
        algorithm: Algorithm::Sha1,
        digits: Digits::SIX,
        secret: SharedSecret::generate(Algorithm::Sha1, &SystemRandom).unwrap(),
        added_at: UnixTime(1_700_000_000),
    }
}

pub(crate) fn a_record(devices: Vec<Device>) -> Record {
    Record {
        enrolled_at: UnixTime(1_700_000_000),
        changed_at: UnixTime(1_700_000_000),
        next_device: 8,
        devices,
        backup: BackupCodes {
            made_at: UnixTime(0),
            spelling: Spelling::Symbols,
            cost: HashCost::DEFAULT,
            codes: Vec::new(),
        },
        bypass: None,
        waiver: None,
        invited_until: None,
    }
}

fn the_largest_record() -> Record {
    let devices = (0..8).map(|id| Device {
        name: DeviceName::parse(&"\u{10348}".repeat(32)).unwrap(),
        algorithm: Algorithm::Sha512,
        digits: Digits::new(8).unwrap(),
        secret: SharedSecret::from_bytes(&[7; SharedSecret::MAX_BYTES]).unwrap(),
        added_at: UnixTime(u64::MAX),
        ..a_device(id, Kind::Totp { period: Period::new(120).unwrap(), offset: i32::MIN })
    });
    let hash = BackupHash { salt: [1; 16], hash: [2; 32] };
    let cost = HashCost { memory_kib: 65_536, passes: 16 };
    Record {
        enrolled_at: UnixTime(u64::MAX),
        changed_at: UnixTime(u64::MAX),
        next_device: 255,
        devices: devices.collect(),
        backup: BackupCodes { made_at: UnixTime(u64::MAX), spelling: Spelling::Symbols, cost, codes: vec![hash; 20] },
        bypass: Some(Bypass { hash, cost, made_at: UnixTime(u64::MAX), until: UnixTime(u64::MAX), uses: u16::MAX }),
        waiver: Some(Waiver { until: UnixTime(u64::MAX), reason: "x".repeat(200) }),
        invited_until: Some(UnixTime(u64::MAX)),
    }
}

#[test]
fn the_largest_record_fits_its_place_and_reads_back() {
    let bytes = the_largest_record().to_bytes().unwrap();
    let read = Record::from_bytes(&bytes).unwrap();
    assert_eq!(read.devices.len(), 8);
    assert_eq!(*read.to_bytes().unwrap(), *bytes);
}

#[test]
fn a_record_cut_short_or_continued_is_no_record() {
    let bytes = the_largest_record().to_bytes().unwrap();
    for length in 0..bytes.len() {
        assert_eq!(Record::from_bytes(&bytes[..length]).err(), Some(NotARecord));
    }
    let longer = [bytes.as_slice(), &[0]].concat();
    assert_eq!(Record::from_bytes(&longer).err(), Some(NotARecord));
}

#[test]
fn steps_last_15_to_120_seconds_and_codes_have_6_to_8_digits() {
    let periods: Vec<_> = (0..=1000).filter(|seconds| Period::new(*seconds).is_some()).collect();
    assert_eq!(periods, (15..=120).collect::<Vec<_>>());
    let digits: Vec<_> = (0..=u8::MAX).filter(|digits| Digits::new(*digits).is_some()).collect();
    assert_eq!(digits, [6, 7, 8]);
}

#[test]
fn numbers_out_of_their_range_are_no_record() {
    let mut record = the_largest_record();
    record.backup.cost.memory_kib = u32::MAX;
    assert!(Record::from_bytes(&record.to_bytes().unwrap()).is_err());
    let mut record = the_largest_record();
    record.next_device = 3;
    assert!(Record::from_bytes(&record.to_bytes().unwrap()).is_err());
    let mut bytes = a_record(Vec::new()).to_bytes().unwrap();
    for version in [0, 3, u8::MAX] {
        bytes[0] = version;
        assert!(Record::from_bytes(&bytes).is_err());
    }
}

#[test]
fn a_device_goes_by_a_name_of_1_to_32_characters() {
    for refused in ["", " phone", "phone ", "a\tb", &"x".repeat(33)] {
        assert_eq!(DeviceName::parse(refused), Err(NotADeviceName), "{refused:?}");
    }
    for taken in ["a", "Ann's phone", &"ü".repeat(32)] {
        let name = DeviceName::parse(taken).unwrap();
        assert_eq!((name.as_str(), name.to_string().as_str()), (taken, taken));
    }
}

#[test]
fn a_device_or_a_backup_code_too_many_is_no_record() {
    let reads = |record: &Record| Record::from_bytes(&record.to_bytes().unwrap()).is_ok();
    let mut record = the_largest_record();
    // Without what else is in the largest, so that it fits.
    (record.waiver, record.next_device) = (None, u8::MAX);
    assert!(reads(&record));
    record.devices.push(a_device(200, Kind::Hotp));
    assert!(!reads(&record));
    let mut record = a_record(Vec::new());
    record.backup = the_largest_record().backup;
    assert!(reads(&record));
    record.backup.codes.extend(the_largest_record().backup.codes.pop());
    assert!(!reads(&record));
}

/// So that older modules go on reading the files of whoever has nothing that they do not know.
#[test]
fn only_a_record_with_inherited_codes_is_of_the_second_version() {
    let mut record = the_largest_record();
    assert_eq!((record.version(), record.to_bytes().unwrap()[0]), (Version::First, 1));
    record.backup.spelling = Spelling::EightDigits;
    record.backup.codes.truncate(10);
    let bytes = record.to_bytes().unwrap();
    assert_eq!((record.version(), bytes[0]), (Version::InheritedCodes, 2));
    let read = Record::from_bytes(&bytes).unwrap();
    assert_eq!((read.backup.spelling, read.backup.codes.len()), (Spelling::EightDigits, 10));
    assert_eq!(*read.to_bytes().unwrap(), *bytes);
}

#[test]
fn a_record_of_the_second_version_has_one_to_ten_inherited_codes() {
    for (count, reads) in [(0, false), (1, true), (10, true), (11, false), (20, false)] {
        let mut record = the_largest_record();
        record.backup.spelling = Spelling::EightDigits;
        record.backup.codes.truncate(count);
        assert_eq!(Record::from_bytes(&record.to_bytes().unwrap()).is_ok(), reads, "{count}");
    }
}
