//! Passwords, by Argon2id, away from the threads that serve requests.

use std::sync::{Arc, LazyLock};
use std::thread::available_parallelism;

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use axum::http::StatusCode;
use sea_orm_rls::axum::Problem;
use tokio::sync::Semaphore;
use tokio::task::spawn_blocking;

const SHORTEST: usize = 8;

/// Beyond this, a password is a way to keep a processor busy.
const LONGEST: usize = 256;

/// What a login is compared with if there is no such user, so that it takes as long as if
/// there is one.
static DECOY: LazyLock<String> =
    LazyLock::new(|| hash_now("nobody's password").unwrap_or_default());

/// Hashes and compares as many at once as there are processors; each takes 19 MiB.
#[derive(Clone, Debug)]
pub struct Passwords(Arc<Semaphore>);

impl Passwords {
    #[expect(
        clippy::new_without_default,
        reason = "it starts with a count of processors"
    )]
    pub fn new() -> Self {
        Self(Arc::new(Semaphore::new(
            available_parallelism().map_or(1, usize::from),
        )))
    }

    /// The hash to store.
    pub async fn hash(&self, password: String) -> Result<String, Problem> {
        if !(SHORTEST..=LONGEST).contains(&password.len()) {
            let detail = format!("a password has {SHORTEST} to {LONGEST} bytes");
            return Err(Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "invalid_password",
                detail,
            ));
        }

        self.run(move || hash_now(&password))
            .await?
            .ok_or_else(failed)
    }

    /// Whether this is the password of this hash; never without one, and not sooner.
    pub async fn matches(&self, password: String, hash: Option<String>) -> Result<bool, Problem> {
        if password.len() > LONGEST {
            return Ok(false);
        }

        self.run(move || {
            let known = hash.is_some();
            let hash = hash.as_deref().unwrap_or(&DECOY);
            let same = PasswordHash::new(hash).is_ok_and(|hash| {
                Argon2::default()
                    .verify_password(password.as_bytes(), &hash)
                    .is_ok()
            });

            known && same
        })
        .await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Problem> {
        let permit = Arc::clone(&self.0)
            .acquire_owned()
            .await
            .map_err(|_| failed())?;

        // The permit stays with the work, which goes on if its request does not.
        let work = spawn_blocking(move || {
            let _permit = permit;
            work()
        });

        work.await.map_err(|_| failed())
    }
}

fn hash_now(password: &str) -> Option<String> {
    Argon2::default()
        .hash_password(password.as_bytes())
        .ok()
        .map(|hash| hash.to_string())
}

fn failed() -> Problem {
    Problem::new(
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal",
        "the service has failed",
    )
}
