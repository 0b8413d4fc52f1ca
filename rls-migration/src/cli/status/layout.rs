use std::io::{IsTerminal, stdout};
use std::iter::once;

use rls_core::shown;
use terminal_size::{Width, terminal_size};

/// One table. The longest cell is the last, so that a terminal cuts no other.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) table: String,
    pub(super) drift: String,
    pub(super) security: String,
    pub(super) policies: String,
    pub(super) index: String,
    pub(super) scope: String,
}

impl Row {
    /// What the cells print; a name in the database may hold what a terminal obeys.
    fn cells(&self) -> [String; 6] {
        [
            &self.table,
            &self.drift,
            &self.security,
            &self.policies,
            &self.index,
            &self.scope,
        ]
        .map(|cell| shown(cell))
    }
}

/// The columns of the terminal that standard output is; `None` if it is something else.
pub(in crate::cli) fn width() -> Option<usize> {
    let size = stdout().is_terminal().then(terminal_size).flatten();
    size.map(|(Width(columns), _)| columns.into())
}

/// A line of headings, then one for each row, cut at `width`.
pub(super) fn text(rows: &[Row], width: Option<usize>) -> String {
    let headings = ["TABLE", "DRIFT", "SECURITY", "POLICIES", "INDEX", "SCOPE"];
    let lines: Vec<[String; 6]> = once(headings.map(str::to_owned))
        .chain(rows.iter().map(Row::cells))
        .collect();

    let mut widths = [0; 6];
    for cells in &lines {
        for (width, cell) in widths.iter_mut().zip(cells) {
            *width = (*width).max(cell.chars().count());
        }
    }

    let line = |cells: &[String; 6]| {
        let padded = cells.iter().zip(widths);
        let padded = padded.map(|(cell, width)| format!("{cell:<width$}"));
        let line = padded.collect::<Vec<_>>().join("  ");
        format!("{}\n", cut(line.trim_end(), width))
    };

    lines.iter().map(line).collect()
}

fn cut(line: &str, width: Option<usize>) -> String {
    match width {
        Some(width) if line.chars().count() > width => {
            let kept = line.chars().take(width.saturating_sub(1));
            kept.chain(once('…')).collect()
        }
        _ => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(table: &str, scope: &str) -> Row {
        Row {
            table: table.to_owned(),
            drift: "2 changes".to_owned(),
            security: "forced".to_owned(),
            policies: "6".to_owned(),
            index: "yes".to_owned(),
            scope: scope.to_owned(),
        }
    }

    fn rows() -> [Row; 2] {
        [
            row("task", "owner_id is the user; all users read is_shared"),
            row("country", "none: the same for everyone"),
        ]
    }

    #[test]
    fn a_pipe_gets_all_and_a_terminal_what_fits() {
        let whole = text(&rows(), None);
        assert!(
            whole.lines().count() == 3 && !whole.contains('…'),
            "{whole}"
        );

        insta::assert_snapshot!("cut", text(&rows(), Some(60)));
        assert_eq!(text(&rows(), Some(200)), whole);
    }

    #[test]
    fn every_line_fits_every_width() {
        let wide = [row("表", "tämä on käyttäjän")];

        for width in 0..100 {
            for line in text(&wide, Some(width)).lines() {
                assert!(line.chars().count() <= width.max(1), "{width}: {line}");
            }
        }
    }

    #[test]
    fn name_in_the_database_directs_no_terminal() {
        let text = text(&[row("a\u{1b}[2J\nb\u{202e}", "")], None);
        assert!(
            !text.contains(['\u{1b}', '\u{202e}']) && text.lines().count() == 2,
            "{text}"
        );
    }
}
