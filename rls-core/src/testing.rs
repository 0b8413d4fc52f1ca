//! An isolation proof for tests and CI. It runs every command on every scoped table, as two users
//! and as nobody, and shows that the database keeps the users apart.
//!
//! ```no_run
//! use rls_core::testing::IsolationProof;
//! use rls_core::{Registry, RlsConnection};
//! # use sea_orm::DatabaseConnection;
//!
//! // `owner` logs in as the migrations do; `db` is the application's connection.
//! async fn users_are_kept_apart(owner: &DatabaseConnection, db: &RlsConnection) {
//!     let proof = IsolationProof::new(db.registry()).run(owner, db).await.unwrap();
//!     println!("{proof}");
//!     proof.assert_isolated();
//! }
//! ```

// `IsolationProof` is the builder. `run` makes the rows (`row`), runs the statements (`plan`,
// `lane`) and classifies the answers (`classify`). May import all rooms of the crate but `doctor`.

mod app;
mod attempt;
mod classify;
mod control;
mod draft;
mod error;
mod expect;
mod fixture;
mod hook;
mod lane;
mod outcome;
mod plan;
mod print;
mod relation;
mod row;
mod run;
mod schema;
mod shape;
mod target;
mod user;
mod value;

use sea_orm::{ActiveModelTrait, DatabaseConnection, EntityTrait};

use crate::connection::RlsConnection;
use crate::entity::RawTable;
use crate::entity::registry::Registry;
use crate::model::context::{ContextError, RlsContext, Settings};
use crate::name::{NameError, TableName};

use hook::Hooks;

pub use attempt::{Actor, Attempt};
pub use control::{Control, Fault, Trial};
pub use error::ProofError;
pub use expect::Reach;
pub use fixture::{Fixtures, TestUser};
pub use hook::RowFor;
pub use outcome::{Cell, Outcome, Proof, UntestedTable};

/// Whether the proof does not see this outcome.
#[cfg(test)]
type Blind = Box<dyn Fn(Option<Attempt>, Actor, &Outcome) -> bool + Send + Sync>;

/// Builder of an isolation proof; [`run`](Self::run) executes it.
///
/// The expected outcome of each command comes from what the entities declare: whose a row is, what
/// is shared, what is marked as deleted, what is granted. It never comes from what the database
/// answers.
#[must_use = "nothing is proved before `run`"]
pub struct IsolationProof<'a> {
    registry: &'a Registry,
    users: Option<Result<[Settings; 2], ContextError>>,
    hooks: Hooks,
    reach: Vec<(TableName, Reach)>,
    accepted: Vec<(TableName, String)>,
    /// The error of the first name that PostgreSQL would not keep.
    misnamed: Option<ProofError>,
    /// Which outcomes the proof does not see.
    #[cfg(test)]
    blind: Option<Blind>,
}

impl<'a> IsolationProof<'a> {
    /// Starts a proof of every table in `registry`, which must be the registry of the application's
    /// connection.
    pub fn new(registry: &'a Registry) -> Self {
        Self {
            registry,
            users: None,
            hooks: Hooks::default(),
            reach: Vec::new(),
            accepted: Vec::new(),
            misnamed: None,
            #[cfg(test)]
            blind: None,
        }
    }

