//! Whether the server plans the application's statements at all.

use std::collections::BTreeMap;

use sea_orm::{ConnectionTrait, DatabaseTransaction, TransactionTrait};

use super::case::Case;
use super::finding::Finding;
use super::remedy::Remedy;
use super::rules;
use crate::config::SignedContexts;
use crate::error::RlsError;
use crate::name::TableName;
use crate::schema::trial::{Unplanned, late, unplanned};
use crate::sqlstate;

/// Waits for a lock no longer than the migrations do.
const SETTINGS: &str = "SET LOCAL lock_timeout = '5s'; SET LOCAL search_path = pg_catalog";

/// Tries the application's statements on each scoped table, in a transaction that is rolled back.
pub(super) async fn findings<C>(db: &C, case: &Case<'_>) -> Result<Vec<Finding>, RlsError>
where
    C: ConnectionTrait + TransactionTrait<Transaction = DatabaseTransaction>,
{
    let tables: Vec<&TableName> = case
        .scoped()
        .map(|(_, relation, _)| &relation.name)
        .collect();
    let transaction = db.begin().await?;
    transaction.execute_unprepared(SETTINGS).await?;
    let app = case.config.app_role();
    let tried = unplanned(&transaction, app, &tables).await;
    let late = match &tried {
        Ok(Some(unplanned)) if unplanned.is_empty() && asks_for_order(case) => {
            late(&transaction, app, &tables).await
        }
        _ => Ok(BTreeMap::new()),
    };
    transaction.rollback().await?;

    let Some(unplanned) = tried? else {
        return Ok(vec![unexamined("this login cannot act as its role")]);
    };

    let mut by_table: BTreeMap<&TableName, Vec<&Unplanned>> = BTreeMap::new();
    let mut findings = Vec::new();
    for one in &unplanned {
        match sqlstate::of(&one.source).as_deref() {
            Some(sqlstate::LOCK_NOT_AVAILABLE) => {
                findings.push(unexamined(&format!("`{}` is locked", one.table)));
            }
            _ if one.is_untried() => findings.push(unexamined(&one.source.to_string())),
            _ => by_table.entry(&one.table).or_default().push(one),
        }
    }

    findings.extend(
        by_table
            .into_iter()
            .map(|(table, all)| failing(table, &all)),
    );
    match late {
        Ok(late) => findings.extend(late.iter().map(|(table, part)| behind(table, part))),
        Err(error) if error.sqlstate().as_deref() == Some(sqlstate::LOCK_NOT_AVAILABLE) => {
            findings.push(unexamined("a table is locked"));
        }
        Err(error) => return Err(error),
    }
    Ok(findings)
}

/// Signed contexts alone promise that a policy stands before the conditions of a statement. While
/// functions cost something that should cost nothing, all policies would be found.
fn asks_for_order(case: &Case<'_>) -> bool {
    case.config.signs_contexts() == SignedContexts::Required && case.facts.dear.is_empty()
}

fn behind(table: &TableName, part: &str) -> Finding {
    let why = format!(
        "`{part}` of its policies is evaluated after a cheap condition of a statement: an injected \
         one can tell what is in a row that the policy hides"
    );
    let remedy = Remedy::words(
        "declare it as comparisons by the server's own functions: without functions of yours, without \
         a subquery that reads the row, and with `policy::setting` for settings; a key that `via` \
         follows needs a type that the server can hash",
    );
    Finding::new(&rules::RLS027, table, why, remedy)
}

fn failing(table: &TableName, all: &[&Unplanned]) -> Finding {
    let words: Vec<&str> = all.iter().map(|one| one.privilege.as_sql()).collect();
    let source = all.first().map(|one| one.source.to_string());
    let why = format!(
        "the server plans no {} of the application: {}",
        words.join(", "),
        source.unwrap_or_default()
    );

    let remedy = Remedy::words(
        "policies that read a table are under that table's policies: these must not lead back, and \
         the application's role needs SELECT on each table that they read",
    );
    Finding::new(&rules::RLS114, table, why, remedy)
}

fn unexamined(why: &str) -> Finding {
    Finding::new(
        &rules::RLS113,
        "statements",
        format!(
            "the doctor cannot find out whether the server plans the application's statements: {why}"
        ),
        Remedy::words("run the doctor as the migrations' login"),
    )
}
