// SPDX-License-Identifier: MIT OR Apache-2.0
//! A hand-out as a PDF of one A4 page, with the fonts that every reader has. Laid out from the top; names
//! are cut off after two lines, and what is longer than a page all the same is made smaller.

use nightlatch::qr::{QUIET, Symbol};
use pdf_writer::{Content, Finish as _, Name, Pdf, Rect, Ref, Str, TextStr};
use zeroize::Zeroizing;

use crate::paper::NoSuchLetter;
use crate::paper::helvetica::{Face, encoded, width};
use crate::paper::wording::{Codes, Setup, Wording};

const A4: (f32, f32) = (595.28, 841.89);
const LEFT: f32 = 56.7;
const RIGHT: f32 = A4.0 - LEFT;
const TOP: f32 = A4.1 - 42.5;
/// Nothing stands below it: a centimetre, which every printer reaches.
const BOTTOM: f32 = 28.3;
const TEXT: f32 = 10.5;
/// Sixty millimetres, quiet zone included.
const SYMBOL: f32 = 170.0;
/// Where the right half of a part begins.
const BESIDE: f32 = LEFT + SYMBOL + 20.0;
const LINES_OF_A_NAME: usize = 2;
/// More than any page: a buffer that grows leaves its beginning behind, wiped when it is freed, but later than need be.
const ROOM: usize = 96 * 1024;

pub(super) fn render(wording: &Wording<'_>) -> Result<Zeroizing<Vec<u8>>, NoSuchLetter> {
    let mut page = Drawing::of(wording, 1.0)?;
    if page.y < BOTTOM {
        page = Drawing::of(wording, scale_that_fits(page.y))?;
    }
    let content = Zeroizing::new(page.content.finish().into_vec());
    Ok(document(wording.title, &content))
}

fn scale_that_fits(end: f32) -> f32 {
    (TOP - BOTTOM) / (TOP - end)
}

/// By how much a page is made smaller, so that all of it fits.
#[cfg(test)]
pub(super) fn scale_of(wording: &Wording<'_>) -> f32 {
    scale_that_fits(Drawing::of(wording, 1.0).unwrap().y).min(1.0)
}

fn document(title: &str, content: &[u8]) -> Zeroizing<Vec<u8>> {
    let mut ids = (1..).map(Ref::new);
    let mut id = || ids.next().unwrap_or(Ref::new(1));
    let (catalog, tree, page, stream, information) = (id(), id(), id(), id(), id());
    let fonts = [Face::Regular, Face::Bold, Face::Typewriter].map(|face| (face, id()));
    let mut pdf = Pdf::with_capacity(ROOM.saturating_add(content.len()));
    pdf.catalog(catalog).pages(tree).lang(TextStr("en")).viewer_preferences().display_doc_title(true);
    pdf.pages(tree).kids([page]).count(1);
    let mut leaf = pdf.page(page);
    leaf.media_box(Rect::new(0.0, 0.0, A4.0, A4.1)).parent(tree).contents(stream);
    let mut resources = leaf.resources();
    let mut named = resources.fonts();
    for (face, font) in fonts {
        named.pair(name_of(face), font);
    }
    named.finish();
    resources.finish();
    leaf.finish();
    for (face, font) in fonts {
        pdf.type1_font(font).base_font(base_of(face)).encoding_predefined(Name(b"WinAnsiEncoding"));
    }
    pdf.document_info(information).title(TextStr(title)).producer(TextStr("nightlatch"));
    pdf.stream(stream, content);
    Zeroizing::new(pdf.finish())
}

fn name_of(face: Face) -> Name<'static> {
    match face {
        Face::Regular => Name(b"R"),
        Face::Bold => Name(b"B"),
        Face::Typewriter => Name(b"T"),
    }
}

fn base_of(face: Face) -> Name<'static> {
    match face {
        Face::Regular => Name(b"Helvetica"),
        Face::Bold => Name(b"Helvetica-Bold"),
        Face::Typewriter => Name(b"Courier-Bold"),
    }
}

/// The page so far, and how far down it is.
struct Drawing {
    content: Content,
    y: f32,
}

/// Where a text stands and how.
#[derive(Clone, Copy)]
struct Place {
    x: f32,
    width: f32,
    face: Face,
    size: f32,
}

impl Place {
    const BODY: Self = Self { x: LEFT, width: RIGHT - LEFT, face: Face::Regular, size: TEXT };
    const HEADING: Self = Self { face: Face::Bold, size: 12.0, ..Self::BODY };
    const FIRM: Self = Self { face: Face::Bold, ..Self::BODY };
}

impl Drawing {
    fn of(wording: &Wording<'_>, scale: f32) -> Result<Self, NoSuchLetter> {
        let mut page = Self { content: Content::with_capacity(ROOM), y: TOP };
        if scale < 1.0 {
            page.content.transform([scale, 0.0, 0.0, scale, A4.0 * (1.0 - scale) / 2.0, TOP * (1.0 - scale)]);
        }
        page.wording(wording)?;
        Ok(page)
    }

