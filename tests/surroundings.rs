// SPDX-License-Identifier: MIT OR Apache-2.0
//! An application that changes its mind while it asks, a root without a root's powers, a host without a log or /proc:
//! the verdict holds for the one who was asked about, and what is missing is never a reason to let somebody in.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod scene;

use scene::*;

const DRIVER: &str = "/opt/nightlatch/driver";
const CHANGED: &str = "cause=\"the application changed the user in a conversation\"";

/// The driver behind other programs, which set the scene for it.
fn drive_behind(wrapper: &[&str], arguments: &[&str]) -> Driven {
    in_the_bed();
    let output = run(wrapper[0], &[&wrapper[1..], &[DRIVER, "--no-delay"], arguments].concat());
    Driven { output: format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)) }
}

fn answer_and_prompts(driven: &Driven) -> (String, usize) {
    (driven.answer(), driven.prompts())
}

/// Neither charged nor used up.
fn is_untouched(person: &Person) {
    let status = person.status();
    assert_eq!((&status["failures"], &status["backup_codes_left"]), (&0.into(), &10.into()), "{status}");
}

#[test]
fn whoever_changes_the_user_while_it_asks_lets_nobody_in_and_uses_no_code_up() {
    let (ann, bob, carl) = (Person::enrolled("ann"), Person::enrolled("bob"), Person::stranger("carl"));
    // With nullok, carl alone would be exempt there.
    let service = Service::behind_a_success("nullok");
    for code in [&ann.backup_codes[0], &bob.backup_codes[0], &ann.wrong_code()] {
        let upper = ann.name.to_uppercase();
        for later in [&bob.name, &carl.name, "root", &upper, "nobody-of-that-name", ""] {
            let journal = Journal::mark();
            let change = format!("user={later}");
            let driven = drive(&["--no-delay", "--reply-set", &change, "--reply", code, &service.name, &ann.name]);
            assert_eq!(answer_and_prompts(&driven), ("PAM_AUTH_ERR".to_owned(), 1), "{later}: {}", driven.output);
            assert!(driven.is_plain_refusal(), "{}", driven.output);
            let lines = journal.lines(&service.name);
            let judged = format!(": refused user={} uid=", ann.name);
            assert!(lines.lines().count() == 1 && lines.contains(&judged) && lines.contains(CHANGED), "{lines}");
        }
        let driven = drive(&["--no-delay", "--reply-set", "user", "--reply", code, &service.name, &ann.name]);
        assert_eq!(driven.answer(), "PAM_AUTH_ERR", "nobody at all: {}", driven.output);
    }
    is_untouched(&ann);
    is_untouched(&bob);
    assert_eq!(attempt(&service, &ann.name, &ann.backup_codes[0]).answer(), "PAM_SUCCESS");
}

/// libpam asks, on our behalf; whoever is PAM_USER when that is done is judged.
#[test]
fn where_the_application_names_nobody_the_name_that_is_typed_is_judged() {
    let (service, ann, bob) = (Service::alone(""), Person::enrolled("ann"), Person::enrolled("bob"));
    let change = format!("user={}", bob.name);
    for (changes, code) in [(&[][..], &ann.backup_codes[0]), (&["--reply-set", &change], &ann.backup_codes[1])] {
        let typed = ["--reply", &ann.name, "--reply", code, "--pamuser-after", &service.name, "-"];
        let driven = drive(&[&["--no-delay"], changes, &typed].concat());
        assert_eq!(answer_and_prompts(&driven), ("PAM_SUCCESS".to_owned(), 1), "{}", driven.output);
        assert!(driven.output.contains(&format!("pamuser \"{}\"\n", ann.name)), "{}", driven.output);
    }
    let driven = drive(&["--no-delay", "--reply-error", &service.name, "-"]);
    assert_eq!(answer_and_prompts(&driven), ("PAM_AUTH_ERR".to_owned(), 0), "{}", driven.output);
    is_untouched(&bob);
}

