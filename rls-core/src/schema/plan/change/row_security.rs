/// A change of a table's row security, as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RowSecurityChange {
    /// `ENABLE ROW LEVEL SECURITY`.
    Enable,
    /// `DISABLE ROW LEVEL SECURITY`.
    Disable,
    /// `FORCE ROW LEVEL SECURITY`: the policies hold for the table's owner too.
    Force,
    /// `NO FORCE ROW LEVEL SECURITY`.
    NoForce,
    /// Do not force row security while the changes up to [`RowSecurityChange::RestoreForce`] read
    /// the table's rows: the policies hold for the login that owns the table too, and would hide
    /// rows from it. Both are in one transaction, and its lock on the table keeps the application
    /// out meanwhile.
    LiftForce,
    /// Force row security again.
    RestoreForce,
}

impl RowSecurityChange {
    pub(super) fn reverse(self) -> Self {
        match self {
            Self::Enable => Self::Disable,
            Self::Disable => Self::Enable,
            Self::Force => Self::NoForce,
            Self::NoForce => Self::Force,
            Self::LiftForce => Self::RestoreForce,
            Self::RestoreForce => Self::LiftForce,
        }
    }

    pub(super) fn weakens(self) -> Option<&'static str> {
        match self {
            Self::Disable => Some("every role with a grant sees every row"),
            Self::NoForce => Some("the table's owner sees every row"),
            Self::Enable | Self::Force | Self::LiftForce | Self::RestoreForce => None,
        }
    }
}
