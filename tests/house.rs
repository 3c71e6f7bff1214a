// SPDX-License-Identifier: MIT OR Apache-2.0
//! The house rules: which room may know of which, where the dangerous words stand, and how every file begins.
//! Reads the source tree as text; what the compiler and clippy already hold is not repeated here.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

use std::fs;
use std::path::Path;
use std::process::Command;

#[path = "house/documents.rs"]
mod documents;
#[path = "house/pictures.rs"]
mod pictures;

/// A file of the source tree, by its path from the root.
struct Source {
    path: String,
    text: String,
}

impl Source {
    /// Without comments of their own line, which may speak of everything.
    fn code(&self) -> String {
        self.text.lines().filter(|line| !line.trim_start().starts_with("//")).map(|line| format!("{line}\n")).collect()
    }

    /// The code that is not the file's own tests, which stand last or in a file of their own.
    fn shipped_code(&self) -> String {
        if self.path.ends_with("/tests.rs") || self.path.contains("/tests/") {
            return String::new();
        }
        let code = self.code();
        let (shipped, tests) = code.split_once("\n#[cfg(test)]\n").unwrap_or((&code, "mod tests;\n"));
        let elsewhere = ["mod tests;\n", "pub(crate) mod tests;\n"].contains(&tests);
        let last =
            tests.contains("mod tests {\n") && tests.split_once("\n}\n").is_some_and(|(_, rest)| rest.is_empty());
        assert!(elsewhere || last, "{}: something stands behind the tests", self.path);
        shipped.to_owned()
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> Source {
    Source { path: path.to_owned(), text: String::from_utf8_lossy(&fs::read(root().join(path)).unwrap()).into_owned() }
}

/// All files of the tree with this ending, without what cargo and git keep there.
fn files(ending: &str) -> Vec<Source> {
    let (mut found, mut waiting) = (Vec::new(), vec![root().to_owned()]);
    while let Some(directory) = waiting.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let (path, kind) = entry.map(|entry| (entry.path(), entry.file_type().unwrap())).unwrap();
            let name = path.file_name().unwrap().to_str().unwrap();
            if kind.is_dir() && name != "target" && name != ".git" {
                waiting.push(path);
            } else if kind.is_file() && name.ends_with(ending) {
                found.push(read(path.strip_prefix(root()).unwrap().to_str().unwrap()));
            }
        }
    }
    found.sort_by(|a, b| a.path.cmp(&b.path));
    found
}

fn sources(room: &str) -> Vec<Source> {
    let found: Vec<_> = files(".rs").into_iter().filter(|source| source.path.starts_with(room)).collect();
    assert!(!found.is_empty(), "{room}");
    found
}

/// Which of the files say one of these words in their code.
fn that_say<'s>(sources: &'s [Source], words: &[&str]) -> Vec<&'s str> {
    let says = |source: &&Source| {
        let code = source.code();
        words.iter().any(|word| code.contains(word))
    };
    sources.iter().filter(says).map(|source| source.path.as_str()).collect()
}

/// The lines of a manifest that name a dependency, each with the line before it.
fn dependencies(manifest: &Source) -> Vec<(String, String)> {
    let (mut found, mut section, mut before) = (Vec::new(), String::new(), "");
    for line in manifest.text.lines() {
        if line.starts_with('[') {
            section = line.to_owned();
        } else if section.ends_with("dependencies]") && line.contains('=') && !line.trim_start().starts_with('#') {
            found.push((before.to_owned(), line.to_owned()));
        }
        before = line;
    }
    found
}

fn depends_on(manifest: &str, package: &str) -> bool {
    let found = dependencies(&read(manifest));
    assert!(!found.is_empty(), "{manifest}");
    found.iter().any(|(_, line)| {
        line.split(['.', '=', ' ']).next() == Some(package) || line.contains(&format!("\"{package}\""))
    })
}

const NO_RUST_FILE: [&str; 0] = [];

