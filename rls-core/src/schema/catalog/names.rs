//! The schemas in which names without a schema are found.

use std::collections::BTreeMap;

use sea_orm::ConnectionTrait;

use super::query::{checked, get, name, rows, text};
use crate::error::{RlsError, SchemaError};
use crate::name::{Identifier, Schemas};

/// The schemas of `search_path` that exist and that the login may use, the current one first.
pub(crate) struct PathSchemas {
    current: Identifier,
    others: Vec<Identifier>,
}

/// The schemas of `search_path`, read before it is replaced.
pub(crate) async fn path_schemas(db: &impl ConnectionTrait) -> Result<PathSchemas, RlsError> {
    const QUERY: &str =
        "SELECT s.name::text AS name FROM pg_catalog.unnest(pg_catalog.current_schemas(false)) \
         WITH ORDINALITY AS s (name, at)
         ORDER BY s.at";

    let mut schemas = rows(db, QUERY.to_owned())
        .await?
        .iter()
        .map(|row| name(row, "name"))
        .collect::<Result<Vec<_>, _>>()?;

    if schemas.is_empty() {
        let what = "a `search_path` in which no schema exists: create one, or set it".to_owned();
        return Err(SchemaError::Catalog { what }.into());
    }

    let current = schemas.remove(0);

    Ok(PathSchemas {
        current,
        others: schemas,
    })
}

impl PathSchemas {
    /// The schema in which statements find each relation, read while `search_path` is replaced.
    /// Sends nothing if there is one schema alone.
    pub(crate) async fn found(self, db: &impl ConnectionTrait) -> Result<Schemas, RlsError> {
        let Self { current, others } = self;
        let mut schema_of = BTreeMap::new();

        if !others.is_empty() {
            let schemas: Vec<String> = std::iter::once(&current).chain(&others).map(text).collect();
            let query = format!(
                "SELECT DISTINCT ON (c.relname) c.relname::text AS name, n.nspname::text AS schema
                 FROM unnest(ARRAY[{}]::name[]) WITH ORDINALITY AS s (name, at)
                 JOIN pg_namespace n ON n.nspname = s.name JOIN pg_class c ON c.relnamespace = n.oid
                 ORDER BY c.relname, s.at",
                schemas.join(", ")
            );

            for row in rows(db, query).await? {
                schema_of.insert(checked(get(&row, "name")?)?, name(&row, "schema")?);
            }
        }

        Ok(Schemas::new(current, schema_of))
    }
}
