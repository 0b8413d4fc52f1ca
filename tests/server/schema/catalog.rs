//! The policies in the database are the design's: checked from `pg_policies`, `pg_class`, grants
//! and default.

use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, QueryFilter,
    QueryTrait, Set,
};
use uuid::Uuid;

use super::{text, texts};
use crate::fixture::{Fixture, task};

#[tokio::test]
async fn policies_are_those_of_the_design() {
    let fixture = Fixture::new(1).await;
    let (app, admin) = (fixture.config.app_role(), fixture.config.admin_role());
    let p = "(owner_id = ( SELECT (NULLIF(current_setting('app.user_id'::text, true), \
             ''::text))::uuid AS \"nullif\"))";
    let found = texts(
        &fixture.owner,
        "SELECT concat_ws('|', policyname, permissive, cmd, roles::text, coalesce(qual, '-'), \
         coalesce(with_check, '-'))
         FROM pg_policies WHERE schemaname = 'public' AND tablename = 'task' ORDER BY policyname",
    )
    .await;

    assert_eq!(
        found,
        [
            format!("task_admin|PERMISSIVE|ALL|{{{admin}}}|true|true"),
            format!("task_guard|RESTRICTIVE|ALL|{{{app}}}|{p}|{p}"),
            format!("task_owner_delete|PERMISSIVE|DELETE|{{{app}}}|{p}|-"),
            format!("task_owner_insert|PERMISSIVE|INSERT|{{{app}}}|-|{p}"),
            format!("task_owner_select|PERMISSIVE|SELECT|{{{app}}}|{p}|-"),
            format!("task_owner_update|PERMISSIVE|UPDATE|{{{app}}}|{p}|{p}"),
        ]
    );

    let identity = text(
        &fixture.owner,
        "SELECT qual FROM pg_policies WHERE tablename = 'user' AND policyname = \
         'user_owner_select'",
    )
    .await;

    assert_eq!(
        identity,
        p.replace("owner_id", "id"),
        "an identity's rows own themselves"
    );
}

#[tokio::test]
async fn tables_are_enabled_forced_and_granted_no_more_than_needed() {
    let fixture = Fixture::new(1).await;
    let (app, admin) = (fixture.config.app_role(), fixture.config.admin_role());
    let flags = "SELECT concat_ws(' ', relname, relrowsecurity, relforcerowsecurity) FROM pg_class
                 WHERE relname IN ('user', 'task', 'note') ORDER BY relname";

    assert_eq!(
        texts(&fixture.owner, flags).await,
        ["note t t", "task t t", "user t t"]
    );

    let grants = format!(
        "SELECT concat_ws(' ', grantee, table_name, string_agg(privilege_type, ',' ORDER BY \
         privilege_type))
         FROM information_schema.role_table_grants WHERE grantee IN ('{app}', '{admin}')
         GROUP BY grantee, table_name ORDER BY grantee, table_name"
    );

    let mut expected: Vec<String> = [app, admin]
        .iter()
        .flat_map(|role| {
            ["note", "task", "user"]
                .map(|table| format!("{role} {table} DELETE,INSERT,SELECT,UPDATE"))
        })
        .collect();

    expected.insert(4, format!("{admin} rls_audit SELECT"));
    assert_eq!(texts(&fixture.owner, &grants).await, expected);

    let usage = format!(
        "SELECT concat_ws(' ', has_sequence_privilege(r, 'note_id_seq', 'USAGE'),
                          has_sequence_privilege(r, 'note_id_seq', 'SELECT'),
                          has_sequence_privilege(r, 'note_id_seq', 'UPDATE'))
         FROM unnest(ARRAY['{app}', '{admin}']) r"
    );

    assert_eq!(texts(&fixture.owner, &usage).await, ["t f f", "t f f"]);

    // Everyone has `USAGE` on `public`, so none is granted.
    let schema = format!(
        "SELECT count(*)::text FROM pg_namespace, aclexplode(nspacl) a JOIN pg_roles r ON r.oid = \
         a.grantee
         WHERE nspname = 'public' AND a.privilege_type = 'USAGE' AND r.rolname IN ('{app}', \
         '{admin}')"
    );

    assert_eq!(text(&fixture.owner, &schema).await, "0");

    assert_eq!(
        text(&fixture.owner, "SELECT count(*)::text FROM pg_default_acl").await,
        "0"
    );
}

