use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DbBackend, EntityTrait, PaginatorTrait, Schema, Set,
    Statement,
};
use sea_orm_rls::{RlsConnection, RlsContext, RlsError, RlsSchema, UserContext, registry};
use uuid::Uuid;

use crate::Tested;
use crate::world::{World, task, user, world};

// snippet
mod org {
    use sea_orm::entity::prelude::*; // hidden
    use sea_orm_rls::TenantScoped; // hidden
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, TenantScoped)]
    #[sea_orm(table_name = "org")]
    #[tenant_scoped(identity)]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
    }
    impl ActiveModelBehavior for ActiveModel {} // hidden
}

mod member {
    use sea_orm::entity::prelude::*; // hidden
    use sea_orm_rls::{TenantScoped, UserScoped}; // hidden
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, TenantScoped, UserScoped)]
    #[sea_orm(table_name = "member")]
    #[tenant_scoped(tenant = super::org::Entity)]
    #[user_scoped(user = super::user::Entity, owner = "user_id", grant(select))]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub tenant_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: Uuid,
        pub role: String, // `member` or `admin`
    }
    impl ActiveModelBehavior for ActiveModel {} // hidden
}

mod contract {
    use sea_orm::entity::prelude::*; // hidden
    use sea_orm::sea_query::{Expr, ExprTrait, Query};
    use sea_orm_rls::TenantScoped;
    use sea_orm_rls::policy::{Command, Policy, PolicyDraft};

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, TenantScoped)]
    #[sea_orm(table_name = "contract")]
    #[tenant_scoped(tenant = super::org::Entity, policies = roles)]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub tenant_id: Uuid,
    }
    impl ActiveModelBehavior for ActiveModel {} // hidden

    fn roles() -> [PolicyDraft; 3] {
        // Of the memberships, row security shows the user's own in the current organisation.
        let has = |roles: &[&str]| {
            let mine = Query::select()
                .expr(Expr::val(1))
                .from("member")
                .and_where(Expr::col("role").is_in(roles.iter().copied()))
                .to_owned();
            Expr::exists(mine)
        };
        [
            Policy::restrictive("contract_of_members")
                .on([Command::Select])
                .using(has(&["member", "admin"])),
            Policy::restrictive("contract_written_by_admins")
                .on([Command::Insert, Command::Update])
                .with_check(has(&["admin"])),
            Policy::restrictive("contract_changed_by_admins")
                .on([Command::Update, Command::Delete])
                .using(has(&["admin"])),
        ]
    }
}

#[derive(RlsContext)]
struct Colleague {
    #[setting("app.tenant_id")]
    tenant: Uuid,
    #[setting("app.user_id")]
    user: Uuid,
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
        pub link: Option<Uuid>, // random, as `Uuid::new_v4()`
        pub link_until: Option<DateTimeWithTimeZone>,
    }
    impl ActiveModelBehavior for ActiveModel {} // hidden

    fn by_link() -> [PolicyDraft; 1] {
        let known = Expr::col("link").eq(policy::setting::<Uuid>("app.link"));
        let holds = Expr::col("link_until").gt(Expr::current_timestamp());
        [Policy::permissive("album_by_link")
            .on([Command::Select])
            .using(known.and(holds))]
    }
}

#[derive(RlsContext)]
struct Visitor {
    #[setting("app.link")]
    link: Uuid,
}
// end

// snippet
mod ticket {
    use sea_orm::entity::prelude::*; // hidden
    use sea_orm::sea_query::{Expr, ExprTrait};
    use sea_orm_rls::UserScoped;
    use sea_orm_rls::policy::{self, Command, Policy, PolicyDraft};

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "ticket")]
    #[user_scoped(user = super::user::Entity, policies = assigned)]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub owner_id: Uuid,
        #[sea_orm(indexed)]
        pub assignee_id: Option<Uuid>,
    }
    impl ActiveModelBehavior for ActiveModel {} // hidden

    fn assigned() -> [PolicyDraft; 1] {
        [Policy::permissive("ticket_of_assignee")
            .on([Command::Select])
            .using(Expr::col("assignee_id").eq(policy::setting::<Uuid>("app.user_id")))]
    }
}

