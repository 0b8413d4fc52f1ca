//! Authors, tenants, administrators.
//!
//! What the usual variants get wrong: administrators by BYPASSRLS are an application login that
//! nothing holds, and by `OR role setting = 'admin'` they cost the index and can be made by any
//! SQL.

use sea_orm::{
    ActiveModelTrait, ConnectionTrait, EntityTrait, PaginatorTrait, Set, TransactionTrait,
};
use sea_orm_rls::{RlsContext, RlsError, ScopedConnection, registry};
use uuid::Uuid;

use super::{Scenario, explain};
use crate::schema::text;

mod user {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::TenantScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, TenantScoped)]
    #[sea_orm(table_name = "users")]
    #[tenant_scoped(no_foreign_key)]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub tenant_id: Uuid,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod post {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::{TenantScoped, UserScoped};

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped, TenantScoped)]
    #[sea_orm(table_name = "posts")]
    #[user_scoped(owner = "author_id", user = super::user::Entity, setting = "app.current_user_id")]
    #[tenant_scoped(no_foreign_key, index(status, created_at))]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub author_id: Uuid,
        pub tenant_id: Uuid,
        pub status: String,
        #[sea_orm(default_expr = "Expr::current_timestamp()")]
        pub created_at: DateTimeUtc,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// Both settings at once.
#[derive(Clone, Copy, RlsContext)]
struct Member {
    #[setting("app.current_user_id")]
    user: Uuid,
    #[setting("app.tenant_id")]
    tenant: Uuid,
}

/// An author without a tenant.
#[derive(RlsContext)]
struct Half {
    #[setting("app.current_user_id")]
    user: Uuid,
}

/// Two tenants with two authors each, and a post of each author that says whose it is.
struct Posts {
    scenario: Scenario,
    members: Vec<Member>,
}

impl Posts {
    async fn new() -> Self {
        let registry = registry![
            user::Entity as TenantScoped,
            post::Entity,
            post::Entity as TenantScoped
        ]
        .unwrap();

        let register =
            |schema: sea_orm::SchemaBuilder| schema.register(user::Entity).register(post::Entity);
        let scenario = Scenario::new(registry, 2, register).await;
        let tenants = [Uuid::new_v4(), Uuid::new_v4()];
        let members: Vec<Member> = (0..4)
            .map(|at| Member {
                user: Uuid::new_v4(),
                tenant: tenants[at / 2],
            })
            .collect();

        let posts = Self { scenario, members };
        for member in &posts.members {
            let user = user::ActiveModel {
                id: Set(member.user),
                ..Default::default()
            };

            user.insert(&posts.scenario.db.scope(*member))
                .await
                .unwrap();
            posts.publish(member).await;
        }

        posts
    }

    fn scope(&self, at: usize) -> ScopedConnection {
        self.scenario.db.scope(self.members[at])
    }

    async fn publish(&self, member: &Member) -> post::Model {
        let post = post::ActiveModel {
            id: Set(Uuid::new_v4()),
            status: Set("published".into()),
            ..Default::default()
        };
        post.insert(&self.scenario.db.scope(*member)).await.unwrap()
    }
}

#[tokio::test]
async fn authors_see_and_write_their_own() {
    let posts = Posts::new().await;
    let own = post::Entity::find().all(&posts.scope(0)).await.unwrap();
    assert_eq!(
        own.iter().map(|post| post.author_id).collect::<Vec<_>>(),
        [posts.members[0].user]
    );
    assert_eq!(
        post::Entity::find()
            .count(&posts.scenario.admin())
            .await
            .unwrap(),
        4
    );

    let other = post::Entity::find()
        .one(&posts.scope(1))
        .await
        .unwrap()
        .unwrap();

    let mut stolen: post::ActiveModel = other.clone().into();
    stolen.status = Set("stolen".into());
    stolen.update(&posts.scope(0)).await.unwrap_err();

    let deleted = post::Entity::delete_by_id(other.id)
        .exec(&posts.scope(0))
        .await
        .unwrap();

    assert_eq!(deleted.rows_affected, 0);

    let forged = post::ActiveModel {
        id: Set(Uuid::new_v4()),
        author_id: Set(posts.members[1].user),
        status: Set("draft".into()),
        ..Default::default()
    };

    let refused = forged.insert(&posts.scope(0)).await.unwrap_err();
    assert!(
        matches!(RlsError::from(&refused), RlsError::PolicyRefused { .. }),
        "{refused}"
    );

    let left = post::Entity::find_by_id(other.id)
        .one(&posts.scenario.admin())
        .await
        .unwrap();

    assert_eq!(left, Some(other), "nothing of it happened");
}

