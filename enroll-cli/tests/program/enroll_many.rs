// SPDX-License-Identifier: MIT OR Apache-2.0
//! `enroll --from`: everybody in a file, or nobody, and each with a hand-out that works.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Stdio};
use std::time::Duration;

use serde_json::json;

use crate::camera::{self, DARK, LIGHT};
use crate::crowd::Crowd;
use crate::host::{Host, mode};
use crate::phone::Phone;

fn file(host: &Host, text: &str) -> String {
    let path = host.path("people.csv");
    fs::write(&path, text).unwrap();
    path.to_str().unwrap().to_owned()
}

fn output(host: &Host) -> PathBuf {
    host.path("handouts")
}

/// The words of a run from a file to the usual directory.
fn words<'w>(file: &'w str, directory: &'w str, more: &[&'w str]) -> Vec<&'w str> {
    [&["enroll", "--from", file, "--output", directory, "--no-confirm", "--format", "txt"], more].concat()
}

fn handout(host: &Host, user: &str) -> String {
    fs::read_to_string(output(host).join(format!("{user}.txt"))).unwrap()
}

fn uri_on(handout: &str) -> String {
    handout.lines().find_map(|line| line.strip_prefix("URI: ")).unwrap().to_owned()
}

fn backup_codes_on(handout: &str) -> Vec<String> {
    let codes = handout.lines().filter_map(|line| line.trim_start().split_once("  ").map(|(_, code)| code));
    codes.filter(|code| code.len() == 19 && code.matches('-').count() == 3).map(str::to_owned).collect()
}

fn names(host: &Host) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(output(host)).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn everybody_in_the_file_gets_a_hand_out_whose_codes_work() {
    let host = Host::new();
    let file = file(&host, "user,issuer,device\ndaemon,\"Example, Inc\",\nbin,,token of bin\n");
    let directory = output(&host);
    let object = host.run(&words(&file, directory.to_str().unwrap(), &["--json", "--issuer", "Site"])).expect(0).json();
    assert_eq!(
        object,
        json!({
            "schema": 1, "changed": true, "enrolled": 2, "already_enrolled": 0, "not_enrolled": [],
            "output": directory.to_str().unwrap(), "interrupted": false, "error": null,
        })
    );
    assert_eq!((mode(&directory), names(&host)), (0o700, vec!["bin.txt".to_owned(), "daemon.txt".to_owned()]));
    for user in ["daemon", "bin"] {
        assert_eq!(mode(&directory.join(format!("{user}.txt"))), 0o600);
        let paper = handout(&host, user);
        assert!(paper.starts_with(&format!("Second factor of {user} on ")), "{paper}");
        let phone = Phone::scanned(&uri_on(&paper));
        host.run_with(&["verify", user], &phone.code(0)).expect(0);
        let codes = backup_codes_on(&paper);
        assert_eq!(codes.len(), 10, "{paper}");
        host.run_with(&["verify", user], &codes[9]).expect(0);
    }
    assert!(uri_on(&handout(&host, "daemon")).contains("issuer=Example%2C%20Inc"));
    assert!(uri_on(&handout(&host, "bin")).contains("issuer=Site"));
    assert_eq!(host.status("bin")["devices"][0]["name"], "token of bin");
}

#[test]
fn the_qr_code_of_a_hand_out_reads_in_a_dark_and_a_light_terminal() {
    let host = Host::new();
    let file = file(&host, "user\ndaemon\n");
    host.run(&words(&file, output(&host).to_str().unwrap(), &[])).expect(0);
    let paper = handout(&host, "daemon");
    let mut terminal = vt100::Parser::new(90, 100, 0);
    terminal.process(paper.replace('\n', "\r\n").as_bytes());
    for theme in [DARK, LIGHT] {
        let read = camera::read_screen(terminal.screen(), theme, &host.path("screen.png"));
        assert_eq!(read, Some(uri_on(&paper)), "{theme:?}");
    }
    let without = Host::new();
    let file = self::file(&without, "user\ndaemon\n");
    without.run(&words(&file, output(&without).to_str().unwrap(), &["--qr", "none"])).expect(0);
    assert!(!handout(&without, "daemon").contains('\u{2588}'));
}

