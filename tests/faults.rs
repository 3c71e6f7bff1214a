// SPDX-License-Identifier: MIT OR Apache-2.0
//! A login and an enrollment in which the N-th system call fails, for every N, with each error that it can have, cut
//! short, or the process killed at it; until a run has no N-th call. strace brings the faults in.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::print_stdout,
    reason = "tests; the number of points that were tried is worth a line"
)]

mod scene;

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::Output;

use scene::*;

const DRIVER: &str = "/opt/nightlatch/driver";

/// What befalls a call; the words of strace.
fn faults_of(call: &str) -> Vec<&'static str> {
    let errors: &[&str] = match call {
        "openat" | "openat2" => {
            &["EIO", "EMFILE", "ENFILE", "ENOMEM", "EACCES", "ELOOP", "EINTR", "ENOTDIR", "EROFS", "ENOSYS"]
        }
        "read" | "pread64" => &["EIO", "EINTR", "EAGAIN", "ENOMEM"],
        "pwritev2" | "pwrite64" | "write" => &["EIO", "ENOSPC", "EROFS", "EDQUOT", "EINTR", "EOPNOTSUPP", "ENOSYS"],
        "fsync" | "fdatasync" => &["EIO", "ENOSPC", "EROFS", "EINTR"],
        "flock" => &["EWOULDBLOCK", "EINTR", "ENOLCK", "EIO"],
        "mmap" | "mprotect" | "brk" | "munmap" | "mremap" => &["ENOMEM"],
        "getrandom" => &["EINTR", "EAGAIN", "ENOSYS", "EIO"],
        "fstat" | "newfstatat" | "statx" | "fstatfs" => &["EIO", "ENOMEM", "EACCES", "EINTR", "ENOSYS"],
        "renameat2" | "unlinkat" | "fchmod" | "mkdir" => &["EIO", "ENOSPC", "EROFS", "EACCES", "EINTR"],
        _ => &["EIO", "ENOMEM", "EINTR"],
    };
    let cut_short: &[&str] = match call {
        "read" | "pread64" | "getrandom" | "getdents64" => &["retval=0", "retval=1"],
        // strace writes nothing then: whoever goes on behind the byte that was not written would believe a lie.
        "pwritev2" => &["retval=0", "retval=1", "retval=4095"],
        "pwrite64" | "write" => &["retval=0"],
        _ => &[],
    };
    let mut faults: Vec<&str> = errors.to_vec();
    faults.extend(cut_short);
    faults.push("signal=SIGKILL");
    faults
}

/// One fault at one call.
#[derive(Debug)]
#[allow(dead_code, reason = "shown where a promise is broken there")]
struct Point {
    call: String,
    nth: usize,
    fault: &'static str,
}

fn strace(expression: &[&str], trace: &str, command: &[String]) -> Output {
    let command: Vec<&str> = command.iter().map(String::as_str).collect();
    run("strace", &[&["-qq", "-s", "200", "-o", trace], expression, &command].concat())
}

/// How often each call is made, and how often before the line that holds `begin`.
fn calls(command: &[String], begin: &str) -> BTreeMap<String, usize> {
    let trace = format!("/tmp/{}", unique("trace"));
    strace(&["-e", "trace=all"], &trace, command);
    let (mut before, mut begun) = (BTreeMap::new(), false);
    for line in fs::read_to_string(&trace).unwrap().lines() {
        begun |= line.contains(begin);
        let Some((call, _)) = line.split_once('(') else { continue };
        let count = before.entry(call.to_owned()).or_insert(0);
        if !begun {
            *count += 1;
        }
    }
    assert!(begun, "{begin}");
    before.remove("exit_group");
    before.remove("execve");
    before
}

/// Runs the command once for each point from the line on that holds `begin`. Gives the number of points.
fn at_every_point(
    begin: &str,
    mut command: impl FnMut() -> Vec<String>,
    mut holds: impl FnMut(&Point, &[String], &Output),
) -> usize {
    let (trace, mut points) = (format!("/tmp/{}", unique("trace")), 0);
    for (call, before) in calls(&command(), begin) {
        for fault in faults_of(&call) {
            let what = if fault.contains('=') { fault.to_owned() } else { format!("error={fault}") };
            for nth in before + 1.. {
                let inject = format!("inject={call}:{what}:when={nth}");
                let command = command();
                let output = strace(&["-e", &format!("trace={call}"), "-e", &inject], &trace, &command);
                let befell = output.status.signal().is_some()
                    || fs::read_to_string(&trace).unwrap().lines().any(|line| line.ends_with("(INJECTED)"));
                if !befell {
                    break;
                }
                points += 1;
                holds(&Point { call: call.clone(), nth, fault }, &command, &output);
            }
        }
    }
    points
}

