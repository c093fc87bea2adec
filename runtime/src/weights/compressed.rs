//! Compressed files: a network's arrays as `.nwz`.

#[cfg(feature = "train")]
mod write;

use netwright_nwz::{Archive, Array, Wanted};
#[cfg(feature = "train")]
pub use write::{Compressed, compress};

use super::error::WeightsError;
use crate::int8;
use crate::parameters::Parameters;
use crate::spec::Spec;

/// The parameters of a file, which must have exactly the network's arrays.
pub(super) fn decode(spec: &'static Spec, bytes: &[u8]) -> Result<Parameters, WeightsError> {
    parameters(spec, &Archive::parse(bytes)?)
}

/// The same, with the integers of a file for inference in them.
pub(super) fn decode_int8(
    spec: &'static Spec,
    int8: &int8::Spec,
    bytes: &[u8],
) -> Result<(Parameters, Option<int8::State>), WeightsError> {
    let archive = Archive::parse(bytes)?;
    let parameters = parameters(spec, &archive)?;
    let state = archive.ranges.is_some().then(|| int8::State::of(spec, int8, &archive)).transpose()?;
    Ok((parameters, state))
}

fn parameters(spec: &'static Spec, archive: &Archive<'_>) -> Result<Parameters, WeightsError> {
    let arrays = spec.parameters.iter().map(|parameter| (parameter.name, parameter.shape));
    archive.check(Wanted { network: spec.name, fingerprint: spec.fingerprint, arrays })?;
    let mut parameters = Parameters::new(spec)
        .map_err(|_| WeightsError::OutOfMemory { bytes: (spec.stored as u64).saturating_mul(4) })?;
    let mut arrays: Vec<&Array<'_>> = archive.arrays.iter().collect();
    arrays.sort_unstable_by_key(|array| array.name());
    let mut logical = Vec::new();
    for parameter in spec.parameters {
        let Ok(place) = arrays.binary_search_by_key(&parameter.name, |array| array.name()) else { continue };
        logical.clear();
        logical.resize(parameter.count(), 0.0);
        arrays[place].decode(&mut logical)?;
        parameters.write(parameter, &logical);
    }
    Ok(parameters)
}
