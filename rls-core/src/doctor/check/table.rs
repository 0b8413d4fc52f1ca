//! Registered tables: whether they exist, and whether row security is enabled and forced.

use crate::doctor::case::Case;
use crate::doctor::facts::Kind;
use crate::doctor::finding::Finding;
use crate::doctor::remedy::Remedy;
use crate::doctor::rules;
use crate::sql::table;

pub(super) fn findings(case: &Case<'_>, findings: &mut Vec<Finding>) {
    for registered in &case.tables {
        let name = &registered.desired.table;
        match registered.actual {
            None => {
                let why = "an entity names it, and the application does not start without it";
                findings.push(Finding::new(&rules::RLS101, name, why, Remedy::Migrate));
            }
            Some((_, relation)) if relation.kind != Kind::Table => {
                let why = "only a table can have row security";
                let remedy =
                    Remedy::words("name the table behind it in `#[sea_orm(table_name = …)]`");
                findings.push(Finding::new(&rules::RLS102, name, why, remedy));
            }
            Some(_) => {}
        }
    }

    for (_, relation, _) in case.scoped() {
        let alter = |verb: &str| {
            let alter = format!(
                "ALTER TABLE {} {verb} ROW LEVEL SECURITY",
                table(&relation.name)
            );
            Remedy::sql(relation.owned(), alter)
        };

        if case.config.enabled() && !relation.enabled {
            let why = "every role with a grant sees every row";
            let remedy = alter("ENABLE");
            findings.push(Finding::new(&rules::RLS103, &relation.name, why, remedy));
        }

        if case.config.force() && !relation.forced {
            let why = format!(
                "its owner `{}` sees every row, and so do views and functions that run as it",
                relation.owner_name
            );
            let remedy = alter("FORCE");
            findings.push(Finding::new(&rules::RLS104, &relation.name, why, remedy));
        }
    }
}
