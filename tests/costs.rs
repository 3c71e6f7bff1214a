// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a login costs, in counts that do not depend on how fast or how busy a machine is: instructions of the module, and
//! what it asks the kernel for. What they cost beside the peers: benches/peers and docs/PERFORMANCE.md.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::print_stdout,
    reason = "tests; the figures are worth a line"
)]

mod scene;

use std::collections::HashMap;
use std::fs;
use std::sync::Mutex;

use scene::*;

const DRIVER: &str = "/opt/nightlatch/driver";
const CONFIG: &str = "/etc/nightlatch/config.toml";

/// One test changes the config of all.
static ALONE: Mutex<()> = Mutex::new(());

/// Thirteen settings, as an administrator writes them who likes his own values.
const SETTINGS: &str = r#"prompt = "Verification code: "
[totp]
window = 1
[throttle]
free_failures = 3
first_wait = 30
long_wait_from = 5
long_wait = 1800
[enroll]
issuer = "ACME"
algorithm = "sha1"
digits = 6
period = 30
backup_codes = 10
"#;

/// Instructions of the module itself in one pam_sm_authenticate: libc's differ from processor to processor.
fn instructions(service: &Service, person: &Person, reply: &str, answer: &str) -> u64 {
    let profile = format!("/tmp/{}", unique("profile"));
    let out = format!("--callgrind-out-file={profile}");
    let valgrind = ["--tool=callgrind", "--toggle-collect=pam_sm_authenticate", &out, DRIVER];
    let login = ["--no-delay", "--rhost", "192.0.2.7", "--reply", reply, &service.name, &person.name];
    let output = run("valgrind", &[&valgrind[..], &login].concat());
    let stdout = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(
        stdout.ends_with(&format!("authenticate {} {answer}\n", if answer == "PAM_SUCCESS" { 0 } else { 7 })),
        "{output:?}"
    );
    own_instructions(&fs::read_to_string(profile).unwrap())
}

/// The profile's lines: `ob=(ID) PATH` says of which object the next costs are, `calls=` that the line behind it is the cost
/// of what was called (valgrind's manual, Callgrind Format Specification).
fn own_instructions(profile: &str) -> u64 {
    let (mut names, mut is_ours, mut is_callees, mut sum) = (HashMap::new(), false, false, 0);
    for line in profile.lines() {
        if let Some((key @ ("ob" | "cob"), value)) = line.split_once('=') {
            let (id, name) = value.split_once(' ').unwrap_or((value, ""));
            if !name.is_empty() {
                names.insert(id.to_owned(), name.to_owned());
            }
            if key == "ob" {
                is_ours = names[id].ends_with("pam_nightlatch.so");
            }
        } else if line.starts_with("calls=") {
            is_callees = true;
        } else if line.starts_with(|c: char| c.is_ascii_digit() || "+-*".contains(c)) {
            if is_ours && !is_callees {
                sum += line.split(' ').nth(1).unwrap().parse::<u64>().unwrap();
            }
            is_callees = false;
        }
    }
    sum
}

/// What each took when it was last looked at. Where a change makes one dearer by more than five in a hundred, it wants a
/// reason; where it makes one cheaper, the new figure.
const STORED: [(&str, u64); 5] = [
    ("accepted, the config as shipped", 109_600),
    ("accepted, thirteen settings", 142_600),
    ("accepted, no config", 90_000),
    // Of them 26 codes around it, for the log.
    ("refused, no config", 177_500),
    ("not a code, no config", 17_000),
];

#[test]
fn a_login_takes_the_instructions_that_it_took() {
    let _alone = ALONE.lock();
    let service = Service::alone("");
    let log_in = |reply: fn(&Person) -> String, answer| {
        let ann = Person::enrolled_with("ann", &["--backup-codes", "0"]);
        steady(10);
        instructions(&service, &ann, &reply(&ann), answer)
    };
    let right = |ann: &Person| ann.code(0);
    let shipped = log_in(right, "PAM_SUCCESS");
    let again = log_in(right, "PAM_SUCCESS");
    assert!(shipped.abs_diff(again) * 200 < shipped, "not repeatable: {shipped} and {again}");
    let config = fs::read(CONFIG).unwrap();
    fs::write(CONFIG, SETTINGS).unwrap();
    let settings = log_in(right, "PAM_SUCCESS");
    fs::remove_file(CONFIG).unwrap();
    let none = log_in(right, "PAM_SUCCESS");
    let refused = log_in(Person::wrong_code, "PAM_AUTH_ERR");
    let no_code = log_in(|_| "no code".to_owned(), "PAM_AUTH_ERR");
    fs::write(CONFIG, config).unwrap();

    let measured = [shipped, settings, none, refused, no_code];
    println!("{measured:?}");
    for ((what, stored), measured) in STORED.into_iter().zip(measured) {
        assert!(measured * 100 <= stored * 105, "{what}: {measured} instructions, {stored} when it was last looked at");
        assert!(measured * 100 >= stored * 95, "{what}: {measured} instructions only; store that instead of {stored}");
    }
}

