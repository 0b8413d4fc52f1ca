//! Judges a row by PostgreSQL's rules: privileges first, then policies, then keys.
//! <https://www.postgresql.org/docs/current/ddl-rowsecurity.html>

use std::sync::Arc;

use super::answer::{CommandAnswer, Outcome, PolicyAnswer, Security, Side};
use super::ask::Asking;
use super::cause::Cause;
use super::error::WhyError;
use super::keys;
use super::part::{Part, PartKind, Reference, parts, reference};
use super::table::{Applied, Granted, Row, Table};
use super::value::{Truth, Value};
use crate::model::expression::Expression;
use crate::model::policy::PolicyKind;
use crate::model::privilege::{Command, Privilege};
use crate::name::Identifier;
use crate::schema::read::Origin;

/// How many rows are looked at to which one refers, as those of a team.
const MOST_PARENTS: usize = 20;

/// The row that is asked of.
pub(super) enum Asked {
    /// One that is there; `None` if it is not.
    Row(Option<Row>),
    /// One that is to be inserted, whose values are given for these columns.
    New(Row, Vec<Identifier>),
}

/// Judges a command.
pub(super) async fn command(
    asking: &mut Asking<'_>,
    table: &Arc<Table>,
    asked: &Asked,
    command: Command,
) -> Result<CommandAnswer, WhyError> {
    let mut answer = CommandAnswer {
        command,
        outcome: Outcome::Refused,
        causes: denied(table, asked, command),
        policies: Vec::new(),
    };
    let (row, new) = match asked {
        Asked::Row(row) => (row.as_ref(), false),
        Asked::New(row, _) => (Some(row), true),
    };
    let Some(row) = row else {
        if answer.causes.is_empty() {
            answer.outcome = Outcome::Hidden;
            answer.causes.push(Cause::NoRow);
        }

        return Ok(answer);
    };

    // Without USAGE, a policy cannot even be asked.
    if !table.usage {
        return Ok(answer);
    }

    if table.security == Security::Holds {
        for (of, side) in sides(command) {
            let causes = policies(asking, table, row, of, side, &mut answer.policies).await?;
            if answer.causes.is_empty() && !causes.is_empty() {
                let fails = matches!(causes.first(), Some(Cause::Failed { .. }));
                let hidden = side == Side::Using && command != Command::Insert && !fails;
                answer.outcome = if hidden {
                    Outcome::Hidden
                } else {
                    Outcome::Refused
                };
                answer.causes = causes;
            }
        }
    }

    if answer.causes.is_empty() {
        answer.causes = keys::causes(asking, table, row, command, new).await?;
        answer.outcome = if answer.causes.is_empty() {
            Outcome::Passes
        } else {
            Outcome::Refused
        };
    }

    Ok(answer)
}

/// The conditions that the server asks, in its order. A statement that names columns of rows that
/// are there, as each does that finds them by a key or returns them, asks the policies of `SELECT`
/// too.
fn sides(command: Command) -> Vec<(Command, Side)> {
    let select = (Command::Select, Side::Using);
    match command {
        Command::All | Command::Select => vec![select],
        Command::Insert => vec![(Command::Insert, Side::WithCheck), select],
        Command::Update => vec![
            select,
            (Command::Update, Side::Using),
            (Command::Update, Side::WithCheck),
        ],
        Command::Delete => vec![select, (Command::Delete, Side::Using)],
    }
}

/// The privileges that the login lacks.
fn denied(table: &Table, asked: &Asked, command: Command) -> Vec<Cause> {
    let mut causes = Vec::new();
    if !table.usage {
        let schema = table.name.schema.clone();
        causes.extend(schema.map(|schema| Cause::NoUsage { schema }));
    }

    let mut needed = vec![Privilege::of(command)];
    if command != Command::Select {
        needed.push(Privilege::Select);
    }

    for privilege in needed {
        match (table.granted(privilege), asked) {
            (Granted::Whole, _) => {}
            (Granted::Nothing, _) => causes.push(Cause::NoGrant { privilege }),
            (Granted::But(mut columns), asked) => {
                if let (Asked::New(_, given), Privilege::Insert) = (asked, privilege) {
                    columns.retain(|column| given.contains(column));
                }

                if !columns.is_empty() {
                    causes.push(Cause::NoColumnGrant { privilege, columns });
                }
            }
        }
    }

    if !causes.is_empty() && table.root != table.name {
        let root = table.root.clone();
        causes.insert(0, Cause::Partition { root });
    }

    causes
}

