//! What the modules of each crate may import: a room of `rls-core` imports only rooms that stand
//! before it in `lib.rs`, and sibling modules never import each other in a circle.

#[path = "tree/scan.rs"]
mod scan;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::fs;
use std::path::Path;

use scan::{Module, Names};

/// The folders of sources of the published crates.
const CRATES: [&str; 4] = ["rls-core/src", "rls-derive/src", "rls-migration/src", "src"];

#[test]
fn no_room_imports_one_above_it() {
    assert_none(&Tree::read("rls-core/src").upward_imports());
}

#[test]
fn no_siblings_import_each_other_in_a_circle() {
    let circles = CRATES.map(|sources| Tree::read(sources).circles());
    assert_none(&circles.concat());
}

/// A `main` that returns an error prints its `Debug`: FAULTS B.
#[test]
fn debug_of_every_error_says_what_its_display_says() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders: Vec<_> = CRATES.map(|sources| root.join(sources)).into();
    let mut errors = 0;

    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }

            let source = fs::read_to_string(&path).unwrap_or_default();
            for (derives, name) in public_errors(&source) {
                errors += 1;
                let place = path.display();
                assert!(!derives.contains("Debug"), "{place}: {name} derives it");
                let said = format!("debug_is_display!({name});");
                assert!(source.contains(&said), "{place} has no `{said}`");
            }
        }
    }

    assert!(errors >= 10, "{errors}");
}

/// The derives and the names of the public errors: a finding is data that derives thiserror's too.
fn public_errors(source: &str) -> Vec<(&str, &str)> {
    let found = source
        .match_indices("thiserror::Error)]")
        .map(|(at, _)| source.split_at(at));

    found
        .filter_map(|(before, after)| {
            let derives = &before[before.rfind("#[derive(")?..];
            let declared = after.lines().find(|line| line.starts_with("pub"))?;
            let name = declared.strip_prefix("pub enum ");
            let name = name.or_else(|| declared.strip_prefix("pub struct "))?;
            Some((derives, name.trim_end_matches(" {")))
        })
        .filter(|(_, name)| name.ends_with("Error"))
        .collect()
}

#[test]
fn upward_import_is_found_wherever_it_stands() {
    for import in [
        "use crate::attic::Chest;",
        "use crate::{attic::{self, Chest as Box}};",
        "use super::attic::*;",
        "pub(crate) use crate::Chest;",
        "fn body() { crate::attic::open() }",
        "fn body() { println!(\"{}\", super::attic::DEPTH) }",
        "mod inner { use super::super::attic::Chest; }",
    ] {
        let tree = Tree::of(&[
            ("lib", "mod cellar; mod attic; pub use attic::Chest;"),
            ("cellar", import),
            ("attic", "use crate::cellar::Coal;"),
        ]);
        let found = tree.upward_imports().concat();

        assert!(
            found.starts_with("cellar.rs imports `crate::"),
            "{import}: {found}"
        );
        assert!(found.contains("` of attic.rs"), "{import}: {found}");
    }
}

#[test]
fn tests_and_macros_for_other_crates_import_nothing() {
    for no_import in [
        "#[cfg(test)] mod tests { use crate::attic::Chest; }",
        "#[cfg(test)] use crate::attic::Chest;",
        "macro_rules! chest { () => { $crate::attic::Chest } }",
        "//! See [`crate::attic::Chest`].",
        "use attic::Chest;",
    ] {
        let tree = Tree::of(&[
            ("lib", "mod cellar; mod attic;"),
            ("cellar", no_import),
            ("attic", ""),
        ]);
        assert_none(&tree.upward_imports());
    }
}

#[test]
fn circle_is_found_below_the_root_and_through_re_exports() {
    let tree = Tree::of(&[
        ("lib", "mod hall; mod porch;"),
        ("hall", "mod door; mod lamp; mod rug; pub use lamp::Lamp;"),
        ("hall/door", "use super::Lamp;"),
        ("hall/lamp", "use crate::hall::rug::Rug;"),
        ("hall/rug", "fn lie() { super::door::open() }"),
        ("porch", "use crate::hall::Lamp;"),
    ]);
    assert_none(&tree.upward_imports());

    let expected = [
        "hall/door.rs imports `crate::hall::Lamp` of hall/lamp.rs",
        "hall/lamp.rs imports `crate::hall::rug::Rug` of hall/rug.rs",
        "hall/rug.rs imports `crate::hall::door::open` of hall/door.rs",
    ];
    assert_eq!(tree.circles(), expected);
}

#[track_caller]
fn assert_none(imports: &[String]) {
    assert!(imports.is_empty(), "\n{}", imports.join("\n"));
}

