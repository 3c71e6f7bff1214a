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

/// The cells of each row of a table, under the line that begins so.
fn rows<'p>(page: &'p Source, head: &str) -> Vec<Vec<&'p str>> {
    let lines = page.text.lines().skip_while(|line| !line.starts_with(head)).take_while(|line| line.starts_with('|'));
    lines.skip(2).map(|line| line.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

/// A cell that nobody can look up is an opinion.
#[test]
fn every_cell_of_the_comparison_says_how_it_was_checked() {
    let (readme, comparison) = (read("README.md"), read("docs/COMPARISON.md"));
    let (said, checked) = (rows(&readme, "| | nightlatch |"), rows(&comparison, "| row | nightlatch |"));
    assert!(said.len() > 15, "{}", said.len());
    let names = |rows: &[Vec<&str>]| rows.iter().map(|row| row[0].to_owned()).collect::<Vec<_>>();
    assert_eq!(names(&said), names(&checked));
    for (said, checked) in said.iter().zip(&checked) {
        assert_eq!((said.len(), checked.len()), (6, 6), "{}", said[0]);
        for (cell, how) in said.iter().zip(checked) {
            let cell = cell.trim_matches('*');
            let fits = match cell {
                "–" => how.is_empty() || how.contains("no code") || how.contains("challenge"),
                "?" => how.contains("not checked") || how.contains("not tried"),
                _ => !how.is_empty() && !how.contains("not checked"),
            };
            assert!(fits, "{}: '{cell}' beside '{how}'", said[0]);
        }
    }
}

/// benches/peers writes its tables anew; what README takes from them is to follow.
#[test]
fn the_figures_of_the_readme_are_those_that_were_measured() {
    let (readme, measured) = (read("README.md"), read("docs/PERFORMANCE.md"));
    let said = rows(&readme, "| | nightlatch |");
    let cells = |name: &str| {
        let row = said.iter().find(|row| row[0] == name).unwrap_or_else(|| panic!("no row '{name}'"));
        row[1..4].iter().map(|cell| cell.replace('*', "")).collect::<Vec<_>>()
    };
    let accounts = rows(&measured, "| accounts |");
    let (one, million) = (&accounts[0], accounts.last().unwrap());
    assert_eq!((one[0], million[0]), ("1", "1,000,000"));
    let both: Vec<_> = (1..4).map(|column| format!("{}, {}", one[column], million[column])).collect();
    assert_eq!(cells("A login among 1 and 1,000,000 accounts, µs"), both);

    let losses = rows(&measured, "|  | one code offered");
    let first: Vec<_> = losses.iter().map(|row| row[1].split(' ').next().unwrap()).collect();
    assert_eq!(cells("One code, 16 logins at once, 20 times: let in"), first);
    let lost: Vec<_> = losses.iter().map(|row| row[3].split(" (").next().unwrap()).collect();
    assert_eq!(cells("Power cut after a login: the used code gets in again"), lost);

    let turns = rows(&measured, "| one process |");
    let above = |case: &str| turns.iter().find(|row| row[0].starts_with(case)).unwrap()[3];
    let sentence = format!(
        "An accepted login takes {} µs more than an empty stack, a refused one {} µs, google-authenticator's {} and {}",
        above("nightlatch, accepted"),
        above("nightlatch, refused"),
        above("google-authenticator, accepted"),
        above("google-authenticator, refused")
    );
    assert!(readme.text.contains(&sentence), "{sentence}");
}

/// Where a page leads within the tree, outside of fenced examples: the path behind each `](`, without its anchor.
fn links(page: &Source) -> Vec<String> {
    let mut fenced = false;
    let lines = page.text.lines().filter(move |line| {
        fenced ^= line.starts_with("```");
        !fenced
    });
    let targets = lines.flat_map(|line| line.split("](").skip(1)).filter_map(|rest| rest.split(')').next());
    let inside = targets.filter(|target| !target.contains("://") && !target.starts_with('#'));
    inside.map(|target| target.split('#').next().unwrap().to_owned()).collect()
}

#[test]
fn every_link_of_the_documents_leads_to_something() {
    let (mut found, mut wrong) = (0, Vec::new());
    for page in files(".md") {
        let directory = root().join(&page.path).parent().unwrap().to_owned();
        for link in links(&page) {
            found += 1;
            if !directory.join(&link).exists() {
                wrong.push(format!("{}: {link}", page.path));
            }
        }
    }
    assert!(found > 70, "{found} links: is their form another?");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
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
