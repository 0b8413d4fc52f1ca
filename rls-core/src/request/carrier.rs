//! A context as it is sent: in the message of each statement, as parameters of a prepared statement
//! or, if there can be none, as `SET LOCAL` in the text.

mod parameters;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::sync::Arc;

use sea_orm::{AccessMode, IsolationLevel, TransactionOptions};
use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

use crate::model::context::{ContextError, Settings};
use crate::model::context_domain::DomainOids;
use crate::model::expression::Expression;
use crate::model::key::KeyType;
use crate::model::scope::Scope;
use crate::model::signed_context;
use crate::name::SettingName;
use crate::request::engine::Engine;
use crate::request::granted::GrantedColumns;
use crate::request::signer::Signer;
use crate::request::statement::Classified;
use crate::sql;
pub(crate) use parameters::Parameters;

/// A setting that some policy may read, quoted once a pool.
#[derive(Debug)]
pub(crate) struct KnownSetting {
    name: SettingName,
    /// `SET LOCAL "app"."user_id" = `.
    assignment: String,
    /// The type of the keys that it names, if all have one.
    key: Option<KeyType>,
    /// The tables whose rows are all refused without it, by their names without a schema, as the
    /// server's messages have them.
    needed_by: BTreeSet<String>,
}

impl KnownSetting {
    pub(crate) fn new(name: SettingName, scopes: &[Scope]) -> Self {
        let keys = |scope: &Scope| -> Vec<KeyType> {
            let mut keys = Vec::new();
            needed(scope, &name, &mut keys);
            keys
        };

        let mut types: Vec<KeyType> = scopes.iter().flat_map(keys).collect();
        types.sort_unstable();
        types.dedup();

        let (with, without): (Vec<_>, Vec<_>) =
            scopes.iter().partition(|scope| !keys(scope).is_empty());
        let named = |scope: &&Scope| scope.table.table.to_string();
        let without: BTreeSet<String> = without.iter().map(named).collect();

        Self {
            assignment: assignment(&name),
            key: types.first().copied().filter(|_| types.len() == 1),
            needed_by: with
                .iter()
                .map(named)
                .filter(|table| !without.contains(table))
                .collect(),
            name,
        }
    }

    fn name(&self) -> &str {
        self.name.as_str()
    }
}

/// The types of the keys in the condition that a row is somebody's, if they come from this setting.
/// All parts of that condition must hold.
fn needed(scope: &Scope, name: &SettingName, keys: &mut Vec<KeyType>) {
    let mut parts: Vec<Expression> = scope.ownership().into_iter().collect();
    while let Some(part) = parts.pop() {
        match part {
            Expression::All(all) => parts.extend(all),
            Expression::Through { holds, .. } => parts.push(*holds),
            Expression::IsCurrent { setting, key, .. } if setting == *name => keys.push(key),
            _ => {}
        }
    }
}

fn assignment(name: &SettingName) -> String {
    ["SET LOCAL ", &sql::setting(name), " = "].concat()
}

/// What a connection does at the begin of each transaction, also that of a single statement.
#[derive(Clone, Debug, Default)]
pub(crate) struct Opening {
    /// Whether the server refuses all writes.
    pub(crate) read_only: bool,
    /// The statement that leaves a record of the transaction, in it.
    pub(crate) record: Option<Arc<str>>,
    pub(crate) engine: Engine,
}

/// The messages that begin a transaction with a context, in their order.
#[derive(Clone)]
pub(crate) struct Begin {
    /// The first, which contains `BEGIN`.
    pub(crate) first: SqlStr,
    /// The parameters of a statement that follows, and does nothing else.
    pub(crate) carried: Option<Parameters>,
    /// Those that follow then, each after the answer to the one before.
    pub(crate) then: Vec<SqlStr>,
}

/// A context as it is sent; made once a scope, cheap to clone.
#[derive(Clone)]
pub(crate) struct Carrier(Arc<Inner>);

struct Inner {
    settings: Settings,
    known: Arc<[KnownSetting]>,
    opening: Opening,
    anonymous: bool,
    parameters: Option<ParametersOf>,
    is_signed: bool,
    granted: Arc<GrantedColumns>,
}

/// The parameters of a statement in a transaction, and of one that has none around it.
struct ParametersOf {
    within: Parameters,
    alone: Parameters,
}

/// What stands around a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Around {
    /// Nothing: its message is a transaction.
    Nothing,
    /// A transaction, begun by a message that also did what the opening asks for.
    Transaction,
}