/// A person whose file can be put back as it was.
struct Saved {
    person: Person,
    path: String,
    bytes: Vec<u8>,
}

impl Saved {
    fn new() -> Self {
        let person = Person::enrolled("ann");
        let path = format!("/var/lib/nightlatch/users/{}", ok("id", &["-u", &person.name]).trim());
        Self { bytes: fs::read(&path).unwrap(), path, person }
    }

    fn put_back(&self) {
        fs::write(&self.path, &self.bytes).unwrap();
    }
}

fn login(service: &Service, person: &Person, reply: &str) -> Vec<String> {
    let words = [DRIVER, "--no-delay", "--rhost", "192.0.2.7", "--reply", reply, &service.name, &person.name];
    words.map(str::to_owned).to_vec()
}

fn is_in(output: &Output) -> bool {
    output.status.code() == Some(0)
}

/// The same code without a fault; whether it got in.
fn gets_in(command: &[String]) -> bool {
    let words: Vec<&str> = command[1..].iter().map(String::as_str).collect();
    is_in(&run(&command[0], &words))
}

/// With nullok and a permit beside: the stack in which a wrong answer of ours would let somebody in.
fn lenient() -> Service {
    Service::behind_a_success("nullok")
}

const MODULE: &str = "pam_nightlatch.so\"";

#[test]
fn no_fault_lets_an_accepted_code_in_twice() {
    let (service, ann) = (lenient(), Saved::new());
    let command = || {
        ann.put_back();
        login(&service, &ann.person, &ann.person.code(0))
    };
    let points = at_every_point(MODULE, command, |point, command, output| {
        let admitted = usize::from(is_in(output)) + (0..2).filter(|_| gets_in(command)).count();
        assert!(admitted <= 1, "{point:?}: {admitted} logins, {output:?}");
        assert_eq!(ann.person.status()["enrolled"], true, "{point:?}");
    });
    println!("accepted TOTP code: {points} points");
    assert!(points > 300, "{points}");
}

#[test]
fn no_fault_lets_a_backup_code_in_twice() {
    let (service, ann) = (lenient(), Saved::new());
    let command = || {
        ann.put_back();
        login(&service, &ann.person, &ann.person.backup_codes[3])
    };
    let points = at_every_point(MODULE, command, |point, command, output| {
        let admitted = usize::from(is_in(output)) + (0..2).filter(|_| gets_in(command)).count();
        assert!(admitted <= 1, "{point:?}: {admitted} logins, {output:?}");
        assert_eq!(ann.person.status()["enrolled"], true, "{point:?}");
    });
    println!("accepted backup code: {points} points");
    assert!(points > 300, "{points}");
}

#[test]
fn no_fault_lets_a_wrong_code_in_or_leaves_a_judged_refusal_uncounted() {
    let (service, ann) = (lenient(), Saved::new());
    let command = || {
        ann.put_back();
        login(&service, &ann.person, &ann.person.wrong_code())
    };
    let points = at_every_point(MODULE, command, |point, _, output| {
        assert!(!is_in(output), "{point:?}: {output:?}");
        let answered = String::from_utf8_lossy(&output.stdout).contains("PAM_AUTH_ERR");
        let counted = ann.person.status()["failures"].as_u64().unwrap();
        assert!(counted >= u64::from(answered), "{point:?}: {output:?}");
    });
    println!("refused code: {points} points");
    assert!(points > 300, "{points}");
}

#[test]
fn no_fault_exempts_whoever_a_strict_line_refuses() {
    let (service, bob) = (Service::behind_a_success(""), Person::stranger("bob"));
    let points = at_every_point(
        MODULE,
        || login(&service, &bob, "123456"),
        |point, _, output| assert!(!is_in(output), "{point:?}: {output:?}"),
    );
    println!("not enrolled: {points} points");
    assert!(points > 200, "{points}");
}

#[test]
fn no_fault_lets_a_bypass_code_of_one_use_in_twice() {
    let (service, mut ann) = (lenient(), Saved::new());
    let code = ann.person.bypass(&[]);
    ann.bytes = fs::read(&ann.path).unwrap();
    let command = || {
        ann.put_back();
        login(&service, &ann.person, &code)
    };
    let points = at_every_point(MODULE, command, |point, command, output| {
        let admitted = usize::from(is_in(output)) + (0..2).filter(|_| gets_in(command)).count();
        assert!(admitted <= 1, "{point:?}: {admitted} logins, {output:?}");
    });
    println!("bypass code: {points} points");
    assert!(points > 300, "{points}");
}

