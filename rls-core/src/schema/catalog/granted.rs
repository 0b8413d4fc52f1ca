use std::collections::BTreeSet;
use std::sync::Arc;

use sea_orm::{ConnectionTrait, DbErr};

use super::query::{at, get, name, rows, text};
use crate::error::{RlsError, SchemaError};
use crate::model::privilege::Privilege;
use crate::name::Identifier;
use crate::schema::plan::{Change, FunctionChange, PrivilegeChange, TableChange, UsageChange};
use crate::schema::snapshot::{ByDefault, PUBLIC};
use crate::sql;

/// Checks that the privileges of these changes are granted and revoked. The server gives no error
/// but a warning if the login may not pass a privilege on, or if another role granted it.
pub(crate) async fn verify_grants(
    db: &impl ConnectionTrait,
    changes: &[Change],
) -> Result<(), RlsError> {
    let done = changes.iter().enumerate().flat_map(|(at, change)| {
        let sql = [granted(change), revoked(change)].concat();
        sql.into_iter().map(move |sql| format!("({at}, {sql})"))
    });

    let done: Vec<String> = done.collect();
    if done.is_empty() {
        return Ok(());
    }

    let query = format!(
        "SELECT at FROM (VALUES {}) AS checked (at, done) WHERE NOT done ORDER BY at",
        done.join(", ")
    );

    let Some(row) = rows(db, query).await?.into_iter().next() else {
        return Ok(());
    };
    let Some(change) = changes.get(at(&row)?) else {
        return Ok(());
    };
    let (what, why) = match change {
        Change::Table(
            _,
            TableChange::Privilege(
                PrivilegeChange::Revoke { .. } | PrivilegeChange::RevokeColumns { .. },
            ),
        )
        | Change::Function(_, FunctionChange::Revoke { .. }) => (
            "revoke this",
            "the server passed over it, since another role granted it",
        ),
        _ => (
            "grant this",
            "the server passed over it, since the login may not pass the privilege on",
        ),
    };

    let source = Arc::new(DbErr::Custom(why.to_owned()));

    Err(SchemaError::Privilege {
        what: what.to_owned(),
        sql: change.sql().join("; "),
        source,
    }
    .into())
}

/// Whether the role has each privilege that a change grants, as SQL.
fn granted(change: &Change) -> Vec<String> {
    let has = |what, role: &Identifier, object: &str, privilege| {
        format!(
            "has_{what}_privilege({}, {}, '{privilege}')",
            text(role),
            sql::known_literal(object)
        )
    };

    match change {
        Change::Schema(schema, UsageChange::Grant { role }) => {
            vec![has("schema", role, schema.as_str(), "USAGE")]
        }
        Change::Sequence(sequence, UsageChange::Grant { role }) => {
            vec![has("sequence", role, &sql::table(sequence), "USAGE")]
        }
        Change::Function(function, FunctionChange::Grant { role }) => {
            let function = format!("{}(text)", sql::table(function));
            vec![has("function", role, &function, "EXECUTE")]
        }
        Change::Table(
            table,
            TableChange::Privilege(
                PrivilegeChange::Grant { role, privileges }
                | PrivilegeChange::Widen { role, privileges },
            ),
        ) => privileges
            .iter()
            .map(|privilege| has("table", role, &sql::table(table), privilege.as_sql()))
            .collect(),
        Change::Table(
            table,
            TableChange::Privilege(PrivilegeChange::GrantColumns {
                role,
                privilege,
                columns,
            }),
        ) => {
            let (role, table) = (text(role), sql::known_literal(&sql::table(table)));
            let has = |column: &Identifier| {
                let (column, privilege) = (text(column), privilege.as_sql());
                format!("has_column_privilege({role}, {table}, {column}, '{privilege}')")
            };
            columns.iter().map(has).collect()
        }
        _ => Vec::new(),
    }
}

