//! Sends the statements of an export or an erasure.

use std::collections::BTreeSet;
use std::io::Write;
use std::num::NonZeroU32;
use std::time::Instant;

use futures_util::TryStreamExt;
use sea_orm::{
    ConnectionTrait, DbBackend, IsolationLevel, Statement, StreamTrait, TransactionTrait,
};

use crate::model::context::{AdminContext, ContextError, Settings};
use crate::model::scope::{Key, Scope};
use crate::name::{Identifier, TableName};
use crate::sql;

use super::belongs::{Belongs, Condition, Who};
use super::catalog::{self, Known, Reference};
use super::order::sorted;
use super::receipt::{LeftOut, Receipt, TableCount, What};
use super::{ReferringTable, Subject, SubjectError, UndecidedTable};

/// What is decided before a row is read or deleted.
struct Ready {
    context: Settings,
    /// The registered tables, and the condition on the subject's rows if they have any.
    tables: Vec<(Known, Option<Condition>)>,
    left_out: Vec<LeftOut>,
    references: Vec<Reference>,
    /// The tables with rows of the subject, those that refer to others first.
    order: Vec<usize>,
    /// Whether the order holds only if deferrable keys are checked at the end.
    deferred: bool,
    at: String,
}

/// Whether rows are to be deleted, or only to be read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    Read,
    Erase,
}

async fn ready(
    subject: &Subject<'_>,
    db: &impl ConnectionTrait,
    of: Use,
) -> Result<Ready, SubjectError> {
    let context = subject.context.clone()?;
    check_types(subject, &context)?;
    let mut known = Vec::new();
    let registered = subject.db.registry().scopes();
    for scope in registered {
        known.push(catalog::known(db, scope).await?);
    }
    let scopes = qualified(registered, &known);
    let references = catalog::references(db, &known).await?;
    check_skipped(subject, &known, &references)?;

    let is_unique = |table: &TableName, column: &Identifier| {
        let table = known.iter().find(|known| known.name == *table);
        table.is_some_and(|table| table.unique.contains(column.as_str()))
    };
    let who = Who::of(&scopes, &context, &is_unique).ok_or(SubjectError::Nobody)?;

    let (mut left_out, mut undecided, mut conditions) = (Vec::new(), Vec::new(), Vec::new());
    for (scope, known) in scopes.iter().zip(&known) {
        let table = known.name.to_string();
        let skipped = skipped(subject, &known.name)?;
        let rows = match (skipped, who.rows_of(scope)) {
            (Some(reason), _) | (None, Ok(Belongs::None(reason))) => {
                left_out.push(LeftOut { table, reason });
                None
            }
            (None, Ok(Belongs::Rows(condition))) => Some(condition),
            (None, Err(reason)) => {
                undecided.push(UndecidedTable { table, reason });
                None
            }
        };
        conditions.push(rows);
    }

    // The administrator sees no table that is not registered, and the key would change its rows.
    for reference in references.iter().filter(|reference| reference.acts) {
        let is_known = known.iter().any(|table| table.oid == reference.child);
        let is_touched = known
            .iter()
            .zip(&conditions)
            .any(|(table, rows)| table.oid == reference.parent && rows.is_some());
        if !is_known && is_touched && skipped(subject, &reference.child_name)?.is_none() {
            undecided.push(UndecidedTable {
                table: reference.child_name.to_string(),
                reason: format!(
                    "no entity is registered for it, and its key `{}` would delete or change rows",
                    reference.key
                ),
            });
        }
    }

    if !undecided.is_empty() {
        return Err(SubjectError::Undecided { tables: undecided });
    }

    let tables: Vec<_> = known.into_iter().zip(conditions).collect();
    check_seen(subject, &tables, of)?;
    let (order, deferred) = order(&tables, &scopes, &references)?;
    let at = "SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') AS value";

    Ok(Ready {
        at: value(db, at.to_owned()).await?,
        context,
        tables,
        left_out,
        references,
        order,
        deferred,
    })
}

/// The scopes with the names under which the server found their tables.
fn qualified(scopes: &[Scope], known: &[Known]) -> Vec<Scope> {
    let found = |name: &TableName| {
        let mut pairs = scopes.iter().zip(known);
        let pair = pairs.find(|(scope, _)| scope.table == *name);
        pair.map_or_else(|| name.clone(), |(_, known)| known.name.clone())
    };
    let qualified = |scope: &Scope| {
        let mut scope = scope.clone();
        scope.table = found(&scope.table);
        for through in &mut scope.through {
            through.parent = found(&through.parent);
        }
        scope
    };
    scopes.iter().map(qualified).collect()
}

