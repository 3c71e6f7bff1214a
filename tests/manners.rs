// SPDX-License-Identifier: MIT OR Apache-2.0
//! A guest in somebody else's process: what the module brings along, what it leaves behind, which system calls it makes,
//! and what it never writes down.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[path = "manners/calls.rs"]
mod calls;
#[path = "manners/object.rs"]
mod object;
mod scene;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Output;

use scene::*;
use serde_json::Value;

const DRIVER: &str = "/opt/nightlatch/driver";

fn installed_module() -> String {
    in_the_bed();
    let found = |directory: fs::DirEntry| directory.path().join("security/pam_nightlatch.so");
    let mut modules = fs::read_dir("/lib").unwrap().map(|entry| found(entry.unwrap())).filter(|path| path.exists());
    modules.next().unwrap().to_str().unwrap().to_owned()
}
/// A kind of end that a login may come to. Where we ignore, pam_permit says yes.
struct End {
    answer: &'static str,
    service: Service,
    person: String,
    reply: String,
}

impl End {
    fn driven(&self, wrapper: &[&str], options: &[&str], operations: &[&str]) -> Output {
        let words =
            [wrapper, &[DRIVER, "--no-delay"], options, &[&self.service.name, &self.person], operations].concat();
        run(words[0], &words[1..])
    }
}

