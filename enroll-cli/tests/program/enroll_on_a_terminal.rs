// SPDX-License-Identifier: MIT OR Apache-2.0
//! `enroll` as a person does it: on a terminal, with the alternate screen, three tries and Ctrl-C.

use crate::host::Host;
use crate::phone::Phone;
use crate::window::Window;

const PROMPT: &str = "Code from the app:";
const CTRL_C: u8 = 3;
const CTRL_D: u8 = 4;
const CTRL_Z: u8 = 26;
const CTRL_BACKSLASH: u8 = 28;

fn contains(bytes: &[u8], wanted: &str) -> bool {
    bytes.windows(wanted.len()).any(|window| window == wanted.as_bytes())
}

#[test]
fn secret_and_qr_code_stand_on_the_alternate_screen_and_are_gone_with_it() {
    let host = Host::new();
    let mut window = Window::open(&host, 24, 80, &["enroll", "daemon"]);
    let screen = window.wait_for(PROMPT);
    for expected in ["Enrolling daemon (uid 1)", "time-based (TOTP)", "SHA1", "30 seconds"] {
        assert!(screen.contains(expected), "{expected}:\n{screen}");
    }
    assert!(window.look(vt100::Screen::alternate_screen));
    let secret = window.secret();
    window.type_line(&Phone::usual(&secret).code(0));
    assert_eq!(window.end(), 0);
    assert!(!window.look(vt100::Screen::alternate_screen));
    let left = window.all_that_is_left();
    assert!(left.contains("daemon is enrolled") && left.contains("Backup codes") && left.contains("  10  "), "{left}");
    assert!(!left.contains(&secret[..4]) && !left.contains('\u{2588}'), "{left}");
    let bytes = window.bytes();
    assert!(!contains(&bytes, "\x1b[3J") && !contains(&bytes, "\x1b[2J") && !contains(&bytes, &secret));
    assert_eq!(host.status("daemon")["enrolled"], true);
}

#[test]
fn what_was_on_the_alternate_screen_is_wiped_before_it_is_left() {
    let host = Host::new();
    let mut window = Window::open(&host, 24, 80, &["enroll", "daemon"]);
    window.wait_for(PROMPT);
    let group = window.secret()[..4].to_owned();
    window.press(CTRL_C);
    assert_eq!(window.end(), 130);
    // A terminal that keeps the alternate screen in its scrollback has nothing to keep.
    let bytes = window.bytes();
    let left_at = bytes.windows(8).rposition(|bytes| bytes == b"\x1b[?1049l").unwrap();
    let mut parser = vt100::Parser::new(24, 80, 0);
    parser.process(&bytes[..left_at]);
    assert!(parser.screen().alternate_screen());
    assert!(!parser.screen().contents().contains(&group) && parser.screen().contents().trim().is_empty());
}

#[test]
fn a_code_that_is_not_right_may_be_typed_anew_and_the_typed_one_is_never_shown() {
    let host = Host::new();
    let mut window = Window::open(&host, 24, 80, &["enroll", "daemon"]);
    window.wait_for(PROMPT);
    let phone = Phone::usual(&window.secret());
    let wrong = phone.wrong_code();
    window.type_line(&wrong);
    window.wait("a correction", |screen| one_line(screen).contains("was not right. Wait for the next one"));
    assert!(window.look(vt100::Screen::alternate_screen));
    window.type_line("12");
    window.wait("a correction", |screen| one_line(screen).contains("6 digits are expected"));
    let right = phone.code(0);
    window.type_line(&right);
    assert_eq!(window.end(), 0);
    let bytes = window.bytes();
    assert!(!contains(&bytes, &wrong) && !contains(&bytes, &right));
}

/// The column beside the QR code, its lines joined: a sentence is broken there.
fn one_line(screen: &vt100::Screen) -> String {
    let (_, columns) = screen.size();
    let lines: Vec<String> = screen.rows(47, columns - 47).map(|row| row.trim().to_owned()).collect();
    lines.join(" ")
}

#[test]
fn after_three_wrong_codes_nobody_is_enrolled() {
    let host = Host::new();
    let mut window = Window::open(&host, 24, 80, &["enroll", "daemon"]);
    window.wait_for(PROMPT);
    let wrong = Phone::usual(&window.secret()).wrong_code();
    for _ in 0..3 {
        window.type_line(&wrong);
    }
    assert_eq!(window.end(), 3);
    assert!(!window.look(vt100::Screen::alternate_screen));
    assert!(window.all_that_is_left().contains("no code was right"));
    assert_eq!(host.status("daemon")["enrolled"], false);
}