/// Checks that values have the types of the columns that they are compared with. The server's error
/// would show the value.
fn check_types(subject: &Subject<'_>, context: &Settings) -> Result<(), ContextError> {
    let scopes = subject.db.registry().scopes().iter();
    let mut keys = scopes.flat_map(|scope| &scope.keys);
    let is_refused = |key: &&Key| {
        let value = context.get(&key.setting);
        value.is_some_and(|value| key.key.refuses(value))
    };

    match keys.find(is_refused) {
        Some(key) => Err(ContextError::WrongType {
            setting: key.setting.clone(),
            expected: key.key,
        }),
        None => Ok(()),
    }
}

/// Checks that each name of a table to leave out is one table's: with a misspelt one, rows that are to
/// stay would be erased.
fn check_skipped(
    subject: &Subject<'_>,
    known: &[Known],
    references: &[Reference],
) -> Result<(), SubjectError> {
    let registered = known.iter().map(|table| &table.name);
    let referring = references.iter().map(|reference| &reference.child_name);
    let tables: BTreeSet<&TableName> = registered.chain(referring).collect();

    for (named, _) in &subject.skipped {
        let named = named.clone()?;
        if tables
            .iter()
            .filter(|table| is_named(table, &named))
            .count()
            != 1
        {
            let table = named.to_string();
            return Err(SubjectError::NotLeftOut { table });
        }
    }
    Ok(())
}

/// Checks that no policy hides rows from the administrator: what is hidden seems not to be there.
fn check_seen(
    subject: &Subject<'_>,
    tables: &[(Known, Option<Condition>)],
    of: Use,
) -> Result<(), SubjectError> {
    let sees = |(known, rows): &&(Known, Option<Condition>)| match (of, rows) {
        (Use::Erase, Some(_)) => known.erased,
        (Use::Read, None) => true,
        _ => known.read,
    };
    let Some((known, _)) = tables.iter().find(|table| !sees(table)) else {
        return Ok(());
    };

    Err(SubjectError::Blind {
        role: subject.db.config().admin_role().clone(),
        table: known.name.to_string(),
    })
}

fn is_named(table: &TableName, named: &TableName) -> bool {
    let is_in = named.schema.is_none() || named.schema == table.schema;
    is_in && named.table == table.table
}

/// The reason for which a table is left out.
fn skipped(subject: &Subject<'_>, table: &TableName) -> Result<Option<String>, SubjectError> {
    for (named, reason) in &subject.skipped {
        if is_named(table, &named.clone()?) {
            return Ok(Some(reason.clone()));
        }
    }
    Ok(None)
}

/// The tables with rows of the subject, those that refer to others first.
fn order(
    tables: &[(Known, Option<Condition>)],
    scopes: &[Scope],
    references: &[Reference],
) -> Result<(Vec<usize>, bool), SubjectError> {
    let with_rows: Vec<usize> = (0..tables.len())
        .filter(|at| tables[*at].1.is_some())
        .collect();
    let of_oid = |oid: i64| tables.iter().position(|(known, _)| known.oid == oid);
    let of_name = |name: &TableName| tables.iter().position(|(known, _)| known.name == *name);

    // A row that belongs to someone through another is found only while that is there.
    let through: BTreeSet<(usize, usize)> = scopes
        .iter()
        .enumerate()
        .flat_map(|(at, scope)| scope.through.iter().map(move |through| (at, through)))
        .filter_map(|(at, through)| Some((at, of_name(&through.parent)?)))
        .collect();
    let by_key = |deferrable: bool| {
        let checked = references
            .iter()
            .filter(move |reference| deferrable || !reference.deferrable);
        checked.filter_map(|reference| Some((of_oid(reference.child)?, of_oid(reference.parent)?)))
    };

    let all = through.iter().copied().chain(by_key(true)).collect();
    if let Ok(order) = sorted(&with_rows, &all) {
        return Ok((order, false));
    }

    let needed = through.into_iter().chain(by_key(false)).collect();
    match sorted(&with_rows, &needed) {
        Ok(order) => Ok((order, true)),
        Err(circle) => Err(SubjectError::Cycle {
            tables: circle
                .into_iter()
                .map(|at| tables[at].0.name.to_string())
                .collect(),
        }),
    }
}