#[test]
fn the_rules_know_neither_pam_nor_the_administrator_s_program() {
    for package in ["pam-bindings", "pam_nightlatch", "nightlatch-cli", "clap"] {
        assert!(!depends_on("core/Cargo.toml", package), "{package}");
    }
    let words = ["pam::", "pam_bindings", "PamResultCode", "PAM_SUCCESS", "PAM_IGNORE", "nightlatch_cli", "clap::"];
    assert_eq!(that_say(&sources("core/src/"), &words), NO_RUST_FILE);
    assert_eq!(that_say(&sources("core/src/"), &["print!", "println!", "eprint!", "eprintln!"]), NO_RUST_FILE);
}

#[test]
fn the_administrator_s_program_knows_no_pam() {
    for package in ["pam-bindings", "pam_nightlatch"] {
        assert!(!depends_on("enroll-cli/Cargo.toml", package), "{package}");
    }
    assert_eq!(that_say(&sources("enroll-cli/"), &["pam::", "pam_bindings", "use pam_nightlatch"]), NO_RUST_FILE);
}

#[test]
fn the_module_knows_no_administrator_s_program() {
    assert!(!depends_on("Cargo.toml", "nightlatch-cli"));
    assert!(depends_on("Cargo.toml", "pam-bindings"), "else the tests above look for a name that nobody uses");
}

/// Time, files and randomness come as values: what is judged can be judged again.
#[test]
fn what_judges_does_no_input_or_output() {
    for source in sources("core/src/verify/") {
        let code = source.shipped_code();
        for word in ["rustix", "nix::", "getrandom", "SystemClock", "SystemRandom", "crate::store", "crate::trusted"] {
            assert!(!code.contains(word), "{}: {word}", source.path);
        }
        for (at, _) in code.match_indices("std::") {
            let name = code[at..].split(|c: char| !c.is_alphanumeric() && c != ':' && c != '_').next().unwrap();
            assert!(
                ["std::fmt", "std::mem::take", "std::net::IpAddr", "std::ops::RangeInclusive"].contains(&name),
                "{}: {name}",
                source.path
            );
        }
    }
}

#[test]
fn unsafe_stands_at_the_boundary_to_libpam_alone() {
    let rooms: Vec<_> = ["src/", "core/", "enroll-cli/"].iter().flat_map(|room| sources(room)).collect();
    let is_word =
        |source: &&Source| source.code().split(|c: char| !c.is_alphanumeric() && c != '_').any(|w| w == "unsafe");
    let found: Vec<_> = rooms.iter().filter(is_word).map(|source| source.path.as_str()).collect();
    assert_eq!(found, ["src/entry.rs"]);
    assert_eq!(that_say(&rooms, &["allow(unsafe_code", "expect(unsafe_code"]), ["src/entry.rs"]);
    for root in ["core/src/lib.rs", "enroll-cli/src/main.rs"] {
        assert!(read(root).text.contains("#![forbid(unsafe_code)]"), "{root}");
    }
    assert!(read("src/lib.rs").text.contains("#![deny(unsafe_code)]"));
}

#[test]
fn success_and_ignore_are_chosen_in_one_file_by_matches_that_name_every_case() {
    let module: Vec<_> = sources("src/").into_iter().filter(|source| !source.path.starts_with("src/tests")).collect();
    for word in ["PAM_SUCCESS", "PAM_IGNORE"] {
        assert_eq!(that_say(&module, &[word]), ["src/answer.rs"], "{word}");
    }
    // A code could also be made of a number, of libpam's words all at once, or of bytes.
    assert_eq!(
        that_say(&module, &["try_from_primitive", "transmute", "PamResultCode::*", "constants::*"]),
        NO_RUST_FILE
    );
    let answer = read("src/answer.rs").code();
    assert!(!answer.contains("_ =>") && !answer.contains("PamResultCode::default()"));
}

/// libpam takes it for a success of the auth phase under `required` (THREATS H-19).
#[test]
fn an_expired_password_is_never_answered() {
    assert_eq!(that_say(&sources("src/"), &["NEW_AUTHTOK_REQD"]), NO_RUST_FILE);
}

