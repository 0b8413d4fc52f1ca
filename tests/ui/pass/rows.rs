//! `read`, `soft_delete`, `grant` and `policies`.

use sea_orm_rls::model::{Identifier, Privilege};
use sea_orm_rls::policy::{Command, Policy, PolicyDraft};

mod user {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    #[sea_orm::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "user")]
    #[user_scoped(identity, soft_delete = deactivated_at, grant(select, update))]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        pub deactivated_at: Option<DateTime>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

mod post {
    use sea_orm::entity::prelude::*;
    use sea_orm_rls::UserScoped;

    /// A type of one's own whose column is a boolean.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, DeriveValueType)]
    pub struct Published(pub bool);

    #[sea_orm_rls::model]
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel, UserScoped)]
    #[sea_orm(table_name = "post")]
    #[user_scoped(read = is_public, soft_delete = "deleted_at", policies = super::reviewed)]
    #[user_scoped(policies(super::none, super::moderated::<3>), grant("select", insert, update))]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Uuid,
        #[sea_orm(column_name = "public")]
        pub is_public: Published,
        pub deleted_at: Option<DateTimeWithTimeZone>,
    }

    impl ActiveModelBehavior for ActiveModel {}
}

fn reviewed() -> [PolicyDraft; 1] {
    [Policy::permissive("post_reviewed")
        .on([Command::Select])
        .using(true)]
}

fn none() -> Option<PolicyDraft> {
    None
}

fn moderated<const LEVEL: usize>() -> impl Iterator<Item = PolicyDraft> {
    (0..LEVEL).map(|level| Policy::restrictive(format!("post_level_{level}")).using(true))
}

pub(crate) fn main() {
    let registry = sea_orm_rls::registry![user::Entity, post::Entity].unwrap();
    let [post, user] = registry.scopes() else {
        panic!("two tables")
    };
    assert_eq!(
        user.soft_delete.as_ref().map(Identifier::as_str),
        Some("deactivated_at")
    );
    assert_eq!(
        user.privileges,
        [Privilege::Select, Privilege::Update].into()
    );
    assert!(user.shared.is_empty());

    assert_eq!(
        post.shared.values().next().map(Identifier::as_str),
        Some("public")
    );
    assert_eq!(
        post.soft_delete.as_ref().map(Identifier::as_str),
        Some("deleted_at")
    );
    assert_eq!(
        post.privileges,
        [Privilege::Select, Privilege::Insert, Privilege::Update].into()
    );
    let moderated = moderated::<3>();
    assert_eq!(
        post.policies,
        reviewed().into_iter().chain(moderated).collect::<Vec<_>>()
    );
}
