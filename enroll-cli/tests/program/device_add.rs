// SPDX-License-Identifier: MIT OR Apache-2.0
//! `device add`: one device more, by hand and unattended.

use std::fs;

use serde_json::json;

use crate::camera;
use crate::host::Host;
use crate::phone::{Phone, Token};
use crate::window::Window;

const SECRET: &str = "MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U";

#[test]
fn the_object_has_every_field_that_a_machine_was_promised() {
    let host = Host::new();
    host.enrolled("daemon");
    let options = ["--issuer", "ACME", "--name", "tablet", "--digits", "8", "--quiet"];
    let object =
        host.run(&[&["--json", "device", "add", "daemon", "--no-confirm"], &options[..]].concat()).expect(0).json();
    let secret = object["device"]["secret"].as_str().unwrap().to_owned();
    assert_eq!(
        object,
        json!({
            "schema": 1, "changed": true, "user": "daemon", "uid": 1,
            "device": {
                "name": "tablet", "kind": "totp", "algorithm": "sha1", "digits": 8, "period": 30, "counter": null,
                "secret": secret,
                "uri": format!("otpauth://totp/ACME:daemon?secret={secret}&issuer=ACME&algorithm=SHA1&digits=8&period=30"),
            },
        })
    );
    host.run_with(&["verify", "daemon"], &Phone::scanned(object["device"]["uri"].as_str().unwrap()).code(0)).expect(0);
}

#[test]
fn the_old_device_the_backup_codes_and_the_failures_stay() {
    let host = Host::new();
    let enrolled = host.enrolled("daemon");
    let phone = Phone::of(&enrolled);
    host.run_with(&["verify", "daemon"], enrolled["backup_codes"][0].as_str().unwrap()).expect(0);
    host.run_with(&["verify", "daemon"], &phone.code(0)).expect(0);
    host.run_with(&["verify", "daemon"], &phone.wrong_code()).expect(3);
    let before = host.status("daemon");
    host.run_with(&["device", "add", "daemon", "--no-confirm", "--secret-stdin"], SECRET).expect(0);
    let after = host.status("daemon");
    for same in ["enrolled_at", "backup_codes_left", "failures", "lock", "last_login"] {
        assert_eq!(before[same], after[same], "{same}");
    }
    assert_eq!(before["devices"][0], after["devices"][0]);
    assert_eq!(after["devices"][1]["name"], "phone 2");
    host.run_with(&["verify", "daemon"], &Phone::usual(SECRET).code(0)).expect(0);
    host.run_with(&["verify", "daemon"], &phone.code(1)).expect(0);
    host.run_with(&["verify", "daemon"], enrolled["backup_codes"][0].as_str().unwrap()).expect(3);
}

#[test]
fn a_code_of_the_new_device_confirms_and_is_used_and_no_other_code_confirms() {
    let host = Host::new();
    let enrolled = host.enrolled("daemon");
    let before = fs::read(host.record(1)).unwrap();
    let others = format!("{}\n{}\n", Phone::of(&enrolled).code(0), enrolled["backup_codes"][0].as_str().unwrap());
    let ran = host.run_with(&["--json", "device", "add", "daemon", "--secret-stdin"], &format!("{SECRET}\n{others}"));
    assert_eq!(ran.expect(3).json()["error"]["kind"], "refused");
    assert_eq!(fs::read(host.record(1)).unwrap(), before, "nothing was added, used or counted");
    let mut token = Token::usual(SECRET);
    let stdin = format!("{SECRET}\n{}\n", token.press());
    let ran = host.run_with(&["device", "add", "daemon", "--hotp", "--secret-stdin"], &stdin).expect(0);
    assert!(ran.stdout.contains("'token' of daemon is added") && !ran.stdout.contains("ackup"), "{ran:?}");
    assert!(!ran.stdout.contains(SECRET) && !ran.stderr.contains(SECRET));
    host.run_with(&["verify", "daemon"], &token.code(0)).expect(3);
    host.run_with(&["verify", "daemon"], &token.press()).expect(0);
}

#[test]
fn on_a_terminal_it_goes_as_enroll_does_and_leaves_no_secret() {
    let host = Host::new();
    host.enrolled("daemon");
    let mut window = Window::open(&host, 24, 80, &["device", "add", "daemon", "--name", "tablet"]);
    let screen = window.wait_for("Code from the app:");
    assert!(screen.contains("'tablet' for daemon (uid 1)") && screen.contains("time-based (TOTP)"), "{screen}");
    assert!(window.look(vt100::Screen::alternate_screen));
    let secret = window.secret();
    // Nothing is locked meanwhile.
    host.run(&["unlock", "daemon"]).expect(0);
    window.type_line(&Phone::usual(&secret).code(0));
    assert_eq!(window.end(), 0);
    let left = window.all_that_is_left();
    assert!(left.contains("'tablet' of daemon is added"), "{left}");
    assert!(!left.contains(&secret[..4]) && !left.contains('\u{2588}'), "{left}");
    assert_eq!(host.status("daemon")["devices"][1]["name"], "tablet");
}

