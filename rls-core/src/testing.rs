//! A proof, for tests and for CI, that the database keeps users apart: every command is played
//! against every scoped table, as two users and as nobody.
//!
//! ```no_run
//! use rls_core::testing::IsolationProof;
//! use rls_core::{Registry, RlsConnection};
//! # use sea_orm::DatabaseConnection;
//!
//! // `owner` logs in as the migrations do, `db` is the application's connection.
//! async fn users_are_kept_apart(owner: &DatabaseConnection, db: &RlsConnection) {
//!     let proof = IsolationProof::new(db.registry()).run(owner, db).await.unwrap();
//!     println!("{proof}");
//!     proof.assert_isolated();
//! }
//! ```

mod app;
mod attempt;
mod classify;
mod draft;
mod error;
mod expect;
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
pub use error::ProofError;
pub use expect::Reach;
pub use hook::RowFor;
pub use outcome::{Cell, Outcome, Proof, UntestedTable};

/// A proof that is being said; [`run`](Self::run) plays it.
///
/// What must come of each command is told from what the entities declare: whose a row is, what is
/// shared, marked as deleted, granted. It is never told from what the database answers.
#[must_use = "nothing is proved before `run`"]
pub struct IsolationProof<'a> {
    registry: &'a Registry,
    users: Option<Result<[Settings; 2], ContextError>>,
    hooks: Hooks,
    reach: Vec<(TableName, Reach)>,
    accepted: Vec<(TableName, String)>,
    /// The first name that no table can have.
    misnamed: Option<ProofError>,
}

impl<'a> IsolationProof<'a> {
    /// Of every table in `registry`, which must be the one of the application's connection.
    pub fn new(registry: &'a Registry) -> Self {
        Self {
            registry,
            users: None,
            hooks: Hooks::default(),
            reach: Vec::new(),
            accepted: Vec::new(),
            misnamed: None,
        }
    }

    /// The contexts of two users, where key columns take no made-up value, or policies of the
    /// entities' own read settings. Without, two users are made up who have no rows.
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

    /// What the rows of an entity hold, where that cannot be told from the catalog: a check, a type
    /// of an extension. What the model leaves unset is made up; columns that say whose the row is
    /// are always the proof's.
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

    /// What is reached of an entity that has policies of its own. A table whose scope tells is not
    /// asked.
    pub fn expect<E: EntityTrait>(mut self, reach: Reach) -> Self {
        if let Some(table) = self.table_of::<E>() {
            self.reach.push((table, reach));
        }

        self
    }

    /// Leaves out a table or view, `name` or `schema.name`, for a reason, which the proof prints.
    pub fn danger_untested(mut self, table: &str, reason: &str) -> Self {
        if let Some(table) = self.named(table, TableName::parse(table)) {
            self.accepted.push((table, reason.to_owned()));
        }

        self
    }

    /// Plays every attempt against every table.
    ///
    /// `owner` makes the rows and looks at them afterwards: the login of the migrations, or a
    /// superuser. It acts as the application's role, with that login's settings, and must be a
    /// member of it. `app` is asked as itself whether the gate would open, whether row security is
    /// active for its login, and what it reads.
    ///
    /// Statements sent: some hundred a table, in one transaction a table, which is rolled back, on
    /// a connection that is closed afterwards, whatever happens: no row stays. Sequences advance,
    /// and triggers fire. Lock taken: `ROW EXCLUSIVE` on the tables that rows are made in; where
    /// row security hides rows from `owner`, who is no superuser then, `ACCESS EXCLUSIVE` on those.
    /// Privilege needed: to own the tables, and membership in the application's role; or superuser.
    ///
    /// # Errors
    ///
    /// [`ProofError`] where nothing can be proved. What is not isolated is no error but in the
    /// [`Proof`].
    ///
    /// # Panics
    ///
    /// Where `owner` is a mock, and no connection to a server.
    pub async fn run(
        &self,
        owner: &DatabaseConnection,
        app: &RlsConnection,
    ) -> Result<Proof, ProofError> {
        run::run(self, owner, app).await
    }

    fn table_of<E: EntityTrait>(&mut self) -> Option<TableName> {
        let table = RawTable::of::<E>();
        self.named(&table.to_string(), table.check())
    }

    /// The name, or `None`: then it is kept for [`run`](Self::run) to return.
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
