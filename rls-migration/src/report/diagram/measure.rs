use super::graph::{Edge, Graph, Node, NodeKind};

/// The width of a character of the names' fixed font, in hundredths of a unit at a size of 1.
const ADVANCE: i32 = 61;

pub(super) const NAME_SIZE: i32 = 13;
pub(super) const COLUMN_SIZE: i32 = 11;
pub(super) const NAME_LINE: i32 = 17;
pub(super) const COLUMN_LINE: i32 = 14;

/// A table's box: on top a tab for each column by which its rows belong, below its name.
#[derive(Clone, Debug)]
pub(super) struct Shape {
    pub(super) name: Vec<String>,
    /// What kind of table it is, where that needs a word.
    pub(super) note: &'static str,
    /// By the edges of the graph.
    pub(super) tabs: Vec<Tab>,
    pub(super) tab_height: i32,
    pub(super) width: i32,
    pub(super) height: i32,
}

#[derive(Clone, Debug)]
pub(super) struct Tab {
    pub(super) edge: usize,
    pub(super) lines: Vec<String>,
    pub(super) width: i32,
}

impl Shape {
    pub(super) fn of(graph: &Graph, node: usize) -> Self {
        let edges = graph
            .edges
            .iter()
            .enumerate()
            .filter(|(_, edge)| edge.child == node);

        let mut tabs: Vec<Tab> = edges.map(|(at, edge)| tab(at, edge)).collect();
        let Node { name, kind } = &graph.nodes[node];
        let name = wrapped(name, 24);
        let said = match kind {
            NodeKind::Identity(rls_core::Holder::User) => "the users",
            NodeKind::Identity(rls_core::Holder::Tenant) => "the tenants",
            NodeKind::OwnPolicies => "policies of its own",
            NodeKind::Unregistered => "no entity registered",
            NodeKind::Setting(rls_core::Holder::User) => "the user in this setting",
            NodeKind::Setting(rls_core::Holder::Tenant) => "the tenant in this setting",
            NodeKind::Owned => "",
        };

        let lines = tabs
            .iter()
            .map(|tab| tab.lines.len())
            .max()
            .unwrap_or_default();

        let tab_height = if lines == 0 {
            0
        } else {
            count(lines) * COLUMN_LINE + 6
        };

        let tabs_width: i32 = tabs.iter().map(|tab| tab.width).sum();
        let named = name
            .iter()
            .map(|line| text_width(line, NAME_SIZE))
            .max()
            .unwrap_or_default();

        let width = (named + 24)
            .max(text_width(said, COLUMN_SIZE) + 20)
            .max(tabs_width)
            .max(88);

        // The tabs fill the box.
        let spare = width - tabs_width;
        let many = count(tabs.len());
        for tab in &mut tabs {
            tab.width += spare / many;
        }

        let noted = if said.is_empty() { 0 } else { COLUMN_LINE };
        let height = tab_height + count(name.len()) * NAME_LINE + noted + 14;

        Self {
            name,
            note: said,
            tabs,
            tab_height,
            width,
            height,
        }
    }
}

fn tab(edge: usize, Edge { column, .. }: &Edge) -> Tab {
    let lines = wrapped(column, 20);
    let width = lines
        .iter()
        .map(|line| text_width(line, COLUMN_SIZE))
        .max()
        .unwrap_or_default()
        + 16;

    Tab { edge, lines, width }
}

pub(super) fn count(of: usize) -> i32 {
    i32::try_from(of).unwrap_or(i32::MAX)
}

pub(super) fn text_width(text: &str, size: i32) -> i32 {
    columns(text) * ADVANCE * size / 100
}

/// Characters of East Asian scripts are as wide as two; that others may be narrower only leaves
/// room.
fn columns(text: &str) -> i32 {
    text.chars()
        .map(|character| if character >= '\u{1100}' { 2 } else { 1 })
        .sum()
}

/// A name in lines of about so many columns, broken behind `_`, `.`, `-` and spaces where that is
/// possible.
fn wrapped(name: &str, most: i32) -> Vec<String> {
    let mut lines = vec![String::new()];
    for part in name.split_inclusive(['_', '.', '-', ' ']) {
        for piece in pieces(part, most) {
            match lines.last_mut() {
                Some(line) if line.is_empty() || columns(line) + columns(&piece) <= most => {
                    line.push_str(&piece)
                }
                _ => lines.push(piece),
            }
        }
    }

    lines
}

/// A part that is longer than a line, cut.
fn pieces(part: &str, most: i32) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for character in part.chars() {
        match pieces.last_mut() {
            Some(piece) if columns(piece) < most => piece.push(character),
            _ => pieces.push(character.to_string()),
        }
    }

    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_names_are_broken_and_lose_nothing() {
        for (name, expected) in [
            ("task", vec!["task"]),
            (
                "quarterly_customer_account_statement_line",
                vec!["quarterly_customer_", "account_statement_line"],
            ),
            (
                "abcdefghijklmnopqrstuvwxyzabcdefgh",
                vec!["abcdefghijklmnopqrstuvwx", "yzabcdefgh"],
            ),
            ("", vec![""]),
        ] {
            let lines = wrapped(name, 24);
            assert_eq!(lines, expected);
            assert_eq!(lines.concat(), name);
        }
    }
}
