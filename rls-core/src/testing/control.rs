//! The negative control: the database is broken on purpose, and the proof must see it.

#[cfg(test)]
mod tests;

use std::fmt;

use sea_orm::DatabaseConnection;
use sqlx::{AssertSqlSafe, Row};

use crate::connection::RlsConnection;
use crate::model::privilege::Command;
use crate::model::scope::Scope;
use crate::name::TableName;
use crate::sql;

use super::draft::text;
use super::error::Trouble;
use super::expect::Bound;
use super::outcome::{Outcome, UntestedTable};
use super::plan::{Expects, Step, Target};
use super::run::{Ready, Run, ready};
use super::target::is_of;
use super::{Actor, Attempt, IsolationProof, ProofError, app, relation, schema};

/// A fault that the control makes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The policies for these commands let every row through.
    Open(Vec<Command>),
    /// The policies let no row through.
    Closed,
    /// The application's role has privileges that are not declared.
    Granted,
    /// The application's role lacks its privileges.
    Revoked,
    /// Row-level security is off.
    Unsecured,
    /// The primary key is gone, and the policies for `INSERT` let every row through.
    Keyless,
    /// The foreign keys are gone, and the policies for `INSERT` and `UPDATE` let every row through.
    Unbound,
    /// There is a table that no entity is registered for.
    Unregistered,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = match self {
            Self::Open(commands) => {
                let commands: Vec<&str> = commands.iter().map(|one| one.as_sql()).collect();
                let commands = commands.join(" and ");
                return write!(f, "the policies for {commands} let every row through");
            }
            Self::Closed => "the policies let no row through",
            Self::Granted => "the application's role has every privilege",
            Self::Revoked => "the application's role has no privilege",
            Self::Unsecured => "row-level security is off",
            Self::Keyless => "the primary key is gone",
            Self::Unbound => "references lead anywhere",
            Self::Unregistered => "a table is there that no entity is registered for",
        };
        f.write_str(text)
    }
}

/// One fault, and what an attempt made of it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Trial {
    /// The table that had the fault.
    pub table: TableName,
    /// The fault.
    pub fault: Fault,
    /// The attempt that must see it; `None` for what is seen without one.
    pub attempt: Option<Attempt>,
    /// The actor.
    pub actor: Actor,
    /// The outcome, which must be a failure.
    pub outcome: Outcome,
}

/// The result of [`IsolationProof::control`]. Prints what was not seen.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "a control is looked at: call `assert_seeing`"]
pub struct Control {
    trials: Vec<Trial>,
    untested: Vec<UntestedTable>,
}

impl Control {
    /// All trials.
    #[must_use]
    pub fn trials(&self) -> &[Trial] {
        &self.trials
    }

    /// The trials whose fault the proof did not see.
    pub fn missed(&self) -> impl Iterator<Item = &Trial> {
        self.trials
            .iter()
            .filter(|trial| trial.outcome.failure().is_none())
    }

    /// Whether the proof saw every fault, on every table.
    #[must_use]
    pub fn is_seeing(&self) -> bool {
        !self.trials.is_empty() && self.untested.is_empty() && self.missed().next().is_none()
    }

    /// Asserts that the proof saw every fault.
    ///
    /// # Panics
    ///
    /// If [`is_seeing`](Self::is_seeing) is false, with the faults that were not seen.
    #[track_caller]
    pub fn assert_seeing(&self) {
        assert!(self.is_seeing(), "the proof is blind\n{self}");
    }
}

impl fmt::Display for Control {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (all, missed) = (self.trials.len(), self.missed().count());
        write!(f, "control: {} of {all} faults seen", all - missed)?;

        for trial in self.missed() {
            let (table, fault, actor) = (&trial.table, &trial.fault, trial.actor);
            let by = trial.attempt.map_or("the proof", Attempt::as_str);
            write!(
                f,
                "\nNOT SEEN: {table}: {fault}: {by} as {actor} reports nothing"
            )?;
        }
        for table in &self.untested {
            write!(f, "\nUNTESTED: {}: {}", table.table, table.reason)?;
        }
        Ok(())
    }
}

