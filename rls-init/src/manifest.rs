//! Dependencies in a manifest.

use std::path::{Component, Path, PathBuf};

use toml_edit::{DocumentMut, InlineTable, Item, Table, Value};

use crate::error::InitError;

/// Where the library comes from.
pub(crate) enum Library {
    Git(String),
    Checkout(PathBuf),
}

impl Library {
    /// The repository, or else the checkout that this program was compiled from.
    pub(crate) fn of(git: Option<&str>) -> Result<Self, InitError> {
        if let Some(url) = git {
            return Ok(Self::Git(url.to_owned()));
        }

        // `cargo install --git` compiles in a folder of Cargo's own, which it may remove.
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        let checkout = here.parent().filter(|checkout| {
            checkout.join("Cargo.toml").is_file()
                && !checkout
                    .components()
                    .any(|part| part.as_os_str() == "checkouts")
        });
        checkout
            .map(|checkout| Self::Checkout(checkout.to_owned()))
            .ok_or(InitError::NoCheckout)
    }

    /// The dependency, for the package in this directory.
    pub(crate) fn dependency(&self, package: &Path, features: bool) -> InlineTable {
        let mut table = match self {
            Self::Git(url) => keyed("git", url.clone()),
            Self::Checkout(checkout) => keyed("path", relative(package, checkout)),
        };
        if !features {
            table.insert("default-features", Value::from(false));
        }
        table
    }
}

/// A dependency on a package by its directory.
pub(crate) fn on(package: &Path, other: &Path) -> InlineTable {
    keyed("path", relative(package, other))
}

fn keyed(key: &str, value: String) -> InlineTable {
    let mut table = InlineTable::new();
    table.insert(key, Value::from(value));
    table
}

pub(crate) fn parse(path: &Path, text: &str) -> Result<DocumentMut, InitError> {
    text.parse().map_err(|source| InitError::Manifest {
        path: path.to_owned(),
        source,
    })
}

/// Adds a dependency, unless one of that name is there.
pub(crate) fn add(manifest: &mut DocumentMut, name: &str, dependency: InlineTable) {
    let dependencies = manifest
        .entry("dependencies")
        .or_insert_with(|| Item::Table(Table::new()));
    if let Some(table) = dependencies.as_table_like_mut()
        && !table.contains_key(name)
    {
        table.insert(name, Item::Value(Value::InlineTable(dependency)));
    }
}

/// The way from one directory to another. Both are absolute and without links.
fn relative(from: &Path, to: &Path) -> String {
    let from: Vec<Component> = from.components().collect();
    let to: Vec<Component> = to.components().collect();
    let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();

    let up = from[shared..].iter().map(|_| "..".to_owned());
    let down = to[shared..]
        .iter()
        .map(|part| part.as_os_str().to_string_lossy().into_owned());
    let parts: Vec<_> = up.chain(down).collect();

    // As Cargo writes paths on every system.
    if parts.is_empty() {
        ".".to_owned()
    } else {
        parts.join("/")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ways_between_directories_are_relative() {
        for (from, to, way) in [
            ("/a/app/migration", "/a/app/entity", "../entity"),
            ("/a/app", "/a/sea-orm-rls", "../sea-orm-rls"),
            ("/a/app/entity", "/a/app", ".."),
            ("/a", "/a", "."),
        ] {
            assert_eq!(relative(Path::new(from), Path::new(to)), way);
        }
    }

    #[test]
    fn dependency_is_added_and_the_rest_stays() {
        let text = "[package]\nname = \"a\" # ours\n\n[dependencies]\ntokio = \"1\"\n\n\
                    [dependencies.sea-orm]\nversion = \"2\"\n";
        let mut manifest: DocumentMut = text.parse().unwrap();
        let library = Library::Git("https://x.example/r".to_owned());
        add(
            &mut manifest,
            "sea-orm-rls",
            library.dependency(Path::new("/a"), false),
        );

        assert_eq!(
            manifest.to_string(),
            text.replace(
                "tokio = \"1\"\n",
                "tokio = \"1\"\nsea-orm-rls = { git = \"https://x.example/r\", default-features = \
                 false }\n"
            )
        );
    }
}
