//! Users and how they log in.

use axum::http::StatusCode;
use sea_orm::{ActiveModelTrait, ConnectionTrait, DbErr, Set, TransactionTrait};
use sea_orm_rls::axum::Problem;
use sea_orm_rls::{AdminContext, RlsConnection};
use tasks_entity::{credential, user};
use uuid::Uuid;

use crate::app::Newcomer;
use crate::password::Passwords;

/// An address as it is stored: in small letters.
pub fn address(email: &str) -> Result<String, Problem> {
    let email = email.trim().to_lowercase();
    let is_one = email
        .split_once('@')
        .is_some_and(|(name, host)| !name.is_empty() && !host.is_empty());
    if is_one && email.len() <= 254 && !email.chars().any(char::is_control) {
        return Ok(email);
    }

    Err(Problem::new(
        StatusCode::UNPROCESSABLE_ENTITY,
        "invalid_email",
        "this is no address",
    ))
}

/// Adds a user on behalf of the one who is added.
pub async fn add(
    newcomer: &Newcomer,
    passwords: &Passwords,
    email: &str,
    password: String,
) -> Result<user::Model, Problem> {
    let password_hash = passwords.hash(password).await?;
    let (id, own) = newcomer.user();
    let transaction = own.begin().await?;
    let user = insert(&transaction, id, address(email)?, password_hash, false).await?;

    transaction.commit().await?;
    Ok(user)
}

/// Adds a superuser of the application, which only the administrator's role may: see the policy of
/// `user`. Whoever had this address before stays what they are.
pub async fn add_superuser(
    db: &RlsConnection,
    passwords: &Passwords,
    email: &str,
    password: String,
) -> Result<user::Model, Problem> {
    let password_hash = passwords.hash(password).await?;
    let admin = db.admin(AdminContext::new(
        "tasks service",
        "add the first superuser",
    )?);

    let transaction = admin.begin().await?;
    let user = insert(
        &transaction,
        Uuid::new_v4(),
        address(email)?,
        password_hash,
        true,
    )
    .await?;

    transaction.commit().await?;
    Ok(user)
}

async fn insert(
    db: &impl ConnectionTrait,
    id: Uuid,
    email: String,
    password_hash: String,
    is_superuser: bool,
) -> Result<user::Model, DbErr> {
    let user = user::ActiveModel {
        id: Set(id),
        email: Set(email.clone()),
        is_superuser: Set(is_superuser),
    };

    let user = user.insert(db).await?;
    let credential = credential::ActiveModel {
        user_id: Set(id),
        email: Set(email),
        password_hash: Set(password_hash),
    };

    credential.insert(db).await?;
    Ok(user)
}
