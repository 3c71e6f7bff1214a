// SPDX-License-Identifier: MIT OR Apache-2.0
//! People: records whose account is another or gone, who is blocked, and whom the policy locks out or lets through unasked.
//! The login's own rules decide, for each account of this host that can log in.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use nightlatch::config::DEFAULT_PATH;
use nightlatch::origin::Origin;
use nightlatch::policy::{self, By, Circumstances, HostLookups, Leniency, PublicKey, Requirement, Unobserved};
use nightlatch::store::{Enrollment, LockFailure, Store};
use nightlatch::user::{Account, Named, UserName};
use nightlatch::verify::judge;
use nightlatch::verify::throttle::Admission;
use nightlatch::waiver;

use super::kind::Word;
use super::sshd::settings_of;
use super::stacks::Service;
use super::{Finding, Machine, Report, Subject, some_of};
use crate::failure::Failure;
use crate::site::Site;

/// Each is asked of the name service, which may be far away.
const MOST_PEOPLE: usize = 2000;
/// Services whose PAM_RHOST is empty.
const LOCAL: [&str; 12] = [
    "sudo",
    "sudo-i",
    "su",
    "su-l",
    "login",
    "i3lock",
    "swaylock",
    "polkit-1",
    "gdm-password",
    "lightdm",
    "sddm",
    "doas",
];

/// What the records say, taken together.
#[derive(Debug, Default)]
pub(super) struct Records {
    pub(super) enrolled: usize,
    pub(super) blocked: Vec<String>,
    pub(super) few_codes: usize,
    pub(super) bypass: usize,
    pub(super) waived: usize,
    pub(super) short_secrets: usize,
}

pub(super) fn examine(machine: &Machine<'_>, services: &[Service], report: &mut Report) {
    let Some(site) = machine.site else { return report.skipped(Subject::People, "the config cannot be read") };
    let accounts = match accounts(machine) {
        Some(accounts) => accounts,
        None => return report.skipped(Subject::People, "'getent passwd' does not answer"),
    };
    match records(site, &accounts, report) {
        Ok(records) => {
            told(&records, report);
            decided(machine, (services, &accounts), site, report);
        }
        Err(failure) => report.skipped(Subject::People, failure.to_string()),
    }
}

fn told(records: &Records, report: &mut Report) {
    if !records.blocked.is_empty() {
        let message = format!("blocked after too many wrong codes from some place: {}", some_of(&records.blocked));
        let remedy = "see the log from where ('journalctl -g nightlatch'), then 'nightlatch unlock USER'";
        report.found(Finding::new(Word::Blocked.into(), message, remedy));
    }
    let mut message = format!("{} enrolled", records.enrolled);
    for (count, what) in [
        (records.few_codes, "with three backup codes or fewer"),
        (records.bypass, "with a bypass code that is good"),
        (records.waived, "waived for now"),
        (records.short_secrets, "with a secret of less than 128 bits"),
    ] {
        if count > 0 {
            message.push_str(&format!(", {count} {what}"));
        }
    }
    report.looked(Subject::People, message);
}

/// An account of this host.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    name: String,
    uid: u32,
    can_log_in: bool,
}

/// All accounts that the name service lists. Some services list none, and are asked by uid then.
pub(super) fn accounts(machine: &Machine<'_>) -> Option<Vec<Entry>> {
    let said = machine.programs.run("getent", &["passwd"]).ok().filter(|said| said.status == 0)?;
    let shadow = machine.text("/etc/shadow").unwrap_or_default();
    let passwords: BTreeMap<&str, &str> = shadow
        .lines()
        .filter_map(|line| line.split_once(':'))
        .map(|(name, rest)| (name, rest.split(':').next().unwrap_or_default()))
        .collect();
    let entry = |line: &str| {
        let mut fields = line.split(':');
        let (name, uid, shell) = (fields.next()?, fields.nth(1)?.parse().ok()?, fields.nth(3)?);
        let has_shell = !["nologin", "false", "sync", "halt", "shutdown"].iter().any(|no| shell.ends_with(no));
        // Who has no password of this host's may have one of the network's; who has one that is locked has none.
        let has_password = passwords.get(name).is_none_or(|hash| is_usable(hash));
        Some(Entry { name: name.to_owned(), uid, can_log_in: has_shell && has_password })
    };
    let entries: Vec<Entry> = said.stdout.lines().filter_map(entry).collect();
    // A list without root is no list: a name service that fails may say nothing at all.
    entries.iter().any(|entry| entry.uid == 0).then_some(entries)
}

/// Whether a field of shadow lets anybody in by a password.
pub(super) fn is_usable(hash: &str) -> bool {
    !hash.starts_with(['!', '*']) && hash != "x"
}

