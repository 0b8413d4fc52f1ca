//! The connections of one login, and the steps that every statement on them takes.

mod recorder;

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;
use std::time::Duration;

use sea_orm::DbErr;
use sqlx::{PgPool, SqlStr};

use crate::error::RlsError;
use crate::request::begin::{ContextText, KnownSetting, Opening};
use crate::request::lease::Lease;
use crate::request::observe::Observer;
use crate::request::operation::{Operation, exec_error};
use crate::request::resting::{Resting, Waiting};
use crate::request::statement::{Classified, Protocol, Refusal, Seen, classify};
use crate::sqlstate;
pub(crate) use recorder::{Recorder, known_setting};

/// The connections of one login, with the settings that carry contexts on them.
#[derive(Clone)]
pub(crate) struct Pool {
    pg: PgPool,
    settings: Arc<[KnownSetting]>,
    observer: Observer,
    seen: Arc<Seen>,
    resting: Arc<Resting>,
    /// The statement with which each transaction records itself.
    record: Option<Arc<str>>,
    /// Who records each transaction before it begins.
    recorder: Option<Arc<Recorder>>,
}

impl Pool {
    /// Creates a pool that reuses a connection for at most `keep`.
    pub(crate) fn new(
        pg: PgPool,
        settings: Arc<[KnownSetting]>,
        observer: Observer,
        keep: Duration,
    ) -> Self {
        let resting = Arc::new(Resting::new(keep));
        Self {
            pg,
            settings,
            observer,
            seen: Arc::default(),
            resting,
            record: None,
            recorder: None,
        }
    }

    /// The same pool, with a statement by which each transaction records itself.
    pub(crate) fn recorded_by(self, record: Option<Arc<str>>) -> Self {
        Self { record, ..self }
    }

    /// The same pool, with another login that records each transaction before it begins.
    pub(crate) fn recorded_before_by(self, recorder: Recorder) -> Self {
        Self {
            recorder: Some(Arc::new(recorder)),
            ..self
        }
    }

    /// Borrows the sqlx pool for statements without a context.
    pub(crate) fn pg(&self) -> Borrowed<'_> {
        Borrowed {
            pg: &self.pg,
            _waiting: self.resting.give_way(),
        }
    }

    pub(crate) fn opening(&self, read_only: bool) -> Opening {
        Opening {
            read_only,
            record: self.record.clone(),
        }
    }

    pub(crate) fn observer(&self) -> &Observer {
        &self.observer
    }

    pub(crate) fn set_observer(&mut self, observer: Observer) {
        self.observer = observer;
    }

    pub(crate) fn settings(&self) -> &Arc<[KnownSetting]> {
        &self.settings
    }

    pub(crate) async fn begin(&self, message: SqlStr) -> Result<Lease, DbErr> {
        if let Some(recorder) = &self.recorder {
            recorder.record().await?;
        }

        self.begin_unannounced(message).await
    }

    /// Begins without the other login's record.
    pub(crate) async fn begin_unannounced(&self, message: SqlStr) -> Result<Lease, DbErr> {
        let begun = Lease::begin(&self.pg, &self.resting, message).await;
        match begun {
            Err(error) if self.record.is_some() && is_refused(&error) => {
                Err(RlsError::AuditFailed {
                    source: Arc::new(error),
                }
                .into())
            }
            begun => begun,
        }
    }

    pub(crate) async fn commit(&self, lease: Lease) -> Result<(), DbErr> {
        lease.commit().await.map_err(|error| {
            let lost = sqlstate::is_connection_lost(&error);
            let error = exec_error(error);

            if lost {
                RlsError::CommitUnknown {
                    source: Arc::new(error),
                }
                .into()
            } else {
                error
            }
        })
    }

    pub(crate) async fn close(&self) {
        // Marks it closed at once: what comes back from its rest is ended.
        let closing = self.pg.close();
        let _none_rests = self.resting.give_way();
        closing.await;
    }

    /// Reads SQL text before anything is sent, and refuses what would leave the scope.
    pub(crate) fn classify(
        &self,
        sql: &str,
        protocol: Protocol,
        context: &ContextText,
    ) -> Result<Classified, DbErr> {
        classify(sql, protocol, &self.seen, &|setting| {
            context.carries(setting)
        })
        .map_err(|refusal| {
            let error = match refusal {
                Refusal::TransactionControl(statement) => {
                    RlsError::TransactionControl { statement }
                }
                Refusal::ContextChange(statement) => RlsError::ContextChange { statement },
                Refusal::OutlivesScope(statement) => RlsError::OutlivesScope { statement },
            };

            error.into()
        })
    }

    /// Runs a statement under SeaORM's instruments.
    pub(crate) async fn run<O: Operation>(
        &self,
        operation: &O,
        classified: Classified,
        lease: &mut Lease,
        context: &ContextText,
    ) -> Result<O::Output, sqlx::Error> {
        let before = context.ask_before(classified, lease).await?;
        let running = operation.run(lease.connection(), context);
        let output = self
            .observer
            .observe(operation.sql(), operation.statement(), running)
            .await?;

        context.ask_after(before, lease).await?;
        Ok(output)
    }
}

/// The sqlx pool. As long as this lives, no connection rests outside of it.
pub(crate) struct Borrowed<'a> {
    pg: &'a PgPool,
    _waiting: Waiting<'a>,
}

impl Deref for Borrowed<'_> {
    type Target = PgPool;

    fn deref(&self) -> &PgPool {
        self.pg
    }
}

/// Whether the server refused a begin message. Of such a message only the record can be refused; a
/// refused login is FATAL.
fn is_refused(error: &DbErr) -> bool {
    let error = RlsError::from(error);
    !matches!(
        error,
        RlsError::ConnectionLost { .. } | RlsError::LoginRefused { .. }
    ) && error.sqlstate().is_some()
}

/// Turns a policy's refusal into a missing context, if no user is set.
pub(crate) fn explain(error: DbErr, anonymous: bool) -> DbErr {
    if anonymous && let RlsError::PolicyRefused { table, .. } = RlsError::from(&error) {
        return RlsError::MissingContext { table }.into();
    }

    error
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
