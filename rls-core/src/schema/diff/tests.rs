//! The comparison, without a server: a snapshot is made by hand of what is desired.

mod distribution;
mod domain;

use std::collections::{BTreeMap, BTreeSet};

use super::diff;
use crate::config::RlsConfig;
use crate::error::SchemaError;
use crate::model::context_domain::ContextDomain;
use crate::model::expression::Expression;
use crate::model::key::{Holder, KeyType, OnDelete};
use crate::model::policy::Canonical;
use crate::model::privilege::{Columns, Grants, Privilege};
use crate::model::scope::{ForeignKey, Key, Owned, Scope, ScopeKind};
use crate::name::{Identifier, Schemas, SettingName, TableName};
use crate::schema::desired::{Desired, DesiredDomains, MissingTables};
use crate::schema::fingerprint::{self, Fingerprint};
use crate::schema::plan::{Change, Plan, PolicyChange, RowSecurityChange, TableChange, Unmanaged};
use crate::schema::render;
use crate::schema::snapshot::{
    ActualAudit, ActualDomain, ActualFunction, ActualRole, AuditTable, ByDefault, CanonicalTable,
    Relation, Snapshot,
};
use crate::schema::table::{
    ActualColumn, ActualForeignKey, ActualIndex, ActualPolicy, ActualTable, DesiredColumn,
    DesiredPolicy, DesiredTable, KeyClauses,
};
use crate::schema::used::UsedNames;
use crate::sql;

fn name(name: &str) -> Identifier {
    Identifier::new(name).unwrap()
}

fn table(table: &str) -> TableName {
    TableName {
        schema: Some(name("public")),
        table: name(table),
    }
}

fn scope(table: &str, column: &str, kind: ScopeKind) -> Scope {
    Scope {
        table: TableName {
            schema: None,
            table: name(table),
        },
        keys: vec![Key {
            holder: Holder::User,
            column: name(column),
            key: KeyType::Uuid,
            setting: SettingName::new("app.user_id").unwrap(),
            kind,
        }],
        through: Vec::new(),
        bound: Vec::new(),
        shared: BTreeMap::new(),
        soft_delete: None,
        privileges: Privilege::READ_WRITE.into(),
        admin: Privilege::READ_WRITE.into(),
        columns: Columns::new(),
        admin_columns: Columns::new(),
        policies: Vec::new(),
        unscoped: None,
        distribution: None,
    }
}

/// Users, and the tasks that belong to them.
fn desired(config: &RlsConfig, missing: MissingTables) -> Desired<'_> {
    let owned = ScopeKind::Owned(Owned {
        foreign_key: Some(ForeignKey {
            table: TableName {
                schema: None,
                table: name("user"),
            },
            column: name("id"),
            on_delete: None,
        }),
        index: vec![name("owner_id")],
        default: true,
        backfill: Some("'00000000-0000-0000-0000-000000000000'".to_owned()),
    });

    let schemas = Schemas::new(name("public"), BTreeMap::new());
    let scopes = [
        scope("task", "owner_id", owned),
        scope("user", "id", ScopeKind::Identity),
    ];

    Desired {
        config,
        tables: scopes
            .iter()
            .map(|scope| DesiredTable::new(scope, config, &schemas))
            .collect(),
        audit: config.audit().map(|audit| audit.found_in(&schemas)),
        domains: DesiredDomains {
            schema: name("public"),
            domains: ContextDomain::all(
                [SettingName::new("app.user_id").unwrap()],
                config.audit().is_some(),
                false,
            ),
        },
        verified: None,
        missing,
    }
}

/// As a server might print it.
fn printed(expression: &Expression) -> Canonical {
    Canonical::printed(format!("({})", sql::expression(expression)))
}

fn canonical(desired: &DesiredTable) -> CanonicalTable {
    let policies = desired.policies.iter().map(|desired| &desired.policy);
    CanonicalTable {
        policies: policies
            .map(|policy| (policy.name.clone(), policy.map(printed)))
            .collect(),
        defaults: desired
            .columns
            .iter()
            .filter_map(|column| Some((column.name.clone(), printed(column.default.as_ref()?))))
            .collect(),
    }
}

fn applied_policy(desired: &DesiredPolicy) -> ActualPolicy {
    let policy = desired.policy.map(printed);
    let fingerprint = Fingerprint {
        desired: desired.fingerprint.clone(),
        actual: fingerprint::actual(&policy),
        version: None,
    };

    ActualPolicy {
        policy,
        fingerprint: Some(fingerprint),
        version: None,
    }
}

