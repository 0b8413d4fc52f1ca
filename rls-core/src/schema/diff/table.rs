use crate::schema::snapshot::CanonicalTable;
use crate::schema::table::{ActualTable, DesiredIndex, DesiredTable, Generated};

/// One table: as it is desired, the same as the server prints it if there is anything to compare
/// it with, and as it is.
#[derive(Clone, Copy)]
pub(crate) struct Table<'a> {
    pub(crate) desired: &'a DesiredTable,
    pub(crate) canonical: Option<&'a CanonicalTable>,
    pub(crate) actual: &'a ActualTable,
}

impl Table<'_> {
    /// Whether the server can make an index: it makes none of columns that it computes when they are
    /// read.
    pub(crate) fn can_have(&self, index: &DesiredIndex) -> bool {
        index.columns.iter().chain(&index.only).all(|column| {
            self.actual
                .columns
                .get(column)
                .is_none_or(|column| column.generated != Some(Generated::Virtual))
        })
    }

    /// Whether a column that the policies need is yet to be added.
    pub(crate) fn lacks_column(&self) -> bool {
        self.desired
            .columns
            .iter()
            .any(|column| !self.actual.columns.contains_key(&column.name))
    }
}
