// SPDX-License-Identifier: MIT OR Apache-2.0
//! Each flaw of a stack, made and mended; and that the ready files of pam.d/ have none.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::*;
use crate::stack::lines::{NotRead, Phase};

const COMMON_AUTH: &str = "\
auth\t[success=1 default=ignore]\tpam_unix.so nullok
auth\trequisite\t\t\tpam_deny.so
auth\trequired\t\t\tpam_permit.so
";
const PASSWORD_AUTH: &str = "\
auth required pam_env.so
auth required pam_faildelay.so delay=2000000
auth sufficient pam_unix.so nullok
auth required pam_deny.so
";

/// With faillock.
const SYSTEM_AUTH_OF_SSSD: &str = "\
auth required pam_env.so
auth required pam_faildelay.so delay=2000000
auth required pam_faillock.so preauth silent
auth [default=1 ignore=ignore success=ok] pam_usertype.so isregular
auth [default=1 ignore=ignore success=ok] pam_localuser.so
auth sufficient pam_unix.so nullok
auth [default=1 ignore=ignore success=ok] pam_usertype.so isregular
auth sufficient pam_sss.so forward_pass
auth required pam_faillock.so authfail
auth required pam_deny.so
";

fn read(service: &str) -> Result<Stack, NotRead> {
    let directory = TempDir::new().unwrap();
    for (name, text) in [
        ("bed", service),
        ("common-auth", COMMON_AUTH),
        ("password-auth", PASSWORD_AUTH),
        ("system-auth", SYSTEM_AUTH_OF_SSSD),
        ("nightlatch-password-auth", include_str!("../../../../packaging/authselect/nightlatch-password-auth")),
        ("nightlatch-system-auth", include_str!("../../../../packaging/authselect/nightlatch-system-auth")),
        ("postlogin", "auth optional pam_ecryptfs.so unwrap\n"),
        ("common-account", "account required pam_unix.so\n"),
        ("common-session", ""),
        ("common-session-noninteractive", ""),
        ("common-password", ""),
        ("loop", "@include loop\n"),
        ("resets", "auth [success=reset] pam_permit.so\n"),
    ] {
        fs::write(directory.path().join(name), text).unwrap();
    }
    Stack::read("bed", Phase::Auth, &[directory.path()])
}

/// Each flaw, with the line of its file.
fn found(service: &str) -> Vec<(Problem, String, usize)> {
    let flaws = flaws(&read(service).unwrap()).unwrap();
    let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
    flaws.iter().map(|flaw| (flaw.problem, name(&flaw.path), flaw.line)).collect()
}

fn has(service: &str, problem: Problem, line: usize) {
    let found = found(service);
    assert!(found.contains(&(problem, "bed".to_owned(), line)), "{service}\n{found:?}");
}

#[test]
fn the_ready_files_have_no_flaw() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../pam.d");
    let mut looked_at = 0;
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some() {
            continue;
        }
        let text = fs::read_to_string(&path).unwrap();
        assert_eq!(found(&text), [], "{}", path.display());
        looked_at += 1;
    }
    assert!(looked_at >= 11, "{looked_at}");
}

#[test]
fn a_line_behind_the_password_that_is_required_has_no_flaw() {
    for service in [
        "@include common-auth\nauth required pam_nightlatch.so",
        "@include common-auth\nauth requisite pam_nightlatch.so nullok\nauth optional pam_gnome_keyring.so",
        "@include common-auth\nauth [success=ok ignore=ignore default=bad] pam_nightlatch.so",
        "auth requisite pam_unix.so\nauth required pam_nightlatch.so",
        "auth [success=1 default=ignore] pam_unix.so\nauth [success=ok default=die] pam_sss.so use_first_pass\n\
         auth required pam_nightlatch.so",
        "auth sufficient pam_rootok.so\n@include common-auth\nauth required pam_nightlatch.so",
        "-auth optional pam_odd.so\n@include common-auth\nauth required pam_nightlatch.so",
    ] {
        assert_eq!(found(service), [], "{service}");
    }
}

#[test]
fn a_refusal_that_does_not_bind_is_found() {
    for control in [
        "sufficient",
        "optional",
        "[success=ok default=ignore]",
        "[default=1]",
        "[success=ok module_unknown=ignore default=bad]",
    ] {
        let service = format!("@include common-auth\nauth {control} pam_nightlatch.so\nauth required pam_permit.so");
        has(&service, Problem::Undone, 2);
    }
}

