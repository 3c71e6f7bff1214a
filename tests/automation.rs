// SPDX-License-Identifier: MIT OR Apache-2.0
//! The Ansible role, run by the real ansible-core from the files of docs/guides/ansible.md as they stand there; then real
//! logins. No log of Ansible or of the host holds a secret or a code.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

#[path = "automation/fleet.rs"]
mod fleet;
mod scene;

use std::fs;
use std::path::Path;

use fleet::*;
use scene::sshd::{self, CLIENT, ssh};
use scene::ways::GOT_IN;
use scene::*;

const SERVICES: [&str; 3] = ["sshd", "sudo", "sudo-i"];

/// By ssh with password and code.
fn gets_in(person: &Person, code: &str) -> bool {
    let screen = ssh(person, "").sees("assword: ").types(PASSWORD).sees(PROMPT).types(code).rest();
    screen.contains(GOT_IN)
}

fn doctor_finds_no_error() {
    let output = run("nightlatch", &["doctor"]);
    assert!(matches!(output.status.code(), Some(0 | 10)), "{output:?}");
}

/// With the secret of the vault, as the playbook does it.
fn enroll(person: &Person) {
    let line = format!(
        "printf '%s\\n' {} | nightlatch enroll {} --secret-stdin --no-confirm --backup-codes 0",
        person.secret, person.name
    );
    ok("sh", &["-ec", &line]);
}

fn verify(person: &Person) -> bool {
    let line = format!("printf '%s\\n' {} | nightlatch verify {}", person.code(0), person.name);
    run("sh", &["-c", &line]).status.success()
}

/// The three lines of the guide's third section, and that each does what it says there; the last section takes it back.
#[test]
fn the_guide_as_written_sets_a_host_up_by_packages_and_run_again_changes_nothing() {
    let fleet = Fleet::on_a_bare_host();
    let alice = fleet.fill_the_vault();
    let journal = Journal::mark();
    let before = on_the_host();
    let tried = fleet.line("ansible-playbook site.yml --check").well();
    assert_eq!(on_the_host(), before, "check mode changed the host");
    assert!(tried.log.contains("Command would have run if not in check mode"), "{}", tried.log);

    let first = fleet.line("ansible-playbook site.yml").well();
    let second = fleet.line("ansible-playbook site.yml").well();
    assert!(first.count("changed") > 0);
    assert_eq!(second.count("changed"), 0, "{}", second.log);
    ok("dpkg", &["--verify", "nightlatch", "libpam-nightlatch"]);
    doctor_finds_no_error();

    let sheet = sheet_of("bob");
    let (secrets, codes) = (words(&sheet, "secret:"), words(&sheet, "backup code"));
    assert_eq!((secrets.len(), codes.len(), secrets[0].len()), (1, 5, 32), "{sheet}");
    assert!(!Path::new(FLEET).join("hand-outs/bed-alice.txt").exists(), "there is nothing that she gets once");
    let host = journal.all();
    let logs = [&tried.log, &first.log, &second.log, &host];
    for secret in [&alice.secret, &secrets[0]].into_iter().chain(&codes) {
        assert!(logs.iter().all(|log| !log.contains(secret.as_str())), "a log holds a secret");
    }
    assert!(first.log.contains("censored"), "the log is the one of -vvv: {}", first.log);
    let left =
        ok("sh", &["-c", &format!("grep -rlF '{}' /root /tmp /var /etc /home 2>/dev/null || true", alice.secret)]);
    assert_eq!(left, "", "a file holds the secret in clear");

    // Of the host's step and the one after it, each once.
    steady(10);
    assert!(gets_in(&alice, &alice.code(0)));
    let bob = Person { name: "bob".to_owned(), secret: secrets[0].clone(), backup_codes: codes.clone() };
    assert!(gets_in(&bob, &bob.code(0)));
    assert!(gets_in(&bob, &codes[0]));
    assert!(!gets_in(&bob, &codes[0]) && !gets_in(&alice, &alice.wrong_code()));

    // Ansible's own account, by its key and without a question.
    let robot = Person { name: "ansible".to_owned(), secret: String::new(), backup_codes: Vec::new() };
    drop(fs::remove_file("/root/key-of-ansible"));
    let key = sshd::key_of(&robot);
    let output = run("sh", &["-c", &format!("ssh -o BatchMode=yes {key} {CLIENT} ansible@127.0.0.1 id -Gn")]);
    assert!(String::from_utf8_lossy(&output.stdout).contains("robots"), "{output:?}");

    let kept = SERVICES.map(|service| fs::read_to_string(format!("/var/backups/nightlatch/{service}")).unwrap());
    let back: Vec<_> = GUIDE.lines().skip_while(|line| *line != "## Taking it back").collect();
    let lines: Vec<_> = back.iter().skip_while(|line| **line != "```sh").skip(1).take_while(|l| **l != "```").collect();
    assert_eq!(lines.len(), 3);
    for line in lines {
        let ran = fleet.line(line);
        assert!(ran.succeeded, "{line}: {}", ran.log);
    }
    let there = SERVICES.map(|service| fs::read_to_string(format!("/etc/pam.d/{service}")).unwrap());
    assert!(there == kept && there.iter().all(|text| !text.contains("pam_nightlatch")));
    ok("sh", &["-ec", "DEBIAN_FRONTEND=noninteractive apt-get purge --yes libpam-nightlatch nightlatch"]);
}

