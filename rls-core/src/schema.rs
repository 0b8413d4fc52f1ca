//! From the scopes of the entities to the catalog of a database, and back.
//!
//! `desired` and `snapshot` hold the desired and the actual state of a database, and
//! `table` those of one table. `catalog` reads the actual state, `diff` compares the two,
//! `plan` holds the changes, `render` writes their SQL, `show` prints them, and `sync`
//! drives it all in one transaction.

// May import every room that stands before it in lib.rs; knows nothing of `request`.

pub(crate) mod catalog;
pub(crate) mod desired;
pub(crate) mod diff;
pub(crate) mod fingerprint;
pub(crate) mod keys;
pub(crate) mod plan;
pub mod read;
pub(crate) mod render;
pub(crate) mod scram;
pub(crate) mod show;
pub(crate) mod snapshot;
pub(crate) mod sync;
pub(crate) mod table;
pub(crate) mod trial;
pub(crate) mod used;

pub use desired::MissingTables;
pub use keys::KeyState;
pub use plan::{
    Breaking, Change, ColumnChange, DistributionChange, DomainChange, DomainDefinition,
    ForeignKeyChange, FunctionChange, IndexChange, Plan, PolicyChange, PrivilegeChange,
    RecordDefinition, RoleChange, RowSecurityChange, SigningChange, TableChange, Unmanaged,
    UsageChange, Verifier,
};
pub use show::PlanText;
pub use sync::{
    DroppedPolicies, MigrationScript, Obstacles, RlsSchema, StandingPolicies, apply_changes,
    apply_statements, ensure_roles,
};
