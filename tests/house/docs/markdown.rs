//! A Markdown page, as far as these checks read it.

use std::fs;
use std::path::{Path, PathBuf};

pub(crate) struct Page {
    /// Relative to the repository.
    pub(crate) path: PathBuf,
    /// The blocks of code, in order.
    pub(crate) code: Vec<Code>,
    /// Everything else, with inline code blanked.
    prose: String,
    headings: Vec<String>,
}

pub(crate) struct Code {
    /// The word after the backticks.
    pub(crate) language: String,
    /// The lines, without the block's indentation.
    pub(crate) text: String,
}

impl Page {
    pub(crate) fn read(path: &Path) -> Self {
        Self::new(path, &fs::read_to_string(path).unwrap())
    }

    pub(crate) fn new(path: &Path, text: &str) -> Self {
        let (mut code, mut prose, mut headings) = (Vec::new(), String::new(), Vec::new());

        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            if let Some(language) = line.trim_start().strip_prefix("```") {
                let block: Vec<_> = lines
                    .by_ref()
                    .take_while(|line| line.trim_start() != "```")
                    .collect();
                code.push(Code {
                    language: language.to_owned(),
                    text: dedent(&block),
                });
            } else {
                if line.starts_with('#') {
                    headings.push(anchor(line.trim_start_matches('#')));
                }
                prose.push_str(line);
                prose.push('\n');
            }
        }

        Self {
            path: path.to_owned(),
            code,
            prose: without_inline_code(&prose),
            headings,
        }
    }

    /// The targets of `[text](target)`.
    pub(crate) fn inline_targets(&self) -> Vec<&str> {
        self.prose
            .match_indices("](")
            .map(|(at, _)| &self.prose[at + 2..])
            .filter_map(|rest| rest.split_once(')'))
            .map(|(target, _)| target)
            .collect()
    }

    /// Label and target of each `[label]: target`.
    pub(crate) fn definitions(&self) -> Vec<(&str, &str)> {
        self.prose
            .lines()
            .filter_map(|line| line.strip_prefix('[')?.split_once("]: "))
            .collect()
    }

    /// The labels of `[text][label]` and `[label]`.
    pub(crate) fn references(&self) -> Vec<&str> {
        let mut found = Vec::new();
        for line in self.prose.lines() {
            let mut rest = line;
            while let Some((text, after)) = rest
                .split_once('[')
                .and_then(|(_, opened)| opened.split_once(']'))
            {
                if !after.starts_with(['(', '[', ':']) {
                    found.push(text);
                }
                rest = after;
            }
        }
        found
    }

    pub(crate) fn has_heading(&self, anchor: &str) -> bool {
        self.headings.iter().any(|heading| heading == anchor)
    }
}

/// The anchor that code hosts and rustdoc make of a heading.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter_map(|c| match c {
        ' ' => Some('-'),
        '-' | '_' => Some(c),
        _ => c.is_alphanumeric().then(|| c.to_ascii_lowercase()),
    });
    kept.collect()
}

/// Replaces inline code, which holds no links.
fn without_inline_code(prose: &str) -> String {
    prose
        .split('`')
        .enumerate()
        .map(|(index, part)| if index % 2 == 0 { part } else { "code" })
        .collect()
}

pub(crate) fn dedent(lines: &[&str]) -> String {
    let indent = lines
        .iter()
        .filter(|line| !line.trim().is_empty())
        .map(|line| line.len() - line.trim_start().len())
        .min()
        .unwrap_or(0);
    let lines: Vec<_> = lines
        .iter()
        .map(|line| line.get(indent..).unwrap_or_default())
        .collect();
    lines.join("\n").trim_matches('\n').to_owned()
}
