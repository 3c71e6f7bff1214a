// SPDX-License-Identifier: MIT OR Apache-2.0
//! `enroll` without a person: from Ansible, from a script, with a secret that there is already.

use serde_json::json;

use crate::host::Host;
use crate::phone::{Phone, Token};

const SECRET: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";

#[test]
fn the_object_has_every_field_that_a_machine_was_promised() {
    let host = Host::new();
    let object = host.run(&["--json", "enroll", "daemon", "--no-confirm", "--issuer", "ACME & Co"]).expect(0).json();
    let secret = object["devices"][0]["secret"].as_str().unwrap().to_owned();
    assert_eq!(secret.len(), 32);
    let codes = object["backup_codes"].clone();
    assert_eq!(codes.as_array().unwrap().len(), 10);
    assert_eq!(
        object,
        json!({
            "schema": 1, "changed": true, "user": "daemon", "uid": 1,
            "devices": [{
                "name": "phone", "kind": "totp", "algorithm": "sha1", "digits": 6, "period": 30, "counter": null,
                "secret": secret,
                "uri": format!("otpauth://totp/ACME%20%26%20Co:daemon?secret={secret}&issuer=ACME%20%26%20Co&algorithm=SHA1&digits=6&period=30"),
            }],
            "backup_codes": codes,
        })
    );
}

#[test]
fn every_setting_reaches_app_and_record() {
    let host = Host::new();
    let options = [
        "--issuer",
        "Corp",
        "--account",
        "d@corp",
        "--device",
        "token 7",
        "--algorithm",
        "sha512",
        "--digits",
        "8",
        "--period",
        "60",
        "--backup-codes",
        "3",
    ];
    let ran = host.run(&[&["--json", "enroll", "daemon", "--no-confirm"], &options[..]].concat()).expect(0);
    let object = ran.json();
    let device = &object["devices"][0];
    assert!(device["uri"].as_str().unwrap().starts_with("otpauth://totp/Corp:d%40corp?secret="));
    assert!(device["uri"].as_str().unwrap().ends_with("&issuer=Corp&algorithm=SHA512&digits=8&period=60"));
    assert_eq!(device["secret"].as_str().unwrap().len(), 103);
    assert_eq!(object["backup_codes"].as_array().unwrap().len(), 3);
    for app in ["Microsoft Authenticator", "8 digits", "60 seconds"] {
        assert!(ran.stderr.contains(app), "{app}: {}", ran.stderr);
    }
    let enrolled_at = host.status("daemon")["enrolled_at"].clone();
    assert_eq!(
        host.status("daemon")["devices"],
        json!([{
            "name": "token 7", "kind": "totp", "algorithm": "sha512", "digits": 8, "period": 60, "offset": 0,
            "added_at": enrolled_at, "last_used": null,
        }])
    );
    host.run_with(&["verify", "daemon"], &Phone::of(&object).code(0)).expect(0);
}

#[test]
fn the_sites_defaults_hold_where_nothing_else_is_said() {
    let host = Host::with(
        "[enroll]\nissuer = 'Site'\naccount = '{user}@{host}'\nalgorithm = 'sha256'\ndigits = 8\nperiod = 60\nbackup_codes = 0",
    );
    let object = host.enrolled("daemon");
    let device = &object["devices"][0];
    let uri = device["uri"].as_str().unwrap();
    assert!(uri.starts_with("otpauth://totp/Site:daemon%40"), "{uri}");
    assert_eq!(
        (device["algorithm"].as_str(), device["digits"].as_u64(), device["period"].as_u64()),
        (Some("sha256"), Some(8), Some(60))
    );
    assert_eq!(object["backup_codes"], json!([]));
}

#[test]
fn with_nothing_to_confirm_with_nobody_is_enrolled() {
    let host = Host::new();
    let ran = host.run(&["enroll", "daemon", "--json"]).expect(2);
    assert_eq!(ran.json()["error"]["kind"], "no-code");
    assert!(!ran.stderr.contains("Type this secret"), "no secret is shown in vain: {}", ran.stderr);
    assert_eq!(host.status("daemon")["enrolled"], false);
    host.run_with(&["enroll", "daemon", "--secret-stdin"], &format!("{SECRET}\n")).expect(2);
    assert_eq!(host.status("daemon")["enrolled"], false);
}

