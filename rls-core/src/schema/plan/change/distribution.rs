use crate::model::scope::Distribution;

/// A change of how Citus spreads a table over its nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DistributionChange {
    /// Move the rows from the coordinator to shards on the nodes.
    Distribute {
        /// By which column, or everywhere.
        distribution: Distribution,
    },
    /// Move all rows back to the coordinator.
    Undistribute,
}
