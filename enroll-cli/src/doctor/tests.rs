// SPDX-License-Identifier: MIT OR Apache-2.0
//! A machine made of a directory and prepared answers: each finding appears, and goes away.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use nightlatch::clock::SystemClock;
use nightlatch::config::Config;
use nightlatch::random::SystemRandom;

use super::kind::Word;
use super::machine::{Programs, Said};
use super::*;
use crate::site::Site;

/// Programs that say what they were told to.
pub(super) struct Answers(BTreeMap<String, Said>);

impl Answers {
    /// By the program's name, or by that and its first argument.
    pub(super) fn of(answers: &[(&str, Said)]) -> Self {
        Self(answers.iter().map(|(program, said)| ((*program).to_owned(), said.clone())).collect())
    }
}

impl Programs for Answers {
    fn run(&self, program: &str, arguments: &[&str]) -> io::Result<Said> {
        let with_verb = arguments.get(2).map(|verb| format!("{program} {verb}"));
        let said = with_verb.and_then(|words| self.0.get(&words)).or_else(|| self.0.get(program));
        said.cloned().ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }
}

fn says(stdout: &str) -> Said {
    Said { stdout: stdout.to_owned(), ..Said::default() }
}

fn ends(status: i32) -> Said {
    Said { status, ..Said::default() }
}

/// The root of a machine; gone when the test ends.
pub(super) struct Fixture(PathBuf);

impl Fixture {
    pub(super) fn new(files: &[(&str, &str)]) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let root = PathBuf::from(format!("/tmp/nightlatch-doctor-{}-{number}", std::process::id()));
        fs::create_dir(&root).unwrap();
        let fixture = Self(root);
        files.iter().for_each(|(path, text)| fixture.write(path, text));
        fixture
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.0.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    pub(super) fn machine<'m>(&self, programs: &'m Answers) -> Machine<'m> {
        Machine {
            root: self.0.clone(),
            programs,
            site: None,
            config: PathBuf::from("/etc/nightlatch/config.toml"),
            config_errors: Vec::new(),
        }
    }

    fn report(&self, subject: Subject, answers: &[(&str, Said)]) -> Report {
        let answers = Answers::of(answers);
        examine(&self.machine(&answers), &[subject])
    }

    /// The kinds that one subject finds.
    fn found(&self, subject: Subject, answers: &[(&str, Said)]) -> Vec<&'static str> {
        self.report(subject, answers).findings.iter().map(|finding| finding.kind.name()).collect()
    }
}

impl Drop for Fixture {
    fn drop(&mut self) {
        let _: io::Result<()> = fs::remove_dir_all(&self.0);
    }
}

const COMMON_AUTH: (&str, &str) = (
    "etc/pam.d/common-auth",
    "auth [success=1 default=ignore] pam_unix.so nullok\nauth requisite pam_deny.so\nauth required pam_permit.so\n",
);
const GOOD: &str = "@include common-auth\nauth required pam_nightlatch.so\naccount required pam_nightlatch.so\n";

