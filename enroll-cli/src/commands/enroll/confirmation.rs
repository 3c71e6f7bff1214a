// SPDX-License-Identifier: MIT OR Apache-2.0
//! The first code: shown what it needs, asked for, three tries. On a terminal secret and QR code stand on the alternate
//! screen and are gone with it; elsewhere they are on stderr, unless whoever runs this brought the secret.

use nightlatch::clock::Clock as _;
use nightlatch::enrollment::{Confirmed, Draft};
use nightlatch::record::Kind;
use nightlatch::secret::{NotACode, TypedCode};
use nightlatch::verify::judge::Refusal;
use zeroize::Zeroizing;

use crate::arguments::QrStyle;
use crate::commands::enroll::handout::drawn;
use crate::commands::enroll::introduction::Introduction;
use crate::environment;
use crate::failure::Failure;
use crate::sheet::{self, Correction, Sheet};
use crate::terminal::{self, Reply, Screen, Terminal};
use nightlatch::qr::{Drawing, Symbol};

const TRIES: usize = 3;
/// An Enter too many is no try. Bounded all the same: a stdin of empty lines has no end.
const REPLIES: usize = 20;
const QUESTION: &str = "Code from the app: ";
const WIDTH: usize = 72;

pub(crate) fn ask(draft: Draft, sheet: &Sheet, symbol: &Symbol, of: &Introduction<'_>) -> Result<Confirmed, Failure> {
    let (options, terminal) = (of.options, of.terminal);
    match (terminal.has_person(), terminal.screen()) {
        (true, Some(screen)) if screen.can_alternate() => {
            let seen = drawing(options.qr, true).map(|way| (symbol, way));
            on_the_alternate_screen(draft, sheet, seen, screen, of)
        }
        (true, Some(_)) => {
            terminal.warn("this terminal has no alternate screen: the secret stays on it until you clear it");
            show_plainly(sheet, drawing(options.qr, false).map(|way| (symbol, way)), terminal);
            line_by_line(draft, of)
        }
        (true, None) => Err(Failure::usage(
            "stdin is a terminal, but no output is one that could show the QR code",
            "leave stderr on the terminal, or put secret and code on stdin (--secret-stdin)",
        )),
        (false, _) => {
            let on_request = drawing(options.qr, false);
            if options.secret_stdin {
                if let Some(way) = on_request {
                    terminal.show(drawn(symbol, way).as_bytes());
                }
            } else if terminal.has_nothing_to_read() {
                return Err(Failure::NoCode { user: of.account.name().as_str().to_owned() });
            } else {
                let seen = drawing(options.qr, terminal.screen().is_some());
                show_plainly(sheet, seen.map(|way| (symbol, way)), terminal);
            }
            line_by_line(draft, of)
        }
    }
}

/// How the QR code is drawn; `auto` draws only where somebody looks.
pub(crate) fn drawing(style: QrStyle, somebody_looks: bool) -> Option<Drawing> {
    match style {
        QrStyle::None => None,
        QrStyle::Utf8 => Some(Drawing::Utf8),
        QrStyle::Ansi => Some(Drawing::Ansi),
        QrStyle::Auto if !somebody_looks => None,
        QrStyle::Auto if environment::is_utf8() => Some(Drawing::Utf8),
        QrStyle::Auto => Some(Drawing::Ansi),
    }
}

fn on_the_alternate_screen(
    draft: Draft,
    sheet: &Sheet,
    symbol: Option<(&Symbol, Drawing)>,
    screen: Screen,
    of: &Introduction<'_>,
) -> Result<Confirmed, Failure> {
    let terminal = of.terminal;
    let mut leaves = sheet::lay_out(sheet, symbol, screen.size())?;
    let Some(last) = leaves.pop() else { return Err(Failure::TerminalTooSmall) };
    terminal.interruption().hide_typing();
    terminal.interruption().enter_alternate(screen);
    for leaf in &leaves {
        screen.write(leaf.drawing.as_bytes());
        screen.write(leaf.prompt.ask(None, "Press Enter to show the QR code. ").as_bytes());
        terminal::read_line()?;
        screen.wipe();
    }
    screen.write(last.drawing.as_bytes());
    let confirmed = three_tries(draft, of, |correction| {
        screen.write(last.prompt.ask(correction, QUESTION).as_bytes());
        terminal::read_line()
    });
    terminal.interruption().leave_alternate();
    terminal.interruption().show_typing();
    confirmed
}

