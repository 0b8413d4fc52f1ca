//! What stands in the way of a statement, and what would let it pass.

use std::fmt;

use crate::model::key::KeyType;
use crate::model::privilege::Privilege;
use crate::name::{Identifier, SettingName, TableName};

/// What stands in the way of a statement. `Display` is the cause in words, without a value.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// No row has this key.
    NoRow,
    /// The login may not use the schema.
    NoUsage {
        /// The schema.
        schema: Identifier,
    },
    /// The login has no such privilege on the table.
    NoGrant {
        /// The privilege.
        privilege: Privilege,
    },
    /// The login has the privilege on other columns only.
    NoColumnGrant {
        /// The privilege.
        privilege: Privilege,
        /// The columns that it lacks.
        columns: Vec<Identifier>,
    },
    /// The context's value is not of the type that policies compare it with.
    WrongType {
        /// The setting.
        setting: SettingName,
        /// The type.
        expected: KeyType,
    },
    /// Row security is enabled, and no permissive policy is for this login and command.
    NoPolicy,
    /// The context does not set what the policy reads.
    NoContext {
        /// The column that is compared.
        column: Identifier,
        /// The setting.
        setting: SettingName,
    },
    /// The row is another user's or tenant's.
    OtherHolder {
        /// The column that names the user or tenant.
        column: Identifier,
        /// The setting that names the current one.
        setting: SettingName,
    },
    /// The row is not shared.
    NotShared {
        /// The column that would share it.
        column: Identifier,
    },
    /// The row is marked as deleted.
    Deleted {
        /// The column that marks it.
        column: Identifier,
    },
    /// The row refers to no row of the table through which it would belong to someone.
    NoParent {
        /// The referring column.
        column: Identifier,
        /// The table.
        parent: TableName,
    },
    /// The row that it belongs to someone through is hidden.
    Parent {
        /// The referring column.
        column: Identifier,
        /// The table of that row.
        parent: TableName,
        /// What hides that row.
        cause: Box<Cause>,
    },
    /// The condition of a policy does not hold.
    Condition {
        /// The policy.
        policy: Identifier,
    },
    /// The server cannot evaluate the condition of a policy.
    Failed {
        /// The policy.
        policy: Identifier,
        /// The SQLSTATE.
        sqlstate: String,
    },
    /// A policy lets the row through that the entity does not declare, and the guard does not.
    Guard {
        /// The guard.
        policy: Identifier,
    },
    /// A foreign key leads to no row.
    ForeignKey {
        /// The constraint.
        constraint: Identifier,
        /// The table that it refers to.
        parent: TableName,
    },
    /// Rows of another table refer to the row.
    Referenced {
        /// The constraint.
        constraint: Identifier,
        /// The table of those rows.
        by: TableName,
    },
    /// Another row has the same key.
    Unique {
        /// The index of the key.
        index: Identifier,
        /// Its columns.
        columns: Vec<Identifier>,
    },
    /// The table is a partition, which has no policies and no grants of its own.
    Partition {
        /// The partitioned table.
        root: TableName,
    },
}

