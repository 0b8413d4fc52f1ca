//! The row security of one table as data: what is asked for, and what the catalog holds.

mod actual;
mod desired;
pub(crate) mod serves;

pub(crate) use actual::{Actual, ActualColumn, ActualForeignKey, ActualIndex, ActualPolicy};
pub(crate) use desired::{Desired, DesiredColumn, DesiredIndex, DesiredPolicy};
