// SPDX-License-Identifier: MIT OR Apache-2.0
//! The CSV file of many people: read whole, looked through before anything is done, and then gone through once more. What
//! is wrong with a line is said with its number.

use std::collections::HashSet;
use std::path::Path;

use csv::{ReaderBuilder, StringRecord, Trim};
use nightlatch::record::{Digits, Period};
use nightlatch::user::Account;

use crate::accounts::HostAccounts;
use crate::arguments::{AlgorithmName, EnrollArguments, NewDeviceArguments, QrStyle};
use crate::commands::enroll::plan::{Plan, device_name, free_name};
use crate::failure::Failure;
use crate::json::enroll_many::LeftOut;
use crate::site::Site;
use crate::terminal;

/// The file's bytes and its columns.
pub(crate) struct Table {
    bytes: Vec<u8>,
    columns: Columns,
    pub(crate) name: String,
}

/// Somebody to enroll.
pub(crate) struct Row {
    pub(crate) line: u64,
    pub(crate) account: Account,
    pub(crate) plan: Plan,
    pub(crate) backup_codes: u8,
}

/// What a look through the file has found.
pub(crate) struct Checked {
    pub(crate) right: u64,
    pub(crate) wrong: Vec<LeftOut>,
}

/// What rows are read by besides the file.
#[derive(Clone, Copy)]
pub(crate) struct Surroundings<'a> {
    pub(crate) accounts: &'a HostAccounts,
    pub(crate) options: &'a EnrollArguments,
    pub(crate) site: &'a Site,
}

/// Where each column stands.
#[derive(Default)]
struct Columns {
    user: Option<usize>,
    issuer: Option<usize>,
    account: Option<usize>,
    device: Option<usize>,
    digits: Option<usize>,
    algorithm: Option<usize>,
    period: Option<usize>,
    backup_codes: Option<usize>,
}

const NAMES: &str = "user, issuer, account, device, digits, algorithm, period, backup_codes";
const STDIN: &str = "-";

impl Table {
    pub(crate) fn read(file: &Path) -> Result<Self, Failure> {
        let (bytes, name) = if file == Path::new(STDIN) {
            (terminal::read_to_end()?, "stdin".to_owned())
        } else {
            let read = std::fs::read(file).map_err(|source| Failure::File {
                path: file.to_owned(),
                action: "read",
                source,
            })?;
            (read, file.display().to_string())
        };
        let bytes = without_mark(bytes);
        let columns = Columns::of(&bytes, &name)?;
        Ok(Self { bytes, columns, name })
    }

    /// Reads every line once, so that nothing is begun with a file that is wrong.
    pub(crate) fn check(&self, by: Surroundings<'_>) -> Checked {
        let (mut checked, mut seen) = (Checked { right: 0, wrong: Vec::new() }, HashSet::new());
        for row in self.rows(by) {
            match row {
                Ok(row) if seen.insert(row.account.uid()) => checked.right = checked.right.saturating_add(1),
                Ok(row) => checked.wrong.push(LeftOut {
                    line: row.line,
                    user: Some(row.account.name().as_str().to_owned()),
                    reason: format!("'{}' stands in the file twice", row.account.name()),
                }),
                Err(wrong) => checked.wrong.push(wrong),
            }
        }
        checked
    }

    /// Everybody in the file, in its order, read line by line.
    pub(crate) fn rows<'t>(&'t self, by: Surroundings<'t>) -> impl Iterator<Item = Result<Row, LeftOut>> + 't {
        let records = reader().from_reader(self.bytes.as_slice()).into_records();
        records.map(move |record| match record {
            Ok(record) => self.columns.row(&record, by),
            Err(error) => Err(LeftOut {
                line: error.position().map(csv::Position::line).unwrap_or_default(),
                user: None,
                reason: reason_of(&error),
            }),
        })
    }
}

fn reader() -> ReaderBuilder {
    let mut builder = ReaderBuilder::new();
    builder.trim(Trim::All).flexible(false);
    builder
}

/// What spreadsheets put before UTF-8.
fn without_mark(bytes: Vec<u8>) -> Vec<u8> {
    bytes.strip_prefix(b"\xef\xbb\xbf").map(<[u8]>::to_vec).unwrap_or(bytes)
}

fn reason_of(error: &csv::Error) -> String {
    if let csv::ErrorKind::UnequalLengths { expected_len, len, .. } = error.kind() {
        return format!("{len} fields where the first line names {expected_len}");
    }
    // Bytes of another character set are all that a slice can be wrong with besides.
    "not UTF-8".to_owned()
}

