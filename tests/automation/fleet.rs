// SPDX-License-Identifier: MIT OR Apache-2.0
//! A controller's directory with the files of docs/guides/ansible.md, and the host that they are about: this one.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::scene::*;

pub(crate) const GUIDE: &str = include_str!("../../docs/guides/ansible.md");
pub(crate) const FLEET: &str = "/root/fleet";
const BUILT: &str = "/opt/nightlatch";
/// Without ssh; and nobody has to look where Python is.
pub(crate) const HERE: &str =
    "ansible_connection=local ansible_user=ansible ansible_python_interpreter=/usr/bin/python3";

/// There is one host, and the role changes all of it.
static HOST: Mutex<()> = Mutex::new(());

/// The controller's directory; the host is as the test wants it to begin with.
pub(crate) struct Fleet {
    _turn: MutexGuard<'static, ()>,
}

/// What a run of ansible-playbook said, with everything that -vvv says.
pub(crate) struct Ran {
    pub(crate) log: String,
    pub(crate) succeeded: bool,
}

impl Ran {
    /// A number of the recap, such as `changed`.
    pub(crate) fn count(&self, word: &str) -> u32 {
        let recap = self.log.split("PLAY RECAP").nth(1).unwrap_or_else(|| panic!("no recap: {}", self.log));
        let after = recap.split(&format!("{word}=")).nth(1).unwrap();
        after.split_whitespace().next().unwrap().parse().unwrap()
    }

    pub(crate) fn well(self) -> Self {
        assert!(self.succeeded && self.count("failed") == 0, "{}", self.log);
        self
    }

    pub(crate) fn fails_saying(self, text: &str) -> Self {
        assert!(!self.succeeded && self.log.contains(text), "no {text:?}: {}", self.log);
        self
    }

    /// How many things it changed, and that it succeeded.
    pub(crate) fn changes(self) -> u32 {
        self.well().count("changed")
    }
}

impl Fleet {
    /// A Debian on which nobody has heard of nightlatch.
    pub(crate) fn on_a_bare_host() -> Self {
        Self::on_a_host(
            "if dpkg-query --show nightlatch >/dev/null 2>&1; then dpkg --purge libpam-nightlatch nightlatch; fi
             rm -rf /etc/nightlatch",
        )
    }

