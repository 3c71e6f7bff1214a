// SPDX-License-Identifier: MIT OR Apache-2.0
//! The QR code as a PNG or SVG file: root's alone, never over another, and gone again if nothing is enrolled.

use std::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::interruption::Interruption;
use crate::new_file::failure_of;
use nightlatch::qr::{QUIET, Symbol};

const WRITE: &str = "write the QR code";

/// Pixels of a module's side: large enough for a phone before a screen, small enough for a ticket.
const SCALE: usize = 8;

/// Writes a new PNG file.
pub(crate) fn write_png(symbol: &Symbol, path: &Path, interruption: &Interruption) -> Result<(), Failure> {
    let bytes = png_of(symbol).map_err(|error| failure_of(path, WRITE)(error.into()))?;
    write_new(path, &bytes, interruption)
}

/// Writes a new SVG file.
pub(crate) fn write_svg(symbol: &Symbol, path: &Path, interruption: &Interruption) -> Result<(), Failure> {
    write_new(path, svg_of(symbol).as_bytes(), interruption)
}

fn write_new(path: &Path, bytes: &[u8], interruption: &Interruption) -> Result<(), Failure> {
    let failed = failure_of(path, WRITE);
    // The mode is there from the first moment; a umask takes away and never adds.
    let make = || OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let mut file: File = interruption.make_file(path, make).map_err(&failed)?;
    file.write_all(bytes).map_err(failed)
}

/// One bit a pixel, white where it is set.
fn png_of(symbol: &Symbol) -> Result<Zeroizing<Vec<u8>>, png::EncodingError> {
    let pixels = symbol.side(QUIET).saturating_mul(SCALE);
    let mut bytes = Zeroizing::new(Vec::with_capacity(pixels.saturating_mul(pixels)));
    let side = u32::try_from(pixels).unwrap_or(u32::MAX);
    let mut encoder = png::Encoder::new(&mut *bytes, side, side);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::One);
    // A module is a byte wide, since SCALE pixels of one bit are eight bits.
    let mut rows = Zeroizing::new(Vec::with_capacity(pixels.saturating_mul(symbol.side(QUIET))));
    for row in 0..symbol.side(QUIET) {
        for _ in 0..SCALE {
            rows.extend(
                (0..symbol.side(QUIET)).map(|column| if symbol.is_dark(row, column, QUIET) { 0 } else { 0xff }),
            );
        }
    }
    encoder.write_header()?.write_image_data(&rows)?;
    Ok(bytes)
}

const _: () = assert!(SCALE == 8);

fn svg_of(symbol: &Symbol) -> Zeroizing<String> {
    let side = symbol.side(QUIET);
    let pixels = side.saturating_mul(SCALE);
    let mut svg =
        Zeroizing::new(String::with_capacity(side.saturating_mul(side).saturating_mul(16).saturating_add(512)));
    // Writing to a string cannot fail.
    let _: std::fmt::Result = write!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{pixels}\" height=\"{pixels}\" viewBox=\"0 0 {side} {side}\" \
         shape-rendering=\"crispEdges\"><rect width=\"{side}\" height=\"{side}\" fill=\"#fff\"/><path fill=\"#000\" d=\""
    );
    for row in 0..side {
        for column in (0..side).filter(|column| symbol.is_dark(row, *column, QUIET)) {
            let _: std::fmt::Result = write!(svg, "M{column} {row}h1v1h-1z");
        }
    }
    svg.push_str("\"/></svg>\n");
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_png_is_square_and_white_around_the_symbol() {
        let symbol = Symbol::of("otpauth://totp/a:b").unwrap();
        let bytes = png_of(&symbol).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(&bytes[..])).read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        assert_eq!((info.width, info.height), (info.width, info.width));
        assert_eq!(info.width as usize, symbol.side(QUIET) * SCALE);
        let row = symbol.side(QUIET);
        assert!(pixels[..row * SCALE * QUIET].iter().all(|byte| *byte == 0xff));
        assert_eq!(pixels[row * SCALE * QUIET + QUIET], 0);
    }
}
