// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a hand-out says, in both formats; that it is a page, and one that shows every letter as it is. That a camera reads
//! it is tried in tests/program/hand_out.rs.

use std::path::Path;

use nightlatch::backup::BackupCodes;
use nightlatch::clock::UnixTime;
use nightlatch::qr::Symbol;
use nightlatch::random::SystemRandom;
use nightlatch::record::Period;

use super::*;

const NOON: UnixTime = UnixTime(1_764_072_000);

/// A secret of SHA-512's length, twenty codes, and names as long as each may be.
struct Longest {
    user: String,
    name: String,
    contact: String,
    secret: String,
    symbol: Symbol,
    codes: BackupSheet,
}

impl Longest {
    fn new(letter: &str) -> Self {
        let symbol = Symbol::for_paper(&format!("otpauth://totp/{}", "x".repeat(1200))).unwrap();
        let codes = BackupCodes::generate(20, NOON, &SystemRandom).unwrap().0;
        Self {
            user: letter.repeat(255),
            name: letter.repeat(128),
            contact: letter.repeat(200),
            secret: "A".repeat(103),
            symbol,
            codes,
        }
    }

    fn page(&self) -> Page<'_> {
        Page {
            user: &self.user,
            host: &self.name,
            at: NOON,
            contact: Some(&self.contact),
            device: Some(DeviceToSetUp {
                issuer: &self.name,
                account: &self.name,
                kind: Kind::Hotp,
                algorithm: Algorithm::Sha512,
                digits: Digits::new(8).unwrap(),
                counter: Some(u64::MAX),
                secret: &self.secret,
                symbol: &self.symbol,
            }),
            backup_codes: Some(&self.codes),
        }
    }
}

fn usual<'a>(symbol: &'a Symbol, codes: &'a BackupSheet) -> Page<'a> {
    Page {
        user: "alice",
        host: "web01.example",
        at: NOON,
        contact: Some("Help desk, room 12"),
        device: Some(DeviceToSetUp {
            issuer: "ACME",
            account: "alice@web01",
            kind: Kind::Totp { period: Period::THIRTY, offset: 0 },
            algorithm: Algorithm::Sha1,
            digits: Digits::SIX,
            counter: None,
            secret: "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP",
            symbol,
        }),
        backup_codes: Some(codes),
    }
}

fn text(page: &Page<'_>, format: Format) -> String {
    let bytes = render(page, format).unwrap();
    let text: String = bytes.iter().map(|byte| char::from(*byte)).collect();
    // Not the words of the style.
    text.split_once("<body>").map_or(text.clone(), |(_, body)| body.to_owned())
}

#[test]
fn how_a_name_ends_says_the_format_and_others_are_refused() {
    for (name, format) in [
        ("a.pdf", Some(Format::Pdf)),
        ("/root/A.PDF", Some(Format::Pdf)),
        ("a.b.html", Some(Format::Html)),
        ("a.htm", None),
        ("pdf", None),
        (".pdf", None),
        ("a.pdf/", Some(Format::Pdf)),
        ("a.pdf.txt", None),
    ] {
        assert_eq!(Format::of(Path::new(name)), format, "{name}");
    }
}

#[test]
fn both_formats_say_everything_that_the_person_needs() {
    let symbol = Symbol::for_paper("otpauth://totp/a:b").unwrap();
    let codes = BackupCodes::generate(10, NOON, &SystemRandom).unwrap().0;
    let page = usual(&symbol, &codes);
    for format in [Format::Pdf, Format::Html] {
        let text = text(&page, format);
        for said in ["alice", "web01.example", "ACME", "alice@web01", "JBSW Y3DP EHPK 3PXP", "2025-11-25", "cut here"] {
            assert!(text.contains(said), "{format:?}: {said}");
        }
        for said in
            ["time-based", "30 seconds", "SHA1", "Help desk, room 12", "Phone lost", "destroy", "Backup codes of"]
        {
            assert!(text.contains(said), "{format:?}: {said}");
        }
        assert!(codes.expose_codes().all(|code| text.contains(code)), "{format:?}");
    }
}

#[test]
fn what_there_is_none_of_is_not_spoken_of() {
    let symbol = Symbol::for_paper("otpauth://totp/a:b").unwrap();
    let codes = BackupCodes::generate(10, NOON, &SystemRandom).unwrap().0;
    let none = BackupCodes::generate(0, NOON, &SystemRandom).unwrap().0;
    for format in [Format::Pdf, Format::Html] {
        let alone = text(&Page { device: None, contact: None, ..usual(&symbol, &codes) }, format);
        for word in ["cut here", "secret", "JBSW", "Help desk", "scan"] {
            assert!(!alone.contains(word), "{format:?}: {word}");
        }
        assert!(alone.contains("earlier ones are void"));
        for codes in [None, Some(&none)] {
            let without = text(&Page { backup_codes: codes, ..usual(&symbol, &none) }, format);
            for word in ["cut here", "Backup codes", "backup code", "Tick"] {
                assert!(!without.contains(word), "{format:?}: {word}");
            }
        }
    }
}

