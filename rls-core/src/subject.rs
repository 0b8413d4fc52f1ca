//! One user or tenant, whole: every row that belongs to them, to hand over or to erase.

// `belongs` decides, as plain data, which rows are theirs. `catalog` reads keys, `order` sorts tables
// by them, `run` sends the statements, `receipt` is what comes of it.

mod belongs;
mod catalog;
mod error;
mod order;
mod receipt;
mod run;

use std::io::Write;
use std::num::NonZeroU32;

use crate::connection::RlsConnection;
use crate::model::context::{AdminContext, ContextError, RlsContext, Settings};
use crate::name::{NameError, TableName};

pub use error::{ReferringTable, SubjectError, UndecidedTable};
pub use receipt::{LeftOut, Receipt, TableCount, What};

/// A user or tenant whose rows are exported or erased. The maintenance administrator does it, and the
/// audit's table has a record of it.
///
/// The subject is the user whom the context names, or, if it names none, the tenant. A row is theirs
/// if all of its keys of that kind name them, or if it belongs to such a row, however it is shared or
/// marked as deleted. A table is left out if its rows belong to a tenant and the subject is a user,
/// or if they belong to several through a membership, whose own row is the user's. Everything that
/// the registry does not decide is an error: a table without row-level security, one with policies of
/// its own only, and, of a tenant, one whose rows belong to users.
///
/// ```no_run
/// # use rls_core::{AdminContext, RlsConnection, UserContext};
/// # use rls_core::subject::{Subject, SubjectError};
/// # async fn leave(db: &RlsConnection, user: uuid::Uuid) -> Result<(), Box<dyn std::error::Error>> {
/// let subject = Subject::new(db, UserContext::new(user)).skip("priority", "the same for everyone");
/// let carol = AdminContext::new("carol", "request of 1 March")?;
///
/// let mut lines = std::fs::File::create("user.jsonl")?;
/// println!("{}", subject.export(carol.clone(), &mut lines).await?);
/// println!("{}", subject.preview(carol.clone()).await?); // what would go
/// println!("{}", subject.erase(carol).await?);
/// # Ok(()) }
/// ```
#[must_use = "nothing is read or erased before `export`, `preview` or `erase`"]
pub struct Subject<'a> {
    db: &'a RlsConnection,
    context: Result<Settings, ContextError>,
    skipped: Vec<(Result<TableName, NameError>, String)>,
    batch: Option<NonZeroU32>,
}

impl<'a> Subject<'a> {
    /// The user or tenant of this context.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "as `RlsConnection::scope` takes it"
    )]
    pub fn new(db: &'a RlsConnection, context: impl RlsContext) -> Self {
        Self {
            db,
            context: context.settings(),
            skipped: Vec::new(),
            batch: None,
        }
    }

    /// Leaves a table (`name` or `schema.name`) out, for a reason that the receipt tells: none of its
    /// rows is the subject's. Rows of it that refer to the subject's stop an erasure all the same.
    pub fn skip(mut self, table: &str, reason: &str) -> Self {
        self.skipped
            .push((TableName::parse(table), reason.to_owned()));
        self
    }

    /// Erases at most this many rows in a transaction. Without, all go in one. If an erasure in
    /// batches fails, the rows of earlier batches are gone; it can be repeated.
    pub fn batch(mut self, rows: NonZeroU32) -> Self {
        self.batch = Some(rows);
        self
    }

    /// Writes every row of the subject as a line of JSON, `{"table":"public.note","row":{…}}`: the
    /// tables that others refer to first, the rows of each in the order of its primary key.
    ///
    /// Values are as PostgreSQL writes them (`row_to_json`): `bytea` in hexadecimal, numbers in full.
    /// The rows are of one moment. `out` is written to as they arrive, and nothing is kept.
    ///
    /// Statements sent: two, and two for each table, in one transaction, `REPEATABLE READ READ ONLY`.
    /// Privilege needed: the administrator's `SELECT`.
    ///
    /// # Errors
    ///
    /// [`SubjectError::Undecided`], with all such tables, before anything is written;
    /// [`SubjectError::Nobody`]; [`SubjectError::Write`] if `out` fails; [`SubjectError::Rls`].
    pub async fn export(
        &self,
        admin: AdminContext,
        out: &mut (impl Write + Send),
    ) -> Result<Receipt, SubjectError> {
        Box::pin(run::export(self, admin, out)).await
    }

    /// Counts what [`erase`](Self::erase) would delete, and checks what it would check. Changes
    /// nothing.
    ///
    /// # Errors
    ///
    /// As [`erase`](Self::erase).
    pub async fn preview(&self, admin: AdminContext) -> Result<Receipt, SubjectError> {
        Box::pin(run::preview(self, admin)).await
    }

    /// Deletes every row of the subject, those that refer to others first.
    ///
    /// Statements sent: some for each table and each foreign key, in one transaction; in batches, in
    /// one for each batch. Lock taken: `FOR UPDATE` on the rows. Privilege needed: the administrator's
    /// `SELECT`, `UPDATE` and `DELETE`.
    ///
    /// # Errors
    ///
    /// Before anything is deleted: [`SubjectError::Undecided`]; [`SubjectError::ReferredTo`] if rows of
    /// others refer to the subject's, which the foreign key would delete or change;
    /// [`SubjectError::Cycle`]; [`SubjectError::Nobody`]. Then [`SubjectError::Left`] if a trigger keeps
    /// a row, and [`SubjectError::Rls`].
    pub async fn erase(&self, admin: AdminContext) -> Result<Receipt, SubjectError> {
        Box::pin(run::erase(self, admin)).await
    }
}