/// Every problem of a stack has a word of its own; which stacks have it is held in core.
#[test]
fn each_flaw_of_a_stack_is_told_with_its_file_and_line() {
    for (lines, word, place) in [
        ("@include common-auth\nauth optional pam_nightlatch.so\n", "stack-undone", "/etc/pam.d/sudo:2: "),
        (
            "auth sufficient pam_unix.so\nauth required pam_nightlatch.so\n",
            "stack-password-alone",
            "/etc/pam.d/sudo:1: pam_unix.so",
        ),
        ("auth required pam_nightlatch.so\nauth required pam_permit.so\n", "stack-nobody-asks", "/etc/pam.d/sudo:1: "),
        (
            "auth sufficient pam_nightlatch.so\n@include common-auth\n",
            "stack-code-without-password",
            "/etc/pam.d/sudo:1: ",
        ),
        (
            "auth sufficient pam_fprintd.so\n@include common-auth\nauth required pam_nightlatch.so\n",
            "stack-bypassed",
            "/etc/pam.d/sudo:1: pam_fprintd.so",
        ),
        ("auth required pam_nightlatch.so\nauth required pam_permit.so\n", "stack-code-alone", "/etc/pam.d/sudo:1: "),
        ("auth required pam_nightlatch.so\n@include common-auth\n", "stack-before-password", "/etc/pam.d/sudo:1: "),
        (
            "auth required pam_unix.so\nauth required pam_nightlatch.so\n",
            "stack-wrong-password-asked",
            "/etc/pam.d/sudo:2: ",
        ),
        (
            "@include common-auth\nauth required pam_nightlatch.so\nauth required pam_nightlatch.so\n",
            "stack-twice",
            "/etc/pam.d/sudo:3: ",
        ),
        ("auth required pam_nightlatch.so\n", "stack-exempt-refused", "/etc/pam.d/sudo:1: "),
        ("auth odd pam_nightlatch.so\n", "stack-unread", "/etc/pam.d/sudo: /etc/pam.d/sudo:1: "),
    ] {
        let fixture = Fixture::new(&[COMMON_AUTH, ("etc/pam.d/sudo", lines)]);
        let report = fixture.report(Subject::Services, &[]);
        let found = report.findings.iter().find(|finding| finding.kind.name() == word);
        let found = found.unwrap_or_else(|| panic!("{lines}: {:?}", report.findings));
        assert!(found.message.starts_with(place) && !found.message.contains('{'), "{found:?}");
        assert_eq!(found.path.as_deref(), Some(Path::new("/etc/pam.d/sudo")));
        fixture.write("etc/pam.d/sudo", GOOD);
        assert_eq!(fixture.found(Subject::Services, &[]), [""; 0], "{word}");
    }
}

#[test]
fn one_line_that_several_services_include_is_told_once() {
    let shared = "auth sufficient pam_unix.so\nauth required pam_nightlatch.so\n";
    let fixture = Fixture::new(&[
        ("etc/pam.d/common-auth", shared),
        ("etc/pam.d/sudo", "@include common-auth\n"),
        ("etc/pam.d/sudo-i", "@include common-auth\n"),
    ]);
    let report = fixture.report(Subject::Services, &[]);
    let alone: Vec<_> = report.findings.iter().filter(|finding| finding.kind == Word::PasswordAlone.into()).collect();
    assert!(matches!(alone[..], [one] if one.message.contains("(sudo, sudo-i)")), "{report:?}");
}

#[test]
fn an_account_line_that_is_missing_where_people_enroll_comes_first_of_all() {
    let offers = "@include common-auth\nauth optional pam_nightlatch.so enroll\n";
    let fixture = Fixture::new(&[COMMON_AUTH, ("etc/pam.d/sshd", offers)]);
    let found = fixture.found(Subject::Services, &[]);
    assert_eq!(found.first(), Some(&"account-line-missing"), "{found:?}");
    fixture.write(
        "etc/pam.d/sshd",
        &format!("{offers}account sufficient pam_permit.so\naccount required pam_nightlatch.so\n"),
    );
    let report = fixture.report(Subject::Services, &[]);
    assert!(report.findings[0].message.starts_with("/etc/pam.d/sshd:3: "), "{report:?}");
    fixture.write("etc/pam.d/sshd", GOOD);
    assert_eq!(fixture.found(Subject::Services, &[]), [""; 0]);
}

#[test]
fn the_other_service_of_a_program_is_told_of_until_it_asks_too() {
    for (asks, open) in [("sudo", "sudo-i"), ("su", "su-l"), ("login", "remote"), ("sudo-i", "sudo")] {
        let path = format!("etc/pam.d/{open}");
        let fixture =
            Fixture::new(&[COMMON_AUTH, (&format!("etc/pam.d/{asks}"), GOOD), (&path, "@include common-auth\n")]);
        assert_eq!(fixture.found(Subject::Services, &[]), ["sibling-unprotected"], "{open}");
        fixture.write(&path, &format!("@include {asks}\n"));
        assert_eq!(fixture.found(Subject::Services, &[]), [""; 0], "{open}");
    }
}

#[test]
fn a_screen_locker_that_comes_by_us_is_told_of_and_a_backup_of_a_file_is_no_service() {
    let fixture = Fixture::new(&[
        COMMON_AUTH,
        ("etc/pam.d/i3lock", GOOD),
        ("etc/pam.d/su.dpkg-old", "auth optional pam_nightlatch.so\n"),
    ]);
    assert_eq!(fixture.found(Subject::Services, &[]), ["service-without-root"]);
    fixture.write("etc/pam.d/i3lock", "@include common-auth\n");
    fixture.write("etc/pam.d/sudo", GOOD);
    assert_eq!(fixture.found(Subject::Services, &[]), [""; 0]);
}

