//! The page of limits and its tests: these name the rows of its first table, and what it says of
//! PostgreSQL, by the words with which each begins: `limits.md: "the existence of a row"`.

use std::fs;
use std::path::PathBuf;

#[test]
fn each_limit_is_named_by_a_test() {
    let page = fs::read_to_string("docs/manual/limits.md").unwrap();
    let (mut sources, mut folders) = (String::new(), vec![PathBuf::from("tests/server")]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                sources += &fs::read_to_string(path).unwrap();
            }
        }
    }

    assert!(limits(&page).len() >= 20);
    assert_eq!(unproved(&page, &sources), [""; 0]);
}

#[test]
fn limit_without_a_test_and_test_without_a_limit_are_found() {
    let page = "| threat | protected |\n|---|---|\n| a fault | yes |\n| another | no |\n
                # What PostgreSQL's documentation says\n\n- A view reads.\n\n# Else\n\n- not this";
    assert_eq!(limits(page), ["a fault", "another", "A view reads."]);

    let named = |names: [&str; 3]| names.map(|name| format!("/// limits.md: \"{name}\".\n"));
    let all = named(["a fault", "anoth", "A view"]).concat();
    assert_eq!(unproved(page, &all), [""; 0]);
    let one = named(["a fault", "a fault", "A view"]).concat();
    assert_eq!(unproved(page, &one), ["another"]);
    let other = named(["a fault", "anoth", "A view"]).concat() + "/// limits.md: \"gone\".";
    assert_eq!(unproved(page, &other), ["gone"]);
}

/// The first cells of the first table, and the points of what PostgreSQL says.
fn limits(page: &str) -> Vec<&str> {
    let rows = page.lines().skip_while(|line| !line.starts_with("|---"));
    let rows = rows.skip(1).map_while(|line| line.strip_prefix("| "));
    let cells = rows
        .filter_map(|row| row.split_once(" | "))
        .map(|(cell, _)| cell);

    let said = page.split("# What PostgreSQL's documentation says").nth(1);
    let said = said
        .unwrap_or_default()
        .split("\n# ")
        .next()
        .unwrap_or_default();
    let points = said.lines().filter_map(|line| line.strip_prefix("- "));

    cells.chain(points).collect()
}

/// The limits that no test names, and what tests name that is none.
fn unproved<'a>(page: &'a str, sources: &'a str) -> Vec<&'a str> {
    let limits = limits(page);
    let named: Vec<_> = sources
        .split("/// limits.md: \"")
        .skip(1)
        .filter_map(|rest| rest.split_once('"'))
        .map(|(name, _)| name)
        .collect();

    let is_named = |limit: &&&str| named.iter().any(|name| limit.starts_with(name));
    let is_limit = |name: &&&str| limits.iter().any(|limit| limit.starts_with(*name));
    let unnamed = limits.iter().filter(|limit| !is_named(limit));
    let unknown = named.iter().filter(|name| !is_limit(name));

    unnamed.chain(unknown).copied().collect()
}