    fn wording(&mut self, wording: &Wording<'_>) -> Result<(), NoSuchLetter> {
        self.down(10.0);
        self.paragraph(wording.title, Place { size: 21.0, ..Place::HEADING })?;
        self.down(3.0);
        self.rule(1.0);
        self.down(5.0);
        let label = Place { width: 64.0, ..Place::BODY };
        self.pairs(&wording.facts, label, Place { x: LEFT + 68.0, width: RIGHT - LEFT - 68.0, ..Place::FIRM })?;
        self.down(4.0);
        self.rule(1.0);
        self.down(12.0);
        if let Some(setup) = &wording.setup {
            self.setup(setup)?;
        }
        if let Some(cut) = wording.cut {
            self.down(12.0);
            self.cut(cut)?;
            self.down(16.0);
        }
        if let Some(codes) = &wording.codes {
            self.codes(codes)?;
        }
        self.down(8.0);
        self.paragraph(wording.lost, Place::BODY)?;
        if let Some(contact) = wording.contact {
            self.down(7.0);
            let top = self.y;
            self.down(7.5);
            self.name(contact, Place { x: LEFT + 8.0, width: RIGHT - LEFT - 16.0, ..Place::FIRM })?;
            self.down(4.0);
            self.frame(LEFT, self.y, RIGHT - LEFT, top - self.y, 1.0);
        }
        Ok(())
    }

    fn setup(&mut self, setup: &Setup<'_>) -> Result<(), NoSuchLetter> {
        let top = self.y;
        self.symbol(setup.symbol, LEFT, top - SYMBOL);
        self.down(10.0);
        for (number, step) in (1_u8..).zip(&setup.steps) {
            self.disc(number, BESIDE + 9.0, self.y - 5.5)?;
            let place = Place { x: BESIDE + 28.0, width: RIGHT - BESIDE - 28.0, ..Place::BODY };
            self.paragraph(step, place)?;
            self.down(11.0);
        }
        self.y = self.y.min(top - SYMBOL) - 14.0;

        let top = self.y;
        self.paragraph(setup.typing, Place { width: SYMBOL, ..Place::HEADING })?;
        self.down(3.0);
        for line in &setup.secret {
            self.lines(&[encoded(line)?], Place { face: Face::Typewriter, size: 13.0, ..Place::BODY }, 18.0);
        }
        let below = std::mem::replace(&mut self.y, top);
        let small = Place { size: 9.5, ..Place::BODY };
        let label = Place { x: BESIDE, width: 56.0, ..small };
        self.pairs(&setup.settings, label, Place { x: BESIDE + 60.0, width: RIGHT - BESIDE - 60.0, ..small })?;
        self.y = self.y.min(below) - 8.0;
        self.paragraph(setup.destroy, Place::FIRM)
    }

    fn codes(&mut self, codes: &Codes<'_>) -> Result<(), NoSuchLetter> {
        self.name(&codes.heading, Place::HEADING)?;
        self.down(2.0);
        self.paragraph(codes.instructions, Place::BODY)?;
        self.down(9.0);
        let rows = codes.codes.len().div_ceil(2).max(1);
        let row = if rows > 5 { 18.5 } else { 22.0 };
        let (top, mut lowest) = (self.y, self.y);
        for (index, code) in codes.codes.expose_codes().enumerate() {
            if index.is_multiple_of(rows) {
                self.y = top;
            }
            let x = if index < rows { LEFT } else { LEFT + (RIGHT - LEFT) / 2.0 };
            self.frame(x, self.y - 11.5, 11.5, 11.5, 1.0);
            let number = encoded(&index.saturating_add(1).to_string())?;
            let indent = 34.0 - width(&number, Face::Regular, TEXT);
            self.show(&number, x + indent, Face::Regular, TEXT);
            // On the number's line, though it is larger.
            self.down(-1.8);
            self.show(&encoded(code)?, x + 44.0, Face::Typewriter, 13.0);
            self.down(row + 1.8);
            lowest = lowest.min(self.y);
        }
        self.y = lowest;
        Ok(())
    }

    fn down(&mut self, by: f32) {
        self.y -= by;
    }

    /// Names with their values, one below the other.
    fn pairs(&mut self, pairs: &[(&str, String)], label: Place, value: Place) -> Result<(), NoSuchLetter> {
        for (name, text) in pairs {
            let top = self.y;
            self.paragraph(name, label)?;
            self.y = top;
            self.name(text, value)?;
        }
        Ok(())
    }

    fn paragraph(&mut self, text: &str, place: Place) -> Result<(), NoSuchLetter> {
        self.lines(&broken(&encoded(text)?, place), place, place.size * 1.35);
        Ok(())
    }

    /// Somebody's choice, of whatever length.
    fn name(&mut self, text: &str, place: Place) -> Result<(), NoSuchLetter> {
        let mut lines = broken(&encoded(text)?, place);
        if lines.len() > LINES_OF_A_NAME {
            lines.truncate(LINES_OF_A_NAME);
            let dots = encoded("…")?;
            if let Some(last) = lines.last_mut() {
                while width(last, place.face, place.size) + width(&dots, place.face, place.size) > place.width {
                    last.pop();
                }
                last.extend_from_slice(&dots);
            }
        }
        self.lines(&lines, place, place.size * 1.35);
        Ok(())
    }

