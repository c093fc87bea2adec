//! What every generated network holds: its parameters and the arenas that its threads work in.

use std::sync::{Arc, Mutex, PoisonError};

use netwright_kernels::AlignedVec;
use netwright_kernels::dense::Dense;
use netwright_kernels::sparse::Sparse;

use crate::error::Error;
use crate::int8::State;
use crate::parameters::Parameters;
use crate::spec::Spec;

/// The single field of a generated network.
#[derive(Debug)]
pub struct Core {
    parameters: Parameters,
    /// The integers of the same numbers, of a network that predicts in them.
    int8: Option<Arc<State>>,
    arenas: ArenaPool,
    /// The sparse forms of dense layers; none once parameters have been lent to be changed.
    sparse: Vec<Option<Sparse>>,
}

/// The sparse forms of a network's dense layers, by their places in what [`Core::with_sparse`] was given.
#[derive(Debug, Clone, Copy)]
pub struct SparseLayers<'a>(&'a [Option<Sparse>]);

impl<'a> SparseLayers<'a> {
    /// That of one layer: none where too many of its weights are not zero, or where they may have changed.
    #[must_use]
    pub fn get(self, layer: usize) -> Option<&'a Sparse> {
        self.0.get(layer)?.as_ref()
    }
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
        Self { parameters, int8: None, arenas: ArenaPool::default(), sparse: Vec::new() }
    }

    /// The same with the sparse forms of some dense layers, each given with the place of its weights in the stored vector,
    /// where they are worth it.
    ///
    /// # Panics
    ///
    /// If a place is not within the vector, or not as long as the layer's weights, which the compiler rules out.
    #[must_use]
    pub fn with_sparse(mut self, layers: &[(Dense, std::ops::Range<usize>)]) -> Self {
        let values = self.parameters.values();
        self.sparse = layers.iter().map(|(layer, weights)| Sparse::of(layer, &values[weights.clone()])).collect();
        self
    }

    /// A network over these parameters that predicts in these integers, if there are any.
    #[must_use]
    pub(crate) fn with_int8(parameters: Parameters, int8: Option<State>) -> Self {
        Self { int8: int8.map(Arc::new), ..Self::from_parameters(parameters) }
    }

    /// Whether the network predicts in integers.
    #[must_use]
    pub fn is_int8(&self) -> bool {
        self.int8.is_some()
    }

    /// The integers that the network predicts in.
    pub(crate) fn int8(&self) -> Option<&State> {
        self.int8.as_deref()
    }

    /// The parameters.
    #[must_use]
    pub fn parameters(&self) -> &Parameters {
        &self.parameters
    }

    /// The parameters, to change them. Predictions go by floats, and by the dense form of all layers, from then on.
    pub fn parameters_mut(&mut self) -> &mut Parameters {
        self.int8 = None;
        self.sparse.clear();
        &mut self.parameters
    }

    /// The sparse forms of dense layers.
    pub(crate) fn sparse(&self) -> SparseLayers<'_> {
        SparseLayers(&self.sparse)
    }

    /// The arenas that inference and evaluation work in.
    pub(crate) fn arenas(&self) -> &ArenaPool {
        &self.arenas
    }
}

impl Clone for Core {
    fn clone(&self) -> Self {
        let (int8, sparse) = (self.int8.clone(), self.sparse.clone());
        Self { int8, sparse, ..Self::from_parameters(self.parameters.clone()) }
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