impl Columns {
    fn of(bytes: &[u8], name: &str) -> Result<Self, Failure> {
        let wrong = |what: String| {
            Failure::usage(format!("{name}: line 1: {what}"), format!("the first line names the columns: {NAMES}"))
        };
        let mut reader = reader().from_reader(bytes);
        let headings = reader.headers().map_err(|error| wrong(reason_of(&error)))?;
        let mut columns = Self::default();
        for (place, heading) in headings.iter().enumerate() {
            let column = columns.named(heading).ok_or_else(|| wrong(format!("'{heading}' is no column")))?;
            if column.replace(place).is_some() {
                return Err(wrong(format!("'{heading}' stands there twice")));
            }
        }
        if columns.user.is_none() { Err(wrong("there is no column 'user'".to_owned())) } else { Ok(columns) }
    }

    fn named(&mut self, heading: &str) -> Option<&mut Option<usize>> {
        Some(match heading {
            "user" => &mut self.user,
            "issuer" => &mut self.issuer,
            "account" => &mut self.account,
            "device" => &mut self.device,
            "digits" => &mut self.digits,
            "algorithm" => &mut self.algorithm,
            "period" => &mut self.period,
            "backup_codes" => &mut self.backup_codes,
            _ => return None,
        })
    }

    fn row(&self, record: &StringRecord, by: Surroundings<'_>) -> Result<Row, LeftOut> {
        let line = record.position().map(csv::Position::line).unwrap_or_default();
        let user = cell(record, self.user).unwrap_or_default();
        self.person(record, user, line, by).map_err(|reason| LeftOut { line, user: Some(user.to_owned()), reason })
    }

    fn person(&self, record: &StringRecord, user: &str, line: u64, by: Surroundings<'_>) -> Result<Row, String> {
        let account = by.accounts.named(user).map_err(said)?;
        if account.has_transient_uid() {
            return Err(format!(
                "'{user}': uid {} is handed out for a while only (DynamicUser, nobody)",
                account.uid()
            ));
        }
        let new = self.device_options(record, &by.options.new)?;
        let name = match cell(record, self.device).or(by.options.device.as_deref()) {
            Some(name) => device_name(name, ""),
            None => free_name(&new, None),
        };
        let plan = Plan::new(name.map_err(said)?, &new, by.site, &account).map_err(said)?;
        let label = [account.name().as_str(), plan.label.issuer(), plan.label.account()];
        if let Some(format) = by.options.many.format.of_paper() {
            label
                .into_iter()
                .try_for_each(|text| format.can_show(text))
                .map_err(|lacks| format!("{lacks}: say --format html"))?;
        }
        let backup_codes = match cell(record, self.backup_codes) {
            Some(text) => text.parse().ok().filter(|count| *count <= 20).ok_or("backup_codes: 0 to 20")?,
            None => by.options.backup_codes.unwrap_or(by.site.config.enroll().backup_codes),
        };
        Ok(Row { line, account, plan, backup_codes })
    }

    /// The command line's, with what the line says in their place.
    fn device_options(&self, record: &StringRecord, given: &NewDeviceArguments) -> Result<NewDeviceArguments, String> {
        let digits = match cell(record, self.digits) {
            Some(text) => Some(text.parse().ok().filter(|n| Digits::new(*n).is_some()).ok_or("digits: 6, 7 or 8")?),
            None => given.digits,
        };
        let period = match cell(record, self.period) {
            Some(_) if given.hotp => return Err("period: a device that goes by counter has none".to_owned()),
            Some(text) => Some(text.parse().ok().filter(|n| Period::new(*n).is_some()).ok_or("period: 15 to 120")?),
            None => given.period,
        };
        let algorithm = match cell(record, self.algorithm) {
            Some(text) => Some(AlgorithmName::named(text).ok_or("algorithm: sha1, sha256 or sha512")?),
            None => given.algorithm,
        };
        let text = |column, given: &Option<String>| cell(record, column).map(str::to_owned).or_else(|| given.clone());
        Ok(NewDeviceArguments {
            issuer: text(self.issuer, &given.issuer),
            account: text(self.account, &given.account),
            hotp: given.hotp,
            counter: given.counter,
            algorithm,
            digits,
            period,
            qr: QrStyle::None,
            qr_png: None,
            qr_svg: None,
            sheet: None,
            secret_stdin: false,
            allow_short_secret: false,
            no_confirm: true,
        })
    }
}

fn said(failure: Failure) -> String {
    failure.to_string()
}

/// What stands in a column, if anything does.
fn cell(record: &StringRecord, column: Option<usize>) -> Option<&str> {
    record.get(column?).filter(|text| !text.is_empty())
}
