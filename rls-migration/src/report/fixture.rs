//! Entities for the tests of the report.

use std::collections::BTreeMap;

use rls_core::schema::read::{Origin, TablePolicy, TableSecurity};
use rls_core::{
    Command, Expression, ForeignKey, Holder, Identifier, Key, KeyType, OnDelete, Owned, Policy,
    Privilege, Scope, ScopeKind, SettingName, TableName, Through,
};

pub(crate) fn column(name: &str) -> Identifier {
    Identifier::new(name).unwrap()
}

pub(crate) fn table(name: &str) -> TableName {
    TableName {
        schema: None,
        table: column(name),
    }
}

pub(crate) fn setting(holder: Holder) -> SettingName {
    SettingName::new(if holder == Holder::User {
        "app.user_id"
    } else {
        "app.tenant_id"
    })
    .unwrap()
}

/// The key of an identity.
pub(crate) fn key(holder: Holder, name: &str) -> Key {
    Key {
        holder,
        column: column(name),
        key: KeyType::Uuid,
        setting: setting(holder),
        kind: ScopeKind::Identity,
    }
}

pub(crate) fn scope(name: &str, keys: Vec<Key>) -> Scope {
    Scope {
        table: table(name),
        keys,
        through: Vec::new(),
        bound: Vec::new(),
        shared: BTreeMap::new(),
        soft_delete: None,
        privileges: Privilege::READ_WRITE.into(),
        admin: Privilege::READ_WRITE.into(),
        columns: BTreeMap::new(),
        admin_columns: BTreeMap::new(),
        policies: Vec::new(),
        unscoped: None,
        distribution: None,
    }
}

pub(crate) fn current(holder: Holder, name: &str) -> Expression {
    Expression::IsCurrent {
        column: column(name),
        setting: setting(holder),
        key: KeyType::Uuid,
    }
}

pub(crate) fn through(name: &str, parent: &str, holds: Expression) -> Expression {
    Expression::Through {
        column: column(name),
        parent: table(parent),
        parent_column: column("id"),
        holds: Box::new(holds),
    }
}

/// A table in the database with these policies, applied by this crate.
pub(crate) fn actual_table(name: &str, policies: Vec<Policy>) -> TableSecurity {
    let mut actual = TableSecurity::new(table(name), column("migrator"));
    actual.enabled = true;
    actual.forced = true;
    actual.policies = policies
        .into_iter()
        .map(|policy| TablePolicy::new(policy, Origin::Applied))
        .collect();

    actual
}

/// A key that names the holder, a row of `parent`.
pub(crate) fn owned(holder: Holder, name: &str, parent: &str) -> Key {
    let foreign_key = ForeignKey {
        table: table(parent),
        column: column("id"),
        on_delete: Some(OnDelete::Cascade),
    };

    let owned = Owned {
        foreign_key: Some(foreign_key),
        index: vec![column(name)],
        default: true,
        backfill: None,
    };

    Key {
        kind: ScopeKind::Owned(owned),
        ..key(holder, name)
    }
}

/// A scope with rows that belong through rows of another table.
pub(crate) fn child(
    name: &str,
    holder: Holder,
    by: &str,
    parent: &str,
    holds: Expression,
) -> Scope {
    let through = Through {
        holder,
        column: column(by),
        parent: table(parent),
        parent_column: column("id"),
        unique: true,
        holds,
    };

    Scope {
        through: vec![through],
        ..scope(name, Vec::new())
    }
}

/// Users, tenants, what belongs to them, what everyone reads, and what belongs to nobody.
pub(crate) fn entities() -> Vec<Scope> {
    let own = || current(Holder::User, "owner_id");
    let mut task = scope("task", vec![owned(Holder::User, "owner_id", "user")]);
    task.shared.insert(Holder::User, column("is_shared"));

    let mut country = scope("country", Vec::new());
    country.unscoped = Some("the same for everyone".to_owned());
    country.privileges = [Privilege::Select].into();

    let mut notice = scope("notice", Vec::new());
    notice.policies = vec![
        Policy::permissive("open")
            .on([Command::Select])
            .using(Expression::raw_sql("published_at < now()")),
    ];

    vec![
        child("comment", Holder::User, "task_id", "task", own()),
        country,
        scope(
            "invoice",
            vec![
                owned(Holder::Tenant, "tenant_id", "organisation"),
                owned(Holder::User, "owner_id", "user"),
            ],
        ),
        notice,
        scope("organisation", vec![key(Holder::Tenant, "id")]),
        child(
            "reaction",
            Holder::User,
            "comment_id",
            "comment",
            through("task_id", "task", own()),
        ),
        task,
        scope("user", vec![key(Holder::User, "id")]),
    ]
}
