// SPDX-License-Identifier: MIT OR Apache-2.0
//! A database of accounts that fails, or answers strangely: nobody gets in over it, nobody is exempt, and the log tells
//! an outage from a name that is none. How long a look-up takes is libc's affair and not bounded here.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "tests")]

mod scene;

use std::path::Path;
use std::process::Output;

use scene::*;

const DRIVER: &str = "/opt/nightlatch/driver";
const OUTAGE: &str = "the account database does not answer";
const REMEDY: &str = "check the name service (nsswitch.conf, sssd)";

/// Runs a program in a mount namespace of its own, after `script`.
fn run_where(script: &str, environment: &[&str], words: &[&str]) -> Output {
    let shell = format!("{script}\nshift\nexec env LD_LIBRARY_PATH=/opt/nightlatch \"$@\"");
    // Where something hangs there is no answer.
    let begin = ["20", "unshare", "--mount", "sh", "-ec", &shell, "-", "-"];
    run("timeout", &[&begin, environment, words].concat())
}

/// /etc/nsswitch.conf has this line for accounts, and no other.
fn nsswitch(services: &str) -> String {
    let file = format!("/tmp/{}", unique("nsswitch"));
    format!("echo 'passwd: {services}' >{file}; mount --bind {file} /etc/nsswitch.conf")
}

fn login_where(script: &str, environment: &[&str], service: &Service, name: &str, reply: &str) -> Driven {
    in_the_bed();
    let words = [DRIVER, "--no-delay", "--pamuser-after", "--reply", reply, &service.name, name];
    let output = run_where(script, environment, &words);
    Driven { output: format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr)) }
}

/// A strict line, and one with nullok where nothing but an exemption or an acceptance gets in.
struct Site {
    strict: Service,
    nullok: Service,
    ann: Person,
    bob: Person,
}

impl Site {
    fn new() -> Self {
        let (ann, bob) = (Person::enrolled("ann"), Person::stranger("bob"));
        Self { strict: Service::behind_a_success(""), nullok: Service::behind_a_success("nullok"), ann, bob }
    }

    /// Both people, both lines, with a code that is right: each time this answer after so many prompts, and this in the log.
    fn refuses(&self, script: &str, environment: &[&str], answer: &str, prompts: usize, cause: &str) {
        for service in [&self.strict, &self.nullok] {
            for name in [&self.ann.name, &self.bob.name] {
                let journal = Journal::mark();
                let driven = login_where(script, environment, service, name, &self.ann.backup_codes[0]);
                let seen = (driven.answer(), driven.prompts());
                assert_eq!(seen, (answer.to_owned(), prompts), "{script} {environment:?}: {}", driven.output);
                assert!(driven.is_plain_refusal(), "{}", driven.output);
                let lines = journal.lines(&service.name);
                assert!(lines.contains(cause) && lines.contains("user=unknown"), "{script} {environment:?}: {lines}");
            }
        }
    }

    fn is_well(&self) {
        let status = self.ann.status();
        assert_eq!((&status["failures"], &status["backup_codes_left"]), (&0.into(), &10.into()), "{status}");
        assert_eq!(attempt(&self.strict, &self.ann.name, &self.ann.backup_codes[0]).answer(), "PAM_SUCCESS");
    }
}

fn uid_of(person: &Person) -> String {
    ok("id", &["-u", &person.name]).trim().to_owned()
}

/// The name service's answers, one for each look-up.
fn says(words: &str) -> String {
    format!("BED_NSS={words}")
}

#[test]
fn a_name_service_that_fails_keeps_everybody_out_and_exempts_nobody() {
    let site = Site::new();
    // EIO, EAGAIN, ENOENT, ECONNREFUSED, ETIMEDOUT; ERANGE asks for more room each time.
    for words in ["unavail:5", "tryagain:11", "unavail:2", "unavail:111", "tryagain:110", "tryagain:34"] {
        site.refuses(&nsswitch("bed"), &[&says(words)], "PAM_SYSTEM_ERR", 0, "fault user=unknown service=");
        site.refuses(&nsswitch("bed"), &[&says(words)], "PAM_SYSTEM_ERR", 0, OUTAGE);
    }
    site.is_well();
}

