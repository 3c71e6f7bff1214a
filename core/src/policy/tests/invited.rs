// SPDX-License-Identifier: MIT OR Apache-2.0
//! What an invitation makes of a decision: enrollment where a code would be asked for in vain, and nothing else anywhere.

use super::*;
use crate::store::Invited;

const UNTIL: UnixTime = UnixTime(NOON + 3600);
const REFUSED: &str = "[[rule]]\nname = 'r'\naction = 'refuse'\n";
const REQUIRED: &str = "[[rule]]\nname = 'r'\naction = 'require'\n";

/// The requirement's name before and with an invitation.
fn with_invitation(config: &str, host: &Scripted) -> [&'static str; 2] {
    let decide = || ALICE.decided(&policy(config), host).unwrap();
    let invited = Invited::for_test(Account::for_test("alice", 1000), UNTIL);
    let (before, after) = (decide(), decide().with_invitation(&invited));
    assert_eq!(before.by, after.by, "{config}");
    assert_eq!(before.leaves_room_for_invitation(), before.requirement != after.requirement, "{config}");
    [before.requirement.name(), after.requirement.name()]
}

#[test]
fn an_invitation_enrolls_whose_code_would_be_asked_for_in_vain() {
    let stranger = Scripted::new(&[], false);
    for config in [
        "",
        REQUIRED,
        "[default]\nnot_enrolled = 'refuse'",
        "[default]\nenrolled = 'exempt'\nnot_enrolled = 'refuse'",
        "[default]\nnot_enrolled_exempt_until = 2027-01-14",
        "[[rule]]\nname = 'r'\naction = 'require'\nenrolled = false\n",
    ] {
        assert_eq!(with_invitation(config, &stranger), ["a code", "to be enrolled"], "{config}");
    }
    let invited = Invited::for_test(Account::for_test("alice", 1000), UNTIL);
    let decision = ALICE.decided(&policy(""), &stranger).unwrap().with_invitation(&invited);
    let Requirement::Enrollment(invitation) = decision.requirement else { panic!("{decision:?}") };
    let directory = tempfile::TempDir::new().unwrap();
    std::fs::write(directory.path().join("sshd"), "account required pam_nightlatch.so\n").unwrap();
    let line = crate::stack::account_line("sshd", &[directory.path()]).unwrap();
    let let_through = invitation.let_through(line);
    assert_eq!(let_through.by(), &InvitedBy::Administrator(UNTIL));
    assert_eq!(let_through.by().to_string(), "invitation");
}

#[test]
fn an_invitation_makes_nothing_else_of_a_refusal_an_exemption_or_somebody_enrolled() {
    let (stranger, enrolled) = (Scripted::new(&[], false), Scripted::new(&[], true));
    let alias = Scripted { alias: true, ..Scripted::new(&[], false) };
    for (config, host, stays) in [
        (REFUSED, &stranger, "refusal"),
        ("[default]\nenrolled = 'refuse'\nnot_enrolled = 'refuse'", &stranger, "refusal"),
        ("[default]\nnot_enrolled = 'exempt'", &stranger, "nothing"),
        ("[default]\nnot_enrolled = 'enroll'", &stranger, "to be enrolled"),
        ("[default]\nnot_enrolled = 'exempt'", &alias, "another name"),
        ("[default]\nnot_enrolled = 'exempt'", &enrolled, "a code"),
        ("[[rule]]\nname = 'r'\naction = 'require'\nenrolled = true\n", &enrolled, "a code"),
    ] {
        assert_eq!(with_invitation(config, host), [stays, stays], "{config}");
    }
}

#[test]
fn where_a_look_up_failed_nobody_is_let_through_by_an_invitation() {
    let groups_down = Outage { groups: true, ..Outage::default() };
    let host = Scripted { outage: groups_down, ..Scripted::new(&[], false) };
    let config = "[[rule]]\nname = 'g'\naction = 'exempt'\ngroup = ['staff']\n";
    assert_eq!(with_invitation(config, &host), ["a code"; 2]);
}