/// What the control looks for in the cells of one fault.
fn must_fail(fault: &Fault, attempt: Attempt, step: &Step<'_>) -> bool {
    let expects = &step.expects;
    match fault {
        Fault::Granted => matches!(expects, Expects::NoGrant | Expects::NoColumn(_)),
        Fault::Revoked => !matches!(expects, Expects::NoGrant | Expects::NoColumn(_)),
        Fault::Keyless => *expects == Expects::Nothing,
        Fault::Unbound => *expects == Expects::Unreferred,
        Fault::Closed => match expects {
            Expects::Rows(bounds) => bounds.contains(&Bound::Must),
            Expects::Count(rows) => *rows > 0,
            Expects::Passes => true,
            Expects::Refused => attempt == Attempt::Move,
            Expects::Unreferred | Expects::Nothing | Expects::NoGrant | Expects::NoColumn(_) => {
                false
            }
        },
        Fault::Open(commands) => {
            *commands == commands_of(attempt)
                && match expects {
                    Expects::Rows(bounds) => bounds.contains(&Bound::Never),
                    // Whether there are others' rows: those of the two users are made.
                    Expects::Count(_) | Expects::Refused => true,
                    Expects::Passes
                    | Expects::Unreferred
                    | Expects::Nothing
                    | Expects::NoGrant
                    | Expects::NoColumn(_) => false,
                }
        }
        Fault::Unsecured | Fault::Unregistered => false,
    }
}

/// The commands whose policies must be open for an attempt to reach a row that it must not reach.
fn commands_of(attempt: Attempt) -> Vec<Command> {
    use Command::{Delete, Insert, Select, Update};

    match attempt {
        Attempt::Insert | Attempt::Forge | Attempt::Ignore => vec![Insert],
        Attempt::Upsert => vec![Select, Insert, Update],
        Attempt::Lock | Attempt::Update => vec![Select, Update],
        Attempt::UpdateAll | Attempt::Move => vec![Update],
        Attempt::Delete => vec![Select, Delete],
        Attempt::DeleteAll => vec![Delete],
        _ => vec![Select],
    }
}

/// The faults of a scoped table, each once.
fn faults() -> Vec<Fault> {
    let mut faults = vec![
        Fault::Closed,
        Fault::Granted,
        Fault::Revoked,
        Fault::Keyless,
        Fault::Unbound,
    ];
    for attempt in Attempt::EACH {
        let open = Fault::Open(commands_of(attempt));
        if !faults.contains(&open) {
            faults.push(open);
        }
    }
    faults
}

pub(super) async fn control(
    proof: &IsolationProof<'_>,
    owner: &DatabaseConnection,
    app: &RlsConnection,
) -> Result<Control, ProofError> {
    let Ready {
        lane,
        schema,
        scopes,
        users,
        gate: _,
        verified,
    } = ready(proof, owner, app).await?;
    let hidden = scopes.hidden(&schema);

    let mut run = Run {
        proof,
        app,
        lane,
        schema: &schema,
        scopes: &scopes,
        users: &users,
        hidden: hidden.iter().collect(),
        verified,
    };
    let mut found = Control {
        trials: Vec::new(),
        untested: Vec::new(),
    };

    let is_accepted = |scope: &Scope, run: &Run<'_>| {
        let mut accepted = proof.accepted.iter();
        accepted.any(|(named, _)| is_of(named, &scope.table, &run.lane.schema))
    };

    for scope in scopes.iter() {
        if is_accepted(scope, &run) {
            continue;
        }
        let tried = Box::pin(table(&mut run, scope)).await;
        run.lane.end().await?;

        match tried {
            Ok(trials) => found.trials.extend(trials),
            Err(Trouble::Table(reason) | Trouble::Constraint(reason)) => {
                let table = scope.table.clone();
                found.untested.push(UntestedTable { table, reason });
            }
            Err(Trouble::Fatal(error)) => return Err(error),
        }
    }

    let stray = unregistered(&mut run).await;
    run.lane.end().await?;
    found.trials.push(stray?);

    Ok(found)
}