impl Cause {
    /// The word for programs.
    #[must_use]
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::NoRow => "no_row",
            Self::NoUsage { .. } => "no_usage",
            Self::NoGrant { .. } => "no_grant",
            Self::NoColumnGrant { .. } => "no_column_grant",
            Self::WrongType { .. } => "wrong_type",
            Self::NoPolicy => "no_policy",
            Self::NoContext { .. } => "no_context",
            Self::OtherHolder { .. } => "other_holder",
            Self::NotShared { .. } => "not_shared",
            Self::Deleted { .. } => "deleted",
            Self::NoParent { .. } => "no_parent",
            Self::Parent { .. } => "parent",
            Self::Condition { .. } => "condition",
            Self::Failed { .. } => "failed",
            Self::Guard { .. } => "guard",
            Self::ForeignKey { .. } => "foreign_key",
            Self::Referenced { .. } => "referenced",
            Self::Unique { .. } => "unique",
            Self::Partition { .. } => "partition",
        }
    }

    /// What would let the statement pass.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::NoRow => "look for the key as an administrator: it was never there, or is deleted".to_owned(),
            Self::NoUsage { schema } => format!("`GRANT USAGE ON SCHEMA` `{schema}` to the login: the migrations do so"),
            Self::NoGrant { privilege } => format!(
                "say `grant(…)` with `{}` on the entity's derive, and run the migrations",
                privilege.as_sql().to_lowercase()
            ),
            Self::NoColumnGrant { columns, .. } => format!(
                "leave {} out of the statement, or grant the privilege on the whole table",
                named(columns)
            ),
            Self::WrongType { setting, expected } => format!(
                "make the context with a key of the type `{}` for `{setting}`",
                expected.as_sql()
            ),
            Self::NoPolicy => {
                "say `grant(…)` with this command on the entity's derive, which makes its policy, or \
                 declare a policy"
                    .to_owned()
            }
            Self::NoContext { setting, .. } => {
                format!("use a scope whose context sets `{setting}`")
            }
            Self::OtherHolder { column, setting } => {
                format!("use a context whose `{setting}` is the row's `{column}`")
            }
            Self::NotShared { column } => format!("its owner can share the row: set `{column}`"),
            Self::Deleted { column } => {
                format!("an administrator can set `{column}` to NULL: its owner does not find the row")
            }
            Self::NoParent { column, .. } => {
                format!("set `{column}` to the key of a row that is there")
            }
            Self::Parent { cause, .. } => cause.remedy(),
            Self::Condition { policy } => {
                format!("change the row or the context so that `{policy}` holds, or the policy")
            }
            Self::Failed { policy, .. } => format!(
                "give the settings values that `{policy}` can read, or change the policy"
            ),
            Self::Guard { .. } => {
                "declare the policy on the entity, and run the migrations, which add it to the guard"
                    .to_owned()
            }
            Self::ForeignKey { parent, .. } => format!("insert the row of `{parent}` first"),
            Self::Referenced { by, .. } => format!("delete the rows of `{by}` first"),
            Self::Unique { columns, .. } => format!("give {} other values", named(columns)),
            Self::Partition { root } => format!("name `{root}` in the statement"),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoRow => f.write_str("no row has this key"),
            Self::NoUsage { schema } => {
                write!(f, "the login has no USAGE on the schema `{schema}`")
            }
            Self::NoGrant { privilege } => {
                write!(f, "the login has no {} on the table", privilege.as_sql())
            }
            Self::NoColumnGrant { privilege, columns } => {
                let privilege = privilege.as_sql();
                write!(f, "the login has no {privilege} on {}", named(columns))
            }
            Self::WrongType { setting, expected } => {
                let expected = expected.as_sql();
                write!(
                    f,
                    "the context's `{setting}` is no `{expected}`, so nothing was sent"
                )
            }
            Self::NoPolicy => f.write_str("no permissive policy is for this login and command"),
            Self::NoContext { setting, .. } => write!(f, "the context does not set `{setting}`"),
            Self::OtherHolder { column, setting } => {
                write!(f, "`{column}` is not the context's `{setting}`")
            }
            Self::NotShared { column } => write!(f, "`{column}` does not share the row"),
            Self::Deleted { column } => write!(f, "`{column}` marks the row as deleted"),
            Self::NoParent { column, parent } => {
                write!(f, "`{column}` refers to no row of `{parent}`")
            }
            Self::Parent {
                column,
                parent,
                cause,
            } => write!(
                f,
                "`{column}` refers to a row of `{parent}`, of which {cause}"
            ),
            Self::Condition { policy } => write!(f, "the condition of `{policy}` does not hold"),
            Self::Failed { policy, sqlstate } => write!(
                f,
                "the server cannot evaluate the condition of `{policy}` (SQLSTATE {sqlstate})"
            ),
            Self::Guard { policy } => write!(
                f,
                "`{policy}` stops what a policy would let through that the entity does not declare"
            ),
            Self::ForeignKey { constraint, parent } => {
                write!(
                    f,
                    "the foreign key `{constraint}` leads to no row of `{parent}`"
                )
            }
            Self::Referenced { constraint, by } => {
                write!(f, "rows of `{by}` refer to it (`{constraint}`)")
            }
            Self::Unique { index, columns } => {
                write!(f, "another row has the same {} (`{index}`)", named(columns))
            }
            Self::Partition { root } => write!(
                f,
                "the table is a partition of `{root}`, and has no policies and grants of its own"
            ),
        }
    }
}

fn named(columns: &[Identifier]) -> String {
    let columns: Vec<String> = columns.iter().map(|name| format!("`{name}`")).collect();
    columns.join(", ")
}
