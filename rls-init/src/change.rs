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
    /// Texts that a diff does not show.
    pub(crate) secrets: Vec<String>,
}

impl Change {
    /// `None` if the file stays as it is.
    pub(crate) fn new(path: &Path, before: &str, after: String) -> Option<Self> {
        (before != after).then(|| Self {
            path: path.to_owned(),
            before: before.to_owned(),
            after,
            secrets: Vec::new(),
        })
    }

    /// The change as `git diff` prints one, with paths below `root`.
    pub(crate) fn diff(&self, root: &Path) -> String {
        let name = shown(&self.path, root);
        let hidden = |text: String, secret: &String| text.replace(secret, "********");
        let after = self.secrets.iter().fold(self.after.clone(), hidden);
        let old = if self.before.is_empty() {
            "/dev/null".to_owned()
        } else {
            format!("a/{name}")
        };

        TextDiff::from_lines(&self.before, &after)
            .unified_diff()
            .header(&old, &format!("b/{name}"))
            .to_string()
    }

    pub(crate) fn write(&self) -> Result<(), InitError> {
        fs::write(&self.path, &self.after).map_err(InitError::io("write", &self.path))
    }
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
