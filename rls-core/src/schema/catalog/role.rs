use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ConnectionTrait, QueryResult};

use super::policy::POLICY_JOINS;
use super::query::{checked, get, name, rows, text};
use crate::config::RlsConfig;
use crate::error::RlsError;
use crate::name::Identifier;
use crate::schema::fingerprint;
use crate::schema::snapshot::{ActualRole, StoredPassword};
use crate::sql;

/// Whether memberships have grantors and options of their own, and `CREATEROLE` is not a right to
/// every role: since PostgreSQL 16.
pub(crate) const OWN_MEMBERSHIPS: &str = "(current_setting('server_version_num')::int4 >= 160000)";

/// The two roles, if they exist. Locks nothing; passwords are read if the login may read them.
pub(crate) async fn roles(
    db: &impl ConnectionTrait,
    config: &RlsConfig,
) -> Result<BTreeMap<Identifier, ActualRole>, RlsError> {
    let both = format!(
        "({}, {})",
        text(config.app_role()),
        text(config.admin_role())
    );

    let readable = rows(
        db,
        "SELECT has_table_privilege('pg_authid', 'SELECT') AS readable".to_owned(),
    )
    .await?;

    let password_readable = readable
        .first()
        .map_or(Ok(false), |row| get(row, "readable"))?;
    let (catalog, password) = if password_readable {
        ("pg_authid", "r.rolpassword")
    } else {
        ("pg_roles", "NULL::text")
    };

    let made = sql::known_literal(fingerprint::PATTERN);
    let query = format!(
        "SELECT r.rolname::text AS role, {password} AS password, r.rolcanlogin AS login,
                EXISTS (SELECT FROM pg_policy p {POLICY_JOINS}
                        WHERE r.oid = ANY (p.polroles) AND t.description ~ {made}) AS ours,
                r.rolname IN (current_user, session_user) AS migrates, r.rolsuper AS super,
                r.rolcreatedb AS createdb, r.rolcreaterole AS createrole, r.rolinherit AS inherit,
                r.rolreplication AS replication, r.rolbypassrls AS bypassrls,
                (SELECT m.rolsuper OR m.rolcreaterole AND (NOT {OWN_MEMBERSHIPS}
                          OR pg_has_role(current_user, r.oid, 'MEMBER WITH ADMIN OPTION'))
                 FROM pg_roles m WHERE m.rolname = current_user) AS settable
         FROM {catalog} r WHERE r.rolname IN {both}"
    );

    let mut roles = BTreeMap::new();
    for row in rows(db, query).await? {
        let role = role(&row, password_readable)?;
        roles.insert(name(&row, "role")?, role);
    }

    memberships(db, &both, &mut roles).await?;
    Ok(roles)
}

fn role(row: &QueryResult, readable: bool) -> Result<ActualRole, RlsError> {
    let mut lacks = Vec::new();
    for (column, desired, word) in [
        ("login", true, "LOGIN"),
        ("super", false, "NOSUPERUSER"),
        ("createdb", false, "NOCREATEDB"),
        ("createrole", false, "NOCREATEROLE"),
        ("inherit", false, "NOINHERIT"),
        ("replication", false, "NOREPLICATION"),
        ("bypassrls", false, "NOBYPASSRLS"),
    ] {
        if get::<bool>(row, column)? != desired {
            lacks.push(word);
        }
    }

    Ok(ActualRole {
        lacks,
        ours: get(row, "ours")?,
        migrates: get(row, "migrates")?,
        password: match get::<Option<String>>(row, "password")? {
            Some(stored) => StoredPassword::Set(stored),
            None if readable => StoredPassword::Unset,
            None => StoredPassword::Unreadable,
        },
        settable: get(row, "settable")?,
        members: BTreeSet::new(),
        inherits: BTreeSet::new(),
    })
}

/// The memberships of the two roles: one in the other, and those that give privileges without
/// `SET ROLE`.
async fn memberships(
    db: &impl ConnectionTrait,
    both: &str,
    roles: &mut BTreeMap<Identifier, ActualRole>,
) -> Result<(), RlsError> {
    let query = format!(
        "SELECT g.rolname::text AS role, m.rolname::text AS member,
                CASE WHEN {OWN_MEMBERSHIPS} THEN b.rolname::text END AS grantor,
                coalesce((to_jsonb(a)->>'inherit_option')::bool, false) AND \
                pg_has_role(current_user, a.grantor, 'USAGE')
                  AS inherits
         FROM pg_auth_members a JOIN pg_roles g ON g.oid = a.roleid JOIN pg_roles m ON m.oid = \
         a.member
         LEFT JOIN pg_roles b ON b.oid = a.grantor
         WHERE m.rolname IN {both}"
    );

    for row in rows(db, query).await? {
        let (role, member) = (name(&row, "role")?, name(&row, "member")?);
        let grantor = get::<Option<String>>(&row, "grantor")?
            .map(checked)
            .transpose()?;

        if let Some(role) = roles.get_mut(&role) {
            role.members.insert((member, grantor));
        } else if let (Some(member), Some(grantor), true) =
            (roles.get_mut(&member), grantor, get(&row, "inherits")?)
        {
            member.inherits.insert((role, grantor));
        }
    }

    Ok(())
}
