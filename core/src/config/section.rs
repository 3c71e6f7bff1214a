// SPDX-License-Identifier: MIT OR Apache-2.0
//! A table of the config in which only settings that are known may stand, each read into the type that it has. What is
//! wrong is noted with the byte at which it stands, so that all of it can be told at once.

use std::cell::RefCell;
use std::ops::RangeInclusive;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// What is wrong, and at which byte of the text.
pub(super) struct Wrong {
    pub(super) at: usize,
    pub(super) message: String,
}

/// Everything that is wrong. Whoever reads notes it here and goes on; a config is made of what was read only where this
/// stayed empty.
#[derive(Default)]
pub(super) struct Wrongs(RefCell<Vec<Wrong>>);

impl Wrongs {
    /// Kept in the order of the file.
    #[cold]
    #[inline(never)] // a config is right but for the day on which it is written: small before fast
    pub(super) fn note(&self, wrong: Wrong) {
        let mut wrongs = self.0.borrow_mut();
        let place = wrongs.iter().position(|later| later.at > wrong.at).unwrap_or(wrongs.len());
        wrongs.insert(place, wrong);
    }

    pub(super) fn count(&self) -> usize {
        self.0.borrow().len()
    }

    pub(super) fn into_list(self) -> Vec<Wrong> {
        self.0.into_inner()
    }
}

/// A table of the file in which only the settings that are known may stand.
pub(super) struct Section<'t, 'i> {
    table: Option<&'t DeTable<'i>>,
    pub(super) at: usize,
    pub(super) wrongs: &'t Wrongs,
}

impl<'t, 'i> Section<'t, 'i> {
    pub(super) fn new(table: &'t DeTable<'i>, at: usize, known: &[&str], wrongs: &'t Wrongs) -> Self {
        let explain = |key: &str| format!("unknown setting `{key}`; known here are {}", known.join(", "));
        Self::explaining(table, at, known, wrongs, &explain)
    }

    /// The same with a better sentence on what is not known.
    fn explaining(
        table: &'t DeTable<'i>,
        at: usize,
        known: &[&str],
        wrongs: &'t Wrongs,
        explain: &dyn Fn(&str) -> String,
    ) -> Self {
        for key in table.keys().filter(|key| !known.contains(&key.get_ref().as_ref())) {
            wrongs.note(Wrong { at: key.span().start, message: explain(key.get_ref()) });
        }
        Self { table: Some(table), at, wrongs }
    }

    #[inline(never)]
    pub(super) fn value(&self, key: &str) -> Option<&'t Spanned<DeValue<'i>>> {
        self.table?.get(key)
    }

    /// What `make` takes of a setting that is there.
    pub(super) fn read<T>(&self, key: &str, make: impl FnOnce(&Spanned<DeValue<'i>>) -> Result<T, Wrong>) -> Option<T> {
        make(self.value(key)?).map_err(|wrong| self.wrongs.note(wrong)).ok()
    }

    pub(super) fn section(&self, key: &str, known: &[&str]) -> Self {
        let none = Self { table: None, at: self.at, wrongs: self.wrongs };
        let Some(value) = self.value(key) else { return none };
        match value.get_ref().as_table() {
            Some(table) => Self::new(table, value.span().start, known, self.wrongs),
            None => {
                self.wrongs.note(wrong_type(value, "a table"));
                none
            }
        }
    }

    /// The tables of a table, `[key.NAME]`, each with its name and where that stands.
    pub(super) fn named_sections(&self, key: &str, known: &[&str]) -> Vec<(&'t str, usize, Self)> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let Some(tables) = value.get_ref().as_table() else {
            self.wrongs.note(wrong_type(value, "a table"));
            return Vec::new();
        };
        let of_all = Self { table: Some(tables), at: value.span().start, wrongs: self.wrongs };
        let names = tables.iter().map(|(name, _)| (name.get_ref().as_ref(), name.span().start));
        names.map(|(name, at)| (name, at, of_all.section(name, known))).collect()
    }

    /// The tables of a list, `[[key]]`.
    pub(super) fn sections(&self, key: &str, known: &[&str], explain: &dyn Fn(&str) -> String) -> Vec<Self> {
        let Some(value) = self.value(key) else { return Vec::new() };
        let Some(list) = value.get_ref().as_array() else {
            let message = format!("a list of tables is expected here: write it [[{key}]]");
            self.wrongs.note(Wrong { at: value.span().start, message });
            return Vec::new();
        };
        let mut sections = Vec::new();
        for entry in list.iter() {
            match entry.get_ref().as_table() {
                Some(table) => {
                    let at = entry.span().start;
                    sections.push(Self::explaining(table, at, known, self.wrongs, explain));
                }
                None => self.wrongs.note(wrong_type(entry, "a table")),
            }
        }
        sections
    }

    /// A text that `make` takes, or else the sentence on what is expected.
    pub(super) fn text<T>(&self, key: &str, make: impl FnOnce(&str) -> Result<T, &'static str>) -> Option<T> {
        self.read(key, |value| text(value, make))
    }

    pub(super) fn boolean(&self, key: &str) -> Option<bool> {
        self.read(key, |value| value.get_ref().as_bool().ok_or_else(|| wrong_type(value, "true or false")))
    }

    /// A list, each entry by `make`; those that are wrong are noted one by one.
    pub(super) fn list<T>(
        &self,
        key: &str,
        make: &dyn Fn(&Spanned<DeValue<'i>>) -> Result<T, Wrong>,
    ) -> Option<Vec<T>> {
        let entries = self.read(key, |value| {
            let list = value.get_ref().as_array().ok_or_else(|| wrong_type(value, "a list, like [\"...\"],"))?;
            Ok(list.iter().map(make).collect::<Vec<_>>())
        })?;
        let note = |wrong: Wrong| self.wrongs.note(wrong);
        Some(entries.into_iter().filter_map(|entry| entry.map_err(note).ok()).collect())
    }

    /// A whole number in its range, in the type that it has in the config.
    pub(super) fn number<T: TryFrom<u64>>(&self, key: &str, range: RangeInclusive<u64>) -> Option<T> {
        self.read(key, |value| number(value, range))
    }
}

pub(super) fn text<T>(
    value: &Spanned<DeValue<'_>>,
    make: impl FnOnce(&str) -> Result<T, &'static str>,
) -> Result<T, Wrong> {
    let text = value.get_ref().as_str().ok_or_else(|| wrong_type(value, "a string"))?;
    make(text).map_err(|expected| Wrong { at: value.span().start, message: expected.to_owned() })
}

pub(super) fn number<T: TryFrom<u64>>(value: &Spanned<DeValue<'_>>, range: RangeInclusive<u64>) -> Result<T, Wrong> {
    let digits = value.get_ref().as_integer().ok_or_else(|| wrong_type(value, "a whole number"))?;
    let number = u64::from_str_radix(digits.as_str(), digits.radix()).ok();
    let number = number.filter(|number| range.contains(number)).and_then(|number| T::try_from(number).ok());
    number.ok_or_else(|| Wrong {
        at: value.span().start,
        message: format!("{} to {} is expected here", range.start(), range.end()),
    })
}

#[cold]
#[inline(never)]
pub(super) fn wrong_type(value: &Spanned<DeValue<'_>>, expected: &str) -> Wrong {
    let found = value.get_ref().type_str();
    Wrong { at: value.span().start, message: format!("{expected} is expected here, not: {found}") }
}
