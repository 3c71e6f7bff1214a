// SPDX-License-Identifier: MIT OR Apache-2.0
//! PAM as the RHEL family has it, with our two substacks, run by this Debian's libpam, sshd, sudo and su; and the guide for
//! it, followed as written. It was not tried on RHEL. pam_sss, which Debian lacks, is a module that says yes or no.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[path = "rhel/pam.rs"]
mod pam;
mod scene;

use std::fs;
use std::process::Output;
use std::sync::{Mutex, MutexGuard, PoisonError};

use pam::{PROFILES, Profile, SERVICES};
use scene::guide::follow;
use scene::sshd::{self, SNIPPETS, key_of, ssh};
use scene::ways::{self, GOT_IN, SAY_SO, Way};
use scene::*;

const DRIVER: &str = "/opt/nightlatch/driver";
/// Where the package puts what this test copies.
const SHARE: &str = "/usr/share/nightlatch/pam.d";
const SNIPPET: &str = "10-nightlatch.conf";
const BEHIND: [(&str, &str); 3] =
    [("sshd", "substack password-auth"), ("sudo", "include system-auth"), ("su", "substack system-auth")];

const SSH: Way = Way { open: |person| ssh(person, ""), password_prompt: "Password: ", service: "sshd", talks: true };
const SUDO: Way = Way {
    open: |person| Terminal::open(&format!("runuser -u {} -- sudo -k sh -c '{SAY_SO}'", person.name)),
    password_prompt: "[sudo] password for ",
    service: "sudo",
    talks: false,
};
const SUDO_I: Way = Way {
    open: |person| Terminal::open(&format!("runuser -u {} -- sudo -k -i eval '{SAY_SO}'", person.name)),
    service: "sudo-i",
    ..SUDO
};
const SU: Way = Way {
    open: |person| Terminal::open(&format!("runuser -u nobody -- su {} -s /bin/sh -c '{SAY_SO}'", person.name)),
    service: "su",
    ..SSH
};
const SU_LOGIN: Way = Way {
    open: |person| Terminal::open(&format!("runuser -u nobody -- su - {} -c '{SAY_SO}'", person.name)),
    service: "su-l",
    ..SSH
};

/// There is one /etc, so these tests run one after the other.
static HOST: Mutex<()> = Mutex::new(());

/// A host of the RHEL family, as far as PAM goes, with the package's files unpacked.
struct Host {
    _turn: MutexGuard<'static, ()>,
}