/// The table as migrations leave it.
fn applied(desired: &DesiredTable) -> ActualTable {
    let column = |column: &DesiredColumn| ActualColumn {
        sql_type: column.key.as_sql().to_owned(),
        key: Some(column.key),
        not_null: true,
        unproven: None,
        default: column.default.as_ref().map(printed),
        generated: None,
    };

    let foreign_keys = desired.columns.iter().filter_map(|column| {
        let foreign_key = column.foreign_key.as_ref()?;
        Some(ActualForeignKey {
            name: name("task_owner_id_fkey"),
            columns: vec![column.name.clone()],
            table: foreign_key.table.clone(),
            parent_columns: vec![foreign_key.column.clone()],
            on_delete: Some(OnDelete::Cascade),
            validated: true,
            enforced: true,
            clauses: KeyClauses::default(),
            definition: String::new(),
        })
    });

    let indexes = desired.indexes.iter().map(|index| ActualIndex {
        columns: index.columns.clone(),
        only: index.only.clone(),
        unique: false,
    });

    ActualTable {
        enabled: true,
        forced: true,
        has_rows: true,
        columns: desired
            .columns
            .iter()
            .map(|desired| (desired.name.clone(), column(desired)))
            .collect(),
        policies: desired
            .policies
            .iter()
            .map(|desired| (desired.policy.name.clone(), applied_policy(desired)))
            .collect(),
        foreign_keys: foreign_keys.collect(),
        indexes: indexes.collect(),
        grants: desired.privileges.clone(),
        distribution: None,
        sequences: BTreeMap::new(),
    }
}

fn applied_domain(domain: &ContextDomain) -> ActualDomain {
    ActualDomain::Domain {
        definition: render::domain_definition(domain, &name("public")),
        fits: true,
        is_owned: false,
    }
}

/// The database as migrations leave it.
fn snapshot(desired: &Desired<'_>) -> Snapshot {
    let (app, admin) = (desired.config.app_role(), desired.config.admin_role());
    let audit = Grants {
        table: [Privilege::Select].into(),
        columns: [(Privilege::Insert, [name(render::AUDIT_GRANTED)].into())].into(),
    };

    let tables = || desired.tables.iter();
    Snapshot {
        roles: [app, admin]
            .map(|role| (role.clone(), ActualRole::default()))
            .into(),
        relations: tables()
            .map(|desired| {
                let actual = Relation::Table(Box::new(applied(desired)));
                (desired.table.clone(), actual)
            })
            .collect(),
        others: Vec::new(),
        schema_usage: [app, admin]
            .map(|role| (name("public"), role.clone()))
            .into(),
        by_default: ByDefault::default(),
        audit: ActualAudit::Table(AuditTable {
            defaults: Vec::new(),
            grants: [(admin.clone(), audit)].into(),
        }),
        domains: desired
            .domains
            .domains
            .iter()
            .map(|domain| (domain.clone(), applied_domain(domain)))
            .collect(),
        signing: None,
        recorder: Some(ActualFunction::Function {
            definition: "CREATE OR REPLACE FUNCTION as it was\n".to_owned(),
            fits: true,
            is_owned: false,
            grantees: [admin.clone()].into(),
        }),
        used: UsedNames::default(),
        canonical: tables()
            .map(|desired| (desired.table.clone(), canonical(desired)))
            .collect(),
        is_citus: false,
        unready: BTreeSet::new(),
    }
}

fn actual<'a>(snapshot: &'a mut Snapshot, of: &str) -> &'a mut ActualTable {
    match snapshot.relations.get_mut(&table(of)) {
        Some(Relation::Table(table)) => table,
        other => unreachable!("{other:?}"),
    }
}

/// The plan's words, as its JSON has them.
fn words(plan: &Plan) -> Vec<String> {
    let json: serde_json::Value = serde_json::from_str(&plan.json()).unwrap();
    let changes = json["changes"].as_array().unwrap();
    changes
        .iter()
        .map(|change| change["change"].as_str().unwrap().to_owned())
        .collect()
}

/// What is to be changed after `change` was made by hand.
fn after(change: impl FnOnce(&mut Snapshot)) -> Plan {
    let config = RlsConfig::new();
    let desired = desired(&config, MissingTables::Refuse);
    let mut snapshot = snapshot(&desired);
    change(&mut snapshot);

    diff(&desired, &snapshot).unwrap()
}

#[test]
fn diff_of_what_is_applied_is_empty() {
    assert_eq!(after(|_| {}), Plan::default());
}

