// SPDX-License-Identifier: MIT OR Apache-2.0
//! A hand-out as one HTML file: no script, nothing from elsewhere (its own policy forbids both), for the screen and for
//! paper of A4 and Letter. Every text is escaped.

use std::fmt::Write as _;

use nightlatch::qr::{QUIET, Symbol};
use zeroize::Zeroizing;

use crate::paper::wording::{Codes, Setup, Wording};

/// Up to the title.
const HEAD: &str = include_str!("head.html");
pub(super) const STYLE: &str = include_str!("paper.css");
/// More than any page: a buffer that grows leaves its beginning behind.
const ROOM: usize = 256 * 1024;

pub(super) fn render(wording: &Wording<'_>) -> Zeroizing<Vec<u8>> {
    let mut page = Writer(Zeroizing::new(String::with_capacity(ROOM)));
    page.raw(HEAD);
    page.text(wording.title);
    page.raw("</title>\n<style>\n");
    page.raw(STYLE);
    page.raw("</style>\n</head>\n<body>\n<main>\n<h1>");
    page.text(wording.title);
    page.raw("</h1>\n");
    page.list("facts", &wording.facts);
    if let Some(setup) = &wording.setup {
        page.setup(setup);
    }
    if let Some(cut) = wording.cut {
        page.element("p", "cut", cut);
    }
    if let Some(codes) = &wording.codes {
        page.codes(codes);
    }
    page.raw("<footer>\n");
    page.element("p", "lost", wording.lost);
    if let Some(contact) = wording.contact {
        page.element("p", "contact", contact);
    }
    page.raw("</footer>\n</main>\n</body>\n</html>\n");
    // The same memory: nothing is copied and left behind.
    Zeroizing::new(std::mem::take(&mut *page.0).into_bytes())
}

struct Writer(Zeroizing<String>);

impl Writer {
    fn raw(&mut self, markup: &str) {
        self.0.push_str(markup);
    }

    /// Text or the value of an attribute in double quotes.
    fn text(&mut self, text: &str) {
        for character in text.chars() {
            match character {
                '&' => self.raw("&amp;"),
                '<' => self.raw("&lt;"),
                '>' => self.raw("&gt;"),
                '"' => self.raw("&quot;"),
                '\'' => self.raw("&#39;"),
                other => self.0.push(other),
            }
        }
    }

    fn element(&mut self, name: &str, class: &str, text: &str) {
        self.number(format_args!("<{name} class=\"{class}\">"));
        self.text(text);
        self.number(format_args!("</{name}>\n"));
    }

    fn number(&mut self, markup: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _: std::fmt::Result = self.0.write_fmt(markup);
    }

    /// Names with their values; a value of letters that run the other way disturbs nothing beside it.
    fn list(&mut self, class: &str, pairs: &[(&'static str, String)]) {
        self.number(format_args!("<dl class=\"{class}\">\n"));
        for (name, value) in pairs {
            self.raw("<div><dt>");
            self.text(name);
            self.raw("</dt><dd><bdi>");
            self.text(value);
            self.raw("</bdi></dd></div>\n");
        }
        self.raw("</dl>\n");
    }

    fn setup(&mut self, setup: &Setup<'_>) {
        self.raw("<section class=\"setup\">\n<div class=\"scan\">\n");
        self.symbol(setup.symbol);
        self.raw("<ol class=\"steps\">\n");
        for step in &setup.steps {
            self.element("li", "step", step);
        }
        self.raw("</ol>\n</div>\n<div class=\"typing\">\n<div>\n");
        self.element("h2", "typed", setup.typing);
        self.raw("<p class=\"secret\">");
        for (index, line) in setup.secret.iter().enumerate() {
            if index > 0 {
                self.raw("<br>");
            }
            self.text(line);
        }
        self.raw("</p>\n</div>\n");
        self.list("settings", &setup.settings);
        self.raw("</div>\n");
        self.element("p", "destroy", setup.destroy);
        self.raw("</section>\n");
    }

    fn codes(&mut self, codes: &Codes<'_>) {
        self.raw("<section class=\"codes\">\n<h2><bdi>");
        self.text(&codes.heading);
        self.raw("</bdi></h2>\n");
        self.element("p", "instructions", codes.instructions);
        let rows = codes.codes.len().div_ceil(2);
        self.number(format_args!("<ol class=\"list\" style=\"grid-template-rows: repeat({rows}, auto)\">\n"));
        for (number, code) in (1..).zip(codes.codes.expose_codes()) {
            self.number(format_args!("<li><i></i><b>{number}</b><code>"));
            self.text(code);
            self.raw("</code></li>\n");
        }
        self.raw("</ol>\n</section>\n");
    }

    /// A path of runs: a tenth of the bytes of a square for each module, and no hairlines between them.
    fn symbol(&mut self, symbol: &Symbol) {
        let side = symbol.side(QUIET);
        self.number(format_args!(
            "<svg class=\"qr\" role=\"img\" aria-label=\"QR code\" viewBox=\"0 0 {side} {side}\" \
             shape-rendering=\"crispEdges\"><rect width=\"{side}\" height=\"{side}\" fill=\"#fff\"/><path d=\""
        ));
        for row in 0..side {
            for (column, length) in symbol.dark_runs(row, QUIET) {
                self.number(format_args!("M{column} {row}h{length}v1h-{length}z"));
            }
        }
        self.raw("\"/></svg>\n");
    }
}
