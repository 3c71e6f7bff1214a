// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a person sees while enrolling, laid out for a screen of a given size: QR code, secret, settings, prompt. Pure:
//! sizes and texts in, drawings out. Every row is addressed, so that nothing scrolls into the scrollback.

use std::fmt::Write as _;

use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::terminal::Size;
use nightlatch::qr::{Drawing, QUIET_ZONES, Symbol};

/// The texts of an enrollment.
pub(crate) struct Sheet {
    pub(crate) heading: String,
    /// Base32.
    pub(crate) secret: Zeroizing<String>,
    pub(crate) settings: Vec<(&'static str, String)>,
    pub(crate) warnings: Vec<String>,
}

/// One screenful.
pub(crate) struct Leaf {
    pub(crate) drawing: Zeroizing<String>,
    pub(crate) prompt: Place,
}

/// Where the person is asked: these rows, from this column on to the right edge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    row: usize,
    column: usize,
    width: usize,
    rows: usize,
}

/// Why the person is asked again.
pub(crate) struct Correction {
    pub(crate) sentence: String,
    /// For a screen with one row left.
    pub(crate) short: &'static str,
}

/// A sentence of correction and the prompt, at the narrowest.
const PROMPT_ROWS: usize = 4;
const NARROWEST_TEXT: usize = 30;
const WIDEST_TEXT: usize = 72;
const GAP: usize = 2;
/// Groups of four on a line; more of them make people lose their place.
const GROUPS_ON_A_LINE: usize = 4;
/// More than any drawing: a buffer that grows leaves the secret behind in freed memory.
const ROOM: usize = 256 * 1024;

/// Lays a sheet out: on one leaf where it fits, else the text before the QR code, else the text alone. The last leaf is
/// the one with the prompt for the code.
pub(crate) fn lay_out(sheet: &Sheet, symbol: Option<(&Symbol, Drawing)>, size: Size) -> Result<Vec<Leaf>, Failure> {
    let (rows, columns) = (usize::from(size.rows), usize::from(size.columns));
    let Some((symbol, drawing)) = symbol else {
        return Ok(vec![text_alone(sheet, "Type this secret into the app:", None, rows, columns)?]);
    };
    let one = QUIET_ZONES.iter().find_map(|quiet| one_leaf(sheet, symbol, drawing, *quiet, rows, columns));
    if let Some(leaf) = one {
        return Ok(vec![leaf]);
    }
    if let Some(picture) = QUIET_ZONES.iter().find_map(|quiet| picture_alone(symbol, drawing, *quiet, rows, columns)) {
        let text = text_alone(sheet, "Type this secret into the app, or scan the QR code:", None, rows, columns)?;
        return Ok(vec![text, picture]);
    }
    let (high, wide) = symbol.extent(drawing, 1);
    let mut note = format!("This terminal is too small for the QR code: {wide}x{} are needed.", high.saturating_add(1));
    if drawing == Drawing::Ansi {
        note.push_str(" With a UTF-8 locale or --qr utf8 it is half as large.");
    }
    Ok(vec![text_alone(sheet, "Type this secret into the app:", Some(&note), rows, columns)?])
}

fn one_leaf(
    sheet: &Sheet,
    symbol: &Symbol,
    drawing: Drawing,
    quiet: usize,
    rows: usize,
    columns: usize,
) -> Option<Leaf> {
    let introduction = "Scan the QR code with the app, or type this secret into it:";
    let (high, wide) = symbol.extent(drawing, quiet);
    let beside = columns.saturating_sub(wide).saturating_sub(GAP).min(WIDEST_TEXT);
    if beside >= NARROWEST_TEXT && high <= rows {
        let text = sheet.text(introduction, None, beside);
        let column = wide.saturating_add(GAP).saturating_add(1);
        if let Some(prompt) = place_below(text.len(), column, beside, rows) {
            let mut drawn = room();
            put(&mut drawn, &symbol.draw(drawing, quiet), 1, 1);
            put(&mut drawn, &text, 1, column);
            return Some(Leaf { drawing: drawn, prompt });
        }
    }
    let width = columns.min(WIDEST_TEXT);
    let text = sheet.text(introduction, None, width);
    let picture_row = text.len().saturating_add(2);
    let prompt = place_below(picture_row.saturating_add(high).saturating_sub(1), 1, width, rows)?;
    (wide <= columns).then(|| {
        let mut drawn = room();
        put(&mut drawn, &text, 1, 1);
        put(&mut drawn, &symbol.draw(drawing, quiet), picture_row, 1);
        Leaf { drawing: drawn, prompt }
    })
}

