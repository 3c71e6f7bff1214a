// SPDX-License-Identifier: MIT OR Apache-2.0
//! `enroll --from`: everybody in a file, each with a hand-out of its own. Drafts are made on several threads, since hashing
//! backup codes is what takes time; the store is written by one, in batches that become durable at once.

mod paper;
mod table;

use std::collections::HashSet;
use std::path::Path;
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Mutex, PoisonError};
use std::thread::ScopedJoinHandle;
use std::time::Duration;

use nightlatch::clock::{Clock as _, UnixTime};
use nightlatch::enrollment::{Basis, Confirmed, Draft};
use nightlatch::error::Fault;
use nightlatch::random::SystemRandom;
use nightlatch::secret::SharedSecret;
use nightlatch::store::{Batch, CommitFailure, Enrollment, HandoutName, Handouts, NotEnrolled, Store};
use nightlatch::user::{Account, host_name};
use zeroize::Zeroizing;

use crate::accounts::HostAccounts;
use crate::arguments::{EnrollArguments, Form, QrStyle};
use crate::commands::enroll::confirmation::drawing;
use crate::commands::enroll::handout::Handout;
use crate::commands::enroll_many::paper::{Paper, PlainText, Printed, Recipient};
use crate::commands::enroll_many::table::{Row, Surroundings, Table};
use crate::failure::words::sentence_of;
use crate::failure::{Failure, Status};
use crate::json::enroll_many::{LeftOut, ManyEnrolled};
use crate::json::{self, Cause, SCHEMA};
use crate::progress::{Progress, grouped};
use crate::site::Site;
use crate::terminal::Terminal;
use crate::{Outcome, STACK_TO_WIPE};

/// How many people become durable at once. More of them gain little; that many files are open meanwhile, and that many
/// people wait where a disk is full.
const BATCH: usize = 256;
/// Drafts under way or waiting for the store: what there is in memory at once.
const UNDER_WAY: usize = 64;
/// More threads than these gain nothing: one writes what they make.
const MOST_WORKERS: usize = 8;
/// For one draft, before it is asked whether the workers are still there.
const LONGEST_WAIT: Duration = Duration::from_secs(1);
/// So many are named one by one on stderr; the rest is counted.
const NAMED: usize = 20;

pub(crate) fn run(
    file: &Path,
    directory: &Path,
    options: &EnrollArguments,
    site: &Site,
    terminal: &Terminal,
) -> Outcome {
    let paper = paper_for(options, site)?;
    let table = Table::read(file)?;
    let accounts = HostAccounts::list()?;
    let by = Surroundings { accounts: &accounts, options, site };
    let checked = table.check(by);
    name_some(&checked.wrong, |wrong| terminal.warn(&wrong_words(&table.name, wrong)), terminal);
    if let (Some(first), false) = (checked.wrong.first(), options.many.skip_wrong) {
        let first = format!("line {}: {}", first.line, first.reason);
        return Err(Failure::WrongLines { file: table.name, count: checked.wrong.len(), first });
    }
    let store = site.store()?;
    // Whoever has a record is told from whoever has not in a verified store only.
    let directory = std::path::absolute(directory).unwrap_or_else(|_| directory.to_owned());
    let handouts = Handouts::open(&directory, &store)?;
    terminal.interruption().heed();
    let mut run = Run {
        site,
        terminal,
        store: &store,
        handouts: &handouts,
        progress: Progress::begin(terminal, checked.right),
        come_to: 0,
        tally: Tally { left_out: checked.wrong, ..Tally::default() },
    };
    let outcome = run.everybody(&table, by, &*paper);
    let tally = run.finish();
    tell(&tally, outcome, &handouts, terminal)
}

fn paper_for(options: &EnrollArguments, site: &Site) -> Result<Box<dyn Paper>, Failure> {
    let Some(format) = options.many.format.of_paper() else {
        let drawing = drawing(options.new.qr, true).filter(|_| options.new.qr != QrStyle::None);
        return Ok(Box::new(PlainText { drawing }));
    };
    let printed = Printed { format, host: host_name(), contact: site.config.enroll().contact.clone() };
    printed.has_letters()?;
    Ok(Box::new(printed))
}