#[test]
fn where_no_service_asks_that_is_said() {
    let fixture = Fixture::new(&[COMMON_AUTH]);
    assert_eq!(fixture.found(Subject::Services, &[]), ["not-in-use"]);
    fixture.write("etc/pam.d/su", GOOD);
    assert_eq!(fixture.found(Subject::Services, &[]), [""; 0]);
}

const SECURITY: &str = "usr/lib/acme/security";

fn module_of(version: &str) -> String {
    format!("ELF pam_nightlatch-version-{version}\0more")
}

#[test]
fn the_module_is_looked_for_beside_libpam_and_told_of_where_it_is_not() {
    let permit = format!("{SECURITY}/pam_permit.so");
    let fixture = Fixture::new(&[COMMON_AUTH, ("etc/pam.d/su", GOOD), (&permit, "")]);
    let cache = says("\tlibpam.so.0 (libc6,x86-64) => /usr/lib/acme/libpam.so.0\n");
    let found = |ldd: Said| fixture.found(Subject::Module, &[("ldconfig", cache.clone()), ("ldd", ldd)]);
    assert_eq!(found(ends(0)), ["module-missing"]);
    let module = format!("{SECURITY}/pam_nightlatch.so");
    fixture.write(&module, &module_of(super::module::OWN_VERSION));
    assert_eq!(found(ends(0)), [""; 0]);
    assert_eq!(found(ends(1)), ["module-does-not-load"]);
    assert_eq!(found(says("\tlibc.so.6: version `GLIBC_2.99' not found\n")), ["module-does-not-load"]);
    assert_eq!(found(says("undefined symbol: pam_odd\n")), ["module-does-not-load"]);
    for other in [module_of("9.9.9"), "ELF".to_owned()] {
        fixture.write(&module, &other);
        assert_eq!(found(ends(0)), ["module-version"]);
    }
    fs::set_permissions(fixture.0.join(&module), fs::Permissions::from_mode(0o666)).unwrap();
    assert_eq!(found(ends(0)), ["module-untrusted"]);
}

#[test]
fn a_clock_that_nobody_sets_is_told_of_and_one_that_nobody_knows_is_skipped() {
    let fixture = Fixture::new(&[]);
    let found = |answers: &[(&str, Said)]| fixture.found(Subject::Clock, answers);
    assert_eq!(found(&[("timedatectl", says("no\n"))]), ["clock-unsynchronised"]);
    assert_eq!(found(&[("timedatectl", says("yes\n"))]), [""; 0]);
    assert_eq!(
        found(&[("timedatectl", ends(1)), ("chronyc", says("Leap status     : Not synchronised\n"))]),
        ["clock-unsynchronised"]
    );
    assert_eq!(found(&[("chronyc", says("Leap status     : Normal\n"))]), [""; 0]);
    let report = fixture.report(Subject::Clock, &[]);
    assert!(report.findings.is_empty() && report.examined[0].outcome == super::Outcome::Skipped, "{report:?}");
}

#[test]
fn a_key_that_etckeeper_has_or_will_have_is_told_of() {
    let fixture = Fixture::new(&[("etc/.git/HEAD", "")]);
    let found = |tracked: Said, ignored: Said| {
        fixture.found(Subject::Etckeeper, &[("git ls-files", tracked), ("git check-ignore", ignored)])
    };
    assert_eq!(found(says("nightlatch/keys/00\n"), ends(0)), ["key-in-version-control"]);
    assert_eq!(found(says(""), ends(1)), ["key-not-ignored"]);
    assert_eq!(found(says(""), ends(0)), [""; 0]);
    let report = fixture.report(Subject::Etckeeper, &[("git", ends(128))]);
    assert!(report.findings.is_empty() && report.examined[0].outcome == super::Outcome::Skipped, "{report:?}");
    assert_eq!(Fixture::new(&[]).found(Subject::Etckeeper, &[]), [""; 0]);
}