mod reply {
    use sea_orm::entity::prelude::*; // hidden
    use sea_orm::sea_query::Expr;
    use sea_orm_rls::UserScoped;
    use sea_orm_rls::policy::{Command, Policy, PolicyDraft};

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "reply")]
    #[user_scoped(user = super::user::Entity, owner = "author_id", bind = "ticket", policies = read)]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub author_id: Uuid,
        #[sea_orm(indexed)]
        pub ticket_id: Uuid,
        #[sea_orm(belongs_to, from = "ticket_id", to = "id")]
        pub ticket: HasOne<super::ticket::Entity>,
    }
    impl ActiveModelBehavior for ActiveModel {} // hidden

    fn read() -> [PolicyDraft; 1] {
        // Of the tickets, row security shows those that the user owns or is assigned to.
        [Policy::permissive("reply_to_ticket")
            .on([Command::Select])
            .using(Expr::cust("ticket_id = ANY (ARRAY(SELECT id FROM ticket))"))]
    }
}
// end

// snippet
mod unit {
    use sea_orm::entity::prelude::*; // hidden
    use sea_orm_rls::Unscoped; // hidden
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, Unscoped)]
    #[sea_orm(table_name = "unit")]
    #[unscoped(reason = "everyone may know the units", grant(select))]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub above_id: Option<i32>,
    }
    impl ActiveModelBehavior for ActiveModel {} // hidden
}

/// Who heads which unit.
mod head {
    use sea_orm::entity::prelude::*; // hidden
    use sea_orm_rls::UserScoped; // hidden
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "head")]
    #[user_scoped(user = super::user::Entity, owner = "user_id", grant(select))]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub unit_id: i32,
    }
    impl ActiveModelBehavior for ActiveModel {} // hidden
}

/// Who reaches which unit: the one that he heads, and all below.
mod reach {
    use sea_orm::entity::prelude::*; // hidden
    use sea_orm_rls::UserScoped; // hidden
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "reach")]
    #[user_scoped(user = super::user::Entity, owner = "user_id", grant(select))]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub user_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub unit_id: i32,
    }
    impl ActiveModelBehavior for ActiveModel {} // hidden
}

mod report {
    use sea_orm::entity::prelude::*; // hidden
    use sea_orm_rls::UserScoped; // hidden
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "report")]
    #[user_scoped(via = "reach")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub unit_id: i32,
        #[sea_orm(belongs_to, from = "unit_id", to = "unit_id", skip_fk)]
        pub reach: HasOne<super::reach::Entity>,
    }
    impl ActiveModelBehavior for ActiveModel {} // hidden
}

/// After each change of units or heads, by an administrator, in the same transaction.
async fn fill_reach(db: &impl ConnectionTrait) -> Result<(), sea_orm::DbErr> {
    db.execute_unprepared("DELETE FROM reach").await?;
    let fill = "WITH RECURSIVE below AS (
            SELECT user_id, unit_id FROM head
            UNION
            SELECT b.user_id, u.id FROM below b JOIN unit u ON u.above_id = b.unit_id)
        INSERT INTO reach (user_id, unit_id) SELECT user_id, unit_id FROM below";
    db.execute_unprepared(fill).await?;
    Ok(())
}
// end

// snippet
mod article {
    use sea_orm::entity::prelude::*; // hidden
    use sea_orm_rls::UserScoped; // hidden
    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "article")]
    #[user_scoped(user = super::user::Entity, owner = "author_id", read = "is_public")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub author_id: Uuid,
        pub is_public: bool,
    }
    impl ActiveModelBehavior for ActiveModel {} // hidden
}
// end

