// SPDX-License-Identifier: MIT OR Apache-2.0
//! A ledger slot: its head as it lies in a block, and the ledger that is sealed behind it.

use nightlatch::fuzzing::{find_slot, read_ledger, write_ledger, write_slot};

use crate::second_reader::{LEDGER, canonical};

const BLOCK: usize = 4096;
const HEAD: usize = 24;
const SEAL: usize = 40;

/// The first byte chooses: the ledger's bytes, or a block of the file.
///
/// # Panics
///
/// Where a promise is broken.
pub fn try_input(input: &[u8]) {
    match input.split_first() {
        None => {}
        Some((0, ledger)) => try_ledger(ledger),
        Some((choice, block)) => try_block(usize::from(choice % 4), block),
    }
}

fn try_ledger(bytes: &[u8]) {
    let read = read_ledger(bytes);
    let expected = canonical(&LEDGER, bytes);
    assert_eq!(read.is_some(), expected.is_some(), "one reader takes it, the other does not");
    let (Some(ledger), Some(expected)) = (read, expected) else { return };
    match write_ledger(&ledger) {
        Some(written) => {
            assert_eq!(written, expected, "a value was read that does not stand there");
            assert!(read_ledger(&written) == Some(ledger), "what was written reads back");
        }
        None => assert!(expected.len() > BLOCK - HEAD - SEAL, "what fits is written"),
    }
}

/// A file of three blocks, cut where the input ends if it has more than one block's bytes less one.
fn try_block(place: usize, input: &[u8]) {
    let (head, body) = input.split_at_checked(18).unwrap_or((input, &[]));
    let mut file = vec![0xa5; place * BLOCK];
    file.extend_from_slice(head);
    file.extend_from_slice(&[0; 6]);
    file.extend_from_slice(body);
    let is_whole = file.len() <= (place + 1) * BLOCK && head.len() == 18;
    if is_whole {
        file.resize(3.max(place + 1) * BLOCK, 0);
    }
    let found = find_slot(&file, place);
    let expected = read_by_the_format(&file, place);
    assert_eq!(found, expected, "head");
    for length in [place * BLOCK, place * BLOCK + 1, place * BLOCK + HEAD, (place + 1) * BLOCK - 1] {
        let cut = &file[..length.min(file.len())];
        assert_eq!(find_slot(cut, place), None, "a slot of a file that ends too early");
    }
    let Some((sequence, sealed)) = found else { return };
    let written = write_slot(sequence, sealed).expect("what lay in a block fits one");
    assert_eq!(written[..], file[place * BLOCK..][..written.len()], "reads back");
    for bit in 0..128 {
        let mut rotten = file.clone();
        rotten[place * BLOCK + bit / 8] ^= 1 << (bit % 8);
        assert_eq!(find_slot(&rotten, place), None, "a rotten bit of a sequence");
    }
}

fn read_by_the_format(file: &[u8], place: usize) -> Option<(u64, &[u8])> {
    if place != 1 && place != 2 {
        return None;
    }
    let number = |from: usize, bytes: usize| {
        let bytes = file.get(place * BLOCK + from..place * BLOCK + from + bytes)?;
        Some(bytes.iter().rev().fold(0_u64, |number, byte| number << 8 | u64::from(*byte)))
    };
    file.get((place + 1) * BLOCK - 1)?;
    let (sequence, complement, length) = (number(0, 8)?, number(8, 8)?, number(16, 2)? as usize);
    if sequence ^ complement != u64::MAX || length > BLOCK - HEAD {
        return None;
    }
    Some((sequence, &file[place * BLOCK + HEAD..][..length]))
}
