//! How many threads compute.

use std::num::NonZeroUsize;

use clap::Args;

use crate::failure::Failure;
use crate::values::positive;

/// Most threads that may be asked for.
const MOST: usize = 1024;

/// The option `--threads`.
#[derive(Debug, Clone, Copy, Args)]
pub(crate) struct Threads {
    /// Threads that compute [default: one for each processor]; results do not depend on it
    #[arg(long, value_name = "N", value_parser = positive)]
    threads: Option<NonZeroUsize>,
}

impl Threads {
    /// Starts the threads and does the work on one of them, so that it reaches the others without a detour.
    pub(crate) fn run<R: Send>(self, work: impl FnOnce() -> Result<R, Failure> + Send) -> Result<R, Failure> {
        let number = self.threads.map_or(0, NonZeroUsize::get);
        if number > MOST {
            return Err(Failure::usage(format!("--threads is {number}; expected at most {MOST}")));
        }
        let pool = rayon::ThreadPoolBuilder::new().num_threads(number).build();
        let pool = pool.map_err(|error| Failure::failed(format!("cannot start threads: {error}")))?;
        pool.install(work)
    }
}