/// The gallery, migrated, and its connection.
async fn gallery(world: &World) -> Result<RlsConnection, Box<dyn std::error::Error>> {
    Schema::new(DbBackend::Postgres)
        .builder()
        .register(user::Entity)
        .register(org::Entity)
        .register(member::Entity)
        .register(contract::Entity)
        .register(album::Entity)
        .register(ticket::Entity)
        .register(reply::Entity)
        .register(unit::Entity)
        .register(head::Entity)
        .register(reach::Entity)
        .register(report::Entity)
        .register(article::Entity)
        .sync(&world.owner)
        .await?;

    let entities = registry![
        user::Entity,
        task::Entity,
        org::Entity as TenantScoped,
        member::Entity,
        member::Entity as TenantScoped,
        contract::Entity as TenantScoped,
        album::Entity,
        ticket::Entity,
        reply::Entity,
        unit::Entity as Unscoped,
        head::Entity,
        reach::Entity,
        report::Entity,
        article::Entity,
    ]?;
    let config = world.config.clone();
    RlsSchema::new(entities.clone(), config.clone())
        .sync(&world.owner)
        .await?;

    Ok(RlsConnection::connect_with(world.database.url(), config, entities).await?)
}

fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

#[tokio::test]
async fn members_read_and_admins_write() -> Tested {
    let world = world().await?;
    let db = gallery(&world).await?;
    for tenant in [1, 2] {
        org::ActiveModel {
            id: Set(id(tenant)),
        }
        .insert(&world.owner)
        .await?;
    }
    for (tenant, user, role) in [
        (1, world.ann, "admin"),
        (1, world.bob, "member"),
        (2, world.bob, "admin"),
    ] {
        let member = member::ActiveModel {
            tenant_id: Set(id(tenant)),
            user_id: Set(user),
            role: Set(role.to_owned()),
        };
        member.insert(&world.owner).await?;
    }

    let within = |tenant, user| {
        db.scope(Colleague {
            tenant: id(tenant),
            user,
        })
    };
    let contract = || contract::ActiveModel {
        id: Set(Uuid::new_v4()),
        ..Default::default()
    };
    let (hers, his) = (within(1, world.ann), within(1, world.bob));
    contract().insert(&hers).await?;
    assert_eq!(contract::Entity::find().count(&his).await?, 1);
    assert!(contract().insert(&his).await.is_err());
    let deleted = contract::Entity::delete_many().exec(&his).await?;
    assert_eq!(deleted.rows_affected, 0);

    // A tenant in the context is not enough.
    contract().insert(&within(2, world.bob)).await?;
    let stranger = within(2, world.ann);
    assert_eq!(contract::Entity::find().count(&stranger).await?, 0);
    assert!(contract().insert(&stranger).await.is_err());

    Ok(())
}

#[tokio::test]
async fn link_opens_one_album_until_it_ends() -> Tested {
    let world = world().await?;
    let db = gallery(&world).await?;
    let hers = db.scope(UserContext::new(world.ann));
    let (open, ended) = (Uuid::new_v4(), Uuid::new_v4());
    for (link, hours) in [(Some(open), 1), (Some(ended), -1), (None, 1)] {
        let until = format!("now() + interval '{hours} hour'");
        let insert = "INSERT INTO album (id, link, link_until) VALUES (gen_random_uuid(), $1, ";
        let insert = format!("{insert}{until})");
        let statement = Statement::from_sql_and_values(DbBackend::Postgres, insert, [link.into()]);
        hers.execute_raw(statement).await?;
    }

    assert_eq!(album::Entity::find().count(&hers).await?, 3);
    for (link, seen) in [(open, 1), (ended, 0), (Uuid::new_v4(), 0)] {
        let visitor = db.scope(Visitor { link });
        assert_eq!(album::Entity::find().count(&visitor).await?, seen);
        let deleted = album::Entity::delete_many().exec(&visitor).await?;
        assert_eq!(deleted.rows_affected, 0);
    }

    Ok(())
}

