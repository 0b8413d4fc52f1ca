//! Databases whose content is made once and copied for each test.

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, query_scalar};

use crate::address::Address;
use crate::{Database, Error, Server};

/// A database to copy; made by [`Server::template`].
#[derive(Debug)]
pub struct Template<'a> {
    server: &'a Server,
    name: String,
}

impl<'a> Template<'a> {
    pub(crate) fn new(server: &'a Server, name: String) -> Self {
        Self { server, name }
    }

    /// Makes a copy; `hint` begins its name. Three round trips of a connection of its own.
    ///
    /// # Errors
    ///
    /// [`Error::Sql`] if the server refuses.
    pub async fn database(&self, hint: &str) -> Result<Database, Error> {
        self.server.copy_of(&self.name, hint).await
    }
}

/// Makes the template if there is none. A finished one accepts no connections, which would stand in
/// the way of a copy.
pub(crate) async fn make_once<E: From<Error>>(
    server: &Server,
    address: &Address,
    (family, version): (&str, &str),
    name: &str,
    make: impl AsyncFnOnce(String) -> Result<(), E>,
) -> Result<(), E> {
    let sql = |action: &'static str| Error::sql(format!("{action} template `{name}`"));
    let mut admin = PgConnection::connect(&address.url())
        .await
        .map_err(sql("connect for"))?;

    // Until the connection closes.
    let lock = format!("SELECT pg_advisory_lock(hashtextextended('{name}', 0))");
    admin
        .execute(AssertSqlSafe(lock))
        .await
        .map_err(sql("lock"))?;

    let finished: Option<bool> =
        query_scalar("SELECT NOT datallowconn FROM pg_database WHERE datname = $1")
            .bind(name)
            .fetch_optional(&mut admin)
            .await
            .map_err(sql("look for"))?;

    if finished != Some(true) {
        if finished.is_some() {
            drop_template(&mut admin, name).await;
        }
        let others = others(&mut admin, family, version).await;
        for other in others.map_err(sql("look for"))? {
            // Until the connection closes. Another process may be making it.
            let locked: bool = query_scalar("SELECT pg_try_advisory_lock(hashtextextended($1, 0))")
                .bind(&other)
                .fetch_one(&mut admin)
                .await
                .map_err(sql("look for"))?;
            if locked {
                drop_template(&mut admin, &other).await;
            }
        }

        let create = format!("CREATE DATABASE {name} TEMPLATE template0");
        admin
            .execute(AssertSqlSafe(create))
            .await
            .map_err(sql("create"))?;

        make(server.url(name)).await?;

        let finish = format!("ALTER DATABASE {name} IS_TEMPLATE true ALLOW_CONNECTIONS false");
        admin
            .execute(AssertSqlSafe(finish))
            .await
            .map_err(sql("finish"))?;
    }

    admin
        .close()
        .await
        .map_err(sql("close the connection of"))?;
    Ok(())
}

/// The databases of this family that are of other versions.
async fn others(
    admin: &mut PgConnection,
    family: &str,
    version: &str,
) -> Result<Vec<String>, sqlx::Error> {
    query_scalar(
        "SELECT datname::text FROM pg_database
         WHERE starts_with(datname::text, $1) AND NOT starts_with(datname::text, $2)",
    )
    .bind(format!("{family}_"))
    .bind(format!("{family}_{version}_"))
    .fetch_all(admin)
    .await
}

/// Another process may copy it at this moment: then it stays until the next time.
async fn drop_template(admin: &mut PgConnection, name: &str) {
    for statement in [
        format!("ALTER DATABASE {name} IS_TEMPLATE false"),
        format!("DROP DATABASE {name} WITH (FORCE)"),
    ] {
        if let Err(error) = admin.execute(AssertSqlSafe(statement)).await {
            eprintln!("testbed: template {name} stays on the server: {error}");
            return;
        }
    }
}
