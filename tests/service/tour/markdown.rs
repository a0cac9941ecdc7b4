//! The commands of a Markdown document, and the output that the document shows.
//!
//! In `console` blocks a line that begins with `$ ` is a command, with the lines right after it
//! that are indented by four. The lines up to the next command or the end of the block are its
//! output on stdout and stderr together.

use std::ops::Range;

/// A command and the place of its output.
pub(crate) struct Step {
    pub(crate) command: String,
    /// The lines of the output, from 0.
    pub(crate) output: Range<usize>,
}

/// The lines of a document.
pub(crate) struct Document {
    lines: Vec<String>,
}

impl Document {
    pub(crate) fn new(text: &str) -> Self {
        let lines = text.lines().map(str::to_owned).collect();
        Self { lines }
    }

    /// The commands, from top to bottom.
    pub(crate) fn steps(&self) -> Vec<Step> {
        let mut in_block = false;
        let mut steps: Vec<Step> = Vec::new();
        for (at, line) in self.lines.iter().enumerate() {
            if in_block && line == "```" {
                in_block = false;
            } else if in_block {
                read(&mut steps, at, line);
            } else {
                in_block = line == "```console";
            }
        }
        steps
    }

    /// The output that the document shows for a step.
    pub(crate) fn expected(&self, step: &Step) -> String {
        let lines = &self.lines[step.output.clone()];
        lines.iter().map(|line| format!("{line}\n")).collect()
    }

    /// Replaces the output of a step. Later steps move, so call it from the last to the first.
    pub(crate) fn replace(&mut self, step: &Step, printed: &str) {
        let printed = printed.lines().map(str::to_owned);
        self.lines.splice(step.output.clone(), printed);
    }

    pub(crate) fn text(&self) -> String {
        self.lines.join("\n") + "\n"
    }
}

/// Reads a line of a block.
fn read(steps: &mut Vec<Step>, at: usize, line: &str) {
    let output = at + 1..at + 1;
    match (line.strip_prefix("$ "), steps.last_mut()) {
        (None, Some(step)) if step.output == (at..at) && line.starts_with("    ") => {
            step.command = format!("{}\n{line}", step.command);
            step.output = output;
        }
        (Some(command), _) => {
            let command = command.to_owned();
            steps.push(Step { command, output });
        }
        (None, Some(step)) => step.output.end = at + 1,
        (None, None) => panic!("line {}: output before any command", at + 1),
    }
}
