//! The doctor reports what weakens or slows row-level security in a database, beyond what the gate
//! checks, and how to repair it.
//!
//! It first reads facts into plain data, in a fixed number of catalog queries whatever the number
//! of tables. The [rules] then look only at that data.

mod case;
mod check;
mod examine;
mod expression;
mod facts;
mod finding;
mod leaks;
mod level;
mod read;
mod remedy;
mod report;
mod rule;
pub mod rules;
mod severity;
mod suppression;
mod trial;

pub use examine::Doctor;
pub use finding::Finding;
pub use level::Level;
pub use remedy::{Remedy, RunAs};
pub use report::{Report, ReportText};
pub use rule::Rule;
pub use rules::{RULES, explain};
pub use severity::Severity;
pub use suppression::{Suppression, SuppressionError, Suppressions};
