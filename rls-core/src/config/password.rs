//! Passwords that are asked for before each login.

use std::error::Error;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;

use super::Secret;

/// A login for which a password is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PasswordRequest {
    /// The name that logs in.
    pub user: String,
    /// The server's host, or the folder of its socket.
    pub host: String,
    /// The server's port.
    pub port: u16,
}

/// What a provider of passwords returns.
pub(crate) type Provided = Result<String, Box<dyn Error + Send + Sync>>;

type Asked = Pin<Box<dyn Future<Output = Provided> + Send>>;

/// The provider of a configuration, compared as one object.
#[derive(Clone)]
pub(crate) struct PasswordProvider(Arc<dyn Fn(PasswordRequest) -> Asked + Send + Sync>);

impl PasswordProvider {
    pub(super) fn new<F, P>(provider: F) -> Self
    where
        F: Fn(PasswordRequest) -> P + Send + Sync + 'static,
        P: Future<Output = Provided> + Send + 'static,
    {
        Self(Arc::new(move |request| Box::pin(provider(request))))
    }

    /// Asks for a password.
    ///
    /// # Errors
    ///
    /// The provider's, or that it gave none which can be sent.
    pub(crate) async fn ask(
        &self,
        request: PasswordRequest,
    ) -> Result<Secret, Box<dyn Error + Send + Sync>> {
        let password = (self.0)(request).await?;
        if password.is_empty() || password.contains('\0') {
            return Err("the password is empty or holds a NUL byte".into());
        }

        Ok(Secret(password))
    }
}

impl PartialEq for PasswordProvider {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for PasswordProvider {}

impl fmt::Debug for PasswordProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}
