// SPDX-License-Identifier: MIT OR Apache-2.0
//! Settings as an administrator may write them: what holds, what is refused, and where the error points.

use proptest::prelude::*;

use super::*;
use crate::policy::NotEnrolledRule;

fn parse(text: &str) -> Result<Config, String> {
    Config::parse(text.as_bytes(), Path::new("/c.toml")).map_err(|error| error.to_string())
}

#[test]
fn the_text_that_init_writes_says_what_holds_without_it() {
    let uncommented: String = COMMENTED_DEFAULT
        .lines()
        .map(|line| line.strip_prefix("#= ").unwrap_or(line))
        .map(|l| format!("{l}\n"))
        .collect();
    for text in [COMMENTED_DEFAULT, &uncommented] {
        let config = parse(text).unwrap();
        let default = Config::default();
        assert_eq!(config.store(), default.store());
        assert_eq!(config.keys(), default.keys());
        assert_eq!(config.prompt(), default.prompt());
        let combined = |config: &Config| config.combined_prompt_at("imap", CodePlace::End).to_owned();
        assert_eq!(combined(&config), combined(&default));
        assert_eq!(config.rules().limits, default.rules().limits);
        assert_eq!(config.rules().window, default.rules().window);
        assert_eq!(config.enroll().algorithm, default.enroll().algorithm);
        assert_eq!(config.enroll().backup_codes, default.enroll().backup_codes);
        assert_eq!(config.policy(), default.policy());
    }
}

#[test]
fn the_text_that_init_writes_is_passed_over() {
    assert!(says_nothing(COMMENTED_DEFAULT));
}

proptest! {
    #[test]
    fn what_is_passed_over_says_nothing_as_toml_reads_it(
        lines in proptest::collection::vec(
            prop_oneof![
                "[ \t]{0,2}(#.{0,5})?[ \t]?",
                r"[ \t]?\[(totp|throttle|default|enroll)\][ \t]?(#x)?",
                r"(window|keys)? ?=? ?(1|'/a'|\[\])?",
                "\u{feff}?#?[\r\u{7f}\u{1}]?",
            ],
            0..6,
        ),
    ) {
        let text = lines.join("\n");
        if says_nothing(&text) {
            let document = DeTable::parse(&text).map_err(|error| TestCaseError::fail(format!("{text:?}: {error}")))?;
            let is_empty = |value: &toml::Spanned<toml::de::DeValue<'_>>| value.get_ref().as_table().is_some_and(|table| table.is_empty());
            prop_assert!(document.get_ref().values().all(is_empty), "{text:?}");
        }
    }
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    for (text, expected) in [
        ("stroe = 1", "/c.toml:1:1: unknown setting `stroe`; known here are store, keys,"),
        ("store = 1", "/c.toml:1:9: a string is expected here, not: integer"),
        ("store = 'var'", "/c.toml:1:9: an absolute path without '..' is expected here"),
        ("store = '/a/../b'", "/c.toml:1:9: an absolute path"),
        ("\n\n[totp]\nwindow = 2", "/c.toml:4:10: 0 to 1 is expected here"),
        ("[totp]\nwindow = -1", "/c.toml:2:10: 0 to 1"),
        ("[throttle]\nfree_failures = 'never'", "/c.toml:2:17: a whole number is expected here, not: string"),
        ("[throttle]\nfirst_wait = 0", "/c.toml:2:14: 1 to 86400 is expected"),
        ("[throttle]\nother_failures = 51", "/c.toml:1:1: known_sources x known_failures"),
        ("[default]\nnot_enrolled = 'maybe'", "/c.toml:2:16: \"refuse\", \"exempt\" or \"enroll\" is expected here"),
        ("[enroll]\ndigits = 5", "/c.toml:2:10: 6 to 8 is expected"),
        ("[enroll]\nissuer = 'a:b'", "/c.toml:2:10: 1 to 128 bytes without ':'"),
        ("prompt = 'Password: '", "/c.toml:1:10: a prompt like the password's"),
        ("prompt = ' password : '", "/c.toml:1:10: a prompt like the password's"),
        ("prompt = ''", "/c.toml:1:10: a prompt has"),
        ("combined_prompt = 'Password: '", "/c.toml:1:19: a prompt like the password's"),
        ("service = 1", "/c.toml:1:11: a table is expected here, not: integer"),
        ("service.sudo = 1", "/c.toml:1:16: a table is expected here, not: integer"),
        ("[service.sudo]\nprmpt = 'x'", "/c.toml:2:1: unknown setting `prmpt`; known here are prompt, combined_prompt"),
        ("[service.sudo]\nprompt = 'password'", "/c.toml:2:10: a prompt like the password's"),
        (
            "\n[service.Sudo]\nprompt = 'x'",
            "/c.toml:2:10: a service goes by the name of its file in /etc/pam.d, in lower",
        ),
        ("[service.'pam.d/sudo']\nprompt = 'x'", "/c.toml:1:10: a service goes by"),
        ("[service.'..']\nprompt = 'x'", "/c.toml:1:10: a service goes by"),
        ("[service.'']\nprompt = 'x'", "/c.toml:1:10: a service goes by"),
        ("store = '/a'\nstore = '/b'", "/c.toml:2:1: duplicate key"),
        ("totp = 1", "/c.toml:1:8: a table is expected here, not: integer"),
        ("[totp]\nwindow = 1\nwindwo = 1", "/c.toml:3:1: unknown setting `windwo`; known here are window"),
        ("[totp]\nwindow = 1.0", "/c.toml:2:10: a whole number is expected here, not: float"),
        ("[totp]\nwindow = 99999999999999999999", "/c.toml:2:10: 0 to 1"),
        ("x", "/c.toml:1:2: "),
    ] {
        let error = parse(text).unwrap_err();
        assert!(error.starts_with(expected), "{text:?}: {error}");
        assert!(!error.contains('\n'), "{error}");
    }
    let not_utf8 = Config::parse(b"a\n \xff", Path::new("/c.toml")).unwrap_err();
    assert_eq!(not_utf8.to_string(), "/c.toml:2:2: not UTF-8");
}