/// What became of everybody so far.
#[derive(Default)]
struct Tally {
    enrolled: u64,
    already: u64,
    left_out: Vec<LeftOut>,
    interrupted: bool,
}

struct Run<'r> {
    site: &'r Site,
    terminal: &'r Terminal,
    store: &'r Store<'r>,
    handouts: &'r Handouts,
    progress: Progress<'r>,
    come_to: u64,
    tally: Tally,
}

/// Somebody for a worker.
struct Task {
    row: Row,
    word: NotEnrolled,
    now: UnixTime,
}

/// What a worker made of it.
struct Made {
    line: u64,
    account: Account,
    outcome: Result<Ready, Failure>,
}

/// May be committed, and says so to its person.
struct Ready {
    confirmed: Confirmed,
    name: HandoutName,
    bytes: Zeroizing<Vec<u8>>,
}

impl<'r> Run<'r> {
    fn everybody(&mut self, table: &Table, by: Surroundings<'_>, paper: &dyn Paper) -> Result<(), Failure> {
        let workers = std::thread::available_parallelism().map_or(2, usize::from).min(MOST_WORKERS);
        let (tasks, taken) = mpsc::channel();
        let (made, ready) = mpsc::channel();
        let taken = Mutex::new(taken);
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..workers)
                .map(|_| {
                    let (made, taken) = (made.clone(), &taken);
                    scope.spawn(move || work(taken, &made, paper))
                })
                .collect();
            let next = || loop {
                match ready.recv_timeout(LONGEST_WAIT) {
                    Ok(made) => break Some(made),
                    // One that has ended while there is work has panicked, and what it had in hand never comes.
                    Err(_) if workers.iter().any(ScopedJoinHandle::is_finished) => break None,
                    Err(_) => {}
                }
            };
            self.commit_all(table, by, tasks, next)
        })
    }

    /// Hands people to the workers and takes what they make. Owns the workers' tasks: where this ends, so do they.
    fn commit_all(
        &mut self,
        table: &Table,
        by: Surroundings<'_>,
        tasks: Sender<Task>,
        next: impl Fn() -> Option<Made>,
    ) -> Result<(), Failure> {
        // Told before anything was begun; a second line about one person is among them.
        let wrong: HashSet<u64> = self.tally.left_out.iter().map(|wrong| wrong.line).collect();
        let mut rows = table.rows(by).filter_map(Result::ok).filter(|row| !wrong.contains(&row.line));
        let (mut under_way, mut batch, mut lines) = (0_usize, self.store.batch(self.handouts)?, Vec::new());
        loop {
            while under_way < UNDER_WAY {
                let Some(row) = rows.next() else { break };
                if let Some(task) = self.task(row)? {
                    under_way = under_way.saturating_add(1);
                    // Workers end before this only where one of them has panicked; then nothing comes back either.
                    if tasks.send(task).is_err() {
                        break;
                    }
                }
            }
            if self.terminal.interruption().is_to_stop() {
                self.tally.interrupted = true;
                return Ok(());
            }
            if under_way == 0 {
                return self.commit(batch, &mut lines);
            }
            let Some(made) = next() else { return self.commit(batch, &mut lines) };
            under_way = under_way.saturating_sub(1);
            self.add(made, &mut batch, &mut lines)?;
            if batch.len() >= BATCH {
                let full = std::mem::replace(&mut batch, self.store.batch(self.handouts)?);
                self.commit(full, &mut lines)?;
            }
        }
    }

    /// What is to be done for somebody, or `None` where nothing is.
    fn task(&mut self, row: Row) -> Result<Option<Task>, Failure> {
        let named = row.account.named();
        match self.store.enrollment(named) {
            Ok(Enrollment::NotEnrolled(word)) => Ok(Some(Task { row, word, now: self.site.clock.now()?.wall })),
            Ok(Enrollment::Enrolled(_)) => {
                self.already(&row)?;
                Ok(None)
            }
            Err(fault) => self.set_aside(&row, fault).map(|()| None),
        }
    }

    /// What is wrong with one person's file leaves the others to do: else the run would end there each time.
    fn set_aside(&mut self, row: &Row, fault: Fault) -> Result<(), Failure> {
        let uid = row.account.uid().to_string();
        let is_of_the_file = fault.path().and_then(Path::file_name).is_some_and(|name| name == uid.as_str());
        if !is_of_the_file || matches!(fault, Fault::Io { .. }) {
            return Err(fault.into());
        }
        self.leave_out(row.line, &row.account, sentence_of(&fault));
        self.passed(1);
        Ok(())
    }

    /// A record that was made for another name is nobody's who is asked for.
    fn already(&mut self, row: &Row) -> Result<(), Failure> {
        let (account, line) = (&row.account, row.line);
        let person = match self.store.person(account.uid()) {
            Ok(person) => person,
            Err(fault) => return self.set_aside(row, fault),
        };
        if person.name == *account.name() && person.made_for == account.uid() {
            self.tally.already = self.tally.already.saturating_add(1);
            match usize::try_from(self.tally.already).unwrap_or(usize::MAX).checked_sub(NAMED) {
                None | Some(0) => {
                    self.progress.note(&format!("line {line}: {} is enrolled already: skipped", account.name()));
                }
                Some(1) => {
                    self.progress.note("whoever else is enrolled already is skipped too, and counted at the end")
                }
                Some(_) => {}
            }
        } else {
            let reason = format!(
                "uid {} has the record of '{}' (uid {}); 'nightlatch list --orphaned' shows it",
                account.uid(),
                person.name,
                person.made_for
            );
            self.leave_out(line, account, reason);
        }
        self.passed(1);
        Ok(())
    }

    fn add(&mut self, made: Made, batch: &mut Batch<'r>, lines: &mut Vec<u64>) -> Result<(), Failure> {
        let Made { line, account, outcome } = made;
        match outcome {
            Ok(Ready { confirmed, name, bytes }) => match batch.add(confirmed, name, &bytes) {
                Ok(()) => lines.push(line),
                Err(CommitFailure::Changed) => self.overtaken(line, &account),
                Err(CommitFailure::Fault(fault)) => return Err(fault.into()),
            },
            // Of the host and not of this person.
            Err(Failure::Store(fault)) => return Err(fault.into()),
            Err(failure) => {
                self.leave_out(line, &account, failure.to_string());
                self.passed(1);
            }
        }
        Ok(())
    }

    fn commit(&mut self, batch: Batch<'r>, lines: &mut Vec<u64>) -> Result<(), Failure> {
        let people = batch.len();
        if people == 0 {
            return Ok(());
        }
        for ((account, placed), line) in batch.commit()?.into_iter().zip(std::mem::take(lines)) {
            match placed {
                Ok(()) => {
                    self.tally.enrolled = self.tally.enrolled.saturating_add(1);
                    self.passed(1);
                }
                Err(CommitFailure::Changed) => self.overtaken(line, &account),
                Err(CommitFailure::Fault(fault)) => {
                    self.leave_out(line, &account, sentence_of(&fault));
                    self.passed(1);
                }
            }
        }
        Ok(())
    }

    fn overtaken(&mut self, line: u64, account: &Account) {
        self.tally.already = self.tally.already.saturating_add(1);
        self.progress
            .note(&format!("line {line}: {} was enrolled meanwhile by somebody else: skipped", account.name()));
        self.passed(1);
    }

    fn leave_out(&mut self, line: u64, account: &Account, reason: String) {
        self.progress.note(&format!("nightlatch: warning: line {line}: {reason}"));
        self.tally.left_out.push(LeftOut { line, user: Some(account.name().as_str().to_owned()), reason });
    }

    fn passed(&mut self, people: u64) {
        self.come_to = self.come_to.saturating_add(people);
        self.progress.at(self.come_to);
    }

    fn finish(self) -> Tally {
        let Self { mut progress, tally, .. } = self;
        progress.clear();
        tally
    }
}