/// Asks the policies of a command, and returns what stands in the way.
async fn policies(
    asking: &mut Asking<'_>,
    table: &Arc<Table>,
    row: &Row,
    command: Command,
    side: Side,
    answers: &mut Vec<PolicyAnswer>,
) -> Result<Vec<Cause>, WhyError> {
    let (mut permissive, mut restrictive) = (Vec::new(), Vec::new());
    let (mut passes, mut declared_passes) = (false, false);

    for applied in &table.policies {
        if !applied.policy.covers(command) {
            continue;
        }

        let Some(answer) = policy(asking, table, row, applied, side).await? else {
            // A restrictive policy without the condition lets all rows through, a permissive one none.
            continue;
        };
        let mut causes = answer.part.blame(&answer.name, &asking.context);
        if !answer.value.holds() && causes.is_empty() {
            causes.push(whole(&answer));
        }

        match applied.policy.kind {
            PolicyKind::Permissive if answer.value.holds() => {
                passes = true;
                declared_passes |= applied.desired.is_some();
            }
            PolicyKind::Permissive => permissive.extend(causes),
            PolicyKind::Restrictive if answer.value.holds() => {}
            PolicyKind::Restrictive => {
                restrictive.push((guard(table, applied), answer.name.clone(), causes));
            }
        }

        answers.push(answer);
    }

    // A guard says the same as the policies that the entity declares, if one of them is to blame.
    let others_refuse = restrictive.iter().any(|(guard, ..)| *guard == Guard::None);
    restrictive.retain(|(guard, ..)| match guard {
        Guard::None => true,
        Guard::Declared => passes && !(declared_passes && others_refuse),
        Guard::Altered => passes,
    });

    if passes {
        permissive.clear();
    } else if permissive.is_empty() {
        permissive.push(Cause::NoPolicy);
    }

    let restrictive = restrictive.into_iter().flat_map(|(guard, policy, causes)| {
        let guard = (guard != Guard::None).then_some(Cause::Guard { policy });
        guard.into_iter().chain(causes)
    });
    Ok(distinct(permissive.into_iter().chain(restrictive)))
}

/// The cause of a policy none of whose parts is to blame.
fn whole(answer: &PolicyAnswer) -> Cause {
    let policy = answer.name.clone();
    match &answer.value {
        Truth::Failed { sqlstate } => Cause::Failed {
            policy,
            sqlstate: sqlstate.clone(),
        },
        _ => Cause::Condition { policy },
    }
}

/// Whether a policy is a guard.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Guard {
    None,
    /// As the entity declares it.
    Declared,
    Altered,
}

fn guard(table: &Table, applied: &Applied) -> Guard {
    let guards = crate::model::scope::guards_of(&table.name.table);
    if applied.origin == Origin::ByHand || !guards.contains(&applied.policy.name) {
        Guard::None
    } else if applied.desired.is_some() {
        Guard::Declared
    } else {
        Guard::Altered
    }
}

fn distinct(causes: impl Iterator<Item = Cause>) -> Vec<Cause> {
    let mut kept = Vec::new();
    for cause in causes {
        if !kept.contains(&cause) {
            kept.push(cause);
        }
    }

    kept
}

/// Asks a policy; `None` if it has no such condition.
async fn policy(
    asking: &mut Asking<'_>,
    table: &Arc<Table>,
    row: &Row,
    applied: &Applied,
    side: Side,
) -> Result<Option<PolicyAnswer>, WhyError> {
    let condition = applied.condition(|policy| match side {
        Side::Using => policy.using(),
        Side::WithCheck => policy.check(),
    });
    let Some((expression, printed)) = condition else {
        return Ok(None);
    };

    // What the policy says is what the server prints, whatever the parts are.
    let printed = Part::new(&printed).condition;
    let value = asking.truths(table, row, &[printed]).await?.pop();
    let part = part(asking, table, row, &expression).await?;

    Ok(Some(PolicyAnswer {
        name: applied.policy.name.clone(),
        kind: applied.policy.kind,
        side,
        origin: applied.origin,
        value: value.unwrap_or(Truth::Null),
        part,
    }))
}

