//! Users and rows for tests, made from the catalog.

use std::collections::BTreeMap;

use sea_orm::sea_query::Expr;
use sea_orm::{
    ActiveModelTrait, DatabaseConnection, DbBackend, EntityTrait, FromQueryResult, QueryFilter,
    QueryResult, QueryTrait,
};
use sqlx::AssertSqlSafe;

use crate::connection::RlsConnection;
use crate::entity::RawTable;
use crate::error::RlsError;
use crate::model::context::{ContextError, RlsContext, Settings};
use crate::model::scope::Scope;
use crate::name::{SettingName, TableName};
use crate::sql;

use super::ProofError;
use super::draft::{Made, row_id, text};
use super::error::Trouble;
use super::expect::RowSpec;
use super::hook::{self, Hooks};
use super::lane::Lane;
use super::row::Maker;
use super::schema::Schema;
use super::shape::{Anchor, Scopes, Subject};
use super::user::Users;
use super::value;

/// Makes users and rows for tests. They are committed.
///
/// It makes up what the catalog asks for and the caller leaves out, and the rows that a row refers
/// to. `owner` logs in as the migrations do; see [`IsolationProof::run`](super::IsolationProof::run),
/// which makes its rows in the same way.
#[derive(Clone, Copy, Debug)]
pub struct Fixtures<'a> {
    owner: &'a DatabaseConnection,
    app: &'a RlsConnection,
}

/// A user of a test: a context for [`RlsConnection::scope`], whose values no other user has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestUser(Settings);

impl TestUser {
    /// The value of a setting of the user's context, such as `app.user_id`.
    #[must_use]
    pub fn setting(&self, name: &str) -> Option<&str> {
        self.0.get(&SettingName::new(name).ok()?)
    }
}

impl RlsContext for TestUser {
    fn settings(&self) -> Result<Settings, ContextError> {
        Ok(self.0.clone())
    }
}

impl<'a> Fixtures<'a> {
    /// Makes rows with the login `owner`, for the entities of `app`.
    #[must_use]
    pub fn new(owner: &'a DatabaseConnection, app: &'a RlsConnection) -> Self {
        Self { owner, app }
    }

    /// Makes a user, with a tenant of their own if there are tenants: a row in the table of each
    /// identity. Settings that no key column is compared with stay empty.
    ///
    /// # Errors
    ///
    /// As [`Fixtures::row`].
    ///
    /// # Panics
    ///
    /// If `owner` is a mock, not a connection to a server.
    pub async fn user(&self) -> Result<TestUser, ProofError> {
        let scopes = self.app.registry().scopes();
        let users = Users::made(scopes, &self.app.registry().settings());
        let settings = users.scope(Subject::First)?;

        let mut work = Work::begin(self, &settings).await?;
        for identity in scopes.iter().filter(|scope| is_identity(scope)) {
            work.make(&identity.table, Hooks::default()).await?;
        }
        work.keep().await?;

        Ok(TestUser(settings))
    }

    /// Makes a row that belongs to the user of this context, and reads it. `values` may set any
    /// column but those that say whose the row is. If the row belongs to someone through another row
    /// and `values` names that one, it does so still.
    ///
    /// Statements sent: about ten for each row that must be made, in one transaction on a connection
    /// of its own, and those that read the catalog. Locks and privileges: as
    /// [`IsolationProof::run`](super::IsolationProof::run).
    ///
    /// # Errors
    ///
    /// [`ProofError::NoRow`] if no row can be made, with the reason; otherwise as
    /// [`IsolationProof::run`](super::IsolationProof::run).
    ///
    /// # Panics
    ///
    /// If `owner` is a mock, not a connection to a server.
    pub async fn row<A: ActiveModelTrait>(
        &self,
        user: &impl RlsContext,
        values: A,
    ) -> Result<<A::Entity as EntityTrait>::Model, ProofError> {
        let raw = RawTable::of::<A::Entity>();
        let misnamed = |source| ProofError::Name {
            table: raw.to_string(),
            source,
        };
        let table = raw.check().map_err(misnamed)?;
        let given = hook::values(&values).map_err(misnamed)?;

        let mut hooks = Hooks::default();
        hooks.add(table.clone(), Box::new(move |_| Ok(given.clone())));

        let mut work = Work::begin(self, &user.settings()?).await?;
        let made = work.make(&table, hooks).await?;
        let row = work.read::<A::Entity>(&made).await?;
        work.keep().await?;

        Ok(row)
    }
}