impl Host {
    /// As it is before anybody is asked for a code.
    fn fresh(profile: Profile) -> Self {
        in_the_bed();
        let turn = HOST.lock().unwrap_or_else(PoisonError::into_inner);
        let lay_out = "mkdir -p /usr/share/nightlatch/pam.d
            cp /opt/nightlatch/packaging/authselect/* /opt/nightlatch/pam.d/*.conf /usr/share/nightlatch/pam.d/
            rm -f /etc/pam.d/nightlatch-* /etc/ssh/sshd_config.d/10-nightlatch.conf";
        ok("sh", &["-ec", lay_out]);
        for name in ["password-auth", "system-auth"] {
            fs::write(format!("/etc/pam.d/{name}"), profile.lines()).unwrap();
        }
        for (name, text) in SERVICES {
            fs::write(format!("/etc/pam.d/{name}"), text).unwrap();
        }
        fs::write("/etc/sudoers.d/bed", "Defaults lecture=never, passwd_tries=1\nALL ALL=(ALL) ALL\n").unwrap();
        ok("chmod", &["0440", "/etc/sudoers.d/bed"]);
        Self { _turn: turn }
    }

    /// With our lines in sshd, sudo and su, each with these words behind it.
    fn asking(profile: Profile, words: &str) -> Self {
        let host = Self::fresh(profile);
        for name in ["nightlatch-password-auth", "nightlatch-system-auth"] {
            fs::copy(format!("{SHARE}/{name}"), format!("/etc/pam.d/{name}")).unwrap();
        }
        for (service, line) in BEHIND {
            let piece = line.split(' ').nth(1).unwrap();
            host.in_place_of(
                service,
                line,
                &format!("auth substack nightlatch-{piece}\nauth required pam_nightlatch.so {words}"),
            );
        }
        host
    }

    /// Another text for that auth line of a service.
    fn in_place_of(&self, service: &str, line: &str, text: &str) {
        let path = format!("/etc/pam.d/{service}");
        let before = fs::read_to_string(&path).unwrap();
        let is_it = |found: &str| found.split_whitespace().eq(["auth"].into_iter().chain(line.split(' ')));
        assert_eq!(before.lines().filter(|found| is_it(found)).count(), 1, "{service}: {line}");
        let after: String =
            before.lines().map(|found| format!("{}\n", if is_it(found) { text } else { found })).collect();
        fs::write(path, after).unwrap();
    }

    /// sshd with one of the snippets that the package brings.
    fn with_sshd(self, snippet: &str) -> Self {
        fs::copy(format!("{SHARE}/{snippet}.conf"), format!("{SNIPPETS}/{SNIPPET}")).unwrap();
        sshd::restart();
        self
    }
}

/// One pam_authenticate with these replies.
fn attempt_at(service: &str, person: &Person, [password, code]: [&str; 2]) -> Driven {
    drive(&["--no-delay", "--reply", password, "--reply", code, service, &person.name])
}

/// What an application does that lets somebody in, and not in an attempt that was refused: faillock forgets there.
fn login(service: &str, person: &Person, [password, code]: [&str; 2]) -> Driven {
    let words = ["--no-delay", "--reply", password, "--reply", code, service, &person.name];
    drive(&[&words[..], &["authenticate", "setcred", "account"]].concat())
}

/// Nothing tells that there is a second factor, and nothing was counted.
#[track_caller]
fn is_refused_unasked(driven: &Driven, person: &Person, journal: &Journal) {
    assert_ne!(driven.answer(), "PAM_SUCCESS", "{}", driven.output);
    assert!(driven.prompts() == 0 && !driven.output.contains("Not accepted"), "{}", driven.output);
    assert_eq!(journal.lines(&person.name), "");
    assert_eq!(person.status()["failures"], 0);
}

#[test]
fn with_every_profile_whoever_knows_the_password_is_asked_and_nobody_else() {
    let (ann, bob) = (Person::enrolled("ann"), Person::stranger("bob"));
    let mut codes = ann.backup_codes.iter();
    for (profile, service) in PROFILES.into_iter().zip(["sshd", "sudo", "sudo", "sshd"]) {
        let _host = Host::asking(profile, "nullok");
        let (journal, code) = (Journal::mark(), codes.next().unwrap());
        is_refused_unasked(&attempt_at(service, &ann, ["wrong", code]), &ann, &journal);
        is_refused_unasked(&attempt_at(service, &ann, [&format!("wrong{}", ann.code(0)), code]), &ann, &journal);
        is_refused_unasked(&attempt_at(service, &bob, ["wrong", ""]), &bob, &journal);

        let driven = attempt_at(service, &ann, [PASSWORD, "000"]);
        assert_eq!((driven.answer().as_str(), driven.prompts()), ("PAM_AUTH_ERR", 1), "{profile:?} {service}");
        let driven = login(service, &ann, [PASSWORD, code]);
        assert_eq!((driven.answers(), driven.prompts()), (vec!["PAM_SUCCESS".to_owned(); 3], 1), "{}", driven.output);
        assert_eq!(attempt_at(service, &ann, [PASSWORD, code]).answer(), "PAM_AUTH_ERR", "once");
        let driven = login(service, &bob, [PASSWORD, ""]);
        assert_eq!((driven.answers()[0].as_str(), driven.prompts()), ("PAM_SUCCESS", 0), "exempt: {}", driven.output);
        // What sshd does for a key.
        let driven = drive(&[service, &ann.name, "setcred", "account"]);
        assert_eq!(driven.answers(), ["PAM_SUCCESS", "PAM_SUCCESS"], "{}", driven.output);
    }
}

#[test]
fn faillock_goes_on_counting_passwords_and_whom_it_has_locked_is_not_asked() {
    let ann = Person::enrolled("ann");
    let _host = Host::asking(Profile::SssdFaillock, "");
    for _ in 0..4 {
        assert_eq!(attempt_at("sshd", &ann, [PASSWORD, "000000"]).prompts(), 1, "a wrong code is no wrong password");
    }
    ok("nightlatch", &["unlock", &ann.name]);
    for _ in 0..3 {
        assert_eq!(attempt_at("sshd", &ann, ["wrong", ""]).prompts(), 0);
    }
    let journal = Journal::mark();
    is_refused_unasked(&attempt_at("sshd", &ann, [PASSWORD, &ann.code(0)]), &ann, &journal);
    ok("faillock", &["--user", &ann.name, "--reset"]);
    assert_eq!(login("sshd", &ann, [PASSWORD, &ann.backup_codes[0]]).answers(), ["PAM_SUCCESS"; 3]);
}

/// In a mount namespace of its own, where the name service knows one person more, whom no file names.
fn where_there_is_dora(words: &[&str]) -> Output {
    let script =
        "echo 'passwd: files bed' >/tmp/nsswitch.dora; mount --bind /tmp/nsswitch.dora /etc/nsswitch.conf; shift
        exec env LD_LIBRARY_PATH=/opt/nightlatch BED_NSS=dora:3000 \"$@\"";
    run("unshare", &[&["--mount", "sh", "-ec", script, "-", "-"], words].concat())
}

#[test]
fn whoever_is_known_to_sssd_alone_is_asked_behind_sssd_s_yes_and_not_behind_its_no() {
    let _host = Host::asking(Profile::SssdFaillock, "");
    let enrolled = where_there_is_dora(&["nightlatch", "enroll", "dora", "--no-confirm", "--json"]);
    let enrolled: serde_json::Value = serde_json::from_slice(&enrolled.stdout).unwrap();
    let code = enrolled["backup_codes"][0].as_str().unwrap();
    let modules = ok("sh", &["-ec", "dirname \"$(ls /lib/*/security/pam_permit.so)\""]);
    for (says, answer, prompts) in [("pam_deny", "PAM_AUTH_ERR", 0), ("pam_permit", "PAM_SUCCESS", 1)] {
        let modules = modules.trim();
        ok("cp", &[&format!("{modules}/{says}.so"), &format!("{modules}/pam_sss.so")]);
        let output = where_there_is_dora(&[DRIVER, "--no-delay", "--reply", code, "sshd", "dora"]);
        let driven = Driven { output: String::from_utf8_lossy(&output.stdout).into_owned() };
        assert_eq!((driven.answer().as_str(), driven.prompts()), (answer, prompts), "{says}: {}", driven.output);
        fs::remove_file(format!("{modules}/pam_sss.so")).unwrap();
    }
}

