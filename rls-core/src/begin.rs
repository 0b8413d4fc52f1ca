//! The message that begins a transaction, as text: `BEGIN …; SET LOCAL …; …`.
//!
//! Context and `BEGIN` travel together: one round trip, transaction-local, and the form that still works after
//! `REVOKE EXECUTE ON FUNCTION set_config`.

use std::sync::Arc;

use sea_orm::{AccessMode, IsolationLevel, TransactionOptions};
use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

use crate::context::Settings;
use crate::error::ContextError;
use crate::name::SettingName;
use crate::sql;
use crate::statement::{Effect, effect};

/// A setting that some policy may read, quoted once a pool.
#[derive(Debug)]
pub(crate) struct KnownSetting {
    name: SettingName,
    /// `; SET LOCAL "app"."user_id" = `.
    assignment: String,
}

impl KnownSetting {
    pub(crate) fn new(name: SettingName) -> Self {
        let assignment = assignment(&name);
        Self { name, assignment }
    }

    fn name(&self) -> &str {
        self.name.as_str()
    }
}

fn assignment(name: &SettingName) -> String {
    ["; SET LOCAL ", &sql::setting(name), " = "].concat()
}

/// A context as the text of begin messages; made once a scope, cheap to clone.
#[derive(Clone)]
pub(crate) struct ContextText(Arc<Text>);

struct Text {
    /// `BEGIN READ ONLY; SET LOCAL …`, whole.
    read_only: SqlStr,
    /// `BEGIN; SET LOCAL …`, whole.
    read_write: SqlStr,
    settings: Settings,
    known: Arc<[KnownSetting]>,
    anonymous: bool,
}

const BEGIN: &str = "BEGIN";
const BEGIN_READ_ONLY: &str = "BEGIN READ ONLY";

impl ContextText {
    /// Sets every setting of `settings`, and blanks every other one that a policy may read: a value that SQL text
    /// left in the session (`SET app.user_id = …`) must not become the context of a later scope.
    pub(crate) fn new(settings: Settings, known: &Arc<[KnownSetting]>) -> Result<Self, ContextError> {
        let mut read_only = String::with_capacity(128);
        read_only.push_str(BEGIN_READ_ONLY);
        for (name, value) in settings.iter() {
            let value = sql::literal(value).ok_or_else(|| ContextError::Nul { setting: name.clone() })?;
            match known.iter().find(|known| known.name == *name) {
                Some(known) => read_only.push_str(&known.assignment),
                None => read_only.push_str(&assignment(name)),
            }
            read_only.push_str(&value);
        }
        for known in blanks(&settings, known) {
            read_only.push_str(&known.assignment);
            read_only.push_str("''");
        }
        let read_write = [BEGIN, &read_only[BEGIN_READ_ONLY.len()..]].concat();
        let anonymous = settings.is_anonymous();
        let (read_only, read_write, known) = (shared(&read_only), shared(&read_write), Arc::clone(known));
        Ok(Self(Arc::new(Text { read_only, read_write, settings, known, anonymous })))
    }

    /// Whether no user is set, so that a refusal by a policy means a missing context.
    pub(crate) fn is_anonymous(&self) -> bool {
        self.0.anonymous
    }

    /// The settings with their values, of the blanked ones too, as the transaction has them.
    pub(crate) fn expected(&self) -> impl Iterator<Item = (&str, &str)> {
        let set = self.0.settings.iter().map(|(name, value)| (name.as_str(), value));
        set.chain(blanks(&self.0.settings, &self.0.known).map(|known| (known.name(), "")))
    }

    /// Whether the setting of this name, in lower case, carries a context.
    pub(crate) fn carries(&self, setting: &str) -> bool {
        self.expected().any(|(name, _)| name == setting)
    }

    /// The message for one statement's own transaction: read-only where the statement looks like a read.
    pub(crate) fn begin_for(&self, sql: &str) -> (Effect, SqlStr) {
        let effect = effect(sql);
        let message = match effect {
            Effect::Read => &self.0.read_only,
            Effect::Unknown => &self.0.read_write,
        };
        (effect, message.clone())
    }

    /// The message for a statement that only looked like a read.
    pub(crate) fn begin_read_write(&self) -> SqlStr {
        self.0.read_write.clone()
    }

    /// The message for a transaction. `SQLite`'s transaction mode has no meaning here and is passed over, as SeaORM
    /// does.
    pub(crate) fn begin(&self, options: TransactionOptions) -> SqlStr {
        match (options.isolation_level, options.access_mode) {
            (None, None) => return self.0.read_write.clone(),
            (None, Some(AccessMode::ReadOnly)) => return self.0.read_only.clone(),
            _ => {}
        }
        let isolation = options.isolation_level.map(|level| match level {
            IsolationLevel::RepeatableRead => " ISOLATION LEVEL REPEATABLE READ",
            IsolationLevel::ReadCommitted => " ISOLATION LEVEL READ COMMITTED",
            IsolationLevel::ReadUncommitted => " ISOLATION LEVEL READ UNCOMMITTED",
            IsolationLevel::Serializable => " ISOLATION LEVEL SERIALIZABLE",
        });
        let access = options.access_mode.map(|mode| match mode {
            AccessMode::ReadOnly => " READ ONLY",
            AccessMode::ReadWrite => " READ WRITE",
        });
        let assignments = &self.0.read_write.as_str()[BEGIN.len()..];
        shared(&[BEGIN, isolation.unwrap_or_default(), access.unwrap_or_default(), assignments].concat())
    }
}

/// What a policy may read and these settings do not set.
fn blanks<'a>(settings: &'a Settings, known: &'a [KnownSetting]) -> impl Iterator<Item = &'a KnownSetting> {
    known.iter().filter(|known| settings.iter().all(|(set, _)| *set != known.name))
}

/// Text that is cloned without a copy; its values were quoted.
fn shared(message: &str) -> SqlStr {
    AssertSqlSafe(message).into_sql_str()
}

/// Values must not be seen.
impl std::fmt::Debug for ContextText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("ContextText").field(&self.0.settings).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::context::{RlsContext, UserContext};

    #[test]
    fn begin_carries_options_context_and_blanks() {
        let known: Arc<[_]> =
            ["app.tenant_id", "app.user_id"].map(|name| KnownSetting::new(SettingName::new(name).unwrap())).into();
        let settings = UserContext::new("o'neill").settings().unwrap();
        let text = ContextText::new(settings, &known).unwrap();
        let options = TransactionOptions {
            isolation_level: Some(IsolationLevel::Serializable),
            access_mode: Some(AccessMode::ReadOnly),
            sqlite_transaction_mode: None,
        };
        assert_eq!(
            text.begin(options).as_str(),
            "BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY; SET LOCAL \"app\".\"user_id\" = 'o''neill'; \
             SET LOCAL \"app\".\"tenant_id\" = ''"
        );
        let (effect, read) = text.begin_for("SELECT 1");
        assert_eq!(effect, Effect::Read);
        assert_eq!(read.as_str().replacen(" READ ONLY", "", 1), text.begin_read_write().as_str());
        assert_eq!(text.begin(TransactionOptions::default()), text.begin_read_write());
        assert!(text.carries("app.user_id") && text.carries("app.tenant_id") && !text.carries("app.other"));
        assert!(!format!("{text:?} {}", text.question()).contains("neill"));
    }
}
