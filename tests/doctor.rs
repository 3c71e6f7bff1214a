// SPDX-License-Identifier: MIT OR Apache-2.0
//! `doctor` on a real machine: clean where the ready files are in place, and each thing that is spoilt is found at its place
//! and gone when it is mended. What takes no machine is tried in enroll-cli/src/doctor and core/src/stack.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod scene;

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use scene::sshd::{SHARE, SNIPPETS};
use scene::*;
use serde_json::Value;

/// There is one /etc, so these tests run one after the other.
static MACHINE: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    in_the_bed();
    MACHINE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A file as the test wants it; put back when the test ends.
struct Changed {
    path: PathBuf,
    before: Option<(Vec<u8>, u32)>,
}

impl Changed {
    fn to(path: impl AsRef<Path>, text: impl AsRef<[u8]>) -> Self {
        let path = path.as_ref().to_owned();
        let before = fs::read(&path).ok().map(|bytes| (bytes, fs::metadata(&path).unwrap().mode() & 0o7777));
        fs::write(&path, text).unwrap();
        Self { path, before }
    }

    fn gone(path: impl AsRef<Path>) -> Self {
        let changed = Self::to(&path, fs::read(&path).unwrap());
        fs::remove_file(&path).unwrap();
        changed
    }
}

impl Drop for Changed {
    fn drop(&mut self) {
        match &self.before {
            Some((bytes, mode)) => {
                fs::write(&self.path, bytes).unwrap();
                fs::set_permissions(&self.path, fs::Permissions::from_mode(*mode)).unwrap();
            }
            None => drop(fs::remove_file(&self.path)),
        }
    }
}

/// An account that is gone when the test ends: the others count who can log in.
struct Guest(Person);

impl Drop for Guest {
    fn drop(&mut self) {
        drop(run("nightlatch", &["remove", &self.0.name, "--yes"]));
        drop(run("userdel", &["--remove", &self.0.name]));
    }
}

fn service(name: &str, recipe: &str) -> Changed {
    Changed::to(format!("/etc/pam.d/{name}"), fs::read(format!("{SHARE}/{recipe}")).unwrap())
}

fn snippet(recipe: &str) -> Changed {
    Changed::to(format!("{SNIPPETS}/10-nightlatch.conf"), fs::read(format!("{SHARE}/{recipe}.conf")).unwrap())
}

/// sshd by its files, as the README has them.
fn sshd(name: &str, of_snippet: &str) -> [Changed; 2] {
    [service("sshd", name), snippet(of_snippet)]
}

fn doctor(only: &str) -> Vec<Value> {
    let output = run("nightlatch", &["doctor", "--json", "--only", only]);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let findings = report["findings"].as_array().unwrap().clone();
    let worst = findings.first().map_or(0, |finding| if finding["severity"] == "error" { 11 } else { 10 });
    assert_eq!(output.status.code(), Some(worst), "{report}");
    for finding in &findings {
        assert!(!finding["remedy"].as_str().unwrap().is_empty(), "{finding}");
    }
    findings
}

fn kinds(only: &str) -> Vec<String> {
    doctor(only).iter().map(|finding| finding["kind"].as_str().unwrap().to_owned()).collect()
}

fn message(only: &str, kind: &str) -> Option<String> {
    let found = doctor(only).into_iter().find(|finding| finding["kind"] == kind);
    found.map(|finding| finding["message"].as_str().unwrap().to_owned())
}

const NOTHING: [&str; 0] = [];
const MACHINE_ALONE: &str = "store,config,module,services,sshd,etckeeper";

#[test]
fn a_host_that_is_set_up_as_the_readme_says_has_nothing_to_find() {
    let _turn = alone();
    let _ann = Guest(Person::enrolled("ann"));
    let _others = [
        service("sudo", "sudo"),
        service("sudo-i", "sudo-i"),
        service("su", "su"),
        service("login", "login"),
        service("vsftpd", "vsftpd"),
        service("dovecot", "dovecot"),
        service("i3lock", "i3lock"),
        service("swaylock", "swaylock"),
    ];
    for (name, of_snippet) in [
        ("sshd-password-code", "sshd-password-code"),
        ("sshd-key-code", "sshd-key-code"),
        ("sshd-key-code-or-password-code", "sshd-key-code-or-password-code"),
        ("sshd-password-code", "sshd-key-or-password-code"),
    ] {
        let _sshd = sshd(name, of_snippet);
        assert_eq!(doctor(MACHINE_ALONE), NOTHING, "{name} with {of_snippet}");
    }
}

