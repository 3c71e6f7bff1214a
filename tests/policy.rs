// SPDX-License-Identifier: MIT OR Apache-2.0
//! Who is asked and who is not: the module's arguments, the config, accounts under two names, two lines in one stack.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod scene;

use std::fs;

use scene::*;

/// A config of its own; the store is the host's.
fn config(lines: &str) -> String {
    let path = format!("/etc/nightlatch/{}.toml", unique("policy"));
    fs::write(&path, lines).unwrap();
    path
}

fn asked(driven: &Driven) -> (String, usize) {
    (driven.answer(), driven.prompts())
}

fn answers(answer: &str, prompts: usize) -> (String, usize) {
    (answer.to_owned(), prompts)
}

#[test]
fn whoever_is_not_enrolled_is_asked_like_everybody_and_refused() {
    let (service, stranger) = (Service::alone(""), Person::stranger("stranger"));
    let driven = attempt(&service, &stranger.name, "123456");
    assert_eq!(asked(&driven), answers("PAM_AUTH_ERR", 1));
    assert!(driven.is_plain_refusal());
}

#[test]
fn with_nullok_they_are_exempt_unasked_until_they_are_enrolled() {
    let (service, mut ann) = (Service::behind_a_success("nullok"), Person::stranger("ann"));
    let journal = Journal::mark();
    assert_eq!(asked(&attempt(&service, &ann.name, "123456")), answers("PAM_SUCCESS", 0));
    assert!(journal.lines(&ann.name).contains("by=nullok"), "{}", journal.lines(""));
    ann.enroll(&[]);
    assert_eq!(asked(&attempt(&service, &ann.name, &ann.wrong_code())), answers("PAM_AUTH_ERR", 1));
}

/// libpam turns a stack in which nobody said yes into a refusal.
#[test]
fn an_exemption_alone_is_no_success() {
    let (service, stranger) = (Service::alone("nullok"), Person::stranger("stranger"));
    assert_ne!(attempt(&service, &stranger.name, "123456").answer(), "PAM_SUCCESS");
}

#[test]
fn what_the_config_says_of_the_not_enrolled_wins_over_nullok() {
    let stranger = Person::stranger("stranger");
    let refuse = config("[default]\nnot_enrolled = \"refuse\"\n");
    let service = Service::behind_a_success(&format!("nullok config={refuse}"));
    assert_eq!(asked(&attempt(&service, &stranger.name, "123456")), answers("PAM_AUTH_ERR", 1));
    let exempt = config("[default]\nnot_enrolled = \"exempt\"\n");
    let service = Service::behind_a_success(&format!("config={exempt}"));
    assert_eq!(asked(&attempt(&service, &stranger.name, "123456")), answers("PAM_SUCCESS", 0));
}

#[test]
fn the_prompt_is_the_sites_own() {
    let ann = Person::enrolled("ann");
    let german = config("prompt = \"Code für die Anmeldung: \"\n");
    let driven = attempt(&Service::alone(&format!("config={german}")), &ann.name, &ann.code(0));
    assert!(driven.output.contains("prompt off \"Code für die Anmeldung: \""), "{}", driven.output);
    assert_eq!(driven.answer(), "PAM_SUCCESS");
}

#[test]
fn a_service_may_have_a_prompt_of_its_own() {
    let ann = Person::enrolled("ann");
    let others = Service::alone("");
    let path = config("");
    let service = Service::alone(&format!("config={path}"));
    fs::write(&path, format!("[service.{}]\nprompt = \"Code for the vault: \"\n", service.name)).unwrap();
    let driven = attempt(&service, &ann.name, &ann.code(0));
    assert!(driven.output.contains("prompt off \"Code for the vault: \""), "{}", driven.output);
    assert_eq!(driven.answer(), "PAM_SUCCESS");
    assert_eq!(attempt(&others, &ann.name, "").prompts(), 1, "the prompt of all");
}

