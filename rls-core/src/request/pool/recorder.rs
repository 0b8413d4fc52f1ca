//! The record of an administrator's act on a login that cannot write it.

use sea_orm::DbErr;

use super::Pool;
use crate::error::RlsError;
use crate::model::context::{AdminContext, ContextError, RlsContext, Settings};
use crate::name::SettingName;
use crate::request::begin::{ContextText, KnownSetting};

/// The setting that says for whom an administrator acts.
const ON_BEHALF_OF: &str = "rls.on_behalf_of";

/// The setting that each recorded transaction sets or blanks, beside those of the context.
pub(crate) fn known_setting() -> KnownSetting {
    KnownSetting::new(
        SettingName::new(ON_BEHALF_OF).unwrap_or_else(|_| unreachable!("a constant name")),
    )
}

/// Records what runs on another login, which may not write the record itself.
pub(crate) struct Recorder {
    pool: Pool,
    message: Result<ContextText, ContextError>,
}

impl Recorder {
    /// Records what `admin` does in `context`.
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
