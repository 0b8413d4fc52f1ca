//! The rules, over facts alone.

mod around;
mod audit;
mod column;
mod grant;
mod granted;
mod key;
mod path;
mod policy;
mod role;
mod schema;
mod server;
mod table;
mod view;

use super::case::Case;
use super::finding::Finding;

pub(super) fn findings(case: &Case<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    for check in [
        role::findings,
        server::findings,
        path::findings,
        table::findings,
        policy::findings,
        column::findings,
        key::findings,
        grant::findings,
        view::findings,
        around::findings,
        granted::findings,
        schema::findings,
        audit::findings,
    ] {
        check(case, &mut found);
    }

    found
}

/// Statements that take all of these from whom they were granted to.
fn revokes(
    what: impl Fn(&super::facts::Grantee) -> String,
    grantees: impl IntoIterator<Item = super::facts::Grantee>,
) -> super::remedy::Remedy {
    let grantees: std::collections::BTreeSet<_> = grantees.into_iter().collect();
    super::remedy::Remedy::Sql(grantees.iter().map(what).collect())
}