fn is_identity(scope: &Scope) -> bool {
    Anchor::of(scope).into_iter().any(Anchor::is_identity)
}

/// A transaction in which rows are made.
struct Work {
    lane: Lane,
    schema: Schema,
    scopes: Scopes,
    users: Users,
    /// The tables whose row-level security is off for the owner until the end.
    hidden: Vec<TableName>,
}

impl Work {
    async fn begin(of: &Fixtures<'_>, context: &Settings) -> Result<Self, ProofError> {
        let config = of.app.config();
        let owner = of.owner.get_postgres_connection_pool();
        let mut lane = Lane::open(owner, of.app.pool(), config.app_role()).await?;
        let schema = lane.read().await?;

        let registry = of.app.registry();
        let mut users = Users::one(context, &registry.settings());
        users.signer = lane.signer(config);

        let scopes = Scopes::new(registry.scopes(), &lane.schema);
        let hidden = scopes.hidden(&schema);
        lane.begin(&hidden.iter().collect::<Vec<_>>()).await?;

        Ok(Self {
            lane,
            schema,
            scopes,
            users,
            hidden,
        })
    }

    async fn make(&mut self, table: &TableName, hooks: Hooks) -> Result<Made, ProofError> {
        let table = table.or_in(&self.lane.schema);
        let ties = self.scopes.uniform(&table, Subject::First);

        let mut maker = Maker {
            lane: &mut self.lane,
            schema: &self.schema,
            scopes: &self.scopes,
            users: &self.users,
            hooks: &hooks,
            keeps_parents: true,
            number: value::first_number(),
            parents: BTreeMap::new(),
            pending: Vec::new(),
        };

        let made = maker.make(&table, &RowSpec::plain(ties)).await;
        made.map_err(|trouble| match trouble {
            Trouble::Table(reason) | Trouble::Constraint(reason) => ProofError::NoRow {
                table: table.to_string(),
                reason,
            },
            Trouble::Fatal(error) => error,
        })
    }

    /// Reads a row by its place, as the login that made it.
    async fn read<E: EntityTrait>(&mut self, made: &Made) -> Result<E::Model, ProofError> {
        let table =
            sql::table(
                &RawTable::of::<E>()
                    .check()
                    .map_err(|source| ProofError::Name {
                        table: RawTable::of::<E>().to_string(),
                        source,
                    })?,
            );

        let is_made = format!("{} = {}", row_id(&table), text(&made.id));
        let query = E::find()
            .filter(Expr::cust(is_made))
            .build(DbBackend::Postgres);
        let row = sqlx::query(AssertSqlSafe(query.sql))
            .fetch_one(&mut *self.lane.connection)
            .await?;

        let model = E::Model::from_query_result(&QueryResult::from(row), "");
        Ok(model.map_err(RlsError::from)?)
    }

    /// Commits, with row-level security as it was.
    async fn keep(mut self) -> Result<(), ProofError> {
        let force = self.hidden.iter().map(|table| {
            let table = sql::table(table);
            format!("ALTER TABLE {table} FORCE ROW LEVEL SECURITY; ")
        });
        let force: String = force.collect();

        // A table with checks that are still to come cannot be altered.
        self.lane
            .run(&format!("SET CONSTRAINTS ALL IMMEDIATE; {force}COMMIT"))
            .await?;
        Ok(())
    }
}
