// SPDX-License-Identifier: MIT OR Apache-2.0
//! Decisions by example: what a config says, who comes from where, and what becomes of it. The host answers from a script
//! and notes what it was asked.

mod invited;
mod properties;
mod relaxed;
mod reviewed;

use std::cell::RefCell;
use std::path::Path;

use nix::errno::Errno;

use super::*;
use crate::config::Config;
use crate::store::{NotEnrolled, RecordId};

const NOON: u64 = 1_800_000_000;

fn policy(text: &str) -> Policy {
    parsed(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn parsed(text: &str) -> Result<Policy, String> {
    let config = Config::parse(text.as_bytes(), Path::new("/c.toml"));
    config.map(|config| config.policy().clone()).map_err(|error| error.to_string())
}

/// What may fail.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Outage {
    groups: bool,
    gids: bool,
    account: bool,
    store: bool,
    clock: bool,
}

/// A host with the groups `staff` (10), `wheel` (20) and `deploy` (30).
#[derive(Debug, Clone)]
struct Scripted {
    groups: Vec<u32>,
    enrolled: bool,
    alias: bool,
    outage: Outage,
    asked: RefCell<Vec<&'static str>>,
}

impl Scripted {
    fn new(groups: &[u32], enrolled: bool) -> Self {
        let asked = RefCell::default();
        Self { groups: groups.to_vec(), enrolled, alias: false, outage: Outage::default(), asked }
    }

    fn note(&self, question: &'static str) {
        self.asked.borrow_mut().push(question);
    }
}

fn down<T>(is_down: bool, answer: T) -> Result<T, Errno> {
    if is_down { Err(Errno::EIO) } else { Ok(answer) }
}

impl Lookups for Scripted {
    fn groups(&self, _named: &Named) -> Result<Vec<u32>, Errno> {
        self.note("groups");
        down(self.outage.groups, self.groups.clone())
    }

    fn gid(&self, group: &str) -> Result<Option<u32>, Errno> {
        self.note("gid");
        let gid = [("staff", 10), ("wheel", 20), ("deploy", 30)].into_iter().find(|(name, _)| *name == group);
        down(self.outage.gids, gid.map(|(_, gid)| gid))
    }

    fn account(&self, named: &Named) -> Result<Account, AccountError> {
        self.note("account");
        down(self.outage.account, ()).map_err(|errno| AccountError::LookupFailed { errno })?;
        let account = Account::for_test(named.name().as_str(), named.uid());
        if self.alias {
            let (name, uid) = (named.name().clone(), named.uid());
            return Err(AccountError::Alias { name, uid, canonical: "other".to_owned() });
        }
        Ok(account)
    }

    fn enrollment(&self, _named: &Named) -> Result<Enrollment, Fault> {
        self.note("enrollment");
        if self.outage.store {
            return Err(Fault::NoRandomness);
        }
        Ok(if self.enrolled {
            Enrollment::Enrolled(RecordId([7; 16]))
        } else {
            Enrollment::NotEnrolled(NotEnrolled::for_test())
        })
    }

    fn now(&self) -> Result<UnixTime, Fault> {
        self.note("now");
        if self.outage.clock { Err(Fault::ClockUnreadable) } else { Ok(UnixTime(NOON)) }
    }
}

/// Remembers what it is told.
#[derive(Default)]
struct Noted(Vec<(String, Condition)>);

impl Observer for Noted {
    fn passed_over(&mut self, rule: &Rule, condition: Condition) {
        self.0.push((rule.name.to_string(), condition));
    }
}

/// A login.
#[derive(Debug, Clone, Copy)]
struct Login<'l> {
    user: &'l str,
    service: &'l str,
    from: &'l str,
    key: PublicKey,
    leniency: Leniency,
}

const ALICE: Login<'_> =
    Login { user: "alice", service: "sshd", from: "192.0.2.7", key: PublicKey::NotSeen, leniency: Leniency::Strict };

impl Login<'_> {
    fn decided(self, policy: &Policy, host: &Scripted) -> Result<Decision, Fault> {
        self.observed(policy, host, &mut Unobserved)
    }

    fn observed(self, policy: &Policy, host: &Scripted, observer: &mut impl Observer) -> Result<Decision, Fault> {
        let account = Account::for_test(self.user, 1000);
        let (service, origin) = (self.service, Origin::of(Some(self.from)));
        let circumstances = Circumstances { service, origin, key: self.key, leniency: self.leniency };
        decide(policy, &circumstances, account.named(), host, observer)
    }

    /// In words, as the log has them.
    fn outcome(self, policy: &Policy, host: &Scripted) -> String {
        let decision = self.decided(policy, host).unwrap();
        let what = match &decision.requirement {
            Requirement::Code(_) => "require",
            Requirement::Refusal => "refuse",
            Requirement::NoAccount(_) => "no account",
            Requirement::Enrollment(_) => "enroll",
            Requirement::Exempt(exemption) => {
                assert_eq!(exemption.by(), Some(&decision.by));
                "exempt"
            }
        };
        format!("{what} by {}", decision.by)
    }
}

