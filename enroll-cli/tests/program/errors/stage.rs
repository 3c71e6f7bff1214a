// SPDX-License-Identifier: MIT OR Apache-2.0
//! Where a command is run in a situation: a host copied from one that is sound, and what there was before and after.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{Seek as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::commands::{Case, Start, Stdin};
use super::situations::{RENAMED, Situation, the_key};
use crate::crowd::enroll_under_an_old_name;
use crate::host::{BINARY, Host, Ran, ran};
use crate::phone::Token;

/// A sound host to copy, the program where everybody may run it, and what nobody may ever read in an error.
pub(crate) struct Stage {
    sound: Host,
    everybodys: Host,
    stdin: [String; 3],
    secrets: Vec<String>,
    key_id: String,
    /// The one that a header with a flipped byte names.
    flipped_key_id: String,
}

/// One run with its host before and after.
pub(crate) struct Scene {
    pub(crate) ran: Ran,
    pub(crate) before: Contents,
    pub(crate) after: Contents,
}

/// Owner, mode and bytes of everything, by its path.
pub(crate) type Contents = BTreeMap<PathBuf, (u32, u32, Vec<u8>)>;

/// A file system of its own over the host's directory, in a mount namespace that ends with the shell: no run that is
/// killed leaves a mount behind.
const ON_A_DISK: &str = r#"
    host=$1 aside=$2 state=$3; shift 3
    mount -t tmpfs -o size=512k,mode=0700 tmpfs "$host"
    cp -a "$aside/." "$host"
    case $state in
        full) cat /dev/zero >"$host/filler" 2>/dev/null || true ;;
        read-only) mount -o remount,ro "$host" ;;
    esac
    status=0
    "$@" || status=$?
    [ "$state" = read-only ] || rm "$host/filler"
    find "$aside" -mindepth 1 -delete
    cp -a "$host/." "$aside"
    exit "$status"
"#;

impl Stage {
    pub(crate) fn new() -> Self {
        // One of them is enrolled under a name that no account has any more.
        let (sound, everybodys) = (Host::new(), Host::bare(""));
        enroll_under_an_old_name(&sound, "demons", RENAMED);
        fs::set_permissions(everybodys.path(""), fs::Permissions::from_mode(0o755)).unwrap();
        fs::copy(BINARY, everybodys.path("nightlatch")).unwrap();
        let enrolled = sound.enrolled("daemon");
        let paper = give(&sound);
        let words = ["device", "add", "daemon", "--name", "token", "--hotp", "--no-confirm", "--json"];
        let added = sound.run(&words).expect(0).json();
        let bypass = sound.run(&["bypass", "daemon", "--json"]).expect(0).json();
        let codes: Vec<_> =
            enrolled["backup_codes"].as_array().unwrap().iter().map(|code| code.as_str().unwrap().to_owned()).collect();
        let token = Token::scanned(added["device"]["uri"].as_str().unwrap());
        let pair = [token.code(5), token.code(6)];
        let stdin = [String::new(), format!("{}\n", codes[0]), format!("{}\n{}\n", pair[0], pair[1])];
        let secrets = [&enrolled["devices"][0]["secret"], &added["device"]["secret"], &bypass["bypass_code"]];
        let secrets = secrets.into_iter().map(|secret| secret.as_str().unwrap().to_owned()).chain(codes).chain(pair);
        let secrets = secrets.chain(paper).chain([GOOGLES, OATHS].map(str::to_owned));
        let key_id = the_key(&sound.path("keys")).file_name().unwrap().to_str().unwrap().to_owned();
        let flipped = u8::from_str_radix(&key_id[..2], 16).unwrap() ^ 1;
        let flipped_key_id = format!("{flipped:02x}{}", &key_id[2..]);
        Self { secrets: secrets.collect(), sound, everybodys, stdin, key_id, flipped_key_id }
    }

    /// A host of its own for each run, so that no run meets what another left.
    fn host(&self, case: &Case, situation: Situation) -> Host {
        let host = Host::bare("");
        let parts: &[&str] = match (case.start, situation) {
            (Start::Fresh, _) => &[],
            (_, Situation::NotInitialised) => &["given"],
            _ => &["given", "store", "keys"],
        };
        if !parts.is_empty() {
            let mut copy = Command::new("cp");
            copy.args(["-a", "--reflink=never"]).args(parts.iter().map(|part| self.sound.path(part)));
            assert!(copy.arg(host.path("")).status().unwrap().success());
        }
        situation.spoil(&host, case.record);
        host
    }