#[test]
fn a_spoilt_line_is_found_and_gone_when_it_is_mended() {
    let _turn = alone();
    let _sudo = [service("sudo", "sudo"), service("sudo-i", "sudo-i")];
    assert_eq!(kinds("services"), NOTHING);
    let ready = fs::read_to_string("/etc/pam.d/sudo").unwrap();
    let line = "auth       required   pam_nightlatch.so";
    assert!(ready.contains(line), "{ready}");
    for (spoilt, kind) in [
        (ready.replace(line, "auth sufficient pam_nightlatch.so"), "stack-undone"),
        (ready.replace("@include common-auth", "auth sufficient pam_unix.so"), "stack-password-alone"),
        (ready.replace("@include common-auth", "auth required pam_unix.so"), "stack-wrong-password-asked"),
        (format!("{line}\n{ready}"), "stack-before-password"),
        (ready.replace("@include common-auth", "auth required pam_permit.so"), "stack-nobody-asks"),
        (ready.replace(line, &format!("{line} enroll")), "account-line-missing"),
        (ready.replace(line, ""), "sibling-unprotected"),
    ] {
        let _spoilt = Changed::to("/etc/pam.d/sudo", spoilt);
        assert!(kinds("services").iter().any(|found| found == kind), "{kind}: {:?}", kinds("services"));
    }
    assert_eq!(kinds("services"), NOTHING);
}

/// The referee is libpam: what the doctor says of a stack is what happens to a person.
#[test]
fn what_is_said_of_a_stack_is_what_libpam_does_with_it() {
    let _turn = alone();
    let (ann, bob) = (Guest(Person::enrolled("ann")), Guest(Person::stranger("bob")));
    let account = "account required pam_permit.so\n";
    // The password is right, or there is none to ask for; the code is wrong, or nobody asks.
    for (lines, kind, person, gets_in) in [
        ("auth required pam_permit.so\nauth optional pam_nightlatch.so\n", "stack-undone", &ann, true),
        ("auth required pam_permit.so\nauth required pam_nightlatch.so\n", "stack-undone", &ann, false),
        ("auth sufficient pam_permit.so\nauth required pam_nightlatch.so\n", "stack-password-alone", &ann, true),
        (
            "auth [success=1 default=ignore] pam_permit.so\nauth required pam_nightlatch.so\nauth required pam_permit.so\n",
            "stack-password-alone",
            &ann,
            true,
        ),
        ("auth substack bed-ends\nauth required pam_nightlatch.so\n", "stack-password-alone", &ann, false),
        ("auth include bed-ends\nauth required pam_nightlatch.so\n", "stack-password-alone", &ann, true),
        (
            "auth required pam_nightlatch.so\nauth [success=reset] pam_permit.so\nauth required pam_permit.so\n",
            "stack-undone",
            &ann,
            true,
        ),
        ("auth required pam_nightlatch.so nullok\nauth required pam_permit.so\n", "stack-nobody-asks", &bob, true),
        ("auth required pam_nightlatch.so nullok\n", "stack-nobody-asks", &bob, false),
        ("auth required pam_nightlatch.so nullok\n", "stack-exempt-refused", &bob, false),
    ] {
        let _ends = Changed::to("/etc/pam.d/bed-ends", "auth sufficient pam_permit.so\n");
        let service = Service::new(&format!("{lines}{account}"));
        let code = if person.0.secret.is_empty() { "000000".to_owned() } else { person.0.wrong_code() };
        let answer = attempt(&service, &person.0.name, &code).answer();
        assert_eq!(answer == "PAM_SUCCESS", gets_in, "{lines}: {answer}");
        let place = format!("({})", service.name);
        let is_said = doctor("services")
            .iter()
            .any(|finding| finding["kind"] == kind && finding["message"].as_str().unwrap().contains(&place));
        assert_eq!(is_said, gets_in || kind == "stack-exempt-refused", "{lines}: {kind}: {:?}", doctor("services"));
        ok("nightlatch", &["unlock", &ann.0.name]);
    }
}

