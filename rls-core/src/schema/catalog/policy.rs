use sea_orm::QueryResult;

use super::query::{checked, get, name};
use crate::error::{RlsError, SchemaError};
use crate::model::policy::Canonical;
use crate::model::policy::{Policy, PolicyKind, Rule};
use crate::model::privilege::Command;
use crate::schema::fingerprint::Fingerprint;
use crate::schema::table::ActualPolicy;

/// The columns that [`policy`] reads, of `pg_policy p` and [`POLICY_JOINS`].
pub(crate) const POLICY_COLUMNS: &str = "
       p.polname::text AS name, p.polpermissive AS permissive, p.polcmd::text AS command,
       (SELECT json_agg(r.rolname)::text FROM pg_roles r WHERE r.oid = ANY (p.polroles)) AS roles,
       pg_get_expr(p.polqual, p.polrelid) AS \"using\", pg_get_expr(p.polwithcheck, p.polrelid) AS \
       with_check,
       t.description AS comment";

pub(crate) const POLICY_JOINS: &str = "LEFT JOIN pg_description t ON t.objoid = p.oid AND \
                                       t.classoid = 'pg_policy'::regclass AND t.objsubid = 0";

/// Reads a policy from a row of [`POLICY_COLUMNS`].
pub(crate) fn policy(row: &QueryResult) -> Result<ActualPolicy, RlsError> {
    let command: String = get(row, "command")?;
    let command = match command.as_str() {
        "*" => Command::All,
        "r" => Command::Select,
        "a" => Command::Insert,
        "w" => Command::Update,
        "d" => Command::Delete,
        _ => {
            return Err(SchemaError::Catalog {
                what: format!("policy command {command:?}"),
            }
            .into());
        }
    };

    let roles: Vec<String> = match get::<Option<String>>(row, "roles")? {
        Some(roles) => serde_json::from_str(&roles).map_err(|_| SchemaError::Catalog {
            what: format!("roles {roles}"),
        })?,
        None => Vec::new(),
    };

    let side =
        |column| Ok::<_, RlsError>(get::<Option<String>>(row, column)?.map(Canonical::printed));
    let (comment, fingerprint) = get::<Option<String>>(row, "comment")?
        .map_or((None, None), |text| Fingerprint::split(&text));
    let policy = Policy {
        name: name(row, "name")?,
        kind: if get(row, "permissive")? {
            PolicyKind::Permissive
        } else {
            PolicyKind::Restrictive
        },
        rule: Rule::new(command, side("using")?, side("with_check")?),
        roles: roles.into_iter().map(checked).collect::<Result<_, _>>()?,
        comment,
    };

    Ok(ActualPolicy {
        policy,
        fingerprint,
        version: None,
    })
}
