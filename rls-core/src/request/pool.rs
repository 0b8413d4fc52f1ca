//! The connections of one login, and the steps that every statement on them takes.

mod recorder;

use std::fmt;
use std::sync::Arc;

use sea_orm::DbErr;
use sqlx::Connection;
use tokio::time::timeout;

use crate::error::RlsError;
use crate::model::context::{ContextError, Settings};
use crate::model::context_domain::DomainOids;
use crate::request::borrowed::{Borrowed, acquire_error};
use crate::request::carrier::{Around, Begin, Carrier, KnownSetting, Opening};
use crate::request::engine::Engine;
use crate::request::granted::GrantedColumns;
use crate::request::lease::Lease;
use crate::request::observe::Observer;
use crate::request::operation::{Operation, Sending, exec_error};
use crate::request::question::{Answer, still_holds};
use crate::request::sessions::Sessions;
use crate::request::signer::Signer;
use crate::request::statement::{Classified, Protocol, Refusal, Seen, classify};
use crate::sqlstate;
pub(crate) use recorder::Recorder;

/// The connections of one login, with the settings that carry contexts on them.
#[derive(Clone)]
pub(crate) struct Pool {
    sessions: Sessions,
    settings: Arc<[KnownSetting]>,
    engine: Engine,
    observer: Observer,
    seen: Arc<Seen>,
    /// Whether text may hold `DO` blocks.
    allows_do: bool,
    /// Whether text may ask for what tells of rows before a policy hides them.
    allows_early: bool,
    /// Whether unprepared text may hold several statements.
    allows_several: bool,
    /// The domains that carry contexts; `None` if the login cannot use them.
    domains: Option<Arc<DomainOids>>,
    /// Signs the contexts, if they are signed.
    signer: Option<Arc<Signer>>,
    /// The columns that the login may write, of tables that limit them.
    granted: Arc<GrantedColumns>,
    /// The statement with which each transaction records itself.
    record: Option<Arc<str>>,
    /// Who records each transaction before it begins.
    recorder: Option<Arc<Recorder>>,
}

impl Pool {
    pub(crate) fn new(
        sessions: Sessions,
        settings: Arc<[KnownSetting]>,
        domains: Option<DomainOids>,
        observer: Observer,
    ) -> Self {
        Self {
            sessions,
            settings,
            engine: Engine::default(),
            observer,
            seen: Arc::default(),
            allows_do: true,
            allows_early: true,
            allows_several: true,
            domains: domains.map(Arc::new),
            signer: None,
            granted: Arc::default(),
            record: None,
            recorder: None,
        }
    }

    /// The same pool, on this engine.
    pub(crate) fn of_engine(self, engine: Engine) -> Self {
        Self { engine, ..self }
    }

    /// The engine that it is on.
    #[cfg(feature = "testing")]
    pub(crate) fn engine(&self) -> Engine {
        self.engine
    }

    /// The same pool, for scopes: text may hold `DO` blocks only if the configuration says so.
    pub(crate) fn allowing_do(self, allows_do: bool) -> Self {
        Self { allows_do, ..self }
    }

    /// The same pool, for scopes: text may ask for what tells of rows before a policy hides them.
    pub(crate) fn allowing_early(self, allows_early: bool) -> Self {
        Self {
            allows_early,
            ..self
        }
    }

    /// The same pool, for scopes: unprepared text may hold several statements.
    pub(crate) fn allowing_several(self, allows_several: bool) -> Self {
        Self {
            allows_several,
            ..self
        }
    }

    /// The same pool, with signed contexts.
    pub(crate) fn signed_by(self, signer: Option<Signer>) -> Self {
        let signer = signer.map(Arc::new);
        Self { signer, ..self }
    }

