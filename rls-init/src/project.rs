//! The packages below a directory.

use std::fs;
use std::path::{Path, PathBuf};

use toml_edit::{DocumentMut, Item};

use crate::entity::{self, Entity};
use crate::error::InitError;
use crate::manifest;

pub(crate) struct Project {
    pub(crate) root: PathBuf,
    pub(crate) packages: Vec<Package>,
    pub(crate) entities: Vec<Entity>,
    /// Sources that hold an entity and cannot be read.
    pub(crate) unread: Vec<PathBuf>,
}

pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) directory: PathBuf,
    pub(crate) manifest: DocumentMut,
    pub(crate) sources: Vec<Source>,
}

pub(crate) struct Source {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

impl Project {
    pub(crate) fn read(directory: &Path) -> Result<Self, InitError> {
        let root = fs::canonicalize(directory).map_err(InitError::io("open", directory))?;
        let mut packages = Vec::new();
        packages_in(&root, &mut packages)?;

        packages.iter().try_for_each(Package::refuse_old_seaorm)?;
        if !packages.iter().any(|package| package.depends("sea-orm")) {
            return Err(InitError::NoSeaOrm { directory: root });
        }

        let mut project = Self {
            root,
            packages,
            entities: Vec::new(),
            unread: Vec::new(),
        };
        project.read_entities();

        Ok(project)
    }

    fn read_entities(&mut self) {
        for (number, package) in self.packages.iter().enumerate() {
            for source in &package.sources {
                let names_one = source.text.contains("DeriveEntityModel")
                    || source.text.contains("DeriveModel");
                if !names_one {
                    continue;
                }

                match entity::read(&source.path, &source.text, number) {
                    Ok(entities) => self.entities.extend(entities),
                    Err(_) => self.unread.push(source.path.clone()),
                }
            }
        }
    }

    /// Whether a package needs another, also through others.
    pub(crate) fn needs(&self, package: &Package, other: &Package) -> bool {
        let below = |path: &Path| {
            self.packages
                .iter()
                .find(|package| package.directory == path)
        };

        let mut seen: Vec<&Path> = Vec::new();
        let mut next = vec![package];
        while let Some(package) = next.pop() {
            if package.directory == other.directory {
                return true;
            }
            if !seen.contains(&package.directory.as_path()) {
                seen.push(&package.directory);
                let paths = package.paths();
                next.extend(paths.iter().filter_map(|path| below(path)));
            }
        }

        false
    }
}

impl Package {
    fn dependencies(&self) -> impl Iterator<Item = (&str, &Item)> {
        self.manifest
            .get("dependencies")
            .and_then(Item::as_table_like)
            .into_iter()
            .flat_map(|table| table.iter())
    }

    pub(crate) fn depends(&self, name: &str) -> bool {
        self.dependencies().any(|(key, _)| key == name)
    }

    /// The directories of the packages that it names by path.
    fn paths(&self) -> Vec<PathBuf> {
        self.dependencies()
            .filter_map(|(_, item)| item.get("path")?.as_str())
            .filter_map(|path| fs::canonicalize(self.directory.join(path)).ok())
            .collect()
    }

    pub(crate) fn source(&self, path: &str) -> Option<&Source> {
        let path = self.directory.join(path);
        self.sources.iter().find(|source| source.path == path)
    }

    /// The root of its library, if it has one.
    pub(crate) fn library(&self) -> Option<&Source> {
        let named = self
            .manifest
            .get("lib")
            .and_then(|lib| lib.get("path")?.as_str());
        self.source(named.unwrap_or("src/lib.rs"))
    }

    /// Its name in Rust.
    pub(crate) fn ident(&self) -> String {
        let named = self
            .manifest
            .get("lib")
            .and_then(|lib| lib.get("name")?.as_str());
        named.unwrap_or(&self.name).replace('-', "_")
    }

    fn refuse_old_seaorm(&self) -> Result<(), InitError> {
        let shared = self
            .manifest
            .get("workspace")
            .and_then(|workspace| workspace.get("dependencies"));
        let tables = [self.manifest.get("dependencies"), shared];

        let version = tables.into_iter().flatten().find_map(|table| {
            let item = table.get("sea-orm")?;
            item.as_str()
                .or_else(|| item.get("version").and_then(Item::as_str))
        });

        match version {
            Some(version)
                if version
                    .trim_start_matches(['=', '^', '~', ' '])
                    .starts_with(['0', '1']) =>
            {
                Err(InitError::OldSeaOrm {
                    manifest: self.directory.join("Cargo.toml"),
                    version: version.to_owned(),
                })
            }
            _ => Ok(()),
        }
    }
}

/// Reads the package of a directory, if it is one, and those below it.
fn packages_in(directory: &Path, packages: &mut Vec<Package>) -> Result<(), InitError> {
    let path = directory.join("Cargo.toml");
    if path.is_file() {
        let text = fs::read_to_string(&path).map_err(InitError::io("read", &path))?;
        let manifest = manifest::parse(&path, &text)?;
        let name = manifest
            .get("package")
            .and_then(|package| package.get("name")?.as_str());

        let mut sources = Vec::new();
        sources_in(directory, &mut sources)?;
        packages.push(Package {
            name: name.unwrap_or_default().to_owned(),
            directory: directory.to_owned(),
            manifest,
            sources,
        });
    }

    for entry in entries(directory)? {
        if entry.is_dir() {
            packages_in(&entry, packages)?;
        }
    }

    Ok(())
}

/// The sources of the package of this directory.
fn sources_in(directory: &Path, sources: &mut Vec<Source>) -> Result<(), InitError> {
    for entry in entries(directory)? {
        if entry.is_dir() && !entry.join("Cargo.toml").is_file() {
            sources_in(&entry, sources)?;
        } else if entry.extension().is_some_and(|end| end == "rs") {
            let text = fs::read_to_string(&entry).map_err(InitError::io("read", &entry))?;
            sources.push(Source { path: entry, text });
        }
    }

    Ok(())
}

/// Files and directories, by name. Links are not followed, so nothing outside is read or written.
fn entries(directory: &Path) -> Result<Vec<PathBuf>, InitError> {
    let error = |error| InitError::io("read", directory)(error);
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).map_err(error)? {
        let entry = entry.map_err(error)?;
        let name = entry.file_name();
        let skipped = name.to_str().is_none_or(|name| {
            name.starts_with('.') || matches!(name, "target" | "node_modules" | "tests" | "benches")
        });
        let is_link = entry.file_type().map_err(error)?.is_symlink();

        if !skipped && !is_link {
            found.push(entry.path());
        }
    }

    found.sort();
    Ok(found)
}
