use std::collections::{BTreeMap, BTreeSet};

use rls_core::{Expression, Holder, Scope, SettingName};

use super::Phrase;

/// The users and tenants that settings name, over all tables.
#[derive(Clone, Debug, Default)]
pub(in crate::report) struct Holders {
    of: BTreeMap<SettingName, BTreeSet<Holder>>,
}

impl Holders {
    pub(in crate::report) fn new<'a>(scopes: impl IntoIterator<Item = &'a Scope>) -> Self {
        let mut holders = Self::default();
        for key in scopes.into_iter().flat_map(|scope| &scope.keys) {
            holders
                .of
                .entry(key.setting.clone())
                .or_default()
                .insert(key.holder);
        }

        holders
    }

    /// What the setting names, if that is either users or tenants.
    pub(super) fn named(&self, setting: &SettingName) -> Option<Holder> {
        let holders = self.of.get(setting)?;
        holders.first().copied().filter(|_| holders.len() == 1)
    }

    /// `the user's id`, with the setting if several settings name users.
    fn current(&self, setting: &SettingName) -> Phrase {
        let Some(holder) = self.named(setting) else {
            return Phrase::words("the value of the setting ").code(setting);
        };
        let id = Phrase::words(format!("the {}'s id", noun(holder)));
        let alike = self
            .of
            .keys()
            .filter(|other| self.named(other) == Some(holder))
            .count();

        if alike > 1 {
            id.then(" (in the setting ").code(setting).then(")")
        } else {
            id
        }
    }
}

pub(super) fn noun(holder: Holder) -> &'static str {
    match holder {
        Holder::User => "user",
        Holder::Tenant => "tenant",
    }
}

/// The rows that meet a condition: `the rows whose …`, `every row`, `no row`.
pub(super) fn rows(condition: &Expression, holders: &Holders) -> Phrase {
    match condition {
        Expression::True => Phrase::words("every row"),
        Expression::False => Phrase::words("no row"),
        other => Phrase::words("the rows ").join(whose(other, holders)),
    }
}

/// The rows that may be added.
pub(super) fn new_rows(condition: &Expression, holders: &Holders) -> Phrase {
    match condition {
        Expression::True => Phrase::words("any row"),
        Expression::False => Phrase::words("no row"),
        other => Phrase::words("rows ").join(whose(other, holders)),
    }
}

/// `whose owner_id is the user's id`, to stand behind a noun for rows.
pub(super) fn whose(condition: &Expression, holders: &Holders) -> Phrase {
    match condition {
        Expression::True => Phrase::words("of any kind"),
        Expression::False => Phrase::words("of no kind"),
        Expression::All(parts) if parts.is_empty() => Phrase::words("of any kind"),
        Expression::Any(parts) if parts.is_empty() => Phrase::words("of no kind"),
        // What stands first says the same of the signed context.
        Expression::All(parts) if parts.iter().any(is_first) => whose(
            &Expression::all(parts.iter().filter(|part| !is_first(part)).cloned()),
            holders,
        ),
        Expression::All(parts) => joined(parts, " and ", holders),
        Expression::Any(parts) => joined(parts, " or ", holders),
        Expression::OnVerified(part, _) => whose(part, holders),
        Expression::IsCurrent {
            column, setting, ..
        }
        | Expression::IsCurrentOnNode {
            column, setting, ..
        }
        | Expression::IsVerified {
            column, setting, ..
        } => Phrase::words("whose ")
            .code(column)
            .then(" is ")
            .join(holders.current(setting)),
        Expression::IsTrue(column) => Phrase::words("whose ").code(column).then(" is true"),
        Expression::NotDeleted(column) | Expression::FirstNotDeleted(column, _) => {
            Phrase::words("whose ")
                .code(column)
                .then(" is empty or not in the past")
        }
        Expression::Through {
            column,
            parent,
            parent_column,
            holds,
        } => {
            let row = Phrase::words("whose ")
                .code(column)
                .then(" is the ")
                .code(parent_column)
                .then(" of a row of ")
                .code(parent)
                .then(" ");

            row.join(part(holds, true, holders))
        }
        // Expressions that are SQL; `Current`, which is a value and no condition; and forms that
        // later versions add.
        other => Phrase::words("for which this SQL holds: ").code(other),
    }
}

fn is_first(condition: &Expression) -> bool {
    matches!(
        condition,
        Expression::First(_) | Expression::FirstThrough { .. }
    )
}

fn joined(parts: &[Expression], word: &'static str, holders: &Holders) -> Phrase {
    let mut phrase = Phrase::default();
    for (at, condition) in parts.iter().enumerate() {
        if at > 0 {
            phrase = phrase.then(word);
        }

        phrase = phrase.join(part(condition, at + 1 == parts.len(), holders));
    }

    phrase
}

