use std::fmt::Write as _;

use rls_core::read::{self, TableSecurity};
use rls_core::{Holder, Kept, Plan, Rls, Scope, ScopeKind, TableName};
use sea_orm_migration::sea_orm::DatabaseConnection;

use super::CliError;

const HEADINGS: [&str; 5] = ["TABLE", "SCOPE", "POLICIES", "ROW SECURITY", "DRIFT"];

/// One line a table, and one for the rest.
pub(super) async fn text(rls: &Rls, db: &DatabaseConnection, pending: usize) -> Result<String, CliError> {
    let frozen = rls.freeze(db).await?;
    let names: Vec<TableName> = rls.registry().scopes().iter().map(|scope| scope.table.clone()).collect();
    let found = read::tables(db, &names).await?;
    let mut rows: Vec<[String; 5]> = vec![HEADINGS.map(str::to_owned)];
    rows.extend(
        rls.registry().scopes().iter().zip(&found).map(|(scope, found)| row(scope, found.as_ref(), &frozen.plan)),
    );
    rows.extend(frozen.plan.kept().iter().filter_map(|kept| match kept {
        Kept::Table { table } => Some([
            table.to_string(),
            "no entity is registered".to_owned(),
            String::new(),
            String::new(),
            "kept".to_owned(),
        ]),
        _ => None,
    }));
    let mut text = table(&rows);
    let config = rls.config();
    let _infallible =
        writeln!(text, "\nroles: {} (application), {} (administrator)", config.app_role(), config.admin_role());
    if pending > 0 {
        let _infallible = writeln!(text, "{}", super::error::pending(pending));
    }
    let (changes, statements) = (frozen.plan.changes().len(), frozen.up.len());
    let _infallible = match (changes, statements) {
        (0, 0) => writeln!(text, "the database is as the entities say"),
        (0, 1) => writeln!(text, "1 policy lacks the fingerprint that the application asks for: `rls apply` writes it"),
        (0, fingerprints) => {
            writeln!(
                text,
                "{fingerprints} policies lack the fingerprint that the application asks for: `rls apply` writes them"
            )
        }
        (1, _) => writeln!(text, "1 change to make: `rls plan` shows it"),
        (changes, _) => writeln!(text, "{changes} changes to make: `rls plan` shows them"),
    };
    Ok(text)
}

fn row(scope: &Scope, found: Option<&TableSecurity>, plan: &Plan) -> [String; 5] {
    let (table, scope_words) = (scope.table.to_string(), words(scope));
    let Some(found) = found else {
        return [table, scope_words, String::new(), String::new(), "missing".to_owned()];
    };
    let security = match (found.enabled, found.forced) {
        (true, true) => "forced",
        (true, false) => "not forced",
        (false, _) => "off",
    };
    let drift = match plan.changes().iter().filter(|change| change.table() == Some(&found.table)).count() {
        0 => "none".to_owned(),
        1 => "1 change".to_owned(),
        changes => format!("{changes} changes"),
    };
    [table, scope_words, found.policies.len().to_string(), security.to_owned(), drift]
}

/// Whose a row is, in words.
fn words(scope: &Scope) -> String {
    if let Some(reason) = &scope.unscoped {
        return format!("none: {reason}");
    }
    let keys = scope.keys.iter().map(|key| {
        let holder = if key.holder == Holder::User { "user" } else { "tenant" };
        match key.kind {
            ScopeKind::Identity => format!("each row is a {holder}"),
            ScopeKind::Owned(_) => format!("{} is the {holder}", key.column),
        }
    });
    let through = scope.through.iter().map(|through| format!("{} leads to own {}", through.column, through.parent));
    let mut words = keys.chain(through).collect::<Vec<_>>().join(", ");
    if words.is_empty() {
        "policies of its own".clone_into(&mut words);
    }
    for (holder, shared) in &scope.shared {
        let holders = if *holder == Holder::User { "users" } else { "tenants" };
        let _infallible = write!(words, "; all {holders} read {shared}");
    }
    if let Some(marked) = &scope.soft_delete {
        let _infallible = write!(words, "; {marked} hides");
    }
    words
}

/// Columns as wide as what is in them.
fn table(rows: &[[String; 5]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let mut text = String::new();
    for row in rows {
        let cells = row.iter().enumerate().map(|(column, cell)| format!("{cell:<width$}", width = width(column)));
        let line = cells.collect::<Vec<_>>().join("  ");
        let _infallible = writeln!(text, "{}", line.trim_end());
    }
    text
}
