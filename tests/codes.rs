// SPDX-License-Identifier: MIT OR Apache-2.0
//! What is typed, and what comes of it: through libpam, with a real store, codes from oathtool, and a clock that
//! libfaketime sets.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod scene;

use scene::*;

#[test]
fn the_right_code_gets_in_and_is_used_up() {
    let (service, ann) = (Service::alone(""), Person::enrolled("ann"));
    let journal = Journal::mark();
    steady(8);
    let code = ann.code(0);
    let first = attempt(&service, &ann.name, &code);
    assert_eq!((first.answer().as_str(), first.prompts()), ("PAM_SUCCESS", 1), "{}", first.output);
    let second = attempt(&service, &ann.name, &code);
    assert_eq!(second.answer(), "PAM_AUTH_ERR");
    assert!(second.is_plain_refusal(), "{}", second.output);
    let lines = journal.lines(&ann.name);
    assert!(
        lines.contains(&format!("accepted user={}", ann.name)) && lines.contains("source=192.0.2.7 method=totp"),
        "{lines}"
    );
    assert!(lines.contains("cause=\"the last accepted code again\""), "{lines}");
    assert!(!lines.contains(&code), "a code in the log: {lines}");
    assert_eq!(ann.status()["failures"], 0, "a replay of the last code is not charged");
}

#[test]
fn three_steps_are_accepted_in_order_and_none_before_them() {
    let (service, ann) = (Service::alone(""), Person::enrolled("ann"));
    steady(10);
    assert_eq!(attempt(&service, &ann.name, &ann.code(-2)).answer(), "PAM_AUTH_ERR");
    assert_eq!(attempt(&service, &ann.name, &ann.code(2)).answer(), "PAM_AUTH_ERR");
    for steps in [-1, 0, 1] {
        assert_eq!(attempt(&service, &ann.name, &ann.code(steps)).answer(), "PAM_SUCCESS", "{steps}");
    }
    assert_eq!(attempt(&service, &ann.name, &ann.code(0)).answer(), "PAM_AUTH_ERR", "an earlier step");
}

#[test]
fn what_cannot_be_a_code_is_refused_with_one_sentence_and_not_charged() {
    let (service, ann) = (Service::alone(""), Person::enrolled("ann"));
    let four_kib = "1".repeat(4096);
    let mut typo = ann.backup_codes[0].clone();
    let last = if typo.ends_with('0') { '1' } else { '0' };
    typo.pop();
    typo.push(last);
    for (reply, cause) in [
        ("", "not a code: empty"),
        ("   ", "not a code: empty"),
        ("12345", "not the length of a code"),
        ("123456789", "not the length of a code"),
        ("abcdef", "not the symbols of a code"),
        ("12a456", "not the symbols of a code"),
        (four_kib.as_str(), "longer than 512 bytes"),
        (typo.as_str(), "a backup code with a typing error"),
        ("12345678", "no device has codes of this length"),
    ] {
        let journal = Journal::mark();
        let driven = attempt(&service, &ann.name, reply);
        assert_eq!((driven.answer().as_str(), driven.prompts()), ("PAM_AUTH_ERR", 1), "{reply:?}");
        assert!(driven.is_plain_refusal(), "{}", driven.output);
        let lines = journal.lines(&ann.name);
        assert!(lines.contains(cause), "{reply:?}: {lines}");
    }
    assert_eq!(ann.status()["failures"], 0);
}

#[test]
fn a_code_of_another_moment_is_refused_and_counted_and_the_log_says_how_far_off_a_clock_is() {
    let (service, ann) = (Service::alone(""), Person::enrolled("ann"));
    for (nth, (steps, seconds)) in [(1, (10, "+300")), (2, (-4, "-120")), (3, (119, "+3570"))] {
        let journal = Journal::mark();
        steady(4);
        let code = ann.code(steps);
        let driven = attempt(&service, &ann.name, &code);
        assert_eq!((driven.answer().as_str(), driven.is_plain_refusal()), ("PAM_AUTH_ERR", true), "{}", driven.output);
        let lines = journal.lines(&ann.name);
        let cause =
            format!("cause=\"clock drift\" drift_seconds={seconds} remedy=\"compare this host's clock (timedatectl)");
        assert!(lines.contains(&cause) && !lines.contains(&code), "{lines}");
        assert_eq!(ann.status()["failures"], nth, "charged as any wrong code is");
    }
    let journal = Journal::mark();
    assert_eq!(attempt(&service, &ann.name, &ann.code(200)).answer(), "PAM_AUTH_ERR");
    assert!(journal.lines(&ann.name).contains("cause=\"wrong code\""), "too far: {}", journal.lines(""));
    assert_eq!(attempt(&service, &ann.name, &ann.code(0)).answer(), "PAM_SUCCESS");
    let journal = Journal::mark();
    assert_eq!(attempt(&service, &ann.name, &ann.code(-9)).answer(), "PAM_AUTH_ERR");
    assert!(journal.lines(&ann.name).contains("cause=\"wrong code\""), "from before the login: {}", journal.lines(""));
}