#[test]
fn order_is_stable_and_leaves_no_gap() {
    // The two tables, as SeaORM creates them.
    let bare = |snapshot: &mut Snapshot| {
        let created = |of| {
            let actual = ActualTable {
                columns: [(name("id"), id())].into(),
                ..ActualTable::default()
            };
            (table(of), Relation::Table(Box::new(actual)))
        };

        *snapshot = Snapshot {
            relations: ["task", "user"].map(created).into(),
            ..Snapshot::default()
        };
    };

    let plan = after(bare);
    assert_eq!(plan, after(bare));

    let words = words(&plan);
    let at = |word: &str| {
        let first = words.iter().position(|other| other == word).unwrap();
        let last = words.iter().rposition(|other| other == word).unwrap();
        (first, last)
    };

    let order = [
        "create_role",
        "add_owner_column",
        "add_foreign_key",
        "enable_row_security",
        "grant",
    ];

    for pair in order.windows(2) {
        assert!(at(pair[0]).1 < at(pair[1]).0, "{words:?}");
    }

    assert!(at("create_policy").1 < at("grant").0, "{words:?}");
}

#[test]
fn table_whose_policies_read_others_is_changed_before_them() {
    let config = RlsConfig::new();
    let mut desired = desired(&config, MissingTables::Refuse);
    let parent = desired.tables[0].table.clone();
    let child = desired.tables[1].table.clone();
    for desired in &mut desired.tables[1].policies {
        desired.policy = desired.policy.map(|holds| Expression::Through {
            column: name("task_id"),
            parent: parent.clone(),
            parent_column: name("id"),
            holds: Box::new(holds.clone()),
        });
    }

    let mut snapshot = snapshot(&desired);
    for table in ["task", "user"] {
        actual(&mut snapshot, table).policies.clear();
    }

    let plan = diff(&desired, &snapshot).unwrap();
    let tables: Vec<&TableName> = plan.changes().iter().filter_map(Change::table).collect();
    let of_child = tables.iter().take_while(|table| ***table == child).count();
    assert!(of_child > 0, "{tables:?}");
    assert!(
        tables[of_child..].iter().all(|table| **table == parent),
        "{tables:?}"
    );
}

fn id() -> ActualColumn {
    ActualColumn {
        sql_type: "uuid".to_owned(),
        key: Some(KeyType::Uuid),
        not_null: true,
        unproven: None,
        default: None,
        generated: None,
    }
}

#[test]
fn diff_reports_dropped_force_and_disabled_row_security() {
    let plan = after(|snapshot| actual(snapshot, "task").forced = false);
    assert_eq!(
        plan.changes(),
        [Change::on(table("task"), RowSecurityChange::Force)]
    );

    let plan = after(|snapshot| actual(snapshot, "user").enabled = false);
    assert_eq!(
        plan.changes(),
        [Change::on(table("user"), RowSecurityChange::Enable)]
    );
}

#[test]
fn switched_off_by_configuration_is_disable_and_no_force() {
    let on = RlsConfig::new();
    let off = RlsConfig::new().danger_enabled(false).danger_force(false);
    let snapshot = snapshot(&desired(&on, MissingTables::Refuse));
    let plan = diff(&desired(&off, MissingTables::Refuse), &snapshot).unwrap();

    assert_eq!(
        words(&plan),
        [
            "disable_row_security",
            "no_force_row_security",
            "disable_row_security",
            "no_force_row_security"
        ]
    );
    assert_eq!(plan.weakening().count(), 4);
}

#[test]
fn altered_policy_is_repaired_and_policy_by_hand_stays() {
    let altered = after(|snapshot| {
        let policies = &mut actual(snapshot, "task").policies;
        let policy = policies.get_mut(&name("task_guard")).unwrap();
        policy.policy = policy.policy.map(|_| Canonical::printed("true".to_owned()));
    });
    assert!(
        matches!(
            altered.changes(),
            [Change::Table(
                _,
                TableChange::Policy(PolicyChange::Alter { repairs: true, .. })
            )]
        ),
        "{altered}"
    );

    let by_hand = after(|snapshot| {
        let policies = &mut actual(snapshot, "task").policies;
        let mut stray = policies[&name("task_guard")].clone();
        stray.policy.name = name("stray");
        stray.fingerprint = None;
        policies.insert(name("stray"), stray);
        snapshot.others = vec![table("legacy")];
    });
    assert!(by_hand.is_empty(), "{by_hand}");
    assert_eq!(
        by_hand.unmanaged(),
        [
            Unmanaged::Policy {
                table: table("task"),
                policy: name("stray"),
            },
            Unmanaged::Table {
                table: table("legacy"),
            }
        ]
    );
}

