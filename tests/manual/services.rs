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
