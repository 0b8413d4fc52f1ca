//! Why a row is shown, hidden or refused: which policy says so, by which of its parts, and what
//! stands in the way besides.
//!
//! Conditions are evaluated by the server, as the application's login in the context that is asked
//! about. The row is read as the administrator. So whoever asks is an administrator, with a name and
//! a reason, and what they ask is recorded as all that administrators do.

// May import every room that stands before it in lib.rs. `ask` sends, `judge` decides, and `text` and
// `json` print.

mod answer;
mod ask;
mod cause;
mod error;
mod json;
mod judge;
mod keys;
mod part;
mod session;
mod table;
mod text;
mod value;
mod who;

use sea_orm::ConnectOptions;

pub use answer::{Answer, CommandAnswer, Outcome, PolicyAnswer, Security, Side};
pub use cause::Cause;
pub use error::WhyError;
pub use part::{Part, PartKind};
pub use session::PsqlSession;
pub use text::AnswerText;
pub use value::{Truth, Value};
pub use who::{Asker, Reaches, Who};

use crate::config::RlsConfig;
use crate::connection::RlsConnection;
use crate::entity::registry::Registry;
use crate::error::RlsError;
use crate::model::context::{AdminContext, ContextError, RlsContext, Settings};
use crate::model::key::KeyType;
use crate::model::privilege::Command;
use crate::name::{Identifier, SettingName, TableName};

use ask::{Asking, settings};
use judge::Asked;
use table::{Row, Table};

/// Asks why a row is shown, hidden or refused, as an administrator.
///
/// ```no_run
/// # async fn run(url: &str, ann: uuid::Uuid) -> Result<(), Box<dyn std::error::Error>> {
/// use rls_core::why::Why;
/// use rls_core::{AdminContext, Registry, RlsConfig, UserContext};
///
/// let admin = AdminContext::new("carol", "ticket 4711")?;
/// let why = Why::connect(url, RlsConfig::from_env()?, Registry::linked()?, admin).await?;
/// let answer = why.row(UserContext::new(ann), "task", &["17"]).await?;
/// print!("{}", answer.text(true));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct Why {
    db: RlsConnection,
    admin: AdminContext,
}

impl Why {
    /// Connects as [`RlsConnection::connect_with`] does, but also to a database that the gate would
    /// refuse: to find out what is wrong with it is what this is for. No connection of it can be had.
    ///
    /// Privileges needed: the logins of the application and of the administrator.
    ///
    /// # Errors
    ///
    /// As [`RlsConnection::connect_with`], but for what the gate says of tables and logins;
    /// [`RlsError::Gate`] if what administrators do would not be recorded.
    pub async fn connect(
        options: impl Into<ConnectOptions>,
        config: RlsConfig,
        registry: Registry,
        admin: AdminContext,
    ) -> Result<Self, RlsError> {
        let db = RlsConnection::past_the_gate(options.into(), config, registry).await?;
        Ok(Self { db, admin })
    }

    /// Asks on the pools of a connection.
    #[must_use]
    pub fn on(db: &RlsConnection, admin: AdminContext) -> Self {
        Self {
            db: db.clone(),
            admin,
        }
    }

    /// Closes the pools.
    pub async fn close(self) {
        self.db.close().await;
    }

    /// Says for each command why the row with this key is reached in `context`, or not. `key` has the
    /// values of the primary key in the order of its columns.
    ///
    /// Statements sent: two transactions, one as the application's login in the context, one as the
    /// administrator; the first is rolled back, the second reads the row, the rows it belongs through,
    /// and the catalog. Both are recorded. Locks taken: `ACCESS SHARE` on the tables.
    ///
    /// # Errors
    ///
    /// [`WhyError`], if the question has no answer.
    pub async fn row(
        &self,
        context: impl RlsContext,
        table: &str,
        key: &[&str],
    ) -> Result<Answer, WhyError> {
        let (named, context) = (self.named(table)?, settings(&context)?);
        let mut asking = match self.begin(context.clone()).await? {
            Begun::Asking(asking) => asking,
            Begun::WrongType(setting, expected) => {
                return Ok(self.unsent(named, &context, &Command::EACH, &setting, expected));
            }
        };

        // The end keeps the record, also of a question that has no answer.
        let answer = of_row(&mut asking, &named, key).await;
        asking.end().await?;
        answer
    }

    /// Says why a new row with these values would be inserted in `context`, or refused. `values` is a
    /// JSON object of columns; others have their defaults, but those that the server counts are NULL.
    /// Nothing is inserted.
    ///
    /// Statements sent, locks taken: as [`Why::row`].
    ///
    /// # Errors
    ///
    /// [`WhyError`], if the question has no answer.
    pub async fn new_row(
        &self,
        context: impl RlsContext,
        table: &str,
        values: &str,
    ) -> Result<Answer, WhyError> {
        let (named, context) = (self.named(table)?, settings(&context)?);
        let mut asking = match self.begin(context.clone()).await? {
            Begun::Asking(asking) => asking,
            Begun::WrongType(setting, expected) => {
                return Ok(self.unsent(named, &context, &[Command::Insert], &setting, expected));
            }
        };

        let answer = of_new_row(&mut asking, &named, values).await;
        asking.end().await?;
        answer
    }

