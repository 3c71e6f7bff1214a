// SPDX-License-Identifier: MIT OR Apache-2.0
//! Properties of every config that parses: no look-up that fails exempts anybody, fewer groups never make a login laxer,
//! and a second reader of the rules, which knows nothing of look-ups, comes to the same decision.

use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::*;

const USERS: [&str; 2] = ["alice", "bob"];
const SERVICES: [&str; 2] = ["sshd", "sudo"];
const BLOCKS: [&str; 5] = ["local", "10.0.0.0/8", "10.1.0.0/16", "0.0.0.0/0", "::/0"];
const GROUPS: [&str; 5] = ["'staff'", "'wheel'", "'none'", "20", "40"];
const FROM: [&str; 5] = ["", "10.1.2.3", "10.2.2.3", "2001:db8::1", "10.1.2.3.evil.example"];

fn list(name: &'static str, entries: Vec<String>) -> impl Strategy<Value = String> {
    let count = entries.len();
    // Most rules have few conditions, or none would ever decide.
    prop::option::weighted(0.3, subsequence(entries, 0..=count)).prop_map(move |entries| {
        entries.map_or(String::new(), |entries| format!("{name} = [{}]\n", entries.join(", ")))
    })
}

fn word(name: &'static str) -> impl Strategy<Value = String> {
    prop::option::weighted(0.2, any::<bool>())
        .prop_map(move |word| word.map_or(String::new(), |word| format!("{name} = {word}\n")))
}

fn quoted(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| format!("'{word}'")).collect()
}

fn rules() -> impl Strategy<Value = String> {
    let action = select(vec!["exempt", "enroll", "require", "refuse"]);
    let conditions = (
        list("user", quoted(&USERS)),
        list("service", quoted(&SERVICES)),
        list("source", quoted(&BLOCKS)),
        list("group", GROUPS.map(str::to_owned).to_vec()),
        word("ssh_key"),
        word("enrolled"),
    );
    prop::collection::vec((action, conditions), 0..5).prop_map(|rules| {
        let numbered = rules.into_iter().enumerate();
        numbered
            .map(|(n, (action, (user, service, source, group, ssh_key, enrolled)))| {
                format!(
                    "[[rule]]\nname = 'r{n}'\naction = '{action}'\n{user}{service}{source}{group}{ssh_key}{enrolled}"
                )
            })
            .collect()
    })
}

fn configs() -> impl Strategy<Value = String> {
    let enrolled = select(vec!["", "enrolled = 'exempt'\n", "enrolled = 'require'\n", "enrolled = 'refuse'\n"]);
    let not_enrolled = select(vec![
        "",
        "not_enrolled = 'refuse'\n",
        "not_enrolled = 'exempt'\n",
        "not_enrolled = 'enroll'\n",
        "not_enrolled_exempt_until = 2027-01-14\n",
        "not_enrolled_exempt_until = 2099-01-01\n",
    ]);
    (enrolled, not_enrolled, rules())
        .prop_map(|(enrolled, others, rules)| format!("[default]\n{enrolled}{others}{rules}"))
}

fn logins() -> impl Strategy<Value = Login<'static>> {
    let key = select(vec![PublicKey::Seen, PublicKey::NotSeen]);
    let leniency = select(vec![Leniency::Strict, Leniency::Nullok]);
    (select(&USERS[..]), select(&SERVICES[..]), select(&FROM[..]), key, leniency)
        .prop_map(|(user, service, from, key, leniency)| Login { user, service, from, key, leniency })
}

fn groups() -> impl Strategy<Value = Vec<u32>> {
    subsequence(vec![10, 20, 30, 40], 0..=4)
}

/// From the laxest to the strictest.
fn strictness(decision: &Decision) -> u8 {
    match decision.requirement {
        Requirement::Exempt(_) => 0,
        Requirement::Enrollment(_) => 1,
        Requirement::Code(_) => 2,
        Requirement::Refusal | Requirement::NoAccount(_) => 3,
    }
}

