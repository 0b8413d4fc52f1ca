use sea_orm::{ConnectionTrait, DbBackend, EntityTrait, PaginatorTrait, Statement};
use sea_orm_rls::error::ContextError;
use sea_orm_rls::{AdminConnection, AdminContext, RlsConnection, RlsError, UserContext};

use crate::Tested;
use crate::world::{World, task, world};

#[tokio::test]
async fn administrators_see_all_rows_and_leave_a_record() -> Tested {
    let World { db, ann, .. } = &world().await?;

    // snippet
    let ops = db.admin(AdminContext::new("carol", "ticket 4711")?);
    assert_eq!(task::Entity::find().count(&ops).await?, 3);

    // The server refuses every write, whatever the SQL text says.
    let look = db.admin_read_only(AdminContext::new("carol", "ticket 4711")?);
    let refused = task::Entity::delete_many().exec(&look).await.unwrap_err();
    assert!(matches!(RlsError::from(refused), RlsError::ReadOnly { .. }));

    // One user's rows, under the policies; for code that takes a `ScopedConnection`.
    let carol = AdminContext::new("carol", "ticket 4711")?;
    let as_ann = db.admin_as_user(carol, UserContext::new(*ann));
    assert_eq!(task::Entity::find().count(&as_ann).await?, 2);

    // There is no context without a name and a reason.
    let unsaid = AdminContext::new("carol", " ").unwrap_err();
    assert_eq!(unsaid, ContextError::NoReason);

    // Administrators may read the record.
    let record = "SELECT actor, reason, on_behalf_of IS NOT NULL FROM rls_audit ORDER BY at";
    let record = Statement::from_string(DbBackend::Postgres, record);
    for row in ops.query_all_raw(record).await? {
        let (actor, reason, _for_a_user): (String, String, bool) = row.try_get_many_by_index()?;
        assert!(actor == "carol" && reason == "ticket 4711");
    }
    // end

    let for_a_user = "SELECT count(*) FROM rls_audit WHERE on_behalf_of IS NOT NULL";
    let for_a_user = Statement::from_string(DbBackend::Postgres, for_a_user);
    let row = ops.query_one_raw(for_a_user).await?.ok_or("no row")?;
    assert_eq!(row.try_get_by_index::<i64>(0)?, 1);

    Ok(())
}

struct User {
    email: String,
    is_superuser: bool,
}

// snippet
fn all_rows(
    db: &RlsConnection,
    user: &User,
    reason: &str,
) -> Result<Option<AdminConnection>, ContextError> {
    let context = AdminContext::new(&user.email, reason)?;
    Ok(user.is_superuser.then(|| db.admin(context)))
}
// end

mod whole {
    use sea_orm::EntityTrait;
    use sea_orm_rls::{AdminContext, RlsConnection, UserContext};
    use uuid::Uuid;

    use crate::Tested;
    use crate::world::{World, task, world};

    // snippet
    use std::io::Write;

    use sea_orm_rls::subject::{Receipt, Subject, SubjectError};

    async fn leave(
        db: &RlsConnection,
        user: Uuid,
        lines: &mut (impl Write + Send),
    ) -> Result<Receipt, SubjectError> {
        let carol = AdminContext::new("carol", "request of 1 March")?;
        let subject = Subject::new(db, UserContext::new(user));

        println!("{}", subject.export(carol.clone(), lines).await?);
        println!("{}", subject.preview(carol.clone()).await?); // what would go, table by table
        subject.erase(carol).await // the receipt, to keep and to sign
    }
    // end

    #[tokio::test]
    async fn user_leaves() -> Tested {
        let World { db, ann, bob, .. } = &world().await?;
        let mut lines = Vec::new();
        let receipt = leave(db, *ann, &mut lines).await?;

        assert_eq!(
            receipt.rows(),
            String::from_utf8(lines)?.lines().count() as u64
        );
        let none = task::Entity::find()
            .all(&db.scope(UserContext::new(*ann)))
            .await?;
        assert!(none.is_empty());
        let his = task::Entity::find()
            .all(&db.scope(UserContext::new(*bob)))
            .await?;
        assert!(!his.is_empty());
        Ok(())
    }
}