#[tokio::test]
async fn assignee_reads_the_ticket_and_replies() -> Tested {
    let world = world().await?;
    let db = gallery(&world).await?;
    let hers = db.scope(UserContext::new(world.ann));
    let his = db.scope(UserContext::new(world.bob));
    for (number, assignee) in [(1, Some(world.bob)), (2, None)] {
        let ticket = ticket::ActiveModel {
            id: Set(id(number)),
            assignee_id: Set(assignee),
            ..Default::default()
        };
        ticket.insert(&hers).await?;
    }

    assert_eq!(ticket::Entity::find().count(&his).await?, 1);
    let changed = ticket::Entity::delete_many().exec(&his).await?;
    assert_eq!(changed.rows_affected, 0);

    let reply = |ticket| reply::ActiveModel {
        id: Set(Uuid::new_v4()),
        ticket_id: Set(id(ticket)),
        ..Default::default()
    };
    reply(1).insert(&his).await?;
    let refused = RlsError::from(reply(2).insert(&his).await.unwrap_err());
    assert!(
        matches!(refused, RlsError::PolicyRefused { .. }),
        "{refused}"
    );
    assert_eq!(reply::Entity::find().count(&hers).await?, 1);

    Ok(())
}

#[tokio::test]
async fn head_of_a_unit_reaches_all_below() -> Tested {
    let world = world().await?;
    let db = gallery(&world).await?;
    for (unit, above) in [(1, None), (2, Some(1)), (3, Some(2)), (4, Some(1))] {
        unit::ActiveModel {
            id: Set(unit),
            above_id: Set(above),
        }
        .insert(&world.owner)
        .await?;
        report::ActiveModel {
            id: Set(Uuid::new_v4()),
            unit_id: Set(unit),
        }
        .insert(&world.owner)
        .await?;
    }
    for (user, unit) in [(world.ann, 1), (world.bob, 2)] {
        head::ActiveModel {
            user_id: Set(user),
            unit_id: Set(unit),
        }
        .insert(&world.owner)
        .await?;
    }
    fill_reach(&world.owner).await?;

    for (user, seen) in [(world.ann, 4), (world.bob, 2)] {
        let scope = db.scope(UserContext::new(user));
        assert_eq!(report::Entity::find().count(&scope).await?, seen);
    }

    Ok(())
}

#[tokio::test]
async fn public_articles_are_read_without_an_account() -> Tested {
    let world = world().await?;
    let db = gallery(&world).await?;
    let hers = db.scope(UserContext::new(world.ann));
    for is_public in [true, false] {
        let article = article::ActiveModel {
            id: Set(Uuid::new_v4()),
            is_public: Set(is_public),
            ..Default::default()
        };
        article.insert(&hers).await?;
    }

    assert_eq!(article::Entity::find().count(&hers).await?, 2);
    assert_eq!(article::Entity::find().count(&db.anonymous()).await?, 1);
    let his = db.scope(UserContext::new(world.bob));
    let deleted = article::Entity::delete_many().exec(&his).await?;
    assert_eq!(deleted.rows_affected, 0);

    Ok(())
}

/// Each pattern with 20,000 rows, of which the reader has 20 or so.
const FILL: &str = "
INSERT INTO org SELECT md5(i::text)::uuid FROM generate_series(1, 1000) i;
INSERT INTO \"user\" SELECT md5(i::text)::uuid, i::text FROM generate_series(1, 1000) i;
INSERT INTO member (tenant_id, user_id, role)
  SELECT md5(i::text)::uuid, md5(j::text)::uuid, CASE WHEN i = j THEN 'admin' ELSE 'member' END
  FROM generate_series(1, 1000) i, generate_series(1, 1000) j WHERE (i + j) % 50 = 0 OR i = j;
INSERT INTO contract (id, tenant_id)
  SELECT gen_random_uuid(), md5((1 + i % 1000)::text)::uuid FROM generate_series(1, 20000) i;
INSERT INTO album (id, owner_id, link, link_until)
  SELECT gen_random_uuid(), md5((1 + i % 1000)::text)::uuid, md5('link' || i)::uuid, now() + interval '1 day'
  FROM generate_series(1, 20000) i;