#[test]
fn what_sshd_makes_of_its_settings_is_asked_of_sshd_for_each_person() {
    let _turn = alone();
    let (ann, bob) = (Guest(Person::enrolled("ann")), Guest(Person::enrolled("bob")));
    let _sshd = sshd("sshd-password-code", "sshd-password-code");
    let settings = fs::read_to_string(format!("{SNIPPETS}/10-nightlatch.conf")).unwrap();
    let with = |before: &str, after: &str| {
        Changed::to(format!("{SNIPPETS}/10-nightlatch.conf"), settings.replace(before, after))
    };
    assert_eq!(kinds("sshd"), NOTHING);
    let methods = settings.lines().find(|line| line.starts_with("AuthenticationMethods")).unwrap();
    for (before, after, expected) in [
        ("UsePAM yes", "UsePAM no", &["sshd-no-pam"][..]),
        // It is in AuthenticationMethods, and sshd does not start without it.
        ("KbdInteractiveAuthentication yes", "KbdInteractiveAuthentication no", &["sshd-settings"]),
        ("UsePAM yes", "UsePAM perhaps", &["sshd-settings"]),
        (methods, "", &["sshd-key-alone"]),
    ] {
        let _changed = with(before, after);
        assert_eq!(kinds("sshd"), expected, "{after}");
    }
    {
        let _changed = Changed::to(
            format!("{SNIPPETS}/10-nightlatch.conf"),
            settings.replace(methods, "").replace("PasswordAuthentication no", "PasswordAuthentication yes"),
        );
        assert_eq!(kinds("sshd"), ["sshd-key-alone", "sshd-password-method"]);
    }
    {
        let debian = Changed::to(
            format!("{SNIPPETS}/10-nightlatch.conf"),
            settings
                .replace(methods, "")
                .replace("KbdInteractiveAuthentication yes", "KbdInteractiveAuthentication no"),
        );
        assert_eq!(kinds("sshd"), ["sshd-no-prompt", "sshd-key-alone"]);
        drop(debian);
    }
    {
        let _match = Changed::to(
            format!("{SNIPPETS}/20-bed.conf"),
            format!("Match User {}\n    KbdInteractiveAuthentication no\n", bob.0.name),
        );
        let found = message("sshd", "sshd-no-prompt").unwrap_or_default();
        assert!(found.contains(&bob.0.name) && !found.contains(&ann.0.name), "{found}");
    }
    {
        let _match = Changed::to(
            format!("{SNIPPETS}/05-bed.conf"),
            format!("Match User {}\n    AuthenticationMethods any\nMatch all\n", bob.0.name),
        );
        let found = message("sshd", "sshd-key-alone").unwrap_or_default();
        assert!(found.contains(&bob.0.name) && !found.contains(&ann.0.name), "{found}");
    }
    {
        let _key = service("sshd", "sshd-key-code");
        assert_eq!(kinds("sshd"), ["sshd-no-key-first"]);
    }
    assert_eq!(kinds("sshd"), NOTHING);
}

#[test]
fn a_module_that_is_gone_spoilt_or_of_another_version_is_found() {
    let _turn = alone();
    let _sudo = [service("sudo", "sudo"), service("sudo-i", "sudo-i")];
    let module = ok("sh", &["-c", "ls /usr/lib/*/security/pam_nightlatch.so"]).trim().to_owned();
    let bytes = fs::read(&module).unwrap();
    assert_eq!(kinds("module"), NOTHING);
    {
        let _gone = Changed::gone(&module);
        assert_eq!(kinds("module"), ["module-missing"]);
    }
    {
        let _half = Changed::to(&module, &bytes[..1000]);
        assert!(kinds("module").contains(&"module-does-not-load".to_owned()), "{:?}", kinds("module"));
    }
    {
        let mark = b"pam_nightlatch-version-";
        let at = bytes.windows(mark.len()).position(|window| window == mark).expect("the module says its version");
        let mut other = bytes.clone();
        other[at + mark.len()] = b'9';
        let _other = Changed::to(&module, other);
        assert_eq!(kinds("module"), ["module-version"]);
    }
    {
        let _open = Changed::to(&module, &bytes);
        fs::set_permissions(&module, fs::Permissions::from_mode(0o666)).unwrap();
        assert_eq!(kinds("module"), ["module-untrusted"]);
    }
    assert_eq!(kinds("module"), NOTHING);
}

