//! Runs a proof, from the first check to the last rollback.

use sea_orm::{DatabaseConnection, DbBackend};

use crate::connection::RlsConnection;
use crate::error::{GateError, GateFinding, RlsError};
use crate::gate;
use crate::model::privilege::Command;
use crate::model::scope::Scope;
use crate::name::{Identifier, TableName};

use super::classify::{ForeignRows, classify, without_steps, worst};
use super::error::Trouble;
use super::expect::Reach;
use super::lane::Lane;
use super::outcome::{Cell, Outcome, UntestedTable};
use super::plan::Target;
use super::row::Maker;
use super::schema::{Schema, Table};
use super::shape::Scopes;
use super::target::{is_of, prepare};
use super::user::Users;
use super::{Actor, Attempt, IsolationProof, Proof, ProofError, app, relation, value};

/// What a proof begins with.
pub(super) struct Ready {
    pub(super) lane: Lane,
    pub(super) schema: Schema,
    pub(super) scopes: Scopes,
    pub(super) users: Users,
    pub(super) gate: Vec<GateFinding>,
    pub(super) verified: Option<TableName>,
}

/// Checks what the caller gave, and reads the catalog.
pub(super) async fn ready(
    proof: &IsolationProof<'_>,
    owner: &DatabaseConnection,
    app: &RlsConnection,
) -> Result<Ready, ProofError> {
    check(proof, owner, app)?;

    let (gate, verified) = gate(app).await?;
    let role = app.config().app_role();
    let mut lane = Lane::open(owner.get_postgres_connection_pool(), app.pool(), role).await?;
    let schema = lane.read().await?;

    let settings = proof.registry.settings();
    let mut users = match &proof.users {
        Some(contexts) => Users::given(&contexts.clone()?, &settings)?,
        None => Users::made(proof.registry.scopes(), &settings),
    };
    users.signer = lane.signer(app.config());

    let scopes = Scopes::new(proof.registry.scopes(), &lane.schema);

    Ok(Ready {
        lane,
        schema,
        scopes,
        users,
        gate,
        verified,
    })
}

