use crate::lint::case::Case;
use crate::lint::facts::ReachedRole;
use crate::lint::finding::Finding;
use crate::lint::remedy::Remedy;
use crate::lint::rule;
use crate::name::Identifier;
use crate::sql::{identifier, table};

pub(super) fn findings(case: &Case<'_>, found: &mut Vec<Finding>) {
    let app = case.config.app_role();
    if case.facts.app.is_empty() {
        let why = "the application cannot log in, and no policy can be for it";
        found.push(Finding::new(&rule::RLS001, app, why, Remedy::Migrate));
    }
    for role in case.facts.app.iter().filter(|role| !role.bypasses.is_empty()) {
        let why = format!("{}: it sees and writes every row, whatever the policies say", held(role, &role.bypasses));
        found.push(Finding::new(&rule::RLS002, app, why, without(app, role, &role.bypasses)));
    }
    let admin = case.config.admin_role();
    if let Some(role) = case.facts.app.iter().find(|role| role.name == *admin) {
        let why = format!("`SET ROLE {}` is enough to see every row", identifier(admin));
        found.push(Finding::new(&rule::RLS003, app, why, without(app, role, &[])));
    }
    for role in case.facts.app.iter().filter(|role| !role.powers.is_empty()) {
        let why = format!("{}: more than an application needs, and a way around policies", held(role, &role.powers));
        let powers = if role.via.is_some() { &[][..] } else { &role.powers };
        found.push(Finding::new(&rule::RLS004, app, why, without(app, role, powers)));
    }
    for (_, relation, _) in case.scoped() {
        let Some(role) = case.facts.app_is(relation.owner) else { continue };
        let why = format!(
            "`{app}` is its owner `{}`, or a member of it, and an owner can switch row security off",
            role.name
        );
        let remedy = match &role.via {
            None => Remedy::sql(format!("ALTER TABLE {} OWNER TO CURRENT_USER", table(&relation.name))),
            Some(_) => without(app, role, &[]),
        };
        found.push(Finding::new(&rule::RLS005, &relation.name, why, remedy));
    }
    for role in case.facts.admin.iter().filter(|role| !role.bypasses.is_empty()) {
        let why =
            format!("{}: its own policy is enough to see every row, and can be taken away", held(role, &role.bypasses));
        found.push(Finding::new(&rule::RLS006, admin, why, without(admin, role, &role.bypasses)));
    }
}

fn held(role: &ReachedRole, what: &[&str]) -> String {
    let what = what.join(", ");
    if role.via.is_some() { format!("it can become `{}` ({what})", role.name) } else { format!("it has {what}") }
}

/// Takes attributes from a role, or the membership through which it has them.
fn without(role: &Identifier, reached: &ReachedRole, attributes: &[&str]) -> Remedy {
    if let Some(via) = &reached.via {
        return Remedy::sql(format!("REVOKE {} FROM {}", identifier(via), identifier(role)));
    }
    let words: Vec<String> = attributes.iter().map(|word| format!("NO{word}")).collect();
    Remedy::sql(format!("ALTER ROLE {} {}", identifier(role), words.join(" ")))
}