#[test]
fn people_who_are_locked_out_let_through_or_blocked_are_named() {
    let _turn = alone();
    let _sudo = [service("sudo", "sudo"), service("sudo-i", "sudo-i")];
    let mut bob = Guest(Person::stranger("bob"));
    let names_bob = |kind: &str, name: &str| message("people", kind).is_some_and(|message| message.contains(name));
    assert!(names_bob("locked-out", &bob.0.name));
    {
        let line = "auth       required   pam_nightlatch.so";
        let text = fs::read_to_string("/etc/pam.d/sudo").unwrap().replace(line, &format!("{line} nullok"));
        let _nullok = [Changed::to("/etc/pam.d/sudo", &text), Changed::to("/etc/pam.d/sudo-i", &text)];
        assert!(names_bob("let-through", &bob.0.name) && !names_bob("locked-out", &bob.0.name));
    }
    bob.0.enroll(&[]);
    assert!(!names_bob("locked-out", &bob.0.name));
    {
        // Root is never asked by sudo; who becomes root by su is.
        let shadow = fs::read_to_string("/etc/shadow").unwrap();
        let hash =
            shadow.lines().find_map(|line| line.strip_prefix(&format!("{}:", bob.0.name))?.split(':').next()).unwrap();
        let with_password = shadow.lines().map(|line| match line.strip_prefix("root:") {
            Some(rest) => format!("root:{hash}:{}\n", rest.split_once(':').unwrap().1),
            None => format!("{line}\n"),
        });
        let _root = Changed::to("/etc/shadow", with_password.collect::<String>());
        let names_root = || message("people", "locked-out").is_some_and(|message| message.ends_with(": root"));
        assert!(!names_root());
        let _su = service("su", "su");
        assert!(names_root(), "{:?}", doctor("people"));
    }
    // A config with a smaller number, so that one wrong code is one too many.
    let config = fs::read_to_string("/etc/nightlatch/config.toml").unwrap();
    {
        let _tight = Changed::to(
            "/etc/nightlatch/config.toml",
            format!("{config}\n[throttle]\nknown_failures = 1\nother_failures = 1\nfree_failures = 1\n").replacen(
                "[throttle]\n",
                "",
                config.matches("\n[throttle]\n").count().min(1),
            ),
        );
        let service = Service::alone("");
        attempt(&service, &bob.0.name, &bob.0.wrong_code());
        assert!(names_bob("blocked", &bob.0.name), "{:?} {}", doctor("people"), bob.0.status());
        ok("nightlatch", &["unlock", &bob.0.name]);
        assert!(!names_bob("blocked", &bob.0.name));
    }
}

#[test]
fn a_record_whose_account_is_another_or_gone_is_found() {
    let _turn = alone();
    let ann = Guest(Person::enrolled("ann"));
    let (old, uid) = (ann.0.name.clone(), ok("id", &["-u", &ann.0.name]).trim().to_owned());
    let new = format!("{old}new");
    assert_eq!(message("people", "renamed"), None);
    ok("usermod", &["--login", &new, &old]);
    let renamed = message("people", "renamed").unwrap();
    assert!(renamed.contains(&old) && renamed.contains(&new), "{renamed}");
    ok("usermod", &["--login", &old, &new]);
    assert_eq!(message("people", "renamed"), None);
    ok("userdel", &["--remove", &old]);
    assert!(message("people", "orphaned").unwrap().contains(&uid));
    ok("nightlatch", &["remove", "--uid", &uid, "--yes"]);
    assert_eq!(message("people", "orphaned"), None);
}

#[test]
fn root_s_way_in_is_missed_where_there_is_none() {
    let _turn = alone();
    let _services = [service("sudo", "sudo"), service("sudo-i", "sudo-i"), service("login", "login")];
    let shadow = fs::read_to_string("/etc/shadow").unwrap();
    let with = |hash: &str| {
        let lines = shadow.lines().map(|line| {
            let rest = line.strip_prefix("root:").and_then(|rest| rest.split_once(':')).map(|(_, rest)| rest);
            rest.map_or_else(|| format!("{line}\n"), |rest| format!("root:{hash}:{rest}\n"))
        });
        Changed::to("/etc/shadow", lines.collect::<String>())
    };
    {
        let _locked = with("*");
        assert_eq!(kinds("escape"), ["no-way-in"]);
    }
    let _password = with("$y$j9T$saltsalt$hash");
    assert_eq!(kinds("escape"), NOTHING);
}

