//! A training run's folder: where it is, what is written there, and what is read from it.

pub(crate) mod curve;
pub(crate) mod folder;
pub(crate) mod manifest;
pub(crate) mod progress;
pub(crate) mod svg;
pub(crate) mod weights;
