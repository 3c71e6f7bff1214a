// SPDX-License-Identifier: MIT OR Apache-2.0
//! The Ansible role, run by the real ansible-core from the files of docs/guides/ansible.md as they stand there; then real
//! logins. No log of Ansible or of the host holds a secret or a code.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod scene;

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use scene::sshd::{self, CLIENT, ssh};
use scene::ways::GOT_IN;
use scene::*;

const GUIDE: &str = include_str!("../docs/guides/ansible.md");
const BUILT: &str = "/opt/nightlatch";
const FLEET: &str = "/root/fleet";

/// There is one host, and the role changes all of it.
static HOST: Mutex<()> = Mutex::new(());

/// The controller's directory, with the files of the guide; the host is this one, with nothing of ours on it.
struct Fleet {
    _turn: MutexGuard<'static, ()>,
}

/// What a run of ansible-playbook said, with everything that -vvv says.
struct Ran {
    log: String,
    succeeded: bool,
}

impl Ran {
    /// A number of the recap, such as `changed`.
    fn count(&self, word: &str) -> u32 {
        let recap = self.log.split("PLAY RECAP").nth(1).unwrap_or_else(|| panic!("no recap: {}", self.log));
        let after = recap.split(&format!("{word}=")).nth(1).unwrap();
        after.split_whitespace().next().unwrap().parse().unwrap()
    }

    fn well(self) -> Self {
        assert!(self.succeeded && self.count("failed") == 0, "{}", self.log);
        self
    }

    fn fails_saying(self, text: &str) -> Self {
        assert!(!self.succeeded && self.log.contains(text), "no {text:?}: {}", self.log);
        self
    }
}

impl Fleet {
    fn on_a_bare_host() -> Self {
        in_the_bed();
        let turn = HOST.lock().unwrap_or_else(PoisonError::into_inner);
        make_the_host_bare();
        drop(fs::remove_dir_all(FLEET));
        let tree = PathBuf::from(FLEET).join("nightlatch");
        fs::create_dir_all(tree.join("target/release")).unwrap();
        for part in ["packaging", "pam.d"] {
            symlink(format!("{BUILT}/{part}"), tree.join(part)).unwrap();
        }
        for file in ["libpam_nightlatch.so", "nightlatch"] {
            symlink(format!("{BUILT}/{file}"), tree.join("target/release").join(file)).unwrap();
        }
        for name in ["ansible", "alice", "bob"] {
            drop(run("userdel", &["--force", "--remove", name]));
            ok("useradd", &["--create-home", "--shell", "/bin/bash", name]);
            ok("sh", &["-ec", &format!("printf '%s:%s\\n' {name} '{PASSWORD}' | chpasswd")]);
        }
        let fleet = Self { _turn: turn };
        fleet.write_the_files_of_the_guide();
        fs::write("/root/.vault-password", "a password of the test's\n").unwrap();
        fs::set_permissions("/root/.vault-password", fs::Permissions::from_mode(0o600)).unwrap();
        fleet
    }

    /// For what is not about installing: the program is there, as if the role had put it there.
    fn on_a_host_with_the_program() -> Self {
        let fleet = Self::on_a_bare_host();
        ok("sh", &["-ec", &format!("{BUILT}/packaging/install --from {BUILT}; nightlatch init --quiet")]);
        fleet
    }

    /// The guide's own; but the host is the one that there is, without ssh.
    fn write_the_files_of_the_guide(&self) {
        let files = files_of_the_guide();
        assert!(files.len() >= 7, "{files:?}");
        for (name, contents) in files {
            self.write(&name, &contents);
        }
        self.write("inventory.ini", "bed ansible_connection=local ansible_user=ansible\n");
    }

    fn write(&self, name: &str, contents: &str) {
        let path = Path::new(FLEET).join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
    }

    /// A line of the guide, word for word, in the fleet's directory.
    fn line(&self, line: &str) -> Ran {
        assert!(GUIDE.lines().any(|of_guide| of_guide == line), "the guide has no line '{line}'");
        self.shell(line)
    }

