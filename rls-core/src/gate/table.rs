//! The gate's check of each table: its flags, the login's rights, and its policies by their
//! fingerprints.

use std::collections::{BTreeMap, BTreeSet};

use futures_util::future;
use sea_orm::QueryResult;
use sqlx::postgres::PgRow;
use sqlx::postgres::types::Oid;
use sqlx::{Decode, PgConnection, Postgres, Row, Type};

use super::{LoginFacts, database_error};
use crate::config::{RlsConfig, SignedContexts};
use crate::error::{GateFinding, RlsError};
use crate::model::policy::Policy;
use crate::model::scope;
use crate::model::scope::Scope;
use crate::name::{Identifier, TableName};
use crate::schema::catalog::query::checked;
use crate::schema::catalog::{self, POLICY_COLUMNS, POLICY_JOINS, REFERS, version};
use crate::schema::fingerprint::{self, Fingerprint};

/// One row for each policy, or for a table without any. The columns are read by position, since
/// there are thousands of rows.
///
/// The planner estimates few tables, whatever their number: what is not materialised may be read
/// again for each of them.
fn tables(can_identify: bool) -> String {
    format!(
        "WITH {REFERS},
         found AS MATERIALIZED (
           SELECT w.at::int4, c.oid, coalesce(c.relrowsecurity, false) AS enabled,
                  coalesce(c.relforcerowsecurity, false) AS forced,
                  coalesce(pg_has_role(current_user, c.relowner, 'MEMBER'), false) AS owns,
                  coalesce(has_table_privilege(c.oid, 'TRUNCATE'), false) AS truncates,
                  c.relname::text AS name, n.nspname::text AS schema,
                  pg_get_userbyid(c.relowner)::text AS owner
           FROM unnest($1::oid[]) WITH ORDINALITY AS w (oid, at)
           LEFT JOIN (pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace)
             ON c.oid = w.oid AND c.relkind IN ('r', 'p')),
         comments AS MATERIALIZED (
           SELECT t.objoid, t.description FROM pg_description t
           WHERE t.classoid = 'pg_policy'::regclass AND t.objsubid = 0),
         grantees AS MATERIALIZED (
           SELECT d.polroles, (SELECT string_agg(r.rolname, E'\\n') FROM pg_roles r WHERE r.oid = \
           ANY (d.polroles)) AS roles
           FROM (SELECT DISTINCT p.polroles FROM pg_policy p) d)
         SELECT f.at, f.oid IS NOT NULL, f.enabled, f.forced, f.owns, f.truncates,
                p.oid, p.polname::text, g.roles, {}, t.description,
                f.schema, f.name, f.owner
         FROM found f
         LEFT JOIN refers r ON r.\"table\" = f.oid
         LEFT JOIN pg_policy p ON p.polrelid = f.oid
         LEFT JOIN grantees g ON g.polroles = p.polroles
         LEFT JOIN comments t ON t.objoid = p.oid
         ORDER BY f.at",
        version(can_identify)
    )
}

/// A table as this login finds it.
#[derive(Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is what the catalog says of the table"
)]
pub(super) struct TableFacts {
    /// What was found, if anything was.
    found: Option<FoundTable>,
    enabled: bool,
    forced: bool,
    owns: bool,
    truncates: bool,
    /// The policies that are desired and not there.
    missing: BTreeSet<Identifier>,
    /// The policies that are there and not as desired.
    altered: BTreeSet<Identifier>,
}

/// A table with its schema, whatever name its entity gives it, and its owner.
struct FoundTable {
    name: TableName,
    owner: Identifier,
}

/// A desired policy, with its fingerprint. While contexts are sent and not yet required, that of
/// the policy that requires them is as good.
struct Desired {
    policy: Policy,
    fingerprints: Vec<String>,
}

/// A policy that has another row in the catalog than at its last sync: only its text can tell
/// whether it is as desired.
struct Doubtful {
    at: usize,
    desired: Policy,
    fingerprint: Fingerprint,
}

