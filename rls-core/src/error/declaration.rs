use super::NameError;
use crate::scope::KeyType;

/// The registered entities contradict each other, or what PostgreSQL takes.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeclarationError {
    /// The registry is empty.
    #[error(
        "no entity is registered: derive `UserScoped` on an entity, and name its crate once in this program \
         (`use entity as _;`), since a crate that nothing names is not linked"
    )]
    NoEntities,
    /// A table, column or setting has a name PostgreSQL would not keep.
    #[error("table `{table}`: {source}")]
    Name {
        /// The table.
        table: String,
        /// What is wrong with the name.
        source: NameError,
    },
    /// The owner column, or the identity's key, has a type no owner can have.
    #[error(
        "table `{table}`: the key `{column}` is {found}; an owner is one column of `uuid`, `integer`, `bigint`, \
         `text` or `varchar`"
    )]
    OwnerType {
        /// The table.
        table: String,
        /// The column.
        column: String,
        /// What was found in its place.
        found: String,
    },
    /// The owner column and the identity's key have different types.
    #[error(
        "table `{table}`: the owner column `{column}` is {}, but the identity's key `{identity}` is {}: give both \
         one type",
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
    /// There is no identity for the foreign key.
    #[error(
        "table `{table}`: no entity is the identity: say `#[user_scoped(identity)]` on the users' entity, or here \
         `user = super::user::Entity` or `no_foreign_key`"
    )]
    NoIdentity {
        /// The table.
        table: String,
    },
    /// There are several identities to choose from.
    #[error("table `{table}`: {} are identities: say which with `user = …::Entity`", identities.join(", "))]
    SeveralIdentities {
        /// The table.
        table: String,
        /// The identities.
        identities: Vec<String>,
    },
    /// Two entities say different things of one table.
    #[error("table `{table}` is registered twice, with different scopes: keep one, or make both say the same")]
    Clash {
        /// The table.
        table: String,
    },
}
