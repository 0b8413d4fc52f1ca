//! The message that begins a transaction, as text: `BEGIN …; SET LOCAL …; …`.
//!
//! Context and `BEGIN` travel together: one round trip, transaction-local, and the form that still works after
//! `REVOKE EXECUTE ON FUNCTION set_config`.

use std::fmt::Write as _;
use std::sync::Arc;

use sea_orm::{AccessMode, IsolationLevel, TransactionOptions};

use crate::context::Settings;
use crate::error::ContextError;
use crate::name::SettingName;
use crate::sql;
use crate::statement::{Effect, effect};

/// The part of the begin message that carries a context; made once a scope.
#[derive(Clone)]
pub(crate) struct ContextText {
    text: Arc<str>,
    anonymous: bool,
}

impl ContextText {
    /// Sets every setting of `settings`, and blanks every other one that a policy may read: a value that SQL text
    /// left in the session (`SET app.user_id = …`) must not become the context of a later scope.
    pub(crate) fn new(settings: &Settings, known: &[SettingName]) -> Result<Self, ContextError> {
        let mut text = String::new();
        for (name, value) in settings.iter() {
            let value = sql::literal(value).ok_or_else(|| ContextError::Nul { setting: name.clone() })?;
            let _infallible = write!(text, "; SET LOCAL {} = {value}", sql::setting(name));
        }
        for name in known {
            if settings.iter().all(|(set, _)| set != name) {
                let _infallible = write!(text, "; SET LOCAL {} = ''", sql::setting(name));
            }
        }
        Ok(Self { text: text.into(), anonymous: settings.is_anonymous() })
    }

    /// Whether no user is set, so that a refusal by a policy means a missing context.
    pub(crate) fn is_anonymous(&self) -> bool {
        self.anonymous
    }

    /// The message for one statement's own transaction: read-only where the statement looks like a read.
    pub(crate) fn begin_for(&self, sql: &str) -> (Effect, String) {
        let effect = effect(sql);
        let message = match effect {
            Effect::Read => self
                .begin(TransactionOptions { access_mode: Some(AccessMode::ReadOnly), ..TransactionOptions::default() }),
            Effect::Unknown => self.begin(TransactionOptions::default()),
        };
        (effect, message)
    }

    /// The message for a statement that only looked like a read.
    pub(crate) fn begin_read_write(&self) -> String {
        self.begin(TransactionOptions::default())
    }

    /// The whole message. `SQLite`'s transaction mode has no meaning here and is passed over, as SeaORM does.
    pub(crate) fn begin(&self, options: TransactionOptions) -> String {
        let mut message = String::with_capacity(64 + self.text.len());
        message.push_str("BEGIN");
        let isolation = options.isolation_level.map(|level| match level {
            IsolationLevel::RepeatableRead => " ISOLATION LEVEL REPEATABLE READ",
            IsolationLevel::ReadCommitted => " ISOLATION LEVEL READ COMMITTED",
            IsolationLevel::ReadUncommitted => " ISOLATION LEVEL READ UNCOMMITTED",
            IsolationLevel::Serializable => " ISOLATION LEVEL SERIALIZABLE",
        });
        message.push_str(isolation.unwrap_or_default());
        let access = options.access_mode.map(|mode| match mode {
            AccessMode::ReadOnly => " READ ONLY",
            AccessMode::ReadWrite => " READ WRITE",
        });
        message.push_str(access.unwrap_or_default());
        message.push_str(&self.text);
        message
    }
}

/// Values must not be seen.
impl std::fmt::Debug for ContextText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ContextText").field("anonymous", &self.anonymous).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::{RlsContext, UserContext};

    #[test]
    fn begin_carries_options_context_and_blanks() {
        let known = [SettingName::new("app.tenant_id").unwrap(), SettingName::new("app.user_id").unwrap()];
        let settings = UserContext::new("o'neill").settings().unwrap();
        let text = ContextText::new(&settings, &known).unwrap();
        let options = TransactionOptions {
            isolation_level: Some(IsolationLevel::Serializable),
            access_mode: Some(AccessMode::ReadOnly),
            sqlite_transaction_mode: None,
        };
        assert_eq!(
            text.begin(options),
            "BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY; SET LOCAL \"app\".\"user_id\" = 'o''neill'; \
             SET LOCAL \"app\".\"tenant_id\" = ''"
        );
        assert!(!format!("{text:?}").contains("neill"));
    }
}
