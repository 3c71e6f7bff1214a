// SPDX-License-Identifier: MIT OR Apache-2.0
//! The pictures are what docs/pictures/draw draws, and a phone reads the one that has a code for it.

use std::fs;
use std::process::{Command, Output};

use super::root;

fn output(program: &str, arguments: &[&str]) -> Output {
    let ran = Command::new(program).args(arguments).current_dir(root()).output();
    ran.unwrap_or_else(|failed| panic!("{program}: {failed}"))
}

#[test]
fn every_picture_is_drawn_again_byte_for_byte() {
    let drawn = output("docs/pictures/draw", &["--check"]);
    assert!(drawn.status.success(), "{}", String::from_utf8_lossy(&drawn.stderr));
}

#[test]
fn every_picture_opens_and_is_small_and_says_what_it_shows() {
    let pictures = fs::read_dir(root().join("docs/pictures")).unwrap().map(|entry| entry.unwrap().path());
    let pictures: Vec<_> = pictures.filter(|path| path.extension().is_some_and(|kind| kind == "svg")).collect();
    assert!(pictures.len() > 5, "{pictures:?}");
    for path in pictures {
        let (name, text) = (path.display(), fs::read_to_string(&path).unwrap());
        assert!(text.len() < 100_000 && text.contains("<title>") && text.contains("<desc>"), "{name}");
        assert!(text.contains("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"800\""), "{name}");
        let rendered = output("rsvg-convert", &[path.to_str().unwrap()]);
        assert!(rendered.status.success(), "{name}: {}", String::from_utf8_lossy(&rendered.stderr));
    }
}

/// The secret below the picture and the one in its QR code are the same, so that it is a picture of what was there.
#[test]
fn a_phone_reads_the_code_in_the_picture_of_an_enrollment() {
    let file = root().join("target/enroll-picture.png");
    fs::create_dir_all(file.parent().unwrap()).unwrap();
    let file = file.to_str().unwrap();
    let rendered = output("rsvg-convert", &["--output", file, "docs/pictures/enroll.svg"]);
    assert!(rendered.status.success(), "{}", String::from_utf8_lossy(&rendered.stderr));
    let read = output("zbarimg", &["--quiet", "--raw", file]);
    fs::remove_file(file).unwrap();
    let uri = String::from_utf8_lossy(&read.stdout).into_owned();
    let (_, secret) = uri.split_once("otpauth://totp/server:alice?secret=").unwrap_or_else(|| panic!("{uri}"));
    let groups: Vec<_> = secret.as_bytes()[..32].chunks(4).map(|group| str::from_utf8(group).unwrap()).collect();
    let picture = fs::read_to_string(root().join("docs/pictures/enroll.svg")).unwrap();
    for line in groups.chunks(4) {
        assert!(picture.contains(&line.join(" ")), "{line:?}");
    }
}
