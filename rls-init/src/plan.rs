//! All changes of a project, and what is left to a person.

mod migrations;
mod words;

use std::fs;
use std::path::Path;

use crate::arguments::Arguments;
use crate::change::{Change, edited, shown};
use crate::decide::{Decision, decide, identity};
use crate::entity::Declared;
use crate::environment;
use crate::error::InitError;
use crate::manifest::{self, Library};
use crate::project::{Package, Project};

#[derive(Default)]
pub(crate) struct Plan {
    changes: Vec<Change>,
    /// What was found, and so not asked.
    found: Vec<String>,
    /// Tables whose owner a person names.
    tables: Vec<String>,
    /// What else a person does.
    steps: Vec<String>,
}

impl Plan {
    pub(crate) fn new(project: &Project, arguments: &Arguments) -> Result<Self, InitError> {
        let library = Library::of(arguments.git.as_deref())?;
        let decisions = decide(&project.entities, arguments.users.as_deref())?;

        let mut plan = Self::default();
        plan.say_identity(project, arguments)?;
        plan.environment(project)?;
        plan.entities(project, &decisions);

        // An entity that is asked about gets a derive of the library, too.
        let with_entities: Vec<&Package> = (0..project.packages.len())
            .filter(|number| {
                let mut packages = project.entities.iter().map(|entity| entity.package);
                packages.any(|package| package == *number)
            })
            .map(|number| &project.packages[number])
            .collect();
        // Migrations first: they need the features that entities do without.
        plan.migration(project, &library, &with_entities)?;
        for package in &with_entities {
            plan.manifest(package, &library, &[], false)?;
        }
        plan.connections(project, &library)?;

        Ok(plan)
    }

    /// The text of a file as it is to be.
    fn text<'a>(&'a self, path: &Path, before: &'a str) -> &'a str {
        let change = self.changes.iter().find(|change| change.path == path);
        change.map_or(before, |change| &change.after)
    }

    /// Changes a file, which may be changed already.
    fn change(&mut self, path: &Path, before: &str, after: String) {
        match self.changes.iter_mut().find(|change| change.path == path) {
            Some(change) => change.after = after,
            None => self.changes.extend(Change::new(path, before, after)),
        }
    }

    fn say_identity(&mut self, project: &Project, arguments: &Arguments) -> Result<(), InitError> {
        if let Some(users) = identity(&project.entities, arguments.users.as_deref())?
            && users.declared == Declared::Nothing
            && arguments.users.is_none()
        {
            self.found.push(format!(
                "The users are the table `{}`, by its name. If not: `--users TABLE`.",
                users.table
            ));
        }

        Ok(())
    }

    /// The `.env` that names the database, or else the project's.
    fn environment(&mut self, project: &Project) -> Result<(), InitError> {
        let read = |path: &Path| {
            if path.is_file() {
                fs::read_to_string(path).map_err(InitError::io("read", path))
            } else {
                Ok(String::new())
            }
        };

        let mut path = project.root.join(".env");
        let mut text = read(&path)?;
        for package in &project.packages {
            let other = package.directory.join(".env");
            let other_text = read(&other)?;
            if !environment::sets(&text, "DATABASE_URL")
                && environment::sets(&other_text, "DATABASE_URL")
            {
                (path, text) = (other, other_text);
            }
        }

        let change = Change::new(&path, &text, environment::with(&text));
        if change.is_some() {
            self.steps.push(format!(
                "{}: if another project uses this server too, name roles of your own, `RLS_APP_USER` and \
                 `RLS_MAINTENANCE_ADMIN`: roles belong to the whole server, and `up` sets their passwords",
                shown(&path, &project.root)
            ));
        }
        self.changes.extend(change.map(|change| Change {
            hides_values: true,
            ..change
        }));

        let ignored = read(&project.root.join(".gitignore"))?;
        let is_ignored = ignored
            .lines()
            .any(|line| matches!(line.trim(), ".env" | "/.env" | "*.env" | ".env*"));
        if project.root.join(".git").exists() && !is_ignored {
            self.steps.push(
                ".gitignore: does not name `.env`, which has passwords from now on: add it"
                    .to_owned(),
            );
        }

        Ok(())
    }

    fn entities(&mut self, project: &Project, decisions: &[Decision]) {
        for source in project.packages.iter().flat_map(|package| &package.sources) {
            let here = || {
                project
                    .entities
                    .iter()
                    .zip(decisions)
                    .filter(|(entity, _)| entity.path == source.path)
            };

            let edits = here()
                .filter_map(|(entity, decision)| match decision {
                    Decision::Derive(keys) => Some(entity.edits(keys)),
                    _ => None,
                })
                .flatten();
            let after = edited(&source.text, edits.collect());
            self.change(&source.path, &source.text, after);

            for (entity, decision) in here() {
                if let Decision::Ask(text) = decision {
                    let (path, table) = (shown(&source.path, &project.root), &entity.table);
                    self.tables.push(format!("{path}: table `{table}`: {text}"));
                }
            }
        }

        for path in &project.unread {
            self.steps.push(format!(
                "{}: is not Rust that can be read, so its entities were left alone",
                shown(path, &project.root)
            ));
        }
    }

    /// Adds the library, and packages by path, to a manifest.
    fn manifest(
        &mut self,
        package: &Package,
        library: &Library,
        others: &[&Package],
        features: bool,
    ) -> Result<(), InitError> {
        let path = package.directory.join("Cargo.toml");
        let before = package.manifest.to_string();
        let mut after = manifest::parse(&path, self.text(&path, &before))?;

        let directory = &package.directory;
        // A program may use the library's parts.
        if !package.depends("rls-migration") && !package.depends("rls-core") {
            let dependency = library.dependency(directory, features);
            manifest::add(&mut after, "sea-orm-rls", dependency);
        }
        for other in others {
            manifest::add(
                &mut after,
                &other.name,
                manifest::on(directory, &other.directory),
            );
        }

        self.change(&path, &before, after.to_string());
        Ok(())
    }

    /// Names where a service connects and migrates, which is its author's to change.
    fn connections(&mut self, project: &Project, library: &Library) -> Result<(), InitError> {
        const CONNECTS: &str = "connects as the tables' owner: a service says \
                                `RlsConnection::connect(url, RlsConfig::from_env()?)`, and each \
                                request a scope of it";
        const MIGRATES: &str = "migrates without the policies: say \
                                `RlsMigrator::new(Migrator).up(…)`";

        for package in &project.packages {
            let steps = self.steps.len();
            for source in &package.sources {
                for (number, line) in source.text.lines().enumerate() {
                    let place = format!("{}:{}", shown(&source.path, &project.root), number + 1);
                    for (call, text) in [
                        ("Database::connect(", CONNECTS),
                        ("Migrator::up(", MIGRATES),
                    ] {
                        if line.contains(call) {
                            self.steps.push(format!("{place}: {text}"));
                        }
                    }
                }
            }

            if self.steps.len() > steps {
                self.manifest(package, library, &[], false)?;
            }
        }

        Ok(())
    }

    pub(crate) fn diff(&self, root: &Path) -> String {
        self.changes
            .iter()
            .map(|change| change.diff(root))
            .collect()
    }

    pub(crate) fn write(&self) -> Result<(), InitError> {
        self.changes.iter().try_for_each(Change::write)
    }
}