/// All faults of one table, in a transaction that the caller rolls back.
async fn table<'a>(run: &mut Run<'a>, scope: &'a Scope) -> Result<Vec<Trial>, Trouble> {
    if scope.unscoped.is_some() {
        return unscoped(run, scope).await;
    }

    let reach = run.reach(scope)?;
    run.begin(scope).await?;
    let ready = run.prepare(scope, reach).await?;

    let mut trials = Vec::new();
    for fault in faults() {
        let demanded = demanded(&ready.target, &fault);
        if demanded.is_empty() {
            continue;
        }

        break_table(run, scope, &fault).await?;
        for (attempt, actor) in demanded {
            let outcome = run.outcome(&ready, attempt, actor).await?;
            trials.push(Trial {
                table: scope.table.clone(),
                fault: fault.clone(),
                attempt: Some(attempt),
                actor,
                outcome,
            });
        }
        mend(run).await?;
    }

    break_table(run, scope, &Fault::Unsecured).await?;
    for actor in Actor::EACH {
        trials.push(unsecured(run, scope, actor).await?);
    }
    mend(run).await?;

    Ok(trials)
}

/// The cells that must fail.
fn demanded(target: &Target<'_>, fault: &Fault) -> Vec<(Attempt, Actor)> {
    let mut cells = Vec::new();
    for attempt in Attempt::EACH {
        for actor in Actor::EACH {
            let steps = target.steps(attempt, actor);
            if steps.iter().any(|step| must_fail(fault, attempt, step)) {
                cells.push((attempt, actor));
            }
        }
    }
    cells
}

/// Makes the fault part of the state from which every attempt starts.
async fn break_table(run: &mut Run<'_>, scope: &Scope, fault: &Fault) -> Result<(), Trouble> {
    let broken = statements(run, scope, fault).await?;
    let sql = format!("ROLLBACK TO SAVEPOINT attempt; {broken}; SAVEPOINT attempt");

    run.lane.run(&sql).await.map_err(|error| {
        let reason = format!("the control could not break it ({fault}): {error}");
        Trouble::Table(reason)
    })
}

/// Goes back to the state before the fault.
async fn mend(run: &mut Run<'_>) -> Result<(), sqlx::Error> {
    run.lane
        .run(
            "ROLLBACK TO SAVEPOINT attempt; RELEASE SAVEPOINT attempt;
             ROLLBACK TO SAVEPOINT attempt",
        )
        .await
}