fn work(tasks: &Mutex<Receiver<Task>>, made: &Sender<Made>, paper: &dyn Paper) {
    loop {
        let Ok(Task { row, word, now }) = tasks.lock().unwrap_or_else(PoisonError::into_inner).recv() else { break };
        let outcome = prepare(&row, word, now, paper);
        if made.send(Made { line: row.line, account: row.account, outcome }).is_err() {
            break;
        }
    }
    zeroize::zeroize_stack::<STACK_TO_WIPE>();
}

fn prepare(row: &Row, word: NotEnrolled, now: UnixTime, paper: &dyn Paper) -> Result<Ready, Failure> {
    let (account, plan) = (&row.account, &row.plan);
    let secret = SharedSecret::generate(plan.device.algorithm, &SystemRandom)?;
    let draft = Draft::new(
        account.clone(),
        Basis::Absent(word),
        plan.device.clone(),
        secret,
        row.backup_codes,
        now,
        &SystemRandom,
    );
    let draft = draft.map_err(|error| Failure::of_draft(account.name().as_str(), error))?;
    let draft = draft.beginning_at(plan.first_counter);
    let handout = Handout::of(&draft, plan, account)?;
    let confirmed = draft.vouched_for();
    let recipient = Recipient {
        user: account.name().as_str(),
        handout: &handout,
        plan,
        backup_codes: confirmed.backup_sheet(),
        made_at: now,
    };
    let bytes = paper.bytes(&recipient)?;
    Ok(Ready { confirmed, name: HandoutName::of(account, paper.ending()), bytes })
}

