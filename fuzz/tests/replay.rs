// SPDX-License-Identifier: MIT OR Apache-2.0
//! Every input of the corpus, and whatever a fuzzer found, once through its target: on a plain toolchain, in seconds.

use std::fs;
use std::path::Path;

/// In the corpus and among what was found and is mended.
fn replay(target: &str, try_input: impl Fn(&[u8])) {
    let mut inputs = 0;
    for kind in ["corpus", "found"] {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join(kind).join(target);
        let Ok(entries) = fs::read_dir(directory) else { continue };
        for entry in entries {
            let path = entry.expect("an entry").path();
            eprintln!("{}", path.display());
            let input = fs::read(&path).expect("an input");
            try_input(&input);
            // What is refused leaves nothing in a corpus: a real input with a byte wrong finds the check that is gone.
            if target != "login" && input.len() <= 256 {
                for place in 0..input.len() {
                    for wrong in [0, 0xff, input[place] ^ 1, input[place].wrapping_add(1)] {
                        let mut changed = input.clone();
                        changed[place] = wrong;
                        try_input(&changed);
                    }
                }
            }
            inputs += 1;
        }
    }
    assert!(inputs >= 5, "{target}: {inputs} inputs");
    // What no corpus has to hold.
    try_input(b"");
    for byte in 0..=u8::MAX {
        try_input(&[byte]);
        try_input(&[byte; 25]);
    }
}

macro_rules! replays {
    ($($test:ident: $target:ident,)*) => {
        $(#[test]
        fn $test() {
            replay(stringify!($target), nightlatch_fuzz::$target::try_input);
        })*

        #[test]
        fn every_target_is_replayed() {
            let targets = fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz_targets")).expect("targets");
            let mut targets: Vec<_> = targets.map(|entry| entry.expect("an entry").path()).collect();
            targets.retain(|path| ![$(stringify!($target)),*].contains(&path.file_stem().unwrap().to_str().unwrap()));
            assert!(targets.is_empty(), "{targets:?}");
        }
    };
}

replays! {
    no_config_says_what_is_out_of_bounds: config,
    a_record_is_read_as_the_format_says: record,
    a_slot_is_read_as_the_format_says: slot,
    a_reply_is_read_as_a_person_meant_it: typed_code,
    a_secret_has_one_reading: base32,
    what_another_program_wrote_is_read_as_it_stands: imports,
    no_word_of_a_line_is_passed_over: arguments,
    no_sequence_of_logins_and_faults_breaks_a_promise: login,
}