#[test]
fn the_longest_names_and_most_codes_still_fit_on_one_page() {
    // Wide, narrow, and of words.
    for letter in ["W", "i", "@ "] {
        let longest = Longest::new(letter);
        let scale = pdf::scale_of(&Wording::of(&longest.page()));
        assert!((0.8..1.0).contains(&scale), "{letter}: {scale}");
        assert!(text(&longest.page(), Format::Pdf).contains(" cm\n"), "{letter}: it is made smaller");
    }
    let (symbol, codes) = (Symbol::for_paper("otpauth://totp/a:b").unwrap(), Longest::new("x").codes);
    let scale = pdf::scale_of(&Wording::of(&usual(&symbol, &codes)));
    assert!(scale > 0.999, "twenty codes need no other size: {scale}");
}

#[test]
fn no_name_is_markup_and_nothing_is_fetched() {
    let symbol = Symbol::for_paper("otpauth://totp/a:b").unwrap();
    let codes = BackupCodes::generate(1, NOON, &SystemRandom).unwrap().0;
    let usual = usual(&symbol, &codes);
    let hostile = "</bdi><script>alert('1')</script>\"&amp;";
    let device = usual.device.map(|device| DeviceToSetUp { issuer: hostile, account: hostile, ..device });
    let text = text(
        &Page { user: hostile, host: hostile, contact: Some(hostile), device, ..self::usual(&symbol, &codes) },
        Format::Html,
    );
    assert!(!text.contains("<script") && !text.contains("alert('"), "{text}");
    let shown = "&lt;/bdi&gt;&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;&quot;&amp;amp;";
    assert_eq!(text.matches(shown).count(), 9);
    for fetched in ["http:", "https:", "//", "src=", "href=", "url(", "@import", "<link", "<img", "<iframe"] {
        assert!(!text.contains(fetched), "{fetched}");
    }
    let whole = render(&self::usual(&symbol, &codes), Format::Html).unwrap();
    let head = String::from_utf8(whole.split(|byte| *byte == b'\n').take(12).collect::<Vec<_>>().concat()).unwrap();
    assert!(head.contains("default-src 'none'"), "{head}");
    assert!(!html::STYLE.contains("url") && !html::STYLE.contains("@import"));
}

#[test]
fn a_pdf_without_the_letters_says_which_and_an_html_file_has_all() {
    let longest = Longest::new("Ж");
    assert_eq!(Format::Pdf.can_show("Zoë Ж"), Err(NoSuchLetter { character: 'Ж' }));
    assert!(render(&longest.page(), Format::Pdf).is_err());
    assert!(render(&longest.page(), Format::Html).is_ok());
    assert_eq!(Format::Pdf.can_show("Zoë's — “desk” €"), Ok(()));
}

#[test]
fn the_same_page_is_the_same_bytes_and_names_no_time_but_its_own() {
    let symbol = Symbol::for_paper("otpauth://totp/a:b").unwrap();
    let codes = BackupCodes::generate(3, NOON, &SystemRandom).unwrap().0;
    for format in [Format::Pdf, Format::Html] {
        let [first, second] = [(); 2].map(|()| text(&usual(&symbol, &codes), format));
        assert!(first == second && !first.contains("CreationDate"), "{format:?}");
    }
}

/// A camera of ours reads a mirrored one too; not every phone's does.
#[test]
fn the_qr_code_of_a_pdf_is_the_symbol_module_by_module() {
    let symbol = Symbol::for_paper("otpauth://totp/a:b?secret=JBSWY3DPEHPK3PXP").unwrap();
    let codes = BackupCodes::generate(1, NOON, &SystemRandom).unwrap().0;
    let text = text(&usual(&symbol, &codes), Format::Pdf);
    let side = symbol.side(4);
    let module = 170.0 / side as f32;
    let rectangles: Vec<Vec<f32>> = text
        .lines()
        .filter_map(|line| line.strip_suffix(" re"))
        .map(|line| line.split(' ').map(|number| number.parse().unwrap()).collect())
        .collect();
    let frame = rectangles.iter().find(|rectangle| rectangle[2] == 170.0).unwrap();
    let mut drawn = vec![vec![false; side]; side];
    for rectangle in rectangles.iter().filter(|rectangle| (rectangle[3] - module * 1.02).abs() < 0.01) {
        let column = ((rectangle[0] - frame[0]) / module).round() as usize;
        let row = side - 1 - ((rectangle[1] - frame[1]) / module).round() as usize;
        drawn[row][column..column + (rectangle[2] / module).round() as usize].fill(true);
    }
    for (row, modules) in drawn.iter().enumerate() {
        let dark: Vec<_> = (0..side).map(|column| symbol.is_dark(row, column, 4)).collect();
        assert_eq!(*modules, dark, "{row}");
    }
}