/// What the config says, read as a person reads it.
fn read_again(policy: &Policy, login: Login<'_>, host: &Scripted) -> (u8, String) {
    let gid = |group: &Group| match group {
        Group::Gid(gid) => *gid,
        Group::Name(name) => match name.as_str() {
            "staff" => 10,
            "wheel" => 20,
            _ => u32::MAX,
        },
    };
    let from = |source: &Source| match (source.to_string().as_str(), login.from) {
        ("local", from) => from.is_empty(),
        ("10.0.0.0/8", from) => ["10.1.2.3", "10.2.2.3"].contains(&from),
        ("10.1.0.0/16", from) => from == "10.1.2.3",
        ("0.0.0.0/0", from) => ["10.1.2.3", "10.2.2.3"].contains(&from),
        ("::/0", from) => from == "2001:db8::1",
        (other, _) => panic!("{other}"),
    };
    let level = |action: Action| match action {
        Action::Exempt => 0,
        Action::Enroll if !host.enrolled => 1,
        Action::Enroll | Action::Require => 2,
        Action::Refuse => 3,
    };
    for rule in &policy.rules {
        let Conditions { user, service, source, ssh_key, group, enrolled } = &rule.conditions;
        let holds = user.as_ref().is_none_or(|users| users.iter().any(|user| user.as_str() == login.user))
            && service.as_ref().is_none_or(|services| services.iter().any(|service| service == login.service))
            && source.as_ref().is_none_or(|sources| sources.iter().any(from))
            && ssh_key.is_none_or(|wanted| wanted == matches!(login.key, PublicKey::Seen))
            && group.as_ref().is_none_or(|groups| groups.iter().any(|group| host.groups.contains(&gid(group))))
            && enrolled.is_none_or(|wanted| wanted == host.enrolled);
        if holds {
            return (level(rule.action), format!("rule:{}", rule.name));
        }
    }
    let of_others = match (policy.not_enrolled, login.leniency) {
        (Some(NotEnrolledRule::Exempt), _) | (None, Leniency::Nullok) => 0,
        (Some(NotEnrolledRule::ExemptUntil(time)), _) if time.0 > NOON => 0,
        (Some(NotEnrolledRule::Enroll), _) => 1,
        (Some(NotEnrolledRule::ExemptUntil(_) | NotEnrolledRule::Refuse), _) | (None, Leniency::Strict) => 2,
    };
    match (host.enrolled, policy.enrolled) {
        (true, action) => (level(action), "default".to_owned()),
        // Whoever is refused without a code is, enrolled or not.
        (false, Action::Refuse)
            if policy.not_enrolled.is_none_or(|rule| rule == NotEnrolledRule::Refuse) && of_others == 2 =>
        {
            (3, "default".to_owned())
        }
        (false, _) => (of_others, "default".to_owned()),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, max_global_rejects: 100_000, ..ProptestConfig::default() })]

    #[test]
    fn no_look_up_that_fails_exempts_anybody_or_spares_anybody_a_refusal(
        config in configs(), login in logins(), groups in groups(), enrolled: bool, outage in prop::array::uniform5(any::<bool>()),
    ) {
        let policy = parsed(&config);
        prop_assume!(policy.is_ok());
        let policy = policy.unwrap();
        let [groups_down, gids, account, store, clock] = outage;
        let outage = Outage { groups: groups_down, gids, account, store, clock };
        let host = Scripted { outage, ..Scripted::new(&groups, enrolled) };
        let decision = login.decided(&policy, &host);
        let asked = host.asked.borrow().clone();
        let down = [("groups", groups_down), ("gid", gids), ("account", account), ("enrollment", store), ("now", clock)];
        let met_one = down.iter().any(|(question, is_down)| *is_down && asked.contains(question));
        let healthy = login.decided(&policy, &Scripted::new(&groups, enrolled)).unwrap();
        match decision {
            Err(_) => prop_assert!(store && asked.contains(&"enrollment")),
            Ok(decision) => {
                prop_assert_eq!(decision.failed.is_some(), met_one);
                prop_assert!(!met_one || strictness(&decision) > 0, "{:?}", decision);
                prop_assert!(strictness(&decision) >= strictness(&healthy), "{:?} {:?}", decision, healthy);
            }
        }
    }

    #[test]
    fn to_see_fewer_groups_of_somebody_never_makes_a_login_laxer(
        config in configs(), login in logins(), (all, fewer) in groups().prop_flat_map(|all| {
            let count = all.len();
            (Just(all.clone()), subsequence(all, 0..=count))
        }), enrolled: bool,
    ) {
        let policy = parsed(&config);
        prop_assume!(policy.is_ok());
        let policy = policy.unwrap();
        let strictness = |groups: &[u32]| strictness(&login.decided(&policy, &Scripted::new(groups, enrolled)).unwrap());
        prop_assert!(strictness(&fewer) >= strictness(&all));
    }

    #[test]
    fn a_second_reader_of_the_rules_decides_alike_and_whoever_looks_on_changes_nothing(
        config in configs(), login in logins(), groups in groups(), enrolled: bool,
    ) {
        let policy = parsed(&config);
        prop_assume!(policy.is_ok());
        let policy = policy.unwrap();
        let host = Scripted::new(&groups, enrolled);
        let mut noted = Noted::default();
        let seen = login.observed(&policy, &host, &mut noted).unwrap();
        let unseen = login.decided(&policy, &host).unwrap();
        prop_assert_eq!((&seen.requirement, &seen.by), (&unseen.requirement, &unseen.by));
        let (level, by) = read_again(&policy, login, &host);
        prop_assert_eq!(strictness(&seen), level);
        match &seen.by {
            By::Rule(name) => {
                let index = policy.rules.iter().position(|rule| rule.name == *name).unwrap();
                prop_assert_eq!((noted.0.len(), by), (index, format!("rule:{name}")));
            }
            By::Default | By::DefaultEnrolled | By::DefaultNotEnrolled | By::DefaultUntil | By::Nullok => prop_assert_eq!((noted.0.len(), by), (policy.rules.len(), "default".to_owned())),
        }
        for question in ["groups", "enrollment", "account", "now"] {
            prop_assert!(host.asked.borrow().iter().filter(|asked| **asked == question).count() <= 2, "once a login");
        }
    }
}
