use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ConnectionTrait, QueryResult};

use super::query::{at, checked, get, name, rows, text};
use crate::config::RlsConfig;
use crate::error::RlsError;
use crate::model::context_domain::ContextDomain;
use crate::name::{Identifier, TableName};
use crate::schema::desired::DesiredDomains;
use crate::schema::plan::{DomainDefinition, RecordDefinition};
use crate::schema::render;
use crate::schema::snapshot::{ActualDomain, ActualFunction, PUBLIC};
use crate::sql;

/// An SQL condition: whether the type `t`, in the schema `n`, is the domain `w`, and its constraint
/// is the desired one alone. Holds while `search_path` is `pg_catalog`.
pub(crate) const DOMAIN_FITS: &str =
    "(t.typtype = 'd' AND t.typbasetype = w.base::pg_catalog.regtype AND t.typtypmod = -1
      AND NOT t.typnotnull AND t.typdefault IS NULL
      AND coalesce((SELECT count(*) = 1 AND bool_and(pg_get_constraintdef(k.oid)
                             = coalesce(w.printed, format('CHECK (%I.%I(VALUE))', n.nspname, t.typname)))
                    FROM pg_catalog.pg_constraint k
                    WHERE k.contypid = t.oid AND k.contype = 'c'), false))";

/// The domains as a table of SQL, `w (at, name, base, printed)`: its position, its name, the type of
/// its values, and its constraint as the server prints it; NULL if it calls the function that
/// records.
pub(crate) fn domains_as_rows<'a>(domains: impl IntoIterator<Item = &'a ContextDomain>) -> String {
    let row = |(at, domain): (usize, &ContextDomain)| {
        let printed = render::printed_check(domain);
        let printed = printed.map_or_else(|| "NULL".to_owned(), |text| sql::known_literal(&text));
        let base = render::domain_base(domain);

        format!("({at}, {}, '{base}', {printed})", text(&domain.name()))
    };

    let rows: Vec<String> = domains.into_iter().enumerate().map(row).collect();
    format!(
        "(VALUES {}) AS w (at, name, base, printed)",
        rows.join(", ")
    )
}

/// Whose rights the function that records has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RecordsAs {
    /// Its caller's, whose settings it records.
    Caller,
    /// Its owner's: it records what a signed context says.
    Owner,
}

/// An SQL condition: whether the function `f` is the one that adds a row to the audit table, and
/// does nothing else; `body` is its text, as SQL. If it were `STRICT`, it would do nothing for NULL.
pub(crate) fn function_fits(body: &str, records_as: RecordsAs) -> String {
    let rights = match records_as {
        RecordsAs::Caller => "NOT f.prosecdef AND f.proconfig IS NULL".to_owned(),
        RecordsAs::Owner => format!(
            "f.prosecdef AND f.proconfig = ARRAY['search_path={}']",
            render::DEFINER_PATH
        ),
    };

    format!(
        "(f.prosrc = {body} AND f.prosqlbody IS NULL AND f.provolatile = 'v' AND f.proparallel = 'u'
          AND {rights} AND NOT f.proisstrict AND NOT f.proleakproof
          AND (SELECT l.lanname = 'sql' FROM pg_catalog.pg_language l WHERE l.oid = f.prolang)
          AND {REPLACEABLE})"
    )
}

/// An SQL condition: whether the function `f` of one text has the desired form, which
/// `CREATE OR REPLACE` cannot change.
const REPLACEABLE: &str = "(f.prokind = 'f' AND NOT f.proretset AND f.provariadic = 0
           AND f.prorettype = 'bool'::pg_catalog.regtype AND f.proargnames IS NULL
           AND f.proallargtypes IS NULL AND f.pronargdefaults = 0)";

/// What has the names of the domains. Locks nothing.
pub(super) async fn domains(
    db: &impl ConnectionTrait,
    desired: &DesiredDomains,
    config: &RlsConfig,
) -> Result<BTreeMap<ContextDomain, ActualDomain>, RlsError> {
    let query = format!(
        "SELECT w.at, t.typtype = 'd' AND t.typbasetype = w.base::regtype AND t.typtypmod = -1
                  AS is_domain,
                format_type(t.typbasetype, t.typtypmod) AS base, t.typdefault AS default,
                t.typnotnull AS not_null, {DOMAIN_FITS} AS fits, {} AS is_owned,
                c.conname::text AS constraint, pg_get_constraintdef(c.oid) AS check
         FROM {} JOIN pg_namespace n ON n.nspname = {}
         JOIN pg_type t ON t.typnamespace = n.oid AND t.typname = w.name::name
         LEFT JOIN pg_constraint c ON c.contypid = t.oid AND c.contype = 'c'",
        is_owned("t.typowner", config),
        domains_as_rows(&desired.domains),
        text(&desired.schema)
    );

    let named: Vec<&ContextDomain> = desired.domains.iter().collect();
    let mut domains = BTreeMap::new();

    for row in rows(db, query).await? {
        let domain = named[at(&row)?];
        let actual = match domains.remove(domain) {
            Some(actual) => actual,
            None => actual_domain(&row)?,
        };

        domains.insert(domain.clone(), with_check(actual, &row)?);
    }

    Ok(domains)
}

