//! Which users and tenants reach a row.
//!
//! A condition of this library's names the keys that it lets through: those of the row, and of the
//! rows it belongs through. They are collected as the administrator, and then each is tried by the
//! server in its own context, with one that is nobody's and with none. A condition of your own names
//! no keys, so the users themselves are tried, up to a limit.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::json;
use uuid::Uuid;

use super::ask::Asking;
use super::error::WhyError;
use super::judge::{self, Asked};
use super::part::reference;
use super::table::{Row, Table};
use super::value::Value;
use super::{Cause, CommandAnswer, Outcome, Why, key_of};
use crate::model::context::Settings;
use crate::model::expression::Expression;
use crate::model::key::KeyType;
use crate::model::privilege::Command;
use crate::model::scope::{Key, ScopeKind};
use crate::name::{Identifier, SettingName, TableName};
use crate::sql;
use crate::terminal::shown;

/// The most contexts that are tried for one row.
const MOST: usize = 200;

/// The commands that reach rows.
const REACHING: [Command; 3] = [Command::Select, Command::Update, Command::Delete];

/// Which users and tenants reach a row.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Who {
    /// The table.
    pub table: TableName,
    /// The key of the row.
    pub row: Vec<(Identifier, Value)>,
    /// Each context that was tried, and what it reaches.
    pub reaches: Vec<Reaches>,
    /// Whether there are contexts that were not tried, because there are too many.
    pub cut: bool,
}

/// A context, and the commands that reach the row in it.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Reaches {
    /// The context: a key for each setting.
    pub context: Vec<(SettingName, Asker)>,
    /// The commands.
    pub commands: Vec<Command>,
}

/// Who has a context.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asker {
    /// The user or tenant with this key.
    Key(Value),
    /// Any that is not named.
    Anyone,
    /// Nobody: the setting is blank.
    Nobody,
}

impl Why {
    /// Says which users and tenants reach the row with this key, and with which commands. At most 200
    /// contexts are tried.
    ///
    /// Statements sent: as the administrator, recorded, those that read the row and the rows it
    /// belongs through; then one transaction for each context, as the application's login, which is
    /// rolled back. Locks taken: `ACCESS SHARE` on the tables.
    ///
    /// # Errors
    ///
    /// [`WhyError`], if the question has no answer.
    pub async fn who(&self, table: &str, key: &[&str]) -> Result<Who, WhyError> {
        let named = self.named(table)?;
        let asking = Asking::begin(&self.db, &self.admin, Settings::new()).await?;
        let (asking, who) = of_row(asking, &named, key).await;
        if let Some(asking) = asking {
            asking.end().await?;
        }
        who
    }
}

/// The question, to be ended, and its answer. A question that cannot go on has ended.
async fn of_row<'a>(
    mut asking: Asking<'a>,
    named: &TableName,
    key: &[&str],
) -> (Option<Asking<'a>>, Result<Who, WhyError>) {
    let found = found(&mut asking, named, key).await;
    let (table, row, key, candidates) = match found {
        Ok(found) => found,
        Err(error) => return (Some(asking), Err(error)),
    };

    let (contexts, cut) = contexts(&candidates);
    let asked = Asked::Row(Some(row));
    let mut all = Vec::new();
    for (context, settings) in contexts {
        asking = match asking.goes_on_in(settings).await {
            Ok(asking) => asking,
            Err(error) => return (None, Err(error.into())),
        };

        let mut commands = Vec::new();
        for command in REACHING {
            match judge::command(&mut asking, &table, &asked, command).await {
                Ok(answer) if reaches(&answer) => commands.push(command),
                Ok(_) => {}
                Err(error) => return (Some(asking), Err(error)),
            }
        }
        all.push(Reaches { context, commands });
    }

    let row = key.into_iter();
    let who = Who {
        table: table.name.clone(),
        row: row
            .map(|(column, value)| (column, Value::new(value)))
            .collect(),
        reaches: all,
        cut: cut || candidates.cut,
    };
    (Some(asking), Ok(who))
}

/// Whether a command reaches the row, though a key may refuse what it would do.
fn reaches(answer: &CommandAnswer) -> bool {
    let by_key = |cause: &Cause| matches!(cause, Cause::Referenced { .. });
    answer.outcome == Outcome::Passes || answer.causes.iter().all(by_key)
}

type Found = (Arc<Table>, Row, Vec<(Identifier, String)>, Candidates);