#[test]
fn a_file_with_a_wrong_line_enrolls_nobody_unless_that_is_asked_for() {
    let host = Host::new();
    let text = "user,digits,period,algorithm,backup_codes,issuer,device\n\
        daemon,6,30,sha1,10,,\n\
        no-such-account,,,,,,\n\
        bin,9,,,,,\n\
        sys,,14,,,,\n\
        games,,,md5,,,\n\
        man,,,,21,,\n\
        lp,,,,,a:b,\n\
        mail,,,,,,\"x\ty\"\n\
        daemon,,,,,,\n\
        root,one too many,,,,,,\n\
        ../etc,,,,,,\n\
        nobody,,,,,,\n\
        news,8,60,sha256,3,News,reader\n";
    let file = file(&host, text);
    let directory = output(&host);
    let ran = host.run(&words(&file, directory.to_str().unwrap(), &[])).expect(2);
    for told in [
        "line 3: 'no-such-account': no such account",
        "line 4: digits: 6, 7 or 8",
        "line 5: period: 15 to 120",
        "line 6: algorithm: sha1, sha256 or sha512",
        "line 7: backup_codes: 0 to 20",
        "line 8: issuer and account have 1 to 128 bytes",
        "line 9: ",
        "line 10: 'daemon' stands in the file twice",
        "line 11: 8 fields where the first line names 7",
        "line 12: '../etc': not a user name",
        "line 13: 'nobody': uid 65534 is handed out for a while only",
        "11 lines are wrong; the first: line 3",
        "--skip-wrong",
    ] {
        assert!(ran.stderr.contains(told), "{told}: {}", ran.stderr);
    }
    assert!(!directory.exists() && host.run(&["list", "--json"]).expect(0).json() == json!([]));

    let ran = host.run(&words(&file, directory.to_str().unwrap(), &["--skip-wrong", "--json"])).expect(1);
    let object = ran.json();
    assert_eq!((&object["enrolled"], object["not_enrolled"].as_array().unwrap().len()), (&json!(2), 11));
    assert_eq!(
        object["not_enrolled"][0],
        json!({ "line": 3, "user": "no-such-account", "reason": "'no-such-account': no such account" })
    );
    assert_eq!(names(&host), ["daemon.txt", "news.txt"]);
    let device = &host.status("news")["devices"][0];
    assert_eq!(
        (&device["name"], &device["digits"], &device["period"], &device["algorithm"]),
        (&json!("reader"), &json!(8), &json!(60), &json!("sha256"))
    );
    assert_eq!(host.status("news")["backup_codes_left"], 3);
}

#[test]
fn a_first_line_that_names_no_columns_is_wrong_usage_before_anything_is_done() {
    let host = Host::new();
    for (text, told) in [
        ("user,shoe size\ndaemon,43\n", "line 1: 'shoe size' is no column"),
        ("issuer\nExample\n", "line 1: there is no column 'user'"),
        ("user,issuer,user\n", "line 1: 'user' stands there twice"),
        ("", "line 1: there is no column 'user'"),
        ("daemon\n", "line 1: 'daemon' is no column"),
    ] {
        let file = file(&host, text);
        let ran = host.run(&words(&file, output(&host).to_str().unwrap(), &["--skip-wrong"])).expect(2);
        assert!(ran.stderr.contains(told) && ran.stderr.contains("user, issuer, account, device"), "{ran:?}");
        assert!(!output(&host).exists());
    }
    let missing = host.path("missing.csv");
    let ran = host.run(&words(missing.to_str().unwrap(), output(&host).to_str().unwrap(), &["--json"])).expect(1);
    assert_eq!(ran.json()["error"]["path"], missing.to_str().unwrap());
}

#[test]
fn what_a_spreadsheet_writes_is_read_and_so_is_stdin() {
    let host = Host::new();
    let directory = output(&host);
    let words = words("-", directory.to_str().unwrap(), &[]);
    let ran = host.run_with(&words, "\u{feff}user,issuer\r\n\"daemon\", Müller & Söhne \r\n").expect(0);
    assert!(ran.stdout.starts_with("1 enrolled\n"), "{ran:?}");
    assert!(uri_on(&handout(&host, "daemon")).contains("issuer=M%C3%BCller%20%26%20S%C3%B6hne"));
}

