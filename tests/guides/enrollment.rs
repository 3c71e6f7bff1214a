// SPDX-License-Identifier: MIT OR Apache-2.0
//! The pages for whoever runs the host day by day: people enrolled by paper, by a file and by invitation, and rules on who
//! is asked.

use super::*;

/// A host where ssh asks for password and code by the ready file; as it was before when it is dropped.
struct ProtectedHost {
    _turn: MutexGuard<'static, ()>,
    debians: String,
}

impl ProtectedHost {
    fn with_people(names: &[&str]) -> Self {
        in_the_bed();
        let turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
        let debians = fs::read_to_string("/etc/pam.d/sshd").unwrap();
        let host = Self { _turn: turn, debians };
        drop(sshd::Recipe::installed("sshd-password-code"));
        for name in names.iter().filter(|name| !run("id", &["-u", name]).status.success()) {
            ok("useradd", &["--create-home", "--shell", "/bin/bash", name]);
            ok("sh", &["-ec", &format!("printf '{name}:%s\\n' '{PASSWORD}' | chpasswd")]);
        }
        fs::create_dir_all("/root/guide").unwrap();
        host
    }
}

impl Drop for ProtectedHost {
    fn drop(&mut self) {
        fs::write("/etc/pam.d/sshd", &self.debians).unwrap();
        drop(fs::remove_file(format!("{SNIPPETS}/10-nightlatch.conf")));
    }
}

/// Somebody whom a page calls by name; the secret is the page's too.
fn person(name: &str, secret: &str) -> Person {
    Person { name: name.to_owned(), secret: secret.to_owned(), backup_codes: Vec::new() }
}

#[test]
fn people_are_enrolled_looked_after_and_invited_as_the_page_says() {
    let _host = ProtectedHost::with_people(&["alice", "carol", "dave"]);
    // The token is the page's, with the secret that its maker sent.
    let (alice, carol, dave) =
        (person("alice", "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"), person("carol", ""), person("dave", ""));
    let pressed = |n: u64| ok("oathtool", &["--hotp", "-b", &alice.secret, "-c", &n.to_string()]).trim().to_owned();
    let is_gone = |path: &str| !fs::exists(path).unwrap();
    let guide = include_str!("../../docs/guides/enrollment.md");
    let headings = [
        "By a page of paper",
        "More devices",
        "Many people",
        "Whom you look for",
        "By invitation, in a login",
        "How long it lasts",
    ];
    follow(guide, "/root/guide", &headings, |heading, output| match heading {
        "By a page of paper" => {
            assert_eq!(alice.status()["backup_codes_left"], 10);
            assert!(is_gone("/root/alice.pdf"), "no secret in clear is left");
        }
        "More devices" => {
            let devices = ok("nightlatch", &["device", "list", "alice"]);
            assert!(devices.contains("token") && !devices.contains("tablet"), "{devices}");
            assert!(is_gone("/root/token-secret") && is_gone("/root/tablet.pdf"));
            assert!(login(&alice, PROMPT, &pressed(0)) && !login(&alice, PROMPT, &pressed(0)));
            assert!(login(&alice, PROMPT, &pressed(1)));
        }
        "Many people" => {
            assert!(output.contains("already"), "{output}");
            assert_eq!(
                (&carol.status()["backup_codes_left"], &dave.status()["backup_codes_left"]),
                (&10.into(), &5.into())
            );
            assert_eq!(fs::read_dir("/root/handouts").unwrap().count(), 0, "no secret in clear is left");
        }
        "Whom you look for" => {
            assert_eq!((&carol.status()["enrolled"], &dave.status()["enrolled"]), (&true.into(), &false.into()));
        }
        "By invitation, in a login" => {
            assert!(output.contains("auth       required     pam_nightlatch.so enroll"), "{output}");
            let ssh = |name: &str| {
                Terminal::open(&format!("ssh {CLIENT} -o PubkeyAuthentication=no {name}@127.0.0.1 '{SAY_SO}'"))
            };
            ssh("dave").sees("Password: ").types(PASSWORD).sees("into the app:").sees("Code from the app: ");
            assert_eq!(dave.status()["enrolled"], false, "who hangs up has enrolled nothing");
            // Who is enrolled is asked for a code, and who is not invited too.
            let eve = Person::stranger("eve");
            for name in ["alice", &eve.name] {
                let screen = ssh(name).sees("Password: ").types(PASSWORD).sees(PROMPT).types("000000").rest();
                assert!(!screen.contains(GOT_IN) && !screen.contains("into the app:"), "{screen}");
            }
        }
        _how_long_it_lasts => {
            assert!(!login(&dave, PROMPT, "000000"), "invited no longer");
            ok("nightlatch", &["remove", "--yes", "--quiet", "alice"]);
            ok("nightlatch", &["remove", "--yes", "--quiet", "carol"]);
        }
    });
}

#[test]
fn rules_are_written_explained_and_taken_back_as_the_page_says() {
    let _host = ProtectedHost::with_people(&["alice", "dave"]);
    drop(run("groupadd", &["deploy"]));
    let shipped = fs::read_to_string("/etc/nightlatch/config.toml").unwrap();
    let guide = include_str!("../../docs/guides/rules.md");
    let headings = ["Write them", "See what comes of them", "Roll it out step by step", "Back"];
    follow(guide, "/root/guide", &headings, |heading, output| match heading {
        "Write them" => {
            // By the real login: the office is spared by ssh, everybody else is asked.
            let screen = Terminal::open(&format!("ssh {CLIENT} -o PubkeyAuthentication=no alice@127.0.0.1 '{SAY_SO}'"))
                .sees("Password: ")
                .types(PASSWORD)
                .sees(PROMPT)
                .types("000000")
                .rest();
            assert!(!screen.contains(GOT_IN), "{screen}");
        }
        "See what comes of them" => {
            // The page shows what is printed; uids and line numbers are another host's.
            let plain = |text: &str| text.replace(|c: char| c.is_ascii_digit(), "");
            let (_, shown) = guide.split_once("```text\n").unwrap();
            let shown = shown.split("```").next().unwrap();
            assert!(plain(output).contains(&plain(shown)), "{output}");
            let outcomes: Vec<_> =
                output.lines().filter(|line| line.contains(" is let in") || line.contains(" is asked")).collect();
            let expected = ["alice is let in", "alice is asked", "root is asked", "backup is let in"];
            let as_expected = |(said, expected): (&&str, &str)| said.starts_with(expected);
            assert!(outcomes.len() == 4 && outcomes.iter().zip(expected).all(as_expected), "{output}");
        }
        "Roll it out step by step" => assert!(output.contains("2099-01-31"), "{output}"),
        _back => assert_eq!(fs::read_to_string("/etc/nightlatch/config.toml").unwrap(), shipped),
    });
}
