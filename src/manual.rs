//! The manual: a page for each thing a project meets.
//!
//! | page | |
//! |---|---|
//! | [`first_steps`] | two users and their rows, from an empty folder |
//! | [`entities`] | whose rows are whose: the derives, and the tables of their keys |
//! | [`contexts`] | connections that carry a user; transactions, raw SQL, errors, what it costs |
//! | [`policies`] | what PostgreSQL is told, and policies of your own |
//! | [`migrations`] | `RlsMigrator`, reviewed changes, CI, logins, data, big tables |
//! | [`adopting`] | tables with rows, with policies by hand, schema sync |
//! | [`services`] | a web service on axum |
//! | [`background`] | jobs of one user, of many, of all |
//! | [`administrators`] | who sees all rows, and the record of it |
//! | [`testing`] | tests of your project, and the proof that users are kept apart |
//! | [`checking`] | the gate, the doctor, the report |
//! | [`pooling`] | pools, PgBouncer, standbys |
//! | [`limits`] | what it does not protect from |
//! | [`troubleshooting`] | by symptom, with the command that tells |
// Some pages speak of what a feature brings.
#![cfg_attr(
    not(all(feature = "migration", feature = "axum", feature = "testing")),
    allow(rustdoc::broken_intra_doc_links)
)]

#[doc = include_str!("../docs/manual/first_steps.md")]
pub mod first_steps {}

#[doc = include_str!("../docs/manual/entities.md")]
#[doc = "# `#[user_scoped(…)]`\n"]
#[doc = include_str!("../docs/manual/user_scoped_keys.md")]
#[doc = "# `#[tenant_scoped(…)]`\n"]
#[doc = include_str!("../docs/manual/tenant_scoped_keys.md")]
pub mod entities {}

#[doc = include_str!("../docs/manual/contexts.md")]
pub mod contexts {}

#[doc = include_str!("../docs/manual/policies.md")]
pub mod policies {}

#[doc = include_str!("../docs/manual/migrations.md")]
pub mod migrations {}

#[doc = include_str!("../docs/manual/adopting.md")]
pub mod adopting {}

#[doc = include_str!("../docs/manual/services.md")]
pub mod services {}

#[doc = include_str!("../docs/manual/background.md")]
pub mod background {}

#[doc = include_str!("../docs/manual/administrators.md")]
pub mod administrators {}

#[doc = include_str!("../docs/manual/testing.md")]
pub mod testing {}

#[doc = include_str!("../docs/manual/checking.md")]
pub mod checking {}

#[doc = include_str!("../docs/manual/pooling.md")]
pub mod pooling {}

#[doc = include_str!("../docs/manual/limits.md")]
pub mod limits {}

#[doc = include_str!("../docs/manual/troubleshooting.md")]
pub mod troubleshooting {}