/// The way back is asked for where a database spells a name otherwise, and before anybody counts as not enrolled.
#[test]
fn a_name_service_that_fails_on_the_way_back_from_the_uid_exempts_nobody() {
    let site = Site::new();
    let (ann, bob) = (&site.ann, &site.bob);
    for (answer, prompts, cause, back) in
        [("PAM_SYSTEM_ERR", 0, REMEDY, "unavail:5"), ("PAM_USER_UNKNOWN", 1, "no such account", "notfound")]
    {
        // Strict, whether somebody is enrolled is not known before a code was typed.
        for (found, service, prompts) in [
            (ann, &site.strict, prompts),
            (ann, &site.nullok, prompts),
            (bob, &site.strict, 1),
            // Whom nothing exempts is asked like everybody.
            (bob, &site.nullok, 1),
        ] {
            let journal = Journal::mark();
            let words = says(&format!("{}:{} {back}", found.name, uid_of(found)));
            let driven = login_where(&nsswitch("bed"), &[&words], service, &bob.name, &ann.backup_codes[0]);
            assert_eq!((driven.answer().as_str(), driven.prompts()), (answer, prompts), "{words}: {}", driven.output);
            assert!(driven.is_plain_refusal(), "{}", driven.output);
            let lines = journal.lines(&service.name);
            assert!(lines.contains(cause), "{words}: {lines}");
        }
    }
    site.is_well();
}

/// /etc/nsswitch.conf has this line for groups; accounts are in the files.
fn group_nsswitch(services: &str) -> String {
    let file = format!("/tmp/{}", unique("nsswitch"));
    format!("printf 'passwd: files\\ngroup: {services}\\n' >{file}; mount --bind {file} /etc/nsswitch.conf")
}

/// A line whose one rule exempts a group, which has ann in it.
fn exempting(ann: &Person, by_gid: bool) -> (Service, String) {
    let group = unique("group");
    ok("groupadd", &[&group]);
    ok("usermod", &["-aG", &group, &ann.name]);
    let gid = ok("getent", &["group", &group]).split(':').nth(2).unwrap().to_owned();
    let named = if by_gid { gid.clone() } else { format!("'{group}'") };
    let rule = format!("[[rule]]\nname = 'friends'\naction = 'exempt'\ngroup = [{named}]\n");
    (Service::behind_a_success(&format!("config={}", config(&rule))), gid)
}

#[test]
fn a_group_database_that_fails_exempts_nobody_and_codes_go_on() {
    let ann = Person::enrolled("ann");
    let (by_name, gid) = exempting(&ann, false);
    let word = |word: &str| format!("BED_NSS_GROUP={word}");
    let login = |services: &str, environment: &str, code: &str| {
        let journal = Journal::mark();
        let driven = login_where(&group_nsswitch(services), &[environment], &by_name, &ann.name, code);
        (driven.answer(), driven.prompts(), journal.all())
    };
    let (answer, prompts, log) = login("files", &word("notfound"), "");
    assert_eq!((answer.as_str(), prompts), ("PAM_SUCCESS", 0), "{log}");
    assert!(log.contains(" by=rule:friends"), "{log}");
    for (nth, error) in ["unavail:5", "unavail:111", "tryagain:110"].into_iter().enumerate() {
        let (answer, prompts, log) = login("bed", &word(error), &ann.backup_codes[nth]);
        assert_eq!((answer.as_str(), prompts), ("PAM_SUCCESS", 1), "{error}: {log}");
        let line = log.lines().find(|line| line.contains("lookup-failed")).unwrap_or_else(|| panic!("{error}: {log}"));
        assert!(line.contains("the group database does not answer for") && line.contains(REMEDY), "{line}");
        assert_eq!(login("bed", &word(error), &ann.wrong_code()).0, "PAM_AUTH_ERR", "{error}");
    }
    // A group that there is not holds nobody, and that is no failure.
    let (answer, prompts, log) = login("bed", &word("notfound"), &ann.wrong_code());
    assert_eq!((answer.as_str(), prompts, log.contains("lookup-failed")), ("PAM_AUTH_ERR", 1, false), "{log}");
    assert_eq!(login("bed", &word(&format!("is:{gid}")), "").1, 0);
}