fn picture_alone(symbol: &Symbol, drawing: Drawing, quiet: usize, rows: usize, columns: usize) -> Option<Leaf> {
    let (high, wide) = symbol.extent(drawing, quiet);
    let left = rows.checked_sub(high).filter(|left| *left > 0)?;
    (wide <= columns).then(|| {
        let mut drawn = room();
        put(&mut drawn, &symbol.draw(drawing, quiet), 1, 1);
        let prompt = Place { row: high.saturating_add(1), column: 1, width: columns.min(WIDEST_TEXT), rows: left };
        Leaf { drawing: drawn, prompt }
    })
}

/// All of the text, or the secret and why there is no more, or the secret; less could not be read.
fn text_alone(
    sheet: &Sheet,
    introduction: &str,
    note: Option<&str>,
    rows: usize,
    columns: usize,
) -> Result<Leaf, Failure> {
    let width = columns.min(WIDEST_TEXT);
    let leaf = |text: Vec<Zeroizing<String>>| {
        let prompt = place_below(text.len(), 1, width, rows)?;
        let mut drawn = room();
        put(&mut drawn, &text, 1, 1);
        Some(Leaf { drawing: drawn, prompt })
    };
    let mut secret_and_note = sheet.groups(width);
    secret_and_note.extend(note.into_iter().flat_map(|note| wrapped(note, width)).map(Zeroizing::new));
    leaf(sheet.text(introduction, note, width))
        .or_else(|| leaf(secret_and_note))
        .or_else(|| leaf(sheet.groups(width)))
        .filter(|_| width >= NARROWEST_TEXT)
        .ok_or(Failure::TerminalTooSmall)
}

/// The rows under so many, a free one between, if a sentence and the prompt fit into them.
fn place_below(used: usize, column: usize, width: usize, rows: usize) -> Option<Place> {
    let row = used.saturating_add(2);
    let left = rows.saturating_add(1).checked_sub(row)?;
    (left >= PROMPT_ROWS).then_some(Place { row, column, width, rows: left })
}

impl Sheet {
    /// All of it as lines.
    pub(crate) fn text(&self, introduction: &str, note: Option<&str>, width: usize) -> Vec<Zeroizing<String>> {
        let mut lines = Vec::new();
        let mut paragraph = |text: &str| {
            lines.extend(wrapped(text, width).into_iter().map(Zeroizing::new));
        };
        paragraph(&self.heading);
        paragraph("");
        paragraph(introduction);
        paragraph("");
        lines.extend(self.groups(width));
        lines.push(Zeroizing::default());
        let longest = self.settings.iter().map(|(name, _)| name.len()).max().unwrap_or_default();
        for (name, value) in &self.settings {
            let indent = longest.saturating_add(2);
            for (index, part) in wrapped(value, width.saturating_sub(indent)).into_iter().enumerate() {
                let name = if index == 0 { name } else { "" };
                lines.push(Zeroizing::new(format!("{name:<indent$}{part}")));
            }
        }
        for text in self.warnings.iter().map(String::as_str).chain(note) {
            lines.push(Zeroizing::default());
            lines.extend(wrapped(text, width).into_iter().map(Zeroizing::new));
        }
        lines
    }

