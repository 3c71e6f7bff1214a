// SPDX-License-Identifier: MIT OR Apache-2.0
//! The QR code: read back by a camera that is not ours, to the very URI.

use std::fs;
use std::process::Command;

use crate::camera::{self, DARK, LIGHT};
use crate::host::{Host, mode};
use crate::phone::Phone;
use crate::window::Window;

#[test]
fn png_and_svg_are_roots_alone_and_read_back_to_the_very_uri() {
    let host = Host::new();
    let (png, svg, drawn) = (host.path("a.png"), host.path("a.svg"), host.path("drawn.png"));
    let options = ["--qr-png", png.to_str().unwrap(), "--qr-svg", svg.to_str().unwrap()];
    let object = host
        .run(&[&["--json", "enroll", "daemon", "--no-confirm", "--issuer", "Ünder & Co"], &options[..]].concat())
        .expect(0)
        .json();
    let uri = object["devices"][0]["uri"].as_str().unwrap();
    assert_eq!(camera::read(&png).as_deref(), Some(uri));
    let status =
        Command::new("rsvg-convert").arg("-o").arg(&drawn).arg(&svg).status().expect("rsvg-convert is installed");
    assert!(status.success());
    assert_eq!(camera::read(&drawn).as_deref(), Some(uri));
    assert_eq!((mode(&png), mode(&svg)), (0o600, 0o600));
}

#[test]
fn a_file_that_exists_is_never_written_over() {
    let host = Host::new();
    let path = host.path("a.png");
    fs::write(&path, "precious").unwrap();
    for option in ["--qr-png", "--qr-svg"] {
        let ran = host.run(&["--json", "enroll", "daemon", "--no-confirm", option, path.to_str().unwrap()]).expect(1);
        let error = ran.json()["error"].clone();
        assert_eq!((error["kind"].as_str(), error["path"].as_str()), (Some("exists"), path.to_str()));
    }
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    assert_eq!(host.status("daemon")["enrolled"], false);
    let link = host.path("link.png");
    std::os::unix::fs::symlink(host.path("target.png"), &link).unwrap();
    host.run(&["enroll", "daemon", "--no-confirm", "--qr-png", link.to_str().unwrap()]).expect(1);
    assert!(!host.path("target.png").exists());
}

#[test]
fn a_file_goes_away_again_if_nobody_is_enrolled() {
    let host = Host::new();
    let (png, svg) = (host.path("a.png"), host.path("taken.svg"));
    let options = ["--qr-png", png.to_str().unwrap()];
    host.run_with(&[&["enroll", "daemon"], &options[..]].concat(), "000000\n000000\n000000\n").expect(3);
    assert!(!png.exists());
    fs::write(&svg, "precious").unwrap();
    let both = ["--qr-png", png.to_str().unwrap(), "--qr-svg", svg.to_str().unwrap()];
    host.run(&[&["enroll", "daemon", "--no-confirm"], &both[..]].concat()).expect(1);
    assert!(!png.exists() && svg.exists());
}

#[test]
fn on_the_screen_it_is_read_in_a_dark_and_in_a_light_theme() {
    let host = Host::new();
    for (style, rows, columns) in [("utf8", 24, 80), ("utf8", 50, 132), ("ansi", 60, 140)] {
        let mut window =
            Window::open(&host, rows, columns, &["enroll", "daemon", "--qr", style, "--issuer", "host.example"]);
        window.wait_for("Code from the app:");
        let secret = window.secret();
        for theme in [DARK, LIGHT] {
            let read = window.look(|screen| camera::read_screen(screen, theme, &host.path("screen.png")));
            assert_eq!(
                read.as_deref(),
                Some(format!("otpauth://totp/host.example:daemon?secret={secret}&issuer=host.example&algorithm=SHA1&digits=6&period=30").as_str()),
                "{style} {rows}x{columns} {theme:?}"
            );
        }
        window.press(3);
        assert_eq!(window.end(), 130);
    }
}

#[test]
fn on_a_page_of_its_own_and_with_the_narrowest_quiet_zone_it_is_still_read() {
    let host = Host::new();
    // 45 modules: at 24 rows only a quiet zone of one leaves it on the screen.
    let issuer = "web01.prod.example.com";
    for (rows, columns) in [(24, 80), (25, 50)] {
        let mut window = Window::open(&host, rows, columns, &["enroll", "daemon", "--issuer", issuer]);
        let first = window.wait("a prompt", |screen| {
            screen.contents().contains("Code from the app:") || screen.contents().contains("Press Enter")
        });
        if first.contains("Press Enter") {
            window.type_line("");
            window.wait("the QR code", |screen| {
                screen.contents().contains("Code from the app:") && screen.contents().contains('\u{2588}')
            });
        }
        for theme in [DARK, LIGHT] {
            let read =
                window.look(|screen| camera::read_screen(screen, theme, &host.path("screen.png"))).unwrap_or_default();
            assert!(
                read.starts_with(&format!("otpauth://totp/{issuer}:daemon?secret=")),
                "{rows}x{columns} {theme:?}: {read:?}"
            );
        }
        window.press(3);
        assert_eq!(window.end(), 130);
    }
}

#[test]
fn printed_on_stderr_or_stdout_it_is_read_too() {
    let host = Host::new();
    let secret = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
    for (user, style) in [("daemon", "utf8"), ("games", "ansi")] {
        let stdin = format!("{secret}\n{}\n", Phone::usual(secret).code(0));
        let ran = host.run_with(&["--json", "enroll", user, "--secret-stdin", "--qr", style], &stdin).expect(0);
        let uri = ran.json()["devices"][0]["uri"].as_str().unwrap().to_owned();
        assert_eq!(read_text(&ran.stderr, &host).as_deref(), Some(uri.as_str()));
    }
    let ran = host.run(&["enroll", "bin", "--no-confirm", "--qr", "utf8"]).expect(0);
    let uri = ran.stdout.lines().find_map(|line| line.strip_prefix("uri:")).unwrap().trim();
    assert_eq!(read_text(&ran.stdout, &host).as_deref(), Some(uri));
    let ran = host.run(&["--json", "enroll", "sys", "--no-confirm", "--qr", "utf8"]).expect(0);
    assert_eq!(read_text(&ran.stderr, &host).as_deref(), ran.json()["devices"][0]["uri"].as_str());
}

fn read_text(text: &str, host: &Host) -> Option<String> {
    let mut parser = vt100::Parser::new(100, 120, 0);
    parser.process(text.replace('\n', "\r\n").as_bytes());
    camera::read_screen(parser.screen(), DARK, &host.path("text.png"))
}