#[test]
fn whoever_changes_the_user_while_it_shows_a_text_lets_nobody_in() {
    let (service, ann, bob) = (Service::alone(""), Person::enrolled("ann"), Person::enrolled("bob"));
    let journal = Journal::mark();
    let change = format!("user={}", bob.name);
    let driven =
        drive(&["--no-delay", "--info-set", &change, "--reply", &ann.backup_codes[0], &service.name, &ann.name]);
    assert!(driven.says("Backup code accepted."), "{}", driven.output);
    assert_eq!(driven.answer(), "PAM_AUTH_ERR", "{}", driven.output);
    let lines = journal.lines(&service.name);
    let [accepted, refused] = lines.lines().collect::<Vec<_>>()[..] else { panic!("{lines}") };
    assert!(accepted.contains(&format!(": accepted user={} ", ann.name)), "{lines}");
    assert!(refused.contains(&format!(": refused user={} ", ann.name)) && refused.contains(CHANGED), "{lines}");
    assert_eq!(ann.status()["backup_codes_left"], 9, "accepted is used");
    is_untouched(&bob);
}

/// The user is changed behind our back, in another module's conversation.
#[test]
fn a_second_line_in_the_stack_judges_whoever_is_the_user_by_then() {
    let (ann, bob) = (Person::enrolled("ann"), Person::enrolled("bob"));
    let service = Service::new(
        "auth required pam_nightlatch.so\nauth optional pam_echo.so now\nauth required pam_nightlatch.so\n\
         account required pam_permit.so\n",
    );
    let change = format!("user={}", bob.name);
    let login = |first: &str, second: &str| {
        let words = ["--no-delay", "--info-set", &change, "--reply", first, "--reply", second];
        answer_and_prompts(&drive(&[&words[..], &[&service.name, &ann.name]].concat()))
    };
    steady(8);
    assert_eq!(login(&ann.code(-1), &ann.code(0)), ("PAM_AUTH_ERR".to_owned(), 2), "ann's code is not bob's");
    assert_eq!(login(&ann.code(0), &bob.code(0)), ("PAM_SUCCESS".to_owned(), 2), "each gave a code");
    assert_eq!((&ann.status()["failures"], &bob.status()["failures"]), (&0.into(), &0.into()));
}

#[test]
fn whatever_else_the_application_changes_while_it_asks_changes_no_verdict() {
    let (service, ann) = (Service::alone(""), Person::enrolled("ann"));
    let codes = &ann.backup_codes;
    let authtok = format!("authtok={}", codes[5]);
    let changes = [
        "service=login",
        "rhost=203.0.113.99",
        "rhost",
        "tty=/dev/tty9",
        "ruser=root",
        &authtok,
        "oldauthtok=nightlatch-00",
        "conv",
    ];
    let login = |wrapper: &[&str], changes: &[&str], code: &str| {
        let journal = Journal::mark();
        let mut words = vec!["--rhost", "192.0.2.7"];
        words.extend(changes.iter().flat_map(|change| ["--reply-set", change]));
        let driven = drive_behind(wrapper, &[&words[..], &["--reply", code, &service.name, &ann.name]].concat());
        let lines = journal.lines(&ann.name);
        assert!(lines.contains(&format!("service={} source=192.0.2.7", service.name)), "{changes:?}: {lines}");
        driven
    };
    for (change, code) in changes.iter().zip(codes) {
        let driven = login(&["timeout", "10"], &[change], code);
        assert_eq!(driven.answer(), "PAM_SUCCESS", "{change}: {}", driven.output);
    }
    let valgrind = ["valgrind", "--quiet", "--error-exitcode=99", "--leak-check=no"];
    let driven = login(&valgrind, &changes, &codes[8]);
    assert_eq!(driven.answer(), "PAM_SUCCESS", "{}", driven.output);
    // From the new function on texts are shown by that one; what the old one held is not touched again.
    assert!(driven.output.contains("second-conversation\ninfo \"Backup code accepted."), "{}", driven.output);
    assert!(!driven.output.contains("=="), "{}", driven.output);
}

/// All files are root's own with the bits that root needs: no login needs a power to pass over them.
const POWERLESS: [&str; 5] = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", "--no-new-privs", "--"];

