use std::collections::{BTreeMap, BTreeSet};

use sea_orm::{ConnectionTrait, DatabaseTransaction, TransactionTrait};

use crate::error::RlsError;
use crate::name::Identifier;
use crate::schema::catalog::Session;
use crate::schema::catalog::query::{get, name, rows, text};

/// The attributes and memberships of a role.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RoleSecurity {
    /// The role.
    pub role: Identifier,
    /// Its attributes, as `CREATE ROLE` spells them.
    pub attributes: Vec<&'static str>,
    /// The roles that it is a member of, directly.
    pub member_of: BTreeSet<Identifier>,
    /// Its members, directly.
    pub members: BTreeSet<Identifier>,
}

impl RoleSecurity {
    /// A role without attributes and memberships.
    #[must_use]
    pub fn new(role: Identifier) -> Self {
        Self {
            role,
            attributes: Vec::new(),
            member_of: BTreeSet::new(),
            members: BTreeSet::new(),
        }
    }
}

/// Reads these roles, in the same order; `None` stands for a role that does not exist.
///
/// Statements sent: catalog queries. Lock taken: none. Privilege needed: none.
///
/// # Errors
///
/// [`RlsError::Backend`], [`RlsError::Database`],
/// [`SchemaError::Catalog`](crate::SchemaError::Catalog).
pub async fn roles<C>(db: &C, roles: &[Identifier]) -> Result<Vec<Option<RoleSecurity>>, RlsError>
where
    C: ConnectionTrait + TransactionTrait<Transaction = DatabaseTransaction>,
{
    if roles.is_empty() {
        return Ok(Vec::new());
    }

    let (transaction, _) = Session::reading(db).await?;
    let security = security(&transaction, roles).await;
    transaction.rollback().await?;

    let mut security = security?;
    Ok(roles.iter().map(|role| security.remove(role)).collect())
}

async fn security(
    db: &impl ConnectionTrait,
    roles: &[Identifier],
) -> Result<BTreeMap<Identifier, RoleSecurity>, RlsError> {
    const ATTRIBUTES: [(&str, &str); 7] = [
        ("rolcanlogin", "LOGIN"),
        ("rolsuper", "SUPERUSER"),
        ("rolbypassrls", "BYPASSRLS"),
        ("rolcreaterole", "CREATEROLE"),
        ("rolcreatedb", "CREATEDB"),
        ("rolreplication", "REPLICATION"),
        ("rolinherit", "INHERIT"),
    ];

    let named = roles.iter().map(text).collect::<Vec<_>>().join(", ");
    let columns = ATTRIBUTES.map(|(column, _)| column).join(", ");
    let mut roles = BTreeMap::new();

    for row in rows(
        db,
        format!("SELECT rolname::text AS role, {columns} FROM pg_roles WHERE rolname IN ({named})"),
    )
    .await?
    {
        let mut attributes = Vec::new();
        for (column, word) in ATTRIBUTES {
            if get::<bool>(&row, column)? {
                attributes.push(word);
            }
        }

        let role = name(&row, "role")?;
        let security = RoleSecurity {
            role: role.clone(),
            attributes,
            member_of: BTreeSet::new(),
            members: BTreeSet::new(),
        };

        roles.insert(role, security);
    }

    memberships(db, &named, &mut roles).await?;
    Ok(roles)
}

async fn memberships(
    db: &impl ConnectionTrait,
    named: &str,
    roles: &mut BTreeMap<Identifier, RoleSecurity>,
) -> Result<(), RlsError> {
    let query = format!(
        "SELECT g.rolname::text AS role, m.rolname::text AS member
         FROM pg_auth_members a JOIN pg_roles g ON g.oid = a.roleid JOIN pg_roles m ON m.oid = \
         a.member
         WHERE g.rolname IN ({named}) OR m.rolname IN ({named})"
    );

    for row in rows(db, query).await? {
        let (role, member) = (name(&row, "role")?, name(&row, "member")?);
        if let Some(security) = roles.get_mut(&role) {
            security.members.insert(member.clone());
        }

        if let Some(security) = roles.get_mut(&member) {
            security.member_of.insert(role);
        }
    }

    Ok(())
}
