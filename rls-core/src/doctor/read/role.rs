use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ConnectionTrait, QueryResult};

use super::{grantee, maybe_name};
use crate::doctor::facts::{Creator, Grantee, ReachedRole, RoleSetting, SchemaDefault, Server};
use crate::error::{RlsError, SchemaError};
use crate::name::{Identifier, Schemas};
use crate::schema::catalog::query::{get, name, rows, text};
use crate::schema::catalog::role::OWN_MEMBERSHIPS;

pub(super) async fn server(
    db: &impl ConnectionTrait,
    schemas: Schemas,
    grantees: &str,
) -> Result<Server, RlsError> {
    const SERVER: &str = "
        SELECT current_setting('server_version_num')::int4 AS version,
               current_setting('server_version') AS version_text,
               d.datname::text AS database, d.datdba::int8 AS owner,
               pg_get_userbyid(d.datdba)::text AS owner_name
        FROM pg_database d WHERE d.datname = current_database()";

    let row = rows(db, SERVER.to_owned())
        .await?
        .pop()
        .ok_or_else(|| SchemaError::Catalog {
            what: "no server".to_owned(),
        })?;

    let (creators, temporary) = of_database(db, grantees).await?;

    Ok(Server {
        version: get(&row, "version")?,
        version_text: get(&row, "version_text")?,
        database: name(&row, "database")?,
        owner: get(&row, "owner")?,
        owner_name: name(&row, "owner_name")?,
        schemas,
        set_config: set_config(db, grantees).await?,
        creators,
        temporary,
    })
}

/// Who may create schemas in the database, and who temporary objects.
async fn of_database(
    db: &impl ConnectionTrait,
    grantees: &str,
) -> Result<(Vec<Grantee>, Vec<Grantee>), RlsError> {
    let query = format!(
        "SELECT r.rolname::text AS grantee, acl.privilege_type = 'CREATE' AS creates
         FROM pg_database d CROSS JOIN aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) acl
         LEFT JOIN pg_roles r ON r.oid = acl.grantee
         WHERE d.datname = current_database() AND acl.privilege_type IN ('CREATE', 'TEMPORARY')
           AND acl.grantee = ANY ({grantees}) AND acl.grantee <> d.datdba
         ORDER BY acl.grantee"
    );

    let (mut creators, mut temporary) = (Vec::new(), Vec::new());
    for row in rows(db, query).await? {
        let may = if get(&row, "creates")? {
            &mut creators
        } else {
            &mut temporary
        };
        may.push(grantee(&row)?);
    }

    Ok((creators, temporary))
}

async fn set_config(db: &impl ConnectionTrait, grantees: &str) -> Result<Vec<Grantee>, RlsError> {
    let query = format!(
        "SELECT r.rolname::text AS grantee
         FROM pg_proc f CROSS JOIN aclexplode(coalesce(f.proacl, acldefault('f', f.proowner))) acl
         LEFT JOIN pg_roles r ON r.oid = acl.grantee
         WHERE f.oid = 'pg_catalog.set_config(text, text, boolean)'::regprocedure
           AND acl.grantee = ANY ({grantees}) AND acl.grantee <> f.proowner
         ORDER BY acl.grantee"
    );

    rows(db, query).await?.iter().map(grantee).collect()
}

/// The role and those that it can become. It follows memberships: `pg_has_role` says that a
/// superuser is a member of every role.
pub(super) async fn reached(
    db: &impl ConnectionTrait,
    role: &Identifier,
) -> Result<Vec<ReachedRole>, RlsError> {
    let query = format!(
        "WITH RECURSIVE up AS (
           SELECT r.oid, NULL::name AS via FROM pg_roles r WHERE r.rolname = {}
           UNION
           SELECT m.roleid, coalesce(up.via, g.rolname)
           FROM up JOIN pg_auth_members m ON m.member = up.oid JOIN pg_roles g ON g.oid = m.roleid)
         SELECT r.oid::int8 AS oid, r.rolname::text AS name, min(up.via::text) AS via,
                r.rolsuper, r.rolbypassrls, r.rolcreaterole, r.rolcreatedb, r.rolreplication
         FROM up JOIN pg_roles r ON r.oid = up.oid
         GROUP BY r.oid, r.rolname, r.rolsuper, r.rolbypassrls, r.rolcreaterole, r.rolcreatedb,
                  r.rolreplication
         ORDER BY min(up.via::text) NULLS FIRST, r.rolname",
        text(role)
    );

    let grantors = grantors(db, role).await?;

    rows(db, query)
        .await?
        .iter()
        .map(|row| reached_role(row, &grantors))
        .collect()
}