    /// With all that can be said.
    fn shell(&self, line: &str) -> Ran {
        let surroundings = format!(
            "cd {FLEET}; umask 077; export HOME=/root ANSIBLE_VAULT_PASSWORD_FILE=/root/.vault-password \
             ANSIBLE_VERBOSITY=3 ANSIBLE_NOCOLOR=1; exec 2>&1; "
        );
        let output = run("bash", &["-c", &format!("{surroundings}{line}")]);
        Ran { log: String::from_utf8_lossy(&output.stdout).into_owned(), succeeded: output.status.success() }
    }

    /// As the guide makes the vault; what is in it.
    fn fill_the_vault(&self) -> Person {
        let lines: Vec<_> = GUIDE.lines().filter(|line| line.contains("group_vars/all/vault.yml")).collect();
        let of = |start: &str| *lines.iter().find(|line| line.starts_with(start)).unwrap();
        assert!(self.line(of("printf")).succeeded && self.line(of("ansible-vault encrypt")).succeeded);
        assert!(fs::read_to_string(format!("{FLEET}/group_vars/all/vault.yml")).unwrap().starts_with("$ANSIBLE_VAULT"));
        let view = self.shell("ANSIBLE_VERBOSITY=0 ansible-vault view group_vars/all/vault.yml").log;
        let secret = view.lines().find_map(|line| line.strip_prefix("vault_alice: ")).unwrap().trim().to_owned();
        assert_eq!(secret.len(), 32);
        Person { name: "alice".to_owned(), secret, backup_codes: Vec::new() }
    }
}

/// What the role or the guide's last section left is taken away, and what the bed has put there.
fn make_the_host_bare() {
    let script = "
        for service in sshd sudo sudo-i; do
            if [ -e /var/backups/nightlatch/$service ]; then cp /var/backups/nightlatch/$service /etc/pam.d/; fi
        done
        rm -f /etc/ssh/sshd_config.d/10-nightlatch.conf /etc/ssh/sshd_config.d/20-robots.conf
        if [ -e /usr/local/sbin/nightlatch ]; then /opt/nightlatch/packaging/install --remove; fi
        rm -rf /etc/nightlatch /var/lib/nightlatch/* /var/backups/nightlatch
        groupdel -f robots 2>/dev/null || true";
    ok("sh", &["-ec", script]);
}

/// Each fenced block whose first line is a comment with a file's name.
fn files_of_the_guide() -> Vec<(String, String)> {
    let blocks = GUIDE.split("```").skip(1).step_by(2);
    let named = blocks.filter_map(|block| {
        let (_, contents) = block.split_once('\n')?;
        let name = contents.lines().next()?.strip_prefix("# ")?;
        name.contains('.').then(|| (name.to_owned(), contents.to_owned()))
    });
    named.collect()
}

/// Every file that the role may touch, with mode, size and the moment of its last change.
fn on_the_host() -> String {
    let places =
        "/etc /usr/local /usr/lib/*/security /usr/sbin /var/lib/nightlatch /var/backups /var/cache /root/fleet";
    ok("sh", &["-ec", &format!("find {places} -printf '%p %m %s %C@\\n' | sort")])
}

fn sheet_of(person: &str) -> String {
    let path = format!("{FLEET}/hand-outs/bed-{person}.txt");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    fs::read_to_string(path).unwrap()
}

/// What stands behind a word on each of a sheet's lines that begins so.
fn words(sheet: &str, beginning: &str) -> Vec<String> {
    let lines = sheet.lines().filter(|line| line.starts_with(beginning));
    lines.map(|line| line.rsplit(' ').next().unwrap().to_owned()).collect()
}

/// By ssh with password and code.
fn gets_in(person: &Person, code: &str) -> bool {
    let screen = ssh(person, "").sees("assword: ").types(PASSWORD).sees(PROMPT).types(code).rest();
    screen.contains(GOT_IN)
}

fn is_enrolled(name: &str) -> bool {
    let status: serde_json::Value = serde_json::from_str(&ok("nightlatch", &["status", name, "--json"])).unwrap();
    status["enrolled"].as_bool().unwrap()
}

