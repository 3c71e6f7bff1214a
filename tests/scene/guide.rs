// SPDX-License-Identifier: MIT OR Apache-2.0
//! A guide of docs/guides/, followed as written: its fenced `sh` blocks, in order, as root. `console` is for a test that types
//! at a terminal. A block of another kind (`text`) is shown to the reader and not run: what is run is what stands there.
#![allow(dead_code, reason = "each crate uses a part of the scene")]

use std::process::{Command, Stdio};

/// One block of commands, under the heading that it stands under.
pub struct Step<'g> {
    pub heading: &'g str,
    pub commands: String,
}

/// All blocks of commands of a guide.
pub fn steps(guide: &str) -> Vec<Step<'_>> {
    blocks(guide, "sh")
}

/// What somebody types who sits at a terminal.
pub fn at_a_terminal(guide: &str) -> Vec<Step<'_>> {
    blocks(guide, "console")
}

/// What goes into a config.
pub fn settings(guide: &str) -> Vec<Step<'_>> {
    blocks(guide, "toml")
}

fn blocks<'g>(guide: &'g str, wanted: &str) -> Vec<Step<'g>> {
    let (mut steps, mut heading, mut fence) = (Vec::<Step<'_>>::new(), "", None);
    for line in guide.lines() {
        match (fence, line.strip_prefix("```")) {
            (None, Some(kind)) => {
                fence = Some(kind == wanted);
                if kind == wanted {
                    steps.push(Step { heading, commands: String::new() });
                }
            }
            (Some(_), Some(_)) => fence = None,
            (Some(true), None) => {
                let step = steps.last_mut().unwrap();
                step.commands.push_str(line);
                step.commands.push('\n');
            }
            (None, None) if line.starts_with('#') => heading = line.trim_start_matches(['#', ' ']),
            (Some(false) | None, None) => {}
        }
    }
    assert!(fence.is_none(), "a block without an end");
    steps
}

impl Step<'_> {
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
/// carried out, with what that one printed; a heading that is gone from the guide ends the test.
pub fn follow(guide: &str, directory: &str, headings: &[&str], mut look: impl FnMut(&str, &str)) {
    let steps = steps(guide);
    for heading in headings {
        assert!(steps.iter().any(|step| step.heading == *heading), "no commands under '{heading}'");
    }
    for (nth, step) in steps.iter().enumerate() {
        let output = step.carry_out(directory);
        // After the last block under a heading, as a reader looks around before going on.
        if steps.get(nth + 1).is_none_or(|next| next.heading != step.heading) && headings.contains(&step.heading) {
            look(step.heading, &output);
        }
    }
}