fn actual_domain(row: &QueryResult) -> Result<ActualDomain, RlsError> {
    if !get::<bool>(row, "is_domain")? {
        return Ok(ActualDomain::Other);
    }

    Ok(ActualDomain::Domain {
        definition: DomainDefinition {
            base: get(row, "base")?,
            default: get(row, "default")?,
            not_null: get(row, "not_null")?,
            checks: BTreeMap::new(),
        },
        fits: get(row, "fits")?,
        is_owned: get(row, "is_owned")?,
    })
}

/// Adds the constraint of a row; there is one row for each constraint.
fn with_check(mut actual: ActualDomain, row: &QueryResult) -> Result<ActualDomain, RlsError> {
    if let ActualDomain::Domain { definition, .. } = &mut actual
        && let Some(constraint) = get::<Option<String>>(row, "constraint")?
    {
        definition
            .checks
            .insert(checked(constraint)?, get(row, "check")?);
    }

    Ok(actual)
}

/// What has the name and the argument of the function that adds a row to the audit table. Locks
/// nothing.
pub(super) async fn recorder(
    db: &impl ConnectionTrait,
    function: &TableName,
    record: &RecordDefinition,
    config: &RlsConfig,
) -> Result<Option<ActualFunction>, RlsError> {
    let schema = function
        .schema
        .as_ref()
        .map_or_else(|| "NULL".to_owned(), text);

    let named = format!(
        "pg_proc f JOIN pg_namespace n ON n.oid = f.pronamespace
         WHERE n.nspname = {schema} AND f.proname = {} AND f.pronargs = 1
           AND f.proargtypes[0] = 'text'::regtype",
        text(&function.table)
    );

    let records_as = match record.verified {
        Some(_) => RecordsAs::Owner,
        None => RecordsAs::Caller,
    };
    let query = format!(
        "SELECT {REPLACEABLE} AS replaceable, {} AS fits, {} AS is_owned,
                CASE WHEN f.prokind = 'f' THEN pg_get_functiondef(f.oid) END AS definition
         FROM {named}",
        function_fits(
            &sql::known_literal(&render::record_body(record)),
            records_as
        ),
        is_owned("f.proowner", config)
    );

    let Some(row) = rows(db, query).await?.pop() else {
        return Ok(None);
    };
    if !get::<bool>(&row, "replaceable")? {
        return Ok(Some(ActualFunction::Other));
    }

    let query = format!(
        "SELECT coalesce(r.rolname, '{PUBLIC}')::text AS role
         FROM (SELECT f.proowner, f.proacl FROM {named}) f
         CROSS JOIN aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) acl
         LEFT JOIN pg_roles r ON r.oid = acl.grantee
         WHERE acl.grantee <> f.proowner"
    );
    let grantees: Result<BTreeSet<Identifier>, RlsError> = rows(db, query)
        .await?
        .iter()
        .map(|row| name(row, "role"))
        .collect();

    Ok(Some(ActualFunction::Function {
        definition: get(&row, "definition")?,
        fits: get(&row, "fits")?,
        is_owned: get(&row, "is_owned")?,
        grantees: grantees?,
    }))
}

/// An SQL condition: whether one of the two roles is this owner, or a member of it. A superuser has
/// all rights everywhere, which says nothing of this object, and the login that migrates is the
/// owner that is desired.
pub(super) fn is_owned(owner: &str, config: &RlsConfig) -> String {
    format!(
        "EXISTS (SELECT FROM pg_roles r JOIN pg_roles o ON o.oid = {owner}
                 WHERE r.rolname IN ({}, {}) AND NOT r.rolsuper AND NOT o.rolsuper
                   AND o.rolname <> current_user AND pg_has_role(r.oid, o.oid, 'MEMBER'))",
        text(config.app_role()),
        text(config.admin_role())
    )
}