/// The three lines of the guide's third section, and that each does what it says there.
#[test]
fn the_guide_as_written_sets_a_host_up_and_run_again_changes_nothing() {
    let fleet = Fleet::on_a_bare_host();
    let alice = fleet.fill_the_vault();
    let journal = Journal::mark();
    let before = on_the_host();
    let tried = fleet.line("ansible-playbook site.yml --check").well();
    assert_eq!(on_the_host(), before, "check mode changed the host");
    assert!(tried.count("changed") > 0, "{}", tried.log);

    let first = fleet.line("ansible-playbook site.yml").well();
    let second = fleet.line("ansible-playbook site.yml").well();
    assert!(first.count("changed") > 0);
    assert_eq!(second.count("changed"), 0, "{}", second.log);

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

    let before = ok("sh", &["-c", "cat /var/backups/nightlatch/sudo"]);
    let back: Vec<_> = GUIDE.lines().skip_while(|line| *line != "## Taking it back").collect();
    let lines: Vec<_> = back.iter().skip_while(|line| **line != "```sh").skip(1).take_while(|l| **l != "```").collect();
    assert_eq!(lines.len(), 3);
    for line in lines {
        let ran = fleet.line(line);
        assert!(ran.succeeded, "{line}: {}", ran.log);
    }
    assert_eq!(fs::read_to_string("/etc/pam.d/sudo").unwrap(), before);
    assert!(!before.contains("pam_nightlatch") && !ok("cat", &["/etc/pam.d/sshd"]).contains("pam_nightlatch"));
}

#[test]
fn a_new_secret_takes_the_old_one_s_place_only_where_it_is_asked_for_and_whoever_leaves_is_gone() {
    let fleet = Fleet::on_a_host_with_the_program();
    let old = fleet.fill_the_vault();
    fleet.shell("ansible-playbook site.yml --tags nightlatch_enroll").well();
    let new = fleet.fill_the_vault();
    assert_ne!(old.secret, new.secret);
    assert_eq!(fleet.shell("ansible-playbook site.yml --tags nightlatch_enroll").well().count("changed"), 0);
    let verify = |person: &Person| {
        let line = format!("printf '%s\\n' {} | nightlatch verify alice", person.code(0));
        run("sh", &["-c", &line]).status.success()
    };
    steady(10);
    assert!(verify(&old) && !verify(&new));
    let rotate = "ansible-playbook site.yml -e @rotated.yml --tags nightlatch_enroll";
    let rotated = fleet.line(rotate).well();
    assert_eq!((rotated.count("changed"), fleet.line(rotate).well().count("changed")), (1, 0));
    assert!([&old, &new].iter().all(|person| !rotated.log.contains(&person.secret)));
    steady(10);
    assert!(!verify(&old) && verify(&new));

    let leave = "ansible-playbook site.yml -e @left.yml --tags nightlatch_enroll";
    assert_eq!(fleet.shell(&format!("{leave} --check")).well().count("changed"), 1);
    assert!(is_enrolled("alice"));
    assert_eq!((fleet.line(leave).well().count("changed"), is_enrolled("alice")), (1, false));
    assert_eq!(fleet.line(leave).well().count("changed"), 0);

    // Somebody whose account went first.
    let uid = ok("id", &["-u", "bob"]).trim().to_owned();
    ok("userdel", &["--force", "bob"]);
    fleet.write("left.yml", "nightlatch_people:\n  - { user: bob, state: absent }\n");
    assert!(Path::new("/var/lib/nightlatch/users").join(&uid).exists());
    assert_eq!(fleet.line(leave).well().count("changed"), 1);
    assert!(!Path::new("/var/lib/nightlatch/users").join(&uid).exists());
    assert_eq!(fleet.line(leave).well().count("changed"), 0);
}

