use crate::Tested;
use crate::world::{World, task, user, world};

#[tokio::test]
async fn a_scope_reaches_the_rows_of_its_user() -> Tested {
    use sea_orm::{ActiveModelTrait, EntityTrait, PaginatorTrait, Set, TransactionTrait};
    use sea_orm_rls::{RlsError, UserContext};
    use uuid::Uuid;

    let World { db, ann, bob, .. } = &world().await?;

    // snippet
    let mine = db.scope(UserContext::new(*ann));
    assert_eq!(task::Entity::find().count(&mine).await?, 2);
    assert_eq!(task::Entity::find().count(&db.anonymous()).await?, 0);

    // A transaction keeps the context until it ends.
    let txn = mine.begin().await?;
    let task = task::ActiveModel {
        id: Set(Uuid::new_v4()),
        title: Set("new".to_owned()),
        ..Default::default()
    };
    let task = task.insert(&txn).await?;
    assert_eq!(task.owner_id, *ann);
    txn.commit().await?;

    // A row that a policy refuses is an error of its own kind.
    let forged = task::ActiveModel {
        id: Set(Uuid::new_v4()),
        title: Set("forged".to_owned()),
        owner_id: Set(*bob),
    };
    let error = RlsError::from(forged.insert(&mine).await.unwrap_err());
    assert!(matches!(error, RlsError::PolicyRefused { .. }));

    // Another user's row is invisible: no error, and nothing changes.
    let stranger = db.scope(UserContext::new(Uuid::new_v4()));
    let deleted = task::Entity::delete_many().exec(&stranger).await?;
    assert_eq!(deleted.rows_affected, 0);
    // end

    Ok(())
}

#[test]
fn a_context_of_several_settings_is_a_struct() {
    use uuid::Uuid;

    // snippet
    use sea_orm_rls::RlsContext;

    #[derive(RlsContext)]
    struct Member {
        #[setting("app.user_id")]
        user: Uuid,
        #[setting("app.tenant_id")]
        tenant: Uuid,
        #[setting("app.team_ids")]
        teams: Vec<i64>,
    }
    // end

    let member = Member {
        user: Uuid::nil(),
        tenant: Uuid::nil(),
        teams: vec![7],
    };
    let shown = format!("{member:?}");
    assert!(
        !shown.contains('7') && shown.contains("app.team_ids"),
        "{shown}"
    );
}

#[tokio::test]
async fn reads_of_one_state_share_a_transaction() -> Tested {
    use sea_orm::{AccessMode, EntityTrait, IsolationLevel, TransactionTrait};
    use sea_orm_rls::UserContext;

    let World { db, ann, .. } = &world().await?;
    let mine = db.scope(UserContext::new(*ann));

    // snippet
    let repeatable = Some(IsolationLevel::RepeatableRead);
    let reads = mine
        .begin_with_config(repeatable, Some(AccessMode::ReadOnly))
        .await?;
    let tasks = task::Entity::find().all(&reads).await?;
    let users = user::Entity::find().all(&reads).await?;
    reads.commit().await?;
    // end

    assert_eq!((tasks.len(), users.len()), (2, 1));
    Ok(())
}
