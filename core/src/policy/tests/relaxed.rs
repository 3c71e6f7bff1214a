// SPDX-License-Identifier: MIT OR Apache-2.0
//! Rules for groups that would tighten, and what else a rule may not say: each is refused with its place and its reason.

use super::*;

const ADMINS: &str = "[[rule]]\nname = 'admins'\naction = 'require'\ngroup = ['wheel']\n";
const OFFICE: &str = "[[rule]]\nname = 'office'\naction = 'exempt'\nsource = ['10.0.0.0/8']\n";
const STRICT: &str = "[default]\nnot_enrolled = 'refuse'\n";

#[test]
fn a_rule_for_a_group_may_not_be_stricter_than_what_decides_where_the_group_is_not_seen() {
    let rule =
        |action: &str, more: &str| format!("[[rule]]\nname = 'g'\naction = '{action}'\ngroup = ['wheel']\n{more}\n");
    for (text, laxer) in [
        (format!("{STRICT}{ADMINS}{OFFICE}"), "rule 'office' (line 7) exempts"),
        (ADMINS.to_owned(), "nullok on a module's line exempts, unless default.not_enrolled = \"refuse\" is set,"),
        (format!("{ADMINS}[default]\nnot_enrolled = 'exempt'"), "default.not_enrolled exempts"),
        (format!("{ADMINS}[default]\nnot_enrolled_exempt_until = 2027-01-01"), "exempts for some time"),
        (format!("{STRICT}enrolled = 'exempt'\n{ADMINS}"), "default.enrolled exempts"),
        (format!("{STRICT}{}", rule("refuse", "")), "default.enrolled only requires a code"),
        (format!("{STRICT}enrolled = 'refuse'\n{}", rule("refuse", "")), "default.not_enrolled only asks for a code"),
        (format!("{STRICT}enrolled = 'exempt'\n{}", rule("require", "enrolled = true")), "default.enrolled exempts"),
        (format!("{STRICT}{}{OFFICE}", rule("require", "source = ['10.1.0.0/16']")), "rule 'office'"),
        (format!("{STRICT}{}{OFFICE}", rule("require", "source = ['0.0.0.0/0']")), "rule 'office'"),
    ] {
        let error = parsed(&text).unwrap_err();
        let at = text.lines().position(|line| line == "[[rule]]").unwrap() + 1;
        assert!(error.starts_with(&format!("/c.toml:{at}:1: rule '")), "{error}");
        assert!(error.contains(laxer) && error.contains("a rule for a group may only relax"), "{error}");
    }
}

#[test]
fn a_rule_for_a_group_may_relax() {
    let rule =
        |action: &str, more: &str| format!("[[rule]]\nname = 'g'\naction = '{action}'\ngroup = ['wheel']\n{more}\n");
    let last = |action: &str, more: &str| format!("[[rule]]\nname = 'last'\naction = '{action}'\n{more}\n");
    for text in [
        rule("exempt", ""),
        format!("{OFFICE}{}", rule("exempt", "ssh_key = true")),
        // Only these, and nobody else.
        format!("{}{}", rule("require", ""), last("refuse", "")),
        format!("{}{}", rule("require", "service = ['sudo']"), last("refuse", "service = ['sudo', 'su']")),
        // What stands behind is never met by whom the rule is for.
        format!("{STRICT}{}{OFFICE}", rule("require", "source = ['local']")),
        format!("{STRICT}{}{}", rule("require", "service = ['sudo']"), last("exempt", "service = ['su']")),
        format!("{STRICT}{}{}", rule("require", "ssh_key = true"), last("exempt", "ssh_key = false")),
        format!("{STRICT}{}{}", rule("require", "user = ['bob']"), last("exempt", "user = ['ann']")),
        format!("{}enrolled = 'refuse'\n{}", STRICT, rule("refuse", "enrolled = true")),
        format!("{STRICT}{ADMINS}"),
        rule("require", "enrolled = true"),
    ] {
        assert!(parsed(&text).is_ok(), "{text}: {:?}", parsed(&text));
    }
}

#[test]
fn whoever_writes_but_not_these_is_told_how_to_write_it() {
    let rule = |condition: &str| format!("[[rule]]\nname = 'r'\naction = 'exempt'\n{condition}");
    let (groups, others) = ("no rule can be for those who are not in a group", "there is no 'not' in a rule");
    for (condition, place, sentence) in [
        ("group = ['staff', '!wheel']", "4:19", groups),
        ("group = ['-wheel']", "4:10", groups),
        ("not_group = ['wheel']", "4:1", groups),
        ("not_user = ['root']", "4:1", others),
        ("user = ['!root']", "4:9", others),
        ("service = ['!sudo']", "4:12", others),
        ("source = ['!10.0.0.0/8']", "4:11", others),
    ] {
        let error = parsed(&rule(condition)).unwrap_err();
        assert!(error.starts_with(&format!("/c.toml:{place}: {sentence}")), "{condition}: {error}");
    }
}

