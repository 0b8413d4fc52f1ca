//! What makes the audit incomplete, or no audit: the record of the administrators' transactions.
//!
//! A table that an earlier configuration named still holds one, and is examined too.

use std::collections::{BTreeMap, BTreeSet};

use super::revokes;
use super::role::{disown, owns};
use crate::config::SignedContexts;
use crate::doctor::case::Case;
use crate::doctor::facts::{Grant, Grantee, Kind, Oid, Relation};
use crate::doctor::finding::Finding;
use crate::doctor::remedy::{Remedy, RunAs};
use crate::doctor::rules;
use crate::name::Identifier;
use crate::schema::plan::{Change, ColumnChange, PrivilegeChange, TableChange};
use crate::schema::render::AUDIT_GRANTED;
use crate::sql::{identifier, table};

pub(super) fn findings(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let (name, configured) = case.audit();
    let is_desired = case.config.audit().is_some() && case.scoped().next().is_some();

    if is_desired && configured.is_none() {
        let why = "administrators would leave no record, so the application does not start";
        findings.push(Finding::new(&rules::RLS501, &name, why, Remedy::Migrate));
    }

    planned(case, findings);

    for oid in &case.facts.audits {
        let relation = case.facts.relations.get(oid);
        if let Some(relation) = relation.filter(|relation| relation.kind == Kind::Table) {
            owner(case, relation, findings);
            privileges(case, *oid, relation, findings);
            views(case, *oid, relation, findings);
            additions(case, *oid, relation, findings);
        }
    }
}

fn planned(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let (name, configured) = case.audit();
    let relation = configured.and_then(|oid| case.facts.relations.get(&oid));
    let run_as = || relation.map_or(RunAs::Superuser, Relation::owned);

    for change in case.plan.iter().flat_map(|plan| plan.changes()) {
        match change {
            Change::Table(
                table,
                TableChange::Privilege(
                    PrivilegeChange::Grant { .. }
                    | PrivilegeChange::Widen { .. }
                    | PrivilegeChange::GrantColumns { .. },
                ),
            ) if *table == name && configured.is_some() => {
                let why = "administrators may not write or read it, so their transactions fail";
                let remedy = Remedy::statements(run_as(), change.sql());
                findings.push(Finding::new(&rules::RLS501, table, why, remedy));
            }
            Change::Table(table, TableChange::Column(column, ColumnChange::SetDefault { .. }))
                if *table == name =>
            {
                let why = "it records something else than what the server knows";
                let object = format!("{table}.{column}");
                let remedy = Remedy::statements(run_as(), change.sql());
                findings.push(Finding::new(&rules::RLS503, object, why, remedy));
            }
            _ => {}
        }
    }
}

fn owner(case: &Case<'_>, relation: &Relation, findings: &mut Vec<Finding>) {
    let (app, admin) = (case.config.app_role(), case.config.admin_role());
    let owner = case.facts.app_is(relation.owner).map(|role| (app, role));
    let owner = owner.or_else(|| {
        case.facts
            .admin_is(relation.owner)
            .map(|role| (admin, role))
    });

    // A role that bypasses policies has all rights everywhere, which says nothing of this table.
    if let Some((who, role)) = owner.filter(|(_, role)| role.bypasses.is_empty()) {
        let owns = owns(who, role);
        let why = format!("{owns}, and an owner can change what it records");
        let remedy = disown(case, who, role, &relation.name);
        findings.push(Finding::new(&rules::RLS502, &relation.name, why, remedy));
    }
}

