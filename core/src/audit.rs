// SPDX-License-Identifier: MIT OR Apache-2.0
//! One event, one line: words and `key=value` pairs, escaped, so that no name or address can forge or break a line.
//! Takes no code and no secret.

use std::fmt::{self, Write as _};

/// A line for the log, safe to hand to syslog and to a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogLine(String);

impl LogLine {
    /// Begins a line with what happened.
    #[must_use]
    pub fn new(outcome: &'static str) -> Self {
        Self(outcome.to_owned())
    }

    /// Adds `key=value`; the value is quoted and escaped where it is more than a plain word.
    #[must_use]
    pub fn with(self, key: &'static str, value: impl fmt::Display) -> Self {
        self.with_text(key, &value.to_string())
    }

    /// Once for all kinds of values: compiled for each of them, it made the module 5 KB larger.
    fn with_text(mut self, key: &'static str, value: &str) -> Self {
        self.0.push(' ');
        self.0.push_str(key);
        self.0.push('=');
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-/:@%+".contains(c);
        if !value.is_empty() && value.chars().all(plain) {
            self.0.push_str(value);
        } else {
            self.0.push('"');
            escape_into(&mut self.0, value);
            self.0.push('"');
        }
        self
    }

    /// Adds `key=value` where there is a value.
    #[must_use]
    pub fn with_some(self, key: &'static str, value: Option<impl fmt::Display>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    /// The line.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Control characters, quotes, backslashes, and what terminals or readers take for something else (bidi marks, line
/// separators) become `\u{..}` (THREATS V51).
fn escape_into(line: &mut String, value: &str) {
    for character in value.chars().take(512) {
        match character {
            '"' | '\\' => {
                line.push('\\');
                line.push(character);
            }
            c if c.is_control() || is_invisible(c) => {
                // Writing to a String cannot fail; if it ever did, the character would be left out.
                let _: fmt::Result = write!(line, "\\u{{{:x}}}", u32::from(c));
            }
            c => line.push(c),
        }
    }
}

fn is_invisible(character: char) -> bool {
    matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
}

/// Text for a terminal or a message: escaped as in the log, without quotes.
#[must_use]
pub fn escaped(text: &str) -> String {
    let mut line = String::new();
    escape_into(&mut line, text);
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_value_can_forge_a_line_or_a_field() {
        let line = LogLine::new("refused")
            .with("user", "x\nsshd[1]: accepted user=root")
            .with("source", "a\" outcome=\"accepted")
            .with("tty", "\u{1b}[2J\u{202e}\u{2028}")
            .with("empty", "");
        assert_eq!(
            line.as_str(),
            r#"refused user="x\u{a}sshd[1]: accepted user=root" source="a\" outcome=\"accepted" tty="\u{1b}[2J\u{202e}\u{2028}" empty="""#
        );
    }

    #[test]
    fn plain_words_stand_as_they_are() {
        assert_eq!(
            LogLine::new("accepted").with("user", "alice").with("source", "2001:db8::1").as_str(),
            "accepted user=alice source=2001:db8::1"
        );
    }

    #[test]
    fn a_value_is_cut_where_it_would_flood_the_log() {
        assert!(LogLine::new("x").with("user", "é".repeat(5000)).as_str().len() < 1100);
    }
}