#[test]
fn a_smaller_window_takes_the_present_step_alone() {
    let ann = Person::enrolled("ann");
    let service = Service::alone(&format!("config={}", config("[totp]\nwindow = 0\n")));
    steady(8);
    for (steps, answer) in [(-1, "PAM_AUTH_ERR"), (1, "PAM_AUTH_ERR"), (0, "PAM_SUCCESS")] {
        assert_eq!(attempt(&service, &ann.name, &ann.code(steps)).answer(), answer, "{steps}");
    }
}

#[test]
fn a_wrong_argument_keeps_everybody_out_and_is_named_in_the_log() {
    let ann = Person::enrolled("ann");
    for (arguments, cause) in [
        ("nullOK", "nullOK"),
        ("nullok config=relative.toml", "config=relative.toml"),
        ("config=", "config="),
        ("require-key", "require-key"),
    ] {
        let service = Service::behind_a_success(arguments);
        let journal = Journal::mark();
        let driven = attempt(&service, &ann.name, &ann.code(0));
        assert_eq!(asked(&driven), answers("PAM_SERVICE_ERR", 0), "{arguments}");
        assert!(driven.is_plain_refusal());
        let lines = journal.lines(&service.name);
        assert!(lines.contains(cause) && lines.contains("remedy=\"correct the pam_nightlatch.so line"), "{lines}");
    }
}

#[test]
fn a_wrong_config_keeps_everybody_out_and_is_named_with_line_and_column() {
    let (ann, stranger) = (Person::enrolled("ann"), Person::stranger("stranger"));
    for (lines, place) in [
        ("stroe = \"/x\"\n", ":1:1"),
        ("\n[totp]\nwindow = \"1\"\n", ":3:10"),
        ("[totp]\nwindow = 2\n", ":2:10"),
        ("[throttle]\nother_failures = 1000\n", ":2:18"),
        ("prompt = \"never ended\n", ":1:"),
        ("[default]\nnot_enrolled = \"exmept\"\n", ":2:16"),
    ] {
        let path = config(lines);
        let service = Service::behind_a_success(&format!("nullok config={path}"));
        let journal = Journal::mark();
        for person in [&ann, &stranger] {
            assert_eq!(asked(&attempt(&service, &person.name, "123456")), answers("PAM_SERVICE_ERR", 0), "{lines}");
        }
        let logged = journal.lines(&service.name);
        assert!(logged.contains(&format!("{path}{place}")), "{lines}: {logged}");
    }
}

#[test]
fn without_a_config_at_its_usual_place_the_strict_defaults_hold() {
    let ann = Person::enrolled("ann");
    // A mount namespace of its own: other tests need the directory as it is.
    let service = Service::alone("");
    let hidden = format!(
        "mkdir /tmp/{0} && cp -a /etc/nightlatch/keys /tmp/{0}/ && \
         mount --bind /tmp/{0} /etc/nightlatch && exec /opt/nightlatch/driver --no-delay --reply {1} {0} {2}",
        service.name,
        ann.code(0),
        ann.name
    );
    let output = run("unshare", &["--mount", "sh", "-ec", &hidden]);
    let driven = Driven { output: String::from_utf8_lossy(&output.stdout).into_owned() };
    assert_eq!(asked(&driven), answers("PAM_SUCCESS", 1), "{driven:?} {output:?}");
}

