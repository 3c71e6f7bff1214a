// SPDX-License-Identifier: MIT OR Apache-2.0
//! `device resync`: two codes of a device that is out of step.

use std::fs;

use serde_json::json;

use crate::host::Host;
use crate::phone::{Phone, Token};
use crate::window::Window;

fn lines(codes: &[String; 2]) -> String {
    format!("{}\n{}\n", codes[0], codes[1])
}

#[test]
fn a_clock_that_is_hours_off_is_set_right_and_shown_and_both_codes_are_used() {
    for (ahead, word) in [(7200, "s ahead"), (-7200, "s behind")] {
        let host = Host::new();
        let phone = Phone::of(&host.enrolled("daemon")).ahead(ahead);
        host.run_with(&["verify", "daemon"], &phone.code(0)).expect(3);
        let pair = phone.pair(0);
        let ran = host.run_with(&["--json", "device", "resync", "daemon"], &lines(&pair)).expect(0);
        let object = ran.json();
        let offset = object["offset"].as_i64().unwrap();
        assert!((ahead..=ahead + 30).contains(&offset) && offset % 30 == 0, "{offset}");
        assert_eq!(
            object,
            json!({ "schema": 1, "changed": true, "user": "daemon", "uid": 1, "device": "phone", "offset": offset })
        );
        for used in &pair {
            host.run_with(&["verify", "daemon"], used).expect(3);
        }
        host.run_with(&["verify", "daemon"], &phone.code(2)).expect(0);
        assert_eq!(host.status("daemon")["devices"][0]["offset"], offset);
        let listed = host.run(&["device", "list", "daemon"]).expect(0).stdout;
        assert!(listed.contains(&format!(" {offset:+} s ")), "{listed}");
        assert!(host.run(&["status", "daemon"]).stdout.contains(&format!("offset {offset:+} s")));
        let ran = host.run_with(&["device", "resync", "daemon"], &lines(&phone.pair(3))).expect(0);
        assert!(ran.stdout.contains(word), "{ran:?}");
    }
}

#[test]
fn a_wrong_pair_is_status_three_changes_nothing_and_is_not_charged() {
    let host = Host::new();
    let phone = Phone::of(&host.enrolled("daemon"));
    let before = fs::read(host.record(1)).unwrap();
    let [one, other] = phone.pair(0);
    for (first, second) in
        [(&*other, &*one), (&one, &one), (&one, "000000"), ("12345678", &one), (&one, "no code at all"), (&one, "")]
    {
        let ran = host.run_with(&["--json", "device", "resync", "daemon"], &format!("{first}\n{second}\n")).expect(3);
        assert_eq!(ran.json()["error"]["kind"], "refused");
        for code in [first, second].into_iter().filter(|code| code.len() == 6) {
            assert!(!ran.stderr.contains(code) && !ran.stdout.contains(code), "{ran:?}");
        }
    }
    host.run_with(&["device", "resync", "daemon"], &format!("{one}\n")).expect(2);
    host.run(&["device", "resync", "daemon"]).expect(2);
    assert_eq!(fs::read(host.record(1)).unwrap(), before);
}

#[test]
fn a_token_that_was_pressed_too_often_is_caught_up_with_and_never_called_back() {
    let host = Host::new();
    let added = host.run(&["--json", "--quiet", "enroll", "daemon", "--hotp", "--no-confirm"]).expect(0).json();
    let token = Token::scanned(added["devices"][0]["uri"].as_str().unwrap());
    host.run_with(&["verify", "daemon"], &token.code(400)).expect(3);
    let pair = |first| lines(&[token.code(first), token.code(first + 1)]);
    let ran = host.run_with(&["--json", "device", "resync", "daemon"], &pair(400));
    assert_eq!(ran.expect(0).json()["offset"], json!(null));
    for used in [399, 400, 401] {
        host.run_with(&["verify", "daemon"], &token.code(used)).expect(3);
    }
    host.run(&["unlock", "daemon"]).expect(0);
    host.run_with(&["device", "resync", "daemon"], &pair(300)).expect(3);
    host.run_with(&["verify", "daemon"], &token.code(402)).expect(0);
}

#[test]
fn of_several_devices_one_is_named_and_the_others_stay_as_they_are() {
    let host = Host::new();
    let phone = Phone::of(&host.enrolled("daemon"));
    let added = host.run(&["--json", "device", "add", "daemon", "--name", "tablet", "--no-confirm"]).expect(0).json();
    let tablet = Phone::scanned(added["device"]["uri"].as_str().unwrap()).ahead(-3600);
    let codes = lines(&tablet.pair(0));
    let ran = host.run_with(&["--json", "device", "resync", "daemon"], &codes).expect(2);
    assert!(ran.stderr.contains("'phone', 'tablet'"), "{ran:?}");
    assert_eq!(
        host.run_with(&["--json", "device", "resync", "daemon", "x"], &codes).expect(4).json()["error"]["kind"],
        "no-device"
    );
    host.run_with(&["device", "resync", "daemon", "phone"], &codes).expect(3);
    host.run_with(&["device", "resync", "daemon", "TABLET"], &codes).expect(0);
    assert_eq!(host.status("daemon")["devices"][0]["offset"], 0);
    host.run_with(&["verify", "daemon"], &phone.code(0)).expect(0);
    host.run_with(&["verify", "daemon"], &tablet.code(2)).expect(0);
}

#[test]
fn on_a_terminal_both_codes_are_asked_for_and_neither_is_shown() {
    let host = Host::new();
    let phone = Phone::of(&host.enrolled("daemon")).ahead(600);
    let mut window = Window::open(&host, 24, 80, &["device", "resync", "daemon"]);
    window.wait_for("A code of 'phone':");
    let [first, second] = phone.pair(0);
    window.type_line(&first);
    window.wait_for("The code right after it:");
    // Nothing is locked meanwhile.
    host.run(&["unlock", "daemon"]).expect(0);
    window.type_line(&second);
    assert_eq!(window.end(), 0);
    let left = window.all_that_is_left();
    assert!(left.contains("is set right") && !left.contains(&first) && !left.contains(&second), "{left}");
}

/// An administrator sets the device right; whether the person may try again is another question.
#[test]
fn a_wait_neither_hinders_it_nor_ends_by_it() {
    let host = Host::with("[throttle]\nfree_failures = 0\nfirst_wait = 3000\nlong_wait = 3000");
    let phone = Phone::of(&host.enrolled("daemon")).ahead(3600);
    host.run_with(&["verify", "daemon"], &phone.code(0)).expect(3);
    assert_eq!(host.status("daemon")["lock"], "waiting");
    host.run_with(&["device", "resync", "daemon"], &lines(&phone.pair(0))).expect(0);
    assert_eq!(host.status("daemon")["lock"], "waiting");
}
