use std::path::Path;

use super::Plan;
use crate::change::shown;

impl Plan {
    /// What a person reads after the diff.
    pub(crate) fn words(&self, root: &Path, written: bool) -> String {
        let mut words = vec![String::new()];
        words.extend(self.found.iter().cloned());

        let lists = [
            (
                "Yours to decide; until then the application cannot reach these tables:",
                &self.tables,
            ),
            ("Yours to change:", &self.steps),
        ];
        for (heading, list) in lists.iter().filter(|(_, list)| !list.is_empty()) {
            words.push(format!("\n{heading}"));
            words.extend(list.iter().map(|line| format!("- {line}")));
        }

        words.push(match (self.changes.len(), written) {
            (0, _) => "\nNothing to change.".to_owned(),
            (1, false) => "\n1 file would change. Add `--write` to write it.".to_owned(),
            (count, false) => format!("\n{count} files would change. Add `--write` to write them."),
            (_, true) => {
                let paths = self.changes.iter().map(|change| shown(&change.path, root));
                let paths: Vec<_> = paths.collect();
                format!(
                    "\nWrote {}.\nNext: `cargo run -p migration -- rls plan` (the migration crate) shows \
                     what will change in the database, and `up` changes it.",
                    paths.join(", ")
                )
            }
        });

        words.join("\n") + "\n"
    }
}