#[test]
fn a_config_that_cannot_be_read_is_an_error_and_the_rest_is_looked_at_all_the_same() {
    let _turn = alone();
    let _sudo = service("sudo", "sudo");
    let _config = Changed::to("/etc/nightlatch/config.toml", "stroe = 1\nkyes = 2\n");
    let found = kinds("config,services,store");
    assert_eq!(found, ["sibling-unprotected", "config", "config"]);
    let text = String::from_utf8(run("nightlatch", &["doctor", "--only", "config,store"]).stdout).unwrap();
    assert!(text.contains("/etc/nightlatch/config.toml:1:1: ") && text.contains("store      skipped: "), "{text}");
}

#[test]
fn what_is_surely_not_meant_so_in_the_config_is_found() {
    let _turn = alone();
    let _sudo = [service("sudo", "sudo"), service("sudo-i", "sudo-i")];
    let with = |text: &str| Changed::to("/etc/nightlatch/config.toml", text);
    assert_eq!(kinds("config"), NOTHING);
    for (text, kind) in [
        ("[[rule]]\nname = 'a'\naction = 'exempt'\nuser = ['nobody-of-that-name']\n", "rule"),
        ("[default]\nnot_enrolled_exempt_until = 2020-01-31\n", "exempt-until-passed"),
        ("[default]\nnot_enrolled = 'enroll'\n", "enroll-not-offered"),
    ] {
        let _config = with(text);
        assert_eq!(kinds("config"), [kind]);
    }
    let _config = with("[default]\nnot_enrolled = 'enroll'\n");
    let offers =
        fs::read_to_string("/etc/pam.d/sudo").unwrap().replace("pam_nightlatch.so", "pam_nightlatch.so enroll");
    let _offers = Changed::to("/etc/pam.d/sudo", offers);
    assert_eq!(kinds("config"), NOTHING);
}

