use crate::name::{Identifier, TableName};
use crate::plan::Change;

use super::change::change as statements;
use super::quote::{identifier, literal, table};

/// A step of a change that is made while the table is in use.
pub(crate) enum Step {
    /// Statements of one short transaction.
    Together(Vec<String>),
    /// A statement that runs in no transaction.
    Alone(String),
    /// One statement after the other, over the pages of a table, given as a `regclass`.
    Pages { table: String, fill: Fill },
}

/// Fills the rows of some pages.
pub(crate) struct Fill {
    update: String,
}

impl Fill {
    /// The statement for all pages: what was updated meanwhile may have moved to pages that were filled before.
    pub(crate) fn rest(&self) -> String {
        self.update.clone()
    }

    /// The statement for pages from `from` up to `to`.
    pub(crate) fn between(&self, from: i64, to: i64) -> String {
        format!("{} AND ctid >= '({from},0)' AND ctid < '({to},0)'", self.update)
    }
}

/// The steps of a change that takes long on a big table; `None` for one that [`Rls::sync`](crate::Rls::sync) makes as
/// quickly.
pub(crate) fn online(change: &Change) -> Option<Vec<Step>> {
    match change {
        Change::AddOwnerColumn { table: name, column, key, backfill } => {
            let add = format!("ALTER TABLE {} ADD COLUMN {} {}", table(name), identifier(column), key.as_sql());
            let mut steps = vec![Step::Together(vec![add])];
            steps.extend(not_null(name, column, backfill.as_ref()));
            Some(steps)
        }
        Change::SetNotNull { table: name, column, backfill } => Some(not_null(name, column, backfill.as_ref())),
        Change::SetDefault { .. } => {
            Some(vec![Step::Together(statements(change).into_iter().map(|statement| statement.text).collect())])
        }
        Change::AddForeignKey { table: name, column, .. } => {
            let constraint = identifier(&Identifier::joined(&name.table, &format!("{column}_fkey")));
            let add = statements(change).into_iter().map(|statement| format!("{} NOT VALID", statement.text)).collect();
            let validate = format!("ALTER TABLE {} VALIDATE CONSTRAINT {constraint}", table(name));
            Some(vec![Step::Together(add), Step::Together(vec![validate])])
        }
        Change::CreateIndex { table: name, columns, only } => {
            let index = TableName { table: super::change::index_name(name, columns, only.as_ref()), ..name.clone() };
            let create = statements(change)
                .into_iter()
                .map(|statement| statement.text.replacen("CREATE INDEX", "CREATE INDEX CONCURRENTLY", 1));
            // One that was broken off before is there and invalid.
            let drop = format!("DROP INDEX CONCURRENTLY IF EXISTS {}", table(&index));
            Some(std::iter::once(drop).chain(create).map(Step::Alone).collect())
        }
        _ => None,
    }
}

/// A validated check lets `SET NOT NULL` pass without reading the table (since PostgreSQL 12).
fn not_null(name: &TableName, column: &Identifier, backfill: Option<&String>) -> Vec<Step> {
    let (quoted, target) = (table(name), identifier(column));
    let check = identifier(&Identifier::joined(&name.table, &format!("{column}_not_null")));
    let fill = backfill.map(|backfill| Step::Pages {
        table: literal(&quoted).map_or_else(String::new, |text| format!("{text}::regclass")),
        fill: Fill { update: format!("UPDATE {quoted} SET {target} = ({backfill}\n) WHERE {target} IS NULL") },
    });
    let checked = [
        vec![
            format!("ALTER TABLE {quoted} DROP CONSTRAINT IF EXISTS {check}"),
            format!("ALTER TABLE {quoted} ADD CONSTRAINT {check} CHECK ({target} IS NOT NULL) NOT VALID"),
        ],
        vec![format!("ALTER TABLE {quoted} VALIDATE CONSTRAINT {check}")],
        vec![
            format!("ALTER TABLE {quoted} ALTER COLUMN {target} SET NOT NULL"),
            format!("ALTER TABLE {quoted} DROP CONSTRAINT {check}"),
        ],
    ];
    fill.into_iter().chain(checked.map(Step::Together)).collect()
}