/// Whether the privileges that a change takes from a role are no longer granted to it, as SQL.
fn revoked(change: &Change) -> Vec<String> {
    match change {
        Change::Table(
            table,
            TableChange::Privilege(PrivilegeChange::Revoke { role, privileges }),
        ) => {
            let words: Vec<String> = privileges
                .iter()
                .map(|privilege| format!("'{}'", privilege.as_sql()))
                .collect();

            vec![format!(
                "NOT EXISTS (SELECT FROM pg_class c, aclexplode(c.relacl) acl
                     WHERE c.oid = {}::regclass AND acl.grantee = {} AND acl.privilege_type IN ({}))",
                sql::known_literal(&sql::table(table)),
                grantee(role),
                words.join(", ")
            )]
        }
        Change::Table(
            table,
            TableChange::Privilege(PrivilegeChange::RevokeColumns {
                role,
                privilege,
                columns,
            }),
        ) => {
            let columns: Vec<String> = columns.iter().map(text).collect();

            vec![format!(
                "NOT EXISTS (SELECT FROM pg_attribute a, aclexplode(a.attacl) acl
                     WHERE a.attrelid = {}::regclass AND acl.grantee = {}
                       AND acl.privilege_type = '{}' AND a.attname IN ({}))",
                sql::known_literal(&sql::table(table)),
                grantee(role),
                privilege.as_sql(),
                columns.join(", ")
            )]
        }
        Change::Function(function, FunctionChange::Revoke { role }) => {
            let function = format!("{}(text)", sql::table(function));
            vec![format!(
                "NOT EXISTS (SELECT FROM pg_proc f, aclexplode(f.proacl) acl
                     WHERE f.oid = {}::regprocedure AND acl.grantee = {})",
                sql::known_literal(&function),
                grantee(role)
            )]
        }
        _ => Vec::new(),
    }
}

/// The OID of a grantee, as SQL.
fn grantee(role: &Identifier) -> String {
    match role.as_str() {
        // The name stands for everyone, quoted or not.
        PUBLIC => "0".to_owned(),
        _ => format!("{}::regrole", sql::known_literal(&sql::identifier(role))),
    }
}

/// The `(schema, role)` pairs of these roles that need no grant of `USAGE`: the role has a grant of
/// its own, or everyone has one. Whether this login could grant it does not matter: two logins get
/// one answer.
pub(crate) async fn schema_usage(
    db: &impl ConnectionTrait,
    roles: [&Identifier; 2],
) -> Result<BTreeSet<(Identifier, Identifier)>, RlsError> {
    let query = format!(
        "SELECT n.nspname::text AS schema, v.role::text AS role
         FROM pg_namespace n CROSS JOIN (VALUES ({}), ({})) AS v (role)
         WHERE EXISTS (
             SELECT FROM aclexplode(n.nspacl) acl LEFT JOIN pg_roles r ON r.oid = acl.grantee
             WHERE acl.privilege_type = 'USAGE' AND (r.rolname = v.role OR acl.grantee = 0))",
        text(roles[0]),
        text(roles[1])
    );

    rows(db, query)
        .await?
        .iter()
        .map(|row| Ok((name(row, "schema")?, name(row, "role")?)))
        .collect()
}

/// What the default privileges of this login give on a new object of the schema.
pub(crate) async fn by_default(
    db: &impl ConnectionTrait,
    schema: Option<&Identifier>,
) -> Result<ByDefault, RlsError> {
    let schema = schema.map_or_else(|| "NULL".to_owned(), text);
    let query = format!(
        "SELECT d.defaclobjtype::text AS kind, coalesce(r.rolname, '{PUBLIC}')::text AS role,
                acl.privilege_type AS privilege
         FROM pg_default_acl d CROSS JOIN aclexplode(d.defaclacl) acl
         LEFT JOIN pg_roles r ON r.oid = acl.grantee
         WHERE d.defaclobjtype IN ('r', 'f') AND d.defaclrole = current_user::regrole
           AND (d.defaclnamespace = 0
                OR d.defaclnamespace = (SELECT oid FROM pg_namespace WHERE nspname = {schema}))
           AND acl.grantee <> d.defaclrole"
    );

    let mut by_default = ByDefault::default();
    for row in rows(db, query).await? {
        let role = name(&row, "role")?;
        if get::<String>(&row, "kind")? == "f" {
            by_default.functions.insert(role);
        } else {
            let privilege = Privilege::from_sql(&get::<String>(&row, "privilege")?);
            let privileges = by_default.tables.entry(role).or_default();
            privileges.extend(privilege);
        }
    }

    Ok(by_default)
}
