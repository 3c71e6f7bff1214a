// SPDX-License-Identifier: MIT OR Apache-2.0
//! A guide of docs/guides/, followed as written: its fenced `sh` blocks, in order, as root. A `console` block is typed by the
//! test, since it asks something. A block of another kind (`text`) is shown to the reader
//! and not run: what is run is what stands there.
#![allow(dead_code, reason = "each crate uses a part of the scene")]

use std::process::{Command, Stdio};

/// What a fenced block is for, by the word behind its fence.
#[derive(Clone, Copy, PartialEq)]
pub enum Kind {
    Shell,
    /// What somebody types who sits at a terminal, since it asks something: whoever follows the guide answers.
    Console,
    /// What goes into a config.
    Settings,
    Shown,
}

/// One block of commands, under the heading that it stands under.
pub struct Step<'g> {
    pub heading: &'g str,
    pub kind: Kind,
    pub commands: String,
}

/// All blocks of commands of a guide that ask nothing.
pub fn steps(guide: &str) -> Vec<Step<'_>> {
    blocks(guide, &[Kind::Shell])
}

pub fn at_a_terminal(guide: &str) -> Vec<Step<'_>> {
    blocks(guide, &[Kind::Console])
}

pub fn settings(guide: &str) -> Vec<Step<'_>> {
    blocks(guide, &[Kind::Settings])
}

fn blocks<'g>(guide: &'g str, wanted: &[Kind]) -> Vec<Step<'g>> {
    let (mut steps, mut heading, mut fence) = (Vec::<Step<'_>>::new(), "", None);
    for line in guide.lines() {
        match (fence, line.strip_prefix("```")) {
            (None, Some(kind)) => {
                let kind = match kind {
                    "sh" => Kind::Shell,
                    "console" => Kind::Console,
                    "toml" => Kind::Settings,
                    _shown => Kind::Shown,
                };
                fence = Some(kind);
                if wanted.contains(&kind) {
                    steps.push(Step { heading, kind, commands: String::new() });
                }
            }
            (Some(_), Some(_)) => fence = None,
            (Some(kind), None) if wanted.contains(&kind) => {
                let step = steps.last_mut().unwrap();
                step.commands.push_str(line);
                step.commands.push('\n');
            }
            (None, None) if line.starts_with('#') => heading = line.trim_start_matches(['#', ' ']),
            (Some(_) | None, None) => {}
        }
    }
    assert!(fence.is_none(), "a block without an end");
    steps
}

impl Step<'_> {
    /// The one command of a `console` block.
    pub fn typed(&self) -> &str {
        let mut lines = self.commands.lines();
        let command = lines.next();
        assert!(self.kind == Kind::Console && lines.next().is_none(), "'{}': {}", self.heading, self.commands);
        command.unwrap()
    }

    /// Types it in, in that directory; what was printed. A command that fails ends the test, as it would stop a reader.
    pub fn carry_out(&self, directory: &str) -> String {
        let output = Command::new("bash")
            .args(["-euo", "pipefail", "-c", &self.commands])
            .current_dir(directory)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let [out, err] = [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        assert!(output.status.success(), "'{}':\n{}\n{out}{err}", self.heading, self.commands);
        format!("{out}{err}")
    }
}

/// Follows a guide from its first block to its last. Under each of these headings `look` is called when its last block was
/// carried out, with what that one printed, and at each `console` block, with its command; a heading that is gone from the
/// guide ends the test.
pub fn follow(guide: &str, directory: &str, headings: &[&str], mut look: impl FnMut(&str, &str)) {
    let steps = blocks(guide, &[Kind::Shell, Kind::Console]);
    for heading in headings {
        assert!(steps.iter().any(|step| step.heading == *heading), "no commands under '{heading}'");
    }
    for (nth, step) in steps.iter().enumerate() {
        if step.kind == Kind::Console {
            look(step.heading, step.typed());
            continue;
        }
        let output = step.carry_out(directory);
        // After the last block under a heading, as a reader looks around before going on.
        if steps.get(nth + 1).is_none_or(|next| next.heading != step.heading) && headings.contains(&step.heading) {
            look(step.heading, &output);
        }
    }
}