    /// The secret for typing: groups of four.
    pub(crate) fn groups(&self, width: usize) -> Vec<Zeroizing<String>> {
        let on_a_line = width.saturating_add(1).div_euclid(5).clamp(1, GROUPS_ON_A_LINE);
        let symbols: Zeroizing<Vec<char>> = Zeroizing::new(self.secret.chars().collect());
        symbols
            .chunks(on_a_line.saturating_mul(4))
            .map(|chunk| {
                let mut line = Zeroizing::new(String::with_capacity(64));
                for (index, group) in chunk.chunks(4).enumerate() {
                    if index > 0 {
                        line.push(' ');
                    }
                    line.extend(group);
                }
                line
            })
            .collect()
    }
}

impl Place {
    /// Clears the place, says why the person is asked again, and asks; the cursor stands behind the question.
    pub(crate) fn ask(&self, correction: Option<&Correction>, question: &str) -> String {
        let mut drawn = String::new();
        let last = self.row.saturating_add(self.rows);
        for row in self.row..last {
            // Writing to a string cannot fail.
            let _: std::fmt::Result = write!(drawn, "\x1b[{row};{}H\x1b[K", self.column);
        }
        let mut lines = correction.map(|correction| wrapped(&correction.sentence, self.width)).unwrap_or_default();
        let question = match correction {
            Some(correction) if lines.len() >= self.rows => {
                lines.clear();
                format!("{} {question}", correction.short)
            }
            Some(_) | None => question.to_owned(),
        };
        for (row, line) in (self.row..).zip(lines.iter().chain([&question])) {
            let _: std::fmt::Result = write!(drawn, "\x1b[{row};{}H{line}", self.column);
        }
        drawn
    }
}

fn room() -> Zeroizing<String> {
    Zeroizing::new(String::with_capacity(ROOM))
}

fn put(drawn: &mut String, lines: &[Zeroizing<String>], first_row: usize, column: usize) {
    for (row, line) in (first_row..).zip(lines) {
        let _: std::fmt::Result = write!(drawn, "\x1b[{row};{column}H{}", line.as_str());
    }
}

