// SPDX-License-Identifier: MIT OR Apache-2.0
//! A list as it is printed: in the order of the uids line by line as it is read, else kept and sorted first. Of a table the
//! cells are kept, a string for each line, since its columns are as wide as their widest cell.

use std::cmp::Reverse;

use nightlatch::audit::escaped;

use crate::arguments::{ListArguments, ListFormat, Sort};
use crate::commands::status::login_words;
use crate::failure::Failure;
use crate::json::list::{ListedPerson, Orphan};
use crate::json::{self, PersonStatus};
use crate::terminal::Terminal;

pub(crate) struct Printer<'t> {
    terminal: &'t Terminal,
    format: ListFormat,
    sort: Sort,
    shows_accounts: bool,
    kept: Vec<ListedPerson>,
    table: Table,
    printed: usize,
}

/// Lines of cells, and how wide each column is. No cell has the mark between them: they are escaped.
#[derive(Default)]
struct Table {
    rows: Vec<String>,
    widths: [usize; COLUMNS],
}

const BETWEEN_CELLS: char = '\u{1f}';

impl Table {
    fn push(&mut self, cells: &[String]) {
        for (width, cell) in self.widths.iter_mut().zip(cells) {
            *width = cell.chars().count().max(*width);
        }
        self.rows.push(cells.join(BETWEEN_CELLS.encode_utf8(&mut [0; 4])));
    }

    fn lines(&self) -> impl Iterator<Item = String> {
        self.rows.iter().map(|row| {
            let cells = row.split(BETWEEN_CELLS).zip(self.widths);
            let padded: Vec<String> = cells.map(|(cell, width)| format!("{cell:<width$}")).collect();
            format!("{}\n", padded.join("  ").trim_end())
        })
    }
}

const COLUMNS: usize = 8;
const HEADINGS: [&str; COLUMNS] =
    ["USER", "UID", "DEVICES", "BACKUP CODES", "FAILURES", "LOCK", "LAST LOGIN", "ACCOUNT NOW"];

impl<'t> Printer<'t> {
    pub(crate) fn begin(format: ListFormat, options: &ListArguments, terminal: &'t Terminal) -> Result<Self, Failure> {
        let (sort, shows_accounts) = (options.sort, options.orphaned);
        // With --all those who are not enrolled come after the others.
        let mut printer =
            Self { terminal, format, sort, shows_accounts, kept: Vec::new(), table: Table::default(), printed: 0 };
        match format {
            ListFormat::Table => printer.row(&HEADINGS.map(str::to_owned)),
            ListFormat::Csv => terminal.result(&csv_line(CSV_HEADINGS.map(str::to_owned).as_slice()))?,
            ListFormat::Json => terminal.result(b"[")?,
        }
        Ok(printer)
    }

    pub(crate) fn person(&mut self, person: ListedPerson) -> Result<(), Failure> {
        match self.sort {
            Sort::Uid => self.print(&person)?,
            Sort::User | Sort::LastLogin | Sort::Failures => self.kept.push(person),
        }
        Ok(())
    }

    pub(crate) fn end(mut self) -> Result<(), Failure> {
        let mut kept = std::mem::take(&mut self.kept);
        match self.sort {
            Sort::Uid => {}
            Sort::User => kept.sort_by(|a, b| a.status.user.cmp(&b.status.user)),
            // The times are RFC 3339 in UTC, which sorts as text.
            Sort::LastLogin => kept.sort_by(|a, b| last_login(&a.status).cmp(&last_login(&b.status))),
            Sort::Failures => kept.sort_by_key(|person| Reverse(person.status.failures)),
        }
        for person in &kept {
            self.print(person)?;
        }
        match self.format {
            ListFormat::Table => self.table.lines().try_for_each(|line| self.terminal.result(line.as_bytes())),
            ListFormat::Csv => Ok(()),
            ListFormat::Json => self.terminal.result(b"]\n"),
        }
    }

    fn print(&mut self, person: &ListedPerson) -> Result<(), Failure> {
        match self.format {
            ListFormat::Table => self.row(&row(person)),
            ListFormat::Csv => self.terminal.result(&csv_line(csv_cells(person).as_slice()))?,
            ListFormat::Json => {
                let object = json::line(person);
                let object = object.strip_suffix(b"\n").unwrap_or(&object);
                let comma: &[u8] = if self.printed > 0 { b"," } else { b"" };
                self.terminal.result(&[comma, object].concat())?;
            }
        }
        self.printed = self.printed.saturating_add(1);
        Ok(())
    }

    /// The last column is there with --orphaned only.
    fn row(&mut self, cells: &[String; COLUMNS]) {
        let [but_the_last @ .., _] = cells;
        if self.shows_accounts { self.table.push(cells) } else { self.table.push(but_the_last) }
    }
}

fn last_login(status: &PersonStatus) -> Option<&str> {
    status.last_login.as_ref().map(|login| login.time.as_str())
}

