use sea_orm::{ActiveModelTrait, DbBackend, EntityTrait, PaginatorTrait, Schema, Set};
use sea_orm_rls::{RlsConnection, RlsContext, RlsError, RlsSchema, UserContext, registry};
use uuid::Uuid;

use crate::Tested;
use crate::world::{World, task, user, world};

// snippet
mod notice {
    use sea_orm::entity::prelude::*; // hidden
    use sea_orm::sea_query::{Expr, ExprTrait};
    use sea_orm_rls::UserScoped;
    use sea_orm_rls::policy::{self, Command, Policy, PolicyDraft};

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "notice")]
    #[user_scoped(user = super::user::Entity, policies = rules)]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub owner_id: Uuid,
        pub team_id: i32,
        pub frozen: bool,
    }
    impl ActiveModelBehavior for ActiveModel {} // hidden

    fn rules() -> [PolicyDraft; 2] {
        [
            // Permissive: opens rows that the owner's policies do not.
            Policy::permissive("notice_of_team")
                .on([Command::Select])
                .using(Expr::col("team_id").eq(policy::setting::<i32>("app.team_id"))),
            // Restrictive: closes rows that other policies open.
            Policy::restrictive("notice_frozen")
                .on([Command::Update, Command::Delete])
                .using(Expr::col("frozen").not()),
        ]
    }
}
// end

mod member {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "member")]
    #[user_scoped(owner = "user_id", index(org_id), grant(select))]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub org_id: i32,
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: Uuid,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod tenant {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::TenantScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, TenantScoped)]
    #[sea_orm(table_name = "tenant")]
    #[tenant_scoped(identity)]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

// snippet
mod page {
    use sea_orm::entity::prelude::*; // hidden
    use sea_orm::sea_query::{Expr, ExprTrait, Query};
    use sea_orm_rls::UserScoped;
    use sea_orm_rls::policy::{self, Command, Policy, PolicyDraft};

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "page")]
    #[user_scoped(user = super::user::Entity, owner = "author_id", policies = members)]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub author_id: Uuid,
        pub org_id: i32,
    }
    impl ActiveModelBehavior for ActiveModel {} // hidden

    fn members() -> [PolicyDraft; 2] {
        let user = policy::setting::<Uuid>("app.user_id");
        let mine = Query::select()
            .column("org_id")
            .from("member")
            .and_where(Expr::col("user_id").eq(user))
            .to_owned();
        let in_mine = Expr::col("org_id").in_subquery(mine);
        [
            Policy::permissive("page_of_members")
                .on([Command::Select])
                .using(in_mine.clone()),
            // No page is put into another organisation.
            Policy::restrictive("page_stays")
                .on([Command::Insert, Command::Update])
                .with_check(in_mine),
        ]
    }
}
// end

// snippet
mod invoice {
    use sea_orm::entity::prelude::*; // hidden
    use sea_orm::sea_query::{Expr, ExprTrait};
    use sea_orm_rls::TenantScoped;
    use sea_orm_rls::policy::{self, Command, Policy, PolicyDraft};

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, TenantScoped)]
    #[sea_orm(table_name = "invoice")]
    #[tenant_scoped(tenant = super::tenant::Entity, policies = editors)]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub tenant_id: Uuid,
    }
    impl ActiveModelBehavior for ActiveModel {} // hidden

    fn editors() -> [PolicyDraft; 2] {
        let is_editor = policy::setting::<String>("app.role").is_in(["editor", "owner"]);
        [
            Policy::restrictive("invoice_written_by_editors")
                .on([Command::Insert, Command::Update])
                .with_check(is_editor.clone()),
            Policy::restrictive("invoice_changed_by_editors")
                .on([Command::Update, Command::Delete])
                .using(is_editor),
        ]
    }
}

#[derive(RlsContext)]
struct Colleague {
    #[setting("app.tenant_id")]
    tenant: Uuid,
    #[setting("app.role")] // as the program knows it: from its session, or from a table
    role: String,
}
// end

// snippet
mod album {
    use sea_orm::entity::prelude::*; // hidden
    use sea_orm::sea_query::{Expr, ExprTrait};
    use sea_orm_rls::UserScoped;
    use sea_orm_rls::policy::{self, Command, Policy, PolicyDraft};

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "album")]
    #[user_scoped(user = super::user::Entity, policies = by_link)]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub owner_id: Uuid,
        #[sea_orm(indexed)]
        pub link: Option<Uuid>, // random, as `Uuid::new_v4()`; NULL: not shared
    }
    impl ActiveModelBehavior for ActiveModel {} // hidden

    fn by_link() -> [PolicyDraft; 1] {
        [Policy::permissive("album_by_link")
            .on([Command::Select])
            .using(Expr::col("link").eq(policy::setting::<Uuid>("app.link")))]
    }
}

#[derive(RlsContext)]
struct Visitor {
    #[setting("app.link")]
    link: Uuid,
}
// end

#[derive(RlsContext)]
struct Member {
    #[setting("app.user_id")]
    user: Uuid,
    #[setting("app.team_id")]
    team: i32,
}