#[test]
fn a_secret_from_stdin_is_confirmed_by_the_codes_on_the_next_lines() {
    let host = Host::new();
    let phone = Phone::usual(SECRET);
    let stdin = format!("{SECRET}\n{}\n{}\n", phone.wrong_code(), phone.code(0));
    let ran = host.run_with(&["--json", "enroll", "daemon", "--secret-stdin"], &stdin).expect(0);
    assert_eq!(ran.json()["devices"][0]["secret"], SECRET);
    // The confirming code is used.
    let again = host.run_with(&["--json", "verify", "daemon"], &phone.code(0));
    assert!(again.status == 3 || again.stdout.contains("accepted"), "only a step that passed meanwhile may be right");
    host.run_with(&["verify", "daemon"], &phone.code(1)).expect(0);
}

#[test]
fn three_wrong_codes_enroll_nobody() {
    let host = Host::new();
    let wrong = Phone::usual(SECRET).wrong_code();
    let stdin = format!("{SECRET}\n{wrong}\n{wrong}\n{wrong}\n{}\n", Phone::usual(SECRET).code(0));
    let ran = host.run_with(&["--json", "enroll", "daemon", "--secret-stdin"], &stdin).expect(3);
    assert_eq!(ran.json()["error"]["kind"], "refused");
    assert!(!ran.stdout.contains(SECRET) && !ran.stderr.contains(SECRET) && !ran.stderr.contains(&wrong), "{ran:?}");
    assert_eq!(host.status("daemon")["enrolled"], false);
}

#[test]
fn wrong_codes_and_then_none_are_a_refusal() {
    let host = Host::new();
    let stdin = format!("{SECRET}\n{}\n", Phone::usual(SECRET).wrong_code());
    host.run_with(&["enroll", "daemon", "--secret-stdin"], &stdin).expect(3);
}

#[test]
fn a_short_secret_is_taken_by_name_only() {
    let host = Host::new();
    let short = "JBSWY3DPEHPK3PXP";
    let ran = host.run_with(&["--json", "enroll", "daemon", "--secret-stdin", "--no-confirm"], short).expect(2);
    assert_eq!(ran.json()["error"]["kind"], "secret");
    assert!(ran.stderr.contains("--allow-short-secret") && !ran.stderr.contains(short), "{ran:?}");
    let options = ["--json", "enroll", "daemon", "--secret-stdin", "--no-confirm", "--allow-short-secret"];
    assert_eq!(host.run_with(&options, short).expect(0).json()["devices"][0]["secret"], short);
}

#[test]
fn what_is_no_secret_is_refused_and_not_repeated() {
    let host = Host::new();
    for not_base32 in ["not a secret 189", "", "JBSWY3D1"] {
        let ran = host.run_with(&["enroll", "daemon", "--secret-stdin", "--no-confirm"], not_base32).expect(2);
        assert!(not_base32.is_empty() || !ran.stderr.contains(not_base32), "{ran:?}");
    }
}

#[test]
fn without_a_code_the_text_has_secret_uri_and_backup_codes_and_no_picture() {
    let host = Host::new();
    let ran = host.run(&["enroll", "daemon", "--no-confirm"]).expect(0);
    let uri = ran.stdout.lines().find_map(|line| line.strip_prefix("uri:")).unwrap().trim();
    let secret = ran.stdout.lines().find_map(|line| line.strip_prefix("secret:")).unwrap().trim();
    assert!(uri.contains(secret));
    assert_eq!(
        ran.stdout
            .lines()
            .filter(|line| line.trim().len() == "10  ABCD-EFGH-JKMN-PQRS".len() - 1 || line.contains("10  "))
            .count(),
        10
    );
    assert!(!ran.stdout.contains('\u{1b}') && ran.stderr.is_empty(), "{ran:?}");
}