#[test]
fn a_root_without_any_capability_logs_in_refuses_and_enrolls() {
    let (strict, nullok) = (Service::alone(""), Service::behind_a_success("nullok"));
    let (ann, mut bob) = (Person::enrolled("ann"), Person::stranger("bob"));
    let powerless = |program: &str, words: &[&str]| run(POWERLESS[0], &[&POWERLESS[1..], &[program], words].concat());
    let closed = format!("/srv/{}", unique("closed"));
    ok("install", &["--mode=000", "/dev/null", &closed]);
    assert!(!powerless("cat", &[&closed]).status.success(), "it could pass over modes");

    let login = |service: &Service, person: &Person, reply: &str| {
        drive_behind(&POWERLESS, &["--reply", reply, &service.name, &person.name]).answer()
    };
    steady(8);
    assert_eq!(login(&strict, &ann, &ann.code(0)), "PAM_SUCCESS");
    assert_eq!(login(&strict, &ann, &ann.backup_codes[0]), "PAM_SUCCESS");
    assert_eq!(login(&strict, &ann, &ann.wrong_code()), "PAM_AUTH_ERR");
    assert_eq!((&ann.status()["failures"], &ann.status()["backup_codes_left"]), (&1.into(), &9.into()));
    assert_eq!(login(&strict, &bob, "123456"), "PAM_AUTH_ERR");
    assert_eq!(login(&nullok, &bob, "123456"), "PAM_SUCCESS");
    for words in [
        &["enroll", "--no-confirm", &bob.name][..],
        &["enroll", "--no-confirm", "--replace", &bob.name],
        &["backup-codes", "--yes", &bob.name],
        &["unlock", &ann.name],
        &["status", &ann.name],
        &["list"],
        &["remove", "--yes", &bob.name],
    ] {
        let output = powerless("nightlatch", words);
        assert!(output.status.success(), "{words:?}: {output:?}");
    }
    bob.enroll(&[]);
    assert_eq!(login(&strict, &bob, &bob.code(0)), "PAM_SUCCESS");
}

/// As distributions shut in what calls PAM without a terminal: polkit's helper, say.
const SHUT_IN: [&str; 11] = [
    "systemd-run",
    "--quiet",
    "--pipe",
    "--wait",
    "--property=ProtectSystem=strict",
    "--property=ProtectHome=yes",
    "--property=PrivateDevices=yes",
    "--property=NoNewPrivileges=yes",
    "--property=MemoryDenyWriteExecute=yes",
    "--property=LimitMEMLOCK=0",
    "--property=SystemCallFilter=@system-service",
];

#[test]
fn a_service_shut_in_by_systemd_logs_in_where_it_may_write_the_store_and_refuses_where_not() {
    let (service, ann) = (Service::behind_a_success("nullok"), Person::enrolled("ann"));
    let code = &ann.backup_codes[0];
    let login = ["--property=RestrictAddressFamilies=AF_UNIX", DRIVER, "--no-delay", "--reply", code];
    let login = [&login[..], &[&service.name, &ann.name]].concat();
    let shut_in = |more: &[&str]| {
        let output = run(SHUT_IN[0], &[&SHUT_IN[1..], more, &login].concat());
        Driven { output: String::from_utf8_lossy(&output.stdout).into_owned() }
    };
    let journal = Journal::mark();
    let driven = shut_in(&["--property=ReadOnlyPaths=/var/lib/nightlatch"]);
    assert_eq!(driven.answer(), "PAM_SYSTEM_ERR", "{}", driven.output);
    let lines = journal.lines(&ann.name);
    assert!(lines.contains("is read-only: see the kernel's log"), "{lines}");
    is_untouched(&ann);
    let may_write = ["--property=ReadWritePaths=/var/lib/nightlatch", "--property=CapabilityBoundingSet="];
    assert_eq!(shut_in(&may_write).answer(), "PAM_SUCCESS");
    assert_eq!(shut_in(&may_write).answer(), "PAM_AUTH_ERR", "the code is used");
}

/// Runs the driver in a mount namespace of its own, after `script`.
fn drive_where(script: &str, arguments: &[&str]) -> Driven {
    let shell = format!("{script}\nexec \"$@\"");
    drive_behind(&["timeout", "20", "unshare", "--mount", "sh", "-ec", &shell, "-"], arguments)
}