/// sudo-rs once read "no tries" as "any number of tries".
#[test]
fn nothing_of_the_throttle_can_be_set_to_never() {
    for setting in
        ["known_failures", "combined_failures", "other_failures", "first_wait", "long_wait_from", "long_wait"]
    {
        assert!(parse(&format!("[throttle]\n{setting} = 0")).is_err(), "{setting}");
    }
    for none in ["known_sources", "free_failures"] {
        assert!(parse(&format!("[throttle]\n{none} = 0")).is_ok(), "{none}");
    }
}

#[test]
fn what_is_set_holds() {
    let config = parse(
        "store = '/srv/n'\nkeys = '/srv/k'\nprompt = 'Code? '\n[totp]\nwindow = 0\n\
         [throttle]\nknown_sources = 0\nother_failures = 20\n[default]\nnot_enrolled = 'exempt'\n\
         [enroll]\nissuer = 'ACME'\naccount = '{user}@{host}'\nalgorithm = 'sha256'\ndigits = 8\nperiod = 60\nbackup_codes = 0\n\
         contact = 'Help desk, room 12, telephone 1234'",
    )
    .unwrap();
    assert_eq!((config.store(), config.keys()), (Path::new("/srv/n"), Path::new("/srv/k")));
    assert_eq!(config.prompt(), "Code? ");
    assert_eq!(config.rules().window, Window::new(0).unwrap());
    assert_eq!((config.rules().limits.known_sources, config.rules().limits.sum()), (0, 30));
    assert_eq!(config.policy().not_enrolled, Some(NotEnrolledRule::Exempt));
    assert_eq!(config.enroll().algorithm, Algorithm::Sha256);
    assert_eq!((config.enroll().digits.count(), config.enroll().period.seconds()), (8, 60));
    assert_eq!(config.enroll().contact.as_deref(), Some("Help desk, room 12, telephone 1234"));
}

