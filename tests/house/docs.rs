//! The Markdown pages: a reader of the plain files meets no dead link and no hidden line, and
//! `tests/manual` compiles and runs each Rust block.

#[path = "docs/markdown.rs"]
mod markdown;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Component, Path, PathBuf};

use markdown::{Code, Page, dedent};

const MANUAL: &str = "docs/manual";
const DERIVES: &str = "rls-derive/docs";

/// Compares each Rust block with what `tests/manual` has between `// snippet` and `// end`.
#[test]
fn every_rust_block_is_compiled() {
    for page in pages() {
        let source = source(&page.path);
        let snippets = fs::read_to_string(&source)
            .map(|source| snippets(&source))
            .unwrap_or_default();
        let blocks: Vec<_> = page
            .code
            .iter()
            .filter(|code| is_rust(code))
            .map(|code| code.text.as_str())
            .collect();

        for (block, snippet) in blocks.iter().zip(&snippets) {
            assert_eq!(block, snippet, "{}, {source}", page.path.display());
        }
        let counts = (blocks.len(), snippets.len());
        assert_eq!(counts.0, counts.1, "{}, {source}", page.path.display());
    }
}

#[test]
fn no_page_has_a_hidden_line() {
    assert_none(pages().iter().flat_map(hidden_lines));
}

#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    assert_none(pages().iter().flat_map(dead_links));
}

#[test]
fn every_page_is_reachable_from_the_readme() {
    let pages: BTreeMap<_, _> = pages()
        .into_iter()
        .map(|page| (page.path.clone(), page))
        .collect();

    let mut reached = BTreeSet::new();
    let mut next = vec![PathBuf::from("README.md")];
    while let Some(path) = next.pop() {
        if let Some(page) = pages.get(&path)
            && reached.insert(path)
        {
            next.extend(targets(page).into_iter().map(|(path, _)| path));
        }
    }

    let of_docs = |path: &&PathBuf| path.starts_with("docs") && !reached.contains(*path);
    assert_none(pages.keys().filter(of_docs));
}

/// A footer's links are for the file. rustdoc takes those of `links.md`, which must name the same
/// labels; a relative link in the text, or a label that is missing there, would be dead in rustdoc.
#[test]
fn links_of_the_manual_are_defined_for_rustdoc() {
    let rustdoc = Page::read(Path::new("src/manual/links.md"));
    let manual: Vec<_> = markdown_in(Path::new(MANUAL))
        .iter()
        .map(|path| Page::read(path))
        .collect();
    let labels = |page: &Page| -> BTreeSet<String> {
        let defined = page.definitions().into_iter();
        defined.map(|(label, _)| label.to_owned()).collect()
    };

    let defined = labels(&rustdoc);
    for page in &manual {
        assert_none(labels(page).difference(&defined));
        assert_none(page.inline_targets().iter().filter(|link| !is_web(link)));
    }

    let source = fs::read_to_string("src/manual.rs").unwrap();
    for page in manual
        .iter()
        .filter(|page| !page.path.ends_with("README.md"))
    {
        let name = page.path.file_stem().unwrap().to_str().unwrap();
        assert!(source.contains(&format!("\n    {name}: ")), "{name}");
    }
}

#[test]
fn faults_of_a_page_are_found() {
    let page = |text| Page::new(Path::new("docs/manual/limits.md"), text);

    for text in [
        "```rust\n# use sea_orm::*;\n```",
        "1. x\n\n   ```rust\n   #\n   ```",
        "```rust,ignore\nx();\n```",
        "```\nx();\n```",
    ] {
        assert_eq!(hidden_lines(&page(text)).len(), 1, "{text}");
    }
    assert!(hidden_lines(&page("```rust\n#[test]\n```\n```sh\n# x\n```")).is_empty());

    for text in [
        "[x](crate::RlsError)",
        "[x](nowhere.md)",
        "[x](contexts.md#nowhere)",
        "[x](#nowhere)",
        "[x][y]",
        "[x][y]\n\n[y]: nowhere.md",
        "[x]\n\n[x]: crate::x",
    ] {
        assert_eq!(dead_links(&page(text)).len(), 1, "{text}");
    }
    let alive = "# A heading\n[x](#a-heading) [y] `[z](z.md)`\n\n[y]: contexts.md#what-it-costs";
    assert!(dead_links(&page(alive)).is_empty());
}

