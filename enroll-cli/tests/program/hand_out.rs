// SPDX-License-Identifier: MIT OR Apache-2.0
//! The hand-out: read off paper by a camera and by eyes that are not ours; there only with what it tells of, and what it
//! tells of only with it.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::camera;
use crate::host::{BINARY, Host, mode, run};
use crate::phone::Phone;
use crate::window::Window;

const CONTACT: &str = "[enroll]\ncontact = 'Help desk, room 12, telephone 1234'";

/// What a printer of 150 dots an inch makes of it.
pub(crate) fn printed(pdf: &Path) -> std::path::PathBuf {
    let stem = pdf.with_extension("");
    let status = Command::new("pdftoppm").args(["-r", "150", "-png", "-singlefile"]).arg(pdf).arg(&stem).status();
    assert!(status.expect("pdftoppm is installed").success());
    pdf.with_extension("png")
}

fn words(pdf: &Path) -> String {
    let output =
        Command::new("pdftotext").args(["-layout"]).arg(pdf).arg("-").output().expect("pdftotext is installed");
    assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

fn codes(object: &Value) -> Vec<&str> {
    object["backup_codes"].as_array().unwrap().iter().map(|code| code.as_str().unwrap()).collect()
}

#[test]
fn printed_at_150_dpi_a_camera_reads_the_very_uri_and_eyes_read_the_rest() {
    let host = Host::with(CONTACT);
    let pdf = host.path("a.pdf");
    let object = host
        .run(&["--json", "enroll", "daemon", "--no-confirm", "--issuer", "Zoë & Co", "--sheet", pdf.to_str().unwrap()])
        .expect(0)
        .json();
    let device = &object["devices"][0];
    assert_eq!(camera::read(&printed(&pdf)).as_deref(), device["uri"].as_str());
    let text = words(&pdf);
    let secret: Vec<_> = device["secret"].as_str().unwrap().as_bytes().chunks(4).collect();
    for group in secret {
        assert!(text.contains(std::str::from_utf8(group).unwrap()), "{text}");
    }
    for said in ["daemon", "Zoë & Co", "30 seconds", "Help desk, room 12, telephone 1234", "cut here", "Phone lost"] {
        assert!(text.contains(said), "{said}: {text}");
    }
    let codes = codes(&object);
    assert!(codes.len() == 10 && codes.iter().all(|code| text.contains(code)), "{text}");
    assert_eq!(mode(&pdf), 0o600);
}

#[test]
fn the_html_file_has_the_same_and_is_read_too() {
    let host = Host::with("[enroll]\ncontact = 'Служба, комната 12'");
    let (html, svg, png) = (host.path("a.html"), host.path("a.svg"), host.path("a.png"));
    let object = host
        .run(&[
            "--json",
            "enroll",
            "daemon",
            "--no-confirm",
            "--account",
            "даемон <b>",
            "--sheet",
            html.to_str().unwrap(),
        ])
        .expect(0)
        .json();
    let text = fs::read_to_string(&html).unwrap();
    assert!(text.contains("Служба, комната 12") && text.contains("даемон &lt;b&gt;") && !text.contains("<b>даемон"));
    assert!(codes(&object).iter().all(|code| text.contains(code)));
    let (_, rest) = text.split_once("<svg ").unwrap();
    let (picture, _) = rest.split_once("</svg>").unwrap();
    fs::write(&svg, format!("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"600\" {picture}</svg>")).unwrap();
    assert!(Command::new("rsvg-convert").arg("-o").arg(&png).arg(&svg).status().unwrap().success());
    assert_eq!(camera::read(&png).as_deref(), object["devices"][0]["uri"].as_str());
    assert_eq!(mode(&html), 0o600);
}

#[test]
fn what_is_on_paper_is_not_on_the_screen() {
    let host = Host::new();
    let pdf = host.path("a.pdf");
    let ran = host.run(&["enroll", "daemon", "--no-confirm", "--sheet", pdf.to_str().unwrap()]).expect(0);
    let paper = words(&pdf);
    let code = paper.split_whitespace().find(|word| word.len() == 19 && word.matches('-').count() == 3).unwrap();
    for word in [code, "otpauth:", "secret:"] {
        assert!(!ran.stdout.contains(word) && !ran.stderr.contains(word), "{ran:?}");
    }
    assert!(ran.stdout.contains(pdf.to_str().unwrap()), "{ran:?}");
    host.run_with(&["verify", "daemon"], &format!("{code}\n")).expect(0);
}

#[test]
fn new_backup_codes_are_handed_out_without_the_secret_and_the_old_ones_are_void() {
    let host = Host::with(CONTACT);
    let object = host.enrolled("daemon");
    let pdf = host.path("codes.pdf");
    let ran =
        host.run(&["backup-codes", "daemon", "--yes", "--count", "20", "--sheet", pdf.to_str().unwrap()]).expect(0);
    let paper = words(&pdf);
    let on_paper: Vec<_> =
        paper.split_whitespace().filter(|word| word.len() == 19 && word.matches('-').count() == 3).collect();
    assert_eq!(on_paper.len(), 20, "{paper}");
    assert!(!ran.stdout.contains(on_paper[0]) && ran.stdout.contains("20 new backup codes"), "{ran:?}");
    let secret = object["devices"][0]["secret"].as_str().unwrap();
    assert!(!paper.contains(&secret[..4]) && camera::read(&printed(&pdf)).is_none(), "{paper}");
    assert!(paper.contains("void") && paper.contains("Help desk"), "{paper}");
    host.run_with(&["verify", "daemon"], &format!("{}\n", codes(&object)[0])).expect(3);
    host.run_with(&["verify", "daemon"], &format!("{}\n", on_paper[19])).expect(0);
    assert_eq!(mode(&pdf), 0o600);
}

#[test]
fn one_device_more_is_handed_out_without_backup_codes() {
    let host = Host::new();
    host.enrolled("daemon");
    let pdf = host.path("tablet.pdf");
    let object = host
        .run(&[
            "--json",
            "device",
            "add",
            "daemon",
            "--no-confirm",
            "--name",
            "tablet",
            "--sheet",
            pdf.to_str().unwrap(),
        ])
        .expect(0)
        .json();
    assert_eq!(camera::read(&printed(&pdf)).as_deref(), object["device"]["uri"].as_str());
    let paper = words(&pdf);
    assert!(!paper.contains("Backup codes") && !paper.contains("cut here"), "{paper}");
    assert!(paper.contains("Keep this sheet like a key") && paper.contains("Phone lost"), "{paper}");
}

#[test]
fn a_code_confirms_what_is_then_handed_out() {
    let host = Host::new();
    let (pdf, secret) = (host.path("a.pdf"), "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP");
    let stdin = format!("{secret}\n{}\n", Phone::usual(secret).code(0));
    host.run_with(&["enroll", "daemon", "--secret-stdin", "--sheet", pdf.to_str().unwrap()], &stdin).expect(0);
    assert!(words(&pdf).contains("JBSW Y3DP EHPK 3PXP"));
}

#[test]
fn a_file_that_exists_is_never_written_over_and_nothing_is_changed() {
    let host = Host::new();
    host.enrolled("bin");
    let (taken, link) = (host.path("a.pdf"), host.path("link.html"));
    fs::write(&taken, "precious").unwrap();
    std::os::unix::fs::symlink(host.path("target.html"), &link).unwrap();
    let before = fs::read(host.record(2)).unwrap();
    for file in [&taken, &link] {
        for command in [
            &["enroll", "daemon", "--no-confirm"][..],
            &["device", "add", "bin", "--no-confirm"],
            &["backup-codes", "bin", "--yes"],
        ] {
            let ran = host.run(&[&["--json"], command, &["--sheet", file.to_str().unwrap()]].concat()).expect(1);
            let error = ran.json()["error"].clone();
            assert_eq!((error["kind"].as_str(), error["path"].as_str()), (Some("exists"), file.to_str()), "{ran:?}");
        }
    }
    assert_eq!(fs::read_to_string(&taken).unwrap(), "precious");
    assert!(!host.path("target.html").exists());
    assert_eq!(
        (host.status("daemon")["enrolled"].clone(), fs::read(host.record(2)).unwrap()),
        (Value::Bool(false), before)
    );
}

#[test]
fn it_goes_away_again_if_nobody_is_enrolled() {
    let host = Host::new();
    let pdf = host.path("a.pdf");
    let options = ["--sheet", pdf.to_str().unwrap()];
    host.run_with(&[&["enroll", "daemon"], &options[..]].concat(), "000000\n000000\n000000\n").expect(3);
    assert!(!pdf.exists());
    let mut window = Window::open(&host, 24, 80, &[&["enroll", "daemon"], &options[..]].concat());
    window.wait_for("Code from the app:");
    assert_eq!(fs::read(&pdf).unwrap(), b"", "nothing is in it before a code confirms");
    window.press(3);
    assert_eq!(window.end(), 130);
    assert!(!pdf.exists());
    host.run(&["backup-codes", "daemon", "--yes", "--sheet", pdf.to_str().unwrap()]).expect(4);
    assert!(!pdf.exists());
}

#[test]
fn where_it_does_not_fit_on_the_disk_nothing_is_changed_and_nothing_is_left() {
    let host = Host::new();
    let small = host.path("small");
    fs::create_dir(&small).unwrap();
    let pdf = small.join("a.pdf");
    for command in ["enroll daemon --no-confirm", "backup-codes bin --yes"] {
        host.run(&["enroll", "bin", "--no-confirm", "--if-not-enrolled"]).expect(0);
        let before = fs::read(host.record(2)).unwrap();
        let script = format!(
            "mount -t tmpfs -o size=4k none '{0}' && head -c 4096 /dev/zero >'{0}/full' && {BINARY} --config '{1}' {command} --sheet '{2}'; status=$?; ls '{0}'; exit $status",
            small.display(),
            host.config().display(),
            pdf.display()
        );
        let ran = run(Command::new("unshare").args(["--mount", "sh", "-c", &script]), "").expect(1);
        assert!(ran.stderr.contains("write the hand-out") && ran.stderr.contains("free space"), "{ran:?}");
        assert_eq!(ran.stdout, "full\n", "{command}: no empty file stays behind");
        assert_eq!(fs::read(host.record(2)).unwrap(), before);
    }
    assert_eq!(host.status("daemon")["enrolled"], false);
}

#[test]
fn it_is_on_the_disk_before_what_it_tells_of_holds() {
    let host = Host::new();
    let trace = host.path("trace");
    for (command, name) in [("enroll daemon --no-confirm", "a.pdf"), ("backup-codes daemon --yes", "b.html")] {
        let mut traced = Command::new("strace");
        traced
            .args(["-f", "-y", "-s", "200", "-e", "trace=fsync,fdatasync,rename,renameat,renameat2", "-o"])
            .arg(&trace);
        traced.arg(BINARY).arg("--config").arg(host.config()).args(command.split(' '));
        run(traced.arg("--sheet").arg(host.path(name)), "").expect(0);
        let calls = fs::read_to_string(&trace).unwrap();
        let at = |what: &dyn Fn(&str) -> bool| calls.lines().position(what).unwrap_or_else(|| panic!("{calls}"));
        let directory = host.path(name).parent().unwrap().display().to_string();
        let file = at(&|line| line.contains("fsync(") && line.contains(&format!("/{name}>")));
        let its_name = at(&|line| line.contains("fsync(") && line.contains(&format!("<{directory}>")));
        let commit = at(&|line| line.contains("rename") && line.contains("/store/users>"));
        assert!(file < its_name && its_name < commit, "{command}: {calls}");
    }
}

#[test]
fn a_name_that_a_pdf_has_no_letters_for_is_refused_before_anything_is_shown() {
    let host = Host::with("[enroll]\ncontact = 'Служба'");
    host.enrolled("bin");
    let before = fs::read(host.record(2)).unwrap();
    let pdf = host.path("a.pdf");
    for command in [
        &["enroll", "daemon", "--no-confirm"][..],
        &["enroll", "daemon"],
        &["device", "add", "bin"],
        &["backup-codes", "bin", "--yes"],
    ] {
        let ran = host.run(&[command, &["--sheet", pdf.to_str().unwrap()]].concat()).expect(2);
        assert!(ran.stderr.contains("contact in the config") && ran.stderr.contains("U+0421"), "{ran:?}");
        assert!(ran.stderr.contains(host.path("a.html").to_str().unwrap()) && ran.stdout.is_empty(), "{ran:?}");
    }
    let plain = Host::new();
    let pdf = plain.path("a.pdf");
    let ran =
        plain.run(&["enroll", "daemon", "--no-confirm", "--issuer", "漢", "--sheet", pdf.to_str().unwrap()]).expect(2);
    assert!(ran.stderr.contains("the issuer") && !pdf.exists(), "{ran:?}");
    assert_eq!(
        (host.status("daemon")["enrolled"].clone(), fs::read(host.record(2)).unwrap()),
        (Value::Bool(false), before)
    );
}

#[test]
fn a_name_that_ends_otherwise_is_wrong_usage() {
    let ran = Host::new().run(&["enroll", "daemon", "--no-confirm", "--sheet", "/root/a.doc"]).expect(2);
    assert!(ran.stderr.contains(".pdf or .html"), "{ran:?}");
}