fn line_by_line(draft: Draft, of: &Introduction<'_>) -> Result<Confirmed, Failure> {
    let terminal = of.terminal;
    three_tries(draft, of, |correction| {
        if let Some(correction) = correction {
            terminal.show(format!("{}\n", correction.sentence).as_bytes());
        }
        terminal.ask_hidden(QUESTION)
    })
}

fn show_plainly(sheet: &Sheet, symbol: Option<(&Symbol, Drawing)>, terminal: &Terminal) {
    if let Some((symbol, way)) = symbol {
        terminal.show(drawn(symbol, way).as_bytes());
    }
    for line in sheet.text("Type this secret into the app:", None, WIDTH) {
        terminal.show(&Zeroizing::new([line.as_bytes(), b"\n"].concat()));
    }
}

fn three_tries(
    mut draft: Draft,
    of: &Introduction<'_>,
    mut ask: impl FnMut(Option<&Correction>) -> Result<Reply, Failure>,
) -> Result<Confirmed, Failure> {
    let user = || of.account.name().as_str().to_owned();
    let (digits, kind) = (of.plan.device.digits.count(), of.plan.device.kind);
    let (mut correction, mut tried) = (None, 0_usize);
    for _ in 0..REPLIES {
        let line = match ask(correction.as_ref())? {
            Reply::Line(line) => line,
            Reply::End if tried == 0 => return Err(Failure::NoCode { user: user() }),
            Reply::End => break,
        };
        match TypedCode::parse(&line, None) {
            Err(NotACode::Empty) => {
                correction = Some(of_no_code(NotACode::Empty, digits));
                continue;
            }
            Err(cause) => correction = Some(of_no_code(cause, digits)),
            Ok(code) => match draft.confirm(&code, &of.site.config.rules(), of.site.clock.now()?) {
                Ok(confirmed) => return Ok(confirmed),
                Err((same, refusal)) => {
                    draft = same;
                    correction = Some(of_refusal(refusal, digits, kind));
                }
            },
        }
        tried = tried.saturating_add(1);
        if tried == TRIES {
            break;
        }
    }
    Err(if tried == 0 { Failure::NoCode { user: user() } } else { Failure::NoCodeWasRight { user: user() } })
}

fn of_no_code(cause: NotACode, digits: u8) -> Correction {
    Correction { sentence: format!("That is {cause}: {digits} digits are expected."), short: "Not a code." }
}

fn of_refusal(refusal: Refusal, digits: u8, kind: Kind) -> Correction {
    match (refusal, kind) {
        (Refusal::NoSuchLength, _) => Correction {
            sentence: format!("That is not the length of a code: {digits} digits are expected."),
            short: "Wrong length.",
        },
        (
            Refusal::Wrong
            | Refusal::ClockDrift(_)
            | Refusal::Past
            | Refusal::Replay
            | Refusal::UsedBackupCode
            | Refusal::UsedUpBypass
            | Refusal::BypassOutOfTime
            | Refusal::Waiting { .. }
            | Refusal::Blocked,
            Kind::Totp { .. },
        ) => Correction {
            sentence: "That code was not right. Wait for the next one; is the phone's clock right?".to_owned(),
            short: "Not right, wait for the next.",
        },
        (
            Refusal::Wrong
            | Refusal::ClockDrift(_)
            | Refusal::Past
            | Refusal::Replay
            | Refusal::UsedBackupCode
            | Refusal::UsedUpBypass
            | Refusal::BypassOutOfTime
            | Refusal::Waiting { .. }
            | Refusal::Blocked,
            Kind::Hotp,
        ) => Correction {
            sentence: "That code was not right. Press for the next one; was it pressed before (--counter)?".to_owned(),
            short: "Not right, press for the next.",
        },
    }
}
