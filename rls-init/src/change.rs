//! A file before and after.

use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};

use similar::TextDiff;

use crate::error::InitError;

#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) path: PathBuf,
    pub(crate) before: String,
    pub(crate) after: String,
    /// Whether a diff shows the names of variables alone: values are passwords, and URLs with them.
    pub(crate) hides_values: bool,
}

impl Change {
    /// `None` if the file stays as it is.
    pub(crate) fn new(path: &Path, before: &str, after: String) -> Option<Self> {
        (before != after).then(|| Self {
            path: path.to_owned(),
            before: before.to_owned(),
            after,
            hides_values: false,
        })
    }

    /// The change as `git diff` prints one, with paths below `root`.
    pub(crate) fn diff(&self, root: &Path) -> String {
        let name = shown(&self.path, root);
        let (before, after) = if self.hides_values {
            (without_values(&self.before), without_values(&self.after))
        } else {
            (self.before.clone(), self.after.clone())
        };
        let old = if self.before.is_empty() {
            "/dev/null".to_owned()
        } else {
            format!("a/{name}")
        };

        TextDiff::from_lines(&before, &after)
            .unified_diff()
            .header(&old, &format!("b/{name}"))
            .to_string()
    }

    pub(crate) fn write(&self) -> Result<(), InitError> {
        fs::write(&self.path, &self.after).map_err(InitError::io("write", &self.path))
    }
}

/// Only the names of variables; a line that is none may be a part of a value.
fn without_values(text: &str) -> String {
    let is_name = |name: &str| {
        name.chars()
            .all(|c| c.is_alphanumeric() || c == '_' || c == ' ')
    };
    let hidden = |line: &str| match line.split_once('=') {
        Some((name, _)) if is_name(name) => format!("{name}=********\n"),
        _ if line.trim().is_empty() => line.to_owned(),
        _ => "********\n".to_owned(),
    };
    text.split_inclusive('\n').map(hidden).collect()
}

/// A path below the project's directory.
pub(crate) fn shown(path: &Path, root: &Path) -> String {
    path.strip_prefix(root)
        .unwrap_or(path)
        .display()
        .to_string()
}

/// A place in a text, and what goes there instead.
pub(crate) type Edit = (Range<usize>, String);

/// The text with edits that do not overlap.
pub(crate) fn edited(text: &str, mut edits: Vec<Edit>) -> String {
    edits.sort_by_key(|(place, _)| place.start);

    let mut result = String::new();
    let mut from = 0;
    for (place, new) in edits {
        result.push_str(&text[from..place.start]);
        result.push_str(&new);
        from = place.end;
    }

    result.push_str(&text[from..]);
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_the_environment_are_not_shown() {
        let before = "KEY=\"secret\nsecret+==\"\nDATABASE_URL=postgres://me:secret@localhost/app";
        let after = format!("{before}\nRLS_APP_PASSWORD=another\n");
        let change = Change {
            hides_values: true,
            ..Change::new(Path::new("/a/.env"), before, after).unwrap()
        };

        let diff = change.diff(Path::new("/a"));
        assert!(diff.contains("+RLS_APP_PASSWORD=********"), "{diff}");
        assert!(
            !diff.contains("secret") && !diff.contains("another"),
            "{diff}"
        );
    }
}
