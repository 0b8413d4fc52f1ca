//! The parts of a condition, and which of them is to blame.

use super::cause::Cause;
use super::value::{Truth, Value};
use crate::model::context::Settings;
use crate::model::expression::Expression;
use crate::name::{Identifier, SettingName, TableName};
use crate::sql;

/// A condition, what it says of the row, and the parts that it is joined of.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Part {
    /// What kind of a condition it is.
    pub kind: PartKind,
    /// Its SQL.
    pub condition: String,
    /// What the server says of it.
    pub value: Truth,
    /// The columns and settings that it names, with their values.
    pub facts: Vec<(String, Value)>,
    /// Its parts. Of a reference: the condition on the row that it leads to.
    pub parts: Vec<Part>,
}

/// What kind of a condition a part is.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum PartKind {
    /// All of its parts must hold.
    All,
    /// One of its parts must hold.
    Any,
    /// A column is the current user or tenant.
    Holder {
        /// The column.
        column: Identifier,
        /// The setting that names the current one.
        setting: SettingName,
    },
    /// A column shares the row.
    Shared {
        /// The column.
        column: Identifier,
    },
    /// A column does not mark the row as deleted.
    NotDeleted {
        /// The column.
        column: Identifier,
    },
    /// The row refers to a row of another table, on which the parts hold.
    Through {
        /// The column.
        column: Identifier,
        /// The other table.
        parent: TableName,
        /// How many rows the column leads to, up to a limit. Rows are looked for only if the part does
        /// not hold.
        rows: usize,
        /// What hides the row in its own table, if the parts hold on it.
        hidden: Vec<Cause>,
    },
    /// Any other condition.
    Condition,
}

/// A reference to follow: column, parent, its column, and the condition there.
pub(super) struct Reference<'a> {
    pub(super) column: &'a Identifier,
    pub(super) parent: &'a TableName,
    pub(super) parent_column: &'a Identifier,
    pub(super) holds: &'a Expression,
}

/// The reference of an expression, if it is one.
pub(super) fn reference(expression: &Expression) -> Option<Reference<'_>> {
    match expression {
        Expression::Through {
            column,
            parent,
            parent_column,
            holds,
        }
        | Expression::FirstThrough {
            column,
            parent,
            parent_column,
            holds,
        } => Some(Reference {
            column,
            parent,
            parent_column,
            holds,
        }),
        Expression::First(part) => reference(part),
        _ => None,
    }
}

/// The parts of an expression. A signed policy compares a column twice, once with the signed context
/// and once so that an index serves: only the first is shown.
pub(super) fn parts(expression: &Expression) -> Vec<&Expression> {
    let (Expression::All(parts) | Expression::Any(parts)) = expression else {
        return Vec::new();
    };

    match parts.as_slice() {
        [signed @ Expression::First(_), _plain] => vec![signed],
        parts => parts.iter().collect(),
    }
}

impl Part {
    /// The part for an expression, not evaluated yet.
    pub(super) fn new(expression: &Expression) -> Self {
        Self {
            kind: kind(expression),
            condition: sql::expression(expression).trim_end().to_owned(),
            value: Truth::Null,
            facts: Vec::new(),
            parts: parts(expression).into_iter().map(Self::new).collect(),
        }
    }

    /// This part and all in it.
    pub(super) fn each(&self) -> Vec<&Part> {
        let mut all = vec![self];
        all.extend(self.parts.iter().flat_map(Part::each));
        all
    }

    /// Gives each part its value, in the order of [`Part::each`].
    pub(super) fn take(&mut self, values: &mut impl Iterator<Item = Truth>) {
        if let Some(value) = values.next() {
            self.value = value;
        }

        for part in &mut self.parts {
            part.take(values);
        }
    }