/// What people really want: README has them.
const SITE: &str = r#"
[[rule]]
name = "mallory"
action = "refuse"
user = ["mallory", "oscar"]

[[rule]]
name = "robot"
action = "exempt"
user = ["backup"]
service = ["sshd"]
ssh_key = true

[[rule]]
name = "root"
action = "require"
user = ["root"]

[[rule]]
name = "office"
action = "exempt"
source = ["10.0.0.0/8", "2001:db8::/32"]

[[rule]]
name = "deploy"
action = "exempt"
group = ["deploy", "no-such-group", 33]
ssh_key = true

[[rule]]
name = "console"
action = "exempt"
source = ["local"]
service = ["login"]
enrolled = false
"#;

#[test]
fn the_first_rule_whose_conditions_all_hold_decides() {
    use PublicKey::{NotSeen, Seen};
    let site = policy(SITE);
    for (user, groups, service, from, key, enrolled, outcome) in [
        ("alice", &[][..], "sshd", "192.0.2.7", NotSeen, true, "require by default"),
        ("alice", &[], "sshd", "192.0.2.7", Seen, true, "require by default"),
        ("alice", &[], "sshd", "10.1.2.3", NotSeen, true, "exempt by rule:office"),
        ("alice", &[], "sshd", "::ffff:10.1.2.3", NotSeen, true, "exempt by rule:office"),
        ("alice", &[], "sshd", "2001:db8:1::1", NotSeen, false, "exempt by rule:office"),
        ("alice", &[], "sshd", "10.1.2.3.evil.example", NotSeen, true, "require by default"),
        ("alice", &[], "sshd", "10.1.2.3:22", NotSeen, true, "require by default"),
        ("alice", &[], "sshd", "2001:db8::1%eth0", NotSeen, true, "require by default"),
        ("alice", &[30], "sshd", "192.0.2.7", Seen, true, "exempt by rule:deploy"),
        ("alice", &[1, 33], "sshd", "192.0.2.7", Seen, true, "exempt by rule:deploy"),
        ("alice", &[30], "sshd", "192.0.2.7", NotSeen, true, "require by default"),
        ("alice", &[10, 20], "sshd", "192.0.2.7", Seen, true, "require by default"),
        ("backup", &[], "sshd", "192.0.2.7", Seen, false, "exempt by rule:robot"),
        ("backup", &[], "sshd", "192.0.2.7", NotSeen, false, "require by default"),
        ("backup", &[], "sudo", "", Seen, false, "require by default"),
        ("Backup", &[], "sshd", "192.0.2.7", Seen, false, "require by default"),
        ("root", &[30], "sshd", "10.1.2.3", Seen, true, "require by rule:root"),
        ("mallory", &[30], "sshd", "10.1.2.3", Seen, true, "refuse by rule:mallory"),
        ("oscar", &[], "login", "", NotSeen, false, "refuse by rule:mallory"),
        ("alice", &[], "login", "", NotSeen, false, "exempt by rule:console"),
        ("alice", &[], "login", "", NotSeen, true, "require by default"),
        ("alice", &[], "login", "127.0.0.1", NotSeen, false, "require by default"),
        ("alice", &[], "su", "", NotSeen, false, "require by default"),
    ] {
        let login = Login { user, service, from, key, leniency: Leniency::Strict };
        assert_eq!(login.outcome(&site, &Scripted::new(groups, enrolled)), outcome, "{login:?} {groups:?} {enrolled}");
    }
}

