use crate::model::key::KeyType;
use crate::name::{Identifier, TableName};
use crate::schema::plan::{Change, ColumnChange, ForeignKeyChange, IndexChange, TableChange};
use crate::sql::{identifier, known_literal, table};

use super::{column, foreign_key, index};

/// A step of a change that is made while the table is in use.
pub(crate) enum Step {
    /// Statements of one short transaction.
    Together(Vec<String>),
    /// An index, created in no transaction. An invalid one of that name is dropped first.
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
    /// A check that the column is not NULL: it is validated, used, and dropped.
    Check {
        table: TableName,
        name: Identifier,
        column: Identifier,
        add: String,
        validate: String,
        drop: String,
    },
    /// A foreign key with the owner in it, beside the one that it replaces: it is validated, or dropped
    /// again, and takes the other's place.
    Bind {
        add: String,
        validate: String,
        drop: String,
        replace: Vec<String>,
    },
    /// One statement after the other, over the pages of a table, given as a `regclass`.
    Pages { table: String, fill: Fill },
}

/// Fills rows that have no value yet and that nobody else has locked. A statement that waits for no
/// row is in no deadlock with those who write the table meanwhile.
pub(crate) struct Fill {
    table: String,
    column: String,
    backfill: String,
}

impl Fill {
    /// The statement for pages from `from` up to `to`.
    pub(crate) fn between(&self, from: i64, to: i64) -> String {
        self.unlocked(&format!(" AND ctid >= '({from},0)' AND ctid < '({to},0)'"))
    }

    /// The statement for all pages: rows that were locked before, or that an update has moved to
    /// pages that were filled before.
    pub(crate) fn rest(&self) -> String {
        self.unlocked("")
    }

    /// Whether there are rows that the backfill has a value for, as `any`.
    pub(crate) fn any(&self) -> String {
        let Self {
            table,
            column,
            backfill,
        } = self;
        // The line break keeps a comment at the end of the expression from swallowing what follows.
        format!(
            "SELECT EXISTS (SELECT FROM {table} WHERE {column} IS NULL AND ({backfill}\n) IS NOT \
             NULL) AS any"
        )
    }

    fn unlocked(&self, pages: &str) -> String {
        let (table, column) = (&self.table, &self.column);
        let update = column::update(table, column, &self.backfill);
        format!(
            "{update} AND ctid = ANY (ARRAY(SELECT ctid FROM {table} WHERE {column} IS \
             NULL{pages} FOR NO KEY UPDATE SKIP LOCKED))"
        )
    }
}

/// The steps of a change that takes long on a big table; `None` for one that
/// [`RlsSchema::sync`](crate::RlsSchema::sync) makes as quickly.
pub(crate) fn online(change: &Change) -> Option<Vec<Step>> {
    let Change::Table(name, of_table) = change else {
        return None;
    };

    match of_table {
        TableChange::Column(column, ColumnChange::Add { key, backfill }) => {
            Some(add_column(name, column, *key, backfill.as_ref()))
        }
        TableChange::Column(column, ColumnChange::SetNotNull { backfill, unproven }) => Some(
            set_not_null(name, column, backfill.as_ref(), unproven.as_ref()),
        ),
        TableChange::Column(column, change @ ColumnChange::SetDefault { .. }) => {
            let statements = column::statements(&table(name), column, change);
            Some(vec![Step::Together(statements)])
        }
        TableChange::ForeignKey(
            change @ ForeignKeyChange::Add {
                name: constraint, ..
            },
        ) => Some(add_foreign_key(name, constraint, change)),
        TableChange::ForeignKey(change @ ForeignKeyChange::Validate { .. }) => {
            let validate = foreign_key::statement(name, change);
            Some(vec![Step::Together(vec![validate])])
        }
        TableChange::ForeignKey(ForeignKeyChange::Bind {
            name: constraint,
            columns,
            definition,
            was,
            ..
        }) => {
            let reference = columns.last().map(|(own, _)| own);
            Some(vec![bind(
                name,
                constraint,
                reference?,
                definition,
                was.is_some(),
            )])
        }
        TableChange::Index(
            change @ (IndexChange::Create { .. } | IndexChange::CreateUnique { .. }),
        ) => Some(vec![create_index(name, change)]),
        _ => None,
    }
}

fn add_column(
    name: &TableName,
    column: &Identifier,
    key: KeyType,
    backfill: Option<&String>,
) -> Vec<Step> {
    let add = format!(
        "ALTER TABLE {} ADD COLUMN {} {}",
        table(name),
        identifier(column),
        key.as_sql()
    );

    let mut steps = vec![Step::Together(vec![add])];
    steps.extend(filled(name, column, backfill));
    steps.extend(not_null(name, column));

    steps
}

fn set_not_null(
    name: &TableName,
    column: &Identifier,
    backfill: Option<&String>,
    unproven: Option<&Identifier>,
) -> Vec<Step> {
    let mut steps = filled(name, column, backfill);
    match unproven {
        None => steps.extend(not_null(name, column)),
        Some(constraint) => steps.push(Step::Together(vec![validate(name, constraint)])),
    }

    steps
}

fn add_foreign_key(
    name: &TableName,
    constraint: &Identifier,
    change: &ForeignKeyChange,
) -> Vec<Step> {
    let add = format!("{} NOT VALID", foreign_key::statement(name, change));

    vec![
        Step::Together(vec![add]),
        Step::Together(vec![validate(name, constraint)]),
    ]
}

fn bind(
    name: &TableName,
    constraint: &Identifier,
    reference: &Identifier,
    definition: &str,
    replaces: bool,
) -> Step {
    let alter = format!("ALTER TABLE {}", table(name));
    let usual = identifier(constraint);
    let (added, replace) = if replaces {
        let beside = Identifier::joined(&name.table, &format!("{reference}_bound"));
        let replace = vec![
            format!("{alter} DROP CONSTRAINT {usual}"),
            format!(
                "{alter} RENAME CONSTRAINT {} TO {usual}",
                identifier(&beside)
            ),
        ];
        (beside, replace)
    } else {
        (constraint.clone(), Vec::new())
    };

    Step::Bind {
        add: format!(
            "{alter} ADD CONSTRAINT {} {definition} NOT VALID",
            identifier(&added)
        ),
        validate: validate(name, &added),
        drop: format!("{alter} DROP CONSTRAINT {}", identifier(&added)),
        replace,
    }
}

fn validate(name: &TableName, constraint: &Identifier) -> String {
    format!(
        "ALTER TABLE {} VALIDATE CONSTRAINT {}",
        table(name),
        identifier(constraint)
    )
}

fn create_index(name: &TableName, change: &IndexChange) -> Step {
    let create = index::statement(name, change);
    Step::Index {
        table: name.clone(),
        name: change.name().clone(),
        drop: format!("DROP INDEX CONCURRENTLY {}", index::qualified(name, change)),
        create: create.replacen("INDEX", "INDEX CONCURRENTLY", 1),
    }
}

/// Fills rows without an owner; if any are left, they are an error.
fn filled(name: &TableName, column: &Identifier, backfill: Option<&String>) -> Vec<Step> {
    let (quoted, target) = (table(name), identifier(column));
    let fill = backfill.map(|backfill| Step::Pages {
        table: format!("{}::regclass", known_literal(&quoted)),
        fill: Fill {
            table: quoted.clone(),
            column: target.clone(),
            backfill: backfill.clone(),
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