    /// Runs a command in a situation.
    pub(crate) fn play(&self, case: &Case, situation: Situation, options: &[&str]) -> Scene {
        let host = self.host(case, situation);
        let words = words(case, situation, &host);
        let mut arguments = vec!["--config".to_owned(), host.config().display().to_string()];
        arguments.extend(options.iter().map(|option| (*option).to_owned()));
        arguments.extend(words);
        let aside = host.path("").with_extension("aside");
        let before = contents(&host.path(""));
        let mut command = self.launched(&host, &aside, situation);
        command.args(arguments).env_clear();
        if situation != Situation::Nothing {
            command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        }
        command.stdin(if situation == Situation::NoTerminal { Stdio::null() } else { self.stdin(case, &host) });
        command.stderr(Stdio::piped()).stdout(if situation == Situation::FullOutput {
            File::options().write(true).open("/dev/full").unwrap().into()
        } else if situation == Situation::NoReader {
            std::io::pipe().unwrap().1.into()
        } else {
            Stdio::piped()
        });
        let locks = (situation == Situation::Locked).then(|| locked(&host, case.record));
        let output = command.spawn().expect("the program runs").wait_with_output().unwrap();
        drop(locks);
        let after = if aside.exists() { contents(&aside) } else { contents(&host.path("")) };
        let _: std::io::Result<()> = fs::remove_dir_all(&aside);
        let home = host.path("").display().to_string();
        let home = home.trim_end_matches('/');
        let anywhere = |text: String| {
            let text = text.replace(home, "/host").replace(&self.key_id, "KEY");
            without_new_key(text.replace(&self.flipped_key_id, "OTHERKEY"))
        };
        let ran = ran(output);
        self.keeps_secrets(&ran.stderr);
        for elsewhere in ["/etc/nightlatch", "/var/lib/nightlatch"] {
            assert!(
                !ran.stdout.contains(elsewhere) && !ran.stderr.contains(elsewhere),
                "it went to the real {elsewhere}: {ran:?}"
            );
        }
        let ran = Ran { status: ran.status, stdout: anywhere(ran.stdout), stderr: anywhere(ran.stderr) };
        Scene { ran, before, after }
    }

    /// The program, and what it is started by where that is the matter.
    fn launched(&self, host: &Host, aside: &Path, situation: Situation) -> Command {
        if situation == Situation::NotRoot {
            let nobody = ["--reuid=65534", "--regid=65534", "--clear-groups"];
            launcher("setpriv", &nobody, self.everybodys.path("nightlatch"))
        } else if situation == Situation::Denied {
            launcher("setpriv", &["--bounding-set=-all", "--inh-caps=-all"], BINARY)
        } else if situation == Situation::NoTerminal {
            launcher("setsid", &["--wait"], BINARY)
        } else if situation == Situation::FullDisk || situation == Situation::ReadOnlyDisk {
            let state = if situation == Situation::FullDisk { "full" } else { "read-only" };
            let copied = Command::new("cp").arg("-a").args([&host.path(""), aside]).status();
            assert!(copied.unwrap().success());
            let mut command = launcher("unshare", &["--mount", "sh", "-ec", ON_A_DISK, "sh"], host.path(""));
            command.arg(aside).args([state, BINARY]);
            command
        } else {
            Command::new(BINARY)
        }
    }