const BEGIN: &str = "BEGIN";

/// After the record, which is a write. The server takes it back no more once a statement has run
/// (`check_transaction_read_only` in `src/backend/commands/variable.c`).
const FROM_HERE_READ_ONLY: &str = "SET TRANSACTION READ ONLY";

/// The most parameters of one statement.
/// <https://www.postgresql.org/docs/current/limits.html>
const MOST_PARAMETERS: usize = 65_535;

impl Carrier {
    /// Sets every setting of `settings`, and blanks every other one that a policy may read: a value
    /// that SQL text left in the session (`SET app.user_id = …`) must not become the context of a
    /// later scope. Without `domains`, each statement is sent in a transaction with `SET LOCAL`.
    pub(crate) fn new(
        settings: Settings,
        known: &Arc<[KnownSetting]>,
        opening: Opening,
        domains: Option<&DomainOids>,
        signer: Option<&Arc<Signer>>,
        granted: &Arc<GrantedColumns>,
    ) -> Self {
        let domains = domains.filter(|_| opening.engine.takes_parameters());
        let parameters = domains.and_then(|domains| {
            let within = Parameters::new(&settings, known, domains, signer)?;
            let alone = within.alone(&opening, domains)?;
            Some(ParametersOf { within, alone })
        });

        Self(Arc::new(Inner {
            anonymous: settings.is_anonymous(),
            settings,
            known: Arc::clone(known),
            opening,
            parameters,
            is_signed: signer.is_some(),
            granted: Arc::clone(granted),
        }))
    }

    /// A context whose keys have the types that policies compare them with.
    ///
    /// # Errors
    ///
    /// [`ContextError::WrongType`].
    pub(crate) fn checked(
        settings: Settings,
        known: &[KnownSetting],
    ) -> Result<Settings, ContextError> {
        for known in known {
            let value = settings.get(&known.name).unwrap_or_default();
            if let Some(expected) = known.key.filter(|key| key.refuses(value)) {
                return Err(ContextError::WrongType {
                    setting: known.name.clone(),
                    expected,
                });
            }
        }

        Ok(settings)
    }

    /// Whether each transaction leaves a record, which only a commit keeps.
    pub(crate) fn is_recorded(&self) -> bool {
        self.0.opening.record.is_some()
    }

    /// Whether no user is set, so that a refusal by a policy means a missing context.
    pub(crate) fn is_anonymous(&self) -> bool {
        self.0.anonymous
    }

    /// The columns that the login may write, of tables that limit them.
    pub(crate) fn granted(&self) -> &GrantedColumns {
        &self.0.granted
    }

    /// The settings that rows of this table need, and that the context leaves blank.
    pub(crate) fn missing_for(&self, table: &str) -> Vec<SettingName> {
        let is_blank = |name| self.0.settings.get(name).is_none_or(str::is_empty);
        let needed = self
            .0
            .known
            .iter()
            .filter(|known| known.needed_by.contains(table) && is_blank(&known.name));
        needed.map(|known| known.name.clone()).collect()
    }

    /// The parameters by which a message of its own sends the signed context, before text that cannot
    /// have them: in the text, other sessions of the same role would see it (`pg_stat_activity`).
    pub(crate) fn signature(&self) -> Option<&Parameters> {
        let parameters = self.0.parameters.as_ref().filter(|_| self.0.is_signed);
        parameters.map(|parameters| &parameters.within)
    }

    /// The parameters by which the record of a transaction sends the signed context that it is made
    /// of.
    pub(crate) fn signed_record(&self) -> Option<&Parameters> {
        let parameters = self.0.parameters.as_ref().filter(|_| self.0.is_signed);
        let alone = parameters.map(|parameters| &parameters.alone);
        alone.filter(|_| self.is_recorded())
    }

    /// The settings with their values, of the blanked ones too, as the transaction has them. The
    /// signed context, which differs in each statement, is not among them.
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

    /// Whether statements can carry the context.
    pub(crate) fn has_parameters(&self) -> bool {
        self.0.parameters.is_some()
    }

    /// The parameters that carry the context of a statement with so many values. `None` for a
    /// statement that cannot have them: it is sent after [`Carrier::assignments`].
    pub(crate) fn parameters(
        &self,
        around: Around,
        classified: Classified,
        values: usize,
    ) -> Option<&Parameters> {
        let parameters = self.0.parameters.as_ref()?;
        let parameters = match around {
            Around::Nothing => &parameters.alone,
            Around::Transaction => &parameters.within,
        };

        let fits = values + parameters.len() <= MOST_PARAMETERS;
        (fits && !classified.may_commit()).then_some(parameters)
    }

