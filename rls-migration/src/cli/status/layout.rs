use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{IsTerminal, stdout};

use terminal_size::{Height, Width};

/// What stands in [`Row::drift`] of a table that is as its entity says.
pub(super) const AS_ASKED: &str = "none";

/// One table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) table: String,
    pub(super) scope: String,
    pub(super) policies: String,
    pub(super) security: String,
    pub(super) index: String,
    pub(super) drift: String,
}

/// How much is seen at once; `None` where nobody looks, such as in a pipe, and all is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::cli) struct Screen {
    pub(super) columns: Option<usize>,
    pub(super) lines: Option<usize>,
}

impl Screen {
    /// Of the terminal that standard output is.
    pub(in crate::cli) fn of_output() -> Self {
        let size = if stdout().is_terminal() {
            terminal_size::terminal_size()
        } else {
            None
        };

        let (columns, lines) = size
            .map(|(Width(columns), Height(lines))| (columns.into(), lines.into()))
            .unzip();
        Self { columns, lines }
    }

    /// With so many lines less.
    pub(super) fn less(self, lines: usize) -> Self {
        Self {
            lines: self.lines.map(|all| all.saturating_sub(lines)),
            ..self
        }
    }
}

/// A line a table. Where that is more than the screen holds, tables that are alike share one, with
/// their names below; what is not as its entity says comes first.
pub(super) fn text(rows: &[Row], screen: Screen) -> String {
    let lines = screen.lines.unwrap_or(usize::MAX);

    // One line is the headings'.
    if rows.len() < lines {
        return table(
            &rows
                .iter()
                .map(|row| (row.clone(), Vec::new()))
                .collect::<Vec<_>>(),
            screen.columns,
            1,
        );
    }

    let mut folded: BTreeMap<(bool, [&str; 5]), Vec<&Row>> = BTreeMap::new();
    for row in rows {
        let alike = [
            &row.drift,
            &row.scope,
            &row.policies,
            &row.security,
            &row.index,
        ]
        .map(String::as_str);

        folded
            .entry((row.drift == AS_ASKED, alike))
            .or_default()
            .push(row);
    }

    let groups = folded.values().filter(|rows| rows.len() > 1).count();
    let left = lines.saturating_sub(folded.len() + 1) / groups.max(1);
    let shown: Vec<(Row, Vec<&str>)> = folded
        .into_values()
        .map(|rows| match rows.as_slice() {
            [one] => ((*one).clone(), Vec::new()),
            several => {
                let all = Row {
                    table: format!("{} tables", several.len()),
                    ..several[0].clone()
                };
                (all, several.iter().map(|row| row.table.as_str()).collect())
            }
        })
        .collect();

    table(&shown, screen.columns, left.max(1))
}

/// Rows under their headings, each with the names of those that share it in at most `lines`.
fn table(rows: &[(Row, Vec<&str>)], columns: Option<usize>, lines: usize) -> String {
    let headings = ["TABLE", "SCOPE", "POLICIES", "SECURITY", "INDEX", "DRIFT"];
    let cells = |row: &Row| {
        [
            &row.table,
            &row.scope,
            &row.policies,
            &row.security,
            &row.index,
            &row.drift,
        ]
        .map(|cell| shown(cell))
    };

    let all: Vec<[String; 6]> = std::iter::once(headings.map(str::to_owned))
        .chain(rows.iter().map(|(row, _)| cells(row)))
        .collect();
    let mut widths = [0; 6];

    for cells in &all {
        for (width, cell) in widths.iter_mut().zip(cells) {
            *width = (*width).max(cell.chars().count());
        }
    }

    if let Some(columns) = columns {
        narrow(&mut widths, columns);
    }

    let mut text = String::new();
    let names = std::iter::once(&[][..]).chain(rows.iter().map(|(_, names)| names.as_slice()));

    for (cells, names) in all.iter().zip(names) {
        let [table, scope, rest @ ..] = cells;
        let mut line = format!("{:<1$}", cut_inside(table, widths[0]), widths[0]);
        let _infallible = write!(line, "  {:<1$}", cut_end(scope, widths[1]), widths[1]);

        for (cell, width) in rest.iter().zip(&widths[2..]) {
            let _infallible = write!(line, "  {cell:<width$}");
        }

        let _infallible = writeln!(text, "{}", line.trim_end());
        listed(&mut text, names, columns.unwrap_or(100), lines);
    }

    text
}

/// Makes tables' names and scopes as narrow as the others leave room for: half each, unless one
/// needs less.
fn narrow(widths: &mut [usize; 6], columns: usize) {
    let others: usize = widths[2..].iter().sum::<usize>() + 2 * (widths.len() - 1);
    let room = columns.saturating_sub(others).max(24);
    let [table, scope, ..] = widths;

    if *table + *scope > room {
        *table = (*table).min((room / 2).max(room.saturating_sub(*scope)));
        *scope = (*scope).min(room - *table);
    }
}

