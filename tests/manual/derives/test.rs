use sea_orm_rls::registry;

use crate::first_steps::migration::Migrator;
use crate::first_steps::notes::{note, user};

// snippet
use sea_orm_rls::testing::{TestDatabase, TestError};

#[sea_orm_rls::test(migrator = Migrator, registry = registry![user::Entity, note::Entity])]
async fn users_are_kept_apart(db: TestDatabase) -> Result<(), TestError> {
    db.assert_isolated().await
}
// end