#[tokio::test]
async fn declared_policies_open_and_close_rows() -> Tested {
    let World {
        database,
        owner,
        config,
        ann,
        bob,
        ..
    } = world().await?;

    Schema::new(DbBackend::Postgres)
        .builder()
        .register(notice::Entity)
        .register(user::Entity)
        .sync(&owner)
        .await?;

    let entities = registry![user::Entity, task::Entity, notice::Entity]?;
    let rls = RlsSchema::new(entities.clone(), config.clone());
    let plan = rls.plan(&owner).await?.to_string();
    assert!(plan.contains("notice_frozen_update"));
    rls.sync(&owner).await?;

    let db = RlsConnection::connect_with(database.url(), config, entities).await?;
    let hers = db.scope(Member { user: ann, team: 1 });
    let his = db.scope(Member { user: bob, team: 1 });

    let notice = notice::ActiveModel {
        id: Set(Uuid::new_v4()),
        team_id: Set(1),
        frozen: Set(true),
        ..Default::default()
    };
    notice.insert(&hers).await?;

    assert_eq!(notice::Entity::find().count(&his).await?, 1);
    let deleted = notice::Entity::delete_many().exec(&hers).await?;
    assert_eq!(deleted.rows_affected, 0);

    Ok(())
}

/// The gallery, migrated, and its connection.
async fn gallery(world: &World) -> Result<RlsConnection, Box<dyn std::error::Error>> {
    Schema::new(DbBackend::Postgres)
        .builder()
        .register(user::Entity)
        .register(member::Entity)
        .register(page::Entity)
        .register(tenant::Entity)
        .register(invoice::Entity)
        .register(album::Entity)
        .sync(&world.owner)
        .await?;

    let entities = registry![
        user::Entity,
        task::Entity,
        member::Entity,
        page::Entity,
        tenant::Entity as TenantScoped,
        invoice::Entity as TenantScoped,
        album::Entity,
    ]?;
    let config = world.config.clone();
    RlsSchema::new(entities.clone(), config.clone())
        .sync(&world.owner)
        .await?;

    Ok(RlsConnection::connect_with(world.database.url(), config, entities).await?)
}

#[tokio::test]
async fn members_of_an_organisation_read_its_pages() -> Tested {
    let world = world().await?;
    let db = gallery(&world).await?;
    for (org_id, user_id) in [(1, world.ann), (1, world.bob), (2, world.bob)] {
        let member = member::ActiveModel {
            org_id: Set(org_id),
            user_id: Set(user_id),
        };
        member.insert(&world.owner).await?;
    }

    let page = |org_id| page::ActiveModel {
        id: Set(Uuid::new_v4()),
        org_id: Set(org_id),
        ..Default::default()
    };
    let hers = db.scope(UserContext::new(world.ann));
    let his = db.scope(UserContext::new(world.bob));
    page(1).insert(&hers).await?;
    page(2).insert(&his).await?;

    assert_eq!(page::Entity::find().count(&his).await?, 2);
    assert_eq!(page::Entity::find().count(&hers).await?, 1);
    let refused = RlsError::from(page(2).insert(&hers).await.unwrap_err());
    assert!(
        matches!(refused, RlsError::PolicyRefused { .. }),
        "{refused}"
    );
    let deleted = page::Entity::delete_many().exec(&his).await?;
    assert_eq!(deleted.rows_affected, 1, "his own");

    Ok(())
}

#[tokio::test]
async fn a_role_in_the_tenant_decides_who_writes() -> Tested {
    let world = world().await?;
    let db = gallery(&world).await?;
    let as_role = |tenant, role: &str| {
        db.scope(Colleague {
            tenant,
            role: role.to_owned(),
        })
    };
    let (ours, others) = (Uuid::new_v4(), Uuid::new_v4());
    for tenant in [ours, others] {
        let row = tenant::ActiveModel { id: Set(tenant) };
        row.insert(&world.owner).await?;
    }

    let invoice = || invoice::ActiveModel {
        id: Set(Uuid::new_v4()),
        ..Default::default()
    };
    invoice().insert(&as_role(ours, "editor")).await?;
    let reader = as_role(ours, "reader");
    assert_eq!(invoice::Entity::find().count(&reader).await?, 1);
    assert!(invoice().insert(&reader).await.is_err());
    for (who, deleted) in [
        (&reader, 0),
        (&as_role(others, "owner"), 0),
        (&as_role(ours, "owner"), 1),
    ] {
        let rows = invoice::Entity::delete_many().exec(who).await?;
        assert_eq!(rows.rows_affected, deleted);
    }

    Ok(())
}

#[tokio::test]
async fn whoever_has_the_link_reads_the_album() -> Tested {
    let world = world().await?;
    let db = gallery(&world).await?;
    let hers = db.scope(UserContext::new(world.ann));
    let link = Uuid::new_v4();
    for link in [Some(link), None] {
        let album = album::ActiveModel {
            id: Set(Uuid::new_v4()),
            link: Set(link),
            ..Default::default()
        };
        album.insert(&hers).await?;
    }

    let visitor = db.scope(Visitor { link });
    assert_eq!(album::Entity::find().count(&visitor).await?, 1);
    let deleted = album::Entity::delete_many().exec(&visitor).await?;
    assert_eq!(deleted.rows_affected, 0);
    for stranger in [
        db.scope(Visitor {
            link: Uuid::new_v4(),
        }),
        db.anonymous(),
    ] {
        assert_eq!(album::Entity::find().count(&stranger).await?, 0);
    }

    Ok(())
}
