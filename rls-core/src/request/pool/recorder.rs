//! The record of an administrator's act on a login that cannot write it.

use sea_orm::{DbBackend, DbErr, Statement};

use super::Pool;
use crate::error::RlsError;
use crate::model::context::{AdminContext, ContextError, RlsContext};
use crate::request::carrier::Carrier;
use crate::request::operation::Execute;

/// The setting that says for whom an administrator acts.
const ON_BEHALF_OF: &str = "rls.on_behalf_of";

/// Records what runs on another login, which may not write the record itself.
pub(crate) struct Recorder {
    pool: Pool,
    carrier: Result<Carrier, ContextError>,
}

impl Recorder {
    /// Records what `admin` does in `context`.
    pub(crate) fn new(pool: &Pool, admin: &AdminContext, context: &impl RlsContext) -> Self {
        let context = context.settings().map(|settings| settings.json());
        let settings = admin
            .settings()
            .and_then(|settings| settings.with(ON_BEHALF_OF, context?));

        Self {
            pool: pool.clone(),
            carrier: settings.and_then(|settings| pool.carrier(settings, false)),
        }
    }

    /// Leaves a record, committed. The statement does nothing else.
    pub(crate) async fn record(&self) -> Result<(), DbErr> {
        const NOTHING: &str = "SELECT";

        let carrier = self
            .carrier
            .as_ref()
            .map_err(|error| RlsError::Context(error.clone()))?;
        let nothing = Execute(Statement::from_string(DbBackend::Postgres, NOTHING));
        let classified = self.pool.classify(NOTHING, Some(0), carrier)?;

        self.pool
            .run_unannounced(&nothing, classified, carrier)
            .await
            .map(drop)
    }
}
