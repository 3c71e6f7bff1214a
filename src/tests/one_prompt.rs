// SPDX-License-Identifier: MIT OR Apache-2.0
//! Password and code in one: what is judged, what is handed on, what is asked, and which failures count where.

use super::*;

const COMBINED: &str = "Password and verification code: ";
/// It ends in digits, as many do.
const PASSWORD: &str = "horse 2024";

/// A login in which the application knows one text: a module before us has asked for it, or we do.
fn with_text(site: &Site, text: &str, words: &[&str]) -> (PamResultCode, Scripted) {
    let mut pam = if words.contains(&"forward_pass") {
        let mut pam = Scripted::new("daemon", &[text]);
        pam.password = None;
        pam
    } else {
        let mut pam = Scripted::new("daemon", &[]);
        pam.password = Some(text.as_bytes().to_vec());
        pam
    };
    (site.login(&mut pam, words), pam)
}

fn handed_on(pam: &Scripted) -> &str {
    std::str::from_utf8(pam.password.as_deref().unwrap()).unwrap()
}

#[test]
fn whoever_types_both_in_one_gets_in_and_the_password_goes_on_to_the_byte() {
    for word in ["use_first_pass", "try_first_pass", "forward_pass"] {
        for code_first in [false, true] {
            let site = Site::new();
            let words = if code_first { vec![word, "code_first"] } else { vec![word] };
            for (n, code) in [(0, code_at(NOON)), (1, code_at(NOON + 30)), (2, site.backup_codes[0].clone())] {
                let text = if code_first { format!("{code}{PASSWORD}") } else { format!("{PASSWORD}{code}") };
                let (answer, pam) = with_text(&site, &text, &words);
                assert_eq!(answer, PAM_SUCCESS, "{words:?} {n}: {}", pam.logged());
                assert_eq!(handed_on(&pam), PASSWORD, "{words:?} {n}");
                assert_eq!(pam.prompts.len(), usize::from(word == "forward_pass"));
                let logged = pam.logged();
                assert!(logged.contains("asked=password+code") && !logged.contains(&code) && !logged.contains("horse"));
            }
        }
    }
}

#[test]
fn after_a_refusal_nothing_is_handed_on() {
    let site = Site::new();
    for word in ["use_first_pass", "try_first_pass"] {
        let text = format!("{PASSWORD}{}", code_at(NOON - 30_000));
        let (answer, pam) = with_text(&site, &text, &[word]);
        assert_eq!((answer, handed_on(&pam), &pam.messages), (PAM_AUTH_ERR, text.as_str(), &sentence()));
    }
    let (answer, pam) = with_text(&site, &format!("{PASSWORD}{}", code_at(NOON - 30_000)), &["forward_pass"]);
    assert_eq!((answer, &pam.password, pam.delays), (PAM_AUTH_ERR, &None, 1));
}

#[test]
fn a_text_that_cannot_hold_both_is_refused_and_not_charged() {
    let site = Site::new();
    let code = code_at(NOON);
    for (text, cause) in [
        ("", "not a code: empty"),
        ("correct horse", "no password with a code beside it"),
        (&code, "no password with a code beside it"),
        ("horse 12345", "no password with a code beside it"),
        (&format!("\u{8}\n\r\u{7f}INCORRECT{code}"), "sshd's placeholder"),
        (&format!("{PASSWORD}{}", site.backup_codes[0].replace('-', "_")), "no password with a code beside it"),
    ] {
        for word in ["use_first_pass", "forward_pass"] {
            for _ in 0..7 {
                let (answer, pam) = with_text(&site, text, &[word]);
                assert_eq!((answer, &pam.messages), (PAM_AUTH_ERR, &sentence()), "{text:?}");
                assert!(pam.logged().contains(cause), "{text:?}: {}", pam.logged());
            }
        }
    }
    assert_eq!(with_text(&site, &format!("{PASSWORD}{code}"), &["use_first_pass"]).0, PAM_SUCCESS);
}

#[test]
fn use_first_pass_never_asks() {
    let site = Site::new();
    let mut pam = Scripted::new("daemon", &[&code_at(NOON)]);
    pam.password = None;
    assert_eq!(site.login(&mut pam, &["use_first_pass"]), PAM_AUTH_ERR);
    assert!(pam.prompts.is_empty() && pam.logged().contains("no module before has asked"), "{}", pam.logged());
    assert!(site.gets_in("daemon", &code_at(NOON)));
}

#[test]
fn try_first_pass_asks_for_what_is_missing() {
    let site = Site::new();
    let mut pam = Scripted::new("daemon", &[&code_at(NOON)]);
    assert_eq!(site.login(&mut pam, &["try_first_pass"]), PAM_SUCCESS);
    assert_eq!((pam.prompts.as_slice(), handed_on(&pam)), (&["Verification code: ".to_owned()][..], "correct horse"));

    let mut pam = Scripted::new("daemon", &[&format!("{PASSWORD}{}", code_at(NOON + 30))]);
    pam.password = None;
    assert_eq!(site.login(&mut pam, &["try_first_pass"]), PAM_SUCCESS);
    assert_eq!((pam.prompts.as_slice(), handed_on(&pam)), (&[COMBINED.to_owned()][..], PASSWORD));

    // An application that answers everything with the one text that it has.
    let mut pam = Scripted::new("daemon", &["correct horse"]);
    assert_eq!(site.login(&mut pam, &["try_first_pass"]), PAM_AUTH_ERR);
    assert!(pam.logged().contains("the password instead of a code"), "{}", pam.logged());
}