#[test]
fn where_every_way_to_root_asks_for_a_code_that_is_told() {
    let files = [
        COMMON_AUTH,
        ("etc/pam.d/sudo", GOOD),
        ("etc/pam.d/sudo-i", GOOD),
        ("etc/pam.d/login", GOOD),
        ("etc/shadow", "root:*:1::::::\n"),
    ];
    let fixture = Fixture::new(&files);
    assert_eq!(fixture.found(Subject::Escape, &[]), ["no-way-in"]);
    // A console without a code is no way to root by itself.
    fixture.write("etc/pam.d/login", "@include common-auth\n");
    assert_eq!(fixture.found(Subject::Escape, &[]), ["no-way-in"]);
    fixture.write("etc/pam.d/sudo-i", "@include common-auth\n");
    assert_eq!(fixture.found(Subject::Escape, &[]), [""; 0]);
    // Nor is sudo without a code, behind a console with one.
    fixture.write("etc/pam.d/login", GOOD);
    assert_eq!(fixture.found(Subject::Escape, &[]), ["no-way-in"]);
    fixture.write("etc/pam.d/sudo-i", GOOD);
    fixture.write("etc/shadow", "root:$y$j9T$x:1::::::\n");
    assert_eq!(fixture.found(Subject::Escape, &[]), [""; 0]);
}

#[test]
fn a_profile_that_confines_a_caller_is_told_of_until_it_allows_us() {
    let profiles = "sys/kernel/security/apparmor/profiles";
    let fixture = Fixture::new(&[
        COMMON_AUTH,
        ("etc/pam.d/sshd", GOOD),
        (profiles, "/usr/sbin/sshd (enforce)\n/usr/bin/man (enforce)\n"),
    ]);
    assert_eq!(fixture.found(Subject::Labels, &[]), ["apparmor-profile"]);
    fixture.write("etc/apparmor.d/local/usr.sbin.sshd", "/etc/nightlatch/** r,\n");
    assert_eq!(fixture.found(Subject::Labels, &[]), [""; 0]);
    let other = Fixture::new(&[
        COMMON_AUTH,
        ("etc/pam.d/sshd", GOOD),
        (profiles, "/usr/sbin/sshd (complain)\n/usr/bin/man (enforce)\n"),
    ]);
    assert_eq!(other.found(Subject::Labels, &[]), [""; 0]);
}

#[test]
fn a_label_that_is_not_the_policy_s_is_told_of_where_selinux_enforces_and_so_is_a_policy_without_us() {
    let fixture = Fixture::new(&[("sys/fs/selinux/enforce", "1")]);
    let site = Site { config: Config::default(), random: SystemRandom, clock: SystemClock };
    let found = |policy_s: &str, would: &str| {
        let answers = Answers::of(&[("matchpathcon", says(policy_s)), ("restorecon", says(would))]);
        let report = examine(&Machine { site: Some(&site), ..fixture.machine(&answers) }, &[Subject::Labels]);
        report.findings.iter().map(|finding| (finding.kind.name(), finding.remedy.clone())).collect::<Vec<_>>()
    };
    let restorecon = "restorecon -R /etc/nightlatch /var/lib/nightlatch";
    let ours = "system_u:object_r:nightlatch_var_lib_t:s0\n";
    let wrong = "Would relabel /var/lib/nightlatch from a:b:unlabeled_t:s0 to a:b:nightlatch_var_lib_t:s0\n";
    assert_eq!(found(ours, wrong), [("selinux-label", restorecon.to_owned())]);
    assert_eq!(found(ours, ""), []);
    let without = found("system_u:object_r:var_lib_t:s0\n", "");
    let [("selinux-module", remedy)] = &without[..] else { panic!("{without:?}") };
    assert!(remedy.contains("semodule -i ") && remedy.contains(restorecon), "{remedy}");
    fixture.write("sys/fs/selinux/enforce", "0");
    assert_eq!(found("system_u:object_r:var_lib_t:s0\n", wrong), []);
}

const SSHD: &str = "usepam yes\nkbdinteractiveauthentication yes\npasswordauthentication no\npubkeyauthentication yes\n\
                    authenticationmethods keyboard-interactive:pam\n";

