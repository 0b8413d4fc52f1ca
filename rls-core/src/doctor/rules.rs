//! The doctor's rules. Each has a page that says what it is about and how to repair what it finds;
//! `rls doctor --explain RLS103` prints the same page.

use super::rule::Rule;
use super::severity::Severity;

/// Returns the page of a rule, or `None` if there is no such rule. Case does not matter.
///
/// ```
/// assert!(rls_core::doctor::explain("rls103").unwrap().starts_with("# RLS103"));
/// assert!(rls_core::doctor::explain("RLS999").is_none());
/// ```
#[must_use]
pub fn explain(id: &str) -> Option<&'static str> {
    RULES
        .iter()
        .find(|rule| rule.id.eq_ignore_ascii_case(id))
        .map(|rule| rule.page)
}

macro_rules! rules {
    ($($id:ident $severity:ident $title:literal)*) => {
        $(
            #[doc = include_str!(concat!("../../docs/rules/", stringify!($id), ".md"))]
            pub static $id: Rule = Rule {
                id: stringify!($id),
                severity: Severity::$severity,
                title: $title,
                page: include_str!(concat!("../../docs/rules/", stringify!($id), ".md")),
            };
        )*

        /// All rules, by number.
        pub static RULES: &[&Rule] = &[$(&$id),*];
    };
}

rules! {
    RLS001 Error "the application's role does not exist"
    RLS002 Error "the application's role bypasses row security"
    RLS003 Error "the application's role can become the administrator's role"
    RLS004 Error "the application's role has power over the server, its roles or all tables"
    RLS005 Error "the application's role owns a scoped table"
    RLS006 Warning "the administrator's role bypasses row security"
    RLS007 Warning "the application's role may create objects in a schema"
    RLS008 Warning "the application's role may create schemas"
    RLS009 Hint "the application's role may call `set_config`"
    RLS010 Warning "this version of the server leaks past row security"
    RLS011 Warning "a setting of the role or database weakens row security"
    RLS012 Error "row security is switched off in the configuration"
    RLS013 Error "the application's role owns the database or a schema"
    RLS014 Warning "the administrator's role has more power than it needs"
    RLS015 Error "the application's statements reach another table"
    RLS016 Error "a temporary table shadows a scoped table"
    RLS017 Hint "the application's role may create temporary tables"
    RLS018 Error "the application's role has a privilege on a system object"
    RLS019 Error "the application's role owns an object that a policy depends on"
    RLS020 Error "the application's role owns a domain that carries a context"
    RLS021 Hint "the application's role may run code that no text shows"
    RLS022 Warning "the application's role sees or ends the sessions of others"
    RLS023 Hint "the application's role may create large objects"
    RLS024 Warning "the application's role may set a parameter of the server"
    RLS025 Hint "conditions of a statement may be evaluated before a policy"
    RLS026 Error "the keys of signed contexts can be reached"
    RLS027 Warning "a part of a policy is evaluated after conditions of a statement"
    RLS028 Hint "the application's role owns an object"
    RLS029 Hint "the application's role may use a part of an extension that policies do not limit"
    RLS030 Hint "the application's role may read counters of hidden rows"
    RLS101 Error "a registered table is missing"
    RLS102 Error "a registered name is not a table"
    RLS103 Error "row security is not enabled"
    RLS104 Error "row security is not forced"
    RLS105 Error "a policy is missing"
    RLS106 Error "a policy differs from what the entity declares"
    RLS107 Warning "the database differs from what the entities declare"
    RLS108 Warning "a permissive policy was made by hand"
    RLS109 Warning "a policy reads a setting once per row"
    RLS110 Warning "a policy checks membership once per row"
    RLS111 Error "a policy calls an IMMUTABLE function"
    RLS112 Warning "a policy calls a VOLATILE function"
    RLS113 Hint "something could not be examined"
    RLS114 Error "the server does not plan a statement of the application"
    RLS115 Hint "a foreign key leads to rows of others"
    RLS201 Error "the owner column is missing"
    RLS202 Warning "the owner column accepts NULL"
    RLS203 Warning "an index that the policies need is missing"
    RLS204 Warning "the foreign key of the owner column is missing"
    RLS205 Warning "the foreign key of the owner column was never validated"
    RLS206 Warning "the default of the owner column does not read the context"
    RLS207 Error "the owner column treats different texts as equal"
    RLS208 Hint "a unique key reveals hidden rows"
    RLS209 Hint "a foreign key acts on hidden rows"
    RLS210 Hint "an index cannot be used under row security"
    RLS211 Hint "a column refers to the users or tenants, and no policy reads it"
    RLS301 Error "a privilege that no policy limits is granted"
    RLS302 Warning "every role has a privilege on a scoped table"
    RLS303 Warning "privileges on single columns are granted that no entity declares"
    RLS304 Warning "default privileges open new tables"
    RLS305 Error "a view shows scoped rows as an owner who bypasses row security"
    RLS306 Warning "a view reads scoped rows as its owner"
    RLS307 Error "a materialized view holds scoped rows"
    RLS308 Warning "a SECURITY DEFINER function runs as a role that bypasses policies"
    RLS309 Error "a SECURITY DEFINER function resolves names in its caller's `search_path`"
    RLS310 Error "a partition or child of a scoped table can be reached directly"
    RLS311 Hint "a sequence can be read"
    RLS312 Warning "a rewrite rule reaches a scoped table"
    RLS313 Hint "a trigger runs as a role that bypasses policies"
    RLS314 Hint "a publication sends scoped rows"
    RLS315 Error "a parent shows the rows of a scoped table"
    RLS316 Warning "a role that the application can become has a privilege on a scoped table"
    RLS317 Warning "a LEAKPROOF function may run before policies"
    RLS318 Warning "the application's role reaches another server"
    RLS401 Warning "a table is neither scoped nor declared unscoped"
    RLS402 Error "a table has an owner column and no entity"
    RLS501 Error "what administrators do is not recorded"
    RLS502 Error "the audit table can be read or changed"
    RLS503 Error "the audit table is not as the migrations create it"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_page_is_its_rule_s() {
        for rule in RULES {
            let heading = format!("# {}: {}\n", rule.id, rule.title);
            assert!(
                rule.page.starts_with(&heading),
                "{} begins with {:?}",
                rule.id,
                rule.page.lines().next()
            );
            assert!(rule.page.contains("\n## Remedy\n"), "{}", rule.id);
        }

        assert!(RULES.windows(2).all(|pair| pair[0].id < pair[1].id));
    }
}