/// The module before us and our own prompt are answered with the same text: here it is both, and judged.
#[test]
fn forward_pass_takes_a_text_that_an_earlier_module_got_too() {
    let site = Site::new();
    let text = format!("{PASSWORD}{}", code_at(NOON));
    let mut pam = Scripted::new("daemon", &[&text]);
    pam.password = Some(text.into_bytes());
    assert_eq!((site.login(&mut pam, &["forward_pass"]), handed_on(&pam)), (PAM_SUCCESS, PASSWORD));
}

#[test]
fn its_failures_spend_a_bucket_of_their_own_and_no_other() {
    let site = Site::with_config("[throttle]\ncombined_failures = 3\n");
    let wrong = format!("{PASSWORD}{}", code_at(NOON - 30_000));
    for (nth, cause) in [(1, "wrong code"), (2, "wrong code"), (3, "wrong code"), (4, "blocked after failures")] {
        let (answer, pam) = with_text(&site, &wrong, &["use_first_pass"]);
        assert_eq!(answer, PAM_AUTH_ERR);
        assert!(pam.logged().contains(&format!("asked=password+code cause=\"{cause}\"")), "{nth}: {}", pam.logged());
    }
    let right = format!("{PASSWORD}{}", code_at(NOON));
    let (answer, pam) = with_text(&site, &right, &["forward_pass"]);
    assert_eq!((answer, &pam.password), (PAM_AUTH_ERR, &None), "blocked, and nothing is handed on");
    let asked_alone = &["try_first_pass"];
    assert_eq!(site.login(&mut Scripted::new("daemon", &[&code_at(NOON)]), asked_alone), PAM_AUTH_ERR, "the same line");
    assert!(site.gets_in("daemon", &code_at(NOON)), "an ordinary prompt");
}

#[test]
fn whoever_is_exempt_is_not_asked_and_the_password_stays_whole() {
    let site = Site::new();
    for word in ["use_first_pass", "try_first_pass", "forward_pass"] {
        let mut pam = Scripted::new("bin", &["123456"]);
        assert_eq!(site.login(&mut pam, &[word, "nullok"]), PAM_IGNORE);
        assert_eq!((pam.prompts.len(), handed_on(&pam)), (0, "correct horse"));
    }
    for user in ["bin", "no-such-account"] {
        let mut pam = Scripted::new(user, &["horse123456"]);
        let unknown = user != "bin";
        let expected = if unknown { PAM_USER_UNKNOWN } else { PAM_AUTH_ERR };
        assert_eq!(site.login(&mut pam, &["forward_pass"]), expected);
        assert_eq!((pam.prompts.as_slice(), &pam.messages), (&[COMBINED.to_owned()][..], &sentence()));
    }
}

#[test]
fn a_password_that_libpam_does_not_take_is_no_success() {
    let site = Site::new();
    let mut pam = Scripted::new("daemon", &[&format!("{PASSWORD}{}", code_at(NOON))]);
    pam.takes_passwords = false;
    assert_eq!(site.login(&mut pam, &["forward_pass"]), PAM_BUF_ERR);
    assert!(pam.logged().starts_with("Critical fault"), "{}", pam.logged());
}

#[test]
fn a_user_who_is_changed_while_both_are_asked_is_refused_unjudged() {
    let site = Site::new();
    let text = format!("{PASSWORD}{}", code_at(NOON));
    let mut pam = Scripted::new("daemon", &[&text]);
    pam.next_users.push_back("bin");
    assert_eq!(site.login(&mut pam, &["forward_pass"]), PAM_AUTH_ERR);
    assert!(pam.logged().contains("changed the user"), "{}", pam.logged());
    assert_eq!(with_text(&site, &text, &["forward_pass"]).0, PAM_SUCCESS, "neither used nor charged");
}

#[test]
fn of_two_lines_the_one_that_took_the_text_apart_speaks_for_both() {
    let site = Site::new();
    let mut pam = Scripted::new("daemon", &[&format!("{PASSWORD}{}", code_at(NOON))]);
    for words in [&["forward_pass"][..], &[], &["use_first_pass"]] {
        assert_eq!(site.login(&mut pam, words), PAM_SUCCESS, "{words:?}");
    }
    assert_eq!((pam.prompts.len(), handed_on(&pam)), (1, PASSWORD));

    // The other way round the second has something to take apart, and looks for itself.
    let mut pam = Scripted::new("daemon", &[&code_at(NOON + 30)]);
    assert_eq!(site.login(&mut pam, &[]), PAM_SUCCESS);
    assert_eq!(site.login(&mut pam, &["use_first_pass"]), PAM_AUTH_ERR);
}

#[test]
fn a_service_has_its_own_words() {
    let site = Site::with_config("combined_prompt = 'Both: '\n[service.sshd]\nprompt = 'Code for ssh: '\n");
    let mut pam = Scripted::new("daemon", &[&code_at(NOON)]);
    assert_eq!((site.login(&mut pam, &[]), pam.prompts), (PAM_SUCCESS, vec!["Code for ssh: ".to_owned()]));
    let mut pam = Scripted::new("daemon", &["x"]);
    site.login(&mut pam, &["forward_pass"]);
    assert_eq!(pam.prompts, ["Both: "]);
    let mut pam = Scripted::new("daemon", &["x"]);
    Site::new().login(&mut pam, &["forward_pass", "code_first"]);
    assert_eq!(pam.prompts, ["Verification code and password: "]);
}
