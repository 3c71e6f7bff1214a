// SPDX-License-Identifier: MIT OR Apache-2.0
//! What an enrollment in a login leaves in the application's process: nothing of the new secret, of the QR code that was shown, of
//! the backup codes or of what was typed, done or given up.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    reason = "tests"
)]

use std::fs;

use crate::needles::Needles;
use crate::scene::*;
use crate::{Login, add_keys, assert_none};

const CONFIG: &str = "/etc/nightlatch/residue-contact.toml";

/// `replies` to the prompts; CODE is the code of the secret that was shown.
fn leaves_nothing(replies: &[&str], answer: &str) {
    in_the_bed();
    fs::write(CONFIG, "[default]\nnot_enrolled = \"enroll\"\n[enroll]\ndigits = 8\n").unwrap();
    let line = format!("required pam_nightlatch.so enroll debug config={CONFIG}");
    let service = Service::new(&format!(
        "auth required pam_permit.so\nauth {line}\naccount {line}\naccount required pam_permit.so\n"
    ));
    let mut ann = Person::stranger("ann");
    let (journal, shown_to) = (Journal::mark(), format!("/tmp/{}", unique("shown")));
    let operations = ["authenticate", "account"];
    // OPTIONS bring the first.
    let prompts = vec!["--reply-stdin"; replies.len() - 1];
    let more = [&["--info-to", &shown_to], &prompts[..]].concat();
    let mut login = Login::begin_with(&[], &more, &service, &ann.name, &operations);
    let mut needles = Needles::default();
    login.sees("prompt off");
    let shown = fs::read_to_string(&shown_to).unwrap();
    ann.secret = shown.split("into the app:\n\n").nth(1).unwrap().lines().next().unwrap().replace(' ', "");
    needles.add_shared_secret(&ann.secret);
    needles.add_drawing(&shown.replace('\n', "m"));
    for reply in replies {
        let typed = if *reply == "CODE" { crate::code(&ann) } else { (*reply).to_owned() };
        if typed.len() >= 6 {
            needles.add_typed(&typed);
        }
        login.types(&typed);
    }
    let [before, after] = login.memories(answer);
    let shown = fs::read_to_string(&shown_to).unwrap();
    let is_code = |line: &&str| line.split('-').map(str::len).eq([4; 4]);
    for (index, code) in shown.lines().map(str::trim).filter(is_code).enumerate() {
        needles.add_backup_code(index, code);
    }
    add_keys(&mut needles, &ann);
    let told = vec![
        ("log".to_owned(), journal.lines(&ann.name).into_bytes()),
        ("output".to_owned(), login.output.into_bytes()),
    ];
    for (when, memory) in [("before pam_end", &before), ("after pam_end", &after), ("in words", &told)] {
        assert_none(&needles, &format!("{replies:?}, {when}"), memory);
    }
}

#[test]
fn an_enrollment_in_a_login_leaves_nothing_done_or_given_up() {
    leaves_nothing(&["CODE", "yes"], "PAM_SUCCESS");
    leaves_nothing(&["CODE", "no", "no", "no"], "PAM_AUTH_ERR");
    leaves_nothing(&["81726354", "72635481", "63548172"], "PAM_AUTH_ERR");
}
