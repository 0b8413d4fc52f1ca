use sea_orm::{ConnectionTrait, DbBackend, Statement};
use sea_orm_rls::UserContext;

use crate::Tested;
use crate::world::{World, world};

#[tokio::test]
async fn a_scope_tells_its_login_and_its_user() -> Tested {
    let World { db, ann, .. } = &world().await?;
    let mine = db.scope(UserContext::new(*ann));

    // snippet
    let question = "SELECT current_user::text, current_setting('app.user_id', true)";
    let question = Statement::from_string(DbBackend::Postgres, question);
    let row = mine.query_one_raw(question).await?.ok_or("no row")?;
    let (login, user): (String, Option<String>) = row.try_get_many_by_index()?;
    // end

    assert!(login.contains("rls_app_user") && user == Some(ann.to_string()));
    Ok(())
}