INSERT INTO ticket (id, owner_id, assignee_id)
  SELECT md5(i::text)::uuid, md5((1 + i % 1000)::text)::uuid, md5((1 + i * 7 % 1000)::text)::uuid
  FROM generate_series(1, 20000) i;
INSERT INTO reply (id, author_id, ticket_id)
  SELECT gen_random_uuid(), md5((1 + i % 1000)::text)::uuid, md5(i::text)::uuid FROM generate_series(1, 20000) i;
INSERT INTO unit SELECT i, nullif(i / 10, 0) FROM generate_series(1, 1000) i;
INSERT INTO head (user_id, unit_id) SELECT md5(i::text)::uuid, i FROM generate_series(1, 1000) i;
INSERT INTO report (id, unit_id) SELECT gen_random_uuid(), 1 + i % 1000 FROM generate_series(1, 20000) i;
INSERT INTO article (id, author_id, is_public)
  SELECT gen_random_uuid(), md5((1 + i % 1000)::text)::uuid, i % 1000 = 0 FROM generate_series(1, 20000) i;
";

/// The page's table has the plan of each hot read: what it does below the policies' own queries, each
/// of which runs once.
#[tokio::test]
async fn hot_reads_use_the_index_and_ask_once() -> Tested {
    let world = world().await?;
    let db = gallery(&world).await?;
    world.owner.execute_unprepared(FILL).await?;
    fill_reach(&world.owner).await?;
    world.owner.execute_unprepared("ANALYZE").await?;

    // md5('500')
    let user = Uuid::parse_str("cee631121c2ec9232f3a2f028ad5c89b")?;
    let colleague = || db.scope(Colleague { tenant: user, user });
    let mine = || db.scope(UserContext::new(user));
    let visitor = db.scope(Visitor { link: user });

    let page = include_str!("../../docs/manual/patterns.md");
    let mut shapes = Vec::new();
    for (pattern, plan) in [
        (
            "roles",
            explain(&colleague(), "SELECT * FROM contract").await?,
        ),
        ("link", explain(&visitor, "SELECT * FROM album").await?),
        ("assigned", explain(&mine(), "SELECT * FROM ticket").await?),
        ("replies", explain(&mine(), "SELECT * FROM reply").await?),
        ("units", explain(&mine(), "SELECT * FROM report").await?),
        ("public", explain(&mine(), "SELECT * FROM article").await?),
    ] {
        let (shape, asked) = shape(&plan);
        assert!(!plan.contains("SubPlan"), "{pattern}: once a row\n{plan}");
        assert!(!shape.contains("Seq Scan"), "{pattern}\n{plan}");
        shapes.push(format!("| {pattern} | `{shape}` | {asked} |"));
    }

    for line in &shapes {
        assert!(page.contains(line), "the page lacks\n{}", shapes.join("\n"));
    }

    Ok(())
}

async fn explain(db: &impl ConnectionTrait, sql: &str) -> Result<String, sea_orm::DbErr> {
    let explain = format!("EXPLAIN (COSTS OFF) {sql}");
    let rows = db
        .query_all_raw(Statement::from_string(DbBackend::Postgres, explain))
        .await?;
    let lines: Result<Vec<String>, _> = rows.iter().map(|row| row.try_get_by_index(0)).collect();
    Ok(lines?.join("\n"))
}

/// The nodes of a plan that reach rows, from the outer one inwards, and how many queries run once
/// before.
fn shape(plan: &str) -> (String, usize) {
    let (mut nodes, mut asked, mut within) = (Vec::new(), 0, None);
    for line in plan.lines() {
        let depth = line.len() - line.trim_start().len();
        if within.is_some_and(|outer| depth > outer) {
            continue;
        }

        within = None;
        let text = line.trim_start().trim_start_matches("->").trim_start();
        if text.starts_with("InitPlan") {
            (within, asked) = (Some(depth), asked + 1);
        } else if text.contains(" Scan") || text == "BitmapOr" {
            nodes.push(text);
        }
    }

    (nodes.join(", "), asked)
}
