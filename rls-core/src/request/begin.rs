//! The message that begins a transaction, as text: `BEGIN …; SET LOCAL …; …`.
//!
//! Context and `BEGIN` travel together: one round trip, transaction-local, and the form that still
//! works after `REVOKE EXECUTE ON FUNCTION set_config`.

use std::sync::Arc;

use sea_orm::{AccessMode, IsolationLevel, TransactionOptions};
use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

use crate::model::context::ContextError;
use crate::model::context::Settings;
use crate::name::SettingName;
use crate::request::statement::{Classified, Effect};
use crate::sql;

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

/// What a connection adds to each begin message.
#[derive(Clone, Debug, Default)]
pub(crate) struct Opening {
    /// Whether the server refuses all writes.
    pub(crate) read_only: bool,
    /// The statement that leaves a record of the transaction, in it.
    pub(crate) record: Option<Arc<str>>,
}

/// A context as the text of begin messages; made once a scope, cheap to clone.
#[derive(Clone)]
pub(crate) struct ContextText(Arc<Text>);

struct Text {
    /// `BEGIN READ ONLY; SET LOCAL …`, whole; with a record
    /// `BEGIN; SET LOCAL …; INSERT …; SET TRANSACTION READ ONLY`.
    read_only: SqlStr,
    /// `BEGIN; SET LOCAL …`, whole, with the record if there is one.
    read_write: SqlStr,
    settings: Settings,
    known: Arc<[KnownSetting]>,
    opening: Opening,
    anonymous: bool,
}

const BEGIN: &str = "BEGIN";
const BEGIN_READ_ONLY: &str = "BEGIN READ ONLY";

/// After the record, which is a write. The server takes it back no more once a statement has run
/// (`check_transaction_read_only` in `src/backend/commands/variable.c`).
const FROM_HERE_READ_ONLY: &str = "; SET TRANSACTION READ ONLY";

impl ContextText {
    /// Sets every setting of `settings`, and blanks every other one that a policy may read: a value
    /// that SQL text left in the session (`SET app.user_id = …`) must not become the context of a
    /// later scope.
    pub(crate) fn new(
        settings: Settings,
        known: &Arc<[KnownSetting]>,
        opening: Opening,
    ) -> Result<Self, ContextError> {
        let mut read_only = String::with_capacity(128);
        read_only.push_str(BEGIN_READ_ONLY);

        for (name, value) in settings.iter() {
            let value = sql::literal(value).ok_or_else(|| ContextError::Nul {
                setting: name.clone(),
            })?;
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

        let mut read_write = [BEGIN, &read_only[BEGIN_READ_ONLY.len()..]].concat();
        if let Some(record) = &opening.record {
            read_write.push_str("; ");
            read_write.push_str(record);
            read_only = [&read_write, FROM_HERE_READ_ONLY].concat();
        }

        let anonymous = settings.is_anonymous();
        let (read_only, read_write, known) =
            (shared(&read_only), shared(&read_write), Arc::clone(known));

        Ok(Self(Arc::new(Text {
            read_only,
            read_write,
            settings,
            known,
            opening,
            anonymous,
        })))
    }

    /// Whether each transaction leaves a record, which only a commit keeps.
    pub(crate) fn is_recorded(&self) -> bool {
        self.0.opening.record.is_some()
    }

    /// Whether no user is set, so that a refusal by a policy means a missing context.
    pub(crate) fn is_anonymous(&self) -> bool {
        self.0.anonymous
    }

    /// The settings with their values, of the blanked ones too, as the transaction has them.
    pub(crate) fn expected(&self) -> impl Iterator<Item = (&str, &str)> {
        let set = self
            .0
            .settings
            .iter()
            .map(|(name, value)| (name.as_str(), value));
        set.chain(blanks(&self.0.settings, &self.0.known).map(|known| (known.name(), "")))
    }

    /// Whether the setting of this name, in lower case, carries a context.
    pub(crate) fn carries(&self, setting: &str) -> bool {
        self.expected().any(|(name, _)| name == setting)
    }

    /// The message for the transaction of one statement: read-only if the statement looks like a
    /// read. Its effect counts as unknown if the transaction must be committed to keep a record.
    pub(crate) fn begin_for(&self, classified: Classified) -> (Effect, SqlStr) {
        let Text {
            read_only,
            read_write,
            opening,
            ..
        } = &*self.0;

        let effect = if self.is_recorded() {
            Effect::Unknown
        } else {
            classified.effect()
        };

        let message = if opening.read_only || effect == Effect::Read {
            read_only
        } else {
            read_write
        };

        (effect, message.clone())
    }

    /// The message for a transaction that may write.
    pub(crate) fn begin_writing(&self) -> SqlStr {
        self.0.read_write.clone()
    }

    /// The message for a statement that only looked like a read; `None` if writes are refused.
    pub(crate) fn begin_again(&self) -> Option<SqlStr> {
        (!self.0.opening.read_only).then(|| self.0.read_write.clone())
    }

    /// The message for a transaction. `SQLite`'s transaction mode has no meaning here and is passed
    /// over, as SeaORM does.
    pub(crate) fn begin(&self, options: TransactionOptions) -> SqlStr {
        let read_only = self.is_read_only(options);
        match (options.isolation_level, options.access_mode) {
            (None, _) if read_only => return self.0.read_only.clone(),
            (None, None) => return self.0.read_write.clone(),
            _ => {}
        }

        let isolation = options.isolation_level.map(|level| match level {
            IsolationLevel::RepeatableRead => " ISOLATION LEVEL REPEATABLE READ",
            IsolationLevel::ReadCommitted => " ISOLATION LEVEL READ COMMITTED",
            IsolationLevel::ReadUncommitted => " ISOLATION LEVEL READ UNCOMMITTED",
            IsolationLevel::Serializable => " ISOLATION LEVEL SERIALIZABLE",
        });

        let (access, last) = match (read_only, self.is_recorded()) {
            (true, true) => ("", FROM_HERE_READ_ONLY),
            (true, false) => (" READ ONLY", ""),
            (false, _) if options.access_mode.is_some() => (" READ WRITE", ""),
            (false, _) => ("", ""),
        };

        let assignments = &self.0.read_write.as_str()[BEGIN.len()..];

        shared(
            &[
                BEGIN,
                isolation.unwrap_or_default(),
                access,
                assignments,
                last,
            ]
            .concat(),
        )
    }

    /// Whether a transaction of reads may be rolled back instead of committed: the server refuses
    /// writes in it, it is not serializable (such a `COMMIT` may fail), and it holds no record.
    pub(crate) fn may_undo(&self, options: TransactionOptions) -> bool {
        let serializable = matches!(options.isolation_level, Some(IsolationLevel::Serializable));
        self.is_read_only(options) && !serializable && !self.is_recorded()
    }

    fn is_read_only(&self, options: TransactionOptions) -> bool {
        self.0.opening.read_only || matches!(options.access_mode, Some(AccessMode::ReadOnly))
    }
}

/// What a policy may read and these settings do not set.
fn blanks<'a>(
    settings: &'a Settings,
    known: &'a [KnownSetting],
) -> impl Iterator<Item = &'a KnownSetting> {
    known
        .iter()
        .filter(|known| settings.iter().all(|(set, _)| *set != known.name))
}

