// SPDX-License-Identifier: MIT OR Apache-2.0
//! What a program that runs this one relies on: the same command again changes nothing where its goal is reached, and says
//! so; `changed` is true exactly where something on the disk is another; one JSON value a run, on failure too.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::crowd::enroll_under_an_old_name;
use crate::host::Host;
use crate::phone::Phone;
use crate::tree;

const SECRET: &str = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP";
const PAGE: &str = include_str!("../../../docs/AUTOMATION.md");
const ANOTHER: &str = "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ";

/// What a run says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Says {
    /// Status 0, `changed: true`.
    Changed,
    /// Status 0, `changed: false`.
    Unchanged,
    /// Status 0 and no word about changes, since this command makes none.
    Reads,
    /// Another status; with `changed` where something was judged, else with an error.
    Fails(i32),
}
use Says::{Changed, Fails, Reads, Unchanged};

/// A command, run twice on one host.
struct Twice {
    /// Its place in the tree.
    command: &'static str,
    words: &'static str,
    before: fn(&Host),
    stdin: fn(&Host) -> String,
    says: [Says; 2],
}

impl Twice {
    const fn of(command: &'static str, words: &'static str, says: [Says; 2]) -> Self {
        Self { command, words, before: |_| (), stdin: |_| String::new(), says }
    }

    const fn after(self, before: fn(&Host)) -> Self {
        Self { before, ..self }
    }

    const fn with(self, stdin: fn(&Host) -> String) -> Self {
        Self { stdin, ..self }
    }

    /// WHEN stands for a time in the next days that is the same in both runs, HOST for the directory of the host.
    fn arguments(&self, host: &Host) -> Vec<String> {
        let home = host.path("").display().to_string();
        let words = self.command.split(' ').chain(self.words.split(' ')).filter(|word| !word.is_empty());
        words.map(|word| if word == "WHEN" { in_two_days() } else { word.replace("HOST/", &home) }).collect()
    }

    fn run(&self, host: &Host, stdin: &str) -> (Says, Value) {
        let arguments = self.arguments(host);
        let mut words: Vec<&str> = arguments.iter().map(String::as_str).collect();
        words.push("--json");
        let ran = host.run_with(&words, stdin);
        let value = ran.json();
        let said = match (ran.status, value["changed"].as_bool()) {
            (0, Some(true)) => Changed,
            (0, Some(false)) => Unchanged,
            (0, None) => Reads,
            (other, _) => Fails(other),
        };
        (said, value)
    }
}