pub(super) async fn export(
    subject: &Subject<'_>,
    admin: AdminContext,
    out: &mut (impl Write + Send),
) -> Result<Receipt, SubjectError> {
    let begun = Instant::now();
    let db = subject.db.admin_read_only(admin.clone());
    let one_moment = Some(IsolationLevel::RepeatableRead);
    let transaction = db.begin_with_config(one_moment, None).await?;
    let ready = ready(subject, &transaction, Use::Read).await?;

    let mut tables = Vec::new();
    for (known, condition) in ready.in_order().rev() {
        let name = known.name.to_string();
        let statement = format!(
            "SELECT json_build_object('table', {}::text, 'row', row_to_json(t.*))::text AS line
             FROM {} AS t WHERE {} ORDER BY {}",
            sql::known_literal(&name),
            sql::table(&known.name),
            condition.sql("t"),
            known.key.as_deref().unwrap_or("t.tableoid, t.ctid")
        );

        let statement = Statement::from_string(DbBackend::Postgres, statement);
        let mut rows = transaction.stream_raw(statement).await?;
        let mut count = 0;
        while let Some(row) = rows.try_next().await? {
            let line: String = row.try_get("", "line")?;
            writeln!(out, "{line}")?;
            count += 1;
        }
        drop(rows);

        tables.push(TableCount {
            table: name,
            rows: count,
        });
    }
    out.flush()?;
    transaction.commit().await?;

    Ok(ready.receipt(What::Exported, &admin, begun, tables))
}

pub(super) async fn preview(
    subject: &Subject<'_>,
    admin: AdminContext,
) -> Result<Receipt, SubjectError> {
    let begun = Instant::now();
    let db = subject.db.admin_read_only(admin.clone());
    let one_moment = Some(IsolationLevel::RepeatableRead);
    let transaction = db.begin_with_config(one_moment, None).await?;
    let ready = ready(subject, &transaction, Use::Erase).await?;
    ready.check(&transaction, None).await?;

    let mut tables = Vec::new();
    for (known, condition) in ready.in_order() {
        let rows = count(&transaction, known, condition).await?;
        tables.push(TableCount {
            table: known.name.to_string(),
            rows,
        });
    }
    transaction.commit().await?;

    Ok(ready.receipt(What::WouldErase, &admin, begun, tables))
}

pub(super) async fn erase(
    subject: &Subject<'_>,
    admin: AdminContext,
) -> Result<Receipt, SubjectError> {
    let begun = Instant::now();
    let db = subject.db.admin(admin.clone());
    let transaction = db.begin().await?;
    let ready = ready(subject, &transaction, Use::Erase).await?;

    let tables = if let Some(rows) = subject.batch {
        ready.check(&transaction, None).await?;
        transaction.commit().await?;
        in_batches(&db, &ready, rows).await?
    } else {
        let tables = at_once(&transaction, &ready).await?;
        transaction.commit().await?;
        tables
    };

    Ok(ready.receipt(What::Erased, &admin, begun, tables))
}

async fn at_once(
    db: &impl ConnectionTrait,
    ready: &Ready,
) -> Result<Vec<TableCount>, SubjectError> {
    // A key to a row that is locked cannot be added, so what is checked then stays so.
    for (known, condition) in ready.in_order().rev() {
        let lock = format!(
            "SELECT count(*) AS value FROM (SELECT FROM {} AS t WHERE {} FOR UPDATE) AS locked",
            sql::table(&known.name),
            condition.sql("t")
        );
        value::<i64>(db, lock).await?;
    }
    ready.check(db, None).await?;
    ready.defer(db).await?;

    let mut tables = Vec::new();
    for (known, condition) in ready.in_order() {
        let (table, rows) = (sql::table(&known.name), condition.sql("t"));
        let delete = format!("DELETE FROM {table} AS t WHERE {rows}");
        tables.push(TableCount {
            table: known.name.to_string(),
            rows: executed(db, delete).await?,
        });
    }
    ready.assert_gone(db).await?;

    Ok(tables)
}

async fn in_batches(
    db: &crate::AdminConnection,
    ready: &Ready,
    batch: NonZeroU32,
) -> Result<Vec<TableCount>, SubjectError> {
    let mut tables = Vec::new();
    for (known, condition) in ready.in_order() {
        let (table, rows_of) = (sql::table(&known.name), condition.sql("t"));
        let mut erased = 0;
        loop {
            let transaction = db.begin().await?;
            // The partitions of a table have rows at the same places. Citus evaluates no `format` of a
            // row that is deleted.
            let lock = format!(
                "SELECT coalesce(string_agg(locked.place, ','), '') AS value
                 FROM (SELECT format('\"%s%s\"', t.tableoid::oid, t.ctid) AS place FROM {table} AS t
                       WHERE {rows_of} LIMIT {batch} FOR UPDATE) AS locked"
            );
            let places: String = value(&transaction, lock).await?;
            if places.is_empty() {
                transaction.commit().await?;
                break;
            }

            ready.check(&transaction, Some(known.oid)).await?;
            ready.defer(&transaction).await?;
            let delete = format!(
                "DELETE FROM {table} AS t
                 WHERE t.ctid = ANY (ARRAY(SELECT substring(p.place FROM '\\(.*')::pg_catalog.tid
                                           FROM unnest('{{{places}}}'::text[]) AS p (place)))
                   AND t.tableoid::oid::text || t.ctid::text = ANY ('{{{places}}}'::text[])
                   AND {rows_of}"
            );
            let rows = executed(&transaction, delete).await?;
            if rows == 0 {
                assert_none(&transaction, known, condition).await?;
            }
            transaction.commit().await?;
            erased += rows;
        }

        tables.push(TableCount {
            table: known.name.to_string(),
            rows: erased,
        });
    }

    // The user may have added rows to a table that was done.
    let last = db.begin().await?;
    ready.assert_gone(&last).await?;
    last.commit().await?;

    Ok(tables)
}