    fn lines(&mut self, lines: &[Zeroizing<Vec<u8>>], place: Place, leading: f32) {
        for line in lines {
            self.show(line, place.x, place.face, place.size);
            self.down(leading);
        }
    }

    /// A line whose top is where the drawing is.
    fn show(&mut self, line: &[u8], x: f32, face: Face, size: f32) {
        let content = &mut self.content;
        content.begin_text().set_font(name_of(face), size).next_line(x, self.y - size * 0.85);
        content.show(Str(line)).end_text();
    }

    fn rule(&mut self, thickness: f32) {
        self.content.set_line_width(thickness).move_to(LEFT, self.y).line_to(RIGHT, self.y).stroke();
    }

    fn frame(&mut self, x: f32, y: f32, width: f32, height: f32, thickness: f32) {
        self.content.set_line_width(thickness).rect(x, y, width, height).stroke();
    }

    /// From edge to edge, with its words in the middle.
    fn cut(&mut self, words: &str) -> Result<(), NoSuchLetter> {
        let (words, size) = (encoded(words)?, 8.5);
        let half = width(&words, Face::Regular, size) / 2.0 + 8.0;
        let (middle, y) = (A4.0 / 2.0, self.y);
        let content = &mut self.content;
        content.save_state().set_dash_pattern([5.0, 4.0], 0.0).set_line_width(0.8);
        content.move_to(0.0, y).line_to(middle - half, y);
        content.move_to(middle + half, y).line_to(A4.0, y).stroke().restore_state();
        self.y = y + size * 0.5;
        self.show(&words, middle - half + 8.0, Face::Regular, size);
        self.y = y;
        Ok(())
    }

    /// A number in white on black.
    fn disc(&mut self, number: u8, x: f32, y: f32) -> Result<(), NoSuchLetter> {
        const RADIUS: f32 = 9.5;
        // A quarter of a circle as a curve of third order.
        const BOW: f32 = RADIUS * 0.5523;
        let content = &mut self.content;
        content.move_to(x + RADIUS, y);
        content.cubic_to(x + RADIUS, y + BOW, x + BOW, y + RADIUS, x, y + RADIUS);
        content.cubic_to(x - BOW, y + RADIUS, x - RADIUS, y + BOW, x - RADIUS, y);
        content.cubic_to(x - RADIUS, y - BOW, x - BOW, y - RADIUS, x, y - RADIUS);
        content.cubic_to(x + BOW, y - RADIUS, x + RADIUS, y - BOW, x + RADIUS, y).fill_nonzero();
        let (digit, size) = (encoded(&number.to_string())?, 12.0);
        let left = x - width(&digit, Face::Bold, size) / 2.0;
        content.save_state().set_fill_gray(1.0);
        content.begin_text().set_font(name_of(Face::Bold), size).next_line(left, y - size * 0.36);
        content.show(Str(&digit)).end_text().restore_state();
        Ok(())
    }

    fn symbol(&mut self, symbol: &Symbol, x: f32, y: f32) {
        self.content.save_state().set_stroke_gray(0.6);
        self.frame(x, y, SYMBOL, SYMBOL, 0.5);
        self.content.restore_state();
        let side = symbol.side(QUIET);
        let module = SYMBOL / real(side);
        for row in 0..side {
            for (column, length) in symbol.dark_runs(row, QUIET) {
                let below = real(side.saturating_sub(row).saturating_sub(1)) * module;
                self.content.rect(
                    x + real(column) * module,
                    y + below,
                    real(length) * module,
                    // A trace more than its height, so that no reader draws a hairline between rows.
                    module * 1.02,
                );
            }
        }
        self.content.fill_nonzero();
    }
}

/// So many modules; a symbol has 177 at most, and its quiet zone eight.
fn real(modules: usize) -> f32 {
    f32::from(u16::try_from(modules).unwrap_or(u16::MAX))
}

/// Lines that fit, broken at spaces, and within a word only where it is longer than a line.
fn broken(text: &[u8], place: Place) -> Vec<Zeroizing<Vec<u8>>> {
    let fits = |line: &[u8]| width(line, place.face, place.size) <= place.width;
    let (mut lines, mut line) = (Vec::new(), Zeroizing::new(Vec::<u8>::with_capacity(text.len())));
    for word in text.split(|byte| *byte == b' ') {
        let before = line.len();
        if before > 0 {
            line.push(b' ');
        }
        line.extend_from_slice(word);
        if fits(&line) {
            continue;
        }
        line.truncate(before);
        if before > 0 {
            lines.push(std::mem::replace(&mut line, Zeroizing::new(Vec::with_capacity(text.len()))));
        }
        for byte in word {
            line.push(*byte);
            if !fits(&line) {
                line.pop();
                lines.push(std::mem::replace(&mut line, Zeroizing::new(Vec::with_capacity(text.len()))));
                line.push(*byte);
            }
        }
    }
    lines.push(line);
    lines
}