/// One clause among others. A clause that joins clauses stands in parentheses, and so does one that
/// ends with words about another row, unless it is the last.
fn part(condition: &Expression, last: bool, holders: &Holders) -> Phrase {
    let joins =
        matches!(condition, Expression::All(parts) | Expression::Any(parts) if parts.len() > 1);
    let open = matches!(condition, Expression::Through { .. });
    let phrase = whose(condition, holders);

    if joins || open && !last {
        Phrase::words("(").join(phrase).then(")")
    } else {
        phrase
    }
}

#[cfg(test)]
mod tests {
    use rls_core::{Key, KeyType, ScopeKind};

    use super::*;
    use crate::report::fixture::{column, current, key, scope, through};

    fn said(condition: &Expression) -> String {
        let scopes = [
            scope("user", vec![key(Holder::User, "id")]),
            scope("org", vec![key(Holder::Tenant, "id")]),
        ];
        rows(condition, &Holders::new(&scopes)).to_string()
    }

    #[test]
    fn every_form_has_its_words() {
        let own = current(Holder::User, "owner_id");
        for (condition, expected) in [
            (Expression::True, "every row"),
            (Expression::False, "no row"),
            (own.clone(), "the rows whose `owner_id` is the user's id"),
            (
                current(Holder::Tenant, "org_id"),
                "the rows whose `org_id` is the tenant's id",
            ),
            (
                Expression::IsTrue(column("is_public")),
                "the rows whose `is_public` is true",
            ),
            (
                Expression::NotDeleted(column("gone")),
                "the rows whose `gone` is empty or not in the past",
            ),
            (
                through("task_id", "task", own.clone()),
                "the rows whose `task_id` is the `id` of a row of `task` whose `owner_id` is the \
                 user's id",
            ),
            (
                Expression::raw_sql("a < 3"),
                "the rows for which this SQL holds: `a < 3`",
            ),
            (
                Expression::Query(Box::new(sea_orm_migration::sea_orm::sea_query::Expr::cust(
                    "b = 1",
                ))),
                "the rows for which this SQL holds: `b = 1`",
            ),
            (
                Expression::Current {
                    setting: SettingName::new("app.user_id").unwrap(),
                    key: KeyType::Text,
                },
                "the rows for which this SQL holds: `NULLIF(current_setting('app.user_id', true), \
                 '')`",
            ),
            (Expression::All(Vec::new()), "the rows of any kind"),
            (Expression::Any(Vec::new()), "the rows of no kind"),
        ] {
            assert_eq!(said(&condition), expected);
        }
    }

    #[test]
    fn parentheses_tell_what_belongs_together() {
        let (own, tenant) = (
            current(Holder::User, "owner_id"),
            current(Holder::Tenant, "org_id"),
        );

        let shared = Expression::IsTrue(column("open"));
        let either = Expression::any([own.clone(), shared.clone()]);
        assert_eq!(
            said(&Expression::all([tenant.clone(), either.clone()])),
            "the rows whose `org_id` is the tenant's id and (whose `owner_id` is the user's id or \
             whose `open` is true)"
        );

        let task = through("task_id", "task", own.clone());
        assert_eq!(
            said(&Expression::all([task.clone(), tenant.clone()])),
            "the rows (whose `task_id` is the `id` of a row of `task` whose `owner_id` is the \
             user's id) and whose \
             `org_id` is the tenant's id"
        );
        assert_eq!(
            said(&Expression::all([tenant, task])),
            "the rows whose `org_id` is the tenant's id and whose `task_id` is the `id` of a row \
             of `task` whose \
             `owner_id` is the user's id"
        );
        assert_eq!(
            said(&through("task_id", "task", either)),
            "the rows whose `task_id` is the `id` of a row of `task` (whose `owner_id` is the \
             user's id or whose `open` \
             is true)"
        );

        assert_eq!(
            said(&through("a", "b", Expression::True)),
            "the rows whose `a` is the `id` of a row of `b` of any kind"
        );
    }

    #[test]
    fn settings_are_named_if_the_holder_is_not_clear() {
        let with = |holder, setting: &str| Key {
            holder,
            column: column("id"),
            key: KeyType::Uuid,
            setting: SettingName::new(setting).unwrap(),
            kind: ScopeKind::Identity,
        };

        let is = |setting: &str| Expression::IsCurrent {
            column: column("owner_id"),
            setting: SettingName::new(setting).unwrap(),
            key: KeyType::Uuid,
        };

        let scopes = [
            scope("a", vec![with(Holder::User, "app.user_id")]),
            scope("b", vec![with(Holder::User, "app.reviewer_id")]),
            scope(
                "c",
                vec![
                    with(Holder::User, "app.both"),
                    with(Holder::Tenant, "app.both"),
                ],
            ),
        ];

        let holders = Holders::new(&scopes);
        let said = |setting| rows(&is(setting), &holders).to_string();
        assert_eq!(
            said("app.reviewer_id"),
            "the rows whose `owner_id` is the user's id (in the setting `app.reviewer_id`)"
        );

        for unclear in ["app.both", "app.unknown"] {
            assert_eq!(
                said(unclear),
                format!("the rows whose `owner_id` is the value of the setting `{unclear}`")
            );
        }
    }
}
