//! Hand-written policies, as `rls import` read them from the database. Each function is for its
//! entity: `#[derive(RlsPolicies)] #[rls_policies(policies = path::to::function)]`.

use sea_orm_rls::policy::{Command, Expression, Grantee, Policy, PolicyDraft};

/// Policies of `public.Odd name`: its row security was not enabled.
#[must_use]
pub fn odd_name_policies() -> Vec<PolicyDraft> {
    vec![
        Policy::permissive("Odd \"policy\"")
            .to([Grantee::Public])
            .using(Expression::raw_sql(r#"("the ""key""" = 1)"#))
            .verbatim(),
    ]
}

/// Policies of `public.memo`.
#[must_use]
pub fn memo_policies() -> Vec<PolicyDraft> {
    vec![
        Policy::permissive("all_of_team")
            .to([Grantee::Public])
            .using(Expression::raw_sql(r"(team_id IN ( SELECT t.id
   FROM public.team t
  WHERE (t.login = CURRENT_USER)))"))
            .verbatim(),
        Policy::permissive("both_sides")
            .to([Grantee::App])
            .using(Expression::raw_sql("public.is_in(team_id)"))
            .with_check(Expression::raw_sql("(public.is_in(team_id) AND (owner = CURRENT_USER))")),
        Policy::permissive("change_checked")
            .on([Command::Update])
            .to([Grantee::Admin])
            .using(Expression::raw_sql("true"))
            .with_check(Expression::raw_sql("open")),
        Policy::permissive("change_own")
            .on([Command::Update])
            .to([Grantee::App])
            .using(Expression::raw_sql("(owner = CURRENT_USER)"))
            .verbatim(),
        Policy::permissive("check_alone")
            .on([Command::Update])
            .to([Grantee::Admin])
            .with_check(Expression::raw_sql("open"))
            .verbatim(),
        Policy::permissive("no_insert")
            .on([Command::Insert])
            .to([Grantee::from("pg_monitor")])
            .verbatim(),
        Policy::permissive("no_select")
            .on([Command::Select])
            .to([Grantee::from("pg_monitor")])
            .verbatim(),
        Policy::permissive("nothing")
            .to([Grantee::Public])
            .verbatim(),
        Policy::permissive("read_open")
            .on([Command::Select])
            .to([Grantee::App, Grantee::from("pg_monitor")])
            .using(Expression::raw_sql(r##"(open OR (body ~~ '%"#public"#%'::text) OR (body = 'a\b''c'::text))"##)),
        Policy::permissive("remove_own")
            .on([Command::Delete])
            .to([Grantee::Admin])
            .using(Expression::raw_sql(r"(( SELECT max(m.id) AS max
   FROM public.memo m
  WHERE (m.team_id = memo.team_id)) > id)")),
        Policy::restrictive("within")
            .to([Grantee::App])
            .using(Expression::raw_sql("(id > 0)"))
            .comment(r#"positive "numbers"
and no others"#)
            .verbatim(),
        Policy::restrictive("within_new")
            .to([Grantee::App])
            .with_check(Expression::raw_sql("(id < 1000)")),
        Policy::restrictive("within_nothing")
            .on([Command::Delete])
            .to([Grantee::Admin])
            .verbatim(),
        Policy::permissive("write_own")
            .on([Command::Insert])
            .to([Grantee::App])
            .with_check(Expression::raw_sql("(owner = CURRENT_USER)")),
    ]
}