#[test]
fn run_again_it_skips_whoever_is_enrolled_and_leaves_the_hand_outs() {
    let host = Host::new();
    let directory = output(&host);
    host.enrolled("bin");
    let file = file(&host, "user\ndaemon\nbin\n");
    let words = words(&file, directory.to_str().unwrap(), &["--json"]);
    let ran = host.run(&words).expect(0);
    assert!(ran.stderr.contains("line 3: bin is enrolled already: skipped"), "{ran:?}");
    assert_eq!((&ran.json()["enrolled"], &ran.json()["already_enrolled"]), (&json!(1), &json!(1)));
    let before = (handout(&host, "daemon"), fs::read(host.record(1)).unwrap());
    let again = host.run(&words).expect(0).json();
    assert_eq!((&again["changed"], &again["already_enrolled"]), (&json!(false), &json!(2)));
    assert!((handout(&host, "daemon"), fs::read(host.record(1)).unwrap()) == before);
    assert_eq!(names(&host), ["daemon.txt"], "bin was enrolled elsewhere");

    host.run(&["remove", "daemon", "--yes"]).expect(0);
    host.run(&words).expect(0);
    assert!(handout(&host, "daemon") != before.0, "a hand-out without a record is replaced");
    host.run_with(&["verify", "daemon"], &Phone::scanned(&uri_on(&handout(&host, "daemon"))).code(0)).expect(0);
}

#[test]
fn options_that_make_no_sense_together_are_wrong_usage() {
    let host = Host::new();
    let (file, directory) = (file(&host, "user\ndaemon\n"), output(&host));
    let directory = directory.to_str().unwrap();
    for arguments in [
        vec!["enroll"],
        vec!["enroll", "--from", &file, "--output", directory],
        vec!["enroll", "--from", &file, "--no-confirm"],
        vec!["enroll", "daemon", "--output", directory],
        vec!["enroll", "daemon", "--skip-wrong"],
        words(&file, directory, &["daemon"]),
        words(&file, directory, &["--replace"]),
        words(&file, directory, &["--secret-stdin"]),
        words(&file, directory, &["--qr-png", "/root/a.png"]),
    ] {
        host.run(&arguments).expect(2);
    }
    assert!(!output(&host).exists() && !host.record(1).exists());
}

#[test]
fn a_directory_that_others_can_read_gets_no_secret() {
    let host = Host::new();
    let file = file(&host, "user\ndaemon\n");
    fs::create_dir(output(&host)).unwrap();
    fs::set_permissions(output(&host), fs::Permissions::from_mode(0o755)).unwrap();
    let ran = host.run(&words(&file, output(&host).to_str().unwrap(), &["--json"])).expect(1);
    assert_eq!(ran.json()["error"]["kind"], "untrusted");
    assert!(ran.stderr.contains("chmod go= "), "{ran:?}");
    assert!(names(&host).is_empty() && !host.record(1).exists());
    let bare = Host::bare("");
    let ran = bare.run(&words(&file, bare.path("out").to_str().unwrap(), &["--json"])).expect(1);
    assert_eq!(ran.json()["error"]["kind"], "missing");
}

#[test]
fn whose_uid_has_another_s_record_is_left_out_and_told() {
    let crowd = Crowd::of(&[("alice", 5001), ("bob", 5002)]);
    crowd.enrolled("alice");
    crowd.becomes(&[("alicia", 5001), ("bob", 5002)]);
    let file = file(&crowd.host, "user\nalicia\nbob\n");
    let ran = crowd.run(&words(&file, output(&crowd.host).to_str().unwrap(), &["--json"])).expect(1);
    let object = ran.json();
    assert_eq!((&object["enrolled"], &object["not_enrolled"][0]["user"]), (&json!(1), &json!("alicia")));
    assert!(object["not_enrolled"][0]["reason"].as_str().unwrap().contains("the record of 'alice'"), "{object}");
    assert_eq!(names(&crowd.host), ["bob.txt"]);
}

const CROWD: u32 = 700;

struct Running {
    crowd: Crowd,
    file: String,
}

impl Running {
    fn new() -> Self {
        let crowd = Crowd::many(CROWD);
        let lines: String = (0..CROWD).map(|n| format!("p{n:04}\n")).collect();
        let file = file(&crowd.host, &format!("user\n{lines}"));
        Self { crowd, file }
    }

    fn begin(&self) -> Child {
        let directory = output(&self.crowd.host);
        let mut command = self.crowd.command(&words(&self.file, directory.to_str().unwrap(), &["--json"]));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap()
    }

