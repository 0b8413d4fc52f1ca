use crate::name::{Identifier, TableName};
use crate::schema::plan::Change;

use super::change::change as statements;
use crate::sql::{identifier, literal, table};

/// A step of a change that is made while the table is in use.
pub(crate) enum Step {
    /// Statements of one short transaction.
    Together(Vec<String>),
    /// An index, made in no transaction; one of that name that was broken off goes first.
    Index {
        table: TableName,
        name: Identifier,
        drop: String,
        create: String,
    },
    /// No row may have NULL there.
    Filled {
        table: TableName,
        column: Identifier,
        any: String,
    },
    /// A check that the column is not NULL, which is proven, relied on, and dropped.
    Check {
        table: TableName,
        name: Identifier,
        column: Identifier,
        add: String,
        validate: String,
        drop: String,
    },
    /// One statement after the other, over the pages of a table, given as a `regclass`.
    Pages { table: String, fill: Fill },
}

/// Fills the rows of some pages.
pub(crate) struct Fill {
    update: String,
}

impl Fill {
    /// The statement for all pages: what was updated meanwhile may have moved to pages that were
    /// filled before.
    pub(crate) fn rest(&self) -> String {
        self.update.clone()
    }

    /// The statement for pages from `from` up to `to`.
    pub(crate) fn between(&self, from: i64, to: i64) -> String {
        format!(
            "{} AND ctid >= '({from},0)' AND ctid < '({to},0)'",
            self.update
        )
    }
}

/// The steps of a change that takes long on a big table; `None` for one that
/// [`RlsSchema::sync`](crate::RlsSchema::sync) makes as quickly.
pub(crate) fn online(change: &Change) -> Option<Vec<Step>> {
    match change {
        Change::AddOwnerColumn {
            table: name,
            column,
            key,
            backfill,
        } => {
            let add = format!(
                "ALTER TABLE {} ADD COLUMN {} {}",
                table(name),
                identifier(column),
                key.as_sql()
            );

            let mut steps = vec![Step::Together(vec![add])];
            steps.extend(filled(name, column, backfill.as_ref()));
            steps.extend(not_null(name, column));

            Some(steps)
        }
        Change::SetNotNull {
            table: name,
            column,
            backfill,
            unproven,
        } => {
            let mut steps = filled(name, column, backfill.as_ref());
            match unproven {
                None => steps.extend(not_null(name, column)),
                Some(constraint) => {
                    let validate = format!(
                        "ALTER TABLE {} VALIDATE CONSTRAINT {}",
                        table(name),
                        identifier(constraint)
                    );
                    steps.push(Step::Together(vec![validate]));
                }
            }

            Some(steps)
        }
        Change::SetDefault { .. } => Some(vec![Step::Together(
            statements(change)
                .into_iter()
                .map(|statement| statement.text)
                .collect(),
        )]),
        Change::AddForeignKey {
            table: name,
            column,
            ..
        } => {
            let constraint =
                identifier(&Identifier::joined(&name.table, &format!("{column}_fkey")));
            let add = statements(change)
                .into_iter()
                .map(|statement| format!("{} NOT VALID", statement.text))
                .collect();

            let validate = format!(
                "ALTER TABLE {} VALIDATE CONSTRAINT {constraint}",
                table(name)
            );

            Some(vec![Step::Together(add), Step::Together(vec![validate])])
        }
        Change::CreateIndex {
            table: name,
            columns,
            only,
        } => {
            let index = super::change::index_name(name, columns, only.as_ref());
            let qualified = TableName {
                table: index.clone(),
                ..name.clone()
            };

            let create = statements(change)
                .into_iter()
                .map(|statement| statement.text)
                .next()?;

            Some(vec![Step::Index {
                table: name.clone(),
                name: index,
                drop: format!("DROP INDEX CONCURRENTLY {}", table(&qualified)),
                create: create.replacen("CREATE INDEX", "CREATE INDEX CONCURRENTLY", 1),
            }])
        }
        Change::ValidateForeignKey { .. } => Some(vec![Step::Together(
            statements(change)
                .into_iter()
                .map(|statement| statement.text)
                .collect(),
        )]),
        _ => None,
    }
}

/// Rows without an owner get theirs, or are told of.
fn filled(name: &TableName, column: &Identifier, backfill: Option<&String>) -> Vec<Step> {
    let (quoted, target) = (table(name), identifier(column));
    let fill = backfill.map(|backfill| Step::Pages {
        table: literal(&quoted).map_or_else(String::new, |text| format!("{text}::regclass")),
        fill: Fill {
            update: super::change::update(&quoted, &target, backfill),
        },
    });

    let filled = Step::Filled {
        table: name.clone(),
        column: column.clone(),
        any: format!("SELECT EXISTS (SELECT FROM {quoted} WHERE {target} IS NULL) AS any"),
    };

    fill.into_iter().chain([filled]).collect()
}

/// A validated check lets `SET NOT NULL` pass without reading the table (since PostgreSQL 12).
fn not_null(name: &TableName, column: &Identifier) -> [Step; 2] {
    let (quoted, target) = (table(name), identifier(column));
    let check = Identifier::joined(&name.table, &format!("{column}_rls_not_null"));
    let constraint = identifier(&check);
    let proven = Step::Check {
        table: name.clone(),
        name: check,
        column: column.clone(),
        add: format!(
            "ALTER TABLE {quoted} ADD CONSTRAINT {constraint} CHECK ({target} IS NOT NULL) NOT \
             VALID"
        ),
        validate: format!("ALTER TABLE {quoted} VALIDATE CONSTRAINT {constraint}"),
        drop: format!("ALTER TABLE {quoted} DROP CONSTRAINT {constraint}"),
    };

    let relied_on = Step::Together(vec![
        format!("ALTER TABLE {quoted} ALTER COLUMN {target} SET NOT NULL"),
        format!("ALTER TABLE {quoted} DROP CONSTRAINT {constraint}"),
    ]);

    [proven, relied_on]
}
