//! The row security of one table as data: what is asked for, and what the catalog holds.

mod actual;
mod desired;

pub(crate) use actual::{ActualColumn, ActualForeignKey, ActualIndex, ActualPolicy, ActualTable};
pub(crate) use desired::{DesiredColumn, DesiredIndex, DesiredPolicy, DesiredTable};