pub(super) async fn run(
    proof: &IsolationProof<'_>,
    owner: &DatabaseConnection,
    app: &RlsConnection,
) -> Result<Proof, ProofError> {
    let Ready {
        lane,
        schema,
        scopes,
        users,
        gate,
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

    let mut found = Proof {
        cells: Vec::new(),
        untested: Vec::new(),
        accepted: Vec::new(),
        gate,
    };

    for scope in scopes.iter() {
        let table = scope.table.clone();
        match run.table(scope).await {
            Ok(cells) => found.cells.extend(cells),
            Err(Trouble::Table(reason) | Trouble::Constraint(reason)) => {
                found.untested.push(UntestedTable { table, reason });
            }
            Err(Trouble::Fatal(error)) => return Err(error),
        }
    }

    let reached = run.unregistered().await?;
    found.untested.extend(reached);
    accept(&mut found, &proof.accepted, &run.lane.schema);

    Ok(found)
}

/// Takes the tables that the caller accepts as untested out of those that are untested.
fn accept(found: &mut Proof, accepted: &[(TableName, String)], schema: &Identifier) {
    for (named, reason) in accepted {
        let is_named = |table: &TableName| is_of(named, table, schema);
        let tried = found.cells.iter().any(|cell| is_named(&cell.table));
        let before = found.untested.len();

        found.untested.retain(|table| !is_named(&table.table));

        if before > found.untested.len() && !tried {
            found.accepted.push(UntestedTable {
                table: named.or_in(schema),
                reason: reason.clone(),
            });
        }
    }
}

fn check(
    proof: &IsolationProof<'_>,
    owner: &DatabaseConnection,
    app: &RlsConnection,
) -> Result<(), ProofError> {
    if let Some(misnamed) = &proof.misnamed {
        return Err(misnamed.clone());
    }

    let backend = owner.get_database_backend();
    if backend != DbBackend::Postgres {
        return Err(RlsError::Backend {
            backend: format!("{backend:?}"),
        }
        .into());
    }

    if !app.config().enabled() {
        return Err(ProofError::NotEnabled);
    }

    let distributed = proof.registry.scopes().iter();
    let distributed: Vec<String> = distributed
        .filter(|scope| scope.distribution.is_some())
        .map(|scope| scope.table.to_string())
        .collect();
    if app.is_on_citus() && !distributed.is_empty() {
        let tables = distributed.join(", ");
        return Err(ProofError::OnCitus { tables });
    }

    let (ours, theirs) = (proof.registry.scopes(), app.registry().scopes());
    let differ = |these: &[Scope], those: &[Scope]| -> Vec<String> {
        these
            .iter()
            .filter(|scope| !those.contains(scope))
            .map(|scope| scope.table.to_string())
            .collect()
    };

    let mut tables = [differ(ours, theirs), differ(theirs, ours)].concat();
    tables.sort();
    tables.dedup();

    if !tables.is_empty() {
        return Err(ProofError::OtherTables {
            tables: tables.join(", "),
        });
    }

    if ours.iter().all(|scope| scope.unscoped.is_some()) {
        return Err(ProofError::NothingScoped);
    }

    Ok(())
}

/// The findings of the gate, and, if there are none, the view that verifies signed contexts. With a login
/// that bypasses row-level security nothing is run.
async fn gate(app: &RlsConnection) -> Result<(Vec<GateFinding>, Option<TableName>), ProofError> {
    let mut connection = app.pool().acquire().await?;
    let findings = match gate::check(&mut connection, app.config(), app.registry()).await {
        Ok(found) => return Ok((Vec::new(), found.verified)),
        Err(RlsError::Gate(GateError { findings })) => findings,
        Err(error) => return Err(error.into()),
    };

    let bypasses = |finding: &GateFinding| {
        matches!(
            finding,
            GateFinding::Bypasses { .. }
                | GateFinding::ReachesAdmin { .. }
                | GateFinding::Owns { .. }
        )
    };

    if findings.iter().any(bypasses) {
        return Err(ProofError::Bypasses(GateError { findings }));
    }

    Ok((findings, None))
}

pub(super) struct Run<'a> {
    pub(super) proof: &'a IsolationProof<'a>,
    pub(super) app: &'a RlsConnection,
    pub(super) lane: Lane,
    pub(super) schema: &'a Schema,
    pub(super) scopes: &'a Scopes,
    pub(super) users: &'a Users,
    pub(super) hidden: Vec<&'a TableName>,
    /// The view that verifies signed contexts, as the gate found it.
    pub(super) verified: Option<TableName>,
}

/// A table with its rows, at the state from which every attempt starts.
pub(super) struct Prepared<'a> {
    pub(super) target: Target<'a>,
    present: String,
    foreign: ForeignRows,
}

impl<'a> Run<'a> {
    /// The relations that the application's role may use, and that no entity is registered for.
    pub(super) async fn unregistered(&mut self) -> Result<Vec<UntestedTable>, ProofError> {
        let role = self.app.config().app_role();
        let verified = self.verified.as_ref();
        relation::unregistered(&mut self.lane, role, self.scopes, verified).await
    }

    /// All attempts on one table, in a transaction of its own.
    async fn table(&mut self, scope: &'a Scope) -> Result<Vec<Cell>, Trouble> {
        let reach = self.reach(scope)?;
        let known = self.begin(scope).await?;

        let cells = if scope.unscoped.is_some() {
            self.lane.mark().await?;
            relation::unscoped(
                &mut self.lane,
                self.app.config().app_role(),
                self.users,
                (scope, known),
            )
            .await
            .map_err(Trouble::from)
        } else {
            self.scoped(scope, reach).await
        };

        self.lane.end().await?;

        let mut cells = cells?;
        if scope.unscoped.is_none() {
            cells.extend(self.login(scope, reach).await?);
        }

        Ok(cells)
    }

    /// Begins a transaction for the attempts on a table, and gives what is known of it.
    pub(super) async fn begin(&mut self, scope: &Scope) -> Result<&'a Table, Trouble> {
        let Some(known) = self.schema.tables.get(&scope.table) else {
            return Err(Trouble::Table(
                "there is no such table: run the migrations".to_owned(),
            ));
        };