#[test]
fn a_log_that_is_not_there_keeps_nobody_out_and_lets_nobody_in() {
    let (service, ann) = (Service::alone("debug"), Person::enrolled("ann"));
    // What should listen at /dev/log.
    for (kind, code) in ["true", "touch", "mkdir", "mkfifo"].into_iter().zip(&ann.backup_codes) {
        let directory = format!("/tmp/{}", unique("journal"));
        ok("mkdir", &[&directory]);
        ok(kind, &[&format!("{directory}/dev-log")]);
        let journal = Journal::mark();
        let hidden = format!("mount --bind {directory} /run/systemd/journal");
        for answer in ["PAM_SUCCESS", "PAM_AUTH_ERR"] {
            let driven = drive_where(&hidden, &["--reply", code, &service.name, &ann.name]);
            assert_eq!(driven.answer(), answer, "{kind}: {}", driven.output);
            let ours =
                |line: &str| ["prompt ", "info ", "error ", "delay ", "auth"].iter().any(|w| line.starts_with(w));
            assert!(driven.output.lines().all(ours), "{kind}: {}", driven.output);
        }
        assert_eq!(journal.lines(&service.name), "", "{kind}");
    }
}

/// There the boot id is, without which a wait goes by the wall clock alone.
#[test]
fn without_proc_logins_work_and_whoever_waits_keeps_waiting() {
    let service = Service::alone("");
    let (with, without) = ("true", "mount -t tmpfs tmpfs /proc");
    for place in [with, without] {
        let ann = Person::enrolled("ann");
        let login = |place: &str, code: &str| drive_where(place, &["--reply", code, &service.name, &ann.name]).answer();
        for _ in 0..6 {
            assert_eq!(login(place, &ann.wrong_code()), "PAM_AUTH_ERR");
        }
        let (journal, code) = (Journal::mark(), &ann.backup_codes[0]);
        for place in [with, without, with] {
            assert_eq!(login(place, code), "PAM_AUTH_ERR", "{place}");
        }
        let lines = journal.lines(&ann.name);
        assert_eq!(lines.matches("cause=\"waiting after failures\"").count(), 3, "{lines}");
        ok("nightlatch", &["unlock", &ann.name]);
        assert_eq!(login(without, code), "PAM_SUCCESS");
    }
}

/// How each of the other hooks answers, whatever surrounds it; libpam hides an "ignore".
#[test]
fn no_surroundings_change_what_the_other_hooks_answer() {
    let ann = Person::enrolled("ann");
    let service = Service::new(
        "auth [success=ok default=die] pam_nightlatch.so\n\
         account [ignore=ignore default=die] pam_nightlatch.so\naccount required pam_permit.so\n\
         session [ignore=ignore default=die] pam_nightlatch.so\nsession required pam_permit.so\n\
         password [ignore=ignore default=die] pam_nightlatch.so\npassword required pam_permit.so\n",
    );
    let as_nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--"];
    let in_a_shell = |script: &'static str| ["sh", "-ec", script, "-"];
    let unshared = |script: &'static str| ["unshare", "--mount", "sh", "-ec", script, "-"];
    let long = "n".repeat(5000);
    for wrapper in [
        &as_nobody[..],
        &POWERLESS,
        &["prlimit", "--fsize=0", "--nofile=8"],
        &in_a_shell("exec \"$@\" <&-"),
        &unshared("mount -t tmpfs tmpfs /proc; exec \"$@\""),
        &unshared("mount -t tmpfs tmpfs /var/lib/nightlatch; mount --bind /dev/null /etc/passwd; exec \"$@\""),
    ] {
        for name in [&ann.name, "", "nobody-of-that-name", "../root", &long] {
            let operations = ["setcred", "account", "open", "close", "chauthtok"];
            let driven = drive_behind(wrapper, &[&[&service.name, name][..], &operations].concat());
            assert_eq!(driven.answers(), ["PAM_SUCCESS"; 5], "{wrapper:?} {name}: {}", driven.output);
            assert_eq!(driven.prompts(), 0);
        }
    }
}
