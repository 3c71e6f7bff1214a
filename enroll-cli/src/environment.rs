// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the environment says of the terminal; nothing else is ever read from it, and no secret.

use std::ffi::OsString;

/// Whether the locale's characters are UTF-8, so that half blocks can be drawn.
pub(crate) fn is_utf8() -> bool {
    names_utf8(["LC_ALL", "LC_CTYPE", "LANG"].map(variable))
}

/// Whether the terminal knows cursor addressing and the alternate screen.
pub(crate) fn has_screen() -> bool {
    variable("TERM").is_some_and(|term| term != "dumb")
}

#[allow(
    clippy::disallowed_methods,
    reason = "a program at a terminal may ask what terminal that is; the module may not"
)]
fn variable(name: &str) -> Option<OsString> {
    std::env::var_os(name).filter(|value| !value.is_empty())
}

/// The first of them that is set decides (setlocale(3)).
fn names_utf8(variables: [Option<OsString>; 3]) -> bool {
    variables.into_iter().flatten().next().is_some_and(|locale| {
        let locale = locale.to_string_lossy().to_ascii_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_variable_that_is_set_decides_the_locale() {
        let is_utf8 = |all: &[&str; 3]| names_utf8(all.map(|text| (!text.is_empty()).then(|| OsString::from(text))));
        assert!(is_utf8(&["", "", "C.UTF-8"]));
        assert!(is_utf8(&["en_US.utf8", "C", "C"]));
        assert!(!is_utf8(&["C", "en_US.UTF-8", "en_US.UTF-8"]));
        assert!(!is_utf8(&["", "", ""]));
    }
}
