//! The keys that sign contexts, as the server keeps them.

use std::time::Duration;

use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbBackend, Statement, TransactionTrait, Value,
};

use crate::config::SigningKey;
use crate::error::{RlsError, SchemaError};
use crate::model::signed_context;
use crate::schema::catalog::query::get;
use crate::schema::catalog::{Session, begin};
use crate::schema::render;
use crate::schema::sync::RlsSchema;
use crate::sql;

/// A key of signed contexts; never its secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeyState {
    /// Its identifier.
    pub id: String,
    /// When it was made, as the server prints it.
    pub created_at: String,
    /// When it ends, as the server prints it; `infinity` for no end.
    pub ends_at: String,
    /// Whether it holds now.
    pub holds: bool,
}

impl RlsSchema {
    /// The keys that sign contexts, the newest first.
    ///
    /// Statements sent: catalog queries, and one `SELECT`. Privilege needed: to own the table of the
    /// keys.
    ///
    /// # Errors
    ///
    /// [`SchemaError::NoSigning`] if the migrations have not made the table; [`RlsError::Database`].
    pub async fn keys<C>(&self, db: &C) -> Result<Vec<KeyState>, RlsError>
    where
        C: ConnectionTrait + TransactionTrait<Transaction = DatabaseTransaction>,
    {
        let (transaction, keys) = self.open_keys(db).await?;
        let select = format!(
            "SELECT id, created_at::text, ends_at::text, ends_at > now() AS holds FROM {keys}
             ORDER BY {keys}.created_at DESC, id"
        );
        let rows = transaction.query_all_raw(statement(select, [])).await?;
        transaction.rollback().await?;

        let state = |row: &_| {
            Ok(KeyState {
                id: get(row, "id")?,
                created_at: get(row, "created_at")?,
                ends_at: get(row, "ends_at")?,
                holds: get(row, "holds")?,
            })
        };
        rows.iter().map(state).collect()
    }

    /// Makes a new key, and lets each other key that holds end after `overlap`: until then, services
    /// that still have an old one work. The secret is in the returned key alone.
    ///
    /// Statements sent: catalog queries, an `UPDATE` and an `INSERT`. Privilege needed: to own the
    /// table of the keys.
    ///
    /// # Errors
    ///
    /// As [`RlsSchema::keys`].
    pub async fn rotate_keys<C>(&self, db: &C, overlap: Duration) -> Result<SigningKey, RlsError>
    where
        C: ConnectionTrait + TransactionTrait<Transaction = DatabaseTransaction>,
    {
        let key = SigningKey::random();
        let (transaction, keys) = self.open_keys(db).await?;
        let end = format!(
            "UPDATE {keys} SET ends_at = least(ends_at, now() + make_interval(secs => $1))
             WHERE ends_at > now()"
        );
        transaction
            .execute_raw(statement(end, [overlap.as_secs_f64().into()]))
            .await?;
        insert(&transaction, &keys, &key).await?;
        transaction.commit().await?;

        Ok(key)
    }

    /// Adds a key that was made elsewhere, beside those that hold.
    ///
    /// Statements sent, privilege needed: as [`RlsSchema::rotate_keys`].
    ///
    /// # Errors
    ///
    /// As [`RlsSchema::keys`]; [`RlsError::Database`] also if a key has its identifier.
    pub async fn add_key<C>(&self, db: &C, key: &SigningKey) -> Result<(), RlsError>
    where
        C: ConnectionTrait + TransactionTrait<Transaction = DatabaseTransaction>,
    {
        let (transaction, keys) = self.open_keys(db).await?;
        insert(&transaction, &keys, key).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Ends a key now. Statements that are signed with it fail from then on.
    ///
    /// Statements sent: catalog queries, and an `UPDATE`. Privilege needed: to own the table of the
    /// keys.
    ///
    /// # Errors
    ///
    /// As [`RlsSchema::keys`]; [`SchemaError::NoSuchKey`].
    pub async fn revoke_key<C>(&self, db: &C, id: &str) -> Result<(), RlsError>
    where
        C: ConnectionTrait + TransactionTrait<Transaction = DatabaseTransaction>,
    {
        let (transaction, keys) = self.open_keys(db).await?;
        let revoke = format!("UPDATE {keys} SET ends_at = least(ends_at, now()) WHERE id = $1");
        let revoked = transaction
            .execute_raw(statement(revoke, [id.into()]))
            .await?;
        if revoked.rows_affected() == 0 {
            let id = id.to_owned();
            return Err(SchemaError::NoSuchKey { id }.into());
        }

        transaction.commit().await?;
        Ok(())
    }

    /// A transaction, and the quoted name of the table of the keys.
    async fn open_keys<C>(&self, db: &C) -> Result<(DatabaseTransaction, String), RlsError>
    where
        C: ConnectionTrait + TransactionTrait<Transaction = DatabaseTransaction>,
    {
        let transaction = begin(db).await?;
        let session = Session::enter(&transaction).await?;
        let view = self.config().signing_object(signed_context::VIEW);
        let keys = sql::table(&render::keys_beside(&view.found_in(&session.schemas)));

        let there = statement(
            "SELECT to_regclass($1) IS NOT NULL AS there".to_owned(),
            [keys.clone().into()],
        );
        let there = match transaction.query_one_raw(there).await? {
            Some(row) => get(&row, "there")?,
            None => false,
        };

        if there {
            Ok((transaction, keys))
        } else {
            Err(SchemaError::NoSigning { keys }.into())
        }
    }
}

async fn insert(db: &impl ConnectionTrait, keys: &str, key: &SigningKey) -> Result<(), RlsError> {
    let [inner, outer] = key.pads();
    let insert = format!("INSERT INTO {keys} (id, inner_pad, outer_pad) VALUES ($1, $2, $3)");
    let values = [key.id().into(), inner.into(), outer.into()];
    db.execute_raw(statement(insert, values)).await?;
    Ok(())
}

fn statement(sql: String, values: impl IntoIterator<Item = Value>) -> Statement {
    Statement::from_sql_and_values(DbBackend::Postgres, sql, values)
}