#[test]
fn whoever_is_invited_is_invited_once_and_the_plain_task_of_the_guide_enrolls_once() {
    let fleet = Fleet::on_a_host_with_the_program();
    let vault = fleet.fill_the_vault();
    fleet.write("some.yml", "nightlatch_people:\n  - { user: alice, state: invited, invite_until: +3d }\n");
    let some = "ansible-playbook site.yml -e @some.yml --tags nightlatch_enroll";
    // Besides the invitation, the directory for hand-outs.
    assert_eq!((fleet.shell(some).well().count("changed"), fleet.shell(some).well().count("changed")), (2, 0));
    let status = ok("nightlatch", &["status", "alice"]);
    assert!(status.contains("invited"), "{status}");
    fleet.write("some.yml", "nightlatch_people:\n  - { user: alice, state: absent }\n");
    assert_eq!((fleet.shell(some).well().count("changed"), fleet.shell(some).well().count("changed")), (1, 0));
    assert!(!ok("nightlatch", &["status", "alice"]).contains("invited"));

    ok("useradd", &["carol"]);
    let runs = [(); 2].map(|()| fleet.shell("ansible-playbook plain.yml").well());
    assert_eq!(runs.each_ref().map(|ran| ran.count("changed")), [1, 0]);
    assert!(runs.iter().all(|ran| !ran.log.contains(&vault.secret)));
    assert!(is_enrolled("carol"));
}

/// no_log hides why a task failed; the role says it all the same, when the others have what is theirs.
#[test]
fn who_cannot_be_enrolled_is_named_and_the_others_are_enrolled() {
    let fleet = Fleet::on_a_host_with_the_program();
    fleet.fill_the_vault();
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

#[test]
fn a_wrong_config_stays_out_and_the_one_that_holds_stays_in() {
    let fleet = Fleet::on_a_host_with_the_program();
    fleet.fill_the_vault();
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
    assert_eq!([(); 2].map(|()| fleet.shell(tagged).well().count("changed")), [1, 0]);
    let written = fs::read_to_string("/etc/nightlatch/config.toml").unwrap();
    for line in ["prompt = \"Code \\\"now\\\": \"", "not_enrolled_exempt_until = 2027-01-31", "[service.\"sudo\"]"] {
        assert!(written.lines().any(|of_file| of_file == line), "{line}: {written}");
    }
    assert_eq!(written.matches("[[rule]]").count(), 2);
}

#[test]
fn what_would_be_lost_and_who_would_be_locked_out_is_refused_before_anything_is_touched() {
    let fleet = Fleet::on_a_bare_host();
    fleet.fill_the_vault();
    let before = on_the_host();
    let lost = fleet.shell("ansible-playbook site.yml -e nightlatch_hand_outs=''");
    lost.fails_saying("bob: a fresh secret or backup codes would be made and shown to nobody");
    let out = r#"ansible-playbook site.yml -e ansible_connection=ssh -e '{"nightlatch_robots": []}'"#;
    fleet.shell(out).fails_saying("sshd would ask 'ansible' for a code from now on");
    let unchanged = |text: &str| text.lines().filter(|l| !l.starts_with(FLEET)).map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(unchanged(&on_the_host()), unchanged(&before));
}

/// A package that holds what packaging/install puts in place; ours is made elsewhere.
#[test]
fn a_package_is_installed_once() {
    let fleet = Fleet::on_a_bare_host();
    fleet.fill_the_vault();
    let make = format!(
        "cd /root; rm -rf package; mkdir -p package/DEBIAN package/usr/local/sbin
         cp {BUILT}/nightlatch package/usr/local/sbin/
         printf 'Package: nightlatch\nVersion: 1\nArchitecture: all\nMaintainer: nobody\nDescription: a test\n' \
            > package/DEBIAN/control
         dpkg-deb --build package {FLEET}/nightlatch_1_all.deb"
    );
    ok("sh", &["-ec", &make]);
    fleet.write("package.yml", &format!("nightlatch_built: ''\nnightlatch_package: {FLEET}/nightlatch_1_all.deb\n"));
    let install = "ansible-playbook site.yml -e @package.yml --tags nightlatch_install";
    let check = fleet.shell(&format!("{install} --check")).well();
    assert!(!Path::new("/usr/local/sbin/nightlatch").exists(), "{}", check.log);
    let runs = [(); 2].map(|()| fleet.shell(install).well());
    assert!(Path::new("/usr/local/sbin/nightlatch").exists());
    assert_eq!(runs.map(|ran| ran.count("changed")), [2, 0]);
    ok("dpkg", &["--purge", "nightlatch"]);
}