#[test]
fn where_no_rule_decides_the_defaults_do() {
    use Leniency::{Nullok, Strict};
    let all = |enrolled: &str, more: &str| format!("[default]\nenrolled = '{enrolled}'\n{more}");
    let (refuse, exempt) = ("not_enrolled = 'refuse'", "not_enrolled = 'exempt'");
    let (soon, past) = ("not_enrolled_exempt_until = 2027-01-16", "not_enrolled_exempt_until = 2027-01-15");
    for (text, leniency, of_enrolled, of_others) in [
        (String::new(), Strict, "require by default", "require by default"),
        (String::new(), Nullok, "require by default.enrolled", "exempt by nullok"),
        (all("require", refuse), Nullok, "require by default", "require by default"),
        (all("require", exempt), Strict, "require by default.enrolled", "exempt by default.not_enrolled"),
        (all("exempt", ""), Strict, "exempt by default.enrolled", "require by default.not_enrolled"),
        (all("exempt", ""), Nullok, "exempt by default", "exempt by default"),
        (all("exempt", exempt), Strict, "exempt by default", "exempt by default"),
        (all("refuse", ""), Strict, "refuse by default", "refuse by default"),
        (all("refuse", exempt), Strict, "refuse by default.enrolled", "exempt by default.not_enrolled"),
        (all("require", soon), Strict, "require by default.enrolled", "exempt by default.not_enrolled_exempt_until"),
        (all("require", past), Nullok, "require by default.enrolled", "require by default.not_enrolled_exempt_until"),
        (
            all("require", &format!("{refuse}\n{soon}")),
            Strict,
            "require by default.enrolled",
            "exempt by default.not_enrolled_exempt_until",
        ),
    ] {
        let login = Login { leniency, ..ALICE };
        for (enrolled, outcome) in [(true, of_enrolled), (false, of_others)] {
            let host = Scripted::new(&[], enrolled);
            assert_eq!(login.outcome(&policy(&text), &host), outcome, "{text:?} {leniency:?} {enrolled}");
        }
    }
}

#[test]
fn whoever_is_let_pass_for_now_is_told_until_when() {
    let until = |text: &str| {
        let decision = ALICE.decided(&policy(text), &Scripted::new(&[], false)).unwrap();
        let Requirement::Exempt(exemption) = decision.requirement else { panic!("{decision:?}") };
        assert_eq!(exemption.rests_on(), Some(Enrollment::NotEnrolled(NotEnrolled::for_test())));
        exemption.until()
    };
    assert_eq!(until("[default]\nnot_enrolled_exempt_until = 2027-01-16"), Some(UnixTime(1_800_057_600)));
    assert_eq!(until("default.not_enrolled_exempt_until = '2027-01-15T09:00:01+01:00'"), Some(UnixTime(NOON + 1)));
    assert_eq!(until("[default]\nnot_enrolled = 'exempt'"), None);
}

#[test]
fn what_was_looked_up_is_what_the_decision_rests_on() {
    let text = "[[rule]]\nname = 'r'\naction = 'require'\nenrolled = false\n";
    for enrolled in [true, false] {
        let host = Scripted::new(&[], enrolled);
        let word = host.enrollment(Account::for_test("alice", 1000).named()).unwrap();
        for text in [
            text,
            "[default]\nnot_enrolled = 'exempt'\nenrolled = 'exempt'\n[[rule]]\nname = 'r'\naction = 'require'\nenrolled = true",
        ] {
            match ALICE.decided(&policy(text), &host).unwrap().requirement {
                Requirement::Code(rests_on) => assert_eq!(rests_on, Some(word)),
                Requirement::Exempt(exemption) => assert_eq!(exemption.rests_on(), None, "the same for everybody"),
                other @ (Requirement::Refusal | Requirement::NoAccount(_) | Requirement::Enrollment(_)) => {
                    panic!("{other:?}")
                }
            }
        }
    }
    assert_eq!(ALICE.decided(&policy(""), &Scripted::new(&[], true)).unwrap().requirement, Requirement::Code(None));
}

#[test]
fn nothing_is_looked_up_before_a_rule_depends_on_it_and_nothing_twice() {
    let rules = "
        [[rule]]\nname = 'a'\naction = 'exempt'\nuser = ['bob']\ngroup = ['staff']\nenrolled = true
        [[rule]]\nname = 'b'\naction = 'exempt'\nservice = ['sudo']\ngroup = ['wheel', 'staff']
        [[rule]]\nname = 'c'\naction = 'exempt'\nsource = ['10.0.0.0/8']\ngroup = ['wheel', 'staff', 9]\nenrolled = false
        [[rule]]\nname = 'd'\naction = 'exempt'\nsource = ['10.0.0.0/8']\ngroup = ['staff', 9]\nenrolled = true";
    let rules = policy(rules);
    for (login, groups, asked) in [
        (ALICE, &[10][..], &[][..]),
        (Login { from: "10.0.0.1", ..ALICE }, &[9], &["gid", "groups", "gid", "enrollment", "account"]),
        (Login { from: "10.0.0.1", ..ALICE }, &[8], &["gid", "groups", "gid"]),
        (Login { from: "10.0.0.1", service: "sudo", ..ALICE }, &[10], &["gid", "groups", "gid", "account"]),
        (Login { user: "bob", ..ALICE }, &[10], &["gid", "groups", "enrollment", "account"]),
        (Login { user: "bob", ..ALICE }, &[8], &["gid", "groups"]),
    ] {
        let host = Scripted::new(groups, true);
        login.decided(&rules, &host).unwrap();
        assert_eq!(*host.asked.borrow(), asked, "{login:?} {groups:?}");
    }
    let host = Scripted::new(&[], true);
    ALICE.decided(&policy(""), &host).unwrap();
    let untold = policy("[default]\nenrolled = 'refuse'");
    ALICE.decided(&untold, &host).unwrap();
    let numbers = policy("[[rule]]\nname = 'a'\naction = 'exempt'\ngroup = [7]");
    ALICE.decided(&numbers, &host).unwrap();
    assert_eq!(*host.asked.borrow(), ["groups"], "a number needs no look-up of its name");
}

