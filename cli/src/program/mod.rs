//! Programs for `.net` files: the command's own work, compiled with the file's network, then run in its place.
//!
//! A program is a package in the cache folder that depends on `netwright-run` alone. What it is made of gives it its
//! name, so that each is built once; all share one folder of builds, so that dependencies are, too.

mod cargo;
mod package;

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use netwright::data::cache;
use netwright_compiler::Compiled;
use netwright_run::program::USES;
use netwright_run::{Failure, Subject, output};

use self::package::Package;
use crate::origin::Origin;

/// The folder of the programs within the cache folder.
const PROGRAMS: &str = "programs";

/// Builds the program for a file's network and runs it with this program's own arguments.
pub(crate) fn run(subject: &Subject, compiled: &Compiled) -> Result<ExitCode, Failure> {
    let programs = cache::root()?.join(PROGRAMS);
    let programs = std::path::absolute(&programs).map_err(|error| Failure::io("find", &programs, &error))?;
    let bundled = subject.file.is_none().then_some(subject.name.as_str());
    let package = Package::of(compiled, bundled, Origin::of_this_program())?;
    let folder = programs.join(&package.name);
    package.write(&folder)?;
    start(&built(&package, &folder, &programs.join("target"), &subject.argument)?, &subject.uses)
}

/// The program's file, built if it is not there.
fn built(package: &Package, folder: &Path, builds: &Path, what: &str) -> Result<PathBuf, Failure> {
    let note = folder.join("program");
    if !package.origin.can_change()
        && let Ok(path) = std::fs::read_to_string(&note)
        && Path::new(&path).is_file()
    {
        return Ok(path.into());
    }
    let program = cargo::build(&package.name, folder, builds, what)?;
    if let Some(path) = program.to_str() {
        output::write_file(&note, path)?;
    }
    Ok(program)
}

/// Runs the program in place of this one, with the further files of its description, or, where there is no such thing, beside it.
fn start(program: &Path, uses: &[PathBuf]) -> Result<ExitCode, Failure> {
    let mut command = Command::new(program);
    let mut words = std::env::args_os().skip(1);
    // Right behind the verb, where none of the user's words can be about them.
    command.args(words.next());
    for file in uses {
        command.arg(format!("--{USES}")).arg(file);
    }
    command.args(words);
    #[cfg(unix)]
    {
        use std::os::unix::process::CommandExt;
        // It returns only if it fails.
        Err(Failure::io("run", program, &command.arg0("netwright").exec()))
    }
    #[cfg(not(unix))]
    {
        let status = command.status().map_err(|error| Failure::io("run", program, &error))?;
        let code = status.code().and_then(|code| u8::try_from(code).ok());
        Ok(code.map_or(ExitCode::FAILURE, ExitCode::from))
    }
}
