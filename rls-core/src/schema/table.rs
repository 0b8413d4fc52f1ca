//! The desired and the actual state of one table, as data.

mod actual;
mod desired;
pub(crate) mod serves;

pub(crate) use actual::{
    ActualColumn, ActualForeignKey, ActualIndex, ActualPolicy, ActualTable, Generated, KeyClauses,
};
pub(crate) use desired::{DesiredBound, DesiredColumn, DesiredIndex, DesiredPolicy, DesiredTable};