/// An outage is never taken for an account that is gone.
#[test]
fn a_name_service_that_fails_makes_nobody_an_orphan() {
    let _turn = alone();
    let ann = Guest(Person::enrolled("ann"));
    let uid = ok("id", &["-u", &ann.0.name]).trim().to_owned();
    ok("userdel", &["--remove", &ann.0.name]);
    let where_ = |services: &str, says: &str| {
        let file = format!("/tmp/{}", unique("nsswitch"));
        let script = format!(
            "echo 'passwd: {services}' >{file}; mount --bind {file} /etc/nsswitch.conf\n\
             exec env LD_LIBRARY_PATH=/opt/nightlatch BED_NSS={says} nightlatch doctor --only people --json"
        );
        let output = run("unshare", &["--mount", "sh", "-ec", &script]);
        serde_json::from_slice::<Value>(&output.stdout).unwrap()
    };
    let kinds_of = |report: &Value| {
        report["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|f| f["kind"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(kinds_of(&where_("files bed", "unavail:5")), ["accounts-unknown"]);
    assert_eq!(kinds_of(&where_("files bed", "notfound")), ["orphaned"]);
    let silent = where_("there-is-none", "notfound");
    assert_eq!((kinds_of(&silent).len(), &silent["examined"][0]["outcome"]), (0, &"skipped".into()), "{silent}");
    ok("nightlatch", &["remove", "--uid", &uid, "--yes"]);
}

#[test]
fn a_key_that_nobody_uses_is_found() {
    let _turn = alone();
    let keys = PathBuf::from("/etc/nightlatch/keys");
    let other = format!("/srv/{}", unique("other"));
    fs::create_dir(&other).unwrap();
    fs::write(format!("{other}/config.toml"), format!("store = '{other}/store'\nkeys = '{other}/keys'\n")).unwrap();
    ok("nightlatch", &["--config", &format!("{other}/config.toml"), "init"]);
    let key = fs::read_dir(format!("{other}/keys")).unwrap().next().unwrap().unwrap();
    assert_eq!(kinds("store"), NOTHING);
    let copy = keys.join(key.file_name());
    ok("cp", &["--preserve=mode", key.path().to_str().unwrap(), copy.to_str().unwrap()]);
    let found = doctor("store");
    assert_eq!(
        (found.len(), &found[0]["kind"], &found[0]["path"]),
        (1, &"key-unused".into(), &copy.to_str().unwrap().into())
    );
    fs::remove_file(copy).unwrap();
    assert_eq!(kinds("store"), NOTHING);
}

/// Whatever may name a person, a host or a secret, planted wherever a bundle looks.
#[test]
fn a_bundle_names_nobody_and_holds_no_secret() {
    let _turn = alone();
    let (ann, bob) = (Guest(Person::enrolled("markerann")), Guest(Person::stranger("markerbob")));
    let bypass = ann.0.bypass(&[]);
    ann.0.waive("+1d", "markerreason");
    ok("groupadd", &["--force", "markergroup"]);
    let config = fs::read_to_string("/etc/nightlatch/config.toml").unwrap();
    let rules = format!(
        "prompt = 'markerprompt '\n# markercomment\n{config}\n[[rule]]\nname = 'markerrule'\naction = 'exempt'\nuser = ['{}']\n\
         service = ['markerservice', 'sshd']\nsource = ['198.51.100.77', '2001:db8:4242::/48']\ngroup = ['markergroup']\n",
        ann.0.name
    );
    let _config = Changed::to("/etc/nightlatch/config.toml", rules);
    let line = "auth       required   pam_nightlatch.so";
    let sudo = fs::read_to_string(format!("{SHARE}/sudo")).unwrap();
    let sudo = format!(
        "# markercomment\n{}auth optional pam_exec.so /usr/bin/markerprogram markeruser@marker.example 198.51.100.77\n\
         auth optional /opt/markerpath/pam_markermodule.so markerargument=markervalue\n@include markerfile\n",
        sudo.replace(line, &format!("{line} config=/etc/nightlatch/markerconfig.toml"))
    );
    let _files = [
        Changed::to("/etc/pam.d/sudo", sudo),
        Changed::to("/etc/pam.d/markerfile", "session optional pam_echo.so markertext\n"),
        Changed::to("/etc/pam.d/markerservice", "@include common-auth\nauth optional pam_nightlatch.so\n"),
        Changed::to("/etc/os-release", "ID=debian\nVERSION_ID=\"markerversion\"\nPRETTY_NAME=markerhost\n"),
    ];
    let _sshd = sshd("sshd-password-code", "sshd-password-code");
    let _match = Changed::to(
        format!("{SNIPPETS}/20-bed.conf"),
        format!("Match User {}\n    Banner /etc/markerbanner\n", ann.0.name),
    );
    let path = format!("/srv/{}", unique("bundle"));
    let said = ok("nightlatch", &["doctor", "--bundle", &path]);
    assert!(said.contains(&path), "{said}");
    let bundle = fs::read_to_string(&path).unwrap();
    let lower = bundle.to_lowercase();
    let host = ok("hostname", &[]).trim().to_owned();
    let ip = ["198.51.100.77", "2001:db8:4242", "4242::"];
    let secrets = [&ann.0.secret, &bypass, &ann.0.backup_codes[0], &ann.0.backup_codes[9]];
    for needle in ["marker", &ann.0.name, &bob.0.name].into_iter().chain(ip).chain(secrets.map(String::as_str)) {
        assert!(!lower.contains(&needle.to_lowercase()), "{needle}:\n{bundle}");
    }
    assert!(!bundle.split(|c: char| !c.is_alphanumeric()).any(|word| word == host), "{host}:\n{bundle}");
    for expected in [
        "nightlatch 0.",
        "module 0.",
        "distribution debian *",
        "enrolled 1",
        "waived 1",
        "prompt changed",
        "rule 1 exempt user=[u1] group=[g1] service=[s1 sshd] source=[a1/32 a2/48]",
        "error stack-undone /etc/pam.d/s1",
        "== /etc/pam.d/sudo\n",
        "auth required pam_nightlatch.so config=*\n",
        "auth optional pam_exec.so * * *\n",
        "auth optional */* *\n",
        "usepam yes\n",
        "authenticationmethods keyboard-interactive:pam publickey,keyboard-interactive:pam\n",
        "0700 root directory /etc/nightlatch/keys\n",
    ] {
        assert!(bundle.contains(expected), "{expected}:\n{bundle}");
    }
    let metadata = fs::metadata(&path).unwrap();
    assert_eq!((metadata.mode() & 0o7777, metadata.uid()), (0o600, 0));
    let again = run("nightlatch", &["doctor", "--bundle", &path]);
    assert_eq!(again.status.code(), Some(1));
    assert_eq!(fs::read_to_string(&path).unwrap(), bundle, "what is there is never written over");
}