#[test]
fn a_later_line_that_makes_libpam_forget_is_named_itself() {
    let service = "@include common-auth\nauth required pam_nightlatch.so\nauth [success=reset default=ignore] pam_echo.so\n\
                   auth required pam_permit.so";
    has(service, Problem::Undone, 3);
    // Within a substack, what was said before it stays.
    let in_a_substack = |word: &str| {
        format!(
            "@include common-auth\nauth required pam_nightlatch.so\nauth {word} resets\nauth required pam_permit.so"
        )
    };
    assert_eq!(found(&in_a_substack("substack")), []);
    assert_eq!(found(&in_a_substack("include")), [(Problem::Undone, "resets".to_owned(), 1)]);
}

#[test]
fn a_password_that_ends_the_phase_before_us_is_found() {
    has("auth sufficient pam_unix.so\nauth required pam_nightlatch.so", Problem::PasswordAlone, 1);
    has("auth [success=done default=die] pam_sss.so\nauth required pam_nightlatch.so", Problem::PasswordAlone, 1);
    has(
        "auth [success=2 default=ignore] pam_unix.so\nauth requisite pam_deny.so\nauth required pam_nightlatch.so\n\
         auth required pam_permit.so",
        Problem::PasswordAlone,
        1,
    );
    // In an included file it ends everything; in a substack that substack alone.
    let included = found("auth include password-auth\nauth required pam_nightlatch.so");
    assert!(included.contains(&(Problem::PasswordAlone, "password-auth".to_owned(), 3)), "{included:?}");
    let substack = found("auth substack password-auth\nauth required pam_nightlatch.so");
    assert_eq!(substack, [(Problem::WrongPasswordAsked, "bed".to_owned(), 2)]);
}

#[test]
fn rhel_s_stacks_have_a_flaw_and_with_our_substack_none() {
    let behind = "auth required pam_nightlatch.so";
    for (piece, in_which) in [("password-auth", "password-auth"), ("system-auth", "system-auth")] {
        let naive = found(&format!("auth substack {piece}\n{behind}\nauth include postlogin"));
        assert_eq!(naive, [(Problem::WrongPasswordAsked, "bed".to_owned(), 2)]);
        let included = found(&format!("auth include {piece}\n{behind}"));
        assert!(included.iter().any(|(what, file, _)| *what == Problem::PasswordAlone && file == in_which));
        for ours in [behind, "auth required pam_nightlatch.so nullok", "auth required pam_nightlatch.so enroll"] {
            assert_eq!(found(&format!("auth substack nightlatch-{piece}\n{ours}\nauth include postlogin")), []);
            let su = format!("auth sufficient pam_rootok.so\nauth substack nightlatch-{piece}\n{ours}");
            assert_eq!(found(&su), []);
        }
        // Included, it ends the whole stack at the right password.
        let included = found(&format!("auth include nightlatch-{piece}\n{behind}"));
        assert!(included.iter().any(|(what, ..)| *what == Problem::PasswordAlone), "{included:?}");
    }
}

#[test]
fn a_line_that_refuses_is_no_line_that_asks() {
    let stack = read("auth substack nightlatch-password-auth").unwrap();
    assert_eq!((stack.ours().count(), flaws(&stack)), (0, Some(Vec::new())));
    has(
        "@include common-auth\nauth optional pam_nightlatch.so refused\nauth optional pam_nightlatch.so",
        Problem::Undone,
        2,
    );
}

#[test]
fn another_module_that_lets_in_past_us_is_found_and_root_s_is_none() {
    for other in
        ["auth sufficient pam_fprintd.so", "auth [success=done default=ignore] pam_succeed_if.so user ingroup x"]
    {
        has(&format!("{other}\n@include common-auth\nauth required pam_nightlatch.so"), Problem::Bypassed, 1);
    }
    has(
        "@include common-auth\nauth [success=1 default=ignore] pam_succeed_if.so user = x\nauth required pam_nightlatch.so\n\
         auth required pam_permit.so",
        Problem::Bypassed,
        2,
    );
}

