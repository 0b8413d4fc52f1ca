//! References that stay with their owner, between tables that are distributed.

use sea_orm::{ActiveModelTrait, ConnectionTrait, DbBackend, Schema, Set};
use sea_orm_rls::error::{DeclarationError, NotOnCitus, SchemaError};
use sea_orm_rls::{Registry, RlsConnection, RlsError, RlsSchema, UserContext, registry};
use uuid::Uuid;

use crate::cluster::{config, empty, role, url, user};

mod project {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "project")]
    #[user_scoped(user = crate::cluster::user::Entity, distribute)]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub owner_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

/// Items that refer to projects.
macro_rules! item {
    ($module:ident, $($keys:tt)*) => {
        #[allow(dead_code, reason = "SeaORM's expansion has what nothing uses here")]
        mod $module {
            use sea_orm::entity::prelude::*;
            use sea_orm_rls::UserScoped;

            #[sea_orm::model]
            #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
            #[sea_orm(table_name = "item")]
            #[user_scoped(user = crate::cluster::user::Entity, bind = "project", $($keys)*)]
            pub struct Model {
                #[sea_orm(primary_key, auto_increment = false)]
                pub owner_id: Uuid,
                #[sea_orm(primary_key, auto_increment = false)]
                pub id: Uuid,
                pub project_id: Option<Uuid>,
                #[sea_orm(belongs_to, from = "project_id", to = "id", skip_fk)]
                pub project: HasOne<super::project::Entity>,
            }

            impl ActiveModelBehavior for ActiveModel {}
        }
    };
}

item!(item, distribute);
item!(at_home,);

mod shared {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "shared")]
    #[user_scoped(user = crate::cluster::user::Entity, read = is_public, distribute)]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub owner_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub is_public: bool,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

#[allow(dead_code, reason = "SeaORM's expansion has what nothing uses here")]
mod of_shared {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "of_shared")]
    #[user_scoped(user = crate::cluster::user::Entity, bind = "shared", distribute)]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub owner_id: Uuid,
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub shared_id: Uuid,
        #[sea_orm(belongs_to, from = "shared_id", to = "id", skip_fk)]
        pub shared: HasOne<super::shared::Entity>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

async fn create(owner: &sea_orm::DatabaseConnection) {
    let schema = Schema::new(DbBackend::Postgres);
    for table in [
        schema.create_table_from_entity(user::Entity),
        schema.create_table_from_entity(project::Entity),
        schema.create_table_from_entity(item::Entity),
    ] {
        owner.execute(&table).await.unwrap();
    }
}

fn entities() -> Registry {
    registry![user::Entity, project::Entity, item::Entity].unwrap()
}

/// By a foreign key with the owner in it, the only kind that Citus takes between such tables.
#[tokio::test]
async fn bound_reference_is_a_key_that_citus_takes() {
    let (owner, schema) = empty().await;
    create(&owner).await;
    let config = config(&schema);
    let rls = RlsSchema::new(entities(), config.clone());
    rls.sync(&owner).await.unwrap();
    let plan = rls.plan(&owner).await.unwrap();
    assert!(plan.is_empty(), "{plan}");

    let mut options = sea_orm::ConnectOptions::new(url());
    options.max_connections(1).set_schema_search_path(&schema);
    let db = RlsConnection::connect_with(options, config, entities())
        .await
        .unwrap();
    let mut projects = Vec::new();
    for id in [Uuid::new_v4(), Uuid::new_v4()] {
        let mine = db.scope(UserContext::new(id));
        let user = user::ActiveModel {
            id: Set(id),
            email: Set("x@example.org".to_owned()),
        };
        user.insert(&mine).await.unwrap();
        let project = project::ActiveModel {
            id: Set(Uuid::new_v4()),
            ..Default::default()
        };
        projects.push(project.insert(&mine).await.unwrap());
    }

    let ann = db.scope(UserContext::new(projects[0].owner_id));
    let item = |project: &project::Model| item::ActiveModel {
        id: Set(Uuid::new_v4()),
        project_id: Set(Some(project.id)),
        ..Default::default()
    };
    item(&projects[0]).insert(&ann).await.unwrap();
    let error = RlsError::from(item(&projects[1]).insert(&ann).await.unwrap_err());
    assert_eq!(error.sqlstate().as_deref(), Some("23503"), "{error:?}");

    db.close().await;
    drop_all(&owner, &schema).await;
}

#[tokio::test]
async fn reference_that_citus_cannot_bind_is_refused_by_name() {
    let policy = registry![user::Entity, shared::Entity, of_shared::Entity].unwrap_err();
    let DeclarationError::Unbindable { reason, .. } = &policy else {
        panic!("{policy:?}")
    };
    assert!(reason.contains("Citus takes none"), "{reason}");

    let (owner, schema) = empty().await;
    create(&owner).await;
    let apart = registry![user::Entity, project::Entity, at_home::Entity].unwrap();
    let rls = RlsSchema::new(apart, config(&schema));
    let error = rls.plan(&owner).await.unwrap_err();
    let RlsError::Schema(SchemaError::NotOnCitus { table, reason }) = &error else {
        panic!("{error:?}")
    };
    assert!(table.ends_with("item"), "{table}");
    assert!(matches!(reason, NotOnCitus::Reference { .. }), "{reason}");

    let drop = format!("DROP SCHEMA {schema} CASCADE");
    owner.execute_unprepared(&drop).await.unwrap();
}

async fn drop_all(owner: &sea_orm::DatabaseConnection, schema: &str) {
    for sql in [
        format!("DROP SCHEMA {schema} CASCADE"),
        format!("DROP ROLE {}", role(schema, "app")),
        format!("DROP ROLE {}", role(schema, "admin")),
    ] {
        owner.execute_unprepared(&sql).await.unwrap();
    }
}
