//! Makes the databases of tests: a template by the migrations, and a copy for each test.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::OnceLock;
use std::time::Duration;
use std::{env, fs};

use sea_orm::{ConnectOptions, Database};
use sea_orm_migration::MigratorTraitSelf;
use testbed::Server;

use crate::error::{ConfigError, DeclarationError};
use crate::migration::RlsMigrator;
use crate::signing::SignedContexts;
use crate::testing::{TestDatabase, TestError};
use crate::{Registry, RlsConfig, RlsConnection, RlsError, RlsSchema};

/// Makes a database for a test, with the migrations run; what
/// [`#[sea_orm_rls::test]`](macro@crate::test) uses.
#[derive(Clone, Debug)]
#[must_use = "it makes nothing before `database`"]
pub struct TestKit<M> {
    migrator: M,
    registry: Option<Result<Registry, DeclarationError>>,
    signed_contexts: SignedContexts,
}

impl<M: MigratorTraitSelf> TestKit<M> {
    /// Takes the migrations from `migrator`, and the entities that are linked into this program.
    pub fn new(migrator: M) -> Self {
        Self {
            migrator,
            registry: None,
            signed_contexts: SignedContexts::Off,
        }
    }

    /// Takes these entities, and no others, as [`registry!`](crate::registry) lists them.
    pub fn registry(mut self, registry: Result<Registry, DeclarationError>) -> Self {
        self.registry = Some(registry);
        self
    }

    /// Signs contexts, as a service with `RLS_SIGNED_CONTEXTS` does, by a key that is made for each
    /// database. Unless told, contexts are not signed.
    pub fn signed_contexts(mut self, signed_contexts: SignedContexts) -> Self {
        self.signed_contexts = signed_contexts;
        self
    }

    /// Makes a database; `hint` begins its name.
    ///
    /// It is a copy of a template. The first call for the migrations, entities and level of this kit
    /// makes the template, and drops those of other builds of the program; calls at the same time
    /// wait for it, those of other processes too.
    ///
    /// # Errors
    ///
    /// [`TestError`] if there is no server or the migrations fail.
    pub async fn database(self, hint: &str) -> Result<TestDatabase, TestError> {
        let server = server()?;
        let registry = self.registry.unwrap_or_else(Registry::linked);
        let registry = registry.map_err(RlsError::from)?;

        let family = format!("rls_test_{:016x}", hash(&env::current_exe().ok()));
        let config = config(server, &family).map_err(RlsError::from)?;
        let config = config.signed_contexts(self.signed_contexts);
        let rls = RlsSchema::new(registry.clone(), config.clone());
        let version = format!("{:016x}", built());
        let name = content(&self.migrator, &registry, self.signed_contexts);
        let name = format!("{name:016x}");
        let (entities, signs) = (registry.clone(), self.signed_contexts);

        let migrated = async |url: String| -> Result<(), TestError> {
            let owner = Database::connect(url).await?;
            // Policies require signed contexts only once there is a key, unless the migrations have made
            // them do so.
            let first = config
                .clone()
                .signed_contexts(signs.min(SignedContexts::Sent))
                .danger_accept_weakening(signs == SignedContexts::Required);
            RlsMigrator::with(self.migrator, entities, first)
                .up(&owner, None)
                .await?;
            if signs == SignedContexts::Required {
                rls.rotate_keys(&owner, Duration::ZERO).await?;
                rls.sync(&owner).await?;
            }
            Ok(owner.close().await?)
        };
        let template = server.template(&family, &version, &name, migrated).await?;
        let database = template.database(hint).await?;

        let mut options = ConnectOptions::new(database.url());
        options.max_connections(8).sqlx_logging(false);
        let owner = Database::connect(options.clone()).await?;
        let config = if signs == SignedContexts::Off {
            config
        } else {
            let key = rls.rotate_keys(&owner, Duration::ZERO).await?;
            config.signing_keys(key)
        };
        let app = RlsConnection::connect_with(options, config, registry).await?;

        Ok(TestDatabase {
            app,
            owner,
            database,
        })
    }
}

/// The server, which all test processes of this user share.
fn server() -> Result<&'static Server, testbed::Error> {
    static SERVER: OnceLock<Result<Server, testbed::Error>> = OnceLock::new();

    SERVER
        .get_or_init(Server::shared)
        .as_ref()
        .map_err(Clone::clone)
}

/// The logins of a test program's databases, the same in all its processes.
fn config(server: &Server, family: &str) -> Result<RlsConfig, ConfigError> {
    let (app, admin) = (format!("{family}_app"), format!("{family}_admin"));

    RlsConfig::new()
        .app_login(&app, &server.password(&app))?
        .admin_login(&admin, &server.password(&admin))
}

/// What differs when the test program is built anew.
fn built() -> u64 {
    let built = env::current_exe().and_then(fs::metadata);
    hash(
        &built
            .and_then(|found| Ok((found.len(), found.modified()?)))
            .ok(),
    )
}

/// What the content of a template follows from, in one build of the program: the migrations, the entities,
/// and whether contexts are signed.
fn content(
    migrator: &impl MigratorTraitSelf,
    registry: &Registry,
    signed_contexts: SignedContexts,
) -> u64 {
    let migrations: Vec<String> = migrator
        .migrations()
        .iter()
        .map(|migration| migration.name().to_owned())
        .collect();

    hash(&(migrations, format!("{registry:?} {signed_contexts:?}")))
}

fn hash(of: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}

/// Runs one test: what the attribute expands to.
///
/// # Panics
///
/// If there is no database for it, with the reason.
pub fn run<M: MigratorTraitSelf, T>(
    kit: TestKit<M>,
    name: &str,
    test: impl AsyncFnOnce(TestDatabase) -> T,
) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap_or_else(|error| panic!("no runtime for the test: {error}"));

    runtime.block_on(Box::pin(async {
        match kit.database(name).await {
            Ok(database) => test(database).await,
            Err(error) => panic!("no database for the test: {error}"),
        }
    }))
}