/// The profile and sshd's snippet, without service files.
#[test]
fn the_profile_is_enabled_once_and_changed_for_the_other_and_taken_out_and_ssh_asks_meanwhile() {
    let fleet = Fleet::on_a_host_with_the_packages();
    let alice = fleet.fill_an_open_vault();
    enroll(&alice);
    let common = || ok("sh", &["-c", "cat /etc/pam.d/common-*"]);
    let before = common();
    let profile = "ansible-playbook site.yml -e @profile.yml --tags nightlatch_services";
    let other = |name: &str, more: &str| {
        fleet.shell(&format!("ansible-playbook site.yml -e nightlatch_profile={name} --tags nightlatch_profile {more}"))
    };
    assert!(fleet.line(profile).changes() > 0);
    steady(10);
    assert!(gets_in(&alice, &alice.code(0)) && !gets_in(&alice, &alice.wrong_code()));
    assert!(!ok("cat", &["/etc/pam.d/sshd"]).contains("pam_nightlatch"));
    doctor_finds_no_error();
    let with_it = common();
    assert_eq!((fleet.line(profile).changes(), common() == with_it), (0, true));

    assert_eq!((other("nightlatch-enroll", "--check").changes(), common() == with_it), (1, true));
    assert_eq!(other("nightlatch-enroll", "").changes(), 1);
    let enrolling = common();
    assert!(enrolling.contains("nullok enroll") && enrolling.matches("pam_nightlatch.so").count() == 2, "{enrolling}");

    // pam-auth-update leaves what somebody changed by hand, and calls that a success.
    let mark = "# here's the fallback if no module succeeds";
    let change = |from: &str, to: &str| ok("sed", &["-i", &format!("s/^{from}/{to}/"), "/etc/pam.d/common-auth"]);
    change(mark, "# changed");
    other("absent", "").fails_saying("not updating");
    change("# changed", mark);
    assert_eq!((other("absent", "").changes(), common() == before), (1, true));
    assert_eq!(other("absent", "").changes(), 0);
}

#[test]
fn a_rolling_upgrade_keeps_what_people_enrolled_and_stops_at_the_first_host_that_fails() {
    let fleet = Fleet::on_a_host_with_the_packages();
    let alice = fleet.fill_an_open_vault();
    enroll(&alice);
    fleet.make_packages_of("9.9-1");
    let upgrade = "ansible-playbook upgrade.yml --tags nightlatch_install,nightlatch_check";
    assert_eq!(fleet.shell(&format!("{upgrade} -e nightlatch_version=9.9-1")).changes(), 2);
    let installed = ["nightlatch", "libpam-nightlatch"]
        .map(|name| ok("dpkg-query", &["--show", "--showformat", "${Version}", name]));
    assert_eq!(installed, ["9.9-1", "9.9-1"]);
    steady(5);
    assert!(verify(&alice));

    // Back to the older version: apt-get refuses, and nobody comes to the second host.
    fleet.hosts(&["bed", "second"]);
    let ran = fleet.line(upgrade).fails_saying("downgraded");
    let (_, recap) = ran.log.split_once("PLAY RECAP").unwrap();
    assert!(recap.contains("bed ") && !recap.contains("second "), "{recap}");
}