/// libc tells nobody that it could not ask for somebody's groups: this is why rules for groups may only relax.
#[test]
fn groups_that_are_not_seen_make_no_login_laxer() {
    let ann = Person::enrolled("ann");
    let (by_gid, gid) = exempting(&ann, true);
    let only = format!(
        "[[rule]]\nname = 'friends'\naction = 'require'\ngroup = [{gid}]\n[[rule]]\nname = 'others'\naction = 'refuse'\n"
    );
    let only = Service::behind_a_success(&format!("config={}", config(&only)));
    let login = |services: &str, service: &Service, code: &str| {
        let outage = ["BED_NSS_GROUP=unavail:5"];
        let driven = login_where(&group_nsswitch(services), &outage, service, &ann.name, code);
        (driven.answer(), driven.prompts())
    };
    let answers = |answer: &str, prompts| (answer.to_owned(), prompts);
    assert_eq!(login("files", &by_gid, ""), answers("PAM_SUCCESS", 0));
    assert_eq!(login("files", &only, &ann.backup_codes[0]), answers("PAM_SUCCESS", 1));
    for services in ["bed", "there-is-none"] {
        assert_eq!(login(services, &by_gid, &ann.wrong_code()), answers("PAM_AUTH_ERR", 1), "{services}");
        let journal = Journal::mark();
        assert_eq!(login(services, &only, &ann.backup_codes[1]), answers("PAM_AUTH_ERR", 1), "{services}");
        assert!(journal.lines(&only.name).contains("by=rule:others"), "{services}: {}", journal.all());
    }
    assert_eq!(ann.status()["backup_codes_left"], 9, "what a rule refuses is not judged");
}

#[test]
fn whoever_s_uid_cannot_be_asked_for_is_exempt_by_no_rule() {
    let (ann, bob) = (Person::enrolled("ann"), Person::stranger("bob"));
    let rule = "[[rule]]\nname = 'all'\naction = 'exempt'\n";
    let service = Service::behind_a_success(&format!("config={}", config(rule)));
    assert_eq!(attempt(&service, &bob.name, "").prompts(), 0);
    for (person, answer) in [(&ann, "PAM_SUCCESS"), (&bob, "PAM_SYSTEM_ERR")] {
        let words = says(&format!("{}:{} unavail:5", person.name, uid_of(person)));
        let journal = Journal::mark();
        let driven = login_where(&nsswitch("bed"), &[&words], &service, &person.name, &ann.backup_codes[0]);
        assert_eq!((driven.answer().as_str(), driven.prompts()), (answer, 1), "{}", driven.output);
        let log = journal.all();
        assert!(log.contains("lookup-failed") && log.contains(OUTAGE), "{log}");
    }
}

/// One question less that can fail, and for sites with a directory one journey less: the record says for whom it is.
#[test]
fn whoever_is_enrolled_logs_in_by_one_question_to_the_name_service() {
    let site = Site::new();
    let words = says(&format!("{}:{} unavail:5", site.ann.name, uid_of(&site.ann)));
    let service = Service::alone("");
    let driven = login_where(&nsswitch("bed"), &[&words], &service, &site.ann.name, &site.ann.backup_codes[1]);
    assert_eq!(driven.answer(), "PAM_SUCCESS", "{}", driven.output);
}

#[test]
fn whom_the_name_service_does_not_know_is_asked_and_refused() {
    let site = Site::new();
    site.refuses(&nsswitch("bed"), &[&says("notfound")], "PAM_USER_UNKNOWN", 1, "cause=\"no such account\"");
    site.is_well();
}

