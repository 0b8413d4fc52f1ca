//! The domains that carry contexts: the gate finds them by their OIDs, and checks that they set
//! what they are made to set.

use std::collections::BTreeSet;

use sqlx::postgres::PgRow;
use sqlx::postgres::types::Oid;
use sqlx::{PgConnection, Row};

use super::{LoginFacts, database_error};
use crate::config::{RlsConfig, SignedContexts};
use crate::entity::registry::Registry;
use crate::error::{GateFinding, RlsError};
use crate::model::context_domain::{ContextDomain, DomainOids};
use crate::model::signed_context;
use crate::name::{Identifier, TableName};
use crate::schema::catalog::query::checked;
use crate::schema::catalog::{DOMAIN_FITS, RecordsAs, domains_as_rows, function_fits};
use crate::schema::plan::RecordDefinition;
use crate::schema::render;

/// The domains of a database, for each login that can use them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct FoundDomains {
    /// For the application's login; `None` if it may not execute `set_config`, which a domain calls
    /// with the rights of the login.
    pub(crate) app: Option<DomainOids>,
    /// For the administrator's login, in the same way.
    pub(crate) admin: Option<DomainOids>,
    /// The view that verifies signed contexts, if they are signed.
    pub(crate) verified: Option<TableName>,
}

/// One row a domain. It is found in the first of the schemas `$1` that has a type of its name, of
/// those with the audit's table `$4` if there are any. What it checks is compared as the server
/// prints it. `$2` is the administrator's role, `$3` the text of the function that records for each
/// schema, `$5` its text if only signed contexts are recorded.
fn query(domains: &BTreeSet<ContextDomain>, signed: SignedContexts) -> String {
    let record = ContextDomain::Record.name();
    let by_defaults = function_fits("s.body", RecordsAs::Caller);
    let verified = function_fits("s.verified", RecordsAs::Owner);
    let function_fits = match signed {
        SignedContexts::Off => by_defaults,
        // `required` may come while this program runs.
        SignedContexts::Sent => format!("({by_defaults} OR {verified})"),
        SignedContexts::Required => verified,
    };

    format!(
        "WITH login AS MATERIALIZED (
           SELECT has_function_privilege(s.oid, 'EXECUTE') AS app,
                  coalesce((SELECT has_function_privilege(r.oid, s.oid, 'EXECUTE')
                            FROM pg_catalog.pg_roles r WHERE r.rolname = $2::name), false) AS admin
           FROM (VALUES ('set_config(text, text, boolean)'::regprocedure::oid)) AS s (oid))
         SELECT DISTINCT ON (w.at) w.at, l.app, l.admin, t.oid, n.nspname::text AS schema,
                {DOMAIN_FITS} AND (w.printed IS NOT NULL OR coalesce(f.fits, false)) AS fits,
                coalesce(pg_has_role(current_user, t.typowner, 'MEMBER'), false) AS is_owned,
                coalesce(f.is_owned, false) AS function_is_owned
         FROM {} CROSS JOIN login l
         LEFT JOIN (pg_catalog.pg_type t
                    JOIN pg_catalog.pg_namespace n ON n.oid = t.typnamespace
                    JOIN unnest($1::name[], $3::text[], $5::text[])
                           WITH ORDINALITY AS s (name, body, verified, at)
                      ON s.name = n.nspname)
           ON t.typname = w.name::name
         LEFT JOIN LATERAL (
           SELECT {function_fits} AND coalesce((
                    SELECT has_function_privilege(r.oid, f.oid, 'EXECUTE')
                    FROM pg_catalog.pg_roles r WHERE r.rolname = $2::name), false) AS fits,
                  pg_has_role(current_user, f.proowner, 'MEMBER') AS is_owned
           FROM pg_catalog.pg_proc f
           WHERE f.pronamespace = n.oid AND f.proname = '{record}' AND f.pronargs = 1
             AND f.proargtypes[0] = 'text'::regtype) f ON w.printed IS NULL
         ORDER BY w.at, EXISTS (
           SELECT FROM pg_catalog.pg_class a
           WHERE a.relnamespace = n.oid AND a.relname = $4::name) DESC, s.at",
        domains_as_rows(domains)
    )
}

