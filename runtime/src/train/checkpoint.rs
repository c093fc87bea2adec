//! Checkpoints: all that a run needs to go on as if it had never stopped.

use std::fmt;

use crate::weights::WeightsError;

/// Why a run cannot be resumed from a checkpoint.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The file is damaged, or has other arrays.
    #[error(transparent)]
    File(#[from] WeightsError),
    /// What it says of the run cannot be understood.
    #[error("its description of the run is damaged: {reason}")]
    Run {
        /// What the parser says.
        reason: String,
    },
    /// It belongs to a run with other settings or other data.
    #[error("it belongs to another run:{}", Listed(differences))]
    OtherRun {
        /// Every difference.
        differences: Vec<RunDifference>,
    },
}

/// A setting in which a checkpoint's run and this one differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunDifference {
    /// The setting, as the `train` section spells it, or what of the data differs.
    pub setting: String,
    /// This run's value.
    pub expected: String,
    /// The checkpoint's.
    pub found: String,
}

struct Listed<'a>(&'a [RunDifference]);

impl fmt::Display for Listed<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|RunDifference { setting, expected, found }| {
            write!(f, "\n  {setting}: expected {expected}, found {}", found.escape_debug())
        })
    }
}