/// By role, who granted a membership in it to `member`.
async fn grantors(
    db: &impl ConnectionTrait,
    member: &Identifier,
) -> Result<BTreeMap<Identifier, Vec<Identifier>>, RlsError> {
    let query = format!(
        "SELECT g.rolname::text AS role, b.rolname::text AS grantor
         FROM pg_auth_members a JOIN pg_roles g ON g.oid = a.roleid
         JOIN pg_roles m ON m.oid = a.member JOIN pg_roles b ON b.oid = a.grantor
         WHERE m.rolname = {} AND {OWN_MEMBERSHIPS} ORDER BY 1, 2",
        text(member)
    );

    let mut grantors: BTreeMap<Identifier, Vec<Identifier>> = BTreeMap::new();
    for row in rows(db, query).await? {
        grantors
            .entry(name(&row, "role")?)
            .or_default()
            .push(name(&row, "grantor")?);
    }

    Ok(grantors)
}

fn reached_role(
    row: &QueryResult,
    grantors: &BTreeMap<Identifier, Vec<Identifier>>,
) -> Result<ReachedRole, RlsError> {
    const BYPASSES: [(&str, &str); 2] = [("rolsuper", "SUPERUSER"), ("rolbypassrls", "BYPASSRLS")];
    const POWERS: [(&str, &str); 3] = [
        ("rolcreaterole", "CREATEROLE"),
        ("rolcreatedb", "CREATEDB"),
        ("rolreplication", "REPLICATION"),
    ];

    let (name, via) = (name(row, "name")?, maybe_name(row, "via")?);
    let predefined = PREDEFINED
        .iter()
        .find(|predefined| **predefined == name.as_str());

    let mut powers = attributes(row, &POWERS)?;
    powers.extend(predefined);
    let watches = WATCHES
        .iter()
        .find(|predefined| **predefined == name.as_str())
        .copied();

    Ok(ReachedRole {
        oid: get(row, "oid")?,
        grantors: via
            .as_ref()
            .and_then(|via| grantors.get(via))
            .cloned()
            .unwrap_or_default(),
        via,
        bypasses: attributes(row, &BYPASSES)?,
        powers,
        watches,
        name,
    })
}

/// The predefined roles with power over the server or all tables, of PostgreSQL 18 and 19rc1.
const PREDEFINED: [&str; 7] = [
    "pg_execute_server_program",
    "pg_read_server_files",
    "pg_write_server_files",
    "pg_read_all_data",
    "pg_write_all_data",
    "pg_maintain",
    "pg_create_subscription",
];

/// The predefined roles that see the statements of other sessions, the server's secrets or all tables'
/// rows by their places, or end sessions, of PostgreSQL 18 and 19rc1. `pg_monitor` is a member of all that see.
const WATCHES: [&str; 4] = [
    "pg_read_all_stats",
    "pg_read_all_settings",
    "pg_stat_scan_tables",
    "pg_signal_backend",
];