#[test]
fn with_a_code_the_text_never_has_the_secret_on_stdout() {
    let host = Host::new();
    let stdin = format!("{SECRET}\n{}\n", Phone::usual(SECRET).code(0));
    let ran = host.run_with(&["enroll", "daemon", "--secret-stdin", "--qr", "utf8"], &stdin).expect(0);
    assert!(ran.stdout.contains("daemon is enrolled") && ran.stdout.contains("Backup codes"), "{ran:?}");
    assert!(!ran.stdout.contains(SECRET) && !ran.stderr.contains(SECRET));
    assert!(ran.stderr.contains('\u{2588}') && !ran.stdout.contains('\u{2588}'), "the QR code is on stderr");
}

#[test]
fn a_program_at_the_other_end_of_a_pipe_reads_the_secret_on_stderr_and_answers() {
    use std::io::{BufRead as _, BufReader, Read as _, Write as _};
    use std::process::{Command, Stdio};
    let host = Host::new();
    let mut child = Command::new(crate::host::BINARY)
        .arg("--config")
        .arg(host.config())
        .args(["enroll", "daemon"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stderr.take().unwrap()).lines().map_while(Result::ok);
    let is_group = |word: &str| word.len() == 4 && word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
    let mut secret = String::new();
    for line in lines {
        if line.starts_with("Issuer") {
            break;
        }
        if !line.is_empty() && line.split(' ').all(is_group) {
            secret.push_str(&line);
        }
    }
    writeln!(child.stdin.take().unwrap(), "{}", Phone::usual(&secret).code(0)).unwrap();
    let mut stdout = String::new();
    child.stdout.take().unwrap().read_to_string(&mut stdout).unwrap();
    assert!(child.wait().unwrap().success());
    assert!(stdout.contains("Backup codes") && !stdout.contains(&secret.replace(' ', "")));
}

#[test]
fn quiet_leaves_results_only() {
    let host = Host::new();
    let ran = host.run(&["--quiet", "enroll", "daemon", "--no-confirm", "--digits", "8"]).expect(0);
    assert!(ran.stderr.is_empty() && ran.stdout.contains("secret:"), "{ran:?}");
}

#[test]
fn a_token_with_a_button_is_a_first_device_and_its_counter_is_stored_past_the_first_code() {
    let host = Host::new();
    let mut token = Token::usual(SECRET);
    token.counter = 7;
    let stdin = format!("{SECRET}\n{}\n{}\n", token.code(6), token.press());
    let options = ["--json", "enroll", "daemon", "--hotp", "--counter", "7", "--secret-stdin"];
    let ran = host.run_with(&options, &stdin).expect(0);
    let device = ran.json()["devices"][0].clone();
    assert!(ran.stderr.contains("counter-based"), "{ran:?}");
    assert_eq!(
        (&device["name"], &device["kind"], &device["period"], &device["counter"]),
        (&json!("token"), &json!("hotp"), &json!(null), &json!(7))
    );
    assert_eq!(Token::scanned(device["uri"].as_str().unwrap()).counter, 7);
    for used in 5..=7 {
        host.run_with(&["verify", "daemon"], &token.code(used)).expect(3);
    }
    host.run(&["unlock", "daemon"]).expect(0);
    host.run_with(&["verify", "daemon"], &token.press()).expect(0);
    let status = host.status("daemon")["devices"][0].clone();
    assert_eq!((&status["kind"], &status["offset"]), (&json!("hotp"), &json!(null)));
}

#[test]
fn a_first_code_of_a_counter_is_found_a_little_ahead_and_not_behind() {
    let host = Host::new();
    let token = Token::usual(SECRET);
    for (code, status) in [(token.code(99), 3), (token.code(110), 3), (token.code(109), 0)] {
        let options = ["enroll", "daemon", "--hotp", "--counter", "100", "--secret-stdin", "--quiet"];
        host.run_with(&options, &format!("{SECRET}\n{code}\n")).expect(status);
    }
    host.run_with(&["verify", "daemon"], &token.code(110)).expect(0);
}

#[test]
fn a_counter_belongs_to_a_token_and_a_period_to_none() {
    let host = Host::new();
    host.run(&["enroll", "daemon", "--no-confirm", "--counter", "7"]).expect(2);
    host.run(&["enroll", "daemon", "--no-confirm", "--hotp", "--period", "60"]).expect(2);
    host.run(&["enroll", "daemon", "--no-confirm", "--hotp", "--counter", "9223372036854775808"]).expect(2);
    assert_eq!(host.status("daemon")["enrolled"], false);
}
