// SPDX-License-Identifier: MIT OR Apache-2.0
//! The letters of a PDF's own fonts: WinAnsi's bytes (PDF 1.7, annex D) and Helvetica's widths (Adobe's metrics), by which
//! lines are broken and centred.

use zeroize::Zeroizing;

use crate::paper::NoSuchLetter;

/// A face whose widths differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Face {
    Regular,
    Bold,
    /// Courier: every letter 600.
    Typewriter,
}

/// A text as the bytes of WinAnsi.
pub(super) fn encoded(text: &str) -> Result<Zeroizing<Vec<u8>>, NoSuchLetter> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(text.len()));
    for character in text.chars() {
        bytes.push(byte_of(character).ok_or(NoSuchLetter { character })?);
    }
    Ok(bytes)
}

/// How wide a text is in a size.
pub(super) fn width(bytes: &[u8], face: Face, size: f32) -> f32 {
    let thousandths: f32 = bytes.iter().map(|byte| f32::from(width_of(*byte, face))).sum();
    thousandths * size / 1000.0
}

fn width_of(byte: u8, face: Face) -> u16 {
    let widths = match face {
        Face::Regular => &REGULAR,
        Face::Bold => &BOLD,
        Face::Typewriter => return 600,
    };
    byte.checked_sub(32).and_then(|index| widths.get(usize::from(index))).copied().unwrap_or_default()
}

/// Latin-1, and what Windows put where Latin-1 has control characters.
fn byte_of(character: char) -> Option<u8> {
    match u8::try_from(u32::from(character)) {
        Ok(byte @ (0x20..=0x7e | 0xa0..=0xff)) => Some(byte),
        Ok(_) | Err(_) => {
            let place = WINDOWS.iter().position(|other| *other == character && character != '\0')?;
            u8::try_from(place).ok()?.checked_add(0x80)
        }
    }
}

/// 0x80 to 0x9f; what is not there stands as NUL, which no text has.
const WINDOWS: [char; 32] = [
    '€', '\0', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\0', 'Ž', '\0', '\0', '‘', '’', '“', '”', '•',
    '–', '—', '˜', '™', 'š', '›', 'œ', '\0', 'ž', 'Ÿ',
];

/// From 0x20 on, in thousandths of the size.
const REGULAR: [u16; 224] = [
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556,
    556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833,
    722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556,
    556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334,
    260, 334, 584, 350, 556, 350, 222, 556, 333, 1000, 556, 556, 333, 1000, 667, 333, 1000, 350, 611, 350, 350, 222,
    222, 333, 333, 350, 556, 1000, 333, 1000, 500, 333, 944, 350, 500, 667, 278, 333, 556, 556, 556, 556, 260, 556,
    333, 737, 370, 556, 584, 333, 737, 333, 400, 584, 333, 333, 333, 556, 537, 278, 333, 333, 365, 556, 834, 834, 834,
    611, 667, 667, 667, 667, 667, 667, 1000, 722, 667, 667, 667, 667, 278, 278, 278, 278, 722, 722, 778, 778, 778, 778,
    778, 584, 778, 722, 722, 722, 722, 667, 667, 611, 556, 556, 556, 556, 556, 556, 889, 500, 556, 556, 556, 556, 278,
    278, 278, 278, 556, 556, 556, 556, 556, 556, 556, 584, 611, 556, 556, 556, 556, 500, 556, 500,
];
/// The same of Helvetica-Bold.
const BOLD: [u16; 224] = [
    278, 333, 474, 556, 556, 889, 722, 238, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556,
    556, 556, 556, 333, 333, 584, 584, 584, 611, 975, 722, 722, 722, 722, 667, 611, 778, 722, 278, 556, 722, 611, 833,
    722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 333, 278, 333, 584, 556, 333, 556, 611, 556, 611,
    556, 333, 611, 611, 278, 278, 556, 278, 889, 611, 611, 611, 611, 389, 556, 333, 611, 556, 778, 556, 556, 500, 389,
    280, 389, 584, 350, 556, 350, 278, 556, 500, 1000, 556, 556, 333, 1000, 667, 333, 1000, 350, 611, 350, 350, 278,
    278, 500, 500, 350, 556, 1000, 333, 1000, 556, 333, 944, 350, 500, 667, 278, 333, 556, 556, 556, 556, 280, 556,
    333, 737, 370, 556, 584, 333, 737, 333, 400, 584, 333, 333, 333, 611, 556, 278, 333, 333, 365, 556, 834, 834, 834,
    611, 722, 722, 722, 722, 722, 722, 1000, 722, 667, 667, 667, 667, 278, 278, 278, 278, 722, 722, 778, 778, 778, 778,
    778, 584, 778, 722, 722, 722, 722, 667, 667, 611, 556, 556, 556, 556, 556, 556, 889, 556, 556, 556, 556, 556, 278,
    278, 278, 278, 611, 611, 611, 611, 611, 611, 611, 584, 611, 611, 611, 611, 611, 556, 611, 556,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_of_western_europe_are_there_and_others_are_named() {
        assert_eq!(encoded("Zoë €5 – “ž”").unwrap()[..], b"Zo\xeb \x805 \x96 \x93\x9e\x94"[..]);
        for missing in ['Ж', 'ł', '\u{202e}', '\u{81}', '\n', '\0', '漢'] {
            assert_eq!(encoded(&format!("a{missing}")).err().map(|error| error.character), Some(missing));
        }
    }

    #[test]
    fn widths_are_those_of_the_font() {
        // "Hello" of Adobe's metrics: 722 556 222 222 556; in bold 722 556 278 278 611.
        assert!((width(b"Hello", Face::Regular, 1000.0) - 2278.0).abs() < 0.1);
        assert!((width(b"Hello", Face::Bold, 1000.0) - 2445.0).abs() < 0.1);
        assert!((width(b"Hello", Face::Typewriter, 10.0) - 30.0).abs() < 0.1);
        assert!((width(b"\xff\x80", Face::Regular, 1000.0) - 1056.0).abs() < 0.1);
    }
}