        self.lane.begin(&self.hidden).await?;
        Ok(known)
    }

    async fn scoped(
        &mut self,
        scope: &'a Scope,
        reach: Option<&'a Reach>,
    ) -> Result<Vec<Cell>, Trouble> {
        let prepared = self.prepare(scope, reach).await?;
        let mut cells = Vec::new();

        for attempt in Attempt::EACH
            .into_iter()
            .filter(|attempt| *attempt != Attempt::Login)
        {
            for actor in Actor::EACH {
                cells.push(Cell {
                    table: scope.table.clone(),
                    attempt,
                    actor,
                    outcome: self.outcome(&prepared, attempt, actor).await?,
                });
            }
        }

        Ok(cells)
    }

    /// Makes the rows of a table, and marks the state from which every attempt starts.
    pub(super) async fn prepare(
        &mut self,
        scope: &'a Scope,
        reach: Option<&'a Reach>,
    ) -> Result<Prepared<'a>, Trouble> {
        let mut maker = Maker {
            lane: &mut self.lane,
            schema: self.schema,
            scopes: self.scopes,
            users: self.users,
            hooks: &self.proof.hooks,
            keeps_parents: false,
            number: value::first_number(),
            parents: std::collections::BTreeMap::new(),
            pending: Vec::new(),
        };

        let target = prepare(&mut maker, scope, reach).await?;
        self.lane.mark().await?;

        Ok(Prepared {
            present: target.present(),
            foreign: self.foreign(scope, reach),
            target,
        })
    }

    /// Runs the statements of one attempt.
    pub(super) async fn outcome(
        &mut self,
        prepared: &Prepared<'_>,
        attempt: Attempt,
        actor: Actor,
    ) -> Result<Outcome, ProofError> {
        let Prepared {
            target,
            present,
            foreign,
        } = prepared;

        let mut outcomes = Vec::new();
        for step in target.steps(attempt, actor) {
            let answer = self.lane.execute(self.users, actor, &step, present).await?;
            outcomes.push(classify(&step, &answer, &target.rows, *foreign));
        }

        let outcome = if outcomes.is_empty() {
            without_steps(attempt, actor)
        } else {
            worst(outcomes)
        };
        Ok(self.proof.as_seen(Some(attempt), actor, outcome))
    }

    /// The cells of the application's login; read after the rollback, when nothing is locked.
    async fn login(&self, scope: &Scope, reach: Option<&Reach>) -> Result<Vec<Cell>, ProofError> {
        let foreign = self.foreign(scope, reach);
        let mut cells = Vec::new();

        for actor in Actor::EACH {
            let active =
                app::is_active(self.app.pool(), self.app.config().app_role(), &scope.table).await?;
            let reads = app::reads(self.app, self.users, scope, actor, foreign).await?;
            let outcome = worst(vec![active, reads]);

            cells.push(Cell {
                table: scope.table.clone(),
                attempt: Attempt::Login,
                actor,
                outcome,
            });
        }

        Ok(cells)
    }

    fn foreign(&self, scope: &Scope, reach: Option<&Reach>) -> ForeignRows {
        let others = |actor| reach.is_some_and(|reach| reach.has(actor, false, Command::Select));
        let opened = Actor::EACH.into_iter().any(others);

        if self.users.given || !scope.shared.is_empty() || opened {
            ForeignRows::Pass
        } else {
            ForeignRows::Leak
        }
    }

    /// What the caller declared of a table with its own policies. Of other tables nothing may be
    /// declared.
    pub(super) fn reach(&self, scope: &Scope) -> Result<Option<&'a Reach>, Trouble> {
        let schema = &self.lane.schema;
        let declared = self
            .proof
            .reach
            .iter()
            .rev()
            .find(|(named, _)| is_of(named, &scope.table, schema));

        match (declared.map(|(_, reach)| reach), scope.policies.is_empty()) {
            (None, true) => Ok(None),
            (Some(reach), false) => Ok(Some(reach)),
            (None, false) => Err(Trouble::Table(
                "it has its own policies, which do not tell what they let through: say it with \
                 `IsolationProof::expect::<Entity>(Reach::own(…))`"
                    .to_owned(),
            )),
            (Some(_), true) => Err(Trouble::Table(
                "its scope tells what is reached, so `IsolationProof::expect` may not say \
                 otherwise: leave it out"
                    .to_owned(),
            )),
        }
    }
}