async fn found(
    asking: &mut Asking<'_>,
    named: &TableName,
    key: &[&str],
) -> Result<Found, WhyError> {
    let table = asking.table(named).await?;
    asking.table(&table.root).await?;
    let key = key_of(&table, key)?;
    let row = asking.rows(&table, &key, 1).await?.pop();
    let row = row.ok_or_else(|| WhyError::NoRow {
        table: table.name.to_string(),
    })?;

    let mut candidates = Candidates::default();
    for applied in &table.policies {
        let sides = [
            applied.condition(|policy| policy.using()),
            applied.condition(|policy| policy.check()),
        ];
        for (expression, _) in sides.into_iter().flatten() {
            candidates.collect(asking, &row, &expression).await?;
        }
    }

    candidates.add_identities(asking).await?;
    Ok((table, row, key, candidates))
}

/// The keys that conditions may let through, by setting.
#[derive(Default)]
struct Candidates {
    keys: BTreeMap<SettingName, (KeyType, BTreeSet<String>)>,
    /// The settings of conditions that do not name their keys.
    open: BTreeSet<SettingName>,
    cut: bool,
}

impl Candidates {
    /// Adds the keys that a condition on a row names.
    async fn collect(
        &mut self,
        asking: &mut Asking<'_>,
        row: &Row,
        expression: &Expression,
    ) -> Result<(), WhyError> {
        match expression {
            Expression::All(parts) | Expression::Any(parts) => {
                for part in parts {
                    Box::pin(self.collect(asking, row, part)).await?;
                }
            }
            Expression::First(part) => Box::pin(self.collect(asking, row, part)).await?,
            Expression::IsCurrent {
                column,
                setting,
                key,
            }
            | Expression::IsCurrentOnNode {
                column,
                setting,
                key,
            }
            | Expression::IsVerified {
                column,
                setting,
                key,
                ..
            } => {
                let keys = self.keys.entry(setting.clone());
                let (_, keys) = keys.or_insert_with(|| (*key, BTreeSet::new()));
                keys.extend(row.value(column).expose().map(str::to_owned));
            }
            Expression::RawSql(_) | Expression::Query(_) | Expression::OnVerified(..) => {
                let sql = sql::expression(expression);
                let settings = asking.registry().settings().into_iter();
                self.open
                    .extend(settings.filter(|setting| sql.contains(&format!("'{setting}'"))));
            }
            other => {
                let Some(reference) = reference(other) else {
                    return Ok(());
                };
                // The settings of the parent count even if there is no row of it.
                let value = row.value(reference.column);
                let Some(value) = value.expose() else {
                    return Ok(());
                };
                let parent = asking.table(reference.parent).await?;
                let by = [(reference.parent_column.clone(), value.to_owned())];
                let rows = asking.rows(&parent, &by, MOST + 1).await?;
                self.cut |= rows.len() > MOST;
                for row in rows.iter().take(MOST) {
                    Box::pin(self.collect(asking, row, reference.holds)).await?;
                }
            }
        }

        Ok(())
    }

    /// Adds the first users and tenants that there are, for conditions that do not name their keys.
    async fn add_identities(&mut self, asking: &mut Asking<'_>) -> Result<(), WhyError> {
        let scopes = asking.registry().scopes().iter();
        let keys = scopes.flat_map(|scope| scope.keys.iter().map(|key| (&scope.table, key)));
        let identities: Vec<(&TableName, &Key)> = keys
            .filter(|(_, key)| key.kind == ScopeKind::Identity)
            .filter(|(_, key)| self.open.contains(&key.setting))
            .collect();
        let listed =
            |setting: &SettingName| identities.iter().any(|(_, key)| key.setting == *setting);
        self.cut |= !self.open.iter().all(listed);

        for (table, key) in identities {
            let table = asking.table(table).await?;
            let values = asking.values(&table, &key.column, MOST + 1).await?;
            self.cut |= values.len() > MOST;
            let entry = self.keys.entry(key.setting.clone());
            let (_, keys) = entry.or_insert_with(|| (key.key, BTreeSet::new()));
            keys.extend(values.into_iter().take(MOST));
        }

        Ok(())
    }
}

type Context = (Vec<(SettingName, Asker)>, Settings);

