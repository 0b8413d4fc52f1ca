//! Errors of reading and changing the schema.

use std::sync::Arc;

use sea_orm::DbErr;

use crate::debug::debug_is_display;
use crate::model::key::KeyType;

/// The schema could not be changed to the desired one; nothing was changed.
#[derive(Clone, thiserror::Error)]
#[non_exhaustive]
pub enum SchemaError {
    /// A registered table is not in the database.
    #[error(
        "table `{table}` is registered, and not in the database: a migration, or SeaORM's schema \
         sync, must create it first"
    )]
    MissingTable {
        /// The table.
        table: String,
    },
    /// A table that a migration names is not in the database.
    #[error(
        "there is no table `{table}`: create it first, and say its schema if that is not the \
         current one"
    )]
    NoTable {
        /// The table.
        table: String,
    },
    /// A policy that a migration names is not on its table.
    #[error(
        "table `{table}` has no policy `{policy}`; it has {}",
        if known.is_empty() { "none".to_owned() } else { known.join(", ") }
    )]
    NoPolicy {
        /// The table.
        table: String,
        /// The policy.
        policy: String,
        /// The policies there are.
        known: Vec<String>,
    },
    /// A registered name is a view or something else without row-level security.
    #[error(
        "`{table}` is registered, and is no table: row security needs an ordinary or partitioned \
         table"
    )]
    NotATable {
        /// The name.
        table: String,
    },
    /// The identity lacks its key column.
    #[error(
        "table `{table}` has no column `{column}`, the key of its entity: migrate the table first"
    )]
    MissingKey {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
    /// The owner column has another type in the database than in the entity.
    #[error(
        "table `{table}`: the owner column `{column}` is {found} in the database, and {} in the \
         entity: migrate the column, or change the entity",
        expected.as_sql()
    )]
    OwnerType {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// The type in the database.
        found: String,
        /// The type in the entity.
        expected: KeyType,
    },
    /// The server computes the owner column whenever it is read, and so has no index or foreign key
    /// of it.
    #[error(
        "table `{table}`: the owner column `{column}` is VIRTUAL, of which PostgreSQL makes no index \
         and no foreign key: let a migration make it STORED"
    )]
    VirtualOwner {
        /// The table.
        table: String,
        /// The column.
        column: String,
    },
    /// Existing rows have no owner.
    #[error(
        "table `{table}` has rows without an owner in `{column}`: say whose they are with \
         `#[user_scoped(backfill = \"<SQL expression>\")]`, or fill the column in a migration of \
         your own, or delete the rows"
    )]
    RowsWithoutOwner {
        /// The table.
        table: String,
        /// The owner column.
        column: String,
    },
    /// Rows refer to rows of another owner, so that no key can bind the reference.
    #[error(
        "table `{table}`: {rows} rows refer by `{column}` to rows of `{parent}` that another owner has, \
         or that are not there, so that the reference cannot be bound: find them with `{find}`, and let \
         a migration give each an owner or a reference that fits"
    )]
    ForeignRows {
        /// The table.
        table: String,
        /// The referring column.
        column: String,
        /// The table it refers to.
        parent: String,
        /// How many rows.
        rows: i64,
        /// The statement that finds them.
        find: String,
    },
    /// The backfill expression failed, or left rows without an owner.
    #[error("table `{table}`: the backfill of `{column}` did not work: {source}")]
    Backfill {
        /// The table.
        table: String,
        /// The owner column.
        column: String,
        /// What the server said.
        source: Arc<DbErr>,
    },
    /// The statements of a transaction do not reach the same transaction of the server.
    #[error(
        "the statements of this connection's transactions do not share one of the server's: \
         connect to the server itself, or through a pooler that keeps transactions together, and \
         not through a proxy whose `begin` does nothing"
    )]
    NoTransaction,
    /// The changes lift the force of a table's row-level security, and do not restore it.
    #[error(
        "table `{table}`: its row security would stay unforced: put a `RestoreForce` behind the \
         `LiftForce`, or say `NoForce` if that is meant"
    )]
    LiftedForGood {
        /// The table.
        table: String,
    },
    /// A statement that fills a column or validates a key reads a table, and row-level security
    /// hides rows of it from this login.
    #[error(
        "table `{table}`: `{sql}` reads {}, whose row security is forced and holds for this login \
         too, so that rows would be passed over: migrate as a login with BYPASSRLS, or fill the \
         column in a migration of your own first, within `manager.maintenance(…)` with that table \
         among its tables",
        .hidden.as_ref().map_or_else(|| "a table".to_owned(), |hidden| format!("table `{hidden}`"))
    )]
    RowsHidden {
        /// The table that is changed.
        table: String,
        /// The statement.
        sql: String,
        /// The table that is read.
        hidden: Option<String>,
    },
    /// The login lacks a privilege.
    #[error("the login may not {what}: {source}; let a login that may run this once: {sql}")]
    Privilege {
        /// What the login tried.
        what: String,
        /// The statement, with secrets left out.
        sql: String,
        /// What the server said.
        source: Arc<DbErr>,
    },
    /// The login may not create or alter the two roles. An administrator of the server must do it.
    #[error(
        "the login may not create or alter roles ({source}); let an administrator of the server \
         run this once in psql, and run the migrations again:\n{}",
        statements.join("\n")
    )]
    RolesRefused {
        /// The statements for the administrator, each with its semicolon. psql's `\password` asks
        /// for the passwords.
        statements: Vec<String>,
        /// What the server said.
        source: Arc<DbErr>,
    },
    /// Timed out waiting for the lock by which deployments take turns.
    #[error(
        "another session has held the lock of the migrations for too long: {}. If it is another \
         deployment, run this again after it. If it is not, let that role or an administrator end it \
         with `SELECT pg_terminate_backend(<pid>)`; if the role is the application's, SQL text of a \
         user took the lock, as anyone may who knows its number",
        if holders.is_empty() { "it has ended since".to_owned() } else { holders.join("; ") }
    )]
    Locked {
        /// Its process, application and role.
        holders: Vec<String>,
    },
    /// Timed out waiting for a lock.
    #[error("`{sql}` waited too long for a lock on a table in use: run it again")]
    LockTimeout {
        /// The statement.
        sql: String,
    },
    /// The service's statements and this one waited for each other's locks, each time it was tried.
    #[error(
        "`{sql}` and a statement of the service each waited for a table that the other's transaction \
         had locked, so PostgreSQL ended this one (deadlock): run it again, when the service has \
         less to do if it happens once more"
    )]
    Deadlock {
        /// The statement.
        sql: String,
        /// What the server said.
        source: Arc<DbErr>,
    },
    /// The policies cannot be compared without temporary tables.
    #[error(
        "cannot verify the policies, which takes an empty temporary copy of each table: {}",
        match because {
            NoCopies::Privilege => "the login may not create temporary tables; `GRANT TEMPORARY ON \
                DATABASE …` to the migrations' login",
            NoCopies::ReadOnly => "this login's transactions only read; use the migrations' login, or \
                set its `default_transaction_read_only` to off",
            NoCopies::Standby => "this server is a standby, which only reads; ask the primary",
        }
    )]
    CannotVerify {
        /// Why there can be none.
        because: NoCopies,
    },
    /// The server refused the desired policies.
    #[error(
        "table `{table}`: the server does not take its policies: {source}. Where they name the \
         table's own columns, leave its schema out"
    )]
    Policies {
        /// The table.
        table: String,
        /// What the server said.
        source: Arc<DbErr>,
    },
    /// Policies ask each other, or one asks its own table: no statement could read the table.
    #[error(
        "table `{table}`: its policies lead back to themselves ({source}): what a policy reads is \
         under that table's policies in turn. End the circle at one table, or ask a SECURITY DEFINER \
         function there (`rls doctor --explain RLS114`)"
    )]
    PoliciesAskEachOther {
        /// A table that no statement could read or write.
        table: String,
        /// What the server said.
        source: Arc<DbErr>,
    },
    /// A column of `grant(…)` or `admin(…)` cannot be written.
    #[error("table `{table}`: `grant(…)` or `admin(…)` names `{column}`: {why}")]
    ColumnGranted {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// Why it cannot, and what to do.
        why: &'static str,
    },
    /// The changes let more rows be reached, and nobody has accepted that.
    #[error(
        "these changes weaken protection: {}; if that is meant, accept it (`rls apply \
         --accept-weakening`, or `RLS_ACCEPT_WEAKENING=true` for `up`; in code \
         `RlsSchema::danger_accept_weakening`, `RlsConfig::danger_accept_weakening`)",
        changes.join("; ")
    )]
    Weakens {
        /// The changes, each with how it weakens.
        changes: Vec<String>,
    },
    /// Statements of the version that is running would begin to fail, and nobody has accepted that.
    #[error(
        "statements of the version that is running would fail: {}; deploy that first, and make these \
         changes afterwards, or accept it (`rls apply --accept-breaking`; `up` refuses it since \
         RLS_REFUSE_BREAKING is set; in code `RlsSchema::refuse_breaking(false)`)",
        changes.join("; ")
    )]
    Breaks {
        /// The changes, each with what fails and what to deploy first.
        changes: Vec<String>,
    },
    /// Rows belong to someone through a column that is not unique.
    #[error(
        "table `{table}` belongs to whom rows of `{parent}` belong, by `{parent}.{column}`, which \
         two rows there may share: anyone could make one that leads to it. Make that column the \
         primary key, or unique on its own"
    )]
    ParentNotUnique {
        /// The table.
        table: String,
        /// The table it leads to.
        parent: String,
        /// The column it leads to.
        column: String,
    },
    /// A configured role is the login of the migrations.
    #[error(
        "role `{role}` is the login that migrates: it would lose its rights, and be bound by no \
         policy. Give the application and the administrator roles of their own (`RLS_APP_USER`, \
         `RLS_MAINTENANCE_ADMIN`)"
    )]
    RoleInUse {
        /// The role.
        role: String,
    },
    /// A configured role administers the server, and no policy is for it yet.
    #[error(
        "role `{role}` has {powers}, and no policies were made for it: it would lose that. Use a \
         role of the application's own (`RLS_APP_USER`, `RLS_MAINTENANCE_ADMIN`), which the \
         migrations create. If it is the application's own, let an administrator of the server take \
         that from it first (`ALTER ROLE … NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOREPLICATION`)"
    )]
    RoleHasPowers {
        /// The role.
        role: String,
        /// Its attributes.
        powers: String,
    },
    /// A name that is needed is in use.
    #[error(
        "table `{table}`: `{name}` is there already, and is not what is needed: rename or drop it"
    )]
    NameTaken {
        /// The table.
        table: String,
        /// The name.
        name: String,
    },
    /// The owner column seems to be renamed in the entity, but not in the database.
    #[error(
        "table `{table}` has no column `{column}`, but `{found}` has the current user as its \
         default: if it was renamed, let a migration say `ALTER TABLE {table} RENAME COLUMN \
         \"{found}\" TO \"{column}\"`"
    )]
    OwnerRenamed {
        /// The table.
        table: String,
        /// The column in the entity.
        column: String,
        /// The column in the database.
        found: String,
    },
    /// A table that is not the audit's has its name.
    #[error(
        "`{table}` is not the audit's table as this version makes it ({difference}): rename what \
         is there, or name another table (`RLS_AUDIT_TABLE`, `RlsConfig::audit_table`)"
    )]
    NotTheAudit {
        /// The table.
        table: String,
        /// What differs.
        difference: String,
    },
    /// Policies would read signed contexts, and no key holds that could sign one.
    #[error(
        "no key holds that signs contexts, so no row could be reached: run `up` with \
         RLS_SIGNED_CONTEXTS=sent, then `rls keys rotate`, give the services the key that it \
         prints, and then run `up` with RLS_SIGNED_CONTEXTS=required"
    )]
    NoSigningKey,
    /// The table of the keys is not there.
    #[error(
        "{keys}, which holds the keys that sign contexts, is missing: run `up` with \
         RLS_SIGNED_CONTEXTS=sent first"
    )]
    NoSigning {
        /// The table.
        keys: String,
    },
    /// There is no key with this identifier.
    #[error("there is no key `{id}`: `rls keys list` shows the keys")]
    NoSuchKey {
        /// The identifier.
        id: String,
    },
    /// Something else has the name of an object of signed contexts.
    #[error(
        "`{object}` is not what verifies signed contexts: rename what is there, or name an audit's \
         table in another schema, beside which it is made (`RLS_AUDIT_TABLE`)"
    )]
    SigningObjectTaken {
        /// The table or view.
        object: String,
    },
    /// A migration drops or alters what policies read.
    #[error(
        "the migration drops or alters what these policies read: {}: {remedy} ({source})",
        policies.join(", ")
    )]
    PoliciesInTheWay {
        /// The policies, each with its table.
        policies: Vec<String>,
        /// What to do.
        remedy: String,
        /// What the server said.
        source: Arc<DbErr>,
    },
    /// The name of a domain that carries a part of a context is another type's.
    #[error(
        "`{domain}` is there already, and is no domain over `{base}`, which carries a part of a \
         context: rename or drop it, or have these domains in another schema, that of the audit's \
         table (`RLS_AUDIT_TABLE=<schema>.<table>`, `RlsConfig::audit_table`)"
    )]
    DomainTaken {
        /// The name.
        domain: String,
        /// The type of the domain's values.
        base: String,
    },
    /// The name of the function that adds a row to the audit table is another function's.
    #[error(
        "`{function}(text)` is there already, and cannot be replaced by the function that adds a \
         row to the audit's table: rename or drop it, or have the audit's table in another schema \
         (`RLS_AUDIT_TABLE=<schema>.<table>`, `RlsConfig::audit_table`)"
    )]
    FunctionTaken {
        /// The name.
        function: String,
    },
    /// The server has no room for more locks: those of a sync are held until it commits. Nothing was
    /// changed.
    #[error(
        "`{sql}` failed: {source}. A sync holds some ten locks for each table that it changes until it \
         commits, and the server's table of locks is full. Set `max_locks_per_transaction` (64 by default) \
         so that it, times `max_connections`, is ten times the number of tables, and restart the server. \
         Nothing was changed"
    )]
    TooManyLocks {
        /// The statement, with secrets left out.
        sql: String,
        /// What the server said.
        source: Arc<DbErr>,
    },
    /// Citus cannot have a table as its entity declares it. Nothing was changed.
    #[error("table `{table}` cannot be on Citus as its entity says: {reason}")]
    NotOnCitus {
        /// The table.
        table: String,
        /// What is in the way, and the way round.
        reason: NotOnCitus,
    },
    /// A statement failed for another reason.
    #[error("`{sql}` failed: {source}")]
    Statement {
        /// The statement, with secrets left out.
        sql: String,
        /// What the server said.
        source: Arc<DbErr>,
    },
    /// The catalog contains something that this version cannot read.
    #[error("the catalog holds what this version cannot read: {what}")]
    Catalog {
        /// What it is.
        what: String,
    },
}

