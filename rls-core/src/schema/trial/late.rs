//! Which part of a policy the server evaluates after a condition of a statement.

use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ConnectionTrait, DatabaseTransaction, TransactionSession, TransactionTrait};

use super::{become_role, statements};
use crate::error::RlsError;
use crate::model::privilege::Privilege;
use crate::name::{Identifier, TableName};
use crate::schema::catalog::query::{get, rows};

/// A condition that the planner thinks to cost nothing and to leak nothing, as the server prints it. It
/// tells nothing. PostgreSQL 19 leaves out one that is true of each row, such as `ARRAY[…] IS NOT NULL`.
const CHEAPEST: &str = "((ARRAY[tableoid])[1] IS NOT NULL)";

/// What is said of a plan without that condition.
const UNSEEN: &str = "a part that the plan does not show";

/// The least memory for hash tables, which a statement can ask for, and none of the indexes that take
/// conditions out of a filter.
const LEAST: &str = "SET LOCAL work_mem = '64kB'; SET LOCAL hash_mem_multiplier = 1; \
                     SET LOCAL enable_indexscan = off; SET LOCAL enable_bitmapscan = off; \
                     SET LOCAL enable_indexonlyscan = off";

/// The tables of which the server evaluates a part of the policy after a condition of a statement, each
/// with that part as the server prints it; none if the login cannot act as the role. An equality may
/// stand behind, because the server puts it there: the library's own policies have it in front too, in
/// another form, and of one made by hand it is accepted.
///
/// Statements sent: `EXPLAIN` of those that read, change and delete rows, of each table that the role may
/// read, in a savepoint that is rolled back. Locks taken: `ACCESS SHARE` and `ROW EXCLUSIVE` on the tables.
pub(crate) async fn late(
    db: &DatabaseTransaction,
    role: &Identifier,
    tables: &[&TableName],
) -> Result<BTreeMap<TableName, String>, RlsError> {
    let Some(become_role) = become_role(db, role).await? else {
        return Ok(BTreeMap::new());
    };
    let statements = statements(db, role, tables).await?;
    let readable: BTreeSet<&TableName> = statements
        .iter()
        .filter(|(_, privilege, _)| *privilege == Privilege::Select)
        .map(|(table, ..)| *table)
        .collect();

    let savepoint = db.begin().await?;
    savepoint
        .execute_unprepared(&format!("{become_role}; {LEAST}"))
        .await?;

    let mut late = BTreeMap::new();
    for (table, privilege, statement) in &statements {
        if *privilege == Privilege::Insert || !readable.contains(table) {
            continue;
        }

        let plan = rows(&savepoint, format!("{statement} WHERE {CHEAPEST}")).await?;
        let lines: Result<Vec<String>, _> = plan.iter().map(|row| get(row, "QUERY PLAN")).collect();
        if let Some(part) = behind_in(&lines?) {
            late.entry((*table).clone()).or_insert(part);
        }
    }

    TransactionSession::rollback(savepoint).await?;
    Ok(late)
}

/// What stands behind in a plan. One that reads no row at all shows no order.
fn behind_in(lines: &[String]) -> Option<String> {
    let is_shown =
        |line: &String| line.contains(CHEAPEST) || line.trim() == "One-Time Filter: false";
    if !lines.iter().any(is_shown) {
        return Some(UNSEEN.to_owned());
    }

    lines
        .iter()
        .find_map(|line| behind(line))
        .map(str::to_owned)
}

/// The first condition of a filter that stands behind the cheapest one, and is no equality.
fn behind(line: &str) -> Option<&str> {
    let (_, mut rest) = line.split_once(CHEAPEST)?;

    while let Some(part) = rest.strip_prefix(" AND ") {
        let (part, after) = part.split_at(end(part));
        let within = part
            .strip_prefix('(')
            .and_then(|part| part.strip_suffix(')'));
        if !within.is_some_and(is_equality) {
            return Some(part);
        }
        rest = after;
    }

    None
}

/// Where the condition ends that the text begins with: before the next one, or the end of all.
fn end(text: &str) -> usize {
    outside_quotes(text)
        .find(|(at, _, depth)| *depth < 0 || *depth == 0 && text[*at..].starts_with(" AND "))
        .map_or(text.len(), |(at, ..)| at)
}

/// Whether the text is one value, `=`, and another that is no list.
fn is_equality(text: &str) -> bool {
    let sign = outside_quotes(text)
        .find(|(at, _, depth)| *depth == 0 && text[*at..].starts_with("= "))
        .filter(|(at, ..)| text[..*at].ends_with(' '));

    sign.is_some_and(|(at, ..)| {
        let right = &text[at + 2..];
        !right.starts_with("ANY (") && !right.starts_with("ALL (")
    })
}

/// Each character outside of quotes, where it is, and how many parentheses are open after it.
fn outside_quotes(text: &str) -> impl Iterator<Item = (usize, char, i32)> {
    let (mut quote, mut depth) = (None, 0);

    text.char_indices().filter_map(move |(at, character)| {
        match (quote, character) {
            (Some(open), _) if open == character => quote = None,
            (Some(_), _) => return None,
            (None, '\'' | '"') => quote = Some(character),
            (None, '(') => depth += 1,
            (None, ')') => depth -= 1,
            (None, _) => {}
        }
        Some((at, character, depth))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_behind_and_is_no_equality_is_late() {
        for (after, late) in [
            (")", None),
            (" AND (owner_id = $2))", None),
            (
                " AND ((\"a = (\")::text = (InitPlan 3).col1) AND (b = $1))",
                None,
            ),
            (" AND (SubPlan 4))", Some("(SubPlan 4)")),
            (" AND (a = $1) AND (b = ANY ($7)))", Some("(b = ANY ($7))")),
            (
                " AND (ANY (a = (SubPlan 4).col1)))",
                Some("(ANY (a = (SubPlan 4).col1))"),
            ),
            (" AND f(a, ' = '))", Some("f(a, ' = ')")),
            (" AND (a = $1) AND b AND (c = $2))", Some("b")),
            (" AND (NOT (a = $1)))", Some("(NOT (a = $1))")),
            (" AND (a >= $1))", Some("(a >= $1)")),
        ] {
            let line = format!(
                "  Filter: (CASE WHEN (a = $0) THEN true ELSE false END AND {CHEAPEST}{after}"
            );
            assert_eq!(behind(&line), late, "{after}");
        }
        assert_eq!(behind("  Filter: (a AND (SubPlan 4))"), None);
    }

    #[test]
    fn plan_without_the_condition_is_not_taken_as_in_order() {
        let plan = |line: &str| behind_in(&["Seq Scan on task".to_owned(), line.to_owned()]);
        assert_eq!(
            plan("  Filter: (a AND (SubPlan 4))").as_deref(),
            Some(UNSEEN)
        );
        assert_eq!(plan("  One-Time Filter: false"), None);
        assert_eq!(plan(&format!("  Filter: (a AND {CHEAPEST})")), None);
    }
}