/// The words of the columns that are true.
fn attributes(
    row: &QueryResult,
    columns: &[(&str, &'static str)],
) -> Result<Vec<&'static str>, RlsError> {
    let mut attributes = Vec::new();
    for (column, word) in columns {
        if get(row, column)? {
            attributes.push(*word);
        }
    }

    Ok(attributes)
}

pub(super) async fn defaults(
    db: &impl ConnectionTrait,
    grantees: &str,
) -> Result<Vec<SchemaDefault>, RlsError> {
    let query = format!(
        "SELECT o.rolname::text AS owner, n.nspname::text AS schema, d.defaclobjtype::text AS kind,
                r.rolname::text AS grantee, acl.privilege_type AS privilege
         FROM pg_default_acl d CROSS JOIN aclexplode(d.defaclacl) acl
         JOIN pg_roles o ON o.oid = d.defaclrole
         LEFT JOIN pg_namespace n ON n.oid = d.defaclnamespace
         LEFT JOIN pg_roles r ON r.oid = acl.grantee
         WHERE acl.grantee = ANY ({grantees}) AND acl.grantee <> d.defaclrole
           AND (d.defaclobjtype IN ('r', 'L')
                OR d.defaclobjtype = 'S' AND acl.privilege_type <> 'USAGE'
                OR d.defaclobjtype = 'n' AND acl.privilege_type = 'CREATE')
         ORDER BY 1, 2, 3, 4, 5"
    );

    rows(db, query)
        .await?
        .iter()
        .map(|row| {
            let kind: String = get(row, "kind")?;
            Ok(SchemaDefault {
                owner: name(row, "owner")?,
                schema: maybe_name(row, "schema")?,
                on: match kind.as_str() {
                    "r" => "TABLES",
                    "S" => "SEQUENCES",
                    "n" => "SCHEMAS",
                    _ => "LARGE OBJECTS",
                },
                grantee: grantee(row)?,
                privilege: get(row, "privilege")?,
            })
        })
        .collect()
}

pub(super) async fn creators(
    db: &impl ConnectionTrait,
    grantees: &str,
) -> Result<Vec<Creator>, RlsError> {
    let query = format!(
        "SELECT n.nspname::text AS schema, r.rolname::text AS grantee,
                acl.grantee = n.nspowner AS owns,
                pg_get_userbyid(CASE n.nspowner WHEN 'pg_database_owner'::regrole THEN d.datdba
                                ELSE n.nspowner END)::text AS owner_name
         FROM pg_namespace n JOIN pg_database d ON d.datname = current_database()
         CROSS JOIN aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) acl
         LEFT JOIN pg_roles r ON r.oid = acl.grantee
         WHERE acl.privilege_type = 'CREATE' AND acl.grantee = ANY ({grantees})
           AND n.nspname !~ '^pg_'
         ORDER BY 1, 2"
    );

    let rows = rows(db, query).await?;
    let creator = |row| {
        Ok(Creator {
            schema: name(row, "schema")?,
            grantee: grantee(row)?,
            owner_name: name(row, "owner_name")?,
            owns: get(row, "owns")?,
        })
    };

    rows.iter().map(creator).collect()
}

/// The schemas that any of these may use.
pub(super) async fn usable(
    db: &impl ConnectionTrait,
    grantees: &str,
) -> Result<BTreeSet<Identifier>, RlsError> {
    let query = format!(
        "SELECT DISTINCT n.nspname::text AS schema
         FROM pg_namespace n
         CROSS JOIN aclexplode(coalesce(n.nspacl, acldefault('n', n.nspowner))) acl
         WHERE acl.privilege_type = 'USAGE' AND acl.grantee = ANY ({grantees})"
    );

    rows(db, query)
        .await?
        .iter()
        .map(|row| name(row, "schema"))
        .collect()
}

pub(super) async fn settings(
    db: &impl ConnectionTrait,
    app: &Identifier,
) -> Result<Vec<RoleSetting>, RlsError> {
    let query = format!(
        "SELECT r.rolname::text AS role, s.setdatabase <> 0 AS here,
                split_part(c.setting, '=', 1) AS setting,
                CASE WHEN c.setting LIKE 'search_path=%' THEN substr(c.setting, 13) END AS path
         FROM pg_db_role_setting s CROSS JOIN unnest(s.setconfig) AS c (setting)
         LEFT JOIN pg_roles r ON r.oid = s.setrole
         WHERE s.setdatabase IN (0, (SELECT d.oid FROM pg_database d
                                     WHERE d.datname = current_database()))
           AND (s.setrole = 0 OR r.rolname = {})
         ORDER BY 3, 1, 2",
        text(app)
    );

    rows(db, query)
        .await?
        .iter()
        .map(|row| {
            Ok(RoleSetting {
                role: maybe_name(row, "role")?,
                here: get(row, "here")?,
                setting: get(row, "setting")?,
                path: get(row, "path")?,
            })
        })
        .collect()
}
