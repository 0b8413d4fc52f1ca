mod layout;

use std::fmt::Write as _;

use rls_core::schema::read::{self, TableSecurity};
use rls_core::schema::{IndexChange, TableChange};
use rls_core::{Change, Holder, Plan, RlsSchema, Scope, ScopeKind, TableName, Unmanaged};
use sea_orm_migration::sea_orm::DatabaseConnection;

use super::progress::{comparing, during};
use crate::error::{CliError, pending_migrations};
use layout::Row;

pub(super) use layout::width;

/// A line for each table, cut at `width`, and below them the roles and what to do.
pub(super) async fn text(
    rls: &RlsSchema,
    db: &DatabaseConnection,
    pending: usize,
    width: Option<usize>,
) -> Result<String, CliError> {
    let script = during(comparing(rls), rls.script(db)).await?;
    let scopes = rls.registry().scopes();
    let names: Vec<TableName> = scopes.iter().map(|scope| scope.table.clone()).collect();
    let found = read::tables(db, &names).await?;

    let managed = scopes
        .iter()
        .zip(&found)
        .map(|(scope, found)| row(scope, found.as_ref(), &script.plan));

    let rows: Vec<Row> = managed.chain(unmanaged(&script.plan)).collect();
    let mut text = layout::text(&rows, width);
    let config = rls.config();

    let _infallible = writeln!(
        text,
        "\nroles: {} (application), {} (administrator)",
        config.app_role(),
        config.admin_role()
    );

    if pending > 0 {
        let _infallible = writeln!(text, "{}", pending_migrations(pending));
    }

    let (changes, waiting) = (script.plan.changes().len(), script.plan.waiting().len());
    text.push_str(&conclusion(changes, script.up.len(), waiting));
    Ok(text)
}

/// The tables that have row security and no entity.
fn unmanaged(plan: &Plan) -> impl Iterator<Item = Row> {
    plan.unmanaged()
        .iter()
        .filter_map(|unmanaged| match unmanaged {
            Unmanaged::Table { table } => Some(Row {
                table: table.to_string(),
                scope: "no entity is registered".to_owned(),
                drift: "unmanaged".to_owned(),
                ..Row::default()
            }),
            _ => None,
        })
}

/// The last line. Without changes, each statement writes the fingerprint of a policy.
fn conclusion(changes: usize, statements: usize, waiting: usize) -> String {
    match (changes, statements) {
        (0, 0) if waiting > 0 => {
            "nothing to change in the tables that were compared: others wait for migrations\n"
                .to_owned()
        }
        (0, 0) => "the database is as the entities say\n".to_owned(),
        (0, 1) => "1 policy lacks the fingerprint that the application asks for: `rls apply` \
                   writes it\n"
            .to_owned(),
        (0, many) => format!(
            "{many} policies lack the fingerprint that the application asks for: `rls apply` \
             writes them\n"
        ),
        (1, _) => "1 change to make: `rls plan` shows it\n".to_owned(),
        (many, _) => format!("{many} changes to make: `rls plan` shows them\n"),
    }
}

fn row(scope: &Scope, found: Option<&TableSecurity>, plan: &Plan) -> Row {
    let row = Row {
        table: scope.table.to_string(),
        scope: words(scope),
        ..Row::default()
    };

    let Some(found) = found else {
        return Row {
            drift: "missing".to_owned(),
            ..row
        };
    };

    let security = match (found.enabled, found.forced) {
        (true, true) => "forced",
        (true, false) => "unforced",
        // The entity asks for none.
        (false, _) if scope.unscoped.is_some() => "",
        (false, _) => "off",
    };

    let changes: Vec<&Change> = plan
        .changes()
        .iter()
        .filter(|change| change.table() == Some(&found.table))
        .collect();

    let index = if changes.iter().any(|change| {
        matches!(
            change,
            Change::Table(
                _,
                TableChange::Index(IndexChange::Create { .. } | IndexChange::CreateUnique { .. })
            )
        )
    }) {
        "missing"
    } else if needs_index(scope) {
        "yes"
    } else {
        ""
    };

    let drift = match changes.len() {
        0 => "none".to_owned(),
        1 => "1 change".to_owned(),
        changes => format!("{changes} changes"),
    };

    Row {
        policies: found.policies.len().to_string(),
        security: security.to_owned(),
        index: index.to_owned(),
        drift,
        ..row
    }
}

/// Whether policies find rows by a column that is no primary key.
fn needs_index(scope: &Scope) -> bool {
    scope.keys.iter().any(|key| key.owned().is_some())
        || !scope.through.is_empty()
        || !scope.shared.is_empty()
}

/// Who owns a row, in words.
fn words(scope: &Scope) -> String {
    if let Some(reason) = &scope.unscoped {
        return format!("none: {reason}");
    }

    let keys = scope.keys.iter().map(|key| {
        let holder = if key.holder == Holder::User {
            "user"
        } else {
            "tenant"
        };

        match key.kind {
            ScopeKind::Identity => format!("each row is a {holder}"),
            ScopeKind::Owned(_) => format!("{} is the {holder}", key.column),
        }
    });

    let through = scope
        .through
        .iter()
        .map(|through| format!("through {} by {}", through.parent, through.column));

    let mut words = keys.chain(through).collect::<Vec<_>>().join(", ");
    if words.is_empty() {
        "its own policies".clone_into(&mut words);
    }

    for (holder, shared) in &scope.shared {
        let holders = if *holder == Holder::User {
            "users"
        } else {
            "tenants"
        };
        let _infallible = write!(words, "; all {holders} read {shared}");
    }

    if let Some(marked) = &scope.soft_delete {
        let _infallible = write!(words, "; {marked} hides rows");
    }

    words
}