    /// What makes the part not hold, in a context.
    pub(super) fn blame(&self, policy: &Identifier, context: &Settings) -> Vec<Cause> {
        if self.value.holds() {
            return Vec::new();
        }

        if let Truth::Failed { sqlstate } = &self.value
            && self.parts.is_empty()
        {
            let (policy, sqlstate) = (policy.clone(), sqlstate.clone());
            return vec![Cause::Failed { policy, sqlstate }];
        }

        let of_parts = || {
            let parts = self.parts.iter();
            parts.flat_map(|part| part.blame(policy, context)).collect()
        };
        match &self.kind {
            PartKind::All | PartKind::Any => of_parts(),
            PartKind::Holder { column, setting } => {
                let (column, setting) = (column.clone(), setting.clone());
                let is_set = context.get(&setting).is_some_and(|value| !value.is_empty());
                vec![if is_set {
                    Cause::OtherHolder { column, setting }
                } else {
                    Cause::NoContext { column, setting }
                }]
            }
            PartKind::Shared { column } => vec![Cause::NotShared {
                column: column.clone(),
            }],
            PartKind::NotDeleted { column } => vec![Cause::Deleted {
                column: column.clone(),
            }],
            PartKind::Through {
                column,
                parent,
                rows: 0,
                ..
            } => vec![Cause::NoParent {
                column: column.clone(),
                parent: parent.clone(),
            }],
            PartKind::Through {
                column,
                parent,
                hidden,
                ..
            } => {
                let causes: Vec<Cause> = of_parts();
                let causes = causes.into_iter().chain(hidden.iter().cloned());
                let of_parent = causes.map(|cause| Cause::Parent {
                    column: column.clone(),
                    parent: parent.clone(),
                    cause: Box::new(cause),
                });
                of_parent.collect()
            }
            PartKind::Condition => vec![Cause::Condition {
                policy: policy.clone(),
            }],
        }
    }
}

fn kind(expression: &Expression) -> PartKind {
    match expression {
        Expression::All(_) => PartKind::All,
        Expression::Any(_) => PartKind::Any,
        Expression::IsCurrent {
            column, setting, ..
        }
        | Expression::IsCurrentOnNode {
            column, setting, ..
        }
        | Expression::IsVerified {
            column, setting, ..
        } => PartKind::Holder {
            column: column.clone(),
            setting: setting.clone(),
        },
        Expression::IsTrue(column) => PartKind::Shared {
            column: column.clone(),
        },
        Expression::NotDeleted(column)
        | Expression::NotDeletedRounded(column, _)
        | Expression::FirstNotDeleted(column, _) => PartKind::NotDeleted {
            column: column.clone(),
        },
        Expression::First(part) => kind(part),
        Expression::Through { column, parent, .. }
        | Expression::FirstThrough { column, parent, .. } => PartKind::Through {
            column: column.clone(),
            parent: parent.clone(),
            rows: 0,
            hidden: Vec::new(),
        },
        _ => PartKind::Condition,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::key::KeyType;

    fn name(text: &str) -> Identifier {
        Identifier::new(text).unwrap()
    }

    fn through(column: &str) -> Expression {
        let table = |text| TableName {
            schema: None,
            table: name(text),
        };
        Expression::Through {
            column: name(column),
            parent: table("parent"),
            parent_column: name("id"),
            holds: Box::new(Expression::True),
        }
        .signed(&table("verified"))
    }

    /// Only a comparison stands in a signed policy twice.
    #[test]
    fn each_part_of_a_signed_condition_is_shown_once() {
        let verified = TableName {
            schema: None,
            table: name("verified"),
        };
        let current = Expression::IsCurrent {
            column: name("owner_id"),
            setting: SettingName::new("app.user_id").unwrap(),
            key: KeyType::Uuid,
        };
        assert_eq!(parts(&current.signed(&verified)).len(), 1);

        for second in [
            through("other_id"),
            Expression::NotDeleted(name("deleted_at")),
        ] {
            let both = Expression::All(vec![through("parent_id"), second]);
            assert_eq!(parts(&both).len(), 2, "{both:?}");
        }
    }
}
