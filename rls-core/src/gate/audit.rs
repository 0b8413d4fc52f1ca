//! The record of the administrators' transactions: its table is checked at start, and each
//! transaction writes a row.

use std::sync::Arc;

use sea_orm::{DbErr, QueryResult, RuntimeErr};
use sqlx::PgConnection;

use crate::config::{RlsConfig, SignedContexts};
use crate::error::{GateError, GateFinding, RlsError};
use crate::name::{Identifier, TableName};
use crate::schema::catalog::query::{checked, name};
use crate::schema::render;

/// The privileges of the two roles, `$3` and `$4`, on the audit table `$1`, in the schema `$2` or,
/// if that is NULL, found by `search_path`. An operator found by that path need not be the
/// server's, so all are named in full. Needs no privilege. The administrator adds rows itself, or by the
/// function that records with its owner's rights; by that alone if `$5`.
const AUDIT: &str = r#"
SELECT n.nspname::text AS schema, a.oid IS NOT NULL
         AND pg_catalog.has_schema_privilege(a.oid, n.oid, 'USAGE')
         AND (pg_catalog.has_column_privilege(a.oid, c.oid, 'reason', 'INSERT')
              OR coalesce(f.prosecdef AND pg_catalog.has_column_privilege(f.proowner, c.oid, 'actor', 'INSERT'),
                          false)) AS writable,
       CASE WHEN pg_catalog.has_any_column_privilege(p.oid, c.oid, 'SELECT, INSERT, UPDATE')
              OR pg_catalog.has_table_privilege(p.oid, c.oid, 'DELETE, TRUNCATE') THEN p.rolname
            WHEN pg_catalog.has_any_column_privilege(a.oid, c.oid, 'UPDATE')
              OR pg_catalog.has_table_privilege(a.oid, c.oid, 'INSERT, DELETE, TRUNCATE')
              OR $5 AND pg_catalog.has_any_column_privilege(a.oid, c.oid, 'INSERT') THEN a.rolname
       END::text AS open_to
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
JOIN pg_catalog.pg_attribute r ON r.attrelid OPERATOR(pg_catalog.=) c.oid
  AND r.attname OPERATOR(pg_catalog.=) 'reason'::pg_catalog.name AND NOT r.attisdropped
LEFT JOIN pg_catalog.pg_proc f ON f.pronamespace OPERATOR(pg_catalog.=) n.oid
  AND f.proname OPERATOR(pg_catalog.=) 'rls_context_record'::pg_catalog.name
  AND f.proargtypes[0] OPERATOR(pg_catalog.=) 'pg_catalog.text'::pg_catalog.regtype AND f.pronargs OPERATOR(pg_catalog.=) 1
LEFT JOIN pg_catalog.pg_roles p ON p.rolname OPERATOR(pg_catalog.=) $3::pg_catalog.name
LEFT JOIN pg_catalog.pg_roles a ON a.rolname OPERATOR(pg_catalog.=) $4::pg_catalog.name
JOIN LATERAL pg_catalog.unnest(CASE WHEN $2 IS NULL THEN pg_catalog.current_schemas(false)
                                    ELSE ARRAY[$2]::pg_catalog.name[] END) WITH ORDINALITY AS s (name, at)
  ON s.name OPERATOR(pg_catalog.=) n.nspname
WHERE c.relname OPERATOR(pg_catalog.=) $1::pg_catalog.name
  AND c.relkind OPERATOR(pg_catalog.=) ANY (ARRAY['r', 'p']::pg_catalog."char"[])
ORDER BY s.at
LIMIT 1"#;

/// The audit table.
#[derive(Clone, Debug)]
pub(crate) struct Audit {
    /// The statement that records a transaction; its table has a schema, so that no temporary table
    /// shadows it.
    pub(crate) record: Arc<str>,
}

impl Audit {
    /// Checks, with one statement, that the administrators' transactions leave a record that they
    /// cannot change.
    ///
    /// # Errors
    ///
    /// [`RlsError::Gate`].
    pub(crate) async fn find(
        connection: &mut PgConnection,
        table: &TableName,
        config: &RlsConfig,
    ) -> Result<Self, RlsError> {
        let database_error =
            |error: sqlx::Error| RlsError::from(DbErr::Conn(RuntimeErr::SqlxError(error.into())));
        let row = sqlx::query(AUDIT)
            .bind(table.table.as_str())
            .bind(table.schema.as_ref().map(Identifier::as_str))
            .bind(config.app_role().as_str())
            .bind(config.admin_role().as_str())
            .bind(config.signs_contexts() == SignedContexts::Required)
            .fetch_optional(connection)
            .await
            .map_err(database_error)?;

        let refuse = |finding| {
            Err(GateError {
                findings: vec![finding],
            }
            .into())
        };

        let Some(row) = row.map(QueryResult::from) else {
            let table = table.clone();
            return refuse(GateFinding::AuditMissing { table });
        };

        let table = table.or_in(&name(&row, "schema")?);

        if !row.try_get::<bool>("", "writable")? {
            return refuse(GateFinding::AuditMissing { table });
        }

        if let Some(role) = row.try_get::<Option<String>>("", "open_to")? {
            let role = checked(role)?;
            return refuse(GateFinding::AuditOpen { role, table });
        }

        Ok(Self {
            record: render::record(&table).into(),
        })
    }
}