/// What cargo built, on a host without packages.
#[test]
fn from_source_a_host_is_set_up_once_and_the_ready_files_are_found() {
    let fleet = Fleet::on_a_bare_host();
    fleet.fill_an_open_vault();
    let sudo = r#"{"nightlatch_services": [{"service": "sudo"}], "nightlatch_sshd": "", "nightlatch_robots": []}"#;
    let tags = "nightlatch_install,nightlatch_services";
    let line = format!("ansible-playbook site.yml -e @source.yml -e '{sudo}' --tags {tags}");
    let before = on_the_host();
    assert!(fleet.shell(&format!("{line} --check")).changes() > 0);
    assert_eq!(of_the_host_alone(&on_the_host()), of_the_host_alone(&before), "check mode changed the host");
    assert!(fleet.shell(&line).changes() > 0);
    assert!(ok("sh", &["-c", "command -v nightlatch"]).starts_with("/usr/local/sbin/"));
    assert!(ok("cat", &["/etc/pam.d/sudo"]).contains("pam_nightlatch"));
    assert_eq!(fleet.shell(&line).changes(), 0);
}

#[test]
fn a_new_secret_takes_the_old_one_s_place_only_where_it_is_asked_for() {
    let fleet = Fleet::on_a_host_with_the_packages();
    let old = fleet.fill_an_open_vault();
    enroll(&old);
    let new = fleet.fill_an_open_vault();
    assert_ne!(old.secret, new.secret);
    // Besides bob and his sheet, the directory for it.
    assert_eq!(fleet.shell("ansible-playbook site.yml --tags nightlatch_enroll").changes(), 3);
    steady(5);
    assert!(verify(&old) && !verify(&new));
    let rotate = "ansible-playbook site.yml -e @rotated.yml --tags nightlatch_enroll";
    let rotated = fleet.line(rotate).well();
    assert_eq!((rotated.count("changed"), fleet.line(rotate).changes()), (1, 0));
    assert!([&old, &new].iter().all(|person| !rotated.log.contains(&person.secret)));
    steady(5);
    assert!(!verify(&old) && verify(&new));
}

/// The guide's own line, with some more people to whom the same happens or something else.
#[test]
fn whoever_leaves_is_gone_with_or_without_an_account_and_whoever_is_invited_is_invited_once() {
    let fleet = Fleet::on_a_host_with_the_packages();
    let vault = fleet.fill_an_open_vault();
    for name in ["carol", "dave"] {
        ok("sh", &["-ec", &format!("id {name} >/dev/null 2>&1 || useradd {name}")]);
    }
    enroll(&vault);
    ok("nightlatch", &["enroll", "bob", "--no-confirm"]);
    ok("nightlatch", &["invite", "carol"]);
    let bob = Path::new("/var/lib/nightlatch/users").join(ok("id", &["-u", "bob"]).trim());
    ok("userdel", &["--force", "bob"]);
    let left = fs::read_to_string(format!("{FLEET}/left.yml")).unwrap();
    let more = "  - { user: bob, state: absent }\n  - { user: carol, state: absent }
  - { user: dave, state: invited, invite_until: +3d }\n";
    fleet.write("left.yml", &format!("{left}{more}nightlatch_hand_outs: ''\n"));

    let leave = "ansible-playbook site.yml -e @left.yml --tags nightlatch_enroll";
    assert_eq!(fleet.shell(&format!("{leave} --check")).changes(), 1);
    assert!(is_enrolled("alice") && bob.exists());
    assert_eq!(fleet.line(leave).changes(), 1);
    assert!(!is_enrolled("alice") && !bob.exists());
    let invited = ["carol", "dave"].map(|name| ok("nightlatch", &["status", name]).contains("invited"));
    assert_eq!(invited, [false, true]);
    assert_eq!(fleet.line(leave).changes(), 0);

    // The guide's plain task, without the role.
    let runs = [(); 2].map(|()| fleet.shell("ansible-playbook plain.yml").well());
    assert_eq!(runs.each_ref().map(|ran| ran.count("changed")), [1, 0]);
    assert!(runs.iter().all(|ran| !ran.log.contains(&vault.secret)));
    assert!(is_enrolled("carol"));
}

/// no_log hides why a task failed; the role says it all the same, when the others have what is theirs.
#[test]
fn who_cannot_be_enrolled_is_named_and_the_others_are_enrolled() {
    let fleet = Fleet::on_a_host_with_the_packages();
    fleet.fill_an_open_vault();
    let people = "nightlatch_people:
  - { user: nobody-here, secret: JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP, backup_codes: 0 }
  - { user: alice, secret: 'not base32 0189', backup_codes: 0 }
  - { user: bob }
";
    fleet.write("people.yml", people);
    let behind = "nightlatch_enroll,nightlatch_services";
    let ran =
        fleet.shell(&format!("ansible-playbook site.yml -e @people.yml --tags {behind}")).fails_saying("nobody-here");
    assert!(ran.log.contains("alice: ") && ran.log.contains("getent passwd"), "{}", ran.log);
    for secret in ["JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP", "not base32 0189"] {
        assert!(!ran.log.contains(secret), "the log holds {secret}");
    }
    assert!(is_enrolled("bob") && !is_enrolled("alice") && !words(&sheet_of("bob"), "backup code").is_empty());
    assert!(!ok("cat", &["/etc/pam.d/sshd"]).contains("pam_nightlatch"), "no service asks before people are enrolled");
}

