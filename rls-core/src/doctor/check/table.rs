use std::collections::BTreeMap;

use crate::doctor::case::Case;
use crate::doctor::facts::Kind;
use crate::doctor::finding::Finding;
use crate::doctor::remedy::Remedy;
use crate::doctor::rules;
use crate::model::privilege::Privilege;
use crate::schema::plan::Change;
use crate::sql::table;

pub(super) fn findings(case: &Case<'_>, found: &mut Vec<Finding>) {
    for registered in &case.tables {
        let name = &registered.desired.table;
        match registered.found {
            None => {
                let why = "an entity names it; the application does not start without it";
                found.push(Finding::new(&rules::RLS101, name, why, Remedy::Migrate));
            }
            Some((_, relation)) if relation.kind != Kind::Table => {
                let why = "row security stands on tables alone";
                let remedy =
                    Remedy::words("name the table behind it in `#[sea_orm(table_name = …)]`");
                found.push(Finding::new(&rules::RLS102, name, why, remedy));
            }
            Some(_) => {}
        }
    }

    for (_, relation, _) in case.scoped() {
        let alter = |words: &str| {
            Remedy::sql(format!(
                "ALTER TABLE {} {words} ROW LEVEL SECURITY",
                table(&relation.name)
            ))
        };

        if case.config.enabled() && !relation.enabled {
            let why = "every role with a grant sees every row";
            found.push(Finding::new(
                &rules::RLS103,
                &relation.name,
                why,
                alter("ENABLE"),
            ));
        }

        if case.config.force() && !relation.forced {
            let why = format!(
                "its owner `{}` sees every row, and so does what runs as it",
                relation.owner_name
            );

            found.push(Finding::new(
                &rules::RLS104,
                &relation.name,
                why,
                alter("FORCE"),
            ));
        }
    }

    drift(case, found);
}

/// What the migrations would change and no other rule tells, by table.
fn drift(case: &Case<'_>, found: &mut Vec<Finding>) {
    let mut objects: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for change in case.plan.iter().flat_map(|plan| plan.changes()) {
        if is_told_elsewhere(case, change) {
            continue;
        }

        let object = match change {
            Change::AlterRole { role, .. } | Change::CreateRole { role, .. } => role.to_string(),
            Change::GrantSchema { schema, .. } | Change::RevokeSchema { schema, .. } => {
                schema.to_string()
            }
            Change::GrantSequence { sequence, .. } | Change::RevokeSequence { sequence, .. } => {
                sequence.to_string()
            }
            other => other.table().map(ToString::to_string).unwrap_or_default(),
        };

        objects.entry(object).or_default().extend(change.sql());
    }

    for (object, statements) in objects {
        let why = format!("the migrations would run `{}`", statements.join("; "));
        found.push(Finding::new(&rules::RLS107, object, why, Remedy::Migrate));
    }
}

fn is_told_elsewhere(case: &Case<'_>, change: &Change) -> bool {
    let audit = case.audit().0;
    match change {
        Change::Revoke { table, .. } | Change::RevokeColumns { table, .. } if *table == audit => true,
        Change::Grant { table, .. } | Change::GrantColumns { table, .. } if *table == audit => true,
        Change::EnableRowSecurity { .. }
        | Change::ForceRowSecurity { .. }
        // Only around another change.
        | Change::LiftForce { .. }
        | Change::RestoreForce { .. }
        | Change::CreatePolicy { .. }
        | Change::AlterPolicy { .. }
        | Change::AddOwnerColumn { .. }
        | Change::SetNotNull { .. }
        | Change::SetDefault { .. }
        | Change::CreateIndex { .. }
        | Change::AddForeignKey { .. }
        | Change::CreateAudit { .. } => true,
        Change::RevokeMembership { member, .. } => member == case.config.app_role(),
        // Without a right to read passwords, a configured one would be set on each run.
        Change::AlterRole { attributes, .. } => {
            let own = ["NOINHERIT", "LOGIN"];
            !attributes.iter().any(|attribute| own.contains(attribute))
        }
        Change::Revoke { privileges, .. } => {
            privileges.iter().all(|privilege| !Privilege::READ_WRITE.contains(privilege))
        }
        // One that goes so that it can be created otherwise is not what the entity asks for.
        Change::DropPolicy { replaced, .. } => *replaced,
        _ => false,
    }
}