#[test]
fn a_contact_is_one_line_of_at_most_two_hundred_bytes() {
    let with = |contact: &str| parse(&format!("[enroll]\ncontact = \"{contact}\""));
    assert!(with(&"x".repeat(200)).is_ok());
    for refused in ["", "  ", "a\\nb", "\\u001b[2J", &"x".repeat(201)] {
        assert!(with(refused).is_err(), "{refused:?}");
    }
}

#[test]
fn a_service_has_the_prompts_that_are_its_own_and_else_those_of_all() {
    let config = parse(
        "prompt = 'Code? '\n[service.sudo]\nprompt = 'Code for sudo: '\n[service.imap]\ncombined_prompt = 'Both: '",
    )
    .unwrap();
    let prompts = ["sshd", "sudo", "imap", "sudo-i", ""].map(|service| config.prompt_at(service));
    assert_eq!(prompts, ["Code? ", "Code for sudo: ", "Code? ", "Code? ", "Code? "]);
    assert_eq!(config.prompt(), "Code? ");
    assert_eq!(config.combined_prompt_at("imap", CodePlace::Start), "Both: ");
    assert_eq!(config.combined_prompt_at("sudo", CodePlace::Start), "Verification code and password: ");
    assert_eq!(config.combined_prompt_at("sudo", CodePlace::End), "Password and verification code: ");
    let config = parse("combined_prompt = 'Beides: '\n[service.imap]\nprompt = 'x'").unwrap();
    assert_eq!(config.combined_prompt_at("imap", CodePlace::End), "Beides: ");
}

#[test]
fn a_refusal_has_one_sentence_for_all_causes_and_a_service_may_have_its_own() {
    let config = parse("refusal = 'Ask 1234.'\n[service.sudo]\nrefusal = 'No.'\n[service.su]\nprompt = 'x'").unwrap();
    assert_eq!(
        ["sshd", "sudo", "su"].map(|service| config.refusal_at(service)),
        [Some("Ask 1234."), Some("No."), Some("Ask 1234.")]
    );
    assert_eq!(parse("").unwrap().refusal_at("sshd"), None);
    for (text, expected) in [
        ("' '", "1:11: a sentence has"),
        ("'a\tb'", "1:11: a sentence has"),
        (&format!("'{}'", "x".repeat(201)), "1:11"),
    ] {
        let error = parse(&format!("refusal = {text}")).unwrap_err();
        assert!(error.starts_with(&format!("/c.toml:{expected}")), "{error}");
    }
}

#[test]
fn texts_have_128_bytes_at_most() {
    for setting in
        ["prompt = ", "combined_prompt = ", "[service.imap]\nprompt = ", "[enroll]\nissuer = ", "[enroll]\naccount = "]
    {
        for (bytes, fits) in [(127, true), (128, true), (129, false)] {
            assert_eq!(parse(&format!("{setting}'{}'", "x".repeat(bytes))).is_ok(), fits, "{setting}{bytes}");
        }
    }
}

#[test]
fn each_algorithm_goes_by_its_name() {
    for (name, algorithm) in [("sha1", Algorithm::Sha1), ("sha256", Algorithm::Sha256), ("sha512", Algorithm::Sha512)] {
        assert_eq!(parse(&format!("[enroll]\nalgorithm = '{name}'")).unwrap().enroll().algorithm, algorithm);
    }
}

#[test]
fn a_config_that_is_named_is_read_or_missed() {
    let directory = tempfile::TempDir::new().unwrap();
    let path = directory.path().join("config.toml");
    let missed = Config::read(Some(&path)).unwrap_err();
    assert_eq!(missed.path(), Some(path.as_path()));
    assert_eq!(missed.remedy(), format!("write {}, or name the file that there is", path.display()));
    std::fs::write(&path, "prompt = 'Code? '").unwrap();
    assert_eq!(Config::read(Some(&path)).unwrap().prompt(), "Code? ");
    std::fs::write(&path, "prompt = 1").unwrap();
    let wrong = Config::read(Some(&path)).unwrap_err();
    assert_eq!(wrong.path(), Some(path.as_path()));
    assert_eq!(wrong.remedy(), format!("correct {}; until then nobody logs in", path.display()));
}