/// The calls by which it reaches what is ours, in their order; why each is made stands in docs/PERFORMANCE.md. No statx asks
/// for a time, which would make the next write dearer.
const OWN_CALLS: &str = r#"
openat2 "/etc/nightlatch"
statx /etc/nightlatch ""
statx /etc/nightlatch ".."
statx /etc/nightlatch "../.."
openat /etc/nightlatch "config.toml"
statx /etc/nightlatch/config.toml ""
pread64 /etc/nightlatch/config.toml
close /etc/nightlatch/config.toml
close /etc/nightlatch
newfstatat "/var/lib/nightlatch/users/UID.waived"
openat2 "/var/lib/nightlatch"
statx /var/lib/nightlatch ""
statx /var/lib/nightlatch ".."
statx /var/lib/nightlatch "../.."
statx /var/lib/nightlatch "../../.."
openat /var/lib/nightlatch "users"
statx /var/lib/nightlatch/users ""
openat /var/lib/nightlatch/users "UID"
statx /var/lib/nightlatch/users/UID ""
flock /var/lib/nightlatch/users/UID
statx /var/lib/nightlatch/users "UID"
pread64 /var/lib/nightlatch/users/UID
openat2 "/etc/nightlatch/keys"
statx /etc/nightlatch/keys ""
statx /etc/nightlatch/keys ".."
statx /etc/nightlatch/keys "../.."
statx /etc/nightlatch/keys "../../.."
openat /etc/nightlatch/keys "KEY"
statx /etc/nightlatch/keys/KEY ""
pread64 /etc/nightlatch/keys/KEY
close /etc/nightlatch/keys/KEY
close /etc/nightlatch/keys
getrandom
pwritev2 /var/lib/nightlatch/users/UID
close /var/lib/nightlatch/users/UID
close /var/lib/nightlatch
close /var/lib/nightlatch/users
getrandom
"#;

/// `name </path of the descriptor> "what is looked for there"`, as far as there is one or the other.
fn in_short(call: &str, uid: &str, key: &str) -> String {
    let (name, arguments) = call.split_once('(').unwrap();
    let mut short = name.to_owned();
    let mut words = arguments.split(", ");
    let descriptor = words.next().unwrap().trim_end_matches(')').split([')', '>']).next().unwrap();
    if let Some((_, path)) = descriptor.split_once('<').filter(|_| !descriptor.starts_with("AT_FDCWD")) {
        short += &format!(" {path}");
    }
    if ["openat", "openat2", "statx", "newfstatat"].contains(&name) {
        short += &format!(" {}", words.next().unwrap());
    }
    short.replace(key, "KEY").replace(&format!("/{uid}"), "/UID").replace(&format!("\"{uid}\""), "\"UID\"")
}

#[test]
fn an_accepted_login_reaches_for_what_is_listed_and_for_nothing_else() {
    let _alone = ALONE.lock();
    let (service, ann) = (Service::alone(""), Person::enrolled_with("ann", &["--backup-codes", "0"]));
    steady(10);
    let (trace, code) = (format!("/tmp/{}", unique("trace")), ann.code(0));
    let strace = ["--decode-fds=path", "--output", &trace, DRIVER];
    let login =
        ["--no-delay", "--barrier", "/none", "--rhost", "192.0.2.7", "--reply", &code, &service.name, &ann.name];
    ok("strace", &[&strace[..], &login].concat());
    let (uid, key) = (ok("id", &["-u", &ann.name]), ok("ls", &["/etc/nightlatch/keys"]));
    let calls = fs::read_to_string(trace).unwrap();
    let ours = ["/etc/nightlatch", "/var/lib/nightlatch", "getrandom("];
    let own: Vec<_> = calls
        .lines()
        .skip_while(|line| !line.contains("\"ready\\n\""))
        .filter(|line| ours.iter().any(|ours| line.contains(ours)))
        .inspect(|line| assert!(!asks_for_a_time(line), "{line}"))
        .map(|line| in_short(line, uid.trim(), key.trim()))
        .collect();
    assert_eq!(own, OWN_CALLS.trim().lines().collect::<Vec<_>>());
}

/// The mask that is asked for stands before the answer in braces, which holds times all the same; O_NOATIME asks for none.
fn asks_for_a_time(call: &str) -> bool {
    call.split('{').next().unwrap().replace("O_NOATIME", "").contains("TIME")
}