/// Without one the stack would let nobody in who brings no code: each login is a use, and each use is on the disk.
#[test]
fn no_fault_lets_anybody_in_by_a_waiver_whose_use_is_not_counted() {
    let (service, mut ann) = (lenient(), Saved::new());
    ann.person.waive("+1d", "phone broken");
    ann.bytes = fs::read(&ann.path).unwrap();
    let command = || {
        ann.put_back();
        login(&service, &ann.person, "no code")
    };
    let points = at_every_point(MODULE, command, |point, command, output| {
        let uses = ann.person.status()["waiver_uses"].as_u64().unwrap();
        assert!(uses >= u64::from(is_in(output)), "{point:?}: {output:?}");
        assert!(gets_in(command), "{point:?}: it holds on");
    });
    println!("waived: {points} points");
    assert!(points > 300, "{points}");
}

/// A login under limits of the kernel, which are no lie of strace: `limits` are prlimit's words, tried one by one.
fn under_limits(limits: impl Iterator<Item = String>) {
    let (service, ann) = (lenient(), Saved::new());
    let (mut admitted, mut tried) = (0, 0);
    for limit in limits {
        let limited = |command: &[String]| {
            let words: Vec<&str> = command.iter().map(String::as_str).collect();
            run("prlimit", &[&[limit.as_str()], &words[..]].concat())
        };
        ann.put_back();
        let wrong = limited(&login(&service, &ann.person, &ann.person.wrong_code()));
        assert!(!is_in(&wrong), "{limit}: {wrong:?}");
        let answered = String::from_utf8_lossy(&wrong.stdout).contains("PAM_AUTH_ERR");
        assert!(ann.person.status()["failures"].as_u64().unwrap() >= u64::from(answered), "{limit}: {wrong:?}");
        ann.put_back();
        let command = login(&service, &ann.person, &ann.person.backup_codes[0]);
        let within = is_in(&limited(&command));
        let times = usize::from(within) + (0..2).filter(|_| gets_in(&command)).count();
        // A code whose login broke off may count as used.
        assert!(times <= 1 && (times == 1 || !within), "{limit}: {times}");
        (admitted, tried) = (admitted + usize::from(within), tried + 1);
    }
    println!("limits: {tried} tried, {admitted} wide enough for a login");
    assert!(0 < admitted && admitted < tried, "{admitted} of {tried}");
}

/// A write that the limit cuts is short, and says so.
#[test]
fn no_write_that_is_cut_short_lets_a_code_in_twice() {
    under_limits((0..=24).map(|sectors| format!("--fsize={}", sectors * 512 + 7)).chain(["--fsize=12288".to_owned()]));
}

#[test]
fn no_lack_of_memory_lets_anybody_in() {
    under_limits((0..80).map(|step| format!("--as={}", 1_500_000 + step * 100_000)));
}

#[test]
fn no_lack_of_stack_lets_anybody_in() {
    under_limits((1..40).map(|step| format!("--stack={}", step * 8192)));
}

#[test]
fn no_lack_of_descriptors_lets_anybody_in() {
    under_limits((3..24).map(|descriptors| format!("--nofile={descriptors}")));
}

/// An older kernel, and the filter of a container that has never heard of it.
#[test]
fn without_openat2_the_right_code_gets_in_and_a_wrong_one_does_not() {
    let (service, ann) = (lenient(), Saved::new());
    let trace = format!("/tmp/{}", unique("trace"));
    for error in ["ENOSYS", "EPERM"] {
        let inject = format!("inject=openat2:error={error}");
        let gets_in = |reply: &str| {
            ann.put_back();
            is_in(&strace(&["-e", "trace=openat2", "-e", &inject], &trace, &login(&service, &ann.person, reply)))
        };
        assert!(gets_in(&ann.person.code(0)), "{error}");
        assert!(fs::read_to_string(&trace).unwrap().contains("(INJECTED)"), "{error}");
        assert!(!gets_in(&ann.person.wrong_code()), "{error}");
    }
}

/// The person's file may then be what the application takes for its stdout.
#[test]
fn closed_standard_descriptors_do_no_harm() {
    let (service, ann) = (lenient(), Saved::new());
    for closed in ["<&-", ">&-", "2>&-", "<&- >&-", "<&- >&- 2>&-"] {
        let shell = |reply: &str| {
            ann.put_back();
            let line = format!("{} {closed}", login(&service, &ann.person, reply).join(" "));
            is_in(&run("sh", &["-c", &line]))
        };
        assert!(!shell(&ann.person.wrong_code()), "{closed}");
        assert_eq!(ann.person.status()["failures"], 1, "{closed}");
        assert!(shell(&ann.person.backup_codes[0]), "{closed}");
        assert_eq!(ann.person.status()["backup_codes_left"], 9, "{closed}");
    }
}