/// Finds the domains with one statement, and what is wrong with them. Needs no privilege, and a
/// `search_path` of `pg_catalog` alone.
pub(super) async fn find(
    connection: &mut PgConnection,
    config: &RlsConfig,
    registry: &Registry,
    login: &LoginFacts,
) -> Result<(FoundDomains, Faults), RlsError> {
    let signed = config.signs_contexts() > SignedContexts::Off;
    let domains = ContextDomain::all(registry.settings(), config.audit().is_some(), signed);
    let audit = config.audit_table_name();
    let schemas = match &audit.schema {
        Some(schema) => std::slice::from_ref(schema),
        None => &login.schemas,
    };

    let names: Vec<&str> = schemas.iter().map(Identifier::as_str).collect();
    let view = config.signing_object(signed_context::VIEW);
    let bodies = |signed: bool| -> Vec<String> {
        let body = |schema| {
            render::record_body(&RecordDefinition {
                audit: audit.or_in(schema),
                verified: signed.then(|| view.or_in(schema)),
            })
        };
        schemas.iter().map(body).collect()
    };

    let query = query(&domains, config.signs_contexts());
    let query = sqlx::query(sqlx::AssertSqlSafe(query))
        .bind(names)
        .bind(config.admin_role().as_str())
        .bind(bodies(false))
        .bind(audit.table.as_str())
        .bind(bodies(true));

    let rows = query.fetch_all(connection).await.map_err(database_error)?;
    let mut faults = Faults::default();
    let mut oids = DomainOids::new();

    for (domain, row) in domains.iter().zip(&rows) {
        if let Some(oid) = faults.examine(domain, row, login)? {
            oids.insert(domain.clone(), oid);
        }
    }

    let is_usable = faults.is_empty();
    let of = |column| match rows.first() {
        Some(row) if is_usable && get(row, column)? => Ok(Some(oids.clone())),
        _ => Ok::<_, RlsError>(None),
    };

    let found = FoundDomains {
        app: of("app")?,
        admin: of("admin")?,
        verified: None,
    };
    Ok((found, faults))
}

/// What is wrong with the domains.
#[derive(Default)]
pub(super) struct Faults {
    missing: Vec<String>,
    altered: Vec<String>,
    /// The domains that the login owns, or a role that it is a member of.
    owned: Vec<TableName>,
    /// The function that records, if the same is so of it.
    owned_function: Option<TableName>,
}

impl Faults {
    /// Notes what is wrong with the domain of a row, and returns its OID if it is there.
    fn examine(
        &mut self,
        domain: &ContextDomain,
        row: &PgRow,
        login: &LoginFacts,
    ) -> Result<Option<Oid>, RlsError> {
        let name = domain.name();
        let Some(oid) = get::<Option<Oid>>(row, "oid")? else {
            self.missing.push(name.to_string());
            return Ok(None);
        };

        let name = TableName {
            schema: Some(checked(get(row, "schema")?)?),
            table: name,
        };

        if !get::<bool>(row, "fits")? {
            self.altered.push(name.to_string());
        }

        // A role that bypasses row security has these rights on everything.
        if !login.bypasses && get(row, "function_is_owned")? {
            self.owned_function = Some(name.clone());
        }
        if !login.bypasses && get(row, "is_owned")? {
            self.owned.push(name);
        }

        Ok(Some(oid))
    }

    fn is_empty(&self) -> bool {
        let Self {
            missing,
            altered,
            owned,
            owned_function,
        } = self;

        missing.is_empty() && altered.is_empty() && owned.is_empty() && owned_function.is_none()
    }

    pub(super) fn findings(
        self,
        login: &LoginFacts,
        migrations: Option<&Identifier>,
    ) -> impl Iterator<Item = GateFinding> + use<> {
        let role = login.role.clone();
        let migrations = migrations.cloned();
        let listed = |names: Vec<String>| (!names.is_empty()).then(|| names.join(", "));

        let missing = listed(self.missing).map(|missing| GateFinding::DomainMissing { missing });
        let altered = listed(self.altered).map(|altered| GateFinding::DomainAltered { altered });
        let function = self.owned_function.map(|function| {
            let (role, migrations) = (role.clone(), migrations.clone());
            GateFinding::OwnsFunction {
                role,
                function,
                migrations,
            }
        });
        let owned = self.owned.into_iter().map(move |domain| {
            let (role, migrations) = (role.clone(), migrations.clone());
            GateFinding::OwnsDomain {
                role,
                domain,
                migrations,
            }
        });

        missing
            .into_iter()
            .chain(altered)
            .chain(function)
            .chain(owned)
    }
}

fn get<'r, T: sqlx::Decode<'r, sqlx::Postgres> + sqlx::Type<sqlx::Postgres>>(
    row: &'r PgRow,
    column: &str,
) -> Result<T, RlsError> {
    row.try_get(column).map_err(database_error)
}