    /// A file, so that nothing waits for whoever does not read it.
    fn stdin(&self, case: &Case, host: &Host) -> Stdio {
        let text = match case.stdin {
            Stdin::Empty => return Stdio::null(),
            Stdin::Code => &self.stdin[1],
            Stdin::TwoCodes => &self.stdin[2],
        };
        let path = host.path("").with_extension("stdin");
        let mut file = File::options().read(true).write(true).create_new(true).open(&path).unwrap();
        fs::remove_file(path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
        file.rewind().unwrap();
        file.into()
    }

    pub(crate) fn keeps_secrets(&self, text: &str) {
        for secret in &self.secrets {
            let bare = secret.replace('-', "");
            assert!(!text.contains(secret) && !text.contains(&bare), "a secret stands in: {text}");
        }
    }

    /// The sound host itself, for whoever changes nothing on it.
    pub(crate) fn copy(&self, case: &Case) -> Host {
        self.host(case, Situation::Nothing)
    }
}

/// A key that a run has made has another name each time.
fn without_new_key(mut text: String) -> String {
    const KEYS: &str = "/host/keys/";
    let mut from = 0;
    while let Some(place) = text[from..].find(KEYS) {
        from += place + KEYS.len();
        let name = text[from..].split(|letter: char| !letter.is_ascii_hexdigit()).next().unwrap_or_default().len();
        if name == 32 {
            text.replace_range(from..from + name, "NEWKEY");
        }
    }
    text
}

const GOOGLES: &str = "MFRGGZDFMZTWQ2LKMFRGGZDFMZTWQ2LK";
const OATHS: &str = "3132333435363738393031323334353637383930";

/// What commands are given to read: other programs' files, a list of people, a backup of both kinds. The backup is older
/// than the record by what comes after. What stands on the paper of the key.
fn give(host: &Host) -> Vec<String> {
    let path = |name: &str| host.path("given").join(name);
    fs::DirBuilder::new().mode(0o700).create(path("")).unwrap();
    for (name, contents) in [
        ("google", format!("{GOOGLES}\n\" TOTP_AUTH\n")),
        ("users.oath", format!("HOTP/T30 bin - {OATHS}\n")),
        ("people.csv", "user\nbin\ndaemon\n".to_owned()),
    ] {
        fs::write(path(name), contents).unwrap();
        fs::set_permissions(path(name), fs::Permissions::from_mode(0o600)).unwrap();
    }
    let (paper, backup) = (path("key.txt").display().to_string(), path("store.backup").display().to_string());
    host.run(&["key", "backup", "--output", &paper]).expect(0);
    host.run(&["store", "backup", &backup, "--under-master-key", "--user", "daemon"]).expect(0);
    let encrypted = path("store.age").display().to_string();
    host.run_with(&["store", "backup", &encrypted, "--passphrase"], "correct horse battery staple\n").expect(0);
    let paper = fs::read_to_string(paper).unwrap();
    let lines = paper.lines().filter_map(|line| line.trim().strip_prefix("Line "));
    lines.map(|line| line[2..].trim().to_owned()).collect()
}

fn launcher(program: &str, arguments: &[&str], launched: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command.args(arguments).arg(launched);
    command
}

/// What follows the options.
fn words(case: &Case, situation: Situation, host: &Host) -> Vec<String> {
    let words = match (situation, case.asks) {
        (Situation::NoTerminal, Some((words, _))) => words,
        _ => case.words,
    };
    named(case.command, words, situation.user(case), host)
}

/// A command's words, with whom it is for put in, and where.
pub(crate) fn named(command: &str, words: &str, (user, uid): (&str, u32), host: &Host) -> Vec<String> {
    let (uid, home) = (uid.to_string(), host.path("").display().to_string());
    let words = command.split(' ').chain(words.split_whitespace());
    let put_in = |word: &str| word.replace("{user}", user).replace("{uid}", &uid).replace("{host}/", &home);
    words.map(put_in).collect()
}

/// The locks of whoever changes records, of whoever makes one, and of whoever makes or takes away a key.
fn locked(host: &Host, uid: u32) -> [File; 3] {
    let places = [host.record(uid), host.path("store/users"), host.path("keys")];
    let files = places.map(|path| File::open(path).unwrap());
    files.iter().for_each(|file| file.lock().unwrap());
    files
}

pub(crate) fn contents(directory: &Path) -> Contents {
    let (mut found, mut waiting) = (Contents::new(), vec![directory.to_owned()]);
    while let Some(path) = waiting.pop() {
        let status = fs::symlink_metadata(&path).unwrap();
        let bytes = if status.is_dir() {
            waiting.extend(fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().path()));
            Vec::new()
        } else if status.is_symlink() {
            fs::read_link(&path).unwrap().into_os_string().into_encoded_bytes()
        } else {
            fs::read(&path).unwrap()
        };
        found.insert(path.strip_prefix(directory).unwrap().to_owned(), (status.uid(), status.mode(), bytes));
    }
    found
}