    /// Sets the contexts of the two users. Use it if key columns refuse made-up values, or if the
    /// entities' own policies read settings. By default the proof makes up two users, who have no
    /// rows.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "as `RlsConnection::scope` takes them"
    )]
    pub fn users(mut self, first: impl RlsContext, second: impl RlsContext) -> Self {
        self.users = Some(
            first
                .settings()
                .and_then(|first| Ok([first, second.settings()?])),
        );
        self
    }

    /// Sets the values of an entity's rows, if the catalog does not tell which are valid: for a
    /// check, or a type of an extension. The proof makes up what the model leaves unset, and always
    /// sets the columns that say whose a row is.
    pub fn rows<A: ActiveModelTrait>(
        mut self,
        row: impl Fn(&RowFor) -> A + Send + Sync + 'static,
    ) -> Self {
        if let Some(table) = self.table_of::<A::Entity>() {
            let values = move |of: &RowFor| hook::values(&row(of));
            self.hooks.add(table, Box::new(values));
        }

        self
    }

    /// Sets which rows are reached in a table with policies of its own. For other entities, the
    /// scope decides.
    pub fn expect<E: EntityTrait>(mut self, reach: Reach) -> Self {
        if let Some(table) = self.table_of::<E>() {
            self.reach.push((table, reach));
        }

        self
    }

    /// Leaves a table or view (`name` or `schema.name`) untested, for a reason that the proof
    /// prints.
    pub fn danger_untested(mut self, table: &str, reason: &str) -> Self {
        if let Some(table) = self.named(table, TableName::parse(table)) {
            self.accepted.push((table, reason.to_owned()));
        }

        self
    }

    /// Runs every attempt on every table.
    ///
    /// `owner` makes the rows and checks them afterwards. It is the login of the migrations or a
    /// superuser, and must be a member of the application's role: it runs the statements as that
    /// role, with the settings of the application's login. `app` shows whether the gate would open,
    /// whether row-level security is active for its login, and which rows it reads.
    ///
    /// Statements sent: some hundred for each table, in one transaction, which is rolled back. The
    /// connection is closed afterwards, so no row stays. Sequences advance, and triggers fire. Lock
    /// taken: `ROW EXCLUSIVE` on the tables in which rows are made; `ACCESS EXCLUSIVE` on those of
    /// which row-level security hides rows from `owner`. Privilege needed: to own the tables, and
    /// membership in the application's role; or superuser.
    ///
    /// # Errors
    ///
    /// [`ProofError`] if nothing can be proved. A table that is not isolated is no error: the
    /// [`Proof`] reports it.
    ///
    /// # Panics
    ///
    /// If `owner` is a mock, not a connection to a server.
    pub async fn run(
        &self,
        owner: &DatabaseConnection,
        app: &RlsConnection,
    ) -> Result<Proof, ProofError> {
        run::run(self, owner, app).await
    }

    /// Breaks the database on purpose, fault by fault, and runs the attempts that must see each.
    ///
    /// A proof that reports nothing may prove nothing. So for each table: policies that let every row
    /// through, or none; privileges that are not declared, or missing; row-level security that is
    /// off; a missing primary key; and beside the tables one that no entity is registered for. The
    /// application's login sees no fault that is not committed, so its role is asked in the
    /// transaction; which rows the login itself reads stays without a control.
    ///
    /// Statements sent: as [`run`](Self::run), and those that make the faults; rolled back likewise.
    /// Lock taken: `ACCESS EXCLUSIVE` on each table, and on those that refer to it, for as long as it
    /// is tried. Privilege needed: to own the tables, and to create one; or superuser.
    ///
    /// # Errors
    ///
    /// As [`run`](Self::run). A fault that was not seen is no error: the [`Control`] reports it.
    ///
    /// # Panics
    ///
    /// If `owner` is a mock, not a connection to a server.
    pub async fn control(
        &self,
        owner: &DatabaseConnection,
        app: &RlsConnection,
    ) -> Result<Control, ProofError> {
        Box::pin(control::control(self, owner, app)).await
    }

    /// The outcome as the proof reports it; a test makes the proof blind here.
    #[cfg(not(test))]
    #[expect(clippy::unused_self, reason = "as in tests")]
    fn as_seen(&self, _: Option<Attempt>, _: Actor, outcome: Outcome) -> Outcome {
        outcome
    }

    #[cfg(test)]
    fn as_seen(&self, attempt: Option<Attempt>, actor: Actor, outcome: Outcome) -> Outcome {
        match &self.blind {
            Some(blind) if blind(attempt, actor, &outcome) => Outcome::Held,
            _ => outcome,
        }
    }

    fn table_of<E: EntityTrait>(&mut self) -> Option<TableName> {
        let table = RawTable::of::<E>();
        self.named(&table.to_string(), table.check())
    }

    /// The name; or `None`, and [`run`](Self::run) returns the error.
    fn named(&mut self, table: &str, name: Result<TableName, NameError>) -> Option<TableName> {
        match name {
            Ok(name) => Some(name),
            Err(source) => {
                let table = table.to_owned();
                self.misnamed
                    .get_or_insert(ProofError::Name { table, source });
                None
            }
        }
    }
}
