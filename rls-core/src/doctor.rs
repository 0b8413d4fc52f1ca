//! The doctor: what in a database, beyond what the gate asks, weakens or slows row-level security,
//! and what to do.
//!
//! Facts are read first, in a fixed number of catalog queries whatever the number of tables
//! (`read`), into plain data (`facts`); rules look at the data alone (`check`).

mod case;
mod check;
mod doctor;
mod expression;
mod facts;
mod finding;
mod leaks;
mod read;
mod remedy;
mod report;
mod rule;
pub mod rules;
mod severity;
mod suppression;

pub use doctor::Doctor;
pub use finding::Finding;
pub use remedy::Remedy;
pub use report::{Report, ReportText};
pub use rule::Rule;
pub use rules::{RULES, explain};
pub use severity::Severity;
pub use suppression::{Suppression, SuppressionError, Suppressions};
