//! One struct, settings of many types.

use std::borrow::Cow;

use sea_orm::{ConnectionTrait, DbErr, TransactionTrait};
use sea_orm_rls::context::{SettingType, SettingValue};
use sea_orm_rls::error::ContextError;
use sea_orm_rls::{RlsContext, RlsError};
use uuid::Uuid;

use super::read;
use crate::fixture::Fixture;

#[derive(RlsContext)]
struct Member<'a, T> {
    #[setting("app.user_id")]
    user: Uuid,
    #[setting("app.tenant_id")]
    tenant: Option<T>,
    #[setting("app.level")]
    level: i16,
    #[setting("app.port")]
    port: u16,
    #[setting("app.count")]
    count: u32,
    #[setting("app.total")]
    total: i64,
    #[setting("app.verified")]
    verified: bool,
    #[setting("App.Name")]
    name: &'a str,
    #[setting("app.select.from$1")]
    note: Cow<'a, str>,
    #[setting(skip)]
    request: &'a str,
}

fn member(fixture: &Fixture) -> Member<'static, i32> {
    Member {
        user: fixture.ann,
        tenant: Some(i32::MIN),
        level: i16::MIN,
        port: u16::MAX,
        count: u32::MAX,
        total: i64::MIN,
        verified: true,
        name: "O'Neill\\\"; SET LOCAL app.level = '1' -- ü\n$$",
        note: Cow::Borrowed(" "),
        request: "GET /tasks",
    }
}

#[tokio::test]
async fn values_are_cast_back_exactly() {
    let fixture = Fixture::new(1).await;
    let context = member(&fixture);
    let (name, note, request) = (context.name, context.note.clone(), context.request);

    assert!(
        !format!("{context:?}").contains(request),
        "a field that is no setting is not shown either"
    );

    let ann = fixture.db.scope(context);
    assert_eq!(
        read::<Uuid>(&ann, "current_setting('app.user_id')::uuid").await,
        fixture.ann
    );
    assert_eq!(
        read::<i32>(&ann, "current_setting('app.tenant_id')::integer").await,
        i32::MIN
    );
    assert_eq!(
        read::<i16>(&ann, "current_setting('app.level')::smallint").await,
        i16::MIN
    );
    assert_eq!(
        read::<i32>(&ann, "current_setting('app.port')::integer").await,
        i32::from(u16::MAX)
    );
    assert_eq!(
        read::<i64>(&ann, "current_setting('app.count')::bigint").await,
        i64::from(u32::MAX)
    );
    assert_eq!(
        read::<i64>(&ann, "current_setting('app.total')::bigint").await,
        i64::MIN
    );
    assert!(read::<bool>(&ann, "current_setting('app.verified')::boolean").await);
    assert_eq!(
        read::<String>(&ann, "current_setting('app.name')").await,
        name
    );
    assert_eq!(
        read::<String>(&ann, "current_setting('app.select.from$1')").await,
        note
    );

    let shown = format!("{ann:?}");

    assert!(
        shown.contains("app.tenant_id") && !shown.contains("Neill") && !shown.contains("9223"),
        "{shown}"
    );
}

#[tokio::test]
async fn none_and_empty_text_read_as_no_value() {
    let fixture = Fixture::new(1).await;
    let nobody = Member::<String> {
        tenant: None,
        name: "",
        ..empty(&fixture)
    };

    let nobody = fixture.db.scope(nobody);
    assert_eq!(
        read::<Option<String>>(
            &nobody,
            "NULLIF(current_setting('app.tenant_id', true), '')"
        )
        .await,
        None
    );

    assert_eq!(
        read::<Option<String>>(&nobody, "NULLIF(current_setting('app.name', true), '')").await,
        None
    );
}

fn empty<T>(fixture: &Fixture) -> Member<'static, T> {
    let Member {
        user,
        level,
        port,
        count,
        total,
        verified,
        name,
        note,
        request,
        ..
    } = member(fixture);

    Member {
        user,
        tenant: None,
        level,
        port,
        count,
        total,
        verified,
        name,
        note,
        request,
    }
}

#[tokio::test]
async fn nul_fails_the_first_statement_without_showing_the_value() {
    let fixture = Fixture::new(1).await;
    let scoped = fixture.db.scope(Member {
        name: "hid\0den",
        ..member(&fixture)
    });

    let error = RlsError::from(&scoped.execute_unprepared("SELECT 1").await.unwrap_err());
    assert!(
        matches!(error, RlsError::Context(ContextError::Nul { .. })),
        "{error:?}"
    );
    assert!(!error.to_string().contains("hid") && !format!("{scoped:?}").contains("hid"));
}

#[tokio::test]
async fn text_cannot_change_a_setting_that_only_the_context_names() {
    let fixture = Fixture::new(1).await;
    let ann = fixture.db.scope(member(&fixture));
    let transaction = ann.begin().await.unwrap();
    let refused = |result: Result<_, DbErr>| {
        let error = RlsError::from(&result.map(|_| ()).unwrap_err());
        assert!(matches!(error, RlsError::ContextChange { .. }), "{error:?}");
    };

    refused(
        ann.execute_unprepared("SET LOCAL app.tenant_id = '5'")
            .await,
    );
    refused(
        transaction
            .execute_unprepared(r#"SET LOCAL "app"."level" = 3"#)
            .await,
    );
    assert_eq!(
        read::<i16>(&transaction, "current_setting('app.level')::smallint").await,
        i16::MIN
    );
    transaction.commit().await.unwrap();
}

#[tokio::test]
async fn types_are_named_as_the_server_prints_them() {
    let fixture = Fixture::new(1).await;
    for sql_type in [
        Uuid::SQL_TYPE,
        i16::SQL_TYPE,
        i32::SQL_TYPE,
        i64::SQL_TYPE,
        bool::SQL_TYPE,
        str::SQL_TYPE,
        SettingType::Date,
        SettingType::Time,
        SettingType::Timestamp,
        SettingType::TimestampWithTimeZone,
        <Vec<Option<chrono::NaiveTime>>>::SQL_TYPE,
        <[Uuid]>::SQL_TYPE,
    ] {
        let printed: String = read(
            &fixture.owner,
            &format!("format_type('{sql_type}'::regtype, NULL)"),
        )
        .await;
        assert_eq!(printed, sql_type.as_sql());
    }
}
