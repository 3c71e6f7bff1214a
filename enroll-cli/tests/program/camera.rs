// SPDX-License-Identifier: MIT OR Apache-2.0
//! The phone's camera: zbarimg, before an image file or before a terminal's screen in a dark or a light theme.

use std::fs::File;
use std::path::Path;
use std::process::Command;

/// Colours of a terminal where a program sets none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Theme {
    foreground: u8,
    background: u8,
    /// What the theme makes of colours 0 and 7, which are black and white by name only.
    black: u8,
    white: u8,
}

pub(crate) const DARK: Theme = Theme { foreground: 0xd0, background: 0x10, black: 0x20, white: 0xc0 };
pub(crate) const LIGHT: Theme = Theme { foreground: 0x30, background: 0xff, black: 0x10, white: 0xe8 };

/// Pixels of a module's side.
const SCALE: usize = 6;

/// What the camera reads, if anything.
pub(crate) fn read(image: &Path) -> Option<String> {
    let output = Command::new("zbarimg").args(["--quiet", "--raw"]).arg(image).output().expect("zbarimg is installed");
    let text = String::from_utf8(output.stdout).unwrap();
    output.status.success().then(|| text.trim_end().to_owned())
}

/// What the camera reads off a screen.
pub(crate) fn read_screen(screen: &vt100::Screen, theme: Theme, scratch: &Path) -> Option<String> {
    let (rows, columns) = screen.size();
    let (high, wide) = (usize::from(rows) * 2 * SCALE, usize::from(columns) * SCALE);
    let mut pixels = vec![0_u8; high * wide];
    for row in 0..rows {
        for column in 0..columns {
            let cell = screen.cell(row, column).unwrap();
            let (ink, paper) = colours(cell, theme);
            let (upper, lower) = match cell.contents() {
                "\u{2588}" => (ink, ink),
                "\u{2580}" => (ink, paper),
                "\u{2584}" => (paper, ink),
                "" | " " => (paper, paper),
                // A letter has some of both.
                _ => (paper, ink),
            };
            for (half, shade) in [(0, upper), (1, lower)] {
                for y in 0..SCALE {
                    let line = (usize::from(row) * 2 + half) * SCALE + y;
                    let begin = line * wide + usize::from(column) * SCALE;
                    pixels[begin..begin + SCALE].fill(shade);
                }
            }
        }
    }
    let mut encoder =
        png::Encoder::new(File::create(scratch).unwrap(), u32::try_from(wide).unwrap(), u32::try_from(high).unwrap());
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.write_header().unwrap().write_image_data(&pixels).unwrap();
    read(scratch)
}

fn colours(cell: &vt100::Cell, theme: Theme) -> (u8, u8) {
    let shade = |colour: vt100::Color, by_default: u8| match colour {
        vt100::Color::Default => by_default,
        vt100::Color::Idx(0) => theme.black,
        vt100::Color::Idx(7) => theme.white,
        // The palette's cube: no theme changes it.
        vt100::Color::Idx(16) => 0x00,
        vt100::Color::Idx(231) => 0xff,
        other @ (vt100::Color::Idx(_) | vt100::Color::Rgb(..)) => {
            panic!("a colour that this camera does not know: {other:?}")
        }
    };
    let (ink, paper) = (shade(cell.fgcolor(), theme.foreground), shade(cell.bgcolor(), theme.background));
    if cell.inverse() { (paper, ink) } else { (ink, paper) }
}
