use crate::schema::snapshot::CanonicalTable;
use crate::schema::table::{ActualTable, DesiredTable};

/// One table: as it is desired, the same as the server prints it if there is anything to compare
/// it with, and as it is.
#[derive(Clone, Copy)]
pub(crate) struct Table<'a> {
    pub(crate) desired: &'a DesiredTable,
    pub(crate) canonical: Option<&'a CanonicalTable>,
    pub(crate) actual: &'a ActualTable,
}

impl Table<'_> {
    /// Whether a column that the policies need is yet to be added.
    pub(crate) fn lacks_column(&self) -> bool {
        self.desired
            .columns
            .iter()
            .any(|column| !self.actual.columns.contains_key(&column.name))
    }
}