/// THREATS V48: at and around libpam's own limit of 512 bytes, and far beyond it.
#[test]
fn a_reply_that_is_too_long_is_refused_however_long_it_is() {
    let (service, ann) = (Service::alone(""), Person::enrolled("ann"));
    for bytes in ["9", "17", "511", "512", "513", "4095", "4096", "65536", "1048576"] {
        let driven = drive(&["--no-delay", "--reply-size", bytes, &service.name, &ann.name]);
        assert_eq!(driven.answer(), "PAM_AUTH_ERR", "{bytes}");
        assert!(driven.is_plain_refusal(), "{}", driven.output);
    }
    assert_eq!(ann.status()["failures"], 0);
}

/// THREATS H-07: a text that cannot be shown is no part of the verdict.
#[test]
fn an_application_that_shows_no_text_changes_no_answer() {
    let (service, ann) = (Service::alone(""), Person::enrolled("ann"));
    for (reply, answer) in [(&ann.backup_codes[0], "PAM_SUCCESS"), (&ann.wrong_code(), "PAM_AUTH_ERR")] {
        let driven = drive(&["--no-delay", "--info-error", "--reply", reply, &service.name, &ann.name]);
        assert_eq!((driven.answer().as_str(), driven.prompts()), (answer, 1), "{}", driven.output);
    }
    assert_eq!((&ann.status()["failures"], &ann.status()["backup_codes_left"]), (&1.into(), &9.into()));
}

#[test]
fn an_application_that_brings_no_reply_is_no_attempt() {
    let (service, ann) = (Service::alone(""), Person::enrolled("ann"));
    for conversation in ["--reply-null", "--reply-none", "--reply-error", "--reply-error-set", "--conv-null"] {
        let driven = drive(&["--no-delay", conversation, &service.name, &ann.name]);
        assert_eq!(driven.answer(), "PAM_CONV_ERR", "{conversation}: {}", driven.output);
    }
    assert_eq!(ann.status()["failures"], 0);
}

#[test]
fn a_wrong_code_is_charged_and_leaves_the_right_one_usable() {
    let (service, ann) = (Service::alone(""), Person::enrolled("ann"));
    steady(8);
    let wrong = attempt(&service, &ann.name, &ann.wrong_code());
    assert_eq!(wrong.answer(), "PAM_AUTH_ERR");
    assert!(wrong.is_plain_refusal());
    assert_eq!(ann.status()["failures"], 1);
    assert_eq!(attempt(&service, &ann.name, &ann.code(0)).answer(), "PAM_SUCCESS");
    assert_eq!(ann.status()["failures"], 0);
}

#[test]
fn a_code_is_read_however_it_is_typed() {
    let (service, ann) = (Service::alone(""), Person::enrolled("ann"));
    steady(10);
    let spaced = |code: String| format!(" {}-{} ", &code[..3], &code[3..]);
    let wide = |code: String| code.chars().map(|c| char::from_u32(u32::from(c) + 0xfee0).unwrap()).collect::<String>();
    assert_eq!(attempt(&service, &ann.name, &spaced(ann.code(-1))).answer(), "PAM_SUCCESS");
    assert_eq!(attempt(&service, &ann.name, &wide(ann.code(0))).answer(), "PAM_SUCCESS");
}