/// The statements that break a table.
async fn statements(run: &mut Run<'_>, scope: &Scope, fault: &Fault) -> Result<String, Trouble> {
    let table = sql::table(&scope.table);
    let role = sql::identifier(run.app.config().app_role());

    Ok(match fault {
        Fault::Open(commands) => policies(run, scope, commands, "true").await?,
        Fault::Closed => policies(run, scope, &Command::EACH, "false").await?,
        Fault::Granted => format!("GRANT ALL ON {table} TO {role}"),
        Fault::Revoked => format!("REVOKE ALL ON {table} FROM {role}, PUBLIC CASCADE"),
        Fault::Unsecured => {
            // A table with checks that are still to come cannot be altered.
            format!("SET CONSTRAINTS ALL IMMEDIATE; ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
        }
        Fault::Keyless => {
            let open = policies(run, scope, &[Command::Insert], "true").await?;
            let dropped = without(run, scope, 'p').await?;
            format!("SET CONSTRAINTS ALL IMMEDIATE; {open}; {dropped}")
        }
        Fault::Unbound => {
            let open = policies(run, scope, &[Command::Insert, Command::Update], "true").await?;
            let dropped = without(run, scope, 'f').await?;
            format!("SET CONSTRAINTS ALL IMMEDIATE; {open}; {dropped}")
        }
        Fault::Unregistered => unreachable!("it breaks no table"),
    })
}

/// Gives every policy that holds for one of the commands and the application's role this condition.
async fn policies(
    run: &mut Run<'_>,
    scope: &Scope,
    commands: &[Command],
    condition: &str,
) -> Result<String, Trouble> {
    let table = sql::table(&scope.table);
    let query = format!(
        "SELECT quote_ident(polname) AS name, polcmd::text AS command FROM pg_policy
         WHERE polrelid = {}::regclass
           AND EXISTS (SELECT FROM unnest(polroles) AS r (id)
                       WHERE r.id = 0 OR pg_has_role($1, r.id, 'USAGE'))
         ORDER BY polname",
        text(&table)
    );

    let rows = sqlx::query(AssertSqlSafe(query))
        .bind(run.app.config().app_role().as_str())
        .fetch_all(&mut *run.lane.connection)
        .await?;

    let mut altered = Vec::new();
    for row in rows {
        let (name, command): (String, String) = (row.try_get("name")?, row.try_get("command")?);
        let (of, using, check) = match command.as_str() {
            "r" => (Some(Command::Select), true, false),
            "a" => (Some(Command::Insert), false, true),
            "d" => (Some(Command::Delete), true, false),
            "w" => (Some(Command::Update), true, true),
            _ => (None, true, true),
        };
        if of.is_some_and(|of| !commands.contains(&of)) {
            continue;
        }

        let using = using.then(|| format!(" USING ({condition})"));
        let check = check.then(|| format!(" WITH CHECK ({condition})"));
        altered.push(format!(
            "ALTER POLICY {name} ON {table}{}{}",
            using.unwrap_or_default(),
            check.unwrap_or_default()
        ));
    }

    Ok(altered.join("; "))
}

/// Drops the constraints of one type (`pg_constraint.contype`).
async fn without(run: &mut Run<'_>, scope: &Scope, contype: char) -> Result<String, Trouble> {
    let table = sql::table(&scope.table);
    let query = format!(
        "SELECT quote_ident(conname) FROM pg_constraint
         WHERE conrelid = {}::regclass AND contype = '{contype}' ORDER BY conname",
        text(&table)
    );

    let names: Vec<String> = sqlx::query_scalar(AssertSqlSafe(query))
        .fetch_all(&mut *run.lane.connection)
        .await?;
    let drop = |name| format!("ALTER TABLE {table} DROP CONSTRAINT {name} CASCADE");
    Ok(names.into_iter().map(drop).collect::<Vec<_>>().join("; "))
}

/// Whether the question to the application's login sees that row-level security is off. The login
/// itself does not see what is not committed, so its role is asked in the transaction.
async fn unsecured(run: &mut Run<'_>, scope: &Scope, actor: Actor) -> Result<Trial, Trouble> {
    run.lane.enter(&run.users.context(actor, &[])).await?;
    let role = run.app.config().app_role();
    let outcome = app::is_active(&mut *run.lane.connection, role, &scope.table).await?;

    Ok(Trial {
        table: scope.table.clone(),
        fault: Fault::Unsecured,
        attempt: Some(Attempt::Login),
        actor,
        outcome: run.proof.as_seen(Some(Attempt::Login), actor, outcome),
    })
}

/// The privileges on a table without row-level security.
async fn unscoped<'a>(run: &mut Run<'a>, scope: &'a Scope) -> Result<Vec<Trial>, Trouble> {
    let known = run.begin(scope).await?;
    run.lane.mark().await?;
    break_table(run, scope, &Fault::Granted).await?;

    let role = run.app.config().app_role();
    let cells = relation::unscoped(&mut run.lane, role, run.users, (scope, known)).await?;
    let refused = cells
        .into_iter()
        .filter(|cell| cell.outcome != Outcome::Open);

    let trials = refused.map(|cell| Trial {
        table: cell.table,
        fault: Fault::Granted,
        attempt: Some(cell.attempt),
        actor: cell.actor,
        outcome: run
            .proof
            .as_seen(Some(cell.attempt), cell.actor, cell.outcome),
    });
    Ok(trials.collect())
}

/// A table that the application's role may read, and that no entity is registered for.
async fn unregistered(run: &mut Run<'_>) -> Result<Trial, ProofError> {
    let role = run.app.config().app_role();
    let table = TableName {
        schema: Some(run.lane.schema.clone()),
        table: schema::name("rls_control_unregistered".to_owned())?,
    };
    let name = sql::table(&table);

    run.lane.begin(&[]).await?;
    let made = format!(
        "CREATE TABLE {name} (); GRANT SELECT ON {name} TO {}",
        sql::identifier(role)
    );
    run.lane.run(&made).await?;

    let found = run.unregistered().await?;
    let reached = found.into_iter().find(|untested| untested.table == table);
    let outcome = reached.map_or(Outcome::Held, |untested| Outcome::Untested {
        reason: untested.reason,
    });

    Ok(Trial {
        table,
        fault: Fault::Unregistered,
        attempt: None,
        actor: Actor::Nobody,
        outcome: run.proof.as_seen(None, Actor::Nobody, outcome),
    })
}