#[test]
fn the_wall_clock_is_read_in_one_file() {
    let shipped: Vec<_> = ["src/", "core/src/", "enroll-cli/src/"].iter().flat_map(|room| sources(room)).collect();
    assert_eq!(that_say(&shipped, &["SystemTime::now", "CLOCK_REALTIME", "UNIX_EPOCH.elapsed"]), ["core/src/clock.rs"]);
}

/// The host's environment is the caller's to forge (THREATS V47).
#[test]
fn the_module_reads_no_environment() {
    for room in ["src/", "core/src/"] {
        assert_eq!(that_say(&sources(room), &["std::env", "env::var", "getenv(c\"", "secure_getenv"]), NO_RUST_FILE);
    }
}

/// su, sudo and sshd believe PAM_USER afterwards (THREATS V60): what is set is the password for the modules behind us, where
/// it was typed in one with the code, and the mark of our own.
#[test]
fn the_module_sets_no_item_and_no_variable_of_the_application() {
    let entry = read("src/entry.rs").code();
    let calls: Vec<_> = entry.split("pam_set_item(").skip(1).filter_map(|call| call.split(", ").nth(1)).collect();
    assert_eq!(calls, ["item: c_int", "PAM_AUTHTOK", "PAM_OLDAUTHTOK"]);
    assert_eq!(that_say(&sources("src/"), &["pam_putenv", ".set_item", "set_item_str"]), NO_RUST_FILE);
}

#[test]
fn every_file_begins_with_its_licence_and_says_what_it_is_for() {
    let begins_well = |source: &Source| {
        let mut lines = source.text.lines();
        let licence = lines.next() == Some("// SPDX-License-Identifier: MIT OR Apache-2.0");
        licence && (1..=4).contains(&lines.take_while(|line| line.starts_with("//! ") || *line == "//!").count())
    };
    let wrong: Vec<_> =
        files(".rs").into_iter().filter(|source| !begins_well(source)).map(|source| source.path).collect();
    assert_eq!(wrong, NO_RUST_FILE);
}

#[test]
fn no_file_is_named_for_nothing_in_particular() {
    let empty = ["util", "utils", "common", "helper", "helpers", "manager", "misc"];
    let says_nothing = |source: &Source| source.path.split(['/', '.', '_', '-']).any(|word| empty.contains(&word));
    let found: Vec<_> = files("").into_iter().filter(says_nothing).map(|source| source.path).collect();
    assert_eq!(found, NO_RUST_FILE);
}

/// What stands before and in our line decides whether anybody is asked (THREATS V02, V11, V38).
#[test]
fn the_shipped_service_files_require_us_behind_a_password_or_a_key() {
    let mut found = 0;
    for file in files("").into_iter().filter(|file| file.path.starts_with("pam.d/")) {
        let lines: Vec<_> = file.text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).collect();
        let is_ours = |line: &&str| line.starts_with("auth") && line.contains("pam_nightlatch.so");
        if file.path.ends_with(".md") || !lines.iter().any(is_ours) {
            continue;
        }
        for (ours, line) in lines.iter().enumerate().filter(|(_, line)| is_ours(line)) {
            let behind_a_password = ours > 0 && lines[ours - 1] == "@include common-auth";
            match line.split_whitespace().collect::<Vec<_>>()[..] {
                ["auth", "required", "pam_nightlatch.so"] => assert!(behind_a_password, "{}", file.path),
                ["auth", "required", "pam_nightlatch.so", "require_key"] => {}
                // A branch for those with a key, which ends here; whoever has none passes over both lines.
                ["auth", "requisite", "pam_nightlatch.so", "require_key"] => {
                    assert!(ours == 1 && lines[0].contains("[success=ignore default=2] pam_exec.so"), "{}", file.path);
                    let next: Vec<_> = lines[ours + 1].split_whitespace().collect();
                    assert_eq!(next, ["auth", "sufficient", "pam_permit.so"], "{}", file.path);
                }
                // The password comes right behind it, and is not tried after a wrong code.
                ["auth", "requisite", "pam_nightlatch.so", "forward_pass"] => {
                    assert_eq!(lines[ours + 1], "@include common-auth", "{}", file.path);
                }
                _ => panic!("{}: {line}", file.path),
            }
        }
        found += 1;
    }
    assert_eq!(found, 9);
}