    /// The same pool, with the columns that its login may write, of tables that limit them.
    pub(crate) fn granted(self, granted: GrantedColumns) -> Self {
        let granted = Arc::new(granted);
        Self { granted, ..self }
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

    /// The same pool, on the sessions of another server that has the same database.
    pub(crate) fn on(self, sessions: Sessions) -> Self {
        Self { sessions, ..self }
    }

    /// The sessions, for statements without a context.
    pub(crate) fn sessions(&self) -> &Sessions {
        &self.sessions
    }

    /// Whether contexts on this pool are sent by domains.
    pub(crate) fn has_domains(&self) -> bool {
        self.domains.is_some()
    }

    /// Whether these are the domains that contexts on this pool are sent by.
    pub(crate) fn uses(&self, domains: Option<&DomainOids>) -> bool {
        self.domains.as_deref() == domains
    }

    /// A context as it is sent on this pool.
    ///
    /// # Errors
    ///
    /// [`ContextError::WrongType`].
    pub(crate) fn carrier(
        &self,
        settings: Settings,
        read_only: bool,
    ) -> Result<Carrier, ContextError> {
        let settings = Carrier::checked(settings, &self.settings)?;
        let opening = Opening {
            read_only,
            record: self.record.clone(),
            engine: self.engine,
        };

        Ok(Carrier::new(
            settings,
            &self.settings,
            opening,
            self.domains.as_deref(),
            self.signer.as_ref(),
            &self.granted,
        ))
    }

    pub(crate) fn observer(&self) -> &Observer {
        &self.observer
    }

    pub(crate) fn set_observer(&mut self, observer: Observer) {
        self.observer = observer;
    }

    pub(crate) async fn begin(&self, messages: Begin) -> Result<Lease, DbErr> {
        self.announce().await?;
        self.begin_unannounced(messages).await
    }

    /// Begins without the other login's record.
    pub(crate) async fn begin_unannounced(&self, messages: Begin) -> Result<Lease, DbErr> {
        match Lease::begin(&self.sessions, &messages).await {
            Err(error) if self.record.is_some() && is_refused(&error) => Err(audit_failed(error)),
            // A standby has no `READ WRITE` and no `SERIALIZABLE`; a begin has nothing else that a
            // server may lack.
            Err(error) if sqlstate::is_not_supported(&error) => Err(read_only(&error)),
            begun => begun,
        }
    }

    /// Leaves the other login's record, if there is one to be left.
    pub(crate) async fn announce(&self) -> Result<(), DbErr> {
        match &self.recorder {
            Some(recorder) => recorder.record().await,
            None => Ok(()),
        }
    }

    pub(crate) async fn acquire(&self) -> Result<Borrowed, DbErr> {
        Borrowed::from_pool(&self.sessions)
            .await
            .map_err(acquire_error)
    }

    /// Asks the server for an answer, on any connection, within `acquire_timeout`.
    pub(crate) async fn ping(&self) -> Result<(), DbErr> {
        let answered = async {
            let mut borrowed = Borrowed::from_pool(&self.sessions).await?;
            borrowed.connection().ping().await
        };

        timeout(self.sessions.patience(), answered)
            .await
            .unwrap_or(Err(sqlx::Error::PoolTimedOut))
            .map_err(acquire_error)
    }

    /// How many connections can be found dead, one after the other: all of the pool, because a
    /// restart of the server ends all of them, and one fresh one.
    pub(crate) fn attempts(&self) -> u32 {
        self.sessions.pg().size() + 1
    }

    pub(crate) async fn commit(&self, lease: Lease) -> Result<(), DbErr> {
        lease.commit().await.map_err(|error| {
            // It did not reach the server, or found the session ended.
            let rolled_back =
                sqlstate::is_unwritten(&error) || sqlstate::is_transaction_timeout(&error);
            let lost = sqlstate::is_connection_lost(&error) && !rolled_back;
            let error = exec_error(error);

            if lost {
                RlsError::CommitUnknown {
                    source: Arc::new(error),
                }
                .into()
            } else {
                // Triggers that wait for the commit read the context as well.
                explain_refused(error)
            }
        })
    }

    pub(crate) async fn close(&self) {
        self.sessions.pg().close().await;
    }

    /// Reads SQL text before anything is sent, and refuses what would leave the scope. `values` is
    /// how many the text has; `None` for unprepared text.
    pub(crate) fn classify(
        &self,
        sql: &str,
        values: Option<usize>,
        carrier: &Carrier,
    ) -> Result<Classified, RlsError> {
        let protocol = match values {
            Some(_) => Protocol::Extended,
            None => Protocol::Simple,
        };

        let is_context = |setting: &str| carrier.carries(setting);
        let classified =
            classify(sql, protocol, &self.seen, &is_context).map_err(|refusal| match refusal {
                Refusal::TransactionControl(statement) => {
                    RlsError::TransactionControl { statement }
                }
                Refusal::ContextChange(statement) => RlsError::ContextChange { statement },
                Refusal::OutlivesScope(statement) => RlsError::OutlivesScope { statement },
                Refusal::Copy => RlsError::Copy,
            })?;

        if classified.holds_code() && !self.allows_do {
            return Err(RlsError::DoBlock);
        }

        // On Citus nothing sets the context again on the workers between two statements of one text.
        if protocol == Protocol::Simple && classified.is_several() && !self.allows_several {
            return Err(RlsError::NotOnCitus {
                what: "a text of several statements",
                instead: "send each by itself, in a transaction if they belong together",
            });
        }

        if let Some(early) = classified.early().filter(|_| !self.allows_early) {
            let statement = early.name().to_owned();
            return Err(RlsError::BeforePolicies { statement });
        }

        // The server would take a parameter of the context for the missing value.
        match values {
            Some(values) if classified.placeholders() > values => {
                let placeholder = classified.placeholders();
                Err(RlsError::MissingValue {
                    placeholder,
                    values,
                })
            }
            _ => Ok(classified),
        }
    }

    /// Runs a statement in a transaction, under SeaORM's instruments.
    pub(crate) async fn run<O: Operation>(
        &self,
        operation: &O,
        classified: Classified,
        lease: &mut Lease,
        carrier: &Carrier,
    ) -> Result<O::Output, sqlx::Error> {
        let statement = operation.statement();
        let sending = Sending::new(carrier, Around::Transaction, classified, statement);
        carrier.set_again(lease).await?;
        if !sending.is_carried() {
            carrier.sign(lease).await?;
        }

        // Unprepared text sets the context and asks in its own message.
        let prepared = statement.is_some();
        let before = if prepared && (sending.is_left_out() || classified.holds_code()) {
            Some(carrier.set_and_ask(lease).await?)
        } else {
            None
        };

        self.run_set(operation, classified, lease, sending, before)
            .await
    }

    /// As [`Pool::run`], after the context was set, and before code the answer to the question
    /// whether the scope holds.
    pub(crate) async fn run_set<O: Operation>(
        &self,
        operation: &O,
        classified: Classified,
        lease: &mut Lease,
        mut sending: Sending<'_>,
        before: Option<Answer>,
    ) -> Result<O::Output, sqlx::Error> {
        // Code can leave settings, prepared statements and more in the session.
        if classified.holds_code() {
            lease.close_at_end();
        }

        let carrier = sending.carrier;
        let running = operation.run(lease.connection(), &mut sending);
        let output = self
            .observer
            .observe(operation.sql(), operation.statement(), running)
            .await?;

        if before.is_some() && classified.holds_code() {
            still_holds(before, Some(carrier.ask(lease).await?))?;
        }

        Ok(output)
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

fn read_only(error: &DbErr) -> DbErr {
    match sqlstate::sqlx_error(error) {
        Some(driver) => RlsError::read_only(driver).into(),
        None => error.clone(),
    }
}

/// The error of a record that could not be written.
pub(crate) fn audit_failed(error: DbErr) -> DbErr {
    if sqlstate::refused_context(&error).is_some() {
        return explain_refused(error);
    }

    RlsError::AuditFailed {
        source: Arc::new(error),
    }
    .into()
}

/// Turns the server's refusal of a signed context into an error that says so.
fn explain_refused(error: DbErr) -> DbErr {
    match sqlstate::refused_context(&error) {
        Some(key) => RlsError::ContextRefused {
            key,
            source: Arc::new(error),
        }
        .into(),
        None => error,
    }
}

/// Turns a policy's refusal into a missing context, if the context does not set what the table's
/// rows need, a missing privilege into the columns that the statement may not write, and a failure to
/// set the context into an error that says so.
pub(crate) fn explain(error: DbErr, carrier: &Carrier, sql: &str) -> DbErr {
    if carrier.has_parameters() && sqlstate::is_context_not_set(&error) {
        return RlsError::ContextNotSet {
            source: Arc::new(error),
        }
        .into();
    }

    if carrier.engine() == Engine::Citus && sqlstate::is_beyond_citus(&error) {
        return RlsError::RefusedByCitus {
            source: Arc::new(error),
        }
        .into();
    }

    let error = explain_refused(error);
    match RlsError::from(&error) {
        RlsError::PolicyRefused { table, .. } => {
            let settings = table
                .as_deref()
                .map(|table| carrier.missing_for(table))
                .unwrap_or_default();
            if carrier.is_anonymous() || !settings.is_empty() {
                return RlsError::MissingContext { table, settings }.into();
            }

            error
        }
        RlsError::MissingGrant {
            table: Some(table), ..
        } => {
            let refusal = carrier.granted().refusal(&table, sql);
            refusal.map_or(error, DbErr::from)
        }
        _ => error,
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
