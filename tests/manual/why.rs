use sea_orm::{ConnectionTrait, DbBackend, Statement};
use sea_orm_rls::error::{Refusal, RefusedBy};
use sea_orm_rls::policy::Command;
use sea_orm_rls::why::{Cause, Outcome, Why};
use sea_orm_rls::{AdminContext, UserContext};

use crate::Tested;
use crate::world::{World, world};

#[tokio::test]
async fn answer_names_the_cause() -> Tested {
    let World {
        owner,
        db,
        ann,
        bob,
        ..
    } = &world().await?;
    let task = format!("SELECT id::text FROM task WHERE owner_id = '{bob}'");
    let task = Statement::from_string(DbBackend::Postgres, task);
    let row = sea_orm::ConnectionTrait::query_one_raw(owner, task).await?;
    let task_of_bob: String = row.ok_or("no row")?.try_get_by_index(0)?;

    // snippet
    let carol = AdminContext::new("carol", "ticket 4711")?;
    let why = Why::on(db, carol);
    let answer = why
        .row(UserContext::new(*ann), "task", &[&task_of_bob])
        .await?;

    let select = answer.command(Command::Select).ok_or("not asked")?;
    assert_eq!(select.outcome, Outcome::Hidden);
    assert!(matches!(select.causes[0], Cause::OtherHolder { .. }));
    println!("{}", answer.text(true));
    // end

    Ok(())
}

#[tokio::test]
async fn refusal_names_what_refused() -> Tested {
    let World { db, ann, bob, .. } = &world().await?;

    // snippet
    let scope = db.scope(UserContext::new(*ann));
    let for_bob = format!(
        "INSERT INTO task (id, title, owner_id) VALUES (gen_random_uuid(), 'rest', '{bob}')"
    );
    let error = scope.execute_unprepared(&for_bob).await.unwrap_err();

    let refusal = Refusal::of(&error).ok_or("not refused")?;
    assert_eq!(refusal.to_string(), "the policies of `task`");
    assert!(matches!(refusal.by, RefusedBy::Policy { .. }));
    // end

    Ok(())
}
