mod layout;

use std::fmt::Write as _;

use rls_core::schema::read::{self, TableSecurity};
use rls_core::schema::{IndexChange, TableChange};
use rls_core::{Change, Holder, Plan, RlsSchema, Scope, ScopeKind, TableName, Unmanaged};
use sea_orm_migration::sea_orm::DatabaseConnection;

use super::CliError;
use super::command::comparing;
use super::progress::during;
use layout::Row;

pub(super) use layout::Screen;

/// The lines below the table, and the one in which the next command is typed.
const BELOW: usize = 5;

/// One line a table, and some for the rest.
pub(super) async fn text(
    rls: &RlsSchema,
    db: &DatabaseConnection,
    pending: usize,
    screen: Screen,
) -> Result<String, CliError> {
    let script = during(comparing(rls), rls.script(db)).await?;
    let names: Vec<TableName> = rls
        .registry()
        .scopes()
        .iter()
        .map(|scope| scope.table.clone())
        .collect();

    let found = read::tables(db, &names).await?;
    let mut rows: Vec<Row> = rls
        .registry()
        .scopes()
        .iter()
        .zip(&found)
        .map(|(scope, found)| row(scope, found.as_ref(), &script.plan))
        .collect();

    rows.extend(
        script
            .plan
            .unmanaged()
            .iter()
            .filter_map(|kept| match kept {
                Unmanaged::Table { table } => Some(Row {
                    table: table.to_string(),
                    scope: "no entity is registered".to_owned(),
                    drift: "kept".to_owned(),
                    ..Row::default()
                }),
                _ => None,
            }),
    );

    let mut text = layout::text(&rows, screen.less(BELOW));
    let config = rls.config();
    let _infallible = writeln!(
        text,
        "\nroles: {} (application), {} (administrator)",
        config.app_role(),
        config.admin_role()
    );

    if pending > 0 {
        let _infallible = writeln!(text, "{}", super::error::pending(pending));
    }

    let (changes, statements) = (script.plan.changes().len(), script.up.len());
    let _infallible = match (changes, statements) {
        (0, 0) => writeln!(text, "the database is as the entities say"),
        (0, 1) => writeln!(
            text,
            "1 policy lacks the fingerprint that the application asks for: `rls apply` writes it"
        ),
        (0, fingerprints) => {
            writeln!(
                text,
                "{fingerprints} policies lack the fingerprint that the application asks for: `rls \
                 apply` writes them"
            )
        }
        (1, _) => writeln!(text, "1 change to make: `rls plan` shows it"),
        (changes, _) => writeln!(text, "{changes} changes to make: `rls plan` shows them"),
    };

    Ok(text)
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
        // Nobody asked for it.
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
            Change::Table(_, TableChange::Index(IndexChange::Create { .. }))
        )
    }) {
        "missing"
    } else if needs_index(scope) {
        "yes"
    } else {
        ""
    };

    let drift = match changes.len() {
        0 => layout::AS_ASKED.to_owned(),
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

/// Whether policies look rows up by a column that is no primary key.
fn needs_index(scope: &Scope) -> bool {
    scope.keys.iter().any(|key| key.owned().is_some())
        || !scope.through.is_empty()
        || !scope.shared.is_empty()
}

/// Whose a row is, in words.
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
        .map(|through| format!("{} leads to own {}", through.column, through.parent));

    let mut words = keys.chain(through).collect::<Vec<_>>().join(", ");
    if words.is_empty() {
        "policies of its own".clone_into(&mut words);
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
        let _infallible = write!(words, "; {marked} hides");
    }

    words
}