/// Goes through all records, once.
pub(super) fn records(site: &Site, accounts: &[Entry], report: &mut Report) -> Result<Records, Failure> {
    let by_uid: BTreeMap<u32, Vec<&str>> = accounts.iter().fold(BTreeMap::new(), |mut by_uid, entry| {
        by_uid.entry(entry.uid).or_insert_with(Vec::new).push(&entry.name);
        by_uid
    });
    let (store, now) = (site.store()?, site.now()?);
    let mut records = Records::default();
    for (uid, person) in store.people()? {
        // What does not open is the store's subject.
        let Ok(person) = person else { continue };
        records.enrolled = records.enrolled.saturating_add(1);
        let name = person.name.as_str();
        if by_uid.get(&uid).is_none_or(|names| names.first() != Some(&name)) {
            another_account(uid, name, report);
        }
        let open = match store.lock_uid(uid) {
            Ok(locked) => match locked.open_as_made() {
                Ok(open) => open,
                Err(_) => continue,
            },
            Err(LockFailure::NotEnrolled(_) | LockFailure::Fault(_)) => continue,
        };
        let (record, ledger) = (open.record(), open.ledger());
        match ledger.throttle.standing(&site.config.rules().limits, now) {
            Admission::Blocked => records.blocked.push(name.to_owned()),
            Admission::Open | Admission::Waiting { .. } => {}
        }
        let one_if = usize::from;
        let codes = judge::backup_codes_left(record, ledger);
        records.few_codes = records.few_codes.saturating_add(one_if(codes <= 3));
        let is_good = |bypass: &nightlatch::record::Bypass| bypass.uses_left(ledger.bypass_uses, now.wall) > 0;
        records.bypass = records.bypass.saturating_add(one_if(record.bypass.as_ref().is_some_and(is_good)));
        let is_waived = waiver::in_force(record, ledger, now.wall).is_some();
        records.waived = records.waived.saturating_add(one_if(is_waived));
        let has_short = record.devices.iter().any(|device| device.secret.is_short());
        records.short_secrets = records.short_secrets.saturating_add(one_if(has_short));
    }
    Ok(records)
}

/// The list may be short of people; asked by uid, the name service knows them all.
fn another_account(uid: u32, name: &str, report: &mut Report) {
    match Account::of_uid(uid) {
        Ok(Some(account)) if account.name().as_str() == name => {}
        Ok(Some(account)) => {
            let now = account.name();
            let message = format!("the record of uid {uid} was made for '{name}', whose name is '{now}' now: refused");
            let remedy = format!("if that is the same person: 'nightlatch rebind {now} --from-name {name}'");
            report.found(Finding::new(Word::Renamed.into(), message, remedy));
        }
        Ok(None) => {
            let message = format!("the record of '{name}' has no account any more: uid {uid} is gone");
            let remedy = format!("'nightlatch remove --uid {uid}', before somebody else gets that uid");
            report.found(Finding::new(Word::Orphaned.into(), message, remedy));
        }
        Err(error) => {
            let remedy = "check the name service (nsswitch.conf, sssd), then run it again";
            report.found(Finding::new(Word::AccountsUnknown.into(), error.to_string(), remedy));
        }
    }
}

/// What a policy does to people, in the words of the findings.
#[derive(Debug, Default)]
struct Fates {
    refused: (BTreeSet<String>, BTreeSet<String>),
    let_through: (BTreeSet<String>, BTreeSet<String>),
    by_rule: BTreeSet<String>,
}

fn decided(machine: &Machine<'_>, (services, accounts): (&[Service], &[Entry]), site: &Site, report: &mut Report) {
    let services: Vec<_> =
        services.iter().filter(|service| service.goes_by(&machine.config, Path::new(DEFAULT_PATH))).collect();
    if services.is_empty() {
        return;
    }
    let Ok(store) = site.store() else { return };
    let lookups = HostLookups::new(&site.config, &site.random, &site.clock);
    let mut fates = Fates::default();
    let can_log_in: Vec<_> = accounts.iter().filter(|entry| entry.can_log_in).collect();
    let root_comes_by = |service: &Service| match service.name.as_str() {
        // Whoever is root already is not asked.
        "sudo" | "sudo-i" => false,
        // By a key at most, unless it says yes; where sshd does not tell, not at all.
        "sshd" => settings_of(machine, "root").is_ok_and(|settings| settings.value("permitrootlogin") == "yes"),
        _ => true,
    };
    let of_root: Vec<&Service> = services.iter().copied().filter(|service| root_comes_by(service)).collect();
    for entry in can_log_in.iter().take(MOST_PEOPLE) {
        let named = UserName::parse(entry.name.as_bytes()).ok().and_then(|name| Named::look_up(&name).ok());
        let Some(named) = named else { continue };
        for service in if entry.uid == 0 { &of_root } else { &services } {
            fate(&named, service, (&lookups, &store), site, &mut fates);
        }
    }
    if can_log_in.len() > MOST_PEOPLE {
        let message = format!("what the policy does to {MOST_PEOPLE} of {} people who can log in", can_log_in.len());
        report.looked(Subject::People, message);
    }
    tell(&fates, report);
}