#[test]
fn by_real_ssh_sudo_and_su_the_right_code_gets_in_once_and_a_wrong_password_is_not_asked_for_one() {
    let _host = Host::asking(Profile::SssdFaillock, "").with_sshd("sshd-password-code");
    std::thread::scope(|threads| {
        for way in [SSH, SUDO, SUDO_I, SU, SU_LOGIN] {
            threads.spawn(move || {
                ways::without_the_password_nobody_is_asked_for_a_code(way);
                ways::the_right_code_gets_in_once(way);
            });
        }
        threads.spawn(|| ways::whoever_is_not_enrolled_is_asked_and_refused(SSH));
    });
}

/// A wrong password's refusal is repeated by our lines of that call, and not of the next one: sudo asks again on one handle.
#[test]
fn a_right_password_after_a_wrong_one_is_asked_for_a_code_by_the_same_sudo() {
    let _host = Host::asking(Profile::SssdFaillock, "");
    let ann = Person::enrolled("ann");
    fs::write("/etc/sudoers.d/zz-tries", format!("Defaults:{} passwd_tries=2\n", ann.name)).unwrap();
    let mut terminal = (SUDO.open)(&ann);
    terminal.sees(SUDO.password_prompt).types("wrong").sees(SUDO.password_prompt).types(PASSWORD);
    let screen = terminal.sees(PROMPT).types(&ann.backup_codes[0]).rest();
    fs::remove_file("/etc/sudoers.d/zz-tries").unwrap();
    assert!(screen.contains(GOT_IN), "{screen}");
    assert_eq!(ann.status()["failures"], 0);
}

