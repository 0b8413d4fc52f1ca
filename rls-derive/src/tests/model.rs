//! What `#[sea_orm_rls::model]` adds and refuses.

use proc_macro2::TokenStream;

use super::{compile_errors, expansions, tokens};
use crate::model::expand;

fn model(input: &str) -> TokenStream {
    expand(&TokenStream::new(), &tokens(input), None)
}

expansions! {
    "model", |input| expand(&TokenStream::new(), &input, None);

    adds_owner: "
#[derive(DeriveEntityModel, UserScoped)]
struct Model { id: Uuid }"

    adds_owner_and_relation: "
#[derive(DeriveEntityModel, sea_orm_rls::UserScoped)]
#[user_scoped(user = super::user::Entity)]
struct Model { id: Uuid }"

    adds_as_told: r#"
#[derive(DeriveEntityModel, UserScoped)]
#[user_scoped(owner = "author_id", user = super::user::Entity, to = "key", on_delete = "no_action")]
struct Model { id: Uuid }"#

    names_relation_beside_another: r#"
#[derive(DeriveEntityModel, UserScoped)]
#[user_scoped(user = super::user::Entity, no_foreign_key)]
struct Model {
    id: Uuid,
    owner_id: Uuid,
    assignee_id: Option<Uuid>,
    #[sea_orm(belongs_to, relation_enum = "Assignee", from = "assignee_id", to = "id")]
    assignee: BelongsTo<Option<super::user::Entity>>,
}"#

    leaves_declared_fields: r#"
#[derive(DeriveEntityModel, UserScoped)]
#[user_scoped(user = super::user::Entity)]
struct Model {
    id: Uuid,
    owner_id: Uuid,
    #[sea_orm(belongs_to, from = "owner_id", to = "id")]
    author: HasOne<super::user::Entity>,
}"#

    leaves_owned_through_another: "
#[derive(DeriveEntityModel, UserScoped)]
#[user_scoped(via = project)]
struct Model { id: Uuid, project_id: Uuid }"

    leaves_identity: "
#[derive(DeriveEntityModel, UserScoped)]
#[user_scoped(identity)]
struct Model { id: Uuid }"
}

fn error(at: &str, message: &str) -> [(String, String); 1] {
    [(at.to_owned(), message.to_owned())]
}

#[test]
fn struct_without_user_scoped_is_refused() {
    let expansion = model(
        "#[derive(DeriveEntityModel)] #[user_scoped(owner = \"x\")] struct Model { id: Uuid }",
    );
    let message = "derive `UserScoped` beside `DeriveEntityModel`: without it nothing scopes the \
                   table to its users";
    assert_eq!(
        compile_errors(expansion.clone()),
        error("the macro", message)
    );

    // The helper attribute belongs to the derive that is missing, and would be one more error.
    assert!(!expansion.to_string().contains("user_scoped"));
}

#[test]
fn struct_with_another_derive_is_sent_to_seaorm() {
    let message = "`#[sea_orm_rls::model]` adds the owner of `UserScoped`, which is not derived \
                   here: write `#[sea_orm::model]`";
    for derive in ["TenantScoped", "RlsPolicies", "sea_orm_rls::Unscoped"] {
        let expansion = model(&format!(
            "#[derive(DeriveEntityModel, {derive})] struct Model {{ id: Uuid }}"
        ));
        assert_eq!(
            compile_errors(expansion),
            error("the macro", message),
            "{derive}"
        );
    }

    assert_eq!(
        compile_errors(model(
            "#[derive(DeriveEntityModel, TenantScoped, UserScoped)] struct Model {}"
        )),
        []
    );
}

#[test]
fn attribute_below_the_derive_is_refused() {
    let expansion = model("#[user_scoped(owner = \"x\")] struct Model { id: Uuid }");
    let message = "put `#[sea_orm_rls::model]` above `#[derive(…, DeriveEntityModel, UserScoped)]`";
    assert_eq!(
        compile_errors(expansion.clone()),
        error("the macro", message)
    );
    assert!(!expansion.to_string().contains("sea_orm :: model"));
}

#[test]
fn attribute_between_the_derives_is_refused() {
    let expansion = model("#[derive(UserScoped)] struct Model { id: Uuid }");
    let message = "put `#[sea_orm_rls::model]` above `#[derive(…, DeriveEntityModel, UserScoped)]`";
    assert_eq!(compile_errors(expansion), error("the macro", message));
}

