//! Several permissive policies over typed settings.
//!
//! What the package gets wrong: values are set for the session, only some calls are intercepted, so
//! that `get`, streams and flushes run as the previous user; its bypass is a setting that any SQL
//! can set; its diff strips parentheses and casts.

use futures_util::TryStreamExt;
use sea_orm::sea_query::{Expr, ExprTrait};
use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, EntityTrait, QueryOrder, QuerySelect, Set,
    TransactionTrait,
};
use sea_orm_rls::entity::Declaration;
use sea_orm_rls::policy::{Command, Policy, PolicyDraft, setting};
use sea_orm_rls::schema::{Change, PolicyChange, TableChange};
use sea_orm_rls::{
    Registry, RlsConnection, RlsContext, RlsError, RlsPolicies, RlsSchema, ScopedConnection,
    registry,
};

use super::Scenario;

mod user {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::RlsPolicies;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, RlsPolicies)]
    #[sea_orm(table_name = "users")]
    #[rls_policies(policies = super::user_policies)]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i32,
        pub username: String,
        #[sea_orm(has_many)]
        pub items: HasMany<super::item::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod item {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::RlsPolicies;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, RlsPolicies)]
    #[sea_orm(table_name = "items")]
    #[rls_policies(policies = super::item_policies)]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i32,
        pub title: String,
        pub description: String,
        pub owner_id: i32,
        #[sea_orm(belongs_to, from = "owner_id", to = "id", on_delete = "Cascade")]
        pub owner: HasOne<super::user::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

#[derive(Clone, RlsContext)]
struct Account {
    #[setting("rls.account_id")]
    account_id: i32,
    #[setting("rls.provider_id")]
    provider_id: i32,
}

fn account() -> Expr {
    setting::<i32>("rls.account_id")
}

fn user_policies() -> [PolicyDraft; 1] {
    [Policy::permissive("my_own_account")
        .on([Command::Select, Command::Update])
        .using(user::Column::Id.into_expr().eq(account()))]
}

fn item_policies() -> [PolicyDraft; 3] {
    let owner = || item::Column::OwnerId.into_expr();
    [
        Policy::permissive("equal_to_account")
            .on([Command::Select, Command::Update])
            .using(owner().eq(account())),
        Policy::permissive("greater_than_account")
            .on([Command::Select])
            .using(owner().gt(account())),
        Policy::permissive("at_most_account").using(owner().lte(account())),
    ]
}

async fn scenario() -> Scenario {
    let registry = registry![user::Entity as RlsPolicies, item::Entity as RlsPolicies].unwrap();
    let scenario = Scenario::new(registry, 1, |schema| {
        schema.register(user::Entity).register(item::Entity)
    })
    .await;

    scenario
        .fill(
            "INSERT INTO users (id, username) SELECT i, 'user ' || i FROM generate_series(1, 40) i;
             INSERT INTO items (title, description, owner_id) SELECT 'item', '', i FROM \
             generate_series(1, 40) i",
        )
        .await;
    scenario
}

/// A request that says who it is; the application's factory makes a session of it.
struct Request {
    account: i32,
    provider: i32,
}

fn session(db: &RlsConnection, request: &Request) -> ScopedConnection {
    db.scope(Account {
        account_id: request.account,
        provider_id: request.provider,
    })
}

#[tokio::test]
async fn contexts_in_turn_see_what_each_should() {
    let scenario = scenario().await;
    for request in [
        Request {
            account: 22,
            provider: 99,
        },
        Request {
            account: 11,
            provider: 44,
        },
        Request {
            account: 22,
            provider: 99,
        },
    ] {
        let db = session(&scenario.db, &request);
        let users = user::Entity::find().all(&db).await.unwrap();
        assert_eq!(
            users.iter().map(|user| user.id).collect::<Vec<_>>(),
            [request.account]
        );
        assert_eq!(
            item::Entity::find().all(&db).await.unwrap().len(),
            40,
            "select sees every item"
        );

        let updated = item::Entity::update_many()
            .col_expr(item::Column::Title, Expr::val("seen"))
            .exec(&db)
            .await
            .unwrap();

        assert_eq!(
            updated.rows_affected,
            u64::from(request.account.unsigned_abs()),
            "owners at most the account"
        );

        let streamed: Vec<_> = item::Entity::find()
            .stream(&db)
            .await
            .unwrap()
            .try_collect()
            .await
            .unwrap();

        assert_eq!(streamed.len(), 40, "a stream runs as this account too");
        assert!(
            user::Entity::find_by_id(1)
                .one(&db)
                .await
                .unwrap()
                .is_none(),
            "and so does `get`"
        );

        let provider = crate::schema::text(&db, "SELECT current_setting('rls.provider_id')").await;
        assert_eq!(provider, request.provider.to_string());
    }

    assert!(
        user::Entity::find()
            .all(&scenario.db.anonymous())
            .await
            .unwrap()
            .is_empty()
    );

    assert!(
        item::Entity::find()
            .all(&scenario.db.anonymous())
            .await
            .unwrap()
            .is_empty()
    );
}