fn pages() -> Vec<Page> {
    let mut paths = vec![
        "README.md".into(),
        "CHANGELOG.md".into(),
        "BENCHMARKS.md".into(),
    ];
    for folder in [MANUAL, "docs/design", DERIVES] {
        paths.extend(markdown_in(Path::new(folder)));
    }
    paths.iter().map(|path| Page::read(path)).collect()
}

fn markdown_in(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    let mut paths: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    paths.sort();
    paths
}

fn is_rust(code: &Code) -> bool {
    code.language.starts_with("rust")
}

/// Where the Rust blocks of a page are compiled, if it has some.
fn source(page: &Path) -> String {
    let stem = page.file_stem().unwrap().to_str().unwrap();
    match page.parent().unwrap().to_str().unwrap() {
        "" => format!("tests/manual/{}.rs", stem.to_lowercase()),
        MANUAL => format!("tests/manual/{stem}.rs"),
        _ => format!("tests/manual/derives/{stem}.rs"),
    }
}

fn snippets(source: &str) -> Vec<String> {
    let mut snippets = Vec::new();
    let mut lines = source.lines();
    while lines.any(|line| line.trim() == "// snippet") {
        let region: Vec<_> = lines
            .by_ref()
            .take_while(|line| line.trim() != "// end")
            .collect();
        snippets.push(shown(&region));
    }
    snippets
}

/// The lines that are not hidden; a hidden line takes the blank line behind it along.
fn shown(region: &[&str]) -> String {
    let is_hidden = |line: &str| line.ends_with("// hidden");
    let shown: Vec<_> = (0..region.len())
        .filter(|&at| !is_hidden(region[at]))
        .filter(|&at| !(at > 0 && region[at].is_empty() && is_hidden(region[at - 1])))
        .map(|at| region[at])
        .collect();
    dedent(&shown)
}

/// Lines that rustdoc would hide, and blocks that it would treat in a way of their own.
fn hidden_lines(page: &Page) -> Vec<String> {
    let fault = |line: &str| format!("{}: {line}", page.path.display());
    let hidden = page
        .code
        .iter()
        .filter(|code| is_rust(code))
        .flat_map(|code| code.text.lines())
        .map(str::trim)
        .filter(|line| *line == "#" || line.starts_with("# "));
    let unclear = page
        .code
        .iter()
        .map(|code| code.language.as_str())
        .filter(|language| language.is_empty() || language.starts_with("rust,"));

    hidden.chain(unclear).map(fault).collect()
}

/// Links that lead to no file or heading, and references that nothing defines.
fn dead_links(page: &Page) -> Vec<String> {
    let fault = |link: &str| format!("{}: {link}", page.path.display());
    let is_dead = |(path, anchor): &(PathBuf, String)| {
        !path.exists() || !anchor.is_empty() && !Page::read(path).has_heading(anchor)
    };
    let here = |(path, anchor): &(PathBuf, String)| *path == page.path && page.has_heading(anchor);

    let dead = targets(page)
        .into_iter()
        .filter(|target| !here(target) && is_dead(target))
        .map(|(path, anchor)| fault(&format!("{}#{anchor}", path.display())));
    let defined: BTreeSet<_> = page.definitions().iter().map(|(label, _)| *label).collect();
    let undefined = page
        .references()
        .into_iter()
        .filter(|label| !defined.contains(label))
        .map(fault);

    dead.chain(undefined).collect()
}

/// The file and the heading of each link into this repository.
fn targets(page: &Page) -> Vec<(PathBuf, String)> {
    let folder = page.path.parent().unwrap();
    let definitions = page.definitions();
    let defined = definitions.iter().map(|(_, target)| *target);
    page.inline_targets()
        .into_iter()
        .chain(defined)
        .filter(|link| !is_web(link))
        .map(|link| {
            let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
            let path = match file {
                "" => page.path.clone(),
                _ => normal(&folder.join(file)),
            };
            (path, anchor.to_owned())
        })
        .collect()
}

fn is_web(link: &str) -> bool {
    link.starts_with("https://")
}

/// Without `..`, so that a page has one path.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::ParentDir => drop(normal.pop()),
            other => normal.push(other),
        }
    }
    normal
}

fn assert_none<T: std::fmt::Debug>(faults: impl IntoIterator<Item = T>) {
    let faults: Vec<_> = faults.into_iter().collect();
    assert!(faults.is_empty(), "{faults:#?}");
}