async fn assert_none(
    db: &impl ConnectionTrait,
    known: &Known,
    condition: &Condition,
) -> Result<(), SubjectError> {
    let rows = count(db, known, condition).await?;
    if rows > 0 {
        let table = known.name.to_string();
        return Err(SubjectError::Left { table, rows });
    }

    Ok(())
}

impl Ready {
    fn in_order(&self) -> impl DoubleEndedIterator<Item = (&Known, &Condition)> {
        self.order.iter().filter_map(|at| {
            let (known, condition) = &self.tables[*at];
            Some((known, condition.as_ref()?))
        })
    }

    /// Checks that no rows of others refer to the subject's, in all tables or in one.
    async fn check(
        &self,
        db: &impl ConnectionTrait,
        parent: Option<i64>,
    ) -> Result<(), SubjectError> {
        let mut tables = Vec::new();
        let table = |oid: i64| self.tables.iter().find(|(known, _)| known.oid == oid);

        for reference in &self.references {
            if parent.is_some_and(|parent| parent != reference.parent) {
                continue;
            }
            let (Some((referred, Some(theirs))), Some((referring, own))) =
                (table(reference.parent), table(reference.child))
            else {
                continue;
            };

            let own = own
                .as_ref()
                .map(|own| format!(" AND NOT coalesce({}, false)", own.sql("c")));
            let query = format!(
                "SELECT count(*) AS value FROM {} AS c
                 WHERE EXISTS (SELECT FROM {} AS p WHERE ({}) = ({}) AND {}){}",
                sql::table(&referring.name),
                sql::table(&referred.name),
                reference.parent_columns,
                reference.child_columns,
                theirs.sql("p"),
                own.unwrap_or_default()
            );

            let rows = value::<i64>(db, query).await?.unsigned_abs();
            if rows > 0 {
                tables.push(ReferringTable {
                    table: referring.name.to_string(),
                    refers_to: referred.name.to_string(),
                    key: reference.key.clone(),
                    rows,
                });
            }
        }

        if tables.is_empty() {
            Ok(())
        } else {
            Err(SubjectError::ReferredTo { tables })
        }
    }

    async fn defer(&self, db: &impl ConnectionTrait) -> Result<(), SubjectError> {
        if self.deferred {
            executed(db, "SET CONSTRAINTS ALL DEFERRED".to_owned()).await?;
        }
        Ok(())
    }

    async fn assert_gone(&self, db: &impl ConnectionTrait) -> Result<(), SubjectError> {
        for (known, condition) in self.in_order() {
            assert_none(db, known, condition).await?;
        }
        Ok(())
    }

    fn receipt(
        self,
        what: What,
        admin: &AdminContext,
        begun: Instant,
        tables: Vec<TableCount>,
    ) -> Receipt {
        Receipt {
            what,
            subject: self.context,
            actor: admin.actor().to_owned(),
            reason: admin.reason().to_owned(),
            at: self.at,
            took: begun.elapsed(),
            tables,
            left_out: self.left_out,
        }
    }
}

async fn count(
    db: &impl ConnectionTrait,
    known: &Known,
    condition: &Condition,
) -> Result<u64, SubjectError> {
    let (table, condition) = (sql::table(&known.name), condition.sql("t"));
    let query = format!("SELECT count(*) AS value FROM {table} AS t WHERE {condition}");
    Ok(value::<i64>(db, query).await?.unsigned_abs())
}

async fn value<T: sea_orm::TryGetable>(
    db: &impl ConnectionTrait,
    query: String,
) -> Result<T, SubjectError> {
    let statement = Statement::from_string(DbBackend::Postgres, query);
    let row = db.query_one_raw(statement).await?;
    let missing = || sea_orm::DbErr::RecordNotFound("one row".to_owned());
    Ok(row.ok_or_else(missing)?.try_get("", "value")?)
}

async fn executed(db: &impl ConnectionTrait, sql: String) -> Result<u64, SubjectError> {
    let statement = Statement::from_string(DbBackend::Postgres, sql);
    Ok(db.execute_raw(statement).await?.rows_affected())
}
