//! Which network a command line means, and its compilation.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use netwright_compiler::diagnostic::{Sink, Style, explanations, render_all};
use netwright_compiler::source::{SourceId, SourceMap};
use netwright_compiler::{Compiled, Settings, compile};
use netwright_files::{Disk, FileError, Loaded, load_bundled, load_path};
use netwright_run::{Failure, Subject, Task, Values, output};

use crate::{program, registry};

/// A network of the command line: bundled, or a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Network {
    /// Its name.
    Bundled(&'static str),
    /// Its path.
    File(PathBuf),
}

/// A network of the command line, with values for its parameters.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Chosen {
    /// A bundled network by name, or the path of a `.net` file
    #[arg(value_name = "NET", value_parser = parse)]
    pub(crate) network: Network,
    #[command(flatten)]
    pub(crate) values: Values,
}

/// Reads `lenet`, `<lenet>` or the path of a `.net` file. A file that is called like a bundled network is reached as
/// `./lenet`.
pub(crate) fn parse(text: &str) -> Result<Network, String> {
    let inner = text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>'));
    if let Some(bundled) = netwright_models::get(inner.unwrap_or(text)) {
        return Ok(Network::Bundled(bundled.name));
    }
    let path = Path::new(text);
    let is_path = text.contains(['/', '\\']) || path.extension().is_some_and(|extension| extension == "net");
    if inner.is_none() && (is_path || path.exists()) {
        return Ok(Network::File(path.to_owned()));
    }
    match load_bundled(inner.unwrap_or(text)) {
        Err(error) => Err(format!("{error}; a file is given by its path, such as nets/mine.net")),
        Ok(loaded) => Err(format!("{} is not in this program", loaded.name)),
    }
}

/// What a text compiles to, with what there is to say about it.
pub(crate) struct Checked {
    pub(crate) map: SourceMap,
    /// The text in the map.
    pub(crate) source: SourceId,
    pub(crate) sink: Sink,
    /// `None` if there are errors.
    pub(crate) compiled: Option<Compiled>,
    /// What messages call the text.
    pub(crate) name: String,
    /// The file it is in, absolute and without links; `None` for a bundled text.
    pub(crate) path: Option<PathBuf>,
    /// Further files of the user's that were read, absolute.
    pub(crate) uses: Vec<PathBuf>,
}

impl Network {
    /// Reads the text.
    pub(crate) fn load(&self) -> Result<Loaded, FileError> {
        match self {
            Self::Bundled(name) => load_bundled(name),
            Self::File(path) => load_path(path, None),
        }
    }

    /// Reads and compiles the text; `deny` names lints that are errors where the text says nothing of them.
    pub(crate) fn check(&self, values: &Values, deny: &[String]) -> Result<Checked, FileError> {
        let Loaded { name, text, path } = self.load()?;
        Ok(Checked::of(name, path, text, values, deny))
    }

    /// The bundled name, or the file's.
    pub(crate) fn label(&self) -> String {
        match self {
            Self::Bundled(name) => (*name).to_owned(),
            Self::File(path) => path.display().to_string(),
        }
    }
}

impl Chosen {
    /// Compiles the text and prints what there is to say about it.
    pub(crate) fn compile(&self) -> Result<Compiled, Failure> {
        self.compile_files().map(|(compiled, _)| compiled)
    }

    /// The same, with the further files that were read.
    fn compile_files(&self) -> Result<(Compiled, Vec<PathBuf>), Failure> {
        if let Some(name) = self.values.twice() {
            return Err(Failure::usage(format!("parameter `{name}` is set twice")));
        }
        let checked = self.network.check(&self.values, &[]).map_err(|error| Failure::because(&error))?;
        checked.tell();
        let Checked { name, sink, compiled, uses, .. } = checked;
        let compiled = compiled.ok_or_else(|| {
            let is_library = !sink.has_errors();
            let problem = if is_library { "has blocks or constants and no network" } else { "does not compile" };
            Failure::failed(format!("{name} {problem}"))
        });
        Ok((compiled?, uses))
    }

    /// Does a task with the network: with the one that is compiled in, or with a program that is built for it.
    pub(crate) fn perform(&self, task: &Task) -> Result<ExitCode, Failure> {
        if self.values.pairs.is_empty()
            && let Network::Bundled(name) = self.network
            && let Some(done) = registry::perform(name, task)
        {
            return done;
        }
        let (compiled, uses) = self.compile_files()?;
        let subject = self.subject().using(uses);
        if compiled.training.is_none()
            && let Some(failure) = task.needs_training(&subject)
        {
            return Err(failure);
        }
        let inputs = compiled.graph.inputs.iter().map(|&input| compiled.graph.value(input).name.as_str());
        if let Some(failure) = task.needs_one_input(&subject, &inputs.collect::<Vec<_>>()) {
            return Err(failure);
        }
        program::run(&subject, &compiled)
    }

    /// The network as the command line names it.
    pub(crate) fn subject(&self) -> Subject {
        let subject = match &self.network {
            Network::Bundled(name) => Subject::bundled(name),
            Network::File(path) => Subject::file(path),
        };
        subject.with(&self.values)
    }
}

impl Checked {
    /// Compiles a text.
    pub(crate) fn of(name: String, path: Option<PathBuf>, text: String, values: &Values, deny: &[String]) -> Self {
        let (mut map, mut sink) = (SourceMap::new(), Sink::new());
        let source = map.add(name.as_str(), text);
        let mut sources = if path.is_some() { Disk::beside(Path::new(&name), None) } else { Disk::bundled() };
        let (words, deny) = (values.pairs.clone(), deny.to_vec());
        let settings = Settings { library: true, words, deny, ..Settings::default() };
        let compiled = compile(source, &mut map, &settings, &mut sources, &mut sink);
        Self { map, source, sink, compiled, name, path, uses: sources.opened().to_vec() }
    }

    /// Prints the diagnostics, with colours where they are shown.
    pub(crate) fn tell(&self) {
        output::tell(&render_all(&self.sink, &self.map, Style::Ansi));
        if let Some(line) = explanations(&self.sink) {
            output::note(&format!("\n{line}"));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_paths_are_told_apart() {
        assert_eq!(parse("lenet"), Ok(Network::Bundled("lenet")));
        assert_eq!(parse("<lenet5>"), Ok(Network::Bundled("lenet5")));
        assert_eq!(parse("./lenet"), Ok(Network::File("./lenet".into())));
        assert_eq!(parse("mine.net"), Ok(Network::File("mine.net".into())));
        let message = parse("lenett").unwrap_err();
        assert!(message.starts_with("no bundled network is called <lenett>; did you mean <lenet>?"), "{message}");
        assert!(parse("<mine.net>").is_err());
    }
}
