// SPDX-License-Identifier: MIT OR Apache-2.0
//! Rules of the config in a login: what libpam is answered, what the person sees, what the log says.

use super::*;

fn rule(action: &str, conditions: &str) -> String {
    format!("[[rule]]\nname = 'one-rule'\naction = '{action}'\n{conditions}\n")
}

/// Code, prompts, messages and log of one login.
fn seen(site: &Site, mut pam: Scripted, words: &[&str]) -> (PamResultCode, usize, Vec<Message>, String) {
    let code = site.login(&mut pam, words);
    let logged = pam.logged();
    (code, pam.prompts.len(), pam.messages, logged)
}

#[test]
fn whoever_a_rule_exempts_is_not_asked_and_the_log_names_the_rule() {
    for conditions in [
        "user = ['daemon']",
        "service = ['sshd']",
        "source = ['192.0.2.0/24']",
        "ssh_key = true",
        "enrolled = true",
        "group = ['daemon']",
        "group = [1]",
        "",
    ] {
        let site = Site::with_config(&rule("exempt", conditions));
        let mut pam = Scripted::new("daemon", &[]);
        pam.ssh_auth_info = Some("publickey ssh-ed25519 AAAA\n".to_owned());
        let (code, prompts, messages, logged) = seen(&site, pam, &[]);
        assert_eq!((code, prompts, messages), (PAM_IGNORE, 0, vec![]), "{conditions}: {logged}");
        let line = "Info exempt user=daemon uid=1 service=sshd source=192.0.2.7 by=rule:one-rule\n";
        assert_eq!(logged, line);
    }
}

#[test]
fn whoever_no_rule_exempts_is_asked() {
    for conditions in [
        "user = ['bin']",
        "service = ['sudo']",
        "source = ['192.0.3.0/24', 'local', '::/0']",
        "ssh_key = true",
        "enrolled = false",
        "group = ['bin', 'no-such-group']",
        "group = [2]",
    ] {
        let site = Site::with_config(&rule("exempt", conditions));
        let (code, prompts, ..) = seen(&site, Scripted::new("daemon", &[&code_at(NOON)]), &[]);
        assert_eq!((code, prompts), (PAM_SUCCESS, 1), "{conditions}");
    }
}

#[test]
fn no_rule_exempts_a_name_without_an_account() {
    let site = Site::with_config(&(rule("exempt", "") + "[default]\nenrolled = 'exempt'\nnot_enrolled = 'exempt'\n"));
    for user in ["nobody-of-that-name", "../root", "0"] {
        let (code, prompts, messages, _) = seen(&site, Scripted::new(user, &["123456"]), &["nullok"]);
        assert_eq!((code, prompts, messages), (PAM_USER_UNKNOWN, 1, sentence()), "{user}");
    }
}

#[test]
fn whoever_a_rule_refuses_is_asked_like_everybody_and_neither_judged_nor_charged() {
    let site = Site::with_config(&rule("refuse", "user = ['daemon']\nservice = ['sshd']"));
    for reply in [code_at(NOON), "000000".to_owned(), site.backup_codes[0].clone(), "no code".to_owned(), String::new()]
    {
        for words in [&[][..], &["nullok"]] {
            let mut pam = Scripted::new("daemon", &[&reply]);
            assert_eq!(site.login(&mut pam, words), PAM_AUTH_ERR, "{reply}");
            assert_eq!(
                (&pam.prompts, &pam.messages, pam.delays),
                (&vec!["Verification code: ".to_owned()], &sentence(), 1)
            );
            let logged = pam.logged();
            assert!(logged.contains(" cause=\"refused by policy\" by=rule:one-rule remedy="), "{logged}");
        }
    }
    let relaxed = fs::read_to_string(site.path("config.toml")).unwrap().replace("'refuse'", "'require'");
    fs::write(site.path("config.toml"), relaxed).unwrap();
    assert!(site.gets_in("daemon", &code_at(NOON)), "neither used nor charged");
}

#[test]
fn a_rule_that_requires_a_code_stands_against_nullok_and_the_defaults() {
    let site = Site::with_config(&(rule("require", "user = ['bin']") + "[default]\nnot_enrolled = 'exempt'\n"));
    let (code, prompts, messages, logged) = seen(&site, Scripted::new("bin", &["123456"]), &["nullok"]);
    assert_eq!((code, prompts, messages), (PAM_AUTH_ERR, 1, sentence()));
    assert!(logged.contains("cause=\"not enrolled\""), "{logged}");
    assert_eq!(seen(&site, Scripted::new("games", &[]), &[]).0, PAM_IGNORE);
}