/// One of each.
fn every_end(ann: &Person, bob: &Person) -> Vec<End> {
    let end = |answer, arguments: &str, person: &str, reply: &str| {
        let line = format!("auth required pam_nightlatch.so debug {arguments}\nauth required pam_permit.so\n");
        End { answer, service: Service::new(&line), person: person.to_owned(), reply: reply.to_owned() }
    };
    vec![
        end("PAM_SUCCESS", "", &ann.name, &ann.backup_codes[0]),
        end("PAM_AUTH_ERR", "", &ann.name, &ann.wrong_code()),
        end("PAM_AUTH_ERR", "", &ann.name, "no code at all"),
        end("PAM_AUTH_ERR", "", &bob.name, "123456"),
        end("PAM_SUCCESS", "nullok", &bob.name, "123456"),
        end("PAM_USER_UNKNOWN", "", "nobody-of-that-name", "123456"),
        end("PAM_SERVICE_ERR", "config=/srv/there-is-none.toml", &ann.name, "123456"),
        end("PAM_SERVICE_ERR", "alwaysok", &ann.name, "123456"),
    ]
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
fn path_of(person: &Person) -> String {
    format!("/var/lib/nightlatch/users/{}", ok("id", &["-u", &person.name]).trim())
}

/// The driver's lines "state before", "state after" and "state end", without these words.
fn states(output: &str) -> Vec<String> {
    ["before ", "after ", "end "]
        .iter()
        .flat_map(|when| output.lines().filter_map(move |line| line.strip_prefix("state ")?.strip_prefix(when)))
        .map(str::to_owned)
        .collect()
}

#[test]
fn ids_umask_directory_descriptors_signals_and_environment_are_left_as_they_were() {
    let (ann, bob) = (Person::enrolled("ann"), Person::stranger("bob"));
    // libc keeps its socket to the log from the first line on; pam_warn writes one and does nothing else.
    let warn = Service::new("auth required pam_warn.so\nauth required pam_permit.so\n");
    let one_line_logged = states(&drive(&["--state", "--no-delay", &warn.name, &ann.name]).output);
    assert_eq!(one_line_logged.len(), 3);
    for end in every_end(&ann, &bob) {
        let thrice = ["--state", "--reply", &end.reply, "--reply", &end.reply, "--reply", &end.reply];
        let output = text(&end.driven(&[], &thrice, &["authenticate"; 3]).stdout);
        assert!(output.contains(&format!(" {}\n", end.answer)), "{output}");
        // A line of debug is logged too, over the same socket.
        assert_eq!(states(&output), one_line_logged, "{output}");
    }
}

#[test]
fn nothing_is_written_to_stdout_or_stderr() {
    let (ann, bob) = (Person::enrolled("ann"), Person::stranger("bob"));
    let drivers_own = ["prompt off \"", "info \"", "error \"", "delay ", "authenticate "];
    for end in every_end(&ann, &bob) {
        // Whatever a library of ours might take as a wish to hear more.
        let loud = ["env", "RUST_BACKTRACE=full", "RUST_LOG=trace", "DEBUG=1"];
        let output = end.driven(&loud, &["--reply", &end.reply], &[]);
        let stdout = text(&output.stdout);
        assert!(stdout.lines().all(|line| drivers_own.iter().any(|word| line.starts_with(word))), "{stdout}");
        assert!(stdout.ends_with(&format!(" {}\n", end.answer)), "{stdout}");
        assert_eq!(text(&output.stderr), "");
    }
}

/// Each end of a login as the application sees it, under each of the wrappers the same as without one.
fn no_wrapper_changes_an_answer(wrappers: &[Vec<&str>]) {
    // libpam draws the delay by lot.
    let seen = |output: &Output| text(&output.stdout).lines().filter(|l| !l.starts_with("delay ")).collect::<String>();
    let under = |wrapper: &[&str]| {
        let (ann, bob) = (Person::enrolled("ann"), Person::stranger("bob"));
        let ends = every_end(&ann, &bob).into_iter();
        let of = |end: End| (end.answer, end.driven(wrapper, &["--reply", &end.reply], &[]));
        ends.map(of).map(|(answer, output)| (answer, seen(&output), text(&output.stderr))).collect::<Vec<_>>()
    };
    let plain = under(&[]);
    assert!(plain.iter().all(|(answer, seen, _)| seen.ends_with(&format!(" {answer}"))), "{plain:?}");
    for wrapper in wrappers {
        assert_eq!(under(wrapper), plain, "{wrapper:?}");
    }
}

/// su and sudo hand the caller's variables on; none of them is asked for (THREATS V47).
#[test]
fn no_variable_of_the_environment_changes_an_answer() {
    let hostile = vec![
        "env",
        "HOME=/etc/shadow",
        "TZ=:/etc/shadow",
        "TMPDIR=/there/is/none",
        "LANG=../../etc/shadow",
        "LC_ALL=x%s%n",
        "LANGUAGE=tr",
        "USER=root",
        "LOGNAME=root",
        "SUDO_USER=root",
        "SSH_AUTH_INFO_0=publickey ssh-ed25519 AAAA",
        "CREDENTIALS_DIRECTORY=/tmp",
        "NIGHTLATCH_CONFIG=/etc/shadow",
        "XDG_CONFIG_HOME=/tmp",
        "RUST_MIN_STACK=1",
    ];
    no_wrapper_changes_an_answer(&[hostile]);
}

/// A module may be loaded where another one's functions have come first, under the very names of ours (THREATS V52).
#[test]
fn no_function_of_another_module_is_taken_for_ours() {
    let ours = installed_module();
    let (copy, unix) = (format!("/tmp/{}.so", unique("copy")), ours.replace("pam_nightlatch", "pam_unix"));
    fs::copy(&ours, &copy).unwrap();
    let preloads = [&copy, &unix].map(|other| format!("LD_PRELOAD={other}"));
    no_wrapper_changes_an_answer(&preloads.each_ref().map(|preload| vec!["env", preload]));
}

#[test]
fn a_silent_application_is_shown_the_prompt_and_no_text() {
    let (service, ann) = (Service::alone(""), Person::enrolled("ann"));
    for (flags, shown) in [(&["--silent"][..], false), (&[], true)] {
        let backup_code = &ann.backup_codes[usize::from(shown)];
        for (reply, answer, text) in
            [(backup_code, "PAM_SUCCESS", "Backup code accepted."), (&ann.wrong_code(), "PAM_AUTH_ERR", REFUSAL)]
        {
            let login = ["--no-delay", "--reply", reply, &service.name, &ann.name];
            let driven = drive(&[flags, &login].concat());
            assert_eq!((driven.answer().as_str(), driven.prompts()), (answer, 1), "{}", driven.output);
            assert_eq!((driven.says(text), driven.says("")), (shown, shown), "{}", driven.output);
        }
    }
}

/// glibc's cache of freed pieces would count as given out; without it the driver's count is right to the byte.
const WITHOUT_CACHE: [&str; 2] = ["env", "GLIBC_TUNABLES=glibc.malloc.tcache_count=0"];

fn heaps(output: &str) -> Vec<u64> {
    output.lines().filter_map(|line| line.strip_prefix("heap ")?.parse().ok()).collect()
}

fn leave_nothing_behind(end: &End, logins: usize) {
    let options = ["--repeat", &logins.to_string(), "--state", "--heap", "--reply", &end.reply];
    let output = text(&end.driven(&WITHOUT_CACHE, &options, &[]).stdout);
    let states: Vec<_> = output.lines().filter(|line| line.starts_with("state end ")).collect();
    let heaps = heaps(&output);
    assert_eq!((states.len(), heaps.len()), (logins, logins));
    // The first ones open the log and fill libc's own caches.
    assert_eq!((states.last(), heaps.last()), (states.get(9), heaps.get(9)), "{}", end.answer);
}

#[test]
fn two_hundred_logins_in_one_process_leave_no_descriptor_and_no_memory() {
    let (ann, bob) = (Person::enrolled("ann"), Person::stranger("bob"));
    for end in every_end(&ann, &bob) {
        leave_nothing_behind(&end, 200);
    }
}

#[test]
fn nor_do_ten_thousand() {
    let (ann, bob) = (Person::enrolled("ann"), Person::stranger("bob"));
    let ends = every_end(&ann, &bob);
    for answer in ["PAM_AUTH_ERR", "PAM_SERVICE_ERR"] {
        leave_nothing_behind(ends.iter().find(|end| end.answer == answer).unwrap(), 10_000);
    }
}

#[test]
fn valgrind_finds_no_error_and_no_lost_memory() {
    let (ann, bob) = (Person::enrolled("ann"), Person::stranger("bob"));
    let valgrind = [
        "valgrind",
        "--quiet",
        "--error-exitcode=99",
        "--leak-check=full",
        "--errors-for-leak-kinds=definite,indirect",
        "--keep-debuginfo=yes",
        "--track-fds=no",
    ];
    for end in every_end(&ann, &bob) {
        let output = end.driven(&valgrind, &["--reply", &end.reply], &["authenticate", "setcred", "account"]);
        let seen = text(&output.stderr);
        assert!(output.status.code() != Some(99) && !seen.contains("=="), "{}: {seen}", end.answer);
    }
}

#[test]
fn accepted_logins_leave_no_memory_either() {
    let (service, ann) = (Service::alone(""), Person::enrolled("ann"));
    let heap_after = |codes: &[String]| {
        let replies = codes.iter().flat_map(|code| ["--reply", code]);
        let words = [WITHOUT_CACHE[1], DRIVER, "--no-delay", "--heap"].into_iter().chain(replies);
        let words = words.chain([service.name.as_str(), &ann.name]).chain(codes.iter().map(|_| "authenticate"));
        let output = text(&run("env", &words.collect::<Vec<_>>()).stdout);
        assert_eq!(output.matches("authenticate 0 PAM_SUCCESS\n").count(), codes.len(), "{output}");
        heaps(&output)[0]
    };
    let (two, eight) = (heap_after(&ann.backup_codes[..2]), heap_after(&ann.backup_codes[2..]));
    // What a login lost would be lost six times, 32 bytes at least each; 16 may hang on a piece that was not split.
    assert!(two.abs_diff(eight) < 6 * 16, "{two} {eight}");
}

/// With `debug`, through every kind of end, and with files that are no config and no record.
#[test]
fn the_log_holds_no_code_no_secret_no_password_and_no_byte_of_a_file() {
    let (ann, bob) = (Person::enrolled("ann"), Person::stranger("bob"));
    let stack = |arguments: &str| {
        Service::new(&format!("auth required pam_unix.so\nauth required pam_nightlatch.so debug {arguments}\n"))
    };
    steady(10);
    let (wrong, right, ahead) = (ann.wrong_code(), ann.code(0), ann.code(3));
    let backup = ann.backup_codes.clone();
    let replies = [
        right.as_str(),
        &right,
        &wrong,
        &ahead,
        &backup[0],
        &backup[0],
        &backup[1].replace('-', " ").to_lowercase(),
        PASSWORD,
        &ann.secret,
        "31415926535897932384",
    ];
    let journal = Journal::mark();
    let mut services = Vec::new();
    let mut log_in = |arguments: &str, name: &str| {
        let service = stack(arguments);
        for reply in replies {
            drive(&["--no-delay", "--reply", PASSWORD, "--reply", reply, &service.name, name]);
        }
        services.push(service);
    };
    log_in("", &ann.name);
    log_in("nullok", &ann.name);
    log_in("", &bob.name);
    log_in("nullok", &bob.name);
    // Something that was typed at the wrong prompt.
    log_in("", PASSWORD);
    log_in("config=/etc/shadow", &ann.name);
    let not_a_config = PathBuf::from(format!("/srv/{}.toml", unique("not-a-config")));
    fs::write(&not_a_config, "store = 'torn-out-page'\nkeys = 2718281828459045\n").unwrap();
    log_in(&format!("config={}", not_a_config.display()), &ann.name);
    fs::write(path_of(&ann), "torn-out-page".repeat(900)).unwrap();
    log_in("", &ann.name);
    log_in("nullok", &ann.name);

    let log = journal.all();
    let ours = |line: &&str| services.iter().any(|service| line.contains(&format!("({}:auth)", service.name)));
    let ours: String = log.lines().filter(ours).map(|line| format!("{line}\n")).collect();
    for outcome in ["policy ", "judged ", "accepted ", "refused ", "exempt ", "fault "] {
        assert!(ours.contains(&format!(":auth): {outcome}")), "{outcome}: {ours}");
    }
    let shadow = fs::read_to_string("/etc/shadow").unwrap();
    let hash = shadow.lines().find_map(|line| line.strip_prefix(&format!("{}:", ann.name))).unwrap();
    let mut secrets = vec![PASSWORD.to_owned(), hash[..30].to_owned(), "torn-out-page".to_owned()];
    secrets.extend(["31415926535897932384", "2718281828459045"].map(str::to_owned));
    secrets.extend([wrong, right, ahead, ann.secret.clone()]);
    secrets.extend(backup.iter().flat_map(|code| [code.clone(), code.replace('-', ""), code[..9].replace('-', "")]));
    for secret in secrets {
        assert!(!ours.to_lowercase().contains(&secret.to_lowercase()), "{secret}: {ours}");
    }
}

/// Where rsyslog, fail2ban and whoever watches logins look for it, and as loud as it is.
#[test]
fn each_end_of_a_login_goes_to_the_log_of_logins_at_its_own_level() {
    let (ann, bob) = (Person::enrolled("ann"), Person::stranger("bob"));
    for end in every_end(&ann, &bob) {
        let level = match end.answer {
            // Accepted, exempt; refused; what an administrator has to mend.
            "PAM_SUCCESS" => "6",
            "PAM_SERVICE_ERR" => "3",
            _ => "5",
        };
        let journal = Journal::mark();
        end.driven(&[], &["--reply", &end.reply], &[]);
        let entries = journal.entries();
        let of_us = |entry: &&Value| {
            let message = entry["MESSAGE"].as_str().unwrap_or_default();
            message.contains(&format!("({}:auth)", end.service.name)) && entry["PRIORITY"] != "7"
        };
        let seen: Vec<_> = entries.iter().filter(of_us).map(|e| (&e["SYSLOG_FACILITY"], &e["PRIORITY"])).collect();
        assert_eq!(seen, [(&"10".into(), &level.into())], "{}", end.answer);
    }
}

/// libpam adds a part of it by lot; the application waits or does not.
#[test]
fn a_refusal_suggests_about_two_seconds_and_an_acceptance_none() {
    let (service, ann) = (Service::alone(""), Person::enrolled("ann"));
    let delay = |reply: &str| {
        let driven = attempt(&service, &ann.name, reply);
        let line = driven.output.lines().find_map(|line| line.strip_prefix("delay ")).unwrap().to_owned();
        line.split(' ').nth(1).unwrap().parse::<u64>().unwrap()
    };
    let refused = delay(&ann.wrong_code());
    assert!((1_000_000..=3_000_000).contains(&refused), "{refused}");
    assert_eq!(delay(&ann.backup_codes[0]), 0);
}

/// libpam hides an "ignore": here each answer but the one that is promised ends in a failure.
#[test]
fn the_other_hooks_answer_on_purpose_whatever_became_of_config_and_store() {
    let ann = Person::enrolled("ann");
    for arguments in ["", "config=/srv/there-is-none.toml", "debug nullok", "alwaysok"] {
        let module = format!("pam_nightlatch.so {arguments}");
        let promised = Service::new(&format!(
            "auth [success=ok default=die] {module}\n\
             account [ignore=ignore default=die] {module}\naccount required pam_permit.so\n\
             session [ignore=ignore default=die] {module}\nsession required pam_permit.so\n\
             password [ignore=ignore default=die] {module}\npassword required pam_permit.so\n"
        ));
        let journal = Journal::mark();
        // As cron, systemd and sshd with a key come here: authenticate was never called.
        let operations = ["setcred", "delcred", "account", "open", "close", "chauthtok"];
        let driven = drive(&[&["--no-delay", &promised.name, ann.name.as_str()][..], &operations].concat());
        assert_eq!(driven.answers(), ["PAM_SUCCESS"; 5], "{}", driven.output);
        assert!(driven.output.contains("delcred 0 PAM_SUCCESS"), "{}", driven.output);
        assert_eq!((driven.prompts(), journal.lines(&promised.name).as_str()), (0, ""));
    }
}

#[test]
fn the_other_hooks_clear_no_counter() {
    let ann = Person::enrolled("ann");
    let stack = Service::new(
        "auth required pam_nightlatch.so\naccount required pam_nightlatch.so\naccount required pam_permit.so\n",
    );
    assert_eq!(attempt(&stack, &ann.name, &ann.wrong_code()).answer(), "PAM_AUTH_ERR");
    let before = fs::read(path_of(&ann)).unwrap();
    drive(&["--no-delay", &stack.name, &ann.name, "account", "setcred"]);
    assert_eq!(ann.status()["failures"], 1);
    assert_eq!(fs::read(path_of(&ann)).unwrap(), before);
    assert_eq!(fs::metadata(path_of(&ann)).unwrap().permissions().mode() & 0o7777, 0o600);
}
