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
    RLS003 Error "the application's role can become the administrator's"
    RLS004 Error "the application's role has power over the server, its roles or all tables"
    RLS005 Error "the application's role owns a scoped table"
    RLS006 Warning "the administrator's role bypasses row security"
    RLS007 Warning "the application's role may create objects in a schema"
    RLS008 Warning "the application's role may create schemas"
    RLS009 Hint "everyone may call `set_config`"
    RLS010 Warning "this version of the server leaks past row security"
    RLS011 Warning "a setting is set before any context is"
    RLS012 Error "row security is switched off in the configuration"
    RLS013 Error "the application's role owns the database or a schema"
    RLS014 Warning "the administrator's role has more power than it needs"
    RLS015 Error "the application's statements reach another table"
    RLS016 Error "a temporary table stands before a scoped one"
    RLS017 Hint "the application's role may make temporary tables"
    RLS018 Error "the application's role has a privilege on what is the server's own"
    RLS019 Error "the application's role owns what a policy needs"
    RLS101 Error "a registered table is missing"
    RLS102 Error "a registered name is not a table"
    RLS103 Error "row security is not enabled"
    RLS104 Error "row security is not forced"
    RLS105 Error "a policy is missing"
    RLS106 Error "a policy is not what the entity asks for"
    RLS107 Warning "the database is not what the entities say"
    RLS108 Warning "a permissive policy was made by hand"
    RLS109 Warning "a policy reads a setting once a row"
    RLS110 Warning "a policy asks for membership row by row"
    RLS111 Error "a policy calls an IMMUTABLE function"
    RLS112 Warning "a policy calls a VOLATILE function"
    RLS113 Hint "something could not be examined"
    RLS201 Error "the column that names the holder is missing"
    RLS202 Warning "the column that names the holder takes NULL"
    RLS203 Warning "an index that the policies need is missing"
    RLS204 Warning "the foreign key to the holder is missing"
    RLS205 Warning "the foreign key to the holder was never validated"
    RLS206 Warning "the default of the holder's column is not the context's"
    RLS207 Error "the holder's column takes different texts for equal"
    RLS208 Hint "a unique key tells of hidden rows"
    RLS209 Hint "a foreign key acts on hidden rows"
    RLS210 Hint "an index cannot be used under row security"
    RLS301 Error "a privilege that no policy bounds is granted"
    RLS302 Warning "everyone has a privilege on a scoped table"
    RLS303 Warning "privileges on single columns are granted"
    RLS304 Warning "default privileges open tables that are yet to be made"
    RLS305 Error "a view shows scoped rows as an owner who bypasses row security"
    RLS306 Warning "a view reads scoped rows as its owner"
    RLS307 Error "a materialized view holds scoped rows"
    RLS308 Warning "a SECURITY DEFINER function runs as a role that policies do not hold"
    RLS309 Error "a SECURITY DEFINER function looks names up where its caller may put others"
    RLS310 Error "a partition or child of a scoped table can be reached directly"
    RLS311 Hint "a sequence can be read"
    RLS312 Warning "a rewrite rule stands on a scoped table"
    RLS313 Hint "a trigger runs as a role that policies do not hold"
    RLS314 Hint "a publication sends scoped rows"
    RLS315 Error "a parent shows the rows of a scoped table"
    RLS316 Warning "a role that the application can become has a privilege on a scoped table"
    RLS317 Warning "a function of one's own may run before policies do"
    RLS318 Warning "the application's role reaches another server"
    RLS401 Warning "a table is neither scoped nor declared unscoped"
    RLS402 Error "a table names holders and no entity claims it"
    RLS501 Error "what administrators do is not recorded"
    RLS502 Error "the record of what administrators do can be read or changed"
    RLS503 Error "the record of what administrators do is not as the migrations make it"
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