/// From an image without store and keys, as the guide makes one.
#[test]
fn a_wrong_config_stays_out_and_one_that_holds_goes_in_with_a_store_of_the_host_s_own() {
    let fleet = Fleet::on_a_host_with_the_packages();
    fleet.fill_an_open_vault();
    let keys = || fs::read_dir("/etc/nightlatch/keys").unwrap().map(|key| key.unwrap().file_name()).collect::<Vec<_>>();
    let of_the_image = keys();
    assert!(fleet.line("rm -r /etc/nightlatch/keys /var/lib/nightlatch/store /var/lib/nightlatch/users").succeeded);
    let before = fs::read_to_string("/etc/nightlatch/config.toml").unwrap();
    let tagged = "ansible-playbook site.yml -e @wrong.yml --tags nightlatch_configure";
    fleet.write("wrong.yml", "nightlatch_config:\n  totp: { window: 7 }\n");
    fleet.shell(tagged).fails_saying("failed to validate");
    assert_eq!(fs::read_to_string("/etc/nightlatch/config.toml").unwrap(), before);

    // Whatever the config can say can be said in YAML.
    let all = "nightlatch_config:
  prompt: 'Code \"now\": '
  throttle: { known_sources: 4 }
  default: { enrolled: require, not_enrolled_exempt_until: 2027-01-31 }
  service:
    sudo: { prompt: 'Code for sudo: ' }
  rule:
    - { name: robot, action: exempt, user: [backup], service: [sshd], ssh_key: true }
    - { name: office, action: exempt, source: ['192.0.2.0/24', local] }
";
    fleet.write("wrong.yml", all);
    assert_eq!([(); 2].map(|()| fleet.shell(tagged).changes()), [2, 0]);
    let written = fs::read_to_string("/etc/nightlatch/config.toml").unwrap();
    for line in ["prompt = \"Code \\\"now\\\": \"", "not_enrolled_exempt_until = 2027-01-31", "[service.\"sudo\"]"] {
        assert!(written.lines().any(|of_file| of_file == line), "{line}: {written}");
    }
    assert_eq!(written.matches("[[rule]]").count(), 2);
    assert!(keys().len() == 1 && keys() != of_the_image);
}

/// One run for all, under a name for each.
#[test]
fn what_would_be_lost_and_who_would_be_locked_out_is_refused_before_anything_is_touched() {
    let fleet = Fleet::on_a_host_with_the_packages();
    fleet.fill_an_open_vault();
    let by_ssh = "ansible_connection=ssh nightlatch_robots=[]";
    fleet.hosts(&[
        "lost nightlatch_hand_outs=''",
        &format!("sshd {by_ssh}"),
        &format!("profile {by_ssh} nightlatch_sshd='' nightlatch_services=[] nightlatch_profile=nightlatch"),
        "sudo ansible_become_password=x",
        r#"half nightlatch_packages="['/root/nightlatch_1_all.deb']""#,
        "both nightlatch_built=/root",
    ]);
    let before = on_the_host();
    let ran = fleet.shell("ansible-playbook site.yml");
    for (host, said) in [
        ("lost", "bob: a fresh secret or backup codes would be made and shown to nobody"),
        ("sshd", "sshd would ask 'ansible' for a code from now on"),
        ("profile", "sshd would ask 'ansible' for a code from now on"),
        ("sudo", "sudo would ask 'ansible' for a code behind the password"),
        ("half", "nightlatch_packages names nightlatch; it takes"),
        ("both", "nightlatch_packages and nightlatch_built exclude each other"),
    ] {
        let failures: Vec<_> = ran.log.split(&format!("fatal: [{host}]: FAILED!")).skip(1).collect();
        let told = |text: &str| text.split("fatal: [").next().unwrap().contains(said);
        assert!(failures.len() == 1 && told(failures[0]), "{host}: {}", ran.log);
    }
    assert_eq!(on_the_host(), before);
}
