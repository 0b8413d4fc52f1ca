use super::Plan;
use crate::change::shown;
use crate::error::InitError;
use crate::manifest::Library;
use crate::migration::{self, Program};
use crate::project::{Package, Project};

impl Plan {
    /// Wraps the migrators, and links the entities to them.
    pub(super) fn migration(
        &mut self,
        project: &Project,
        library: &Library,
        with_entities: &[&Package],
    ) -> Result<(), InitError> {
        let mut has_program = false;
        for package in &project.packages {
            if !package.depends("sea-orm-migration") {
                continue;
            }

            let mut is_program = false;
            for source in &package.sources {
                match migration::wrap(&source.text) {
                    Program::None => continue,
                    Program::Wrapped => {}
                    Program::Wrap(after) => self.change(&source.path, &source.text, after),
                }
                is_program = true;
            }

            if is_program {
                has_program = true;
                self.link(project, package, library, with_entities)?;
            }
        }

        if !has_program {
            self.steps.push(
                "no program calls `cli::run_cli(Migrator)` once: put `RlsMigrator::new(…)` of \
                 `sea_orm_rls::migration` around the migrator where it runs"
                    .to_owned(),
            );
        }

        Ok(())
    }

    /// Makes the migration crate depend on the entities, and name them once.
    fn link(
        &mut self,
        project: &Project,
        package: &Package,
        library: &Library,
        with_entities: &[&Package],
    ) -> Result<(), InitError> {
        let mut others = Vec::new();
        for other in with_entities
            .iter()
            .copied()
            .filter(|other| other.directory != package.directory)
        {
            let (name, root) = (&other.name, shown(&package.directory, &project.root));
            if other.library().is_none() {
                self.steps.push(format!(
                    "{root}: cannot link the entities of `{name}`, which is a program: move them to a \
                     library"
                ));
            } else if project.needs(other, package) {
                self.steps.push(format!(
                    "{root}: cannot link the entities of `{name}`, which depends on it: move them to a \
                     library of their own"
                ));
            } else {
                others.push(other);
            }
        }

        self.manifest(package, library, &others, true)?;

        let is_named = |other: &&Package| {
            let ident = other.ident();
            package
                .sources
                .iter()
                .any(|source| migration::names(&source.text, &ident))
        };
        let unnamed: Vec<_> = others
            .iter()
            .filter(|other| !is_named(other))
            .map(|other| other.ident())
            .collect();
        let root = package.library().or_else(|| package.source("src/main.rs"));
        if let Some(source) = root.filter(|_| !unnamed.is_empty())
            && let Some(after) = migration::link(self.text(&source.path, &source.text), &unnamed)
        {
            self.change(&source.path, &source.text, after);
        }

        Ok(())
    }
}