fn fate(
    named: &Named,
    service: &Service,
    (lookups, store): (&HostLookups<'_>, &Store<'_>),
    site: &Site,
    fates: &mut Fates,
) {
    let circumstances = Circumstances {
        service: &service.name,
        // No address at all would be a console; an address in no network is what a stranger has.
        origin: if LOCAL.contains(&service.name.as_str()) { Origin::Local } else { Origin::of(Some("elsewhere")) },
        key: if service.says("require_key") { PublicKey::Seen } else { PublicKey::NotSeen },
        leniency: if service.says("nullok") { Leniency::Nullok } else { Leniency::Strict },
    };
    let Ok(decision) = policy::decide(site.config.policy(), &circumstances, named, lookups, &mut Unobserved) else {
        return;
    };
    let Ok(enrollment) = store.enrollment(named) else { return };
    let who = named.name().as_str().to_owned();
    let add = |(people, places): &mut (BTreeSet<String>, BTreeSet<String>)| {
        people.insert(who.clone());
        places.insert(service.name.clone());
    };
    match (&decision.requirement, enrollment) {
        (Requirement::Code(_), Enrollment::Enrolled(_)) => {}
        (Requirement::Code(_), Enrollment::NotEnrolled(word)) => {
            let invited = || {
                Some(named.account().ok()?)
                    .and_then(|account| store.invited(&account, word, site.now().ok()?.wall).ok().flatten())
            };
            let may_enroll =
                service.offers_enrollment() && decision.leaves_room_for_invitation() && invited().is_some();
            if !may_enroll {
                add(&mut fates.refused);
            }
        }
        // Offered: enrolled in the login. Not offered: asked, and refused.
        (Requirement::Enrollment(_), _) if service.offers_enrollment() => {}
        (Requirement::Enrollment(_) | Requirement::NoAccount(_), _) => add(&mut fates.refused),
        // A rule that says so is meant so.
        (Requirement::Refusal, _) => {}
        (Requirement::Exempt(_), _) => match &decision.by {
            By::Rule(name) => {
                fates.by_rule.insert(name.to_string());
            }
            By::Default | By::DefaultEnrolled | By::DefaultNotEnrolled | By::DefaultUntil | By::Nullok => {
                add(&mut fates.let_through);
            }
        },
    }
}

fn tell(fates: &Fates, report: &mut Report) {
    let listed = |names: &BTreeSet<String>| some_of(&names.iter().cloned().collect::<Vec<_>>());
    let (people, places) = &fates.refused;
    if !people.is_empty() {
        let message =
            format!("can log in, are not enrolled, and are refused by {}: {}", listed(places), listed(people));
        let remedy = "'nightlatch enroll USER', or 'nullok' on the line until all are enrolled";
        report.found(Finding::new(Word::LockedOut.into(), message, remedy));
    }
    let (people, places) = &fates.let_through;
    if !people.is_empty() {
        let message = format!("let in without a code by {}: {}", listed(places), listed(people));
        let remedy =
            "enroll them; then not_enrolled = \"refuse\" under [default] in the config, which wins over 'nullok'";
        report.found(Finding::new(Word::LetThrough.into(), message, remedy));
    }
    if !fates.by_rule.is_empty() {
        report.looked(Subject::People, format!("rules that exempt somebody: {}", listed(&fates.by_rule)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::machine::Said;
    use crate::doctor::tests::{Answers, Fixture};

    #[test]
    fn whoever_has_no_shell_or_no_password_cannot_log_in() {
        let fixture =
            Fixture::new(&[("etc/shadow", "root:*:1::::::\nann:$y$x:1::::::\nbob:!$y$x:1::::::\ncarl:$y$x:1::::::\n")]);
        let passwd = "root:x:0:0:r:/root:/bin/bash\nann:x:1:1::/:/bin/sh\nbob:x:2:2::/:/bin/sh\n\
                      carl:x:3:3::/:/usr/sbin/nologin\nnet:x:4:4::/:/bin/bash\nodd\n";
        let answers = Answers::of(&[("getent", Said { stdout: passwd.to_owned(), ..Said::default() })]);
        let entries = accounts(&fixture.machine(&answers)).unwrap();
        let who: Vec<_> = entries.iter().filter(|entry| entry.can_log_in).map(|entry| entry.name.as_str()).collect();
        assert_eq!((entries.len(), who), (5, vec!["ann", "net"]));
        assert!(accounts(&fixture.machine(&Answers::of(&[]))).is_none());
    }
}