    /// The statements that set the context again in a message with others. None on an engine that
    /// takes each in a message of its own alone: the begin has set it.
    pub(crate) fn assignments(&self) -> Vec<String> {
        if self.0.opening.engine.sets_in_any_message() {
            self.context()
        } else {
            Vec::new()
        }
    }

    /// `SET LOCAL …` for each setting.
    pub(crate) fn context(&self) -> Vec<String> {
        let Inner {
            settings, known, ..
        } = &*self.0;
        let set = settings.iter().map(|(name, value)| {
            let known = known.iter().find(|known| known.name == *name);
            let assignment =
                known.map_or_else(|| assignment(name), |known| known.assignment.clone());
            assignment + &sql::known_literal(value)
        });

        let blank = blanks(settings, known).map(|known| format!("{}''", known.assignment));
        set.chain(blank).collect()
    }

    /// The messages for the transaction of one statement that cannot have the parameters.
    pub(crate) fn begin_for_one(&self) -> Begin {
        self.begin_with(TransactionOptions::default(), true)
    }

    /// The messages for a transaction: `BEGIN …`, and what its statements do not carry themselves.
    /// `SQLite`'s transaction mode has no meaning here and is passed over, as SeaORM does.
    pub(crate) fn begin(&self, options: TransactionOptions) -> Begin {
        self.begin_with(options, !self.has_parameters() || self.is_recorded())
    }

    fn begin_with(&self, options: TransactionOptions, with_context: bool) -> Begin {
        let read_only =
            self.0.opening.read_only || matches!(options.access_mode, Some(AccessMode::ReadOnly));
        let isolation = options.isolation_level.map(|level| match level {
            IsolationLevel::RepeatableRead => " ISOLATION LEVEL REPEATABLE READ",
            IsolationLevel::ReadCommitted => " ISOLATION LEVEL READ COMMITTED",
            IsolationLevel::ReadUncommitted => " ISOLATION LEVEL READ UNCOMMITTED",
            IsolationLevel::Serializable => " ISOLATION LEVEL SERIALIZABLE",
        });

        let (access, last) = match (read_only, self.is_recorded()) {
            (true, true) => ("", Some(FROM_HERE_READ_ONLY)),
            (true, false) => (" READ ONLY", None),
            (false, _) if options.access_mode.is_some() => (" READ WRITE", None),
            (false, _) => ("", None),
        };

        let begin = [BEGIN, isolation.unwrap_or_default(), access].concat();
        if let Some(record) = self.signed_record() {
            // These parameters end writing themselves, if all transactions are to refuse it.
            let last = last.filter(|_| !self.0.opening.read_only);
            let message = |text: String| AssertSqlSafe(text).into_sql_str();
            return Begin {
                first: message(begin),
                carried: Some(record.clone()),
                then: last.map(str::to_owned).map(message).into_iter().collect(),
            };
        }

        let mut following = if with_context {
            self.context()
        } else {
            Vec::new()
        };
        following.extend(self.0.opening.record.as_deref().map(str::to_owned));
        following.extend(last.map(str::to_owned));

        let (first, then) = self.0.opening.engine.messages(begin, following);
        Begin {
            first,
            carried: None,
            then,
        }
    }

    /// The engine that the context is sent to.
    pub(crate) fn engine(&self) -> Engine {
        self.0.opening.engine
    }

    /// The value of a setting, if the context has one, and the type of the keys that it names, if it
    /// is known.
    pub(crate) fn value(&self, setting: &SettingName) -> (Option<String>, Option<KeyType>) {
        let known = self.0.known.iter().find(|known| known.name == *setting);
        let value = self.0.settings.get(setting);
        (
            value.filter(|value| !value.is_empty()).map(str::to_owned),
            known.and_then(|known| known.key),
        )
    }
}

/// What a policy may read and these settings do not set.
fn blanks<'a>(
    settings: &'a Settings,
    known: &'a [KnownSetting],
) -> impl Iterator<Item = &'a KnownSetting> {
    known.iter().filter(|known| {
        settings.get(&known.name).is_none() && known.name() != signed_context::SETTING
    })
}

/// Values must not be seen.
impl std::fmt::Debug for Carrier {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Carrier").field(&self.0.settings).finish()
    }
}