/// Administrators may read the table and, unless only signed contexts are recorded, add to it. The two
/// roles need nothing else.
fn privileges(case: &Case<'_>, oid: Oid, relation: &Relation, findings: &mut Vec<Finding>) {
    let name = table(&relation.name);
    let admin = Grantee::Role(case.config.admin_role().clone());
    let may_add = case.config.signs_contexts() < SignedContexts::Required;

    let is_needed = |grant: &&Grant| {
        let column = grant.column.as_ref().map(Identifier::as_str);
        let adds = grant.privilege == "INSERT" && column == Some(AUDIT_GRANTED);
        grant.grantee == admin && (grant.privilege == "SELECT" || adds && may_add)
    };

    let mut surplus: BTreeMap<&Grantee, (BTreeSet<&str>, BTreeSet<String>)> = BTreeMap::new();
    let grants = case.facts.audit_grants.get(&oid).into_iter().flatten();

    for grant in grants.filter(|grant| !is_needed(grant)) {
        let what = match &grant.column {
            Some(column) => format!("{} ({})", grant.privilege, identifier(column)),
            None => grant.privilege.clone(),
        };

        let (words, statements) = surplus.entry(&grant.grantee).or_default();
        words.insert(&grant.privilege);
        statements.insert(format!("REVOKE {what} ON {name} FROM {}", grant.grantee));
    }

    for (grantee, (words, statements)) in surplus {
        let words: Vec<&str> = words.into_iter().collect();
        let why = format!(
            "{grantee} has {}: more than to read it and to add what is true",
            words.join(", ")
        );

        // To revoke a privilege on a table revokes it on the columns as well.
        let takes_all = statements
            .iter()
            .any(|statement| statement.starts_with("REVOKE INSERT ON"));
        let back = (takes_all && may_add && *grantee == admin)
            .then(|| format!("GRANT INSERT ({AUDIT_GRANTED}) ON {name} TO {grantee}"));

        let statements = statements.into_iter().chain(back).collect();
        let remedy = Remedy::statements(relation.owned(), statements);
        findings.push(Finding::new(&rules::RLS502, &relation.name, why, remedy));
    }
}

/// Views and rules over the table.
fn views(case: &Case<'_>, oid: Oid, relation: &Relation, findings: &mut Vec<Finding>) {
    for (reader, _) in case.facts.readers.iter().filter(|(_, base)| *base == oid) {
        let Some(view) = case.facts.relations.get(reader) else {
            continue;
        };
        let reads_as_its_reader = view.invoker && view.kind == Kind::View;
        if reads_as_its_reader || case.grants_on(*reader).is_empty() {
            continue;
        }

        let name = table(&view.name);
        let why = format!("it shows or changes `{}` to the application", relation.name);
        let remedy = revokes(
            &view.owner_name,
            |grantee| format!("REVOKE ALL ON {name} FROM {grantee}"),
            case.grantees_on(*reader),
        );

        findings.push(Finding::new(&rules::RLS502, &view.name, why, remedy));
    }
}

/// What no migration of this library adds to the table.
fn additions(case: &Case<'_>, oid: Oid, relation: &Relation, findings: &mut Vec<Finding>) {
    let name = table(&relation.name);
    let on = |it: &Identifier| format!("{}.{it}", relation.name);
    let mut push = |object: String, why: &str, owned: &Relation, statement: String| {
        let remedy = Remedy::sql(owned.owned(), statement);
        findings.push(Finding::new(&rules::RLS503, object, why, remedy));
    };

    let facts = case.facts;
    for trigger in facts.triggers.iter().filter(|it| it.relation == oid) {
        let why = "a trigger can change what is recorded, or leave it out";
        let drop = format!("DROP TRIGGER {} ON {name}", identifier(&trigger.name));
        push(on(&trigger.name), why, relation, drop);
    }

    for rewrite in facts.rewrites.iter().filter(|it| it.relation == oid) {
        let why = "a rewrite rule can record something else, or nothing";
        let drop = format!("DROP RULE {} ON {name}", identifier(&rewrite.name));
        push(on(&rewrite.name), why, relation, drop);
    }

    if relation.enabled {
        let why = "its policies decide what is recorded, and what of it can be read";
        let disable = format!("ALTER TABLE {name} DISABLE ROW LEVEL SECURITY");
        push(relation.name.to_string(), why, relation, disable);
    }

    if relation.unlogged {
        let why = "a crash of the server empties it";
        let log = format!("ALTER TABLE {name} SET LOGGED");
        push(relation.name.to_string(), why, relation, log);
    }

    let children = facts.inheritance.children(oid);
    for child in children.filter(|_| !relation.partitioned) {
        if let Some(child) = facts.relations.get(&child) {
            let why = format!(
                "its rows are read as if they were rows of `{}`",
                relation.name
            );
            let end = format!("ALTER TABLE {} NO INHERIT {name}", table(&child.name));
            push(child.name.to_string(), &why, child, end);
        }
    }
}
