// SPDX-License-Identifier: MIT OR Apache-2.0
//! The module as libpam loads it, from sources into which tests/bed/panicking puts panics: in each hook, and at each
//! stage of a login. The application lives, hears PAM_ABORT and sees nothing else.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]

mod scene;

use std::process::Output;

use scene::*;

const DRIVER: &str = "/opt/nightlatch/driver";
const MODULE: &str = "/opt/nightlatch/panicking/pam_nightlatch.so nullok";

/// A yes beside each line of ours: to ignore would be to let in.
fn panicking() -> Service {
    let lines = ["auth", "account", "session", "password"]
        .map(|kind| format!("{kind} required {MODULE}\n{kind} required pam_permit.so\n"));
    Service::new(&lines.concat())
}

fn drive_to(place: &str, words: &[&str]) -> Output {
    in_the_bed();
    let place = format!("NIGHTLATCH_PANICS_AT={place}");
    // What would make a default panic hook speak at length.
    let environment = [place.as_str(), "RUST_BACKTRACE=full", "RUST_LIB_BACKTRACE=1"];
    run("env", &[&environment[..], &["timeout", "30", DRIVER, "--no-delay"], words].concat())
}

/// It ended by itself, and said nothing but what the driver says.
fn lives_and_is_silent(place: &str, output: &Output) -> Driven {
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.code() == Some(1) && stderr.is_empty(), "{place}: {output:?}");
    assert!(!stdout.contains("panicked") && !stdout.contains("123456"), "{place}: {stdout}");
    Driven { output: stdout.into_owned() }
}

#[test]
fn a_panic_in_any_hook_is_an_abort_and_the_application_lives() {
    let (service, ann) = (panicking(), Person::enrolled("ann"));
    let hooks = ["authenticate", "setcred", "delcred", "account", "open", "close", "chauthtok"];
    for place in ["hook", "hook!"] {
        for hook in hooks {
            let journal = Journal::mark();
            let output = drive_to(place, &["--reply", &ann.backup_codes[0], &service.name, &ann.name, hook, hook]);
            let driven = lives_and_is_silent(place, &output);
            let aborts = driven.output.matches(" 26 PAM_ABORT\n").count();
            assert_eq!((aborts, driven.prompts()), (2, 0), "{hook}: {}", driven.output);
            let lines = journal.lines(&service.name);
            assert_eq!(lines.matches(": panic at=").count(), 2, "{hook}: {lines}");
            assert!(lines.contains(" remedy=\"report this line as a bug\"") && !lines.contains("123456"), "{lines}");
        }
    }
    // Where nothing panics this very module works.
    let login = ["--reply", ann.backup_codes[0].as_str(), &service.name, &ann.name];
    let output = drive_to("nowhere", &[&login[..], &hooks].concat());
    assert!(output.status.success(), "{output:?}");
}

#[test]
fn a_panic_at_any_stage_of_a_login_lets_nobody_in_and_holds_no_lock() {
    let (service, strict) = (panicking(), Service::alone(""));
    let (ann, bob) = (Person::enrolled("ann"), Person::stranger("bob"));
    let mut backup_codes = ann.backup_codes.iter();
    let (last, wrong) = (&ann.backup_codes[9], ann.wrong_code());
    let (right, typed_wrong, nothing) = ("a backup code", wrong.as_str(), "123456");
    for (place, name, reply) in [
        ("before-asking", &ann.name, right),
        ("conversation", &ann.name, right),
        ("locked", &ann.name, right),
        ("judged", &ann.name, right),
        ("committed", &ann.name, right),
        ("remember", &ann.name, right),
        ("log", &ann.name, right),
        ("tell", &ann.name, right),
        ("suggest_delay", &ann.name, typed_wrong),
        ("tell", &ann.name, typed_wrong),
        ("log", &bob.name, nothing),
        ("remember", &bob.name, nothing),
    ] {
        let code = if reply == right { backup_codes.next().unwrap() } else { reply };
        for place in [place, &format!("{place}!")] {
            let journal = Journal::mark();
            let words = ["--repeat", "3", "--state", "--reply", code, "--reply", code, &service.name, name];
            let twice = ["authenticate", "authenticate", "account"];
            let driven = lives_and_is_silent(place, &drive_to(place, &[&words[..], &twice].concat()));
            // A lock that is held would be waited for, and be another answer.
            let answers = driven.answers();
            let gone_on = ["PAM_ABORT", "PAM_ABORT", "PAM_SUCCESS"].repeat(3);
            assert_eq!(answers, gone_on, "{place} {name}: {}", driven.output);
            let ends: Vec<_> = driven.output.lines().filter(|line| line.starts_with("state end ")).collect();
            assert!(ends.len() == 3 && ends[1] == ends[2], "{place}: {ends:#?}");
            let lines = journal.lines(&service.name);
            let panics = lines.matches(": panic at=").count();
            assert_eq!(panics, if place.starts_with("log") { 0 } else { 6 }, "{place}: {lines}");
            assert!(!lines.contains("123456") && !lines.contains(code), "{place}: {lines}");
        }
        ok("nightlatch", &["unlock", &ann.name]);
        let again = usize::from(attempt(&strict, &ann.name, code).answer() == "PAM_SUCCESS");
        let committed = ["committed", "remember", "log", "tell"].contains(&place);
        assert_eq!(again, usize::from(reply == right && !committed), "{place}: accepted is used, and nothing else is");
        ok("nightlatch", &["unlock", &ann.name]);
    }
    assert_eq!(attempt(&strict, &ann.name, last).answer(), "PAM_SUCCESS");
}