/// The modules of a crate by their paths, without those for tests alone.
struct Tree(BTreeMap<Names, Module>);

impl Tree {
    /// Reads a crate of this workspace, from its `lib.rs` on.
    fn read(sources: &str) -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        Self::new(sources, |file| {
            fs::read_to_string(root.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"))
        })
    }

    /// A made-up crate, of files without their `.rs`.
    fn of(files: &[(&str, &str)]) -> Self {
        Self::new("", |file| {
            let is_named = |(name, _): &&(&str, &str)| format!("{name}.rs") == file;
            let (_, source) = files.iter().find(is_named).expect("each module has a file");
            (*source).to_owned()
        })
    }

    fn new(sources: &str, read: impl Fn(&str) -> String) -> Self {
        let mut tree = BTreeMap::new();
        let mut files = vec![(Names::new(), "lib".to_owned())];

        while let Some((path, name)) = files.pop() {
            let file = Path::new(sources).join(format!("{name}.rs"));
            let file = file.display().to_string();
            let tokens = read(&file).parse().expect("the source is Rust");

            for (path, module) in scan::modules(path, &file, tokens) {
                files.extend(
                    module
                        .files
                        .iter()
                        .map(|file| (file.clone(), file.join("/"))),
                );
                tree.insert(path, module);
            }
        }

        Self(tree)
    }

    /// The imports against the order in which the root declares its modules.
    fn upward_imports(&self) -> Vec<String> {
        let rooms = &self.0[[].as_slice()].children;
        let floor = |room: &String| rooms.iter().position(|other| other == room);
        let is_upward = |import: &Import<'_>| {
            let (level, from, to) = &import.siblings;
            level.is_empty() && floor(from) < floor(to)
        };

        self.imports()
            .filter(is_upward)
            .map(|import| import.to_string())
            .collect()
    }

    /// The imports between siblings that lead back to where they come from.
    fn circles(&self) -> Vec<String> {
        let mut edges: BTreeSet<Siblings> = self.imports().map(|import| import.siblings).collect();

        // What nobody imports is on no circle, nor is what imports nothing.
        loop {
            let is_on_the_way = |(level, from, to): &Siblings| {
                let imports = |edge: &Siblings| edge.0 == *level && edge.1 == *to;
                let is_imported = |edge: &Siblings| edge.0 == *level && edge.2 == *from;
                edges.iter().any(imports) && edges.iter().any(is_imported)
            };
            let rest: BTreeSet<_> = edges
                .iter()
                .filter(|edge| is_on_the_way(edge))
                .cloned()
                .collect();
            if rest.len() == edges.len() {
                break;
            }

            edges = rest;
        }

        let imports = self
            .imports()
            .filter(|import| edges.contains(&import.siblings));
        imports.map(|import| import.to_string()).collect()
    }

    /// The imports between modules of which neither is in the other.
    fn imports(&self) -> impl Iterator<Item = Import<'_>> {
        self.0.iter().flat_map(|(from, module)| {
            module.paths.iter().filter_map(|path| {
                let to = self.module_of(path, 0);
                Some(Import {
                    siblings: siblings(from, &to)?,
                    from: &module.file,
                    to: &self.0[&to].file,
                    path,
                })
            })
        })
    }

    /// The module in which the path ends; if it ends at a re-export, the one that this leads to.
    fn module_of(&self, path: &[String], re_exports: usize) -> Names {
        let is_module = |length: &usize| self.0.contains_key(&path[..*length]);
        let length = (0..=path.len()).rev().find(is_module).unwrap_or_default();
        let (module, rest) = path.split_at(length);

        match rest
            .split_first()
            .and_then(|(name, rest)| Some((self.0[module].brought.get(name)?, rest)))
        {
            Some((target, rest)) if re_exports < 16 => {
                self.module_of(&[target, rest].concat(), re_exports + 1)
            }
            _ => module.to_vec(),
        }
    }
}

/// Two modules in one: its path, and the names of the two.
type Siblings = (Names, String, String);

/// The siblings that the two modules are, or are in; `None` if one of the two is in the other.
fn siblings(from: &[String], to: &[String]) -> Option<Siblings> {
    let shared = from
        .iter()
        .zip(to)
        .take_while(|(from, to)| from == to)
        .count();
    let next = |path: &[String]| path.get(shared).cloned();
    Some((from[..shared].to_vec(), next(from)?, next(to)?))
}

/// What a module names of another.
struct Import<'a> {
    siblings: Siblings,
    from: &'a str,
    to: &'a str,
    path: &'a Names,
}

impl fmt::Display for Import<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.join("::");
        write!(f, "{} imports `crate::{path}` of {}", self.from, self.to)
    }
}
