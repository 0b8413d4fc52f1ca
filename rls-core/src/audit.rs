//! The record of what administrators do: found at start, and written by each of their transactions.

use std::sync::Arc;

use sea_orm::{DbErr, QueryResult, RuntimeErr};
use sqlx::PgPool;

use crate::begin::{ContextText, KnownSetting};
use crate::config::RlsConfig;
use crate::context::{AdminContext, RlsContext, Settings};
use crate::error::{ContextError, GateError, GateFinding, RlsError};
use crate::name::{Identifier, SettingName, TableName};
use crate::pool::Pool;
use crate::sql;

/// Who may do what with the audit's table, found by `search_path` where `$2` says no schema, in
/// which no operator need be the server's; `$3` and `$4` are the two roles. Any login may ask.
const AUDIT: &str = r#"
SELECT n.nspname::text AS schema, a.oid IS NOT NULL
         AND pg_catalog.has_schema_privilege(a.oid, n.oid, 'USAGE')
         AND pg_catalog.has_column_privilege(a.oid, c.oid, 'reason', 'INSERT') AS writable,
       CASE WHEN pg_catalog.has_any_column_privilege(p.oid, c.oid, 'SELECT, INSERT, UPDATE')
              OR pg_catalog.has_table_privilege(p.oid, c.oid, 'DELETE, TRUNCATE') THEN p.rolname
            WHEN pg_catalog.has_any_column_privilege(a.oid, c.oid, 'UPDATE')
              OR pg_catalog.has_table_privilege(a.oid, c.oid, 'INSERT, DELETE, TRUNCATE') THEN a.rolname
       END::text AS open_to
FROM pg_catalog.pg_class c
JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace
JOIN pg_catalog.pg_attribute r ON r.attrelid OPERATOR(pg_catalog.=) c.oid
  AND r.attname OPERATOR(pg_catalog.=) 'reason'::pg_catalog.name AND NOT r.attisdropped
LEFT JOIN pg_catalog.pg_roles p ON p.rolname OPERATOR(pg_catalog.=) $3::pg_catalog.name
LEFT JOIN pg_catalog.pg_roles a ON a.rolname OPERATOR(pg_catalog.=) $4::pg_catalog.name
JOIN LATERAL pg_catalog.unnest(CASE WHEN $2 IS NULL THEN pg_catalog.current_schemas(false)
                                    ELSE ARRAY[$2]::pg_catalog.name[] END) WITH ORDINALITY AS s (name, at)
  ON s.name OPERATOR(pg_catalog.=) n.nspname
WHERE c.relname OPERATOR(pg_catalog.=) $1::pg_catalog.name
  AND c.relkind OPERATOR(pg_catalog.=) ANY (ARRAY['r', 'p']::pg_catalog."char"[])
ORDER BY s.at
LIMIT 1"#;

/// The setting that says for whom an administrator acts.
const ON_BEHALF_OF: &str = "rls.on_behalf_of";

/// Where administrators are recorded.
#[derive(Clone, Debug)]
pub(crate) struct Audit {
    /// The statement; its table has its schema, so that no temporary one shadows it.
    pub(crate) record: Arc<str>,
}

impl Audit {
    /// Asks in one statement whether what administrators do leaves a record that they cannot
    /// change.
    ///
    /// # Errors
    ///
    /// [`RlsError::Gate`].
    pub(crate) async fn find(
        pool: &PgPool,
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
            .fetch_optional(pool)
            .await
            .map_err(database_error)?;

        let refuse = |finding| {
            Err(GateError {
                findings: vec![finding],
            }
            .into())
        };

        let Some(row) = row.map(QueryResult::from) else {
            return refuse(GateFinding::AuditMissing {
                table: table.to_string(),
            });
        };

        let schema: String = row.try_get("", "schema")?;
        let schema = Identifier::new(schema).map_err(|error| RlsError::Context(error.into()))?;
        let table = table.or_in(&schema);

        if !row.try_get::<bool>("", "writable")? {
            return refuse(GateFinding::AuditMissing {
                table: table.to_string(),
            });
        }

        if let Some(role) = row.try_get::<Option<String>>("", "open_to")? {
            return refuse(GateFinding::AuditOpen {
                role,
                table: table.to_string(),
            });
        }

        Ok(Self {
            record: sql::record(&table).into(),
        })
    }
}

/// The setting that each recorded transaction sets or blanks, beside those of the context.
pub(crate) fn known_setting() -> KnownSetting {
    KnownSetting::new(
        SettingName::new(ON_BEHALF_OF).unwrap_or_else(|_| unreachable!("a constant name")),
    )
}

/// Records what runs on another login, where the record cannot be written.
pub(crate) struct Recorder {
    pool: Pool,
    message: Result<ContextText, ContextError>,
}

impl Recorder {
    /// For what `admin` does with the rights of `context`.
    pub(crate) fn new(pool: &Pool, admin: &AdminContext, context: &impl RlsContext) -> Self {
        let context = context.settings().map(|settings| json(&settings));
        let settings = admin
            .settings()
            .and_then(|settings| settings.with(ON_BEHALF_OF, context?));
        let opening = pool.opening(false);
        let message =
            settings.and_then(|settings| ContextText::new(settings, pool.settings(), opening));

        Self {
            pool: pool.clone(),
            message,
        }
    }

    /// Leaves a record, committed.
    pub(crate) async fn record(&self) -> Result<(), DbErr> {
        let message = self
            .message
            .as_ref()
            .map_err(|error| RlsError::Context(error.clone()))?;
        let lease = self.pool.begin_unannounced(message.begin_writing()).await?;
        self.pool.commit(lease).await
    }
}

/// `{"app.user_id": "…"}`.
fn json(context: &Settings) -> String {
    let settings = context
        .iter()
        .map(|(name, value)| (name.to_string(), value.into()));
    serde_json::Value::Object(settings.collect()).to_string()
}
