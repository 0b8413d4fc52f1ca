mod router {
    use sea_orm_rls::axum::Problem;

    mod task {
        use sea_orm::entity::prelude::*;

        #[sea_orm::model]
        #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
        #[sea_orm(table_name = "task")]
        pub struct Model {
            #[sea_orm(primary_key)]
            pub id: i32,
            pub title: String,
        }

        impl ActiveModelBehavior for ActiveModel {}
    }

    #[derive(Clone)]
    struct Tokens;

    impl Tokens {
        #[allow(
            clippy::unused_self,
            clippy::unnecessary_wraps,
            reason = "stands for what looks a token up"
        )]
        fn user(&self, _headers: &axum::http::HeaderMap) -> Result<Option<uuid::Uuid>, Problem> {
            Ok(None)
        }
    }

    mod service {
        use super::{Tokens, task};

        // snippet
        use axum::http::{StatusCode, request::Parts};
        use axum::{Json, Router, routing::get};
        use sea_orm::{ActiveModelTrait, EntityTrait, Set};
        use sea_orm_rls::axum::{
            ContextProvider, Problem, RequestDatabase, RequestTransaction, RequestTransactionLayer,
            Scoped,
        };
        use sea_orm_rls::{RlsConnection, UserContext};

        #[derive(Clone)]
        struct Service {
            database: RequestDatabase, // only extractors open it
            tokens: Tokens,
        }

        impl ContextProvider for Service {
            type Context = UserContext;

            fn database(&self) -> &RequestDatabase {
                &self.database
            }

            async fn context(&self, parts: &mut Parts) -> Result<Option<UserContext>, Problem> {
                Ok(self.tokens.user(&parts.headers)?.map(UserContext::new))
            }
        }

        // 401 without a user; else this user's rows, and no others.
        async fn list(Scoped(db): Scoped) -> Result<Json<Vec<String>>, Problem> {
            let tasks = task::Entity::find().all(&db).await?;
            Ok(Json(tasks.into_iter().map(|task| task.title).collect()))
        }

        // One transaction for the request: committed with a success; rolled back with an error
        // status, after a panic, or when the client has gone.
        async fn add(
            RequestTransaction(db): RequestTransaction,
            Json(title): Json<String>,
        ) -> Result<StatusCode, Problem> {
            let task = task::ActiveModel {
                title: Set(title),
                ..Default::default()
            };
            task.insert(&*db).await?;
            Ok(StatusCode::CREATED)
        }

        fn router(db: RlsConnection, tokens: Tokens) -> Router {
            let database = RequestDatabase::new(db);
            Router::new()
                .route("/tasks", get(list).post(add))
                .layer(RequestTransactionLayer::new().read_only_for_safe_methods())
                .with_state(Service { database, tokens })
        }
        // end
    }
}

mod administrators {
    use axum::http::StatusCode;
    use axum::http::request::Parts;
    use sea_orm_rls::UserContext;
    use sea_orm_rls::axum::{ContextProvider, RequestDatabase};
    use uuid::Uuid;

    pub mod task {
        use sea_orm::entity::prelude::*;

        #[sea_orm::model]
        #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
        #[sea_orm(table_name = "task")]
        pub struct Model {
            #[sea_orm(primary_key)]
            pub id: i32,
        }

        impl ActiveModelBehavior for ActiveModel {}
    }

    pub mod user {
        use sea_orm::entity::prelude::*;

        #[sea_orm::model]
        #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
        #[sea_orm(table_name = "user")]
        pub struct Model {
            #[sea_orm(primary_key, auto_increment = false)]
            pub id: Uuid,
            pub email: String,
            pub is_superuser: bool,
        }

        impl ActiveModelBehavior for ActiveModel {}
    }

    struct Service {
        database: RequestDatabase,
    }

    impl ContextProvider for Service {
        type Context = UserContext;

        fn database(&self) -> &RequestDatabase {
            &self.database
        }

        async fn context(&self, parts: &mut Parts) -> Result<Option<UserContext>, Problem> {
            Ok(parts
                .extensions
                .get::<Uuid>()
                .copied()
                .map(UserContext::new))
        }
    }

    // snippet
    use axum::Json;
    use axum::extract::FromRequestParts;
    use sea_orm::{EntityTrait, PaginatorTrait};
    use sea_orm_rls::AdminContext;
    use sea_orm_rls::axum::{AdminProvider, AdminReadOnly, Problem, Scoped};

    impl AdminProvider for Service {
        /// Whoever the database calls a superuser at this moment, in their own scope.
        async fn admin(&self, parts: &mut Parts) -> Result<Option<AdminContext>, Problem> {
            let Scoped(own) = Scoped::from_request_parts(parts, self).await?;
            let caller = user::Entity::find().one(&own).await?;
            let Some(superuser) = caller.filter(|user| user.is_superuser) else {
                return Ok(None); // 403
            };

            let reason = parts.headers.get("x-admin-reason");
            let reason = reason.and_then(|reason| reason.to_str().ok());
            // Without a reason: 400.
            Ok(Some(AdminContext::new(
                superuser.email,
                reason.unwrap_or_default(),
            )?))
        }
    }

    // All users' rows; the transaction is recorded with the name and the reason.
    async fn count(AdminReadOnly(db): AdminReadOnly) -> Result<Json<u64>, Problem> {
        Ok(Json(task::Entity::find().count(&db).await?))
    }
    // end
}

mod health {
    use axum::extract::State;
    use sea_orm_rls::axum::{Problem, RequestDatabase};

    // snippet
    async fn health(State(database): State<RequestDatabase>) -> Result<&'static str, Problem> {
        database.check_gate().await?; // 503
        Ok("ok")
    }
    // end
}

mod newcomer {
    use crate::world::user;

    // snippet
    use axum::extract::FromRequestParts;
    use axum::http::request::Parts;
    use sea_orm::{ActiveModelTrait, Set};
    use sea_orm_rls::axum::Problem;
    use sea_orm_rls::{RlsConnection, UserContext};
    use uuid::Uuid;

    /// What a request may do before its user is known.
    struct Newcomer(RlsConnection);

    struct Service {
        connection: RlsConnection, // private: handlers have their arguments for that
    }

    impl FromRequestParts<Service> for Newcomer {
        type Rejection = std::convert::Infallible;

        async fn from_request_parts(
            _parts: &mut Parts,
            service: &Service,
        ) -> Result<Self, Self::Rejection> {
            Ok(Self(service.connection.clone()))
        }
    }

    impl Newcomer {
        /// Adds the user in the user's own scope; nobody else's row can be written in it.
        async fn sign_up(&self, email: String) -> Result<user::Model, Problem> {
            let id = Uuid::new_v4();
            let own = self.0.scope(UserContext::new(id));
            let user = user::ActiveModel {
                id: Set(id),
                email: Set(email),
            };
            Ok(user.insert(&own).await?)
        }
    }
    // end

    #[tokio::test]
    async fn newcomer_signs_up() -> crate::Tested {
        use sea_orm::{EntityTrait, PaginatorTrait};

        let world = crate::world::world().await?;
        let newcomer = Newcomer(world.db.clone());
        let user = newcomer.sign_up("carol@example.org".to_owned()).await?;

        let own = world.db.scope(UserContext::new(user.id));
        assert_eq!(user::Entity::find().count(&own).await?, 1);
        Ok(())
    }
}