#[test]
fn a_wrong_password_that_comes_to_our_prompt_is_found() {
    has("auth required pam_unix.so\nauth required pam_nightlatch.so", Problem::WrongPasswordAsked, 2);
    has("auth [success=ok default=bad] pam_unix.so\nauth required pam_nightlatch.so", Problem::WrongPasswordAsked, 2);
    // A success that comes too late ends nothing.
    has(
        "auth required pam_unix.so\nauth sufficient pam_permit.so\nauth required pam_nightlatch.so",
        Problem::WrongPasswordAsked,
        3,
    );
    assert_eq!(found("auth requisite pam_unix.so\nauth required pam_nightlatch.so"), []);
    // Another factor said yes in its place.
    let card =
        "auth [success=1 default=ignore] pam_unix.so\nauth requisite pam_pkcs11.so\nauth required pam_nightlatch.so";
    assert_eq!(found(card), []);
    // One text that was typed before is judged there, and nobody is asked.
    assert_eq!(found("auth required pam_unix.so\nauth required pam_nightlatch.so use_first_pass"), []);
}

#[test]
fn a_code_before_the_password_is_found_unless_both_come_in_one_text() {
    has("auth required pam_nightlatch.so\n@include common-auth", Problem::BeforePassword, 1);
    assert_eq!(found("auth requisite pam_nightlatch.so forward_pass\n@include common-auth"), []);
}

#[test]
fn a_code_alone_is_found_and_worse_where_a_password_was_meant() {
    has("auth sufficient pam_nightlatch.so\n@include common-auth", Problem::CodeWithoutPassword, 1);
    has("auth required pam_nightlatch.so", Problem::CodeAlone, 1);
    assert_eq!(found("auth required pam_nightlatch.so require_key\nauth required pam_permit.so"), []);
    assert_eq!(found("auth required pam_pkcs11.so\nauth required pam_nightlatch.so"), []);
}

#[test]
fn a_line_that_is_alone_and_may_be_ignored_lets_in_whoever_is_exempt() {
    let service = "auth required pam_nightlatch.so nullok\nauth required pam_permit.so";
    has(service, Problem::NobodyAsks, 1);
    let alone = "auth required pam_nightlatch.so nullok";
    has(alone, Problem::ExemptRefused, 1);
    assert!(!found(alone).iter().any(|(problem, ..)| *problem == Problem::NobodyAsks));
    has("@include common-auth\nauth [success=ok default=bad] pam_nightlatch.so", Problem::ExemptRefused, 2);
}

#[test]
fn two_lines_of_ours_on_one_way_are_found_and_two_ways_are_not() {
    let twice = found("@include common-auth\nauth required pam_nightlatch.so\nauth required pam_nightlatch.so");
    assert_eq!(twice, [(Problem::Twice, "bed".to_owned(), 3)]);
    let two_ways = "auth [success=ignore default=2] pam_exec.so x\nauth requisite pam_nightlatch.so require_key\n\
                    auth sufficient pam_permit.so\n@include common-auth\nauth required pam_nightlatch.so";
    assert_eq!(found(two_ways), []);
}

#[test]
fn a_jump_counts_a_substack_as_one_line_and_never_leaves_one() {
    let service = "auth [success=1 default=die] pam_unix.so\nauth substack password-auth\nauth required pam_nightlatch.so\n\
                   auth required pam_permit.so";
    assert_eq!(found(service), []);
    let service = "auth [success=2 default=die] pam_unix.so\nauth substack password-auth\nauth required pam_nightlatch.so\n\
                   auth required pam_permit.so";
    has(service, Problem::PasswordAlone, 1);
    // Further than there are lines: libpam refuses.
    let service = "@include common-auth\nauth [success=5 default=ignore] pam_x.so\nauth required pam_nightlatch.so";
    assert!(!found(service).iter().any(|(problem, ..)| *problem == Problem::Bypassed), "{:?}", found(service));
}

#[test]
fn what_is_no_line_and_what_never_ends_is_said() {
    assert!(matches!(read("auth odd pam_unix.so"), Err(NotRead::Odd { number: 1, .. })));
    assert!(matches!(read("\nathu required pam_unix.so"), Err(NotRead::Odd { number: 2, .. })));
    assert!(matches!(read("auth [success=0] pam_unix.so"), Err(NotRead::Odd { .. })));
    assert!(matches!(read("@include loop"), Err(NotRead::TooDeep { .. })));
    assert!(matches!(read("@include none"), Err(NotRead::NoFile { .. })));
}
