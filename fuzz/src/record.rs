// SPDX-License-Identifier: MIT OR Apache-2.0
//! Bytes of a record: read exactly where the format says that they are one, to exactly the values that stand there.

use nightlatch::fuzzing::{read_record, write_record};

use crate::second_reader::{RECORD, canonical};

/// What fits a file: a block less header, nonce and tag (docs/FORMAT.md).
const ROOM: usize = 4096 - 512 - 40;

/// # Panics
///
/// Where a promise is broken.
pub fn try_input(input: &[u8]) {
    let read = read_record(input);
    let expected = canonical(&RECORD, input);
    assert_eq!(read.is_some(), expected.is_some(), "one reader takes it, the other does not");
    let (Some(record), Some(expected)) = (read, expected) else { return };
    match write_record(&record) {
        Some(written) => {
            assert_eq!(*written, expected, "a value was read that does not stand there");
            let again = read_record(&written).expect("what was written is read");
            assert_eq!(*write_record(&again).expect("and written again"), expected);
        }
        None => assert!(expected.len() > ROOM, "what fits is written"),
    }
}
