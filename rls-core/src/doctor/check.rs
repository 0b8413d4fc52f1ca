//! The rules, over facts alone.

mod audit;
mod beyond;
mod column;
mod definer;
mod domain;
mod drift;
mod foreign_key;
mod grant;
mod index;
mod inheritance;
mod key;
mod path;
mod policy;
mod publication;
mod rewrite;
mod role;
mod schema;
mod server;
mod signing;
mod table;
mod view;

use std::collections::BTreeSet;

use super::case::Case;
use super::facts::Grantee;
use super::finding::Finding;
use super::remedy::{Remedy, RunAs};
use crate::name::Identifier;

pub(super) fn findings(case: &Case<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for check in [
        role::findings,
        server::findings,
        path::findings,
        table::findings,
        policy::findings,
        column::findings,
        foreign_key::findings,
        index::findings,
        key::findings,
        grant::findings,
        view::findings,
        definer::findings,
        inheritance::findings,
        rewrite::findings,
        publication::findings,
        beyond::findings,
        schema::findings,
        audit::findings,
        domain::findings,
        signing::findings,
        // Last: it reports what no other rule does.
        drift::findings,
    ] {
        check(case, &mut findings);
    }

    findings
}

/// Statements that revoke something from each grantee, once, as the owner of what it is on.
fn revokes(
    owner: &Identifier,
    statement: impl Fn(&Grantee) -> String,
    grantees: impl IntoIterator<Item = Grantee>,
) -> Remedy {
    let grantees: BTreeSet<Grantee> = grantees.into_iter().collect();
    Remedy::statements(
        RunAs::Role(owner.clone()),
        grantees.iter().map(statement).collect(),
    )
}
