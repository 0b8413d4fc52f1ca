//! Errors of declarations, found before any statement is sent.

use crate::debug::debug_is_display;
use crate::model::key::{Holder, KeyType};
use crate::model::policy::PolicyError;
use crate::name::NameError;

/// The registered entities contradict each other, or PostgreSQL would refuse what they declare.
#[derive(Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeclarationError {
    /// No entity is registered.
    #[error(
        "no entity is registered: derive `UserScoped` on an entity, and name its crate once in \
         this program (`use entity as _;`), since a crate that nothing names is not linked"
    )]
    NoEntities,
    /// An entity is listed for one of its derives, but not for another.
    #[error(
        "entity `{entity}` is listed, and its derive `{derive}` is not, so that what it says would \
         not hold: list `{entity} as {derive}` too"
    )]
    Unlisted {
        /// The entity.
        entity: &'static str,
        /// The derive.
        derive: &'static str,
    },
    /// PostgreSQL would not keep the name of a table, column or setting.
    #[error("table `{table}`: {source}")]
    Name {
        /// The table.
        table: String,
        /// What is wrong with the name.
        source: NameError,
    },
    /// The owner column, or the primary key of the users, has a type that no owner can have.
    #[error(
        "table `{table}`: the key `{column}` is {found}; an owner is one column of `uuid`, \
         `integer`, `bigint`, `text` or `varchar`"
    )]
    OwnerType {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// Its type.
        found: String,
    },
    /// `bind` names no relation by which the table's rows refer to others.
    #[error(
        "table `{table}`: `bind = \"{relation}\"` names no relation over one column by which its rows \
         refer to others; the relations are {}",
        if known.is_empty() { "none".to_owned() } else { known.join(", ") }
    )]
    Bind {
        /// The table.
        table: String,
        /// The relation.
        relation: String,
        /// The relations there are.
        known: Vec<String>,
    },
    /// `bind` names a reference that nothing can bind.
    #[error(
        "table `{table}`: `bind = \"{relation}\"` cannot bind the reference to `{parent}`: {reason}"
    )]
    Unbindable {
        /// The table.
        table: String,
        /// The relation.
        relation: String,
        /// The table that it refers to.
        parent: String,
        /// The reason.
        reason: &'static str,
    },
    /// The model has no field for the owner column, and another of its columns refers to the users.
    #[error(
        "table `{table}`: the model has no field for its owner column `{column}`, and its column \
         `{other}` refers to the users: say `owner = \"{other}\"` (`column` for tenants), or \
         `table_only` if the table has both"
    )]
    OwnerElsewhere {
        /// The table.
        table: String,
        /// The owner column.
        column: String,
        /// The column that refers to the users.
        other: String,
    },
    /// The owner column and the primary key of the users have different types.
    #[error(
        "table `{table}`: the owner column `{column}` is {}, but the identity's key `{identity}` \
         is {}: give both one type",
        found.as_sql(),
        expected.as_sql()
    )]
    KeyMismatch {
        /// The table.
        table: String,
        /// The owner column.
        column: String,
        /// Its type.
        found: KeyType,
        /// The identity's key.
        identity: String,
        /// Its type.
        expected: KeyType,
    },
    /// No entity is the one of the users or tenants, so the foreign key has no target.
    #[error("table `{table}`: {}", no_identity(*holder))]
    NoIdentity {
        /// The table.
        table: String,
        /// Whom the column names.
        holder: Holder,
    },
    /// Several entities could be the one of the users or tenants.
    #[error(
        "table `{table}`: {} are identities: say which with `user = …::Entity`",
        identities.join(", ")
    )]
    SeveralIdentities {
        /// The table.
        table: String,
        /// The identities.
        identities: Vec<String>,
    },
    /// `via` names no relation, or one over several columns.
    #[error(
        "table `{table}`: `via = \"{relation}\"` names no relation over one column; the entity has \
         {}",
        if known.is_empty() { "none".to_owned() } else { known.join(", ") }
    )]
    Via {
        /// The table.
        table: String,
        /// The name in `via`.
        relation: String,
        /// The relations of the entity.
        known: Vec<String>,
    },
    /// `via` leads to a table with rows that belong to nobody.
    #[error(
        "table `{table}`: `via = \"{relation}\"` leads to `{parent}`, whose rows belong to nobody \
         that a registered entity names: derive `UserScoped` or `TenantScoped` there, and link or \
         list that entity"
    )]
    ViaUnowned {
        /// The table.
        table: String,
        /// The relation.
        relation: String,
        /// The table it leads to.
        parent: String,
    },
    /// `via` leads back to where it started.
    #[error(
        "table `{table}`: `via` goes in a circle ({}): one of them must name its owner itself",
        path.join(" -> ")
    )]
    ViaCircle {
        /// The table.
        table: String,
        /// The tables on the way.
        path: Vec<String>,
    },
    /// Users could give themselves a membership.
    #[error(
        "table `{table}`: `via = \"{relation}\"` leads to `{parent}.{column}`, which is not that \
         table's key, and the application may write there: anyone could make a row that leads \
         here. Say `grant(select)` on `{parent}`, so that only administrators write it"
    )]
    Membership {
        /// The table.
        table: String,
        /// The relation.
        relation: String,
        /// The table it leads to.
        parent: String,
        /// The column it leads to.
        column: String,
    },
    /// `read` or `soft_delete` names a field that cannot mark a row.
    #[error("table `{table}`: `{column}` cannot mark rows: it is {found}")]
    Marked {
        /// The table.
        table: String,
        /// The field or column.
        column: String,
        /// What it is.
        found: String,
    },
    /// PostgreSQL would refuse a policy.
    #[error("table `{table}`: {source}")]
    Policy {
        /// The table.
        table: String,
        /// What is wrong.
        source: PolicyError,
    },
    /// A policy reads a setting that it does not spell out.
    #[error(
        "table `{table}`: a policy reads a setting that it does not spell out (`{call}`): write \
         `current_setting('app.name', true)`, or use `policy::setting`"
    )]
    Setting {
        /// The table.
        table: String,
        /// The call.
        call: String,
    },
    /// Two policies have the same name.
    #[error("table `{table}`: two policies are named `{policy}`: name one otherwise")]
    PolicyTwice {
        /// The table.
        table: String,
        /// The name.
        policy: String,
    },
    /// A table without row-level security has no reason for it.
    #[error("table `{table}` is unscoped without a reason: say `#[unscoped(reason = \"…\")]`")]
    NoReason {
        /// The table.
        table: String,
    },
    /// A table is both scoped and unscoped.
    #[error("table `{table}` is declared both scoped and unscoped: drop one of the derives")]
    Unscoped {
        /// The table.
        table: String,
    },
    /// Citus cannot distribute the table as its entity says.
    #[error(
        "table `{table}` says `distribute`, and its rows belong to someone through other rows, or by \
         two columns that both say it: Citus takes no sub-select in a policy, and spreads rows by one \
         column. Give the table a column that names the user or the tenant, and say `distribute` \
         once; or leave it out, and the table stays on the coordinator"
    )]
    NotDistributable {
        /// The table.
        table: String,
    },
    /// Two entities declare different scopes of one table.
    #[error(
        "table `{table}` is registered twice, with different scopes: keep one, or make both say \
         the same"
    )]
    Clash {
        /// The table.
        table: String,
    },
}

debug_is_display!(DeclarationError);

fn no_identity(holder: Holder) -> &'static str {
    match holder {
        Holder::User => {
            "no entity is the identity: say `#[user_scoped(identity)]` on the users' entity, or \
             here `user = super::user::Entity` or `no_foreign_key`"
        }
        Holder::Tenant => {
            "no entity is the tenant: say `#[tenant_scoped(identity)]` on the tenants' entity, or \
             here `tenant = super::tenant::Entity` or `no_foreign_key`"
        }
    }
}