/// Every command that there is, at least once. daemon is enrolled with a phone, whose secret is known, and a tablet; bin with
/// a phone; games is not enrolled. **A new command belongs in here.**
const TABLE: &[Twice] = &[
    Twice::of("init", "", [Unchanged, Unchanged]),
    Twice::of("init", "", [Changed, Unchanged]).after(|host| {
        fs::remove_dir_all(host.path("store")).unwrap();
        fs::remove_dir_all(host.path("keys")).unwrap();
    }),
    Twice::of("enroll", "games --no-confirm", [Changed, Fails(5)]),
    Twice::of("enroll", "games --no-confirm --if-not-enrolled", [Changed, Unchanged]),
    Twice::of("enroll", "daemon --no-confirm --replace", [Changed, Changed]),
    Twice::of("enroll", "daemon --no-confirm --replace --secret-stdin --if-other-secret", [Changed, Unchanged])
        .with(|_| ANOTHER.to_owned()),
    Twice::of("enroll", "daemon --no-confirm --replace --secret-stdin --if-other-secret", [Unchanged, Unchanged])
        .with(|_| SECRET.to_owned()),
    Twice::of("enroll", "games --no-confirm --replace --secret-stdin --if-other-secret", [Changed, Unchanged])
        .with(|_| ANOTHER.to_owned()),
    Twice::of("enroll", "--from HOST/people.csv --output HOST/handouts --no-confirm", [Changed, Unchanged])
        .after(|host| write(host, "people.csv", "user\nbin\ngames\n")),
    Twice::of("import google-authenticator", "games --file HOST/google", [Changed, Unchanged])
        .after(with_a_google_file),
    Twice::of("import google-authenticator", "games --file HOST/google --dry-run", [Unchanged, Unchanged])
        .after(with_a_google_file),
    Twice::of("import google-authenticator", "games --file HOST/google", [Fails(1), Fails(1)]),
    Twice::of("import oath", "HOST/users.oath", [Changed, Unchanged])
        .after(|host| write(host, "users.oath", "HOTP/T30 games - 3132333435363738393031323334353637383930\n")),
    Twice::of("device list", "daemon", [Reads, Reads]),
    Twice::of("device add", "daemon --no-confirm", [Changed, Changed]),
    Twice::of("device add", "daemon --no-confirm --name token", [Changed, Fails(5)]),
    Twice::of("device add", "daemon --no-confirm --name token --if-missing", [Changed, Unchanged]),
    Twice::of("device rename", "daemon tablet slate", [Changed, Fails(4)]),
    Twice::of("device rename", "daemon tablet slate --if-there", [Changed, Unchanged]),
    Twice::of("device remove", "daemon tablet --yes", [Changed, Fails(4)]),
    Twice::of("device remove", "daemon tablet --yes --if-there", [Changed, Unchanged]),
    Twice::of("device remove", "games tablet --yes --if-there", [Unchanged, Unchanged]),
    Twice::of("device resync", "daemon phone", [Changed, Fails(3)]).with(|_| Phone::usual(SECRET).pair(0).join("\n")),
    Twice::of("backup-codes", "bin --yes", [Changed, Changed]),
    Twice::of("bypass", "bin", [Changed, Changed]),
    Twice::of("bypass", "bin --revoke", [Changed, Unchanged])
        .after(|host| drop(host.run(&["bypass", "bin"]).expect(0))),
    Twice::of("waive", "bin --until WHEN --reason moving", [Changed, Unchanged]),
    Twice::of("waive", "bin --until WHEN --reason moving", [Changed, Unchanged]).after(|host| {
        host.run(&["waive", "bin", "--until", &in_two_days(), "--reason", "other"]).expect(0);
    }),
    Twice::of("waive", "bin --end", [Changed, Unchanged]).after(|host| {
        host.run(&["waive", "bin", "--until", "+1d", "--reason", "moving"]).expect(0);
    }),
    Twice::of("invite", "games --until WHEN", [Changed, Unchanged]),
    Twice::of("invite", "games --if-needed", [Changed, Unchanged]),
    Twice::of("invite", "games --if-needed", [Unchanged, Unchanged]).after(|host| {
        host.run(&["invite", "games", "--until", "+1d"]).expect(0);
    }),
    Twice::of("invite", "bin --if-needed", [Unchanged, Unchanged]),
    Twice::of("invite", "bin", [Fails(5), Fails(5)]),
    Twice::of("invite", "games --end", [Changed, Unchanged])
        .after(|host| drop(host.run(&["invite", "games"]).expect(0))),
    Twice::of("verify", "daemon", [Changed, Fails(3)]).with(|_| Phone::usual(SECRET).code(0)),
    Twice::of("status", "daemon", [Reads, Reads]),
    Twice::of("status", "games", [Reads, Reads]),
    Twice::of("list", "", [Reads, Reads]),
    Twice::of("list", "--not-enrolled", [Reads, Reads]),
    Twice::of("unlock", "daemon", [Changed, Unchanged]).after(|host| {
        host.run_with(&["verify", "daemon"], &Phone::usual(SECRET).wrong_code()).expect(3);
    }),
    Twice::of("remove", "bin --yes", [Changed, Fails(4)]),
    Twice::of("remove", "bin --yes --if-enrolled", [Changed, Unchanged]),
    Twice::of("remove", "--uid 2 --yes --if-enrolled", [Changed, Unchanged]),
    Twice::of("remove", "--vanished --yes", [Changed, Unchanged])
        .after(|host| enroll_under_an_old_name(host, "gamers", 5005)),
    Twice::of("remove", "--vanished --dry-run", [Unchanged, Unchanged])
        .after(|host| enroll_under_an_old_name(host, "gamers", 5005)),
    Twice::of("rebind", "games --from-name gamers --yes", [Changed, Unchanged])
        .after(|host| enroll_under_an_old_name(host, "gamers", 5005)),
    Twice::of("rebind", "games --from-uid 5005 --yes", [Changed, Unchanged])
        .after(|host| enroll_under_an_old_name(host, "gamers", 5005)),
    Twice::of("key list", "", [Reads, Reads]),
    Twice::of("key rotate", "", [Changed, Changed]),
    Twice::of("key rotate", "--keep-old", [Changed, Changed]),
    Twice::of("key backup", "--output HOST/key.txt", [Changed, Fails(1)]),
    Twice::of("key restore", "--from HOST/key.txt", [Unchanged, Unchanged]).after(with_a_key_paper),
    Twice::of("key restore", "--from HOST/key.txt", [Changed, Unchanged]).after(|host| {
        with_a_key_paper(host);
        fs::remove_dir_all(host.path("keys")).unwrap();
    }),
    Twice::of("store backup", "HOST/backup --under-master-key", [Changed, Fails(1)]),
    Twice::of("store restore", "HOST/backup --yes", [Unchanged, Unchanged]).after(with_a_backup),
    Twice::of("store restore", "HOST/backup --yes", [Changed, Unchanged]).after(|host| {
        with_a_backup(host);
        host.run(&["remove", "bin", "--yes"]).expect(0);
    }),
    Twice::of("store restore", "HOST/backup --yes", [Fails(1), Fails(1)]).after(with_a_backup_of_a_device_that_is_gone),
    Twice::of("store restore", "HOST/backup --yes --allow-used-codes", [Changed, Unchanged])
        .after(with_a_backup_of_a_device_that_is_gone),
    Twice::of("store restore", "HOST/backup --dry-run", [Unchanged, Unchanged])
        .after(with_a_backup_of_a_device_that_is_gone),
    // All that it looks at is of the machine that the tests run on too.
    Twice::of("doctor", "--only store", [Unchanged, Unchanged]),
    Twice::of("doctor", "--only store --mend", [Unchanged, Unchanged]),
    Twice::of("doctor", "--only people", [Fails(10), Fails(10)])
        .after(|host| enroll_under_an_old_name(host, "gamers", 5005)),
    Twice::of("doctor", "--only store", [Fails(11), Fails(11)])
        .after(|host| fs::remove_dir_all(host.path("keys")).unwrap()),
    Twice::of("policy check", "", [Reads, Reads]),
    Twice::of("policy check", "", [Fails(1), Fails(1)]).after(with_a_warning),
    Twice::of("policy check", "--allow-warnings", [Reads, Reads]).after(with_a_warning),
    Twice::of("policy explain", "daemon --service sshd", [Reads, Reads]),
];

