// SPDX-License-Identifier: MIT OR Apache-2.0
//! A table of the config in which only settings that are known may stand, each read into the type that it has. What is
//! wrong is told with the byte at which it stands.

use std::ops::RangeInclusive;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// What is wrong, and at which byte of the text.
pub(super) struct Wrong {
    pub(super) at: usize,
    pub(super) message: String,
}

/// A table of the file in which only the settings that are known may stand.
pub(super) struct Section<'t, 'i> {
    table: Option<&'t DeTable<'i>>,
    pub(super) at: usize,
}

impl<'t, 'i> Section<'t, 'i> {
    pub(super) fn new(table: &'t DeTable<'i>, at: usize, known: &[&str]) -> Result<Self, Wrong> {
        let unknown = table.keys().filter(|key| !known.contains(&key.get_ref().as_ref()));
        match unknown.min_by_key(|key| key.span().start) {
            Some(key) => Err(Wrong {
                at: key.span().start,
                message: format!("unknown setting `{}`; known here are {}", key.get_ref(), known.join(", ")),
            }),
            None => Ok(Self { table: Some(table), at }),
        }
    }

    fn value(&self, key: &str) -> Option<&'t Spanned<DeValue<'i>>> {
        self.table?.get(key)
    }

    pub(super) fn section(&self, key: &str, known: &[&str]) -> Result<Self, Wrong> {
        match self.value(key) {
            None => Ok(Self { table: None, at: self.at }),
            Some(value) => match value.get_ref().as_table() {
                Some(table) => Self::new(table, value.span().start, known),
                None => Err(wrong_type(value, "a table")),
            },
        }
    }

    /// A text that `make` takes, or else the sentence on what is expected.
    pub(super) fn text<T>(
        &self,
        key: &str,
        make: impl FnOnce(&str) -> Result<T, &'static str>,
    ) -> Result<Option<T>, Wrong> {
        let Some(value) = self.value(key) else { return Ok(None) };
        let text = value.get_ref().as_str().ok_or_else(|| wrong_type(value, "a string"))?;
        make(text).map(Some).map_err(|expected| Wrong { at: value.span().start, message: expected.to_owned() })
    }

    /// A whole number in its range, in the type that it has in the config.
    pub(super) fn number<T: TryFrom<u64>>(&self, key: &str, range: RangeInclusive<u64>) -> Result<Option<T>, Wrong> {
        let Some(value) = self.value(key) else { return Ok(None) };
        let digits = value.get_ref().as_integer().ok_or_else(|| wrong_type(value, "a whole number"))?;
        let number = u64::from_str_radix(digits.as_str(), digits.radix()).ok();
        let number = number.filter(|number| range.contains(number)).and_then(|number| T::try_from(number).ok());
        number.map(Some).ok_or_else(|| Wrong {
            at: value.span().start,
            message: format!("{} to {} is expected here", range.start(), range.end()),
        })
    }
}

fn wrong_type(value: &Spanned<DeValue<'_>>, expected: &str) -> Wrong {
    let found = value.get_ref().type_str();
    Wrong { at: value.span().start, message: format!("{expected} is expected here, not: {found}") }
}
