use crate::Tested;
use crate::world::{World, task, world};

#[tokio::test]
async fn a_spawned_job_stays_the_rows_of_its_user() -> Tested {
    use sea_orm::{EntityTrait, PaginatorTrait};
    use sea_orm_rls::UserContext;

    let World { db, ann, .. } = &world().await?;

    // snippet
    let mine = db.scope(UserContext::new(*ann));
    let job = tokio::spawn(async move { task::Entity::find().count(&mine).await });
    assert_eq!(job.await??, 2);
    // end

    Ok(())
}

#[tokio::test]
async fn a_job_of_many_users_runs_in_the_scope_of_each() -> Tested {
    use sea_orm::sea_query::{Expr, Func};
    use sea_orm::{EntityTrait, QuerySelect};
    use sea_orm_rls::{AdminContext, UserContext};
    use uuid::Uuid;

    let World { db, .. } = &world().await?;

    // snippet
    let look = db.admin_read_only(AdminContext::new("worker", "find users with tasks")?);
    let users: Vec<Uuid> = task::Entity::find()
        .select_only()
        .column(task::Column::OwnerId)
        .distinct()
        .into_tuple()
        .all(&look)
        .await?;

    for user in users {
        let theirs = db.scope(UserContext::new(user));
        let trimmed = Func::cust("btrim").arg(Expr::col(task::Column::Title));
        // No `WHERE`: the policies leave this user's rows.
        task::Entity::update_many()
            .col_expr(task::Column::Title, trimmed.into())
            .exec(&theirs)
            .await?;
    }
    // end

    Ok(())
}