#[test]
fn the_camera_reads_a_counter_off_the_symbol_and_the_screen_shows_it() {
    let host = Host::new();
    host.enrolled("daemon");
    let png = host.path("token.png");
    let options = ["--hotp", "--counter", "41", "--qr-png", png.to_str().unwrap()];
    let mut window = Window::open(&host, 40, 100, &[&["device", "add", "daemon"], &options[..]].concat());
    let screen = window.wait_for("Code from the app:");
    assert!(screen.contains("counter-based (HOTP)") && screen.contains("Counter") && screen.contains("41"), "{screen}");
    assert!(!screen.contains("Period"), "{screen}");
    let mut token = Token::scanned(&camera::read(&png).expect("the camera reads it"));
    assert_eq!(token.counter, 41);
    window.type_line(&token.press());
    assert_eq!(window.end(), 0);
    host.run_with(&["verify", "daemon"], &token.press()).expect(0);
    assert!(png.exists());
}

#[test]
fn what_was_given_up_leaves_neither_device_nor_file() {
    let host = Host::new();
    host.enrolled("daemon");
    let before = fs::read(host.record(1)).unwrap();
    let png = host.path("tablet.png");
    let options = ["--name", "tablet", "--qr-png", png.to_str().unwrap()];
    let mut window = Window::open(&host, 24, 80, &[&["device", "add", "daemon"], &options[..]].concat());
    window.wait_for("Code from the app:");
    assert!(png.exists());
    window.press(3);
    assert_eq!(window.end(), 130);
    assert!(!png.exists());
    assert_eq!(fs::read(host.record(1)).unwrap(), before);
}

#[test]
fn a_record_that_changed_while_somebody_typed_is_not_written_over() {
    let host = Host::new();
    host.enrolled("daemon");
    let mut window = Window::open(&host, 24, 80, &["device", "add", "daemon", "--name", "tablet"]);
    window.wait_for("Code from the app:");
    let secret = window.secret();
    host.run(&["device", "rename", "daemon", "phone", "old phone"]).expect(0);
    let before = fs::read(host.record(1)).unwrap();
    window.type_line(&Phone::usual(&secret).code(0));
    assert_eq!(window.end(), 1);
    assert!(window.all_that_is_left().contains("was changed by somebody else"), "{}", window.all_that_is_left());
    assert_eq!(fs::read(host.record(1)).unwrap(), before);
}

#[test]
fn a_name_or_a_secret_that_is_taken_is_refused_with_status_five() {
    let host = Host::new();
    host.run_with(&["enroll", "daemon", "--secret-stdin", "--no-confirm"], SECRET).expect(0);
    let before = fs::read(host.record(1)).unwrap();
    for (options, kind) in
        [(&["--name", "PHONE"][..], "name-taken"), (&["--name", "x", "--secret-stdin"], "secret-taken")]
    {
        let arguments = [&["--json", "device", "add", "daemon", "--no-confirm"], options].concat();
        assert_eq!(host.run_with(&arguments, SECRET).expect(5).json()["error"]["kind"], kind);
    }
    host.run(&["device", "add", "daemon", "--no-confirm", "--name", "tab\there"]).expect(2);
    assert_eq!(fs::read(host.record(1)).unwrap(), before);
}

#[test]
fn eight_devices_all_work_and_a_ninth_is_refused() {
    let host = Host::new();
    let mut phones = vec![Phone::of(&host.enrolled("daemon"))];
    let mut tokens = Vec::new();
    for n in 0..7 {
        let kind: &[&str] = if n % 2 == 0 { &["--hotp"] } else { &[] };
        let added = host.run(&[&["--json", "--quiet", "device", "add", "daemon", "--no-confirm"], kind].concat());
        let uri = added.expect(0).json()["device"]["uri"].as_str().unwrap().to_owned();
        if n % 2 == 0 { tokens.push(Token::scanned(&uri)) } else { phones.push(Phone::scanned(&uri)) }
    }
    let ran = host.run(&["--json", "device", "add", "daemon", "--no-confirm"]).expect(1);
    assert_eq!(ran.json()["error"]["kind"], "too-many-devices");
    for code in phones.iter().map(|phone| phone.code(0)).chain(tokens.iter_mut().map(Token::press)) {
        host.run_with(&["verify", "daemon"], &code).expect(0);
    }
    assert_eq!(host.status("daemon")["devices"].as_array().unwrap().len(), 8);
    host.run(&["device", "remove", "daemon", "phone 3", "--yes"]).expect(0);
    let again = host.run(&["--json", "device", "add", "daemon", "--no-confirm"]).expect(0).json();
    assert_eq!(again["device"]["name"], "phone 3", "the name is free again");
}

#[test]
fn with_nothing_to_confirm_with_no_device_is_added() {
    let host = Host::new();
    host.enrolled("daemon");
    let ran = host.run(&["device", "add", "daemon", "--json"]).expect(2);
    assert_eq!(ran.json()["error"]["kind"], "no-code");
    assert_eq!(host.status("daemon")["devices"].as_array().unwrap().len(), 1);
}
