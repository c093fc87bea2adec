//! The compiler's `use` statements on disk: bundled files by name, others by their path below a folder.

use std::path::{Component, Path, PathBuf};

use netwright_compiler::Sources;
use netwright_compiler::diagnostic::{escape, suggest};
use netwright_compiler::program::{Refusal, Text};
use netwright_compiler::syntax::ast::UseTarget;

use crate::{FileError, load_bundled, load_path};

/// Finds what a description uses, and keeps track of the files that it opens.
#[derive(Debug, Clone, Default)]
pub struct Disk {
    /// The folder of the description; `None` if it has none, as a bundled one.
    folder: Option<PathBuf>,
    /// What no path may leave; the folder of the description if there is none.
    root: Option<PathBuf>,
    /// The folder as messages name it.
    shown: PathBuf,
    /// The file of the description.
    file: Option<PathBuf>,
    opened: Vec<PathBuf>,
}

impl Disk {
    /// Sources for a bundled description, which uses bundled files only.
    #[must_use]
    pub fn bundled() -> Self {
        Self::default()
    }

    /// Sources for a description in `folder`. With a `root`, no link may lead out of it; else none may lead out of the
    /// folder.
    #[must_use]
    pub fn below(folder: &Path, root: Option<&Path>) -> Self {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        Self { folder: Some(folder.to_owned()), root: root.map(Path::to_owned), ..Self::default() }
    }

    /// Sources for the description at `path`.
    #[must_use]
    pub fn beside(path: &Path, root: Option<&Path>) -> Self {
        // A link to a description has its neighbours where it leads to.
        let real = path.canonicalize().unwrap_or_else(|_| path.to_owned());
        let below = Self::below(real.parent().unwrap_or(Path::new(".")), root);
        let is_link = path.symlink_metadata().is_ok_and(|found| found.is_symlink());
        // With a root, files are named by their path below it.
        let shown = if root.is_some() {
            Path::new("")
        } else {
            if is_link { &real } else { path }.parent().unwrap_or(Path::new(""))
        };
        Self { shown: shown.to_owned(), file: Some(real), ..below }
    }

    /// The absolute paths of the files that were opened, each once, for tracking changes.
    #[must_use]
    pub fn opened(&self) -> &[PathBuf] {
        &self.opened
    }

    fn path(&mut self, from: &str, path: &str) -> Result<Text, Refusal> {
        let folder = match from {
            main if main == self.key() => self.folder.clone(),
            bundled if bundled.starts_with('<') => None,
            file => Path::new(file).parent().map(Path::to_owned),
        };
        let Some(folder) = folder else {
            let title = format!("{path:?} cannot be used here: this description is no file of its own");
            return Err(refusal(title, "use a bundled file, such as `use <fire>;`"));
        };
        let relative = Path::new(path);
        let is_plain = |part: Component<'_>| matches!(part, Component::Normal(_) | Component::CurDir);
        if relative.is_absolute() || path.is_empty() || path.contains('\\') || !relative.components().all(is_plain) {
            let title = format!("{path:?} does not lead to a file below this one's folder");
            return Err(refusal(
                title,
                "a path starts at the folder of this file, and has `/` between its parts and no `..`",
            ));
        }
        let root = self.root.clone().or_else(|| self.folder.clone());
        let loaded = load_path(&folder.join(relative), root.as_deref()).map_err(|error| match error {
            FileError::NotFound { .. } if let Some(refusal) = self.seen_from_above(&folder, relative) => refusal,
            FileError::NotFound { suggestion: None, bundled: Some(near), .. } => {
                meant(format!("`{}` does not exist", escape(path)), Some(near), String::new)
            }
            error => refusal_of(&error.to_string().replace(&format!("{}/", folder.display()), "")),
        })?;
        let absolute = loaded.path.unwrap_or_default();
        if !self.opened.contains(&absolute) {
            self.opened.push(absolute.clone());
        }
        let name = match self.shown.to_str() {
            None | Some("" | ".") => loaded.name,
            Some(_) => self.shown.join(loaded.name).display().to_string(),
        };
        Ok(Text { key: absolute.to_string_lossy().into_owned(), name, text: loaded.text })
    }

    /// The refusal of a path that leads to a file from the folder of the description, and not from that of the file.
    fn seen_from_above(&self, folder: &Path, path: &Path) -> Option<Refusal> {
        let above = self.folder.as_ref()?.canonicalize().ok()?;
        let found =
            above.join(path).canonicalize().ok().filter(|found| found.starts_with(&above) && found.is_file())?;
        let title = format!("`{}` does not exist in the folder of this file", escape(&path.display().to_string()));
        let Ok(below) = found.strip_prefix(folder.canonicalize().ok()?) else {
            let help = "a path starts there, and leads to files below it: put both into one folder";
            return Some(refusal(title, help));
        };
        let instead = format!("\"{}\"", below.to_str()?.replace('\\', "/"));
        let help = format!("a path starts there, not at the folder of the network: write `{instead}`");
        Some(Refusal { title, help: Some(help), instead: Some(instead) })
    }
}

impl Sources for Disk {
    fn key(&self) -> String {
        self.file.as_ref().map_or_else(String::new, |file| file.to_string_lossy().into_owned())
    }

    fn load(&mut self, from: &str, target: &UseTarget) -> Result<Text, Refusal> {
        match target {
            UseTarget::Bundled(name) => {
                let loaded = load_bundled(name).map_err(|_| unknown(name))?;
                Ok(Text { key: loaded.name.clone(), name: loaded.name, text: loaded.text })
            }
            UseTarget::Path(path) => self.path(from, path),
        }
    }

    fn labels(&mut self, from: &str, target: &UseTarget) -> Result<Text, Refusal> {
        match target {
            UseTarget::Bundled(name) => match netwright_models::labels(name) {
                Some(text) => {
                    let key = format!("<{name}>");
                    Ok(Text { name: key.clone(), key, text: text.to_owned() })
                }
                None => {
                    let known = || netwright_models::LABELS.iter().map(|(known, _)| *known);
                    let title = format!("no bundled labels are called <{}>", escape(name));
                    let list = known().collect::<Vec<_>>().join(">, <");
                    Err(meant(title, suggest(name, known()), || format!("the bundled labels: <{list}>")))
                }
            },
            UseTarget::Path(path) => self.path(from, path),
        }
    }
}

fn refusal(title: String, help: &str) -> Refusal {
    Refusal { title, help: Some(help.to_owned()), instead: None }
}

fn refusal_of(problem: &str) -> Refusal {
    Refusal { title: problem.to_owned(), help: None, instead: None }
}

/// A refusal of a bundled name, with the one that is near it, or else another help.
fn meant(title: String, near: Option<&str>, other: impl FnOnce() -> String) -> Refusal {
    let instead = near.map(|near| format!("<{near}>"));
    Refusal { title, help: near.is_none().then(other), instead }
}

/// No bundled file has the name.
fn unknown(name: &str) -> Refusal {
    let near = suggest(name, netwright_models::ALL.iter().map(|bundled| bundled.name));
    let blocks = || netwright_models::ALL.iter().filter(|bundled| !bundled.is_network).map(|bundled| bundled.name);
    let other = || format!("the bundled files of blocks: <{}>", blocks().collect::<Vec<_>>().join(">, <"));
    meant(format!("no bundled file is called <{}>", escape(name)), near, other)
}