/// libc itself does not tell these from a name that it does not know: whatever it says, nobody gets in.
#[test]
fn without_a_name_service_nobody_gets_in_or_is_exempt() {
    let site = Site::new();
    // A FIFO there would hold libc for ever, and every program of the host with it.
    let empty = "mount --bind /dev/null /etc/passwd".to_owned();
    // Not all of /etc: other tests change it meanwhile.
    let instead = |what: &str| {
        let (etc, services) = (format!("/tmp/{}", unique("etc")), [&site.strict.name, &site.nullok.name]);
        let [strict, nullok] = services.map(|name| format!("/etc/pam.d/{name}"));
        format!(
            "rm -rf {etc}; mkdir -p {etc}/pam.d; cp {strict} {nullok} {etc}/pam.d; cp --archive /etc/nightlatch {etc}
            {what} {etc}/passwd; mount --bind {etc} /etc"
        )
    };
    let unreadable = "touch /tmp/unreadable; chown 1 /tmp/unreadable; chmod 600 /tmp/unreadable
        mount --bind /tmp/unreadable /etc/passwd
        shift; set -- - setpriv --bounding-set=-all --inh-caps=-all -- \"$@\"";
    for script in [nsswitch("there-is-none"), empty, instead("mkdir"), instead("true"), unreadable.to_owned()] {
        let script = script.as_str();
        for service in [&site.strict, &site.nullok] {
            for name in [&site.ann.name, &site.bob.name, "root"] {
                let driven = login_where(script, &[], service, name, &site.ann.backup_codes[0]);
                assert!(
                    ["PAM_USER_UNKNOWN", "PAM_SYSTEM_ERR"].contains(&driven.answer().as_str()),
                    "{script}: {driven:?}"
                );
                assert!(driven.is_plain_refusal(), "{script}: {driven:?}");
            }
        }
    }
    site.is_well();
}

#[test]
fn an_account_s_own_name_is_the_one_that_the_database_spells() {
    let site = Site::new();
    let (ann, uid, journal) = (&site.ann, uid_of(&site.ann), Journal::mark());
    let (shouted, answer) = (ann.name.to_uppercase(), says(&format!("{}:{uid}", ann.name)));
    for service in [&site.strict, &site.nullok] {
        let driven = login_where(&nsswitch("bed"), &[&answer], service, &shouted, &ann.wrong_code());
        assert_eq!((driven.answer().as_str(), driven.prompts()), ("PAM_AUTH_ERR", 1), "{}", driven.output);
    }
    assert_eq!(ann.status()["failures"], 2, "one person, one counter");
    let driven = login_where(&nsswitch("bed"), &[&answer], &site.strict, &shouted, &ann.backup_codes[0]);
    assert_eq!(driven.answer(), "PAM_SUCCESS", "{}", driven.output);
    assert!(driven.output.contains(&format!("pamuser \"{shouted}\"\n")), "{}", driven.output);
    let lines = journal.lines(&format!("user={} uid={uid} ", ann.name));
    assert_eq!(lines.lines().count(), 3, "{lines}");
}

#[test]
fn a_name_that_leads_to_another_account_takes_that_account_s_code() {
    let site = Site::new();
    let (carl, journal) = (Person::enrolled("carl"), Journal::mark());
    let answer = says(&format!("{}:{}", carl.name, uid_of(&carl)));
    let login = |code: &str| login_where(&nsswitch("bed"), &[&answer], &site.nullok, &site.ann.name, code).answer();
    assert_eq!(login(&site.ann.backup_codes[0]), "PAM_AUTH_ERR");
    assert_eq!(login(&carl.backup_codes[0]), "PAM_SUCCESS");
    let lines = journal.lines(&site.nullok.name);
    assert_eq!(lines.matches(&format!("user={} uid=", carl.name)).count(), 2, "{lines}");
    site.is_well();
}

