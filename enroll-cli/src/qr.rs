// SPDX-License-Identifier: MIT OR Apache-2.0
//! The QR symbol of a URI, and how it is drawn: always black on white, with a quiet zone, whatever the theme. With a
//! terminal's own colours no reader finds it on one of a dark and a light theme; without a quiet zone on neither.

use qrcode::{Color, EcLevel, QrCode};
use zeroize::Zeroizing;

use crate::failure::Failure;

/// Palette colours 16 and 231 are black and white in every theme; a terminal without a palette takes 30 and 47.
const BLACK_ON_WHITE: &str = "\x1b[0;30;47;38;5;16;48;5;231m";
const WHITE_SPACE: &str = "\x1b[0;47;48;5;231m";
const BLACK_SPACE: &str = "\x1b[0;40;48;5;16m";
const PLAIN: &str = "\x1b[0m";

/// Modules of white around the symbol. ISO/IEC 18004 asks for four; phones and zbar read two and one too.
pub(crate) const QUIET_ZONES: [usize; 3] = [4, 2, 1];
/// The one that the standard asks for.
pub(crate) const QUIET: usize = 4;

/// What a terminal can draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Drawing {
    /// Half blocks: a character is one module wide and two high.
    Utf8,
    /// Spaces with a background colour: two characters are one module.
    Ansi,
}

/// A symbol: which of its modules are dark.
pub(crate) struct Symbol {
    width: usize,
    dark: Zeroizing<Vec<bool>>,
}

impl Symbol {
    /// The smallest symbol of the text, at level L: a screen has no dirt or creases to correct, and not many rows.
    pub(crate) fn of(text: &str) -> Result<Self, Failure> {
        let code = QrCode::with_error_correction_level(text, EcLevel::L).map_err(|_| Failure::TooMuchForAQrCode)?;
        let width = code.width();
        let dark = code.into_colors().into_iter().map(|color| color == Color::Dark).collect();
        Ok(Self { width, dark: Zeroizing::new(dark) })
    }

    /// Modules of a side, quiet zone included.
    pub(crate) fn side(&self, quiet: usize) -> usize {
        self.width.saturating_add(quiet.saturating_mul(2))
    }

    /// Whether a module is dark; the quiet zone and whatever lies beyond is not.
    pub(crate) fn is_dark(&self, row: usize, column: usize, quiet: usize) -> bool {
        let (Some(row), Some(column)) = (row.checked_sub(quiet), column.checked_sub(quiet)) else { return false };
        let inside = row < self.width && column < self.width;
        inside && self.dark.get(row.saturating_mul(self.width).saturating_add(column)).copied().unwrap_or(false)
    }

    /// Rows and columns of characters.
    pub(crate) fn extent(&self, drawing: Drawing, quiet: usize) -> (usize, usize) {
        let side = self.side(quiet);
        match drawing {
            Drawing::Utf8 => (side.div_ceil(2), side),
            Drawing::Ansi => (side, side.saturating_mul(2)),
        }
    }

    /// The rows of characters, each with its colours and their end.
    pub(crate) fn draw(&self, drawing: Drawing, quiet: usize) -> Vec<Zeroizing<String>> {
        let (rows, _) = self.extent(drawing, quiet);
        (0..rows)
            .map(|row| match drawing {
                Drawing::Utf8 => self.half_blocks(row, quiet),
                Drawing::Ansi => self.coloured_spaces(row, quiet),
            })
            .collect()
    }

    fn half_blocks(&self, row: usize, quiet: usize) -> Zeroizing<String> {
        let mut line = row_of_characters(self.side(quiet));
        line.push_str(BLACK_ON_WHITE);
        let (upper, lower) = (row.saturating_mul(2), row.saturating_mul(2).saturating_add(1));
        for column in 0..self.side(quiet) {
            line.push(match (self.is_dark(upper, column, quiet), self.is_dark(lower, column, quiet)) {
                (true, true) => '\u{2588}',
                (true, false) => '\u{2580}',
                (false, true) => '\u{2584}',
                (false, false) => ' ',
            });
        }
        line.push_str(PLAIN);
        line
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
    fn what_does_not_fit_a_symbol_is_refused() {
        assert!(matches!(Symbol::of(&"x".repeat(3000)), Err(Failure::TooMuchForAQrCode)));
    }
}
