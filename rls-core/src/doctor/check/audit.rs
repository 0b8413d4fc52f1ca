use std::collections::{BTreeMap, BTreeSet};

use super::role::disown;
use crate::doctor::case::Case;
use crate::doctor::facts::{Grant, Grantee, Kind, Oid, Relation};
use crate::doctor::finding::Finding;
use crate::doctor::remedy::Remedy;
use crate::doctor::rules;
use crate::name::Identifier;
use crate::schema::plan::{Change, ColumnChange, PrivilegeChange, TableChange};
use crate::schema::render::AUDIT_GRANTED;
use crate::sql::{identifier, table};

/// What makes the record of the administrators' transactions incomplete, or no record.
///
/// A table that an earlier configuration named still holds one, and is looked at too.
pub(super) fn findings(case: &Case<'_>, found: &mut Vec<Finding>) {
    let (name, configured) = case.audit();
    let is_wanted = case.config.audit().is_some() && case.scoped().next().is_some();

    if is_wanted && configured.is_none() {
        let why = "what administrators do would leave no record, so the application does not start";
        found.push(Finding::new(&rules::RLS501, &name, why, Remedy::Migrate));
    }

    for change in case.plan.iter().flat_map(|plan| plan.changes()) {
        match change {
            Change::Table(
                table,
                TableChange::Privilege(
                    PrivilegeChange::Grant { .. } | PrivilegeChange::GrantColumns { .. },
                ),
            ) if *table == name && configured.is_some() => {
                let why = "administrators may not write or read it, so their transactions fail";
                found.push(Finding::new(
                    &rules::RLS501,
                    table,
                    why,
                    Remedy::Sql(change.sql()),
                ));
            }
            Change::Table(table, TableChange::Column(column, ColumnChange::SetDefault { .. }))
                if *table == name =>
            {
                let why = "what it records is not what the server knows";
                let object = format!("{table}.{column}");

                found.push(Finding::new(
                    &rules::RLS503,
                    object,
                    why,
                    Remedy::Sql(change.sql()),
                ));
            }
            _ => {}
        }
    }

    for oid in &case.facts.audits {
        let Some(relation) = case
            .facts
            .relations
            .get(oid)
            .filter(|relation| relation.kind == Kind::Table)
        else {
            continue;
        };

        rights(case, *oid, relation, found);
        additions(case, *oid, relation, found);
    }
}