#[test]
fn a_key_alone_or_a_key_and_a_code_get_in_where_the_snippet_says_so() {
    let ann = Person::enrolled("ann");
    let key = key_of(&ann);
    {
        let _host = Host::asking(Profile::Minimal, "").with_sshd("sshd-key-or-password-code");
        assert!(ssh(&ann, &key).rest().contains(GOT_IN), "setcred, account and session by themselves");
    }
    let host = Host::fresh(Profile::Minimal);
    let lines = "auth required pam_nightlatch.so require_key\nauth required pam_permit.so";
    host.in_place_of("sshd", "substack password-auth", lines);
    let _host = host.with_sshd("sshd-key-code");
    assert!(ssh(&ann, &key).sees(PROMPT).types(&ann.backup_codes[0]).rest().contains(GOT_IN));
    assert!(!ssh(&ann, &key).sees(PROMPT).types("000000").rest().contains(GOT_IN));
    assert!(!ssh(&ann, "-o PubkeyAuthentication=no").rest().contains(GOT_IN));
}

/// What the doctor finds in these services, by its words.
fn kinds() -> Vec<String> {
    let output = run("nightlatch", &["doctor", "--only", "services", "--json"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    report["findings"].as_array().unwrap().iter().map(|finding| finding["kind"].as_str().unwrap().to_owned()).collect()
}

/// The same by hand, so that the tests above are seen to look: this is what our substacks are for.
#[test]
fn a_line_of_ours_right_behind_rhel_s_own_is_asked_for_nothing_or_passed_by_and_the_doctor_says_so() {
    let ann = Person::enrolled("ann");
    for profile in [Profile::Minimal, Profile::SssdFaillock] {
        let host = Host::fresh(profile);
        host.in_place_of(
            "sshd",
            "substack password-auth",
            "auth substack password-auth\nauth required pam_nightlatch.so",
        );
        let driven = attempt_at("sshd", &ann, ["wrong", "000000"]);
        assert_eq!((driven.answer().as_str(), driven.prompts()), ("PAM_AUTH_ERR", 1), "{}", driven.output);
        assert_eq!(kinds(), ["stack-wrong-password-asked"]);
        host.in_place_of("sudo", "include system-auth", "auth include system-auth\nauth required pam_nightlatch.so");
        let driven = attempt_at("sudo", &ann, [PASSWORD, "000000"]);
        assert_eq!((driven.answer().as_str(), driven.prompts()), ("PAM_SUCCESS", 0), "{}", driven.output);
        assert!(kinds().iter().any(|kind| kind == "stack-password-alone"), "{:?}", kinds());
        drop(host);
        let _host = Host::asking(profile, "");
        assert_eq!(kinds(), [""; 0]);
        ok("nightlatch", &["unlock", &ann.name]);
    }
}

#[test]
fn whoever_follows_the_guide_is_asked_by_ssh_sudo_and_su_and_comes_back_from_it() {
    let host = Host::fresh(Profile::SssdFaillock);
    sshd::restart();
    let (ann, bob) = (Person::enrolled("ann"), Person::stranger("bob"));
    let before: Vec<_> = BEHIND.iter().map(|(name, _)| fs::read(format!("/etc/pam.d/{name}")).unwrap()).collect();
    let way_back = || run("systemctl", &["is-active", "--quiet", "way-back.timer"]).status.success();
    let gets_in_unasked = |person: &Person| ssh(person, "").sees("Password: ").types(PASSWORD).rest().contains(GOT_IN);
    let mut codes = ann.backup_codes.iter();
    let headings = ["A way back", "ssh", "sudo and su", "See that all is well, and stop the way back", "Roll back"];
    let guide = include_str!("../docs/guides/rhel.md");
    follow(guide, "/root", &headings, |heading, output| match heading {
        "A way back" => assert!(way_back()),
        "ssh" => {
            assert!(output.contains("passwordauthentication no") && output.contains("usepam yes"), "{output}");
            SSH.gets_in(&ann, codes.next().unwrap());
            assert!(gets_in_unasked(&bob), "nullok");
        }
        "sudo and su" => {
            for way in [SUDO, SUDO_I, SU] {
                way.gets_in(&ann, codes.next().unwrap());
            }
        }
        "See that all is well, and stop the way back" => {
            assert!(!way_back());
            SSH.is_refused(&bob, "000000");
            SUDO.is_refused(&bob, "000000");
            assert_eq!(kinds(), [""; 0]);
        }
        _roll_back => {
            let after: Vec<_> =
                BEHIND.iter().map(|(name, _)| fs::read(format!("/etc/pam.d/{name}")).unwrap()).collect();
            assert_eq!(after, before);
        }
    });
    drop(host);
}