fn write(host: &Host, name: &str, contents: &str) {
    fs::write(host.path(name), contents).unwrap();
    fs::set_permissions(host.path(name), fs::Permissions::from_mode(0o600)).unwrap();
}

fn with_a_google_file(host: &Host) {
    write(host, "google", &format!("{ANOTHER}\n\" TOTP_AUTH\n"));
}

fn with_a_key_paper(host: &Host) {
    host.run(&["key", "backup", "--output", host.path("key.txt").to_str().unwrap()]).expect(0);
}

fn with_a_backup(host: &Host) {
    host.run(&["store", "backup", host.path("backup").to_str().unwrap(), "--under-master-key"]).expect(0);
}

fn with_a_backup_of_a_device_that_is_gone(host: &Host) {
    with_a_backup(host);
    host.run(&["device", "remove", "daemon", "tablet", "--yes"]).expect(0);
}

/// A rule for somebody who has no account.
fn with_a_warning(host: &Host) {
    let config = fs::read_to_string(host.config()).unwrap();
    let rule = "[[rule]]\nname = 'nobody'\naction = 'exempt'\nuser = ['nobody-here']\n";
    fs::write(host.config(), config + rule).unwrap();
}

fn in_two_days() -> String {
    let output = std::process::Command::new("date").args(["--utc", "--date=+2 days", "+%Y-%m-%dT00:00:00Z"]).output();
    String::from_utf8(output.unwrap().stdout).unwrap().trim().to_owned()
}

fn host() -> Host {
    let host = Host::new();
    host.run_with(&["enroll", "daemon", "--secret-stdin", "--no-confirm", "--quiet"], SECRET).expect(0);
    host.run(&["device", "add", "daemon", "--name", "tablet", "--no-confirm"]).expect(0);
    host.enrolled("bin");
    host
}

/// Every file of config, keys and store, with its bytes.
fn on_disk(host: &Host) -> BTreeMap<PathBuf, Vec<u8>> {
    fn gather(path: &Path, into: &mut BTreeMap<PathBuf, Vec<u8>>) {
        if path.is_dir() {
            fs::read_dir(path).unwrap().for_each(|entry| gather(&entry.unwrap().path(), into));
        } else {
            into.insert(path.to_owned(), fs::read(path).unwrap());
        }
    }
    let mut found = BTreeMap::new();
    gather(&host.path(""), &mut found);
    found
}

