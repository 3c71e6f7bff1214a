// SPDX-License-Identifier: MIT OR Apache-2.0
//! How far a long run has come, on stderr: a bar that is drawn anew in its place on a terminal, a plain line every so
//! often elsewhere, nothing with --quiet.

use std::time::{Duration, Instant};

use crate::terminal::{Screen, Terminal};

pub(crate) struct Progress<'t> {
    terminal: &'t Terminal,
    screen: Option<Screen>,
    total: u64,
    done: u64,
    told: Instant,
    is_drawn: bool,
    /// Where it stood at two moments before: the rate of the last seconds is told, not that of the beginning.
    marks: [(Instant, u64); 2],
}

const BETWEEN_BARS: Duration = Duration::from_millis(200);
const BETWEEN_LINES: Duration = Duration::from_secs(10);
const BETWEEN_MARKS: Duration = Duration::from_secs(5);
const WIDEST_BAR: usize = 40;

impl<'t> Progress<'t> {
    pub(crate) fn begin(terminal: &'t Terminal, total: u64) -> Self {
        let now = Instant::now();
        let mut progress = Self {
            terminal,
            screen: terminal.moving_screen(),
            total,
            done: 0,
            told: now,
            is_drawn: false,
            marks: [(now, 0); 2],
        };
        if progress.screen.is_some() {
            progress.draw(now);
        }
        progress
    }

    /// So many are done by now.
    pub(crate) fn at(&mut self, done: u64) {
        self.done = done;
        let now = Instant::now();
        let [_, (marked, _)] = self.marks;
        if now.duration_since(marked) >= BETWEEN_MARKS {
            let [_, later] = self.marks;
            self.marks = [later, (now, done)];
        }
        let pause = if self.screen.is_some() { BETWEEN_BARS } else { BETWEEN_LINES };
        if now.duration_since(self.told) >= pause {
            self.draw(now);
        }
    }

    /// Something else is printed: the bar makes room.
    pub(crate) fn note(&mut self, text: &str) {
        self.clear();
        self.terminal.note(text);
    }

    pub(crate) fn clear(&mut self) {
        if let (Some(screen), true) = (self.screen, self.is_drawn) {
            screen.write(b"\r\x1b[K");
            self.is_drawn = false;
        }
    }

    fn draw(&mut self, now: Instant) {
        self.told = now;
        let words = words(self.done, self.total, self.rate(now));
        match self.screen {
            Some(screen) => {
                let line = bar(self.done, self.total, &words, usize::from(screen.size().columns));
                screen.write(format!("\r{line}\x1b[K").as_bytes());
                self.is_drawn = true;
            }
            None => self.terminal.note(&words),
        }
    }

    /// A second, if there is something to tell it by.
    fn rate(&self, now: Instant) -> Option<u64> {
        let [(since, before), _] = self.marks;
        let milliseconds = u64::try_from(now.duration_since(since).as_millis()).ok().filter(|length| *length >= 500)?;
        self.done.saturating_sub(before).saturating_mul(1000).checked_div(milliseconds).filter(|rate| *rate > 0)
    }
}

impl Drop for Progress<'_> {
    fn drop(&mut self) {
        self.clear();
    }
}

fn words(done: u64, total: u64, rate: Option<u64>) -> String {
    let counted = format!("{} of {}", grouped(done), grouped(total));
    match rate {
        Some(rate) => {
            let left = total.saturating_sub(done).checked_div(rate).unwrap_or_default();
            format!("{counted}  {}/s  {} left", grouped(rate), duration_words(left))
        }
        None => counted,
    }
}

/// `[#####.....]  words`, or the words alone where there is no room for more.
fn bar(done: u64, total: u64, words: &str, columns: usize) -> String {
    // The last column stays free: some terminals go on to the next line from there.
    let room = columns.saturating_sub(words.chars().count().saturating_add(5)).min(WIDEST_BAR);
    if room < 5 {
        return words.chars().take(columns.saturating_sub(1)).collect();
    }
    let wide = u64::try_from(room).unwrap_or_default();
    let filled = done.min(total).saturating_mul(wide).checked_div(total).unwrap_or(wide);
    let filled = usize::try_from(filled).unwrap_or(room);
    format!("[{}{}]  {words}", "#".repeat(filled), ".".repeat(room.saturating_sub(filled)))
}

/// 12,345.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && digits.len().saturating_sub(place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn duration_words(seconds: u64) -> String {
    match (seconds.div_euclid(3600), seconds.div_euclid(60), seconds.rem_euclid(60)) {
        (0, 0, seconds) => format!("{seconds} s"),
        (0, minutes, seconds) => format!("{minutes} min {seconds:02} s"),
        (hours, minutes, _) => format!("{hours} h {:02} min", minutes.rem_euclid(60)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_say_how_many_how_fast_and_how_long_still() {
        assert_eq!(words(12_345, 100_000, Some(412)), "12,345 of 100,000  412/s  3 min 32 s left");
        assert_eq!(words(0, 7, None), "0 of 7");
        assert_eq!((grouped(0), grouped(999), grouped(1_234_567)), ("0".into(), "999".into(), "1,234,567".into()));
        assert_eq!(duration_words(7_265), "2 h 01 min");
    }

    #[test]
    fn no_bar_is_as_wide_as_its_terminal() {
        for columns in 1..120 {
            for done in [0, 1, 6, 7, 9] {
                let line = bar(done, 7, "words of a length", columns);
                assert!(line.chars().count() < columns, "{columns}: {line}");
            }
        }
        assert_eq!(bar(5, 10, "half", 19), "[#####.....]  half");
        assert_eq!(bar(0, 0, "none", 19), "[##########]  none");
    }
}