/// Names in lines of at most `columns`, at most so many; then how many more there are.
fn listed(text: &mut String, names: &[&str], columns: usize, lines: usize) {
    let (mut line, mut used) = (String::new(), 1);
    for (at, name) in names.iter().enumerate() {
        let more = format!(" … and {} more", names.len() - at);
        let name = shown(name);
        let comma = if at + 1 < names.len() { "," } else { "" };
        let room = if used == lines {
            columns.saturating_sub(more.chars().count())
        } else {
            columns
        };

        if !line.is_empty() && line.chars().count() + name.chars().count() + 2 > room {
            if used == lines {
                let _infallible = writeln!(text, "{line}{more}");
                return;
            }

            let _infallible = writeln!(text, "{line}");
            line.clear();
            used += 1;
        }

        let _infallible = write!(
            line,
            "{}{name}{comma}",
            if line.is_empty() { "  " } else { " " }
        );
    }

    if !line.is_empty() {
        let _infallible = writeln!(text, "{line}");
    }
}

/// A name in the database may hold what a terminal obeys.
fn shown(text: &str) -> String {
    text.chars()
        .flat_map(|c| {
            if c.is_control() {
                c.escape_default().collect()
            } else {
                vec![c]
            }
        })
        .collect()
}

fn cut_end(text: &str, width: usize) -> String {
    let all = text.chars().count();
    if all <= width {
        text.to_owned()
    } else {
        text.chars()
            .take(width.saturating_sub(1))
            .chain(['…'])
            .collect()
    }
}

/// Both ends of a name tell it from others.
fn cut_inside(text: &str, width: usize) -> String {
    let all = text.chars().count();
    if all <= width {
        return text.to_owned();
    }

    let kept = width.saturating_sub(1);
    let (head, tail) = (kept - kept / 2, kept / 2);

    text.chars()
        .take(head)
        .chain(['…'])
        .chain(text.chars().skip(all - tail))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(table: &str, scope: &str, drift: &str) -> Row {
        Row {
            table: table.to_owned(),
            scope: scope.to_owned(),
            policies: "6".to_owned(),
            security: "forced".to_owned(),
            index: "yes".to_owned(),
            drift: drift.to_owned(),
        }
    }

    fn rows(many: usize) -> Vec<Row> {
        let own = (0..many).map(|at| row(&format!("table_{at}"), "owner_id is the user", AS_ASKED));
        let others = [
            row(
                "quarterly_customer_account_statement_line_item",
                "task_id leads to own public.task",
                "2 changes",
            ),
            row(
                "country",
                "none: the same for everyone, and the addresses of all need it too, always",
                AS_ASKED,
            ),
        ];

        own.chain(others).collect()
    }

    #[test]
    fn a_pipe_gets_a_line_a_table_and_nothing_is_cut() {
        let text = text(&rows(60), Screen::default());
        assert_eq!(text.lines().count(), 63);
        assert!(!text.contains('…'), "{text}");
    }

    #[test]
    fn a_screen_holds_three_twelve_and_sixty_tables() {
        for (many, columns, lines) in [
            (1, 80, 24),
            (10, 80, 24),
            (10, 120, 24),
            (58, 80, 24),
            (58, 120, 50),
            (500, 80, 24),
        ] {
            let text = text(
                &rows(many),
                Screen {
                    columns: Some(columns),
                    lines: Some(lines),
                }
                .less(super::super::BELOW),
            );

            assert!(
                text.lines().count() <= lines - super::super::BELOW,
                "{many} tables: {text}"
            );
            assert!(
                text.lines().all(|line| line.chars().count() <= columns),
                "{many} tables: {text}"
            );
            assert!(text.contains("2 changes"), "{text}");

            let is_folded = many + 3 > lines - super::super::BELOW;

            assert_eq!(
                text.contains(&format!("{many} tables")),
                is_folded,
                "{text}"
            );
        }
    }

    #[test]
    fn tables_that_are_alike_share_a_line_and_keep_their_names() {
        let text = text(
            &rows(40),
            Screen {
                columns: Some(80),
                lines: Some(20),
            },
        );

        assert!(
            text.lines()
                .nth(1)
                .unwrap()
                .starts_with("quarterly_…line_item"),
            "what drifted comes first: {text}"
        );
        for at in 0..40 {
            assert!(text.contains(&format!(" table_{at}")), "table_{at}: {text}");
        }

        insta::assert_snapshot!("folded", text);
    }

    #[test]
    fn name_in_the_database_directs_no_terminal() {
        let text = text(&[row("a\u{1b}[2J\nb", "", AS_ASKED)], Screen::default());
        assert!(
            !text.contains('\u{1b}') && text.lines().count() == 2,
            "{text}"
        );
    }

    #[test]
    fn names_that_do_not_fit_are_counted() {
        let mut text = String::new();
        listed(&mut text, &["first", "second", "third", "fourth"], 24, 1);
        assert_eq!(text, "  first, … and 3 more\n");
    }
}