#[test]
fn an_enter_too_many_is_no_try() {
    let host = Host::new();
    let mut window = Window::open(&host, 24, 80, &["enroll", "daemon"]);
    window.wait_for(PROMPT);
    for _ in 0..5 {
        window.type_line("");
    }
    window.type_line(&Phone::usual(&window.secret()).code(0));
    assert_eq!(window.end(), 0);
}

#[test]
fn ctrl_c_puts_the_terminal_back_and_enrolls_nobody() {
    let host = Host::new();
    let png = host.path("a.png");
    // The shell lives on: Ctrl-C goes to all that is in the foreground.
    let line =
        format!("trap : INT; \"$1\" --config \"$2\" enroll daemon --qr-png {}; echo status=$?; stty -a", png.display());
    let mut window = Window::shell(&host, 24, 80, &line);
    window.wait_for(PROMPT);
    assert!(png.exists(), "the file is there while a phone may scan it");
    window.press(CTRL_C);
    assert_eq!(window.end(), 0);
    let left = window.look(vt100::Screen::contents);
    assert!(left.contains("status=130") && left.contains("interrupted"), "{left}");
    let settings: Vec<String> = left.split_whitespace().map(str::to_owned).collect();
    for setting in ["echo", "icanon", "isig"] {
        assert!(settings.iter().any(|word| word == setting), "{setting}:\n{left}");
    }
    assert!(!window.look(vt100::Screen::alternate_screen));
    assert!(!png.exists());
    assert_eq!(host.status("daemon")["enrolled"], false);
}

#[test]
fn no_key_stops_the_program_with_the_secret_on_the_screen() {
    let host = Host::new();
    let mut window = Window::open(&host, 24, 80, &["enroll", "daemon"]);
    window.wait_for(PROMPT);
    let phone = Phone::usual(&window.secret());
    window.press(CTRL_Z);
    window.press(CTRL_BACKSLASH);
    window.type_line("");
    window.wait("an answer", |screen| one_line(screen).contains("6 digits are expected"));
    window.type_line(&phone.code(0));
    assert_eq!(window.end(), 0);
}

#[test]
fn sigterm_and_a_hang_up_do_the_same() {
    for signal in ["-TERM", "-HUP", "-INT"] {
        let host = Host::new();
        let mut window = Window::open(&host, 24, 80, &["--json", "enroll", "daemon"]);
        window.wait_for(PROMPT);
        window.signal(signal);
        assert_eq!(window.end(), 130, "{signal}");
        assert!(!window.look(vt100::Screen::alternate_screen));
        assert!(window.all_that_is_left().contains("\"kind\":\"interrupted\""));
        assert_eq!(host.status("daemon")["enrolled"], false);
    }
}

#[test]
fn ctrl_d_is_no_code() {
    let host = Host::new();
    let mut window = Window::open(&host, 24, 80, &["enroll", "daemon"]);
    window.wait_for(PROMPT);
    window.press(CTRL_D);
    assert_eq!(window.end(), 2);
    assert!(!window.look(vt100::Screen::alternate_screen));
    assert_eq!(host.status("daemon")["enrolled"], false);
}

#[test]
fn with_json_qr_code_and_prompt_are_on_stderr_and_stdout_has_the_object_alone() {
    let host = Host::new();
    let out = host.path("out.json");
    let line = format!("\"$1\" --config \"$2\" --json enroll daemon >{}; echo status=$?", out.display());
    let mut window = Window::shell(&host, 24, 80, &line);
    window.wait_for(PROMPT);
    let secret = window.secret();
    window.type_line(&Phone::usual(&secret).code(0));
    window.wait_for("status=0");
    window.end();
    let object: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(out).unwrap()).unwrap();
    assert_eq!(
        (&object["changed"], object["devices"][0]["secret"].as_str()),
        (&serde_json::json!(true), Some(secret.as_str()))
    );
}