/// Lines of at most so many characters, broken at spaces, and within a word only where it is longer than a line.
pub(crate) fn wrapped(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let (mut lines, mut line, mut used) = (Vec::new(), String::new(), 0_usize);
    for word in text.split(' ') {
        let mut rest: Vec<char> = word.chars().collect();
        if used > 0 && used.saturating_add(1).saturating_add(rest.len()) > width {
            lines.push(std::mem::take(&mut line));
            used = 0;
        }
        while rest.len() > width {
            let beyond = rest.split_off(width);
            lines.push(rest.into_iter().collect());
            rest = beyond;
        }
        if used > 0 {
            line.push(' ');
        }
        line.extend(rest);
        used = line.chars().count();
    }
    lines.push(line);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet(warnings: usize) -> Sheet {
        Sheet {
            heading: "Enrolling alice (uid 1000)".to_owned(),
            secret: Zeroizing::new("JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP".to_owned()),
            settings: vec![
                ("Issuer", "host.example".to_owned()),
                ("Digits", "6".to_owned()),
                ("Period", "30 seconds".to_owned()),
            ],
            warnings: vec![
                "Some apps do not know this and show codes that are wrong, without saying so.".to_owned();
                warnings
            ],
        }
    }

    fn symbol() -> Symbol {
        Symbol::of("otpauth://totp/host.example:alice?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP&issuer=host.example&algorithm=SHA1&digits=6&period=30")
            .unwrap()
    }

    fn leaves(warnings: usize, drawing: Drawing, rows: u16, columns: u16) -> Vec<Leaf> {
        lay_out(&sheet(warnings), Some((&symbol(), drawing)), Size { rows, columns }).unwrap()
    }

    #[test]
    fn a_usual_terminal_shows_everything_on_one_leaf() {
        let leaves = leaves(0, Drawing::Utf8, 24, 80);
        let [leaf] = leaves.as_slice() else { panic!("{} leaves", leaves.len()) };
        assert!(leaf.drawing.contains("JBSW Y3DP EHPK 3PXP") && leaf.drawing.contains('\u{2588}'));
        assert!(leaf.prompt.row + leaf.prompt.rows <= 25 && leaf.prompt.width >= NARROWEST_TEXT);
    }

    #[test]
    fn what_does_not_fit_together_comes_one_after_the_other() {
        let leaves = leaves(0, Drawing::Utf8, 25, 50);
        let [text, picture] = leaves.as_slice() else { panic!("{} leaves", leaves.len()) };
        assert!(text.drawing.contains("JBSW") && !text.drawing.contains('\u{2588}'));
        assert!(!picture.drawing.contains("JBSW") && picture.drawing.contains('\u{2588}'));
    }

    #[test]
    fn a_screen_too_small_for_the_code_says_so_and_shows_the_secret() {
        let leaves = leaves(0, Drawing::Ansi, 24, 80);
        let [leaf] = leaves.as_slice() else { panic!("{} leaves", leaves.len()) };
        assert!(leaf.drawing.contains("too small") && leaf.drawing.contains("JBSW Y3DP"));
        let low = self::leaves(0, Drawing::Ansi, 12, 80).remove(0);
        assert!(low.drawing.contains("too small") && low.drawing.contains("JBSW Y3DP"));
        assert!(matches!(lay_out(&sheet(0), None, Size { rows: 3, columns: 10 }), Err(Failure::TerminalTooSmall)));
    }

    #[test]
    fn the_largest_quiet_zone_that_fits_is_taken() {
        let symbol = symbol();
        for (rows, expected) in
            [(40, 4), (symbol.extent(Drawing::Utf8, 2).0, 2), (symbol.extent(Drawing::Utf8, 1).0, 1)]
        {
            let leaf = leaves(0, Drawing::Utf8, u16::try_from(rows).unwrap(), 100).remove(0);
            let first = symbol.draw(Drawing::Utf8, expected).remove(0);
            assert!(leaf.drawing.contains(first.as_str()), "{rows} rows");
        }
    }

    #[test]
    fn no_row_or_column_lies_beyond_the_screen() {
        for (rows, columns) in [(24, 80), (25, 50), (30, 60), (50, 132), (60, 60), (24, 40)] {
            for warnings in 0..3 {
                for leaf in leaves(warnings, Drawing::Utf8, rows, columns) {
                    let mut parser = vt100::Parser::new(200, 300, 0);
                    parser.process(leaf.drawing.as_bytes());
                    parser.process(leaf.prompt.ask(None, "Code from the app: ").as_bytes());
                    for (row, line) in parser.screen().rows(0, 300).enumerate() {
                        let end = line.trim_end().chars().count();
                        assert!(end == 0 || row < usize::from(rows), "{rows}x{columns}: row {row}");
                        assert!(end <= usize::from(columns), "{rows}x{columns}: row {row} has {end}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_correction_that_has_no_room_is_said_in_short() {
        let correction = Correction { sentence: "That code was not right.".to_owned(), short: "Not right." };
        let one_row = Place { row: 24, column: 1, width: 72, rows: 1 };
        assert!(one_row.ask(Some(&correction), "Code: ").ends_with("\x1b[24;1HNot right. Code: "));
        let two_rows = Place { row: 23, column: 1, width: 72, rows: 2 };
        assert!(
            two_rows.ask(Some(&correction), "Code: ").ends_with("\x1b[23;1HThat code was not right.\x1b[24;1HCode: ")
        );
    }

    #[test]
    fn lines_break_at_spaces() {
        assert_eq!(wrapped("one two three", 7), ["one two", "three"]);
        assert_eq!(wrapped("abcdefgh ij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(wrapped("", 4), [""]);
    }
}