    /// For what is not about installing: as if the role had put the packages there.
    pub(crate) fn on_a_host_with_the_packages() -> Self {
        let script = format!(
            "there=$(dpkg-query --show --showformat '${{Version}}' libpam-nightlatch 2>/dev/null || true)
             if [ \"$there\" != '{}' ]; then dpkg --install {BUILT}/packages/*.deb; fi
             nightlatch init --quiet",
            version()
        );
        Self::on_a_host(&script)
    }

    fn on_a_host(script: &str) -> Self {
        in_the_bed();
        let turn = HOST.lock().unwrap_or_else(PoisonError::into_inner);
        take_it_all_back();
        ok("sh", &["-ec", script]);
        for name in ["ansible", "alice", "bob"] {
            drop(run("userdel", &["--force", "--remove", name]));
            ok("useradd", &["--create-home", "--shell", "/bin/bash", name]);
        }
        ok("sh", &["-ec", &format!("printf '%s:{PASSWORD}\\n' ansible alice bob | chpasswd")]);
        drop(fs::remove_dir_all(FLEET));
        let tree = PathBuf::from(FLEET).join("nightlatch");
        fs::create_dir_all(tree.join("target/release")).unwrap();
        for part in ["packaging", "pam.d"] {
            symlink(format!("{BUILT}/{part}"), tree.join(part)).unwrap();
        }
        for file in ["libpam_nightlatch.so", "nightlatch"] {
            symlink(format!("{BUILT}/{file}"), tree.join("target/release").join(file)).unwrap();
        }
        ok("sh", &["-ec", &format!("mkdir {FLEET}/packages; ln -s {BUILT}/packages/*.deb {FLEET}/packages/")]);
        let fleet = Self { _turn: turn };
        fleet.write_the_files_of_the_guide();
        fs::write("/root/.vault-password", "a password of the test's\n").unwrap();
        fs::set_permissions("/root/.vault-password", fs::Permissions::from_mode(0o600)).unwrap();
        fleet
    }

    /// The guide's own; but the host is the one that there is, and the version the one that was built.
    fn write_the_files_of_the_guide(&self) {
        let files = files_of_the_guide();
        assert!(files.len() >= 10, "{files:?}");
        for (name, contents) in files {
            self.write(&name, &contents);
        }
        self.hosts(&["bed"]);
        let variables = format!("{FLEET}/group_vars/all/nightlatch.yml");
        let said = fs::read_to_string(&variables).unwrap();
        let (before, after) = said.split_once("nightlatch_version: ").unwrap();
        let (_, after) = after.split_once('\n').unwrap();
        let after = after.replace("_amd64.deb", &format!("_{}.deb", ok("dpkg", &["--print-architecture"]).trim()));
        fs::write(&variables, format!("{before}nightlatch_version: {}\n{after}", version())).unwrap();
    }

    /// All of them are this one, under the names given; a name may have variables of its own behind it.
    pub(crate) fn hosts(&self, lines: &[&str]) {
        let lines: Vec<_> = lines.iter().map(|line| format!("{line}\n")).collect();
        self.write("inventory.ini", &format!("[fleet]\n{}[fleet:vars]\n{}\n", lines.concat(), HERE.replace(' ', "\n")));
    }

    pub(crate) fn write(&self, name: &str, contents: &str) {
        let path = Path::new(FLEET).join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
    }

    /// A line of the guide, word for word, in the fleet's directory.
    pub(crate) fn line(&self, line: &str) -> Ran {
        assert!(GUIDE.lines().any(|of_guide| of_guide == line), "the guide has no line '{line}'");
        self.shell(line)
    }

    /// With all that can be said.
    pub(crate) fn shell(&self, line: &str) -> Ran {
        let surroundings = format!(
            "cd {FLEET}; umask 077; export HOME=/root ANSIBLE_VAULT_PASSWORD_FILE=/root/.vault-password \
             ANSIBLE_VERBOSITY=3 ANSIBLE_NOCOLOR=1; exec 2>&1; "
        );
        let output = run("bash", &["-c", &format!("{surroundings}{line}")]);
        Ran { log: String::from_utf8_lossy(&output.stdout).into_owned(), succeeded: output.status.success() }
    }

    /// As the guide makes the vault; what is in it.
    pub(crate) fn fill_the_vault(&self) -> Person {
        let lines: Vec<_> = GUIDE.lines().filter(|line| line.contains("group_vars/all/vault.yml")).collect();
        let of = |start: &str| *lines.iter().find(|line| line.starts_with(start)).unwrap();
        assert!(self.line(of("printf")).succeeded && self.line(of("ansible-vault encrypt")).succeeded);
        assert!(fs::read_to_string(format!("{FLEET}/group_vars/all/vault.yml")).unwrap().starts_with("$ANSIBLE_VAULT"));
        self.alice(&self.shell("ANSIBLE_VERBOSITY=0 ansible-vault view group_vars/all/vault.yml").log)
    }

    /// For what is not about the vault: the same file in clear, which saves ansible-vault's seconds.
    pub(crate) fn fill_an_open_vault(&self) -> Person {
        let printf = GUIDE.lines().find(|line| line.starts_with("printf") && line.contains("vault.yml")).unwrap();
        assert!(self.line(printf).succeeded);
        self.alice(&fs::read_to_string(format!("{FLEET}/group_vars/all/vault.yml")).unwrap())
    }

    fn alice(&self, vault: &str) -> Person {
        let secret = vault.lines().find_map(|line| line.strip_prefix("vault_alice: ")).unwrap().trim().to_owned();
        assert_eq!(secret.len(), 32);
        Person { name: "alice".to_owned(), secret, backup_codes: Vec::new() }
    }

    /// The packages once more, under a higher version.
    pub(crate) fn make_packages_of(&self, next: &str) {
        let script = format!(
            "cd {FLEET}
             for deb in {BUILT}/packages/*.deb; do
                 rm -rf tree
                 dpkg-deb --raw-extract $deb tree
                 sed -i 's/^Version: .*/Version: {next}/; s/(= [^)]*)/(= {next})/' tree/DEBIAN/control
                 name=$(basename $deb)
                 dpkg-deb -Znone --build tree packages/${{name%%_*}}_{next}_${{name##*_}}
             done"
        );
        ok("sh", &["-ec", &script]);
    }
}

/// Of the packages that were built.
pub(crate) fn version() -> String {
    ok("sh", &["-ec", &format!("dpkg-deb --field {BUILT}/packages/nightlatch_*.deb Version")]).trim().to_owned()
}

/// What the role left is taken away, as the guide's last section has it, with what people enrolled; the packages stay.
fn take_it_all_back() {
    let script = "
        for service in sshd sudo sudo-i; do
            if [ -e /var/backups/nightlatch/$service ]; then cp /var/backups/nightlatch/$service /etc/pam.d/; fi
        done
        if grep -q pam_nightlatch /etc/pam.d/common-*; then pam-auth-update --disable nightlatch nightlatch-enroll; fi
        rm -f /etc/ssh/sshd_config.d/10-nightlatch.conf /etc/ssh/sshd_config.d/20-robots.conf
        if [ -e /usr/local/sbin/nightlatch ]; then /opt/nightlatch/packaging/install --remove; fi
        rm -rf /etc/nightlatch /var/lib/nightlatch/* /var/backups/nightlatch /var/cache/*nightlatch.deb
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
pub(crate) fn on_the_host() -> String {
    let places = "/etc /usr/local /usr/lib/*/security /usr/sbin /var/lib/nightlatch /var/lib/dpkg /var/lib/pam \
                  /var/backups /var/cache /root/fleet";
    ok("sh", &["-ec", &format!("find {places} -printf '%p %m %s %C@\\n' | sort")])
}

/// Without what lies on the controller, where the role may pack something.
pub(crate) fn of_the_host_alone(files: &str) -> Vec<&str> {
    files.lines().filter(|line| !line.starts_with(FLEET)).collect()
}

pub(crate) fn sheet_of(person: &str) -> String {
    let path = format!("{FLEET}/hand-outs/bed-{person}.txt");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    fs::read_to_string(path).unwrap()
}

/// What stands behind a word on each of a sheet's lines that begins so.
pub(crate) fn words(sheet: &str, beginning: &str) -> Vec<String> {
    let lines = sheet.lines().filter(|line| line.starts_with(beginning));
    lines.map(|line| line.rsplit(' ').next().unwrap().to_owned()).collect()
}

pub(crate) fn is_enrolled(name: &str) -> bool {
    let status: serde_json::Value = serde_json::from_str(&ok("nightlatch", &["status", name, "--json"])).unwrap();
    status["enrolled"].as_bool().unwrap()
}
