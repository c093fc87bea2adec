//! What every generated network holds: its parameters and the arenas that its threads work in.

use std::sync::{Mutex, PoisonError};

use netwright_kernels::AlignedVec;

use crate::error::Error;
use crate::parameters::Parameters;
use crate::spec::Spec;

/// The single field of a generated network.
#[derive(Debug)]
pub struct Core {
    parameters: Parameters,
    arenas: ArenaPool,
}

impl Core {
    /// Parameters as the description initialises them; the same for the same seed.
    ///
    /// # Panics
    ///
    /// If memory for the parameters cannot be had.
    #[must_use]
    pub fn new(spec: &'static Spec, seed: u64) -> Self {
        Self::from_parameters(Parameters::initialised(spec, seed))
    }

    /// A network over these parameters.
    #[must_use]
    pub fn from_parameters(parameters: Parameters) -> Self {
        Self { parameters, arenas: ArenaPool::default() }
    }

    /// The parameters.
    #[must_use]
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// The parameters, to change them.
    pub fn parameters_mut(&mut self) -> &mut Parameters {
        &mut self.parameters
    }

    /// The arenas that inference and evaluation work in.
    pub(crate) fn arenas(&self) -> &ArenaPool {
        &self.arenas
    }
}

impl Clone for Core {
    fn clone(&self) -> Self {
        Self::from_parameters(self.parameters.clone())
    }
}

/// Arenas waiting for a worker: as many as threads ever worked at the same time, so that a later call allocates none.
#[derive(Debug, Default)]
pub(crate) struct ArenaPool {
    free: Mutex<Vec<AlignedVec>>,
}

impl ArenaPool {
    /// Lends an arena of at least `len` floats to `work` and takes it back. Its contents are whatever was left there.
    pub(crate) fn with<R>(&self, len: usize, work: impl FnOnce(&mut [f32]) -> R) -> Result<R, Error> {
        let kept = self.lock().pop();
        let mut arena = match kept {
            Some(arena) if arena.len() >= len => arena,
            _ => AlignedVec::zeroed(len).map_err(|_| Error::OutOfMemory { floats: len })?,
        };
        let result = work(&mut arena);
        self.lock().push(arena);
        Ok(result)
    }

    /// Whether none has been lent yet, or all are lent.
    pub(crate) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Sees to it that `count` arenas of at least `len` floats wait, so that as many workers find one without allocating.
    pub(crate) fn reserve(&self, count: usize, len: usize) -> Result<(), Error> {
        let mut free = self.lock();
        free.retain(|arena| arena.len() >= len);
        let missing = count.saturating_sub(free.len());
        free.reserve(missing);
        for _ in 0..missing {
            free.push(AlignedVec::zeroed(len).map_err(|_| Error::OutOfMemory { floats: len })?);
        }
        Ok(())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<AlignedVec>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