#[test]
fn what_sshd_says_of_itself_is_told_and_a_silent_one_is_skipped() {
    let fixture = Fixture::new(&[COMMON_AUTH, ("etc/pam.d/sshd", GOOD)]);
    let found = |text: &str| fixture.found(Subject::Sshd, &[("sshd", says(text))]);
    assert_eq!(found(SSHD), [""; 0]);
    assert_eq!(found(&SSHD.replace("usepam yes", "usepam no")), ["sshd-no-pam"]);
    assert_eq!(
        found(&SSHD.replace("kbdinteractiveauthentication yes", "kbdinteractiveauthentication no")),
        ["sshd-no-prompt"]
    );
    let any = SSHD.replace("keyboard-interactive:pam", "any");
    assert_eq!(found(&any), ["sshd-key-alone"]);
    assert_eq!(
        found(&any.replace("passwordauthentication no", "passwordauthentication yes")),
        ["sshd-key-alone", "sshd-password-method"]
    );
    for answers in [&[][..], &[("sshd", ends(255))]] {
        let report = fixture.report(Subject::Sshd, answers);
        assert!(report.findings.is_empty() && report.examined[0].outcome == super::Outcome::Skipped, "{report:?}");
    }
    let refuses = Said { status: 255, stderr: "sshd_config line 3: bad\n".to_owned(), ..Said::default() };
    assert_eq!(fixture.found(Subject::Sshd, &[("sshd", refuses)]), ["sshd-settings"]);
    fixture.write("etc/pam.d/sshd", &GOOD.replace("nightlatch.so\naccount", "nightlatch.so require_key\naccount"));
    assert_eq!(found(SSHD), ["sshd-no-key-first"]);
}

#[test]
fn errors_come_before_warnings_and_every_kind_has_a_word_of_its_own() {
    let names: std::collections::BTreeSet<_> = Word::ALL.iter().map(|word| Kind::from(*word).name()).collect();
    assert_eq!(names.len(), Word::ALL.len());
    let ranks: Vec<_> = Word::ALL.iter().map(|word| Kind::from(*word).rank()).collect();
    assert!(ranks.is_sorted(), "the list of kinds is from the worst on");
    // The clock is looked at after the services, and the module before them.
    let module = format!("{SECURITY}/pam_nightlatch.so");
    let spoilt = "auth optional pam_nightlatch.so\n@include common-auth\n";
    let fixture = Fixture::new(&[
        COMMON_AUTH,
        ("etc/pam.d/su", spoilt),
        (&module, &module_of("9.9")),
        (&format!("{SECURITY}/pam_permit.so"), ""),
    ]);
    let answers = Answers::of(&[
        ("ldconfig", says("\tlibpam.so.0 (libc6,x86-64) => /usr/lib/acme/libpam.so.0\n")),
        ("ldd", ends(0)),
        ("timedatectl", says("no\n")),
    ]);
    let report = examine(&fixture.machine(&answers), &[Subject::Module, Subject::Services, Subject::Clock]);
    let severities: Vec<_> = report.findings.iter().map(|finding| finding.kind.severity()).collect();
    let first_warning = severities.iter().position(|severity| *severity == Severity::Warning).unwrap();
    assert!(
        first_warning > 0 && severities[first_warning..].iter().all(|severity| *severity == Severity::Warning),
        "{report:?}"
    );
    assert_eq!(Kind::Store("blocks-shared").severity(), Severity::Warning);
    assert_eq!(Kind::Store("damaged").severity(), Severity::Error);
}

/// What the guide is for: whoever reads a word can look it up.
#[test]
fn the_guide_describes_every_kind() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/guides/doctor.md");
    let guide = fs::read_to_string(path).unwrap();
    let in_store = [
        "missing",
        "untrusted",
        "damaged",
        "newer",
        "foreign",
        "io",
        "blocks-shared",
        "blocks-not-there",
        "blocks-packed",
        "blocks-unknown",
        "copy-on-write",
        "slot-lost",
    ];
    for word in Word::ALL.iter().map(|word| Kind::from(*word).name()).chain(in_store) {
        let described = guide.lines().any(|line| line.starts_with("- ") && line.contains(&format!("`{word}`")));
        assert!(described, "docs/guides/doctor.md does not describe {word}");
    }
}
