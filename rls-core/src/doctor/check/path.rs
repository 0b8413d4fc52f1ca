//! In which schema the application's statements find the tables that they name without one.

use super::server::reset;
use crate::doctor::case::Case;
use crate::doctor::facts::{Oid, RoleSetting};
use crate::doctor::finding::Finding;
use crate::doctor::remedy::{Remedy, RunAs};
use crate::doctor::rules;
use crate::name::{Identifier, TableName};
use crate::sql::table;

pub(super) fn findings(case: &Case<'_>, findings: &mut Vec<Finding>) {
    elsewhere(case, findings);
    for temporary in &case.facts.temporary {
        let shadowed = case.tables.iter().find(|table| {
            table.scope.unscoped.is_none()
                && table.scope.table.schema.is_none()
                && table.scope.table.table == temporary.name
        });

        let Some(shadowed) = shadowed else { continue };
        let what = if temporary.is_view { "VIEW" } else { "TABLE" };
        let name = TableName {
            schema: Some(temporary.schema.clone()),
            table: temporary.name.clone(),
        };

        let why = "every statement on its connection reaches it instead, whoever the user of the \
                   connection is by now";
        let drop = format!("DROP {what} {}", table(&name));
        let remedy = Remedy::sql(RunAs::Superuser, drop);

        findings.push(Finding::new(
            &rules::RLS016,
            &shadowed.desired.table,
            why,
            remedy,
        ));
    }
}

/// Tables that the application's `search_path` finds first, and the examining one does not.
fn elsewhere(case: &Case<'_>, findings: &mut Vec<Finding>) {
    let app = case.config.app_role();
    let setting = effective(&case.facts.settings);
    let path = match setting.and_then(|setting| setting.path.as_deref()) {
        Some(path) => parsed(path, app),
        // The server's default begins with `"$user"`. The rest depends on who connects.
        None => vec![app.clone()],
    };

    if let Some(setting) = setting.filter(|_| shadows_the_server(&path)) {
        let why = "a function or operator in a schema before `pg_catalog` shadows one of the \
                   server";
        findings.push(Finding::new(
            &rules::RLS011,
            "search_path",
            why,
            reset(case, setting),
        ));
    }

    for registered in case
        .tables
        .iter()
        .filter(|table| table.scope.unscoped.is_none())
    {
        if registered.scope.table.schema.is_some() {
            continue;
        }

        let Some((oid, other)) = first(case, &path, &registered.scope.table.table) else {
            continue;
        };
        let owner = case.facts.relations.get(&oid).map(|it| &it.owner_name);
        if registered.actual.is_some_and(|(actual, _)| actual == oid) {
            continue;
        }

        let why = format!(
            "statements of the application that name `{}` reach `{other}` instead",
            registered.scope.table.table
        );

        let remedy = match setting {
            Some(setting) => reset(case, setting),
            None => Remedy::words(format!(
                "as its owner{}, run `ALTER TABLE {} RENAME TO …`, or drop that table or the schema \
                 with the name of the role",
                owner.map_or_else(String::new, |owner| format!(" `{owner}`")),
                table(other)
            )),
        };

        findings.push(Finding::new(
            &rules::RLS015,
            &registered.desired.table,
            why,
            remedy,
        ));
    }
}

/// Whether other schemas come before `pg_catalog`, which is first if it is not named.
fn shadows_the_server(path: &[Identifier]) -> bool {
    path.iter()
        .position(|schema| schema.as_str() == "pg_catalog")
        .is_some_and(|at| at > 0)
}

fn first<'a>(
    case: &'a Case<'_>,
    path: &[Identifier],
    name: &Identifier,
) -> Option<(Oid, &'a TableName)> {
    path.iter()
        .filter(|schema| case.facts.usable.contains(schema))
        .find_map(|schema| {
            let named = TableName {
                schema: Some(schema.clone()),
                table: name.clone(),
            };

            let mut relations = case.facts.relations.iter();

            relations
                .find(|(_, relation)| relation.name == named)
                .map(|(oid, relation)| (*oid, &relation.name))
        })
}

/// The setting that counts: a role's before the database's, this database's before that for all.
fn effective(settings: &[RoleSetting]) -> Option<&RoleSetting> {
    let paths = settings.iter().filter(|setting| setting.path.is_some());
    paths.max_by_key(|setting| (setting.role.is_some(), setting.here))
}

/// The schemas of a path as the server reads it: `SplitIdentifierString` in
/// `src/backend/utils/adt/varlena.c`.
fn parsed(path: &str, user: &Identifier) -> Vec<Identifier> {
    let mut names: Vec<String> = vec![String::new()];
    let mut quoted = false;

    for character in path.chars() {
        let at_start = names.last().is_none_or(String::is_empty);
        match (character, quoted) {
            ('"', _) => quoted = !quoted,
            (',', false) => names.push(String::new()),
            (' ' | '\t' | '\n', false) if at_start => {}
            (other, false) => names
                .last_mut()
                .into_iter()
                .for_each(|name| name.extend(other.to_lowercase())),
            (other, true) => names
                .last_mut()
                .into_iter()
                .for_each(|name| name.push(other)),
        }
    }

    let name = |name: String| match name.trim_end() {
        "$user" => Some(user.clone()),
        other => Identifier::new(other).ok(),
    };

    names.into_iter().filter_map(name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn path_is_read_as_the_server_reads_it() {
        let user = Identifier::new("app").unwrap();
        let read = |path: &str| {
            parsed(path, &user)
                .iter()
                .map(ToString::to_string)
                .collect::<Vec<_>>()
                .join("|")
        };

        assert_eq!(read("\"$user\", public"), "app|public");
        assert_eq!(
            read("Side , \"Side, too\",pg_temp"),
            "side|Side, too|pg_temp"
        );
        assert_eq!(read(""), "");
    }

    #[test]
    fn role_s_path_counts_more_than_the_database_s() {
        let setting = |role: Option<&str>, here, path: &str| RoleSetting {
            role: role.map(|role| Identifier::new(role).unwrap()),
            here,
            setting: "search_path".to_owned(),
            path: Some(path.to_owned()),
        };

        let settings = [
            setting(None, true, "a"),
            setting(Some("app"), false, "b"),
            setting(None, false, "c"),
        ];

        assert_eq!(
            effective(&settings).and_then(|setting| setting.path.as_deref()),
            Some("b")
        );
    }
}
