// SPDX-License-Identifier: MIT OR Apache-2.0
//! The documents answer for every line that reviewers ask about, and what they name as its holder is there and is run.

use std::process::Command;

use super::{Source, files, read, root};

/// What the documents answer for, and where: a line each, as the reviewers' list has them.
fn lines_to_answer_for() -> Vec<(&'static str, String)> {
    let numbered = |page, prefix: &'static str, ranges: &[std::ops::RangeInclusive<u32>]| {
        let numbers: Vec<_> = ranges.iter().cloned().flatten().collect();
        numbers.into_iter().map(move |n| (page, format!("{prefix}{n:02}"))).collect::<Vec<_>>()
    };
    let (past, standards, threats) = ("docs/PAST-VULNERABILITIES.md", "docs/STANDARDS.md", "docs/THREATS.md");
    let named = ["ASVS 4.0 2.8.2", "ASVS 4.0 2.8.5", "OWASP MFA", "PCI 8.3.4", "PCI 8.5.1"];
    [
        numbered(past, "V", &[1..=12, 20..=28, 30..=38, 40..=53, 60..=64]),
        numbered(standards, "R-", &[1..=12]),
        numbered(standards, "N-", &[1..=12]),
        numbered(standards, "A-", &[1..=12]),
        numbered(standards, "H-", &[1..=21]),
        named.map(|name| (standards, name.to_owned())).to_vec(),
        numbered(threats, "E-", &[1..=8]),
        numbered(threats, "P-", &[1..=7]),
    ]
    .concat()
}

/// `file: name` in a text, outside of fenced examples.
fn holders(text: &str) -> Vec<(&str, &str)> {
    let mut fenced = false;
    let lines = text.lines().filter(move |line| {
        fenced ^= line.starts_with("```");
        !fenced
    });
    let spans = lines.flat_map(|line| line.split('`').skip(1).step_by(2));
    spans.filter_map(|span| span.split_once(": ")).filter(|(file, _)| file.ends_with(".rs")).collect()
}

/// Whether a type of that name stands there, or a test that is run; what several files hand their ways to is a scene.
fn is_held_by(source: &Source, name: &str) -> bool {
    let declared = |word: &str| {
        let lines: Vec<_> = source
            .text
            .lines()
            .map(|line| line.trim_start().trim_start_matches("pub ").trim_start_matches("pub(crate) "))
            .collect();
        lines.iter().enumerate().any(|(at, line)| {
            let rest = line.strip_prefix(word).and_then(|line| line.strip_prefix(name));
            let attributes = || lines[..at].iter().rev().take_while(|line| line.starts_with("#["));
            let is_run = attributes().any(|line| *line == "#[test]") && !attributes().any(|l| l.contains("ignore"));
            let counts = word != "fn " || is_run || source.path.starts_with("tests/scene/");
            counts && rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
        })
    };
    let words: &[&str] = if name.starts_with(char::is_uppercase) { &["struct ", "enum ", "trait "] } else { &["fn "] };
    words.iter().any(|word| declared(word))
}

#[test]
fn every_holder_that_the_documents_name_is_there() {
    let pages: Vec<_> = files(".md").into_iter().filter(|page| page.path != "CHANGELOG.md").collect();
    let mut named = 0;
    for (page, (file, name)) in pages.iter().flat_map(|page| holders(&page.text).into_iter().map(move |h| (page, h))) {
        assert!(root().join(file).is_file(), "{}: there is no {file}", page.path);
        assert!(is_held_by(&read(file), name), "{}: no {name} in {file}", page.path);
        named += 1;
    }
    assert!(named > 200, "{named} holders found: is the form of the documents another?");
}

#[test]
fn every_line_of_the_reviewers_list_is_answered_by_a_holder_or_a_plain_word() {
    for (page, number) in lines_to_answer_for() {
        let text = read(page).text;
        let rows: Vec<_> = text.lines().filter(|line| line.starts_with(&format!("| {number} |"))).collect();
        assert_eq!(rows.len(), 1, "{page}: {number}");
        let plain = ["**Open**", "**Later**", "**Not ours**", "| Not met |", "| Site |"];
        let answered = !holders(rows[0]).is_empty() || plain.iter().any(|word| rows[0].contains(word));
        assert!(answered, "{page}: {number} names no holder");
    }
}

/// "THREATS V21" in a comment is of use only to whoever finds that line.
#[test]
fn every_line_that_the_code_names_is_in_the_documents() {
    let lines: Vec<_> = lines_to_answer_for().into_iter().map(|(_, number)| number).collect();
    let mut named = 0;
    for source in files(".rs").iter().filter(|source| !source.path.ends_with("documents.rs")) {
        for after in source.text.split("THREATS ").skip(1).filter(|after| !after.starts_with(char::is_lowercase)) {
            let number: String = after.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect();
            assert!(lines.contains(&number), "{}: THREATS {number}", source.path);
            named += 1;
        }
    }
    assert!(named > 20, "{named}");
}

/// What a word of a page names in this tree, if it names anything: `src/lib.rs`, `./test races`, `packaging/audit advisories`.
fn path_in(span: &str) -> Option<&str> {
    let word = span.split([' ', ':']).next()?.trim_start_matches("./");
    let is_path = word.contains('/') || span.starts_with("./") || word.ends_with(".toml") || word.ends_with(".lock");
    (is_path && !word.starts_with('/')).then_some(word)
}

/// Whoever has an afternoon does not spend it on looking for what was renamed.
#[test]
fn the_reviewers_guide_names_nothing_that_is_not_there() {
    let page = read("docs/guides/for-reviewers.md");
    let mut fenced = false;
    let outside = |line: &&str| {
        fenced ^= line.starts_with("```");
        !fenced
    };
    let prose: Vec<_> = page.text.lines().filter(outside).collect();
    let spans = || prose.iter().flat_map(|line| line.split('`').skip(1).step_by(2));
    let named: Vec<_> = spans().filter_map(path_in).collect();
    let missing: Vec<_> = named.iter().filter(|path| !root().join(path).exists()).collect();
    assert!(missing.is_empty() && named.len() > 40, "{missing:?} of {}", named.len());
    let links = prose.iter().flat_map(|line| line.split("](").skip(1)).filter_map(|rest| rest.split([')', '#']).next());
    for link in links {
        assert!(root().join("docs/guides").join(link).is_file(), "{link}");
    }
    let script = read("test").text;
    for behaviour in spans().filter_map(|span| span.strip_prefix("./test ")) {
        assert!(script.split([' ', '(', ')', '\n']).any(|name| name == behaviour), "./test {behaviour}");
    }
}

/// The searches that it gives, and what it says that they find.
#[test]
fn the_reviewers_guide_s_searches_find_one_file_each() {
    let page = read("docs/guides/for-reviewers.md").text;
    let (_, block) = page.split_once("```sh\n").unwrap();
    let (commands, after) = block.split_once("```").unwrap();
    let output = Command::new("bash").args(["-euo", "pipefail", "-c", commands]).current_dir(root()).output().unwrap();
    let found = String::from_utf8(output.stdout).unwrap();
    let said: Vec<_> = after.trim_start().lines().next().unwrap().split('`').skip(1).step_by(2).take(3).collect();
    assert_eq!(found.lines().collect::<Vec<_>>(), said);
}