#[test]
fn policy_under_another_name_is_renamed() {
    let plan = after(|snapshot| {
        let policies = &mut actual(snapshot, "task").policies;
        let mut policy = policies.remove(&name("task_guard")).unwrap();
        policy.policy.name = name("old");
        policies.insert(name("old"), policy);
    });

    let rename = PolicyChange::Rename {
        was: name("old"),
        name: name("task_guard"),
    };
    assert_eq!(plan.changes(), [Change::on(table("task"), rename)]);
}

#[test]
fn surplus_privilege_is_revoked() {
    let plan = after(|snapshot| {
        let grants = &mut actual(snapshot, "task").grants;
        for privileges in grants.values_mut() {
            privileges.table.insert(Privilege::Truncate);
        }
    });

    assert_eq!(words(&plan), ["revoke", "revoke"]);
}

#[test]
fn privileges_on_columns_go_before_those_on_the_table_and_come_after_them() {
    let app = RlsConfig::new().app_role().clone();
    let columns = |names: &[&str]| names.iter().map(|it| name(it)).collect();
    let after = |change: &dyn Fn(&mut Grants)| {
        after(|snapshot| change(actual(snapshot, "task").grants.get_mut(&app).unwrap()))
    };

    // All columns are granted already.
    let beside = after(&|grants| {
        grants
            .columns
            .insert(Privilege::Update, columns(&["title"]));
    });
    assert_eq!(words(&beside), ["revoke_columns"]);
    assert_eq!(beside.breaking().count(), 0, "{beside}");

    let instead = after(&|grants| {
        grants.table.remove(&Privilege::Update);
        grants
            .columns
            .insert(Privilege::Update, columns(&["title"]));
    });
    assert_eq!(words(&instead), ["revoke_columns", "widen_grant"]);
    assert_eq!(words(&instead.reverse()), ["revoke", "grant_columns"]);
    assert_eq!(instead.weakening().count(), 1);
    assert_eq!(instead.breaking().count(), 0, "{instead}");

    let other = after(&|grants| {
        grants
            .columns
            .insert(Privilege::References, columns(&["id"]));
    });
    assert_eq!(words(&other), ["revoke_columns"]);
    assert_eq!(other.breaking().count(), 1, "{other}");
}

#[test]
fn missing_table_is_refused_or_skipped_with_what_refers_to_it() {
    let config = RlsConfig::new();
    let refused = desired(&config, MissingTables::Refuse);
    let mut snapshot = snapshot(&refused);
    snapshot.relations.remove(&table("user"));

    let error = diff(&refused, &snapshot).unwrap_err();
    assert!(
        matches!(&error, SchemaError::MissingTable { table } if table == "public.user"),
        "{error}"
    );

    let skipped = desired(&config, MissingTables::Skip);
    let waiting = Plan {
        waiting: vec![table("task"), table("user")],
        ..Plan::default()
    };
    assert_eq!(diff(&skipped, &snapshot).unwrap(), waiting);
}

/// FAULTS M2: an entity names what a later migration makes.
#[test]
fn table_that_is_not_yet_as_declared_is_skipped_while_migrations_are_pending() {
    let config = RlsConfig::new();
    let skipped = |change: &dyn Fn(&mut ActualTable)| {
        let mut desired = desired(&config, MissingTables::Skip);
        let of_task = &mut desired.tables[0];
        let published = Expression::IsTrue(name("published"));
        of_task.policies[0].policy = of_task.policies[0].policy.map(|_| published.clone());

        let mut snapshot = snapshot(&desired);
        let task = actual(&mut snapshot, "task");
        task.columns.insert(name("published"), id());
        task.policies.clear();
        change(task);

        let plan = diff(&desired, &snapshot).unwrap();
        !plan
            .changes
            .iter()
            .any(|change| change.table() == Some(&table("task")))
    };

    assert!(!skipped(&|_| {}), "all of it is there");
    assert!(skipped(&|task| drop(
        task.columns.remove(&name("published"))
    )));
    assert!(
        !skipped(&|task| drop(task.columns.remove(&name("owner_id")))),
        "the plan adds it"
    );
    assert!(skipped(&|task| {
        let owner = task.columns.get_mut(&name("owner_id")).unwrap();
        owner.key = Some(KeyType::Integer);
    }));
}

#[test]
fn role_that_migrates_is_refused_before_anything_else() {
    let config = RlsConfig::new();
    let desired = desired(&config, MissingTables::Refuse);
    let snapshot = Snapshot {
        roles: [(
            config.app_role().clone(),
            ActualRole {
                migrates: true,
                ..ActualRole::default()
            },
        )]
        .into(),
        ..Snapshot::default()
    };

    let error = diff(&desired, &snapshot).unwrap_err();
    assert!(matches!(error, SchemaError::RoleInUse { .. }), "{error}");
}
