// SPDX-License-Identifier: MIT OR Apache-2.0
//! The QR symbol of a URI, and how it is drawn: black on white, with a quiet zone, whatever the theme. With a terminal's own
//! colours no reader finds it on one of a dark and a light theme; without a quiet zone on neither. Prints nothing.

use qrcode::{Color, EcLevel, QrCode};
use zeroize::Zeroizing;

/// Palette colours 16 and 231 are black and white in every theme; a terminal without a palette takes 30 and 47.
const BLACK_ON_WHITE: &str = "\x1b[0;30;47;38;5;16;48;5;231m";
const WHITE_SPACE: &str = "\x1b[0;47;48;5;231m";
const BLACK_SPACE: &str = "\x1b[0;40;48;5;16m";
const PLAIN: &str = "\x1b[0m";

/// Modules of white around the symbol. ISO/IEC 18004 asks for four; phones and zbar read two and one too.
pub const QUIET_ZONES: [usize; 3] = [4, 2, 1];
/// The one that the standard asks for.
pub const QUIET: usize = 4;

/// What a terminal can draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Drawing {
    /// Half blocks: a character is one module wide and two high.
    Utf8,
    /// Spaces with a background colour: two characters are one module.
    Ansi,
    /// Half blocks without a colour, where none gets through (ssh shows escapes as text), for light letters on a dark screen.
    Plain,
}

/// The text has more bytes than the largest symbol takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("more than a QR code can hold")]
pub struct TooMuchForASymbol;

/// A symbol: which of its modules are dark.
pub struct Symbol {
    width: usize,
    dark: Zeroizing<Vec<bool>>,
}

impl Symbol {
    /// The smallest symbol of the text, at level L: a screen has no dirt or creases to correct, and not many rows.
    ///
    /// # Errors
    ///
    /// [`TooMuchForASymbol`] above some 2,900 bytes.
    pub fn of(text: &str) -> Result<Self, TooMuchForASymbol> {
        Self::at(EcLevel::L, text)
    }

    /// The same at level M, for paper: it is folded, and lies on a desk.
    ///
    /// # Errors
    ///
    /// [`TooMuchForASymbol`] above some 2,300 bytes.
    pub fn for_paper(text: &str) -> Result<Self, TooMuchForASymbol> {
        Self::at(EcLevel::M, text)
    }

    fn at(level: EcLevel, text: &str) -> Result<Self, TooMuchForASymbol> {
        let code = QrCode::with_error_correction_level(text, level).map_err(|_| TooMuchForASymbol)?;
        let width = code.width();
        let dark = code.into_colors().into_iter().map(|color| color == Color::Dark).collect();
        Ok(Self { width, dark: Zeroizing::new(dark) })
    }

    /// Modules of a side, quiet zone included.
    #[must_use]
    pub fn side(&self, quiet: usize) -> usize {
        self.width.saturating_add(quiet.saturating_mul(2))
    }

    /// Whether a module is dark; the quiet zone and whatever lies beyond is not.
    #[must_use]
    pub fn is_dark(&self, row: usize, column: usize, quiet: usize) -> bool {
        let (Some(row), Some(column)) = (row.checked_sub(quiet), column.checked_sub(quiet)) else { return false };
        let inside = row < self.width && column < self.width;
        inside && self.dark.get(row.saturating_mul(self.width).saturating_add(column)).copied().unwrap_or(false)
    }

    /// The dark modules of a row that stand side by side: where they begin, and how many they are.
    pub fn dark_runs(&self, row: usize, quiet: usize) -> impl Iterator<Item = (usize, usize)> {
        let mut column = 0_usize;
        std::iter::from_fn(move || {
            let side = self.side(quiet);
            let begin = (column..side).find(|column| self.is_dark(row, *column, quiet))?;
            let end = (begin..side).find(|column| !self.is_dark(row, *column, quiet)).unwrap_or(side);
            column = end;
            Some((begin, end.saturating_sub(begin)))
        })
    }

    /// Rows and columns of characters.
    #[must_use]
    pub fn extent(&self, drawing: Drawing, quiet: usize) -> (usize, usize) {
        let side = self.side(quiet);
        match drawing {
            Drawing::Utf8 | Drawing::Plain => (side.div_ceil(2), side),
            Drawing::Ansi => (side, side.saturating_mul(2)),
        }
    }

    /// The rows of characters, each with its colours and their end.
    #[must_use]
    pub fn draw(&self, drawing: Drawing, quiet: usize) -> Vec<Zeroizing<String>> {
        let (rows, _) = self.extent(drawing, quiet);
        (0..rows)
            .map(|row| match drawing {
                Drawing::Utf8 => self.coloured_half_blocks(row, quiet),
                Drawing::Plain => self.light_half_blocks(row, quiet),
                Drawing::Ansi => self.coloured_spaces(row, quiet),
            })
            .collect()
    }