    /// Everybody with a record: it opens, and the hand-out's secret and backup codes are the record's.
    fn enrolled(&self) -> Vec<String> {
        let list = self.crowd.run(&["list", "--json"]).expect(0).json();
        let users: Vec<String> =
            list.as_array().unwrap().iter().map(|person| person["user"].as_str().unwrap().to_owned()).collect();
        for user in &users {
            assert_eq!(backup_codes_on(&handout(&self.crowd.host, user)).len(), 10, "{user}");
        }
        // Trying all of them takes minutes; those who came last are nearest to the kill.
        for user in users.iter().rev().take(6).chain(users.iter().step_by(97)) {
            let paper = handout(&self.crowd.host, user);
            let phone = Phone::scanned(&uri_on(&paper));
            let tried = self.crowd.run_with(&["verify", user], &phone.code(0));
            // Tried before in the same step, it is a code that was used.
            assert!([0, 3].contains(&tried.status), "{tried:?}");
            let code = backup_codes_on(&paper);
            let worked = code.iter().any(|code| self.crowd.run_with(&["verify", user], code).status == 0);
            assert!(worked, "no backup code of {user} works");
        }
        users
    }
}

#[test]
fn a_signal_leaves_everybody_enrolled_with_a_hand_out_or_not_at_all() {
    let running = Running::new();
    for (signal, pause) in [("INT", 900), ("TERM", 1500), ("HUP", 300)] {
        let child = running.begin();
        std::thread::sleep(Duration::from_millis(pause));
        let kill = std::process::Command::new("kill").args(["-s", signal, &child.id().to_string()]).status().unwrap();
        let output = child.wait_with_output().unwrap();
        let status = output.status.code();
        // Before it began to work a signal changes nothing; after its end it comes too late.
        if !kill.success() || status == Some(0) {
            continue;
        }
        let users = running.enrolled();
        if output.stdout.is_empty() {
            continue;
        }
        assert_eq!(status, Some(130), "{output:?}");
        let handouts = if self::output(&running.crowd.host).exists() { names(&running.crowd.host) } else { Vec::new() };
        assert_eq!(handouts.len(), users.len(), "{signal}: no stray hand-out and no journal");
        let drafts = fs::read_dir(running.crowd.host.path("store/users")).unwrap().count();
        assert_eq!(drafts, users.len(), "{signal}: no draft");
    }
    assert!(running.begin().wait().unwrap().success());
    assert_eq!(running.enrolled().len(), usize::try_from(CROWD).unwrap());
}

#[test]
fn kill_9_leaves_nobody_enrolled_without_a_hand_out_and_the_next_run_clears_the_rest() {
    let running = Running::new();
    for pause in [150, 300, 450, 600, 750, 900, 1200, 1700] {
        let mut child = running.begin();
        std::thread::sleep(Duration::from_millis(pause));
        drop(child.kill());
        drop(child.wait());
        running.enrolled();
    }
    assert!(running.begin().wait().unwrap().success());
    let users = running.enrolled();
    assert_eq!(users.len(), usize::try_from(CROWD).unwrap());
    assert_eq!(names(&running.crowd.host).len(), users.len(), "strays and the journal are gone");
    assert_eq!(fs::read_dir(running.crowd.host.path("store/users")).unwrap().count(), users.len(), "and drafts");
}

/// The QR code as a phone sees it on the printed page, at 150 dots an inch.
#[test]
fn hand_outs_are_pages_to_print_unless_text_is_asked_for() {
    let host = Host::new();
    let file = file(&host, "user\ndaemon\n");
    let directory = output(&host);
    let words = ["enroll", "--from", &file, "--output", directory.to_str().unwrap(), "--no-confirm"];
    host.run(&words).expect(0);
    let page = directory.join("daemon.pdf");
    assert_eq!(mode(&page), 0o600);
    let uri = camera::read(&crate::hand_out::printed(&page)).expect("a QR code on the page");
    let code = Phone::scanned(&uri).code(0);
    host.run_with(&["verify", "daemon"], &format!("{code}\n")).expect(0);
}

#[test]
fn what_a_pdf_has_no_letters_for_is_said_before_anybody_is_enrolled() {
    let host = Host::new();
    let file = file(&host, "user,issuer\ndaemon,\u{4f8b}\nbin,Example\n");
    let directory = output(&host);
    let words = ["enroll", "--from", &file, "--output", directory.to_str().unwrap(), "--no-confirm"];
    let ran = host.run(&words).expect(2);
    assert!(ran.stderr.contains("line 2") && ran.stderr.contains("--format html"), "{}", ran.stderr);
    assert_eq!(host.status("bin")["enrolled"], false);
    host.run(&[words.as_slice(), &["--format", "html"]].concat()).expect(0);
    assert!(fs::read_to_string(directory.join("daemon.html")).unwrap().contains('\u{4f8b}'));
}