/// Reads the tables, in the same order, and of each policy whether it is as desired: it was made
/// for that, and was not changed since.
pub(super) async fn read(
    connection: &mut PgConnection,
    scopes: &[&Scope],
    config: &RlsConfig,
    login: &LoginFacts,
) -> Result<Vec<TableFacts>, RlsError> {
    let query = tables(login.can_identify);
    let query = sqlx::query(sqlx::AssertSqlSafe(query)).bind(&login.tables);

    // The desired policies are put together while the server answers: either takes a while for
    // hundreds of tables.
    let desired = async {
        scopes
            .iter()
            .map(|scope| desired_policies(scope, config))
            .collect::<Vec<_>>()
    };

    let (rows, desired) = future::join(query.fetch_all(&mut *connection), desired).await;
    let rows = rows.map_err(database_error)?;
    let mut desired = desired.into_iter();
    let mut tables: Vec<TableFacts> = scopes.iter().map(|_| TableFacts::default()).collect();
    let mut doubtful = BTreeMap::new();
    let mut rows = rows.iter().peekable();

    // There is one row at least for each table, in their order.
    while let Some(row) = rows.peek() {
        let at = position(row)?;
        let (Some(table), Some(mut desired)) = (tables.get_mut(at), desired.next()) else {
            break;
        };

        *table = facts(row)?;
        while let Some(row) = rows.next_if(|row| position(row).is_ok_and(|other| other == at)) {
            policy(row, at, table, &mut desired, &mut doubtful)?;
        }

        table.missing = desired.into_keys().collect();
    }

    settle(connection, &mut tables, doubtful).await?;
    Ok(tables)
}

fn facts(row: &PgRow) -> Result<TableFacts, RlsError> {
    let exists: bool = get(row, 1)?;
    let name = |column| -> Result<Identifier, RlsError> { checked(get(row, column)?) };
    let found = || -> Result<FoundTable, RlsError> {
        Ok(FoundTable {
            name: TableName {
                schema: Some(name(11)?),
                table: name(12)?,
            },
            owner: name(13)?,
        })
    };

    Ok(TableFacts {
        found: exists.then(found).transpose()?,
        enabled: get(row, 2)?,
        forced: get(row, 3)?,
        owns: get(row, 4)?,
        truncates: get(row, 5)?,
        ..TableFacts::default()
    })
}

/// Takes the policy of a row out of the desired ones, and notes if it is altered or doubtful.
fn policy(
    row: &PgRow,
    at: usize,
    table: &mut TableFacts,
    desired: &mut BTreeMap<Identifier, Desired>,
    doubtful: &mut BTreeMap<u32, Doubtful>,
) -> Result<(), RlsError> {
    let name = get::<Option<&str>>(row, 7)?.and_then(|name| Identifier::new(name).ok());
    let Some((name, desired)) = name.and_then(|name| desired.remove_entry(&name)) else {
        return Ok(());
    };

    match compare(row, &desired)? {
        Compared::AsDesired => {}
        Compared::Altered => drop(table.altered.insert(name)),
        Compared::Doubtful(fingerprint) => {
            let doubt = Doubtful {
                at,
                desired: desired.policy,
                fingerprint,
            };
            doubtful.insert(get::<Oid>(row, 6)?.0, doubt);
        }
    }

    Ok(())
}

/// What a policy's row of the answer says of it.
enum Compared {
    AsDesired,
    Altered,
    /// It was made for what is desired, and may have been altered since.
    Doubtful(Fingerprint),
}

fn compare(row: &PgRow, desired: &Desired) -> Result<Compared, RlsError> {
    let made_for_this = get::<Option<&str>>(row, 10)?
        .and_then(|comment| Fingerprint::split(comment).1)
        .filter(|fingerprint| desired.fingerprints.contains(&fingerprint.desired));
    let Some(fingerprint) = made_for_this else {
        return Ok(Compared::Altered);
    };

    let roles: BTreeSet<&str> = get::<Option<&str>>(row, 8)?
        .unwrap_or_default()
        .lines()
        .collect();
    let desired_roles = desired.policy.roles.iter().map(Identifier::as_str);
    if !desired_roles.eq(roles) {
        return Ok(Compared::Altered);
    }

    let version = get::<Option<&str>>(row, 9)?.map(fingerprint::version);
    Ok(if version.is_none() || fingerprint.version != version {
        Compared::Doubtful(fingerprint)
    } else {
        Compared::AsDesired
    })
}

/// The policies of a scope, by name.
fn desired_policies(scope: &Scope, config: &RlsConfig) -> BTreeMap<Identifier, Desired> {
    let entry = |policy: Policy| {
        let desired = Desired {
            fingerprints: vec![fingerprint::desired(&policy)],
            policy,
        };
        (desired.policy.name.clone(), desired)
    };

    let policies = scope::policies_of(scope, config).into_iter();
    let mut desired: BTreeMap<Identifier, Desired> = policies.map(entry).collect();

    if config.signs_contexts() == SignedContexts::Sent {
        let required = config.clone().signed_contexts(SignedContexts::Required);
        for policy in scope::policies_of(scope, &required) {
            if let Some(desired) = desired.get_mut(&policy.name) {
                desired.fingerprints.push(fingerprint::desired(&policy));
            }
        }
    }

    desired
}