    fn coloured_half_blocks(&self, row: usize, quiet: usize) -> Zeroizing<String> {
        let mut line = row_of_characters(self.side(quiet));
        line.push_str(BLACK_ON_WHITE);
        self.push_half_blocks(&mut line, row, quiet, |is_dark| is_dark);
        line.push_str(PLAIN);
        line
    }

    fn light_half_blocks(&self, row: usize, quiet: usize) -> Zeroizing<String> {
        let mut line = row_of_characters(self.side(quiet));
        self.push_half_blocks(&mut line, row, quiet, |is_dark| !is_dark);
        line
    }

    fn push_half_blocks(&self, line: &mut String, row: usize, quiet: usize, is_drawn: impl Fn(bool) -> bool) {
        let (upper, lower) = (row.saturating_mul(2), row.saturating_mul(2).saturating_add(1));
        let drawn = |row, column| is_drawn(self.is_dark(row, column, quiet));
        for column in 0..self.side(quiet) {
            line.push(match (drawn(upper, column), drawn(lower, column)) {
                (true, true) => '\u{2588}',
                (true, false) => '\u{2580}',
                (false, true) => '\u{2584}',
                (false, false) => ' ',
            });
        }
    }

    fn coloured_spaces(&self, row: usize, quiet: usize) -> Zeroizing<String> {
        let mut line = row_of_characters(self.side(quiet));
        let mut colour = None;
        for column in 0..self.side(quiet) {
            let dark = self.is_dark(row, column, quiet);
            if colour != Some(dark) {
                line.push_str(if dark { BLACK_SPACE } else { WHITE_SPACE });
                colour = Some(dark);
            }
            line.push_str("  ");
        }
        line.push_str(PLAIN);
        line
    }
}

/// Room for a change of colour at every module, so that the line never moves in memory.
fn row_of_characters(modules: usize) -> Zeroizing<String> {
    Zeroizing::new(String::with_capacity(modules.saturating_mul(24).saturating_add(64)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const URI: &str = "otpauth://totp/host.example:alice?secret=JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP\
                       &issuer=host.example&algorithm=SHA1&digits=6&period=30";

    #[test]
    fn the_usual_uri_fits_a_terminal_of_24_rows_with_a_quiet_zone() {
        let symbol = Symbol::of(URI).unwrap();
        assert!(symbol.extent(Drawing::Utf8, 2).0 <= 23, "{:?}", symbol.extent(Drawing::Utf8, 2));
    }

    #[test]
    fn the_quiet_zone_is_white_on_all_four_sides() {
        let symbol = Symbol::of(URI).unwrap();
        for quiet in QUIET_ZONES {
            let side = symbol.side(quiet);
            for at in 0..side {
                for edge in (0..quiet).chain(side - quiet..side) {
                    assert!(!symbol.is_dark(edge, at, quiet) && !symbol.is_dark(at, edge, quiet));
                }
            }
            // The finder patterns begin right behind it.
            assert!(symbol.is_dark(quiet, quiet, quiet) && symbol.is_dark(side - quiet - 1, quiet, quiet));
        }
    }

    #[test]
    fn every_line_sets_its_colours_and_ends_them() {
        let symbol = Symbol::of(URI).unwrap();
        for drawing in [Drawing::Utf8, Drawing::Ansi] {
            let lines = symbol.draw(drawing, QUIET);
            assert_eq!(lines.len(), symbol.extent(drawing, QUIET).0);
            for line in lines {
                assert!(line.starts_with("\x1b[0;") && line.ends_with(PLAIN));
            }
        }
    }

    #[test]
    fn where_no_colour_gets_through_there_is_none_and_white_is_drawn() {
        let lines = Symbol::of(URI).unwrap().draw(Drawing::Plain, QUIET);
        assert!(lines.iter().all(|line| line.chars().all(|c| "\u{2588}\u{2580}\u{2584} ".contains(c))));
        assert!(lines[0].chars().all(|c| c == '\u{2588}'));
    }

    #[test]
    fn runs_are_the_dark_modules_of_a_row_and_no_others() {
        let symbol = Symbol::for_paper(URI).unwrap();
        for row in 0..symbol.side(QUIET) {
            let mut drawn = vec![false; symbol.side(QUIET)];
            for (begin, length) in symbol.dark_runs(row, QUIET) {
                drawn[begin..begin + length].fill(true);
            }
            let dark: Vec<_> = (0..symbol.side(QUIET)).map(|column| symbol.is_dark(row, column, QUIET)).collect();
            assert_eq!(drawn, dark, "{row}");
        }
    }

    #[test]
    fn what_does_not_fit_a_symbol_is_refused() {
        assert!(matches!(Symbol::of(&"x".repeat(3000)), Err(TooMuchForASymbol)));
    }
}