/// What is not ours; for ours the rooms are the reason.
#[test]
fn every_dependency_says_what_it_is_for() {
    for manifest in files("Cargo.toml") {
        for (before, line) in dependencies(&manifest).iter().filter(|(_, line)| !line.contains("path = ")) {
            assert!(before.starts_with("# ") || line.contains("# "), "{}: {line}", manifest.path);
        }
    }
}

/// What cargo says of every package that is built or tested here, as the lock file has it.
fn packages() -> Vec<serde_json::Value> {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["metadata", "--locked", "--format-version=1", "--filter-platform", "x86_64-unknown-linux-gnu"]);
    let output = cargo.current_dir(root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    metadata["packages"].as_array().unwrap().clone()
}

#[test]
fn every_package_comes_from_one_registry() {
    let packages = packages();
    let mut sources: Vec<_> = packages.iter().filter_map(|package| package["source"].as_str()).collect();
    sources.sort_unstable();
    sources.dedup();
    assert!(sources.len() == 1 && sources[0].starts_with("registry+"), "{sources:?}");
    assert_eq!(packages.iter().filter(|package| package["source"].is_null()).count(), 3, "ours");
}

/// What may be linked into a program under MIT or Apache-2.0 with nothing but a notice.
#[test]
fn every_package_has_a_licence_that_goes_with_ours() {
    let free = [
        "MIT",
        "Apache-2.0",
        "BSD-2-Clause",
        "BSD-3-Clause",
        "Zlib",
        "0BSD",
        "Unlicense",
        "CC0-1.0",
        "MIT-0",
        "Unicode-3.0",
    ];
    for package in packages() {
        let licence = package["license"].as_str().unwrap().replace(" WITH LLVM-exception", "").replace('/', " OR ");
        let all_free = licence.split(" AND ").all(|part| {
            let part = part.trim_matches(['(', ')']);
            part.split(" OR ").any(|choice| free.contains(&choice.trim_matches(['(', ')'])))
        });
        assert!(all_free, "{}: {licence}", package["name"]);
    }
}

/// What would bring a network, a runtime or a second way to do what is done already.
#[test]
fn no_package_is_among_those_that_are_not_wanted() {
    let unwanted =
        ["openssl", "openssl-sys", "ring", "tokio", "async-std", "reqwest", "hyper", "ureq", "curl", "mio", "rayon"];
    let found: Vec<_> = packages().iter().filter_map(|package| package["name"].as_str().map(str::to_owned)).collect();
    assert!(found.iter().any(|name| name == "pam-bindings"), "{found:?}");
    for name in unwanted {
        assert!(!found.iter().any(|found| found == name), "{name}");
    }
}

#[test]
fn the_lock_file_is_in_git() {
    let ignored = read(".gitignore").text;
    assert!(root().join("Cargo.lock").exists() && !ignored.contains("lock"), "{ignored}");
    // Not so in an unpacked source archive.
    if root().join(".git").exists() {
        let mut git = Command::new("git");
        git.args(["-c", "safe.directory=*", "ls-files", "--error-unmatch", "Cargo.lock"]).current_dir(root());
        assert!(git.output().unwrap().status.success());
    }
}

