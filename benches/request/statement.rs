//! The statements, as an application writes them: with its owner's condition, and without.

use sea_orm::{ActiveModelTrait, ConnectionTrait, DbErr, EntityTrait, Set};
use uuid::Uuid;

use crate::world::ROWS_OF_USER;

/// On the table without row security: every statement says whose rows it means.
pub mod plain {
    use sea_orm::{ColumnTrait, QueryFilter};

    use super::{ActiveModelTrait, ConnectionTrait, DbErr, EntityTrait, ROWS_OF_USER, Set, Uuid};
    use crate::entity::task_plain::{ActiveModel, Column, Entity};

    pub async fn read(db: &impl ConnectionTrait, user: Uuid) -> Result<(), DbErr> {
        let rows = Entity::find()
            .filter(Column::OwnerId.eq(user))
            .all(db)
            .await?;
        assert_eq!(rows.len(), ROWS_OF_USER);
        Ok(())
    }

    pub async fn insert(db: &impl ConnectionTrait, user: Uuid) -> Result<Uuid, DbErr> {
        let id = Uuid::new_v4();
        let new = ActiveModel {
            id: Set(id),
            owner_id: Set(user),
            title: Set("new".to_owned()),
            rank: Set(1),
        };

        new.insert(db).await?;
        Ok(id)
    }

    pub async fn five(db: &impl ConnectionTrait, user: Uuid) -> Result<(), DbErr> {
        read(db, user).await?;

        let id = insert(db, user).await?;
        let update = Entity::update_many()
            .col_expr(Column::Rank, 2.into())
            .filter(Column::Id.eq(id));
        assert_eq!(
            update
                .filter(Column::OwnerId.eq(user))
                .exec(db)
                .await?
                .rows_affected,
            1
        );
        assert!(
            Entity::find_by_id(id)
                .filter(Column::OwnerId.eq(user))
                .one(db)
                .await?
                .is_some()
        );

        let delete = Entity::delete_by_id(id).filter(Column::OwnerId.eq(user));
        assert_eq!(delete.exec(db).await?.rows_affected, 1);

        Ok(())
    }
}

/// On the table under row security: the policies say it.
pub mod scoped {
    use sea_orm::{ColumnTrait, QueryFilter};

    use super::{ActiveModelTrait, ConnectionTrait, DbErr, EntityTrait, ROWS_OF_USER, Set, Uuid};
    use crate::entity::task::{ActiveModel, Column, Entity};

    pub async fn read(db: &impl ConnectionTrait) -> Result<(), DbErr> {
        let rows = Entity::find().all(db).await?;
        assert_eq!(rows.len(), ROWS_OF_USER);
        Ok(())
    }

    /// What a login reads that sees all rows.
    pub async fn read_of(db: &impl ConnectionTrait, user: Uuid) -> Result<(), DbErr> {
        let rows = Entity::find().filter(Column::OwnerId.eq(user));
        assert_eq!(rows.all(db).await?.len(), ROWS_OF_USER);
        Ok(())
    }

    pub async fn insert(db: &impl ConnectionTrait) -> Result<Uuid, DbErr> {
        let id = Uuid::new_v4();
        let new = ActiveModel {
            id: Set(id),
            title: Set("new".to_owned()),
            rank: Set(1),
            ..Default::default()
        };

        new.insert(db).await?;
        Ok(id)
    }

    pub async fn five(db: &impl ConnectionTrait) -> Result<(), DbErr> {
        read(db).await?;

        let id = insert(db).await?;
        let update = Entity::update_many()
            .col_expr(Column::Rank, 2.into())
            .filter(Column::Id.eq(id));
        assert_eq!(update.exec(db).await?.rows_affected, 1);
        assert!(Entity::find_by_id(id).one(db).await?.is_some());
        assert_eq!(Entity::delete_by_id(id).exec(db).await?.rows_affected, 1);

        Ok(())
    }
}