#[test]
fn whoever_was_enrolled_since_the_rules_decided_is_refused() {
    let site = Site::with_config(&rule("require", "enrolled = false"));
    let config = Config::read(Some(&site.path("config.toml"))).unwrap();
    let mut pam = Scripted::new("bin", &[&code_at(NOON)]);
    pam.meanwhile = Some(Box::new(move || drop(enroll(&config, "bin"))));
    let (code, prompts, messages, logged) = seen(&site, pam, &[]);
    assert_eq!((code, prompts, messages), (PAM_AUTH_ERR, 1, sentence()));
    assert!(logged.contains("cause=\"enrolled since this login began\""), "{logged}");
    assert!(site.gets_in("bin", &code_at(NOON)), "the code was not judged");
}

#[test]
fn whoever_was_removed_since_the_rules_decided_is_refused() {
    let site = Site::with_config(&rule("require", "enrolled = true"));
    let file = site.path("store/users/1");
    let mut pam = Scripted::new("daemon", &[&code_at(NOON)]);
    pam.meanwhile = Some(Box::new(move || fs::remove_file(file).unwrap()));
    let (code, _, messages, logged) = seen(&site, pam, &["nullok"]);
    assert_eq!((code, messages), (PAM_AUTH_ERR, sentence()));
    assert!(logged.contains("cause=\"not enrolled\""), "{logged}");
}

#[test]
fn before_the_day_of_the_roll_out_a_notice_says_it_and_from_then_on_nobody_passes() {
    // 2027-01-15T08:00:00Z is NOON.
    let site = Site::with_config("[default]\nnot_enrolled_exempt_until = 2027-01-16T09:30:00+01:00\n");
    let notice = "From 2027-01-16 (08:30 UTC) on, you need a second factor to log in here. \
                  Ask your administrator to enroll you.";
    let (code, prompts, messages, logged) = seen(&site, Scripted::new("bin", &[]), &[]);
    assert_eq!((code, prompts, messages), (PAM_IGNORE, 0, vec![Message::Info(notice.to_owned())]));
    assert!(logged.contains(" by=default.not_enrolled_exempt_until\n"), "{logged}");
    assert!(site.gets_in("daemon", &code_at(NOON)), "whoever is enrolled is asked");
    site.clock.0.set(NOON + 88_199);
    assert_eq!(seen(&site, Scripted::new("bin", &[]), &[]).0, PAM_IGNORE);
    site.clock.0.set(NOON + 88_200);
    let (code, prompts, messages, _) = seen(&site, Scripted::new("bin", &["123456"]), &["nullok"]);
    assert_eq!((code, prompts, messages), (PAM_AUTH_ERR, 1, sentence()));
}

#[test]
fn an_exemption_lets_in_nobody_whom_the_application_names_while_it_shows_the_notice() {
    let site = Site::with_config("[default]\nnot_enrolled_exempt_until = 2099-01-01\n");
    let mut pam = Scripted::new("bin", &[]);
    pam.next_users.push_back("daemon");
    assert_eq!(seen(&site, pam, &[]).0, PAM_AUTH_ERR);
}

/// What a thief could write into PAM_RHOST by a name server of his own, and what only looks like an address.
#[test]
fn no_source_that_is_no_address_is_in_the_office() {
    let site = Site::with_config(&rule("exempt", "source = ['10.0.0.0/8', 'fe80::/10', '::1']"));
    for (from, code) in [
        ("10.0.0.1", PAM_IGNORE),
        ("::ffff:10.0.0.1", PAM_IGNORE),
        ("fe80::1", PAM_IGNORE),
        ("10.0.0.1.evil.example", PAM_AUTH_ERR),
        ("fe80::1%eth0", PAM_AUTH_ERR),
        ("10.0.0.1:22", PAM_AUTH_ERR),
        ("10.0.0.1 ", PAM_AUTH_ERR),
        ("010.0.0.1", PAM_AUTH_ERR),
        ("[::1]", PAM_AUTH_ERR),
        ("localhost", PAM_AUTH_ERR),
        ("\u{fffd}", PAM_AUTH_ERR),
    ] {
        let mut pam = Scripted::new("daemon", &["no code"]);
        pam.remote_host = Some(from.to_owned());
        assert_eq!(seen(&site, pam, &[]).0, code, "{from}");
    }
    let mut pam = Scripted::new("daemon", &["no code"]);
    pam.remote_host = None;
    assert_eq!(seen(&site, pam, &[]).0, PAM_AUTH_ERR, "no address at all");
}

#[test]
fn a_rule_for_a_group_that_tightens_keeps_everybody_out_with_its_place() {
    let site = Site::new();
    let mut text = fs::read_to_string(site.path("config.toml")).unwrap();
    text.push_str(&rule("refuse", "group = ['wheel']"));
    fs::write(site.path("config.toml"), text).unwrap();
    let (code, prompts, _, logged) = seen(&site, Scripted::new("daemon", &[&code_at(NOON)]), &[]);
    assert_eq!((code, prompts), (PAM_SERVICE_ERR, 0));
    assert!(logged.contains("config.toml:3:1: rule 'one-rule' refuses those of a group"), "{logged}");
}