#[test]
fn a_name_without_an_account_is_asked_alike_and_is_not_logged() {
    let (service, ann) = (Service::alone(""), Person::enrolled("ann"));
    let journal = Journal::mark();
    let known = attempt(&service, &ann.name, &ann.wrong_code());
    let unknown = attempt(&service, "hunter2-is-my-password", "123456");
    assert_eq!(asked(&unknown), answers("PAM_USER_UNKNOWN", 1));
    let shown = |driven: &Driven| {
        let of_the_person = |line: &&str| ["prompt", "info", "error"].iter().any(|word| line.starts_with(word));
        driven.output.lines().filter(of_the_person).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(shown(&unknown), shown(&known));
    let lines = journal.lines(&service.name);
    assert!(lines.contains("user=unknown") && !lines.contains("hunter2"), "{lines}");
}

/// THREATS P-06, V45. As an argument of a program a name holds no NUL.
#[test]
fn no_odd_name_gets_in_is_exempt_or_leaves_a_file() {
    // A store of its own: other tests enroll into the host's meanwhile.
    let store = format!("/var/lib/nightlatch/{}", unique("odd"));
    let config = config(&format!("store = \"{store}\"\nkeys = \"/etc/nightlatch/{}\"\n", unique("oddkeys")));
    ok("nightlatch", &["init", "--quiet", "--config", &config]);
    // pam_permit stands behind: before us it would turn the empty name into "nobody".
    let service =
        Service::new(&format!("auth required pam_nightlatch.so nullok config={config}\nauth required pam_permit.so\n"));
    let ann = Person::enrolled_with("ann", &["--config", &config]);
    let (files, journal) = (users(&store), Journal::mark());
    let uid = ok("id", &["-u", &ann.name]).trim().to_owned();
    let long = "a".repeat(300);
    let (upper, spaced, trailing) = (ann.name.to_uppercase(), format!(" {}", ann.name), format!("{} ", ann.name));
    let (line, dotted, path) = (format!("{}\nroot", ann.name), format!("./{}", ann.name), format!("../users/{uid}"));
    let names = [
        "",
        ".",
        "..",
        "-",
        "--",
        "-root",
        "/",
        "a/b",
        "../../etc/shadow",
        "0",
        "+0",
        "007",
        &uid,
        &upper,
        &spaced,
        &trailing,
        &line,
        &dotted,
        &path,
        &long,
        "a:b",
        "a,b",
        "$(id)",
        "%s%n",
        "a\tb",
        "\u{1b}[31mred",
        "r\u{f6}\u{301}t",
        "\u{202e}toor",
        "user@example.com",
        "DOMAIN\\user",
        "name$",
    ];
    for name in names {
        steady(2);
        let driven =
            drive(&["--no-delay", "--reply", &ann.code(0), "--reply", &ann.code(0), "--", &service.name, name]);
        assert!(!driven.answers().iter().any(|answer| answer == "PAM_SUCCESS"), "{name:?}: {}", driven.output);
    }
    assert_eq!(users(&store), files);
    let lines = journal.lines(&service.name);
    assert!(lines.lines().all(|line| line.contains("user=unknown") && line.is_ascii()), "{lines}");
    assert_eq!(attempt(&service, &ann.name, &ann.code(0)).answer(), "PAM_SUCCESS");
}

fn users(store: &str) -> Vec<std::ffi::OsString> {
    let entries = fs::read_dir(format!("{store}/users")).unwrap();
    let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
    names.sort_unstable();
    names
}

/// THREATS V60: su, sudo and sshd go on with PAM_USER as they find it afterwards.
#[test]
fn whoever_logs_in_is_the_same_person_afterwards() {
    let (service, ann) = (Service::alone(""), Person::enrolled("ann"));
    for (person, reply) in [
        (ann.name.as_str(), ann.backup_codes[0].as_str()),
        (&ann.name, &ann.wrong_code()),
        ("nobody-of-that-name", "123456"),
    ] {
        let driven =
            drive(&["--no-delay", "--pamuser-after", "--pamenv-after", "--reply", reply, &service.name, person]);
        assert!(driven.output.contains(&format!("pamuser \"{person}\"\n")), "{}", driven.output);
        assert!(!driven.output.contains("pamenv \""), "{}", driven.output);
    }
}

#[test]
fn a_second_name_of_one_uid_is_no_second_person() {
    let (service, ann) = (Service::behind_a_success("nullok"), Person::enrolled("ann"));
    let uid = ok("id", &["-u", &ann.name]);
    let alias = unique("alias");
    ok("useradd", &["-o", "-u", uid.trim(), &alias]);
    let journal = Journal::mark();
    steady(4);
    let driven = attempt(&service, &alias, &ann.code(0));
    assert_eq!(asked(&driven), answers("PAM_AUTH_ERR", 1), "{}", driven.output);
    let lines = journal.lines(&service.name);
    assert!(lines.contains(&alias) && lines.contains(&ann.name), "the log names both: {lines}");
    let refused = run("nightlatch", &["enroll", &alias, "--no-confirm", "--replace"]);
    assert_eq!(refused.status.code(), Some(4), "{refused:?}");
    assert!(String::from_utf8_lossy(&refused.stderr).contains(&ann.name), "{refused:?}");
    assert_eq!(attempt(&service, &ann.name, &ann.code(0)).answer(), "PAM_SUCCESS", "the account's own name goes on");
}

#[test]
fn a_renamed_account_is_refused_until_an_administrator_decides() {
    let (service, ann) = (Service::behind_a_success("nullok"), Person::enrolled("ann"));
    let new_name = unique("renamed");
    ok("usermod", &["-l", &new_name, &ann.name]);
    let journal = Journal::mark();
    let driven = attempt(&service, &new_name, &ann.code(0));
    assert_eq!(asked(&driven), answers("PAM_AUTHINFO_UNAVAIL", 1), "{}", driven.output);
    let lines = journal.lines(&new_name);
    assert!(lines.contains("remedy=") && lines.contains("/var/lib/nightlatch/users/"), "{lines}");
}

#[test]
fn two_lines_in_one_stack_ask_once() {
    let ann = Person::enrolled("ann");
    let service = Service::new("auth required pam_nightlatch.so\nauth required pam_nightlatch.so\n");
    let driven = attempt(&service, &ann.name, &ann.code(0));
    assert_eq!(asked(&driven), answers("PAM_SUCCESS", 1), "{}", driven.output);
    let driven = attempt(&service, &ann.name, &ann.wrong_code());
    assert_eq!(asked(&driven), answers("PAM_AUTH_ERR", 1), "{}", driven.output);
    assert_eq!(ann.status()["failures"], 1);
}

/// Another image's memory may be laid out otherwise: what it remembered is not read, and its line asks for itself.
#[test]
fn of_two_images_of_the_module_in_one_stack_each_asks() {
    let ann = Person::enrolled("ann");
    let copy = format!("/srv/{}.so", unique("pam_nightlatch-copy"));
    let modules = ok("find", &["/usr/lib", "-path", "*/security/pam_nightlatch.so"]);
    fs::copy(modules.trim(), &copy).unwrap();
    let service = Service::new(&format!("auth required pam_nightlatch.so\nauth required {copy}\n"));
    let replies = ["--no-delay", "--reply", &ann.backup_codes[0], "--reply", &ann.backup_codes[1]];
    let driven = drive(&[&replies[..], &[&service.name, &ann.name]].concat());
    assert_eq!(asked(&driven), answers("PAM_SUCCESS", 2), "{}", driven.output);
}

#[test]
fn two_logins_on_one_handle_ask_twice() {
    let (service, ann) = (Service::alone(""), Person::enrolled("ann"));
    steady(6);
    let (first, second) = (ann.code(0), ann.code(1));
    let both = ["--no-delay", "--reply", &first, "--reply", &second];
    let driven = drive(&[&both[..], &[&service.name, &ann.name, "authenticate", "authenticate"]].concat());
    assert_eq!((driven.answers(), driven.prompts()), (vec!["PAM_SUCCESS".to_owned(); 2], 2), "{}", driven.output);
    let same = ["--no-delay", "--reply", &second, "--reply", &second];
    let driven = drive(&[&same[..], &[&service.name, &ann.name, "authenticate", "authenticate"]].concat());
    assert_eq!((driven.answers(), driven.prompts()), (vec!["PAM_AUTH_ERR".to_owned(); 2], 2), "{}", driven.output);
}

#[test]
fn the_account_phase_refuses_nobody_who_came_another_way() {
    let service = Service::new(
        "auth required pam_nightlatch.so\naccount required pam_nightlatch.so\naccount required pam_permit.so\n\
         session required pam_nightlatch.so\nsession required pam_permit.so\n",
    );
    let stranger = Person::stranger("stranger");
    let driven = drive(&["--no-delay", &service.name, &stranger.name, "account", "open", "close"]);
    assert_eq!(driven.answers(), ["PAM_SUCCESS"; 3], "as cron and ssh keys do: {}", driven.output);
}
