// SPDX-License-Identifier: MIT OR Apache-2.0
//! What the people of one PAM service are asked: `[service.NAME]`, where NAME is that of the file in /etc/pam.d.

use crate::config::section::{Section, Wrong};
use crate::config::settings::{prompt, sentence};

const SETTINGS: &[&str] = &["prompt", "combined_prompt", "refusal"];

/// The words of one service; what it leaves out is said as everywhere.
#[derive(Debug, Clone)]
pub(super) struct Service {
    pub(super) name: String,
    pub(super) prompt: Option<String>,
    pub(super) combined_prompt: Option<String>,
    pub(super) refusal: Option<String>,
}

/// In the order of their names.
pub(super) fn read_services(file: &Section<'_, '_>) -> Vec<Service> {
    file.named_sections("service", SETTINGS)
        .into_iter()
        .filter_map(|(name, at, section)| read_service(name, at, &section))
        .collect()
}

fn read_service(name: &str, at: usize, section: &Section<'_, '_>) -> Option<Service> {
    let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '_' | '.');
    if !(1..=64).contains(&name.len()) || name.starts_with('.') || !name.chars().all(is_plain) {
        // libpam knows services in lower case alone, so that another spelling would never hold.
        let message = "a service goes by the name of its file in /etc/pam.d, in lower case".to_owned();
        section.wrongs.note(Wrong { at, message });
        return None;
    }
    Some(Service {
        name: name.to_owned(),
        prompt: section.text("prompt", prompt),
        combined_prompt: section.text("combined_prompt", prompt),
        refusal: section.text("refusal", sentence),
    })
}

/// Doors for the fuzzer, which writes down what was read.
#[cfg(fuzzing)]
impl super::Config {
    /// What is set for all services.
    #[must_use]
    pub fn combined_prompt(&self) -> Option<&str> {
        self.combined_prompt.as_deref()
    }

    /// What is set for all services.
    #[must_use]
    pub fn refusal(&self) -> Option<&str> {
        self.refusal.as_deref()
    }

    /// Name, `prompt`, `combined_prompt` and `refusal` of each service.
    pub fn services(&self) -> impl Iterator<Item = (&str, [Option<&str>; 3])> {
        self.services.iter().map(|Service { name, prompt, combined_prompt, refusal }| {
            (name.as_str(), [prompt.as_deref(), combined_prompt.as_deref(), refusal.as_deref()])
        })
    }
}
