//! Reads on a standby, by the caller's choice.

use std::time::{Duration, SystemTime};

use sea_orm::ConnectOptions;
use sqlx::Row;

use super::{Found, Gate, RlsConnection, checked, engine, open};
use crate::error::RlsError;
use crate::gate::database_error;
use crate::model::context::RlsContext;
use crate::model::wal_position::WalPosition;
use crate::request::cluster;
use crate::request::scoped::{ContextConnection, ReadOnlyScopedConnection};
use crate::request::sessions::{CaughtUp, Sessions};

/// Where a scope reads that only reads. A standby is behind its primary: only some of these promise
/// that the caller sees what it has just written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadFrom {
    /// The primary. All that was committed is seen.
    Primary,
    /// The standby, however far it has come. What was just written may not be seen.
    Standby,
    /// The primary until this time, the standby afterwards: after a write, some seconds from now.
    /// What was written is seen if the standby is never further behind than that.
    PrimaryUntil(SystemTime),
    /// The standby, when it has replayed this position, which [`RlsConnection::position`] told after
    /// the write. What was written is seen.
    StandbyAfter {
        /// The position.
        position: WalPosition,
        /// How long each statement and each transaction waits for a session of the standby that has
        /// come so far.
        within: Duration,
        /// What happens when the time is over.
        otherwise: Otherwise,
    },
}

/// What happens if the standby has not come far enough in time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Otherwise {
    /// The statement or the transaction fails with [`RlsError::StandbyBehind`].
    Fail,
    /// It reads on the primary, also if the standby cannot be reached.
    Primary,
}

impl RlsConnection {
    /// This connection with a pool on a standby of its database, for
    /// [`RlsConnection::scope_read_only`]. It logs in as the application's role, with the same
    /// configuration; `options` are those of [`RlsConnection::connect`], and may name several hosts
    /// with `target_session_attrs=prefer-standby`.
    ///
    /// Statements sent: on the standby those of [`RlsConnection::connect`], and two on each server
    /// that ask which cluster it is. Privilege needed: to connect.
    ///
    /// # Errors
    ///
    /// As [`RlsConnection::connect`], of the standby; [`RlsError::NotOnCitus`]; [`RlsError::OtherCluster`] if it is no copy of
    /// this connection's database.
    pub async fn with_standby(
        mut self,
        options: impl Into<ConnectOptions>,
    ) -> Result<Self, RlsError> {
        let options = options.into();
        let contexts = self.registry.settings();
        let standby = open::app(&options, &self.config, &contexts).await?;
        let Found {
            domains, engine, ..
        } = checked(&standby, &self.config, &self.registry, Gate::Shut).await?;
        engine::check_standby(engine)?;

        let is_copy = cluster_of(self.app.sessions()).await? == cluster_of(&standby).await?;
        if !is_copy || !self.app.uses(domains.app.as_ref()) {
            return Err(RlsError::OtherCluster);
        }

        let pool = self.app.clone().on(standby.clone());
        self.check_signature(pool, domains.verified).await?;
        self.standby = Some(standby);
        Ok(self)
    }

    /// Returns a connection on behalf of the user in `context` whose transactions only read, at the
    /// server that `from` names: the server refuses every write ([`RlsError::ReadOnly`]). Sends
    /// nothing. Contexts and policies are those of [`RlsConnection::scope`].
    ///
    /// Without [`RlsConnection::with_standby`], it reads on the primary, wherever it is told to.
    ///
    /// Statements sent: as on any scope. With [`ReadFrom::StandbyAfter`], each statement and each
    /// transaction first asks, on its session, how far the server has come: one statement at least.
    ///
    /// ```no_run
    /// # use std::time::Duration;
    /// # use rls_core::{Otherwise, ReadFrom, RlsConnection, RlsError, UserContext};
    /// # use sea_orm::ConnectionTrait;
    /// # async fn run(db: RlsConnection) -> Result<(), RlsError> {
    /// let mine = db.scope(UserContext::new(7));
    /// mine.execute_unprepared("INSERT INTO task (title) VALUES ('rest')").await?;
    /// let position = db.position().await?;
    ///
    /// let reads = db.scope_read_only(
    ///     UserContext::new(7),
    ///     ReadFrom::StandbyAfter {
    ///         position,
    ///         within: Duration::from_secs(1),
    ///         otherwise: Otherwise::Primary,
    ///     },
    /// );
    /// reads.execute_unprepared("SELECT title FROM task").await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of [`ContextConnection`], and [`RlsError::StandbyBehind`].
    #[must_use]
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a context belongs to one scope"
    )]
    pub fn scope_read_only(
        &self,
        context: impl RlsContext,
        from: ReadFrom,
    ) -> ReadOnlyScopedConnection {
        let pool = self.app.clone();
        let pool = match self.reads(from) {
            Some(sessions) => pool.on(sessions),
            None => pool,
        };

        ContextConnection::new(pool, &context)
    }

    /// The position of the primary's write-ahead log: all that was committed before this call stands
    /// before it, also if `synchronous_commit` is off.
    ///
    /// Statements sent: one. Privilege needed: to execute `pg_current_wal_insert_lsn`, which PUBLIC
    /// has.
    ///
    /// # Errors
    ///
    /// [`RlsError::Database`] if the server refuses, as a standby does.
    pub async fn position(&self) -> Result<WalPosition, RlsError> {
        const POSITION: &str = "SELECT pg_catalog.pg_current_wal_insert_lsn()::pg_catalog.text, \
            pg_catalog.pg_size_bytes(pg_catalog.current_setting('wal_block_size')), \
            pg_catalog.pg_size_bytes(pg_catalog.current_setting('wal_segment_size'))";

        let mut borrowed = open::first(self.app.sessions()).await?;
        let row = sqlx::query(POSITION).fetch_one(borrowed.connection());
        let row = row.await.map_err(database_error)?;
        let size = |column| row.try_get::<i64, _>(column).map_err(database_error);
        let (page, file) = (size(1)?.unsigned_abs(), size(2)?.unsigned_abs());

        let text: &str = row.try_get(0).map_err(database_error)?;
        let position: WalPosition = text
            .parse()
            .map_err(|error| database_error(sqlx::Error::Decode(Box::new(error))))?;
        Ok(position.before_header(page.max(1), file.max(1)))
    }

    /// The sessions of the standby, if a scope is to read there.
    fn reads(&self, from: ReadFrom) -> Option<Sessions> {
        let standby = self.standby.as_ref()?;
        match from {
            ReadFrom::Primary => None,
            ReadFrom::PrimaryUntil(time) if SystemTime::now() < time => None,
            ReadFrom::PrimaryUntil(_) | ReadFrom::Standby => Some(standby.clone()),
            ReadFrom::StandbyAfter {
                position,
                within,
                otherwise,
            } => Some(standby.caught_up(CaughtUp {
                position,
                within,
                otherwise: match otherwise {
                    Otherwise::Fail => None,
                    Otherwise::Primary => Some(self.app.sessions().clone()),
                },
            })),
        }
    }
}

/// Which cluster and database these sessions are in.
async fn cluster_of(sessions: &Sessions) -> Result<String, RlsError> {
    let mut session = open::first(sessions).await?;
    cluster::of(session.connection())
        .await
        .map_err(database_error)
}