fn row(person: &ListedPerson) -> [String; COLUMNS] {
    let status = &person.status;
    let devices: Vec<String> = status.devices.iter().map(|device| escaped(&device.name)).collect();
    let lock = match (status.lock, &status.locked_until) {
        (Some(lock), Some(until)) => format!("{lock} until {until}"),
        (Some(lock), None) => lock.to_owned(),
        (None, _) => "-".to_owned(),
    };
    let account_now = match &person.orphan {
        Some(Orphan { account_now: Some(name) }) => escaped(name),
        Some(Orphan { account_now: None }) => "gone".to_owned(),
        None => "-".to_owned(),
    };
    let devices = match (status.enrolled, &status.invited_until) {
        (true, _) => devices.join(", "),
        (false, Some(until)) => format!("not enrolled, invited until {until}"),
        (false, None) => "not enrolled".to_owned(),
    };
    let of_record = |text: String| if status.enrolled { text } else { "-".to_owned() };
    [
        escaped(&status.user),
        status.uid.to_string(),
        devices,
        of_record(status.backup_codes_left.to_string()),
        of_record(status.failures.to_string()),
        lock,
        status.last_login.as_ref().map_or_else(|| "-".to_owned(), login_words),
        account_now,
    ]
}

const CSV_HEADINGS: [&str; 15] = [
    "user",
    "uid",
    "enrolled",
    "enrolled_at",
    "invited_until",
    "devices",
    "backup_codes_left",
    "failures",
    "lock",
    "locked_until",
    "waived_until",
    "last_login",
    "last_service",
    "last_source",
    "account_now",
];

fn csv_cells(person: &ListedPerson) -> [String; 15] {
    let status = &person.status;
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    let devices: Vec<&str> = status.devices.iter().map(|device| device.name.as_str()).collect();
    let login = status.last_login.as_ref();
    [
        status.user.clone(),
        status.uid.to_string(),
        status.enrolled.to_string(),
        text(&status.enrolled_at),
        text(&status.invited_until),
        devices.join(", "),
        status.backup_codes_left.to_string(),
        status.failures.to_string(),
        status.lock.unwrap_or_default().to_owned(),
        text(&status.locked_until),
        text(&status.waived_until),
        login.map(|login| login.time.clone()).unwrap_or_default(),
        login.map(|login| login.service.clone()).unwrap_or_default(),
        login.and_then(|login| login.source.clone()).unwrap_or_default(),
        person.orphan.as_ref().and_then(|orphan| orphan.account_now.clone()).unwrap_or_default(),
    ]
}

/// With quotes where they are needed. A cell that a spreadsheet would take for a formula gets an apostrophe before it.
fn csv_line(cells: &[String]) -> Vec<u8> {
    let defused = cells.iter().map(|cell| {
        let is_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
        if is_formula { format!("'{cell}") } else { cell.clone() }
    });
    let mut writer = csv::Writer::from_writer(Vec::new());
    // A vector takes everything; if it ever did not, the line would be empty and not half.
    match writer.write_record(defused) {
        Ok(()) => writer.into_inner().unwrap_or_default(),
        Err(_) => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{LastLogin, SCHEMA};

    fn person(user: &str, lock: Option<&'static str>) -> ListedPerson {
        let status = PersonStatus {
            schema: SCHEMA,
            user: user.to_owned(),
            uid: 1000,
            enrolled: true,
            enrolled_at: Some("2026-11-23T09:30:00Z".to_owned()),
            invited_until: None,
            devices: Vec::new(),
            backup_codes_left: 9,
            backup_codes_inherited: false,
            bypass: None,
            waived_until: None,
            waiver_reason: None,
            waiver_uses: None,
            failures: 2,
            lock,
            locked_until: None,
            last_login: Some(LastLogin {
                time: "2026-11-23T10:00:00Z".to_owned(),
                service: "sshd".to_owned(),
                source: Some("192.0.2.1".to_owned()),
            }),
        };
        ListedPerson { status, orphan: None }
    }

    #[test]
    fn columns_stand_under_their_headings_whatever_the_names() {
        let mut table = Table::default();
        table.push(&HEADINGS.map(str::to_owned));
        for person in [person("jürgen-with-a-long-name", None), person("al", Some("blocked"))] {
            table.push(&row(&person));
        }
        let text: String = table.lines().collect();
        let lines: Vec<Vec<char>> = text.lines().map(|line| line.chars().collect()).collect();
        let column = text.lines().next().unwrap().find("LAST LOGIN").unwrap();
        for line in &lines[1..] {
            let cell = line[column..].iter().collect::<String>();
            assert!(cell.starts_with("2026-11-23T10:00:00Z by sshd from 192.0.2.1"), "{cell}");
        }
    }

    #[test]
    fn no_name_moves_the_cursor() {
        assert!(!row(&person("\u{1b}[2Jroot\u{202e}", None)).concat().contains('\u{1b}'));
    }

    #[test]
    fn a_csv_cell_is_quoted_where_it_must_be_and_is_never_a_formula() {
        let line = csv_line(&["a,b".to_owned(), "=1+1".to_owned(), "say \"x\"".to_owned(), String::new()]);
        assert_eq!(String::from_utf8(line).unwrap(), "\"a,b\",'=1+1,\"say \"\"x\"\"\",\n");
        assert_eq!(csv_cells(&person("al", None)).len(), CSV_HEADINGS.len());
    }
}
