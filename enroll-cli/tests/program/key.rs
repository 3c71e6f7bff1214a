// SPDX-License-Identifier: MIT OR Apache-2.0
//! `key`.

use std::fs;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::camera;
use crate::host::{BINARY, Host, mode};
use crate::phone::Phone;
use crate::window::Window;

fn keys(host: &Host) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(host.path("keys"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn listed(host: &Host, status: i32) -> Value {
    host.run(&["key", "list", "--json"]).expect(status).json()
}

/// The lines of a key on a paper.
fn lines(paper: &str) -> Vec<String> {
    paper.lines().filter_map(|line| line.trim().strip_prefix("Line ")).map(|line| line[2..].trim().to_owned()).collect()
}

#[test]
fn a_rotation_seals_everybody_anew_and_leaves_one_new_key() {
    let host = Host::new();
    let phone = Phone::of(&host.enrolled("daemon"));
    host.enrolled("bin");
    host.run(&["invite", "games"]).expect(0);
    host.run_with(&["verify", "daemon"], &phone.code(0)).expect(0);
    let old = keys(&host);
    let before = host.status("daemon");
    let ran = host.run(&["key", "rotate", "--json"]).expect(0);
    let new = keys(&host);
    assert!(new.len() == 1 && new != old);
    assert_eq!(
        ran.json(),
        json!({ "schema": 1, "changed": true, "new_key": true, "key": new[0], "records": 2, "invitations": 1,
                "removed": old, "kept": [], "left": [] })
    );
    assert!(ran.stderr.contains("'nightlatch key backup'") && ran.stderr.contains("need the old key"), "{ran:?}");
    assert_eq!(host.status("daemon"), before);
    assert!(host.status("games")["invited_until"].is_string());
    host.run_with(&["verify", "daemon"], &phone.code(0)).expect(3);
    host.run_with(&["verify", "daemon"], &phone.code(1)).expect(0);
    let keys = listed(&host, 0)["keys"].clone();
    let made_at = keys[0]["made_at"].clone();
    assert_eq!(
        keys,
        json!([{ "id": new[0], "made_at": made_at, "for_new_records": true, "records": 2, "invitations": 1 }])
    );
    assert!(host.run(&["key", "list"]).expect(0).stdout.contains("for new records"));
    assert_eq!(host.run(&["doctor", "--only", "store"]).status, 0);
}

#[test]
fn the_old_key_stays_where_that_is_asked_and_the_next_rotation_takes_it_away() {
    let host = Host::new();
    host.enrolled("daemon");
    let old = keys(&host);
    let ran = host.run(&["key", "rotate", "--keep-old"]).expect(0);
    assert!(ran.stdout.contains(&format!("kept an old key, as asked: {}", old[0])), "{ran:?}");
    assert!(keys(&host).len() == 2 && keys(&host).contains(&old[0]));
    assert!(host.run(&["key", "list"]).expect(0).stdout.contains("nothing needs it but backups"));
    let both = keys(&host);
    let mut removed = host.run(&["key", "rotate", "--json"]).expect(0).json()["removed"].as_array().unwrap().clone();
    removed.sort_by_key(|id| id.as_str().unwrap().to_owned());
    assert_eq!(json!(removed), json!(both));
    assert_eq!(keys(&host).len(), 1);
}

#[test]
fn a_record_that_does_not_open_is_said_and_keeps_its_key() {
    let host = Host::new();
    host.enrolled("daemon");
    host.enrolled("bin");
    let old = keys(&host);
    let mut bytes = fs::read(host.record(2)).unwrap();
    bytes[700] ^= 1;
    fs::write(host.record(2), &bytes).unwrap();
    let ran = host.run(&["key", "rotate", "--json"]).expect(1);
    let object = ran.json();
    assert_eq!((&object["records"], &object["removed"], &object["kept"]), (&json!(1), &json!([]), &json!(old)));
    assert_eq!(object["left"][0]["path"].as_str(), host.record(2).to_str());
    assert!(ran.stderr.contains("left as it is: ") && ran.stderr.contains("damaged"), "{ran:?}");
    assert_eq!(fs::read(host.record(2)).unwrap(), bytes);
    assert_eq!(host.status("daemon")["enrolled"], true);
    let again = host.run(&["key", "rotate", "--json"]).expect(1).json();
    assert_eq!(
        (&again["new_key"], &again["changed"]),
        (&json!(false), &json!(false)),
        "it goes on, and no key is added"
    );
    host.run(&["remove", "--uid", "2", "--yes"]).expect(0);
    let object = host.run(&["key", "rotate", "--json"]).expect(0).json();
    assert_eq!((&object["new_key"], keys(&host).len()), (&json!(true), 1));
}

#[test]
fn a_rotation_that_is_killed_or_interrupted_goes_on_where_it_stopped() {
    let host = Host::new();
    for user in ["daemon", "bin", "games", "mail", "news", "uucp", "proxy", "backup", "list", "sys"] {
        host.enrolled(user);
    }
    let (mut killed, mut gone_on) = (0, 0);
    for round in 0..12_u64 {
        let mut child = Command::new(BINARY)
            .arg("--config")
            .arg(host.config())
            .args(["key", "rotate", "--quiet"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        std::thread::sleep(std::time::Duration::from_millis(5 + 7 * round));
        let signal = if round % 2 == 0 { "-KILL" } else { "-INT" };
        Command::new("kill").args([signal, &child.id().to_string()]).stderr(Stdio::null()).status().unwrap();
        if !child.wait().unwrap().success() {
            killed += 1;
            let in_two = listed(&host, 0)["keys"].as_array().unwrap().iter().filter(|key| key["records"] != 0).count();
            gone_on += usize::from(in_two == 2);
        }
        let everybody = host.run(&["list", "--json"]).expect(0).json();
        assert_eq!(everybody.as_array().unwrap().len(), 10);
        // What a killed run left behind is a warning.
        let looked = host.run(&["doctor", "--only", "store"]);
        assert!([0, 10].contains(&looked.status), "every record opens: {looked:?}");
    }
    assert!(killed > 0, "none of them was stopped in the middle");
    host.run(&["key", "rotate"]).expect(0);
    assert_eq!(keys(&host).len(), 1, "{killed} killed, {gone_on} of them between two files");
    assert!(fs::read_dir(host.path("store/users")).unwrap().count() == 10, "no draft is left");
}

#[test]
fn the_paper_is_roots_alone_never_over_another_and_puts_the_key_back() {
    let host = Host::new();
    let phone = Phone::of(&host.enrolled("daemon"));
    let (paper, picture) = (host.path("key.txt"), host.path("key.png"));
    let (paper_path, picture_path) = (paper.to_str().unwrap(), picture.to_str().unwrap());
    let ran = host.run(&["key", "backup", "--output", paper_path, "--qr-png", picture_path, "--json"]).expect(0);
    let ids = keys(&host);
    assert_eq!(ran.json(), json!({ "schema": 1, "changed": true, "path": paper_path, "keys": ids, "flaws": [] }));
    assert_eq!((mode(&paper), mode(&picture)), (0o600, 0o600));
    let text = fs::read_to_string(&paper).unwrap();
    assert!(text.contains(&format!("Key id {}", ids[0])) && text.contains("nightlatch key restore"), "{text}");
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
    assert_eq!(lines(&text).len(), 5);
    let key = fs::read(host.path("keys").join(&ids[0])).unwrap();
    for stdout in [&ran.stdout, &ran.stderr] {
        assert!(!lines(&text).iter().any(|line| stdout.contains(line)));
    }
    let again = host.run(&["key", "backup", "--output", paper_path, "--json"]).expect(1).json();
    assert_eq!((&again["error"]["kind"], &again["error"]["path"]), (&json!("exists"), &json!(paper_path)));
    assert_eq!(fs::read_to_string(&paper).unwrap(), text);

    let seen = camera::read(&picture).unwrap();
    assert!(seen.starts_with("NIGHTLATCH KEY 1 "), "{seen}");
    let ways: [(&[&str], String); 4] = [
        (&["--from", paper_path], String::new()),
        (&["--from", "-"], seen),
        (&["--from", "-"], lines(&text).join("\n").to_lowercase()),
        (&[], text.clone()),
    ];
    for (arguments, stdin) in ways {
        fs::remove_file(host.path("keys").join(&ids[0])).unwrap();
        host.run_with(&["verify", "daemon"], &phone.code(0)).expect(1);
        let restore = [&["key", "restore"], arguments].concat();
        let ran = host.run_with(&restore, &stdin).expect(0);
        assert!(ran.stdout.starts_with("put the master key in place: "), "{ran:?}");
        assert_eq!(fs::read(host.path("keys").join(&ids[0])).unwrap(), key);
        assert_eq!(mode(&host.path("keys").join(&ids[0])), 0o400);
        let again = host.run_with(&[&restore[..], &["--json"]].concat(), &stdin).expect(0).json();
        assert_eq!(again, json!({ "schema": 1, "changed": false, "keys": ids }));
    }
    host.run_with(&["verify", "daemon"], &phone.code(0)).expect(0);
}

#[test]
fn what_is_no_key_is_told_with_its_line_and_changes_nothing() {
    let host = Host::new();
    let paper = host.path("key.txt");
    host.run(&["key", "backup", "--output", paper.to_str().unwrap(), "--qr", "none"]).expect(0);
    let text = fs::read_to_string(&paper).unwrap();
    assert!(!text.contains('\u{2588}'));
    let sound = lines(&text);
    let typo = sound[2].replace(|c: char| c != '-' && c != '3', "7");
    for (stdin, expected) in [
        (text.replace(&sound[2], &typo), "typing error"),
        (text.replace(&sound[4], ""), "not the length of a line"),
        (sound[..4].join("\n"), "line 5 of a key is missing"),
        ("Dear colleague,\n".to_owned(), "no key is in it"),
    ] {
        let ran = host.run_with(&["key", "restore", "--from", "-"], &stdin).expect(1);
        assert!(ran.stderr.contains(expected) && ran.stderr.contains("nothing was changed"), "{ran:?}");
        assert!(!sound.iter().any(|line| ran.stderr.contains(line)));
    }
    assert_eq!(host.run(&["key", "restore", "--from", "/nowhere", "--json"]).expect(1).json()["error"]["kind"], "io");
    // A damaged file in its place is not written over.
    let file = host.path("keys").join(&keys(&host)[0]);
    fs::remove_file(&file).unwrap();
    fs::write(&file, "something else").unwrap();
    fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o400)).unwrap();
    let ran = host.run_with(&["key", "restore", "--json"], &text).expect(1).json();
    assert_eq!(ran["error"]["kind"], "damaged");
}

#[test]
fn keys_go_to_no_pipe_and_onto_a_terminal_after_asking() {
    let host = Host::new();
    for arguments in [&["key", "backup"][..], &["key", "backup", "--yes"], &["key", "backup", "--yes", "--json"]] {
        let ran = host.run(arguments).expect(2);
        assert!(ran.stderr.contains("--output FILE") && !ran.stdout.contains("Line 1"), "{ran:?}");
    }
    let mut window = Window::open(&host, 40, 100, &["key", "backup"]);
    window.wait_for("Show the master keys here?");
    window.type_line("n");
    assert_eq!(window.end(), 1);
    assert!(!window.all_that_is_left().contains("Line 1:"));

    let mut window = Window::open(&host, 40, 100, &["key", "backup"]);
    window.wait_for("[y/N]");
    window.type_line("y");
    let shown = window.wait_for("Press Enter when");
    let typed = lines(&shown);
    assert_eq!(typed.len(), 5, "{shown}");
    window.type_line("");
    window.wait_for("Press Enter to end");
    let qr = window.look(|screen| camera::read_screen(screen, camera::DARK, &host.path("screen.png")));
    assert!(qr.is_some_and(|text| text.starts_with("NIGHTLATCH KEY 1 ")));
    window.type_line("");
    assert_eq!(window.end(), 0);
    let left = window.all_that_is_left();
    assert!(!typed.iter().any(|line| left.contains(line)), "nothing of it stays in the scrollback: {left}");

    // Typed back, with an error in a line, which is told at once.
    let file = host.path("keys").join(&keys(&host)[0]);
    let key = fs::read(&file).unwrap();
    fs::remove_file(&file).unwrap();
    let mut window = Window::open(&host, 24, 80, &["key", "restore"]);
    for (number, line) in (1..).zip(&typed) {
        window.wait_for(&format!("Line {number} of 5: "));
        if number == 3 {
            window.type_line(&typed[0]);
            window.wait_for("Line 3: that is line 1. Once more.");
            window.type_line(&line.replace(|c: char| c != '-' && c != '3', "9"));
            window.wait_for("Line 3: a typing error");
        }
        window.type_line(line);
    }
    assert_eq!(window.end(), 0);
    assert_eq!(fs::read(&file).unwrap(), key);
    assert!(!typed.iter().any(|line| window.all_that_is_left().contains(line)), "what is typed is not shown");
}

#[test]
fn a_key_that_files_name_and_that_is_gone_is_shown_as_missing() {
    let host = Host::new();
    host.enrolled("daemon");
    host.run(&["key", "rotate", "--keep-old"]).expect(0);
    let first = fs::read(host.record(1)).unwrap();
    host.run(&["key", "rotate"]).expect(0);
    fs::write(host.record(1), first).unwrap();
    let ran = host.run(&["key", "list"]).expect(1);
    assert!(ran.stdout.contains("'nightlatch key restore' puts it back"), "{ran:?}");
}

/// Room for the new key and its marker, and for no record: three blocks.
const ROOM_FOR_A_KEY: &str = r#"
    host=$1 program=$2
    cp -a "$host" "$host.aside"
    mount -t tmpfs -o size=512k,mode=0700 tmpfs "$host"
    cp -a "$host.aside/." "$host"
    rm -r "$host.aside"
    cat /dev/zero >"$host/filler" 2>/dev/null || true
    truncate -s -12k "$host/filler"
    "$program" --config "$host/config.toml" key rotate || echo "first: $?"
    "$program" --config "$host/config.toml" key list
    rm "$host/filler"
    "$program" --config "$host/config.toml" key rotate || echo "second: $?"
"#;

#[test]
fn a_rotation_that_a_full_disk_ends_half_way_says_that_it_goes_on_and_does() {
    let host = Host::new();
    host.enrolled("daemon");
    let home = host.path("").display().to_string();
    let output = Command::new("unshare")
        .args(["--mount", "sh", "-ec", ROOM_FOR_A_KEY, "sh", home.trim_end_matches('/'), BINARY])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let ran = crate::host::ran(output);
    assert!(ran.stdout.contains("first: 1") && !ran.stdout.contains("second: "), "{ran:?}");
    let line = ran.stderr.lines().next().unwrap();
    assert!(line.contains("No space left") && line.contains("then 'nightlatch key rotate' goes on"), "{ran:?}");
    assert!(ran.stdout.contains("'nightlatch key rotate' goes on with what is left"), "{ran:?}");
    assert!(ran.stdout.contains("went on with a rotation that was interrupted"), "{ran:?}");
    assert!(ran.stdout.contains("sealed anew under it: 1 record, 0 invitations"), "{ran:?}");
}