#[test]
fn a_look_up_that_fails_exempts_nobody_and_lets_what_refuses_refuse() {
    let exempting = |more: &str| policy(&format!("[[rule]]\nname = 'a'\naction = 'exempt'\n{more}"));
    let refusing =
        policy("[[rule]]\nname = 'a'\naction = 'require'\ngroup = ['staff']\n[[rule]]\nname = 'b'\naction = 'refuse'");
    let then_all =
        policy("[[rule]]\nname = 'a'\naction = 'exempt'\ngroup = ['staff']\n[[rule]]\nname = 'b'\naction = 'exempt'");
    let until = policy("[default]\nnot_enrolled_exempt_until = 2099-01-01");
    let groups = Outage { groups: true, ..Outage::default() };
    let gids = Outage { gids: true, ..Outage::default() };
    let account = Outage { account: true, ..Outage::default() };
    let clock = Outage { clock: true, ..Outage::default() };
    for (policy, outage, outcome, cause) in [
        (exempting("group = [10]"), groups, "require by default", "the group database does not answer (EIO"),
        (exempting("group = ['staff']"), groups, "require by default", "the group database does not answer (EIO"),
        (exempting("group = ['staff']"), gids, "require by default", "does not answer for 'staff' (EIO"),
        (exempting("group = ['staff', 10]"), gids, "require by rule:a", "does not answer for 'staff' (EIO"),
        (exempting("user = ['alice']"), account, "require by rule:a", "the account database does not answer (EIO"),
        (then_all, groups, "require by rule:b", "the group database does not answer (EIO"),
        (until, clock, "require by default.not_enrolled_exempt_until", "the clock cannot be read"),
        (refusing.clone(), groups, "refuse by rule:b", "the group database does not answer (EIO"),
        (refusing, gids, "refuse by rule:b", "does not answer for 'staff' (EIO"),
    ] {
        let host = Scripted { outage, ..Scripted::new(&[10], false) };
        assert_eq!(ALICE.outcome(&policy, &host), outcome, "{policy:?}");
        let failed = ALICE.decided(&policy, &host).unwrap().failed.unwrap();
        assert!(failed.to_string().contains(cause) && !failed.remedy().is_empty(), "{failed}");
    }
    let host = Scripted { outage: Outage { store: true, ..Outage::default() }, ..Scripted::new(&[10], false) };
    assert!(ALICE.decided(&exempting("enrolled = false"), &host).is_err(), "no code could be judged either");
}

#[test]
fn a_second_name_of_a_uid_is_never_exempt() {
    // A name that this very machine has, should anybody resolve it anew.
    let daemon = Login { user: "daemon", ..ALICE };
    let host = Scripted { alias: true, ..Scripted::new(&[10], false) };
    for text in ["[[rule]]\nname = 'a'\naction = 'exempt'", "[default]\nnot_enrolled = 'exempt'"] {
        assert!(daemon.outcome(&policy(text), &host).starts_with("no account by "), "{text}");
    }
    assert_eq!(daemon.outcome(&policy(SITE), &host), "require by default");
}

#[test]
fn each_rule_that_is_passed_over_is_told_with_its_first_condition_that_fails() {
    let mut noted = Noted::default();
    let login = Login { service: "login", from: "", ..ALICE };
    login.observed(&policy(SITE), &Scripted::new(&[], false), &mut noted).unwrap();
    let expected = [
        ("mallory", Condition::User),
        ("robot", Condition::User),
        ("root", Condition::User),
        ("office", Condition::Source),
        ("deploy", Condition::SshKey),
    ];
    assert_eq!(noted.0, expected.map(|(name, condition)| (name.to_owned(), condition)));
    let mut noted = Noted::default();
    let (robot, host) = (Login { user: "backup", ..ALICE }, Scripted::new(&[], true));
    robot.observed(&policy(SITE), &host, &mut noted).unwrap();
    assert_eq!(noted.0[1], ("robot".to_owned(), Condition::SshKey));
    let mut noted = Noted::default();
    let keyed = Login { key: PublicKey::Seen, service: "login", from: "", ..ALICE };
    keyed.observed(&policy(SITE), &host, &mut noted).unwrap();
    let last: Vec<_> = noted.0.iter().rev().take(2).map(|(_, condition)| *condition).collect();
    assert_eq!(last, [Condition::Enrolled, Condition::Group]);
}