    /// Makes a context of words: `user` and `tenant` stand for the settings of the entities, others
    /// are settings.
    ///
    /// # Errors
    ///
    /// [`WhyError::Setting`] if a word names none that a policy reads; [`WhyError::Rls`] if a value
    /// cannot be carried.
    pub fn context(&self, words: &[(&str, &str)]) -> Result<Settings, WhyError> {
        let mut settings = Settings::new();
        for (word, value) in words {
            let registry = self.db.registry();
            let named = registry.setting_named(word);
            let setting = named.ok_or_else(|| WhyError::Setting {
                word: (*word).to_owned(),
                known: registry.settings(),
            })?;
            settings = settings
                .with(setting.as_str(), *value)
                .map_err(RlsError::from)?;
        }

        Ok(settings)
    }

    /// The table of this name: the entity's, if one alone has it in whatever schema.
    fn named(&self, table: &str) -> Result<TableName, WhyError> {
        let named = TableName::parse(table)?;
        let scopes = self.db.registry().scopes().iter();
        let mut same = scopes.filter(|scope| scope.table.table == named.table);

        Ok(match (&named.schema, same.next(), same.next()) {
            (None, Some(scope), None) => scope.table.clone(),
            _ => named,
        })
    }

    async fn begin(&self, context: Settings) -> Result<Begun<'_>, RlsError> {
        match Asking::begin(&self.db, &self.admin, context).await {
            Err(RlsError::Context(ContextError::WrongType { setting, expected })) => {
                Ok(Begun::WrongType(setting, expected))
            }
            begun => Ok(Begun::Asking(Box::new(begun?))),
        }
    }

    /// The answer if the context cannot be sent.
    fn unsent(
        &self,
        table: TableName,
        context: &Settings,
        commands: &[Command],
        setting: &SettingName,
        expected: KeyType,
    ) -> Answer {
        let cause = Cause::WrongType {
            setting: setting.clone(),
            expected,
        };
        let commands = commands.iter().map(|command| CommandAnswer {
            command: *command,
            outcome: Outcome::Refused,
            causes: vec![cause.clone()],
            policies: Vec::new(),
        });

        Answer {
            declared: self.db.registry().declared_at(&table).collect(),
            table,
            row: Vec::new(),
            login: self.db.config().app_role().clone(),
            context: shown(context),
            security: Security::Unasked,
            commands: commands.collect(),
        }
    }
}

/// A question, unless its context cannot be sent.
enum Begun<'a> {
    Asking(Box<Asking<'a>>),
    WrongType(SettingName, KeyType),
}

fn shown(context: &Settings) -> Vec<(SettingName, Value)> {
    let settings = context.iter();
    settings
        .map(|(name, value)| (name.clone(), Value::new(value)))
        .collect()
}

/// The key of a row, as its columns with their values.
fn key_of(table: &Table, key: &[&str]) -> Result<Vec<(Identifier, String)>, WhyError> {
    if key.is_empty() || table.key.len() != key.len() {
        return Err(WhyError::Key {
            table: table.name.to_string(),
            columns: table.key.clone(),
            given: key.len(),
        });
    }

    let columns = table.key.iter().cloned();
    Ok(columns
        .zip(key.iter().map(|value| (*value).to_owned()))
        .collect())
}

async fn of_row(
    asking: &mut Asking<'_>,
    named: &TableName,
    key: &[&str],
) -> Result<Answer, WhyError> {
    let table = asking.table(named).await?;
    asking.table(&table.root).await?;
    let key = key_of(&table, key)?;
    let row = asking.rows(&table, &key, 1).await?.pop();

    let named = key.into_iter();
    let named = named.map(|(column, value)| (column, Value::new(value)));
    judged(
        asking,
        &table,
        named.collect(),
        &Asked::Row(row),
        &Command::EACH,
    )
    .await
}

async fn of_new_row(
    asking: &mut Asking<'_>,
    named: &TableName,
    values: &str,
) -> Result<Answer, WhyError> {
    let table = asking.table(named).await?;
    asking.table(&table.root).await?;
    let given = Row::parse(values.to_owned()).ok_or_else(|| WhyError::Values {
        table: table.name.to_string(),
    })?;

    let columns = given
        .names()
        .map(Identifier::new)
        .collect::<Result<Vec<_>, _>>()?;
    // Without USAGE on the schema, the login cannot even name the table.
    let row = if table.usage {
        asking.new_row(&table, &given).await?
    } else {
        given
    };

    let shown = columns
        .iter()
        .map(|name| (name.clone(), row.value(name)))
        .collect();
    let asked = Asked::New(row, columns);
    judged(asking, &table, shown, &asked, &[Command::Insert]).await
}

async fn judged(
    asking: &mut Asking<'_>,
    table: &std::sync::Arc<Table>,
    row: Vec<(Identifier, Value)>,
    asked: &Asked,
    commands: &[Command],
) -> Result<Answer, WhyError> {
    let mut answers = Vec::new();
    for command in commands {
        answers.push(judge::command(asking, table, asked, *command).await?);
    }

    Ok(Answer {
        table: table.name.clone(),
        row,
        login: asking.config().app_role().clone(),
        context: shown(&asking.context),
        declared: table.declared.clone(),
        security: table.security,
        commands: answers,
    })
}
