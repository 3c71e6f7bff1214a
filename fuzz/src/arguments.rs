// SPDX-License-Identifier: MIT OR Apache-2.0
//! The words behind the module in a service file: ten are known, and whatever else stands there is an error.

use std::ffi::{CStr, CString};
use std::path::Path;

use pam_nightlatch::fuzzing::{Reading, read_arguments};

/// Words end with a NUL.
///
/// # Panics
///
/// Where a promise is broken.
pub fn try_input(input: &[u8]) {
    let words: Vec<CString> = input.split(|byte| *byte == 0).map(|word| CString::new(word).expect("no NUL")).collect();
    let words: Vec<&CStr> = words.iter().map(CString::as_c_str).collect();
    let (read, expected) = (read_arguments(&words), expected(&words));
    assert_eq!(read.as_ref().ok(), expected.as_ref());
    if let Err(text) = read {
        assert!(!text.is_empty());
        for word in words.iter().filter_map(|word| word.to_str().ok()).filter(|word| !is_known(word)) {
            // A second `config=` is named as that.
            let named = if word.starts_with("config=") { "config=" } else { word };
            assert!(text.contains(named), "{word:?} is wrong, and not named");
        }
    }
    // One wrong word more, and nothing of the line counts, wherever it stands.
    for place in 0..=words.len() {
        let mut wrong = words.clone();
        wrong.insert(place, c"nulok");
        assert!(read_arguments(&wrong).is_err());
    }
    // The order of the words says nothing.
    let turned: Vec<&CStr> = words.iter().rev().copied().collect();
    assert_eq!(read_arguments(&turned).ok(), expected);
}

const TEXTS: [&str; 3] = ["use_first_pass", "try_first_pass", "forward_pass"];

fn is_known(word: &str) -> bool {
    ["nullok", "require_key", "enroll", "refused", "debug", "code_first"].contains(&word)
        || TEXTS.contains(&word)
        || word.starts_with("config=/")
}

fn expected(words: &[&CStr]) -> Option<Reading> {
    let words: Vec<&str> = words.iter().map(|word| word.to_str().ok()).collect::<Option<_>>()?;
    let configs: Vec<&str> = words.iter().filter_map(|word| word.strip_prefix("config=")).collect();
    let says = |known| words.contains(&known);
    let texts: Vec<&'static str> = TEXTS.into_iter().filter(|text| says(*text)).collect();
    let one_text = texts.len() == 1 || texts.is_empty() && !says("code_first");
    let says_whom_to_ask = ["nullok", "require_key", "enroll"].into_iter().any(says) || !texts.is_empty();
    let fits = one_text && !(says("refused") && says_whom_to_ask);
    (words.iter().all(|word| is_known(word)) && configs.len() <= 1 && fits).then(|| Reading {
        config: configs.first().map(|path| Path::new(path).to_owned()),
        nullok: says("nullok"),
        require_key: says("require_key"),
        with_password: texts.first().copied(),
        code_first: says("code_first"),
        enroll: says("enroll"),
        refused: says("refused"),
        debug: says("debug"),
    })
}