#[tokio::test]
async fn owner_column_has_type_default_key_and_index() {
    let fixture = Fixture::new(1).await;
    let column = "SELECT concat_ws('|', data_type, is_nullable, column_default) FROM \
                  information_schema.columns
                  WHERE table_name IN ('task', 'note') AND column_name = 'owner_id' ORDER BY \
                  table_name";

    let expected = "uuid|NO|(NULLIF(current_setting('app.user_id'::text, true), ''::text))::uuid";
    assert_eq!(texts(&fixture.owner, column).await, [expected, expected]);

    let keys = "SELECT conrelid::regclass || ' ' || pg_get_constraintdef(oid) FROM pg_constraint
                WHERE contype = 'f' AND pg_get_constraintdef(oid) LIKE '%(owner_id)%' ORDER BY 1";
    let key =
        |table| format!("{table} FOREIGN KEY (owner_id) REFERENCES \"user\"(id) ON DELETE CASCADE");
    assert_eq!(
        texts(&fixture.owner, keys).await,
        [key("note"), key("task")]
    );

    let indexes =
        "SELECT indexdef FROM pg_indexes WHERE indexdef LIKE '%(owner_id)' ORDER BY indexname";
    let index = |table| {
        format!("CREATE INDEX {table}_owner_id_idx ON public.{table} USING btree (owner_id)")
    };

    assert_eq!(
        texts(&fixture.owner, indexes).await,
        [index("note"), index("task")]
    );
}

#[tokio::test]
async fn roles_log_in_and_do_no_more() {
    let fixture = Fixture::new(1).await;
    let (app, admin) = (fixture.config.app_role(), fixture.config.admin_role());
    let roles = format!(
        "SELECT concat_ws(' ', rolcanlogin, rolsuper, rolbypassrls, rolinherit, rolcreaterole, \
         rolcreatedb,
                          rolreplication, rolpassword LIKE 'SCRAM-SHA-256$4096:%')
         FROM pg_authid WHERE rolname IN ('{app}', '{admin}')"
    );

    assert_eq!(texts(&fixture.owner, &roles).await, ["t f f f f f f t"; 2]);

    let members = format!(
        "SELECT pg_has_role('{app}', '{admin}', 'MEMBER') || ' ' || pg_has_role('{admin}', \
         '{app}', 'MEMBER')"
    );

    assert_eq!(text(&fixture.owner, &members).await, "false false");
}

#[tokio::test]
async fn scoped_read_uses_the_index_with_the_user_read_once() {
    let fixture = Fixture::new(1).await;
    fixture
        .owner
        .execute_unprepared(&format!(
            "INSERT INTO task (id, title, rank, owner_id)
             SELECT gen_random_uuid(), 't', n, CASE WHEN n % 200 = 0 THEN '{}' ELSE '{}' END::uuid
             FROM generate_series(1, 20000) n;
             ANALYZE task",
            fixture.ann, fixture.bob
        ))
        .await
        .unwrap();

    let ann = fixture.ann();
    task::ActiveModel {
        id: Set(Uuid::new_v4()),
        title: Set("t".into()),
        rank: Set(0),
        ..Default::default()
    }
    .insert(&ann)
    .await
    .unwrap();

    let plan = texts(
        &ann,
        "EXPLAIN (ANALYZE, VERBOSE, COSTS OFF, TIMING OFF) SELECT * FROM task",
    )
    .await
    .join("\n");

    assert!(plan.contains("InitPlan "), "{plan}");
    assert!(plan.contains("task_owner_id_idx"), "{plan}");

    let condition = plan
        .lines()
        .find(|line| line.contains("Index Cond"))
        .unwrap();

    // As PostgreSQL 16, 17 and 19 print the InitPlan's value.
    let user = [
        "(task.owner_id = $0)",
        "(task.owner_id = (InitPlan 1).col1)",
        "(task.owner_id = (InitPlan expr_1).col1)",
    ];

    assert!(user.iter().any(|user| condition.contains(user)), "{plan}");
    assert!(
        !plan.contains("Filter:"),
        "guard and policy are folded into the index's condition: {plan}"
    );
    assert_eq!(
        plan.matches("current_setting").count(),
        1,
        "read once, in the InitPlan: {plan}"
    );
    assert!(plan.contains("rows=101"), "{plan}");
}

/// The rule page of RLS210 says so, of PostgreSQL 15 to 18.
/// limits.md: "Operators that are not leakproof".
#[tokio::test]
async fn what_titles_begin_with_uses_an_index_unless_it_is_asked_by_like() {
    let fixture = Fixture::new(1).await;
    fixture
        .owner
        .execute_unprepared(&format!(
            "INSERT INTO task (id, title, rank, owner_id)
             SELECT gen_random_uuid(), md5(n::text), n, '{}' FROM generate_series(1, 20000) n;
             CREATE INDEX ON task (owner_id, title varchar_pattern_ops);
             ANALYZE task",
            fixture.ann
        ))
        .await
        .unwrap();

    let ann = fixture.ann();
    let uses_index = async |select: String| {
        let plan = texts(&ann, &format!("EXPLAIN (COSTS OFF) {select}")).await;
        let condition = plan.iter().find(|line| line.contains("Index Cond"));
        condition.is_some_and(|condition| condition.contains("title"))
    };

    let like = task::Entity::find().filter(task::Column::Title.starts_with("abc"));
    let like = like.build(DbBackend::Postgres).to_string();
    assert!(like.contains("LIKE"), "{like}");
    assert!(!uses_index(like).await);

    for leakproof in ["title ^@ 'abc'", "starts_with(title, 'abc')"] {
        let select = format!("SELECT * FROM task WHERE {leakproof}");
        assert!(uses_index(select).await, "{leakproof}");
    }
}