/// Text that is cloned without a copy; its values were quoted.
fn shared(message: &str) -> SqlStr {
    AssertSqlSafe(message).into_sql_str()
}

/// Values must not be seen.
impl std::fmt::Debug for ContextText {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("ContextText")
            .field(&self.0.settings)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::context::{RlsContext, UserContext};
    use crate::request::statement::{Protocol, Seen, classify};

    fn classified(sql: &str) -> Classified {
        classify(sql, Protocol::Extended, &Seen::default(), &|_| false).unwrap()
    }

    #[test]
    fn begin_carries_options_context_and_blanks() {
        let known: Arc<[_]> = ["app.tenant_id", "app.user_id"]
            .map(|name| KnownSetting::new(SettingName::new(name).unwrap()))
            .into();
        let settings = UserContext::new("o'neill").settings().unwrap();
        let text = ContextText::new(settings, &known, Opening::default()).unwrap();
        let options = TransactionOptions {
            isolation_level: Some(IsolationLevel::Serializable),
            access_mode: Some(AccessMode::ReadOnly),
            sqlite_transaction_mode: None,
        };

        assert_eq!(
            text.begin(options).as_str(),
            "BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY; SET LOCAL \"app\".\"user_id\" = \
             'o''neill'; \
             SET LOCAL \"app\".\"tenant_id\" = ''"
        );

        let (effect, read) = text.begin_for(classified("SELECT 1"));
        assert_eq!(effect, Effect::Read);
        assert_eq!(
            read.as_str().replacen(" READ ONLY", "", 1),
            text.begin_again().unwrap().as_str()
        );
        assert_eq!(
            text.begin(TransactionOptions::default()),
            text.begin_again().unwrap()
        );
        assert!(
            text.carries("app.user_id")
                && text.carries("app.tenant_id")
                && !text.carries("app.other")
        );
        assert!(!format!("{text:?} {}", text.question()).contains("neill"));
    }

    #[test]
    fn record_is_in_each_begin_and_before_what_ends_writing() {
        let known: Arc<[_]> = [KnownSetting::new(SettingName::new("app.user_id").unwrap())].into();
        let record: Arc<str> = "INSERT INTO r DEFAULT VALUES".into();
        let text = |read_only| {
            let opening = Opening {
                read_only,
                record: Some(Arc::clone(&record)),
            };
            ContextText::new(Settings::new(), &known, opening).unwrap()
        };

        let whole = "BEGIN; SET LOCAL \"app\".\"user_id\" = ''; INSERT INTO r DEFAULT VALUES";
        let (effect, message) = text(false).begin_for(classified("SELECT 1"));
        assert_eq!(
            (effect, message.as_str()),
            (Effect::Unknown, whole),
            "a read is committed too"
        );

        let read_only = format!("{whole}; SET TRANSACTION READ ONLY");
        assert_eq!(
            text(true).begin_for(classified("SELECT 1")).1.as_str(),
            read_only
        );
        assert_eq!(text(true).begin_again(), None);

        let mode = |access_mode| TransactionOptions {
            access_mode,
            ..TransactionOptions::default()
        };

        for (text, access) in [
            (text(true), None),
            (text(true), Some(AccessMode::ReadWrite)),
            (text(false), Some(AccessMode::ReadOnly)),
        ] {
            assert_eq!(text.begin(mode(access)).as_str(), read_only);
            assert!(!text.may_undo(mode(access)));
        }

        let isolation_level = Some(IsolationLevel::RepeatableRead);
        let snapshot = TransactionOptions {
            isolation_level,
            ..TransactionOptions::default()
        };

        let expected = read_only.replacen("BEGIN", "BEGIN ISOLATION LEVEL REPEATABLE READ", 1);
        assert_eq!(text(true).begin(snapshot).as_str(), expected);
    }
}
