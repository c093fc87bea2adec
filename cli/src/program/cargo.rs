//! Building a package by cargo: quietly where it is built already, with a line of progress where it is not.

use std::ffi::OsString;
use std::io::{self, BufRead, BufReader, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use indicatif::ProgressBar;
use netwright_run::{Failure, output};
use serde::Deserialize;

use super::package::PROFILE;

/// Most lines of cargo's errors that are shown.
const MOST_LINES: usize = 60;

/// What cargo said.
struct Said {
    good: bool,
    /// Its messages as JSON.
    stdout: String,
    stderr: Vec<String>,
}

/// The part of cargo's messages that tells where a program is.
#[derive(Deserialize)]
struct Artifact {
    reason: String,
    target: Option<Named>,
    executable: Option<PathBuf>,
}

#[derive(Deserialize)]
struct Named {
    name: String,
}

/// Builds the package of that name in `folder`, with `builds` for cargo's target folder, and gives its program's file.
/// `what` is what the user wants built.
pub(super) fn build(name: &str, folder: &Path, builds: &Path, what: &str) -> Result<PathBuf, Failure> {
    let mut progress = Progress { what, is_first: !builds.exists(), begun: false, bar: None };
    // Nearly always everything is on this machine, and asking the registry takes time.
    let mut said = cargo(folder, builds, true, &mut progress)?;
    let is_compiled = |said: &Said| !said.stderr.iter().any(|line| line.contains("could not compile"));
    if !said.good && is_compiled(&said) {
        said = cargo(folder, builds, false, &mut progress)?;
    }
    progress.end();
    if !said.good {
        return Err(Failure::failed(format!("cannot build {what}: cargo failed\n{}", errors(&said.stderr)))
            .help("the description itself is right; without a network, cargo needs the dependencies in its cache"));
    }
    program(name, &said.stdout).ok_or_else(|| Failure::failed(format!("cargo has built {what}, but tells no program")))
}

/// The file of the program of that name, from cargo's messages.
fn program(name: &str, messages: &str) -> Option<PathBuf> {
    messages.lines().filter_map(|line| serde_json::from_str::<Artifact>(line).ok()).find_map(|artifact| {
        let is_it = artifact.reason == "compiler-artifact" && artifact.target.is_some_and(|target| target.name == name);
        artifact.executable.filter(|_| is_it)
    })
}

/// The end of what cargo said, without its progress, indented.
fn errors(stderr: &[String]) -> String {
    let is_progress =
        |line: &str| ["Compiling ", "Locking ", "Adding ", "Updating "].iter().any(|verb| line.starts_with(verb));
    let lines: Vec<&String> = stderr.iter().filter(|line| !is_progress(line.trim_start())).collect();
    let shown = lines.iter().skip(lines.len().saturating_sub(MOST_LINES));
    shown.map(|line| format!("    {line}")).collect::<Vec<_>>().join("\n")
}

fn cargo(folder: &Path, builds: &Path, offline: bool, progress: &mut Progress<'_>) -> Result<Said, Failure> {
    // The cargo that has started this program, if one has.
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
    let mut command = Command::new(&cargo);
    command.args(["build", "--profile", PROFILE, "--message-format", "json-render-diagnostics", "--color", "never"]);
    command.args(offline.then_some("--offline")).arg("--target-dir").arg(builds);
    // In its own folder, so that no settings of the current one are meant for it.
    command.current_dir(folder).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Failure::failed(format!(
            "cannot build {}: there is no cargo, which compiles networks of files",
            progress.what
        ))
        .help("install Rust (https://rustup.rs); the bundled networks need none"),
        _ => Failure::io("run", Path::new(&cargo), &error),
    })?;
    let broken = |error: io::Error| Failure::io("listen to", Path::new(&cargo), &error);
    // Both are read at once: cargo waits where one of them is full.
    let stdout = child.stdout.take().map(|mut pipe| {
        std::thread::spawn(move || {
            let mut text = String::new();
            pipe.read_to_string(&mut text).map(|_| text)
        })
    });
    let mut stderr = Vec::new();
    for line in child.stderr.take().into_iter().flat_map(|pipe| BufReader::new(pipe).lines()) {
        let line = line.map_err(broken)?;
        progress.line(&line);
        stderr.push(line);
    }
    let stdout = match stdout.map(std::thread::JoinHandle::join) {
        Some(Ok(text)) => text.map_err(broken)?,
        _ => String::new(),
    };
    let good = child.wait().map_err(broken)?.success();
    Ok(Said { good, stdout, stderr })
}

/// Tells that something is built, once something is, and on a terminal what.
struct Progress<'a> {
    what: &'a str,
    /// Whether the dependencies are built, too.
    is_first: bool,
    begun: bool,
    bar: Option<ProgressBar>,
}

impl Progress<'_> {
    fn line(&mut self, line: &str) {
        let Some(package) = line.trim_start().strip_prefix("Compiling ") else { return };
        if !self.begun {
            let first = if self.is_first { " (the first time, with all that it needs: some minutes)" } else { "" };
            output::note(&format!("building {}{first}", self.what));
            self.bar = io::stderr().is_terminal().then(ProgressBar::new_spinner);
            self.begun = true;
        }
        if let Some(bar) = &self.bar {
            bar.enable_steady_tick(Duration::from_millis(120));
            bar.set_message(package.to_owned());
        }
    }

    fn end(&mut self) {
        if let Some(bar) = self.bar.take() {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_is_found_among_cargos_messages() {
        let messages = r#"{"reason":"compiler-artifact","target":{"name":"other"},"executable":"/other"}
not json
{"reason":"compiler-artifact","target":{"name":"mine"},"executable":null}
{"reason":"compiler-artifact","target":{"name":"mine"},"executable":"/mine"}
{"reason":"build-finished","success":true}"#;
        assert_eq!(program("mine", messages), Some("/mine".into()));
        assert_eq!(program("none", messages), None);
    }

    #[test]
    fn errors_are_shown_without_progress() {
        let said = ["   Compiling a v1.0.0", "error: no such thing", "  caused by: that"].map(str::to_owned);
        assert_eq!(errors(&said), "    error: no such thing\n      caused by: that");
    }
}