/// Has the server print the doubtful policies, and compares what they say.
async fn settle(
    connection: &mut PgConnection,
    tables: &mut [TableFacts],
    mut doubtful: BTreeMap<u32, Doubtful>,
) -> Result<(), RlsError> {
    if doubtful.is_empty() {
        return Ok(());
    }

    let query = format!(
        "SELECT p.oid, {POLICY_COLUMNS} FROM unnest($1) AS w (oid) JOIN pg_policy p USING (oid) \
         {POLICY_JOINS}"
    );

    let policies: Vec<Oid> = doubtful.keys().copied().map(Oid).collect();
    let query = sqlx::query(sqlx::AssertSqlSafe(query)).bind(policies);

    for row in query.fetch_all(connection).await.map_err(database_error)? {
        let Some(Doubtful {
            at,
            desired,
            fingerprint,
        }) = doubtful.remove(&get::<Oid>(&row, 0)?.0)
        else {
            continue;
        };
        let actual = catalog::policy(&QueryResult::from(row))?.policy;
        let holds = fingerprint.actual == fingerprint::actual(&actual)
            && actual.kind == desired.kind
            && actual.command() == desired.command()
            && actual.roles == desired.roles;

        if !holds {
            tables[at].altered.insert(desired.name);
        }
    }

    for gone in doubtful.into_values() {
        tables[gone.at].altered.insert(gone.desired.name);
    }

    Ok(())
}

/// The role of the migrations: the owner of most of the tables that are not the login's.
pub(super) fn migrations_role(tables: &[TableFacts]) -> Option<&Identifier> {
    let mut owned: BTreeMap<&Identifier, usize> = BTreeMap::new();
    for table in tables.iter().filter(|table| !table.owns) {
        if let Some(found) = &table.found {
            *owned.entry(&found.owner).or_default() += 1;
        }
    }

    let most = owned.into_iter().max_by_key(|(_, tables)| *tables);
    most.map(|(owner, _)| owner)
}

impl TableFacts {
    pub(super) fn findings(
        &self,
        scope: &Scope,
        config: &RlsConfig,
        login: &LoginFacts,
        migrations: Option<&Identifier>,
        findings: &mut Vec<GateFinding>,
    ) {
        let Some(found) = &self.found else {
            let table = scope.table.clone();
            findings.push(GateFinding::Missing { table });
            return;
        };

        let table = || found.name.clone();
        let owner = || found.owner.clone();
        let role = || login.role.clone();

        // `search_path` begins with `"$user"` unless it is set: no other login looks there, and so
        // no migration makes the policies.
        let in_own_schema =
            scope.table.schema.is_none() && found.name.schema.as_ref() == Some(&login.role);
        if in_own_schema && !self.missing.is_empty() {
            findings.push(GateFinding::Shadowed {
                role: role(),
                table: table(),
                owner: owner(),
            });
            return;
        }

        // A role that bypasses row security has these rights on every table.
        if !login.bypasses && self.owns {
            findings.push(GateFinding::Owns {
                role: role(),
                table: table(),
                migrations: migrations.cloned(),
            });
        } else if !login.bypasses && self.truncates {
            findings.push(GateFinding::Truncates {
                role: role(),
                table: table(),
                owner: owner(),
            });
        }

        if !self.enabled {
            findings.push(GateFinding::NotEnabled {
                table: table(),
                owner: owner(),
            });
        }

        if config.force() && !self.forced {
            findings.push(GateFinding::NotForced {
                table: table(),
                owner: owner(),
            });
        }

        if !self.missing.is_empty() {
            findings.push(GateFinding::PolicyMissing {
                table: table(),
                missing: listed(&self.missing),
            });
        }

        if !self.altered.is_empty() {
            findings.push(GateFinding::PolicyAltered {
                table: table(),
                altered: listed(&self.altered),
            });
        }
    }
}

fn listed(names: &BTreeSet<Identifier>) -> String {
    names
        .iter()
        .map(Identifier::as_str)
        .collect::<Vec<_>>()
        .join(", ")
}

fn position(row: &PgRow) -> Result<usize, RlsError> {
    let at: i32 = get(row, 0)?;
    Ok(usize::try_from(at).unwrap_or_default().wrapping_sub(1))
}

fn get<'r, T: Decode<'r, Postgres> + Type<Postgres>>(
    row: &'r PgRow,
    column: usize,
) -> Result<T, RlsError> {
    row.try_get(column).map_err(database_error)
}