/// Uids that nobody can be enrolled under: a record that lies there by hand is another's, and unseals for nobody.
#[test]
fn an_account_with_a_uid_that_means_nobody_gets_in_by_no_code() {
    let site = Site::new();
    let file = |uid: &str| format!("/var/lib/nightlatch/users/{uid}");
    for uid in ["65534", "65535", "4294967295", "61184"] {
        let answer = says(&format!("carl:{uid}"));
        let login = |service: &Service| {
            login_where(&nsswitch("bed"), &[&answer], service, "carl", &site.ann.backup_codes[0]).answer()
        };
        // Who cannot be enrolled is not enrolled: nullok exempts, and a strict line refuses.
        assert_eq!([login(&site.strict), login(&site.nullok)], ["PAM_AUTH_ERR", "PAM_SUCCESS"], "{uid}");
        let words = ["nightlatch", "enroll", "--no-confirm", "carl"];
        let refused = run_where(&nsswitch("bed"), &[&answer], &words);
        assert!(!refused.status.success() && !Path::new(&file(uid)).exists(), "{uid}: {refused:?}");
        ok("cp", &["--archive", &file(&uid_of(&site.ann)), &file(uid)]);
        assert_eq!([login(&site.strict), login(&site.nullok)], ["PAM_AUTHINFO_UNAVAIL"; 2], "{uid}");
        ok("rm", &[&file(uid)]);
    }
    site.is_well();
}

#[test]
fn an_entry_of_any_length_is_read_up_to_a_mebibyte_and_no_further() {
    let site = Site::new();
    let login = |bytes: usize| {
        let answer = says(&format!("{}:{}:{bytes}", site.ann.name, uid_of(&site.ann)));
        login_where(&nsswitch("bed"), &[&answer], &site.strict, &site.ann.name, &site.ann.wrong_code()).answer()
    };
    assert_eq!([login(600_000), login(2_000_000)], ["PAM_AUTH_ERR", "PAM_SYSTEM_ERR"]);
    assert_eq!(site.ann.status()["failures"], 1);
}

#[test]
fn the_administrator_s_program_tells_an_outage_from_a_name_that_is_none() {
    let site = Site::new();
    for words in [
        &["enroll", "--no-confirm", &site.bob.name][..],
        &["enroll", "--no-confirm", "--replace", &site.ann.name],
        &["status", &site.ann.name],
        &["unlock", &site.ann.name],
        &["backup-codes", "--yes", &site.ann.name],
        &["remove", "--yes", &site.ann.name],
    ] {
        for (answer, status, cause) in [("unavail:5", 1, OUTAGE), ("notfound", 4, "no such account")] {
            let output = run_where(&nsswitch("bed"), &[&says(answer)], &[&["nightlatch"], words].concat());
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.code() == Some(status) && said.contains(cause), "{words:?} {answer}: {said}");
        }
    }
    site.is_well();
}

#[test]
fn an_account_that_changes_between_two_look_ups_gets_nobody_in() {
    let site = Site::new();
    let (ann, bob, uid) = (&site.ann, &site.bob, uid_of(&site.ann));
    let others = uid_of(bob);
    ok("nightlatch", &["enroll", "--no-confirm", "--quiet", "root"]);
    for (words, answer) in [
        // The uid is another's by now.
        (format!("{}:{uid} {}:{uid}", ann.name, bob.name), "PAM_AUTH_ERR"),
        // A second name of root, whichever of the two the database gives back.
        ("toor:0 root:0".to_owned(), "PAM_AUTH_ERR"),
        ("toor:0".to_owned(), "PAM_AUTHINFO_UNAVAIL"),
        // Bob's name on ann's file: the seal holds her name.
        (format!("{}:{uid}", bob.name), "PAM_AUTHINFO_UNAVAIL"),
        // Names that are none.
        (format!("-{}:{uid}", ann.name), "PAM_USER_UNKNOWN"),
        (format!("../{}:{others}", ann.name), "PAM_USER_UNKNOWN"),
    ] {
        let code = &ann.backup_codes[0];
        for service in [&site.strict, &site.nullok] {
            let driven = login_where(&nsswitch("bed"), &[&says(&words)], service, &bob.name, code);
            assert_eq!(driven.answer(), answer, "{words}: {}", driven.output);
            assert!(driven.is_plain_refusal(), "{words}: {}", driven.output);
        }
    }
    site.is_well();
}