/// Cargo.toml's, from which cargo writes the lock files. packaging/build reads it there, and the programs are given it by cargo.
#[test]
fn the_version_stands_in_one_place() {
    let version = env!("CARGO_PKG_VERSION");
    let manifests = [read("Cargo.toml"), read("core/Cargo.toml"), read("enroll-cli/Cargo.toml")];
    let own =
        |line: &&str| line.starts_with("version = ") || (line.starts_with("nightlatch = ") && line.contains("version"));
    let named: Vec<_> = manifests.iter().flat_map(|source| source.text.lines().filter(own)).collect();
    assert_eq!(named, [format!("version = \"{version}\"")]);
    let elsewhere = [".1", ".5", ".8", ".spec", "control", "rules", "debian/changelog", "packaging/build"];
    let elsewhere: Vec<_> =
        elsewhere.into_iter().flat_map(files).filter(|source| source.text.contains(version)).collect();
    assert!(elsewhere.is_empty(), "{:?}", elsewhere.iter().map(|source| &source.path).collect::<Vec<_>>());
    let changes = read("CHANGELOG.md").text;
    let heading = changes.lines().find(|line| line.starts_with("## ")).unwrap();
    assert!(heading.starts_with(&format!("## {version}, ")), "{heading}");
}

/// With `autotests = false` a file that nobody names is a promise that nobody holds.
#[test]
fn every_test_file_is_run() {
    let (manifest, script) = (read("Cargo.toml").text, read("test").text);
    let list = |name| script.lines().find_map(|line| line.strip_prefix(name)).unwrap().trim_end_matches(')').split(' ');
    let behaviours: Vec<_> = list("all=(").chain(list("longer=(")).collect();
    let is_test = |source: &Source| source.path.matches('/').count() == 1;
    for source in sources("tests/").into_iter().filter(is_test) {
        let name = source.path.trim_start_matches("tests/").trim_end_matches(".rs");
        let entry = format!("[[test]]\nname = \"{name}\"\npath = \"{}\"\n", source.path);
        let (_, rest) = manifest.split_once(&entry).unwrap_or_else(|| panic!("{} is not in Cargo.toml", source.path));
        assert_eq!(
            rest.starts_with("test = false"),
            behaviours.contains(&name),
            "{name}: cargo or ./test, one of them"
        );
    }
}

/// The words in bold behind .TP in a section of a page of the manual.
fn described(page: &Source, section: &str) -> Vec<String> {
    let (_, text) = page.text.split_once(&format!("\n.SH {section}\n")).unwrap();
    let end = text.find("\n.S").unwrap_or(text.len());
    let lines: Vec<_> = text[..end].lines().collect();
    let bold = |line: &str| line.strip_prefix(".B ").or(line.strip_prefix(".BI ")).map(str::to_owned);
    let mut words: Vec<_> = lines.windows(2).filter(|pair| pair[0] == ".TP").filter_map(|pair| bold(pair[1])).collect();
    words.sort();
    words
}

/// Which argument there is, and what the stack gets to see, is what an administrator looks up when nobody gets in.
#[test]
fn the_manual_has_every_argument_of_the_module_and_every_answer_and_no_other() {
    let page = read("packaging/man/pam_nightlatch.8");
    let (code, _) =
        read("src/arguments.rs").text.split_once("#[cfg(test)]").map(|(c, t)| (c.to_owned(), t.to_owned())).unwrap();
    let behind = |mark: &str| {
        code.split(mark).skip(1).filter_map(|rest| rest.split('"').next()).map(str::to_owned).collect::<Vec<_>>()
    };
    let mut arguments = behind("Ok(\"");
    arguments.extend(behind("strip_prefix(\"").into_iter().map(|word| format!("{word} FILE")));
    arguments.sort();
    assert!(arguments.len() > 8, "{arguments:?}");
    assert_eq!(described(&page, "ARGUMENTS"), arguments);

    let answer = read("src/answer.rs").code();
    let words = answer.split(|c: char| !c.is_ascii_uppercase() && c != '_').filter(|word| word.starts_with("PAM_"));
    let mut answers: Vec<_> = words.map(str::to_owned).collect();
    answers.sort();
    answers.dedup();
    assert_eq!(described(&page, "RETURN VALUES"), answers);
}