const CONFIG: &str = "\"config.toml\"";

fn enroll(person: &Person, more: &[&str]) -> Vec<String> {
    let words =
        [&["nightlatch", "enroll", &person.name, "--no-confirm", "--json", "--backup-codes", "1"], more].concat();
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// The secret that an enrollment printed, if it says that it was done.
fn enrolled_secret(output: &Output) -> Option<String> {
    let printed = serde_json::from_slice::<serde_json::Value>(&output.stdout).ok()?;
    is_in(output).then(|| printed["devices"][0]["secret"].as_str().unwrap().to_owned())
}

#[test]
fn after_any_fault_an_enrollment_stands_whole_or_not_at_all() {
    let (service, mut ann) = (Service::alone(""), Person::stranger("ann"));
    let uid = ok("id", &["-u", &ann.name]).trim().to_owned();
    let enroll_ann = enroll(&ann, &[]);
    let command = || {
        drop(fs::remove_file(format!("/var/lib/nightlatch/users/{uid}")));
        enroll_ann.clone()
    };
    let points = at_every_point(CONFIG, command, |point, command, output| {
        let stands = ann.status()["enrolled"] == true;
        if let Some(secret) = enrolled_secret(output) {
            ann.secret = secret;
            assert!(stands, "{point:?}");
            assert_eq!(attempt(&service, &ann.name, &ann.code(0)).answer(), "PAM_SUCCESS", "{point:?}");
        } else if !stands {
            assert!(gets_in(command), "{point:?}: not enrolled, and cannot be");
        }
    });
    println!("enrollment: {points} points");
    assert!(points > 300, "{points}");
}

#[test]
fn after_any_fault_the_old_phone_works_or_the_new_one() {
    let (service, ann) = (Service::alone(""), Saved::new());
    let command = || {
        ann.put_back();
        enroll(&ann.person, &["--replace"])
    };
    let points = at_every_point(CONFIG, command, |point, _, output| {
        assert_eq!(ann.person.status()["enrolled"], true, "{point:?}");
        let old = attempt(&service, &ann.person.name, &ann.person.code(0)).answer() == "PAM_SUCCESS";
        match enrolled_secret(output) {
            Some(secret) => {
                let new = Person { secret, name: ann.person.name.clone(), backup_codes: Vec::new() };
                let works = attempt(&service, &new.name, &new.code(0)).answer() == "PAM_SUCCESS";
                assert!(works && !old, "{point:?}: {works} {old}");
            }
            // A fault behind the rename: the new record stands, and the program says how to begin anew.
            None => assert!(old || fs::read(&ann.path).unwrap() != ann.bytes, "{point:?}: {output:?}"),
        }
    });
    println!("replacement: {points} points");
    assert!(points > 300, "{points}");
}

/// The device's secret, if the program says that it was added.
fn added_secret(output: &Output) -> Option<String> {
    let printed = serde_json::from_slice::<serde_json::Value>(&output.stdout).ok()?;
    is_in(output).then(|| printed["device"]["secret"].as_str().unwrap().to_owned())
}

#[test]
fn after_any_fault_the_old_device_works_and_one_that_was_added_does_too() {
    let (service, ann) = (Service::alone(""), Saved::new());
    let command = || {
        ann.put_back();
        let words = ["nightlatch", "device", "add", &ann.person.name, "--no-confirm", "--json"];
        words.map(str::to_owned).to_vec()
    };
    let points = at_every_point(CONFIG, command, |point, _, output| {
        let devices = ann.person.status()["devices"].as_array().unwrap().len();
        assert!((1..=2).contains(&devices), "{point:?}: {devices}");
        if let Some(secret) = added_secret(output) {
            let new = Person { secret, name: ann.person.name.clone(), backup_codes: Vec::new() };
            assert_eq!(attempt(&service, &new.name, &new.code(0)).answer(), "PAM_SUCCESS", "{point:?}");
        }
        let old = attempt(&service, &ann.person.name, &ann.person.code(0));
        assert_eq!(old.answer(), "PAM_SUCCESS", "{point:?}: {output:?}");
    });
    println!("a device more: {points} points");
    assert!(points > 300, "{points}");
}