#[test]
fn where_no_output_is_a_terminal_no_secret_is_shown_anywhere() {
    let host = Host::new();
    let line = "\"$1\" --config \"$2\" enroll daemon >/dev/null 2>\"$2.log\"; echo status=$?";
    let mut window = Window::shell(&host, 24, 80, line);
    window.wait_for("status=2");
    window.end();
    let log = std::fs::read_to_string(host.path("config.toml.log")).unwrap();
    assert!(log.contains("stdin is a terminal") && log.lines().count() == 1, "{log}");
}

#[test]
fn a_terminal_that_is_too_narrow_shows_the_text_first_and_the_qr_code_on_enter() {
    let host = Host::new();
    let mut window = Window::open(&host, 25, 50, &["enroll", "daemon"]);
    let text = window.wait_for("Press Enter to show the QR code.");
    assert!(!text.contains('\u{2588}'));
    let secret = window.secret();
    window.type_line("");
    window.wait("the QR code", |screen| screen.contents().contains(PROMPT) && screen.contents().contains('\u{2588}'));
    window.type_line(&Phone::usual(&secret).code(0));
    assert_eq!(window.end(), 0);
}

#[test]
fn a_terminal_that_is_too_small_says_so_and_shows_the_secret() {
    let host = Host::new();
    let mut window = Window::open_in(&host, 24, 80, &["enroll", "daemon"], "C");
    let screen = window.wait_for(PROMPT);
    assert!(screen.contains("too small for the QR code") && screen.contains("--qr utf8"), "{screen}");
    window.type_line(&Phone::usual(&window.secret()).code(0));
    assert_eq!(window.end(), 0);
    let mut window = Window::open(&host, 4, 20, &["enroll", "games"]);
    assert_eq!(window.end(), 1);
    assert_eq!(host.status("games")["enrolled"], false);
}

#[test]
fn a_terminal_without_an_alternate_screen_is_sent_no_escapes_and_told_that_the_secret_stays() {
    let host = Host::new();
    let mut window = Window::shell(&host, 40, 80, "TERM=dumb \"$1\" --config \"$2\" enroll daemon");
    let screen = window.wait_for(PROMPT);
    assert!(screen.contains("the secret stays on it"), "{screen}");
    window.type_line(&Phone::usual(&window.secret()).code(0));
    assert_eq!(window.end(), 0);
    assert!(!window.bytes().contains(&0x1b));
}

#[test]
fn without_a_qr_code_the_secret_is_enough() {
    let host = Host::new();
    let mut window = Window::open(&host, 24, 80, &["enroll", "daemon", "--qr", "none"]);
    let screen = window.wait_for(PROMPT);
    assert!(!screen.contains('\u{2588}'));
    window.type_line(&Phone::usual(&window.secret()).code(0));
    assert_eq!(window.end(), 0);
}

#[test]
fn a_secret_typed_on_a_terminal_is_not_echoed() {
    let host = Host::new();
    let secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
    let mut window = Window::open(&host, 24, 80, &["enroll", "daemon", "--secret-stdin"]);
    window.wait_for("Secret (base32):");
    window.type_line(secret);
    window.wait_for(PROMPT);
    window.type_line(&Phone::usual(secret).code(0));
    assert_eq!(window.end(), 0);
    assert!(!contains(&window.bytes(), secret));
}

#[test]
fn a_code_for_verify_is_asked_for_with_the_sites_prompt_and_not_echoed() {
    let host = Host::with("");
    let phone = Phone::of(&host.enrolled("daemon"));
    let mut window = Window::open(&host, 24, 80, &["verify", "daemon"]);
    window.wait_for("Verification code:");
    let code = phone.code(0);
    window.type_line(&code);
    assert_eq!(window.end(), 0);
    assert!(!contains(&window.bytes(), &code));
    assert!(window.look(vt100::Screen::contents).contains("accepted: totp code of 'phone'"));
}

#[test]
fn settings_that_apps_get_wrong_are_said_where_the_code_is_scanned() {
    let host = Host::new();
    let mut window = Window::open(&host, 40, 120, &["enroll", "daemon", "--algorithm", "sha256"]);
    let screen = window.wait_for(PROMPT);
    assert!(screen.contains("Warning: sha256") && screen.contains("Microsoft"), "{screen}");
    window.press(CTRL_C);
    assert_eq!(window.end(), 130);
    assert!(window.all_that_is_left().contains("warning: sha256"));
}