#[test]
fn what_a_rule_may_not_say_is_told_with_its_place() {
    let rule = |more: &str| format!("[[rule]]\nname = 'r'\naction = 'exempt'\n{more}");
    for (text, expected) in [
        ("rule = 1".to_owned(), "1:8: a list of tables is expected here: write it [[rule]]"),
        ("[rule]\nname = 'r'".to_owned(), "1:1: a list of tables"),
        ("rule = [1]".to_owned(), "1:9: a table is expected here, not: integer"),
        ("[[rule]]\naction = 'exempt'".to_owned(), "1:1: a rule has name = "),
        ("[[rule]]\nname = 'r'".to_owned(), "1:1: a rule has action = "),
        ("[[rule]]\nname = 'the office'\naction = 'exempt'".to_owned(), "2:8: a rule's name stands in the log"),
        (format!("[[rule]]\nname = '{}'\naction = 'exempt'", "r".repeat(33)), "2:8: a rule's name"),
        ("[[rule]]\nname = ''\naction = 'exempt'".to_owned(), "2:8: a rule's name"),
        ("[[rule]]\nname = 'r'\naction = 'ask'".to_owned(), "3:10: \"require\", \"exempt\", \"enroll\" or \"refuse\""),
        (format!("{}\n{}", rule(""), rule("")), "6:8: rule 'r' stands in line 1 already"),
        (rule("hours = '9-17'"), "4:1: unknown setting `hours`; known here are name, action, user,"),
        (rule("user = 'root'"), "4:8: a list, like [\"...\"], is expected here, not: string"),
        (rule("user = [0]"), "4:9: a string is expected here, not: integer"),
        (rule("user = ['']"), "4:9: the name of an account"),
        (rule("user = ['0']"), "4:9: the name of an account"),
        (rule("service = ['SSHD']"), "4:12: the name of a file in /etc/pam.d"),
        (rule("service = ['']"), "4:12: the name of a file"),
        (rule("source = ['office.example']"), "4:11: an address, a block of them"),
        (rule("source = ['10.0.0.0/33']"), "4:11: an address"),
        (rule("source = ['::ffff:10.0.0.0/104']"), "4:11: an IPv4 address that is mapped"),
        (rule("group = ['1000']"), "4:10: the name of a group, or its gid without quotes"),
        (rule("group = [-1]"), "4:10: 0 to 4294967295 is expected here"),
        (rule("group = [4294967296]"), "4:10: 0 to 4294967295"),
        (rule("group = [true]"), "4:10: the name of a group or its gid is expected here, not: boolean"),
        (rule("ssh_key = 'yes'"), "4:11: true or false is expected here, not: string"),
        (rule("enrolled = 1"), "4:12: true or false"),
        ("[default]\nenrolled = 'enroll'".to_owned(), "2:12: \"require\", \"exempt\" or \"refuse\""),
        ("[default]\nnot_enrolled_exempt_until = 2027-01-31T09:00:00".to_owned(), "2:29: a date like"),
        ("[default]\nnot_enrolled_exempt_until = 09:00:00".to_owned(), "2:29: a date like"),
        ("[default]\nnot_enrolled_exempt_until = 'soon'".to_owned(), "2:29: a date like"),
        ("[default]\nnot_enrolled_exempt_until = 2027".to_owned(), "2:29: a date or a time is expected here"),
        (
            "[default]\nnot_enrolled = 'exempt'\nnot_enrolled_exempt_until = 2027-01-31".to_owned(),
            "2:16: not_enrolled = \"exempt\" has no end",
        ),
    ] {
        let error = parsed(&text).unwrap_err();
        assert!(error.starts_with(&format!("/c.toml:{expected}")), "{text}: {error}");
    }
}

#[test]
fn everything_that_is_wrong_is_told_at_once_in_the_order_of_the_file() {
    let text =
        "stroe = 1\nprompt = ''\n[[rule]]\nname = 'a b'\nuser = ['!x', 'ok', 0]\n[totp]\nwindow = 9\nwindwo = 1\n";
    let errors = Config::parse_whole(text.as_bytes(), Path::new("/c.toml")).unwrap_err();
    let places: Vec<String> = std::iter::once(&errors.first)
        .chain(&errors.further)
        .map(|error| error.to_string().split(": ").next().unwrap().trim_start_matches("/c.toml:").to_owned())
        .collect();
    assert_eq!(places, ["1:1", "2:10", "3:1", "4:8", "5:9", "5:21", "7:10", "8:1"]);
    assert_eq!(parsed(text).unwrap_err(), errors.first.to_string());
}