#[tokio::test]
async fn insert_and_delete_reach_owners_at_most_the_account() {
    let scenario = scenario().await;
    let db = session(
        &scenario.db,
        &Request {
            account: 11,
            provider: 44,
        },
    );

    let new = |owner: i32| item::ActiveModel {
        title: Set("new".into()),
        description: Set(String::new()),
        owner_id: Set(owner),
        ..Default::default()
    };

    new(11).insert(&db).await.unwrap();
    new(3).insert(&db).await.unwrap();

    let refused = new(12).insert(&db).await.unwrap_err();
    assert!(
        matches!(RlsError::from(&refused), RlsError::PolicyRefused { .. }),
        "{refused}"
    );

    let moved = item::Entity::update_many()
        .col_expr(item::Column::OwnerId, Expr::val(12))
        .exec(&db)
        .await
        .unwrap_err();

    assert!(
        matches!(RlsError::from(&moved), RlsError::PolicyRefused { .. }),
        "{moved}"
    );
    assert_eq!(
        item::Entity::delete_many()
            .exec(&db)
            .await
            .unwrap()
            .rows_affected,
        13
    );

    let left = item::Entity::find()
        .order_by_asc(item::Column::OwnerId)
        .all(&scenario.admin())
        .await
        .unwrap();

    assert_eq!((left.len(), left[0].owner_id), (29, 12));

    // Nobody declared that users may be made or deleted.
    let user = user::ActiveModel {
        id: Set(99),
        username: Set("x".into()),
    };

    user.insert(&db).await.unwrap_err();

    assert_eq!(
        user::Entity::delete_many()
            .exec(&db)
            .await
            .unwrap()
            .rows_affected,
        0
    );
}

#[tokio::test]
async fn a_bypass_is_a_connection_of_its_own_and_ends() {
    let scenario = scenario().await;
    let db = session(
        &scenario.db,
        &Request {
            account: 11,
            provider: 44,
        },
    );

    let request = db.begin().await.unwrap();
    assert_eq!(user::Entity::find().all(&request).await.unwrap().len(), 1);

    {
        let admin = scenario.admin();
        assert_eq!(user::Entity::find().all(&admin).await.unwrap().len(), 40);
    }

    assert_eq!(
        user::Entity::find().all(&request).await.unwrap().len(),
        1,
        "it ended"
    );
    request.commit().await.unwrap();

    // The package's bypass is a setting that any SQL can set; here such a statement is refused, and
    // opens nothing.
    let bypass = "WITH b AS (SELECT set_config('rls.bypass_rls', 'true', true)) SELECT \
                  count(*)::text FROM users, b";
    let refused = db.execute_unprepared(bypass).await.unwrap_err();
    assert!(
        matches!(RlsError::from(&refused), RlsError::ContextChange { .. }),
        "{refused}"
    );

    let other = "WITH b AS (SELECT set_config('app.bypass_rls', 'true', true)) SELECT \
                 count(*)::text FROM users, b";
    assert_eq!(crate::schema::text(&db, other).await, "1");
}

#[tokio::test]
async fn policies_change_with_their_declaration() {
    let scenario = scenario().await;
    let with = |policies: Vec<PolicyDraft>| {
        let users = <user::Entity as RlsPolicies>::declaration();
        let registry =
            Registry::new([users, Declaration::policies_of::<item::Entity>(policies)]).unwrap();
        RlsSchema::new(registry, scenario.config.clone())
    };

    assert!(
        with(item_policies().into())
            .plan(&scenario.owner)
            .await
            .unwrap()
            .is_empty()
    );

    let owner = || item::Column::OwnerId.into_expr();
    let stripped = |condition: Expr| {
        let [equal, greater, _] = item_policies();
        vec![
            equal,
            greater,
            Policy::permissive("at_most_account").using(condition),
        ]
    };

    let title = || item::Column::Title.into_expr();
    let one = owner()
        .lte(account())
        .or(title().eq("a"))
        .and(title().eq("b"));

    let other = owner()
        .lte(account())
        .or(title().eq("a").and(title().eq("b")));
    with(stripped(one)).sync(&scenario.owner).await.unwrap();

    let plan = with(stripped(other)).sync(&scenario.owner).await.unwrap();
    assert!(
        plan.changes().iter().any(|change| matches!(
            change,
            Change::Table(_, TableChange::Policy(PolicyChange::Alter { .. }))
        )),
        "parentheses matter: {plan}"
    );

    let [equal, greater, _] = item_policies();
    let plan = with(vec![equal, greater])
        .sync(&scenario.owner)
        .await
        .unwrap();

    let is_dropped = |change: &Change| match change {
        Change::Table(_, TableChange::Policy(PolicyChange::Drop { policy, .. })) => {
            policy.name.as_str() == "at_most_account"
        }
        _ => false,
    };

    assert!(plan.changes().iter().any(is_dropped), "{plan}");

    let db = session(
        &scenario.db,
        &Request {
            account: 11,
            provider: 44,
        },
    );

    let ids: Vec<i32> = item::Entity::find()
        .select_only()
        .column(item::Column::OwnerId)
        .into_tuple()
        .all(&db)
        .await
        .unwrap();

    assert!(
        ids.iter().all(|owner| *owner >= 11) && ids.len() == 30,
        "smaller owners are no longer seen"
    );
}