#[test]
fn attribute_beside_the_one_of_seaorm_is_refused() {
    let message =
        "`#[sea_orm_rls::model]` stands in the place of `#[sea_orm::model]`, not beside it";
    for other in [
        "#[sea_orm::model]",
        "#[::sea_orm::compact_model]",
        "#[sea_orm(model_ex)]",
    ] {
        let input =
            format!("{other} #[derive(DeriveEntityModel, UserScoped)] struct Model {{ id: Uuid }}");
        assert_eq!(
            compile_errors(model(&input)),
            error("the macro", message),
            "{other}"
        );
    }

    let copy = "#[derive(DeriveModelEx, UserScoped)] struct ModelEx { id: Uuid }";
    assert_eq!(model(copy).to_string(), tokens(copy).to_string());
}

#[test]
fn arguments_are_refused() {
    let input = tokens("#[derive(DeriveEntityModel, UserScoped)] struct Model { id: Uuid }");
    let expansion = expand(&tokens("owner = \"x\""), &input, None);
    let message =
        "`#[sea_orm_rls::model]` takes no arguments; `#[user_scoped(…)]` says what it adds";

    assert_eq!(compile_errors(expansion), error("owner = \"x\"", message));
}

#[test]
fn other_items_are_refused() {
    let message = "`#[sea_orm_rls::model]` belongs on a SeaORM `Model` struct";
    assert_eq!(
        compile_errors(model("enum Model { A }")),
        error("the macro", message)
    );
}

#[test]
fn owner_that_is_no_identifier_is_refused() {
    let message =
        "`#[sea_orm_rls::model]` adds a field of that name, which has to be an identifier";
    let expansion = model(
        "#[derive(DeriveEntityModel, UserScoped)] #[user_scoped(owner = \"a b\")] struct Model { \
         id: Uuid }",
    );
    assert_eq!(compile_errors(expansion), error("\"a b\"", message));
}

#[test]
fn user_that_seaorm_cannot_relate_to_is_refused() {
    let message = "`#[sea_orm_rls::model]` adds the relation `owner`, which SeaORM wants by a path \
                   to an `Entity`";
    let expansion = model(
        "#[derive(DeriveEntityModel, UserScoped)] #[user_scoped(user = super::Users)] struct Model \
         { id: Uuid }",
    );
    assert_eq!(compile_errors(expansion), error("super::Users", message));
}

#[test]
fn mistakes_in_user_scoped_are_left_to_the_derive() {
    let expansion = model(
        "#[derive(DeriveEntityModel, UserScoped)] #[user_scoped(ownr)] struct Model { id: Uuid }",
    );
    assert_eq!(compile_errors(expansion), []);
}

#[test]
fn earlier_format_is_found_in_the_source_beside_the_struct_alone() {
    const MODEL: &str = "#[derive(DeriveEntityModel, UserScoped)] struct Model { id: Uuid }";
    const OTHER: &str = "struct Model { key: Uuid }";
    const RELATION: &str = "#[derive(EnumIter, DeriveRelation)] pub enum Relation { User }";

    let refused = |source: &str| {
        let expansion = expand(&TokenStream::new(), &tokens(MODEL), Some(source));
        let text = expansion.to_string();
        let refused = text.contains("earlier format");
        assert_ne!(
            refused,
            text.contains("sea_orm :: model"),
            "{source}: {text}"
        );
        refused
    };

    for source in [
        format!("{MODEL} {RELATION}"),
        format!("mod task {{ {MODEL} {RELATION} }} mod note {{ {OTHER} }}"),
        format!("mod a {{ mod b {{ {MODEL} {RELATION} }} }} mod c {{ {MODEL} {RELATION} }}"),
    ] {
        assert!(refused(&source), "{source}");
    }

    for source in [
        MODEL.to_owned(),
        format!("mod task {{ {MODEL} }} mod note {{ {OTHER} {RELATION} }}"),
        format!("mod task {{ {MODEL} }} mod note {{ {MODEL} {RELATION} }}"),
        format!("{MODEL} mod inner {{ {RELATION} }}"),
        format!("{MODEL} #[cfg(test)] {RELATION}"),
        format!("made_by_a_macro! {{ {MODEL} {RELATION} }}"),
        format!("no Rust: {MODEL} {RELATION}"),
    ] {
        assert!(!refused(&source), "{source}");
    }
}