#[test]
fn run_twice_a_command_says_what_it_changed_and_the_disk_bears_it_out() {
    for twice in TABLE {
        let host = host();
        (twice.before)(&host);
        let stdin = (twice.stdin)(&host);
        for (which, expected) in ["first", "second"].into_iter().zip(twice.says) {
            let before = on_disk(&host);
            let (said, value) = twice.run(&host, &stdin);
            let place = format!("{} {}, the {which} time: {value}", twice.command, twice.words);
            assert_eq!(said, expected, "{place}");
            if !matches!(said, Fails(_)) {
                stands_on_the_page(twice, &value);
            }
            assert_eq!(before != on_disk(&host), said == Changed, "the disk differs: {place}");
            if matches!(said, Fails(_)) {
                let told =
                    value["error"]["kind"].is_string() || value["changed"] == false || value["warnings"].is_array();
                assert!(told, "{place}");
            }
        }
    }
}

#[test]
fn no_command_and_no_option_that_makes_one_repeatable_is_missing_in_the_table() {
    for command in tree::leaves() {
        let cases: Vec<_> = TABLE.iter().filter(|twice| twice.command == command).collect();
        assert!(!cases.is_empty(), "'{command}' is not tried twice");
        for option in tree::options(&command).iter().filter(|option| option.starts_with("--if-")) {
            assert!(cases.iter().any(|twice| twice.words.contains(option.as_str())), "{command} {option} is not tried");
        }
    }
}

#[test]
fn whatever_goes_wrong_stdout_is_one_json_value() {
    let bare = Host::bare("");
    let broken = Host::new();
    fs::write(broken.config(), "store = 7\n").unwrap();
    let damaged = host();
    for uid in [1, 2] {
        fs::write(damaged.record(uid), b"damaged").unwrap();
    }
    for twice in TABLE {
        for host in [&bare, &broken, &damaged] {
            let arguments = twice.arguments(host);
            let mut words: Vec<&str> = arguments.iter().map(String::as_str).collect();
            words.push("--json");
            host.run(&words).json();
            words.push("--no-such-option");
            assert_eq!(host.run(&words).expect(2).json()["error"]["kind"], "usage");
        }
    }
    // init has made a store on it meanwhile.
    assert!(bare.path("store").exists());
}

/// Whatever it prints is named in the command's line, unless that says that there is more.
fn stands_on_the_page(twice: &Twice, value: &Value) {
    let command = match twice.command {
        "enroll" if twice.words.starts_with("--from") => "enroll --from",
        "remove" if twice.words.starts_with("--vanished") => "remove --vanished",
        command => command,
    };
    let line = PAGE.lines().find(|line| line.starts_with(&format!("| `{command}` |"))).expect("a line of its own");
    let columns: Vec<_> = line.split(" | ").collect();
    let has_more = columns[1].contains("the same") || columns[1].contains("and more") || value.is_array();
    for name in value.as_object().into_iter().flat_map(|object| object.keys()).filter(|name| *name != "schema") {
        assert!(has_more || columns[1].contains(&format!("`{name}`")), "'{name}' is not on the page of {command}");
    }
}

/// Read by whoever writes a role or a script of their own.
#[test]
fn the_page_for_automation_names_every_command_and_every_status() {
    for command in tree::leaves() {
        assert!(PAGE.contains(&format!("| `{command}`")), "{command} has no line in docs/AUTOMATION.md");
    }
    for status in [0, 1, 2, 3, 4, 5, 10, 11, 130] {
        assert!(PAGE.contains(&format!("\n| {status} |")), "{status}");
    }
}

/// Ansible writes the secret whenever the program gets to it, and a closed pipe fails the task.
#[test]
fn whoever_writes_a_secret_that_is_not_needed_meets_no_closed_pipe() {
    let host = host();
    for words in [
        &["enroll", "daemon", "--secret-stdin", "--no-confirm", "--if-not-enrolled"][..],
        &["device", "add", "daemon", "--name", "tablet", "--secret-stdin", "--no-confirm", "--if-missing"],
    ] {
        let line = "{ sleep 0.5; echo SECRET; } | \"$@\" >&2; exit ${PIPESTATUS[0]}";
        let mut command = std::process::Command::new("bash");
        command.args(["-c", line, "bash", crate::host::BINARY, "--config"]).arg(host.config()).args(words);
        let ran = crate::host::run(&mut command, "").expect(0);
        assert!(ran.stderr.contains("nothing to do"), "{ran:?}");
    }
}