/// A condition in its parts, with what the server says of each.
async fn part(
    asking: &mut Asking<'_>,
    table: &Arc<Table>,
    row: &Row,
    expression: &Expression,
) -> Result<Part, WhyError> {
    let mut part = Part::new(expression);
    let conditions: Vec<String> = part
        .each()
        .iter()
        .map(|part| part.condition.clone())
        .collect();
    let truths = asking.truths(table, row, &conditions).await?;
    part.take(&mut truths.into_iter());

    // Boxed, since a reference leads to another table's parts.
    Box::pin(told(asking, table, row, &mut part, expression)).await?;
    Ok(part)
}

/// Adds to the parts what they name, and follows the references that do not hold.
async fn told(
    asking: &mut Asking<'_>,
    table: &Arc<Table>,
    row: &Row,
    part: &mut Part,
    expression: &Expression,
) -> Result<(), WhyError> {
    if !part.parts.is_empty() {
        for (part, expression) in part.parts.iter_mut().zip(parts(expression)) {
            Box::pin(told(asking, table, row, part, expression)).await?;
        }

        return Ok(());
    }

    part.facts = facts(asking, table, row, &part.condition);
    match reference(expression) {
        Some(reference) if !part.value.holds() => followed(asking, row, part, reference).await,
        _ => Ok(()),
    }
}

/// Looks at the row that a reference leads to.
async fn followed(
    asking: &mut Asking<'_>,
    row: &Row,
    part: &mut Part,
    reference: Reference<'_>,
) -> Result<(), WhyError> {
    let value = row.value(reference.column);
    let Some(value) = value.expose() else {
        return Ok(());
    };

    let parent = asking.table(reference.parent).await?;
    let by = [(reference.parent_column.clone(), value.to_owned())];
    let found = asking.rows(&parent, &by, MOST_PARENTS).await?;

    let mut shown = None;
    for row in &found {
        let holds = self::part(asking, &parent, row, reference.holds).await?;
        let decides = holds.value.holds();
        if decides || shown.is_none() {
            shown = Some((row, holds));
        }

        if decides {
            break;
        }
    }

    let Some((row, holds)) = shown else {
        return Ok(());
    };

    // The condition holds on that row: then its own table hides it.
    let mut causes = Vec::new();
    if holds.value.holds() {
        let asked = Asked::Row(Some(row.clone()));
        causes = Box::pin(command(asking, &parent, &asked, Command::Select))
            .await?
            .causes;
    }

    part.parts = vec![holds];
    if let PartKind::Through { rows, hidden, .. } = &mut part.kind {
        *rows = found.len();
        *hidden = causes;
    }

    Ok(())
}

/// The columns and settings that a condition names, with their values.
fn facts(asking: &Asking<'_>, table: &Table, row: &Row, condition: &str) -> Vec<(String, Value)> {
    let columns = table
        .columns
        .iter()
        .filter(|column| names(condition, column.name.as_str()))
        .map(|column| (column.name.to_string(), row.value(&column.name)));
    let settings = asking
        .registry()
        .settings()
        .into_iter()
        .filter(|setting| condition.contains(&format!("'{setting}'")))
        .map(|setting| {
            let value = asking.context.get(&setting);
            let value = value.filter(|value| !value.is_empty());
            (setting.to_string(), Value::of_setting(value))
        });

    columns.chain(settings).collect()
}

/// Whether the text has this word, not as another table's column.
fn names(condition: &str, word: &str) -> bool {
    let is_part =
        |character: char| character.is_alphanumeric() || character == '_' || character == '.';
    condition.match_indices(word).any(|(at, _)| {
        let before = &condition[..at];
        let before = before.strip_suffix('"').unwrap_or(before);
        let after = condition[at + word.len()..].chars().next();
        !before.ends_with(|before| is_part(before) || before == '\'') && !after.is_some_and(is_part)
    })
}