#[test]
fn a_backup_code_gets_in_once_however_it_is_typed_and_says_how_many_are_left() {
    let (service, ann) = (Service::alone(""), Person::enrolled("ann"));
    let codes = &ann.backup_codes;
    let journal = Journal::mark();
    let first = attempt(&service, &ann.name, &codes[0]);
    assert_eq!(first.answer(), "PAM_SUCCESS");
    assert!(first.says("Backup code accepted. 9 backup codes are left."), "{}", first.output);
    for typed in [codes[1].to_lowercase(), codes[2].replace('-', ""), codes[3].replace('-', " ").to_lowercase()] {
        assert_eq!(attempt(&service, &ann.name, &typed).answer(), "PAM_SUCCESS", "{typed}");
    }
    for used in [&codes[0], &codes[3]] {
        let again = attempt(&service, &ann.name, used);
        assert_eq!(again.answer(), "PAM_AUTH_ERR");
        assert!(again.is_plain_refusal());
    }
    let lines = journal.lines(&ann.name);
    assert!(lines.contains("method=backup-code backup_codes_left=9"), "{lines}");
    assert!(lines.contains("cause=\"used backup code\""), "{lines}");
    assert!(!codes.iter().any(|code| lines.contains(code)), "{lines}");
    assert_eq!(ann.status()["backup_codes_left"], 6);
}

/// RFC 6238 appendix B, through the real module, with the clock set by libfaketime.
#[test]
fn the_vectors_of_rfc_6238_get_in_through_the_real_module() {
    let service = Service::alone("");
    let ascii = "1234567890".repeat(7);
    for (algorithm, length, vectors) in [
        (
            "sha1",
            20,
            [
                (59, "94287082"),
                (1_111_111_109, "07081804"),
                (2_000_000_000, "69279037"),
                (20_000_000_000_i64, "65353130"),
            ],
        ),
        (
            "sha256",
            32,
            [(59, "46119246"), (1_111_111_109, "68084774"), (2_000_000_000, "90698825"), (20_000_000_000, "77737706")],
        ),
        (
            "sha512",
            64,
            [(59, "90693936"), (1_111_111_109, "25091201"), (2_000_000_000, "38618901"), (20_000_000_000, "47863826")],
        ),
    ] {
        let ann = Person::stranger("ann");
        let enroll = format!(
            "printf %s '{}' | base32 -w0 | nightlatch enroll {} --secret-stdin --no-confirm --algorithm {algorithm} --digits 8 --quiet",
            &ascii[..length],
            ann.name
        );
        ok("sh", &["-ec", &enroll]);
        for (time, code) in vectors {
            let at = format!("@{}", ok("date", &["-u", "-d", &format!("@{time}"), "+%F %T"]).trim());
            let login =
                ["-f", at.as_str(), "/opt/nightlatch/driver", "--no-delay", "--reply", code, &service.name, &ann.name];
            let output = std::process::Command::new("faketime").env("TZ", "UTC").args(login).output().unwrap();
            let seen = String::from_utf8_lossy(&output.stdout);
            assert!(seen.contains("authenticate 0 PAM_SUCCESS"), "{algorithm} {time}: {seen}");
        }
    }
}

#[test]
fn a_used_code_stays_used_when_the_clock_is_set_back() {
    let (service, ann) = (Service::alone(""), Person::enrolled("ann"));
    let login = |seconds: &str, code: &str| {
        let output = run(
            "faketime",
            &["-f", seconds, "/opt/nightlatch/driver", "--no-delay", "--reply", code, &service.name, &ann.name],
        );
        String::from_utf8_lossy(&output.stdout).contains("PAM_SUCCESS")
    };
    steady(8);
    let code = ann.code(20);
    assert!(login("+600s", &code), "accepted ten minutes from now");
    for offset in ["+600s", "+570s", "+630s", "+590s"] {
        assert!(!login(offset, &code), "{offset}");
    }
    assert!(!login("+0s", &ann.code(0)), "a step before the last accepted one");
}

#[test]
fn every_hook_answers_on_purpose() {
    in_the_bed();
    let all = Service::new(
        "auth required pam_nightlatch.so\naccount required pam_nightlatch.so\naccount required pam_permit.so\n\
         session required pam_nightlatch.so\nsession required pam_permit.so\n\
         password required pam_nightlatch.so\npassword required pam_permit.so\n",
    );
    let ann = Person::enrolled("ann");
    let driven = drive(&[
        "--no-delay",
        "--reply",
        &ann.backup_codes[0],
        &all.name,
        &ann.name,
        "authenticate",
        "setcred",
        "account",
        "open",
        "close",
        "chauthtok",
    ]);
    assert_eq!(driven.answers(), ["PAM_SUCCESS"; 6], "{}", driven.output);
    // Alone, "ignore" is no verdict, and libpam refuses: so nobody passes by those hooks of ours.
    let alone = Service::new("auth required pam_nightlatch.so\naccount required pam_nightlatch.so\n");
    let driven = drive(&["--no-delay", &alone.name, &ann.name, "account"]);
    assert_ne!(driven.answer(), "PAM_SUCCESS");
}