/// Administrators may read it and add to it; nobody else of this family may do anything.
fn rights(case: &Case<'_>, oid: Oid, relation: &Relation, found: &mut Vec<Finding>) {
    let (app, admin) = (case.config.app_role(), case.config.admin_role());
    let owner = case.facts.app_is(relation.owner).map(|role| (app, role));

    if let Some((who, role)) = owner.or_else(|| {
        case.facts
            .admin_is(relation.owner)
            .map(|role| (admin, role))
    }) {
        // Who bypasses has all rights everywhere, which says nothing of the table.
        if role.bypasses.is_empty() {
            let why = format!(
                "`{who}` is its owner `{}`, or a member of it, and can change what stands there",
                role.name
            );

            found.push(Finding::new(
                &rules::RLS502,
                &relation.name,
                why,
                disown(who, role, &relation.name),
            ));
        }
    }

    let is_meant = |grant: &&Grant| {
        let own = grant.grantee == Grantee::Role(admin.clone());
        let adds = grant.privilege == "INSERT"
            && grant.column.as_ref().map(Identifier::as_str) == Some(AUDIT_GRANTED);
        own && (grant.privilege == "SELECT" || adds)
    };

    let mut surplus: BTreeMap<&Grantee, (BTreeSet<&str>, BTreeSet<String>)> = BTreeMap::new();
    let grants = case.facts.audit_grants.get(&oid).into_iter().flatten();

    for grant in grants.filter(|grant| !is_meant(grant)) {
        let what = match &grant.column {
            Some(column) => format!("{} ({})", grant.privilege, identifier(column)),
            None => grant.privilege.clone(),
        };

        let (words, statements) = surplus.entry(&grant.grantee).or_default();
        words.insert(&grant.privilege);

        statements.insert(format!(
            "REVOKE {what} ON {} FROM {}",
            table(&relation.name),
            grant.grantee
        ));
    }

    for (grantee, (words, mut statements)) in surplus {
        let words: Vec<&str> = words.into_iter().collect();
        let why = format!(
            "{grantee} has {}: more than to add what is true and read it",
            words.join(", ")
        );

        // To revoke a privilege on a table revokes it on the columns as well.
        let back = format!(
            "GRANT INSERT ({AUDIT_GRANTED}) ON {} TO {grantee}",
            table(&relation.name)
        );

        let takes_all = statements
            .iter()
            .any(|statement| statement.starts_with("REVOKE INSERT ON"));
        let mut statements: Vec<String> = std::mem::take(&mut statements).into_iter().collect();
        if takes_all && *grantee == Grantee::Role(admin.clone()) {
            statements.push(back);
        }

        found.push(Finding::new(
            &rules::RLS502,
            &relation.name,
            why,
            Remedy::Sql(statements),
        ));
    }

    for (reader, _) in case.facts.readers.iter().filter(|(_, base)| *base == oid) {
        let Some(view) = case.facts.relations.get(reader) else {
            continue;
        };
        let grantees: BTreeSet<&Grantee> = case
            .grants_on(*reader)
            .iter()
            .map(|grant| &grant.grantee)
            .collect();

        if view.invoker && view.kind == Kind::View || grantees.is_empty() {
            continue;
        }

        let why = format!("it shows or changes `{}` to the application", relation.name);
        let revoke = |grantee| format!("REVOKE ALL ON {} FROM {grantee}", table(&view.name));
        let remedy = Remedy::Sql(grantees.into_iter().map(revoke).collect());

        found.push(Finding::new(&rules::RLS502, &view.name, why, remedy));
    }
}

/// What stands on it that no migration of this family puts there.
fn additions(case: &Case<'_>, oid: Oid, relation: &Relation, found: &mut Vec<Finding>) {
    let name = table(&relation.name);
    let mut push = |object: String, why: &str, statement: String| {
        found.push(Finding::new(
            &rules::RLS503,
            object,
            why,
            Remedy::sql(statement),
        ));
    };

    for trigger in case
        .facts
        .triggers
        .iter()
        .filter(|trigger| trigger.relation == oid)
    {
        let why = "a trigger can change what is recorded, or leave it out";
        let drop = format!("DROP TRIGGER {} ON {name}", identifier(&trigger.name));
        push(format!("{}.{}", relation.name, trigger.name), why, drop);
    }

    for rewrite in case
        .facts
        .rewrites
        .iter()
        .filter(|rewrite| rewrite.relation == oid)
    {
        let why = "a rule can record something else, or nothing";
        push(
            format!("{}.{}", relation.name, rewrite.name),
            why,
            format!("DROP RULE {} ON {name}", identifier(&rewrite.name)),
        );
    }

    if relation.enabled {
        let why = "its policies decide what is recorded, and which of it is seen";
        push(
            relation.name.to_string(),
            why,
            format!("ALTER TABLE {name} DISABLE ROW LEVEL SECURITY"),
        );
    }

    if relation.unlogged {
        let why = "a crash of the server empties it";
        push(
            relation.name.to_string(),
            why,
            format!("ALTER TABLE {name} SET LOGGED"),
        );
    }

    for child in case
        .facts
        .inheritance
        .children(oid)
        .filter(|_| !relation.partitioned)
    {
        let Some(child) = case.facts.relations.get(&child) else {
            continue;
        };
        let why = format!("its rows are read as if they were of `{}`", relation.name);

        push(
            child.name.to_string(),
            &why,
            format!("ALTER TABLE {} NO INHERIT {name}", table(&child.name)),
        );
    }
}