#[tokio::test]
async fn a_row_must_match_tenant_and_author() {
    let posts = Posts::new().await;
    let users = user::Entity::find().all(&posts.scope(0)).await.unwrap();
    assert_eq!(users.len(), 2, "the tenant's users");
    assert!(
        users
            .iter()
            .all(|user| user.tenant_id == posts.members[0].tenant)
    );

    // The same author under another tenant, and another author under the same.
    let moved = Member {
        tenant: posts.members[2].tenant,
        ..posts.members[0]
    };

    assert_eq!(
        post::Entity::find()
            .count(&posts.scenario.db.scope(moved))
            .await
            .unwrap(),
        0
    );

    let post = post::Entity::find()
        .one(&posts.scope(0))
        .await
        .unwrap()
        .unwrap();

    let mut moved: post::ActiveModel = post.into();
    moved.tenant_id = Set(posts.members[2].tenant);

    let refused = moved.update(&posts.scope(0)).await.unwrap_err();
    assert!(
        matches!(RlsError::from(&refused), RlsError::PolicyRefused { .. }),
        "{refused}"
    );

    // Of two settings one alone is nobody.
    let half = posts.scenario.db.scope(Half {
        user: posts.members[0].user,
    });
    assert_eq!(post::Entity::find().count(&half).await.unwrap(), 0);
}

#[tokio::test]
async fn administrators_see_all_by_a_role_of_their_own() {
    let posts = Posts::new().await;
    assert_eq!(
        post::Entity::find()
            .count(&posts.scenario.admin())
            .await
            .unwrap(),
        4
    );

    let scope = posts.scope(0);

    // No setting makes an administrator.
    let counted = text(
        &scope,
        "WITH role AS (SELECT set_config('app.role', 'admin', true)) SELECT count(*)::text FROM \
         posts, role",
    )
    .await;

    assert_eq!(counted, "1");

    let role = posts.scenario.config.admin_role();

    assert!(
        scope
            .execute_unprepared(&format!("SET LOCAL ROLE \"{role}\""))
            .await
            .is_err()
    );
}

#[tokio::test]
async fn newest_published_come_from_an_index_that_leads_with_the_scope() {
    let posts = Posts::new().await;
    let member = posts.members[0];
    posts
        .scenario
        .fill(&format!(
            "INSERT INTO posts (id, author_id, tenant_id, status, created_at)
             SELECT gen_random_uuid(), '{user}', '{tenant}', CASE WHEN i % 2 = 0 THEN 'published' \
             ELSE 'draft' END,
                    now() - i * interval '1 minute'
             FROM generate_series(1, 3000) i;
             INSERT INTO posts (id, author_id, tenant_id, status, created_at)
             SELECT gen_random_uuid(), u.id, u.tenant_id, 'published', now()
             FROM users u, generate_series(1, 3000) i WHERE u.id <> '{user}';
             ANALYZE posts",
            user = member.user,
            tenant = member.tenant
        ))
        .await;

    let query = "SELECT * FROM posts WHERE status = 'published' ORDER BY created_at DESC LIMIT 20";
    let plan = explain(&posts.scope(0), query).await;
    assert!(
        plan.contains("posts_tenant_id_author_id_status_created_at_idx"),
        "{plan}"
    );

    assert!(
        !plan.contains("Sort") && !plan.contains("Filter"),
        "neither sorted nor filtered: {plan}"
    );
}

#[tokio::test]
async fn a_callback_on_another_connection_sees_nothing() {
    let posts = Posts::new().await;
    let request = posts.scope(0).begin().await.unwrap();
    assert_eq!(post::Entity::find().count(&request).await.unwrap(), 1);

    let elsewhere = posts.scenario.db.anonymous();
    assert_eq!(
        post::Entity::find().count(&elsewhere).await.unwrap(),
        0,
        "nothing, and not everything"
    );
    assert_eq!(post::Entity::find().count(&request).await.unwrap(), 1);
    request.commit().await.unwrap();
}

#[tokio::test]
async fn every_command_is_proved_to_keep_them_apart() {
    Posts::new().await.scenario.assert_isolated().await;
}