/// Each combination of the keys, and whether some are left out.
fn contexts(candidates: &Candidates) -> (Vec<Context>, bool) {
    let mut contexts: Vec<Context> = vec![(Vec::new(), Settings::new())];
    let mut cut = false;
    for (setting, (key_type, keys)) in &candidates.keys {
        let named = keys
            .iter()
            .map(|key| (Asker::Key(Value::new(key.as_str())), key.clone()));
        let others = [
            (Asker::Anyone, stranger(*key_type, keys)),
            (Asker::Nobody, String::new()),
        ];
        let askers: Vec<(Asker, String)> = named.chain(others).collect();

        let combined: Vec<Context> = contexts
            .iter()
            .flat_map(|(context, settings)| {
                askers.iter().filter_map(|(asker, value)| {
                    let mut context = context.clone();
                    context.push((setting.clone(), asker.clone()));
                    let settings = settings.clone().with(setting.as_str(), value.as_str());
                    Some((context, settings.ok()?))
                })
            })
            .collect();
        cut |= combined.len() > MOST;
        contexts = combined.into_iter().take(MOST).collect();
    }

    (contexts, cut)
}

/// A key that is none of these.
fn stranger(key_type: KeyType, keys: &BTreeSet<String>) -> String {
    let number = |most: i64| {
        let mut numbers = (1..=most).rev().map(|number| number.to_string());
        numbers
            .find(|number| !keys.contains(number))
            .unwrap_or_default()
    };
    match key_type {
        KeyType::Uuid | KeyType::Text => Uuid::from_u128(rand::random()).to_string(),
        KeyType::Integer => number(i32::MAX.into()),
        KeyType::BigInteger => number(i64::MAX),
    }
}

impl Who {
    /// The contexts that reach the row, one a line, for people.
    #[must_use]
    pub fn text(&self) -> String {
        let reaching = self.reaches.iter().filter(|it| !it.commands.is_empty());
        let lines: Vec<(String, String)> = reaching
            .map(|reaches| (says(&reaches.context), words(&reaches.commands)))
            .collect();
        let width = lines.iter().map(|(who, _)| who.chars().count()).max();
        let width = width.unwrap_or(0);

        let head = format!("{}{}\n", shown(&self.table.to_string()), pairs(&self.row));
        let mut text = lines.iter().fold(head, |text, (who, commands)| {
            format!("{text}  {who:<width$}  {commands}\n")
        });
        if lines.len() < self.reaches.len() && !self.cut {
            text.push_str("  nobody else\n");
        }
        if self.cut {
            text.push_str("  not all contexts were tried: others may reach it\n");
        }
        text
    }

    /// The same as JSON:
    /// `{"table", "row": {column: value}, "reaches": [{"context": {setting: {"kind", "value"}}, "commands"}], "cut"}`;
    /// the kind is `key`, `anyone` or `nobody`.
    #[must_use]
    pub fn json(&self) -> String {
        let row = self.row.iter();
        let row = row.map(|(name, value)| (name.to_string(), json!(value.expose())));
        let reaches = self.reaches.iter().map(|reaches| {
            let context = reaches.context.iter().map(|(name, asker)| {
                let (kind, value) = match asker {
                    Asker::Key(value) => ("key", value.expose()),
                    Asker::Anyone => ("anyone", None),
                    Asker::Nobody => ("nobody", None),
                };
                (name.to_string(), json!({ "kind": kind, "value": value }))
            });
            let context: serde_json::Map<_, _> = context.collect();
            let commands: Vec<&str> = reaches.commands.iter().map(|it| it.as_sql()).collect();
            json!({ "context": context, "commands": commands })
        });

        json!({
            "table": self.table.to_string(),
            "row": row.collect::<serde_json::Map<_, _>>(),
            "reaches": reaches.collect::<Vec<_>>(),
            "cut": self.cut,
        })
        .to_string()
    }
}

fn pairs(row: &[(Identifier, Value)]) -> String {
    row.iter().fold(String::new(), |text, (name, value)| {
        format!("{text}  {} = {}", shown(name.as_str()), value.shown())
    })
}

fn says(context: &[(SettingName, Asker)]) -> String {
    let parts: Vec<String> = context
        .iter()
        .map(|(setting, asker)| match asker {
            Asker::Key(value) => format!("{setting} = {}", value.shown()),
            Asker::Anyone => format!("any other {setting}"),
            Asker::Nobody => format!("no {setting}"),
        })
        .collect();

    if parts.is_empty() {
        "everyone".to_owned()
    } else {
        parts.join(", ")
    }
}

fn words(commands: &[Command]) -> String {
    let words: Vec<&str> = commands.iter().map(|command| command.as_sql()).collect();
    words.join(" ")
}