fn wrong_words(file: &str, wrong: &LeftOut) -> String {
    format!("{file}: line {}: {}", wrong.line, wrong.reason)
}

fn name_some(left_out: &[LeftOut], name: impl Fn(&LeftOut), terminal: &Terminal) {
    left_out.iter().take(NAMED).for_each(name);
    let rest = left_out.len().saturating_sub(NAMED);
    if rest > 0 {
        terminal.warn(&format!("and {rest} lines more"));
    }
}

/// The result. Who is enrolled stays so, whatever ended the run.
fn tell(tally: &Tally, outcome: Result<(), Failure>, handouts: &Handouts, terminal: &Terminal) -> Outcome {
    let failure = outcome.err();
    if tally.enrolled > 0 {
        terminal.interruption().settle();
    }
    match terminal.form() {
        Form::Json => terminal.result(&json::line(&ManyEnrolled {
            schema: SCHEMA,
            changed: tally.enrolled > 0,
            enrolled: tally.enrolled,
            already_enrolled: tally.already,
            not_enrolled: &tally.left_out,
            output: handouts.path().to_string_lossy(),
            interrupted: tally.interrupted,
            error: failure.as_ref().map(Cause::of),
        }))?,
        Form::Text => terminal.result(text(tally, handouts).as_bytes())?,
    }
    if let Some(failure) = failure {
        terminal.warn(&format!("{failure}; {}; then run it again for those who are left", failure.remedy()));
        return Ok(Status::Fault);
    }
    Ok(match (tally.interrupted, tally.left_out.is_empty()) {
        (true, _) => Status::Interrupted,
        (false, true) => Status::Done,
        (false, false) => Status::Fault,
    })
}

fn text(tally: &Tally, handouts: &Handouts) -> String {
    let mut text = format!("{} enrolled", grouped(tally.enrolled));
    if tally.already > 0 {
        text.push_str(&format!(", {} enrolled already", grouped(tally.already)));
    }
    if !tally.left_out.is_empty() {
        text.push_str(&format!(", {} left out", tally.left_out.len()));
    }
    if tally.interrupted {
        text.push_str("; interrupted: run it again for the others");
    }
    text.push('\n');
    if tally.enrolled > 0 {
        text.push_str(&format!(
            "{}: a hand-out with secret and backup codes for each; no code has shown yet that a device works\n",
            handouts.path().display()
        ));
    }
    text
}