debug_is_display!(SchemaError);

/// Why a login can make no temporary copies of tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum NoCopies {
    /// It lacks `TEMPORARY` on the database.
    Privilege,
    /// Its transactions only read.
    ReadOnly,
    /// The server is a standby.
    Standby,
}

/// Why Citus cannot have a table as its entity declares it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NotOnCitus {
    /// It is distributed, and its entity does not say so.
    #[error(
        "it is distributed, and the entity does not say `distribute`, so its policies would have \
         sub-selects, which Citus refuses: say it; or run `SELECT undistribute_table(…)` as a \
         superuser (as an owner whom forced row security binds, Citus copies no row, and drops them)"
    )]
    Undeclared,
    /// It is distributed by another column, or is a reference table.
    #[error(
        "it is distributed in another way: run `SELECT alter_distributed_table(…)` or \
         `undistribute_table(…)` in a migration of your own, as a superuser (as an owner whom forced \
         row security binds, Citus copies no row, and drops them)"
    )]
    Otherwise,
    /// A unique index lacks the column by which it is distributed.
    #[error(
        "the unique index or primary key on ({}) lacks `{column}`, and Citus can keep only one with \
         it unique: add the column to it, as `(owner_id, id)`",
        columns.join(", ")
    )]
    Unique {
        /// The columns of the index.
        columns: Vec<String>,
        /// The column by which the table is distributed.
        column: String,
    },
    /// The column by which it is distributed is to change.
    #[error(
        "it is distributed by `{column}` already, and Citus changes neither the default of that column \
         nor whether it is NULL: say `no_default` if the default alone differs; or, as a superuser, run \
         `SELECT undistribute_table(…)`, and migrate again"
    )]
    Column {
        /// The column.
        column: String,
    },
    /// It refers to a table whose rows are on other nodes.
    #[error(
        "Citus takes no foreign key from it to `{parent}`: both must be distributed, by columns that the \
         key has in it. Say `distribute` on both or on none, or `no_foreign_key`"
    )]
    Reference {
        /// The table that it refers to.
        parent: String,
    },
    /// A policy has a sub-select.
    #[error(
        "the policy `{policy}` has a sub-select, which Citus refuses: compare columns with \
         `current_setting(…)` alone, or give the table a column that says it"
    )]
    SubSelect {
        /// The policy.
        policy: String,
    },
    /// Contexts are signed.
    #[error(
        "contexts are signed, and the view that verifies them is read by a sub-select, which Citus \
         refuses: set `RLS_SIGNED_CONTEXTS` to `off`"
    )]
    Signed,
}

impl SchemaError {
    pub(super) fn source_error(&self) -> Option<&DbErr> {
        match self {
            Self::Backfill { source, .. }
            | Self::Privilege { source, .. }
            | Self::RolesRefused { source, .. }
            | Self::Policies { source, .. }
            | Self::PoliciesAskEachOther { source, .. }
            | Self::PoliciesInTheWay { source, .. }
            | Self::TooManyLocks { source, .. }
            | Self::Deadlock { source, .. }
            | Self::Statement { source, .. } => Some(source),
            _ => None,
        }
    }
}
